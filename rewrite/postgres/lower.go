package postgres

import (
	"strings"

	"github.com/sqlc-dev/oliphant/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// maxTree bounds the depth of the tree. Chains of left-associative operators
// and of UNION are as deep as they are long without any bracket, and whatever
// walks the tree recursively must not meet the end of its stack.
const maxTree = 2000

// lowerer turns one parsed text into statement trees. It is used once.
//
// Methods that lower an expression return it together with the run of tokens
// it covers, without parentheses around it; the run is unknown where it cannot
// be established exactly, and the node then has no span.
type lowerer struct {
	t     *tokens
	depth int
}

// refusal carries an error out of the recursion.
type refusal struct{ err error }

func (l *lowerer) enter() {
	l.depth++
	if l.depth > maxTree {
		panic(refusal{&rewrite.UnsupportedError{
			Pos: -1, Reason: rewrite.ReasonTooDeep,
			Hint: "write it with shorter chains of operators or set operations",
		}})
	}
}

func (l *lowerer) leave() { l.depth-- }

// text returns the string of a String node, and "" for others.
func text(n *ast.Node) string {
	if s, ok := n.GetNode().(*ast.Node_String_); ok {
		return s.String_.GetSval()
	}
	return ""
}

// ident makes the name whose token is at i; without a span where another
// token stands there.
func (l *lowerer) ident(name string, i int) rewrite.Ident {
	if l.t.isName(i) && strings.EqualFold(l.t.list[i].Text, name) {
		return rewrite.Ident{
			Name: name, Quoted: l.t.list[i].Kind == rewrite.TokQuoted,
			Span: l.t.span(reachOf(i, l.t.name(i)-1)),
		}
	}
	return rewrite.Ident{Name: name}
}

// path makes the names of a dotted name that begins at token i. The run is
// unknown where the tokens do not fit.
func (l *lowerer) path(names []*ast.Node, i int) ([]rewrite.Ident, reach) {
	out := make([]rewrite.Ident, 0, len(names))
	start, ok := i, i >= 0
	for k, n := range names {
		if k > 0 {
			ok = ok && l.t.is(i, pDot)
			i++
		}
		id := rewrite.Ident{Name: text(n)}
		if ok {
			id = l.ident(id.Name, i)
		}
		if ok = ok && id.Known(); ok {
			i = l.t.name(i)
		}
		out = append(out, id)
	}
	if !ok {
		return out, reach{}
	}
	return out, reachOf(start, i-1)
}

// columnRef lowers c, t.c, "*" and "t.*".
func (l *lowerer) columnRef(c *ast.ColumnRef) (rewrite.Expr, reach) {
	i := l.t.at(c.Location)
	n := len(c.Fields)
	if n == 0 {
		return &rewrite.Opaque{What: "column reference"}, reach{}
	}
	if _, star := c.Fields[n-1].GetNode().(*ast.Node_AStar); !star {
		path, r := l.path(c.Fields, i)
		return &rewrite.ColumnRef{Span: l.t.span(r), Path: path}, r
	}
	if n == 1 {
		r := l.star(i)
		return &rewrite.Star{Span: l.t.span(r)}, r
	}
	path, r := l.path(c.Fields[:n-1], i)
	if r.ok = r.ok && l.t.is(r.hi+1, pDot) && l.star(r.hi+2).ok; r.ok {
		r.hi += 2
	}
	return &rewrite.Star{Span: l.t.span(r), Path: path}, r
}

func (l *lowerer) star(i int) reach {
	if l.t.is(i, pOp) && l.t.list[i].Text == "*" {
		return reachOf(i, i)
	}
	return reach{}
}

// param lowers $N.
func (l *lowerer) param(p *ast.ParamRef) (rewrite.Expr, reach) {
	i := l.t.at(p.Location)
	out := &rewrite.Param{N: int(p.Number)}
	if i < 0 || l.t.list[i].Kind != rewrite.TokParam {
		return out, reach{}
	}
	out.Span, out.Source = l.t.list[i].Span, l.t.list[i].Text
	return out, reachOf(i, i)
}

// constant lowers a literal. A literal whose token is not found is Odd: it was
// made by the parser from a keyword.
func (l *lowerer) constant(c *ast.A_Const) (rewrite.Expr, reach) {
	i := l.t.at(c.Location)
	out := &rewrite.Literal{}
	var r reach
	switch v := c.GetVal().(type) {
	case *ast.A_Const_Ival, *ast.A_Const_Fval:
		return l.number(c, i)
	case *ast.A_Const_Sval:
		out.Kind, out.Value = rewrite.LitString, v.Sval.GetSval()
		if l.tokenIs(i, rewrite.TokString) && l.t.list[i].Text == out.Value {
			r = reachOf(i, l.t.name(i)-1)
		}
	case *ast.A_Const_Bsval:
		out.Kind, out.Value, out.Odd = rewrite.LitBytes, v.Bsval.GetBsval(), true
		if l.tokenIs(i, rewrite.TokString) {
			r = reachOf(i, i)
		}
	case *ast.A_Const_Boolval:
		out.Kind, out.Value = rewrite.LitBool, "false"
		if v.Boolval.GetBoolval() {
			out.Value = "true"
		}
		if l.tokenIs(i, rewrite.TokWord) && strings.EqualFold(l.t.list[i].Text, out.Value) {
			r = reachOf(i, i)
		}
	default:
		out.Kind = rewrite.LitNull
		if l.t.is(i, kwNull) {
			r = reachOf(i, i)
		}
	}
	out.Span = l.t.span(r)
	out.Odd = out.Odd || !r.ok
	return out, r
}

func (l *lowerer) tokenIs(i int, k rewrite.TokenKind) bool {
	return i >= 0 && l.t.list[i].Kind == k
}

// number lowers a number with its signs: the parser folds "-" into the
// constant, through parentheses too.
func (l *lowerer) number(c *ast.A_Const, i int) (rewrite.Expr, reach) {
	out := &rewrite.Literal{Kind: rewrite.LitNumber, Odd: true}
	j, open, negative := i, 0, false
	for ; j >= 0 && j < len(l.t.list); j++ {
		if l.t.is(j, pLParen) {
			open++
		} else if l.t.is(j, pOp) && l.t.list[j].Text == "-" {
			negative = !negative
		} else {
			break
		}
	}
	if j < 0 || j >= len(l.t.list) || l.t.list[j].Kind != rewrite.TokNumber {
		out.Value = constantNumber(c)
		return out, reach{}
	}
	out.Value = l.t.list[j].Text
	if negative {
		out.Value = "-" + out.Value
	}
	for k := 1; k <= open; k++ {
		if !l.t.is(j+k, pRParen) {
			return out, reach{}
		}
	}
	r := reachOf(i, j+open)
	out.Span, out.Odd = l.t.span(r), l.t.mark[j]&markOdd != 0
	return out, r
}

// expr lowers an expression.
func (l *lowerer) expr(n *ast.Node) (rewrite.Expr, reach) {
	l.enter()
	defer l.leave()
	switch v := n.GetNode().(type) {
	case *ast.Node_ColumnRef:
		return l.columnRef(v.ColumnRef)
	case *ast.Node_ParamRef:
		return l.param(v.ParamRef)
	case *ast.Node_AConst:
		return l.constant(v.AConst)
	case *ast.Node_AExpr:
		return l.operator(v.AExpr)
	case *ast.Node_BoolExpr:
		return l.boolean(v.BoolExpr)
	case *ast.Node_TypeCast:
		return l.cast(v.TypeCast)
	case *ast.Node_FuncCall:
		return l.call(v.FuncCall)
	case *ast.Node_SubLink:
		return l.subquery(v.SubLink)
	case *ast.Node_CaseExpr:
		return l.caseExpr(v.CaseExpr)
	case *ast.Node_CoalesceExpr:
		return l.keywordCall("coalesce", v.CoalesceExpr.Args, v.CoalesceExpr.Location)
	case *ast.Node_MinMaxExpr:
		name := "greatest"
		if v.MinMaxExpr.Op == ast.MinMaxOp_IS_LEAST {
			name = "least"
		}
		return l.keywordCall(name, v.MinMaxExpr.Args, v.MinMaxExpr.Location)
	case *ast.Node_SqlvalueFunction:
		return l.valueFunction(v.SqlvalueFunction)
	case *ast.Node_NullTest:
		return l.nullTest(v.NullTest)
	case *ast.Node_BooleanTest:
		return l.booleanTest(v.BooleanTest)
	case *ast.Node_CollateClause:
		return l.collate(v.CollateClause)
	case *ast.Node_RowExpr:
		return l.row(v.RowExpr)
	case *ast.Node_SetToDefault:
		r := l.single(v.SetToDefault.Location)
		return &rewrite.Default{Span: l.t.span(r)}, r
	case *ast.Node_AArrayExpr:
		return l.array(v.AArrayExpr)
	case *ast.Node_AIndirection:
		return l.indirection(v.AIndirection)
	case *ast.Node_NamedArgExpr:
		return l.namedArg(v.NamedArgExpr)
	case *ast.Node_SortBy: // in a call's own ORDER BY
		return l.expr(v.SortBy.Node)
	}
	return l.opaque(n)
}

// exprOf lowers an expression whose run of tokens does not matter; nil stays nil.
func (l *lowerer) exprOf(n *ast.Node) rewrite.Expr {
	if n.GetNode() == nil {
		return nil
	}
	e, _ := l.expr(n)
	return e
}

// exprs lowers a list.
func (l *lowerer) exprs(list []*ast.Node) []rewrite.Expr {
	if len(list) == 0 {
		return nil
	}
	out := make([]rewrite.Expr, 0, len(list))
	for _, n := range list {
		if e := l.exprOf(n); e != nil {
			out = append(out, e)
		}
	}
	return out
}

func (l *lowerer) single(loc int32) reach {
	i := l.t.at(loc)
	return reachOf(i, i)
}

// bracketed is the run of a keyword at loc with the brackets behind it.
func (l *lowerer) bracketed(loc int32) reach {
	i := l.t.at(loc)
	if l.t.is(i, pLParen) || l.t.is(i, pLBracket) {
		return reachOf(i, l.t.closing(i))
	}
	if l.t.is(i+1, pLParen) || l.t.is(i+1, pLBracket) {
		return reachOf(i, l.t.closing(i+1))
	}
	return reach{}
}

package postgres

import (
	"strconv"
	"strings"

	"github.com/sqlc-dev/oliphant/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// constantNumber is the value of a number that stands nowhere in the text.
func constantNumber(c *ast.A_Const) string {
	if f := c.GetFval(); f != nil {
		return f.Fval
	}
	return strconv.Itoa(int(c.GetIval().GetIval()))
}

// infix is the run of "a op b" where the operator covers tokens op to opEnd.
func (l *lowerer) infix(a, b reach, op, opEnd int) reach {
	return join(l.t.growTo(a, op), l.t.growFrom(b, opEnd))
}

// opName writes an operator's name. One with a schema is never taken for the
// built-in of the same name.
func opName(names []*ast.Node) string {
	if len(names) == 1 {
		return text(names[0])
	}
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = text(n)
	}
	return "OPERATOR(" + strings.Join(parts, ".") + ")"
}

// opEnd returns the last token of the operator that begins at i.
func (l *lowerer) opEnd(i int) int {
	if l.t.is(i, kwOperator) {
		return l.t.closing(i + 1)
	}
	return i
}

// operator lowers everything that the grammar calls a_expr.
func (l *lowerer) operator(a *ast.A_Expr) (rewrite.Expr, reach) {
	i := l.t.at(a.Location)
	switch a.Kind {
	case ast.A_Expr_Kind_AEXPR_OP:
		return l.plainOperator(a, i)
	case ast.A_Expr_Kind_AEXPR_OP_ANY, ast.A_Expr_Kind_AEXPR_OP_ALL:
		return l.arrayOperator(a, i)
	case ast.A_Expr_Kind_AEXPR_DISTINCT:
		return l.distinct(a, i, "IS DISTINCT FROM", 2)
	case ast.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		return l.distinct(a, i, "IS NOT DISTINCT FROM", 3)
	case ast.A_Expr_Kind_AEXPR_NULLIF:
		return l.keywordCall("nullif", []*ast.Node{a.Lexpr, a.Rexpr}, a.Location)
	case ast.A_Expr_Kind_AEXPR_IN:
		return l.inList(a, i)
	case ast.A_Expr_Kind_AEXPR_LIKE, ast.A_Expr_Kind_AEXPR_ILIKE, ast.A_Expr_Kind_AEXPR_SIMILAR:
		return l.like(a, i)
	case ast.A_Expr_Kind_AEXPR_BETWEEN, ast.A_Expr_Kind_AEXPR_NOT_BETWEEN,
		ast.A_Expr_Kind_AEXPR_BETWEEN_SYM, ast.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		return l.between(a, i)
	}
	return l.opaque(&ast.Node{Node: &ast.Node_AExpr{AExpr: a}})
}

func (l *lowerer) plainOperator(a *ast.A_Expr, i int) (rewrite.Expr, reach) {
	out := &rewrite.Op{Name: opName(a.Name)}
	var r reach
	if a.Lexpr == nil {
		x, xr := l.expr(a.Rexpr)
		out.Args = []rewrite.Expr{x}
		if xr = l.t.growFrom(xr, l.opEnd(i)); xr.ok && i >= 0 {
			r = reachOf(i, xr.hi)
		}
	} else {
		x, xr := l.expr(a.Lexpr)
		y, yr := l.expr(a.Rexpr)
		out.Args = []rewrite.Expr{x, y}
		r = l.infix(xr, yr, i, l.opEnd(i))
	}
	out.Span = l.t.span(r)
	return out, r
}

// arrayOperator lowers "x op ANY (array)"; the name keeps the quantifier.
func (l *lowerer) arrayOperator(a *ast.A_Expr, i int) (rewrite.Expr, reach) {
	name := opName(a.Name) + " ANY"
	if a.Kind == ast.A_Expr_Kind_AEXPR_OP_ALL {
		name = opName(a.Name) + " ALL"
	}
	x, xr := l.expr(a.Lexpr)
	y, yr := l.expr(a.Rexpr)
	var r reach
	if open := l.quantifier(i); open >= 0 && l.t.growFrom(yr, open).ok {
		r = join(l.t.growTo(xr, i), reachOf(open, l.t.closing(open)))
	}
	return &rewrite.Op{Span: l.t.span(r), Name: name, Args: []rewrite.Expr{x, y}}, r
}

// quantifier returns the "(" behind ANY, SOME or ALL of the operator at i.
func (l *lowerer) quantifier(i int) int {
	if i < 0 {
		return -1
	}
	j := l.opEnd(i)
	if l.t.is(j, kwNot) {
		j++
	}
	j++
	if (l.t.is(j, kwAny) || l.t.is(j, kwSome) || l.t.is(j, kwAll)) && l.t.is(j+1, pLParen) {
		return j + 1
	}
	return -1
}

// distinct lowers IS [NOT] DISTINCT FROM; more is how many tokens follow IS.
func (l *lowerer) distinct(a *ast.A_Expr, i int, name string, more int) (rewrite.Expr, reach) {
	x, xr := l.expr(a.Lexpr)
	y, yr := l.expr(a.Rexpr)
	var r reach
	if l.t.is(i, kwIs) && l.t.is(i+more, kwFrom) {
		r = l.infix(xr, yr, i, i+more)
	}
	return &rewrite.Op{Span: l.t.span(r), Name: name, Args: []rewrite.Expr{x, y}}, r
}

func (l *lowerer) inList(a *ast.A_Expr, i int) (rewrite.Expr, reach) {
	x, xr := l.expr(a.Lexpr)
	out := &rewrite.In{
		X: x, Not: opName(a.Name) == "<>",
		List: l.exprs(a.Rexpr.GetList().GetItems()),
	}
	r := join(l.t.growTo(xr, i), l.single(a.RexprListEnd))
	out.Span = l.t.span(r)
	return out, r
}

// likeNames maps the server's operators to the words of the grammar.
var likeNames = map[string]string{
	"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE",
	"~": "SIMILAR TO", "!~": "NOT SIMILAR TO",
}

// like lowers the LIKE family; an ESCAPE is a third operand.
func (l *lowerer) like(a *ast.A_Expr, i int) (rewrite.Expr, reach) {
	out := &rewrite.Op{Name: likeNames[opName(a.Name)]}
	x, xr := l.expr(a.Lexpr)
	op := i
	if l.t.is(op, kwNot) {
		op++
	}
	if l.t.is(op, kwSimilar) {
		op++
	}
	pattern, escape := likeOperands(a)
	y, yr := l.expr(pattern)
	out.Args = []rewrite.Expr{x, y}
	r := l.infix(xr, yr, i, op)
	if escape != nil {
		z, zr := l.expr(escape)
		out.Args = append(out.Args, z)
		out.Attr = "ESCAPE"
		r = join(l.t.growTo(xr, i), l.t.growBefore(zr, kwEscape))
	}
	out.Span = l.t.span(r)
	return out, r
}

// likeOperands takes the pattern and the escape out of the call that the
// grammar puts around them; a call written by the user has another location.
func likeOperands(a *ast.A_Expr) (pattern, escape *ast.Node) {
	f := a.Rexpr.GetFuncCall()
	if f == nil || f.Location != a.Location || len(f.Args) == 0 || len(f.Args) > 2 {
		return a.Rexpr, nil
	}
	if len(f.Args) == 2 {
		escape = f.Args[1]
	}
	return f.Args[0], escape
}

func (l *lowerer) between(a *ast.A_Expr, i int) (rewrite.Expr, reach) {
	out := &rewrite.Op{Name: opName(a.Name)}
	x, xr := l.expr(a.Lexpr)
	out.Args = []rewrite.Expr{x}
	bounds := a.Rexpr.GetList().GetItems()
	var last, first reach
	for k, n := range bounds {
		e, r := l.expr(n)
		out.Args = append(out.Args, e)
		if k == 0 {
			first = r
		}
		last = r
	}
	var r reach
	if len(bounds) == 2 {
		first = l.t.growBehind(first, kwAnd)
		last = l.t.growBefore(last, kwAnd)
		if first.ok && last.ok && first.hi+2 == last.lo {
			r = join(l.t.growTo(xr, i), last)
		}
	}
	out.Span = l.t.span(r)
	return out, r
}

// boolean lowers AND, OR and NOT.
func (l *lowerer) boolean(b *ast.BoolExpr) (rewrite.Expr, reach) {
	switch b.Boolop {
	case ast.BoolExprType_AND_EXPR:
		return l.connective("AND", kwAnd, b.Args)
	case ast.BoolExprType_OR_EXPR:
		return l.connective("OR", kwOr, b.Args)
	}
	if len(b.Args) != 1 {
		return l.opaque(&ast.Node{Node: &ast.Node_BoolExpr{BoolExpr: b}})
	}
	if s := b.Args[0].GetSubLink(); s != nil && s.Location == b.Location && inQuery(s) {
		e, r := l.expr(b.Args[0])
		if in, ok := e.(*rewrite.In); ok { // x NOT IN (query)
			in.Not = true
			return in, r
		}
	}
	i := l.t.at(b.Location)
	x, xr := l.expr(b.Args[0])
	r := reach{}
	if grown := l.t.growFrom(xr, i); grown.ok && i >= 0 {
		r = reachOf(i, grown.hi)
	} else if xr.ok && xr.lo <= i && i <= xr.hi {
		r = xr // the NOT of "x IS NOT DOCUMENT" stands inside
	}
	return &rewrite.Op{Span: l.t.span(r), Name: "NOT", Args: []rewrite.Expr{x}}, r
}

// connective lowers an n-ary AND or OR; the parser flattens chains, also
// through parentheses on the left.
func (l *lowerer) connective(name string, w word, args []*ast.Node) (rewrite.Expr, reach) {
	out := &rewrite.Op{Name: name, Args: make([]rewrite.Expr, 0, len(args))}
	var all reach
	for k, n := range args {
		e, r := l.expr(n)
		out.Args = append(out.Args, e)
		if k == 0 {
			all = r
			continue
		}
		r = l.t.growBefore(r, w)
		all = join(l.t.growTo(all, r.lo-1), r)
	}
	out.Span = l.t.span(all)
	return out, all
}

func inQuery(s *ast.SubLink) bool {
	return s.SubLinkType == ast.SubLinkType_ANY_SUBLINK && len(s.OperName) == 0
}

// subquery lowers a query used as an expression.
func (l *lowerer) subquery(s *ast.SubLink) (rewrite.Expr, reach) {
	i := l.t.at(s.Location)
	switch s.SubLinkType {
	case ast.SubLinkType_EXISTS_SUBLINK:
		return l.plainSubquery(s, rewrite.SubExists, i, i+1)
	case ast.SubLinkType_ARRAY_SUBLINK:
		return l.plainSubquery(s, rewrite.SubArray, i, i+1)
	case ast.SubLinkType_EXPR_SUBLINK:
		return l.plainSubquery(s, rewrite.SubScalar, i, i)
	}
	x, xr := l.expr(s.Testexpr)
	if inQuery(s) {
		open := i + 1
		if l.t.is(i, kwNot) {
			open++
		}
		q, qr := l.inBrackets(s.Subselect, open)
		r := join(l.t.growTo(xr, i), qr)
		return &rewrite.In{Span: l.t.span(r), X: x, Query: q}, r
	}
	quantifier := " ANY"
	if s.SubLinkType == ast.SubLinkType_ALL_SUBLINK {
		quantifier = " ALL"
	}
	q, qr := l.inBrackets(s.Subselect, l.quantifier(i))
	r := join(l.t.growTo(xr, i), qr)
	return &rewrite.Subquery{
		Span: l.t.span(r), Kind: rewrite.SubQuantified, X: x,
		Op: opName(s.OperName) + quantifier, Query: q,
	}, r
}

func (l *lowerer) plainSubquery(s *ast.SubLink, kind rewrite.SubqueryKind, i, open int) (rewrite.Expr, reach) {
	if i < 0 {
		open = -1
	}
	q, r := l.inBrackets(s.Subselect, open)
	if r.ok {
		r.lo = i
	}
	return &rewrite.Subquery{Span: l.t.span(r), Kind: kind, Query: q}, r
}

// inBrackets lowers the query whose "(" is token open; the run includes the
// brackets.
func (l *lowerer) inBrackets(n *ast.Node, open int) (*rewrite.Query, reach) {
	s := n.GetSelectStmt()
	if l.t.is(open, pLParen) && l.t.closing(open) >= 0 {
		end := l.t.closing(open)
		return l.query(s, open+1, end), reachOf(open, end)
	}
	return l.query(s, -1, -1), reach{}
}

func (l *lowerer) caseExpr(c *ast.CaseExpr) (rewrite.Expr, reach) {
	i := l.t.at(c.Location)
	var r reach
	if l.t.is(i, kwCase) {
		r = reachOf(i, l.t.closing(i))
	}
	out := &rewrite.Case{Span: l.t.span(r), Operand: l.exprOf(c.Arg), Else: l.exprOf(c.Defresult)}
	for _, n := range c.Args {
		w := n.GetCaseWhen()
		out.Whens = append(out.Whens, rewrite.When{Cond: l.exprOf(w.GetExpr()), Then: l.exprOf(w.GetResult())})
	}
	return out, r
}

func (l *lowerer) nullTest(n *ast.NullTest) (rewrite.Expr, reach) {
	x, xr := l.expr(n.Arg)
	out := &rewrite.IsNull{X: x, Not: n.Nulltesttype == ast.NullTestType_IS_NOT_NULL}
	i := l.t.at(n.Location)
	end := i
	if l.t.is(i, kwIs) {
		end = i + 1
		if out.Not {
			end = i + 2
		}
	}
	var r reach
	if i >= 0 && end < len(l.t.list) {
		r = join(l.t.growTo(xr, i), reachOf(end, end))
	}
	out.Span = l.t.span(r)
	return out, r
}

var booleanTests = map[ast.BoolTestType]string{
	ast.BoolTestType_IS_TRUE: "IS TRUE", ast.BoolTestType_IS_NOT_TRUE: "IS NOT TRUE",
	ast.BoolTestType_IS_FALSE: "IS FALSE", ast.BoolTestType_IS_NOT_FALSE: "IS NOT FALSE",
	ast.BoolTestType_IS_UNKNOWN: "IS UNKNOWN", ast.BoolTestType_IS_NOT_UNKNOWN: "IS NOT UNKNOWN",
}

func (l *lowerer) booleanTest(b *ast.BooleanTest) (rewrite.Expr, reach) {
	x, xr := l.expr(b.Arg)
	out := &rewrite.Op{Name: booleanTests[b.Booltesttype], Args: []rewrite.Expr{x}}
	i := l.t.at(b.Location)
	end := i + 1
	if l.t.is(end, kwNot) {
		end++
	}
	var r reach
	if i >= 0 && end < len(l.t.list) {
		r = join(l.t.growTo(xr, i), reachOf(end, end))
	}
	out.Span = l.t.span(r)
	return out, r
}

func (l *lowerer) collate(c *ast.CollateClause) (rewrite.Expr, reach) {
	x, xr := l.expr(c.Arg)
	i := l.t.at(c.Location)
	names, nr := l.path(c.Collname, i+1)
	r := join(l.t.growTo(xr, i), nr)
	return &rewrite.Op{
		Span: l.t.span(r), Name: "COLLATE", Args: []rewrite.Expr{x}, Attr: joinNames(names),
	}, r
}

// joinNames writes names so that two different lists never read alike.
func joinNames(names []rewrite.Ident) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = strconv.Quote(n.Name)
	}
	return strings.Join(parts, ".")
}

func (l *lowerer) row(n *ast.RowExpr) (rewrite.Expr, reach) {
	r := l.bracketed(n.Location)
	return &rewrite.Row{Span: l.t.span(r), Items: l.exprs(n.Args)}, r
}

func (l *lowerer) array(a *ast.A_ArrayExpr) (rewrite.Expr, reach) {
	r := l.bracketed(a.Location)
	if i := l.t.at(a.Location); r.ok && !l.t.is(i, kwArray) {
		// The inner brackets of a nested array are no expression of their own.
		return &rewrite.Opaque{What: "ARRAY[…]", Kids: l.exprs(a.Elements)}, r
	}
	return &rewrite.Opaque{Span: l.t.span(r), What: "ARRAY[…]", Kids: l.exprs(a.Elements)}, r
}

// namedArg lowers "name => value" in a call.
func (l *lowerer) namedArg(n *ast.NamedArgExpr) (rewrite.Expr, reach) {
	x, xr := l.expr(n.Arg)
	i := l.t.at(n.Location)
	var r reach
	if l.t.isName(i) {
		// The name is followed by "=>" or ":=".
		if xr = l.t.growFrom(xr, l.t.name(i)); xr.ok {
			r = reachOf(i, xr.hi)
		}
	}
	return &rewrite.Opaque{
		Span: l.t.span(r), What: "named argument", Attr: n.Name, Kids: []rewrite.Expr{x},
	}, r
}

// indirection lowers subscripts and field selection: x[1], x[1:2], (x).f, (x).*.
func (l *lowerer) indirection(a *ast.A_Indirection) (rewrite.Expr, reach) {
	x, r := l.expr(a.Arg)
	out := &rewrite.Opaque{What: "field selection", Kids: []rewrite.Expr{x}}
	var attr strings.Builder
	for k, n := range a.Indirection {
		if k == 0 {
			r = l.beforeIndirection(r, n)
		}
		l.indirectionStep(n, &attr, out)
		r = l.afterIndirection(r, n)
	}
	out.Attr, out.Span = attr.String(), l.t.span(r)
	return out, r
}

// indirectionOnly lowers the steps alone, for the target of an assignment.
func (l *lowerer) indirectionOnly(list []*ast.Node) (*rewrite.Opaque, string) {
	out := &rewrite.Opaque{}
	var attr strings.Builder
	for _, n := range list {
		l.indirectionStep(n, &attr, out)
	}
	out.Attr = attr.String()
	return out, out.Attr
}

func (l *lowerer) indirectionStep(n *ast.Node, attr *strings.Builder, out *rewrite.Opaque) {
	switch v := n.GetNode().(type) {
	case *ast.Node_String_:
		attr.WriteString("." + strconv.Quote(v.String_.GetSval()))
	case *ast.Node_AStar:
		attr.WriteString(".*")
	case *ast.Node_AIndices:
		out.What = "subscript"
		attr.WriteString("[")
		if e := l.exprOf(v.AIndices.Lidx); e != nil {
			out.Kids = append(out.Kids, e)
			attr.WriteString("#")
		}
		if v.AIndices.IsSlice {
			attr.WriteString(":")
		}
		if e := l.exprOf(v.AIndices.Uidx); e != nil {
			out.Kids = append(out.Kids, e)
			attr.WriteString("#")
		}
		attr.WriteString("]")
	}
}

func (l *lowerer) beforeIndirection(r reach, n *ast.Node) reach {
	if n.GetAIndices() != nil {
		return l.t.growBehind(r, pLBracket)
	}
	return l.t.growBehind(r, pDot)
}

func (l *lowerer) afterIndirection(r reach, n *ast.Node) reach {
	if !r.ok {
		return r
	}
	i := r.hi + 1
	switch {
	case n.GetAIndices() != nil && l.t.is(i, pLBracket):
		return reachOf(r.lo, l.t.closing(i))
	case l.t.is(i, pDot) && l.t.isName(i+1):
		return reachOf(r.lo, l.t.name(i+1)-1)
	case l.t.is(i, pDot) && l.star(i+1).ok:
		return reachOf(r.lo, i+1)
	}
	return reach{}
}

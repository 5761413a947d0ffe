package sqlite

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// lowerer turns meyer's tree of one text into rewrite's. The first error is
// kept; what is lowered after it is not used.
type lowerer struct {
	text   string
	toks   []rewrite.Token
	params []*rewrite.Param
	depth  int
	err    error
	// named collects the unqualified relation names met while watching > 0,
	// which is within the queries of a WITH clause.
	named    []string
	watching int
	*arena
}

func (l *lowerer) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// reject reports what SQLite rejects outside its grammar.
func (l *lowerer) reject(pos int) { l.fail(&rewrite.SyntaxError{Pos: pos}) }

// enter opens a level of the tree; when it returns false the caller must not
// descend.
func (l *lowerer) enter(pos int) bool {
	l.depth++
	if l.depth <= maxDepth {
		return true
	}
	l.fail(&rewrite.UnsupportedError{Pos: pos, Reason: rewrite.ReasonTooDeep})
	return false
}

func (l *lowerer) leave() { l.depth-- }

func span(n ast.Node) rewrite.Span { return rewrite.Span{Start: n.Pos(), End: n.End()} }

func ident(n *ast.Ident) rewrite.Ident {
	return rewrite.Ident{
		Name: n.Name, Quoted: n.Quote != ast.QuoteNone,
		Span: rewrite.Span{Start: n.Start, End: n.Stop},
	}
}

func (l *lowerer) name(n *ast.Ident) *rewrite.Ident {
	if n == nil {
		return nil
	}
	p := l.idents.One()
	*p = ident(n)
	return p
}

func (l *lowerer) names(list []*ast.Ident) []rewrite.Ident {
	out := l.idents.Many(len(list))
	for i, n := range list {
		out[i] = ident(n)
	}
	return out
}

func (l *lowerer) column(n *ast.Ident) *rewrite.ColumnRef {
	c := l.columns.One()
	c.Span = rewrite.Span{Start: n.Start, End: n.Stop}
	c.Path = l.idents.Many(1)
	c.Path[0] = ident(n)
	return c
}

func (l *lowerer) exprList(list []ast.Expr) []rewrite.Expr {
	out := l.exprs.Many(len(list))
	for i, e := range list {
		out[i] = l.expr(e)
	}
	return out
}

// expr lowers e; nil stays nil.
func (l *lowerer) expr(e ast.Expr) rewrite.Expr {
	switch n := e.(type) {
	case nil:
		return nil
	case *ast.Ident:
		return l.bareName(n)
	case *ast.BindParam:
		return l.param(n.Start)
	case *ast.Literal:
		return l.literal(n)
	}
	if !l.enter(e.Pos()) {
		l.leave()
		return &rewrite.Opaque{Span: span(e)}
	}
	x := l.nested(e)
	l.leave()
	return x
}

// nested lowers the expressions that hold others.
func (l *lowerer) nested(e ast.Expr) rewrite.Expr {
	switch n := e.(type) {
	case *ast.QualifiedRef:
		c := l.columns.One()
		c.Span, c.Path = span(n), l.names(n.Parts)
		return c
	case *ast.ParenExpr:
		return l.expr(n.X)
	case *ast.BinaryExpr:
		return l.binary(n)
	case *ast.UnaryExpr:
		return l.unary(n)
	case *ast.LikeExpr:
		return l.like(n)
	case *ast.IsExpr:
		return l.is(n)
	case *ast.NullCheckExpr:
		return &rewrite.IsNull{Span: span(n), X: l.expr(n.X), Not: n.Test != ast.TestIsNull}
	case *ast.BetweenExpr:
		name := "BETWEEN"
		if n.Not {
			name = "NOT BETWEEN"
		}
		return l.op(n, name, n.X, n.Lo, n.Hi)
	case *ast.InExpr:
		return l.in(n)
	case *ast.CaseExpr:
		return l.caseOf(n)
	case *ast.CastExpr:
		return &rewrite.Cast{Span: span(n), X: l.expr(n.X), Type: typeName(n.Type)}
	case *ast.CollateExpr:
		op := l.op(n, "COLLATE", n.X)
		op.Attr = n.Name.Name
		return op
	case *ast.FuncCall:
		return l.call(n)
	case *ast.ExistsExpr:
		return &rewrite.Subquery{Span: span(n), Kind: rewrite.SubExists, Query: l.query(n.Select)}
	case *ast.SubqueryExpr:
		return &rewrite.Subquery{Span: span(n), Kind: rewrite.SubScalar, Query: l.query(n.Select)}
	case *ast.VectorExpr:
		return &rewrite.Row{Span: span(n), Items: l.exprList(n.List)}
	case *ast.RaiseExpr:
		o := &rewrite.Opaque{Span: span(n), What: "RAISE", Attr: n.Action}
		if n.Message != nil {
			o.Kids = l.exprList([]ast.Expr{n.Message})
		}
		return o
	case *ast.Star:
		return l.star(n)
	}
	// An expression that this version does not know must not be guessed at.
	l.fail(&rewrite.UnsupportedError{Pos: e.Pos(), Reason: rewrite.ReasonParser})
	return &rewrite.Opaque{Span: span(e)}
}

// bareName lowers an unqualified name: a column, TRUE or FALSE.
func (l *lowerer) bareName(n *ast.Ident) rewrite.Expr {
	if n.Quote == ast.QuoteNone && (len(n.Name) == 4 || len(n.Name) == 5) {
		switch {
		case strings.EqualFold(n.Name, "true"):
			return l.constant(span(n), rewrite.LitBool, "true")
		case strings.EqualFold(n.Name, "false"):
			return l.constant(span(n), rewrite.LitBool, "false")
		}
	}
	return l.column(n)
}

func (l *lowerer) star(n *ast.Star) *rewrite.Star {
	s := l.stars.One()
	s.Span = span(n)
	if n.Table != nil {
		s.Path = l.names([]*ast.Ident{n.Table})
	}
	return s
}

func (l *lowerer) constant(s rewrite.Span, kind rewrite.LiteralKind, value string) *rewrite.Literal {
	x := l.literals.One()
	x.Span, x.Kind, x.Value = s, kind, value
	return x
}

func (l *lowerer) literal(n *ast.Literal) rewrite.Expr {
	switch n.Kind {
	case ast.LitNull:
		return l.constant(span(n), rewrite.LitNull, "")
	case ast.LitInteger, ast.LitFloat:
		return l.numeral(span(n), n.Value)
	case ast.LitString:
		x := l.constant(span(n), rewrite.LitString, n.Value)
		x.Odd = !utf8.ValidString(n.Value)
		return x
	case ast.LitBlob:
		return l.blob(n)
	case ast.LitCurrentDate, ast.LitCurrentTime, ast.LitCurrentTimestamp:
		return &rewrite.Opaque{Span: span(n), What: n.Kind.String()}
	}
	l.fail(&rewrite.UnsupportedError{Pos: n.Start, Reason: rewrite.ReasonParser})
	return &rewrite.Opaque{Span: span(n)}
}

// numeral lowers a number; hexadecimal ones are odd, since SQLite reads them
// as 64-bit two's complement.
func (l *lowerer) numeral(s rewrite.Span, value string) *rewrite.Literal {
	x := l.constant(s, rewrite.LitNumber, value)
	digits := strings.TrimLeft(value, "+-")
	x.Odd = len(digits) > 1 && digits[0] == '0' && digits[1]|0x20 == 'x'
	return x
}

// blob lowers x'…', of which the tokenizer has checked the digits.
func (l *lowerer) blob(n *ast.Literal) rewrite.Expr {
	b, err := hex.DecodeString(n.Raw[2 : len(n.Raw)-1])
	if err != nil {
		l.reject(n.Start)
	}
	return l.constant(span(n), rewrite.LitBytes, string(b))
}

// op makes an operator over operands; nil ones are left out.
func (l *lowerer) op(n ast.Node, name string, args ...ast.Expr) *rewrite.Op {
	for len(args) > 0 && args[len(args)-1] == nil {
		args = args[:len(args)-1]
	}
	o := l.ops.One()
	o.Span, o.Name = span(n), name
	o.Args = l.exprs.Many(len(args))
	for i, e := range args {
		o.Args[i] = l.expr(e)
	}
	return o
}

var operators = [...]string{
	ast.OpOr: "OR", ast.OpAnd: "AND", ast.OpEq: "=", ast.OpNe: "<>",
	ast.OpLt: "<", ast.OpLe: "<=", ast.OpGt: ">", ast.OpGe: ">=",
	ast.OpBitAnd: "&", ast.OpBitOr: "|", ast.OpLShift: "<<", ast.OpRShift: ">>",
	ast.OpAdd: "+", ast.OpSub: "-", ast.OpMul: "*", ast.OpDiv: "/",
	ast.OpMod: "%", ast.OpConcat: "||", ast.OpPtr: "->", ast.OpPtr2: "->>",
	ast.OpNot: "NOT", ast.OpBitNot: "~", ast.OpPlus: "+", ast.OpMinus: "-",
}

// binary makes chains of AND and of OR flat, since programs write them
// hundreds of terms long; parentheses keep their grouping.
func (l *lowerer) binary(n *ast.BinaryExpr) rewrite.Expr {
	if n.Op != ast.OpAnd && n.Op != ast.OpOr {
		return l.op(n, operators[n.Op], n.X, n.Y)
	}
	terms := 2
	for x, ok := n.X.(*ast.BinaryExpr); ok && x.Op == n.Op; x, ok = x.X.(*ast.BinaryExpr) {
		terms++
	}
	o := l.ops.One()
	o.Span, o.Name, o.Args = span(n), operators[n.Op], l.exprs.Many(terms)
	x := n
	for i := terms - 1; i > 1; i-- {
		o.Args[i] = l.expr(x.Y)
		x = x.X.(*ast.BinaryExpr)
	}
	o.Args[0], o.Args[1] = l.expr(x.X), l.expr(x.Y)
	return o
}

// unary folds a sign with the number behind it.
func (l *lowerer) unary(n *ast.UnaryExpr) rewrite.Expr {
	x, ok := n.X.(*ast.Literal)
	if ok && (n.Op == ast.OpMinus || n.Op == ast.OpPlus) &&
		(x.Kind == ast.LitInteger || x.Kind == ast.LitFloat) {
		return l.numeral(span(n), operators[n.Op]+x.Value)
	}
	return l.op(n, operators[n.Op], n.X)
}

func (l *lowerer) like(n *ast.LikeExpr) rewrite.Expr {
	name := strings.ToUpper(n.Op.Name)
	if n.Not {
		name = "NOT " + name
	}
	o := l.op(n, name, n.X, n.Y, n.Escape)
	if n.Escape != nil {
		o.Attr = "ESCAPE"
	}
	return o
}

var isNames = [...]string{"IS", "IS NOT", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"}

func (l *lowerer) is(n *ast.IsExpr) rewrite.Expr {
	if !n.Distinct && isNull(n.Y) {
		x := l.nulls.One()
		*x = rewrite.IsNull{Span: span(n), X: l.expr(n.X), Not: n.Not}
		return x
	}
	i := 0
	if n.Not {
		i++
	}
	if n.Distinct {
		i += 2
	}
	return l.op(n, isNames[i], n.X, n.Y)
}

func isNull(e ast.Expr) bool {
	for {
		switch n := e.(type) {
		case *ast.ParenExpr:
			e = n.X
		case *ast.Literal:
			return n.Kind == ast.LitNull
		default:
			return false
		}
	}
}

func (l *lowerer) in(n *ast.InExpr) rewrite.Expr {
	in := &rewrite.In{Span: span(n), X: l.expr(n.X), Not: n.Not}
	switch {
	case n.Select != nil:
		in.Query = l.query(n.Select)
	case n.Table != nil:
		in.Query = l.inTable(n)
	default:
		in.List = l.exprList(n.List)
	}
	return in
}

// inTable writes "x IN t" and "x IN f(…)" as the query that they mean.
func (l *lowerer) inTable(n *ast.InExpr) *rewrite.Query {
	var t rewrite.TableExpr = l.table(n.Table)
	if n.HasArgs {
		t = l.funcTable(n.Table, n.Args)
	}
	return everything(t, "IN")
}

// everything is SELECT * FROM t where the text does not say so. The parts that
// are not in the text have no span, so that nothing can be edited there.
func everything(t rewrite.TableExpr, attr string) *rewrite.Query {
	return &rewrite.Query{Span: t.Range(), Body: &rewrite.Select{
		Items: []rewrite.SelectItem{{Expr: &rewrite.Star{}}}, ItemsEnd: -1,
		From: []rewrite.TableExpr{t}, Attr: attr,
	}}
}

func (l *lowerer) caseOf(n *ast.CaseExpr) rewrite.Expr {
	c := &rewrite.Case{Span: span(n), Operand: l.expr(n.Operand)}
	c.Whens = make([]rewrite.When, len(n.Whens))
	for i, w := range n.Whens {
		c.Whens[i] = rewrite.When{Cond: l.expr(w.When), Then: l.expr(w.Then)}
	}
	c.Else = l.expr(n.Else)
	return c
}

// typeName writes a type in lower case; "" for none, which SQLite allows.
func typeName(t *ast.TypeName) string {
	if t == nil {
		return ""
	}
	s := strings.ToLower(t.Name)
	if len(t.Args) > 0 {
		s += "(" + strings.Join(t.Args, ",") + ")"
	}
	return s
}

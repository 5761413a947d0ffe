package mysql

import (
	"sort"
	"strconv"
	"strings"

	"github.com/sqlc-dev/marino/ast"
	"github.com/sqlc-dev/marino/format"
	"github.com/sqlc-dev/marino/opcode"

	"github.com/sealsql/sealsql/rewrite"
)

// restore writes a node of the parser's tree as canonical SQL, for Attr.
func restore(n ast.Node) (text string) {
	defer func() {
		if recover() != nil {
			text = ""
		}
	}()
	var b strings.Builder
	flags := format.DefaultRestoreFlags | format.RestoreStringEscapeBackslash
	if n.Restore(format.NewRestoreCtx(flags, &b)) != nil {
		return ""
	}
	return b.String()
}

// expr lowers an expression. The next token must be its first one, where the
// parser says where that is.
func (l *lowerer) expr(n ast.ExprNode) rewrite.Expr {
	if !l.lost && n != nil {
		if at := n.OriginTextPosition(); at > l.pos() && l.punct("{") {
			return l.braced(n)
		} else if at > 0 && at != l.pos() {
			l.fail()
		}
	}
	from := l.mark()
	switch x := n.(type) {
	case *ast.ColumnNameExpr:
		return l.column(x.Name)
	case *ast.ValueExprBase:
		return l.literal(x)
	case *ast.ParamMarkerExprBase:
		return l.param(x)
	case *ast.ParenthesesExpr:
		l.eatPunct("(")
		e := l.expr(x.Expr)
		l.eatPunct(")")
		return e
	case *ast.BinaryOperationExpr:
		return l.binary(x)
	case *ast.UnaryOperationExpr:
		return l.unary(x)
	case *ast.FuncCallExpr:
		return l.call(x)
	case *ast.AggregateFuncExpr:
		return l.aggregate(x)
	case *ast.WindowFuncExpr:
		return l.windowCall(x)
	case *ast.FuncCastExpr:
		return l.cast(x)
	case *ast.CaseExpr:
		return l.caseExpr(x)
	case *ast.PositionExpr:
		return l.position(x)
	case *ast.DefaultExpr:
		return l.defaultExpr(x)
	case *ast.ValuesExpr:
		l.eat("VALUES")
		l.eatPunct("(")
		v := &rewrite.ValuesRef{Column: l.column(x.Column.Name)}
		l.eatPunct(")")
		v.Span = l.span(from)
		return v
	case *ast.RowExpr:
		l.accept("ROW")
		r := &rewrite.Row{Items: l.rowValues(x.Values)}
		r.Span = l.span(from)
		return r
	}
	return l.predicate(n)
}

// braced lowers {fn f()}, of which the parser keeps the expression only.
func (l *lowerer) braced(n ast.ExprNode) rewrite.Expr {
	l.eatPunct("{")
	l.unit()
	e := l.expr(n)
	l.eatPunct("}")
	return e
}

// predicate lowers what yields a truth value, subqueries and variables.
func (l *lowerer) predicate(n ast.ExprNode) rewrite.Expr {
	from := l.mark()
	switch x := n.(type) {
	case *ast.IsNullExpr:
		e := &rewrite.IsNull{X: l.expr(x.Expr), Not: x.Not}
		l.isWords(x.Not)
		if !l.accept("NULL", "UNKNOWN") && !l.acceptPunct(`\N`) {
			l.fail()
		}
		e.Span = l.span(from)
		return e
	case *ast.IsTruthExpr:
		return l.isTruth(x)
	case *ast.BetweenExpr:
		o := &rewrite.Op{Name: negated("BETWEEN", x.Not), Args: []rewrite.Expr{l.expr(x.Expr)}}
		l.notWord(x.Not)
		l.eat("BETWEEN")
		o.Args = append(o.Args, l.expr(x.Left))
		l.eat("AND")
		o.Args = append(o.Args, l.expr(x.Right))
		o.Span = l.span(from)
		return o
	case *ast.PatternInExpr:
		return l.in(x)
	case *ast.PatternLikeOrIlikeExpr:
		return l.like(x)
	case *ast.PatternRegexpExpr:
		o := &rewrite.Op{Name: negated("REGEXP", x.Not), Args: []rewrite.Expr{l.expr(x.Expr)}}
		l.notWord(x.Not)
		if !l.accept("REGEXP", "RLIKE") {
			l.fail()
		}
		o.Args = append(o.Args, l.expr(x.Pattern))
		o.Span = l.span(from)
		return o
	case *ast.SubqueryExpr:
		s := &rewrite.Subquery{Kind: rewrite.SubScalar, Query: l.subquery(x.Query)}
		s.Span = l.span(from)
		return s
	case *ast.ExistsSubqueryExpr:
		return l.exists(x)
	case *ast.CompareSubqueryExpr:
		return l.quantified(x)
	case *ast.SetCollationExpr:
		o := &rewrite.Op{Name: "COLLATE", Args: []rewrite.Expr{l.expr(x.Expr)}, Attr: strings.ToLower(x.Collate)}
		l.eat("COLLATE")
		if name := l.peek(0).Text; !l.lost && name != "" {
			o.Attr = strings.ToLower(name) // the parser may have been shown another
		}
		l.collationName()
		o.Span = l.span(from)
		return o
	case *ast.VariableExpr:
		return l.variableExpr(x)
	case *ast.MatchAgainst:
		return l.matchAgainst(x)
	case *ast.JSONValueExpr:
		return l.jsonValue(x)
	}
	return l.unknown(n)
}

func (l *lowerer) collationName() {
	switch l.peek(0).Kind {
	case rewrite.TokWord, rewrite.TokQuoted, rewrite.TokString:
		l.i++
	default:
		l.fail()
	}
}

// unknown lowers a node without a rule: its parts are kept, the text is not
// fit for editing.
func (l *lowerer) unknown(n ast.ExprNode) rewrite.Expr {
	l.fail()
	if n == nil {
		return &rewrite.Opaque{What: "expression"}
	}
	o := &rewrite.Opaque{What: "expression", Attr: restore(n)}
	v := &collector{l: l, self: n}
	n.Accept(v)
	o.Kids = v.exprs
	for _, t := range v.tables {
		o.Queries = append(o.Queries, relationQuery(t))
	}
	o.Queries = append(o.Queries, v.queries...)
	return o
}

func negated(op string, not bool) string {
	if not {
		return "NOT " + op
	}
	return op
}

func (l *lowerer) notWord(not bool) {
	if not {
		l.eat("NOT")
	}
}

func (l *lowerer) isWords(not bool) {
	l.eat("IS")
	l.notWord(not)
}

func (l *lowerer) column(n *ast.ColumnName) *rewrite.ColumnRef {
	from := l.mark()
	if n.Table.O != "" || n.Schema.O != "" {
		c := &rewrite.ColumnRef{Path: l.path(n.Schema.O, n.Table.O, n.Name.O)}
		c.Span = l.span(from)
		return c
	}
	// Most references are one name: node and path are allocated as one.
	block := &struct {
		ref  rewrite.ColumnRef
		name [1]rewrite.Ident
	}{}
	block.name[0] = l.ident(n.Name.O)
	block.ref.Path = block.name[:]
	block.ref.Span = l.span(from)
	return &block.ref
}

func (l *lowerer) param(x *ast.ParamMarkerExprBase) rewrite.Expr {
	m := l.marker(x.Offset)
	if m == nil {
		l.fail()
		return &rewrite.Opaque{What: "placeholder"}
	}
	if l.seen != nil {
		l.seen[x.Offset] = true
	}
	if !l.lost {
		if l.pos() != x.Offset {
			l.fail()
		}
		l.i++
	}
	return m
}

// opSpelling gives the operator's name in the tree and the spellings in text.
var opSpelling = [...][]string{
	opcode.LogicAnd: {"AND", "&&"}, opcode.LogicOr: {"OR", "||"}, opcode.LogicXor: {"XOR"},
	opcode.EQ: {"="}, opcode.NE: {"<>", "!="}, opcode.LT: {"<"}, opcode.LE: {"<="}, opcode.GT: {">"},
	opcode.GE: {">="}, opcode.NullEQ: {"<=>"},
	opcode.Plus: {"+"}, opcode.Minus: {"-"}, opcode.Mul: {"*"}, opcode.Div: {"/"}, opcode.Mod: {"%", "MOD"},
	opcode.IntDiv: {"DIV"}, opcode.And: {"&"}, opcode.Or: {"|"}, opcode.Xor: {"^"},
	opcode.LeftShift: {"<<"}, opcode.RightShift: {">>"},
}

// operator consumes an operator and returns its name, and the spelling used.
func (l *lowerer) operator(op opcode.Op) (name, spelled string) {
	if op < 0 || int(op) >= len(opSpelling) || len(opSpelling[op]) == 0 {
		l.fail()
		return op.String(), ""
	}
	names := opSpelling[op]
	t := l.peek(0)
	for _, n := range names {
		if (t.Kind == rewrite.TokPunct || t.Kind == rewrite.TokWord) && strings.EqualFold(t.Text, n) {
			l.i++
			return names[0], n
		}
	}
	l.fail()
	return names[0], ""
}

// binary lowers binary operators. AND and OR chains become n-ary; the left
// spine is walked in a loop, as chains are long in practice.
func (l *lowerer) binary(x *ast.BinaryOperationExpr) rewrite.Expr {
	if soundsLike(x) {
		return l.soundsLike(x)
	}
	if x.Op == opcode.Mod && l.word("MOD") && l.punctN(1, "(") && x.L.OriginTextPosition() != l.pos() {
		return l.modCall(x)
	}
	from := l.mark()
	var few [8]*ast.BinaryOperationExpr
	spine := append(few[:0], x)
	for {
		left, ok := spine[len(spine)-1].L.(*ast.BinaryOperationExpr)
		if !ok || soundsLike(left) || left.Op == opcode.Mod {
			break
		}
		spine = append(spine, left)
	}
	e := l.expr(spine[len(spine)-1].L)
	for i := len(spine) - 1; i >= 0; i-- {
		e = l.join(from, spine[i], e)
	}
	return e
}

// join lowers operator and right side of a binary operation.
func (l *lowerer) join(from int, x *ast.BinaryOperationExpr, left rewrite.Expr) rewrite.Expr {
	name, spelled := l.operator(x.Op)
	right := l.expr(x.R)
	if spelled == "||" || l.lost && x.Op == opcode.LogicOr {
		// Under PIPES_AS_CONCAT this is concatenation and binds tighter than
		// everything around it, so nothing may be concluded from its shape.
		return &rewrite.Opaque{Span: l.span(from), What: "||", Kids: []rewrite.Expr{left, right}}
	}
	if name == "AND" || name == "OR" {
		if o, ok := left.(*rewrite.Op); ok && o.Name == name && o.Start == l.startOf(from) && o.Known() {
			o.Args = append(o.Args, right)
			o.Span = l.span(from)
			return o
		}
	}
	return &rewrite.Op{Span: l.span(from), Name: name, Args: []rewrite.Expr{left, right}}
}

func (l *lowerer) startOf(mark int) int {
	if mark < len(l.tokens) {
		return l.tokens[mark].Start
	}
	return -1
}

func soundsLike(x *ast.BinaryOperationExpr) bool {
	f, ok := x.L.(*ast.FuncCallExpr)
	return ok && x.Op == opcode.EQ && f.OriginTextPosition() == 0 && f.FnName.L == "soundex" && len(f.Args) == 1
}

func (l *lowerer) soundsLike(x *ast.BinaryOperationExpr) rewrite.Expr {
	from := l.mark()
	right, ok := x.R.(*ast.FuncCallExpr)
	if !ok || len(right.Args) != 1 {
		return l.unknown(x)
	}
	o := &rewrite.Op{Name: "SOUNDS LIKE", Args: []rewrite.Expr{l.expr(x.L.(*ast.FuncCallExpr).Args[0])}}
	l.eat("SOUNDS", "LIKE")
	o.Args = append(o.Args, l.expr(right.Args[0]))
	o.Span = l.span(from)
	return o
}

// modCall lowers MOD(a, b), which the parser reads as a % b.
func (l *lowerer) modCall(x *ast.BinaryOperationExpr) rewrite.Expr {
	from := l.mark()
	l.eat("MOD")
	o := &rewrite.Op{Name: "%", Args: l.rowValues([]ast.ExprNode{x.L, x.R})}
	o.Span = l.span(from)
	return o
}

func (l *lowerer) unary(x *ast.UnaryOperationExpr) rewrite.Expr {
	from := l.mark()
	var name string
	switch x.Op {
	case opcode.Not:
		name = "NOT"
		l.eat("NOT")
	case opcode.Not2:
		name = "!"
		if !l.acceptPunct("!") {
			l.eat("NOT")
		}
	case opcode.BitNeg:
		name = "~"
		l.eatPunct("~")
	case opcode.Minus:
		name = "-"
		l.eatPunct("-")
	case opcode.Plus:
		name = "+"
		l.eatPunct("+")
	default:
		return l.unknown(x)
	}
	v := l.expr(x.V)
	if _, number := x.V.(*ast.ValueExprBase); number && (name == "-" || name == "+") {
		if e, ok := signed(name, v, l.span(from)); ok {
			return e
		}
	}
	return &rewrite.Op{Span: l.span(from), Name: name, Args: []rewrite.Expr{v}}
}

func (l *lowerer) position(x *ast.PositionExpr) rewrite.Expr {
	lit := &rewrite.Literal{Kind: rewrite.LitNumber, Value: strconv.Itoa(x.N)}
	t := l.peek(0)
	if t.Kind != rewrite.TokNumber {
		l.fail()
		return lit
	}
	lit.Value, lit.Span = t.Text, t.Span
	l.i++
	return lit
}

func (l *lowerer) defaultExpr(x *ast.DefaultExpr) rewrite.Expr {
	from := l.mark()
	l.eat("DEFAULT")
	if x.Name == nil {
		return &rewrite.Default{Span: l.span(from)}
	}
	l.eatPunct("(")
	o := &rewrite.Opaque{What: "DEFAULT(…)", Kids: []rewrite.Expr{l.column(x.Name)}}
	l.eatPunct(")")
	o.Span = l.span(from)
	return o
}

func (l *lowerer) isTruth(x *ast.IsTruthExpr) rewrite.Expr {
	from := l.mark()
	o := &rewrite.Op{Name: "IS", Args: []rewrite.Expr{l.expr(x.Expr)}}
	l.isWords(x.Not)
	if x.Not {
		o.Name = "IS NOT"
	}
	lit := &rewrite.Literal{Kind: rewrite.LitBool, Value: "false"}
	word := "FALSE"
	if x.True != 0 {
		lit.Value, word = "true", "TRUE"
	}
	at := l.mark()
	l.eat(word)
	lit.Span = l.span(at)
	o.Args = append(o.Args, lit)
	o.Span = l.span(from)
	return o
}

func (l *lowerer) in(x *ast.PatternInExpr) rewrite.Expr {
	from := l.mark()
	e := &rewrite.In{X: l.expr(x.Expr), Not: x.Not}
	l.notWord(x.Not)
	l.eat("IN")
	if sub, ok := x.Sel.(*ast.SubqueryExpr); ok {
		e.Query = l.subquery(sub.Query)
	} else {
		e.List = l.rowValues(x.List)
	}
	e.Span = l.span(from)
	return e
}

func (l *lowerer) like(x *ast.PatternLikeOrIlikeExpr) rewrite.Expr {
	from := l.mark()
	word := "LIKE"
	if !x.IsLike {
		word = "ILIKE"
	}
	o := &rewrite.Op{Name: negated(word, x.Not), Args: []rewrite.Expr{l.expr(x.Expr)}}
	l.notWord(x.Not)
	l.eat(word)
	o.Args = append(o.Args, l.expr(x.Pattern))
	if x.EscapeExplicit {
		l.eat("ESCAPE")
		t := l.peek(0)
		if t.Kind != rewrite.TokString {
			l.fail()
		} else {
			l.i++
		}
		o.Attr = "ESCAPE"
		o.Args = append(o.Args, &rewrite.Literal{Span: t.Span, Kind: rewrite.LitString, Value: t.Text})
	}
	o.Span = l.span(from)
	return o
}

func (l *lowerer) exists(x *ast.ExistsSubqueryExpr) rewrite.Expr {
	from := l.mark()
	for !l.lost && !l.word("EXISTS") { // NOT NOT EXISTS folds in the parser
		l.eat("NOT")
	}
	at := l.mark()
	l.eat("EXISTS")
	s := &rewrite.Subquery{Kind: rewrite.SubExists}
	sub, ok := x.Sel.(*ast.SubqueryExpr)
	if !ok {
		return l.unknown(x)
	}
	s.Query = l.subquery(sub.Query)
	s.Span = l.span(at)
	if !x.Not {
		return s
	}
	return &rewrite.Op{Span: l.span(from), Name: "NOT", Args: []rewrite.Expr{s}}
}

func (l *lowerer) quantified(x *ast.CompareSubqueryExpr) rewrite.Expr {
	from := l.mark()
	s := &rewrite.Subquery{Kind: rewrite.SubQuantified, X: l.expr(x.L)}
	s.Op, _ = l.operator(x.Op)
	if x.All {
		l.eat("ALL")
		s.Op += " ALL"
	} else {
		if !l.accept("ANY", "SOME") {
			l.fail()
		}
		s.Op += " ANY"
	}
	sub, ok := x.R.(*ast.SubqueryExpr)
	if !ok {
		return l.unknown(x)
	}
	s.Query = l.subquery(sub.Query)
	s.Span = l.span(from)
	return s
}

func (l *lowerer) variableExpr(x *ast.VariableExpr) rewrite.Expr {
	from := l.mark()
	o := &rewrite.Opaque{What: "@variable", Attr: strings.ToLower(x.Name)}
	if x.IsSystem {
		o.What, o.Attr = "@@variable", restore(x)
	}
	if t := l.peek(0); t.Kind == rewrite.TokPunct && t.Text[0] == '@' {
		l.i++
	} else {
		l.fail()
	}
	if x.Value != nil {
		o.What = ":="
		l.eatPunct(":=")
		o.Kids = []rewrite.Expr{l.expr(x.Value)}
	}
	o.Span = l.span(from)
	return o
}

func (l *lowerer) matchAgainst(x *ast.MatchAgainst) rewrite.Expr {
	from := l.mark()
	o := &rewrite.Opaque{What: "MATCH … AGAINST"}
	l.eat("MATCH")
	l.eatPunct("(")
	for i, c := range x.ColumnNames {
		if i > 0 {
			l.eatPunct(",")
		}
		o.Kids = append(o.Kids, l.column(c))
	}
	l.eatPunct(")")
	l.eat("AGAINST")
	l.eatPunct("(")
	o.Kids = append(o.Kids, l.expr(x.Against))
	at := l.mark()
	for l.accept("IN", "WITH", "BOOLEAN", "NATURAL", "LANGUAGE", "MODE", "QUERY", "EXPANSION") {
		continue
	}
	o.Attr = l.raw(at)
	l.eatPunct(")")
	o.Span = l.span(from)
	return o
}

func (l *lowerer) caseExpr(x *ast.CaseExpr) rewrite.Expr {
	from := l.mark()
	c := &rewrite.Case{}
	l.eat("CASE")
	if x.Value != nil {
		c.Operand = l.expr(x.Value)
	}
	for _, w := range x.WhenClauses {
		l.eat("WHEN")
		when := rewrite.When{Cond: l.expr(w.Expr)}
		l.eat("THEN")
		when.Then = l.expr(w.Result)
		c.Whens = append(c.Whens, when)
	}
	if x.ElseClause != nil {
		l.eat("ELSE")
		c.Else = l.expr(x.ElseClause)
	}
	l.eat("END")
	c.Span = l.span(from)
	return c
}

// scattered lowers "( … )" in which expressions stand among words that the
// tree keeps as text; offsets say where the expressions are.
func (l *lowerer) scattered(exprs []ast.ExprNode) (kids []rewrite.Expr, attr string) {
	sorted := append([]ast.ExprNode(nil), exprs...)
	sort.SliceStable(sorted, func(i, j int) bool {
		return sorted[i].OriginTextPosition() < sorted[j].OriginTextPosition()
	})
	stop := -1
	if l.punct("(") {
		stop = int(l.match[l.i])
	}
	if stop < 0 {
		l.fail()
	}
	for _, e := range sorted {
		at := l.mark()
		l.until(e.OriginTextPosition())
		attr += l.raw(at) + " "
		kids = append(kids, l.expr(e))
	}
	at := l.mark()
	if !l.lost && stop+1 < len(l.tokens) {
		l.until(l.tokens[stop+1].Start)
	} else if !l.lost {
		l.until(len(l.text))
	}
	return kids, attr + l.raw(at)
}

func (l *lowerer) jsonValue(x *ast.JSONValueExpr) rewrite.Expr {
	from := l.mark()
	exprs := []ast.ExprNode{x.Doc, x.Path}
	for _, r := range []*ast.JSONOnResponse{x.OnEmpty, x.OnError} {
		if r != nil && r.Value != nil {
			exprs = append(exprs, r.Value)
		}
	}
	o := &rewrite.Opaque{What: "JSON_VALUE"}
	l.eat("JSON_VALUE")
	o.Kids, o.Attr = l.scattered(exprs)
	o.Span = l.span(from)
	return o
}

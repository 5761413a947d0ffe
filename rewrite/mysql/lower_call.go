package mysql

import (
	"strings"

	"github.com/sqlc-dev/marino/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// call lowers function calls and the operators that the parser turns into
// calls.
func (l *lowerer) call(x *ast.FuncCallExpr) rewrite.Expr {
	switch x.FnName.L {
	case "date_add", "date_sub", "adddate", "subdate":
		if e := l.intervalCall(x); e != nil {
			return e
		}
	case "json_extract", "json_unquote":
		if e := l.arrow(x); e != nil {
			return e
		}
	case ast.DateLiteral:
		return l.temporal(x, "date")
	case ast.TimeLiteral:
		return l.temporal(x, "time")
	case ast.TimestampLiteral:
		return l.temporal(x, "timestamp")
	case "json_memberof":
		return l.memberOf(x)
	case "trim":
		return l.trim(x)
	case "convert", ast.CharFunc:
		if e := l.using(x); e != nil {
			return e
		}
	case "timestamp":
		return l.timestamp(x)
	case "nextval", "lastval", "setval":
		return l.sequence(x)
	}
	return l.plainCall(x)
}

// begin consumes the name of a call and returns the node.
func (l *lowerer) begin(schema string) *rewrite.Call {
	c := &rewrite.Call{}
	if schema != "" {
		c.Name = append(c.Name, l.ident(schema))
		l.eatPunct(".")
	}
	t := l.peek(0)
	if t.Kind != rewrite.TokWord && t.Kind != rewrite.TokQuoted {
		l.fail()
		return c
	}
	c.Name = append(c.Name, rewrite.Ident{Name: t.Text, Quoted: t.Kind == rewrite.TokQuoted, Span: t.Span})
	l.i++
	return c
}

// name sets the name from the tree where the tokens cannot give it.
func (l *lowerer) name(c *rewrite.Call, name string) {
	if l.lost {
		c.Name = []rewrite.Ident{{Name: name}}
	}
}

// aliases of names that the parser replaces by its own.
var callAlias = map[string]string{
	"insert": "insert_func", "password": "password_func", "char": "char_func",
}

func (l *lowerer) plainCall(x *ast.FuncCallExpr) rewrite.Expr {
	from := l.mark()
	c := l.begin(x.Schema.O)
	if !l.lost {
		written := strings.ToLower(c.Name[len(c.Name)-1].Name)
		if written != x.FnName.L && callAlias[written] != x.FnName.L {
			if x.FnName.L == valueStandIn && written == "value" {
				return l.valueRef(from, x)
			}
			l.fail()
		}
	}
	if l.lost {
		c.Name = nil
		if x.Schema.O != "" {
			c.Name = append(c.Name, rewrite.Ident{Name: x.Schema.O})
		}
		c.Name = append(c.Name, rewrite.Ident{Name: x.FnName.O})
	}
	if !l.lost && !l.punct("(") { // CURRENT_DATE and its kin
		if len(x.Args) > 0 {
			l.fail()
		}
		c.Span = l.span(from)
		return c
	}
	l.eatPunct("(")
	l.arguments(c, x.Args)
	l.eatPunct(")")
	c.Span = l.span(from)
	return c
}

// timestamp lowers TIMESTAMP(x), which is a cast to DATETIME with as many digits
// of a second as there can be. A quoted name may be a routine's.
func (l *lowerer) timestamp(x *ast.FuncCallExpr) rewrite.Expr {
	e := l.plainCall(x)
	c, ok := e.(*rewrite.Call)
	if !ok || !c.Known() || len(c.Name) != 1 || c.Name[0].Quoted || len(c.Args) != 1 || len(c.Extra) > 0 {
		return e
	}
	return &rewrite.Cast{Span: c.Span, X: c.Args[0], Type: "datetime(6)"}
}

// valueRef makes VALUE(c) of the name that stood in for it; see parseText.
func (l *lowerer) valueRef(from int, x *ast.FuncCallExpr) rewrite.Expr {
	col, ok := first(x.Args).(*ast.ColumnNameExpr)
	if !ok || len(x.Args) != 1 {
		return l.unknown(x)
	}
	l.eatPunct("(")
	v := &rewrite.ValuesRef{Column: l.column(col.Name)}
	l.eatPunct(")")
	v.Span = l.span(from)
	return v
}

func first(args []ast.ExprNode) ast.ExprNode {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

// arguments lowers the arguments up to the closing bracket; they are
// separated by commas or by words (SUBSTRING(a FROM 1 FOR 2)).
func (l *lowerer) arguments(c *rewrite.Call, args []ast.ExprNode) {
	for i, a := range args {
		if i > 0 && !l.acceptPunct(",") {
			if !l.accept("FROM", "FOR", "IN") && !l.isUnit(a) {
				if l.punct(")") && synthetic(a) {
					return // CHAR(…) has a charset argument that is not written
				}
				l.fail()
			}
		}
		l.argument(c, a)
	}
	if l.accept("AS") { // WEIGHT_STRING(s AS CHAR(5))
		l.fail()
	}
}

func (l *lowerer) isUnit(a ast.ExprNode) bool {
	_, ok := a.(*ast.TimeUnitExpr)
	return ok
}

func synthetic(a ast.ExprNode) bool {
	v, ok := a.(*ast.ValueExprBase)
	return ok && v.OriginTextPosition() == 0
}

func (l *lowerer) argument(c *rewrite.Call, a ast.ExprNode) {
	switch x := a.(type) {
	case *ast.TimeUnitExpr:
		c.Attr += " " + x.Unit.String()
		l.unit()
	case *ast.GetFormatSelectorExpr:
		c.Attr += " " + restore(x)
		l.unit()
	default:
		c.Args = append(c.Args, l.expr(a))
	}
}

// intervalCall lowers d + INTERVAL n unit, INTERVAL n unit + d and
// DATE_ADD(d, INTERVAL n unit); nil for ADDDATE(d, n).
func (l *lowerer) intervalCall(x *ast.FuncCallExpr) rewrite.Expr {
	if len(x.Args) != 3 {
		return nil
	}
	unit, ok := x.Args[2].(*ast.TimeUnitExpr)
	if !ok {
		return nil
	}
	from := l.mark()
	if l.lost {
		return &rewrite.Call{
			Name: []rewrite.Ident{{Name: x.FnName.O}}, Attr: "INTERVAL " + unit.Unit.String(),
			Args: []rewrite.Expr{l.expr(x.Args[0]), l.expr(x.Args[1])},
		}
	}
	at := x.OriginTextPosition()
	switch {
	case x.Args[0].OriginTextPosition() == at:
		o := &rewrite.Op{Name: "+ INTERVAL", Attr: unit.Unit.String(), Args: []rewrite.Expr{l.expr(x.Args[0])}}
		if l.acceptPunct("-") {
			o.Name = "- INTERVAL"
		} else {
			l.eatPunct("+")
		}
		l.eat("INTERVAL")
		o.Args = append(o.Args, l.expr(x.Args[1]))
		l.unit()
		o.Span = l.span(from)
		return o
	case l.word("INTERVAL"):
		l.eat("INTERVAL")
		n := l.expr(x.Args[1])
		l.unit()
		l.eatPunct("+")
		o := &rewrite.Op{Name: "+ INTERVAL", Attr: unit.Unit.String(), Args: []rewrite.Expr{l.expr(x.Args[0]), n}}
		o.Span = l.span(from)
		return o
	}
	return l.intervalFunc(from, x, unit)
}

func (l *lowerer) intervalFunc(from int, x *ast.FuncCallExpr, unit *ast.TimeUnitExpr) rewrite.Expr {
	c := l.begin("")
	l.eatPunct("(")
	c.Args = append(c.Args, l.expr(x.Args[0]))
	l.eatPunct(",")
	interval := l.accept("INTERVAL")
	c.Args = append(c.Args, l.expr(x.Args[1]))
	if interval {
		c.Attr = "INTERVAL " + unit.Unit.String()
		l.unit()
	}
	l.eatPunct(")")
	c.Span = l.span(from)
	return c
}

// arrow lowers c -> '…' and c ->> '…'; nil for the functions of that name.
func (l *lowerer) arrow(x *ast.FuncCallExpr) rewrite.Expr {
	arg, op := x, "->"
	if x.FnName.L == "json_unquote" {
		inner, ok := first(x.Args).(*ast.FuncCallExpr)
		if !ok || inner.OriginTextPosition() != 0 || inner.FnName.L != "json_extract" {
			return nil
		}
		arg, op = inner, "->>"
	}
	if len(arg.Args) != 2 || arg.Args[0].OriginTextPosition() != x.OriginTextPosition() || l.lost {
		return nil
	}
	from := l.mark()
	o := &rewrite.Op{Name: op, Args: []rewrite.Expr{l.expr(arg.Args[0])}}
	l.eatPunct(op)
	o.Args = append(o.Args, l.expr(arg.Args[1]))
	o.Span = l.span(from)
	return o
}

// temporal lowers DATE '…' and {d '…'}.
func (l *lowerer) temporal(x *ast.FuncCallExpr, tp string) rewrite.Expr {
	from := l.mark()
	c := &rewrite.Cast{Type: tp}
	if len(x.Args) != 1 {
		return l.unknown(x)
	}
	braces := l.acceptPunct("{")
	l.unit()
	c.X = l.expr(x.Args[0])
	if braces {
		l.eatPunct("}")
	}
	c.Span = l.span(from)
	return c
}

func (l *lowerer) memberOf(x *ast.FuncCallExpr) rewrite.Expr {
	if len(x.Args) != 2 {
		return l.unknown(x)
	}
	from := l.mark()
	o := &rewrite.Opaque{What: "MEMBER OF", Kids: []rewrite.Expr{l.expr(x.Args[0])}}
	l.eat("MEMBER", "OF")
	l.eatPunct("(")
	o.Kids = append(o.Kids, l.expr(x.Args[1]))
	l.eatPunct(")")
	o.Span = l.span(from)
	return o
}

// trim lowers TRIM([[LEADING|TRAILING|BOTH] [pattern] FROM] s); the string
// comes first in Args.
func (l *lowerer) trim(x *ast.FuncCallExpr) rewrite.Expr {
	if l.lost || len(x.Args) < 2 {
		return l.plainCall(x)
	}
	from := l.mark()
	c := l.begin("")
	l.eatPunct("(")
	var pattern rewrite.Expr
	if len(x.Args) == 3 {
		c.Attr = restore(x.Args[2])
		if !l.accept("LEADING", "TRAILING", "BOTH") {
			l.fail()
		}
	}
	if !l.word("FROM") {
		pattern = l.expr(x.Args[1])
	}
	l.eat("FROM")
	c.Args = []rewrite.Expr{l.expr(x.Args[0])}
	if pattern != nil {
		c.Args = append(c.Args, pattern)
	}
	l.eatPunct(")")
	c.Span = l.span(from)
	return c
}

// using lowers CONVERT(x USING cs) and CHAR(n, … USING cs); nil for CHAR
// without USING.
func (l *lowerer) using(x *ast.FuncCallExpr) rewrite.Expr {
	last := len(x.Args) - 1
	if last < 1 {
		return nil
	}
	cs, ok := x.Args[last].(*ast.ValueExprBase)
	if !ok || cs.OriginTextPosition() != 0 || cs.Kind() != ast.KindString {
		return nil
	}
	from := l.mark()
	o := &rewrite.Opaque{What: upper(strings.TrimSuffix(x.FnName.L, "_func")) + " … USING", Attr: cs.GetString()}
	if !l.accept("CONVERT", "CHAR") {
		l.fail()
	}
	l.eatPunct("(")
	for i, a := range x.Args[:last] {
		if i > 0 {
			l.eatPunct(",")
		}
		o.Kids = append(o.Kids, l.expr(a))
	}
	l.eat("USING")
	l.collationName()
	l.eatPunct(")")
	o.Span = l.span(from)
	return o
}

// sequence lowers the functions of sequences; the sequence's name becomes a
// relation, so that it is resolved like any other.
func (l *lowerer) sequence(x *ast.FuncCallExpr) rewrite.Expr {
	name, ok := first(x.Args).(*ast.TableNameExpr)
	if !ok {
		return l.unknown(x)
	}
	from := l.mark()
	o := &rewrite.Opaque{What: upper(x.FnName.L)}
	brackets := true
	if l.accept("NEXT") {
		l.eat("VALUE", "FOR")
		brackets = false
	} else {
		l.i++
		l.eatPunct("(")
	}
	o.Queries = []*rewrite.Query{relationQuery(l.table(name.Name, ""))}
	if brackets {
		at := l.mark()
		for !l.lost && l.i < len(l.tokens) && !l.punct(")") {
			l.i++
		}
		o.Attr = l.raw(at)
		l.eatPunct(")")
	}
	o.Span = l.span(from)
	return o
}

// relationQuery wraps a relation that is named where an expression may stand.
func relationQuery(t *rewrite.Table) *rewrite.Query {
	return &rewrite.Query{Body: &rewrite.Select{ItemsEnd: -1, From: []rewrite.TableExpr{t}}}
}

// aggregate lowers COUNT, SUM, GROUP_CONCAT and the other aggregates.
func (l *lowerer) aggregate(x *ast.AggregateFuncExpr) rewrite.Expr {
	from := l.mark()
	c := l.begin("")
	l.name(c, x.F)
	c.Distinct = x.Distinct
	l.aggregateArgs(c, x.Args, x.Order)
	c.Span = l.span(from)
	return c
}

// aggregateArgs lowers "( [DISTINCT] args [ORDER BY …] [SEPARATOR '…'] )".
func (l *lowerer) aggregateArgs(c *rewrite.Call, args []ast.ExprNode, order *ast.OrderByClause) {
	l.eatPunct("(")
	if c.Distinct && !l.accept("DISTINCT") {
		l.eat("DISTINCTROW")
	}
	l.accept("ALL")
	concat := strings.EqualFold(c.Name[len(c.Name)-1].Name, "group_concat")
	var separator ast.ExprNode
	if concat && len(args) > 1 {
		args, separator = args[:len(args)-1], args[len(args)-1]
	}
	if l.punct("*") {
		l.i++
		c.Star = true
		args = nil
	}
	for i, a := range args {
		if i > 0 {
			l.eatPunct(",")
			l.accept("ALL")
		}
		l.argument(c, a)
	}
	if order != nil {
		l.eat("ORDER", "BY")
		items, dirs := l.byItems(order.Items)
		c.Extra, c.Attr = append(c.Extra, items...), c.Attr+" order "+dirs
	}
	if separator != nil && l.accept("SEPARATOR") {
		c.Extra = append(c.Extra, l.expr(separator))
		c.Attr += " separator"
	}
	l.eatPunct(")")
}

func (l *lowerer) windowCall(x *ast.WindowFuncExpr) rewrite.Expr {
	from := l.mark()
	c := l.begin("")
	l.name(c, x.Name)
	c.Distinct, c.Over = x.Distinct, true
	l.aggregateArgs(c, x.Args, nil)
	at := l.mark()
	if l.accept("FROM") {
		l.accept("FIRST", "LAST")
	}
	if l.accept("IGNORE", "RESPECT") {
		l.eat("NULLS")
	}
	c.Attr += l.raw(at)
	l.eat("OVER")
	if x.Spec.OnlyAlias {
		c.Attr += " over " + l.ident(x.Spec.Name.O).Name
	} else {
		kids, attr := l.windowSpec(&x.Spec)
		c.Extra, c.Attr = append(c.Extra, kids...), c.Attr+" over ("+attr+")"
	}
	c.Span = l.span(from)
	return c
}

// cast lowers CAST(x AS t), CONVERT(x, t) and BINARY x.
func (l *lowerer) cast(x *ast.FuncCastExpr) rewrite.Expr {
	from := l.mark()
	c := &rewrite.Cast{Type: "binary"}
	if x.FunctionType == ast.CastBinaryOperator {
		l.eat("BINARY")
		c.X = l.expr(x.Expr)
		c.Span = l.span(from)
		return c
	}
	if l.lost {
		c.Type = strings.ToLower(x.Tp.String())
		c.X = l.expr(x.Expr)
		return c
	}
	stop := -1
	if l.punctN(1, "(") {
		stop = int(l.match[l.i+1])
	}
	if stop < 0 || !l.accept("CAST", "CONVERT") {
		return l.unknown(x)
	}
	l.eatPunct("(")
	c.X = l.expr(x.Expr)
	if !l.acceptPunct(",") {
		l.eat("AS")
	}
	at := l.mark()
	if !l.lost {
		l.until(l.tokens[stop].Start)
	}
	c.Type = typeName(l.tokens, at, l.i)
	l.eatPunct(")")
	c.Span = l.span(from)
	return c
}

// typeName writes a type as the tree wants it: lower case, single blanks,
// none inside brackets.
func typeName(toks []rewrite.Token, from, to int) string {
	var b strings.Builder
	for i := from; i < to && i < len(toks); i++ {
		t := &toks[i]
		if i > from && t.Kind == rewrite.TokWord && toks[i-1].Text != "(" {
			b.WriteByte(' ')
		}
		b.WriteString(strings.ToLower(t.Text))
	}
	return b.String()
}

package postgres

import (
	"strconv"
	"strings"

	"github.com/sqlc-dev/oliphant/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// keywordCall lowers a form that the grammar spells as a function: COALESCE,
// NULLIF, GREATEST, LEAST.
func (l *lowerer) keywordCall(name string, args []*ast.Node, loc int32) (rewrite.Expr, reach) {
	r := l.bracketed(loc)
	out := &rewrite.Call{Span: l.t.span(r), Name: []rewrite.Ident{{Name: name}}, Args: l.exprs(args), Attr: "keyword"}
	if r.ok {
		out.Name[0].Span = l.t.list[r.lo].Span
	}
	return out, r
}

var valueFunctions = map[ast.SQLValueFunctionOp]string{
	ast.SQLValueFunctionOp_SVFOP_CURRENT_DATE:        "current_date",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_TIME:        "current_time",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_TIME_N:      "current_time",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP:   "current_timestamp",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N: "current_timestamp",
	ast.SQLValueFunctionOp_SVFOP_LOCALTIME:           "localtime",
	ast.SQLValueFunctionOp_SVFOP_LOCALTIME_N:         "localtime",
	ast.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP:      "localtimestamp",
	ast.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N:    "localtimestamp",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_ROLE:        "current_role",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_USER:        "current_user",
	ast.SQLValueFunctionOp_SVFOP_USER:                "user",
	ast.SQLValueFunctionOp_SVFOP_SESSION_USER:        "session_user",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG:     "current_catalog",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA:      "current_schema",
}

// valueFunction lowers CURRENT_TIMESTAMP and the like.
func (l *lowerer) valueFunction(f *ast.SQLValueFunction) (rewrite.Expr, reach) {
	i := l.t.at(f.Location)
	r := reachOf(i, i)
	attr := "keyword"
	if f.Typmod >= 0 {
		r = l.bracketed(f.Location)
		attr += "(" + strconv.Itoa(int(f.Typmod)) + ")"
	}
	return &rewrite.Call{
		Span: l.t.span(r), Name: []rewrite.Ident{l.ident(valueFunctions[f.Op], i)}, Attr: attr,
	}, r
}

// call lowers a function call, and the forms that the grammar turns into one
// (EXTRACT, AT TIME ZONE, OVERLAPS, …).
func (l *lowerer) call(f *ast.FuncCall) (rewrite.Expr, reach) {
	i := l.t.at(f.Location)
	out := &rewrite.Call{Star: f.AggStar, Distinct: f.AggDistinct, Over: f.Over != nil}
	var r reach
	if f.Funcformat == ast.CoercionForm_COERCE_SQL_SYNTAX {
		out.Name, _ = l.path(f.Funcname, -1)
		out.Attr = "syntax"
		out.Args, r = l.syntaxCall(f, i)
	} else {
		var nr reach
		out.Name, nr = l.path(f.Funcname, i)
		out.Args = l.exprs(f.Args)
		r = l.callReach(f, nr, i)
	}
	if f.FuncVariadic || f.AggWithinGroup || f.AggFilter != nil || len(f.AggOrder) > 0 || f.Over != nil {
		l.callExtras(f, out)
	}
	out.Span = l.t.span(r)
	return out, r
}

// callExtras lowers what stands beside a call's arguments.
func (l *lowerer) callExtras(f *ast.FuncCall, out *rewrite.Call) {
	var attr strings.Builder
	attr.WriteString(out.Attr)
	if f.FuncVariadic {
		attr.WriteString(" VARIADIC")
	}
	if f.AggWithinGroup {
		attr.WriteString(" WITHIN GROUP")
	}
	if len(f.AggOrder) > 0 {
		attr.WriteString(" ORDER")
		writeOrder(&attr, f.AggOrder)
		out.Extra = append(out.Extra, l.exprs(f.AggOrder)...)
	}
	if f.AggFilter != nil {
		attr.WriteString(" FILTER")
		out.Extra = append(out.Extra, l.exprOf(f.AggFilter))
	}
	if f.Over != nil {
		attr.WriteString(" OVER")
		out.Extra = append(out.Extra, l.window(f.Over, &attr)...)
	}
	out.Attr = attr.String()
}

// window lowers a window definition; attr gets what is not an expression.
func (l *lowerer) window(w *ast.WindowDef, attr *strings.Builder) []rewrite.Expr {
	attr.WriteString("(" + strconv.Quote(w.Name) + " " + strconv.Quote(w.Refname))
	attr.WriteString(" partition " + strconv.Itoa(len(w.PartitionClause)) + " order")
	writeOrder(attr, w.OrderClause)
	attr.WriteString(" frame " + strconv.Itoa(int(w.FrameOptions)))
	out := append(l.exprs(w.PartitionClause), l.exprs(w.OrderClause)...)
	for _, n := range []*ast.Node{w.StartOffset, w.EndOffset} {
		attr.WriteString(" ")
		if e := l.exprOf(n); e != nil {
			attr.WriteString("#")
			out = append(out, e)
		}
	}
	attr.WriteString(")")
	return out
}

// writeOrder writes the directions of an ORDER BY; nothing for plain items.
func writeOrder(b *strings.Builder, list []*ast.Node) {
	b.WriteString(strconv.Itoa(len(list)))
	for i, n := range list {
		s := n.GetSortBy()
		if s == nil || s.SortbyDir <= ast.SortByDir_SORTBY_DEFAULT && s.SortbyNulls <= ast.SortByNulls_SORTBY_NULLS_DEFAULT {
			continue
		}
		b.WriteString(" " + strconv.Itoa(i) + ":")
		switch s.SortbyDir {
		case ast.SortByDir_SORTBY_ASC:
			b.WriteString("asc")
		case ast.SortByDir_SORTBY_DESC:
			b.WriteString("desc")
		case ast.SortByDir_SORTBY_USING:
			b.WriteString("using " + strconv.Quote(opName(s.UseOp)))
		}
		switch s.SortbyNulls {
		case ast.SortByNulls_SORTBY_NULLS_FIRST:
			b.WriteString(" nulls first")
		case ast.SortByNulls_SORTBY_NULLS_LAST:
			b.WriteString(" nulls last")
		}
	}
}

// callReach finds the end of "name(…)" with its trailing clauses.
func (l *lowerer) callReach(f *ast.FuncCall, name reach, i int) reach {
	open := name.hi + 1
	if !name.ok {
		// TREAT, JSON_OBJECT and others carry a name that is not in the text.
		open = i + 1
	}
	if i < 0 || !l.t.is(open, pLParen) {
		return reach{}
	}
	r := reachOf(i, l.t.closing(open))
	if r.ok && f.AggWithinGroup {
		r = l.extend(r, kwWithin, 2)
	}
	if r.ok && f.AggFilter != nil {
		r = l.extend(r, kwFilter, 1)
	}
	if r.ok && f.Over != nil {
		if l.t.is(r.hi+1, kwOver) && l.t.isName(r.hi+2) {
			return reachOf(i, l.t.name(r.hi+2)-1)
		}
		r = l.extend(r, kwOver, 1)
	}
	return r
}

// extend widens r over a keyword and the brackets n tokens behind it.
func (l *lowerer) extend(r reach, w word, n int) reach {
	if !l.t.is(r.hi+1, w) || !l.t.is(r.hi+1+n, pLParen) {
		return reach{}
	}
	return reachOf(r.lo, l.t.closing(r.hi+1+n))
}

// syntaxCall lowers the arguments of a form with its own syntax and finds its
// run of tokens.
func (l *lowerer) syntaxCall(f *ast.FuncCall, i int) ([]rewrite.Expr, reach) {
	if l.t.is(i, kwAt) && len(f.Args) == 2 { // x AT TIME ZONE zone
		zone, zr := l.expr(f.Args[0])
		x, xr := l.expr(f.Args[1])
		return []rewrite.Expr{zone, x}, l.infix(xr, zr, i, i+2)
	}
	args := l.exprs(f.Args)
	switch {
	case i < 0:
		return args, reach{}
	case l.t.is(i+1, pLParen) && l.t.list[i].Kind == rewrite.TokWord &&
		!strings.EqualFold(l.t.list[i].Text, "overlaps"):
		return args, reachOf(i, l.t.closing(i+1))
	case l.t.is(i+1, kwFor) && l.t.is(i+2, pLParen): // COLLATION FOR (x)
		return args, reachOf(i, l.t.closing(i+2))
	case len(args) == 0:
		return args, reachOf(i, i)
	}
	return args, reach{}
}

// cast lowers every spelling of a conversion.
func (l *lowerer) cast(c *ast.TypeCast) (rewrite.Expr, reach) {
	if !plainModifiers(c.TypeName) {
		return l.opaque(&ast.Node{Node: &ast.Node_TypeCast{TypeCast: c}})
	}
	x, xr := l.expr(c.Arg)
	out := &rewrite.Cast{X: x}
	i := l.t.at(c.Location)
	var r, typ reach
	switch {
	case l.t.is(i, pCast):
		typ = l.typeReach(i + 1)
		r = join(l.t.growTo(xr, i), typ)
	case l.t.is(i, kwCastWord) && l.t.is(i+1, pLParen):
		r = reachOf(i, l.t.closing(i+1))
		if x := l.t.growFrom(xr, i+1); x.ok && l.t.is(x.hi+1, kwAs) && r.ok {
			typ = reachOf(x.hi+2, r.hi-1)
		}
	default:
		typ, r = l.prefixType(c.TypeName, xr)
	}
	out.Type = l.typeText(typ, c.TypeName)
	if typ.ok && r.ok && r.hi > xr.hi && typ.hi < xr.lo {
		// interval 'x' year to month
		out.Type += " " + l.typeText(reachOf(xr.hi+1, r.hi), nil)
	}
	out.Span = l.t.span(r)
	return out, r
}

// plainModifiers reports whether a type's modifiers are what the server
// accepts: constants and bare words. Anything else must not vanish in the
// type's text.
func plainModifiers(n *ast.TypeName) bool {
	for _, m := range n.GetTypmods() {
		if m.GetAConst() == nil && len(m.GetColumnRef().GetFields()) != 1 {
			return false
		}
	}
	return true
}

// prefixType finds the runs of "type 'x'" and of "interval 'x' year to month".
func (l *lowerer) prefixType(n *ast.TypeName, x reach) (typ, all reach) {
	i := l.t.at(n.GetLocation())
	if !x.ok || i < 0 || x.lo <= i {
		return reach{}, reach{}
	}
	typ = reachOf(i, x.lo-1)
	all = reachOf(i, x.hi)
	if l.t.is(i, kwInterval) {
		if end := l.intervalFields(x.hi + 1); end > x.hi+1 {
			all.hi = end - 1
		}
	}
	return typ, all
}

// typeReach finds the end of the type name that begins at token i
// (Typename of the grammar).
func (l *lowerer) typeReach(i int) reach {
	start := i
	if l.t.is(i, kwSetof) {
		i++
	}
	if !l.t.isName(i) {
		return reach{}
	}
	i = l.simpleType(i)
	if l.t.is(i, kwArray) {
		i++
		if l.t.is(i, pLBracket) {
			i = l.t.closing(i) + 1
		}
		return reachOf(start, i-1)
	}
	for l.t.is(i, pLBracket) {
		i = l.t.closing(i) + 1
	}
	return reachOf(start, i-1)
}

// simpleType returns the index behind a type name without array bounds.
func (l *lowerer) simpleType(i int) int {
	w := l.t.word[i]
	next := l.t.name(i)
	switch w {
	case kwDouble:
		if l.t.is(next, kwPrecision) {
			return next + 1
		}
	case kwNational:
		if l.t.is(next, kwCharacter) || l.t.is(next, kwChar) {
			next++
		}
		return l.modifiers(l.skip(next, kwVarying))
	case kwCharacter, kwChar, kwNchar, kwBit:
		return l.modifiers(l.skip(next, kwVarying))
	case kwTimestamp, kwTime:
		next = l.modifiers(next)
		if (l.t.is(next, kwWith) || l.t.is(next, kwWithout)) && l.t.is(next+1, kwTime) && l.t.is(next+2, kwZone) {
			next += 3
		}
		return next
	case kwInterval:
		if l.t.is(next, pLParen) {
			return l.modifiers(next)
		}
		return l.intervalFields(next)
	}
	for l.t.is(next, pDot) && l.t.isName(next+1) {
		next = l.t.name(next + 1)
	}
	return l.modifiers(next)
}

func (l *lowerer) skip(i int, w word) int {
	if l.t.is(i, w) {
		return i + 1
	}
	return i
}

func (l *lowerer) modifiers(i int) int {
	if l.t.is(i, pLParen) && l.t.closing(i) > 0 {
		return l.t.closing(i) + 1
	}
	return i
}

// intervalFields returns the index behind "YEAR TO MONTH" and the like.
func (l *lowerer) intervalFields(i int) int {
	field := func(i int) bool {
		return i < len(l.t.word) && l.t.word[i] >= kwYear && l.t.word[i] <= kwSecond
	}
	if !field(i) {
		return i
	}
	i++
	if l.t.is(i, kwTo) && field(i+1) {
		i += 2
	}
	if l.t.is(i-1, kwSecond) {
		i = l.modifiers(i)
	}
	return i
}

// typeText writes a type as the source does: lower case, single blanks.
func (l *lowerer) typeText(typ reach, n *ast.TypeName) string {
	if !typ.ok {
		return typeName(n)
	}
	if typ.lo == typ.hi && l.t.list[typ.lo].Kind == rewrite.TokWord {
		return asciiLower(l.t.list[typ.lo].Text)
	}
	var b strings.Builder
	for i := typ.lo; i <= typ.hi; i++ {
		k := l.t.list[i]
		if i > typ.lo && k.Kind != rewrite.TokPunct && blankBehind(l.t.word[i-1]) {
			b.WriteByte(' ')
		}
		if k.Kind == rewrite.TokQuoted {
			b.WriteString(quoteIdent(k.Text))
		} else {
			b.WriteString(asciiLower(l.t.text[k.Start:k.End]))
		}
	}
	return b.String()
}

func blankBehind(w word) bool {
	return w != pLParen && w != pLBracket && w != pDot && w != pComma
}

// asciiLower folds as the server does.
func asciiLower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// typeName writes a type from the tree alone.
func typeName(n *ast.TypeName) string {
	var b strings.Builder
	if n.GetSetof() {
		b.WriteString("setof ")
	}
	for i, p := range n.GetNames() {
		if i == 0 && len(n.Names) > 1 && text(p) == "pg_catalog" {
			continue
		}
		b.WriteString(text(p))
		if i < len(n.Names)-1 {
			b.WriteByte('.')
		}
	}
	if n.GetPctType() {
		b.WriteString("%type")
	}
	if len(n.GetTypmods()) > 0 {
		b.WriteByte('(')
		for i, m := range n.Typmods {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(modifier(m))
		}
		b.WriteByte(')')
	}
	for _, d := range n.GetArrayBounds() {
		b.WriteByte('[')
		if v := d.GetInteger().GetIval(); v >= 0 {
			b.WriteString(strconv.Itoa(int(v)))
		}
		b.WriteByte(']')
	}
	return b.String()
}

func modifier(n *ast.Node) string {
	if c := n.GetAConst(); c != nil {
		if s := c.GetSval(); s != nil {
			return strconv.Quote(s.Sval)
		}
		return constantNumber(c)
	}
	var b bag
	b.write(n.ProtoReflect())
	return b.attr.String()
}

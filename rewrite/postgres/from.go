package postgres

import (
	"strconv"

	"github.com/sqlc-dev/oliphant/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// primaries walks the tokens of a FROM list and yields the "(" of every
// subquery in it, in the order of the text. The tree gives subqueries in FROM
// no location.
type primaries struct {
	t      *tokens
	i, end int
	// expect is set where a table may begin.
	expect bool
}

// next returns the "(" of the next subquery, or -1.
func (p *primaries) next() int {
	for ; p.i >= 0 && p.i < p.end; p.i++ {
		w := p.t.word[p.i]
		switch {
		case w == pLParen && p.expect:
			if p.t.opensQuery(p.i) {
				at := p.i
				p.i = p.t.closing(at) + 1
				p.expect = false
				return at
			}
		case w == pLParen || w == pLBracket:
			m := p.t.closing(p.i)
			if m < 0 {
				return -1
			}
			p.i = m
			p.expect = false
		case w == kwLateral || w == kwOnly:
			// a table still follows
		case (w == kwJoin || w == pComma) && !p.t.isLabel(p.i):
			p.expect = true
		default:
			p.expect = false
		}
	}
	return -1
}

// opensQuery reports whether the "(" at i begins a query and not a join in
// parentheses.
func (t *tokens) opensQuery(i int) bool {
	for t.is(i, pLParen) {
		end := t.closing(i)
		if end < 0 {
			return false
		}
		i++
		switch {
		case t.is(i, kwSelect) || t.is(i, kwValues) || t.is(i, kwTable) || t.is(i, kwWith):
			return true
		case !t.is(i, pLParen):
			return false
		}
		// "((…": the query goes on behind the inner brackets, or the inner
		// brackets are a table of a join.
		after := t.closing(i) + 1
		switch {
		case after <= 0:
			return false
		case after == end:
			continue
		}
		switch t.word[after] {
		case kwUnion, kwIntersect, kwExcept, kwOrder, kwLimit, kwOffset, kwFetch, kwFor:
			return true
		}
		return false
	}
	return false
}

// fromClause lowers the FROM of a select that begins at token i; last is the
// last token of its result list.
func (l *lowerer) fromClause(s *ast.SelectStmt, last, i, end int) []rewrite.TableExpr {
	if len(s.FromClause) == 0 {
		return nil
	}
	if end < 0 {
		return l.fromList(s.FromClause, -1, -1)
	}
	start := i + 1
	if last >= 0 {
		start = last + 1
	}
	return l.fromList(s.FromClause, l.t.scanClauses(start, end).from, end)
}

// fromList lowers a FROM list; at is the token before it (FROM or USING).
func (l *lowerer) fromList(list []*ast.Node, at, end int) []rewrite.TableExpr {
	if len(list) == 0 {
		return nil
	}
	p := &primaries{t: l.t, i: -1, expect: true}
	if at >= 0 {
		p.i, p.end = at+1, l.t.until(at+1, end, false)
	}
	out := make([]rewrite.TableExpr, 0, len(list))
	for _, n := range list {
		out = append(out, l.tableExpr(n, p))
	}
	return out
}

func (l *lowerer) tableExpr(n *ast.Node, p *primaries) rewrite.TableExpr {
	l.enter()
	defer l.leave()
	switch v := n.GetNode().(type) {
	case *ast.Node_RangeVar:
		return l.table(v.RangeVar)
	case *ast.Node_RangeSubselect:
		return l.derived(v.RangeSubselect, p)
	case *ast.Node_JoinExpr:
		return l.join(v.JoinExpr, p)
	case *ast.Node_RangeFunction:
		return l.rangeFunction(v.RangeFunction)
	case *ast.Node_RangeTableSample:
		return l.sample(v.RangeTableSample, p)
	case *ast.Node_RangeTableFunc:
		return l.rowSource(n, v.RangeTableFunc.Alias, v.RangeTableFunc.Lateral)
	case *ast.Node_JsonTable:
		return l.rowSource(n, v.JsonTable.Alias, v.JsonTable.Lateral)
	}
	return l.rowSource(n, nil, false)
}

// table lowers a relation's name with its alias.
func (l *lowerer) table(v *ast.RangeVar) *rewrite.Table {
	out := &rewrite.Table{Only: !v.Inh}
	i := l.t.at(v.Location)
	parts := [3]string{v.Catalogname, v.Schemaname, v.Relname}
	names := parts[2:]
	switch {
	case v.Catalogname != "":
		names = parts[:]
	case v.Schemaname != "":
		names = parts[1:]
	}
	out.Path = make([]rewrite.Ident, 0, len(names))
	start, ok := i, i >= 0
	for k, name := range names {
		if k > 0 {
			ok = ok && l.t.is(i, pDot)
			i++
		}
		id := rewrite.Ident{Name: name}
		if ok {
			id = l.ident(name, i)
		}
		if ok = ok && id.Known(); ok {
			i = l.t.name(i)
		}
		out.Path = append(out.Path, id)
	}
	if ok {
		out.Span = l.t.span(reachOf(start, i-1))
	} else {
		i = -1
	}
	out.Alias, out.ColumnAliases = l.alias(v.Alias, l.afterTable(i))
	return out
}

// afterTable passes over "*" and the ")" of ONLY (t).
func (l *lowerer) afterTable(i int) int {
	if i < 0 {
		return -1
	}
	if l.star(i).ok {
		i++
	}
	if l.t.is(i, pRParen) && l.t.match[i] > 0 && l.t.is(int(l.t.match[i])-1, kwOnly) {
		i++
	}
	return i
}

// alias lowers an alias that may stand at token i.
func (l *lowerer) alias(a *ast.Alias, i int) (*rewrite.Ident, []rewrite.Ident) {
	if a == nil {
		return nil, nil
	}
	id := rewrite.Ident{Name: a.Aliasname}
	if i >= 0 {
		id = l.ident(a.Aliasname, l.skip(i, kwAs))
	}
	return &id, idents(a.Colnames)
}

func idents(list []*ast.Node) []rewrite.Ident {
	if len(list) == 0 {
		return nil
	}
	out := make([]rewrite.Ident, len(list))
	for i, n := range list {
		out[i].Name = text(n)
	}
	return out
}

func (l *lowerer) derived(v *ast.RangeSubselect, p *primaries) rewrite.TableExpr {
	q, r := l.inBrackets(v.Subquery, p.next())
	out := &rewrite.Derived{Span: l.t.span(r), Query: q, Lateral: v.Lateral}
	after := -1
	if r.ok {
		after = r.hi + 1
	}
	out.Alias, out.ColumnAliases = l.alias(v.Alias, after)
	return out
}

var joinKinds = map[ast.JoinType]string{
	ast.JoinType_JOIN_INNER: "INNER", ast.JoinType_JOIN_LEFT: "LEFT",
	ast.JoinType_JOIN_RIGHT: "RIGHT", ast.JoinType_JOIN_FULL: "FULL",
}

func (l *lowerer) join(v *ast.JoinExpr, p *primaries) rewrite.TableExpr {
	out := &rewrite.Join{Kind: joinKinds[v.Jointype], Natural: v.IsNatural}
	out.Left = l.tableExpr(v.Larg, p)
	out.Right = l.tableExpr(v.Rarg, p)
	out.On = l.exprOf(v.Quals)
	out.Using = idents(v.UsingClause)
	if out.Kind == "INNER" && out.On == nil && len(out.Using) == 0 && !out.Natural {
		out.Kind = "CROSS"
	}
	out.Alias, out.ColumnAliases = l.alias(v.Alias, -1)
	if v.Alias == nil && v.JoinUsingAlias != nil {
		// JOIN … USING (…) AS x: x has the merged columns only.
		out.Alias, _ = l.alias(v.JoinUsingAlias, -1)
		out.ColumnAliases = out.Using
	}
	return out
}

// rangeFunction lowers a function, or ROWS FROM (…), in FROM.
func (l *lowerer) rangeFunction(v *ast.RangeFunction) rewrite.TableExpr {
	out := &rewrite.FuncTable{Lateral: v.Lateral}
	b := bag{}
	if v.IsRowsfrom {
		b.attr.WriteString("ROWS FROM ")
	}
	if v.Ordinality {
		b.attr.WriteString("WITH ORDINALITY ")
	}
	after := -1
	for _, n := range v.Functions { // each is (call, column definitions)
		items := n.GetList().GetItems()
		if len(items) == 0 {
			continue
		}
		e, r := l.expr(items[0])
		out.Calls = append(out.Calls, e)
		if len(v.Functions) == 1 && !v.IsRowsfrom && !v.Ordinality && r.ok {
			out.Span, after = l.t.span(r), r.hi+1
		}
		for _, d := range items[1:] {
			b.message(d.ProtoReflect())
		}
	}
	for _, d := range v.Coldeflist {
		b.message(d.ProtoReflect())
	}
	out.Attr = b.attr.String()
	out.Alias, out.ColumnAliases = l.alias(v.Alias, after)
	return out
}

// sample lowers TABLESAMPLE.
func (l *lowerer) sample(v *ast.RangeTableSample, p *primaries) rewrite.TableExpr {
	inner := l.tableExpr(v.Relation, p)
	t, ok := inner.(*rewrite.Table)
	if !ok {
		return inner
	}
	t.Attr = "TABLESAMPLE " + opName(v.Method) + " " + strconv.Itoa(len(v.Args))
	t.Extra = l.exprs(v.Args)
	if v.Repeatable != nil {
		t.Attr += " REPEATABLE"
		t.Extra = append(t.Extra, l.exprOf(v.Repeatable))
	}
	return t
}

// rowSource lowers XMLTABLE, JSON_TABLE and whatever else yields rows.
func (l *lowerer) rowSource(n *ast.Node, a *ast.Alias, lateral bool) rewrite.TableExpr {
	out := &rewrite.FuncTable{Lateral: lateral}
	e, r := l.opaque(n)
	after := -1
	if r.ok {
		out.Span, after = l.t.span(r), r.hi+1
	}
	out.Calls = []rewrite.Expr{e}
	out.Alias, out.ColumnAliases = l.alias(a, after)
	return out
}

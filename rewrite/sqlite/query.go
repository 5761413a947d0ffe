package sqlite

import (
	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// query lowers a SELECT, VALUES or compound select. SQLite's grammar hangs
// ORDER BY and LIMIT on the last core; they belong to the whole.
func (l *lowerer) query(s *ast.SelectStmt) *rewrite.Query {
	q := l.queries.One()
	q.Span = span(s)
	defer l.leave()
	if !l.enter(s.Start) {
		return q
	}
	if len(s.Cores) > maxDepth {
		l.fail(&rewrite.UnsupportedError{Pos: s.Start, Reason: rewrite.ReasonTooDeep})
		return q
	}
	q.With = l.with(s.With)
	q.Body = l.core(s.Cores[0])
	for i, op := range s.Ops {
		l.rejectTail(s.Cores[i])
		q.Body = &rewrite.SetOp{
			Name: op.Op, All: op.All, Left: q.Body, Right: l.core(s.Cores[i+1]),
			Span: rewrite.Span{Start: s.Cores[0].Pos(), End: coreEnd(s.Cores[i+1])},
		}
	}
	if last, ok := s.Cores[len(s.Cores)-1].(*ast.SelectQuery); ok {
		l.tail(q, last)
	}
	return q
}

// tail lowers ORDER BY and LIMIT.
func (l *lowerer) tail(q *rewrite.Query, n *ast.SelectQuery) {
	if len(n.OrderBy) > 0 {
		q.OrderBy = l.terms(nil, n.OrderBy)
		q.Attr = directions(n.OrderBy)
	}
	var comma string
	q.Limit, comma = l.limit(n.Limit)
	q.Attr += comma
}

// limit returns count and offset; the second result marks "LIMIT offset, count".
func (l *lowerer) limit(n *ast.Limit) ([]rewrite.Expr, string) {
	if n == nil {
		return nil, ""
	}
	if n.Offset == nil {
		return l.exprList([]ast.Expr{n.Count}), ""
	}
	out := l.exprList([]ast.Expr{n.Count, n.Offset})
	if n.Comma {
		return out, ";LIMIT,"
	}
	return out, ""
}

// rejectTail rejects ORDER BY and LIMIT in front of a compound operator, as
// SQLite does behind its grammar.
func (l *lowerer) rejectTail(c ast.SelectCore) {
	n, ok := c.(*ast.SelectQuery)
	switch {
	case !ok:
	case len(n.OrderBy) > 0:
		l.reject(n.OrderBy[0].Start)
	case n.Limit != nil:
		l.reject(n.Limit.Start)
	}
}

func (l *lowerer) core(c ast.SelectCore) rewrite.Body {
	switch n := c.(type) {
	case *ast.SelectQuery:
		return l.selectCore(n)
	case *ast.ValuesClause:
		return l.values(n)
	}
	l.fail(&rewrite.UnsupportedError{Pos: c.Pos(), Reason: rewrite.ReasonParser})
	return &rewrite.Values{Span: span(c)}
}

// coreEnd is where a core ends without ORDER BY and LIMIT.
func coreEnd(c ast.SelectCore) int {
	n, ok := c.(*ast.SelectQuery)
	switch {
	case !ok:
		return c.End()
	case len(n.Windows) > 0:
		return n.Windows[len(n.Windows)-1].Stop
	case n.Having != nil:
		return n.Having.End()
	case len(n.GroupBy) > 0:
		return n.GroupBy[len(n.GroupBy)-1].End()
	case n.Where != nil:
		return n.Where.End()
	case len(n.From) > 0:
		return n.From[len(n.From)-1].Stop
	}
	return itemsEnd(n.Columns)
}

func (l *lowerer) selectCore(n *ast.SelectQuery) *rewrite.Select {
	s := l.selects.One()
	s.Span = rewrite.Span{Start: n.Start, End: coreEnd(n)}
	s.Distinct = n.Distinct == ast.DistinctDistinct
	s.Items, s.ItemsEnd = l.selectItems(n.Columns), itemsEnd(n.Columns)
	s.From = l.from(n.From)
	if n.Where != nil {
		s.Where, s.WhereSpan = l.expr(n.Where), span(n.Where)
	}
	s.GroupBy, s.Having, s.Windows = l.exprList(n.GroupBy), l.expr(n.Having), l.windows(n.Windows)
	if n.Distinct == ast.DistinctAll {
		s.Attr = "ALL"
	}
	return s
}

func (l *lowerer) selectItems(list []*ast.ResultColumn) []rewrite.SelectItem {
	out := l.items.Many(len(list))
	for i, c := range list {
		it := &out[i]
		it.Span, it.Expr, it.Alias = span(c), l.expr(c.Expr), l.name(c.Alias)
	}
	return out
}

// itemsEnd is the offset behind the last item; -1 without items.
func itemsEnd(list []*ast.ResultColumn) int {
	if len(list) == 0 {
		return -1
	}
	return list[len(list)-1].Stop
}

// values lowers a VALUES list. meyer does not keep the parentheses of a row;
// they are the tokens next to its first and last expression.
func (l *lowerer) values(n *ast.ValuesClause) *rewrite.Values {
	v := l.arena.values.One()
	v.Span, v.Rows, v.RowSpans = span(n), l.rows.Many(len(n.Rows)), l.spans.Many(len(n.Rows))
	for i, row := range n.Rows {
		v.Rows[i] = l.exprList(row)
		v.RowSpans[i] = l.parens(row[0].Pos(), row[len(row)-1].End())
	}
	return v
}

// parens returns the range from the parenthesis in front of start to the one
// behind end; the zero Span should they not be there.
func (l *lowerer) parens(start, end int) rewrite.Span {
	open, closing := l.before(start), l.after(end, 0)
	if !l.isAt(open, '(') || !l.isAt(closing, ')') {
		return rewrite.Span{}
	}
	return rewrite.Span{Start: open.Start, End: closing.End}
}

func (l *lowerer) cte(n *ast.CTE) *rewrite.CTE {
	// SQLite parses COLLATE and ASC behind a column name and then rejects
	// them; meyer drops them, so they are looked for here.
	for _, c := range n.Columns {
		if t := l.after(c.Stop, 0); !l.isAt(t, ',') && !l.isAt(t, ')') {
			l.reject(t.Start)
		}
	}
	c := &rewrite.CTE{
		Span: span(n), Name: ident(n.Name), Columns: l.names(n.Columns), Query: l.query(n.Select),
	}
	if n.Materialized != ast.MaterializedAny {
		c.Attr = n.Materialized.String()
	}
	return c
}

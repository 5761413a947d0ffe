package postgres

import (
	"strconv"
	"strings"

	"github.com/sqlc-dev/oliphant/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// clauses are the tokens at which the clauses of one statement begin, -1 where
// there is none. end is the token behind the last one.
type clauses struct {
	from, where, returning, end int
}

// scanClauses reads tokens from i up to end and passes over brackets. It stops
// at the first token that cannot belong to the core of a query.
func (t *tokens) scanClauses(i, end int) clauses {
	c := clauses{-1, -1, -1, -1}
	for ; i < end; i++ {
		w := t.word[i]
		if w < pLParen || w > kwOn {
			continue
		}
		switch w {
		case pLParen, pLBracket:
			m := t.closing(i)
			if m < 0 || m >= end {
				c.end = i
				return c
			}
			i = m
			continue
		case pRParen, pRBracket, pSemicolon:
			c.end = i
			return c
		}
		if t.isLabel(i) {
			continue
		}
		switch w {
		case kwFrom:
			if c.from < 0 && !t.inDistinctFrom(i) {
				c.from = i
			}
		case kwWhere:
			if c.where < 0 {
				c.where = i
			}
		case kwReturning:
			if c.returning < 0 {
				c.returning = i
			}
		}
	}
	c.end = i
	return c
}

// inDistinctFrom reports whether the FROM at i belongs to IS [NOT] DISTINCT FROM.
func (t *tokens) inDistinctFrom(i int) bool {
	return t.is(i-1, kwDistinct) && (t.is(i-2, kwIs) || t.is(i-2, kwNot))
}

// ends reports whether the token at i ends an item, a condition or a FROM list
// of a query: every such word is reserved, except behind "." and AS.
func (t *tokens) ends(i int) bool {
	switch t.word[i] {
	case pRParen, pRBracket, pSemicolon:
		return true
	case kwInto, kwWhere, kwHaving, kwWindow, kwUnion, kwIntersect, kwExcept,
		kwOrder, kwLimit, kwOffset, kwFetch, kwReturning:
		return !t.isLabel(i)
	case kwFor:
		return !t.isLabel(i) && !t.is(i-1, kwCollation) // COLLATION FOR (x)
	case kwFrom:
		return !t.isLabel(i) && !t.inDistinctFrom(i)
	case kwGroup:
		return !t.isLabel(i) && !t.is(i-1, kwWithin)
	case kwWith:
		// timestamp WITH TIME ZONE, IS JSON WITH UNIQUE KEYS
		return !t.isLabel(i) && !t.is(i+1, kwTime) && !t.is(i+1, kwUnique)
	}
	return false
}

// until returns the first token at or behind i, outside brackets, that ends an
// item; with comma also the first comma. It is never beyond end.
func (t *tokens) until(i, end int, comma bool) int {
	for ; i < end; i++ {
		switch t.word[i] {
		case wordNone:
			continue
		case pLParen, pLBracket:
			m := t.closing(i)
			if m < 0 {
				return i
			}
			i = m
			continue
		case pComma:
			if comma {
				return i
			}
			continue
		case kwOn: // ON CONFLICT behind INSERT … SELECT
			if t.is(i+1, kwConflict) && !t.isLabel(i) {
				return i
			}
			continue
		}
		if t.ends(i) {
			return i
		}
	}
	return min(i, end)
}

// query lowers a query whose tokens are [i, end); i is negative where that is
// not known.
func (l *lowerer) query(s *ast.SelectStmt, i, end int) *rewrite.Query {
	l.enter()
	defer l.leave()
	if s == nil {
		return &rewrite.Query{Body: &rewrite.Select{ItemsEnd: -1}}
	}
	q := &rewrite.Query{}
	if i < 0 {
		i, end = l.findSelect(s)
	}
	if i >= 0 {
		q.Span = l.t.span(reachOf(i, end-1))
	}
	q.With = l.with(s.WithClause)
	i, end = l.core(s, i, end)
	q.Body = l.body(s, i, end)
	l.outer(s, q)
	return q
}

// findSelect finds the tokens of a query by its first result column.
func (l *lowerer) findSelect(s *ast.SelectStmt) (start, end int) {
	if s.Op > ast.SetOperation_SETOP_NONE || len(s.TargetList) == 0 {
		return -1, -1
	}
	i := l.t.at(s.TargetList[0].GetResTarget().GetLocation())
	if i < 0 {
		return -1, -1
	}
	if i--; l.t.is(i, pRParen) && l.t.match[i] > 1 && l.t.is(int(l.t.match[i])-1, kwOn) {
		i = int(l.t.match[i]) - 2
	}
	if l.t.is(i, kwDistinct) || l.t.is(i, kwAll) {
		i--
	}
	if !l.t.is(i, kwSelect) {
		return -1, -1
	}
	for end = i; end < len(l.t.list) && !l.t.is(end, pRParen) && !l.t.is(end, pSemicolon); end++ {
		if l.t.is(end, kwWith) && l.t.ends(end) {
			break // WITH CHECK OPTION
		}
		if l.t.is(end, pLParen) || l.t.is(end, pLBracket) {
			m := l.t.closing(end)
			if m < 0 {
				return -1, -1
			}
			end = m
		}
	}
	return i, end
}

// core strips WITH, enclosing parentheses and outer clauses off the tokens of a
// query: clauses outside parentheses belong to the query within.
func (l *lowerer) core(s *ast.SelectStmt, i, end int) (int, int) {
	for i >= 0 && i < end {
		switch {
		case l.t.is(i, pLParen) && l.t.closing(i) == end-1:
			i, end = i+1, end-1
			continue
		case l.t.is(i, kwWith):
			i = l.afterWith(s.WithClause)
			continue
		}
		cut := l.outerStart(i, end)
		if cut == end {
			return i, end
		}
		end = cut
	}
	return -1, -1
}

// outerStart returns where ORDER BY, LIMIT and the like begin.
func (l *lowerer) outerStart(i, end int) int {
	for ; i < end; i++ {
		switch l.t.word[i] {
		case pLParen, pLBracket:
			m := l.t.closing(i)
			if m < 0 {
				return end
			}
			i = m
		case kwOrder, kwLimit, kwOffset, kwFetch, kwFor:
			if !l.t.isLabel(i) && !l.t.is(i-1, kwCollation) {
				return i
			}
		}
	}
	return end
}

// afterWith returns the token behind a WITH clause, or -1.
func (l *lowerer) afterWith(w *ast.WithClause) int {
	n := len(w.GetCtes())
	if n == 0 {
		return -1
	}
	i := l.cteBody(w.Ctes[n-1].GetCommonTableExpr())
	if i < 0 {
		return -1
	}
	i = l.t.closing(i) + 1
	for ; i > 0 && i < len(l.t.list); i++ {
		switch l.t.word[i] {
		case pLParen, kwSelect, kwValues, kwTable, kwInsert, kwUpdate, kwDelete, kwMerge:
			return i
		}
	}
	return -1
}

// cteBody returns the "(" before the statement of a CTE, or -1.
func (l *lowerer) cteBody(c *ast.CommonTableExpr) int {
	i := l.t.at(c.GetLocation())
	if i < 0 {
		return -1
	}
	i = l.t.name(i)
	if l.t.is(i, pLParen) {
		i = l.t.closing(i) + 1
	}
	if !l.t.is(i, kwAs) {
		return -1
	}
	i = l.skip(l.skip(i+1, kwNot), kwMaterialized)
	if !l.t.is(i, pLParen) || l.t.closing(i) < 0 {
		return -1
	}
	return i
}

// with lowers a WITH clause.
func (l *lowerer) with(w *ast.WithClause) *rewrite.With {
	if w == nil {
		return nil
	}
	out := &rewrite.With{Recursive: w.Recursive, CTEs: make([]*rewrite.CTE, 0, len(w.Ctes))}
	for _, n := range w.Ctes {
		out.CTEs = append(out.CTEs, l.cte(n.GetCommonTableExpr()))
	}
	if i := l.t.at(w.Location); i >= 0 {
		if end := l.afterWith(w); end > i {
			out.Span = l.t.span(reachOf(i, end-1))
		}
	}
	return out
}

func (l *lowerer) cte(c *ast.CommonTableExpr) *rewrite.CTE {
	i := l.t.at(c.GetLocation())
	out := &rewrite.CTE{Name: l.ident(c.GetCtename(), i)}
	for _, n := range c.GetAliascolnames() {
		out.Columns = append(out.Columns, rewrite.Ident{Name: text(n)})
	}
	open := l.cteBody(c)
	end := l.t.closing(open)
	if open >= 0 {
		out.Span = l.t.span(reachOf(i, end))
	}
	start := open + 1
	if open < 0 {
		start, end = -1, -1
	}
	if s := c.GetCtequery().GetSelectStmt(); s != nil {
		out.Query = l.query(s, start, end)
	} else {
		out.DML = l.statement(c.GetCtequery(), start, end)
	}
	out.Attr = l.cteAttr(c)
	return out
}

// cteAttr writes MATERIALIZED, SEARCH and CYCLE.
func (l *lowerer) cteAttr(c *ast.CommonTableExpr) string {
	if c.GetCtematerialized() <= ast.CTEMaterialize_CTEMaterializeDefault &&
		c.GetSearchClause() == nil && c.GetCycleClause() == nil {
		return ""
	}
	b := bag{}
	b.attr.WriteString(strconv.Itoa(int(c.GetCtematerialized())))
	if s := c.GetSearchClause(); s != nil {
		b.message(s.ProtoReflect())
	}
	if s := c.GetCycleClause(); s != nil {
		b.message(s.ProtoReflect())
	}
	return b.attr.String()
}

// outer lowers ORDER BY, LIMIT and locking.
func (l *lowerer) outer(s *ast.SelectStmt, q *rewrite.Query) {
	if len(s.SortClause) == 0 && s.LimitCount == nil && s.LimitOffset == nil && len(s.LockingClause) == 0 {
		return
	}
	var attr strings.Builder
	if len(s.SortClause) > 0 {
		q.OrderBy = make([]rewrite.Expr, 0, len(s.SortClause))
		for _, n := range s.SortClause {
			q.OrderBy = append(q.OrderBy, l.exprOf(n.GetSortBy().GetNode()))
		}
		attr.WriteString("order")
		writeOrder(&attr, s.SortClause)
	}
	if s.LimitCount != nil {
		attr.WriteString(" limit " + strconv.Itoa(int(s.LimitOption)))
		q.Limit = append(q.Limit, l.exprOf(s.LimitCount))
	}
	if s.LimitOffset != nil {
		attr.WriteString(" offset")
		q.Limit = append(q.Limit, l.exprOf(s.LimitOffset))
	}
	for _, n := range s.LockingClause {
		q.Lock = true
		b := bag{}
		b.message(n.ProtoReflect())
		attr.WriteString(" " + b.attr.String())
	}
	q.Attr = attr.String()
}

// body lowers what remains of a query without its outer clauses.
func (l *lowerer) body(s *ast.SelectStmt, i, end int) rewrite.Body {
	switch {
	case s.Op > ast.SetOperation_SETOP_NONE:
		return l.setOps(s, i, end)
	case len(s.ValuesLists) > 0:
		return l.values(s, i, end)
	}
	return l.selectCore(s, i, end)
}

// setOps lowers set operations; the operators between operands are found once
// for a whole chain.
func (l *lowerer) setOps(s *ast.SelectStmt, i, end int) rewrite.Body {
	c := chain{l: l}
	if i >= 0 {
		c.find(i, end)
	}
	return c.lower(s, i, end, len(c.ops))
}

// chain is a run of operands and set operators at one level of parentheses.
type chain struct {
	l   *lowerer
	ops []int // tokens of UNION, INTERSECT, EXCEPT
	// lowest[n] is the index of the last UNION or EXCEPT among the first n+1
	// operators, or -1: these bind less tightly than INTERSECT.
	lowest []int
}

func (c *chain) find(i, end int) {
	t := c.l.t
	last := -1
	for ; i < end; i++ {
		switch t.word[i] {
		case pLParen, pLBracket:
			if m := t.closing(i); m >= 0 {
				i = m
			}
		case kwUnion, kwExcept, kwIntersect:
			if t.isLabel(i) {
				continue
			}
			if t.word[i] != kwIntersect {
				last = len(c.ops)
			}
			c.ops = append(c.ops, i)
			c.lowest = append(c.lowest, last)
		}
	}
}

// lower lowers the operation over tokens [i, end), which holds the operators
// up to the n-th (exclusive) that begin behind i.
func (c *chain) lower(s *ast.SelectStmt, i, end, n int) rewrite.Body {
	l := c.l
	l.enter()
	defer l.leave()
	out := &rewrite.SetOp{All: s.All, Name: "UNION"}
	w := kwUnion
	switch s.Op {
	case ast.SetOperation_SETOP_INTERSECT:
		out.Name, w = "INTERSECT", kwIntersect
	case ast.SetOperation_SETOP_EXCEPT:
		out.Name, w = "EXCEPT", kwExcept
	}
	at := c.root(i, n)
	if at < 0 || !l.t.is(c.ops[at], w) {
		out.Left, out.Right = l.operand(s.Larg, -1, -1), l.operand(s.Rarg, -1, -1)
		return out
	}
	op := c.ops[at]
	out.Span = l.t.span(reachOf(i, end-1))
	out.Left = c.side(s.Larg, i, op, at)
	right := op + 1
	if l.t.is(right, kwAll) || l.t.is(right, kwDistinct) {
		right++
	}
	out.Right = c.side(s.Rarg, right, end, n)
	return out
}

// root returns the operator that is applied last among those behind token i
// and before the n-th, or -1.
func (c *chain) root(i, n int) int {
	if n == 0 || c.ops[n-1] < i {
		return -1
	}
	if r := c.lowest[n-1]; r >= 0 && c.ops[r] >= i {
		return r
	}
	return n - 1
}

// side lowers an operand; one that is a bare set operation belongs to the same
// chain.
func (c *chain) side(s *ast.SelectStmt, i, end, n int) rewrite.Body {
	if s.GetOp() > ast.SetOperation_SETOP_NONE && !hasOuter(s) && c.root(i, n) >= 0 {
		return c.lower(s, i, end, n)
	}
	return c.l.operand(s, i, end)
}

func hasOuter(s *ast.SelectStmt) bool {
	return s.GetWithClause() != nil || len(s.GetSortClause()) > 0 || s.GetLimitCount() != nil ||
		s.GetLimitOffset() != nil || len(s.GetLockingClause()) > 0
}

// operand lowers an operand of a set operation: one with clauses of its own is
// a query in parentheses.
func (l *lowerer) operand(s *ast.SelectStmt, i, end int) rewrite.Body {
	if s == nil || hasOuter(s) {
		return l.query(s, i, end)
	}
	l.enter()
	defer l.leave()
	if i < 0 {
		i, end = l.findSelect(s)
	}
	i, end = l.core(s, i, end)
	return l.body(s, i, end)
}

// values lowers a VALUES list.
func (l *lowerer) values(s *ast.SelectStmt, i, end int) *rewrite.Values {
	n := len(s.ValuesLists)
	out := &rewrite.Values{Rows: make([][]rewrite.Expr, 0, n), RowSpans: make([]rewrite.Span, n)}
	for _, row := range s.ValuesLists {
		out.Rows = append(out.Rows, l.exprs(row.GetList().GetItems()))
	}
	if i < 0 || !l.t.is(i, kwValues) {
		return out
	}
	out.Span = l.t.span(reachOf(i, end-1))
	for k, j := 0, i+1; k < n && l.t.is(j, pLParen); k++ {
		m := l.t.closing(j)
		out.RowSpans[k] = l.t.span(reachOf(j, m))
		if m < 0 || !l.t.is(m+1, pComma) {
			break
		}
		j = m + 2
	}
	return out
}

// selectCore lowers SELECT … up to WINDOW, or TABLE t.
func (l *lowerer) selectCore(s *ast.SelectStmt, i, end int) *rewrite.Select {
	out := &rewrite.Select{ItemsEnd: -1, Into: s.IntoClause != nil}
	known := i >= 0 && l.t.is(i, kwSelect)
	if i >= 0 {
		out.Span = l.t.span(reachOf(i, end-1))
	}
	if !known {
		end = -1
	}
	for _, n := range s.DistinctClause {
		if n.GetNode() == nil {
			out.Distinct = true
			continue
		}
		out.DistinctOn = append(out.DistinctOn, l.exprOf(n))
	}
	var last int
	out.Items, last = l.items(s.TargetList, end)
	switch {
	case known && last >= 0:
		out.ItemsEnd = l.t.list[last].End
	case i >= 0 && l.t.is(i, kwTable) && len(out.Items) == 1:
		word := l.t.list[i].Span
		out.ItemsEnd, out.Items[0].Expr = word.End, &rewrite.Star{Span: word, Keyword: true}
	}
	out.From = l.fromClause(s, last, i, end)
	if s.WhereClause != nil {
		out.Where = l.exprOf(s.WhereClause)
		if known {
			c := l.t.scanClauses(i+1, end)
			out.WhereSpan = l.condition(c.where, end)
		}
	}
	l.grouping(s, out)
	return out
}

// condition is the span of the condition behind WHERE at token w.
func (l *lowerer) condition(w, end int) rewrite.Span {
	if w < 0 {
		return rewrite.Span{}
	}
	return l.t.span(reachOf(w+1, l.t.until(w+1, end, false)-1))
}

// grouping lowers GROUP BY, HAVING, WINDOW and INTO.
func (l *lowerer) grouping(s *ast.SelectStmt, out *rewrite.Select) {
	out.GroupBy = l.exprs(s.GroupClause)
	out.Having = l.exprOf(s.HavingClause)
	if s.GroupDistinct {
		out.Attr = "GROUP BY DISTINCT"
	}
	for _, n := range s.WindowClause {
		w := n.GetWindowDef()
		if w == nil {
			continue
		}
		var attr strings.Builder
		kids := l.window(w, &attr)
		out.Windows = append(out.Windows, &rewrite.Opaque{What: "WINDOW", Attr: attr.String(), Kids: kids})
	}
	if s.IntoClause != nil {
		b := bag{}
		b.message(s.IntoClause.ProtoReflect())
		out.Attr += " INTO " + b.attr.String()
	}
}

// items lowers a select or RETURNING list within tokens up to end, and returns
// the last token of the last item (-1 where unknown).
func (l *lowerer) items(list []*ast.Node, end int) ([]rewrite.SelectItem, int) {
	if len(list) == 0 {
		return nil, -1
	}
	out := make([]rewrite.SelectItem, 0, len(list))
	last, next := -1, -1
	for k, n := range list {
		t := n.GetResTarget()
		item := rewrite.SelectItem{Expr: l.exprOf(t.GetVal())}
		if item.Expr == nil {
			item.Expr = &rewrite.Opaque{What: "expression"}
		}
		last = -1
		if i := l.t.at(t.GetLocation()); i >= 0 && end >= 0 && (k == 0 || i == next) {
			stop := l.t.until(i, end, true)
			if r := reachOf(i, stop-1); r.ok && (k == len(list)-1) != l.t.is(stop, pComma) {
				item.Span, last, next = l.t.span(r), r.hi, stop+1
			}
		}
		if name := t.GetName(); name != "" {
			id := l.labelIdent(name, last)
			item.Alias = &id
		}
		out = append(out, item)
	}
	return out, last
}

// labelIdent makes the alias that ends at token last.
func (l *lowerer) labelIdent(name string, last int) rewrite.Ident {
	if last >= 2 && l.t.is(last-1, kwUescape) {
		last -= 2
	}
	return l.ident(name, last)
}

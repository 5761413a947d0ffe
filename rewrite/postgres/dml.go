package postgres

import (
	"strconv"

	"github.com/sqlc-dev/oliphant/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// statement lowers any statement whose tokens are [i, end); i is negative
// where that is not known.
func (l *lowerer) statement(n *ast.Node, i, end int) rewrite.Statement {
	l.enter()
	defer l.leave()
	switch v := n.GetNode().(type) {
	case *ast.Node_SelectStmt:
		if v.SelectStmt.IntoClause != nil || leftmost(v.SelectStmt).IntoClause != nil {
			return l.selectInto(v.SelectStmt, i, end)
		}
		return l.query(v.SelectStmt, i, end)
	case *ast.Node_InsertStmt:
		if splitsColumns(v.InsertStmt) {
			return l.other(n, i, end)
		}
		return l.insert(v.InsertStmt, i, end)
	case *ast.Node_UpdateStmt:
		return l.update(v.UpdateStmt, i, end)
	case *ast.Node_DeleteStmt:
		return l.delete(v.DeleteStmt, i, end)
	case *ast.Node_MergeStmt:
		return l.merge(v.MergeStmt, i, end)
	}
	return l.other(n, i, end)
}

// verbAt passes over a WITH clause and returns the token of the verb, or -1.
func (l *lowerer) verbAt(w *ast.WithClause, i int, verb word) int {
	if i >= 0 && w != nil {
		i = l.afterWith(w)
	}
	if !l.t.is(i, verb) {
		return -1
	}
	return i
}

// returning lowers RETURNING at token at; its end is the offset behind the
// last item, negative where that is not known.
func (l *lowerer) returning(r *ast.ReturningClause, at, end int) (items []rewrite.SelectItem, after int, attr string) {
	if r == nil {
		return nil, -1, ""
	}
	stop := end
	if at < 0 {
		stop = -1
	}
	items, last := l.items(r.Exprs, stop)
	after = -1
	if last >= 0 {
		after = l.t.list[last].End
	}
	if len(r.Options) > 0 {
		b := bag{}
		for _, n := range r.Options {
			b.message(n.ProtoReflect())
		}
		attr = "RETURNING WITH " + b.attr.String()
	}
	return items, after, attr
}

// insert lowers INSERT.
func (l *lowerer) insert(s *ast.InsertStmt, i, end int) rewrite.Statement {
	out := &rewrite.Insert{
		With: l.with(s.WithClause), Target: l.table(s.Relation), ColumnsAt: -1,
		HasColumns: len(s.Cols) > 0, ReturningEnd: -1,
	}
	if i >= 0 {
		out.Span = l.t.span(reachOf(i, end-1))
	}
	i = l.verbAt(s.WithClause, i, kwInsert)
	c := clauses{returning: -1, end: end}
	at := -1 // first token behind target and column list
	if i >= 0 {
		c = l.t.scanClauses(i, end)
		at = l.insertColumns(s, out)
	}
	for _, n := range s.Cols {
		t := n.GetResTarget()
		out.Columns = append(out.Columns, l.ident(t.GetName(), l.t.at(t.GetLocation())))
	}
	if n := len(s.Cols); n > 0 && at > 1 && len(s.Cols[n-1].GetResTarget().GetIndirection()) > 0 {
		out.Columns[n-1].End = l.t.list[at-2].End // behind the subscript
	}
	if s.Override > ast.OverridingKind_OVERRIDING_NOT_SET {
		out.Attr = "OVERRIDING " + strconv.Itoa(int(s.Override))
		if at >= 0 && l.t.is(at, kwOverriding) {
			at += 3 // OVERRIDING USER VALUE
		}
	}
	l.insertSource(s, out, at, end)
	if s.OnConflictClause != nil {
		out.Upserts = []*rewrite.Upsert{l.upsert(s.OnConflictClause)}
	}
	var attr string
	out.Returning, out.ReturningEnd, attr = l.returning(s.ReturningClause, c.returning, end)
	out.Attr += attr
	if out.Values != nil {
		l.partialColumns(s.Cols, out)
	}
	return out
}

// insertColumns finds the end of target and column list, and the place for a
// list where there is none.
func (l *lowerer) insertColumns(s *ast.InsertStmt, out *rewrite.Insert) int {
	if !out.Target.Known() {
		return -1
	}
	i := l.t.from(out.Target.End)
	if s.Relation.Alias != nil {
		if !l.t.is(i, kwAs) || !l.t.isName(i+1) {
			return -1
		}
		i = l.t.name(i + 1)
	}
	if len(s.Cols) > 0 {
		if !l.t.is(i, pLParen) || l.t.closing(i) < 0 {
			return -1
		}
		return l.t.closing(i) + 1
	}
	if s.SelectStmt != nil { // DEFAULT VALUES takes no list
		out.ColumnsAt = l.t.list[i-1].End
	}
	return i
}

// insertSource lowers VALUES, a query or DEFAULT VALUES.
func (l *lowerer) insertSource(s *ast.InsertStmt, out *rewrite.Insert, at, end int) {
	q := s.SelectStmt.GetSelectStmt()
	if q == nil {
		out.DefaultValues = true
		return
	}
	if at >= 0 {
		end = l.t.until(at, end, false)
		// until stops at the first clause; the source goes on to ON CONFLICT or
		// RETURNING.
		end = l.sourceEnd(at, end)
	} else {
		at, end = -1, -1
	}
	if len(q.ValuesLists) > 0 && !hasOuter(q) {
		i, e := l.core(q, at, end)
		out.Values = l.values(q, i, e)
		return
	}
	out.Query = l.query(q, at, end)
}

// sourceEnd returns the token behind the query of an INSERT that goes on at i.
func (l *lowerer) sourceEnd(start, i int) int {
	for i < len(l.t.list) {
		switch l.t.word[i] {
		case pRParen, pRBracket, pSemicolon:
			return i
		case kwOn, kwReturning:
			return i
		}
		next := l.t.until(i+1, len(l.t.list), false)
		if next <= i {
			return i
		}
		i = next
	}
	return i
}

// partialColumns marks values that go to a part of a column (a[1], c.f): such
// a value is not the column's value.
func (l *lowerer) partialColumns(cols []*ast.Node, out *rewrite.Insert) {
	for k, n := range cols {
		ind := n.GetResTarget().GetIndirection()
		if len(ind) == 0 {
			continue
		}
		for _, row := range out.Values.Rows {
			if k < len(row) {
				row[k] = l.partial(row[k], ind)
			}
		}
	}
}

// splitsColumns reports whether a query's columns go to parts of columns: there
// is no value to mark, and the statement is lowered as one that is not
// understood.
func splitsColumns(s *ast.InsertStmt) bool {
	q := s.SelectStmt.GetSelectStmt()
	if q == nil || len(q.ValuesLists) > 0 && !hasOuter(q) {
		return false
	}
	for _, n := range s.Cols {
		if len(n.GetResTarget().GetIndirection()) > 0 {
			return true
		}
	}
	return false
}

// partial wraps a value that is assigned to a part of a column.
func (l *lowerer) partial(value rewrite.Expr, ind []*ast.Node) rewrite.Expr {
	e, _ := l.indirectionOnly(ind)
	e.What = "assignment to a part of a column"
	if value != nil {
		e.Kids = append(e.Kids, value)
	}
	return e
}

// upsert lowers ON CONFLICT.
func (l *lowerer) upsert(c *ast.OnConflictClause) *rewrite.Upsert {
	out := &rewrite.Upsert{DoNothing: c.Action == ast.OnConflictAction_ONCONFLICT_NOTHING}
	if f := c.Infer; f != nil {
		out.Constraint = f.Conname
		out.TargetWhere = l.exprOf(f.WhereClause)
		at := l.t.at(f.Location)
		for _, n := range f.IndexElems {
			var e rewrite.Expr
			e, at = l.indexElem(n.GetIndexElem(), at)
			out.Target = append(out.Target, e)
		}
	}
	out.Set = l.assignments(c.TargetList)
	out.Where = l.exprOf(c.WhereClause)
	return out
}

// indexElem lowers a key of an index or conflict target; at is the token
// before it, and the result the one before the next.
func (l *lowerer) indexElem(x *ast.IndexElem, at int) (rewrite.Expr, int) {
	next := -1
	if at >= 0 {
		next = l.t.until(at+1, len(l.t.list), true)
		if !l.t.is(next, pComma) {
			next = -1
		}
	}
	e := l.exprOf(x.GetExpr())
	if e == nil {
		id := rewrite.Ident{Name: x.GetName()}
		if at >= 0 {
			id = l.ident(id.Name, at+1)
		}
		e = &rewrite.ColumnRef{Span: id.Span, Path: []rewrite.Ident{id}}
	}
	if len(x.GetCollation()) == 0 && len(x.GetOpclass()) == 0 && len(x.GetOpclassopts()) == 0 &&
		x.GetOrdering() <= ast.SortByDir_SORTBY_DEFAULT && x.GetNullsOrdering() <= ast.SortByNulls_SORTBY_NULLS_DEFAULT {
		return e, next
	}
	b := bag{}
	for _, list := range [][]*ast.Node{x.Collation, x.Opclass, x.Opclassopts} {
		b.attr.WriteByte('(')
		for _, n := range list {
			b.message(n.ProtoReflect())
		}
		b.attr.WriteByte(')')
	}
	b.attr.WriteString(strconv.Itoa(int(x.Ordering)) + "," + strconv.Itoa(int(x.NullsOrdering)))
	return &rewrite.Opaque{What: "index key", Attr: b.attr.String(), Kids: []rewrite.Expr{e}}, next
}

// assignments lowers a SET list.
func (l *lowerer) assignments(list []*ast.Node) []rewrite.Assign {
	if len(list) == 0 {
		return nil
	}
	out := make([]rewrite.Assign, 0, len(list))
	for i := 0; i < len(list); {
		t := list[i].GetResTarget()
		m := t.GetVal().GetMultiAssignRef()
		if m == nil {
			out = append(out, l.assign(t))
			i++
			continue
		}
		n := min(max(int(m.Ncolumns), 1), len(list)-i)
		out = append(out, l.multiAssign(list[i:i+n], m))
		i += n
	}
	return out
}

func (l *lowerer) target(t *ast.ResTarget) *rewrite.ColumnRef {
	id := l.ident(t.GetName(), l.t.at(t.GetLocation()))
	return &rewrite.ColumnRef{Span: id.Span, Path: []rewrite.Ident{id}}
}

func (l *lowerer) assign(t *ast.ResTarget) rewrite.Assign {
	a := rewrite.Assign{Columns: []*rewrite.ColumnRef{l.target(t)}}
	v, r := l.expr(t.GetVal())
	if r = l.growToItem(r); r.ok && a.Columns[0].Known() {
		a.Span = rewrite.Span{Start: a.Columns[0].Start, End: l.t.list[r.hi].End}
	}
	a.Value = v
	if len(t.GetIndirection()) > 0 {
		a.Value = l.partial(v, t.Indirection)
	}
	return a
}

// growToItem widens a value over the parentheses that belong to it: those
// behind "=".
func (l *lowerer) growToItem(r reach) reach {
	for r.ok && l.t.is(r.lo-1, pLParen) {
		r = l.t.grow(r)
	}
	return r
}

func (l *lowerer) multiAssign(list []*ast.Node, m *ast.MultiAssignRef) rewrite.Assign {
	var a rewrite.Assign
	var parts []rewrite.Expr
	for _, n := range list {
		t := n.GetResTarget()
		a.Columns = append(a.Columns, l.target(t))
		if len(t.GetIndirection()) > 0 {
			parts = append(parts, l.partial(a.Columns[len(a.Columns)-1], t.Indirection))
		}
	}
	v, r := l.expr(m.Source)
	if r = l.growToItem(r); r.ok && a.Columns[0].Known() {
		a.Span = rewrite.Span{Start: a.Columns[0].Start, End: l.t.list[r.hi].End}
	}
	a.Value = v
	if len(parts) > 0 {
		a.Value = &rewrite.Opaque{
			What: "assignment to a part of a column", Kids: append(parts, a.Value),
		}
	}
	return a
}

// update lowers UPDATE.
func (l *lowerer) update(s *ast.UpdateStmt, i, end int) rewrite.Statement {
	out := &rewrite.Update{With: l.with(s.WithClause), WhereAt: -1, ReturningEnd: -1}
	if i >= 0 {
		out.Span = l.t.span(reachOf(i, end-1))
	}
	out.Targets = []rewrite.TableExpr{l.table(s.Relation)}
	i = l.verbAt(s.WithClause, i, kwUpdate)
	c := clauses{-1, -1, -1, end}
	if i >= 0 {
		c = l.t.scanClauses(i, end)
		out.WhereSpan, out.WhereAt = l.whereOf(s.WhereClause, c, end)
	}
	out.Set = l.assignments(s.TargetList)
	out.From = l.fromList(s.FromClause, c.from, end)
	out.Where = l.exprOf(s.WhereClause)
	out.Returning, out.ReturningEnd, out.Attr = l.returning(s.ReturningClause, c.returning, end)
	return out
}

// whereOf returns the span of a condition, or the place for one.
func (l *lowerer) whereOf(n *ast.Node, c clauses, end int) (rewrite.Span, int) {
	if n != nil {
		return l.condition(c.where, end), -1
	}
	last := c.end - 1
	if c.returning >= 0 {
		last = c.returning - 1
	}
	if last < 0 || c.end != end || c.where >= 0 {
		return rewrite.Span{}, -1
	}
	return rewrite.Span{}, l.t.list[last].End
}

// delete lowers DELETE.
func (l *lowerer) delete(s *ast.DeleteStmt, i, end int) rewrite.Statement {
	out := &rewrite.Delete{With: l.with(s.WithClause), WhereAt: -1, ReturningEnd: -1}
	if i >= 0 {
		out.Span = l.t.span(reachOf(i, end-1))
	}
	out.Targets = []rewrite.TableExpr{l.table(s.Relation)}
	i = l.verbAt(s.WithClause, i, kwDelete)
	c := clauses{-1, -1, -1, end}
	using := -1
	if i >= 0 {
		c = l.t.scanClauses(i, end)
		out.WhereSpan, out.WhereAt = l.whereOf(s.WhereClause, c, end)
		using = l.usingAt(i, c.end)
	}
	out.From = l.fromList(s.UsingClause, using, end)
	out.Where = l.exprOf(s.WhereClause)
	out.Returning, out.ReturningEnd, out.Attr = l.returning(s.ReturningClause, c.returning, end)
	return out
}

// usingAt returns the USING of a DELETE, the first outside brackets.
func (l *lowerer) usingAt(i, end int) int {
	for ; i >= 0 && i < end; i++ {
		switch l.t.word[i] {
		case kwUsing:
			return i
		case pLParen:
			if m := l.t.closing(i); m >= 0 {
				i = m
			}
		}
	}
	return -1
}

// leftmost returns the first SELECT of a set operation, where INTO stands.
func leftmost(s *ast.SelectStmt) *ast.SelectStmt {
	for s.Op > ast.SetOperation_SETOP_NONE && s.Larg != nil {
		s = s.Larg
	}
	return s
}

// selectInto lowers SELECT … INTO t: it makes a table.
func (l *lowerer) selectInto(s *ast.SelectStmt, i, end int) rewrite.Statement {
	into := leftmost(s).IntoClause
	out := &rewrite.Other{
		Kind: rewrite.OtherCreateTable, Verb: "SELECT INTO",
		Relations: []*rewrite.Table{l.table(into.GetRel())},
		Temp:      into.GetRel().GetRelpersistence() == "t",
		Query:     l.query(s, i, end),
	}
	out.Span = out.Query.Span
	return out
}

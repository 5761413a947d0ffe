package rewrite

import "slices"

// settled plans ORDER BY c where WHERE leaves one value of c: `c = v` at its
// top, through an exact index. The rows have no order by c then, nor have they
// by the index, which takes its place. ORMs that look a row up by its key send
// ORDER BY key LIMIT 1.
func (a *analysis) settled(e Expr, q *Query, sc *scope) bool {
	s, ok := q.Body.(*Select)
	ref, isRef := e.(*ColumnRef)
	if !ok || !isRef || s.Distinct || len(s.DistinctOn)+len(s.GroupBy) > 0 || s.Where == nil || !ref.Path[len(ref.Path)-1].Known() {
		return false
	}
	if len(ref.Path) == 1 && !a.shownAsItself(ref.Path[0].Name, s) {
		return false
	}
	return a.settledBy(ref, s.Where, sc)
}

// settledBy reports that a condition leaves one value of a column, or none, and puts
// the index in its place.
func (a *analysis) settledBy(ref *ColumnRef, where Expr, sc *scope) bool {
	h, ok := a.searched(ref, sc)
	if !ok || !ref.Path[len(ref.Path)-1].Known() {
		return false
	}
	for _, cond := range conjuncts(where) {
		op, ok := cond.(*Op)
		if !ok || op.Name != "=" || len(op.Args) != 2 {
			continue
		}
		for i := range op.Args {
			x, ok := op.Args[i].(*ColumnRef)
			if !ok || constant(op.Args[1-i]) == nil && !isNull(op.Args[1-i]) {
				continue
			}
			if same, ok := a.searched(x, sc); ok && same.rel == h.rel && same.col == h.col {
				return a.useIndex(ref, h.flow()[0].col.Equality) == nil
			}
		}
	}
	return false
}

// searched resolves a reference to a column of a table of this query with an
// exact index.
func (a *analysis) searched(ref *ColumnRef, sc *scope) (hit, bool) {
	h, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
	if err != nil || !found || h.rel.annotated() == nil || len(h.flow()) != 1 || h.flow()[0].col.Equality == nil {
		return hit{}, false
	}
	_, err = a.indexAt("=", false, ref, h, 0)
	return h, err == nil
}

// shownAsItself reports whether no result column of that name is another thing
// than the column of that name: ORDER BY means the result column first.
func (a *analysis) shownAsItself(name string, s *Select) bool {
	for _, it := range s.Items {
		if _, star := it.Expr.(*Star); star {
			continue
		}
		ref, isRef := it.Expr.(*ColumnRef)
		own := isRef && a.same(ref.Path[len(ref.Path)-1].Name, name)
		if it.Alias == nil && !isRef && a.dialect == Postgres {
			return false // named after a function or a column inside
		}
		if it.Alias != nil && a.same(it.Alias.Name, name) && !own {
			return false
		}
	}
	return true
}

// orderOfSet plans ORDER BY c of a query of which every row is compared, as in IN (SELECT
// …): the order says nothing but, behind DISTINCT ON, which rows stand side by side. The
// index takes the place of c. On SQLite a query that is one value is its first row.
func (a *analysis) orderOfSet(e Expr, q *Query, sc *scope) bool {
	s, ok := q.Body.(*Select)
	ref, isRef := e.(*ColumnRef)
	if !ok || !isRef || !a.eq.hashed[s] || len(q.Limit)+len(s.GroupBy) > 0 || a.dialect == SQLite || !ref.Path[len(ref.Path)-1].Known() {
		return false
	}
	if n := len(s.DistinctOn); n > 0 && slices.Index(q.OrderBy, e) >= n || len(ref.Path) == 1 && !a.shownAsItself(ref.Path[0].Name, s) {
		return false
	}
	h, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
	return err == nil && found && len(h.flow()) > 0 && h.exactIndex() != nil && a.refIndex(ref, h) == nil
}

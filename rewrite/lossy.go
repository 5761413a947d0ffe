package rewrite

import "github.com/sealsql/sealsql/schema"

// lossy is a comparison whose index also finds values that are not meant. The
// rows are filtered after opening, for which the value is added to the result.
type lossy struct {
	cond   Expr
	index  *schema.Equality
	values []Value
	rel    *relation
	col    int
	at     int // of the added column among the select's results
}

// filterable returns the SELECT whose rows the driver can leave out unnoticed:
// the statement itself, without anything that counts or locks rows, or cuts
// them in a way that the driver cannot take over (threats T22). Nil for every other query.
func (a *analysis) filterableIn(q *Query) *Select {
	s, ok := q.Body.(*Select)
	if !ok || !a.takes(q) || q.Lock && !a.opt.Lookup || s.Distinct || s.Into || s.Having != nil || s.ItemsEnd < 0 ||
		len(s.DistinctOn)+len(s.GroupBy)+len(s.Windows) > 0 {
		return nil
	}
	for i := range s.Items {
		if calls(s.Items[i].Expr) {
			return nil
		}
	}
	for _, e := range q.OrderBy {
		if calls(e) {
			return nil
		}
	}
	return s
}

// calls reports a function anywhere in an expression: it may be an aggregate or
// look at other rows.
func calls(e Expr) bool {
	if e == nil {
		return false
	}
	switch e.(type) {
	case *Call, *Opaque:
		return true
	}
	es, qs := kids(e)
	if len(qs) > 0 {
		return true
	}
	for _, k := range es {
		if calls(k) {
			return true
		}
	}
	return false
}

// filter plans the conditions of a WHERE that a lossy index answers: those that
// every row of the result must meet.
func (a *analysis) filter(s *Select, sc *scope) error {
	if s != a.filterable || a.filterable == nil || !findsMore(sc.rels) || a.foundRows(s) {
		return nil
	}
	for _, cond := range conjuncts(s.Where) {
		if err := a.filterOn(cond, sc); err != nil {
			return err
		}
	}
	return nil
}

// findsMore reports a relation with a lossy index.
func findsMore(rels []*relation) bool {
	for _, r := range rels {
		t := r.annotated()
		if t == nil {
			continue
		}
		for _, c := range t.Columns {
			if c.Equality != nil && !c.Equality.Exact() {
				return true
			}
		}
	}
	return false
}

func conjuncts(e Expr) []Expr {
	op, ok := e.(*Op)
	if !ok || op.Name != "AND" {
		return []Expr{e}
	}
	var out []Expr
	for _, x := range op.Args {
		out = append(out, conjuncts(x)...)
	}
	return out
}

func (a *analysis) filterOn(cond Expr, sc *scope) error {
	ref, values := comparedWith(cond)
	if ref == nil || a.combined.refs[ref] != nil {
		return nil
	}
	h, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
	if err != nil || !found || len(h.flow()) != 1 {
		return nil // reported where the condition is walked
	}
	e := h.flow()[0].col.Equality
	if e == nil || e.Exact() || h.rel.annotated() == nil || !schema.EqualNames(ref.Path[len(ref.Path)-1].Name, e.Of.Name) {
		return nil
	}
	part, err := a.sharedPartition(e, []*ColumnRef{ref}, []hit{h})
	if err != nil {
		return err
	}
	if !e.AllPartitions() {
		a.confine(h)
	}
	if err := a.useIndex(ref, e); err != nil {
		return err
	}
	l := lossy{cond: cond, index: e, rel: h.rel, col: h.col}
	for _, v := range values {
		if err := a.term(v, e, part); err != nil {
			return err
		}
		if isNull(v) {
			continue
		}
		out := a.seals.at(unwrapped(v))
		if out.Casts != "" {
			return a.refuse(v.Pos(), ReasonPredicate, e.Of.String(), comparedCastHint)
		}
		l.values = append(l.values, out.Value)
	}
	a.filters = append(a.filters, l)
	return nil
}

// comparedWith takes "c = v", "v = c" and "c IN (v, …)" apart.
func comparedWith(cond Expr) (*ColumnRef, []Expr) {
	switch x := cond.(type) {
	case *Op:
		if x.Name != "=" || len(x.Args) != 2 {
			return nil, nil
		}
		for i, e := range x.Args {
			if ref, ok := e.(*ColumnRef); ok {
				return ref, []Expr{x.Args[1-i]}
			}
		}
	case *In:
		if ref, ok := x.X.(*ColumnRef); ok && !x.Not && x.Query == nil {
			return ref, x.List
		}
	}
	return nil, nil
}

// filtered reports a condition that was planned by filterOn.
func (a *analysis) filtered(cond Expr) bool {
	for i := range a.filters {
		if a.filters[i].cond == cond {
			return true
		}
	}
	return false
}

// exposeFiltered adds the values that the filters look at to the select list.
func (a *analysis) exposeFiltered(s *Select, cols []column) []column {
	if s != a.filterable {
		return cols
	}
	for i := range a.filters {
		l := &a.filters[i]
		l.at = len(cols)
		var f flow
		for _, x := range l.rel.cols[l.col].flow {
			f = append(f, l.rel.carry(x))
		}
		name := a.hide(s, l.rel, l.col)
		cols = append(cols, column{name: name, hidden: true, flow: f})
	}
	return cols
}

package rewrite

import (
	"slices"

	"github.com/sealsql/sealsql/schema"
)

// Sorting by encrypted columns in places that are no plain sort key: in windows, inside
// CASE, and behind UNION. The index that reveals the order stands in the place of the
// column; of equal values it is one.

// windowOrder plans ORDER BY of windows over columns with such an index. es are the
// expressions of a window, or of a call with its windows.
func (a *analysis) windowOrder(es []Expr, sc *scope) error {
	for _, e := range es {
		ref, ok := e.(*ColumnRef)
		if !ok || sc.grouped || !a.inWindowOrder(e) || a.renamed(ref, sc) {
			continue
		}
		h, _, found, err := a.resolve(ref, sc)
		if err != nil || !found || !a.genuine(ref, h) || !revealed(h) {
			continue // reported where the window is walked
		}
		if a.offsetFrame() {
			return a.refuse(ref.Start, ReasonOrder, h.flow()[0].col.String(), "a frame of RANGE with an offset computes with the column: use ROWS or GROUPS, or compute in the application")
		}
		if err := a.sortBy(ref, h); err != nil {
			return err
		}
	}
	return nil
}

// revealed reports a column of which an index reveals the order.
func revealed(h hit) bool {
	r := h.rangeIndex()
	return r != nil && r.Order == schema.OrderRevealing
}

// sortBy makes a reference that is sorted by one to the index.
func (a *analysis) sortBy(ref *ColumnRef, h hit) error {
	r := h.rangeIndex()
	switch {
	case !r.Sorts(a.bounded()):
		return a.refuse(ref.Start, ReasonOrder, r.Of.String(), rangeTies)
	case a.rangeColumn(h, ref.Path[len(ref.Path)-1].Name) == "":
		return a.refuse(ref.Start, ReasonOrder, r.Of.String(), orderReachHint)
	}
	if _, err := a.sharedPartition(r, []*ColumnRef{ref}, []hit{h}); err != nil {
		return err
	}
	if err := a.found(r, nil, []*ColumnRef{ref}, []hit{h}); err != nil {
		return err
	}
	return a.useRange(ref, h, r)
}

// renamed reports a bare name that an item of the select list has as its alias, and that
// may mean the item.
func (a *analysis) renamed(ref *ColumnRef, sc *scope) bool {
	name := ref.Path[len(ref.Path)-1].Name
	return len(ref.Path) == 1 && slices.ContainsFunc(sc.aliases, func(it SelectItem) bool {
		of, isRef := it.Expr.(*ColumnRef)
		return it.Alias != nil && a.same(it.Alias.Name, name) && !(isRef && a.same(of.Path[len(of.Path)-1].Name, name))
	})
}

// inWindowOrder reports whether an expression is a sort key of a window: behind ORDER
// BY in the parentheses of OVER or of a named window.
func (a *analysis) inWindowOrder(e Expr) bool {
	if !e.Range().Known() {
		return false
	}
	toks := words(a.script.Tokens)
	at := slices.IndexFunc(toks, func(t Token) bool { return t.Start >= e.Range().Start })
	ordered := false
	for depth := 0; at > 1; at-- {
		switch t := toks[at-1]; {
		case isPunct(t, ")"):
			depth++
		case isPunct(t, "("):
			if depth--; depth < 0 {
				return ordered && (toks[at-2:].is("OVER") || toks[at-2:].is("AS"))
			}
		case depth == 0 && toks[at-1:].is("BY") && !ordered:
			if ordered = toks[at-2:].is("ORDER"); !ordered {
				return false
			}
		}
	}
	return false
}

// offsetFrame reports a frame of RANGE that begins or ends a number before or behind the
// row, anywhere in the statement: engines compute it of the sort key.
func (a *analysis) offsetFrame() bool {
	toks := words(a.script.Tokens)
	ranged := false
	for i := range toks {
		ranged = ranged || toks[i:].is("RANGE")
	}
	for i := 1; ranged && i < len(toks); i++ {
		if (toks[i:].is("PRECEDING") || toks[i:].is("FOLLOWING")) && !toks[i-1:].is("UNBOUNDED") {
			return true
		}
	}
	return false
}

// orderElsewhere plans sort keys of a query that are no column of its rows: CASE over
// columns, and columns of a UNION. done is false for all others.
func (a *analysis) orderElsewhere(e Expr, q *Query, sc *scope) (done bool, err error) {
	if s, ok := q.Body.(*SetOp); ok {
		return a.orderUnion(e, s, sc)
	}
	s, ok := q.Body.(*Select)
	x, isCase := e.(*Case)
	if !ok || !isCase || s.Distinct || sc.grouped {
		return false, nil
	}
	return a.orderCase(x, sc)
}

// orderCase plans ORDER BY CASE … THEN c … END, of columns whose indexes have one form
// for one value.
func (a *analysis) orderCase(x *Case, sc *scope) (done bool, err error) {
	refs, hits := a.caseColumns(x, sc)
	if refs == nil {
		return false, nil
	}
	first := hits[0].rangeIndex()
	for i, h := range hits {
		if !first.Joins(h.rangeIndex()) {
			return true, a.refuse(refs[i].Start, ReasonOrder, h.flow()[0].col.String(), "give both columns the same range group, type and settings")
		}
		if err := a.sortBy(refs[i], h); err != nil {
			return true, err
		}
	}
	if _, err := a.sharedPartition(first, refs, hits); err != nil {
		return true, err
	}
	return true, a.caseExpr(x, sc, ReasonOrder)
}

// caseColumns are the results of a CASE, if they are nothing but columns with indexes
// that reveal the order, under names that mean nothing else, and NULL.
func (a *analysis) caseColumns(x *Case, sc *scope) (refs []*ColumnRef, hits []hit) {
	var results []Expr
	for _, w := range x.Whens {
		results = append(results, w.Then)
	}
	if x.Else != nil {
		results = append(results, x.Else)
	}
	for _, e := range results {
		if isNull(e) {
			continue
		}
		ref, ok := e.(*ColumnRef)
		if !ok || a.renamed(ref, sc) {
			return nil, nil
		}
		h, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
		if err != nil || !found || !a.genuine(ref, h) || !revealed(h) {
			return nil, nil
		}
		refs, hits = append(refs, ref), append(hits, h)
	}
	return refs, hits
}

// orderUnion plans ORDER BY of a UNION, by the name or the number of a column: the arms
// show the index that reveals the order as well, and that of a row of each group is taken.
func (a *analysis) orderUnion(e Expr, s *SetOp, sc *scope) (done bool, err error) {
	u, at := a.eq.unions[s], a.unionKey(e, sc)
	if u == nil || u.nth != "" || at < 0 || at >= len(u.cols) || len(sc.outputs[at].flow) == 0 || !e.Range().Known() {
		return false, nil
	}
	first, _ := a.partitionAt(a.eq.outputsOf(u.arms[0])[at].origin)
	for _, arm := range u.arms {
		h := a.eq.outputsOf(arm)[at].origin
		if !revealed(h) {
			return false, nil
		}
		r := h.rangeIndex()
		if !r.Sorts(a.bounded()) {
			return true, a.refuse(e.Pos(), ReasonOrder, r.Of.String(), rangeTies)
		}
		if r.AllPartitions() {
			continue
		}
		if part, ok := a.partitionAt(h); !ok || !a.confine(h) || !a.samePartitions(part, first) {
			return true, a.refuse(e.Pos(), ReasonPartition, r.Of.String(), partScopeHint)
		}
	}
	name := a.armIndex(u.arms, at, byRange)
	if name == "" {
		return false, nil
	}
	if a.ranges.keys == nil {
		a.ranges.keys = map[Expr]sortedBy{}
	}
	a.ranges.keys[e] = sortedBy{&relation{alias: Ident{Name: unionAlias}}, name, a.dialect != SQLite}
	return true, nil
}

// unionKey is the column of a union that a sort key means; -1 for everything else.
func (a *analysis) unionKey(e Expr, sc *scope) int {
	switch x := e.(type) {
	case *Literal:
		if n := ordinalValue(x.Value); x.Kind == LitNumber && n >= 1 && n <= len(sc.outputs) {
			return n - 1
		}
	case *ColumnRef:
		return slices.IndexFunc(sc.outputs, func(c column) bool { return len(x.Path) == 1 && !c.hidden && a.same(c.name, x.Path[0].Name) })
	}
	return -1
}

package rewrite

import (
	"slices"
	"strings"
)

// Where a view shows the index of a column: what its definition selects from the same
// row of the same relation. The row may be one of a derived table or a common table that
// shows both in turn; in UNION ALL all arms show the index in the same place, and are
// compared by it in one form.

var indexKinds = [...]indexKind{byEquality, byRange}

// findIndexes finds the indexes that a view shows beside their columns.
func (v *viewed) findIndexes(a *analysis, q *Query, cols []column) {
	for i := range cols {
		for _, kind := range indexKinds {
			shown := a.definedBeside(q, i, kind)
			if kind.of(cols[i].flow) == nil || len(shown) == 0 || !cols[shown[0]].reserved {
				continue
			}
			if v.beside == nil {
				v.beside = map[shownIndex]int{}
			}
			v.beside[shownIndex{i, kind}] = shown[0]
		}
	}
}

// definedBeside are the columns of a query in a definition that hold an index of
// another of its columns, in all arms.
func (a *analysis) definedBeside(q *Query, col int, kind indexKind) []int {
	arms, ok := selectsOf(q.Body, nil)
	if !ok || !unitesAll(q.Body) {
		return nil
	}
	var shown []int
	var first *column
	for n, s := range arms {
		cols := a.defined[s]
		if col >= len(cols) {
			return nil
		}
		c := &cols[col]
		x := kind.of(c.flow)
		if x == nil || first != nil && !oneForm(kind.of(first.flow), x) {
			return nil
		}
		first = c
		in := a.besideIn(cols, col, kind)
		if n > 0 {
			in = slices.DeleteFunc(in, func(at int) bool { return !slices.Contains(shown, at) })
		}
		shown = in
	}
	return shown
}

// besideIn are the columns of a select list that hold an index of another.
func (a *analysis) besideIn(cols []column, col int, kind indexKind) (shown []int) {
	o := cols[col].origin
	for _, at := range a.besideAt(o, kind) {
		for k := range cols {
			if cols[k].reserved && cols[k].origin == (hit{o.rel, at}) {
				shown = append(shown, k)
			}
		}
	}
	return shown
}

// besideAt are the columns of a relation in a definition that hold an index of another.
func (a *analysis) besideAt(o hit, kind indexKind) []int {
	switch x := kind.of(o.flow()); {
	case o.rel == nil || o.col < 0 || x == nil:
	case o.rel.view != nil:
		if at := o.rel.view.index(o.col, kind); at >= 0 {
			return []int{at}
		}
	case o.rel.annotated() != nil:
		at := slices.IndexFunc(o.rel.cols, func(c column) bool { return c.reserved && strings.EqualFold(c.name, x.Physical()) })
		if at >= 0 {
			return []int{at}
		}
	case o.rel.source != nil:
		return a.definedBeside(o.rel.source.query, o.col, kind)
	}
	return nil
}

// unitesAll reports that a body's rows are all those of its SELECTs.
func unitesAll(b Body) bool {
	switch x := b.(type) {
	case *Query:
		return unitesAll(x.Body)
	case *SetOp:
		return x.Name == "UNION" && x.All && unitesAll(x.Left) && unitesAll(x.Right)
	}
	return true
}

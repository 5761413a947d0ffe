package rewrite

import "strings"

const (
	havingHint     = "MySQL's HAVING sees the columns of the list and of GROUP BY alone, which search indexes are not among: write the condition in WHERE, or group by the column"
	havingKeysHint = "MySQL's HAVING sees the columns of the list and of GROUP BY alone, and the rows that match are told by their key: select it, or write the condition in WHERE"
)

// havingShows refuses conditions of MySQL's HAVING over index columns that it does not
// see: it looks for names in the select list and in GROUP BY, and only in the arguments
// of aggregates in the tables.
func (a *analysis) havingShows(s *Select, e Expr, sc *scope) error {
	switch x := e.(type) {
	case nil:
		return nil
	case *ColumnRef:
		h, _, found, err := a.resolve(x, sc)
		if err != nil || !found || !a.asksIndex(x) || isKey(sc.keys, h) && !a.covered(x) {
			return nil
		}
		return a.refuse(x.Start, ReasonPredicate, h.flow()[0].col.String(), havingHint)
	case *Call:
		if x.Over || a.countsRows(x) || aggregates[strings.ToLower(x.Name[len(x.Name)-1].Name)] {
			return nil
		}
	case *Op:
		if k := a.keyedAt(x); k != nil {
			if a.showsKey(s, k.rel, sc) {
				return nil
			}
			return a.refuse(x.Start, ReasonPredicate, k.rel.cols[k.col].flow[0].col.String(), havingKeysHint)
		}
	}
	parts, _ := kids(e)
	for _, x := range parts {
		if err := a.havingShows(s, x, sc); err != nil {
			return err
		}
	}
	return nil
}

// asksIndex reports a reference in whose place an index column is compared.
func (a *analysis) asksIndex(ref *ColumnRef) bool {
	return a.indexOn(ref) != nil || a.combined.refs[ref] != nil || a.ranges.refs[ref] != nil || a.covered(ref)
}

// covered reports a reference that is compared through an index that hides the order.
func (a *analysis) covered(ref *ColumnRef) bool {
	for _, k := range a.ranges.covers {
		if k.ref == ref {
			return true
		}
	}
	return false
}

// keyedAt is the comparison that keys take the place of; nil for any other.
func (a *analysis) keyedAt(o *Op) *keyed {
	for i := range a.keyed {
		if a.keyed[i].op == o {
			return &a.keyed[i]
		}
	}
	return nil
}

// showsKey reports that the list or GROUP BY has the key of a relation's rows.
func (a *analysis) showsKey(s *Select, r *relation, sc *scope) bool {
	grouped := a.clearKeys(s.GroupBy, sc)
	for _, k := range a.lookupKey(r) {
		shown := false
		for at := range r.cols {
			if r.cols[at].name == k.Name {
				shown = grouped[hit{r, at}] || amongOutputs(sc.outputs, hit{r, at}, k.Name)
			}
		}
		if !shown {
			return false
		}
	}
	return true
}

// amongOutputs reports a column among the results, under its own name.
func amongOutputs(outputs []column, h hit, name string) bool {
	for i := range outputs {
		if o := &outputs[i]; o.origin == h && strings.EqualFold(o.name, name) {
			return true
		}
	}
	return false
}

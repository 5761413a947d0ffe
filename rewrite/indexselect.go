package rewrite

import "github.com/sealsql/sealsql/schema"

// growSelect adds the indexes of INSERT … SELECT to the select list: that of a
// constant, NULL beside NULL, and the index of a column that is copied. For all
// others the columns must get nothing but NULL.
func (a *analysis) growSelect(in *insertion, cols []int) error {
	onlyNull := true
	for _, i := range cols {
		onlyNull = onlyNull && i < len(in.selected) && in.selected[i].null
	}
	if onlyNull {
		return nil
	}
	s, ok := in.st.Query.Body.(*Select)
	if !ok || s.ItemsEnd < 0 || s.Distinct || a.openQuery(in.st.Query) {
		return a.refuse(in.st.Query.Start, ReasonComputed, in.sealedAt(cols[0]).String(), "the column has a search index: insert from one plain SELECT, or from VALUES")
	}
	g := &growth{}
	for _, i := range cols {
		add, err := a.selectedIndex(in, i)
		if err != nil {
			return err
		}
		add.at, add.lead, add.carried = s.ItemsEnd, ", ", true
		g.names = append(g.names, add.name)
		if a.listed == nil {
			a.listed = map[*Select][]*addition{}
		}
		a.listed[s] = append(a.listed[s], add)
	}
	a.adds = append(a.adds, a.listed[s]...)
	return a.grow(in, g)
}

// selectedIndex is the index of selected column i.
func (a *analysis) selectedIndex(in *insertion, i int) (*addition, error) {
	to := in.sealedAt(i).Equality
	refused := a.refuse(in.st.Query.Start, ReasonComputed, to.Of.String(),
		"the column has a search index, which the server cannot compute: select a parameter, a literal or a column of the same search group")
	if i >= len(in.selected) {
		return nil, refused
	}
	c := &in.selected[i]
	add := &addition{name: to.Name}
	switch {
	case c.null:
		add.text = "NULL"
		return add, nil
	case c.konst != nil:
		part, err := a.selectedPartition(in)()
		if err != nil {
			return nil, err
		}
		return a.beside(c.konst, to, part)
	case len(c.flow) != 1 || c.origin.rel == nil || c.origin.rel.view != nil || c.origin.rel.annotated() == nil:
		return nil, refused
	}
	from := c.flow[0].col.Equality
	if from == nil || !from.Joins(to) || !a.sameIndexScope(from, to) {
		return nil, refused
	}
	r := c.origin.rel
	if r.alias.Name != "" && len(r.path) < 2 {
		add.text, add.ref = a.front.QuoteIdent(r.alias.Name)+".", []string{r.alias.Name}
	}
	add.text, add.ref = add.text+a.front.QuoteIdent(from.Name), append(add.ref, from.Name)
	return add, nil
}

// sameIndexScope reports whether equal values of two columns, whose records are
// of one partition, have one index.
func (a *analysis) sameIndexScope(x, y *schema.Equality) bool {
	return x.TableScope == y.TableScope && x.Of.ID == y.Of.ID
}

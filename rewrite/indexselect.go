package rewrite

import "github.com/sealsql/sealsql/schema"

// growSelect adds the indexes of INSERT … SELECT to the select list: that of a
// constant, NULL beside NULL, and the index of a column that is copied. For all
// others the columns must get nothing but NULL.
func (a *analysis) growSelect(in *insertion, cols []indexedColumn) error {
	onlyNull := true
	for _, c := range cols {
		onlyNull = onlyNull && c.at < len(in.selected) && in.selected[c.at].null
	}
	if onlyNull {
		return nil
	}
	s, ok := in.st.Query.Body.(*Select)
	if !ok || s.ItemsEnd < 0 || s.Distinct || a.openQuery(in.st.Query) {
		return a.refuse(in.st.Query.Start, ReasonComputed, cols[0].index.Column().String(), "the column has a search index: insert from one plain SELECT, or from VALUES")
	}
	g := &growth{}
	for _, c := range cols {
		add, err := a.selectedIndex(in, c.at, c.index)
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

// selectedIndex is an index of selected column i.
func (a *analysis) selectedIndex(in *insertion, i int, to schema.Index) (*addition, error) {
	refused := a.refuse(in.st.Query.Start, ReasonComputed, to.Column().String(),
		"the column has a search index, which the server cannot compute: select a parameter, a literal or a column of the same search group")
	if i >= len(in.selected) {
		return nil, refused
	}
	c := &in.selected[i]
	add := &addition{name: to.Physical()}
	switch {
	case c.null:
		add.text = "NULL"
		return add, nil
	case c.konst != nil:
		part, err := a.selectedPartition(in)()
		if err != nil {
			return nil, err
		}
		return a.beside(c.konst, to, part, nil)
	case len(c.flow) != 1 || c.origin.rel == nil || c.origin.rel.view != nil || c.origin.rel.annotated() == nil:
		return nil, refused
	}
	from := copiedIndex(c.flow[0].col, to)
	if from == nil {
		return nil, refused
	}
	r := c.origin.rel
	if r.alias.Name != "" && len(r.path) < 2 {
		add.text, add.ref = a.front.QuoteIdent(r.alias.Name)+".", []string{r.alias.Name}
	}
	add.text, add.ref = add.text+a.front.QuoteIdent(from.Physical()), append(add.ref, from.Physical())
	return add, nil
}

// copiedIndex is the index of a column whose values, records of one partition,
// have the index to when they are copied; nil where there is none.
func copiedIndex(c *schema.Column, to schema.Index) schema.Index {
	for _, x := range c.Indexes() {
		if x.Copies(to) && x.AllPartitions() == to.AllPartitions() && c.ID == to.Column().ID {
			return x
		}
	}
	return nil
}

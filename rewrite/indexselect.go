package rewrite

import "github.com/sealsql/sealsql/schema"

// growSelect adds the indexes of INSERT … SELECT to the lists of all arms. For
// what has no index that is known the columns must get nothing but NULL.
func (a *analysis) growSelect(in *insertion, cols []indexedColumn) error {
	g := &growth{}
	if !a.selectsNull(in, cols) {
		if err := a.listIndexes(in, cols, g); err != nil {
			return err
		}
	}
	if err := a.selectCompounds(in, g); err != nil || len(g.names) == 0 {
		return err
	}
	return a.grow(in, g)
}

// selectsNull reports that indexed columns get nothing but NULL.
func (a *analysis) selectsNull(in *insertion, cols []indexedColumn) bool {
	for _, c := range cols {
		if c.at >= len(in.selected) || !in.selected[c.at].null {
			return false
		}
	}
	return true
}

// listIndexes adds the indexes of single columns to the lists of all arms.
func (a *analysis) listIndexes(in *insertion, cols []indexedColumn, g *growth) error {
	q := in.st.Query
	for _, c := range cols {
		if c.at >= len(in.selected) || a.openQuery(q) {
			return a.refuse(q.Start, ReasonComputed, c.index.Column().String(), listHint)
		}
		to := &in.selected[c.at]
		var part PartitionSource
		if p, err := (&selectedRows{a: a, in: in}).partition(); err == nil {
			part = indexPartition(c.index, p)
		} else if to.consts != nil {
			return err
		}
		if !a.listBody(q.Body, c.at, len(to.flow) > 0, c.index, part, "") {
			return a.refuse(q.Start, ReasonComputed, c.index.Column().String(), listHint)
		}
		g.names = append(g.names, c.index.Physical())
	}
	return nil
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

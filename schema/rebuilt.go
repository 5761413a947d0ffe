package schema

import "slices"

// Rebuilt returns a catalog that also knows the tables into which SQLite's
// migrators copy an annotated table before they rename it: name(table), with
// the columns, ids and indexes of the original, so that records and hashes may
// be copied as they are and open in both. A name that is annotated already is
// left alone.
func (c *Catalog) Rebuilt(name func(table string) string) *Catalog {
	if c == nil {
		return nil
	}
	out := &Catalog{tables: c.Tables(), byName: map[string][]*Table{}, clear: c.clear}
	for key, ts := range c.byName {
		out.byName[key] = append([]*Table(nil), ts...)
	}
	for _, t := range c.tables {
		as := name(t.Name)
		if c.Mentions(as) || c.IsClearIn(t.Schema, as) || nameFault(as) != "" {
			continue
		}
		if twin := t.twin(as); twin != nil {
			out.tables = append(out.tables, twin)
			out.byName[lower(as)] = append(out.byName[lower(as)], twin)
		}
	}
	return out
}

// twin is a copy of a table under another name. It is nil where a column has an
// index of a kind that is not copied here.
func (t *Table) twin(name string) *Table {
	out := *t
	out.Name, out.Rebuilds = name, t
	out.Columns = make([]*Column, len(t.Columns))
	for i, c := range t.Columns {
		n := *c
		n.Table = &out
		if c.Equality != nil {
			x := *c.Equality
			x.Of, n.Equality = &n, &x
		}
		if c.Range != nil {
			x := *c.Range
			x.Of, n.Range = &n, &x
		}
		for _, f := range []**Fragments{&n.Prefix, &n.Suffix, &n.Contains} {
			if *f != nil {
				x := **f
				x.Of, *f = &n, &x
			}
		}
		out.Columns[i] = &n
	}
	(&builder{}).collectIndexes(&out)
	out.Compounds = nil
	for _, x := range t.Compounds {
		n := *x
		n.In, n.Parts = &out, slices.Clone(x.Parts)
		for k := range n.Parts {
			n.Parts[k].Of = out.Column(n.Parts[k].Name)
		}
		out.Compounds = append(out.Compounds, &n)
		n.Column().indexes = append(n.Column().indexes, &n)
	}
	for i, c := range out.Columns {
		if len(c.indexes) != len(t.Columns[i].indexes) {
			return nil
		}
		for _, x := range c.indexes {
			if x.Column() != c {
				return nil
			}
		}
	}
	return &out
}

// SameRecords reports whether the records and indexes of one table may stand in
// the other as they are: the same columns with the same ids, carriers and types,
// in the same partitions.
func (t *Table) SameRecords(o *Table) bool {
	if t == nil || o == nil || len(t.Columns) != len(o.Columns) || t.Partition != o.Partition || t.Row != o.Row {
		return false
	}
	for _, c := range t.Columns {
		d := o.Column(c.Name)
		if d == nil || c.ID != d.ID || c.Type != d.Type || c.Carrier != d.Carrier || len(c.indexes) != len(d.indexes) {
			return false
		}
		for i, x := range c.indexes {
			if y := d.indexes[i]; !equalFold(x.Physical(), y.Physical()) || !x.Copies(y) {
				return false
			}
		}
	}
	return true
}

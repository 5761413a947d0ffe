package schema

// Rebuilt returns a catalog that also knows the tables into which SQLite's
// migrators copy an annotated table before they rename it: name(table), with
// the columns, ids and indexes of the original, so that records and hashes may
// be copied as they are and open in both. A name that is annotated already is
// left alone.
func (c *Catalog) Rebuilt(name func(table string) string) *Catalog {
	if c == nil {
		return nil
	}
	out := &Catalog{tables: c.Tables(), byName: map[string][]*Table{}, clear: c.clear, views: c.views}
	for key, ts := range c.byName {
		out.byName[key] = append([]*Table(nil), ts...)
	}
	for _, t := range c.tables {
		as := name(t.Name)
		if c.Mentions(as) || c.IsClearIn(t.Schema, as) || nameFault(as) != "" {
			continue
		}
		twin := t.twin(as)
		out.tables = append(out.tables, twin)
		out.byName[lower(as)] = append(out.byName[lower(as)], twin)
	}
	return out
}

// twin is a copy of a table under another name.
func (t *Table) twin(name string) *Table {
	out := t.copied(func(Index, Index) {})
	out.Name, out.Rebuilds = name, t
	return out
}

// copied is a copy of a table with columns and indexes of its own; each is told
// which index is copied to which.
func (t *Table) copied(each func(from, to Index)) *Table {
	out := *t
	out.Columns = make([]*Column, len(t.Columns))
	for i, c := range t.Columns {
		n := *c
		n.Table, n.indexes, n.retired, n.unborn = &out, nil, nil, nil
		for _, e := range []**Equality{&n.Equality, &n.Next.Equality} {
			if *e != nil {
				x := **e
				each(*e, &x)
				x.Of, *e = &n, &x
			}
		}
		for _, r := range []**Range{&n.Range, &n.Next.Range} {
			if *r != nil {
				x := **r
				each(*r, &x)
				x.Of, *r = &n, &x
			}
		}
		for _, f := range []**Fragments{&n.Prefix, &n.Suffix, &n.Contains, &n.Next.Prefix, &n.Next.Suffix, &n.Next.Contains} {
			if *f != nil {
				x := **f
				each(*f, &x)
				x.Of, *f = &n, &x
			}
		}
		for _, old := range c.retired {
			n.retired = append(n.retired, copyOf(&n, old))
		}
		for _, next := range c.unborn {
			n.unborn = append(n.unborn, copyOf(&n, next))
		}
		n.collect()
		out.Columns[i] = &n
	}
	out.Compounds = nil
	copies := map[*Compound]*Compound{}
	for _, x := range t.Compounds {
		n := x.copyFor(&out)
		each(x, n)
		copies[x] = n
		out.Compounds = append(out.Compounds, n)
	}
	for _, n := range out.Compounds {
		n.Next = copies[n.Next]
	}
	for _, c := range out.Columns {
		for _, xs := range [][]Index{c.retired, c.unborn} {
			for i, x := range xs {
				if x, ok := x.(*Compound); ok {
					xs[i] = x.copyFor(&out)
				}
			}
		}
	}
	for _, c := range out.Columns {
		c.collect()
	}
	return &out
}

// copyOf is a copy of an index for a copy of its column.
func copyOf(c *Column, x Index) Index {
	switch x := x.(type) {
	case *Fragments:
		n := *x
		n.Of = c
		return &n
	case *Range:
		n := *x
		n.Of = c
		return &n
	case *Equality:
		n := *x
		n.Of = c
		return &n
	}
	return x
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

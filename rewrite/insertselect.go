package rewrite

import "github.com/sealsql/sealsql/schema"

// insertSelect plans the values of INSERT … SELECT: constants are sealed for
// the columns that take them, records stay what they are where the columns are
// of one domain (threats T17). Nothing sealed may reach a clear column, and
// nothing that the server computes an encrypted one (threats T5).
func (a *analysis) insertSelect(in *insertion) error {
	if in.st.HasColumns && len(in.selected) > len(in.cols) && in.rel.annotated() != nil {
		// The server would refuse it, and keep the value of a column that was
		// forgotten in its log.
		return a.refuse(in.st.Start, ReasonAmbiguous, in.rel.alias.Name, "a row has more values than columns")
	}
	rows := &selectedRows{a: a, in: in}
	for i := range in.selected {
		c := &in.selected[i]
		to := in.sealedAt(i)
		if to == nil {
			if err := a.intoClear(in, i, c); err != nil {
				return err
			}
			continue
		}
		s := &sink{
			col: to, phys: in.rel.cols[in.cols[i]].phys, owner: rows,
			row: func(s *sealed) bool { return a.sameRow(in, s) },
		}
		if err := a.take(*c, s, in.st.Query.Start); err != nil {
			return err
		}
		in.sealed = in.sealed || !c.null
	}
	return a.unseen(in)
}

// intoClear requires that a selected column that goes into a clear one is
// clear; constants go out as they are.
func (a *analysis) intoClear(in *insertion, i int, c *column) error {
	if len(c.flow) > 0 {
		return a.refuse(in.st.Query.Start, ReasonSealedToClear, c.flow[0].col.String(), hints[ReasonSealedToClear])
	}
	if c.consts == nil {
		return nil
	}
	at := in.col(i)
	known := in.rel.base != nil && (at >= 0 || in.rel.annotated() == nil)
	return a.settleClear(c.consts, known)
}

// unseen refuses encrypted columns that take what the analysis has not seen:
// columns behind a "*" over unknown ones.
func (a *analysis) unseen(in *insertion) error {
	if in.rel.annotated() == nil {
		return nil
	}
	from := len(in.selected)
	if a.openQuery(in.st.Query) {
		from = 0
	}
	for i := from; i < len(in.cols); i++ {
		if c := in.sealedAt(i); c != nil {
			return a.refuse(in.st.Query.Start, ReasonComputed, c.String(), "name the columns of the SELECT, one for each column of the INSERT")
		}
	}
	return nil
}

// selectedRows are rows that are selected: only a constant gives all of them one
// partition, or one identity.
type selectedRows struct {
	a     *analysis
	in    *insertion
	part  PartitionSource
	found bool
}

func (r *selectedRows) partition() (PartitionSource, error) {
	if r.found {
		return r.part, nil
	}
	var err error
	r.part, err = r.a.rowPartition(r.in, r.in.constants())
	r.found = err == nil
	return r.part, err
}

func (r *selectedRows) identity(c *schema.Column) (*Value, error) {
	return r.a.insertedRow(r.in, r.in.constants(), c)
}

// constants are the selected columns that are constants; others are opaque.
func (in *insertion) constants() []Expr {
	row := make([]Expr, len(in.selected))
	for i := range row {
		row[i] = &Opaque{Span: Span{Start: in.st.Query.Start}}
		if k := in.selected[i].konst; k != nil {
			row[i] = k
		}
	}
	return row
}

// sameRow reports whether the row that a record is read from also gives the
// new row its partition: both are columns of one row of one table.
func (a *analysis) sameRow(in *insertion, s *sealed) bool {
	q, ok := in.st.Query.Body.(*Select)
	if !ok || len(q.GroupBy) > 0 || s.from == nil || in.partAt < 0 || in.partAt >= len(in.selected) {
		return false
	}
	o := in.selected[in.partAt].origin
	return o.rel == s.from && s.from.partCol >= 0 && o.col == s.from.partCol &&
		bytewise(s.from, o.col, s.col.Table.Partition.Type.Kind) && in.rel.partCol >= 0 && bytewise(in.rel, in.rel.partCol, in.rel.annotated().Partition.Type.Kind) &&
		s.from.annotated() == s.col.Table && s.col.Table.Partition.Kind == schema.PartitionColumn
}

package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Row binding: values of a table with a row identity open only beside the
// identity that they were sealed with (threats T13, T14). INSERT takes it from
// the same row of VALUES, UPDATE from a top-level conjunct, reading from either
// a conjunct or the row itself, through a column that is added.

// rowColumn returns the place of the row identity among the columns of a table,
// plus 1.
func rowColumn(cols []column, t *schema.Table) int {
	for i := range cols {
		if t.Row.Column != "" && strings.EqualFold(cols[i].name, t.Row.Column) {
			return i + 1
		}
	}
	return 0
}

// rowRef locates the identity that values of a column are bound to.
func rowRef(c *schema.Column, rowAt int) partRef {
	switch {
	case !c.BindsRow():
		return partRef{}
	case rowAt == 0:
		return partRef{kind: partLost}
	}
	return partRef{kind: partRow, col: rowAt - 1}
}

// rowFinding reports an identity that programs cannot give.
func rowFinding(d Dialect, r *SnapshotRelation, t *schema.Table) *Finding {
	if t.Row.Column == "" {
		return nil
	}
	name := t.Name + "." + t.Row.Column
	for i := range r.Columns {
		p := &r.Columns[i]
		if !strings.EqualFold(p.Name, t.Row.Column) {
			continue
		}
		if p.Generated {
			return &Finding{name, "the row identity is made by the server", rowHint}
		}
		return storedOtherwise(d, name, p, t.Row.Type)
	}
	return &Finding{name, "the table has no such column", "correct bind_row in the configuration"}
}

const rowHint = "values are bound to their row before it is stored, so the program has to make its key: use UUIDs, or leave the column out of bind_row"

// insertedRow returns the identity of a row that is inserted.
func (a *analysis) insertedRow(in *insertion, row []Expr, c *schema.Column) (*Value, error) {
	if !c.BindsRow() {
		return nil, nil
	}
	name := c.Table.Name + "." + c.Table.Row.Column
	at := in.rowAt - 1
	if at < 0 || at >= len(row) {
		return nil, a.refuse(in.st.Start, ReasonRow, name, "give the row's key in the same INSERT; "+rowHint)
	}
	v := constant(row[at])
	if v == nil {
		return nil, a.refuse(row[at].Pos(), ReasonRow, name, "give the row's key as a parameter or literal; "+rowHint)
	}
	return v, nil
}

// updatedRow returns the identity of the row that an UPDATE writes to.
func (a *analysis) updatedRow(s *Update, r *relation, c *schema.Column) (*Value, error) {
	if !c.BindsRow() || r.row != nil {
		return r.row, nil
	}
	return nil, a.refuse(s.Start, ReasonRow, c.String(),
		"tell the row: add "+c.Table.Row.Column+" = … to the WHERE clause, under AND; update rows one by one")
}

// conflictKeepsRow refuses an upsert that could write to another row than the
// proposed one.
func (a *analysis) conflictKeepsRow(in *insertion, u *Upsert, c *schema.Column) error {
	if !c.BindsRow() {
		return nil
	}
	id := c.Table.Row
	if in.rel.rowAt > 0 && bytewise(in.rel, in.rel.rowAt-1, id.Type.Kind) && conflictHas(in, u, id.Column) {
		return nil
	}
	return a.refuse(u.Start, ReasonRow, c.String(), "the conflict key must contain "+id.Column+", or another row could be overwritten")
}

// commonRow is the identity of the one row of the INSERT.
func (a *analysis) commonRow(in *insertion, c *schema.Column, u *Upsert) (*Value, error) {
	if !c.BindsRow() {
		return nil, nil
	}
	rows := in.st.valuesRows()
	if len(rows) != 1 {
		return nil, a.refuse(u.Start, ReasonRow, c.String(), "with several rows use the proposed value (excluded), not a new one")
	}
	return a.insertedRow(in, rows[0], c)
}

// rowWrite refuses changes of the row identity, after which the row's values
// would not open.
func (a *analysis) rowWrite(r *relation, h hit, v Expr, ref *ColumnRef) error {
	if r.rowAt == 0 || h.col != r.rowAt-1 || assignsItself(v, ref) {
		return nil
	}
	t := r.annotated()
	return a.refuse(ref.Start, ReasonRowWrite, t.Name+"."+t.Row.Column, rowWriteHint)
}

const rowWriteHint = "a row keeps its key for life; insert a new row and delete the old one"

// assignee resolves the target of an assignment. On SQLite another name of the rowid
// means the column that is one: that may be the row identity, the partition, or a column
// to which foreign keys refer.
func (a *analysis) assignee(ref *ColumnRef, sc *scope) (hit, error) {
	h, err := a.column(ref, sc)
	if err != nil || h.rel != nil && h.col >= 0 {
		return h, err
	}
	name := ref.Path[len(ref.Path)-1].Name
	for _, r := range sc.rels {
		if at := a.rowidColumn(r, name); at >= 0 {
			return hit{r, at}, nil
		}
		if r.rowAt > 0 && a.rowidName(name) {
			return h, a.refuse(ref.Start, ReasonRowWrite, r.annotated().Name, rowWriteHint)
		}
		if r.partCol >= 0 && r.open && a.rowidName(name) {
			return h, a.refuse(ref.Start, ReasonPartitionWrite, r.annotated().Name+"."+r.annotated().Partition.Column, partitionHint)
		}
	}
	return h, nil
}

// rowidName reports a name under which SQLite knows the rowid of a table that has no
// column of that name.
func (a *analysis) rowidName(name string) bool {
	return a.dialect == SQLite && systemColumns[SQLite][strings.ToLower(name)]
}

// rowidColumn returns the column that is the rowid for one of the rowid's names; -1
// where the table has none.
func (a *analysis) rowidColumn(r *relation, name string) int {
	if !a.rowidName(name) {
		return -1
	}
	return slices.IndexFunc(r.cols, func(c column) bool { return c.phys != nil && c.phys.RowID })
}

// assignsItself reports "c = c".
func assignsItself(v Expr, ref *ColumnRef) bool {
	p, ok := v.(*ColumnRef)
	return ok && len(p.Path) == 1 && strings.EqualFold(p.Path[0].Name, ref.Path[len(ref.Path)-1].Name)
}

const besideRowHint = "a constant beside the column is bound to the same row, which is not known here: fix its key in the WHERE clause, or select the column alone"

// rowOf is where a value that was sealed so finds its row.
func rowOf(out *Out) partRef {
	if out.Row == nil { // it is not bound
		return partRef{}
	}
	return partRef{kind: partValue, value: out.Row}
}

// row says where the identity of an opened value is found; nil for values that
// are not bound.
func (b *builder) row(s *sealed) (*RowSource, error) {
	if !s.col.BindsRow() {
		return nil, nil
	}
	switch s.row.kind {
	case partValue:
		return &RowSource{Value: s.row.value, ResultColumn: -1}, nil
	case partRow:
		return &RowSource{ResultColumn: s.row.col}, nil
	}
	key := s.col.Table.Row.Column
	return nil, b.a.refuse(-1, ReasonRow, s.col.String(),
		"the row's "+key+" cannot be read beside the value here; add "+key+" = … to the WHERE clause, or select the column in a plain SELECT")
}

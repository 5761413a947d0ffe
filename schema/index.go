package schema

// Index is a physical column beside an encrypted one, which the driver computes
// from the value and writes wherever it writes the column: NULL for NULL, else
// bytes. Its kinds are Equality and those that later files of this package
// add; each says what it lets the server learn.
type Index interface {
	// Column is the encrypted column.
	Column() *Column
	// Physical is the name of the physical column.
	Physical() string
	// AllPartitions reports that equal values of all partitions have one index
	// (scope: table); otherwise it tells within one partition only.
	AllPartitions() bool
	// Copies reports that values keep their index when they are copied from a
	// column of this index to one of another.
	Copies(to Index) bool
	// Bytes is the size of an index in bytes, 0 where it varies.
	Bytes() int
}

// Column returns the indexed column.
func (e *Equality) Column() *Column { return e.Of }

// Physical returns the name of the index column.
func (e *Equality) Physical() string { return e.Name }

// AllPartitions reports scope: table.
func (e *Equality) AllPartitions() bool { return e.TableScope }

// Copies reports two indexes that are compared with each other.
func (e *Equality) Copies(to Index) bool {
	o, ok := to.(*Equality)
	return ok && e.Joins(o)
}

// Bytes is the size of the hash.
func (e *Equality) Bytes() int { return e.Bits / 8 }

// Indexes lists the indexes of a column in the order in which statements write
// them. New sets it.
func (c *Column) Indexes() []Index { return c.indexes }

// collectIndexes sets the list of each column's indexes.
func (b *builder) collectIndexes(t *Table) {
	for _, c := range t.Columns {
		if c != nil {
			c.collect()
		}
	}
}

// collect lists the indexes that statements write: those that are searched, then
// those to which they are moved, or from which they were; then the compound ones
// that stand behind the column.
func (c *Column) collect() {
	c.indexes = append(indexList(c.Equality, []*Fragments{c.Prefix, c.Suffix, c.Contains}, c.Range), c.Next.list()...)
	if c.Table == nil {
		return
	}
	for _, x := range c.Table.Compounds {
		if x.Column() == c {
			c.indexes = append(c.indexes, x)
		}
	}
}

// IndexColumn returns the index whose physical column has that name, among those
// of Column.Hidden, or nil.
func (t *Table) IndexColumn(name string) Index {
	for _, c := range t.Columns {
		if c == nil {
			continue
		}
		for _, x := range c.Hidden() {
			if equalFold(x.Physical(), name) {
				return x
			}
		}
	}
	return nil
}

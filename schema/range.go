package schema

import (
	"cmp"
	"strings"
)

// Range is an index for comparisons by order: physical columns beside an
// encrypted one that answer <, <=, >, >= and BETWEEN.
type Range struct {
	// Of is the indexed column; New sets it.
	Of *Column
	// Name is the physical column; New sets an empty one to the column's name
	// and "_rng".
	Name string
	// Order says what the index lets the server learn of the order of values.
	Order Order
	// Form says how an order that is hidden is stored.
	Form Form
	// Prefix is the number of bytes of a text that are compared; 0 for other
	// types.
	Prefix int
	// RefuseLonger refuses texts longer than Prefix where they are written.
	// Otherwise they may be stored; then the server cannot sort by the column.
	RefuseLonger bool
	// Collation is the order that the application expects of texts: bytes.
	Collation Collation
	// TableScope compares values of all partitions; otherwise those of one.
	TableScope bool
	// Group names the columns whose values are compared with each other; New
	// sets an empty one to the column's id.
	Group string
	// Version is part of the key's derivation; New sets 0 to 1.
	Version int
	// Transit is Adding or Dropping while the index comes or goes.
	Transit Transit
}

// Order is what the server may learn of the order of values.
type Order uint8

// The orders. Hidden stores hashes: the server learns which values share their
// leading bits, four by four, and with each query which of them make up a range.
// Revealing stores bytes that sort as the values do: the server learns the order
// of all values, and about how far they are apart.
const (
	OrderHidden Order = iota
	OrderRevealing
)

// Form is how an index that hides the order is stored.
type Form uint8

// The forms. A path is the way to the value in a tree whose children are shuffled:
// few bytes, ranges of which lie side by side. Nodes are a hash of 16 bytes for each
// group of four leading bits. Both show which values share how many of these
// groups.
const (
	FormPath Form = iota
	FormNodes
)

// Paths reports an index that stores paths.
func (r *Range) Paths() bool { return r.Order == OrderHidden && r.Form == FormPath }

// Rooted reports that paths begin with a hash that tells partitions apart: numbers
// of their own would mean something else in each of them.
func (r *Range) Rooted() bool {
	return r.Paths() && !r.TableScope && r.Of.Table.Partition.Kind != PartitionConst
}

// Leakage is what the configuration accepts that the server learns, beyond
// what an index for equality tells.
type Leakage uint8

// The leakages.
const LeakOrder Leakage = 1 << iota

// Leakages are the words of the configuration.
var Leakages = map[string]Leakage{"order": LeakOrder}

// Column returns the indexed column.
func (r *Range) Column() *Column { return r.Of }

// Physical returns the name of the index column.
func (r *Range) Physical() string { return r.Name }

// AllPartitions reports scope: table.
func (r *Range) AllPartitions() bool { return r.TableScope }

// Copies reports two indexes that are compared with each other.
func (r *Range) Copies(to Index) bool {
	o, ok := to.(*Range)
	return ok && r.Joins(o)
}

// Bytes is 0: the size depends on the engine's form of the type.
func (r *Range) Bytes() int { return 0 }

// Joins reports whether values of two indexed columns can be compared by their
// indexes.
func (r *Range) Joins(o *Range) bool {
	a, b := r.Of.Type, o.Of.Type
	a.Declared, b.Declared = "", ""
	return r.Group == o.Group && r.Order == o.Order && r.Form == o.Form && r.Prefix == o.Prefix && r.RefuseLonger == o.RefuseLonger &&
		r.Version == o.Version && r.TableScope == o.TableScope && a == b
}

// Sorts reports that the server can sort by the index: it reveals the order,
// and values that differ never have one index. On SQLite, where the length of
// a type bounds nothing, texts need RefuseLonger.
func (r *Range) Sorts(bounded bool) bool {
	t := r.Of.Type
	switch {
	case r.Order != OrderRevealing:
		return false
	case t.Kind != KindText && t.Kind != KindBytes, r.RefuseLonger:
		return true
	case !bounded || t.Length == 0:
		return false
	case t.Kind == KindBytes:
		return t.Length <= r.Prefix
	}
	return 4*t.Length <= r.Prefix
}

// ranges completes and checks the range indexes of a table.
func (b *builder) ranges(t *Table) {
	for _, c := range t.Columns {
		if c == nil || c.Table == nil {
			continue
		}
		for _, r := range []*Range{c.Range, c.Next.Range} {
			if r == nil {
				continue
			}
			r.Of = c
			if next := r == c.Next.Range; next && c.Range != nil {
				r.Group, r.Version = cmp.Or(r.Group, c.Range.Group), cmp.Or(r.Version, c.Range.Version)
			} else if !next {
				r.Name = cmp.Or(r.Name, c.Name+"_rng")
			}
			r.Group, r.Version = cmp.Or(r.Group, c.ID), cmp.Or(r.Version, 1)
			b.rangeFaults(t, c, r)
		}
	}
}

func (b *builder) rangeFaults(t *Table, c *Column, r *Range) {
	report := func(field, message, hint string) {
		place := "search.range."
		if r == c.Next.Range {
			place += "next."
		}
		b.report(t, c.Name, strings.TrimSuffix(place+field, "."), message, hint)
	}
	if r.Name == "" {
		return // next reports it
	}
	if fault := nameFault(r.Name); fault != "" {
		report("column", "name of the index column "+fault, "")
	}
	if b.nameTaken(t, r) {
		report("column", "the index column has the name of another column", "give it a name of its own")
	}
	if fault := idFault(r.Group, MaxID); fault != "" {
		report("group", "group "+fault, "")
	}
	text := c.Type.Kind == KindText || c.Type.Kind == KindBytes
	switch {
	case c.Type.Kind == KindJSON || c.Type.Kind == KindArray || c.Type.Kind == KindBool || c.Type.Kind == KindUUID:
		report("", "values of type "+c.Type.Name+" have no order that an index could follow", "index a column of another type")
	case text && (r.Prefix < 1 || r.Prefix > 64):
		report("prefix", "a range over text or bytes needs the number of bytes that are compared, 1 to 64", "add prefix: 16, for instance")
	case r.Collation > CollationBytes || r.Collation != CollationNone && c.Type.Kind != KindText:
		report("collation", "ranges over text compare bytes, others have no collation", "write collation: binary at a text, or leave it out")
	case !text && r.Prefix != 0 && !clockKind(c.Type.Kind), r.RefuseLonger && !text:
		report("prefix", "only ranges over text and bytes have a prefix", "leave prefix and longer out")
	case r.Form > FormNodes || r.Form != FormPath && r.Order != OrderHidden:
		report("form", "only ranges that hide the order have a form", "leave form out, or write order: hidden")
	case r.Order == OrderRevealing && c.Accepted&LeakOrder == 0:
		report("order", "the database would learn the order of all values, and about how far they are apart", "add accept_leakage: order to the column if that is acceptable")
	}
}

// clockKind reports kinds that SQLite keeps as text.
func clockKind(k Kind) bool {
	return k == KindDate || k == KindTime || k == KindTimestamp || k == KindTimestampTZ
}

// nameTaken reports that the physical column of r is another column of the
// table, or another index.
func (b *builder) nameTaken(t *Table, r Index) bool {
	if t.Partition.Kind == PartitionColumn && equalFold(t.Partition.Column, r.Physical()) {
		return true
	}
	for _, c := range t.Columns {
		if c == nil {
			continue
		}
		if equalFold(c.Name, r.Physical()) {
			return true
		}
		for _, x := range c.indexes {
			if x != r && equalFold(x.Physical(), r.Physical()) {
				return true
			}
		}
	}
	return false
}

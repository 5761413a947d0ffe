package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxCompound bounds the columns of a compound index.
const MaxCompound = 8

// Compound is an index over several columns of a table: a physical column with a
// keyed hash of their values together, NULL where one of them is NULL. It
// answers conditions that give every column a value, and is what UNIQUE over
// these columns becomes. Some of the columns may be clear.
//
// The server learns which rows of one scope are equal in all of the columns, and
// of none of them by itself. For a column of few values, indexed together with
// one of many, that tells next to nothing of the few.
type Compound struct {
	// Key is the name that the configuration gives it.
	Key string
	// In is the table; New sets it.
	In *Table
	// Name is the physical column; New sets an empty one to Key and "_bidx".
	Name string
	// Parts are the columns in their order, which enters the hash.
	Parts []Part
	// Bits is the size of the hash: 128 to 256 in steps of 8; New sets 0 to 128.
	Bits int
	// Unique says that the application has a unique key over the columns.
	Unique bool
	// TableScope makes equal values of all partitions equal hashes.
	TableScope bool
	// Version is part of the key's derivation; New sets 0 to 1.
	Version int
	// Next is the definition to which the index is being moved, of the same
	// columns. New sets what it leaves out of them.
	Next *Compound
	// Transit is Adding or Dropping while the index comes or goes.
	Transit Transit

	// idle is set while statements write the index and do not search it.
	idle bool
}

// Searched reports an index that statements search by; the others they write.
func (x *Compound) Searched() bool { return !x.idle }

// Part is a column of a Compound.
type Part struct {
	// Name is the column's.
	Name string
	// Of is the encrypted column of that name; New sets it, nil for a clear one.
	Of *Column
	// Type is that of the column; New sets it for an encrypted one.
	Type Type
	// Collation and Normalize say which texts are equal, and Region is that of
	// phone, as those of Equality. New takes those of the column's equality where
	// none are given.
	Collation Collation
	Normalize []Normalizer
	Region    string
}

// Equality is the equality of a part by itself.
func (p *Part) Equality() *Equality {
	return &Equality{Of: &Column{Type: p.Type}, Normalize: p.Normalize, Collation: p.Collation, Region: p.Region}
}

// Column returns the last of the encrypted columns, behind which the index
// column is defined.
func (x *Compound) Column() *Column {
	for i := len(x.Parts) - 1; i >= 0; i-- {
		if c := x.Parts[i].Of; c != nil {
			return c
		}
	}
	return nil
}

// Physical returns the name of the index column.
func (x *Compound) Physical() string { return x.Name }

// AllPartitions reports scope: table.
func (x *Compound) AllPartitions() bool { return x.TableScope }

// Copies reports the same index of another table: of a rebuilt one.
func (x *Compound) Copies(to Index) bool {
	o, ok := to.(*Compound)
	return ok && x.Bits == o.Bits && x.TableScope == o.TableScope && x.Group() == o.Group() && slices.Equal(x.Steps(), o.Steps())
}

// Bytes is the size of the hash.
func (x *Compound) Bytes() int { return x.Bits / 8 }

// Group names the index in the derivation of its key: table and name, without
// schema, as the ids of columns are.
func (x *Compound) Group() string {
	t := x.In
	if t.Rebuilds != nil {
		t = t.Rebuilds
	}
	return lower(t.Name + "." + x.Key)
}

// Steps say what is hashed: the parts with their normalizers.
func (x *Compound) Steps() []string {
	var out []string
	for i := range x.Parts {
		p := &x.Parts[i]
		out = append(out, "column="+lower(p.Name), "kind="+p.Type.Kind.String())
		for _, n := range p.Equality().Steps() {
			out = append(out, string(n))
		}
	}
	return out
}

// Part returns the part of that name, compared without ASCII case, or -1.
func (x *Compound) Part(name string) int {
	return slices.IndexFunc(x.Parts, func(p Part) bool { return equalFold(p.Name, name) })
}

// String returns "table(a, b)".
func (x *Compound) String() string {
	names := make([]string, len(x.Parts))
	for i := range x.Parts {
		names[i] = x.Parts[i].Name
	}
	return x.In.Name + "(" + strings.Join(names, ", ") + ")"
}

// Compound returns the compound index of that key, or nil.
func (t *Table) Compound(key string) *Compound {
	for _, x := range t.Compounds {
		if x.Key == key {
			return x
		}
	}
	return nil
}

// ClearPart returns a compound index of the table of which the clear column of
// that name is a part, or nil.
func (t *Table) ClearPart(name string) *Compound {
	for _, x := range t.Compounds {
		if i := x.Part(name); i >= 0 && x.Parts[i].Of == nil {
			return x
		}
	}
	return nil
}

// Own are the indexes of a column over its own values, without the compound ones
// that stand behind it.
func (c *Column) Own() []Index {
	if !slices.ContainsFunc(c.indexes, isCompound) {
		return c.indexes
	}
	return slices.DeleteFunc(slices.Clone(c.indexes), isCompound)
}

func isCompound(x Index) bool {
	_, ok := x.(*Compound)
	return ok
}

// compounds completes and checks the compound indexes of a table, and adds them
// to the indexes of the columns behind which they stand.
func (b *builder) compounds(t *Table) {
	declared := t.Compounds
	t.Compounds = nil
	for _, x := range declared {
		if x.Name == "" {
			x.Name = x.Key + "_bidx"
		}
		x.Version = cmp.Or(x.Version, 1)
		b.compound(t, x)
		if x.idle = x.Transit != Settled; x.Next != nil {
			b.compoundNext(t, x)
		}
	}
	b.collectIndexes(t)
}

// compound completes and checks one of the indexes.
func (b *builder) compound(t *Table, x *Compound) {
	x.In, x.Bits = t, cmp.Or(x.Bits, 128)
	t.Compounds = append(t.Compounds, x)
	for k := range x.Parts {
		b.part(t, x, k)
	}
	b.compoundFaults(t, len(t.Compounds)-1)
}

// part completes a column of an index.
func (b *builder) part(t *Table, x *Compound, k int) {
	p := &x.Parts[k]
	report := b.compoundReport(t, x)
	own := p.Type != (Type{})
	if p.Of = t.Column(p.Name); p.Of != nil {
		if own {
			report("columns", p.Name+" is encrypted: its type is that of the column", "leave type out")
		}
		p.Type = p.Of.Type
		if e := x.equalityOf(p.Of); e != nil && p.Collation == CollationNone && len(p.Normalize) == 0 {
			p.Collation, p.Normalize, p.Region = e.Collation, e.Normalize, e.Region
		}
	} else if !own {
		report("columns", p.Name+" is a clear column: its type decides how its values are compared", "write {column: "+p.Name+", type: TYPE}; or is it misspelt?")
		return
	} else if !p.Type.complete() {
		report("columns", "type was not made by ParseType", "")
		return
	}
	if p.Type.Kind == KindJSON || p.Type.Kind == KindArray {
		report("columns", p.Name+": "+p.Type.Kind.String()+" has no equality that an index could follow", "leave it out")
	}
	if p.Type.Kind != KindText && (len(p.Normalize) > 0 || p.Collation != CollationNone) {
		report("columns", p.Name+": only text is normalised", "leave normalize and collation out")
	}
	if len(p.Normalize) > 0 && p.Collation != CollationNormalized {
		report("columns", p.Name+": a compound index is exact, so what is normalised is equal", "write collation: normalized, or leave normalize out")
	}
	if p.Of == nil && p.Collation == CollationNormalized {
		report("columns", p.Name+": the server compares a clear column, and knows of no normalizers", "leave normalize out")
	}
	b.partSteps(x, p, report)
	for _, n := range p.Normalize {
		if !slices.Contains(Normalizers, n) {
			report("columns", fmt.Sprintf("%s: %q is no normalizer", p.Name, string(n)), "use "+wordsOf(Normalizers))
		}
	}
}

func (b *builder) compoundReport(t *Table, x *Compound) func(field, message, hint string) {
	place := "indexes." + x.Key + "."
	if x.isNext() {
		place += "next."
	}
	return func(field, message, hint string) {
		b.report(t, "", strings.TrimSuffix(place+field, "."), message, hint)
	}
}

func (b *builder) compoundFaults(t *Table, at int) {
	x := t.Compounds[at]
	report := b.compoundReport(t, x)
	if fault := nameFault(x.Name); fault != "" {
		report("column", "name of the index column "+fault, "")
	}
	if fault := idFault(x.Group(), MaxID); fault != "" {
		report("", "name of the index "+fault, "give it a shorter one")
	}
	if x.takenName(t, at) {
		report("column", "the index column has the name of another column", "give it a name of its own")
	}
	switch n := len(x.Parts); {
	case n < 2 || n > MaxCompound:
		report("columns", fmt.Sprintf("a compound index has 2 to %d columns", MaxCompound), "for one column write search: equality")
	case x.Column() == nil:
		report("columns", "none of the columns is encrypted", "an ordinary index of the database does")
	}
	for i := range x.Parts {
		if k := x.Part(x.Parts[i].Name); k != i {
			report("columns", x.Parts[i].Name+" is named twice", "")
		}
	}
	for _, other := range t.Compounds[:at] {
		if x.Transit == Settled && other.Transit == Settled && other.Next != x && len(other.Parts) == len(x.Parts) && !slices.ContainsFunc(x.Parts, func(p Part) bool { return other.Part(p.Name) < 0 }) {
			report("columns", "the index "+other.Key+" has the same columns", "remove one of the two")
		}
	}
	if x.Bits < 128 || x.Bits > 256 || x.Bits%8 != 0 {
		report("bits", "a compound index has 128 to 256 bits in steps of 8", "leave it out for 128")
	}
	if x.Unique && !x.TableScope && t.Partition.Kind == PartitionContext {
		report("scope", "a unique index needs a scope that the server knows", "write scope: table, or partition by a column")
	}
}

// takenName reports a physical column that is another one of the table, too.
func (x *Compound) takenName(t *Table, at int) bool {
	if t.Column(x.Name) != nil || t.Partition.Kind == PartitionColumn && equalFold(t.Partition.Column, x.Name) || equalFold(t.Row.Column, x.Name) || x.Part(x.Name) >= 0 {
		return true
	}
	for _, c := range t.Columns {
		if c == nil {
			continue
		}
		for _, o := range c.Own() {
			if equalFold(o.Physical(), x.Name) {
				return true
			}
		}
	}
	return slices.ContainsFunc(t.Compounds[:at], func(o *Compound) bool { return equalFold(o.Name, x.Name) })
}

package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// FragmentKind is what a Fragments index holds.
type FragmentKind uint8

// The kinds: beginnings and ends of texts of declared lengths, and all pieces
// of one length.
const (
	PrefixFragments FragmentKind = iota
	SuffixFragments
	ContainsFragments
)

// String returns the word of the configuration.
func (k FragmentKind) String() string {
	switch k {
	case PrefixFragments:
		return "prefix"
	case SuffixFragments:
		return "suffix"
	case ContainsFragments:
		return "contains"
	}
	return "invalid"
}

// TokenBytes is the size of a token, the keyed hash of one fragment. Tokens
// collide, and what they find is compared with the pattern after opening.
const TokenBytes = 4

// Limits of fragments, in letters.
const (
	MaxFragment   = 64
	MaxFragments  = 8 // lengths of one index
	MinGram       = 2
	MaxGram       = 8
	defaultGram   = 3
	defaultPrefix = 3
)

// Fragments is an index for LIKE: a physical column beside an encrypted text
// with keyed hashes of pieces of it, without case and accents. It finds more
// than what matches, so that rows are filtered after opening.
//
// The server learns which rows of one scope share these pieces, and by the
// number of tokens of a contains index about how long a text is. From many rows
// much of natural text can be recovered by whoever knows what such texts look
// like: the finer the pieces, the more.
type Fragments struct {
	// Of is the indexed column; New sets it.
	Of   *Column
	Kind FragmentKind
	// Name is the physical column; New sets an empty one to the column's name
	// and "_pfx", "_sfx" or "_sub".
	Name string
	// Lengths are the lengths of the pieces in letters, ascending; those of a
	// contains index are one. New sets an empty list to 3.
	Lengths []int
	// Normalize lists what is done to a text before it is cut. Case and accents
	// never matter.
	Normalize []Normalizer
	// Collation says which letters LIKE finds equal: on MySQL the collation
	// that the application means, on PostgreSQL ci for citext. SQLite's LIKE
	// does not look at collations.
	Collation Collation
	// TableScope makes equal pieces of all partitions equal tokens.
	TableScope bool
	// Version is part of the keys' derivation; New sets 0 to 1.
	Version int
	// Transit is Adding or Dropping while the index comes or goes.
	Transit Transit
}

var fragmentSuffix = [...]string{"_pfx", "_sfx", "_sub"}

// Column returns the indexed column.
func (f *Fragments) Column() *Column { return f.Of }

// Physical returns the name of the index column.
func (f *Fragments) Physical() string { return f.Name }

// AllPartitions reports scope: table.
func (f *Fragments) AllPartitions() bool { return f.TableScope }

// Copies reports an index of the same kind of the column's other table.
func (f *Fragments) Copies(to Index) bool {
	o, ok := to.(*Fragments)
	return ok && f.Kind == o.Kind && f.Of.ID == o.Of.ID && f.Version == o.Version && f.TableScope == o.TableScope &&
		slices.Equal(f.Lengths, o.Lengths) && slices.Equal(f.Normalize, o.Normalize)
}

// Bytes is the size of an index of the longest texts, 0 for contains, where it
// varies.
func (f *Fragments) Bytes() int {
	if f.Kind == ContainsFragments {
		return 0
	}
	return TokenBytes * len(f.Lengths)
}

// Fragments lists the column's indexes for LIKE.
func (c *Column) Fragments() []*Fragments {
	var out []*Fragments
	for _, f := range []*Fragments{c.Prefix, c.Suffix, c.Contains} {
		if f != nil {
			out = append(out, f)
		}
	}
	return out
}

// fragments completes and checks the indexes for LIKE of a table.
func (b *builder) fragments(t *Table) {
	for _, c := range t.Columns {
		if c == nil || c.Table == nil {
			continue
		}
		now := []*Fragments{c.Prefix, c.Suffix, c.Contains}
		for i, f := range append(now, c.Next.Prefix, c.Next.Suffix, c.Next.Contains) {
			if f == nil {
				continue
			}
			f.Of, f.Kind = c, FragmentKind(i%len(now))
			switch {
			case i >= len(now) && now[f.Kind] != nil:
				f.Version = cmp.Or(f.Version, now[f.Kind].Version)
			case i < len(now) && f.Name == "":
				f.Name = c.Name + fragmentSuffix[i]
			}
			if len(f.Lengths) == 0 {
				f.Lengths = []int{defaultPrefix}
				if f.Kind == ContainsFragments {
					f.Lengths = []int{defaultGram}
				}
			}
			if f.Version == 0 {
				f.Version = 1
			}
			b.fragmentFaults(t, c, f)
		}
	}
}

func (b *builder) fragmentFaults(t *Table, c *Column, f *Fragments) {
	report := func(field, message, hint string) {
		place := "search." + f.Kind.String() + "."
		if c.Moving(f) {
			place += "next."
		}
		b.report(t, c.Name, strings.TrimSuffix(place+field, "."), message, hint)
	}
	if f.Name == "" {
		return // next reports it
	}
	if fault := nameFault(f.Name); fault != "" {
		report("column", "name of the index column "+fault, "")
	}
	if b.nameTaken(t, f) {
		report("column", "the index column has the name of another column", "give it a name of its own")
	}
	switch {
	case c.Type.Kind != KindText:
		report("", "only texts have pieces", "leave it out; search: equality compares other types")
	case c.Type.Fixed:
		report("", "char(n) is filled up with blanks, which LIKE does not see on every engine", "declare the column as varchar or text")
	}
	b.lengthFaults(f, report)
	for _, n := range f.Normalize {
		if n == Phone {
			report("normalize", "pieces of a phone number have no form of their own", "use digits; phone is for equality")
		}
		if n != "" && !slices.Contains(Normalizers, n) {
			report("normalize", fmt.Sprintf("%q is no normalizer", string(n)), "use "+wordsOf(Normalizers))
		}
	}
	for _, o := range c.Fragments() {
		if o.Collation != f.Collation && (o.Kind < f.Kind || c.Moving(f)) {
			report("collation", "it differs from that of "+o.Kind.String(), "LIKE has one meaning for a column: write the same collation")
		}
	}
}

func (b *builder) lengthFaults(f *Fragments, report func(field, message, hint string)) {
	field := "lengths"
	if f.Kind == ContainsFragments {
		field = "length"
		if n := f.Lengths[0]; len(f.Lengths) > 1 || n < MinGram || n > MaxGram {
			report(field, fmt.Sprintf("pieces have %d to %d letters", MinGram, MaxGram), "leave it out for 3")
		}
		return
	}
	if len(f.Lengths) > MaxFragments {
		report(field, fmt.Sprintf("more than %d lengths", MaxFragments), "longer patterns use the longest that is not longer than they are")
	}
	for i, n := range f.Lengths {
		if n < 1 || n > MaxFragment || i > 0 && n <= f.Lengths[i-1] {
			report(field, fmt.Sprintf("lengths are numbers from 1 to %d, each larger than the one before", MaxFragment), "write lengths: [3, 5]")
			return
		}
	}
}

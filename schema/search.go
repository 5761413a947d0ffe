package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Equality is a blind index: a physical column beside an encrypted one that
// holds a keyed hash of the value, so that the server can compare values
// without learning them. What it learns is which rows of one scope hold equal
// values, and how often.
type Equality struct {
	// Of is the indexed column; New sets it.
	Of *Column
	// Name is the physical column; New sets an empty one to the column's name
	// and "_bidx".
	Name string
	// Normalize lists what is done to a text, in this order, before it is
	// hashed; empty means that texts are compared as bytes.
	Normalize []Normalizer
	// Region is the country whose numbers the normalizer phone takes without a
	// country code: two upper-case letters (ISO 3166-1), or empty for none.
	Region string
	// Collation is the equality that the application expects of the column.
	Collation Collation
	// Bits is the size of the hash: 8 to 256 in steps of 8; New sets 0 to 128.
	Bits int
	// Unique says that the application has a unique key on the column.
	Unique Uniqueness
	// TableScope compares values of all partitions (scope: table); otherwise
	// equal values of two partitions have different hashes.
	TableScope bool
	// Group names the columns whose values are compared with each other; New
	// sets an empty one to the column's id.
	Group string
	// Version is part of the key's derivation; New sets 0 to 1.
	Version int
	// Transit is Adding or Dropping while the index comes or goes.
	Transit Transit
}

// Uniqueness says what a unique key on an encrypted column means.
type Uniqueness uint8

// The kinds: none, of the values, of the normalised values.
const (
	NotUnique Uniqueness = iota
	UniqueExact
	UniqueNormalized
)

// Collation is an equality of texts.
type Collation uint8

// The collations. Bytes is PostgreSQL's and SQLite's default. IgnoreCase is
// citext's and, beyond ASCII, NOCASE's. IgnoreCaseAccents is MySQL's default,
// which also ignores trailing blanks. Normalized is the equality of what
// Normalize makes of the values: the application asks for that on purpose, so
// that 030/123456 finds +49 30 123456.
const (
	CollationNone Collation = iota
	CollationBytes
	CollationIgnoreCase
	CollationIgnoreCaseAccents
	CollationNormalized
)

// Collations are the words of the configuration.
var Collations = map[string]Collation{"binary": CollationBytes, "ci": CollationIgnoreCase, "ci_ai": CollationIgnoreCaseAccents, "normalized": CollationNormalized}

// Normalizer is a step that makes texts equal that shall be found together.
type Normalizer string

// The normalizers.
const (
	Trim         Normalizer = "trim"          // blanks at both ends
	TrimEnd      Normalizer = "trim_end"      // blanks at the end
	Collapse     Normalizer = "collapse"      // runs of blanks become one
	NFC          Normalizer = "nfc"           // canonical composition (UAX 15)
	NFKC         Normalizer = "nfkc"          // compatibility composition (UAX 15)
	Lower        Normalizer = "lower"         // Unicode lower case, no locale
	StripAccents Normalizer = "strip_accents" // marks of canonical decomposition
	Digits       Normalizer = "digits"        // digits only
	Email        Normalizer = "email"         // trim, NFC, lower case
	Phone        Normalizer = "phone"         // E.164 of a phone number; what is none is an error
)

// Normalizers lists the known ones.
var Normalizers = []Normalizer{Trim, TrimEnd, Collapse, NFC, NFKC, Lower, StripAccents, Digits, Email, Phone}

// Steps are the normalizers that are applied: those of the collation first.
func (e *Equality) Steps() []Normalizer {
	var steps []Normalizer
	switch e.Collation {
	case CollationIgnoreCase:
		steps = []Normalizer{NFC, Lower}
	case CollationIgnoreCaseAccents:
		steps = []Normalizer{TrimEnd, StripAccents, NFC, Lower}
	}
	for _, n := range e.Normalize {
		if n == Phone && e.Region != "" {
			n += Normalizer(":" + e.Region) // numbers are read in another way: another index
		}
		steps = append(steps, n)
	}
	return steps
}

// PhoneStep reports whether a step of Steps is the normalizer phone, and the
// region by which it reads numbers.
func PhoneStep(n Normalizer) (region string, ok bool) {
	name, region, _ := strings.Cut(string(n), ":")
	return region, name == string(Phone)
}

// Exact reports whether two values have equal hashes exactly if they are equal
// (threats T22): a hash long enough, and no normalizer beyond the collation.
func (e *Equality) Exact() bool {
	return e.Bits >= 128 && (len(e.Normalize) == 0 || e.Collation == CollationNormalized)
}

// Joins reports whether values of two indexed columns can be compared by their
// hashes.
func (e *Equality) Joins(o *Equality) bool {
	return e.Group == o.Group && e.Bits == o.Bits && e.Version == o.Version && e.TableScope == o.TableScope &&
		e.Of.Type.Kind == o.Of.Type.Kind && slices.Equal(e.Steps(), o.Steps())
}

// equality completes and checks the indexes of a table.
func (b *builder) equality(t *Table) {
	for _, c := range t.Columns {
		if c == nil || c.Table == nil {
			continue
		}
		for _, e := range []*Equality{c.Equality, c.Next.Equality} {
			if e == nil {
				continue
			}
			e.Of = c
			if e.Bits == 0 {
				e.Bits = 128
			}
			if next := e == c.Next.Equality; next && c.Equality != nil {
				e.Group, e.Version = cmp.Or(e.Group, c.Equality.Group), cmp.Or(e.Version, c.Equality.Version)
			} else if !next {
				e.Name = cmp.Or(e.Name, c.Name+"_bidx")
			}
			e.Group, e.Version = cmp.Or(e.Group, c.ID), cmp.Or(e.Version, 1)
			b.indexFaults(t, c, e)
		}
	}
}

func (b *builder) indexFaults(t *Table, c *Column, e *Equality) {
	place := "search.equality."
	if e == c.Next.Equality {
		place += "next."
	}
	report := func(field, message, hint string) {
		b.report(t, c.Name, strings.TrimSuffix(place+field, "."), message, hint)
	}
	if e.Name == "" {
		return // next reports it
	}
	if fault := nameFault(e.Name); fault != "" {
		report("column", "name of the index column "+fault, "")
	}
	for _, other := range t.Columns {
		if other != nil && equalFold(other.Name, e.Name) || other != c && other != nil && other.Equality != nil && equalFold(other.Equality.Name, e.Name) {
			report("column", "the index column has the name of another column", "give it a name of its own")
		}
	}
	if t.Partition.Kind == PartitionColumn && equalFold(t.Partition.Column, e.Name) {
		report("column", "the index column has the name of the partition column", "give it a name of its own")
	}
	if e.Bits < 8 || e.Bits > 256 || e.Bits%8 != 0 {
		report("bits", "an index has 8 to 256 bits in steps of 8", "leave it out for 128")
	}
	if fault := idFault(e.Group, MaxID); fault != "" {
		report("group", "group "+fault, "")
	}
	if c.Type.Kind == KindJSON || c.Type.Kind == KindArray {
		report("", c.Type.Kind.String()+" has no equality that an index could follow", "index a column of its own")
	}
	if c.Type.Kind != KindText && (len(e.Normalize) > 0 || e.Collation != CollationNone) {
		report("normalize", "only text is normalised", "leave normalize and collation out")
	}
	for _, n := range e.Normalize {
		if n != "" && !slices.Contains(Normalizers, n) { // an empty one was reported where it was read
			report("normalize", fmt.Sprintf("%q is no normalizer", string(n)), "use "+wordsOf(Normalizers))
		}
	}
	if e.Collation == CollationNormalized && len(e.Normalize) == 0 {
		report("collation", "nothing is normalised", "name the steps with normalize, or write binary")
	}
	switch phone := slices.Contains(e.Normalize, Phone); {
	case e.Region != "" && !phone:
		report("region", "only the normalizer phone reads a region", "leave it out, or add phone to normalize")
	case e.Region != "" && (len(e.Region) != 2 || strings.Trim(e.Region, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != ""):
		report("region", "a region is a country code of two upper-case letters", "write DE, say; leave it out if all numbers begin with +")
	case phone && e.Normalize[len(e.Normalize)-1] != Phone:
		report("normalize", "phone is the last step: what it makes needs no other", "put it at the end")
	}
	switch {
	case e.Unique != NotUnique && e.Bits < 128:
		report("unique", "a hash of fewer than 128 bits collides", "leave bits out")
	case e.Unique == UniqueExact && len(e.Normalize) > 0 && e.Collation != CollationNormalized:
		report("unique", "values that differ only in what is normalised would count as equal", "write unique: normalized if that is meant")
	case e.Unique != NotUnique && !e.TableScope && t.Partition.Kind == PartitionContext:
		report("scope", "a unique index needs a scope that the server knows", "write scope: table, or partition by a column")
	}
}

func wordsOf(ns []Normalizer) string {
	words := make([]string, len(ns))
	for i, n := range ns {
		words[i] = string(n)
	}
	return strings.Join(words, ", ")
}

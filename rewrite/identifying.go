package rewrite

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sealsql/sealsql/schema"
)

// IdentifyingColumn is a column that identifies partitions or rows and that does not store every
// value of the declared type as it is given. What was sealed for one that it stores
// otherwise would open for nobody.
type IdentifyingColumn struct {
	d        Dialect
	declared schema.Kind
	typ      schema.Type
	runes    func(rune) bool // of its character set; nil for all
}

// IdentifyingColumnOf looks at a physical column; nil is one that stores what it is given, or
// refuses it.
func IdentifyingColumnOf(d Dialect, c *CatalogColumn, declared schema.Type) *IdentifyingColumn {
	t, err := schema.ParseType(c.Type)
	if d == SQLite || err != nil {
		return nil
	}
	k := &IdentifyingColumn{d: d, declared: declared.Kind, typ: t}
	some := false
	switch declared.Kind {
	case schema.KindText:
		if d == MySQL && t.Kind == schema.KindText {
			k.runes = charactersOf(c.Collation)
		}
		some = k.runes != nil || t.Fixed && !declared.Fixed || t.Length > 0 && (declared.Length == 0 || declared.Length > t.Length)
	case schema.KindInt:
		some = t.Kind == schema.KindInt && (t.Bits < declared.Bits || t.Unsigned != declared.Unsigned)
	case schema.KindNumeric:
		some = t.Kind == schema.KindNumeric && t.HasPrecision && !declared.HasPrecision
	}
	if !some {
		return nil
	}
	return k
}

// charactersOf says of which characters a MySQL column holds texts, by its collation; nil
// for all of them, and for character sets of which that is not known here. Others are
// stored as question marks without a strict mode, and are an error in one.
func charactersOf(collation string) func(rune) bool {
	set, _, _ := strings.Cut(strings.ToLower(collation), "_")
	switch set {
	case "ascii":
		return func(r rune) bool { return r < 0x80 }
	case "latin1":
		return func(r rune) bool { return r < 0x80 || r >= 0xA0 && r <= 0xFF || strings.ContainsRune(latin1, r) }
	case "utf8", "utf8mb3", "ucs2":
		return func(r rune) bool { return r <= 0xFFFF }
	}
	return nil
}

// latin1 is what MySQL's latin1 has from 0x80 to 0x9F: Windows' code page 1252, and the
// control characters where that has none.
const latin1 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"

// Keeps reports what keeps the column from storing a value, given in the form that
// identifies a partition or row (logical.Codec's Canonical): empty where nothing does.
func (k *IdentifyingColumn) Keeps(id string) (problem string) {
	switch k.declared {
	case schema.KindText:
		return k.keepsText(id)
	case schema.KindInt:
		if !fitsInt(id, k.typ) {
			return "the database's column is " + k.typ.Name + ", which does not hold the number"
		}
	case schema.KindNumeric:
		whole, fraction, _ := strings.Cut(strings.TrimPrefix(id, "-"), ".")
		if len(fraction) > k.typ.Scale || len(strings.TrimLeft(whole, "0")) > k.typ.Precision-k.typ.Scale {
			return "the database's column is " + k.typ.Name + ", which rounds the number or does not hold it"
		}
	}
	return ""
}

func (k *IdentifyingColumn) keepsText(id string) string {
	n := utf8.RuneCountInString(id)
	switch {
	case k.typ.Fixed && k.d == Postgres && n != k.typ.Length:
		return "the database's column is " + k.typ.Name + ", which is read with blanks up to its length"
	case k.typ.Fixed && k.d == MySQL && strings.HasSuffix(id, " "):
		return "the database's column is " + k.typ.Name + ", which is read without blanks at the end"
	case k.typ.Kind == schema.KindText && k.typ.Length > 0 && n > k.typ.Length, k.typ.Kind == schema.KindBytes && k.typ.Length > 0 && len(id) > k.typ.Length:
		return "the database's column is " + k.typ.Name + ", which is shorter"
	case k.runes != nil && strings.ContainsFunc(id, func(r rune) bool { return !k.runes(r) }):
		return "the character set of the database's column has not all of its characters"
	}
	return ""
}

// fitsInt reports whether a column of an integer type holds a number, in decimal digits.
func fitsInt(id string, t schema.Type) bool {
	if t.Unsigned {
		_, err := strconv.ParseUint(id, 10, t.Bits)
		return err == nil
	}
	_, err := strconv.ParseInt(id, 10, t.Bits)
	return err == nil
}

package rewrite

import (
	"encoding/hex"
	"errors"
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
	exact    int64           // of floats: up to which integers are held exactly; 0 for other types
}

// PostgreSQL cuts a name at NAMEDATALEN less one bytes, without a word.
const (
	pgName       = "name"
	pgNameLength = 63
)

// IdentifyingColumnOf looks at a physical column; nil is one that stores what it is given, or
// refuses it.
func IdentifyingColumnOf(d Dialect, c *CatalogColumn, declared schema.Type) *IdentifyingColumn {
	k := &IdentifyingColumn{d: d, declared: declared.Kind}
	if !k.physical(c) || !k.stores(declared) {
		return nil
	}
	return k
}

// physical reads the type of the database. It reports whether anything is known of it.
func (k *IdentifyingColumn) physical(c *CatalogColumn) bool {
	physical := c.stored()
	switch {
	case k.d == SQLite:
		k.typ.Name = strings.ToLower(physical)
		if liteReal(physical) {
			k.exact = 1 << 53
		}
		return k.exact > 0
	case k.d == Postgres && physical == pgName:
		k.typ = schema.Type{Kind: schema.KindText, Name: pgName}
		return true
	}
	t, err := schema.ParseType(physical)
	k.typ = t
	if k.d == MySQL && t.Kind == schema.KindText && k.declared == schema.KindText {
		k.runes = charactersOf(c.Collation)
	}
	if t.Kind == schema.KindFloat {
		k.exact = exactIn(k.d, t)
	}
	return err == nil
}

// exactIn is the largest integer below which a column of floats has them all. MySQL reads its
// FLOAT with six digits.
func exactIn(d Dialect, t schema.Type) int64 {
	switch {
	case d == MySQL && t.Base == "float":
		return 999_999
	case d == Postgres && pgFloat(t).Bits == 32:
		return 1 << 24
	}
	return 1 << 53
}

// stores reports whether some values of the declared type are stored otherwise.
func (k *IdentifyingColumn) stores(declared schema.Type) bool {
	t := k.typ
	shorter := t.Length > 0 && (declared.Length == 0 || declared.Length > t.Length)
	switch {
	case k.exact > 0:
		return declared.Kind == schema.KindInt || declared.Kind == schema.KindNumeric
	case declared.Kind == schema.KindText:
		return k.runes != nil || t.Fixed && !declared.Fixed || shorter || t.Name == pgName
	case t.Kind == schema.KindText:
		return k.cuts(declared)
	case declared.Kind == schema.KindBytes:
		return t.Kind == schema.KindBytes && (shorter || t.Fixed && !declared.Fixed)
	case declared.Kind == schema.KindInt && t.Kind == schema.KindInt:
		return t.Bits < declared.Bits || t.Unsigned != declared.Unsigned
	case declared.Kind == schema.KindInt || declared.Kind == schema.KindNumeric && !declared.HasPrecision:
		return t.Kind == schema.KindNumeric && t.HasPrecision
	}
	return false
}

// cuts reports whether a column of texts may be too short for what is no text. What
// identifies numbers is their shortest form, and bytes are stored as they are; UUIDs and dates
// have shorter forms than that.
func (k *IdentifyingColumn) cuts(declared schema.Type) bool {
	const longest = len("-9223372036854775808")
	switch declared.Kind {
	case schema.KindInt:
		return k.typ.Length > 0 && (k.typ.Length < longest || k.typ.Fixed && k.d == Postgres)
	case schema.KindNumeric, schema.KindBytes:
		return k.typ.Length > 0
	}
	return false
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
	is := "the database's column is " + k.typ.Name
	switch {
	case k.exact > 0:
		if !holdsExactly(id, k.exact) {
			return is + ", which rounds the number"
		}
	case k.declared == schema.KindBytes && k.typ.Kind == schema.KindText:
		b, _ := hex.DecodeString(id) // by which bytes are identified
		return k.keepsText(string(b), is)
	case k.declared == schema.KindText || k.typ.Kind == schema.KindText:
		return k.keepsText(id, is)
	case k.declared == schema.KindBytes:
		if n := hex.DecodedLen(len(id)); n > k.typ.Length || k.typ.Fixed && n < k.typ.Length {
			return is + ", which has another length"
		}
	case k.typ.Kind == schema.KindInt:
		if !fitsInt(id, k.typ) {
			return is + ", which does not hold the number"
		}
	case k.typ.Kind == schema.KindNumeric:
		whole, fraction, _ := strings.Cut(strings.TrimPrefix(id, "-"), ".")
		if len(fraction) > k.typ.Scale || len(strings.TrimLeft(whole, "0")) > k.typ.Precision-k.typ.Scale {
			return is + ", which rounds the number or does not hold it"
		}
	}
	return ""
}

func (k *IdentifyingColumn) keepsText(id, is string) string {
	n := utf8.RuneCountInString(id)
	switch {
	case k.typ.Fixed && k.d == Postgres && n != k.typ.Length:
		return is + ", which is read with blanks up to its length"
	case k.typ.Fixed && k.d == MySQL && strings.HasSuffix(id, " "):
		return is + ", which is read without blanks at the end"
	case k.typ.Kind == schema.KindText && k.typ.Length > 0 && n > k.typ.Length,
		k.typ.Kind == schema.KindBytes && k.typ.Length > 0 && len(id) > k.typ.Length,
		k.typ.Name == pgName && len(id) > pgNameLength:
		return is + ", which is shorter"
	case k.runes != nil && strings.ContainsFunc(id, func(r rune) bool { return !k.runes(r) }):
		return "the character set of the database's column has not all of its characters"
	}
	return ""
}

// holdsExactly reports whether an integer is one of those that floats hold without gaps.
// Fractions are not looked at: SQLite's are read as they were given.
func holdsExactly(id string, limit int64) bool {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return errors.Is(err, strconv.ErrSyntax)
	}
	return -limit <= n && n <= limit
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

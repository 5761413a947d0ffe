package schema

import "strings"

// Kind is the family of a logical type.
type Kind uint8

// The families.
const (
	KindText Kind = iota + 1
	KindBytes
	KindInt
	KindFloat
	KindBool
	KindNumeric
	KindDate
	KindTime
	KindTimestamp
	KindTimestampTZ
	KindUUID
	KindJSON
	KindArray // PostgreSQL's arrays
)

var kindNames = [...]string{
	KindText: "text", KindBytes: "bytes", KindInt: "integer", KindFloat: "floating point",
	KindBool: "boolean", KindNumeric: "numeric", KindDate: "date", KindTime: "time",
	KindTimestamp: "timestamp", KindTimestampTZ: "timestamp with time zone",
	KindUUID: "uuid", KindJSON: "json", KindArray: "array",
}

// String returns the family in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "invalid"
}

// Type is a logical column type with its modifiers, as the engine would
// declare the column if it were not encrypted. Types are made by ParseType.
type Type struct {
	Kind Kind
	// Name is the canonical spelling in the engines' words, with modifiers:
	// "numeric(10,2)", "varchar(40)", "datetime(3)", "int unsigned". Two
	// spellings of one type have one Name.
	Name string
	// Declared is the spelling that was parsed, in lower case and with single
	// blanks: "character varying(40)". It matters where an engine looks at the
	// words themselves: SQLite's affinity and its declared type.
	Declared string
	// Base is Name without modifiers, lower case: "numeric", "varchar".
	Base string
	// Bits is 8, 16, 24, 32 or 64 for KindInt, 32 or 64 for KindFloat. It is 0
	// for "real" and "float", which the engines size differently: real is 32
	// bits on PostgreSQL and 64 on MySQL, float the other way round, and
	// SQLite has only 64.
	Bits     int
	Unsigned bool
	// Length is the declared length of text and bytes in characters or bytes;
	// 0 means none. Fixed is set for char(n) and binary(n).
	Length int
	Fixed  bool
	// Precision and Scale belong to KindNumeric; HasPrecision tells numeric
	// from numeric(p,s).
	HasPrecision bool
	Precision    int
	Scale        int
	// Fraction is the number of fractional second digits of time types, 0 to
	// 6; HasFraction tells timestamp (6 digits on PostgreSQL, 0 on MySQL)
	// from timestamp(0).
	HasFraction bool
	Fraction    int
	// Elem is the family of the elements of an array, 0 for other types; the
	// fields above but for the spellings are then the elements' own. Sizes and
	// the number of dimensions are no part of the type (PostgreSQL §8.15.1).
	Elem Kind
}

// Element returns the type of an array's elements; a type that is no array
// is returned as it is.
func (t Type) Element() Type {
	if t.Kind != KindArray {
		return t
	}
	t.Kind, t.Elem = t.Elem, 0
	t.Name, t.Declared, t.Base = strings.TrimSuffix(t.Name, dims), strings.TrimSuffix(t.Declared, dims), strings.TrimSuffix(t.Base, dims)
	return t
}

// dims ends the spellings of an array.
const dims = "[]"

// Same reports whether two types are the same logical type, whatever their
// spelling.
func (t Type) Same(o Type) bool {
	t.Declared, o.Declared = "", ""
	return t == o
}

// String returns Name.
func (t Type) String() string { return t.Name }

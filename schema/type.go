package schema

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
)

// Type is a logical column type with its modifiers, as the engine would
// declare the column if it were not encrypted.
type Type struct {
	Kind Kind
	// Name is the canonical spelling in the engine's words, with modifiers:
	// "numeric(10,2)", "varchar(40)", "datetime(3)", "int unsigned".
	Name string
	// Base is Name without modifiers, lower case: "numeric", "varchar".
	Base string
	// Bits is 8, 16, 24, 32 or 64 for KindInt, 32 or 64 for KindFloat.
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
	// Fraction is the number of fractional second digits of time types.
	Fraction int
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

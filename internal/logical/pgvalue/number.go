package pgvalue

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

func appendInt(dst []byte, oid uint32, i int64) ([]byte, problem) {
	if low, high := integerRange(oid); i < low || i > high {
		return nil, logical.ProblemRange
	}
	return logical.AppendInt64(dst, i), ""
}

// numberFromText is the input function of the numeric types and of boolean; s
// is without blanks around it.
func numberFromText(dst []byte, t *schema.Type, oid uint32, s string) (payload []byte, tag logical.Tag, why problem) {
	switch oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		payload, why = appendIntText(dst, oid, s)
		return payload, logical.TagInt64, why
	case pgtype.Float4OID:
		f, why := parseFloat(s, 32)
		return logical.AppendFloat32(dst, float32(f)), logical.TagFloat32, why
	case pgtype.Float8OID:
		f, why := parseFloat(s, 64)
		return logical.AppendFloat64(dst, f), logical.TagFloat64, why
	case pgtype.BoolOID:
		b, ok := parseBool(s)
		return logical.AppendBool(dst, b), logical.TagBool, syntaxUnless(ok)
	case pgtype.NumericOID:
		payload, why = appendNumericText(dst, t, s)
		return payload, logical.TagNumeric, why
	}
	return nil, 0, logical.ProblemSyntax
}

func appendIntText(dst []byte, oid uint32, s string) ([]byte, problem) {
	i, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err == nil:
		return appendInt(dst, oid, i)
	case err.(*strconv.NumError).Err == strconv.ErrRange:
		return nil, logical.ProblemRange
	}
	return nil, logical.ProblemSyntax
}

// serverNaN are the bits of the server's NaN; Go's differ in the last.
const serverNaN = 0x7ff8000000000000

// parseFloat reads a decimal number or the words for not-a-number and infinity
// (documentation §8.1.3). A number that becomes infinite or zero is out of
// range. Hexadecimal forms and
// "-nan", which the server's C library takes, are refused.
func parseFloat(s string, size int) (float64, problem) {
	switch strings.ToLower(s) {
	case "nan":
		return math.Float64frombits(serverNaN), ""
	case "inf", "infinity", "+inf", "+infinity":
		return math.Inf(1), ""
	case "-inf", "-infinity":
		return math.Inf(-1), ""
	}
	for i := 0; i < len(s); i++ {
		if !strings.ContainsRune("0123456789+-.eE", rune(s[i])) {
			return 0, logical.ProblemSyntax
		}
	}
	f, err := strconv.ParseFloat(s, size)
	if err != nil && err.(*strconv.NumError).Err == strconv.ErrSyntax {
		return 0, logical.ProblemSyntax
	}
	mantissa := s
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
	}
	if err != nil || f == 0 && strings.ContainsAny(mantissa, "123456789") {
		return 0, logical.ProblemRange
	}
	return f, ""
}

// boolWords are the words of boolin; each may be cut short as far as it stays
// longer than the number beside it.
var boolWords = [...]struct {
	word  string
	least int
	value bool
}{
	{"true", 1, true},
	{"false", 1, false},
	{"yes", 1, true},
	{"no", 1, false},
	{"on", 2, true},
	{"off", 2, false},
	{"1", 1, true},
	{"0", 1, false},
}

func parseBool(s string) (value, ok bool) {
	s = strings.ToLower(s)
	for _, w := range boolWords {
		if len(s) >= w.least && strings.HasPrefix(w.word, s) {
			return w.value, true
		}
	}
	return false, false
}

// appendNumericText is numeric_in with the column's modifiers.
func appendNumericText(dst []byte, t *schema.Type, s string) ([]byte, problem) {
	switch strings.ToLower(s) {
	case "nan":
		return append(dst, "NaN"...), ""
	case "inf", "infinity", "+inf", "+infinity":
		return appendInfinity(dst, t, "Infinity")
	case "-inf", "-infinity":
		return appendInfinity(dst, t, "-Infinity")
	}
	d, why := logical.ParseDecimal(s)
	if why != "" {
		return nil, why
	}
	return appendNumeric(dst, t, d)
}

func appendNumeric(dst []byte, t *schema.Type, d logical.Decimal) ([]byte, problem) {
	if t.HasPrecision && !d.Fit(t.Precision, t.Scale) {
		return nil, logical.ProblemRange
	}
	return d.Append(dst), ""
}

// appendInfinity refuses infinity where digits are limited, as the server does.
func appendInfinity(dst []byte, t *schema.Type, text string) ([]byte, problem) {
	if t.HasPrecision {
		return nil, logical.ProblemRange
	}
	return append(dst, text...), ""
}

// Signs in the wire format of numeric.
const (
	numericPositive = 0x0000
	numericNegative = 0x4000
	numericNaN      = 0xC000
	numericInf      = 0xD000
	numericNegInf   = 0xF000
)

// appendNumericWire is numeric_recv with the column's modifiers: a header of
// four 16-bit words (number of digits, weight, sign, scale) and digits of base
// 10000, the first worth 10000^weight. Digits behind the scale are cut off.
func appendNumericWire(dst []byte, t *schema.Type, w []byte) ([]byte, problem) {
	if len(w) < 8 {
		return nil, logical.ProblemSyntax
	}
	n, weight := int(binary.BigEndian.Uint16(w)), int(int16(binary.BigEndian.Uint16(w[2:])))
	sign, scale := binary.BigEndian.Uint16(w[4:]), int(binary.BigEndian.Uint16(w[6:]))
	switch sign {
	case numericNaN:
		return append(dst, "NaN"...), ""
	case numericInf:
		return appendInfinity(dst, t, "Infinity")
	case numericNegInf:
		return appendInfinity(dst, t, "-Infinity")
	case numericPositive, numericNegative:
	default:
		return nil, logical.ProblemSyntax
	}
	if len(w) != 8+2*n || scale > 0x3FFF {
		return nil, logical.ProblemSyntax
	}
	text, ok := baseTenThousand(w[8:], weight, scale)
	if !ok {
		return nil, logical.ProblemSyntax
	}
	d, why := logical.ParseDecimal(text)
	if why != "" {
		return nil, why
	}
	d.Negative = sign == numericNegative
	return appendNumeric(dst, t, d)
}

// baseTenThousand writes the digits in plain notation with scale digits behind
// the point.
func baseTenThousand(w []byte, weight, scale int) (string, bool) {
	digit := func(i int) int {
		if i < 0 || 2*i >= len(w) {
			return 0
		}
		return int(binary.BigEndian.Uint16(w[2*i:]))
	}
	var b strings.Builder
	group := func(i int) bool {
		d := digit(i)
		b.WriteString(strconv.Itoa(10000 + d)[1:])
		return d < 10000
	}
	b.WriteByte('0')
	for i := 0; i <= weight; i++ {
		if !group(i) {
			return "", false
		}
	}
	b.WriteByte('.')
	point := b.Len()
	for i := weight + 1; b.Len()-point < scale; i++ {
		if !group(i) {
			return "", false
		}
	}
	return b.String()[:point+scale], true
}

package litevalue

import (
	"math"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

var _ logical.Caster = (*Codec)(nil)

// plain is a type without affinity: what is encoded for it keeps its class.
var plain = schema.Type{Kind: schema.KindBytes, Name: "blob", Declared: "blob", Base: "blob"}

// EncodeCast applies casts as SQLite does (sqlite.org/lang_expr.html §13); see
// logical.Caster. Every spelling of a type is known, and no value is refused
// that the driver takes.
func (c *Codec) EncodeCast(dst []byte, t *schema.Type, casts []string, v any) ([]byte, logical.Tag, bool, error) {
	payload, tag, null, err := c.Encode(nil, &plain, v)
	if err != nil || null {
		return dst, 0, null, err
	}
	defer clear(payload)
	out, tag := castTo(dst, t, casts, payload, tag)
	return out, tag, false, nil
}

// EncodeLiteralCast does the same for a constant of the text.
func (c *Codec) EncodeLiteralCast(dst []byte, t *schema.Type, casts []string, lit logical.Literal) ([]byte, logical.Tag, bool, error) {
	payload, tag, err := c.EncodeLiteral(nil, &plain, lit)
	if err != nil {
		return dst, 0, false, err
	}
	defer clear(payload)
	out, tag := castTo(dst, t, casts, payload, tag)
	return out, tag, false, nil
}

// castTo applies the casts to a value, and then the affinity of the column.
func castTo(dst []byte, t *schema.Type, casts []string, payload []byte, tag logical.Tag) ([]byte, logical.Tag) {
	for _, name := range casts {
		next, nextTag := castOnce(name, payload, tag)
		clear(payload)
		payload, tag = next, nextTag
	}
	defer clear(payload)
	aff := affinityOf(declared(t))
	switch tag {
	case logical.TagText:
		return appendText(dst, aff, string(payload))
	case logical.TagInt64:
		i, _ := logical.Int64(payload)
		return appendInt(dst, aff, i)
	case logical.TagFloat64:
		f, _ := logical.Float64(payload)
		return appendFloat(dst, aff, f)
	}
	return append(dst, payload...), tag
}

// castOnce makes a new value of another class.
func castOnce(name string, payload []byte, tag logical.Tag) ([]byte, logical.Tag) {
	name = strings.ToLower(name)
	aff := affinityOf(name)
	if name == "" {
		aff = affNumeric // as no column without a type has it
	}
	switch aff {
	case affBlob:
		return castText(payload, tag), logical.TagBytes
	case affText:
		return castText(payload, tag), logical.TagText
	case affReal:
		return logical.AppendFloat64(nil, castReal(payload, tag)), logical.TagFloat64
	}
	if strings.Contains(name, "int") {
		return logical.AppendInt64(nil, castInteger(payload, tag)), logical.TagInt64
	}
	return castNumeric(payload, tag)
}

// castText is what a number looks like as text; texts and blobs keep their bytes.
func castText(payload []byte, tag logical.Tag) []byte {
	switch tag {
	case logical.TagInt64:
		i, _ := logical.Int64(payload)
		return strconv.AppendInt(nil, i, 10)
	case logical.TagFloat64:
		f, _ := logical.Float64(payload)
		return appendReal(nil, f)
	}
	return append([]byte(nil), payload...)
}

// castReal reads the longest number in front of a text.
func castReal(payload []byte, tag logical.Tag) float64 {
	switch tag {
	case logical.TagInt64:
		i, _ := logical.Int64(payload)
		return float64(i)
	case logical.TagFloat64:
		f, _ := logical.Float64(payload)
		return f
	}
	n, _ := leadingNumber(string(payload))
	return n.real()
}

// castInteger reads the digits in front of a text, without point and exponent,
// and cuts the fraction off a double; what is out of range becomes the nearest
// end of it.
func castInteger(payload []byte, tag logical.Tag) int64 {
	switch tag {
	case logical.TagInt64:
		i, _ := logical.Int64(payload)
		return i
	case logical.TagFloat64:
		f, _ := logical.Float64(payload)
		return truncated(f)
	}
	return leadingInteger(string(payload))
}

func truncated(f float64) int64 {
	switch {
	case f <= math.MinInt64:
		return math.MinInt64
	case f >= math.MaxInt64:
		return math.MaxInt64
	}
	return int64(f)
}

func leadingInteger(s string) int64 {
	s = trimLeftSpace(untilNUL(s))
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	digits := leadingDigits(s)
	if digits == 0 {
		return 0
	}
	i, err := strconv.ParseInt(sign+s[:digits], 10, 64)
	if err != nil && sign == "-" {
		return math.MinInt64
	}
	return i // the end of the range that ParseInt returns beside its error
}

// castNumeric keeps numbers, and makes of a text an integer where that loses
// nothing, else a double.
func castNumeric(payload []byte, tag logical.Tag) ([]byte, logical.Tag) {
	if tag == logical.TagInt64 || tag == logical.TagFloat64 {
		return append([]byte(nil), payload...), tag
	}
	n, text := leadingNumber(string(payload))
	if n.integer {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return logical.AppendInt64(nil, i), logical.TagInt64
		}
	}
	f := n.real()
	if i, whole := realAsInt(f); whole && i >= -trustedInts && i < trustedInts {
		return logical.AppendInt64(nil, i), logical.TagInt64
	}
	return logical.AppendFloat64(nil, f), logical.TagFloat64
}

// leadingNumber reads the longest number in front of a text, and returns its
// text; 0 where there is none.
func leadingNumber(s string) (n numberText, text string) {
	s = trimLeftSpace(untilNUL(s))
	n, rest, ok := readNumber(s)
	if !ok {
		return numberText{integer: true}, "0"
	}
	return n, s[:len(s)-len(rest)]
}

package myvalue

import (
	"math"
	"strings"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

var _ logical.Comparer = (*Codec)(nil)

// EncodeCompared converts an argument for a comparison; see logical.Comparer.
// The server converts both sides where their types differ (MySQL's manual, Type
// Conversion in Expression Evaluation): a text that meets a number becomes one,
// which no index answers; an integer meets a fraction as the number it is.
func (c *Codec) EncodeCompared(dst []byte, t, wide *schema.Type, bytewise bool, v any) ([]byte, logical.Tag, logical.Outcome, error) {
	col, ok := columnOf(t)
	if !ok {
		return dst, 0, 0, errNoType(t)
	}
	val, err := c.receive(t, v)
	if err != nil {
		return dst, 0, 0, err
	}
	payload, tag, outcome, why := c.compared(dst, &col, wide, bytewise, &val)
	if why != "" {
		return dst, 0, 0, logical.NewTypeError(t, v, why)
	}
	return payload, tag, outcome, nil
}

// EncodeLiteralCompared does the same for a constant of the text.
func (c *Codec) EncodeLiteralCompared(dst []byte, t, wide *schema.Type, bytewise bool, lit logical.Literal) ([]byte, logical.Tag, logical.Outcome, error) {
	col, ok := columnOf(t)
	if !ok {
		return dst, 0, 0, errNoType(t)
	}
	val, why := constant(lit)
	if why != "" {
		return dst, 0, 0, logical.NewLiteralError(t, why)
	}
	payload, tag, outcome, why := c.compared(dst, &col, wide, bytewise, &val)
	if why != "" {
		return dst, 0, 0, logical.NewLiteralError(t, why)
	}
	return payload, tag, outcome, nil
}

const (
	problemNumberText = "the server would compare the column's texts as numbers: compare with a text"
	problemBinaryText = "the server would compare bytes, and the index follows a collation: compare with a text"
	problemMantissa   = "the server would compare doubles, to which several values of the column are equal: compare with an exact number"
)

// mantissa is the range in which each integer is one double, and the number of
// digits of which each decimal is one.
const (
	mantissa       = 1 << 53
	mantissaDigits = 15
)

// compared answers equality with a value of the column. wide is the type without
// the length and precision that a comparison does not apply.
func (c *Codec) compared(dst []byte, col *column, wide *schema.Type, bytewise bool, v *value) (payload []byte, tag logical.Tag, outcome logical.Outcome, why problem) {
	if v.kind == isNull {
		return dst, 0, logical.OutcomeNull, ""
	}
	switch col.tag {
	case logical.TagText, logical.TagBytes:
		switch {
		case v.kind != isString && v.kind != isBinary && v.kind != isHex:
			return nil, 0, 0, problemNumberText
		case col.tag == logical.TagText && v.kind != isString && !bytewise:
			return nil, 0, 0, problemBinaryText
		}
	case logical.TagInt64, logical.TagUint64:
		if outcome, why = wholeNumber(v); why != "" || outcome != 0 {
			return dst, 0, outcome, why
		}
	case logical.TagNumeric:
		if outcome, why = exactNumber(col, v); why != "" || outcome != 0 {
			return dst, 0, outcome, why
		}
	case logical.TagFloat32:
		f, why := v.float()
		if why != "" || float64(float32(f)) != f {
			return dst, 0, logical.OutcomeNever, why
		}
	case logical.TagDate:
		if !midnight(v.s) {
			return dst, 0, logical.OutcomeNever, ""
		}
	case logical.TagTime:
		if _, _, hasDate := takeDate(trimSpace(v.s)); hasDate {
			return nil, 0, 0, problemMoment
		}
	}
	if col.tag != logical.TagFloat32 {
		if w, ok := columnOf(wide); ok && w.tag == col.tag {
			col = &w
		}
	}
	payload, why = c.store(dst, col, v)
	return payload, col.tag, 0, why
}

// wholeNumber looks at a value that is compared with integers.
func wholeNumber(v *value) (logical.Outcome, problem) {
	switch v.kind {
	case isHex:
		return 0, problemKind
	case isDouble:
		switch {
		case v.f != math.Trunc(v.f):
			return logical.OutcomeNever, ""
		case math.Abs(v.f) > mantissa:
			return 0, problemMantissa
		}
	case isDecimal, isString, isBinary:
		d, why := v.decimal()
		switch {
		case why != "":
			return 0, why
		case v.scientific():
			return 0, problemMantissa
		case v.kind != isDecimal && d.Scale > maxIntegerScale:
			return 0, problemTiny
		case !whole(&d):
			return logical.OutcomeNever, ""
		}
	}
	return 0, ""
}

// scientific reports a text with an exponent, which the server reads as a double.
func (v *value) scientific() bool {
	return (v.kind == isString || v.kind == isBinary) && strings.ContainsAny(v.s, "eE")
}

func whole(d *logical.Decimal) bool {
	return d.Scale <= 0 || strings.Trim(string(d.Digits[max(len(d.Digits)-d.Scale, 0):]), "0") == ""
}

// exactNumber looks at a value that is compared with decimals.
func exactNumber(col *column, v *value) (logical.Outcome, problem) {
	if v.kind == isHex {
		return 0, problemKind
	}
	if v.scientific() || v.kind == isDouble && col.precision > mantissaDigits {
		return 0, problemMantissa
	}
	if v.kind == isDouble && v.f != 0 && (math.Abs(v.f) < 1e-30 || math.Abs(v.f) >= 1e65) {
		return logical.OutcomeNever, ""
	}
	d, why := v.decimal()
	if why != "" {
		return 0, why
	}
	if cut := d.Scale - maxScale; cut > 0 && strings.Trim(string(d.Digits[max(len(d.Digits)-cut, 0):]), "0") != "" || d.Whole() > maxPrecision-maxScale {
		return logical.OutcomeNever, ""
	}
	return 0, ""
}

// midnight reports whether a moment in text has no time of day but zero: a date
// that is compared with one is compared as its midnight.
func midnight(s string) bool {
	_, rest, ok := takeDate(trimSpace(s))
	return !ok || rest == "" || strings.Trim(rest, " T0:.") == ""
}

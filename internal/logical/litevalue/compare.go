package litevalue

import (
	"math"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

var _ logical.Comparer = (*Codec)(nil)

// EncodeCompared converts an argument for a comparison; see logical.Comparer. The
// column's affinity is applied to the value (sqlite.org/datatype3.html §4.2), but
// REAL is NUMERIC there: an integer is compared with doubles as what it is.
func (c *Codec) EncodeCompared(dst []byte, t, _ *schema.Type, _ bool, v any) ([]byte, logical.Tag, logical.Outcome, error) {
	payload, tag, null, err := c.Encode(dst, compareType(t), v)
	if err != nil || null {
		return dst, 0, logical.OutcomeNull, err
	}
	return compared(dst, t, payload, tag)
}

// EncodeLiteralCompared does the same for a constant of the text.
func (c *Codec) EncodeLiteralCompared(dst []byte, t, _ *schema.Type, _ bool, lit logical.Literal) ([]byte, logical.Tag, logical.Outcome, error) {
	payload, tag, err := c.EncodeLiteral(dst, compareType(t), lit)
	if err != nil {
		return dst, 0, 0, err
	}
	return compared(dst, t, payload, tag)
}

// EncodeCastCompared does the same for the value of casts.
func (c *Codec) EncodeCastCompared(dst []byte, t *schema.Type, casts []string, v any) ([]byte, logical.Tag, logical.Outcome, error) {
	payload, tag, null, err := c.EncodeCast(dst, compareType(t), casts, v)
	if err != nil || null {
		return dst, 0, logical.OutcomeNull, err
	}
	return compared(dst, t, payload, tag)
}

// EncodeLiteralCastCompared does the same for a constant of the text.
func (c *Codec) EncodeLiteralCastCompared(dst []byte, t *schema.Type, casts []string, lit logical.Literal) ([]byte, logical.Tag, logical.Outcome, error) {
	payload, tag, null, err := c.EncodeLiteralCast(dst, compareType(t), casts, lit)
	if err != nil || null {
		return dst, 0, logical.OutcomeNull, err
	}
	return compared(dst, t, payload, tag)
}

var numeric = schema.Type{Kind: schema.KindNumeric, Name: "numeric", Declared: "numeric", Base: "numeric"}

func compareType(t *schema.Type) *schema.Type {
	if affinityOf(declared(t)) == affReal {
		return &numeric
	}
	return t
}

// sharp is where doubles begin that have no fraction and are indexed as doubles,
// so that an integer beside them has another index (package blind).
const sharp = 1 << 62

const problemSharp = "an integer and a double of this size may be equal, which the index does not tell: compare with a smaller one"

// compared looks at numbers that are equal to numbers of the other class.
func compared(dst []byte, t *schema.Type, payload []byte, tag logical.Tag) ([]byte, logical.Tag, logical.Outcome, error) {
	value := payload[len(dst):]
	aff := affinityOf(declared(t))
	i, isInt := logical.Int64(value)
	isInt = isInt && tag == logical.TagInt64
	f, isReal := logical.Float64(value)
	isReal = isReal && tag == logical.TagFloat64
	switch {
	case aff == affReal && isInt:
		if f := float64(i); f < math.MaxInt64 && int64(f) == i {
			return logical.AppendFloat64(dst, f), logical.TagFloat64, 0, nil
		}
		return dst, 0, logical.OutcomeNever, nil
	case aff == affNumeric && (isInt && i == math.MinInt64 || isReal && f == math.MinInt64),
		aff == affBlob && (isInt && (i >= sharp || i <= -sharp) || isReal && math.Abs(f) >= sharp && math.Abs(f) <= -math.MinInt64):
		return dst, 0, 0, logical.NewLiteralError(t, problemSharp)
	}
	return payload, tag, 0, nil
}

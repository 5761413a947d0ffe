package pgvalue

import (
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

var _ logical.Comparer = (*Codec)(nil)

// EncodeCompared converts an argument for a comparison; see logical.Comparer. The
// server gives a parameter the column's type, without its modifiers.
func (c *Codec) EncodeCompared(dst []byte, t, wide *schema.Type, _ bool, v any) ([]byte, logical.Tag, logical.Outcome, error) {
	payload, tag, null, err := c.Encode(dst, wide, v)
	if null {
		return dst, 0, logical.OutcomeNull, err
	}
	return payload, tag, 0, err
}

// EncodeLiteralCompared does the same for a constant of the text. A string takes
// the column's type; a number has one of its own, to which the server converts
// the column (documentation §10.2).
func (c *Codec) EncodeLiteralCompared(dst []byte, t, wide *schema.Type, _ bool, lit logical.Literal) ([]byte, logical.Tag, logical.Outcome, error) {
	oid := oidOf(t)
	switch lit.Kind {
	case logical.LiteralNumber:
		d, why := logical.ParseDecimal(lit.Text)
		if why != "" {
			return dst, 0, 0, logical.NewLiteralError(t, why)
		}
		switch oid {
		case pgtype.NumericOID, pgtype.Float8OID:
		case pgtype.Float4OID:
			f, why := parseFloat(string(d.Append(nil)), 64)
			if why != "" {
				return dst, 0, 0, logical.NewLiteralError(t, why)
			}
			return logical.AppendFloat64(notNil(dst), f), logical.TagFloat64, 0, nil
		case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
			if !holdsInteger(oid, d) {
				return dst, 0, logical.OutcomeNever, nil
			}
		default:
			return dst, 0, 0, logical.NewLiteralError(t, "numbers are not compared with this type")
		}
	case logical.LiteralBool:
		if oid != pgtype.BoolOID {
			return dst, 0, 0, logical.NewLiteralError(t, "truth values are not compared with this type")
		}
	}
	payload, tag, err := c.EncodeLiteral(dst, wide, lit)
	return payload, tag, 0, err
}

// holdsInteger reports a number that an integer type has a value for.
func holdsInteger(oid uint32, d logical.Decimal) bool {
	if d.Scale > 0 && strings.Trim(string(d.Digits[max(len(d.Digits)-d.Scale, 0):]), "0") != "" {
		return false
	}
	d.Round(0)
	_, why := appendIntText(nil, oid, string(d.Append(nil)))
	return why == ""
}

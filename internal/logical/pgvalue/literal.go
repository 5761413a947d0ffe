package pgvalue

import (
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// EncodeLiteral converts a constant of the text as the server assigns it: a
// string by the type's input function, a number or boolean by the assignment
// casts that exist (documentation §10.4). Bit strings are refused: no type
// here takes them.
func (c *Codec) EncodeLiteral(dst []byte, t *schema.Type, lit logical.Literal) ([]byte, logical.Tag, error) {
	oid := oidOf(t)
	if oid == 0 {
		return dst, 0, errNoType(t)
	}
	var payload []byte
	var tag logical.Tag
	why := problem("constants of this kind are not assigned to this type")
	switch lit.Kind {
	case logical.LiteralString:
		payload, tag, why = fromText(notNil(dst), t, oid, lit.Text)
	case logical.LiteralNumber:
		payload, tag, why = fromNumber(notNil(dst), t, oid, lit.Text)
	case logical.LiteralBool:
		if oid == pgtype.BoolOID || isText(oid) {
			payload, tag, why = fromText(notNil(dst), t, oid, lit.Text)
		}
	}
	if why != "" {
		return dst, 0, logical.NewLiteralError(t, why)
	}
	return payload, tag, nil
}

// fromNumber reads a numeric constant as the server's lexer does, as integer
// or numeric, and casts it.
func fromNumber(dst []byte, t *schema.Type, oid uint32, s string) ([]byte, logical.Tag, problem) {
	d, why := logical.ParseDecimal(s)
	if why != "" {
		return nil, 0, why
	}
	switch oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		d.Round(0)
	case pgtype.NumericOID:
		payload, why := appendNumeric(dst, t, d)
		return payload, logical.TagNumeric, why
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.Float4OID, pgtype.Float8OID:
	default:
		return nil, 0, "numbers are not assigned to this type"
	}
	return fromText(dst, t, oid, string(d.Append(nil)))
}

package driver

import (
	"database/sql/driver"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// bareType is the type of values that have none declared: on SQLite those of
// expressions, whose storage class is all that is known of them.
var bareType = schema.Type{Kind: schema.KindBytes}

// bare reports whether expressions have no declared type.
func (x *call) bare() bool { return x.c.cr.front.Dialect() == rewrite.SQLite }

func (o *opener) bareAt(at int) bool {
	for i := range o.columns {
		if o.columns[i].at == at {
			return o.columns[i].bare
		}
	}
	return false
}

// onlyNull sends NULL for NULL, and 1 or true for anything else.
func (x *call) onlyNull(v *rewrite.Value) (driver.Value, error) {
	raw, err := x.raw(v)
	if err != nil {
		return nil, err
	}
	text := schema.Type{Kind: schema.KindBytes, Name: "bytes", Declared: "bytes", Base: "bytes"}
	if arg, err := logical.Argument(&text, raw); err == nil {
		if b, ok := arg.([]byte); arg == nil || ok && b == nil {
			return nil, nil
		}
	}
	if x.c.cr.front.Dialect() == rewrite.Postgres {
		return true, nil
	}
	return int64(1), nil
}

// encodeExact encodes an argument that is shown, not stored: beside a column
// the plain database shows it as it is, so that one which the column would
// store otherwise is refused.
func (x *call) encodeExact(dst []byte, t *schema.Type, v any) ([]byte, logical.Tag, bool, error) {
	if x.bare() {
		return x.codec.Encode(dst, &bareType, v)
	}
	payload, tag, null, err := x.codec.Encode(dst, t, v)
	if err != nil || null {
		return payload, tag, null, err
	}
	arg, err := logical.Argument(t, v)
	if err != nil {
		return dst, 0, false, err
	}
	if !unchanged(t, arg, payload[len(dst):], x.c.cr.front.Dialect()) {
		return dst, 0, false, logical.NewTypeError(t, v, "beside the column the database would show it otherwise than the column stores it")
	}
	return payload, tag, false, nil
}

// unchanged reports whether an argument is shown as it is stored. PostgreSQL
// takes an argument for a value of the column's type without its length, MySQL
// mixes the types.
func unchanged(t *schema.Type, arg driver.Value, payload []byte, d rewrite.Dialect) bool {
	switch t.Kind {
	case schema.KindText:
		s, ok := arg.(string)
		return ok && s == string(payload)
	case schema.KindInt:
		_, ok := arg.(int64)
		return ok || d == rewrite.Postgres
	}
	return d == rewrite.Postgres
}

func (x *call) literalExact(dst []byte, t *schema.Type, lit logical.Literal) ([]byte, logical.Tag, error) {
	if x.bare() {
		return x.codec.EncodeLiteral(dst, &bareType, lit)
	}
	payload, tag, err := x.codec.EncodeLiteral(dst, t, lit)
	if err == nil && t.Kind == schema.KindText && string(payload[len(dst):]) != lit.Text {
		return dst, 0, logical.NewLiteralError(t, "beside the column the database would show it otherwise than the column stores it")
	}
	return payload, tag, err
}

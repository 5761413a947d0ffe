package pgvalue

import (
	"reflect"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

var _ logical.Caster = (*Codec)(nil)

// casted is a value between two casts.
type casted struct {
	typ     schema.Type
	payload []byte
	tag     logical.Tag
}

// EncodeCast applies casts as PostgreSQL does (documentation §4.2.9, §10.5); see
// logical.Caster. The server gives a parameter the type of the innermost cast,
// and pgx writes the argument for that type. What depends on settings (DateStyle,
// TimeZone, bytea_output, extra_float_digits) is refused.
func (c *Codec) EncodeCast(dst []byte, t *schema.Type, casts []string, v any) ([]byte, logical.Tag, bool, error) {
	first, err := castType(casts[0])
	if err != nil {
		return dst, 0, false, err
	}
	if c.o.TextParameters && !writtenAlike(first.Kind, v) {
		return dst, 0, false, castError(t)
	}
	wide := withoutLength(first)
	payload, tag, null, err := c.Encode(nil, &wide, v)
	if err != nil || null {
		return dst, 0, null, err
	}
	return castTo(dst, t, first, casts[1:], casted{wide, payload, tag})
}

// EncodeLiteralCast does the same for a constant of the text: a string is read as
// the innermost type, a number or truth value has a type of its own.
func (c *Codec) EncodeLiteralCast(dst []byte, t *schema.Type, casts []string, lit logical.Literal) ([]byte, logical.Tag, bool, error) {
	first, err := castType(casts[0])
	if err != nil {
		return dst, 0, false, err
	}
	own := withoutLength(first)
	switch lit.Kind {
	case logical.LiteralString:
	case logical.LiteralNumber:
		own = numberType(lit.Text)
	case logical.LiteralBool:
		own = schema.Type{Kind: schema.KindBool, Name: "boolean", Base: "boolean"}
	default:
		return dst, 0, false, castError(t)
	}
	payload, tag, err := c.EncodeLiteral(nil, &own, lit)
	if err != nil {
		return dst, 0, false, err
	}
	return castTo(dst, t, first, casts[1:], casted{own, payload, tag})
}

// castTo converts a value to the first type of a chain, the others, and that of
// the column, as which it is assigned.
func castTo(dst []byte, t *schema.Type, first schema.Type, casts []string, v casted) ([]byte, logical.Tag, bool, error) {
	defer func() { clear(v.payload) }()
	for to := first; ; {
		why := v.convert(&to, true)
		if why != "" {
			return dst, 0, false, &logical.TypeError{Type: t.Name, GoType: "cast", Problem: why}
		}
		if len(casts) == 0 {
			break
		}
		var err error
		if to, err = castType(casts[0]); err != nil {
			return dst, 0, false, err
		}
		casts = casts[1:]
	}
	if why := v.convert(t, false); why != "" {
		return dst, 0, false, &logical.TypeError{Type: t.Name, GoType: "cast", Problem: why}
	}
	return append(dst, v.payload...), v.tag, false, nil
}

// castType is a type that casts name; arrays are not among them.
func castType(spelling string) (schema.Type, error) {
	t, err := schema.ParseType(spelling)
	if err != nil || oidOf(&t) == 0 || t.Kind == schema.KindArray {
		return schema.Type{}, castError(&t)
	}
	return t, nil
}

func castError(t *schema.Type) error {
	return &logical.TypeError{Type: t.Name, GoType: "cast", Problem: logical.ProblemCast}
}

// withoutLength is what the server reads before a cast cuts or pads it.
func withoutLength(t schema.Type) schema.Type {
	if t.Kind == schema.KindText {
		t.Length = 0
	}
	return t
}

// numberType is the type of a number in a text (documentation §4.1.2.6).
func numberType(s string) schema.Type {
	t := schema.Type{Kind: schema.KindNumeric, Name: "numeric", Base: "numeric"}
	d, why := logical.ParseDecimal(s)
	if why != "" || !wholeDigits(s) {
		return t
	}
	for _, bits := range []int{32, 64} {
		whole := schema.Type{Kind: schema.KindInt, Name: "bigint", Base: "bigint", Bits: bits}
		if bits == 32 {
			whole.Name, whole.Base = "int", "int"
		}
		if holdsInteger(oidOf(&whole), d) {
			return whole
		}
	}
	return t
}

// wholeDigits reports a number without point and exponent.
func wholeDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if (s[i] < '0' || s[i] > '9') && (i > 0 || s[i] != '-' && s[i] != '+') {
			return false
		}
	}
	return s != ""
}

// writtenAlike reports an argument of which pgx's exec and simple_protocol modes
// make the same value of a type: one writes it as a parameter without a type, the
// other as a constant that has one.
func writtenAlike(k schema.Kind, v any) bool {
	switch v.(type) {
	case nil, string:
		return true
	case time.Time:
		return k == schema.KindDate || k == schema.KindTimestamp || k == schema.KindTimestampTZ
	case []byte:
		return k == schema.KindBytes
	case bool:
		return k == schema.KindBool
	}
	switch reflect.ValueOf(v).Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return k == schema.KindInt || k == schema.KindNumeric || k == schema.KindFloat || k == schema.KindText
	}
	return false
}

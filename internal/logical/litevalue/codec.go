package litevalue

import (
	"database/sql/driver"
	"math"
	"strconv"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// Codec converts as SQLite and its driver do. It holds no state and is safe
// for concurrent use.
type Codec struct{ o Options }

var (
	_ logical.Codec       = (*Codec)(nil)
	_ logical.ColumnByTag = (*Codec)(nil)
	_ logical.OwnDecoder  = (*Codec)(nil)
)

// New returns the codec of connections with these options.
func New(o Options) *Codec { return &Codec{o} }

// Check reports whether the type can be declared: SQLite takes any words, so
// everything that schema.ParseType returns is accepted.
func (c *Codec) Check(t *schema.Type) error {
	if declared(t) == "" {
		return &logical.TypeError{Type: "column", GoType: "type", Problem: "no type is named"}
	}
	return nil
}

// Encode converts an argument; see logical.Codec. NaN and nil []byte are NULL,
// as the driver binds them. Nothing is refused but Go types that the driver
// refuses.
func (c *Codec) Encode(dst []byte, t *schema.Type, v any) ([]byte, logical.Tag, bool, error) {
	aff := affinityOf(declared(t))
	switch x := v.(type) {
	case nil:
		return dst, 0, true, nil
	case string:
		payload, tag := appendText(dst, aff, x)
		return payload, tag, false, nil
	case []byte:
		if x == nil {
			return dst, 0, true, nil
		}
		return append(dst, x...), logical.TagBytes, false, nil
	case int64:
		payload, tag := appendInt(dst, aff, x)
		return payload, tag, false, nil
	case float64:
		if math.IsNaN(x) {
			return dst, 0, true, nil
		}
		payload, tag := appendFloat(dst, aff, x)
		return payload, tag, false, nil
	case bool:
		payload, tag := appendInt(dst, aff, boolInt(x))
		return payload, tag, false, nil
	case time.Time:
		payload, tag := c.appendTime(dst, aff, x)
		return payload, tag, false, nil
	}
	return c.encodeOther(dst, t, v)
}

// encodeOther asks database/sql's converter once; a second round would ask a
// Valuer's result again.
func (c *Codec) encodeOther(dst []byte, t *schema.Type, v any) ([]byte, logical.Tag, bool, error) {
	x, err := logical.Argument(t, v)
	if err != nil {
		return dst, 0, false, err
	}
	switch x.(type) {
	case nil, string, []byte, int64, float64, bool, time.Time:
		return c.Encode(dst, t, x)
	}
	return dst, 0, false, logical.NewTypeError(t, v, "this Go type is not accepted as an argument")
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Lend is logical.TextLender's.
func (c *Codec) Lend(t *schema.Type, s string) (payload []byte, tag logical.Tag, ok bool) {
	if aff := affinityOf(declared(t)); aff != affText && aff != affBlob {
		return nil, 0, false
	}
	return logical.LentText(s), logical.TagText, true
}

func appendText(dst []byte, aff affinity, s string) ([]byte, logical.Tag) {
	if aff == affText || aff == affBlob {
		return append(dst, s...), logical.TagText
	}
	i, f, isInt, ok := textAsNumber(s)
	switch {
	case !ok:
		return append(dst, s...), logical.TagText
	case isInt:
		return appendInt(dst, aff, i)
	}
	return logical.AppendFloat64(dst, f), logical.TagFloat64
}

func appendInt(dst []byte, aff affinity, i int64) ([]byte, logical.Tag) {
	switch aff {
	case affText:
		return strconv.AppendInt(dst, i, 10), logical.TagText
	case affReal:
		return logical.AppendFloat64(dst, float64(i)), logical.TagFloat64
	}
	return logical.AppendInt64(dst, i), logical.TagInt64
}

func appendFloat(dst []byte, aff affinity, f float64) ([]byte, logical.Tag) {
	switch aff {
	case affText:
		return appendReal(dst, f), logical.TagText
	case affNumeric:
		if i, ok := realAsInt(f); ok {
			return logical.AppendInt64(dst, i), logical.TagInt64
		}
	case affReal:
		if f == 0 {
			f = 0 // the engine keeps whole doubles as integers, which have no -0
		}
	}
	return logical.AppendFloat64(dst, f), logical.TagFloat64
}

func (c *Codec) appendTime(dst []byte, aff affinity, x time.Time) ([]byte, logical.Tag) {
	if i, ok := c.integerTime(x); ok {
		return appendInt(dst, aff, i)
	}
	return appendText(dst, aff, c.formatTime(x))
}

// EncodeLiteral converts a constant of the text; see logical.Codec. TRUE and
// FALSE are 1 and 0. Hexadecimal numbers are refused.
func (c *Codec) EncodeLiteral(dst []byte, t *schema.Type, lit logical.Literal) ([]byte, logical.Tag, error) {
	aff := affinityOf(declared(t))
	var payload []byte
	var tag logical.Tag
	switch lit.Kind {
	case logical.LiteralString:
		payload, tag = appendText(dst, aff, lit.Text)
	case logical.LiteralBytes:
		payload, tag = append(dst, lit.Text...), logical.TagBytes
	case logical.LiteralBool:
		payload, tag = appendInt(dst, aff, boolInt(lit.Text == "true"))
	case logical.LiteralNumber:
		i, f, isInt, ok := literalNumber(lit.Text)
		if !ok {
			return dst, 0, logical.NewLiteralError(t, "not a decimal number")
		}
		if isInt {
			payload, tag = appendInt(dst, aff, i)
		} else {
			payload, tag = appendFloat(dst, aff, f)
		}
	default:
		return dst, 0, logical.NewLiteralError(t, "unknown kind of constant")
	}
	return payload, tag, nil
}

// literalNumber reads a numeric constant: an integer when it is written
// without point and exponent and fits 64 bits, else a double. Digits may be
// grouped by single underscores.
func literalNumber(s string) (i int64, f float64, isInt, ok bool) {
	s, ok = dropSeparators(s)
	if !ok {
		return 0, 0, false, false
	}
	n, ok := scanNumber(s)
	if !ok {
		return 0, 0, false, false
	}
	if n.integer {
		if i, ok := textAsInt(s); ok {
			return i, 0, true, true
		}
	}
	return 0, n.real(), false, true
}

// dropSeparators removes underscores that stand between two digits.
func dropSeparators(s string) (string, bool) {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '_' {
			if out != nil {
				out = append(out, s[i])
			}
			continue
		}
		if i == 0 || i+1 == len(s) || leadingDigits(s[i-1:i]) == 0 || leadingDigits(s[i+1:i+2]) == 0 {
			return "", false
		}
		if out == nil {
			out = append(make([]byte, 0, len(s)), s[:i]...)
		}
	}
	if out == nil {
		return s, true
	}
	return string(out), true
}

// DecodeOwn implements logical.OwnDecoder.
func (c *Codec) DecodeOwn(t *schema.Type, tag logical.Tag, payload []byte) (driver.Value, bool, error) {
	switch {
	case tag == logical.TagText && (t.Kind == schema.KindText || !isTime(declared(t))):
		s, kept := logical.OwnText(payload)
		return s, kept, nil
	case tag == logical.TagBytes && len(payload) > 0:
		return payload[:len(payload):len(payload)], true, nil
	}
	v, err := c.Decode(t, tag, payload)
	return v, false, err
}

// Decode returns the driver's value: int64, float64, string, []byte or
// time.Time. An empty blob is a nil []byte, as the driver returns it.
func (c *Codec) Decode(t *schema.Type, tag logical.Tag, payload []byte) (driver.Value, error) {
	switch tag {
	case logical.TagText:
		s := string(payload)
		if isTime(declared(t)) {
			if v, ok := c.parseTime(s); ok {
				return v, nil
			}
		}
		return s, nil
	case logical.TagInt64:
		if i, ok := logical.Int64(payload); ok {
			if c.o.IntToTime && isTime(declared(t)) {
				return c.timeFromInteger(i), nil
			}
			return i, nil
		}
	case logical.TagFloat64:
		if f, ok := logical.Float64(payload); ok && !math.IsNaN(f) {
			return f, nil
		}
	case logical.TagBytes:
		if len(payload) == 0 {
			return []byte(nil), nil
		}
		return append([]byte(nil), payload...), nil
	}
	return nil, logical.NewPayloadError(t, tag)
}

package myvalue

import (
	"database/sql/driver"
	"math"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// A problem says in words why a value does not fit; empty means that it does.
type problem = string

// problemKind is the problem of a kind of value that the column does not take.
const problemKind = "values of this kind are not assigned to this type"

// Encode converts an argument; see logical.Codec.
func (c *Codec) Encode(dst []byte, t *schema.Type, v any) ([]byte, logical.Tag, bool, error) {
	col, ok := columnOf(t)
	if !ok {
		return dst, 0, false, errNoType(t)
	}
	if x, ok := v.([]byte); ok && x != nil && col.tag == logical.TagBytes { // spare the copy
		payload, why := appendBytes(dst, &col, x)
		if why != "" {
			return dst, 0, false, logical.NewTypeError(t, v, why)
		}
		return payload, col.tag, false, nil
	}
	val, err := c.receive(t, v)
	if err != nil {
		return dst, 0, false, err
	}
	if val.kind == isNull {
		return dst, 0, true, nil
	}
	payload, why := c.store(dst, &col, &val)
	if why != "" {
		return dst, 0, false, logical.NewTypeError(t, v, why)
	}
	return payload, col.tag, false, nil
}

// EncodeLiteral converts a constant of the text; see logical.Codec. A number
// is an exact decimal without and a double with exponent; hexadecimal and bit
// constants are bytes and are refused for numbers and dates.
func (c *Codec) EncodeLiteral(dst []byte, t *schema.Type, lit logical.Literal) ([]byte, logical.Tag, error) {
	col, ok := columnOf(t)
	if !ok {
		return dst, 0, errNoType(t)
	}
	val, why := constant(lit)
	val.constant = true
	payload := dst
	if why == "" {
		payload, why = c.store(dst, &col, &val)
	}
	if why != "" {
		return dst, 0, logical.NewLiteralError(t, why)
	}
	return payload, col.tag, nil
}

func constant(lit logical.Literal) (value, problem) {
	switch lit.Kind {
	case logical.LiteralString:
		return value{kind: isString, s: lit.Text}, ""
	case logical.LiteralBytes:
		return value{kind: isHex, s: lit.Text}, ""
	case logical.LiteralBool:
		if lit.Text == "true" {
			return value{kind: isInt, i: 1}, ""
		}
		return value{kind: isInt}, ""
	case logical.LiteralNumber:
		d, why := logical.ParseDecimal(lit.Text)
		if why != "" {
			return value{}, why
		}
		if isPlain(lit.Text) {
			return value{kind: isDecimal, s: string(d.Append(nil))}, ""
		}
		f, why := parseDouble(lit.Text)
		return value{kind: isDouble, f: f}, why
	}
	return value{}, problemKind
}

// store does what the column does with a value; a problem leaves dst unused.
func (c *Codec) store(dst []byte, col *column, v *value) ([]byte, problem) {
	switch col.tag {
	case logical.TagText, logical.TagBytes:
		if v.kind == isDouble && col.narrow() && math.Abs(v.f) < smallestNormal && v.f != 0 {
			return nil, tooLong(col) // the server would write other digits
		}
		s, ok := c.text(v)
		if !ok {
			return nil, tooLong(col)
		}
		if col.tag == logical.TagBytes {
			return appendBytes(dst, col, s)
		}
		return appendText(dst, col, s)
	case logical.TagJSON:
		return c.appendJSON(dst, v)
	case logical.TagUUID:
		return appendUUID(dst, v)
	case logical.TagInt64, logical.TagUint64:
		return c.appendInteger(dst, col, v)
	case logical.TagFloat32, logical.TagFloat64:
		return c.appendFloat(dst, col, v)
	case logical.TagNumeric:
		return c.appendDecimal(dst, col, v)
	}
	if v.kind != isString && v.kind != isBinary {
		return nil, problemKind
	}
	return c.appendMoment(dst, col, v.s)
}

// Decode returns what the driver hands to database/sql in this protocol: see
// Options. Text, decimals, JSON and UUIDs are []byte in both.
func (c *Codec) Decode(t *schema.Type, tag logical.Tag, payload []byte) (driver.Value, error) {
	col, ok := columnOf(t)
	if ok && col.tag == tag {
		if v, ok := c.decode(&col, payload); ok {
			return v, nil
		}
	}
	return nil, logical.NewPayloadError(t, tag)
}

var _ logical.BytesDecoder = (*Codec)(nil)

// DecodeOwn implements logical.OwnDecoder.
func (c *Codec) DecodeOwn(t *schema.Type, tag logical.Tag, payload []byte) (driver.Value, bool, error) {
	if len(payload) > 0 && c.IsBytes(t, tag) {
		return payload[:len(payload):len(payload)], true, nil
	}
	v, err := c.Decode(t, tag, payload)
	return v, false, err
}

// IsBytes implements logical.BytesDecoder.
func (c *Codec) IsBytes(t *schema.Type, tag logical.Tag) bool {
	return tag == logical.TagText && t.Kind == schema.KindText ||
		tag == logical.TagBytes && t.Kind == schema.KindBytes || tag == logical.TagJSON && t.Kind == schema.KindJSON
}

func (c *Codec) decode(col *column, p []byte) (driver.Value, bool) {
	switch col.tag {
	case logical.TagText, logical.TagBytes, logical.TagJSON, logical.TagNumeric, logical.TagTime:
		return append(make([]byte, 0, len(p)), p...), true
	case logical.TagInt64:
		i, ok := logical.Int64(p)
		return i, ok
	case logical.TagUint64:
		u, ok := logical.Uint64(p)
		return c.decodeUint(u), ok
	case logical.TagFloat64:
		f, ok := logical.Float64(p)
		return f, ok
	case logical.TagFloat32:
		f, ok := logical.Float32(p)
		if ok && !c.o.Binary {
			f, ok = sixDigits(f)
		}
		return f, ok
	case logical.TagUUID:
		if len(p) != 16 {
			return nil, false
		}
		return logical.AppendUUID(make([]byte, 0, 36), [16]byte(p)), true
	}
	if !c.o.ParseTime {
		return append(make([]byte, 0, len(p)), p...), true
	}
	return parseStored(string(p), c.o.Loc)
}

// parseStored reads a stored date or datetime as the driver does with
// parseTime: the zero date is the zero time.Time, a zero month or day counts
// backwards as in time.Date.
func parseStored(s string, loc *time.Location) (driver.Value, bool) {
	d, rest, ok := takeDate(s)
	if !ok {
		return nil, false
	}
	var clock clock
	if rest != "" {
		if clock, ok = parseClock(rest[1:]); !ok {
			return nil, false
		}
	}
	if d == (date{}) && clock.isZero() {
		return time.Time{}, true
	}
	return time.Date(d.year, time.Month(d.month), d.day, clock.hours, clock.minutes, clock.seconds, clock.nanos, loc), true
}

package myvalue

import (
	"database/sql/driver"
	"encoding/json"
	"reflect"
	"strconv"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// kind is what the server receives.
type kind uint8

const (
	isNull    kind = iota
	isString       // characters in the connection's character set
	isBinary       // bytes without a character set
	isHex          // the same from a constant, which numbers read as a number
	isInt          // i
	isUint         // u
	isDouble       // f
	isDecimal      // s, plain digits
)

// value is an argument or constant as the server receives it.
type value struct {
	kind kind
	s    string
	i    int64
	u    uint64
	f    float64
	// constant is set for what the text of a statement holds.
	constant bool
}

// strict reports whether MySQL reads text for a number to the letter. Arguments
// of prepared statements it converts to the column's type, more generously, when
// it receives them.
func (c *Codec) strict(v *value) bool { return c.o.MySQL && (v.constant || !c.o.Binary) }

// receive converts an argument as the driver's checker does and then as it
// sends it: typed in the binary protocol, as a constant in the text protocol.
func (c *Codec) receive(t *schema.Type, v any) (value, error) {
	switch x := v.(type) {
	case nil:
		return value{}, nil
	case string:
		return value{kind: isString, s: x}, nil
	case []byte:
		return c.receiveBytes(x), nil
	case json.RawMessage:
		if x == nil {
			return value{}, nil
		}
		return value{kind: isString, s: string(x)}, nil
	case int64:
		return value{kind: isInt, i: x}, nil
	case uint64:
		return value{kind: isUint, u: x}, nil
	case float64:
		return c.receiveFloat(t, v, x)
	case bool:
		if x {
			return value{kind: isInt, i: 1}, nil
		}
		return value{kind: isInt}, nil
	case time.Time:
		return c.receiveTime(t, v, x)
	}
	return c.receiveOther(t, v)
}

func (c *Codec) receiveBytes(x []byte) value {
	switch {
	case x == nil:
		return value{}
	case c.o.Binary:
		return value{kind: isString, s: string(x)}
	}
	return value{kind: isBinary, s: string(x)} // _binary'…'
}

// receiveFloat tells the constants of the text protocol apart: without
// exponent they are exact decimals.
func (c *Codec) receiveFloat(t *schema.Type, v any, x float64) (value, error) {
	if x-x != 0 {
		return value{}, logical.NewTypeError(t, v, logical.ProblemRange)
	}
	if !c.o.Binary {
		if text := strconv.FormatFloat(x, 'g', -1, 64); isPlain(text) {
			return value{kind: isDecimal, s: text}, nil
		}
	}
	return value{kind: isDouble, f: x}, nil
}

func isPlain(number string) bool {
	for i := 0; i < len(number); i++ {
		if number[i] == 'e' || number[i] == 'E' {
			return false
		}
	}
	return true
}

func (c *Codec) receiveTime(t *schema.Type, v any, x time.Time) (value, error) {
	if x.IsZero() {
		return value{kind: isString, s: "0000-00-00"}, nil
	}
	x = x.In(c.o.Loc)
	if c.o.TimeTruncate > 0 {
		x = x.Truncate(c.o.TimeTruncate)
	}
	if y := x.Year(); y < 1 || y > 9999 {
		return value{}, logical.NewTypeError(t, v, logical.ProblemRange)
	}
	layout := "2006-01-02 15:04:05.999999999"
	if h, m, s := x.Clock(); h == 0 && m == 0 && s == 0 && x.Nanosecond() == 0 {
		layout = "2006-01-02"
	}
	return value{kind: isString, s: x.Format(layout)}, nil
}

var valuerType = reflect.TypeFor[driver.Valuer]()

// receiveOther follows pointers and Valuers and reduces named types, in the
// order of the driver's converter.
func (c *Codec) receiveOther(t *schema.Type, v any) (value, error) {
	if vr, ok := v.(driver.Valuer); ok {
		return c.receiveValuer(t, v, vr)
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer:
		if rv.IsNil() {
			return value{}, nil
		}
		return c.receive(t, rv.Elem().Interface())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return value{kind: isInt, i: rv.Int()}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return value{kind: isUint, u: rv.Uint()}, nil
	case reflect.Float32, reflect.Float64:
		return c.receiveFloat(t, v, rv.Float())
	case reflect.Bool:
		return c.receive(t, rv.Bool())
	case reflect.String:
		return value{kind: isString, s: rv.String()}, nil
	case reflect.Slice:
		if rv.Type().Elem().Kind() == reflect.Uint8 {
			return c.receiveBytes(rv.Bytes()), nil
		}
	}
	return value{}, logical.NewTypeError(t, v, "this Go type is not accepted as an argument")
}

func (c *Codec) receiveValuer(t *schema.Type, v any, vr driver.Valuer) (value, error) {
	if rv := reflect.ValueOf(vr); rv.Kind() == reflect.Pointer && rv.IsNil() && rv.Type().Elem().Implements(valuerType) {
		return value{}, nil // a method of the value type on a nil pointer means NULL
	}
	x, err := vr.Value()
	if err != nil {
		e := logical.NewTypeError(t, v, "its Value method failed")
		e.Err = logical.Quiet(err)
		return value{}, e
	}
	switch x.(type) {
	case nil, string, []byte, int64, uint64, float64, bool, time.Time:
		return c.receive(t, x)
	}
	return value{}, logical.NewTypeError(t, v, "its Value method returned a type that is not accepted")
}

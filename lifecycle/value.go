package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// Value is a value of a key column, as the database's driver returned it: an
// integer, a float, a text, bytes or a time. In JSON it keeps its type.
type Value struct{ V any }

type valueJSON struct {
	Int   *int64     `json:"int,omitempty"`
	Uint  *uint64    `json:"uint,omitempty"`
	Float *float64   `json:"float,omitempty"`
	Bool  *bool      `json:"bool,omitempty"`
	Text  *string    `json:"text,omitempty"`
	Bytes *[]byte    `json:"bytes,omitempty"`
	Time  *time.Time `json:"time,omitempty"`
}

// errValue is returned for a type that cannot be kept.
var errValue = errors.New("sealsql: the value of a key column cannot be kept")

// MarshalJSON writes the value with its type.
func (v Value) MarshalJSON() ([]byte, error) {
	var j valueJSON
	switch x := v.V.(type) {
	case int64:
		j.Int = &x
	case uint64:
		j.Uint = &x
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, errValue
		}
		j.Float = &x
	case bool:
		j.Bool = &x
	case string:
		j.Text = &x
	case []byte:
		j.Bytes = &x
	case time.Time:
		j.Time = &x
	default:
		return nil, fmt.Errorf("%w: it is a %T", errValue, x)
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(b []byte) error {
	var j valueJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return errValue
	}
	n := 0
	set := func(x any) { v.V = x; n++ }
	if j.Int != nil {
		set(*j.Int)
	}
	if j.Uint != nil {
		set(*j.Uint)
	}
	if j.Float != nil {
		set(*j.Float)
	}
	if j.Bool != nil {
		set(*j.Bool)
	}
	if j.Text != nil {
		set(*j.Text)
	}
	if j.Bytes != nil {
		set(*j.Bytes)
	}
	if j.Time != nil {
		set(*j.Time)
	}
	if n != 1 {
		return errValue
	}
	return nil
}

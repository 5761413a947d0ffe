package logical

import (
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/sealsql/sealsql/schema"
)

// Argument converts v as database/sql does for a driver without a checker of
// its own: pointers are followed, Valuers asked, named types reduced to their
// kind (database/sql/driver.DefaultParameterConverter). The result is nil,
// int64, float64, bool, []byte, string or time.Time; []byte may alias v.
//
// The error is a *TypeError; a Valuer's own error is its cause.
func Argument(t *schema.Type, v any) (driver.Value, error) {
	x, err := driver.DefaultParameterConverter.ConvertValue(v)
	if err != nil {
		e := NewTypeError(t, v, "this Go type is not accepted as an argument")
		if _, ok := v.(driver.Valuer); ok {
			e.Problem, e.Err = "its Value method failed or returned a type that is not accepted", Quiet(err)
		}
		return nil, e
	}
	return x, nil
}

// NewTypeError returns the error for an argument; only the Go type of v is
// looked at.
func NewTypeError(t *schema.Type, v any, problem string) *TypeError {
	return &TypeError{Type: t.Name, GoType: fmt.Sprintf("%T", v), Problem: problem}
}

// NewLiteralError returns the error for a constant of the text.
func NewLiteralError(t *schema.Type, problem string) *TypeError {
	return &TypeError{Type: t.Name, GoType: "literal", Problem: problem}
}

// NewPayloadError returns the error for a payload that does not fit its tag or
// the column's type. It means that the type in the configuration was changed
// or that the record was made for another engine.
func NewPayloadError(t *schema.Type, tag Tag) *TypeError {
	return &TypeError{
		Type: t.Name, GoType: "stored value",
		Problem: fmt.Sprintf("a value stored with type tag %d cannot be read as this type", tag),
	}
}

// Quiet wraps a cause whose text may hold the value: errors.Is and errors.As
// see through it, printing it says nothing. It does not unwrap, for there are
// loggers that print every error of a chain.
func Quiet(err error) error { return &quiet{err} }

type quiet struct{ err error }

func (*quiet) Error() string    { return "cause withheld: its text may hold the value" }
func (*quiet) GoString() string { return "cause withheld" }

func (q *quiet) Is(target error) bool { return errors.Is(q.err, target) }
func (q *quiet) As(target any) bool   { return errors.As(q.err, target) }

package pgvalue

import (
	"database/sql/driver"
	"errors"
	"reflect"

	"github.com/jackc/pgx/v5/pgtype"
)

var errArray = errors.New("the argument is no array that PostgreSQL would take")

// Elements takes an argument for a one-dimensional array apart: slices and
// arrays of any type, pgtype's arrays, array literals in text, and
// driver.Valuers that yield one of them. An element that is nil is NULL; null is
// set for a nil slice, a nil pointer and nil. The error holds no value.
func (c *Codec) Elements(v any) (elements []any, null bool, err error) {
	switch x := v.(type) {
	case nil:
		return nil, true, nil
	case string:
		return elementsOfText(x)
	case []byte:
		if x == nil {
			return nil, true, nil
		}
		return elementsOfText(string(x))
	case pgtype.ArrayGetter:
		return elementsOfGetter(x)
	}
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Pointer && r.IsNil() {
		return nil, true, nil
	}
	if x, ok := v.(driver.Valuer); ok {
		inner, err := x.Value()
		if err != nil {
			return nil, false, errArray
		}
		if _, again := inner.(driver.Valuer); again {
			return nil, false, errArray
		}
		return c.Elements(inner)
	}
	switch r.Kind() {
	case reflect.Pointer:
		return c.Elements(r.Elem().Interface())
	case reflect.Slice, reflect.Array:
		if r.Kind() == reflect.Slice && r.IsNil() {
			return nil, true, nil
		}
		elements = make([]any, r.Len())
		for i := range elements {
			e := r.Index(i)
			if (e.Kind() == reflect.Pointer || e.Kind() == reflect.Slice || e.Kind() == reflect.Interface) && e.IsNil() {
				continue
			}
			elements[i] = e.Interface()
		}
		return elements, false, nil
	}
	return nil, false, errArray
}

// elementsOfText reads an array literal: {a,"b c",NULL}.
func elementsOfText(s string) (elements []any, null bool, err error) {
	var list pgtype.FlatArray[pgtype.Text]
	if err := pgtype.NewMap().Scan(pgtype.TextArrayOID, pgtype.TextFormatCode, []byte(s), &list); err != nil {
		return nil, false, errArray
	}
	return elementsOfGetter(list)
}

func elementsOfGetter(g pgtype.ArrayGetter) (elements []any, null bool, err error) {
	dims := g.Dimensions()
	if dims == nil {
		return nil, true, nil
	}
	n := 0
	if len(dims) > 0 {
		n = 1
	}
	for _, d := range dims {
		n *= int(d.Length)
	}
	elements = make([]any, n)
	for i := range elements {
		e := g.Index(i)
		if t, ok := e.(pgtype.Text); ok {
			if t.Valid {
				elements[i] = t.String
			}
			continue
		}
		if r := reflect.ValueOf(e); r.IsValid() && !(r.Kind() == reflect.Pointer && r.IsNil()) {
			elements[i] = e
		}
	}
	return elements, false, nil
}

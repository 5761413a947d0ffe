package postgres_test

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// dump writes a tree on one line: node names, non-zero fields, no places.
func dump(v any) string {
	var b strings.Builder
	dumpValue(&b, reflect.ValueOf(v))
	return b.String()
}

var (
	spanType  = reflect.TypeOf(rewrite.Span{})
	identType = reflect.TypeOf(rewrite.Ident{})
)

// offsets are fields of type int that hold a place.
var offsets = map[string]bool{"ItemsEnd": true, "ColumnsAt": true, "ReturningEnd": true, "WhereAt": true}

func dumpValue(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Invalid:
		b.WriteString("nil")
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		dumpValue(b, v.Elem())
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			dumpValue(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.Struct:
		dumpStruct(b, v)
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	default:
		fmt.Fprint(b, v.Interface())
	}
}

func dumpStruct(b *strings.Builder, v reflect.Value) {
	t := v.Type()
	if t == identType {
		b.WriteString(v.Field(0).String())
		return
	}
	b.WriteString(t.Name() + "{")
	first := true
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == spanType || offsets[f.Name] || f.Name == "RowSpans" || v.Field(i).IsZero() {
			continue
		}
		if !first {
			b.WriteByte(' ')
		}
		first = false
		b.WriteString(f.Name + ":")
		dumpValue(b, v.Field(i))
	}
	b.WriteByte('}')
}

// walk calls f for every struct of a tree, by pointer where there is one.
func walk(v any, f func(any)) { walkValue(reflect.ValueOf(v), f) }

func walkValue(v reflect.Value, f func(any)) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		f(v.Interface())
		walkValue(v.Elem(), f)
	case reflect.Interface:
		if !v.IsNil() {
			walkValue(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			e := v.Index(i)
			if e.Kind() == reflect.Struct && e.CanAddr() {
				f(e.Addr().Interface())
			}
			walkValue(e, f)
		}
	case reflect.Struct:
		if v.Type() == identType || v.Type() == spanType {
			return
		}
		for i := range v.NumField() {
			walkValue(v.Field(i), f)
		}
	}
}

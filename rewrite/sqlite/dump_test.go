package sqlite

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

var (
	spanType  = reflect.TypeFor[rewrite.Span]()
	identType = reflect.TypeFor[rewrite.Ident]()
)

// dump writes a tree on one line, zero fields left out. Without spans, two
// texts that dump alike are the same statement to the planner.
func dump(v any, spans bool) string {
	d := dumper{spans: spans}
	d.value(reflect.ValueOf(v))
	return d.String()
}

type dumper struct {
	strings.Builder
	spans bool
}

func (d *dumper) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			d.WriteString("nil")
			return
		}
		d.value(v.Elem())
	case reflect.Slice:
		d.list(v)
	case reflect.Struct:
		d.record(v)
	case reflect.String:
		fmt.Fprintf(d, "%q", v.String())
	default:
		fmt.Fprint(d, v.Interface())
	}
}

func (d *dumper) list(v reflect.Value) {
	d.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			d.WriteByte(' ')
		}
		d.value(v.Index(i))
	}
	d.WriteByte(']')
}

func (d *dumper) record(v reflect.Value) {
	t := v.Type()
	if t == identType {
		d.ident(v.Interface().(rewrite.Ident))
		return
	}
	d.WriteString(t.Name())
	d.WriteByte('{')
	sep := ""
	for i := range t.NumField() {
		f := v.Field(i)
		if f.IsZero() || !d.spans && isPlace(t.Field(i)) {
			continue
		}
		d.WriteString(sep)
		d.WriteString(t.Field(i).Name)
		d.WriteByte(':')
		d.value(f)
		sep = " "
	}
	d.WriteByte('}')
}

func (d *dumper) ident(id rewrite.Ident) {
	if id.Quoted {
		fmt.Fprintf(d, "%q", id.Name)
	} else {
		d.WriteString(id.Name)
	}
	if d.spans {
		fmt.Fprintf(d, "@%d-%d", id.Start, id.End)
	}
}

// isPlace reports whether a field is an offset or a range.
func isPlace(f reflect.StructField) bool {
	switch f.Name {
	case "ItemsEnd", "ColumnsAt", "ReturningEnd", "WhereAt", "RowSpans":
		return true
	}
	return f.Type == spanType
}

// walk calls fn for every struct under v that has a Span, and for every Ident.
func walk(v reflect.Value, fn func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), fn)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), fn)
		}
	case reflect.Struct:
		fn(v)
		if v.Type() == spanType {
			return
		}
		for i := range v.NumField() {
			walk(v.Field(i), fn)
		}
	}
}

package mysql

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// walk calls visit for every node of a tree, parents first.
func walk(n any, visit func(node any)) { walkValue(reflect.ValueOf(n), visit) }

func walkValue(v reflect.Value, visit func(any)) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			walkValue(v.Elem(), visit)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			visit(v.Interface())
			walkValue(v.Elem(), visit)
		}
	case reflect.Struct:
		if v.CanAddr() {
			switch v.Interface().(type) {
			case rewrite.SelectItem, rewrite.Assign:
				visit(v.Addr().Interface())
			}
		}
		for i := range v.NumField() {
			walkValue(v.Field(i), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkValue(v.Index(i), visit)
		}
	}
}

// dump writes a tree in one line: type, the fields that are set, no spans.
func dump(n any) string {
	var b strings.Builder
	dumpValue(&b, reflect.ValueOf(n))
	return b.String()
}

func dumpValue(b *strings.Builder, v reflect.Value) {
	switch x := v.Interface().(type) {
	case rewrite.Ident:
		b.WriteString(x.Name)
		return
	case *rewrite.ColumnRef:
		b.WriteString(dotted(x.Path))
		return
	case *rewrite.Param:
		fmt.Fprintf(b, "?%d", x.N)
		return
	case *rewrite.Literal:
		dumpLiteral(b, x)
		return
	case *rewrite.Star:
		b.WriteString(strings.TrimPrefix(dotted(x.Path)+".*", "."))
		return
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			dumpValue(b, v.Elem())
		}
	case reflect.Struct:
		dumpStruct(b, v)
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			dumpValue(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	default:
		fmt.Fprint(b, v.Interface())
	}
}

func dotted(path []rewrite.Ident) string {
	parts := make([]string, len(path))
	for i, p := range path {
		parts[i] = p.Name
	}
	return strings.Join(parts, ".")
}

func dumpLiteral(b *strings.Builder, x *rewrite.Literal) {
	kind := [...]string{"null", "", "", "bytes", ""}[x.Kind]
	b.WriteString(kind)
	switch x.Kind {
	case rewrite.LitString, rewrite.LitBytes:
		fmt.Fprintf(b, "%q", x.Value)
	default:
		b.WriteString(x.Value)
	}
	if x.Odd {
		b.WriteString("~odd")
	}
}

// positions are fields that say where something is.
var positions = map[string]bool{
	"Span": true, "ItemsEnd": true, "WhereSpan": true, "ColumnsAt": true, "RowSpans": true,
	"ReturningEnd": true, "WhereAt": true,
}

func dumpStruct(b *strings.Builder, v reflect.Value) {
	b.WriteString(v.Type().Name())
	b.WriteByte('{')
	sep := ""
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if positions[name] || f.IsZero() && name != "Kind" {
			continue
		}
		b.WriteString(sep)
		sep = " "
		if f.Kind() == reflect.Bool {
			b.WriteString(name)
			continue
		}
		b.WriteString(name + ":")
		dumpValue(b, f)
	}
	b.WriteByte('}')
}

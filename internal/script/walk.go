package script

import (
	"reflect"

	"github.com/sealsql/sealsql/rewrite"
)

// Walk calls visit with a pointer to every struct of a tree of package rewrite,
// parents first, in no order among brothers that matters. Where visit returns
// false, what is below is left out. Kinds of nodes that are added later are
// walked, too.
func Walk(node any, visit func(node any) bool) { walk(reflect.ValueOf(node), visit) }

func walk(v reflect.Value, visit func(any) bool) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), visit)
		}
	case reflect.Struct:
		if !v.CanAddr() || !visit(v.Addr().Interface()) {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walk(v.Field(i), visit)
			}
		}
	}
}

// Names returns the names of a parsed text that stand where only a name can:
// aliases, names of CTEs, of result columns and of columns that are written,
// and names with a qualifier. A single name in an expression or behind FROM is
// not among them: it may be a value in the wrong quotes.
func Names(script *rewrite.Script) map[string]bool {
	names := map[string]bool{}
	add := func(ids ...rewrite.Ident) {
		for _, id := range ids {
			names[id.Name] = true
		}
	}
	alias := func(id *rewrite.Ident) {
		if id != nil {
			add(*id)
		}
	}
	for _, st := range script.Statements {
		Walk(st, func(node any) bool {
			switch n := node.(type) {
			case *rewrite.Table:
				if len(n.Path) > 1 {
					add(n.Path...)
				}
				add(n.ColumnAliases...)
				alias(n.Alias)
			case *rewrite.Derived:
				add(n.ColumnAliases...)
				alias(n.Alias)
			case *rewrite.Join:
				add(n.Using...)
				add(n.ColumnAliases...)
				alias(n.Alias)
			case *rewrite.FuncTable:
				add(n.ColumnAliases...)
				alias(n.Alias)
			case *rewrite.CTE:
				add(n.Name)
				add(n.Columns...)
			case *rewrite.SelectItem:
				alias(n.Alias)
			case *rewrite.Insert:
				add(n.Columns...)
				add(n.RowColumns...)
				alias(n.RowAlias)
			case *rewrite.Assign:
				for _, c := range n.Columns {
					add(c.Path...)
				}
			case *rewrite.Star:
				add(n.Path...)
			case *rewrite.ColumnRef:
				if len(n.Path) > 1 {
					add(n.Path...)
				}
			}
			return true
		})
	}
	return names
}

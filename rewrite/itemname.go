package rewrite

import "strings"

// itemName is the name of a select item's column, by which a query around it
// can call it; "" where that is not certain.
func (a *analysis) itemName(it *SelectItem, c *column) string {
	if it.Alias != nil {
		return it.Alias.Name
	}
	switch x := it.Expr.(type) {
	case *ColumnRef:
		return x.Path[len(x.Path)-1].Name
	case *ValuesRef:
		return ""
	}
	if a.dialect == Postgres {
		name, _ := figureName(it.Expr)
		return name
	}
	// The engine takes the text of the item. One that may be edited has none.
	if len(c.flow) > 0 || c.consts != nil || !it.Known() {
		return ""
	}
	return a.script.Text[it.Start:it.End]
}

// figureName names a column without an alias as PostgreSQL does
// (parse_target.c, FigureColname); strong is set for names that an enclosing
// cast keeps. It is "" where that is not certain.
func figureName(e Expr) (name string, strong bool) {
	switch x := e.(type) {
	case *ColumnRef:
		return x.Path[len(x.Path)-1].Name, true
	case *Call:
		return strings.ToLower(x.Name[len(x.Name)-1].Name), true
	case *Cast:
		if name, strong := figureName(x.X); strong {
			return name, true
		}
		return "", false
	case *Case:
		if x.Else != nil {
			if name, strong := figureName(x.Else); strong {
				return name, true
			}
		}
		return "case", false
	case *Subquery:
		return subqueryName(x), true
	case *Row:
		return "row", true
	case *Op:
		if x.Name == "COLLATE" {
			return figureName(x.Args[0])
		}
	case *Literal:
		if x.Kind == LitBool {
			return "", false
		}
	case *Opaque:
		return "", false
	}
	return "?column?", false
}

func subqueryName(x *Subquery) string {
	switch x.Kind {
	case SubExists:
		return "exists"
	case SubArray:
		return "array"
	case SubScalar:
		if items := bodyItems(x.Query.Body); len(items) == 1 {
			if items[0].Alias != nil {
				return items[0].Alias.Name
			}
			name, _ := figureName(items[0].Expr)
			return name
		}
	}
	return "?column?"
}

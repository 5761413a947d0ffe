package fuzzsql_test

import (
	"fmt"
	"slices"
	"strings"
)

// compound is an index over several columns of a table, of which at least one is
// encrypted.
type compound struct {
	parts  []column
	unique bool
}

// uniqueKey is the unique key of a column: within the partition where equal values
// of two have different hashes.
func (t *table) uniqueKey(c column) string {
	if t.tenant && !c.table {
		return "tenant, " + c.name
	}
	return c.name
}

// keyed reports a column of a unique key.
func (t *table) keyed(c column) bool {
	return c.unique || t.together != nil && t.together.unique && slices.ContainsFunc(t.together.parts, func(p column) bool { return p.name == c.name })
}

func (x *compound) key(t *table) string {
	var names []string
	if t.tenant {
		names = append(names, "tenant")
	}
	for _, c := range x.parts {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// compound draws one for a table: over a clear number and an encrypted column, or
// over two of these.
func (w *world) compound(d *dice, t *table) *compound {
	if !d.in(4) {
		return nil
	}
	x := &compound{unique: d.in(2)}
	for _, c := range t.cols {
		// The server finds texts of a clear column equal as its collation has it.
		if (c.name == "ref" || c.sealed && (c.kind == kindInt || c.kind == kindText) && !c.ci && !c.lossy) && len(x.parts) < 2 {
			x.parts = append(x.parts, c)
		}
	}
	if len(x.parts) < 2 {
		return nil
	}
	return x
}

func (x *compound) config(w *world) string {
	if x == nil {
		return ""
	}
	var parts []string
	for _, c := range x.parts {
		switch {
		case !c.sealed:
			parts = append(parts, fmt.Sprintf("{column: %s, type: %q}", c.name, w.spelling(c.kind)))
		case c.kind == kindText:
			parts = append(parts, "{column: "+c.name+", collation: binary}")
		default:
			parts = append(parts, c.name)
		}
	}
	return fmt.Sprintf("    indexes: {together: {columns: [%s], unique: %v, scope: partition}}\n", strings.Join(parts, ", "), x.unique)
}

// both is a condition that gives every column of the index a value.
func (g *generator) both(s src) string {
	g.asks["compound"] = true
	x := s.table.together
	value := func(c column) string {
		if !c.sealed {
			return g.small()
		}
		return g.nonNull(c.kind, g.w.marked(c.kind, g.vals.IntN(60)))
	}
	var conds, names, one, two []string
	for _, c := range x.parts {
		v := value(c)
		conds, names = append(conds, s.alias+"."+c.name+" = "+v), append(names, s.alias+"."+c.name)
		one, two = append(one, v), append(two, value(c))
	}
	row := func(list []string) string { return "(" + strings.Join(list, ", ") + ")" }
	switch g.n(4) {
	case 1:
		return row(names) + " = " + row(one)
	case 2:
		return row(names) + " IN (" + row(one) + ", " + row(two) + ")"
	case 3:
		return "(" + conds[1] + " AND " + conds[0] + ")"
	}
	return "(" + strings.Join(conds, " AND ") + ")"
}

// combined asks the index over several columns of one of the sources.
func (g *generator) combined(s scope) (cond string, ok bool) {
	for _, x := range s {
		if x.table != nil && x.table.together != nil {
			return g.both(x), true
		}
	}
	return "", false
}

// targets are the keys that a conflict may be about.
func (t *table) targets() []string {
	keys := []string{"id"}
	if t.tenant {
		keys[0] = "tenant, id"
	}
	for _, c := range t.cols {
		if c.unique {
			keys = append(keys, t.uniqueKey(c))
		}
	}
	if t.together != nil && t.together.unique {
		keys = append(keys, t.together.key(t))
	}
	return keys
}

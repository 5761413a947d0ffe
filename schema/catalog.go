package schema

// Catalog is an immutable set of annotated tables, safe for concurrent use.
// The nil Catalog annotates nothing.
type Catalog struct {
	tables []*Table
	byName map[string][]*Table // key: lower-case table name without schema
	clear  map[clearTable]bool
	views  []*View
}

// clearTable is an entry of clear_tables in lower case; schema is empty for
// one that holds in every schema.
type clearTable struct{ schema, name string }

// Options are the parts of a Catalog that are not annotated tables.
type Options struct {
	// ClearTables are tables declared to hold nothing encrypted, as "name"
	// (in every schema) or "schema.name". They matter only where the
	// database's own catalog is not read.
	ClearTables []string
	// Views are views that are declared by their columns. New takes them over
	// and completes them.
	Views []*View
}

// Tables returns the annotated tables in the order in which New got them. The
// slice is the caller's; the tables are shared and must not be changed.
func (c *Catalog) Tables() []*Table {
	if c == nil {
		return nil
	}
	return append([]*Table(nil), c.tables...)
}

// Lookup returns the annotated table that a relation of that schema and name
// is, or nil. An annotated table without a schema matches in every schema; one
// with a schema matches only there and then comes first. schemaName is empty
// when the schema is not known: then only tables without a schema match.
func (c *Catalog) Lookup(schemaName, name string) *Table {
	if c == nil {
		return nil
	}
	var everywhere *Table
	for _, t := range c.byName[lower(name)] {
		switch {
		case t.Schema == "":
			everywhere = t
		case equalFold(t.Schema, schemaName):
			return t
		}
	}
	return everywhere
}

// IsClear reports whether clear_tables declares the name clear in every
// schema. New refuses an entry that overlaps an annotated table.
func (c *Catalog) IsClear(name string) bool { return c.IsClearIn("", name) }

// IsClearIn reports whether clear_tables declares the table clear in that
// schema: as "name" or as "schema.name".
func (c *Catalog) IsClearIn(schemaName, name string) bool {
	if c == nil {
		return false
	}
	name = lower(name)
	return c.clear[clearTable{"", name}] || c.clear[clearTable{lower(schemaName), name}]
}

// Mentions reports whether word is the name of an annotated table, in any
// schema.
func (c *Catalog) Mentions(word string) bool {
	return c != nil && len(c.byName[lower(word)]) > 0
}

// EqualNames reports whether two names of tables, columns or schemas are taken
// for the same: they differ at most in the case of ASCII letters.
func EqualNames(a, b string) bool { return equalFold(a, b) }

// lower folds ASCII letters only; it returns s itself when there are none.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return lowerCopy(s, i)
		}
	}
	return s
}

func lowerCopy(s string, from int) string {
	b := []byte(s)
	for i := from; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

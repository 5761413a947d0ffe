package schema

import (
	"fmt"
	"strings"
)

// View is a view that the configuration declares by its columns, for databases
// that do not tell its definition, or tell it in words that are not understood.
// Where the definition is known, the two are compared.
type View struct {
	// Schema is empty for a view that is meant in every schema.
	Schema string
	Name   string
	// Columns are those of the view that statements may name.
	Columns []ViewColumn
}

// String returns the name as the configuration writes it: "view" or
// "schema.view".
func (v *View) String() string {
	if v.Schema == "" {
		return v.Name
	}
	return v.Schema + "." + v.Name
}

// ViewColumn is a column of a declared view.
type ViewColumn struct {
	Name string
	// Of is what it shows, as "table.column" or "schema.table.column": an
	// encrypted column of an annotated table, or the column that holds the
	// table's partition or the identity of its rows. Empty for every other
	// column, which is clear.
	Of string

	// Table is the table of Of, Column its encrypted column; New sets both.
	// Column is nil for a partition or an identity.
	Table  *Table
	Column *Column
}

// Partition reports whether the column shows the partition of rows of a table.
func (c *ViewColumn) Partition(t *Table) bool { return c.shows(t, t.partitionName()) }

// Identity reports whether the column shows the identity of rows of a table.
func (c *ViewColumn) Identity(t *Table) bool { return c.shows(t, t.Row.Column) }

func (c *ViewColumn) shows(t *Table, name string) bool {
	return c.Table == t && c.Column == nil && name != "" && equalFold(c.Of[strings.LastIndexByte(c.Of, '.')+1:], name)
}

func (t *Table) partitionName() string {
	if t.Partition.Kind != PartitionColumn {
		return ""
	}
	return t.Partition.Column
}

// Views returns the declared views in the order in which New got them. The
// slice is the caller's; the views are shared and must not be changed.
func (c *Catalog) Views() []*View {
	if c == nil {
		return nil
	}
	return append([]*View(nil), c.views...)
}

// View returns the declared view that a relation of that schema and name is, or
// nil; names match as those of tables do in Lookup.
func (c *Catalog) View(schemaName, name string) *View {
	if c == nil {
		return nil
	}
	var everywhere *View
	for _, v := range c.views {
		switch {
		case !equalFold(v.Name, name):
		case v.Schema == "":
			everywhere = v
		case equalFold(v.Schema, schemaName):
			return v
		}
	}
	return everywhere
}

// MentionsView reports whether word is the name of a declared view, in any
// schema.
func (c *Catalog) MentionsView(word string) bool {
	if c == nil {
		return false
	}
	for _, v := range c.views {
		if equalFold(v.Name, word) {
			return true
		}
	}
	return false
}

// viewsOver are the views over copies of their tables.
func viewsOver(views []*View, copies map[*Table]*Table) []*View {
	out := make([]*View, len(views))
	for i, v := range views {
		n := *v
		n.Columns = append([]ViewColumn(nil), v.Columns...)
		for k := range n.Columns {
			c := &n.Columns[k]
			if c.Table = copies[c.Table]; c.Column != nil {
				c.Column = c.Table.Column(c.Column.Name)
			}
		}
		out[i] = &n
	}
	return out
}

// view checks a declared view and finds what its columns show.
func (b *builder) view(v *View) {
	at := "views." + v.String()
	if nameFault(v.Name) != "" || v.Schema != "" && nameFault(v.Schema) != "" || strings.Contains(v.Name+v.Schema, ".") {
		b.report(nil, "", at, "this is not the name of a view", "write view or schema.view")
		return
	}
	for _, t := range b.cat.byName[lower(v.Name)] {
		if v.Schema == "" || t.Schema == "" || equalFold(t.Schema, v.Schema) {
			b.report(nil, "", at, "the view has the name of the annotated table "+t.String(), "declare what is a view in the database, and annotate what is a table")
			return
		}
	}
	for _, o := range b.cat.views {
		if equalFold(o.Name, v.Name) && equalFold(o.Schema, v.Schema) {
			b.report(nil, "", at, "the view is declared twice", "names are compared without case; merge the two entries")
			return
		}
	}
	if b.cat.IsClearIn(v.Schema, v.Name) {
		b.report(nil, "", at, "the view is among clear_tables, too", "declare its columns here, or say there that it reaches nothing encrypted")
		return
	}
	b.cat.views = append(b.cat.views, v)
	if len(v.Columns) == 0 {
		b.report(nil, "", at+".columns", "the view has no column", "name those that statements use")
	}
	for i := range v.Columns {
		b.viewColumn(v, i, at)
	}
}

func (b *builder) viewColumn(v *View, i int, at string) {
	c := &v.Columns[i]
	at += ".columns." + c.Name
	if fault := nameFault(c.Name); fault != "" {
		b.report(nil, "", at, "column name "+fault, "")
		return
	}
	for _, o := range v.Columns[:i] {
		if equalFold(o.Name, c.Name) {
			b.report(nil, "", at, "the column is here twice", "names are compared without case; keep one of the two")
			return
		}
	}
	if c.Of == "" {
		return
	}
	parts := strings.Split(c.Of, ".")
	if len(parts) < 2 || len(parts) > 3 {
		b.report(nil, "", at, "this is neither clear nor a column of an annotated table", "write clear, table.column or schema.table.column")
		return
	}
	schemaName := strings.Join(parts[:len(parts)-2], ".")
	t := b.cat.Lookup(schemaName, parts[len(parts)-2])
	if t == nil {
		b.report(nil, "", at, "no such table is annotated", b.nearTable(parts[len(parts)-2]))
		return
	}
	c.Table = t
	name := parts[len(parts)-1]
	if c.Column = t.Column(name); c.Column != nil || c.Identity(t) || c.Partition(t) {
		b.shownOnce(v, i, at)
		return
	}
	hint := "write clear for columns that are not encrypted"
	if near := Nearest(name, columnNames(t)); near != "" {
		hint = "did you mean " + strings.Join(parts[:len(parts)-1], ".") + "." + near + "?"
	}
	b.report(nil, "", at, fmt.Sprintf("%s has no encrypted column of this name, and neither its partition nor its row identity has it", t), hint)
}

// shownOnce refuses a second column for the partition or identity of a table:
// which of the two belongs to a value could not be told.
func (b *builder) shownOnce(v *View, i int, at string) {
	c := &v.Columns[i]
	for k := range v.Columns[:i] {
		o := &v.Columns[k]
		if t := c.Table; c.Column == nil && (o.Partition(t) && c.Partition(t) || o.Identity(t) && c.Identity(t)) {
			b.report(nil, "", at, "another column shows this one already: which of them belongs to a value cannot be told", "write clear for one of them")
		}
	}
}

func (b *builder) nearTable(name string) string {
	var names []string
	for _, t := range b.cat.tables {
		names = append(names, t.Name)
	}
	if near := Nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "write clear, table.column or schema.table.column"
}

// columnNames are those that a view's column may show.
func columnNames(t *Table) []string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	for _, n := range []string{t.partitionName(), t.Row.Column} {
		if n != "" {
			names = append(names, n)
		}
	}
	return names
}

package rewrite

import (
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Migrators and applications ask the database's own catalog what their tables
// look like. Where it tells of annotated columns it is replaced, in FROM, by a
// derived table that shows what the application declared: the logical types,
// no index columns, no guards (threats T8). Everything else of the catalog is
// as it is.

// shaper is implemented by catalogs that know what a logical shape needs.
type shaper interface {
	// Tables are the annotated tables.
	Tables() []*schema.Table
	// Views are the views over them that may be read.
	Views() []*Relation
	// SystemColumns are the columns of a relation of the engine's own catalog,
	// in order; nil where they were not read.
	SystemColumns(id RelationID) []string
}

// shaping writes one derived table.
type shaping struct {
	d      Dialect
	quote  func(string) string
	tables []*schema.Table
	views  []*Relation
	cat    Catalog
	front  Frontend
	maria  bool       // MariaDB, where MySQL is the dialect
	widths bool       // of integers are shown
	id     RelationID // of the relation that is replaced
	names  []string   // its columns
}

// shapes are the relations that show annotated columns, by lower-case name.
var shapes = map[Dialect]map[string]func(*shaping) string{
	Postgres: {
		"information_schema.columns":                 (*shaping).postgresColumns,
		"pg_catalog.pg_attribute":                    (*shaping).postgresAttributes,
		"pg_catalog.pg_constraint":                   (*shaping).postgresConstraints,
		"pg_catalog.pg_index":                        (*shaping).postgresIndexes,
		"pg_catalog.pg_indexes":                      (*shaping).postgresIndexTexts,
		"pg_catalog.pg_views":                        (*shaping).postgresViews,
		"pg_catalog.pg_matviews":                     (*shaping).postgresMaterialized,
		"information_schema.views":                   (*shaping).informationViews,
		"information_schema.table_constraints":       (*shaping).withoutGuards,
		"information_schema.check_constraints":       (*shaping).withoutGuards,
		"information_schema.key_column_usage":        (*shaping).indexNames,
		"information_schema.constraint_column_usage": (*shaping).indexNames,
	},
	MySQL: {
		"information_schema.columns":           (*shaping).mysqlColumns,
		"information_schema.views":             (*shaping).informationViews,
		"information_schema.table_constraints": (*shaping).withoutGuards,
		"information_schema.check_constraints": (*shaping).withoutGuards,
		"information_schema.key_column_usage":  (*shaping).indexNames,
		"information_schema.statistics":        (*shaping).indexNames,
	},
	SQLite: {"sqlite_master": (*shaping).sqliteMaster, "sqlite_schema": (*shaping).sqliteMaster},
}

// noWidths is the first version of MySQL that does not show widths of integers.
const noWidths = 80019

// shape returns the derived table, in parentheses, that stands for a relation
// of the engine's catalog; "" where it stays itself.
func (a *analysis) shape(rel *Relation) string {
	sh, ok := a.cat.(shaper)
	if !ok || rel.Kind != RelSystem {
		return ""
	}
	id := RelationID{strings.ToLower(rel.ID.Schema), strings.ToLower(rel.ID.Name)}
	key := id.Schema + "." + id.Name
	switch {
	case a.dialect == SQLite:
		key = id.Name
	case a.dialect == Postgres && id.Schema == "" && strings.HasPrefix(id.Name, "pg_"):
		id.Schema, key = "pg_catalog", "pg_catalog."+id.Name
	}
	write := shapes[a.dialect][key]
	tables := sh.Tables()
	if write == nil || len(tables) == 0 {
		return ""
	}
	s := &shaping{d: a.dialect, quote: a.front.QuoteIdent, tables: tables, views: a.views(), cat: a.cat, front: a.front, maria: a.session.MariaDB, widths: a.session.MariaDB || a.session.Version < noWidths, id: id, names: sh.SystemColumns(id)}
	return write(s)
}

// useShape replaces a relation of the catalog where that is needed.
func (a *analysis) useShape(t *Table, rel *Relation) error {
	if a.depth > 0 {
		return nil // inside a definition, which stays as it is
	}
	text := a.shape(rel)
	if text == "" {
		return nil
	}
	if !t.Known() || len(t.ColumnAliases) > 0 || t.Attr != "" || len(t.Extra) > 0 {
		return a.refuse(t.Start, ReasonCatalog, rel.ID.Name, "ask the catalog in a plainer form")
	}
	if a.shaped == nil {
		a.shaped = map[*Table]string{}
	}
	a.shaped[t] = text
	return nil
}

// shapeText is what stands for a table's name in the edited text.
func (b *builder) shapeText(t *Table, text string) string {
	if t.Alias != nil {
		return text
	}
	return text + " AS " + b.a.front.QuoteIdent(t.Path[len(t.Path)-1].Name)
}

// shapeLabels keeps the names that the server gives to columns of its catalog,
// where a derived table's own would come: MariaDB as the statement spells them,
// MySQL as the catalog does.
func (b *builder) shapeLabels() {
	items, _ := topItems(b.a.top)
	if len(b.a.shaped) == 0 || b.a.dialect != MySQL || len(items) != len(b.a.results) {
		return
	}
	b.plan.Results = make([]Open, len(items))
	b.plan.ResultNames = make([]string, len(items))
	b.plan.Labels = make([]string, len(items))
	for i := range items {
		if ref, ok := items[i].Expr.(*ColumnRef); ok && items[i].Alias == nil {
			b.plan.ResultNames[i] = b.shapeLabel(ref.Path[len(ref.Path)-1].Name)
		}
	}
}

// shapeLabel is the name of a column that the statement spells so; "" is what
// the server makes of the edited text.
func (b *builder) shapeLabel(name string) string {
	if b.a.session.MariaDB {
		return name
	}
	for _, t := range byPlace(b.a.shaped) {
		for _, c := range b.a.cat.(shaper).SystemColumns(RelationID{"information_schema", strings.ToLower(t.Path[len(t.Path)-1].Name)}) {
			if strings.EqualFold(c, name) {
				return c
			}
		}
	}
	return ""
}

// derivedShape holds an edited FROM item against the shape that it must be.
func (v verifier) derivedShape(x *Table, text string, y TableExpr) bool {
	d, ok := y.(*Derived)
	if !ok || d.Lateral || d.Alias == nil || len(d.ColumnAliases) > 0 {
		return false
	}
	name := x.Path[len(x.Path)-1].Name
	if x.Alias != nil {
		name = x.Alias.Name
	}
	if d.Alias.Name != name {
		return false
	}
	want, err := v.b.a.front.Parse("SELECT * FROM "+text+" AS x", v.b.a.session)
	if err != nil || len(want.Statements) != 1 {
		return false
	}
	q, ok := want.Statements[0].(*Query)
	if !ok {
		return false
	}
	s, ok := q.Body.(*Select)
	if !ok || len(s.From) != 1 {
		return false
	}
	w, ok := s.From[0].(*Derived)
	return ok && v.query(w.Query, d.Query)
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// from is the relation itself.
func (s *shaping) from() string {
	if s.id.Schema == "" {
		return s.quote(s.id.Name)
	}
	return s.quote(s.id.Schema) + "." + s.quote(s.id.Name)
}

// selectWith writes the relation with some columns replaced.
func (s *shaping) selectWith(replace map[string]string, where string) string {
	if len(s.names) == 0 {
		return ""
	}
	items := make([]string, len(s.names))
	for i, n := range s.names {
		items[i] = s.quote(n)
		if e := replace[strings.ToLower(n)]; e != "" {
			items[i] = e + " AS " + s.quote(n)
		}
	}
	text := "(SELECT " + strings.Join(items, ", ") + " FROM " + s.from()
	if where != "" {
		text += " WHERE " + where
	}
	return text + ")"
}

// withoutGuards leaves the guards' constraints out.
func (s *shaping) withoutGuards() string {
	if s.maria {
		return s.mariaGuards()
	}
	return "(SELECT * FROM " + s.from() + " WHERE lower(" + s.quote(s.column("constraint_name")) + ") NOT LIKE " + literal(guardPrefix+"%") + ")"
}

// column spells a column of the relation as it is listed.
func (s *shaping) column(lower string) string {
	for _, n := range s.names {
		if strings.ToLower(n) == lower {
			return n
		}
	}
	return lower
}

// indexNames shows keys over index columns as keys over their columns.
func (s *shaping) indexNames() string {
	name := s.column("column_name")
	var arms strings.Builder
	for _, t := range s.tables {
		for _, c := range t.Columns {
			for _, x := range c.Hidden() {
				arms.WriteString(" WHEN " + s.isColumn(t, x.Physical()) + " THEN " + literal(strings.ToLower(c.Name)))
			}
		}
	}
	where := ""
	if s.id.Name == "constraint_column_usage" {
		where = "lower(" + s.quote(s.column("constraint_name")) + ") NOT LIKE " + literal(guardPrefix+"%")
	}
	if strings.EqualFold(s.id.Name, "statistics") {
		where = s.notPatternIndex("index_name")
	}
	if arms.Len() == 0 {
		if where == "" {
			return ""
		}
		return "(SELECT * FROM " + s.from() + " WHERE " + where + ")"
	}
	cast := ""
	if s.d == Postgres {
		cast = "::information_schema.sql_identifier"
	}
	return s.selectWith(map[string]string{"column_name": "(CASE" + arms.String() + " ELSE " + s.quote(name) + " END)" + cast}, where)
}

// isColumn is the condition that a row of information_schema tells of a column.
func (s *shaping) isColumn(t *schema.Table, column string) string {
	cond := "lower(" + s.quote(s.column("column_name")) + ") = " + literal(strings.ToLower(column)) +
		" AND lower(" + s.quote(s.column("table_name")) + ") = " + literal(strings.ToLower(t.Name))
	if t.Schema != "" {
		cond += " AND lower(" + s.quote(s.column("table_schema")) + ") = " + literal(strings.ToLower(t.Schema))
	}
	return cond
}

// replaced writes, for each of some columns of information_schema.columns, the
// value that describes the logical type.
func (s *shaping) replaced(describe func(*schema.Table, schema.Type) map[string]string, casts map[string]string) map[string]string {
	arms := map[string]*strings.Builder{}
	arm := func(is string, c *schema.Column) {
		for name, value := range describe(c.Table, c.Type) {
			if arms[name] == nil {
				arms[name] = &strings.Builder{}
			}
			arms[name].WriteString(" WHEN " + is + " THEN " + value)
		}
	}
	for _, t := range s.tables {
		for _, c := range t.Columns {
			arm(s.isColumn(t, c.Name), c)
		}
	}
	s.shownIn(func(v *Relation, c ViewColumn) { arm(s.isViewColumn(v, c.Name), c.Column) }, nothing)
	out := map[string]string{}
	for name, b := range arms {
		out[name] = "(CASE" + b.String() + " ELSE " + s.quote(s.column(name)) + " END)" + casts[name]
	}
	return out
}

// notIndex is the condition that a row of information_schema.columns does not
// tell of an index column.
func (s *shaping) notIndex() string {
	var conds []string
	for _, t := range s.tables {
		for _, c := range t.Columns {
			for _, x := range c.Hidden() {
				conds = append(conds, "NOT ("+s.isColumn(t, x.Physical())+")")
			}
		}
	}
	s.shownIn(nothing, func(v *Relation, c ViewColumn) { conds = append(conds, "NOT ("+s.isViewColumn(v, c.Name)+")") })
	return strings.Join(conds, " AND ")
}

func number(n int) string { return strconv.Itoa(n) }

// orNull is a number, or NULL for zero.
func orNull(n int) string {
	if n == 0 {
		return "NULL"
	}
	return number(n)
}

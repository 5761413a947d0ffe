package physical

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Database is an existing database as its catalog shows it.
type Database struct {
	// Snapshot holds the relations to look at. Required.
	Snapshot *rewrite.Snapshot
	// Schema is the current schema (on MySQL the database), whose name is left
	// out of statements there.
	Schema string
	// NoBackslashEscapes is the session's, for MySQL.
	NoBackslashEscapes bool
	// Comments are the comments of columns, on MySQL: an ALTER TABLE that
	// changes a type must repeat them. By relation and column name.
	Comments map[rewrite.RelationID]map[string]string
	// Sources are the definitions of tables, on SQLite: the CREATE TABLE, then
	// the indexes and triggers on it.
	Sources map[rewrite.RelationID][]string
	// Views are the clauses of views beside their definitions.
	Views map[rewrite.RelationID]ViewClauses
	// Names and Session are those of the connection that the snapshot was read on.
	Names   rewrite.Names
	Session rewrite.Session
}

// Change is one statement, or several that belong together.
type Change struct {
	// Why are lines of explanation.
	Why []string
	// SQL ends with a semicolon.
	SQL string
}

// Report says what a database lacks.
type Report struct {
	// Findings are what statements cannot or must not mend by themselves.
	Findings []rewrite.Finding
	Changes  []Change
	// Advice is on views that could show index columns. Those without SQL say what
	// to do by hand.
	Advice []Change
}

// Complete reports that nothing is missing.
func (r *Report) Complete() bool { return len(r.Findings) == 0 && len(r.Changes) == 0 }

// String prints the report as a script for the plain driver or the database's
// own client: findings are comments. Names from the database cannot end a
// comment.
func (r *Report) String() string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "-- %s: %s\n", line(f.Column), line(f.Problem))
		if f.Hint != "" {
			fmt.Fprintf(&b, "--   %s\n", line(f.Hint))
		}
	}
	for i, c := range slices.Concat(r.Changes, r.Advice) {
		if i > 0 || len(r.Findings) > 0 {
			b.WriteByte('\n')
		}
		for _, why := range c.Why {
			fmt.Fprintf(&b, "-- %s\n", line(why))
		}
		if c.SQL != "" {
			b.WriteString(c.SQL + "\n")
		}
	}
	return b.String()
}

// line keeps a text within its comment.
func line(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return '?'
		}
		return r
	}, s)
}

// Compare says what an existing database lacks to hold the annotated columns:
// columns, physical types, guards (threats T10), and what must not be there.
//
// Its statements move no value. One that changes a type fails while any row of
// the column is not NULL (on MySQL and SQLite: is no record), and one that adds
// a guard fails while the column holds anything but records and NULL; they then
// leave the table as it was. None shows a value in its error message.
func Compare(f rewrite.Frontend, db *Database, annotations *schema.Catalog, decl rewrite.Declarations) *Report {
	c := &comparison{front: f, db: db, annotations: annotations, decl: decl, report: &Report{}}
	c.absent()
	for i := range db.Snapshot.Relations {
		r := &db.Snapshot.Relations[i]
		t := annotations.Lookup(r.ID.Schema, r.ID.Name)
		if t == nil || r.Temp || !c.own(r, t) || r.Kind != rewrite.RelTable && r.Kind != rewrite.RelPartitioned {
			continue
		}
		c.table(r, t)
	}
	c.views()
	return c.report
}

type comparison struct {
	front       rewrite.Frontend
	db          *Database
	annotations *schema.Catalog
	decl        rewrite.Declarations
	report      *Report
}

// own reports whether a relation is one of the application's. A MySQL server
// shows every database that the user may see: there it is the current one,
// unless the annotation names another.
func (c *comparison) own(r *rewrite.SnapshotRelation, t *schema.Table) bool {
	return c.front.Dialect() != rewrite.MySQL || t.Schema != "" || c.db.Schema == "" || strings.EqualFold(r.ID.Schema, c.db.Schema)
}

func (c *comparison) find(column, problem, hint string) {
	c.report.Findings = append(c.report.Findings, rewrite.Finding{Column: column, Problem: problem, Hint: hint})
}

// absent reports annotated tables that the database has not, or has as
// something else.
func (c *comparison) absent() {
	for _, t := range c.annotations.Tables() {
		found := false
		for i := range c.db.Snapshot.Relations {
			r := &c.db.Snapshot.Relations[i]
			if r.Temp || c.annotations.Lookup(r.ID.Schema, r.ID.Name) != t || !c.own(r, t) {
				continue
			}
			found = true
			if r.Kind != rewrite.RelTable && r.Kind != rewrite.RelPartitioned {
				c.find(t.String(), "the database has a view or another kind of relation by this name", "annotate the table itself")
			}
		}
		if !found {
			c.find(t.String(), "the database has no such table", "create it through the encrypting driver, or with what sealsql ddl --schema prints")
		}
	}
}

// work is what one table lacks.
type work struct {
	rel *rewrite.SnapshotRelation
	tab *schema.Table
	// add and change are columns that do not exist and columns of a type that
	// holds no records; guard are those without a guard, which changed ones are
	// too.
	add, change, guard []*schema.Column
	// index are search indexes without a guard, unindexed those of them that
	// have no column either.
	index, unindexed []schema.Index
}

func (c *comparison) table(r *rewrite.SnapshotRelation, t *schema.Table) {
	w := &work{rel: r, tab: t}
	for _, col := range t.Columns {
		phys := physicalColumn(r, col)
		switch {
		case phys == nil:
			w.add = append(w.add, col)
		case phys.Generated:
		case !c.carries(r, phys, col):
			w.change = append(w.change, col)
		}
	}
	one := &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{*r}}
	for _, col := range rewrite.MissingGuards(one, c.annotations) {
		if !slices.Contains(w.add, col) {
			w.guard = append(w.guard, col)
		}
	}
	for _, e := range rewrite.MissingIndexGuards(one, c.annotations) {
		w.index = append(w.index, e)
		if physicalNamed(r, e.Physical()) == nil {
			w.unindexed = append(w.unindexed, e)
		}
	}
	c.findings(w)
	c.sizes(w)
	switch c.front.Dialect() {
	case rewrite.Postgres:
		c.alterPostgres(w)
	case rewrite.MySQL:
		c.alterMySQL(w)
	case rewrite.SQLite:
		c.alterSQLite(w)
	}
	c.sides(w)
}

func physicalColumn(r *rewrite.SnapshotRelation, col *schema.Column) *rewrite.CatalogColumn {
	return physicalNamed(r, col.Name)
}

func physicalNamed(r *rewrite.SnapshotRelation, name string) *rewrite.CatalogColumn {
	for i := range r.Columns {
		if schema.EqualNames(r.Columns[i].Name, name) {
			return &r.Columns[i]
		}
	}
	return nil
}

// carries asks the planner's own check, so that both mean the same: a column of
// this name and type and nothing else wrong with it.
func (c *comparison) carries(r *rewrite.SnapshotRelation, phys *rewrite.CatalogColumn, col *schema.Column) bool {
	bare := rewrite.SnapshotRelation{ID: r.ID, Kind: rewrite.RelTable, Strict: r.Strict, Columns: []rewrite.CatalogColumn{{Name: phys.Name, Type: phys.Type}}}
	for _, f := range rewrite.Findings(c.front.Dialect(), &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{bare}}, c.annotations, c.decl) {
		if f.Column == col.String() {
			return false
		}
	}
	return true
}

// findings asks the planner what is wrong apart from what the statements mend.
func (c *comparison) findings(w *work) {
	r := *w.rel
	r.Columns = slices.Clone(r.Columns)
	for i := range r.Columns {
		if col := w.tab.Column(r.Columns[i].Name); col != nil {
			r.Columns[i].Type = rewrite.CarrierType(c.front.Dialect(), col)
		}
	}
	for _, col := range w.add {
		r.Columns = append(r.Columns, rewrite.CatalogColumn{Name: col.Name, Type: rewrite.CarrierType(c.front.Dialect(), col)})
	}
	for _, e := range w.unindexed {
		r.Columns = append(r.Columns, rewrite.CatalogColumn{Name: e.Physical(), Type: rewrite.IndexType(c.front.Dialect(), e)})
	}
	one := &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{r}}
	c.report.Findings = append(c.report.Findings, rewrite.Findings(c.front.Dialect(), one, c.annotations, c.decl)...)
}

// sizes reports columns that hold fewer bytes than the longest value's record
// needs. The driver refuses such values when they are written.
func (c *comparison) sizes(w *work) {
	if c.front.Dialect() != rewrite.MySQL {
		return
	}
	for _, col := range w.tab.Columns {
		phys := physicalColumn(w.rel, col)
		if phys == nil || slices.Contains(w.change, col) {
			continue
		}
		want := rewrite.CarrierType(rewrite.MySQL, col)
		if have, need := mysqlBytes(phys.Type), mysqlBytes(want); have > 0 && have < need {
			c.find(col.String(), phys.Type+" is too short for the records of the longest values of type "+col.Type.Name,
				"longer values are refused when they are written; "+want+" holds them all")
		}
	}
}

// changed explains a change of type.
func changed(col *schema.Column, phys *rewrite.CatalogColumn) []string {
	return []string{
		col.String() + ": " + phys.Type + " cannot hold records. The statement fails while a row has a value here:",
		"copy the values through the application, into an encrypted column beside this one (docs/ddl.md).",
	}
}

func unguarded(col *schema.Column) string {
	return col.String() + ": no guard. The statement fails while the column holds anything but records and NULL."
}

// why explains what a statement on the table mends.
func (w *work) why() []string {
	var out []string
	for _, col := range w.add {
		out = append(out, col.String()+": the table has no such column.")
	}
	for _, col := range w.change {
		out = append(out, changed(col, physicalColumn(w.rel, col))...)
	}
	for _, col := range w.guard {
		if !slices.Contains(w.change, col) {
			out = append(out, unguarded(col))
		}
	}
	for _, e := range w.index {
		out = append(out, indexMissing(e, "is missing or has no guard")...)
	}
	return out
}

// indexMissing explains what a statement that makes a search index mends.
func indexMissing(e schema.Index, how string) []string {
	return []string{
		e.Column().String() + ": its search index " + e.Physical() + " " + how + ". The statement fails while the column",
		"holds values: then give the index state: adding in the configuration, and run sealsql reindex.",
	}
}

// indexActions are the actions of an ALTER TABLE that make the search indexes.
func (c *comparison) indexActions(w *work) []string {
	var out []string
	for _, e := range w.index {
		if slices.Contains(w.unindexed, e) {
			out = append(out, "ADD COLUMN "+c.front.QuoteIdent(e.Physical())+" "+rewrite.IndexType(c.front.Dialect(), e))
		}
		out = append(out, "ADD "+c.indexGuard(e))
	}
	return out
}

func (c *comparison) indexGuard(e schema.Index) string {
	return "CONSTRAINT " + c.front.QuoteIdent(rewrite.IndexGuardName(e)) + " CHECK (" + rewrite.IndexGuard(c.front, e) + ")"
}

// guardClause is "CONSTRAINT name CHECK (…)". The column is quoted as the
// database spells it, which may differ in case from the configuration.
func guardClause(f rewrite.Frontend, r *rewrite.SnapshotRelation, col *schema.Column) string {
	spelt := *col
	if phys := physicalColumn(r, col); phys != nil {
		spelt.Name = phys.Name
	}
	return "CONSTRAINT " + f.QuoteIdent(rewrite.GuardName(col)) + " CHECK (" + rewrite.Guard(f, &spelt) + ")"
}

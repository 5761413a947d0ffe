package physical

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// alterSQLite adds columns, or prints how the table is made anew: SQLite can
// add neither a constraint to a table nor change the type of a column.
func (c *comparison) alterSQLite(w *work) {
	for _, col := range w.add {
		c.report.Changes = append(c.report.Changes, Change{
			Why: []string{col.String() + ": the table has no such column."},
			SQL: "ALTER TABLE " + c.front.QuoteIdent(w.rel.ID.Name) + " ADD COLUMN " + c.front.QuoteIdent(col.Name) + " " +
				rewrite.CarrierType(rewrite.SQLite, col) + " " + guardClause(c.front, w.rel, col) + ";",
		})
	}
	rebuilt := len(w.change)+len(w.guard) > 0
	for _, e := range w.index {
		if !slices.Contains(w.unindexed, e) {
			rebuilt = true
			continue
		}
		c.report.Changes = append(c.report.Changes, Change{
			Why: indexMissing(e, "has no column in the table"),
			SQL: "ALTER TABLE " + c.front.QuoteIdent(w.rel.ID.Name) + " ADD COLUMN " + c.front.QuoteIdent(e.Physical()) + " " +
				rewrite.IndexType(rewrite.SQLite, e) + " " + c.indexGuard(e) + ";",
		})
	}
	if !rebuilt {
		return
	}
	if len(w.add)+len(w.unindexed) > 0 {
		c.find(w.tab.String(), "the table must also be rebuilt, which starts from its new definition", "add the columns, then run sealsql ddl again")
		return
	}
	c.rebuild(w)
}

// rebuild prints a variant of the procedure of sqlite.org/lang_altertable.html,
// section 7. The old table is renamed before the new one is made, and the copy
// rolls everything back where it fails, so that the statements behind it find
// no table to drop: no value is lost even by a client that goes on after an
// error. Other tables, views and triggers keep naming the table, whose name
// they have in their text (legacy_alter_table).
func (c *comparison) rebuild(w *work) {
	sources := c.db.Sources[w.rel.ID]
	create, ok := "", false
	if len(sources) > 0 {
		create, ok = c.newDefinition(w, sources[0])
	}
	if !ok {
		c.find(w.tab.String(), "guards or types are missing, and the table's definition cannot be read", "make the table anew as sealsql ddl --schema prints it, and copy its rows")
		return
	}
	oldName := c.unused(w.rel.ID.Name + "_sealsql_old")
	table, old := c.front.QuoteIdent(w.rel.ID.Name), c.front.QuoteIdent(oldName)
	columns := c.columnList(w.rel)
	steps := []string{
		"PRAGMA foreign_keys = OFF",
		"PRAGMA legacy_alter_table = ON",
		"BEGIN IMMEDIATE",
		"ALTER TABLE " + table + " RENAME TO " + old,
		create,
		"INSERT OR ROLLBACK INTO " + table + " (" + columns + ")\n  SELECT " + columns + " FROM " + old,
	}
	if c.counts(sources[0]) {
		steps = append(steps, sequence(c.front, w.rel.ID.Name, oldName)...)
	}
	steps = append(steps, "DROP TABLE "+old)
	steps = append(steps, sources[1:]...)
	steps = append(steps, "COMMIT", "PRAGMA legacy_alter_table = OFF", "PRAGMA foreign_keys = ON")
	why := append(w.why(),
		"SQLite adds no constraint to a table, so the table is made anew. Run this on one connection (sqlite3 -bail)",
		"with nobody else connected; leave the last line out if foreign keys are not enforced.")
	c.report.Changes = append(c.report.Changes, Change{Why: why, SQL: strings.Join(steps, ";\n") + ";"})
}

// newDefinition puts carriers and guards into a table's definition.
func (c *comparison) newDefinition(w *work, source string) (string, bool) {
	def, ok := c.read(source)
	if !ok {
		return "", false
	}
	type edit struct {
		rewrite.Span
		text string
	}
	var edits []edit
	for i := range def.columns {
		d := &def.columns[i]
		col := w.tab.Column(d.name)
		if col == nil || !slices.Contains(w.change, col) {
			continue
		}
		text := rewrite.CarrierType(rewrite.SQLite, col)
		if d.typeTo == 0 {
			text = " " + text
		}
		edits = append(edits, edit{d.typeSpan(), text})
	}
	guards := ""
	for _, e := range w.index {
		guards += ",\n  " + c.indexGuard(e)
	}
	for _, col := range w.guard {
		guards += ",\n  " + guardClause(c.front, w.rel, col)
	}
	edits = append(edits, edit{rewrite.Span{Start: def.close.Start, End: def.close.Start}, guards + "\n"})
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.Start, b.Start) })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(source[at:e.Start] + e.text)
		at = e.End
	}
	return b.String() + source[at:], true
}

func (c *comparison) read(source string) (definition, bool) {
	var s rewrite.Session
	parsed, _ := c.front.Parse(source, &s)
	if parsed == nil {
		return definition{}, false
	}
	return readDefinition(parsed.Tokens, rewrite.SQLite)
}

// counts reports an AUTOINCREMENT column.
func (c *comparison) counts(source string) bool {
	def, _ := c.read(source)
	for i := range def.columns {
		if hasAny(def.columns[i].tokens, "AUTOINCREMENT") {
			return true
		}
	}
	return false
}

// sequence carries over the highest number given out, which may be that of a
// row that is gone.
func sequence(f rewrite.Frontend, table, oldTable string) []string {
	name := f.StringLiteral(table)
	old := "(SELECT seq FROM sqlite_sequence WHERE name = " + f.StringLiteral(oldTable) + ")"
	return []string{
		fmt.Sprintf("UPDATE sqlite_sequence SET seq = %s WHERE name = %s AND %s IS NOT NULL", old, name, old),
		fmt.Sprintf("INSERT INTO sqlite_sequence (name, seq) SELECT %s, %s\n  WHERE %s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = %s)", name, old, old, name),
	}
}

// columnList lists what can be inserted.
func (c *comparison) columnList(r *rewrite.SnapshotRelation) string {
	var names []string
	for i := range r.Columns {
		if !r.Columns[i].Generated {
			names = append(names, c.front.QuoteIdent(r.Columns[i].Name))
		}
	}
	return strings.Join(names, ", ")
}

// unused makes a name that no relation has.
func (c *comparison) unused(name string) string {
	for n := 0; ; n++ {
		candidate := name
		if n > 0 {
			candidate = fmt.Sprintf("%s%d", name, n)
		}
		taken := slices.ContainsFunc(c.db.Snapshot.Relations, func(r rewrite.SnapshotRelation) bool {
			return schema.EqualNames(r.ID.Name, candidate)
		})
		if !taken {
			return candidate
		}
	}
}

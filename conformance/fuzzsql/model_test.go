package fuzzsql_test

import (
	"fmt"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// kind is what a column holds.
type kind int

const (
	kindInt kind = iota
	kindText
	kindDate
	kindBytes
	kindNumeric
	kindTimestamp
	kindBool
	kindUUID
	kindJSON
)

// spellings are the types by dialect; an empty one is not used there.
var spellings = map[rewrite.Dialect][]string{
	rewrite.Postgres: {"bigint", "text", "date", "bytea", "numeric(20,4)", "timestamp", "boolean", "uuid", "jsonb"},
	rewrite.MySQL:    {"bigint", "varchar(200)", "date", "blob", "decimal(20,4)", "datetime(3)", "", "", ""},
	rewrite.SQLite:   {"bigint", "text", "date", "blob", "", "", "", "", ""},
}

// column of a generated table.
type column struct {
	name   string
	kind   kind
	sealed bool
	key    bool
	indexes
}

// table is a generated table. Its key is the clear integer id, together with
// tenant where the partition is taken from the row.
type table struct {
	name   string
	cols   []column
	tenant bool
	// together is an index over several columns.
	together *compound
}

func (t *table) sealed() (out []column) {
	for _, c := range t.cols {
		if c.sealed {
			out = append(out, c)
		}
	}
	return out
}

// world is a schema.
type world struct {
	dialect rewrite.Dialect
	tables  []*table
	ci      bool // some column is compared without case
	verify  bool // values are compared with their indexes
}

var names = []string{"users", "orders", "notes", "docs"}

var sealedNames = []string{"ssn", "email", "body", "secret"}

// newWorld makes two to four tables. The first has an encrypted column; one of
// them may be without, one may take its partition from the row.
func newWorld(d *dice, dialect rewrite.Dialect) *world {
	w := &world{dialect: dialect, verify: d.in(3)}
	for i := range 2 + d.n(3) {
		t := &table{name: names[i], tenant: i > 0 && d.in(4)}
		t.cols = append(t.cols, column{name: "id", kind: kindInt, key: true})
		if t.tenant {
			t.cols = append(t.cols, column{name: "tenant", kind: kindText, key: true})
		}
		t.cols = append(t.cols, column{name: "ref", kind: kindInt}, column{name: "note", kind: kindText})
		if i == 0 || !d.in(3) {
			for k := range 1 + d.n(3) {
				c := column{name: sealedNames[k], kind: w.kind(d), sealed: true}
				c.indexes = w.indexes(d, c.kind)
				w.ci = w.ci || c.ci
				t.cols = append(t.cols, c)
			}
		}
		for k := range d.n(3) {
			t.cols = append(t.cols, column{name: "x" + string(rune('a'+k)), kind: w.kind(d)})
		}
		t.together = w.compound(d, t)
		w.shuffle(d, t)
		w.tables = append(w.tables, t)
	}
	return w
}

// kind draws the kind of a column; half of them are text.
func (w *world) kind(d *dice) kind {
	if !d.in(2) {
		return kindText
	}
	for {
		k := kind(d.n(len(spellings[w.dialect])))
		if spellings[w.dialect][k] != "" {
			return k
		}
	}
}

// shuffle puts columns behind the first in another order.
func (w *world) shuffle(d *dice, t *table) {
	for i := len(t.cols) - 1; i > 1; i-- {
		j := 1 + d.n(i)
		t.cols[i], t.cols[j] = t.cols[j], t.cols[i]
	}
}

func (w *world) spelling(k kind) string { return spellings[w.dialect][k] }

// create is the table as a program knows it; the plain one says how texts are
// compared, where the encrypted one has that in its configuration.
func (w *world) create(t *table, plain bool) string {
	var cols []string
	for _, c := range t.cols {
		typ := w.spelling(c.kind)
		if plain && c.sealed && c.kind == kindText {
			typ += w.collation(c.ci)
		}
		if c.name == "tenant" {
			typ = map[rewrite.Dialect]string{
				rewrite.Postgres: `varchar(20) COLLATE "C"`, rewrite.MySQL: "varbinary(20)", rewrite.SQLite: "varchar(20)",
			}[w.dialect]
		}
		if c.key {
			typ += " NOT NULL"
		}
		cols = append(cols, c.name+" "+typ)
	}
	key := "id"
	if t.tenant {
		key = "tenant, id"
	}
	for _, c := range t.cols {
		if c.unique {
			cols = append(cols, "UNIQUE ("+t.uniqueKey(c)+")")
		}
	}
	if t.together != nil && t.together.unique {
		cols = append(cols, "UNIQUE ("+t.together.key(t)+")")
	}
	return fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s))", t.name, strings.Join(cols, ", "), key)
}

// view is a view over a table, as a program makes it: of the table itself, of a
// derived table, of a common table, or of rows that are united.
func (w *world) view(t *table) string {
	var list []string
	for _, c := range t.cols {
		list = append(list, "b."+c.name)
	}
	items := "SELECT " + strings.Join(list, ", ") + " FROM "
	head := "CREATE VIEW s_" + t.name + " AS "
	switch len(t.cols) % 4 {
	case 0:
		return head + items + "(" + items + t.name + " b) b"
	case 1:
		return head + "WITH d AS (" + items + t.name + " b) " + items + "d b"
	case 2:
		return head + items + t.name + " b WHERE b.id < 5 UNION ALL " + items + t.name + " b WHERE b.id >= 5"
	}
	return head + items + t.name + " b"
}

// config annotates the tables; prefix is that of their names.
func (w *world) config(prefix string, plans int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `version: 1
service: fuzz
product: sql
kms: {static: {key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", insecure: true}}
metastore: memory
limits: {plan_cache: %d}
defaults: {verify: %s}
tables:
`, plans, map[bool]string{false: "never", true: "always"}[w.verify])
	for _, t := range w.tables {
		if len(t.sealed()) == 0 {
			continue
		}
		fmt.Fprintf(&b, "  %s%s:\n", prefix, t.name)
		if t.tenant {
			b.WriteString("    partition: {column: tenant, type: text}\n")
		}
		b.WriteString("    columns:\n")
		for _, c := range t.sealed() {
			fmt.Fprintf(&b, "      %s: {type: %q%s}\n", c.name, w.spelling(c.kind), c.config(w.dialect, c.kind))
		}
		b.WriteString(t.together.config(w))
	}
	return b.String()
}

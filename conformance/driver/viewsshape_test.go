package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// shapedViews are made through both drivers, indexedShapes past the driver with
// what is in braces.
var shapedViews = []string{
	"CREATE VIEW every AS SELECT id, email, bio, points, price, born, seen, prefs, note FROM people",
	"CREATE VIEW renamed (k, mail) AS SELECT id, email FROM people WHERE id > 3",
	"CREATE VIEW nested AS SELECT k, mail AS m FROM renamed",
}

var indexedShapes = []string{
	"CREATE VIEW searched AS SELECT id, email, note{, email_bidx} FROM people",
	"CREATE VIEW two AS SELECT {p.email_bidx AS x, }p.email AS a, p.id, q.email AS b{, q.email_bidx} FROM people p JOIN people q ON q.id = p.id",
	"CREATE VIEW named (k, mail{, mail_index}) AS SELECT id, email{, email_bidx} FROM people",
	"CREATE VIEW over_searched AS SELECT id, email AS e{, email_bidx AS e_bidx} FROM searched",
}

var shapedNames = []string{"every", "renamed", "nested", "searched", "two", "named", "over_searched"}

var viewShapeQueries = map[rewrite.Dialect][]string{
	rewrite.Postgres: {
		`SELECT column_name, data_type, udt_name, is_nullable, character_maximum_length, character_octet_length, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision, column_default
			FROM information_schema.columns WHERE table_name = '{V}' ORDER BY ordinal_position`,
		"SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attlen, a.attcollation FROM pg_attribute a WHERE a.attrelid = '{V}'::regclass AND a.attnum > 0 ORDER BY a.attnum",
		"SELECT column_name FROM information_schema.columns c JOIN information_schema.views v USING (table_schema, table_name) WHERE v.table_name = '{V}' ORDER BY 1",
		"SELECT view_definition FROM information_schema.views WHERE table_name = '{V}'",
		"SELECT definition, schemaname = current_schema() FROM pg_views WHERE viewname = '{V}'",
	},
	rewrite.MySQL: {
		`SELECT column_name, column_default, is_nullable, data_type, character_maximum_length, character_octet_length, column_type, column_key, extra, numeric_precision, numeric_scale, datetime_precision, character_set_name, collation_name
			FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '{V}' ORDER BY ordinal_position`,
		"SELECT replace(view_definition, database(), 'd') AS t FROM information_schema.VIEWS WHERE table_schema = DATABASE() AND table_name = '{V}'",
	},
	rewrite.SQLite: {
		"SELECT name, type FROM pragma_table_info('{V}')",
		"SELECT name, type, hidden FROM pragma_table_xinfo('{V}', 'main')",
		"SELECT name, type, sql FROM sqlite_master WHERE name = '{V}'",
	},
}

// TestCatalogShowsTheLogicalShapeOfViews compares what the database says of views
// over encrypted columns with what it says of those over plain ones.
func TestCatalogShowsTheLogicalShapeOfViews(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			seen := "timestamp"
			if e.dialect == rewrite.MySQL {
				seen = "datetime"
			}
			config := strings.NewReplacer("SEEN", seen, "MORE", "").Replace(shapeConfig)
			x := &twins{t: t, w: e.open(t, config)}
			x.plain = e.open(t, config).plain
			x.both("CREATE TABLE people (id {INT} NOT NULL PRIMARY KEY, email varchar(80) NOT NULL UNIQUE, bio text, points bigint, price numeric(10,2), born date, seen " + seen + ", prefs json, note varchar(40))")
			for _, v := range shapedViews {
				x.both(v)
			}
			for _, v := range indexedShapes {
				if _, err := x.plain.Exec(inBraces(v, false)); err != nil {
					t.Fatal(err)
				}
				x.w.other(inBraces(v, true))
			}
			if e.dialect == rewrite.Postgres {
				if _, err := x.plain.Exec("CREATE MATERIALIZED VIEW stored AS SELECT id, email, price FROM people"); err != nil {
					t.Fatal(err)
				}
				x.w.other("CREATE MATERIALIZED VIEW stored AS SELECT id, email, price, email_bidx FROM people")
			}
			outlive(catalogAge)
			for _, q := range viewShapeQueries[e.dialect] {
				for _, v := range shapedNames {
					x.query(strings.ReplaceAll(q, "{V}", v))
				}
			}
			x.describedViews()
		})
	}
}

// describedViews compares reports that are no queries, and those of a
// materialized view.
func (x *twins) describedViews() {
	forms := map[rewrite.Dialect][]string{
		rewrite.Postgres: {
			"SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = 'stored'::regclass AND a.attnum > 0 ORDER BY a.attnum",
			"SELECT definition FROM pg_matviews WHERE matviewname = 'stored'",
		},
		rewrite.MySQL:  {"DESCRIBE {V}", "SHOW FULL COLUMNS FROM {V}", "SHOW COLUMNS FROM {V} LIKE '%m%'"},
		rewrite.SQLite: {"PRAGMA table_info({V})", "PRAGMA main.table_xinfo('{V}')"},
	}
	for _, f := range forms[x.w.dialect] {
		for _, v := range shapedNames {
			if v == "every" { // where MySQL spells types otherwise than they were declared
				continue
			}
			q := strings.ReplaceAll(f, "{V}", v)
			want, err := ask(x.plain, q, 0, nil)
			x.w.must(err)
			got, err := ask(x.w.db, q, 0, nil)
			x.w.must(err)
			if x.w.dialect != rewrite.Postgres {
				x.w.equal(typesOf(got), typesOf(want))
				continue
			}
			x.w.equal(got, want)
		}
	}
}

// inBraces keeps what is in braces, or leaves it out.
func inBraces(text string, kept bool) string {
	for {
		before, rest, found := strings.Cut(text, "{")
		if !found {
			return text
		}
		inside, after, _ := strings.Cut(rest, "}")
		if !kept {
			inside = ""
		}
		text = before + inside + after
	}
}

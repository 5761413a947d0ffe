package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const shapeConfig = head + `tables:
  people:
    columns:
      email: {type: varchar(80), search: {equality: {collation: ci, unique: exact}}}
      bio: {type: text, search: {prefix: {collation: binary}}}
      points: {type: bigint}
      price: {type: "numeric(10,2)"}
      born: {type: date}
      seen: {type: SEEN}
      prefs: {type: json}
MORE  binaries:
    columns:
      name: {type: varchar(40), search: {equality: {unique: exact, collation: binary}}}
  later:
    columns:
      name: {type: varchar(40), search: {equality: {unique: exact, collation: binary}}}
`

// catalogQueries are what migrators ask: information_schema and pg_catalog as
// GORM, Atlas and psql read them, sqlite_schema as GORM and xorm do.
var catalogQueries = map[rewrite.Dialect][]string{
	rewrite.Postgres: {
		`SELECT column_name, data_type, udt_name, is_nullable, character_maximum_length, character_octet_length, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision, column_default
			FROM information_schema.columns WHERE table_name = 'people' ORDER BY ordinal_position`,
		`SELECT c.column_name, c.is_nullable = 'YES', c.udt_name, c.character_maximum_length, 8 * typlen, c.column_default, pd.description
			FROM information_schema.columns AS c JOIN pg_type AS pgt ON c.udt_name = pgt.typname
			LEFT JOIN pg_catalog.pg_description AS pd ON pd.objsubid = c.ordinal_position AND pd.objoid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = c.table_name AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = c.table_schema))
			WHERE table_name = 'people' ORDER BY c.ordinal_position`,
		`SELECT a.attname AS column_name, format_type(a.atttypid, a.atttypmod) AS data_type, a.attnotnull, a.attlen, a.attcollation
			FROM pg_attribute a JOIN pg_class b ON a.attrelid = b.oid WHERE a.attnum > 0 AND NOT attisdropped AND b.relname = 'people' ORDER BY attnum`,
		"SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = 'people'::regclass AND attnum > 0 AND NOT pg_attribute.attisdropped ORDER BY attnum",
		"SELECT conname, contype FROM pg_constraint WHERE conrelid = 'people'::regclass AND contype <> 'n' ORDER BY conname",
		"SELECT constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_name = 'people' AND constraint_name NOT LIKE '%not_null' ORDER BY 1",
		"SELECT c.column_name, constraint_type FROM information_schema.table_constraints tc JOIN information_schema.constraint_column_usage AS ccu USING (constraint_schema, constraint_catalog, table_name, constraint_name) JOIN information_schema.columns AS c ON c.table_schema = tc.constraint_schema AND tc.table_name = c.table_name AND ccu.column_name = c.column_name WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND c.table_name = 'people' ORDER BY 1",
		"SELECT k.constraint_name, k.column_name FROM information_schema.key_column_usage k WHERE k.table_name = 'people' ORDER BY 1",
		"SELECT count(*) FROM information_schema.columns WHERE table_schema = CURRENT_SCHEMA() AND table_name = 'people' AND column_name = 'email'",
		"SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'people' ORDER BY 1",
		`SELECT t.relname, i.relname, a.attname, x.indisunique, x.indisprimary, pg_index_column_has_property(x.indexrelid, x.ord, 'desc')
			FROM (SELECT *, generate_series(1, array_length(i.indkey, 1)) AS ord, unnest(i.indkey) AS key FROM pg_index i) x
			JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
			LEFT JOIN pg_attribute a ON (a.attrelid, a.attnum) = (x.indrelid, x.key) WHERE t.relname = 'people' ORDER BY 2, x.ord`,
		`SELECT attr.attname, EXISTS (SELECT 1 FROM pg_catalog.pg_index x WHERE attr.attrelid = x.indrelid AND attr.attnum = ANY (x.indkey) AND x.indisprimary), tp.typname, tp.typcategory
			FROM pg_catalog.pg_attribute AS attr JOIN pg_catalog.pg_class AS cls ON cls.oid = attr.attrelid JOIN pg_catalog.pg_type AS tp ON tp.oid = attr.atttypid
			WHERE cls.relname = 'people' AND NOT attr.attisdropped AND attr.attnum > 0 ORDER BY attr.attnum`,
	},
	rewrite.MySQL: {
		`SELECT column_name, column_default, is_nullable = 'YES', data_type, character_maximum_length, character_octet_length, column_type, column_key, extra, column_comment, numeric_precision, numeric_scale, datetime_precision, character_set_name
			FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'people' AND column_name NOT IN ('email') ORDER BY ORDINAL_POSITION`,
		"SELECT column_name, column_type FROM INFORMATION_SCHEMA.COLUMNS c WHERE c.table_schema = DATABASE() AND c.TABLE_NAME = 'people' ORDER BY 1",
		"SELECT constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_schema = DATABASE() AND table_name = 'people' ORDER BY 1",
		"SELECT index_name, column_name, non_unique FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'people' ORDER BY 1, 2",
		"SELECT constraint_name, column_name FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND table_name = 'people' ORDER BY 1, 2",
		"SELECT constraint_name, check_clause FROM information_schema.check_constraints WHERE constraint_schema = DATABASE() ORDER BY 1",
		"SELECT collation_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN ('people', 'binaries') AND column_name IN ('email', 'bio', 'prefs', 'name') ORDER BY table_name, column_name",
	},
	rewrite.SQLite: {
		"SELECT name, tbl_name FROM sqlite_master WHERE type = 'table' AND name = 'people'",
		"SELECT type, name, tbl_name FROM sqlite_schema AS s WHERE s.tbl_name = 'people' ORDER BY name",
		"SELECT count(*) FROM main.sqlite_master m WHERE m.type = 'table' AND m.name = 'people' AND (m.sql LIKE '%email varchar(80) UNIQUE%' OR m.sql LIKE '%price%numeric(10,2)%')",
		"SELECT instr(sql, 'sealsql') + instr(sql, '_bidx') + instr(sql, 'blob') FROM sqlite_master WHERE name = 'people'",
		"SELECT sql FROM sqlite_master WHERE type = 'index' AND name IN ('people_email', 'people_accents') ORDER BY name",
		"SELECT `name`, `type`, (not `notnull`) AS `nullable`, `dflt_value`, (`pk` <> 0) AS `pk`, `hidden` FROM pragma_table_xinfo('people') ORDER BY `cid`",
		"SELECT * FROM pragma_table_info('visits')",
		"SELECT `il`.`name`, `il`.`unique`, `il`.`origin`, `il`.`partial`, `m`.`sql` FROM pragma_index_list('people') AS il JOIN sqlite_master AS m ON il.name = m.name ORDER BY 1",
		"SELECT name, desc FROM pragma_index_xinfo('people_email') WHERE key = 1 ORDER BY seqno",
		"SELECT x.name FROM pragma_index_info('people_email') x",
		"SELECT `id`, `from`, `to`, `table` FROM pragma_foreign_key_list('visits') ORDER BY id, seq",
		"SELECT m.name, wr, strict FROM sqlite_master m JOIN pragma_table_list(m.name) WHERE m.type = 'table' AND m.name = 'people'",
	},
}

// TestCatalogShowsTheLogicalShape compares the database's answers about an
// encrypted table with those about the plain one that the program declares.
func TestCatalogShowsTheLogicalShape(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			seen, more, moreColumns := "timestamp", "", ""
			switch e.dialect {
			case rewrite.MySQL:
				seen = "datetime"
			case rewrite.Postgres:
				more = "      tags: {type: 'text[]'}\n      marks: {type: 'varchar(3)[]'}\n      sums: {type: 'numeric(10,2)[]'}\n"
				moreColumns = ", tags text[], marks varchar(3)[], sums numeric(10,2) ARRAY"
			}
			config := strings.NewReplacer("SEEN", seen, "MORE", more).Replace(shapeConfig)
			x := &twins{t: t, w: e.open(t, config)}
			x.plain = e.open(t, config).plain
			x.both("CREATE TABLE people (id {INT} NOT NULL PRIMARY KEY, email varchar(80) NOT NULL UNIQUE, bio text, points bigint, price numeric(10,2), born date, seen " + seen + ", prefs json, note varchar(40)" + moreColumns + ")")
			x.both("CREATE TABLE visits (id {INT} PRIMARY KEY, person {INT})")
			if e.dialect == rewrite.MySQL { // a key may have the name of its column
				x.both("CREATE TABLE binaries (id {INT} PRIMARY KEY, name varchar(40), UNIQUE KEY name (name)) COLLATE utf8mb4_bin")
				x.both("CREATE TABLE later (id {INT} PRIMARY KEY, name varchar(40))")
				x.both("ALTER TABLE later ADD UNIQUE INDEX name (name)")
				x.query("SELECT table_name, index_name, column_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name IN ('binaries', 'later') ORDER BY 1, 2")
			}
			if e.dialect == rewrite.SQLite {
				x.both(`CREATE INDEX people_email ON people ("email")`)
				x.both("CREATE INDEX people_accents ON `people` (`email`)")
			}
			for _, q := range catalogQueries[e.dialect] {
				x.query(q)
			}
			if e.dialect == rewrite.Postgres {
				x.query("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'visits' ORDER BY 1")
			}
		})
	}
}

package endtoend_test

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
)

const defaultsConfig = head + `metastore: memory
tables:
  HERE.jobs:
    columns:
      state: {type: varchar(20), default: new, search: {equality: {collation: binary}}}
      note: {type: varchar(40), default: "it's \\ \"so\" Ü"}
      n: {type: int, default: -18}
      price: {type: "numeric(6,2)", default: 1.50}
      ok: {type: boolean, default: TRUE}
      born: {type: date, default: "2001-02-03"}
      blank: {type: varchar(20), default: ""}
      free: {type: varchar(20)}
`

const jobsTable = `CREATE TABLE jobs (id int PRIMARY KEY, title varchar(20) DEFAULT 'untitled', state varchar(20) NOT NULL DEFAULT 'new',
	note varchar(40) DEFAULT NOTE, n int DEFAULT -18, price numeric(6,2) DEFAULT 1.50, ok boolean DEFAULT TRUE,
	born date DEFAULT '2001-02-03', blank varchar(20) NOT NULL DEFAULT '', free varchar(20))`

// TestDefaultsAreFilledInAsByThePlainTable: the configuration's default of an encrypted
// column is what the plain table's DEFAULT is, and the encrypted table has none.
func TestDefaultsAreFilledInAsByThePlainTable(t *testing.T) {
	notMySQL := []string{
		"INSERT INTO jobs (id) VALUES (30) ON CONFLICT (id) DO NOTHING",
		"INSERT INTO jobs (id, state, n) VALUES (30, 'x', 9) ON CONFLICT (id) DO UPDATE SET state = excluded.state, note = excluded.note, n = excluded.n",
	}
	onPostgres := append(notMySQL,
		"INSERT INTO jobs VALUES (31)",
		"INSERT INTO jobs VALUES (32, 'x', DEFAULT, 'y', DEFAULT)",
		"INSERT INTO jobs (id, state, n, free) VALUES (33, DEFAULT, DEFAULT, DEFAULT), (34, 'x', 7, DEFAULT)",
		"UPDATE jobs SET state = DEFAULT, ok = DEFAULT, born = DEFAULT, free = DEFAULT WHERE id IN (1, 34)",
		"UPDATE jobs SET (state, n) = (DEFAULT, DEFAULT) WHERE id = 2",
		"WITH w AS (INSERT INTO jobs (id) VALUES (35) RETURNING id) UPDATE jobs SET title = 'w' FROM w WHERE jobs.id = 1",
		"MERGE INTO jobs j USING (SELECT 36 AS id) o ON j.id = o.id WHEN NOT MATCHED THEN INSERT (id, free) VALUES (o.id, NULL)",
		"ALTER TABLE jobs ALTER COLUMN state SET DEFAULT 'new'",
		"INSERT INTO jobs (id) VALUES (37); INSERT INTO jobs (id, n) VALUES (38, DEFAULT)",
	)
	onMySQL := []string{
		"INSERT INTO jobs SET id = 31, n = 4",
		"INSERT INTO jobs () VALUES (32, 'x', DEFAULT, 'y', DEFAULT, 1, 0, NULL, DEFAULT, DEFAULT)",
		"INSERT INTO jobs VALUES (33, 'x', DEFAULT, 'y', DEFAULT, 1, 0, NULL, DEFAULT, DEFAULT)",
		"INSERT INTO jobs (id, state, n, free) VALUES (34, DEFAULT, DEFAULT, DEFAULT), (35, 'x', 7, DEFAULT)",
		"UPDATE jobs SET state = DEFAULT, ok = DEFAULT, born = DEFAULT, free = DEFAULT WHERE id IN (1, 35)",
		"REPLACE INTO jobs (id, n) VALUES (31, 8)",
		"REPLACE INTO jobs SET id = 34",
		"INSERT INTO jobs (id) VALUES (2), (36) ON DUPLICATE KEY UPDATE state = VALUES(state), note = 'z', n = DEFAULT",
		"INSERT IGNORE INTO jobs (id) VALUES (36)",
		"ALTER TABLE jobs ALTER COLUMN state SET DEFAULT 'new'",
		"ALTER TABLE jobs MODIFY COLUMN n int DEFAULT -18",
	}
	for _, c := range []struct {
		flavour
		note  string
		texts []string
	}{
		{postgresFlavour(), `'it''s \ "so" Ü'`, onPostgres},
		{postgresFlavour("default_query_exec_mode=simple_protocol").named("simple_protocol"), `'it''s \ "so" Ü'`, onPostgres},
		{mysqlFlavour(), `'it''s \\ "so" Ü'`, onMySQL},
		{mysqlFlavour("interpolateParams=true").named("interpolating"), `'it''s \\ "so" Ü'`, onMySQL},
		{sqliteFlavour(), `'it''s \ "so" Ü'`, append(notMySQL,
			"INSERT OR REPLACE INTO jobs (id, n) VALUES (30, 8)",
			"REPLACE INTO jobs (id) VALUES (31)",
			"INSERT OR IGNORE INTO jobs (id) VALUES (31)",
		)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.open(t, defaultsConfig)
			p.both(t, strings.Replace(jobsTable, "NOTE", c.note, 1))
			p.both(t, "CREATE TABLE other (id int PRIMARY KEY, title varchar(20))")
			p.both(t, "INSERT INTO other (id, title) VALUES (41, 'a'), (42, 'b')")
			args := []any{1, 2, 3, "given", nil}
			marks := func(format string) string { return marked(c.flavour, format) }
			p.both(t, marks("INSERT INTO jobs (id) VALUES (#), (#)"), args[:2]...)
			p.both(t, marks("INSERT INTO jobs (id, state, note) VALUES (#, #, #)"), args[2:]...)
			p.both(t, "INSERT INTO jobs (id, title) SELECT id, title FROM other WHERE id > 40")
			for _, text := range c.texts {
				p.both(t, text)
			}
			const shown = "SELECT id, title, state, note, n, price, ok, born, blank, free FROM jobs ORDER BY id"
			want, got := dump(t, p.plain, shown), dump(t, p.sealed, shown)
			if len(want) < 7 || !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%v, want\n%v", got, want)
			}
			for _, row := range dump(t, p.stored(t), "SELECT * FROM jobs") {
				for _, v := range row {
					if b, ok := v.([]byte); ok && strings.Contains(string(b), "\"so\"") {
						t.Errorf("a default is stored in clear: %q", b)
					}
				}
			}
			found := dump(t, p.plain, "SELECT id FROM jobs WHERE state = 'new' ORDER BY id")
			if got := dump(t, p.sealed, "SELECT id FROM jobs WHERE state = 'new' ORDER BY id"); len(found) < 5 || !reflect.DeepEqual(got, found) {
				t.Errorf("by index: got %v, want %v", got, found)
			}
		})
	}
}

// marked writes the flavour's placeholders for #.
func marked(f flavour, format string) string {
	var b strings.Builder
	n := 0
	for _, r := range format {
		if r == '#' {
			n++
			b.WriteString(f.mark(n))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func TestCopiedRowsHaveTheDefaults(t *testing.T) {
	p := postgresFlavour().open(t, defaultsConfig)
	p.both(t, strings.Replace(jobsTable, "NOTE", `'it''s \ "so" Ü'`, 1))
	rows := [][]any{{1, "a"}, {2, nil}}
	withConn(t, p.sealed, func(c *sql.Conn) {
		if n, err := postgres.CopyFrom(context.Background(), c, pgx.Identifier{"jobs"}, []string{"id", "free"}, pgx.CopyFromRows(rows)); n != 2 || err != nil {
			t.Fatal(n, err)
		}
	})
	withConn(t, p.plain, func(c *sql.Conn) {
		if n, err := plainCopy(context.Background(), c, pgx.Identifier{"jobs"}, []string{"id", "free"}, pgx.CopyFromRows(rows)); n != 2 || err != nil {
			t.Fatal(n, err)
		}
	})
	compareDump(t, p, "SELECT id, title, state, note, n, price, ok, born, blank, free FROM jobs ORDER BY id")
}

func TestLoadedRowsHaveTheDefaults(t *testing.T) {
	p := mysqlFlavour().open(t, defaultsConfig)
	p.both(t, strings.Replace(jobsTable, "NOTE", `'it''s \\ "so" Ü'`, 1))
	rows := func() iter.Seq2[[]any, error] { return sequence(nil, []any{1, "a"}, []any{2, nil}) }
	withConn(t, p.sealed, func(c *sql.Conn) {
		if n, err := mysql.LoadData(context.Background(), c, []string{"jobs"}, []string{"id", "free"}, rows()); n != 2 || err != nil {
			t.Fatal(n, err)
		}
	})
	if n, err := mysql.InsertRows(context.Background(), p.plain, []string{"jobs"}, []string{"id", "free"}, rows()); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	compareDump(t, p, "SELECT id, title, state, note, n, price, ok, born, blank, free FROM jobs ORDER BY id")
}

// A default that is no value of its column fails when it is to be stored, by name.
func TestADefaultThatDoesNotFitIsAnError(t *testing.T) {
	for _, f := range []flavour{postgresFlavour(), mysqlFlavour()} {
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, head+"metastore: memory\ntables:\n  HERE.jobs: {columns: {n: {type: int, default: many}}}\n")
			if _, err := p.sealed.Exec("CREATE TABLE jobs (id int PRIMARY KEY, n int)"); err != nil {
				t.Fatal(err)
			}
			_, err := p.sealed.Exec("INSERT INTO jobs (id) VALUES (1)")
			var column *sealsql.ColumnError
			if !errors.As(err, &column) || !strings.HasSuffix(column.Column, "jobs.n") || strings.Contains(err.Error(), "many") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The catalog shows the defaults as that of the plain database does, though the
// encrypted table has none.
func TestTheCatalogShowsTheDefaults(t *testing.T) {
	for _, c := range []struct {
		flavour
		note    string
		queries []string
	}{
		{postgresFlavour(), `'it''s \ "so" Ü'`, []string{
			"SELECT column_name, column_default, is_nullable FROM information_schema.columns WHERE table_name = 'jobs' ORDER BY ordinal_position",
			"SELECT c.column_default AS d FROM information_schema.columns c WHERE c.table_name = 'jobs' AND c.column_name IN ('state', 'title') ORDER BY c.column_name",
		}},
		{postgresFlavour("default_query_exec_mode=simple_protocol").named("simple_protocol"), `'it''s \ "so" Ü'`, []string{
			"SELECT column_name, column_default FROM information_schema.columns WHERE table_name = 'jobs' ORDER BY ordinal_position",
		}},
		{mysqlFlavour(), `'it''s \\ "so" Ü'`, []string{
			"SELECT column_name, column_default, is_nullable FROM information_schema.columns WHERE table_schema = database() AND table_name = 'jobs' ORDER BY ordinal_position",
		}},
		{sqliteFlavour(), `'it''s \ "so" Ü'`, []string{
			"SELECT name, dflt_value FROM pragma_table_info('jobs') ORDER BY cid",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.open(t, defaultsConfig)
			p.both(t, strings.Replace(jobsTable, "NOTE", c.note, 1))
			for _, q := range c.queries {
				compareDump(t, p, q)
			}
			if c.plain != "sqlite" {
				return
			}
			var text string
			if err := p.sealed.QueryRow("SELECT sql FROM sqlite_master WHERE name = 'jobs'").Scan(&text); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{`DEFAULT "new"`, "DEFAULT -18", "DEFAULT TRUE", `DEFAULT "it's \ ""so"" Ü"`, `DEFAULT ""`} {
				if !strings.Contains(text, want) {
					t.Errorf("no %s in %s", want, text)
				}
			}
		})
	}
}

package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql/internal/testenv"
)

// live is an engine with an empty database.
type live struct {
	dialect, plain, sealed string
	dsn                    func(t *testing.T) string
}

const passwordCanary = "PW-5d41402a"

var lives = []live{
	{"sqlite", "sqlite", "encrypted-sqlite", func(t *testing.T) string {
		return "file:" + filepath.Join(t.TempDir(), "app.db") + "?_pragma=foreign_keys(1)"
	}},
	{"postgres", "pgx", "encrypted-postgres", func(t *testing.T) string { return testenv.Postgres(t) }},
	{"mysql", "mysql", "encrypted-mysql", func(t *testing.T) string { return testenv.MySQL(t) }},
}

const liveConfig = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
memory: prefer
guards: require
tables:
  people:
    columns:
      ssn: {type: varchar(40)}
      fax: {type: varchar(40), carrier: text}
      salary: {type: %s}
`

type bench struct {
	live
	t      *testing.T
	config string
	source string
	db     *sql.DB
}

func newBench(t *testing.T, l live) *bench {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	t.Setenv("SEALSQL_TEST_KEY", hex.EncodeToString(key))
	b := &bench{live: l, t: t, config: filepath.Join(t.TempDir(), "sealsql.yaml"), source: l.dsn(t)}
	if err := os.WriteFile(b.config, fmt.Appendf(nil, liveConfig, "int"), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.db, err = sql.Open(l.plain, b.source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.db.Close() })
	return b
}

// command runs sealsql and returns its output.
func (b *bench) command(want int, args ...string) string {
	b.t.Helper()
	var out, errs bytes.Buffer
	if got := run(args, &out, &errs); got != want {
		b.t.Fatalf("sealsql %s: exit status %d\n%s%s", args[0], got, &out, &errs)
	}
	return out.String() + errs.String()
}

func (b *bench) ddl(want int, more ...string) string {
	b.t.Helper()
	return b.command(want, append([]string{"ddl", "--config", b.config, "--dialect", b.dialect, "--db", b.source}, more...)...)
}

// plainly runs a script through the plain driver on one connection, statement
// by statement where the driver takes no more.
func (b *bench) plainly(script string) error {
	conn, err := b.db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, stmt := range strings.Split(script, ";\n") {
		if strings.TrimSpace(stmt) == "" {
			continue
		}
		if _, err := conn.ExecContext(context.Background(), stmt); err != nil {
			return fmt.Errorf("%s: %w", stmt, err)
		}
	}
	return nil
}

func (b *bench) must(script string) {
	b.t.Helper()
	if err := b.plainly(script); err != nil {
		b.t.Fatal(err)
	}
}

// encrypted opens the database through the encrypting driver.
func (b *bench) encrypted() *sql.DB {
	b.t.Helper()
	sep := "?"
	if strings.Contains(b.source, "?") {
		sep = "&"
	}
	db, err := sql.Open(b.sealed, b.source+sep+"sealsql_config="+url.QueryEscape(b.config))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { db.Close() })
	return db
}

// works writes and reads through the encrypting driver, and checks that the
// server refuses plaintext in every column.
func (b *bench) works() {
	b.t.Helper()
	b.command(exitOK, "metastore", "init", "--config", b.config, "--dialect", b.dialect, "--dsn", b.source)
	db := b.encrypted()
	if err := db.Ping(); err != nil {
		b.t.Fatalf("open with guards: require: %v", err)
	}
	if _, err := db.Exec("INSERT INTO people (id, ssn, fax, salary) VALUES (90, '123-45-6789', '555-1', 4200)"); err != nil {
		b.t.Fatal(err)
	}
	var ssn, fax string
	var salary int
	if err := db.QueryRow("SELECT ssn, fax, salary FROM people WHERE id = 90").Scan(&ssn, &fax, &salary); err != nil {
		b.t.Fatal(err)
	}
	if ssn != "123-45-6789" || fax != "555-1" || salary != 4200 {
		b.t.Errorf("got %q %q %d", ssn, fax, salary)
	}
	long := strings.Repeat("x", 100)
	for _, column := range []string{"ssn", "fax", "salary"} {
		for _, value := range []string{long, "short", "ss1.short"} {
			_, err := b.db.Exec("INSERT INTO people (id, " + column + ") VALUES (91, '" + value + "')")
			if err == nil {
				b.t.Errorf("%s: the server took plaintext through the plain driver", column)
			}
		}
	}
	if got := b.ddl(exitOK); !strings.Contains(got, "Nothing is missing") {
		b.t.Errorf("ddl on a complete database says: %s", got)
	}
}

func everyEngine(t *testing.T, f func(*bench)) {
	for _, l := range lives {
		t.Run(l.dialect, func(t *testing.T) { f(newBench(t, l)) })
	}
}

func TestPrintedSchemaKeepsPlaintextOut(t *testing.T) {
	everyEngine(t, func(b *bench) {
		script := filepath.Join(b.t.TempDir(), "schema.sql")
		logical := `-- people; their details
CREATE TABLE people (id int PRIMARY KEY, name varchar(40), ssn varchar(40), fax varchar(40), salary int);
CREATE INDEX people_name ON people (name);
CREATE TABLE cards (id int PRIMARY KEY, person int REFERENCES people (id));
CREATE VIEW names AS SELECT id, name FROM people;
`
		if err := os.WriteFile(script, []byte(logical), 0o600); err != nil {
			b.t.Fatal(err)
		}
		b.must(b.command(exitOK, "ddl", "--config", b.config, "--dialect", b.dialect, "--schema", script))
		b.works()
	})
}

func TestGuardsAreAddedToAnExistingDatabase(t *testing.T) {
	everyEngine(t, func(b *bench) {
		binary := map[string]string{"sqlite": "BLOB", "postgres": "bytea", "mysql": "varbinary(400)"}[b.dialect]
		b.must("CREATE TABLE people (id int PRIMARY KEY, name varchar(40), ssn " + binary + ", fax varchar(400), salary " + binary + ");\n" +
			"CREATE INDEX people_name ON people (name);\nINSERT INTO people (id, name) VALUES (1, 'ann');\n")
		db := b.encrypted()
		if err := db.Ping(); err == nil {
			b.t.Error("opened without guards though they are required")
		} else if !strings.Contains(err.Error(), "people.ssn") || !strings.Contains(err.Error(), "sealsql ddl") {
			b.t.Errorf("the error names neither the column nor the command: %v", err)
		}
		printed := b.ddl(exitOK)
		b.ddl(exitFault, "--check")
		b.must(printed)
		b.works()
		var n int
		if err := b.db.QueryRow("SELECT count(*) FROM people WHERE name = 'ann'").Scan(&n); err != nil || n != 1 {
			b.t.Errorf("the row that was there: %d, %v", n, err)
		}
	})
}

// A role or a database may set bytea_output, under which PostgreSQL shows guards in
// another spelling.
func TestGuardsAreReadWhateverTheDatabaseSets(t *testing.T) {
	b := newBench(t, lives[1])
	b.must("CREATE TABLE people (id int PRIMARY KEY, name varchar(40), ssn varchar(40), fax varchar(400), salary int)")
	b.must(b.ddl(exitOK))
	b.must("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET bytea_output = ''escape''', current_database()); END $$")
	if got := b.ddl(exitOK, "--check"); !strings.Contains(got, "Nothing is missing") {
		t.Errorf("ddl on a complete database says: %s", got)
	}
}

func TestTypesOfEmptyColumnsAreChanged(t *testing.T) {
	everyEngine(t, func(b *bench) {
		comment := map[string]string{"mysql": ` COMMENT 'a \\ and a '' quote'`}[b.dialect]
		b.must("CREATE TABLE people (id int PRIMARY KEY, name varchar(40), ssn varchar(40)" + comment + ", fax varchar(400), salary int);\n" +
			"INSERT INTO people (id, name) VALUES (1, 'ann');\n")
		b.must(b.ddl(exitOK))
		b.works()
		if b.dialect == "mysql" {
			var got string
			if err := b.db.QueryRow("SELECT COLUMN_COMMENT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'people' AND COLUMN_NAME = 'ssn'").Scan(&got); err != nil || got != `a \ and a ' quote` {
				b.t.Errorf("comment %q, %v", got, err)
			}
		}
	})
}

func TestMissingColumnsAreAdded(t *testing.T) {
	everyEngine(t, func(b *bench) {
		b.must("CREATE TABLE people (id int PRIMARY KEY, name varchar(40));\nINSERT INTO people VALUES (1, 'ann');\n")
		b.must(b.ddl(exitOK))
		b.works()
	})
}

func TestStatementsFailRatherThanTouchValues(t *testing.T) {
	everyEngine(t, func(b *bench) {
		b.must("CREATE TABLE people (id int PRIMARY KEY, name varchar(40), ssn varchar(40), fax varchar(400), salary int);\n" +
			"CREATE INDEX people_name ON people (name);\n" +
			"INSERT INTO people VALUES (1, 'ann', 'SECRET-SSN', 'SECRET-FAX', -77123);\nINSERT INTO people (id) VALUES (2);\n")
		printed := b.ddl(exitOK)
		// A client that goes on after an error loses nothing either.
		conn, err := b.db.Conn(context.Background())
		if err != nil {
			b.t.Fatal(err)
		}
		failed := 0
		for _, stmt := range strings.Split(printed, ";\n") {
			if strings.TrimSpace(stmt) == "" {
				continue
			}
			if _, err := conn.ExecContext(context.Background(), stmt); err != nil {
				failed++
				if strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "-77123") {
					b.t.Errorf("the error shows a value: %v", err)
				}
			}
		}
		conn.Close()
		if failed == 0 {
			b.t.Fatal("nothing failed")
		}
		var ssn, fax string
		var salary, n int
		if err := b.db.QueryRow("SELECT ssn, fax, salary FROM people WHERE id = 1").Scan(&ssn, &fax, &salary); err != nil {
			b.t.Fatal(err)
		}
		if ssn != "SECRET-SSN" || fax != "SECRET-FAX" || salary != -77123 {
			b.t.Errorf("values are now %q %q %d", ssn, fax, salary)
		}
		if err := b.db.QueryRow("SELECT count(*) FROM people").Scan(&n); err != nil || n != 2 {
			b.t.Errorf("%d rows, %v", n, err)
		}
	})
}

func TestWhatMustNotBeThereIsNamed(t *testing.T) {
	everyEngine(t, func(b *bench) {
		b.must("CREATE TABLE people (id int PRIMARY KEY, ssn varchar(400) DEFAULT 'none', fax varchar(400) UNIQUE, salary int, CHECK (salary > 0));\n")
		printed := b.ddl(exitOK)
		for _, want := range []string{
			"-- people.ssn: the column has a DEFAULT", "-- people.fax: a primary key or unique index", "-- people.salary: a CHECK constraint",
		} {
			if !strings.Contains(printed, want) {
				b.t.Errorf("no %q in\n%s", want, printed)
			}
		}
	})
}

func TestMetastoreInitIsIdempotent(t *testing.T) {
	everyEngine(t, func(b *bench) {
		for range 2 {
			out := b.command(exitOK, "metastore", "init", "--config", b.config, "--dialect", b.dialect, "--dsn", b.source)
			if b.dialect != "sqlite" && !strings.Contains(out, "GRANT SELECT, INSERT ON ") {
				b.t.Errorf("no grants: %s", out)
			}
			if b.dialect == "sqlite" && !strings.Contains(out, "app.db.keys") {
				b.t.Errorf("no file: %s", out)
			}
		}
		if b.dialect == "sqlite" {
			return
		}
		var n int
		if err := b.db.QueryRow("SELECT count(*) FROM encryption_key").Scan(&n); err != nil {
			b.t.Error(err)
		}
	})
}

func TestMetastoreOfAnotherDatabaseIsCreatedThere(t *testing.T) {
	everyEngine(t, func(b *bench) {
		other := b.dsn(b.t)
		b.t.Setenv("SEALSQL_KEYS_DSN", other)
		text := strings.Replace(fmt.Sprintf(liveConfig, "int"), "metastore: {sql: same}", "metastore: {sql: {dsn_env: SEALSQL_KEYS_DSN, table: our_keys}}", 1)
		if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
			b.t.Fatal(err)
		}
		b.command(exitOK, "metastore", "init", "--config", b.config, "--dialect", b.dialect)
		db, err := sql.Open(b.plain, other)
		if err != nil {
			b.t.Fatal(err)
		}
		defer db.Close()
		var n int
		if err := db.QueryRow("SELECT count(*) FROM our_keys").Scan(&n); err != nil || n != 0 {
			b.t.Errorf("%d rows, %v", n, err)
		}
	})
}

// TestPasswordsAreNotPrinted tries servers that do not answer and names that
// cannot be read.
func TestPasswordsAreNotPrinted(t *testing.T) {
	b := newBench(t, lives[0])
	for _, c := range []struct{ dialect, dsn string }{
		{"postgres", "postgres://app:" + passwordCanary + "@127.0.0.1:1/app?connect_timeout=1"},
		{"postgres", "host=127.0.0.1 port=1 user=app password=" + passwordCanary},
		{"postgres", "host=127.0.0.1 port=1 user=app password='" + passwordCanary + "'"},
		{"postgres", "postgres://app:" + passwordCanary + "@%zz/app"},
		{"postgres", "postgres://app:" + passwordCanary + "@127.0.0.1:port/app"},
		{"postgres", "postgres://app:%" + passwordCanary + "@127.0.0.1/app"},
		{"mysql", "app:" + passwordCanary + "@tcp(127.0.0.1:1)/app"},
		{"mysql", "app:" + passwordCanary + "@tcp(127.0.0.1:1"},
		{"mysql", "app:" + passwordCanary + "@nonsense(127.0.0.1:1)/app"},
		{"sqlite", "file:/nonexistent/" + passwordCanary + "/app.db?_pragma=key(" + passwordCanary + ")"},
	} {
		for _, args := range [][]string{{"ddl", "--db", c.dsn}, {"metastore", "init", "--dsn", c.dsn}} {
			out := b.command(exitFault, append(args, "--config", b.config, "--dialect", c.dialect)...)
			if c.dialect != "sqlite" && strings.Contains(out, passwordCanary) {
				t.Errorf("%s: the password is in %q", args[0], out)
			}
			if out == "" {
				t.Errorf("%s: no message", args[0])
			}
		}
	}
}

// strings of SQLite objects that a rebuild has to keep.
const liteSchema = `CREATE TABLE people (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- a comment, with (a parenthesis
  name TEXT COLLATE NOCASE,
  "salary" INTEGER,
  ssn, fax TEXT,
  upper_name TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL,
  boss INTEGER REFERENCES people (id),
  CONSTRAINT named UNIQUE (name) -- the last
);
CREATE TABLE log (entry TEXT);
CREATE TABLE cars (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE);
CREATE INDEX people_boss ON people (boss);
CREATE VIEW bosses AS SELECT id, name FROM people WHERE boss IS NULL;
CREATE TRIGGER people_log AFTER DELETE ON people BEGIN INSERT INTO log VALUES ('gone'); END;
INSERT INTO people (id, name) VALUES (1, 'ann'), (2, 'bob'), (7, 'eve');
INSERT INTO cars VALUES (1, 2);
UPDATE people SET boss = 1 WHERE id = 2;
DELETE FROM people WHERE id = 7;
`

func TestRebuiltTableKeepsWhatBelongsToIt(t *testing.T) {
	b := newBench(t, lives[0])
	config, err := os.ReadFile(b.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.config, append(config, "triggers: {people_log: clear}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.Exec(liteSchema); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.Exec(b.ddl(exitOK)); err != nil {
		t.Fatal(err)
	}
	b.works()
	for query, want := range map[string]string{
		"SELECT group_concat(id || upper_name || coalesce(boss, '-')) FROM people WHERE id < 90":                        "1ANN-,2BOB1",
		"SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY 1)": "bosses cars log people people_boss people_log",
		"SELECT group_concat(name) FROM bosses WHERE id < 90":                                                           "ann",
		"SELECT \"table\" FROM pragma_foreign_key_list('cars')":                                                         "people",
		"SELECT \"table\" FROM pragma_foreign_key_list('people')":                                                       "people",
		"SELECT count(*) FROM log":                                  "1",
		"SELECT count(*) FROM cars":                                 "1",
		"SELECT count(*) FROM pragma_foreign_key_check":             "0",
		"SELECT seq > 7 FROM sqlite_sequence WHERE name = 'people'": "1",
	} {
		var got string
		if err := b.db.QueryRow(query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q, want %q, %v", query, got, want, err)
		}
	}
}

func TestHighestNumberGivenOutIsKept(t *testing.T) {
	b := newBench(t, lives[0])
	if _, err := b.db.Exec("CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, ssn, fax, salary); INSERT INTO people (id) VALUES (41); DELETE FROM people"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.Exec(b.ddl(exitOK) + "INSERT INTO people (ssn) VALUES (NULL)"); err != nil {
		t.Fatal(err)
	}
	var id int
	if err := b.db.QueryRow("SELECT id FROM people").Scan(&id); err != nil || id != 42 {
		t.Errorf("the next number is %d, %v", id, err)
	}
}

func TestStrictTablesGetBlobs(t *testing.T) {
	b := newBench(t, lives[0])
	b.must("CREATE TABLE people (id INTEGER PRIMARY KEY, ssn TEXT, fax TEXT, salary INTEGER) STRICT, WITHOUT ROWID;\n")
	b.must(b.ddl(exitOK))
	b.works()
}

func TestNamesAreSpeltAsTheDatabaseSpellsThem(t *testing.T) {
	b := newBench(t, lives[1])
	b.must(`CREATE SCHEMA "Odd "" schema";` + "\n" + `CREATE TABLE "Odd "" schema"."People" (id int, "SSN" bytea, fax text, "Salary" bytea);` + "\n")
	if err := os.WriteFile(b.config, []byte(strings.Replace(fmt.Sprintf(liveConfig, "int"), "guards: require", "guards: off", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.must(b.ddl(exitOK))
	if got := b.ddl(exitOK); !strings.Contains(got, "Nothing is missing") {
		t.Error(got)
	}
	if _, err := b.db.Exec(`INSERT INTO "Odd "" schema"."People" VALUES (1, 'plaintext that is long enough to be a record')`); err == nil {
		t.Error("the server took plaintext")
	}
}

// chinookConfig encrypts people's details in the Chinook sample database.
const chinookConfig = `version: 1
service: chinook
product: shop
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
guards: require
tables:
  %[1]s:
    columns:
      %[2]s: {type: varchar(40)}
      Fax: {type: varchar(24), carrier: text}
      Email: {type: varchar(60)}
`

// statements of the scripts that are not DDL of this database.
var notSchema = regexp.MustCompile(`(?ms)^(INSERT INTO.*?\);|(CREATE|DROP) DATABASE.*?;|USE .*?;|\\c .*?;)\s*$`)

func TestSchemaOfChinookRunsOnItsEngines(t *testing.T) {
	shared := testenv.Shared(t)
	if shared == "" {
		return
	}
	everyEngine(t, func(b *bench) {
		text, err := os.ReadFile(filepath.Join(shared, "data", "chinook", b.dialect+".sql"))
		if err != nil {
			b.t.Fatal(err)
		}
		table, column := "Customer", "FirstName"
		if b.dialect == "postgres" {
			column = "first_name"
		}
		if err := os.WriteFile(b.config, fmt.Appendf(nil, chinookConfig, table, column), 0o600); err != nil {
			b.t.Fatal(err)
		}
		script := filepath.Join(b.t.TempDir(), "schema.sql")
		if err := os.WriteFile(script, notSchema.ReplaceAll(text, nil), 0o600); err != nil {
			b.t.Fatal(err)
		}
		printed := b.command(exitOK, "ddl", "--config", b.config, "--dialect", b.dialect, "--schema", script)
		b.must(strings.ReplaceAll(strings.TrimPrefix(printed, "\ufeff"), "\r\n", "\n"))
		if got := b.ddl(exitOK); !strings.Contains(got, "Nothing is missing") {
			b.t.Errorf("after its own output ddl says: %s", got)
		}
	})
}

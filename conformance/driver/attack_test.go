package drivertest_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	plainsqlite "modernc.org/sqlite"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/config"
	drivertest "github.com/sealsql/sealsql/conformance/driver"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// head begins every configuration of these tests. The catalog's age is the
// least that is allowed, so that the tests can wait for it.
const head = `version: 1
service: threats
product: test
kms: {static: {key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", insecure: true}}
metastore: memory
guards: off
catalog: {max_age: 100ms}
defaults: {partition: {const: p}}
`

// usersConfig annotates the table that most attacks are about.
const usersConfig = head + `tables:
  users:
    columns: {ssn: encrypted, email: encrypted}
`

// tenantConfig partitions it by a column of the row.
const tenantConfig = head + `tables:
  users:
    partition: {column: tenant, type: text}
    columns: {ssn: encrypted, email: encrypted}
`

// catalogAge is longer than the catalog's greatest age.
const catalogAge = 150 * time.Millisecond

// outlive lets d go by in steps: a timer of the driver that is due has then run,
// however busy the machine is.
func outlive(d time.Duration) {
	for range 5 {
		time.Sleep(d / 5)
	}
}

const usersTable = "CREATE TABLE users (id {INT} PRIMARY KEY, tenant {KEY}, ssn {BIN}, email {BIN}, note {TEXT})"

// world is a live database that is used in two ways: through the encrypting
// driver, where everything that is sent is collected, and by another process
// through the plain driver.
type world struct {
	t       testing.TB
	dialect rewrite.Dialect
	dsn     string // of the plain driver; for SQLite the file
	params  string // of this kind of connection
	plain   *sql.DB
	db      *sql.DB
	sent    *drivertest.Sent
	mark    string // the canary
	began   time.Time
	cfg     *config.Config
}

// engine opens worlds.
type engine struct {
	name    string
	dialect rewrite.Dialect
	params  string
}

var (
	onSQLite   = engine{"sqlite", rewrite.SQLite, ""}
	onPostgres = engine{"postgres", rewrite.Postgres, ""}
	onMySQL    = engine{"mysql", rewrite.MySQL, ""}

	all     = []engine{onSQLite, onPostgres, onMySQL}
	servers = []engine{onPostgres, onMySQL}
	// allModes adds the ways in which the drivers send arguments. Tests take
	// testenv.Sample of them.
	allModes = append(slices.Clone(all),
		engine{"postgres simple_protocol", rewrite.Postgres, "simple_protocol"}, engine{"postgres exec", rewrite.Postgres, "exec"},
		engine{"postgres cache_describe", rewrite.Postgres, "cache_describe"}, engine{"postgres describe_exec", rewrite.Postgres, "describe_exec"},
		engine{"mysql interpolateParams", rewrite.MySQL, "interpolateParams=true"}, engine{"mysql multiStatements", rewrite.MySQL, "multiStatements=true"})
)

// canary is random, so that nothing of another run is mistaken for it.
func canary(t testing.TB) string {
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return "canary" + hex.EncodeToString(b)
}

// open makes a database with the given tables, and opens it both ways. When the
// test ends the canary must not be in what was sent, nor in the files.
func (e engine) open(t *testing.T, yaml string, tables ...string) *world {
	t.Helper()
	cfg, err := config.Parse("sealsql.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dialect: e.dialect, params: e.params, sent: &drivertest.Sent{}, began: time.Now(), mark: canary(t), cfg: cfg}
	driver := map[rewrite.Dialect]string{rewrite.SQLite: "sqlite", rewrite.Postgres: "pgx", rewrite.MySQL: "mysql"}[e.dialect]
	dir := ""
	switch e.dialect {
	case rewrite.SQLite:
		dir = t.TempDir()
		w.dsn = filepath.Join(dir, "t.db") + "?_pragma=busy_timeout(60000)&_pragma=journal_mode(wal)"
	case rewrite.Postgres:
		w.dsn, dir = testenv.Postgres(t), os.Getenv(testenv.EnvPostgresDataDir)
	case rewrite.MySQL:
		w.dsn, dir = testenv.MySQL(t), os.Getenv(testenv.EnvMySQLDataDir)
	}
	if w.plain, err = sql.Open(driver, w.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.plain.Close() })
	for _, s := range tables {
		w.other(s)
	}
	w.db = w.wrapped()
	t.Cleanup(func() { w.db.Close() })
	t.Cleanup(func() { w.search(dir) })
	t.Cleanup(func() { w.silent("at the end") })
	return w
}

// wrapped opens the database through the encrypting driver, on one connection.
func (w *world) wrapped() *sql.DB {
	w.t.Helper()
	db := w.pool()
	db.SetMaxOpenConns(1)
	return db
}

func (w *world) pool() *sql.DB {
	w.t.Helper()
	switch w.dialect {
	case rewrite.Postgres:
		c, err := postgres.Wrap(relayedPostgres(w.t, w.dsn, w.params, w.sent), w.cfg)
		w.must(err)
		return sql.OpenDB(c)
	case rewrite.MySQL:
		c, err := mysql.Wrap(relayedMySQL(w.t, w.dsn, w.params, w.sent), w.cfg)
		w.must(err)
		return sql.OpenDB(c)
	}
	inner, err := plainsqlite.NewConnector(w.dsn)
	w.must(err)
	c, err := sqlite.Wrap(drivertest.RecordConn(inner, w.sent), w.cfg)
	w.must(err)
	return sql.OpenDB(c)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// search looks for the canary in the database's files.
func (w *world) search(dir string) {
	if dir == "" {
		return
	}
	if w.dialect == rewrite.Postgres {
		if _, err := w.plain.Exec("CHECKPOINT"); err != nil {
			w.t.Logf("the files were searched without a checkpoint: %v", err)
		}
	}
	found, err := testenv.SearchSince(dir, w.began, w.mark)
	if err != nil || len(found) > 0 {
		w.t.Errorf("the canary is in the files %v (%v)", found, err)
	}
}

// silent fails when the canary was sent in clear.
func (w *world) silent(when string) {
	w.t.Helper()
	if how := drivertest.Leaked(w.sent.Take(), w.mark); how != "" {
		w.t.Errorf("the canary went out %s: %s", how, when)
	}
}

// physical words differ between the engines; {M} is the canary as a literal.
func (w *world) text(s string) string {
	words := map[rewrite.Dialect][]string{
		rewrite.SQLite:   {"{INT}", "INTEGER", "{KEY}", "TEXT", "{OWNER}", "TEXT", "{BIN}", "BLOB", "{TEXT}", "TEXT"},
		rewrite.Postgres: {"{INT}", "INTEGER", "{KEY}", "TEXT", "{OWNER}", "TEXT", "{BIN}", "BYTEA", "{TEXT}", "TEXT"},
		rewrite.MySQL:    {"{INT}", "INTEGER", "{KEY}", "VARCHAR(40) CHARACTER SET utf8mb4 COLLATE " + testenv.ByteCollation(), "{OWNER}", "VARBINARY(40)", "{BIN}", "VARBINARY(600)", "{TEXT}", "VARCHAR(200)"},
	}[w.dialect]
	return strings.NewReplacer(append(words, "{M}", "'"+w.mark+"'", "{m}", w.mark)...).Replace(s)
}

// bind turns every "?" into the dialect's placeholder.
func (w *world) bind(s string) string {
	if w.dialect != rewrite.Postgres {
		return s
	}
	var out strings.Builder
	n := 0
	for _, c := range s {
		if c == '?' {
			n++
			fmt.Fprintf(&out, "$%d", n)
			continue
		}
		out.WriteRune(c)
	}
	return out.String()
}

// other runs a statement as another process would.
func (w *world) other(text string, args ...any) {
	w.t.Helper()
	if _, err := w.plain.Exec(w.text(text), args...); err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
}

// exec runs a statement that must succeed; "?" is a placeholder.
func (w *world) exec(text string, args ...any) {
	w.t.Helper()
	w.execContext(context.Background(), text, args...)
}

func (w *world) execContext(ctx context.Context, text string, args ...any) {
	w.t.Helper()
	_, err := w.db.ExecContext(ctx, w.bind(w.text(text)), args...)
	if err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
	w.silent(text)
}

// forms are the ways in which a program sends one statement.
func (w *world) forms(ctx context.Context, text string, args []any) map[string]func() error {
	return map[string]func() error{
		"exec": func() error {
			_, err := w.db.ExecContext(ctx, text, args...)
			return err
		},
		"query": func() error {
			_, err := rowsOf(w.db.QueryContext(ctx, text, args...))
			return err
		},
		"prepared": func() error {
			st, err := w.db.PrepareContext(ctx, text)
			if err != nil {
				return err
			}
			defer st.Close()
			_, err = st.ExecContext(ctx, args...)
			return err
		},
		"in a transaction": func() error {
			tx, err := w.db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			_, err = tx.ExecContext(ctx, text, args...)
			return err
		},
	}
}

// refused runs the statement in every form, with the canary as a literal ({M})
// and, where the text has one, as an argument. Each must be refused with a
// typed error that does not hold the canary, and nothing of it may go out.
func (w *world) refused(text string, want ...rewrite.Reason) {
	w.t.Helper()
	w.refusedContext(context.Background(), text, want...)
}

func (w *world) refusedContext(ctx context.Context, text string, want ...rewrite.Reason) {
	w.t.Helper()
	w.eachForm(ctx, text, func(form string, err error) {
		var u *rewrite.UnsupportedError
		switch {
		case err == nil:
			w.t.Errorf("%s: %s: not refused", form, text)
		case !errors.As(err, &u) || !errors.Is(err, sealsql.ErrRefused):
			w.t.Errorf("%s: %s: got %T %v, want a refusal", form, text, err, err)
		case len(want) > 0 && !slices.Contains(want, u.Reason):
			w.t.Errorf("%s: %s: refused because of %v, want %v", form, text, u.Reason, want)
		}
	})
}

// fails is for errors of the classes of package sealsql.
func (w *world) fails(ctx context.Context, class error, text string, args ...any) {
	w.t.Helper()
	w.eachFormWith(ctx, w.bind(w.text(text)), args, func(form string, err error) {
		if !errors.Is(err, class) {
			w.t.Errorf("%s: %s: got %v, want %v", form, text, err, class)
		}
	})
}

// quiet lets the statement succeed or fail: only the canary counts.
func (w *world) quiet(text string) {
	w.t.Helper()
	w.eachForm(context.Background(), text, func(string, error) {})
}

func (w *world) eachForm(ctx context.Context, text string, outcome func(form string, err error)) {
	w.t.Helper()
	w.eachFormWith(ctx, w.text(text), nil, outcome)
	if !strings.Contains(text, "{M}") {
		return
	}
	n := strings.Count(text, "{M}")
	args := make([]any, n)
	for i := range args {
		args[i] = w.mark
	}
	w.eachFormWith(ctx, w.bind(w.text(strings.ReplaceAll(text, "{M}", "?"))), args, outcome)
}

func (w *world) eachFormWith(ctx context.Context, text string, args []any, outcome func(form string, err error)) {
	w.t.Helper()
	for form, run := range w.forms(ctx, text, args) {
		w.sent.Take()
		err := run()
		w.silent(form + ": " + text)
		if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), w.mark) {
			w.t.Errorf("%s: %s: the error holds the canary: %v", form, text, err)
		}
		outcome(form, err)
	}
}

func rowsOf(rows *sql.Rows, err error) ([][]any, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out [][]any
	for rows.Next() {
		row := make([]any, len(cols))
		dest := make([]any, len(cols))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		for i, v := range row {
			if b, ok := v.([]byte); ok {
				row[i] = string(b)
			}
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// value reads one value through the encrypting driver.
func (w *world) value(text string, args ...any) any {
	w.t.Helper()
	return w.valueContext(context.Background(), text, args...)
}

func (w *world) valueContext(ctx context.Context, text string, args ...any) any {
	w.t.Helper()
	rows, err := rowsOf(w.db.QueryContext(ctx, w.bind(w.text(text)), args...))
	if err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
	if len(rows) != 1 || len(rows[0]) != 1 {
		w.t.Fatalf("%s: got %v, want one value", text, rows)
	}
	return rows[0][0]
}

func (w *world) equal(got, want any) {
	w.t.Helper()
	if !reflect.DeepEqual(got, want) {
		w.t.Errorf("got %v, want %v", got, want)
	}
}

// seed inserts a row, so that UPDATEs and SELECTs have something to meet.
func (w *world) seed() {
	w.t.Helper()
	w.exec("INSERT INTO users (id, tenant, ssn, email, note) VALUES (1, 'a', ?, ?, 'n')", "first", "mail")
}

package sqlite_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/rewrite"
	moderncsqlite "modernc.org/sqlite"
)

// canary is the plaintext that must not be found in any file.
const canary = "CANARY-7f3a9c"

const yaml = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
memory: prefer
defaults: {partition: {const: default}}
tables:
  users:
    columns:
      ssn: encrypted
      salary: {type: integer}
      photo: {type: blob}
      born: {type: date}
  docs:
    partition: {column: tenant, type: text}
    columns:
      body: encrypted
  secrets:
    partition: context
    columns:
      v: encrypted
`

const ddl = `
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, ssn BLOB, salary BLOB, photo BLOB, born BLOB);
CREATE TABLE docs (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, body BLOB);
CREATE TABLE secrets (id INTEGER PRIMARY KEY, v BLOB);
CREATE TABLE clear (id INTEGER PRIMARY KEY, n TEXT);
`

type fixture struct {
	t     *testing.T
	dir   string
	path  string
	plain *sql.DB
	db    *sql.DB
}

func setKey(t testing.TB) {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	t.Setenv("SEALSQL_TEST_KEY", hex.EncodeToString(key))
}

func open(t *testing.T, schema, config string) *fixture {
	t.Helper()
	setKey(t)
	dir := t.TempDir()
	f := &fixture{t: t, dir: dir, path: filepath.Join(dir, "app.db")}
	cfg := filepath.Join(dir, "sealsql.yaml")
	if err := os.WriteFile(cfg, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.plain, err = sql.Open("sqlite", f.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.plain.Close() })
	if _, err := f.plain.Exec(schema); err != nil {
		t.Fatal(err)
	}
	if f.db, err = sql.Open(sqlite.Name, "file:"+f.path+"?sealsql_config="+url.QueryEscape(cfg)+"&_pragma=busy_timeout(2000)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.db.Close() })
	return f
}

func (f *fixture) exec(q string, args ...any) {
	f.t.Helper()
	if _, err := f.db.Exec(q, args...); err != nil {
		f.t.Fatalf("%s: %v", q, err)
	}
}

// all returns every row of a query scanned into any.
func all(t *testing.T, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, ctx context.Context, text string, args ...any,
) [][]any {
	t.Helper()
	out, err := tryAll(q, ctx, text, args...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

func tryAll(q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, ctx context.Context, text string, args ...any,
) ([][]any, error) {
	rows, err := q.QueryContext(ctx, text, args...)
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
		ptr := make([]any, len(cols))
		for i := range row {
			ptr[i] = &row[i]
		}
		if err := rows.Scan(ptr...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

func (f *fixture) noCanary() {
	f.t.Helper()
	files, err := os.ReadDir(f.dir)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range files {
		b, err := os.ReadFile(filepath.Join(f.dir, e.Name()))
		if err != nil {
			f.t.Fatal(err)
		}
		if bytes.Contains(b, []byte(canary)) {
			f.t.Errorf("%s holds the plaintext", e.Name())
		}
	}
}

func TestValuesComeBackAndFilesHoldOnlyCiphertext(t *testing.T) {
	f := open(t, ddl, yaml)
	ctx := context.Background()
	born := time.Date(1980, 2, 29, 0, 0, 0, 0, time.UTC)
	f.exec("INSERT INTO users (id, name, ssn, salary, photo, born) VALUES (?, ?, ?, ?, ?, ?)",
		1, "ann", canary, 4200, []byte{0, 1, 2}, born)
	f.exec("INSERT INTO users VALUES (2, 'bob', '" + canary + "', 17, x'beef', '1990-01-02')")
	f.exec("INSERT INTO users (id, name) VALUES (3, 'eve')")

	got := all(t, f.db, ctx, "SELECT id, name, ssn, salary, photo FROM users ORDER BY id")
	want := [][]any{
		{int64(1), "ann", canary, int64(4200), []byte{0, 1, 2}},
		{int64(2), "bob", canary, int64(17), []byte{0xbe, 0xef}},
		{int64(3), "eve", nil, nil, nil},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	raw := all(t, f.plain, ctx, "SELECT ssn, salary FROM users WHERE id < 3")
	for _, row := range raw {
		for _, v := range row {
			if b, ok := v.([]byte); !ok || len(b) < 70 || b[0] != 0xf9 {
				t.Errorf("plain driver reads %T %v", v, v)
			}
		}
	}
	f.noCanary()
}

func TestStarIsWrittenOutAndStatementsReused(t *testing.T) {
	f := open(t, ddl, yaml)
	ctx := context.Background()
	ins, err := f.db.Prepare("INSERT INTO users (id, ssn) VALUES (?, ?)")
	if err != nil {
		t.Fatal(err)
	}
	defer ins.Close()
	for i := range 5 {
		if _, err := ins.Exec(i, canary); err != nil {
			t.Fatal(err)
		}
	}
	sel, err := f.db.Prepare("SELECT * FROM users WHERE id = ?")
	if err != nil {
		t.Fatal(err)
	}
	defer sel.Close()
	for i := range 5 {
		var row [6]any
		if err := sel.QueryRowContext(ctx, i).Scan(&row[0], &row[1], &row[2], &row[3], &row[4], &row[5]); err != nil {
			t.Fatal(err)
		}
		if row[2] != canary {
			t.Errorf("row %d: %v", i, row)
		}
	}
	f.noCanary()
}

func TestPartitionOfTheRowAndOfTheContext(t *testing.T) {
	f := open(t, ddl, yaml)
	ctx := context.Background()
	f.exec("INSERT INTO docs (id, tenant, body) VALUES (1, 'acme', ?)", canary)
	f.exec("INSERT INTO docs (id, tenant, body) VALUES (?, ?, ?)", 2, "bolt", canary)
	got := all(t, f.db, ctx, "SELECT body FROM docs WHERE tenant = ?", "acme")
	if !reflect.DeepEqual(got, [][]any{{canary}}) {
		t.Errorf("got %v", got)
	}
	got = all(t, f.db, ctx, "SELECT id, body FROM docs ORDER BY id")
	if !reflect.DeepEqual(got, [][]any{{int64(1), canary}, {int64(2), canary}}) {
		t.Errorf("by the row's own partition: got %v", got)
	}

	acme := sealsql.WithPartition(ctx, "acme")
	if _, err := f.db.ExecContext(acme, "INSERT INTO docs (id, tenant, body) VALUES (3, 'bolt', ?)", canary); !errors.Is(err, sealsql.ErrPartitionMismatch) {
		t.Errorf("a row of another partition than the context's: %v", err)
	}
	if _, err := f.db.ExecContext(acme, "INSERT INTO secrets (id, v) VALUES (1, ?)", canary); err != nil {
		t.Fatal(err)
	}
	if got := all(t, f.db, acme, "SELECT v FROM secrets"); !reflect.DeepEqual(got, [][]any{{canary}}) {
		t.Errorf("got %v", got)
	}
	if _, err := f.db.ExecContext(ctx, "INSERT INTO secrets (id, v) VALUES (2, ?)", canary); err == nil {
		t.Error("a write without a partition went through")
	}
	if _, err := tryAll(f.db, sealsql.WithPartition(ctx, "bolt"), "SELECT v FROM secrets"); !errors.Is(err, sealsql.ErrTampered) {
		t.Errorf("another partition's value: %v", err)
	}
	// A record moved to another partition's row does not open.
	if _, err := f.plain.Exec("UPDATE docs SET body = (SELECT body FROM docs WHERE id = 1) WHERE id = 2"); err != nil {
		t.Fatal(err)
	}
	if _, err := tryAll(f.db, ctx, "SELECT body FROM docs WHERE id = 2"); !errors.Is(err, sealsql.ErrTampered) {
		t.Errorf("a record of another partition: %v", err)
	}
	f.noCanary()
}

// A message tells what can be done, with the table in question, and repeats no value.
func TestMessagesSayWhatToDo(t *testing.T) {
	f := open(t, ddl, yaml)
	for _, c := range []struct {
		text string
		args []any
		want string
	}{
		{"INSERT INTO secrets (v) VALUES (?)", []any{canary}, "sealsql: partition secrets: partition missing; run the statement under sealsql.WithPartition"},
		{"UPDATE docs SET body = ? WHERE id = 1", []any{canary}, "add tenant = "},
		{"SELECT DISTINCT ssn FROM users WHERE name = ?", []any{canary}, "give the column a search index for equality"},
		{"SELECT id FROM users WHERE name = ? ORDER BY ssn", []any{canary}, "client_sort: {max_rows: N} to the column"},
		{"INSERT INTO users (name, ssn) VALUES (?, ?)", []any{canary}, "sealsql: missing argument 2: the statement takes 2, and 1 are given"},
	} {
		_, err := f.db.Exec(c.text, c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func TestWhatIsNoRecordIsAnError(t *testing.T) {
	f := open(t, ddl, yaml)
	if _, err := f.plain.Exec("INSERT INTO users (id, ssn) VALUES (1, 'plaintext')"); err != nil {
		t.Fatal(err)
	}
	_, err := tryAll(f.db, context.Background(), "SELECT ssn FROM users")
	var ce *sealsql.ColumnError
	if !errors.Is(err, sealsql.ErrNotSealed) || !errors.As(err, &ce) || ce.Column != "users.ssn" {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "plaintext\"") {
		t.Errorf("the message holds the value: %v", err)
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	f := open(t, ddl, yaml)
	for _, q := range []string{
		"SELECT id FROM users WHERE ssn LIKE '" + canary + "%'",
		"UPDATE users SET ssn = upper(name)",
		"INSERT INTO clear SELECT id, ssn FROM users",
		"INSERT INTO nowhere (ssn) VALUES ('" + canary + "')",
		"CREATE VIEW v AS SELECT upper(ssn) AS s FROM users",
	} {
		_, err := f.db.Exec(q)
		var u *rewrite.UnsupportedError
		if !errors.Is(err, sealsql.ErrRefused) || !errors.As(err, &u) {
			t.Errorf("%s: %v", q, err)
			continue
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("the message holds the text: %v", err)
		}
	}
	f.noCanary()
}

func TestCatalogIsReadAgainAfterChanges(t *testing.T) {
	f := open(t, ddl, yaml)
	ctx := context.Background()
	f.exec("INSERT INTO clear (id, n) VALUES (1, 'x')")
	f.exec("CREATE TABLE later (id INTEGER)")
	f.exec("INSERT INTO later VALUES (1)")
	// By another process.
	if _, err := f.plain.Exec("CREATE TABLE elsewhere (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(60 * time.Millisecond)
	f.exec("INSERT INTO elsewhere VALUES (1)")
	// A view over an annotated table, made by another process after the
	// catalog was read, in place of a clear table.
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"ALTER TABLE clear RENAME TO clear2", "INSERT INTO clear2 (id, n) VALUES (2, 'y')"} {
		if _, err := tx.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if _, err := tx.Exec("INSERT INTO clear (id) VALUES (3)"); !errors.Is(err, sealsql.ErrRefused) {
		t.Errorf("the renamed table by its old name: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	f.exec("INSERT INTO clear (id) VALUES (4)")
	if _, err := f.db.Exec("INSERT INTO clear2 (id) VALUES (5)"); !errors.Is(err, sealsql.ErrRefused) {
		t.Errorf("a table whose making was rolled back: %v", err)
	}
}

func TestDefaultOnAnEncryptedColumnIsReported(t *testing.T) {
	f := open(t, "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, ssn BLOB DEFAULT 'none', salary BLOB, photo BLOB, born BLOB)", yaml)
	if err := f.db.Ping(); !errors.Is(err, sealsql.ErrSetup) {
		t.Errorf("Ping: %v", err)
	}
	if _, err := f.db.Exec("INSERT INTO users (id, ssn) VALUES (1, ?)", canary); err == nil {
		t.Error("an insert went through")
	}
	f.noCanary()
}

func TestKeysLieBesideTheDatabase(t *testing.T) {
	f := open(t, ddl, yaml)
	if _, err := os.Stat(f.path + sqlite.KeyFileSuffix); err == nil {
		t.Error("the key file exists before it is needed")
	}
	tx, err := f.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT INTO clear (id) VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	// A key in the same file would wait for this transaction, and fail.
	if _, err := tx.Exec("INSERT INTO docs (id, tenant, body) VALUES (1, 'new', ?)", canary); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(f.path + sqlite.KeyFileSuffix)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	f.exec("INSERT INTO docs (id, tenant, body) VALUES (1, 'new', ?)", canary)
	f.noCanary()
}

func TestClosedDatabaseWipesItsKeys(t *testing.T) {
	f := open(t, ddl, yaml)
	f.exec("INSERT INTO users (id, ssn) VALUES (1, ?)", canary)
	conn, err := f.db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := tryAll(conn, context.Background(), "SELECT ssn FROM users"); !errors.Is(err, sealsql.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestMemoryDatabaseKeepsItsKeysInMemory(t *testing.T) {
	setKey(t)
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("sealsql.yaml", []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load("sealsql.yaml")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := moderncsqlite.NewConnector(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.Wrap(inner, cfg)
	if err != nil {
		t.Fatal(err)
	}
	plain := sql.OpenDB(inner)
	plain.Close()
	db := sql.OpenDB(c)
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE clear (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO clear VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("files: %v %v", files, err)
	}
}

func TestDataSourceNamesLoseTheirConfiguration(t *testing.T) {
	f := open(t, ddl, yaml)
	cfg := url.QueryEscape(filepath.Join(f.dir, "sealsql.yaml"))
	for _, dsn := range []string{
		"file:" + f.path + "?sealsql_config=" + cfg,
		"file:" + f.path + "?_pragma=busy_timeout(1000)&sealsql_config=" + cfg + "&mode=rw",
		f.path + "?sealsql_config=" + cfg,
		":memory:?sealsql_config=" + cfg,
	} {
		db, err := sql.Open(sqlite.Name, dsn)
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		if _, err := db.Exec("SELECT 1"); err != nil {
			t.Errorf("%s: %v", dsn, err)
		}
		db.Close()
	}
	for _, dsn := range []string{
		f.path + "?sealsql_config=" + cfg + "&sealsql_config=" + cfg,
		f.path + "?sealsql_config=" + filepath.Join(f.dir, "missing.yaml"),
		f.path + "?sealsql_config=%zz",
	} {
		if db, err := sql.Open(sqlite.Name, dsn); err == nil {
			db.Close()
			t.Errorf("%s: opened", dsn)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(f.dir, "*sealsql_config*")); len(files) > 0 {
		t.Errorf("files: %v", files)
	}
}

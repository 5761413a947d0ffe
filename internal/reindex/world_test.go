package reindex_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	mysqldriver "github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	driversqlite "github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/reindex"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
	frontmysql "github.com/sealsql/sealsql/rewrite/mysql"
	frontpostgres "github.com/sealsql/sealsql/rewrite/postgres"
	frontsqlite "github.com/sealsql/sealsql/rewrite/sqlite"
	"github.com/sealsql/sealsql/schema"
)

var bg = context.Background()

// world is a database of one engine with its keys.
type world struct {
	*testing.T
	name  string
	dsn   string
	front rewrite.Frontend

	plainDB func() *sql.DB
	wrap    func(*config.Config) (driver.Connector, error)
	keys    func(string, *config.Config) (*envelope.Sealer, error)
	inspect func(context.Context, string) (*sealdriver.Inspection, error)
	init    func() error
}

// everywhere runs a test on three engines.
func everywhere(t *testing.T, f func(w *world)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); f(onSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); f(onPostgres(t)) })
	t.Run("mysql", func(t *testing.T) { t.Parallel(); f(onMySQL(t)) })
}

func onSQLite(t *testing.T) *world {
	return sqliteAt(t, "file:"+filepath.Join(t.TempDir(), "app.db")+"?_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)&_txlock=immediate")
}

func onPostgres(t *testing.T) *world { return postgresAt(t, testenv.Postgres(t)) }

func onMySQL(t *testing.T) *world { return mysqlAt(t, testenv.MySQL(t)) }

// at opens a database that is there.
var at = map[string]func(t *testing.T, dsn string) *world{"sqlite": sqliteAt, "postgres": postgresAt, "mysql": mysqlAt}

func sqliteAt(t *testing.T, dsn string) *world {
	w := &world{T: t, name: "sqlite", dsn: dsn, front: frontsqlite.New(), keys: driversqlite.OpenKeys, inspect: driversqlite.Inspect}
	w.plainDB = func() *sql.DB { return must(sql.Open("sqlite", dsn))(t) }
	w.wrap = func(cfg *config.Config) (driver.Connector, error) {
		return driversqlite.Wrap(must(sqlite.NewConnector(dsn))(t), cfg)
	}
	w.init = func() error { return nil }
	return w
}

func postgresAt(t *testing.T, dsn string) *world {
	w := &world{T: t, name: "postgres", dsn: dsn, front: frontpostgres.New(), keys: postgres.OpenKeys, inspect: postgres.Inspect}
	w.plainDB = func() *sql.DB { return must(sql.Open("pgx", dsn))(t) }
	w.wrap = func(cfg *config.Config) (driver.Connector, error) {
		return postgres.Wrap(stdlib.GetConnector(*must(pgx.ParseConfig(dsn))(t)), cfg)
	}
	w.init = func() error { return postgres.InitMetastore(bg, dsn, parse(t, "").Metastore) }
	return w
}

func mysqlAt(t *testing.T, dsn string) *world {
	w := &world{T: t, name: "mysql", dsn: dsn, front: frontmysql.New(), keys: mysql.OpenKeys, inspect: mysql.Inspect}
	w.plainDB = func() *sql.DB { return must(sql.Open("mysql", dsn))(t) }
	w.wrap = func(cfg *config.Config) (driver.Connector, error) {
		return mysql.Wrap(must(mysqldriver.NewConnector(must(mysqldriver.ParseDSN(dsn))(t)))(t), cfg)
	}
	w.init = func() error { return mysql.InitMetastore(bg, dsn, parse(t, "").Metastore) }
	return w
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// parse reads a configuration of the tables given.
func parse(t testing.TB, tables string) *config.Config {
	t.Helper()
	if tables == "" {
		tables = "  users: {columns: {email: encrypted}}\n"
	}
	return must(config.Parse("sealsql.yaml", []byte(`version: 1
service: shop
product: orders
kms: {static: {key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", insecure: true}}
metastore: {sql: same}
policy: {revoke_check: 1s}
catalog: {max_age: 200ms}
tables:
`+tables)))(t)
}

// open opens the database as a process with that configuration does.
func (w *world) open(tables string) *sql.DB {
	w.Helper()
	db := sql.OpenDB(must(w.wrap(parse(w, tables)))(w))
	w.Cleanup(func() { db.Close() })
	return db
}

func (w *world) plain() *sql.DB {
	db := w.plainDB()
	w.Cleanup(func() { db.Close() })
	return db
}

// mover opens the only move of a configuration, or the one named. The caller
// need not close it.
func (w *world) mover(tables, name string) *reindex.Mover {
	w.Helper()
	cfg := parse(w, tables)
	s := must(w.keys(w.dsn, cfg))(w)
	w.Cleanup(func() { s.Close() })
	m := &reindex.Mover{
		DB: w.plain(), Front: w.front, Sealer: s, Keys: must(s.Keys())(w), Annotations: cfg.Catalog,
		Inspect:    func(ctx context.Context) (*sealdriver.Inspection, error) { return w.inspect(ctx, w.dsn) },
		CatalogAge: -time.Minute, Chunk: 20,
		Log: func(format string, args ...any) { w.Logf(format, args...) },
	}
	if w.name == "sqlite" {
		m.DB.SetMaxOpenConns(1)
	}
	for _, mv := range cfg.Catalog.Moves() {
		if name == "" || mv.Name()+"."+mv.Kind == name {
			m.Move = mv
		}
	}
	if m.Move == (schema.Move{}) {
		w.Fatal("no such move")
	}
	if err := m.Open(bg); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(m.Close)
	return m
}

func (w *world) exec(db *sql.DB, query string, args ...any) {
	w.Helper()
	if _, err := db.Exec(w.bind(query), args...); err != nil {
		w.Fatalf("%s: %v", query, err)
	}
}

// rest lets d go by in steps: the timers by which programs look at catalogs and
// states again have then run, however busy the machine is.
func (w *world) rest(d time.Duration) {
	for range 10 {
		time.Sleep(d / 10)
	}
}

// until waits for what programs do beside the test.
func (w *world) until(what string, done func() bool) {
	w.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("waited in vain: %s", what)
		}
	}
}

// bind numbers the parameters where the engine does.
func (w *world) bind(query string) string {
	if w.name != "postgres" {
		return query
	}
	n := 0
	var b strings.Builder
	for _, r := range query {
		if r == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// text is a type of texts that can have a key.
func (w *world) text() string {
	return map[string]string{"mysql": "varchar(100)"}[w.name] + map[bool]string{true: "text"}[w.name != "mysql"]
}

// ids are the first column of the rows that a query returns.
func (w *world) ids(db *sql.DB, query string, args ...any) string {
	w.Helper()
	rows, err := db.Query(w.bind(query), args...)
	if err != nil {
		w.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			w.Fatal(err)
		}
		out = append(out, id)
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return strings.Join(out, " ")
}

package fuzzsql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	plainmysql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
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

// engine opens the two databases of a world.
type engine struct {
	name    string
	dialect rewrite.Dialect
	// modes are ways of connecting; worlds take turns.
	modes []string
	// fresh returns the data source names of two empty databases.
	fresh func(t testing.TB) [2]string
	// connect returns the plain driver's connector; what is sent goes to sent
	// unless that is nil.
	connect func(t testing.TB, dsn, mode string, sent *drivertest.Sent) driver.Connector
	wrap    func(driver.Connector, *config.Config) (driver.Connector, error)
}

var engines = []*engine{
	{
		name: "sqlite", dialect: rewrite.SQLite, modes: []string{""},
		fresh: func(t testing.TB) [2]string {
			dir := t.TempDir()
			const options = "?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)"
			return [2]string{"file:" + filepath.Join(dir, "plain.db") + options, "file:" + filepath.Join(dir, "sealed.db") + options}
		},
		connect: connectSQLite,
		wrap: func(c driver.Connector, cfg *config.Config) (driver.Connector, error) {
			return sqlite.Wrap(c, cfg)
		},
	},
	{
		name: "postgres", dialect: rewrite.Postgres, modes: []string{"cache_statement", "exec", "simple_protocol", "cache_describe", "describe_exec"},
		fresh:   func(t testing.TB) [2]string { return [2]string{testenv.Postgres(t), testenv.Postgres(t)} },
		connect: connectPostgres,
		wrap: func(c driver.Connector, cfg *config.Config) (driver.Connector, error) {
			return postgres.Wrap(c, cfg)
		},
	},
	{
		name: "mysql", dialect: rewrite.MySQL, modes: []string{"", "interpolateParams=true", "multiStatements=true"},
		fresh:   freshMySQL,
		connect: connectMySQL,
		wrap: func(c driver.Connector, cfg *config.Config) (driver.Connector, error) {
			return mysql.Wrap(c, cfg)
		},
	},
}

// freshMySQL makes databases in which texts are equal if their bytes are, as the
// indexes are told to find them.
func freshMySQL(t testing.TB) (dsn [2]string) {
	for i := range dsn {
		dsn[i] = testenv.MySQL(t)
		c, err := plainmysql.ParseDSN(dsn[i])
		if err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("mysql", dsn[i])
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("ALTER DATABASE `" + c.DBName + "` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
			t.Fatal(err)
		}
	}
	return dsn
}

func connectSQLite(t testing.TB, dsn, _ string, sent *drivertest.Sent) driver.Connector {
	c, err := plainsqlite.NewConnector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if sent == nil {
		return c
	}
	return drivertest.RecordConn(c, sent)
}

// tap copies what is written to a connection.
type tap struct {
	net.Conn
	sent *drivertest.Sent
}

func (c tap) Write(p []byte) (int, error) {
	_, _ = c.sent.Write(p)
	return c.Conn.Write(p)
}

func connectPostgres(t testing.TB, dsn, mode string, sent *drivertest.Sent) driver.Connector {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.TLSConfig != nil {
		t.Fatal("the server's DSN asks for TLS; nothing is seen then of what is sent: add sslmode=disable")
	}
	cfg.RuntimeParams["synchronous_commit"] = "off"
	cfg.DefaultQueryExecMode = map[string]pgx.QueryExecMode{
		"cache_statement": pgx.QueryExecModeCacheStatement, "cache_describe": pgx.QueryExecModeCacheDescribe, "describe_exec": pgx.QueryExecModeDescribeExec,
		"exec": pgx.QueryExecModeExec, "simple_protocol": pgx.QueryExecModeSimpleProtocol,
	}[mode]
	if sent != nil {
		dial := cfg.DialFunc
		cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			return tap{c, sent}, err
		}
	}
	return stdlib.GetConnector(*cfg)
}

func connectMySQL(t testing.TB, dsn, mode string, sent *drivertest.Sent) driver.Connector {
	cfg, err := plainmysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.TLS != nil {
		t.Fatal("the server's DSN asks for TLS; nothing is seen then of what is sent")
	}
	// A value that is stored again is another record: MySQL counts the row as
	// changed. With this option both sides count the rows found.
	cfg.ClientFoundRows = true
	cfg.InterpolateParams = strings.Contains(mode, "interpolateParams")
	cfg.MultiStatements = strings.Contains(mode, "multiStatements")
	if sent != nil {
		cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return tap{c, sent}, err
		}
	}
	c, err := plainmysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pair is a world in two databases, each with one connection.
type pair struct {
	t     testing.TB
	e     *engine
	w     *world
	mode  string
	sent  drivertest.Sent
	plain *sql.Conn
	// sealed is behind the encrypting driver; physical sees the same tables
	// without it.
	sealed, physical *sql.Conn
	close            []func() error
	running          atomic.Pointer[started]
}

// started is a statement that runs.
type started struct {
	st statement
	at time.Time
}

// tooLong is how long a statement may run.
const tooLong = 2 * time.Minute

// watched ends the process when a statement hangs; the function that it returns
// stops the watch.
func (p *pair) watched() func() {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			if s := p.running.Load(); s != nil && time.Since(s.at) > tooLong {
				fmt.Fprintf(os.Stderr, "runs for %s: %s\n%v\n", tooLong, s.st.text, s.st.args)
				os.Exit(2)
			}
		}
	}()
	return func() { close(done) }
}

func (e *engine) open(t testing.TB, w *world, dsn [2]string, mode string, plans int) *pair {
	t.Helper()
	p := &pair{t: t, e: e, w: w, mode: mode}
	p.plain = p.conn(e.connect(t, dsn[0], mode, nil))
	p.physical = p.conn(e.connect(t, dsn[1], mode, nil))
	p.drop()
	prefix := ""
	if w.dialect == rewrite.MySQL {
		// MariaDB shows all databases of a server, and a table that is named
		// without one is meant in all of them.
		c, err := plainmysql.ParseDSN(dsn[1])
		if err != nil {
			t.Fatal(err)
		}
		prefix = c.DBName + "."
	}
	cfg, err := config.Parse("sealsql.yaml", []byte(w.config(prefix, plans)))
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := e.wrap(e.connect(t, dsn[1], mode, &p.sent), cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.sealed = p.conn(wrapped)
	p.create()
	return p
}

func (p *pair) conn(c driver.Connector) *sql.Conn {
	p.t.Helper()
	db := sql.OpenDB(c)
	p.close = append(p.close, db.Close)
	conn, err := db.Conn(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	return conn
}

func (p *pair) shut() {
	_ = p.plain.Close()
	_ = p.sealed.Close()
	_ = p.physical.Close()
	for _, f := range p.close {
		_ = f()
	}
}

func (p *pair) drop() {
	for _, c := range []*sql.Conn{p.plain, p.physical} {
		for _, n := range names {
			p.must(c, "DROP VIEW IF EXISTS v_"+n)
			p.must(c, "DROP VIEW IF EXISTS s_"+n)
			p.must(c, "DROP TABLE IF EXISTS "+n)
		}
	}
}

// create makes the tables, through the encrypting driver on its side, and views
// over them.
func (p *pair) create() {
	if p.w.dialect == rewrite.Postgres {
		p.must(p.plain, "CREATE COLLATION IF NOT EXISTS fuzz_ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
		for _, c := range []*sql.Conn{p.plain, p.physical} {
			p.must(c, "DROP TYPE IF EXISTS fuzz_label")
			p.must(c, "CREATE TYPE fuzz_label AS ENUM ("+p.w.labels()+")")
		}
	}
	for _, t := range p.w.tables {
		p.must(p.plain, p.w.create(t, true))
		p.must(p.sealed, p.w.create(t, false))
		for _, c := range []*sql.Conn{p.plain, p.physical} {
			p.must(c, "CREATE VIEW v_"+t.name+" AS SELECT * FROM "+t.name)
		}
		p.must(p.plain, p.w.view(t))
		p.must(p.sealed, p.w.view(t))
	}
	// The views were made past the driver, which learns of them with the next
	// change that it sees.
	p.must(p.plain, "CREATE TABLE orders_extra (id int)")
	p.must(p.sealed, "CREATE TABLE orders_extra (id int)")
	p.must(p.plain, "DROP TABLE orders_extra")
	p.must(p.sealed, "DROP TABLE orders_extra")
}

func (p *pair) must(c *sql.Conn, text string) {
	p.t.Helper()
	if _, err := c.ExecContext(context.Background(), text); err != nil {
		p.t.Fatalf("%s: %v", text, err)
	}
}

// fill deletes everything and stores some rows, on both sides.
func (p *pair) fill(n int) {
	p.t.Helper()
	for _, t := range p.w.tables {
		p.both("DELETE FROM " + t.name)
		for i := range n {
			var cols, marks []string
			var args []any
			for k, c := range t.cols {
				v := plainValue(c.kind, i*7+k*3+1)
				switch {
				case c.name == "id":
					v = int64(i)
				case c.name == "tenant":
					v = []string{"t1", "t2"}[i%2]
				case i%5 == 3 && !c.key:
					v = nil
				case c.sealed:
					v = p.w.marked(c.kind, i*7+k)
				}
				cols, args = append(cols, c.name), append(args, v)
				marks = append(marks, p.mark(len(args)))
			}
			p.both(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.name, strings.Join(cols, ", "), strings.Join(marks, ", ")), args...)
		}
	}
}

func (p *pair) mark(n int) string {
	if p.w.dialect == rewrite.Postgres {
		return fmt.Sprintf("$%d", n)
	}
	return "?"
}

// both runs a statement that must not fail.
func (p *pair) both(text string, args ...any) {
	p.t.Helper()
	for side, c := range map[string]*sql.Conn{"plain": p.plain, "sealed": p.sealed} {
		if _, err := c.ExecContext(context.Background(), text, args...); err != nil {
			p.t.Fatalf("%s: %s: %v", side, text, err)
		}
	}
}

func contextOf(st statement) context.Context {
	ctx := context.Background()
	if st.partition != "" {
		ctx = sealsql.WithPartition(ctx, st.partition)
	}
	return ctx
}

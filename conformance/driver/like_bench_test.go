package drivertest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
	mysqlfront "github.com/sealsql/sealsql/rewrite/mysql"
	sqlitefront "github.com/sealsql/sealsql/rewrite/sqlite"
)

const benchRows = 100000

// BenchmarkContains asks for the rows of 100,000 that hold a piece of seven
// letters, through the contains index and of a plain table, and reports how long
// the first takes of the second.
func BenchmarkContains(b *testing.B) {
	for _, e := range all {
		b.Run(e.name, func(b *testing.B) {
			sealed, plain, pieces := e.benchTwins(b)
			ask := func(db *sql.DB, table string) (rows int, each time.Duration) {
				text := "SELECT id FROM " + table + " WHERE bio LIKE ?"
				if e.dialect == rewrite.Postgres {
					text = strings.Replace(text, "?", "$1", 1)
				}
				start := time.Now()
				for _, p := range pieces {
					rs, err := db.Query(text, "%"+p+"%")
					if err != nil {
						b.Fatal(err)
					}
					for rs.Next() {
						rows++
					}
					if err := rs.Close(); err != nil {
						b.Fatal(err)
					}
				}
				return rows, time.Since(start) / time.Duration(len(pieces))
			}
			ask(sealed, "people")
			var want, got time.Duration
			n := 0
			for b.Loop() {
				r1, d1 := ask(plain, "plain")
				r2, d2 := ask(sealed, "people")
				if r1 != r2 {
					b.Fatalf("%d rows, the plain table has %d", r2, r1)
				}
				want, got = want+d1, got+d2
				n++
			}
			b.ReportMetric(float64(got.Microseconds())/float64(n), "µs/search")
			b.ReportMetric(float64(want.Microseconds())/float64(n), "µs/plain")
			b.ReportMetric(float64(got)/float64(want), "ratio")
		})
	}
}

const benchConfig = `version: 1
service: bench
product: test
kms: {static: {key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", insecure: true}}
metastore: memory
guards: off
tables:
  people:
    columns:
      bio: {search: {contains: {collation: binary}}}
`

func (e engine) benchTwins(b *testing.B) (sealed, plain *sql.DB, pieces []string) {
	cfg, err := config.Parse("sealsql.yaml", []byte(benchConfig))
	check := func(err error) {
		if b.Helper(); err != nil {
			b.Fatal(err)
		}
	}
	check(err)
	var dsn, collation string
	switch e.dialect {
	case rewrite.SQLite:
		dsn = b.TempDir() + "/t.db?_pragma=synchronous(off)"
		plain, err = sql.Open("sqlite", dsn)
		check(err)
		c, err := sqlite.Wrap(connectorOf(plain, dsn), cfg)
		check(err)
		sealed = sql.OpenDB(c)
	case rewrite.Postgres:
		dsn = testenv.Postgres(b)
		plain, err = sql.Open("pgx", dsn)
		check(err)
		c, err := postgres.Wrap(connectorOf(plain, dsn), cfg)
		check(err)
		sealed = sql.OpenDB(c)
	case rewrite.MySQL:
		dsn, collation = testenv.MySQL(b), " COLLATE utf8mb4_bin"
		plain, err = sql.Open("mysql", dsn)
		check(err)
		c, err := mysql.Wrap(connectorOf(plain, dsn), cfg)
		check(err)
		sealed = sql.OpenDB(c)
	}
	b.Cleanup(func() { sealed.Close(); plain.Close() })
	sealed.SetMaxOpenConns(1)
	plain.SetMaxOpenConns(1)
	exec := func(db *sql.DB, text string, args ...any) {
		b.Helper()
		if _, err := db.Exec(text, args...); err != nil {
			b.Fatal(err)
		}
	}
	exec(sealed, "CREATE TABLE people (id INTEGER PRIMARY KEY, bio VARCHAR(40))")
	exec(plain, "CREATE TABLE plain (id INTEGER PRIMARY KEY, bio VARCHAR(40)"+collation+")")
	texts := benchTexts()
	for at := 0; at < len(texts); at += 500 {
		var rows []string
		var args []any
		for i, text := range texts[at : at+500] {
			mark := "(?, ?)"
			if e.dialect == rewrite.Postgres {
				mark = fmt.Sprintf("($%d, $%d)", 2*i+1, 2*i+2)
			}
			rows = append(rows, mark)
			args = append(args, at+i, text)
		}
		exec(sealed, "INSERT INTO people (id, bio) VALUES "+strings.Join(rows, ", "), args...)
		exec(plain, "INSERT INTO plain (id, bio) VALUES "+strings.Join(rows, ", "), args...)
	}
	for _, s := range e.benchIndexes(b, dsn, cfg) {
		exec(plain, s)
	}
	exec(sealed, "CREATE TABLE another (id INTEGER)") // the catalog is read again
	for i := range 10 {
		pieces = append(pieces, texts[i*777][5:12])
	}
	return sealed, plain, pieces
}

// benchIndexes are the statements that make the database's own indexes.
func (e engine) benchIndexes(b *testing.B, dsn string, cfg *config.Config) []string {
	if e.dialect == rewrite.Postgres {
		return []string{"CREATE INDEX ON people USING gin (bio_sub)", "ANALYZE people", "ANALYZE plain"}
	}
	inspect, front := sqlite.Inspect, rewrite.Frontend(sqlitefront.New())
	if e.dialect == rewrite.MySQL {
		inspect, front = mysql.Inspect, mysqlfront.New()
	}
	seen, err := inspect(context.Background(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	for i := range seen.Snapshot.Relations {
		r := &seen.Snapshot.Relations[i]
		if t := cfg.Catalog.Lookup("", r.ID.Name); t != nil && r.ID.Schema == seen.Session.Names.SearchPath[0] {
			return rewrite.SideDDL(front, r, t.Columns[0].Contains)
		}
	}
	b.Fatal("no table")
	return nil
}

// connectorOf is the plain driver's connector for a data source.
func connectorOf(db *sql.DB, dsn string) driver.Connector { return dsnConnector{dsn, db.Driver()} }

type dsnConnector struct {
	dsn   string
	inner driver.Driver
}

func (c dsnConnector) Connect(context.Context) (driver.Conn, error) { return c.inner.Open(c.dsn) }
func (c dsnConnector) Driver() driver.Driver                        { return c.inner }

// benchTexts are four words of 3,000 each, like names.
func benchTexts() []string {
	r := rand.New(rand.NewPCG(5, 6))
	words := make([]string, 3000)
	for i := range words {
		w := make([]byte, 3+r.IntN(6))
		for k := range w {
			w[k] = "etaoinshrdlucmfwypvbgkjqxz"[min(r.IntN(26), r.IntN(26))]
		}
		words[i] = string(w)
	}
	out := make([]string, benchRows)
	for i := range out {
		var b strings.Builder
		for k := range 4 {
			if k > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(words[r.IntN(len(words))])
		}
		out[i] = b.String()
	}
	return out
}

//go:build unix

package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"syscall"
	"testing"
	"time"

	"github.com/sealsql/sealsql/driver/sqlite"
)

const benchYAML = `version: 1
service: bench
product: bench
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
tables:
  people:
    columns: {a: encrypted, b: encrypted, c: encrypted, d: {type: integer}, e: encrypted}
`

const benchDDL = `
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, a BLOB, b BLOB, c BLOB, d BLOB, e BLOB);
CREATE TABLE clear (id INTEGER PRIMARY KEY, name TEXT, a TEXT, b TEXT, c TEXT, d INTEGER, e TEXT);
`

const benchRows = 1000

// benchPools opens one database twice: through the plain driver and through
// ours. The table people is encrypted, clear is not.
func benchPools(b *testing.B) (plain, ours *sql.DB) {
	b.Helper()
	setKey(b)
	dir := b.TempDir()
	path, cfg := filepath.Join(dir, "bench.db"), filepath.Join(dir, "sealsql.yaml")
	if err := os.WriteFile(cfg, []byte(benchYAML), 0o600); err != nil {
		b.Fatal(err)
	}
	const pragmas = "_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=busy_timeout(5000)"
	pool := func(name, dsn string) *sql.DB {
		db, err := sql.Open(name, dsn)
		if err != nil {
			b.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		b.Cleanup(func() { db.Close() })
		return db
	}
	plain = pool("sqlite", "file:"+path+"?"+pragmas)
	if _, err := plain.Exec(benchDDL); err != nil {
		b.Fatal(err)
	}
	ours = pool(sqlite.Name, "file:"+path+"?"+pragmas+"&sealsql_config="+url.QueryEscape(cfg))
	for _, table := range []string{"people", "clear"} {
		tx, err := ours.Begin()
		if err != nil {
			b.Fatal(err)
		}
		for i := range benchRows {
			s := fmt.Sprintf("value %d of the row", i)
			if _, err := tx.Exec("INSERT INTO "+table+" (id, name, a, b, c, d, e) VALUES (?, ?, ?, ?, ?, ?, ?)", i, s, s, s, s, i, s); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	return plain, ours
}

func point(db *sql.DB, table string, id int) error {
	var a, b, c, e string
	var d int64
	return db.QueryRowContext(context.Background(), "SELECT a, b, c, d, e FROM "+table+" WHERE id = ?", id).Scan(&a, &b, &c, &d, &e)
}

func scan(db *sql.DB, table string) error {
	rows, err := db.Query("SELECT a, b, c, d, e FROM " + table)
	if err != nil {
		return err
	}
	defer rows.Close()
	var a, b, c, e string
	var d int64
	for rows.Next() {
		if err := rows.Scan(&a, &b, &c, &d, &e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// cpu is the process's CPU time.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// ratios runs the variants in interleaved rounds and reports the median CPU
// time per operation of each over that of the first.
func ratios(b *testing.B, names []string, ops []func(i int) error, perRound int) {
	b.Helper()
	const rounds = 61
	times := make([][]time.Duration, len(ops))
	for r := range rounds + 2 {
		for k := range ops {
			v := (k + r) % len(ops)
			start := cpu()
			for i := range perRound {
				if err := ops[v](i); err != nil {
					b.Fatal(err)
				}
			}
			if r >= 2 { // the first rounds warm up
				times[v] = append(times[v], cpu()-start)
			}
		}
	}
	median := func(d []time.Duration) float64 {
		sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
		return float64(d[len(d)/2]) / float64(perRound)
	}
	base := median(times[0])
	for k, name := range names {
		b.ReportMetric(median(times[k])/base, name+"/"+names[0])
	}
	b.ReportMetric(base/1e3, names[0]+"-µs")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRatios prints what ours costs over plain in one run; plain2 is the
// plain driver once more and shows the noise.
func BenchmarkRatios(b *testing.B) {
	plain, ours := benchPools(b)
	for _, c := range []struct {
		name string
		n    int
		op   func(db *sql.DB, table string) func(int) error
		seal string
	}{
		{"passing point select", 300, func(db *sql.DB, table string) func(int) error {
			return func(i int) error { return point(db, "clear", i%benchRows) }
		}, "clear"},
		{"point select of five", 300, func(db *sql.DB, table string) func(int) error {
			return func(i int) error { return point(db, table, i%benchRows) }
		}, "people"},
		{"scan of 1000", 2, func(db *sql.DB, table string) func(int) error {
			return func(int) error { return scan(db, table) }
		}, "people"},
		{"update of one", 200, func(db *sql.DB, table string) func(int) error {
			return func(i int) error {
				_, err := db.Exec("UPDATE "+table+" SET a = ? WHERE id = ?", "another value", i%benchRows)
				return err
			}
		}, "people"},
	} {
		b.Run(c.name, func(b *testing.B) {
			ratios(b, []string{"plain", "plain2", "ours"}, []func(int) error{c.op(plain, "clear"), c.op(plain, "clear"), c.op(ours, c.seal)}, c.n)
		})
	}
}

func BenchmarkAllocations(b *testing.B) {
	plain, ours := benchPools(b)
	for _, c := range []struct {
		name, table string
		db          *sql.DB
	}{{"plain", "clear", plain}, {"passing", "clear", ours}, {"sealed", "people", ours}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := point(c.db, c.table, 7); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkScan(b *testing.B) {
	_, ours := benchPools(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := scan(ours, "people"); err != nil {
			b.Fatal(err)
		}
	}
}

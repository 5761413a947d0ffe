package endtoend_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"
)

const equalityConfig = head + `metastore: memory
tables:
  HERE.accounts:
    columns:
      email: {type: varchar(80), search: equality}
`

const (
	equalityRows = 1_000_000
	equalityOwn  = 500 // written through the encrypting driver, and looked up
)

// equalityPair fills both databases with accounts. The rows that nobody looks up
// are filled in by the server: in the sealed one with hashes that are random.
func equalityPair(b *testing.B, f flavour) *pair {
	b.Helper()
	p := f.open(b, equalityConfig)
	p.both(b, "CREATE TABLE accounts (id integer PRIMARY KEY, email varchar(80))")
	stored := p.stored(b)
	run := func(db *sql.DB, text string, args ...any) {
		if _, err := db.Exec(text, args...); err != nil {
			b.Fatalf("%s: %v", text, err)
		}
	}
	for _, db := range []*sql.DB{p.plain, p.sealed} {
		for i := range equalityOwn {
			run(db, fmt.Sprintf("INSERT INTO accounts (id, email) VALUES (%s, %s)", f.mark(1), f.mark(2)), i, account(i))
		}
	}
	numbers, hash := fmt.Sprintf("generate_series(%d, %d) AS n(i)", equalityOwn, equalityRows-1), "decode(md5(random()::text), 'hex')"
	if f.plain == "sqlite" {
		numbers, hash = fmt.Sprintf("(WITH RECURSIVE n(i) AS (VALUES (%d) UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)", equalityOwn, equalityRows-1), "randomblob(16)"
	}
	run(p.plain, "INSERT INTO accounts (id, email) SELECT i, 'account' || i || '@example.org' FROM "+numbers)
	run(stored, "INSERT INTO accounts (id, email, email_bidx) SELECT i, (SELECT email FROM accounts WHERE id = 0), "+hash+" FROM "+numbers)
	run(p.plain, "CREATE INDEX accounts_email ON accounts (email)")
	run(stored, "CREATE INDEX accounts_email ON accounts (email_bidx)")
	if f.plain == "pgx" {
		run(p.plain, "VACUUM ANALYZE accounts")
		run(stored, "VACUUM ANALYZE accounts")
	}
	return p
}

func account(i int) string { return fmt.Sprintf("account%d@example.org", i) }

// BenchmarkEquality looks one of a million rows up by an indexed column; ratio
// is the time over that of the plain index, both measured in turns.
func BenchmarkEquality(b *testing.B) {
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour()} {
		p := equalityPair(b, f)
		b.Run(f.name, func(b *testing.B) {
			text := "SELECT id FROM accounts WHERE email = " + f.mark(1)
			var plain, sealed []time.Duration
			n := 0
			for b.Loop() {
				n++
				plain = append(plain, timeLookup(b, p.plain, text, n*37%equalityOwn))
				sealed = append(sealed, timeLookup(b, p.sealed, text, n*37%equalityOwn))
			}
			slices.Sort(plain)
			slices.Sort(sealed)
			b.ReportMetric(float64(sealed[len(sealed)/2])/float64(plain[len(plain)/2]), "ratio")
			b.ReportMetric(float64(plain[len(plain)/2].Nanoseconds())/1000, "plain-µs")
		})
	}
}

func timeLookup(b *testing.B, db *sql.DB, text string, want int) time.Duration {
	start := time.Now()
	id := -1
	if err := db.QueryRow(text, account(want)).Scan(&id); err != nil || id != want {
		b.Fatal(id, err)
	}
	return time.Since(start)
}

package endtoend_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// rangeConfig holds one number under each kind of range index.
const rangeConfig = head + `metastore: memory
tables:
  HERE.revealing:
    columns:
      v: {type: integer, search: {range: {order: revealing}}, accept_leakage: order}
  HERE.hidden:
    columns:
      v: {type: integer, search: {range: default}}
`

const rangeRows = 100_000

// rangePair fills both databases with the numbers up to a million in steps of
// ten, in no order.
func rangePair(b *testing.B, f flavour) *pair {
	b.Helper()
	p := f.open(b, rangeConfig)
	const batch = 500
	var places strings.Builder
	for i := range batch {
		fmt.Fprintf(&places, "(%s, %s), ", f.mark(2*i+1), f.mark(2*i+2))
	}
	rows := strings.TrimSuffix(places.String(), ", ")
	run := func(db *sql.DB, texts ...string) {
		for _, s := range texts {
			if _, err := db.Exec(s); err != nil {
				b.Fatalf("%s: %v", s, err)
			}
		}
	}
	stored := p.stored(b)
	for _, table := range []string{"revealing", "hidden"} {
		p.both(b, "CREATE TABLE "+table+" (id integer PRIMARY KEY, v integer)")
		for side, db := range map[string]*sql.DB{"plain": p.plain, "sealed": p.sealed} {
			tx, err := db.Begin()
			if err != nil {
				b.Fatal(err)
			}
			for at := 0; at < rangeRows; at += batch {
				args := make([]any, 0, 2*batch)
				for i := at; i < at+batch; i++ {
					args = append(args, i, i*7919%rangeRows*10)
				}
				if _, err := tx.Exec("INSERT INTO "+table+" (id, v) VALUES "+rows, args...); err != nil {
					b.Fatalf("%s: %v", side, err)
				}
			}
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
		}
		run(p.plain, "CREATE INDEX "+table+"_v ON "+table+" (v)")
	}
	run(stored, "CREATE INDEX revealing_v ON revealing (v_rng, id)")
	run(stored, "CREATE INDEX hidden_v ON hidden (v_rng)")
	if f.plain == "pgx" {
		run(p.plain, "VACUUM ANALYZE")
		run(stored, "VACUUM ANALYZE")
	}
	return p
}

// BenchmarkRange reads the ids of 1 % of 100,000 rows; ratio is the time over
// that of the plain index, both measured in turns.
func BenchmarkRange(b *testing.B) {
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour()} {
		p := rangePair(b, f)
		for _, c := range []struct{ table, sort string }{{"revealing", ""}, {"revealing", " ORDER BY v"}, {"hidden", ""}} {
			text := fmt.Sprintf("SELECT id FROM %s WHERE v BETWEEN %s AND %s%s", c.table, f.mark(1), f.mark(2), c.sort)
			b.Run(f.name+"/"+c.table+strings.ReplaceAll(c.sort, " ", "-"), func(b *testing.B) {
				var plain, sealed []time.Duration
				n := 0
				for b.Loop() {
					low := n * 137_310 % 900_000
					n++
					plain = append(plain, timeRange(b, p.plain, text, low))
					sealed = append(sealed, timeRange(b, p.sealed, text, low))
				}
				slices.Sort(plain)
				slices.Sort(sealed)
				b.ReportMetric(float64(sealed[len(sealed)/2])/float64(plain[len(plain)/2]), "ratio")
			})
		}
	}
}

func timeRange(b *testing.B, db *sql.DB, text string, low int) time.Duration {
	start := time.Now()
	rows, err := db.Query(text, low, low+9_999)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := rows.Err(); err != nil || n != rangeRows/100 {
		b.Fatal(n, err)
	}
	return time.Since(start)
}

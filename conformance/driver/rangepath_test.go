package drivertest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// TestPreparedRangesFollowTheirValues executes one prepared statement with ranges
// that are made of few spans and of many, while rows of it are open.
func TestPreparedRangesFollowTheirValues(t *testing.T) {
	t.Parallel()
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) {
			x := e.rangeTwins(t, hiddenConfig(e.dialect))
			x.ranged("SELECT count(*) FROM staff WHERE id < 24 AND age IS NOT NULL")
			for _, text := range []string{
				"SELECT id, age FROM staff WHERE age >= ? AND age < ? ORDER BY id",
				"SELECT count(*) FROM staff WHERE age BETWEEN ? AND ? OR pay > 3",
				"UPDATE staff SET dept = 'x' WHERE age BETWEEN ? AND ?",
			} {
				plain, err := x.plain.Prepare(x.w.bind(text))
				x.w.must(err)
				defer plain.Close()
				sealed, err := x.w.db.Prepare(x.w.bind(text))
				x.w.must(err)
				defer sealed.Close()
				for round := range 3 {
					for _, ends := range [][2]int{{0, 1}, {-2147483648, 2147483647}, {-77777, 2147483640}, {17, 66}, {-2147483647, 2147483646}, {5, 4}, {16, 32}} {
						if !strings.HasPrefix(text, "SELECT") {
							want, err := plain.Exec(ends[0], ends[1]-round)
							x.w.must(err)
							got, err := sealed.Exec(ends[0], ends[1]-round)
							x.w.must(err)
							a, _ := want.RowsAffected()
							if b, _ := got.RowsAffected(); round == 0 && e.dialect != rewrite.MySQL && a != b {
								t.Errorf("%s %v: %d rows, want %d", text, ends, b, a)
							}
							continue
						}
						want, err := rowsOf(plain.Query(ends[0], ends[1]-round))
						x.w.must(err)
						got, err := rowsOf(sealed.Query(ends[0], ends[1]-round))
						if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
							t.Errorf("%s %v: %v, want %v (%v)", text, ends, got, want, err)
						}
					}
				}
			}
			x.ranged("SELECT id, dept FROM staff ORDER BY id")
		})
	}
}

// TestPathsOfPartitionsAreApart: an index within partitions finds no row of
// another, also where only the context says which is meant.
func TestPathsOfPartitionsAreApart(t *testing.T) {
	t.Parallel()
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) {
			x := e.rangeTwins(t, hiddenConfig(e.dialect))
			for i := range 300 {
				x.both("INSERT INTO branches (id, tenant, points, total) VALUES (?, ?, ?, ?)", 100+i, []string{"a", "b", "c"}[i%3], i%97, i%13)
			}
			for _, tenant := range []string{"a", "b"} {
				ctx := sealsql.WithPartition(context.Background(), tenant)
				for low := 0; low < 97; low += 9 {
					want, err := rowsOf(x.plain.Query(x.w.bind("SELECT id FROM branches WHERE tenant = ? AND points BETWEEN ? AND ? ORDER BY id"), tenant, low, low+30))
					x.w.must(err)
					got, err := rowsOf(x.w.db.QueryContext(ctx, x.w.bind("SELECT id FROM branches WHERE points BETWEEN ? AND ? ORDER BY id"), low, low+30))
					if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
						t.Fatalf("points from %d of %s: %v, want %v (%v)", low, tenant, got, want, err)
					}
				}
			}
			size := map[rewrite.Dialect]string{rewrite.Postgres: "octet_length"}[e.dialect]
			if size == "" {
				size = "length"
			}
			for column, want := range map[string]string{"points_rng": "24", "total_rng": "8"} {
				var least, most string
				x.w.must(x.w.plain.QueryRow("SELECT min("+size+"("+column+")), max("+size+"("+column+")) FROM branches").Scan(&least, &most))
				if least != want || most != want {
					t.Errorf("%s has %s to %s bytes, want %s", column, least, most, want)
				}
			}
			x.w.silent("a range within a partition")
		})
	}
}

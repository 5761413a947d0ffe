package drivertest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// TestPreparedRangesFollowTheirValues executes one prepared statement with ranges
// that are made of few spans and of many, while rows of it are open.
func TestPreparedRangesFollowTheirValues(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
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
	for _, e := range testenv.Sample(t, all, 1) {
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

// TestBeginningsAreRangesOfTexts compares LIKE over columns that have a range index
// alone, in statements in which no row could be left out afterwards.
func TestBeginningsAreRangesOfTexts(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.rangeTwins(t, hiddenConfig(e.dialect))
			for i, v := range []string{"030123", "030", "03", "0", "03012345", "ab%c", "ab", "_x", "é1", "日本語", "AB", "Ab1"} {
				x.both("INSERT INTO staff (id, name, code, dept) VALUES (?, ?, ?, ?)", 200+i, v, []string{"", "0", "07", "071", "b", fmt.Sprint(i % 3)}[i%6], []string{"x", "y"}[i%2])
			}
			x.both("INSERT INTO staff (id, dept) VALUES (300, 'x')")
			patterns := []string{"030%", "03%", "0%", "%", "030123%", "%%", "07%", "071%", "7%", "é%", "日%", `\_%`, "1%%"}
			if e.dialect != rewrite.SQLite { // its LIKE finds letters of either case
				patterns = append(patterns, "ab%", "AB", "", "030", "Ada%", "b%", `ab\%%`)
			}
			for _, p := range patterns {
				if e.dialect == rewrite.SQLite && strings.Contains(p, "_") {
					continue
				}
				for _, c := range []string{"name", "code"} {
					for _, s := range []string{
						"SELECT count(*), count({c}) FROM staff WHERE {c} LIKE ?", "SELECT count(*) FROM staff WHERE {c} NOT LIKE ?", "SELECT id FROM staff WHERE {c} LIKE ? ORDER BY id LIMIT 2 OFFSET 1",
						"SELECT dept, count(*) FROM staff WHERE NOT ({c} LIKE ?) OR id = 3 GROUP BY dept ORDER BY dept", "SELECT DISTINCT dept FROM staff s WHERE s.{c} LIKE ? ORDER BY dept",
						"SELECT b.id FROM branches b WHERE EXISTS (SELECT 1 FROM staff s WHERE s.id = b.id + 200 AND s.{c} LIKE ?) ORDER BY b.id",
					} {
						x.ranged(strings.ReplaceAll(s, "{c}", c), p)
					}
					x.ranged("SELECT id FROM staff WHERE " + c + " LIKE '" + strings.ReplaceAll(p, `\`, `\`+map[bool]string{true: `\`}[e.dialect == rewrite.MySQL]) + "' ORDER BY id")
				}
			}
			x.ranged("SELECT count(*) FROM staff WHERE name LIKE ?", nil)
			x.ranged("SELECT count(*) FROM staff WHERE name NOT LIKE ? OR id = 1", nil)
			x.ranged("SELECT count(*) FROM staff WHERE name LIKE '#_%' ESCAPE '#'")
			x.ranged("SELECT count(*) FROM staff WHERE code LIKE ?", "07123456789%")
			if e.dialect != rewrite.SQLite {
				x.ranged("SELECT count(*) FROM staff WHERE code LIKE ?", "07123456789")
			}
			for _, s := range []string{"UPDATE staff SET dept = 'z' WHERE name LIKE ?", "DELETE FROM staff WHERE name LIKE ? AND id > 201"} {
				want, err := x.plain.Exec(x.w.bind(s), "03%")
				x.w.must(err)
				got, err := x.w.db.Exec(x.w.bind(s), "03%")
				x.w.must(err)
				a, _ := want.RowsAffected()
				if b, _ := got.RowsAffected(); a != b {
					t.Errorf("%s: %d rows, want %d", s, b, a)
				}
			}
			x.ranged("SELECT id, dept, name, code FROM staff ORDER BY id")
			for _, p := range []string{"%3", "0%3", "0_0%", "_%", "03012345678%", "03\x001%"} {
				if _, err := rowsOf(x.w.db.Query(x.w.bind("SELECT id FROM staff WHERE name LIKE ?"), p)); err == nil || strings.Contains(err.Error(), "03") {
					t.Errorf("pattern %q: %v", p, err)
				}
			}
			if _, err := rowsOf(x.w.db.Query(x.w.bind("SELECT id FROM staff WHERE name LIKE ?"), "ab%")); e.dialect == rewrite.SQLite && err == nil {
				t.Error("letters of either case were found by their bytes")
			}
			x.w.silent("a beginning")
		})
	}
}

package drivertest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// groupSortConfig tells the values of the columns apart, and does not sort them.
const groupSortConfig = head + `tables:
  staff:
    columns:
      age: {type: integer, search: equality, client_sort: {max_rows: 100}}
      pay: {type: "numeric(10,2)", search: {equality: {group: money}}, client_sort: {max_rows: 100}}
      bonus: {type: "numeric(10,2)", search: {equality: {group: money}}, client_sort: {max_rows: 100}}
      score: {type: double precision, search: equality, client_sort: {max_rows: 100}}
      born: {type: date, search: equality, client_sort: {max_rows: 100}}
      seen: {type: {WHEN}, search: equality, client_sort: {max_rows: 100}}
      name: {type: varchar(60), search: {equality: {collation: binary}}, client_sort: {max_rows: 100, collation: binary}}
      code: {type: varchar(3), search: {equality: {collation: binary}}, client_sort: {max_rows: 100, collation: binary}}
  branches:
    partition: {column: tenant, type: text}
    columns:
      points: {type: bigint, search: {equality: {group: counts}}, client_sort: {max_rows: 100}}
      total: {type: bigint, search: {equality: {group: counts}}, client_sort: {max_rows: 100}}
`

// sortedShapes are the orders of what is no plain row.
var sortedShapes = []struct {
	text string
	args []any
	on   []rewrite.Dialect // that have such a statement; nil for all
}{
	{"SELECT {C}, count(*) FROM staff GROUP BY {C} ORDER BY {C}", nil, nil},
	{"SELECT {C}, count(*) AS n FROM staff WHERE id > ? GROUP BY 1 ORDER BY 1 DESC LIMIT ? OFFSET 1", []any{2, 4}, nil},
	{"SELECT {C} AS v, dept, sum(id) AS s FROM staff GROUP BY {C}, dept ORDER BY v DESC, dept DESC", nil, nil},
	{"SELECT dept, {C}, max(id) FROM staff GROUP BY dept, {C} ORDER BY dept, {C} LIMIT 3", nil, nil},
	{"SELECT s.{C} FROM staff s JOIN staff t ON t.id = s.id GROUP BY s.{C} HAVING count(*) > ? ORDER BY count(*) DESC, s.{C}", []any{0}, nil},
	{"SELECT count(*) AS n FROM staff GROUP BY {C} ORDER BY {C} DESC, n", nil, nil},
	{"SELECT {C} FROM staff WHERE id < 8 UNION ALL SELECT {C} FROM staff WHERE id > 20 ORDER BY {C}", nil, nil},
	{"SELECT {C} AS v FROM staff WHERE id < ? UNION SELECT {C} FROM staff WHERE id > ? ORDER BY v DESC LIMIT 5", []any{12, 6}, nil},
	{"SELECT {C} AS v FROM staff EXCEPT SELECT {C} FROM staff WHERE id > ? ORDER BY 1 LIMIT ? OFFSET ?", []any{8, 3, 1}, nil},
	{"SELECT id, {C} FROM staff ORDER BY CASE WHEN id > ? THEN {C} END, id", []any{9}, nil},
	{"SELECT id FROM staff s ORDER BY CASE WHEN dept = 'red' THEN {C} WHEN dept = 'blue' THEN NULL ELSE s.{C} END DESC, {C}, id LIMIT 9", nil, nil},
	{"SELECT id, {C} FROM staff ORDER BY CASE WHEN {C} IS NULL THEN 0 ELSE 1 END, {C} DESC, id", nil, nil},
	{"SELECT * FROM staff WHERE id > 5 AND {C} IS NOT NULL ORDER BY {C} DESC, bonus FOR UPDATE", nil, []rewrite.Dialect{rewrite.Postgres, rewrite.MySQL}},
	{"SELECT d.id, d.v FROM (SELECT id, {C} AS v FROM staff WHERE id > ? ORDER BY v DESC, id) d WHERE d.id < ? LIMIT 5 OFFSET 2", []any{2, 20}, []rewrite.Dialect{rewrite.Postgres, rewrite.SQLite}},
	{"WITH w AS (SELECT id, {C} FROM staff ORDER BY 2, id DESC), x AS (SELECT w.* FROM w WHERE id > 3) SELECT {C}, id FROM x", nil, []rewrite.Dialect{rewrite.Postgres}},
	{"SELECT d.{C}, d.n FROM (SELECT {C}, count(*) AS n FROM staff GROUP BY {C} ORDER BY {C}) d", nil, []rewrite.Dialect{rewrite.Postgres, rewrite.SQLite}},
	{"SELECT id FROM staff WHERE {C} IN (SELECT DISTINCT ON (name) {C} FROM staff ORDER BY name, id DESC) ORDER BY id", nil, []rewrite.Dialect{rewrite.Postgres}},
	{"SELECT id FROM staff WHERE {C} IN (SELECT {C} FROM staff WHERE id > 20 ORDER BY name) ORDER BY id", nil, []rewrite.Dialect{rewrite.Postgres, rewrite.MySQL}},
	{"SELECT DISTINCT ON ({C}) {C}, id FROM staff ORDER BY {C}, id DESC", nil, []rewrite.Dialect{rewrite.Postgres}},
	{"SELECT DISTINCT ON (dept, s.{C}) id, dept FROM staff s WHERE id > ? ORDER BY {C} DESC, dept NULLS FIRST, id LIMIT 6 OFFSET 1", []any{1}, []rewrite.Dialect{rewrite.Postgres}},
}

// TestTheDriverSortsGroupsAndSets compares what the driver sorts beside plain rows
// with what the server sorts of plain columns.
func TestTheDriverSortsGroupsAndSets(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.rangeTwins(t, groupSortConfig)
			for _, c := range testenv.Sample(t, rangedColumns(e.dialect), 3) {
				for _, q := range sortedShapes {
					if q.on == nil || slices.Contains(q.on, e.dialect) {
						x.query(strings.ReplaceAll(q.text, "{C}", c.column), q.args...)
					}
				}
			}
			for _, q := range []string{
				"SELECT pay AS v FROM staff WHERE id < 12 UNION SELECT bonus FROM staff ORDER BY v",
				"SELECT pay, bonus FROM staff UNION ALL SELECT bonus, pay FROM staff WHERE id < 4 ORDER BY 2 DESC, 1",
				"SELECT id FROM staff ORDER BY CASE WHEN id < 9 THEN pay ELSE bonus END DESC, id",
				"SELECT tenant, points, count(*) FROM branches GROUP BY tenant, points ORDER BY points, tenant",
				"SELECT points FROM branches WHERE tenant = 'a' GROUP BY points ORDER BY points DESC LIMIT 3",
				"SELECT points AS p FROM branches WHERE tenant = 'b' UNION SELECT total FROM branches WHERE tenant = 'b' ORDER BY p",
			} {
				x.query(q)
			}
			x.w.silent("sorting groups")
		})
	}
}

// TestGroupsAreSortedAllOrNothing: more groups than allowed are an error, and what the
// driver cannot sort is refused.
func TestGroupsAreSortedAllOrNothing(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			w := e.rangeTwins(t, strings.ReplaceAll(groupSortConfig, "max_rows: 100", "max_rows: 3")).w
			texts := []string{
				"SELECT age, count(*) FROM staff GROUP BY age ORDER BY age LIMIT 1",
				"SELECT age FROM staff UNION ALL SELECT age FROM staff ORDER BY age LIMIT 1",
				"SELECT id FROM staff ORDER BY CASE WHEN id > 1 THEN age END LIMIT 1",
			}
			if e.dialect != rewrite.SQLite {
				texts = append(texts, "SELECT id FROM staff ORDER BY age FOR UPDATE")
			}
			if e.dialect == rewrite.Postgres {
				texts = append(texts, "SELECT DISTINCT ON (age) id FROM staff ORDER BY age LIMIT 1")
			}
			for _, text := range texts {
				if _, err := ask(w.db, text, 0, nil); !errors.Is(err, sealsql.ErrTooManyRows) {
					t.Errorf("%s: %v", text, err)
				}
			}
			for _, s := range []string{
				"SELECT dept, count(*) FROM staff GROUP BY dept ORDER BY age",
				"SELECT age, count(*) FROM staff GROUP BY age ORDER BY max(score)",
				"SELECT id, age FROM staff UNION ALL SELECT id, age FROM staff ORDER BY age, id",
				"SELECT age FROM staff UNION ALL SELECT pay FROM staff ORDER BY age",
				"SELECT id FROM staff ORDER BY CASE WHEN id > 1 THEN age ELSE 3 END",
				"SELECT id FROM staff ORDER BY CASE WHEN id > 1 THEN age ELSE pay END",
				"SELECT age, count(*) FROM staff GROUP BY age ORDER BY age + 1",
				"SELECT d.id FROM (SELECT id, age FROM staff ORDER BY age) d JOIN staff s ON s.id = d.id",
				"SELECT count(*) FROM (SELECT id, age FROM staff ORDER BY age) d",
				"SELECT d.id FROM (SELECT id FROM staff ORDER BY age) d",
				"SELECT id FROM (SELECT age, max(id) AS id FROM staff GROUP BY age ORDER BY age LIMIT 2) d",
			} {
				w.refused(s)
			}
			if e.dialect != rewrite.SQLite {
				w.refused("SELECT id FROM staff ORDER BY age LIMIT 1 FOR UPDATE")
				w.refused("SELECT id FROM staff ORDER BY age, dept FOR UPDATE")
			}
			if e.dialect == rewrite.Postgres {
				w.refused("SELECT DISTINCT ON (age) id FROM staff ORDER BY pay, age")
				w.refused("SELECT DISTINCT ON (age, pay) id FROM staff ORDER BY age")
			}
			if e.dialect == rewrite.MySQL {
				w.refused("SELECT age, count(*) FROM staff GROUP BY age WITH ROLLUP ORDER BY age")
			}
		})
	}
}

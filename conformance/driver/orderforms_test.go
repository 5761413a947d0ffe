package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// sortedForms sort by a column in windows and in CASE.
var sortedForms = []string{
	"SELECT id, rank() OVER (ORDER BY {c}) AS r, row_number() OVER (PARTITION BY dept ORDER BY {c} DESC, id) AS n FROM staff ORDER BY id",
	"SELECT id, lag(id) OVER (ORDER BY {c}, id) AS l, {c} FROM staff ORDER BY id",
	"SELECT id, count(*) OVER (ORDER BY {c} RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS k, first_value({c}) OVER w AS f FROM staff WINDOW w AS (PARTITION BY dept ORDER BY {c}, id) ORDER BY id",
	"SELECT d.id, d.r FROM (SELECT id, dense_rank() OVER (ORDER BY {c}) AS r FROM staff WHERE id > 3) d WHERE d.r < 5 ORDER BY d.id",
	"SELECT id, ntile(3) OVER (ORDER BY x, id) AS t FROM (SELECT id, {c} AS x FROM staff) d ORDER BY id",
	"SELECT id FROM staff ORDER BY CASE WHEN id > 5 THEN {c} END, id",
	"SELECT id, {c} FROM staff ORDER BY CASE WHEN {c} > {v} THEN {c} WHEN id < 3 THEN NULL ELSE staff.{c} END DESC, id LIMIT 7",
	"SELECT id FROM staff ORDER BY dept, CASE dept WHEN 'red' THEN {c} ELSE NULL END, id",
}

// sortedUnions sort the rows of a UNION.
var sortedUnions = []string{
	"SELECT age AS x FROM staff WHERE id < 9 UNION SELECT age FROM staff WHERE id > 5 ORDER BY x",
	"SELECT dept, age FROM staff WHERE age < ? UNION SELECT dept, age FROM staff ORDER BY age DESC, dept LIMIT 5",
	"SELECT age FROM staff INTERSECT SELECT age FROM staff WHERE id > 4 ORDER BY 1",
	"SELECT age FROM staff WHERE id < 12 EXCEPT SELECT age FROM staff WHERE id > 14 ORDER BY age",
	"SELECT count(d.age) AS n, count(*) AS k FROM (SELECT age FROM staff WHERE id < 9 UNION SELECT age FROM staff WHERE id > 5 ORDER BY age LIMIT 4) d",
}

const unionConfig = `  staff:
    columns:
      age: {type: smallint, search: {equality: {group: age}, range: {order: revealing}}, accept_leakage: order}
`

func TestColumnsAreSortedInWindowsAndForms(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.rangeTwins(t, rangeConfig)
			x.behind(sortedForms, "name")
			for _, s := range []string{
				"SELECT id, count(*) OVER (ORDER BY age RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM staff",
				"SELECT id FROM staff ORDER BY CASE WHEN id > 1 THEN age ELSE id END",
			} {
				x.w.refused(s, rewrite.ReasonOrder)
			}
			x.w.refused("SELECT tenant, rank() OVER (ORDER BY points) AS r FROM branches", rewrite.ReasonPartition)
		})
	}
}

func TestUnionsAreSorted(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.searchTwinsWith(t, unionConfig, "CREATE TABLE staff (id {INT} PRIMARY KEY, dept {STR}, age SMALLINT)")
			for i := range 20 {
				x.both("INSERT INTO staff VALUES (?, ?, ?)", i, []string{"red", "blue"}[i%2], []any{30, 41, nil, -5, 30, 7}[i%6])
			}
			for _, s := range sortedUnions {
				var args []any
				if strings.Contains(s, "?") {
					args = []any{35}
				}
				x.ranged(s, args...)
			}
		})
	}
}

package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// behindQueries compare a column by order outside of the query that names its table;
// {v} and {w} are values.
var behindQueries = []string{
	"SELECT d.id, d.x FROM (SELECT id, {c} AS x FROM staff WHERE id > 2) d WHERE d.x < {v} ORDER BY d.id",
	"WITH d AS (SELECT id, {c} FROM staff) SELECT a.id, b.id FROM d a JOIN d b ON a.id = b.id + 1 WHERE a.{c} >= {v} AND b.{c} <= {w} ORDER BY a.id",
	"SELECT id FROM (SELECT id, {c} FROM (SELECT * FROM staff) i) o WHERE {c} BETWEEN {v} AND {w} ORDER BY id",
	"SELECT id FROM (SELECT id, {c} AS y FROM staff WHERE dept = 'red' UNION ALL SELECT id + 100, {c} FROM staff WHERE dept = 'blue') u WHERE u.y > {v} OR y IS NULL ORDER BY id",
	"SELECT s.id FROM staff s LEFT JOIN (SELECT id, {c} AS x FROM staff WHERE id < 9) d ON d.id = s.id AND d.x > {v} WHERE NOT (d.x <= {w}) OR d.id IS NULL ORDER BY s.id",
	"SELECT s.id FROM staff s WHERE EXISTS (SELECT 1 FROM (SELECT id, {c} AS x FROM staff) d WHERE d.id = s.id AND d.x <= {v}) ORDER BY s.id",
	"SELECT d.* FROM (SELECT id, {c} FROM staff) d WHERE d.{c} >= {v} AND d.{c} < {w} ORDER BY d.id",
}

// behindSorted sort by it, and ask for its extremes.
var behindSorted = []string{
	"SELECT d.id, d.x FROM (SELECT id, {c} AS x FROM staff) d ORDER BY d.x, d.id LIMIT 7 OFFSET 2",
	"SELECT * FROM (SELECT id, {c} AS x FROM staff) d ORDER BY 2 DESC, 1",
	"WITH d AS (SELECT id, dept, {c} FROM staff WHERE id > 1) SELECT id, {c} AS y FROM d ORDER BY y, id",
	"SELECT id, x FROM (SELECT id, {c} AS x FROM staff ORDER BY {c} DESC, id LIMIT 9) d ORDER BY x, id",
	"SELECT id FROM (SELECT id, {c} AS y FROM staff WHERE id < 9 UNION ALL SELECT id + 100, {c} FROM staff WHERE id > 15) u ORDER BY y, id",
	"SELECT MIN(d.x) AS low, MAX(d.x) AS high FROM (SELECT {c} AS x FROM staff WHERE id > 3) d",
	"SELECT d.dept, MAX(d.x) AS m FROM (SELECT dept, {c} AS x FROM staff) d GROUP BY d.dept ORDER BY d.dept",
	"SELECT s.id, (SELECT MAX(d.x) FROM (SELECT dept, {c} AS x FROM staff) d WHERE d.dept = s.dept) AS m FROM staff s ORDER BY s.id",
}

// TestRangesAnswerBehindQueries compares range indexes that derived tables and
// common tables bring along.
func TestRangesAnswerBehindQueries(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			t.Run("revealing", func(t *testing.T) {
				x := e.rangeTwins(t, rangeConfig)
				x.behind(append(behindQueries[:len(behindQueries):len(behindQueries)], behindSorted...), "name")
				x.ranged("SELECT d.id FROM (SELECT tenant, id, points FROM branches WHERE tenant = ?) d WHERE d.points >= ? ORDER BY d.points, d.id", "a", 3)
				x.ranged("SELECT a.id, b.id FROM (SELECT id, pay FROM staff) a JOIN (SELECT id, bonus FROM staff) b ON a.pay < b.bonus AND a.id < b.id ORDER BY a.id, b.id")
				for _, s := range []string{
					"SELECT d.points FROM (SELECT points FROM branches) d ORDER BY d.points", "SELECT max(d.points) AS m FROM (SELECT points FROM branches) d",
				} {
					x.w.refused(s, rewrite.ReasonPartition)
				}
				x.w.refused("SELECT n FROM (SELECT dept, age AS n, count(*) AS k FROM staff GROUP BY dept, age) d ORDER BY n", rewrite.ReasonGroup)
				x.w.refused("SELECT n FROM (SELECT coalesce(age, age) AS n FROM staff) d ORDER BY n", rewrite.ReasonOrder)
			})
			t.Run("hidden", func(t *testing.T) {
				x := e.rangeTwins(t, hiddenConfig(e.dialect))
				skip := ""
				if e.dialect == rewrite.SQLite {
					skip = "seen"
				}
				x.behind(behindQueries, skip)
			})
		})
	}
}

// behind asks the statements of every column but one.
func (x *twins) behind(statements []string, without string) {
	x.t.Helper()
	for _, c := range testenv.Sample(x.t, rangedColumns(x.w.dialect), 3) {
		if c.column == without {
			continue
		}
		for i, v := range c.values[:min(len(c.values), 4)] {
			for _, s := range statements {
				s = strings.ReplaceAll(s, "{c}", c.column)
				var args []any
				if strings.Contains(s, "{v}") {
					args = append(args, v)
				} else if i > 0 {
					continue
				}
				if strings.Contains(s, "{w}") {
					args = append(args, c.values[(i+2)%len(c.values)])
				}
				x.ranged(strings.NewReplacer("{v}", "?", "{w}", "?").Replace(s), args...)
			}
		}
	}
}

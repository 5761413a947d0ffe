package drivertest_test

import (
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// returned are comparisons with what statements in WITH return.
var returned = []search{
	{"WITH s AS (UPDATE flags SET note = 'r' WHERE id < 6 RETURNING id, level, name) SELECT s.id, s.name FROM s WHERE s.level = ?", []any{0}},
	{"WITH s AS (UPDATE flags SET level = ? WHERE id IN (1, 2) RETURNING *) SELECT l.id, s.id FROM levels l JOIN s ON l.level = s.level", []any{1}},
	{"WITH s (i, n) AS (UPDATE flags SET name = ? WHERE id = 3 RETURNING id, name) SELECT i, n FROM s WHERE n IN (?, 'zz') OR n IS NULL", []any{"neu", "neu"}},
	{"WITH s AS (DELETE FROM levels WHERE id > 9 RETURNING id, level AS v) UPDATE flags SET note = 'gone' WHERE level = (SELECT v FROM s WHERE s.id = ?)", []any{10}},
	{"WITH s AS (INSERT INTO levels (id, level) VALUES (?, ?), (51, NULL) ON CONFLICT (id) DO UPDATE SET level = excluded.level RETURNING id, level) SELECT f.id, s.id FROM flags f LEFT JOIN s ON s.level = f.level", []any{50, 1}},
	{"WITH s AS (UPDATE flags SET note = 'q' RETURNING level) SELECT count(DISTINCT level) AS n FROM s", nil},
	{"WITH s AS (UPDATE flags SET note = 'q' RETURNING level, active) SELECT level, count(*) AS n FROM s WHERE active GROUP BY level HAVING level <> ?", []any{5}},
	{"WITH s AS (UPDATE flags SET note = 'o' WHERE level IS NOT NULL RETURNING id, level) SELECT id, level FROM s WHERE level > ? ORDER BY level DESC, id LIMIT 4", []any{-4}},
	{"WITH s AS (UPDATE flags SET level = 8 WHERE id = 0 RETURNING level) SELECT level FROM s UNION SELECT level FROM levels", nil},
	{"WITH s AS (DELETE FROM levels WHERE level = ? RETURNING *) SELECT a.id FROM s a WHERE a.level NOT IN (SELECT level FROM s WHERE id < 3)", []any{1}},
	{"SELECT id, active, level, name, note FROM flags", nil},
	{"SELECT id, level FROM levels", nil},
}

func TestReturnedColumnsAreCompared(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		if e.dialect != rewrite.Postgres {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			x := e.conditionTwins(t)
			for _, q := range returned {
				x.unordered(q.text, q.args)
			}
			x.w.refused("WITH s AS (UPDATE flags SET note = 'x' RETURNING COALESCE(level, level) AS v) SELECT 1 FROM s WHERE v = 1", rewrite.ReasonPredicate)
		})
	}
}

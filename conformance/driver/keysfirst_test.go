package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// keysFirst are statements in which the keys of the rows that match are looked
// up first. The plain tables know which rows those are.
var keysFirst = []struct {
	text string
	args []any
}{
	{"SELECT count(*) FROM people WHERE name LIKE ?", []any{"Ada%"}},
	{"SELECT count(*) FROM people WHERE name LIKE ?", []any{"nobody%"}},
	{"SELECT count(*) FROM people WHERE name LIKE ?", []any{nil}},
	{"SELECT count(*) FROM people WHERE NOT (name LIKE ?)", []any{nil}},
	{"SELECT count(*), max(id) FROM people WHERE bio LIKE '%program%' AND kind = ?", []any{"x"}},
	{"SELECT count(*) FROM people WHERE name NOT LIKE ?", []any{"Ada%"}},
	{"SELECT count(*) FROM people WHERE name NOT LIKE ? AND bio LIKE ?", []any{"Ada%", "%the%"}},
	{"SELECT DISTINCT kind FROM people WHERE bio LIKE ? ORDER BY kind", []any{"%the%"}},
	{"SELECT kind, count(*) FROM people WHERE bio LIKE ? GROUP BY kind ORDER BY kind", []any{"%the%"}},
	{"SELECT id, name FROM people WHERE name LIKE ? OR id = ? ORDER BY id", []any{"Ada%", 6}},
	{"SELECT id, bio FROM people WHERE name LIKE ? OR bio LIKE ? ORDER BY id", []any{"Ada%", "%the%"}},
	{"SELECT id, name FROM people WHERE (name LIKE ? OR mail LIKE ?) AND kind = ? ORDER BY id LIMIT 2", []any{"Ada%", "%com", "x"}},
	{"SELECT id FROM people WHERE NOT (name LIKE ?) ORDER BY id", []any{"Ada%"}},
	{"SELECT id FROM people WHERE NOT (name NOT LIKE ?) ORDER BY id", []any{"Ada%"}},
	{"SELECT id FROM people WHERE NOT (name LIKE ? AND kind = 'x') ORDER BY id", []any{"Ada%"}},
	{"SELECT id FROM people WHERE name NOT LIKE ? OR kind = 'y' ORDER BY id", []any{"Ada%"}},
	{"SELECT id, CASE WHEN name LIKE ? THEN 1 WHEN name NOT LIKE ? THEN 2 ELSE 3 END AS c FROM people ORDER BY id", []any{"Ada%", "Z%"}},
	{"SELECT id FROM people WHERE (name LIKE ?) IS NULL ORDER BY id", []any{"Ada%"}},
	{"SELECT id FROM people WHERE bio LIKE ? AND (name LIKE ? OR id > 5) ORDER BY id", []any{"%the%", "Ada%"}},
	{"SELECT id FROM notes WHERE tenant = 'a' AND id IN (SELECT id FROM people WHERE name LIKE ?) ORDER BY id", []any{"A%"}},
	{"SELECT id FROM notes n WHERE n.tenant = 'a' AND EXISTS (SELECT 1 FROM people p WHERE p.id = n.id + 1 AND p.name LIKE ?) ORDER BY id", []any{"Ad%"}},
	{"SELECT id FROM notes n WHERE n.tenant = 'a' AND NOT EXISTS (SELECT 1 FROM people p WHERE p.id = n.id + 1 AND p.name LIKE ?) ORDER BY id", []any{"Ada%"}},
	{"SELECT tenant, count(*) FROM notes WHERE tenant = ? AND body LIKE ? GROUP BY tenant", []any{"a", "%the%"}},
	{"SELECT id FROM people p WHERE p.name LIKE ? UNION ALL SELECT id FROM people WHERE bio LIKE ? ORDER BY 1", []any{"Ada%", "%the%"}},
	{"WITH f AS (SELECT id, kind FROM people WHERE name LIKE ?) SELECT id FROM f WHERE kind = 'x' ORDER BY id", []any{"A%"}},
	{"SELECT id FROM (SELECT id, kind FROM people WHERE name LIKE ?) d ORDER BY id", []any{"A%"}},
	{"SELECT p.id, q.id FROM people p LEFT JOIN people q ON q.id = p.id + 1 AND q.name LIKE ? ORDER BY p.id", []any{"Ada%"}},
	{"SELECT id FROM people ORDER BY CASE WHEN name LIKE ? THEN 0 ELSE 1 END, id", []any{"Ada%"}},
}

// lockedKeys lock rows of tables that a join may leave out. PostgreSQL does that
// only where a condition says that it does not.
var lockedKeys = []search{
	{"SELECT p.id FROM people p LEFT JOIN people q ON q.id = p.id + 1 WHERE q.name LIKE ? ORDER BY p.id FOR UPDATE", []any{"Ada%"}},
	{"SELECT p.id FROM people p LEFT JOIN people q ON q.id = p.id + 1 WHERE q.name LIKE ? ORDER BY p.id FOR UPDATE", []any{"nobody%"}},
	{"SELECT p.id FROM people p LEFT JOIN people q ON q.id = p.id + 1 WHERE q.name LIKE ? OR q.kind = 'x' ORDER BY p.id FOR UPDATE", []any{"nobody%"}},
	{"SELECT n.id FROM notes n RIGHT JOIN people p ON n.id = p.id WHERE n.tenant = 'a' AND n.body NOT LIKE ? ORDER BY n.id FOR UPDATE", []any{"%"}},
	{"SELECT n.id FROM people p LEFT JOIN notes n ON n.id = p.id WHERE n.tenant = 'a' AND n.body LIKE ? ORDER BY n.id FOR UPDATE", []any{"nobody%"}},
}

var keysFirstChanges = []struct {
	text string
	args []any
}{
	{"UPDATE people SET kind = 'q' WHERE bio LIKE ?", []any{"%program%"}},
	{"UPDATE people SET kind = ? WHERE bio LIKE ? AND kind = ?", []any{"z", "%the%", "q"}},
	{"UPDATE people SET bio = ? WHERE name LIKE ? OR id = ?", []any{"a text without it", "Ada%", 6}},
	{"UPDATE people SET kind = 'n' WHERE name NOT LIKE ?", []any{"Ada%"}},
	{"UPDATE people SET kind = 'none' WHERE name LIKE ?", []any{nil}},
	{"UPDATE people SET kind = 'none' WHERE name LIKE ?", []any{"nobody%"}},
	{"INSERT INTO people (id, kind) SELECT id + 100, kind FROM people WHERE name LIKE ?", []any{"A%"}},
	{"UPDATE notes SET body = ? WHERE tenant = ? AND body LIKE ?", []any{"changed the body", "a", "%the%"}},
	{"DELETE FROM notes WHERE tenant = ? AND body LIKE ?", []any{"b", "%the%"}},
	{"DELETE FROM people WHERE name LIKE ? AND mail LIKE ?", []any{"Ada%", "%com"}},
	{"DELETE FROM people WHERE id IN (SELECT id FROM notes WHERE tenant = 'a' AND body LIKE ?)", []any{"changed%"}},
}

// TestKeysAreLookedUpFirst compares statements that search by pattern where rows
// cannot be left out of the result with those of plain tables, in every mode of
// the drivers, inside and outside of transactions.
func TestKeysAreLookedUpFirst(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.likeTwins(t)
			for _, q := range keysFirst {
				x.query(q.text, q.args...)
			}
			for _, q := range lockedKeys {
				if e.dialect != rewrite.SQLite {
					x.query(q.text, q.args...)
				}
			}
			for _, c := range keysFirstChanges {
				if e.dialect == rewrite.MySQL && strings.Contains(c.text, "IN (SELECT id FROM notes") {
					continue
				}
				x.both(c.text, c.args...)
				x.query("SELECT * FROM people ORDER BY id")
				x.query("SELECT * FROM notes ORDER BY tenant, id")
			}
			x.w.silent("a pattern")
		})
	}
}

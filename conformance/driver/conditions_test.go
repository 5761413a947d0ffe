package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const conditionConfig = `  flags:
    columns:
      active: {type: boolean, search: equality}
      level: {type: integer, search: {equality: {group: level}, range: {order: revealing}}, accept_leakage: order}
      name: {type: varchar(60), search: {equality: {collation: binary}}}
  levels:
    columns:
      level: {type: integer, search: {equality: {group: level}}}
`

var conditionTables = []string{
	"CREATE TABLE flags (id {INT} PRIMARY KEY, active BOOLEAN, level INTEGER, name {STR}, note TEXT)",
	"CREATE TABLE levels (id {INT} PRIMARY KEY, level INTEGER)",
}

func (e engine) conditionTwins(t *testing.T) *twins {
	t.Helper()
	x := e.searchTwinsWith(t, conditionConfig, conditionTables...)
	for i := range 12 {
		x.both("INSERT INTO flags VALUES (?, ?, ?, ?, ?)", i, []any{true, false, nil}[i%3], []any{0, 1, -3, nil}[i%4], []any{"a", "", "b", nil, "A"}[i%5], []string{"x", "y"}[i%2])
		x.both("INSERT INTO levels VALUES (?, ?)", i, []any{1, 0, nil}[i%3])
	}
	return x
}

// truths are columns that are conditions by themselves.
var truths = []search{
	{"SELECT id FROM flags WHERE active", nil},
	{"SELECT id, active FROM flags f WHERE NOT f.active AND note = ?", []any{"x"}},
	{"SELECT id FROM flags WHERE active OR note = 'y'", nil},
	{"SELECT id FROM flags WHERE active IS TRUE", nil},
	{"SELECT id FROM flags WHERE active IS NOT TRUE", nil},
	{"SELECT id FROM flags WHERE active IS FALSE OR active IS NOT FALSE AND id > 6", nil},
	{"SELECT id FROM flags WHERE active IS UNKNOWN", nil},
	{"SELECT id, CASE WHEN active THEN 1 WHEN NOT active THEN 2 ELSE 3 END AS k FROM flags", nil},
	{"SELECT id, NOT active AS n FROM flags", nil},
	{"SELECT a.id, b.id FROM flags a JOIN flags b ON a.active AND b.id = a.id + 1", nil},
	{"SELECT id FROM (SELECT id, active FROM flags WHERE id > ?) d WHERE active", []any{3}},
	{"SELECT count(*) FROM flags WHERE active", nil},
	{"SELECT active, count(*) FROM flags GROUP BY active HAVING active = ?", []any{true}},
	{"UPDATE flags SET note = 'on' WHERE active AND id < 9", nil},
	{"UPDATE flags SET note = 'off' WHERE NOT active", nil},
	{"SELECT id, note FROM flags", nil},
	{"DELETE FROM flags WHERE active AND id > 5", nil},
	{"SELECT id FROM flags", nil},
}

// numbersAsTruths are those that only MySQL takes.
var numbersAsTruths = []search{
	{"SELECT id FROM flags WHERE level", nil},
	{"SELECT id FROM flags WHERE NOT level OR level IS NULL", nil},
	{"SELECT id, level IS TRUE AS k FROM flags", nil},
	{"SELECT id FROM flags WHERE level AND active", nil},
}

// TestColumnsAreConditions compares columns by themselves as conditions with those
// of plain tables.
func TestColumnsAreConditions(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.conditionTwins(t)
			if e.dialect == rewrite.SQLite {
				x.w.refused("SELECT id FROM flags WHERE active", rewrite.ReasonPredicate)
				return
			}
			if e.dialect == rewrite.MySQL {
				x.both("UPDATE flags SET active = 2 WHERE id IN (0, 4)")
				for _, q := range numbersAsTruths {
					x.unordered(q.text, q.args)
				}
			}
			for _, q := range truths {
				x.unordered(q.text, q.args)
			}
			x.w.refused("SELECT id FROM flags WHERE name", rewrite.ReasonPredicate)
		})
	}
}

// scalars are comparisons with the one value of a query.
var scalars = []search{
	{"SELECT id FROM flags WHERE level = (SELECT level FROM levels WHERE id = ?)", []any{1}},
	{"SELECT id FROM flags WHERE level = (SELECT level FROM levels WHERE id = ?)", []any{2}},
	{"SELECT id FROM flags WHERE level = (SELECT level FROM levels WHERE id = ?)", []any{99}},
	{"SELECT id FROM flags WHERE level <> (SELECT level FROM levels WHERE id = 0)", nil},
	{"SELECT id FROM flags WHERE NOT (level = (SELECT level FROM levels WHERE id = 2)) OR id = 3", nil},
	{"SELECT id FROM flags f WHERE (SELECT l.level FROM levels l WHERE l.id = f.id) = f.level", nil},
	{"SELECT id FROM flags f WHERE (SELECT l.level FROM levels l WHERE l.id = f.id) = ?", []any{1}},
	{"SELECT id FROM flags f WHERE f.level = (SELECT level FROM levels WHERE level = ? ORDER BY id LIMIT 1)", []any{0}},
	{"SELECT id FROM flags WHERE level = (SELECT DISTINCT level FROM levels WHERE level = 1)", nil},
	{"SELECT id FROM flags WHERE (note, level) = (SELECT 'x', level FROM levels WHERE id = 1)", nil},
	{"WITH l AS (SELECT id, level FROM levels WHERE id < ?) SELECT id FROM flags WHERE level = (SELECT level FROM l WHERE id = 0)", []any{3}},
	{"SELECT id, CASE WHEN level = (SELECT level FROM levels WHERE id = 0) THEN 1 ELSE 0 END AS k FROM flags", nil},
	{"UPDATE flags SET note = 'one' WHERE level = (SELECT level FROM levels WHERE id = 0)", nil},
	{"SELECT id, note FROM flags", nil},
	{"DELETE FROM flags WHERE level = (SELECT level FROM levels WHERE id = 1) AND id > ?", []any{4}},
	{"SELECT id FROM flags", nil},
}

func TestColumnsEqualTheValueOfAQuery(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.conditionTwins(t)
			for _, q := range scalars {
				x.unordered(q.text, q.args)
			}
			x.w.refused("SELECT id FROM flags WHERE level = (SELECT id FROM levels WHERE id = 1)", rewrite.ReasonPredicate)
		})
	}
}

// decisions are comparisons of arguments that the driver answers, on PostgreSQL.
// Arguments are those of each run.
var decisions = []struct {
	text string
	args [][]any
}{
	{"SELECT id FROM flags WHERE ($1 = '' OR name = $1)", [][]any{{""}, {"a"}, {"A"}, {nil}}},
	{"SELECT id FROM flags WHERE ($1 <> '' AND name <> $1)", [][]any{{""}, {"a"}, {nil}}},
	{"SELECT id FROM flags WHERE 'b' = $1 OR name = $1", [][]any{{"b"}, {"B"}, {"b "}, {nil}}},
	{"SELECT id FROM flags WHERE CASE WHEN $1 > 0 THEN level = $1 ELSE name = $2 END", [][]any{{1, "a"}, {0, "a"}, {-3, "b"}, {nil, "a"}, {1, nil}}},
	{"SELECT id FROM flags WHERE (level = $1 OR $1 = 0)", [][]any{{0}, {1}, {nil}}},
	{"SELECT id FROM flags WHERE (level = $1 OR 0 > $1) AND NOT ($1 <= -5)", [][]any{{0}, {1}, {-3}, {-5}, {nil}}},
	{"SELECT id FROM flags WHERE CASE WHEN $1::int <> 0 THEN level = $1 ELSE TRUE END", [][]any{{0}, {1}, {nil}}},
	{"SELECT id FROM flags WHERE CASE WHEN $1::text <> '' THEN level = $1::int ELSE FALSE END", [][]any{{"1"}, {nil}}},
	{"SELECT id FROM flags WHERE CASE WHEN $1 = TRUE THEN active = $1 ELSE active IS NULL END", [][]any{{true}, {false}, {nil}}},
	{"SELECT id FROM flags WHERE CASE WHEN cardinality($1::int[]) > 0 THEN level = ANY($1) ELSE note = 'x' END", [][]any{{[]int{1, 0}}, {[]int{}}, {nil}, {"{1,NULL}"}}},
	{"SELECT id FROM flags WHERE CASE WHEN array_length($1::int[], 1) > 1 THEN level = ANY($1::int[]) ELSE note = 'x' END", [][]any{{[]int{1, 0}}, {[]int{1}}, {[]int{}}, {nil}}},
	{"SELECT id FROM flags WHERE (array_length($1::int[], 1) > 0) IS NULL AND level <> ALL ($1::int[])", [][]any{{[]int{}}, {[]int{1}}}},
	{"UPDATE flags SET name = CASE WHEN $2 <> '' THEN $2 ELSE name END WHERE id = $1", [][]any{{0, ""}, {1, "new"}, {2, nil}}},
	{"SELECT id, name FROM flags WHERE name = ANY ($1)", [][]any{{[]string{"new", "a", "b"}}}},
	{"UPDATE flags SET note = $1, name = CASE WHEN $1 = 'q' THEN $2 ELSE name END WHERE id = $3", [][]any{{"q", "set", 3}, {"r", "unset", 4}}},
	{"UPDATE flags SET name = CASE WHEN $1 IS TRUE THEN 'yes' ELSE name END, level = CASE WHEN $2 > 3 THEN $2 ELSE level END WHERE id = $3", [][]any{{true, 4, 5}, {false, 3, 6}, {nil, nil, 7}}},
	{"SELECT id FROM flags WHERE ($1 OR active = $1)", [][]any{{true}, {false}, {nil}}},
	{"SELECT id FROM flags WHERE NOT $1::bool AND active = $1 OR note = 'x' AND NOT ($1 AND id > 3)", [][]any{{true}, {false}, {nil}}},
	{"UPDATE flags SET active = $1, note = CASE WHEN $1 AND id > 0 THEN 'on' ELSE 'off' END WHERE id = $2", [][]any{{true, 6}, {false, 7}, {nil, 8}}},
	{"UPDATE flags SET level = CASE WHEN $1 <> '' THEN $1::integer ELSE level END WHERE id = $2", [][]any{{"77", 1}, {"", 2}, {nil, 3}}},
	{"SELECT id FROM flags WHERE level = ALL ($1)", [][]any{{[]int{1}}, {[]int{1, 1}}, {[]int{0, 1}}, {[]int{}}, {"{1,NULL}"}, {nil}}},
	{"SELECT id FROM flags WHERE NOT (level = ALL ($1)) OR name <> ANY ($2)", [][]any{{[]int{1}, []string{"a"}}, {"{NULL}", []string{"a", "b"}}, {[]int{}, []string{}}}},
	{"SELECT id, active, level, note, name FROM flags", [][]any{nil}},
	{"SELECT * FROM flags WHERE level > $1 OR name IN ('yes', 'y', 'n', 'set')", [][]any{{3}}},
	{"SELECT level FROM flags INTERSECT SELECT level FROM levels INTERSECT ALL SELECT level FROM flags WHERE id > $1", [][]any{{3}}},
	{"SELECT level FROM flags UNION SELECT level FROM levels EXCEPT ALL SELECT level FROM levels WHERE id = $1", [][]any{{0}}},
	{"DELETE FROM flags WHERE note = 'x' AND ($1 = '' OR name <> $1)", [][]any{{"a"}, {""}}},
	{"SELECT id FROM flags", [][]any{nil}},
}

// TestArgumentsAreComparedInTheDriver compares them with the plain database, in
// every mode of pgx.
func TestArgumentsAreComparedInTheDriver(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		if e.dialect != rewrite.Postgres {
			continue
		}
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.conditionTwins(t)
			for _, q := range decisions {
				for _, args := range q.args {
					x.unordered(q.text, args)
				}
			}
		})
	}
}

// TestRowsAreChangedInOrder compares DELETE and UPDATE with ORDER BY and LIMIT on
// MySQL, which alone has them everywhere.
func TestRowsAreChangedInOrder(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		if e.dialect != rewrite.MySQL {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			x := e.conditionTwins(t)
			for _, q := range []search{
				{"UPDATE flags SET note = 'low' WHERE level IS NOT NULL ORDER BY level, id LIMIT 2", nil},
				{"UPDATE flags SET note = 'high' ORDER BY flags.level DESC, id DESC LIMIT 3", nil},
				{"SELECT id, note FROM flags", nil},
				{"DELETE FROM flags WHERE note <> ? ORDER BY level, id LIMIT 4", []any{"low"}},
				{"SELECT id FROM flags", nil},
			} {
				x.unordered(q.text, q.args)
			}
			x.w.refused("DELETE FROM flags ORDER BY name LIMIT 1", rewrite.ReasonOrder)
		})
	}
}

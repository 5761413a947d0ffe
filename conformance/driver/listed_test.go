package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const listedConfig = `  goods:
    columns:
      code: {type: varchar(40), search: {equality: {collation: binary}}}
      stock: {type: integer, search: {equality: {group: stock}}}
      price: {type: "numeric(6,2)", search: equality}
      due: {type: date, search: equality}
      memo: {type: text, search: {equality: {collation: binary}}}
      weight: {type: real, search: {equality: default, range: {order: revealing}}, accept_leakage: order}
`

var listedTables = []string{"CREATE TABLE goods (id {INT} PRIMARY KEY, code {STR}, stock INTEGER, price NUMERIC(6,2), due DATE, note TEXT, weight REAL, memo {TEXT})"}

// unnestedArrays compare encrypted columns with elements of arrays; arguments are those
// of each run.
var unnestedArrays = []struct {
	text string
	args [][]any
}{
	{"SELECT id FROM goods WHERE (stock, code) = ANY (SELECT a, b FROM unnest($1::int[]) a, unnest($2::text[]) b)", [][]any{{[]int{1, 2}, []string{"a", "B"}}, {[]int{}, []string{"a"}}, {"{1,NULL}", "{NULL,a}"}, {nil, nil}}},
	{"SELECT g.id, u.n FROM goods g JOIN unnest($1::int[], $2::text[]) AS u (s, n) ON g.stock = u.s", [][]any{{[]int{1, 1, 3}, []string{"x", "y"}}, {"{NULL,2}", []string{"x"}}}},
	{"SELECT g.id, u.n FROM goods g LEFT JOIN unnest($1::varchar[], $2::text[]) AS u (s, n) ON g.code = u.s", [][]any{{[]string{"a", "b", "a"}, []string{"x", "y", "z"}}}},
	{"WITH r AS (SELECT unnest FROM unnest($1::integer[])) SELECT g.id FROM goods g, r WHERE g.stock = r.unnest", [][]any{{[]int{2, 2, 1}}}},
	{"SELECT g.id FROM (SELECT unnest FROM unnest($1::text[])) AS i (c), LATERAL (SELECT id FROM goods WHERE code = i.c ORDER BY id LIMIT $2) g", [][]any{{[]string{"a", "b"}, 2}}},
	{"SELECT id FROM goods WHERE stock NOT IN (SELECT x FROM unnest($1::int[]) x)", [][]any{{[]int{1}}, {"{1,NULL}"}, {[]int{}}}},
	{"SELECT id FROM goods WHERE stock <> ALL (SELECT * FROM unnest($1::int[]))", [][]any{{[]int{1, 2}}}},
	{"SELECT id FROM goods g WHERE EXISTS (SELECT 1 FROM unnest($1::date[]) AS d WHERE d = g.due)", [][]any{{"{2026-01-02,2026-01-04}"}}},
	{"SELECT id FROM goods WHERE price = ANY ($1::numeric(6,2)[]) OR stock = ALL ($2::int[])", [][]any{{"{1.254,3.75}", []int{7}}, {"{2.5}", []int{1}}}},
	{"SELECT id FROM goods WHERE price = ANY (ARRAY[$1, 2.499]::numeric(6,2)[]) OR price = $1::numeric(6,2)", [][]any{{"1.254"}}},
	{"SELECT id FROM goods g, unnest($1::numeric(6,2)[]) p WHERE g.price = p", [][]any{{"{1.254,2.499,NULL}"}}},
	{"UPDATE goods SET note = u.n FROM unnest($1::int[], $2::text[]) AS u (s, n) WHERE stock = u.s AND id < 4", [][]any{{[]int{1, 2}, []string{"one", "two"}}}},
	{"SELECT id, note FROM goods", [][]any{nil}},
	{"DELETE FROM goods WHERE (stock, id) IN (SELECT x, y FROM unnest($1::int[]) x, unnest($2::int[]) y)", [][]any{{[]int{1, 2}, []int{0, 1, 3}}}},
	{"SELECT id FROM goods", [][]any{nil}},
}

// listsOfValues compare them with lists of values, on PostgreSQL and SQLite.
var listsOfValues = []search{
	{"WITH v (c, n) AS (VALUES ('a', 1), (?, 2), (NULL, 3)) SELECT g.id, v.n FROM goods g JOIN v ON g.code = v.c", []any{"b"}},
	{"WITH v (c, n) AS (VALUES (?, 'q'), ('zz', 'r')) SELECT g.id FROM goods g WHERE g.code NOT IN (SELECT c FROM v)", []any{"a"}},
	{"WITH v (s, n) AS (VALUES (1, 'x'), (2, 'y'), (2, 'z')) SELECT g.id, v.n FROM goods g LEFT JOIN v ON v.s = g.stock", nil},
	{"WITH v (s, n) AS (VALUES (1, 'x'), (3, 'y')) SELECT g.id, (SELECT n FROM v WHERE v.s = g.stock) AS m FROM goods g", nil},
	{"WITH v (s) AS (SELECT 2 UNION ALL SELECT 3) SELECT g.id FROM goods g JOIN v ON v.s = g.stock", nil},
	{"WITH v (s, n) AS (VALUES (1, 'x'), (2, 'y')) UPDATE goods SET note = v.n FROM v WHERE goods.stock = v.s", nil},
	{"SELECT id, note FROM goods", nil},
}

// listsShown are compared and shown, or compared by order, on PostgreSQL.
var listsShown = []search{
	{"SELECT g.id, v.c, v.n FROM goods g JOIN (VALUES ('a'::text, 1), ($1, 2), (NULL, 3)) AS v (c, n) ON g.code = v.c", []any{"b"}},
	{"SELECT g.id, v.s, v.n FROM goods g LEFT JOIN (VALUES (1, 'x'), (3, 'y'), (9, 'z')) AS v (s, n) ON g.stock = v.s", nil},
	{"SELECT v.s, count(*) AS n FROM goods g JOIN (VALUES (1), (2), (2)) AS v (s) ON g.stock = v.s GROUP BY v.s", nil},
	{"SELECT g.id, v.w FROM goods g, (VALUES (1.5::real, 2::integer), (4::real, 1::integer)) AS v (w, k) WHERE g.weight > v.w AND g.stock = v.k", nil},
	{"SELECT g.id, v.w FROM goods g JOIN (VALUES ($1::real), (0.25::real), (NULL)) AS v (w) ON g.weight <= v.w", []any{3.5}},
	{"SELECT id, $1 AS asked FROM goods WHERE memo = $1", []any{"m"}},
	{"SELECT id, $1 FROM goods WHERE memo = $1", []any{"m"}},
	{"SELECT stock, percentile_disc(0.5) WITHIN GROUP (ORDER BY weight) AS mid, percentile_disc(1) WITHIN GROUP (ORDER BY weight DESC) AS lo FROM goods GROUP BY stock", nil},
	{"SELECT max(v.w) AS hi FROM goods g JOIN (VALUES (2.5::real), (0.25::real)) AS v (w) ON g.weight > v.w", nil},
}

func (e engine) goods(t *testing.T) *twins {
	t.Helper()
	x := e.searchTwinsWith(t, listedConfig, listedTables...)
	for i := range 10 {
		x.both("INSERT INTO goods VALUES (?, ?, ?, ?, ?, ?, ?, ?)", i, []any{"a", "b", nil, "B", "a "}[i%5], []any{1, 2, nil, 3}[i%4], []any{"1.25", "2.50", nil}[i%3], []any{"2026-01-02", nil}[i%2], "n", []any{0.5, 2.25, nil, 4.0}[i%4], []any{"m", "k"}[i%2])
	}
	return x
}

func TestColumnsAreComparedWithListsOfConstants(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.goods(t)
			if e.dialect == rewrite.MySQL {
				x.w.refused("SELECT g.id FROM goods g JOIN (SELECT 1 AS s UNION ALL SELECT 2) v ON v.s = g.stock", rewrite.ReasonPredicate)
				return
			}
			for _, q := range listsOfValues {
				x.unordered(q.text, q.args)
			}
			if e.dialect == rewrite.Postgres {
				for _, q := range listsShown {
					x.unordered(q.text, q.args)
				}
				x.query("SELECT g.id, v.w FROM goods g, (VALUES (1.5::real), (0.25::real)) AS v (w) WHERE g.weight > v.w AND g.stock = 1 ORDER BY v.w, g.id")
				for _, q := range unnestedArrays {
					for _, args := range q.args {
						x.unordered(q.text, args)
					}
				}
			}
			if e.dialect == rewrite.SQLite {
				x.w.refused("WITH v (s) AS (VALUES (1), (2)) SELECT v.s FROM goods g JOIN v ON v.s = g.stock", rewrite.ReasonClearUse)
			}
		})
	}
}

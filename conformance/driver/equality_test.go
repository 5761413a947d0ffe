package drivertest_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

type search struct {
	text string
	args []any
}

// equalities are what applications do with equality beyond comparing a column
// with a value. The rows come in any order.
var equalities = []search{
	{"SELECT ssn, count(*), min(id) FROM users GROUP BY ssn", nil},
	{"SELECT ssn, count(*) AS n FROM users GROUP BY ssn HAVING count(*) > 1 ORDER BY n", nil},
	{"SELECT u.ssn AS s, u.note, max(u.id) FROM users u GROUP BY 1, note", nil},
	{"SELECT ssn AS s, count(*) FROM users GROUP BY s", nil},
	{"SELECT count(*), ssn FROM users GROUP BY ssn HAVING ssn <> ? OR ssn IS NULL", []any{"111"}},
	{"SELECT ssn, CASE WHEN ssn = ? THEN 'x' ELSE 'y' END AS k, count(points) FROM users GROUP BY ssn", []any{"222"}},
	{"SELECT coalesce(ssn, 'none') AS s, count(*) FROM users GROUP BY ssn", nil},
	{"SELECT ssn IS NULL AS e, count(ssn) FROM users GROUP BY ssn", nil},
	{"SELECT born, count(*) FROM users GROUP BY born", nil},
	{"SELECT points, price, count(*) FROM users GROUP BY points, price", nil},
	{"SELECT price FROM users GROUP BY price ORDER BY count(*) DESC, max(id)", nil},
	{"SELECT tenant, secret, count(*) FROM tenants GROUP BY tenant, secret", nil},
	{"SELECT secret, count(*) FROM tenants WHERE tenant = ? GROUP BY secret", []any{"a"}},
	{"SELECT code, tenant, count(*) FROM tenants GROUP BY code, tenant", nil},
	{"SELECT DISTINCT ssn FROM users", nil},
	{"SELECT DISTINCT ssn, note FROM users WHERE id > ? ORDER BY note", []any{1}},
	{"SELECT DISTINCT u.note AS n, u.ssn, u.points, 1 AS one FROM users u ORDER BY n", nil},
	{"SELECT DISTINCT email, c.label FROM users JOIN contacts c ON c.mail = email", nil},
	{"SELECT DISTINCT tenant, secret FROM tenants", nil},
	{"SELECT DISTINCT secret FROM tenants WHERE tenant = 'b' LIMIT 10", nil},
	{"SELECT count(*) FROM (SELECT DISTINCT born, ssn FROM users) d", nil},
	{"SELECT count(DISTINCT ssn), count(DISTINCT email), count(DISTINCT note) FROM users", nil},
	{"SELECT note, count(DISTINCT points) AS n FROM users GROUP BY note ORDER BY n, note", nil},
	{"SELECT count(DISTINCT code) FROM tenants", nil},
	{"SELECT id FROM (SELECT id, ssn AS s FROM users) d WHERE d.s = ? OR s IS NULL", []any{"111"}},
	{"SELECT id, s FROM (SELECT e.* FROM (SELECT id, ssn AS s, note FROM users) e WHERE e.note = 'red') d WHERE s IN ('111', ?)", []any{"222"}},
	{"WITH a AS (SELECT id, email FROM users), b AS (SELECT mail, id FROM contacts) SELECT a.id, b.id, a.email FROM a JOIN b ON b.mail = a.email WHERE a.email <> ?", []any{"u1@example.com"}},
	{"SELECT id FROM (SELECT id, email AS m FROM users UNION ALL SELECT id, mail FROM contacts) d WHERE m = ?", []any{"u2@example.com"}},
	{"SELECT m, count(*) FROM (SELECT email AS m FROM users UNION ALL SELECT mail FROM contacts) d GROUP BY m", nil},
	{"SELECT DISTINCT m FROM (SELECT email AS m FROM users UNION ALL SELECT mail FROM contacts) d", nil},
	{"SELECT * FROM (SELECT ssn, count(*) AS n FROM users GROUP BY ssn) d WHERE ssn = ?", []any{"111"}},
	{"SELECT id FROM users WHERE email IN (SELECT mail FROM contacts WHERE id > 20)", nil},
	{"SELECT id, email FROM users WHERE email NOT IN (SELECT mail FROM contacts)", nil},
	{"SELECT id FROM users WHERE email NOT IN (SELECT email FROM users WHERE id = 1 OR ssn IS NULL)", nil},
	{"SELECT id FROM users WHERE ssn IN (SELECT ssn FROM users WHERE id IN (1, 3))", nil},
	{"SELECT id FROM users WHERE ssn NOT IN (SELECT ssn FROM users WHERE id IN (1, 3))", nil},
	{"SELECT id FROM users WHERE (note, ssn) IN (SELECT note, ssn FROM users WHERE id = ?)", []any{2}},
	{"SELECT id FROM users WHERE email IN (SELECT mail FROM contacts UNION SELECT email FROM users WHERE id = 7)", nil},
	{"SELECT id FROM contacts WHERE ? IN (SELECT u.email FROM users u WHERE u.email = contacts.mail)", []any{"u2@example.com"}},
	{"SELECT id FROM users WHERE (note, ssn) = (?, ?)", []any{"blue", "222"}},
	{"SELECT id FROM users WHERE (ssn, id) IN (('111', 3), (?, 2), (NULL, 1))", []any{"222"}},
	{"SELECT id FROM users WHERE (ssn, email) <> (?, ?)", []any{"111", "u3@example.com"}},
	{"SELECT id FROM users WHERE (email, ssn) IN (SELECT c.mail, u.ssn FROM contacts c JOIN users u ON u.email = c.mail)", nil},
	{"SELECT id, CASE ssn WHEN ? THEN 'a' WHEN '222' THEN 'b' ELSE note END AS k FROM users", []any{"111"}},
	{"SELECT id, CASE ssn WHEN ? THEN ssn ELSE email END AS k FROM users", []any{"111"}},
	{"SELECT id, ssn, row_number() OVER (PARTITION BY ssn ORDER BY id) AS n FROM users", nil},
	{"SELECT id, count(*) OVER (PARTITION BY note, ssn) AS n, lag(ssn) OVER (PARTITION BY email ORDER BY id) AS p FROM users", nil},
	{"SELECT id, sum(id) OVER w AS n FROM users WINDOW w AS (PARTITION BY born ORDER BY id)", nil},
	{"SELECT id, count(*) OVER (PARTITION BY tenant, secret) AS n FROM tenants", nil},
	{"SELECT email AS m FROM users UNION SELECT mail FROM contacts", nil},
	{"SELECT id, email FROM users WHERE id < ? UNION SELECT id / 10, mail FROM contacts ORDER BY id LIMIT 20", []any{4}},
	{"SELECT ssn, note AS n, 1 AS one FROM users UNION ALL SELECT ssn, note, 1 FROM users UNION SELECT ssn, 'x', NULL FROM users WHERE ssn = ?", []any{"111"}},
	{"SELECT count(*) FROM (SELECT born, points FROM users UNION SELECT born, points FROM users WHERE points = 1000) d", nil},
	{"SELECT id FROM users WHERE COALESCE(ssn, 'none') = 'none'", nil},
	{"SELECT id FROM users WHERE COALESCE(ssn, ?) IN (?, '222') AND COALESCE(points, 0) <> 0", []any{"x", "x"}},
	{"SELECT id FROM users WHERE CASE WHEN note = 'red' THEN ssn ELSE NULL END = ?", []any{"111"}},
	{"SELECT id FROM users WHERE NOT (NULLIF(ssn, ?) = '222')", []any{"111"}},
	{"SELECT u.id, c.id FROM users u JOIN contacts c ON COALESCE(u.email, 'x') = COALESCE(NULLIF(c.mail, ?), 'x')", []any{"u2@example.com"}},
	{"SELECT id, NULLIF(ssn, ?) AS s, NULLIF(points, 1000) AS p, NULLIF(born, NULL) AS b FROM users", []any{"111"}},
	{"SELECT NULLIF(ssn, '222'), id FROM users WHERE NULLIF(ssn, '') IS NOT NULL", nil},
	{"SELECT count(NULLIF(ssn, '111')) FROM users", nil},
	{"SELECT id, COALESCE(NULLIF(ssn, ''), 'none') AS s FROM users", nil},
	{"SELECT id, NULLIF(secret, ?) AS s FROM tenants WHERE tenant = 'a' AND COALESCE(secret, 'q') <> ?", []any{"x", "q"}},
	{"UPDATE users SET note = 'form' WHERE COALESCE(ssn, 'none') = ?", []any{"none"}},
	{"SELECT id, note FROM users", nil},
	{"SELECT email FROM users INTERSECT SELECT mail FROM contacts", nil},
	{"SELECT email AS m, id FROM users WHERE id < ? INTERSECT SELECT mail, id / 10 FROM contacts ORDER BY id", []any{5}},
	{"SELECT ssn FROM users EXCEPT SELECT ssn FROM users WHERE id < ?", []any{3}},
	{"SELECT ssn, note FROM users EXCEPT SELECT ssn, note FROM users WHERE ssn IS NULL OR note = 'red'", nil},
	{"SELECT ssn, points FROM users INTERSECT SELECT ssn, points FROM users WHERE id > 4", nil},
	{"SELECT email AS m FROM users UNION SELECT mail FROM contacts EXCEPT SELECT email FROM users WHERE id IN (2, 3)", nil},
	{"SELECT email AS m FROM users EXCEPT SELECT mail FROM contacts EXCEPT SELECT email FROM users WHERE id = 7", nil},
	{"SELECT count(*) FROM (SELECT born, points FROM users INTERSECT SELECT born, points FROM users WHERE points = 1000) d", nil},
	{"SELECT tenant, secret FROM tenants WHERE tenant = 'a' EXCEPT SELECT tenant, secret FROM tenants WHERE tenant = 'a' AND id < 4", nil},
	{"SELECT secret FROM tenants WHERE tenant = 'b' INTERSECT SELECT secret FROM tenants WHERE tenant = 'b' AND id > ?", []any{3}},
	{"SELECT a.id, b.id FROM tenants a JOIN tenants b ON a.tenant = b.tenant AND a.secret = b.secret AND a.id <> b.id", nil},
	{"SELECT a.id FROM tenants a WHERE NOT EXISTS (SELECT 1 FROM tenants b WHERE b.secret = a.secret AND b.id <> a.id AND b.tenant = a.tenant)", nil},
	{"SELECT a.id, b.id FROM tenants a LEFT JOIN tenants b ON b.tenant = a.tenant AND NOT (a.secret = b.secret)", nil},
	{"SELECT a.id, b.id FROM tenants a, tenants b WHERE a.tenant = 'a' AND b.tenant = 'a' AND a.secret <> b.secret", nil},
	{"SELECT id FROM users WHERE email IN (SELECT email FROM users EXCEPT SELECT mail FROM contacts)", nil},
	{"UPDATE users SET note = 'in' WHERE email IN (SELECT mail FROM contacts)", nil},
	{"SELECT id, note FROM users ORDER BY id", nil},
	{"DELETE FROM contacts WHERE mail IN (SELECT email FROM users WHERE ssn = '111')", nil},
	{"SELECT id, mail FROM contacts ORDER BY id", nil},
}

// carriedOver are assignments by forms, whose indexes are chosen with them. Each
// is followed by searches for what it stored.
var carriedOver = []search{
	{"UPDATE users SET ssn = COALESCE(?, ssn) WHERE id = ?", []any{"new", 1}},
	{"UPDATE users SET ssn = COALESCE(?, ssn) WHERE id = ?", []any{nil, 2}},
	{"UPDATE users SET ssn = COALESCE(ssn, 'none')", nil},
	{"UPDATE users SET ssn = CASE WHEN note = ? THEN ? ELSE ssn END, note = 'x' WHERE id < 4", []any{"red", "new"}},
	{"UPDATE users SET ssn = CASE WHEN ssn = '222' THEN 'lit' WHEN ssn IS NULL THEN ? ELSE ssn END", []any{"new"}},
	{"UPDATE users SET ssn = CASE WHEN NULLIF(ssn, '222') IS NULL THEN ? ELSE ssn END, note = 'x' WHERE id < 5", []any{"new"}},
	{"UPDATE users SET points = CASE WHEN NULLIF(points, ?) IS NOT NULL THEN 7 ELSE points END, ssn = CASE WHEN NULLIF(points, 7) IS NULL THEN 'x' ELSE COALESCE(ssn, 'y') END", []any{1000}},
	{"UPDATE users SET email = CASE WHEN id = ? THEN ? WHEN id = ? THEN ? END WHERE id IN (1, 2)", []any{1, "one@example.com", 2, "two@example.com"}},
	{"UPDATE users SET ssn = CASE id WHEN 1 THEN 'a' WHEN 2 THEN NULL ELSE COALESCE(?, ssn, 'b') END", []any{nil}},
	{"UPDATE tenants SET secret = COALESCE(?, secret), code = COALESCE(code, ?) WHERE tenant = ? AND id = ?", []any{"new", "new", "a", 2}},
	{"INSERT INTO users (id, ssn, email) VALUES (200, COALESCE(?, 'lit'), CASE WHEN 1 = 1 THEN 'case@example.com' END)", []any{nil}},
}

var carriedOverOnly = map[rewrite.Dialect][]search{
	rewrite.Postgres: {
		{"UPDATE users SET ssn = COALESCE($1::text, ssn) WHERE id = 1", []any{nil}},
		{"UPDATE users SET ssn = CASE WHEN $1::bool THEN $2 ELSE ssn END WHERE id = 1", []any{true, "new"}},
		{"UPDATE users SET ssn = CASE WHEN $1::bool THEN $2 ELSE ssn END WHERE id = 1", []any{false, "other"}},
		{"INSERT INTO users (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET ssn = COALESCE(excluded.ssn, users.ssn)", []any{nil}},
		{"INSERT INTO users (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET ssn = COALESCE(excluded.ssn, users.ssn)", []any{"lit"}},
	},
	rewrite.SQLite: {
		{"INSERT INTO users (id, ssn) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET ssn = IFNULL(excluded.ssn, ssn)", []any{nil}},
		{"UPDATE users SET ssn = iif(id = ?1, ?2, ssn)", []any{3, "new"}},
	},
	rewrite.MySQL: {
		{"INSERT INTO users (id, ssn) VALUES (1, ?) ON DUPLICATE KEY UPDATE ssn = COALESCE(VALUES(ssn), ssn)", []any{nil}},
		{"UPDATE users SET note = 'y', ssn = IF(note = 'y', ?, ssn), points = 5", []any{"new"}},
		{"UPDATE users u JOIN contacts c ON c.mail = u.email SET u.ssn = IFNULL(?, u.ssn), c.label = 'm'", []any{"new"}},
	},
}

var storedBy = []string{
	"SELECT id, ssn, email FROM users", "SELECT id FROM users WHERE ssn IN ('new', 'a')", "SELECT id FROM users WHERE ssn IN ('none', 'lit', 'b')", "SELECT id FROM users WHERE ssn IN ('111', '222')",
	"SELECT id FROM users WHERE email IN ('one@example.com', 'case@example.com')", "SELECT ssn, count(*) FROM users GROUP BY ssn", "SELECT id FROM tenants WHERE tenant = 'a' AND secret = 'new'", "SELECT id FROM tenants WHERE code = 'new'",
}

var equalitiesOnly = map[rewrite.Dialect][]search{
	rewrite.Postgres: {
		{"SELECT DISTINCT ON (ssn) ssn FROM users", nil},
		{"SELECT id FROM users WHERE ssn = COALESCE($1, ssn)", []any{nil}},
		{"SELECT id FROM users WHERE ssn = COALESCE($1, ssn) AND points = COALESCE($2::bigint, points)", []any{"111", nil}},
		{"SELECT ssn FROM users INTERSECT ALL SELECT ssn FROM users WHERE id > 3", nil},
		{"SELECT email AS m FROM users WHERE id = 4 UNION SELECT mail FROM contacts INTERSECT SELECT email FROM users WHERE id < 3", nil},
		{"SELECT ssn, note FROM users EXCEPT ALL SELECT ssn, note FROM users WHERE id > 3", nil},
		{"SELECT ssn FROM users EXCEPT ALL (SELECT ssn FROM users WHERE id = 2)", nil},
		{"(SELECT ssn FROM users UNION ALL SELECT ssn FROM users) EXCEPT ALL SELECT ssn FROM users WHERE id < $1", []any{6}},
		{"SELECT email AS m FROM users EXCEPT (SELECT mail FROM contacts INTERSECT SELECT email FROM users WHERE id > 1) UNION SELECT email FROM users WHERE id = 2", nil},
		{"SELECT u.id FROM users u WHERE EXISTS (SELECT u.email INTERSECT SELECT c.mail FROM contacts c)", nil},
		{"SELECT u.id, v.id FROM users u, users v WHERE EXISTS (SELECT u.ssn INTERSECT SELECT v.ssn)", nil},
		{"SELECT id FROM users WHERE price = 1.499::numeric(10,2)", nil},
		{"SELECT id FROM users WHERE price = 1.499::numeric(10,2) OR points = $1::bigint", []any{2000}},
		{`(SELECT "email" AS m, id FROM users) UNION (SELECT mail, id FROM contacts ORDER BY id LIMIT 3) ORDER BY 2`, nil},
		{"SELECT id FROM users WHERE ssn = $1 OR $1::text IS NULL", []any{"111"}},
		{"SELECT id FROM users WHERE ssn = $1 OR $1::text IS NULL", []any{nil}},
		{"SELECT id FROM users WHERE ($1::text IS NULL OR ssn = $1) AND ($2::text IS NULL OR note = $2)", []any{nil, "red"}},
		{"SELECT id FROM users WHERE email = ANY (SELECT mail FROM contacts)", nil},
		{"SELECT id FROM users WHERE email <> ALL (SELECT mail FROM contacts)", nil},
		{"SELECT d.b FROM (SELECT id, email FROM users) AS d (a, b) WHERE d.b = $1", []any{"u2@example.com"}},
		{"WITH d (a, b) AS (SELECT id, ssn FROM users) SELECT b, count(*) FROM d GROUP BY b", nil},
		{"SELECT DISTINCT secret, code FROM tenants WHERE tenant = 'a'", nil},
		{"SELECT id FROM users WHERE ssn = ANY($1)", []any{[]string{"111", "none"}}},
		{"SELECT id FROM users WHERE ssn <> ALL($1)", []any{[]string{"111", "none"}}},
		{"SELECT id FROM users WHERE ssn = ANY($1) OR ssn <> ALL($1)", []any{[]*string{nil}}},
		{"SELECT id FROM users WHERE ssn = ANY($1)", []any{[]string{}}},
		{"SELECT id FROM users WHERE ssn = ANY($1)", []any{[]string(nil)}},
		{"SELECT id FROM users WHERE ssn = ANY($1::text[])", []any{pgtype.FlatArray[string]{"222"}}},
		{"SELECT id FROM users WHERE email = ANY($1::text[])", []any{`{"u1@example.com",NULL,Straße}`}},
		{"SELECT id FROM users WHERE points = ANY($1)", []any{[]int64{1000, 3000}}},
		{"SELECT id FROM users WHERE points = ANY($1)", []any{[]int{2000}}},
		{"SELECT id FROM users WHERE born = ANY($1)", []any{[]time.Time{time.Date(1961, 2, 3, 0, 0, 0, 0, time.UTC)}}},
		{"SELECT id FROM users WHERE ssn = ANY(ARRAY['111', $1])", []any{"222"}},
		{"SELECT id FROM users WHERE ssn = ANY('{111,\"222\"}')", nil},
		{"SELECT id FROM users WHERE points = ANY('{1000,2000}'::bigint[])", nil},
		{"SELECT id FROM tenants WHERE code = ANY($1) AND tenant = ANY($2)", []any{[]string{"p"}, []string{"a"}}},
		{"UPDATE users SET note = 'any' WHERE email = ANY($1)", []any{[]string{"u1@example.com", "u2@example.com"}}},
		{"SELECT id, note FROM users", nil},
		{"SELECT count(*) FILTER (WHERE ssn = '111'), ssn FROM users GROUP BY ssn", nil},
	},
	rewrite.SQLite: {
		{"SELECT id FROM users WHERE ssn = ?1 OR ?1 IS NULL", []any{"111"}},
		{"SELECT id FROM users WHERE ssn = ?1 OR ?1 IS NULL", []any{nil}},
		{"SELECT id FROM users WHERE ssn = ? OR ? IS NULL", []any{"111", "111"}},
		{"SELECT id FROM users WHERE ssn = COALESCE(?1, ssn)", []any{nil}},
		{"SELECT id FROM users WHERE ssn = COALESCE(?1, ssn) AND points = COALESCE(?2, points)", []any{111, "1000"}},
		{"SELECT id FROM users WHERE COALESCE(ssn, 'x') = ?1 OR COALESCE(points, 0) = ?2", []any{111, "1000"}},
	},
	rewrite.MySQL: {
		{"(SELECT email AS m, id FROM users) UNION DISTINCT (SELECT mail, id FROM contacts) ORDER BY 2", nil},
		{"SELECT id FROM users WHERE ssn = ? OR ? IS NULL", []any{"111", "111"}},
		{"SELECT DISTINCTROW ssn FROM users", nil},
		{"SELECT id FROM users WHERE ssn = IFNULL(?, ssn) AND points <=> IF(id > 3, points, ?)", []any{nil, 1000}},
		{"SELECT ssn FROM users INTERSECT ALL SELECT ssn FROM users WHERE id > 3", nil},
		{"SELECT email AS m FROM users WHERE id = 4 UNION SELECT mail FROM contacts INTERSECT SELECT email FROM users WHERE id < 3", nil},
		{"SELECT ssn, note FROM users EXCEPT ALL SELECT ssn, note FROM users WHERE id > 3", nil},
		{"SELECT email AS m FROM users EXCEPT DISTINCT SELECT mail FROM contacts UNION SELECT email FROM users WHERE id = 2", nil},
		{"SELECT count(DISTINCT ssn, note) FROM users", nil},
		{"SELECT ssn, count(*) FROM users GROUP BY ssn ORDER BY NULL", nil},
	},
}

// unordered compares a query without the order of its rows, or runs a change on
// both.
func (x *twins) unordered(text string, args []any) {
	x.t.Helper()
	if !strings.HasPrefix(text, "SELECT") && !strings.HasPrefix(text, "(") && !strings.HasPrefix(text, "WITH") {
		x.both(text, args...)
		return
	}
	text = x.w.bind(x.w.text(text))
	sorted := func(q queryer, times int) *answer {
		a, err := ask(q, text, times, args)
		if err != nil {
			x.t.Errorf("%s %v: %v", text, args, err)
			return nil
		}
		slices.SortFunc(a.rows, func(r, s []any) int { return strings.Compare(fmt.Sprint(r...), fmt.Sprint(s...)) })
		return a
	}
	for _, times := range []int{0, 1, 5} {
		want, got := sorted(x.plain, times), sorted(x.w.db, times)
		if want == nil || got == nil {
			return
		}
		if !reflect.DeepEqual(got, want) {
			x.t.Errorf("%s %v (run %d times):\n got %v\nwant %v", text, args, times, got, want)
			return
		}
	}
}

// TestEquality compares grouping, DISTINCT, lists and comparisons behind queries
// with those of plain tables, in every mode of the drivers.
func TestEquality(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.searchTwins(t)
			for _, list := range [][]search{equalities, equalitiesOnly[e.dialect]} {
				for _, q := range list {
					x.unordered(q.text, q.args)
				}
			}
			for _, list := range [][]search{carriedOver, carriedOverOnly[e.dialect]} {
				for _, q := range list {
					x.both(q.text, q.args...)
					for _, s := range storedBy {
						x.unordered(s, nil)
					}
				}
			}
		})
	}
}

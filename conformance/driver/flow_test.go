package drivertest_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// flowConfig has columns that share an id, so that records may be copied
// between them, beside those of twinConfig.
const flowConfig = head + `tables:
  users:
    columns: {ssn: {id: number}, email: encrypted, born: {type: date}, points: {type: bigint}}
  archive:
    columns: {ssn: {id: number}, email: {id: users.email}}
  tenants:
    partition: {column: tenant, type: text}
    columns: {secret: encrypted}
  past:
    partition: {column: tenant, type: text}
    columns: {secret: {id: tenants.secret}}
`

var flowTables = append(logicalTables[:len(logicalTables):len(logicalTables)],
	"CREATE TABLE archive (id {INT}, ssn {TEXT}, email {TEXT}, note {TEXT})",
	"CREATE TABLE past (id {INT}, tenant {OWNER} NOT NULL, secret {TEXT})")

func (e engine) flowTwins(t *testing.T) *twins {
	t.Helper()
	x := &twins{t: t, w: e.open(t, flowConfig)}
	x.plain = e.open(t, flowConfig).plain
	for _, s := range flowTables {
		x.both(s)
	}
	for i := 1; i <= 6; i++ {
		x.both("INSERT INTO users (id, ssn, email, note, born, points) VALUES (?, ?, ?, ?, ?, ?)", i, []any{fmt.Sprintf("%03d-11", i), nil}[i/4%2],
			fmt.Sprintf("u%d@example.com", i), []any{"red", "blue", nil}[i%3], fmt.Sprintf("19%02d-02-03", 60+i), i*1000)
		x.both("INSERT INTO orders VALUES (?, ?, ?, ?)", i*10, i%4, i*7, "m")
		x.both("INSERT INTO tenants (id, tenant, secret, note) VALUES (?, ?, ?, 'n')", i, []string{"a", "b"}[i%2], fmt.Sprint("secret", i))
	}
	x.both("INSERT INTO archive (id, ssn, email) VALUES (1, 'old', NULL), (9, NULL, 'old@example.com')")
	x.both("INSERT INTO past (id, tenant, secret) VALUES (1, 'a', 'was')")
	return x
}

// flowQueries hand encrypted values on; {M} is a constant that goes where a
// value of the column may. A program must see no difference.
var flowQueries = []string{
	"SELECT CASE WHEN id > 2 THEN ssn ELSE email END AS x FROM users ORDER BY id",
	"SELECT CASE WHEN id > 2 THEN ssn ELSE email END FROM users ORDER BY id",
	"SELECT CASE id WHEN 1 THEN ssn WHEN 2 THEN email END AS x, id FROM users ORDER BY id",
	"SELECT CASE WHEN note = 'red' THEN NULL ELSE ssn END AS x FROM users ORDER BY id",
	"SELECT CASE WHEN ssn IS NULL THEN {M} ELSE ssn END AS x FROM users ORDER BY id",
	"SELECT CASE WHEN id = 1 THEN born END AS b, CASE WHEN id = 2 THEN points ELSE 7 END AS p FROM users ORDER BY id",
	"SELECT d.b FROM (SELECT id, born AS b FROM users UNION ALL SELECT 99, NULL) d ORDER BY d.id", "SELECT d.b FROM (SELECT 99 AS id, NULL AS b UNION ALL SELECT id, born FROM users) d ORDER BY d.id",
	"WITH w AS (SELECT id, born AS b, 1 AS n FROM users UNION ALL SELECT id, CASE WHEN id > 2 THEN born END, 2 FROM users) SELECT b FROM w ORDER BY id, n",
	"SELECT born AS b, id FROM users UNION ALL SELECT NULL, 99 ORDER BY 2", "SELECT (SELECT born FROM users WHERE id = 1 UNION ALL SELECT NULL FROM orders WHERE id < 0) AS b",
	"SELECT COALESCE(ssn, email) AS x, id FROM users ORDER BY id", "SELECT COALESCE(ssn, NULL) AS x FROM users ORDER BY id",
	"SELECT COALESCE(ssn, {M}) AS x FROM users ORDER BY id", "SELECT COALESCE(ssn, {M}) FROM users ORDER BY id",
	"SELECT COALESCE(NULL, ssn, email, {M}) AS x FROM users ORDER BY id", "SELECT COALESCE(points, 0) AS p, COALESCE(points, -5) AS q FROM users ORDER BY id",
	"SELECT COALESCE(CASE WHEN id > 3 THEN ssn END, email) AS x FROM users ORDER BY id",
	"SELECT d.x FROM (SELECT id, COALESCE(ssn, {M}) AS x FROM users) d WHERE d.x IS NOT NULL ORDER BY d.id",
	"SELECT count(COALESCE(ssn, email)), count(CASE WHEN id > 3 THEN ssn END) FROM users",
	"SELECT id FROM users WHERE COALESCE(ssn, email) IS NULL", "SELECT id FROM users WHERE CASE WHEN id > 2 THEN ssn END IS NULL ORDER BY id",
	"SELECT count(ssn) OVER (PARTITION BY note) AS n, id FROM users ORDER BY id",
	"SELECT id, first_value(ssn) OVER (ORDER BY id) AS f, last_value(email) OVER (ORDER BY id) AS l FROM users ORDER BY id",
	"SELECT id, lag(ssn) OVER (ORDER BY id) AS a, lead(ssn, 2) OVER (PARTITION BY note ORDER BY id) AS b, nth_value(email, 2) OVER (ORDER BY id) AS c FROM users ORDER BY id",
	"SELECT id, COALESCE(lag(ssn) OVER (ORDER BY id), {M}) AS a FROM users ORDER BY id",
	"SELECT id, ssn, sum(id) OVER (PARTITION BY note ORDER BY id) AS s, rank() OVER w AS r FROM users WINDOW w AS (ORDER BY note) ORDER BY id",
	"SELECT (SELECT ssn FROM users u WHERE u.id = o.user_id) AS x, o.id FROM orders o ORDER BY o.id",
	"SELECT (SELECT u.ssn) AS x FROM users u ORDER BY u.id", "SELECT COALESCE((SELECT a.ssn FROM archive a WHERE a.id = u.id), u.ssn) AS x FROM users u ORDER BY u.id",
	"SELECT (SELECT secret FROM tenants t WHERE t.tenant = 'a' AND t.id = u.id) AS s FROM users u ORDER BY u.id",
	"SELECT o.id, (SELECT COALESCE(email, {M}) FROM users u WHERE u.id = o.user_id) AS x FROM orders o ORDER BY o.id",
	"SELECT id FROM users u WHERE EXISTS (SELECT ssn FROM archive a WHERE a.id = u.id) ORDER BY id",
	"SELECT id FROM users WHERE (id, note) IN ((1, 'blue'), (3, 'red'))", "SELECT ssn FROM users WHERE (id, id) IN (SELECT user_id, user_id FROM orders) ORDER BY id",
	"SELECT ssn FROM users WHERE id < 3 UNION ALL SELECT NULL FROM orders WHERE id = 10", "SELECT NULL AS x FROM orders WHERE id = 10 UNION ALL SELECT ssn FROM users WHERE id < 3",
	"SELECT NULL AS x, 98 AS id UNION ALL SELECT NULL, 99 UNION ALL SELECT ssn, id FROM users WHERE id < 3 ORDER BY 2", "SELECT ssn, id FROM users UNION ALL SELECT d.x, d.k FROM (SELECT NULL AS x, 98 AS k UNION ALL SELECT NULL, 99) d ORDER BY 2",
	"WITH n AS (SELECT NULL AS x) SELECT ssn, email, id FROM users UNION ALL SELECT x, x, 99 FROM n ORDER BY 3", "SELECT COALESCE(CASE WHEN id = 1 THEN NULL END, (SELECT NULL), ssn) AS x FROM users ORDER BY id",
	"SELECT CASE WHEN id > 2 THEN ssn ELSE CASE WHEN id = 1 THEN NULL END END AS x, id FROM users ORDER BY id", "SELECT CASE WHEN id = 10 THEN NULL END AS x, id FROM orders UNION ALL SELECT ssn, id FROM users ORDER BY 2",
	"SELECT ssn, id FROM users WHERE id < 3 UNION ALL SELECT {M}, 99 UNION ALL SELECT email, id FROM users WHERE id = 4 ORDER BY 2",
	"SELECT x.s, x.id FROM (SELECT ssn AS s, id, 1 AS k FROM users UNION ALL SELECT ssn, id, 2 FROM archive) x ORDER BY x.id, x.k",
	"SELECT id FROM users UNION SELECT id FROM archive ORDER BY id", "SELECT id FROM users INTERSECT SELECT id FROM archive", "SELECT id FROM users EXCEPT SELECT id FROM archive ORDER BY id",
	"SELECT DISTINCT d.note FROM (SELECT note, ssn FROM users) d ORDER BY d.note",
	"WITH RECURSIVE t AS (SELECT id, ssn, 1 AS depth FROM users WHERE id = 1 UNION ALL SELECT u.id, u.ssn, t.depth + 1 FROM users u JOIN t ON u.id = t.id + 1) SELECT id, ssn, depth FROM t ORDER BY id",
	"WITH RECURSIVE t (id, s) AS (SELECT id, email FROM users WHERE id = 1 UNION ALL SELECT t.id + 1, t.s FROM t WHERE t.id < 3) SELECT s, id FROM t ORDER BY id",
	"SELECT id, ssn, count(*) FROM users GROUP BY id ORDER BY id", "SELECT u.id, u.email, count(o.id) AS n FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id ORDER BY u.id",
	"SELECT * FROM users NATURAL JOIN (SELECT id, total FROM orders) o ORDER BY id", "SELECT * FROM orders JOIN users USING (id) ORDER BY id", "SELECT * FROM users LEFT JOIN (SELECT memo, total, id FROM orders) o USING (id) ORDER BY id",
	"SELECT * FROM (SELECT memo, id, 1 AS note FROM orders) o JOIN (SELECT 2 AS k, note, id, ssn FROM users) u USING (id) ORDER BY id",
	"SELECT * FROM (SELECT note AS id, 1 AS k FROM orders o CROSS JOIN (SELECT 'x' AS note) n) x CROSS JOIN users u ORDER BY u.id, k LIMIT 3",
	"SELECT * FROM (SELECT upper(note), ssn FROM users ORDER BY id) d", "SELECT * FROM users a RIGHT JOIN (SELECT 9 AS k, id, note FROM users) b USING (id, note) ORDER BY id, note",
	"SELECT secret, CASE WHEN id > 2 THEN secret END AS s FROM tenants ORDER BY id", "SELECT COALESCE(secret, {M}) AS s FROM tenants WHERE tenant = 'a' ORDER BY id",
	"WITH t (a, b, c) AS (SELECT tenant, id, secret FROM tenants) SELECT c, b FROM t ORDER BY b", "SELECT d.secret FROM (SELECT DISTINCT id FROM tenants) i JOIN tenants d ON d.id = i.id ORDER BY d.id",
}

var flowOnly = map[rewrite.Dialect][]string{
	rewrite.Postgres: {
		"SELECT ssn::text, CAST(email AS varchar) AS e, points::int8 AS p, born::date FROM users ORDER BY id", "SELECT COALESCE(ssn, {M}::text) FROM users ORDER BY id",
		"SELECT v.x, u.id FROM users u CROSS JOIN LATERAL (VALUES (u.ssn), (u.email)) v (x) ORDER BY u.id, v.x IS NULL", "SELECT COALESCE(born, '2000-01-01') AS b FROM users ORDER BY id",
		"SELECT u.id, l.s FROM orders o JOIN LATERAL (SELECT id, ssn AS s FROM users WHERE id = o.user_id) l ON true JOIN users u ON u.id = l.id ORDER BY o.id",
		"SELECT DISTINCT ON (note) note, COALESCE(ssn, email) AS x FROM users ORDER BY note, id", "SELECT id FROM users WHERE ssn IS NOT DISTINCT FROM NULL ORDER BY id", "SELECT count(ssn) FILTER (WHERE id > 2) FROM users",
		"SELECT lag(ssn, 1, {M}) OVER (ORDER BY id) AS a FROM users ORDER BY id", "SELECT ssn FROM users WHERE id = ANY ('{1,2}') ORDER BY id", "SELECT d.* FROM (SELECT u.*, o.* FROM users u JOIN orders o ON o.user_id = u.id) d ORDER BY total",
		"SELECT ssn ISNULL, email NOTNULL FROM users ORDER BY id", "WITH d AS (DELETE FROM users WHERE id = 3 RETURNING id, ssn) SELECT COALESCE(ssn, {M}) FROM d",
	},
	rewrite.MySQL: {
		"SELECT IFNULL(ssn, email) AS x, IFNULL(ssn, {M}) AS y FROM users ORDER BY id", "SELECT IF(id > 2, ssn, email) AS x FROM users ORDER BY id", "SELECT NVL(ssn, email) AS x, NVL2(ssn, email, {M}) AS y FROM users ORDER BY id",
		"SELECT CAST(ssn AS CHAR), CONVERT(email, CHAR) AS e, CAST(points AS SIGNED) AS p FROM users ORDER BY id", "SELECT id FROM users WHERE ssn <=> NULL ORDER BY id", "SELECT id, ISNULL(ssn) AS n FROM users ORDER BY id",
		"SELECT * FROM (SELECT id, note, 1 AS k FROM archive) u NATURAL RIGHT JOIN users a ORDER BY id",
	},
	rewrite.SQLite: {
		"SELECT ifnull(ssn, email) AS x, iif(id > 2, ssn, {M}) AS y FROM users ORDER BY id", "SELECT coalesce(ssn, 5) AS x, coalesce(points, 'many') AS y, coalesce(born, x'00') AS z FROM users ORDER BY id",
		"SELECT * FROM (SELECT id, ssn FROM users) ORDER BY id", "SELECT ssn FROM (SELECT ssn, id FROM users) ORDER BY id", "SELECT count(ssn) FILTER (WHERE id > 2) FROM users", "SELECT id FROM users WHERE ssn IS NOT DISTINCT FROM NULL ORDER BY id",
		"SELECT column1, column2 FROM (VALUES (1, 'a'), (2, 'b'))", "SELECT lag(ssn, 1, {M}) OVER (ORDER BY id) AS a FROM users ORDER BY id", "SELECT note, ssn FROM users GROUP BY note ORDER BY note",
	},
}

// flowChanges store what they were given, and what stood in another column of
// the same domain.
var flowChanges = []string{
	"INSERT INTO users (id, ssn) SELECT 100, {M}", "INSERT INTO users (id, ssn, email) SELECT id + 100, ssn, {M} FROM archive", "INSERT INTO users (id, ssn) SELECT 100, {M} UNION ALL SELECT 101, {M}",
	"INSERT INTO archive SELECT id, ssn, email, note FROM users", "INSERT INTO archive (id, ssn) SELECT id, ssn FROM users WHERE id > 2", "INSERT INTO archive (id, ssn) SELECT id, COALESCE(ssn, {M}) FROM users",
	"INSERT INTO archive (id, ssn) SELECT id, NULL FROM users", "INSERT INTO archive (id, email, ssn) SELECT u.id, u.email, a.ssn FROM users u LEFT JOIN archive a ON a.id = u.id",
	"INSERT INTO archive (id, ssn) SELECT o.id, (SELECT u.ssn FROM users u WHERE u.id = o.user_id) FROM orders o", "INSERT INTO archive (id, ssn) SELECT id, ssn FROM users UNION ALL SELECT id, NULL FROM orders",
	"INSERT INTO archive (id, ssn) SELECT 100, NULL UNION ALL SELECT 101, NULL UNION ALL SELECT 102, {M}", "INSERT INTO archive (id, ssn, email) SELECT d.k, d.s, d.s FROM (SELECT 100 AS k, NULL AS s UNION ALL SELECT 101, NULL) d",
	"INSERT INTO archive (id, ssn) SELECT 100, NULL UNION ALL SELECT 101, NULL UNION ALL SELECT id, ssn FROM users", "UPDATE users SET ssn = COALESCE(CASE WHEN id = 1 THEN NULL END, (SELECT NULL), {M})", "UPDATE users SET ssn = (SELECT NULL)",
	"INSERT INTO past (tenant, id, secret) SELECT 'a', 100, NULL UNION ALL SELECT 'b', 101, NULL",
	"INSERT INTO past (tenant, id, secret) SELECT tenant, id, secret FROM tenants", "INSERT INTO past (tenant, id, secret) SELECT 'a', id, secret FROM tenants WHERE tenant = 'a'", "INSERT INTO past (tenant, id, secret) SELECT 'b', id, {M} FROM orders",
	"INSERT INTO users (id, ssn) VALUES (100, COALESCE({M}, NULL))", "INSERT INTO users (id, ssn) VALUES (100, CASE WHEN 1 = 2 THEN 'never' ELSE {M} END)", "INSERT INTO archive (id, ssn) VALUES (100, (SELECT ssn FROM users WHERE id = 2))",
	"INSERT INTO users (id, ssn, note) SELECT id + 100, {M}, memo FROM orders WHERE NOT EXISTS (SELECT 1 FROM users WHERE id = 999)",
	"UPDATE users SET ssn = COALESCE(ssn, {M})", "UPDATE users SET ssn = COALESCE({M}, ssn) WHERE id < 3", "UPDATE users SET ssn = CASE WHEN id > 2 THEN {M} ELSE ssn END", "UPDATE users SET ssn = ssn, email = COALESCE(email, {M})",
	"UPDATE users SET ssn = (SELECT a.ssn FROM archive a WHERE a.id = users.id)", "UPDATE users SET ssn = COALESCE((SELECT a.ssn FROM archive a WHERE a.id = users.id), {M})", "UPDATE users SET points = COALESCE(points, 5), born = CASE WHEN id = 1 THEN '2001-01-01' ELSE born END",
	"UPDATE tenants SET secret = COALESCE(secret, {M}) WHERE tenant = 'a'", "UPDATE tenants SET secret = CASE WHEN id > 3 THEN secret END",
}

var flowChangesOnly = map[rewrite.Dialect][]string{
	rewrite.Postgres: {
		"INSERT INTO users (id, ssn) SELECT v.id, v.s FROM (VALUES (100, {M}), (101, {M})) v (id, s)", "UPDATE users u SET ssn = v.s FROM (VALUES (1, {M}), (2, {M})) v (id, s) WHERE u.id = v.id",
		"WITH RECURSIVE t (id, s) AS (SELECT 100, NULL UNION ALL SELECT t.id + 1, {M} FROM t WHERE t.id < 103) INSERT INTO archive (id, ssn) SELECT id, s FROM t", "UPDATE users u SET ssn = v.s FROM (VALUES (1, NULL), (2, NULL)) v (id, s) WHERE u.id = v.id AND v.s IS NULL",
		"WITH d (id, s) AS (VALUES (1, {M}::text), (2, NULL)) UPDATE users SET ssn = d.s FROM d WHERE users.id = d.id", "UPDATE users u SET ssn = a.ssn FROM archive a WHERE a.id = u.id",
		"UPDATE past p SET secret = t.secret FROM tenants t WHERE t.tenant = p.tenant AND t.id = p.id + 1", "UPDATE users SET (ssn, email) = (SELECT a.ssn, a.email FROM archive a WHERE a.id = users.id)", "UPDATE users SET (ssn, note) = ROW({M}, 'n') WHERE id = 1",
		"WITH d AS (DELETE FROM users WHERE id > 3 RETURNING id, ssn, email) INSERT INTO archive (id, ssn, email) SELECT id, ssn, email FROM d", "WITH d AS (INSERT INTO users (id, ssn) VALUES (100, {M}) RETURNING ssn) INSERT INTO archive (ssn) SELECT ssn FROM d",
		"INSERT INTO users (id, ssn) VALUES (1, {M}), (100, {M}) ON CONFLICT (id) DO UPDATE SET ssn = COALESCE(users.ssn, excluded.ssn)", "INSERT INTO users (id, ssn) VALUES (1, NULL) ON CONFLICT (id) DO UPDATE SET ssn = COALESCE(excluded.ssn, {M})",
		"INSERT INTO users (id, ssn) SELECT id, ssn FROM archive ON CONFLICT (id) DO UPDATE SET ssn = CASE WHEN excluded.ssn IS NULL THEN users.ssn ELSE excluded.ssn END",
		"INSERT INTO users SELECT 100, {M}",
	},
	rewrite.MySQL: {
		"INSERT INTO users (id, ssn) VALUES (1, {M}), (100, {M}) ON DUPLICATE KEY UPDATE ssn = COALESCE(VALUES(ssn), ssn)", "INSERT INTO users (id, ssn) VALUES (1, NULL) ON DUPLICATE KEY UPDATE ssn = IF(VALUES(ssn) IS NULL, ssn, VALUES(ssn))",
		"UPDATE users u JOIN archive a ON a.id = u.id SET u.ssn = a.ssn", "UPDATE users SET ssn = CAST({M} AS CHAR) WHERE id = 1", "UPDATE users SET ssn = IFNULL(ssn, {M})", "REPLACE INTO users (id, ssn) SELECT id, ssn FROM archive",
		"UPDATE past p JOIN tenants t ON t.id = p.id + 1 SET p.secret = t.secret WHERE t.tenant = p.tenant",
	},
	rewrite.SQLite: {
		"INSERT INTO users (id, ssn) VALUES (1, {M}), (100, {M}) ON CONFLICT (id) DO UPDATE SET ssn = coalesce(users.ssn, excluded.ssn)", "UPDATE users SET ssn = a.ssn FROM archive a WHERE a.id = users.id", "UPDATE users SET (ssn, email) = (SELECT a.ssn, a.email FROM archive a WHERE a.id = users.id)",
		"UPDATE users SET ssn = v.column2 FROM (VALUES (1, {M}), (2, {M})) v WHERE users.id = v.column1", "WITH d (id, s) AS (VALUES (100, {M})) INSERT INTO users (id, ssn) SELECT id, s FROM d", "REPLACE INTO users (id, ssn) SELECT id, ssn FROM archive",
		"UPDATE past SET secret = t.secret FROM tenants t WHERE t.tenant = past.tenant AND t.id = past.id + 1", "UPDATE users SET ssn = iif(id > 2, {M}, ssn)",
	},
}

// both forms of a statement: with the constants in the text and as arguments.
func (x *twins) constants(text string) []struct {
	text string
	args []any
} {
	n := strings.Count(text, "{M}")
	forms := []struct {
		text string
		args []any
	}{{strings.ReplaceAll(text, "{M}", "'given'"), nil}}
	if n > 0 {
		args := make([]any, n)
		for i := range args {
			args[i] = "given"
		}
		forms = append(forms, struct {
			text string
			args []any
		}{strings.ReplaceAll(text, "{M}", "?"), args})
	}
	return forms
}

// TestFlow compares statements that hand encrypted values on.
func TestFlow(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.flowTwins(t)
			for _, q := range append(flowQueries[:len(flowQueries):len(flowQueries)], flowOnly[e.dialect]...) {
				for _, f := range x.constants(q) {
					x.flowQuery(f.text, f.args)
				}
			}
			x.nullTests()
			for _, c := range append(flowChanges[:len(flowChanges):len(flowChanges)], flowChangesOnly[e.dialect]...) {
				for _, f := range x.constants(c) {
					for _, prepared := range []bool{false, true} {
						x.change(f.text, f.args, prepared)
					}
				}
			}
		})
	}
}

// nullTests compare a value that is tested for NULL before it is stored.
func (x *twins) nullTests() {
	x.t.Helper()
	text, args := "UPDATE users SET ssn = CASE WHEN ? IS NULL THEN ssn ELSE ? END WHERE id = ?", [][]any{{"given", "given", 1}, {nil, nil, 1}}
	if x.w.dialect == rewrite.Postgres {
		text = "UPDATE users SET ssn = CASE WHEN $1::text IS NULL THEN ssn ELSE $1 END WHERE id = $2"
		args = [][]any{{"given", 1}, {nil, 1}}
		x.change("UPDATE users SET ssn = CASE WHEN $1::text IS NULL THEN ssn ELSE $2 END WHERE id = $3", []any{"given", "given", 1}, false)
	}
	for _, a := range args {
		x.change(text, a, false)
		x.change(text, a, true)
	}
}

// flowQuery compares a query; one that the plain database refuses must fail on
// the other as well.
func (x *twins) flowQuery(text string, args []any) {
	x.t.Helper()
	text = x.w.bind(x.w.text(text))
	want, wantErr := ask(x.plain, text, 0, args)
	got, gotErr := ask(x.w.db, text, 0, args)
	switch {
	case wantErr != nil && gotErr != nil:
		x.t.Logf("both fail: %s: %v", text, wantErr)
	case wantErr != nil || gotErr != nil:
		x.t.Errorf("%s %v: got %v, want %v", text, args, gotErr, wantErr)
	case !reflect.DeepEqual(got, want):
		x.t.Errorf("%s %v:\n got %v\nwant %v", text, args, got, want)
	default:
		x.same(x.w.db, x.plain, text, args)
	}
}

// TestFlowKeepsPlaintextInside runs the same with the canary for the constants.
func TestFlowKeepsPlaintextInside(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			w := e.flowTwins(t).w
			w.quiet("UPDATE users SET ssn = CASE WHEN {M} IS NULL THEN ssn ELSE {M} END WHERE id = 1")
			for _, list := range [][]string{flowQueries, flowOnly[e.dialect], flowChanges, flowChangesOnly[e.dialect]} {
				for _, s := range list {
					if strings.Contains(s, "{M}") {
						w.quiet(s)
					}
				}
			}
		})
	}
}

// TestFlowKeepsIndexes writes searched columns by SELECT and asks for them.
func TestFlowKeepsIndexes(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			w := e.open(t, head+"tables: {users: {columns: {email: {search: {equality: {collation: binary}}}}}}\n")
			w.exec("CREATE TABLE users (id {INT} PRIMARY KEY, email {TEXT}, note {TEXT})")
			insert := "INSERT INTO users (id, email) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM users WHERE email = ?)"
			if e.dialect == rewrite.MySQL {
				insert = strings.Replace(insert, "WHERE", "FROM DUAL WHERE", 1)
			}
			w.exec(insert, 1, w.mark, w.mark)
			w.exec(insert, 2, w.mark, w.mark)
			w.exec("INSERT INTO users (id, email) SELECT 3, {M}")
			w.exec("INSERT INTO users (id, email) SELECT id + 100, email FROM users")
			w.exec("UPDATE users SET email = email, note = 'n'")
			w.equal(w.value("SELECT count(*) FROM users WHERE email = ?", w.mark), int64(4))
			w.equal(w.value("SELECT count(*) FROM users WHERE email = 'other'"), int64(0))
			filter := "SELECT count(*) FROM users WHERE ? IS NULL OR email = ?"
			args := []any{w.mark, w.mark}
			if e.dialect == rewrite.Postgres {
				filter, args = "SELECT count(*) FROM users WHERE $1::text IS NULL OR email = $1", args[:1]
			}
			w.equal(w.value(filter, args...), int64(4))
			clear(args)
			w.equal(w.value(filter, args...), int64(4))
			w.exec("UPDATE users SET email = COALESCE(email, {M})")
			w.equal(w.value("SELECT count(*) FROM users WHERE email = ?", w.mark), int64(4))
			w.refused("UPDATE users SET email = COALESCE((SELECT email FROM users u WHERE u.id = 1), {M})", rewrite.ReasonComputed)
		})
	}
}

package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// listTables have a column with two indexes, and one that shares the id and the
// group of another table's.
const listConfig = `  staff:
    columns:
      salary: {type: bigint, search: {equality: default, range: {order: revealing}}, accept_leakage: order}
  past:
    columns:
      email: {id: users.email, search: {equality: {collation: binary, group: mail}}}
`

var listTables = []string{
	"CREATE TABLE staff (id {INT} PRIMARY KEY, salary BIGINT, note {TEXT})",
	"CREATE TABLE past (id {INT} PRIMARY KEY, email {STR}, note {TEXT})",
}

// listChanges hand values of queries to indexed columns, or assign forms whose
// conditions look at the column or its indexes. Behind each of them everything
// that they may change is read, and searched for.
var listChanges = []search{
	{"INSERT INTO contacts (id, mail) SELECT 100, ? UNION ALL SELECT 101, NULL UNION ALL SELECT 102, 'lit'", []any{"one@example.com"}},
	{"INSERT INTO contacts (id, mail, label) SELECT d.a, d.b, 'x' FROM (SELECT 110 AS a, ? AS b UNION ALL SELECT 111, ? UNION ALL SELECT 112, ?) d WHERE d.a > 110", []any{"one@example.com", "two@example.com", nil}},
	{"INSERT INTO contacts (id, mail) SELECT * FROM (SELECT 120 AS a, ? AS b UNION ALL SELECT 121, ?) d", []any{"one@example.com", "one@example.com"}},
	{"INSERT INTO contacts (id, mail) SELECT e.a + 10, e.b FROM (SELECT d.a, d.b FROM (SELECT 120 AS a, ? AS b) d) e", []any{"two@example.com"}},
	{"INSERT INTO past (id, email) SELECT id, email FROM users UNION ALL SELECT u.id + 100 * c.id, u.email FROM users u JOIN contacts c ON c.mail = u.email", nil},
	{"INSERT INTO past (id, email) SELECT d.id + 1000000, d.e FROM (SELECT id, email AS e FROM users WHERE ssn = '111') d", nil},
	{"INSERT INTO tenants (tenant, id, secret, code) SELECT 'a', d.id, d.s, d.c FROM (SELECT 50 AS id, ? AS s, ? AS c UNION ALL SELECT 51, ?, NULL) d", []any{"one", "p", "two"}},
	{"INSERT INTO staff (id, salary) SELECT u.id + 500, CASE WHEN u.id > 2 THEN ? ELSE 7 END FROM users u", []any{8}},
	{"INSERT INTO contacts (id, mail) SELECT 130 + count(*), CASE WHEN count(*) > 2 THEN ? ELSE 'few' END FROM users", []any{"one@example.com"}},
	{"UPDATE staff SET salary = CASE WHEN salary IS NULL THEN ? ELSE salary END", []any{7}},
	{"UPDATE staff SET salary = CASE WHEN salary = ? THEN ? WHEN salary IS NULL THEN 1 ELSE salary END, note = 'seen'", []any{20, 21}},
	{"UPDATE staff SET salary = CASE WHEN salary < ? THEN 10 ELSE salary END WHERE id > 1", []any{15}},
	{"UPDATE staff SET salary = COALESCE(CASE WHEN note = 'seen' THEN NULL ELSE 3 END, salary), note = 'x'", nil},
}

var listChangesOnly = map[rewrite.Dialect][]search{
	rewrite.Postgres: {
		{`WITH "_data" ("id", "email", "points") AS (VALUES (1::BIGINT, 'one@example.com'::VARCHAR, 5::BIGINT), (2, NULL, NULL), (3, $1, $2)) UPDATE "users" AS "u" SET "email" = _data."email", "points" = _data."points" FROM _data WHERE ("u"."id" = _data."id")`, []any{"two@example.com", 6}},
		{"UPDATE users SET ssn = d.s, note = d.n FROM (VALUES (1, $1, 'x'), (2, $2, 'y')) AS d (id, s, n) WHERE users.id = d.id", []any{"new", nil}},
		{"UPDATE users SET ssn = COALESCE(d.column2, ssn) FROM (VALUES (1, $1::text), (2, NULL)) AS d WHERE users.id = d.column1", []any{"lit"}},
		{"UPDATE tenants SET secret = d.s, code = d.c FROM (VALUES (1, $1, $1), (3, $1, NULL)) AS d (id, s, c) WHERE tenants.id = d.id AND tenants.tenant = 'b'", []any{"one"}},
		{"INSERT INTO past (id, email) SELECT id + 90000000, COALESCE(email, $1) FROM past", []any{"two@example.com"}},
		{"UPDATE past SET email = u.e FROM (SELECT id, email AS e FROM users) u WHERE u.id + 1 = past.id", nil},
		{"MERGE INTO contacts c USING (VALUES (10, $1), (11, $2)) AS v (id, mail) ON c.id = v.id WHEN MATCHED THEN UPDATE SET mail = v.mail WHEN NOT MATCHED THEN INSERT (id, mail) VALUES (v.id, v.mail)", []any{"one@example.com", "two@example.com"}},
		{"WITH d (id, m) AS (VALUES (20, $1), (21, $2)), u AS (UPDATE contacts SET mail = d.m FROM d WHERE contacts.id = d.id RETURNING d.id) INSERT INTO contacts (id, mail) SELECT * FROM d WHERE id NOT IN (SELECT id FROM u)", []any{"one@example.com", "two@example.com"}},
		{"UPDATE staff SET salary = d.s FROM (VALUES (1, $1::bigint), (2, NULL), (3, 4)) AS d (id, s) WHERE staff.id = d.id", []any{44}},
	},
	rewrite.SQLite: {
		{`WITH "_data" ("id", "email", "points") AS (VALUES (1, 'one@example.com', 5), (2, NULL, NULL), (3, ?, ?)) UPDATE "users" AS "u" SET "email" = _data."email", "points" = _data."points" FROM _data WHERE ("u"."id" = _data."id")`, []any{"two@example.com", 6}},
		{"UPDATE users SET ssn = d.column2 FROM (VALUES (1, ?), (2, ?)) AS d WHERE users.id = d.column1", []any{"new", nil}},
		{"UPDATE users SET ssn = COALESCE(d.s, ssn) FROM (SELECT 1 AS id, ?1 AS s UNION ALL SELECT 2, NULL) AS d WHERE users.id = d.id", []any{"lit"}},
		{"UPDATE staff SET salary = d.s FROM (SELECT 1 AS id, ? AS s UNION ALL SELECT 2, NULL) AS d WHERE staff.id = d.id", []any{44}},
	},
	rewrite.MySQL: {
		{"UPDATE users u JOIN (SELECT 1 AS id, ? AS e UNION ALL SELECT 2, NULL UNION ALL SELECT 3, 'two@example.com') d ON d.id = u.id SET u.email = d.e, u.note = 'x'", []any{"one@example.com"}},
		{"UPDATE users u JOIN (SELECT 1 AS id, ? AS s UNION ALL SELECT 2, NULL) d ON d.id = u.id SET u.ssn = COALESCE(d.s, u.ssn)", []any{"lit"}},
		{"UPDATE tenants t JOIN (SELECT 1 AS id, ? AS s UNION ALL SELECT 3, ?) d ON d.id = t.id SET t.secret = d.s WHERE t.tenant = 'b'", []any{"one", "two"}},
		{"UPDATE staff s JOIN (SELECT 1 AS id, ? AS s UNION ALL SELECT 2, NULL) d ON s.id = d.id SET s.salary = d.s", []any{44}},
		{"INSERT INTO staff (id, salary) VALUES (1, ?), (2, ?) ON DUPLICATE KEY UPDATE salary = IF(salary IS NULL, VALUES(salary), salary), note = 'dup'", []any{31, 32}},
		{"INSERT INTO staff (id, salary) VALUES (1, ?), (3, 34) ON DUPLICATE KEY UPDATE salary = IF(salary > 20, VALUES(salary), salary)", []any{33}},
		{"UPDATE staff SET note = 'y', salary = IF(salary IS NULL, ?, IF(note = 'y', salary, 2)), id = id + 0", []any{9}},
	},
}

var listStored = []string{
	"SELECT id, email, ssn, points, note FROM users", "SELECT id, mail, label FROM contacts", "SELECT id, email FROM past", "SELECT id, tenant, secret, code FROM tenants", "SELECT id, salary, note FROM staff",
	"SELECT id FROM users WHERE email = 'one@example.com' OR points = 6 OR ssn IN ('new', 'lit')", "SELECT id FROM contacts WHERE mail IN ('one@example.com', 'two@example.com')",
	"SELECT u.id, p.id FROM users u JOIN past p ON p.email = u.email", "SELECT id FROM tenants WHERE tenant = 'a' AND secret = 'one'", "SELECT id FROM tenants WHERE tenant = 'b' AND secret = 'one'",
	"SELECT id FROM tenants WHERE code IN ('p', 'one')", "SELECT salary, count(*) FROM staff GROUP BY salary", "SELECT id FROM staff WHERE salary IN (7, 21, 44, 3, 31, 33)", "SELECT id FROM staff WHERE salary > 10",
	"SELECT max(salary) FROM staff",
}

// TestListsBringTheirIndexes compares what lists of values, INSERT … SELECT and
// forms store in indexed columns, and whether it is found there.
func TestListsBringTheirIndexes(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.searchTwinsWith(t, listConfig, listTables...)
			x.both("INSERT INTO staff (id, salary) VALUES (1, 10), (2, 20), (3, NULL), (4, 20)")
			for _, list := range [][]search{listChanges, listChangesOnly[e.dialect]} {
				for _, q := range list {
					x.both(q.text, q.args...)
					for _, s := range listStored {
						x.unordered(s, nil)
					}
				}
			}
			w := x.w
			w.exec("INSERT INTO contacts (id, mail) SELECT d.a, d.b FROM (SELECT 500 AS a, ? AS b UNION ALL SELECT 501, ?) d", w.mark, w.mark)
			w.holds(w.text("SELECT id FROM contacts WHERE mail = {M} ORDER BY id"), [][]any{{int64(500)}, {int64(501)}})
			w.silent("a list of values")
		})
	}
}

// TestConditionOnAnIndexThatWasNotFilled shows that a form asks whether the
// column is NULL, and not whether its index is.
func TestConditionOnAnIndexThatWasNotFilled(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			w := e.open(t, searchConfig)
			w.other("CREATE TABLE contacts (id {INT} PRIMARY KEY, mail {BIN}, mail_bidx " + map[rewrite.Dialect]string{rewrite.SQLite: "BLOB", rewrite.Postgres: "BYTEA", rewrite.MySQL: "BINARY(16)"}[e.dialect] + ", label {TEXT})")
			w.exec("INSERT INTO contacts (id, mail) VALUES (1, 'old'), (2, NULL)")
			if _, err := w.plain.Exec("UPDATE contacts SET mail_bidx = NULL WHERE id = 1"); err != nil {
				t.Fatal(err)
			}
			w.exec("UPDATE contacts SET mail = CASE WHEN mail IS NULL THEN ? ELSE mail END", w.mark)
			w.holds("SELECT id, mail FROM contacts ORDER BY id", [][]any{{int64(1), "old"}, {int64(2), w.mark}})
			w.holds(w.text("SELECT id FROM contacts WHERE mail = {M}"), [][]any{{int64(2)}})
		})
	}
}

package drivertest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// twins are one program's tables twice: plain behind the plain driver, and
// encrypted behind the encrypting one. Every statement is run on both.
type twins struct {
	t     *testing.T
	w     *world
	plain *sql.DB
	// plainDSN is the data source name of the plain database.
	plainDSN string
}

const twinConfig = head + `tables:
  users:
    columns: {ssn: encrypted, email: encrypted, born: {type: date}, points: {type: bigint}}
  tenants:
    partition: {column: tenant, type: text}
    columns: {secret: encrypted}
`

// logicalTables are the tables as the program knows them; the driver makes
// their encrypted form itself.
var logicalTables = []string{
	"CREATE TABLE users (id {INT} PRIMARY KEY, ssn {TEXT}, email {TEXT}, note {TEXT}, born DATE, points BIGINT)",
	"CREATE TABLE orders (id {INT} PRIMARY KEY, user_id {INT}, total {INT}, memo {TEXT})",
	"CREATE TABLE tenants (id {INT} NOT NULL, tenant {OWNER} NOT NULL, secret {TEXT}, note {TEXT}, PRIMARY KEY (tenant, id))",
}

func (e engine) twins(t *testing.T) *twins {
	t.Helper()
	x := &twins{t: t, w: e.open(t, twinConfig)}
	other := e.open(t, twinConfig)
	x.plain, x.plainDSN = other.plain, other.dsn
	for _, s := range logicalTables {
		x.both(s)
	}
	for i := 1; i <= 6; i++ {
		x.both("INSERT INTO users (id, ssn, email, note, born, points) VALUES (?, ?, ?, ?, ?, ?)", i, fmt.Sprintf("%03d-11", i), fmt.Sprintf("u%d@example.com", i), []any{"red", "blue", nil}[i%3], fmt.Sprintf("19%02d-02-03", 60+i), i*1000)
		x.both("INSERT INTO orders VALUES (?, ?, ?, ?)", i*10, i%4, i*7, "m")
		x.both("INSERT INTO tenants (id, tenant, secret, note) VALUES (?, ?, ?, 'n')", i, []string{"a", "b"}[i%2], fmt.Sprint("secret", i))
	}
	x.both("INSERT INTO users (id, ssn) VALUES (7, NULL)")
	x.both("INSERT INTO users (id, ssn, email) VALUES (8, '', 'ü€😀')")
	return x
}

// both runs a statement on both databases, once as Exec and compares the rows
// affected.
func (x *twins) both(text string, args ...any) {
	x.t.Helper()
	text = x.w.bind(x.w.text(text))
	want, wantErr := x.plain.Exec(text, args...)
	got, gotErr := x.w.db.Exec(text, args...)
	if gotErr != nil || wantErr != nil {
		x.t.Fatalf("%s: got %v, want %v", text, gotErr, wantErr)
	}
	n, _ := want.RowsAffected()
	if m, _ := got.RowsAffected(); m != n {
		x.t.Errorf("%s: got %d rows affected, want %d", text, m, n)
	}
}

type queryer interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	PrepareContext(context.Context, string) (*sql.Stmt, error)
}

// answer is what a program sees of a query.
type answer struct {
	columns []string
	rows    [][]any
}

func ask(q queryer, text string, prepared int, args []any) (*answer, error) {
	run := func() (*sql.Rows, error) { return q.QueryContext(context.Background(), text, args...) }
	if prepared > 0 {
		st, err := q.PrepareContext(context.Background(), text)
		if err != nil {
			return nil, err
		}
		defer st.Close()
		run = func() (*sql.Rows, error) { return st.Query(args...) }
		for range prepared - 1 {
			if _, err := answerOf(run); err != nil {
				return nil, err
			}
		}
	}
	return answerOf(run)
}

func answerOf(run func() (*sql.Rows, error)) (*answer, error) {
	rows, err := run()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	a := &answer{}
	if a.columns, err = rows.Columns(); err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]any, len(a.columns))
		dest := make([]any, len(row))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		a.rows = append(a.rows, row)
	}
	return a, rows.Err()
}

// same compares one query on both, by itself, prepared and used several times.
func (x *twins) same(got, want queryer, text string, args []any) {
	x.t.Helper()
	for _, times := range []int{0, 1, 5} {
		w, wantErr := ask(want, text, times, args)
		g, gotErr := ask(got, text, times, args)
		if wantErr != nil || gotErr != nil {
			x.t.Errorf("%s %v: got %v, want %v", text, args, gotErr, wantErr)
			return
		}
		if !reflect.DeepEqual(g, w) {
			x.t.Errorf("%s %v (run %d times):\n got %#v\nwant %#v", text, args, times, g, w)
			return
		}
	}
}

// query compares a query.
func (x *twins) query(text string, args ...any) {
	x.t.Helper()
	x.same(x.w.db, x.plain, x.w.bind(x.w.text(text)), args)
}

var everywhere = []string{
	"SELECT * FROM users ORDER BY id", "SELECT u.* FROM users u ORDER BY u.id", "SELECT id, ssn AS number, email, u.note FROM users AS u WHERE id > 2 ORDER BY id DESC", "SELECT ssn, ssn, id, ssn AS x FROM users ORDER BY id",
	"SELECT born, points, points AS p FROM users ORDER BY id", "SELECT count(*), count(ssn), count(u.email) FROM users u", "SELECT note, count(*), count(ssn) AS n FROM users GROUP BY note ORDER BY count(*), note", "SELECT note, max(id) FROM users GROUP BY note HAVING count(*) > 1 ORDER BY 2",
	"SELECT users.ssn, orders.total FROM users JOIN orders ON orders.user_id = users.id ORDER BY orders.id", "SELECT u.ssn, o.* FROM users u LEFT JOIN orders o ON o.user_id = u.id AND o.total > 10 ORDER BY u.id, o.id", "SELECT o.id, u.email FROM orders o LEFT JOIN users u ON u.id = o.user_id ORDER BY o.id",
	"SELECT * FROM users u INNER JOIN orders o ON o.user_id = u.id ORDER BY o.id", "SELECT a.ssn, b.ssn FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY a.id", "SELECT u.ssn FROM users u, orders o WHERE o.user_id = u.id AND o.total > 20 ORDER BY o.id", "SELECT o.memo, u.ssn FROM orders o CROSS JOIN users u WHERE u.id = o.user_id ORDER BY o.id",
	"SELECT ssn FROM users WHERE id IN (SELECT user_id FROM orders WHERE total > 20) ORDER BY id", "SELECT ssn FROM users WHERE id = (SELECT max(user_id) FROM orders)", "SELECT ssn FROM users u WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id) ORDER BY id", "SELECT d.ssn, d.x FROM (SELECT id, ssn, email AS x FROM users WHERE id < 4) d ORDER BY d.id",
	"SELECT * FROM (SELECT * FROM users) d WHERE d.id = 3", "SELECT d.* FROM (SELECT u.*, o.total FROM users u JOIN orders o ON o.user_id = u.id) d ORDER BY d.total", "SELECT (SELECT count(*) FROM orders o WHERE o.user_id = u.id) AS n, u.ssn FROM users u ORDER BY u.id",
	"WITH c AS (SELECT id, ssn FROM users) SELECT ssn, id FROM c ORDER BY id", "WITH c (a, b) AS (SELECT id, email FROM users), d AS (SELECT a, b FROM c WHERE a > 2) SELECT * FROM d ORDER BY a", "WITH c AS (SELECT * FROM users) SELECT c.* FROM c ORDER BY id", "WITH o AS (SELECT user_id, sum(total) AS t FROM orders GROUP BY user_id) SELECT u.email, o.t FROM users u JOIN o ON o.user_id = u.id ORDER BY u.id",
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4) SELECT n.i, u.ssn FROM n JOIN users u ON u.id = n.i ORDER BY n.i", "SELECT ssn, id FROM users WHERE id < 3 UNION ALL SELECT ssn, id FROM users WHERE id > 5 ORDER BY 2", "SELECT email FROM users WHERE id = 1 UNION ALL SELECT ssn FROM users WHERE id = 2", "SELECT id FROM users UNION SELECT user_id FROM orders ORDER BY 1",
	"SELECT ssn FROM users ORDER BY id LIMIT 2", "SELECT ssn FROM users ORDER BY id LIMIT 2 OFFSET 3", "SELECT ssn IS NULL, email IS NOT NULL FROM users ORDER BY id", "SELECT id FROM users WHERE ssn IS NULL", "SELECT id, note FROM users WHERE email IS NOT NULL AND (note IS NULL OR note = 'red') ORDER BY id", "SELECT DISTINCT note FROM users ORDER BY note",
	"SELECT CASE WHEN id = 1 THEN 'one' ELSE note END AS k, ssn FROM users ORDER BY id", "SELECT id, upper(note) FROM users ORDER BY id", "SELECT coalesce(note, 'none') AS note, ssn FROM users ORDER BY users.id", "SELECT row_number() OVER (ORDER BY id) AS n, ssn FROM users ORDER BY id", "SELECT id, ssn, lag(id) OVER (PARTITION BY note ORDER BY id) AS prev FROM users ORDER BY id",
	"SELECT secret, tenant FROM tenants WHERE tenant = 'a' ORDER BY id", "SELECT * FROM tenants ORDER BY tenant, id", "SELECT secret FROM tenants ORDER BY tenant, id LIMIT 3", "SELECT t.secret AS s, u.ssn FROM tenants t JOIN users u ON u.id = t.id ORDER BY t.id", "SELECT x.secret FROM (SELECT * FROM tenants) x ORDER BY x.tenant, x.id", "WITH t AS (SELECT * FROM tenants WHERE tenant = 'b') SELECT secret FROM t ORDER BY id",
	"SELECT a.secret, b.secret FROM tenants a JOIN tenants b ON b.id = a.id + 2 ORDER BY a.id", "SELECT secret FROM tenants WHERE id < 3 UNION ALL SELECT secret FROM tenants WHERE id > 4",
	"SELECT /* ssn */ ssn -- email\n FROM users WHERE note = 'it''s; SELECT' OR id = 1", "SELECT ssn FROM users WHERE id BETWEEN 2 AND 3 AND NOT id = 3", "SELECT 1 AS one, ssn, NULL AS none FROM users WHERE id = 1", "SELECT ssn FROM users WHERE id % 2 = 0 AND note LIKE 'b%' ORDER BY id", "SELECT id AS ssn FROM users WHERE id = 1", "SELECT note AS email, email AS note FROM users WHERE id = 2",
}

var withArguments = []struct {
	text string
	args []any
}{
	{"SELECT ssn FROM users WHERE id = ?", []any{3}},
	{"SELECT ? AS a, ssn FROM users WHERE id > ? AND note = ? ORDER BY id LIMIT 2", []any{"lit", 1, "red"}},
	{"SELECT * FROM users WHERE id IN (?, ?, ?) ORDER BY id", []any{1, 2, 99}},
	{"SELECT u.email FROM users u JOIN orders o ON o.user_id = u.id AND o.total > ? WHERE u.id < ? ORDER BY o.id", []any{5, 4}},
	{"SELECT secret FROM tenants WHERE tenant = ? ORDER BY id", []any{"b"}},
	{"SELECT secret FROM tenants WHERE tenant = ? AND id = ?", []any{"a", 2}},
	{"SELECT ssn FROM users ORDER BY id LIMIT ? OFFSET ?", []any{2, 1}},
	{"WITH c AS (SELECT id, ssn FROM users WHERE id > ?) SELECT ssn FROM c WHERE id < ? ORDER BY id", []any{1, 4}},
}

// changes are run on both databases, and the tables are compared afterwards.
var changes = []struct {
	text string
	args []any
}{
	{"INSERT INTO users (id, ssn, email) VALUES (100, 'lit', ?)", []any{"arg"}},
	{"INSERT INTO users VALUES (101, ?, 'x', 'n', '2001-02-03', 5)", []any{"s"}},
	{"INSERT INTO users (id, ssn) VALUES (102, 'a'), (103, NULL), (104, ?)", []any{"c"}},
	{"INSERT INTO users (id) VALUES (105)", nil},
	{"INSERT INTO users (ssn, note, id) VALUES (?, ?, ?)", []any{"s6", "n6", 106}},
	{"INSERT INTO users (id, ssn, note) VALUES (107, 'it''s', 'it''s')", nil},
	{"INSERT INTO users (id, ssn, points, born) VALUES (?, ?, ?, ?)", []any{108, "", 42, "2020-02-29"}},
	{"INSERT INTO users (id, note) SELECT id + 1000, memo FROM orders", nil},
	{"INSERT INTO users (id, note) SELECT 2000, 'from' UNION ALL SELECT 2001, 'two'", nil},
	{"UPDATE users SET ssn = 'new' WHERE id = 1", nil},
	{"UPDATE users SET ssn = ?, note = ? WHERE id = ?", []any{"n1", "n2", 2}},
	{"UPDATE users SET email = NULL WHERE id > 5", nil},
	{"UPDATE users SET note = 'x', ssn = ?, email = ? WHERE note = ? OR id IN (SELECT user_id FROM orders WHERE total > ?)", []any{"a", "b", "red", 30}},
	{"UPDATE users SET id = id + 5000 WHERE id = 4", nil},
	{"UPDATE users SET points = 77, born = '1999-12-31' WHERE id = 3", nil},
	{"UPDATE users SET note = upper(note)", nil},
	{"UPDATE tenants SET secret = ? WHERE tenant = ? AND id = ?", []any{"changed", "a", 2}},
	{"UPDATE tenants SET secret = 'all of b', note = 'x' WHERE tenant = 'b'", nil},
	{"UPDATE tenants SET note = 'clear'", nil},
	{"DELETE FROM users WHERE id = 5", nil},
	{"DELETE FROM users WHERE note = ? AND ssn IS NOT NULL", []any{"BLUE"}},
	{"DELETE FROM users WHERE id IN (SELECT user_id FROM orders WHERE total > ?)", []any{40}},
	{"DELETE FROM tenants WHERE tenant = 'a' AND id > 3", nil},
	{"DELETE FROM orders", nil},
}

var onlyOn = map[rewrite.Dialect]struct{ queries, changes []string }{
	rewrite.Postgres: {
		queries: []string{
			"SELECT ssn FROM public.users ORDER BY id", `SELECT "ssn", "users"."email" FROM "users" ORDER BY id`, "SELECT DISTINCT ON (note) note, ssn FROM users ORDER BY note, id", "SELECT ssn FROM users ORDER BY id FETCH FIRST 2 ROWS ONLY", "SELECT ssn FROM users WHERE id = ANY (ARRAY[1, 2]) ORDER BY id", "TABLE orders", "SELECT u.ssn, l.total FROM users u CROSS JOIN LATERAL (SELECT max(total) AS total FROM orders o WHERE o.user_id = u.id) l ORDER BY u.id",
			"SELECT u.ssn FROM users u JOIN orders o USING (id) ORDER BY id", "SELECT g, u.ssn FROM generate_series(1, 3) g JOIN users u ON u.id = g ORDER BY g", "SELECT ssn FROM users WHERE id = 1 FOR UPDATE", "SELECT count(*) FILTER (WHERE id > 2), count(ssn) FROM users", "SELECT note, array_agg(id ORDER BY id) FROM users GROUP BY note ORDER BY note", "SELECT ctid IS NULL, ssn FROM users ORDER BY id",
		},
		changes: []string{
			"INSERT INTO users (id, ssn) VALUES (1, 'up') ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn, note = 'up'", "INSERT INTO users (id, ssn) VALUES (2, 'no') ON CONFLICT DO NOTHING", "INSERT INTO users AS u (id, ssn) VALUES (3, 'w') ON CONFLICT ON CONSTRAINT users_pkey DO UPDATE SET ssn = 'other' WHERE u.id > 1",
			"INSERT INTO tenants (id, tenant, secret) VALUES (1, 'b', 'up') ON CONFLICT (tenant, id) DO UPDATE SET secret = excluded.secret", "UPDATE users u SET ssn = 'joined' FROM orders o WHERE o.user_id = u.id", "DELETE FROM users u USING orders o WHERE o.user_id = u.id AND o.total > 30", "UPDATE users SET (ssn, note) = ('a', 'b') WHERE id = 1", "UPDATE users SET (ssn, note) = ROW('a2', 'b2') WHERE id = 2",
			"INSERT INTO users (id, ssn, email) VALUES (300, E'a\\nb', $$dollar $x$$), (301, N'nat', U&'\\00e9'), (302, DEFAULT, 'a'::text)", "WITH d AS (DELETE FROM orders RETURNING id) INSERT INTO users (id, note) SELECT id + 9000, 'x' FROM d", "INSERT INTO users (id, ssn) VALUES (303, CAST('cast' AS text))", "INSERT INTO users DEFAULT VALUES ON CONFLICT DO NOTHING; ",
		},
	},
	rewrite.MySQL: {
		queries: []string{
			"SELECT `ssn`, `users`.`email` FROM `users` ORDER BY id", "SELECT STRAIGHT_JOIN u.ssn FROM users u JOIN orders o ON o.user_id = u.id ORDER BY o.id", "SELECT ssn FROM users ORDER BY id LIMIT 1, 2", "SELECT SQL_NO_CACHE ssn FROM users WHERE id = 1", "SELECT ssn FROM users WHERE id = 1 LOCK IN SHARE MODE", "SELECT ssn FROM users USE INDEX (PRIMARY) WHERE id = 1 FOR UPDATE", "SELECT IF(id > 2, 'big', note) AS k, ssn FROM users ORDER BY id",
			"SELECT note, GROUP_CONCAT(id ORDER BY id) FROM users GROUP BY note ORDER BY note", "SELECT DATE_FORMAT('2020-01-02', '%Y') AS y, ssn FROM users WHERE id = 1", "SELECT u.ssn 'label', u.email label2 FROM users u WHERE id = 1", "SELECT note AS n, count(*) FROM users GROUP BY n HAVING n IS NOT NULL ORDER BY n", "SELECT ssn FROM users WHERE id <=> 1 AND (1 XOR 0)", "SELECT ssn FROM users # comment ' \n WHERE id = 1",
			"SELECT u.ssn FROM users u RIGHT JOIN orders o ON o.user_id = u.id ORDER BY o.id",
		},
		changes: []string{
			"INSERT INTO users (id, ssn) VALUES (1, 'up') ON DUPLICATE KEY UPDATE ssn = VALUES(ssn), note = 'up'", "INSERT INTO users SET id = 300, ssn = 'set', note = 'n'", "INSERT IGNORE INTO users (id, ssn) VALUES (1, 'no')", "REPLACE INTO users (id, ssn) VALUES (2, 'replaced')", "INSERT INTO users (id, ssn) VALUES (3, 'x') ON DUPLICATE KEY UPDATE ssn = 'other'",
			"INSERT INTO tenants (id, tenant, secret) VALUES (1, 'b', 'up') ON DUPLICATE KEY UPDATE secret = VALUES(secret)", "UPDATE users u JOIN orders o ON o.user_id = u.id SET u.ssn = 'joined', o.memo = 'j'", "DELETE u FROM users u JOIN orders o ON o.user_id = u.id WHERE o.total > 30", "UPDATE users SET ssn = 'last' ORDER BY id DESC LIMIT 1", "DELETE FROM users ORDER BY id LIMIT 1",
			`INSERT INTO users (id, ssn, email) VALUES (301, "double", 'a\nb'), (302, N'nat', X'616263'), (303, DEFAULT, _utf8mb4'é')`, "INSERT users (id, ssn) VALUE (305, 'v')", "INSERT INTO users (id, ssn) VALUES (306, 'a' 'b')",
		},
	},
	rewrite.SQLite: {
		queries: []string{
			`SELECT "ssn", [email], ` + "`note`" + ` FROM users ORDER BY id`, "SELECT rowid, ssn FROM users ORDER BY rowid", "SELECT ssn FROM main.users ORDER BY id LIMIT 1, 2", "SELECT SSN, Users.EMAIL FROM USERS ORDER BY ID", "SELECT ssn s, email 'e' FROM users WHERE id == 1", "SELECT iif(id > 2, 'big', note) AS k, ssn FROM users ORDER BY id", "SELECT note n, count(*) c FROM users GROUP BY n ORDER BY n", "SELECT u.ssn FROM users u NOT INDEXED WHERE u.id = 1",
			"SELECT group_concat(id) FROM users", "SELECT ssn FROM users WHERE id IS 1", "SELECT typeof(id), ssn FROM users ORDER BY id", "SELECT u.ssn FROM users u FULL JOIN orders o ON o.user_id = u.id ORDER BY o.id, u.id", "VALUES (1, 'a'), (2, 'b')",
		},
		changes: []string{
			"INSERT INTO users (id, ssn) VALUES (1, 'up') ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn, note = 'up'", "INSERT OR IGNORE INTO users (id, ssn) VALUES (2, 'no')", "INSERT OR REPLACE INTO users (id, ssn) VALUES (3, 'replaced')", "REPLACE INTO users (id, ssn) VALUES (2, 'replaced')", "INSERT INTO users (id, ssn) VALUES (3, 'x') ON CONFLICT DO UPDATE SET ssn = 'other' WHERE id > 1",
			"INSERT INTO tenants (id, tenant, secret) VALUES (1, 'b', 'up') ON CONFLICT (tenant, id) DO UPDATE SET secret = excluded.secret", "UPDATE users SET ssn = 'joined' FROM orders o WHERE o.user_id = users.id", "UPDATE OR IGNORE users SET ssn = 'i'", "INSERT INTO users DEFAULT VALUES", "UPDATE users SET (ssn, note) = ('a', 'b') WHERE id = 1", "INSERT INTO users (rowid, ssn) VALUES (301, 'row')", "INSERT INTO users (id, ssn) VALUES (?1, ?2)",
		},
	},
}

// TestSupported runs the statements that this version supports on plain and on
// encrypted tables; a program must see no difference.
func TestSupported(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			t.Run("queries", func(t *testing.T) { e.queries(t) })
			t.Run("changes", func(t *testing.T) { e.changes(t) })
			t.Run("transactions", func(t *testing.T) { e.transactions(t) })
			if e.dialect != rewrite.MySQL || !testenv.IsMySQL() {
				t.Run("returning", func(t *testing.T) { e.returning(t) })
			}
		})
	}
}

func (e engine) queries(t *testing.T) {
	x := e.twins(t)
	for _, q := range append(everywhere, onlyOn[e.dialect].queries...) {
		x.query(q)
	}
	for _, q := range withArguments {
		x.query(q.text, q.args...)
	}
}

// tables compares everything that is stored.
func (x *twins) tables() {
	x.t.Helper()
	for _, q := range []string{"SELECT * FROM users ORDER BY id", "SELECT * FROM orders ORDER BY id", "SELECT * FROM tenants ORDER BY tenant, id"} {
		x.query(q)
	}
}

// changes runs each statement in a transaction of its own that is rolled back,
// bare and prepared, and compares the tables inside it.
func (e engine) changes(t *testing.T) {
	x := e.twins(t)
	all := changes
	for _, s := range onlyOn[e.dialect].changes {
		args := []any(nil)
		if strings.Contains(s, "?") {
			args = []any{400, "arg"}
		}
		all = append(all[:len(all):len(all)], struct {
			text string
			args []any
		}{s, args})
	}
	for _, c := range all {
		for _, prepared := range []bool{false, true} {
			x.change(c.text, c.args, prepared)
		}
	}
}

func (x *twins) change(text string, args []any, prepared bool) {
	x.t.Helper()
	text = x.w.bind(x.w.text(text))
	run := func(db *sql.DB) (n int64, tables []*answer, err error) {
		tx, err := db.Begin()
		if err != nil {
			return 0, nil, err
		}
		defer tx.Rollback()
		var res sql.Result
		if prepared {
			st, err := tx.Prepare(text)
			if err != nil {
				return 0, nil, err
			}
			defer st.Close()
			if res, err = st.Exec(args...); err != nil {
				return 0, nil, err
			}
		} else if res, err = tx.Exec(text, args...); err != nil {
			return 0, nil, err
		}
		if n, err = res.RowsAffected(); err != nil {
			return 0, nil, err
		}
		for _, q := range []string{"SELECT * FROM users ORDER BY id", "SELECT * FROM orders ORDER BY id", "SELECT * FROM tenants ORDER BY tenant, id"} {
			a, err := ask(tx, q, 0, nil)
			if err != nil {
				return 0, nil, fmt.Errorf("%s: %w", q, err)
			}
			tables = append(tables, a)
		}
		return n, tables, nil
	}
	wantN, want, wantErr := run(x.plain)
	gotN, got, gotErr := run(x.w.db)
	switch {
	case wantErr != nil && gotErr != nil && !errors.As(gotErr, new(*rewrite.UnsupportedError)):
	case gotErr != nil || wantErr != nil:
		x.t.Errorf("%s %v (prepared %v): got %v, want %v", text, args, prepared, gotErr, wantErr)
	case gotN != wantN || !reflect.DeepEqual(got, want):
		x.t.Errorf("%s %v (prepared %v): got %d rows, want %d\n got %v\nwant %v", text, args, prepared, gotN, wantN, show(got), show(want))
	}
}

func show(as []*answer) string {
	var b strings.Builder
	for _, a := range as {
		fmt.Fprintf(&b, "%v %v\n", a.columns, a.rows)
	}
	return b.String()
}

// transactions compares commit, rollback, savepoints and statements prepared
// before, used inside.
func (e engine) transactions(t *testing.T) {
	x := e.twins(t)
	for _, db := range []*sql.DB{x.plain, x.w.db} {
		insert, err := db.Prepare(x.w.bind("INSERT INTO users (id, ssn, points) VALUES (?, ?, ?)"))
		x.w.must(err)
		for i := range 50 {
			tx, err := db.Begin()
			x.w.must(err)
			_, err = tx.Stmt(insert).Exec(500+i, fmt.Sprint("p", i), i)
			x.w.must(err)
			_, err = tx.Exec("SAVEPOINT s")
			x.w.must(err)
			_, err = tx.Exec("UPDATE users SET ssn = 'gone' WHERE id < 5")
			x.w.must(err)
			_, err = tx.Exec("ROLLBACK TO SAVEPOINT s")
			x.w.must(err)
			if i%3 == 0 {
				x.w.must(tx.Rollback())
				continue
			}
			x.w.must(tx.Commit())
		}
		x.w.must(insert.Close())
	}
	x.tables()
}

// returning compares RETURNING lists; MariaDB has them for INSERT and DELETE, MySQL
// has none.
func (e engine) returning(t *testing.T) {
	x := e.twins(t)
	for i, q := range []string{
		"INSERT INTO users (id, ssn, email) VALUES ({id}, 's', ?) RETURNING *", "INSERT INTO users (id, ssn, email) VALUES ({id}, ?, 'e') RETURNING id, ssn AS number, email, note", "INSERT INTO users (id, email) VALUES ({id}, ?) RETURNING ssn", "UPDATE users SET ssn = ? WHERE id = 2 RETURNING ssn, id AS x, email",
		"DELETE FROM users WHERE note = 'red' AND note <> ? RETURNING id, ssn, born",
	} {
		if e.dialect == rewrite.MySQL && strings.HasPrefix(q, "UPDATE") {
			continue
		}
		text := x.w.bind(strings.ReplaceAll(q, "{id}", fmt.Sprint(700+i)))
		want, wantErr := ask(x.plain, text, 0, []any{"v"})
		got, gotErr := ask(x.w.db, text, 0, []any{"v"})
		if wantErr != nil || gotErr != nil {
			t.Errorf("%s: got %v, want %v", text, gotErr, wantErr)
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", text, got, want)
		}
	}
	x.tables()
}

package drivertest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// searchConfig indexes the columns of the twins' tables. Texts are compared as
// bytes, as the tables of these tests are.
const searchConfig = head + `tables:
  users:
    columns:
      ssn: {search: {equality: {collation: binary}}}
      email: {search: {equality: {collation: binary, unique: exact, group: mail}}}
      born: {type: date, search: equality}
      points: {type: bigint, search: {equality: {column: points_ix}}}
      name: {search: {equality: {collation: binary, normalize: [trim, lower]}}}
      city: {search: {equality: {collation: binary, bits: 8}}}
      price: {type: "numeric(10,2)", search: equality}
  contacts:
    columns:
      mail: {search: {equality: {collation: binary, group: mail}}}
  tenants:
    partition: {column: tenant, type: text}
    columns:
      secret: {search: {equality: {collation: binary}}}
      code: {search: {equality: {collation: binary, scope: table}}}
`

var searchTables = []string{
	"CREATE TABLE users (id {INT} PRIMARY KEY, ssn {TEXT}, email {STR} UNIQUE, note {TEXT}, born DATE, points BIGINT, price NUMERIC(10,2), name {TEXT}, city {TEXT})",
	"CREATE TABLE contacts (id {INT} PRIMARY KEY, mail {STR}, label {TEXT})",
	"CREATE TABLE tenants (id {INT} NOT NULL, tenant {OWNER} NOT NULL, secret {TEXT}, code {TEXT}, PRIMARY KEY (tenant, id))",
}

func (e engine) searchTwins(t *testing.T) *twins {
	t.Helper()
	return e.searchTwinsWith(t, "")
}

// searchTwinsWith has further tables.
func (e engine) searchTwinsWith(t *testing.T, more string, tables ...string) *twins {
	t.Helper()
	x := &twins{t: t, w: e.open(t, strings.ReplaceAll(searchConfig+more, "guards: off", "guards: require"))}
	x.plain = e.open(t, searchConfig+more).plain
	for _, s := range append(searchTables[:len(searchTables):len(searchTables)], tables...) {
		// A collation that compares bytes, as the configuration says.
		plain, sealed := "VARCHAR(60) COLLATE utf8mb4_bin", "VARCHAR(60)"
		if e.dialect != rewrite.MySQL {
			plain = sealed
		}
		text := x.w.text(strings.ReplaceAll(s, "{TEXT}", "{STR}"))
		if _, err := x.plain.Exec(strings.ReplaceAll(text, "{STR}", plain)); err != nil {
			t.Fatal(err)
		}
		if _, err := x.w.db.Exec(strings.ReplaceAll(text, "{STR}", sealed)); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []string{"CREATE INDEX users_ssn ON users (ssn)", "CREATE INDEX users_note ON users (note)"} {
		x.both(s)
	}
	for i := 1; i <= 8; i++ {
		x.both("INSERT INTO users (id, ssn, email, note, born, points, price) VALUES (?, ?, ?, ?, ?, ?, ?)",
			i, []any{"111", "222", nil}[i%3], fmt.Sprintf("u%d@example.com", i), []any{"red", "blue"}[i%2], fmt.Sprintf("19%02d-02-03", 60+i%3), i%4*1000, fmt.Sprintf("%d.50", i%3))
		x.both("INSERT INTO contacts VALUES (?, ?, 'l')", i*10, fmt.Sprintf("u%d@example.com", i%3+1))
		x.both("INSERT INTO tenants (id, tenant, secret, code) VALUES (?, ?, ?, ?)", i, []string{"a", "b"}[i%2], []string{"x", "y", "z"}[i%3], []string{"p", "q"}[i/4%2])
	}
	for i, name := range []string{"Ada", "ada", "ADA", " ada ", "Bob"} {
		x.both("UPDATE users SET name = ?, city = ? WHERE id = ?", name, fmt.Sprint("city", i%2), i+1)
	}
	x.both("INSERT INTO users (id, ssn, email) VALUES (9, '', 'Straße')")
	return x
}

// searches are answered by the indexes; the plain tables know what is right.
var searches = []struct {
	text string
	args []any
}{
	{"SELECT id, ssn FROM users WHERE ssn = ? ORDER BY id", []any{"111"}},
	{"SELECT * FROM users WHERE ssn = '222' ORDER BY id", nil},
	{"SELECT id FROM users WHERE ssn = '' OR ssn = ? ORDER BY id", []any{"none"}},
	{"SELECT id FROM users WHERE email = ?", []any{"Straße"}},
	{"SELECT id FROM users WHERE email = ?", []any{"strasse"}},
	{"SELECT id FROM users WHERE ssn <> ? ORDER BY id", []any{"111"}},
	{"SELECT id FROM users WHERE NOT (ssn = ?) ORDER BY id", []any{"111"}},
	{"SELECT id FROM users WHERE ssn IN (?, '222', ?) ORDER BY id", []any{"111", "none"}},
	{"SELECT id FROM users WHERE ssn NOT IN (?, '') ORDER BY id", []any{"111"}},
	{"SELECT id FROM users WHERE ssn IS NULL ORDER BY id", nil},
	{"SELECT id FROM users WHERE born = ? ORDER BY id", []any{"1961-02-03"}},
	{"SELECT id FROM users WHERE points = ? ORDER BY id", []any{1000}},
	{"SELECT id FROM users WHERE points IN (0, 3000) ORDER BY id", nil},
	{"SELECT id FROM users WHERE price = 1.5 ORDER BY id", nil},
	{"SELECT id FROM users WHERE price = 1.500 ORDER BY id", nil},
	{"SELECT count(*), count(email) FROM users WHERE ssn = ? AND note = ?", []any{"111", "red"}},
	{"SELECT note, count(*) FROM users WHERE ssn <> ? GROUP BY note ORDER BY note", []any{"222"}},
	{"SELECT u.id, c.id, c.mail FROM users u JOIN contacts c ON c.mail = u.email ORDER BY u.id, c.id", nil},
	{"SELECT u.id, c.label FROM users u LEFT JOIN contacts c ON u.email = c.mail AND c.id > 30 ORDER BY u.id, c.id", nil},
	{"SELECT u.id FROM users u WHERE EXISTS (SELECT 1 FROM contacts c WHERE c.mail = u.email) ORDER BY u.id", nil},
	{"SELECT u.id FROM users u, contacts c WHERE u.email = c.mail AND c.id = ? ORDER BY u.id", []any{20}},
	{"SELECT a.id, b.id FROM users a JOIN users b ON a.ssn = b.ssn AND a.id < b.id ORDER BY a.id, b.id", nil},
	{"SELECT id, secret FROM tenants WHERE tenant = ? AND secret = ? ORDER BY id", []any{"a", "x"}},
	{"SELECT id, tenant, secret FROM tenants WHERE code = ? ORDER BY tenant, id", []any{"p"}},
	{"SELECT id FROM (SELECT id, ssn FROM users WHERE ssn = ?) d WHERE d.id > 1 ORDER BY id", []any{"111"}},
	{"WITH c AS (SELECT id FROM users WHERE email IN (?, ?)) SELECT id FROM c ORDER BY id", []any{"u1@example.com", "u2@example.com"}},
	{"SELECT CASE WHEN ssn = ? THEN 1 ELSE 0 END AS k, id FROM users ORDER BY id", []any{"111"}},
	{"SELECT id, name FROM users WHERE name = ? ORDER BY id", []any{"ada"}},
	{"SELECT name FROM users WHERE note = 'red' AND (name = 'Ada') ORDER BY id", nil},
	{"SELECT * FROM users WHERE name IN (?, 'ADA', NULL) AND id > 1 ORDER BY id DESC", []any{"Ada"}},
	{"SELECT u.id, c.mail FROM users u LEFT JOIN contacts c ON c.mail = u.email WHERE u.name = ? AND u.ssn = ? ORDER BY u.id, c.id", []any{"ada", "222"}},
	{"SELECT id FROM users WHERE ? = city ORDER BY id", []any{"city1"}},
	{"SELECT id, name FROM users WHERE name = ? ORDER BY id LIMIT 1", []any{"ada"}},
	{"SELECT id FROM users WHERE city = ? ORDER BY id LIMIT ? OFFSET 1", []any{"city1", 1}},
	{"SELECT id, city AS name FROM users WHERE name = 'ada' AND city = ? ORDER BY id", []any{"city1"}},
	{"SELECT id FROM users WHERE name = ? ORDER BY id", []any{nil}},
	{"SELECT id FROM users WHERE ssn = ? LIMIT 1 OFFSET 1", []any{"zzz"}},
}

var searchChanges = []struct {
	text string
	args []any
}{
	{"INSERT INTO users (id, ssn, email) VALUES (100, 'lit', ?), (101, ?, NULL)", []any{"new@example.com", "arg"}},
	{"INSERT INTO users VALUES (102, ?, ?, 'n', '2001-02-03', 5, 2, 'Zoe', NULL)", []any{"s", "e"}},
	{"UPDATE users SET ssn = ? WHERE ssn = ?", []any{"333", "111"}},
	{"UPDATE users SET ssn = NULL, email = 'changed' WHERE id = 1", nil},
	{"UPDATE users SET email = ?, note = 'x' WHERE email = ?", []any{"z", "u3@example.com"}},
	{"DELETE FROM users WHERE ssn = ? AND note = 'red'", []any{"222"}},
	{"DELETE FROM users WHERE points = 2000 OR email = 'gone'", nil},
	{"UPDATE tenants SET secret = ? WHERE tenant = ? AND secret = ?", []any{"moved", "b", "y"}},
	{"DELETE FROM tenants WHERE tenant = 'a' AND secret = ?", []any{"z"}},
	{"INSERT INTO users (id, email) VALUES (103, 'u1@example.com')", nil},
}

// TestSearch compares searches with those of plain tables, in every mode of the
// drivers, and shows that nothing of what is searched for goes out.
func TestSearch(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.searchTwins(t)
			for _, q := range searches {
				x.query(q.text, q.args...)
			}
			for _, c := range searchChanges {
				x.searchChange(c.text, c.args)
			}
			w := x.w
			w.exec("INSERT INTO users (id, ssn, email) VALUES (500, ?, ?)", w.mark, w.mark)
			w.holds(w.text("SELECT id FROM users WHERE ssn = {M} AND email IN ({M})"), [][]any{{int64(500)}})
			w.silent("a search")
		})
	}
}

// searchChange runs a change on both databases and compares what is stored, or
// the class of the error.
func (x *twins) searchChange(text string, args []any) {
	x.t.Helper()
	text = x.w.bind(text)
	_, want := x.plain.Exec(text, args...)
	_, got := x.w.db.Exec(text, args...)
	if (want == nil) != (got == nil) || errors.As(got, new(*rewrite.UnsupportedError)) {
		x.t.Errorf("%s: got %v, want %v", text, got, want)
	}
	for _, q := range []string{"SELECT * FROM users ORDER BY id", "SELECT * FROM tenants ORDER BY tenant, id", "SELECT id FROM users WHERE ssn IN ('333', 'lit', 'arg', 's') ORDER BY id", "SELECT id FROM users WHERE email IN ('changed', 'z', 'e', 'new@example.com') ORDER BY id"} {
		x.query(q)
	}
}

// TestSearchStaysInItsPartition shows that one value has another index in
// another partition, and one index where the scope is the table.
func TestSearchStaysInItsPartition(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.searchTwins(t)
			w := x.w
			count := func(column string) (n int) {
				w.must(w.plain.QueryRow("SELECT count(DISTINCT " + column + ") FROM tenants WHERE " + column + " IS NOT NULL").Scan(&n))
				return n
			}
			if n := count("secret_bidx"); n != 6 {
				t.Errorf("three values in two partitions have %d indexes, want 6", n)
			}
			if n := count("code_bidx"); n != 2 {
				t.Errorf("two values across partitions have %d indexes, want 2", n)
			}
			w.refused("SELECT id FROM tenants WHERE secret = {M}", rewrite.ReasonPartition)
			for _, s := range []string{
				"SELECT count(*) FROM users WHERE name = {M}", "SELECT DISTINCT id FROM users WHERE name = {M}",
				"SELECT id FROM users WHERE NOT (name = {M})", "SELECT id FROM users WHERE name = {M} OR id = 1", "DELETE FROM users WHERE name = {M}",
				"UPDATE users SET note = 'x' WHERE name = {M}", "SELECT id FROM contacts c WHERE EXISTS (SELECT 1 FROM users u WHERE u.name = {M})",
				"SELECT id FROM users WHERE name = {M} UNION ALL SELECT 1", "SELECT note, max(id) FROM users WHERE city = {M} GROUP BY note",
				"SELECT c.id FROM contacts c LEFT JOIN users u ON u.name = {M}", "SELECT id FROM (SELECT id FROM users WHERE name = {M}) d",
			} {
				w.refused(s, rewrite.ReasonPredicate)
			}
			w.refused("SELECT secret_bidx FROM tenants")
			w.refused("UPDATE tenants SET secret_bidx = NULL WHERE tenant = 'a'")
			for _, s := range []string{"UPDATE users SET email_bidx = NULL WHERE id = 1", "INSERT INTO contacts (id, mail_bidx) SELECT 99, mail_bidx FROM contacts WHERE id = 10"} {
				if _, err := w.plain.Exec(s); err == nil {
					t.Errorf("%s: no guard keeps value and index together", s)
				}
			}
			ctx := sealsql.WithPartition(context.Background(), "a")
			rows, err := rowsOf(w.db.QueryContext(ctx, w.bind("SELECT id FROM tenants WHERE secret = ? ORDER BY id"), "x"))
			w.must(err)
			if len(rows) == 0 {
				t.Error("the context's partition found nothing")
			}
		})
	}
}

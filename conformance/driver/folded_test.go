package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// foldedConfig has a column whose equality ignores case, and one whose equality
// does not but whose index does.
const foldedConfig = head + `tables:
  logins:
    columns:
      login: {search: {equality: {collation: ci}}}
      nick: {search: {equality: {collation: binary, normalize: [lower]}}}
`

var folded = []search{
	{"SELECT id FROM logins WHERE lower(nick) = lower(?)", []any{"ADA"}},
	{"SELECT id FROM logins WHERE lower(nick) = ?", []any{"ada"}},
	{"SELECT id FROM logins WHERE lower(nick) = ?", []any{"Ada"}},
	{"SELECT id FROM logins WHERE lower(nick) <> ?", []any{"Ada"}},
	{"SELECT count(*) FROM logins WHERE NOT (lower(nick) = lower(?))", []any{"bOB"}},
	{"SELECT id FROM logins WHERE lower(nick) IN ('ada', 'Bob', lower(?)) OR nick IS NULL", []any{"BOB"}},
	{"SELECT a.id, b.id FROM logins a JOIN logins b ON lower(a.nick) = lower(b.nick)", nil},
	{"SELECT id FROM logins WHERE lower(login) = lower(?)", []any{"aDA"}},
	{"SELECT id FROM logins WHERE upper(login) = upper(?) OR lower(login) = ''", []any{"boB"}},
	{"SELECT count(*) FROM logins WHERE (lower(nick), id) IN ((?, 1), ('bob', 4))", []any{"ada"}},
	{"SELECT CASE lower(nick) WHEN ? THEN 'a' WHEN 'BOB' THEN 'b' ELSE 'c' END AS k FROM logins", []any{"ada"}},
	{"UPDATE logins SET login = 'Carl' WHERE lower(nick) = lower(?)", []any{"BOB"}},
	{"SELECT id, login, nick FROM logins", nil},
	{"DELETE FROM logins WHERE lower(login) = lower(?)", []any{"CARL"}},
	{"SELECT id, login, nick FROM logins", nil},
}

var foldedOnly = map[rewrite.Dialect][]search{
	rewrite.Postgres: {
		{"SELECT id FROM logins WHERE UPPER(logins.login::text) = UPPER($1)", []any{"ADA"}},
		{"SELECT id FROM logins WHERE lower(nick) = ANY($1)", []any{[]string{"ada", "Bob"}}},
		{"SELECT id FROM logins WHERE lower(nick) = lower($1::text)", []any{"ADA"}},
	},
	rewrite.MySQL: {
		{"SELECT id FROM logins WHERE login COLLATE utf8mb4_general_ci = ?", []any{"aDA"}},
		{"SELECT id FROM logins WHERE LCASE(nick) = LCASE(?)", []any{"aDA"}},
		{"SELECT count(*), min(id) FROM logins GROUP BY login", nil},
	},
	rewrite.SQLite: {
		{"SELECT id FROM logins WHERE login = ? COLLATE NOCASE", []any{"aDA"}},
		{"SELECT id FROM logins WHERE login COLLATE NOCASE <> ?", []any{"aDA"}},
	},
}

// TestFoldedEquality compares comparisons that ignore case with those of plain
// tables.
func TestFoldedEquality(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := &twins{t: t, w: e.open(t, foldedConfig)}
			x.plain = e.open(t, foldedConfig).plain
			login, nick := "VARCHAR(60)", "VARCHAR(60)"
			if e.dialect == rewrite.MySQL {
				login, nick = login+" COLLATE utf8mb4_general_ci", nick+" COLLATE utf8mb4_bin"
			}
			plain := x.w.text("CREATE TABLE logins (id {INT} PRIMARY KEY, login " + login + ", nick " + nick + ")")
			if _, err := x.plain.Exec(plain); err != nil {
				t.Fatal(err)
			}
			x.w.exec("CREATE TABLE logins (id {INT} PRIMARY KEY, login VARCHAR(60), nick VARCHAR(60))")
			for i, name := range []any{"Ada", "ada", "ADA", "Bob", "bob", "", nil} {
				x.both("INSERT INTO logins (id, login, nick) VALUES (?, ?, ?)", i+1, name, name)
			}
			for _, list := range [][]search{foldedOnly[e.dialect], folded} {
				for _, q := range list {
					x.unordered(q.text, q.args)
				}
			}
			x.w.refused("SELECT id FROM logins WHERE upper(nick) = upper({M})", rewrite.ReasonFunction)
			x.w.refused("SELECT count(*) FROM logins WHERE nick = {M}", rewrite.ReasonPredicate)
			x.w.refused("SELECT id FROM logins WHERE trim(login) = {M}", rewrite.ReasonFunction)
		})
	}
}

package physical

import (
	"testing"

	"github.com/sealsql/sealsql/rewrite/sqlite"
)

func TestDefinitionsOfSQLiteAreEdited(t *testing.T) {
	f := sqlite.New()
	const guard = `CONSTRAINT "g" CHECK (("a" IS NULL) = ("b" IS NULL))`
	with := func(text string) (string, bool) { return WithConstraint(f, text, guard) }
	without := func(text string) (string, bool) { return WithoutConstraint(f, text, "G") }
	gone := func(text string) (string, bool) { return WithoutColumn(f, text, "B") }
	for name, c := range map[string]struct {
		edit     func(string) (string, bool)
		in, want string
	}{
		"a constraint is added at the end": {with, "CREATE TABLE t (a blob, b blob) STRICT", "CREATE TABLE t (a blob, b blob,\n  " + guard + "\n) STRICT"},
		"that of a table is taken away":    {without, "CREATE TABLE t (a blob, b blob, " + guard + ", UNIQUE (b))", "CREATE TABLE t (a blob, b blob, UNIQUE (b))"},
		"that of a column is taken away":   {without, "CREATE TABLE t (a blob, b blob UNIQUE " + guard + " NOT NULL)", "CREATE TABLE t (a blob, b blob UNIQUE  NOT NULL)"},
		"another stays":                    {without, "CREATE TABLE t (a blob, b blob, CONSTRAINT h CHECK (a > b))", "CREATE TABLE t (a blob, b blob, CONSTRAINT h CHECK (a > b))"},
		"a comma in a comment is no comma": {without, "CREATE TABLE t (a blob, b blob /* , */, " + guard + ")", "CREATE TABLE t (a blob, b blob /* , */)"},
		"a column goes with its keys": {
			gone, "CREATE TABLE t (id integer PRIMARY KEY, b blob UNIQUE, a blob, UNIQUE (id, b), CHECK (a <> '), (') , " + guard + ") WITHOUT ROWID",
			"CREATE TABLE t (id integer PRIMARY KEY,\n  a blob,\n  CHECK (a <> '), (')) WITHOUT ROWID",
		},
		"the first column goes": {gone, "CREATE TABLE t (\"b\" blob, a numeric(3, 2))", "CREATE TABLE t (a numeric(3, 2))"},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := c.edit(c.in)
			if !ok || got != c.want {
				t.Errorf("got %q, %t", got, ok)
			}
		})
	}
	for _, text := range []string{"", "CREATE TABLE t AS SELECT 1", "CREATE TABLE t (a blob)", "CREATE TABLE t (b blob"} {
		if got, ok := gone(text); ok {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

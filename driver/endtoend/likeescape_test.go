package endtoend_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/sealsql/sealsql"
)

// Without an escape character MariaDB takes the backslash for one all the same: a
// pattern that holds it is an error, and others find what the plain database finds.
func TestABackslashWithoutAnEscapeCharacterIsNotGuessed(t *testing.T) {
	const configuration = `guards: warn
tables:
  HERE.papers:
    columns:
      x: {type: varchar(40), search: {equality: {collation: ci}, contains: {collation: ci}}}
`
	p := mysqlFlavour().open(t, head+"metastore: memory\n"+configuration)
	p.plain.SetMaxOpenConns(1)
	p.sealed.SetMaxOpenConns(1)
	p.both(t, "CREATE TABLE papers (id int PRIMARY KEY, x varchar(40))")
	for i, x := range []string{"some text", `so\me text`, "so%me", "so_me", `some\`} {
		p.both(t, "INSERT INTO papers VALUES (?, ?)", i, x)
	}
	found := func(query, pattern string) (out [2][]int, errs [2]error) {
		out[0], errs[0] = ids(p.plain, query, []any{pattern})
		out[1], errs[1] = ids(p.sealed, query, []any{pattern})
		return out, errs
	}
	for _, c := range []struct{ set, query string }{
		{"SET sql_mode = 'NO_BACKSLASH_ESCAPES'", "SELECT id FROM papers WHERE x LIKE ? ORDER BY id"},
		{"SET sql_mode = ''", "SELECT id FROM papers WHERE x LIKE ? ESCAPE '' ORDER BY id"},
	} {
		p.both(t, c.set)
		for _, pattern := range []string{`%so\me%`, `%so\%me%`, `%so\_me%`, `%so\\me%`} {
			_, errs := found(c.query, pattern)
			var column *sealsql.ColumnError
			if !errors.As(errs[1], &column) {
				t.Errorf("%s: %s is not refused: %v", c.set, pattern, errs[1])
			}
		}
		for _, pattern := range []string{`%SOME%`, `some%`, `so_me`, `some_text`} {
			if out, errs := found(c.query, pattern); errs[0] != nil || errs[1] != nil || !reflect.DeepEqual(out[0], out[1]) {
				t.Errorf("%s: %s: %v, %v", c.set, pattern, out, errs)
			}
		}
	}
}

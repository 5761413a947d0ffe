package endtoend_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
)

// TestTextsOfUTF16DatabasesAreSortedAsTheProgramSays: SQLite sorts texts by the bytes of the
// database's encoding, where 'Ā' is before 'a'; a range found other rows than the plain
// column.
func TestTextsOfUTF16DatabasesAreSortedAsTheProgramSays(t *testing.T) {
	const search = "{search: {range: {order: revealing, prefix: 8}}, accept_leakage: order}"
	for _, c := range []struct {
		encoding, column string
		fits             bool
	}{
		{"UTF-8", search, true},
		{"UTF-16le", search, false},
		{"UTF-16be", search, false},
		{"UTF-16le", strings.Replace(search, "prefix: 8", "prefix: 8, collation: binary", 1), true},
		{"UTF-16le", "{client_sort: {max_rows: 10, collation: binary}}", true},
		{"UTF-16le", "{type: int, search: {range: {order: revealing}}, accept_leakage: order}", true},
		{"UTF-16le", "encrypted", true},
		{"UTF-16le", strings.Replace(search, "{search", "{type: date, search", 1), true},
	} {
		f := sqliteFlavour("_pragma=encoding('" + c.encoding + "')")
		p := f.open(t, head+"metastore: memory\ntables:\n  names:\n    columns: {name: "+c.column+"}\n")
		typ := "text"
		if _, of, ok := strings.Cut(c.column, "{type: "); ok {
			typ, _, _ = strings.Cut(of, ",")
		}
		for _, s := range []string{"CREATE TABLE names (id int PRIMARY KEY, name " + typ + ")", "INSERT INTO names (id, name) VALUES (1, NULL)"} {
			_, err := p.sealed.Exec(s)
			if fits := err == nil || !errors.Is(err, sealsql.ErrSetup); fits != c.fits && strings.HasPrefix(s, "INSERT") {
				t.Errorf("%s, %s: %v", c.encoding, c.column, err)
			}
			if err != nil && c.fits {
				t.Errorf("%s, %s: %s: %v", c.encoding, c.column, s, err)
			}
		}
	}
}

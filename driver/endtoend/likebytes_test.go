package endtoend_test

import (
	"database/sql"
	"errors"
	"reflect"
	"testing"

	"github.com/sealsql/sealsql"
)

// SQLite's LIKE finds no bytes, and nothing by bytes: a DELETE by a pattern took rows
// that the plain one leaves.
func TestBytesMatchNoPatternOnSQLite(t *testing.T) {
	p := sqliteFlavour().open(t, head+`metastore: memory
tables:
  people:
    columns:
      name: {type: text, search: {equality: {}}}
      note: {type: text, search: {prefix: {lengths: [1]}, contains: default}}
`)
	p.both(t, "CREATE TABLE people (id integer PRIMARY KEY, name text, note text)")
	p.both(t, "INSERT INTO people VALUES (1, 'abc', 'abcd'), (2, ?, ?), (3, NULL, NULL), (4, 'xyz', 'xyzz'), (5, 12, 5)", []byte("abc"), []byte("abcd"))
	for _, c := range []struct {
		query string
		args  []any
	}{
		{"SELECT id FROM people WHERE name LIKE 'a%' ORDER BY id", nil},
		{"SELECT id FROM people WHERE name NOT LIKE 'a%' ORDER BY id", nil},
		{"SELECT id FROM people WHERE NOT name LIKE ? ORDER BY id", []any{"a%"}},
		{"SELECT id FROM people WHERE name LIKE '1%' ORDER BY id", nil},
		{"SELECT id FROM people WHERE lower(name) LIKE 'a%' ORDER BY id", nil},
		{"SELECT id FROM people WHERE name LIKE '%' || ? || '%' ORDER BY id", []any{[]byte("b")}},
		{"SELECT id FROM people WHERE note LIKE 'abc%' ORDER BY id", nil},
		{"SELECT id FROM people WHERE note LIKE '%bcd%' ORDER BY id", nil},
		{"SELECT id FROM people WHERE note NOT LIKE '%bcd%' ORDER BY id", nil},
	} {
		plain, sealed := idsOf(t, p.plain, c.query, c.args...), idsOf(t, p.sealed, c.query, c.args...)
		if !reflect.DeepEqual(plain, sealed) {
			t.Errorf("%s: %v, want %v", c.query, sealed, plain)
		}
	}
	for _, s := range []string{"SELECT id FROM people WHERE name LIKE ?", "SELECT id FROM people WHERE note NOT LIKE ?", "DELETE FROM people WHERE name LIKE ?"} {
		if _, err := p.sealed.Exec(s, []byte("a%")); !errors.Is(err, sealsql.ErrValue) {
			t.Errorf("%s: %v", s, err)
		}
	}
	p.both(t, "DELETE FROM people WHERE name LIKE 'abc'")
	if got := idsOf(t, p.sealed, "SELECT id FROM people ORDER BY id"); !reflect.DeepEqual(got, []int64{2, 3, 4, 5}) {
		t.Errorf("left: %v", got)
	}
}

// idsOf are the values of a query's only column.
func idsOf(t *testing.T, db *sql.DB, query string, args ...any) (out []int64) {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

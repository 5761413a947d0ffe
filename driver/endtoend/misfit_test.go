package endtoend_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

const misfitConfig = head + `metastore: {sql: same}
guards: warn
tables:
  HERE.people:
    columns:
      name: {type: varchar(20), search: {equality: {collation: binary}}}
      note: {type: text}
      age: {type: integer}
`

// peoplePair makes the table of misfitConfig on both sides, with one row.
func peoplePair(t *testing.T, f flavour) *pair {
	t.Helper()
	p := f.open(t, misfitConfig)
	initialise(t, p)
	p.both(t, "CREATE TABLE people (id integer PRIMARY KEY, name varchar(20), note text, age integer, clear varchar(20))")
	p.both(t, "CREATE TABLE other (id integer PRIMARY KEY, clear varchar(20))")
	p.both(t, "INSERT INTO people (id, name, note, age, clear) VALUES (1, 'Anna', 'n', 40, 'c')")
	return p
}

// TestNullsWithATypeAreStored: a NULL under a cast, wherever it stands in a query or
// a form, is stored as the plain database stores it, or refused; the server never
// takes it for a text beside what is stored.
func TestNullsWithATypeAreStored(t *testing.T) {
	p := peoplePair(t, postgresFlavour())
	nulls := []string{"NULL::varchar(3)", "CAST(NULL AS text)", "NULL::text::varchar", "CAST(NULL::varchar AS varchar(3))"}
	forms := []string{
		"%s", "(SELECT %s)", "(SELECT (SELECT %s))", "COALESCE(%s, %[1]s)", "COALESCE((SELECT %s), 'x')", "CASE WHEN id = 1 THEN %s END",
		"CASE WHEN id = 1 THEN %s ELSE 'y' END", "CASE WHEN id = 1 THEN (SELECT %s) ELSE note END", "NULLIF(%s, 'z')",
		"(SELECT v.x FROM (VALUES (%s)) v (x))", "(SELECT v.x FROM (SELECT %s AS x) v)", "(SELECT %s UNION ALL SELECT %[1]s LIMIT 1)", "(SELECT %s WHERE false)",
	}
	statements := []string{
		"UPDATE people SET %[2]s = %[1]s WHERE id = 1",
		"UPDATE people SET (%[2]s, clear) = (SELECT %[1]s, 'd') WHERE id = 1",
		"INSERT INTO people (id, %[2]s) SELECT 2, %[1]s FROM people",
		"INSERT INTO people (id, %[2]s) VALUES (2, %[1]s)",
		"UPDATE people SET %[2]s = v.x FROM (VALUES (1, %[1]s)) v (i, x) WHERE people.id = v.i",
		"WITH w AS (SELECT %[1]s AS x) UPDATE people SET %[2]s = w.x FROM w WHERE people.id = 1",
	}
	ran, shown := 0, "SELECT string_agg(concat_ws('/', id, %s IS NULL), ',' ORDER BY id) FROM people"
	for _, column := range []string{"note", "name"} {
		for _, st := range statements {
			for _, f := range forms {
				for _, null := range nulls {
					query := fmt.Sprintf(st, fmt.Sprintf(f, null), column)
					var want, got sql.NullString
					plain := inside(t, p.plain, query, fmt.Sprintf(shown, column), &want)
					sealed := inside(t, p.sealed, query, fmt.Sprintf(shown, column), &got)
					switch {
					case errors.Is(sealed, sealsql.ErrRefused):
						continue
					case plain == nil && sealed == nil && want == got:
						ran++
					case plain == nil || sealed == nil:
						t.Errorf("%s: plain %v (%s), sealed %v (%s)", query, plain, want.String, sealed, got.String)
					}
				}
			}
		}
	}
	if ran < 100 {
		t.Errorf("only %d statements ran", ran)
	}
}

// inside runs a statement and a question about its outcome, and takes them back.
func inside(t *testing.T, db *sql.DB, query, after string, to any) error {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(query); err != nil {
		return err
	}
	return tx.QueryRow(after).Scan(to)
}

// TestQueriesOfAnotherWidthAreRefused: the server would refuse a query with more
// columns than its place takes, and log the values in it.
func TestQueriesOfAnotherWidthAreRefused(t *testing.T) {
	refused := []string{
		"UPDATE people SET clear = (SELECT 'a', 'SECRET') WHERE id = 1",
		"SELECT id FROM people WHERE id = (SELECT 1, 'SECRET')",
		"SELECT id FROM people WHERE id IN (SELECT 1, 'SECRET')",
		"SELECT id FROM people WHERE (id, clear) IN (SELECT 1, 'c', 'SECRET')",
		"SELECT id FROM people WHERE (id, clear) = (SELECT 1, 'c', 'SECRET')",
		"SELECT id FROM people WHERE name = (SELECT 'SECRET', 1)",
		"SELECT id, (SELECT 1, 'SECRET') FROM people",
		"SELECT COALESCE((SELECT 'SECRET', 1), 'x') FROM people",
		"SELECT CASE WHEN id = 1 THEN (SELECT 'SECRET', 1) END FROM people",
		"SELECT id FROM people ORDER BY (SELECT 1, 'SECRET')",
		"SELECT upper((SELECT 'SECRET', clear FROM other)) FROM people",
		"SELECT id FROM other WHERE id = (SELECT p.id, 'SECRET' FROM people p)",
		"SELECT clear FROM other UNION ALL SELECT clear, 'SECRET' FROM people",
		"SELECT clear, 'SECRET' FROM other UNION SELECT clear FROM people",
		"INSERT INTO people (id, clear) VALUES ((SELECT 2, 'SECRET'), 'a')",
		"DELETE FROM people WHERE id = (SELECT 7, 'SECRET')",
	}
	run := []string{
		"SELECT id FROM people WHERE (id, clear) = (SELECT 1, 'c')",
		"SELECT id FROM people WHERE (id, clear) IN (SELECT 1, 'c')",
		"SELECT id FROM people WHERE EXISTS (SELECT 1, 'c')",
		"SELECT id FROM people WHERE id = (SELECT max(o.id) FROM other o) OR id = (SELECT 1)",
		"SELECT id FROM people WHERE (SELECT o.clear FROM other o LIMIT 1) IS NULL",
	}
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		t.Run(f.name, func(t *testing.T) {
			p := peoplePair(t, f)
			more, rows := refused, run
			if f.name != "sqlite" {
				more = append(more[:len(more):len(more)], "SELECT id FROM people WHERE id = ANY (SELECT 1, 'SECRET')")
			}
			if f.name == "postgres" {
				more = append(more, "UPDATE people SET (id, clear) = (SELECT 1, 'c', 'SECRET')", "SELECT ARRAY(SELECT 'SECRET', 1) FROM people", "SELECT id FROM people WHERE (SELECT 1, 'SECRET') = (SELECT 1, 'c')")
			} else {
				rows = append(rows[:len(rows):len(rows)], "SELECT id FROM people WHERE (SELECT 1, 'c') = (id, clear)", "SELECT id FROM people WHERE (SELECT 1, 'c') IN (SELECT 1, 'c')")
			}
			for _, query := range more {
				var u *rewrite.UnsupportedError
				if _, err := p.plain.Exec(query); err == nil {
					t.Errorf("%s: runs on the plain database", query)
				}
				if _, err := p.sealed.Exec(query); !errors.As(err, &u) || strings.Contains(err.Error(), "SECRET") {
					t.Errorf("%s: %v", query, err)
				}
			}
			for _, query := range rows {
				var plain, sealed int
				if err := p.plain.QueryRow(query).Scan(&plain); err != nil {
					t.Fatalf("%s: %v", query, err)
				}
				if err := p.sealed.QueryRow(query).Scan(&sealed); err != nil || sealed != plain {
					t.Errorf("%s: %d, %v; plainly %d", query, sealed, err, plain)
				}
			}
			// Where nothing annotated is meant, the error is the server's.
			if _, err := p.sealed.Exec("SELECT id FROM other WHERE id = (SELECT 1, 2)"); err == nil || errors.Is(err, sealsql.ErrRefused) {
				t.Errorf("over clear tables: %v", err)
			}
		})
	}
}

package endtoend_test

import (
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

const (
	rowOne = "6f96a1c0-0000-4000-8000-00000000000a"
	rowTwo = "6f96a1c0-0000-4000-8000-00000000000b"
)

// boundConfig binds v of notes to its row; w is taken out.
func boundConfig(typ string) string {
	return head + `metastore: {sql: same}
tables:
  ` + here + `notes:
    bind_row: {column: id, type: ` + typ + `}
    columns:
      v: encrypted
      w: {bind_row: false}
`
}

// rows is a database whose notes are bound to their rows.
type rows struct {
	*keptPair
	t *testing.T
}

func openRows(t *testing.T, f flavour, typ string) *rows {
	t.Helper()
	key := map[string]string{"uuid": "char(36)", "bigint": "bigint"}[typ]
	if f.name == "postgres" && typ == "uuid" {
		key = "uuid"
	}
	k := openKeptWith(t, f, boundConfig(typ), "CREATE TABLE notes (id "+key+" PRIMARY KEY, v text, w text, title text)")
	return &rows{k, t}
}

// marked replaces each ? by the engine's placeholder.
func (r *rows) marked(query string) string {
	for n := 1; strings.Contains(query, "?") && r.mark(1) != "?"; n++ {
		query = strings.Replace(query, "?", r.mark(n), 1)
	}
	return query
}

func (r *rows) exec(db *sql.DB, query string, args ...any) {
	r.t.Helper()
	if _, err := db.Exec(r.marked(query), args...); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
}

// values reads one text column.
func (r *rows) values(query string, args ...any) (all []string, err error) {
	rs, err := r.sealed.Query(r.marked(query), args...)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	for rs.Next() {
		var v sql.NullString
		if err := rs.Scan(&v); err != nil {
			return nil, err
		}
		all = append(all, v.String)
	}
	return all, rs.Err()
}

func (r *rows) opens(want string, query string, args ...any) {
	r.t.Helper()
	if got, err := r.values(query, args...); err != nil || strings.Join(got, ",") != want {
		r.t.Errorf("%s: %q, %v; want %q", query, got, err, want)
	}
}

func (r *rows) tampered(query string, args ...any) {
	r.t.Helper()
	if got, err := r.values(query, args...); !errors.Is(err, sealsql.ErrTampered) {
		r.t.Errorf("%s: %q, %v; want ErrTampered", query, got, err)
	}
}

func (r *rows) refused(why rewrite.Reason, query string, args ...any) {
	r.t.Helper()
	_, err := r.sealed.Exec(r.marked(query), args...)
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) || u.Reason != why || u.Hint == "" {
		r.t.Errorf("%s: %v; want %s with a hint", query, err, why)
	}
}

func TestBoundValuesOpenInTheirRow(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		r := openRows(t, f, "uuid")
		insert := "INSERT INTO notes (id, v, w, title) VALUES (?, ?, ?, ?)"
		r.exec(r.sealed, insert, rowOne, "one", "w1", "a")
		r.exec(r.sealed, insert, strings.ToUpper(rowTwo), "two", "w2", "b") // another form of the key
		r.exec(r.sealed, "INSERT INTO notes (id, v, title) VALUES ('6f96a1c0-0000-4000-8000-00000000000c', 'three', 'c')")
		r.opens("one,two,three", "SELECT v FROM notes ORDER BY title")
		r.opens("one", "SELECT v FROM notes WHERE id = ?", rowOne)
		r.opens("two", "SELECT v FROM notes WHERE title = ?", "b")
		r.opens("one", "SELECT v FROM (SELECT v, title FROM notes) x WHERE title = 'a'")
		r.opens("two,one", "SELECT v FROM notes WHERE title = 'b' UNION ALL SELECT v FROM notes WHERE title = 'a'")
		r.opens("", "SELECT v FROM notes WHERE id = ?", nil)
		if r.mark(1) != "?" { // one argument for two rows
			if _, err := r.sealed.Exec("INSERT INTO notes (id, v, title) VALUES ($1, $3, 'x'), ($2, $3, 'x')",
				"6f96a1c0-0000-4000-8000-00000000000d", "6f96a1c0-0000-4000-8000-00000000000e", "same"); err != nil {
				t.Fatal(err)
			}
			r.opens("same,same", "SELECT v FROM notes WHERE title = 'x'")
			r.exec(r.sealed, "DELETE FROM notes WHERE title = 'x'")
		}
		// Texts that differ in their literals share a plan.
		for i, key := range []string{"1", "2", "3"} {
			id := "6f96a1c0-0000-4000-8000-00000000010" + key
			r.exec(r.sealed, "INSERT INTO notes (id, v, title) VALUES ('"+id+"', 'literal "+key+"', 'l')")
			r.opens("literal "+key, "SELECT v FROM notes WHERE id = '"+id+"'")
			r.exec(r.sealed, "UPDATE notes SET v = 'again "+key+"' WHERE id = '"+id+"'")
			r.opens(strings.Join([]string{"again 1", "again 2", "again 3"}[:i+1], ","), "SELECT v FROM notes WHERE title = 'l' ORDER BY id")
		}
		r.exec(r.sealed, "DELETE FROM notes WHERE title = 'l'")
		r.exec(r.sealed, "UPDATE notes SET v = ?, w = ? WHERE id = ?", "uno", "w3", rowOne)
		r.exec(r.sealed, "UPDATE notes SET v = NULL WHERE title = ?", "c")
		r.opens("uno,two,", "SELECT v FROM notes ORDER BY title")
		r.opens("w3,w2,", "SELECT w FROM notes ORDER BY title")

		var id, v, w, title string
		if err := r.sealed.QueryRow("SELECT * FROM notes WHERE title = 'b'").Scan(&id, &v, &w, &title); err != nil || v != "two" || w != "w2" || !strings.EqualFold(id, rowTwo) {
			t.Errorf("%q %q %q, %v", id, v, w, err)
		}
		st, err := r.sealed.Prepare(r.marked("SELECT v FROM notes WHERE title = ?"))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		for title, want := range map[string]string{"a": "uno", "b": "two"} {
			if err := st.QueryRow(title).Scan(&v); err != nil || v != want {
				t.Errorf("prepared: %q, %v", v, err)
			}
		}
	})
}

// What a writer of the database could do before: exchange two values, copy one,
// give a row another key.
func TestSwappedRowsAreTampered(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		for _, typ := range []string{"uuid", "bigint"} {
			r := openRows(t, f, typ)
			one, two, other := any(rowOne), any(rowTwo), any("6f96a1c0-0000-4000-8000-00000000000c")
			if typ == "bigint" {
				one, two, other = 7, 8, 9
			}
			insert := "INSERT INTO notes (id, v, w, title) VALUES (?, ?, ?, ?)"
			r.exec(r.sealed, insert, one, "one", "w1", "a")
			r.exec(r.sealed, insert, two, "two", "w2", "b")
			r.opens("one,two", "SELECT v FROM notes ORDER BY title")
			swap := func(column string) {
				t.Helper()
				var a, b []byte
				for title, dst := range map[string]*[]byte{"a": &a, "b": &b} {
					if err := r.raw.QueryRow(r.marked("SELECT "+column+" FROM notes WHERE title = ?"), title).Scan(dst); err != nil {
						t.Fatal(err)
					}
				}
				r.exec(r.raw, "UPDATE notes SET "+column+" = ? WHERE title = 'a'", b)
				r.exec(r.raw, "UPDATE notes SET "+column+" = ? WHERE title = 'b'", a)
			}
			swap("v")
			r.tampered("SELECT v FROM notes ORDER BY title")
			r.tampered("SELECT v FROM notes WHERE id = ?", one)
			r.tampered("SELECT v FROM notes WHERE title = 'b'")
			swap("v")
			r.opens("one,two", "SELECT v FROM notes ORDER BY title")

			swap("w") // not bound: nobody notices, as documented
			r.opens("w2,w1", "SELECT w FROM notes ORDER BY title")

			r.exec(r.raw, "UPDATE notes SET id = ? WHERE title = 'a'", other)
			r.tampered("SELECT v FROM notes WHERE title = 'a'")
			r.tampered("SELECT v FROM notes WHERE id = ?", other)
			r.opens("two", "SELECT v FROM notes WHERE title = 'b'")
		}
	})
}

// A record that is not bound, from before or from elsewhere, does not stand in
// for a bound one unless the configuration reads such.
func TestUnboundRecordsDoNotLowerTheBinding(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		r := openRows(t, f, "uuid")
		bound := strings.ReplaceAll(boundConfig("uuid"), here, r.database())
		write := func(text string) *sql.DB {
			t.Helper()
			if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return r.reopen(t)
		}
		before := write(strings.Replace(bound, "v: encrypted", "v: {bind_row: false}", 1))
		r.exec(before, "INSERT INTO notes (id, v, title) VALUES (?, ?, ?)", rowOne, "old", "a")
		r.tampered("SELECT v FROM notes")

		r.sealed = write(strings.Replace(bound, "v: encrypted", "v: {read: [unbound]}", 1))
		r.opens("old", "SELECT v FROM notes")
		r.exec(r.sealed, "UPDATE notes SET v = ? WHERE id = ?", "new", rowOne)
		r.sealed = write(bound)
		r.opens("new", "SELECT v FROM notes")
	})
}

func TestStatementsThatDoNotTellTheRowAreRefused(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		r := openRows(t, f, "bigint")
		r.exec(r.sealed, "INSERT INTO notes (id, v, title) VALUES (?, ?, ?)", 1, canary, "a")
		r.refused(rewrite.ReasonRow, "INSERT INTO notes (v, title) VALUES (?, ?)", canary, "b")
		r.refused(rewrite.ReasonRow, "INSERT INTO notes (id, v) VALUES (1 + 1, ?)", canary)
		r.refused(rewrite.ReasonRow, "UPDATE notes SET v = ? WHERE title = ?", canary, "a")
		r.refused(rewrite.ReasonRow, "UPDATE notes SET v = ?", canary)
		r.refused(rewrite.ReasonRowWrite, "UPDATE notes SET id = ? WHERE id = ?", 2, 1)
		for _, null := range []any{nil, "", "x"} {
			_, err := r.sealed.Exec(r.marked("INSERT INTO notes (id, v) VALUES (?, ?)"), null, canary)
			var ce *sealsql.ColumnError
			if !errors.As(err, &ce) || ce.Op != "row" || strings.Contains(err.Error(), canary) {
				t.Errorf("a key of %v: %v", null, err)
			}
		}
		r.opens(canary, "SELECT v FROM notes")
		// What the engine rounds is bound to what it rounds to, or not written.
		if _, err := r.sealed.Exec(r.marked("INSERT INTO notes (id, v) VALUES (?, ?)"), 2.5, canary); err == nil {
			r.opens(canary+","+canary, "SELECT v FROM notes")
		}
	})
}

// A key that the database makes cannot be bound to: the table is not fit.
func TestGeneratedKeysAreASetupError(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		key := map[string]string{
			"postgres": "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
			"sqlite": "bigint GENERATED ALWAYS AS (1)",
		}[f.name]
		k := openKeptWith(t, f, boundConfig("bigint"), "CREATE TABLE other (id int)")
		if _, err := k.raw.Exec("CREATE TABLE notes (id " + key + ", v " + map[string]string{"postgres": "bytea", "mysql": "blob", "sqlite": "blob"}[f.name] + ", w " + map[string]string{"postgres": "bytea", "mysql": "blob", "sqlite": "blob"}[f.name] + ")"); err != nil {
			t.Fatal(err)
		}
		db := k.reopen(t)
		if err := db.Ping(); !errors.Is(err, sealsql.ErrSetup) || !strings.Contains(err.Error(), "UUID") {
			t.Errorf("Ping: %v", err)
		}
	})
}

package drivertest_test

import (
	"fmt"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// TestReportsShowLogicalTypes asks a table how it is made, as migrators do.
func TestReportsShowLogicalTypes(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, []engine{onSQLite, onMySQL}, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.twins(t)
			forms := []string{"DESCRIBE users", "SHOW FULL COLUMNS FROM users", "EXPLAIN users"}
			text := "text"
			if e.dialect == rewrite.SQLite {
				text = "TEXT" // as it spells the types that it knows
				forms = []string{"PRAGMA table_info(users)", "PRAGMA main.table_xinfo('users')"}
			}
			for _, q := range forms {
				for _, times := range []int{0, 2} {
					a, err := ask(x.w.db, q, times, nil)
					if err != nil {
						t.Fatalf("%s: %v", q, err)
					}
					got := typesOf(a)
					want := map[string]string{"ssn": text, "email": text, "born": "date", "points": "bigint"}
					for name, typ := range want {
						if got[name] != typ {
							t.Errorf("%s: %s is %q, want %q", q, name, got[name], typ)
						}
					}
					if got["note"] == "" || got["note"] == "text" && e.dialect == rewrite.MySQL {
						t.Errorf("%s: the clear column is %q", q, got["note"])
					}
				}
			}
		})
	}
}

// typesOf reads name and type of every column out of a report.
func typesOf(a *answer) map[string]string {
	at := func(labels ...string) int {
		for i, c := range a.columns {
			for _, l := range labels {
				if c == l {
					return i
				}
			}
		}
		return -1
	}
	name, kind := at("Field", "name"), at("Type", "type")
	out := map[string]string{}
	for _, row := range a.rows {
		out[fmt.Sprintf("%s", row[name])] = fmt.Sprintf("%s", row[kind])
	}
	return out
}

// TestInvisibleColumns compares "*" and INSERTs without column list with what
// the server itself makes of them.
func TestInvisibleColumns(t *testing.T) {
	t.Parallel()
	w := onMySQL.open(t, usersConfig, "CREATE TABLE users (id INTEGER PRIMARY KEY, ssn {BIN}, email {BIN} INVISIBLE, hush {TEXT} INVISIBLE, note {TEXT})")
	w.exec("INSERT INTO users VALUES (1, {M}, 'n')")
	w.exec("INSERT INTO users () VALUES (2, ?, 'n')", w.mark)
	w.exec("INSERT INTO users (id, email, hush) VALUES (3, {M}, 'h')")
	rows, err := rowsOf(w.db.Query("SELECT * FROM users ORDER BY id"))
	w.must(err)
	w.equal(rows, [][]any{{int64(1), w.mark, "n"}, {int64(2), w.mark, "n"}, {int64(3), nil, nil}})
	rows, err = rowsOf(w.db.Query("SELECT *, email FROM users WHERE id = 3"))
	w.must(err)
	w.equal(rows, [][]any{{int64(3), nil, nil, w.mark}})
	w.refused("INSERT INTO users VALUES (4, {M}, 'e', 'h', 'n')", rewrite.ReasonAmbiguous)
	w.refused("SELECT id FROM users WHERE email = {M}", rewrite.ReasonPredicate)
	w.silent("at the end")
}

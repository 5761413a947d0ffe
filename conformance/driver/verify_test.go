package drivertest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const verifyConfig = head + `tables:
  members:
    verify: {V}
    columns:
      mail: {search: {equality: {collation: binary}}}
      age: {type: bigint, search: {range: default}}
      pay: {type: bigint, search: {range: {order: revealing}}, accept_leakage: order}
      nick: {search: {equality: {collation: binary}}, verify: never}
`

func (e engine) members(t *testing.T, verify string) *world {
	w := e.open(t, strings.ReplaceAll(verifyConfig, "{V}", verify))
	w.exec("CREATE TABLE members (id {INT} PRIMARY KEY, mail {TEXT}, age BIGINT, pay BIGINT, nick {TEXT})")
	for i, mail := range []any{"a@example.com", "b@example.com", "c@example.com", nil, "d@example.com"} {
		w.exec("INSERT INTO members VALUES (?, ?, ?, ?, ?)", i+1, mail, 20+10*i, 1000*i, mail)
	}
	return w
}

// unguarded takes the CHECK constraints away that keep value and index together.
func (w *world) unguarded() {
	if w.dialect == rewrite.SQLite {
		w.plain.SetMaxOpenConns(1)
		w.other("PRAGMA ignore_check_constraints = ON")
		return
	}
	for _, c := range []string{"mail_bidx", "age_rng", "pay_rng", "nick_bidx"} {
		w.other("ALTER TABLE members DROP CONSTRAINT sealsql_guard_members_" + c)
	}
}

// TestIndexCellsThatAreNotThoseOfTheirValuesAreFound changes index cells as
// somebody could who writes to the database, and searches by them.
func TestIndexCellsThatAreNotThoseOfTheirValuesAreFound(t *testing.T) {
	t.Parallel()
	swap := func(w *world, col string, a, b string) {
		w.other("CREATE TABLE cells AS SELECT id, " + col + " AS cell FROM members")
		w.other("UPDATE members SET " + col + " = (SELECT cell FROM cells WHERE id = " + b + ") WHERE id = " + a)
		w.other("UPDATE members SET " + col + " = (SELECT cell FROM cells WHERE id = " + a + ") WHERE id = " + b)
	}
	cases := []struct {
		name   string
		change func(w *world)
		text   string
		args   []any
	}{
		{"swapped", func(w *world) { swap(w, "mail_bidx", "1", "2") }, "SELECT id FROM members WHERE mail = ?", []any{"a@example.com"}},
		{"swapped, the value is shown", func(w *world) { swap(w, "mail_bidx", "1", "2") }, "SELECT * FROM members WHERE mail = ?", []any{"a@example.com"}},
		{"swapped, joined", func(w *world) { swap(w, "mail_bidx", "1", "2") }, "SELECT o.id FROM members m JOIN members o ON o.id = m.id + 1 WHERE m.mail = ?", []any{"a@example.com"}},
		{"stale", func(w *world) {
			w.other("UPDATE members SET mail = (SELECT mail FROM (SELECT mail FROM members WHERE id = 5) d) WHERE id = 1")
		}, "SELECT id, abs(id) AS n FROM members WHERE mail = ?", []any{"a@example.com"}},
		{"index is NULL", func(w *world) { w.other("UPDATE members SET mail_bidx = NULL WHERE id = 3") }, "SELECT id FROM members WHERE mail = ? OR id = 3", []any{"a@example.com"}},
		{"value is NULL", func(w *world) { w.other("UPDATE members SET mail = NULL WHERE id = 3") }, "SELECT id FROM members WHERE mail = ?", []any{"c@example.com"}},
		{"hidden range", func(w *world) { swap(w, "age_rng", "1", "5") }, "SELECT id FROM members WHERE age < ?", []any{30}},
		{"revealing range", func(w *world) { swap(w, "pay_rng", "1", "5") }, "SELECT id FROM members WHERE pay >= ? ORDER BY pay", []any{4000}},
	}
	for _, e := range testenv.Sample(t, all, 1) {
		for _, c := range cases {
			t.Run(e.name+"/"+c.name, func(t *testing.T) {
				w := e.members(t, "always")
				for prepared := range 2 {
					a, err := ask(w.db, w.bind(c.text), prepared, c.args)
					w.must(err)
					if len(a.rows) == 0 {
						t.Fatal("the search finds nothing")
					}
				}
				w.unguarded()
				c.change(w)
				for prepared := range 2 {
					if _, err := ask(w.db, w.bind(c.text), prepared, c.args); !errors.Is(err, sealsql.ErrTampered) {
						t.Errorf("prepared %d: %v", prepared, err)
					}
				}
			})
		}
	}
}

// TestMismatchesAreReportedOrNotLookedFor shows the other words of verify.
func TestMismatchesAreReportedOrNotLookedFor(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		for word, want := range map[string]uint64{"report": 1, "never": 0} {
			t.Run(e.name+"/"+word, func(t *testing.T) {
				w := e.members(t, word)
				w.other("UPDATE members SET mail = (SELECT mail FROM (SELECT mail FROM members WHERE id = 5) d) WHERE id = 1")
				w.holds("SELECT id FROM members WHERE mail = 'a@example.com'", [][]any{{int64(1)}})
				w.holds("SELECT id FROM members WHERE nick = 'b@example.com'", [][]any{{int64(2)}})
				stats, err := sealdriver.Stats(t.Context(), w.db)
				w.must(err)
				if got := stats.Rows.IndexMismatches; got < want || want == 0 && got != 0 {
					t.Errorf("%d mismatches were counted", got)
				}
			})
		}
	}
}

// TestAMismatchNamesColumnAndRow shows what the error says, and that it does not
// say the value.
func TestAMismatchNamesColumnAndRow(t *testing.T) {
	t.Parallel()
	w := all[0].members(t, "always")
	w.unguarded()
	w.other("UPDATE members SET mail_bidx = NULL WHERE id = 3")
	rows, err := w.db.Query("SELECT id FROM members WHERE mail = 'a@example.com' OR id = 3 ORDER BY id")
	w.must(err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	var m *sealsql.IndexMismatchError
	if err := rows.Err(); n != 1 || !errors.As(err, &m) || m.Column != "members.mail" || m.Row != 2 || strings.Contains(err.Error(), "example") {
		t.Errorf("after %d rows: %v", n, err)
	}
}

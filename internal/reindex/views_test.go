package reindex_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// The column of an index is not dropped under a view that shows it: on MySQL and
// SQLite every statement on the view would fail afterwards.
func TestAnIndexThatAViewShowsIsNotDropped(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		db := w.open(oldUsers)
		w.exec(db, "CREATE TABLE users (id integer PRIMARY KEY, email varchar(100))")
		w.exec(db, "INSERT INTO users (id, email) VALUES (?, ?)", 1, "a@example.org")
		w.exec(db, "CREATE VIEW contacts AS SELECT id, email FROM users")
		if got := w.ids(db, "SELECT id FROM contacts WHERE email = ?", "a@example.org"); got != "1" {
			w.Fatalf("the view finds %q", got)
		}
		m := w.mover(droppingUsers, "")
		err := m.Finish(bg)
		if err == nil || m.Front.Dialect() != rewrite.Postgres && !strings.Contains(err.Error(), "contacts shows the column") {
			w.Fatalf("dropped under a view: %v", err)
		}
		if got := w.ids(w.plain(), "SELECT id FROM contacts"); got != "1" {
			w.Errorf("the view has %q", got)
		}
		db = w.open(plainUsers)
		if m.Front.Dialect() == rewrite.MySQL {
			w.exec(db, "ALTER VIEW contacts AS SELECT id, email FROM users")
		} else {
			w.exec(w.plain(), "DROP VIEW contacts")
			w.exec(db, "CREATE VIEW contacts AS SELECT id, email FROM users")
		}
		if err := m.Finish(bg); err != nil {
			w.Fatalf("not dropped at last: %v", err)
		}
		if got := w.ids(w.plain(), "SELECT id FROM contacts"); got != "1" {
			w.Errorf("the view has %q at last", got)
		}
	})
}

package reindex_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/internal/reindex"
)

// staff is a table with an index of every kind, each moved where next is set.
func staff(next bool) string {
	mv := func(definition string) string {
		if next {
			return ", next: {" + definition + "}"
		}
		return ""
	}
	return `  staff:
    partition: {column: tenant, type: integer}
    bind_row: {column: id, type: integer}
    columns:
      mail: {type: varchar(50), search: {equality: {collation: binary, unique: exact, scope: partition` + mv("column: mail2, collation: ci, unique: exact, scope: partition, version: 2") + `}}}
      name: {type: varchar(50), search: {prefix: {collation: ci, lengths: [3]` + mv("column: name_p2, collation: ci, lengths: [2, 4], version: 2") + `}, suffix: {collation: ci, lengths: [3]` + mv("column: name_s2, collation: ci, lengths: [2]") + `}}}
      bio: {type: varchar(200), search: {contains: {collation: ci` + mv("column: bio_c2, collation: ci, length: 4, version: 3") + `}}}
      age: {type: smallint, search: {range: {order: hidden` + mv("column: age_r2, order: revealing, version: 2") + `}}, accept_leakage: order}
`
}

func TestIndexesOfEveryKindAreMoved(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		old := w.open(staff(false))
		w.exec(old, "CREATE TABLE staff (id integer PRIMARY KEY, tenant integer NOT NULL, mail varchar(50) UNIQUE, name varchar(50), bio varchar(200), age smallint)")
		insert := func(db *sql.DB, id int) {
			w.Helper()
			w.exec(db, "INSERT INTO staff (id, tenant, mail, name, bio, age) VALUES (?, ?, ?, ?, ?, ?)", id, id%3,
				fmt.Sprintf("m%d@x", id/3), fmt.Sprintf("Nom%d", id), fmt.Sprintf("likes the number %d very much", 1000+id), id%60)
		}
		for id := range 45 {
			insert(old, id)
		}
		w.exec(old, "INSERT INTO staff (id, tenant) VALUES (99, 0)")
		questions := []struct{ query, want string }{
			{"SELECT id FROM staff WHERE tenant = 1 AND mail = 'm4@x'", "13"},
			{"SELECT id FROM staff WHERE tenant = 2 AND name LIKE 'Nom20%' ORDER BY id", "20"},
			{"SELECT id FROM staff WHERE tenant = 2 AND name LIKE '%m20' ORDER BY id", "20"},
			{"SELECT id FROM staff WHERE tenant = 0 AND bio LIKE '%number 1021%' ORDER BY id", "21"},
			{"SELECT id FROM staff WHERE tenant = 0 AND age BETWEEN 10 AND 20 ORDER BY id", "12 15 18"},
		}
		next := w.open(staff(true))
		ask := func(what string, dbs ...*sql.DB) {
			w.Helper()
			for _, db := range dbs {
				for _, q := range questions {
					if got := w.ids(db, q.query); got != q.want {
						w.Errorf("%s: %s: got %q, want %q", what, q.query, got, q.want)
					}
				}
			}
		}
		ask("before", old, next)
		for i, mv := range parse(w, staff(true)).Catalog.Moves() {
			m := w.mover(staff(true), mv.From.Column().String()+"."+mv.Kind)
			if err := m.Fill(bg); err != nil {
				w.Fatal(mv.Kind, err)
			}
			w.rest(400 * time.Millisecond)
			insert(next, 300+i)
			if err := m.CutOver(bg); err != nil {
				w.Fatal(mv.Kind, err)
			}
			w.rest(400 * time.Millisecond)
			insert(next, 400+i)
			w.exec(next, "UPDATE staff SET age = age WHERE id = 1 AND tenant = 1")
			w.exec(next, "UPDATE staff SET mail = ?, name = ?, bio = ?, age = ? WHERE id = ? AND tenant = ?", "m4@x", "Nom13", "likes the number 1013 very much", 13, 13, 1)
			ask(mv.Kind+" is live", next, w.open(staff(true)))
			if err := m.Finish(bg); err != nil {
				w.Fatal(mv.Kind, err)
			}
			m.Close()
			m.DB.Close()
		}
		ask("finished", next, w.open(staff(true)))
		if w.name != "postgres" {
			tokens := "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'sealsql_tokens_%'"
			if w.name == "mysql" {
				tokens = "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_name LIKE 'sealsql_tokens_%'"
			}
			if got := w.ids(w.plain(), tokens); got != "sealsql_tokens_staff_bio_c2" {
				w.Errorf("tables of tokens: %q", got)
			}
		}
		if got := w.ids(next, "SELECT id FROM staff WHERE tenant = 1 AND mail = 'M4@X'"); got != "13" {
			w.Errorf("without case: got %q", got)
		}
		if got := w.ids(next, "SELECT id FROM staff WHERE tenant = 1 AND name LIKE 'No%' ORDER BY age DESC, id LIMIT 2"); len(strings.Fields(got)) != 2 {
			w.Errorf("sorted: got %q", got)
		}
	})
}

const (
	oldPair = `  a: {columns: {m: {type: varchar(50), search: {equality: {collation: binary, group: mail}}}}}
  b: {columns: {m: {type: varchar(50), search: {equality: {collation: binary, group: mail}}}}}
`
	nextPair = `  a: {columns: {m: {type: varchar(50), search: {equality: {collation: binary, group: mail, next: {column: m2, collation: binary, version: 2}}}}}}
  b: {columns: {m: {type: varchar(50), search: {equality: {collation: binary, group: mail, next: {column: m2, collation: binary, version: 2}}}}}}
`
)

// Of a group that is joined nobody searches the next index before all of it is
// live.
func TestAGroupChangesOverTogether(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		old := w.open(oldPair)
		for _, table := range []string{"a", "b"} {
			w.exec(old, "CREATE TABLE "+table+" (id integer PRIMARY KEY, m varchar(50))")
			for i := range 5 {
				w.exec(old, "INSERT INTO "+table+" (id, m) VALUES (?, ?)", i, fmt.Sprintf("m%d", i))
			}
		}
		db := w.open(nextPair)
		const join = "SELECT a.id FROM a JOIN b ON a.m = b.m ORDER BY a.id"
		ask := func(what string) {
			w.Helper()
			w.rest(400 * time.Millisecond)
			for _, db := range []*sql.DB{db, w.open(nextPair)} {
				if got := w.ids(db, join); got != "0 1 2 3 4" {
					w.Errorf("%s: got %q", what, got)
				}
			}
		}
		var movers []*reindex.Mover
		for _, mv := range parse(w, nextPair).Catalog.Moves() {
			movers = append(movers, w.mover(nextPair, mv.From.Column().String()+"."+mv.Kind))
		}
		if err := errors.Join(movers[0].Fill(bg), movers[0].CutOver(bg)); err != nil {
			w.Fatal(err)
		}
		ask("one is live")
		if err := movers[0].Finish(bg); !errors.Is(err, reindex.ErrNotYet) {
			w.Errorf("finished alone: %v", err)
		}
		if err := errors.Join(movers[1].Fill(bg), movers[1].CutOver(bg)); err != nil {
			w.Fatal(err)
		}
		ask("both are live")
		for _, m := range movers {
			if err := m.Finish(bg); err != nil {
				w.Fatal(err)
			}
			ask("one more is finished")
		}
	})
}

// A partition that a program without the move has made has no secret of the new
// version: that is an error, until reindex has made it.
func TestAPartitionMadeMeanwhileGetsItsSecretFromReindexOnly(t *testing.T) {
	w := onSQLite(t)
	const (
		before = "  notes: {partition: {context: true}, columns: {tag: {type: text, search: {equality: {collation: binary}}}}}\n"
		next   = "  notes: {partition: {context: true}, columns: {tag: {type: text, search: {equality: {collation: binary, next: {column: tag2, collation: binary, version: 2}}}}}}\n"
	)
	old, db := w.open(strings.Replace(before, "{context: true}", "context", 1)), w.open(strings.Replace(next, "{context: true}", "context", 1))
	w.exec(old, "CREATE TABLE notes (id integer PRIMARY KEY, tag text)")
	put := func(db *sql.DB, id int, tenant string) error {
		_, err := db.ExecContext(sealsql.WithPartition(bg, tenant), "INSERT INTO notes (id, tag) VALUES (?, 'x')", id)
		return err
	}
	if err := put(old, 1, "acme"); err != nil {
		t.Fatal(err)
	}
	m := w.mover(strings.Replace(next, "{context: true}", "context", 1), "")
	if err := m.Fill(bg); err != nil {
		t.Fatal(err)
	}
	if m.State().Step != indexmove.Filling {
		t.Fatal(m.State())
	}
	if err := put(db, 2, "acme"); err != nil {
		t.Error(err)
	}
	if err := put(db, 3, "new"); err != nil {
		t.Errorf("a partition that a program with the move makes: %v", err)
	}
	if err := put(old, 4, "other"); err != nil {
		t.Fatal(err)
	}
	if err := put(db, 5, "other"); !errors.Is(err, envelope.ErrIndexKey) || !strings.Contains(err.Error(), "sealsql reindex") {
		t.Errorf("got %v", err)
	}
	if err := m.Fill(bg); err != nil {
		t.Fatal(err)
	}
	time.Sleep(6 * time.Second) // an absent key is not asked for again at once
	if err := put(db, 5, "other"); err != nil {
		t.Error(err)
	}
	if err := m.CutOver(bg); err != nil {
		t.Fatal(err)
	}
	w.rest(400 * time.Millisecond)
	for tenant, want := range map[string]int{"acme": 2, "new": 1, "other": 2} {
		n := 0
		if err := db.QueryRowContext(sealsql.WithPartition(bg, tenant), "SELECT count(*) FROM notes WHERE tag = 'x'").Scan(&n); err != nil || n != want {
			t.Errorf("%s: got %d, %v", tenant, n, err)
		}
	}
}

// Values whose keys were destroyed have no index that could be computed: they get
// one that no search finds, so that the move ends and the guard holds.
func TestRowsOfADestroyedPartitionDoNotStopAMove(t *testing.T) {
	w := onSQLite(t)
	old := w.open(staff(false))
	w.exec(old, "CREATE TABLE staff (id integer PRIMARY KEY, tenant integer NOT NULL, mail varchar(50) UNIQUE, name varchar(50), bio varchar(200), age smallint)")
	for id := range 6 {
		w.exec(old, "INSERT INTO staff (id, tenant, mail, name, bio, age) VALUES (?, ?, 'm', 'Nom', 'a text of some length', 5)", 10*id, id)
		w.exec(old, "INSERT INTO staff (id, tenant, mail) VALUES (?, ?, ?)", 10*id+1, id, fmt.Sprintf("m%d", id))
	}
	first := w.mover(staff(true), "staff.mail.equality")
	p, err := envelope.PartitionID("2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Keys.BeginShred(bg, p); err != nil {
		t.Fatal(err)
	}
	for _, mv := range parse(w, staff(true)).Catalog.Moves() {
		m := w.mover(staff(true), mv.From.Column().String()+"."+mv.Kind)
		if err := errors.Join(m.Fill(bg), m.CutOver(bg), m.Finish(bg)); err != nil {
			t.Fatal(mv.Kind, err)
		}
		m.Close()
		m.DB.Close()
	}
	db := w.open(staff(true))
	for tenant := range 6 {
		if tenant == 2 {
			continue
		}
		if got := w.ids(db, fmt.Sprintf("SELECT id FROM staff WHERE tenant = %d AND mail = 'M'", tenant)); got != fmt.Sprint(10*tenant) {
			t.Errorf("tenant %d: got %q", tenant, got)
		}
	}
	var n int
	if err := w.plain().QueryRow("SELECT count(*) FROM staff WHERE tenant = 2 AND mail2 IS NOT NULL AND bio_c2 IS NOT NULL").Scan(&n); err != nil || n != 1 {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := db.Exec("UPDATE staff SET mail = 'x' WHERE tenant = 2 AND id = 20"); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("got %v", err)
	}
}

// A partition that a program without the move makes while a pass runs gets its
// secret in that pass.
func TestAPartitionThatIsMadeWhileAPassRunsDoesNotStopIt(t *testing.T) {
	const (
		before = "  notes: {partition: {column: tenant, type: integer}, columns: {tag: {type: text, search: {equality: {collation: binary, scope: partition}}}}}\n"
		next   = "  notes: {partition: {column: tenant, type: integer}, columns: {tag: {type: text, search: {equality: {collation: binary, scope: partition, next: {column: tag2, collation: binary, scope: partition, version: 2}}}}}}\n"
	)
	w := onSQLite(t)
	old := w.open(before)
	w.exec(old, "CREATE TABLE notes (id integer PRIMARY KEY, tenant integer NOT NULL, tag text)")
	insert := func(id, tenant int) {
		w.exec(old, "INSERT INTO notes (id, tenant, tag) VALUES (?, ?, 'x')", id, tenant)
	}
	for id := range 25 {
		insert(id, 0)
	}
	m := w.mover(next, "")
	tenant := 0
	m.Stop = func(at string) error {
		if at == "in a pass" {
			tenant++
			insert(1000+tenant, tenant)
		}
		return nil
	}
	if err := m.Fill(bg); err != nil {
		t.Fatal(err)
	}
	if tenant == 0 {
		t.Fatal("no partition was made")
	}
	m.Stop = nil
	if err := m.CutOver(bg); err != nil {
		t.Fatal(err)
	}
	db := w.open(next)
	for n := 1; n <= tenant; n++ {
		if got := w.ids(db, "SELECT id FROM notes WHERE tenant = ? AND tag = 'x'", n); got != fmt.Sprint(1000+n) {
			t.Errorf("tenant %d: got %q", n, got)
		}
	}
}

package reindex_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/internal/reindex"
)

const (
	oldUsers  = "  users: {columns: {email: {type: varchar(100), search: {equality: {collation: binary, unique: exact}}}}}\n"
	nextUsers = "  users: {columns: {email: {type: varchar(100), search: {equality: {collation: binary, unique: exact, next: {column: email2, collation: binary, unique: exact, bits: 256, version: 2}}}}}}\n"
	newUsers  = "  users: {columns: {email: {type: varchar(100), search: {equality: {collation: binary, unique: exact, column: email2, bits: 256, version: 2}}}}}\n"
)

// writer is a program that writes rows of its own, and remembers them.
type writer struct {
	w     *world
	db    *sql.DB
	first int
	rows  map[int]string
	next  int
	stale bool // on the old configuration: the server may refuse it
	ended error
	pace
}

// pace is how far a program that runs beside the test has come.
type pace struct {
	steps atomic.Int64
	over  atomic.Bool
}

// did reports whether it has made n steps, or ended.
func (p *pace) did(n int64) bool { return p.over.Load() || p.steps.Load() >= n }

func (p *writer) run(stop <-chan struct{}) {
	defer p.over.Store(true)
	for {
		select {
		case <-stop:
			return
		default:
		}
		if err := p.step(); err != nil {
			p.ended = err
			return
		}
		p.steps.Add(1)
	}
}

func (p *writer) step() error {
	id := p.first + rand.IntN(40)
	mail := fmt.Sprintf("p%d-%d@example.org", p.first, p.next)
	p.next++
	switch {
	case p.rows[id] == "":
		if _, err := p.db.Exec(p.w.bind("INSERT INTO users (id, email) VALUES (?, ?)"), id, mail); err != nil {
			return err
		}
		p.rows[id] = mail
	case rand.IntN(5) == 0:
		if _, err := p.db.Exec(p.w.bind("DELETE FROM users WHERE id = ?"), id); err != nil {
			return err
		}
		delete(p.rows, id)
	default:
		if _, err := p.db.Exec(p.w.bind("UPDATE users SET email = ? WHERE id = ?"), mail, id); err != nil {
			return err
		}
		p.rows[id] = mail
	}
	if mail = p.rows[id]; mail == "" {
		return nil
	}
	var found int
	err := p.db.QueryRow(p.w.bind("SELECT id FROM users WHERE email = ?"), mail).Scan(&found)
	if err == nil && found != id || errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("row %d is not found by its value: %v, %d", id, err, found)
	}
	return err
}

// Programs on the old and on the new configuration write and search all the
// time. No row is lost, and what cannot go on fails.
func TestNothingIsLostWhileAnIndexIsMoved(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		before := w.open(oldUsers)
		w.exec(before, "CREATE TABLE users (id integer PRIMARY KEY, email "+w.text()+" UNIQUE)")
		for i := range 150 {
			w.exec(before, "INSERT INTO users (id, email) VALUES (?, ?)", i, fmt.Sprintf("u%d@example.org", i))
		}
		w.exec(before, "INSERT INTO users (id, email) VALUES (?, ?)", 500, nil)

		stop := make(chan struct{})
		var running sync.WaitGroup
		writers := []*writer{
			{w: w, db: before, first: 1000, stale: true},
			{w: w, db: w.open(nextUsers), first: 2000},
			{w: w, db: w.open(nextUsers), first: 3000},
		}
		for _, p := range writers {
			p.rows = map[int]string{}
			running.Go(func() { p.run(stop) })
		}
		end := sync.OnceFunc(func() { close(stop); running.Wait() })
		defer end()
		for _, p := range writers {
			w.until("rows are written", func() bool { return p.did(20) })
		}

		m := w.mover(nextUsers, "")
		m.CatalogAge = 200 * time.Millisecond
		if err := m.Fill(bg); err != nil {
			w.Fatal(err)
		}
		if err := m.CutOver(bg); err != nil {
			w.Fatal(err)
		}
		if got := m.State().Step; got != indexmove.Live {
			w.Fatalf("got %s", got)
		}
		w.until("the program on the old configuration ends", writers[0].over.Load)
		for _, p := range writers[1:] {
			n := p.steps.Load() + 20
			w.until("rows are written by the new index", func() bool { return p.did(n) })
		}
		end()
		for _, p := range writers {
			switch {
			case p.stale && (p.ended == nil || !errors.Is(p.ended, sealsql.ErrPlaintextBlocked) && !errors.Is(p.ended, sealsql.ErrSetup) || !strings.Contains(p.ended.Error(), "next:")):
				w.Errorf("the program on the old configuration ended with %v", p.ended)
			case !p.stale && p.ended != nil:
				w.Errorf("a program on the new configuration failed: %v", p.ended)
			}
		}
		live := w.open(nextUsers)
		found := func(db *sql.DB) {
			w.Helper()
			for i := range 150 {
				if got := w.ids(db, "SELECT id FROM users WHERE email = ?", fmt.Sprintf("u%d@example.org", i)); got != fmt.Sprint(i) {
					w.Errorf("row %d: got %q", i, got)
				}
			}
			for _, p := range writers {
				for id, mail := range p.rows {
					if got := w.ids(db, "SELECT id FROM users WHERE email = ?", mail); got != fmt.Sprint(id) {
						w.Errorf("row %d of a writer: got %q", id, got)
					}
				}
			}
			if got := w.ids(db, "SELECT id FROM users WHERE email IS NULL"); got != "500" {
				w.Errorf("NULL: got %q", got)
			}
			if _, err := db.Exec(w.bind("INSERT INTO users (id, email) VALUES (?, ?)"), 9000, "u7@example.org"); err == nil {
				w.Error("a duplicate was accepted")
			}
		}
		found(live)
		if _, err := before.Exec(w.bind("UPDATE users SET email = ? WHERE id = ?"), "stale@example.org", 1); err == nil {
			w.Error("a stale update was accepted")
		}
		if err := m.Finish(bg); err != nil {
			w.Fatal(err)
		}
		found(live)
		found(w.open(newUsers))
		rows, err := w.open(newUsers).Query("SELECT * FROM users WHERE id = 3")
		if err != nil {
			w.Fatal(err)
		}
		defer rows.Close()
		if cols, _ := rows.Columns(); len(cols) != 2 {
			w.Errorf("* shows %v", cols)
		}
	})
}

// A move that was stopped anywhere goes on with the next run.
func TestAMoveThatIsStoppedAnywhereGoesOn(t *testing.T) {
	places := []string{
		"before announced", "after announced", "before filling", "after filling", "in a chunk", "in a pass", "with the guard", "before guarded", "after guarded",
		"before verified", "after verified", "before live", "after live", "before finished", "after finished", "in a rebuild",
	}
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		old := w.open(oldUsers)
		w.exec(old, "CREATE TABLE users (id integer PRIMARY KEY, email "+w.text()+" UNIQUE)")
		for i := range 50 {
			w.exec(old, "INSERT INTO users (id, email) VALUES (?, ?)", i, fmt.Sprintf("u%d@example.org", i))
		}
		stopped := errors.New("stopped")
		for _, place := range places {
			m := w.mover(nextUsers, "")
			m.Stop = func(at string) error {
				if at == place {
					return stopped
				}
				return nil
			}
			err := m.Fill(bg)
			if err == nil {
				err = m.CutOver(bg)
			}
			if err == nil || strings.Contains(err.Error(), "finished") {
				err = m.Finish(bg)
			}
			if !errors.Is(err, stopped) && (place != "in a rebuild" || w.name == "sqlite") {
				w.Errorf("%s: got %v", place, err)
			}
			m.Close()
			m.DB.Close()
		}
		m := w.mover(nextUsers, "")
		if err := m.Finish(bg); err != nil {
			w.Fatal(err)
		}
		db := w.open(newUsers)
		for i := range 50 {
			if got := w.ids(db, "SELECT id FROM users WHERE email = ?", fmt.Sprintf("u%d@example.org", i)); got != fmt.Sprint(i) {
				w.Errorf("row %d: got %q", i, got)
			}
		}
	})
}

// Under the next normalisers two values are equal: the keys of their rows are
// reported, and the move stays where it was.
func TestValuesThatBecomeEqualStopTheMove(t *testing.T) {
	next := "  users: {columns: {email: {type: varchar(100), search: {equality: {collation: binary, unique: exact, next: {column: email2, collation: ci, unique: exact}}}}}}\n"
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		db := w.open(oldUsers)
		w.exec(db, "CREATE TABLE users (id integer PRIMARY KEY, email "+w.text()+" UNIQUE)")
		for i, mail := range []string{"a@example.org", "b@example.org", "A@example.org", "c@example.org"} {
			w.exec(db, "INSERT INTO users (id, email) VALUES (?, ?)", i, mail)
		}
		m := w.mover(next, "")
		if err := m.Fill(bg); err != nil {
			w.Fatal(err)
		}
		err := m.CutOver(bg)
		var d *reindex.Duplicates
		if !errors.As(err, &d) || strings.Join(d.Keys, " ") != "(0) (2)" || strings.Contains(err.Error(), "example") {
			w.Fatalf("got %v", err)
		}
		if got := m.State().Step; got != indexmove.Filling {
			w.Fatalf("got %s", got)
		}
		w.exec(w.open(next), "DELETE FROM users WHERE id = 2")
		if err := m.CutOver(bg); err != nil {
			w.Fatal(err)
		}
		if got := w.ids(w.open(next), "SELECT id FROM users WHERE email = ?", "A@EXAMPLE.org"); got != "0" {
			w.Errorf("got %q", got)
		}
	})
}

// keyTable opens the key table.
func (w *world) keyTable() (*sql.DB, string) {
	name := w.front.QuoteIdent(parse(w, "").Metastore.Table)
	if w.name != "sqlite" {
		return w.plain(), name
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(w.dsn, "file:"), "?")
	db := must(sql.Open("sqlite", path+".keys"))(w)
	w.Cleanup(func() { db.Close() })
	return db, name
}

// Whoever writes to the key table can take steps of a move away, and secrets.
// Nothing falls back silently.
func TestAStateThatWasTamperedWithIsAnError(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		old := w.open(oldUsers)
		w.exec(old, "CREATE TABLE users (id integer PRIMARY KEY, email "+w.text()+" UNIQUE)")
		w.exec(old, "INSERT INTO users (id, email) VALUES (?, ?)", 1, "a@example.org")
		m := w.mover(nextUsers, "")
		if err := errors.Join(m.Fill(bg), m.CutOver(bg)); err != nil {
			w.Fatal(err)
		}
		keys, table := w.keyTable()
		const find = "SELECT id FROM users WHERE email = ?"
		fails := func(db *sql.DB, what string) {
			w.Helper()
			var id int
			deadline := time.Now().Add(time.Minute)
			for {
				err := db.QueryRow(w.bind(find), "a@example.org").Scan(&id)
				if err != nil && errors.Is(err, envelope.ErrIndexKey) && !strings.Contains(err.Error(), "a@example") {
					return
				}
				if time.Now().After(deadline) {
					w.Errorf("%s: got %v", what, err)
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
		running := w.open(nextUsers)
		if got := w.ids(running, find, "a@example.org"); got != "1" {
			w.Fatalf("got %q", got)
		}
		type row struct {
			id, created, record any
		}
		var rows []row
		list, err := keys.Query("SELECT id, created, key_record FROM " + table + " WHERE id LIKE 'ss1/xn/%' ORDER BY created")
		if err != nil {
			w.Fatal(err)
		}
		for list.Next() {
			var r row
			if err := list.Scan(&r.id, &r.created, &r.record); err != nil {
				w.Fatal(err)
			}
			rows = append(rows, r)
		}
		list.Close()
		if len(rows) < 5 {
			w.Fatalf("%d rows", len(rows))
		}
		newest := rows[len(rows)-1]
		put := func(r row) {
			w.exec(keys, "INSERT INTO "+table+" (id, created, key_record) VALUES (?, ?, ?)", r.id, r.created, r.record)
		}
		w.exec(keys, "DELETE FROM "+table+" WHERE id = ? AND created = ?", newest.id, newest.created)
		fails(running, "the newest step taken away")
		put(row{newest.id, newest.created, rows[0].record})
		fails(w.open(nextUsers), "another step's content")
		fails(running, "another step's content")
		w.exec(keys, "DELETE FROM "+table+" WHERE id LIKE 'ss1/xn/%'")
		fails(w.open(nextUsers), "every step taken away")
		fails(running, "every step taken away")
		for _, r := range rows {
			put(r)
		}
		w.rest(300 * time.Millisecond)
		for _, db := range []*sql.DB{running, w.open(nextUsers)} {
			if got := w.ids(db, find, "a@example.org"); got != "1" {
				w.Errorf("put back: got %q", got)
			}
		}
		w.exec(keys, "DELETE FROM "+table+" WHERE id LIKE 'ss1/xk/%' AND created = (SELECT created FROM (SELECT max(created) AS created FROM "+table+" WHERE id LIKE 'ss1/xk/%') t)")
		fails(w.open(nextUsers), "the new secret taken away")
	})
}

// Before it is live a move can be given up: nothing remains in the table.
func TestAMoveIsGivenUp(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		old := w.open(oldUsers)
		w.exec(old, "CREATE TABLE users (id integer PRIMARY KEY, email "+w.text()+" UNIQUE)")
		w.exec(old, "INSERT INTO users (id, email) VALUES (?, ?)", 1, "a@example.org")
		m := w.mover(nextUsers, "")
		m.Stop = func(at string) error {
			if at == "before verified" {
				return errors.New("stopped")
			}
			return nil
		}
		if err := m.Fill(bg); err != nil {
			w.Fatal(err)
		}
		if err := m.CutOver(bg); err == nil {
			w.Fatal("not stopped")
		}
		db := w.open(nextUsers)
		w.exec(db, "UPDATE users SET email = ? WHERE id = 1", "b@example.org")
		m.Stop = nil
		m.Follow = time.Hour
		if err := m.Abort(bg); !errors.Is(err, reindex.ErrNotYet) {
			w.Fatalf("got %v", err)
		}
		w.rest(300 * time.Millisecond)
		w.exec(db, "UPDATE users SET email = ? WHERE id = 1", "c@example.org")
		m.Follow = 0
		if err := m.Abort(bg); err != nil {
			w.Fatal(err)
		}
		for _, db := range []*sql.DB{w.open(oldUsers), w.open(nextUsers)} {
			w.exec(db, "UPDATE users SET email = ? WHERE id = 1", "d@example.org")
			if got := w.ids(db, "SELECT id FROM users WHERE email = ?", "d@example.org"); got != "1" {
				w.Errorf("got %q", got)
			}
			rows, err := db.Query("SELECT * FROM users")
			if err != nil {
				w.Fatal(err)
			}
			if cols, _ := rows.Columns(); len(cols) != 2 {
				w.Errorf("* shows %v", cols)
			}
			rows.Close()
		}
		if err := errors.Join(m.Fill(bg), m.CutOver(bg)); err != nil {
			w.Fatalf("made again: %v", err)
		}
		if got := w.ids(w.open(nextUsers), "SELECT id FROM users WHERE email = ?", "d@example.org"); got != "1" {
			w.Errorf("made again: got %q", got)
		}
	})
}

// Where the making of the unique key was broken off, PostgreSQL has an index that
// keeps nothing unique: it is made again.
func TestAUniqueKeyThatWasNotMadeToItsEndIsMadeAgain(t *testing.T) {
	w := onPostgres(t)
	if err := w.init(); err != nil {
		t.Fatal(err)
	}
	old := w.open(oldUsers)
	w.exec(old, "CREATE TABLE users (id integer PRIMARY KEY, email text UNIQUE)")
	for i := range 5 {
		w.exec(old, "INSERT INTO users (id, email) VALUES (?, ?)", i, fmt.Sprintf("u%d@example.org", i))
	}
	m := w.mover(nextUsers, "")
	if err := m.Fill(bg); err != nil {
		t.Fatal(err)
	}
	// Two rows with one index have it fail, as a process that is killed does.
	plain := w.plain()
	w.exec(plain, "UPDATE users SET email2 = (SELECT email2 FROM users WHERE id = 1) WHERE id = 2")
	if _, err := plain.Exec("CREATE UNIQUE INDEX CONCURRENTLY sealsql_index_users_email2_key ON users (email2)"); err == nil {
		t.Fatal("the key was made")
	}
	// Fill repairs the row, whose index is not that of its value.
	if err := w.mover(nextUsers, "").CutOver(bg); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := plain.QueryRow("SELECT count(*) FROM pg_index WHERE indexrelid = 'sealsql_index_users_email2_key'::regclass AND indisvalid AND indisunique").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d valid keys, %v", n, err)
	}
	w.rest(400 * time.Millisecond)
	if _, err := w.open(nextUsers).Exec("INSERT INTO users (id, email) VALUES (9, 'u1@example.org')"); err == nil {
		t.Error("a duplicate was accepted")
	}
}

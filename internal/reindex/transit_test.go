package reindex_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/internal/reindex"
	"github.com/sealsql/sealsql/rewrite"
)

const (
	plainUsers    = "  users: {columns: {email: {type: varchar(100)}}}\n"
	addingUsers   = "  users: {columns: {email: {type: varchar(100), search: {equality: {collation: binary, unique: exact, state: adding}}}}}\n"
	droppingUsers = "  users: {columns: {email: {type: varchar(100), search: {equality: {collation: binary, unique: exact, state: dropping}}}}}\n"
)

// blindWriter is a program that writes rows of its own and cannot search them.
type blindWriter struct {
	w     *world
	db    *sql.DB
	first int
	rows  map[int]string
	ended error
	pace
}

func (p *blindWriter) run(stop <-chan struct{}) {
	defer p.over.Store(true)
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		id, mail := p.first+rand.IntN(40), fmt.Sprintf("p%d-%d@example.org", p.first, n)
		query := "UPDATE users SET email = ? WHERE id = ?"
		args := []any{mail, id}
		if p.rows[id] == "" {
			query = "INSERT INTO users (email, id) VALUES (?, ?)"
		}
		if _, err := p.db.Exec(p.w.bind(query), args...); err != nil {
			p.ended = err
			return
		}
		p.rows[id] = mail
		p.steps.Add(1)
	}
}

// refusedSearch reports that a program does not search by the column yet.
func refusedSearch(err error) bool {
	var u *rewrite.UnsupportedError
	return errors.As(err, &u) && u.Reason == rewrite.ReasonPredicate
}

// A column that holds rows gets its first index while programs write: those that
// know of it and those that do not. Nobody searches it before every row has it.
func TestTheFirstIndexIsAddedToStoredRows(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		before := w.open(plainUsers)
		w.exec(before, "CREATE TABLE users (id integer PRIMARY KEY, email varchar(100))")
		for i := range 150 {
			w.exec(before, "INSERT INTO users (id, email) VALUES (?, ?)", i, fmt.Sprintf("u%d@example.org", i))
		}
		w.exec(before, "INSERT INTO users (id, email) VALUES (?, ?)", 500, nil)
		stop := make(chan struct{})
		var running sync.WaitGroup
		writers := []*blindWriter{{w: w, db: before, first: 1000}, {w: w, db: w.open(addingUsers), first: 2000}, {w: w, db: w.open(addingUsers), first: 3000}}
		for _, p := range writers {
			p.rows = map[int]string{}
			running.Go(func() { p.run(stop) })
		}
		end := sync.OnceFunc(func() { close(stop); running.Wait() })
		defer end()
		for _, p := range writers {
			w.until("rows are written", func() bool { return p.did(20) })
		}
		const find = "SELECT id FROM users WHERE email = ?"
		var id int
		watching := w.open(addingUsers)
		notYet := func(what string) {
			w.Helper()
			if err := watching.QueryRow(w.bind(find), "u7@example.org").Scan(&id); !refusedSearch(err) {
				w.Errorf("%s: searched already: %v", what, err)
			}
		}
		notYet("not begun")
		m := w.mover(addingUsers, "")
		m.CatalogAge = 200 * time.Millisecond
		if err := m.Fill(bg); err != nil {
			w.Fatal(err)
		}
		notYet("filled")
		if err := w.open(oldUsers).QueryRow(w.bind(find), "u7@example.org").Scan(&id); !errors.Is(err, sealsql.ErrSetup) || !strings.Contains(err.Error(), "state: adding") {
			w.Errorf("a program that would search it already: %v", err)
		}
		if err := m.CutOver(bg); err != nil {
			w.Fatal(err)
		}
		w.until("the program without the index ends", writers[0].over.Load)
		w.rest(1300 * time.Millisecond)
		end()
		for i, p := range writers {
			switch stale := i == 0; {
			case stale && (p.ended == nil || !errors.Is(p.ended, sealsql.ErrPlaintextBlocked) && !errors.Is(p.ended, sealsql.ErrSetup)):
				w.Errorf("the program without the index ended with %v", p.ended)
			case !stale && p.ended != nil:
				w.Errorf("a program that has the index failed: %v", p.ended)
			}
		}
		found := func(what string, db *sql.DB) {
			w.Helper()
			for i := range 150 {
				if got := w.ids(db, find, fmt.Sprintf("u%d@example.org", i)); got != fmt.Sprint(i) {
					w.Errorf("%s: row %d: got %q", what, i, got)
				}
			}
			for _, p := range writers {
				for id, mail := range p.rows {
					if got := w.ids(db, find, mail); got != fmt.Sprint(id) {
						w.Errorf("%s: row %d of a writer: got %q", what, id, got)
					}
				}
			}
			if got := w.ids(db, "SELECT id FROM users WHERE email IS NULL"); got != "500" {
				w.Errorf("%s: NULL: got %q", what, got)
			}
			if _, err := db.Exec(w.bind("INSERT INTO users (id, email) VALUES (?, ?)"), 9000, "u7@example.org"); err == nil {
				w.Errorf("%s: a duplicate was accepted", what)
			}
		}
		found("a program that watched", watching)
		found("a program with state", w.open(addingUsers))
		found("a program without state", w.open(oldUsers))
		if _, err := before.Exec(w.bind("UPDATE users SET email = ? WHERE id = ?"), "stale@example.org", 1); err == nil {
			w.Error("a stale update was accepted")
		}
		if err := errors.Join(m.Finish(bg), m.CutOver(bg)); err != nil {
			w.Errorf("run once more: %v", err)
		}
		m.Close()
		m.DB.Close()
		w.dropped()
	})
}

// A program that reads the catalog after the column was made, and looked for
// states before the move was announced, looks again and goes on.
func TestAColumnThatIsNewerThanTheKnownStateIsNotAlarming(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		w.exec(w.open(plainUsers), "CREATE TABLE users (id integer PRIMARY KEY, email varchar(100))")
		cfg := parse(w, addingUsers)
		cfg.MaxAge, cfg.Policy.RevokeCheck, cfg.Policy.MaxStale = time.Hour, time.Hour, time.Hour
		db := sql.OpenDB(must(w.wrap(cfg))(w))
		w.Cleanup(func() { db.Close() })
		w.exec(db, "INSERT INTO users (id, email) VALUES (?, ?)", 1, "u1@example.org")
		m := w.mover(addingUsers, "")
		if err := m.Fill(bg); err != nil {
			w.Fatal(err)
		}
		w.exec(db, "CREATE TABLE other (id integer)") // the catalog is read again
		w.exec(db, "INSERT INTO users (id, email) VALUES (?, ?)", 2, "u2@example.org")
		m.Close()
		m.DB.Close()
	})
}

// dropped drops the index of users again while programs write.
func (w *world) dropped() {
	w.Helper()
	const find = "SELECT id FROM users WHERE email = ?"
	searching, db := w.open(oldUsers), w.open(droppingUsers)
	if got := w.ids(searching, find, "u7@example.org"); got != "7" {
		w.Fatalf("got %q", got)
	}
	var id int
	if err := db.QueryRow(w.bind(find), "u7@example.org").Scan(&id); !refusedSearch(err) {
		w.Errorf("searched still: %v", err)
	}
	w.exec(db, "UPDATE users SET email = ? WHERE id = 7", "v7@example.org")
	if got := w.ids(searching, find, "v7@example.org"); got != "7" {
		w.Errorf("what a program that drops it writes is not found: %q", got)
	}
	m := w.mover(droppingUsers, "")
	m.Stop = func(at string) error {
		if at == "after guarded" {
			return errors.New("stopped")
		}
		return nil
	}
	if err := m.Finish(bg); err == nil {
		w.Fatal("not stopped")
	}
	deadline := time.Now().Add(time.Minute)
	for {
		err := searching.QueryRow(w.bind(find), "v7@example.org").Scan(&id)
		if errors.Is(err, sealsql.ErrSetup) && strings.Contains(err.Error(), "state: dropping") {
			break
		}
		if time.Now().After(deadline) {
			w.Fatalf("a program that searches the index goes on: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.exec(db, "UPDATE users SET email = ? WHERE id = 7", "w7@example.org")
	m.Stop, m.Follow = nil, time.Hour
	if err := m.Finish(bg); !errors.Is(err, reindex.ErrNotYet) {
		w.Fatalf("got %v", err)
	}
	w.rest(1300 * time.Millisecond)
	w.exec(db, "UPDATE users SET email = ? WHERE id = 7", "x7@example.org")
	w.exec(db, "INSERT INTO users (id, email) VALUES (?, ?)", 9100, "y@example.org")
	m.Follow = 0
	if err := m.Finish(bg); err != nil {
		w.Fatal(err)
	}
	for _, db := range []*sql.DB{db, w.open(plainUsers), w.open(droppingUsers)} {
		w.exec(db, "UPDATE users SET email = ? WHERE id = 8", "z8@example.org")
		rows, err := db.Query("SELECT * FROM users WHERE id = 7")
		if err != nil {
			w.Fatal(err)
		}
		if cols, _ := rows.Columns(); len(cols) != 2 {
			w.Errorf("* shows %v", cols)
		}
		rows.Close()
	}
	if err := w.open(oldUsers).QueryRow(w.bind(find), "x7@example.org").Scan(&id); err == nil {
		w.Error("a program searches an index that is gone")
	}
	// And back: nobody believes that it is live.
	again := w.mover(addingUsers, "")
	if err := w.open(addingUsers).QueryRow(w.bind(find), "x7@example.org").Scan(&id); !refusedSearch(err) {
		w.Errorf("searched before it is there: %v", err)
	}
	if err := errors.Join(again.Fill(bg), again.CutOver(bg)); err != nil {
		w.Fatal(err)
	}
	if got := w.ids(w.open(addingUsers), find, "x7@example.org"); got != "7" {
		w.Errorf("added again: got %q", got)
	}
}

// Dropping is given up until programs stop writing the index, adding until they
// search it.
func TestAddingAndDroppingAreGivenUp(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		db := w.open(plainUsers)
		w.exec(db, "CREATE TABLE users (id integer PRIMARY KEY, email varchar(100))")
		w.exec(db, "INSERT INTO users (id, email) VALUES (?, ?)", 1, "a@example.org")
		m := w.mover(addingUsers, "")
		if err := m.Fill(bg); err != nil {
			w.Fatal(err)
		}
		if err := m.Abort(bg); err != nil {
			w.Fatal(err)
		}
		for _, db := range []*sql.DB{db, w.open(plainUsers), w.open(addingUsers)} {
			w.exec(db, "UPDATE users SET email = ? WHERE id = 1", "b@example.org")
		}
		if err := errors.Join(m.Fill(bg), m.CutOver(bg)); err != nil {
			w.Fatalf("added after all: %v", err)
		}
		d := w.mover(droppingUsers, "")
		d.Stop = func(at string) error {
			if at == "after guarded" {
				return errors.New("stopped")
			}
			return nil
		}
		if err := d.Finish(bg); err == nil {
			w.Fatal("not stopped")
		}
		if err := d.Abort(bg); err != nil {
			w.Fatal(err)
		}
		for _, db := range []*sql.DB{w.open(oldUsers), w.open(addingUsers)} {
			if got := w.ids(db, "SELECT id FROM users WHERE email = ?", "b@example.org"); got != "1" {
				w.Errorf("kept: got %q", got)
			}
		}
	})
}

// A column is filled from where it was stopped, and a record that was tampered
// with stops it with the key of its row.
func TestAddingGoesOnAfterItWasStoppedAnywhere(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		old := w.open(plainUsers)
		w.exec(old, "CREATE TABLE users (id integer PRIMARY KEY, email varchar(100))")
		for i := range 50 {
			w.exec(old, "INSERT INTO users (id, email) VALUES (?, ?)", i, fmt.Sprintf("u%d@example.org", i))
		}
		plain := w.plain()
		w.exec(plain, "CREATE TABLE kept AS SELECT id, email FROM users WHERE id IN (3, 4)")
		w.exec(plain, "UPDATE users SET email = (SELECT email FROM kept WHERE kept.id = 4) WHERE id = 3")
		w.exec(plain, "UPDATE users SET email = "+map[string]string{"mysql": "CONCAT(LEFT(email, 60), 'xxxxxxxxxxxxxxxxxxxxxxx')", "postgres": `substring(email FROM 1 FOR 60) || '\x78787878787878787878787878787878787878'::bytea`, "sqlite": "CAST(substr(email, 1, 60) || x'78787878787878787878787878787878787878' AS blob)"}[w.name]+" WHERE id = 3")
		m := w.mover(addingUsers, "")
		err := m.Fill(bg)
		if !errors.Is(err, sealsql.ErrTampered) || !strings.Contains(err.Error(), "row (3)") {
			w.Fatalf("a record that was tampered with: %v", err)
		}
		m.Close()
		m.DB.Close()
		w.exec(plain, "UPDATE users SET email = (SELECT email FROM kept WHERE kept.id = 3) WHERE id = 3")
		stopped := errors.New("stopped")
		for _, place := range []string{"in a chunk", "in a pass", "with the guard", "before guarded", "after guarded", "before verified", "before live", "after live"} {
			m := w.mover(addingUsers, "")
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
			if !errors.Is(err, stopped) {
				w.Errorf("%s: got %v", place, err)
			}
			m.Close()
			m.DB.Close()
		}
		last := w.mover(addingUsers, "")
		if err := last.CutOver(bg); err != nil || last.State().Step != indexmove.Live {
			w.Fatal(err, last.State())
		}
		for _, db := range []*sql.DB{w.open(addingUsers), w.open(oldUsers)} {
			for i := range 50 {
				if got := w.ids(db, "SELECT id FROM users WHERE email = ?", fmt.Sprintf("u%d@example.org", i)); got != fmt.Sprint(i) {
					w.Errorf("row %d: got %q", i, got)
				}
			}
		}
	})
}

// Equal values stop a unique index that is added, with the keys of their rows.
func TestEqualValuesStopAUniqueIndexThatIsAdded(t *testing.T) {
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		db := w.open(plainUsers)
		w.exec(db, "CREATE TABLE users (id integer PRIMARY KEY, email varchar(100))")
		for i, mail := range []string{"a@example.org", "b@example.org", "a@example.org"} {
			w.exec(db, "INSERT INTO users (id, email) VALUES (?, ?)", i, mail)
		}
		m := w.mover(addingUsers, "")
		if err := m.Fill(bg); err != nil {
			w.Fatal(err)
		}
		err := m.CutOver(bg)
		var d *reindex.Duplicates
		if !errors.As(err, &d) || strings.Join(d.Keys, " ") != "(0) (2)" || strings.Contains(err.Error(), "example") {
			w.Fatalf("got %v", err)
		}
		w.exec(w.open(addingUsers), "DELETE FROM users WHERE id = 2")
		if err := m.CutOver(bg); err != nil {
			w.Fatal(err)
		}
	})
}

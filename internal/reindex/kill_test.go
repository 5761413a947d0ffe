package reindex_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The variables by which the process that is killed knows what to do.
const (
	killEngine = "SEALSQL_TEST_KILL_ENGINE"
	killDSN    = "SEALSQL_TEST_KILL_DSN"
	killAt     = "SEALSQL_TEST_KILL_AT"
	killTables = "SEALSQL_TEST_KILL_TABLES"
)

// mover moves an index in a process of its own, which kills itself.
func moverThatIsKilled(t *testing.T) {
	m := at[os.Getenv(killEngine)](t, os.Getenv(killDSN)).mover(os.Getenv(killTables), "")
	m.Stop = func(at string) error {
		if at != os.Getenv(killAt) {
			return nil
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		return errors.Join(err, errors.New("still here"))
	}
	err := m.Fill(bg)
	if err == nil {
		err = m.CutOver(bg)
	}
	if err == nil || strings.Contains(err.Error(), "finished") || m.Move.To == nil {
		err = m.Finish(bg)
	}
	t.Logf("moved: %v", err)
}

// A process that is killed in the middle of a step leaves what the next one goes
// on with, and nobody else is held up.
func TestAMoverThatIsKilledIsTakenOver(t *testing.T) {
	if os.Getenv(killDSN) != "" {
		moverThatIsKilled(t)
		return
	}
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		old := w.open(oldUsers)
		w.exec(old, "CREATE TABLE users (id integer PRIMARY KEY, email "+w.text()+" UNIQUE)")
		for i := range 45 {
			w.exec(old, "INSERT INTO users (id, email) VALUES (?, ?)", i, fmt.Sprintf("u%d@example.org", i))
		}
		old.Close()
		places := []string{"after announced", "in a chunk", "in a pass", "with the guard", "before guarded", "before live", "before finished"}
		if w.name == "sqlite" {
			places = append(places, "in a rebuild")
		}
		for i, place := range places {
			cmd := exec.Command(os.Args[0], "-test.run", "^TestAMoverThatIsKilledIsTakenOver$", "-test.v")
			cmd.Env = append(os.Environ(), killEngine+"="+w.name, killDSN+"="+w.dsn, killAt+"="+place, killTables+"="+nextUsers)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Success() || strings.Contains(string(out), "moved:") {
				w.Errorf("%s: the process was not killed: %v\n%s", place, err, out)
			}
			db := w.open(nextUsers)
			w.exec(db, "UPDATE users SET email = ? WHERE id = ?", fmt.Sprintf("k%d@example.org", i), i)
			if got := w.ids(db, "SELECT id FROM users WHERE email = ?", fmt.Sprintf("k%d@example.org", i)); got != fmt.Sprint(i) {
				w.Errorf("%s: got %q", place, got)
			}
			db.Close()
		}
		m := w.mover(nextUsers, "")
		if err := m.Finish(bg); err != nil {
			w.Fatal(err)
		}
		db := w.open(newUsers)
		for i := range 45 {
			mail := fmt.Sprintf("u%d@example.org", i)
			if i < len(places) {
				mail = fmt.Sprintf("k%d@example.org", i)
			}
			if got := w.ids(db, "SELECT id FROM users WHERE email = ?", mail); got != fmt.Sprint(i) {
				w.Errorf("row %d: got %q", i, got)
			}
		}
	})
}

// The same of an index that is added to stored rows, and of one that is dropped.
func TestAnAdderThatIsKilledIsTakenOver(t *testing.T) {
	if os.Getenv(killDSN) != "" {
		moverThatIsKilled(t)
		return
	}
	everywhere(t, func(w *world) {
		if err := w.init(); err != nil {
			w.Fatal(err)
		}
		old := w.open(plainUsers)
		w.exec(old, "CREATE TABLE users (id integer PRIMARY KEY, email varchar(100))")
		for i := range 45 {
			w.exec(old, "INSERT INTO users (id, email) VALUES (?, ?)", i, fmt.Sprintf("u%d@example.org", i))
		}
		old.Close()
		killed := func(tables, place string) {
			w.Helper()
			cmd := exec.Command(os.Args[0], "-test.run", "^TestAnAdderThatIsKilledIsTakenOver$", "-test.v")
			cmd.Env = append(os.Environ(), killEngine+"="+w.name, killDSN+"="+w.dsn, killAt+"="+place, killTables+"="+tables)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Success() || strings.Contains(string(out), "moved:") {
				w.Errorf("%s: the process was not killed: %v\n%s", place, err, out)
			}
		}
		for i, place := range []string{"after announced", "in a chunk", "with the guard", "before verified", "after live"} {
			killed(addingUsers, place)
			db := w.open(addingUsers)
			w.exec(db, "UPDATE users SET email = ? WHERE id = ?", fmt.Sprintf("k%d@example.org", i), i)
			db.Close()
		}
		m := w.mover(addingUsers, "")
		if err := m.CutOver(bg); err != nil {
			w.Fatal(err)
		}
		db := w.open(oldUsers)
		for i := range 45 {
			mail := fmt.Sprintf("u%d@example.org", i)
			if i < 5 {
				mail = fmt.Sprintf("k%d@example.org", i)
			}
			if got := w.ids(db, "SELECT id FROM users WHERE email = ?", mail); got != fmt.Sprint(i) {
				w.Errorf("row %d: got %q", i, got)
			}
		}
		for _, place := range []string{"before guarded", "after guarded", "after finished"} {
			killed(droppingUsers, place)
			w.exec(w.open(droppingUsers), "UPDATE users SET email = ? WHERE id = 1", place+"@example.org")
		}
		if err := w.mover(droppingUsers, "").Finish(bg); err != nil {
			w.Fatal(err)
		}
		w.exec(w.open(plainUsers), "UPDATE users SET email = ? WHERE id = 1", "end@example.org")
	})
}

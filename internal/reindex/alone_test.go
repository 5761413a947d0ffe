package reindex_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/internal/reindex"
)

// begun opens a database with rows whose index is to be moved.
func (w *world) begun() {
	w.Helper()
	if err := w.init(); err != nil {
		w.Fatal(err)
	}
	old := w.open(oldUsers)
	w.exec(old, "CREATE TABLE users (id integer PRIMARY KEY, email "+w.text()+" UNIQUE)")
	for i := range 50 {
		w.exec(old, "INSERT INTO users (id, email) VALUES (?, ?)", i, fmt.Sprintf("u%d@example.org", i))
	}
}

// TestStepIsMadeByOneProcess has a second process try every step while the first is at
// one: it is told so, and nothing of what the first has made is touched.
func TestStepIsMadeByOneProcess(t *testing.T) {
	everywhere(t, func(w *world) {
		w.begun()
		first, second := w.mover(nextUsers, ""), w.mover(nextUsers, "")
		for _, at := range []struct {
			place string
			step  func(*reindex.Mover, context.Context) error
		}{
			{"after " + string(indexmove.Announced), (*reindex.Mover).Fill},
			{"with the guard", (*reindex.Mover).CutOver},
			{"before " + string(indexmove.Finished), (*reindex.Mover).Finish},
		} {
			tried := false
			first.Stop = func(place string) error {
				if place != at.place || tried {
					return nil
				}
				tried = true
				var all sync.WaitGroup
				for name, step := range map[string]func(context.Context) error{"fill": second.Fill, "cut over": w.mover(nextUsers, "").CutOver, "finish": w.mover(nextUsers, "").Finish, "abort": w.mover(nextUsers, "").Abort} {
					all.Go(func() {
						if err := step(bg); !errors.Is(err, reindex.ErrBusy) {
							w.Errorf("%s %s: got %v", name, place, err)
						}
					})
				}
				all.Wait()
				return nil
			}
			if err := at.step(first, bg); err != nil || !tried {
				w.Fatalf("%s: tried %v, %v", at.place, tried, err)
			}
		}
		if got := w.ids(w.open(newUsers), "SELECT id FROM users WHERE email = 'u7@example.org'"); got != "7" {
			w.Errorf("got %q", got)
		}
	})
}

// TestStepsAtOnceWaitForEachOther has several processes begin each step at once: each
// of them makes it, or finds it made, or is told that another one is at it.
func TestStepsAtOnceWaitForEachOther(t *testing.T) {
	everywhere(t, func(w *world) {
		w.begun()
		for _, step := range []func(*reindex.Mover, context.Context) error{(*reindex.Mover).Fill, (*reindex.Mover).CutOver, (*reindex.Mover).Finish} {
			var movers []*reindex.Mover
			for range 3 {
				movers = append(movers, w.mover(nextUsers, ""))
			}
			errs := make([]error, len(movers))
			var all sync.WaitGroup
			for i, m := range movers {
				all.Go(func() { errs[i] = step(m, bg) })
			}
			all.Wait()
			made := false
			for _, err := range errs {
				made = made || err == nil
				if err != nil && !errors.Is(err, reindex.ErrBusy) {
					w.Errorf("got %v", err)
				}
			}
			if !made {
				w.Fatal("nobody made it")
			}
		}
		if got := w.ids(w.open(newUsers), "SELECT id FROM users WHERE email = 'u7@example.org'"); got != "7" {
			w.Errorf("got %q", got)
		}
	})
}

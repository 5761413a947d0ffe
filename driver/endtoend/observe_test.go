package endtoend_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/observe"
)

func stats(t *testing.T, db *sql.DB) observe.Stats {
	t.Helper()
	s, err := sealdriver.Stats(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStatisticsOfADatabase(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		k := openKept(t, f)
		before := stats(t, k.sealed)
		for id := range 4 {
			if err := k.note(t.Context(), k.sealed, id, 1); err != nil {
				t.Fatal(err)
			}
			if _, err := k.read(t.Context(), k.sealed, id); err != nil {
				t.Fatal(err)
			}
			if _, err := k.sealed.Exec("INSERT INTO clear (id) VALUES ("+k.mark(1)+")", id); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := k.sealed.Query("SELECT id FROM notes ORDER BY v"); !errors.Is(err, sealsql.ErrRefused) {
			t.Fatal(err)
		}
		if _, err := k.sealed.Exec("UPDATE notes SET v = "+k.mark(1)+" WHERE id = 1", "x"); !errors.Is(err, sealsql.ErrRefused) {
			t.Fatal(err)
		}
		if _, err := k.raw.Exec("UPDATE notes SET v = "+k.mark(1)+" WHERE id = 3", damaged(t, k)); err != nil {
			t.Fatal(err)
		}
		if _, err := k.read(t.Context(), k.sealed, 3); !errors.Is(err, sealsql.ErrTampered) {
			t.Fatal(err)
		}
		s := stats(t, k.sealed)
		if n := s.Encrypt.Values; n != 4 || s.Encrypt.Bytes != uint64(4*len(canary)) {
			t.Errorf("sealed: %+v", s.Encrypt)
		}
		if n := s.Decrypt.Values; n != 4 || s.Decrypt.Bytes != uint64(4*len(canary)) || s.Rows.Opened != 4 {
			t.Errorf("opened: %+v, %+v", s.Decrypt, s.Rows)
		}
		if s.Encrypt.Seconds.Count == 0 || s.Decrypt.Seconds.Count == 0 {
			t.Error("nothing was timed")
		}
		if len(s.Decrypt.Failed) != 1 {
			t.Errorf("failures: %v", s.Decrypt.Failed)
		}
		if x := s.Statements; x.Reasons["ordering_by_an_encrypted_column"] != 1 || x.Reasons["partition_not_known"] != 1 ||
			x.Passed-before.Statements.Passed < 4 || x.Planned-before.Statements.Planned < 8 {
			t.Errorf("statements: %+v", x)
		}
		if s.Plans.Misses == 0 || s.Plans.Entries == 0 || s.Plans.Size == 0 || s.Plans.Seconds.Count != s.Plans.Misses {
			t.Errorf("plans: %+v", s.Plans)
		}
		if s.Catalog.Reads == 0 || s.Catalog.Failures != 0 {
			t.Errorf("catalog: %+v", s.Catalog)
		}
		if s.Keys.Created["system"] != 1 || s.Keys.Created["intermediate"] != 1 || s.Caches["data"].Hits == 0 {
			t.Errorf("keys: %+v, %+v", s.Keys, s.Caches)
		}
	})
}

// damaged returns a stored record with one byte changed, in its carrier.
func damaged(t *testing.T, k *keptPair) any {
	t.Helper()
	var b []byte
	if err := k.raw.QueryRow("SELECT v FROM notes WHERE id = 2").Scan(&b); err != nil {
		t.Fatal(err)
	}
	b[len(b)-3] ^= 4
	if string(b[:4]) == "ss1." {
		return string(b)
	}
	return b
}

func TestStatisticsOutliveAReload(t *testing.T) {
	k := openKept(t, sqliteFlavour())
	if err := k.note(t.Context(), k.sealed, 1, 1); err != nil {
		t.Fatal(err)
	}
	r, err := sealdriver.RecorderOf(t.Context(), k.sealed)
	if err != nil {
		t.Fatal(err)
	}
	before := r.Stats()
	rewriteConfig(t, k.pair, notesConfig+"policy: {revoke_check: 5m}\n")
	if _, err := sealdriver.Reload(t.Context(), k.sealed); err != nil {
		t.Fatal(err)
	}
	if err := k.note(t.Context(), k.sealed, 2, 1); err != nil {
		t.Fatal(err)
	}
	if again, err := sealdriver.RecorderOf(t.Context(), k.sealed); err != nil || again != r {
		t.Fatalf("another recorder, %v", err)
	}
	after := r.Stats()
	if after.Encrypt.Values != 2 || after.Keys.Created["system"] != before.Keys.Created["system"] {
		t.Errorf("after reloading: %+v, %+v", after.Encrypt, after.Keys)
	}
	if after.Plans.Misses <= before.Plans.Misses || after.Caches["intermediate_latest"].Loads <= before.Caches["intermediate_latest"].Loads {
		t.Errorf("what the first configuration counted is gone: %+v, then %+v", before.Plans, after.Plans)
	}
	if err := k.sealed.Close(); err != nil {
		t.Fatal(err)
	}
	if n := r.Stats().Encrypt.Values; n != 2 {
		t.Errorf("%d values after closing", n)
	}
}

func TestRecordersAreThoseOfOurDriversOnly(t *testing.T) {
	if _, err := sealdriver.RecorderOf(t.Context(), openDB(t, "sqlite", ":memory:")); err == nil {
		t.Error("the plain driver has one")
	}
}

// watcher notes statements and what runs within them.
type watcher struct {
	mu   sync.Mutex
	seen []observe.Op
	ends []observe.Outcome
}

func (w *watcher) Begin(ctx context.Context, op observe.Op) (context.Context, func(time.Duration, observe.Outcome)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, op)
	return ctx, func(_ time.Duration, how observe.Outcome) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ends = append(w.ends, how)
	}
}

func (*watcher) Sampled(context.Context, observe.Kind, time.Duration) {}

func TestObserversOfStatementsSeeDigestsAndNoValues(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		k := openKept(t, f)
		r, err := sealdriver.RecorderOf(t.Context(), k.sealed)
		if err != nil {
			t.Fatal(err)
		}
		w := &watcher{}
		leave := r.Attach(w, observe.Of(observe.Statement), true)
		for _, q := range []string{
			"INSERT INTO clear (id) VALUES (1)", "INSERT INTO clear (id) VALUES (2) -- " + canary,
			"INSERT INTO notes (id, tenant, v) VALUES (1, 2, '" + canary + "')",
		} {
			if _, err := k.sealed.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := k.sealed.Exec("UPDATE notes SET v = '" + canary + "' || 'x'"); err == nil {
			t.Fatal("not refused")
		}
		leave()
		if err := k.note(t.Context(), k.sealed, 7, 2); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.seen) != 4 || !slices.Equal(w.ends, []string{"ok", "ok", "ok", "refused"}) {
			t.Fatalf("%+v, %v", w.seen, w.ends)
		}
		if w.seen[0].Digest == "" || w.seen[0].Digest == w.seen[2].Digest || w.seen[0].Provider != f.name {
			t.Errorf("%+v", w.seen)
		}
		if a, b := w.seen[0].Digest, w.seen[1].Digest; len(a) != 16 || len(b) != 16 {
			t.Errorf("digests %q and %q", a, b)
		}
	})
}

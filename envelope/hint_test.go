package envelope_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// countingStore counts reads, and tells those who listen.
type countingStore struct {
	*builtin.Memory
	loads   atomic.Int64
	mu      sync.Mutex
	ears    []func()
	refuse  atomic.Bool // to tell, and to store announcements
	listens atomic.Int64
}

func (m *countingStore) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	m.loads.Add(1)
	return m.Memory.LoadLatest(ctx, id)
}

func (m *countingStore) Store(ctx context.Context, r *envelope.KeyRecord) (bool, error) {
	if m.refuse.Load() && r.Parent == nil {
		return false, errDown
	}
	return m.Memory.Store(ctx, r)
}

// telling is a countingStore that is a Notifier.
type telling struct{ *countingStore }

func (m telling) Notify(context.Context, string) error {
	if m.refuse.Load() {
		return errDown
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.ears {
		f()
	}
	return nil
}

func (m telling) Listen(ctx context.Context, _ string, hint func()) error {
	if m.listens.Add(1) == 1 {
		return errDown // the first connection is lost
	}
	m.mu.Lock()
	m.ears = append(m.ears, hint)
	m.mu.Unlock()
	hint()
	<-ctx.Done()
	return ctx.Err()
}

// hinted is a process on a store, and the keys of an operator beside it. Data
// keys are used again, as they are by default.
func hinted(t *testing.T, store envelope.Metastore) (*envelope.Sealer, *envelope.Column, *envelope.Keys) {
	t.Helper()
	share := func(c *envelope.Config) { c.Metastore = store }
	s := newSealer(t, share)
	keys, err := newSealer(t, share).Keys()
	if err != nil {
		t.Fatal(err)
	}
	return s, column(t, s, "t.c", false), keys
}

func TestAHintBringsTheCheckOfEveryKeyForward(t *testing.T) {
	for _, id := range []string{intermediateID, systemID} {
		t.Run(id, func(t *testing.T) {
			s, c, keys := hinted(t, builtin.NewMemory())
			p := partition(t, "p")
			old := created(seal(t, s, c, p, "v"))
			if err := keys.Revoke(context.Background(), envelope.KeyMeta{ID: id, Created: old}); err != nil {
				t.Fatal(err)
			}
			if got := created(seal(t, s, c, p, "v")); got != old {
				t.Fatalf("sealed under %d without a hint", got)
			}
			s.Hint()
			if got := created(seal(t, s, c, p, "v")); got == old {
				t.Fatal("the revoked key seals after the hint")
			}
		})
	}
}

// Hints as fast as somebody can send them cost two look-ups of each key that is
// used, in a sixtieth of the check interval, and change nothing.
func TestAStormOfForgedHintsIsAFewChecks(t *testing.T) {
	store := &countingStore{Memory: builtin.NewMemory()}
	s, c, _ := hinted(t, store)
	const partitions = 50
	want := map[string]int64{}
	for i := range partitions {
		id := fmt.Sprint("tenant-", i)
		want[id] = created(seal(t, s, c, partition(t, id), "v"))
	}
	before := store.loads.Load()
	begin := time.Now()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20_000 {
				s.Hint()
			}
		})
		wg.Go(func() {
			for range 20 {
				for id, old := range want {
					rec, err := s.Seal(context.Background(), nil, c, partition(t, id), 1, []byte("v"))
					if err != nil || created(rec) != old {
						t.Errorf("sealed under %d, not %d: %v", created(rec), old, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	// Two checks in a minute, for each of which some states are read by two who
	// met at the end of a window.
	checks := 2 * (1 + int64(time.Since(begin)/time.Minute))
	if n := store.loads.Load() - before; n < 1 || n > 2*checks*(partitions+1) {
		t.Errorf("%d look-ups of %d keys", n, partitions)
	}
}

// What is announced by the one process comes to the others, through a row that
// they look at or through the store's own way, and by itself it is no error if
// it cannot be announced.
func TestARevocationIsAnnouncedToThoseWhoWatch(t *testing.T) {
	for name, x := range map[string]struct {
		store func(*countingStore) envelope.Metastore
		every time.Duration
		ready func(m *countingStore, loads int64) bool
	}{
		"by looking": {
			func(m *countingStore) envelope.Metastore { return m },
			5 * time.Millisecond,
			func(m *countingStore, loads int64) bool { return m.loads.Load() >= loads+2 }, // what it found first is known
		},
		"by listening": {
			func(m *countingStore) envelope.Metastore { return telling{m} },
			time.Hour,
			func(m *countingStore, _ int64) bool { return m.listens.Load() >= 2 }, // the first connection is lost
		},
	} {
		t.Run(name, func(t *testing.T) {
			count := &countingStore{Memory: builtin.NewMemory()}
			s, c, keys := hinted(t, x.store(count))
			p := partition(t, "p")
			old := created(seal(t, s, c, p, "v"))
			ctx, cancel := context.WithCancelCause(context.Background())
			loads := count.loads.Load()
			done := running(func() error { return s.Watch(ctx, x.every) })
			for end := time.Now().Add(30 * time.Second); !x.ready(count, loads); time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("nobody watches")
				}
			}
			if err := keys.Revoke(context.Background(), envelope.KeyMeta{ID: intermediateID, Created: old}); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(30 * time.Second); created(seal(t, s, c, p, "v")) == old; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the revoked key goes on sealing")
				}
			}
			stop := errors.New("stop")
			cancel(stop)
			if err := <-done; !errors.Is(err, stop) {
				t.Errorf("Watch: %v", err)
			}
		})
	}
}

// Keys are read before a process looks for announcements: one that came in
// between is not lost, and one that is old brings no check about.
func TestARevocationBeforeTheFirstLookIsNoticed(t *testing.T) {
	for name, age := range map[string]time.Duration{"lately": 10 * time.Minute, "long ago": 61 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			store := &countingStore{Memory: builtin.NewMemory()}
			clk := newClock()
			s := newSealer(t, func(c *envelope.Config) { c.Metastore, c.Now = store, clk.now })
			c, p := column(t, s, "t.c", false), partition(t, "p")
			ops := newClock()
			keys, err := newSealer(t, func(c *envelope.Config) { c.Metastore, c.Now = store, ops.now }).Keys()
			if err != nil {
				t.Fatal(err)
			}
			old := created(seal(t, s, c, p, "v"))
			ops.pass(10*time.Minute - age)
			if err := keys.Revoke(context.Background(), envelope.KeyMeta{ID: intermediateID, Created: old}); err != nil {
				t.Fatal(err)
			}
			clk.pass(10 * time.Minute)
			ctx, cancel := context.WithCancel(context.Background())
			loads := store.loads.Load()
			done := running(func() error { return s.Watch(ctx, 5*time.Millisecond) })
			for end := time.Now().Add(30 * time.Second); store.loads.Load() < loads+2; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("nobody looks")
				}
			}
			if noticed := created(seal(t, s, c, p, "v")) != old; noticed != (name == "lately") {
				t.Errorf("noticed: %t", noticed)
			}
			cancel()
			<-done
		})
	}
}

func running(f func() error) <-chan error {
	c := make(chan error, 1)
	go func() { c <- f() }()
	return c
}

func TestARevocationThatCannotBeAnnouncedIsDone(t *testing.T) {
	store := &countingStore{Memory: builtin.NewMemory()}
	s, c, keys := hinted(t, telling{store})
	old := envelope.KeyMeta{ID: intermediateID, Created: created(seal(t, s, c, partition(t, "p"), "v"))}
	store.refuse.Store(true)
	if err := keys.Revoke(context.Background(), old); err != nil {
		t.Fatal(err)
	}
	if i, err := keys.Show(context.Background(), old); err != nil || i.Status != envelope.StatusRevoked {
		t.Errorf("%+v, %v", i, err)
	}
}

func TestHintsAfterCloseDoNothing(t *testing.T) {
	s, c, _ := hinted(t, builtin.NewMemory())
	seal(t, s, c, partition(t, "p"), "v")
	s.Hint()
	s.Hint() // waits for its time
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Hint()
}

// nothing is a metastore that breaks its contract: no row, and no error.
type nothing struct{ *builtin.Memory }

func (nothing) LoadLatest(context.Context, string) (*envelope.KeyRecord, error) { return nil, nil }

func TestAMetastoreThatAnswersNothingIsAnErrorAndNoPanic(t *testing.T) {
	s := newSealer(t, func(c *envelope.Config) { c.Metastore = nothing{builtin.NewMemory()} })
	if err := s.Warm(context.Background()); err == nil {
		t.Error("keys are made of it")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Watch(ctx, time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	k, err := s.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Show(context.Background(), envelope.KeyMeta{ID: systemID}); err == nil {
		t.Error("a key is shown")
	}
	if _, err := k.RotateSystem(context.Background()); err == nil {
		t.Error("a key is rotated")
	}
}

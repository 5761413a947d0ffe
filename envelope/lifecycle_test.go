package envelope_test

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

const (
	systemID       = "ss1/sk/shop/orders"
	intermediateID = "ss1/ik/shop/orders/p"
)

// store is a metastore whose rows a test can change, and which can fail.
type store struct {
	envelope.Metastore
	mu      sync.Mutex
	change  map[envelope.KeyMeta]func(*envelope.KeyRecord)
	gone    map[envelope.KeyMeta]bool
	fail    error
	failPut error
	loads   atomic.Int32
	block   chan struct{}
	entered chan struct{}
}

func newStore() *store {
	return &store{Metastore: builtin.NewMemory(), change: map[envelope.KeyMeta]func(*envelope.KeyRecord){}, gone: map[envelope.KeyMeta]bool{}}
}

func (s *store) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *store) edit(r *envelope.KeyRecord, err error) (*envelope.KeyRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	if err != nil {
		return nil, err
	}
	if f := s.change[r.Meta]; f != nil {
		f(r)
	}
	return r, nil
}

func (s *store) wait(ctx context.Context) error {
	s.loads.Add(1)
	if s.block == nil {
		return nil
	}
	s.entered <- struct{}{}
	select {
	case <-s.block:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *store) Load(ctx context.Context, m envelope.KeyMeta) (*envelope.KeyRecord, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	if s.isGone(m) {
		return nil, envelope.ErrKeyNotFound
	}
	return s.edit(s.Metastore.Load(ctx, m))
}

func (s *store) isGone(m envelope.KeyMeta) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone[m]
}

func (s *store) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	for limit := int64(1 << 62); ; {
		r, err := s.Metastore.(envelope.BoundedLoader).LoadLatestBefore(ctx, id, limit)
		if err == nil && s.isGone(r.Meta) {
			limit = r.Meta.Created - 1
			continue
		}
		return s.edit(r, err)
	}
}

func (s *store) Store(ctx context.Context, r *envelope.KeyRecord) (bool, error) {
	s.mu.Lock()
	err := errors.Join(s.fail, s.failPut)
	s.mu.Unlock()
	if err != nil {
		return false, err
	}
	return s.Metastore.Store(ctx, r)
}

// created is the creation time of the key that sealed a record.
func created(rec []byte) int64 { return int64(binary.BigEndian.Uint32(rec[6:])) }

type world struct {
	t     *testing.T
	clk   *clock
	store *store
	p     envelope.Partition
}

func newWorld(t *testing.T) *world {
	return &world{t: t, clk: newClock(), store: newStore(), p: partition(t, "p")}
}

// sealer makes one more process of this world, with one key for every value so
// that every seal asks for the intermediate key.
func (w *world) sealer() (*envelope.Sealer, *envelope.Column) {
	s := newSealer(w.t, func(c *envelope.Config) {
		c.Metastore, c.Now = w.store, w.clk.now
		c.Policy.DataKey.MaxUses = 1
	})
	return s, column(w.t, s, "t.c", false)
}

func (w *world) pass(d time.Duration) { w.clk.pass(d) }

// rotate is an operator's process that replaces the partition's key.
func (w *world) rotate() envelope.KeyMeta {
	w.t.Helper()
	s := newSealer(w.t, func(c *envelope.Config) { c.Metastore, c.Now = w.store.Metastore, w.clk.now })
	keys, err := s.Keys()
	if err != nil {
		w.t.Fatal(err)
	}
	meta, err := keys.RotatePartition(context.Background(), w.p)
	if err != nil {
		w.t.Fatal(err)
	}
	return meta
}

func (w *world) meta(id string, created int64) envelope.KeyMeta {
	return envelope.KeyMeta{ID: id, Created: created}
}

func TestCreationTimeIsRoundedDown(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	if got, want := created(seal(t, s, c, w.p, "v")), w.clk.now().Truncate(time.Minute).Unix(); got != want {
		t.Fatalf("created %d, want %d", got, want)
	}
}

func TestExpiredKeyIsReplacedAndStillOpens(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	old := seal(t, s, c, w.p, "old")
	w.pass(89 * 24 * time.Hour)
	if same := seal(t, s, c, w.p, "v"); created(same) != created(old) {
		t.Fatal("the key was replaced early")
	}
	w.pass(2 * 24 * time.Hour)
	fresh := seal(t, s, c, w.p, "new")
	if created(fresh) == created(old) {
		t.Fatal("an expired key encrypts")
	}
	other, oc := w.sealer()
	for rec, want := range map[*[]byte]string{&old: "old", &fresh: "new"} {
		for _, x := range []struct {
			s *envelope.Sealer
			c *envelope.Column
		}{{s, c}, {other, oc}} {
			if got, err := open(x.s, x.c, w.p, *rec); err != nil || got != want {
				t.Fatalf("Open = %q, %v", got, err)
			}
		}
	}
}

// Revocation reaches a running process within the check interval, whether the
// row's state is authentic or was flipped by hand, and for both kinds of key.
func TestRevokedKeyNeverEncryptsAfterTheCheckInterval(t *testing.T) {
	for _, id := range []string{intermediateID, systemID} {
		t.Run(id, func(t *testing.T) {
			w := newWorld(t)
			s, c := w.sealer()
			old := seal(t, s, c, w.p, "old")
			m := w.meta(id, created(old))
			w.store.set(func() { w.store.change[m] = func(r *envelope.KeyRecord) { r.Revoked = true } })
			w.pass(61 * time.Minute)
			fresh := seal(t, s, c, w.p, "new")
			if created(fresh) == created(old) {
				t.Fatal("a revoked key encrypts")
			}
			// It is sticky: putting the row back does not help.
			w.store.set(func() { delete(w.store.change, m) })
			w.pass(61 * time.Minute)
			if created(seal(t, s, c, w.p, "v")) == created(old) {
				t.Fatal("the key came back")
			}
			if got, err := open(s, c, w.p, old); err != nil || got != "old" {
				t.Fatalf("revoked key does not open: %q, %v", got, err)
			}
		})
	}
}

// The replacement of a key that is revoked in the minute of its creation has
// another creation time (the same one would give the revoked key back).
func TestKeyRevokedWithinItsMinuteIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.clk.set(w.clk.now().Truncate(time.Minute).Add(59 * time.Second))
	s, c := w.sealer()
	old := seal(t, s, c, w.p, "old")
	for _, id := range []string{systemID, intermediateID} {
		w.store.change[w.meta(id, created(old))] = func(r *envelope.KeyRecord) { r.Revoked = true }
	}
	other, oc := w.sealer()
	fresh := seal(t, other, oc, w.p, "new")
	if created(fresh) <= created(old) {
		t.Fatalf("created %d after %d", created(fresh), created(old))
	}
	if again := seal(t, other, oc, w.p, "v"); created(again) != created(fresh) {
		t.Fatal("a third key was made")
	}
	third, tc := w.sealer()
	if same := seal(t, third, tc, w.p, "v"); created(same) != created(fresh) {
		t.Fatal("the next process does not adopt the replacement")
	}
	if got, err := open(third, tc, w.p, old); err != nil || got != "old" {
		t.Fatalf("Open = %q, %v", got, err)
	}
}

func TestNewerKeyOfAnotherProcessIsAdopted(t *testing.T) {
	w := newWorld(t)
	a, ac := w.sealer()
	old := seal(t, a, ac, w.p, "old")
	w.pass(2 * time.Hour)
	m := w.meta(intermediateID, created(old))
	w.store.set(func() { w.store.change[m] = func(r *envelope.KeyRecord) { r.Revoked = true } })
	b, bc := w.sealer()
	fresh := seal(t, b, bc, w.p, "new")
	w.pass(2 * time.Hour)
	if got := created(seal(t, a, ac, w.p, "v")); got != created(fresh) {
		t.Fatalf("created %d, want the other process's %d", got, created(fresh))
	}
}

func TestKeyFromTheFutureNeverEncrypts(t *testing.T) {
	for _, bounded := range []bool{true, false} {
		w := newWorld(t)
		s, c := w.sealer()
		now := seal(t, s, c, w.p, "now")
		w.pass(30 * 24 * time.Hour)
		ahead, xc := w.sealer()
		m := w.meta(intermediateID, created(now))
		w.store.change[m] = func(r *envelope.KeyRecord) { r.Revoked = true }
		future := seal(t, ahead, xc, w.p, "future")
		delete(w.store.change, m)
		w.pass(-30 * 24 * time.Hour)
		honest := newSealer(t, func(c *envelope.Config) {
			c.Now = w.clk.now
			if c.Metastore = w.store.Metastore; !bounded {
				c.Metastore = w.store // hides the optional method
			}
		})
		hc := column(t, honest, "t.c", false)
		rec := seal(t, honest, hc, w.p, "v")
		if created(rec) >= created(future) {
			t.Fatal("a key from the future encrypts")
		}
		if bounded && created(rec) != created(now) {
			t.Fatal("a key was made although there is one")
		}
		if got, err := open(honest, hc, w.p, future); err != nil || got != "future" {
			t.Fatalf("Open = %q, %v", got, err)
		}
	}
}

func TestNotBeforeKeepsOlderKeysFromEncrypting(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	old := seal(t, s, c, w.p, "old")
	w.pass(time.Hour)
	strict := newSealer(t, func(c *envelope.Config) {
		c.Metastore, c.Now, c.Policy.NotBefore = w.store, w.clk.now, w.clk.now().Add(-30*time.Minute)
	})
	sc := column(t, strict, "t.c", false)
	if created(seal(t, strict, sc, w.p, "v")) == created(old) {
		t.Fatal("an older key encrypts")
	}
	if got, err := open(strict, sc, w.p, old); err != nil || got != "old" {
		t.Fatalf("Open = %q, %v", got, err)
	}
}

// Creation times are rounded down, but not before not_before: else every new key
// would be too old at once.
func TestKeyMadeAtNotBeforeItselfGoesOnEncrypting(t *testing.T) {
	w := newWorld(t)
	w.clk.pass(1500 * time.Millisecond)
	s := newSealer(t, func(c *envelope.Config) {
		c.Metastore, c.Now, c.Policy.NotBefore = w.store, w.clk.now, w.clk.now()
		c.Policy.DataKey.MaxUses = 1
	})
	c := column(t, s, "t.c", false)
	first := created(seal(t, s, c, w.p, "v"))
	for range 3 {
		w.pass(2 * time.Hour)
		if now := created(seal(t, s, c, w.p, "v")); now != first {
			t.Fatalf("a key created %d is replaced by one created %d", first, now)
		}
	}
}

// A writer of the store deletes the newest row, so that an older key would be
// the latest again: a process that has seen the newer does not go back.
func TestDeletedNewestRowDoesNotBringAnOlderKeyBack(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	first := seal(t, s, c, w.p, "first")
	m := w.meta(intermediateID, created(first))
	w.store.change[m] = func(r *envelope.KeyRecord) { r.State = nil }
	w.pass(2 * time.Hour)
	b, bc := w.sealer()
	second := seal(t, b, bc, w.p, "second")
	w.store.set(func() {
		delete(w.store.change, m)
		w.store.gone[w.meta(intermediateID, created(second))] = true
	})
	w.pass(2 * time.Hour)
	third := seal(t, b, bc, w.p, "third")
	if created(third) <= created(second) {
		t.Fatalf("created %d after %d", created(third), created(second))
	}
}

// The same where the key has left memory since, because others pushed it out or
// its time was over: what was used last is remembered apart from the keys.
func TestEvictionDoesNotForgetWhichKeyWasUsedLast(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	first := seal(t, s, c, w.p, "first")
	w.pass(2 * time.Hour)
	second := w.rotate()
	s.Forget(w.p)
	if got := created(seal(t, s, c, w.p, "v")); got != second.Created {
		t.Fatalf("sealed under %d", got)
	}
	w.store.set(func() { w.store.gone[second] = true })
	s.Forget(w.p)
	if got := created(seal(t, s, c, w.p, "v")); got <= second.Created {
		t.Fatalf("sealed under %d after %d; the first was %d", got, second.Created, created(first))
	}
}

// A clock that was ahead and is set back keeps nobody from sealing, and does
// not make a new key for every value.
func TestClockThatIsSetBackDoesNotStopSealing(t *testing.T) {
	w := newWorld(t)
	s := newSealer(t, func(c *envelope.Config) {
		c.Metastore, c.Now, c.Policy.DataKey.MaxUses = w.store.Metastore, w.clk.now, 1
	})
	c := column(t, s, "t.c", false)
	first := seal(t, s, c, w.p, "first")
	w.pass(time.Hour)
	ahead := w.rotate()
	s.Forget(w.p)
	if got := created(seal(t, s, c, w.p, "v")); got != ahead.Created {
		t.Fatalf("sealed under %d", got)
	}
	w.pass(-30 * time.Minute)
	s.Forget(w.p)
	second := created(seal(t, s, c, w.p, "v"))
	if second == created(first) || second == ahead.Created {
		t.Fatalf("sealed under %d", second)
	}
	s.Forget(w.p)
	if got := created(seal(t, s, c, w.p, "v")); got != second {
		t.Fatalf("sealed under %d, then %d", second, got)
	}
}

func TestManySealersAgreeOnOneKey(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	got := map[int64]int{}
	var wg sync.WaitGroup
	for range 8 {
		s, c := w.sealer()
		wg.Go(func() {
			rec, err := s.Seal(context.Background(), nil, c, w.p, 1, []byte("v"))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			got[created(rec)]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if len(got) != 1 {
		t.Fatalf("creation times: %v", got)
	}
}

func TestChangedRowsAreRefusedByName(t *testing.T) {
	changes := map[string]func(*envelope.KeyRecord){
		"key bit":         func(r *envelope.KeyRecord) { r.Key[20] ^= 1 },
		"key cut":         func(r *envelope.KeyRecord) { r.Key = r.Key[:len(r.Key)-1] },
		"key empty":       func(r *envelope.KeyRecord) { r.Key = nil },
		"no parent":       func(r *envelope.KeyRecord) { r.Parent = nil },
		"foreign parent":  func(r *envelope.KeyRecord) { r.Parent.ID = "ss1/sk/shop/other" },
		"zero parent":     func(r *envelope.KeyRecord) { r.Parent.Created = 0 },
		"negative parent": func(r *envelope.KeyRecord) { r.Parent.Created = -1 },
		"other id":        func(r *envelope.KeyRecord) { r.Meta.ID = "ss1/ik/shop/orders/q" },
		"other time":      func(r *envelope.KeyRecord) { r.Meta.Created++ },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s, c := w.sealer()
			rec := seal(t, s, c, w.p, "v")
			w.store.change[w.meta(intermediateID, created(rec))] = change
			other, oc := w.sealer()
			_, err := open(other, oc, w.p, rec)
			var ke *envelope.KeyError
			if !errors.Is(err, envelope.ErrTampered) || !errors.As(err, &ke) || ke.KeyID != intermediateID || ke.Hint == "" {
				t.Fatalf("Open: %v", err)
			}
			// Sealing refuses too, or, where only the state is in doubt, goes on
			// under a new key.
			fresh, err := other.Seal(context.Background(), nil, oc, w.p, 1, nil)
			if !errors.Is(err, envelope.ErrTampered) && (name != "other time" || created(fresh) <= created(rec)) {
				t.Fatalf("Seal: %v", err)
			}
		})
	}
}

// Asherah wraps without associated data: copying q's row under p's id made p
// open q's values there.
func TestRowOfAnotherPartitionDoesNotUnwrap(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	q := partition(t, "q")
	ofP, ofQ := seal(t, s, c, w.p, "of p"), seal(t, s, c, q, "of q")
	row, err := w.store.Metastore.Load(context.Background(), w.meta("ss1/ik/shop/orders/q", created(ofQ)))
	if err != nil {
		t.Fatal(err)
	}
	w.store.change[w.meta(intermediateID, created(ofP))] = func(r *envelope.KeyRecord) {
		id := r.Meta
		*r = *row.Clone()
		r.Meta = id
	}
	other, oc := w.sealer()
	if got, err := open(other, oc, w.p, ofQ); !errors.Is(err, envelope.ErrTampered) {
		t.Fatalf("Open = %q, %v", got, err)
	}
}

func TestStoreErrorsAreReportedAsWhatTheyAre(t *testing.T) {
	denied := errors.New("permission denied for table encryption_key")
	w := newWorld(t)
	w.store.failPut = denied
	s, c := w.sealer()
	_, err := s.Seal(context.Background(), nil, c, w.p, 1, nil)
	var ke *envelope.KeyError
	if !errors.Is(err, denied) || !errors.As(err, &ke) || ke.Op != "store" || ke.KeyID != systemID || ke.Hint == "" {
		t.Fatalf("Seal: %v", err)
	}
	w.store.failPut, w.store.fail = nil, denied
	if _, err = s.Seal(context.Background(), nil, c, w.p, 1, nil); !errors.Is(err, denied) || errors.Is(err, envelope.ErrKeyNotFound) {
		t.Fatalf("Seal: %v", err)
	}
	w.store.fail = nil
	if _, err = s.Seal(context.Background(), nil, c, w.p, 1, nil); err != nil {
		t.Fatalf("after the outage: %v", err)
	}
}

func TestMissingKeyIsNamedAndNotAskedForAgain(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	rec := seal(t, s, c, w.p, "v")
	binary.BigEndian.PutUint32(rec[6:], uint32(created(rec)-60))
	before := w.store.loads.Load()
	for range 100 {
		_, err := open(s, c, w.p, rec)
		if !errors.Is(err, envelope.ErrKeyNotFound) || !strings.Contains(err.Error(), intermediateID) {
			t.Fatalf("Open: %v", err)
		}
	}
	if n := w.store.loads.Load() - before; n != 1 {
		t.Fatalf("%d loads for 100 records that name an absent key", n)
	}
}

func TestOutageDoesNotStopSealingUntilMaxStale(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	rec := seal(t, s, c, w.p, "v")
	down := errors.New("connection refused")
	w.store.set(func() { w.store.fail = down })
	w.pass(90 * time.Minute)
	if _, err := s.Seal(context.Background(), nil, c, w.p, 1, nil); err != nil {
		t.Fatalf("within max_stale: %v", err)
	}
	w.pass(31 * time.Minute)
	if _, err := s.Seal(context.Background(), nil, c, w.p, 1, nil); !errors.Is(err, envelope.ErrStale) || !errors.Is(err, down) {
		t.Fatalf("beyond max_stale: %v", err)
	}
	if got, err := open(s, c, w.p, rec); err != nil || got != "v" {
		t.Fatalf("Open = %q, %v", got, err)
	}
	w.store.set(func() { w.store.fail = nil })
	if _, err := s.Seal(context.Background(), nil, c, w.p, 1, nil); err != nil {
		t.Fatalf("after the outage: %v", err)
	}
}

func TestDataKeyReuseDoesNotOutliveTheCheckInterval(t *testing.T) {
	w := newWorld(t)
	s := newSealer(t, func(c *envelope.Config) {
		c.Metastore, c.Now = w.store, w.clk.now
		c.Policy.DataKey = envelope.DataKeyPolicy{MaxAge: 1000 * time.Hour}
	})
	c := column(t, s, "t.c", false)
	old := seal(t, s, c, w.p, "v")
	w.store.set(func() {
		w.store.change[w.meta(intermediateID, created(old))] = func(r *envelope.KeyRecord) { r.Revoked = true }
	})
	w.pass(61 * time.Minute)
	if created(seal(t, s, c, w.p, "v")) == created(old) {
		t.Fatal("the data key of a revoked key is still used")
	}
}

// A warm partition does not wait for the loads of twenty others.
func TestWarmSealDoesNotWaitForBlockedLoads(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	seal(t, s, c, w.p, "warm")
	w.store.block, w.store.entered = make(chan struct{}), make(chan struct{}, 64)
	var wg sync.WaitGroup
	for i := range 20 {
		p := partition(t, "cold "+string(rune('a'+i)))
		wg.Go(func() {
			if _, err := s.Seal(context.Background(), nil, c, p, 1, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for range 20 {
		<-w.store.entered
	}
	seal(t, s, c, w.p, "still warm")
	close(w.store.block)
	wg.Wait()
}

func TestCancelledCallerReturnsWhileTheLoadGoesOn(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	if err := s.Warm(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.store.block, w.store.entered = make(chan struct{}), make(chan struct{}, 64)
	ctx, cancel := context.WithCancelCause(context.Background())
	gaveUp := errors.New("gave up")
	done := make(chan error)
	go func() {
		_, err := s.Seal(ctx, nil, c, w.p, 1, nil)
		done <- err
	}()
	<-w.store.entered
	cancel(gaveUp)
	if err := <-done; !errors.Is(err, gaveUp) {
		t.Fatalf("Seal: %v", err)
	}
	close(w.store.block)
	seal(t, s, c, w.p, "v")
	if _, err := s.Seal(ctx, nil, c, w.p, 1, nil); !errors.Is(err, gaveUp) {
		t.Fatalf("warm Seal with an ended context: %v", err)
	}
}

func TestCloseDoesNotWaitForAStuckStore(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	w.store.block, w.store.entered = make(chan struct{}), make(chan struct{}, 64)
	done := make(chan error)
	go func() {
		_, err := s.Seal(context.Background(), nil, c, w.p, 1, nil)
		done <- err
	}()
	<-w.store.entered
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, envelope.ErrClosed) {
		t.Fatalf("Seal: %v", err)
	}
}

// flaky is a key management service that can fail or answer nonsense.
type flaky struct {
	envelope.KeyManagementService
	encrypt, decrypt error
	nonsense         bool
	decrypts         atomic.Int32
}

func (f *flaky) EncryptKey(ctx context.Context, kc envelope.KeyContext, key []byte) ([]byte, error) {
	if f.encrypt != nil {
		return nil, f.encrypt
	}
	return f.KeyManagementService.EncryptKey(ctx, kc, key)
}

func (f *flaky) DecryptKey(ctx context.Context, kc envelope.KeyContext, w []byte) ([]byte, error) {
	f.decrypts.Add(1)
	if f.decrypt != nil {
		return nil, f.decrypt
	}
	if f.nonsense {
		return make([]byte, 32), nil
	}
	return f.KeyManagementService.DecryptKey(ctx, kc, w)
}

func TestFaultsOfTheKMSAreNamedAndNothingIsStored(t *testing.T) {
	down := errors.New("kms unavailable")
	for name, f := range map[string]*flaky{
		"encrypt fails":            {encrypt: down},
		"decrypt fails":            {decrypt: down},
		"decrypt returns nonsense": {nonsense: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := builtin.NewMemory()
			f.KeyManagementService = testKMS(t)
			s := newSealer(t, func(c *envelope.Config) { c.KMS, c.Metastore = f, m })
			err := s.Warm(context.Background())
			var ke *envelope.KeyError
			if !errors.As(err, &ke) || ke.KeyID != systemID || !strings.HasPrefix(ke.Provider, "kms") || ke.Hint == "" {
				t.Fatalf("Warm: %v", err)
			}
			if !f.nonsense && !errors.Is(err, down) {
				t.Fatalf("the cause is lost: %v", err)
			}
			if _, err := m.LoadLatest(context.Background(), systemID); !errors.Is(err, envelope.ErrKeyNotFound) {
				t.Fatal("a key was stored")
			}
		})
	}
}

func TestOneSystemKeyDecryptHoweverManyPartitions(t *testing.T) {
	m := builtin.NewMemory()
	a := newSealer(t, func(c *envelope.Config) { c.Metastore = m })
	ac := column(t, a, "t.c", true)
	var recs [][]byte
	for i := range 50 {
		recs = append(recs, seal(t, a, ac, partition(t, string(rune('A'+i))), "v"))
	}
	f := &flaky{KeyManagementService: testKMS(t)}
	b := newSealer(t, func(c *envelope.Config) { c.KMS, c.Metastore = f, m })
	bc := column(t, b, "t.c", true)
	var wg sync.WaitGroup
	for _, rec := range recs {
		wg.Go(func() {
			if _, err := open(b, bc, envelope.AnyPartition, rec); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := f.decrypts.Load(); n != 1 {
		t.Fatalf("%d decrypts", n)
	}
}

func TestPoliciesThatMakeNoSenseAreRefused(t *testing.T) {
	for name, p := range map[string]envelope.Policy{
		"negative expiry":        {ExpireAfter: -1},
		"expiry of a moment":     {ExpireAfter: time.Millisecond},
		"negative check":         {RevokeCheck: -1},
		"stale before the check": {RevokeCheck: time.Hour, MaxStale: time.Minute},
		"no uses":                {DataKey: envelope.DataKeyPolicy{MaxUses: -1}},
		"too many uses":          {DataKey: envelope.DataKeyPolicy{MaxUses: 1<<20 + 1}},
		"negative age":           {DataKey: envelope.DataKeyPolicy{MaxAge: -1}},
		"not before tomorrow":    {NotBefore: time.Now().Add(24 * time.Hour)},
	} {
		_, err := envelope.New(context.Background(), envelope.Config{
			Service: "s", Product: "p", KMS: testKMS(t), Metastore: builtin.NewMemory(), Policy: p,
		})
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestExpiryShorterThanTheRoundingStillRotates(t *testing.T) {
	w := newWorld(t)
	s := newSealer(t, func(c *envelope.Config) {
		c.Metastore, c.Now = w.store, w.clk.now
		c.Policy = envelope.Policy{ExpireAfter: 10 * time.Second, DataKey: envelope.DataKeyPolicy{MaxUses: 1}}
	})
	c := column(t, s, "t.c", false)
	first := seal(t, s, c, w.p, "v")
	w.pass(11 * time.Second)
	second := seal(t, s, c, w.p, "v")
	if created(second) <= created(first) {
		t.Fatal("no rotation")
	}
	before := w.store.loads.Load()
	for range 50 {
		seal(t, s, c, w.p, "v")
	}
	if n := w.store.loads.Load() - before; n != 0 {
		t.Fatalf("%d loads for 50 warm seals", n)
	}
}

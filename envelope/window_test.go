package envelope_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// hands is a clock that loads in the background may read while a test moves it.
type hands struct{ ns atomic.Int64 }

func newHands() *hands {
	h := &hands{}
	h.ns.Store(newClock().now().UnixNano())
	return h
}

func (h *hands) now() time.Time { return time.Unix(0, h.ns.Load()).UTC() }

func (h *hands) set(t time.Time) { h.ns.Store(t.UnixNano()) }

func (h *hands) pass(d time.Duration) { h.ns.Add(int64(d)) }

// A partition's key that is first used late in the check interval of its system
// key does not outlive that interval when the system key is revoked: the state
// of the system key has an interval of its own.
func TestARevokedSystemKeyEndsWhatItWrapsWithinOneInterval(t *testing.T) {
	for _, late := range []time.Duration{10 * time.Minute, 41 * time.Minute, 59 * time.Minute} {
		for _, uses := range []int{1, 0} {
			o, clk := newOffice(t), newHands()
			moved := func(c *envelope.Config) { c.Now = clk.now }
			operator, _ := o.process(moved)
			s, c := o.process(moved, func(c *envelope.Config) {
				c.Policy.DataKey.MaxUses, c.Policy.DataKey.MaxAge = uses, 12*time.Hour
			})
			o.sealedUnder(s, c, "p") // the state of the system key is read here
			clk.pass(time.Minute)
			o.must(o.keys(operator).Revoke(bg, envelope.KeyMeta{ID: systemID}))
			revoked := clk.now()
			clk.pass(late)
			first := o.sealedUnder(s, c, "q")
			clk.set(revoked.Add(time.Hour + time.Second))
			for _, p := range []string{"q", "p"} {
				info, err := o.keys(operator).Show(bg, envelope.KeyMeta{ID: "ss1/ik/shop/orders/" + p, Created: o.sealedUnder(s, c, p)})
				o.must(err)
				sys, err := o.keys(operator).Show(bg, info.Parent)
				o.must(err)
				if sys.Status != envelope.StatusActive {
					t.Errorf("used %v after the revocation: %s is sealed under a key of the revoked system key after the interval (created %d, first %d)", late, p, info.Meta.Created, first)
				}
			}
		}
	}
}

// What is known to be revoked seals no more, whether or not a key can be made in
// its place: a store that cannot be written to is no excuse.
func TestARevokedKeyDoesNotSealOnBecauseNoNewOneCanBeStored(t *testing.T) {
	for _, id := range []string{intermediateID, systemID} {
		w := newWorld(t)
		s, c := w.sealer()
		old := seal(t, s, c, w.p, "old")
		m := w.meta(id, created(old))
		full := errors.New("disk full")
		w.store.set(func() {
			w.store.change[m] = func(r *envelope.KeyRecord) { r.Revoked = true }
			w.store.failPut = full
		})
		w.pass(61 * time.Minute)
		for range 3 {
			if rec, err := s.Seal(context.Background(), nil, c, w.p, 1, []byte("v")); !errors.Is(err, full) {
				t.Fatalf("%s: sealed under %d (revoked: %d), %v", id, created(rec), created(old), err)
			}
			w.pass(6 * time.Second)
		}
		if got, err := open(s, c, w.p, old); err != nil || got != "old" {
			t.Fatalf("%s: opening: %q, %v", id, got, err)
		}
		w.store.set(func() { w.store.failPut = nil })
		if got := created(seal(t, s, c, w.p, "new")); got == created(old) {
			t.Fatalf("%s: the revoked key seals", id)
		}
	}
}

// A caller in a hurry is not failed by a store that hangs, while his key may
// seal without it.
func TestAStoreThatHangsDoesNotUseUpTheTimeOfACallerInAHurry(t *testing.T) {
	synctest.Test(t, callerInAHurry)
}

func callerInAHurry(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	seal(t, s, c, w.p, "v")
	w.store.block, w.store.entered = make(chan struct{}), make(chan struct{}, 100)
	defer close(w.store.block)
	w.pass(61 * time.Minute)
	for i := range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
		_, err := s.Seal(ctx, nil, c, w.p, 1, []byte("v"))
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			<-w.store.entered // the load goes on, and has looked at the clock
		}
		w.pass(6 * time.Second)
	}
}

// The state of the system key may not be older than max_stale either, however
// lately the key below it was read.
func TestTheStateOfTheSystemKeyGrowsStaleToo(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	seal(t, s, c, w.p, "v")
	w.pass(41 * time.Minute)
	q := partition(t, "q")
	seal(t, s, c, q, "v")
	down := errors.New("connection refused")
	w.store.set(func() { w.store.fail = down })
	w.pass(75 * time.Minute) // 116 minutes after the system key was looked at
	seal(t, s, c, q, "v")
	w.pass(5 * time.Minute)
	if _, err := s.Seal(context.Background(), nil, c, q, 1, []byte("v")); !errors.Is(err, envelope.ErrStale) || !errors.Is(err, down) {
		t.Fatalf("%v, want ErrStale", err)
	}
	w.store.set(func() { w.store.fail = nil })
	seal(t, s, c, q, "v")
}

// A system key whose row is gone is replaced, and what it wrapped with it.
func TestASystemKeyThatIsGoneEndsWhatItWraps(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	old := seal(t, s, c, w.p, "old")
	w.pass(41 * time.Minute)
	q := partition(t, "q")
	first := seal(t, s, c, q, "v")
	w.store.set(func() { w.store.gone[w.meta(systemID, created(old))] = true })
	w.pass(20 * time.Minute)
	if next := seal(t, s, c, q, "v"); created(next) == created(first) {
		t.Fatal("a key is sealed under that nobody else could open")
	}
}

// replica is a metastore whose home does not answer: rows come from a copy that
// does not hear of revocations any more.
type replica struct {
	*builtin.Memory
	away atomic.Bool
}

func (r *replica) mark(rec *envelope.KeyRecord, err error) (*envelope.KeyRecord, error) {
	if err == nil {
		rec.Replica = r.away.Load()
	}
	return rec, err
}

func (r *replica) Load(ctx context.Context, m envelope.KeyMeta) (*envelope.KeyRecord, error) {
	return r.mark(r.Memory.Load(ctx, m))
}

func (r *replica) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	return r.mark(r.Memory.LoadLatest(ctx, id))
}

// What a replica says of a key does not make its state a checked one: a revocation
// that it has not heard of ends the sealing as if nobody answered, after max_stale.
// Opening goes on, and a process that starts has the same time.
func TestAReplicaDoesNotKeepAKeySealingForEver(t *testing.T) {
	for _, cached := range []bool{true, false} {
		clk, store := newHands(), &replica{Memory: builtin.NewMemory()}
		p := partition(t, "p")
		process := func() (*envelope.Sealer, *envelope.Column) {
			s := newSealer(t, func(c *envelope.Config) {
				c.Metastore, c.Now, c.KeepOpen = store, clk.now, true
				c.Policy.DataKey.MaxUses, c.Cache.NoIntermediate = 1, !cached
			})
			return s, column(t, s, "t.c", false)
		}
		s, c := process()
		rec := seal(t, s, c, p, "v")
		store.away.Store(true)
		late, lc := process()
		began := clk.now()
		for clk.now().Sub(began) < 119*time.Minute {
			for range 2 {
				seal(t, s, c, p, "v")
			}
			seal(t, late, lc, p, "v")
			clk.pass(7 * time.Minute)
		}
		clk.set(began.Add(2*time.Hour + time.Second))
		for range 3 {
			for _, x := range []struct {
				s *envelope.Sealer
				c *envelope.Column
			}{{s, c}, {late, lc}} {
				if _, err := x.s.Seal(bg, nil, x.c, p, 1, []byte("v")); !errors.Is(err, envelope.ErrStale) {
					t.Fatalf("cached %t: %v, want ErrStale", cached, err)
				}
				if got, err := open(x.s, x.c, p, rec); err != nil || got != "v" {
					t.Fatalf("cached %t: opening: %q, %v", cached, got, err)
				}
			}
			clk.pass(5 * time.Minute)
		}
		store.away.Store(false)
		seal(t, s, c, p, "v")
		seal(t, late, lc, p, "v")
	}
}

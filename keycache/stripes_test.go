package keycache

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// watched knows whether it was destroyed while it was leased, or twice.
type watched struct {
	leased, destroyed atomic.Int32
	t                 *testing.T
}

func (w *watched) Destroy() {
	if w.destroyed.Add(1) > 1 {
		w.t.Error("destroyed twice")
	}
	if w.leased.Load() != 0 {
		w.t.Error("destroyed while leased")
	}
}

func (w *watched) use(l Lease[int, *watched]) {
	w.leased.Add(1)
	if w.destroyed.Load() != 0 {
		w.t.Error("leased after it was destroyed")
	}
	runtime.Gosched()
	w.leased.Add(-1)
	l.Release()
}

// split gives the entry of a key stripes, as contention would.
func split(x *Cache[int, *watched], k int) *entry[int, *watched] {
	e := x.t.find(x.c.Hash(k), &k)
	if e != nil {
		e.met.Store(1 << 20)
		e.contended(1)
	}
	return e
}

func watchedCache() *Cache[int, *watched] {
	return New[int, *watched](Config[int]{Hash: func(k int) uint64 { return uint64(k) }})
}

// Values are leased from stripes and from the entry's own count, before, while and
// after the entry leaves.
func TestAValueWithStripesIsDestroyedOnceAndNotWhileLeased(t *testing.T) {
	x := watchedCache()
	defer x.Close(0)
	for round := range 3000 {
		w := &watched{t: t}
		first, _ := x.Put(1, w)
		var wg sync.WaitGroup
		var start sync.WaitGroup
		start.Add(1)
		for range 4 {
			wg.Go(func() {
				start.Wait()
				for range 10 {
					l, ok := x.Get(1)
					if !ok {
						return
					}
					if rand.N(4) == 0 {
						w.use(l.Retain())
					}
					w.use(l)
				}
			})
		}
		wg.Go(func() {
			start.Wait()
			for range rand.N(50) {
				runtime.Gosched()
			}
			x.Delete(1)
		})
		if round%3 == 1 {
			split(x, 1)
		}
		held := round%2 == 0
		if !held {
			first.Release() // so that nothing but the table's reference is outside stripes
		}
		start.Done()
		if round%3 == 2 {
			split(x, 1)
		}
		wg.Wait()
		if held {
			if w.destroyed.Load() != 0 {
				t.Fatal("destroyed while the first lease is held")
			}
			first.Release()
		}
		if w.destroyed.Load() != 1 {
			t.Fatal("not destroyed after the last lease")
		}
	}
	if n := shared.Load(); n != 0 {
		t.Errorf("%d entries count as having stripes", n)
	}
}

func TestAValueIsNotDestroyedWhileTheStripesOfItsLeasesAreAddedUp(t *testing.T) {
	w := &watched{t: t}
	e := &entry[int, *watched]{val: w}
	e.refs.Store(1) // the table's
	e.shared.Store(new(stripes))
	shared.Add(1)
	first, ok1 := e.hit()
	second, ok2 := e.hit()
	if !ok1 || !ok2 || first.s == nil || second.s == nil {
		t.Fatal("not leased from stripes")
	}
	e.leaveBy(func(s *stripe) uint64 {
		n := s.close()
		if s == first.s {
			first.Release() // its stripe is closed, and is not counted anywhere yet
		}
		return n
	})
	if w.destroyed.Load() != 0 {
		t.Error("destroyed while the second lease is held")
	}
	second.Release()
	if w.destroyed.Load() != 1 {
		t.Error("not destroyed after the last lease")
	}
}

func TestLookUpsOfStripesAreCountedAndNumbered(t *testing.T) {
	x := watchedCache()
	defer x.Close(0)
	l, _ := x.Put(1, &watched{t: t})
	l.Release()
	x.Get(1) // on the entry's own count
	e := split(x, 1)
	type turn struct {
		place *atomic.Int64
		n     uint32
	}
	var mu sync.Mutex
	seen := map[turn]int{}
	places := map[*atomic.Int64]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				l, ok := x.Get(1)
				if !ok {
					t.Error("not found")
					return
				}
				mu.Lock()
				seen[turn{l.Local(), l.Turn()}]++
				places[l.Local()] = true
				mu.Unlock()
				l.Release()
			}
		})
	}
	wg.Wait()
	if len(seen) != 4000 {
		t.Errorf("4000 look-ups have %d numbers", len(seen))
	}
	for at := range seen {
		if at.n == 0 || at.n > 4000 {
			t.Errorf("a look-up has the number %d", at.n)
		}
	}
	if places[&e.local] {
		t.Error("look-ups beside the stripes")
	}
	if n := x.Stats().Hits; n != 4001 {
		t.Errorf("%d look-ups counted, want 4001", n)
	}
	x.Delete(1)
	if n := x.Stats().Hits; n != 4001 {
		t.Errorf("%d look-ups counted after the value left, want 4001", n)
	}
}

func TestStripesAreForWhatIsLeasedByTwoAgainAndAgain(t *testing.T) {
	e := &entry[int, *watched]{}
	for range 7 {
		e.contended(10)
	}
	if e.shared.Load() != nil {
		t.Error("seven times are enough")
	}
	if e.contended(8 * 256); e.shared.Load() == nil {
		t.Error("one in 256 is not enough")
	}
	rare := &entry[int, *watched]{}
	for range 100 {
		rare.contended(1 << 20)
	}
	if rare.shared.Load() != nil {
		t.Error("one in 10,000 is enough")
	}
	defer func() { shared.Store(0) }()
	shared.Store(maxShared)
	last := &entry[int, *watched]{}
	for range 100 {
		last.contended(100)
	}
	if last.shared.Load() != nil || shared.Load() != maxShared {
		t.Error("more entries than maxShared have stripes")
	}
}

// Two goroutines that were given one stripe are told apart by the next seed.
func TestStripesAreDealtAnewWhereTwoHaveOne(t *testing.T) {
	w := &stripes{}
	first := w.mine()
	for w.mine() == first {
		if w.seed.Add(1) == maxSeeds {
			t.Fatal("no seed deals another stripe")
		}
	}
}

package keycache

import (
	"sync"
	"sync/atomic"
)

// Stats are the counters of a cache.
type Stats struct {
	// Hits are look-ups that found a value; Misses those of Get that did not, and
	// calls of GetOrLoad and Load that had to wait for a load or were given the
	// error of an earlier one.
	Hits, Misses uint64
	// Loads is the number of loads that have ended, and Failed those of them that
	// failed.
	Loads, Failed uint64
	// Left counts values that left the cache, by Reason.
	Left [Closed + 1]uint64
	// Entries is the number of values held.
	Entries int
}

type counts struct {
	hits, misses  atomic.Uint64 // hits of what has left
	loads, failed atomic.Uint64
	left          [Closed + 1]atomic.Uint64

	mu   sync.Mutex
	most uint64 // hits reported
}

// Stats returns the counters. It looks at every value, which takes some
// milliseconds for a hundred thousand.
//
// Look-ups are counted where the reference count is, so that they cost nothing;
// a look-up that found a value while it left may be missing.
func (x *Cache[K, V]) Stats() Stats {
	s := Stats{
		Misses: x.counts.misses.Load(), Loads: x.counts.loads.Load(), Failed: x.counts.failed.Load(),
		Entries: x.Len(),
	}
	for i := range s.Left {
		s.Left[i] = x.counts.left[i].Load()
	}
	s.Hits = x.hits()
	return s
}

// hits adds up what values in the cache and those that left it were found. A
// value that leaves meanwhile may be missed or counted twice for the moment; the
// number that is given never goes down.
func (x *Cache[K, V]) hits() uint64 {
	n := x.counts.hits.Load()
	x.t.each(func(e *entry[K, V]) {
		if !e.gone.Load() {
			n += e.hits()
		}
	})
	x.counts.mu.Lock()
	defer x.counts.mu.Unlock()
	x.counts.most = max(x.counts.most, n)
	return x.counts.most
}

// Each calls f for every value, without a lease being taken for f: f must not
// keep v, nor call the cache.
func (x *Cache[K, V]) Each(f func(k K, v V)) {
	x.t.each(func(e *entry[K, V]) {
		if e.acquire() {
			f(e.key, e.val)
			e.release()
		}
	})
}

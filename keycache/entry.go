package keycache

import "sync/atomic"

// Value is what a cache holds. Destroy is called exactly once, after the value
// left the cache and its last lease was released.
type Value interface{ Destroy() }

// entry is a value with its reference count. The cache itself holds one
// reference while the entry is in its table.
//
// The upper half of refs counts look-ups that found the entry, so that counting
// them takes no further atomic operation: see Stats.
type entry[K comparable, V Value] struct {
	Ticket[K]
	val     V
	refs    atomic.Uint64
	local   atomic.Int64            // see Lease.Local
	met     atomic.Uint32           // how often two leased it at the same moment
	shared  atomic.Pointer[stripes] // nil until that was often
	used    atomic.Bool             // touched since the clock hand passed
	next    atomic.Pointer[entry[K, V]]
	pos     int   // on the clock's ring, guarded by the table's lock
	expires int64 // tick at which it leaves; 0 is never
}

// acquire takes a reference unless the last one is gone already: from zero
// there is no way back, the value is being destroyed.
func (e *entry[K, V]) acquire() bool {
	for {
		r := e.refs.Load()
		if r&refMask == 0 {
			return false
		}
		if e.refs.CompareAndSwap(r, r+1) {
			return true
		}
	}
}

// hit leases the value to a look-up that is counted, unless the last reference is gone.
func (e *entry[K, V]) hit() (l Lease[K, V], ok bool) {
	if w := e.shared.Load(); w != nil && w != &noStripes {
		if s, turn, ok := w.take(); ok {
			return Lease[K, V]{e, s, turn}, true
		}
	}
	for {
		r := e.refs.Load()
		if r&refMask == 0 {
			return l, false
		}
		if e.refs.CompareAndSwap(r, r+1+oneHit) {
			return Lease[K, V]{e, nil, uint32(r>>32) + 1}, true
		}
		e.contended(r >> 32)
	}
}

const (
	oneHit  = 1 << 32
	refMask = oneHit - 1
)

func (e *entry[K, V]) release() { e.drop(1) }

// drop gives n references back.
func (e *entry[K, V]) drop(n uint64) {
	if e.refs.Add(-n)&refMask == 0 {
		e.val.Destroy()
	}
}

// hits is the number of look-ups that found the entry; it goes round at 2^32.
func (e *entry[K, V]) hits() uint64 {
	n := e.refs.Load() >> 32
	if s := e.shared.Load(); s != nil && s != &noStripes {
		for i := range s.of {
			n += s.of[i].refs.Load() >> 32
		}
	}
	return n
}

// Lease is the right to use a value. The zero Lease is no right at all. It is
// released once, and the value is not used afterwards.
type Lease[K comparable, V Value] struct {
	e    *entry[K, V]
	s    *stripe // nil where the entry's own count has it
	turn uint32
}

// Value returns the leased value.
func (l Lease[K, V]) Value() V { return l.e.val }

// Release ends the lease; it may destroy the value.
func (l Lease[K, V]) Release() {
	if l.s == nil || !l.s.release() {
		l.e.release()
	}
}

// Turn is the number of the look-up that made the lease among all look-ups of the
// value that are counted in one place, from 1; 0 for a lease that no look-up of the
// cache made. There may be several such places.
func (l Lease[K, V]) Turn() uint32 { return l.turn }

// Local is a number that goes with such a place, zero at first: for users of the value
// who count with the look-ups.
func (l Lease[K, V]) Local() *atomic.Int64 {
	if l.s == nil {
		return &l.e.local
	}
	return &l.s.local
}

// Retain returns a second lease of the same value, which is released on its own.
func (l Lease[K, V]) Retain() Lease[K, V] {
	l.e.refs.Add(1)
	return Lease[K, V]{e: l.e}
}

// Own returns a lease of a value that is in no cache. Releasing it, and leases
// retained from it, destroys the value.
func Own[K comparable, V Value](v V) Lease[K, V] {
	e := &entry[K, V]{val: v}
	e.refs.Store(1)
	return Lease[K, V]{e: e}
}

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
	used    atomic.Bool // touched since the clock hand passed
	next    atomic.Pointer[entry[K, V]]
	pos     int   // on the clock's ring, guarded by the table's lock
	expires int64 // tick at which it leaves; 0 is never
}

// acquire takes a reference unless the last one is gone already: from zero
// there is no way back, the value is being destroyed.
func (e *entry[K, V]) acquire() bool { return e.take(1) }

// hit is acquire for a look-up that is counted.
func (e *entry[K, V]) hit() bool { return e.take(1 + oneHit) }

const (
	oneHit  = 1 << 32
	refMask = oneHit - 1
)

func (e *entry[K, V]) take(n uint64) bool {
	for {
		r := e.refs.Load()
		if r&refMask == 0 {
			return false
		}
		if e.refs.CompareAndSwap(r, r+n) {
			return true
		}
	}
}

func (e *entry[K, V]) release() {
	if e.refs.Add(^uint64(0))&refMask == 0 {
		e.val.Destroy()
	}
}

// hits is the number of look-ups that found the entry; it goes round at 2^32.
func (e *entry[K, V]) hits() uint64 { return e.refs.Load() >> 32 }

// Lease is the right to use a value. The zero Lease is no right at all. It is
// released once, and the value is not used afterwards.
type Lease[K comparable, V Value] struct{ e *entry[K, V] }

// Value returns the leased value.
func (l Lease[K, V]) Value() V { return l.e.val }

// Release ends the lease; it may destroy the value.
func (l Lease[K, V]) Release() { l.e.release() }

// Retain returns a second lease of the same value, which is released on its own.
func (l Lease[K, V]) Retain() Lease[K, V] {
	l.e.refs.Add(1)
	return l
}

// Own returns a lease of a value that is in no cache. Releasing it, and leases
// retained from it, destroys the value.
func Own[K comparable, V Value](v V) Lease[K, V] {
	e := &entry[K, V]{val: v}
	e.refs.Store(1)
	return Lease[K, V]{e}
}

package keycache

import (
	"math/rand/v2"
	"time"
)

// Entries expire by a sweep and not at the look-up, which would have to read the
// clock. An entry is due after at most seven eighths of the TTL, and the sweep
// comes every eighth; the spread keeps what was loaded together from expiring
// together.

const sweepParts = 8

// setExpiry marks an entry that enters. The caller holds the table's lock.
func (x *Cache[K, V]) setExpiry(e *entry[K, V]) {
	if x.c.TTL <= 0 {
		return
	}
	part := x.sweepEvery()
	e.expires = x.tick() + int64(x.c.TTL-part) - rand.Int64N(int64(part)+1)
	if x.sweep == nil {
		x.sweep = time.AfterFunc(part, x.sweepOnce)
	}
}

func (x *Cache[K, V]) sweepEvery() time.Duration {
	return max(x.c.TTL/sweepParts, time.Millisecond)
}

// tick returns monotonic nanoseconds since the cache was made.
func (x *Cache[K, V]) tick() int64 { return int64(time.Since(x.epoch)) }

// sweepOnce takes out what is due and comes again while something is left.
func (x *Cache[K, V]) sweepOnce() {
	now := x.tick()
	x.t.each(func(e *entry[K, V]) {
		if e.expires <= now {
			x.drop(e, Expired)
		}
	})
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	switch {
	case x.closed.Load():
	case x.Len() == 0:
		x.sweep = nil // the next entry starts it again
	default:
		x.sweep.Reset(x.sweepEvery())
	}
}

// stopSweep ends the sweeps. The caller holds the table's lock.
func (x *Cache[K, V]) stopSweep() {
	if x.sweep != nil {
		x.sweep.Stop()
	}
}

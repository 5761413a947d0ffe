package envelope

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// recent is the time of sealing. To ask the system for it takes as long as the
// look-up of the data key, so while values are sealed a timer reads it every
// recentStep, and they read what it found.
//
// It is behind the time by at most recentStep and what the scheduler adds, so what
// ends by it must end recentStep earlier.
type recent struct {
	at   atomic.Int64 // tick; 0 while nobody asks
	used atomic.Bool  // since the timer's last turn
	idle int          // the timer's turns since
}

const (
	recentStep = 20 * time.Millisecond
	recentIdle = 50 // turns until the timer stops
)

// recentTick is tick, or what that was up to recentStep ago.
func (v *services) recentTick() int64 {
	t := v.recent.at.Load()
	if t == 0 {
		return v.followTime()
	}
	if !v.recent.used.Load() { // a store by everyone would bounce the cache line
		v.recent.used.Store(true)
	}
	return t
}

func (v *services) followTime() int64 {
	t := v.tick()
	if !v.fixed && v.recent.at.CompareAndSwap(0, max(t, 1)) {
		v.recent.used.Store(true)
		time.AfterFunc(recentStep, v.readTime)
	}
	return t
}

// readTime is the timer's turn. There is one timer: it is begun by who finds at 0,
// and that is what its last turn leaves.
func (v *services) readTime() {
	r := &v.recent
	if r.idle++; r.used.Swap(false) {
		r.idle = 0
	}
	if r.idle > recentIdle || v.closed.Load() {
		r.idle = 0
		r.at.Store(0)
		return
	}
	r.at.Store(v.tick())
	time.AfterFunc(recentStep, v.readTime)
}

// seeds spread keys over the caches, differently in every process. They have cache
// lines to themselves: beside a variable that is written for every value, as
// crypto/rand has one, the processors would wait for each other to read them.
var seeds = func() (s struct {
	_    [128]byte
	hash maphash.Seed
	bits uint64
	_    [128]byte
},
) {
	s.hash = maphash.MakeSeed()
	s.bits = maphash.String(s.hash, "data keys")
	return s
}()

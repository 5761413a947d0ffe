package keycache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrClosed is returned by loads on a closed cache.
	ErrClosed = errors.New("keycache: closed")

	// ErrPanic is returned to all waiters when a load function panicked.
	ErrPanic = errors.New("keycache: load panicked")
)

// Config holds the settings of a cache. Hash is required.
type Config[K comparable] struct {
	// Hash spreads keys over the table. It should be seeded per process where
	// keys come from outside.
	Hash func(K) uint64
	// Size bounds the number of entries; zero means 1000.
	Size int
	// TTL is the time after which an entry leaves, used or not; zero means never.
	// It leaves up to a quarter of that earlier, not later.
	TTL time.Duration
	// Negative is how long the error of a failed load is handed out without
	// loading again, for the errors that IsNegative accepts; zero means not at
	// all. At most Size such errors are kept.
	Negative   time.Duration
	IsNegative func(error) bool
	// LoadTimeout bounds one load; zero means 30 seconds.
	LoadTimeout time.Duration
	// Policy makes the eviction policy; nil means second chance (CLOCK).
	Policy NewPolicy[K]
	// Left, if set, is told of every value that leaves the cache, before it can
	// be destroyed. It may be called from any goroutine, must not block and must
	// not call the cache.
	Left func(k K, why Reason)
}

// Cache maps keys to values that must be destroyed. All methods may be called
// concurrently.
type Cache[K comparable, V Value] struct {
	c      Config[K]
	t      *table[K, V]
	closed atomic.Bool
	policy atomic.Pointer[Policy[K]] // nil: the clock below, or not needed yet
	most   int                       // entries that a policy cannot go beyond
	epoch  time.Time

	ring  []*entry[K, V] // the clock's entries, guarded by t.mu
	hand  int
	sweep *time.Timer // guarded by t.mu; nil when nothing can expire

	flights  sync.Mutex // guards the three below; never held while loading
	loading  map[K]*flight[K, V]
	negative map[K]failure
	running  sync.WaitGroup
	base     context.Context
	cancel   context.CancelFunc

	counts counts
}

type failure struct {
	err   error
	until time.Time
}

// New makes a cache.
func New[K comparable, V Value](c Config[K]) *Cache[K, V] {
	if c.Size <= 0 {
		c.Size = 1000
	}
	if c.LoadTimeout <= 0 {
		c.LoadTimeout = 30 * time.Second
	}
	base, cancel := context.WithCancel(context.Background())
	x := &Cache[K, V]{
		c: c, t: newTable[K, V](c.Size), most: c.Size + c.Size/8 + 64,
		epoch: time.Now(), base: base, cancel: cancel,
		loading: map[K]*flight[K, V]{}, negative: map[K]failure{},
	}
	return x
}

// Len returns the number of entries.
func (x *Cache[K, V]) Len() int { return int(x.t.length.Load()) }

// Get leases the value of k if it is there. It neither waits nor loads.
func (x *Cache[K, V]) Get(k K) (Lease[K, V], bool) { return x.GetHashed(x.c.Hash(k), &k) }

// Find is Get for callers who load on a miss, which counts it then.
func (x *Cache[K, V]) Find(k K) (Lease[K, V], bool) { return x.FindHashed(x.c.Hash(k), &k) }

// FindHashed is Find for callers who have Config.Hash of the key at hand. k is not
// kept.
func (x *Cache[K, V]) FindHashed(hash uint64, k *K) (Lease[K, V], bool) {
	if e := x.t.find(hash, k); e != nil {
		return x.found(e)
	}
	return Lease[K, V]{}, false
}

// found leases an entry that was found, unless it has just left.
func (x *Cache[K, V]) found(e *entry[K, V]) (Lease[K, V], bool) {
	l, ok := e.hit()
	if ok {
		x.touch(e)
	}
	return l, ok
}

// Peek is Get that counts neither hits nor misses.
func (x *Cache[K, V]) Peek(k K) (Lease[K, V], bool) {
	if e := x.t.find(x.c.Hash(k), &k); e != nil && e.acquire() {
		return Lease[K, V]{e: e}, true
	}
	return Lease[K, V]{}, false
}

// GetHashed is Get for callers who have Config.Hash of the key at hand: for the
// path where every nanosecond counts. k is not kept.
func (x *Cache[K, V]) GetHashed(hash uint64, k *K) (Lease[K, V], bool) {
	if e := x.t.find(hash, k); e != nil {
		if l, ok := e.hit(); ok {
			x.touch(e)
			return l, true
		}
	}
	x.counts.misses.Add(1)
	return Lease[K, V]{}, false
}

func (x *Cache[K, V]) touch(e *entry[K, V]) {
	if p := x.policy.Load(); p != nil {
		(*p).Hit(&e.Ticket)
		return
	}
	if !e.used.Load() { // a store on every hit would bounce the cache line
		e.used.Store(true)
	}
}

// Put stores v under k, replaces what was there, and leases v. On a closed cache
// v is destroyed and ok is false.
func (x *Cache[K, V]) Put(k K, v V) (l Lease[K, V], ok bool) {
	e := &entry[K, V]{val: v}
	e.key, e.hash = k, x.c.Hash(k)
	e.refs.Store(2) // the table's and the caller's
	if !x.insert(e) {
		v.Destroy()
		return l, false
	}
	return Lease[K, V]{e: e}, true
}

// Adopt puts the value of a lease from Own under k, as Put would. The lease stays
// valid. It must not have been adopted before.
func (x *Cache[K, V]) Adopt(k K, l Lease[K, V]) {
	e := l.e
	e.key, e.hash = k, x.c.Hash(k)
	e.refs.Add(1)
	if !x.insert(e) {
		e.release()
	}
}

// insert puts e into the table and tells the policy, without the table's lock.
func (x *Cache[K, V]) insert(e *entry[K, V]) bool {
	old, victim, ok := x.store(e)
	if !ok {
		return false
	}
	x.dismiss(old, Replaced)
	x.dismiss(victim, Evicted)
	if p := x.policyFor(); p != nil {
		x.tell(p, e)
	}
	return true
}

// store changes the table; what left it is returned, to be dismissed without
// the lock.
func (x *Cache[K, V]) store(e *entry[K, V]) (old, victim *entry[K, V], ok bool) {
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	if x.closed.Load() {
		return nil, nil, false
	}
	if old = x.t.get(e.hash, &e.key); old != nil {
		x.t.remove(old)
	}
	x.setExpiry(e)
	x.t.insert(e)
	if x.c.Policy != nil {
		return old, nil, true
	}
	return old, x.clock(old, e), true
}

// dismiss ends the cache's part in an entry that left the table.
func (x *Cache[K, V]) dismiss(e *entry[K, V], why Reason) {
	if e == nil {
		return
	}
	x.counts.hits.Add(e.hits())
	if why <= Closed {
		x.counts.left[why].Add(1)
	}
	if x.c.Left != nil {
		x.c.Left(e.key, why)
	}
	e.leave()
}

// take removes exactly e and reports whether it was there.
func (x *Cache[K, V]) take(e *entry[K, V], why Reason) bool {
	x.t.mu.Lock()
	ok := x.t.remove(e)
	if ok {
		x.unring(e)
	}
	x.t.mu.Unlock()
	if ok {
		x.dismiss(e, why)
	}
	return ok
}

// drop removes e for a reason that the policy does not know of.
func (x *Cache[K, V]) drop(e *entry[K, V], why Reason) {
	if !x.take(e, why) {
		return
	}
	if p := x.policy.Load(); p != nil {
		(*p).Removed(&e.Ticket)
	}
}

// Delete removes k. Its value is destroyed when the last lease ends.
func (x *Cache[K, V]) Delete(k K) {
	if e := x.t.find(x.c.Hash(k), &k); e != nil {
		x.drop(e, Deleted)
	}
}

// DeleteFunc removes every entry for which f is true.
func (x *Cache[K, V]) DeleteFunc(f func(K, V) bool) {
	x.t.each(func(e *entry[K, V]) {
		if e.acquire() {
			if f(e.key, e.val) {
				x.drop(e, Deleted)
			}
			e.release()
		}
	})
}

// Close empties the cache, cancels running loads and waits for them, at most
// for wait. Values still leased are destroyed when their leases end. Close may
// be called twice.
func (x *Cache[K, V]) Close(wait time.Duration) {
	x.t.mu.Lock()
	first := !x.closed.Swap(true)
	x.stopSweep()
	x.t.mu.Unlock()
	if !first {
		return
	}
	x.flights.Lock() // joiners who saw the cache open have counted themselves now
	x.cancel()
	x.flights.Unlock()
	if p := x.policy.Load(); p != nil {
		(*p).Close()
	}
	x.drain()
	done := make(chan struct{})
	go func() { x.running.Wait(); close(done) }()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

func (x *Cache[K, V]) drain() {
	x.t.mu.Lock()
	all := x.t.clear()
	x.ring = nil
	x.t.mu.Unlock()
	for _, e := range all {
		x.dismiss(e, Closed)
	}
}

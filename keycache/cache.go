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
	// Negative is how long the error of a failed load is handed out without
	// loading again, for the errors that IsNegative accepts; zero means not at
	// all. At most Size such errors are kept.
	Negative   time.Duration
	IsNegative func(error) bool
	// LoadTimeout bounds one load; zero means 30 seconds.
	LoadTimeout time.Duration
	// Policy makes the eviction policy; nil means second chance (CLOCK).
	Policy func(size int, evict func(K)) Policy[K]
}

// Cache maps keys to values that must be destroyed. All methods may be called
// concurrently.
type Cache[K comparable, V Value] struct {
	c      Config[K]
	t      *table[K, V]
	closed atomic.Bool
	policy Policy[K] // nil: the clock below

	ring []*entry[K, V] // the clock's entries, guarded by t.mu
	hand int

	flights  sync.Mutex // guards the three below; never held while loading
	loading  map[K]*flight[K, V]
	negative map[K]failure
	running  sync.WaitGroup
	base     context.Context
	cancel   context.CancelFunc
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
		c: c, t: newTable[K, V](c.Size), base: base, cancel: cancel,
		loading: map[K]*flight[K, V]{}, negative: map[K]failure{},
	}
	if c.Policy != nil {
		x.policy = c.Policy(c.Size, x.Delete)
	}
	return x
}

// Len returns the number of entries.
func (x *Cache[K, V]) Len() int { return int(x.t.length.Load()) }

// Get leases the value of k if it is there. It neither waits nor loads.
func (x *Cache[K, V]) Get(k K) (Lease[K, V], bool) {
	e := x.t.find(x.c.Hash(k), k)
	if e == nil || !e.acquire() {
		return Lease[K, V]{}, false
	}
	x.touch(e)
	return Lease[K, V]{e}, true
}

func (x *Cache[K, V]) touch(e *entry[K, V]) {
	if x.policy != nil {
		x.policy.Hit(e.key)
		return
	}
	if !e.used.Load() { // a store on every hit would bounce the cache line
		e.used.Store(true)
	}
}

// Put stores v under k, replaces what was there, and leases v. On a closed cache
// v is destroyed and ok is false.
func (x *Cache[K, V]) Put(k K, v V) (l Lease[K, V], ok bool) {
	e := &entry[K, V]{key: k, hash: x.c.Hash(k), val: v}
	e.refs.Store(2) // the table's and the caller's
	old, victim, ok := x.store(e)
	if !ok {
		v.Destroy()
		return l, false
	}
	x.settle(k, old, victim)
	return Lease[K, V]{e}, true
}

// Adopt puts the value of a lease from Own under k, as Put would. The lease stays
// valid. It must not have been adopted before.
func (x *Cache[K, V]) Adopt(k K, l Lease[K, V]) {
	e := l.e
	e.key, e.hash = k, x.c.Hash(k)
	e.refs.Add(1)
	old, victim, ok := x.store(e)
	if !ok {
		e.release()
		return
	}
	x.settle(k, old, victim)
}

// settle finishes a change of the table without its lock.
func (x *Cache[K, V]) settle(k K, old, victim *entry[K, V]) {
	if old != nil {
		old.release()
	}
	if victim != nil {
		victim.release()
	}
	if x.policy != nil && old == nil {
		x.policy.Added(k)
	}
}

// store changes the table; what left it is returned, to be released without the
// lock.
func (x *Cache[K, V]) store(e *entry[K, V]) (old, victim *entry[K, V], ok bool) {
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	if x.closed.Load() {
		return nil, nil, false
	}
	if old = x.t.find(e.hash, e.key); old != nil {
		x.t.remove(old)
	}
	x.t.insert(e)
	if x.policy != nil {
		return old, nil, true
	}
	return old, x.clock(old, e), true
}

// Delete removes k. Its value is destroyed when the last lease ends.
func (x *Cache[K, V]) Delete(k K) {
	x.t.mu.Lock()
	e := x.t.find(x.c.Hash(k), k)
	if e != nil {
		x.t.remove(e)
		x.unring(e)
	}
	x.t.mu.Unlock()
	if e == nil {
		return
	}
	if x.policy != nil {
		x.policy.Removed(k)
	}
	e.release()
}

// DeleteFunc removes every entry for which f is true.
func (x *Cache[K, V]) DeleteFunc(f func(K, V) bool) {
	for i := range x.t.heads {
		for e := x.t.heads[i].Load(); e != nil; e = e.next.Load() {
			if e.acquire() {
				if f(e.key, e.val) {
					x.Delete(e.key)
				}
				e.release()
			}
		}
	}
}

// Close empties the cache, cancels running loads and waits for them, at most
// for wait. Values still leased are destroyed when their leases end. Close may
// be called twice.
func (x *Cache[K, V]) Close(wait time.Duration) {
	x.t.mu.Lock()
	first := !x.closed.Swap(true)
	x.t.mu.Unlock()
	if !first {
		return
	}
	x.flights.Lock() // joiners who saw the cache open have counted themselves now
	x.cancel()
	x.flights.Unlock()
	if x.policy != nil {
		x.policy.Close()
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
	var all []*entry[K, V]
	for i := range x.t.heads {
		for e := x.t.heads[i].Load(); e != nil; e = e.next.Load() {
			all = append(all, e)
		}
		x.t.heads[i].Store(nil)
	}
	x.t.length.Store(0)
	x.ring = nil
	x.t.mu.Unlock()
	for _, e := range all {
		e.release()
	}
}

package keycache

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// table is a hash table of chains, which grows with its entries: the collector looks
// at every chain, in each of its rounds. Readers take no lock; writers hold mu. An
// entry that was taken out keeps its next pointer, so that a reader who stands on it
// finds the rest of the chain.
type table[K comparable, V Value] struct {
	mu     sync.Mutex
	chains atomic.Pointer[chains[K, V]]
	most   int
	length atomic.Int64
	// walk is held by those who visit all entries, for whom the chains must stay.
	walk sync.RWMutex
}

// chains are the chains of one size.
type chains[K comparable, V Value] struct {
	heads []atomic.Pointer[entry[K, V]]
	// moved is set before the first entry goes to the next chains.
	moved atomic.Bool
}

const (
	minChains = 1 << 6
	maxChains = 1 << 17
)

func newTable[K comparable, V Value](size int) *table[K, V] {
	n := min(max(size, minChains), maxChains)
	t := &table[K, V]{most: 1 << bits.Len(uint(n-1))}
	t.chains.Store(newChains[K, V](minChains))
	return t
}

func newChains[K comparable, V Value](n int) *chains[K, V] {
	return &chains[K, V]{heads: make([]atomic.Pointer[entry[K, V]], n)}
}

func (c *chains[K, V]) head(h uint64) *atomic.Pointer[entry[K, V]] {
	return &c.heads[h&uint64(len(c.heads)-1)]
}

func (t *table[K, V]) find(h uint64, k *K) *entry[K, V] {
	c := t.chains.Load()
	for e := c.head(h).Load(); e != nil; e = e.next.Load() {
		if e.hash == h && e.key == *k {
			return e
		}
	}
	if c.moved.Load() {
		// The walk may have gone over to a chain of the next size.
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.get(h, k)
	}
	return nil
}

// get is find for callers who hold mu.
func (t *table[K, V]) get(h uint64, k *K) *entry[K, V] {
	for e := t.chains.Load().head(h).Load(); e != nil; e = e.next.Load() {
		if e.hash == h && e.key == *k {
			return e
		}
	}
	return nil
}

// findTicket returns the entry of a ticket if it is in the table.
func (t *table[K, V]) findTicket(x *Ticket[K]) *entry[K, V] {
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := t.chains.Load().head(x.hash).Load(); e != nil; e = e.next.Load() {
		if &e.Ticket == x {
			return e
		}
	}
	return nil
}

// each calls f for every entry, without mu.
func (t *table[K, V]) each(f func(*entry[K, V])) {
	t.walk.RLock()
	defer t.walk.RUnlock()
	c := t.chains.Load()
	for i := range c.heads {
		for e := c.heads[i].Load(); e != nil; e = e.next.Load() {
			f(e)
		}
	}
}

// grow moves all entries to twice as many chains, unless somebody visits them just
// now; then the next insertion does. The caller holds mu.
func (t *table[K, V]) grow(old *chains[K, V]) *chains[K, V] {
	if !t.walk.TryLock() {
		return old
	}
	defer t.walk.Unlock()
	c := newChains[K, V](2 * len(old.heads))
	old.moved.Store(true)
	for i := range old.heads {
		for e := old.heads[i].Load(); e != nil; {
			next, head := e.next.Load(), c.head(e.hash)
			e.next.Store(head.Load())
			head.Store(e)
			e = next
		}
	}
	t.chains.Store(c)
	return c
}

// clear takes all entries out. The caller holds mu.
func (t *table[K, V]) clear() (all []*entry[K, V]) {
	t.each(func(e *entry[K, V]) { all = append(all, e) })
	for _, e := range all {
		t.remove(e)
	}
	return all
}

// insert adds e, whose key must be absent. The caller holds mu.
func (t *table[K, V]) insert(e *entry[K, V]) {
	c := t.chains.Load()
	if n := len(c.heads); n < t.most && t.length.Load() >= int64(n) {
		c = t.grow(c)
	}
	head := c.head(e.hash)
	e.next.Store(head.Load())
	head.Store(e)
	t.length.Add(1)
}

// remove takes out exactly e and reports whether it was there. The caller
// holds mu.
func (t *table[K, V]) remove(e *entry[K, V]) bool {
	link := t.chains.Load().head(e.hash)
	for {
		at := link.Load()
		if at == nil {
			return false
		}
		if at == e {
			link.Store(e.next.Load())
			t.length.Add(-1)
			e.gone.Store(true)
			return true
		}
		link = &at.next
	}
}

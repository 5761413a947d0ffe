package keycache

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// table is a hash table with a fixed number of chains. Readers take no lock;
// writers hold mu. An entry that was taken out keeps its next pointer, so that a
// reader who stands on it finds the rest of the chain.
type table[K comparable, V Value] struct {
	mu     sync.Mutex
	heads  []atomic.Pointer[entry[K, V]]
	mask   uint64
	length atomic.Int64
}

const (
	minChains = 1 << 6
	maxChains = 1 << 17
)

func newTable[K comparable, V Value](size int) *table[K, V] {
	n := min(max(size, minChains), maxChains)
	n = 1 << bits.Len(uint(n-1))
	return &table[K, V]{heads: make([]atomic.Pointer[entry[K, V]], n), mask: uint64(n - 1)}
}

func (t *table[K, V]) find(h uint64, k *K) *entry[K, V] {
	for e := t.heads[h&t.mask].Load(); e != nil; e = e.next.Load() {
		if e.hash == h && e.key == *k {
			return e
		}
	}
	return nil
}

// findTicket returns the entry of a ticket if it is in the table.
func (t *table[K, V]) findTicket(x *Ticket[K]) *entry[K, V] {
	for e := t.heads[x.hash&t.mask].Load(); e != nil; e = e.next.Load() {
		if &e.Ticket == x {
			return e
		}
	}
	return nil
}

// each calls f for every entry, without the lock.
func (t *table[K, V]) each(f func(*entry[K, V])) {
	for i := range t.heads {
		for e := t.heads[i].Load(); e != nil; e = e.next.Load() {
			f(e)
		}
	}
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
	head := &t.heads[e.hash&t.mask]
	e.next.Store(head.Load())
	head.Store(e)
	t.length.Add(1)
}

// remove takes out exactly e and reports whether it was there. The caller
// holds mu.
func (t *table[K, V]) remove(e *entry[K, V]) bool {
	link := &t.heads[e.hash&t.mask]
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

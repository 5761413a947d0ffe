package keycache

import (
	"fmt"
	"sync"
)

// PolicyNames lists the policies that Named makes, the default first.
func PolicyNames() []string { return []string{"tinylfu", "clock", "lru", "lfu"} }

// Named returns the policy of that name; the empty name is the default.
//
//	tinylfu  ristretto: what was used more often lately stays; what is new may
//	         be refused. Two goroutines and 480 bytes for an entry, from the time
//	         when the cache is half full.
//	clock    second chance: a hand goes round and takes what was not used since
//	         it passed. No lock and no memory of its own.
//	lru      what was not used for the longest time goes.
//	lfu      what was used least often goes. Never forgets: for keys whose
//	         popularity does not change.
func Named[K comparable](name string) (NewPolicy[K], error) {
	switch name {
	case "", "tinylfu":
		return newTinyLFU[K], nil
	case "clock":
		return nil, nil // built into the cache
	case "lru":
		return newLRU[K], nil
	case "lfu":
		return newLFU[K], nil
	}
	return nil, fmt.Errorf("keycache: unknown policy %q", name)
}

// order is a policy that needs a lock.
type order[K comparable] interface {
	// add notes a ticket, perhaps in the place of an older one of its key, and
	// returns the one that has to go, if any.
	add(*Ticket[K]) (victim *Ticket[K])
	hit(*Ticket[K])
	remove(*Ticket[K])
}

// locked makes a Policy of an order.
type locked[K comparable] struct {
	evict func(*Ticket[K])
	mu    sync.Mutex
	o     order[K]
}

// Hit does not wait: look-ups must not queue up for a lock. What it misses then
// are uses of keys that are in use all the time.
func (p *locked[K]) Hit(t *Ticket[K]) {
	if p.mu.TryLock() {
		p.o.hit(t)
		p.mu.Unlock()
	}
}

func (p *locked[K]) Added(t *Ticket[K]) {
	p.mu.Lock()
	victim := p.o.add(t)
	p.mu.Unlock()
	if victim != nil {
		p.evict(victim)
	}
}

func (p *locked[K]) Removed(t *Ticket[K]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.o.remove(t)
}

func (p *locked[K]) Close() {}

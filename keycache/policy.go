package keycache

import "sync/atomic"

// Policy decides which keys stay when a cache is full. It never decides what a
// look-up finds: a policy that loses, delays or confuses calls costs hits, not
// correctness, and one that does not evict cannot make the cache outgrow its
// bound by more than an eighth and 64 entries. All methods may be called
// concurrently, and in another order than the changes that they tell of.
type Policy[K comparable] interface {
	// Hit says that the value was looked up and found.
	Hit(*Ticket[K])
	// Added says that the value entered the cache. An earlier value of the same
	// key has left it; Removed is not called for that. It is called once for a
	// ticket. For everything that
	// shall leave, the policy calls the evict function that it was made with,
	// now or later, as often as it likes; it does not call Removed for it.
	Added(*Ticket[K])
	// Removed says that the value left the cache otherwise than by evict and
	// was not replaced.
	Removed(*Ticket[K])
	// Close ends what the policy runs. The other methods may still be called.
	Close()
}

// NewPolicy makes the policy of a cache of a size. evict takes a value out of
// the cache if it is still there.
type NewPolicy[K comparable] func(size int, evict func(*Ticket[K])) Policy[K]

// Ticket stands for one value in a cache towards its policy. Two values of one
// key have two tickets.
type Ticket[K comparable] struct {
	key  K
	hash uint64
	gone atomic.Bool // left the table
	told atomic.Bool // the policy knows of it
}

// Key returns the key of the value.
func (t *Ticket[K]) Key() K { return t.key }

// Hash returns Config.Hash of the key.
func (t *Ticket[K]) Hash() uint64 { return t.hash }

// A policy begins when its cache is half full: before, nothing needs to leave,
// and most caches never hold more.

// policyFor returns the policy after e entered, or nil if there is none yet.
func (x *Cache[K, V]) policyFor() Policy[K] {
	if p := x.policy.Load(); p != nil {
		return *p
	}
	if x.c.Policy == nil || x.Len() < (x.c.Size+1)/2 {
		return nil
	}
	return x.begin()
}

// begin makes the policy and tells it of what is there.
func (x *Cache[K, V]) begin() Policy[K] {
	x.t.mu.Lock()
	p := x.policy.Load()
	first := p == nil && !x.closed.Load()
	if first {
		made := x.c.Policy(x.c.Size, x.evict)
		p = &made
		x.policy.Store(p)
	}
	x.t.mu.Unlock()
	if p == nil {
		return nil
	}
	if first {
		x.t.each(func(e *entry[K, V]) { x.tell(*p, e) })
	}
	return *p
}

// tell announces an entry to the policy, once.
func (x *Cache[K, V]) tell(p Policy[K], e *entry[K, V]) {
	if e.told.Swap(true) {
		return
	}
	p.Added(&e.Ticket)
	if x.Len() > x.most {
		x.evict(&e.Ticket)
	}
	if e.gone.Load() { // perhaps before the policy knew that it came
		p.Removed(&e.Ticket)
	}
}

// evict is what policies call.
func (x *Cache[K, V]) evict(t *Ticket[K]) {
	if e := x.t.findTicket(t); e != nil {
		x.take(e, Evicted)
	}
}

// Reason says why a value left a cache.
type Reason uint8

// The reasons.
const (
	Evicted  Reason = iota // the cache was full
	Expired                // Config.TTL was over
	Replaced               // another value was stored under the key
	Deleted                // Delete or DeleteFunc
	Closed                 // Close
)

// String returns the reason in a word.
func (r Reason) String() string {
	switch r {
	case Evicted:
		return "evicted"
	case Expired:
		return "expired"
	case Replaced:
		return "replaced"
	case Deleted:
		return "deleted"
	case Closed:
		return "closed"
	}
	return "unknown"
}

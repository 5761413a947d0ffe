package keycache

import (
	"sync"

	"github.com/dgraph-io/ristretto/v2"
)

// tinyLFU lets ristretto decide what stays. Ristretto is not asked what is
// there: it shows a value some time after it was set, drops sets under load,
// refuses values without saying so to the caller, tells keys apart by 64 bits of
// hash, and its callbacks come at any time (docs/decisions/2026-11-22-cache-policies.md
// has the list with the tests). What it does to its own copy of a ticket reaches
// the cache only as evict, which takes out exactly the value of that ticket.
type tinyLFU[K comparable] struct {
	evict func(*Ticket[K])

	mu      sync.Mutex
	pending []*Ticket[K] // of which ristretto does not know yet
	batch   int

	gate   sync.RWMutex // ristretto panics when it is used during its Close
	closed bool
	r      *ristretto.Cache[uint64, *Ticket[K]]
}

const (
	// countersPerEntry is the number of keys whose use is remembered for each one
	// that is kept. Ristretto recommends 10 and halves the counts after as many
	// look-ups, which forgets too fast for a cache of one key in a hundred.
	countersPerEntry = 64
	// maxCounters bounds their memory, about five bytes each.
	maxCounters = 1 << 26
	// maxBatch is half of how many values ristretto has yet to look at, at most:
	// its own buffer holds 32768, by which the cache would outgrow its size.
	// Handing them over together wakes its goroutine once.
	maxBatch = 64
	// noTTL keeps ristretto's ticker for expired values quiet, in seconds.
	noTTL = 24 * 60 * 60
)

func newTinyLFU[K comparable](size int, evict func(*Ticket[K])) Policy[K] {
	size = max(size, 1)
	p := &tinyLFU[K]{evict: evict, batch: min(max(size/8, 1), maxBatch)}
	r, err := ristretto.NewCache(&ristretto.Config[uint64, *Ticket[K]]{
		NumCounters:            min(int64(size)*countersPerEntry, maxCounters),
		MaxCost:                int64(size),
		BufferItems:            64,
		IgnoreInternalCost:     true,
		KeyToHash:              func(h uint64) (uint64, uint64) { return h, 0 },
		OnExit:                 p.exit,
		TtlTickerDurationInSec: noTTL,
	})
	if err != nil {
		panic(err) // only for sizes below one
	}
	p.r = r
	return p
}

// exit is called for everything that ristretto evicts, refuses, replaces or
// deletes, and with nil for what it deletes and does not have.
func (p *tinyLFU[K]) exit(t *Ticket[K]) {
	if t != nil {
		p.evict(t)
	}
}

// Hit does not wait for Close either.
func (p *tinyLFU[K]) Hit(t *Ticket[K]) {
	if !p.gate.TryRLock() {
		return
	}
	defer p.gate.RUnlock()
	if !p.closed {
		p.r.Get(t.hash)
	}
}

func (p *tinyLFU[K]) Added(t *Ticket[K]) {
	p.mu.Lock()
	p.pending = append(p.pending, t)
	var full []*Ticket[K]
	if len(p.pending) >= p.batch {
		full, p.pending = p.pending, make([]*Ticket[K], 0, p.batch)
	}
	p.mu.Unlock()
	if full != nil {
		p.hand(full)
	}
}

// hand gives values to ristretto, after it has decided on those before.
func (p *tinyLFU[K]) hand(all []*Ticket[K]) {
	p.gate.RLock()
	defer p.gate.RUnlock()
	if p.closed {
		return
	}
	p.r.Wait()
	for _, t := range all {
		p.set(t)
	}
}

func (p *tinyLFU[K]) set(t *Ticket[K]) {
	if t.gone.Load() {
		return
	}
	p.r.Get(t.hash) // counts the look-up that missed: refused keys come in later
	if !p.r.Set(t.hash, t, 1) {
		p.evict(t) // dropped, and nobody will be told
	} else if t.gone.Load() {
		p.r.Del(t.hash) // Removed may have come before
	}
}

func (p *tinyLFU[K]) Removed(t *Ticket[K]) {
	p.gate.RLock()
	defer p.gate.RUnlock()
	if !p.closed {
		p.r.Del(t.hash)
	}
}

func (p *tinyLFU[K]) Close() {
	p.gate.Lock()
	first := !p.closed
	p.closed = true
	p.gate.Unlock()
	if first {
		p.r.Close()
	}
}

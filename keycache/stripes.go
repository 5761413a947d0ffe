package keycache

import (
	"sync/atomic"
	"unsafe"
)

// An entry that several processors lease at once would have its reference count
// carried from one's cache to the other's for every look-up, which takes longer than
// what the value is leased for. So an entry that is seen to be leased by two at the
// same moment gets a count for each of some goroutines: a stripe.
//
// While the entry is in the table its own count holds the table's reference, so that
// nobody needs the sum. When it leaves, leave moves the stripes' counts to it, one
// after the other; a stripe that was moved is closed, and what would have changed it
// changes the entry's count.

// stripes are 1 KiB, so an entry gets them only if it is leased by two at once again
// and again, and not more than maxShared entries of the process have them.
type stripes struct {
	of [16]stripe
	// seed chooses which goroutine has which stripe, anew where two have one.
	seed atomic.Uint64
}

// stripe is in a cache line of its own.
type stripe struct {
	// refs has stripeClosed in its lowest bit, then 31 bits of references, then the
	// look-ups, which go round at 2^32.
	refs  atomic.Uint64
	local atomic.Int64 // see Lease.Local
	_     [48]byte
}

const (
	stripeClosed = 1
	stripeLease  = 1 << 1

	maxShared = 4096
	maxSeeds  = 64 // more goroutines than stripes cannot be told apart
)

// noStripes stands in an entry that has left its table: it gets none any more.
var noStripes stripes

// shared counts the entries that have stripes.
var shared atomic.Int64

// mine returns the stripe of the goroutine. Where its stack lies tells it from most
// others, and costs nothing to find out.
func (w *stripes) mine() *stripe {
	var here byte
	at := (uint64(uintptr(unsafe.Pointer(&here))>>11) + w.seed.Load()) * 0x9e3779b97f4a7c15
	return &w.of[at>>60]
}

// take takes a reference, and says the how manieth look-up of the stripe it was. It
// fails on a closed stripe.
func (w *stripes) take() (s *stripe, turn uint32, ok bool) {
	s = w.mine()
	v := s.refs.Load()
	if !s.refs.CompareAndSwap(v, v+stripeLease+oneHit) {
		if seed := w.seed.Load(); seed < maxSeeds {
			w.seed.CompareAndSwap(seed, seed+1)
		}
		v = s.refs.Add(stripeLease+oneHit) - stripeLease - oneHit
	}
	return s, uint32(v>>32) + 1, v&stripeClosed == 0
}

// release gives a reference back; it fails on a closed stripe, which does not have it
// any more.
func (s *stripe) release() bool { return s.refs.Add(^uint64(stripeLease-1))&stripeClosed == 0 }

// close returns the references and look-ups as an entry counts them.
func (s *stripe) close() uint64 {
	v := s.refs.Or(stripeClosed)
	return v&^refMask | v&refMask>>1
}

// contended notes that the entry was leased by two at the same moment, and gives it
// stripes if that happens often.
func (e *entry[K, V]) contended(lookups uint64) {
	if n := uint64(e.met.Add(1)); n < 8 || n*256 < lookups || e.shared.Load() != nil {
		return
	}
	if shared.Add(1) > maxShared || !e.shared.CompareAndSwap(nil, new(stripes)) {
		shared.Add(-1)
	}
}

// leaving is more than there can be references. A lease may be given back to the
// entry when its stripe is closed and the stripe's count is not yet added: without
// leaving that could take the count to zero, and the value from those who hold it.
const leaving = 1 << 30

// leave gives the table's reference back, after the entry was taken out.
func (e *entry[K, V]) leave() { e.leaveBy((*stripe).close) }

// leaveBy is leave with a close that a test can let something happen behind.
func (e *entry[K, V]) leaveBy(closeStripe func(*stripe) uint64) {
	s := e.shared.Swap(&noStripes)
	if s == nil {
		e.release()
		return
	}
	shared.Add(-1)
	e.refs.Add(leaving)
	for i := range s.of {
		e.refs.Add(closeStripe(&s.of[i]))
	}
	e.drop(leaving + 1)
}

package observe

import (
	"sync"
	"sync/atomic"
)

// SampleEvery is the number of values of which one is timed.
const SampleEvery = 256

// volume counts values and their bytes with one atomic addition: 24 bits of
// values above 40 bits of bytes, emptied into the totals when either is half
// full. 8192 callers at once, with the largest value each, still fit above that.
type volume struct {
	packed atomic.Uint64
	_      [56]byte // a cache line of its own

	mu            sync.Mutex
	values, bytes uint64
}

const (
	bytesBits = 40
	bytesMask = 1<<bytesBits - 1
	fullBytes = 1 << (bytesBits - 1)
	fullCount = 1 << 63
	maxAdd    = 1 << 26 // bytes that are added packed
)

// add counts. More than maxAdd bytes or 2^16 values go the long way.
func (v *volume) add(values, bytes uint64) {
	if bytes > maxAdd || values > 1<<16 {
		v.mu.Lock()
		v.values, v.bytes = v.values+values, v.bytes+bytes
		v.mu.Unlock()
		return
	}
	if v.packed.Add(values<<bytesBits|bytes)&(fullCount|fullBytes) != 0 {
		v.total()
	}
}

// one counts one value of at most maxAdd bytes: the way where every nanosecond
// counts.
func (v *volume) one(bytes uint64) {
	if v.packed.Add(1<<bytesBits|bytes)&(fullCount|fullBytes) != 0 {
		v.total()
	}
}

// total returns what was counted so far, and empties the packed part.
func (v *volume) total() (values, bytes uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.packed.Swap(0)
	v.values += p >> bytesBits
	v.bytes += p & bytesMask
	return v.values, v.bytes
}

// Sampler says which values are timed, for callers that count many at once.
type Sampler struct{ at uint64 }

// Next reports whether the next value is one to be timed.
func (s *Sampler) Next() bool {
	due := s.at%SampleEvery == 0
	s.at++
	return due
}

func (v *volume) sampler() Sampler { return Sampler{v.packed.Load() >> bytesBits} }

// sample reports whether the next value is one to be timed.
func (v *volume) sample() bool { return v.packed.Load()>>bytesBits%SampleEvery == 0 }

package observe

import (
	"math"
	"sync/atomic"
	"time"
)

// Bounds of the buckets in seconds, each inclusive; longer ones are counted in a
// last bucket without a bound.
var (
	valueBounds = []float64{250e-9, 500e-9, 1e-6, 2.5e-6, 5e-6, 10e-6, 25e-6, 100e-6, 1e-3, 10e-3, 1}
	callBounds  = []float64{10e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
)

// Bounds returns the upper bounds, in seconds, of the buckets for a kind of
// operation, so that other systems can have the same.
func Bounds(k Kind) []float64 {
	if k == Encrypt || k == Decrypt {
		return append([]float64(nil), valueBounds...)
	}
	return append([]float64(nil), callBounds...)
}

// histogram counts durations by bucket, without a lock.
type histogram struct {
	bounds []float64
	counts []atomic.Uint64 // one more than bounds
	sum    atomic.Int64    // nanoseconds
	most   atomic.Int64
}

func newHistogram(bounds []float64) *histogram {
	return &histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	s, i := d.Seconds(), 0
	for i < len(h.bounds) && s > h.bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(d))
	for {
		most := h.most.Load()
		if int64(d) <= most || h.most.CompareAndSwap(most, int64(d)) {
			return
		}
	}
}

// Histogram is a distribution of durations.
type Histogram struct {
	// Count is the number of durations, Sum their sum and Max the longest, in
	// seconds.
	Count uint64  `json:"count"`
	Sum   float64 `json:"sum_seconds"`
	Max   float64 `json:"max_seconds"`
	// Buckets count the durations up to a bound and above the one before, in
	// rising order. Empty buckets are left out.
	Buckets []Bucket `json:"buckets,omitempty"`
}

// Bucket is a part of a Histogram.
type Bucket struct {
	// UpTo is the bucket's bound in seconds; the last bucket has none, which is
	// written as 0.
	UpTo  float64 `json:"up_to_seconds"`
	Count uint64  `json:"count"`
}

func (h *histogram) stats() Histogram {
	out := Histogram{Sum: time.Duration(h.sum.Load()).Seconds(), Max: time.Duration(h.most.Load()).Seconds()}
	for i := range h.counts {
		n := h.counts[i].Load()
		if n == 0 {
			continue
		}
		out.Count += n
		b := Bucket{Count: n}
		if i < len(h.bounds) {
			b.UpTo = h.bounds[i]
		}
		out.Buckets = append(out.Buckets, b)
	}
	return out
}

// Quantile estimates the duration in seconds below which a share q of all lie:
// the bound of the bucket that it falls into, or Max. 0 without durations.
func (h Histogram) Quantile(q float64) float64 {
	if h.Count == 0 {
		return 0
	}
	need := uint64(math.Ceil(math.Min(math.Max(q, 0), 1) * float64(h.Count)))
	var n uint64
	for _, b := range h.Buckets {
		if n += b.Count; n >= need && b.UpTo != 0 {
			return math.Min(b.UpTo, h.Max)
		}
	}
	return h.Max
}

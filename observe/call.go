package observe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Call times the operations of one place in the program. A nil Call does
// nothing. Recorder.Call makes it once; using it takes no look-up.
type Call struct {
	r    *Recorder
	op   Op
	time *histogram

	failing atomic.Int64 // Unix nanoseconds of the first failure since an answer

	ok, absent atomic.Uint64 // of outcomes, the two that every new key meets

	mu       sync.Mutex
	outcomes map[Outcome]uint64
}

// Call returns the Call of an operation, whose KeyID and Digest are ignored.
func (r *Recorder) Call(op Op) *Call {
	if r == nil {
		return nil
	}
	op.KeyID, op.Digest = "", ""
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.calls[op]
	if c == nil {
		c = &Call{r: r, op: op, time: newHistogram(callBounds), outcomes: map[Outcome]uint64{}}
		r.calls[op] = c
	}
	return c
}

// Timing is an operation that has begun. The zero Timing is of none.
type Timing struct {
	c     *Call
	start time.Duration // since the Recorder began: half the price of time.Now
	ends  func(time.Duration, Outcome)
}

// Begin begins an operation about a key, or none.
func (c *Call) Begin(ctx context.Context, keyID string) (context.Context, Timing) {
	if c == nil {
		return ctx, Timing{}
	}
	t := Timing{c: c, start: time.Since(c.r.began)}
	if c.r.wants.Load()>>c.op.Kind&1 != 0 {
		op := c.op
		op.KeyID = keyID
		ctx, t.ends = c.r.begin(ctx, op)
	}
	return ctx, t
}

// End ends it.
func (t Timing) End(how Outcome) {
	if t.c == nil {
		return
	}
	took := time.Since(t.c.r.began) - t.start
	t.c.count(took, how)
	if t.ends != nil {
		t.ends(took, how)
	}
}

func (c *Call) count(took time.Duration, how Outcome) {
	c.time.add(took)
	switch how {
	case OK:
		c.ok.Add(1)
	case Absent:
		c.absent.Add(1)
	default:
		c.mu.Lock()
		c.outcomes[how]++
		c.mu.Unlock()
	}
	switch {
	case answered(how):
		if c.failing.Load() != 0 {
			c.failing.Store(0)
		}
	case how != Canceled && how != LeftOut:
		c.failing.CompareAndSwap(0, time.Now().UnixNano())
	}
}

func (c *Call) stats() CallStats {
	s := CallStats{
		Provider: c.op.Provider, Region: c.op.Region, Operation: c.op.Name,
		Seconds: c.time.stats(), Outcomes: map[Outcome]uint64{},
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, n := range c.outcomes {
		s.Outcomes[k] = n
	}
	for k, n := range map[Outcome]uint64{OK: c.ok.Load(), Absent: c.absent.Load()} {
		if n > 0 {
			s.Outcomes[k] = n
		}
	}
	if at := c.failing.Load(); at != 0 {
		t := time.Unix(0, at).UTC()
		s.FailingSince = &t
	}
	return s
}

// attached is an Observer with what it wants to hear of.
type attached struct {
	o       Observer
	kinds   Kinds
	digests bool
}

// Attach has o told of operations of the kinds given, from now until detach is
// called. With digests, statements are named by a hash of their text without
// values, which costs reading the text once more.
func (r *Recorder) Attach(o Observer, ks Kinds, digests bool) (detach func()) {
	a := &attached{o, ks, digests}
	r.change(func(all []*attached) []*attached { return append(all, a) })
	var once sync.Once
	return func() {
		once.Do(func() {
			r.change(func(all []*attached) (left []*attached) {
				for _, b := range all {
					if b != a {
						left = append(left, b)
					}
				}
				return left
			})
		})
	}
}

func (r *Recorder) change(f func([]*attached) []*attached) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var now []*attached
	if p := r.observers.Load(); p != nil {
		now = append(now, *p...)
	}
	now = f(now)
	var wants Kinds
	digests := false
	for _, a := range now {
		wants |= a.kinds
		digests = digests || a.digests
	}
	r.observers.Store(&now)
	r.wants.Store(uint32(wants))
	r.digests.Store(digests)
}

// begin tells those who want to hear of it.
func (r *Recorder) begin(ctx context.Context, op Op) (context.Context, func(time.Duration, Outcome)) {
	p := r.observers.Load()
	if p == nil {
		return ctx, nil
	}
	var ends func(time.Duration, Outcome)
	for _, a := range *p {
		if !a.kinds.Has(op.Kind) {
			continue
		}
		var end func(time.Duration, Outcome)
		if ctx, end = a.o.Begin(ctx, op); end != nil {
			ends = both(ends, end)
		}
	}
	return ctx, ends
}

func both(f, g func(time.Duration, Outcome)) func(time.Duration, Outcome) {
	if f == nil {
		return g
	}
	return func(d time.Duration, how Outcome) { f(d, how); g(d, how) }
}

type contextKey struct{}

// NewContext returns a context for what is asked of providers on behalf of r, so
// that those with several regions can report them.
func NewContext(ctx context.Context, r *Recorder) context.Context {
	if r == nil {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, r)
}

// FromContext returns the Recorder of NewContext, or nil, which counts nothing.
func FromContext(ctx context.Context) *Recorder {
	r, _ := ctx.Value(contextKey{}).(*Recorder)
	return r
}

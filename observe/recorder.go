package observe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Recorder counts. All methods may be called concurrently and on nil, which
// counts nothing. Programs read it, by Stats, and attach Observers; the other
// methods are for this module's own packages.
type Recorder struct {
	began              time.Time
	sealed, opened     volume
	sealTime, openTime *histogram

	passed, planned, refused, executed atomic.Uint64
	rows, filtered                     atomic.Uint64
	mismatches                         atomic.Uint64
	planTime                           *histogram
	catalogReads, catalogFailures      atomic.Uint64
	catalogFailing                     atomic.Int64
	bypasses                           atomic.Uint64

	revoked, clock, staleServed, staleRefused atomic.Uint64
	staleSince                                atomic.Int64 // Unix nanoseconds; 0 for never

	wants     atomic.Uint32 // Kinds that some Observer wants
	digests   atomic.Bool
	observers atomic.Pointer[[]*attached]

	wordMu sync.Mutex // not held while sources are asked
	words  map[wordKey]uint64

	mu      sync.Mutex
	calls   map[Op]*Call
	sources map[*source]struct{}
	past    Stats // what sources that are gone have counted
}

// wordKey is a counter with a name and a reason.
type wordKey struct{ of, word string }

// The names of counters by reason.
const (
	ofRefusal = "refusal"
	ofSeal    = "seal"
	ofOpen    = "open"
	ofCreated = "created"
	ofRotated = "rotated"
)

// New returns a Recorder that has counted nothing.
func New() *Recorder {
	return &Recorder{
		began: time.Now(), sealTime: newHistogram(valueBounds), openTime: newHistogram(valueBounds), planTime: newHistogram(callBounds),
		calls: map[Op]*Call{}, words: map[wordKey]uint64{}, sources: map[*source]struct{}{},
	}
}

// Sealed counts values that were sealed, with the bytes of their payloads.
func (r *Recorder) Sealed(values, bytes int) {
	if r != nil && values > 0 {
		r.sealed.add(uint64(values), uint64(bytes))
	}
}

// Opened counts values that were opened, with the bytes of their payloads.
func (r *Recorder) Opened(values, bytes int) {
	if r != nil && values > 0 {
		r.opened.add(uint64(values), uint64(bytes))
	}
}

// SealedOne and OpenedOne count one value of at most 64 MiB.
func (r *Recorder) SealedOne(bytes int) {
	if r != nil {
		r.sealed.one(uint64(bytes))
	}
}

// OpenedOne: see SealedOne.
func (r *Recorder) OpenedOne(bytes int) {
	if r != nil {
		r.opened.one(uint64(bytes))
	}
}

// SampleSeal and SampleOpen report whether the next value is one to be timed.
func (r *Recorder) SampleSeal() bool { return r != nil && r.sealed.sample() }

// SampleOpen: see SampleSeal.
func (r *Recorder) SampleOpen() bool { return r != nil && r.opened.sample() }

// SealSampler and OpenSampler are SampleSeal and SampleOpen for the values of one
// statement.
func (r *Recorder) SealSampler() Sampler {
	if r == nil {
		return Sampler{at: 1}
	}
	return r.sealed.sampler()
}

// OpenSampler: see SealSampler.
func (r *Recorder) OpenSampler() Sampler {
	if r == nil {
		return Sampler{at: 1}
	}
	return r.opened.sampler()
}

// Took records the time that one value took.
func (r *Recorder) Took(ctx context.Context, k Kind, start time.Time) {
	if r == nil {
		return
	}
	d := time.Since(start)
	if k == Encrypt {
		r.sealTime.add(d)
	} else {
		r.openTime.add(d)
	}
	if r.wants.Load()>>k&1 == 0 {
		return
	}
	for _, a := range *r.observers.Load() {
		if a.kinds.Has(k) {
			a.o.Sampled(ctx, k, d)
		}
	}
}

// NotSealed and NotOpened count values that could not be, by reason.
func (r *Recorder) NotSealed(why string) { r.word(ofSeal, why) }

// NotOpened: see NotSealed.
func (r *Recorder) NotOpened(why string) { r.word(ofOpen, why) }

func (r *Recorder) word(of, word string) {
	if r == nil {
		return
	}
	r.wordMu.Lock()
	r.words[wordKey{of, word}]++
	r.wordMu.Unlock()
}

// Passed and Planned count statements that went out as they came, and those of
// which values are sealed or opened, when they are planned.
func (r *Recorder) Passed() {
	if r != nil {
		r.passed.Add(1)
	}
}

// Planned: see Passed.
func (r *Recorder) Planned() {
	if r != nil {
		r.planned.Add(1)
	}
}

// Refused counts a statement that was not run, by reason.
func (r *Recorder) Refused(why string) {
	if r != nil {
		r.refused.Add(1)
		r.word(ofRefusal, why)
	}
}

// Executed counts the executions of prepared statements.
func (r *Recorder) Executed() {
	if r != nil {
		r.executed.Add(1)
	}
}

// Rows counts rows that were opened, and rows that a filter left out.
func (r *Recorder) Rows(shown, filtered int) {
	if r == nil {
		return
	}
	if shown > 0 {
		r.rows.Add(uint64(shown))
	}
	if filtered > 0 {
		r.filtered.Add(uint64(filtered))
	}
}

// IndexMismatch counts a value that its search index does not belong to.
func (r *Recorder) IndexMismatch() {
	if r != nil {
		r.mismatches.Add(1)
	}
}

// Bypassed counts inner connections that were handed out.
func (r *Recorder) Bypassed() {
	if r != nil {
		r.bypasses.Add(1)
	}
}

// CatalogRead counts readings of the database's catalog.
func (r *Recorder) CatalogRead(ok bool) {
	switch {
	case r == nil:
	case ok:
		r.catalogReads.Add(1)
		r.catalogFailing.Store(0)
	default:
		r.catalogFailures.Add(1)
		r.catalogFailing.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// PlanMade tells of a plan that the cache did not have and that took the time
// from start until now.
func (r *Recorder) PlanMade(ctx context.Context, start time.Time, took time.Duration, how Outcome) {
	if r == nil {
		return
	}
	r.planTime.add(took)
	if r.wants.Load()>>Plan&1 == 0 {
		return
	}
	if _, end := r.begin(WithStart(ctx, start), Op{Kind: Plan, Name: "plan"}); end != nil {
		end(took, how)
	}
}

type startKey struct{}

// WithStart marks the context of Observer.Begin for an operation that began
// before it was known to be one; Started reads it.
func WithStart(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, startKey{}, at)
}

// Started returns when the operation of Observer.Begin began: now, nearly
// always.
func Started(ctx context.Context) time.Time {
	if t, ok := ctx.Value(startKey{}).(time.Time); ok {
		return t
	}
	return time.Now()
}

// WantsStatements reports whether an Observer wants to hear of statements, and
// whether with digests.
func (r *Recorder) WantsStatements() (wants, digests bool) {
	if r == nil || r.wants.Load()>>Statement&1 == 0 {
		return false, false
	}
	return true, r.digests.Load()
}

// StatementBegan tells of a statement. It is called where WantsStatements says
// so.
func (r *Recorder) StatementBegan(ctx context.Context, dialect, name, digest string) (context.Context, func(Outcome)) {
	start := time.Now()
	ctx, end := r.begin(ctx, Op{Kind: Statement, Provider: dialect, Name: name, Digest: digest})
	return ctx, func(how Outcome) {
		if end != nil {
			end(time.Since(start), how)
		}
	}
}

// KeyCreated counts a key that was made, of a level ("system", "intermediate",
// "named", "index"), and whether it took the place of an older one.
func (r *Recorder) KeyCreated(level string, rotated bool) {
	if rotated {
		r.word(ofRotated, level)
	}
	r.word(ofCreated, level)
}

// KeyRevoked counts keys that this process has found to be revoked.
func (r *Recorder) KeyRevoked() {
	if r != nil {
		r.revoked.Add(1)
	}
}

// FromFuture counts keys whose creation time is ahead of this process's clock by
// more than is allowed.
func (r *Recorder) FromFuture() {
	if r != nil {
		r.clock.Add(1)
	}
}

// Stale counts a key that was used although its state could not be checked in
// time, or, with refused, that was not used for that.
func (r *Recorder) Stale(refused bool) {
	if r == nil {
		return
	}
	if refused {
		r.staleRefused.Add(1)
	} else {
		r.staleServed.Add(1)
	}
	r.staleSince.CompareAndSwap(0, time.Now().UnixNano())
}

// Checked tells that the state of a key could be checked.
func (r *Recorder) Checked() {
	if r != nil && r.staleSince.Load() != 0 {
		r.staleSince.Store(0)
	}
}

// Source adds to statistics what is counted elsewhere.
type Source interface {
	// Counters adds what only ever grows; Gauges what is so now.
	Counters(s *Stats)
	Gauges(s *Stats)
}

type source struct{ Source }

// Add makes a Source part of the statistics until remove is called, from when on
// its counters stay as they are.
func (r *Recorder) Add(x Source) (remove func()) {
	if r == nil {
		return func() {}
	}
	s := &source{x}
	r.mu.Lock()
	r.sources[s] = struct{}{}
	r.mu.Unlock()
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if _, ok := r.sources[s]; ok {
			delete(r.sources, s)
			s.Counters(&r.past)
		}
	}
}

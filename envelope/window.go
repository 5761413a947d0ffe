package envelope

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql/keycache"
)

// window is the time in which a loaded state counts as checked, in ticks.
type window struct {
	soft  atomic.Int64 // from here the state is read again in the background
	hard  atomic.Int64 // from here a caller waits for that
	stale int64        // from here nobody encrypts if it fails (threats T28)
	limit int64        // the key's expiry: no outage moves it
	meta  KeyMeta      // the key's row
	above above        // of a key that a system key wraps
}

// retryAfter spaces attempts to read a state that cannot be read.
const retryAfter = 5 * time.Second

// patience is how long a caller whose key is due to be checked, and may go on
// sealing if it cannot be, waits for a store that does not answer.
const patience = time.Second

// open starts the window at tick t, for a key that expires at tick limit.
func (w *window) open(t int64, p *Policy, limit int64) {
	// Jitter keeps keys that were loaded together, and processes that began
	// together, from asking together.
	early := p.RevokeCheck/10 + time.Duration(rand.Int64N(int64(p.RevokeCheck/5)+1))
	w.limit = limit
	w.soft.Store(t + int64(p.RevokeCheck-early))
	w.hard.Store(min(t+int64(p.RevokeCheck), limit))
	w.stale = min(t+int64(p.MaxStale), limit)
}

// expire ends the window: the next user waits for a new state.
func (w *window) expire() { w.hard.Store(0) }

// windowed is a cached value with a window.
type windowed interface {
	keycache.Value
	checked() *window
}

// current leases the value of k if its state needs no look at all: the way of
// nearly every call.
func current[K comparable, V windowed](h *hierarchy, c *keycache.Cache[K, V], k K) (keycache.Lease[K, V], bool) {
	l, ok := c.Find(k)
	if !ok {
		return l, false
	}
	if w, t := l.Value().checked(), h.tick(); t < w.soft.Load() && t < w.until() {
		return l, true
	}
	l.Release()
	return keycache.Lease[K, V]{}, false
}

// fresh leases the value of k if its state was checked within the interval, and
// otherwise loads it again. When that fails it goes on with what it has until
// the window is stale, except if the store's answer was that something is wrong.
func fresh[K comparable, V windowed](ctx context.Context, h *hierarchy, c *keycache.Cache[K, V], k K, keep bool, load func(context.Context) (V, error)) (keycache.Lease[K, V], error) {
	old, ok := c.Peek(k)
	if !ok {
		l, err := cached(ctx, c, k, keep, load)
		return l, h.loadError(err)
	}
	w, t := old.Value().checked(), h.tick()
	if err := h.lookAbove(ctx, w, t); err != nil {
		old.Release()
		return keycache.Lease[K, V]{}, h.loadError(err)
	}
	if t < w.hard.Load() {
		if soft := w.soft.Load(); t >= soft && w.soft.CompareAndSwap(soft, t+int64(retryAfter)) {
			c.Refresh(ctx, k, load)
		}
		return old, nil
	}
	stale := w.staleFrom()
	l, err := reload(ctx, c, k, load, t < stale)
	if err == nil {
		old.Release()
		return l, nil
	}
	if t < stale && outage(ctx, err) && !h.knownRevoked(w) {
		h.obs.rec.Stale(false)
		h.obs.warn.Warn("sealsql: the state of a key could not be checked; going on with it for now", "outcome", Outcome(err), "err", err)
		w.hard.Store(min(t+int64(retryAfter), stale))
		return old, nil
	}
	old.Release()
	if t >= stale && t < w.limit && outage(ctx, err) {
		err = h.tooStale(err)
	}
	return l, h.loadError(err)
}

// tooStale makes ErrStale of the error for which a state could not be read.
func (h *hierarchy) tooStale(err error) error {
	if errors.Is(err, ErrStale) {
		return err // of the key above
	}
	h.obs.rec.Stale(true)
	h.obs.warn.Error("sealsql: the state of a key could not be checked for too long; nothing is sealed under it", "outcome", Outcome(err), "err", err)
	return &staleError{err}
}

// reload loads the value of k again. A caller who can do without waits for a
// while only; the load goes on.
func reload[K comparable, V windowed](ctx context.Context, c *keycache.Cache[K, V], k K, load func(context.Context) (V, error), dispensable bool) (keycache.Lease[K, V], error) {
	if !dispensable {
		return c.Load(ctx, k, load)
	}
	short, cancel := patient(ctx)
	defer cancel()
	return c.Load(short, k, load)
}

// patient bounds a wait for something that the caller can do without: by
// patience, and by half of his own time, so that he still has the other half.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	wait := patience
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end)/2)
	}
	return context.WithTimeout(ctx, wait)
}

// outage reports whether err says nothing about the key: neither the caller gave
// up, nor did the store hold something it should not.
func outage(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !errors.Is(err, ErrTampered) && !errors.Is(err, ErrShredded) && !errors.Is(err, keycache.ErrClosed)
}

// staleError adds ErrStale to the reason for which the check failed.
type staleError struct{ err error }

func (e *staleError) Error() string        { return ErrStale.Error() + ": " + e.err.Error() }
func (e *staleError) Unwrap() error        { return e.err }
func (e *staleError) Is(target error) bool { return target == ErrStale }

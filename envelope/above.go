package envelope

import (
	"context"
	"errors"
	"sync/atomic"
)

// above is what a key's window knows of the system key that wraps it. The state
// of that key has an interval of its own, which began at another time: without
// looking at it again a revocation of the system key would reach what it wraps
// after up to two intervals (threats T28).
type above struct {
	created int64        // of the system key; 0: there is none
	look    atomic.Int64 // tick from which its state is looked at again
	stale   atomic.Int64 // tick from which nobody encrypts if that fails
}

// note takes over how long a state of the system key counts, at tick t.
func (a *above) note(t int64, st *systemState) {
	look := st.w.hard.Load()
	if soft := st.w.soft.Load(); soft > t { // or it is being read
		look = min(look, soft)
	}
	a.stale.Store(st.w.stale)
	a.look.Store(look)
}

// until is the tick from which a caller may have to wait for a state, that of the
// key or of the one above it.
func (w *window) until() int64 {
	if w.above.created == 0 {
		return w.hard.Load()
	}
	return min(w.hard.Load(), w.above.look.Load())
}

// staleFrom is the tick from which nobody encrypts if a state cannot be read.
func (w *window) staleFrom() int64 {
	if w.above.created == 0 {
		return w.stale
	}
	return min(w.stale, w.above.stale.Load())
}

// lookAbove looks at the state of the system key where it is time to: nearly
// always that is in memory, and read again in the background. A system key that
// may not seal any more ends the window of the key below.
func (h *hierarchy) lookAbove(ctx context.Context, w *window, t int64) error {
	a := &w.above
	if a.created == 0 || t < a.look.Load() || t >= w.hard.Load() { // then the key is loaded with all that is above
		return nil
	}
	short, cancel := patient(ctx)
	defer cancel()
	l, err := h.systemOf(short, h.systemMeta(w))
	switch {
	case err == nil:
		defer l.Release()
		if st := l.Value(); st.usable && t < st.w.limit {
			a.note(t, st)
			return nil
		}
		w.expire()
	case errors.Is(err, ErrKeyNotFound), errors.Is(err, ErrKeyRetired): // another key is made
		w.expire()
	case !outage(ctx, err):
		return err
	case h.knownRevoked(w):
		w.expire()
	case t < a.stale.Load():
		h.obs.rec.Stale(false)
		a.look.Store(min(t+int64(retryAfter), a.stale.Load()))
	default:
		return h.tooStale(err)
	}
	return nil
}

func (h *hierarchy) systemMeta(w *window) KeyMeta {
	return KeyMeta{h.scheme.systemID(), w.above.created}
}

// knownRevoked reports whether this process has seen the key, or the one above
// it, revoked. Such a key seals no more, whatever keeps a new one from being made.
func (h *hierarchy) knownRevoked(w *window) bool {
	return h.revoked.has(w.meta) || w.above.created != 0 && h.revoked.has(h.systemMeta(w))
}

package envelope

import (
	"errors"
	"sync/atomic"
)

// homeward remembers when the metastore itself, and no copy of it, was last read:
// the tick, 0 for the beginning of the process.
type homeward struct{ last atomic.Int64 }

// errReplica is why a key that a replica calls active does not seal any more.
var errReplica = errors.New("sealsql: the metastore answers from a replica, which may lag behind, for too long")

// heard notes where a row comes from and returns the tick from which nobody
// encrypts by what it says, if it is not read again: with a replica that is
// MaxStale after the metastore itself was read last, however often the replica
// says the same (threats T28).
func (h *hierarchy) heard(t int64, rec *KeyRecord) (stale int64, err error) {
	if !rec.Replica {
		h.home.last.Store(t)
		return t + int64(h.policy.MaxStale), nil
	}
	if stale = h.home.last.Load() + int64(h.policy.MaxStale); t >= stale {
		return 0, h.tooStale(errReplica)
	}
	return stale, nil
}

// end bounds a window that was just opened.
func (w *window) end(stale int64) {
	w.stale = min(w.stale, stale)
	w.hard.Store(min(w.hard.Load(), stale))
}

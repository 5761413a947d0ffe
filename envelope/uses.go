package envelope

import (
	"context"
	"sync"
	"sync/atomic"
)

// Keys that wrap others under random nonces do so 2^32 times at most (SP 800-38D
// §8.3). What each process counts, and why that is enough for all together, is in
// docs/decisions/2026-11-22-uses-of-wrapping-keys.md.

// maxWraps is the number of keys that one process wraps under one system key
// before it makes a new one.
const maxWraps = 1 << 20

// wrappingSystem leases the system key for wrapping one more key. Where this
// process has wrapped enough under it, the first to notice makes a new one; if
// that fails it goes on with what there is, and tries again later.
func (h *hierarchy) wrappingSystem(ctx context.Context) (systemLease, error) {
	l, err := h.latestSystem(ctx)
	if err != nil {
		return l, err
	}
	k := l.Value().key.Value()
	if n := k.wraps.Add(1); n < h.maxWraps || !k.renewing.CompareAndSwap(false, true) {
		return l, nil
	}
	made, err := rotate(ctx, h, h.systemLevel())
	if err != nil {
		k.wraps.Add(-h.maxWraps / 16)
		k.renewing.Store(false)
		h.log.Warn("sealsql: a system key has wrapped many keys and could not be replaced; going on with it for now",
			"key_id", k.meta.ID, "created", k.meta.Created, "err", err)
		return l, nil
	}
	h.log.Info("sealsql: a system key has wrapped many keys and was replaced", "key_id", made.ID, "created", made.Created)
	h.states.Delete(KeyMeta{ID: k.meta.ID})
	l.Release()
	return h.latestSystem(ctx)
}

// useCounts counts the uses of keys for as long as the process lives, also while
// a key is not in memory: a key that is loaded again goes on where it was.
type useCounts struct {
	mu  sync.Mutex
	set map[uint64]*atomic.Int64
}

// maxUseCounts bounds the set. Beyond it the least used of a few goes.
const maxUseCounts = 1 << 16

// of returns the counter of a key.
func (x *useCounts) of(id intermediateID) *atomic.Int64 {
	h := id.hash()
	x.mu.Lock()
	defer x.mu.Unlock()
	if n := x.set[h]; n != nil {
		return n
	}
	if x.set == nil {
		x.set = map[uint64]*atomic.Int64{}
	}
	if len(x.set) >= maxUseCounts {
		x.drop()
	}
	n := &atomic.Int64{}
	x.set[h] = n
	return n
}

// drop forgets the least used of eight. The caller holds mu.
func (x *useCounts) drop() {
	var least uint64
	fewest, seen := int64(-1), 0
	for h, n := range x.set {
		if c := n.Load(); fewest < 0 || c < fewest {
			least, fewest = h, c
		}
		if seen++; seen == 8 {
			break
		}
	}
	delete(x.set, least)
}

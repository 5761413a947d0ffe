package envelope

import (
	"context"
	"sync"
	"sync/atomic"
)

// Keys that wrap others under random nonces do so 2^32 times at most (SP 800-38D
// §8.3), in all processes together, none of which sees what the others do. Each
// counts its own, which replaces keys in good order, and the lot bounds the sum:
// docs/decisions/2026-11-22-uses-of-wrapping-keys.md has the arithmetic.

// lotSize is the number of uses of which one, in the mean, is the last of its
// key. That none of 2^31 uses is drawn has probability e^-32, below 2^-46.
const lotSize = 1 << 26

// drawn reports whether a wrapping key is to be replaced after the use with this
// nonce. Nonces are uniform and independent, from the kernel's generator, however
// many processes, and copies of processes, use the key: no further random number
// could be more so, and none is needed. Everybody can see which nonces those are.
func (h *hierarchy) drawn(nonce []byte) bool { return le32(nonce)&(h.lot-1) == 0 }

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
	if n := k.wraps.Add(1); n < h.maxWraps || !h.renewSystem(ctx, k) {
		return l, nil
	}
	l.Release()
	return h.latestSystem(ctx)
}

// wrapped is told of every key that was wrapped under a system key, and replaces
// that where the lot has fallen on it: at once, for this process may be about to
// end.
func (h *hierarchy) wrapped(ctx context.Context, parent *systemKey, rec *KeyRecord) {
	if h.drawn(h.scheme.nonce(rec.Key)) {
		h.renewSystem(ctx, parent)
	}
}

// renewSystem makes a system key in the place of one that has wrapped enough, and
// reports whether it did: not if somebody does so now, or has.
func (h *hierarchy) renewSystem(ctx context.Context, k *systemKey) bool {
	if !k.renewing.CompareAndSwap(false, true) {
		return false
	}
	made, err := rotate(ctx, h, h.systemLevel())
	if err != nil {
		k.wraps.Store(h.maxWraps - h.maxWraps/16)
		k.renewing.Store(false)
		h.log.Warn("sealsql: a system key has wrapped many keys and could not be replaced; going on with it for now",
			"key_id", k.meta.ID, "created", k.meta.Created, "err", err)
		return false
	}
	h.log.Info("sealsql: a system key has wrapped many keys and was replaced", "key_id", made.ID, "created", made.Created)
	h.states.Delete(KeyMeta{ID: k.meta.ID})
	return true
}

// renew makes a key in the place of an intermediate key on which the lot has
// fallen. If it cannot, this process makes one at its next use, others go on.
func (h *hierarchy) renew(ctx context.Context, partition string, created int64) {
	lv := h.intermediateLevel(partition)
	made, err := rotate(ctx, h, lv)
	if err != nil {
		h.log.Warn("sealsql: the key of a partition has wrapped many keys and could not be replaced at once",
			"key_id", lv.keyID(), "created", created, "err", err)
	} else {
		h.log.Info("sealsql: the key of a partition has wrapped many keys and was replaced", "key_id", made.ID, "created", made.Created)
	}
	h.revoked.add(KeyMeta{lv.keyID(), created})
	if l, ok := h.latest.Peek(partition); ok {
		if v := l.Value(); v.key.Value().created == created {
			v.w.expire()
		}
		l.Release()
	}
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

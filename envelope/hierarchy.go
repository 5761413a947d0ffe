package envelope

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/securemem"
)

// services is what the hierarchies of one Sealer share.
type services struct {
	service, product string
	store            Metastore
	kms              KeyManagementService
	policy           *Policy
	cache            CacheConfig
	arena            *securemem.Arena
	log              *slog.Logger
	now              func() time.Time
	base             time.Time
	fixed            bool // the clock is not ours
	recent           recent
	closed           atomic.Bool
	mending          repairs
	events           func(context.Context, KeyEvent)
	obs              observed
}

// tick returns a monotonic time in nanoseconds since the Sealer was made. It and
// recentTick are the only clocks of the warm path.
func (v *services) tick() int64 {
	if v.fixed {
		return int64(v.now().Sub(v.base))
	}
	return int64(time.Since(v.base))
}

func (v *services) loadError(err error) error {
	if errors.Is(err, keycache.ErrClosed) || err != nil && v.closed.Load() {
		return ErrClosed
	}
	return err
}

// hierarchy is one chain of system keys with the intermediate keys below it:
// how they are loaded, made, rotated and revoked. What the formats differ in is
// the scheme.
type hierarchy struct {
	*services
	scheme scheme

	systems       *keycache.Cache[KeyMeta, *systemKey]
	states        *keycache.Cache[KeyMeta, *systemState] // Created 0: the newest
	intermediates *keycache.Cache[intermediateID, *intermediateKey]
	latest        *keycache.Cache[string, *latestKey]
	revoked       stickySet
	floors        floors
	home          homeward
	maxWraps      int64
	lot           uint32 // a power of two

	// firstOfPartition and firstSystem run when the first intermediate key of a
	// partition is about to be made, and when the first system key was stored.
	firstOfPartition func(ctx context.Context, partition string) error
	firstSystem      func(ctx context.Context, key *systemKey) error
	// shredded runs when a partition is found to be destroyed.
	shredded func(partition string)
}

// negativeTTL is how long an absent key is not asked for again. It bounds what
// rows that name keys which do not exist cost the store.
const negativeTTL = 5 * time.Second

// lasting reports an error that stays for a while: the key is not there, or not
// to be used.
func lasting(err error) bool {
	return errors.Is(err, ErrKeyNotFound) || errors.Is(err, ErrShredded) || errors.Is(err, ErrKeyRetired)
}

func newHierarchy(v *services, x scheme) *hierarchy {
	meta := func(k KeyMeta) uint64 { return hashString(k.ID) ^ mix(uint64(k.Created)) }
	return &hierarchy{
		services: v, scheme: x, maxWraps: maxWraps, lot: lotSize,
		systems: keycache.New[KeyMeta, *systemKey](keycache.Config[KeyMeta]{
			Hash: meta, Size: v.cache.System, Negative: negativeTTL, IsNegative: lasting,
		}),
		states:        keycache.New[KeyMeta, *systemState](keycache.Config[KeyMeta]{Hash: meta, Size: v.cache.System}),
		intermediates: intermediateCache[intermediateID, *intermediateKey](&v.cache, intermediateID.hash, true),
		latest:        intermediateCache[string, *latestKey](&v.cache, hashString, false),
	}
}

// forget drops a partition's keys from the caches.
func (h *hierarchy) forget(partition string) {
	h.latest.Delete(partition)
	h.intermediates.DeleteFunc(func(k intermediateID, _ *intermediateKey) bool { return k.partition == partition })
}

// closeCaches wipes the keys and waits for running loads until the time given.
func (h *hierarchy) closeCaches(until time.Time) {
	h.latest.Close(time.Until(until))
	h.intermediates.Close(time.Until(until))
	h.states.Close(time.Until(until))
	h.systems.Close(time.Until(until))
}

// cached leases what a cache has, or loads it. What shall not be kept leaves the
// cache at once.
func cached[K comparable, V keycache.Value](ctx context.Context, c *keycache.Cache[K, V], k K, keep bool, load func(context.Context) (V, error)) (keycache.Lease[K, V], error) {
	l, err := c.GetOrLoad(ctx, k, load)
	if err == nil && !keep {
		c.Delete(k)
	}
	return l, err
}

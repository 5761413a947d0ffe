package envelope

import (
	"errors"
	"fmt"
	"time"

	"github.com/sealsql/sealsql/keycache"
)

// CacheConfig bounds the key caches. Zero values are defaults.
type CacheConfig struct {
	// Intermediate is the number of intermediate keys (one or a few for a
	// partition) kept for sealing, and again for opening; 10000.
	Intermediate int
	// IntermediatePolicy decides which intermediate keys stay, by a name of
	// keycache.PolicyNames; tinylfu. Data keys have second chance (clock), which
	// costs nothing when a value is sealed.
	IntermediatePolicy string
	// IntermediateTTL is the longest time for which an intermediate key stays in
	// memory, used or not; two hours. Negative is for ever.
	IntermediateTTL time.Duration
	// System is the number of system keys kept, one for each generation; 256.
	System int
	// DataKeys is the number of expanded data keys kept for sealing, one for a
	// column and partition, and again for opening; 1024. Each takes 768 bytes of
	// locked memory.
	DataKeys int
	// DataKeyTTL is the longest time for which a data key stays in memory; ten
	// minutes. Negative is for ever.
	DataKeyTTL time.Duration
	// NoSystem and NoIntermediate keep no keys of the level at all: each use
	// asks the metastore, and for system keys the key management service. That
	// is for tests of revocation, and for short-lived processes.
	NoSystem, NoIntermediate bool
}

// withDefaults fills in defaults and refuses policies that do not exist.
func (c CacheConfig) withDefaults() (CacheConfig, error) {
	if c.Intermediate <= 0 {
		c.Intermediate = 10000
	}
	if c.System <= 0 {
		c.System = 256
	}
	if c.DataKeys <= 0 {
		c.DataKeys = 1024
	}
	if c.IntermediateTTL == 0 {
		c.IntermediateTTL = 2 * time.Hour
	}
	if c.DataKeyTTL == 0 {
		c.DataKeyTTL = 10 * time.Minute
	}
	if _, err := keycache.Named[string](c.IntermediatePolicy); err != nil {
		return c, fmt.Errorf("sealsql: %w", err)
	}
	return c, nil
}

// intermediateCache makes a cache with the settings of intermediate keys.
func intermediateCache[K comparable, V keycache.Value](c *CacheConfig, hash func(K) uint64, negative bool) *keycache.Cache[K, V] {
	kc := keycache.Config[K]{Hash: hash, Size: c.Intermediate, TTL: c.IntermediateTTL}
	kc.Policy, _ = keycache.Named[K](c.IntermediatePolicy) // withDefaults has checked the name
	kc.Negative, kc.IsNegative = negativeTTL, lasting
	if !negative { // of the newest keys only that they are gone for good
		kc.IsNegative = func(err error) bool { return errors.Is(err, ErrShredded) }
	}
	return keycache.New[K, V](kc)
}

// dataCache makes a cache with the settings of expanded keys.
func dataCache[K comparable, V keycache.Value](c *CacheConfig, hash func(K) uint64) *keycache.Cache[K, V] {
	return keycache.New[K, V](keycache.Config[K]{Hash: hash, Size: c.DataKeys, TTL: c.DataKeyTTL})
}

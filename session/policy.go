package session

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/keycache"
)

// The defaults of NewCryptoPolicy, which are Asherah's.
const (
	DefaultExpireAfter          = 90 * 24 * time.Hour
	DefaultRevokedCheckInterval = 60 * time.Minute
	DefaultCreateDatePrecision  = time.Minute
	DefaultKeyCacheMaxSize      = 1000
	DefaultSessionCacheMaxSize  = 1000
	DefaultSessionCacheDuration = 2 * time.Hour
)

// CryptoPolicy says how long keys are used and what is kept in memory. Make one
// with NewCryptoPolicy: the zero value has no caches.
type CryptoPolicy struct {
	// ExpireKeyAfter is the age at which a key no longer encrypts and is
	// replaced. Expired keys decrypt for ever.
	ExpireKeyAfter time.Duration
	// RevokeCheckInterval is the longest time for which a key encrypts without
	// its row being looked at again: revocation, and newer keys of other
	// processes, take effect within it.
	RevokeCheckInterval time.Duration
	// CreateDatePrecision is what creation times of keys are cut down to, so
	// that processes that begin together share a key.
	CreateDatePrecision time.Duration

	// CacheIntermediateKeys keeps intermediate keys in memory. Without it every
	// call asks the metastore.
	CacheIntermediateKeys bool
	// IntermediateKeyCacheMaxSize is their number: a cold key is loaded again.
	IntermediateKeyCacheMaxSize int
	// IntermediateKeyCacheEvictionPolicy is "tinylfu", "lru", "lfu" or "clock";
	// "simple" and "" are clock here, which is second chance, and bounded.
	IntermediateKeyCacheEvictionPolicy string
	// SharedIntermediateKeyCache keeps intermediate keys for the life of the
	// factory, within the size. Without it, a partition's keys leave memory when
	// a session of it is closed. Unlike in Asherah it is on by default.
	SharedIntermediateKeyCache bool

	// CacheSystemKeys keeps system keys in memory. Without it every intermediate
	// key that is loaded asks the key management service.
	CacheSystemKeys bool
	// SystemKeyCacheMaxSize is their number, one for each generation.
	SystemKeyCacheMaxSize int

	// CacheSessions keeps sessions, so that GetSession prepares a partition
	// once.
	CacheSessions bool
	// SessionCacheMaxSize is their number.
	SessionCacheMaxSize int
	// SessionCacheDuration is the time after which a session that nobody got
	// leaves the cache.
	SessionCacheDuration time.Duration

	// DataKey bounds the reuse of a data key; for the compact format only.
	DataKey envelope.DataKeyPolicy
}

// PolicyOption changes a policy.
type PolicyOption func(*CryptoPolicy)

// WithExpireAfterDuration sets ExpireKeyAfter.
func WithExpireAfterDuration(d time.Duration) PolicyOption {
	return func(p *CryptoPolicy) { p.ExpireKeyAfter = d }
}

// WithRevokeCheckInterval sets RevokeCheckInterval.
func WithRevokeCheckInterval(d time.Duration) PolicyOption {
	return func(p *CryptoPolicy) { p.RevokeCheckInterval = d }
}

// WithNoCache keeps no keys at all.
func WithNoCache() PolicyOption {
	return func(p *CryptoPolicy) { p.CacheSystemKeys, p.CacheIntermediateKeys = false, false }
}

// WithSharedIntermediateKeyCache keeps up to capacity intermediate keys for all
// sessions.
func WithSharedIntermediateKeyCache(capacity int) PolicyOption {
	return func(p *CryptoPolicy) {
		p.SharedIntermediateKeyCache, p.IntermediateKeyCacheMaxSize = true, capacity
	}
}

// WithSessionCache keeps sessions.
func WithSessionCache() PolicyOption { return func(p *CryptoPolicy) { p.CacheSessions = true } }

// WithSessionCacheMaxSize sets SessionCacheMaxSize.
func WithSessionCacheMaxSize(n int) PolicyOption {
	return func(p *CryptoPolicy) { p.SessionCacheMaxSize = n }
}

// WithSessionCacheDuration sets SessionCacheDuration.
func WithSessionCacheDuration(d time.Duration) PolicyOption {
	return func(p *CryptoPolicy) { p.SessionCacheDuration = d }
}

// NewCryptoPolicy returns the default policy with changes.
func NewCryptoPolicy(opts ...PolicyOption) *CryptoPolicy {
	p := &CryptoPolicy{
		ExpireKeyAfter:      DefaultExpireAfter,
		RevokeCheckInterval: DefaultRevokedCheckInterval,
		CreateDatePrecision: DefaultCreateDatePrecision,

		CacheIntermediateKeys:       true,
		IntermediateKeyCacheMaxSize: DefaultKeyCacheMaxSize,
		SharedIntermediateKeyCache:  true,

		CacheSystemKeys:       true,
		SystemKeyCacheMaxSize: DefaultKeyCacheMaxSize,

		SessionCacheMaxSize:  DefaultSessionCacheMaxSize,
		SessionCacheDuration: DefaultSessionCacheDuration,
	}
	for _, o := range opts {
		o(p)
	}
	return p
}

// check refuses what has no meaning. Times of zero are an error and not a
// default: a policy that was not made by NewCryptoPolicy is noticed.
func (p *CryptoPolicy) check() error {
	if e := p.evictionPolicy(); !slices.Contains(keycache.PolicyNames(), e) {
		return fmt.Errorf("sealsql: crypto policy: unknown eviction policy %q (known are simple, %s)", e, strings.Join(keycache.PolicyNames(), ", "))
	}
	for _, f := range []struct {
		name string
		ok   bool
	}{
		{"ExpireKeyAfter", p.ExpireKeyAfter > 0},
		{"RevokeCheckInterval", p.RevokeCheckInterval > 0},
		{"CreateDatePrecision", p.CreateDatePrecision > 0},
		{"IntermediateKeyCacheMaxSize", p.IntermediateKeyCacheMaxSize > 0 || !p.CacheIntermediateKeys},
		{"SystemKeyCacheMaxSize", p.SystemKeyCacheMaxSize > 0 || !p.CacheSystemKeys},
		{"SessionCacheMaxSize", p.SessionCacheMaxSize > 0 || !p.CacheSessions},
		{"SessionCacheDuration", p.SessionCacheDuration > 0 || !p.CacheSessions},
	} {
		if !f.ok {
			return fmt.Errorf("sealsql: crypto policy: %s must be positive (make policies with NewCryptoPolicy)", f.name)
		}
	}
	return nil
}

// evictionPolicy returns the name that package keycache knows.
func (p *CryptoPolicy) evictionPolicy() string {
	switch e := p.IntermediateKeyCacheEvictionPolicy; e {
	case "", "simple":
		return "clock"
	default:
		return e
	}
}

// envelope returns the parts of the policy that the engine enforces.
func (p *CryptoPolicy) envelope() (envelope.Policy, envelope.CacheConfig) {
	keys := envelope.Policy{
		ExpireAfter: p.ExpireKeyAfter, RevokeCheck: p.RevokeCheckInterval,
		CreatedPrecision: p.CreateDatePrecision, DataKey: p.DataKey,
	}
	cache := envelope.CacheConfig{
		Intermediate: p.IntermediateKeyCacheMaxSize, IntermediatePolicy: p.evictionPolicy(), System: p.SystemKeyCacheMaxSize,
		NoSystem: !p.CacheSystemKeys, NoIntermediate: !p.CacheIntermediateKeys,
	}
	return keys, cache
}

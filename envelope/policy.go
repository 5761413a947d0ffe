package envelope

import (
	"fmt"
	"time"
)

// Policy says how long keys are used. The zero value of every field is its
// default.
type Policy struct {
	// ExpireAfter is the age at which a key no longer encrypts and is replaced;
	// 90 days. Expired keys decrypt for ever.
	ExpireAfter time.Duration
	// RevokeCheck is the longest time for which a key encrypts without its state
	// being read again; 60 minutes. Other processes' newer keys are adopted at
	// the same moment. The check begins a little earlier in the background, so
	// that nobody waits for it.
	RevokeCheck time.Duration
	// MaxStale bounds RevokeCheck when the state cannot be read: after it
	// sealing fails with ErrStale; twice RevokeCheck. Opening is not affected.
	MaxStale time.Duration
	// CreatedPrecision is what creation times are rounded down to, so that
	// processes that begin together share a key; 1 minute. It is lowered to
	// ExpireAfter where that is shorter.
	CreatedPrecision time.Duration
	// Skew is how far clocks may differ: a key from further in the future never
	// encrypts; 2 minutes.
	Skew time.Duration
	// NotBefore, if set, keeps keys created before it from encrypting. It also
	// protects against a restored or rolled-back metastore. It is not further in
	// the future than Skew.
	NotBefore time.Time
	// DataKey bounds the reuse of a derived data key by one process.
	DataKey DataKeyPolicy
}

// DataKeyPolicy bounds the reuse of one data key. Reuse is always within one
// column, one partition and one process.
type DataKeyPolicy struct {
	// MaxUses is the number of values sealed under one data key; 65536, at most
	// 2^20, which keeps N·m far below 2^64 for N keys of m values (12 random
	// bytes of salt and 12 of nonce a value). 1 means a key for every value.
	MaxUses int
	// MaxAge is the time for which it is used; 60 seconds.
	MaxAge time.Duration
}

const maxDataKeyUses = 1 << 20

// withDefaults fills in defaults and refuses what makes no sense.
func (p Policy) withDefaults() (Policy, error) {
	defaults := []struct {
		name string
		d    *time.Duration
		def  time.Duration
	}{
		{"expire_after", &p.ExpireAfter, 90 * 24 * time.Hour},
		{"revoke_check", &p.RevokeCheck, time.Hour},
		{"created_precision", &p.CreatedPrecision, time.Minute},
		{"skew", &p.Skew, 2 * time.Minute},
		{"data_key.max_age", &p.DataKey.MaxAge, time.Minute},
	}
	for _, f := range defaults {
		if *f.d == 0 {
			*f.d = f.def
		}
		if *f.d < 0 {
			return p, fmt.Errorf("sealsql: policy %s must be positive", f.name)
		}
	}
	if p.MaxStale == 0 {
		p.MaxStale = 2 * p.RevokeCheck
	}
	if p.MaxStale < p.RevokeCheck {
		return p, fmt.Errorf("sealsql: policy max_stale must not be shorter than revoke_check")
	}
	if p.ExpireAfter < time.Second {
		return p, fmt.Errorf("sealsql: policy expire_after must be at least one second")
	}
	p.CreatedPrecision = max(min(p.CreatedPrecision, p.ExpireAfter), time.Second)
	if p.DataKey.MaxUses == 0 {
		p.DataKey.MaxUses = 1 << 16
	}
	if p.DataKey.MaxUses < 1 || p.DataKey.MaxUses > maxDataKeyUses {
		return p, fmt.Errorf("sealsql: policy data_key.max_uses must be 1 to %d", maxDataKeyUses)
	}
	return p, nil
}

// earliest is the first creation time of a key that seals, in Unix seconds: a
// time that is rounded down must not fall before NotBefore.
func (p *Policy) earliest() int64 {
	if p.NotBefore.IsZero() {
		return 0
	}
	return p.NotBefore.Add(time.Second - 1).Unix()
}

// past refuses a NotBefore that no key can meet.
func (p *Policy) past(now time.Time) error {
	if p.NotBefore.After(now.Add(p.Skew)) {
		return fmt.Errorf("sealsql: policy not_before is in the future: no key could seal")
	}
	return nil
}

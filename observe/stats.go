package observe

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Stats is a snapshot. It encodes as JSON; times are UTC in RFC 3339, absent
// where there is none.
type Stats struct {
	// Since is when counting began.
	Since time.Time `json:"since"`
	// Encrypt and Decrypt are of values.
	Encrypt Values `json:"encrypt"`
	Decrypt Values `json:"decrypt"`
	// Statements are of the driver, zero for a session factory.
	Statements Statements `json:"statements"`
	// Plans is the plan cache, shared by the connections of a handle.
	Plans Plans `json:"plans"`
	// Catalog is the reading of the database's own tables.
	Catalog Catalog `json:"catalog"`
	// Rows is of results with encrypted columns.
	Rows Rows `json:"rows"`
	// Caches are the key caches by tier: "system", "system_state",
	// "intermediate", "intermediate_latest", "data", "index", "session".
	Caches map[string]Cache `json:"caches"`
	Keys   Keys             `json:"keys"`
	// KMS and Metastore are requests, one entry for an operation: first those of
	// the service as a whole, then those of single regions.
	KMS       []CallStats `json:"kms"`
	Metastore []CallStats `json:"metastore"`
	// KeyLoads are keys that were brought because no cache had them, by tier; a
	// load includes the requests that it makes.
	KeyLoads []CallStats `json:"key_loads"`
	// Regions is what is known of the health of regions, where there are several.
	Regions []Region `json:"regions,omitempty"`
	Audit   Audit    `json:"audit"`
}

// Values is about values that were sealed, or opened.
type Values struct {
	// Values is their number and Bytes the size of their payloads: what the value
	// is before it is sealed, without compression and padding.
	Values uint64 `json:"values"`
	Bytes  uint64 `json:"bytes"`
	// Failed counts those that could not be, by reason.
	Failed map[string]uint64 `json:"failed,omitempty"`
	// Seconds is the time that one in SampleEvery took, with the loading of keys
	// and without the conversion of types.
	Seconds Histogram `json:"seconds_sampled"`
}

// Statements counts statements by what was decided about them. A prepared
// statement is decided about when it is prepared and again each time it is
// executed.
type Statements struct {
	// Passed went out as they came; Planned seal or open something; Refused were
	// not run.
	Passed  uint64 `json:"passed"`
	Planned uint64 `json:"planned"`
	Refused uint64 `json:"refused"`
	// Executed is the number of executions of prepared statements.
	Executed uint64 `json:"executed_prepared"`
	// Reasons counts refusals by reason: the words of the error, with "_" between
	// them.
	Reasons map[string]uint64 `json:"refused_by_reason,omitempty"`
	// Bypassed counts connections on which encryption was bypassed.
	Bypassed uint64 `json:"bypassed_connections"`
}

// Plans is the plan cache.
type Plans struct {
	// Hits found the text, Templates a text that differs in literals only, Misses
	// planned anew. A connection that repeats one of its last statements asks
	// nobody: those are in Statements alone.
	Hits      uint64 `json:"hits"`
	Templates uint64 `json:"template_hits"`
	Misses    uint64 `json:"misses"`
	// Entries is the number of plans and refusals held now, and Size how many
	// there may be.
	Entries int `json:"entries"`
	Size    int `json:"size"`
	// Seconds is the time of planning anew.
	Seconds Histogram `json:"seconds"`
}

// Catalog is the reading of the database's catalog.
type Catalog struct {
	Reads    uint64 `json:"reads"`
	Failures uint64 `json:"failures"`
	// FailingSince is the first failure since it could be read last.
	FailingSince *time.Time `json:"failing_since,omitempty"`
}

// Rows is about results with encrypted columns.
type Rows struct {
	// Opened were shown. Filtered were left out: a search index found them, and
	// their opened values do not match.
	Opened   uint64 `json:"opened"`
	Filtered uint64 `json:"filtered"`
	// IndexMismatches are values that their search index does not belong to.
	IndexMismatches uint64 `json:"index_mismatches"`
}

// Cache is a tier of key caches.
type Cache struct {
	// Hits and Misses count look-ups. A miss finds nothing that can be used, or
	// waits for a load.
	Hits   uint64 `json:"hits"`
	Misses uint64 `json:"misses"`
	// Loads is the number of loads, which may serve many misses, and Failed those
	// that failed.
	Loads  uint64 `json:"loads"`
	Failed uint64 `json:"loads_failed"`
	// Left counts what left the cache by reason: "evicted" (it was full),
	// "expired", "replaced", "deleted".
	Left map[string]uint64 `json:"left,omitempty"`
	// Entries is the number of keys held now.
	Entries int `json:"entries"`
}

// HitRatio is the share of look-ups that found something; 0 without look-ups.
func (c Cache) HitRatio() float64 {
	if c.Hits+c.Misses == 0 {
		return 0
	}
	return float64(c.Hits) / float64(c.Hits+c.Misses)
}

// Keys is about keys.
type Keys struct {
	// Created counts keys that this process made, and Rotated those of them that
	// took the place of an older key, by level: "system", "intermediate",
	// "named", "index".
	Created map[string]uint64 `json:"created,omitempty"`
	Rotated map[string]uint64 `json:"rotated,omitempty"`
	// RevokedSeen counts keys that this process found to be revoked, or whose
	// state was not authentic.
	RevokedSeen uint64 `json:"revoked_seen"`
	// FromFuture counts look-ups whose newest key is ahead of this process's clock
	// by more than the policy allows: some clock is wrong.
	FromFuture uint64 `json:"from_future"`
	// StaleServed counts uses of a key whose state could not be checked in time,
	// StaleRefused sealing that was refused for it (ErrStale), and StaleSince is
	// when that began; absent when states can be checked.
	StaleServed  uint64     `json:"stale_served"`
	StaleRefused uint64     `json:"stale_refused"`
	StaleSince   *time.Time `json:"stale_since,omitempty"`
	// SystemSealing is the newest system key in memory, which wraps new keys;
	// SystemOldest the oldest in memory.
	SystemSealing Age `json:"system_sealing"`
	SystemOldest  Age `json:"system_oldest"`
	// IntermediateSealing is the oldest intermediate key that seals;
	// IntermediateOldest the oldest in memory, for opening.
	IntermediateSealing Age `json:"intermediate_sealing_oldest"`
	IntermediateOldest  Age `json:"intermediate_oldest"`
	// ExpireAfter is the age in seconds at which keys no longer seal.
	ExpireAfter float64 `json:"expire_after_seconds"`
}

// Age is the age of a key, by the creation time that its row says.
type Age struct {
	// Created is in Unix seconds; 0 without a key.
	Created int64 `json:"created"`
	// Seconds is the age.
	Seconds float64 `json:"age_seconds"`
}

// older and newer take over a creation time if it is the older, or newer.
func (a *Age) older(created int64) {
	if created > 0 && (a.Created == 0 || created < a.Created) {
		a.Created = created
	}
}

func (a *Age) newer(created int64) { a.Created = max(a.Created, created) }

// InUse adds keys to the ages.
func (k *Keys) InUse(system, intermediate, sealing []int64) {
	for _, c := range system {
		k.SystemSealing.newer(c)
		k.SystemOldest.older(c)
	}
	for _, c := range intermediate {
		k.IntermediateOldest.older(c)
	}
	for _, c := range sealing {
		k.IntermediateSealing.older(c)
	}
}

// CallStats is one kind of request.
type CallStats struct {
	Provider  string `json:"provider,omitempty"`
	Region    string `json:"region,omitempty"`
	Operation string `json:"operation"`
	// Outcomes counts requests by how they ended.
	Outcomes map[Outcome]uint64 `json:"outcomes"`
	Seconds  Histogram          `json:"seconds"`
	// FailingSince is the first failure since the last answer.
	FailingSince *time.Time `json:"failing_since,omitempty"`
}

// Region is the health of one region.
type Region struct {
	// Of is "kms" or "metastore".
	Of       string `json:"of"`
	Provider string `json:"provider"`
	Region   string `json:"region"`
	// Out says that it is left out after failures, until it answers again.
	Out bool `json:"left_out"`
}

// Audit is the audit trail.
type Audit struct {
	// Dropped counts events that are not in the trail because there was no room.
	Dropped uint64 `json:"dropped"`
	// Waiting is the number of events that are not written yet.
	Waiting int `json:"waiting"`
}

// Stats returns a snapshot: consistent for each counter, not between them.
func (r *Recorder) Stats() Stats {
	var s Stats
	if r == nil {
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s = r.past.clone()
	for x := range r.sources {
		x.Counters(&s)
		x.Gauges(&s)
	}
	s.Since = r.began.UTC()
	s.Encrypt.Values, s.Encrypt.Bytes = r.sealed.total()
	s.Decrypt.Values, s.Decrypt.Bytes = r.opened.total()
	s.Encrypt.Seconds, s.Decrypt.Seconds, s.Plans.Seconds = r.sealTime.stats(), r.openTime.stats(), r.planTime.stats()
	s.Statements.Passed, s.Statements.Planned, s.Statements.Refused = r.passed.Load(), r.planned.Load(), r.refused.Load()
	s.Statements.Executed, s.Statements.Bypassed = r.executed.Load(), r.bypasses.Load()
	s.Rows = Rows{Opened: r.rows.Load(), Filtered: r.filtered.Load(), IndexMismatches: r.mismatches.Load()}
	s.Catalog = Catalog{Reads: r.catalogReads.Load(), Failures: r.catalogFailures.Load(), FailingSince: moment(r.catalogFailing.Load())}
	s.Keys.RevokedSeen, s.Keys.FromFuture = r.revoked.Load(), r.clock.Load()
	s.Keys.StaleServed, s.Keys.StaleRefused, s.Keys.StaleSince = r.staleServed.Load(), r.staleRefused.Load(), moment(r.staleSince.Load())
	r.addWords(&s)
	r.addCalls(&s)
	s.ages()
	return s
}

func moment(nanoseconds int64) *time.Time {
	if nanoseconds == 0 {
		return nil
	}
	t := time.Unix(0, nanoseconds).UTC()
	return &t
}

// ages computes ages from creation times.
func (s *Stats) ages() {
	now := time.Now()
	for _, a := range []*Age{&s.Keys.SystemSealing, &s.Keys.SystemOldest, &s.Keys.IntermediateSealing, &s.Keys.IntermediateOldest} {
		if a.Created != 0 {
			a.Seconds = now.Sub(time.Unix(a.Created, 0)).Seconds()
		}
	}
}

func (r *Recorder) addWords(s *Stats) {
	into := map[string]*map[string]uint64{
		ofRefusal: &s.Statements.Reasons, ofSeal: &s.Encrypt.Failed, ofOpen: &s.Decrypt.Failed,
		ofCreated: &s.Keys.Created, ofRotated: &s.Keys.Rotated,
	}
	r.wordMu.Lock()
	defer r.wordMu.Unlock()
	for k, n := range r.words {
		m := into[k.of]
		if *m == nil {
			*m = map[string]uint64{}
		}
		(*m)[k.word] += n
	}
}

func (r *Recorder) addCalls(s *Stats) {
	for op, c := range r.calls {
		switch op.Kind {
		case KMS, KMSRegion:
			s.KMS = append(s.KMS, c.stats())
		case Metastore, MetastoreRegion:
			s.Metastore = append(s.Metastore, c.stats())
		case KeyLoad:
			s.KeyLoads = append(s.KeyLoads, c.stats())
		}
	}
	for _, list := range [][]CallStats{s.KMS, s.Metastore, s.KeyLoads} {
		slices.SortFunc(list, func(a, b CallStats) int {
			return cmp.Or(strings.Compare(a.Provider, b.Provider), strings.Compare(a.Region, b.Region), strings.Compare(a.Operation, b.Operation))
		})
	}
}

// AddCache adds the counters of a cache to a tier.
func (s *Stats) AddCache(tier string, c Cache) {
	if s.Caches == nil {
		s.Caches = map[string]Cache{}
	}
	sum := s.Caches[tier]
	sum.Hits, sum.Misses = sum.Hits+c.Hits, sum.Misses+c.Misses
	sum.Loads, sum.Failed = sum.Loads+c.Loads, sum.Failed+c.Failed
	sum.Entries += c.Entries
	for why, n := range c.Left {
		if n == 0 {
			continue
		}
		if sum.Left == nil {
			sum.Left = map[string]uint64{}
		}
		sum.Left[why] += n
	}
	s.Caches[tier] = sum
}

// clone copies what sources add to.
func (s *Stats) clone() Stats {
	c := *s
	c.Caches = map[string]Cache{}
	for tier, x := range s.Caches {
		x.Left = maps.Clone(x.Left)
		c.Caches[tier] = x
	}
	return c
}

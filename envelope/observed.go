package envelope

import (
	"context"
	"errors"
	"strings"

	"github.com/sealsql/sealsql/internal/seldom"
	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/observe"
)

// observed is where a Sealer counts and what it warns by.
type observed struct {
	rec  *observe.Recorder
	warn *seldom.Logger

	wrap, unwrap                            *observe.Call
	load, loadLatest, store                 *observe.Call
	system, state, intermediate, latest, ix *observe.Call
}

func newObserved(c *Config, v *services) observed {
	o := observed{rec: c.Recorder, warn: seldom.New(v.log, v.now)}
	if o.rec == nil {
		o.rec = observe.New()
	}
	kms, store := shortName(c.KMS), shortName(c.Metastore)
	call := func(k observe.Kind, provider, name string) *observe.Call {
		return o.rec.Call(observe.Op{Kind: k, Provider: provider, Name: name})
	}
	o.wrap, o.unwrap = call(observe.KMS, kms, "wrap"), call(observe.KMS, kms, "unwrap")
	o.load, o.loadLatest = call(observe.Metastore, store, "load"), call(observe.Metastore, store, "load_latest")
	o.store = call(observe.Metastore, store, "store")
	o.system, o.state = call(observe.KeyLoad, "", tierSystem), call(observe.KeyLoad, "", tierState)
	o.intermediate, o.latest = call(observe.KeyLoad, "", tierIntermediate), call(observe.KeyLoad, "", tierLatest)
	o.ix = call(observe.KeyLoad, "", tierIndex)
	return o
}

// shortName is what metrics call a provider: the name under which it registers.
func shortName(provider any) string {
	if n, ok := provider.(interface{ Name() string }); ok {
		return n.Name()
	}
	return "unnamed"
}

// The tiers of caches.
const (
	tierSystem       = "system"
	tierState        = "system_state"
	tierIntermediate = "intermediate"
	tierLatest       = "intermediate_latest"
	tierData         = "data"
	tierIndex        = "index"
)

// Outcome says in a word what an error of this package is, for metrics: one of
// the outcomes of package observe, or the words of a RecordError's Reason. It
// holds nothing of the error's text.
func Outcome(err error) observe.Outcome {
	switch err { // the two that every new key meets, before errors.As allocates
	case nil:
		return observe.OK
	case ErrKeyNotFound:
		return observe.Absent
	}
	return outcomeOf(err)
}

func outcomeOf(err error) observe.Outcome {
	var record *RecordError
	var service *ServiceError
	switch {
	case errors.As(err, &record):
		return slug(record.Reason.String())
	case errors.As(err, &service) && service.Fault != FaultUnknown:
		return faultOutcome(service)
	}
	for _, c := range outcomes {
		if errors.Is(err, c.err) {
			return c.word
		}
	}
	return observe.Failed
}

// outcomes are looked at in this order: a cause that says more comes first.
var outcomes = []struct {
	err  error
	word observe.Outcome
}{
	{ErrStale, "stale"},
	{ErrShredded, observe.Destroyed},
	{ErrKeyRetired, observe.Retired},
	{ErrIndexKey, "index_key_missing"},
	{ErrKeyNotFound, observe.Absent},
	{ErrTampered, observe.Tampered},
	{ErrNotSealed, "not_sealed"},
	{ErrTooLarge, "too_large"},
	{ErrClosed, "closed"},
	{ErrPartition, "partition"},
	{ErrRow, "row"},
	{keycache.ErrPanic, "panic"},
	{context.Canceled, observe.Canceled},
	{context.DeadlineExceeded, observe.Timeout},
}

func faultOutcome(e *ServiceError) observe.Outcome {
	switch e.Fault {
	case FaultUnreachable:
		if errors.Is(e.Err, context.DeadlineExceeded) {
			return observe.Timeout
		}
		if errors.Is(e.Err, context.Canceled) {
			return observe.Canceled
		}
		return observe.Unreachable
	case FaultThrottled:
		return observe.Throttled
	case FaultDenied:
		return observe.Denied
	case FaultAbsent:
		return observe.Missing
	case FaultDisabled:
		return observe.Disabled
	case FaultRefused:
		return observe.Tampered
	case FaultMalformed:
		return observe.Malformed
	case FaultRequest:
		return observe.BadRequest
	}
	return observe.Failed
}

// slug makes a word of words.
func slug(words string) string { return strings.ReplaceAll(words, " ", "_") }

// loading times the loading of a key.
func loading[V any](ctx context.Context, c *observe.Call, id string, load func(context.Context) (V, error)) (V, error) {
	ctx, t := c.Begin(ctx, id)
	v, err := load(ctx)
	t.End(Outcome(err))
	return v, err
}

// looked ends the reading of a key's state.
func (h *hierarchy) looked(t observe.Timing, err error) {
	t.End(Outcome(err))
	if err == nil {
		h.obs.rec.Checked()
	}
}

// askWrap and askUnwrap ask the key management service.
func (h *hierarchy) askWrap(ctx context.Context, meta KeyMeta, key []byte) ([]byte, error) {
	ctx, t := h.obs.wrap.Begin(observe.NewContext(ctx, h.obs.rec), meta.ID)
	wrapped, err := h.scheme.wrapSystem(ctx, meta, key)
	t.End(Outcome(err))
	h.event(ctx, "wrap", meta, h.kms, err)
	h.kmsTrouble(ctx, err)
	return wrapped, err
}

func (h *hierarchy) askUnwrap(ctx context.Context, meta KeyMeta, wrapped []byte) ([]byte, error) {
	ctx, t := h.obs.unwrap.Begin(observe.NewContext(ctx, h.obs.rec), meta.ID)
	key, err := h.scheme.unwrapSystem(ctx, meta, wrapped)
	t.End(Outcome(err))
	h.event(ctx, "unwrap", meta, h.kms, err)
	h.kmsTrouble(ctx, err)
	return key, err
}

// kmsTrouble warns of a key management service that does not do its work. The
// error of a provider holds no key bytes and no credentials.
func (h *hierarchy) kmsTrouble(ctx context.Context, err error) {
	if err != nil && outage(ctx, err) {
		h.obs.warn.Warn("sealsql: the key management service does not answer as it should",
			"provider", shortName(h.kms), "outcome", Outcome(err), "err", err)
	}
}

// storeTrouble is kmsTrouble for the metastore.
func (v *services) storeTrouble(ctx context.Context, err error) {
	if err != nil && !errors.Is(err, ErrKeyNotFound) && outage(ctx, err) {
		v.obs.warn.Warn("sealsql: the metastore does not answer as it should",
			"provider", shortName(v.store), "outcome", Outcome(err), "err", err)
	}
}

// putRow stores a row and says whether there was none.
func (v *services) putRow(ctx context.Context, rec *KeyRecord) (bool, error) {
	ctx, t := v.obs.store.Begin(v.storeContext(ctx), rec.Meta.ID)
	stored, err := v.store.Store(ctx, rec)
	how := Outcome(err)
	if err == nil && !stored {
		how = observe.Exists
	}
	t.End(how)
	v.storeTrouble(ctx, err)
	return stored, err
}

// getRow reads a row; for Created 0 the newest.
func (v *services) getRow(ctx context.Context, meta KeyMeta) (rec *KeyRecord, err error) {
	call := v.obs.load
	if meta.Created == 0 {
		call = v.obs.loadLatest
	}
	ctx, t := call.Begin(v.storeContext(ctx), meta.ID)
	if meta.Created == 0 {
		rec, err = v.store.LoadLatest(ctx, meta.ID)
	} else {
		rec, err = v.store.Load(ctx, meta)
	}
	t.End(Outcome(err))
	v.storeTrouble(ctx, err)
	return rec, err
}

// storeContext lets metastores with regions report these.
func (v *services) storeContext(ctx context.Context) context.Context {
	if _, ok := v.store.(HealthReporter); !ok {
		return ctx
	}
	return observe.NewContext(ctx, v.obs.rec)
}

// HealthReporter is implemented by key management services and metastores that
// ask several regions. In the context of a request observe.FromContext has who
// wants to hear of each attempt.
type HealthReporter interface {
	// Health says how every region is; Of is left to the caller.
	Health() []observe.Region
}

// Recorder returns what the Sealer counts with: that of its Config, or its own.
func (s *Sealer) Recorder() *observe.Recorder { return s.obs.rec }

// Counters and Gauges implement observe.Source.
type sealerSource struct{ s *Sealer }

func (x sealerSource) Counters(st *observe.Stats) { x.caches(st, false) }

func (x sealerSource) Gauges(st *observe.Stats) {
	x.caches(st, true)
	s := x.s
	st.Keys.ExpireAfter = s.policy.ExpireAfter.Seconds()
	for _, h := range s.hierarchies() {
		h.ages(&st.Keys)
	}
	health(st, "kms", s.kms)
	health(st, "metastore", s.store)
}

func health(st *observe.Stats, of string, provider any) {
	if r, ok := provider.(HealthReporter); ok {
		for _, region := range r.Health() {
			region.Of = of
			st.Regions = append(st.Regions, region)
		}
	}
}

// caches adds counters, or how many keys there are.
func (x sealerSource) caches(st *observe.Stats, gauges bool) {
	add := func(tier string, c keycache.Stats) {
		if gauges {
			st.AddCache(tier, observe.Cache{Entries: c.Entries})
			return
		}
		st.AddCache(tier, CacheCounters(c))
	}
	s := x.s
	add(tierData, s.writers.Stats())
	add(tierData, s.readers.Stats())
	add(tierData, s.wraps.Stats())
	add(tierIndex, s.indexes.keys.Stats())
	for _, h := range s.hierarchies() {
		add(tierSystem, h.systems.Stats())
		add(tierState, h.states.Stats())
		add(tierIntermediate, h.intermediates.Stats())
		add(tierLatest, h.latest.Stats())
	}
	for _, k := range s.asherahs() {
		add(tierData, k.wraps.Stats())
	}
}

// CacheCounters returns the counters of a cache for observe.Stats.
func CacheCounters(c keycache.Stats) observe.Cache {
	out := observe.Cache{Hits: c.Hits, Misses: c.Misses, Loads: c.Loads, Failed: c.Failed, Left: map[string]uint64{}}
	for why := keycache.Evicted; why < keycache.Closed; why++ {
		out.Left[why.String()] = c.Left[why]
	}
	return out
}

// asherahs are the hierarchies of Asherah's format.
func (s *Sealer) asherahs() (all []*asherahKeys) {
	s.asherah.Lock()
	defer s.asherah.Unlock()
	for _, a := range s.asherah.all {
		all = append(append(all, a.own), a.others...)
	}
	return all
}

func (s *Sealer) hierarchies() []*hierarchy {
	all := []*hierarchy{s.hierarchy}
	for _, k := range s.asherahs() {
		all = append(all, k.hierarchy)
	}
	return all
}

// ages collects creation times of the keys in memory.
func (h *hierarchy) ages(k *observe.Keys) {
	var system, intermediate, sealing []int64
	h.systems.Each(func(m KeyMeta, _ *systemKey) { system = append(system, m.Created) })
	h.intermediates.Each(func(id intermediateID, _ *intermediateKey) { intermediate = append(intermediate, id.created) })
	h.latest.Each(func(_ string, l *latestKey) { sealing = append(sealing, l.key.Value().created) })
	k.InUse(system, append(intermediate, sealing...), sealing)
}

// The levels of keys that are made.
const (
	levelSystem       = "system"
	levelIntermediate = "intermediate"
	levelNamed        = "named"
	levelIndex        = "index"
)

// levelOf says which kind of key a row is that this hierarchy has made.
func (h *hierarchy) levelOf(rec *KeyRecord) string {
	switch x, ok := h.scheme.(*compactScheme); {
	case rec.Parent == nil:
		return levelSystem
	case ok && strings.HasPrefix(rec.Meta.ID, x.named):
		return levelNamed
	}
	return levelIntermediate
}

package sealotel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/sealsql/sealsql/observe"
)

// instrument is a counter or gauge that is read from the statistics.
type instrument struct {
	name, unit, text string
	gauge            bool
	read             func(s *observe.Stats, emit func(float64, ...attribute.KeyValue))
}

func counter(name, unit, text string, read func(*observe.Stats, func(float64, ...attribute.KeyValue))) instrument {
	return instrument{name: name, unit: unit, text: text, read: read}
}

func gauge(name, unit, text string, read func(*observe.Stats, func(float64, ...attribute.KeyValue))) instrument {
	return instrument{name: name, unit: unit, text: text, gauge: true, read: read}
}

// emitter is what a reader reports to.
type emitter = func(float64, ...attribute.KeyValue)

// one reports a number without attributes.
func one(f func(*observe.Stats) uint64) func(*observe.Stats, emitter) {
	return func(s *observe.Stats, emit emitter) { emit(float64(f(s))) }
}

// each reports a map of counters by one attribute.
func each(key attribute.Key, f func(*observe.Stats) map[string]uint64) func(*observe.Stats, emitter) {
	return func(s *observe.Stats, emit emitter) {
		for word, n := range f(s) {
			emit(float64(n), key.String(word))
		}
	}
}

func caches(f func(c observe.Cache, emit func(float64, string))) func(*observe.Stats, emitter) {
	return func(s *observe.Stats, emit emitter) {
		for tier, c := range s.Caches {
			f(c, func(n float64, result string) {
				if result == "" {
					emit(n, attrTier.String(tier))
					return
				}
				emit(n, attrTier.String(tier), attrResult.String(result))
			})
		}
	}
}

// failing reports for how long requests have failed; 0 where they do not.
func failing(f func(*observe.Stats) []observe.CallStats) func(*observe.Stats, emitter) {
	return func(s *observe.Stats, emit emitter) {
		for _, c := range f(s) {
			a := []attribute.KeyValue{attrProvider.String(c.Provider), attrOperation.String(c.Operation)}
			if c.Region != "" {
				a = append(a, attrRegion.String(c.Region))
			}
			emit(since(c.FailingSince), a...)
		}
	}
}

func since(t *time.Time) float64 {
	if t == nil {
		return 0
	}
	return max(time.Since(*t).Seconds(), 1e-9)
}

// instruments is the table of what is read from the statistics.
var instruments = []instrument{
	counter("sealsql.encrypt.values", "{value}", "Values sealed.", one(func(s *observe.Stats) uint64 { return s.Encrypt.Values })),
	counter("sealsql.encrypt.bytes", "By", "Bytes of the values sealed.", one(func(s *observe.Stats) uint64 { return s.Encrypt.Bytes })),
	counter("sealsql.encrypt.failures", "{failure}", "Statements and records that could not be sealed.", each(attrReason, func(s *observe.Stats) map[string]uint64 { return s.Encrypt.Failed })),
	counter("sealsql.decrypt.values", "{value}", "Values opened.", one(func(s *observe.Stats) uint64 { return s.Decrypt.Values })),
	counter("sealsql.decrypt.bytes", "By", "Bytes of the values opened.", one(func(s *observe.Stats) uint64 { return s.Decrypt.Bytes })),
	counter("sealsql.decrypt.failures", "{failure}", "Values that could not be opened.", each(attrReason, func(s *observe.Stats) map[string]uint64 { return s.Decrypt.Failed })),

	counter("sealsql.statements", "{statement}", "Statements by what was decided about them.", each(attrResult, func(s *observe.Stats) map[string]uint64 {
		return map[string]uint64{"passed": s.Statements.Passed, "planned": s.Statements.Planned, "refused": s.Statements.Refused}
	})),
	counter("sealsql.statements.executed", "{execution}", "Executions of prepared statements.", one(func(s *observe.Stats) uint64 { return s.Statements.Executed })),
	counter("sealsql.refusals", "{statement}", "Refused statements by reason.", each(attrReason, func(s *observe.Stats) map[string]uint64 { return s.Statements.Reasons })),
	counter("sealsql.bypasses", "{connection}", "Connections on which encryption was bypassed.", one(func(s *observe.Stats) uint64 { return s.Statements.Bypassed })),
	counter("sealsql.plans", "{lookup}", "Look-ups in the plan cache.", each(attrResult, func(s *observe.Stats) map[string]uint64 {
		return map[string]uint64{"hit": s.Plans.Hits, "template": s.Plans.Templates, "miss": s.Plans.Misses}
	})),
	gauge("sealsql.plans.entries", "{plan}", "Plans and refusals held.", func(s *observe.Stats, emit emitter) { emit(float64(s.Plans.Entries)) }),
	gauge("sealsql.plans.size", "{plan}", "Plans that may be held.", func(s *observe.Stats, emit emitter) { emit(float64(s.Plans.Size)) }),
	counter("sealsql.catalog.reads", "{read}", "Readings of the database's catalog.", each(attrResult, func(s *observe.Stats) map[string]uint64 {
		return map[string]uint64{"ok": s.Catalog.Reads, "failed": s.Catalog.Failures}
	})),
	gauge("sealsql.catalog.failing.time", "s", "Time for which the catalog could not be read; 0 when it can.", func(s *observe.Stats, emit emitter) { emit(since(s.Catalog.FailingSince)) }),
	counter("sealsql.rows", "{row}", "Rows with encrypted columns that were shown, or left out by a filter.", each(attrResult, func(s *observe.Stats) map[string]uint64 {
		return map[string]uint64{"opened": s.Rows.Opened, "filtered": s.Rows.Filtered}
	})),
	counter("sealsql.index.mismatches", "{value}", "Values that their search index does not belong to.", one(func(s *observe.Stats) uint64 { return s.Rows.IndexMismatches })),

	counter("sealsql.cache.lookups", "{lookup}", "Look-ups in the key caches.", caches(func(c observe.Cache, emit func(float64, string)) {
		emit(float64(c.Hits), "hit")
		emit(float64(c.Misses), "miss")
	})),
	counter("sealsql.cache.loads", "{load}", "Loads into the key caches.", caches(func(c observe.Cache, emit func(float64, string)) {
		emit(float64(c.Loads-c.Failed), "ok")
		emit(float64(c.Failed), "failed")
	})),
	counter("sealsql.cache.removals", "{key}", "Keys that left the caches, by why.", caches(func(c observe.Cache, emit func(float64, string)) {
		for why, n := range c.Left {
			emit(float64(n), why)
		}
	})),
	gauge("sealsql.cache.entries", "{key}", "Keys held.", caches(func(c observe.Cache, emit func(float64, string)) { emit(float64(c.Entries), "") })),

	counter("sealsql.keys.created", "{key}", "Keys made by this process.", each(attrLevel, func(s *observe.Stats) map[string]uint64 { return s.Keys.Created })),
	counter("sealsql.keys.rotated", "{key}", "Keys made in the place of older ones.", each(attrLevel, func(s *observe.Stats) map[string]uint64 { return s.Keys.Rotated })),
	counter("sealsql.keys.revoked", "{key}", "Keys found to be revoked.", one(func(s *observe.Stats) uint64 { return s.Keys.RevokedSeen })),
	counter("sealsql.keys.future", "{lookup}", "Look-ups whose newest key is ahead of this process's clock.", one(func(s *observe.Stats) uint64 { return s.Keys.FromFuture })),
	counter("sealsql.keys.stale", "{use}", "Uses of keys whose state could not be checked in time.", each(attrResult, func(s *observe.Stats) map[string]uint64 {
		return map[string]uint64{"served": s.Keys.StaleServed, "refused": s.Keys.StaleRefused}
	})),
	gauge("sealsql.keys.stale.time", "s", "Time for which states of keys could not be checked; 0 when they can.", func(s *observe.Stats, emit emitter) { emit(since(s.Keys.StaleSince)) }),
	gauge("sealsql.key.age", "s", "Age of keys in memory.", func(s *observe.Stats, emit emitter) {
		for word, a := range map[string]observe.Age{
			"system_sealing": s.Keys.SystemSealing, "system_oldest": s.Keys.SystemOldest,
			"intermediate_sealing_oldest": s.Keys.IntermediateSealing, "intermediate_oldest": s.Keys.IntermediateOldest,
		} {
			if a.Created != 0 {
				emit(a.Seconds, attrKey.String(word))
			}
		}
	}),
	gauge("sealsql.key.expire_after", "s", "Age at which keys no longer seal.", func(s *observe.Stats, emit emitter) { emit(s.Keys.ExpireAfter) }),

	gauge("sealsql.kms.failing.time", "s", "Time for which requests to the key management service have failed; 0 when they do not.", failing(func(s *observe.Stats) []observe.CallStats { return s.KMS })),
	gauge("sealsql.metastore.failing.time", "s", "Time for which requests to the metastore have failed; 0 when they do not.", failing(func(s *observe.Stats) []observe.CallStats { return s.Metastore })),
	gauge("sealsql.region.left_out", "", "1 for a region that is left out after failures, 0 for one that is not.", func(s *observe.Stats, emit emitter) {
		for _, r := range s.Regions {
			out := 0.0
			if r.Out {
				out = 1
			}
			emit(out, attrOf.String(r.Of), attrProvider.String(r.Provider), attrRegion.String(r.Region))
		}
	}),
	counter("sealsql.audit.dropped", "{event}", "Events that are not in the audit trail because there was no room.", one(func(s *observe.Stats) uint64 { return s.Audit.Dropped })),
	gauge("sealsql.audit.waiting", "{event}", "Events that are not written to the audit trail yet.", func(s *observe.Stats, emit emitter) { emit(float64(s.Audit.Waiting)) }),
}

// observed registers the table for a Recorder.
func observed(meter metric.Meter, o *options, r *observe.Recorder) (metric.Registration, error) {
	all := make([]metric.Observable, len(instruments))
	emits := make([]func(metric.Observer, float64, metric.MeasurementOption), len(instruments))
	for i, x := range instruments {
		if x.gauge {
			g, err := meter.Float64ObservableGauge(x.name, metric.WithUnit(x.unit), metric.WithDescription(x.text))
			if err != nil {
				return nil, err
			}
			all[i] = g
			emits[i] = func(to metric.Observer, n float64, set metric.MeasurementOption) { to.ObserveFloat64(g, n, set) }
			continue
		}
		c, err := meter.Int64ObservableCounter(x.name, metric.WithUnit(x.unit), metric.WithDescription(x.text))
		if err != nil {
			return nil, err
		}
		all[i] = c
		emits[i] = func(to metric.Observer, n float64, set metric.MeasurementOption) { to.ObserveInt64(c, int64(n), set) }
	}
	return meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		s := r.Stats()
		for i, x := range instruments {
			x.read(&s, func(n float64, a ...attribute.KeyValue) {
				emits[i](to, n, metric.WithAttributes(append(a, o.attributes...)...))
			})
		}
		return nil
	}, all...)
}

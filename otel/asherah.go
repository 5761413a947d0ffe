package sealotel

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/sealsql/sealsql/observe"
)

// asherah records durations under the names of Asherah's timers, as histograms
// in seconds.
type asherah struct {
	meter metric.Meter
	mu    sync.Mutex
	all   map[string]metric.Float64Histogram
}

// asherahName is what Asherah calls an operation; "" for those that it does not
// time.
func asherahName(op observe.Op) string {
	switch op.Kind {
	case observe.Encrypt, observe.Decrypt:
		return "ael.drr." + op.Kind.String()
	case observe.Metastore:
		return "ael.metastore." + op.Provider + "." + strings.ReplaceAll(op.Name, "_", "")
	case observe.KMS:
		if word := map[string]string{"wrap": "encryptkey", "unwrap": "decryptkey"}[op.Name]; word != "" {
			return "ael.kms." + op.Provider + "." + word
		}
	case observe.KMSRegion:
		if word := map[string]string{"generate": "generatedatakey", "encrypt": "encrypt", "decrypt": "decrypt"}[op.Name]; word != "" {
			return "ael.kms." + op.Provider + "." + word + "." + op.Region
		}
	}
	return ""
}

func (a *asherah) record(ctx context.Context, op observe.Op, took time.Duration, set metric.MeasurementOption) {
	name := asherahName(op)
	if name == "" {
		return
	}
	a.mu.Lock()
	h, known := a.all[name]
	if !known {
		h, _ = a.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(observe.Bounds(op.Kind)...),
			metric.WithDescription("Duration, under the name of Asherah's timer."))
		a.all[name] = h
	}
	a.mu.Unlock()
	if h != nil {
		h.Record(ctx, took.Seconds(), set)
	}
}

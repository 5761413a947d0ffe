package sealotel

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/observe"
)

// Scope is the instrumentation scope of metrics and spans.
const Scope = "github.com/sealsql/sealsql"

// Registration is one Recorder that is exported.
type Registration struct {
	detach   func()
	callback metric.Registration
	once     sync.Once
	err      error
}

// Close ends the export. It may be called twice.
func (r *Registration) Close() error {
	r.once.Do(func() {
		r.detach()
		r.err = r.callback.Unregister()
	})
	return r.err
}

// Database exports a handle that was opened by a driver of sealsql. It takes a
// connection from the pool for a moment, now and never again.
func Database(ctx context.Context, db *sql.DB, opts ...Option) (*Registration, error) {
	r, err := driver.RecorderOf(ctx, db)
	if err != nil {
		return nil, err
	}
	return Recorder(r, opts...)
}

// Recorder exports what a Recorder counts: that of a session factory, a connector
// or an envelope.Sealer.
func Recorder(r *observe.Recorder, opts ...Option) (*Registration, error) {
	if r == nil {
		return nil, errors.New("sealsql: a recorder is required")
	}
	o := newOptions(opts)
	meter := o.meters.Meter(Scope)
	callback, err := observed(meter, o, r)
	if err != nil {
		return nil, err
	}
	x, err := newExporter(meter, o)
	if err != nil {
		return nil, errors.Join(err, callback.Unregister())
	}
	kinds := observe.Of(observe.Encrypt, observe.Decrypt, observe.KeyLoad, observe.KMS, observe.KMSRegion,
		observe.Metastore, observe.MetastoreRegion, observe.Plan)
	if o.statements {
		kinds |= observe.Of(observe.Statement)
	}
	return &Registration{detach: r.Attach(x, kinds, o.digests), callback: callback}, nil
}

// The attributes.
const (
	attrProvider  = attribute.Key("sealsql.provider")
	attrRegion    = attribute.Key("sealsql.region")
	attrOperation = attribute.Key("sealsql.operation")
	attrOutcome   = attribute.Key("sealsql.outcome")
	attrTier      = attribute.Key("sealsql.tier")
	attrReason    = attribute.Key("sealsql.reason")
	attrResult    = attribute.Key("sealsql.result")
	attrLevel     = attribute.Key("sealsql.level")
	attrKey       = attribute.Key("sealsql.key")
	attrOf        = attribute.Key("sealsql.of")
	attrKeyID     = attribute.Key("sealsql.key.id")
	attrDigest    = attribute.Key("sealsql.statement.digest")
	attrSystem    = attribute.Key("db.system.name")
)

// exporter records durations and makes spans.
type exporter struct {
	o         *options
	tracer    trace.Tracer
	durations map[observe.Kind]metric.Float64Histogram
	asherah   *asherah // nil without aliases
}

// durations are the histograms by kind. Statements have none: those that the
// program wants to time it times itself, with what the database does.
var durations = map[observe.Kind]struct{ name, text string }{
	observe.Encrypt:         {"sealsql.encrypt.duration", "Time to seal one value; one in 256 is measured."},
	observe.Decrypt:         {"sealsql.decrypt.duration", "Time to open one value; one in 256 is measured."},
	observe.KeyLoad:         {"sealsql.key.load.duration", "Time to bring a key that no cache had."},
	observe.KMS:             {"sealsql.kms.duration", "Time of a request to the key management service."},
	observe.KMSRegion:       {"sealsql.kms.region.duration", "Time of one attempt in one region of the key management service."},
	observe.Metastore:       {"sealsql.metastore.duration", "Time of a request to the metastore."},
	observe.MetastoreRegion: {"sealsql.metastore.region.duration", "Time of one attempt in one region of the metastore."},
	observe.Plan:            {"sealsql.plan.duration", "Time to plan a statement that the cache did not have."},
}

func newExporter(meter metric.Meter, o *options) (*exporter, error) {
	x := &exporter{o: o, tracer: o.tracers.Tracer(Scope), durations: map[observe.Kind]metric.Float64Histogram{}}
	for k, d := range durations {
		h, err := meter.Float64Histogram(d.name, metric.WithDescription(d.text), metric.WithUnit("s"),
			metric.WithExplicitBucketBoundaries(observe.Bounds(k)...))
		if err != nil {
			return nil, err
		}
		x.durations[k] = h
	}
	if o.asherah {
		x.asherah = &asherah{meter: meter, all: map[string]metric.Float64Histogram{}}
	}
	return x, nil
}

// Sampled implements observe.Observer.
func (x *exporter) Sampled(ctx context.Context, k observe.Kind, took time.Duration) {
	set := metric.WithAttributes(x.o.attributes...)
	x.durations[k].Record(ctx, took.Seconds(), set)
	if x.asherah != nil {
		x.asherah.record(ctx, observe.Op{Kind: k}, took, set)
	}
}

// Begin implements observe.Observer.
func (x *exporter) Begin(ctx context.Context, op observe.Op) (context.Context, func(time.Duration, observe.Outcome)) {
	ctx, span := x.tracer.Start(ctx, spanName(op), trace.WithTimestamp(observe.Started(ctx)), trace.WithSpanKind(spanKind(op.Kind)))
	return ctx, func(took time.Duration, how observe.Outcome) {
		attributes := append(labels(op), attrOutcome.String(how))
		attributes = append(attributes, x.o.attributes...)
		set := metric.WithAttributes(attributes...)
		if h := x.durations[op.Kind]; h != nil {
			h.Record(ctx, took.Seconds(), set)
		}
		if x.asherah != nil {
			x.asherah.record(ctx, op, took, metric.WithAttributes(x.o.attributes...))
		}
		if span.IsRecording() {
			span.SetAttributes(attributes...)
			span.SetAttributes(x.private(op)...)
			if failed(how) {
				span.SetStatus(codes.Error, how)
			}
		}
		if op.Kind == observe.Plan {
			span.End(trace.WithTimestamp(observe.Started(ctx).Add(took)))
			return
		}
		span.End()
	}
}

// private are the attributes of spans alone.
func (x *exporter) private(op observe.Op) (out []attribute.KeyValue) {
	if x.o.keyID != nil && op.KeyID != "" {
		out = append(out, attrKeyID.String(x.o.keyID(op.KeyID)))
	}
	if op.Digest != "" {
		out = append(out, attrDigest.String(op.Digest))
	}
	return out
}

// labels are the attributes of an operation that metrics may have.
func labels(op observe.Op) (out []attribute.KeyValue) {
	switch op.Kind {
	case observe.KeyLoad:
		return []attribute.KeyValue{attrTier.String(op.Name)}
	case observe.Plan:
		return nil
	case observe.Statement:
		return []attribute.KeyValue{attrSystem.String(systemName(op.Provider)), attrOperation.String(op.Name)}
	}
	out = append(out, attrProvider.String(op.Provider), attrOperation.String(op.Name))
	if op.Region != "" {
		out = append(out, attrRegion.String(op.Region))
	}
	return out
}

// systemName is what OpenTelemetry calls a dialect.
func systemName(dialect string) string {
	if dialect == "postgres" {
		return "postgresql"
	}
	return dialect
}

func spanName(op observe.Op) string {
	if op.Kind == observe.Plan {
		return "sealsql.plan"
	}
	return "sealsql." + op.Kind.String() + "." + op.Name
}

func spanKind(k observe.Kind) trace.SpanKind {
	switch k {
	case observe.KMS, observe.KMSRegion, observe.Metastore, observe.MetastoreRegion, observe.Statement:
		return trace.SpanKindClient
	}
	return trace.SpanKindInternal
}

// failed reports the outcomes that are errors to whoever reads spans: not those
// that a program meets every day.
func failed(how observe.Outcome) bool {
	switch how {
	case observe.OK, observe.Absent, observe.Exists, observe.Canceled:
		return false
	}
	return true
}

// Names lists the metrics that are exported, in order, without Asherah's.
func Names() (all []string) {
	for _, d := range durations {
		all = append(all, d.name)
	}
	for _, x := range instruments {
		all = append(all, x.name)
	}
	slices.Sort(all)
	return all
}

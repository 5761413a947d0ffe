package sealotel

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Option changes what is exported.
type Option func(*options)

type options struct {
	meters     metric.MeterProvider
	tracers    trace.TracerProvider
	attributes []attribute.KeyValue
	statements bool
	digests    bool
	asherah    bool
	keyID      func(id string) string
}

func newOptions(opts []Option) *options {
	o := &options{meters: otel.GetMeterProvider(), tracers: otel.GetTracerProvider()}
	for _, opt := range opts {
		opt(o)
	}
	return o
}

// WithMeterProvider takes the place of the global meter provider.
func WithMeterProvider(p metric.MeterProvider) Option { return func(o *options) { o.meters = p } }

// WithTracerProvider takes the place of the global tracer provider.
func WithTracerProvider(p trace.TracerProvider) Option { return func(o *options) { o.tracers = p } }

// WithAttributes adds attributes to every metric and span, so that several
// databases of a program can be told apart. Without it their counters are the
// same series, of which a collector keeps one.
func WithAttributes(a ...attribute.KeyValue) Option {
	return func(o *options) { o.attributes = append(o.attributes, a...) }
}

// WithStatements adds a span for each call of database/sql: how it was decided
// and how it ended. It has no text.
func WithStatements() Option { return func(o *options) { o.statements = true } }

// WithDigests is WithStatements with sealsql.statement.digest: 64 bits, as 16
// hexadecimal digits, of the SHA-256 of the text in which values, comments and
// quoted names are hidden. Equal statements have equal digests, whatever their
// values. Whoever knows a program's statements can tell which was run. A text
// whose tokens are in doubt has none.
func WithDigests() Option { return func(o *options) { o.statements, o.digests = true, true } }

// WithAsherahNames also records the durations under the names of Asherah's
// metrics, for dashboards that have them (docs/from-asherah.md).
func WithAsherahNames() Option { return func(o *options) { o.asherah = true } }

// WithKeyIDs adds the ids of keys to spans, as f writes them: HashedKeyIDs, or
// ClearKeyIDs where the ids of partitions may be known to whoever reads spans.
func WithKeyIDs(f func(id string) string) Option { return func(o *options) { o.keyID = f } }

// ClearKeyIDs writes ids as they are, with the ids of partitions.
func ClearKeyIDs(id string) string { return id }

// HashedKeyIDs writes 64 bits, as hexadecimal digits, of the HMAC-SHA256 of an id
// under a secret: spans of one key can be found, and who has the secret can find
// those of a partition. Without a secret a hash would hide little, because ids of
// customers can be tried one by one.
func HashedKeyIDs(secret []byte) func(id string) string {
	key := append([]byte(nil), secret...)
	return func(id string) string {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(id))
		return hex.EncodeToString(m.Sum(nil)[:8])
	}
}

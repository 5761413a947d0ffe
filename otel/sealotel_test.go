package sealotel_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/regional"
	"github.com/sealsql/sealsql/observe"
	sealotel "github.com/sealsql/sealsql/otel"
	"github.com/sealsql/sealsql/session"
)

// telemetry collects what is exported.
type telemetry struct {
	reader *metric.ManualReader
	spans  *tracetest.SpanRecorder
}

func newTelemetry() (*telemetry, []sealotel.Option) {
	x := &telemetry{reader: metric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	return x, []sealotel.Option{
		sealotel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(x.reader))),
		sealotel.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(x.spans))),
	}
}

// point is a series with its value: that of a counter or gauge, the number of a
// histogram.
type point struct {
	name  string
	set   attribute.Set
	value float64
}

func (x *telemetry) metrics(t testing.TB) (all []point) {
	t.Helper()
	var got metricdata.ResourceMetrics
	if err := x.reader.Collect(context.Background(), &got); err != nil {
		t.Fatal(err)
	}
	for _, scope := range got.ScopeMetrics {
		if scope.Scope.Name != sealotel.Scope {
			t.Errorf("scope %q", scope.Scope.Name)
		}
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				if !d.IsMonotonic {
					t.Errorf("%s may go down", m.Name)
				}
				for _, p := range d.DataPoints {
					all = append(all, point{m.Name, p.Attributes, float64(p.Value)})
				}
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					all = append(all, point{m.Name, p.Attributes, p.Value})
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					all = append(all, point{m.Name, p.Attributes, float64(p.Count)})
				}
			default:
				t.Errorf("%s is a %T", m.Name, d)
			}
		}
	}
	return all
}

// value returns the sum of the series of a name that have the attributes given,
// as "key=value".
func value(all []point, name string, with ...string) (sum float64, found bool) {
	for _, p := range all {
		if p.name != name {
			continue
		}
		match := true
		for _, kv := range with {
			k, v, _ := strings.Cut(kv, "=")
			got, _ := p.set.Value(attribute.Key(k))
			match = match && got.AsString() == v
		}
		if match {
			sum, found = sum+p.value, true
		}
	}
	return sum, found
}

const configuration = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_OTEL_KEY}
metastore: {sql: same}
guards: off
audit: {file: AUDIT}
tables:
  notes:
    partition: {column: tenant, type: text}
    columns: {body: {type: text, audit: [read, write]}}
`

const tenant = "customer-of-ours"

// database is an encrypted SQLite database.
func database(t testing.TB) *sql.DB {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("SEALSQL_OTEL_KEY", strings.Repeat("5a6b7c8d", 8))
	cfg, err := config.Parse("sealsql.yaml", []byte(strings.ReplaceAll(configuration, "AUDIT", filepath.Join(dir, "audit.jsonl"))))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := sql.Open("sqlite", "")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	c, err := sqlite.Wrap(connector{"file:" + filepath.Join(dir, "app.db"), plain}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	t.Cleanup(func() { db.Close() })
	exec(t, db, "CREATE TABLE notes (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, body TEXT)")
	return db
}

func exec(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// work does a bit of everything.
func work(t testing.TB, db *sql.DB) {
	t.Helper()
	for id := range 5 {
		exec(t, db, "INSERT INTO notes (id, tenant, body) VALUES (?, ?, ?)", id, tenant, "text")
		var body string
		if err := db.QueryRow("SELECT body FROM notes WHERE id = ?", id).Scan(&body); err != nil || body != "text" {
			t.Fatal(body, err)
		}
	}
	exec(t, db, "SELECT 1")
	if _, err := db.Exec("SELECT id FROM notes ORDER BY body"); !errors.Is(err, sealsql.ErrRefused) {
		t.Fatal(err)
	}
	exec(t, db, "UPDATE notes SET id = 77 WHERE id = 0")
}

func TestEverythingThatIsCountedIsExported(t *testing.T) {
	db := database(t)
	x, opts := newTelemetry()
	reg, err := sealotel.Database(t.Context(), db, append(opts, sealotel.WithAttributes(attribute.String("db.name", "main")))...)
	if err != nil {
		t.Fatal(err)
	}
	work(t, db)
	all := x.metrics(t)
	// The audit trail stores its key in the background.
	stored := func() bool {
		n, _ := value(all, "sealsql.metastore.duration", "sealsql.operation=store", "sealsql.outcome=ok", "db.name=main")
		return n >= 3
	}
	for end := time.Now().Add(30 * time.Second); !stored() && time.Now().Before(end); all = x.metrics(t) {
		time.Sleep(time.Millisecond)
	}
	for name, want := range map[string]float64{
		"sealsql.encrypt.values": 5, "sealsql.encrypt.bytes": 20, "sealsql.decrypt.values": 5,
		"sealsql.encrypt.duration": 1, "sealsql.decrypt.duration": 1, "sealsql.refusals sealsql.reason=ordering_by_an_encrypted_column": 1,
		"sealsql.keys.created sealsql.level=intermediate": 1, "sealsql.rows sealsql.result=opened": 5,
		"sealsql.kms.duration sealsql.provider=env sealsql.operation=wrap sealsql.outcome=ok": 1,
		"sealsql.metastore.duration sealsql.operation=store sealsql.outcome=ok":               3, // with the audit key
		"sealsql.keys.stale.time": 0, "sealsql.region.left_out": -1,
	} {
		words := strings.Fields(name)
		got, found := value(all, words[0], append(words[1:], "db.name=main")...)
		if found != (want >= 0) || found && got != want {
			t.Errorf("%s: %v (%v), want %v", name, got, found, want)
		}
	}
	for _, name := range []string{"sealsql.key.age", "sealsql.plan.duration", "sealsql.plans", "sealsql.cache.lookups", "sealsql.key.load.duration"} {
		if n, _ := value(all, name); n <= 0 {
			t.Errorf("%s: %v", name, n)
		}
	}
	if err := errors.Join(reg.Close(), reg.Close()); err != nil {
		t.Fatal(err)
	}
	work2 := func() float64 {
		exec(t, db, "INSERT INTO notes (id, tenant, body) VALUES (?, ?, ?)", 99, "another", "text")
		n, _ := value(x.metrics(t), "sealsql.encrypt.values")
		return n
	}
	if n := work2(); n > 5 {
		t.Errorf("still exported after closing: %v", n)
	}
}

// documented are the names of docs/observability.md.
func documented(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(sealsql\\.[a-z_.]+)` \\| `sealsql_").FindAllStringSubmatch(string(text), -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return names
}

func TestMetricsAreThoseOfTheDocumentation(t *testing.T) {
	names := documented(t)
	if exported := sealotel.Names(); !slices.Equal(names, exported) {
		for _, n := range exported {
			if !slices.Contains(names, n) {
				t.Errorf("%s is exported and not documented", n)
			}
		}
		for _, n := range names {
			if !slices.Contains(exported, n) {
				t.Errorf("%s is documented and not exported", n)
			}
		}
	}
}

func TestSpansAreNestedAndNameNoPartition(t *testing.T) {
	db := database(t)
	x, opts := newTelemetry()
	if _, err := sealotel.Database(t.Context(), db, append(opts, sealotel.WithDigests())...); err != nil {
		t.Fatal(err)
	}
	work(t, db)
	ids := map[string]string{}
	byName := map[string]trace.ReadOnlySpan{}
	for _, s := range x.spans.Ended() {
		ids[s.SpanContext().SpanID().String()] = s.Name()
		if _, ok := byName[s.Name()]; !ok {
			byName[s.Name()] = s
		}
		if s.EndTime().Before(s.StartTime()) {
			t.Errorf("%s ends before it begins", s.Name())
		}
	}
	for name, parent := range map[string]string{
		"sealsql.statement.exec": "", "sealsql.statement.query": "", "sealsql.statement.prepare": "", "sealsql.plan": "sealsql.statement.",
		"sealsql.key_load.intermediate_latest": "sealsql.statement.exec", "sealsql.metastore.store": "sealsql.key_load.", "sealsql.kms.wrap": "sealsql.key_load.system_state",
	} {
		s := byName[name]
		if s == nil {
			if name != "sealsql.statement.prepare" {
				t.Errorf("no span %s", name)
			}
			continue
		}
		if got := ids[s.Parent().SpanID().String()]; !strings.HasPrefix(got, parent) || parent == "" && got != "" {
			t.Errorf("%s is within %q, want %q", name, got, parent)
		}
	}
	refused := 0
	for _, s := range x.spans.Ended() {
		for _, a := range s.Attributes() {
			if !allowed[string(a.Key)] || strings.Contains(a.Value.String(), tenant) {
				t.Errorf("%s has %s = %s", s.Name(), a.Key, a.Value.String())
			}
		}
		if len(s.Events()) > 0 {
			t.Errorf("%s has events", s.Name())
		}
		if s.Name() == "sealsql.statement.exec" && s.Status().Code == codes.Error && s.Status().Description == observe.Refused {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d spans of refused statements", refused)
	}
}

// allowed are the attributes that spans may have.
var allowed = map[string]bool{
	"sealsql.provider": true, "sealsql.region": true, "sealsql.operation": true, "sealsql.outcome": true,
	"sealsql.tier": true, "sealsql.statement.digest": true, "db.system.name": true,
}

func TestKeyIDsAreWrittenAsTheOptionSays(t *testing.T) {
	for name, c := range map[string]struct {
		opts   []sealotel.Option
		tenant bool
		some   bool
	}{
		"absent unless asked for": {},
		"clear":                   {opts: []sealotel.Option{sealotel.WithKeyIDs(sealotel.ClearKeyIDs)}, tenant: true, some: true},
		"hashed":                  {opts: []sealotel.Option{sealotel.WithKeyIDs(sealotel.HashedKeyIDs([]byte("secret")))}, some: true},
	} {
		t.Run(name, func(t *testing.T) {
			db := database(t)
			x, opts := newTelemetry()
			if _, err := sealotel.Database(t.Context(), db, append(opts, c.opts...)...); err != nil {
				t.Fatal(err)
			}
			work(t, db)
			some, clear := false, false
			for _, s := range x.spans.Ended() {
				for _, a := range s.Attributes() {
					if a.Key == "sealsql.key.id" {
						some = true
						clear = clear || strings.Contains(a.Value.String(), tenant)
					}
				}
			}
			if some != c.some || clear != c.tenant {
				t.Errorf("ids %v, in clear %v", some, clear)
			}
			for _, p := range x.metrics(t) {
				if p.set.HasValue("sealsql.key.id") || strings.Contains(p.set.Encoded(attribute.DefaultEncoder()), tenant) {
					t.Errorf("%s tells of a partition", p.name)
				}
			}
		})
	}
	if sealotel.HashedKeyIDs([]byte("a"))("id") == sealotel.HashedKeyIDs([]byte("b"))("id") {
		t.Error("the secret does not matter")
	}
}

// region is one region of a key management service, up or down.
type region struct {
	name string
	down *bool
}

func (r region) Name() string { return r.name }

func (r region) fail(op string) error {
	if *r.down {
		return &envelope.ServiceError{Service: "aws", Region: r.name, Op: op, Fault: envelope.FaultUnreachable}
	}
	return nil
}

func (r region) Generate(context.Context, map[string]string) (key, blob []byte, arn string, err error) {
	key = make([]byte, 32)
	return key, []byte("blob"), "arn:" + r.name, r.fail("generate")
}

func (r region) Encrypt(context.Context, map[string]string, []byte) ([]byte, string, error) {
	return []byte("blob"), "arn:" + r.name, r.fail("encrypt")
}

func (r region) Decrypt(context.Context, map[string]string, []byte, string) ([]byte, error) {
	return make([]byte, 32), r.fail("decrypt")
}

func (region) Shares(string) bool { return false }

func TestRegionsAreToldApartAndAsherahsNamesAreAliases(t *testing.T) {
	down := false
	kms, err := regional.New(regional.Config{Name: "aws", Regions: []regional.Region{region{"us-west-2", &down}, region{"eu-west-1", new(bool)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer kms.Close()
	x, opts := newTelemetry()
	rec := observe.New()
	if _, err := sealotel.Recorder(rec, append(opts, sealotel.WithAsherahNames())...); err != nil {
		t.Fatal(err)
	}
	store := builtin.NewMemory()
	use := func() {
		t.Helper()
		f, err := session.NewSessionFactory(&session.Config{Service: "s", Product: "p"}, store, kms, session.WithRecorder(rec))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s, err := f.GetSession(tenant)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Encrypt(t.Context(), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	use()
	down = true
	for range 4 {
		use()
	}
	all := x.metrics(t)
	for name, want := range map[string]float64{
		"sealsql.kms.region.duration sealsql.region=us-west-2 sealsql.operation=generate sealsql.outcome=ok":         1,
		"sealsql.kms.region.duration sealsql.region=eu-west-1 sealsql.operation=encrypt sealsql.outcome=ok":          1,
		"sealsql.kms.region.duration sealsql.region=us-west-2 sealsql.operation=decrypt sealsql.outcome=unreachable": 3,
		"sealsql.kms.region.duration sealsql.region=eu-west-1 sealsql.operation=decrypt sealsql.outcome=ok":          4,
		"sealsql.region.left_out sealsql.region=us-west-2":                                                           -1, // the factory is closed
		"ael.kms.aws.encryptkey": 1, "ael.kms.aws.decryptkey": 5, "ael.kms.aws.generatedatakey.us-west-2": 1,
		"ael.metastore.memory.store": 2, "ael.metastore.memory.loadlatest": 6, "ael.drr.encrypt": 1,
	} {
		words := strings.Fields(name)
		got, found := value(all, words[0], words[1:]...)
		if found != (want >= 0) || found && got != want {
			t.Errorf("%s: %v (%v), want %v", name, got, found, want)
		}
	}
	if n, _ := value(all, "sealsql.kms.failing.time", "sealsql.region=us-west-2", "sealsql.operation=decrypt"); n <= 0 {
		t.Error("the region that is down is not said to fail")
	}
	if n, _ := value(all, "sealsql.kms.failing.time", "sealsql.operation=unwrap"); n != 0 {
		t.Error("the service is said to fail though a region answers")
	}
}

func TestForeignDatabasesAndNoRecordersAreErrors(t *testing.T) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := sealotel.Database(t.Context(), db); err == nil {
		t.Error("a plain database is exported")
	}
	if _, err := sealotel.Recorder(nil); err == nil {
		t.Error("nothing is exported")
	}
}

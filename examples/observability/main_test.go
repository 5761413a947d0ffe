package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/sealsql/sealsql/observe"
	sealotel "github.com/sealsql/sealsql/otel"
)

type families map[string]*dto.MetricFamily

func parse(t *testing.T, from io.Reader) families {
	t.Helper()
	p := expfmt.NewTextParser(model.UTF8Validation)
	f, err := p.TextToMetricFamilies(from)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// example is what the program prints.
func example(t *testing.T) families {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), &out, ""); err != nil {
		t.Fatal(err)
	}
	return parse(t, &out)
}

// regions is a Source of what only happens where there are several regions.
type regions struct{}

func (regions) Counters(s *observe.Stats) {
	s.AddCache("intermediate", observe.Cache{Left: map[string]uint64{"evicted": 1}})
}

func (regions) Gauges(s *observe.Stats) {
	s.Regions = append(s.Regions, observe.Region{Of: "kms", Provider: "aws", Region: "us-west-2"})
}

// misfortune exports what the example does not meet: failures, rotation, regions.
func misfortune(t *testing.T) families {
	t.Helper()
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	r := observe.New()
	if _, err := sealotel.Recorder(r, sealotel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(exporter)))); err != nil {
		t.Fatal(err)
	}
	r.Add(regions{})
	r.NotSealed("too_large")
	r.NotOpened("damaged_value")
	r.KeyCreated("system", true)
	for _, k := range []observe.Kind{observe.KMSRegion, observe.MetastoreRegion} {
		_, timing := r.Call(observe.Op{Kind: k, Provider: "aws", Region: "us-west-2", Name: "decrypt"}).Begin(t.Context(), "")
		timing.End(observe.Timeout)
	}
	var out bytes.Buffer
	if err := write(&out, registry); err != nil {
		t.Fatal(err)
	}
	return parse(t, &out)
}

func everything(t *testing.T) families {
	all := example(t)
	for name, f := range misfortune(t) {
		if all[name] != nil {
			f.Metric = append(f.Metric, all[name].Metric...)
		}
		all[name] = f
	}
	return all
}

func TestTheExamplePrintsWhatItDid(t *testing.T) {
	got := example(t)
	for name, want := range map[string]float64{"sealsql_encrypt_values_total": 600, "sealsql_decrypt_values_total": 300, "sealsql_keys_revoked_total": 0} {
		f := got[name]
		if f == nil || len(f.Metric) != 1 || f.Metric[0].GetCounter().GetValue() != want {
			t.Errorf("%s: %v, want %v", name, f, want)
		}
	}
	if f := got["sealsql_kms_duration_seconds"]; f == nil || f.GetType() != dto.MetricType_HISTOGRAM {
		t.Errorf("no histogram of the key management service: %v", f)
	}
}

func TestTheExampleServesMetrics(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	from, to := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, to, "127.0.0.1:0") }()
	var line [100]byte
	n, err := from.Read(line[:])
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got := parse(t, answer.Body); got["sealsql_statements_total"] == nil {
		t.Error("no statements")
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the program does not end")
	}
}

// documented are the OpenTelemetry and Prometheus names of the documentation.
func documented(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(sealsql\\.[a-z_.]+)` \\| `(sealsql_[a-z_]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		names[m[1]] = m[2]
	}
	return names
}

func TestPrometheusNamesAreThoseOfTheDocumentation(t *testing.T) {
	names, got := documented(t), everything(t)
	for _, n := range sealotel.Names() {
		if names[n] == "" {
			t.Errorf("%s is not documented with a name for Prometheus", n)
		} else if got[names[n]] == nil {
			t.Errorf("%s is not exported as %s", n, names[n])
		}
	}
	for name := range got {
		found := name == "target_info"
		for _, n := range names {
			found = found || n == name
		}
		if !found {
			t.Errorf("%s is exported and not documented", name)
		}
	}
}

// The parts of Grafana's dashboard model that dashboard.json uses. Decoding is
// strict: what is not named here is a mistake in the file.
type (
	dashboard struct {
		Inputs        []any               `json:"__inputs"`
		Requires      []map[string]string `json:"__requires"`
		UID           string              `json:"uid"`
		Title         string              `json:"title"`
		Description   string              `json:"description"`
		Tags          []string            `json:"tags"`
		SchemaVersion int                 `json:"schemaVersion"`
		Version       int                 `json:"version"`
		Editable      bool                `json:"editable"`
		GraphTooltip  int                 `json:"graphTooltip"`
		Time          struct{ From, To string }
		Refresh       string `json:"refresh"`
		Timezone      string `json:"timezone"`
		Annotations   struct{ List []any }
		Links         []any `json:"links"`
		Templating    struct{ List []variable }
		Panels        []panel `json:"panels"`
	}
	source   struct{ Type, UID string }
	variable struct {
		Name       string  `json:"name"`
		Label      string  `json:"label"`
		Type       string  `json:"type"`
		Datasource *source `json:"datasource"`
		Query      any     `json:"query"`
		Definition string  `json:"definition"`
		Refresh    int     `json:"refresh"`
		IncludeAll bool    `json:"includeAll"`
		Multi      bool    `json:"multi"`
		AllValue   string  `json:"allValue"`
		Sort       int     `json:"sort"`
		Hide       int     `json:"hide"`
		Current    any     `json:"current"`
		Options    []any   `json:"options"`
	}
	panel struct {
		ID          int    `json:"id"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		Description string `json:"description"`
		Collapsed   bool   `json:"collapsed"`
		Datasource  source `json:"datasource"`
		GridPos     struct{ H, W, X, Y int }
		Targets     []target `json:"targets"`
		FieldConfig struct {
			Defaults  map[string]any
			Overrides []any
		}
		Options map[string]any `json:"options"`
		Panels  []panel        `json:"panels"`
	}
	target struct {
		Datasource   source `json:"datasource"`
		EditorMode   string `json:"editorMode"`
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
		Range        bool   `json:"range"`
		RefID        string `json:"refId"`
	}
)

func load(t *testing.T) (d dashboard) {
	t.Helper()
	f, err := os.Open("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decoder := json.NewDecoder(f)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDashboardIsWellFormed(t *testing.T) {
	d := load(t)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 36 || len(d.Templating.List) != 3 {
		t.Errorf("%+v", d)
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%q: id %d is used twice, or zero", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.GridPos.W < 1 || p.GridPos.X < 0 || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H < 1 {
			t.Errorf("%q does not fit: %+v", p.Title, p.GridPos)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := taken[cell]; other != "" {
					t.Fatalf("%q lies over %q", p.Title, other)
				}
				taken[cell] = p.Title
			}
		}
		switch p.Type {
		case "row":
			continue
		case "timeseries", "stat":
		default:
			t.Errorf("%q is a %q", p.Title, p.Type)
		}
		refs := map[string]bool{}
		for _, x := range p.Targets {
			if x.Expr == "" || refs[x.RefID] || x.Datasource != (source{"prometheus", "${datasource}"}) || !strings.Contains(x.Expr, `job=~"$job"`) {
				t.Errorf("%q: %+v", p.Title, x)
			}
			refs[x.RefID] = true
			if depth := strings.Count(x.Expr, "(") - strings.Count(x.Expr, ")"); depth != 0 {
				t.Errorf("%q: %s", p.Title, x.Expr)
			}
		}
		if len(p.Targets) == 0 || p.Datasource.Type != "prometheus" || p.FieldConfig.Defaults["unit"] == nil {
			t.Errorf("%q shows nothing", p.Title)
		}
	}
}

var (
	metricName = regexp.MustCompile(`\bsealsql_[a-z_]+\{`)
	labelName  = regexp.MustCompile(`\b(?:sealsql|db)_[a-z_]+\b`)
)

func TestTheDashboardShowsMetricsThatExistByLabelsThatTheyHave(t *testing.T) {
	d, all := load(t), everything(t)
	shown := map[string]bool{}
	for _, p := range d.Panels {
		for _, x := range p.Targets {
			labels := map[string]bool{}
			for _, m := range metricName.FindAllString(x.Expr, -1) {
				name := strings.TrimSuffix(m, "{")
				f := all[name]
				for _, suffix := range []string{"_bucket", "_count", "_sum"} {
					if base, ok := strings.CutSuffix(name, suffix); f == nil && ok && all[base].GetType() == dto.MetricType_HISTOGRAM {
						f, name = all[base], base
					}
				}
				if f == nil {
					t.Errorf("%q: there is no metric %s", p.Title, name)
					continue
				}
				shown[name] = true
				if f.GetType() == dto.MetricType_COUNTER && !strings.Contains(x.Expr, "rate(") && !strings.Contains(x.Expr, "increase(") {
					t.Errorf("%q shows the counter %s and not its rate", p.Title, name)
				}
				for _, series := range f.Metric {
					for _, l := range series.Label {
						labels[l.GetName()] = true
					}
				}
			}
			for _, l := range labelName.FindAllString(metricName.ReplaceAllString(x.Expr+" "+x.LegendFormat, "{"), -1) {
				if !labels[l] {
					t.Errorf("%q: no series of %s has the label %s", p.Title, x.Expr, l)
				}
			}
		}
	}
	var hidden []string
	for name := range all {
		if !shown[name] && name != "target_info" {
			hidden = append(hidden, name)
		}
	}
	slices.Sort(hidden)
	if len(hidden) > 0 {
		t.Errorf("the dashboard does not show %v", hidden)
	}
}

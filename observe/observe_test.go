package observe_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql/observe"
)

var ctx = context.Background()

func TestValuesAreCountedExactlyHoweverManyCountAtOnce(t *testing.T) {
	r := observe.New()
	var wg sync.WaitGroup
	const callers, times = 16, 20000
	for range callers {
		wg.Go(func() {
			for range times {
				r.Sealed(1, 300)
				r.Opened(2, 5)
			}
		})
	}
	stop := make(chan struct{})
	go func() { // snapshots empty the counters in between
		for {
			select {
			case <-stop:
				return
			default:
				r.Stats()
			}
		}
	}()
	wg.Wait()
	close(stop)
	s := r.Stats()
	if s.Encrypt.Values != callers*times || s.Encrypt.Bytes != callers*times*300 || s.Decrypt.Values != 2*callers*times || s.Decrypt.Bytes != 5*callers*times {
		t.Errorf("%+v, %+v", s.Encrypt, s.Decrypt)
	}
}

func TestLargeNumbersDoNotRunOver(t *testing.T) {
	r := observe.New()
	const most = 64 << 20
	for range 20000 { // more than the packed counter holds of bytes
		r.Sealed(1, most)
	}
	r.Sealed(1<<20, 1<<40)
	for range 9 << 20 { // more than half of what it holds of values
		r.Opened(1, 0)
	}
	s := r.Stats()
	if s.Encrypt.Values != 20000+1<<20 || s.Encrypt.Bytes != 20000*most+1<<40 || s.Decrypt.Values != 9<<20 {
		t.Errorf("%+v, %+v", s.Encrypt, s.Decrypt)
	}
}

func TestOneInSoManyIsTimed(t *testing.T) {
	r := observe.New()
	timed := 0
	for range 10 * observe.SampleEvery {
		if r.SampleSeal() {
			timed++
		}
		r.Sealed(1, 1)
	}
	batch := r.OpenSampler()
	for range 10 * observe.SampleEvery {
		if batch.Next() {
			timed++
		}
	}
	if timed != 20 {
		t.Errorf("%d of so many values are timed", timed)
	}
}

func TestANilRecorderCountsNothing(t *testing.T) {
	var r *observe.Recorder
	r.Sealed(1, 1)
	r.Opened(1, 1)
	r.NotSealed("x")
	r.NotOpened("x")
	r.Passed()
	r.Planned()
	r.Refused("x")
	r.Executed()
	r.Rows(1, 1)
	r.IndexMismatch()
	r.Bypassed()
	r.CatalogRead(false)
	r.PlanMade(ctx, time.Now(), 1, observe.OK)
	r.KeyCreated("system", true)
	r.KeyRevoked()
	r.FromFuture()
	r.Stale(true)
	r.Checked()
	r.Took(ctx, observe.Encrypt, time.Now())
	r.Add(nil)()
	if r.SampleSeal() || r.SampleOpen() {
		t.Error("a value is timed")
	}
	if s := r.SealSampler(); s.Next() {
		t.Error("a value is timed")
	}
	_, timing := r.Call(observe.Op{}).Begin(ctx, "")
	timing.End(observe.OK)
	if observe.FromContext(observe.NewContext(ctx, r)) != nil {
		t.Error("a Recorder out of nothing")
	}
	if s := r.Stats(); !reflect.DeepEqual(s, observe.Stats{}) {
		t.Errorf("%+v", s)
	}
}

func TestFailingSinceIsTheFirstFailureSinceAnAnswer(t *testing.T) {
	r := observe.New()
	c := r.Call(observe.Op{Kind: observe.KMS, Provider: "aws", Name: "unwrap"})
	end := func(how observe.Outcome) *time.Time {
		_, timing := c.Begin(ctx, "id")
		timing.End(how)
		return r.Stats().KMS[0].FailingSince
	}
	if at := end(observe.OK); at != nil {
		t.Errorf("failing since %v after an answer", at)
	}
	first := end(observe.Unreachable)
	if first == nil {
		t.Fatal("a failure is not noticed")
	}
	if again := end(observe.Throttled); again == nil || !again.Equal(*first) {
		t.Errorf("failing since %v, then %v", first, again)
	}
	if at := end(observe.Canceled); at == nil {
		t.Error("a caller who gave up is taken for an answer")
	}
	if at := end(observe.Tampered); at != nil {
		t.Error("an answer that says no is no answer")
	}
	if at := end(observe.Canceled); at != nil {
		t.Error("a caller who gave up is taken for a failure")
	}
	got := r.Stats().KMS[0]
	if got.Outcomes[observe.OK] != 1 || got.Outcomes[observe.Canceled] != 2 || got.Seconds.Count != 6 {
		t.Errorf("%+v", got)
	}
}

// told is an Observer that notes what it is told.
type told struct {
	mu    sync.Mutex
	began []observe.Op
	ended []observe.Outcome
	took  []observe.Kind
}

func (o *told) Begin(ctx context.Context, op observe.Op) (context.Context, func(time.Duration, observe.Outcome)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.began = append(o.began, op)
	return context.WithValue(ctx, o, op.Name), func(_ time.Duration, how observe.Outcome) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ended = append(o.ended, how)
	}
}

func (o *told) Sampled(_ context.Context, k observe.Kind, _ time.Duration) {
	o.took = append(o.took, k)
}

func TestObserversHearOfWhatTheyAskedFor(t *testing.T) {
	r, all, some := observe.New(), &told{}, &told{}
	leave := r.Attach(all, ^observe.Kinds(0), true)
	r.Attach(some, observe.Of(observe.KMS, observe.Decrypt), false)
	within, timing := r.Call(observe.Op{Kind: observe.KMS, Name: "wrap", KeyID: "forgotten"}).Begin(ctx, "key")
	if within.Value(all) != "wrap" || within.Value(some) != "wrap" {
		t.Error("the operation does not run in the observers' context")
	}
	timing.End(observe.Denied)
	_, load := r.Call(observe.Op{Kind: observe.KeyLoad, Name: "system"}).Begin(ctx, "")
	load.End(observe.OK)
	r.Took(ctx, observe.Encrypt, time.Now())
	r.Took(ctx, observe.Decrypt, time.Now())
	r.PlanMade(ctx, time.Now(), time.Millisecond, observe.OK)
	if wants, digests := r.WantsStatements(); !wants || !digests {
		t.Error("nobody wants statements")
	}
	_, end := r.StatementBegan(ctx, "sqlite", "exec", "abc")
	end(observe.Refused)
	if len(all.began) != 4 || len(all.ended) != 4 || len(all.took) != 2 || all.began[0].KeyID != "key" || all.began[3].Digest != "abc" {
		t.Errorf("told %+v", all)
	}
	if len(some.began) != 1 || len(some.took) != 1 || some.ended[0] != observe.Denied {
		t.Errorf("told %+v", some)
	}
	leave()
	leave()
	if wants, _ := r.WantsStatements(); wants {
		t.Error("one who left wants statements")
	}
	_, timing = r.Call(observe.Op{Kind: observe.KMS, Name: "wrap"}).Begin(ctx, "key")
	timing.End(observe.OK)
	if len(all.began) != 4 || len(some.began) != 2 {
		t.Errorf("%d and %d were told", len(all.began), len(some.began))
	}
}

func TestNothingIsAllocatedWithoutObservers(t *testing.T) {
	r := observe.New()
	c := r.Call(observe.Op{Kind: observe.Metastore, Name: "load"})
	if n := testing.AllocsPerRun(1000, func() {
		_, timing := c.Begin(ctx, "key")
		timing.End(observe.OK)
		r.Sealed(3, 100)
		r.Took(ctx, observe.Encrypt, time.Time{})
		r.Passed()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// counters is a Source.
type counters struct{ hits, entries int }

func (c *counters) Counters(s *observe.Stats) {
	s.AddCache("data", observe.Cache{Hits: uint64(c.hits), Left: map[string]uint64{"evicted": 1}})
	s.Plans.Hits += 5
}

func (c *counters) Gauges(s *observe.Stats) {
	s.AddCache("data", observe.Cache{Entries: c.entries})
	s.Keys.InUse([]int64{100, 200}, []int64{50, 70}, []int64{60, 70})
}

func TestCountersOutliveTheirSource(t *testing.T) {
	r := observe.New()
	a, b := &counters{hits: 1, entries: 10}, &counters{hits: 2, entries: 20}
	gone := r.Add(a)
	r.Add(b)
	if s := r.Stats(); s.Caches["data"].Hits != 3 || s.Caches["data"].Entries != 30 || s.Plans.Hits != 10 || s.Caches["data"].Left["evicted"] != 2 {
		t.Errorf("%+v", s)
	}
	gone()
	gone()
	s := r.Stats()
	if s.Caches["data"].Hits != 3 || s.Caches["data"].Entries != 20 || s.Plans.Hits != 10 || s.Caches["data"].Left["evicted"] != 2 {
		t.Errorf("after one has gone: %+v", s)
	}
	if k := s.Keys; k.SystemSealing.Created != 200 || k.SystemOldest.Created != 100 || k.IntermediateOldest.Created != 50 || k.IntermediateSealing.Created != 60 || k.SystemOldest.Seconds < 1e9 {
		t.Errorf("%+v", k)
	}
	again := r.Stats()
	if again.Caches["data"].Hits != 3 || again.Caches["data"].Left["evicted"] != 2 {
		t.Errorf("a snapshot changes what is counted: %+v", again)
	}
}

func TestHistogramsTellQuantiles(t *testing.T) {
	r := observe.New()
	for i := range 100 {
		d := 200 * time.Nanosecond
		if i >= 90 {
			d = 2 * time.Microsecond
		}
		r.Took(ctx, observe.Encrypt, time.Now().Add(-d))
	}
	h := r.Stats().Encrypt.Seconds
	if h.Count != 100 || h.Max < 2e-6 || h.Sum < 38e-6 || h.Quantile(0.5) > h.Quantile(0.99) || h.Quantile(0.99) < 2e-6 || h.Quantile(1) > h.Max {
		t.Errorf("%+v", h)
	}
	if (observe.Histogram{}).Quantile(0.5) != 0 {
		t.Error("a quantile of nothing")
	}
}

func TestStatsEncodeAndDecode(t *testing.T) {
	r := observe.New()
	r.Add(&counters{hits: 7})
	r.Sealed(1, 2)
	r.Refused("ordering")
	r.NotOpened("damaged_value")
	r.Stale(false)
	_, timing := r.Call(observe.Op{Kind: observe.KMSRegion, Provider: "aws", Region: "us-west-2", Name: "decrypt"}).Begin(ctx, "")
	timing.End(observe.Timeout)
	want := r.Stats()
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got observe.Stats
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n%+v\n%+v", b, got, want)
	}
	for _, field := range []string{`"refused_by_reason":{"ordering":1}`, `"failed":{"damaged_value":1}`, `"region":"us-west-2"`, `"stale_since":"20`} {
		if !strings.Contains(string(b), field) {
			t.Errorf("no %s in %s", field, b)
		}
	}
}

package envelope_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/synclog"
	"github.com/sealsql/sealsql/observe"
)

// observedSealer is a sealer of a world with its log.
func (w *world) observedSealer(change func(*envelope.Config)) (*envelope.Sealer, *envelope.Column, *synclog.Buffer) {
	log := &synclog.Buffer{}
	s := newSealer(w.t, func(c *envelope.Config) {
		c.Metastore, c.Now = w.store, w.clk.now
		c.Policy.DataKey.MaxUses = 1
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
		if change != nil {
			change(c)
		}
	})
	return s, column(w.t, s, "t.c", false), log
}

func calls(t *testing.T, list []observe.CallStats, op string) observe.CallStats {
	t.Helper()
	for _, c := range list {
		if c.Operation == op && c.Region == "" {
			return c
		}
	}
	t.Fatalf("no %s in %+v", op, list)
	return observe.CallStats{}
}

func TestKeysAndRequestsAreCounted(t *testing.T) {
	w := newWorld(t)
	s, c, _ := w.observedSealer(nil)
	var rec []byte
	for range 5 {
		rec = seal(t, s, c, w.p, "v")
	}
	st := s.Recorder().Stats()
	if k := st.Keys; k.Created["system"] != 1 || k.Created["intermediate"] != 1 || len(k.Rotated) != 0 || k.SystemSealing.Created == 0 || k.IntermediateSealing.Created != created(rec) || k.ExpireAfter == 0 {
		t.Errorf("keys: %+v", k)
	}
	if n := calls(t, st.KMS, "wrap").Outcomes[observe.OK]; n != 1 {
		t.Errorf("%d requests to wrap", n)
	}
	if o := calls(t, st.Metastore, "store").Outcomes; o[observe.OK] != 2 {
		t.Errorf("stores: %v", o)
	}
	if o := calls(t, st.Metastore, "load_latest").Outcomes; o[observe.Absent] != 2 {
		t.Errorf("look-ups of the newest: %v", o)
	}
	if x := st.Caches["intermediate_latest"]; x.Hits != 4 || x.Misses != 1 || x.Loads != 1 || x.Entries != 1 {
		t.Errorf("the tier of keys that seal: %+v", x)
	}
	if n := calls(t, st.KeyLoads, "intermediate_latest").Seconds.Count; n != 1 {
		t.Errorf("%d loads were timed", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if x := s.Recorder().Stats().Caches["intermediate_latest"]; x.Hits != 4 || x.Entries != 0 {
		t.Errorf("after closing: %+v", x)
	}
}

func TestRotationAndRevocationAreCounted(t *testing.T) {
	w := newWorld(t)
	s, c, log := w.observedSealer(nil)
	first := seal(t, s, c, w.p, "v")
	w.store.change[w.meta(intermediateID, created(first))] = func(r *envelope.KeyRecord) { r.Revoked = true }
	w.pass(2 * time.Hour)
	seal(t, s, c, w.p, "v")
	st := s.Recorder().Stats()
	if k := st.Keys; k.RevokedSeen != 1 || k.Rotated["intermediate"] != 1 || k.Created["intermediate"] != 2 {
		t.Errorf("%+v", k)
	}
	if !strings.Contains(log.String(), "a key was revoked") {
		t.Errorf("the log: %s", log)
	}
}

func TestOutagesShowInStatisticsAndOnceInTheLog(t *testing.T) {
	w := newWorld(t)
	s, c, log := w.observedSealer(nil)
	seal(t, s, c, w.p, "v")
	down := errors.New("connection refused")
	w.store.set(func() { w.store.fail = down })
	w.pass(90 * time.Minute)
	for range 50 {
		if _, err := s.Seal(context.Background(), nil, c, w.p, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	st := s.Recorder().Stats()
	if st.Keys.StaleServed == 0 || st.Keys.StaleSince == nil || st.Keys.StaleRefused != 0 {
		t.Errorf("while it goes on: %+v", st.Keys)
	}
	if at := calls(t, st.Metastore, "load_latest").FailingSince; at == nil {
		t.Error("the metastore is not said to fail")
	}
	w.pass(31 * time.Minute)
	for range 50 {
		if _, err := s.Seal(context.Background(), nil, c, w.p, 1, nil); !errors.Is(err, envelope.ErrStale) {
			t.Fatal(err)
		}
	}
	if k := s.Recorder().Stats().Keys; k.StaleRefused != 50 {
		t.Errorf("when it refuses: %+v", k)
	}
	for text, want := range map[string]int{
		"going on with it for now": 1, "nothing is sealed under it": 1, "level=ERROR": 1,
		"the metastore does not answer as it should": 2, // an interval lies between
	} {
		if n := strings.Count(log.String(), text); n != want {
			t.Errorf("%d lines with %q:\n%s", n, text, log)
		}
	}
	w.store.set(func() { w.store.fail = nil })
	seal(t, s, c, w.p, "v")
	st = s.Recorder().Stats()
	if st.Keys.StaleSince != nil || calls(t, st.Metastore, "load_latest").FailingSince != nil {
		t.Errorf("after the outage: %+v", st.Keys)
	}
}

func TestKeysFromTheFutureAreCounted(t *testing.T) {
	w := newWorld(t)
	ahead, c, _ := w.observedSealer(nil)
	w.pass(time.Hour)
	seal(t, ahead, c, w.p, "v")
	w.pass(-time.Hour)
	behind, bc, log := w.observedSealer(nil)
	seal(t, behind, bc, w.p, "v")
	if n := behind.Recorder().Stats().Keys.FromFuture; n == 0 || !strings.Contains(log.String(), "from the future") {
		t.Errorf("%d, and %s", n, log)
	}
}

func TestOutcomesAreWordsAndNotTexts(t *testing.T) {
	secret := errors.New("secret")
	for want, err := range map[string]error{
		"ok":            nil,
		"failed":        secret,
		"damaged_value": &envelope.RecordError{Reason: envelope.ReasonAuth},
		"other_column":  &envelope.KeyError{Err: &envelope.RecordError{Reason: envelope.ReasonColumn}},
		"throttled":     &envelope.KeyError{Err: &envelope.ServiceError{Fault: envelope.FaultThrottled, Detail: "secret"}},
		"timeout":       &envelope.ServiceError{Fault: envelope.FaultUnreachable, Err: context.DeadlineExceeded},
		"tampered":      &envelope.ServiceError{Fault: envelope.FaultRefused},
		"canceled":      &envelope.KeyError{Err: context.Canceled},
		"destroyed":     &envelope.KeyError{Err: envelope.ErrShredded},
		"absent":        &envelope.KeyError{Err: envelope.ErrKeyNotFound},
		"stale":         errors.Join(envelope.ErrStale, envelope.ErrKeyNotFound),
		"not_sealed":    envelope.ErrNotSealed,
	} {
		if got := envelope.Outcome(err); got != want || strings.Contains(got, "secret") {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// spans is an Observer that notes which operation ran within which.
type spans struct{ within map[string][]string }

func (o *spans) Begin(ctx context.Context, op observe.Op) (context.Context, func(time.Duration, observe.Outcome)) {
	name := op.Kind.String() + " " + op.Name
	parent, _ := ctx.Value(o).(string)
	o.within[name] = append(o.within[name], parent)
	return context.WithValue(ctx, o, name), nil
}

func (*spans) Sampled(context.Context, observe.Kind, time.Duration) {}

func TestRequestsRunWithinTheLoadsThatMakeThem(t *testing.T) {
	w := newWorld(t)
	s, c, _ := w.observedSealer(nil)
	o := &spans{map[string][]string{}}
	s.Recorder().Attach(o, observe.Of(observe.KeyLoad, observe.KMS, observe.Metastore), false)
	seal(t, s, c, w.p, "v")
	for name, parent := range map[string]string{
		"key_load intermediate_latest": "", "kms wrap": "key_load system_state", "metastore store": "key_load system_state",
	} {
		if got := o.within[name]; len(got) == 0 || got[0] != parent {
			t.Errorf("%s ran within %q, want %q", name, got, parent)
		}
	}
}

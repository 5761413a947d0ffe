package lifecycle_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/lifecycle"
	"github.com/sealsql/sealsql/schema"
)

var bg = context.Background()

// office is a metastore with a clock.
type office struct {
	*testing.T
	now   time.Time
	store *builtin.Memory
}

func newOffice(t *testing.T) *office {
	return &office{t, time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), builtin.NewMemory()}
}

func (o *office) sealer(change ...func(*envelope.Policy)) *envelope.Sealer {
	o.Helper()
	policy := envelope.Policy{DataKey: envelope.DataKeyPolicy{MaxUses: 1}}
	for _, f := range change {
		f(&policy)
	}
	kms, err := builtin.NewInsecureStatic([]byte("0123456789abcdef0123456789ABCDEF"))
	if err != nil {
		o.Fatal(err)
	}
	s, err := envelope.New(bg, envelope.Config{
		Service: "shop", Product: "orders", KMS: kms, Metastore: o.store,
		Now: func() time.Time { return o.now }, Policy: policy,
	})
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() { s.Close() })
	return s
}

func (o *office) keys(s *envelope.Sealer) *envelope.Keys {
	o.Helper()
	k, err := s.Keys()
	if err != nil {
		o.Fatal(err)
	}
	return k
}

func (o *office) partition(id string) envelope.Partition {
	o.Helper()
	p, err := envelope.PartitionID(id)
	if err != nil {
		o.Fatal(err)
	}
	return p
}

func (o *office) rotate(k *envelope.Keys, id string) string {
	o.Helper()
	m, err := k.RotatePartition(bg, o.partition(id))
	if err != nil {
		o.Fatal(err)
	}
	return fmt.Sprintf("%s@%d", m.ID, m.Created)
}

// usage is a complete count that began now and found records under some keys.
func (o *office) usage(records map[string]int64) *lifecycle.Usage {
	return &lifecycle.Usage{
		Version: 2, Service: "shop", Product: "orders", Began: o.now, Ended: o.now.Add(time.Minute),
		Tables: []lifecycle.TableUsage{{Table: "t", Done: true, Columns: []lifecycle.ColumnUsage{{Column: "c", Records: records}}}},
	}
}

func TestPruningKeepsWhatARecordNeedsAndWhatMaySealYet(t *testing.T) {
	o := newOffice(t)
	k := o.keys(o.sealer())
	var versions []string
	for range 5 {
		versions = append(versions, o.rotate(k, "p"))
		o.now = o.now.Add(24 * time.Hour)
	}
	recent := o.rotate(k, "p") // supersedes the fifth just now
	prune := func(u *lifecycle.Usage, most int, dry bool) (out []string) {
		t.Helper()
		err := lifecycle.Prune(bg, k, lifecycle.PruneOptions{Usage: u, MaxVersions: most, DryRun: dry}, func(p lifecycle.Pruned) error {
			verdict := p.Why
			if p.Retired {
				verdict = "retired"
			}
			out = append(out, fmt.Sprintf("%d %s", slices.Index(versions, fmt.Sprintf("%s@%d", p.Key.ID, p.Key.Created)), verdict))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	used := o.usage(map[string]int64{versions[1]: 7, recent: 1})
	want := []string{"0 retired", "1 7 records are sealed under it", "2 retired", "3 retired", "4 a process may have sealed under it after the count began"}
	if got := prune(used, 0, true); !slices.Equal(got, want) {
		t.Errorf("dry run: %q", got)
	}
	if got := prune(used, 3, false); !slices.Equal(got, want[:3]) {
		t.Errorf("three are kept: %q", got)
	}
	if got := prune(used, 1, false); !slices.Equal(got, []string{want[1], want[3], want[4]}) {
		t.Errorf("then one: %q", got)
	}
	states := ""
	if err := k.Each(bg, func(i *envelope.KeyInfo) error {
		if i.Kind == envelope.KindPartition {
			states += i.State(o.now) + " "
		}
		return nil
	}); err != nil || states != "retired active retired retired active active " {
		t.Errorf("states are %s (%v)", states, err)
	}
}

// A key says that it was made when the interval of its creation time began, which
// may be long before others could see it.
func TestPruningDoesNotTakeARoundedTimeForTheTime(t *testing.T) {
	o := newOffice(t)
	k := o.keys(o.sealer(func(p *envelope.Policy) { p.CreatedPrecision = 24 * time.Hour }))
	o.rotate(k, "p")
	o.now = o.now.Add(48 * time.Hour)
	o.rotate(k, "p") // at five in the morning, and called one of midnight
	u := o.usage(nil)
	u.Began = o.now.Add(time.Minute)
	for range 2 {
		var got []lifecycle.Pruned
		err := lifecycle.Prune(bg, k, lifecycle.PruneOptions{Usage: u}, func(p lifecycle.Pruned) error {
			got = append(got, p)
			return nil
		})
		if err != nil || len(got) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		if late := u.Began.Sub(o.now) > 24*time.Hour; got[0].Retired != late {
			t.Fatalf("count begun %v after: %+v", u.Began.Sub(o.now), got[0])
		}
		u.Began = o.now.Add(27 * time.Hour)
	}
}

func TestPruningWantsAWholeCountOfTheseKeys(t *testing.T) {
	o := newOffice(t)
	k := o.keys(o.sealer())
	o.rotate(k, "p")
	o.now = o.now.Add(24 * time.Hour)
	o.rotate(k, "p")
	o.now = o.now.Add(24 * time.Hour)
	for name, change := range map[string]func(*lifecycle.Usage){
		"not complete":       func(u *lifecycle.Usage) { u.Ended = time.Time{} },
		"of version 1":       func(u *lifecycle.Usage) { u.Version = 1 },
		"of one partition":   func(u *lifecycle.Usage) { u.Partition = "p" },
		"of some tables":     func(u *lifecycle.Usage) { u.LeftOut = []string{"other.t"} },
		"of another product": func(u *lifecycle.Usage) { u.Product = "x" },
		"with a lost table":  func(u *lifecycle.Usage) { u.Tables[0].Dropped = true },
		"with damage":        func(u *lifecycle.Usage) { u.Tables[0].Columns[0].Damaged = 1 },
		"with foreign ones":  func(u *lifecycle.Usage) { u.Tables[0].Columns[0].Foreign = 1 },
	} {
		u := o.usage(nil)
		change(u)
		err := lifecycle.Prune(bg, k, lifecycle.PruneOptions{Usage: u}, func(p lifecycle.Pruned) error {
			t.Errorf("%s: looks at %v", name, p)
			return nil
		})
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := lifecycle.Prune(bg, k, lifecycle.PruneOptions{}, nil); err == nil {
		t.Error("no count: accepted")
	}
}

func TestKeysAreReplacedAheadOfTimeByOneProcess(t *testing.T) {
	o := newOffice(t)
	a, b := o.keys(o.sealer()), o.keys(o.sealer())
	o.rotate(a, "p")
	for _, name := range []string{"audit"} {
		if _, err := a.RotateNamed(bg, name); err != nil {
			t.Fatal(err)
		}
	}
	look := func(k *envelope.Keys, idle bool) lifecycle.Rotated {
		t.Helper()
		r := &lifecycle.Rotator{Keys: k, Ahead: 10 * 24 * time.Hour, Idle: idle}
		out, err := r.Once(bg)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if x := look(a, true); !x.Lease || len(x.Keys) != 0 {
		t.Errorf("nothing is due: %+v", x)
	}
	if x := look(b, true); x.Lease {
		t.Errorf("two processes have the lease: %+v", x)
	}
	o.now = o.now.Add(81 * 24 * time.Hour)
	if x := look(b, false); !x.Lease || len(x.Keys) != 2 { // system, audit
		t.Errorf("due: %+v", x)
	}
	if x := look(a, true); x.Lease {
		t.Errorf("two processes have the second lease: %+v", x)
	}
	o.now = o.now.Add(time.Hour)
	if x := look(a, true); !x.Lease || len(x.Keys) != 1 || !strings.HasPrefix(x.Keys[0].ID, "ss1/ik/") {
		t.Errorf("idle partitions: %+v", x)
	}
	o.now = o.now.Add(time.Hour)
	if x := look(b, true); !x.Lease || len(x.Keys) != 0 {
		t.Errorf("done already: %+v", x)
	}
	// Leases leave no rows behind but the last.
	rows, err := o.store.List(bg, "ss1/ls/", envelope.KeyMeta{}, 100)
	if err != nil || len(rows) != 1 {
		t.Errorf("%d rows of leases, %v", len(rows), err)
	}
	for _, bad := range []*lifecycle.Rotator{{Keys: a, Ahead: time.Hour}, {Keys: a, Ahead: 90 * 24 * time.Hour}} {
		if _, err := bad.Once(bg); err == nil {
			t.Errorf("ahead %v is accepted", bad.Ahead)
		}
	}
}

func TestTheRotatorEndsWithItsContext(t *testing.T) {
	o := newOffice(t)
	ctx, cancel := context.WithCancelCause(bg)
	stop := errors.New("stop")
	cancel(stop)
	if err := (&lifecycle.Rotator{Keys: o.keys(o.sealer())}).Run(ctx); !errors.Is(err, stop) {
		t.Errorf("Run: %v", err)
	}
}

func catalog(t *testing.T, columns ...*schema.Column) *schema.Catalog {
	t.Helper()
	c, err := schema.New([]*schema.Table{{Name: "users", Columns: columns}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestShreddingWaitsUntilNoProcessHoldsTheKey(t *testing.T) {
	o := newOffice(t)
	k := o.keys(o.sealer())
	o.rotate(k, "p")
	s := &lifecycle.Shredder{Keys: k, Catalog: catalog(t, &schema.Column{Name: "a"})}
	if _, err := s.Finish(bg, "p", true); err == nil {
		t.Error("it is finished before it began")
	}
	r, err := s.Begin(bg, "p")
	if err != nil || r.Phase != "begun" || !r.Finished.IsZero() || len(r.Keys) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := r.Verify(bg, o.sealer()); err != nil {
		t.Errorf("verify: %v", err)
	}
	o.now = r.Due.Add(-time.Second)
	if _, err := s.Finish(bg, "p", false); !errors.Is(err, lifecycle.ErrTooEarly) {
		t.Errorf("a second early: %v", err)
	}
	o.now = r.Due
	if r, err = s.Finish(bg, "p", false); err != nil || r.Phase != "finished" || r.Keys[0].Status != "destroyed" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.Begin(bg, ""); !errors.Is(err, envelope.ErrPartition) {
		t.Errorf("no partition: %v", err)
	}
}

func TestWhatRemainsIsNamed(t *testing.T) {
	o := newOffice(t)
	k := o.keys(o.sealer())
	across := &schema.Column{Name: "mail", Equality: &schema.Equality{Name: "mail_bidx", TableScope: true}}
	s := &lifecycle.Shredder{Keys: k, Catalog: catalog(t, across)}
	r, err := s.Begin(bg, "p")
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(r.Remains, "\n"); !strings.Contains(text, "users.mail_bidx is an index across partitions") || !strings.Contains(text, "Backups") {
		t.Errorf("remains:\n%s", text)
	}
}

func TestColumnsInAsherahsFormatAreNotShredded(t *testing.T) {
	o := newOffice(t)
	s := &lifecycle.Shredder{Keys: o.keys(o.sealer()), Catalog: catalog(t, &schema.Column{Name: "a", Carrier: schema.CarrierAsherah})}
	if _, err := s.Begin(bg, "p"); err == nil {
		t.Error("it begins")
	}
}

func TestAnyChangeOfAReportIsNoticed(t *testing.T) {
	o := newOffice(t)
	sealer := o.sealer()
	s := &lifecycle.Shredder{Keys: o.keys(sealer), Catalog: catalog(t, &schema.Column{Name: "a"})}
	o.rotate(s.Keys, "p")
	r, err := s.Begin(bg, "p")
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	same, err := lifecycle.ParseReport(b)
	if err != nil || same.Verify(bg, sealer) != nil {
		t.Fatalf("as it was: %v", err)
	}
	for i := range b {
		changed := slices.Clone(b)
		changed[i] ^= 1
		x, err := lifecycle.ParseReport(changed)
		if err != nil {
			continue
		}
		if x.Verify(bg, sealer) == nil {
			again, _ := x.Encode()
			if string(again) != string(b) { // only white space may differ
				t.Fatalf("byte %d: %q verifies", i, changed[max(i-20, 0):min(i+20, len(b))])
			}
		}
	}
}

func TestKeyValuesKeepTheirType(t *testing.T) {
	for _, v := range []any{int64(-1), int64(math.MaxInt64), uint64(math.MaxUint64), 1.5, true, "", "ä\x00", []byte{}, []byte{0xFF, 0}, time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)} {
		b, err := json.Marshal(lifecycle.Value{V: v})
		if err != nil {
			t.Fatal(err)
		}
		var got lifecycle.Value
		if err := json.Unmarshal(b, &got); err != nil || fmt.Sprintf("%T %v", got.V, got.V) != fmt.Sprintf("%T %v", v, v) {
			t.Errorf("%T %v: %s gives %T %v, %v", v, v, b, got.V, got.V, err)
		}
	}
	if _, err := json.Marshal(lifecycle.Value{V: struct{}{}}); err == nil {
		t.Error("a struct is kept")
	}
	for _, bad := range []string{"{}", "1", `{"int":1,"text":"a"}`, `{"int":"x"}`} {
		var v lifecycle.Value
		if err := json.Unmarshal([]byte(bad), &v); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

// at is a process whose clock differs.
func (o *office) at(skew time.Duration) *envelope.Keys {
	o.Helper()
	kms, err := builtin.NewInsecureStatic([]byte("0123456789abcdef0123456789ABCDEF"))
	if err != nil {
		o.Fatal(err)
	}
	s, err := envelope.New(bg, envelope.Config{
		Service: "shop", Product: "orders", KMS: kms, Metastore: o.store, Now: func() time.Time { return o.now.Add(skew) },
	})
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() { s.Close() })
	return o.keys(s)
}

// Clocks ten minutes behind and ahead: for a year of looks each system key is
// replaced in time, by one process, and every process seals all the time.
func TestClocksTenMinutesApartReplaceEachKeyOnce(t *testing.T) {
	o := newOffice(t)
	processes := []*envelope.Keys{o.at(-10 * time.Minute), o.at(0), o.at(10 * time.Minute)}
	p := o.partition("p")
	made := map[envelope.KeyMeta]bool{}
	for step := range 365 * 24 {
		o.now = o.now.Add(time.Hour)
		for i, k := range processes {
			// The order of the processes changes with the step.
			k = processes[(i+step)%len(processes)]
			out, err := (&lifecycle.Rotator{Keys: k, Ahead: 7 * 24 * time.Hour, Every: 2 * time.Hour}).Once(bg)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range out.Keys {
				made[m] = true
			}
			if step%97 != 0 {
				continue
			}
			c, err := k.Sealer().Column("users.ssn", envelope.ColumnOptions{})
			if err == nil && step%97 == 0 {
				_, err = k.Sealer().Seal(bg, nil, c, p, 1, []byte("v"))
			}
			if err != nil {
				t.Fatalf("process %d, hour %d: %v", i, step, err)
			}
		}
	}
	if len(made) != 4 { // every 83 days
		t.Errorf("%d system keys were made: %v", len(made), made)
	}
	var gap int64
	var last int64
	err := processes[1].EachVersion(bg, envelope.KindSystem, "", func(i *envelope.KeyInfo) error {
		if last != 0 {
			gap = max(gap, i.Meta.Created-last)
		}
		last = i.Meta.Created
		return nil
	})
	if most := int64((84 * 24 * time.Hour).Seconds()); err != nil || gap > most {
		t.Errorf("a key was the newest for %d seconds (%v)", gap, err)
	}
}

// The process that has the lease ends before it does anything: another does the
// work in the next interval.
func TestALeaseEndsWithItsInterval(t *testing.T) {
	o := newOffice(t)
	a, b := o.keys(o.sealer()), o.keys(o.sealer())
	if _, err := a.RotateSystem(bg); err != nil {
		t.Fatal(err)
	}
	o.now = o.now.Add(85 * 24 * time.Hour).Truncate(time.Hour)
	if mine, err := a.Lease(bg, "rotation", time.Hour); err != nil || !mine {
		t.Fatalf("the lease: %v, %v", mine, err)
	}
	r := &lifecycle.Rotator{Keys: b, Ahead: 7 * 24 * time.Hour}
	for _, pass := range []time.Duration{0, 30 * time.Minute, 29 * time.Minute} {
		o.now = o.now.Add(pass)
		if out, err := r.Once(bg); err != nil || out.Lease || len(out.Keys) != 0 {
			t.Fatalf("within the lease of another: %+v, %v", out, err)
		}
	}
	o.now = o.now.Add(time.Minute)
	if out, err := r.Once(bg); err != nil || !out.Lease || len(out.Keys) != 1 {
		t.Fatalf("after it: %+v, %v", out, err)
	}
}

// Looks that find nothing due leave no row behind.
func TestARotatorWithNothingToDoLeavesNoRow(t *testing.T) {
	o := newOffice(t)
	k := o.keys(o.sealer())
	o.rotate(k, "p")
	ctx, cancel := context.WithCancel(bg)
	done := make(chan error)
	r := &lifecycle.Rotator{Keys: k, Ahead: 7 * 24 * time.Hour, Every: time.Second}
	go func() { done <- r.Run(ctx) }()
	time.Sleep(50 * time.Millisecond)
	cancel()
	<-done
	if rows, err := o.store.List(bg, "ss1/ls/", envelope.KeyMeta{}, 100); err != nil || len(rows) != 0 {
		t.Errorf("%d rows of leases, %v", len(rows), err)
	}
}

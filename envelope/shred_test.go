package envelope_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// indexed makes processes create index secrets.
func (o *office) indexed(s *envelope.Sealer) *envelope.Index {
	o.Helper()
	x, err := s.Index(envelope.IndexOptions{Group: "g", Version: 1, Bits: 128})
	o.must(err)
	return x
}

func TestAShreddedPartitionIsGoneAndOthersAreNot(t *testing.T) {
	o := newOffice(t)
	s, c := o.process()
	o.indexed(s)
	k := o.keys(s)
	p, q := partition(t, "p"), partition(t, "p2")
	rec, other := seal(t, s, c, p, "v"), seal(t, s, c, q, "w")
	if _, err := k.RotatePartition(bg, p); err != nil {
		t.Fatal(err)
	}
	newer := seal(t, s, c, p, "v2")
	if x, err := k.Shredding(bg, p); x != nil || err != nil {
		t.Fatalf("before: %+v, %v", x, err)
	}
	if _, err := k.FinishShred(bg, p); err == nil {
		t.Fatal("it finishes before it began")
	}
	x, err := k.BeginShred(bg, p)
	o.must(err)
	if len(x.Keys) != 3 || !x.Began.Equal(o.clk.now().Truncate(time.Second)) {
		t.Fatalf("began as %+v", x)
	}
	// Two hours and ten minutes in memory, and two of clocks.
	if want := x.Began.Add(132 * time.Minute); !x.Due.Equal(want) {
		t.Errorf("due %v, want %v", x.Due, want)
	}
	fresh, fc := o.process()
	if _, err := open(fresh, fc, p, rec); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("between the halves: %v", err)
	}
	o.clk.pass(3 * time.Hour)
	if x, err = k.BeginShred(bg, p); err != nil || x.Began.Equal(o.clk.now().Truncate(time.Second)) {
		t.Errorf("begun again: %+v, %v", x, err)
	}
	for range 2 {
		if x, err = k.FinishShred(bg, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range x.Keys {
		row, err := o.store.Load(bg, i.Meta)
		o.must(err)
		if len(row.Key) != 8 || i.Status != envelope.StatusDestroyed {
			t.Errorf("%s is %s with %d bytes of key", i.Meta.ID, i.Status, len(row.Key))
		}
	}
	for _, r := range [][]byte{rec, newer} {
		if _, err := open(fresh, fc, p, r); !errors.Is(err, envelope.ErrShredded) {
			t.Errorf("after: %v", err)
		}
	}
	if text, err := open(fresh, fc, q, other); err != nil || text != "w" {
		t.Errorf("the other partition: %q, %v", text, err)
	}
	_, err = fresh.Seal(bg, nil, fc, p, 1, nil)
	if !errors.Is(err, envelope.ErrShredded) || errors.Is(err, envelope.ErrTampered) {
		t.Errorf("sealing: %v", err)
	}
	if _, err := fresh.AppendIndex(bg, nil, o.indexed(fresh), p, nil); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("indexing: %v", err)
	}
	if ok, err := fresh.CreateIndexSecret(bg, p); ok || !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("a new index secret: %t, %v", ok, err)
	}
	if _, err := k.RotatePartition(bg, p); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("a new key: %v", err)
	}
}

func TestAPartitionThatNeverWasCanBeShredded(t *testing.T) {
	o := newOffice(t)
	s, c := o.process()
	p := partition(t, "p")
	x, err := o.keys(s).BeginShred(bg, p)
	if err != nil || len(x.Keys) != 0 {
		t.Fatalf("%+v, %v", x, err)
	}
	if _, err := s.Seal(bg, nil, c, p, 1, nil); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("sealing: %v", err)
	}
	x2 := o.indexed(s)
	if _, err := s.AppendIndex(bg, nil, x2, p, nil); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("indexing: %v", err)
	}
}

// A process that holds the key seals on until its check, and no longer; then it
// has let go of the key for opening, too.
func TestAProcessThatHoldsAKeyLetsGoWithinItsInterval(t *testing.T) {
	o := newOffice(t)
	operator, _ := o.process()
	s, c := o.process(func(c *envelope.Config) { c.Policy.DataKey.MaxUses = 0 })
	p := partition(t, "p")
	rec := seal(t, s, c, p, "v")
	for range 3 {
		if _, err := open(s, c, p, rec); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.keys(operator).BeginShred(bg, p); err != nil {
		t.Fatal(err)
	}
	seal(t, s, c, p, "too late")
	o.clk.pass(61 * time.Minute)
	for range 2 {
		if _, err := s.Seal(bg, nil, c, p, 1, nil); !errors.Is(err, envelope.ErrShredded) {
			t.Errorf("sealing: %v", err)
		}
	}
	if _, err := open(s, c, p, rec); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("opening: %v", err)
	}
}

// A tombstone that nothing authenticates keeps new keys out, as its writer could
// by other means, but the partition is not taken for destroyed.
func TestAForgedTombstoneDestroysNothing(t *testing.T) {
	o := newOffice(t)
	s, c := o.process()
	p := partition(t, "p")
	rec := seal(t, s, c, p, "v")
	row, err := o.store.LoadLatest(bg, intermediateID)
	o.must(err)
	forged := row.Clone()
	forged.Meta.Created, forged.Revoked = envelope.Tombstone, true
	forged.State = append([]byte{byte(envelope.StatusDestroyed)}, row.State...)
	forged.Key = make([]byte, 8)
	if ok, err := o.store.Store(bg, forged); !ok || err != nil {
		t.Fatal(ok, err)
	}
	s, c = o.process()
	if text, err := open(s, c, p, rec); err != nil || text != "v" {
		t.Errorf("opening: %q, %v", text, err)
	}
	if got := o.sealedUnder(s, c, "p"); got != created(rec) {
		t.Errorf("sealed under %d", got)
	}
	if x, err := o.keys(s).Shredding(bg, p); x != nil || err != nil {
		t.Errorf("shredding is %+v, %v", x, err)
	}
	// A real one takes its place.
	if _, err := o.keys(s).BeginShred(bg, p); err != nil {
		t.Fatal(err)
	}
	s, c = o.process()
	if _, err := s.Seal(bg, nil, c, p, 1, nil); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("sealing: %v", err)
	}
}

func TestShreddingBesideWritersLosesNothingOfOthers(t *testing.T) {
	o := newOffice(t)
	operator, _ := o.process()
	k := o.keys(operator)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	kept := map[string][][]byte{}
	for range 3 {
		s, c := o.process(func(c *envelope.Config) { c.Cache.NoIntermediate = true })
		o.indexed(s)
		for _, id := range []string{"p", "q"} {
			p := partition(t, id)
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					rec, err := s.Seal(bg, nil, c, p, 1, []byte(id))
					if err != nil {
						if id == "q" || !errors.Is(err, envelope.ErrShredded) {
							t.Errorf("%s: %v", id, err)
						}
						return
					}
					mu.Lock()
					kept[id] = append(kept[id], rec)
					mu.Unlock()
				}
			})
		}
	}
	written := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(kept["p"]) > 0 && len(kept["q"]) > 0
	}
	for end := time.Now().Add(time.Minute); !written() && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	_, err := k.BeginShred(bg, partition(t, "p"))
	o.must(err)
	time.Sleep(20 * time.Millisecond)
	_, err = k.FinishShred(bg, partition(t, "p"))
	o.must(err)
	time.Sleep(20 * time.Millisecond)
	close(stop)
	wg.Wait()
	s, c := o.process()
	for id, recs := range kept {
		for _, rec := range recs {
			text, err := open(s, c, partition(t, id), rec)
			if id == "q" && (err != nil || text != "q") {
				t.Fatalf("a value of the other partition is lost: %v", err)
			}
			if id == "p" && !errors.Is(err, envelope.ErrShredded) {
				t.Fatalf("a value is readable, or its fate unknown: %v", err)
			}
		}
	}
	if len(kept["p"]) == 0 || len(kept["q"]) == 0 {
		t.Fatal("nothing was written")
	}
}

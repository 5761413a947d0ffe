package envelope_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

var bg = context.Background()

// office is a metastore with an operator and any number of processes.
type office struct {
	*testing.T
	clk   *clock
	store *builtin.Memory
}

func newOffice(t *testing.T) *office { return &office{t, newClock(), builtin.NewMemory()} }

// process makes one more Sealer on the same metastore.
func (o *office) process(change ...func(*envelope.Config)) (*envelope.Sealer, *envelope.Column) {
	s := newSealer(o.T, func(c *envelope.Config) {
		c.Metastore, c.Now = o.store, o.clk.now
		c.Policy.DataKey.MaxUses = 1
		for _, f := range change {
			f(c)
		}
	})
	return s, column(o.T, s, "t.c", false)
}

func (o *office) keys(s *envelope.Sealer) *envelope.Keys {
	o.Helper()
	k, err := s.Keys()
	o.must(err)
	return k
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// states lists every key as "id created-offset state".
func (o *office) states(k *envelope.Keys) string {
	o.Helper()
	var b strings.Builder
	o.must(k.Each(bg, func(i *envelope.KeyInfo) error {
		at := fmt.Sprint(i.Meta.Created - newClock().now().Truncate(time.Minute).Unix())
		switch {
		case i.Tombstone:
			at = "tombstone"
		case i.Meta.Created == 86400:
			at = "fixed"
		}
		fmt.Fprintf(&b, "%s %s %s", strings.TrimPrefix(i.Meta.ID, "ss1/"), at, i.State(o.clk.now()))
		if i.Latest {
			b.WriteString(" latest")
		}
		b.WriteString("\n")
		return nil
	}))
	return b.String()
}

func (o *office) want(k *envelope.Keys, lines ...string) {
	o.Helper()
	if got, want := o.states(k), strings.Join(lines, "\n")+"\n"; got != want {
		o.Errorf("keys are\n%swant\n%s", got, want)
	}
}

func (o *office) sealedUnder(s *envelope.Sealer, c *envelope.Column, p string) int64 {
	o.Helper()
	return created(seal(o.T, s, c, partition(o.T, p), "v"))
}

func TestKeysAreListedWithTheirStates(t *testing.T) {
	o := newOffice(t)
	s, c := o.process()
	k := o.keys(s)
	o.sealedUnder(s, c, "a/b")
	if _, err := s.CreateIndexSecret(bg, partition(t, "a/b")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateIndexSecret(bg, envelope.Partition{}); err != nil {
		t.Fatal(err)
	}
	m, err := s.MACKey(bg, "audit", 0)
	o.must(err)
	m.Close()
	o.clk.pass(91 * 24 * time.Hour)
	s2, c2 := o.process()
	o.sealedUnder(s2, c2, "z")
	o.want(k,
		"ik/shop/orders/a%2Fb 0 expired latest",
		"ik/shop/orders/z 7862400 active latest",
		"nk/shop/orders/audit 0 expired latest",
		"sk/shop/orders 0 expired",
		"sk/shop/orders 7862400 active latest",
		"xk/shop/orders/a%2Fb fixed active latest",
		"xt/shop/orders fixed active latest")
	var names []string
	o.must(k.Each(bg, func(i *envelope.KeyInfo) error {
		names = append(names, string(i.Kind)+"="+i.Name)
		return nil
	}))
	if got := strings.Join(names, " "); got != "partition=a/b partition=z named=audit system= system= index=a/b index-table=" {
		t.Errorf("names are %s", got)
	}
}

func TestKeysOfOthersAreNotListed(t *testing.T) {
	o := newOffice(t)
	other, oc := o.process(func(c *envelope.Config) { c.Product = "orders2" })
	o.sealedUnder(other, oc, "p")
	s, _ := o.process()
	if got := o.states(o.keys(s)); got != "" {
		t.Errorf("listed %s", got)
	}
	if _, err := o.keys(s).Show(bg, envelope.KeyMeta{ID: "ss1/sk/shop/orders2"}); err == nil {
		t.Error("another product's key is shown")
	}
}

// A revoked key stops sealing in every process within the check interval, and
// what it sealed opens.
func TestRevokingTakesEffectInEveryProcessWithinTheInterval(t *testing.T) {
	for _, level := range []envelope.KeyKind{envelope.KindPartition, envelope.KindSystem} {
		o := newOffice(t)
		operator, _ := o.process()
		type proc struct {
			s *envelope.Sealer
			c *envelope.Column
		}
		var procs []proc
		for range 3 {
			s, c := o.process()
			procs = append(procs, proc{s, c})
		}
		first := o.sealedUnder(procs[0].s, procs[0].c, "p")
		old := seal(t, procs[0].s, procs[0].c, partition(t, "p"), "old")
		for _, x := range procs {
			o.sealedUnder(x.s, x.c, "p")
		}
		k := o.keys(operator)
		id, err := k.KeyID(level, "p")
		o.must(err)
		o.must(k.Revoke(bg, envelope.KeyMeta{ID: id}))
		o.must(k.Revoke(bg, envelope.KeyMeta{ID: id})) // again: nothing happens
		o.clk.pass(61 * time.Minute)
		var now int64
		for i, x := range procs {
			got := o.sealedUnder(x.s, x.c, "p")
			if got == first {
				t.Errorf("%s: process %d seals under the revoked key", level, i)
			}
			if now == 0 {
				now = got
			}
			if got != now {
				t.Errorf("%s: processes seal under two keys", level)
			}
			if text, err := open(x.s, x.c, partition(t, "p"), old); err != nil || text != "old" {
				t.Errorf("%s: old value: %q, %v", level, text, err)
			}
		}
	}
}

// Who writes to the metastore can revoke, but not bring back, retire in a way
// that opens as shredded, or destroy.
func TestAForgedStateCannotPassForADestroyedKey(t *testing.T) {
	o := newOffice(t)
	s, c := o.process()
	rec := seal(t, s, c, partition(t, "p"), "v")
	meta := envelope.KeyMeta{ID: intermediateID, Created: created(rec)}
	row, err := o.store.Load(bg, meta)
	o.must(err)
	for _, status := range []envelope.Status{envelope.StatusRetired, envelope.StatusDestroying, envelope.StatusDestroyed} {
		forged := row.Clone()
		forged.Revoked = true
		forged.State = append([]byte{byte(status)}, row.State...)
		if ok, err := o.store.Replace(bg, row, forged); !ok || err != nil {
			t.Fatal(ok, err)
		}
		reader, rc := o.process()
		_, err := open(reader, rc, partition(t, "p"), rec)
		if !errors.Is(err, envelope.ErrTampered) || errors.Is(err, envelope.ErrShredded) {
			t.Errorf("%s: %v", status, err)
		}
		info, err := o.keys(reader).Show(bg, meta)
		o.must(err)
		if info.Authentic || info.State(o.clk.now()) != "damaged" {
			t.Errorf("%s: shown as %s", status, info.State(o.clk.now()))
		}
		if err := o.keys(reader).Restore(bg, meta); err == nil {
			t.Errorf("%s: a forged state is restored", status)
		}
		if ok, err := o.store.Replace(bg, forged, row); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
}

func TestARetiredKeyOpensNothingUntilItIsRestored(t *testing.T) {
	o := newOffice(t)
	s, c := o.process()
	k := o.keys(s)
	rec := seal(t, s, c, partition(t, "p"), "v")
	meta := envelope.KeyMeta{ID: intermediateID, Created: created(rec)}
	if err := k.Retire(bg, meta); !errors.Is(err, envelope.ErrKeyState) {
		t.Fatalf("the key in use is retired: %v", err)
	}
	if err := k.Destroy(bg, meta); !errors.Is(err, envelope.ErrKeyState) {
		t.Fatalf("a key that is not retired is destroyed: %v", err)
	}
	next, err := k.RotatePartition(bg, partition(t, "p"))
	o.must(err)
	if next.Created <= meta.Created {
		t.Fatalf("rotated to %+v", next)
	}
	o.must(k.Retire(bg, meta))
	reader, rc := o.process()
	if _, err := open(reader, rc, partition(t, "p"), rec); !errors.Is(err, envelope.ErrKeyRetired) {
		t.Errorf("retired: %v", err)
	}
	o.must(k.Restore(bg, meta))
	reader, rc = o.process()
	if text, err := open(reader, rc, partition(t, "p"), rec); err != nil || text != "v" {
		t.Errorf("restored: %q, %v", text, err)
	}
	if err := k.Restore(bg, meta); !errors.Is(err, envelope.ErrKeyState) {
		t.Errorf("restored twice: %v", err)
	}
	o.must(k.Retire(bg, meta))
	o.must(k.Alone().Destroy(bg, meta))
	o.must(k.Alone().Destroy(bg, meta))
	reader, rc = o.process()
	if _, err := open(reader, rc, partition(t, "p"), rec); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("destroyed: %v", err)
	}
	if err := k.Restore(bg, meta); err == nil {
		t.Error("a destroyed key is restored")
	}
	row, err := o.store.Load(bg, meta)
	o.must(err)
	if len(row.Key) != 8 {
		t.Errorf("%d bytes of the key are left", len(row.Key))
	}
	// The partition goes on with its newer key.
	if got := o.sealedUnder(reader, rc, "p"); got != next.Created {
		t.Errorf("sealed under %d", got)
	}
}

func TestANewSystemKeyTakesTheOthersOver(t *testing.T) {
	o := newOffice(t)
	s, c := o.process()
	k := o.keys(s)
	recs := map[string][]byte{}
	for _, p := range []string{"a", "b", "c"} {
		if _, err := s.CreateIndexSecret(bg, partition(t, p)); err != nil {
			t.Fatal(err)
		}
		recs[p] = seal(t, s, c, partition(t, p), p)
	}
	x, err := s.Index(envelope.IndexOptions{Group: "g", Version: 1, Bits: 128})
	o.must(err)
	before, err := s.AppendIndex(bg, nil, x, partition(t, "a"), []byte("m"))
	o.must(err)
	m, err := s.MACKey(bg, "audit", 0)
	o.must(err)
	sum, err := m.Sum(nil, []byte("x"))
	o.must(err)
	old, err := o.store.LoadLatest(bg, systemID)
	o.must(err)
	// One is destroyed on purpose, and stays so.
	_, err = k.BeginShred(bg, partition(t, "c"))
	o.must(err)
	_, err = k.FinishShred(bg, partition(t, "c"))
	o.must(err)

	meta, err := k.RotateSystem(bg)
	o.must(err)
	if err := k.Alone().Retire(bg, old.Meta); !errors.Is(err, envelope.ErrKeyInUse) {
		t.Fatalf("a system key in use is retired: %v", err)
	}
	// Stopped in the middle, and repeated.
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(bg)
	_, err = k.Rewrap(ctx, func(n envelope.Rewrapped) {
		if n.Done == 2 {
			cancel(stop)
		}
	})
	if err == nil {
		t.Fatal("nobody stopped it")
	}
	n, err := k.Rewrap(bg, nil)
	o.must(err)
	if n.Done == 0 || n.Already != 2 {
		t.Errorf("second run: %+v", n)
	}
	if n, err = k.Rewrap(bg, nil); err != nil || n.Done != 0 {
		t.Errorf("third run: %+v, %v", n, err)
	}
	o.must(k.Alone().Retire(bg, old.Meta))
	o.must(k.Alone().Destroy(bg, old.Meta))

	s, c = o.process()
	for p, rec := range recs {
		text, err := open(s, c, partition(t, p), rec)
		if p == "c" {
			if !errors.Is(err, envelope.ErrShredded) {
				t.Errorf("the destroyed partition: %v", err)
			}
			continue
		}
		if err != nil || text != p {
			t.Errorf("partition %s: %q, %v", p, text, err)
		}
	}
	if _, err := s.Seal(bg, nil, c, partition(t, "c"), 1, nil); !errors.Is(err, envelope.ErrShredded) {
		t.Errorf("sealing for the destroyed partition: %v", err)
	}
	x, err = s.Index(envelope.IndexOptions{Group: "g", Version: 1, Bits: 128})
	o.must(err)
	if after, err := s.AppendIndex(bg, nil, x, partition(t, "a"), []byte("m")); err != nil || string(after) != string(before) {
		t.Errorf("the index changed (%v)", err)
	}
	again, err := s.MACKey(bg, "audit", m.Meta().Created)
	o.must(err)
	defer again.Close()
	if got, err := again.Sum(nil, []byte("x")); err != nil || string(got) != string(sum) {
		t.Errorf("the MAC changed (%v)", err)
	}
	o.must(o.keys(s).Each(bg, func(i *envelope.KeyInfo) error {
		if i.Kind != envelope.KindSystem && i.Parent != meta {
			t.Errorf("%s is under %d", i.Meta.ID, i.Parent.Created)
		}
		return nil
	}))
}

// Whoever had a revoked system key may have what it wrapped.
func TestKeysUnderARevokedSystemKeyStayRevoked(t *testing.T) {
	o := newOffice(t)
	s, c := o.process()
	k := o.keys(s)
	first := o.sealedUnder(s, c, "p")
	o.must(k.Revoke(bg, envelope.KeyMeta{ID: systemID}))
	s, c = o.process()
	k = o.keys(s)
	if _, err := k.Rewrap(bg, nil); err != nil {
		t.Fatal(err)
	}
	if got := o.sealedUnder(s, c, "p"); got == first {
		t.Error("a key that the revoked system key wrapped seals again")
	}
	info, err := k.Show(bg, envelope.KeyMeta{ID: intermediateID, Created: first})
	o.must(err)
	if info.State(o.clk.now()) != "revoked" {
		t.Errorf("it is %s", info.State(o.clk.now()))
	}
}

func otherKMS(t *testing.T) envelope.KeyManagementService {
	t.Helper()
	k, err := builtin.NewInsecureStatic([]byte("another master key, of 32 bytes."))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSystemKeysMoveToAnotherServiceWhileProcessesRun(t *testing.T) {
	o := newOffice(t)
	s, c := o.process()
	rec := seal(t, s, c, partition(t, "p"), "v")
	_, err := o.keys(s).RotateSystem(bg)
	o.must(err)
	a, err := s.Asherah(envelope.AsherahOptions{})
	o.must(err)
	o.must(a.Warm(bg))

	both := func(c *envelope.Config) { c.KMS = envelope.WithRetiring(otherKMS(t), testKMS(t)) }
	s, _ = o.process(both)
	k := o.keys(s)
	to := otherKMS(t)
	defer to.Close()
	ctx, cancel := context.WithCancel(bg)
	if _, err := k.RewrapSystem(ctx, to, false, func(envelope.Rewrapped) { cancel() }); err == nil {
		t.Fatal("nobody stopped it")
	}
	check := func(change ...func(*envelope.Config)) {
		t.Helper()
		s, c := o.process(change...)
		if text, err := open(s, c, partition(t, "p"), rec); err != nil || text != "v" {
			t.Errorf("%q, %v", text, err)
		}
	}
	check(both) // in the middle
	n, err := k.RewrapSystem(bg, to, false, nil)
	if err != nil || n.Done != 2 || n.Already != 1 {
		t.Fatalf("second run: %+v, %v", n, err)
	}
	check(func(c *envelope.Config) { c.KMS = otherKMS(t) })
	s, c = o.process()
	if _, err := open(s, c, partition(t, "p"), rec); err == nil {
		t.Error("the old service still opens")
	}
	if n, err := k.RewrapSystem(bg, to, true, nil); err != nil || n.Done != 3 {
		t.Errorf("forced: %+v, %v", n, err)
	}
}

func TestSystemKeysStayWhereTheNewServiceDoesNotGiveThemBack(t *testing.T) {
	o := newOffice(t)
	s, c := o.process()
	o.sealedUnder(s, c, "p")
	before, err := o.store.LoadLatest(bg, systemID)
	o.must(err)
	for name, to := range map[string]envelope.KeyManagementService{
		"may not unwrap": &lameKMS{KeyManagementService: otherKMS(t)},
		"gives another":  &lameKMS{KeyManagementService: otherKMS(t), other: true},
	} {
		if _, err := o.keys(s).RewrapSystem(bg, to, true, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		after, err := o.store.LoadLatest(bg, systemID)
		o.must(err)
		if string(after.Key) != string(before.Key) {
			t.Errorf("%s: the row was replaced", name)
		}
	}
}

// lameKMS wraps but does not unwrap, or unwraps to something else.
type lameKMS struct {
	envelope.KeyManagementService
	other bool
}

func (k *lameKMS) DecryptKey(context.Context, envelope.KeyContext, []byte) ([]byte, error) {
	if k.other {
		return make([]byte, 32), nil
	}
	return nil, errors.New("denied")
}

func TestANamedKeyIsRotatedAndChecksWhatItMade(t *testing.T) {
	o := newOffice(t)
	s, _ := o.process()
	k := o.keys(s)
	for _, bad := range []string{"", "A", "a/b", "ä", strings.Repeat("a", 49)} {
		if _, err := s.MACKey(bg, bad, 0); err == nil {
			t.Errorf("name %q is accepted", bad)
		}
	}
	first, err := s.MACKey(bg, "audit", 0)
	o.must(err)
	defer first.Close()
	same, err := s.MACKey(bg, "audit", 0)
	o.must(err)
	defer same.Close()
	meta, err := k.RotateNamed(bg, "audit")
	o.must(err)
	next, err := s.MACKey(bg, "audit", 0)
	o.must(err)
	defer next.Close()
	sum := func(m *envelope.MACKey, text string) string {
		t.Helper()
		b, err := m.Sum(nil, []byte(text))
		o.must(err)
		return string(b)
	}
	if sum(first, "a") != sum(same, "a") || sum(first, "a") == sum(first, "b") || sum(first, "a") == sum(next, "a") || next.Meta() != meta {
		t.Error("MACs are not those of their key and message")
	}
	other, err := s.MACKey(bg, "report", 0)
	o.must(err)
	other.Close()
	other.Close()
	if _, err := other.Sum(nil, nil); err == nil {
		t.Error("a closed key makes MACs")
	}
	if _, err := s.MACKey(bg, "audit", 5); !errors.Is(err, envelope.ErrKeyNotFound) {
		t.Errorf("absent version: %v", err)
	}
}

func TestClocksTenMinutesApartAgreeOnKeys(t *testing.T) {
	for _, skew := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		o := newOffice(t)
		tolerant := func(d time.Duration) func(*envelope.Config) {
			return func(c *envelope.Config) {
				c.Policy.Skew = 11 * time.Minute
				c.Now = func() time.Time { return o.clk.now().Add(d) }
			}
		}
		a, ac := o.process(tolerant(0))
		b, bc := o.process(tolerant(skew))
		first := o.sealedUnder(a, ac, "p")
		if got := o.sealedUnder(b, bc, "p"); got != first {
			t.Errorf("%v: the other process made a key of its own", skew)
		}
		// Revoked: both replace it by one key, though one of the clocks says that
		// the replacement is from the future.
		o.must(o.keys(b).Revoke(bg, envelope.KeyMeta{ID: intermediateID}))
		o.clk.pass(61 * time.Minute)
		x, y := o.sealedUnder(b, bc, "p"), o.sealedUnder(a, ac, "p")
		if x != y || x == first {
			t.Errorf("%v: sealed under %d and %d, after %d", skew, x, y, first)
		}
		// Expiry: each replaces by its own clock, and each opens what the other seals.
		o.clk.pass(90*24*time.Hour + time.Minute)
		rec := seal(t, a, ac, partition(t, "p"), "from a")
		if text, err := open(b, bc, partition(t, "p"), rec); err != nil || text != "from a" {
			t.Errorf("%v: %q, %v", skew, text, err)
		}
		rec = seal(t, b, bc, partition(t, "p"), "from b")
		if text, err := open(a, ac, partition(t, "p"), rec); err != nil || text != "from b" {
			t.Errorf("%v: %q, %v", skew, text, err)
		}
	}
}

// With the tolerance of two minutes that is the default, clocks further apart
// make more keys, and lose nothing.
func TestClocksFurtherApartThanToleratedLoseNothing(t *testing.T) {
	o := newOffice(t)
	ahead, ac := o.process(func(c *envelope.Config) { c.Now = func() time.Time { return o.clk.now().Add(10 * time.Minute) } })
	behind, bc := o.process()
	rec := seal(t, ahead, ac, partition(t, "p"), "ahead")
	mine := seal(t, behind, bc, partition(t, "p"), "behind")
	if created(mine) == created(rec) {
		t.Error("a key from the future seals")
	}
	for _, s := range []struct {
		s   *envelope.Sealer
		c   *envelope.Column
		rec []byte
		v   string
	}{{behind, bc, rec, "ahead"}, {ahead, ac, mine, "behind"}} {
		if text, err := open(s.s, s.c, partition(t, "p"), s.rec); err != nil || text != s.v {
			t.Errorf("%q, %v", text, err)
		}
	}
}

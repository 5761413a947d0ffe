package envelope_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// A process seals under the key that it has checked until it looks again. The
// operator who replaces, retires and destroys that key in one go is held back:
// otherwise what the process sealed meanwhile could never be opened.
func TestAKeyIsNotDestroyedWhileAProcessMaySealUnderIt(t *testing.T) {
	o, clk := newOffice(t), newHands()
	moved := func(c *envelope.Config) { c.Now = clk.now }
	operator, _ := o.process(moved)
	s, c := o.process(moved)
	p := partition(t, "p")
	old := envelope.KeyMeta{ID: intermediateID, Created: o.sealedUnder(s, c, "p")}
	clk.pass(10 * time.Minute)
	k := o.keys(operator)
	_, err := k.RotatePartition(bg, p)
	o.must(err)
	o.must(k.Retire(bg, old)) // can be undone
	var late []byte
	for _, step := range []time.Duration{0, 10 * time.Minute, 30 * time.Minute, 80 * time.Minute} {
		clk.pass(step)
		if rec := seal(t, s, c, p, "v"); created(rec) == old.Created {
			late = rec
		}
		if err := k.Destroy(bg, old); !errors.Is(err, envelope.ErrKeyHeld) {
			t.Fatalf("destroyed %v after it was replaced: %v", clk.now().Sub(newClock().now()), err)
		}
	}
	if late == nil {
		t.Fatal("nothing was sealed under the old key; the test shows nothing")
	}
	o.must(k.Restore(bg, old))
	reader, rc := o.process(moved)
	if got, err := open(reader, rc, p, late); err != nil || got != "v" {
		t.Fatalf("%q, %v", got, err)
	}
	o.must(k.Retire(bg, old))
	clk.pass(15 * time.Minute) // two hours, ten minutes of clocks and one of rounding
	if rec := seal(t, s, c, p, "v"); created(rec) == old.Created {
		t.Fatal("it still seals")
	}
	o.must(k.Destroy(bg, old))
}

// The same with a system key: a process that has not yet looked makes keys under
// the old one, after everything was put under the new.
func TestASystemKeyIsNotRetiredWhileAProcessMayWrapUnderIt(t *testing.T) {
	o := newOffice(t)
	operator, _ := o.process()
	s, c := o.process()
	o.sealedUnder(s, c, "p")
	k := o.keys(operator)
	info, err := k.Show(bg, envelope.KeyMeta{ID: systemID})
	o.must(err)
	old := info.Meta
	o.clk.pass(10 * time.Minute)
	_, err = k.RotateSystem(bg)
	o.must(err)
	_, err = k.Rewrap(bg, nil)
	o.must(err)
	if err := k.Retire(bg, old); !errors.Is(err, envelope.ErrKeyHeld) {
		t.Fatalf("retired: %v", err)
	}
	rec := seal(t, s, c, partition(t, "new"), "v") // under the old one
	o.clk.pass(132 * time.Minute)
	if err := k.Retire(bg, old); !errors.Is(err, envelope.ErrKeyInUse) {
		t.Fatalf("retired: %v", err)
	}
	_, err = k.Rewrap(bg, nil)
	o.must(err)
	o.must(k.Retire(bg, old))
	o.must(k.Destroy(bg, old))
	reader, rc := o.process()
	if got, err := open(reader, rc, partition(t, "new"), rec); err != nil || got != "v" {
		t.Fatalf("%q, %v", got, err)
	}
}

// Where no process runs, or the key expired long ago, nobody has to wait.
func TestAKeyThatNobodyCanHoldIsDestroyedAtOnce(t *testing.T) {
	for _, how := range []string{"alone", "expired"} {
		o := newOffice(t)
		s, c := o.process()
		old := envelope.KeyMeta{ID: intermediateID, Created: o.sealedUnder(s, c, "p")}
		if how == "expired" {
			o.clk.pass(91 * 24 * time.Hour)
		}
		k := o.keys(s)
		_, err := k.RotatePartition(bg, partition(t, "p"))
		o.must(err)
		if how == "alone" {
			k = k.Alone()
		}
		o.must(k.Retire(bg, old))
		o.must(k.Destroy(bg, old))
	}
}

// Sealing goes on under a new key where the one that is there was retired: the
// newest system key of a service, or the one above a partition's key.
func TestSealingGoesOnBesideRetiredSystemKeys(t *testing.T) {
	o := newOffice(t)
	operator, _ := o.process()
	o.must(operator.Warm(bg))
	k := o.keys(operator).Alone()
	first, err := k.Show(bg, envelope.KeyMeta{ID: systemID})
	o.must(err)
	o.must(k.Revoke(bg, first.Meta))
	o.must(k.Retire(bg, first.Meta))
	s, c := o.process()
	rec := seal(t, s, c, partition(t, "p"), "v")
	if sys, err := k.Show(bg, envelope.KeyMeta{ID: systemID}); err != nil || sys.Meta == first.Meta {
		t.Fatalf("%+v, %v", sys, err)
	}
	// A partition's key under a retired system key: restored, it opens again.
	second, err := k.Show(bg, envelope.KeyMeta{ID: systemID})
	o.must(err)
	o.clk.pass(time.Minute)
	_, err = k.RotateSystem(bg)
	o.must(err)
	o.retireUsed(second.Meta)
	s, c = o.process()
	fresh := seal(t, s, c, partition(t, "p"), "w")
	if created(fresh) == created(rec) {
		t.Fatal("sealed under a key that does not open")
	}
	if _, err := open(s, c, partition(t, "p"), rec); !errors.Is(err, envelope.ErrKeyRetired) {
		t.Fatalf("the old value: %v", err)
	}
	if got, err := open(s, c, partition(t, "p"), fresh); err != nil || got != "w" {
		t.Fatalf("%q, %v", got, err)
	}
}

// retireUsed has an operator retire a system key that still wraps others, as if he had
// done so just before a slow process wrapped one more.
func (o *office) retireUsed(meta envelope.KeyMeta) {
	o.Helper()
	var put []*envelope.KeyRecord
	rows, err := o.store.List(bg, "ss1/", envelope.KeyMeta{}, 1000)
	o.must(err)
	for _, r := range rows {
		if r.Record.Parent != nil && *r.Record.Parent == meta {
			put = append(put, r.Record)
			if ok, err := o.store.Remove(bg, r.Record); !ok || err != nil {
				o.Fatal(ok, err)
			}
		}
	}
	operator, _ := o.process()
	o.must(o.keys(operator).Alone().Retire(bg, meta))
	for _, r := range put {
		if ok, err := o.store.Store(bg, r); !ok || err != nil {
			o.Fatal(ok, err)
		}
	}
}

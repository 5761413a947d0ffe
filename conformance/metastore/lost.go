package metastore

import (
	"context"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// Loss is what becomes of a request whose answer is lost.
type Loss string

// The losses. Who asked cannot tell one from the other.
const (
	BeforeIt Loss = "the request is lost"
	AfterIt  Loss = "the answer is lost"
)

// TestLosses has writing requests fail with a connection that breaks, before the
// store has done what was asked and after it. open returns an empty metastore and
// what has its next writing request fail so; the suite closes the metastore. A
// client that repeats a request by itself may do so.
//
// What must hold is what the key hierarchy rests on: a row is never reported as
// stored, replaced or removed twice, and after an error the same call again ends
// in the same row, whichever of the two had happened.
func TestLosses(t *testing.T, open func(t *testing.T) (m envelope.Keeper, lose func(Loss))) {
	cases := []struct {
		name string
		run  func(t *testing.T, m envelope.Keeper, lose func())
	}{
		{"a row whose storing failed is stored once", storesOnce},
		{"another row does not take its place", storesNoOther},
		{"a row whose replacing failed is replaced once", replacesOnce},
		{"a row whose removing failed is removed once", removesOnce},
	}
	for _, c := range cases {
		for _, how := range []Loss{BeforeIt, AfterIt} {
			t.Run(c.name+", "+string(how), func(t *testing.T) {
				m, lose := open(t)
				defer m.Close()
				defer took(t)()
				c.run(t, m, func() { lose(how) })
			})
		}
	}
}

// twice does a thing of which the first attempt is lost, and again, and fails
// unless it is done once at most, and never without an error or a word that it is
// done.
func twice(t *testing.T, op string, lose func(), do func() (bool, error)) {
	t.Helper()
	lose()
	first, err := do()
	if err != nil && first {
		t.Fatalf("%s is done beside an error: %v", op, err)
	}
	again, err2 := do()
	if err2 != nil {
		t.Fatalf("%s again: %v", op, err2)
	}
	if first && again {
		t.Fatalf("%s is done twice", op)
	}
}

func storesOnce(t *testing.T, m envelope.Keeper, lose func()) {
	r := record("a", base)
	twice(t, "Store", lose, func() (bool, error) { return m.Store(context.Background(), r) })
	got, err := m.Load(context.Background(), r.Meta)
	wantRecord(t, got, err, r)
	got, err = m.LoadLatest(context.Background(), "a")
	wantRecord(t, got, err, r)
}

func storesNoOther(t *testing.T, m envelope.Keeper, lose func()) {
	lose()
	r, other := record("a", base), record("a", base)
	other.Key = []byte("another wrapped key")
	stored, err := m.Store(context.Background(), r)
	second, err2 := m.Store(context.Background(), other)
	if err2 != nil {
		t.Fatalf("Store: %v", err2)
	}
	if stored && second {
		t.Fatalf("two rows were stored under one name (first error: %v)", err)
	}
	want := r
	if second {
		want = other
	}
	got, err := m.Load(context.Background(), r.Meta)
	wantRecord(t, got, err, want)
}

func replacesOnce(t *testing.T, m envelope.Keeper, lose func()) {
	old, next := record("a", base), record("a", base)
	next.Key = []byte("another wrapped key")
	store(t, m, old)
	twice(t, "Replace", lose, func() (bool, error) { return m.Replace(context.Background(), old, next) })
	got, err := m.Load(context.Background(), old.Meta)
	wantRecord(t, got, err, next)
}

func removesOnce(t *testing.T, m envelope.Keeper, lose func()) {
	r := record("a", base)
	store(t, m, r)
	twice(t, "Remove", lose, func() (bool, error) { return m.Remove(context.Background(), r) })
	got, err := m.Load(context.Background(), r.Meta)
	wantAbsent(t, got, err)
}

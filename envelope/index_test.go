package envelope_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

const (
	indexOfPartition = "ss1/xk/shop/orders/p"
	indexOfTables    = "ss1/xt/shop/orders"
	indexCreated     = 86400
)

func prepare(t testing.TB, s *envelope.Sealer, change func(*envelope.IndexOptions)) *envelope.Index {
	t.Helper()
	o := envelope.IndexOptions{Group: "users.email", Version: 1, Bits: 128}
	if change != nil {
		change(&o)
	}
	x, err := s.Index(o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func indexOf(s *envelope.Sealer, x *envelope.Index, p envelope.Partition, text string) (string, error) {
	b, err := s.AppendIndex(context.Background(), []byte("x"), x, p, []byte(text))
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(b[1:]), nil
}

func TestIndexIsAFunctionOfItsOptionsScopeAndValue(t *testing.T) {
	s := newSealer(t, nil)
	p, q := partition(t, "p"), partition(t, "q")
	table := prepare(t, s, func(o *envelope.IndexOptions) { o.TableScope = true })
	seen := map[string]string{}
	unique := func(what string, x *envelope.Index, p envelope.Partition, text string) string {
		t.Helper()
		got, err := indexOf(s, x, p, text)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%s has the index of %s", what, other)
		}
		seen[got] = what
		if again, _ := indexOf(s, x, p, text); again != got {
			t.Errorf("%s has two indexes", what)
		}
		return got
	}
	first := unique("a value", prepare(t, s, nil), p, "v")
	if len(first) != 32 {
		t.Errorf("128 bits are %d hexadecimal digits", len(first))
	}
	if again, _ := indexOf(s, prepare(t, s, nil), p, "v"); again != first {
		t.Error("the same index prepared twice is two")
	}
	unique("another value", prepare(t, s, nil), p, "w")
	unique("the empty value", prepare(t, s, nil), p, "")
	unique("another partition", prepare(t, s, nil), q, "v")
	unique("another group", prepare(t, s, func(o *envelope.IndexOptions) { o.Group = "g" }), p, "v")
	unique("another kind", prepare(t, s, func(o *envelope.IndexOptions) { o.Kind = "order" }), p, "v")
	unique("another version", prepare(t, s, func(o *envelope.IndexOptions) { o.Version = 2 }), p, "v")
	unique("other steps", prepare(t, s, func(o *envelope.IndexOptions) { o.Steps = []string{"lower"} }), p, "v")
	unique("one step of two names", prepare(t, s, func(o *envelope.IndexOptions) { o.Steps = []string{"lower", "trim"} }), p, "v")
	unique("a shorter hash", prepare(t, s, func(o *envelope.IndexOptions) { o.Bits = 64 }), p, "v")
	if a, b := unique("all partitions", table, p, "v"), ""; true {
		if b, _ = indexOf(s, table, q, "v"); a != b {
			t.Error("an index across partitions differs between them")
		}
	}
}

func TestSecondProcessComputesTheSameIndex(t *testing.T) {
	w := newWorld(t)
	a, _ := w.sealer()
	b, _ := w.sealer()
	prepare(t, a, func(o *envelope.IndexOptions) { o.TableScope = true }) // before the first system key
	for _, scope := range []bool{false, true} {
		of := func(o *envelope.IndexOptions) { o.TableScope = scope }
		xa, xb := prepare(t, a, of), prepare(t, b, of)
		got, err := indexOf(a, xa, w.p, "v")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := indexOf(b, xb, w.p, "v"); again != got {
			t.Errorf("table scope %v: got %s, %v, want %s", scope, again, err, got)
		}
	}
}

func TestProcessesThatMakeThePartitionAtOnceAgree(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	got := map[string]bool{}
	var wg sync.WaitGroup
	for range 16 {
		s, c := w.sealer()
		x := prepare(t, s, nil)
		wg.Go(func() {
			if _, err := s.Seal(context.Background(), nil, c, w.p, 1, []byte("v")); err != nil {
				t.Error(err)
				return
			}
			i, err := indexOf(s, x, w.p, "v")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			got[i] = true
			mu.Unlock()
		})
	}
	wg.Wait()
	if len(got) != 1 {
		t.Errorf("%d indexes of one value", len(got))
	}
}

// threats T20: a secret that is gone is not replaced.
func TestAbsentIndexSecretIsAnError(t *testing.T) {
	for _, scope := range []struct {
		name, id string
		table    bool
	}{{"partition", indexOfPartition, false}, {"table", indexOfTables, true}} {
		t.Run(scope.name, func(t *testing.T) {
			w := newWorld(t)
			of := func(o *envelope.IndexOptions) { o.TableScope = scope.table }
			s, c := w.sealer()
			x := prepare(t, s, of)
			seal(t, s, c, w.p, "v")
			want, err := indexOf(s, x, w.p, "v")
			if err != nil {
				t.Fatal(err)
			}
			meta := w.meta(scope.id, indexCreated)
			w.store.set(func() { w.store.gone[meta] = true })
			other, c2 := w.sealer()
			y := prepare(t, other, of)
			seal(t, other, c2, w.p, "v")
			_, err = indexOf(other, y, w.p, "v")
			var key *envelope.KeyError
			if !errors.Is(err, envelope.ErrIndexKey) || !errors.As(err, &key) || key.KeyID != scope.id {
				t.Fatalf("got %v, want ErrIndexKey of %s", err, scope.id)
			}
			w.store.set(func() { delete(w.store.gone, meta) })
			if got, err := indexOf(other, y, w.p, "v"); got != want {
				t.Errorf("after the row came back: got %s, %v", got, err)
			}
		})
	}
}

// Search may be declared for data that are stored already: only an explicit
// call makes the secret then.
func TestIndexSecretOfStoredDataIsMadeExplicitly(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	seal(t, s, c, w.p, "v")
	x := prepare(t, s, nil)
	if _, err := indexOf(s, x, w.p, "v"); !errors.Is(err, envelope.ErrIndexKey) {
		t.Fatalf("got %v, want ErrIndexKey", err)
	}
	for i, want := range []bool{true, false} {
		if made, err := s.CreateIndexSecret(context.Background(), w.p); err != nil || made != want {
			t.Errorf("call %d: got %v, %v", i, made, err)
		}
	}
	if _, err := indexOf(s, x, w.p, "v"); err != nil {
		t.Error(err)
	}
	if _, err := s.CreateIndexSecret(context.Background(), envelope.AnyPartition); !errors.Is(err, envelope.ErrPartition) {
		t.Errorf("any partition: got %v", err)
	}
	y := prepare(t, s, func(o *envelope.IndexOptions) { o.TableScope = true })
	if _, err := s.CreateIndexSecret(context.Background(), envelope.Partition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := indexOf(s, y, w.p, "v"); err != nil {
		t.Error(err)
	}
}

func TestChangedIndexSecretsAreRefusedByName(t *testing.T) {
	for name, change := range map[string]func(*envelope.KeyRecord){
		"key bit": func(r *envelope.KeyRecord) { r.Key[20] ^= 1 }, "short key": func(r *envelope.KeyRecord) { r.Key = r.Key[:30] },
		"no key": func(r *envelope.KeyRecord) { r.Key = nil }, "no parent": func(r *envelope.KeyRecord) { r.Parent = nil },
		"revoked": func(r *envelope.KeyRecord) { r.Revoked = true }, "no state": func(r *envelope.KeyRecord) { r.State = nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.sealer()
			if _, err := indexOf(a, prepare(t, a, nil), w.p, "v"); err != nil {
				t.Fatal(err)
			}
			w.store.set(func() { w.store.change[w.meta(indexOfPartition, indexCreated)] = change })
			b, _ := w.sealer()
			_, err := indexOf(b, prepare(t, b, nil), w.p, "v")
			var key *envelope.KeyError
			if !errors.Is(err, envelope.ErrTampered) || !errors.As(err, &key) || key.KeyID != indexOfPartition {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A row of another partition under this one's id.
func TestIndexSecretOfAnotherPartitionDoesNotUnwrap(t *testing.T) {
	w := newWorld(t)
	a, _ := w.sealer()
	x := prepare(t, a, nil)
	for _, id := range []string{"p", "q"} {
		if _, err := indexOf(a, x, partition(t, id), "v"); err != nil {
			t.Fatal(err)
		}
	}
	foreign, err := w.store.Metastore.Load(context.Background(), w.meta("ss1/xk/shop/orders/q", indexCreated))
	if err != nil {
		t.Fatal(err)
	}
	w.store.set(func() {
		w.store.change[w.meta(indexOfPartition, indexCreated)] = func(r *envelope.KeyRecord) { r.Key, r.State = foreign.Key, foreign.State }
	})
	b, _ := w.sealer()
	if _, err := indexOf(b, prepare(t, b, nil), w.p, "v"); !errors.Is(err, envelope.ErrTampered) {
		t.Errorf("got %v", err)
	}
}

func TestIndexOptionsAreChecked(t *testing.T) {
	s := newSealer(t, nil)
	for name, change := range map[string]func(*envelope.IndexOptions){
		"no group": func(o *envelope.IndexOptions) { o.Group = "" }, "no version": func(o *envelope.IndexOptions) { o.Version = 0 },
		"odd bits": func(o *envelope.IndexOptions) { o.Bits = 12 }, "too many bits": func(o *envelope.IndexOptions) { o.Bits = 264 },
		"bad group": func(o *envelope.IndexOptions) { o.Group = "\xff" },
	} {
		o := envelope.IndexOptions{Group: "g", Version: 1, Bits: 128}
		change(&o)
		if _, err := s.Index(o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := indexOf(s, prepare(t, s, nil), envelope.Partition{}, "v"); !errors.Is(err, envelope.ErrPartition) {
		t.Errorf("no partition: got %v", err)
	}
	if _, err := indexOf(newSealer(t, nil), prepare(t, s, nil), partition(t, "p"), "v"); err == nil {
		t.Error("the index of another sealer was accepted")
	}
	x := prepare(t, s, nil)
	s.Close()
	if _, err := indexOf(s, x, partition(t, "p"), "v"); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
}

func BenchmarkIndex(b *testing.B) {
	s := newSealer(b, nil)
	x, p := prepare(b, s, nil), partition(b, "p")
	message := []byte("somebody@example.com")
	dst := make([]byte, 0, 16)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = s.AppendIndex(context.Background(), dst[:0], x, p, message); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor: HMAC-SHA256 of the message under a key that is at hand.
func BenchmarkIndexFloor(b *testing.B) {
	h := hmac.New(sha256.New, make([]byte, 32))
	message := []byte("somebody@example.com")
	dst := make([]byte, 0, sha256.Size)
	b.ReportAllocs()
	for b.Loop() {
		h.Reset()
		h.Write(message)
		dst = h.Sum(dst[:0])
	}
}

func TestIndexKeyExpandsMessagesApartFromHashes(t *testing.T) {
	s := newSealer(t, nil)
	x, p := prepare(t, s, nil), partition(t, "p")
	expand := func(p envelope.Partition, message string) (string, error) {
		out := make([]byte, 16)
		err := s.UseIndex(context.Background(), x, p, func(k *envelope.IndexKey) error { return k.Expand(out, []byte(message)) })
		return hex.EncodeToString(out), err
	}
	first, err := expand(p, "v")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := expand(p, "v"); again != first {
		t.Error("one message has two outputs")
	}
	if hash, _ := indexOf(s, x, p, "v"); hash == first {
		t.Error("the output is the hash of the value")
	}
	for _, message := range []string{"", "w"} {
		if other, _ := expand(p, message); other == first {
			t.Errorf("%q has the output of another message", message)
		}
	}
	if other, _ := expand(partition(t, "q"), "v"); other == first {
		t.Error("two partitions have one output")
	}
	if _, err := expand(envelope.Partition{}, "v"); !errors.Is(err, envelope.ErrPartition) {
		t.Errorf("without a partition: %v", err)
	}
	cause := errors.New("cause")
	if err := s.UseIndex(context.Background(), x, p, func(*envelope.IndexKey) error { return cause }); !errors.Is(err, cause) {
		t.Errorf("the error is lost: %v", err)
	}
	if err := newSealer(t, nil).UseIndex(context.Background(), x, p, func(*envelope.IndexKey) error { return nil }); err == nil {
		t.Error("another sealer's index was used")
	}
}

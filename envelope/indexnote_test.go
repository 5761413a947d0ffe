package envelope_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// The secret of a version that is declared for stored data is made explicitly
// (threats T20); the others stay as they are.
func TestVersionsOfAnIndexKeyHaveSecretsOfTheirOwn(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	a, c := w.sealer()
	first := prepare(t, a, nil)
	want, err := indexOf(a, first, w.p, "v")
	if err != nil {
		t.Fatal(err)
	}
	seal(t, a, c, w.p, "v")
	s, _ := w.sealer()
	second := prepare(t, s, func(o *envelope.IndexOptions) { o.Version = 2 })
	_, err = indexOf(s, second, w.p, "v")
	var key *envelope.KeyError
	if !errors.Is(err, envelope.ErrIndexKey) || !errors.As(err, &key) || key.Created != 2*indexCreated {
		t.Fatalf("got %v", err)
	}
	for i, want := range []bool{true, false} {
		if made, err := s.CreateIndexVersion(ctx, w.p, 2); err != nil || made != want {
			t.Errorf("call %d: %t, %v", i, made, err)
		}
	}
	s, _ = w.sealer()
	got, err := indexOf(s, prepare(t, s, func(o *envelope.IndexOptions) { o.Version = 2 }), w.p, "v")
	if err != nil || got == want {
		t.Errorf("got %s, %v", got, err)
	}
	if got, err := indexOf(s, prepare(t, s, nil), w.p, "v"); got != want {
		t.Errorf("the first version is another now: %s, %v", got, err)
	}
	for _, version := range []int{0, -1, envelope.MaxIndexVersion + 1} {
		if _, err := s.CreateIndexVersion(ctx, w.p, version); err == nil {
			t.Errorf("version %d was made", version)
		}
		if _, err := s.Index(envelope.IndexOptions{Group: "g", Bits: 128, Version: version}); err == nil {
			t.Errorf("an index has version %d", version)
		}
	}
}

// A new partition gets the secrets of all versions that its first writer uses.
func TestTheFirstKeyOfAPartitionBringsEveryVersionAlong(t *testing.T) {
	w := newWorld(t)
	a, c := w.sealer()
	prepare(t, a, nil)
	prepare(t, a, func(o *envelope.IndexOptions) { o.Version = 3 })
	prepare(t, a, func(o *envelope.IndexOptions) { o.Version, o.TableScope = 2, true })
	seal(t, a, c, w.p, "v")
	b, _ := w.sealer()
	for _, version := range []int{1, 3} {
		if _, err := indexOf(b, prepare(t, b, func(o *envelope.IndexOptions) { o.Version = version }), w.p, "v"); err != nil {
			t.Errorf("version %d: %v", version, err)
		}
	}
	if _, err := indexOf(b, prepare(t, b, func(o *envelope.IndexOptions) { o.Version, o.TableScope = 2, true }), w.p, "v"); err != nil {
		t.Errorf("across partitions: %v", err)
	}
}

func TestNotesOfIndexesAreNumberedAndAuthentic(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	s, _ := w.sealer()
	if _, err := s.LatestIndexNote(ctx, "users.mail"); !errors.Is(err, envelope.ErrKeyNotFound) {
		t.Fatalf("got %v", err)
	}
	for i, text := range []string{"one", ""} {
		if ok, err := s.AddIndexNote(ctx, "users.mail", i+1, []byte(text)); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if ok, err := s.AddIndexNote(ctx, "users.mail", i+1, []byte("again")); err != nil || ok {
			t.Errorf("number %d was given twice: %t, %v", i+1, ok, err)
		}
		fresh, _ := w.sealer()
		if n, err := fresh.LatestIndexNote(ctx, "users.mail"); err != nil || n.Seq != i+1 || string(n.Payload) != text {
			t.Errorf("got %+v, %v", n, err)
		}
	}
	if _, err := s.LatestIndexNote(ctx, "users.name"); !errors.Is(err, envelope.ErrKeyNotFound) {
		t.Errorf("another subject: %v", err)
	}
	for _, seq := range []int{0, -1, envelope.MaxIndexNotes + 1} {
		if _, err := s.AddIndexNote(ctx, "users.mail", seq, nil); err == nil {
			t.Errorf("note %d was added", seq)
		}
	}
	if _, err := s.AddIndexNote(ctx, "users.mail", 3, make([]byte, 1<<20)); err == nil {
		t.Error("a note of a mebibyte was added")
	}
}

func TestNotesThatWereChangedAreRefused(t *testing.T) {
	ctx := context.Background()
	for name, change := range map[string]func(*envelope.KeyRecord){
		"the payload":     func(r *envelope.KeyRecord) { r.Key[len(r.Key)-1] ^= 1 },
		"the MAC":         func(r *envelope.KeyRecord) { r.Key[10] ^= 1 },
		"its number":      func(r *envelope.KeyRecord) { r.Meta.Created = 3 * indexCreated },
		"no number":       func(r *envelope.KeyRecord) { r.Meta.Created++ },
		"nothing":         func(r *envelope.KeyRecord) { r.Key = nil },
		"less than a MAC": func(r *envelope.KeyRecord) { r.Key = r.Key[:39] },
		"another key":     func(r *envelope.KeyRecord) { r.Key[7] ^= 1 },
		"a negative time": func(r *envelope.KeyRecord) { r.Key[0] = 0xff },
		"a parent":        func(r *envelope.KeyRecord) { r.Parent = &envelope.KeyMeta{ID: "x", Created: 1} },
	} {
		t.Run(name, func(t *testing.T) {
			store := &changedNotes{Memory: builtin.NewMemory()}
			s := newSealer(t, func(c *envelope.Config) { c.Metastore = store })
			if _, err := s.AddIndexNote(ctx, "users.mail", 1, []byte("one")); err != nil {
				t.Fatal(err)
			}
			if _, err := s.LatestIndexNote(ctx, "users.mail"); err != nil {
				t.Fatal(err)
			}
			store.change = change
			if _, err := s.LatestIndexNote(ctx, "users.mail"); !errors.Is(err, envelope.ErrTampered) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// changedNotes is a store that a stranger writes to.
type changedNotes struct {
	*builtin.Memory
	change func(*envelope.KeyRecord)
}

func (m *changedNotes) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	r, err := m.Memory.LoadLatest(ctx, id)
	if err == nil && m.change != nil && strings.HasPrefix(id, "ss1/xn/") {
		r = r.Clone()
		m.change(r)
	}
	return r, err
}

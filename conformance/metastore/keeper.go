package metastore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// TestKeeper runs the suite of envelope.Keeper, for metastores whose rows can be
// listed and changed; Test is run besides. open returns an empty metastore each
// time; the suite closes it.
func TestKeeper(t *testing.T, open func(t *testing.T) envelope.Keeper) {
	cases := []struct {
		name string
		run  func(t *testing.T, m envelope.Keeper)
	}{
		{"rows are listed by the bytes of their ids and then by time, a page at a time", lists},
		{"only rows with the prefix are listed", listsPrefix},
		{"a row is replaced only while it is as it was", replaces},
		{"a row of another id or time is not a replacement", replacesItself},
		{"a row is removed only while it is as it was", removes},
		{"of many who replace a row one wins", replaceRace},
		{"a tombstone keeps other rows of its id out, and of no other", tombstone},
		{"a tombstone is stored beside the rows of its id, once", tombstoneBeside},
		{"states beyond revoked come back as they were", states},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := open(t)
			defer m.Close()
			defer took(t)()
			c.run(t, m)
		})
	}
}

func lists(t *testing.T, m envelope.Keeper) {
	var want []envelope.KeyMeta
	for _, id := range []string{"a", "B", "aa", "a/b", "ä", "a b", "Z", "😀"} {
		for _, d := range []int64{60, 0, 120} {
			r := record(id, base+d)
			store(t, m, r)
			want = append(want, r.Meta)
		}
	}
	slices.SortFunc(want, func(a, b envelope.KeyMeta) int {
		if a.ID != b.ID {
			if a.ID < b.ID {
				return -1
			}
			return 1
		}
		return int(a.Created - b.Created)
	})
	for _, limit := range []int{1, 5, 24, 100} {
		if got := all(t, m, "", limit); !slices.Equal(got, want) {
			t.Errorf("pages of %d give %v", limit, got)
		}
	}
}

// all lists everything in pages and returns the names.
func all(t *testing.T, m envelope.Keeper, prefix string, limit int) (out []envelope.KeyMeta) {
	t.Helper()
	var after envelope.KeyMeta
	for {
		page, err := m.List(context.Background(), prefix, after, limit)
		if err != nil || len(page) > limit {
			t.Fatalf("List gives %d rows, %v", len(page), err)
		}
		for _, k := range page {
			wantRecord(t, k.Record, k.Err, record(k.Meta.ID, k.Meta.Created))
			out, after = append(out, k.Meta), k.Meta
		}
		if len(page) < limit {
			return out
		}
	}
}

func listsPrefix(t *testing.T, m envelope.Keeper) {
	for _, id := range []string{"ss1/ik/a/b/p", "ss1/ik/a/b/q", "ss1/ik/a/bb/p", "ss1/ik/a/b", "ss1/sk/a/b", "SS1/IK/A/B/P", "ss1/ik/a/b0"} {
		store(t, m, record(id, base))
	}
	for prefix, n := range map[string]int{"ss1/ik/a/b/": 2, "ss1/ik/a/b": 5, "ss1/": 6, "ss1/ik/a/b/p": 1, "x": 0, "": 7} {
		for _, limit := range []int{1, 100} {
			if got := all(t, m, prefix, limit); len(got) != n {
				t.Errorf("prefix %q lists %v", prefix, got)
			}
		}
	}
}

func replaces(t *testing.T, m envelope.Keeper) {
	ctx := context.Background()
	first, second, third := record("a", base), record("a", base), record("a", base)
	second.Revoked = true
	third.Key = []byte("other")
	absent := record("a", base+1)
	if ok, err := m.Replace(ctx, absent, absent); ok || err != nil {
		t.Fatalf("an absent row is replaced: %t, %v", ok, err)
	}
	store(t, m, first)
	store(t, m, record("b", base))
	for i, c := range []struct {
		old, next, now *envelope.KeyRecord
		ok             bool
	}{
		{second, third, first, false},
		{first, second, second, true},
		{first, third, second, false},
		{second, second, second, true},
		{second, third, third, true},
	} {
		if ok, err := m.Replace(ctx, c.old, c.next); ok != c.ok || err != nil {
			t.Fatalf("step %d: %t, %v", i, ok, err)
		}
		got, err := m.Load(ctx, first.Meta)
		wantRecord(t, got, err, c.now)
	}
	got, err := m.Load(ctx, record("b", base).Meta)
	wantRecord(t, got, err, record("b", base))
}

func replacesItself(t *testing.T, m envelope.Keeper) {
	store(t, m, record("a", base))
	for _, other := range []*envelope.KeyRecord{record("b", base), record("a", base+1)} {
		if ok, err := m.Replace(context.Background(), record("a", base), other); ok || err == nil {
			t.Errorf("replaced by %+v: %t, %v", other.Meta, ok, err)
		}
	}
}

func removes(t *testing.T, m envelope.Keeper) {
	ctx := context.Background()
	r, changed := record("a", base), record("a", base)
	changed.Revoked = true
	store(t, m, r)
	store(t, m, record("a", base+1))
	for i, c := range []struct {
		rec *envelope.KeyRecord
		ok  bool
	}{{changed, false}, {record("b", base), false}, {r, true}, {r, false}} {
		if ok, err := m.Remove(ctx, c.rec); ok != c.ok || err != nil {
			t.Fatalf("step %d: %t, %v", i, ok, err)
		}
	}
	got, err := m.Load(ctx, r.Meta)
	wantAbsent(t, got, err)
	got, err = m.Load(ctx, record("a", base+1).Meta)
	wantRecord(t, got, err, record("a", base+1))
}

func replaceRace(t *testing.T, m envelope.Keeper) {
	store(t, m, record("a", base))
	var wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			next := record("a", base)
			next.Key = fmt.Appendf(nil, "key %d", i)
			ok, err := m.Replace(context.Background(), record("a", base), next)
			if err != nil {
				t.Errorf("writer %d: Replace: %v", i, err)
			}
			if ok {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d replaced the row", wins.Load())
	}
}

func tombstone(t *testing.T, m envelope.Keeper) {
	ctx := context.Background()
	store(t, m, record("a", envelope.Tombstone))
	for range 2 {
		if ok, err := m.Store(ctx, record("a", base)); ok || !errors.Is(err, envelope.ErrShredded) {
			t.Fatalf("Store = %t, %v; want ErrShredded", ok, err)
		}
	}
	got, err := m.Load(ctx, record("a", base).Meta)
	wantAbsent(t, got, err)
	for _, id := range []string{"A", "a/", "aa", "%61"} {
		store(t, m, record(id, base))
	}
	// Without it rows are stored again.
	if ok, err := m.Remove(ctx, record("a", envelope.Tombstone)); !ok || err != nil {
		t.Fatalf("Remove = %t, %v", ok, err)
	}
	store(t, m, record("a", base))
}

func tombstoneBeside(t *testing.T, m envelope.Keeper) {
	ctx := context.Background()
	store(t, m, record("a", base))
	store(t, m, record("a", envelope.Tombstone))
	if ok, err := m.Store(ctx, record("a", envelope.Tombstone)); ok || err != nil {
		t.Fatalf("second tombstone: %t, %v", ok, err)
	}
	got, err := m.LoadLatest(ctx, "a")
	wantRecord(t, got, err, record("a", envelope.Tombstone))
	got, err = m.Load(ctx, record("a", base).Meta)
	wantRecord(t, got, err, record("a", base))
}

func states(t *testing.T, m envelope.Keeper) {
	r := record("a", base)
	r.Revoked = true
	r.State = append([]byte{byte(envelope.StatusDestroyed)}, r.State...)
	store(t, m, r)
	got, err := m.Load(context.Background(), r.Meta)
	wantRecord(t, got, err, r)
	if got.Status() != envelope.StatusDestroyed {
		t.Errorf("status is %s", got.Status())
	}
}

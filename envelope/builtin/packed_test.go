package builtin

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// What goes into the store in memory comes out of it, whatever of a row is
// there, and whatever the order: compared with a map of records.
func TestPackedRowsAreTheRowsThatWereStored(t *testing.T) {
	ctx, rnd := context.Background(), rand.New(rand.NewPCG(1, 2))
	m, plain := NewMemory(), map[envelope.KeyMeta]*envelope.KeyRecord{}
	some := func() []byte {
		switch n := rnd.IntN(5); n {
		case 0:
			return nil
		case 1:
			return []byte{}
		default:
			b := make([]byte, rnd.IntN(300))
			for i := range b {
				b[i] = byte(rnd.Uint32())
			}
			return b
		}
	}
	record := func() *envelope.KeyRecord {
		r := &envelope.KeyRecord{
			Meta:    envelope.KeyMeta{ID: fmt.Sprint("id", rnd.IntN(20)), Created: 1 + rnd.Int64N(30)<<rnd.IntN(28)},
			Revoked: rnd.IntN(2) == 0, Key: some(), State: some(),
		}
		if rnd.IntN(3) > 0 {
			r.Parent = &envelope.KeyMeta{ID: fmt.Sprint("parent", rnd.IntN(4)), Created: rnd.Int64N(1 << 33)}
		}
		return r
	}
	newest := func(id string, most int64) *envelope.KeyRecord {
		var out *envelope.KeyRecord
		for meta, r := range plain {
			if meta.ID == id && meta.Created <= most && (out == nil || meta.Created > out.Meta.Created) {
				out = r
			}
		}
		return out
	}
	same := func(what string, got *envelope.KeyRecord, err error, want *envelope.KeyRecord) {
		t.Helper()
		if want == nil {
			if !errors.Is(err, envelope.ErrKeyNotFound) {
				t.Fatalf("%s: %v, %v, want ErrKeyNotFound", what, got, err)
			}
			return
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %+v, %v\nwant %+v", what, got, err, want)
		}
	}
	for range 2000 {
		r := record()
		old := plain[r.Meta]
		switch rnd.IntN(4) {
		case 0: // change
			if old == nil {
				continue
			}
			if ok, err := m.Replace(ctx, old, r); !ok || err != nil {
				t.Fatal("Replace:", ok, err)
			}
			plain[r.Meta] = r
		case 1: // remove
			if old == nil {
				continue
			}
			if ok, err := m.Remove(ctx, old); !ok || err != nil {
				t.Fatal("Remove:", ok, err)
			}
			delete(plain, r.Meta)
		default:
			if ok, err := m.Store(ctx, r); ok != (old == nil) || err != nil {
				t.Fatal("Store:", ok, err)
			}
			if old == nil {
				plain[r.Meta] = r
			}
		}
		probe := record().Meta
		got, err := m.Load(ctx, probe)
		same("Load", got, err, plain[probe])
		got, err = m.LoadLatest(ctx, probe.ID)
		same("LoadLatest", got, err, newest(probe.ID, 1<<40))
		got, err = m.LoadLatestBefore(ctx, probe.ID, probe.Created)
		same("LoadLatestBefore", got, err, newest(probe.ID, probe.Created))
	}
	rows, err := m.List(ctx, "", envelope.KeyMeta{}, 10000)
	if err != nil || len(rows) != len(plain) {
		t.Fatalf("List: %d rows, %v, want %d", len(rows), err, len(plain))
	}
	if !slices.IsSortedFunc(rows, func(a, b envelope.StoredKey) int { return compareMeta(a.Meta, b.Meta) }) {
		t.Error("List: not in order")
	}
	for _, r := range rows {
		same("List", r.Record, r.Err, plain[r.Meta])
	}
}

// Nothing that a caller does to a record reaches the store.
func TestPackedRowsShareNothingWithTheirRecords(t *testing.T) {
	ctx, m := context.Background(), NewMemory()
	r := &envelope.KeyRecord{Meta: envelope.KeyMeta{ID: "id", Created: 1}, Key: []byte("key"), State: []byte("state")}
	want := r.Clone()
	if _, err := m.Store(ctx, r); err != nil {
		t.Fatal(err)
	}
	r.Key[0], r.State[0] = 'x', 'x'
	got, err := m.Load(ctx, r.Meta)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	got.Key[0], got.State[0] = 'x', 'x'
	if got, err = m.Load(ctx, r.Meta); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
}

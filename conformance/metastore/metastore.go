// Package metastore tests implementations of envelope.Metastore.
//
// Call Test from a test of the implementation. The implementation in memory of
// envelope/builtin is the reference.
package metastore

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// Test runs the suite. open returns an empty metastore each time; the suite
// closes it.
func Test(t *testing.T, open func(t *testing.T) envelope.Metastore) {
	cases := []struct {
		name string
		run  func(t *testing.T, m envelope.Metastore)
	}{
		{"what is stored loads, member by member", loads},
		{"absent rows are ErrKeyNotFound", absent},
		{"the latest row is the one with the highest creation time", latest},
		{"a second row with the same id and time is refused and changes nothing", duplicate},
		{"ids are compared byte by byte", exactIDs},
		{"ids that look like patterns or SQL are only ids", hostileIDs},
		{"the longest id and a long record fit", long},
		{"creation times far apart come back as they were", times},
		{"of many writers of one row one wins", race},
		{"records are not shared with the caller", copies},
		{"a cancelled context is an error", cancelled},
		{"rows from the future can be looked past", bounded},
		{"Close is harmless twice", closed},
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

// took says of a case that failed how long it ran: an answer that was wrong and
// one that did not come are two things.
func took(t *testing.T) func() {
	began := time.Now()
	return func() {
		if t.Failed() {
			t.Logf("the case ran for %v", time.Since(began).Round(time.Millisecond))
		}
	}
}

// base is a creation time; the suite stores around it.
const base = 1795310040

func record(id string, created int64) *envelope.KeyRecord {
	return &envelope.KeyRecord{
		Meta:   envelope.KeyMeta{ID: id, Created: created},
		Key:    bytes.Repeat([]byte{0, 0xFF, '\'', '\\', 7}, 12),
		Parent: &envelope.KeyMeta{ID: "ss1/sk/shop/orders", Created: base - 60},
		State:  bytes.Repeat([]byte{0xA5}, 32),
	}
}

func store(t *testing.T, m envelope.Metastore, r *envelope.KeyRecord) {
	t.Helper()
	ok, err := m.Store(context.Background(), r)
	if err != nil || !ok {
		t.Fatalf("Store(%q, %d) = %t, %v", r.Meta.ID, r.Meta.Created, ok, err)
	}
}

func wantRecord(t *testing.T, got *envelope.KeyRecord, err error, want *envelope.KeyRecord) {
	t.Helper()
	if err != nil {
		t.Fatalf("load %q, %d: %v", want.Meta.ID, want.Meta.Created, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("loaded %+v, stored %+v", got, want)
	}
}

func wantAbsent(t *testing.T, got *envelope.KeyRecord, err error) {
	t.Helper()
	if !errors.Is(err, envelope.ErrKeyNotFound) || got != nil {
		t.Fatalf("got %+v, %v; want ErrKeyNotFound", got, err)
	}
}

func loads(t *testing.T, m envelope.Metastore) {
	intermediate := record("ss1/ik/shop/orders/p", base)
	system := record("ss1/sk/shop/orders", base)
	system.Parent = nil
	revoked := record("ss1/ik/shop/orders/q", base)
	revoked.Revoked = true
	stateless := record("_IK_p_shop_orders", base)
	stateless.State = nil
	for _, r := range []*envelope.KeyRecord{intermediate, system, revoked, stateless} {
		store(t, m, r)
		got, err := m.Load(context.Background(), r.Meta)
		wantRecord(t, got, err, r)
		got, err = m.LoadLatest(context.Background(), r.Meta.ID)
		wantRecord(t, got, err, r)
	}
}

func absent(t *testing.T, m envelope.Metastore) {
	ctx := context.Background()
	got, err := m.Load(ctx, envelope.KeyMeta{ID: "a", Created: base})
	wantAbsent(t, got, err)
	got, err = m.LoadLatest(ctx, "a")
	wantAbsent(t, got, err)
	store(t, m, record("a", base))
	got, err = m.Load(ctx, envelope.KeyMeta{ID: "a", Created: base + 1})
	wantAbsent(t, got, err)
	got, err = m.Load(ctx, envelope.KeyMeta{ID: "b", Created: base})
	wantAbsent(t, got, err)
}

func latest(t *testing.T, m envelope.Metastore) {
	for _, d := range []int64{0, 120, 60, -86400 * 400, 119} {
		store(t, m, record("a", base+d))
	}
	store(t, m, record("aa", base+9999))
	got, err := m.LoadLatest(context.Background(), "a")
	wantRecord(t, got, err, record("a", base+120))
}

func duplicate(t *testing.T, m envelope.Metastore) {
	first, second := record("a", base), record("a", base)
	second.Key = []byte("another wrapped key")
	store(t, m, first)
	for range 2 {
		if ok, err := m.Store(context.Background(), second); ok || err != nil {
			t.Fatalf("second Store = %t, %v; want false, nil", ok, err)
		}
	}
	got, err := m.Load(context.Background(), first.Meta)
	wantRecord(t, got, err, first)
}

func exactIDs(t *testing.T, m envelope.Metastore) {
	ids := []string{"Alice", "alice", "ALICE", "Álice", "A\u0301lice", "alice%20", "alicé", "ali", "straße", "strasse", "ﬁ", "fi"}
	for i, id := range ids {
		r := record(id, base)
		r.Key = []byte{byte(i + 1)}
		store(t, m, r)
	}
	for i, id := range ids {
		got, err := m.Load(context.Background(), envelope.KeyMeta{ID: id, Created: base})
		if err != nil || got.Meta.ID != id || got.Key[0] != byte(i+1) {
			t.Fatalf("id %q loads another row (%v)", id, err)
		}
		if got, err := m.LoadLatest(context.Background(), id); err != nil || got.Key[0] != byte(i+1) {
			t.Fatalf("latest of id %q is another row (%v)", id, err)
		}
	}
	for _, id := range []string{"aLICE", "alice ", "Alicé", "al_ce"} {
		got, err := m.Load(context.Background(), envelope.KeyMeta{ID: id, Created: base})
		wantAbsent(t, got, err)
	}
}

func hostileIDs(t *testing.T, m envelope.Metastore) {
	for _, id := range []string{"%", "_", "a' OR '1'='1", `a\'`, `"; DROP TABLE encryption_key; --`, "$1", "?", "{}", "😀/漢字"} {
		r := record(id, base)
		store(t, m, r)
		got, err := m.Load(context.Background(), r.Meta)
		wantRecord(t, got, err, r)
	}
}

func long(t *testing.T, m envelope.Metastore) {
	r := record(strings.Repeat("x", 255), base)
	r.Key = bytes.Repeat([]byte("wrapped in many regions "), 700)
	store(t, m, r)
	got, err := m.Load(context.Background(), r.Meta)
	wantRecord(t, got, err, r)
	other := record(strings.Repeat("x", 254)+"y", base)
	store(t, m, other)
}

func times(t *testing.T, m envelope.Metastore) {
	// Around daylight saving changes, leap days, 2038 and as far as four bytes go.
	for _, c := range []int64{1, 1774746000, 1774749600, 1792893600, 1792897200, 1709164800, 2147483647, 2147483648, 4294967295} {
		r := record("t", c)
		store(t, m, r)
		got, err := m.Load(context.Background(), r.Meta)
		wantRecord(t, got, err, r)
		if _, err := m.LoadLatest(context.Background(), "t"); err != nil {
			t.Fatalf("latest when %d is stored: %v", c, err)
		}
	}
	got, err := m.LoadLatest(context.Background(), "t")
	wantRecord(t, got, err, record("t", 4294967295))
}

func race(t *testing.T, m envelope.Metastore) {
	var wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := record("race", base)
			r.Key = []byte{byte(i + 1)}
			ok, err := m.Store(context.Background(), r)
			if err != nil {
				t.Errorf("writer %d: Store: %v", i+1, err)
			}
			if ok {
				wins.Add(1)
			}
			if got, err := m.Load(context.Background(), r.Meta); err != nil {
				t.Errorf("writer %d: load after Store = %t: %v", i+1, ok, err)
			} else if ok && got.Key[0] != byte(i+1) {
				t.Errorf("the row of winner %d is writer %d's", i+1, got.Key[0])
			}
		})
	}
	wg.Wait()
	if n := wins.Load(); n != 1 {
		t.Fatalf("%d writers stored the row", n)
	}
}

func copies(t *testing.T, m envelope.Metastore) {
	r := record("a", base)
	store(t, m, r)
	r.Key[0] ^= 0xFF
	got, err := m.Load(context.Background(), r.Meta)
	wantRecord(t, got, err, record("a", base))
	got.Parent.ID = "changed"
	got, err = m.Load(context.Background(), r.Meta)
	wantRecord(t, got, err, record("a", base))
}

func cancelled(t *testing.T, m envelope.Metastore) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Load(ctx, envelope.KeyMeta{ID: "a", Created: base}); !errors.Is(err, context.Canceled) {
		t.Errorf("Load: %v", err)
	}
	if _, err := m.LoadLatest(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("LoadLatest: %v", err)
	}
	if ok, err := m.Store(ctx, record("a", base)); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("Store = %t, %v", ok, err)
	}
	got, err := m.Load(context.Background(), envelope.KeyMeta{ID: "a", Created: base})
	wantAbsent(t, got, err)
}

func bounded(t *testing.T, m envelope.Metastore) {
	b, ok := m.(envelope.BoundedLoader)
	if !ok {
		return // optional
	}
	for _, d := range []int64{0, 60, 120} {
		store(t, m, record("a", base+d))
	}
	for limit, want := range map[int64]int64{base: base, base + 119: base + 60, base + 120: base + 120, base + 9999: base + 120} {
		got, err := b.LoadLatestBefore(context.Background(), "a", limit)
		wantRecord(t, got, err, record("a", want))
	}
	got, err := b.LoadLatestBefore(context.Background(), "a", base-1)
	wantAbsent(t, got, err)
}

func closed(t *testing.T, m envelope.Metastore) {
	for range 2 {
		if err := m.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
}

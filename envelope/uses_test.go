package envelope_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// A system key is replaced when this process has wrapped enough keys under it,
// once however many make keys at the same time; what exists stays in use. While
// it cannot be replaced it goes on.
func TestASystemKeyThatHasWrappedEnoughIsReplaced(t *testing.T) {
	store := builtin.NewMemory()
	kms := &moodyKMS{KeyManagementService: testKMS(t)}
	s := newSealer(t, func(c *envelope.Config) { c.Metastore, c.KMS, c.Policy.DataKey.MaxUses = store, kms, 1 })
	envelope.SetMaxWraps(s, 100)
	c := column(t, s, "t.c", false)
	systems := func() int {
		t.Helper()
		rows, err := store.List(context.Background(), systemID, envelope.KeyMeta{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	first := created(seal(t, s, c, partition(t, "first"), "v"))
	kms.down.Store(true)
	n := 0
	several := func(count int) {
		t.Helper()
		var wg sync.WaitGroup
		for range 4 {
			from := n
			n += count / 4
			wg.Go(func() {
				for i := range count / 4 {
					if _, err := s.Seal(context.Background(), nil, c, partition(t, fmt.Sprint("tenant-", from+i)), 1, nil); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	several(120)
	if systems() != 1 {
		t.Fatal("a system key was made without the key service")
	}
	kms.down.Store(false)
	several(40)
	if got := systems(); got != 2 {
		t.Fatalf("%d system keys after more than a hundred keys", got)
	}
	several(80)
	if got := systems(); got > 3 {
		t.Fatalf("%d system keys", got)
	}
	if got := created(seal(t, s, c, partition(t, "first"), "v")); got != first {
		t.Error("a partition's key was replaced with the system key")
	}
}

// The records of a partition are counted while its key is not in memory.
func TestRecordsAreCountedBeyondTheCache(t *testing.T) {
	store := builtin.NewMemory()
	s := newSealer(t, func(c *envelope.Config) { c.Metastore, c.Cache.Intermediate = store, 1 })
	a, err := s.Asherah(envelope.AsherahOptions{MaxRecords: 10})
	if err != nil {
		t.Fatal(err)
	}
	encrypt := func(id string) {
		t.Helper()
		p, err := a.Partition(id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Encrypt(context.Background(), []byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 12 {
		encrypt("p")
		for k := range 5 { // push it out
			encrypt(fmt.Sprint("other-", i, "-", k))
		}
	}
	rows, err := store.List(context.Background(), "_IK_p_", envelope.KeyMeta{}, 10)
	if err != nil || len(rows) != 2 {
		t.Errorf("%d keys after 12 records of at most 10 each, %v", len(rows), err)
	}
}

// Processes that wrap a key or two and end count nothing that lasts. The lot
// falls among all their uses alike: here on one in eight.
func TestKeysOfManyShortProcessesAreReplacedByLot(t *testing.T) {
	ctx := context.Background()
	const lot, processes = 8, 200
	wrapOne := func(s *envelope.Sealer, _ int) error {
		col, err := s.Column("t.c", envelope.ColumnOptions{Suite: envelope.SuiteWrapped})
		if err == nil {
			_, err = s.Seal(ctx, nil, col, partition(t, "p"), 1, nil)
		}
		return err
	}
	for _, c := range []struct {
		name, id string
		uses     int // of a data key
		use      func(s *envelope.Sealer, i int) error
	}{
		{
			name: "system key, of new partitions", id: systemID,
			use: func(s *envelope.Sealer, i int) error {
				_, err := s.Seal(ctx, nil, column(t, s, "t.c", false), partition(t, fmt.Sprint("tenant", i)), 1, nil)
				return err
			},
		},
		{
			name: "partition's key, of wrapped data keys", id: "ss1/ik/shop/orders/p", use: wrapOne,
		},
		{
			name: "partition's key, one value for each data key", id: "ss1/ik/shop/orders/p", uses: 1, use: wrapOne,
		},
		{
			name: "partition's key in Asherah's format", id: "_IK_p_shop_orders",
			use: func(s *envelope.Sealer, _ int) error {
				a, err := s.Asherah(envelope.AsherahOptions{})
				if err != nil {
					return err
				}
				envelope.SetAsherahLot(a, lot)
				p, err := a.Partition("p")
				if err == nil {
					_, err = p.Encrypt(ctx, nil)
				}
				return err
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, clock := builtin.NewMemory(), time.Now().Truncate(time.Hour)
			for i := range processes {
				s := newSealer(t, func(e *envelope.Config) {
					e.Metastore, e.Now = store, func() time.Time { return clock.Add(time.Duration(i) * time.Minute) }
					e.Policy.DataKey.MaxUses = c.uses
				})
				envelope.SetLot(s, lot)
				if err := c.use(s, i); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			rows, err := store.List(ctx, c.id, envelope.KeyMeta{}, 1000)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, r := range rows {
				if r.Meta.ID == c.id {
					n++
				}
			}
			// 25 in the mean; below 5 or above 60 once in ten million runs.
			if n < 5 || n > 60 {
				t.Errorf("%d versions after %d uses, of which one in %d is drawn", n, processes, lot)
			}
		})
	}
}

// A key on which the lot has fallen seals no more where it fell, also if no other
// can be stored at that moment, and what it sealed opens.
func TestAKeyThatIsDrawnIsReplacedLaterIfItCannotBeNow(t *testing.T) {
	ctx, store := context.Background(), &deafStore{Memory: builtin.NewMemory()}
	s := newSealer(t, func(c *envelope.Config) { c.Metastore = store })
	a, err := s.Asherah(envelope.AsherahOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Partition("p")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Warm(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Encrypt(ctx, nil); err != nil {
		t.Fatal(err)
	}
	envelope.SetAsherahLot(a, 1) // every use is drawn
	store.deaf.Store(true)
	first, err := p.Encrypt(ctx, []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	store.deaf.Store(false)
	envelope.SetAsherahLot(a, 1<<31)
	second, err := p.Encrypt(ctx, []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	if first.Key.ParentKeyMeta.Created >= second.Key.ParentKeyMeta.Created {
		t.Error("the key that was drawn seals on")
	}
	if v, err := p.Decrypt(ctx, first); err != nil || string(v) != "v" {
		t.Errorf("%q, %v", v, err)
	}
}

// deafStore stores nothing while it is deaf.
type deafStore struct {
	*builtin.Memory
	deaf atomic.Bool
}

func (d *deafStore) Store(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	if d.deaf.Load() {
		return false, errors.New("deaf")
	}
	return d.Memory.Store(ctx, rec)
}

package envelope_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

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

package envelope_test

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// A process that starts under load: 200 goroutines over 10,000 partitions whose
// keys exist cost one decryption of the system key and one read of the metastore
// for each intermediate key, whether values are sealed or opened.
func TestStormOfAColdStartLoadsEveryKeyOnce(t *testing.T) {
	const partitions, crowd, each = 10_000, 200, 500 // every partition is wanted by ten
	store := newEndless(t)
	if err := newSealer(t, func(c *envelope.Config) { c.Metastore = store }).Warm(context.Background()); err != nil {
		t.Fatal(err)
	}
	records := make([][]byte, partitions)
	var mu sync.Mutex
	storm := func(name string, step func(s *envelope.Sealer, c *envelope.Column, p envelope.Partition, i int) error) {
		kms := &flaky{KeyManagementService: testKMS(t)}
		s := newSealer(t, func(c *envelope.Config) {
			c.KMS, c.Metastore, c.Cache.Intermediate = kms, store, 2*partitions
		})
		c := column(t, s, "users.ssn", true)
		before := store.loads.Load()
		start := make(chan struct{})
		var wg sync.WaitGroup
		for g := range crowd {
			wg.Go(func() {
				<-start
				for k := range each {
					i := (g*partitions/crowd + k) % partitions
					if err := step(s, c, partition(t, "tenant-"+strconv.Itoa(i)), i); err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
				}
			})
		}
		close(start)
		wg.Wait()
		if n := kms.decrypts.Load(); n != 1 {
			t.Errorf("%s: the system key was decrypted %d times", name, n)
		}
		if n := store.loads.Load() - before; n != partitions {
			t.Errorf("%s: %d reads of %d intermediate keys", name, n, partitions)
		}
	}
	storm("sealing", func(s *envelope.Sealer, c *envelope.Column, p envelope.Partition, i int) error {
		rec, err := s.Seal(context.Background(), nil, c, p, 1, []byte("value"))
		mu.Lock()
		records[i] = rec
		mu.Unlock()
		return err
	})
	storm("opening", func(s *envelope.Sealer, c *envelope.Column, p envelope.Partition, i int) error {
		_, err := open(s, c, p, records[i])
		return err
	})
}

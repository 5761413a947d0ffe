package envelope_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/testenv"
)

// A million partitions of very different popularity (Zipf with exponent 1) in a
// process that keeps ten thousand keys: memory stays bounded, and two of three
// values find their key. With SEALSQL_LONG=1 there are forty times as many
// values.
func TestAMillionPartitionsInACacheOfTenThousand(t *testing.T) {
	const partitions, size = 1_000_000, 10_000
	draws := 100_000
	if testenv.Long() {
		draws = 4_000_000
	}
	sums := make([]float64, partitions)
	for i, sum := 0, 0.0; i < partitions; i++ {
		sum += 1 / float64(i+1)
		sums[i] = sum
	}
	draw := func(r *rand.Rand) int {
		i, _ := slices.BinarySearch(sums, r.Float64()*sums[partitions-1])
		return min(i, partitions-1)
	}
	store := newEndless(t)
	s := newSealer(t, func(c *envelope.Config) { c.Metastore, c.Cache.Intermediate = store, size })
	if err := s.Warm(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := column(t, s, "users.ssn", true)
	before := heap()
	half := func(seed uint64) (hits float64) {
		loads := store.loads.Load()
		var wg sync.WaitGroup
		var failed atomic.Bool
		for g := range 4 {
			r := rand.New(rand.NewPCG(seed, uint64(g)))
			wg.Go(func() {
				for range draws / 8 {
					p := partition(t, "tenant-"+strconv.Itoa(draw(r)))
					if _, err := s.Seal(context.Background(), nil, c, p, 1, []byte("value")); err != nil && !failed.Swap(true) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		return 1 - float64(store.loads.Load()-loads)/float64(draws/2)
	}
	half(1)
	hits := half(2)
	grown := heap() - before
	t.Logf("%d values: %.1f MiB above the beginning, %.2f %% of the later half without a load, %.2f %% are possible",
		draws, float64(grown)/(1<<20), 100*hits, 100*sums[size-1]/sums[partitions-1])
	if grown > 64<<20 {
		t.Errorf("%d bytes above the beginning", grown)
	}
	// Most of so few values are the first of their partition, and how soon the policy
	// hears of keys is a matter of the machine: here it is seen to keep popular ones.
	least := 0.45
	if testenv.Long() {
		least = sums[size-1]/sums[partitions-1] - 0.02
	}
	if hits < least {
		t.Errorf("only %.2f %% without a load", 100*hits)
	}
}

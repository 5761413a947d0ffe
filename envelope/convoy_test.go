package envelope_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// With a key for every value, each value asks the caches of intermediate keys
// too. Twenty partitions whose loads stand still must not hold up a warm one.
func TestWarmKeysAreUsedWhileTwentyLoadsAreBlocked(t *testing.T) {
	for _, policy := range []string{"tinylfu", "clock", "lru", "lfu"} {
		t.Run(policy, func(t *testing.T) {
			w := newWorld(t)
			s := newSealer(t, func(c *envelope.Config) {
				c.Metastore, c.Now = w.store, w.clk.now
				c.Policy.DataKey.MaxUses = 1
				// Half full from the start: the policy is at work.
				c.Cache = envelope.CacheConfig{Intermediate: 8, IntermediatePolicy: policy}
			})
			c := column(t, s, "users.ssn", false)
			for _, id := range []string{"a", "b", "c", "d", "e", "warm"} {
				seal(t, s, c, partition(t, id), "v")
			}
			warm := partition(t, "warm")
			rec := seal(t, s, c, warm, "v")
			w.store.block, w.store.entered = make(chan struct{}), make(chan struct{}, 64)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var wg sync.WaitGroup
			for i := range 20 {
				p, ctx := partition(t, "cold "+string(rune('a'+i))), ctx
				if i%2 == 0 {
					ctx = context.Background() // its load runs on the caller's goroutine
				}
				wg.Go(func() {
					if _, err := s.Seal(ctx, nil, c, p, 1, nil); err != nil {
						t.Error(err)
					}
				})
			}
			for range 20 {
				<-w.store.entered
			}
			for range 50 {
				seal(t, s, c, warm, "still warm")
				if got, err := open(s, c, warm, rec); err != nil || got != "v" {
					t.Fatal(got, err)
				}
			}
			close(w.store.block)
			wg.Wait()
		})
	}
}

func TestUnknownCachePolicyIsRefused(t *testing.T) {
	w := newWorld(t)
	_, err := envelope.New(context.Background(), envelope.Config{
		Service: "shop", Product: "orders", KMS: testKMS(t), Metastore: w.store,
		Cache: envelope.CacheConfig{IntermediatePolicy: "newest"},
	})
	if err == nil || !strings.Contains(err.Error(), `"newest"`) {
		t.Fatalf("%v", err)
	}
}

func TestSealersLeaveNoGoroutineBehind(t *testing.T) {
	use := func() {
		s := newSealer(t, func(c *envelope.Config) { c.Cache.Intermediate = 8 })
		c := column(t, s, "users.ssn", true)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		for i := range 20 {
			p := partition(t, string(rune('a'+i)))
			rec, err := s.Seal(ctx, nil, c, p, 1, []byte("v"))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := open(s, c, p, rec); err != nil || got != "v" {
				t.Fatal(got, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	use()
	before := settled(0, 200*time.Millisecond)
	for range 20 {
		use()
	}
	if after := settled(before, 30*time.Second); after > before {
		b := make([]byte, 1<<20)
		t.Fatalf("%d goroutines, %d before\n%s", after, before, b[:runtime.Stack(b, true)])
	}
}

// settled counts goroutines when their number has come down to want, or after a
// while.
func settled(want int, while time.Duration) int {
	end := time.Now().Add(while)
	for {
		n := runtime.NumGoroutine()
		if n <= want || time.Now().After(end) {
			return n
		}
		time.Sleep(time.Millisecond)
	}
}

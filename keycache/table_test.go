package keycache

import (
	"sync"
	"sync/atomic"
	"testing"
)

// growing is a table that grows from a few chains to the most while the others run.
func growing(t *testing.T, rounds int, others ...func(x *Cache[int, *watched])) {
	t.Helper()
	const first, all = minChains / 2, 4096
	for range rounds {
		x := New[int, *watched](Config[int]{Size: 2 * all, Hash: func(k int) uint64 { return uint64(k) * 0x9e3779b97f4a7c15 >> 7 }})
		put := func(k int) {
			l, ok := x.Put(k, &watched{t: t})
			if !ok {
				t.Error("closed")
			}
			l.Release()
		}
		for k := range first {
			put(k)
		}
		var grown atomic.Bool
		var wg sync.WaitGroup
		for _, f := range others {
			wg.Go(func() {
				for !grown.Load() {
					f(x)
				}
			})
		}
		for k := first; k < all; k++ {
			put(k)
		}
		grown.Store(true)
		wg.Wait()
		// While somebody visits all entries the table does not grow.
		for k := all; k < all+8; k++ {
			put(k)
		}
		if n := len(x.t.chains.Load().heads); n != 2*all || x.Len() != all+8 {
			t.Fatalf("%d chains for %d entries", n, x.Len())
		}
		for k := range all + 8 {
			if l, ok := x.Get(k); !ok {
				t.Fatalf("key %d is gone", k)
			} else {
				l.Release()
			}
		}
		x.Close(0)
	}
}

// TestLookUpsFindWhatIsThereWhileTheTableGrows: a miss would load a key again, or
// not know that it is revoked.
func TestLookUpsFindWhatIsThereWhileTheTableGrows(t *testing.T) {
	look := func(x *Cache[int, *watched]) {
		for k := range minChains / 2 {
			if l, ok := x.Get(k); !ok {
				t.Errorf("key %d was not found", k)
			} else {
				l.Release()
			}
		}
	}
	growing(t, 20, look, look)
}

// TestEveryEntryIsVisitedWhileTheTableGrows: by whoever takes out what was revoked.
func TestEveryEntryIsVisitedWhileTheTableGrows(t *testing.T) {
	visit := func(x *Cache[int, *watched]) {
		seen := make([]int, minChains/2)
		x.t.each(func(e *entry[int, *watched]) {
			if e.key < len(seen) {
				seen[e.key]++
			}
		})
		for k, n := range seen {
			if n != 1 {
				t.Errorf("key %d was visited %d times", k, n)
			}
		}
	}
	growing(t, 20, visit, visit)
}

// TestTableGrowsWithItsEntries: the collector looks at every chain.
func TestTableGrowsWithItsEntries(t *testing.T) {
	x := New[int, *watched](Config[int]{Size: 1 << 20, Hash: func(k int) uint64 { return uint64(k) }})
	defer x.Close(0)
	for k := range 1000 {
		l, _ := x.Put(k, &watched{t: t})
		l.Release()
		if n := len(x.t.chains.Load().heads); n < k/2 || n > max(minChains, 4*k) {
			t.Fatalf("%d chains for %d entries", n, k+1)
		}
	}
}

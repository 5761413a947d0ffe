package envelope_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// saltOf is what a record of "default" form holds of its data key.
func saltOf(rec []byte) string { return string(rec[14:26]) }

func TestMaxUsesHoldsHoweverManySeal(t *testing.T) {
	sealWithBound(t, 7, 2000)
	sealWithBound(t, 3000, 4000) // counted three at a time
}

// sealWithBound seals from eight goroutines, and counts what each data key sealed.
func sealWithBound(t *testing.T, uses, each int) {
	t.Helper()
	const workers = 8
	s := newSealer(t, func(c *envelope.Config) { c.Policy.DataKey.MaxUses = uses })
	c, p := column(t, s, "t.c", false), partition(t, "p")
	counts := make([]map[string]int, workers)
	var wg sync.WaitGroup
	for w := range workers {
		counts[w] = map[string]int{}
		wg.Go(func() {
			for range each {
				rec, err := s.Seal(context.Background(), nil, c, p, 1, []byte("v"))
				if err != nil {
					t.Error(err)
					return
				}
				counts[w][saltOf(rec)]++
			}
		})
	}
	wg.Wait()
	all, total := map[string]int{}, 0
	for _, m := range counts {
		for salt, n := range m {
			all[salt] += n
			total += n
		}
	}
	for _, n := range all {
		if n > uses {
			t.Fatalf("a data key sealed %d values, max_uses is %d", n, uses)
		}
	}
	if total != workers*each || len(all) > total/2 {
		t.Errorf("%d values under %d data keys: reuse does not happen", total, len(all))
	}
}

func TestOneUseIsAKeyForEveryValue(t *testing.T) {
	for _, o := range []envelope.ColumnOptions{{}, {BindRow: true}, {Pad: 16}} {
		s := newSealer(t, func(c *envelope.Config) { c.Policy.DataKey.MaxUses = 1 })
		c, p := shapedColumn(t, s, "t.c", o), partition(t, "p")
		var mu sync.Mutex
		seen := map[string]bool{}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 500 {
					rec, err := s.SealRow(context.Background(), nil, c, p, "row", 1, nil)
					mu.Lock()
					if err != nil || seen[saltOf(rec)] {
						t.Errorf("a salt came twice, or %v", err)
					}
					seen[saltOf(rec)] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	}
}

// One goroutine uses a data key to its bound, however many uses are counted at a time.
func TestMaxUsesIsUsedUp(t *testing.T) {
	for _, uses := range []int{2, 7, 1023, 1024, 5000} {
		s := newSealer(t, func(c *envelope.Config) { c.Policy.DataKey.MaxUses = uses })
		c, p := column(t, s, "t.c", false), partition(t, "p")
		counts := map[string]int{}
		for range 2 * uses {
			counts[saltOf(seal(t, s, c, p, "v"))]++
		}
		for _, n := range counts {
			if n != uses {
				t.Errorf("a data key sealed %d values, max_uses is %d", n, uses)
			}
		}
	}
}

// The age of a data key is measured on the monotonic clock, which nobody sets.
func TestDataKeysAgeOnTheMonotonicClock(t *testing.T) {
	// Below ten steps of the clock of sealing, and above.
	for _, age := range []time.Duration{20 * time.Millisecond, 300 * time.Millisecond} {
		testAge(t, age)
	}
}

func testAge(t *testing.T, age time.Duration) {
	s := newSealer(t, func(c *envelope.Config) { c.Policy.DataKey.MaxAge = age })
	if !envelope.Monotonic(s) {
		t.Fatal("the sealer's clock can be set")
	}
	c, p := column(t, s, "t.c", false), partition(t, "p")
	began := time.Now() // the key is not older
	first := saltOf(seal(t, s, c, p, "v"))
	for saltOf(seal(t, s, c, p, "v")) == first {
		if time.Since(began) > 30*time.Second {
			t.Fatal("the data key does not age")
		}
		time.Sleep(time.Millisecond)
	}
	if aged := time.Since(began); aged < age*3/4 {
		t.Errorf("the data key was given up after %v, not %v", aged, age)
	}
}

// Each form of one column has data keys of its own; a type as well.
func TestDataKeysAreNotSharedByForms(t *testing.T) {
	s := newSealer(t, nil)
	p := partition(t, "p")
	seen := map[string]string{}
	for _, sh := range everyShape() {
		if sh.o.CarryPartition {
			continue
		}
		salt := saltOf(sealRow(t, s, shapedColumn(t, s, "t.c", sh.o), p, "row", "a value"))
		if other, ok := seen[salt]; ok {
			t.Errorf("%s and %s share a data key", sh.name, other)
		}
		seen[salt] = sh.name
	}
}

package keycache

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// thing is a value that knows when it was destroyed, and panics in the test when
// that happens twice.
type thing struct {
	id   int
	gone atomic.Int32
}

func (x *thing) Destroy() { x.gone.Add(1) }

var seed = maphash.MakeSeed()

func newCache(size int, change func(*Config[string])) *Cache[string, *thing] {
	c := Config[string]{Size: size, Hash: func(k string) uint64 { return maphash.String(seed, k) }}
	if change != nil {
		change(&c)
	}
	return New[string, *thing](c)
}

func give(x *thing) func(context.Context) (*thing, error) {
	return func(context.Context) (*thing, error) { return x, nil }
}

func wantGone(t *testing.T, x *thing, want int32) {
	t.Helper()
	if n := x.gone.Load(); n != want {
		t.Fatalf("destroyed %d times, want %d", n, want)
	}
}

func TestEvictedValueLivesUntilItsLastLease(t *testing.T) {
	c := newCache(1, nil)
	defer c.Close(0)
	a, b := &thing{id: 1}, &thing{id: 2}
	l, _ := c.Put("a", a)
	second := l.Retain()
	m, _ := c.Put("b", b)
	defer m.Release()
	if _, ok := c.Get("a"); ok {
		t.Fatal("still there")
	}
	wantGone(t, a, 0)
	l.Release()
	wantGone(t, a, 0)
	second.Release()
	wantGone(t, a, 1)
	wantGone(t, b, 0)
}

func TestReplacedDeletedAndClosedValuesAreDestroyedOnce(t *testing.T) {
	c := newCache(10, nil)
	var all []*thing
	put := func(k string) {
		x := &thing{}
		all = append(all, x)
		l, ok := c.Put(k, x)
		if !ok {
			t.Fatal("refused")
		}
		l.Release()
	}
	put("a")
	put("a")
	put("b")
	put("c")
	c.Delete("b")
	c.Delete("b")
	c.DeleteFunc(func(k string, _ *thing) bool { return k == "c" })
	if c.Len() != 1 {
		t.Fatalf("%d entries", c.Len())
	}
	c.Close(0)
	c.Close(0)
	late := &thing{}
	if _, ok := c.Put("d", late); ok {
		t.Fatal("a closed cache accepts a value")
	}
	for _, x := range append(all, late) {
		wantGone(t, x, 1)
	}
	if _, err := c.GetOrLoad(context.Background(), "a", give(&thing{})); !errors.Is(err, ErrClosed) {
		t.Fatalf("GetOrLoad: %v", err)
	}
}

func TestSizeIsABound(t *testing.T) {
	c := newCache(100, nil)
	var all []*thing
	for i := range 10_000 {
		x := &thing{id: i}
		all = append(all, x)
		l, _ := c.Put(fmt.Sprint(i), x)
		l.Release()
		if i%7 == 0 {
			c.Delete(fmt.Sprint(i - 3))
		}
		if c.Len() > 100 {
			t.Fatalf("%d entries", c.Len())
		}
	}
	c.Close(0)
	for _, x := range all {
		wantGone(t, x, 1)
	}
}

func TestUsedEntriesGetASecondChance(t *testing.T) {
	c := newCache(10, nil)
	defer c.Close(0)
	for i := range 1000 {
		if i > 0 {
			l, ok := c.Get("hot")
			if !ok {
				t.Fatalf("evicted after %d others", i)
			}
			l.Release()
		}
		k := fmt.Sprint(i)
		if i == 0 {
			k = "hot"
		}
		l, _ := c.Put(k, &thing{})
		l.Release()
	}
}

func TestOneLoadHoweverManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10, nil)
		var loads atomic.Int32
		x := &thing{}
		for range 50 {
			go func() {
				l, err := c.GetOrLoad(context.Background(), "k", func(context.Context) (*thing, error) {
					loads.Add(1)
					time.Sleep(time.Second)
					return x, nil
				})
				if err != nil || l.Value() != x {
					t.Error(err)
				}
				time.Sleep(time.Second)
				if x.gone.Load() != 0 {
					t.Error("destroyed under a user")
				}
				l.Release()
			}()
		}
		time.Sleep(1500 * time.Millisecond)
		c.Delete("k")
		time.Sleep(time.Minute)
		if loads.Load() != 1 {
			t.Errorf("%d loads", loads.Load())
		}
		wantGone(t, x, 1)
		c.Close(0)
	})
}

func TestCancelledWaiterReturnsAndTheLoadGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10, nil)
		defer c.Close(0)
		x := &thing{}
		load := func(ctx context.Context) (*thing, error) {
			time.Sleep(10 * time.Second)
			return x, ctx.Err()
		}
		begin := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := c.GetOrLoad(ctx, "k", load); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v", err)
		}
		if d := time.Since(begin); d != time.Second {
			t.Fatalf("returned after %v", d)
		}
		l, err := c.GetOrLoad(context.Background(), "k", func(context.Context) (*thing, error) {
			t.Error("a second load")
			return nil, nil
		})
		if err != nil || time.Since(begin) != 10*time.Second {
			t.Fatalf("%v after %v", err, time.Since(begin))
		}
		l.Release()
		wantGone(t, x, 0)
		c.Delete("k")
		wantGone(t, x, 1)
	})
}

func TestNobodyWaitingLeaksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10, nil)
		x := &thing{}
		ctx, cancel := context.WithCancel(context.Background())
		go func() { time.Sleep(time.Second); cancel() }()
		_, _ = c.GetOrLoad(ctx, "k", func(context.Context) (*thing, error) {
			time.Sleep(2 * time.Second)
			return x, nil
		})
		time.Sleep(5 * time.Second)
		wantGone(t, x, 0) // it is in the cache
		c.Close(0)
		wantGone(t, x, 1)
	})
}

func TestLoadsHaveATimeLimitAndEndWithClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10, func(c *Config[string]) { c.LoadTimeout = 7 * time.Second })
		stuck := func(ctx context.Context) (*thing, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		begin := time.Now()
		if _, err := c.GetOrLoad(context.Background(), "k", stuck); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 7*time.Second {
			t.Fatalf("%v after %v", err, time.Since(begin))
		}
		go func() { time.Sleep(time.Second); c.Close(time.Minute) }()
		begin = time.Now()
		if _, err := c.GetOrLoad(context.Background(), "k", stuck); !errors.Is(err, context.Canceled) || time.Since(begin) != time.Second {
			t.Fatalf("%v after %v", err, time.Since(begin))
		}
	})
}

func TestCloseWaitsNoLongerThanTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10, nil)
		x := &thing{}
		go func() {
			_, err := c.GetOrLoad(context.Background(), "k", func(context.Context) (*thing, error) {
				time.Sleep(time.Hour) // deaf to its context
				return x, nil
			})
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%v", err)
			}
		}()
		synctest.Wait()
		begin := time.Now()
		c.Close(3 * time.Second)
		if d := time.Since(begin); d != 3*time.Second {
			t.Fatalf("waited %v", d)
		}
		time.Sleep(2 * time.Hour)
		wantGone(t, x, 1)
	})
}

func TestValuesOfTheCallersContextReachTheLoad(t *testing.T) {
	c := newCache(10, nil)
	defer c.Close(0)
	type key struct{}
	l, err := c.GetOrLoad(context.WithValue(context.Background(), key{}, "v"), "k", func(ctx context.Context) (*thing, error) {
		if ctx.Value(key{}) != "v" {
			return nil, errors.New("lost")
		}
		return &thing{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

func TestPanicInALoadIsAnErrorForAllWaiters(t *testing.T) {
	c := newCache(10, nil)
	defer c.Close(0)
	_, err := c.GetOrLoad(context.Background(), "k", func(context.Context) (*thing, error) { panic("secret") })
	if !errors.Is(err, ErrPanic) || err.Error() != "keycache: load panicked (string)" {
		t.Fatalf("%v", err)
	}
	l, err := c.GetOrLoad(context.Background(), "k", give(&thing{}))
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

func TestFailedLoadKeepsWhatIsThere(t *testing.T) {
	c := newCache(10, nil)
	defer c.Close(0)
	x := &thing{}
	l, _ := c.Put("k", x)
	l.Release()
	broken := errors.New("broken")
	if _, err := c.Load(context.Background(), "k", func(context.Context) (*thing, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Fatalf("%v", err)
	}
	l, ok := c.Get("k")
	if !ok || l.Value() != x {
		t.Fatal("gone")
	}
	l.Release()
	y := &thing{}
	l, err := c.Load(context.Background(), "k", give(y))
	if err != nil || l.Value() != y {
		t.Fatal("not replaced")
	}
	l.Release()
	wantGone(t, x, 1)
}

func TestNegativeAnswersAreRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		absent, down := errors.New("absent"), errors.New("down")
		c := newCache(10, func(c *Config[string]) {
			c.Negative = 5 * time.Second
			c.IsNegative = func(err error) bool { return errors.Is(err, absent) }
		})
		defer c.Close(0)
		loads := 0
		fail := func(err error) func(context.Context) (*thing, error) {
			return func(context.Context) (*thing, error) { loads++; return nil, err }
		}
		for range 100 {
			if _, err := c.GetOrLoad(context.Background(), "k", fail(absent)); !errors.Is(err, absent) {
				t.Fatalf("%v", err)
			}
		}
		if loads != 1 {
			t.Fatalf("%d loads", loads)
		}
		time.Sleep(6 * time.Second)
		for range 3 {
			_, _ = c.GetOrLoad(context.Background(), "k", fail(down))
		}
		if loads != 4 {
			t.Fatalf("%d loads: an outage must not be remembered", loads)
		}
		_, _ = c.GetOrLoad(context.Background(), "k", fail(absent))
		c.ForgetErrors("k")
		l, err := c.GetOrLoad(context.Background(), "k", give(&thing{}))
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
		for i := range 1000 {
			_, _ = c.GetOrLoad(context.Background(), fmt.Sprint(i), fail(absent))
		}
		if len(c.negative) > 10 {
			t.Fatalf("%d errors kept", len(c.negative))
		}
	})
}

func TestRefreshDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10, nil)
		defer c.Close(0)
		old, fresh := &thing{}, &thing{}
		l, _ := c.Put("k", old)
		l.Release()
		loads := 0
		for range 10 {
			c.Refresh(context.Background(), "k", func(context.Context) (*thing, error) {
				loads++
				time.Sleep(time.Second)
				return fresh, nil
			})
		}
		l, _ = c.Get("k")
		if l.Value() != old {
			t.Fatal("waited")
		}
		time.Sleep(2 * time.Second)
		wantGone(t, old, 0)
		l.Release()
		wantGone(t, old, 1)
		l, _ = c.Get("k")
		if l.Value() != fresh || loads != 1 {
			t.Fatalf("not refreshed by one load (%d)", loads)
		}
		l.Release()
	})
}

func TestOwnedValueCanBeAdopted(t *testing.T) {
	c := newCache(1, nil)
	x := &thing{}
	l := Own[string](x)
	c.Adopt("k", l)
	got, ok := c.Get("k")
	if !ok || got.Value() != x {
		t.Fatal("not there")
	}
	got.Release()
	c.Delete("k")
	wantGone(t, x, 0)
	l.Release()
	wantGone(t, x, 1)
	y := &thing{}
	m := Own[string](y)
	c.Close(0)
	c.Adopt("k", m)
	wantGone(t, y, 0)
	m.Release()
	wantGone(t, y, 1)
}

// A policy that evicts at the worst moments costs hits only.
type hostile struct {
	evict func(*Ticket[string])
	n     atomic.Int32
}

func (h *hostile) Hit(k *Ticket[string]) {
	if h.n.Add(1)%3 == 0 {
		h.evict(k)
	}
}

func (h *hostile) Added(k *Ticket[string]) {
	if h.n.Add(1)%2 == 0 {
		h.evict(k)
	}
}
func (h *hostile) Removed(*Ticket[string]) {}
func (h *hostile) Close()                  {}

func TestEvictionUnderUseNeverDestroysUnderUse(t *testing.T) {
	for name, policy := range map[string]NewPolicy[string]{
		"clock":   nil,
		"lru":     newLRU[string],
		"lfu":     newLFU[string],
		"tinylfu": newTinyLFU[string],
		"hostile": func(_ int, evict func(*Ticket[string])) Policy[string] { return &hostile{evict: evict} },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(4, func(c *Config[string]) { c.Policy = policy })
			var mu sync.Mutex
			var made []*thing
			var wg sync.WaitGroup
			for g := range 4 {
				wg.Go(func() {
					for i := range 3000 {
						k := fmt.Sprint((i*7 + g) % 9)
						l, err := c.GetOrLoad(context.Background(), k, func(context.Context) (*thing, error) {
							x := &thing{}
							mu.Lock()
							made = append(made, x)
							mu.Unlock()
							return x, nil
						})
						if err != nil {
							t.Error(err)
							return
						}
						if l.Value().gone.Load() != 0 {
							t.Error("destroyed under a user")
						}
						if i%11 == 0 {
							c.Delete(k)
						}
						l.Release()
					}
				})
			}
			wg.Wait()
			c.Close(time.Second)
			if c.Len() != 0 || len(made) == 0 {
				t.Fatalf("%d entries left of %d", c.Len(), len(made))
			}
			for _, x := range made {
				wantGone(t, x, 1)
			}
		})
	}
}

func TestLookUpAllocatesNothing(t *testing.T) {
	c := newCache(10, nil)
	defer c.Close(0)
	l, _ := c.Put("k", &thing{})
	l.Release()
	if n := testing.AllocsPerRun(1000, func() {
		l, _ := c.Get("k")
		l.Release()
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkGet(b *testing.B) {
	c := newCache(1000, nil)
	defer c.Close(0)
	l, _ := c.Put("k", &thing{})
	l.Release()
	for b.Loop() {
		l, _ := c.Get("k")
		l.Release()
	}
}

package keycache_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/sealsql/sealsql/keycache"
)

type counted int

func (counted) Destroy() {}

func countedCache(size int) *keycache.Cache[int, counted] {
	return keycache.New[int, counted](keycache.Config[int]{Hash: func(k int) uint64 { return uint64(k) * 0x9e3779b97f4a7c15 }, Size: size})
}

func TestLookUpsAndLoadsAreCounted(t *testing.T) {
	c := countedCache(10)
	defer c.Close(0)
	load := func(context.Context) (counted, error) { return 1, nil }
	fail := func(context.Context) (counted, error) { return 0, errors.New("no") }
	l, _ := c.GetOrLoad(t.Context(), 1, load) // miss, load
	l.Release()
	l, _ = c.GetOrLoad(t.Context(), 1, load) // hit
	l.Release()
	_, _ = c.GetOrLoad(t.Context(), 2, fail) // miss, failed load
	c.Get(3)                                 // miss
	if l, ok := c.Get(1); ok {               // hit
		l.Release()
	}
	if l, ok := c.Find(1); ok { // hit
		l.Release()
	}
	c.Find(4)                   // counted by the load that follows
	if l, ok := c.Peek(1); ok { // not counted
		l.Release()
	}
	l, _ = c.Load(t.Context(), 1, load) // miss, load, replaces
	l.Release()
	c.Delete(1)
	s := c.Stats()
	if s.Hits != 3 || s.Misses != 4 || s.Loads != 3 || s.Failed != 1 || s.Entries != 0 || s.Left[keycache.Replaced] != 1 || s.Left[keycache.Deleted] != 1 {
		t.Errorf("%+v", s)
	}
}

func TestHitsAreKeptWhenValuesLeaveAndNeverGoDown(t *testing.T) {
	c := countedCache(4)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		var last uint64
		for {
			select {
			case <-stop:
				return
			default:
			}
			if n := c.Stats().Hits; n < last {
				t.Errorf("%d hits after %d", n, last)
				return
			} else {
				last = n
			}
		}
	})
	const rounds = 2000
	var hits uint64
	for i := range rounds {
		l, ok := c.Put(i, 1) // evicts all the time
		if !ok {
			t.Fatal("closed")
		}
		l.Release()
		if l, ok := c.Get(i); ok {
			hits++
			l.Release()
		}
	}
	close(stop)
	wg.Wait()
	s := c.Stats()
	if s.Hits != hits || hits != rounds || s.Left[keycache.Evicted] != rounds-4 || s.Entries != 4 {
		t.Errorf("%+v, want %d hits", s, hits)
	}
	c.Close(0)
	if s := c.Stats(); s.Hits != hits {
		t.Errorf("%d hits after closing", s.Hits)
	}
}

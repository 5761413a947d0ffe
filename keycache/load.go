package keycache

import (
	"context"
	"fmt"
	"time"
)

// flight is one running load and those who wait for it.
type flight[K comparable, V Value] struct {
	found bool // never flown: e was there
	ctx   loadContext
	// Guarded by Cache.flights until done is closed. Every waiter owns one
	// reference of e once the flight has landed.
	done    chan struct{} // nil while nobody but the loader waits
	waiters int
	landed  bool
	e       *entry[K, V]
	err     error
}

// GetOrLoad leases the value of k, loading it on a miss.
//
// load runs once for all callers who miss k at the same time; its context has
// the values of the first caller's context, ends after Config.LoadTimeout and
// with Close, but not with the caller. It runs on a goroutine of its own, or on
// that of the first caller if his context cannot end. If ctx ends first, its
// cause is returned. A failed load changes nothing in the cache.
func (x *Cache[K, V]) GetOrLoad(ctx context.Context, k K, load func(context.Context) (V, error)) (Lease[K, V], error) {
	if l, ok := x.Find(k); ok {
		return l, nil
	}
	return x.load(ctx, k, load, true)
}

// Load is GetOrLoad that does not look first: the value it returns was loaded
// after the call began or by a load that was running then, and has replaced the
// earlier one.
func (x *Cache[K, V]) Load(ctx context.Context, k K, load func(context.Context) (V, error)) (Lease[K, V], error) {
	return x.load(ctx, k, load, false)
}

// load loads, unless look is set and the value has come since the caller looked.
func (x *Cache[K, V]) load(ctx context.Context, k K, load func(context.Context) (V, error), look bool) (Lease[K, V], error) {
	// Who cannot give up need not be able to leave: no second goroutine.
	inline := ctx.Done() == nil
	f, first, err := x.join(k, 1, inline, look)
	x.counts.misses.Add(1)
	if err != nil {
		return Lease[K, V]{}, err
	}
	if f.found {
		return f.result()
	}
	if first && inline {
		x.run(ctx, k, f, load)
		return f.result()
	}
	if first {
		go x.run(ctx, k, f, load)
	}
	select {
	case <-f.done:
		return f.result()
	case <-ctx.Done():
		x.leave(f)
		return Lease[K, V]{}, context.Cause(ctx)
	}
}

// result is what a waiter gets of a flight that has landed.
func (f *flight[K, V]) result() (Lease[K, V], error) {
	if f.err != nil {
		return Lease[K, V]{}, f.err
	}
	return Lease[K, V]{e: f.e}, nil
}

// Refresh starts a load of k, unless one is running, and does not wait for it.
func (x *Cache[K, V]) Refresh(ctx context.Context, k K, load func(context.Context) (V, error)) {
	f, first, err := x.join(k, 0, false, false)
	if err == nil && first {
		go x.run(ctx, k, f, load)
	}
}

// join counts the caller among the waiters of a load. first says that the
// caller must start it, which he does himself if inline is set. With look, a
// value that is there is as good as a load that has landed: the load that the
// caller missed may have ended between his look and this.
func (x *Cache[K, V]) join(k K, waiters int, inline, look bool) (f *flight[K, V], first bool, err error) {
	x.flights.Lock()
	defer x.flights.Unlock()
	if x.closed.Load() {
		return nil, false, ErrClosed
	}
	if n, ok := x.negative[k]; ok {
		if time.Now().Before(n.until) {
			return nil, false, n.err
		}
		delete(x.negative, k)
	}
	if f = x.loading[k]; f == nil {
		if look {
			if e := x.t.find(x.c.Hash(k), &k); e != nil && e.acquire() {
				return &flight[K, V]{found: true, e: e}, false, nil
			}
		}
		first = true
		f = &flight[K, V]{}
		x.loading[k] = f
		x.running.Add(1)
	}
	if f.done == nil && !(first && inline) {
		f.done = make(chan struct{})
	}
	f.waiters += waiters
	return f, first, nil
}

// leave gives up a waiter's claim.
func (x *Cache[K, V]) leave(f *flight[K, V]) {
	x.flights.Lock()
	landed := f.landed
	if !landed {
		f.waiters--
	}
	x.flights.Unlock()
	if landed && f.e != nil {
		f.e.release()
	}
}

func (x *Cache[K, V]) run(ctx context.Context, k K, f *flight[K, V], load func(context.Context) (V, error)) {
	defer x.running.Done()
	lc := &f.ctx
	lc.begin(ctx, x.base, x.epoch, x.c.LoadTimeout)
	defer lc.finish()
	landed := false
	defer func() {
		if !landed { // load ended the goroutine (runtime.Goexit)
			x.land(k, f, nil, ErrPanic)
		}
	}()
	v, err := guard(lc, load)
	var mine Lease[K, V]
	if err == nil {
		var ok bool
		if mine, ok = x.Put(k, v); !ok {
			err = ErrClosed
		}
	}
	x.counts.loads.Add(1)
	if err != nil {
		x.counts.failed.Add(1)
	}
	landed = true
	x.land(k, f, mine.e, err)
	if mine.e != nil {
		mine.Release()
	}
}

// guard turns a panic in load, which is code of a provider, into an error: the
// goroutine is ours, nobody else could recover it.
func guard[V Value](ctx context.Context, load func(context.Context) (V, error)) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w (%T)", ErrPanic, p)
		}
	}()
	return load(ctx)
}

// land hands every waiter a reference, or the error.
func (x *Cache[K, V]) land(k K, f *flight[K, V], e *entry[K, V], err error) {
	x.flights.Lock()
	delete(x.loading, k)
	if err == nil {
		e.refs.Add(uint64(f.waiters))
	} else if x.c.Negative > 0 && x.c.IsNegative != nil && x.c.IsNegative(err) {
		x.remember(k, err)
	}
	f.landed, f.e, f.err = true, e, err
	done := f.done
	x.flights.Unlock()
	if done != nil {
		close(done)
	}
}

// remember keeps the error of a failed load. When there are too many, any one
// is forgotten: that costs one load. The caller holds flights.
func (x *Cache[K, V]) remember(k K, err error) {
	if len(x.negative) >= x.c.Size {
		for old := range x.negative {
			delete(x.negative, old)
			break
		}
	}
	x.negative[k] = failure{err: err, until: time.Now().Add(x.c.Negative)}
}

// ForgetErrors drops what Config.Negative keeps for k, because the caller knows
// that it has changed.
func (x *Cache[K, V]) ForgetErrors(k K) {
	x.flights.Lock()
	defer x.flights.Unlock()
	delete(x.negative, k)
}

package keycache

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestCallerWhoCannotGiveUpLoadsOnHisOwnGoroutine(t *testing.T) {
	c := newCache(10, nil)
	defer c.Close(0)
	me := make(chan string, 1)
	load := func(context.Context) (*thing, error) {
		me <- goroutineID()
		return &thing{}, nil
	}
	l, err := c.Load(context.Background(), "k", load)
	if err != nil || <-me != goroutineID() {
		t.Fatalf("%v, or on another goroutine", err)
	}
	l.Release()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if l, err = c.Load(ctx, "k", load); err != nil || <-me == goroutineID() {
		t.Fatalf("%v, or a caller who may give up is held by his load", err)
	}
	l.Release()
}

func TestLoadThatEndedSinceTheLookIsNotRepeated(t *testing.T) {
	c := newCache(10, nil)
	defer c.Close(0)
	x := &thing{}
	first, _ := c.Put("k", x) // by another caller, after this one looked
	l, err := c.load(context.Background(), "k", func(context.Context) (*thing, error) {
		t.Error("loaded twice")
		return &thing{}, nil
	}, true)
	if err != nil || l.Value() != x {
		t.Fatalf("%v, or another value", err)
	}
	first.Release()
	c.Delete("k")
	wantGone(t, x, 0)
	l.Release()
	wantGone(t, x, 1)
}

func goroutineID() string {
	b := make([]byte, 32)
	b = b[:runtime.Stack(b, false)]
	for i, c := range b {
		if c == '[' {
			return string(b[:i])
		}
	}
	return ""
}

func TestWaitersLeaveALoadOnAnothersGoroutineAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10, nil)
		x := &thing{}
		go func() { // holds the load
			l, err := c.GetOrLoad(context.Background(), "k", func(context.Context) (*thing, error) {
				time.Sleep(10 * time.Second)
				return x, nil
			})
			if err != nil || l.Value() != x {
				t.Errorf("%v", err)
			}
			l.Release()
		}()
		synctest.Wait()
		never := func(context.Context) (*thing, error) {
			t.Error("a second load")
			return nil, nil
		}
		begin := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := c.GetOrLoad(ctx, "k", never); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		l, err := c.GetOrLoad(context.Background(), "k", never)
		if err != nil || l.Value() != x || time.Since(begin) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		l.Release()
		c.Close(0)
		wantGone(t, x, 1)
	})
}

func TestLoadThatEndsItsGoroutineIsAnErrorForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10, nil)
		go func() {
			_, _ = c.GetOrLoad(context.Background(), "k", func(context.Context) (*thing, error) {
				time.Sleep(time.Second)
				runtime.Goexit()
				return nil, nil
			})
		}()
		synctest.Wait()
		if _, err := c.GetOrLoad(context.Background(), "k", give(&thing{})); !errors.Is(err, ErrPanic) {
			t.Errorf("%v", err)
		}
		l, err := c.GetOrLoad(context.Background(), "k", give(&thing{}))
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
		c.Close(0)
	})
}

func TestContextOfALoadEnds(t *testing.T) {
	type key struct{}
	values, stop := context.WithCancel(context.WithValue(context.Background(), key{}, "v"))
	for _, c := range []struct {
		name string
		end  func(cancel context.CancelFunc, c *loadContext)
		want error
	}{
		{"not because the caller's ends", func(_ context.CancelFunc, _ *loadContext) { stop() }, nil},
		{"at its deadline", func(context.CancelFunc, *loadContext) { time.Sleep(time.Minute) }, context.DeadlineExceeded},
		{"with the cache", func(cancel context.CancelFunc, _ *loadContext) { cancel() }, context.Canceled},
		{"with the load", func(_ context.CancelFunc, c *loadContext) { c.finish() }, context.Canceled},
	} {
		for _, asked := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					base, cancel := context.WithCancel(context.Background())
					defer cancel()
					lc := loadContextOf(values, base, time.Minute)
					defer lc.finish()
					if d, ok := lc.Deadline(); !ok || time.Until(d) != time.Minute || lc.Value(key{}) != "v" {
						t.Error("deadline or value is wrong")
					}
					if asked {
						_ = lc.Done()
					}
					c.end(cancel, lc)
					synctest.Wait()
					if err := lc.Err(); !errors.Is(err, c.want) {
						t.Errorf("Err is %v", err)
					}
					if err := context.Cause(lc); !errors.Is(err, c.want) {
						t.Errorf("cause is %v", err)
					}
					select {
					case <-lc.Done():
						if c.want == nil {
							t.Error("done")
						}
					default:
						if c.want != nil {
							t.Error("not done")
						}
					}
				})
			})
		}
	}
}

func TestContextsMadeFromThatOfALoadNeedNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base, cancel := context.WithCancel(context.Background())
		lc := loadContextOf(context.Background(), base, time.Hour)
		before := runtime.NumGoroutine()
		sub, stop := context.WithTimeout(lc, time.Minute)
		defer stop()
		if n := runtime.NumGoroutine(); n != before {
			t.Errorf("%d goroutines more", n-before)
		}
		cancel()
		synctest.Wait()
		if sub.Err() == nil {
			t.Error("it does not end with its parent")
		}
		lc.finish()
	})
}

func loadContextOf(values, base context.Context, timeout time.Duration) *loadContext {
	c := &loadContext{}
	c.begin(values, base, time.Now(), timeout)
	return c
}

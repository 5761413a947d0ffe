package failover

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errDown = errors.New("down")

// world is a group whose members answer or do not.
type world struct {
	*Group
	down  [3]atomic.Bool
	calls [3]atomic.Int32
	mu    sync.Mutex
	seen  []string
}

func newWorld(c Config) *world {
	w := &world{}
	if c.Jitter == nil {
		c.Jitter = func() float64 { return 0.5 }
	}
	if c.Changed == nil {
		c.Changed = func(m int, cause error) {
			word := "back"
			if cause != nil {
				word = "out"
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.seen = append(w.seen, string(rune('0'+m))+word)
		}
	}
	w.Group = New(3, c)
	return w
}

func (w *world) ask(_ context.Context, m int) (Verdict, error) {
	w.calls[m].Add(1)
	if w.down[m].Load() {
		return Failed, errDown
	}
	return Done, nil
}

func (w *world) try() bool { return w.Try(context.Background(), []int{0, 1, 2}, w.ask, nil) }

func TestTheFirstMemberAnswersWhileItIsWell(t *testing.T) {
	w := newWorld(Config{})
	defer w.Close()
	for range 5 {
		if !w.try() {
			t.Fatal("nobody answered")
		}
	}
	if w.calls[0].Load() != 5 || w.calls[1].Load() != 0 {
		t.Fatalf("asked %d and %d times", w.calls[0].Load(), w.calls[1].Load())
	}
}

func TestAMemberIsLeftOutAfterFailuresAndTriedAgainWhenItsTimeHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(Config{Threshold: 3, Base: time.Second, Max: 4 * time.Second})
		defer w.Close()
		w.down[0].Store(true)
		for range 10 {
			if !w.try() {
				t.Fatal("the second member was not asked")
			}
		}
		if n := w.calls[0].Load(); n != 3 {
			t.Fatalf("the first member was asked %d times, want 3", n)
		}
		if w.Out(0) == nil || w.Out(1) != nil {
			t.Fatal("the wrong member is out")
		}
		// Half of the base and half of the rest: 750 ms, then 1.5 s, 3 s, 3 s.
		for i, pause := range []time.Duration{750, 1500, 3000, 3000} {
			time.Sleep(pause*time.Millisecond - time.Millisecond)
			w.try()
			if n := w.calls[0].Load(); int(n) != 3+i {
				t.Fatalf("trial %d came too early", i)
			}
			time.Sleep(time.Millisecond)
			w.try()
			w.try()
			if n := w.calls[0].Load(); int(n) != 4+i {
				t.Fatalf("after pause %d the member was asked %d times, want %d", i, n, 4+i)
			}
		}
		w.down[0].Store(false)
		time.Sleep(4 * time.Second)
		w.try()
		if w.Out(0) != nil || len(w.seen) != 2 || w.seen[0] != "0out" || w.seen[1] != "0back" {
			t.Fatalf("changes %v", w.seen)
		}
	})
}

func TestTheProbeBringsAMemberBackWithoutRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *world
		var probes atomic.Int32
		w = newWorld(Config{Threshold: 1, Base: time.Second, Max: 2 * time.Second, Probe: func(context.Context, int) error {
			probes.Add(1)
			if w.down[0].Load() {
				return errDown
			}
			return nil
		}})
		defer w.Close()
		w.down[0].Store(true)
		w.try()
		time.Sleep(10 * time.Second)
		if w.Out(0) == nil || probes.Load() < 4 {
			t.Fatalf("%d probes", probes.Load())
		}
		w.down[0].Store(false)
		time.Sleep(3 * time.Second)
		if w.Out(0) != nil {
			t.Fatal("the probe did not bring it back")
		}
		n := probes.Load()
		time.Sleep(time.Minute)
		if probes.Load() != n {
			t.Fatal("probing goes on although every member is well")
		}
		w.down[0].Store(true)
		w.try()
		if w.Out(0) == nil {
			t.Fatal("not left out again")
		}
		time.Sleep(5 * time.Second)
		if probes.Load() == n {
			t.Fatal("probing did not begin again")
		}
	})
}

func TestEveryMemberOutAnswersAtOnce(t *testing.T) {
	w := newWorld(Config{Threshold: 1, Base: time.Hour, Max: time.Hour})
	defer w.Close()
	for i := range w.down {
		w.down[i].Store(true)
	}
	w.try()
	skipped := 0
	if w.Try(context.Background(), []int{0, 1, 2}, w.ask, func(_ int, why error) {
		if errors.Is(why, ErrLeftOut) {
			skipped++
		}
	}) || skipped != 3 {
		t.Fatalf("skipped %d", skipped)
	}
}

func TestABlackHoleLeavesTheNextMemberItsShareOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(Config{Timeout: time.Minute})
		defer w.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		start := time.Now()
		ok := w.Try(ctx, []int{0, 1, 2}, func(ctx context.Context, m int) (Verdict, error) {
			if m == 0 {
				<-ctx.Done()
				return Failed, ctx.Err()
			}
			return Done, nil
		}, nil)
		if !ok || time.Since(start) != time.Second {
			t.Fatalf("answered %t after %v", ok, time.Since(start))
		}
	})
}

func TestACallerWhoGoesAwayIsNoFailureOfTheMember(t *testing.T) {
	w := newWorld(Config{Threshold: 1})
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	w.Try(ctx, []int{0, 1}, func(context.Context, int) (Verdict, error) {
		cancel()
		return Failed, context.Canceled
	}, nil)
	if w.Out(0) != nil {
		t.Fatal("left out")
	}
}

func TestNextIsNoFailure(t *testing.T) {
	w := newWorld(Config{Threshold: 1})
	defer w.Close()
	asked := 0
	w.Try(context.Background(), []int{0, 1, 2}, func(context.Context, int) (Verdict, error) {
		asked++
		return Next, errDown
	}, nil)
	if asked != 3 || w.Out(0) != nil {
		t.Fatalf("asked %d", asked)
	}
}

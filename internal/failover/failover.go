// Package failover asks members of a group in order until one answers: regions
// of a key management service, replicas of a table.
//
// A member that fails several times in a row is left out for a time that grows
// from failure to failure (exponential back-off with jitter, so that processes
// which lost it together do not come back together). When that time is over one
// request tries it, or the group's own probe; the rest goes on without it until
// it has answered.
package failover

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Config says how a group judges its members.
type Config struct {
	// Threshold is the number of failures in a row after which a member is left
	// out; 0 means 3.
	Threshold int
	// Timeout bounds one attempt; 0 means 5 s. An attempt also leaves the
	// members after it their share of the caller's time.
	Timeout time.Duration
	// Base and Max bound the back-off; 0 means 500 ms and 30 s.
	Base, Max time.Duration
	// Probe asks a member that was left out whether it is back. It runs beside
	// the requests while any member is out; nil leaves the trying to requests.
	Probe func(ctx context.Context, member int) error
	// Changed is told when a member is left out (with the cause) and when it is
	// back (nil). It must not call the group.
	Changed func(member int, cause error)
	// Now and Jitter (0 ≤ x < 1) are the clock and the randomness; nil means the
	// real ones.
	Now    func() time.Time
	Jitter func() float64
}

// Verdict is what an attempt says of its member.
type Verdict uint8

// The verdicts.
const (
	// Done ends the search; the member is well.
	Done Verdict = iota
	// Next goes on to the next member; this one is well, but has no answer.
	Next
	// Failed goes on, and counts against the member.
	Failed
)

// ErrLeftOut is given to those who ask why a member that is left out was not
// asked.
var ErrLeftOut = errors.New("left out after failures, until its next trial")

// Group is a number of members. It may be used concurrently.
type Group struct {
	c       Config
	mu      sync.Mutex
	members []member
	probing bool
	closed  bool
	stop    context.CancelFunc
	life    context.Context
	wait    sync.WaitGroup
}

type member struct {
	failures int       // in a row
	out      bool      // left out
	trials   int       // failed trials since
	retry    time.Time // of the next trial
	trying   bool      // a trial is under way
	cause    error
}

// New makes a group of n members, all of them well.
func New(n int, c Config) *Group {
	if c.Threshold <= 0 {
		c.Threshold = 3
	}
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Base <= 0 {
		c.Base = 500 * time.Millisecond
	}
	if c.Max <= 0 {
		c.Max = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	g := &Group{c: c, members: make([]member, n)}
	g.life, g.stop = context.WithCancel(context.Background())
	return g
}

// Close ends the probing.
func (g *Group) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.stop()
	g.wait.Wait()
}

// Attempt asks one member. The error is kept for those who ask later; it counts
// only with Failed.
type Attempt func(ctx context.Context, member int) (Verdict, error)

// Try asks the members in order until one is done, and reports whether one was.
// Members that are left out are not asked; skipped is told of them.
func (g *Group) Try(ctx context.Context, order []int, attempt Attempt, skipped func(member int, why error)) bool {
	for i, m := range order {
		if ctx.Err() != nil {
			return false
		}
		v, asked := g.one(ctx, m, len(order)-i, attempt)
		if !asked && skipped != nil {
			skipped(m, ErrLeftOut)
		}
		if asked && v == Done {
			return true
		}
	}
	return false
}

// One asks one member unless it is left out, and reports whether it was done.
func (g *Group) One(ctx context.Context, m int, attempt Attempt) (done, asked bool) {
	v, asked := g.one(ctx, m, 1, attempt)
	return asked && v == Done, asked
}

func (g *Group) one(ctx context.Context, m, left int, attempt Attempt) (Verdict, bool) {
	if !g.admit(m) {
		return Next, false
	}
	c, cancel := g.attemptContext(ctx, left)
	defer cancel()
	v, err := attempt(c, m)
	if v == Failed && errors.Is(context.Cause(ctx), context.Canceled) {
		g.abandon(m) // the caller went away: nobody knows
		return v, true
	}
	g.judge(m, v, err)
	return v, true
}

// attemptContext bounds an attempt by the time-out and by its share of what is
// left of the caller's time.
func (g *Group) attemptContext(ctx context.Context, left int) (context.Context, context.CancelFunc) {
	limit := g.c.Timeout
	if end, ok := ctx.Deadline(); ok && left > 1 {
		limit = min(limit, time.Until(end)/time.Duration(left))
	}
	return context.WithTimeout(ctx, limit)
}

// admit reports whether a request may go to a member; to one that is left out
// goes one when its time has come.
func (g *Group) admit(m int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &g.members[m]
	if !s.out {
		return true
	}
	if s.trying || g.c.Now().Before(s.retry) {
		return false
	}
	s.trying = true
	return true
}

func (g *Group) abandon(m int) {
	g.mu.Lock()
	g.members[m].trying = false
	g.mu.Unlock()
}

func (g *Group) judge(m int, v Verdict, cause error) {
	g.mu.Lock()
	s := &g.members[m]
	s.trying = false
	changed := false
	switch {
	case v != Failed:
		changed = s.out
		*s = member{}
		cause = nil
	case s.out:
		s.trials++
		s.cause, s.retry = cause, g.c.Now().Add(g.backOff(s.trials))
	default:
		s.failures++
		s.cause = cause
		if s.failures >= g.c.Threshold {
			s.out, changed = true, true
			s.retry = g.c.Now().Add(g.backOff(0))
			g.startProbing()
		}
	}
	g.mu.Unlock()
	if changed && g.c.Changed != nil {
		g.c.Changed(m, cause)
	}
}

// backOff is between half and all of base · 2^trials, at most Max.
func (g *Group) backOff(trials int) time.Duration {
	d := g.c.Max
	if trials < 30 {
		d = min(d, g.c.Base<<trials)
	}
	return d/2 + time.Duration(g.c.Jitter()*float64(d/2))
}

// Out returns the cause for which a member is left out, nil for one that is not.
func (g *Group) Out(m int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := &g.members[m]; s.out {
		return s.cause
	}
	return nil
}

// startProbing begins to watch members that are left out. The lock is held.
func (g *Group) startProbing() {
	if g.c.Probe == nil || g.probing || g.closed {
		return
	}
	g.probing = true
	g.wait.Go(g.probe)
}

func (g *Group) probe() {
	for {
		m, pause, any := g.nextTrial()
		if !any {
			return
		}
		select {
		case <-g.life.Done():
			return
		case <-time.After(pause):
		}
		if !g.admit(m) {
			continue
		}
		ctx, cancel := context.WithTimeout(g.life, g.c.Timeout)
		err := g.c.Probe(ctx, m)
		cancel()
		if g.life.Err() != nil {
			return
		}
		v := Done
		if err != nil {
			v = Failed
		}
		g.judge(m, v, err)
	}
}

// minPause keeps the watch from spinning while a request does the trial.
const minPause = 10 * time.Millisecond

// nextTrial returns the member whose trial is next and the time until then; the
// watch ends where there is none.
func (g *Group) nextTrial() (m int, pause time.Duration, any bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.members {
		s := &g.members[i]
		if !s.out {
			continue
		}
		if d := s.retry.Sub(g.c.Now()); !any || d < pause {
			m, pause, any = i, d, true
		}
	}
	g.probing = any
	return m, max(pause, minPause), any
}

package keycache

import (
	"context"
	"sync"
	"time"
)

// loadContext is the context of one load: the values of the caller's context,
// the cache's own end and a deadline. Most loads never ask when it ends (a row
// in memory, a prepared statement that answers at once), so the timer and the
// channel are made when somebody does.
type loadContext struct {
	context.Context // values only
	base            context.Context
	epoch           time.Time // with left, where it ends
	left            time.Duration

	mu     sync.Mutex
	end    context.Context // nil until asked for
	cancel context.CancelFunc
	over   bool
}

// begin sets the context up to end timeout from now, or with base. The clock is
// read as time since epoch, which takes half as long as time.Now.
func (c *loadContext) begin(values, base context.Context, epoch time.Time, timeout time.Duration) {
	if values.Done() != nil { // what cannot end has no end to be kept out
		values = context.WithoutCancel(values)
	}
	c.Context, c.base, c.epoch, c.left = values, base, epoch, time.Since(epoch)+timeout
}

func (c *loadContext) deadline() time.Time { return c.epoch.Add(c.left) }

// ending returns the context that ends when this one does.
func (c *loadContext) ending() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		c.end, c.cancel = context.WithDeadline(c.base, c.deadline())
		if c.over {
			c.cancel()
		}
	}
	return c.end
}

// finish ends the context after its load.
func (c *loadContext) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.cancel != nil {
		c.cancel()
	}
}

func (c *loadContext) Deadline() (time.Time, bool) { return c.deadline(), true }
func (c *loadContext) Done() <-chan struct{}       { return c.ending().Done() }

func (c *loadContext) Err() error {
	c.mu.Lock()
	end, over := c.end, c.over
	c.mu.Unlock()
	switch {
	case end != nil:
		return end.Err()
	case over || c.base.Err() != nil:
		return context.Canceled
	case time.Since(c.epoch) >= c.left:
		return context.DeadlineExceeded
	}
	return nil
}

// AfterFunc lets contexts made from this one do without a goroutine.
func (c *loadContext) AfterFunc(f func()) (stop func() bool) {
	return context.AfterFunc(c.ending(), f)
}

package driver

import (
	"context"
	"database/sql/driver"

	"github.com/sealsql/sealsql/rewrite"
)

// GrowingEngine is an Engine whose inner driver reads results through a buffer as
// long as the longest text that it has sent on the connection, and short to begin
// with: a large result then takes a system call for every few rows, of which records
// make more than plain values would.
type GrowingEngine interface {
	Engine
	// Grown returns a text of the same meaning that makes the buffer longer.
	Grown(inner driver.Conn, text string) string
	// TooLong reports an error that may be due to the length of a text.
	TooLong(err error) bool
}

// growth is what is known of the buffer of one connection.
type growth uint8

const (
	growthUnasked growth = iota
	growthWanted         // a large result was read
	growthDone
)

// largeResult is how many bytes of opened values make a result large.
const largeResult = 64 << 10

// read notes how many bytes a result had.
func (g *growth) read(bytes int) {
	if g != nil && *g == growthUnasked && bytes >= largeResult {
		*g = growthWanted
	}
}

// grown returns the text as which a planned text is sent: that one, but for once on
// a connection that reads large results. In a transaction nothing is tried: it
// would end with the connection of a server that takes no such texts.
func (c *conn) grown(text string) string {
	if c.growth != growthWanted || c.inTx || c.manual || c.cr.shortTexts.Load() {
		return text
	}
	c.growth = growthDone
	if e, ok := c.cr.engine.(GrowingEngine); ok {
		return e.Grown(c.inner, text)
	}
	return text
}

// tooLong looks at the outcome of a text that was grown. One that the server does not
// take was not run: database/sql runs it again, on another connection.
func (c *conn) tooLong(grown bool, err error) error {
	if !grown || err == nil || err == driver.ErrSkip {
		return err
	}
	if e, ok := c.cr.engine.(GrowingEngine); ok && e.TooLong(err) {
		c.cr.shortTexts.Store(true)
		return driver.ErrBadConn
	}
	return err
}

// queryGrown sends a planned text that returns rows.
func (c *conn) queryGrown(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	sent := c.grown(text)
	grown := len(sent) > len(text)
	rows, err := c.query(ctx, sent, args)
	if grown && err == driver.ErrSkip { // it was not sent
		c.growth = growthWanted
	}
	return rows, c.tooLong(grown, err)
}

// prepareGrown prepares the text of a plan.
func (c *conn) prepareGrown(ctx context.Context, p *rewrite.Plan) (driver.Stmt, error) {
	text := c.preparedText(p)
	if p.Results == nil {
		return c.prepareInner(ctx, text)
	}
	sent := c.grown(text)
	inner, err := c.prepareInner(ctx, sent)
	return inner, c.tooLong(len(sent) > len(text), err)
}

package driver

import (
	"context"
	"database/sql/driver"

	"github.com/sealsql/sealsql/rewrite"
)

// WritingEngine is an Engine whose inner driver may write arguments into the text,
// and where sealed ones are better written by the engine.
type WritingEngine interface {
	Engine
	// Write writes the sealed bytes among the arguments of a plan, and others where
	// that helps, into its text. Those that are left are arguments of the new text. ok
	// is false where nothing is written: then the inner driver has all as they are.
	Write(inner driver.Conn, p *rewrite.Plan, text string, args []driver.NamedValue) (written string, left []driver.NamedValue, ok bool)
	// Unsent reports whether an error says that a text was too long for the inner
	// driver, which has sent nothing of it.
	Unsent(err error) bool
}

// execSealed sends a planned text that returns no rows, with its sealed arguments.
func (c *conn) execSealed(ctx context.Context, p *rewrite.Plan, text string, args []driver.NamedValue) (driver.Result, error) {
	if written, left, ok := c.write(p, text, args); ok {
		res, err := c.exec(ctx, written, left)
		if err == nil || !c.cr.writing.Unsent(err) {
			return res, err
		}
	}
	return c.exec(ctx, text, args)
}

// querySealed is execSealed for a text that returns rows.
func (c *conn) querySealed(ctx context.Context, p *rewrite.Plan, text string, args []driver.NamedValue) (driver.Rows, error) {
	if written, left, ok := c.write(p, text, args); ok {
		rows, err := c.query(ctx, written, left)
		if err == nil || !c.cr.writing.Unsent(err) {
			return rows, err
		}
	}
	return c.queryRecords(ctx, p, text, args)
}

// write lets the engine write arguments of a plan into its text.
func (c *conn) write(p *rewrite.Plan, text string, args []driver.NamedValue) (string, []driver.NamedValue, bool) {
	if c.cr.writing == nil || p.ArgsSame || len(args) == 0 { // the inner driver writes what is the caller's
		return "", nil, false
	}
	return c.cr.writing.Write(c.inner, p, text, args)
}

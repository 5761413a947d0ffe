package driver

import (
	"context"
	"database/sql/driver"

	"github.com/sealsql/sealsql/rewrite"
)

// cursors remembers, by name, the calls that declared cursors with encrypted
// columns. One that the server has closed meanwhile stays until its name is
// used again: fetching from it is an error of the server's.
type cursors map[string]*call

// maxCursors bounds what a connection remembers. Beyond it a declaration is
// refused, as its rows could not be opened.
const maxCursors = 256

// declare notes the cursors that a statement made.
func (c *conn) declare(x *call, p *rewrite.Plan) {
	for _, name := range p.Replaces {
		delete(c.cursors, name)
	}
	if p.Declares == nil {
		return
	}
	if c.cursors == nil {
		c.cursors = cursors{}
	}
	own := *x
	own.plan, own.scratch, own.arena = p.With(&p.Declares.ResultSet), nil, nil
	c.cursors[p.Declares.Name] = &own
}

// mayDeclare refuses one cursor too many.
func (c *conn) mayDeclare(p *rewrite.Plan) error {
	if p.Declares == nil || len(c.cursors) < maxCursors || c.cursors[p.Declares.Name] != nil {
		return nil
	}
	return &rewrite.UnsupportedError{
		Pos: -1, Reason: rewrite.ReasonStatement,
		Hint: "the connection has declared too many cursors with encrypted columns; use their names again",
	}
}

// fetching returns the call that declared the cursor which a statement reads,
// nil where nothing is to be opened.
func (c *conn) fetching(p *rewrite.Plan) (*call, error) {
	for _, name := range p.Fetches {
		x := c.cursors[name]
		if x == nil {
			continue
		}
		if p.NoRows {
			return nil, &rewrite.UnsupportedError{
				Pos: -1, Reason: rewrite.ReasonMultiStatement,
				Hint: "fetch from a cursor with encrypted columns in a text of its own",
			}
		}
		return x, nil
	}
	return nil, nil
}

// fetched opens the rows that were read from a cursor, under the partition of
// its declaration. The context that keys are loaded under is the reader's.
func (x *call) fetched(ctx context.Context, rows driver.Rows) (driver.Rows, error) {
	if x == nil {
		return rows, nil
	}
	own := *x
	own.ctx = ctx
	return own.wrap(rows)
}

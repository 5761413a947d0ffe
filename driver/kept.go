package driver

import (
	"context"
	"database/sql/driver"
	"io"

	"github.com/sealsql/sealsql/rewrite"
)

// KeepingEngine is an Engine whose inner driver compiles a text each time that it is
// sent, where a compiled one costs nothing while it is not run: it holds no lock and
// nothing at a server, and is compiled anew by itself when the schema has changed.
type KeepingEngine interface {
	Engine
	// Keeps reports whether that holds for this connection.
	Keeps(inner driver.Conn) bool
}

// keptStatements holds the compiled texts of plans that one connection ran more than
// once. A statement that passes is not among them: what the server does for it is
// what it does for the plain driver.
type keptStatements [keptSize]keptStatement

const (
	keptSize    = 32
	maxKeptText = 16 << 10 // of a batch's hundred rows
)

type keptStatement struct {
	plan *rewrite.Plan
	stmt driver.Stmt // nil until the plan is run for the second time
	// busy is set while rows of the statement are open: it cannot be run then.
	busy bool
}

// keepable reports whether the plan sends the same text each time, which does
// nothing but read or write rows.
func (c *conn) keepable(p *rewrite.Plan) bool {
	return c.keeps && len(p.Holes) == 0 && p.Sets == nil && !p.NoRows && p.After == nil && !p.Defines &&
		p.Effects == 0 && p.Transacts == 0 && len(p.Text) <= maxKeptText
}

// kept returns the compiled statement of a plan; nil where there is none, which is
// sent as a text then. Plans are compared by identity: another state of session or
// catalog has other plans.
func (c *conn) kept(ctx context.Context, p *rewrite.Plan) *keptStatement {
	if !c.keepable(p) {
		return nil
	}
	if c.compiled == nil {
		c.compiled = new(keptStatements)
	}
	k := &c.compiled[len(p.Text)%keptSize]
	switch {
	case k.busy:
		return nil
	case k.plan != p:
		k.close()
		k.plan = p
		return nil
	case k.stmt == nil:
		st, err := c.prepareInner(ctx, p.Text)
		if err != nil {
			return nil // sent as a text, it says what is wrong
		}
		k.stmt = st
	}
	return k
}

// close gives up the compiled statement, unless rows of it are open.
func (k *keptStatement) close() {
	if k.busy {
		return
	}
	if k.stmt != nil {
		_ = k.stmt.Close()
	}
	*k = keptStatement{}
}

// execPlan sends a planned text that returns no rows.
func (c *conn) execPlan(ctx context.Context, p *rewrite.Plan, text string, args []driver.NamedValue) (driver.Result, error) {
	k := c.kept(ctx, p)
	if k == nil {
		return c.execSealed(ctx, p, text, args)
	}
	res, err := innerStmtExec(ctx, k.stmt, args)
	if err != nil {
		k.close()
	}
	return res, err
}

// queryPlan sends a planned text that returns rows. The statement is busy until they
// are closed, so that only rows of our own can be had from it.
func (c *conn) queryPlan(ctx context.Context, p *rewrite.Plan, text string, args []driver.NamedValue) (driver.Rows, *keptStatement, error) {
	if p.Results == nil {
		rows, err := c.querySealed(ctx, p, text, args)
		return rows, nil, err
	}
	k := c.kept(ctx, p)
	if k == nil {
		rows, err := c.querySealed(ctx, p, text, args)
		return rows, nil, err
	}
	rows, err := innerStmtQuery(ctx, k.stmt, args)
	if err != nil {
		k.close()
		return nil, nil, err
	}
	k.busy = true
	return rows, k, nil
}

// lent hands a statement to the rows that make it busy.
func lent(rows driver.Rows, err error, k *keptStatement) (driver.Rows, error) {
	if k == nil {
		return rows, err
	}
	if r, ok := rows.(interface{ lend(*keptStatement) }); ok && err == nil {
		r.lend(k)
	} else {
		k.done(err)
	}
	return rows, err
}

// done is called when the rows of a statement are closed.
func (k *keptStatement) done(err error) {
	if k.busy = false; err != nil {
		k.close()
	}
}

// closed stands in for inner rows once they are closed: closing them again would
// reset a statement that others may be using by then.
type closed struct{ driver.Rows }

func (closed) Close() error              { return nil }
func (closed) Next([]driver.Value) error { return io.EOF }

// discard gives up all compiled statements.
func (c *conn) discard() {
	if c.compiled == nil {
		return
	}
	for i := range c.compiled {
		c.compiled[i].close()
	}
}

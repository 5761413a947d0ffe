package driver

import (
	"context"
	"database/sql/driver"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// Most statements of most programs were sent before on the same connection, and touch
// nothing annotated, or have values sealed and opened and nothing else. All that is to be
// done for such a one, but for the values, is to make sure that what its plan rests on still
// holds. The long way does the same, and much more that comes to nothing; the short ones are
// there for its time only.

// way is how a statement is sent.
type way uint8

const (
	long way = iota
	// passes: it goes out as it came and leaves nothing to do or to note.
	passes
	// sealing: its arguments are sealed, its text is the plan's, its records are opened.
	sealing
)

// wayOf returns the shortest way that a plan can take.
func wayOf(p *rewrite.Plan, query string) way {
	switch {
	case p.Effects != 0 || p.Transacts != 0 ||
		p.Prepares != nil || p.Executes != nil || p.Releases != nil ||
		p.Declares != nil || p.Replaces != nil || p.Fetches != nil ||
		p.Describes != nil || p.DescribesView != nil ||
		p.First != nil || p.Sorted != nil || p.After != nil:
		return long
	case p.Pass && p.Text == query:
		return passes
	case p.Pass || p.Sets != nil || p.NoRows || p.Defaults || p.Defines || p.Deleted != nil ||
		p.Holes != nil || p.Checks != nil || p.Filters != nil || p.Likes != nil || p.Verifies != nil ||
		p.Limit != nil || spanned(p):
		return long
	}
	return sealing
}

// remembered returns what is known of a statement that takes a short way: that was
// planned before and whose plan still holds; or nil.
func (c *conn) remembered(ctx context.Context, query string, args []driver.NamedValue) *memo {
	e := &c.plans[len(query)%memoSize]
	// Following may bind the connection to another configuration; the memo is empty
	// then.
	if e.way == long || c.followed(ctx) != nil {
		return nil
	}
	o := rewrite.Options{HasArgs: len(args) > 0, ContextPartition: sealsql.Call(ctx).HasPartition}
	if e.way == long || e.session != c.session || e.view != c.view || e.options != o || e.text != query ||
		o.HasArgs && c.cr.options != nil && c.cr.options.Options(args) || !c.known() || len(c.view.unborn) > 0 ||
		// What statements before have left to be refused or taken back.
		e.asks && c.lost != 0 || c.volatile != 0 ||
		e.way == sealing && c.cr.audit != nil {
		return nil
	}
	return e
}

// sent looks at the outcome of a statement that was sent on a short way.
func (c *conn) sent(p *rewrite.Plan, err error) error {
	c.loses(p)
	if err == nil || err == driver.ErrSkip {
		return err
	}
	return c.failed(p, err)
}

// execShort is execContext on a short way.
func (c *conn) execShort(ctx context.Context, e *memo, query string, args []driver.NamedValue) (_ driver.Result, err error) {
	p := e.plan
	if e.way == passes {
		c.cr.rec.Passed()
		res, err := c.exec(ctx, query, args)
		return res, c.sent(p, err)
	}
	var x *call
	defer func() { c.ended(x, recover(), &err) }()
	x, out, err := c.seal(ctx, p, query, args)
	if err != nil {
		return nil, err
	}
	res, err := c.execPlan(ctx, p, p.Text, out)
	return res, c.sent(p, err)
}

// queryShort is queryContext on a short way.
func (c *conn) queryShort(ctx context.Context, e *memo, query string, args []driver.NamedValue) (_ driver.Rows, err error) {
	p := e.plan
	if e.way == passes {
		c.cr.rec.Passed()
		rows, err := c.query(ctx, query, args)
		c.displaced = false
		return rows, c.sent(p, err)
	}
	var x *call
	defer func() { c.ended(x, recover(), &err) }()
	x, out, err := c.seal(ctx, p, query, args)
	if err != nil {
		return nil, err
	}
	var rows driver.Rows
	var kept *keptStatement
	if p.ArgsSame && c.cr.records == nil && !c.keeps { // what queryPlan comes to
		rows, err = c.query(ctx, p.Text, out)
	} else {
		rows, kept, err = c.queryPlan(ctx, p, p.Text, out)
	}
	c.displaced = false
	if err := c.sent(p, err); err != nil {
		return nil, err
	}
	shown, err := x.wrap(rows)
	return lent(shown, err, kept)
}

// ended ends an execution, if it was begun, with what was recovered: see guard.
func (c *conn) ended(x *call, recovered any, err *error) {
	if x != nil {
		x.end()
	}
	if recovered != nil {
		c.caught(recovered, err)
	}
}

// seal begins the execution of a plan that takes the short way, and returns the
// arguments to be sent.
func (c *conn) seal(ctx context.Context, p *rewrite.Plan, query string, args []driver.NamedValue) (x *call, out []driver.NamedValue, err error) {
	if len(c.view.undefined) > 0 {
		err = c.filledAlike(ctx, query, p)
	}
	if c.decided(p, err); err != nil {
		return nil, nil, err
	}
	x = newCall(ctx, c, p, Input{Text: query, Args: args}, false)
	if !p.ArgsSame {
		_, out, err = x.outgoing()
	} else if err = x.resolve(); err == nil {
		return x, x.sameArguments(), nil
	} else {
		c.cr.notSealed(err)
	}
	if err != nil {
		x.end()
		return nil, nil, err
	}
	return x, out, nil
}

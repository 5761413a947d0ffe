package driver

import (
	"context"
	"database/sql/driver"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// Most statements of most programs touch nothing annotated, and were sent before on
// the same connection. All that is to be done for such a one is to make sure that
// what its plan rests on still holds. The long way does the same, and much more that
// comes to nothing; this one is there for its time only.

// quiet reports whether the statement goes out as it came and leaves nothing to do
// or to note.
func quiet(p *rewrite.Plan, query string) bool {
	return p.Pass && p.Text == query && p.Effects == 0 && p.Transacts == 0 &&
		p.Prepares == nil && p.Executes == nil && p.Releases == nil &&
		p.Declares == nil && p.Replaces == nil && p.Fetches == nil &&
		p.Describes == nil && p.DescribesView == nil &&
		p.First == nil && p.Sorted == nil && p.After == nil
}

// passing returns the plan of a quiet statement that was planned before and whose
// plan still holds, or nil: then the statement goes the long way.
func (c *conn) passing(ctx context.Context, query string, args []driver.NamedValue) *rewrite.Plan {
	e := &c.plans[len(query)%memoSize]
	// Following may bind the connection to another configuration; the memo is empty
	// then.
	if !e.quiet || c.followed(ctx) != nil {
		return nil
	}
	o := rewrite.Options{HasArgs: len(args) > 0, ContextPartition: sealsql.Call(ctx).HasPartition}
	if !e.quiet || e.session != c.session || e.view != c.view || e.options != o || e.text != query ||
		c.cr.options != nil && o.HasArgs || !c.known() || len(c.view.unborn) > 0 ||
		// What statements before have left to be refused, noted or taken back.
		c.lost != 0 || c.volatile != 0 || c.displaced {
		return nil
	}
	c.cr.rec.Passed()
	return e.plan
}

// sent looks at the outcome of a statement of passing.
func (c *conn) sent(p *rewrite.Plan, err error) error {
	if err == nil || err == driver.ErrSkip {
		return err
	}
	return c.failed(p, err)
}

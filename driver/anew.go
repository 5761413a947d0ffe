package driver

import (
	"context"
	"database/sql/driver"

	"github.com/sealsql/sealsql/rewrite"
)

// A plan whose text has holes cannot be prepared once: what is sealed differs
// with every execution, and there was no room for it among the arguments
// (threats T30). Its statement is prepared with constants in the holes, so that
// errors and the number of arguments are those of the server, and prepared
// again with the values at each execution. That costs a round trip more.

// preparedText is the text of a plan as it is prepared ahead of its execution.
func (c *conn) preparedText(p *rewrite.Plan) string { return p.Shape(c.cr.front) }

// execAnew executes a plan with holes.
func (s *stmt) execAnew(ctx context.Context, x *call) (driver.Result, error) {
	inner, args, err := s.anew(ctx, x)
	if err != nil {
		return nil, err
	}
	res, err := innerStmtExec(ctx, inner, args)
	x.executed(res, err)
	if closeErr := inner.Close(); err == nil {
		err = closeErr
	}
	return res, s.c.done(s.plan, s.query, err)
}

// queryAnew is execAnew for statements that return rows; the statement lives
// as long as they do.
func (s *stmt) queryAnew(ctx context.Context, x *call) (driver.Rows, error) {
	inner, args, err := s.anew(ctx, x)
	if err != nil {
		return nil, err
	}
	got, err := innerStmtQuery(ctx, inner, args)
	x.executed(nil, err)
	s.c.displaced = false
	if err := s.c.done(s.plan, s.query, err); err != nil {
		_ = inner.Close()
		return nil, err
	}
	out, err := x.wrap(got)
	if r, ok := out.(interface{ hold(driver.Stmt) }); ok {
		r.hold(inner)
	} else {
		s.retire(replaced{Stmt: inner})
	}
	return out, err
}

// anew seals the arguments and prepares the text with what stands in its holes.
func (s *stmt) anew(ctx context.Context, x *call) (driver.Stmt, []driver.NamedValue, error) {
	text, args, err := x.outgoing()
	if err != nil {
		return nil, nil, err
	}
	inner, err := s.c.prepareInner(ctx, text)
	if err != nil {
		return nil, nil, s.c.failed(s.plan, err)
	}
	return inner, args, nil
}

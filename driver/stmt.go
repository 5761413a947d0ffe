package driver

import (
	"context"
	"database/sql/driver"

	"github.com/sealsql/sealsql/rewrite"
)

var (
	_ driver.Stmt              = (*stmt)(nil)
	_ driver.StmtExecContext   = (*stmt)(nil)
	_ driver.StmtQueryContext  = (*stmt)(nil)
	_ driver.NamedValueChecker = (*stmt)(nil)
	//lint:ignore SA1019 its presence decides how database/sql converts arguments
	_ driver.ColumnConverter = (*stmtConverter)(nil)
)

// stmt is a prepared statement. It keeps the caller's text, because the plan
// and with it the inner statement are made anew when the catalog, the session
// or the presence of a partition in the context changes what the text means.
type stmt struct {
	c     *conn
	query string
	inner driver.Stmt
	plan  *rewrite.Plan
}

// stmtConverter is a stmt whose inner statement is a driver.ColumnConverter.
type stmtConverter struct{ *stmt }

func (s stmtConverter) ColumnConverter(i int) driver.ValueConverter {
	//lint:ignore SA1019 see above
	if cc, ok := s.inner.(driver.ColumnConverter); ok {
		return cc.ColumnConverter(i)
	}
	return driver.DefaultParameterConverter
}

func (c *conn) prepare(ctx context.Context, query string, p *rewrite.Plan) (driver.Stmt, error) {
	inner, err := innerPrepare(ctx, c.inner, p.Text)
	if err != nil {
		return nil, c.failed(p, err)
	}
	s := &stmt{c: c, query: query, inner: inner, plan: p}
	//lint:ignore SA1019 see above
	if _, ok := inner.(driver.ColumnConverter); ok {
		return stmtConverter{s}, nil
	}
	return s, nil
}

func (s *stmt) Close() error { return s.inner.Close() }

// NumInput is the number of arguments that the caller gives: that of its own
// text, not of the edited one. -1 where the inner driver does not count.
func (s *stmt) NumInput() int {
	n := s.inner.NumInput()
	if n < 0 || s.plan.Pass {
		return n
	}
	return s.plan.Params
}

// CheckNamedValue asks the inner statement, then the inner connection.
func (s *stmt) CheckNamedValue(nv *driver.NamedValue) error {
	if ch, ok := s.inner.(driver.NamedValueChecker); ok {
		return ch.CheckNamedValue(nv)
	}
	return s.c.CheckNamedValue(nv)
}

func (s *stmt) Exec(vals []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(vals))
}

func (s *stmt) Query(vals []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(vals))
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.renew(ctx); err != nil {
		return nil, err
	}
	if s.plan.Pass {
		res, err := innerStmtExec(ctx, s.inner, args)
		return res, s.c.done(s.plan, s.query, err)
	}
	x := newCall(ctx, s.c, s.plan, Input{Text: s.query, Args: args}, true)
	defer x.release()
	out, err := x.bound()
	if err != nil {
		return nil, err
	}
	res, err := innerStmtExec(ctx, s.inner, out)
	return res, s.c.done(s.plan, s.query, err)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.renew(ctx); err != nil {
		return nil, err
	}
	if s.plan.Pass {
		rows, err := innerStmtQuery(ctx, s.inner, args)
		return rows, s.c.done(s.plan, s.query, err)
	}
	x := newCall(ctx, s.c, s.plan, Input{Text: s.query, Args: args}, true)
	defer x.release()
	out, err := x.bound()
	if err != nil {
		return nil, err
	}
	rows, err := innerStmtQuery(ctx, s.inner, out)
	if err := s.c.done(s.plan, s.query, err); err != nil {
		return nil, err
	}
	return x.wrap(rows)
}

// renew plans again, which costs a look-up when nothing changed, and prepares
// again if the text to be sent is another one.
func (s *stmt) renew(ctx context.Context) error {
	p, err := s.c.plan(ctx, s.query, rewrite.Options{HasArgs: true, Prepare: true})
	if err != nil || p == s.plan {
		return err
	}
	if p.Text != s.plan.Text {
		inner, err := innerPrepare(ctx, s.c.inner, p.Text)
		if err != nil {
			return s.c.failed(p, err)
		}
		_ = s.inner.Close()
		s.inner = inner
	}
	s.plan = p
	return nil
}

// bound returns the arguments for a prepared text, which has no holes.
func (x *call) bound() ([]driver.NamedValue, error) {
	if len(x.plan.Holes) > 0 {
		return nil, &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonVerify, Hint: "bind the values as parameters"}
	}
	_, out, err := x.outgoing()
	return out, err
}

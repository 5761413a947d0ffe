package driver

import (
	"context"
	"database/sql/driver"
	"slices"

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
	// names is the session's way of resolving names when inner was prepared.
	names string
	// covers are the ranges of the execution at hand, computed to choose the plan.
	covers map[*rewrite.Cover]*covered
	// old are inner statements that were replaced. Rows of theirs may still be
	// open, so they are closed with this one.
	old []replaced
}

// replaced is an inner statement that is taken again for its text.
type replaced struct {
	driver.Stmt
	text, names string // "" for one that is used once
}

// maxOld bounds the replaced statements that are kept.
const maxOld = 16

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
	inner, err := c.prepareInner(ctx, c.preparedText(p))
	if err != nil {
		return nil, c.failed(p, err)
	}
	s := &stmt{c: c, query: query, inner: inner, plan: p, names: c.session.names()}
	//lint:ignore SA1019 see above
	if _, ok := inner.(driver.ColumnConverter); ok {
		return stmtConverter{s}, nil
	}
	return s, nil
}

// prepareInner prepares a text as it is.
func (c *conn) prepareInner(ctx context.Context, text string) (driver.Stmt, error) {
	inner, err := innerPrepare(ctx, c.inner, text)
	if e, ok := c.cr.engine.(PreparedEngine); ok && err == nil {
		return e.Prepared(text, inner), nil
	}
	return inner, err
}

func (s *stmt) Close() error {
	for _, st := range s.old {
		_ = st.Close()
	}
	s.old = nil
	return s.inner.Close()
}

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

func (s *stmt) execContext(ctx context.Context, args []driver.NamedValue) (_ driver.Result, err error) {
	defer s.c.guard(&err)
	if err := s.renew(ctx, args); err != nil {
		return nil, err
	}
	if s.plan.Pass {
		res, err := innerStmtExec(ctx, s.inner, args)
		if err == nil && s.plan.Replaces != nil {
			s.c.declare(nil, s.plan)
		}
		return res, s.c.done(s.plan, s.query, err)
	}
	x := newCall(ctx, s.c, s.plan, Input{Text: s.query, Args: args}, true)
	defer x.end()
	x.covers, s.covers = s.covers, nil
	if len(s.plan.Holes) > 0 {
		return s.execAnew(ctx, x)
	}
	_, out, err := x.outgoing()
	if err != nil {
		return nil, err
	}
	res, err := innerStmtExec(ctx, s.inner, out)
	x.executed(res, err)
	if err == nil && s.plan.Declares != nil {
		s.c.declare(x, s.plan)
	}
	if err == nil && s.plan.After != nil {
		err = s.c.complete(ctx, s.plan)
	}
	return res, s.c.done(s.plan, s.query, err)
}

func (s *stmt) queryContext(ctx context.Context, args []driver.NamedValue) (_ driver.Rows, err error) {
	defer s.c.guard(&err)
	if err := s.renew(ctx, args); err != nil {
		return nil, err
	}
	if s.plan.Pass {
		return s.queryPassing(ctx, args)
	}
	if err := unqueried(s.plan); err != nil {
		return nil, err
	}
	x := newCall(ctx, s.c, s.plan, Input{Text: s.query, Args: args}, true)
	defer x.end()
	x.covers, s.covers = s.covers, nil
	if len(s.plan.Holes) > 0 {
		return s.queryAnew(ctx, x)
	}
	_, out, err := x.outgoing()
	if err != nil {
		return nil, err
	}
	rows, err := s.queryRecords(ctx, out)
	x.executed(nil, err)
	s.c.displaced = false
	if err := s.c.done(s.plan, s.query, err); err != nil {
		return nil, err
	}
	if s.plan.Declares != nil {
		s.c.declare(x, s.plan)
	}
	return x.wrap(rows)
}

// queryPassing runs a query that passes.
func (s *stmt) queryPassing(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	declared, err := s.c.fetching(s.plan)
	if err != nil {
		return nil, err
	}
	rows, err := innerStmtQuery(ctx, s.inner, args)
	s.c.displaced = false
	if err := s.c.done(s.plan, s.query, err); err != nil {
		return rows, err
	}
	s.c.declare(nil, s.plan)
	if s.plan.Describes != nil || s.plan.DescribesView != nil {
		return described(rows, s.plan), nil
	}
	return declared.fetched(ctx, rows)
}

// renew plans again, which costs a look-up when nothing changed. It prepares
// again if the text to be sent is another one, and if names mean something else
// now: MySQL keeps what they meant when the statement was prepared, and a plan
// must be about the tables that will be used.
//
// args say how many places the ranges of the plan need (narrowed).
func (s *stmt) renew(ctx context.Context, args []driver.NamedValue) error {
	o := rewrite.Options{HasArgs: true, Prepare: true}
	p, err := s.c.plan(ctx, s.query, o)
	if err == nil {
		p, s.covers, err = s.c.narrowed(ctx, p, Input{Text: s.query, Args: args}, o)
	}
	names := s.c.session.names()
	if err == nil && p == s.c.bare {
		names = s.names // it has none, and preparing it again would be the statement before
	}
	if err != nil || p == s.plan && names == s.names {
		return err
	}
	if p.Text != s.plan.Text || names != s.names {
		inner, err := s.again(ctx, p, names)
		if err != nil {
			return err
		}
		s.retire(replaced{s.inner, s.plan.Text, s.names})
		s.inner, s.names = inner, names
	}
	s.plan = p
	return nil
}

// again returns an inner statement for another text: one that was replaced, or a
// new one.
func (s *stmt) again(ctx context.Context, p *rewrite.Plan, names string) (driver.Stmt, error) {
	for i, old := range s.old {
		if p.Text != "" && old.text == p.Text && old.names == names && len(p.Holes) == 0 {
			s.old = slices.Delete(s.old, i, i+1)
			return old.Stmt, nil
		}
	}
	inner, err := s.c.prepareInner(ctx, s.c.preparedText(p))
	if err != nil {
		return nil, s.c.failed(p, err)
	}
	return inner, nil
}

// retire keeps a replaced statement until it can be closed.
func (s *stmt) retire(st replaced) {
	if len(s.old) == maxOld {
		_ = s.old[0].Close()
		s.old = append(s.old[:0], s.old[1:]...)
	}
	s.old = append(s.old, st)
}

// names returns the fingerprint of how names resolve; "" before it is known.
func (s *Session) names() string {
	if s == nil {
		return ""
	}
	return s.Plan.Namespace
}

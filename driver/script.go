package driver

import (
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// scriptRows shows the results of a text with several statements. Each is
// opened by the plan of its own statement.
type scriptRows struct {
	*rows
	call *call
	sets []rewrite.ResultSet
	at   int // the set that is shown
}

// nextScriptRows is a scriptRows whose inner rows go on to further results.
// They are not shared with the rows of single statements: there a second result
// has no plan.
type nextScriptRows struct{ *scriptRows }

var (
	_ driver.Rows              = (*scriptRows)(nil)
	_ driver.RowsNextResultSet = (*nextScriptRows)(nil)
)

// wrapScript returns the rows that the caller sees of a text with several
// statements.
func (x *call) wrapScript(inner driver.Rows) (driver.Rows, error) {
	s := &scriptRows{call: x, sets: x.plan.Sets}
	if err := s.show(inner); err != nil {
		_ = inner.Close()
		return nil, err
	}
	if _, ok := inner.(driver.RowsNextResultSet); ok {
		return nextScriptRows{s}, nil
	}
	return scanning(s.rows), nil
}

// show opens the current result of the inner rows. A result without columns is
// that of a statement without rows: none of the planned ones, or one that the
// engine leaves out.
func (s *scriptRows) show(inner driver.Rows) error {
	set, names := &rewrite.ResultSet{}, inner.Columns()
	if len(names) > 0 {
		if s.at >= len(s.sets) {
			return fmt.Errorf("%w: the text has more results than planned", sealsql.ErrCatalogChanged)
		}
		set = &s.sets[s.at]
	}
	c := *s.call
	c.plan, c.scratch = s.call.plan.With(set), nil
	if set.Results == nil {
		c.plan.Results = make([]rewrite.Open, len(names))
	}
	r, err := c.rows(inner)
	if err != nil {
		return err
	}
	s.rows = r
	return nil
}

func (s nextScriptRows) HasNextResultSet() bool {
	return s.inner.(driver.RowsNextResultSet).HasNextResultSet()
}

// NextResultSet goes on to the next result, which must be the planned one.
func (s nextScriptRows) NextResultSet() error {
	inner := s.inner
	if err := inner.(driver.RowsNextResultSet).NextResultSet(); err != nil {
		return err
	}
	s.opener.close()
	s.at++
	if err := s.show(inner); err != nil {
		// Nothing of what is left may be read as if it were clear.
		s.rows = &rows{inner: spent{inner}, plan: &rewrite.Plan{}, opener: s.opener}
		return err
	}
	return nil
}

// spent are rows of which nothing more is read.
type spent struct{ driver.Rows }

func (spent) Columns() []string         { return nil }
func (spent) Next([]driver.Value) error { return io.EOF }
func (spent) HasNextResultSet() bool    { return false }
func (spent) NextResultSet() error      { return io.EOF }

// unqueried refuses to query a text that shows one of several results,
// whichever has rows.
func unqueried(p *rewrite.Plan) error {
	if !p.NoRows {
		return nil
	}
	return &rewrite.UnsupportedError{
		Pos: -1, Reason: rewrite.ReasonMultiStatement,
		Hint: "which of the results would be shown depends on the rows; query the statements one by one",
	}
}

package driver

import (
	"context"
	"database/sql/driver"

	"github.com/sealsql/sealsql/internal/hatch"
	"github.com/sealsql/sealsql/rewrite"
)

// Sealed is a statement as it is to be sent, outside the calls of database/sql:
// in a batch. The connection may be used for other statements only when the
// batch is at its end.
type Sealed struct {
	// Text and Args are what is sent.
	Text string
	Args []any

	c     *conn
	query string
	call  *call
	plan  *rewrite.Plan
}

// Seal plans a statement for the connection as (*sql.Conn).Raw yields it, and
// seals its arguments, which are those that the inner driver takes. Statements
// that change names or settings, and those whose results need more than their
// own plan (several in one text, cursors), are refused: what follows them would
// have been planned without them.
func Seal(ctx context.Context, c any, query string, args []any) (*Sealed, error) {
	own, err := connOf(c)
	if err != nil {
		return nil, err
	}
	s := &Sealed{Text: query, Args: args, c: own, query: query, plan: &rewrite.Plan{Pass: true}}
	if own.cr.nothing {
		return s, nil
	}
	in, err := own.input(ctx, query, numbered(args))
	if err != nil {
		return nil, err
	}
	if len(in.Options) > 0 {
		return nil, notInABatch(rewrite.ReasonParameters, "options belong to a statement of its own, or to the connection")
	}
	if s.plan, err = own.plan(ctx, in.Text, rewrite.Options{HasArgs: len(in.Args) > 0}); err != nil {
		return nil, err
	}
	p := s.plan
	if p.Effects != 0 || p.Sets != nil || p.Declares != nil || p.Replaces != nil || p.Fetches != nil || p.Describes != nil || p.DescribesView != nil {
		return nil, notInABatch(rewrite.ReasonStatement, "send it by itself, in front of the batch")
	}
	if own.takesBack(p) {
		return nil, notInABatch(rewrite.ReasonMultiStatement, "it may take back changes of names, by which what follows is read; send it by itself, in front of the batch")
	}
	if p.Pass {
		s.Text, s.Args = p.Text, values(in.Args)
		return s, nil
	}
	s.call = newCall(ctx, own, p, in, false)
	defer s.call.release()
	text, out, err := s.call.outgoing()
	if err != nil {
		return nil, err
	}
	s.Text, s.Args = text, values(out)
	return s, nil
}

// takesBack reports a statement that may end a transaction in which names were
// changed, or go back to before they were.
func (c *conn) takesBack(p *rewrite.Plan) bool {
	if p.Transacts == rewrite.TransactsNot || c.volatile == 0 {
		return false
	}
	if e, ok := c.cr.engine.(TransactionEngine); !ok || e.InTransaction(c.inner) {
		return true
	}
	c.settled() // what was changed stays
	return false
}

func notInABatch(r rewrite.Reason, hint string) error {
	return &rewrite.UnsupportedError{Pos: -1, Reason: r, Hint: hint}
}

func numbered(args []any) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, v := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}

func values(args []driver.NamedValue) []any {
	out := make([]any, len(args))
	for i := range args {
		out[i] = args[i].Value
	}
	return out
}

// Rows opens the statement's result.
func (s *Sealed) Rows(inner driver.Rows) (driver.Rows, error) {
	if s.call == nil {
		return inner, nil
	}
	return s.call.wrap(inner)
}

// Done looks at the outcome of the statement and returns the error that the
// caller is to see.
func (s *Sealed) Done(err error) error {
	if s.c.cr.nothing {
		return err
	}
	return s.c.done(s.plan, s.query, err)
}

// InnerConn returns the inner driver's connection of what Raw yields, for the
// engines' bulk paths, which send what Seal and RowSealer made. Programs, which
// cannot call it, pass by encryption with InsecureBypassEncryption.
func InnerConn(_ hatch.Key, c any) (driver.Conn, error) {
	own, err := connOf(c)
	if err != nil {
		return nil, err
	}
	return own.inner, nil
}

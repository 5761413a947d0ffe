package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// A text with several statements is planned as one, and sent so. That cannot be where one
// changes what names mean to those behind it, as in every migration: they would be read by
// the names of before. Executed without arguments, such a text is sent statement by
// statement, each planned when those before it were run. That is what SQLite's driver and a
// MySQL server do with it anyway; PostgreSQL runs it in a transaction, and so it is run
// in one.

// SeveralEngine is an Engine whose server may be told not to take texts with several
// statements.
type SeveralEngine interface {
	Engine
	// Several is the text of a query that does nothing, and which a connection that
	// takes such texts takes.
	Several() string
}

// definers begin statements that change what names mean to those behind them.
var definers = []string{"CREATE", "ALTER", "DROP", "RENAME", "SET", "RESET", "USE", "ATTACH", "DETACH", "PRAGMA"}

// oneByOne is a text that is sent statement by statement.
type oneByOne struct {
	text   string
	pieces []script.Piece
	// within: PostgreSQL would run the text in a transaction of its own.
	within bool
}

// separated returns how to run a text that was refused as one, statement by statement; nil
// where that is not what it needs, or would not be the same.
func (c *conn) separated(ctx context.Context, in Input, err error) *oneByOne {
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) || len(in.Args) > 0 || len(in.Options) > 0 || in.Refuse != "" || c.session == nil {
		return nil
	}
	switch u.Reason {
	case rewrite.ReasonMultiStatement, rewrite.ReasonUnknownRelation, rewrite.ReasonUnknownColumn:
	default:
		return nil
	}
	o := &oneByOne{text: in.Text, pieces: script.Split(c.cr.front, in.Text, &c.session.Plan)}
	if !o.defines() || !c.transacts(o) || !c.takesSeveral(ctx) {
		return nil
	}
	return o
}

// defines reports whether a statement that may change names is in front of another, and all
// are SQL.
func (o *oneByOne) defines() bool {
	found := false
	for i, p := range o.pieces {
		if p.Client || p.Unreadable || len(p.Tokens) == 0 {
			return false
		}
		found = found || i < len(o.pieces)-1 && begins(p, definers...)
	}
	return found
}

func begins(p script.Piece, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return script.Word(p.Tokens[0], w) })
}

// transacts finds out in which transaction the text runs. false is one of which parts run
// in several.
func (c *conn) transacts(o *oneByOne) bool {
	e, ok := c.cr.engine.(TransactionEngine)
	if !ok {
		return c.cr.front.Dialect() != rewrite.Postgres
	}
	pieces, inside := o.pieces, e.InTransaction(c.inner)
	if last := len(pieces) - 1; !inside && begins(pieces[0], "BEGIN", "START") {
		if pieces = pieces[1:]; begins(pieces[last-1], "COMMIT", "END") {
			pieces = pieces[:last-1]
		}
		inside = true
	}
	o.within = !inside
	return !slices.ContainsFunc(pieces, func(p script.Piece) bool {
		return begins(p, "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE")
	})
}

// takesSeveral reports whether the connection takes texts with several statements: where
// not, what stands behind the first may be what the program did not write.
func (c *conn) takesSeveral(ctx context.Context) bool {
	e, ok := c.cr.engine.(SeveralEngine)
	if !ok {
		return true
	}
	_, err := c.exec(ctx, e.Several(), nil)
	return err == nil
}

// exec runs the statements and returns the last one's result, as the inner drivers do.
func (o *oneByOne) exec(ctx context.Context, c *conn) (driver.Result, error) {
	if !o.within {
		return o.each(ctx, c)
	}
	t, err := c.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return nil, err
	}
	res, err := o.each(ctx, c)
	if err != nil {
		// A connection on which that fails is in nobody knows what transaction.
		if t.Rollback() != nil {
			c.broken = true
		}
		return nil, err
	}
	return res, t.Commit()
}

func (o *oneByOne) each(ctx context.Context, c *conn) (res driver.Result, err error) {
	for i, p := range o.pieces {
		if res, err = c.execInput(ctx, Input{Text: o.text[p.From:p.To]}, nil); err == nil {
			continue
		}
		if i > 0 && !o.within && errors.Is(err, driver.ErrBadConn) {
			// database/sql would run the whole text once more.
			return nil, fmt.Errorf("sealsql: the connection was lost behind statement %d of %d, which is done: %v", i, len(o.pieces), err)
		}
		return nil, placed(err, p.From)
	}
	return res, nil
}

// placed gives a refusal its place in the whole text.
func placed(err error, from int) error {
	u, ok := err.(*rewrite.UnsupportedError)
	if !ok || u.Pos < 0 {
		return err
	}
	moved := *u
	moved.Pos += from
	return &moved
}

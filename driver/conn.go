package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

var (
	_ driver.Conn               = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.SessionResetter    = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
	_ driver.Validator          = (*connValidator)(nil)
)

// conn wraps one inner connection. database/sql serialises its use.
type conn struct {
	cr      *connector
	inner   driver.Conn
	execer  driver.ExecerContext
	queryer driver.QueryerContext
	checker driver.NamedValueChecker
	resume  driver.SessionResetter
	valid   driver.Validator

	// session is nil until it is read, and again after a statement that may
	// have changed it.
	session *Session
	reading reading
	view    *view

	// volatile holds the effects of statements run since the connection was
	// last known to be outside a transaction: a rollback would take them back.
	volatile rewrite.Effect
	inTx     bool
	keeps    bool // inner statements are used again
	// resets is set where resume may change the session.
	resets bool
	// displaced is set while the last query on the connection is one of the driver's.
	displaced bool
	// lost are questions about the statement before that the server would answer
	// otherwise than for the caller's.
	lost  asked
	spare *call   // to be used for the next statement; may be nil
	idle  *opener // to be used for the next result; may be nil
	// What is above is looked at for each statement, and lies together for that reason.

	tx       tx
	compiled *keptStatements // nil unless keeps
	cursors  cursors
	prepared prepared

	// temps are temporary tables that statements of this connection created,
	// on engines whose catalog does not show them.
	temps  []rewrite.RelationID
	closed bool
	// broken is set where our own code failed in the middle of a statement.
	broken bool
	// manual is set where SQL text may have begun or ended a transaction, so that
	// inTx is not to be relied on.
	manual bool
	// met is set once the session was read since the connection was taken from the
	// pool: statements were run before. modes are the settings by which texts are
	// read, as last known; nil after a statement that may have changed them.
	met   bool
	modes *rewrite.Session
	// begun is set once the session was read.
	begun bool
	// doubted is set where the catalog was read under settings that are refused: it
	// may lack what a guard is known by.
	doubted bool
	// bare is the last plan of a text that names no relation, made without a catalog.
	bare *rewrite.Plan
	// txVersion is the catalogs' version when the transaction began.
	txVersion uint64

	plans  planMemo
	shapes shapeMemo
}

// connValidator is a conn whose inner connection is a driver.Validator. The
// mere presence of IsValid changes what database/sql does with a connection
// after a cancelled transaction.
//
// Its conn is a value, not a pointer: methods are then reached by a jump.
type connValidator struct{ conn }

func (c *connValidator) IsValid() bool { return !c.broken && c.valid.IsValid() }

func wrapConn(cr *connector, inner driver.Conn) driver.Conn {
	valid, _ := inner.(driver.Validator)
	outer := &connValidator{conn{cr: cr, inner: inner, valid: valid}}
	c := &outer.conn
	c.execer, _ = inner.(driver.ExecerContext)
	c.queryer, _ = inner.(driver.QueryerContext)
	c.checker, _ = inner.(driver.NamedValueChecker)
	c.resume, _ = inner.(driver.SessionResetter)
	if e, ok := cr.engine.(KeepingEngine); ok {
		c.keeps = e.Keeps(inner)
	}
	if e, ok := cr.engine.(ResettingEngine); ok {
		c.resets = e.Resets(inner)
	}
	if valid != nil {
		return outer
	}
	return c
}

func (c *conn) Close() error {
	c.discard()
	c.unbind()
	return c.inner.Close()
}

// Ping also reads the catalog and reports annotated tables that are not fit
// for encryption.
func (c *conn) Ping(ctx context.Context) (err error) {
	defer c.guard(&err)
	if p, ok := c.inner.(driver.Pinger); ok {
		if err := p.Ping(ctx); err != nil {
			return err
		}
	}
	if c.cr.nothing || !c.cr.engine.Ready(c.inner) {
		return nil
	}
	if err := c.current(ctx); err != nil {
		return err
	}
	return c.view.setup
}

// ResetSession is called when the connection is taken from the pool again, so
// outside any transaction.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.broken {
		return driver.ErrBadConn
	}
	c.settled()
	c.met = false
	c.rebind()
	if c.resets {
		c.session, c.modes = nil, nil
	}
	if c.resume == nil {
		return nil
	}
	return c.resume.ResetSession(ctx)
}

func (c *conn) CheckNamedValue(nv *driver.NamedValue) error {
	if c.checker == nil {
		return driver.ErrSkip
	}
	return c.checker.CheckNamedValue(nv)
}

func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	inner, err := innerBegin(ctx, c.inner, opts)
	if err != nil || c.cr.nothing {
		return inner, err
	}
	c.settled()
	c.inTx, c.manual, c.txVersion = true, false, c.cr.cats.version.Load()
	c.tx = tx{c: c, inner: inner}
	return &c.tx, nil
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *conn) prepareContext(ctx context.Context, query string) (_ driver.Stmt, err error) {
	defer c.guard(&err)
	if c.cr.nothing {
		return c.prepareInner(ctx, query)
	}
	p, err := c.planAny(ctx, query, rewrite.Options{HasArgs: true, Prepare: true})
	if err != nil {
		return nil, err
	}
	if p.First != nil || p.Sorted != nil {
		return &keysStmt{c, query, p.Params}, nil
	}
	return c.prepare(ctx, query, p)
}

func (c *conn) execContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Result, err error) {
	defer c.guard(&err)
	if c.cr.nothing {
		return c.exec(ctx, query, args)
	}
	in, err := c.input(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return c.execInput(ctx, in, args)
}

// execInput runs a statement whose options are separated. args are what they
// were separated from.
func (c *conn) execInput(ctx context.Context, in Input, args []driver.NamedValue) (driver.Result, error) {
	p, err := c.judged(ctx, in.Text, rewrite.Options{HasArgs: len(in.Args) > 0})
	if err != nil {
		if several := c.separated(ctx, in, err); several != nil {
			return several.exec(ctx, c)
		}
		err = c.absent(ctx, in.Text, len(in.Args) == 0, err)
	}
	if c.decided(p, err); err != nil {
		return nil, err
	}
	if p.Sorted != nil { // nobody sees the rows
		in, x, err := c.sortInput(ctx, p, in)
		if err != nil {
			return nil, err
		}
		defer x.release()
		return c.execInput(ctx, in, nil)
	}
	if p.First != nil {
		s, err := c.steps(ctx, p, in, false)
		if err != nil {
			return nil, err
		}
		return s.exec()
	}
	if p.Pass {
		res, err := c.exec(ctx, p.Text, passed(in, args))
		if err == nil && p.Replaces != nil {
			c.declare(nil, p)
		}
		return res, c.done(p, in.Text, err)
	}
	p, covers, err := c.narrowed(ctx, p, in, rewrite.Options{HasArgs: len(in.Args) > 0})
	if err != nil {
		return nil, err
	}
	x := newCall(ctx, c, p, in, false)
	defer x.end()
	x.covers = covers
	text, out, err := x.outgoing()
	if err != nil {
		return nil, err
	}
	res, err := c.execPlan(ctx, p, text, out)
	x.executed(res, err)
	if err == nil && p.Declares != nil {
		c.declare(x, p)
	}
	if err == nil && p.After != nil {
		err = c.complete(ctx, p)
	}
	return res, c.done(p, in.Text, err)
}

func (c *conn) queryContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Rows, err error) {
	defer c.guard(&err)
	if c.cr.nothing {
		return c.query(ctx, query, args)
	}
	in, err := c.input(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return c.queryInput(ctx, in, args)
}

// queryInput is execInput for statements that return rows.
func (c *conn) queryInput(ctx context.Context, in Input, args []driver.NamedValue) (driver.Rows, error) {
	p, err := c.planAny(ctx, in.Text, rewrite.Options{HasArgs: len(in.Args) > 0})
	if err != nil {
		return nil, err
	}
	if p.Sorted != nil {
		return c.querySorted(ctx, p, in, false)
	}
	if p.First != nil {
		s, err := c.steps(ctx, p, in, false)
		if err != nil {
			return nil, err
		}
		return s.query()
	}
	if p.Pass {
		return c.queryPassing(ctx, p, in, args)
	}
	if err := unqueried(p); err != nil {
		return nil, err
	}
	p, covers, err := c.narrowed(ctx, p, in, rewrite.Options{HasArgs: len(in.Args) > 0})
	if err != nil {
		return nil, err
	}
	x := newCall(ctx, c, p, in, false)
	defer x.end()
	x.covers = covers
	text, out, err := x.outgoing()
	if err != nil {
		return nil, err
	}
	rows, kept, err := c.queryPlan(ctx, p, text, out)
	x.executed(nil, err)
	c.displaced = false
	if err := c.done(p, in.Text, err); err != nil {
		return nil, err
	}
	if p.Declares != nil {
		c.declare(x, p)
	}
	shown, err := x.wrap(rows)
	return lent(shown, err, kept)
}

// queryPassing runs a query that passes.
func (c *conn) queryPassing(ctx context.Context, p *rewrite.Plan, in Input, args []driver.NamedValue) (driver.Rows, error) {
	var declared *call
	if p.Fetches != nil {
		var err error
		if declared, err = c.fetching(p); err != nil {
			return nil, err
		}
	}
	rows, err := c.query(ctx, p.Text, passed(in, args))
	c.displaced = false
	if err := c.done(p, in.Text, err); err != nil {
		return rows, err
	}
	if p.Replaces != nil {
		c.declare(nil, p)
	}
	if p.Describes != nil || p.DescribesView != nil {
		return described(rows, p), nil
	}
	return declared.fetched(ctx, rows)
}

func (c *conn) exec(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if c.execer != nil {
		return c.execer.ExecContext(ctx, text, args)
	}
	return innerExec(ctx, c.inner, text, args)
}

func (c *conn) query(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if c.queryer != nil {
		return c.queryer.QueryContext(ctx, text, args)
	}
	return innerQuery(ctx, c.inner, text, args)
}

// input separates options from arguments.
func (c *conn) input(ctx context.Context, query string, args []driver.NamedValue) (Input, error) {
	in := Input{Text: query, Args: args}
	if c.cr.options == nil || len(args) == 0 {
		return in, nil
	}
	return c.cr.options.Arguments(ctx, c.inner, in)
}

// passed returns the arguments of a statement that passes: the caller's own
// slice, unless options were resolved.
func passed(in Input, args []driver.NamedValue) []driver.NamedValue {
	if !in.Rewritten {
		return args
	}
	return renumber(in.Options, in.Args)
}

// renumber joins arguments into a fresh slice with ordinals from 1.
func renumber(parts ...[]driver.NamedValue) []driver.NamedValue {
	var out []driver.NamedValue
	for _, p := range parts {
		out = append(out, p...)
	}
	for i := range out {
		out[i].Ordinal = i + 1
	}
	return out
}

// plan is planAny for callers that send what is planned: a statement that is run
// in two steps is refused.
func (c *conn) plan(ctx context.Context, query string, o rewrite.Options) (*rewrite.Plan, error) {
	p, err := c.planAny(ctx, query, o)
	if err == nil && (p.First != nil || p.Sorted != nil) {
		return nil, &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonStatement, Hint: "the statement is run in two steps, which this way of sending it does not take; use ExecContext or QueryContext"}
	}
	return p, err
}

// planAny returns the plan of a statement for the state of this connection, that of
// an EXECUTE with what was prepared.
func (c *conn) planAny(ctx context.Context, query string, o rewrite.Options) (*rewrite.Plan, error) {
	p, err := c.judged(ctx, query, o)
	err = c.absent(ctx, query, false, err)
	c.decided(p, err)
	return p, err
}

// judged is planAny before it is counted.
func (c *conn) judged(ctx context.Context, query string, o rewrite.Options) (*rewrite.Plan, error) {
	p, err := c.planned(ctx, query, o)
	if err == nil && p.Executes != nil {
		p, err = c.executing(ctx, p, o)
	}
	if err == nil && c.view != nil && len(c.view.undefined) > 0 {
		err = c.filledAlike(ctx, query, p)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (c *conn) planned(ctx context.Context, query string, o rewrite.Options) (*rewrite.Plan, error) {
	o.ContextPartition = sealsql.Call(ctx).HasPartition
	if err := c.answers(query); err != nil {
		return nil, err
	}
	p, asking, err := c.upToDate(ctx, query, o)
	if p != nil || err != nil {
		return p, err
	}
	if err := c.suspicious(ctx); err != nil {
		return nil, err
	}
	if p := c.plans.get(query, c, o); p != nil {
		return p, nil
	}
	p, err = c.newPlan(ctx, query, o)
	if err != nil && c.outdated(ctx, err) {
		read := c.reread
		if asking || c.asks(query) != 0 {
			read = c.refreshAside
		}
		if err := read(ctx); err != nil {
			return nil, err
		}
		p, err = c.newPlan(ctx, query, o)
	}
	if err != nil {
		return nil, c.redefined(err)
	}
	if !p.Pass && !p.Defines && len(p.Tables) > 0 && c.view.setup != nil {
		return nil, c.view.setup
	}
	if err := c.mayDeclare(p); err != nil {
		return nil, err
	}
	if err := c.mayPrepare(p); err != nil {
		return nil, err
	}
	if c.volatile != 0 && c.rollsBackBefore(query) {
		return nil, &rewrite.UnsupportedError{
			Pos: -1, Reason: rewrite.ReasonMultiStatement,
			Hint: "the text may take back changes of names and go on; send its statements one by one",
		}
	}
	c.plans.put(query, c, o, p)
	return p, nil
}

// upToDate is current for a statement. It returns a plan where that needs no
// catalog, or none that can be read now; asking reports that the text asks about the
// statement before, as far as that mattered.
func (c *conn) upToDate(ctx context.Context, query string, o rewrite.Options) (p *rewrite.Plan, asking bool, err error) {
	err = c.followed(ctx)
	switch {
	case err == nil && c.known():
		return nil, false, nil
	case err == nil && comesFirst(query):
		if p := c.planFirst(query, o); p != nil {
			return p, false, nil
		}
		err = c.current(ctx)
	case err == nil && c.asks(query) != 0:
		p, err = c.prepareAsking(ctx, query, o)
		return p, true, err
	case err == nil:
		err = c.current(ctx)
	}
	if err != nil {
		if p := c.unplanned(query); p != nil {
			return p, false, nil
		}
	}
	return nil, false, err
}

// outdated reports whether a refusal may be due to a catalog that lacks what
// another process has just made. It waits until the catalog may be read again.
func (c *conn) outdated(ctx context.Context, err error) bool {
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) || u.Reason != rewrite.ReasonUnknownRelation && u.Reason != rewrite.ReasonUnknownColumn ||
		c.cr.cats.none || !c.cr.engine.Ready(c.inner) {
		return false
	}
	rest := moment - c.cr.cats.age(c.reading)
	if rest <= 0 {
		return true
	}
	wait := time.NewTimer(min(rest, moment))
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wait.C:
		return true
	}
}

// done looks at the outcome of a statement and keeps the connection's
// knowledge true. It returns err as it is, except for violations of a guard.
func (c *conn) done(p *rewrite.Plan, query string, err error) error {
	c.loses(p)
	if p.Transacts != 0 {
		c.transacted(p.Transacts)
	}
	if err == nil && (p.Prepares != nil || p.Releases != nil) {
		c.prepares(p, query)
	}
	switch {
	case p.Effects != 0:
		c.noteTemporary(query)
		c.changed(p.Effects)
	case c.volatile != 0 && c.transactional(query):
		// What was changed may have been taken back.
		c.forget()
	}
	if err == nil || err == driver.ErrSkip {
		return err
	}
	return c.failed(p, err)
}

// failed looks at an error of the database. A catalog that was read just now is
// kept, so that a program that repeats a mistake does not make it read on and on.
func (c *conn) failed(p *rewrite.Plan, err error) error {
	if c.volatile != 0 && c.cr.front.Dialect() == rewrite.SQLite {
		// A conflict, a trigger or an interrupt may have made SQLite roll the transaction
		// back (sqlite.org/lang_transaction.html).
		c.forget()
	}
	if c.cr.engine.Stale(err) && c.cr.cats.age(c.reading) > moment {
		c.cr.cats.invalidate()
		c.session = nil
	}
	if name := c.cr.engine.Guard(err); name != "" {
		c.cr.rec.Refused("plaintext_blocked")
		return guardError(p, name)
	}
	return err
}

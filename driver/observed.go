package driver

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/rewrite"
)

// RecorderOf returns what counts for a database handle that was opened by a
// driver of this module, or with its Wrap: all of its connections, over reloads
// of the configuration. It takes a connection from the pool for a moment; the
// Recorder itself takes none, and is valid after db is closed.
func RecorderOf(ctx context.Context, db *sql.DB) (r *observe.Recorder, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		own, err := connOf(c)
		if err == nil {
			r = own.cr.rec
		}
		return err
	})
	return r, err
}

// Stats is a snapshot of what RecorderOf counts.
func Stats(ctx context.Context, db *sql.DB) (observe.Stats, error) {
	r, err := RecorderOf(ctx, db)
	if err != nil {
		return observe.Stats{}, err
	}
	return r.Stats(), nil
}

// Observed is implemented by the connectors of this module, for programs that
// have the connector at hand.
type Observed interface {
	// Recorder returns what counts for the connector's connections.
	Recorder() *observe.Recorder
}

var (
	_ Observed = (*connector)(nil)
	_ Observed = (*reloadable)(nil)
)

func (c *connector) Recorder() *observe.Recorder { return c.rec }

func (r *reloadable) Recorder() *observe.Recorder { return r.now.Load().rec }

// closeKeys wipes the keys. What was counted stays counted.
func (c *connector) closeKeys() error {
	c.unobserved()
	return c.seals.sealer.Close()
}

// connectorSource adds the plan cache and the audit trail to the statistics.
type connectorSource struct{ c *connector }

func (x connectorSource) Counters(s *observe.Stats) {
	if p, ok := x.c.plans.(*rewrite.Planner); ok {
		st := p.Stats()
		s.Plans.Hits += st.Hits
		s.Plans.Templates += st.Templates
		s.Plans.Misses += st.Misses
	}
	if a := x.c.audit; a != nil {
		s.Audit.Dropped += a.Lost()
	}
}

func (x connectorSource) Gauges(s *observe.Stats) {
	if p, ok := x.c.plans.(*rewrite.Planner); ok {
		st := p.Stats()
		s.Plans.Entries += st.Entries
		s.Plans.Size += st.Size
	}
	if a := x.c.audit; a != nil {
		s.Audit.Waiting += a.Waiting()
	}
}

// tally counts the values of one statement, or of one result, until they are
// handed on together.
type tally struct {
	sampler        observe.Sampler
	begun          bool
	values, bytes  int
	rows, filtered int
}

// flushEvery is the number of rows after which a result is counted though it is
// still read.
const flushEvery = 256

// seals returns the time at which a value's sealing began if it is one to be
// timed, and the zero time otherwise.
func (t *tally) seals(r *observe.Recorder) (began time.Time) {
	if !t.begun {
		t.begun, t.sampler = true, r.SealSampler()
	}
	if t.sampler.Next() {
		began = time.Now()
	}
	return began
}

// opens is seals for opening.
func (t *tally) opens(r *observe.Recorder) (began time.Time) {
	if !t.begun {
		t.begun, t.sampler = true, r.OpenSampler()
	}
	if t.sampler.Next() {
		began = time.Now()
	}
	return began
}

// done counts a value.
func (t *tally) done(ctx context.Context, r *observe.Recorder, k observe.Kind, began time.Time, bytes int) {
	t.values++
	t.bytes += bytes
	if !began.IsZero() {
		r.Took(ctx, k, began)
	}
}

// row counts a row that is shown, or left out.
func (t *tally) row(r *observe.Recorder, shown bool) {
	if shown {
		t.rows++
	} else {
		t.filtered++
	}
	if t.rows+t.filtered >= flushEvery {
		t.flushOpened(r)
	}
}

func (t *tally) flushSealed(r *observe.Recorder) {
	r.Sealed(t.values, t.bytes)
	t.values, t.bytes = 0, 0
}

func (t *tally) flushOpened(r *observe.Recorder) {
	r.Opened(t.values, t.bytes)
	r.Rows(t.rows, t.filtered)
	t.values, t.bytes, t.rows, t.filtered = 0, 0, 0, 0
}

// outcomeOf says in a word what an error is, for counting.
func outcomeOf(err error) observe.Outcome {
	for _, c := range []struct {
		err  error
		word observe.Outcome
	}{
		{sealsql.ErrPartitionMissing, "partition_missing"},
		{sealsql.ErrPartitionMismatch, "partition_mismatch"},
		{sealsql.ErrTooLong, "too_long"},
		{sealsql.ErrCatalogChanged, "catalog_changed"},
		{sealsql.ErrSetup, "setup"},
		{sealsql.ErrCatalog, "catalog_denied"},
		{sealsql.ErrValue, "value"},
	} {
		if errors.Is(err, c.err) {
			return c.word
		}
	}
	return envelope.Outcome(err)
}

// refusal returns the reason of a refusal in a word; "" for other errors.
func refusal(err error) string {
	var u *rewrite.UnsupportedError
	switch {
	case errors.As(err, &u):
		return strings.ReplaceAll(u.Reason.String(), " ", "_")
	case errors.Is(err, sealsql.ErrSetup), errors.Is(err, sealsql.ErrCatalog),
		errors.Is(err, sealsql.ErrPartitionMissing), errors.Is(err, sealsql.ErrPartitionMismatch), errors.Is(err, sealsql.ErrTooLong):
		return outcomeOf(err)
	}
	return ""
}

// decided counts what was decided about a statement.
func (c *conn) decided(p *rewrite.Plan, err error) {
	switch {
	case err != nil:
		if why := refusal(err); why != "" {
			c.cr.rec.Refused(why)
		}
	case p.Pass:
		c.cr.rec.Passed()
	default:
		c.cr.rec.Planned()
	}
}

// notSealed counts a statement that was not sent because its values could not be
// sealed, or that was refused for them.
func (c *connector) notSealed(err error) {
	if why := refusal(err); why != "" {
		c.rec.Refused(why)
		return
	}
	c.rec.NotSealed(outcomeOf(err))
}

// newPlan asks the plan cache, and tells of plans that it did not have.
func (c *conn) newPlan(ctx context.Context, query string, o rewrite.Options) (*rewrite.Plan, error) {
	timed, ok := c.cr.plans.(interface {
		PlanTimed(string, rewrite.Catalog, *rewrite.Session, rewrite.Options) (*rewrite.Plan, time.Time, error)
	})
	if !ok {
		return c.cr.plans.Plan(query, c.view.catalog, &c.session.Plan, o)
	}
	p, began, err := timed.PlanTimed(query, c.view.catalog, &c.session.Plan, o)
	if !began.IsZero() {
		how := observe.OK
		if err != nil {
			how = observe.Refused
		}
		c.cr.rec.PlanMade(ctx, began, time.Since(began), how)
	}
	return p, err
}

// catalogRead counts a reading of the catalog, and warns where it failed. The
// error is of the driver's own queries: it holds names, and no value.
func (c *connector) catalogRead(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	c.rec.CatalogRead(err == nil)
	if err != nil {
		c.warn.Warn("sealsql: the database's catalog cannot be read; statements are refused until it can", "err", err)
	}
}

// statement tells observers of a call of database/sql, where one wants to hear
// of it; end is nil otherwise.
func (c *conn) statement(ctx context.Context, name, query string) (context.Context, func(error)) {
	wants, digests := c.cr.rec.WantsStatements()
	if !wants {
		return ctx, nil
	}
	digest := ""
	if digests {
		digest = c.digest(query)
	}
	ctx, end := c.cr.rec.StatementBegan(ctx, c.cr.front.Dialect().String(), name, digest)
	return ctx, func(err error) { end(statementOutcome(ctx, err)) }
}

func statementOutcome(ctx context.Context, err error) observe.Outcome {
	switch {
	case err == nil:
		return observe.OK
	case refusal(err) != "":
		return observe.Refused
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		return observe.Canceled
	}
	return observe.Failed
}

// digest names a text without its values: 64 bits of the SHA-256 of what is left
// when values, comments and quoted names are hidden. Empty where the text is not
// understood: nothing of it could be told from a value.
func (c *conn) digest(query string) (digest string) {
	defer func() {
		if recover() != nil { // an observer is no reason to fail
			digest = ""
		}
	}()
	var s rewrite.Session
	if c.session != nil {
		s = c.session.Plan
	}
	m := script.Mask(c.cr.front, query, &s, func(string) bool { return false })
	if m.Nothing() {
		return ""
	}
	sum := sha256.Sum256([]byte(m.Text))
	return hex.EncodeToString(sum[:8])
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	ctx, end := c.statement(ctx, "prepare", query)
	if end == nil {
		return c.prepareContext(ctx, query)
	}
	st, err := c.prepareContext(ctx, query)
	end(err)
	return st, err
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.again(args) {
		return nil, driver.ErrSkip
	}
	ctx, end := c.statement(ctx, "exec", query)
	if end == nil {
		if e := c.remembered(ctx, query, args); e != nil {
			return c.execShort(ctx, e, query, args)
		}
		return c.execContext(ctx, query, args)
	}
	res, err := c.execContext(ctx, query, args)
	end(err)
	return res, err
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.again(args) {
		return nil, driver.ErrSkip
	}
	ctx, end := c.statement(ctx, "query", query)
	if end == nil {
		if e := c.remembered(ctx, query, args); e != nil {
			return c.queryShort(ctx, e, query, args)
		}
		return c.queryContext(ctx, query, args)
	}
	rows, err := c.queryContext(ctx, query, args)
	end(err)
	return rows, err
}

// again reports whether the statement is planned and sealed where it will be
// run: in a prepared statement.
func (c *conn) again(args []driver.NamedValue) bool {
	return len(args) > 0 && !c.cr.nothing && c.cr.engine.AlwaysPrepares()
}

// ExecContext implements driver.StmtExecContext.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.c.cr.rec.Executed()
	ctx, end := s.c.statement(ctx, "exec", s.query)
	if end == nil {
		return s.execContext(ctx, args)
	}
	res, err := s.execContext(ctx, args)
	end(err)
	return res, err
}

// QueryContext implements driver.StmtQueryContext.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.c.cr.rec.Executed()
	ctx, end := s.c.statement(ctx, "query", s.query)
	if end == nil {
		return s.queryContext(ctx, args)
	}
	rows, err := s.queryContext(ctx, args)
	end(err)
	return rows, err
}

package driver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// A statement with rewrite.Plan.First is run in two steps inside one
// transaction: keys are looked up, and stand in the statement as constants. It
// is one statement, as the caller's is: what it counts, returns and undoes when
// it fails is what the server says.

// defaultMaxKeys is the number of rows that lookups of one statement may find
// where nothing else is configured.
const defaultMaxKeys = 10_000

// steps runs one such statement.
type steps struct {
	ctx   context.Context
	c     *conn
	first *rewrite.KeysFirst
	in    Input
	args  []driver.NamedValue // the caller's, by ordinal
	// prepared statements are run as such: on MySQL their protocol gives other
	// Go types.
	prepared bool
}

func (c *conn) steps(ctx context.Context, p *rewrite.Plan, in Input, prepared bool) (*steps, error) {
	x := &call{ctx: ctx, c: c, plan: p, in: in}
	if in.Refuse != "" {
		return nil, refusedOption(in.Refuse)
	}
	if err := x.resolve(); err != nil {
		return nil, err
	}
	return &steps{ctx: ctx, c: c, first: p.First, in: in, args: x.args, prepared: prepared}, nil
}

func refusedOption(name string) error {
	return &rewrite.UnsupportedError{
		Pos: -1, Reason: rewrite.ReasonParameters,
		Hint: name + " cannot be used with a statement that touches encrypted columns",
	}
}

func (s *steps) exec() (driver.Result, error) {
	end, err := s.begin()
	if err != nil {
		return nil, err
	}
	res, err := s.execMain()
	if endErr := end(err == nil); err == nil {
		err = endErr
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

func (s *steps) execMain() (driver.Result, error) {
	in, err := s.main()
	if err != nil {
		return nil, err
	}
	if !s.prepared {
		res, err := s.c.execInput(s.ctx, in, nil)
		if err != driver.ErrSkip {
			return res, err
		}
	}
	st, err := s.c.PrepareContext(s.ctx, in.Text)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	return st.(driver.StmtExecContext).ExecContext(s.ctx, in.Args)
}

// query leaves the transaction open until the rows are closed.
func (s *steps) query() (driver.Rows, error) {
	end, err := s.begin()
	if err != nil {
		return nil, err
	}
	rows, closing, err := s.queryMain()
	if err != nil {
		_ = end(false)
		return nil, err
	}
	return &endedRows{Rows: rows, end: func() error { return errors.Join(closing(), end(true)) }}, nil
}

func (s *steps) queryMain() (rows driver.Rows, closing func() error, err error) {
	in, err := s.main()
	if err != nil {
		return nil, nil, err
	}
	return s.send(in)
}

// send runs a query that is planned like any other. closing is called behind the
// rows.
func (s *steps) send(in Input) (rows driver.Rows, closing func() error, err error) {
	nothing := func() error { return nil }
	if !s.prepared {
		rows, err := s.c.queryInput(s.ctx, in, nil)
		if err != driver.ErrSkip {
			return rows, nothing, err
		}
	}
	st, err := s.c.PrepareContext(s.ctx, in.Text)
	if err != nil {
		return nil, nil, err
	}
	rows, err = st.(driver.StmtQueryContext).QueryContext(s.ctx, in.Args)
	if err != nil {
		_ = st.Close()
		return nil, nil, err
	}
	return rows, st.Close, nil
}

// main looks the keys up and returns the statement with them.
func (s *steps) main() (Input, error) {
	found := make([]rewrite.Found, len(s.first.Lookups))
	left := s.c.cr.maxKeys
	for i := range s.first.Lookups {
		f, err := s.lookUp(&s.first.Lookups[i], left)
		if err != nil {
			return Input{}, err
		}
		left -= len(f.Rows)
		found[i] = f
	}
	in := s.in
	partitions, err := s.partitions()
	if err != nil {
		return Input{}, err
	}
	in.Text, in.Args = s.first.Text(found, partitions), s.arguments(s.first.Args())
	in.Rewritten = true
	return in, nil
}

// partitions are those of the context as constants, for the tables that show no
// other rows.
func (s *steps) partitions() ([]string, error) {
	if len(s.first.Narrowed) == 0 {
		return nil, nil
	}
	out := make([]string, len(s.first.Narrowed))
	x := newCall(s.ctx, s.c, s.first.Main, s.in, s.prepared)
	defer x.release()
	for i, t := range s.first.Narrowed {
		v, err := x.partitionValue(&rewrite.Out{Value: rewrite.Value{Source: rewrite.FromContextPartition}, PartitionOf: t})
		if err != nil {
			return nil, err
		}
		if out[i], err = x.literal(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// arguments picks the caller's arguments by ordinal.
func (s *steps) arguments(of []int) []driver.NamedValue {
	out := make([]driver.NamedValue, len(of))
	for i, n := range of {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: s.args[n-1].Value}
	}
	return out
}

// lookUp finds the keys of at most so many rows.
func (s *steps) lookUp(l *rewrite.Lookup, most int) (f rewrite.Found, err error) {
	in := s.in
	in.Text, in.Args = l.Text, s.arguments(l.Args)
	x := newCall(s.ctx, s.c, l.Plan, in, s.prepared)
	defer x.release()
	text, args, err := x.outgoing()
	if err != nil {
		return f, err
	}
	rows, closing, err := s.lookup(l.Plan, text, args)
	x.executed(nil, err)
	if err != nil {
		return f, s.c.failed(l.Plan, err)
	}
	defer closing()
	opened, err := x.wrap(rows)
	if err != nil {
		return f, err
	}
	defer func() {
		if e := opened.Close(); err == nil {
			err = e
		}
	}()
	f.Null = len(x.patterns) > 0 && x.patterns[0].null
	row := make([]driver.Value, len(opened.Columns()))
	if len(row) != len(l.Keys) {
		return f, fmt.Errorf("%w: a lookup of keys has %d columns for %d", sealsql.ErrCatalogChanged, len(row), len(l.Keys))
	}
	for {
		err := opened.Next(row)
		switch {
		case err == io.EOF:
			return f, nil
		case err != nil:
			return f, err
		case len(f.Rows) == most:
			return f, tooMany(l.Column, s.c.cr.maxKeys)
		}
		key := make([]string, len(row))
		for i, v := range row {
			if key[i], err = s.c.keyConstant(&l.Keys[i], v); err != nil {
				return f, &sealsql.ColumnError{Column: l.Column, Op: "index", Err: err}
			}
		}
		f.Rows = append(f.Rows, key)
	}
}

func tooMany(column string, limit int) error {
	return &sealsql.ColumnError{
		Column: column, Op: "index", Err: sealsql.ErrTooManyRows,
		Hint: fmt.Sprintf("more than %d rows match, and their keys are looked up first; narrow the condition, or raise limits.lookup_keys", limit),
	}
}

// lookup sends a lookup that is sealed.
func (s *steps) lookup(p *rewrite.Plan, text string, args []driver.NamedValue) (rows driver.Rows, closing func(), err error) {
	if !s.prepared {
		rows, err := s.c.querySealed(s.ctx, p, text, args)
		if err != driver.ErrSkip {
			return rows, func() {}, err
		}
	}
	st, err := s.c.prepareInner(s.ctx, text)
	if err != nil {
		return nil, nil, err
	}
	if rows, err = innerStmtQuery(s.ctx, st, args); err != nil {
		_ = st.Close()
		return nil, nil, err
	}
	return rows, func() { _ = st.Close() }, nil
}

var errKeyValue = errors.New("a row has a key that no constant stands for (NULL, or a value of another type than its column)")

// keyConstant writes a column of a key as a constant.
func (c *conn) keyConstant(k *rewrite.KeyColumn, v driver.Value) (string, error) {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case string:
		return c.keyText(k, v)
	case []byte:
		if v == nil {
			break
		}
		if k.Binary || c.cr.front.Dialect() == rewrite.SQLite {
			return c.cr.front.BytesLiteral(v), nil
		}
		return c.keyText(k, string(v))
	}
	return "", errKeyValue
}

func (c *conn) keyText(k *rewrite.KeyColumn, v string) (string, error) {
	if !k.Number {
		return c.cr.front.StringLiteral(v), nil
	}
	if _, err := strconv.ParseInt(v, 10, 64); err == nil {
		return v, nil
	}
	if _, err := strconv.ParseUint(v, 10, 64); err == nil {
		return v, nil
	}
	return "", errKeyValue
}

// begin opens the transaction of the statement where none is open. What it
// returns ends it.
func (s *steps) begin() (func(ok bool) error, error) {
	c := s.c
	switch {
	case c.manual:
		return nil, errManual
	case c.inTx:
		return func(bool) error { return nil }, nil
	}
	if err := c.autocommits(s.ctx); err != nil {
		return nil, err
	}
	end, err := c.beginStep(s.ctx, s.first.Locks)
	if err != nil {
		return nil, err
	}
	c.inTx, c.txVersion = true, c.cr.cats.version.Load()
	return func(ok bool) error {
		defer func() {
			c.settled()
			c.losesAll()
		}()
		return end(ok)
	}, nil
}

var errManual = &rewrite.UnsupportedError{
	Pos: -1, Reason: rewrite.ReasonStatement,
	Hint: "the statement is run in two steps, and whether a transaction is open cannot be told, since it was begun or ended by SQL text; use (*sql.DB).BeginTx",
}

// autocommits refuses connections that are in a transaction at all times.
func (c *conn) autocommits(ctx context.Context) error {
	if c.cr.front.Dialect() != rewrite.MySQL {
		return nil
	}
	on := false
	err := c.reader().Query(ctx, "SELECT @@autocommit", nil, func(r Row) error {
		on = r.Bool(0)
		return nil
	})
	if err == nil && !on {
		err = errManual
	}
	return err
}

// beginStep begins a transaction in which both steps see the same rows: those of
// one snapshot where they are only read, and the locked ones where they are
// changed. SQLite has both by a transaction; one that writes takes its lock at
// once, as it could not get it later if somebody else had written.
func (c *conn) beginStep(ctx context.Context, locks bool) (end func(ok bool) error, err error) {
	if c.cr.front.Dialect() == rewrite.SQLite {
		text := "BEGIN"
		if locks {
			text = "BEGIN IMMEDIATE"
		}
		if _, err := c.exec(ctx, text, nil); err != nil {
			return nil, err
		}
		return c.endSQLite, nil
	}
	opts := driver.TxOptions{}
	if !locks {
		opts.Isolation = driver.IsolationLevel(sql.LevelRepeatableRead)
	}
	tx, err := innerBegin(ctx, c.inner, opts)
	if err != nil {
		return nil, err
	}
	return func(ok bool) error {
		if ok {
			return tx.Commit()
		}
		return tx.Rollback()
	}, nil
}

// endSQLite ends a transaction also where the statement's context has ended.
func (c *conn) endSQLite(ok bool) error {
	ctx := context.Background()
	if ok {
		_, err := c.exec(ctx, "COMMIT", nil)
		if err == nil {
			return nil
		}
		_, _ = c.exec(ctx, "ROLLBACK", nil)
		return err
	}
	_, err := c.exec(ctx, "ROLLBACK", nil)
	return err
}

// transacted notes what a text has done to the transaction.
func (c *conn) transacted(t rewrite.Transacts) {
	switch t {
	case rewrite.TransactsInside:
		c.manual = c.manual || !c.inTx
	case rewrite.TransactsEnd:
		c.manual = c.inTx
	case rewrite.TransactsAnything:
		c.manual = true
	}
}

package driver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// The functions of this file call an inner driver as database/sql itself
// would, with the same fall-backs for drivers without the interfaces that take
// a context.

var errNamed = errors.New("sql: driver does not support the use of Named Parameters")

func innerPrepare(ctx context.Context, c driver.Conn, query string) (driver.Stmt, error) {
	if p, ok := c.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	st, err := c.Prepare(query)
	if err == nil && ctx.Err() != nil {
		st.Close()
		return nil, ctx.Err()
	}
	return st, err
}

func innerExec(ctx context.Context, c driver.Conn, query string, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := c.(driver.ExecerContext); ok {
		return e.ExecContext(ctx, query, args)
	}
	//lint:ignore SA1019 the inner driver may know no other
	e, ok := c.(driver.Execer)
	if !ok {
		return nil, driver.ErrSkip
	}
	vals, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	return e.Exec(query, vals)
}

func innerQuery(ctx context.Context, c driver.Conn, query string, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := c.(driver.QueryerContext); ok {
		return q.QueryContext(ctx, query, args)
	}
	//lint:ignore SA1019 the inner driver may know no other
	q, ok := c.(driver.Queryer)
	if !ok {
		return nil, driver.ErrSkip
	}
	vals, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	return q.Query(query, vals)
}

func innerStmtExec(ctx context.Context, s driver.Stmt, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := s.(driver.StmtExecContext); ok {
		return e.ExecContext(ctx, args)
	}
	vals, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 the inner driver may know no other
	return s.Exec(vals)
}

func innerStmtQuery(ctx context.Context, s driver.Stmt, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := s.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, args)
	}
	vals, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 the inner driver may know no other
	return s.Query(vals)
}

func innerBegin(ctx context.Context, c driver.Conn, opts driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	if sql.IsolationLevel(opts.Isolation) != sql.LevelDefault {
		return nil, errors.New("sql: driver does not support non-default isolation level")
	}
	if opts.ReadOnly {
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	//lint:ignore SA1019 the inner driver may know no other
	tx, err := c.Begin()
	if err == nil && ctx.Err() != nil {
		_ = tx.Rollback()
		return nil, ctx.Err()
	}
	return tx, err
}

// positional converts arguments for drivers that know no names.
func positional(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	vals := make([]driver.Value, len(args))
	for i, a := range args {
		if a.Name != "" {
			return nil, errNamed
		}
		vals[i] = a.Value
	}
	return vals, ctx.Err()
}

// named converts the arguments of the interfaces without context.
func named(vals []driver.Value) []driver.NamedValue {
	args := make([]driver.NamedValue, len(vals))
	for i, v := range vals {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return args
}

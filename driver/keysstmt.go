package driver

import (
	"context"
	"database/sql/driver"
	"reflect"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

var (
	_ driver.Stmt              = (*keysStmt)(nil)
	_ driver.StmtExecContext   = (*keysStmt)(nil)
	_ driver.StmtQueryContext  = (*keysStmt)(nil)
	_ driver.NamedValueChecker = (*keysStmt)(nil)

	_ driver.Rows                           = (*endedRows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*endedRows)(nil)
	_ driver.RowsColumnTypeLength           = (*endedRows)(nil)
	_ driver.RowsColumnTypeNullable         = (*endedRows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*endedRows)(nil)
	_ driver.RowsColumnTypeScanType         = (*endedRows)(nil)
)

// keysStmt is a prepared statement that is run in two steps, or whose rows the
// driver sorts: nothing of it is prepared ahead, for what is sent has another
// text, which may differ with the keys that are found.
type keysStmt struct {
	c      *conn
	query  string
	params int
}

func (s *keysStmt) Close() error { return nil }

// NumInput is the number of the caller's arguments.
func (s *keysStmt) NumInput() int {
	if s.c.cr.front.Dialect() == rewrite.SQLite {
		return -1 // named arguments may be more
	}
	return s.params
}

func (s *keysStmt) CheckNamedValue(nv *driver.NamedValue) error { return s.c.CheckNamedValue(nv) }

func (s *keysStmt) Exec(vals []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(vals))
}

func (s *keysStmt) Query(vals []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(vals))
}

func (s *keysStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (_ driver.Result, err error) {
	defer s.c.guard(&err)
	p, in, err := s.plan(ctx, args)
	if err != nil {
		return nil, err
	}
	if p.Sorted != nil { // nobody sees the rows
		rows, err := s.c.querySorted(ctx, p, in, true)
		if err != nil {
			return nil, err
		}
		return driver.RowsAffected(0), rows.Close()
	}
	st, err := s.c.steps(ctx, p, in, true)
	if err != nil {
		return nil, err
	}
	return st.exec()
}

func (s *keysStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (_ driver.Rows, err error) {
	defer s.c.guard(&err)
	p, in, err := s.plan(ctx, args)
	if err != nil {
		return nil, err
	}
	if p.Sorted != nil {
		return s.c.querySorted(ctx, p, in, true)
	}
	st, err := s.c.steps(ctx, p, in, true)
	if err != nil {
		return nil, err
	}
	return st.query()
}

// plan plans the statement again, as the tables are now.
func (s *keysStmt) plan(ctx context.Context, args []driver.NamedValue) (*rewrite.Plan, Input, error) {
	in := Input{Text: s.query, Args: args}
	p, err := s.c.planAny(ctx, s.query, rewrite.Options{HasArgs: true, Prepare: true})
	if err != nil {
		return nil, in, err
	}
	if p.First == nil && p.Sorted == nil {
		return nil, in, sealsql.ErrCatalogChanged // another configuration or other tables: prepare it anew
	}
	return p, in, nil
}

// endedRows do something when they are closed, once.
type endedRows struct {
	driver.Rows
	end func() error
}

func (r *endedRows) Close() error {
	err := r.Rows.Close()
	if r.end != nil {
		if endErr := r.end(); err == nil {
			err = endErr
		}
		r.end = nil
	}
	return err
}

func (r *endedRows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

func (r *endedRows) ColumnTypeLength(i int) (int64, bool) {
	if t, ok := r.Rows.(driver.RowsColumnTypeLength); ok {
		return t.ColumnTypeLength(i)
	}
	return 0, false
}

func (r *endedRows) ColumnTypeNullable(i int) (nullable, ok bool) {
	if t, ok := r.Rows.(driver.RowsColumnTypeNullable); ok {
		return t.ColumnTypeNullable(i)
	}
	return false, false
}

func (r *endedRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	if t, ok := r.Rows.(driver.RowsColumnTypePrecisionScale); ok {
		return t.ColumnTypePrecisionScale(i)
	}
	return 0, 0, false
}

func (r *endedRows) ColumnTypeScanType(i int) reflect.Type {
	if t, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}

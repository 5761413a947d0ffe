package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strconv"

	"github.com/sealsql/sealsql/rewrite"
)

// Reader runs the driver's own queries on a connection, past planning. It is
// not safe for concurrent use, like the connection itself.
type Reader struct {
	inner driver.Conn
	temps []rewrite.RelationID
	first bool
}

// NewReader returns a Reader on an inner driver's connection.
func NewReader(inner driver.Conn) *Reader { return &Reader{inner: inner} }

// Conn returns the inner driver's connection.
func (r *Reader) Conn() driver.Conn { return r.inner }

// First reports whether the connection's session is read for the first time, before
// any statement that is planned.
func (r *Reader) First() bool { return r.first }

// Temporary returns the names of temporary tables that statements of this
// connection were seen to create, for engines whose catalog does not show them.
// They may be gone again.
func (r *Reader) Temporary() []rewrite.RelationID { return r.temps }

// Query runs one query and calls row for each of its rows. The slice and what
// it holds are valid during the call only. Errors of the inner driver come
// back as they are.
func (r *Reader) Query(ctx context.Context, query string, args []driver.NamedValue, row func(Row) error) error {
	rows, err := innerQuery(ctx, r.inner, query, args)
	if errors.Is(err, driver.ErrSkip) {
		return r.prepared(ctx, query, args, row)
	}
	if err != nil {
		return err
	}
	return drain(rows, row)
}

func (r *Reader) prepared(ctx context.Context, query string, args []driver.NamedValue, row func(Row) error) error {
	st, err := innerPrepare(ctx, r.inner, query)
	if err != nil {
		return err
	}
	defer st.Close()
	rows, err := innerStmtQuery(ctx, st, args)
	if err != nil {
		return err
	}
	return drain(rows, row)
}

func drain(rows driver.Rows, row func(Row) error) (err error) {
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	vals := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(vals); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := row(vals); err != nil {
			return err
		}
	}
}

// Row is one row of a Reader's query.
type Row []driver.Value

// Text returns column i as text; NULL is "".
func (r Row) Text(i int) string {
	switch v := r[i].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// Null reports whether column i is NULL.
func (r Row) Null(i int) bool { return r[i] == nil }

// Int returns column i as a number; NULL and what is no number are 0.
func (r Row) Int(i int) int64 {
	switch v := r[i].(type) {
	case int64:
		return v
	case uint64:
		return int64(v)
	}
	n, _ := strconv.ParseInt(r.Text(i), 10, 64)
	return n
}

// Bool returns column i as a truth value in the engines' spellings.
func (r Row) Bool(i int) bool {
	switch v := r.Text(i); v {
	case "true", "t", "1", "YES", "yes":
		return true
	}
	return false
}

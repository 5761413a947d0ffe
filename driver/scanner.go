//go:build go1.27

package driver

import (
	"database/sql"
	"database/sql/driver"
	"io"
	"reflect"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

var _ driver.RowsColumnScanner = (*scannerRows)(nil)

// scannerRows are rows whose inner ones scan columns themselves. As of Go 1.27
// database/sql then calls NextRow and ScanColumn in place of Next: columns that
// pass are scanned by the inner driver, and opened ones are converted from
// their opened value. A record never reaches the caller's variables.
type scannerRows struct {
	*rows
	inner driver.RowsColumnScanner
	// wanted are the inner columns whose values are needed to open the row, and
	// values are those of the current row by inner column.
	wanted []int
	opens  []bool
	values []driver.Value
	// early is the outcome of a row that was read before it was asked for.
	early   error
	isEarly bool
}

// scanning returns the rows for database/sql: with the inner driver's way of
// scanning, where it has one.
func scanning(r *rows) driver.Rows {
	inner, ok := r.inner.(driver.RowsColumnScanner)
	if !ok || r.defaults != nil {
		return r
	}
	n := len(inner.Columns())
	s := &scannerRows{rows: r, inner: inner, opens: make([]bool, n), values: make([]driver.Value, n)}
	need := make([]bool, n)
	for i := range r.opener.columns {
		col := &r.opener.columns[i]
		s.opens[col.at], need[col.at] = true, true
		for _, v := range col.verified {
			need[v.cell] = true
		}
		for j := range col.groups {
			if at := col.groups[j].from; at >= 0 {
				need[at] = true
			}
			if row := col.groups[j].row; row.bound && row.from >= 0 {
				need[row.from] = true
			}
		}
	}
	for at, is := range need {
		if is {
			s.wanted = append(s.wanted, at)
		}
	}
	// What describes columns by the first row reads it through s.
	r.peeker = s.peekRow
	return s
}

// NextRow goes on to the next row and opens its records.
func (s *scannerRows) NextRow() error {
	if s.isEarly {
		s.isEarly = false
		return s.early
	}
	return s.nextRow()
}

func (s *scannerRows) nextRow() error {
	s.begun = true
	if s.opener == nil { // closed
		return io.EOF
	}
	for {
		s.opener.noRow()
		clear(s.values)
		if s.limit.ended() {
			return io.EOF
		}
		if err := s.inner.NextRow(); err != nil {
			return err
		}
		for _, at := range s.wanted {
			var v any // is given what Next would give
			if err := s.inner.ScanColumn(driver.ScanContext{}, at, &v); err != nil {
				return err
			}
			s.values[at] = v
		}
		if err := s.opener.row(s.values); err != nil {
			clear(s.values)
			return err
		}
		if !s.opener.out && !s.limit.skips() {
			return nil
		}
		if err := s.inVain(s.values, nil); err != nil {
			return err
		}
	}
}

func (s *scannerRows) peekRow() {
	if !s.begun {
		s.early, s.isEarly = s.nextRow(), true
	}
}

// Next is for callers that are not database/sql.
func (s *scannerRows) Next(dest []driver.Value) error {
	if !s.isEarly {
		return s.rows.Next(dest)
	}
	s.isEarly = false
	if s.early != nil {
		return s.early
	}
	for i := range s.names {
		var v any
		if err := s.ScanColumn(driver.ScanContext{}, i, &v); err != nil {
			clear(dest)
			return err
		}
		dest[i] = v
	}
	return nil
}

// ScanColumn copies a column of the current row into a variable.
func (s *scannerRows) ScanColumn(ctx driver.ScanContext, i int, dest any) error {
	if i < 0 || i >= len(s.names) {
		return io.ErrUnexpectedEOF
	}
	at := i
	if s.visible != nil {
		at = s.visible[i]
	}
	if !s.opens[at] {
		return s.inner.ScanColumn(ctx, at, dest)
	}
	if s.opener == nil { // closed
		return io.EOF
	}
	if into, ok := s.opener.codec.(logical.IntoScanner); ok && !isNilPointer(dest) {
		if t := s.typeOf(i); into.ScansInto(t, reflect.TypeOf(dest)) {
			return scanInto(into, t, s.values[at], dest)
		}
	}
	return sql.ConvertAssign(ctx, dest, s.values[at])
}

func scanInto(into logical.IntoScanner, t *schema.Type, v driver.Value, dest any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = rewrite.Fault(r)
		}
	}()
	return into.ScanInto(t, v, dest)
}

func (s *scannerRows) typeOf(i int) *schema.Type {
	_, t := s.column(i)
	return t
}

func isNilPointer(dest any) bool {
	v := reflect.ValueOf(dest)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

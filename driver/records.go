package driver

import (
	"context"
	"database/sql/driver"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// RecordEngine is an Engine that has rows which give records where the inner driver
// received them, in place of a copy of each.
type RecordEngine interface {
	Engine
	// QueryRecords is QueryContext of the inner connection, and of the statements that it
	// has prepared, by their text. ok is false, and nothing
	// was sent, where the rows cannot be had.
	QueryRecords(ctx context.Context, inner driver.Conn, text string, args []driver.NamedValue) (rows RecordRows, ok bool, err error)
}

// RecordRows are rows as the inner driver's, but for the columns that are asked for
// before the first row.
type RecordRows interface {
	driver.Rows
	// Records makes Next leave a column nil, for Record. It is false, and the column as
	// any, where its values are not received as they are.
	Records(at int) bool
	// Record is the value of such a column in the current row, until the next; nil for
	// NULL.
	Record(at int) []byte
}

// records are the columns of a result that are read by RecordRows.
type records struct {
	rows RecordRows
	// columns has a bit for each of the first 64 columns of the opener.
	columns uint64
}

// of asks for the columns whose values are records, each of one partition.
func (r *records) of(o *opener, inner driver.Rows) {
	rows, ok := inner.(RecordRows)
	if !ok || o.memory.codec == nil {
		return
	}
	r.rows = rows
	for i := range o.columns[:min(len(o.columns), 64)] {
		col := &o.columns[i]
		if len(col.groups) == 1 && col.groups[0].asherah == nil && isBinary(col.cols) && rows.Records(col.at) {
			r.columns |= 1 << i
		}
	}
}

func isBinary(cols []*schema.Column) bool {
	for _, c := range cols {
		if c.Carrier != schema.CarrierBinary {
			return false
		}
	}
	return true
}

// has reports whether column i of the opener is read as a record.
func (r *records) has(i int) bool { return i < 64 && r.columns&(1<<i) != 0 }

// maxShared is how long the values of a row are that share memory: a program that
// keeps one of them keeps all.
const maxShared = 1 << 10

// room is the memory for the value of a record of the current row.
func (r *records) room(o *opener, rec []byte) []byte {
	if o.memory.row != nil {
		return o.memory.row
	}
	n := 0
	for i := range o.columns {
		if r.has(i) {
			n += max(0, len(r.rows.Record(o.columns[i].at))-envelope.MinOverhead)
		}
	}
	if n > maxShared {
		return make([]byte, max(0, len(rec)-envelope.MinOverhead))
	}
	o.memory.row = make([]byte, n)
	return o.memory.row
}

// queryRecords sends a planned text whose rows are opened.
func (c *conn) queryRecords(ctx context.Context, p *rewrite.Plan, text string, args []driver.NamedValue) (driver.Rows, error) {
	if rows, ok, err := c.records(ctx, p, text, args); ok {
		return rows, err
	}
	return c.query(ctx, text, args)
}

// queryRecords runs the prepared statement, which is the inner connection's for its
// text.
func (s *stmt) queryRecords(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if rows, ok, err := s.c.records(ctx, s.plan, s.c.preparedText(s.plan), args); ok {
		return rows, err
	}
	return innerStmtQuery(ctx, s.inner, args)
}

func (c *conn) records(ctx context.Context, p *rewrite.Plan, text string, args []driver.NamedValue) (driver.Rows, bool, error) {
	if c.cr.records == nil || p.Results == nil || p.Sets != nil {
		return nil, false, nil
	}
	rows, ok, err := c.cr.records.QueryRecords(ctx, c.inner, text, args)
	if !ok || err != nil {
		return nil, ok, err
	}
	return rows, true, nil
}

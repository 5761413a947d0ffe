//go:build !go1.27

package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/logical/pgvalue"
)

// As of Go 1.27 pgx's rows scan columns themselves (driver.RowsColumnScanner), which
// these do not: there, records are read as other values are.
var _ sealdriver.RecordEngine = (*engine)(nil)

// QueryRecords is QueryContext of pgx's database/sql driver, with rows that do not copy
// records. Where bytea is read by another codec than pgx's own there are none.
func (e *engine) QueryRecords(ctx context.Context, inner driver.Conn, text string, args []driver.NamedValue) (sealdriver.RecordRows, bool, error) {
	if !e.Fresh(inner) {
		return nil, false, nil
	}
	c := inner.(*stdlib.Conn).Conn()
	if c.IsClosed() {
		return nil, true, driver.ErrBadConn
	}
	out := make([]any, 1+len(args))
	out[0] = formats
	for i := range args {
		out[i+1] = args[i].Value
	}
	rows, err := c.Query(ctx, text, out...)
	if err != nil {
		if pgconn.SafeToRetry(err) {
			return nil, true, driver.ErrBadConn
		}
		return nil, true, err
	}
	more := rows.Next() // before it there are no columns
	if err := rows.Err(); err != nil {
		rows.Close()
		return nil, true, err
	}
	r := &recordRows{rows: rows, types: c.TypeMap(), fields: rows.FieldDescriptions(), isFirst: true, more: more}
	r.cells = make([]cell, len(r.fields))
	return r, true, nil
}

// formats are the types whose values are asked for in the binary format.
var formats = pgx.QueryResultFormatsByOID{
	pgtype.BoolOID: 1, pgtype.ByteaOID: 1, pgtype.CIDOID: 1, pgtype.DateOID: 1, pgtype.Float4OID: 1, pgtype.Float8OID: 1,
	pgtype.Int2OID: 1, pgtype.Int4OID: 1, pgtype.Int8OID: 1, pgtype.OIDOID: 1, pgtype.TimestampOID: 1, pgtype.TimestamptzOID: 1, pgtype.XIDOID: 1,
}

// recordRows are the rows of pgx's database/sql driver, but for records. They make one
// piece of memory for all columns' ways of reading, where those make three a column.
type recordRows struct {
	rows   pgx.Rows
	types  *pgtype.Map
	fields []pgconn.FieldDescription
	names  []string
	cells  []cell
	values [][]byte // of the current row, as received
	// isFirst: the first row was read when the query was sent, and more is what Next said.
	isFirst, more, begun bool
	into                 destination
}

// cell is how a column is read.
type cell struct {
	plan   pgtype.ScanPlan
	record bool
}

// destination is what values are scanned into before they are a driver.Value.
type destination struct {
	boolean   bool
	bytes     []byte
	unsigned  pgtype.Uint32
	date      pgtype.Date
	single    float32
	double    float64
	small     int16
	integer   int32
	big       int64
	timestamp pgtype.Timestamp
	instant   pgtype.Timestamptz
	text      string
}

func (r *recordRows) Records(at int) bool {
	f := &r.fields[at]
	if r.begun || f.DataTypeOID != pgtype.ByteaOID || f.Format != pgtype.BinaryFormatCode {
		return false
	}
	r.cells[at].record = true
	return true
}

func (r *recordRows) Record(at int) []byte { return r.values[at] }

func (r *recordRows) Columns() []string {
	if r.names == nil {
		r.names = make([]string, len(r.fields))
		for i := range r.fields {
			r.names[i] = r.fields[i].Name
		}
	}
	return r.names
}

func (r *recordRows) Close() error {
	r.rows.Close()
	return r.rows.Err()
}

func (r *recordRows) Next(dest []driver.Value) error {
	if !r.begun {
		r.begun = true
		r.plan()
	}
	more := r.more
	if r.isFirst {
		r.isFirst = false
	} else {
		more = r.rows.Next()
	}
	if !more {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	r.values = r.rows.RawValues()
	for i, src := range r.values {
		if dest[i] = nil; src == nil || r.cells[i].record {
			continue
		}
		v, err := r.value(i, src)
		if err != nil {
			return fmt.Errorf("convert field %d failed: %w", i, err)
		}
		dest[i] = v
	}
	return nil
}

// plan asks pgx how to read each column.
func (r *recordRows) plan() {
	for i := range r.fields {
		if c, f := &r.cells[i], &r.fields[i]; !c.record {
			c.plan = r.types.PlanScan(f.DataTypeOID, f.Format, r.target(f.DataTypeOID))
		}
	}
}

// target is what pgx's database/sql driver scans a type into.
func (r *recordRows) target(oid uint32) any {
	d := &r.into
	switch oid {
	case pgtype.BoolOID:
		return &d.boolean
	case pgtype.ByteaOID, pgtype.JSONOID, pgtype.JSONBOID, pgtype.XMLOID:
		return &d.bytes
	case pgtype.CIDOID, pgtype.OIDOID, pgtype.XIDOID:
		return &d.unsigned
	case pgtype.DateOID:
		return &d.date
	case pgtype.Float4OID:
		return &d.single
	case pgtype.Float8OID:
		return &d.double
	case pgtype.Int2OID:
		return &d.small
	case pgtype.Int4OID:
		return &d.integer
	case pgtype.Int8OID:
		return &d.big
	case pgtype.TimestampOID:
		return &d.timestamp
	case pgtype.TimestamptzOID:
		return &d.instant
	}
	return &d.text
}

// value is what pgx's database/sql driver makes of a value that is not NULL.
func (r *recordRows) value(i int, src []byte) (driver.Value, error) {
	d, oid := &r.into, r.fields[i].DataTypeOID
	d.bytes = nil
	if err := r.cells[i].plan.Scan(src, r.target(oid)); err != nil {
		return nil, err
	}
	switch oid {
	case pgtype.BoolOID:
		return d.boolean, nil
	case pgtype.ByteaOID, pgtype.JSONOID, pgtype.JSONBOID, pgtype.XMLOID:
		return d.bytes, nil
	case pgtype.CIDOID, pgtype.OIDOID, pgtype.XIDOID:
		return d.unsigned.Value()
	case pgtype.DateOID:
		return d.date.Value()
	case pgtype.Float4OID:
		return float64(d.single), nil
	case pgtype.Float8OID:
		return d.double, nil
	case pgtype.Int2OID:
		return int64(d.small), nil
	case pgtype.Int4OID:
		return int64(d.integer), nil
	case pgtype.Int8OID:
		return d.big, nil
	case pgtype.TimestampOID:
		return d.timestamp.Value()
	case pgtype.TimestamptzOID:
		return d.instant.Value()
	}
	return d.text, nil
}

func (r *recordRows) ColumnTypeDatabaseTypeName(i int) string {
	oid := r.fields[i].DataTypeOID
	if t, ok := r.types.TypeForOID(oid); ok {
		return strings.ToUpper(t.Name)
	}
	return strconv.FormatInt(int64(oid), 10)
}

// varHeader is what a type modifier counts besides the length (VARHDRSZ).
const varHeader = 4

func (r *recordRows) ColumnTypeLength(i int) (int64, bool) {
	f := &r.fields[i]
	switch f.DataTypeOID {
	case pgtype.TextOID, pgtype.ByteaOID:
		return math.MaxInt64, true
	case pgtype.VarcharOID, pgtype.BPCharOID:
		return int64(f.TypeModifier - varHeader), true
	case pgtype.VarbitOID:
		return int64(f.TypeModifier), true
	}
	return 0, false
}

func (r *recordRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	f := &r.fields[i]
	if f.DataTypeOID != pgtype.NumericOID {
		return 0, 0, false
	}
	mod := f.TypeModifier - varHeader
	return int64(mod >> 16 & 0xffff), int64(mod & 0xffff), true
}

func (r *recordRows) ColumnTypeScanType(i int) reflect.Type {
	return pgvalue.ScanType(r.fields[i].DataTypeOID)
}

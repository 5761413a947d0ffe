package driver

import (
	"database/sql/driver"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

var (
	_ driver.Rows                           = (*rows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*rows)(nil)
	_ driver.RowsColumnTypeLength           = (*rows)(nil)
	_ driver.RowsColumnTypeNullable         = (*rows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*rows)(nil)
	_ driver.RowsColumnTypeScanType         = (*rows)(nil)
)

// rows opens the records of an inner result as its rows are read.
//
// It is never a driver.RowsNextResultSet: its plan describes one result (see
// scriptRows for texts with several statements). It is no
// driver.RowsColumnScanner (Go 1.27) by itself: see scannerRows.
type rows struct {
	inner driver.Rows
	plan  *rewrite.Plan
	// opener is nil once the rows are closed and lent is set: it is another result's
	// then.
	opener *opener
	lent   *conn
	names  []string
	// visible maps shown columns to inner ones and row is an inner row; both
	// are nil where no column is hidden.
	visible []int
	row     []driver.Value
	// ahead is the first row where it was read before it was asked for.
	ahead *firstRow
	begun bool
	limit *limit
	scan  *scan
	// peeker reads the first row where that is not done by Next; may be nil.
	peeker func()
	// stmt is the inner statement that lives as long as the rows; may be nil.
	stmt driver.Stmt
	// kept is the compiled statement that is busy until the rows are closed; may be
	// nil.
	kept *keptStatement
	// reads is what will be recorded of the rows; nil for nothing.
	reads *trail
	// defaults puts defaults into texts of the catalog; nil for other results.
	defaults *strings.Replacer
}

// firstRow is an outcome of Next that waits to be asked for.
type firstRow struct {
	dest []driver.Value
	err  error
}

// wrap returns the rows that the caller sees.
func (x *call) wrap(inner driver.Rows) (driver.Rows, error) {
	if x.plan.Sets != nil {
		return x.wrapScript(inner)
	}
	if x.plan.Results == nil && !x.plan.Defaults {
		return inner, nil
	}
	if len(inner.Columns()) == 0 {
		return noColumns{inner}, nil
	}
	if x.plan.Results == nil {
		p := *x.plan
		p.Results = make([]rewrite.Open, len(inner.Columns()))
		x.plan = &p
	}
	r, err := x.rows(inner)
	if err != nil {
		_ = inner.Close()
		return nil, err
	}
	r.lent = x.c
	return scanning(r), nil
}

func (x *call) rows(inner driver.Rows) (*rows, error) {
	names := inner.Columns()
	if len(names) != len(x.plan.Results) {
		x.c.cr.cats.invalidate()
		return nil, fmt.Errorf("%w: the result has %d columns and the plan %d", sealsql.ErrCatalogChanged, len(names), len(x.plan.Results))
	}
	for i, label := range x.plan.Labels {
		if label != "" && label != names[i] && !strings.EqualFold(label, names[i]) {
			x.c.cr.cats.invalidate()
			return nil, fmt.Errorf("%w: column %d of the result is not the planned one", sealsql.ErrCatalogChanged, i+1)
		}
	}
	r := &rows{inner: inner, plan: x.plan, opener: x.c.idle, limit: x.limit, scan: x.scanned(), reads: x.reading()}
	if x.c.idle = nil; r.opener == nil {
		r.opener = new(opener)
	}
	if err := x.opener(r.opener); err != nil {
		return nil, err
	}
	r.opener.records.of(r.opener, inner)
	r.shape(names)
	if x.plan.Defaults {
		r.defaults = rewrite.DefaultsShown(x.c.cr.front.Dialect(), x.c.session.Plan.MariaDB, x.c.cr.cats.annotations)
	}
	return r, nil
}

// shape finds out which columns are shown under which names.
func (r *rows) shape(names []string) {
	if s := r.opener.shape; s != nil && s.same {
		r.names = names
		return
	}
	p := r.plan
	hidden := hides(p)
	if !hidden && !renames(p.ResultNames, names) {
		r.names = names
		return
	}
	r.names = make([]string, 0, len(names))
	for i, name := range names {
		if p.Results[i].Hidden {
			continue
		}
		if i < len(p.ResultNames) && p.ResultNames[i] != "" {
			name = p.ResultNames[i]
		}
		r.names = append(r.names, name)
		if hidden {
			r.visible = append(r.visible, i)
		}
	}
	if hidden {
		r.row = make([]driver.Value, len(names))
	}
}

func renames(want, have []string) bool {
	for i, w := range want {
		if w != "" && i < len(have) && w != have[i] {
			return true
		}
	}
	return false
}

func (r *rows) Columns() []string { return r.names }

// lend makes a statement busy for as long as the rows are open.
func (r *rows) lend(k *keptStatement) { r.kept = k }

// hold makes a statement live as long as the rows.
func (r *rows) hold(s driver.Stmt) { r.stmt = s }

func (r *rows) Close() error {
	if r.opener != nil {
		r.closeOpener()
	}
	err := r.inner.Close()
	if r.kept != nil {
		r.kept.done(err)
		r.kept, r.inner = nil, closed{r.inner}
	}
	if r.stmt != nil {
		if closeErr := r.stmt.Close(); err == nil {
			err = closeErr
		}
		r.stmt = nil
	}
	return err
}

// closeOpener wipes what was opened. The connection's next result uses the opener's
// memory.
func (r *rows) closeOpener() {
	o := r.opener
	if r.reads != nil {
		r.reads.record(o.ctx, o.audit)
		r.reads = nil
	}
	o.close()
	if r.lent != nil {
		*o = opener{}
		r.lent.idle, r.lent, r.opener = o, nil, nil
	}
}

// Next reads a row. Opened values are in memory of their own, but for []byte on
// MySQL, which are valid until the next call, as the inner driver's; NULL stays nil.
// After an error dest holds nothing of the row.
func (r *rows) Next(dest []driver.Value) error {
	if a := r.ahead; a != nil {
		r.ahead = nil
		copy(dest, a.dest)
		return a.err
	}
	return r.next(dest)
}

func (r *rows) next(dest []driver.Value) error {
	r.begun = true
	if r.opener == nil { // closed
		return io.EOF
	}
	r.opener.noRow()
	row := dest
	if r.row != nil {
		row = r.row
	}
	for {
		if r.limit.ended() {
			return io.EOF
		}
		if err := r.inner.Next(row); err != nil {
			return err
		}
		if err := r.opener.row(row); err != nil {
			clear(row)
			clear(dest)
			return err
		}
		if !r.opener.out && !r.limit.skips() {
			break
		}
		if err := r.inVain(row, dest); err != nil {
			return err
		}
		r.opener.noRow()
	}
	for i, at := range r.visible {
		dest[i] = row[at]
	}
	if r.defaults != nil {
		showDefaults(r.defaults, dest)
	}
	if r.reads != nil {
		r.reads.rows++
	}
	return nil
}

// showDefaults puts the defaults of encrypted columns where the catalog was asked for
// their marks.
func showDefaults(by *strings.Replacer, row []driver.Value) {
	for i := range row {
		switch v := row[i].(type) {
		case string:
			row[i] = by.Replace(v)
		case []byte:
			if v != nil {
				row[i] = []byte(by.Replace(string(v)))
			}
		}
	}
}

// inVain counts a row that was opened and is left out.
func (r *rows) inVain(row, dest []driver.Value) error {
	if !r.opener.out {
		return nil
	}
	err := r.scan.left()
	if err != nil {
		clear(row)
		clear(dest)
	}
	return err
}

// column returns the inner index of a shown column, and its logical type; nil
// where it passes.
func (r *rows) column(i int) (int, *schema.Type) {
	if r.visible != nil {
		i = r.visible[i]
	}
	cols := r.plan.Results[i].Columns
	if len(cols) == 0 {
		return i, nil
	}
	if r.opener != nil && r.opener.bareAt(i) {
		return i, &bareType
	}
	return i, &cols[0].Type
}

// logical answers for opened columns as the plain driver would for a column of
// the logical type. Where that depends on the current row, the first row is
// read if none has been: the plain driver has one ready before it is asked for.
func (r *rows) logical(at int, t *schema.Type) logical.ColumnType {
	if r.opener == nil { // closed
		return logical.ColumnType{ScanType: reflect.TypeFor[any]()}
	}
	if by, ok := r.opener.codec.(logical.ColumnByTag); ok {
		r.peek()
		return by.ColumnOf(t, r.opener.tagAt(at))
	}
	if by, ok := r.opener.codec.(logical.ColumnByNull); ok && r.notNull(at) {
		return by.ColumnNotNull(t)
	}
	return r.opener.codec.Column(t)
}

// peek reads the first row ahead.
func (r *rows) peek() {
	if r.begun {
		return
	}
	if r.peeker != nil {
		r.peeker()
		return
	}
	a := &firstRow{dest: make([]driver.Value, len(r.names))}
	a.err = r.next(a.dest)
	r.ahead = a
}

func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	at, c := r.column(i)
	if c != nil {
		return r.logical(at, c).DatabaseTypeName
	}
	if t, ok := r.inner.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(at)
	}
	return ""
}

func (r *rows) ColumnTypeLength(i int) (int64, bool) {
	at, c := r.column(i)
	if c != nil {
		t := r.logical(at, c)
		return t.Length, t.HasLength
	}
	if t, ok := r.inner.(driver.RowsColumnTypeLength); ok {
		return t.ColumnTypeLength(at)
	}
	return 0, false
}

// ColumnTypeNullable is the physical column's answer: NULL is stored as NULL.
func (r *rows) ColumnTypeNullable(i int) (nullable, ok bool) {
	at, _ := r.column(i)
	if t, ok := r.inner.(driver.RowsColumnTypeNullable); ok {
		return t.ColumnTypeNullable(at)
	}
	return false, false
}

// notNull reports whether the inner driver says that column at holds no NULL.
func (r *rows) notNull(at int) bool {
	t, ok := r.inner.(driver.RowsColumnTypeNullable)
	if !ok {
		return false
	}
	nullable, known := t.ColumnTypeNullable(at)
	return known && !nullable
}

func (r *rows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	at, c := r.column(i)
	if c != nil {
		t := r.logical(at, c)
		return t.Precision, t.Scale, t.HasPrecisionScale
	}
	if t, ok := r.inner.(driver.RowsColumnTypePrecisionScale); ok {
		return t.ColumnTypePrecisionScale(at)
	}
	return 0, 0, false
}

func (r *rows) ColumnTypeScanType(i int) reflect.Type {
	at, c := r.column(i)
	if c != nil {
		return r.logical(at, c).ScanType
	}
	if t, ok := r.inner.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(at)
	}
	return reflect.TypeFor[any]()
}

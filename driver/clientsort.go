package driver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// A query with rewrite.Plan.Sorted is run without its ORDER BY. Its rows are
// read to the end, at most so many as the configuration allows, sorted, cut by
// LIMIT, and handed out from memory. There is no row before all are read: more
// rows than allowed are an error, never a part of the answer.

var (
	_ driver.Rows                           = (*sortedRows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*sortedRows)(nil)
	_ driver.RowsColumnTypeLength           = (*sortedRows)(nil)
	_ driver.RowsColumnTypeNullable         = (*sortedRows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*sortedRows)(nil)
	_ driver.RowsColumnTypeScanType         = (*sortedRows)(nil)
)

// sortInput is the query that is run for one that the driver sorts, and a call
// that knows its LIMIT.
func (c *conn) sortInput(ctx context.Context, p *rewrite.Plan, in Input) (Input, *call, error) {
	if in.Refuse != "" {
		return in, nil, refusedOption(in.Refuse)
	}
	x := newCall(ctx, c, &rewrite.Plan{Params: p.Params, ParamNames: p.ParamNames, Limit: p.Sorted.Limit}, in, false)
	if err := x.resolve(); err != nil {
		return in, nil, err
	}
	if err := x.prepareLimit(); err != nil {
		return in, nil, err
	}
	s := steps{args: x.args}
	in.Text, in.Args, in.Rewritten = p.Sorted.Text, s.arguments(p.Sorted.Args), true
	return in, x, nil
}

// querySorted runs a query whose rows the driver sorts.
func (c *conn) querySorted(ctx context.Context, p *rewrite.Plan, in Input, prepared bool) (driver.Rows, error) {
	in, x, err := c.sortInput(ctx, p, in)
	if err != nil {
		return nil, err
	}
	defer x.release()
	s := &steps{ctx: ctx, c: c, in: in, prepared: prepared}
	rows, closing, err := s.send(in)
	if err != nil {
		return nil, err
	}
	out, err := x.readSorted(rows, p.Sorted)
	if closeErr := rows.Close(); err == nil {
		err = closeErr
	}
	if closeErr := closing(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	c.losesFound()
	return out, nil
}

// sortedRow is a row with what it is sorted by.
type sortedRow struct {
	values []driver.Value
	keys   []sortValue
}

// readSorted reads, sorts and cuts.
func (x *call) readSorted(rows driver.Rows, p *rewrite.ClientSort) (*sortedRows, error) {
	names := rows.Columns()
	if len(p.Extremes) > 0 {
		return x.readExtremes(rows, p)
	}
	shown, places, ok := keyPlaces(p, len(names))
	if !ok {
		return nil, fmt.Errorf("%w: a result has fewer columns than keys", sealsql.ErrCatalogChanged)
	}
	out := &sortedRows{names: names[:shown:shown], types: typesOf(rows, shown)}
	var sorters []*sorter
	for _, k := range p.Keys {
		s, err := newSorter(x.c.cr.front.Dialect(), k)
		if err != nil {
			return nil, &sealsql.ColumnError{Column: k.Column.String(), Op: "sort", Err: err}
		}
		sorters = append(sorters, s)
	}
	var list []sortedRow
	defer func() {
		for i := range list {
			for k := range list[i].keys {
				list[i].keys[k].wipe()
			}
		}
	}()
	for {
		row := make([]driver.Value, len(names))
		err := rows.Next(row)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(list) == p.Most {
			return nil, unsortable(p)
		}
		r := sortedRow{values: ownValues(row[:shown:shown]), keys: make([]sortValue, len(sorters))}
		for i, s := range sorters {
			if r.keys[i], err = s.value(x, row[places[i]]); err != nil {
				return nil, &sealsql.ColumnError{Column: columnOf(p), Op: "sort", Err: err}
			}
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b sortedRow) int { return compareRows(p.Keys, a.keys, b.keys) })
	for i := range list {
		if x.limit.ended() {
			break
		}
		if p.Apart > 0 && i > 0 && compareRows(p.Keys[:p.Apart], list[i-1].keys, list[i].keys) == 0 {
			continue
		}
		if !x.limit.skips() {
			out.rows = append(out.rows, list[i].values)
		}
	}
	return out, nil
}

// keyPlaces are the columns of a result of n columns that keys are, behind those that
// are shown or one of them.
func keyPlaces(p *rewrite.ClientSort, n int) (shown int, places []int, ok bool) {
	shown = n
	for _, k := range p.Keys {
		if k.Shown == 0 {
			shown--
		}
	}
	added := shown
	for _, k := range p.Keys {
		at := k.Shown - 1
		if k.Shown == 0 {
			at, added = added, added+1
		}
		if places = append(places, at); at >= n {
			return 0, nil, false
		}
	}
	return shown, places, shown >= 0
}

func compareRows(keys []rewrite.SortKey, a, b []sortValue) int {
	for i, k := range keys {
		switch {
		case a[i].null && b[i].null:
			continue
		case a[i].null || b[i].null:
			if a[i].null == k.NullsFirst {
				return -1
			}
			return 1
		}
		if c := a[i].compare(&b[i]); c != 0 {
			if k.Desc {
				return -c
			}
			return c
		}
	}
	return 0
}

func columnOf(p *rewrite.ClientSort) string {
	for _, k := range p.Keys {
		if k.Column != nil {
			return k.Column.String()
		}
	}
	return ""
}

func unsortable(p *rewrite.ClientSort) error {
	return &sealsql.ColumnError{
		Column: columnOf(p), Op: "sort", Err: sealsql.ErrTooManyRows,
		Hint: fmt.Sprintf("more than %d rows match, and the driver has to sort them all; narrow the condition, raise client_sort: max_rows, or add search: {range: {order: revealing}}", p.Most),
	}
}

// ownValues copies what the inner driver may use again for its next row.
func ownValues(row []driver.Value) []driver.Value {
	for i, v := range row {
		if b, ok := v.([]byte); ok && b != nil {
			row[i] = append(make([]byte, 0, len(b)), b...)
		}
	}
	return row
}

// columnTypes is what a result says of one of its columns.
type columnTypes struct {
	name                                string
	length, precision, scale            int64
	hasLength, nullable, knowsNull, has bool
	scan                                reflect.Type
}

// typesOf asks before the rows are read to the end.
func typesOf(rows driver.Rows, n int) []columnTypes {
	e := &endedRows{Rows: rows}
	out := make([]columnTypes, n)
	for i := range out {
		t := &out[i]
		t.name, t.scan = e.ColumnTypeDatabaseTypeName(i), e.ColumnTypeScanType(i)
		t.length, t.hasLength = e.ColumnTypeLength(i)
		t.nullable, t.knowsNull = e.ColumnTypeNullable(i)
		t.precision, t.scale, t.has = e.ColumnTypePrecisionScale(i)
	}
	return out
}

// sortedRows hands rows out from memory.
type sortedRows struct {
	names []string
	types []columnTypes
	rows  [][]driver.Value
}

func (r *sortedRows) Columns() []string { return r.names }

// Close drops the rows that were not handed out.
func (r *sortedRows) Close() error {
	for _, row := range r.rows {
		for _, v := range row {
			if b, ok := v.([]byte); ok {
				clear(b)
			}
		}
	}
	r.rows = nil
	return nil
}

func (r *sortedRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows[0], r.rows = nil, r.rows[1:]
	return nil
}

func (r *sortedRows) ColumnTypeDatabaseTypeName(i int) string { return r.types[i].name }

func (r *sortedRows) ColumnTypeLength(i int) (int64, bool) {
	return r.types[i].length, r.types[i].hasLength
}

func (r *sortedRows) ColumnTypeNullable(i int) (nullable, ok bool) {
	return r.types[i].nullable, r.types[i].knowsNull
}

func (r *sortedRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return r.types[i].precision, r.types[i].scale, r.types[i].has
}

func (r *sortedRows) ColumnTypeScanType(i int) reflect.Type { return r.types[i].scan }

package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// errNotOurs says that a helper was given another driver's connection.
var errNotOurs = errors.New("sealsql: not a connection of a sealsql driver")

// errBulkPlan refuses rows whose INSERT is more than a list of values.
var errBulkPlan = &rewrite.UnsupportedError{
	Pos: -1, Reason: rewrite.ReasonStatement,
	Hint: "rows for this table cannot be sent in bulk; use INSERT",
}

// RowSealer makes of rows as a program has them the rows that stand in the
// database: values of annotated columns sealed, their search indexes beside
// them. It is what the engines' bulk paths (COPY, LOAD DATA) are made of, and
// follows the plan of the INSERT of one such row: what that would be refused
// for is refused here.
//
// It is for one goroutine, and while nothing else uses the connection.
type RowSealer struct {
	c     *conn
	text  string
	plan  *rewrite.Plan
	call  *call
	names []string
	// outs are the places of the columns' values in plan.Args; nil where the
	// caller's values go out as they are.
	outs []int
	args []driver.NamedValue
	row  []any
	// longest is the most bytes that a row's sealed values have had.
	longest int
}

// NewRowSealer plans insert, an INSERT of one row in the engine's spelling: a
// list of n column names, each given a parameter, in order. c is a connection as
// (*sql.Conn).Raw yields it.
func NewRowSealer(ctx context.Context, c any, insert string, columns []string) (*RowSealer, error) {
	own, err := connOf(c)
	if err != nil {
		return nil, err
	}
	r := &RowSealer{
		c: own, text: insert, names: columns, plan: &rewrite.Plan{Pass: true},
		args: make([]driver.NamedValue, len(columns)), row: make([]any, len(columns)),
	}
	if own.cr.nothing {
		return r, nil
	}
	if r.plan, err = own.plan(ctx, insert, rewrite.Options{HasArgs: true, Prepare: true}); err != nil {
		return nil, err
	}
	if r.plan.Pass {
		return r, nil
	}
	if len(r.plan.Holes) > 0 || r.plan.Params != len(columns) {
		return nil, errBulkPlan
	}
	r.call = newCall(ctx, own, r.plan, Input{Text: insert, Args: r.args}, true)
	r.call.args = r.args
	if own.cr.audit != nil { // how many rows there will be is not known
		if err := r.call.begin(); err != nil {
			return nil, err
		}
		r.call.release()
	}
	if r.plan.ArgsSame {
		return r, nil
	}
	if err := r.columns(); err != nil {
		return nil, err
	}
	return r, nil
}

// connOf returns the connection behind what Raw yields.
func connOf(c any) (*conn, error) {
	switch c := c.(type) {
	case *conn:
		return c, nil
	case *connValidator:
		return &c.conn, nil
	}
	return nil, errNotOurs
}

// columns reads from the planned text which columns are written, and which of
// the plan's arguments each is given.
func (r *RowSealer) columns() error {
	script := r.c.parse(r.plan.Text)
	if script == nil || len(script.Statements) != 1 {
		return errBulkPlan
	}
	in, ok := script.Statements[0].(*rewrite.Insert)
	if !ok || in.Values == nil || len(in.Values.Rows) != 1 || len(in.Values.Rows[0]) != len(in.Columns) || in.Query != nil {
		return errBulkPlan
	}
	r.names, r.outs = nil, nil
	used := make([]bool, len(r.plan.Args))
	for i, cell := range in.Values.Rows[0] {
		p, ok := cell.(*rewrite.Param)
		if !ok || p.N < 1 || p.N > len(r.plan.Args) {
			return errBulkPlan
		}
		r.names = append(r.names, in.Columns[i].Name)
		r.outs = append(r.outs, p.N-1)
		used[p.N-1] = true
	}
	for _, u := range used {
		if !u {
			return errBulkPlan // a condition or the like, which no bulk path has
		}
	}
	r.row = make([]any, len(r.outs))
	return nil
}

// Columns are the columns of the database's table that rows have, in order:
// those of the caller and those of their search indexes.
func (r *RowSealer) Columns() []string { return r.names }

// Binary reports whether column i holds binary records or binary search indexes,
// whose values in a row are NULL or bytes.
func (r *RowSealer) Binary(i int) bool {
	if r.outs == nil {
		return false
	}
	o := &r.plan.Args[r.outs[i]]
	switch {
	case o.Index != nil:
		return rewrite.BinaryIndex(r.c.cr.front.Dialect(), o.Index)
	case o.Seal != nil:
		return o.Seal.Carrier == schema.CarrierBinary
	}
	return false
}

// Engine is the connector's.
func (r *RowSealer) Engine() Engine { return r.c.cr.engine }

// Passes reports whether rows go out as they are: the table has no encrypted
// column among those that are written.
func (r *RowSealer) Passes() bool {
	return r.plan.Pass || r.outs == nil && len(r.plan.Checks) == 0
}

// Row returns the row that is to be sent. Values are any that the inner driver
// takes as arguments, and are converted as it converts those; they are not
// changed. The result, and the records in it, are valid until the next call.
// Errors are those of sealing an INSERT's arguments.
func (r *RowSealer) Row(values []any) ([]any, error) {
	if len(values) != len(r.args) {
		return nil, fmt.Errorf("sealsql: a row has %d values, %d columns are named", len(values), len(r.args))
	}
	for i, v := range values {
		if err := r.argument(i, v); err != nil {
			return nil, err
		}
	}
	for i := range r.plan.Checks {
		if err := r.call.check(&r.plan.Checks[i]); err != nil {
			return nil, err
		}
	}
	if r.outs == nil {
		for i := range r.args {
			r.row[i] = r.args[i].Value
		}
		return r.row, nil
	}
	r.reserve()
	size := 0
	for i, at := range r.outs {
		v, err := r.call.value(&r.plan.Args[at])
		if err != nil {
			return nil, err
		}
		r.row[i] = v
		if b, ok := v.([]byte); ok {
			size += len(b)
		}
	}
	r.longest = max(r.longest, size)
	return r.row, nil
}

// reserve makes room for a row as long as the longest so far. Else rows that are
// longer than the first would have their records in new memory each.
func (r *RowSealer) reserve() {
	if cap(r.call.arena) < r.longest {
		r.call.arena = make([]byte, 0, r.longest+r.longest/4)
	}
	r.call.arena = r.call.arena[:0]
}

// argument converts a value as database/sql would for the inner connection.
func (r *RowSealer) argument(i int, v any) error {
	r.args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	if r.c.checker != nil {
		if err := r.c.checker.CheckNamedValue(&r.args[i]); err != driver.ErrSkip {
			return err
		}
	}
	var err error
	r.args[i].Value, err = driver.DefaultParameterConverter.ConvertValue(v)
	return err
}

// Done looks at the outcome of sending the rows, wipes what was sealed from and
// returns the error that the caller is to see.
func (r *RowSealer) Done(err error) error {
	if r.call != nil {
		r.call.release()
	}
	if r.c.cr.nothing {
		return err
	}
	return r.c.done(r.plan, r.text, err)
}

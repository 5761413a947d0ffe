package driver

import (
	"database/sql/driver"
	"errors"
	"math"
	"reflect"
	"strconv"

	"github.com/sealsql/sealsql/rewrite"
)

// limit counts the rows that a result hands out, where some of the server's are
// left out: LIMIT is then the driver's to apply.
type limit struct {
	skip, left int64 // left is negative where nothing ends the result
}

var errLimit = errors.New("sealsql: LIMIT and OFFSET must be whole numbers that are not negative")

// prepareLimit reads the values of the plan's LIMIT.
func (x *call) prepareLimit() error {
	l := x.plan.Limit
	if l == nil {
		return nil
	}
	left, err := x.limitOf(l.Count, -1)
	if err != nil {
		return err
	}
	skip, err := x.limitOf(l.Offset, 0)
	if err != nil {
		return err
	}
	x.limit = &limit{skip: skip, left: left}
	return nil
}

// limitOf evaluates a count or offset; none is what stands for no value.
func (x *call) limitOf(v *rewrite.Value, none int64) (int64, error) {
	if v == nil {
		return none, nil
	}
	n, null, err := x.wholeNumber(v)
	d := x.c.cr.front.Dialect()
	switch {
	case err != nil:
		return 0, err
	case null && d == rewrite.Postgres:
		return none, nil // LIMIT NULL
	case null:
		return 0, errLimit
	case n < 0 && d == rewrite.SQLite:
		return none, nil
	case n < 0:
		return 0, errLimit
	}
	return n, nil
}

func (x *call) wholeNumber(v *rewrite.Value) (n int64, null bool, err error) {
	if v.Literal != nil {
		n, err := strconv.ParseInt(v.Literal.Value, 10, 64)
		if err != nil {
			err = errLimit
		}
		return n, false, err
	}
	raw, err := x.raw(v)
	if err != nil || raw == nil {
		return 0, raw == nil, err
	}
	switch r := reflect.ValueOf(raw); {
	case r.CanInt():
		return r.Int(), false, nil
	case r.CanUint() && r.Uint() <= math.MaxInt64:
		return int64(r.Uint()), false, nil
	case r.Kind() == reflect.String:
		if n, err = strconv.ParseInt(r.String(), 10, 64); err == nil {
			return n, false, nil
		}
	}
	return 0, false, errLimit
}

// unlimited is what goes out in the place of a LIMIT's value.
func (x *call) unlimited(o *rewrite.Out) driver.Value {
	d := x.c.cr.front.Dialect()
	switch {
	case o.Limit == rewrite.LimitOffset:
		return int64(0)
	case d == rewrite.Postgres:
		return nil
	case d == rewrite.SQLite:
		return int64(-1)
	}
	return int64(math.MaxInt64)
}

// ended reports that no more rows are handed out.
func (l *limit) ended() bool { return l != nil && l.left == 0 }

// skips counts a row, and reports whether it is one of those before the first.
func (l *limit) skips() bool {
	switch {
	case l == nil:
		return false
	case l.skip > 0:
		l.skip--
		return true
	case l.left > 0:
		l.left--
	}
	return false
}

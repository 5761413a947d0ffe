package driver

import (
	"database/sql/driver"
	"errors"
	"math"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

func TestOnlyWholeNumbersLimit(t *testing.T) {
	for _, c := range []struct {
		arg  any
		want int64
		null bool
		err  error
	}{
		{int64(3), 3, false, nil},
		{int32(-1), -1, false, nil},
		{uint64(7), 7, false, nil},
		{uint64(math.MaxUint64), 0, false, errLimit},
		{"12", 12, false, nil},
		{"12x", 0, false, errLimit},
		{1.5, 0, false, errLimit},
		{nil, 0, true, nil},
		{true, 0, false, errLimit},
	} {
		x := &call{args: []driver.NamedValue{{Ordinal: 1, Value: c.arg}}}
		got, null, err := x.wholeNumber(&rewrite.Value{Source: rewrite.FromArg, Arg: 1})
		if got != c.want || null != c.null || !errors.Is(err, c.err) {
			t.Errorf("%v (%T): %d, %v, %v", c.arg, c.arg, got, null, err)
		}
	}
	x := &call{}
	if _, _, err := x.wholeNumber(&rewrite.Value{Source: rewrite.FromLiteral, Literal: &rewrite.Literal{Value: "1e3"}}); !errors.Is(err, errLimit) {
		t.Errorf("a literal that is no whole number: %v", err)
	}
}

func TestRowsAreSkippedAndCounted(t *testing.T) {
	for _, c := range []struct{ skip, left, rows, want int64 }{
		{0, -1, 5, 5}, {2, -1, 5, 3}, {0, 2, 5, 2}, {1, 2, 5, 2}, {0, 0, 5, 0}, {9, 2, 5, 0}, {4, 9, 5, 1},
	} {
		l, got := &limit{c.skip, c.left}, int64(0)
		for range c.rows {
			if l.ended() {
				break
			}
			if !l.skips() {
				got++
			}
		}
		if got != c.want {
			t.Errorf("%+v: %d rows", c, got)
		}
	}
	if l := (*limit)(nil); l.ended() || l.skips() {
		t.Error("a result without a limit has one")
	}
}

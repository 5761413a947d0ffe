package driver

import (
	"database/sql/driver"
	"reflect"
	"testing"
)

func TestArgumentsThatDoNotChangeGoOutBehindTheOptions(t *testing.T) {
	values := func(vals ...any) (out []driver.NamedValue) {
		for i, v := range vals {
			out = append(out, driver.NamedValue{Ordinal: i + 1, Value: v})
		}
		return out
	}
	for _, c := range []struct {
		name          string
		options, args []driver.NamedValue
		want          []driver.NamedValue
		own           bool
	}{
		{"arguments_alone_go_out_in_the_callers_slice", nil, values(1, 2), values(1, 2), true},
		{"an_option_without_arguments_goes_out", values("mode"), nil, values("mode"), false},
		{"arguments_behind_an_option_are_numbered_on", values("mode"), values(1, 2), values("mode", 1, 2), false},
		{"arguments_numbered_otherwise_are_numbered_anew", nil, values("option", 1)[1:], values(1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := &call{in: Input{Options: c.options, Args: c.args}}
			got := x.sameArguments()
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if own := len(c.args) > 0 && &got[0] == &c.args[0]; own != c.own {
				t.Errorf("the caller's slice: %t, want %t", own, c.own)
			}
		})
	}
}

package driver

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical/pgvalue"
	"github.com/sealsql/sealsql/rewrite"
)

// cells are values as a server may return them for the ssn column of partition p, each
// made anew: opening in place changes them.
var cells = map[string]func(h *harness) driver.Value{
	"a record":            func(h *harness) driver.Value { return h.record(h.ssn, "p", "value") },
	"an empty value":      func(h *harness) driver.Value { return h.record(h.ssn, "p", "") },
	"NULL":                func(*harness) driver.Value { return nil },
	"another column's":    func(h *harness) driver.Value { return h.record(h.body, "p", "value") },
	"another partition's": func(h *harness) driver.Value { return h.record(h.ssn, "q", "value") },
	"clear bytes":         func(*harness) driver.Value { return []byte("in clear") },
	"no bytes":            func(*harness) driver.Value { return []byte{} },
	"a clear text":        func(*harness) driver.Value { return "in clear" },
	"a text of a record":  func(h *harness) driver.Value { return string(h.record(h.ssn, "p", "value")) },
	"a number":            func(*harness) driver.Value { return int64(7) },
	"the end cut":         func(h *harness) driver.Value { r := h.record(h.ssn, "p", "value"); return r[:len(r)-1] },
	"the mark alone":      func(h *harness) driver.Value { return h.record(h.ssn, "p", "value")[:3] },
	"the tag changed":     func(h *harness) driver.Value { r := h.record(h.ssn, "p", "value"); r[len(r)-1] ^= 1; return r },
	"the head changed":    func(h *harness) driver.Value { r := h.record(h.ssn, "p", "value"); r[5] ^= 1; return r },
}

// TestTheShortWayOfOpeningOpensWhatTheLongOneOpens reads each cell both ways, as the
// first row and behind another.
func TestTheShortWayOfOpeningOpensWhatTheLongOneOpens(t *testing.T) {
	for name, cell := range cells {
		for behind := range 2 {
			t.Run(fmt.Sprint(name, " behind ", behind), func(t *testing.T) {
				short, shortErr := reading1(t, cell, behind, true)
				long, longErr := reading1(t, cell, behind, false)
				if short != long {
					t.Errorf("the value is %v, the long way's %v", short, long)
				}
				if fmt.Sprint(shortErr) != fmt.Sprint(longErr) {
					t.Errorf("the error is\n%v\nand the long way's\n%v", shortErr, longErr)
				}
				for _, is := range []error{envelope.ErrTampered, envelope.ErrNotSealed, sealsql.ErrPartitionMismatch} {
					if errors.Is(shortErr, is) != errors.Is(longErr, is) {
						t.Errorf("only one of the errors is %v", is)
					}
				}
				if want := map[string]any{"a record": "value", "an empty value": "", "NULL": nil}; longErr == nil {
					if v, ok := want[name]; !ok || v != long {
						t.Errorf("%s is read as %v", name, long)
					}
				} else if long != nil {
					t.Errorf("%v beside the error %v", long, longErr)
				}
			})
		}
	}
}

// reading1 reads a cell behind so many others.
func reading1(t *testing.T, cell func(*harness) driver.Value, behind int, short bool) (driver.Value, error) {
	t.Helper()
	h := newHarness(t)
	p := &rewrite.Plan{
		Text: "SELECT", ArgsSame: true,
		Results: []rewrite.Open{{Columns: h.cr.seals.self[h.ssn], Partitions: []rewrite.PartitionSource{constPartition()}}},
	}
	h.plans.plans["sel"] = p
	e := h.cr.engine.(*fakeEngine)
	e.codec = pgvalue.New(pgvalue.Options{})
	h.cr.engine, h.cr.fresh = freshEngine{e}, freshEngine{e}
	var values []driver.Value
	h.db.rows = func() driver.Rows {
		r := &fakeRows{names: []string{"ssn"}}
		for _, v := range values {
			r.rows = append(r.rows, []driver.Value{v})
		}
		return r
	}
	c := h.conn().(*conn)
	h.send(c, "sel") // from here on the connection knows what is opened
	found := 0
	for i := range c.shapes {
		if s := &c.shapes[i]; s.plan == p && len(s.columns) == 1 && s.columns[0].direct {
			s.columns = slices.Clone(s.columns)
			s.columns[0].direct = short
			found++
		}
	}
	if found != 1 {
		t.Fatal("the column is not opened on the short way")
	}
	for range behind {
		values = append(values, h.record(h.ssn, "p", "before"))
	}
	values = append(values, cell(h))
	r := h.queries(c, "sel").(*rows)
	defer r.Close()
	dest := make([]driver.Value, 1)
	for range behind {
		if err := r.Next(dest); err != nil || dest[0] != "before" {
			t.Fatal(dest[0], err)
		}
	}
	err := r.Next(dest)
	return dest[0], err
}

package driver

import (
	"context"
	"database/sql/driver"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// repeated are rows that hold the same records again and again.
type repeated struct {
	rec  []byte
	left int
}

func (*repeated) Columns() []string { return []string{"a", "b", "c", "d", "e"} }
func (*repeated) Close() error      { return nil }

func (r *repeated) Next(dest []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	for i := range dest {
		dest[i] = r.rec
	}
	return nil
}

// counted is a statement that seals five values and one that opens n rows of
// five, on an inner driver that does nothing.
func counted(t *testing.T, n int) (h *harness, seal, open func()) {
	t.Helper()
	h = newHarness(t)
	ins := &rewrite.Plan{Text: "INS", Params: 5}
	sel := &rewrite.Plan{Text: "SEL"}
	args := make([]any, 5)
	for i := range 5 {
		ins.Args = append(ins.Args, sealArg(h.ssn, i+1))
		sel.Results = append(sel.Results, rewrite.Open{Columns: []*schema.Column{h.ssn}, Partitions: []rewrite.PartitionSource{constPartition()}})
		args[i] = "123-45-6789"
	}
	h.plans.plans["ins"], h.plans.plans["sel"] = ins, sel
	rec := h.record(h.ssn, "p", "123-45-6789")
	h.db.rows = func() driver.Rows { return &repeated{rec, n} }
	c := h.conn().(Conn)
	named, dest := namedArgs(args...), make([]driver.Value, 5)
	seal = func() {
		h.db.log, h.db.ctx = h.db.log[:0], h.db.ctx[:0]
		if _, err := c.ExecContext(context.Background(), "ins", named); err != nil {
			t.Fatal(err)
		}
	}
	open = func() {
		h.db.log, h.db.ctx = h.db.log[:0], h.db.ctx[:0]
		rows, err := c.QueryContext(context.Background(), "sel", nil)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			err = rows.Next(dest)
		}
		if err != io.EOF {
			t.Fatal(err)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return h, seal, open
}

// fewestAllocations is what f allocates by itself: with -race, pools forget things
// by chance.
func fewestAllocations(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 60 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

func TestCountingAllocatesNothing(t *testing.T) {
	h, seal, open := counted(t, 300)
	for name, f := range map[string]func(){"sealing": seal, "opening": open} {
		rec := h.cr.rec
		with := fewestAllocations(f)
		h.cr.rec = nil
		without := fewestAllocations(f)
		h.cr.rec = rec
		if with > without {
			t.Errorf("%s: %v allocations, %v without counting", name, with, without)
		}
	}
	if s := h.cr.rec.Stats(); s.Encrypt.Values == 0 || s.Decrypt.Values != s.Rows.Opened*5 || s.Rows.Opened%300 != 0 {
		t.Errorf("%+v, %+v, %+v", s.Encrypt, s.Decrypt, s.Rows)
	}
}

// What counting costs is logged: rounds with and without take turns, and the
// median of their ratios says it. It fails only where it is far more than it
// should be, for machines are busy.
func TestCountingCostsLittle(t *testing.T) {
	h, seal, open := counted(t, 100)
	for name, f := range map[string]func(){"a statement that seals 5 values": seal, "a result of 100 rows of 5": open} {
		rec := h.cr.rec
		round := func() float64 {
			start := time.Now()
			for range 20 {
				f()
			}
			return float64(time.Since(start))
		}
		var ratios []float64
		for i := range 100 {
			times := map[bool]float64{}
			for _, with := range []bool{i%2 == 0, i%2 != 0} {
				if h.cr.rec = nil; with {
					h.cr.rec = rec
				}
				times[with] = round()
			}
			ratios = append(ratios, times[true]/times[false])
		}
		h.cr.rec = rec
		slices.Sort(ratios)
		median := ratios[len(ratios)/2]
		t.Logf("%s: %.3f of what it takes without counting", name, median)
		if median > 1.15 {
			t.Errorf("%s takes %.2f times as long with counting", name, median)
		}
	}
}

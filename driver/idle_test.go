package driver

import (
	"database/sql/driver"
	"io"
	"reflect"
	"testing"

	"github.com/sealsql/sealsql/internal/logical/pgvalue"
	"github.com/sealsql/sealsql/rewrite"
)

func TestResultsOfAConnectionOpenInTheSameMemory(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["sel"] = &rewrite.Plan{
		Text: "SELECT", ArgsSame: true,
		Results: []rewrite.Open{{Columns: h.cr.seals.self[h.ssn], Partitions: []rewrite.PartitionSource{constPartition()}}},
	}
	rec := h.record(h.ssn, "p", "value")
	h.db.rows = func() driver.Rows {
		return &fakeRows{names: []string{"ssn"}, rows: [][]driver.Value{{rec}, {rec}}}
	}
	c := h.conn().(*conn)
	dest := make([]driver.Value, 1)
	next := func(r *rows) {
		t.Helper()
		if err := r.Next(dest); err != nil || dest[0] != "value" {
			t.Fatalf("%v, %v", dest[0], err)
		}
	}
	outer := h.queries(c, "sel").(*rows)
	next(outer)
	inner := h.queries(c, "sel").(*rows)
	next(inner)
	if inner.opener == outer.opener {
		t.Fatal("two open results share memory")
	}
	used := inner.opener
	for range 2 { // closing twice is harmless
		if err := inner.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(*used, opener{}) {
		t.Error("something of a closed result is kept")
	}
	next(outer)

	// The closed one is nobody's way to the next.
	third := h.queries(c, "sel").(*rows)
	if third.opener != used {
		t.Error("the memory is not used again")
	}
	if err := inner.Next(dest); err != io.EOF {
		t.Errorf("closed rows give %v", err)
	}
	if inner.ColumnTypeDatabaseTypeName(0) != "" || inner.ColumnTypeScanType(0) == nil {
		t.Error("closed rows describe their columns")
	}
	if err := inner.Close(); err != nil || third.opener != used {
		t.Error("closing the rows before takes the memory from those that have it now")
	}
	next(third)
	next(third)
	if err := third.Next(dest); err != io.EOF {
		t.Errorf("error %v", err)
	}
}

// freshEngine's rows give bytes that nobody else reads.
type freshEngine struct{ *fakeEngine }

func (freshEngine) Fresh(driver.Conn) bool { return true }

// TestAClosedResultKeepsNoKey reads a plan's results twice: what is remembered of
// one for the next is where the key was, and no lease of it.
func TestAClosedResultKeepsNoKey(t *testing.T) {
	h := newHarness(t)
	p := &rewrite.Plan{
		Text: "SELECT", ArgsSame: true,
		Results: []rewrite.Open{{Columns: h.cr.seals.self[h.ssn], Partitions: []rewrite.PartitionSource{constPartition()}}},
	}
	h.plans.plans["sel"] = p
	h.db.rows = func() driver.Rows {
		r := &fakeRows{names: []string{"ssn"}}
		for range 4 {
			r.rows = append(r.rows, []driver.Value{h.record(h.ssn, "p", "value")})
		}
		return r
	}
	e := h.cr.engine.(*fakeEngine)
	e.codec = pgvalue.New(pgvalue.Options{})
	h.cr.engine, h.cr.fresh = freshEngine{e}, freshEngine{e}
	c := h.conn().(*conn)
	dest := make([]driver.Value, 1)
	for round := range 3 {
		r := h.queries(c, "sel").(*rows)
		for range 4 {
			if err := r.Next(dest); err != nil || dest[0] != "value" {
				t.Fatal(dest[0], err)
			}
		}
		memories := r.opener.memories
		if len(memories) != 1 || !memories[0].run.Holds() {
			t.Fatalf("round %d: no key is kept from row to row", round)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if memories[0].run.Holds() {
			t.Fatalf("round %d: a closed result keeps a key", round)
		}
	}
}

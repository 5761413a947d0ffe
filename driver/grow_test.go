package driver

import (
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

var errTooLong = errors.New("packet too large")

// growingEngine is a fakeEngine whose connections' buffers grow.
type growingEngine struct{ *fakeEngine }

func (growingEngine) Grown(_ driver.Conn, text string) string { return text + "    " }
func (growingEngine) TooLong(err error) bool                  { return err == errTooLong }

// growable is a harness with one of its connections, on which "sel" reads so many rows
// of 1 KiB.
func growable(t *testing.T, rows int) (*harness, *conn) {
	t.Helper()
	h := newHarness(t)
	h.cr.engine = growingEngine{h.eng}
	h.plans.plans["sel"] = &rewrite.Plan{
		Text: "SELECT", ArgsSame: true,
		Results: []rewrite.Open{{Columns: h.cr.seals.self[h.ssn], Partitions: []rewrite.PartitionSource{constPartition()}}},
	}
	rec := h.record(h.ssn, "p", strings.Repeat("v", 1024))
	h.db.rows = func() driver.Rows {
		r := &fakeRows{names: []string{"ssn"}}
		for range rows {
			r.rows = append(r.rows, []driver.Value{rec})
		}
		return r
	}
	return h, h.conn().(*conn)
}

func (h *harness) reads(c *conn) {
	h.t.Helper()
	rows := h.queries(c, "sel")
	dest := make([]driver.Value, 1)
	for rows.Next(dest) == nil {
	}
	if err := rows.Close(); err != nil {
		h.t.Fatal(err)
	}
}

// grownTexts are the positions of texts that were grown.
func (h *harness) grownTexts() (at []int) {
	for i, s := range h.db.log {
		if strings.HasSuffix(s.text, " ") {
			at = append(at, i)
		}
	}
	return at
}

func TestAConnectionThatReadsLargeResultsGrowsOnce(t *testing.T) {
	for rows, want := range map[int]int{63: 0, 64: 1, 600: 1} {
		h, c := growable(t, rows)
		for range 4 {
			h.reads(c)
		}
		if got := h.grownTexts(); len(got) != want || want == 1 && got[0] != 1 {
			t.Errorf("%d rows: texts %v were grown, of %d wanted the second", rows, got, len(h.db.log))
		}
		other := h.conn().(*conn)
		h.reads(other)
		if got := h.grownTexts(); len(got) != want {
			t.Errorf("%d rows: the first text of another connection is grown", rows)
		}
	}
}

func TestNoTextIsGrownInATransaction(t *testing.T) {
	h, c := growable(t, 100)
	h.reads(c)
	tx, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	h.reads(c)
	if got := h.grownTexts(); len(got) > 0 {
		t.Errorf("texts %v are grown", got)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	h.reads(c)
	if got := h.grownTexts(); len(got) != 1 {
		t.Error("none is grown after it")
	}
}

func TestAGrownTextThatIsTooLongIsRunOnAnotherConnection(t *testing.T) {
	h, c := growable(t, 100)
	h.db.err = func(_, text string) error {
		if strings.HasSuffix(text, " ") {
			return errTooLong
		}
		return nil
	}
	h.reads(c)
	if _, err := c.QueryContext(bg, "sel", nil); err != driver.ErrBadConn {
		t.Fatalf("error %v", err)
	}
	for range 3 {
		other := h.conn().(*conn)
		h.reads(other)
		h.reads(other)
	}
	if got := h.grownTexts(); len(got) != 1 {
		t.Errorf("texts %v are grown after one was refused", got)
	}

	// The same error of a text that was not grown stays what it is.
	h, c = growable(t, 100)
	h.db.err = func(string, string) error { return errTooLong }
	if _, err := c.QueryContext(bg, "sel", nil); err != errTooLong {
		t.Errorf("error %v", err)
	}
}

func TestTheTextThatIsPreparedGrows(t *testing.T) {
	h, c := growable(t, 100)
	h.reads(c)
	for range 2 {
		st, err := c.Prepare("sel")
		if err != nil {
			t.Fatal(err)
		}
		st.Close()
	}
	if got := h.grownTexts(); len(got) != 1 || h.db.log[got[0]].op != "prepare" {
		t.Errorf("texts %v are grown", got)
	}
}

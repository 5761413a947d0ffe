package driver

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/synclog"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

func TestRawYieldsOurConnectionAndTheWayPastItIsLogged(t *testing.T) {
	h := newHarness(t)
	db := sql.OpenDB(h.cr)
	defer db.Close()
	conn, err := db.Conn(bg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var log synclog.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(old)
	err = conn.Raw(func(c any) error {
		ours, ok := c.(Conn)
		if !ok {
			t.Fatalf("Raw yields a %T", c)
		}
		if _, ok := c.(*fakeConn); ok {
			t.Fatal("Raw yields the inner connection")
		}
		if log.Len() != 0 {
			t.Errorf("logged before anything was bypassed: %s", log.String())
		}
		if _, ok := ours.InsecureBypassEncryption().(*fakeConn); !ok {
			t.Error("the inner connection is not handed out")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "encryption bypassed") || !strings.Contains(got, "raw_test.go") {
		t.Errorf("logged %q", got)
	}
}

func TestAfterABypassTheCatalogIsReadAgain(t *testing.T) {
	h := newHarness(t)
	c := h.conn().(Conn)
	if _, err := c.ExecContext(bg, "x", nil); err != nil {
		t.Fatal(err)
	}
	before := h.eng.sessions
	c.InsecureBypassEncryption()
	if _, err := c.ExecContext(bg, "x", nil); err != nil {
		t.Fatal(err)
	}
	if h.eng.sessions == before {
		t.Error("the session is believed to be what it was")
	}
}

// legacyConn has the methods without a context, as the drivers of MySQL and
// SQLite do.
type legacyConn struct{ *fakeConn }

func (c legacyConn) Exec(q string, v []driver.Value) (driver.Result, error) {
	return c.ExecContext(bg, q, named(v))
}

func (c legacyConn) Query(q string, v []driver.Value) (driver.Rows, error) {
	return c.QueryContext(bg, q, named(v))
}

func TestMethodsWithoutContextSealToo(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["ins"] = &rewrite.Plan{Text: "INS", Params: 1, Writes: true, Args: []rewrite.Out{sealArg(h.ssn, 1)}}
	h.db.wrap = func(c *fakeConn) driver.Conn { return legacyConn{c} }
	//lint:ignore SA1019 what is tested
	if _, err := h.conn().(driver.Execer).Exec("ins", []driver.Value{"secret"}); err != nil {
		t.Fatal(err)
	}
	if got := h.opened(h.ssn, "p", h.db.last(t).args[0].Value); got != "secret" {
		t.Errorf("sealed %q", got)
	}
}

func TestMethodsWithoutContextAreSkippedWhereTheInnerDriverHasNone(t *testing.T) {
	h := newHarness(t)
	//lint:ignore SA1019 what is tested
	if _, err := h.conn().(driver.Execer).Exec("x", nil); err != driver.ErrSkip {
		t.Errorf("Exec: %v", err)
	}
	//lint:ignore SA1019 what is tested
	if _, err := h.conn().(driver.Queryer).Query("x", nil); err != driver.ErrSkip {
		t.Errorf("Query: %v", err)
	}
	if len(h.db.log) != 0 {
		t.Errorf("sent %v", h.db.log)
	}
}

func TestWithNothingAnnotatedEverythingIsTheInnerDrivers(t *testing.T) {
	h := newHarness(t)
	cat, err := schema.New(nil, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := New(h.db, h.eng, Options{Annotations: cat, Sealer: newSealer(t)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := wrapped.Connect(bg)
	if err != nil {
		t.Fatal(err)
	}
	inner := &fakeRows{names: []string{"a"}}
	h.db.rows = func() driver.Rows { return inner }
	args := namedArgs(1, "x")
	// No parser understands it, and no catalog could prove it harmless.
	const text = "NO SUCH (statement"
	rows, err := c.(driver.QueryerContext).QueryContext(bg, text, args)
	if err != nil || rows != driver.Rows(inner) {
		t.Errorf("query: %T %v", rows, err)
	}
	if got := h.db.last(t); got.text != text || len(got.args) != 2 {
		t.Errorf("sent %v", got)
	}
	st, err := c.(driver.ConnPrepareContext).PrepareContext(bg, text)
	if _, ok := st.(*fakeStmt); err != nil || !ok {
		t.Errorf("prepare: %T %v", st, err)
	}
	tx, err := c.(driver.ConnBeginTx).BeginTx(bg, driver.TxOptions{})
	if _, ok := tx.(fakeTx); err != nil || !ok {
		t.Errorf("begin: %T %v", tx, err)
	}
	if err := c.(driver.Pinger).Ping(bg); err != nil {
		t.Error(err)
	}
	fail := errors.New("inner")
	h.eng.stale, h.eng.guard = fail, fail
	h.db.err = func(string, string) error { return fail }
	if _, err := c.(driver.ExecerContext).ExecContext(bg, text, nil); err != fail {
		t.Errorf("exec: %v", err)
	}
	if h.eng.sessions != 0 || h.eng.snapshots != 0 {
		t.Error("the database was asked about a catalog that nothing needs")
	}
}

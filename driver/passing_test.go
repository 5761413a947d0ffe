package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"maps"
	"reflect"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/audit"
	"github.com/sealsql/sealsql/rewrite"
)

// The short ways do nothing of what the long one does for a plan with more in it. A new
// field of Plan is added here, or to wayOf.
func TestOnlyAStatementThatLeavesNothingToDoTakesAShortWay(t *testing.T) {
	type set map[string]bool
	sealed := set{
		"ArgsSame": true, "Params": true, "ParamNames": true, "Tables": true, "Args": true, "ArgNames": true,
		"Results": true, "ResultNames": true, "Labels": true, "Writes": true,
	}
	// What the long way does not look at either where Pass is set.
	passed := set{
		"Holes": true, "Sets": true, "NoRows": true, "Checks": true, "Deleted": true,
		"Filters": true, "Likes": true, "Defaults": true, "Verifies": true, "Limit": true, "Defines": true,
	}
	maps.Copy(passed, sealed)
	for _, c := range []struct {
		pass     bool
		takes    way
		harmless set
	}{{true, passes, passed}, {false, sealing, sealed}} {
		if got := wayOf(&rewrite.Plan{Pass: c.pass, Text: "q"}, "q"); got != c.takes {
			t.Fatalf("a plan with nothing but its text takes the way %d, want %d", got, c.takes)
		}
		fields := reflect.TypeFor[rewrite.Plan]()
		for i := range fields.NumField() {
			name := fields.Field(i).Name
			if name == "Pass" || name == "Text" {
				continue
			}
			p := &rewrite.Plan{Pass: c.pass, Text: "q"}
			fill(reflect.ValueOf(p).Elem().Field(i))
			want := long
			if c.harmless[name] {
				want = c.takes
			}
			if got := wayOf(p, "q"); got != want {
				t.Errorf("a plan (pass %t) with %s takes the way %d, want %d", c.pass, name, got, want)
			}
		}
	}
	if wayOf(&rewrite.Plan{Pass: true, Text: "p"}, "q") != long {
		t.Error("a text that was edited goes out as it came")
	}
}

// fill gives a field another value than none.
func fill(f reflect.Value) {
	switch f.Kind() {
	case reflect.Pointer:
		f.Set(reflect.New(f.Type().Elem()))
	case reflect.Slice:
		f.Set(reflect.MakeSlice(f.Type(), 1, 1))
	case reflect.Map:
		f.Set(reflect.MakeMap(f.Type()))
	case reflect.Bool:
		f.SetBool(true)
	case reflect.Int:
		f.SetInt(1)
	default:
		f.SetUint(1)
	}
}

// brisk returns a connection on which the statement was sent before, so that it
// takes the short way, and the number of statements planned so far.
func brisk(t *testing.T, h *harness, query string) *conn {
	t.Helper()
	c := h.conn().(*conn)
	h.send(c, query)
	h.send(c, query)
	if c.remembered(bg, query, nil) == nil {
		t.Fatal("a statement that was sent twice does not take the short way")
	}
	return c
}

func (h *harness) send(c *conn, query string) {
	h.t.Helper()
	if rows, err := c.QueryContext(bg, query, nil); err != nil {
		h.t.Fatal(err)
	} else {
		rows.Close()
	}
}

func TestTheShortWayEndsWithWhatItsPlanRestsOn(t *testing.T) {
	const q = "SELECT 1"
	for name, change := range map[string]func(c *conn){
		"the catalog was changed":             func(c *conn) { c.cr.cats.invalidate() },
		"the session was changed":             func(c *conn) { c.session = nil },
		"the session was read again":          func(c *conn) { s := *c.session; c.session = &s },
		"the view of the catalog was changed": func(c *conn) { v := *c.view; c.view = &v },
		"something may be taken back":         func(c *conn) { c.volatile = rewrite.EffectCatalog },
		"a question would be answered wrong":  func(c *conn) { c.lost, c.plans[len(q)%memoSize].asks = asksCount, true },
		"a column waits for its move":         func(c *conn) { c.view.unborn = append(c.view.unborn, nil) },
	} {
		h := newHarness(t)
		h.db.rows = func() driver.Rows { return &fakeRows{names: []string{"a"}} }
		c := brisk(t, h, q)
		change(c)
		if c.remembered(bg, q, nil) != nil {
			t.Errorf("%s: the statement takes the short way", name)
		}
	}
	h := newHarness(t)
	h.db.rows = func() driver.Rows { return &fakeRows{names: []string{"a"}} }
	c := brisk(t, h, q)
	if c.remembered(bg, q, namedArgs(1)) != nil {
		t.Error("with arguments a statement takes the short way of one without")
	}
	if c.remembered(sealsql.WithPartition(bg, "p"), q, nil) != nil {
		t.Error("in another partition a statement takes the short way of one without")
	}
	if c.remembered(bg, "SELECT 2", nil) != nil {
		t.Error("another text of the same length takes the short way")
	}
}

func TestAnErrorOnTheShortWayIsLookedAt(t *testing.T) {
	stale := errors.New("no such table")
	h := newHarness(t)
	h.eng.stale = stale
	h.db.rows = func() driver.Rows { return &fakeRows{names: []string{"a"}} }
	c := brisk(t, h, "SELECT 1")
	h.db.err = func(string, string) error { return stale }
	c.cr.cats.start = c.cr.cats.start.Add(-2 * moment)
	if _, err := c.QueryContext(context.Background(), "SELECT 1", nil); err != stale {
		t.Fatalf("error %v", err)
	}
	if c.known() {
		t.Error("what the server contradicts is still relied on")
	}
}

// sealed1 is a plan that seals its argument and nothing else.
func sealed1(h *harness) *rewrite.Plan {
	return &rewrite.Plan{Text: "INS", Params: 1, Args: []rewrite.Out{sealArg(h.ssn, 1)}, Writes: true}
}

func TestAStatementThatOnlySealsTakesTheShortWay(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["ins"] = sealed1(h)
	c := h.conn().(*conn)
	seen := map[string]bool{}
	for i, v := range []string{"one", "two", "three"} {
		args := namedArgs(v)
		if short := c.remembered(bg, "ins", args) != nil; short != (i > 0) {
			t.Fatalf("statement %d takes the short way: %t", i, short)
		}
		if _, err := c.ExecContext(bg, "ins", args); err != nil {
			t.Fatal(err)
		}
		if args[0].Value != v {
			t.Error("the caller's argument was changed")
		}
		got := h.db.last(t)
		if rec := string(got.args[0].Value.([]byte)); got.text != "INS" || h.opened(h.ssn, "p", got.args[0].Value) != v || seen[rec] {
			t.Errorf("sent %q with %q", got.text, rec)
		} else {
			seen[rec] = true
		}
	}
	if c.remembered(bg, "ins", nil) != nil {
		t.Error("without arguments a statement takes the short way of one with some")
	}
}

func TestAPanicOnTheShortWayIsARefusalAndNothingIsSent(t *testing.T) {
	h := newHarness(t)
	codec := &brittleCodec{h.eng.codec, ""}
	h.eng.codec = codec
	h.plans.plans["ins"] = sealed1(h)
	c := h.conn().(*conn)
	send := func() error {
		_, err := c.ExecContext(bg, "ins", namedArgs(secret))
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	if c.remembered(bg, "ins", namedArgs(secret)) == nil {
		t.Fatal("the statement does not take the short way")
	}
	n := len(h.db.log)
	codec.at = "encode"
	isFault(t, send())
	if len(h.db.log) != n {
		t.Fatalf("sent %v", h.db.log[n:])
	}
	codec.at = ""
	if err := send(); err != nil {
		t.Fatal(err)
	}
}

// With an audit trail what a statement does is noted before it is sent: the long way.
func TestAnAuditTrailAndOptionsEndTheShortWayOfSealing(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["ins"] = sealed1(h)
	c := h.conn().(*conn)
	for range 2 {
		if _, err := c.ExecContext(bg, "ins", namedArgs("v")); err != nil {
			t.Fatal(err)
		}
	}
	if c.remembered(bg, "ins", namedArgs("v")) == nil {
		t.Fatal("the statement does not take the short way")
	}
	c.cr.audit = new(audit.Log)
	if c.remembered(bg, "ins", namedArgs("v")) != nil {
		t.Error("with an audit trail the statement takes the short way")
	}
	c.cr.audit = nil
	c.cr.options = optional{}
	if c.remembered(bg, "ins", namedArgs(true)) != nil {
		t.Error("with an option the statement takes the short way")
	}
	if c.remembered(bg, "ins", namedArgs("v")) == nil {
		t.Error("without an option the statement does not take the short way")
	}
}

// optional takes a bool for an option.
type optional struct{ OptionEngine }

func (optional) Options(args []driver.NamedValue) bool {
	_, is := args[0].Value.(bool)
	return is
}

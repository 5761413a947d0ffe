package driver

import (
	"database/sql/driver"
	"errors"
	"slices"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// keepingEngine is a fakeEngine whose statements are kept.
type keepingEngine struct{ *fakeEngine }

func (keepingEngine) Keeps(driver.Conn) bool { return true }

// keeping is a harness whose connections keep statements, with one of its
// connections and the statements that were prepared.
func keeping(t *testing.T) (h *harness, c *conn, prepared *[]*fakeStmt) {
	t.Helper()
	h = newHarness(t)
	h.cr.engine = keepingEngine{h.eng}
	h.plans.plans["ins"] = &rewrite.Plan{Text: "INS", Params: 1, Args: []rewrite.Out{sealArg(h.ssn, 1)}, Writes: true}
	h.plans.plans["other"] = &rewrite.Plan{Text: "OTH", Params: 1, Args: []rewrite.Out{sealArg(h.ssn, 1)}, Writes: true}
	h.plans.plans["sel"] = &rewrite.Plan{Text: "SELECT", ArgsSame: true, Results: []rewrite.Open{{}}}
	h.db.rows = func() driver.Rows { return &fakeRows{names: []string{"a"}} }
	prepared = &[]*fakeStmt{}
	h.db.stmt = func(s *fakeStmt) driver.Stmt { *prepared = append(*prepared, s); return s }
	return h, h.conn().(*conn), prepared
}

func (h *harness) execs(c *conn, text string, args ...any) {
	h.t.Helper()
	if _, err := c.ExecContext(bg, text, namedArgs(args...)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) queries(c *conn, text string) driver.Rows {
	h.t.Helper()
	rows, err := c.QueryContext(bg, text, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return rows
}

func (h *harness) wantOps(want ...string) {
	h.t.Helper()
	if got := h.db.ops(); !slices.Equal(got, want) {
		h.t.Errorf("sent %q, want %q", got, want)
	}
}

func TestAPlanThatIsRunAgainIsCompiledOnce(t *testing.T) {
	h, c, _ := keeping(t)
	for range 4 {
		h.execs(c, "ins", "v")
	}
	h.wantOps("exec", "prepare", "stmt exec", "stmt exec", "stmt exec")
	first, second := h.db.log[2].args[0].Value.([]byte), h.db.log[3].args[0].Value.([]byte)
	if string(first) == string(second) || h.opened(h.ssn, "p", first) != "v" || h.opened(h.ssn, "p", second) != "v" {
		t.Error("a kept statement is not sent a fresh record each time")
	}
}

func TestAStatementWithOpenRowsIsSentAsAText(t *testing.T) {
	h, c, _ := keeping(t)
	h.queries(c, "sel").Close()
	outer := h.queries(c, "sel")
	inner := h.queries(c, "sel")
	h.wantOps("query", "prepare", "stmt query", "query")
	inner.Close()
	outer.Close()
	h.queries(c, "sel").Close()
	h.wantOps("query", "prepare", "stmt query", "query", "stmt query")

	// Closed once more, the first rows leave the statement to those that have it now.
	last := h.queries(c, "sel")
	outer.Close()
	if !c.compiled[len("SELECT")%keptSize].busy {
		t.Error("rows that were closed before take the statement from others")
	}
	last.Close()
}

func TestAKeptStatementThatFailsIsGivenUp(t *testing.T) {
	failure := errors.New("constraint failed")
	h, c, prepared := keeping(t)
	h.execs(c, "ins", "v")
	h.execs(c, "ins", "v")
	h.db.err = func(op, _ string) error {
		if op == "stmt exec" {
			return failure
		}
		return nil
	}
	if _, err := c.ExecContext(bg, "ins", namedArgs("v")); err != failure {
		t.Fatalf("error %v", err)
	}
	h.db.err = nil
	if !(*prepared)[0].closed {
		t.Error("the statement is still open")
	}
	h.execs(c, "ins", "v")
	h.execs(c, "ins", "v")
	if ops := h.db.ops(); !slices.Equal(ops[len(ops)-3:], []string{"exec", "prepare", "stmt exec"}) {
		t.Errorf("sent %q", ops)
	}
}

func TestKeptStatementsAreClosed(t *testing.T) {
	h, c, prepared := keeping(t)
	h.execs(c, "ins", "v")
	h.execs(c, "ins", "v")
	h.execs(c, "other", "v") // takes its place
	if !(*prepared)[0].closed {
		t.Error("a statement whose place was taken is still open")
	}
	h.execs(c, "other", "v")
	rows := h.queries(c, "sel")
	rows.Close()
	rows = h.queries(c, "sel")
	rows.Close()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if len(*prepared) != 3 {
		t.Fatalf("%d statements were prepared", len(*prepared))
	}
	for _, s := range *prepared {
		if !s.closed {
			t.Errorf("%s is still open", s.text)
		}
	}
}

func TestOnlyTextsThatStayAreKept(t *testing.T) {
	for name, p := range map[string]*rewrite.Plan{
		"a literal is sealed into it": {Text: "INS ()", Holes: []rewrite.Hole{{At: 5, Out: rewrite.Out{Value: rewrite.Value{Source: rewrite.FromLiteral}}}}},
		"several statements":          {Text: "A; B", ArgsSame: true, Sets: []rewrite.ResultSet{}},
		"a definition":                {Text: "CREATE", ArgsSame: true, Defines: true},
		"with effects":                {Text: "CREATE", ArgsSame: true, Effects: rewrite.EffectCatalog},
		"with steps behind it":        {Text: "CREATE", ArgsSame: true, After: []string{"x"}},
		"longer than a batch":         {Text: string(make([]byte, maxKeptText+1)), ArgsSame: true},
	} {
		c := &conn{keeps: true}
		if c.keepable(p) {
			t.Errorf("%s: kept", name)
		}
	}
	p := &rewrite.Plan{Text: "INS", ArgsSame: true}
	if !(&conn{keeps: true}).keepable(p) || (&conn{}).keepable(p) {
		t.Error("kept where the engine does not say so, or not where it does")
	}
}

package driver

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

var bg = context.Background()

func TestAStatementThatPassesGoesOutAndComesBackUntouched(t *testing.T) {
	h := newHarness(t)
	inner := &fakeRows{names: []string{"a"}}
	h.db.rows = func() driver.Rows { return inner }
	c := h.conn()
	args := namedArgs(1, "x")
	rows, err := c.(driver.QueryerContext).QueryContext(bg, "SELECT 1", args)
	if err != nil {
		t.Fatal(err)
	}
	if rows != driver.Rows(inner) {
		t.Errorf("rows are wrapped: %T", rows)
	}
	res, err := c.(driver.ExecerContext).ExecContext(bg, "x", args)
	if err != nil || res != (fakeResult{}) {
		t.Errorf("result %v %v", res, err)
	}
	if got := h.db.last(t); got.text != "x" || !reflect.DeepEqual(got.args, args) {
		t.Errorf("sent %v", got)
	}
}

func TestPassingCostsAtMostTwoAllocations(t *testing.T) {
	h := newHarness(t)
	db := &quietDB{}
	cat, err := schema.New([]*schema.Table{{Name: "users", Columns: []*schema.Column{{Name: "ssn"}}}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h.eng.snapshot = func() *rewrite.Snapshot {
		return &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{{
			ID: rewrite.RelationID{Schema: "main", Name: "clear"}, Kind: rewrite.RelTable,
			Columns: []rewrite.CatalogColumn{{Name: "id"}},
		}}}
	}
	wrapped, err := New(db, &pathEngine{h.eng}, Options{Annotations: cat, Sealer: newSealer(t)})
	if err != nil {
		t.Fatal(err)
	}
	const q = "INSERT INTO clear (id) VALUES (?)"
	allocs := func(c driver.Connector) float64 {
		pool := sql.OpenDB(c)
		defer pool.Close()
		if _, err := pool.Exec(q, int64(1)); err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(200, func() { pool.Exec(q, int64(1)) })
	}
	plain, ours := allocs(db), allocs(wrapped)
	t.Logf("plain %v, wrapped %v allocations", plain, ours)
	if ours > plain+2 {
		t.Errorf("plain %v, wrapped %v allocations", plain, ours)
	}
}

// pathEngine resolves unqualified names in "main".
type pathEngine struct{ *fakeEngine }

func (e *pathEngine) Session(context.Context, *Reader) (*Session, error) {
	return &Session{Scope: "x", Codec: e.codec, Prepared: e.codec, Names: rewrite.Names{SearchPath: []string{"main"}}, Plan: rewrite.Session{Namespace: "main"}}, nil
}

// quietDB does nothing and allocates nothing.
type quietDB struct{}

func (db *quietDB) Connect(context.Context) (driver.Conn, error) { return quietConn{}, nil }
func (db *quietDB) Driver() driver.Driver                        { return fakeDriver{} }

type quietConn struct{}

func (quietConn) Prepare(string) (driver.Stmt, error) { return nil, io.EOF }
func (quietConn) Close() error                        { return nil }
func (quietConn) Begin() (driver.Tx, error)           { return nil, io.EOF }
func (quietConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(0), nil
}

func TestArgumentsAreSealedIntoAFreshList(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["ins"] = &rewrite.Plan{
		Text: "INS", Params: 2, Writes: true,
		Args: []rewrite.Out{passArg(1), sealArg(h.ssn, 2), sealArg(h.note, 2)},
	}
	secret := []byte("secret")
	args := namedArgs(int64(1), string(secret))
	c := h.conn()
	for range 2 {
		if _, err := c.(driver.ExecerContext).ExecContext(bg, "ins", args); err != nil {
			t.Fatal(err)
		}
	}
	if args[1].Value != "secret" {
		t.Errorf("the caller's argument was changed")
	}
	first, second := h.db.log[0].args, h.db.log[1].args
	if first[0].Value != int64(1) || len(first) != 3 || first[2].Ordinal != 3 {
		t.Errorf("sent %v", first)
	}
	if got := h.opened(h.ssn, "p", first[1].Value); got != "secret" {
		t.Errorf("sealed %q", got)
	}
	if s, ok := first[2].Value.(string); !ok || !strings.HasPrefix(s, "ss1.") || h.opened(h.note, "p", s) != "secret" {
		t.Errorf("a text carrier was sent %T", first[2].Value)
	}
	if bytes.Equal(first[1].Value.([]byte), second[1].Value.([]byte)) {
		t.Errorf("the second send repeats the first record")
	}
}

func TestRetryAfterABadConnectionSealsAfresh(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["ins"] = &rewrite.Plan{Text: "INS", Params: 1, Args: []rewrite.Out{sealArg(h.ssn, 1)}}
	fails := 1
	h.db.err = func(op, _ string) error {
		if op == "exec" && fails > 0 {
			fails--
			return driver.ErrBadConn
		}
		return nil
	}
	pool := sql.OpenDB(h.cr)
	defer pool.Close()
	if _, err := pool.Exec("ins", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if len(h.db.log) != 2 {
		t.Fatalf("sent %v", h.db.ops())
	}
	a, b := h.db.log[0].args[0].Value.([]byte), h.db.log[1].args[0].Value.([]byte)
	if bytes.Equal(a, b) || h.opened(h.ssn, "p", b) != "secret" {
		t.Errorf("the retry did not seal the caller's value")
	}
}

func TestSkippedStatementIsSealedOnceInThePreparedPath(t *testing.T) {
	h := newHarness(t)
	h.eng.prepares, h.db.skip = true, true
	h.plans.plans["ins"] = &rewrite.Plan{Text: "INS", Params: 1, Args: []rewrite.Out{sealArg(h.ssn, 1)}}
	pool := sql.OpenDB(h.cr)
	defer pool.Close()
	h.db.stmt = func(s *fakeStmt) driver.Stmt { return countStmt{s, -1} }
	if _, err := pool.Exec("ins", "secret"); err != nil {
		t.Fatal(err)
	}
	if got := h.db.ops(); !slices.Equal(got, []string{"prepare", "stmt exec"}) {
		t.Errorf("sent %v", got)
	}
	if got := h.opened(h.ssn, "p", h.db.last(t).args[0].Value); got != "secret" {
		t.Errorf("sealed %q", got)
	}
	for _, o := range h.plans.asked {
		if !o.Prepare {
			t.Errorf("planned for the path that does not run")
		}
	}
}

type countStmt struct {
	*fakeStmt
	n int
}

func (s countStmt) NumInput() int { return s.n }

func TestNumInputIsTheCallersCount(t *testing.T) {
	for _, inner := range []int{3, -1} {
		h := newHarness(t)
		h.db.stmt = func(s *fakeStmt) driver.Stmt { return countStmt{s, inner} }
		h.plans.plans["ins"] = &rewrite.Plan{Text: "INS", Params: 2, Args: []rewrite.Out{passArg(1), sealArg(h.ssn, 2), sealArg(h.note, 2)}}
		c := h.conn()
		st, err := c.Prepare("ins")
		if err != nil {
			t.Fatal(err)
		}
		pass, err := c.Prepare("other")
		if err != nil {
			t.Fatal(err)
		}
		want := 2
		if inner < 0 {
			want = -1
		}
		if st.NumInput() != want || pass.NumInput() != inner {
			t.Errorf("inner %d: sealed %d, passing %d", inner, st.NumInput(), pass.NumInput())
		}
	}
}

type validConn struct{ *fakeConn }

func (validConn) IsValid() bool { return false }

type checkedConn struct{ *fakeConn }

var errChecked = errors.New("checked by the connection")

func (checkedConn) CheckNamedValue(*driver.NamedValue) error { return errChecked }

type convertingStmt struct{ *fakeStmt }

func (convertingStmt) ColumnConverter(int) driver.ValueConverter { return driver.Bool }

type checkingStmt struct{ *fakeStmt }

var errStmtChecked = errors.New("checked by the statement")

func (checkingStmt) CheckNamedValue(*driver.NamedValue) error { return errStmtChecked }

func TestOptionalInterfacesArePresentWhereTheInnerOnesAre(t *testing.T) {
	h := newHarness(t)
	if _, ok := h.conn().(driver.Validator); ok {
		t.Error("a connection without Validator got one")
	}
	if err := h.conn().(driver.NamedValueChecker).CheckNamedValue(nil); err != driver.ErrSkip {
		t.Errorf("checker of a connection without: %v", err)
	}
	st, err := h.conn().Prepare("x")
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 its presence is what is tested
	if _, ok := st.(driver.ColumnConverter); ok {
		t.Error("a statement without ColumnConverter got one")
	}
	h.db.wrap = func(c *fakeConn) driver.Conn { return validConn{c} }
	if v, ok := h.conn().(driver.Validator); !ok || v.IsValid() {
		t.Error("IsValid is not the inner one")
	}
	h.db.wrap = func(c *fakeConn) driver.Conn { return checkedConn{c} }
	if st, err = h.conn().Prepare("x"); err != nil {
		t.Fatal(err)
	}
	if err := st.(driver.NamedValueChecker).CheckNamedValue(nil); err != errChecked {
		t.Errorf("the statement does not fall back to the connection: %v", err)
	}
	h.db.stmt = func(s *fakeStmt) driver.Stmt { return checkingStmt{s} }
	if st, err = h.conn().Prepare("x"); err != nil {
		t.Fatal(err)
	}
	if err := st.(driver.NamedValueChecker).CheckNamedValue(nil); err != errStmtChecked {
		t.Errorf("the statement's own checker: %v", err)
	}
	h.db.stmt = func(s *fakeStmt) driver.Stmt { return convertingStmt{s} }
	if st, err = h.conn().Prepare("x"); err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 its presence is what is tested
	if cc, ok := st.(driver.ColumnConverter); !ok || cc.ColumnConverter(0) != driver.Bool {
		t.Error("ColumnConverter is not the inner one")
	}
}

func TestErrorsOfTheInnerDriverKeepTheirIdentity(t *testing.T) {
	boom := &net{}
	for _, want := range []error{boom, driver.ErrBadConn, context.Canceled, io.ErrUnexpectedEOF} {
		h := newHarness(t)
		h.db.err = func(string, string) error { return want }
		c := h.conn()
		if _, err := c.(driver.ExecerContext).ExecContext(bg, "x", nil); err != want {
			t.Errorf("exec: %v", err)
		}
		if _, err := c.(driver.QueryerContext).QueryContext(bg, "x", nil); err != want {
			t.Errorf("query: %v", err)
		}
		if _, err := c.Prepare("x"); err != want {
			t.Errorf("prepare: %v", err)
		}
	}
}

type net struct{}

func (*net) Error() string { return "net" }

func TestContextReachesTheInnerDriver(t *testing.T) {
	h := newHarness(t)
	h.db.rows = func() driver.Rows { return &fakeRows{} }
	type key struct{}
	ctx := context.WithValue(bg, key{}, 1)
	c := h.conn()
	c.(driver.ExecerContext).ExecContext(ctx, "x", nil)
	c.(driver.QueryerContext).QueryContext(ctx, "x", nil)
	st, _ := c.(driver.ConnPrepareContext).PrepareContext(ctx, "x")
	st.(driver.StmtExecContext).ExecContext(ctx, nil)
	st.(driver.StmtQueryContext).QueryContext(ctx, nil)
	for i, got := range h.db.ctx {
		if got.Value(key{}) == nil {
			t.Errorf("%s without the caller's context", h.db.log[i].op)
		}
	}
}

func TestRowsAreOpenedIntoFreshMemory(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["sel"] = &rewrite.Plan{
		Text: "SEL", ArgsSame: true,
		Results: []rewrite.Open{{}, {Columns: []*schema.Column{h.ssn}, Partitions: []rewrite.PartitionSource{constPartition()}}},
	}
	inner := &fakeRows{names: []string{"id", "ssn"}, rows: [][]driver.Value{
		{int64(1), h.record(h.ssn, "p", "one")}, {int64(2), nil}, {int64(3), h.record(h.ssn, "p", "")}, {int64(4), []byte("plain")},
	}}
	h.db.rows = func() driver.Rows { return inner }
	rows, err := h.conn().(driver.QueryerContext).QueryContext(bg, "sel", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []any{"one", nil, ""} {
		dest := make([]driver.Value, 2)
		if err := rows.Next(dest); err != nil {
			t.Fatal(err)
		}
		if dest[1] != want {
			t.Errorf("got %#v, want %#v", dest[1], want)
		}
	}
	dest := make([]driver.Value, 2)
	if err := rows.Next(dest); !errors.Is(err, sealsql.ErrNotSealed) || dest[0] != nil || dest[1] != nil {
		t.Errorf("what is no record: %v %v", dest, err)
	}
	if err := rows.Close(); err != nil || !inner.closed {
		t.Errorf("close: %v", err)
	}
	if _, ok := rows.(driver.RowsNextResultSet); ok {
		t.Error("opened rows have several result sets")
	}
}

func TestHiddenColumnGivesThePartitionOfEachRow(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["sel"] = &rewrite.Plan{
		Text: "SEL", ArgsSame: true,
		Results: []rewrite.Open{
			{Columns: []*schema.Column{h.body}, Partitions: []rewrite.PartitionSource{{Known: true, ResultColumn: 2}}},
			{},
			{Hidden: true},
		},
		ResultNames: []string{"b", "", ""},
	}
	h.db.rows = func() driver.Rows {
		return &fakeRows{names: []string{"body", "id", "sealsql_p"}, rows: [][]driver.Value{
			{h.record(h.body, "acme", "A"), int64(1), "acme"},
			{h.record(h.body, "bolt", "B"), int64(2), "bolt"},
			{h.record(h.body, "acme", "A"), int64(3), "bolt"},
		}}
	}
	rows, err := h.conn().(driver.QueryerContext).QueryContext(bg, "sel", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := rows.Columns(); !slices.Equal(got, []string{"b", "id"}) {
		t.Errorf("columns %v", got)
	}
	for i, want := range []string{"A", "B"} {
		dest := make([]driver.Value, 2)
		if err := rows.Next(dest); err != nil || dest[0] != want || dest[1] != int64(i+1) {
			t.Errorf("row %v %v", dest, err)
		}
	}
	dest := make([]driver.Value, 2)
	if err := rows.Next(dest); !errors.Is(err, sealsql.ErrTampered) {
		t.Errorf("another partition's record: %v %v", dest, err)
	}
	types := rows.(interface {
		driver.RowsColumnTypeDatabaseTypeName
		driver.RowsColumnTypeNullable
		driver.RowsColumnTypeScanType
		driver.RowsColumnTypeLength
		driver.RowsColumnTypePrecisionScale
	})
	if got := types.ColumnTypeDatabaseTypeName(1); got != "INNER1" {
		t.Errorf("a clear column's type: %q", got)
	}
	if got := types.ColumnTypeDatabaseTypeName(0); got != h.eng.codec.Column(&h.body.Type).DatabaseTypeName {
		t.Errorf("an encrypted column's type: %q", got)
	}
	if _, _, ok := types.ColumnTypePrecisionScale(1); ok {
		t.Error("a precision that the inner driver does not give")
	}
}

func TestColumnsOfSeveralSourcesOpenByTheirTag(t *testing.T) {
	h := newHarness(t)
	row := rewrite.PartitionSource{Known: true, Value: &rewrite.Value{Source: rewrite.FromContextPartition}, ResultColumn: -1}
	h.plans.plans["sel"] = &rewrite.Plan{
		Text: "SEL", ArgsSame: true,
		Results: []rewrite.Open{{Columns: []*schema.Column{h.ssn, h.body}, Partitions: []rewrite.PartitionSource{constPartition(), row}}},
	}
	h.db.rows = func() driver.Rows {
		return &fakeRows{names: []string{"v"}, rows: [][]driver.Value{
			{h.record(h.body, "acme", "B")}, {h.record(h.ssn, "p", "S")}, {h.record(h.note, "p", "N")},
		}}
	}
	rows, err := h.conn().(driver.QueryerContext).QueryContext(sealsql.WithPartition(bg, "acme"), "sel", nil)
	if err != nil {
		t.Fatal(err)
	}
	dest := make([]driver.Value, 1)
	for _, want := range []string{"B", "S"} {
		if err := rows.Next(dest); err != nil || dest[0] != want {
			t.Errorf("got %v %v, want %s", dest, err, want)
		}
	}
	if err := rows.Next(dest); !errors.Is(err, envelope.ErrWrongColumn) {
		t.Errorf("a third column's record: %v", err)
	}
	if _, err := h.conn().(driver.QueryerContext).QueryContext(bg, "sel", nil); !errors.Is(err, sealsql.ErrPartitionMissing) {
		t.Errorf("without a partition: %v", err)
	}
}

func TestOtherNumberOfColumnsThanPlannedIsAnErrorAndReloads(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["sel"] = &rewrite.Plan{
		Text: "SEL", ArgsSame: true,
		Results: []rewrite.Open{{Columns: []*schema.Column{h.ssn}, Partitions: []rewrite.PartitionSource{constPartition()}}},
	}
	inner := &fakeRows{names: []string{"a", "b"}}
	h.db.rows = func() driver.Rows { return inner }
	c := h.conn()
	if _, err := c.(driver.QueryerContext).QueryContext(bg, "sel", nil); !errors.Is(err, sealsql.ErrCatalogChanged) || !inner.closed {
		t.Errorf("got %v, closed %v", err, inner.closed)
	}
	before := h.eng.snapshots
	c.(driver.QueryerContext).QueryContext(bg, "sel", nil)
	if h.eng.snapshots != before+1 {
		t.Errorf("the catalog was not read again")
	}
}

func TestLiteralsAreSealedIntoTheText(t *testing.T) {
	h := newHarness(t)
	lit := func(col *schema.Column, l rewrite.Literal) rewrite.Out {
		return rewrite.Out{Value: rewrite.Value{Source: rewrite.FromLiteral, Literal: &l}, Seal: col, Partition: constPartition()}
	}
	h.plans.plans["ins"] = &rewrite.Plan{Text: "A()B()C()", ArgsSame: true, Holes: []rewrite.Hole{
		{At: 2, Out: lit(h.ssn, rewrite.Literal{Kind: rewrite.LitString, Value: "it's"})},
		{At: 5, Out: lit(h.note, rewrite.Literal{Kind: rewrite.LitString, Value: "n"})},
		{At: 8, Out: lit(h.note, rewrite.Literal{Kind: rewrite.LitNull})},
	}}
	c := h.conn()
	if _, err := c.(driver.ExecerContext).ExecContext(bg, "ins", nil); err != nil {
		t.Fatal(err)
	}
	got := h.db.last(t).text
	if !strings.HasPrefix(got, "A(x'f9") && !strings.HasPrefix(got, "A(X'F9") || !strings.Contains(got, ")B('ss1.") || !strings.HasSuffix(got, ")C(NULL)") {
		t.Errorf("sent %s", got)
	}
}

// A prepared statement whose values are written into its text is prepared for
// each execution, and what is prepared ahead holds none of them.
func TestPreparedTextWithHolesIsPreparedForEachExecution(t *testing.T) {
	h := newHarness(t)
	var prepared []*fakeStmt
	h.db.stmt = func(s *fakeStmt) driver.Stmt {
		prepared = append(prepared, s)
		return s
	}
	h.plans.plans["ins"] = &rewrite.Plan{
		Text: "A(?, )", Params: 2,
		Args:  []rewrite.Out{{Value: rewrite.Value{Source: rewrite.FromArg, Arg: 2}}},
		Holes: []rewrite.Hole{{At: 5, Out: sealArg(h.ssn, 1)}},
		Results: []rewrite.Open{
			{Columns: []*schema.Column{h.ssn}, Partitions: []rewrite.PartitionSource{constPartition()}},
		},
	}
	inner := &fakeRows{names: []string{"ssn"}}
	h.db.rows = func() driver.Rows { return inner }
	st, err := h.conn().Prepare("ins")
	if err != nil {
		t.Fatal(err)
	}
	if st.NumInput() != 2 || len(prepared) != 1 || prepared[0].text != "A(?, x'f900')" {
		t.Fatalf("%d arguments, prepared %q", st.NumInput(), prepared[0].text)
	}
	args := namedArgs(secret, int64(7))
	for range 2 {
		if _, err := st.(driver.StmtExecContext).ExecContext(bg, args); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := st.(driver.StmtQueryContext).QueryContext(bg, args)
	if err != nil {
		t.Fatal(err)
	}
	if len(prepared) != 4 || !prepared[1].closed || !prepared[2].closed || prepared[3].closed || prepared[1].text == prepared[2].text {
		t.Fatalf("%d statements were prepared", len(prepared))
	}
	if err := rows.Close(); err != nil || !prepared[3].closed || !inner.closed {
		t.Errorf("closing the rows left the statement open (%v)", err)
	}
	for _, s := range prepared[1:] {
		if !strings.HasPrefix(s.text, "A(?, x'f9") || strings.Contains(s.text, secret) {
			t.Errorf("prepared %q", s.text)
		}
	}
	for _, s := range h.db.log {
		if s.op == "stmt exec" && (len(s.args) != 1 || s.args[0].Value != int64(7)) {
			t.Errorf("sent %v", s.args)
		}
	}
	if err := st.Close(); err != nil || !prepared[0].closed {
		t.Errorf("the statement is open (%v)", err)
	}
}

func TestRecordThatTheColumnWouldCutIsNotSent(t *testing.T) {
	h := newHarness(t)
	h.eng.limit = 80
	h.eng.snapshot = func() *rewrite.Snapshot {
		return &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{{
			ID: rewrite.RelationID{Schema: "main", Name: "users"}, Kind: rewrite.RelTable,
			Columns: []rewrite.CatalogColumn{{Name: "SSN", Type: "blob"}, {Name: "note", Type: "text"}},
		}}}
	}
	h.plans.plans["ins"] = &rewrite.Plan{Text: "INS", Params: 1, Args: []rewrite.Out{sealArg(h.ssn, 1)}}
	h.cr.engine, h.cr.cats.engine = &pathEngine{h.eng}, &pathEngine{h.eng}
	c := h.conn().(driver.ExecerContext)
	if _, err := c.ExecContext(bg, "ins", namedArgs("short")); err != nil {
		t.Errorf("short: %v", err)
	}
	if _, err := c.ExecContext(bg, "ins", namedArgs(strings.Repeat("x", 40))); !errors.Is(err, sealsql.ErrTooLong) {
		t.Errorf("long: %v", err)
	}
	if len(h.db.log) != 1 {
		t.Errorf("sent %v", h.db.ops())
	}
}

func TestWrongNumberOfArgumentsIsNotSent(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["ins"] = &rewrite.Plan{Text: "INS", Params: 2, Args: []rewrite.Out{passArg(1), sealArg(h.ssn, 2)}}
	c := h.conn().(driver.ExecerContext)
	for _, args := range [][]driver.NamedValue{nil, namedArgs(1)} {
		if _, err := c.ExecContext(bg, "ins", args); err == nil {
			t.Errorf("%d arguments went through", len(args))
		}
	}
	if len(h.db.log) != 0 {
		t.Errorf("sent %v", h.db.ops())
	}
}

func TestChecksCompareCanonicalPartitions(t *testing.T) {
	h := newHarness(t)
	arg := rewrite.Value{Source: rewrite.FromArg, Arg: 1}
	h.plans.plans["ins"] = &rewrite.Plan{
		Text: "INS", Params: 2,
		Args: []rewrite.Out{passArg(1), {
			Value: rewrite.Value{Source: rewrite.FromArg, Arg: 2}, Seal: h.body,
			Partition: rewrite.PartitionSource{Known: true, Value: &arg, ResultColumn: -1},
		}},
		Checks: []rewrite.Check{{A: arg, B: rewrite.Value{Source: rewrite.FromContextPartition}, Table: h.body.Table}},
	}
	c := h.conn().(driver.ExecerContext)
	if _, err := c.ExecContext(sealsql.WithPartition(bg, "acme"), "ins", namedArgs("acme", "x")); err != nil {
		t.Fatal(err)
	}
	if got := h.opened(h.body, "acme", h.db.last(t).args[1].Value); got != "x" {
		t.Errorf("sealed %q", got)
	}
	for name, ctx := range map[string]context.Context{"other": sealsql.WithPartition(bg, "bolt")} {
		if _, err := c.ExecContext(ctx, "ins", namedArgs("acme", "x")); !errors.Is(err, sealsql.ErrPartitionMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.ExecContext(bg, "ins", namedArgs("acme", "x")); !errors.Is(err, sealsql.ErrPartitionMissing) {
		t.Errorf("without: %v", err)
	}
	if _, err := c.ExecContext(sealsql.WithPartition(bg, ""), "ins", namedArgs("", "x")); !errors.Is(err, envelope.ErrPartition) {
		t.Errorf("empty: %v", err)
	}
	if _, err := c.ExecContext(sealsql.WithPartition(bg, "acme"), "ins", namedArgs(nil, "x")); !errors.Is(err, sealsql.ErrPartitionMissing) {
		t.Errorf("NULL: %v", err)
	}
}

func TestGuardViolationHidesTheRow(t *testing.T) {
	h := newHarness(t)
	h.eng.guard = errors.New("failing row contains (secret)")
	h.db.err = func(string, string) error { return h.eng.guard }
	_, err := h.conn().(driver.ExecerContext).ExecContext(bg, "x", nil)
	if !errors.Is(err, sealsql.ErrPlaintextBlocked) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestConnectorClosesWhatIsBehindIt(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["ins"] = &rewrite.Plan{Text: "INS", Params: 1, Args: []rewrite.Out{sealArg(h.ssn, 1)}}
	c := h.conn().(driver.ExecerContext)
	if err := h.cr.Close(); err != nil || !h.db.closed {
		t.Errorf("close: %v, inner closed %v", err, h.db.closed)
	}
	if _, err := c.ExecContext(bg, "ins", namedArgs("x")); !errors.Is(err, sealsql.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if len(h.db.log) != 0 {
		t.Errorf("sent %v", h.db.ops())
	}
}

func TestPreparedStatementFollowsItsPlan(t *testing.T) {
	h := newHarness(t)
	c := h.conn()
	st, err := c.Prepare("q")
	if err != nil {
		t.Fatal(err)
	}
	run := func() sent {
		t.Helper()
		if _, err := st.(driver.StmtExecContext).ExecContext(bg, namedArgs("v")); err != nil {
			t.Fatal(err)
		}
		return h.db.last(t)
	}
	if got := run(); got.text != "q" || got.args[0].Value != "v" {
		t.Errorf("passing: %v", got)
	}
	// The database's catalog changed, and with it what the text means.
	changed := func(routine string) {
		h.eng.snapshot = func() *rewrite.Snapshot { return &rewrite.Snapshot{Routines: []string{routine}} }
		h.cr.cats.invalidate()
	}
	changed("a")
	h.plans.plans["q"] = &rewrite.Plan{Text: "Q2", Params: 1, Args: []rewrite.Out{sealArg(h.ssn, 1)}}
	if got := run(); got.text != "Q2" || h.opened(h.ssn, "p", got.args[0].Value) != "v" {
		t.Errorf("annotated: %v", got)
	}
	if got := h.db.ops(); !slices.Equal(got, []string{"prepare", "stmt exec", "prepare", "stmt exec"}) {
		t.Errorf("sent %v", got)
	}
	refusal := &rewrite.UnsupportedError{Reason: rewrite.ReasonView}
	h.plans.errs["q"] = refusal
	changed("b")
	if _, err := st.(driver.StmtExecContext).ExecContext(bg, namedArgs("v")); err != error(refusal) {
		t.Errorf("refused: %v", err)
	}
}

func TestChangesInATransactionStayWithItsConnection(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["ddl"] = &rewrite.Plan{Pass: true, Text: "ddl", Effects: rewrite.EffectCatalog | rewrite.EffectSession}
	one, two := h.conn(), h.conn()
	exec := func(c driver.Conn, q string) {
		t.Helper()
		if _, err := c.(driver.ExecerContext).ExecContext(bg, q, nil); err != nil {
			t.Fatal(err)
		}
	}
	reads := func(want int, when string) {
		t.Helper()
		if h.eng.snapshots != want {
			t.Errorf("%s: %d catalog reads, want %d", when, h.eng.snapshots, want)
		}
	}
	exec(one, "SELECT 1")
	exec(two, "SELECT 1")
	reads(1, "the second connection shares the first one's catalog")
	tx, err := one.(driver.ConnBeginTx).BeginTx(bg, driver.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	exec(one, "ddl")
	exec(one, "SELECT 1")
	reads(2, "after a change the connection reads for itself")
	exec(two, "SELECT 1")
	reads(3, "others read too, and do not take the uncommitted catalog")
	exec(one, "SELECT 1")
	exec(two, "SELECT 1")
	reads(3, "no more reads while nothing changes")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	exec(one, "SELECT 1")
	reads(4, "the end of the transaction takes the change back")
	exec(two, "SELECT 1")
	reads(4, "and both share again")
	if got := h.eng.sessions; got < 4 {
		t.Errorf("%d session reads", got)
	}
}

func TestTextualRollbackIsNoticed(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["ddl"] = &rewrite.Plan{Pass: true, Text: "ddl", Effects: rewrite.EffectCatalog}
	c := h.conn().(driver.ExecerContext)
	for _, q := range []string{"SELECT 1", "BEGIN", "ddl", "SELECT 1"} {
		c.ExecContext(bg, q, nil)
	}
	before := h.eng.snapshots
	c.ExecContext(bg, "SELECT 1", nil)
	if h.eng.snapshots != before {
		t.Errorf("read again without cause")
	}
	c.ExecContext(bg, "ROLLBACK", nil)
	c.ExecContext(bg, "SELECT 1", nil)
	if h.eng.snapshots != before+1 {
		t.Errorf("%d reads after ROLLBACK, want one more than %d", h.eng.snapshots, before)
	}
}

func TestErrorThatShowsAStaleCatalogReloadsIt(t *testing.T) {
	h := newHarness(t)
	h.eng.stale = errors.New("no such column")
	h.db.err = func(op, text string) error {
		if text == "bad" {
			return h.eng.stale
		}
		return nil
	}
	c := h.conn().(driver.ExecerContext)
	c.ExecContext(bg, "x", nil)
	h.cr.cats.start = h.cr.cats.start.Add(time.Hour) // however long this takes, the reading is young
	if _, err := c.ExecContext(bg, "bad", nil); err != h.eng.stale {
		t.Errorf("got %v", err)
	}
	c.ExecContext(bg, "x", nil)
	if h.eng.snapshots != 1 {
		t.Error("a catalog that was read just now was read again")
	}
	h.cr.cats.start = h.cr.cats.start.Add(-time.Hour - moment)
	c.ExecContext(bg, "bad", nil)
	c.ExecContext(bg, "x", nil)
	if h.eng.snapshots != 2 {
		t.Error("the catalog was not read again")
	}
}

// A table that another program made a moment ago is not refused because the catalog
// was read just before.
func TestAStatementWaitsForACatalogThatMayKnowItsTable(t *testing.T) {
	h := newHarness(t)
	h.plans.errs["new"] = &rewrite.UnsupportedError{Reason: rewrite.ReasonUnknownRelation}
	c := h.conn().(driver.ExecerContext)
	c.ExecContext(bg, "x", nil)
	h.cr.cats.start = h.cr.cats.start.Add(time.Hour) // however long this takes, the reading is young
	var u *rewrite.UnsupportedError
	if _, err := c.ExecContext(bg, "new", nil); !errors.As(err, &u) || h.eng.snapshots != 2 {
		t.Errorf("got %v after %d reads", err, h.eng.snapshots)
	}
	h.cr.cats.start = h.cr.cats.start.Add(time.Hour)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if _, err := c.ExecContext(ctx, "new", nil); err == nil || h.eng.snapshots != 2 {
		t.Errorf("got %v after %d reads", err, h.eng.snapshots)
	}
}

func TestCatalogIsNotReadBesideOpenRows(t *testing.T) {
	h := newHarness(t)
	h.eng.notReady = true
	c := h.conn().(driver.ExecerContext)
	_, err := c.ExecContext(bg, "INSERT INTO x VALUES (1)", nil)
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) || u.Reason != rewrite.ReasonCatalog || u.Hint == "" {
		t.Errorf("got %v", err)
	}
	if _, err := c.ExecContext(bg, "ROLLBACK", nil); err != nil {
		t.Errorf("the way out of a failed transaction: %v", err)
	}
	if _, err := c.ExecContext(bg, "ROLLBACK; INSERT INTO x VALUES (1)", nil); err == nil {
		t.Error("a statement behind ROLLBACK went through")
	}
}

func TestSameCatalogReadAgainKeepsItsPlans(t *testing.T) {
	h := newHarness(t)
	c := h.conn()
	c.(driver.ExecerContext).ExecContext(bg, "x", nil)
	first := c.(*conn).view
	h.cr.cats.invalidate()
	c.(driver.ExecerContext).ExecContext(bg, "x", nil)
	if h.eng.snapshots != 2 || c.(*conn).view != first {
		t.Errorf("%d reads, same catalog %v", h.eng.snapshots, c.(*conn).view == first)
	}
	h.eng.snapshot = func() *rewrite.Snapshot { return &rewrite.Snapshot{Routines: []string{"f"}} }
	h.cr.cats.invalidate()
	c.(driver.ExecerContext).ExecContext(bg, "x", nil)
	if c.(*conn).view == first {
		t.Error("another catalog under the same identity")
	}
}

func TestConfigurationParameterIsCutOutOfDataSourceNames(t *testing.T) {
	for _, c := range []struct{ dsn, rest, file string }{
		{"a?sealsql_config=x", "a", "x"},
		{"a?b=1&sealsql_config=%2Fx%20y&c=%zz", "a?b=1&c=%zz", "/x y"},
		{"a?sealsql_config=", "a", ""},
		{"a?b=1", "a?b=1", ""},
		{"a", "a", ""},
		{"a?seal%73ql_config=x&b", "a?b", "x"},
	} {
		rest, file, err := CutDSN(c.dsn, strings.IndexByte(c.dsn, '?'))
		if err != nil || rest != c.rest || file != c.file {
			t.Errorf("%s: %q %q %v", c.dsn, rest, file, err)
		}
	}
	for _, dsn := range []string{"a?sealsql_config=x&sealsql_config=y", "a?sealsql_config=%zz"} {
		if _, _, err := CutDSN(dsn, 1); err == nil {
			t.Errorf("%s: no error", dsn)
		}
	}
}

func TestPreparedStatementIsPreparedAgainWhenNamesMeanSomethingElse(t *testing.T) {
	h := newHarness(t)
	h.plans.plans["use"] = &rewrite.Plan{Pass: true, Text: "use", Effects: rewrite.EffectSession}
	e := &namingEngine{fakeEngine: h.eng, name: "a"}
	h.cr.engine, h.cr.cats.engine = e, e
	c := h.conn()
	st, err := c.Prepare("q")
	if err != nil {
		t.Fatal(err)
	}
	run := func() {
		t.Helper()
		if _, err := st.(driver.StmtExecContext).ExecContext(bg, nil); err != nil {
			t.Fatal(err)
		}
	}
	run()
	e.name = "b"
	if _, err := c.(driver.ExecerContext).ExecContext(bg, "use", nil); err != nil {
		t.Fatal(err)
	}
	run()
	run()
	if got := h.db.ops(); !slices.Equal(got, []string{"prepare", "stmt exec", "exec", "prepare", "stmt exec", "stmt exec"}) {
		t.Errorf("sent %v", got)
	}
}

// namingEngine resolves names in a schema that the test changes.
type namingEngine struct {
	*fakeEngine
	name string
}

func (e *namingEngine) Session(context.Context, *Reader) (*Session, error) {
	return &Session{Scope: "x", Plan: rewrite.Session{Namespace: e.name}, Names: rewrite.Names{SearchPath: []string{e.name}}, Codec: e.codec, Prepared: e.codec}, nil
}

func TestOneConnectionRenewsAnOldCatalogForAll(t *testing.T) {
	h := newHarness(t)
	h.cr.cats.maxAge = time.Hour
	var conns []driver.ExecerContext
	for range 5 {
		conns = append(conns, h.conn().(driver.ExecerContext))
	}
	all := func() {
		for _, c := range conns {
			if _, err := c.ExecContext(bg, "SELECT 1", nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	all()
	if h.eng.snapshots != 1 {
		t.Errorf("%d reads at first", h.eng.snapshots)
	}
	h.cr.cats.shared("fake").old.Store(true) // as the timer does
	all()
	if h.eng.snapshots != 2 {
		t.Errorf("%d reads after the catalog became old, want 2", h.eng.snapshots)
	}
	// An invalidation is not postponed.
	h.cr.cats.invalidate()
	all()
	if h.eng.snapshots != 3 {
		t.Errorf("%d reads after an invalidation, want 3", h.eng.snapshots)
	}
}

// A reading that has ended keeps nobody from reading again at the next age.
func TestAnOldCatalogIsPostponedOnlyWhileItIsRead(t *testing.T) {
	h := newHarness(t)
	h.cr.cats.maxAge = 30 * time.Millisecond
	a, b := h.conn().(driver.ExecerContext), h.conn().(driver.ExecerContext)
	for want := 1; want <= 4; want++ {
		for _, c := range []driver.ExecerContext{a, b} {
			if _, err := c.ExecContext(bg, "SELECT 1", nil); err != nil {
				t.Fatal(err)
			}
		}
		if h.eng.snapshots < want {
			t.Fatalf("%d reads in age %d", h.eng.snapshots, want)
		}
		for old := h.cr.cats.shared("fake").old; !old.Load(); {
			time.Sleep(time.Millisecond)
		}
		a, b = b, a
	}
}

package driver

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"sync"
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/rewrite"
	front "github.com/sealsql/sealsql/rewrite/sqlite"
	"github.com/sealsql/sealsql/schema"
)

// sent is one thing that the inner driver was asked to do.
type sent struct {
	op, text string
	args     []driver.NamedValue
}

// fakeDB is an inner driver that records what it is sent and answers as told.
type fakeDB struct {
	mu   sync.Mutex
	log  []sent
	ctx  []context.Context
	rows func() driver.Rows
	err  func(op, text string) error
	// skip makes ExecContext and QueryContext with arguments prepare.
	skip   bool
	closed bool
	// wrap chooses which optional interfaces connections have.
	wrap func(*fakeConn) driver.Conn
	stmt func(*fakeStmt) driver.Stmt
}

func (db *fakeDB) note(ctx context.Context, op, text string, args []driver.NamedValue) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.log = append(db.log, sent{op, text, append([]driver.NamedValue(nil), args...)})
	db.ctx = append(db.ctx, ctx)
	if db.err != nil {
		return db.err(op, text)
	}
	return nil
}

func (db *fakeDB) last(t *testing.T) sent {
	t.Helper()
	db.mu.Lock()
	defer db.mu.Unlock()
	if len(db.log) == 0 {
		t.Fatal("nothing was sent")
	}
	return db.log[len(db.log)-1]
}

func (db *fakeDB) ops() []string {
	db.mu.Lock()
	defer db.mu.Unlock()
	var out []string
	for _, s := range db.log {
		out = append(out, s.op)
	}
	return out
}

func (db *fakeDB) Connect(context.Context) (driver.Conn, error) {
	c := &fakeConn{db: db}
	if db.wrap != nil {
		return db.wrap(c), nil
	}
	return c, nil
}

func (db *fakeDB) Driver() driver.Driver { return fakeDriver{} }

func (db *fakeDB) Close() error { db.closed = true; return nil }

type fakeDriver struct{}

func (fakeDriver) Open(string) (driver.Conn, error) { return nil, io.EOF }

type fakeConn struct {
	db     *fakeDB
	resets int
}

func (c *fakeConn) Prepare(q string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), q)
}

func (c *fakeConn) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	if err := c.db.note(ctx, "prepare", q, nil); err != nil {
		return nil, err
	}
	st := &fakeStmt{c: c, text: q}
	if c.db.stmt != nil {
		return c.db.stmt(st), nil
	}
	return st, nil
}
func (c *fakeConn) Close() error { return nil }
func (c *fakeConn) Begin() (driver.Tx, error) {
	return fakeTx{c.db}, c.db.note(context.Background(), "begin", "", nil)
}

func (c *fakeConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	if c.db.skip && len(args) > 0 {
		return nil, driver.ErrSkip
	}
	if err := c.db.note(ctx, "exec", q, args); err != nil {
		return nil, err
	}
	return fakeResult{}, nil
}

func (c *fakeConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	if c.db.skip && len(args) > 0 {
		return nil, driver.ErrSkip
	}
	if err := c.db.note(ctx, "query", q, args); err != nil {
		return nil, err
	}
	return c.db.rows(), nil
}

func (c *fakeConn) ResetSession(context.Context) error { c.resets++; return nil }

type fakeTx struct{ db *fakeDB }

func (t fakeTx) Commit() error   { return t.db.note(context.Background(), "commit", "", nil) }
func (t fakeTx) Rollback() error { return t.db.note(context.Background(), "rollback", "", nil) }

type fakeResult struct{}

func (fakeResult) LastInsertId() (int64, error) { return 7, nil }
func (fakeResult) RowsAffected() (int64, error) { return 1, nil }

type fakeStmt struct {
	c      *fakeConn
	text   string
	closed bool
}

func (s *fakeStmt) Close() error                               { s.closed = true; return nil }
func (s *fakeStmt) NumInput() int                              { return 9 }
func (s *fakeStmt) Exec([]driver.Value) (driver.Result, error) { return nil, io.EOF }
func (s *fakeStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, io.EOF }
func (s *fakeStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.c.db.note(ctx, "stmt exec", s.text, args); err != nil {
		return nil, err
	}
	return fakeResult{}, nil
}

func (s *fakeStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.c.db.note(ctx, "stmt query", s.text, args); err != nil {
		return nil, err
	}
	return s.c.db.rows(), nil
}

// fakeRows is an inner result; it reuses its byte slices, as real drivers do.
type fakeRows struct {
	names  []string
	rows   [][]driver.Value
	at     int
	buf    [][]byte
	closed bool
}

func (r *fakeRows) Columns() []string { return r.names }
func (r *fakeRows) Close() error      { r.closed = true; return nil }
func (r *fakeRows) Next(dest []driver.Value) error {
	if r.at == len(r.rows) {
		return io.EOF
	}
	if r.buf == nil {
		r.buf = make([][]byte, len(r.names))
	}
	for i, v := range r.rows[r.at] {
		if b, ok := v.([]byte); ok {
			r.buf[i] = append(r.buf[i][:0], b...)
			v = r.buf[i]
		}
		dest[i] = v
	}
	r.at++
	return nil
}

func (r *fakeRows) ColumnTypeDatabaseTypeName(i int) string { return fmt.Sprintf("INNER%d", i) }
func (r *fakeRows) ColumnTypeNullable(i int) (bool, bool)   { return i == 0, true }
func (r *fakeRows) ColumnTypeScanType(i int) reflect.Type   { return reflect.TypeFor[[]byte]() }

// fakeEngine reads no catalog.
type fakeEngine struct {
	front     rewrite.Frontend
	codec     logical.Codec
	prepares  bool
	notReady  bool
	private   bool
	sessions  int
	snapshots int
	snapshot  func() *rewrite.Snapshot
	limit     int
	stale     error
	guard     error
}

func newFakeEngine() *fakeEngine {
	return &fakeEngine{front: front.New(), codec: litevalue.New(litevalue.Options{})}
}

func (e *fakeEngine) Frontend() rewrite.Frontend { return e.front }
func (e *fakeEngine) Check(t *schema.Type) error { return e.codec.Check(t) }
func (e *fakeEngine) Session(context.Context, *Reader) (*Session, error) {
	e.sessions++
	return &Session{Scope: "fake", Private: e.private, Codec: e.codec, Prepared: e.codec}, nil
}
func (e *fakeEngine) SessionChanged(driver.Conn, *Session) bool { return false }
func (e *fakeEngine) Snapshot(context.Context, *Reader, *Session) (*rewrite.Snapshot, error) {
	e.snapshots++
	if e.snapshot != nil {
		return e.snapshot(), nil
	}
	return &rewrite.Snapshot{}, nil
}
func (e *fakeEngine) Ready(driver.Conn) bool { return !e.notReady }
func (e *fakeEngine) Stale(err error) bool   { return e.stale != nil && err == e.stale }
func (e *fakeEngine) Guard(err error) string {
	if e.guard != nil && err == e.guard {
		return "sealsql_users_ssn"
	}
	return ""
}
func (e *fakeEngine) AlwaysPrepares() bool { return e.prepares }
func (e *fakeEngine) Limit(string) int     { return e.limit }

// fakePlanner answers from a table.
type fakePlanner struct {
	plans map[string]*rewrite.Plan
	errs  map[string]error
	asked []rewrite.Options
}

func (p *fakePlanner) Plan(text string, _ rewrite.Catalog, _ *rewrite.Session, o rewrite.Options) (*rewrite.Plan, error) {
	p.asked = append(p.asked, o)
	if err := p.errs[text]; err != nil {
		return nil, err
	}
	if plan := p.plans[text]; plan != nil {
		return plan, nil
	}
	return &rewrite.Plan{Pass: true, Text: text, ArgsSame: true, Params: -1}, nil
}

// harness is a wrapped fake driver with a planner of tables.
type harness struct {
	t     *testing.T
	db    *fakeDB
	eng   *fakeEngine
	plans *fakePlanner
	cr    *connector
	ssn   *schema.Column
	note  *schema.Column
	body  *schema.Column
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	text, err := schema.ParseType("text")
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, db: &fakeDB{}, plans: &fakePlanner{plans: map[string]*rewrite.Plan{}, errs: map[string]error{}}}
	h.eng = newFakeEngine()
	h.ssn = &schema.Column{Name: "ssn", Type: text}
	h.note = &schema.Column{Name: "note", Type: text, Carrier: schema.CarrierText}
	h.body = &schema.Column{Name: "body", Type: text}
	cat, err := schema.New([]*schema.Table{
		{Name: "users", Columns: []*schema.Column{h.ssn, h.note}, Partition: schema.Partition{Const: "p"}},
		{Name: "docs", Columns: []*schema.Column{h.body}, Partition: schema.Partition{Kind: schema.PartitionColumn, Column: "tenant", Type: text}},
	}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(h.db, h.eng, Options{Annotations: cat, Sealer: newSealer(t)})
	if err != nil {
		t.Fatal(err)
	}
	h.cr = c.(*connector)
	h.cr.plans = h.plans
	return h
}

func newSealer(t testing.TB) *envelope.Sealer {
	t.Helper()
	ctx := context.Background()
	opts, _ := json.Marshal(map[string]any{"key": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "insecure": true})
	kms, err := envelope.OpenKMS(ctx, "static", opts)
	if err != nil {
		t.Fatal(err)
	}
	s, err := envelope.New(ctx, envelope.Config{Service: "s", Product: "p", KMS: kms, Metastore: builtin.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (h *harness) conn() driver.Conn {
	h.t.Helper()
	c, err := h.cr.Connect(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// record seals a text for a column.
func (h *harness) record(col *schema.Column, partition, text string) []byte {
	h.t.Helper()
	p, err := envelope.PartitionID(partition)
	if err != nil {
		h.t.Fatal(err)
	}
	b, err := h.cr.seals.sealer.Seal(context.Background(), nil, h.cr.seals.column(col), p, byte(logical.TagText), []byte(text))
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// opened returns the plaintext of a record.
func (h *harness) opened(col *schema.Column, partition string, v any) string {
	h.t.Helper()
	rec, ok := v.([]byte)
	if s, isText := v.(string); isText {
		var err error
		if rec, err = envelope.Dearmour(nil, []byte(s)); err != nil {
			h.t.Fatal(err)
		}
	} else if !ok {
		h.t.Fatalf("sent %T", v)
	}
	p, err := envelope.PartitionID(partition)
	if err != nil {
		h.t.Fatal(err)
	}
	out, _, _, err := h.cr.seals.sealer.Open(context.Background(), nil, h.cr.seals.single[col], p, rec)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(out)
}

func constPartition() rewrite.PartitionSource {
	return rewrite.PartitionSource{Known: true, Const: "p", ResultColumn: -1}
}

func sealArg(col *schema.Column, arg int) rewrite.Out {
	return rewrite.Out{Value: rewrite.Value{Source: rewrite.FromArg, Arg: arg}, Seal: col, Partition: constPartition()}
}

func passArg(arg int) rewrite.Out {
	return rewrite.Out{Value: rewrite.Value{Source: rewrite.FromArg, Arg: arg}}
}

func namedArgs(vals ...any) []driver.NamedValue {
	out := make([]driver.NamedValue, len(vals))
	for i, v := range vals {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}

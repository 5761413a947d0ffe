package driver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

const reloadHead = `version: 1
service: s
product: p
kms: {static: {insecure: true, key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f}}
catalog: {read: none}
guards: off
`

// reloading is a database whose configuration is replaced.
type reloading struct {
	t     *testing.T
	file  string
	fake  *fakeDB
	outer *reloadable
	db    *sql.DB
}

// keptStore stays when a sealer is closed, as a table of a database does.
type keptStore struct{ envelope.Metastore }

func (keptStore) Close() error { return nil }

func newReloading(t *testing.T, tables string) *reloading {
	t.Helper()
	r := &reloading{t: t, file: filepath.Join(t.TempDir(), "sealsql.yaml"), fake: &fakeDB{}}
	r.fake.stmt = func(s *fakeStmt) driver.Stmt { return anyCount{s} }
	r.write(tables)
	cfg, err := config.Load(r.file)
	if err != nil {
		t.Fatal(err)
	}
	store := keptStore{builtin.NewMemory()}
	c, err := Open(r.fake, &lockedEngine{fakeEngine: newFakeEngine()}, cfg, nil, func(config.Metastore) (envelope.Metastore, error) { return store, nil })
	if err != nil {
		t.Fatal(err)
	}
	r.outer = c.(*reloadable)
	r.db = sql.OpenDB(c)
	t.Cleanup(func() { r.db.Close() })
	return r
}

// lockedEngine is a fakeEngine for many connections at once.
type lockedEngine struct {
	*fakeEngine
	mu sync.Mutex
}

func (e *lockedEngine) Session(ctx context.Context, r *Reader) (*Session, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fakeEngine.Session(ctx, r)
}

// anyCount does not count its arguments, as SQLite's driver.
type anyCount struct{ *fakeStmt }

func (anyCount) NumInput() int { return -1 }

func (r *reloading) write(tables string) {
	r.t.Helper()
	if tables != "" {
		tables = "tables: {" + tables + "}\n"
	}
	if err := os.WriteFile(r.file, []byte(reloadHead+tables), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// insert sends a value and reports whether it was sealed.
func (r *reloading) insert(exec func() error) bool {
	r.t.Helper()
	if err := exec(); err != nil {
		r.t.Fatal(err)
	}
	b, ok := r.fake.last(r.t).args[0].Value.([]byte)
	return ok && envelope.IsRecord(b)
}

const (
	onlyUsers = "users: {columns: {ssn: encrypted}}"
	withNote  = "users: {columns: {ssn: encrypted, note: encrypted}}"
	writeNote = "INSERT INTO users (note) VALUES (?)"
)

func TestReloadedConfigurationHoldsForTheNextStatement(t *testing.T) {
	r := newReloading(t, onlyUsers)
	r.db.SetMaxOpenConns(1)
	prepared, err := r.db.Prepare(writeNote)
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	adHoc := func() error { _, err := r.db.Exec(writeNote, "x"); return err }
	again := func() error { _, err := prepared.Exec("x"); return err }
	if r.insert(adHoc) || r.insert(again) {
		t.Fatal("a clear column was sealed")
	}
	old := r.outer.current
	r.write(withNote)
	changes, err := Reload(bg, r.db)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) == 0 {
		t.Error("no change is reported")
	}
	if !r.insert(adHoc) || !r.insert(again) {
		t.Error("the new column is not sealed")
	}
	if p, err := envelope.PartitionID("p"); err != nil || !errors.Is(seal(old, p), envelope.ErrClosed) {
		t.Error("the keys of the old configuration are still there")
	}
}

func seal(c *connector, p envelope.Partition) error {
	for _, col := range c.seals.single {
		_, err := c.seals.sealer.Seal(bg, nil, col[0], p, 1, []byte("x"))
		return err
	}
	return nil
}

func TestTransactionsEndUnderTheConfigurationThatTheyBeganWith(t *testing.T) {
	r := newReloading(t, onlyUsers)
	r.db.SetMaxIdleConns(1) // an idle connection takes the new one when it is used
	conn, err := r.db.Conn(bg)
	if err != nil {
		t.Fatal(err)
	}
	old := r.outer.current
	r.write(withNote)
	if _, err := Reload(bg, r.db); err != nil {
		t.Fatal(err)
	}
	held := func() error {
		_, err := conn.ExecContext(bg, "INSERT INTO users (ssn, note) VALUES (?, 'x')", "x")
		return err
	}
	if !r.insert(held) {
		t.Error("a connection that is held lost its keys")
	}
	conn.Close()
	free := func() error { _, err := r.db.Exec(writeNote, "x"); return err }
	if !r.insert(free) {
		t.Error("the connection that was held does not take the new configuration")
	}
	p, _ := envelope.PartitionID("p")
	if !errors.Is(seal(old, p), envelope.ErrClosed) {
		t.Error("the keys of the old configuration outlive its last connection")
	}
}

func TestReloadThatWouldLoseDataChangesNothing(t *testing.T) {
	cases := []struct{ name, before, after string }{
		{"a column that is not encrypted any more", withNote, onlyUsers},
		{"another partition", onlyUsers, "users: {partition: {const: other}, columns: {ssn: encrypted}}"},
		{"a broken file", onlyUsers, "users: {colums: {}}"},
		{"the first encrypted column", "", onlyUsers},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newReloading(t, c.before)
			if err := r.db.Ping(); err != nil {
				t.Fatal(err)
			}
			before := r.outer.current
			r.write(c.after)
			if _, err := Reload(bg, r.db); err == nil {
				t.Error("accepted")
			}
			if r.outer.current != before {
				t.Error("the configuration was changed")
			}
			if _, err := r.db.Exec("INSERT INTO users (ssn) VALUES (?)", "x"); err != nil {
				t.Errorf("the old configuration does not work any more: %v", err)
			}
		})
	}
}

func TestReloadNeedsADatabaseOfOurs(t *testing.T) {
	h := newHarness(t)
	db := sql.OpenDB(h.cr)
	defer db.Close()
	if _, err := Reload(bg, db); err == nil {
		t.Error("a connector without a configuration was accepted")
	}
	other := sql.OpenDB(h.db)
	defer other.Close()
	if _, err := Reload(bg, other); !errors.Is(err, errNotOurs) {
		t.Errorf("another driver: %v", err)
	}
	if _, err := ReloadConfig(bg, db, nil); err == nil {
		t.Error("no configuration was accepted")
	}
}

func TestReloadWhileManyWork(t *testing.T) {
	r := newReloading(t, onlyUsers)
	r.fake.rows = func() driver.Rows { return emptyRows{} }
	ctx, cancel := context.WithCancel(bg)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for ctx.Err() == nil {
				if _, err := r.db.Exec("INSERT INTO users (ssn) VALUES (?)", "x"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 20 {
		r.write([]string{withNote, withNote + ", docs: {columns: {body: encrypted}}"}[i%2])
		cfg, err := config.Load(r.file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.outer.use(cfg); err != nil && i%2 == 1 {
			t.Fatal(err)
		}
	}
	cancel()
	wait.Wait()
	r.db.Close()
	r.outer.mu.Lock()
	defer r.outer.mu.Unlock()
	if len(r.outer.users) > 1 {
		t.Errorf("%d configurations are still counted as used", len(r.outer.users))
	}
}

type emptyRows struct{}

func (emptyRows) Columns() []string         { return []string{"a"} }
func (emptyRows) Close() error              { return nil }
func (emptyRows) Next([]driver.Value) error { return io.EOF }

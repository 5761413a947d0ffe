package endtoend_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowd runs workers against one *sql.DB until its time is over or one fails.
type crowd struct {
	t    *testing.T
	k    *keptPair
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
	// written counts the rows that are in the table for good; row i belongs to
	// partition i % tenants and holds value(i).
	next    atomic.Int64
	mu      sync.Mutex
	written []int
	ops     atomic.Int64
}

// tenants is also the number of partitions whose keys are made on the way.
const tenants = 25

func value(id int) string { return fmt.Sprintf("value of row %d", id) }

func (c *crowd) run(name string, step func(i int) error) {
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		for i := 0; c.ctx.Err() == nil; i++ {
			if err := step(i); err != nil {
				if c.ctx.Err() == nil {
					c.t.Errorf("%s: %v", name, err)
				}
				c.stop()
				return
			}
			c.ops.Add(1)
		}
	}()
}

func (c *crowd) done(id int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = append(c.written, id)
}

// endAfter ends the loops after a while, but not before every partition has had
// its row.
func (c *crowd) endAfter(while time.Duration) {
	enough := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.written) >= tenants
	}
	for end := time.Now().Add(while); c.ctx.Err() == nil && (time.Now().Before(end) || !enough()); {
		time.Sleep(20 * time.Millisecond)
	}
	c.stop()
}

// some returns a row that is there; ok is false before the first.
func (c *crowd) some(i int) (id int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.written) == 0 {
		return 0, false
	}
	return c.written[(i*7919)%len(c.written)], true
}

func TestManyGoroutinesOnOneHandle(t *testing.T) {
	for _, f := range []flavour{sqliteFlavour("_txlock=immediate"), postgresFlavour(), postgresFlavour("default_query_exec_mode=simple_protocol").named("simple_protocol"), mysqlFlavour(), mysqlFlavour("interpolateParams=true").named("interpolating")} {
		t.Run(f.name, func(t *testing.T) { crowded(t, f) })
	}
}

func crowded(t *testing.T, f flavour) {
	k := openKept(t, flavour{name: base(f), plain: f.plain, sealed: f.sealed, fresh: f.fresh, mark: f.mark})
	k.sealed.SetMaxOpenConns(6)
	// Longer than any run: a worker that hangs fails the test here, not the
	// whole binary by its time limit.
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	c := &crowd{t: t, k: k, ctx: ctx, stop: stop}
	c.wg.Go(func() { c.endAfter(2 * time.Second) })
	insert := "INSERT INTO notes (id, tenant, v) VALUES (" + f.mark(1) + ", " + f.mark(2) + ", " + f.mark(3) + ")"
	sel, err := k.sealed.Prepare("SELECT id, v FROM notes WHERE id = " + f.mark(1))
	if err != nil {
		t.Fatal(err)
	}
	defer sel.Close()
	ins, err := k.sealed.Prepare(insert)
	if err != nil {
		t.Fatal(err)
	}
	defer ins.Close()
	for w := range 2 {
		c.run("insert", c.inserter(func(id int) error { _, err := k.sealed.ExecContext(bg, insert, id, id%tenants, value(id)); return err }))
		c.run("prepared insert", c.inserter(func(id int) error { _, err := ins.ExecContext(bg, id, id%tenants, value(id)); return err }))
		c.run("select", c.reader(w, func(id int) *sql.Row {
			return k.sealed.QueryRowContext(bg, "SELECT id, v FROM notes WHERE id = "+f.mark(1), id)
		}))
		c.run("prepared select", c.reader(w, func(id int) *sql.Row { return sel.QueryRowContext(bg, id) }))
		c.run("scan", func(int) error { return c.scan() })
		c.run("transaction", c.inserter(func(id int) error { return c.transaction(insert, sel, id) }))
	}
	c.run("definitions", c.definitions)
	c.wait()
	if err := c.scan(); err != nil {
		t.Error(err)
	}
	var n int
	if err := k.raw.QueryRow("SELECT count(*) FROM notes").Scan(&n); err != nil || n != len(c.written) {
		t.Errorf("%d rows, want %d; %v", n, len(c.written), err)
	}
	if len(c.written) < tenants {
		t.Errorf("only %d rows were written", len(c.written))
	}
	t.Logf("%d operations, %d rows", c.ops.Load(), n)
}

// bg keeps statements whole: the crowd's own context only ends the loops.
var bg = context.Background()

func base(f flavour) string {
	return map[string]string{"sqlite": "sqlite", "pgx": "postgres", "mysql": "mysql"}[f.plain]
}

// wait fails the test if a worker hangs.
func (c *crowd) wait() {
	c.t.Helper()
	all := make(chan struct{})
	go func() { c.wg.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(3 * time.Minute):
		c.t.Fatal("the workers hang")
	}
}

func (c *crowd) inserter(insert func(id int) error) func(int) error {
	return func(int) error {
		id := int(c.next.Add(1))
		if err := insert(id); err != nil {
			return err
		}
		c.done(id)
		return nil
	}
}

func (c *crowd) reader(w int, row func(id int) *sql.Row) func(int) error {
	return func(i int) error {
		id, ok := c.some(i + w)
		if !ok {
			time.Sleep(time.Millisecond)
			return nil
		}
		var got int
		var v string
		if err := row(id).Scan(&got, &v); err != nil {
			return err
		}
		if got != id || v != value(id) {
			return fmt.Errorf("row %d came back as %d %q", id, got, v)
		}
		return nil
	}
}

// scan reads rows of many partitions and compares each.
func (c *crowd) scan() error {
	rows, err := c.k.sealed.QueryContext(bg, "SELECT * FROM notes ORDER BY id DESC LIMIT 100")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, tenant int
		var v string
		if err := rows.Scan(&id, &tenant, &v); err != nil {
			return err
		}
		if v != value(id) || tenant != id%tenants {
			return fmt.Errorf("row %d of %d holds %q", id, tenant, v)
		}
	}
	return rows.Err()
}

// transaction takes one row back and keeps another.
func (c *crowd) transaction(insert string, sel *sql.Stmt, id int) error {
	tx, err := c.k.sealed.BeginTx(bg, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(bg, insert, -id, id%tenants, "taken back"); err != nil {
		return err
	}
	if err := tx.Rollback(); err != nil {
		return err
	}
	tx, err = c.k.sealed.BeginTx(bg, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(bg, insert, id, id%tenants, value(id)); err != nil {
		return err
	}
	var got int
	var v string
	if err := tx.StmtContext(bg, sel).QueryRowContext(bg, id).Scan(&got, &v); err != nil || v != value(id) {
		return errors.Join(err, fmt.Errorf("inside the transaction: %q", v))
	}
	return tx.Commit()
}

// definitions makes and drops clear tables, so that the catalog is read again
// and again while others plan.
func (c *crowd) definitions(i int) error {
	name := fmt.Sprintf("scratch%d", i%3)
	for _, q := range []string{
		"CREATE TABLE " + name + " (id int PRIMARY KEY, n varchar(20))",
		"INSERT INTO " + name + " (id, n) VALUES (1, 'clear')",
		"ALTER TABLE " + name + " ADD COLUMN m int",
		"SELECT m FROM " + name,
		"DROP TABLE " + name,
	} {
		if _, err := c.k.sealed.ExecContext(bg, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	time.Sleep(20 * time.Millisecond)
	return nil
}

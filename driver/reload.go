package driver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sealsql/sealsql/config"
)

var (
	_ driver.Connector = (*reloadable)(nil)
	_ io.Closer        = (*reloadable)(nil)
	_ IndexInitializer = (*reloadable)(nil)
)

// reloadable is a connector whose configuration can be replaced. A connection
// takes the new one when it leaves the pool the next time; the keys of the old
// one are wiped when no connection uses it any more.
type reloadable struct {
	inner  driver.Connector
	engine Engine
	drv    driver.Driver
	keys   KeyTable

	// moves are the moves of the configuration's indexes; nil where there are
	// none.
	moves atomic.Pointer[moves]
	// now is current, for a look without the lock.
	now atomic.Pointer[connector]

	mu      sync.Mutex
	current *connector
	cfg     *config.Config
	users   map[*connector]int // connections by the connector that they use
	closed  bool
}

// Reload reads the configuration file of db again, and makes it that of every
// connection from when it is taken from the pool the next time. What runs goes
// on under the old one; a *sql.Conn and a transaction until they are given back.
// Connections stay open and prepared statements go on working.
//
// It returns how the configurations differ. A file that cannot be read, a key
// service or metastore that cannot be opened, and a change that would make
// stored values unreadable (config.Orphans) are errors, and nothing changes.
// So are naming the first encrypted column, because statements prepared before
// go to the database as they are, and keys that are in this process's memory
// alone (metastore: memory, a SQLite database in memory): open the database
// anew.
//
// db must have been opened by a driver of this module, or with its Wrap.
func Reload(ctx context.Context, db *sql.DB) ([]config.Change, error) {
	r, err := reloadableOf(ctx, db)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	file := r.cfg.File
	r.mu.Unlock()
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	return r.use(cfg)
}

// ReloadConfig is Reload with a configuration that is not that of the file.
func ReloadConfig(ctx context.Context, db *sql.DB, cfg *config.Config) ([]config.Change, error) {
	if cfg == nil {
		return nil, errors.New("sealsql: a configuration is required")
	}
	r, err := reloadableOf(ctx, db)
	if err != nil {
		return nil, err
	}
	return r.use(cfg)
}

func reloadableOf(ctx context.Context, db *sql.DB) (r *reloadable, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		own, err := connOf(c)
		if err != nil {
			return err
		}
		if r = own.cr.outer; r == nil {
			return errors.New("sealsql: the connector was not made from a configuration")
		}
		return own.keysPersist(ctx)
	})
	return r, err
}

// keysPersist refuses where the keys are in memory, from which another
// configuration could not take them.
func (c *conn) keysPersist(ctx context.Context) error {
	if c.cr.nothing {
		return nil
	}
	if err := c.current(ctx); err != nil {
		return err
	}
	r := c.cr.outer
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.cfg.Metastore
	if m.Provider == "memory" || m.Same && c.session.Private {
		return errors.New("sealsql: the keys are in this process's memory alone and would be lost; open the database anew")
	}
	return nil
}

func newReloadable(inner driver.Connector, e Engine, cfg *config.Config, drv driver.Driver, keys KeyTable, c *connector) *reloadable {
	r := &reloadable{inner: inner, engine: e, drv: drv, keys: keys, cfg: cfg, users: map[*connector]int{}}
	c.outer = r
	r.moves.Store(newMoves(cfg, nil))
	r.set(c)
	return r
}

func (r *reloadable) set(c *connector) {
	r.current = c
	r.now.Store(c)
}

func (r *reloadable) use(cfg *config.Config) ([]config.Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, driver.ErrBadConn
	}
	changes := config.Diff(r.cfg, cfg)
	if err := refuseOrphans(changes); err != nil {
		return changes, err
	}
	moved := newMoves(cfg, r.moves.Load())
	stage := notBegun
	if moved != nil {
		stage = moved.stage
	}
	next, err := build(r.inner, r.engine, cfg, stage, r.drv, r.keys, r.current.rec)
	if err != nil {
		return changes, err
	}
	if r.current.nothing && !next.nothing {
		return changes, errors.Join(errors.New("sealsql: nothing was encrypted so far, so that prepared statements are not planned; open the database anew"), next.closeKeys())
	}
	old := r.current
	next.outer, r.cfg = r, cfg
	r.moves.Store(moved)
	r.set(next)
	return changes, r.retire(old)
}

func refuseOrphans(changes []config.Change) error {
	var places []string
	for _, c := range changes {
		if c.Effect == config.Orphans {
			places = append(places, c.Path)
		}
	}
	if len(places) == 0 {
		return nil
	}
	return fmt.Errorf("sealsql: the new configuration could not open what is stored (%s); nothing was changed", strings.Join(places, ", "))
}

// retire wipes the keys of a connector that is neither current nor in use, and
// that shares them with none that is.
// r.mu is held.
func (r *reloadable) retire(c *connector) error {
	if c == r.current || r.users[c] > 0 {
		return nil
	}
	delete(r.users, c)
	for o := range r.users {
		if o.seals.sealer == c.seals.sealer {
			c.unobserved()
			return nil
		}
	}
	if r.current.seals.sealer == c.seals.sealer {
		c.unobserved()
		return nil
	}
	return c.closeKeys()
}

// take returns the current connector for a connection that used old, or nil.
func (r *reloadable) take(old *connector) *connector {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old == r.current {
		return old
	}
	r.users[r.current]++
	if old != nil {
		r.leave(old)
	}
	return r.current
}

// leave notes that a connection does not use a connector any more. r.mu is held.
func (r *reloadable) leave(c *connector) {
	if r.users[c]--; r.users[c] <= 0 {
		delete(r.users, c)
		if !r.closed {
			_ = r.retire(c)
		}
	}
}

// Connect opens an inner connection and wraps it.
func (r *reloadable) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := r.inner.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return wrapConn(r.take(nil), inner), nil
}

// Driver returns the registered driver, the same pointer each time.
func (r *reloadable) Driver() driver.Driver {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current.drv
}

// Close wipes the keys, those of configurations that are still in use, too, and
// closes the inner connector if it is an io.Closer.
func (r *reloadable) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	var err error
	for c := range r.users {
		if c != r.current {
			err = errors.Join(err, c.closeKeys())
		}
	}
	return errors.Join(err, r.current.Close())
}

// InitIndexes implements IndexInitializer.
func (r *reloadable) InitIndexes(ctx context.Context, partitions ...string) ([]string, error) {
	r.mu.Lock()
	c := r.current
	r.mu.Unlock()
	return c.InitIndexes(ctx, partitions...)
}

// rebind makes the connection use the current configuration. It is called
// outside transactions, when no rows are open.
func (c *conn) rebind() {
	if c.cr.outer == nil || c.cr.outer.now.Load() == c.cr {
		return
	}
	next := c.cr.outer.take(c.cr)
	if next == c.cr {
		return
	}
	c.cr = next
	c.session, c.view, c.reading = nil, nil, reading{}
	c.plans, c.cursors = planMemo{}, nil
	c.discard() // the plans of the former configuration are not met again
}

// unbind gives the configuration back when the connection is closed.
func (c *conn) unbind() {
	if r := c.cr.outer; r != nil && !c.closed {
		c.closed = true
		r.mu.Lock()
		defer r.mu.Unlock()
		r.leave(c.cr)
	}
}

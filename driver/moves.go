package driver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/schema"
)

// moves follows how far the moves of a configuration's indexes have come. What
// is known is kept over changes of the connector, so that a state which was put
// back is noticed.
type moves struct {
	all      []schema.Move
	interval time.Duration // between two looks
	stale    time.Duration // for which an answer is believed without another

	// due is set when the state is to be looked up.
	due atomic.Bool

	// expiring is set while due will be set before long.
	expiring atomic.Bool
	// states are what is known, by subject; a map is not changed.
	states atomic.Pointer[map[string]*indexmove.State]

	mu     sync.Mutex // held while states are looked up
	known  bool
	looked time.Time // when they were last known
	again  time.Time // when a table's column last had them looked up at once
	failed error     // what is wrong with them
}

// Bounds of how often states are looked up.
const (
	moveAgain  = time.Second     // after a table showed what the state does not say
	moveOutage = 5 * time.Second // after the metastore did not answer
)

// newMoves returns nil where nothing is moved.
func newMoves(cfg *config.Config, before *moves) *moves {
	all := cfg.Catalog.Moves()
	if len(all) == 0 {
		return nil
	}
	m := &moves{all: all, interval: MoveInterval(cfg), stale: cfg.Policy.MaxStale}
	if m.stale < m.interval {
		m.stale = m.interval
	}
	m.states.Store(&map[string]*indexmove.State{})
	if before != nil {
		m.states.Store(before.states.Load())
	}
	m.due.Store(true)
	return m
}

// MoveInterval is the longest time for which a process with that configuration
// does not notice that a move of an index went on, while its metastore answers:
// the shorter of policy.revoke_check and catalog.max_age.
func MoveInterval(cfg *config.Config) time.Duration {
	d := cfg.MaxAge
	if d <= 0 {
		d = 30 * time.Second
	}
	if r := cfg.Policy.RevokeCheck; r > 0 && r < d {
		d = r
	}
	return d
}

// stage is what is known of a move.
func (m *moves) stage(of schema.Move) schema.Stage {
	if st := m.state(of); st != nil {
		return st.Step.Stage()
	}
	return schema.StageNone
}

// state is nil where nothing is known.
func (m *moves) state(of schema.Move) *indexmove.State {
	return (*m.states.Load())[indexmove.Subject(of)]
}

// expire has the states looked up again before long.
func (m *moves) expire() {
	if m.expiring.CompareAndSwap(false, true) {
		time.AfterFunc(moveAgain, func() {
			m.expiring.Store(false)
			m.due.Store(true)
		})
	}
}

// read looks the states up. changed reports stages that are not what they were.
// m.mu is held.
func (m *moves) read(ctx context.Context, s *envelope.Sealer) (changed bool, err error) {
	now, before := map[string]*indexmove.State{}, *m.states.Load()
	for _, mv := range m.all {
		st, err := indexmove.Load(ctx, s, mv)
		if err != nil {
			return false, m.unread(mv, err)
		}
		key := indexmove.Subject(mv)
		if old := before[key]; old != nil && st.Seq < old.Seq {
			return false, m.unread(mv, indexmove.ErrAltered)
		}
		now[key] = st
	}
	for key, st := range now {
		old := before[key]
		changed = changed || old == nil && st.Step.Stage() != schema.StageNone || old != nil && old.Step.Stage() != st.Step.Stage()
	}
	m.states.Store(&now)
	m.known, m.looked, m.failed = true, time.Now(), nil
	m.due.Store(false)
	time.AfterFunc(m.interval, setter(&m.due))
	return changed, nil
}

// unread says what follows from an error. A state that is not authentic, or not
// the one that was there, stops every statement; an outage does not while the
// last answer is not too old.
func (m *moves) unread(mv schema.Move, err error) error {
	if errors.Is(err, envelope.ErrTampered) {
		m.failed = &moveError{mv, err}
		return m.failed
	}
	if !m.known || time.Since(m.looked) > m.stale {
		return &moveError{mv, err}
	}
	m.due.Store(false)
	time.AfterFunc(moveOutage, setter(&m.due))
	return m.failed
}

// moveError names the index whose state cannot be used. It matches ErrIndexKey.
type moveError struct {
	of  schema.Move
	err error
}

func (e *moveError) Error() string {
	return fmt.Sprintf("sealsql: the state of the move of %s (%s) to %s cannot be read: %v; restore the key table from a backup, or see sealsql reindex --status",
		e.of.Name(), e.of.Kind, target(e.of).Physical(), e.err)
}

// target is the definition to which an index is moved, or the one that is dropped.
func target(m schema.Move) schema.Index {
	if m.To == nil {
		return m.From
	}
	return m.To
}

func (e *moveError) Unwrap() []error { return []error{envelope.ErrIndexKey, e.err} }

// follow looks the states of moves up where that is due, and makes a connector
// for them if they are not what they were. It returns what stands in the way of
// statements.
func (r *reloadable) follow(ctx context.Context) error {
	m := r.moves.Load()
	if m == nil {
		return nil
	}
	if !m.mu.TryLock() {
		m.mu.Lock() // one looks; what it found is then known
		defer m.mu.Unlock()
		if m.known && !m.due.Load() {
			return m.failed
		}
	} else {
		defer m.mu.Unlock()
	}
	if !m.due.Load() {
		return m.failed
	}
	r.mu.Lock()
	c := r.current
	r.users[c]++ // a Reload does not wipe its keys meanwhile
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.leave(c)
	}()
	changed, err := m.read(ctx, c.seals.sealer)
	if err != nil || !changed {
		return err
	}
	if err := r.rearrange(m); err != nil {
		m.known = false
		m.due.Store(true)
		return err
	}
	return nil
}

// rearrange makes a connector for the stages of the moves, with the keys of the
// one before: rows that are open go on. m.mu is held.
func (r *reloadable) rearrange(m *moves) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.moves.Load() != m {
		return nil
	}
	old := r.current
	next, err := assemble(r.inner, r.engine, r.cfg, m.stage, r.drv, old.seals.sealer, old.audit)
	if err != nil {
		return err
	}
	next.outer = r
	r.set(next)
	return r.retire(old)
}

// followed makes the connection use the connector for what is known of moves. It
// changes it outside transactions only, or before anything was planned.
func (c *conn) followed(ctx context.Context) error {
	r := c.cr.outer
	if r == nil {
		return nil
	}
	m := r.moves.Load()
	if m == nil {
		return nil
	}
	if m.due.Load() && (!c.inTx || c.session == nil) {
		if err := r.follow(ctx); err != nil {
			return err
		}
	}
	if r.now.Load() != c.cr && (!c.inTx || c.session == nil) {
		c.rebind()
	}
	return nil
}

// suspicious reports a table that has the column of an index of which the
// metastore knows nothing: its state was taken away. What is known may only be
// older than the reading of the catalog, so the metastore is asked first: a move
// is announced there before the column is made.
func (c *conn) suspicious(ctx context.Context) error {
	r := c.cr.outer
	if c.view == nil || len(c.view.unborn) == 0 || r == nil {
		return nil
	}
	m := r.moves.Load()
	if m == nil {
		return nil
	}
	for _, mv := range m.all {
		for _, x := range c.view.unborn {
			if mv.To == nil || !schema.EqualNames(mv.To.Physical(), x.Physical()) || mv.To.Column().ID != x.Column().ID {
				continue
			}
			m.expire()
			if m.begun(mv) {
				continue
			}
			if err := r.lookAgain(ctx, m, mv); err != nil {
				return err
			}
			if !m.begun(mv) {
				return &moveError{mv, fmt.Errorf("the table has the column, and the metastore no state: %w", indexmove.ErrAltered)}
			}
		}
	}
	return nil
}

// begun reports whether a move is known to have a state.
func (m *moves) begun(of schema.Move) bool {
	st := m.state(of)
	return st != nil && st.Step != ""
}

// lookAgain looks the states up although that is not due, once in moveAgain.
func (r *reloadable) lookAgain(ctx context.Context, m *moves, of schema.Move) error {
	m.mu.Lock()
	if time.Since(m.again) >= moveAgain {
		m.again = time.Now()
		m.due.Store(true)
	}
	m.mu.Unlock()
	if err := r.follow(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.looked.Before(m.again) {
		return &moveError{of, errors.New("the table has its column, and the metastore does not answer")}
	}
	return nil
}

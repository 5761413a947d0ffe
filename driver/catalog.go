package driver

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Bounds of what is kept: databases (or states of attached files) per
// connector, and ways of resolving names per database.
const (
	maxScopes = 64
	maxViews  = 256
)

// moment is the age from which a catalog is read again because a statement
// names a relation that it lacks. Such a statement waits for it: a program that
// repeats a mistake does not make the catalog be read on and on.
const moment = 50 * time.Millisecond

// catalogs holds what a connector's connections know of the database.
//
// A reading is shared by all connections with the same scope until it is
// invalidated or older than maxAge. Connections that see what others do not
// (uncommitted changes, a private database) keep readings of their own.
type catalogs struct {
	engine      Engine
	annotations *schema.Catalog
	decl        rewrite.Declarations
	// none is set where the configuration wants no catalog read.
	none   bool
	maxAge time.Duration
	start  time.Time

	guards Guards
	warned sync.Map // sets of columns already warned about

	// renewing is when a connection began to replace a reading that had become too
	// old, in nanoseconds since start; 0 while none does.
	renewing atomic.Int64

	// bare is the catalog of no relations.
	bare rewrite.Catalog

	// version counts invalidations; a reading is good for one version.
	version atomic.Uint64

	mu     sync.Mutex
	scopes map[string]reading
}

// reading is a state of the catalog with the time at which it was true.
type reading struct {
	*state
	version uint64
	at      time.Duration // since catalogs.start
	// old is set by a timer when the reading reaches its greatest age: asking
	// the clock with every statement would cost more than all the rest.
	old *atomic.Bool
}

// state is one state of the catalog, without time: two readings that found the
// same share it, so that plans (keyed by catalog) outlive a re-reading.
type state struct {
	snap *rewrite.Snapshot

	mu    sync.Mutex
	views map[string]*view // by rewrite.Session.Namespace
}

// view is a state as sessions with certain names see it. It is immutable.
type view struct {
	catalog rewrite.Catalog
	// setup lists what is wrong with the annotated tables in the session's
	// search path, or is nil.
	setup error
	// limits are what physical columns of annotated columns hold, where that
	// is limited.
	limits map[*schema.Column]int
	// keys are the columns that do not store every partition or row as it is given.
	keys keyColumns
	// unborn are indexes that are not written and whose columns are there.
	unborn []schema.Index
	// undefined are indexes of which no guard says what they hold.
	undefined []undefined
}

func newCatalogs(o *Options, engine Engine) *catalogs {
	return &catalogs{
		bare:        rewrite.NewCatalog(engine.Frontend().Dialect(), &rewrite.Snapshot{}, rewrite.Names{}, o.Annotations, rewrite.Declarations{}),
		engine:      engine,
		annotations: o.Annotations,
		decl:        o.Declarations,
		none:        o.NoCatalog,
		maxAge:      o.MaxAge,
		guards:      o.Guards,
		start:       time.Now(),
		scopes:      map[string]reading{},
	}
}

// invalidate makes every reading stale.
func (cs *catalogs) invalidate() { cs.version.Add(1) }

func (cs *catalogs) fresh(r reading) bool {
	return r.state != nil && r.version == cs.version.Load() && !r.old.Load()
}

// grace is how long a reading is used beyond its age while one connection reads
// anew, so that not all of them do at the same moment.
const grace = 5 * time.Second

// postpone reports whether a reading that is too old, but was not invalidated,
// may be used because another connection is reading anew; otherwise the caller is
// now the one that does, and calls done when it has.
func (cs *catalogs) postpone(r reading) (ok bool, done func()) {
	if r.state == nil || r.version != cs.version.Load() || cs.age(r) > cs.maxAge+grace {
		return false, func() {}
	}
	now, last := max(1, int64(time.Since(cs.start))), cs.renewing.Load()
	if last != 0 && now-last < int64(grace) || !cs.renewing.CompareAndSwap(last, now) {
		return true, nil
	}
	return false, func() { cs.renewing.CompareAndSwap(now, 0) }
}

func (cs *catalogs) age(r reading) time.Duration { return time.Since(cs.start) - r.at }

// shared returns the shared reading of a scope; its state is nil without one.
func (cs *catalogs) shared(scope string) reading {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.scopes[scope]
}

func (cs *catalogs) publish(scope string, r reading) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if old, ok := cs.scopes[scope]; ok && old.at > r.at {
		return
	}
	if len(cs.scopes) >= maxScopes {
		for k := range cs.scopes {
			delete(cs.scopes, k)
			break
		}
	}
	cs.scopes[scope] = r
}

// read reads the catalog on a connection. A state that equals one of known is
// replaced by that one.
func (cs *catalogs) read(ctx context.Context, r *Reader, s *Session, known ...*state) (reading, error) {
	out := reading{version: cs.version.Load(), at: time.Since(cs.start), old: new(atomic.Bool)}
	time.AfterFunc(cs.maxAge, setter(out.old))
	var snap *rewrite.Snapshot
	if !cs.none {
		var err error
		if snap, err = cs.snapshot(ctx, r, s, known); err != nil {
			return reading{}, err
		}
		rewrite.TrimDefinitions(cs.engine.Frontend().Dialect(), snap, cs.annotations)
	}
	for _, k := range known {
		if k != nil && reflect.DeepEqual(k.snap, snap) {
			out.state = k
			return out, nil
		}
	}
	out.state = cs.newState(snap)
	return out, nil
}

// setter keeps nothing alive but the flag.
func setter(flag *atomic.Bool) func() { return func() { flag.Store(true) } }

func (cs *catalogs) newState(snap *rewrite.Snapshot) *state {
	return &state{snap: snap, views: map[string]*view{}}
}

// view returns the state as a session with these names sees it.
func (cs *catalogs) view(st *state, s *Session) *view {
	st.mu.Lock()
	defer st.mu.Unlock()
	key := s.Plan.Namespace
	if v, ok := st.views[key]; ok {
		return v
	}
	if len(st.views) >= maxViews {
		for k := range st.views {
			delete(st.views, k)
			break
		}
	}
	v := cs.newView(st.snap, s)
	st.views[key] = v
	return v
}

func (cs *catalogs) newView(snap *rewrite.Snapshot, s *Session) *view {
	d := cs.engine.Frontend().Dialect()
	v := &view{catalog: rewrite.NewCatalog(d, snap, s.Names, cs.annotations, cs.decl)}
	if snap == nil {
		return v
	}
	near, far := split(snap, s.Names.SearchPath, cs.annotations)
	cs.warnPending(near)
	v.setup = setupError(append(rewrite.Findings(d, near, cs.annotations, cs.decl), cs.guardFindings(near)...), rewrite.Redefinitions(d, near, cs.annotations))
	v.unborn = rewrite.Unborn(near, cs.annotations)
	v.undefined = undefinedOf(near, cs.annotations)
	v.keys.add(d, near, cs.annotations)
	v.keys.add(d, far, cs.annotations)
	v.limits = limits(cs.engine, near, cs.annotations)
	for c, n := range limits(cs.engine, far, cs.annotations) {
		if v.limits[c] == 0 {
			v.limits[c] = n
		}
	}
	return v
}

// split divides the annotated tables of a snapshot into those that a session
// means when it names them without a schema, or whose schema is in the
// configuration, and the rest. An annotation without a schema matches in every
// database of a server, and those of other programs must not stand in the way;
// statements on such a table are still refused if it is not fit.
func split(snap *rewrite.Snapshot, path []string, annotations *schema.Catalog) (near, far *rewrite.Snapshot) {
	near, far = &rewrite.Snapshot{UTF16: snap.UTF16}, &rewrite.Snapshot{}
	for i := range snap.Relations {
		rel := &snap.Relations[i]
		table := annotations.Lookup(rel.ID.Schema, rel.ID.Name)
		if table == nil {
			continue
		}
		to := far
		if table.Schema != "" || slices.ContainsFunc(path, func(s string) bool { return strings.EqualFold(s, rel.ID.Schema) }) {
			to = near
		}
		to.Relations = append(to.Relations, *rel)
	}
	return near, far
}

// limits returns how much the physical columns of annotated columns hold,
// where that is limited: the least of all tables that the annotation matches
// (threats T9).
func limits(e Engine, snap *rewrite.Snapshot, annotations *schema.Catalog) map[*schema.Column]int {
	out := map[*schema.Column]int{}
	for i := range snap.Relations {
		rel := &snap.Relations[i]
		table := annotations.Lookup(rel.ID.Schema, rel.ID.Name)
		for _, phys := range rel.Columns {
			col := table.Column(phys.Name)
			if col == nil {
				continue
			}
			if n := e.Limit(phys.Type); n > 0 && (out[col] == 0 || n < out[col]) {
				out[col] = n
			}
		}
	}
	return out
}

// setupError lists what is wrong with the annotated tables, or is nil. Indexes of
// another definition are among the findings; errors.As finds the first of them.
func setupError(findings []rewrite.Finding, redefined []rewrite.Redefinition) error {
	if len(findings) == 0 {
		return nil
	}
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "\n  %s: %s", f.Column, f.Problem)
		if f.Hint != "" {
			b.WriteString("; " + f.Hint)
		}
	}
	if len(redefined) == 0 {
		return fmt.Errorf("%w:%s", sealsql.ErrSetup, b.String())
	}
	return &setupFault{fmt.Sprintf("%v:%s", sealsql.ErrSetup, b.String()), definitionError(&redefined[0])}
}

// setupFault is a setup error of which one can be told from the others.
type setupFault struct {
	text string
	of   error // matches ErrSetup
}

func (e *setupFault) Error() string { return e.text }
func (e *setupFault) Unwrap() error { return e.of }

func definitionError(p *rewrite.Redefinition) error {
	return &sealsql.IndexDefinitionError{
		Column: p.Index.Column().String(), Index: p.Index.Physical(), Stored: p.Stored, Configured: p.Configured,
	}
}

// redefined is the error of a refusal that is due to an index of another definition
// in the session's own tables.
func (c *conn) redefined(err error) error {
	var u *rewrite.UnsupportedError
	var d *sealsql.IndexDefinitionError
	if c.view != nil && errors.As(err, &u) && u.Reason == rewrite.ReasonShadowed && errors.As(c.view.setup, &d) {
		return c.view.setup
	}
	return err
}

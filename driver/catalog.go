package driver

import (
	"context"
	"fmt"
	"reflect"
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
// names a relation that it lacks.
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
}

// state is one state of the catalog, without time: two readings that found the
// same share it, so that plans (keyed by catalog) outlive a re-reading.
type state struct {
	snap     *rewrite.Snapshot
	findings []rewrite.Finding
	limits   map[*schema.Column]int

	mu    sync.Mutex
	views map[string]rewrite.Catalog // by rewrite.Session.Namespace
}

func newCatalogs(o *Options, engine Engine) *catalogs {
	return &catalogs{
		engine:      engine,
		annotations: o.Annotations,
		decl:        o.Declarations,
		none:        o.NoCatalog,
		maxAge:      o.MaxAge,
		start:       time.Now(),
		scopes:      map[string]reading{},
	}
}

// invalidate makes every reading stale.
func (cs *catalogs) invalidate() { cs.version.Add(1) }

func (cs *catalogs) fresh(r reading) bool {
	return r.state != nil && r.version == cs.version.Load() && cs.age(r) < cs.maxAge
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
	out := reading{version: cs.version.Load(), at: time.Since(cs.start)}
	var snap *rewrite.Snapshot
	if !cs.none {
		var err error
		if snap, err = cs.engine.Snapshot(ctx, r, s); err != nil {
			return reading{}, err
		}
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

func (cs *catalogs) newState(snap *rewrite.Snapshot) *state {
	st := &state{snap: snap, views: map[string]rewrite.Catalog{}}
	if snap != nil {
		d := cs.engine.Frontend().Dialect()
		st.findings = rewrite.Findings(d, snap, cs.annotations, cs.decl)
		st.limits = limits(cs.engine, snap, cs.annotations)
	}
	return st
}

// view returns the catalog as a session with these names sees it.
func (cs *catalogs) view(st *state, s *Session) rewrite.Catalog {
	st.mu.Lock()
	defer st.mu.Unlock()
	key := s.Plan.Namespace
	if c, ok := st.views[key]; ok {
		return c
	}
	if len(st.views) >= maxViews {
		for k := range st.views {
			delete(st.views, k)
			break
		}
	}
	c := rewrite.NewCatalog(cs.engine.Frontend().Dialect(), st.snap, s.Names, cs.annotations, cs.decl)
	st.views[key] = c
	return c
}

// limits returns how much the physical columns of annotated columns hold,
// where that is limited: the least of all tables that the annotation matches
// (threats T9).
func limits(e Engine, snap *rewrite.Snapshot, annotations *schema.Catalog) map[*schema.Column]int {
	out := map[*schema.Column]int{}
	for i := range snap.Relations {
		rel := &snap.Relations[i]
		table := annotations.Lookup(rel.ID.Schema, rel.ID.Name)
		if table == nil {
			continue
		}
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

// setupError lists what is wrong with the annotated tables, or is nil.
func (st *state) setupError() error {
	if len(st.findings) == 0 {
		return nil
	}
	var b strings.Builder
	for _, f := range st.findings {
		fmt.Fprintf(&b, "\n  %s: %s", f.Column, f.Problem)
		if f.Hint != "" {
			b.WriteString("; " + f.Hint)
		}
	}
	return fmt.Errorf("%w:%s", sealsql.ErrSetup, b.String())
}

package driver

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/sealsql/sealsql/rewrite"
)

// current makes c.session, c.reading and c.view describe what the next
// statement will meet. It reads on the connection itself, which sees its own
// temporary tables and uncommitted changes.
func (c *conn) current(ctx context.Context) error {
	if err := c.followed(ctx); err != nil {
		return err
	}
	e, cats := c.cr.engine, c.cr.cats
	changed := c.session == nil || e.SessionChanged(c.inner, c.session)
	if !changed && cats.fresh(c.reading) {
		return nil
	}
	if changed {
		if err := c.readSession(ctx); err != nil {
			return err
		}
	}
	if cats.fresh(c.reading) {
		c.adopt(c.reading)
		return nil
	}
	if !c.isolated() {
		if r := cats.shared(c.session.Scope); cats.fresh(r) {
			if !changed {
				if err := c.ageSession(ctx); err != nil {
					return err
				}
			}
			c.adopt(r)
			return nil
		}
	}
	postponed, done := cats.postpone(c.reading)
	if postponed {
		c.adopt(c.reading)
		return nil
	}
	defer done()
	if changed {
		return c.refresh(ctx)
	}
	return c.reread(ctx)
}

// reread reads the catalog, and the names of the session with it.
func (c *conn) reread(ctx context.Context) error {
	if err := c.ageSession(ctx); err != nil {
		return err
	}
	return c.refresh(ctx)
}

// ageSession reads the session again where what its names mean may have changed with
// the catalog.
func (c *conn) ageSession(ctx context.Context) error {
	if !c.session.Ages || !c.cr.engine.Ready(c.inner) {
		return nil
	}
	return c.readSession(ctx)
}

func (c *conn) readSession(ctx context.Context) error {
	if !c.cr.engine.Ready(c.inner) {
		return notReady()
	}
	r := c.reader()
	r.first = !c.begun
	s, err := c.cr.engine.Session(ctx, r)
	if err != nil {
		return c.unreadable(err)
	}
	c.begun = true
	if c.cr.cats.guards == GuardsRequire && s.Plan.Unsafe == "" {
		s.Plan.Unsafe = s.Unguarded
	}
	if c.doubted && s.Plan.Unsafe == "" {
		c.reading, c.doubted = reading{}, false
	}
	if c.session != nil && c.session.Scope != s.Scope {
		c.reading = reading{}
	}
	s.Plan.Namespace = fingerprint(s.Plan.Namespace)
	c.session, c.view, c.met, c.modes = s, nil, true, &s.Plan
	return nil
}

// fingerprint shortens what is in the key of every plan and compared with every
// statement: 128 bits of SHA-256, so that no two states of a program that could
// choose them have the same.
func fingerprint(namespace string) string {
	sum := sha256.Sum256([]byte(namespace))
	return string(sum[:16])
}

// refresh reads the catalog and shares it if others see the same.
func (c *conn) refresh(ctx context.Context) error {
	if !c.cr.engine.Ready(c.inner) && !c.cr.cats.none {
		return notReady()
	}
	return c.refreshOn(ctx, c.reader())
}

// refreshOn is refresh by a reader.
func (c *conn) refreshOn(ctx context.Context, on *Reader) error {
	shared := c.cr.cats.shared(c.session.Scope)
	r, err := c.cr.cats.read(ctx, on, c.session, c.reading.state, shared.state)
	c.cr.catalogRead(ctx, err)
	if err != nil {
		return c.unreadable(err)
	}
	if !c.isolated() {
		c.cr.cats.publish(c.session.Scope, r)
	}
	c.doubted = c.session.Plan.Unsafe != ""
	c.adopt(r)
	return nil
}

func (c *conn) adopt(r reading) {
	c.reading = r
	c.view = c.cr.cats.view(r.state, c.session)
}

// isolated reports whether the connection may see another catalog than others
// do: its own uncommitted changes, a database of its own, the state before a change
// that was made since its transaction began, or one that a setting shows otherwise.
func (c *conn) isolated() bool {
	return c.session.Plan.Unsafe != "" || c.volatile&rewrite.EffectCatalog != 0 || c.session.Private ||
		c.inTx && c.txVersion != c.cr.cats.version.Load()
}

// changed notes that a statement with effects was run, successfully or not.
func (c *conn) changed(e rewrite.Effect) {
	c.volatile |= e
	if e&^rewrite.EffectCatalog != 0 {
		c.modes = nil
	}
	c.forget()
	if e&rewrite.EffectCatalog != 0 {
		c.cr.cats.invalidate()
	}
}

// settled notes that no transaction is open: what was changed is now there for
// all, or taken back.
func (c *conn) settled() {
	c.inTx, c.lost = false, 0
	if c.volatile == 0 {
		return
	}
	c.forget()
	if c.volatile&rewrite.EffectCatalog != 0 {
		c.cr.cats.invalidate()
	}
	c.volatile = 0
}

// forget drops what the connection's own statements may have changed.
func (c *conn) forget() {
	c.session = nil
	if c.volatile&rewrite.EffectCatalog != 0 {
		c.reading = reading{}
	}
}

// reader returns a Reader on the connection.
func (c *conn) reader() *Reader {
	c.displaced = true
	return &Reader{inner: c.inner, temps: c.temps}
}

// maxTemps bounds how many temporary tables of a connection are remembered;
// those that are not stay unknown, so that statements on them are refused.
const maxTemps = 100

// noteTemporary remembers the names of temporary tables that a statement
// creates: MySQL's catalog does not show them.
func (c *conn) noteTemporary(query string) {
	if c.cr.front.Dialect() != rewrite.MySQL {
		return
	}
	script := c.parse(query)
	if script == nil {
		return
	}
	for _, st := range script.Statements {
		o, ok := st.(*rewrite.Other)
		if !ok || o.Kind != rewrite.OtherCreateTable || !o.Temp || len(o.Relations) == 0 {
			continue
		}
		path := o.Relations[0].Path
		id := rewrite.RelationID{Name: path[len(path)-1].Name}
		if len(path) > 1 {
			id.Schema = path[len(path)-2].Name
		} else if c.session != nil && len(c.session.Names.SearchPath) > 0 {
			id.Schema = c.session.Names.SearchPath[0]
		}
		if !slices.Contains(c.temps, id) && len(c.temps) < maxTemps {
			c.temps = append(c.temps[:len(c.temps):len(c.temps)], id)
		}
	}
}

// transactional reports whether the text may hold a statement that begins or
// ends a transaction or goes back to a savepoint.
func (c *conn) transactional(query string) bool {
	_, kinds, ok := c.kinds(query)
	return !ok || kinds[rewrite.OtherTransaction]
}

// rollsBackBefore reports whether a text with several statements may end a
// transaction: what this connection changed in it would be gone for those
// behind, which are planned with it.
func (c *conn) rollsBackBefore(query string) bool {
	script := c.parse(query)
	if script == nil || len(script.Statements) < 2 {
		return false
	}
	for _, st := range script.Statements {
		if o, ok := st.(*rewrite.Other); ok && o.Kind == rewrite.OtherTransaction {
			return true
		}
	}
	return false
}

// kinds returns the text as it would be sent and the kinds of its statements,
// with OtherUnknown for DML; ok is false where the text is not understood.
func (c *conn) kinds(query string) (text string, kinds map[rewrite.OtherKind]bool, ok bool) {
	script := c.parse(query)
	if script == nil {
		return "", nil, false
	}
	kinds = map[rewrite.OtherKind]bool{}
	for _, st := range script.Statements {
		if o, ok := st.(*rewrite.Other); ok {
			kinds[o.Kind] = true
		} else {
			kinds[rewrite.OtherUnknown] = true
		}
	}
	return script.Text, kinds, true
}

// parse returns nil for a text that is not understood.
func (c *conn) parse(query string) *rewrite.Script {
	var s rewrite.Session
	if c.session != nil {
		s = c.session.Plan
	}
	text, err := c.cr.front.Prepare(query, &s)
	if err != nil {
		return nil
	}
	script, err := c.cr.front.Parse(text, &s)
	if err != nil {
		return nil
	}
	return script
}

// unplanned returns a plan for a statement whose catalog cannot be read now
// and that needs none: one that only ends a transaction, which is the way out
// of a failed one. It returns nil for all others.
func (c *conn) unplanned(query string) *rewrite.Plan {
	if c.cr.engine.Ready(c.inner) {
		return nil
	}
	text, kinds, ok := c.kinds(query)
	if !ok || len(kinds) != 1 || !kinds[rewrite.OtherTransaction] {
		return nil
	}
	return &rewrite.Plan{Pass: true, Text: text, ArgsSame: true}
}

func notReady() error {
	return &rewrite.UnsupportedError{
		Pos:    -1,
		Reason: rewrite.ReasonCatalog,
		Hint: "the connection has open rows or a failed transaction, and the tables must be looked up first;" +
			" close the rows, roll back, or use another connection",
	}
}

package rewrite

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/sealsql/sealsql/schema"
)

// Views over annotated tables are read as the queries that define them. What a
// view shows is then known column by column; where its query is not one that
// would be planned, neither is a statement on the view.

// definition is the query of a view, as the catalog gives it.
type definition struct {
	text string
	// reads lists what it reads, by full names; names in the text mean these.
	reads []RelationID
	id    RelationID
	temp  bool
	n     *namespace

	once   sync.Once
	script *Script
	query  *Query
}

// maxViewDepth bounds views over views: SQLite lets them go in circles.
const maxViewDepth = 16

// definedAt is added to the places of a definition's literals, which fix
// partitions: a template must not take them for literals of the statement that
// happen to stand at the same place.
const definedAt = 1 << 30

// parse reads the definition; nil where it is not understood.
func (d *definition) parse(f Frontend, s *Session) *Query {
	if d == nil {
		return nil
	}
	d.once.Do(func() {
		// The server keeps definitions as it prints them, whatever the modes of
		// the session.
		own := Session{ModeKnown: true, MariaDB: s.MariaDB, Version: s.Version}
		text, err := f.Prepare(d.text, &own)
		if err != nil {
			return
		}
		script, err := f.Parse(text, &own)
		if err != nil || len(script.Statements) != 1 || script.Params != 0 {
			return
		}
		switch st := script.Statements[0].(type) {
		case *Query:
			d.query = st
		case *Other:
			if st.Kind == OtherCreateView {
				d.query = st.Query
			}
		}
		d.script = script
		if d.query != nil {
			eachLiteral(d.query, func(l *Literal) { l.Start, l.End = l.Start+definedAt, l.End+definedAt })
		}
	})
	return d.query
}

// definedIn is the catalog as a view's definition sees it: names mean what
// they meant when it was made.
type definedIn struct {
	*namespace
	d *definition
}

// Relation resolves a name of the definition among what the view reads.
func (c definedIn) Relation(path []Ident) *Relation {
	if len(path) > 1 || c.dialect == SQLite && c.d.temp {
		return c.namespace.Relation(path)
	}
	name := path[0].Name
	var found *Relation
	for _, id := range c.d.reads {
		if c.key(id).Name != c.key(RelationID{Name: name}).Name || c.dialect == SQLite && id.Schema != c.d.id.Schema {
			continue
		}
		rel := c.byID[c.key(id)]
		if found != nil || rel == nil {
			return c.namespace.unknown("", "")
		}
		found = rel
	}
	if found == nil {
		return c.namespace.unknown("", name)
	}
	return found
}

// view reads a view as its query. The columns have the names of the catalog.
func (a *analysis) view(rel *Relation, t *Table) (*relation, error) {
	name := t.Path[len(t.Path)-1].Name
	refuse := func(why string) (*relation, error) {
		return nil, a.refuse(t.Start, ReasonView, name, why+"; query the annotated table itself")
	}
	q := rel.view.parse(a.front, a.session)
	if q == nil && rel.declared != nil {
		return a.declaredView(rel, t), nil
	}
	if q == nil || a.depth >= maxViewDepth {
		return refuse("its definition is not understood")
	}
	sub := newAnalysis(a.work, a.front, rel.view.script, definedIn{rel.view.n, rel.view}, a.session, a.opt)
	sub.depth = a.depth + 1
	cols, err := sub.query(q, nil, false)
	if err == nil {
		err = sub.settle()
	}
	if err == nil {
		err = sub.late
	}
	names := viewNames(rel, cols)
	var u *UnsupportedError
	switch {
	case errors.As(err, &u):
		return refuse("its definition is refused: " + u.Reason.String())
	case err != nil:
		return nil, err
	case sub.unknown != nil || sub.openQuery(q) || len(cols) != len(names) || len(sub.indexed.list) > 0 || sub.eq.any() || sub.ranges.any():
		return refuse("its definition is not what the catalog shows of it")
	case len(sub.seals.list) > 0 || len(sub.casts)+len(sub.typed) > 0:
		return refuse("its definition has a constant or a cast beside an encrypted column, which the server keeps as it is")
	}
	for _, table := range sub.touched {
		a.touch(table)
	}
	a.checks = append(a.checks, sub.checks...)
	r := &relation{base: rel, partCol: -1, pos: t.Start, view: &viewed{of: rel}}
	for i := range cols {
		c := cols[i]
		c.name, c.origin, c.konst, c.consts, c.hidden = names[i], hit{}, nil, nil, c.reserved
		c.flow = append(flow(nil), c.flow...)
		for k := range c.flow {
			c.flow[k].from = nil
		}
		r.cols = append(r.cols, c)
	}
	if rel.declared != nil {
		if c := contradiction(rel.declared, r); c != "" {
			return nil, a.refuse(t.Start, ReasonView, name, "its definition contradicts the declaration of the column "+c+"; "+declaredHint)
		}
	}
	r.view.defined = sub.defined
	r.view.findIndexes(sub, q, cols)
	a.simpleView(rel, q, cols, r)
	if a.depth > 0 {
		// The definition of a view over this one may name what "*" meant.
		for i := range r.cols {
			r.cols[i].hidden, r.cols[i].reserved = false, r.cols[i].hidden
		}
	}
	return r, nil
}

// definedColumns are the columns of a table as the definition of a view sees
// them: with those that belong to sealsql, which "*" meant when it was made.
// What shows them in the view is hidden there.
func definedColumns(rel *Relation, inContext bool) (cols []column, part, rowAt int) {
	cols, part, rowAt = baseColumns(rel, inContext)
	for i := range cols {
		cols[i].hidden, cols[i].reserved = false, cols[i].hidden
	}
	return cols, part, rowAt
}

// viewNames are the names of a view's columns: of the catalog, or where that
// has none of them, of the query.
func viewNames(rel *Relation, cols []column) []string {
	var names []string
	for i := range rel.Columns {
		names = append(names, rel.Columns[i].Name)
	}
	for i := range cols {
		if len(rel.Columns) == 0 && cols[i].name != "" {
			names = append(names, cols[i].name)
		}
	}
	return names
}

// viewed is what is known of a view in scope beside its columns.
type viewed struct {
	of *Relation
	// why says why the view cannot be written to; "" where it can.
	why string
	// beside are the columns that hold indexes of others.
	beside map[shownIndex]int
	// defined are the result columns of the SELECTs of its definition.
	defined map[*Select][]column
}

// shownIndex is an index of a column of a view.
type shownIndex struct {
	col  int
	kind indexKind
}

// index returns the column of a view that holds an index of another; -1 where
// the view does not show it.
func (v *viewed) index(col int, kind indexKind) int {
	if at, ok := v.beside[shownIndex{col, kind}]; ok {
		return at
	}
	return -1
}

// simpleView finds out whether every row of a view is one of a single annotated
// table, so that it can be taken for that table under other names: such a view
// can be written to.
func (a *analysis) simpleView(rel *Relation, q *Query, cols []column, r *relation) {
	r.view.why = "write to the annotated table itself: the view is not one table's columns and rows"
	s, ok := q.Body.(*Select)
	if !ok || q.With != nil || len(q.Limit) > 0 || s.Distinct || len(s.DistinctOn) > 0 || len(s.GroupBy) > 0 || s.Having != nil || len(s.Windows) > 0 || len(s.From) != 1 {
		return
	}
	if _, ok := s.From[0].(*Table); !ok || a.dialect == SQLite || rel.Kind == RelMaterializedView {
		return
	}
	var from *relation
	for i := range cols {
		o := cols[i].origin
		if o.rel == nil || o.col < 0 || o.rel.base == nil || o.rel.view != nil || from != nil && o.rel != from {
			return
		}
		from = o.rel
	}
	if from == nil || from.annotated() == nil {
		return
	}
	switch {
	case rel.writes != "":
		r.view.why = "write to the annotated table itself: " + rel.writes + " changes what is written to the view"
		return
	case !showsIndexes(from, cols, r):
		r.view.why = "write to the annotated table itself: it has a search index, which the view does not show under its own name"
		return
	}
	r.view.why, r.base, r.fixed, r.row = "", from.base, from.fixed, from.row
	for i := range cols {
		src := &from.cols[cols[i].origin.col]
		c := column{name: r.cols[i].name, hidden: r.cols[i].hidden, declared: src.declared, phys: src.phys}
		if i < len(rel.Columns) && rel.Columns[i].Default != "" {
			c.phys = &rel.Columns[i]
		}
		for _, s := range src.flow {
			s = from.carry(s)
			for _, p := range []*partRef{&s.part, &s.row} {
				if p.kind == partRow {
					*p = shownColumn(cols, *p)
				}
			}
			c.flow = append(c.flow, s)
		}
		if from.rowAt > 0 && cols[i].origin.col == from.rowAt-1 {
			r.rowAt = i + 1
		}
		if cols[i].origin.col == from.partCol {
			r.partCol = i
		}
		r.cols[i] = c
	}
}

// showsIndexes reports a view that shows, with every column of a table, all of
// its indexes under their names, so that they can be written with it.
func showsIndexes(from *relation, cols []column, r *relation) bool {
	t := from.annotated()
	if len(t.Compounds) > 0 || len(from.base.sides) > 0 {
		return false
	}
	for i := range cols {
		c := t.Column(from.cols[cols[i].origin.col].name)
		if c == nil {
			continue
		}
		for _, x := range c.Indexes() {
			if !slices.ContainsFunc(r.cols, func(o column) bool { return o.hidden && strings.EqualFold(o.name, x.Physical()) }) {
				return false
			}
		}
	}
	return true
}

// viewWrite refuses to write to a view that is more than columns and rows of
// one table, or in a way that needs to know the table's keys.
func (a *analysis) viewWrite(r *relation, pos int, name string, upsert bool) error {
	switch {
	case r.view == nil:
	case r.view.why != "":
		return a.refuse(pos, ReasonView, name, r.view.why)
	case upsert:
		return a.refuse(pos, ReasonView, name, "an upsert names the table itself")
	}
	return nil
}

// judgeView lets a view over an annotated table be read by its definition.
func (n *namespace) judgeView(r *SnapshotRelation, rel *Relation) *Relation {
	rel.Verdict, rel.Reason, rel.Hint = VerdictRefused, ReasonView, "query the annotated table itself"
	if r.Kind != RelView && r.Kind != RelMaterializedView || r.Definition == "" || r.OpaqueDefinition {
		return rel
	}
	rel.Verdict = VerdictView
	rel.view, rel.writes, rel.look = n.definitionOf(r), writeRules(r), new(viewLook)
	return rel
}

func (n *namespace) definitionOf(r *SnapshotRelation) *definition {
	return &definition{text: r.Definition, reads: r.DependsOn, id: r.ID, temp: r.Temp, n: n}
}

// writeRules names what changes writing to a view.
func writeRules(r *SnapshotRelation) string {
	switch {
	case len(r.Rules) > 0:
		return "rule " + r.Rules[0]
	case len(r.Triggers) > 0:
		return "trigger " + r.Triggers[0].Name
	}
	return ""
}

// TrimDefinitions drops the definitions of views that reach no annotated table:
// nothing asks for them, and how the server prints them may differ from session
// to session.
func TrimDefinitions(d Dialect, snap *Snapshot, annotations *schema.Catalog) {
	if snap == nil {
		return
	}
	all := make([]*SnapshotRelation, len(snap.Relations))
	for i := range snap.Relations {
		all[i] = &snap.Relations[i]
	}
	key := func(id RelationID) RelationID { return foldID(d, id) }
	reach := reachable(all, annotations, key)
	for _, r := range all {
		if reach[key(r.ID)] == reachNone && annotations.View(r.ID.Schema, r.ID.Name) == nil {
			r.Definition = ""
		}
	}
}

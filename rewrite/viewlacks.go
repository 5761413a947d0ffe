package rewrite

import (
	"slices"
	"strings"
)

// ViewLack is a view that does not show all indexes by which what it shows could
// be searched, or that writing to it needs.
type ViewLack struct {
	ID RelationID
	// Columns are the names of the index columns that it would have.
	Columns []string
	// Query is the new definition: on SQLite the CREATE VIEW, else the query. Names are
	// those of all columns, where the query calls them otherwise.
	Query string
	Names []string
	// Triggers are those on the view, which go with it where it is dropped.
	Triggers []string
}

// MissingViewIndexes finds the views of a catalog whose definition CREATE VIEW
// through the driver would make with index columns more, in the order of the
// catalog. Materialized and temporary views are left out, and those that are
// refused.
func MissingViewIndexes(f Frontend, c Catalog, snap *Snapshot, s *Session) []ViewLack {
	sh, ok := c.(shaper)
	if !ok || snap == nil {
		return nil
	}
	w := new(workspace)
	var out []ViewLack
	for _, rel := range sh.Views() {
		if rel.Kind != RelView || rel.view == nil || rel.view.temp {
			continue
		}
		a := newAnalysis(w, f, nil, c, s, Options{})
		if l := a.lacks(rel); l != nil {
			if r := snap.find(rel.ID); r != nil {
				for _, t := range r.Triggers {
					l.Triggers = append(l.Triggers, t.Name)
				}
			}
			out = append(out, *l)
		}
	}
	return out
}

// lacks plans the definition of a view, without the index columns that it has, as
// the statement that makes it.
func (a *analysis) lacks(rel *Relation) *ViewLack {
	cols := a.look(rel).cols
	if len(cols) == 0 || len(rel.look.lists) > 1 {
		return nil
	}
	text := a.definitionText(rel)
	script, err := a.front.Parse(text, a.session)
	if err != nil || len(script.Statements) != 1 {
		return nil
	}
	o, ok := script.Statements[0].(*Other)
	if !ok || o.Kind != OtherCreateView {
		return nil
	}
	sub := newAnalysis(a.work, a.front, script, a.cat, a.session, Options{})
	if sub.statement(o) != nil {
		return nil
	}
	l := &ViewLack{ID: rel.ID}
	for _, h := range sub.shownBeside(o) {
		if !slices.ContainsFunc(cols, func(c ViewColumn) bool { return c.Hidden && strings.EqualFold(c.Name, h.name) }) {
			l.Columns = append(l.Columns, h.name)
		}
	}
	if len(l.Columns) == 0 {
		return nil
	}
	plan, err := PlanOnce(a.front, text, a.cat, a.session, Options{})
	if err != nil {
		return nil
	}
	l.Query = plan.Text
	if a.dialect != SQLite {
		l.Query = strings.TrimRight(strings.TrimSpace(plan.Text[len(a.viewHead(rel)):]), "; \n")
		l.Names = sub.namedOtherwise(o, cols)
	}
	return l
}

// namedOtherwise are the names of a view's columns where its query has others: MySQL
// keeps the list of CREATE VIEW v (k, m) beside the query, which it shows alone.
func (a *analysis) namedOtherwise(o *Other, cols []ViewColumn) (names []string) {
	var items []SelectItem
	if arms, ok := selectsOf(o.Query.Body, nil); ok {
		items = arms[0].Items
	}
	otherwise := false
	for _, c := range cols {
		if c.Hidden {
			continue
		}
		if k := len(names); k < len(items) && items[k].Alias != nil {
			otherwise = otherwise || items[k].Alias.Name != c.Name
		}
		names = append(names, c.Name)
	}
	if a.dialect != MySQL || !otherwise {
		return nil
	}
	for _, h := range a.shownBeside(o) {
		names = append(names, h.name)
	}
	return names
}

// shownBeside are the index columns that a new view is given.
func (a *analysis) shownBeside(o *Other) (out []hiddenCol) {
	arms, ok := selectsOf(o.Query.Body, nil)
	if !ok {
		return nil
	}
	for k := range arms[0].Items {
		out = append(out, a.hiddenOf(&arms[0].Items[k])...)
	}
	return append(out, a.hiddenOf(arms[0])...)
}

// viewHead is what stands in front of the query.
func (a *analysis) viewHead(rel *Relation) string {
	name := a.front.QuoteIdent(rel.ID.Name)
	if rel.ID.Schema != "" {
		name = a.front.QuoteIdent(rel.ID.Schema) + "." + name
	}
	return "CREATE OR REPLACE VIEW " + name + " AS "
}

// definitionText is the statement that makes a view as the application knows it.
func (a *analysis) definitionText(rel *Relation) string {
	if a.dialect != SQLite {
		return a.viewHead(rel) + rel.look.without(rel.view.script.Text)
	}
	s := &shaping{id: RelationID{Schema: rel.ID.Schema}}
	if text := s.viewText(rel); text != "" {
		return text
	}
	return rel.view.script.Text
}

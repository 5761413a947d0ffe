package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Views that the configuration declares by their columns. A declaration is
// taken where the definition cannot be read: then the declared columns are all
// that statements may name, and nothing is written to the view. Where it can,
// the definition decides, and a declaration that says otherwise refuses the
// view.

const declaredHint = "correct the declaration under views"

// judgeDeclared judges a relation that the configuration declares as a view.
func (n *namespace) judgeDeclared(r *SnapshotRelation, rel *Relation, v *schema.View) *Relation {
	refuse := func(why Reason, hint string) *Relation {
		rel.Verdict, rel.Reason, rel.Hint = VerdictRefused, why, hint
		return rel
	}
	if r.Kind != RelView && r.Kind != RelMaterializedView {
		return refuse(ReasonShadowed, "the configuration declares a view of this name, but it is a table or another kind of relation")
	}
	for i := range v.Columns {
		c := &v.Columns[i]
		phys, many := findColumn(r.Columns, c.Name)
		switch {
		case len(r.Columns) == 0: // SQLite, where a table of the view is gone
		case phys == nil:
			return refuse(ReasonView, "the view has no column "+c.Name+"; "+declaredHint)
		case many:
			return refuse(ReasonView, "columns of the view differ in the case of their names alone: which of them is "+c.Name+" cannot be told")
		case c.Column != nil && !carries(n.dialect, phys.Type, c.Column.Carrier):
			return refuse(ReasonView, c.Name+": a column of this type cannot hold records of "+c.Column.String()+"; "+declaredHint)
		}
	}
	rel.Verdict, rel.declared, rel.look = VerdictView, v, new(viewLook)
	if r.Definition != "" {
		rel.view = n.definitionOf(r)
	}
	rel.writes = writeRules(r)
	return rel
}

// findColumn finds a column by a name without case, and reports whether there are
// several of it.
func findColumn(cols []CatalogColumn, name string) (found *CatalogColumn, many bool) {
	for i := range cols {
		if schema.EqualNames(cols[i].Name, name) {
			if found != nil {
				return found, true
			}
			found = &cols[i]
		}
	}
	return found, false
}

// declaredView reads a view as the configuration declares it.
func (a *analysis) declaredView(rel *Relation, t *Table) *relation {
	v := rel.declared
	r := &relation{base: rel, partCol: -1, pos: t.Start, partial: len(rel.Columns) != len(v.Columns), view: &viewed{
		of: rel, why: "write to the annotated table itself: the definition of the view cannot be read",
	}}
	// shows are the declarations of r.cols, in the order of the view.
	var shows []*schema.ViewColumn
	for i := range rel.Columns {
		for k := range v.Columns {
			if c := &v.Columns[k]; schema.EqualNames(c.Name, rel.Columns[i].Name) && !slices.Contains(shows, c) {
				shows = append(shows, c)
				r.cols = append(r.cols, column{name: rel.Columns[i].Name, phys: &rel.Columns[i]})
			}
		}
	}
	for k := range v.Columns {
		if c := &v.Columns[k]; !slices.Contains(shows, c) {
			shows = append(shows, c)
			r.cols = append(r.cols, column{name: c.Name})
		}
	}
	for i, c := range shows {
		col := &r.cols[i]
		if col.declared = c.Column == nil; !col.declared {
			col.flow = flow{{col: c.Column, part: a.shownPartition(c, shows), row: shownIdentity(c, shows), phys: col.phys}}
		}
	}
	for i := range v.Columns {
		if table := v.Columns[i].Table; table != nil {
			a.touch(table)
		}
	}
	return r
}

// shownPartition locates the partition of values that a declared view shows: the
// first of its columns that is one.
func (a *analysis) shownPartition(c *schema.ViewColumn, shows []*schema.ViewColumn) partRef {
	t := c.Table
	switch {
	case t.Relaxed:
		return partRef{kind: partRelaxed}
	case t.Partition.Kind != schema.PartitionColumn || a.opt.ContextPartition:
		return partRef{kind: partConst}
	}
	for i, o := range shows {
		if o.Partition(t) {
			return partRef{kind: partRow, col: i}
		}
	}
	return partRef{kind: partLost}
}

// shownIdentity locates the identity of the row of values that a declared view
// shows.
func shownIdentity(c *schema.ViewColumn, shows []*schema.ViewColumn) partRef {
	return rowRef(c.Column, 1+slices.IndexFunc(shows, func(o *schema.ViewColumn) bool { return o.Identity(c.Table) }))
}

// contradiction returns the declared column about which a definition that was
// read says something else, or "".
func contradiction(v *schema.View, r *relation) string {
	for i := range v.Columns {
		c := &v.Columns[i]
		at := -1
		for k := range r.cols {
			if !r.cols[k].hidden && schema.EqualNames(r.cols[k].name, c.Name) {
				at = k
			}
		}
		if at < 0 || !agrees(c, at, r) {
			return c.Name
		}
	}
	return ""
}

func agrees(c *schema.ViewColumn, at int, r *relation) bool {
	f := r.cols[at].flow
	switch {
	case c.Column != nil:
		return len(f) == 1 && f[0].col == c.Column
	case len(f) > 0:
		return false
	}
	// A partition or identity that the definition finds in a column must be
	// found in this one.
	for k := range r.cols {
		for _, s := range r.cols[k].flow {
			if s.col.Table == c.Table && (wrongPlace(s.part, at) && c.Partition(c.Table) || wrongPlace(s.row, at) && c.Identity(c.Table)) {
				return false
			}
		}
	}
	return true
}

func wrongPlace(p partRef, at int) bool { return p.kind == partRow && p.col != at }

// undeclared refuses a name alone that no relation of a scope has, where one of
// them has columns that are not declared: it may mean one of those.
func (a *analysis) undeclared(ref *ColumnRef, sc, from *scope) error {
	name := ref.Path[len(ref.Path)-1]
	for _, r := range sc.rels {
		if r.partial && len(ref.Path) == 1 && !a.alias(name.Name, from) {
			return a.refuse(ref.Start, ReasonView, shown(name), notDeclared(r))
		}
	}
	return nil
}

func notDeclared(r *relation) string {
	return "the definition of " + r.base.ID.Name + " cannot be read, and its declaration under views does not name the column"
}

// complete refuses what takes all columns of a view of which only some are
// declared.
func (a *analysis) complete(pos int, rels ...*relation) error {
	for _, r := range rels {
		if r.partial {
			return a.refuse(pos, ReasonView, r.base.ID.Name, "name the columns: the definition of the view cannot be read, and its declaration does not name them all")
		}
	}
	return nil
}

// joinsDeclared refuses a join by names over a view of which only some columns
// are declared, unless it names declared ones.
func (a *analysis) joinsDeclared(j *Join, sides ...[]visible) error {
	for _, side := range sides {
		for _, v := range side {
			if !v.rel.partial {
				continue
			}
			if j.Natural || j.Alias != nil {
				return a.complete(j.Start, v.rel)
			}
			for _, n := range j.Using {
				if a.columnIndex(v.rel, n.Name) < 0 && !shows(side, n.Name) {
					return a.refuse(j.Start, ReasonView, shown(n), notDeclared(v.rel))
				}
			}
		}
	}
	return nil
}

func shows(side []visible, name string) bool {
	for _, v := range side {
		if strings.EqualFold(v.rel.cols[v.col].name, name) && !v.rel.partial {
			return true
		}
	}
	return false
}

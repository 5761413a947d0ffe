package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Deletion is an annotated table whose rows a statement deletes, or may.
type Deletion struct {
	Table *schema.Table
	// Uncounted says that the number of rows that the database reports is not
	// that of the rows deleted: of TRUNCATE, REPLACE, MERGE, DROP TABLE, and of
	// what goes with the rows of another table.
	Uncounted bool
}

// SnapshotReference is a foreign key of a relation.
type SnapshotReference struct {
	// To is the table that it refers to, whose rows take those of this relation
	// with them where Cascades is set (ON DELETE CASCADE).
	To       RelationID
	Cascades bool
	// Changes are its columns that change with those of To.
	Changes []SnapshotChange
	// Clears are its columns that lose their value when the row of To is deleted (ON
	// DELETE SET NULL, SET DEFAULT).
	Clears []string
}

// dependent is a relation whose rows may change or be deleted with those of another: one
// that refers to it, a part of it, or what a view shows.
type dependent struct {
	rel                   *Relation
	cascades, part, under bool
	changes               []SnapshotChange
	clears                []string
}

// depend joins relations with those that depend on them.
func (n *namespace) depend(all []*SnapshotRelation) {
	find := func(r *SnapshotRelation) *Relation {
		if r.Temp {
			return n.temp[n.key(r.ID).Name]
		}
		return n.byID[n.key(r.ID)]
	}
	add := func(to RelationID, d dependent) {
		if rel := n.byID[n.key(to)]; rel != nil {
			rel.dependents = append(rel.dependents, d)
		}
	}
	for _, r := range all {
		for _, x := range r.References {
			add(x.To, dependent{rel: find(r), cascades: x.Cascades, changes: x.Changes, clears: x.Clears})
		}
		if r.Kind == RelView {
			for _, id := range r.DependsOn {
				add(r.ID, dependent{rel: n.byID[n.key(id)], under: true})
			}
		}
		for _, p := range r.Parents {
			add(p, dependent{rel: find(r), part: true})
		}
	}
}

// deletes notes a target of DELETE, and what goes with its rows, where that is
// recorded. It refuses to where rows that stay would no more open.
func (a *analysis) deletes(r *relation) error {
	return a.deletesRows(r, false)
}

func (a *analysis) deletesRows(r *relation, uncounted bool) error {
	if r.base == nil {
		return nil
	}
	a.empties(r.base, uncounted, func(d dependent) bool { return d.cascades || d.part })
	return a.orphans(r.base, r.pos)
}

// replaces is deletes for statements that delete rows in the place of which they
// write others.
func (a *analysis) replaces(r *relation) error {
	return a.deletesRows(r, true)
}

// removes notes the tables of TRUNCATE and DROP. With CASCADE, TRUNCATE empties
// whatever refers to them. SQLite deletes the rows of a table before it drops it, with
// what its foreign keys say.
func (a *analysis) removes(o *Other) error {
	cascade := o.Kind == OtherTruncate && a.lastWord(o) == "cascade"
	for _, t := range o.Relations {
		rel := a.cat.Relation(t.Path)
		a.empties(rel, true, func(d dependent) bool { return d.part || cascade })
		if a.dialect == SQLite {
			if err := a.orphans(rel, t.Start); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastWord is the last word of a statement, lower case.
func (a *analysis) lastWord(o *Other) string {
	for i := len(a.script.Tokens) - 1; i >= 0; i-- {
		if t := &a.script.Tokens[i]; t.Start < o.End && t.Kind == TokWord {
			return strings.ToLower(t.Text)
		}
	}
	return ""
}

// empties notes a relation and those of its dependents, and of theirs, that the
// statement reaches.
func (a *analysis) empties(rel *Relation, uncounted bool, reaches func(dependent) bool) {
	if rel == nil {
		return
	}
	a.deletion(rel.Annotation, uncounted)
	if len(rel.dependents) == 0 {
		return
	}
	seen, queue := map[*Relation]bool{rel: true}, []*Relation{rel}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, d := range at.dependents {
			if d.rel == nil || !reaches(d) {
				continue
			}
			a.deletion(d.rel.Annotation, uncounted || !d.part)
			if !seen[d.rel] {
				seen[d.rel] = true
				queue = append(queue, d.rel)
			}
		}
	}
}

// deletion notes a table of which deletions are recorded, once.
func (a *analysis) deletion(t *schema.Table, uncounted bool) {
	if t == nil || !slices.ContainsFunc(t.Columns, func(c *schema.Column) bool { return c.AuditDeletes }) {
		return
	}
	i := slices.IndexFunc(a.deleted, func(d Deletion) bool { return d.Table == t })
	if i < 0 {
		a.deleted = append(a.deleted, Deletion{t, uncounted})
		return
	}
	a.deleted[i].Uncounted = a.deleted[i].Uncounted || uncounted
}

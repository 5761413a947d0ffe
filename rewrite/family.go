package rewrite

import "github.com/sealsql/sealsql/schema"

// Inheritance and partitioning: the rows of a child are rows of its parents.
// What is annotated on the parent therefore holds for the child, whether a
// statement names the one or the other (threats T2).

// family finds parents and children among the relations of a snapshot.
type family struct {
	n    *namespace
	byID map[RelationID]*SnapshotRelation
	kids map[RelationID][]*SnapshotRelation
}

func newFamily(n *namespace, all []*SnapshotRelation) *family {
	f := &family{n: n, byID: map[RelationID]*SnapshotRelation{}, kids: map[RelationID][]*SnapshotRelation{}}
	for _, r := range all {
		f.byID[n.key(r.ID)] = r
		for _, p := range r.Parents {
			f.kids[n.key(p)] = append(f.kids[n.key(p)], r)
		}
	}
	return f
}

// maxGenerations bounds what is walked of a tree.
const maxGenerations = 64

// inherited is the annotation that a relation has from its parents: that of all
// of them, or none (nil, true) where only some parents are annotated, or
// otherwise than the others.
func (f *family) inherited(r *SnapshotRelation, depth int) (t *schema.Table, ok bool) {
	if depth > maxGenerations {
		return nil, false
	}
	for _, id := range r.Parents {
		p := f.byID[f.n.key(id)]
		if p == nil {
			return nil, false
		}
		of := f.n.ann.Lookup(p.ID.Schema, p.ID.Name)
		if of == nil {
			var known bool
			if of, known = f.inherited(p, depth+1); !known {
				return nil, false
			}
		}
		if of == nil || t != nil && t != of {
			return nil, false
		}
		t = of
	}
	return t, t != nil
}

// stranger returns a child, at any depth, whose rows would not open as rows of
// the table: one with an annotation of its own that has other ids.
func (f *family) stranger(r *SnapshotRelation, t *schema.Table, depth int) string {
	if depth > maxGenerations {
		return r.ID.Name
	}
	for _, c := range f.kids[f.n.key(r.ID)] {
		of := f.n.ann.Lookup(c.ID.Schema, c.ID.Name)
		if of != nil && of != t && !sameColumns(t, of) {
			return c.ID.Name
		}
		if s := f.stranger(c, t, depth+1); s != "" {
			return s
		}
	}
	return ""
}

// fault is what is wrong with a part of a table as far as the server itself would look at
// encrypted columns: it has constraints, indexes and policies of its own, which Findings
// does not meet.
func (f *family) fault(r *SnapshotRelation, t *schema.Table) string {
	for _, c := range t.Columns {
		if list := expressionFindings(f.n.dialect, r, c); len(list) > 0 {
			return r.ID.Name + "." + c.Name + ": " + list[0].Problem + "; " + list[0].Hint
		}
	}
	return ""
}

// partFault is the fault of a part of the relation, at any depth.
func (f *family) partFault(r *SnapshotRelation, t *schema.Table, depth int) string {
	if depth > maxGenerations {
		return ""
	}
	for _, part := range f.kids[f.n.key(r.ID)] {
		if fault := f.fault(part, t); fault != "" {
			return fault
		}
		if fault := f.partFault(part, t, depth+1); fault != "" {
			return fault
		}
	}
	return ""
}

// triggers are those that run when rows of a relation are written: also those
// of its parts.
func (f *family) triggers(r *SnapshotRelation, depth int) []SnapshotTrigger {
	out := r.Triggers
	if depth > maxGenerations {
		return out
	}
	for _, c := range f.kids[f.n.key(r.ID)] {
		out = append(out[:len(out):len(out)], f.triggers(c, depth+1)...)
	}
	return out
}

// sameColumns reports whether records of one table's columns are records of the
// other's.
func sameColumns(t, o *schema.Table) bool {
	if len(t.Columns) != len(o.Columns) || t.Partition != o.Partition || t.Row != o.Row {
		return false
	}
	for _, c := range t.Columns {
		d := o.Column(c.Name)
		if d == nil || d.ID != c.ID || d.Carrier != c.Carrier || d.BindsRow() != c.BindsRow() || !c.ReadsAll(d) || !d.ReadsAll(c) {
			return false
		}
	}
	return true
}

// judgeRelative lets a child be used as the table that its parents are. A
// parent of an annotated table shows its rows unopened and is refused.
func (n *namespace) judgeRelative(r *SnapshotRelation, rel *Relation, f *family) *Relation {
	t, ok := f.inherited(r, 0)
	if !ok {
		rel.Verdict, rel.Reason, rel.Hint = VerdictRefused, ReasonInheritance, "name the annotated parent table, or annotate this table too"
		return rel
	}
	if fault := f.fault(r, t); fault != "" {
		rel.Verdict, rel.Reason, rel.Hint = VerdictRefused, ReasonShadowed, fault
		return rel
	}
	return n.judgeAs(r, rel, t, f)
}

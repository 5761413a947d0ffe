package rewrite

import "strings"

// SnapshotChange is a column of a relation that the server changes with the row to which
// it refers.
type SnapshotChange struct {
	// Column takes another value when column Of of the other table does (ON UPDATE
	// CASCADE, SET NULL, SET DEFAULT). Of is empty where the reference names none: it is
	// one of the primary key.
	Column, Of string
}

const (
	cascadeHint      = "a foreign key would change the partition or the key of encrypted rows with it, and their values would open no more: insert a new row, write the others with its key, and delete the old one"
	cascadeIndexHint = "a foreign key would change a column of a compound index with it and leave the index behind, so that searches missed the rows: insert a new row, write the others with its key, and delete the old one"
	orphanHint       = "a foreign key with ON DELETE SET NULL or SET DEFAULT would take the partition or the key from encrypted rows, and their values would open no more: declare that column NOT NULL, or the foreign key ON DELETE RESTRICT or CASCADE"
)

// fate is what happens to rows of a relation: a column changes, or with an empty name
// they are deleted.
type fate struct {
	rel    *Relation
	column string
}

// cascadesInto refuses to assign a column where a foreign key takes its new value on into
// the partition column or the row identity of an annotated table, over whatever tables
// lie between.
func (a *analysis) cascadesInto(h hit, v Expr, ref *ColumnRef) error {
	if h.rel == nil || h.rel.base == nil || len(h.rel.base.dependents) == 0 || assignsItself(v, ref) {
		return nil
	}
	column := ref.Path[len(ref.Path)-1].Name
	if at := a.rowidColumn(h.rel, column); at >= 0 && a.columnIndex(h.rel, column) < 0 {
		column = h.rel.cols[at].name
	}
	return a.displaces(fate{h.rel.base, strings.ToLower(column)}, ref.Start, cascadeHint)
}

// orphans is cascadesInto for rows that are deleted.
func (a *analysis) orphans(rel *Relation, pos int) error {
	if rel == nil || len(rel.dependents) == 0 {
		return nil
	}
	return a.displaces(fate{rel: rel}, pos, orphanHint)
}

// displaces follows what happens to rows of one relation to those that refer to them.
// MySQL runs no triggers for what foreign keys do.
func (a *analysis) displaces(start fate, pos int, hint string) error {
	seen, queue := map[fate]bool{start: true}, []fate{start}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for i := range at.rel.dependents {
			for _, next := range at.rel.dependents[i].fates(at) {
				if seen[next] {
					continue
				}
				if next.column != "" && next.rel.placedBy(next.column) {
					return a.refuse(pos, ReasonPartitionWrite, next.rel.Annotation.Name+"."+next.column, hint)
				}
				if start.column != "" && next.column != "" && next.rel.indexedWith(next.column) {
					return a.refuse(pos, ReasonComputed, next.rel.Annotation.Name+"."+next.column, cascadeIndexHint)
				}
				if a.dialect != MySQL && !at.rel.dependents[i].under && next.rel.WriteReason == ReasonTrigger {
					return a.refuse(pos, ReasonTrigger, next.rel.ID.Name, "a foreign key takes the change on to its rows, and "+next.rel.WriteHint)
				}
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// fates are what follows for the dependent from what happens to the rows on which it
// depends.
func (d *dependent) fates(at fate) (out []fate) {
	switch {
	case d.rel == nil:
	case at.column == "":
		if d.cascades || d.part || d.under {
			out = append(out, fate{rel: d.rel})
		}
		for _, name := range d.clears {
			if d.rel.takesNothing(name) {
				out = append(out, fate{d.rel, strings.ToLower(name)})
			}
		}
	case d.under:
		// The view may show the column under any name.
		for i := range d.rel.Columns {
			out = append(out, fate{d.rel, strings.ToLower(d.rel.Columns[i].Name)})
		}
	case d.part:
		out = append(out, fate{d.rel, at.column})
	default:
		for _, c := range d.changes {
			if c.follows(at.rel, at.column) {
				out = append(out, fate{d.rel, strings.ToLower(c.Column)})
			}
		}
	}
	return out
}

// takesNothing reports a column from which a deletion elsewhere can take its value: one
// that is NOT NULL and has no default makes the deletion fail.
func (r *Relation) takesNothing(column string) bool {
	for i := range r.Columns {
		if c := &r.Columns[i]; strings.EqualFold(c.Name, column) {
			return c.Default != "" || !c.NotNull && !c.RowID
		}
	}
	return true
}

// follows reports whether the column changes with one of the other table.
func (c *SnapshotChange) follows(to *Relation, column string) bool {
	if c.Of != "" {
		return strings.EqualFold(c.Of, column)
	}
	for _, key := range to.Unique {
		if containsFold(key, column) {
			return true
		}
	}
	return false
}

// placedBy reports a column that says in which partition, or in which row, values open.
func (r *Relation) placedBy(column string) bool {
	t := r.Annotation
	if t == nil {
		return false
	}
	if t.Row.Column != "" && strings.EqualFold(t.Row.Column, column) {
		return true
	}
	return t.Partition.Column != "" && strings.EqualFold(t.Partition.Column, column)
}

// indexedWith reports a clear column of a compound index.
func (r *Relation) indexedWith(column string) bool {
	if r.Annotation == nil {
		return false
	}
	for _, x := range r.Annotation.Compounds {
		if i := x.Part(column); i >= 0 && x.Parts[i].Of == nil {
			return true
		}
	}
	return false
}

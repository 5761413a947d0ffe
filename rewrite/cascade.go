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

const cascadeHint = "a foreign key would change the partition or the key of encrypted rows with it, and their values would open no more: insert a new row, write the others with its key, and delete the old one"

// cascadesInto refuses to assign a column where a foreign key takes its new value on into
// the partition column or the row identity of an annotated table, over whatever tables
// lie between.
func (a *analysis) cascadesInto(h hit, v Expr, ref *ColumnRef) error {
	if h.rel == nil || h.rel.base == nil || len(h.rel.base.dependents) == 0 || assignsItself(v, ref) {
		return nil
	}
	type place struct {
		rel    *Relation
		column string
	}
	start := place{h.rel.base, strings.ToLower(ref.Path[len(ref.Path)-1].Name)}
	seen, queue := map[place]bool{start: true}, []place{start}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, d := range at.rel.dependents {
			for _, c := range d.changes {
				next := place{d.rel, strings.ToLower(c.Column)}
				if d.rel == nil || seen[next] || !c.follows(at.rel, at.column) {
					continue
				}
				if d.rel.placedBy(c.Column) {
					return a.refuse(ref.Start, ReasonPartitionWrite, d.rel.Annotation.Name+"."+c.Column, cascadeHint)
				}
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return nil
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

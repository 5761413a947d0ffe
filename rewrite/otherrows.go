package rewrite

import (
	"slices"

	"github.com/sealsql/sealsql/schema"
)

// Where the context alone names the partition, the statement also sees the rows
// of others. An index within partitions tells nothing about these: no row of
// another partition has the hash of a value, but it is on either side of every
// order, and every "is not" is true of it (threats T23). Tables whose index is
// asked are narrowed (narrow.go). Where that has no place, what holds of rows
// that are found by their hash is planned; the rest wants the partition in the
// WHERE clause, or an index for all of them.

const otherRowsHint = "under sealsql.WithPartition alone the statement also sees rows of other partitions, of which the index says nothing, and here the condition that leaves them out has no place: add the partition column to the WHERE clause, join with ON, or declare scope: table"

// finds are the comparisons that only rows with the hash of a value meet.
var finds = map[string]bool{
	"=": true, "= ANY": true, "<=>": true, "IS NOT DISTINCT FROM": true,
	"<": true, "<=": true, ">": true, ">=": true, "BETWEEN": true, "LIKE": true,
}

// asked notes the comparisons of a WHERE that a row must meet, or may: those that
// stand below nothing but AND and OR.
func (a *analysis) asked(e Expr, sc *scope) {
	if slices.ContainsFunc(sc.rels, func(r *relation) bool {
		t := r.annotated()
		return t != nil && t.Partition.Kind != schema.PartitionConst
	}) {
		a.askedIn(e)
	}
}

func (a *analysis) askedIn(e Expr) {
	switch x := e.(type) {
	case *In:
		if !x.Not {
			a.asks(x.X)
		}
	case *Op:
		if x.Name == "AND" || x.Name == "OR" {
			for _, y := range x.Args {
				a.askedIn(y)
			}
		} else if finds[x.Name] && len(x.Args) > 0 {
			a.asks(x.Args[0])
		}
	}
}

// asks notes an operand; rows are compared item by item.
func (a *analysis) asks(e Expr) {
	if a.positive == nil {
		a.positive = a.work.exprs.Many(few)[:0]
	}
	a.positive = append(a.positive, e)
	if r, ok := e.(*Row); ok {
		a.positive = append(a.positive, r.Items...)
	}
}

// seesOthers reports a column of rows that may be of other partitions than the
// one that its index is asked in.
func (a *analysis) seesOthers(h hit) bool {
	if t := h.rel.annotated(); t != nil {
		return others(t, h.rel.fixed)
	}
	for _, s := range h.flow() {
		fixed := s.fixed
		if s.part.kind == partValue {
			fixed = s.part.value
		}
		if others(s.col.Table, fixed) {
			return true
		}
	}
	return false
}

func others(t *schema.Table, fixed *Value) bool {
	return t.Partition.Kind == schema.PartitionContext || t.Partition.Kind == schema.PartitionColumn && fixed == nil
}

// found proves that a comparison through an index within partitions is one that
// finds rows, where rows of others are seen; args are its operands.
func (a *analysis) found(x schema.Index, args []Expr, refs []*ColumnRef, hits []hit) error {
	if x.AllPartitions() {
		return nil
	}
	for i, h := range hits {
		if !a.confine(h) && !(len(args) > 0 && slices.Contains(a.positive, args[0])) {
			return a.refuse(refs[i].Start, ReasonPartition, h.flow()[0].col.String(), otherRowsHint)
		}
	}
	return nil
}

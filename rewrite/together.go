package rewrite

// Columns of two tables are compared through indexes within partitions where the
// partitions are compared as well: a.tenant = b.tenant AND a.c = b.d. Where the
// partitions differ the conjunction is false whatever the indexes say.

// within notes what a conjunction says of partitions while its parts are walked.
// Cutting a.together to the length that is returned ends that.
func (a *analysis) within(o *Op, sc *scope) int {
	before := len(a.together)
	if o.Name == "AND" {
		a.noteTogether(o, sc)
	}
	return before
}

func (a *analysis) noteTogether(o *Op, sc *scope) {
	for _, x := range o.Args {
		switch p, _ := x.(*Op); {
		case p == nil:
		case p.Name == "AND":
			a.noteTogether(p, sc)
		case p.Name == "=" && len(p.Args) == 2:
			if rels, ok := a.samePartitionColumns(p.Args, sc); ok {
				a.together = append(a.together, rels)
			}
		}
	}
}

// linkedAll reports that all of these columns are of rows of one partition, whose
// partition columns are equal.
func (a *analysis) linkedAll(hits []hit) bool {
	for _, h := range hits[1:] {
		if !a.linkedPair(hits[0].rel, h.rel) {
			return false
		}
	}
	return len(hits) > 1
}

func (a *analysis) linkedPair(r, o *relation) bool {
	t, u := r.annotated(), o.annotated()
	if t == nil || u == nil || !t.Partition.Type.Same(u.Partition.Type) {
		return false // '07' = 7 in some engines, and two partitions
	}
	if linked(r, o) {
		return true
	}
	for _, p := range a.together {
		if p == [2]*relation{r, o} || p == [2]*relation{o, r} {
			return true
		}
	}
	return false
}

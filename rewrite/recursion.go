package rewrite

import "github.com/sealsql/sealsql/schema"

// Recursion over columns with indexes. A recursive common table shows the index of
// a column beside it, as every derived table does (equalities.go): the first part
// gives it a name, and the recursive part, which may take it from the common table
// itself, shows it in the same place.
//
//	WITH RECURSIVE t AS (SELECT id FROM u WHERE up IS NULL UNION ALL SELECT u.id FROM u JOIN t ON u.up = t.id) …
//	WITH RECURSIVE t AS (SELECT id , "u"."id_bidx" AS "sealsql_p1" FROM u WHERE up IS NULL UNION ALL
//	SELECT u.id , "u"."id_bidx" AS "sealsql_p2" FROM u JOIN t ON u."up_bidx" = t."sealsql_p1") …

// recursion is one such common table.
type recursion struct {
	cte *CTE
	set *SetOp
	// left and right are the SELECTs of its parts; right is nil until the recursive
	// part has been analysed.
	left, right []*Select
	// wanted are the indexes that it shows, in the order of their columns, of which
	// so many were added to the recursive part, which adding is busy with.
	wanted []outputOf
	added  int
	adding bool
	// closed: the recursive part has no place for indexes.
	closed bool
	// kept are the columns of a UNION that keeps one of equal rows; nil for UNION ALL.
	kept []unionColumn
	// readers are the relations that read it, in its recursive part and behind it.
	readers []*relation
}

const recursionHint = "both parts of a recursion must select the column as it is from tables with indexes of one search group, in one partition"

// recursionOf is the recursive common table whose query this is; nil for others.
func (a *analysis) recursionOf(q *Query) *recursion {
	if len(a.eq.recursions) == 0 {
		return nil
	}
	return a.eq.recursions[q]
}

// recurses notes a recursive common table whose parts can show indexes, before the
// recursive part is analysed; nil for others.
func (a *analysis) recurses(c *CTE, set *SetOp) *recursion {
	left, ok := selectsOf(set.Left, nil)
	if !ok || a.depth > 0 || set.Name != "UNION" || a.unites(set.Left) || a.openArm(set.Left) {
		return nil
	}
	r := &recursion{cte: c, set: set, left: left}
	if a.eq.recursions == nil {
		a.eq.recursions = map[*Query]*recursion{}
	}
	a.eq.recursions[c.Query] = r
	return r
}

// recursedIndex adds the index of a result column to both parts, and returns its
// name; "" where the first part has no place for it. Where the recursive part has
// none the statement is refused.
func (a *analysis) recursedIndex(r *recursion, at int, kind indexKind) string {
	if r.closed {
		return ""
	}
	name := a.armIndex(r.left, at, kind)
	if name == "" {
		return ""
	}
	if names := r.cte.Columns; a.dialect != Postgres && len(names) > 0 && !a.lengthen(r.cte, names, name) {
		return ""
	}
	key := outputOf{r.cte.Query, at, kind}
	a.showsAs(key, name)
	r.wanted = append(r.wanted, key)
	if err := a.recursed(r); err != nil && a.late == nil {
		a.late = err
	}
	return name
}

// lengthen adds a name to the list of column names of a query.
func (a *analysis) lengthen(owner any, names []Ident, name string) bool {
	last := names[len(names)-1]
	if !last.Known() {
		return false
	}
	add := &addition{at: last.End, lead: ", ", text: a.front.QuoteIdent(name), name: name, ref: []string{name}}
	a.adds = append(a.adds, add)
	if a.lists.names == nil {
		a.lists.names = map[any][]string{}
	}
	a.lists.names[owner] = append(a.lists.names[owner], name)
	return true
}

// recursed adds what was asked of the common table to its recursive part, once that
// has been analysed. More may be asked meanwhile, which comes behind it in both parts.
func (a *analysis) recursed(r *recursion) error {
	if r.right == nil || r.adding {
		return nil
	}
	r.adding = true
	defer func() { r.adding = false }()
	for ; r.added < len(r.wanted); r.added++ {
		if err := a.recurseIn(r, r.wanted[r.added]); err != nil {
			return err
		}
	}
	return nil
}

// recursionEnds is called with the recursive part analysed.
func (a *analysis) recursionEnds(r *recursion) error {
	right, ok := selectsOf(r.set.Right, nil)
	if !ok || a.unites(r.set.Right) || a.openArm(r.set.Right) {
		right = nil
		if len(r.wanted) > 0 {
			return a.recursionRefused(r, r.wanted[0])
		}
		r.closed = true
		return nil
	}
	r.right = right
	return a.recursed(r)
}

func (a *analysis) recursionRefused(r *recursion, key outputOf) error {
	col := ""
	if outs := a.eq.outputsOf(r.left[0]); key.column < len(outs) && len(outs[key.column].flow) > 0 {
		col = outs[key.column].flow[0].col.String()
	}
	return a.refuse(r.set.Start, ReasonPredicate, col, recursionHint)
}

// recurseIn adds one index to the lists of the recursive part, and proves that the
// values of all parts are compared by one hash. What comes from the recursion itself
// is what its parts are.
func (a *analysis) recurseIn(r *recursion, key outputOf) error {
	var first schema.Index
	var part PartitionSource
	for _, arm := range append(r.left[:len(r.left):len(r.left)], r.right...) {
		outs := a.eq.outputsOf(arm)
		if key.column >= len(outs) || outs[key.column].origin.rel == nil || !a.onePart(&first, &part, outs[key.column].origin, key.kind) {
			return a.recursionRefused(r, key)
		}
	}
	if a.armIndex(r.right, key.column, key.kind) == "" {
		return a.recursionRefused(r, key)
	}
	return nil
}

// onePart proves of the index of one part that it has one form with those before,
// and that it spans all partitions or is asked in the same one.
func (a *analysis) onePart(first *schema.Index, part *PartitionSource, o hit, kind indexKind) bool {
	x := kind.of(o.flow())
	if x == nil || *first != nil && !oneForm(*first, x) {
		return false
	}
	begins := *first == nil
	*first = x
	if x.AllPartitions() {
		return true
	}
	p, ok := a.partitionAt(o)
	if !ok || o.rel.annotated() != nil && !a.confine(o) || !begins && !a.samePartitions(p, *part) {
		return false
	}
	*part = p
	return true
}

package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Indexes for comparisons by order. Where an index reveals the order, its column
// takes the place of the encrypted one in comparisons, sort keys, and MIN and
// MAX; a value that is compared goes out as its index.

// ranging is what a statement does with range indexes.
type ranging struct {
	// refs are the references that become their index column.
	refs map[*ColumnRef]*schema.Range
	// names are the index columns of references whose relation shows them under
	// another name than the table.
	names map[*ColumnRef]string
	// keys are sort keys that become the index column of what they mean.
	keys map[Expr]sortedBy
	// extremes are the calls of MIN and MAX over encrypted columns.
	extremes map[*Call]extreme
	// scalars are queries that are values: the names of their columns do not show.
	scalars map[any]bool
	// covers are the comparisons through indexes that hide the order. with is the
	// condition that gives the other end of a range, twin the comparison that has
	// taken the condition over.
	covers []*covering
	with   map[*Op]*Op
	twin   map[*Op]*covering
}

func (r *ranging) any() bool { return len(r.refs)+len(r.keys)+len(r.extremes)+len(r.covers) > 0 }

// rangeComparisons are the comparisons that need an order.
var rangeComparisons = map[string]bool{"<": true, "<=": true, ">": true, ">=": true, "BETWEEN": true, "NOT BETWEEN": true}

const (
	rangeHint      = "an encrypted column is compared by order only through a range index: add search: range to the column, or compare a clear one"
	rangeForm      = "an encrypted column is compared by order with parameters, literals, or a column of its group"
	rangeTies      = "texts that are longer than the prefix of the index are not told apart: give the column's type a length that fits into the prefix, or declare longer: refuse"
	orderHint      = "order by a clear column, add search: {range: {order: revealing}} or client_sort: {max_rows: N} to the column, or sort the opened rows in the application"
	orderReachHint = "order where the table of the column is named: behind this query its index cannot be shown"
	extremeHint    = "the server finds the smallest and the largest value only by an index that reveals the order: add search: {range: {order: revealing}} to the column; with client_sort the driver finds them, where they are all that a plain SELECT shows, each a column by itself, without GROUP BY, ORDER BY and LIMIT"
	extremeForm    = "MIN and MAX take a column by itself, with a binary carrier"
	extremeAlias   = "give MIN or MAX an alias: its name is not kept"
)

// bounded reports that the lengths of types bound what their columns hold.
func (a *analysis) bounded() bool { return a.dialect != SQLite }

// rangeCompare plans a comparison with a column that has a range index. done is
// false where the comparison is not one for such an index. node is the whole of
// it, nil for a pair of two rows.
func (a *analysis) rangeCompare(node Expr, name string, args []Expr, sc *scope) (done bool, err error) {
	if rows := rowOperands(name, args); rows != nil {
		return a.rangeRows(node, name, rows, sc)
	}
	refs, hits := a.sealedRefs(args, sc)
	if len(refs) == 0 || !a.rangeAnswers(name, hits) {
		return false, nil
	}
	if r := hits[0].rangeIndex(); r != nil && r.Order == schema.OrderHidden {
		c := r.Of
		if _, err := a.rangeAt(refs[0], hits[0]); err != nil {
			return true, err
		}
		if len(refs) > 1 {
			return true, a.refuse(refs[1].Start, ReasonPredicate, c.String(), coverForm)
		}
		if a.dialect != SQLite && isKey(sc.keys, hits[0]) {
			return true, a.refuse(refs[0].Start, ReasonPredicate, c.String(), "compare in the WHERE clause: a group has no index that hides the order")
		}
		return true, a.coverCompare(node, args, refs[0], hits[0])
	}
	return true, a.rangePlan(args, refs, hits)
}

// rangeAnswers reports whether the comparison is one for the range index of the
// column: by order, or of equality where there is no index for that.
func (a *analysis) rangeAnswers(name string, hits []hit) bool {
	if rangeComparisons[name] {
		return true
	}
	if !indexComparisons[name] {
		return false
	}
	for _, h := range hits {
		for _, f := range h.flow() {
			if f.col.Range == nil || f.col.Range.Order != schema.OrderRevealing || f.col.Equality != nil {
				return false
			}
		}
	}
	return true
}

// sealedRefs are the references among the operands of a comparison that are
// encrypted columns. Errors are reported where the operands are walked.
func (a *analysis) sealedRefs(args []Expr, sc *scope) (refs []*ColumnRef, hits []hit) {
	for _, e := range args {
		ref, ok := e.(*ColumnRef)
		if !ok {
			continue
		}
		if h, _, found, err := a.resolve(ref, sc); err == nil && found && len(h.flow()) > 0 {
			if refs == nil {
				refs, hits = a.work.columnRefs.Many(len(args))[:0], a.work.hits.Many(len(args))[:0]
			}
			refs, hits = append(refs, ref), append(hits, h)
		}
	}
	return refs, hits
}

// rangePlan makes the columns their index, and values the index of the value.
func (a *analysis) rangePlan(args []Expr, refs []*ColumnRef, hits []hit) error {
	var index *schema.Range
	for i, h := range hits {
		r, err := a.rangeAt(refs[i], h)
		if err != nil {
			return err
		}
		switch {
		case index == nil:
			index = r
		case !index.Joins(r):
			return a.refuse(refs[i].Start, ReasonPredicate, r.Of.String(), "give both columns the same range group, type and settings, or compare them in the application")
		}
		if len(refs) > 1 && !r.Sorts(a.bounded()) {
			return a.refuse(refs[i].Start, ReasonPredicate, r.Of.String(), rangeTies)
		}
	}
	part, err := a.sharedPartition(index, refs, hits)
	if err == nil {
		err = a.found(index, nil, refs, hits)
	}
	if err != nil {
		return err
	}
	for i, ref := range refs {
		if err := a.useRange(ref, hits[i], index); err != nil {
			return err
		}
	}
	for _, e := range args {
		if ref, ok := e.(*ColumnRef); ok && contained(refs, ref) {
			continue
		}
		if err := a.rangeTerm(e, index, part); err != nil {
			return err
		}
	}
	a.typedFirst(args)
	return nil
}

// ownColumn reports that a name was resolved to the column of an annotated table
// that is named in the same query, where its index stands beside it.
func (a *analysis) ownColumn(h hit, name string) bool {
	f := h.flow()
	return len(f) == 1 && h.rel.annotated() != nil && h.rel.view == nil && strings.EqualFold(name, f[0].col.Name)
}

// useRange makes a reference to the column one to its index.
func (a *analysis) useRange(ref *ColumnRef, h hit, r *schema.Range) error {
	if !ref.Path[len(ref.Path)-1].Known() || a.captured[ref] {
		return a.refuse(ref.Start, ReasonPredicate, r.Of.String(), "qualify the column with its table")
	}
	if a.ranges.refs == nil {
		a.ranges.refs = map[*ColumnRef]*schema.Range{}
	}
	a.ranges.refs[ref] = r
	a.nameRange(ref, h, r)
	return nil
}

// rangeTerm plans a value that is compared with a range index.
func (a *analysis) rangeTerm(e Expr, r *schema.Range, part PartitionSource) error {
	switch unwrapped(e).(type) {
	case *Param, *Literal:
		return a.term(e, r, part)
	}
	return a.refuse(e.Pos(), ReasonPredicate, r.Of.String(), rangeForm)
}

// rowOperands are the pairs of a comparison of two rows by order.
func rowOperands(name string, args []Expr) [][2]Expr {
	if !rangeComparisons[name] || len(args) != 2 {
		return nil
	}
	x, ok1 := args[0].(*Row)
	y, ok2 := args[1].(*Row)
	if !ok1 || !ok2 || len(x.Items) != len(y.Items) {
		return nil
	}
	pairs := make([][2]Expr, len(x.Items))
	for i := range x.Items {
		pairs[i] = [2]Expr{x.Items[i], y.Items[i]}
	}
	return pairs
}

// rangeRows plans (c, id) > ($1, $2): the index takes the place of the column
// beside its value, and the other pairs are compared as they are.
func (a *analysis) rangeRows(node Expr, name string, pairs [][2]Expr, sc *scope) (done bool, err error) {
	for _, p := range pairs {
		refs, _ := a.sealedRefs(p[:], sc)
		done = done || len(refs) > 0
	}
	if !done {
		return false, nil
	}
	if a.unroll(node, pairs, sc) {
		return true, nil
	}
	for _, p := range pairs {
		planned, err := a.rangeCompare(nil, name, p[:], sc)
		if err == nil && !planned {
			err = a.compare(p[:], sc, ReasonPredicate)
		}
		if err != nil {
			return true, err
		}
	}
	return true, nil
}

// ranging writes the index columns.
func (b *builder) ranging() {
	r := &b.a.ranges
	for ref, x := range r.refs {
		b.edits = append(b.edits, edit{kind: editName, span: ref.Path[len(ref.Path)-1].Span, name: b.a.rangeName(ref, x)})
	}
	for e, k := range r.keys {
		open, end := "", ""
		if k.picked {
			open, end = b.a.picking()
		}
		b.edits = append(b.edits, edit{span: e.Range(), text: open + string(b.a.front.AppendIdent(b.writeQualifier(nil, k.rel), k.name)) + end})
	}
	for c, x := range r.extremes {
		b.extreme(c, x)
	}
	for _, k := range r.covers {
		b.edits = append(b.edits, edit{kind: editCover, span: k.op.Span, covering: k})
	}
}

// ranged compares an expression that a range index changes with what it became.
// done is false for all others.
func (v verifier) ranged(x, y Expr) (done, ok bool) {
	r := &v.b.a.ranges
	if !r.any() {
		return false, false
	}
	if k, found := r.keys[x]; found {
		return true, v.sortKey(k, y)
	}
	switch x := x.(type) {
	case *Op:
		if k := r.covering(x); k != nil {
			return true, v.cover(k, y)
		}
		if x.Name == "OR" && len(r.covers) > 0 {
			return true, v.coversInOr(x, y)
		}
	case *ColumnRef:
		to := r.refs[x]
		if to == nil {
			return false, false
		}
		if _, picked := v.b.a.eq.picks[x]; picked {
			y = v.b.a.unpicked(y)
		}
		ref, isRef := y.(*ColumnRef)
		n := len(x.Path) - 1
		return true, isRef && len(ref.Path) == n+1 && idents(x.Path[:n], ref.Path[:n]) && ref.Path[n].Name == v.b.a.rangeName(x, to)
	case *Call:
		e, found := r.extremes[x]
		return found, found && v.extreme(x, e, y)
	}
	return false, false
}

package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// equalities is what a statement does with exact indexes beyond comparing a
// column where its table is named.
type equalities struct {
	// names are the index columns of references whose relation shows them under
	// another name than the table.
	names map[*ColumnRef]string
	// placed are keys that are no reference (ordinals, aliases) and become the
	// index column of what they mean.
	placed map[Expr]hit
	// picks are references that become one record of their group.
	picks map[*ColumnRef]pick
	// hashed are the queries whose columns are compared: indexes take the place
	// of the encrypted ones in their lists.
	hashed map[*Select]bool
	// outputs are the result columns of queries that show encrypted columns,
	// shown the indexes that were added to them, by query and column.
	outputs notes[*Select, []column]
	shown   map[outputOf]string
	// peeled are functions and collations around operands that are left out.
	peeled map[Expr]Expr
	// nullified are calls of NULLIF that become CASE, named the items that keep
	// their names then.
	nullified map[*Call]nullified
	named     map[*SelectItem]string
	// joins are those by name over encrypted columns, qualified the names that
	// they no longer merge.
	joins     map[*Join]*usingIndex
	qualified map[*ColumnRef]*relation
	// handed are constants inside comparisons of forms.
	handed map[Expr]bool
	// unions are those over encrypted columns, within the ones that are arms of
	// another.
	unions map[*SetOp]*union
	within map[*SetOp]bool
	// recursions are the recursive common tables that can show indexes, by their
	// queries.
	recursions map[*Query]*recursion
	// distinct are the queries whose DISTINCT is spelled out.
	distinct map[*Select]*distinctness
}

// any reports a text that indexes have changed beyond references to them.
func (e *equalities) any() bool {
	return len(e.placed)+len(e.picks)+len(e.distinct)+len(e.shown)+len(e.peeled)+len(e.unions)+len(e.joins) > 0
}

// edits reports that the text changes for any of it.
func (e *equalities) edits() bool {
	return e.any() || len(e.nullified)+len(e.named)+len(e.qualified) > 0
}

type outputOf struct {
	query  *Query
	column int
	kind   indexKind
}

// indexedBy says that a result column holds indexes in place of values.
type indexedBy struct {
	index *schema.Equality
	part  PartitionSource
	// others: rows of other partitions are among those of the query.
	others bool
}

// indexName is the name that a reference's index has beside it.
func (a *analysis) indexName(ref *ColumnRef, e *schema.Equality) string {
	if n := a.eq.names[ref]; n != "" {
		return n
	}
	return e.Name
}

// genuine reports whether a name was resolved to a column of its relation, and
// not to what stands behind an alias of the select list.
func (a *analysis) genuine(ref *ColumnRef, h hit) bool {
	return h.rel != nil && h.col >= 0 && strings.EqualFold(h.rel.cols[h.col].name, ref.Path[len(ref.Path)-1].Name)
}

// exactIndex returns the index by which equality of a column's values can be
// told everywhere; nil without one. Where the values are of several columns,
// their indexes are of one group.
func (h hit) exactIndex() *schema.Equality { return exactIndex(h.flow()) }

func exactIndex(f flow) *schema.Equality {
	var first *schema.Equality
	for i := range f {
		e := f[i].col.Equality
		if e == nil || !e.Exact() || first != nil && !first.Joins(e) {
			return nil
		}
		if first == nil {
			first = e
		}
	}
	return first
}

// tableIndex is the index of a column of a table, exact or not.
func (h hit) tableIndex() *schema.Equality {
	if h.rel.annotated() == nil || h.rel.view != nil || len(h.flow()) != 1 {
		return nil
	}
	return h.flow()[0].col.Equality
}

// indexAmong finds the index of a column among those of its relation: beside it
// in a table, or added to the query that the relation is. It is -1 where there
// is no place for it.
func (a *analysis) indexAmong(h hit) int { return a.among(h, byEquality) }

func (a *analysis) among(h hit, kind indexKind) int {
	r := h.rel
	switch {
	case kind.of(h.flow()) == nil:
		return -1
	case r.view != nil:
		return r.view.index(h.col, kind)
	case r.annotated() != nil:
		name := kind.of(h.flow()).Physical()
		for i := range r.cols {
			if r.cols[i].hidden && strings.EqualFold(r.cols[i].name, name) {
				return i
			}
		}
		return -1
	case r.query == nil && r.changed == nil || r.stays():
		return -1
	}
	name := a.listedIndex(h, kind)
	switch {
	case name != "":
	case r.changed != nil:
		name = a.returnedIndex(r.changed, h.col, kind)
	default:
		name = a.outputIndex(r.query, h.col, kind)
	}
	if name == "" {
		return -1
	}
	for i := range r.cols {
		if r.cols[i].name == name {
			return i
		}
	}
	r.cols = append(r.cols[:len(r.cols):len(r.cols)], column{name: name, hidden: true})
	return len(r.cols) - 1
}

// stays reports that a "*" over what the relation reads stays as it is, so that
// no column can be added to that.
func (r *relation) stays() bool {
	return slices.ContainsFunc(readersOf(r), func(r *relation) bool { return r.kept })
}

// outputIndex adds the index of a result column to the list of a query, and
// returns its name; "" where that cannot be.
func (a *analysis) outputIndex(q *Query, at int, kind indexKind) string {
	key := outputOf{q, at, kind}
	if name := a.eq.shown[key]; name != "" {
		return name
	}
	if r := a.recursionOf(q); r != nil {
		return a.recursedIndex(r, at, kind)
	}
	arms, ok := selectsOf(q.Body, nil)
	if !ok || a.unites(q.Body) {
		return ""
	}
	name := a.armIndex(arms, at, kind)
	if name == "" {
		return ""
	}
	a.showsAs(key, name)
	return name
}

// showsAs keeps the name of an index that a query shows.
func (a *analysis) showsAs(key outputOf, name string) {
	if a.eq.shown == nil {
		a.eq.shown = map[outputOf]string{}
	}
	a.eq.shown[key] = name
}

// unites reports a UNION whose rows are those of groups.
func (a *analysis) unites(b Body) bool {
	switch x := b.(type) {
	case *Query:
		return a.unites(x.Body)
	case *SetOp:
		return a.eq.unions[x] != nil || a.unites(x.Left) || a.unites(x.Right)
	}
	return false
}

// armIndex adds the index of a result column to the lists of all arms of a query.
func (a *analysis) armIndex(arms []*Select, at int, kind indexKind) string {
	cols := make([]hit, len(arms))
	var first schema.Index
	for i, s := range arms {
		outs := a.eq.outputsOf(s)
		if at >= len(outs) || s.ItemsEnd < 0 || s.Into || outs[at].origin.rel == nil || kind != byEquality && !a.plainRows(s) {
			return ""
		}
		o := outs[at].origin
		e := kind.of(o.flow())
		if e == nil || first != nil && !oneForm(first, e) {
			return ""
		}
		first = e
		if cols[i] = (hit{o.rel, a.among(o, kind)}); cols[i].col < 0 {
			return ""
		}
	}
	name := ""
	for i, s := range arms {
		if n := a.hide(s, cols[i].rel, cols[i].col); i == 0 {
			name = n
		}
	}
	return name
}

// selectsOf lists the SELECTs that a body's rows come from; false where some
// come from elsewhere.
func selectsOf(b Body, list []*Select) ([]*Select, bool) {
	switch x := b.(type) {
	case *Select:
		return append(list, x), true
	case *Query:
		return selectsOf(x.Body, list)
	case *SetOp:
		list, ok := selectsOf(x.Left, list)
		if !ok {
			return nil, false
		}
		return selectsOf(x.Right, list)
	}
	return nil, false
}

// remember keeps the result columns of a SELECT for outputIndex, and of one in a
// definition for findIndexes.
func (a *analysis) remember(s *Select, cols []column) {
	if a.depth > 0 {
		if a.defined == nil {
			a.defined = map[*Select][]column{}
		}
		a.defined[s] = cols
		return
	}
	for i := range cols {
		if f := cols[i].flow; len(f) == 0 || f[0].col.Equality == nil && f[0].col.Range == nil || exactIndex(f) == nil && rangeIndex(f) == nil {
			continue
		}
		a.eq.outputs.set(s, cols)
		return
	}
}

// outputsOf are the result columns that were remembered of a SELECT; nil for none.
func (eq *equalities) outputsOf(s *Select) []column {
	if cols := eq.outputs.at(s); cols != nil {
		return *cols
	}
	return nil
}

// partitionAt is the one partition of the rows that a column is seen in; false
// where they may be of several.
func (a *analysis) partitionAt(h hit) (PartitionSource, bool) {
	if t := h.rel.annotated(); t != nil {
		return a.partition(t, h.rel.fixed)
	}
	var part PartitionSource
	for i, s := range h.flow() {
		fixed := s.fixed
		if s.part.kind == partValue {
			fixed = s.part.value
		}
		p, ok := a.partition(s.col.Table, fixed)
		if !ok || i > 0 && !a.samePartitions(p, part) {
			return p, false
		}
		part = p
	}
	return part, true
}

// place makes an expression the index column of what it means.
func (a *analysis) place(e Expr, h hit) {
	if a.eq.placed == nil {
		a.eq.placed = map[Expr]hit{}
	}
	a.eq.placed[e] = h
}

// refIndex makes a reference to a column one to its index, wherever its
// relation shows that.
func (a *analysis) refIndex(ref *ColumnRef, h hit) error {
	e := h.exactIndex()
	at := -1
	switch {
	case e != nil && a.genuine(ref, h):
		at = a.indexAmong(h)
	case h.tableIndex() != nil && a.genuine(ref, h): // exact under what stands around it
		return a.useIndex(ref, h.tableIndex())
	}
	if at < 0 {
		return a.refuse(ref.Start, ReasonPredicate, h.flow()[0].col.String(), reachHint)
	}
	if name := h.rel.cols[at].name; name != e.Name {
		if a.eq.names == nil {
			a.eq.names = map[*ColumnRef]string{}
		}
		a.eq.names[ref] = name
	}
	return a.useIndex(ref, e)
}

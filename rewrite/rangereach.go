package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Range indexes outside of the query that names the table. As for equality
// (equalities.go), a derived table or common table gets the index as one more
// column, which no "*" shows:
//
//	SELECT id FROM (SELECT id, c , "t"."c_rng" AS "sealsql_p1" FROM t) d WHERE d."sealsql_p1" < $1

// indexKind is one of the indexes that a column of a query can bring along.
type indexKind uint8

const (
	byEquality indexKind = iota
	byRange
)

// of is the index by which the values of a column are told apart, or ordered,
// wherever they go; nil without one. Where the values are of several columns,
// their indexes have one form for one value.
func (k indexKind) of(f flow) schema.Index {
	if k == byRange {
		if r := rangeIndex(f); r != nil {
			return r
		}
		return nil
	}
	if e := exactIndex(f); e != nil {
		return e
	}
	return nil
}

// oneForm reports that two indexes of a kind have one form for one value.
func oneForm(x, y schema.Index) bool {
	switch x := x.(type) {
	case *schema.Equality:
		y, ok := y.(*schema.Equality)
		return ok && x.Joins(y)
	case *schema.Range:
		y, ok := y.(*schema.Range)
		return ok && x.Joins(y)
	}
	return false
}

// rangeIndex is the range index of a column of which every value has one; nil
// without.
func (h hit) rangeIndex() *schema.Range { return rangeIndex(h.flow()) }

func rangeIndex(f flow) *schema.Range {
	var first *schema.Range
	for i := range f {
		r := f[i].col.Range
		if r == nil || first != nil && !first.Joins(r) {
			return nil
		}
		if first == nil {
			first = r
		}
	}
	return first
}

// rangeAt returns the index that answers a comparison of a column by order.
func (a *analysis) rangeAt(ref *ColumnRef, h hit) (*schema.Range, error) {
	r := h.rangeIndex()
	switch {
	case r == nil:
		return nil, a.refuse(ref.Start, ReasonPredicate, h.flow()[0].col.String(), rangeHint)
	case a.rangeColumn(h, ref.Path[len(ref.Path)-1].Name) == "":
		return nil, a.refuse(ref.Start, ReasonPredicate, r.Of.String(), reachHint)
	}
	return r, nil
}

// rangeColumn is the name that the range index of a column has among those of its
// relation: of an annotated table that is named in the same query, or of a query
// that can show it; "" where it has none. name is what the column is called there.
func (a *analysis) rangeColumn(h hit, name string) string {
	if h.rel.annotated() != nil && h.rel.view == nil {
		if !a.ownColumn(h, name) {
			return ""
		}
		return h.flow()[0].col.Range.Name
	}
	if h.col < 0 || !strings.EqualFold(h.rel.cols[h.col].name, name) {
		return "" // an alias of the select list, which may be of more than the column
	}
	at := a.among(h, byRange)
	if at < 0 {
		return ""
	}
	return h.rel.cols[at].name
}

// rangeName is the name that a reference's index has beside it.
func (a *analysis) rangeName(ref *ColumnRef, r *schema.Range) string {
	if n := a.ranges.names[ref]; n != "" {
		return n
	}
	return r.Name
}

// nameRange keeps the name of a reference's index where it is not that of the
// table.
func (a *analysis) nameRange(ref *ColumnRef, h hit, r *schema.Range) {
	name := a.rangeColumn(h, ref.Path[len(ref.Path)-1].Name)
	if name == "" || name == r.Name {
		return
	}
	if a.ranges.names == nil {
		a.ranges.names = map[*ColumnRef]string{}
	}
	a.ranges.names[ref] = name
}

// plainRows reports a SELECT of which each row of the result is one of its FROM
// list: another index of a column then stands beside it. PostgreSQL's DISTINCT ON
// keeps whole rows.
func (a *analysis) plainRows(s *Select) bool {
	return len(s.GroupBy) == 0 && s.Having == nil && (!s.Distinct || a.dialect == Postgres && a.eq.distinct[s] != nil)
}

// kindOf is the kind of an index of one column.
func kindOf(x schema.Index) indexKind {
	if _, ok := x.(*schema.Range); ok {
		return byRange
	}
	return byEquality
}

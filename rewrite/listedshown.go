package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Lists of values whose columns are compared with encrypted ones and shown as well, or
// compared by order (PostgreSQL). Their constants are sealed, as values of the column
// that they are compared with, and the list gets the indexes beside them (lists.go):
//
//	SELECT t.id, v.c FROM t JOIN (VALUES ('a'::text), ('b')) v (c) ON t.c = v.c
//	SELECT t.id, v.c FROM t JOIN (VALUES (CAST($1 AS bytea), CAST($3 AS bytea)), …) v (c) ON t."c_bidx" = v."column2"
//
// Only lists that are named in the same query: whoever else reads the column is refused,
// as for all constants that would have to be two things (constants.go).

// adopt makes a column of such a list one of values of the column that o compares it
// with, before the comparison is planned. It leaves all others alone.
func (a *analysis) adopt(o *Op, sc *scope) error {
	byOrder := rangeComparisons[o.Name]
	if a.dialect != Postgres || len(o.Args) != 2 || o.Name != "=" && !byOrder || a.depth > 0 || a.prepares != nil || a.inlines() {
		return nil
	}
	var col *schema.Column
	var part PartitionSource
	var list hit
	for _, e := range o.Args {
		ref, ok := e.(*ColumnRef)
		if !ok {
			return nil
		}
		h, _, found, err := a.resolve(ref, sc)
		switch {
		case err != nil || !found || h.rel == nil || h.col < 0 || !a.genuine(ref, h):
			return nil // reported where the comparison is walked
		case len(h.flow()) == 0:
			list = h
		case len(h.flow()) == 1 && h.rel.annotated() != nil && h.rel.view == nil && h.rel.annotated().Partition.Kind == schema.PartitionConst:
			col = h.flow()[0].col
			part, _ = a.partitionAt(h)
		default:
			return nil
		}
	}
	if col == nil || !a.adopts(col, list, byOrder) || !byOrder && !a.showsListed(list, sc) || !a.lists.on && hasStar(sc.aliases) {
		return nil
	}
	c := list.rel.cols[list.col].consts.root()
	out := Out{Seal: col, Partition: part}
	c.sealed = &out
	for _, f := range c.list {
		own := out
		own.Exact = f.cast == nil
		if err := a.sealInside(f, own); err != nil {
			return err
		}
	}
	list.rel.cols = slices.Clone(list.rel.cols)
	list.rel.cols[list.col].flow = flow{{col: col, part: partOf(part)}}
	return nil
}

// adopts reports a column of a list of values that the server compares with the
// encrypted one as it compares two values of that.
func (a *analysis) adopts(col *schema.Column, list hit, byOrder bool) bool {
	t := &col.Type
	switch {
	case list.rel == nil || list.rel.source == nil || list.rel.cols[list.col].consts == nil || col.BindsRow() || col.Carrier == schema.CarrierAsherah:
		return false
	case t.Fixed || strings.EqualFold(t.Base, "citext") || t.HasPrecision || t.HasFraction:
		return false
	case byOrder && (col.Range == nil || col.Range.Order != schema.OrderRevealing || !col.Range.Sorts(a.bounded())):
		return false
	case !byOrder && (col.Equality == nil || !col.Equality.Exact() || t.Kind == schema.KindText && !comparesBytes(col.Equality)):
		return false
	}
	c := list.rel.cols[list.col].consts.root()
	if _, values := list.rel.source.query.Body.(*Values); !values || c.sealed != nil || c.clear || c.compared != nil || c.array {
		return false
	}
	for _, f := range c.list {
		if !a.adoptable(f, t) {
			return false
		}
	}
	return true
}

// adoptable reports a constant that is of the type of the column: by its cast, as a
// string for a text, or as a whole number for an integer.
func (a *analysis) adoptable(f fixed, t *schema.Type) bool {
	if f.cast != nil {
		_, nested := f.cast.X.(*Cast)
		return !nested && a.sameUnder(t, f.cast.Type)
	}
	l, literal := f.expr.(*Literal)
	switch {
	case !literal || l.Kind == LitString:
		return t.Kind == schema.KindText
	case l.Kind == LitNumber:
		return t.Kind == schema.KindInt && allDigits(l.Value)
	}
	return l.Kind == LitBool && t.Kind == schema.KindBool
}

// showsListed reports that the select list of the query shows a column as it is.
func (a *analysis) showsListed(list hit, sc *scope) bool {
	for i := range sc.aliases {
		ref, ok := sc.aliases[i].Expr.(*ColumnRef)
		if !ok {
			continue
		}
		if h, _, found, err := a.resolve(ref, sc); err == nil && found && h == list {
			return true
		}
	}
	return false
}

func hasStar(items []SelectItem) bool {
	return slices.ContainsFunc(items, func(it SelectItem) bool {
		_, star := it.Expr.(*Star)
		return star
	})
}

// listedIndex is the name of the index that a list of values has beside an adopted
// column; "" for all other columns.
func (a *analysis) listedIndex(h hit, kind indexKind) string {
	if h.rel.source == nil || h.col < 0 || h.rel.cols[h.col].consts == nil {
		return ""
	}
	x := kind.of(h.flow())
	if x == nil || !a.sealedAs(h.rel.cols[h.col].consts, x.Column()) {
		return ""
	}
	part, ok := a.partitionAt(h)
	if !ok {
		return ""
	}
	return a.listIndex(h, x, indexPartition(x, part))
}

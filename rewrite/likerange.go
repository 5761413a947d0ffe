package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// LIKE through an index of paths (schema.FormPath) over a text. The texts with one
// beginning are one node of the tree, so that c LIKE 'abc%' becomes a span, exactly
// and in every statement. What the pattern is, is known when the statement runs:
// one of another form is refused then.

const likeRangeForm = "through the range index of the column LIKE takes a parameter or a literal as the pattern, with literals around it and ESCAPE as one character: a beginning and '%', in letters whose case matters"

// likeByRange plans a LIKE over a column of which only an index of paths knows
// beginnings. done is false for all others.
func (a *analysis) likeByRange(o *Op, sc *scope) (done bool, err error) {
	ref, ok := o.Args[0].(*ColumnRef)
	if !ok || o.Name != "LIKE" && o.Name != "NOT LIKE" {
		return false, nil
	}
	h, _, found, err := a.resolve(ref, sc)
	if err != nil || !found || len(h.flow()) != 1 {
		return false, nil
	}
	c := h.flow()[0].col
	if c.Range == nil || !c.Range.Paths() || c.Type.Kind != schema.KindText || c.Type.Fixed || strings.EqualFold(c.Type.Declared, "citext") || len(c.Fragments()) > 0 {
		return false, nil
	}
	if _, err := a.rangeAt(ref, h); err != nil {
		return true, err
	}
	refuse := func(hint string) (bool, error) {
		return true, a.refuse(ref.Start, ReasonPredicate, c.String(), hint)
	}
	if a.dialect != SQLite && isKey(sc.keys, h) {
		return refuse("compare in the WHERE clause: a group has no index that hides the order")
	}
	for _, e := range o.Args[:2] {
		if err := a.patternCalls(e); err != nil {
			return true, err
		}
	}
	if err := a.operator(o.Name, o.Start); err != nil {
		return true, err
	}
	l := &liked{op: o, ref: ref, like: &Like{Of: c, Pos: o.Start}}
	if !a.likePattern(l) || !a.likeEscape(l) || l.like.PatternMapped != AnyCase || !o.Known() || !ref.Known() || a.captured[ref] || isNull(l.pattern) {
		return refuse(likeRangeForm)
	}
	levels := RangeLevels(a.dialect, c.Range)
	if levels < 1 || levels > MaxLevels {
		return refuse(coverLong)
	}
	part, err := a.sharedPartition(c.Range, []*ColumnRef{ref}, []hit{h})
	if err == nil {
		err = a.found(c.Range, o.Args, []*ColumnRef{ref}, []hit{h})
	}
	if err != nil {
		return true, err
	}
	if p, ok := l.pattern.(*Param); ok {
		a.use(paramUse{param: p, seal: c})
	}
	a.seals.set(l.pattern, Out{Value: l.like.Pattern, Index: c.Range, Partition: part, Compared: true, Text: l.like.Text})
	a.nameRange(ref, h, c.Range)
	a.ranges.covers = append(a.ranges.covers, &covering{
		op: o, ref: ref, index: c.Range, part: part, ends: []Expr{l.pattern}, not: o.Name == "NOT LIKE",
		cover: &Cover{Like: l.like, Levels: levels, Spans: 1},
	})
	return true, nil
}

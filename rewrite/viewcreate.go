package rewrite

import (
	"slices"
	"strconv"
	"strings"
)

// A view that is made through the driver shows, behind the columns that its
// definition names, the index columns of the encrypted ones among them: through
// these it is searched and written to. No statement names them and "*" does not
// show them.

// viewIndexes adds the index columns of a view to its select list. Views of
// groups, of distinct rows and of set operations have none.
func (a *analysis) viewIndexes(o *Other, cols []column) error {
	s, ok := o.Query.Body.(*Select)
	if !ok || s.Distinct || len(s.DistinctOn)+len(s.GroupBy) > 0 || s.Having != nil || a.openQuery(o.Query) ||
		slices.ContainsFunc(s.Items, func(it SelectItem) bool { return a.maybeAggregate(it.Expr) }) {
		return nil
	}
	list, end := a.viewList(o)
	names := list
	for i := len(list); i < len(cols); i++ {
		names = append(names, cols[i].name)
	}
	var adds []hiddenCol
	for i := range cols {
		for _, h := range indexesBeside(&cols[i]) {
			if !slices.ContainsFunc(adds, func(o hiddenCol) bool { return o.rel == h.rel && o.col == h.col }) {
				h.name = unusedName(names, h.rel.cols[h.col].name)
				names, adds = append(names, h.name), append(adds, h)
			}
		}
	}
	switch {
	case len(adds) == 0:
		return nil
	case len(list) == 0 && a.dialect == Postgres:
		return a.placeIndexes(o, s, adds, len(cols))
	}
	a.hidden.set(s, adds)
	for i := range adds {
		if len(list) >= len(cols) {
			a.adds = append(a.adds, &addition{at: end, lead: ", ", text: a.front.QuoteIdent(adds[i].name)})
		}
	}
	return nil
}

// indexesBeside are the index columns of what a column shows, where it is a
// column of an annotated table or of a view that shows its indexes.
func indexesBeside(c *column) (out []hiddenCol) {
	o := c.origin
	if len(c.flow) != 1 || o.rel == nil || o.col < 0 {
		return nil
	}
	if o.rel.view != nil {
		for _, kind := range []indexKind{byEquality, byRange} {
			if at := o.rel.view.index(o.col, kind); at >= 0 {
				out = append(out, hiddenCol{rel: o.rel, col: at})
			}
		}
		return out
	}
	if o.rel.annotated() == nil {
		return nil
	}
	for _, x := range c.flow[0].col.Indexes() {
		if at := slices.IndexFunc(o.rel.cols, func(c column) bool { return c.hidden && strings.EqualFold(c.name, x.Physical()) }); at >= 0 {
			out = append(out, hiddenCol{rel: o.rel, col: at})
		}
	}
	return out
}

// unusedName is a name, with a number behind it where a column has it already.
func unusedName(names []string, name string) string {
	used := func(s string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, s) })
	}
	out := name
	for n := 2; used(out); n++ {
		out = name + "_" + strconv.Itoa(n)
	}
	return out
}

// viewList are the names that stand behind the name of a new view, and where they
// end.
func (a *analysis) viewList(o *Other) (names []string, end int) {
	toks := words(a.tokens(o.Range()))
	i := slices.IndexFunc(toks, func(t Token) bool { return t.Kind == TokWord && strings.EqualFold(t.Text, "VIEW") }) + 1
	if i == 0 {
		return nil, 0
	}
	toks = toks[i:].skip("IF", "NOT", "EXISTS")
	for len(toks) > 2 && isName(toks[0]) && isPunct(toks[1], ".") {
		toks = toks[2:]
	}
	if len(toks) < 2 || !isName(toks[0]) || !isPunct(toks[1], "(") {
		return nil, 0
	}
	for _, t := range toks[2:] {
		switch {
		case isPunct(t, ")"):
			return names, t.Start
		case isName(t):
			names = append(names, t.Text)
		}
	}
	return nil, 0
}

const viewOrderHint = `the view that is replaced has index columns between its others, and PostgreSQL keeps the order of columns: name them in place of "*", or drop the view first`

// placeIndexes adds index columns where the view that is replaced has them:
// PostgreSQL takes new columns behind the old ones alone. shown is the number of
// columns that the definition has without.
func (a *analysis) placeIndexes(o *Other, s *Select, adds []hiddenCol, shown int) error {
	var old []ViewColumn
	if rel := a.cat.Relation(o.Relations[0].Path); rel.Verdict == VerdictView && rel.look != nil {
		old = a.look(rel).cols
	}
	at := map[any][]hiddenCol{}
	visible := 0
	for _, c := range old {
		if !c.Hidden {
			visible++
			continue
		}
		k := slices.IndexFunc(adds, func(h hiddenCol) bool { return h.name == c.Name })
		if k < 0 {
			continue // which PostgreSQL refuses to leave out
		}
		var owner any = s
		if visible < shown {
			item := a.itemBehind(s, visible)
			if item == nil {
				return a.refuse(s.Start, ReasonView, o.Relations[0].Path[len(o.Relations[0].Path)-1].Name, viewOrderHint)
			}
			owner = item
		}
		at[owner] = append(at[owner], adds[k])
		adds = slices.Delete(adds, k, k+1)
	}
	for k := range s.Items {
		if h := at[&s.Items[k]]; len(h) > 0 {
			a.hidden.set(&s.Items[k], h)
		}
	}
	if rest := append(at[s], adds...); len(rest) > 0 {
		a.hidden.set(s, rest)
	}
	return nil
}

// itemBehind is the item that ends with the nth column of a list; nil where that
// is inside a star.
func (a *analysis) itemBehind(s *Select, n int) *SelectItem {
	width := 0
	for k := range s.Items {
		it := &s.Items[k]
		if star, ok := it.Expr.(*Star); ok {
			w := a.widths.at(star)
			if w == nil {
				return nil
			}
			width += *w
		} else {
			width++
		}
		if width >= n {
			if width > n || !it.Known() {
				return nil
			}
			return it
		}
	}
	return nil
}

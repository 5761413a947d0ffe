package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// A view that is made through the driver shows, behind the columns that its
// definition names, the index columns of the encrypted ones among them: through
// these it is searched and written to. No statement names them and "*" does not
// show them.

// viewIndexes adds the index columns of a view to its select list, in UNION ALL to
// those of all arms. Views of groups, of distinct rows and of other set operations
// have none.
func (a *analysis) viewIndexes(o *Other, cols []column) error {
	arms, ok := selectsOf(o.Query.Body, nil)
	if !ok || !unitesAll(o.Query.Body) || a.openQuery(o.Query) || slices.ContainsFunc(arms, a.condenses) {
		return nil
	}
	list, end := a.viewList(o)
	adds := a.armsBeside(arms, cols, list)
	switch {
	case len(adds[0]) == 0:
		return nil
	case len(list) == 0 && a.dialect == Postgres:
		for n, s := range arms {
			if err := a.placeIndexes(o, s, adds[n], len(cols)); err != nil {
				return err
			}
		}
		return nil
	}
	for n, s := range arms {
		a.hidden.set(s, adds[n])
	}
	for i := range adds[0] {
		if len(list) >= len(cols) {
			a.adds = append(a.adds, &addition{at: end, lead: ", ", text: a.front.QuoteIdent(adds[0][i].name)})
		}
	}
	return nil
}

// condenses reports a SELECT whose rows are not those of its FROM list, or are not
// known to be.
func (a *analysis) condenses(s *Select) bool {
	return s.Distinct || len(s.DistinctOn)+len(s.GroupBy) > 0 || s.Having != nil || s.ItemsEnd < 0 ||
		slices.ContainsFunc(s.Items, func(it SelectItem) bool { return a.maybeAggregate(it.Expr) })
}

// armsBeside are the index columns that each arm of a view is given, in the same
// order and under the same names. list are the names that the view gives its columns.
func (a *analysis) armsBeside(arms []*Select, cols []column, list []string) [][]hiddenCol {
	names := list
	for i := len(list); i < len(cols); i++ {
		names = append(names, cols[i].name)
	}
	shown := make([][]column, len(arms))
	for n, s := range arms {
		shown[n] = a.eq.outputsOf(s)
	}
	if len(arms) == 1 {
		shown[0] = cols
	}
	adds := make([][]hiddenCol, len(arms))
	for i := range cols {
		for _, x := range indexesOf(&cols[i]) {
			row := a.rowBeside(shown, i, x)
			if row == nil || knownRow(adds, row) {
				continue
			}
			name := x.Physical()
			if row[0].rel.base != nil {
				name = row[0].rel.cols[row[0].col].name
			}
			name = unusedName(names, name)
			names = append(names, name)
			for n := range row {
				row[n].name = name
				adds[n] = append(adds[n], row[n])
			}
		}
	}
	return adds
}

// knownRow reports index columns that were added for another column.
func knownRow(adds [][]hiddenCol, row []hiddenCol) bool {
	for k := range adds[0] {
		same := true
		for n := range row {
			same = same && adds[n][k].rel == row[n].rel && adds[n][k].col == row[n].col
		}
		if same {
			return true
		}
	}
	return false
}

// indexesOf are the indexes of what a column shows: all of one column, those of one
// form of several.
func indexesOf(c *column) (out []schema.Index) {
	if len(c.flow) == 1 {
		return c.flow[0].col.Indexes()
	}
	for _, kind := range indexKinds {
		if x := kind.of(c.flow); x != nil {
			out = append(out, x)
		}
	}
	return out
}

// rowBeside finds an index of a column in every arm; nil where one does not show it,
// or in another form.
func (a *analysis) rowBeside(arms [][]column, col int, x schema.Index) []hiddenCol {
	for _, cols := range arms {
		if col >= len(cols) || len(arms) > 1 && !oneForm(x, kindOf(x).of(cols[col].flow)) {
			return nil
		}
	}
	row := make([]hiddenCol, len(arms))
	for n, cols := range arms {
		o := cols[col].origin
		at := a.besideHit(o, x)
		if at < 0 {
			return nil
		}
		row[n] = hiddenCol{rel: o.rel, col: at}
	}
	return row
}

// besideHit finds an index of a column in its relation: in a table, in a view that shows
// it, or in a query to which it is added; -1 where it is in none.
func (a *analysis) besideHit(o hit, x schema.Index) int {
	if o.rel == nil || o.col < 0 {
		return -1
	}
	kind := kindOf(x)
	if o.rel.view == nil && o.rel.annotated() != nil {
		// This one, also where it is of no kind that a query brings along.
		if f := o.flow(); len(f) != 1 || !slices.Contains(f[0].col.Indexes(), x) {
			x = kind.of(o.flow())
		}
		if x == nil {
			return -1
		}
		return slices.IndexFunc(o.rel.cols, func(c column) bool { return c.hidden && strings.EqualFold(c.name, x.Physical()) })
	}
	if kind.of(o.flow()) == nil || !oneForm(x, kind.of(o.flow())) {
		return -1
	}
	return a.among(o, kind)
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

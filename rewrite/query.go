package rewrite

import (
	"strconv"

	"github.com/sealsql/sealsql/schema"
)

// query analyses a query and returns its result columns. expose says that
// hidden columns may be added to its select lists, so that the partition of an
// opened value can be read from its row.
func (a *analysis) query(q *Query, up *scope, expose bool) ([]column, error) {
	sc := &scope{up: up}
	if err := a.with(q.With, sc); err != nil {
		return nil, err
	}
	cols, inner, err := a.bodyOf(q.Body, sc, expose)
	if err != nil {
		return nil, err
	}
	if inner == nil {
		inner = &scope{up: sc}
	}
	inner.outputs = cols
	for _, e := range q.OrderBy {
		if err := a.sortKey(e, inner, ReasonOrder); err != nil {
			return nil, err
		}
	}
	for _, e := range q.Limit {
		if err := a.limit(e, sc); err != nil {
			return nil, err
		}
	}
	return cols, nil
}

// limit walks LIMIT and OFFSET: numbers there say nothing about values.
func (a *analysis) limit(e Expr, sc *scope) error {
	if _, ok := e.(*Literal); ok {
		return nil
	}
	return a.clear(e, sc, ReasonExpression)
}

// bodyOf analyses a body; the scope returned is the one in which ORDER BY is
// resolved, nil for set operations and VALUES.
func (a *analysis) bodyOf(b Body, sc *scope, expose bool) ([]column, *scope, error) {
	switch x := b.(type) {
	case *Select:
		return a.selectCore(x, sc, expose)
	case *Query:
		cols, err := a.query(x, sc, expose)
		return cols, nil, err
	case *SetOp:
		cols, err := a.setOp(x, sc, expose)
		return cols, nil, err
	case *Values:
		return a.values(x, sc)
	}
	return nil, nil, a.refuse(b.Pos(), ReasonStatement, "", "")
}

func (a *analysis) values(v *Values, sc *scope) ([]column, *scope, error) {
	var cols []column
	for _, row := range v.Rows {
		if err := a.clearAll(row, sc, ReasonExpression); err != nil {
			return nil, nil, err
		}
		for len(cols) < len(row) {
			cols = append(cols, column{name: valuesName(a.dialect, len(cols))})
		}
	}
	return cols, nil, nil
}

func valuesName(d Dialect, i int) string {
	if d == MySQL {
		return "column_" + strconv.Itoa(i)
	}
	return "column" + strconv.Itoa(i+1)
}

// setOp analyses both arms. Only UNION ALL may carry sealed values: every
// other operation compares them, and two records of one value differ.
func (a *analysis) setOp(s *SetOp, sc *scope, expose bool) ([]column, error) {
	expose = expose && s.Name == "UNION" && s.All
	a.arm = expose
	left, _, err := a.bodyOf(s.Left, sc, expose)
	if err != nil {
		return nil, err
	}
	a.arm = expose
	right, _, err := a.bodyOf(s.Right, sc, expose)
	if err != nil {
		return nil, err
	}
	return a.unite(s, left, right)
}

func (a *analysis) unite(s *SetOp, left, right []column) ([]column, error) {
	carries := false
	for _, cols := range [][]column{left, right} {
		for i := range cols {
			if f := cols[i].flow; len(f) > 0 {
				carries = true
				if s.Name != "UNION" || !s.All {
					return nil, a.refuse(s.Start, ReasonSetOperation, f[0].col.String(), hints[ReasonSetOperation])
				}
			}
		}
	}
	if !carries {
		return left, nil
	}
	if len(left) != len(right) {
		return nil, a.refuse(s.Start, ReasonSetOperation, "", "both sides must have the same number of columns and the same source of partitions")
	}
	out := make([]column, len(left))
	for i := range left {
		c, err := a.uniteColumn(s, left[i], right[i])
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

func (a *analysis) uniteColumn(s *SetOp, l, r column) (column, error) {
	if l.hidden != r.hidden || (len(l.flow) > 0) != (len(r.flow) > 0) {
		name := l.name
		for _, f := range []flow{l.flow, r.flow} {
			if len(f) > 0 {
				name = f[0].col.String()
			}
		}
		return column{}, a.refuse(s.Start, ReasonSetOperation, name, "the column is encrypted on one side only; "+hints[ReasonSetOperation])
	}
	for _, f := range r.flow {
		if !merge(&l.flow, f) {
			return column{}, a.refuse(s.Start, ReasonPartition, f.col.String(), "both sides must take the partition from the same place")
		}
	}
	l.declared = l.declared && r.declared
	return l, nil
}

// merge adds a source to a flow; false when the same column is expected under
// two different partitions.
func merge(f *flow, s sealed) bool {
	for _, x := range *f {
		if x.col == s.col {
			return x.part.equal(s.part)
		}
	}
	*f = append((*f)[:len(*f):len(*f)], s)
	return true
}

func (p partRef) equal(o partRef) bool {
	if p.kind != o.kind {
		return false
	}
	switch p.kind {
	case partValue:
		return p.value.Source == o.value.Source && p.value.Arg == o.value.Arg && p.value.Literal == o.value.Literal
	case partRow:
		return p.col == o.col
	}
	return true
}

// selectCore analyses one SELECT.
func (a *analysis) selectCore(s *Select, up *scope, expose bool) ([]column, *scope, error) {
	canAdd := expose && s.ItemsEnd >= 0 && !s.Distinct && !s.Into
	arm := a.arm && canAdd
	a.arm = false
	sc := &scope{up: up, aliases: s.Items}
	if err := a.from(s.From, sc); err != nil {
		return nil, nil, err
	}
	if !arm {
		a.fix(s.Where, sc)
	}
	cols, err := a.items(s, s.Items, sc)
	if err != nil {
		return nil, nil, err
	}
	sc.outputs = cols
	if err := a.clauses(s, sc); err != nil {
		return nil, nil, err
	}
	if s.Distinct && len(s.DistinctOn) == 0 {
		for i := range cols {
			if f := cols[i].flow; len(f) > 0 {
				return nil, nil, a.refuse(s.Start, ReasonGroup, f[0].col.String(), "DISTINCT compares encrypted values; "+hints[ReasonGroup])
			}
		}
	}
	if s.Into {
		for i := range cols {
			if f := cols[i].flow; len(f) > 0 {
				return nil, nil, a.refuse(s.Start, ReasonSealedToClear, f[0].col.String(), hints[ReasonSealedToClear])
			}
		}
		a.effects |= EffectCatalog
	}
	return a.expose(s, a.exposeFiltered(s, cols), sc, canAdd), sc, nil
}

func (a *analysis) clauses(s *Select, sc *scope) error {
	if err := a.filter(s, sc); err != nil {
		return err
	}
	if err := a.where(s.Where, sc); err != nil {
		return err
	}
	for _, list := range [][]Expr{s.GroupBy, s.DistinctOn} {
		for _, e := range list {
			if err := a.sortKey(e, sc, ReasonGroup); err != nil {
				return err
			}
		}
	}
	if err := a.having(s.Having, sc); err != nil {
		return err
	}
	return a.clearAll(s.Windows, sc, ReasonOrder)
}

// where walks the condition of a SELECT but for the parts that are filtered.
func (a *analysis) where(e Expr, sc *scope) error {
	if len(a.filters) == 0 {
		return a.clear(e, sc, ReasonPredicate)
	}
	for _, cond := range conjuncts(e) {
		if a.filtered(cond) {
			continue
		}
		if err := a.clear(cond, sc, ReasonPredicate); err != nil {
			return err
		}
	}
	return nil
}

// having also looks at output names, as MySQL and SQLite do.
func (a *analysis) having(e Expr, sc *scope) error {
	if e == nil {
		return nil
	}
	if err := a.outputNames(e, sc, ReasonPredicate); err != nil {
		return err
	}
	return a.clear(e, sc, ReasonPredicate)
}

// sortKey checks an item of ORDER BY, GROUP BY or DISTINCT ON: an ordinal, an
// output name, or an expression.
func (a *analysis) sortKey(e Expr, sc *scope, why Reason) error {
	if done, err := a.ordinal(e, sc, why); done || err != nil {
		return err
	}
	if x, ok := e.(*ColumnRef); ok && len(x.Path) == 1 {
		if done, err := a.outputName(x, sc, why); done || err != nil {
			return err
		}
	}
	if err := a.outputNames(e, sc, why); err != nil {
		return err
	}
	return a.clear(e, sc, why)
}

// outputName resolves a bare sort key among the result columns. done means
// that it named a clear one, which hides any input column of that name in
// ORDER BY.
func (a *analysis) outputName(ref *ColumnRef, sc *scope, why Reason) (done bool, err error) {
	name := ref.Path[0].Name
	for i := range sc.outputs {
		o := &sc.outputs[i]
		if o.hidden || !a.same(o.name, name) {
			continue
		}
		if len(o.flow) > 0 {
			return false, a.refuse(ref.Start, why, o.flow[0].col.String(), hints[why])
		}
		done = why == ReasonOrder
	}
	return done, nil
}

// outputNames refuses any use of a sealed result column inside an expression.
func (a *analysis) outputNames(e Expr, sc *scope, why Reason) error {
	var err error
	eachColumn(e, func(ref *ColumnRef) {
		if err == nil && len(ref.Path) == 1 {
			_, err = a.outputName(ref, sc, why)
		}
	})
	return err
}

// items analyses a select or RETURNING list. owner is the node that holds it.
func (a *analysis) items(owner any, items []SelectItem, sc *scope) ([]column, error) {
	cols := make([]column, 0, len(items))
	for i := range items {
		it := &items[i]
		if star, ok := it.Expr.(*Star); ok {
			more, err := a.star(star, sc)
			if err != nil {
				return nil, err
			}
			if a.stars[star] != nil && a.dialect == MySQL && i > 0 && len(star.Path) == 0 {
				// Written out it would run, which it does not by itself.
				return nil, a.refuse(star.Start, ReasonSyntax, "", "MySQL and MariaDB take \"*\" in the first place only; qualify it")
			}
			cols = append(cols, more...)
			continue
		}
		c, err := a.project(it.Expr, sc)
		if err != nil {
			return nil, err
		}
		if it.Alias != nil {
			c.name = it.Alias.Name
		}
		cols = append(cols, c)
	}
	return cols, nil
}

// star expands "*" or "t.*". It is left as it is where nothing annotated is
// in it; the columns of open relations are then not known and not needed.
func (a *analysis) star(s *Star, sc *scope) ([]column, error) {
	vis, sensitive, open, err := a.starColumns(s, sc)
	if err != nil {
		return nil, err
	}
	if sensitive && open {
		return nil, a.refuse(s.Start, ReasonCatalog, "", "the columns behind \"*\" are not known without the catalog; name them")
	}
	if open {
		if a.openStar == nil {
			a.openStar = map[*Star]bool{}
		}
		a.openStar[s] = true
	} else {
		if a.widths == nil {
			a.widths = map[*Star]int{}
		}
		a.widths[s] = len(vis)
	}
	cols := make([]column, 0, len(vis))
	for _, v := range vis {
		src := &v.rel.cols[v.col]
		c := column{name: src.name, declared: src.declared && len(src.flow) == 0}
		for _, f := range src.flow {
			c.flow = append(c.flow, sealed{col: f.col, part: a.carry(f.part, v.rel)})
		}
		cols = append(cols, c)
	}
	if sensitive {
		if !s.Known() {
			return nil, a.refuse(s.Start, ReasonExpression, "", "name the columns instead of \"*\"")
		}
		if a.stars == nil {
			a.stars = map[*Star][]visible{}
		}
		a.stars[s] = vis
	}
	return cols, nil
}

func (a *analysis) starColumns(s *Star, sc *scope) (vis []visible, sensitive, open bool, err error) {
	if len(s.Path) == 0 {
		for _, r := range sc.rels {
			sensitive = sensitive || r.sensitive()
			open = open || r.open
		}
		if sensitive && sc.starBad != 0 {
			return nil, true, open, a.refuse(s.Start, sc.starBad, "", "name the columns instead of \"*\"")
		}
		return listed(sc.star), sensitive, open, nil
	}
	for x := sc; x != nil; x = x.up {
		for _, r := range x.rels {
			if !a.matches(r, s.Path) {
				continue
			}
			for i := range r.cols {
				if !r.cols[i].hidden {
					vis = append(vis, visible{rel: r, col: i})
				}
			}
			return listed(vis), r.sensitive(), r.open, nil
		}
	}
	return nil, false, true, nil
}

// hiddenPrefix begins the names of columns that plans add; it is reserved.
const hiddenPrefix = "sealsql_p"

// expose makes sure that the partition of every sealed result column that
// depends on its row stands in the result: one is added behind the last item
// for each relation that needs it.
func (a *analysis) expose(owner any, cols []column, sc *scope, canAdd bool) []column {
	shown, first := len(cols), len(a.hidden[owner])
	for i := 0; i < shown; i++ {
		for j := range cols[i].flow {
			p := &cols[i].flow[j].part
			if p.kind != partRow {
				continue
			}
			if !canAdd {
				*p = partRef{kind: partLost}
				continue
			}
			at := -1
			for k := shown; k < len(cols); k++ {
				h := a.hidden[owner][first+k-shown]
				if h.rel == p.rel && h.col == p.col {
					at = k
				}
			}
			if at < 0 {
				at = len(cols)
				cols = append(cols, column{name: a.hide(owner, p.rel, p.col), hidden: true})
			}
			*p = partRef{kind: partRow, col: at}
		}
	}
	return cols
}

// hide adds a column to a select list that the caller does not see, and returns
// its name.
func (a *analysis) hide(owner any, r *relation, col int) string {
	a.named++
	name := hiddenPrefix + strconv.Itoa(a.named)
	if a.hidden == nil {
		a.hidden = map[any][]hiddenCol{}
	}
	a.hidden[owner] = append(a.hidden[owner], hiddenCol{rel: r, col: col, name: name})
	return name
}

// fix notes the partitions that top-level conjuncts fix.
func (a *analysis) fix(e Expr, sc *scope) {
	op, ok := e.(*Op)
	if !ok {
		return
	}
	if op.Name == "AND" {
		for _, x := range op.Args {
			a.fix(x, sc)
		}
		return
	}
	if op.Name != "=" || len(op.Args) != 2 {
		return
	}
	for i := range op.Args {
		ref, ok := op.Args[i].(*ColumnRef)
		v := constant(op.Args[1-i])
		if !ok || v == nil {
			continue
		}
		h, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
		if err != nil || !found || h.rel.partCol < 0 || h.col != h.rel.partCol || h.rel.fixed != nil {
			continue
		}
		if !bytewise(h.rel, h.col) {
			continue
		}
		h.rel.fixed = v
		if a.opt.ContextPartition {
			a.checks = append(a.checks, Check{A: *v, B: Value{Source: FromContextPartition}, Table: h.rel.annotated(), Pos: ref.Start})
		}
	}
}

// bytewise reports whether equality of the partition column is equality of
// the canonical value (threats T14): of text only under a byte-wise collation.
func bytewise(r *relation, col int) bool {
	t := r.annotated()
	if t == nil || t.Partition.Type.Kind != schema.KindText {
		return true
	}
	p := r.cols[col].phys
	return p == nil || p.BytewiseEqual
}

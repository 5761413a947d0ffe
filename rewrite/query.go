package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// query analyses a query and returns its result columns. expose says that
// hidden columns may be added to its select lists, so that the partition of an
// opened value can be read from its row.
func (a *analysis) query(q *Query, up *scope, expose bool) ([]column, error) {
	sc := a.work.scope(up)
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
		if a.settled(e, q, inner) || a.orderOfSet(e, q, inner) {
			continue
		}
		done, err := a.orderElsewhere(e, q, inner)
		if !done && err == nil {
			done, err = a.sortElsewhere(e, q, inner)
		}
		if done || err != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		if err := a.sortKey(e, inner, ReasonOrder); err != nil {
			return nil, err
		}
		if len(inner.keys) > 0 {
			a.pickIn(e, inner, nil)
		}
	}
	for _, e := range q.Limit {
		if err := a.limit(e, sc); err != nil {
			return nil, err
		}
	}
	if len(q.Limit) > 0 {
		a.takeLimit(q)
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
	parts := make([]column, 0, len(v.Rows))
	for i := range v.Rows {
		if a.uneven == 0 && len(v.Rows[i]) != len(v.Rows[0]) {
			a.uneven = 1 + v.Start
		}
	}
	for i := 0; len(v.Rows) > 0 && i < len(v.Rows[0]); i++ {
		parts = parts[:0]
		for _, row := range v.Rows {
			if i >= len(row) {
				continue // the server refuses it
			}
			c, err := a.value(row[i], sc, ReasonExpression, nil)
			if err != nil {
				return nil, nil, err
			}
			parts = append(parts, c)
		}
		c, err := a.mergeValues(parts, v.Start, ReasonExpression, nil)
		if err != nil {
			return nil, nil, err
		}
		for k := range c.flow {
			c.flow[k].from = nil
			for _, p := range []*partRef{&c.flow[k].part, &c.flow[k].row} {
				if p.kind == partRow {
					*p = partRef{kind: partLost}
				}
			}
		}
		c.name, c.computed = valuesName(a.dialect, i), true
		cols = append(cols, c)
	}
	return cols, nil, a.longRows(v, sc)
}

// longRows walks values behind the first row's width, which no server takes.
func (a *analysis) longRows(v *Values, sc *scope) error {
	for _, row := range v.Rows {
		if len(row) > len(v.Rows[0]) {
			if err := a.clearAll(row[len(v.Rows[0]):], sc, ReasonExpression); err != nil {
				return err
			}
		}
	}
	return nil
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
	expose = expose && s.Name == "UNION" && s.All && !a.eq.within[s]
	a.markUnion(s)
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
	a.fitsArms(s, left, right)
	return a.uniteArms(s, left, right)
}

func (a *analysis) unite(s *SetOp, left, right []column) ([]column, error) {
	if anyHashed(left) || anyHashed(right) {
		return a.uniteHashed(s, left, right)
	}
	if s.Name != "UNION" || !s.All {
		for _, cols := range [][]column{left, right} {
			if err := a.noSealed(cols, ReasonSetOperation, s.Start, hints[ReasonSetOperation]); err != nil {
				return nil, err
			}
		}
		return settled(left, right), nil
	}
	if len(left) != len(right) {
		// A "*" over unknown columns, or a mistake.
		for _, cols := range [][]column{left, right} {
			if err := a.noSealed(cols, ReasonSetOperation, s.Start, "both sides must have the same number of columns and the same source of partitions"); err != nil {
				return nil, err
			}
		}
		return settled(left, right), nil
	}
	out := make([]column, len(left))
	for i := range left {
		c, err := a.uniteColumn(s, &left[i], &right[i])
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

// settled are the columns of a set operation over clear values: NULL only where
// both arms have nothing else, and no constants any more.
func settled(left, right []column) []column {
	out := make([]column, len(left))
	for i := range left {
		out[i] = column{
			name: left[i].name, hidden: left[i].hidden, computed: left[i].computed,
			declared: left[i].declared, reserved: left[i].reserved || i < len(right) && right[i].reserved,
			null: left[i].null && i < len(right) && right[i].null,
		}
	}
	return out
}

// uniteColumn merges a column of both arms of UNION ALL. Name and declared
// type are those of the first.
func (a *analysis) uniteColumn(s *SetOp, l, r *column) (column, error) {
	if l.hidden != r.hidden {
		return column{}, a.refuse(s.Start, ReasonSetOperation, l.name, "both sides must take the partition from the same place")
	}
	if l.hidden {
		return *l, nil
	}
	c, err := a.mergeValues([]column{*l, *r}, s.Start, ReasonSetOperation, nil)
	if err != nil {
		return column{}, err
	}
	c.name, c.declared, c.computed = l.name, l.declared && r.declared, l.computed
	if a.dialect == SQLite {
		c.computed = l.computed || l.typeless()
		c.united, c.lastBare = true, r.bare() || r.typeless() && !r.united
	}
	return c, nil
}

// merge adds a source to a flow; false when the same column is expected under
// two different partitions.
func merge(f *flow, s sealed) bool {
	for i := range *f {
		x := &(*f)[i]
		if x.col != s.col {
			continue
		}
		*f = append(flow(nil), *f...) // a relation's columns may share it
		x = &(*f)[i]
		// What is not the same for both is not known of the value.
		if x.from != s.from {
			x.from = nil
		}
		if x.fixed != s.fixed {
			x.fixed = nil
		}
		if x.phys != s.phys {
			x.phys = nil
		}
		return x.part.equal(s.part) && x.row.equal(s.row)
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
		return p.rel == o.rel && p.col == o.col
	}
	return true
}

// selectCore analyses one SELECT.
func (a *analysis) selectCore(s *Select, up *scope, expose bool) ([]column, *scope, error) {
	canAdd := expose && a.depth == 0 && s.ItemsEnd >= 0 && !s.Distinct && !s.Into
	arm := a.arm && canAdd
	a.arm = false
	sc := a.work.scope(up)
	sc.aliases, sc.grouped = s.Items, len(s.GroupBy) > 0 || s.Having != nil
	a.owns(sc, s)
	if err := a.from(s.From, sc); err != nil {
		return nil, nil, err
	}
	if !arm {
		a.fix(s.Where, sc)
	}
	a.asked(s.Where, sc)
	cols, err := a.items(s, s.Items, sc)
	if err != nil {
		return nil, nil, err
	}
	sc.outputs = cols
	if err := a.clauses(s, sc); err != nil {
		return nil, nil, err
	}
	if s.Distinct && len(s.DistinctOn) == 0 {
		if err := a.makeDistinct(s, cols, sc); err != nil {
			return nil, nil, err
		}
	}
	a.remember(s, cols)
	a.outputsOf(s, cols, sc)
	if a.dialect == Postgres && a.eq.distinct[s] != nil {
		canAdd = expose && a.depth == 0 && !s.Into // the row that is kept shows them
	}
	if s.Into {
		if err := a.noSealed(cols, ReasonSealedToClear, s.Start, hints[ReasonSealedToClear]); err != nil {
			return nil, nil, err
		}
		a.effects |= EffectCatalog
	}
	cols = a.exposeVerified(s, sc, a.exposeLiked(s, a.exposeFiltered(s, cols)), canAdd)
	return a.expose(s, cols, sc, canAdd), sc, nil
}

func (a *analysis) clauses(s *Select, sc *scope) error {
	a.combine(s.Where, sc)
	if err := a.filter(s, sc); err != nil {
		return err
	}
	if err := a.likes(s, sc); err != nil {
		return err
	}
	if err := a.where(s.Where, sc); err != nil {
		return err
	}
	if _, _, err := a.groupKeys(s.DistinctOn, sc, true); err != nil {
		return err
	}
	if err := a.groupBy(s, sc); err != nil {
		return err
	}
	if err := a.having(s, sc); err != nil {
		return err
	}
	a.pickIn(s.Having, sc, nil)
	if err := a.partitionKeys(windowList(s.Windows), sc); err != nil {
		return err
	}
	return a.clearAll(s.Windows, sc, ReasonOrder)
}

// where walks the condition of a SELECT but for the parts that are filtered.
func (a *analysis) where(e Expr, sc *scope) error {
	a.pairRanges(e, sc)
	if len(a.filters)+len(a.liked) == 0 {
		return a.condition(e, sc, ReasonPredicate)
	}
	for _, cond := range conjuncts(e) {
		if a.filtered(cond) || a.likedAt(cond) != nil {
			continue
		}
		if err := a.condition(cond, sc, ReasonPredicate); err != nil {
			return err
		}
	}
	return nil
}

// having also looks at output names, as MySQL and SQLite do.
func (a *analysis) having(s *Select, sc *scope) error {
	e := s.Having
	if e == nil {
		return nil
	}
	var err error
	eachColumn(e, func(ref *ColumnRef) {
		if err == nil && len(ref.Path) == 1 && !a.sameOutput(ref, sc) {
			_, err = a.outputName(ref, sc, ReasonPredicate)
		}
	})
	if err != nil {
		return err
	}
	if err := a.clear(e, sc, ReasonPredicate); err != nil || a.dialect != MySQL {
		return err
	}
	return a.havingShows(s, e, sc)
}

// sameOutput reports a name that means one thing, whether it is read as that of
// a result column or of what that is selected from.
func (a *analysis) sameOutput(ref *ColumnRef, sc *scope) bool {
	h, _, found, err := a.resolve(ref, sc)
	if err != nil || !found || !a.genuine(ref, h) {
		return false
	}
	for i := range sc.outputs {
		if o := &sc.outputs[i]; !o.hidden && a.same(o.name, ref.Path[0].Name) && o.origin != h {
			return false
		}
	}
	return true
}

// sortKey checks an item of ORDER BY, GROUP BY or DISTINCT ON: an ordinal, an
// output name, or an expression.
func (a *analysis) sortKey(e Expr, sc *scope, why Reason) error {
	if why == ReasonOrder {
		if done, err := a.orderKey(e, sc); done || err != nil {
			return err
		}
	}
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
		if err := a.noSealed(sc.outputs[i:i+1], why, ref.Start, hints[why]); err != nil {
			return false, err
		}
		done = why == ReasonOrder
	}
	return done, nil
}

// outputNames refuses any use of a sealed result column inside an expression but
// tests for NULL: a record is NULL exactly when its value is.
func (a *analysis) outputNames(e Expr, sc *scope, why Reason) error {
	if x, ok := e.(*IsNull); ok {
		if _, column := x.X.(*ColumnRef); column {
			return nil
		}
	}
	op, isOp := e.(*Op)
	if _, isCase := e.(*Case); isCase || isOp && (op.Name == "AND" || op.Name == "OR" || op.Name == "NOT") {
		parts, _ := kids(e)
		for _, x := range parts {
			if err := a.outputNames(x, sc, why); err != nil {
				return err
			}
		}
		return nil
	}
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
	cols := a.work.columns.Many(len(items) + 1)[:0] // one may be added
	for i := range items {
		it := &items[i]
		if star, ok := it.Expr.(*Star); ok {
			var err error
			if cols, err = a.star(cols, star, sc, len(items)-i-1, len(items) == 1 && owner == any(a.own)); err != nil {
				return nil, err
			}
			if a.stars.at(star) != nil && a.dialect == MySQL && i > 0 && len(star.Path) == 0 {
				// Written out it would run, which it does not by itself.
				return nil, a.refuse(star.Start, ReasonSyntax, "", "MySQL and MariaDB take \"*\" in the first place only; qualify it")
			}
			continue
		}
		around := a.nameless
		a.nameless = around || it.Alias == nil && a.dialect != Postgres
		c, err := a.value(it.Expr, sc, ReasonExpression, nil)
		if a.nameless = around; err != nil {
			return nil, err
		}
		c.name = a.itemName(it, &c)
		a.keepName(it)
		if s, ok := owner.(*Select); ok && a.eq.hashed[s] {
			c = a.hashedItem(it, c)
		}
		if err := a.extremeItem(owner, it); err != nil {
			return nil, err
		}
		cols = append(cols, c)
	}
	return cols, nil
}

// star appends what "*" or "t.*" stands for; more items follow it. It is left as
// it is where nothing annotated is in it; the columns of open relations are then
// not known and not needed. all is set for the one item of the statement's own
// list.
func (a *analysis) star(cols []column, s *Star, sc *scope, more int, all bool) ([]column, error) {
	x, sensitive, open, err := a.starColumns(s, sc)
	if err != nil {
		return nil, err
	}
	if sensitive && open {
		return nil, a.refuse(s.Start, ReasonCatalog, "", "the columns behind \"*\" are not known without the catalog; name them")
	}
	if all && !open && len(x.rels) == 1 {
		if shown := onlyStar(x.rels[0]); shown != nil {
			a.widths.set(s, len(shown))
			return shown, a.expand(s, x, sensitive)
		}
	}
	vis := x.visible(a)
	if open {
		if a.openStar == nil {
			a.openStar = map[*Star]bool{}
		}
		a.openStar[s] = true
	} else {
		a.widths.set(s, len(vis))
	}
	cols = append(a.work.columns.Many(len(cols) + len(vis) + more)[:0], cols...)
	for _, v := range vis {
		src := &v.rel.cols[v.col]
		h := hit{v.rel, v.col}
		cols = append(cols, a.seen(column{name: src.name, declared: src.declared && len(src.flow) == 0, origin: h}, h))
	}
	if sensitive {
		if kept, err := a.keptStar(s, vis); kept || err != nil {
			return cols, err
		}
	}
	return cols, a.expand(s, x, sensitive)
}

// expand plans the writing out of a star over anything sensitive.
func (a *analysis) expand(s *Star, x expansion, sensitive bool) error {
	if !sensitive {
		a.loose(s, x)
		return nil
	}
	if !s.Known() && a.depth == 0 { // a definition is not edited
		return a.refuse(s.Start, ReasonExpression, "", "name the columns instead of \"*\"")
	}
	a.stars.set(s, x)
	return nil
}

// onlyStar returns what a table shows, as the catalog has it, where this can be
// the result of a statement whose list is nothing but its star: no partition is
// found in the row, and the names of the columns are their own.
func onlyStar(r *relation) []column {
	if r.base == nil || len(r.cols) == 0 {
		return nil
	}
	for i := range r.cols {
		for j := range r.cols[i].flow {
			if f := &r.cols[i].flow[j]; f.part.kind == partRow || f.row.kind == partRow {
				return nil
			}
		}
	}
	shown, distinct := r.prepared()
	if !distinct {
		return nil
	}
	return shown[:len(shown):len(shown)]
}

// prepared returns what a table shows as the catalog has it, and whether every
// one of its names is its own; nothing where the columns are not those of the
// catalog.
func (r *relation) prepared() (shown []column, distinct bool) {
	if r.base == nil || len(r.cols) == 0 {
		return nil, false
	}
	for i := range r.base.prepared {
		p := &r.base.prepared[i]
		if len(p.cols) == len(r.cols) && &p.cols[0] == &r.cols[0] {
			return p.shown, p.distinct
		}
	}
	return nil, false
}

// distinct reports columns whose names are known to be their own.
func (r *relation) distinct() bool {
	_, distinct := r.prepared()
	return distinct
}

func (a *analysis) starColumns(s *Star, sc *scope) (x expansion, sensitive, open bool, err error) {
	if len(s.Path) == 0 {
		if err := a.complete(s.Start, sc.rels...); err != nil {
			return x, true, false, err
		}
		for _, r := range sc.rels {
			sensitive = sensitive || r.sensitive()
			open = open || r.open
		}
		if sensitive && sc.starBad != 0 {
			return x, true, open, a.refuse(s.Start, sc.starBad, "", "name the columns instead of \"*\"")
		}
		if !sc.joined {
			return expansion{rels: sc.rels}, sensitive, open, nil
		}
		return expansion{vis: listed(sc.star)}, sensitive, open, nil
	}
	for up := sc; up != nil; up = up.up {
		for i, r := range up.rels {
			if a.matches(r, s.Path) {
				if err := a.complete(s.Start, r); err != nil {
					return x, true, false, err
				}
				return expansion{rels: up.rels[i : i+1 : i+1]}, r.sensitive(), r.open, nil
			}
		}
	}
	return x, false, true, nil
}

// keptStar leaves a "*" that cannot be written out, because its columns have no
// names or one name twice. That is sound only over queries of the same text,
// which name their columns themselves.
func (a *analysis) keptStar(s *Star, vis []visible) (bool, error) {
	if writable(vis) {
		return false, nil
	}
	for _, v := range vis {
		v.rel.kept = true
		if v.rel.base != nil || v.merged {
			return false, a.refuse(s.Start, ReasonAmbiguous, "", "a column behind \"*\" has no name of its own; name the columns")
		}
		if grownBy(v.rel) {
			return false, a.refuse(s.Start, ReasonAmbiguous, "", "give every column of the inner query a name of its own")
		}
	}
	if a.kept == nil {
		a.kept = map[*Star]int{}
	}
	a.kept[s] = len(vis)
	return true, nil
}

// grownBy reports that a column was added to what a relation reads, for itself or
// for another one that reads it.
func grownBy(r *relation) bool {
	for _, r := range readersOf(r) {
		if slices.ContainsFunc(r.cols, func(c column) bool { return c.hidden }) {
			return true
		}
	}
	return false
}

// writable reports whether every column has a name that is its own within its
// relation.
func writable(vis []visible) bool {
	for i, v := range vis {
		if v.rel.distinct() {
			continue
		}
		name := v.rel.cols[v.col].name
		if name == "" {
			return false
		}
		for _, w := range vis[:i] {
			if w.rel == v.rel && strings.EqualFold(w.rel.cols[w.col].name, name) {
				return false
			}
		}
	}
	return true
}

// hiddenPrefix begins the names of columns that plans add; it is reserved.
const hiddenPrefix = "sealsql_p"

// expose makes sure that partition and row of every sealed result column that
// depend on its row stand in the result: columns are added behind the last item
// for each relation that needs them.
func (a *analysis) expose(owner any, cols []column, sc *scope, canAdd bool) []column {
	shown, first := len(cols), len(a.hiddenOf(owner))
	for i := 0; i < shown; i++ {
		for j := range cols[i].flow {
			for _, p := range []*partRef{&cols[i].flow[j].part, &cols[i].flow[j].row} {
				switch {
				case p.kind != partRow:
				case !canAdd:
					*p = shownColumn(cols[:shown], *p)
				default:
					cols = a.exposeRef(owner, cols, shown, first, p)
				}
			}
		}
	}
	return cols
}

// exposeRef points p to the added column that shows it, adding one if there is
// none. shown is the number of columns before added ones, first that of hidden
// columns that the list had already.
func (a *analysis) exposeRef(owner any, cols []column, shown, first int, p *partRef) []column {
	for k := shown; k < len(cols); k++ {
		if h := a.hiddenOf(owner)[first+k-shown]; h.rel == p.rel && h.col == p.col {
			*p = partRef{kind: partRow, col: k}
			return cols
		}
	}
	name := a.hide(owner, p.rel, p.col)
	*p = partRef{kind: partRow, col: len(cols)}
	if len(cols) == cap(cols) {
		cols = append(a.work.columns.Many(len(cols) + 2)[:0], cols...)
	}
	return append(cols, column{name: name, hidden: true})
}

// hiddenNames are the names of the first columns that are added.
var hiddenNames = [...]string{hiddenPrefix + "1", hiddenPrefix + "2", hiddenPrefix + "3", hiddenPrefix + "4"}

func hiddenName(n int) string {
	if n <= len(hiddenNames) {
		return hiddenNames[n-1]
	}
	return hiddenPrefix + strconv.Itoa(n)
}

// hide adds a column to a select list that the caller does not see, and returns
// its name.
func (a *analysis) hide(owner any, r *relation, col int) string {
	a.named++
	name := hiddenName(a.named)
	list := a.hidden.at(owner)
	if list == nil {
		list = a.hidden.set(owner, a.work.hiddens.Many(2)[:0])
	}
	*list = append(*list, hiddenCol{rel: r, col: col, name: name})
	return name
}

// shownColumn finds the partition or row of a value among the columns that are
// shown, where none can be added.
func shownColumn(cols []column, p partRef) partRef {
	for i := range cols {
		if o := cols[i].origin; o.rel == p.rel && o.col == p.col {
			return partRef{kind: partRow, col: i}
		}
	}
	return partRef{kind: partLost}
}

// fix notes the partitions and rows that top-level conjuncts fix.
func (a *analysis) fix(e Expr, sc *scope) {
	op, ok := e.(*Op)
	if !ok || !partitioned(sc.rels) {
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
	if a.link(op.Args, sc) {
		return
	}
	for i := range op.Args {
		ref, ok := op.Args[i].(*ColumnRef)
		if !ok {
			continue
		}
		h, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
		if err != nil || !found || h.col < 0 || h.col != h.rel.partCol && h.col != h.rel.rowAt-1 {
			continue
		}
		if v := constant(op.Args[1-i]); v != nil {
			a.fixed(h, v, ref)
		}
	}
}

// partitioned reports whether the rows of any relation say their partition
// or identity.
func partitioned(rels []*relation) bool {
	for _, r := range rels {
		if r.partCol >= 0 || r.rowAt > 0 {
			return true
		}
	}
	return false
}

// fixed notes that a column equals a value.
func (a *analysis) fixed(h hit, v *Value, ref *ColumnRef) {
	r := h.rel
	if r.rowAt > 0 && h.col == r.rowAt-1 && r.row == nil && bytewise(r, h.col, r.annotated().Row.Type.Kind) {
		r.row = v
	}
	if r.partCol < 0 || h.col != r.partCol || r.fixed != nil || !bytewise(r, h.col, r.annotated().Partition.Type.Kind) {
		return
	}
	r.fixed = v
	if a.opt.ContextPartition {
		a.checks = append(a.checks, Check{A: *v, B: Value{Source: FromContextPartition}, Table: r.annotated(), Pos: ref.Start})
	}
}

// bytewise reports whether equality of a partition or row identity column is
// equality of the canonical value (threats T14): of text only under a byte-wise
// collation.
func bytewise(r *relation, col int, kind schema.Kind) bool {
	if kind != schema.KindText {
		return true
	}
	p := r.cols[col].phys
	return p == nil || p.BytewiseEqual
}

// link notes a condition that the partition columns of two relations are
// equal: then both rows are of one partition. One may be a row of the statement
// around.
func (a *analysis) link(args []Expr, sc *scope) bool {
	rels, ok := a.samePartitionColumns(args, sc)
	if ok {
		rels[0].linked = append(rels[0].linked, rels[1])
		rels[1].linked = append(rels[1].linked, rels[0])
	}
	return ok
}

// samePartitionColumns returns the relations whose partition columns are compared.
func (a *analysis) samePartitionColumns(args []Expr, sc *scope) (rels [2]*relation, ok bool) {
	if _, ok := args[1].(*ColumnRef); !ok {
		return rels, false
	}
	for i, e := range args {
		ref, ok := e.(*ColumnRef)
		if !ok {
			return rels, false
		}
		h, _, found, err := a.resolve(ref, sc)
		if err != nil || !found || h.rel.partCol < 0 || h.col != h.rel.partCol || !bytewise(h.rel, h.col, h.rel.annotated().Partition.Type.Kind) {
			return rels, false
		}
		rels[i] = h.rel
	}
	return rels, true
}

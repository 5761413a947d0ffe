package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Sorting by encrypted columns, and the smallest and largest of their values,
// through indexes that reveal the order.

// sortedBy is the index column that a sort key becomes.
type sortedBy struct {
	rel  *relation
	name string
	// picked takes it from the group, of which all rows have one index.
	picked bool
}

// orderKey plans an item of ORDER BY that means an encrypted column with an
// index that reveals the order. done is false for every other item.
func (a *analysis) orderKey(e Expr, sc *scope) (done bool, err error) {
	h, plain := a.keyColumn(e, sc)
	if h.rel == nil || len(h.flow()) == 0 {
		return false, nil
	}
	r := h.rangeIndex()
	ref, isRef := e.(*ColumnRef)
	name := ""
	switch {
	case r == nil || r.Order != schema.OrderRevealing:
		return len(h.flow()) == 1 && a.sortFirst(e, h, sc), nil
	case !r.Sorts(a.bounded()):
		return true, a.refuse(e.Pos(), ReasonOrder, r.Of.String(), rangeTies)
	}
	if name = a.rangeColumn(h, h.rel.cols[h.col].name); name == "" {
		return true, a.refuse(e.Pos(), ReasonOrder, r.Of.String(), orderReachHint)
	}
	if err := a.distinctSorts(e, r, h, name, sc); err != nil {
		return true, err
	}
	at := &ColumnRef{Span: e.Range()}
	if _, err := a.sharedPartition(r, []*ColumnRef{at}, []hit{h}); err != nil {
		return true, err
	}
	if err := a.found(r, nil, []*ColumnRef{at}, []hit{h}); err != nil {
		return true, err
	}
	if isRef && plain {
		return true, a.useRange(ref, h, r) // pickIn picks it from its group
	}
	if !e.Range().Known() {
		return true, a.refuse(e.Pos(), ReasonOrder, r.Of.String(), "name the column")
	}
	if a.ranges.keys == nil {
		a.ranges.keys = map[Expr]sortedBy{}
	}
	a.ranges.keys[e] = sortedBy{h.rel, name, a.dialect != SQLite && isKey(sc.keys, h)}
	return true, nil
}

// keyColumn finds the column of a relation that a sort key is: by its name, by
// that of a result column, or by its number. plain is set where the name is the
// column's own, so that the index can stand in its place. The zero hit is for
// everything else.
func (a *analysis) keyColumn(e Expr, sc *scope) (h hit, plain bool) {
	switch x := e.(type) {
	case *Literal:
		if n := ordinalValue(x.Value); x.Kind == LitNumber && n >= 1 && n <= shownOutputs(sc) {
			return a.shownFrom(&sc.outputs[n-1], sc), false
		}
	case *ColumnRef:
		if len(x.Path) == 1 {
			if h, named := a.outputColumn(x.Path[0].Name, sc); named {
				return h, h.rel != nil && a.alone(h, x, sc)
			}
		}
		h, _, found, err := a.resolve(x, &scope{rels: sc.rels})
		if err != nil || !found || h.col < 0 {
			return hit{}, false
		}
		return h, true
	}
	return hit{}, false
}

// outputColumn finds what the result column of that name is selected from. named
// is set where there is such a column; where there are several they must be one.
func (a *analysis) outputColumn(name string, sc *scope) (h hit, named bool) {
	for i := range sc.outputs {
		o := &sc.outputs[i]
		if o.hidden || !a.same(o.name, name) {
			continue
		}
		from := a.shownFrom(o, sc)
		if named && from != h {
			return hit{}, true
		}
		h, named = from, true
	}
	return h, named
}

// shownFrom is the column that a result column shows. Those of a list that is
// nothing but the star of one table do not say it.
func (a *analysis) shownFrom(o *column, sc *scope) hit {
	if o.origin.rel != nil || len(o.flow) != 1 || o.computed || len(sc.aliases) != 1 || len(sc.rels) != 1 {
		return o.origin
	}
	if _, star := sc.aliases[0].Expr.(*Star); !star {
		return hit{}
	}
	r := sc.rels[0]
	for i := range r.cols {
		if f := r.cols[i].flow; len(f) == 1 && f[0].col == o.flow[0].col && r.cols[i].name == o.name {
			return hit{r, i}
		}
	}
	return hit{}
}

// alone reports that a bare name also means that column where no result has it.
func (a *analysis) alone(h hit, ref *ColumnRef, sc *scope) bool {
	g, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
	return err == nil && found && g == h
}

// sortKey compares what a sort key became.
func (v verifier) sortKey(k sortedBy, y Expr) bool {
	if k.picked {
		y = v.b.a.unpicked(y)
	}
	ref, ok := y.(*ColumnRef)
	if !ok || ref.Path[len(ref.Path)-1].Name != k.name {
		return false
	}
	var want []string
	switch r := k.rel; {
	case r.alias.Name == "":
	case len(r.path) > 1:
		for _, p := range r.path {
			want = append(want, p.Name)
		}
	default:
		want = []string{r.alias.Name}
	}
	return v.names(want, ref.Path[:len(ref.Path)-1])
}

// extreme is a call of MIN or MAX: the record with the smallest or largest index
// is taken out of its group, as the text of both in one.
type extreme struct {
	ref  *ColumnRef
	name string // of the index beside it
	of   *schema.Column
}

// isExtreme reports MIN or MAX as an aggregate.
func isExtreme(c *Call) bool {
	if len(c.Args) != 1 || c.Star {
		return false
	}
	name := c.Name[len(c.Name)-1].Name
	return strings.EqualFold(name, "min") || strings.EqualFold(name, "max")
}

// isDisc reports PostgreSQL's percentile_disc(0.5) WITHIN GROUP (ORDER BY c), which
// takes one of the values out of its group, as MIN and MAX do; not that of an array.
func (a *analysis) isDisc(c *Call) bool {
	if a.dialect != Postgres || len(c.Name) != 1 || !strings.EqualFold(c.Name[0].Name, "percentile_disc") || len(c.Args) != 1 || len(c.Extra) != 1 ||
		c.Star || c.Distinct || c.Over || !strings.HasPrefix(c.Attr, " WITHIN GROUP ORDER1") {
		return false
	}
	l, ok := c.Args[0].(*Literal)
	return ok && l.Kind == LitNumber
}

// extremeOf reports whether a call is MIN or MAX of an encrypted column, or the like.
func (a *analysis) extremeOf(c *Call, sc *scope) (ref *ColumnRef, h hit, ok bool) {
	of := c.Args
	switch {
	case a.isDisc(c):
		of = c.Extra
	case !isExtreme(c):
		return nil, hit{}, false
	}
	refs, hits := a.sealedRefs(of, sc)
	if len(refs) != 1 {
		return nil, hit{}, false
	}
	return refs[0], hits[0], true
}

// extremeValue plans MIN or MAX of an encrypted column.
func (a *analysis) extremeValue(c *Call, ref *ColumnRef, h hit, sc *scope, why Reason) (column, error) {
	if err := a.function(c); err != nil {
		return column{}, err
	}
	col := h.flow()[0].col
	if !a.isDisc(c) && a.extremeFirst(c, ref, h) {
		return column{name: strings.ToLower(c.Name[len(c.Name)-1].Name), flow: moved(h.flow()), computed: true}, nil
	}
	r, name := h.rangeIndex(), ""
	if r != nil && r.Order == schema.OrderRevealing {
		name = a.rangeColumn(h, ref.Path[len(ref.Path)-1].Name)
	}
	switch {
	case r == nil || r.Order != schema.OrderRevealing:
		return column{}, a.refuse(ref.Start, inner(why, ReasonFunction), col.String(), extremeHint)
	case !r.Sorts(a.bounded()):
		return column{}, a.refuse(ref.Start, inner(why, ReasonFunction), col.String(), rangeTies)
	case name == "" || !binaryCarriers(h.flow()) || !c.Known() || !ref.Known():
		return column{}, a.refuse(ref.Start, inner(why, ReasonFunction), col.String(), extremeForm)
	}
	if _, err := a.sharedPartition(r, []*ColumnRef{ref}, []hit{h}); err != nil {
		return column{}, err
	}
	if err := a.found(r, nil, []*ColumnRef{ref}, []hit{h}); err != nil {
		return column{}, err
	}
	v, err := a.value(ref, sc, inner(why, ReasonFunction), nil)
	if err != nil {
		return column{}, err
	}
	others := c.Extra
	if a.isDisc(c) {
		others = c.Args
	}
	if err := a.clearAll(others, sc, inner(why, ReasonFunction)); err != nil {
		return column{}, err
	}
	if a.ranges.extremes == nil {
		a.ranges.extremes = map[*Call]extreme{}
	}
	a.ranges.extremes[c] = extreme{ref, name, col}
	return column{name: strings.ToLower(c.Name[len(c.Name)-1].Name), flow: moved(v.flow), computed: true}, nil
}

// binaryCarriers reports records that are bytes in all columns that they are of.
func binaryCarriers(f flow) bool {
	for i := range f {
		if f[i].col.Carrier != schema.CarrierBinary {
			return false
		}
	}
	return true
}

// valueOf notes a query that is a value.
func (r *ranging) valueOf(q *Query) {
	if r.scalars == nil {
		r.scalars = map[any]bool{}
	}
	r.scalars[q.Body] = true
}

// namedBy returns the call of MIN or MAX that a select item has its name from on
// PostgreSQL, which would call the column by the function written around it; nil
// for others.
func (a *analysis) namedBy(e Expr) *Call {
	switch x := e.(type) {
	case *Call:
		if _, ok := a.ranges.extremes[x]; ok {
			return x
		}
	case *Cast:
		return a.namedBy(x.X)
	case *Case:
		if x.Else != nil {
			return a.namedBy(x.Else)
		}
	case *Subquery:
		if items := bodyItems(x.Query.Body); x.Kind == SubScalar && len(items) == 1 && items[0].Alias == nil {
			return a.namedBy(items[0].Expr)
		}
	}
	return nil
}

// extremeItem refuses MIN and MAX without an alias where the name of the column
// is read by a query around it.
func (a *analysis) extremeItem(owner any, it *SelectItem) error {
	if it.Alias != nil || a.dialect != Postgres || len(a.ranges.extremes) == 0 || owner == any(a.own) || a.ranges.scalars[owner] {
		return nil
	}
	if c := a.namedBy(it.Expr); c != nil {
		return a.refuse(c.Start, ReasonFunction, a.ranges.extremes[c].of.String(), extremeAlias)
	}
	return nil
}

// extremeNames are the names of result columns that are MIN or MAX, on
// PostgreSQL; the other engines take the text of the item.
func (b *builder) extremeNames() {
	if b.a.dialect != Postgres || len(b.a.ranges.extremes) == 0 {
		return
	}
	items, col := topItems(b.a.top)
	for i := range items {
		it := &items[i]
		if star, ok := it.Expr.(*Star); ok {
			if col += b.starWidth(star); col < 0 {
				return
			}
			continue
		}
		if it.Alias == nil && col < len(b.plan.ResultNames) && b.a.namedBy(it.Expr) != nil {
			b.plan.ResultNames[col], _ = figureName(it.Expr)
		}
		col++
	}
}

// extremeForms are the text before the call, around index and record, and behind
// the call. The index comes first, and has one length for a column, so that the
// texts sort as the indexes do; x divides the two. The functions that take them
// apart are in calls, from the outside in.
var extremeForms = map[Dialect]struct {
	before, open, middle, close, behind string
	calls                               []string
}{
	Postgres: {"decode(split_part(", "(encode(", ", 'hex') || 'x' || encode(", `, 'hex')) COLLATE "C"`, ", 'x', 2), 'hex')", []string{"decode", "split_part"}},
	MySQL:    {"UNHEX(SUBSTRING_INDEX(", "CONCAT(HEX(", "), 'x', HEX(", "))", ", 'x', -1))", []string{"unhex", "substring_index"}},
	SQLite:   {"unhex(substr(ltrim(", "nullif(hex(", "), '') || 'x' || hex(", ")", ", '0123456789ABCDEF'), 2))", []string{"unhex", "substr", "ltrim"}},
}

// extreme writes MIN or MAX.
func (b *builder) extreme(c *Call, x extreme) {
	f := extremeForms[b.a.dialect]
	name := func(column string) string {
		var out []byte
		for _, id := range x.ref.Path[:len(x.ref.Path)-1] {
			out = append(b.a.front.AppendIdent(out, id.Name), '.')
		}
		return string(b.a.front.AppendIdent(out, column))
	}
	b.edits = append(b.edits,
		edit{span: Span{c.Start, c.Start}, text: f.before},
		edit{span: x.ref.Span, text: f.open + name(x.name) + f.middle + name(x.ref.Path[len(x.ref.Path)-1].Name) + f.close},
		edit{span: Span{c.End, c.End}, text: f.behind})
}

// extreme compares what MIN or MAX became: the call inside the functions of the
// form, over the index and the column.
func (v verifier) extreme(x *Call, e extreme, y Expr) bool {
	for _, name := range extremeForms[v.b.a.dialect].calls {
		c, ok := y.(*Call)
		if !ok || len(c.Name) != 1 || !strings.EqualFold(c.Name[0].Name, name) || len(c.Args) == 0 || len(c.Extra) > 0 || c.Over || c.Distinct {
			return false
		}
		y = c.Args[0]
	}
	c, ok := y.(*Call)
	if !ok || !idents(x.Name, c.Name) || x.Distinct != c.Distinct || x.Over != c.Over || x.Attr != c.Attr || len(c.Args) != 1 {
		return false
	}
	of, same, with := c.Args, x.Extra, c.Extra
	if v.b.a.isDisc(x) {
		of, same, with = c.Extra, x.Args, c.Args
	}
	if len(of) != 1 || !v.exprs(same, with) {
		return false
	}
	var refs []*ColumnRef
	eachColumn(of[0], func(ref *ColumnRef) { refs = append(refs, ref) })
	n := len(e.ref.Path) - 1
	for i, want := range []string{e.name, e.ref.Path[n].Name} {
		if len(refs) != 2 || len(refs[i].Path) != n+1 || refs[i].Path[n].Name != want {
			return false
		}
		for k := range n {
			if refs[i].Path[k].Name != e.ref.Path[k].Name {
				return false
			}
		}
	}
	return true
}

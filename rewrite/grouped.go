package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// GROUP BY, DISTINCT and COUNT(DISTINCT) over columns with exact indexes. Rows
// are grouped by the index; the value that is shown is the record of some row of
// the group, for all of them hold one value. Where the server wants to be told
// so (PostgreSQL and, under ONLY_FULL_GROUP_BY, MySQL), it is picked by an
// aggregate.

const (
	groupHint      = "group by a clear column, or give the column a search index for equality without normalize"
	groupPartHint  = "the index is kept for each partition: fix the partition in the WHERE clause, group by the partition column as well, run with sealsql.WithPartition, or declare scope: table"
	groupShapeHint = "group by the column itself, in a GROUP BY without ROLLUP, CUBE and GROUPING SETS"
	distinctHint   = "name the columns in the select list, or write GROUP BY"
)

// pick says how a reference to a grouped column is written: as one record of the
// group, under the column's name where it is an item by itself.
type pick struct {
	alias string
	at    int // where the item ends
}

// groupBy walks GROUP BY, and picks the values of encrypted keys in the select
// list.
func (a *analysis) groupBy(s *Select, sc *scope) error {
	keys, others, err := a.groupKeys(s.GroupBy, sc, false)
	if err != nil || len(keys) == 0 {
		return err
	}
	if strings.Contains(strings.ToUpper(s.Attr), "ROLLUP") { // as the front ends spell it
		return a.refuse(s.GroupBy[0].Pos(), ReasonGroup, keys[0].flow()[0].col.String(), groupShapeHint)
	}
	sc.keys = keys
	for i := range s.Items {
		if a.namesGrouped(s.Items[i].Expr) {
			return a.refuse(s.Items[i].Expr.Pos(), ReasonGroup, keys[0].flow()[0].col.String(), "NULLIF stands beside no grouping by an encrypted column; group in a derived table")
		}
		if !a.pickIn(s.Items[i].Expr, sc, &s.Items[i]) {
			continue
		}
		if at := a.outputAt(s, i); at >= 0 && at < len(sc.outputs) {
			sc.outputs[at].flow = pickedFlow(sc.outputs[at].flow, others)
		}
	}
	return nil
}

// groupKeys plans the keys of GROUP BY or DISTINCT ON. It returns the encrypted
// ones, proven to be of one partition, and the clear columns among the others. first
// says that the keys are those of DISTINCT ON, which ORDER BY begins with.
func (a *analysis) groupKeys(list []Expr, sc *scope, first bool) (keys []hit, others map[hit]bool, err error) {
	for _, e := range list {
		h, done, err := a.groupKey(e, sc, first)
		if err == nil && !done {
			err = a.sortKey(e, sc, ReasonGroup)
		}
		if err != nil {
			return nil, nil, err
		}
		if done {
			keys = append(keys, h)
		}
	}
	if len(keys) == 0 {
		return nil, nil, nil
	}
	others = a.clearKeys(list, sc)
	for _, h := range keys {
		if err := a.withinPartition(h, others, list[0].Pos()); err != nil {
			return nil, nil, err
		}
	}
	return keys, others, nil
}

// groupKey plans a key of GROUP BY or DISTINCT ON that is an encrypted column:
// by name, by the alias or by the number of a result column. done is false for
// every other key.
func (a *analysis) groupKey(e Expr, sc *scope, first bool) (h hit, done bool, err error) {
	if lit, ok := e.(*Literal); ok && lit.Kind == LitNumber {
		n := ordinalValue(lit.Value)
		if n < 1 || n > shownOutputs(sc) {
			return h, false, nil
		}
		return a.outputKey(e, &sc.outputs[n-1], first)
	}
	ref, ok := e.(*ColumnRef)
	if !ok {
		return h, false, nil
	}
	var alias *column
	for i := range sc.outputs {
		if o := &sc.outputs[i]; len(ref.Path) == 1 && !o.hidden && a.same(o.name, ref.Path[0].Name) && len(o.flow) > 0 {
			alias = o
		}
	}
	h, _, found, err := a.resolve(ref, sc)
	switch {
	case err != nil:
		return h, false, nil // reported where the key is walked
	case found && len(h.flow()) > 0 && a.genuine(ref, h):
		if alias != nil && alias.origin != h {
			return h, false, nil // which of the two is meant differs by engine
		}
	case alias != nil && (!found || len(h.flow()) > 0):
		return a.outputKey(e, alias, first)
	default:
		return h, false, nil
	}
	if err := a.keyIndex(ref, h); err != nil {
		return h, false, err
	}
	if first && a.sortsBy(h) >= 0 {
		return h, true, a.useRange(ref, h, h.rangeIndex())
	}
	return h, true, a.refIndex(ref, h)
}

// outputKey plans a key that means a result column.
func (a *analysis) outputKey(e Expr, o *column, first bool) (h hit, done bool, err error) {
	if len(o.flow) == 0 || o.origin.rel == nil || o.origin.col < 0 {
		return h, false, nil
	}
	if err := a.keyIndex(e, o.origin); err != nil {
		return h, false, err
	}
	at := a.indexAmong(o.origin)
	if by := a.sortsBy(o.origin); first && by >= 0 {
		at = by
	}
	if at < 0 || !e.Range().Known() {
		return h, false, a.refuse(e.Pos(), ReasonGroup, o.flow[0].col.String(), distinctHint)
	}
	a.place(e, hit{o.origin.rel, at})
	return o.origin, true, nil
}

// keyIndex refuses columns whose values cannot be told apart exactly.
func (a *analysis) keyIndex(e Expr, h hit) error {
	if h.exactIndex() == nil {
		return a.refuse(e.Pos(), ReasonGroup, h.flow()[0].col.String(), groupHint)
	}
	return nil
}

// clearKeys are the clear columns among keys.
func (a *analysis) clearKeys(keys []Expr, sc *scope) map[hit]bool {
	out := map[hit]bool{}
	for _, e := range keys {
		switch x := e.(type) {
		case *ColumnRef:
			if h, _, found, err := a.resolve(x, sc); err == nil && found && h.col >= 0 && len(h.flow()) == 0 {
				out[h] = true
			}
		case *Literal:
			if n := ordinalValue(x.Value); x.Kind == LitNumber && n >= 1 && n <= len(sc.outputs) && sc.outputs[n-1].origin.rel != nil {
				out[sc.outputs[n-1].origin] = true
			}
		}
	}
	return out
}

// withinPartition proves that rows are grouped within one partition, or the
// index spans all of them (threats T23).
func (a *analysis) withinPartition(h hit, keys map[hit]bool, pos int) error {
	e := h.exactIndex()
	if e.TableScope {
		return nil
	}
	r := h.rel
	if r.annotated() != nil && r.partCol >= 0 && keys[hit{r, r.partCol}] && bytewise(r, r.partCol, r.annotated().Partition.Type.Kind) {
		return nil
	}
	if _, ok := a.partitionAt(h); ok && a.confine(h) {
		return nil
	}
	return a.refuse(pos, ReasonPartition, e.Of.String(), groupPartHint)
}

// pickedFlow is what is known of a value that was picked from its group: its
// partition and row only if the group is of one.
func pickedFlow(f flow, keys map[hit]bool) flow {
	out := append(flow(nil), f...)
	for i := range out {
		out[i].from = nil
		for _, p := range []*partRef{&out[i].part, &out[i].row} {
			if p.kind == partRow && !keys[hit{p.rel, p.col}] {
				*p = partRef{kind: partLost}
			}
		}
	}
	return out
}

// outputAt is the place of an item among the result columns; -1 where stars
// before it are not counted.
func (a *analysis) outputAt(s *Select, item int) int {
	at := 0
	for i := range item {
		star, ok := s.Items[i].Expr.(*Star)
		if !ok {
			at++
			continue
		}
		n := a.widths.at(star)
		if n == nil {
			return -1
		}
		at += *n
	}
	return at
}

// pickIn marks the references to encrypted keys that an expression hands on or
// tests for NULL. it is set for an item of the list. On SQLite nothing is
// marked: a column beside the keys is that of some row of the group.
func (a *analysis) pickIn(e Expr, sc *scope, it *SelectItem) bool {
	switch x := e.(type) {
	case nil:
		return false
	case *ColumnRef:
		h, _, found, err := a.resolve(x, sc)
		if _, sorted := a.ranges.keys[e]; sorted || err != nil || !found || a.indexOn(x) != nil || !isKey(sc.keys, h) {
			return false
		}
		if a.dialect == SQLite {
			return true
		}
		tables := *sc
		tables.aliases, tables.outputs = nil, nil
		if _, _, column, err := a.resolve(x, &tables); err != nil || !column {
			return false // the name of a result column, which is picked there
		}
		p := pick{}
		if it != nil && it.Expr == e && it.Alias == nil {
			p.alias, p.at = x.Path[len(x.Path)-1].Name, max(x.End, it.End)
		}
		if a.eq.picks == nil {
			a.eq.picks = map[*ColumnRef]pick{}
		}
		a.eq.picks[x] = p
		return true
	case *Call:
		if _, of := a.ranges.extremes[x]; of || x.Over || a.countsRows(x) || aggregates[strings.ToLower(x.Name[len(x.Name)-1].Name)] {
			return false // of the rows of the group, or beside it
		}
	}
	es, _ := kids(e)
	any := false
	for _, k := range es {
		any = a.pickIn(k, sc, it) || any
	}
	return any
}

func isKey(keys []hit, h hit) bool {
	for _, k := range keys {
		if k == h {
			return true
		}
	}
	return false
}

// aggregates are the engines' own, which look at each row of a group: what stands
// in their arguments is that row's, and picking it would nest them.
var aggregates = map[string]bool{
	"any_value": true, "array_agg": true, "avg": true, "bit_and": true, "bit_or": true, "bit_xor": true, "bool_and": true,
	"bool_or": true, "corr": true, "count": true, "covar_pop": true, "covar_samp": true, "every": true,
	"group_concat": true, "json_agg": true, "json_agg_strict": true, "json_arrayagg": true, "json_group_array": true,
	"json_group_object": true, "json_object_agg": true, "json_objectagg": true, "jsonb_agg": true,
	"jsonb_group_array": true, "jsonb_group_object": true, "jsonb_object_agg": true, "max": true, "median": true,
	"min": true, "mode": true, "percentile_cont": true, "percentile_disc": true, "range_agg": true, "regr_avgx": true,
	"regr_avgy": true, "regr_count": true, "regr_intercept": true, "regr_r2": true, "regr_slope": true, "regr_sxx": true,
	"regr_sxy": true, "regr_syy": true, "std": true, "stddev": true, "stddev_pop": true, "stddev_samp": true,
	"string_agg": true, "sum": true, "total": true, "var_pop": true, "var_samp": true, "variance": true, "xmlagg": true,
}

// countsRows reports an aggregate that encrypted values may stand in.
func (a *analysis) countsRows(c *Call) bool {
	name := strings.ToLower(c.Name[len(c.Name)-1].Name)
	return name == "count" || valueForms[a.dialect][name] == anyOfGroup
}

// countDistinct plans COUNT(DISTINCT …) of encrypted columns: of their indexes.
func (a *analysis) countDistinct(c *Call, sc *scope) (bool, error) {
	if !c.Distinct || len(c.Name) != 1 || !strings.EqualFold(c.Name[0].Name, "count") {
		return false, nil
	}
	args := c.Args
	if len(args) == 1 {
		if r, ok := args[0].(*Row); ok {
			args = r.Items
		}
	}
	done := false
	for _, e := range args {
		ref, ok := e.(*ColumnRef)
		if !ok {
			continue
		}
		h, _, found, err := a.resolve(ref, sc)
		if err != nil || !found || h.exactIndex() == nil || !a.genuine(ref, h) {
			continue
		}
		if err := a.withinPartition(h, a.clearKeys(args, sc), ref.Start); err != nil {
			return true, err
		}
		if err := a.refIndex(ref, h); err != nil {
			return true, err
		}
		done = true
	}
	if !done {
		return false, nil
	}
	for _, e := range args {
		if ref, ok := e.(*ColumnRef); ok && a.indexOn(ref) != nil {
			continue
		}
		if err := a.clear(e, sc, ReasonFunction); err != nil {
			return true, err
		}
	}
	return true, a.clearAll(c.Extra, sc, ReasonFunction)
}

// distinctness is a DISTINCT that is written otherwise: over these columns in
// their order, indexes by name, clear ones by their number.
type distinctness struct {
	keys []distinctKey
	// word is the token DISTINCT, at where GROUP BY is written.
	word Span
	at   int
}

type distinctKey struct {
	of      hit // the index
	ordinal int // of a clear column; 0
}

// makeDistinct plans DISTINCT over encrypted columns: PostgreSQL keeps a row of
// each group by DISTINCT ON, the others group the rows.
func (a *analysis) makeDistinct(s *Select, cols []column, sc *scope) error {
	first := -1
	for i := range cols {
		if len(cols[i].flow) > 0 && first < 0 {
			first = i
		}
	}
	if first < 0 {
		return a.noSealedBut(cols, s.Start)
	}
	refused := func(col *schema.Column, hint string) error {
		return a.refuse(s.Start, ReasonGroup, col.String(), "DISTINCT compares encrypted values; "+hint)
	}
	col := cols[first].flow[0].col
	if a.openItems(s.Items) || len(a.hiddenOf(s)) > 0 {
		return refused(col, distinctHint)
	}
	if a.distinctFirst(s, cols, sc) {
		return nil
	}
	keys := map[hit]bool{}
	for i := range cols {
		if cols[i].origin.rel != nil && len(cols[i].flow) == 0 {
			keys[cols[i].origin] = true
		}
	}
	d := &distinctness{}
	for i := range cols {
		c := &cols[i]
		switch {
		case len(c.flow) > 0:
			o := c.origin
			if o.rel == nil || o.col < 0 || o.exactIndex() == nil {
				return refused(c.flow[0].col, hints[ReasonGroup])
			}
			if err := a.withinPartition(o, keys, s.Start); err != nil {
				return err
			}
			at := a.indexAmong(o)
			if at < 0 {
				return refused(c.flow[0].col, distinctHint)
			}
			if by := a.sortsBy(o); by >= 0 {
				at = by
			}
			d.keys = append(d.keys, distinctKey{of: hit{o.rel, at}})
		case c.null || c.konst != nil:
			// One value in every row.
		default:
			d.keys = append(d.keys, distinctKey{ordinal: i + 1})
		}
		if c.consts != nil {
			if err := a.settleClear(c.consts, false); err != nil {
				return err
			}
		}
	}
	if !a.placeDistinct(s, d) {
		return refused(col, distinctHint)
	}
	if a.dialect != Postgres {
		if err := a.groupDistinct(s, cols, keys, sc); err != nil {
			return err
		}
	}
	if a.eq.distinct == nil {
		a.eq.distinct = map[*Select]*distinctness{}
	}
	a.eq.distinct[s] = d
	sc.distinct = d
	return nil
}

// sortsBy finds the index of a column that tells its values apart as the one for
// equality does, and sorts them: PostgreSQL's DISTINCT ON wants to begin with what
// ORDER BY begins with. It is -1 elsewhere, and where there is none.
func (a *analysis) sortsBy(h hit) int {
	r := h.rel
	if a.dialect != Postgres || r.annotated() == nil && r.query == nil || r.view != nil || len(h.flow()) != 1 {
		return -1
	}
	c := h.flow()[0].col
	if e := c.Equality; c.Range == nil || e == nil || !c.Range.Sorts(a.bounded()) || e.TableScope != c.Range.TableScope || e.Collation != schema.CollationNone && e.Collation != schema.CollationBytes {
		return -1
	}
	return a.among(h, byRange)
}

// distinctSorts refuses to sort by an index where DISTINCT ON keeps rows by
// another one of the column.
func (a *analysis) distinctSorts(e Expr, r *schema.Range, h hit, name string, sc *scope) error {
	if a.dialect != Postgres || sc.distinct == nil {
		return nil
	}
	for _, k := range sc.distinct.keys {
		if k.ordinal == 0 && k.of.rel == h.rel && h.rel.cols[k.of.col].name == name {
			return nil
		}
	}
	return a.refuse(e.Pos(), ReasonOrder, r.Of.String(), "DISTINCT tells its values apart by the equality index, which does not sort; select DISTINCT in a derived table and sort around it")
}

// noSealedBut settles the columns of a DISTINCT that compares clear values and
// indexes.
func (a *analysis) noSealedBut(cols []column, pos int) error {
	for i := range cols {
		if cols[i].hashed != nil {
			continue
		}
		if err := a.noSealed(cols[i:i+1], ReasonGroup, pos, "DISTINCT compares encrypted values; "+hints[ReasonGroup]); err != nil {
			return err
		}
	}
	return nil
}

// groupDistinct checks that GROUP BY says what DISTINCT did, and picks the
// values.
func (a *analysis) groupDistinct(s *Select, cols []column, keys map[hit]bool, sc *scope) error {
	plain := len(s.GroupBy) == 0 && s.Having == nil && len(s.Windows) == 0
	for i := range s.Items {
		plain = plain && !a.callsOther(s.Items[i].Expr)
	}
	if !plain {
		for i := range cols {
			if f := cols[i].flow; len(f) > 0 {
				return a.refuse(s.Start, ReasonGroup, f[0].col.String(), "DISTINCT over encrypted columns stands beside no other grouping, aggregate or function on this engine; group in a derived table")
			}
		}
	}
	for i := range cols {
		if len(cols[i].flow) > 0 {
			sc.keys = append(sc.keys, cols[i].origin)
			cols[i].flow = pickedFlow(cols[i].flow, keys)
		}
	}
	for i := range s.Items {
		it := &s.Items[i]
		if star, ok := it.Expr.(*Star); ok && a.dialect == MySQL && a.starSealed(star) {
			return a.refuse(star.Start, ReasonGroup, "", distinctHint)
		}
		if at := itemsBefore(s, i, len(cols)); at < 0 || len(cols[at].flow) > 0 {
			a.pickIn(it.Expr, sc, it)
		} // clear ones are keys, and may ask whether the column is NULL
	}
	return nil
}

// itemsBefore is the place of an item's column among those of the result, which are
// more where a star is among the items; -1 where it is not known.
func itemsBefore(s *Select, item, cols int) int {
	stars, before := 0, 0
	for i := range s.Items {
		if _, star := s.Items[i].Expr.(*Star); star {
			stars++
			if i < item {
				before++
			}
		}
	}
	switch {
	case before == 0:
		return item
	case before == stars:
		return item + cols - len(s.Items)
	}
	return -1
}

// starSealed reports a star that shows encrypted columns.
func (a *analysis) starSealed(s *Star) bool {
	for _, v := range a.expanded(s) {
		if len(v.rel.cols[v.col].flow) > 0 {
			return true
		}
	}
	return false
}

// callsOther reports a function that might be an aggregate, or look at other
// rows.
func (a *analysis) callsOther(e Expr) bool {
	switch x := e.(type) {
	case nil:
		return false
	case *Opaque:
		return true
	case *Call:
		if f := a.handsOn(x); f == nil || f.moves {
			return true
		}
	}
	es, _ := kids(e)
	for _, k := range es {
		if a.callsOther(k) {
			return true
		}
	}
	return false
}

// placeDistinct finds the word DISTINCT and the place for GROUP BY.
func (a *analysis) placeDistinct(s *Select, d *distinctness) bool {
	toks := words(a.tokens(s.Range()))
	if !s.Known() || s.ItemsEnd < 0 || !toks.is("SELECT") {
		return false
	}
	for i := range toks {
		if toks[i].Start >= s.Items[0].Start {
			break
		}
		if toks[i:].is("DISTINCT") || a.dialect == MySQL && toks[i:].is("DISTINCTROW") {
			d.word = toks[i].Span
		}
	}
	if d.word.End == 0 {
		return false
	}
	d.at = s.End // nothing stands behind FROM and WHERE where it is used
	return d.at > s.ItemsEnd
}

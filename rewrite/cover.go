package rewrite

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Ranges that do not reveal the order. They are those of a tree over the values in
// which each four bits are a level: a range is made of few whole nodes. The index
// column holds the way of a value through the tree, whose children are shuffled
// (schema.FormPath, package internal/order), so that the values of a node lie side
// by side and a comparison becomes
//
//	(c_rng BETWEEN $1 AND $2 OR c_rng BETWEEN $3 AND $4 OR …)
//
// (many of them in parentheses, as a balanced tree). How many spans there are depends on the values: the driver asks for a plan with
// about as many places, and fills up those that are left with spans of nothing.
//
// Or it holds (schema.FormNodes) a keyed hash for each node of a tree over the values that lies above the value (package
// internal/order): one behind the other, TagBytes each, from the top down. A
// range is made of few whole nodes, so that a comparison becomes
//
//	(substr(c_rng, 1, 16) IN ($1, …) OR substr(c_rng, 17, 16) IN (…) OR …)
//
// with the hashes of the nodes of each level. Which these are depends on the
// values, their number does not: the list is filled up.

// TagBytes is the size of the hash of one node.
const TagBytes = 16

// MaxLevels bounds the levels of a hidden range: two for each byte of a value.
const MaxLevels = 22

// Cover is a range of values whose nodes go out.
type Cover struct {
	// Low and High are its ends; nil where it has none.
	Low, High *Value
	// Like is, in place of ends, the pattern of texts with one beginning.
	Like *Like
	// LowOpen and HighOpen leave the end itself out.
	LowOpen, HighOpen bool
	// Paired: the ends are those of two conditions at the top of a WHERE, where a
	// row is not in the result whether they are false or NULL.
	Paired bool
	// Levels is the number of levels of the index.
	Levels int
	// Spans is the number of places for the spans of an index of paths; 0 for one of
	// nodes.
	Spans int
}

// MaxSpans is the number of spans that the range may be made of: of siblings at
// most 8 have no neighbour, on each level at each end (order.MaxSpans).
func (c *Cover) MaxSpans() int {
	if c.Like != nil {
		return 1
	}
	if c.Low != nil && c.High != nil {
		return 8 + 16*(c.Levels-1)
	}
	return 8 * c.Levels
}

// Width is the number of places for the nodes of a level, from 0: all children
// of the root, and below it the children on one side of each end.
func (c *Cover) Width(level int) int {
	switch {
	case level == 0:
		return 16
	case c.Low != nil && c.High != nil:
		return 30
	}
	return 15
}

func (c *Cover) places() int {
	if c.Spans > 0 {
		return 2 * c.Spans
	}
	n := 0
	for l := range c.Levels {
		n += c.Width(l)
	}
	return n
}

// covering is a comparison that becomes a search for the nodes of a range.
type covering struct {
	op    *Op
	ref   *ColumnRef
	index *schema.Range
	part  PartitionSource
	cover *Cover
	ends  []Expr // what the range is given by: parameters and literals
	not   bool
	slots []*slot // filled when the text is made
}

const (
	coverForm = "through an index that hides the order an encrypted column is compared by <, <=, >, >= and BETWEEN with parameters and literals; order: revealing also answers others"
	coverLong = "the index has too many levels: at most eleven bytes of a value can be compared without revealing the order"
)

// RangeLevels is the number of levels of the index of a column on an engine; 0
// where its type has none.
func RangeLevels(d Dialect, r *schema.Range) int {
	t := r.Of.Type
	bytes := 0
	switch t.Kind {
	case schema.KindText, schema.KindBytes:
		bytes = r.Prefix + 1
	case schema.KindInt:
		if bytes = (t.Bits + 7) / 8; d == SQLite || t.Bits == 0 {
			bytes = 8
		}
	case schema.KindFloat:
		bytes = 8
	case schema.KindNumeric:
		if bytes = 10; d != SQLite {
			bytes = numericBytes(t.Precision)
		}
	case schema.KindDate, schema.KindTime, schema.KindTimestamp, schema.KindTimestampTZ:
		bytes = clockBytes(d, t.Kind, r.Prefix)
	}
	return 2 * bytes
}

func numericBytes(precision int) int {
	last := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	last.Lsh(last, 1).Add(last, big.NewInt(1))
	return (last.BitLen() + 7) / 8
}

func clockBytes(d Dialect, k schema.Kind, prefix int) int {
	switch {
	case d == SQLite && prefix == 0:
		return 41
	case d == SQLite:
		return prefix + 1
	case k == schema.KindDate:
		return 4
	case k == schema.KindTime && d == Postgres:
		return 5
	case k == schema.KindTime:
		return 6
	}
	return 8
}

// coverCompare plans a comparison through an index that hides the order.
func (a *analysis) coverCompare(node Expr, args []Expr, ref *ColumnRef, h hit) error {
	r := h.rangeIndex()
	c := r.Of
	o, ok := node.(*Op)
	if !ok || !rangeComparisons[o.Name] || strings.Contains(strings.ToLower(o.Attr), "symmetric") {
		return a.refuse(ref.Start, ReasonPredicate, c.String(), coverForm)
	}
	if !o.Known() || !ref.Known() || a.captured[ref] {
		return a.refuse(ref.Start, ReasonPredicate, c.String(), "write the comparison in a plainer form, and qualify the column with its table")
	}
	a.nameRange(ref, h, r)
	levels := RangeLevels(a.dialect, r)
	if levels < 1 || levels > MaxLevels {
		return a.refuse(ref.Start, ReasonPredicate, c.String(), coverLong)
	}
	part, err := a.sharedPartition(r, []*ColumnRef{ref}, []hit{h})
	if err == nil {
		err = a.found(r, o.Args, []*ColumnRef{ref}, []hit{h})
	}
	if err != nil {
		return err
	}
	k := &covering{op: o, ref: ref, index: r, part: part, cover: &Cover{Levels: levels}, not: o.Name == "NOT BETWEEN"}
	if first := a.ranges.twin[o]; first != nil && first.cover != nil { // the other condition covers both
		a.ranges.covers = append(a.ranges.covers, &covering{op: o, ref: ref, index: r})
		return nil
	}
	if err := a.ends(k, o, args); err != nil {
		return err
	}
	if with := a.ranges.with[o]; with != nil {
		if err := a.ends(k, with, with.Args); err != nil {
			return err
		}
		a.ranges.twin[with], k.cover.Paired = k, true
	}
	if r.Paths() {
		if k.cover.Spans = k.cover.MaxSpans(); a.opt.Spans > 0 {
			k.cover.Spans = min(a.opt.Spans, k.cover.Spans)
		}
	}
	a.ranges.covers = append(a.ranges.covers, k)
	return nil
}

// ends adds the ends that a comparison gives to its range.
func (a *analysis) ends(k *covering, o *Op, args []Expr) error {
	name := o.Name
	values := args[1:]
	if !isReference(args[0]) {
		if len(args) != 2 || !isReference(args[1]) {
			return a.refuse(o.Start, ReasonPredicate, k.index.Of.String(), coverForm)
		}
		values, name = args[:1], turned[o.Name]
	}
	for i, e := range values {
		if isNull(e) {
			return a.refuse(e.Pos(), ReasonPredicate, k.index.Of.String(), "nothing compares with NULL: leave the comparison out")
		}
		if err := a.rangeTerm(e, k.index, k.part); err != nil {
			return err
		}
		v := unwrapped(e)
		if a.seals.at(v).Casts != "" {
			return a.refuse(e.Pos(), ReasonPredicate, k.index.Of.String(), comparedCastHint)
		}
		k.ends = append(k.ends, v)
		value := a.seals.at(v).Value
		switch {
		case name == "<" || name == "<=" || i == 1:
			k.cover.High, k.cover.HighOpen = &value, name == "<"
		default:
			k.cover.Low, k.cover.LowOpen = &value, name == ">"
		}
	}
	return nil
}

var turned = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}

// isReference reports a name. The caller has resolved one of the operands to the
// column; names among the others are refused as its values.
func isReference(e Expr) bool {
	_, ok := e.(*ColumnRef)
	return ok
}

// pairRanges finds conditions at the top of a WHERE that give both ends of one
// range (c >= $1 AND c < $2), so that the nodes between them are looked for and
// not all on one side of each. Rows for which one of the two is NULL are in
// neither result.
func (a *analysis) pairRanges(where Expr, sc *scope) {
	if where == nil || !hasHidden(sc.rels) {
		return
	}
	type end struct {
		op *Op
		at hit
		up bool
	}
	var ends []end
	for _, cond := range conjuncts(where) {
		o, ok := cond.(*Op)
		if !ok || turned[o.Name] == "" {
			continue
		}
		refs, hits := a.sealedRefs(o.Args, sc)
		if len(refs) != 1 || hits[0].rangeIndex() == nil {
			continue
		}
		name := o.Name
		if o.Args[0] != Expr(refs[0]) {
			name = turned[name]
		}
		e := end{o, hits[0], name[0] == '<'}
		for _, other := range ends {
			if other.at == e.at && other.up != e.up && a.ranges.with[other.op] == nil {
				if a.ranges.with == nil {
					a.ranges.with, a.ranges.twin = map[*Op]*Op{}, map[*Op]*covering{}
				}
				a.ranges.with[other.op] = o
				break
			}
		}
		ends = append(ends, e)
	}
}

// hasHidden reports a relation with an index that hides the order.
func hasHidden(rels []*relation) bool {
	for _, r := range rels {
		t := r.annotated()
		if t == nil {
			if showsHidden(r) {
				return true
			}
			continue
		}
		for _, c := range t.Columns {
			if c.Range != nil && c.Range.Order == schema.OrderHidden {
				return true
			}
		}
	}
	return false
}

// showsHidden reports a column of a query whose values have such an index.
func showsHidden(r *relation) bool {
	for i := range r.cols {
		if x := rangeIndex(r.cols[i].flow); x != nil && x.Order == schema.OrderHidden {
			return true
		}
	}
	return false
}

// coverSlots makes the places of every range. Those of its own values come
// first, as they stand in the text.
func (b *builder) coverSlots() error {
	for _, k := range b.a.ranges.covers {
		if k.cover == nil {
			continue
		}
		n := k.cover.places()
		at := k.op.Start
		for _, e := range k.ends {
			s := b.slotOf(e)
			if s == nil {
				return b.a.refuse(e.Pos(), ReasonParameters, k.index.Of.String(), "the parameter was not found in the text; write the statement in a plainer form")
			}
			s.added, s.covering, s.at = true, k, at
			n--
		}
		for range n {
			s := b.a.work.slots.One()
			*s = slot{at: at, span: Span{at, at}, out: b.a.seals.at(k.ends[0]).plain(), added: true, covering: k}
			b.slots = append(b.slots, s)
		}
	}
	return nil
}

// plain is the value of a slot of a range.
func (o *Out) plain() Out {
	return Out{Value: o.Value, Index: o.Index, Partition: o.Partition, Compared: true}
}

// assignCovers says which node goes out in each place, in their order.
func (b *builder) assignCovers() {
	if len(b.a.ranges.covers) == 0 {
		return
	}
	for _, k := range b.a.ranges.covers {
		k.slots = nil
	}
	for _, s := range b.slots {
		k := s.covering
		if k == nil {
			continue
		}
		level, nth := len(k.slots)/2, len(k.slots)%2
		if k.cover.Spans == 0 {
			for level, nth = 0, len(k.slots); nth >= k.cover.Width(level); level++ {
				nth -= k.cover.Width(level)
			}
		}
		s.out = s.out.plain()
		s.out.Cover, s.out.Level, s.out.Nth = k.cover, level, nth
		k.slots = append(k.slots, s)
	}
}

// writeCover writes the comparison.
func (b *builder) writeCover(out []byte, k *covering) []byte {
	name := b.rangeColumn(k)
	if k.cover == nil {
		return append(append(append(out, '('), name...), " IS NOT NULL)"...)
	}
	out = append(out, '(')
	if k.not {
		out = append(out, "NOT ("...)
	}
	if k.cover.Spans > 0 {
		out = b.writeSpans(out, name, k)
	} else {
		out = b.writeNodes(out, name, k)
	}
	if k.not {
		out = append(out, ')')
	}
	return append(out, ')')
}

// flatSpans is the number of spans that are written side by side.
const flatSpans = 16

// writeSpans joins the spans by OR, many of them as a balanced tree: SQLite takes
// an expression of a depth of 1,000, and a chain of n is n deep.
func (b *builder) writeSpans(out, name []byte, k *covering) []byte {
	return b.writeSpansBetween(out, name, k, 0, k.cover.Spans)
}

func (b *builder) writeSpansBetween(out, name []byte, k *covering, from, to int) []byte {
	if to-from > flatSpans {
		mid := from + (to-from)/2
		out = b.writeSpansBetween(append(out, '('), name, k, from, mid)
		out = b.writeSpansBetween(append(out, ") OR ("...), name, k, mid, to)
		return append(out, ')')
	}
	for i := from; i < to; i++ {
		if i > from {
			out = append(out, " OR "...)
		}
		out = b.writePlace(append(append(out, name...), " BETWEEN "...), k.slots[2*i])
		out = b.writePlace(append(out, " AND "...), k.slots[2*i+1])
	}
	return out
}

func (b *builder) writePlace(out []byte, s *slot) []byte {
	if s.n > 0 {
		return b.appendArgument(out, s)
	}
	b.plan.Holes = append(b.plan.Holes, Hole{At: len(out), Out: s.out})
	return append(out, ' ')
}

func (b *builder) writeNodes(out, name []byte, k *covering) []byte {
	i := 0
	for l := range k.cover.Levels {
		if l > 0 {
			out = append(out, " OR "...)
		}
		out = append(append(out, "substr("...), name...)
		out = strconv.AppendInt(append(out, ", "...), int64(1+TagBytes*l), 10)
		out = append(strconv.AppendInt(append(out, ", "...), TagBytes, 10), ") IN ("...)
		for n := range k.cover.Width(l) {
			if n > 0 {
				out = append(out, ", "...)
			}
			out = b.writePlace(out, k.slots[i])
			i++
		}
		out = append(out, ')')
	}
	return out
}

// rangeColumn names the index column as the caller names the column.
func (b *builder) rangeColumn(k *covering) []byte {
	var out []byte
	for _, id := range k.ref.Path[:len(k.ref.Path)-1] {
		out = append(b.a.front.AppendIdent(out, id.Name), '.')
	}
	return b.a.front.AppendIdent(out, b.a.rangeName(k.ref, k.index))
}

// cover compares what a comparison became.
func (v verifier) cover(k *covering, y Expr) bool {
	if k.cover == nil {
		is, ok := y.(*IsNull)
		return ok && is.Not && v.rangeRef(k, is.X)
	}
	if k.not {
		not, ok := y.(*Op)
		if !ok || not.Name != "NOT" || len(not.Args) != 1 {
			return false
		}
		y = not.Args[0]
	}
	arms := disjuncts(y)
	if len(arms) != k.arms() {
		return false
	}
	if k.cover.Spans > 0 {
		return v.spans(k, arms)
	}
	i := 0
	for l, arm := range arms {
		in, ok := arm.(*In)
		if !ok || in.Not || in.Query != nil || len(in.List) != k.cover.Width(l) || !v.tagOf(k, l, in.X) {
			return false
		}
		for _, e := range in.List {
			if !v.slot(k.slots[i], e) {
				return false
			}
			i++
		}
	}
	return true
}

// spans compares a condition on paths.
func (v verifier) spans(k *covering, arms []Expr) bool {
	for i, arm := range arms {
		o, ok := arm.(*Op)
		if !ok || o.Name != "BETWEEN" || o.Attr != "" || len(o.Args) != 3 || !v.rangeRef(k, o.Args[0]) ||
			!v.slot(k.slots[2*i], o.Args[1]) || !v.slot(k.slots[2*i+1], o.Args[2]) {
			return false
		}
	}
	return true
}

// arms is the number of conditions that a comparison becomes, joined by OR.
func (k *covering) arms() int {
	if k.cover.Spans > 0 {
		return k.cover.Spans
	}
	return k.cover.Levels
}

// covering returns what a comparison becomes; nil for others.
func (r *ranging) covering(e Expr) *covering {
	for _, k := range r.covers {
		if Expr(k.op) == e {
			return k
		}
	}
	return nil
}

// coversInOr compares an OR whose arms may be ranges: front ends make one of
// several ORs in each other.
func (v verifier) coversInOr(x *Op, y Expr) bool {
	was, is := disjuncts(x), disjuncts(y)
	for _, e := range was {
		n := 1
		if k := v.b.a.ranges.covering(e); k != nil && k.cover != nil && !k.not {
			n = k.arms()
		}
		if len(is) < n || x.Attr != "" {
			return false
		}
		var arm Expr = &Op{Name: "OR", Args: is[:n]}
		if n == 1 {
			arm = is[0]
		}
		if !v.expr(e, arm) {
			return false
		}
		is = is[n:]
	}
	return len(is) == 0
}

// tagOf reports an expression that cuts the hash of a level out of the index.
func (v verifier) tagOf(k *covering, level int, y Expr) bool {
	c, ok := y.(*Call)
	if !ok || len(c.Name) != 1 || !strings.EqualFold(c.Name[0].Name, "substr") || len(c.Args) != 3 || len(c.Extra) > 0 || c.Over || c.Distinct {
		return false
	}
	from, ok1 := c.Args[1].(*Literal)
	size, ok2 := c.Args[2].(*Literal)
	return v.rangeRef(k, c.Args[0]) && ok1 && ok2 && from.Value == strconv.Itoa(1+TagBytes*level) && size.Value == strconv.Itoa(TagBytes)
}

func (v verifier) rangeRef(k *covering, y Expr) bool {
	ref, ok := y.(*ColumnRef)
	n := len(k.ref.Path) - 1
	if !ok || len(ref.Path) != n+1 || ref.Path[n].Name != v.b.a.rangeName(k.ref, k.index) {
		return false
	}
	for i := range n {
		if ref.Path[i].Name != k.ref.Path[i].Name {
			return false
		}
	}
	return true
}

func disjuncts(e Expr) []Expr {
	op, ok := e.(*Op)
	if !ok || op.Name != "OR" {
		return []Expr{e}
	}
	var out []Expr
	for _, x := range op.Args {
		out = append(out, disjuncts(x)...)
	}
	return out
}

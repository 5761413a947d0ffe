package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// edit replaces a byte range of the text.
type edit struct {
	span Span
	text string
	// hole is the value that a hole stands for; nil for ordinary edits.
	hole *Out
	// What the text says, by kind, for the proof of it: the slot of a value,
	// columns, names, the condition, and where the condition in the text ends.
	kind   editKind
	slot   *slot
	star   expansion
	name   string
	names  []string
	add    *addition
	hidden []hiddenCol
	rel    *relation // whose partition is compared
	tail   bool      // ends the query that it stands in
	// covering is the comparison of editCover.
	covering *covering
	liked    *liked
	until    int
	// end is where the edited text goes on behind the edit.
	end int
}

// slot is a place where a value goes out: a placeholder of the caller's, a
// sealed literal, or the added conjunct.
type slot struct {
	at    int // offset in the caller's text, to order positional placeholders
	span  Span
	param *Param // nil for literals and conjuncts
	out   Out
	cast  bool // span covers a cast that goes away
	// carried: the column's physical type stands beside it.
	carried bool
	added   bool // an index: written with its addition
	// covering is the range that the slot is a place of.
	covering *covering
	n        int // number of the outgoing argument, from 1; 0 for a hole
}

// builder turns an analysis into a plan.
type builder struct {
	a     *analysis
	plan  *Plan
	space *planSpace
	slots []*slot
	edits []edit
	// marks are the slots of the script's markers, in their order; literals
	// those of the sealed literals: what the edited text must parse to.
	marks    []slot
	literals map[*Literal]*slot
	scratch  []byte
	// positional is set where the places of placeholders are their numbers.
	positional bool
	// inlined is set when a placeholder of the caller's gives way to a hole.
	inlined bool
	// splits holds the further arguments of each number of the caller's.
	splits map[int][]int
}

func (a *analysis) build() (*Plan, error) {
	b, err := a.edited()
	if err != nil {
		return nil, err
	}
	if err := b.results(); err != nil {
		return nil, err
	}
	b.declared()
	b.prepared()
	return b.checked()
}

// edited makes the text and the arguments of a plan.
func (a *analysis) edited() (*builder, error) {
	// Definitions are edited by tokens alone; everything else needs the ranges
	// that the front end could not establish. What is only recorded stays as it is.
	if a.script.NoEdit != "" && len(a.ddl) == 0 && (len(a.deleted) == 0 || a.differs()) {
		return nil, a.refuse(-1, ReasonVerify, "", "the statement cannot be edited safely ("+a.script.NoEdit+"); write it in a plainer form")
	}
	b := a.work.builders.One()
	if b.space, a.space = a.space, nil; b.space == nil {
		b.space = new(planSpace)
	}
	b.a, b.plan, b.scratch = a, &b.space.plan, a.work.scratch[:0]
	p := b.plan
	p.Params, p.Effects, p.Tables, p.Deleted, p.Checks = a.script.Params, a.effects, a.touched, a.deleted, a.checks
	p.Writes, p.Defines, p.After = len(a.seals.list) > 0, len(a.ddl) > 0, a.after
	if err := b.collect(); err != nil {
		return nil, err
	}
	if err := b.number(); err != nil {
		return nil, err
	}
	b.shape()
	if err := b.preparedTypes(); err != nil {
		return nil, err
	}
	err := b.apply()
	a.work.scratch = b.scratch
	return b, err
}

// checked returns the plan if its text parses to what was planned.
func (b *builder) checked() (*Plan, error) {
	if len(b.edits) == 0 {
		return b.plan, nil // the server gets the text that was analysed
	}
	b.plan.Defaults = len(b.a.shaped)+len(b.a.shapedCalls) > 0 && strings.Contains(b.plan.Text, defaultMark)
	return b.plan, b.verify()
}

// collect lists every slot in text order. Placeholders of the tree and the
// front end's list of them are matched by offset; one that is sealed and not
// in the list would go out in clear, so it refuses the statement.
func (b *builder) collect() error {
	a := b.a
	b.marks = a.work.slots.Many(len(a.script.Markers))
	b.slots = a.work.slotRefs.Many(len(b.marks) + len(a.seals.list) + len(a.narrowed) + len(a.adds))[:len(b.marks)]
	for i, p := range a.script.Markers {
		s := &b.marks[i]
		s.at, s.span, s.param = p.Start, p.Span, p
		s.out.Value.Source, s.out.Value.Arg = FromArg, p.N
		b.slots[i] = s
	}
	for i := range a.seals.list {
		e, out := a.seals.list[i].node, a.seals.list[i].value
		switch x := e.(type) {
		case *Literal:
			s := a.work.slots.One()
			*s = slot{at: x.Start, span: x.Span, out: out}
			b.slots = append(b.slots, s)
		case *Param:
			s := b.mark(x)
			if s == nil || s.param.N != x.N || s.out.Column() != nil && !sameOut(s.out, out) {
				return a.refuse(x.Start, ReasonParameters, out.Column().String(), "the parameter was not found in the text; write the statement in a plainer form")
			}
			s.out = out
		default:
			return a.refuse(e.Pos(), ReasonExpression, out.Column().String(), "")
		}
	}
	for _, c := range byPlace(a.casts) {
		if err := b.uncast(c, a.casts[c]); err != nil {
			return err
		}
	}
	for _, l := range byPlace(a.typed) {
		b.edits = append(b.edits, edit{span: l.Span, text: typedText(a.typed[l])})
	}
	if err := b.decidedSlots(); err != nil {
		return err
	}
	if len(a.carried) > 0 {
		for e := range a.carried {
			if s := b.slotOf(e); s != nil {
				s.carried = a.dialect != SQLite
			}
		}
	}
	// What is added stands in front of a condition at the same place.
	for _, add := range a.adds {
		if add.form != nil {
			if err := b.form(add); err != nil {
				return err
			}
		} else if add.text == "" {
			add.slot = a.work.slots.One()
			*add.slot = slot{at: add.at, span: Span{add.at, add.at}, out: add.out, added: true, carried: add.carried && a.dialect != SQLite}
			b.slots = append(b.slots, add.slot)
		}
	}
	if err := b.collectLikes(); err != nil {
		return err
	}
	b.narrowSlots()
	if err := b.coverSlots(); err != nil {
		return err
	}
	if len(b.slots) > len(b.marks) {
		slices.SortStableFunc(b.slots, func(x, y *slot) int { return x.at - y.at })
	}
	b.assignCovers()
	return nil
}

// literal returns the slot of a literal, nil if it is not sealed.
func (b *builder) literal(l *Literal) *slot {
	if b.literals == nil {
		b.literals = map[*Literal]*slot{}
		for _, s := range b.slots {
			if s.param == nil && !s.added && s.out.Value.Literal != nil {
				b.literals[s.out.Value.Literal] = s
			}
		}
	}
	return b.literals[l]
}

// mark returns the slot of a placeholder, nil if the front end did not list it.
func (b *builder) mark(p *Param) *slot {
	if k := b.a.marker(p.Start); k >= 0 {
		return &b.marks[k]
	}
	return nil
}

// added reports slots that the caller's text has no placeholder for.
func (b *builder) added() int {
	n := 0
	for _, s := range b.slots {
		if s.param == nil {
			n++
		}
	}
	return n
}

func sameOut(x, y Out) bool {
	if x.Partition.Known != y.Partition.Known || x.Partition.Const != y.Partition.Const ||
		x.Partition.ResultColumn != y.Partition.ResultColumn || !sameValue(x.Partition.Value, y.Partition.Value) ||
		!sameValue(x.Row, y.Row) {
		return false
	}
	// The rest is compared as it is.
	x.Partition, x.Row, y.Partition, y.Row = PartitionSource{}, nil, PartitionSource{}, nil
	return x == y
}

func sameValue(x, y *Value) bool {
	if x == nil || y == nil {
		return x == y
	}
	return *x == *y
}

// same reports whether the caller's arguments go out as they came.
func (b *builder) same() bool {
	if len(b.plan.Args) != b.a.script.Params {
		return false
	}
	for i := range b.plan.Args {
		if !b.plan.Args[i].passes(i + 1) {
			return false
		}
	}
	return true
}

// unchanged is what same will find where arguments are found by their places: no
// list of them is made then.
func (b *builder) unchanged() bool {
	if len(b.slots) != b.a.script.Params {
		return false
	}
	for i, s := range b.slots {
		if s.param == nil || !s.out.passes(i+1) {
			return false
		}
	}
	return true
}

// passes reports whether the caller's argument with that number goes out as it
// came.
func (o *Out) passes(arg int) bool {
	return o.Column() == nil && !o.Null && o.Decide == nil && o.Limit == 0 && o.PartitionOf == nil && o.Value.Source == FromArg && o.Value.Arg == arg
}

// names keeps SQLite's parameter names while no placeholder is renumbered,
// and tells the driver which ordinals the caller's names mean.
func (b *builder) names() {
	if b.a.dialect != SQLite {
		return
	}
	for _, p := range b.a.script.Markers {
		if p.Name == "" {
			continue
		}
		if b.plan.ParamNames == nil {
			b.plan.ParamNames = map[string]int{}
		}
		b.plan.ParamNames[p.Name] = p.N
	}
}

// shape collects the edits: placeholders, literals, stars, column lists,
// hidden columns and conjuncts.
func (b *builder) shape() {
	renumber := b.renumbers()
	n := len(b.edits) + len(b.slots) - len(b.marks) + len(b.a.stars.list) + len(b.a.hidden.list) +
		len(b.a.columns.list) + len(b.a.indexed.list) + len(b.a.adds) + len(b.a.narrowed)
	b.edits = append(b.a.work.edits.Many(n)[:0], b.edits...)
	for _, s := range b.slots {
		if !s.added {
			b.slotEdit(s, renumber)
		}
	}
	// Walking a map that is not there still costs.
	if len(b.a.shaped)+len(b.a.shapedCalls)+len(b.a.truths) > 0 {
		for t, text := range b.a.shaped {
			b.edits = append(b.edits, edit{span: t.Span, text: b.shapeText(t, text)})
		}
		b.callEdits()
		b.truthEdits()
	}
	for _, x := range b.a.indexed.list {
		b.edits = append(b.edits, edit{kind: editName, span: x.node.Path[len(x.node.Path)-1].Span, name: b.a.indexName(x.node, x.value)})
	}
	if len(b.a.combined.refs)+len(b.a.combined.dropped) > 0 {
		b.combinings()
	}
	var ends []edit
	if b.a.eq.edits() {
		b.grouping()
		b.nullifs()
		b.joinings()
		b.peelings()
		ends = append(b.unions(), b.recursions()...)
	}
	if b.a.ranges.any() {
		b.ranging()
	}
	for _, add := range b.a.adds {
		b.addition(add)
	}
	for _, l := range b.a.liked {
		b.edits = append(b.edits, edit{kind: editLike, span: l.op.Span, liked: l})
	}
	tables := b.starEdits()
	for _, ins := range b.a.columns.list {
		at := Span{ins.node.ColumnsAt, ins.node.ColumnsAt}
		if ins.node.EmptyList.Known() {
			at = ins.node.EmptyList
		}
		b.edits = append(b.edits, edit{kind: editColumns, span: at, names: ins.value})
	}
	b.edits = append(b.edits, b.a.ddl...)
	for _, list := range b.a.hidden.list {
		at := listEnd(list.node)
		b.edits = append(b.edits, edit{kind: editHidden, span: Span{at, at}, hidden: list.value})
	}
	b.edits = append(b.edits, ends...)
	b.edits = append(b.edits, tables...)
	b.narrowing()
}

// starEdits writes stars out. TABLE t becomes SELECT … FROM t; what ends its list
// is returned, to stand behind whatever else is added to the list.
func (b *builder) starEdits() (ends []edit) {
	for _, s := range b.a.stars.list {
		kind, span := editStar, s.node.Span
		if s.node.Keyword {
			kind = editTable
			ends = append(ends, edit{span: Span{span.End, span.End}, text: "FROM"})
		}
		b.edits = append(b.edits, edit{kind: kind, span: span, star: s.value})
	}
	return ends
}

func (b *builder) slotEdit(s *slot, renumber bool) {
	switch {
	case s.out.PartitionOf != nil:
		return
	case s.param == nil, s.cast, s.carried, s.n == 0:
	case s.n == s.param.N && !renumber, b.positional, string(b.marker(s.n)) == s.param.Source:
		return
	}
	e := edit{kind: editValue, span: s.span, slot: s}
	if s.n == 0 {
		e.hole = &s.out
	}
	b.edits = append(b.edits, e)
}

// marker writes the placeholder of outgoing argument n into the scratch buffer.
func (b *builder) marker(n int) []byte {
	b.scratch = b.appendPlaceholder(b.scratch[:0], n)
	return b.scratch
}

// addition writes a value beside another. Those at one place keep their order:
// edits are sorted stably.
func (b *builder) addition(add *addition) {
	if add.form != nil {
		b.formEdits(add)
		return
	}
	e := edit{kind: editAdd, span: Span{add.at, add.at}, slot: add.slot, add: add}
	if add.slot != nil && add.slot.n == 0 {
		e.hole = &add.slot.out
	}
	b.edits = append(b.edits, e)
}

func (b *builder) appendPlaceholder(dst []byte, n int) []byte {
	if b.positional {
		return append(dst, '?')
	}
	return b.a.front.AppendPlaceholder(dst, n)
}

// listEnd is where columns are added to the list of a node.
func listEnd(owner any) int {
	switch o := owner.(type) {
	case *Select:
		return o.ItemsEnd
	case *SelectItem:
		return o.End
	case *Insert:
		return o.ReturningEnd
	case *Update:
		return o.ReturningEnd
	case *Delete:
		return o.ReturningEnd
	case *Merge:
		return o.ReturningEnd
	}
	return -1
}

// apply writes the edited text. Two edits may not overlap.
func (b *builder) apply() error {
	text := b.a.script.Text
	if len(b.edits) == 0 {
		b.plan.Text = text
		b.a.record.keep(0, len(text), 0)
		return nil
	}
	if !b.inOrder() {
		slices.SortStableFunc(b.edits, func(x, y edit) int { return x.compare(&y) })
	}
	out := b.a.work.text[:0]
	last := 0
	for i := range b.edits {
		e := &b.edits[i]
		if e.span.Start < last || e.span.End < e.span.Start || e.span.End > len(text) {
			return b.a.refuse(e.span.Start, ReasonVerify, "", "the statement cannot be edited safely; write it in a plainer form")
		}
		b.a.record.keep(last, e.span.Start, len(out))
		out = append(out, text[last:e.span.Start]...)
		if e.span.Start > 0 && glues(text[e.span.Start-1]) {
			out = append(out, ' ')
		}
		at := len(out)
		if out = b.write(out, e); e.hole == nil && len(out) > at && e.span.End < len(text) && glues(text[e.span.End]) {
			out = append(out, ' ')
		}
		e.end, last = len(out), e.span.End
	}
	b.a.record.keep(last, len(text), len(out))
	b.a.work.text = append(out, text[last:]...)
	b.plan.Text = string(b.a.work.text)
	return nil
}

// inOrder reports whether the edits stand in the order of the text.
func (b *builder) inOrder() bool {
	for i := 1; i < len(b.edits); i++ {
		if b.edits[i].compare(&b.edits[i-1]) < 0 {
			return false
		}
	}
	return true
}

// write writes what an edit says.
func (b *builder) write(out []byte, e *edit) []byte {
	switch e.kind {
	case editValue:
		return b.writeValue(out, e)
	case editName:
		return b.a.front.AppendIdent(out, e.name)
	case editAdd:
		out = append(append(out, e.add.lead...), e.add.text...)
		if e.slot != nil {
			out = b.writeValue(out, e)
		}
		return append(out, e.add.trail...)
	case editStar:
		return b.writeStar(out, &e.star)
	case editTable:
		return b.writeStar(append(out, "SELECT "...), &e.star)
	case editColumns:
		for i, n := range e.names {
			out = append(out, [...]string{" (", ", "}[min(i, 1)]...)
			out = b.a.front.AppendIdent(out, n)
		}
		return append(out, ") "...)
	case editHidden:
		for _, c := range e.hidden {
			out = b.writeColumn(append(out, ", "...), c.rel, c.col, false)
			out = b.a.front.AppendIdent(append(out, " AS "...), c.name)
		}
		return append(out, ' ')
	case editOpen:
		return append(out, '(')
	case editAnd:
		return b.writeNarrowed(append(out, ") AND "...), e)
	case editAlso:
		return b.writeNarrowed(append(out, " AND "...), e)
	case editCover:
		return b.writeCover(out, e.covering)
	case editWhere, editSought:
		return b.writeNarrowed(append(out, " WHERE "...), e)
	case editLike:
		return b.writeLike(out, e.liked)
	}
	return append(out, e.text...)
}

// writeValue writes a placeholder, or notes a hole.
func (b *builder) writeValue(out []byte, e *edit) []byte {
	if e.hole == nil {
		return b.appendArgument(out, e.slot)
	}
	b.plan.Holes = append(b.plan.Holes, Hole{At: len(out), Out: *e.hole})
	return append(out, ' ')
}

func (b *builder) writeNarrowed(out []byte, e *edit) []byte {
	out = b.writeColumn(out, e.rel, e.rel.partCol, false)
	return append(b.writeValue(append(out, " = "...), e), ' ')
}

func (b *builder) writeStar(out []byte, x *expansion) []byte {
	for i, r := range x.rels {
		if i > 0 {
			out = append(out, ", "...)
		}
		if list := b.list(r); list != "" {
			out = append(out, list...)
			continue
		}
		out = b.writeColumns(out, listed(b.a.starOf(r)))
	}
	return b.writeColumns(out, x.vis)
}

func (b *builder) writeColumns(out []byte, cols []visible) []byte {
	for i, v := range cols {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = b.writeColumn(out, v.rel, v.col, v.merged)
	}
	return out
}

// writeColumn names a column of a relation in scope, as qualified as the
// caller's own names for it.
func (b *builder) writeColumn(out []byte, r *relation, col int, bare bool) []byte {
	if !bare {
		out = b.writeQualifier(out, r)
	}
	return b.a.front.AppendIdent(out, r.cols[col].name)
}

// writeQualifier writes what stands in front of a column's name.
func (b *builder) writeQualifier(out []byte, r *relation) []byte {
	f := b.a.front
	switch {
	case r.alias.Name == "":
	case len(r.path) > 1:
		for _, p := range r.path {
			out = append(f.AppendIdent(out, p.Name), '.')
		}
	default:
		out = append(f.AppendIdent(out, r.alias.Name), '.')
	}
	return out
}

// glues reports bytes that could form one token with what is written beside
// them.
func glues(c byte) bool {
	return wordByte(c) || c == '\'' || c == '"' || c == '`' || c == '@' || c == '?' || c == ':'
}

// fewResults is what the memory of a short select list holds.
const fewResults = 4

// resultSpace makes room for n columns of a result with that many sources: in
// one piece for few, since allocating is much of the work for a short text.
func (b *builder) resultSpace(n, sources int) ([]*schema.Column, []PartitionSource) {
	p := b.plan
	if n > fewResults || sources > fewResults {
		p.Results = make([]Open, n)
		names := make([]string, 2*n)
		p.ResultNames, p.Labels = names[:n:n], names[n:]
		return make([]*schema.Column, sources), make([]PartitionSource, sources)
	}
	space := new(struct {
		results       [fewResults]Open
		names, labels [fewResults]string
		columns       [fewResults]*schema.Column
		partitions    [fewResults]PartitionSource
	})
	p.Results, p.ResultNames, p.Labels = space.results[:n:n], space.names[:n:n], space.labels[:n:n]
	return space.columns[:sources:sources], space.partitions[:sources:sources]
}

// results describes the columns of the inner result.
func (b *builder) results() error {
	a := b.a
	if a.skipRes {
		return nil
	}
	sources, shown := 0, true
	for i := range a.results {
		sources += len(a.results[i].flow)
		shown = shown && !a.results[i].hidden
	}
	items, _ := topItems(a.top)
	if sources == 0 && shown && !b.relabels(items) {
		b.shapeLabels()
		return nil
	}
	for i := range items {
		if star, ok := items[i].Expr.(*Star); ok && a.openStar[star] {
			return a.refuse(star.Start, ReasonCatalog, "", "the columns behind \"*\" are not known without the catalog; name them")
		}
	}
	b.plan.Verifies = a.verified
	if b.sharedResults() {
		return nil
	}
	columns, partitions := b.resultSpace(len(a.results), sources)
	for i := range a.results {
		c := &a.results[i]
		k := len(c.flow)
		o := &b.plan.Results[i]
		if o.Hidden = c.hidden; k == 0 {
			continue
		}
		o.Computed = c.computed
		o.Columns, columns = columns[:k:k], columns[k:]
		o.Partitions, partitions = partitions[:k:k], partitions[k:]
		for j := range c.flow {
			p, err := b.opened(&c.flow[j])
			if err != nil {
				return err
			}
			o.Columns[j], o.Partitions[j] = c.flow[j].col, p
			row, err := b.row(&c.flow[j])
			if err != nil {
				return err
			}
			if row != nil {
				if o.Rows == nil {
					o.Rows = make([]*RowSource, k)
				}
				o.Rows[j] = row
			}
		}
		if err := a.unmixed(-1, o); err != nil {
			return err
		}
		b.plan.Labels[i] = c.label()
	}
	b.labels()
	b.extremeNames()
	for i := range a.filters {
		l := &a.filters[i]
		b.plan.Filters = append(b.plan.Filters, Filter{Column: l.at, Index: l.index, Values: l.values})
	}
	b.plan.Limit = a.limited
	for _, l := range a.liked {
		b.plan.Likes = append(b.plan.Likes, l.like)
	}
	b.shareResults()
	return nil
}

func (b *builder) opened(s *sealed) (PartitionSource, error) {
	switch s.part.kind {
	case partConst:
		p, _ := b.a.partition(s.col.Table, nil)
		return p, nil
	case partValue:
		return PartitionSource{Known: true, Value: s.part.value, ResultColumn: -1}, nil
	case partRow:
		return PartitionSource{Known: true, ResultColumn: s.part.col}, nil
	case partRelaxed:
		return PartitionSource{ResultColumn: -1}, nil
	}
	return PartitionSource{}, b.a.refuse(-1, ReasonPartition, s.col.String(),
		"fix "+s.col.Table.Partition.Column+" in the WHERE clause, run with sealsql.WithPartition, or set partition_check: relaxed on the table")
}

// relabels reports whether an edit falls into an item whose text is its name.
func (b *builder) relabels(items []SelectItem) (edited bool) {
	if b.a.dialect == Postgres {
		return false
	}
	for i := range items {
		star, ok := items[i].Expr.(*Star)
		switch {
		case ok && b.a.openStar[star]:
			return false // which column is which is not known
		case !ok && items[i].Alias == nil && items[i].Known() && !b.a.picked(&items[i]) && b.editedWithin(items[i].Span):
			edited = true
		}
	}
	return edited
}

// labels keeps the names that the caller would have seen where an edit falls
// into an item whose text is its name (MySQL and SQLite).
func (b *builder) labels() {
	if b.a.dialect == Postgres {
		return
	}
	items, first := topItems(b.a.top)
	if items == nil {
		return
	}
	col := first
	for i := range items {
		it := &items[i]
		if star, ok := it.Expr.(*Star); ok {
			col += b.starWidth(star)
			if col < 0 {
				return
			}
			continue
		}
		if it.Alias == nil && it.Known() && !b.a.picked(it) && col < len(b.plan.ResultNames) && (b.cutOff(it, col+1) || b.editedWithin(it.Span)) {
			b.plan.ResultNames[col] = b.label(it)
		}
		col++
	}
}

// cutOff reports whether a column is added behind an item that is named by its
// text on SQLite: see label.
func (b *builder) cutOff(it *SelectItem, next int) bool {
	_, column := it.Expr.(*ColumnRef)
	return b.a.dialect == SQLite && !column && next < len(b.a.results) && b.a.results[next].hidden
}

// label is the name that the engine derives from an item's text. SQLite's goes on
// to the next token, comments included, which columns that are added behind the
// item cut off. MariaDB's begins behind the comma before it.
func (b *builder) label(it *SelectItem) string {
	text, tokens := b.a.script.Text, b.a.script.Tokens
	after := slices.IndexFunc(tokens, func(t Token) bool { return t.Start >= it.End })
	first := slices.IndexFunc(tokens, func(t Token) bool { return t.Start >= it.Start })
	start, end := it.Start, it.End
	switch {
	case b.a.dialect == SQLite && after < 0:
		end = len(text)
	case b.a.dialect == SQLite:
		end = tokens[after].Start
	case b.a.session.MariaDB && first > 0 && tokens[first-1].Text == ",":
		start = tokens[first-1].End
	}
	name := strings.Trim(text[start:end], " \t\n\v\f\r")
	if b.a.dialect == MySQL {
		name = strings.Map(inUTF8MB3, name)
	}
	if b.a.session.MariaDB && len(name) > maxLabel {
		name = name[:maxLabel]
	}
	return name
}

// maxLabel is how many bytes of an item's text MariaDB takes for a name.
const maxLabel = 255

// inUTF8MB3 is what MySQL's character set for names makes of a character.
func inUTF8MB3(r rune) rune {
	if r > 0xFFFF {
		return '?'
	}
	return r
}

// starWidth is the number of columns of a star; very negative when unknown,
// which ends the labelling.
func (b *builder) starWidth(s *Star) int {
	if n := b.a.widths.at(s); n != nil {
		return *n
	}
	if n, ok := b.a.kept[s]; ok {
		return n
	}
	return -1 << 20
}

func (b *builder) editedWithin(s Span) bool {
	for _, e := range b.edits {
		if e.span.Start < s.End && e.span.End > s.Start && e.span.End > e.span.Start {
			return true
		}
	}
	return false
}

func topItems(top any) ([]SelectItem, int) {
	switch t := top.(type) {
	case *Query:
		return bodyItems(t.Body), 0
	case *Insert:
		return t.Returning, 0
	case *Update:
		return t.Returning, 0
	case *Delete:
		return t.Returning, 0
	case *Merge:
		return t.Returning, 0
	}
	return nil, 0
}

func bodyItems(b Body) []SelectItem {
	switch x := b.(type) {
	case *Select:
		return x.Items
	case *SetOp:
		return bodyItems(x.Left)
	case *Query:
		return bodyItems(x.Body)
	}
	return nil
}

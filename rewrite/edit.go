package rewrite

import (
	"slices"
	"sort"
	"strings"
)

// edit replaces a byte range of the text.
type edit struct {
	span Span
	text string
	// out is the value that a hole stands for; nil for ordinary edits.
	hole *Out
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
	n       int  // number of the outgoing argument, from 1; 0 for a hole
}

// limits of parameters per statement (threats T30).
var maxParams = map[Dialect]int{Postgres: 65535, MySQL: 65535, SQLite: 32766}

// builder turns an analysis into a plan.
type builder struct {
	a     *analysis
	plan  *Plan
	slots []*slot
	edits []edit
	// marks are the slots of the script's markers, in their order; literals
	// those of the sealed literals: what the edited text must parse to.
	marks    []slot
	literals map[*Literal]*slot
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
	return b.checked()
}

// edited makes the text and the arguments of a plan.
func (a *analysis) edited() (*builder, error) {
	// Definitions are edited by tokens alone; everything else needs the ranges
	// that the front end could not establish.
	if a.script.NoEdit != "" && len(a.ddl) == 0 {
		return nil, a.refuse(-1, ReasonVerify, "", "the statement cannot be edited safely ("+a.script.NoEdit+"); write it in a plainer form")
	}
	b := &builder{a: a, plan: &Plan{Params: a.script.Params, Effects: a.effects, Tables: a.touched, Checks: a.checks, Writes: len(a.seals) > 0, Defines: len(a.ddl) > 0}}
	if err := b.collect(); err != nil {
		return nil, err
	}
	if err := b.number(); err != nil {
		return nil, err
	}
	b.shape()
	return b, b.apply()
}

// checked returns the plan if its text parses to what was planned.
func (b *builder) checked() (*Plan, error) {
	if len(b.edits) == 0 {
		return b.plan, nil // the server gets the text that was analysed
	}
	return b.plan, b.verify()
}

// collect lists every slot in text order. Placeholders of the tree and the
// front end's list of them are matched by offset; one that is sealed and not
// in the list would go out in clear, so it refuses the statement.
func (b *builder) collect() error {
	a := b.a
	b.marks = make([]slot, len(a.script.Markers))
	b.slots = make([]*slot, len(b.marks), len(b.marks)+len(a.seals)+len(a.conj))
	for i, p := range a.script.Markers {
		b.marks[i] = slot{at: p.Start, span: p.Span, param: p, out: Out{Value: Value{Source: FromArg, Arg: p.N}}}
		b.slots[i] = &b.marks[i]
	}
	for e, out := range a.seals {
		switch x := e.(type) {
		case *Literal:
			s := &slot{at: x.Start, span: x.Span, out: out}
			b.slots = append(b.slots, s)
			if b.literals == nil {
				b.literals = map[*Literal]*slot{}
			}
			b.literals[x] = s
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
	for c, x := range a.casts {
		if err := b.uncast(c, x); err != nil {
			return err
		}
	}
	for e := range a.carried {
		if s := b.slotOf(e); s != nil {
			s.carried = a.dialect != SQLite
		}
	}
	for st, c := range a.conj {
		t := c.rel.annotated()
		v := Value{Source: FromContextPartition}
		b.slots = append(b.slots, &slot{at: conjunctAt(st), out: Out{Value: v, PartitionOf: t}})
	}
	for _, add := range a.adds {
		if add.text == "" {
			add.slot = &slot{at: add.at, span: Span{add.at, add.at}, out: add.out, added: true, carried: add.carried && a.dialect != SQLite}
			b.slots = append(b.slots, add.slot)
		}
	}
	if len(b.slots) > len(b.marks) {
		sort.SliceStable(b.slots, func(i, j int) bool { return b.slots[i].at < b.slots[j].at })
	}
	return nil
}

// mark returns the slot of a placeholder, nil if the front end did not list it.
func (b *builder) mark(p *Param) *slot {
	if k := b.a.marker(p.Start); k >= 0 {
		return &b.marks[k]
	}
	return nil
}

func conjunctAt(s *Update) int {
	if s.Where != nil {
		return s.WhereSpan.End
	}
	return s.WhereAt
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

// holes says whether sealed literals are written into the text instead of
// becoming arguments: where arguments would change the protocol of the
// exchange (MySQL without arguments), or pass the limit (threats T30).
func (b *builder) holes() bool {
	a := b.a
	if a.inlines() {
		return true
	}
	if a.dialect == MySQL && !a.opt.HasArgs && !a.opt.Prepare {
		// A conjunct is an argument anyway, and an UPDATE has no result whose
		// types could change.
		return len(a.conj) == 0
	}
	return !a.opt.Prepare && b.added()+a.script.Params > maxParams[a.dialect]
}

// number gives every slot its outgoing argument.
func (b *builder) number() error {
	holes := b.holes()
	var err error
	switch b.a.dialect {
	case MySQL:
		b.numberPositional(holes)
	default:
		err = b.numberNamed(holes)
	}
	if err != nil {
		return err
	}
	if len(b.plan.Args) > maxParams[b.a.dialect] {
		return b.a.refuse(-1, ReasonParameters, "", "bind a value twice instead of using one parameter for an encrypted and a clear column, or split the batch")
	}
	b.plan.ArgsSame = b.same()
	b.names()
	return nil
}

func (b *builder) numberPositional(holes bool) {
	for _, s := range b.slots {
		if s.param == nil && holes && s.out.PartitionOf == nil {
			continue
		}
		b.plan.Args = append(b.plan.Args, s.out)
		s.n = len(b.plan.Args)
	}
}

// numberNamed keeps the caller's numbers; a number that stands for several
// values gets further ones behind the last.
func (b *builder) numberNamed(holes bool) error {
	n := b.a.script.Params
	b.plan.Args = make([]Out, n)
	taken := make([]bool, n)
	for i := range b.plan.Args {
		b.plan.Args[i] = Out{Value: Value{Source: FromArg, Arg: i + 1}}
	}
	for _, s := range b.slots {
		if s.param == nil {
			continue
		}
		k := s.param.N - 1
		switch {
		case k < 0 || k >= n:
			return b.a.refuse(s.at, ReasonParameters, "", "number the parameters from 1")
		case !taken[k]:
			taken[k], b.plan.Args[k], s.n = true, s.out, s.param.N
		case sameOut(b.plan.Args[k], s.out):
			s.n = s.param.N
		default:
			s.n = b.extra(n, s.out)
		}
	}
	for k := range taken {
		if !taken[k] && b.a.dialect == Postgres {
			// In most modes the server refuses a number that is not used; in
			// the others an argument would go out that nothing is known of.
			return b.a.refuse(-1, ReasonParameters, "", "the text does not use every number up to the highest")
		}
	}
	for _, s := range b.slots {
		if s.param == nil && (!holes || s.out.PartitionOf != nil) {
			s.n = b.extra(len(b.plan.Args), s.out)
		}
	}
	return nil
}

// extra finds or adds an argument behind the caller's; from is where reuse
// may begin.
func (b *builder) extra(from int, out Out) int {
	for i := from; i < len(b.plan.Args); i++ {
		if sameOut(b.plan.Args[i], out) {
			return i + 1
		}
	}
	b.plan.Args = append(b.plan.Args, out)
	return len(b.plan.Args)
}

func sameOut(x, y Out) bool {
	return x.Value == y.Value && x.Seal == y.Seal && x.Exact == y.Exact && x.Text == y.Text && x.Null == y.Null && x.Index == y.Index && x.Compared == y.Compared && x.PartitionOf == y.PartitionOf &&
		x.Partition.Known == y.Partition.Known && x.Partition.Const == y.Partition.Const &&
		x.Partition.ResultColumn == y.Partition.ResultColumn && sameValue(x.Partition.Value, y.Partition.Value) &&
		sameValue(x.Row, y.Row)
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
	for i, o := range b.plan.Args {
		if o.Column() != nil || o.Null || o.PartitionOf != nil || o.Value.Source != FromArg || o.Value.Arg != i+1 {
			return false
		}
	}
	return true
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
	renumber := b.a.dialect == SQLite && len(b.plan.Args) != b.a.script.Params
	for _, s := range b.slots {
		if !s.added {
			b.slotEdit(s, renumber)
		}
	}
	for t, text := range b.a.shaped {
		b.edits = append(b.edits, edit{span: t.Span, text: b.shapeText(t, text)})
	}
	for ref, e := range b.a.indexed {
		b.edits = append(b.edits, edit{span: ref.Path[len(ref.Path)-1].Span, text: b.a.front.QuoteIdent(e.Name)})
	}
	for _, add := range b.a.adds {
		b.addition(add)
	}
	for star, vis := range b.a.stars {
		b.edits = append(b.edits, edit{span: star.Span, text: b.columnList(vis)})
	}
	for ins, cols := range b.a.columns {
		q := make([]string, len(cols))
		for i, c := range cols {
			q[i] = b.a.front.QuoteIdent(c)
		}
		at := Span{ins.ColumnsAt, ins.ColumnsAt}
		if ins.EmptyList.Known() {
			at = ins.EmptyList
		}
		b.edits = append(b.edits, edit{span: at, text: " (" + strings.Join(q, ", ") + ") "})
	}
	b.edits = append(b.edits, b.a.ddl...)
	for owner, cols := range b.a.hidden {
		b.hide(owner, cols)
	}
	for st, c := range b.a.conj {
		b.conjunct(st, c)
	}
}

func (b *builder) insertAt(at int, text string) {
	b.edits = append(b.edits, edit{span: Span{at, at}, text: text})
}

func (b *builder) slotEdit(s *slot, renumber bool) {
	switch {
	case s.out.PartitionOf != nil:
	case s.param != nil:
		if text := b.placeholder(s); s.cast || s.carried || (s.n != s.param.N && b.a.dialect != MySQL || renumber) && text != s.param.Source {
			b.edits = append(b.edits, edit{span: s.span, text: text})
		}
	default:
		if s.n > 0 {
			b.edits = append(b.edits, edit{span: s.span, text: b.placeholder(s)})
			return
		}
		out := s.out
		b.edits = append(b.edits, edit{span: s.span, text: "", hole: &out})
	}
}

// addition writes a value beside another. Those at one place keep their order:
// edits are sorted stably.
func (b *builder) addition(add *addition) {
	b.insertAt(add.at, add.lead+add.text)
	if add.slot != nil {
		b.slotEdit(add.slot, false)
	}
	if add.trail != "" {
		b.insertAt(add.at, add.trail)
	}
}

func (b *builder) columnList(vis []visible) string {
	parts := make([]string, len(vis))
	for i, v := range vis {
		parts[i] = b.columnText(v.rel, v.col, v.merged)
	}
	return strings.Join(parts, ", ")
}

// columnText names a column of a relation in scope, as qualified as the
// caller's own names for it.
func (b *builder) columnText(r *relation, col int, bare bool) string {
	q := b.a.front.QuoteIdent
	name := q(r.cols[col].name)
	if bare || r.alias.Name == "" {
		return name
	}
	if len(r.path) > 1 {
		parts := make([]string, 0, len(r.path)+1)
		for _, p := range r.path {
			parts = append(parts, q(p.Name))
		}
		return strings.Join(append(parts, name), ".")
	}
	return q(r.alias.Name) + "." + name
}

func (b *builder) hide(owner any, cols []hiddenCol) {
	var at int
	switch o := owner.(type) {
	case *Select:
		at = o.ItemsEnd
	case *Insert:
		at = o.ReturningEnd
	case *Update:
		at = o.ReturningEnd
	case *Delete:
		at = o.ReturningEnd
	case *Merge:
		at = o.ReturningEnd
	}
	var text strings.Builder
	for _, c := range cols {
		text.WriteString(", ")
		text.WriteString(b.columnText(c.rel, c.col, false))
		text.WriteString(" AS ")
		text.WriteString(b.a.front.QuoteIdent(c.name))
	}
	text.WriteByte(' ')
	b.insertAt(at, text.String())
}

func (b *builder) conjunct(st *Update, c conjunct) {
	var n int
	for _, s := range b.slots {
		if s.out.PartitionOf != nil && s.at == conjunctAt(st) {
			n = s.n
		}
	}
	cond := b.columnText(c.rel, c.rel.partCol, false) + " = " + b.a.front.Placeholder(n)
	if st.Where == nil {
		b.insertAt(st.WhereAt, " WHERE "+cond+" ")
		return
	}
	b.insertAt(st.WhereSpan.Start, "(")
	b.insertAt(st.WhereSpan.End, ") AND "+cond+" ")
}

// apply writes the edited text. Two edits may not overlap.
func (b *builder) apply() error {
	text := b.a.script.Text
	if len(b.edits) == 0 {
		b.plan.Text = text
		return nil
	}
	sort.SliceStable(b.edits, func(i, j int) bool { return b.edits[i].span.Start < b.edits[j].span.Start })
	var out strings.Builder
	out.Grow(len(text) + 64*len(b.edits))
	last := 0
	for _, e := range b.edits {
		if e.span.Start < last || e.span.End < e.span.Start || e.span.End > len(text) {
			return b.a.refuse(e.span.Start, ReasonVerify, "", "the statement cannot be edited safely; write it in a plainer form")
		}
		out.WriteString(text[last:e.span.Start])
		if e.span.Start > 0 && glues(text[e.span.Start-1]) {
			out.WriteByte(' ')
		}
		if e.hole != nil {
			b.plan.Holes = append(b.plan.Holes, Hole{At: out.Len(), Out: *e.hole})
			out.WriteByte(' ')
		} else {
			out.WriteString(e.text)
		}
		if e.span.End < len(text) && e.text != "" && glues(text[e.span.End]) {
			out.WriteByte(' ')
		}
		last = e.span.End
	}
	out.WriteString(text[last:])
	b.plan.Text = out.String()
	return nil
}

// glues reports bytes that could form one token with what is written beside
// them.
func glues(c byte) bool {
	return wordByte(c) || c == '\'' || c == '"' || c == '`' || c == '@' || c == '?' || c == ':'
}

// results describes the columns of the inner result.
func (b *builder) results() error {
	a := b.a
	if a.skipRes {
		return nil
	}
	sealedAny := false
	for i := range a.results {
		sealedAny = sealedAny || len(a.results[i].flow) > 0 || a.results[i].hidden
	}
	items, _ := topItems(a.top)
	if !sealedAny && !b.relabels(items) {
		b.shapeLabels()
		return nil
	}
	for i := range items {
		if star, ok := items[i].Expr.(*Star); ok && a.openStar[star] {
			return a.refuse(star.Start, ReasonCatalog, "", "the columns behind \"*\" are not known without the catalog; name them")
		}
	}
	b.plan.Results = make([]Open, len(a.results))
	b.plan.ResultNames = make([]string, len(a.results))
	b.plan.Labels = make([]string, len(a.results))
	for i := range a.results {
		c := &a.results[i]
		o := Open{Hidden: c.hidden, Computed: c.computed && len(c.flow) > 0}
		for _, s := range c.flow {
			p, err := b.opened(s)
			if err != nil {
				return err
			}
			row, err := b.row(s)
			if err != nil {
				return err
			}
			o.Columns = append(o.Columns, s.col)
			o.Partitions = append(o.Partitions, p)
			o.Rows = append(o.Rows, row)
			b.plan.Labels[i] = c.label()
		}
		if err := a.unmixed(-1, &o); err != nil {
			return err
		}
		if !bindsRow(o.Rows) {
			o.Rows = nil
		}
		b.plan.Results[i] = o
	}
	b.labels()
	for i := range a.filters {
		l := &a.filters[i]
		b.plan.Filters = append(b.plan.Filters, Filter{Column: l.at, Index: l.index, Values: l.values})
	}
	return nil
}

func (b *builder) opened(s sealed) (PartitionSource, error) {
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
		case !ok && items[i].Alias == nil && items[i].Known() && b.editedWithin(items[i].Span):
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
		if it.Alias == nil && it.Known() && col < len(b.plan.ResultNames) && (b.cutOff(it, col+1) || b.editedWithin(it.Span)) {
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
	return name
}

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
	if n, ok := b.a.widths[s]; ok {
		return n
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

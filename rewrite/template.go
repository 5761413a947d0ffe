package rewrite

import (
	"slices"
	"strings"
)

// A template is a plan that serves every text of its form whose other literals
// are equal: literals in value-independent positions are taken from the text at
// hand. Which these are the analysis says (free); every other literal of the
// text is part of what a text is compared by. The argument is in
// docs/decisions/2026-11-22-literals-in-plan-keys.md; TestTemplatesPlanAsTextsDo
// compares templates with plans over all cases.
type template struct {
	plan *Plan
	// pinned are the literals that a text must have as they are; free are the
	// ordinals of the others.
	pinned []pin
	free   []int
	// bound are the literals of the plan that are taken from the text.
	bound []bound
	index map[*Literal]int // in bound
	// sealed are those of them that are bound to encrypted columns, as indexes of
	// bound, and clears the values that the text uses in clear (threats T4).
	sealed []int
	clears []string
	// pieces are the literals of the text in plan.Text, in order.
	pieces []piece
}

type pin struct {
	ord    int
	source string
}

type bound struct {
	ord  int
	sign string
	kind LiteralKind
}

// piece is where the literal ord stands in the plan's text.
type piece struct{ start, end, ord int }

// recording is what the analysis says of the literals of a text.
type recording struct {
	free   []Literal
	clears []Literal
	// alone is set for a plan whose text has literals of its own, or has lost
	// some, and where a cast is judged by its literal.
	alone bool
	// kept are the parts of the text that the edits leave, in order.
	kept []keptPart
}

// keptPart is a part of the text that stands in the plan's text, by further.
type keptPart struct {
	Span
	by int
}

func (r *recording) keep(start, end, at int) {
	if r != nil && start < end {
		r.kept = append(r.kept, keptPart{Span{start, end}, at - start})
	}
}

// moved returns where a literal of the text stands in the plan's text; false
// where an edit took it out.
func (r *recording) moved(l *formLiteral) (start int, ok bool) {
	k, found := slices.BinarySearchFunc(r.kept, l.start, func(x keptPart, start int) int { return x.Start - start })
	if !found {
		k--
	}
	if k < 0 || l.end > r.kept[k].End {
		return 0, false
	}
	return l.start + r.kept[k].by, true
}

func (r *recording) take(a *analysis) {
	if r == nil {
		return
	}
	for _, l := range a.freed {
		if slices.Contains(a.pins, l) {
			continue
		}
		r.free = append(r.free, *l)
	}
	for _, l := range a.clears {
		r.clears = append(r.clears, *l)
	}
	r.alone = len(a.casts)+len(a.typed)+len(a.eq.peeled)+len(a.shaped)+len(a.shapedCalls)+len(a.ddl) > 0
}

// free notes a literal whose value does not matter to the plan: it is stored in
// a column, or compared with one by a comparison that does not look at it.
func (a *analysis) free(e Expr) {
	if l, ok := e.(*Literal); ok && !l.Odd {
		if a.freed == nil {
			a.freed = a.work.literals.Many(few)[:0]
		}
		a.freed = append(a.freed, l)
	}
}

// exactComparisons are the comparisons whose values do not matter to a plan.
var exactComparisons = map[string]bool{
	"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true, "<=>": true,
	"IS DISTINCT FROM": true, "IS NOT DISTINCT FROM": true, "BETWEEN": true, "NOT BETWEEN": true, "IN": true,
}

// freeOperands notes the literals of a comparison; before is the number of
// clear uses that were known in front of it. One that was added says that a
// literal is not compared with a column that is known.
func (a *analysis) freeOperands(name string, args []Expr, before int) {
	if len(a.clears) != before || name != "=" && !exactComparisons[name] {
		return
	}
	for _, e := range args {
		a.free(e)
	}
}

// newTemplate makes the template of a plan, nil where it serves no other text.
// f is the form of the plan's text.
func newTemplate(front Frontend, s *Session, p *Plan, f *form, r *recording) *template {
	if r.alone || p.Prepares != nil || p.Executes != nil || len(r.free) == 0 || p.Pass && p.Text != f.text || renamed(p) {
		return nil
	}
	t := &template{plan: p, index: map[*Literal]int{}}
	free := make([]bool, len(f.lits))
	signs := make([]string, len(f.lits))
	for i := range r.free {
		if ord, sign, ok := f.find(&r.free[i]); ok {
			free[ord], signs[ord] = true, sign
		}
	}
	for i := range f.lits {
		if free[i] {
			t.free = append(t.free, i)
		} else {
			t.pinned = append(t.pinned, pin{i, strings.Clone(f.source(i))})
		}
	}
	if len(t.free) == 0 {
		return nil
	}
	gone := make([]bool, len(f.lits))
	eachValue(p, func(v *Value, o *Out) {
		if v.Literal == nil {
			return
		}
		ord, _, ok := f.find(v.Literal)
		if !ok {
			return
		}
		taken := o != nil && (o.Column() != nil || o.Limit != 0) && !gone[ord]
		gone[ord] = gone[ord] || taken
		if !free[ord] {
			return
		}
		k, known := t.index[v.Literal]
		if !known {
			k = len(t.bound)
			t.index[v.Literal] = k
			t.bound = append(t.bound, bound{ord, signs[ord], v.Literal.Kind})
		}
		if taken {
			t.sealed = append(t.sealed, k)
		}
	})
	for i := range r.clears {
		if telling(&r.clears[i]) {
			t.clears = append(t.clears, strings.Clone(r.clears[i].Value))
		}
	}
	if !t.place(front, s, f, gone, r) {
		return nil
	}
	return t
}

// renamed reports a plan that gives result columns names from the text.
func renamed(p *Plan) bool {
	named := func(names []string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return n != "" })
	}
	for i := range p.Sets {
		if named(p.Sets[i].ResultNames) {
			return true
		}
	}
	return named(p.ResultNames) || p.Declares != nil && named(p.Declares.ResultNames)
}

// find returns the ordinal of the token that a literal is, and its sign.
func (f *form) find(l *Literal) (ord int, sign string, ok bool) {
	ord, ok = slices.BinarySearchFunc(f.lits, l.End, func(x formLiteral, end int) int { return x.end - end })
	if !ok {
		return 0, "", false
	}
	t := &f.lits[ord]
	switch {
	case t.kind == formInt || t.kind == formFrac:
		if l.Start == t.start-1 && f.text[l.Start] == '-' {
			sign = "-"
		} else if l.Start != t.start {
			return 0, "", false
		}
		ok = l.Kind == LitNumber
	default:
		ok = l.Kind == LitString && l.Start == t.start
	}
	return ord, sign, ok && l.Value == sign+t.value
}

// place finds the literals of the text in the text of the plan. gone are those
// that the plan has taken out of it. Each must stand where the edits have moved
// it: a literal of an edit may look like one of the text that the edit replaced.
func (t *template) place(front Frontend, s *Session, f *form, gone []bool, r *recording) bool {
	if t.plan.Pass {
		return true
	}
	out := forms.Get().(*form)
	defer out.release()
	if !out.read(front, t.plan.Text, s) {
		return false
	}
	k := 0
	for i := range f.lits {
		if gone[i] {
			continue
		}
		at, ok := r.moved(&f.lits[i])
		if !ok || k == len(out.lits) || out.lits[k].start != at || out.source(k) != f.source(i) {
			return false
		}
		t.pieces = append(t.pieces, piece{out.lits[k].start, out.lits[k].end, i})
		k++
	}
	return k == len(out.lits)
}

// matches reports whether the literals of a text that matter are the template's.
func (t *template) matches(f *form) bool {
	for i := range t.pinned {
		if f.source(t.pinned[i].ord) != t.pinned[i].source {
			return false
		}
	}
	return true
}

// instance is the plan of a text. ok is false where its literals need a look of
// their own: the text is then planned in full.
func (t *template) instance(f *form) (*Plan, bool) {
	for _, ord := range t.free {
		if f.doubtful(ord) {
			return nil, false
		}
	}
	p := *t.plan
	if p.Pass {
		p.Text = f.text
		return &p, true
	}
	lits := make([]Literal, len(t.bound))
	for i := range t.bound {
		b := &t.bound[i]
		l := &f.lits[b.ord]
		lits[i] = Literal{Span: Span{l.start - len(b.sign), l.end}, Kind: b.kind, Value: b.sign + l.value}
	}
	if t.collides(lits) {
		return nil, false
	}
	p.Holes = slices.Clone(p.Holes)
	p.Text = t.write(f, p.Holes)
	if len(lits) > 0 {
		r := rebinding{t.index, lits, map[*Cover]*Cover{}}
		r.plan(&p)
	}
	return &p, true
}

// doubtful reports a literal that a parser looks at more closely than its form
// tells: one whose reading takes more than finding its end.
func (f *form) doubtful(ord int) bool {
	return f.escapes && strings.IndexByte(f.source(ord), '\\') >= 0
}

// collides reports whether a value that is bound to an encrypted column is also
// one that the text uses in clear.
func (t *template) collides(lits []Literal) bool {
	if len(t.clears) == 0 {
		return false
	}
	for _, k := range t.sealed {
		if l := &lits[k]; telling(l) && slices.Contains(t.clears, l.Value) {
			return true
		}
	}
	return false
}

// write writes the text of the plan with the literals of f, and moves the holes.
func (t *template) write(f *form, holes []Hole) string {
	if len(t.pieces) == 0 {
		return t.plan.Text
	}
	n := len(t.plan.Text)
	for _, p := range t.pieces {
		n += f.lits[p.ord].end - f.lits[p.ord].start - (p.end - p.start)
	}
	var b strings.Builder
	b.Grow(n)
	at, h := 0, 0
	for _, p := range t.pieces {
		for ; h < len(holes) && holes[h].At <= p.start; h++ {
			holes[h].At += b.Len() - at
		}
		b.WriteString(t.plan.Text[at:p.start])
		b.WriteString(f.source(p.ord))
		at = p.end
	}
	for ; h < len(holes); h++ {
		holes[h].At += b.Len() - at
	}
	b.WriteString(t.plan.Text[at:])
	return b.String()
}

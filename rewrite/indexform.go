package rewrite

import (
	"slices"

	"github.com/sealsql/sealsql/schema"
)

// Assignments of forms that hand values on: c = COALESCE($1, c),
// c = CASE WHEN $2 THEN $1 ELSE c END. What the server chooses is not known, but
// it chooses the index in the same way: the assignment of the index is the form
// once more, with indexes for values.

// indexForm is such a copy.
type indexForm struct {
	expr Expr
	// values are the constants that are handed on, names the index columns of
	// the columns.
	values map[Expr]Out
	names  map[*ColumnRef]string
	// slots are the values of the copy, by what they stand for; pieces is its
	// text. The builder sets both.
	slots map[Expr]*slot
	// null is the type of a NULL that has got one.
	null   string
	pieces []formPiece
}

// formPiece is text of the copy, and behind it a value where slot is set.
type formPiece struct {
	text string
	slot *slot
}

const onceHint = "the condition is asked once more for the column's search index, and may answer otherwise: decide in the application, or in a query"

const formIndexHint = "the column has a search index, which the server cannot compute: assign a parameter or a literal, or COALESCE or CASE over these and the column itself"

// besideForm plans the copy of a form. behind says that it is evaluated when the
// column has its new value.
func (a *analysis) besideForm(v Expr, to schema.Index, part PartitionSource, sc *scope, behind bool) (*addition, error) {
	f := &indexForm{expr: v, values: map[Expr]Out{}, names: map[*ColumnRef]string{}, slots: map[Expr]*slot{}, null: nullType(a.dialect, to)}
	if !v.Range().Known() || sc == nil {
		return nil, a.refuse(v.Pos(), ReasonComputed, to.Column().String(), formIndexHint)
	}
	if a.onceOnly(v) {
		return nil, a.refuse(v.Pos(), ReasonComputed, to.Column().String(), onceHint)
	}
	p := formPlan{a, f, to, indexPartition(to, part), sc, behind}
	if err := p.value(v); err != nil {
		return nil, err
	}
	return &addition{name: to.Physical(), form: f}, nil
}

type formPlan struct {
	a    *analysis
	f    *indexForm
	to   schema.Index
	part PartitionSource
	sc   *scope
	// behind: the column has its new value by then.
	behind bool
}

func (p formPlan) refuse(e Expr) error {
	return p.a.refuse(e.Pos(), ReasonComputed, p.to.Column().String(), formIndexHint)
}

// value plans an expression that is handed on.
func (p formPlan) value(e Expr) error {
	if !e.Range().Known() {
		return p.refuse(e)
	}
	switch x := e.(type) {
	case *ColumnRef:
		return p.column(x)
	case *ValuesRef:
		return p.column(x.Column)
	case *Param, *Literal:
		if isNull(x) {
			return nil
		}
		out, err := p.a.indexOf(x, p.to, p.part)
		p.f.values[x] = out
		return err
	case *Cast:
		if _, dropped := p.a.casts[x]; !dropped {
			return p.refuse(x)
		}
		if isConstant(x) && !isNull(unwrapped(x)) {
			return p.castConstant(x)
		}
		return p.value(x.X)
	case *Case:
		return p.caseForm(x)
	case *Call:
		return p.call(x)
	}
	return p.refuse(e)
}

// castConstant plans a constant whose casts the driver applies.
func (p formPlan) castConstant(x *Cast) error {
	casts, ok := p.a.casting(x, &p.to.Column().Type)
	if !ok {
		return p.refuse(x)
	}
	v := unwrapped(x)
	out, err := p.a.indexOf(v, p.to, p.part)
	out.Casts = casts
	p.f.values[v] = out
	return err
}

func (p formPlan) caseForm(x *Case) error {
	if x.Operand != nil {
		if err := p.condition(x.Operand); err != nil {
			return err
		}
	}
	for _, w := range x.Whens {
		if err := p.condition(w.Cond); err != nil {
			return err
		}
		if err := p.value(w.Then); err != nil {
			return err
		}
	}
	if x.Else == nil {
		return nil
	}
	return p.value(x.Else)
}

func (p formPlan) call(x *Call) error {
	form := p.a.handsOn(x)
	if form == nil || form.moves || len(x.Extra) > 0 {
		return p.refuse(x)
	}
	for i, e := range x.Args {
		var err error
		if form.hands(i, len(x.Args)) {
			err = p.value(e)
		} else {
			err = p.condition(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// column plans a column that is handed on: it has an index that is copied with
// its values.
func (p formPlan) column(ref *ColumnRef) error {
	h, _, found, err := p.a.resolve(ref, p.sc)
	if err == nil && found && h.rel.source != nil && p.a.genuine(ref, h) && ref.Path[len(ref.Path)-1].Known() {
		name := p.a.listIndex(h, p.to, p.part)
		if name == "" {
			return p.refuse(ref)
		}
		p.f.names[ref] = name
		return nil
	}
	if err != nil || !found || len(h.flow()) != 1 || h.rel.annotated() == nil || h.rel.view != nil || !p.a.genuine(ref, h) || !ref.Path[len(ref.Path)-1].Known() {
		return p.refuse(ref)
	}
	from := copiedIndex(h.flow()[0].col, p.to)
	if from == nil {
		return p.refuse(ref)
	}
	p.f.names[ref] = from.Physical()
	return nil
}

// condition plans what the form decides by. It stays as it is, but for the
// column itself where it has been assigned by then: its index is looked at.
func (p formPlan) condition(e Expr) error {
	if !e.Range().Known() {
		return p.refuse(e)
	}
	switch x := e.(type) {
	case *ColumnRef:
		if p.a.truths[x] != nil {
			return p.refuse(e) // a comparison stands in its place
		}
		h, _, found, err := p.a.resolve(x, p.sc)
		if p.behind && err == nil && found && len(h.flow()) == 1 && p.a.indexRead(x) == nil && h.flow()[0].col == p.to.Column() {
			return p.column(x)
		}
		return nil
	case *Op:
		if p.a.ranges.covering(x) != nil {
			return p.refuse(e) // several conditions stand in its place
		}
	}
	es, qs := kids(e)
	if len(qs) > 0 {
		return p.refuse(e)
	}
	for _, k := range es {
		if err := p.condition(k); err != nil {
			return err
		}
	}
	return nil
}

// ---- the text of the copy ----

// formChange replaces a part of the form's text.
type formChange struct {
	span Span
	text string
	slot *slot
}

// form writes the copy that an addition is, and adds its values to the slots.
func (b *builder) form(add *addition) error {
	f := add.form
	var changes []formChange
	if !b.formChanges(f, f.expr, add.at, &changes) {
		return b.a.refuse(f.expr.Pos(), ReasonVerify, "", "write the assignment in a plainer form")
	}
	slices.SortStableFunc(changes, func(x, y formChange) int { return x.span.Start - y.span.Start })
	text, at := "", f.expr.Range().Start
	for _, c := range changes {
		if c.span.Start < at {
			return b.a.refuse(f.expr.Pos(), ReasonVerify, "", "write the assignment in a plainer form")
		}
		text += b.a.script.Text[at:c.span.Start] + c.text
		at = c.span.End
		if c.slot != nil {
			f.pieces = append(f.pieces, formPiece{text, c.slot})
			b.slots = append(b.slots, c.slot)
			text = ""
		}
	}
	f.pieces = append(f.pieces, formPiece{text: text + b.a.script.Text[at:f.expr.Range().End]})
	return nil
}

// formChanges lists what differs between an expression and its copy.
func (b *builder) formChanges(f *indexForm, e Expr, at int, out *[]formChange) bool {
	switch x := e.(type) {
	case *ColumnRef:
		name := f.names[x]
		if i := b.a.indexOn(x); i != nil {
			name = b.a.indexName(x, i)
		} else if i := b.a.ranges.refs[x]; i != nil {
			name = b.a.rangeName(x, i)
		}
		if name != "" {
			*out = append(*out, formChange{span: x.Path[len(x.Path)-1].Span, text: b.a.front.QuoteIdent(name)})
		}
		return true
	case *Param, *Literal:
		if l, ok := x.(*Literal); ok && b.a.typed[l] != "" {
			*out = append(*out, formChange{span: l.Span, text: typedText(f.null)})
			return true
		}
		return b.formValue(f, x, x.Range(), at, out)
	case *Op:
		if d := b.a.decided[x]; d != nil {
			return b.formValue(f, d.param, x.Span, at, out)
		}
	case *Cast:
		inner, dropped := b.a.casts[x]
		if !dropped {
			break
		}
		if _, constant := inner.(*Param); constant {
			return b.formValue(f, inner, x.Span, at, out)
		}
		if _, constant := inner.(*Literal); constant {
			return b.formValue(f, inner, x.Span, at, out)
		}
		*out = append(*out, formChange{span: Span{x.Start, inner.Range().Start}}, formChange{span: Span{inner.Range().End, x.End}})
		return b.formChanges(f, inner, at, out)
	}
	es, _ := kids(e)
	for _, k := range es {
		if !b.formChanges(f, k, at, out) {
			return false
		}
	}
	return true
}

// formValue makes the slot of a constant of the copy: the index of one that is
// handed on, and for all others what the form itself has.
func (b *builder) formValue(f *indexForm, e Expr, span Span, at int, out *[]formChange) bool {
	s := b.a.work.slots.One()
	*s = slot{at: at, added: true}
	value, handed := f.values[e]
	switch x := e.(type) {
	case *Param:
		m := b.mark(x)
		if m == nil || m.cast && span == x.Span {
			return false
		}
		s.param, s.out, s.carried = x, m.out, m.carried
	case *Literal:
		own := b.literal(x)
		if own == nil && !handed {
			if span == x.Span {
				return true // as it is
			}
			return false
		}
		if own != nil {
			s.out, s.carried = own.out, own.carried
		}
	}
	if handed {
		s.out, s.carried = value, b.a.dialect != SQLite
	}
	s.span = Span{at, at}
	f.slots[e] = s
	*out = append(*out, formChange{span: span, slot: s})
	return true
}

// formEdits are the edits that write a copy behind its assignment's lead.
func (b *builder) formEdits(add *addition) {
	at := Span{add.at, add.at}
	lead := add.lead
	for i, p := range add.form.pieces {
		text := lead + p.text
		lead = ""
		if i == len(add.form.pieces)-1 {
			text += add.trail
		}
		if text != "" {
			b.edits = append(b.edits, edit{span: at, text: text})
		}
		if p.slot == nil {
			continue
		}
		e := edit{kind: editValue, span: at, slot: p.slot}
		if p.slot.n == 0 {
			e.hole = &p.slot.out
		}
		b.edits = append(b.edits, e)
	}
}

// isConstant reports a parameter or a literal, also under a cast.
func isConstant(e Expr) bool {
	switch unwrapped(e).(type) {
	case *Param, *Literal:
		return true
	}
	return false
}

// hasConstant reports a parameter or a literal other than NULL anywhere in an
// expression.
func hasConstant(e Expr) bool {
	switch e.(type) {
	case nil:
		return false
	case *Param, *Literal:
		return !isNull(e)
	}
	es, _ := kids(e)
	return slices.ContainsFunc(es, hasConstant)
}

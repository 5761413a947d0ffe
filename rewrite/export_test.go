package rewrite

import "reflect"

// EditedText is a planned text before its proof.
type EditedText struct {
	// Text is the edited text with a constant in every hole. At are the places
	// in it that the edits wrote, in order.
	Text string
	At   []Span

	b     *builder
	fills []string
	ends  []int
}

// Edit plans a text as far as its proof; nil where nothing is edited.
func Edit(f Frontend, text string, c Catalog, s *Session, o Options) *EditedText {
	prepared, err := f.Prepare(text, s)
	if err != nil {
		return nil
	}
	script, err := f.Parse(prepared, s)
	if err != nil || len(script.Statements) != 1 {
		return nil
	}
	a := newAnalysis(new(workspace), f, script, c, s, o)
	if a.statement(script.Statements[0]) != nil || a.finish() != nil || !a.needsWork() {
		return nil
	}
	b := &builder{a: a, plan: &Plan{Params: script.Params}, space: new(planSpace)}
	if b.collect() != nil || b.number() != nil {
		return nil
	}
	if b.shape(); b.apply() != nil || len(b.edits) == 0 {
		return nil
	}
	x := &EditedText{b: b, fills: b.standIns()}
	x.Text = b.plan.Shape(f)
	filled, in, out, fills := 0, 0, 0, x.fills
	for i := range b.edits {
		e := &b.edits[i]
		from := e.span.Start - in + out
		if e.hole != nil {
			filled, fills = filled+len(fills[0]), fills[1:]
		}
		in, out = e.span.End, e.end+filled
		x.At, x.ends = append(x.At, Span{from, out}), append(x.ends, e.end)
	}
	return x
}

// Tokens reports what the proof by tokens says of another text in the place of
// the edited one, in which the places behind the edits are moved by shift[i].
func (x *EditedText) Tokens(text string, shift []int) bool {
	for i := range x.b.edits {
		x.b.edits[i].end = x.ends[i]
		if i < len(shift) {
			x.b.edits[i].end += shift[i]
		}
	}
	return x.b.provenByTokens(text, x.fills)
}

// Parsing reports what the proof by parsing says of it.
func (x *EditedText) Parsing(text string) bool { return x.b.provenByParsing(text) }

// Reachable lists the types that can be reached from a plan.
func Reachable() map[reflect.Type]bool {
	seen := map[reflect.Type]bool{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(t.Elem())
		case reflect.Map:
			walk(t.Key())
			walk(t.Elem())
		case reflect.Struct:
			for i := range t.NumField() {
				walk(t.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[Plan]())
	return seen
}

// Reused are the types whose values are used again when a plan is made.
func Reused() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[analysis](), reflect.TypeFor[builder](), reflect.TypeFor[scope](), reflect.TypeFor[relation](),
		reflect.TypeFor[column](), reflect.TypeFor[visible](), reflect.TypeFor[slot](), reflect.TypeFor[edit](),
		reflect.TypeFor[Script](), reflect.TypeFor[Token](), reflect.TypeFor[Param](), reflect.TypeFor[Ident](), reflect.TypeFor[ColumnRef](),
		reflect.TypeFor[Expr](), reflect.TypeFor[Op](), reflect.TypeFor[Call](), reflect.TypeFor[SelectItem](), reflect.TypeFor[Table](),
		reflect.TypeFor[TableExpr](), reflect.TypeFor[Query](), reflect.TypeFor[Select](), reflect.TypeFor[Statement](),
		reflect.TypeFor[Insert](), reflect.TypeFor[Update](), reflect.TypeFor[Values](), reflect.TypeFor[Assign](),
	}
}

// MaxStarLists is the number of lists that are kept of one table.
const MaxStarLists = maxStarLists

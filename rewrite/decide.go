package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Comparisons of an argument with a literal: $1 > 0, $2::text <> '',
// cardinality($3::int[]) > 0. They look at no row, so that the driver can answer
// them before anything is sent. It does where the argument may not go out in
// clear: it is sealed or searched for elsewhere in the statement, or it decides
// which of several values is taken and may be one of them. What goes out is TRUE,
// FALSE or NULL. PostgreSQL only: there the types of both sides say what the
// comparison means; MySQL and SQLite ask collations, modes and affinities.

// Decision is such a comparison: Value Op With, both of the type. Elements asks
// for the number of elements of an array in place of the value.
type Decision struct {
	Op       string
	Type     schema.Type
	With     *Literal
	Elements bool
	// EmptyNull: an array without elements has no number of them.
	EmptyNull bool
	// Casts are those to an enumerated type around the value, of whose labels it
	// must be one; "" without.
	Casts Casts
}

// decidable is a comparison that the driver could decide.
type decidable struct {
	op    *Op
	param *Param
	cast  *Cast // around the parameter; nil for none
	with  *Literal
	name  string // of the operator, with the parameter on its left
	count string // the function that counts elements; "" for none
}

// decidableIn recognises a comparison that looks at one parameter and a literal.
func (a *analysis) decidableIn(o *Op) *decidable {
	if a.dialect != Postgres || len(o.Args) != 2 || !o.Known() || a.prepares != nil || o.Attr != "" {
		return nil
	}
	d := &decidable{op: o, name: o.Name}
	x, lit := o.Args[0], o.Args[1]
	if l, ok := x.(*Literal); ok {
		x, lit = lit, l
		if t := turned[o.Name]; t != "" {
			d.name = t
		}
	}
	var ok bool
	if d.with, ok = lit.(*Literal); !ok || d.with.Odd || d.with.Kind == LitNull || d.with.Kind == LitBytes {
		return nil
	}
	switch d.name {
	case "=", "<>", "<", "<=", ">", ">=":
	default:
		return nil
	}
	if c, ok := x.(*Call); ok {
		if x = a.counts(c); x == nil {
			return nil
		}
		d.count = strings.ToLower(c.Name[len(c.Name)-1].Name)
	}
	if c, ok := x.(*Cast); ok {
		d.cast, x = c, c.X
	}
	d.param, ok = x.(*Param)
	if !ok || !d.param.Known() {
		return nil
	}
	return d
}

// counts returns the array whose elements a call counts; nil for other calls.
func (a *analysis) counts(c *Call) Expr {
	if len(c.Name) != 1 || c.Star || c.Distinct || c.Over || len(c.Extra) > 0 || a.cat.Routine(c.Name) || a.cat.Declared(c.Name) {
		return nil
	}
	switch strings.ToLower(c.Name[0].Name) {
	case "cardinality":
		if len(c.Args) == 1 {
			return c.Args[0]
		}
	case "array_length":
		if len(c.Args) != 2 {
			return nil
		}
		if l, ok := c.Args[1].(*Literal); ok && l.Value == "1" && l.Kind == LitNumber {
			return c.Args[0]
		}
	}
	return nil
}

// decide has the driver answer the comparison that a parameter stands in. col is
// the column for which the argument is sealed elsewhere, or nil.
func (a *analysis) decide(u *paramUse, col *schema.Column) bool {
	if u.flag {
		return a.decideFlag(u, col)
	}
	d := u.decides
	if d == nil || a.marker(d.param.Start) < 0 {
		return false
	}
	if a.decided[d.op] != nil {
		return true
	}
	casts, labelled := a.decidedLabel(d)
	t, ok := labelType, labelled
	if !ok {
		t, ok = a.decidedType(d, col)
	}
	if !ok || a.typedElsewhere(d, &t) {
		return false
	}
	if a.decided == nil {
		a.decided = map[*Op]*decidable{}
	}
	if a.carried == nil {
		a.carried = map[Expr]bool{}
	}
	a.decided[d.op], a.carried[d.param] = d, true
	a.seals.set(d.param, Out{
		Value:  Value{Source: FromArg, Arg: d.param.N},
		Decide: &Decision{Op: d.name, Type: t, With: d.with, Elements: d.count != "", EmptyNull: d.count == "array_length", Casts: casts},
	})
	return true
}

// decidedType is the type of both sides, where the comparison is that of bytes or
// of whole numbers.
func (a *analysis) decidedType(d *decidable, col *schema.Column) (schema.Type, bool) {
	if d.count != "" {
		t, _ := schema.ParseType("bigint")
		element, array := "", false
		if d.cast != nil {
			element, array = strings.CutSuffix(d.cast.Type, "[]")
		}
		_, err := schema.ParseType(element)
		return t, (array && err == nil && !strings.HasSuffix(element, "[]") || d.cast == nil && col != nil) && wholeNumber(d.with)
	}
	name := map[LiteralKind]string{LitString: "text", LitNumber: "bigint", LitBool: "boolean"}[d.with.Kind]
	if d.cast != nil {
		name = d.cast.Type
	}
	t, err := schema.ParseType(name)
	if err != nil || t.HasPrecision || t.Fixed || t.Length > 0 {
		return t, false
	}
	if d.cast == nil && col != nil && (col.Type.Kind != t.Kind || col.Type.Fixed) && !a.castBehind(d) {
		return t, false // the parameter has the type of what it met first
	}
	equality := d.name == "=" || d.name == "<>"
	switch t.Kind {
	case schema.KindText:
		return t, equality && d.with.Kind == LitString && (d.cast != nil || d.with.Value == "" || plainTexts(col))
	case schema.KindInt:
		return t, wholeNumber(d.with)
	case schema.KindBool:
		return t, equality && d.with.Kind == LitBool
	}
	return t, false
}

// plainTexts reports that values of the column are compared by their bytes.
func plainTexts(c *schema.Column) bool {
	return c == nil || c.Equality == nil || comparesBytes(c.Equality)
}

func wholeNumber(l *Literal) bool { return l.Kind == LitNumber && allDigits(l.Value) }

// typedElsewhere reports that the parameter may have another type than that of the
// comparison, because a clear column takes it somewhere.
func (a *analysis) typedElsewhere(d *decidable, t *schema.Type) bool {
	for i := range a.params {
		u := &a.params[i]
		if u.param.N != d.param.N || u.param == d.param || u.seal != nil || u.null || u.decides != nil {
			continue
		}
		return d.cast == nil && (t.Kind != schema.KindText || a.padsOrFolds())
	}
	return false
}

// padsOrFolds reports a table of the statement with a clear column whose texts may
// be equal without being the same: char(n), citext, types that are not known.
func (a *analysis) padsOrFolds() bool {
	f := finder{}
	for _, st := range a.script.Statements {
		f.statement(st)
		if ins, ok := st.(*Insert); ok {
			f.tables = append(f.tables, ins.Target)
		}
	}
	for _, t := range f.tables {
		for _, c := range a.cat.Relation(t.Path).Columns {
			typ, err := schema.ParseType(c.Type)
			if err != nil || typ.Kind == schema.KindText && (typ.Fixed || strings.Contains(strings.ToLower(c.Type), "citext")) {
				return true
			}
		}
	}
	return false
}

// decidedSlots give the place of a decision to its parameter.
func (b *builder) decidedSlots() error {
	for _, op := range byPlace(b.a.decided) {
		d := b.a.decided[op]
		s := b.mark(d.param)
		if s == nil {
			return b.a.refuse(op.Start, ReasonParameters, "", "the parameter was not found in the text; write the statement in a plainer form")
		}
		s.span, s.cast = op.Span, true
	}
	return nil
}

// decided compares what a decision became.
func (v verifier) decided(d *decidable, y Expr) bool {
	s := v.b.mark(d.param)
	if v.copy != nil {
		s = v.copy.slots[d.param]
	}
	return s != nil && v.slot(s, y)
}

package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// value analyses an expression whose value goes on as it is: into a result
// column, or into a column that is assigned. What it returns says what the
// value may be:
//
//	flow    records of these columns
//	consts  parameters and literals that may still be sealed
//	null    nothing but NULL
//
// and none of them for a clear value that the server computes. Only the forms
// listed here hand a value on unchanged; under any other, everything must be
// clear, and why is the reason given for what is not. to is the column that
// takes the value, nil for none.
func (a *analysis) value(e Expr, sc *scope, why Reason, to *sink) (column, error) {
	switch x := e.(type) {
	case *ColumnRef:
		return a.columnValue(x, sc)
	case *ValuesRef:
		return a.columnValue(x.Column, sc)
	case *Param, *Literal:
		c := column{consts: a.constant(x), konst: x}
		c.null = c.consts == nil
		return c, nil
	case *Cast:
		return a.castValue(x, sc, why, to)
	case *Case:
		return a.caseValue(x, sc, why, to)
	case *Subquery:
		if x.Kind == SubScalar {
			return a.scalar(x, sc)
		}
	case *Call:
		if ref, h, ok := a.extremeOf(x, sc); ok {
			return a.extremeValue(x, ref, h, sc, why)
		}
		if form := a.handsOn(x); form != nil {
			return a.callValue(x, form, sc, why, to)
		}
		if a.isNullif(x) {
			if c, done, err := a.nullifValue(x, sc, why); done || err != nil {
				return c, err
			}
		}
	}
	return column{}, a.clear(e, sc, why)
}

// columnValue is the value of a column, as its relation in scope shows it.
func (a *analysis) columnValue(ref *ColumnRef, sc *scope) (column, error) {
	h, err := a.lookUp(ref, sc)
	if err != nil {
		return column{}, err
	}
	c := column{name: ref.Path[len(ref.Path)-1].Name, declared: h.declared(), origin: h}
	if h.rel == nil || h.col < 0 {
		return c, nil
	}
	return a.seen(c, h), nil
}

// seen takes over what a column of a relation in scope may hold.
func (a *analysis) seen(c column, h hit) column {
	src := &h.rel.cols[h.col]
	c.consts, c.null, c.computed, c.reserved = src.consts, src.null, src.bare(), src.reserved
	if len(src.flow) == 0 {
		return c
	}
	c.flow = a.work.flows.Many(len(src.flow))[:0]
	for _, s := range src.flow {
		s = h.rel.carry(s)
		s.from = h.rel
		if h.rel.fixed != nil && h.rel.partCol >= 0 {
			s.fixed = h.rel.fixed
		}
		c.flow = append(c.flow, s)
	}
	return c
}

// castValue lets casts pass that do not change the value: of a constant, which
// is decided when it is sealed, and of a column to its own type. The cast of a
// record is left out of the text.
func (a *analysis) castValue(x *Cast, sc *scope, why Reason, to *sink) (column, error) {
	if consts := a.constant(x); consts != nil {
		return column{consts: consts, computed: true, konst: x}, a.castsRun(x)
	}
	if !a.handing(x.X) {
		return column{}, a.clear(x, sc, why)
	}
	c, err := a.value(x.X, sc, inner(why, ReasonExpression), to)
	if err != nil {
		return column{}, err
	}
	if err := a.castRuns(x); err != nil {
		return column{}, err
	}
	c.konst, c.origin = nil, hit{}
	if len(c.flow) == 0 {
		return a.castConstants(x, c, to)
	}
	for _, s := range c.flow {
		if a.dialect == SQLite || !x.Known() || !x.X.Range().Known() || !a.sameUnder(&s.col.Type, x.Type) {
			return column{}, a.refuse(x.Start, inner(why, ReasonExpression), s.col.String(), "the cast would change the value, or may; select the column itself and convert in the application")
		}
	}
	a.dropCast(x)
	return c, nil
}

// castConstants is the cast of a value without records: constants of another
// place may still be sealed where the cast can be left out.
func (a *analysis) castConstants(x *Cast, c column, to *sink) (column, error) {
	switch {
	case c.consts == nil:
		c.declared = false
		return c, nil
	case to != nil && x.Known() && x.X.Range().Known() && a.dialect != SQLite && a.sameUnder(&to.col.Type, x.Type):
		a.dropCast(x)
		return c, nil
	}
	return column{}, a.settleClear(c.consts, false)
}

// handing reports whether an expression may hand an encrypted value on.
func (a *analysis) handing(e Expr) bool {
	switch x := e.(type) {
	case *ColumnRef, *ValuesRef, *Case, *Cast:
		return true
	case *Subquery:
		return x.Kind == SubScalar
	case *Call:
		return a.handsOn(x) != nil || a.isNullif(x)
	}
	return false
}

// castRuns refuses conversions that run a user's routine.
func (a *analysis) castRuns(x *Cast) error {
	if name := typeName(x.Type); a.dialect == Postgres && a.cat.Routine([]Ident{{Name: "type " + name}}) {
		return a.refuse(x.Start, ReasonRoutine, "type "+name, "a conversion to this type runs a routine; declare it under routines: if it touches no annotated table")
	}
	return nil
}

// castsRun is castRuns for casts of casts.
func (a *analysis) castsRun(e Expr) error {
	for {
		c, ok := e.(*Cast)
		if !ok {
			return nil
		}
		if err := a.castRuns(c); err != nil {
			return err
		}
		e = c.X
	}
}

// sameUnder reports whether the cast of a column's value gives the value: a
// cast to the column's own type, or of any text to text without a length.
func (a *analysis) sameUnder(t *schema.Type, cast string) bool {
	plainText := t.Kind == schema.KindText && !t.Fixed
	if a.dialect == MySQL {
		switch cast {
		case "char":
			return plainText
		case "signed", "signed integer":
			return t.Kind == schema.KindInt && !t.Unsigned
		}
		return false
	}
	c, err := schema.ParseType(cast)
	if err != nil {
		return false
	}
	return c.Same(*t) || a.dialect == Postgres && pgFloat(c).Same(pgFloat(*t)) || plainText && c.Kind == schema.KindText && !c.Fixed && c.Length == 0
}

// pgFloat gives PostgreSQL's floating-point types one spelling: real is float4 there,
// float is double precision (documentation §8.1.3).
func pgFloat(t schema.Type) schema.Type {
	end := ""
	if t.Kind == schema.KindArray {
		end = "[]"
	}
	switch {
	case t.Kind != schema.KindFloat && t.Elem != schema.KindFloat:
	case t.Base == "real"+end:
		t.Base, t.Name, t.Bits = "float4"+end, "float4"+end, 32
	case t.Base == "float"+end && t.Bits == 0:
		t.Base, t.Name, t.Bits = "double"+end, "double"+end, 64
	}
	return t
}

// dropsCast reports whether the cast of a constant gives the value that the
// column would store anyway.
func (a *analysis) dropsCast(v *Cast, t *schema.Type) bool {
	if a.preserves(v, t) {
		return true
	}
	// MySQL's CHAR without a length is text of any length in a cast.
	return a.dialect == MySQL && v.Known() && v.Type == "char" && t.Kind == schema.KindText && !t.Fixed && constantCast(v)
}

func (a *analysis) caseValue(x *Case, sc *scope, why Reason, to *sink) (column, error) {
	a.noteGuards(x)
	conds, parts := make([]Expr, 0, len(x.Whens)+1), make([]Expr, 0, len(x.Whens)+1)
	if x.Operand != nil {
		conds = append(conds, x.Operand)
	}
	for _, w := range x.Whens {
		conds, parts = append(conds, w.Cond), append(parts, w.Then)
	}
	if err := a.conditions(conds, x.Operand != nil, sc, why); err != nil {
		return column{}, err
	}
	if x.Else != nil {
		parts = append(parts, x.Else)
	}
	return a.oneOf(parts, x.Start, sc, inner(why, ReasonExpression), to)
}

// conditions analyses what a form decides by, and notes parameters that are
// looked at there: beside a constant that is sealed they may be its value once
// more (CASE WHEN ? > 1 THEN ? ELSE ssn END). compared says that they are
// compared with each other.
func (a *analysis) conditions(es []Expr, compared bool, sc *scope, why Reason) error {
	from := len(a.params)
	var err error
	if why = inner(why, ReasonPredicate); compared {
		var done bool
		if done, err = a.indexCompare("=", es, sc); err == nil && !done {
			err = a.compare(es, sc, why)
		}
	} else {
		err = a.allConditions(es, sc, why)
	}
	if err != nil {
		return err
	}
	for i := from; i < len(a.params); i++ {
		u := &a.params[i]
		u.tested = u.seal == nil && !u.declared && !u.null && !a.truthOf(es, compared, u.param)
	}
	return nil
}

// truthOf reports a parameter that is nothing but a truth value in what a form decides
// by: a condition, or the operand of CASE $1 WHEN true THEN … WHEN false, which is a
// boolean on PostgreSQL.
func (a *analysis) truthOf(es []Expr, compared bool, p *Param) bool {
	if !compared {
		return flagIn(es, p)
	}
	notBool := func(e Expr) bool {
		l, ok := e.(*Literal)
		return !ok || l.Kind != LitBool
	}
	return a.dialect == Postgres && flag(es[0], p) && len(es) > 1 && !slices.ContainsFunc(es[1:], notBool)
}

func flagIn(es []Expr, p *Param) bool {
	for _, e := range es {
		if flag(e, p) {
			return true
		}
	}
	return false
}

// flag reports whether a parameter is a truth value in a condition: it stands
// there alone, or under AND, OR, NOT.
func flag(e Expr, p *Param) bool {
	switch x := e.(type) {
	case *Param:
		return x == p
	case *Cast:
		return x.X == Expr(p) && (x.Type == "bool" || x.Type == "boolean")
	case *Op:
		if x.Name != "AND" && x.Name != "OR" && x.Name != "NOT" && !truthTest(x) {
			return false
		}
		return flagIn(x.Args, p)
	}
	return false
}

// testedValues refuses statements that seal a constant inside an expression
// and look at an argument in a condition there.
func (a *analysis) testedValues() error {
	if len(a.carried) == 0 {
		return nil
	}
	for i := range a.params {
		u := &a.params[i]
		if !u.tested {
			continue
		}
		for _, e := range byPlace(a.carried) {
			if out := a.seals.at(e); out != nil && (out.Seal != nil || a.eq.handed[e]) {
				if a.decide(u, nil) {
					break
				}
				return a.refuse(u.param.Start, ReasonClearUse, out.Column().String(),
					"the condition looks at an argument, which may be the value once more: decide in the application, or bind a truth value")
			}
		}
	}
	return nil
}

// oneOf is a value that is one of several.
func (a *analysis) oneOf(es []Expr, pos int, sc *scope, why Reason, to *sink) (column, error) {
	parts := make([]column, len(es))
	for i, e := range es {
		var err error
		if parts[i], err = a.value(e, sc, why, to); err != nil {
			return column{}, err
		}
	}
	c, err := a.mergeValues(parts, pos, inner(why, ReasonExpression), to)
	c.computed = true
	return c, err
}

// mergeValues unites what several values may be. Beside records everything else must
// be a record, too: constants are sealed for the same column, and a clear
// value refuses the statement.
func (a *analysis) mergeValues(parts []column, pos int, why Reason, to *sink) (column, error) {
	out := column{null: true}
	clear, text := false, false
	for i := range parts {
		p := &parts[i]
		switch {
		case len(p.flow) > 0:
		case p.consts != nil || p.null:
		default:
			clear = true
		}
		out.null = out.null && p.null
		text = text || a.textNull(p)
		out.computed, out.reserved = out.computed || p.computed, out.reserved || p.reserved
		for _, s := range p.flow {
			if err := a.mergeFlow(&out.flow, s, pos, why); err != nil {
				return column{}, err
			}
		}
		if p.consts == nil {
			continue
		}
		if out.consts == nil {
			out.consts = p.consts
			continue
		}
		both, err := a.joined(out.consts, p.consts)
		if err != nil {
			return column{}, err
		}
		out.consts = both
	}
	if a.dialect == Postgres && out.null && out.consts == nil && !text {
		a.textNullOf(&out, parts)
	}
	if text && len(out.flow) > 0 {
		return column{}, a.refuse(pos, why, out.flow[0].col.String(), "the server takes a NULL beside the column for a text; write NULL itself")
	}
	return a.mixed(out, clear, pos, why, to)
}

func (a *analysis) mergeFlow(f *flow, s sealed, pos int, why Reason) error {
	if len(*f) > 0 && !a.alike(&(*f)[0].col.Type, &s.col.Type) {
		return a.refuse(pos, why, s.col.String(), "the values have different types; use columns of one type")
	}
	for i := range *f {
		// Two literals that say the same are one.
		for _, p := range [][2]*partRef{{&(*f)[i].part, &s.part}, {&(*f)[i].row, &s.row}} {
			if p[0].kind == partValue && p[1].kind == partValue && a.equalValue(p[0].value, p[1].value) {
				*p[1] = *p[0]
			}
		}
	}
	if !merge(f, s) {
		return a.refuse(pos, ReasonPartition, s.col.String(), "the values of one column come from different partitions, or from rows that cannot be told apart")
	}
	return nil
}

// alike reports whether values of two types are shown alike.
func (a *analysis) alike(t, o *schema.Type) bool {
	if t.Same(*o) && (a.dialect != SQLite || t.Declared == o.Declared) {
		return true
	}
	return t.Kind == schema.KindText && o.Kind == schema.KindText && !t.Fixed && !o.Fixed
}

// mixed decides about constants and clear values beside records.
func (a *analysis) mixed(c column, clear bool, pos int, why Reason, to *sink) (column, error) {
	switch {
	case clear && len(c.flow) > 0:
		return column{}, a.refuse(pos, why, c.flow[0].col.String(), "a clear value stands beside an encrypted one; select them as two columns")
	case clear:
		if c.consts != nil {
			if err := a.settleClear(c.consts, false); err != nil {
				return column{}, err
			}
		}
		return column{reserved: c.reserved}, nil
	case len(c.flow) > 0 && c.consts != nil && to == nil && c.consts.nothing():
		if err := a.settleSealed(c.consts, Out{Seal: c.flow[0].col}); err != nil {
			return column{}, err
		}
		c.consts = nil
	case len(c.flow) > 0 && c.consts != nil && to == nil:
		out, err := a.besideRecord(c.flow[0], pos)
		if err != nil {
			return column{}, err
		}
		out.Exact = true
		if err := a.settleSealed(c.consts, out); err != nil {
			return column{}, err
		}
		c.consts = nil
		c.flow[0].from = nil // it may be the constant, which no row has
	}
	return c, nil
}

const besideHint = "a constant beside the column is sealed for the same partition, which is not known here: fix it in the WHERE clause, run with sealsql.WithPartition, or select the column alone"

// besideRecord says how a constant is sealed that stands beside a record.
func (a *analysis) besideRecord(s sealed, pos int) (Out, error) {
	var value *Value
	switch s.part.kind {
	case partConst:
	case partValue:
		value = s.part.value
	default:
		return Out{}, a.refuse(pos, ReasonPartition, s.col.String(), besideHint)
	}
	part, ok := a.partition(s.col.Table, value)
	if !ok {
		return Out{}, a.refuse(pos, ReasonPartition, s.col.String(), besideHint)
	}
	out := Out{Seal: s.col, Partition: part}
	if s.col.BindsRow() {
		if s.row.kind != partValue {
			return Out{}, a.refuse(pos, ReasonRow, s.col.String(), besideRowHint)
		}
		out.Row = s.row.value
	}
	return out, nil
}

// scalar is the value of a subquery: its row is another one, so that nothing
// of it is known but the value.
func (a *analysis) scalar(x *Subquery, sc *scope) (column, error) {
	a.ranges.valueOf(x.Query)
	cols, err := a.query(x.Query, sc, false)
	a.fits(x.Query, cols)
	cols = a.textNulls(cols)
	if err != nil || len(cols) != 1 || a.openQuery(x.Query) {
		if err == nil {
			err = a.noSealed(cols, ReasonExpression, x.Start, "a subquery used as a value must yield one column")
		}
		return column{}, err
	}
	c := cols[0]
	c.computed, c.united = c.bare(), false
	c.origin, c.konst, c.hidden, c.declared = hit{}, nil, false, false
	return c, nil
}

// noSealed requires that columns are clear, and settles constants among them.
func (a *analysis) noSealed(cols []column, why Reason, pos int, hint string) error {
	for i := range cols {
		if f := cols[i].flow; len(f) > 0 {
			return a.refuse(pos, why, f[0].col.String(), hint)
		}
		if h := cols[i].hashed; h != nil {
			return a.refuse(pos, why, h.index.Of.String(), hint)
		}
		if c := cols[i].consts; c != nil {
			if err := a.settleClear(c, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// valueForm says which arguments of a function are handed on.
type valueForm struct {
	// from and to are the first argument that is handed on and the last; to is
	// -1 for the last one there is. others must be clear.
	from, to int
	// test is the index of an argument that is tested for NULL; -1 without.
	test int
	// deflt is the index of an argument that takes the place of a missing row.
	deflt int
	// moves is set where the value comes from another row than the one that it
	// stands in; over where the function needs OVER.
	moves, over bool
}

var (
	firstNotNull = &valueForm{from: 0, to: -1, test: -1, deflt: -1}
	choice       = &valueForm{from: 1, to: -1, test: -1, deflt: -1}
	nullChoice   = &valueForm{from: 1, to: 2, test: 0, deflt: -1}
	anyOfGroup   = &valueForm{from: 0, to: 0, test: -1, deflt: -1, moves: true}
	ofWindow     = &valueForm{from: 0, to: 0, test: -1, deflt: -1, moves: true, over: true}
	ofOffset     = &valueForm{from: 0, to: 0, test: -1, deflt: 2, moves: true, over: true}
)

// valueForms are the functions that return one of their arguments, or one of
// the values of their argument, unchanged.
var valueForms = map[Dialect]map[string]*valueForm{
	Postgres: {
		"coalesce": firstNotNull, "any_value": anyOfGroup, "first_value": ofWindow, "last_value": ofWindow,
		"nth_value": ofWindow, "lag": ofOffset, "lead": ofOffset,
	},
	MySQL: {
		"coalesce": firstNotNull, "ifnull": firstNotNull, "nvl": firstNotNull, "if": choice, "nvl2": nullChoice, "any_value": anyOfGroup,
		"first_value": ofWindow, "last_value": ofWindow, "nth_value": ofWindow, "lag": ofOffset, "lead": ofOffset,
	},
	SQLite: {
		"coalesce": firstNotNull, "ifnull": firstNotNull, "iif": choice, "if": choice,
		"first_value": ofWindow, "last_value": ofWindow, "nth_value": ofWindow, "lag": ofOffset, "lead": ofOffset,
	},
}

// handsOn returns the form of a call that hands a value on, or nil.
func (a *analysis) handsOn(c *Call) *valueForm {
	name := c.Name[len(c.Name)-1]
	form := valueForms[a.dialect][strings.ToLower(name.Name)]
	if form == nil || c.Star || c.Distinct || len(c.Args) < form.from+1 || form.over != c.Over || form.test >= len(c.Args) {
		return nil
	}
	if a.dialect == Postgres && form == firstNotNull && c.Attr != "keyword" {
		return nil // a routine that is called like the keyword
	}
	if a.dialect == SQLite && form == choice && len(c.Args) > 3 {
		return nil // several conditions
	}
	return form
}

func (a *analysis) callValue(x *Call, form *valueForm, sc *scope, why Reason, to *sink) (column, error) {
	if err := a.function(x); err != nil {
		return column{}, err
	}
	last := form.to
	if last < 0 {
		last = len(x.Args) - 1
	}
	var values []Expr
	for i, e := range x.Args {
		var err error
		switch {
		case i == form.test:
			err = a.nullTest(e, sc, why)
		case i >= form.from && i <= last || i == form.deflt:
			values = append(values, e)
		default:
			err = a.conditions([]Expr{e}, false, sc, why)
		}
		if err != nil {
			return column{}, err
		}
	}
	if err := a.partitionKeys(x.Extra, sc); err != nil {
		return column{}, err
	}
	if err := a.clearAll(x.Extra, sc, inner(why, ReasonOrder)); err != nil {
		return column{}, err
	}
	if form.moves {
		to = nil // the default of another row's value is not assigned by itself
	}
	c, err := a.oneOf(values, x.Start, sc, inner(why, ReasonFunction), to)
	if err != nil {
		return column{}, err
	}
	c.name = strings.ToLower(x.Name[len(x.Name)-1].Name)
	if form.moves {
		c.flow = moved(c.flow)
	}
	return c, nil
}

// moved forgets the row that values come from.
func moved(f flow) flow {
	out := append(flow(nil), f...)
	for i := range out {
		out[i].from = nil
		for _, p := range []*partRef{&out[i].part, &out[i].row} {
			if p.kind == partRow {
				*p = partRef{kind: partLost}
			}
		}
	}
	return out
}

// nullTest analyses an expression of which only NULL or not NULL is seen.
func (a *analysis) nullTest(e Expr, sc *scope, why Reason) error {
	x := e
	cast, ok := e.(*Cast)
	if ok {
		x = cast.X
	}
	if p, ok := x.(*Param); ok {
		a.use(paramUse{param: p, null: true, cast: cast})
		if cast != nil {
			return a.castRuns(cast)
		}
		return nil
	}
	if !a.handing(e) {
		return a.clear(e, sc, inner(why, ReasonExpression))
	}
	c, err := a.value(e, sc, inner(why, ReasonExpression), nil)
	if err != nil || c.consts == nil || c.null {
		return err
	}
	return a.settleClear(c.consts, false)
}

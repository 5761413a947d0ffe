package rewrite

import (
	"slices"

	"github.com/sealsql/sealsql/schema"
)

// constants are parameters and literals that give one value (a select item, a
// column of a VALUES list) of which it is not known yet what takes it. If that
// is an encrypted column, all of them are sealed for it; if it is anything
// else, all of them go out in clear. Both at once refuses the statement, since
// one of the two would be wrong.
type constants struct {
	up     *constants // joined with others, which decide
	list   []fixed
	sealed *Out
	clear  bool
	// declared is set where a clear column that is known takes the value
	// (threats T4).
	declared bool
	// compared says of which index they become the hashes; nil where it is not so.
	// array is set for the elements of an array.
	compared *indexedBy
	array    bool
}

// fixed is one of them: a Param or Literal, perhaps under casts, of which cast is
// the outermost.
type fixed struct {
	expr Expr
	cast *Cast
}

// whole is the constant with its casts.
func (f fixed) whole() Expr {
	if f.cast != nil {
		return f.cast
	}
	return f.expr
}

func (c *constants) root() *constants {
	for c.up != nil {
		c = c.up
	}
	return c
}

// constant makes the constants of an expression that is nothing but one; nil
// for all others, and for NULL, which needs nothing unless its type is written.
func (a *analysis) constant(e Expr) *constants {
	f := fixed{expr: e}
	if cast, ok := e.(*Cast); ok {
		f = fixed{expr: unwrapped(e), cast: cast}
	}
	switch x := f.expr.(type) {
	case *Param:
	case *Literal:
		if x.Kind == LitNull && f.cast == nil {
			return nil
		}
	default:
		return nil
	}
	c := &constants{list: []fixed{f}}
	a.undecided = append(a.undecided, c)
	if a.byAlias[e] {
		a.byName(e)
	}
	return c
}

// joined makes two sets share one decision.
func (a *analysis) joined(c, d *constants) (*constants, error) {
	c, d = c.root(), d.root()
	switch {
	case c == d:
	case c.compared != nil:
		return nil, a.twice(d, c.compared.index.Of)
	case d.compared != nil:
		return nil, a.twice(c, d.compared.index.Of)
	case c.array || d.array:
		if err := a.settleClear(c, false); err != nil {
			return nil, err
		}
		return c, a.settleClear(d, false)
	case c.sealed != nil && d.sealed == nil && (d.nothing() || !c.nothing()):
		return c, a.settleSealed(d, *c.sealed)
	case d.sealed != nil && c.sealed == nil && (c.nothing() || !d.nothing()):
		return d, a.settleSealed(c, *d.sealed)
	case c.clear || d.clear:
		if err := a.settleClear(c, false); err != nil {
			return nil, err
		}
		return c, a.settleClear(d, false)
	case c.sealed != nil && d.sealed == nil:
		return nil, a.twice(d, c.sealed.Seal)
	case d.sealed != nil && c.sealed == nil:
		return nil, a.twice(c, d.sealed.Seal)
	case c.sealed != nil:
		if !sameOut(*c.sealed, *d.sealed) {
			return nil, a.twice(d, c.sealed.Seal)
		}
	default:
		c.list = append(c.list[:len(c.list):len(c.list)], d.list...)
		d.up = c
	}
	return c, nil
}

// settleClear notes that something other than an encrypted column takes the
// constants. declared says that it is a clear column that is known.
func (a *analysis) settleClear(c *constants, declared bool) error {
	c = c.root()
	switch {
	case c.compared != nil:
		return a.twice(c, c.compared.index.Of)
	case c.sealed != nil:
		return a.twice(c, c.sealed.Seal)
	case c.clear && (declared || !c.declared):
		return nil
	}
	c.clear, c.declared = true, declared
	for _, f := range c.list {
		if declared && f.cast == nil {
			if p, ok := f.expr.(*Param); ok {
				a.useParam(p, true)
			}
			continue
		}
		if err := a.clear(f.whole(), nil, ReasonExpression); err != nil {
			return err
		}
	}
	return nil
}

// settleSealed seals the constants as out says.
func (a *analysis) settleSealed(c *constants, out Out) error {
	c = c.root()
	if c.clear || c.compared != nil || c.array {
		return a.twice(c, out.Seal)
	}
	if c.sealed != nil {
		if !sameOut(*c.sealed, out) && !(c.nothing() && c.sealed.Seal.Carrier == out.Seal.Carrier && out.Seal.Type.Kind == schema.KindText) {
			return a.twice(c, out.Seal)
		}
		return nil
	}
	if e := a.numberBeside(c, out.Seal); e != nil {
		return a.refuse(e.Pos(), ReasonExpression, out.Seal.String(), "the server may make a number of the parameter beside it; write the number in quotes")
	}
	c.sealed = &out
	for _, f := range c.list {
		if err := a.sealInside(f, out); err != nil {
			return err
		}
	}
	return nil
}

// numberBeside returns a number that stands beside a parameter where no number is
// stored. MySQL, unlike MariaDB, prepares COALESCE(?, 7) with a parameter that is a
// number: of '012' it stores '12'.
func (a *analysis) numberBeside(c *constants, col *schema.Column) (number Expr) {
	if a.dialect != MySQL || a.session.MariaDB || isNumber(&col.Type) {
		return nil
	}
	beside := false
	for _, f := range c.list {
		switch x := f.expr.(type) {
		case *Param:
			beside = beside || f.cast == nil
		case *Literal:
			if number == nil && (x.Kind == LitNumber || x.Kind == LitBool) {
				number = x
			}
		}
	}
	if !beside {
		return nil
	}
	return number
}

// twice refuses constants that would have to be two things.
func (a *analysis) twice(c *constants, col *schema.Column) error {
	return a.refuse(c.list[0].expr.Pos(), ReasonClearUse, col.String(),
		"the value goes into this column and somewhere else as well; write it once for each")
}

// sealInside seals a constant that stands inside an expression or a query. The
// server must take it for what the column holds, which a cast tells it, where
// it would otherwise guess from the constant alone.
func (a *analysis) sealInside(f fixed, out Out) error {
	col := out.Seal
	if isNull(f.expr) {
		return a.nullFor(f, col, carrierType(a.dialect, col.Carrier))
	}
	if col.Carrier == schema.CarrierAsherah {
		return a.refuse(f.expr.Pos(), ReasonExpression, col.String(), "constants of columns in Asherah's format stand alone where they are assigned")
	}
	if err := a.sealUncast(f.whole(), out); err != nil {
		return err
	}
	if !a.handedOn(f.cast, a.seals.at(f.expr).Casts, &col.Type) {
		return a.refuse(f.cast.Start, ReasonComputed, col.String(), castHint)
	}
	if out.Exact {
		if err := a.exact(f.expr, col); err != nil {
			return err
		}
		_, _, label := a.seals.at(f.expr).Casts.Labels()
		if f.cast != nil && a.dialect != SQLite && !label && (a.seals.at(f.expr).Casts != "" || col.Type.Kind != schema.KindText && !a.sameUnder(&col.Type, f.cast.Type)) {
			return a.refuse(f.cast.Start, ReasonExpression, col.String(), "the cast makes another type of the column; cast to the column's own type")
		}
		a.seals.at(f.expr).Exact = true
	}
	if a.carried == nil {
		a.carried = map[Expr]bool{}
	}
	a.carried[f.expr] = true
	return nil
}

// nullFor gives NULL the type of what is stored, or of its index.
func (a *analysis) nullFor(f fixed, col *schema.Column, typ string) error {
	l, ok := f.expr.(*Literal)
	if f.cast != nil || !ok {
		return a.dropType(f.cast, col, typ)
	}
	if col.Carrier == schema.CarrierAsherah || col.Type.Kind != schema.KindText {
		return a.refuse(l.Start, ReasonComputed, col.String(), "the server takes this NULL for a text; write NULL itself, or its type as that of the column")
	}
	a.typeNull(l, typ)
	return nil
}

// dropType takes the type of a NULL away, which is no longer that of the column.
// PostgreSQL takes no type of another kind, and in a query or a form a NULL without
// a type for a text: there it gets the type that is stored.
func (a *analysis) dropType(c *Cast, col *schema.Column, typ string) error {
	t, err := schema.ParseType(c.Type)
	if a.dialect == MySQL && a.session.MariaDB && err == nil && t.Kind == schema.KindJSON {
		return a.refuse(c.Start, ReasonComputed, col.String(), "MariaDB has no cast to JSON")
	}
	_, label := a.enumerates(c, &col.Type)
	if !label && a.dialect == Postgres && (err != nil || t.Kind != col.Type.Kind) {
		return a.refuse(c.Start, ReasonComputed, col.String(), "write NULL, or its type as that of the column")
	}
	if a.dialect == Postgres && col.Carrier != schema.CarrierAsherah {
		a.retype(c, typ)
		return nil
	}
	a.dropCasts(c)
	return nil
}

// retype makes the cast of a NULL, with those inside it, one to another type.
func (a *analysis) retype(c *Cast, typ string) {
	if a.retyped == nil {
		a.retyped = map[*Cast]string{}
	}
	a.dropCast(c)
	a.retyped[c] = typ
}

// dropCasts leaves out all casts around a constant.
func (a *analysis) dropCasts(e Expr) {
	for {
		c, ok := e.(*Cast)
		if !ok {
			return
		}
		a.dropCast(c)
		e = c.X
	}
}

func (a *analysis) dropCast(c *Cast) {
	if a.casts == nil {
		a.casts = map[*Cast]Expr{}
	}
	a.casts[c] = c.X
}

// exact refuses constants that a query would show otherwise than the column
// would store them: 1.5 beside an integer column, a number beside a text. What
// the plan cannot see (the value of an argument) the driver checks.
func (a *analysis) exact(e Expr, col *schema.Column) error {
	if a.dialect == SQLite || a.shows(e, &col.Type) {
		return nil
	}
	return a.refuse(e.Pos(), ReasonExpression, col.String(),
		"the server would show the value otherwise than the column stores it; select the column and put the value in in the application")
}

// shows reports whether a constant beside a column of this type is shown as
// the column would store it. On PostgreSQL the type of the whole is that of
// the column without its length; MySQL mixes the types of all parts.
func (a *analysis) shows(e Expr, t *schema.Type) bool {
	plain := !t.Fixed && !t.HasPrecision && !t.HasFraction && !t.Unsigned
	text := t.Kind == schema.KindText && plain
	integer := t.Kind == schema.KindInt && plain
	l, literal := e.(*Literal)
	if !literal {
		return text || integer || a.dialect == Postgres && plain
	}
	switch l.Kind {
	case LitString:
		return text || a.dialect == Postgres && plain
	case LitNumber:
		return integer && allDigits(l.Value)
	case LitBool:
		return a.dialect == Postgres && t.Kind == schema.KindBool
	}
	return false
}

func allDigits(s string) bool {
	if len(s) > 1 && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// settle decides what nothing has decided: it goes out in clear. A result
// column whose constants were sealed for another use is opened.
func (a *analysis) settle() error {
	for i := range a.results {
		c := &a.results[i]
		if c.consts == nil {
			continue
		}
		if by := c.consts.root().compared; by != nil {
			return a.twice(c.consts.root(), by.index.Of)
		}
		if err := a.echo(c); err != nil {
			return err
		}
		if out := c.consts.root().sealed; out != nil && !c.consts.nothing() {
			c.flow, c.consts = flow{{col: out.Seal, part: partOf(out.Partition), row: rowOf(out)}}, nil
		}
	}
	for _, c := range a.undecided {
		if r := c.root(); r.sealed == nil && !r.clear && r.compared == nil {
			if err := a.settleClear(r, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// echo seals an argument that the statement shows and binds to an encrypted column as
// well, on PostgreSQL, where both are one value of one type: SELECT $1 … WHERE c = $1.
func (a *analysis) echo(c *column) error {
	root := c.consts.root()
	if a.dialect != Postgres || root.sealed != nil || root.clear || root.array || len(root.list) != 1 || root.list[0].cast != nil || a.prepares != nil {
		return nil
	}
	p, ok := root.list[0].expr.(*Param)
	if !ok {
		return nil
	}
	items, _ := topItems(a.top)
	at := slices.IndexFunc(items, func(it SelectItem) bool { return it.Expr == Expr(p) })
	if at < 0 {
		return nil
	}
	for i := range a.params {
		u := &a.params[i]
		if u.seal == nil || u.param.N != p.N || u.param == p {
			continue
		}
		t := u.seal.Table
		if t.Partition.Kind != schema.PartitionConst || u.seal.BindsRow() || u.seal.Type.Kind != schema.KindText || u.seal.Type.Fixed || u.seal.Type.Length > 0 || u.seal.Type.Base == "citext" {
			return nil
		}
		part, _ := a.partition(t, nil)
		if items[at].Alias == nil {
			a.keepAs(&items[at], "?column?") // PostgreSQL would name it after the cast
		}
		return a.settleSealed(root, Out{Seal: u.seal, Partition: part, Exact: true})
	}
	return nil
}

// partOf is where a value that was sealed for this partition finds it.
func partOf(p PartitionSource) partRef {
	if p.Value != nil {
		return partRef{kind: partValue, value: p.Value}
	}
	return partRef{kind: partConst}
}

// byName notes that a name means a result column by its alias: where that is a
// constant, it is used in clear. The name may be met before the list or after.
func (a *analysis) byName(e Expr) {
	for _, c := range a.undecided {
		r := c.root()
		for _, f := range r.list {
			if f.expr == e || f.cast != nil && Expr(f.cast) == e {
				if err := a.settleClear(r, false); err != nil && a.late == nil {
					a.late = err
				}
				return
			}
		}
	}
	if a.byAlias == nil {
		a.byAlias = map[Expr]bool{}
	}
	a.byAlias[e] = true
}

func isNumber(t *schema.Type) bool {
	switch t.Kind {
	case schema.KindInt, schema.KindFloat, schema.KindNumeric, schema.KindBool:
		return true
	}
	return false
}

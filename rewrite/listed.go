package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Encrypted columns that are compared with columns of constants: of a list of values,
// or of an array that is unnested.
//
//	UPDATE t SET note = v.note FROM (VALUES ($1, $2), ($3, $4)) v (c, note) WHERE t.c = v.c
//	SELECT … WHERE (a, c) = ANY (SELECT x, y FROM unnest($1::int[]) x, unnest($2::int[]) y)
//
// The constants become hashes where they stand. Nothing else may look at the column then:
// what does is refused, whichever of the two comes first (constants.go).

// listedConstants are the constants of a column that an encrypted one is compared with;
// nil where the operand is anything else.
func (a *analysis) listedConstants(e Expr, sc *scope) *constants {
	ref, ok := e.(*ColumnRef)
	if !ok {
		return nil
	}
	h, _, found, err := a.resolve(ref, sc)
	if err != nil || !found || h.rel == nil || h.col < 0 || len(h.flow()) > 0 || !a.genuine(ref, h) {
		return nil
	}
	return h.rel.cols[h.col].consts
}

// settleCompared makes the constants hashes of an index.
func (a *analysis) settleCompared(c *constants, index *schema.Equality, part PartitionSource) error {
	c = c.root()
	switch {
	case c.clear || c.sealed != nil:
		return a.twice(c, index.Of)
	case c.compared != nil:
		if c.compared.index != index || !a.samePartitions(c.compared.part, part) {
			return a.twice(c, index.Of)
		}
		return nil
	}
	c.compared = &indexedBy{index: index, part: part}
	for _, f := range c.list {
		if err := a.hashInside(f, c.array, index, part); err != nil {
			return err
		}
	}
	return nil
}

const listedHint = "compare the column with constants of its own type: a cast to it tells the server, which takes an argument in a list of values for a text"

// hashInside makes one constant a hash, and tells the server that it is bytes.
func (a *analysis) hashInside(f fixed, array bool, index *schema.Equality, part PartitionSource) error {
	if !a.comparesListed(f, array, index) || a.prepares != nil || a.inlines() {
		return a.refuse(f.expr.Pos(), ReasonPredicate, index.Of.String(), listedHint)
	}
	var err error
	switch {
	case array:
		err = a.arrayTerm(f.whole(), index, part)
	case isNull(f.expr):
		return a.nullFor(f, index.Of, nullType(a.dialect, index))
	default:
		err = a.term(f.whole(), index, part)
	}
	if err != nil {
		return err
	}
	a.hand(f.expr) // it may be one of those that a form chooses from
	return nil
}

// comparesListed reports that the server compares the column of a list, whose type is
// that of its constants, with the encrypted one as it compares the constant itself: a
// text by its bytes, a number as a number. On SQLite such a column has no affinity, as
// a constant has none; MySQL's has a collation of its own.
func (a *analysis) comparesListed(f fixed, array bool, index *schema.Equality) bool {
	t := &index.Of.Type
	if t.Kind == schema.KindText && (t.Fixed || strings.EqualFold(t.Declared, "citext") || !comparesBytes(index)) {
		return false
	}
	switch a.dialect {
	case SQLite:
		return f.cast == nil
	case Postgres:
	default:
		return false
	}
	if f.cast != nil {
		_, nested := f.cast.X.(*Cast)
		return !nested && (array || isNull(f.expr) || a.sameUnder(t, f.cast.Type))
	}
	l, literal := f.expr.(*Literal)
	switch {
	case array:
		return false
	case isNull(f.expr):
		return true
	case !literal || l.Kind == LitString:
		return t.Kind == schema.KindText
	case l.Kind == LitNumber:
		return t.Kind == schema.KindInt && allDigits(l.Value)
	}
	return l.Kind == LitBool && t.Kind == schema.KindBool
}

// listsCompared reports that a query yields constants for an encrypted column among the
// operands that it is compared with.
func (a *analysis) listsCompared(left []Expr, cols []column, sc *scope) bool {
	for i, e := range left {
		ref, ok := e.(*ColumnRef)
		if !ok || i >= len(cols) || cols[i].consts == nil || len(cols[i].flow) > 0 {
			continue
		}
		if h, _, found, err := a.resolve(ref, sc); err == nil && found && len(h.flow()) > 0 {
			return true
		}
	}
	return false
}

// compareListed plans the comparison of an encrypted column with constants that a query
// yields; whole is the operand that it is, or is an item of.
func (a *analysis) compareListed(e, whole Expr, consts *constants, sc *scope) error {
	ref, ok := e.(*ColumnRef)
	if !ok {
		return a.refuse(e.Pos(), ReasonPredicate, "", formHint)
	}
	h, err := a.lookUp(ref, sc)
	if err != nil {
		return err
	}
	index, err := a.indexAt("=", false, ref, h, 0)
	if err != nil {
		return err
	}
	part, err := a.sharedPartition(index, []*ColumnRef{ref}, []hit{h})
	if err == nil {
		err = a.found(index, []Expr{whole}, []*ColumnRef{ref}, []hit{h})
	}
	if err == nil {
		err = a.refIndex(ref, h)
	}
	if err != nil {
		return err
	}
	return a.settleCompared(consts, index, part)
}

// unnested is PostgreSQL's unnest in FROM of arrays whose elements are of known types:
// each is a column of constants. It is nil for everything else.
func (a *analysis) unnested(f *FuncTable, sc *scope) (*relation, error) {
	if a.dialect != Postgres || len(f.Calls) != 1 || f.Attr != "" {
		return nil, nil
	}
	c, ok := f.Calls[0].(*Call)
	if !ok || len(c.Name) != 1 || !strings.EqualFold(c.Name[0].Name, "unnest") || c.Star || c.Distinct || c.Over || len(c.Extra) > 0 ||
		len(c.Args) == 0 || a.cat.Routine(c.Name) || a.cat.Declared(c.Name) {
		return nil, nil
	}
	for _, e := range c.Args {
		if !unnests(e) {
			return nil, nil
		}
	}
	if err := a.function(c); err != nil {
		return nil, err
	}
	name := "unnest"
	r := &relation{alias: Ident{Name: name}, partCol: -1, pos: f.Start}
	if f.Alias != nil {
		if r.alias = *f.Alias; len(c.Args) == 1 {
			name = f.Alias.Name
		}
	}
	for i, e := range c.Args {
		cast, _ := e.(*Cast)
		if err := a.castsRun(cast); err != nil {
			return nil, err
		}
		consts := &constants{list: []fixed{{expr: cast.X, cast: cast}}, array: true}
		a.undecided = append(a.undecided, consts)
		col := column{name: name, consts: consts, computed: true}
		if i < len(f.ColumnAliases) {
			col.name = f.ColumnAliases[i].Name
		}
		r.cols = append(r.cols, col)
	}
	return r, nil
}

// unnests reports an array whose elements are no rows: an argument under a cast to an
// array of a known type.
func unnests(e Expr) bool {
	c, ok := e.(*Cast)
	if !ok {
		return false
	}
	element, array := strings.CutSuffix(c.Type, "[]")
	_, known := castType(element)
	_, param := c.X.(*Param)
	return array && known && param
}

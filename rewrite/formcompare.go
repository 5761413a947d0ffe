package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Comparisons of forms that hand encrypted values on: c = COALESCE($1, c),
// COALESCE(c, 'none') = $1, CASE WHEN a THEN c ELSE d END <> $1,
// NULLIF(c, '') IS NOT DISTINCT FROM $1. Indexes of one kind take the place of all
// values that are handed on: the server chooses among them as it would among the
// values, and two of them are equal exactly if the values are.

const formCompareHint = "a form that is compared hands on columns of one search group, parameters, literals and NULL"

// formTerms are the parts of a comparison.
type formTerms struct {
	a      *analysis
	forms  int
	refs   []*ColumnRef
	consts []formConst
	// conds are the conditions of the forms, with what they are.
	conds []formCondition
	calls []*Call
	// typed is the number of constants that have a type of their own, values that
	// of those which are not NULL.
	typed, values int
}

type formConst struct {
	expr Expr
	// inside a form, whose type the constant takes part in.
	inside bool
}

type formCondition struct {
	exprs   []Expr
	operand bool // the first one is compared with the others
	null    bool // tested for NULL
}

// compareForms plans such a comparison. done is false where no operand is a form
// over an encrypted column.
func (a *analysis) compareForms(name string, args []Expr, sc *scope) (done bool, err error) {
	if !slices.ContainsFunc(args, isForm) || !indexComparisons[name] {
		return false, nil
	}
	t := &formTerms{a: a}
	texts, nulls := -1, false // where a form begins that the server takes for a text; whether it is of NULL alone
	for _, e := range args {
		refs, typed, values := len(t.refs), t.typed, t.values
		if !t.take(e, false) {
			return false, nil
		}
		if a.dialect == Postgres && len(t.refs) == refs && t.typed == typed && !isConstant(e) {
			texts, nulls = e.Pos(), nulls || t.values == values
		}
	}
	if t.forms == 0 || len(t.refs) == 0 {
		return false, nil
	}
	hits := make([]hit, len(t.refs))
	for i, ref := range t.refs {
		h, _, found, err := a.resolve(ref, sc)
		if err != nil || !found || len(h.flow()) == 0 || h.flow()[0].col.Equality == nil {
			return false, nil // reported where the operands are walked
		}
		hits[i] = h
		if c := h.flow()[0].col; texts >= 0 && (nulls || c.Type.Kind != schema.KindText) {
			return true, a.refuse(texts, ReasonPredicate, c.String(), "the server takes the constants for texts; write their type beside one of them")
		}
	}
	_, left := args[0].(*ColumnRef)
	bare := left || name != "IN" && a.anyColumn(args)
	return true, t.plan(hits, bare, sc)
}

// isForm reports what may hand values on.
func isForm(e Expr) bool {
	switch e.(type) {
	case *Case, *Call:
		return true
	}
	return false
}

func (a *analysis) anyColumn(es []Expr) bool {
	for _, e := range es {
		if _, ok := e.(*ColumnRef); ok {
			return true
		}
	}
	return false
}

// take collects what an operand hands on.
func (t *formTerms) take(e Expr, inside bool) bool {
	switch x := e.(type) {
	case *ColumnRef:
		t.refs = append(t.refs, x)
		return true
	case *Param:
		t.consts = append(t.consts, formConst{x, inside})
		t.values++
		return true
	case *Literal:
		t.consts = append(t.consts, formConst{x, inside})
		if x.Kind != LitNull {
			t.values++
		}
		if x.Kind != LitString && x.Kind != LitNull {
			t.typed++
		}
		return true
	case *Cast:
		t.consts = append(t.consts, formConst{x, inside})
		t.typed++
		return isConstant(x)
	case *Case:
		return t.caseForm(x)
	case *Call:
		return t.call(x)
	}
	return false
}

func (t *formTerms) caseForm(x *Case) bool {
	t.forms++
	c := formCondition{operand: x.Operand != nil}
	if x.Operand != nil {
		c.exprs = append(c.exprs, x.Operand)
	}
	ok := true
	for _, w := range x.Whens {
		c.exprs = append(c.exprs, w.Cond)
		ok = ok && t.take(w.Then, true)
	}
	t.conds = append(t.conds, c)
	return ok && (x.Else == nil || t.take(x.Else, true))
}

func (t *formTerms) call(x *Call) bool {
	t.forms++
	t.calls = append(t.calls, x)
	if t.a.isNullif(x) {
		_, column := x.Args[0].(*ColumnRef)
		_, other := x.Args[1].(*ColumnRef)
		return column && (other || isConstant(x.Args[1])) && t.take(x.Args[0], true) && t.take(x.Args[1], false)
	}
	form := t.a.handsOn(x)
	if form == nil || form.moves || len(x.Extra) > 0 {
		return false
	}
	for i, e := range x.Args {
		switch {
		case form.hands(i, len(x.Args)):
			if !t.take(e, true) {
				return false
			}
		default:
			t.conds = append(t.conds, formCondition{exprs: []Expr{e}, null: i == form.test})
		}
	}
	return true
}

// isNullif reports NULLIF of two values.
func (a *analysis) isNullif(x *Call) bool {
	return len(x.Name) == 1 && strings.EqualFold(x.Name[0].Name, "nullif") && len(x.Args) == 2 && !x.Star && !x.Distinct && !x.Over &&
		len(x.Extra) == 0 && (a.dialect != Postgres || x.Attr == "keyword") && a.function(x) == nil
}

// plan puts indexes in the place of values. bare says that a column is compared
// by itself: SQLite then converts the other side as it does for the column.
func (t *formTerms) plan(hits []hit, bare bool, sc *scope) error {
	a := t.a
	var index *schema.Equality
	for i, h := range hits {
		e, err := a.indexAt("=", false, t.refs[i], h, 0)
		if err != nil {
			return err
		}
		if index != nil && !index.Joins(e) || !bare && a.dialect == SQLite && ignoresCase(e) {
			return a.refuse(t.refs[i].Start, ReasonPredicate, e.Of.String(), formCompareHint)
		}
		index = e
	}
	part, err := a.sharedPartition(index, t.refs, hits)
	if err == nil {
		err = a.found(index, nil, t.refs, hits)
	}
	if err != nil {
		return err
	}
	for i, ref := range t.refs {
		if err := a.refIndex(ref, hits[i]); err != nil {
			return err
		}
	}
	for _, c := range t.consts {
		if err := t.constant(c, index, part, bare); err != nil {
			return err
		}
	}
	for _, c := range t.calls {
		if err := a.function(c); err != nil {
			return err
		}
	}
	for _, c := range t.conds {
		if c.null {
			err = a.nullTest(c.exprs[0], sc, ReasonPredicate)
		} else {
			err = a.conditions(c.exprs, c.operand, sc, ReasonPredicate)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// constant makes a constant its index. The type of a form is that of its parts:
// inside it, a constant must be one that the column would show as it is.
func (t *formTerms) constant(c formConst, index *schema.Equality, part PartitionSource, bare bool) error {
	a := t.a
	if c.inside && !isNull(unwrapped(c.expr)) {
		if err := a.exact(unwrapped(c.expr), index.Of); err != nil {
			return err
		}
	}
	if err := a.term(c.expr, index, part); err != nil || isNull(c.expr) {
		return err
	}
	e := unwrapped(c.expr)
	a.hand(e)
	if a.dialect == SQLite && !bare {
		a.seals.at(e).Exact = true // taken as it is, as the server would
	}
	return nil
}

// hand notes a constant that a form hands on to a comparison: conditions of the form
// must not look at arguments (testedValues), and its hash is told to be bytes.
func (a *analysis) hand(e Expr) {
	if a.carried == nil {
		a.carried = map[Expr]bool{}
	}
	if a.eq.handed == nil {
		a.eq.handed = map[Expr]bool{}
	}
	a.carried[e], a.eq.handed[e] = true, true
}

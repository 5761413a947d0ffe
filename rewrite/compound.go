package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Compound indexes in conditions. Where conditions that AND joins give every
// column of an index a value, the encrypted ones are compared through it:
//
//	status = $1 AND city = $2   →   status = $1 AND "by_status_city_bidx" = $3
//
// with the hash of both values for $3. Clear columns are compared as they are.
// Of two encrypted columns both become the index column, compared with one hash.
// That is NULL where the condition was false and another column NULL, so that it
// is done only where a row counts if the condition is true: in WHERE and under
// AND and OR there.

// combining is what a statement does with compound indexes.
type combining struct {
	// refs are the references that become the column of an index, values what
	// goes out for the values beside them.
	refs   map[*ColumnRef]*schema.Compound
	values map[Expr]*combination
	// dropped are columns of conflict targets that the index of another one stands
	// for, with what goes out of the text.
	dropped map[Expr]Span
}

// combination is a value that goes out as the index of several.
type combination struct {
	index  *schema.Compound
	part   PartitionSource
	values *Combined
}

// equated is a column that a condition gives a value, or several (IN).
type equated struct {
	ref    *ColumnRef
	at     hit
	values []Expr
	// row is set for (a, b) IN ((…), …): values of one number belong together.
	row Expr
}

// combine finds the conditions of a WHERE that compound indexes answer.
func (a *analysis) combine(e Expr, sc *scope) {
	if e == nil || !slices.ContainsFunc(sc.rels, func(r *relation) bool {
		return r.view == nil && r.annotated() != nil && len(r.annotated().Compounds) > 0
	}) {
		return
	}
	a.combineUnder(e, sc, nil)
}

// combineUnder does so for a part of a WHERE that counts only where the clear
// columns of given have these values.
func (a *analysis) combineUnder(e Expr, sc *scope, given []equated) {
	list := given[:len(given):len(given)]
	conds := conjuncts(e)
	for _, cond := range conds {
		list = append(list, a.equations(cond, sc)...)
	}
	a.combineAll(sc, list)
	clear := slices.DeleteFunc(slices.Clone(list), func(e equated) bool { return len(e.at.flow()) > 0 || e.row != nil })
	for _, cond := range conds {
		if o, ok := cond.(*Op); ok && o.Name == "OR" {
			for _, arm := range o.Args {
				a.combineUnder(arm, sc, clear)
			}
		}
	}
}

// combineAll plans what columns that are given values answer together.
func (a *analysis) combineAll(sc *scope, list []equated) {
	if len(list) < 2 {
		return
	}
	for _, r := range sc.rels {
		t := r.annotated()
		if t == nil || r.view != nil {
			continue
		}
		for _, x := range t.Compounds {
			if x.Searched() {
				a.combineBy(x, r, list)
			}
		}
	}
}

// equations lists the columns that a condition gives values.
func (a *analysis) equations(cond Expr, sc *scope) []equated {
	switch x := cond.(type) {
	case *Op:
		if x.Name != "=" || len(x.Args) != 2 {
			return nil
		}
		left, ok1 := x.Args[0].(*Row)
		right, ok2 := x.Args[1].(*Row)
		if ok1 && ok2 && len(left.Items) == len(right.Items) {
			var out []equated
			for i := range left.Items {
				out = append(out, a.equation(left.Items[i], right.Items[i:i+1], nil, sc)...)
			}
			return out
		}
		if out := a.equation(x.Args[0], x.Args[1:], nil, sc); out != nil {
			return out
		}
		return a.equation(x.Args[1], x.Args[:1], nil, sc)
	case *In:
		if x.Not || x.Query != nil {
			return nil
		}
		row, ok := x.X.(*Row)
		if !ok {
			if slices.ContainsFunc(x.List, func(e Expr) bool { return !isNull(e) }) {
				return a.equation(x.X, x.List, x, sc)
			}
			return nil
		}
		var out []equated
		for i := range row.Items {
			var values []Expr
			for _, e := range x.List {
				r, ok := e.(*Row)
				if !ok || len(r.Items) != len(row.Items) {
					return nil
				}
				values = append(values, r.Items[i])
			}
			out = append(out, a.equation(row.Items[i], values, x, sc)...)
		}
		return out
	}
	return nil
}

func (a *analysis) equation(column Expr, values []Expr, row Expr, sc *scope) []equated {
	ref, ok := column.(*ColumnRef)
	if !ok || !ref.Path[len(ref.Path)-1].Known() || slices.ContainsFunc(values, func(e Expr) bool { return plainConstant(e) == nil && !a.nullOfList(e, row) }) {
		return nil
	}
	h, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
	if err != nil || !found || h.rel == nil || h.col < 0 || !a.genuine(ref, h) {
		return nil
	}
	return []equated{{ref, h, values, row}}
}

// nullOfList reports NULL in a list for one column, which stays as it is: nothing
// equals it.
func (a *analysis) nullOfList(e, row Expr) bool {
	in, ok := row.(*In)
	if !ok || !isNull(e) {
		return false
	}
	_, rows := in.X.(*Row)
	return !rows
}

// plainConstant is the value of a parameter or literal that stands by itself.
func plainConstant(e Expr) *Value {
	switch e.(type) {
	case *Param, *Literal:
		if e.Range().Known() {
			return constant(e)
		}
	}
	return nil
}

// combineBy plans the comparisons of a table's columns by one of its indexes, if
// each of its columns is given a value.
func (a *analysis) combineBy(x *schema.Compound, r *relation, list []equated) {
	found := make([]*equated, len(x.Parts))
	var group *equated // the columns of an IN
	for i := range x.Parts {
		for k := range list {
			e := &list[k]
			if e.at.rel != r || !a.isPart(&x.Parts[i], r, e) || a.combined.refs[e.ref] != nil || found[i] != nil {
				continue
			}
			if e.row != nil && group != nil && group.row != e.row {
				return // two lists: every pair of their values would have to go out
			}
			if found[i] = e; e.row != nil {
				group = e
			}
		}
		if found[i] == nil {
			return
		}
	}
	if group != nil && !oneList(x, found) {
		return
	}
	if !slices.ContainsFunc(found, func(e *equated) bool { return len(e.at.flow()) > 0 }) {
		return
	}
	part, ok := PartitionSource{Known: true, ResultColumn: -1}, true
	if !x.TableScope {
		part, ok = a.partition(r.annotated(), r.fixed)
	}
	if !ok {
		return
	}
	if !x.TableScope {
		a.narrow(r) // rows that are found by their hash are of the partition anyway
	}
	if a.combined.refs == nil {
		a.combined.refs, a.combined.values = map[*ColumnRef]*schema.Compound{}, map[Expr]*combination{}
	}
	for i, e := range found {
		if x.Parts[i].Of == nil {
			continue
		}
		a.combined.refs[e.ref] = x
		for k, v := range e.values {
			if isNull(v) {
				continue
			}
			c := &Combined{Values: make([]Value, len(found))}
			for j, o := range found {
				c.Values[j] = *plainConstant(o.values[min(k, len(o.values)-1)])
			}
			a.combined.values[v] = &combination{x, part, c}
		}
	}
}

// oneList reports an IN whose lists can become one of hashes: every encrypted
// column is in it, and a clear one is unless it has one value.
func oneList(x *schema.Compound, found []*equated) bool {
	for i, e := range found {
		if x.Parts[i].Of != nil && e.row == nil {
			return false
		}
		// IN over a clear column alone would leave one value for the encrypted.
		if x.Parts[i].Of == nil && e.row != nil && !slices.ContainsFunc(found, func(o *equated) bool { return o.row == e.row && len(o.at.flow()) > 0 }) {
			return false
		}
	}
	return true
}

// isPart reports a reference to a column of an index: the encrypted one of the
// table itself, or a clear one that the server compares as the index does.
func (a *analysis) isPart(p *schema.Part, r *relation, e *equated) bool {
	if !strings.EqualFold(r.cols[e.at.col].name, p.Name) {
		return false
	}
	if p.Of != nil {
		f := e.at.flow()
		return len(f) == 1 && f[0].col == p.Of
	}
	return len(e.at.flow()) == 0 && comparedAlike(p, r, e.at.col)
}

// comparedAlike reports a clear column whose values the server finds equal
// exactly if the index does.
func comparedAlike(p *schema.Part, r *relation, col int) bool {
	phys := r.cols[col].phys
	if phys == nil {
		return false
	}
	if p.Type.Kind != schema.KindText {
		return true
	}
	if p.Collation == schema.CollationNone || p.Collation == schema.CollationBytes {
		return phys.BytewiseEqual
	}
	return !phys.BytewiseEqual
}

// combinedOperands plans a comparison that combine has found. done is false for
// all others.
func (a *analysis) combinedOperands(args []Expr) (done bool, err error) {
	var index *schema.Compound
	for _, e := range args {
		if ref, ok := e.(*ColumnRef); ok && a.combined.refs[ref] != nil {
			index = a.combined.refs[ref]
		}
	}
	if index == nil {
		return false, nil
	}
	for _, e := range args {
		if _, ok := e.(*ColumnRef); ok || isNull(e) {
			continue
		}
		c := a.combined.values[e]
		if c == nil {
			return true, a.refuse(e.Pos(), ReasonPredicate, index.String(), formHint)
		}
		out, err := a.indexOf(e, index, c.part)
		if err != nil {
			return true, err
		}
		out.Compared, out.Combined = true, c.values
		a.free(e)
		if p, ok := e.(*Param); ok {
			a.use(paramUse{param: p, seal: index.Column()})
		}
		a.seals.set(e, out)
	}
	return true, nil
}

// combinings write the index columns.
func (b *builder) combinings() {
	for ref, x := range b.a.combined.refs {
		if _, gone := b.a.combined.dropped[ref]; !gone {
			b.edits = append(b.edits, edit{kind: editName, span: ref.Path[len(ref.Path)-1].Span, name: x.Name})
		}
	}
	for _, at := range b.a.combined.dropped {
		b.edits = append(b.edits, edit{span: at})
	}
}

// targets compares conflict targets.
func (v verifier) targets(x, y []Expr) bool {
	if dropped := v.b.a.combined.dropped; len(dropped) > 0 {
		x = slices.DeleteFunc(slices.Clone(x), func(e Expr) bool { _, gone := dropped[e]; return gone })
	}
	return v.exprs(x, y)
}

// combinedRef compares a reference with the column of the index that it became.
func (v verifier) combinedRef(x *ColumnRef, y Expr) (done, ok bool) {
	to := v.b.a.combined.refs[x]
	if to == nil {
		return false, false
	}
	ref, isRef := y.(*ColumnRef)
	n := len(x.Path) - 1
	return true, isRef && len(ref.Path) == n+1 && idents(x.Path[:n], ref.Path[:n]) && ref.Path[n].Name == to.Name
}

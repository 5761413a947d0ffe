package rewrite

import "strings"

// NULLIF(c, v) of an encrypted column is the column, or NULL where the comparison
// through its index says so:
//
//	NULLIF(c, $1)
//	CASE WHEN "c_bidx" = $1 THEN NULL ELSE c END
//
// In the copy of a form for an index (indexform.go) it can only be tested for
// NULL, and stays what it is, over indexes: NULLIF("c_bidx", $2).

// nullified is such a call. value is the text of the column.
type nullified struct {
	call  *Call
	value string
}

const nullifHint = "NULLIF takes a column with a search index for equality, and a parameter, a literal or a column of its group"

// nullifValue plans NULLIF over an encrypted column. done is false for all
// others.
func (a *analysis) nullifValue(x *Call, sc *scope, why Reason) (c column, done bool, err error) {
	ref, ok := x.Args[0].(*ColumnRef)
	if !ok {
		return c, false, nil
	}
	h, _, found, err := a.resolve(ref, sc)
	if err != nil || !found || len(h.flow()) == 0 || h.flow()[0].col.Equality == nil {
		return c, false, nil // reported where the arguments are walked
	}
	text := a.script.Text
	from, to := ref.End, x.Args[1].Range().Start
	if a.eq.qualified[ref] != nil || !x.Known() || !ref.Known() || !x.Args[1].Range().Known() || to < from || strings.TrimSpace(text[from:to]) != "," ||
		strings.TrimSpace(text[x.Args[1].Range().End:x.End]) != ")" {
		return c, true, a.refuse(x.Start, inner(why, ReasonFunction), h.flow()[0].col.String(), nullifHint)
	}
	if c, err = a.columnValue(ref, sc); err != nil {
		return c, true, err
	}
	if done, err := a.indexCompare("=", x.Args, sc); err != nil || !done {
		return c, true, err
	}
	if a.eq.nullified == nil {
		a.eq.nullified = map[*Call]nullified{}
	}
	a.eq.nullified[x] = nullified{x, text[ref.Start:ref.End]}
	c.name, c.computed, c.origin, c.declared = "nullif", true, hit{}, false
	return c, true, nil
}

// nullifs writes the calls.
func (b *builder) nullifs() {
	for x, n := range b.a.eq.nullified {
		ref, v := x.Args[0].Range(), x.Args[1].Range()
		b.edits = append(b.edits,
			edit{span: Span{x.Start, ref.Start}, text: "CASE WHEN "},
			edit{span: Span{ref.End, v.Start}, text: " = "},
			edit{span: Span{v.End, x.End}, text: " THEN NULL ELSE " + n.value + " END"})
	}
	for it, name := range b.a.eq.named {
		b.edits = append(b.edits, edit{span: Span{it.End, it.End}, text: " AS " + b.a.front.QuoteIdent(name)})
	}
}

// keepName gives an item the name that PostgreSQL would have given it.
func (a *analysis) keepName(it *SelectItem) {
	if a.dialect != Postgres || it.Alias != nil || len(a.eq.nullified) == 0 || !it.Known() {
		return
	}
	if name, _ := figureName(it.Expr); name != "nullif" {
		return
	}
	a.keepAs(it, "nullif")
}

// keepAs has an item keep the name that it would have without what is done to it.
func (a *analysis) keepAs(it *SelectItem, name string) {
	if a.eq.named == nil {
		a.eq.named = map[*SelectItem]string{}
	}
	a.eq.named[it] = name
}

// nullify compares a call with what it became.
func (v verifier) nullify(x *Call, y Expr) bool {
	c, ok := y.(*Case)
	if !ok || c.Operand != nil || len(c.Whens) != 1 || !isNull(c.Whens[0].Then) {
		return false
	}
	eq, ok := c.Whens[0].Cond.(*Op)
	ref, isRef := c.Else.(*ColumnRef)
	return ok && eq.Name == "=" && len(eq.Args) == 2 && v.expr(x.Args[0], eq.Args[0]) && v.expr(x.Args[1], eq.Args[1]) &&
		isRef && idents(x.Args[0].(*ColumnRef).Path, ref.Path)
}

// namesGrouped reports such a call over a key of the groups, whose value would
// have to be picked from its group.
func (a *analysis) namesGrouped(e Expr) bool {
	if e == nil {
		return false
	}
	if x, ok := e.(*Call); ok {
		if _, ok := a.eq.nullified[x]; ok {
			return true
		}
	}
	es, _ := kids(e)
	for _, k := range es {
		if a.namesGrouped(k) {
			return true
		}
	}
	return false
}

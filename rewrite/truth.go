package rewrite

import "github.com/sealsql/sealsql/schema"

// Conditions that are nothing but a column: WHERE active, NOT deleted,
// active IS TRUE. They become comparisons of the index with that of a constant,
// which is NULL exactly where the column is. PostgreSQL takes booleans alone:
// c = TRUE. MySQL takes any number and asks whether it is zero: c <> 0.
// SQLite makes a number of whatever the cell holds, also of a text in a column
// of booleans; there no one value stands for the false ones.

// truth is what such a column is compared with.
type truth struct {
	op    string
	value *Literal
	add   *addition
}

// truthOf is the comparison that a column of this type means; nil for none.
func truthOf(d Dialect, t *schema.Type) *truth {
	switch {
	case d == Postgres && t.Kind == schema.KindBool:
		return &truth{op: "=", value: &Literal{Kind: LitBool, Value: "true"}}
	case d == MySQL && (t.Kind == schema.KindBool || t.Kind == schema.KindInt):
		return &truth{op: "<>", value: &Literal{Kind: LitNumber, Value: "0"}}
	}
	return nil
}

// condition walks an expression that is asked for its truth value.
func (a *analysis) condition(e Expr, sc *scope, why Reason) error {
	if done, err := a.truthValue(e, sc); done || err != nil {
		return err
	}
	if a.flagged(e) {
		return nil
	}
	return a.clear(e, sc, why)
}

func (a *analysis) allConditions(es []Expr, sc *scope, why Reason) error {
	for _, e := range es {
		if err := a.condition(e, sc, why); err != nil {
			return err
		}
	}
	return nil
}

// truthValue plans a condition that is an encrypted column; false for others.
func (a *analysis) truthValue(e Expr, sc *scope) (bool, error) {
	ref, ok := e.(*ColumnRef)
	if !ok || a.indexOn(ref) != nil || a.combined.refs[ref] != nil {
		return false, nil
	}
	h, _, found, err := a.resolve(ref, sc)
	if err != nil || !found || len(h.flow()) == 0 {
		return false, nil // reported where it is walked
	}
	c := h.flow()[0].col
	t := truthOf(a.dialect, &c.Type)
	if t == nil || c.Equality == nil || !ref.Known() {
		return false, nil
	}
	index, err := a.indexAt("=", false, ref, h, 0)
	if err != nil {
		return true, err
	}
	part, err := a.sharedPartition(index, []*ColumnRef{ref}, []hit{h})
	if err == nil {
		err = a.found(index, nil, []*ColumnRef{ref}, []hit{h})
	}
	if err != nil {
		return true, err
	}
	if err := a.refIndex(ref, h); err != nil {
		return true, err
	}
	out := Out{Index: index, Partition: part, Compared: true, Value: Value{Source: FromLiteral, Literal: t.value}}
	t.add = &addition{at: ref.End, lead: " " + t.op + " ", trail: ")", name: index.Physical(), out: out}
	a.adds = append(a.adds, t.add)
	if a.truths == nil {
		a.truths = map[*ColumnRef]*truth{}
	}
	a.truths[ref] = t
	return true, nil
}

// truthEdits open the parentheses that the comparisons stand in.
func (b *builder) truthEdits() {
	for ref := range b.a.truths {
		b.edits = append(b.edits, edit{span: Span{ref.Start, ref.Start}, text: "("})
	}
}

// truth compares what a condition became.
func (v verifier) truth(x *ColumnRef, t *truth, y Expr) bool {
	o, ok := y.(*Op)
	if !ok || o.Name != t.op || len(o.Args) != 2 || o.Attr != "" {
		return false
	}
	ref, ok := o.Args[0].(*ColumnRef)
	n := len(x.Path) - 1
	return ok && len(ref.Path) == n+1 && idents(x.Path[:n], ref.Path[:n]) && ref.Path[n].Name == v.b.a.indexName(x, v.b.a.indexOn(x)) &&
		v.slot(t.add.slot, o.Args[1])
}

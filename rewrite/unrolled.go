package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Rows that are compared by order with parameters, (c, id) < ($1, $2), where an index of a
// column hides its order: there is no value of the index that says it for the rows. The
// statement is planned with the comparison written out, as an application could have
// written it:
//
//	(c < $1 OR (c = $1 AND id < $2))
//
// NULLs decide the same (PostgreSQL §9.25.5): of the first pair that is not equal, or
// NULL. PostgreSQL only, where a parameter may stand twice.

// unroll notes such a comparison; false for all others.
func (a *analysis) unroll(node Expr, pairs [][2]Expr, sc *scope) bool {
	o, ok := node.(*Op)
	if !ok || a.dialect != Postgres || a.opt.Lookup || a.depth > 0 || len(a.script.Statements) != 1 || !o.Known() || !a.balanced(o.Span) || turned[o.Name] == "" || a.prepares != nil {
		return false
	}
	hidden := false
	for _, p := range pairs {
		for _, e := range p {
			if !e.Range().Known() || !a.balanced(e.Range()) {
				return false
			}
			switch unwrapped(e).(type) {
			case *ColumnRef, *Param, *Literal:
			default:
				return false
			}
		}
		_, hits := a.sealedRefs(p[:], sc)
		for _, h := range hits {
			r := h.rangeIndex()
			hidden = hidden || r != nil && r.Order == schema.OrderHidden
		}
	}
	if hidden && !slices.Contains(a.unrolled, o) {
		a.unrolled = append(a.unrolled, o)
	}
	return hidden
}

// unrolledPlan plans the statement with the comparisons written out, of which none stands
// in another.
func (a *analysis) unrolledPlan() (*Plan, error) {
	slices.SortFunc(a.unrolled, func(x, y *Op) int { return x.Start - y.Start })
	var b strings.Builder
	at := 0
	for _, o := range a.unrolled {
		b.WriteString(a.script.Text[at:o.Start])
		a.writeRows(&b, o.Name, rowOperands(o.Name, o.Args))
		at = o.End
	}
	b.WriteString(a.script.Text[at:])
	p, err := PlanOnce(a.front, b.String(), a.cat, a.session, a.opt)
	if err != nil {
		return nil, elsewhere(err, a.unrolled[0].Start)
	}
	return p, nil
}

// writeRows writes a comparison of rows pair by pair.
func (a *analysis) writeRows(b *strings.Builder, name string, pairs [][2]Expr) {
	x, y := a.textOf(pairs[0][0]), a.textOf(pairs[0][1])
	if len(pairs) == 1 {
		b.WriteString("(" + x + " " + name + " " + y + ")")
		return
	}
	b.WriteString("(" + x + " " + name[:1] + " " + y + " OR (" + x + " = " + y + " AND ")
	a.writeRows(b, name, pairs[1:])
	b.WriteString("))")
}

// textOf is the text of a node.
func (a *analysis) textOf(e Expr) string {
	s := e.Range()
	return a.script.Text[s.Start:s.End]
}

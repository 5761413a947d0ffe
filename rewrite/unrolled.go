package rewrite

import (
	"slices"
	"strconv"
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
// NULL. Not on MySQL, whose parameters have no numbers and cannot stand twice; and MariaDB
// leaves rows out in which a later item is NULL by an outer join, though the first decides.

// unroll notes such a comparison; false for all others.
func (a *analysis) unroll(node Expr, pairs [][2]Expr, sc *scope) bool {
	o, ok := node.(*Op)
	if !ok || a.dialect == MySQL || a.nameless || a.opt.Lookup || a.depth > 0 || len(a.script.Statements) != 1 || !o.Known() || !a.balanced(o.Span) || turned[o.Name] == "" || a.prepares != nil {
		return false
	}
	hidden := false
	var named [2]bool
	for _, p := range pairs {
		for side, e := range p {
			if x, ok := unwrapped(e).(*Param); ok && x.Name != "" {
				named[side] = true
			}
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
	if named[0] && named[1] {
		return false // a name's number is where it first stands
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
	u := unroller{a: a}
	at := 0
	for _, o := range a.unrolled {
		u.text.WriteString(a.script.Text[at:o.Start])
		u.rows(o.Name, rowOperands(o.Name, o.Args))
		at = o.End
	}
	u.text.WriteString(a.script.Text[at:])
	p, err := PlanOnce(a.front, u.text.String(), a.cat, a.session, a.opt)
	if err != nil {
		return nil, elsewhere(err, a.unrolled[0].Start)
	}
	return p, nil
}

// unroller writes a text with comparisons written out.
type unroller struct {
	a    *analysis
	text strings.Builder
}

// rows writes a comparison of rows pair by pair.
func (u *unroller) rows(name string, pairs [][2]Expr) {
	x, y := pairs[0][0], pairs[0][1]
	if len(pairs) == 1 {
		u.pair("(", x, name, y)
		u.text.WriteString(")")
		return
	}
	u.pair("(", x, name[:1], y)
	u.pair(" OR (", x, "=", y)
	u.text.WriteString(" AND ")
	u.rows(name, pairs[1:])
	u.text.WriteString("))")
}

func (u *unroller) pair(before string, x Expr, op string, y Expr) {
	u.text.WriteString(before)
	u.operand(x)
	u.text.WriteString(" " + op + " ")
	u.operand(y)
}

// operand writes an operand; one of SQLite's plain parameters with its number.
func (u *unroller) operand(e Expr) {
	s := e.Range()
	text := u.a.script.Text[s.Start:s.End]
	if p, ok := unwrapped(e).(*Param); ok && u.a.dialect == SQLite && p.Name == "" {
		text = text[:p.Start-s.Start] + "?" + strconv.Itoa(p.N) + text[p.End-s.Start:]
	}
	u.text.WriteString(text)
}

package rewrite

import (
	"slices"

	"github.com/sealsql/sealsql/schema"
)

// Further decisions of the driver: arguments that are conditions by themselves, labels
// of enumerated types, and comparisons that say of what type an argument is.

// flagged notes an argument that is a condition by itself, on PostgreSQL: it is a
// boolean there.
func (a *analysis) flagged(e Expr) bool {
	p, cast := flagParam(e)
	if p == nil || a.dialect != Postgres {
		return false
	}
	a.use(paramUse{param: p, flag: true, cast: cast})
	return true
}

// flagParam is the parameter that a condition consists of, with its cast to boolean;
// nil where it is anything else.
func flagParam(e Expr) (*Param, *Cast) {
	switch x := e.(type) {
	case *Param:
		return x, nil
	case *Cast:
		if p, ok := x.X.(*Param); ok && (x.Type == "bool" || x.Type == "boolean") {
			return p, x
		}
	}
	return nil, nil
}

// decideFlag has the driver say whether a boolean is true, as "$1 = TRUE" is
// decided. col is the column for which the argument is sealed elsewhere.
func (a *analysis) decideFlag(u *paramUse, col *schema.Column) bool {
	if col == nil || col.Type.Kind != schema.KindBool || a.prepares != nil || a.marker(u.param.Start) < 0 || !u.param.Known() || u.cast != nil && !u.cast.Known() {
		return false
	}
	if u.cast != nil {
		a.dropCast(u.cast)
	}
	if a.carried == nil {
		a.carried = map[Expr]bool{}
	}
	a.carried[u.param] = true
	a.seals.set(u.param, Out{
		Value:  Value{Source: FromArg, Arg: u.param.N},
		Decide: &Decision{Op: "=", Type: col.Type, With: &Literal{Kind: LitBool, Value: "true"}},
	})
	return true
}

// labelType is the text that a label is.
var labelType, _ = schema.ParseType("text")

// decidedLabel is the cast to an enumerated type of an argument that is held against
// one of its labels. Labels are equal where their texts are.
func (a *analysis) decidedLabel(d *decidable) (Casts, bool) {
	if d.cast == nil || d.count != "" || d.name != "=" && d.name != "<>" || d.with.Kind != LitString {
		return "", false
	}
	casts, ok := a.enumerates(d.cast, &labelType)
	if !ok {
		return "", false
	}
	_, labels, _ := casts.Labels()
	return casts, slices.Contains(labels, d.with.Value)
}

// castBehind reports that an argument is held against a string before anything else
// says of what type it is, and stands nowhere but under casts in what waits for that
// comparison: CASE WHEN $1 <> ” THEN $1::jsonb … END. It is a text, which they convert.
func (a *analysis) castBehind(d *decidable) bool {
	if d.with.Kind != LitString {
		return false
	}
	all := 0
	for _, m := range a.script.Markers {
		if m.N == d.param.N {
			all++
		}
	}
	for _, g := range a.guards {
		if g.op == d.op {
			n, ok := underCasts(g.then, d.param.N)
			return ok && n == all-1
		}
	}
	return false
}

// underCasts counts the occurrences of argument n in e that stand directly under a
// cast; ok is false where one does not.
func underCasts(e Expr, n int) (count int, ok bool) {
	if c, isCast := e.(*Cast); isCast {
		if p, isParam := c.X.(*Param); isParam && p.N == n {
			return 1, true
		}
	}
	if p, isParam := e.(*Param); isParam && p.N == n {
		return 0, false
	}
	es, _ := kids(e)
	for _, k := range es {
		m, ok := underCasts(k, n)
		if count += m; !ok {
			return count, false
		}
	}
	return count, true
}

// answered reports a literal of a comparison that the driver answers, which the server
// does not see.
func (a *analysis) answered(l *Literal) bool {
	for _, d := range a.decided {
		if d.with == l {
			return true
		}
	}
	return false
}

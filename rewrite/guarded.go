package rewrite

// Values behind a condition of their own: CASE WHEN $1 <> '' THEN $1::status ELSE c
// END. Where the driver answers the comparison, it knows whether the server looks at
// the value at all. If not, NULL takes its place: what the cast would say of the
// value is never asked.

// guard is a comparison that must be true for an expression to be evaluated.
type guard struct {
	op   *Op
	then Expr
}

// noteGuards notes the comparisons that the results of a CASE wait for.
func (a *analysis) noteGuards(x *Case) {
	if a.dialect != Postgres || x.Operand != nil {
		return
	}
	for _, w := range x.Whens {
		for _, cond := range conjuncts(w.Cond) {
			if o, ok := cond.(*Op); ok && a.decidableIn(o) != nil {
				a.guards = append(a.guards, guard{o, w.Then})
			}
		}
	}
}

// guardValues tells the values behind comparisons that the driver answers what these
// are, where both look at one argument.
func (a *analysis) guardValues() {
	for _, g := range a.guards {
		d := a.decided[g.op]
		if d == nil {
			continue
		}
		by := a.seals.at(d.param)
		eachParam(g.then, func(p *Param) {
			if p.N != d.param.N {
				return
			}
			if out := a.seals.at(p); out != nil {
				out.guard(by.Decide)
			}
			for _, add := range a.adds {
				if add.form == nil {
					continue
				}
				if out, ok := add.form.values[p]; ok {
					out.guard(by.Decide)
					add.form.values[p] = out
				}
			}
		})
	}
}

// guard lets NULL take the place of a value of which d is not true.
func (o *Out) guard(d *Decision) {
	if o.Decide == nil && !o.Null && o.Guard == nil && o.Column() != nil && o.Cover == nil && o.Like == nil && o.Combined == nil && o.Value.Source == FromArg {
		o.Guard = d
	}
}

// eachParam calls fn for every parameter in e, not entering subqueries.
func eachParam(e Expr, fn func(*Param)) {
	if p, ok := e.(*Param); ok {
		fn(p)
		return
	}
	es, _ := kids(e)
	for _, k := range es {
		eachParam(k, fn)
	}
}

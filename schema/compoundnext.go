package schema

import (
	"cmp"
	"slices"
)

// isNext reports the definition to which an index is being moved.
func (x *Compound) isNext() bool {
	return x.In != nil && slices.ContainsFunc(x.In.Compounds, func(o *Compound) bool { return o.Next == x })
}

// equalityOf is the equality of a column by which the index compares it unless it
// says something else. That of one that is added does not count: it would make
// another index of one that is there.
func (x *Compound) equalityOf(c *Column) *Equality {
	next := c.Next.Equality
	switch {
	case x.isNext() && c.Equality != nil && next != nil:
		return next
	case c.Equality == nil && next != nil && next.Transit == Dropping:
		return next
	}
	return c.Equality
}

// partSteps sees that an index and the equality of its column compare alike, also
// when either is moved.
func (b *builder) partSteps(x *Compound, p *Part, report func(field, message, hint string)) {
	if p.Of == nil {
		return
	}
	steps := p.Equality().Steps()
	if e := x.equalityOf(p.Of); e != nil && !slices.Equal(e.Steps(), steps) {
		report("columns", p.Name+": the column's own equality has other steps", "one column has one equality: write the same collation and normalize")
	}
	switch next := p.Of.Next.Equality; {
	case next == nil || slices.Equal(next.Steps(), steps) || x.Next != nil && next.Transit == Settled || x.isNext():
	case next.Transit == Adding:
		report("columns", p.Name+": the equality that is added to the column has other steps", "one column has one equality: write the same collation and normalize")
	case next.Transit == Settled:
		report("columns", p.Name+": the column's equality is moved to other steps, and the index would go on finding rows by the present ones", "add next: to the index as well")
	}
}

// compoundNext completes and checks the definition to which an index is moved.
func (b *builder) compoundNext(t *Table, x *Compound) {
	n := x.Next
	report := b.compoundReport(t, x)
	if x.Transit != Settled || n.Next != nil || n.Transit != Settled {
		report("state", "an index that comes or goes is not moved", "leave next out")
		x.Next = nil
		return
	}
	if n.Name == "" {
		report("next", "the next index needs a column of its own", "add column: NAME")
		x.Next = nil
		return
	}
	n.Key, n.idle, n.Version = x.Key, true, cmp.Or(n.Version, x.Version)
	if len(n.Parts) == 0 {
		for i := range x.Parts {
			p := &x.Parts[i]
			part := Part{Name: p.Name}
			if p.Of == nil {
				part.Type, part.Collation = p.Type, p.Collation
			} else if p.Of.Equality == nil {
				part.Collation, part.Normalize, part.Region = p.Collation, p.Normalize, p.Region
			}
			n.Parts = append(n.Parts, part)
		}
	}
	b.compound(t, n)
	switch {
	case !slices.EqualFunc(x.Parts, n.Parts, func(a, b Part) bool { return equalFold(a.Name, b.Name) }):
		report("next.columns", "the next index has other columns, or another order", "that is another index: declare it beside this one with state: adding, and this one with state: dropping")
	case n.Copies(x) && equivalent(n, x):
		report("next", "it is defined as the index beside it", "change a setting, or give it the next version: to have a new key")
	case n.Version < x.Version:
		report("next.version", "the next index would go back to an older key", "write a version from that of the index beside it")
	}
}

// compoundMoves are those of the indexes over several columns.
func (t *Table) compoundMoves() []Move {
	var out []Move
	for _, x := range t.Compounds {
		switch {
		case x.Next != nil:
			out = append(out, Move{"compound", x, x.Next})
		case x.Transit == Adding && x.idle:
			out = append(out, Move{"compound", nil, x})
		case x.Transit == Dropping:
			out = append(out, Move{"compound", x, nil})
		}
	}
	return out
}

// arrangeCompounds puts the indexes over several columns where their stages have
// them.
func (t *Table) arrangeCompounds(stages map[Index]Stage) {
	all := t.Compounds
	t.Compounds = nil
	keep := func(xs ...*Compound) { t.Compounds = append(t.Compounds, xs...) }
	retire := func(x *Compound) { x.Column().retired = append(x.Column().retired, x) }
	hide := func(x *Compound) { x.Column().unborn = append(x.Column().unborn, x) }
	for i := 0; i < len(all); i++ {
		x := all[i]
		s := stages[x]
		if y := x.Next; y != nil {
			x.Next = nil
			i++ // y stands behind it
			switch s {
			case StageFilling:
				keep(x, y)
			case StageLive:
				x.idle, y.idle = true, false
				keep(y, x)
			case StageFinished:
				y.idle = false
				keep(y)
				retire(x)
			default:
				keep(x)
				hide(y)
			}
			continue
		}
		switch live := s == StageLive || s == StageFinished; {
		case x.Transit == Adding && live:
			x.idle = false
			keep(x)
		case x.Transit == Adding && s != StageFilling:
			hide(x)
		case x.Transit == Dropping && s == StageFinished:
			retire(x)
		default:
			keep(x)
		}
	}
}

// copyFor is a copy of the index for a copy of its table.
func (x *Compound) copyFor(t *Table) *Compound {
	n := *x
	n.In, n.Parts = t, slices.Clone(x.Parts)
	for k := range n.Parts {
		if n.Parts[k].Of != nil {
			n.Parts[k].Of = t.Column(n.Parts[k].Name)
		}
	}
	return &n
}

package rewrite

import "slices"

// eachValue calls fn for every value that a plan names; o is the outgoing value
// that it belongs to, nil for partitions, rows, checks and filters.
func eachValue(p *Plan, fn func(v *Value, o *Out)) {
	out := func(o *Out) {
		fn(&o.Value, o)
		if o.Combined != nil {
			for i := range o.Combined.Values {
				fn(&o.Combined.Values[i], nil)
			}
		}
		if o.Cover != nil {
			for _, v := range []*Value{o.Cover.Low, o.Cover.High} {
				if v != nil {
					fn(v, nil)
				}
			}
		}
		if o.Partition.Value != nil {
			fn(o.Partition.Value, nil)
		}
		if o.Row != nil {
			fn(o.Row, nil)
		}
	}
	for i := range p.Args {
		out(&p.Args[i])
	}
	for i := range p.Holes {
		out(&p.Holes[i].Out)
	}
	set := func(results []Open, filters []Filter) {
		for i := range results {
			for k := range results[i].Partitions {
				if v := results[i].Partitions[k].Value; v != nil {
					fn(v, nil)
				}
			}
			for _, row := range results[i].Rows {
				if row != nil && row.Value != nil {
					fn(row.Value, nil)
				}
			}
		}
		for i := range filters {
			for k := range filters[i].Values {
				fn(&filters[i].Values[k], nil)
			}
		}
	}
	set(p.Results, p.Filters)
	for i := range p.Sets {
		set(p.Sets[i].Results, p.Sets[i].Filters)
	}
	if p.Declares != nil {
		set(p.Declares.Results, p.Declares.Filters)
	}
	for i := range p.Checks {
		fn(&p.Checks[i].A, nil)
		fn(&p.Checks[i].B, nil)
	}
}

// rebinding puts other literals into a plan. It copies what it changes: the
// plan that it starts from is shared.
type rebinding struct {
	index map[*Literal]int
	lits  []Literal
	// covers are the ranges that were copied: their places share one.
	covers map[*Cover]*Cover
}

func (r rebinding) plan(p *Plan) {
	p.Args = slices.Clone(p.Args)
	for i := range p.Args {
		r.out(&p.Args[i])
	}
	for i := range p.Holes { // copied with the text
		r.out(&p.Holes[i].Out)
	}
	p.Results, p.Filters = r.results(p.Results), r.filters(p.Filters)
	p.Sets = slices.Clone(p.Sets)
	for i := range p.Sets {
		s := &p.Sets[i]
		s.Results, s.Filters = r.results(s.Results), r.filters(s.Filters)
	}
	if p.Declares != nil {
		c := *p.Declares
		c.Results, c.Filters = r.results(c.Results), r.filters(c.Filters)
		p.Declares = &c
	}
	p.Checks = slices.Clone(p.Checks)
	for i := range p.Checks {
		r.value(&p.Checks[i].A)
		r.value(&p.Checks[i].B)
	}
}

func (r rebinding) value(v *Value) {
	if v.Literal == nil {
		return
	}
	if k, ok := r.index[v.Literal]; ok {
		v.Literal = &r.lits[k]
	}
}

func (r rebinding) out(o *Out) {
	r.value(&o.Value)
	if o.Combined != nil {
		c := &Combined{slices.Clone(o.Combined.Values), o.Combined.Casts}
		for i := range c.Values {
			r.value(&c.Values[i])
		}
		o.Combined = c
	}
	o.Cover = r.cover(o.Cover)
	o.Partition = r.partition(o.Partition)
	o.Row = r.named(o.Row)
}

// cover copies a range once.
func (r rebinding) cover(c *Cover) *Cover {
	if c == nil {
		return nil
	}
	if r.covers[c] == nil {
		to := *c
		to.Low, to.High = r.named(c.Low), r.named(c.High)
		r.covers[c] = &to
	}
	return r.covers[c]
}

// named copies a value that is shared.
func (r rebinding) named(v *Value) *Value {
	if v == nil || v.Literal == nil {
		return v
	}
	c := *v
	r.value(&c)
	return &c
}

func (r rebinding) partition(s PartitionSource) PartitionSource {
	s.Value = r.named(s.Value)
	return s
}

// row copies the source of a row.
func (r rebinding) row(s *RowSource) *RowSource {
	if s == nil || s.Value == nil {
		return s
	}
	return &RowSource{Value: r.named(s.Value), ResultColumn: s.ResultColumn}
}

// results copies results whose partitions or rows are literals.
func (r rebinding) results(in []Open) []Open {
	named := func(o Open) bool {
		return slices.ContainsFunc(o.Partitions, func(s PartitionSource) bool { return s.Value != nil && s.Value.Literal != nil }) ||
			slices.ContainsFunc(o.Rows, func(s *RowSource) bool { return s != nil && s.Value != nil && s.Value.Literal != nil })
	}
	if !slices.ContainsFunc(in, named) {
		return in
	}
	out := slices.Clone(in)
	for i := range out {
		out[i].Partitions = slices.Clone(out[i].Partitions)
		for k := range out[i].Partitions {
			out[i].Partitions[k] = r.partition(out[i].Partitions[k])
		}
		out[i].Rows = slices.Clone(out[i].Rows)
		for k := range out[i].Rows {
			out[i].Rows[k] = r.row(out[i].Rows[k])
		}
	}
	return out
}

func (r rebinding) filters(in []Filter) []Filter {
	if len(in) == 0 {
		return in
	}
	out := slices.Clone(in)
	for i := range out {
		out[i].Values = slices.Clone(out[i].Values)
		for k := range out[i].Values {
			r.value(&out[i].Values[k])
		}
	}
	return out
}

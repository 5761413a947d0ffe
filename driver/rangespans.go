package driver

import (
	"context"

	"github.com/sealsql/sealsql/rewrite"
)

// A range over paths is made of more or fewer spans, which the values decide. A
// plan for any of them has places for all that there may be, which cost time in
// the server: where it can, the driver asks for a plan with about as many as the
// values need. The texts are few, so that servers and the plan cache know them.

// spanCounts are the numbers of places that are asked for.
var spanCounts = [...]int{4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256}

// roomFor returns the number of places for n spans; 0 for as many as there may be.
func roomFor(n int) int {
	for _, c := range spanCounts {
		if n <= c {
			return c
		}
	}
	return 0
}

// narrowed returns the plan of a statement with as many places as its ranges need,
// and what makes them up, so that it is not computed twice. The plan is p where no
// other is better.
func (c *conn) narrowed(ctx context.Context, p *rewrite.Plan, in Input, o rewrite.Options) (*rewrite.Plan, map[*rewrite.Cover]*covered, error) {
	if !spanned(p) || in.Refuse != "" {
		return p, nil, nil
	}
	x := newCall(ctx, c, p, in, o.Prepare)
	defer x.release()
	if err := x.resolve(); err != nil {
		return nil, nil, err
	}
	list, need, err := x.spans()
	if err != nil {
		return nil, nil, err
	}
	if o.Spans = roomFor(need); o.Spans == 0 {
		return p, x.covers, nil
	}
	other, err := c.planned(ctx, in.Text, o)
	if err != nil {
		return nil, nil, err
	}
	covers := map[*rewrite.Cover]*covered{}
	i := 0
	eachCover(other, func(of *rewrite.Out) {
		if i < len(list) {
			covers[of.Cover] = list[i]
		}
		i++
	})
	if i != len(list) || other.First != nil || other.Sorted != nil || other.Executes != nil {
		return p, x.covers, nil
	}
	return other, covers, nil
}

// spanned reports a plan that asks for spans.
func spanned(p *rewrite.Plan) (found bool) {
	if len(p.Args) < 2 && len(p.Holes) < 2 {
		return false
	}
	eachCover(p, func(o *rewrite.Out) { found = found || o.Cover.Spans > spanCounts[0] })
	return found
}

// eachCover calls fn with the first place of each range of a plan, in the order of
// their places.
func eachCover(p *rewrite.Plan, fn func(*rewrite.Out)) {
	first := func(o *rewrite.Out) {
		if o.Cover != nil && o.Level == 0 && o.Nth == 0 {
			fn(o)
		}
	}
	for i := range p.Args {
		first(&p.Args[i])
	}
	for i := range p.Holes {
		first(&p.Holes[i].Out)
	}
}

// spans computes the ranges of a plan, in their order, and returns the number of
// spans of the one that has most.
func (x *call) spans() (list []*covered, need int, err error) {
	eachCover(x.plan, func(o *rewrite.Out) {
		if err != nil {
			return
		}
		var c *covered
		if c, err = x.covered(o); err != nil {
			return
		}
		list = append(list, c)
		need = max(need, len(c.spans))
	})
	return list, need, err
}

package driver

import (
	"github.com/sealsql/sealsql/internal/blind"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// filter leaves out rows that a lossy index found and the comparison does not
// mean (threats T22).
type filter struct {
	exact schema.Equality
	want  map[string]struct{}
}

// filter prepares what the plan says of an inner result column; nil for nothing.
func (x *call) filter(at int) (*filter, error) {
	var f *filter
	for i := range x.plan.Filters {
		p := &x.plan.Filters[i]
		if p.Column != at {
			continue
		}
		f = &filter{exact: *asCompared(p.Index, x.c.cr.front.Dialect()), want: make(map[string]struct{}, len(p.Values))}
		if f.exact.Collation != schema.CollationNormalized {
			f.exact.Normalize = nil // the collation is what the comparison means
		}
		for k := range p.Values {
			if err := x.want(f, p.Index, &p.Values[k]); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

func (x *call) want(f *filter, e *schema.Equality, v *rewrite.Value) error {
	o := rewrite.Out{Value: *v, Index: e}
	payload, tag, outcome, err := x.encodeCompared(x.take(), &o, e, x.c.cr.seals.indexes[e].compared())
	if err != nil {
		return indexError(e, err)
	}
	if outcome != 0 {
		return nil
	}
	x.keep(payload)
	message, err := blind.Append(nil, &f.exact, tag, payload)
	if err != nil {
		return indexError(e, err)
	}
	f.want[string(message)] = struct{}{}
	return nil
}

// matches compares an opened value with those that the statement asks for.
func (o *opener) matches(f *filter, payload []byte) (bool, error) {
	message, err := blind.Append(o.message[:0], &f.exact, o.tag, payload)
	if err != nil {
		return false, err
	}
	o.message = message
	_, ok := f.want[string(message)]
	return ok, nil
}

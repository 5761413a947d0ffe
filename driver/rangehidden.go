package driver

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/order"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// The columns of schema.Range that hide the order hold the path of the value through
// a tree, or a hash for each node above it. A comparison asks for the spans of paths
// that make up a range, or for its nodes: at most so many as the plan has places for.

// covered are the spans of one range, or its hashes by level; null where an end is
// NULL.
type covered struct {
	null   bool
	spans  []order.Span
	levels [][][]byte
}

// nothing is a span without paths.
var nothing = order.Span{First: []byte{1}, Last: []byte{0}}

var errNoPlaces = errors.New("the plan has fewer places than the range has spans")

var errOneNull = errors.New("one end of the range is NULL and the other is not: what BETWEEN means then cannot be told; compare with < and >")

// node returns what goes out in one place of a range.
func (x *call) node(o *rewrite.Out) (driver.Value, error) {
	c, err := x.covered(o)
	switch {
	case err != nil:
		return nil, err
	case c.null:
		return nil, nil
	case o.Cover.Spans > 0 && len(c.spans) > o.Cover.Spans:
		return nil, indexError(o.Index, errNoPlaces) // rows would be lost
	case o.Cover.Spans > 0:
		s := nothing
		if o.Level < len(c.spans) {
			s = c.spans[o.Level]
		}
		if o.Nth == 0 {
			return s.First, nil
		}
		return s.Last, nil
	}
	tags := c.levels[o.Level]
	if len(tags) == 0 {
		return make([]byte, order.TagSize), nil // no hash: nothing is equal to it
	}
	return tags[o.Nth%len(tags)], nil
}

// covered returns what makes up a range, and keeps it for its other places.
func (x *call) covered(o *rewrite.Out) (*covered, error) {
	of := o.Index
	c := x.covers[o.Cover]
	if c == nil {
		ix, ok := x.c.cr.seals.indexes[of].(*ranged)
		if !ok || ix.of.Order != schema.OrderHidden {
			return nil, indexError(of, errors.New("plan uses an index that is not configured"))
		}
		var part envelope.Partition
		var err error
		if !of.AllPartitions() {
			if part, err = x.partition(&o.Partition, of.Column().Table); err != nil {
				return nil, err
			}
		}
		if c, err = ix.cover(x, o, part); err != nil {
			return nil, indexError(of, err)
		}
		if x.covers == nil {
			x.covers = map[*rewrite.Cover]*covered{}
		}
		x.covers[o.Cover] = c
	}
	return c, nil
}

// cover computes what makes up a range.
func (v *ranged) cover(x *call, o *rewrite.Out, part envelope.Partition) (*covered, error) {
	if o.Cover.Like != nil {
		return v.beginning(x, o, part)
	}
	low, lowNull, err := v.end(x, o, o.Cover.Low, o.Cover.LowOpen)
	if err != nil {
		return nil, err
	}
	high, highNull, err := v.end(x, o, o.Cover.High, o.Cover.HighOpen)
	if err != nil {
		return nil, err
	}
	defer func() { low.wipe(); high.wipe() }()
	switch {
	case o.Cover.Low != nil && o.Cover.High != nil && lowNull != highNull && !o.Cover.Paired:
		return nil, errOneNull
	case lowNull || highNull:
		return &covered{null: true}, nil
	}
	if v.of.Paths() {
		return v.spans(x, o, low, high, part)
	}
	c := &covered{levels: make([][][]byte, o.Cover.Levels)}
	err = x.c.cr.seals.sealer.UseIndex(x.ctx, v.keyed, part, func(k *envelope.IndexKey) error {
		return order.Cover(v.enc.Size(), low.end(), high.end(), k.Expand, func(level int, tag []byte) {
			c.levels[level] = append(c.levels[level], tag)
		})
	})
	if err != nil {
		return nil, err
	}
	for level, tags := range c.levels {
		if len(tags) > o.Cover.Width(level) {
			return nil, fmt.Errorf("the plan has %d places for %d nodes", o.Cover.Width(level), len(tags))
		}
		slices.SortFunc(tags, bytes.Compare) // in the order of the values they would tell it
	}
	return c, nil
}

// spans computes the spans of a range.
func (v *ranged) spans(x *call, o *rewrite.Out, low, high *rangeEnd, part envelope.Partition) (*covered, error) {
	c := &covered{}
	err := x.c.cr.seals.sealer.UseIndex(x.ctx, v.keyed, part, func(k *envelope.IndexKey) (err error) {
		c.spans, err = order.Spans(v.enc.Size(), low.end(), high.end(), v.of.Rooted(), k.Expand)
		return err
	})
	if err == nil && len(c.spans) > o.Cover.MaxSpans() {
		err = fmt.Errorf("a range of %d spans has more than there can be", len(c.spans))
	}
	return c, err
}

// rangeEnd is an end of a range; nil is none.
type rangeEnd struct{ order.End }

func (e *rangeEnd) wipe() {
	if e != nil {
		clear(e.Encoded)
	}
}

func (e *rangeEnd) end() *order.End {
	if e == nil {
		return nil
	}
	return &e.End
}

// end encodes a value that is an end of a range.
func (v *ranged) end(x *call, o *rewrite.Out, value *rewrite.Value, open bool) (e *rangeEnd, null bool, err error) {
	if value == nil {
		return nil, false, nil
	}
	one := rewrite.Out{Value: *value, Index: o.Index, Compared: true}
	payload, tag, outcome, err := x.encodeBound(x.take(), &one, v.comparedAs(value.Source, value.Literal))
	if err != nil || outcome != 0 {
		return nil, outcome == logical.OutcomeNull, err
	}
	x.keep(payload)
	encoded, place, err := v.encode(x, tag, payload)
	switch {
	case err != nil:
		return nil, false, err
	case v.enc.Longer(encoded) && v.enc.Ties():
		return nil, false, errTooLongToCompare
	}
	return &rangeEnd{order.End{Encoded: bytes.Clone(encoded), Place: place, Open: open}}, false, nil
}

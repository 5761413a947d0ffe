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

// The columns of schema.Range that hide the order hold a hash for each node above
// the value. A comparison asks for the nodes of a range, at most so many of each
// level as the plan has places for.

// covered are the hashes of one range, by level; null where an end is NULL.
type covered struct {
	null   bool
	levels [][][]byte
}

var errOneNull = errors.New("one end of the range is NULL and the other is not: what BETWEEN means then cannot be told; compare with < and >")

// node returns the hash that goes out in one place of a range.
func (x *call) node(o *rewrite.Out) (driver.Value, error) {
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
	if c.null {
		return nil, nil
	}
	tags := c.levels[o.Level]
	if len(tags) == 0 {
		return make([]byte, order.TagSize), nil // no hash: nothing is equal to it
	}
	return tags[o.Nth%len(tags)], nil
}

// cover computes the hashes of a range.
func (v *ranged) cover(x *call, o *rewrite.Out, part envelope.Partition) (*covered, error) {
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

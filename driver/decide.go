package driver

import (
	"bytes"
	"cmp"
	"database/sql/driver"
	"errors"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// decide answers a comparison of an argument with a literal: a bool, or nil where
// the argument is NULL (rewrite.Decision).
func (x *call) decide(o *rewrite.Out) (driver.Value, error) {
	d := o.Decide
	raw, err := x.raw(&o.Value)
	if err != nil {
		return nil, err
	}
	lit, null, err := literalOf(d.With)
	if err != nil || null {
		return nil, errors.Join(err, errDecision)
	}
	want, _, err := x.codec.EncodeLiteral(nil, &d.Type, lit)
	if err != nil {
		return nil, err
	}
	if d.Elements {
		return x.decideElements(d, raw, want)
	}
	var payload []byte
	var tag logical.Tag
	if name, labels, ok := d.Casts.Labels(); ok {
		payload, tag, null, err = x.encodeLabel(x.take(), &rewrite.Out{Value: o.Value}, &d.Type, name, labels)
	} else {
		payload, tag, null, err = x.codec.Encode(x.take(), &d.Type, raw)
	}
	if err != nil || null {
		return nil, err
	}
	x.keep(payload)
	c, ok := compared(d.Type.Kind, tag, payload, want)
	if !ok {
		return nil, errDecision
	}
	return decided(d.Op, c)
}

// guarded reports that the server looks at a value: the comparison that it stands
// behind is true.
func (x *call) guarded(o *rewrite.Out) (bool, error) {
	v, err := x.decide(&rewrite.Out{Value: o.Value, Decide: o.Guard})
	return v == true, err
}

var errDecision = errors.New("sealsql: plan compares an argument in a way that is not known")

// decideElements compares the number of elements of an array. PostgreSQL's
// array_length of an empty array is NULL, its cardinality 0.
func (x *call) decideElements(d *rewrite.Decision, raw any, want []byte) (driver.Value, error) {
	l, ok := x.codec.(lister)
	if !ok {
		return nil, errDecision
	}
	elements, null, err := l.Elements(raw)
	if err != nil || null || len(elements) == 0 && d.EmptyNull {
		return nil, err
	}
	n, ok := logical.Int64(want)
	if !ok {
		return nil, errDecision
	}
	return decided(d.Op, cmp.Compare(int64(len(elements)), n))
}

// compared orders two payloads of one kind; texts are equal or not.
func compared(kind schema.Kind, tag logical.Tag, x, y []byte) (order int, ok bool) {
	switch kind {
	case schema.KindText:
		return bytes.Compare(x, y), tag == logical.TagText
	case schema.KindInt:
		a, ok := logical.Int64(x)
		b, ok2 := logical.Int64(y)
		return cmp.Compare(a, b), ok && ok2
	case schema.KindBool:
		return bytes.Compare(x, y), true
	}
	return 0, false
}

func decided(op string, order int) (driver.Value, error) {
	switch op {
	case "=":
		return order == 0, nil
	case "<>":
		return order != 0, nil
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	case ">=":
		return order >= 0, nil
	}
	return nil, errDecision
}

package driver

import (
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/order"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// bounding is an index that is compared by order: what is compared need not be a
// value that the column can hold.
type bounding interface {
	// comparedAs is index.compared for a value of this source.
	comparedAs(rewrite.Source, *rewrite.Literal) *schema.Type
	// bound is index.value for a value that is compared.
	bound(x *call, part envelope.Partition, tag logical.Tag, payload []byte) (driver.Value, error)
}

// ranged is the index of a schema.Range.
type ranged struct {
	of    *schema.Range
	keyed *envelope.Index
	enc   *order.Encoding
	// arg and number are what arguments and numbers of the text are compared as.
	arg, number schema.Type
}

var _ bounding = (*ranged)(nil)

func newRange(s *envelope.Sealer, r *schema.Range, d rewrite.Dialect) (index, error) {
	enc, err := rangeEncoding(r, d)
	if err != nil {
		return nil, err
	}
	kind := "order"
	if r.Order == schema.OrderHidden {
		if kind = "range"; r.Paths() {
			kind = "path"
		}
		if n := rewrite.RangeLevels(d, r); n != 2*enc.Size() || n > rewrite.MaxLevels {
			return nil, fmt.Errorf("values of %d bytes are too long for a range that hides the order: at most %d; shorten prefix or precision, or accept order: revealing", enc.Size(), rewrite.MaxLevels/2)
		}
	}
	keyed, err := s.Index(envelope.IndexOptions{Kind: kind, Group: r.Group, Version: r.Version, Bits: 256, Steps: []string{enc.Name()}, TableScope: r.TableScope})
	if err != nil {
		return nil, err
	}
	arg, number := order.CompareTypes(d.String(), r.Of.Type)
	return &ranged{of: r, keyed: keyed, enc: enc, arg: arg, number: number}, nil
}

// rangeEncoding is the form of a column's values on an engine.
func rangeEncoding(r *schema.Range, d rewrite.Dialect) (*order.Encoding, error) {
	if d != rewrite.SQLite && r.Of.Type.Kind == schema.KindText && r.Collation == schema.CollationNone {
		return nil, errors.New("a range over text compares bytes: say collation: binary if that is the order that the application expects")
	}
	return order.New(d.String(), r.Of.Type, r.Prefix, r.RefuseLonger)
}

func (v *ranged) compared() *schema.Type { return &v.arg }

func (v *ranged) comparedAs(from rewrite.Source, lit *rewrite.Literal) *schema.Type {
	if from == rewrite.FromLiteral && lit != nil && lit.Kind == rewrite.LitNumber {
		return &v.number
	}
	return &v.arg
}

var (
	errTooLongToStore   = errors.New("the text is longer than the prefix of the range index, which refuses it")
	errTooLongToCompare = errors.New("the text is longer than the prefix of the range index: values that share the prefix cannot be told apart; compare with a shorter one, or declare a longer prefix")
	errNoPlace          = errors.New("the value is not one that the column's type holds: the range index cannot order it")
)

func (v *ranged) value(x *call, part envelope.Partition, tag logical.Tag, payload []byte) (driver.Value, error) {
	encoded, place, err := v.encode(x, tag, payload)
	switch {
	case err != nil:
		return nil, err
	case place != order.At:
		return nil, errNoPlace
	case v.enc.Longer(encoded) && !v.enc.Ties():
		return nil, errTooLongToStore
	}
	return v.compute(x, part, encoded, place)
}

func (v *ranged) bound(x *call, part envelope.Partition, tag logical.Tag, payload []byte) (driver.Value, error) {
	encoded, place, err := v.encode(x, tag, payload)
	switch {
	case err != nil:
		return nil, err
	case v.enc.Longer(encoded) && v.enc.Ties():
		return nil, errTooLongToCompare
	case v.of.Order != schema.OrderRevealing:
		return nil, errors.New("plan compares by an order that is hidden")
	}
	return v.compute(x, part, encoded, place)
}

// encode puts the bytes of a payload behind it, into the buffer that is wiped.
func (v *ranged) encode(x *call, tag logical.Tag, payload []byte) ([]byte, order.Place, error) {
	n := len(payload)
	b, place, err := v.enc.Append(payload, tag, payload)
	if err != nil {
		return nil, 0, err
	}
	x.keep(b)
	return b[n:], place, nil
}

func (v *ranged) compute(x *call, part envelope.Partition, encoded []byte, place order.Place) (driver.Value, error) {
	out := make([]byte, 0, order.RevealedSize(len(encoded)))
	with := func(k *envelope.IndexKey) (err error) {
		out, err = order.Reveal(out, encoded, place, k.Expand)
		return err
	}
	switch {
	case v.of.Paths():
		out = make([]byte, 0, order.PathSize(len(encoded), v.of.Rooted()))
		with = func(k *envelope.IndexKey) (err error) {
			out, err = order.Path(out, encoded, v.of.Rooted(), k.Expand)
			return err
		}
	case v.of.Order == schema.OrderHidden:
		out = make([]byte, 0, 2*order.TagSize*len(encoded))
		with = func(k *envelope.IndexKey) (err error) {
			out, err = order.Hide(out, encoded, k.Expand)
			return err
		}
	}
	err := x.c.cr.seals.sealer.UseIndex(x.ctx, v.keyed, part, with)
	if err != nil {
		return nil, err
	}
	return out, nil
}

package driver

import (
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// index computes what stands in the physical column of a schema.Index. It is
// immutable.
type index interface {
	// compared is the type as which values are encoded that the index is
	// compared with; those that are written have the column's.
	compared() *schema.Type
	// value computes the index of a payload, whose room past its length may be
	// used and is wiped. part is the zero Partition where the index spans all.
	value(x *call, part envelope.Partition, tag logical.Tag, payload []byte) (driver.Value, error)
}

func newIndex(s *envelope.Sealer, x schema.Index, d rewrite.Dialect) (index, error) {
	switch x := x.(type) {
	case *schema.Equality:
		return newEquality(s, x, d)
	case *schema.Fragments:
		return newFragments(s, x, d)
	case *schema.Range:
		return newRange(s, x, d)
	case *schema.Compound:
		return newCompound(s, x, d)
	}
	return nil, errors.New("sealsql: kind of index is not known")
}

// index computes the index of one value; NULL has none.
func (x *call) index(o *rewrite.Out) (driver.Value, error) {
	if o.Pattern != 0 {
		return x.patternValue(o)
	}
	of := o.Index
	ix := x.c.cr.seals.indexes[of]
	if ix == nil {
		return nil, indexError(of, errors.New("plan uses an index that is not configured"))
	}
	if o.Combined != nil {
		return x.combined(o, ix)
	}
	typ := &of.Column().Type
	if b, ok := ix.(bounding); o.Rounded {
		// As the column has it.
	} else if ok && o.Compared {
		typ = b.comparedAs(o.Value.Source, o.Value.Literal)
	} else if o.Compared {
		typ = ix.compared()
	}
	if o.List {
		return x.indexList(o, ix, typ)
	}
	var payload []byte
	var tag logical.Tag
	var outcome logical.Outcome
	var err error
	switch i := ix.(type) {
	case *equality:
		if o.Compared {
			payload, tag, outcome, err = x.encodeCompared(x.take(), o, i.of, typ)
			break
		}
		payload, tag, outcome, err = x.encodedAs(x.take(), o, typ)
	case bounding:
		payload, tag, outcome, err = x.encodeBound(x.take(), o, typ)
	default:
		payload, tag, outcome, err = x.encodedAs(x.take(), o, typ)
	}
	switch {
	case err != nil:
		return nil, indexError(of, err)
	case outcome == logical.OutcomeNull:
		return nil, nil
	case outcome == logical.OutcomeNever:
		return make([]byte, of.Bytes()), nil // no value has that hash
	}
	x.keep(payload)
	return x.indexed(o, ix, tag, payload)
}

// indexed computes the index of a payload.
func (x *call) indexed(o *rewrite.Out, ix index, tag logical.Tag, payload []byte) (driver.Value, error) {
	of := o.Index
	if o.Folded && tag == logical.TagText && strings.ToLower(string(payload)) != string(payload) {
		return make([]byte, of.Bytes()), nil // no value has that hash
	}
	var part envelope.Partition
	if !of.AllPartitions() {
		var err error
		if part, err = x.partition(&o.Partition, of.Column().Table); err != nil {
			return nil, err
		}
	}
	value := ix.value
	if b, ok := ix.(bounding); ok && o.Compared {
		value = b.bound
	}
	v, err := value(x, part, tag, payload)
	if err != nil {
		return nil, indexError(of, err)
	}
	return v, nil
}

func indexError(of schema.Index, err error) error {
	return &sealsql.ColumnError{Column: of.Column().String(), Op: "index", Err: err}
}

package driver

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/blind"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// compound is the index of a schema.Compound: a keyed hash of the messages that
// the equalities of its columns would hash, each behind its length, so that no
// two lists of values have one message. Kind, columns and their normalizers are
// in the derivation of its key, so that no hash of it equals one of another index.
type compound struct {
	of    *schema.Compound
	keyed *envelope.Index
	// parts are the equalities of the columns, compare the types as which values
	// are encoded that the index is compared with.
	parts   []*schema.Equality
	compare []schema.Type
}

var errNoCombination = errors.New("plan gives a compound index other values than its columns")

func newCompound(s *envelope.Sealer, x *schema.Compound, d rewrite.Dialect) (index, error) {
	out := &compound{of: x}
	for i := range x.Parts {
		p := &x.Parts[i]
		if d == rewrite.MySQL && p.Type.Kind == schema.KindText && p.Collation == schema.CollationNone {
			return nil, fmt.Errorf("on MySQL a compound index over text needs collation: binary, ci or ci_ai for %s, the equality that the application expects", p.Name)
		}
		e := asCompared(p.Equality(), d)
		if err := blind.Usable(e); err != nil {
			return nil, err
		}
		out.parts, out.compare = append(out.parts, e), append(out.compare, blind.CompareType(d.String(), p.Type))
	}
	var err error
	out.keyed, err = s.Index(envelope.IndexOptions{Kind: "compound", Group: x.Group(), Version: x.Version, Bits: x.Bits, Steps: x.Steps(), TableScope: x.TableScope})
	return out, err
}

func (c *compound) compared() *schema.Type { return &c.compare[0] }

func (c *compound) value(*call, envelope.Partition, logical.Tag, []byte) (driver.Value, error) {
	return nil, errNoCombination
}

// combined computes a compound index; NULL if one of the values is.
func (x *call) combined(o *rewrite.Out, ix index) (driver.Value, error) {
	c, ok := ix.(*compound)
	if !ok || len(o.Combined.Values) != len(c.parts) {
		return nil, indexError(o.Index, errNoCombination)
	}
	// A buffer of its own: the values pass through the one of the call.
	buf := scratches.Get().(*[]byte)
	defer giveScratch(buf)
	for i := range c.parts {
		typ := &c.of.Parts[i].Type
		if o.Compared {
			typ = &c.compare[i]
		}
		one := *o
		one.Value = o.Combined.Values[i]
		if len(o.Combined.Casts) > i {
			one.Casts = o.Combined.Casts[i]
		}
		encode := x.encodedAs
		if o.Compared {
			encode = func(dst []byte, o *rewrite.Out, wide *schema.Type) ([]byte, logical.Tag, logical.Outcome, error) {
				return x.encodeCompared(dst, o, c.parts[i], wide)
			}
		}
		payload, tag, outcome, err := encode(x.take(), &one, typ)
		switch {
		case err != nil:
			return nil, c.partError(i, err)
		case outcome == logical.OutcomeNull:
			return nil, nil
		case outcome == logical.OutcomeNever:
			return make([]byte, c.of.Bytes()), nil
		}
		x.keep(payload)
		n := len(*buf)
		b, err := blind.Append(append(*buf, 0, 0, 0, 0), c.parts[i], tag, payload)
		if cap(b) > cap(*buf) {
			clear((*buf)[:cap(*buf)])
		}
		if *buf = b; err != nil {
			return nil, c.partError(i, err)
		}
		binary.BigEndian.PutUint32(b[n:], uint32(len(b)-n-4))
	}
	var part envelope.Partition
	if !c.of.TableScope {
		var err error
		if part, err = x.partition(&o.Partition, c.of.In); err != nil {
			return nil, err
		}
	}
	v, err := x.c.cr.seals.sealer.AppendIndex(x.ctx, make([]byte, 0, c.keyed.Size()), c.keyed, part, *buf)
	if err != nil {
		return nil, indexError(o.Index, err)
	}
	return v, nil
}

// partError names the column whose value is at fault.
func (c *compound) partError(i int, err error) error {
	return &sealsql.ColumnError{Column: c.of.In.Name + "." + c.of.Parts[i].Name, Op: "index", Err: err}
}

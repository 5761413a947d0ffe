package driver

import (
	"bytes"
	"database/sql/driver"
	"errors"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/schema"
)

// verified is an index that is compared with the values of a result column
// (rewrite.Verify).
type verified struct {
	cell  int // in the inner result
	of    schema.Index
	index index
}

// verified prepares what the plan says of an inner result column.
func (x *call) verified(at int) ([]verified, error) {
	var out []verified
	for _, v := range x.plan.Verifies {
		if v.Value != at {
			continue
		}
		ix := x.c.cr.seals.indexes[v.Index]
		if ix == nil {
			return nil, indexError(v.Index, errors.New("plan compares with an index that is not configured"))
		}
		out = append(out, verified{v.Cell, v.Index, ix})
	}
	return out, nil
}

// verifier computes the indexes of opened values. It lives as long as the rows,
// which the call that sealed the arguments does not.
func (x *call) verifier() *call {
	return &call{ctx: x.ctx, c: x.c, plan: x.plan, codec: x.codec, info: x.info}
}

// verify compares a value with its indexes. payload is nil for NULL.
func (o *opener) verify(col *opened, part envelope.Partition, null bool, payload []byte, row []driver.Value) error {
	for i := range col.verified {
		v := &col.verified[i]
		same, err := o.same(v, part, null, payload, row[v.cell])
		if err != nil {
			return indexError(v.of, err)
		}
		if same {
			continue
		}
		if err := o.mismatch(v.of.Column()); err != nil {
			return err
		}
	}
	return nil
}

func (o *opener) same(v *verified, part envelope.Partition, null bool, payload []byte, cell driver.Value) (bool, error) {
	if null || cell == nil {
		return null && cell == nil, nil
	}
	if v.of.AllPartitions() {
		part = envelope.Partition{}
	}
	x := o.verifier
	own := append(x.take(), payload...) // its room may be used and is wiped
	x.keep(own)
	want, err := v.index.value(x, part, o.tag, own)
	if err != nil {
		return false, err
	}
	a, ok := want.([]byte)
	switch c := cell.(type) {
	case []byte:
		return ok && bytes.Equal(a, c), nil
	case string:
		return ok && string(a) == c, nil
	}
	return false, nil
}

// unverified reports an error of verify.
func unverified(err error) bool {
	var m *sealsql.IndexMismatchError
	return errors.As(err, &m)
}

// mismatch is what becomes of a row whose value and index differ.
func (o *opener) mismatch(c *schema.Column) error {
	err := &sealsql.IndexMismatchError{Column: c.String(), Row: o.rows}
	cr := o.verifier.c.cr
	cr.rec.IndexMismatch()
	if c.Verify == schema.VerifyAlways {
		return err
	}
	cr.warn.Warn("sealsql: a value and its search index differ", "column", err.Column, "row", err.Row)
	return nil
}

package driver

import (
	"database/sql/driver"
	"errors"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/blind"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// index computes the blind index of one value; NULL has none.
func (x *call) index(o *rewrite.Out) (driver.Value, error) {
	e := o.Index
	ix := x.c.cr.seals.indexes[e]
	if ix == nil {
		return nil, indexError(e, errors.New("plan uses an index that is not configured"))
	}
	typ := &e.Of.Type
	if o.Compared {
		typ = &ix.compare
	}
	payload, tag, null, err := x.encodeAs(x.take(), o, typ)
	if err != nil {
		return nil, indexError(e, err)
	}
	if null {
		return nil, nil
	}
	// The message goes behind the payload, into the buffer that is wiped.
	x.keep(payload)
	n := len(payload)
	message, err := blind.Append(payload, e, tag, payload)
	if err != nil {
		return nil, indexError(e, err)
	}
	x.keep(message)
	var part envelope.Partition
	if !e.TableScope {
		if part, err = x.partition(&o.Partition, e.Of.Table); err != nil {
			return nil, err
		}
	}
	tags, err := x.c.cr.seals.sealer.AppendIndex(x.ctx, make([]byte, 0, ix.of.Size()), ix.of, part, message[n:])
	if err != nil {
		return nil, indexError(e, err)
	}
	return tags, nil
}

func indexError(e *schema.Equality, err error) error {
	return &sealsql.ColumnError{Column: e.Of.String(), Op: "index", Err: err}
}

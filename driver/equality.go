package driver

import (
	"database/sql/driver"
	"errors"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/blind"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// equality is the index of schema.Equality: a keyed hash.
type equality struct {
	of      *schema.Equality
	keyed   *envelope.Index
	compare schema.Type
}

func newEquality(s *envelope.Sealer, e *schema.Equality, d rewrite.Dialect) (index, error) {
	if d == rewrite.MySQL && e.Of.Type.Kind == schema.KindText && e.Collation == schema.CollationNone {
		return nil, errors.New("on MySQL a search index over text needs collation: binary, ci or ci_ai, the equality that the application expects")
	}
	if err := blind.Usable(e); err != nil {
		return nil, err
	}
	o := envelope.IndexOptions{Group: e.Group, Version: e.Version, Bits: e.Bits, TableScope: e.TableScope}
	for _, step := range e.Steps() {
		o.Steps = append(o.Steps, string(step))
	}
	keyed, err := s.Index(o)
	if err != nil {
		return nil, err
	}
	return &equality{asCompared(e, d), keyed, blind.CompareType(d.String(), e.Of.Type)}, nil
}

func (e *equality) compared() *schema.Type { return &e.compare }

func (e *equality) value(x *call, part envelope.Partition, tag logical.Tag, payload []byte) (driver.Value, error) {
	// The message goes behind the payload, into the buffer that is wiped.
	n := len(payload)
	message, err := blind.Append(payload, e.of, tag, payload)
	if err != nil {
		return nil, err
	}
	x.keep(message)
	return x.c.cr.seals.sealer.AppendIndex(x.ctx, make([]byte, 0, e.keyed.Size()), e.keyed, part, message[n:])
}

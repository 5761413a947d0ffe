package driver

import (
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

const (
	partitionHint = "bind the partition column, or run the statement under sealsql.WithPartition"
	contextHint   = "run the statement under sealsql.WithPartition" // no column holds it
)

// partition evaluates a source that is known before rows are read.
func (x *call) partition(s *rewrite.PartitionSource, t *schema.Table) (envelope.Partition, error) {
	switch {
	case !s.Known:
		return envelope.Partition{}, partitionError(t, sealsql.ErrPartitionMissing, partitionHint)
	case s.Value != nil:
		id, err := x.canonical(s.Value, t)
		if err != nil {
			return envelope.Partition{}, err
		}
		return x.partitionID(id, t)
	case s.ResultColumn >= 0 && s.Const == "":
		return envelope.Partition{}, partitionError(t, sealsql.ErrPartitionMissing, partitionHint)
	}
	return x.partitionID(s.Const, t)
}

// partitionID checks an id, remembering the last one: the rows of a statement
// are mostly in one partition.
func (x *call) partitionID(id string, t *schema.Table) (envelope.Partition, error) {
	if id == x.lastID && id != "" {
		return x.lastPart, nil
	}
	p, err := envelope.PartitionID(id)
	if err != nil {
		return p, partitionError(t, err, "a partition is 1 to 200 bytes of UTF-8")
	}
	x.lastID, x.lastPart = id, p
	return p, nil
}

// canonical evaluates a partition value to the form that enters keys and
// associated data (threats T14).
func (x *call) canonical(v *rewrite.Value, t *schema.Table) (string, error) {
	switch v.Source {
	case rewrite.FromContextPartition:
		if !x.info.HasPartition {
			return "", partitionError(t, sealsql.ErrPartitionMissing, partitionHint)
		}
		return x.canonicalValue(x.info.Partition, t)
	case rewrite.FromArg:
		raw, err := x.raw(v)
		if err != nil {
			return "", err
		}
		return x.canonicalValue(raw, t)
	case rewrite.FromLiteral:
		lit, null, err := literalOf(v.Literal)
		if err != nil || null {
			return "", partitionError(t, sealsql.ErrPartitionMissing, partitionHint)
		}
		id, err := x.codec.CanonicalLiteral(&t.Partition.Type, lit)
		if err != nil {
			return "", partitionError(t, err, "")
		}
		return id, nil
	}
	return "", errors.New("sealsql: plan takes a partition from an unknown source")
}

func (x *call) canonicalValue(v any, t *schema.Table) (string, error) {
	if t.Partition.Kind != schema.PartitionColumn {
		id, ok := v.(string)
		if !ok {
			return "", partitionError(t, sealsql.ErrPartitionMissing, partitionHint)
		}
		return id, nil
	}
	if v == nil {
		return "", partitionError(t, sealsql.ErrPartitionMissing, "the partition of a row is never NULL")
	}
	id, err := x.codec.Canonical(&t.Partition.Type, v)
	if err != nil {
		return "", partitionError(t, err, "")
	}
	return id, nil
}

// partitionValue is the partition as an argument for comparison with the
// partition column, in a form that every engine converts to the column's type.
func (x *call) partitionValue(o *rewrite.Out) (driver.Value, error) {
	t := o.PartitionOf
	id, err := x.canonical(&o.Value, t)
	if err != nil {
		return nil, err
	}
	if _, err := x.partitionID(id, t); err != nil {
		return nil, err
	}
	switch t.Partition.Type.Kind {
	case schema.KindInt:
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			return n, nil
		}
	case schema.KindBytes:
		b, err := hex.DecodeString(id)
		if err != nil {
			return nil, partitionError(t, errors.New("partition is not hexadecimal"), "")
		}
		return b, nil
	}
	return id, nil
}

// check compares two partition values before anything is sent.
func (x *call) check(c *rewrite.Check) error {
	a, err := x.canonical(&c.A, c.Table)
	if err != nil {
		return err
	}
	b, err := x.canonical(&c.B, c.Table)
	if err != nil {
		return err
	}
	if a != b {
		return partitionError(c.Table, sealsql.ErrPartitionMismatch, "the statement and its context name different partitions")
	}
	return nil
}

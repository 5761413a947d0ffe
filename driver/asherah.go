package driver

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// asherahSeals seals and opens the columns in Asherah's format. It is immutable.
type asherahSeals struct {
	format *envelope.Asherah
	// tags are those of the columns' payloads: the records have none.
	tags map[*schema.Column]logical.Tag
	// fixed are the partitions of tables with a constant one.
	fixed map[string]*envelope.AsherahPartition
}

// openAsherah prepares the columns in Asherah's format, if there are any.
func (s *seals) openAsherah(o *Options, d rewrite.Dialect) error {
	for _, t := range o.Annotations.Tables() {
		for _, c := range t.Columns {
			if c.Carrier != schema.CarrierAsherah {
				continue
			}
			if err := s.addAsherah(o, c, d); err != nil {
				return &sealsql.ColumnError{Column: c.String(), Op: "seal", Err: err}
			}
		}
	}
	return nil
}

func (s *seals) addAsherah(o *Options, c *schema.Column, d rewrite.Dialect) error {
	if s.asherah == nil {
		format, err := o.Sealer.Asherah(o.Asherah)
		if err != nil {
			return err
		}
		s.asherah = &asherahSeals{format: format, tags: map[*schema.Column]logical.Tag{}, fixed: map[string]*envelope.AsherahPartition{}}
	}
	s.asherah.tags[c] = asherahTag(c.Type.Kind, d)
	if p := c.Table.Partition; p.Kind == schema.PartitionConst {
		fixed, err := s.asherah.format.Partition(p.Const)
		if err != nil {
			return err
		}
		s.asherah.fixed[p.Const] = fixed
	}
	return nil
}

// asherahTag is the tag of a column's payloads. Values that would have another
// are refused: on SQLite a blob in a text column.
func asherahTag(k schema.Kind, d rewrite.Dialect) logical.Tag {
	switch {
	case k == schema.KindBytes:
		return logical.TagBytes
	case k == schema.KindJSON && d != rewrite.SQLite:
		return logical.TagJSON
	}
	return logical.TagText
}

func (s *asherahSeals) partition(p envelope.Partition) (*envelope.AsherahPartition, error) {
	if fixed, ok := s.fixed[p.ID()]; ok {
		return fixed, nil
	}
	return s.format.Partition(p.ID())
}

var errAsherahTag = errors.New("sealsql: a value of this kind is not stored in a column in Asherah's format: it would come back as another; bind text for a text column, bytes for a bytes column")

// asherah seals one value in Asherah's format.
func (x *call) asherah(col *schema.Column, part envelope.Partition, tag logical.Tag, payload []byte) (driver.Value, error) {
	s := x.c.cr.seals.asherah
	if tag != s.tags[col] {
		return nil, sealError(col, errAsherahTag)
	}
	p, err := s.partition(part)
	if err != nil {
		return nil, partitionError(col.Table, err, "")
	}
	began := x.sealing.seals(x.c.cr.rec)
	rec, err := p.Seal(x.ctx, nil, payload)
	if err != nil {
		return nil, sealError(col, err)
	}
	x.sealing.done(x.ctx, x.c.cr.rec, observe.Encrypt, began, len(payload))
	if limit := x.limits[col]; limit > 0 && len(rec) > limit {
		return nil, tooLong(col, len(rec), limit)
	}
	return string(rec), nil
}

// open opens a record of the one column that stands there.
func (s *asherahSeals) open(ctx context.Context, dst []byte, cols []*schema.Column, part envelope.Partition, rec []byte) ([]byte, byte, error) {
	if len(cols) != 1 {
		return dst, 0, envelope.ErrTampered
	}
	p, err := s.partition(part)
	if err != nil {
		return dst, 0, err
	}
	plain, err := p.Open(ctx, dst, rec)
	return plain, byte(s.tags[cols[0]]), err
}

// asherahRecord takes a record out of its column. Nothing else than the JSON of
// one is accepted, and a record of the compact format least of all.
func asherahRecord(cols []*schema.Column, v driver.Value) ([]byte, error) {
	if len(cols) != 1 {
		return nil, envelope.ErrTampered // the planner refuses these
	}
	switch v := v.(type) {
	case []byte:
		if bytes.HasPrefix(bytes.TrimLeft(v, " \t\r\n"), []byte("{")) {
			return v, nil
		}
	case string:
		if strings.HasPrefix(strings.TrimLeft(v, " \t\r\n"), "{") {
			return []byte(v), nil
		}
	}
	return nil, envelope.ErrNotSealed
}

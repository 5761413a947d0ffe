package driver

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/blind"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

var errPartitions = errors.New("records of one row are of two partitions")

// combined computes the compound index of a stored row.
func (f *IndexFill) combined(c *compound, row StoredRow) (want driver.Value, right bool, err error) {
	if len(row.Parts) != len(c.parts) {
		return nil, false, indexError(f.of, errNoCombination)
	}
	for _, cell := range row.Parts {
		if cell == nil {
			return nil, row.Index == nil, nil
		}
	}
	buf := scratches.Get().(*[]byte)
	defer giveScratch(buf)
	var part envelope.Partition
	known := false
	for i := range c.parts {
		payload, tag, in, err := f.part(i, &c.of.Parts[i], &row)
		if errors.Is(err, envelope.ErrShredded) {
			return f.shredded(row)
		}
		if err != nil {
			return nil, false, c.partError(i, err)
		}
		if f.columns[i] != nil {
			if known && in != part && !c.of.TableScope {
				return nil, false, c.partError(i, errPartitions)
			}
			part, known = in, true
		}
		n := len(*buf)
		b, err := blind.Append(append(*buf, 0, 0, 0, 0), c.parts[i], logical.Tag(tag), payload)
		if cap(b) > cap(*buf) {
			clear((*buf)[:cap(*buf)])
		}
		if *buf = b; err != nil {
			return nil, false, c.partError(i, err)
		}
		binary.BigEndian.PutUint32(b[n:], uint32(len(b)-n-4))
	}
	if c.of.TableScope {
		part = envelope.Partition{}
	}
	v, err := f.opener.sealer.AppendIndex(f.x.ctx, make([]byte, 0, c.keyed.Size()), c.keyed, part, *buf)
	if err != nil {
		return nil, false, indexError(f.of, err)
	}
	return v, sameCell(v, row.Index), nil
}

// part is the payload of a column of a compound index: of its record, or of the
// value that the plain driver returned of a clear one.
func (f *IndexFill) part(i int, p *schema.Part, row *StoredRow) (payload []byte, tag byte, part envelope.Partition, err error) {
	if c := f.columns[i]; c != nil {
		return f.open(c, row.Parts[i], row)
	}
	cell := row.Parts[i]
	if b, ok := cell.([]byte); ok && p.Type.Kind != schema.KindBytes {
		cell = string(b) // go-sql-driver/mysql hands texts out so
	}
	payload, t, null, err := f.x.codec.Encode(f.x.take(), &p.Type, cell)
	if err == nil && null {
		err = errNoCombination
	}
	if err == nil {
		f.x.keep(payload)
	}
	return payload, byte(t), part, err
}

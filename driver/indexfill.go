package driver

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/tokens"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// IndexFill computes an index of stored records, for tools that fill the column
// of one. It is used by one goroutine at a time.
type IndexFill struct {
	of     schema.Index
	ix     index
	opener *opener
	column opened
	group  *group
	x      *call
}

// StoredRow is what a plain connection reads of a row: cells as the inner driver
// returns them.
type StoredRow struct {
	// Record is the cell of the encrypted column, Index that of the index.
	Record, Index any
	// Partition and Row are the cells of the partition column and of the row
	// identity, where the table has them.
	Partition, Row any
}

// NewIndexFill prepares computing an index of a column of a configuration's
// catalog. codec is that of a session with the database (Inspection.Session).
func NewIndexFill(s *envelope.Sealer, d rewrite.Dialect, codec logical.Codec, of schema.Index) (*IndexFill, error) {
	c := of.Column()
	if c.Carrier == schema.CarrierAsherah {
		return nil, errors.New("sealsql: columns in Asherah's format have no index that could be filled")
	}
	col, err := s.Column(c.ID, columnOptions(c))
	if err != nil {
		return nil, sealError(c, err)
	}
	ix, err := newIndex(s, of, d)
	if err != nil {
		return nil, indexError(of, err)
	}
	f := &IndexFill{of: of, ix: ix}
	f.x = &call{c: &conn{cr: &connector{seals: &seals{sealer: s}, rec: s.Recorder()}}, codec: codec}
	f.opener = &opener{sealer: s, codec: codec, rec: s.Recorder()}
	f.column = opened{cols: []*schema.Column{c}, groups: []group{{
		seals: []*envelope.Column{col}, cols: []*schema.Column{c}, table: c.Table, from: -1, row: rowOf{bound: c.BindsRow(), from: 0},
	}}}
	f.group = &f.column.groups[0]
	return f, nil
}

// Close wipes what was opened.
func (f *IndexFill) Close() {
	f.opener.close()
	f.x.release()
}

// Index computes the index of a row, or reports that the row has it: right is
// set, and want the cell that is there. A value that is NULL has NULL. A value
// whose key was destroyed gets one that no search finds, unless it has one.
func (f *IndexFill) Index(ctx context.Context, row StoredRow) (want driver.Value, right bool, err error) {
	f.opener.ctx, f.x.ctx = ctx, ctx
	if row.Record == nil {
		return nil, row.Index == nil, nil
	}
	rec, err := f.opener.record(&f.column, row.Record)
	if err != nil {
		return nil, false, openError(f.column.cols, err)
	}
	part, open, err := f.partitions(rec, row.Partition)
	if err != nil {
		return nil, false, err
	}
	id, err := f.opener.rowID(f.group, []driver.Value{row.Row})
	if err != nil {
		return nil, false, err
	}
	if f.x.scratch == nil {
		f.x.scratch = scratches.Get().(*[]byte)
	}
	payload, tag, _, err := f.opener.sealer.OpenRow(ctx, f.x.take(), f.group.seals, open, id, rec)
	if errors.Is(err, envelope.ErrShredded) {
		if row.Index != nil {
			return row.Index, true, nil
		}
		want, err = f.unfindable()
		return want, false, err
	}
	if err != nil {
		return nil, false, openError(f.column.cols, err)
	}
	f.x.keep(payload)
	if f.of.AllPartitions() {
		part = envelope.Partition{}
	}
	if set, ok := f.ix.(*fragments); ok && row.Index != nil && set.of.Kind == schema.ContainsFragments {
		if right, err = set.holds(f.x, part, logical.Tag(tag), payload, row.Index); err != nil || right {
			return row.Index, right, err
		}
	}
	want, err = f.ix.value(f.x, part, logical.Tag(tag), payload)
	if err != nil {
		return nil, false, indexError(f.of, err)
	}
	return want, sameCell(want, row.Index), nil
}

// partitions are those that the index is computed in, and that the record opens
// in.
func (f *IndexFill) partitions(rec []byte, cell any) (part, open envelope.Partition, err error) {
	t := f.group.table
	switch t.Partition.Kind {
	case schema.PartitionConst:
		part, err = envelope.PartitionID(t.Partition.Const)
		return part, part, err
	case schema.PartitionContext:
		// The record says it, and is authentic or does not open.
		h, err := envelope.ReadHead(rec)
		if err == nil {
			part, err = envelope.PartitionID(h.Partition)
		}
		if err != nil {
			return part, part, openError(f.column.cols, err)
		}
		return part, part, nil
	}
	g := *f.group
	g.from = 0
	if part, err = f.opener.partition(&g, []driver.Value{cell}); err != nil {
		return part, part, err
	}
	if t.Relaxed {
		return part, envelope.AnyPartition, nil
	}
	return part, part, nil
}

// unfindable is an index of no value, another one each time.
func (f *IndexFill) unfindable() (driver.Value, error) {
	if set, ok := f.ix.(*fragments); ok && set.of.Kind == schema.ContainsFragments {
		random, err := padded(nil)
		return set.stored(random), err
	}
	size := f.of.Bytes()
	if size == 0 {
		size = 32
	}
	b := make([]byte, size)
	_, err := rand.Read(b)
	return b, err
}

// sameCell compares an index with a cell.
func sameCell(want driver.Value, cell any) bool {
	a, ok := want.([]byte)
	b, also := cell.([]byte)
	return ok && also && subtle.ConstantTimeCompare(a, b) == 1
}

// holds reports that a stored set of tokens, which random ones fill up, has all
// of a text.
func (f *fragments) holds(x *call, part envelope.Partition, tag logical.Tag, payload []byte, cell any) (bool, error) {
	stored, ok := f.read(cell)
	if !ok {
		return false, nil
	}
	text, err := f.text(tag, payload)
	if err != nil {
		return false, err
	}
	set, err := f.set(x, part, tokens.Grams(tokens.Normal(f.of.Normalize, text), f.of.Lengths[0]))
	if err != nil {
		return false, err
	}
	for _, t := range set {
		if _, found := slices.BinarySearch(stored, t); !found {
			return false, nil
		}
	}
	return len(stored) >= len(set), nil
}

// read turns a cell into its tokens, sorted; false for what is none.
func (f *fragments) read(cell any) ([]uint32, bool) {
	var out []uint32
	switch v := cell.(type) {
	case []byte:
		if f.dialect == rewrite.Postgres {
			return f.read(string(v))
		}
		if len(v)%schema.TokenBytes != 0 {
			return nil, false
		}
		for i := 0; i < len(v); i += schema.TokenBytes {
			out = append(out, binary.BigEndian.Uint32(v[i:]))
		}
	case string:
		body, ok := strings.CutPrefix(v, "{")
		if body, ok2 := strings.CutSuffix(body, "}"); ok && ok2 && body != "" {
			for _, word := range strings.Split(body, ",") {
				n, err := strconv.ParseInt(word, 10, 32)
				if err != nil {
					return nil, false
				}
				out = append(out, uint32(int32(n)))
			}
		}
	default:
		return nil, false
	}
	slices.Sort(out)
	return out, true
}

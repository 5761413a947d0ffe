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
	x      *call
	// columns are the indexed one, or the parts of a compound index; nil for clear
	// parts.
	columns []*filled
}

// filled is an encrypted column of which an index is computed.
type filled struct {
	column opened
	group  *group
}

// StoredRow is what a plain connection reads of a row: cells as the inner driver
// returns them.
type StoredRow struct {
	// Record is the cell of the encrypted column, Index that of the index.
	Record, Index any
	// Parts are the cells of the columns of a compound index, which has no Record.
	Parts []any
	// Partition and Row are the cells of the partition column and of the row
	// identity, where the table has them.
	Partition, Row any
}

// NewIndexFill prepares computing an index of a column of a configuration's
// catalog. codec is that of a session with the database (Inspection.Session).
func NewIndexFill(s *envelope.Sealer, d rewrite.Dialect, codec logical.Codec, of schema.Index) (*IndexFill, error) {
	ix, err := newIndex(s, of, d)
	if err != nil {
		return nil, indexError(of, err)
	}
	f := &IndexFill{of: of, ix: ix}
	f.x = &call{c: &conn{cr: &connector{seals: &seals{sealer: s}, rec: s.Recorder()}}, codec: codec}
	f.opener = &opener{sealer: s, codec: codec, rec: s.Recorder()}
	columns := []*schema.Column{of.Column()}
	if x, ok := of.(*schema.Compound); ok {
		columns = nil
		for i := range x.Parts {
			columns = append(columns, x.Parts[i].Of)
		}
	}
	for _, c := range columns {
		col, err := newFilled(s, c)
		if err != nil {
			return nil, err
		}
		f.columns = append(f.columns, col)
	}
	return f, nil
}

// newFilled returns nil for a clear column, which is nil.
func newFilled(s *envelope.Sealer, c *schema.Column) (*filled, error) {
	if c == nil {
		return nil, nil
	}
	if c.Carrier == schema.CarrierAsherah {
		return nil, errors.New("sealsql: columns in Asherah's format have no index that could be filled")
	}
	col, err := s.Column(c.ID, columnOptions(c))
	if err != nil {
		return nil, sealError(c, err)
	}
	f := &filled{column: opened{cols: []*schema.Column{c}, groups: []group{{
		seals: []*envelope.Column{col}, cols: []*schema.Column{c}, table: c.Table, from: -1, row: rowOf{bound: c.BindsRow(), from: 0},
	}}}}
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
	if f.x.scratch == nil {
		f.x.scratch = scratches.Get().(*[]byte)
	}
	if c, ok := f.ix.(*compound); ok {
		return f.combined(c, row)
	}
	if row.Record == nil {
		return nil, row.Index == nil, nil
	}
	payload, tag, part, err := f.open(f.columns[0], row.Record, &row)
	if errors.Is(err, envelope.ErrShredded) {
		return f.shredded(row)
	}
	if err != nil {
		return nil, false, err
	}
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

// open opens a record, and says in which partition its index is. The payload is
// kept in the buffer of the call until the next one is taken.
func (f *IndexFill) open(c *filled, cell any, row *StoredRow) (payload []byte, tag byte, part envelope.Partition, err error) {
	rec, err := f.opener.record(&c.column, cell)
	if err != nil {
		return nil, 0, part, openError(c.column.cols, err)
	}
	part, open, err := f.partitions(c, rec, row.Partition)
	if err != nil {
		return nil, 0, part, err
	}
	id, err := f.opener.rowID(c.group, []driver.Value{row.Row})
	if err != nil {
		return nil, 0, part, err
	}
	payload, tag, _, err = f.opener.sealer.OpenRow(f.x.ctx, f.x.take(), c.group.seals, open, id, rec)
	if err != nil {
		return nil, 0, part, openError(c.column.cols, err)
	}
	f.x.keep(payload)
	return payload, tag, part, nil
}

// shredded is the index of a row whose key was destroyed: the one that it has, or
// one that no search finds.
func (f *IndexFill) shredded(row StoredRow) (want driver.Value, right bool, err error) {
	if row.Index != nil {
		return row.Index, true, nil
	}
	want, err = f.unfindable()
	return want, false, err
}

// partitions are those that the index is computed in, and that the record opens
// in.
func (f *IndexFill) partitions(c *filled, rec []byte, cell any) (part, open envelope.Partition, err error) {
	t := c.group.table
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
			return part, part, openError(c.column.cols, err)
		}
		return part, part, nil
	}
	g := *c.group
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

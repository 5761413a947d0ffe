package driver

import (
	"database/sql/driver"
	"slices"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
)

// FreshEngine is an Engine whose inner driver's rows may hand over bytes that
// nobody else reads.
type FreshEngine interface {
	Engine
	// Fresh reports whether the rows of a connection give each []byte in memory that
	// no other value of the row shares and that the inner driver does not read again.
	// Records are then opened where they lie, and values stay there, for as long as
	// those of the inner driver do: for good, or, on MySQL, until the next row.
	Fresh(inner driver.Conn) bool
}

// memory says where the values of a result are opened. The zero value is the
// opener's buffer, out of which they are copied.
type memory struct {
	// codec is nil unless values may stay where they are opened.
	codec logical.OwnDecoder
	// bytes is the codec where values need not outlive the row.
	bytes logical.BytesDecoder
	// inner: in the inner driver's bytes. reused: else in buf, which each row uses
	// again, and of which row is what is left.
	inner, reused bool
	buf, row      []byte
}

// of finds out what an execution can do. The buffer is for values that the plain
// driver, too, leaves in memory that it uses again for the next row, and which
// database/sql copies but for RawBytes: go-sql-driver's []byte.
func (m *memory) of(x *call) {
	e := x.c.cr.fresh
	m.inner = e != nil && e.Fresh(x.c.inner)
	m.reused = x.c.cr.front.Dialect() == rewrite.MySQL
	if m.inner || m.reused {
		m.codec, _ = x.codec.(logical.OwnDecoder)
	}
	if m.reused {
		m.bytes, _ = x.codec.(logical.BytesDecoder)
	}
}

// opened opens a record. own says that the plaintext is in memory of its own;
// else it is in the buffer.
func (o *opener) opened(i int, g *group, part envelope.Partition, id string, rec []byte, row []driver.Value) (plain []byte, tag byte, at int, own bool, err error) {
	col := &o.columns[i]
	switch {
	case o.records.has(i):
		plain, tag, at, err = o.received(o.run(i), g, part, id, rec)
		return plain, tag, at, true, err
	case g.asherah != nil || o.memory.codec == nil:
	case o.memory.inner && isRecordOf(row[col.at], rec) && len(col.groups) == 1: // a second group would need it whole
		plain, tag, at, err = o.run(i).OpenOwn(o.ctx, o.sealer, g.seals, part, id, rec)
		return plain, tag, at, true, err
	case o.memory.reused:
		room := o.memory.room(o, row)
		plain, tag, at, err = o.run(i).OpenRow(o.ctx, o.sealer, room[:0], g.seals, part, id, rec)
		if err == nil && len(plain) <= len(room) {
			o.memory.row = room[len(plain):]
		}
		return plain, tag, at, true, err
	}
	plain, tag, at, err = o.buffered(i, g, part, id, rec)
	return plain, tag, at, false, err
}

// remembered is what is kept of a column's values from row to row.
type remembered struct {
	run envelope.Run
	box box
}

func (o *opener) remembered(i int) *remembered {
	if o.memories == nil {
		if o.rows < 2 { // there may be no other
			return nil
		}
		o.memories = make([]remembered, len(o.columns))
	}
	return &o.memories[i]
}

func (o *opener) run(i int) *envelope.Run {
	if m := o.remembered(i); m != nil {
		return &m.run
	}
	return nil
}

// isRecordOf reports whether a record is the bytes of a value themselves, not
// what was decoded from its armour.
func isRecordOf(v driver.Value, rec []byte) bool {
	b, ok := v.([]byte)
	return ok && len(b) > 0 && len(rec) == len(b) && &b[0] == &rec[0]
}

// room is the memory for the values of a row that are still to be opened.
func (m *memory) room(o *opener, row []driver.Value) []byte {
	if m.row != nil {
		return m.row
	}
	if n := o.rowSize(row); n > len(m.buf) || m.buf == nil {
		m.buf = make([]byte, n)
	}
	m.row = m.buf
	return m.row
}

// rowSize is the room for the values of a row: their records are longer.
func (o *opener) rowSize(row []driver.Value) (n int) {
	for i := range o.columns {
		if b, ok := row[o.columns[i].at].([]byte); ok {
			n += max(0, len(b)-envelope.MinOverhead)
		}
	}
	return n
}

// buffered opens a record into the buffer, which is wiped when the rows end.
func (o *opener) buffered(i int, g *group, part envelope.Partition, id string, rec []byte) (plain []byte, tag byte, at int, err error) {
	if o.scratch == nil {
		o.scratch = scratches.Get().(*[]byte)
	}
	if g.asherah != nil {
		plain, tag, err = g.asherah.open(o.ctx, (*o.scratch)[:0], g.cols, part, rec)
	} else {
		plain, tag, at, err = o.run(i).OpenRow(o.ctx, o.sealer, (*o.scratch)[:0], g.seals, part, id, rec)
	}
	if err == nil && cap(plain) > cap(*o.scratch) {
		clear((*o.scratch)[:cap(*o.scratch)])
		*o.scratch = plain
	}
	return plain, tag, at, err
}

// shapeMemo holds what is opened in the results of the last few plans of one
// connection.
type shapeMemo [memoSize]shape

// shape is what is opened in the results of a plan.
type shape struct {
	plan    *rewrite.Plan
	seals   *seals
	columns []opened
	// same: the caller sees the inner result's columns, under their names.
	same bool
	// memories are those of the last result that was closed, for the next to go on
	// with; nil while one has them.
	memories []remembered
}

// lend gives an opener what is remembered of its plan; it has no columns
// afterwards where that is nothing.
func (m *shapeMemo) lend(x *call, o *opener) {
	e := &m[len(x.plan.Text)%memoSize]
	if e.plan != x.plan || e.seals != x.c.cr.seals {
		return
	}
	o.shape, o.plan, o.columns = e, e.plan, e.columns
	if o.memories, e.memories = e.memories, nil; o.memories == nil {
		o.memories = make([]remembered, len(o.columns))
	}
}

// giveBack ends what lend began, and keeps no key.
func (o *opener) giveBack() {
	for i := range o.memories {
		o.memories[i].run.Rest()
	}
	if o.shape != nil && o.shape.plan == o.plan {
		for i := range o.memories {
			o.memories[i].box.clear()
		}
		o.shape.memories = o.memories
	}
	o.shape, o.memories = nil, nil
}

func (m *shapeMemo) put(x *call, columns []opened) {
	if len(x.plan.Text) <= maxMemoText {
		m[len(x.plan.Text)%memoSize] = shape{plan: x.plan, seals: x.c.cr.seals, columns: columns, same: len(x.plan.ResultNames) == 0 && !hides(x.plan)}
	}
}

// hides reports whether a plan added columns to a result.
func hides(p *rewrite.Plan) bool {
	return slices.ContainsFunc(p.Results, func(o rewrite.Open) bool { return o.Hidden })
}

// isFixed reports whether neither arguments nor context decide about partition
// and row of a result column.
func isFixed(res *rewrite.Open) bool {
	for i := range res.Partitions {
		if res.Partitions[i].Value != nil {
			return false
		}
	}
	for _, r := range res.Rows {
		if r != nil && r.Value != nil {
			return false
		}
	}
	return true
}

package driver

import (
	"database/sql/driver"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/schema"
)

// Nearly all values that are read are records of one column and one known partition that
// nothing looks at but the program. They are opened on a short way, which does what the long
// one does for them; what it does not take, it leaves to that as it is.

// direct reports whether what a group's records are held against is the same for all
// rows.
func (g *group) direct() bool { return g.from < 0 && !g.row.bound && g.asherah == nil }

// direct opens the value of a column that is direct. ok is false, and nothing was done,
// where it is NULL, no record, or may not stay where it is opened.
func (o *opener) direct(i int, col *opened, row []driver.Value) (v driver.Value, ok bool, err error) {
	received := o.records.has(i)
	var rec []byte
	if received {
		rec = o.records.rows.Record(col.at)
	} else if o.memory.inner && o.memory.codec != nil {
		rec, _ = row[col.at].([]byte)
	}
	if !envelope.IsRecord(rec) {
		return nil, false, nil
	}
	g, m := &col.groups[0], &o.memories[i]
	began := o.opening.opens(o.rec)
	var plain []byte
	var tag byte
	var at int
	if received {
		plain, tag, at, err = o.received(&m.run, g, g.part, "", rec)
	} else {
		plain, tag, at, err = m.run.OpenOwn(o.ctx, o.sealer, g.seals, g.part, "", rec)
	}
	o.tag = logical.Tag(tag)
	if err == nil {
		o.opening.done(o.ctx, o.rec, observe.Decrypt, began, len(plain))
		v, err = o.own(m, &g.cols[at].Type, plain)
	}
	if err == nil || o.destroyed(err) {
		return v, true, nil
	}
	return nil, true, openError(g.cols, err)
}

// received opens a record where it was received into the memory of its row.
func (o *opener) received(run *envelope.Run, g *group, part envelope.Partition, id string, rec []byte) (plain []byte, tag byte, at int, err error) {
	room := o.records.room(o, rec)
	plain, tag, at, err = run.OpenRow(o.ctx, o.sealer, room[:0], g.seals, part, id, rec)
	if err == nil && len(plain) <= len(room) && o.memory.row != nil {
		o.memory.row = room[len(plain):]
	}
	return plain, tag, at, err
}

// own returns the value of a payload in memory of its own, which is wiped unless the
// value lies in it. m may be nil.
func (o *opener) own(m *remembered, typ *schema.Type, plain []byte) (driver.Value, error) {
	if m != nil && o.memory.bytes != nil && len(plain) > 0 && o.memory.bytes.IsBytes(typ, o.tag) {
		return m.box.put(plain[:len(plain):len(plain)]), nil
	}
	v, kept, err := o.memory.codec.DecodeOwn(typ, o.tag, plain)
	if !kept {
		clear(plain)
	}
	return v, err
}

package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/audit"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// opened is one result column that holds records.
type opened struct {
	at int // in the inner result
	// direct: all that is to be done about a value is to open it.
	direct bool
	// bare is set for values without a declared type.
	bare bool
	// groups are the columns by expected partition: mostly one.
	groups []group
	cols   []*schema.Column
	// filter looks at the column's values; nil for none.
	filter *filter
	// likes are the patterns that they are compared with.
	likes []match
	// verified are the indexes that they are compared with.
	verified []verified
}

// group is columns of one result column whose partition and row are the same.
type group struct {
	seals []*envelope.Column
	part  envelope.Partition
	cols  []*schema.Column
	table *schema.Table
	// from is the inner column that holds the row's partition, or -1 where
	// part is it.
	from int
	row  rowOf
	// asherah opens the group where its column is in that format.
	asherah *asherahSeals
}

// opener opens the records of a result's rows.
type opener struct {
	ctx    context.Context
	sealer *envelope.Sealer
	codec  logical.Codec
	memory memory
	// records are what is read where it was received.
	records records
	// columns may be those of other results of the same plan: they are not changed.
	columns []opened
	// tags are those of the current row's values, parallel to columns; 0 for NULL
	// and for no row.
	tags []logical.Tag
	few  [8]logical.Tag // what tags mostly is a part of
	// memories are parallel to columns; nil for the first row of a plan that the
	// connection does not remember. shape is where it does, for plan.
	memories []remembered
	shape    *shape
	plan     *rewrite.Plan
	audit    *audit.Log
	// shredded opens values whose keys were destroyed as NULL.
	shredded bool
	scratch  *[]byte
	raw      []byte // a record without its armour
	message  []byte // what a filter compares, wiped on close
	out      bool   // a filter leaves the current row out
	tag      logical.Tag
	rec      *observe.Recorder
	opening  tally
	rows     int // that were read, for errors
	// verifier computes the indexes of values that are compared with theirs; nil
	// where none are.
	verifier *call

	lastID   string
	lastPart envelope.Partition
}

// opener prepares opening the plan's result columns. o is zero.
func (x *call) opener(o *opener) error {
	o.ctx, o.sealer, o.codec = x.ctx, x.c.cr.seals.sealer, x.codec
	o.shredded, o.audit, o.rec = x.c.cr.shredded, x.c.cr.audit, x.c.cr.rec
	o.memory.of(x)
	if x.c.shapes.lend(x, o); o.columns == nil {
		if err := x.columns(o); err != nil {
			return err
		}
	}
	if o.tags = o.few[:]; len(o.columns) > len(o.few) {
		o.tags = make([]logical.Tag, len(o.columns))
	}
	return nil
}

// columns finds out what is opened, and remembers it where the arguments and the
// context of an execution have no part in it.
func (x *call) columns(o *opener) error {
	n, sources, fixed := 0, 0, true
	for i := range x.plan.Results {
		if k := len(x.plan.Results[i].Columns); k > 0 {
			n++
			sources += k
		}
	}
	groups := make([]group, sources) // of all columns in one piece
	o.columns = make([]opened, 0, n)
	for i := range x.plan.Results {
		res := &x.plan.Results[i]
		if len(res.Columns) == 0 {
			continue
		}
		f, err := x.filter(i)
		if err != nil {
			return err
		}
		likes := x.matches(i)
		vs, err := x.verified(i)
		if err != nil {
			return err
		}
		fixed = fixed && f == nil && likes == nil && vs == nil && isFixed(res)
		if res.Hidden && f == nil && likes == nil && vs == nil {
			continue
		}
		if vs != nil && o.verifier == nil {
			o.verifier = x.verifier()
		}
		col := opened{at: i, verified: vs, cols: res.Columns, filter: f, likes: likes, bare: res.Computed && x.bare()}
		k := len(res.Columns)
		col.groups, groups = groups[:0:k], groups[k:]
		if err := x.groups(&col, res); err != nil {
			return err
		}
		col.direct = f == nil && likes == nil && vs == nil && !col.bare && isBinary(col.cols) && len(col.groups) == 1 && col.groups[0].direct()
		if f != nil || likes != nil { // what may leave the row out comes first
			o.columns = slices.Insert(o.columns, 0, col)
			continue
		}
		o.columns = append(o.columns, col)
	}
	if fixed {
		x.c.shapes.put(x, o.columns)
	}
	return nil
}

func (x *call) groups(col *opened, res *rewrite.Open) error {
	if len(res.Partitions) != len(res.Columns) {
		return errors.New("sealsql: plan opens a column without a partition")
	}
	for i, c := range res.Columns {
		g, err := x.group(c, &res.Partitions[i])
		if err != nil {
			return err
		}
		var row *rewrite.RowSource
		if i < len(res.Rows) {
			row = res.Rows[i]
		}
		if g.row, err = x.rowOf(c, row); err != nil {
			return err
		}
		if len(res.Columns) > 1 && col.merge(g) {
			continue
		}
		col.groups = append(col.groups, g)
	}
	return nil
}

func (x *call) group(c *schema.Column, s *rewrite.PartitionSource) (group, error) {
	g := group{seals: x.c.cr.seals.single[c], cols: x.c.cr.seals.self[c], table: c.Table, from: -1}
	if c.Carrier == schema.CarrierAsherah {
		g.asherah = x.c.cr.seals.asherah
	}
	switch {
	case !s.Known:
		if !c.Table.Relaxed {
			return g, partitionError(c.Table, sealsql.ErrPartitionMissing, partitionHint)
		}
		g.part = envelope.AnyPartition
	case s.Value == nil && s.Const == "" && s.ResultColumn >= 0:
		if s.ResultColumn >= len(x.plan.Results) {
			return g, errors.New("sealsql: plan takes a partition from a column that the result has not")
		}
		g.from = s.ResultColumn
	default:
		var err error
		g.part, err = x.partition(s, c.Table)
		return g, err
	}
	return g, nil
}

// merge adds a column to the group with the same partition, if there is one.
func (col *opened) merge(g group) bool {
	for i := range col.groups {
		h := &col.groups[i]
		if h.from == g.from && h.part == g.part && h.table == g.table && h.row.same(g.row) {
			h.seals = append(h.seals[:len(h.seals):len(h.seals)], g.seals...)
			h.cols = append(h.cols[:len(h.cols):len(h.cols)], g.cols...)
			return true
		}
	}
	return false
}

// row opens the records of an inner row in place. Columns that give the
// partition or row of others are clear and stay as they were read.
func (o *opener) row(row []driver.Value) (err error) {
	defer func() {
		if r := recover(); r != nil {
			o.scratch, o.out = wiped(o.scratch), false
			err = rewrite.Fault(r)
		}
	}()
	o.out = false
	o.rows++
	o.memory.row = nil
	for i := range o.columns {
		col := &o.columns[i]
		v, err := o.open(i, row)
		if err != nil {
			o.rec.NotOpened(outcomeOf(err))
			return err
		}
		if v == nil && !o.out && (col.filter != nil || col.likes != nil) {
			o.out = true // NULL equals and matches nothing
		}
		if o.out {
			o.opening.row(o.rec, false)
			return nil
		}
		row[col.at], o.tags[i] = v, o.tag
	}
	o.opening.row(o.rec, true)
	return nil
}

// noRow notes that there is no current row.
func (o *opener) noRow() {
	clear(o.tags)
}

// tagAt returns the tag of the current row's value in an inner column.
func (o *opener) tagAt(at int) logical.Tag {
	for i := range o.columns {
		if o.columns[i].at == at {
			return o.tags[i]
		}
	}
	return 0
}

// open returns the value that the record of one of the columns holds, and sets
// o.tag. row is the inner row.
func (o *opener) open(at int, row []driver.Value) (driver.Value, error) {
	col := &o.columns[at]
	if col.direct && o.memories != nil {
		if v, ok, err := o.direct(at, col, row); ok {
			return v, err
		}
	}
	o.tag = 0
	rec, err := o.recordOf(at, row)
	if err != nil {
		return nil, openError(col.cols, err)
	}
	if rec == nil {
		return nil, o.verify(col, envelope.Partition{}, true, nil, row)
	}
	for i := range col.groups {
		g := &col.groups[i]
		part, err := o.partition(g, row)
		if err != nil {
			return nil, err
		}
		id, err := o.rowID(g, row)
		if err != nil {
			return nil, err
		}
		val, err := o.decrypt(at, g, part, id, rec, row)
		if err == nil {
			return val, nil
		}
		if o.destroyed(err) {
			return nil, nil
		}
		if col.verified != nil && unverified(err) {
			return nil, err
		}
		if i == len(col.groups)-1 || !errors.Is(err, envelope.ErrWrongColumn) {
			return nil, openError(g.cols, err)
		}
	}
	return nil, openError(col.cols, envelope.ErrTampered)
}

// destroyed reports whether a value is NULL in place of an error: its key was
// destroyed, and the configuration wants to see it so.
func (o *opener) destroyed(err error) bool {
	if !o.shredded || !errors.Is(err, envelope.ErrShredded) {
		return false
	}
	o.tag = 0
	o.rec.NotOpened(observe.Destroyed)
	return true
}

func (o *opener) decrypt(i int, g *group, part envelope.Partition, id string, rec []byte, row []driver.Value) (driver.Value, error) {
	began := o.opening.opens(o.rec)
	plain, tag, at, own, err := o.opened(i, g, part, id, rec, row)
	if err != nil {
		return nil, err
	}
	if at < 0 || at >= len(g.cols) {
		return nil, envelope.ErrTampered
	}
	o.opening.done(o.ctx, o.rec, observe.Decrypt, began, len(plain))
	o.tag = logical.Tag(tag)
	col := &o.columns[i]
	typ := &g.cols[at].Type
	if col.bare {
		typ = &bareType
	}
	if !own {
		return o.shown(col, part, typ, plain, row)
	}
	if ok, err := o.passes(col, part, plain, row); !ok {
		clear(plain)
		return nil, err
	}
	return o.own(o.remembered(i), typ, plain)
}

// shown returns the value of a payload, nil where the row is left out.
func (o *opener) shown(col *opened, part envelope.Partition, typ *schema.Type, plain []byte, row []driver.Value) (driver.Value, error) {
	if ok, err := o.passes(col, part, plain, row); !ok {
		return nil, err
	}
	return o.codec.Decode(typ, o.tag, plain)
}

// passes looks at a payload for what the statement asks of it.
func (o *opener) passes(col *opened, part envelope.Partition, plain []byte, row []driver.Value) (bool, error) {
	if col.filter != nil {
		ok, err := o.matches(col.filter, plain)
		if err != nil || !ok {
			o.out = o.out || err == nil
			return false, err
		}
	}
	if col.likes != nil && !col.like(o.tag, plain) {
		o.out = true
		return false, nil
	}
	if col.verified != nil {
		if err := o.verify(col, part, false, plain, row); err != nil {
			return false, err
		}
	}
	return true, nil
}

// recordOf returns the record of one of the columns, nil for NULL.
func (o *opener) recordOf(at int, row []driver.Value) ([]byte, error) {
	col := &o.columns[at]
	if o.records.has(at) {
		rec := o.records.rows.Record(col.at)
		if rec != nil && !envelope.IsRecord(rec) {
			return nil, envelope.ErrNotSealed
		}
		return rec, nil
	}
	if row[col.at] == nil {
		return nil, nil
	}
	return o.record(col, row[col.at])
}

// record takes the record out of its carrier. Only what a column's carrier
// allows is accepted.
func (o *opener) record(col *opened, v driver.Value) ([]byte, error) {
	text, binary := false, false
	if col.cols[0].Carrier == schema.CarrierAsherah {
		return asherahRecord(col.cols, v)
	}
	for _, c := range col.cols {
		text = text || c.Carrier == schema.CarrierText
		binary = binary || c.Carrier == schema.CarrierBinary
	}
	switch v := v.(type) {
	case []byte:
		if binary && envelope.IsRecord(v) {
			return v, nil
		}
		if text {
			return o.dearmour(v)
		}
	case string:
		if text {
			return o.dearmour([]byte(v))
		}
	}
	return nil, envelope.ErrNotSealed
}

func (o *opener) dearmour(text []byte) ([]byte, error) {
	rec, err := envelope.Dearmour(o.raw[:0], text)
	if err != nil {
		return nil, err
	}
	o.raw = rec
	return rec, nil
}

// partition returns the partition that a group's records must have.
func (o *opener) partition(g *group, row []driver.Value) (envelope.Partition, error) {
	if g.from < 0 {
		return g.part, nil
	}
	v := row[g.from]
	if v == nil {
		return envelope.Partition{}, partitionError(g.table, sealsql.ErrPartitionMissing, "the row's partition column is NULL")
	}
	if b, ok := v.([]byte); ok && g.table.Partition.Type.Kind == schema.KindUUID {
		v = string(b) // MariaDB's UUID columns are read as text
	}
	id, err := o.codec.Canonical(&g.table.Partition.Type, v)
	if err != nil {
		return envelope.Partition{}, partitionError(g.table, err, "")
	}
	if id == o.lastID && id != "" {
		return o.lastPart, nil
	}
	p, err := envelope.PartitionID(id)
	if err != nil {
		return p, partitionError(g.table, err, "")
	}
	o.lastID, o.lastPart = id, p
	return p, nil
}

// close wipes what was opened.
func (o *opener) close() {
	o.opening.flushOpened(o.rec)
	o.giveBack()
	clear(o.message[:cap(o.message)])
	if o.verifier != nil {
		o.verifier.release()
	}
	if o.scratch != nil {
		giveScratch(o.scratch)
		o.scratch = nil
	}
}

package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// call is one execution of an annotated plan: it turns the caller's arguments
// into those that are sent. It never changes what the caller passed, so that a
// second pass (driver.ErrSkip, driver.ErrBadConn) starts from the same values.
type call struct {
	ctx      context.Context
	c        *conn
	plan     *rewrite.Plan
	in       Input
	codec    logical.Codec
	limits   map[*schema.Column]int
	info     sealsql.CallInfo
	args     []driver.NamedValue         // the caller's, by ordinal; nil until resolved
	scratch  *[]byte                     // plaintext payloads, wiped on release
	arena    []byte                      // sealed records, handed to the inner driver
	expected int                         // bytes that records are still thought to take; negative before that is known
	covers   map[*rewrite.Cover]*covered // the ranges that the statement asks for
	lastID   string
	lastPart envelope.Partition
	patterns []pattern // of the plan's Likes
	limit    *limit
	writes   *trail // what will be recorded of the statement; nil for nothing
	sealing  tally
}

// scratches keeps buffers for payloads; they are empty and wiped in the pool.
var scratches = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// maxScratch bounds the buffers that go back to the pool.
const maxScratch = 64 << 10

func newCall(ctx context.Context, c *conn, p *rewrite.Plan, in Input, prepared bool) *call {
	x := c.spare
	if c.spare = nil; x == nil {
		x = &call{}
	}
	x.ctx, x.c, x.plan, x.in, x.codec = ctx, c, p, in, c.session.Codec // the rest is zero
	x.limits, x.info, x.expected = c.view.limits, sealsql.Call(ctx), -1
	if prepared {
		x.codec = c.session.Prepared
	}
	if in.Codec != nil {
		x.codec = in.Codec
	}
	return x
}

// release wipes the payloads. Result rows do not use them.
func (x *call) release() {
	x.sealing.flushSealed(x.c.cr.rec)
	if x.writes != nil {
		x.writes.record(x.ctx, x.c.cr.audit)
		x.writes = nil
	}
	if x.scratch == nil {
		return
	}
	giveScratch(x.scratch)
	x.scratch = nil
}

// end releases a call that nothing else holds; the connection's next statement
// uses its memory.
func (x *call) end() {
	x.release()
	if x.plan.Sets != nil { // its rows hold it
		return
	}
	c := x.c
	*x = call{}
	c.spare = x
}

// wiped wipes a buffer that is not used again.
func wiped(b *[]byte) *[]byte {
	if b != nil {
		clear((*b)[:cap(*b)])
	}
	return nil
}

func giveScratch(b *[]byte) {
	clear((*b)[:cap(*b)])
	*b = (*b)[:0]
	if cap(*b) <= maxScratch {
		scratches.Put(b)
	}
}

// outgoing checks the arguments and returns the text and the fresh argument
// list to be sent.
func (x *call) outgoing() (text string, args []driver.NamedValue, err error) {
	text, args, err = x.recorded()
	if err != nil {
		x.c.cr.notSealed(err)
	}
	return text, args, err
}

// recorded is sealed, noted for the audit trail.
func (x *call) recorded() (string, []driver.NamedValue, error) {
	if x.c.cr.audit == nil {
		return x.sealed()
	}
	if err := x.begin(); err != nil {
		return "", nil, err
	}
	text, args, err := x.sealed()
	if err != nil {
		x.writes = nil // nothing was sent
	}
	return text, args, err
}

func (x *call) sealed() (text string, args []driver.NamedValue, err error) {
	defer func() {
		if r := recover(); r != nil {
			x.scratch = wiped(x.scratch)
			err = rewrite.Fault(r)
		}
	}()
	if x.in.Refuse != "" {
		return "", nil, &rewrite.UnsupportedError{
			Pos: -1, Reason: rewrite.ReasonParameters,
			Hint: x.in.Refuse + " cannot be used with a statement that touches encrypted columns",
		}
	}
	if err := x.resolve(); err != nil {
		return "", nil, err
	}
	for i := range x.plan.Checks {
		if err := x.check(&x.plan.Checks[i]); err != nil {
			return "", nil, err
		}
	}
	if err := x.prepareLikes(); err != nil {
		return "", nil, err
	}
	if err := x.prepareLimit(); err != nil {
		return "", nil, err
	}
	if text, err = x.text(); err != nil {
		return "", nil, err
	}
	if x.plan.ArgsSame {
		return text, x.sameArguments(), nil
	}
	args, err = x.arguments()
	return text, args, err
}

// sameArguments are the caller's arguments, behind the options: its own slice
// where it has none, as for a statement that passes.
func (x *call) sameArguments() []driver.NamedValue {
	inOrder := len(x.in.Options) == 0
	for i := range x.in.Args {
		inOrder = inOrder && x.in.Args[i].Ordinal == i+1
	}
	if !inOrder {
		return renumber(x.in.Options, x.in.Args)
	}
	return x.in.Args
}

func (x *call) arguments() ([]driver.NamedValue, error) {
	opts := len(x.in.Options)
	out := make([]driver.NamedValue, opts+len(x.plan.Args))
	copy(out, x.in.Options)
	for i := range x.plan.Args {
		v, err := x.value(&x.plan.Args[i])
		if err != nil {
			return nil, err
		}
		nv := driver.NamedValue{Ordinal: opts + i + 1, Value: v}
		if i < len(x.plan.ArgNames) {
			nv.Name = x.plan.ArgNames[i]
		}
		if nv.Name == "" && len(x.plan.ParamNames) > 0 {
			nv.Name = x.nameOf(&x.plan.Args[i].Value)
		}
		out[opts+i] = nv
	}
	for i := range out[:opts] {
		out[i].Ordinal = i + 1
	}
	return out, nil
}

// nameOf returns the name that the caller gave a value: where the planned text
// keeps SQLite's named parameter, its value is looked for by name. Parameters
// with a number are not affected.
func (x *call) nameOf(v *rewrite.Value) string {
	if v.Source != rewrite.FromArg || v.Arg < 1 || v.Arg > len(x.args) {
		return ""
	}
	return x.args[v.Arg-1].Name
}

// text writes sealed literals into the plan's text.
func (x *call) text() (string, error) {
	if len(x.plan.Holes) == 0 {
		return x.plan.Text, nil
	}
	var b strings.Builder
	b.Grow(len(x.plan.Text) + 128*len(x.plan.Holes))
	at := 0
	for i := range x.plan.Holes {
		h := &x.plan.Holes[i]
		v, err := x.value(&h.Out)
		if err != nil {
			return "", err
		}
		lit, err := x.literal(v)
		if err != nil {
			return "", err
		}
		b.WriteString(x.plan.Text[at:h.At])
		b.WriteString(lit)
		at = h.At
	}
	b.WriteString(x.plan.Text[at:])
	return b.String(), nil
}

// literal writes an outgoing value as a constant of the dialect.
func (x *call) literal(v driver.Value) (string, error) {
	switch v := v.(type) {
	case nil:
		return "NULL", nil
	case []byte:
		return x.c.cr.front.BytesLiteral(v), nil
	case string:
		return x.c.cr.front.StringLiteral(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return strings.ToUpper(strconv.FormatBool(v)), nil
	case [][]byte:
		return x.arrayLiteral(v), nil
	}
	return "", fmt.Errorf("sealsql: no literal for a %T", v)
}

// resolve finds the caller's argument for every parameter of the text. SQLite's
// driver ignores arguments that no parameter takes.
func (x *call) resolve() error {
	args := x.in.Args
	if len(x.plan.ParamNames) > 0 || x.c.cr.front.Dialect() == rewrite.SQLite {
		if x.positional() {
			x.args = args[:x.plan.Params]
			return nil
		}
		return x.resolveNames()
	}
	if x.plan.Prepares != nil && len(args) > 0 {
		// In pgx's simple protocol they would become literals of what is prepared.
		return &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonParameters, Hint: "PREPARE takes no arguments: give them to EXECUTE"}
	}
	if len(args) != x.plan.Params {
		return fmt.Errorf("sealsql: statement takes %d arguments, got %d", x.plan.Params, len(args))
	}
	x.args = args
	return nil
}

// positional reports whether no parameter has a name and the arguments stand in
// the order of the parameters, as nearly always: looking each one up takes
// quadratic time, which long batches would feel.
func (x *call) positional() bool {
	if len(x.plan.ParamNames) > 0 || len(x.in.Args) < x.plan.Params {
		return false
	}
	for i := range x.in.Args[:x.plan.Params] {
		if x.in.Args[i].Ordinal != i+1 {
			return false
		}
	}
	return true
}

// resolveNames matches SQLite's named parameters: by name, by number where the
// name is a number, and otherwise by position.
func (x *call) resolveNames() error {
	names := make([]string, x.plan.Params+1)
	for name, n := range x.plan.ParamNames {
		if n < 1 || n > x.plan.Params {
			return errors.New("sealsql: parameters of the plan out of range")
		}
		names[n] = name
	}
	x.args = make([]driver.NamedValue, x.plan.Params)
	for n := 1; n <= x.plan.Params; n++ {
		a := findArgument(x.in.Args, names[n], n)
		if a == nil {
			if names[n] != "" {
				return fmt.Errorf("sealsql: missing argument %q", names[n])
			}
			return fmt.Errorf("sealsql: missing argument %d: the statement takes %d, and %d are given", n, x.plan.Params, len(x.in.Args))
		}
		x.args[n-1] = *a
	}
	return nil
}

func findArgument(args []driver.NamedValue, name string, n int) *driver.NamedValue {
	for i := range args {
		a := &args[i]
		switch {
		case name == "" && a.Ordinal == n,
			name != "" && a.Name == name,
			name != "" && name == strconv.Itoa(a.Ordinal):
			return a
		}
	}
	return nil
}

// raw returns the Go value that v names.
func (x *call) raw(v *rewrite.Value) (any, error) {
	if v.Arg < 1 || v.Arg > len(x.args) {
		return nil, errors.New("sealsql: plan names an argument that the statement has not")
	}
	return x.args[v.Arg-1].Value, nil
}

// value evaluates one outgoing value.
func (x *call) value(o *rewrite.Out) (driver.Value, error) {
	if o.Guard != nil {
		if taken, err := x.guarded(o); !taken || err != nil {
			return nil, err
		}
	}
	switch {
	case o.PartitionOf != nil:
		return x.partitionValue(o)
	case o.Cover != nil:
		return x.node(o)
	case o.Index != nil:
		return x.index(o)
	case o.Seal != nil:
		return x.seal(o)
	case o.Limit != 0:
		return x.unlimited(o), nil
	case o.Decide != nil:
		return x.decide(o)
	case o.Null:
		return x.onlyNull(&o.Value)
	case o.Value.Source == rewrite.FromArg:
		return x.raw(&o.Value)
	}
	return nil, errors.New("sealsql: plan sends a value that is not known")
}

// seal encodes and seals one value; NULL stays NULL.
func (x *call) seal(o *rewrite.Out) (driver.Value, error) {
	col := o.Seal
	payload, tag, lent := x.lent(o)
	if !lent {
		var null bool
		var err error
		if payload, tag, null, err = x.encodeAs(x.take(), o, &col.Type); err != nil {
			return nil, sealError(col, err)
		}
		if null && o.NotNull {
			return nil, sealError(col, errEmptied)
		}
		if null {
			return nil, nil
		}
		x.keep(payload)
	}
	part, err := x.partition(&o.Partition, col.Table)
	if err == nil && x.c.view.keys.partitions != nil {
		err = x.keepsPartition(&o.Partition, col.Table)
	}
	if err != nil {
		return nil, err
	}
	if col.Carrier == schema.CarrierAsherah {
		return x.asherah(col, part, tag, payload)
	}
	row := ""
	if col.BindsRow() {
		if o.Row == nil {
			return nil, errors.New("sealsql: plan seals for a bound column without a row")
		}
		if row, err = x.rowID(o.Row, col.Table); err != nil {
			return nil, err
		}
		if x.c.view.keys.rows != nil {
			if err := x.keepsRow(row, col.Table); err != nil {
				return nil, err
			}
		}
	}
	rec, err := x.record(col, part, row, tag, payload)
	if err != nil {
		return nil, sealError(col, err)
	}
	return x.carried(col, rec)
}

// lent is the payload of a text argument that is sealed from where it lies.
func (x *call) lent(o *rewrite.Out) (payload []byte, tag logical.Tag, ok bool) {
	if o.Value.Source != rewrite.FromArg || o.Casts != "" || o.Exact || o.Seal.Carrier == schema.CarrierAsherah {
		return nil, 0, false
	}
	lender, ok := x.codec.(logical.TextLender)
	if !ok {
		return nil, 0, false
	}
	v, err := x.raw(&o.Value)
	if s, isText := v.(string); isText && err == nil {
		return lender.Lend(&o.Seal.Type, s)
	}
	return nil, 0, false
}

// errEmptied is returned for NULL where MySQL would store an empty value, which is no
// record: under IGNORE, or without a strict mode.
var errEmptied = errors.New("the column is NOT NULL, and the server would store an empty value in the place of NULL")

// take returns the buffer for payloads, empty; keep puts back what grew of it.
func (x *call) take() []byte {
	if x.scratch == nil {
		x.scratch = scratches.Get().(*[]byte)
	}
	return (*x.scratch)[:0]
}

func (x *call) keep(b []byte) {
	if cap(b) > cap(*x.scratch) {
		clear((*x.scratch)[:cap(*x.scratch)])
		*x.scratch = b
	}
}

// encodeAs converts a value to the payload of a type.
func (x *call) encodeAs(dst []byte, o *rewrite.Out, typ *schema.Type) (payload []byte, tag logical.Tag, null bool, err error) {
	if o.Casts != "" {
		return x.encodeCast(dst, o, typ)
	}
	switch o.Value.Source {
	case rewrite.FromArg:
		v, err := x.raw(&o.Value)
		if err != nil {
			return nil, 0, false, err
		}
		if b, ok := v.([]byte); ok && o.Text && b != nil {
			v = string(b)
		}
		if o.Exact {
			return x.encodeExact(dst, typ, v)
		}
		return x.codec.Encode(dst, typ, v)
	case rewrite.FromLiteral:
		lit, null, err := literalOf(o.Value.Literal)
		if err != nil || null {
			return nil, 0, null, err
		}
		if o.Exact {
			payload, tag, err = x.literalExact(dst, typ, lit)
			return payload, tag, false, err
		}
		payload, tag, err = x.codec.EncodeLiteral(dst, typ, lit)
		return payload, tag, false, err
	}
	return nil, 0, false, errors.New("plan seals a value that is not known")
}

// record seals into the arena of this execution.
func (x *call) record(col *schema.Column, part envelope.Partition, row string, tag logical.Tag, payload []byte) ([]byte, error) {
	ec := x.c.cr.seals.column(col)
	need := envelope.SealedLen(ec, part, len(payload))
	if cap(x.arena)-len(x.arena) < need {
		x.arena = make([]byte, 0, max(need, x.room()))
	}
	start := len(x.arena)
	began := x.sealing.seals(x.c.cr.rec)
	out, err := x.c.cr.seals.sealer.SealRow(x.ctx, x.arena, ec, part, row, byte(tag), payload)
	if err != nil {
		return nil, err
	}
	x.sealing.done(x.ctx, x.c.cr.rec, observe.Encrypt, began, len(payload))
	x.arena = out
	return out[start:len(out):len(out)], nil
}

// minArena and maxArena bound the pieces of memory that records lie in.
const (
	minArena = 512
	maxArena = 32 << 10
)

// room guesses how many bytes the records that are still to be made will take.
func (x *call) room() int {
	if x.expected < 0 {
		x.expected = 0
		for i := range x.plan.Args {
			if o := &x.plan.Args[i]; o.Seal != nil {
				x.expected += x.sizeOf(o)
			}
		}
		for i := range x.plan.Holes {
			if o := &x.plan.Holes[i].Out; o.Seal != nil {
				x.expected += x.sizeOf(o)
			}
		}
	}
	if x.expected == 0 { // wrong: records are longer
		return minArena
	}
	n := min(x.expected, maxArena)
	x.expected -= n
	return n
}

// sizeOf is about what the record of a value takes.
func (x *call) sizeOf(o *rewrite.Out) int {
	n, v := 16, &o.Value
	if v.Source == rewrite.FromLiteral && v.Literal != nil {
		n = len(v.Literal.Value)
	} else if raw, err := x.raw(v); err == nil {
		switch raw := raw.(type) {
		case nil:
			return 0
		case string:
			n = len(raw)
		case []byte:
			n = len(raw)
		}
	}
	return envelope.SealedLen(x.c.cr.seals.column(o.Seal), envelope.Partition{}, n)
}

// carried puts a record into the form that the physical column takes, and
// checks that the column does not cut it (threats T9).
func (x *call) carried(col *schema.Column, rec []byte) (driver.Value, error) {
	limit := x.limits[col]
	if col.Carrier == schema.CarrierText {
		if n := envelope.ArmouredLen(len(rec)); limit > 0 && n > limit {
			return nil, tooLong(col, n, limit)
		}
		return string(envelope.AppendArmour(make([]byte, 0, envelope.ArmouredLen(len(rec))), rec)), nil
	}
	if limit > 0 && len(rec) > limit {
		return nil, tooLong(col, len(rec), limit)
	}
	return rec, nil
}

func tooLong(col *schema.Column, n, limit int) error {
	return &sealsql.ColumnError{
		Column: col.String(), Op: "seal", Err: sealsql.ErrTooLong,
		Hint: fmt.Sprintf("the record takes %d bytes and the column holds %d; widen the column", n, limit),
	}
}

// literalOf converts a literal of the tree; null is set for NULL.
func literalOf(l *rewrite.Literal) (lit logical.Literal, null bool, err error) {
	if l == nil || l.Odd {
		return lit, false, errors.New("literal depends on settings")
	}
	lit.Text = l.Value
	switch l.Kind {
	case rewrite.LitNull:
		return lit, true, nil
	case rewrite.LitString:
		lit.Kind = logical.LiteralString
	case rewrite.LitNumber:
		lit.Kind = logical.LiteralNumber
	case rewrite.LitBytes:
		lit.Kind = logical.LiteralBytes
	case rewrite.LitBool:
		lit.Kind = logical.LiteralBool
	default:
		return lit, false, errors.New("literal of an unknown kind")
	}
	return lit, false, nil
}

package rewrite

import (
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// sink is an encrypted column that takes a value.
type sink struct {
	col *schema.Column
	// phys is the physical column; nil where the catalog is not read.
	phys *CatalogColumn
	// rel is the relation whose row is changed; nil for new rows.
	rel *relation
	// proposed says that values of rel's own row and of the proposed one are
	// certain to be of the row's partition (upserts).
	proposed bool
	// owner finds the partition of the row, once a value is sealed for it, and
	// its identity.
	owner rowOwner
	// row says that a value's row gives the partition of the new row as well;
	// nil where that cannot be.
	row func(s *sealed) bool
	// kept is set once the column was found to be assigned to itself.
	kept bool
	// sc is the scope of what is assigned.
	sc *scope
	// sealed is set once constants were sealed for the column.
	sealed bool
}

// rowOwner is the row that takes values.
type rowOwner interface {
	// partition finds the partition of the row.
	partition() (PartitionSource, error)
	// identity finds the identity of the row; it is asked for columns that bind
	// rows.
	identity(*schema.Column) (*Value, error)
}

const domainHint = "a copy opens only under the same id: give both columns one id: in the configuration before data is written, or select the value and write it with bound parameters"

// assign plans a value that goes into an encrypted column: constants are
// sealed for it, records of the same domain stay as they are, and nothing else
// may come (threats T5, T17).
func (a *analysis) assign(e Expr, sc *scope, to *sink) error {
	to.sc = sc
	if a.direct(e, to) {
		out, err := a.sealedFor(to)
		if err != nil {
			return err
		}
		return a.sealDirect(e, out)
	}
	c, err := a.value(e, sc, ReasonDomain, to)
	if err != nil {
		return err
	}
	to.kept = to.rel != nil && c.origin.rel == to.rel && len(c.flow) == 1 && c.flow[0].col == to.col
	return a.take(c, to, e.Pos())
}

// growSink adds the assignment of a search index to that of its column. Where
// the column keeps its value, so does the index.
func (a *analysis) growSink(s *Assign, ref *ColumnRef, v Expr, to *sink) error {
	if len(to.col.Indexes()) == 0 || to.kept {
		return nil
	}
	var part PartitionSource
	if to.sealed || a.direct(v, to) || hasConstant(v) {
		var err error
		if part, err = to.owner.partition(); err != nil {
			return err
		}
	}
	return a.growAssign(s, ref, to.col, v, part, nil, to.sc)
}

// direct reports a constant that stands alone where the value is assigned: the
// server takes the column's type for it.
func (a *analysis) direct(e Expr, to *sink) bool {
	switch v := e.(type) {
	case *Param:
		return true
	case *Literal:
		return v.Kind != LitNull
	case *Cast:
		_, ok := a.casting(v, &to.col.Type)
		return ok && isConstant(v) && !isNull(unwrapped(v)) && a.castsRun(v) == nil
	}
	return false
}

// constantCast reports a cast of nothing but a constant.
func constantCast(v *Cast) bool {
	switch v.X.(type) {
	case *Param, *Literal:
		return true
	}
	return false
}

// sealedFor says how constants are sealed for a column.
func (a *analysis) sealedFor(to *sink) (out Out, err error) {
	to.sealed = true
	out.Seal, out.NotNull = to.col, a.leavesEmpty(to.phys)
	if out.Partition, err = to.owner.partition(); err != nil || !to.col.BindsRow() {
		return out, err
	}
	if out.Row, err = to.owner.identity(to.col); err == nil && out.Row == nil {
		err = a.refuse(-1, ReasonRow, to.col.String(), rowHint)
	}
	return out, err
}

func (a *analysis) sealDirect(e Expr, out Out) error {
	if _, ok := e.(*Cast); !ok {
		a.free(e)
	}
	return a.sealUncast(e, out)
}

// sealUncast seals a constant without its casts.
func (a *analysis) sealUncast(e Expr, out Out) error {
	casts, ok := a.casting(e, &out.Seal.Type)
	if !ok {
		return a.refuse(e.Pos(), ReasonComputed, out.Seal.String(), castHint)
	}
	a.dropCasts(e)
	x := unwrapped(e)
	if err := a.seal(x, out.Seal, out.Partition, out.Row); err != nil {
		return err
	}
	at := a.seals.at(x)
	at.Casts, at.NotNull = casts, out.NotNull
	return nil
}

// take plans what becomes of a value in an encrypted column.
func (a *analysis) take(c column, to *sink, pos int) error {
	if a.textNull(&c) {
		return a.refuse(pos, ReasonComputed, to.col.String(), "the server takes this NULL for a text; write NULL itself")
	}
	if err := a.takesNull(&c, to, pos); err != nil {
		return err
	}
	if c.null && len(c.flow) == 0 && c.consts == nil {
		return nil
	}
	if len(c.flow) == 0 && c.consts == nil {
		return a.refuse(pos, ReasonComputed, to.col.String(), hints[ReasonComputed])
	}
	for i := range c.flow {
		if err := a.sameDomain(&c.flow[i], to, pos); err != nil {
			return err
		}
	}
	if c.consts == nil {
		return nil
	}
	if c.consts.nothing() {
		return a.settleSealed(c.consts, Out{Seal: to.col})
	}
	if a.asText(&c) && to.col.Type.Kind != schema.KindText {
		return a.refuse(pos, ReasonComputed, to.col.String(), "the server takes the constants for texts; write their type beside one of them")
	}
	out, err := a.sealedFor(to)
	if err != nil {
		return err
	}
	out.NotNull = out.NotNull && a.emptied == emptiesIgnored
	return a.settleSealed(c.consts, out)
}

// textNull reports NULL that PostgreSQL takes for a text: that of a form, a
// query or a set operation in which nothing has a type.
func (a *analysis) textNull(c *column) bool {
	return a.dialect == Postgres && c.null && len(c.flow) == 0 && c.consts == nil && c.konst == nil
}

// asText reports constants that PostgreSQL takes for texts, because nothing
// beside them has a type: those inside a form, a VALUES list or a subquery.
func (a *analysis) asText(c *column) bool {
	if a.dialect != Postgres || len(c.flow) > 0 || c.konst != nil {
		return false
	}
	for _, f := range c.consts.root().list {
		l, literal := f.expr.(*Literal)
		if f.cast == nil && isNull(f.expr) {
			continue
		}
		if f.cast != nil || literal && l.Kind != LitString {
			return false
		}
	}
	return true
}

// sameDomain allows a record of one column in another (threats T17): both have
// one stable id, neither binds rows, the one reads what the other holds, their
// rows are proven to be of one partition, and the record fits. Within its own row
// a record may always stay in its column.
func (a *analysis) sameDomain(s *sealed, to *sink, pos int) error {
	own := to.rel != nil && s.from != nil && (s.from == to.rel || to.proposed && s.from.excluded)
	if own && s.col == to.col {
		return nil
	}
	if s.col.ID != to.col.ID || s.col.Carrier != to.col.Carrier {
		return a.refuse(pos, ReasonDomain, s.col.String(), domainHint)
	}
	if s.col.BindsRow() || to.col.BindsRow() {
		return a.refuse(pos, ReasonDomain, s.col.String(), "the value is bound to its row; select it and write it with bound parameters")
	}
	if !to.col.ReadsAll(s.col) {
		return a.refuse(pos, ReasonDomain, s.col.String(), "the columns have records of different forms; name those of the one under read: of the other, or select the value and write it with bound parameters")
	}
	if !a.holds(to.phys, s.phys) {
		return a.refuse(pos, ReasonDomain, s.col.String(), "the column may be too short for the record; widen it")
	}
	ok, err := a.samePartition(s, to, own)
	if err == nil && !ok {
		err = a.refuse(pos, ReasonPartition, s.col.String(), "the rows are not proven to be of one partition: fix both to the same value, or select the value and write it with bound parameters")
	}
	return err
}

func (a *analysis) samePartition(s *sealed, to *sink, own bool) (bool, error) {
	from, dest := s.col.Table.Partition, to.col.Table.Partition
	if from.Kind != dest.Kind {
		return false, nil
	}
	switch from.Kind {
	case schema.PartitionConst:
		return from.Const == dest.Const, nil
	case schema.PartitionContext:
		return false, nil // the database does not know the partition of a row
	}
	if !from.Type.Same(dest.Type) {
		return false, nil
	}
	if own || to.row != nil && to.row(s) {
		return true, nil
	}
	if to.rel != nil && s.from != nil && linked(to.rel, s.from) {
		return true, nil
	}
	if s.fixed == nil {
		return false, nil
	}
	part, err := to.owner.partition()
	if err != nil {
		return false, err
	}
	// Under WithPartition both were compared with the context's.
	return part.Value != nil && (a.opt.ContextPartition || a.equalValue(part.Value, s.fixed)), nil
}

// linked reports that a top-level condition makes the partitions of two
// relations equal.
func linked(r, o *relation) bool {
	for _, x := range r.linked {
		if x == o {
			return true
		}
	}
	return false
}

// equalValue reports whether two values are the same when the statement runs. A
// plan that rests on equal literals serves no text with others.
func (a *analysis) equalValue(x, y *Value) bool {
	if x.Source != y.Source {
		return false
	}
	switch x.Source {
	case FromArg:
		return x.Arg == y.Arg
	case FromLiteral:
		a.pins = append(a.pins, x.Literal, y.Literal)
		return x.Literal.Kind == y.Literal.Kind && x.Literal.Value == y.Literal.Value
	}
	return true
}

// holds reports whether every record of one physical column fits into another.
// Only MySQL cuts what is too long (threats T9).
func (a *analysis) holds(to, from *CatalogColumn) bool {
	if a.dialect != MySQL {
		return true
	}
	if to == nil || from == nil {
		return false
	}
	n, ok := capacity(to.Type)
	m, known := capacity(from.Type)
	return ok && known && n >= m
}

// capacity is the number of bytes that a MySQL type for records holds.
func capacity(typ string) (int, bool) {
	switch typ {
	case "tinyblob", "tinytext":
		return 1<<8 - 1, true
	case "blob", "text":
		return 1<<16 - 1, true
	case "mediumblob", "mediumtext":
		return 1<<24 - 1, true
	case "longblob", "longtext":
		return 1<<32 - 1, true
	}
	for _, base := range []string{"varbinary(", "varchar("} {
		if rest, ok := strings.CutPrefix(typ, base); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(rest, ")"))
			return n, err == nil
		}
	}
	return 0, false
}

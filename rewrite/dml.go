package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// target resolves the table that a statement writes to.
func (a *analysis) target(t *Table, sc *scope) (*relation, error) {
	if a.findCTE(sc, t.Path[len(t.Path)-1]) != nil && len(t.Path) == 1 {
		// The server writes to the table, not to the CTE; whichever it is must
		// be proven, so look past the CTE.
		r, err := a.table(t, &scope{})
		if err != nil {
			return nil, err
		}
		return a.writable(r, t.Start, t.Path[len(t.Path)-1].Name)
	}
	r, err := a.table(t, sc)
	if err != nil {
		return nil, err
	}
	return a.writable(r, t.Start, t.Path[len(t.Path)-1].Name)
}

// systemWrite refuses writes to the engine's own relations by which settings or
// the catalog change unseen: PostgreSQL's pg_settings is SET by another name.
// SQLite's sequences and statistics are data, MySQL's system tables tables; the rows
// of sqlite_dbpage are the pages of the file, those of the catalog among them.
func (a *analysis) systemWrite(r *relation, pos int) error {
	name := strings.ToLower(r.base.ID.Name)
	if a.dialect == Postgres || a.dialect == SQLite && (strings.HasSuffix(name, "_master") || strings.HasSuffix(name, "_schema") || name == "sqlite_dbpage") {
		return a.refuse(pos, ReasonSession, name, "the engine's own relations are not written; use SET or a definition")
	}
	a.effects |= EffectCatalog | EffectSession
	return nil
}

// targets brings the tables that an UPDATE or DELETE writes to into sc. Where
// a CTE has the name of one, PostgreSQL and SQLite write to the table, and
// MySQL takes it for the CTE: the statement is refused rather than read the
// wrong way.
func (a *analysis) targets(list []TableExpr, sc *scope) error {
	for _, e := range list {
		t, ok := e.(*Table)
		if !ok || len(t.Path) > 1 || a.findCTE(sc, t.Path[0]) == nil {
			continue
		}
		if rel := a.cat.Relation(t.Path); a.dialect == MySQL && rel.Verdict == VerdictUnknown {
			continue
		}
		return a.refuse(t.Start, ReasonAmbiguous, t.Path[0].Name, "the WITH query has the name of the table that is written; give it another name")
	}
	return a.from(list, sc)
}

// writable refuses a relation, named at pos, that is not written to.
func (a *analysis) writable(r *relation, pos int, name string) (*relation, error) {
	if err := a.viewWrite(r, pos, name, false); err != nil {
		return nil, err
	}
	if r.base != nil && r.base.WriteReason != 0 {
		return nil, a.refuse(pos, r.base.WriteReason, name, r.base.WriteHint)
	}
	if r.base != nil && r.base.Lacks != "" && !a.movesOnly() {
		return nil, a.refuse(pos, ReasonUnknownColumn, name, r.base.Lacks)
	}
	if r.base != nil && r.base.writeSets {
		a.effects |= EffectSession
	}
	if r.base != nil && r.base.Kind == RelSystem {
		return r, a.systemWrite(r, pos)
	}
	return r, nil
}

// ---- INSERT ----

// insertion is the state of one INSERT.
type insertion struct {
	st     *Insert
	rel    *relation
	sc     *scope
	cols   []int // target columns, as indexes of rel.cols; -1 for one that is not known
	partAt int   // position of the partition column among cols; -1
	rowAt  int   // position of the row identity among cols, plus 1; 0
	sealed bool  // some value is sealed
	// selected are the columns of INSERT … SELECT.
	selected []column
}

func (a *analysis) insert(s *Insert, up *scope, expose bool) ([]column, error) {
	a.writes(s.Ignore)
	sc := a.work.scope(up)
	if err := a.with(s.With, sc); err != nil {
		return nil, err
	}
	rel, err := a.target(s.Target, sc)
	if err != nil {
		return nil, err
	}
	if err := a.viewWrite(rel, s.Target.Start, s.Target.Path[len(s.Target.Path)-1].Name, s.Replace || len(s.Upserts) > 0); err != nil {
		return nil, err
	}
	in := a.work.insertions.One()
	*in = insertion{st: s, rel: rel, sc: sc, partAt: -1}
	if s.Query != nil {
		if in.selected, err = a.query(s.Query, sc, false); err != nil {
			return nil, err
		}
	}
	if err := a.targetColumns(in); err != nil {
		return nil, err
	}
	if err := a.source(in); err != nil {
		return nil, err
	}
	if err := a.omitted(in); err != nil {
		return nil, err
	}
	if err := a.growInsert(in); err != nil {
		return nil, err
	}
	for _, u := range s.Upserts {
		if err := a.upsert(in, u); err != nil {
			return nil, err
		}
	}
	if s.Replace {
		if err := a.replaces(rel); err != nil {
			return nil, err
		}
	}
	if s.Replace && in.sealed && !a.conflictKeepsPartition(in, &Upsert{Duplicate: true}) {
		return nil, a.refuse(s.Start, ReasonPartition, rel.alias.Name, "REPLACE may delete another partition's row: every unique key must contain the partition column; or delete and insert")
	}
	if len(s.Returning) == 0 {
		return nil, nil
	}
	out := a.returningScope(&scope{up: sc, rels: []*relation{rel}}, 1)
	return a.returning(s, s.Returning, s.ReturningEnd, out, expose)
}

// starOf lists what "*" shows of relations that stand side by side.
func (a *analysis) starOf(rels ...*relation) []visible {
	n := 0
	for _, r := range rels {
		n += len(r.cols)
	}
	vis := a.work.visibles.Many(n)[:0]
	for _, r := range rels {
		for i := range r.cols {
			if !r.cols[i].hidden {
				vis = append(vis, visible{rel: r, col: i})
			}
		}
	}
	return vis
}

// returningScope is the scope of a RETURNING list. SQLite's knows the columns
// of the target alone, under the name of the table whatever its alias. Without
// the name, a column that is not there would be a string in double quotes.
// PostgreSQL's has the row before and after under the names old and new, from
// version 18 on; before that they are errors there.
func (a *analysis) returningScope(sc *scope, targets int) *scope {
	if a.dialect == Postgres && targets == 1 && len(sc.rels) > 0 {
		return withVersions(sc)
	}
	if a.dialect != SQLite {
		return sc
	}
	out := &scope{up: sc.up, ctes: sc.ctes}
	for _, r := range sc.rels[:targets] {
		named := *r
		named.listed = ""
		if r.base != nil {
			named.alias, named.path = Ident{Name: r.base.ID.Name}, nil
		}
		out.rels = append(out.rels, &named)
	}
	return out
}

// withVersions puts the target under the names old and new around a scope, where
// "*" and names alone do not mean them. A relation of the statement that is called
// so hides them.
func withVersions(sc *scope) *scope {
	around := &scope{up: sc.up}
	for _, name := range []string{"old", "new"} {
		r := *sc.rels[0]
		r.alias, r.path, r.listed, r.excluded = Ident{Name: name}, nil, "", true
		around.rels = append(around.rels, &r)
	}
	inner := *sc
	inner.up = around
	return &inner
}

func (a *analysis) returning(owner any, items []SelectItem, end int, sc *scope, expose bool) ([]column, error) {
	if len(items) == 0 {
		return nil, nil
	}
	cols, err := a.items(owner, items, sc)
	if err != nil {
		return nil, err
	}
	return a.expose(owner, cols, sc, expose && end > 0), nil
}

// targetColumns maps the column list. Without one, over an annotated table,
// the list is written out so that the server cannot read the values against
// another order of columns than the plan did (threats T8).
func (a *analysis) targetColumns(in *insertion) error {
	s, rel := in.st, in.rel
	t := rel.annotated()
	in.cols = a.work.ordinals.Many(max(len(s.Columns), len(rel.cols)))[:0]
	if s.HasColumns {
		for i := range s.Columns {
			c := &s.Columns[i]
			at, err := a.insertedColumn(in, c)
			if err != nil {
				return err
			}
			if at < 0 && t != nil && !rel.open {
				a.unresolved(&ColumnRef{Span: c.Span, Path: []Ident{*c}}, nil)
			}
			in.cols = append(in.cols, at)
			if t != nil && at >= 0 && at == rel.partCol {
				in.partAt = i
			}
			if t != nil && at >= 0 && at == rel.rowAt-1 {
				in.rowAt = i + 1
			}
		}
		return nil
	}
	if t == nil || s.DefaultValues {
		return nil
	}
	if rel.open {
		return a.refuse(s.Start, ReasonCatalog, t.Name, "name the columns: their order is not known without the catalog")
	}
	return a.writeColumns(in)
}

// insertedColumn returns the column that a name of the list means; -1 for none that is
// known. Of two names for one column SQLite takes the first, or for the rowid the last.
func (a *analysis) insertedColumn(in *insertion, name *Ident) (int, error) {
	at := a.columnIndex(in.rel, name.Name)
	if at < 0 {
		at = a.rowidColumn(in.rel, name.Name)
	}
	if in.rel.annotated() == nil || a.dialect != SQLite {
		return at, nil
	}
	if at >= 0 && slices.Contains(in.cols, at) {
		return at, a.refuse(name.Start, ReasonAmbiguous, shown(*name), "the list names the column twice: name it once")
	}
	if at < 0 && in.rel.open && a.rowidName(name.Name) && (in.rel.rowAt > 0 || in.rel.partCol >= 0) {
		return at, a.refuse(name.Start, ReasonAmbiguous, shown(*name), "without the catalog it may be another column of the list: name that one")
	}
	return at, nil
}

func (a *analysis) writeColumns(in *insertion) error {
	s, rel := in.st, in.rel
	n := a.width(in)
	if s.ColumnsAt < 0 {
		return a.refuse(s.Start, ReasonExpression, rel.alias.Name, "name the columns of the INSERT")
	}
	names := a.work.names.Many(len(rel.cols))[:0]
	for i := range rel.cols {
		if rel.cols[i].hidden || rel.cols[i].invisible() || a.dialect == SQLite && rel.cols[i].phys != nil && rel.cols[i].phys.Generated {
			continue
		}
		if a.dialect == Postgres && n >= 0 && len(names) == n {
			break // PostgreSQL fills the rest with defaults
		}
		if i == rel.partCol {
			in.partAt = len(in.cols)
		}
		if i == rel.rowAt-1 {
			in.rowAt = len(in.cols) + 1
		}
		names = append(names, rel.cols[i].name)
		in.cols = append(in.cols, i)
	}
	if n >= 0 && n != len(names) {
		return a.refuse(s.Start, ReasonAmbiguous, rel.alias.Name, "the number of values is not the number of columns; name the columns")
	}
	a.columns.set(s, names)
	return nil
}

// width is the number of values of each row; -1 when it is not known or rows
// differ.
func (a *analysis) width(in *insertion) int {
	s := in.st
	if s.Query != nil && !a.openQuery(s.Query) {
		return len(in.selected)
	}
	if s.Values == nil || len(s.Values.Rows) == 0 {
		return -1
	}
	n := len(s.Values.Rows[0])
	for _, r := range s.Values.Rows {
		if len(r) != n {
			return -1
		}
	}
	return n
}

func (a *analysis) columnIndex(r *relation, name string) int {
	for i := range r.cols {
		if r.cols[i].hidden {
			continue
		}
		if a.same(r.cols[i].name, name) || len(r.cols[i].flow) > 0 && strings.EqualFold(r.cols[i].name, name) {
			return i
		}
	}
	return -1
}

// sealedAt returns the annotated column that position i of a row goes into.
func (in *insertion) sealedAt(i int) *schema.Column {
	if i >= len(in.cols) || in.cols[i] < 0 {
		return nil
	}
	if f := in.rel.cols[in.cols[i]].flow; len(f) > 0 {
		return f[0].col
	}
	return nil
}

func (a *analysis) source(in *insertion) error {
	s := in.st
	if s.DefaultValues {
		return nil
	}
	if s.Values == nil {
		return a.insertSelect(in)
	}
	for _, row := range s.Values.Rows {
		if err := a.row(in, row); err != nil {
			return err
		}
	}
	return nil
}

// row analyses one VALUES row.
func (a *analysis) row(in *insertion, row []Expr) error {
	if in.st.HasColumns && len(row) > len(in.cols) && in.rel.annotated() != nil {
		return a.refuse(in.st.Start, ReasonAmbiguous, in.rel.alias.Name, "a row has more values than columns")
	}
	find := a.work.newRows.One()
	find.a, find.in, find.row = a, in, row
	sc := in.valueScope(a)
	for i, e := range row {
		c := in.sealedAt(i)
		if c == nil {
			if err := a.assignClear(e, sc, in.rel, in.col(i)); err != nil {
				return err
			}
			continue
		}
		if isNull(e) {
			if err := a.notEmptied(in.rel, in.cols[i], e.Pos()); err != nil {
				return err
			}
			continue
		}
		if d, ok := e.(*Default); ok {
			if err := a.defaulted(in.rel, in.cols[i], d); err != nil {
				return err
			}
			continue
		}
		to := &sink{col: c, phys: in.rel.cols[in.cols[i]].phys, owner: find}
		if err := a.assign(e, sc, to); err != nil {
			return err
		}
		in.sealed = true
	}
	return nil
}

// valueScope is the scope of the values of a row. On MySQL they may name columns
// of the row: those set before them, or their defaults.
func (in *insertion) valueScope(a *analysis) *scope {
	if a.dialect == MySQL {
		return &scope{up: in.sc, rels: []*relation{in.rel}}
	}
	return in.sc
}

// newRow is a row of VALUES. It finds its partition when it is first asked for.
type newRow struct {
	a     *analysis
	in    *insertion
	row   []Expr
	part  PartitionSource
	err   error
	found bool
}

func (r *newRow) partition() (PartitionSource, error) {
	if !r.found {
		r.part, r.err = r.a.rowPartition(r.in, r.row)
		r.found = true
	}
	return r.part, r.err
}

func (r *newRow) identity(c *schema.Column) (*Value, error) { return r.a.insertedRow(r.in, r.row, c) }

func (in *insertion) col(i int) int {
	if i < len(in.cols) {
		return in.cols[i]
	}
	return -1
}

func isNull(e Expr) bool {
	l, ok := e.(*Literal)
	return ok && l.Kind == LitNull
}

// rowPartition finds the partition of a row that is inserted (threats T13).
func (a *analysis) rowPartition(in *insertion, row []Expr) (PartitionSource, error) {
	t := in.rel.annotated()
	if t.Partition.Kind != schema.PartitionColumn {
		p, _ := a.partition(t, nil)
		return p, nil
	}
	name := t.Name + "." + t.Partition.Column
	if in.partAt < 0 || in.partAt >= len(row) {
		return PartitionSource{}, a.refuse(in.st.Start, ReasonPartition, name, "give the row's partition in the same INSERT")
	}
	v := constant(row[in.partAt])
	if v == nil {
		return PartitionSource{}, a.refuse(row[in.partAt].Pos(), ReasonPartition, name, "give the partition as a parameter or literal")
	}
	if a.opt.ContextPartition {
		a.checks = append(a.checks, Check{A: *v, B: Value{Source: FromContextPartition}, Table: t, Pos: row[in.partAt].Pos()})
	}
	return PartitionSource{Known: true, Value: v, ResultColumn: -1}, nil
}

// preserves reports whether a cast of a parameter or literal gives the value
// that the column would store anyway, whatever it is, so that it can be dropped:
// the column's own type, text without a length for a text column, or a type that
// takes every value of the column's. On SQLite no cast does, since columns keep
// what casts convert.
func (a *analysis) preserves(v *Cast, c *schema.Type) bool {
	if !v.Known() || a.dialect == SQLite {
		return false
	}
	l, literal := v.X.(*Literal)
	if _, param := v.X.(*Param); !param && !literal {
		return false
	}
	if nationalText(v) {
		// Trailing blanks are lost on the way into text.
		return literal && c.Kind == schema.KindText && !c.Fixed && !strings.HasSuffix(l.Value, " ")
	}
	t, err := schema.ParseType(v.Type)
	if err != nil || t.Kind != c.Kind || a.dialect == MySQL && t.Kind == schema.KindJSON && a.session.MariaDB {
		return false
	}
	return t.Name == c.Name || a.dialect == Postgres && pgFloat(t).Name == pgFloat(*c).Name || t.Kind == schema.KindText && t.Length == 0 && !t.Fixed || a.widens(&t, c)
}

// nationalText reports PostgreSQL's N'…', which is of the type bpchar.
func nationalText(v *Cast) bool { return v.Type == "nchar" || v.Type == "bpchar" }

// widens reports casts of PostgreSQL that lose nothing before the column's own
// type is applied: to numeric without precision, and to wider integers.
// Timestamps are not among them: a second rounding may go the other way.
func (a *analysis) widens(t, c *schema.Type) bool {
	if a.dialect != Postgres || t.Kind != c.Kind {
		return false
	}
	switch t.Kind {
	case schema.KindNumeric:
		return !t.HasPrecision
	case schema.KindInt:
		return t.Bits >= c.Bits
	}
	return false
}

// assignClear plans a value that goes into a clear column.
func (a *analysis) assignClear(e Expr, sc *scope, rel *relation, col int) error {
	if p, ok := e.(*Param); ok {
		a.useParam(p, rel.base != nil)
		return nil
	}
	if _, ok := e.(*Literal); ok && rel.base != nil {
		a.free(e)
		return nil
	}
	return a.clear(e, sc, ReasonSealedToClear)
}

// defaulted refuses DEFAULT for an encrypted column unless it means NULL, or what the
// configuration says, which takes its place.
func (a *analysis) defaulted(r *relation, col int, d *Default) error {
	if err := a.filledByServer(r, col, d.Start); err != nil {
		return err
	}
	if of := r.cols[col].flow[0].col; of.Default != nil {
		a.fill(d.Span, a.defaultText(of), of)
	}
	return nil
}

// filledByServer refuses to leave a value to the server that it would store in clear, or
// empty.
func (a *analysis) filledByServer(r *relation, col, pos int) error {
	c := &r.cols[col]
	if c.phys != nil && (c.phys.Default != "" || c.phys.Generated) {
		return a.refuse(pos, ReasonDefault, c.flow[0].col.String(), "give the value; the server would store its default in clear")
	}
	if c.flow[0].col.Default != nil {
		return nil // it is written out
	}
	return a.notEmptied(r, col, pos)
}

// omitted checks the encrypted columns that the INSERT does not name.
func (a *analysis) omitted(in *insertion) error {
	if in.rel.annotated() == nil {
		return nil
	}
	for i := range in.rel.cols {
		if len(in.rel.cols[i].flow) == 0 || contains(in.cols, i) {
			continue
		}
		if err := a.filledByServer(in.rel, i, in.st.Start); err != nil {
			return err
		}
	}
	return a.fillOmitted(in)
}

func contains(xs []int, x int) bool {
	for _, y := range xs {
		if x == y {
			return true
		}
	}
	return false
}

// ---- upserts ----

func (a *analysis) upsert(in *insertion, u *Upsert) error {
	rel := in.rel
	excluded := a.proposed(in, u)
	sc := &scope{up: in.sc, rels: []*relation{rel, excluded}}
	if err := a.compoundTarget(u.Target, rel); err != nil {
		return err
	}
	for _, e := range u.Target {
		if ref, ok := e.(*ColumnRef); ok && a.combined.refs[ref] != nil {
			continue
		}
		if done, err := a.indexTarget(e, rel); err != nil {
			return err
		} else if done {
			continue
		}
		if err := a.clear(e, &scope{up: in.sc, rels: []*relation{rel}}, ReasonConflictTarget); err != nil {
			return err
		}
	}
	if u.TargetWhere != nil {
		if err := a.clear(u.TargetWhere, sc, ReasonPredicate); err != nil {
			return err
		}
	}
	for i := range u.Set {
		if err := a.upsertSet(in, u, &u.Set[i], sc); err != nil {
			return err
		}
	}
	if t := rel.annotated(); t != nil && len(t.Compounds) > 0 {
		part := func() (PartitionSource, error) { return a.upsertPartition(in, t.Compounds[0].Column(), u) }
		if err := a.compoundAssigns(rel, u.Set, nil, excluded, sc, part); err != nil {
			return err
		}
	}
	if u.Where == nil {
		return nil
	}
	return a.condition(u.Where, sc, ReasonPredicate)
}

// upsertPartition is the partition of the row that an upsert writes a new value
// to.
func (a *analysis) upsertPartition(in *insertion, c *schema.Column, u *Upsert) (PartitionSource, error) {
	if !a.conflictKeepsPartition(in, u) {
		return PartitionSource{}, a.refuse(u.Start, ReasonPartition, c.String(), "the conflict key must contain the partition column, or another partition's row could be overwritten")
	}
	return a.commonPartition(in, c, u)
}

// proposed is the row that an upsert could not insert: "excluded", or MySQL's
// row alias.
func (a *analysis) proposed(in *insertion, u *Upsert) *relation {
	r := &relation{alias: Ident{Name: "excluded"}, base: in.rel.base, open: in.rel.open, partCol: -1, excluded: true}
	r.cols = append([]column(nil), in.rel.cols...)
	if in.st.RowAlias != nil {
		r.alias = *in.st.RowAlias
		for i, n := range in.st.RowColumns {
			if c := in.col(i); c >= 0 {
				r.cols[c].name = n.Name
			}
		}
	} else if u.Duplicate {
		r.alias = Ident{}
	}
	return r
}

func (a *analysis) upsertSet(in *insertion, u *Upsert, s *Assign, sc *scope) error {
	for k, ref := range s.Columns {
		target := &scope{rels: []*relation{in.rel}}
		h, err := a.assignee(ref, target)
		if err != nil {
			return err
		}
		v := assigned(s, k)
		if v == nil {
			return a.refuse(s.Start, ReasonComputed, a.sealedName(s, in.rel), "assign each column its own value")
		}
		if err := a.partitionWrite(in.rel, h, v, ref); err != nil {
			return err
		}
		f := h.flow()
		if len(f) == 0 {
			if err := a.assignClear(v, sc, in.rel, h.col); err != nil {
				return err
			}
			continue
		}
		if err := a.upsertSealed(in, u, s, ref, v, f[0].col, h.col, sc); err != nil {
			return err
		}
	}
	return nil
}

func (a *analysis) sealedName(s *Assign, r *relation) string {
	for _, ref := range s.Columns {
		if i := a.columnIndex(r, ref.Path[len(ref.Path)-1].Name); i >= 0 && len(r.cols[i].flow) > 0 {
			return r.cols[i].flow[0].col.String()
		}
	}
	return ""
}

// assigned returns the value of column k of an assignment; nil when several
// columns take one value that cannot be told apart.
func assigned(s *Assign, k int) Expr {
	if len(s.Columns) == 1 {
		if row, ok := s.Value.(*Row); ok && len(row.Items) == 1 {
			return row.Items[0]
		}
		return s.Value
	}
	if row, ok := s.Value.(*Row); ok && len(row.Items) == len(s.Columns) {
		return row.Items[k]
	}
	return nil
}

// upsertSealed plans "c = excluded.c", which is already sealed, or a value.
// Either way the row that is updated must be in the partition that the value
// was sealed for (threats T13).
func (a *analysis) upsertSealed(in *insertion, u *Upsert, s *Assign, to *ColumnRef, v Expr, c *schema.Column, at int, sc *scope) error {
	if isNull(v) {
		if err := a.notEmptied(in.rel, at, v.Pos()); err != nil {
			return err
		}
		return a.growAssign(s, to, c, v, PartitionSource{}, nil, nil)
	}
	if d, ok := v.(*Default); ok {
		if err := a.defaulted(in.rel, at, d); err != nil {
			return err
		}
		return a.growAssign(s, to, c, v, PartitionSource{}, nil, nil)
	}
	if !a.conflictKeepsPartition(in, u) {
		return a.refuse(u.Start, ReasonPartition, c.String(), "the conflict key must contain the partition column, or another partition's row could be overwritten")
	}
	if err := a.conflictKeepsRow(in, u, c); err != nil {
		return err
	}
	ref := proposedRef(v)
	if ref != nil {
		h, err := a.lookUp(ref, sc)
		if err != nil {
			return err
		}
		_, values := v.(*ValuesRef)
		if f := h.flow(); len(f) > 0 && f[0].col == c && (h.rel.excluded || values) {
			return a.growAssign(s, to, c, v, PartitionSource{}, a.proposedForm(ref, values), nil)
		}
	}
	sink := &sink{col: c, phys: in.rel.cols[at].phys, rel: in.rel, proposed: true, owner: &metRow{a, in, c, u}}
	if err := a.assign(v, sc, sink); err != nil {
		return err
	}
	return a.growSink(s, to, v, sink)
}

// metRow is the row that an upsert meets.
type metRow struct {
	a  *analysis
	in *insertion
	c  *schema.Column
	u  *Upsert
}

func (r *metRow) partition() (PartitionSource, error) { return r.a.commonPartition(r.in, r.c, r.u) }

func (r *metRow) identity(c *schema.Column) (*Value, error) { return r.a.commonRow(r.in, c, r.u) }

// proposedForm is what stands before and behind a column of the proposed row.
func (a *analysis) proposedForm(ref *ColumnRef, values bool) []string {
	before := ""
	for _, id := range ref.Path[:len(ref.Path)-1] {
		before += a.front.QuoteIdent(id.Name) + "."
	}
	if values {
		return []string{"VALUES(" + before, ")"}
	}
	return []string{before, ""}
}

func proposedRef(v Expr) *ColumnRef {
	switch x := v.(type) {
	case *ValuesRef:
		return x.Column
	case *ColumnRef:
		return x
	}
	return nil
}

// commonPartition is the one partition of all rows of the INSERT.
func (a *analysis) commonPartition(in *insertion, c *schema.Column, u *Upsert) (PartitionSource, error) {
	t := in.rel.annotated()
	if t.Partition.Kind != schema.PartitionColumn {
		p, _ := a.partition(t, nil)
		return p, nil
	}
	if len(in.st.valuesRows()) != 1 {
		return PartitionSource{}, a.refuse(u.Start, ReasonPartition, c.String(), "with several rows use the proposed value (excluded), not a new one")
	}
	return a.rowPartition(in, in.st.valuesRows()[0])
}

func (s *Insert) valuesRows() [][]Expr {
	if s.Values == nil {
		return nil
	}
	return s.Values.Rows
}

// conflictKeepsPartition reports whether the row that conflicts is certain to
// be of the proposed row's partition.
func (a *analysis) conflictKeepsPartition(in *insertion, u *Upsert) bool {
	t := in.rel.annotated()
	if t.Partition.Kind == schema.PartitionConst {
		return true
	}
	// Where the context gives the partition, no column has it.
	if in.rel.partCol < 0 || !bytewise(in.rel, in.rel.partCol, t.Partition.Type.Kind) {
		return false
	}
	return conflictHas(in, u, t.Partition.Column)
}

// conflictHas reports whether rows that conflict are certain to be equal in a
// column.
func conflictHas(in *insertion, u *Upsert, column string) bool {
	if !u.Duplicate {
		for _, e := range u.Target {
			ref, ok := e.(*ColumnRef)
			if ok && strings.EqualFold(ref.Path[len(ref.Path)-1].Name, column) {
				return true
			}
		}
		if len(u.Target) > 0 || u.Constraint != "" {
			return false
		}
	}
	for i := range in.st.Columns {
		if in.cols[i] < 0 { // SQLite's rowid, in which rows conflict as well
			return false
		}
	}
	// Any unique key may be the one that conflicts.
	for _, keys := range [][][]string{in.rel.base.Unique, in.rel.base.Conflicts} {
		for _, key := range keys {
			if !containsFold(key, column) {
				return false
			}
		}
	}
	return len(in.rel.base.Unique) > 0
}

func containsFold(xs []string, x string) bool {
	for _, y := range xs {
		if strings.EqualFold(x, y) {
			return true
		}
	}
	return false
}

// ---- UPDATE ----

func (a *analysis) update(s *Update, up *scope, expose bool) ([]column, error) {
	a.writes(s.Ignore)
	sc := a.work.scope(up)
	if err := a.with(s.With, sc); err != nil {
		return nil, err
	}
	a.owns(sc, s)
	if err := a.targets(s.Targets, sc); err != nil {
		return nil, err
	}
	targets := len(sc.rels)
	for _, r := range sc.rels {
		if _, err := a.writable(r, r.pos, r.alias.Name); err != nil {
			return nil, err
		}
		if s.Replace {
			if err := a.replaces(r); err != nil {
				return nil, err
			}
		}
	}
	if err := a.from(s.From, sc); err != nil {
		return nil, err
	}
	a.fix(s.Where, sc)
	a.asked(s.Where, sc)
	writes := &scope{rels: sc.rels[:targets]}
	for i := range s.Set {
		if err := a.updateSet(s, &s.Set[i], writes, sc); err != nil {
			return nil, err
		}
	}
	if err := a.updateCompounds(s, targets, sc); err != nil {
		return nil, err
	}
	if err := a.tail(s.Where, s.OrderBy, s.Limit, sc); err != nil {
		return nil, err
	}
	if len(s.Returning) == 0 {
		return nil, nil
	}
	return a.returning(s, s.Returning, s.ReturningEnd, a.returningScope(sc, targets), expose)
}

func (a *analysis) tail(where Expr, order, limit []Expr, sc *scope) error {
	a.combine(where, sc)
	a.pairRanges(where, sc)
	if err := a.condition(where, sc, ReasonPredicate); err != nil {
		return err
	}
	if err := a.rowOrder(order, where, sc); err != nil {
		return err
	}
	for _, e := range limit {
		if err := a.limit(e, sc); err != nil {
			return err
		}
	}
	return nil
}

// rowOrder walks the ORDER BY of an UPDATE or DELETE.
func (a *analysis) rowOrder(order []Expr, where Expr, sc *scope) error {
	for _, e := range order {
		ref, ok := e.(*ColumnRef)
		if ok {
			if h, _ := a.keyColumn(ref, sc); h.rel != nil && len(h.flow()) == 1 && revealing(h.flow()[0].col) {
				if _, err := a.orderKey(e, sc); err != nil {
					return err
				}
				continue
			}
			if a.settledBy(ref, where, sc) {
				continue
			}
		}
		if err := a.clear(e, sc, ReasonOrder); err != nil {
			return err
		}
	}
	return nil
}

// revealing reports a column with an index that reveals the order.
func revealing(c *schema.Column) bool {
	return c.Range != nil && c.Range.Order == schema.OrderRevealing
}

func (a *analysis) updateSet(s *Update, as *Assign, writes, sc *scope) error {
	if len(as.Columns) > 1 {
		if q, ok := as.Value.(*Subquery); ok && q.Kind == SubScalar {
			return a.updateRow(s, as, q, writes, sc)
		}
	}
	for k, ref := range as.Columns {
		h, err := a.assignee(ref, writes)
		if err != nil {
			return err
		}
		v := assigned(as, k)
		f := h.flow()
		if v == nil {
			if err := a.unsplit(as, h, sc); err != nil {
				return err
			}
			continue
		}
		if h.rel != nil {
			if err := a.partitionWrite(h.rel, h, v, ref); err != nil {
				return err
			}
		}
		switch {
		case len(f) == 0:
			rel := h.rel
			if rel == nil {
				rel = &relation{}
			}
			if err := a.assignClear(v, sc, rel, h.col); err != nil {
				return err
			}
		case isNull(v):
			if err := a.notEmptied(h.rel, h.col, v.Pos()); err != nil {
				return err
			}
			if err := a.growAssign(as, ref, f[0].col, v, PartitionSource{}, nil, nil); err != nil {
				return err
			}
		default:
			if err := a.updateSealed(s, as, ref, h, v, f[0].col, sc); err != nil {
				return err
			}
		}
	}
	return nil
}

// unsplit handles (a, b) = (SELECT …): clear columns from a clear query.
func (a *analysis) unsplit(as *Assign, h hit, sc *scope) error {
	if f := h.flow(); len(f) > 0 {
		return a.refuse(as.Start, ReasonComputed, f[0].col.String(), "assign the column a parameter or literal of its own")
	}
	for _, ref := range as.Columns {
		if err := a.cascadesInto(h, nil, ref); err != nil {
			return err
		}
	}
	if h.rel != nil && h.rel.partCol >= 0 && h.col == h.rel.partCol {
		return a.refuse(as.Start, ReasonPartitionWrite, h.rel.alias.Name, partitionHint)
	}
	if h.rel != nil && h.rel.rowAt > 0 && h.col == h.rel.rowAt-1 {
		return a.refuse(as.Start, ReasonRowWrite, h.rel.alias.Name, rowWriteHint)
	}
	return a.clear(as.Value, sc, ReasonSealedToClear)
}

// updateRow plans (a, b) = (SELECT …): each column takes one of the query.
func (a *analysis) updateRow(s *Update, as *Assign, q *Subquery, writes, sc *scope) error {
	cols, err := a.query(q.Query, sc, false)
	if err != nil {
		return err
	}
	a.fitsWidth(q.Query, cols, len(as.Columns))
	if len(cols) != len(as.Columns) || a.openQuery(q.Query) {
		if err := a.noSealed(cols, ReasonSealedToClear, as.Start, hints[ReasonSealedToClear]); err != nil {
			return err
		}
		cols = nil
	}
	for k, ref := range as.Columns {
		h, err := a.assignee(ref, writes)
		if err != nil {
			return err
		}
		if err := a.cascadesInto(h, nil, ref); err != nil {
			return err
		}
		if h.rel != nil && h.rel.partCol >= 0 && h.col == h.rel.partCol {
			return a.refuse(as.Start, ReasonPartitionWrite, h.rel.alias.Name, partitionHint)
		}
		if h.rel != nil && h.rel.rowAt > 0 && h.col == h.rel.rowAt-1 {
			return a.refuse(as.Start, ReasonRowWrite, h.rel.alias.Name, rowWriteHint)
		}
		f := h.flow()
		switch {
		case len(f) > 0 && cols == nil:
			return a.refuse(as.Start, ReasonComputed, f[0].col.String(), "assign the column a value of its own")
		case len(f) > 0 && len(f[0].col.Indexes()) > 0:
			return a.refuse(as.Start, ReasonComputed, f[0].col.String(), "the column has a search index: assign it a value of its own")
		case len(f) > 0:
			err = a.take(cols[k], a.updateSink(s, h, f[0].col, as.Start), as.Start)
		case cols != nil:
			err = a.noSealed(cols[k:k+1], ReasonSealedToClear, as.Start, hints[ReasonSealedToClear])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const partitionHint = "a row keeps its partition for life; insert a new row and delete the old one"

// partitionWrite refuses changes of the partition column and of the row identity,
// which would orphan the row's values.
func (a *analysis) partitionWrite(r *relation, h hit, v Expr, ref *ColumnRef) error {
	if err := a.cascadesInto(h, v, ref); err != nil {
		return err
	}
	if err := a.rowWrite(r, h, v, ref); err != nil {
		return err
	}
	if r.partCol < 0 || h.col != r.partCol || assignsItself(v, ref) {
		return nil
	}
	return a.refuse(ref.Start, ReasonPartitionWrite, r.annotated().Name+"."+r.annotated().Partition.Column, partitionHint)
}

func (a *analysis) updateSealed(s *Update, as *Assign, ref *ColumnRef, h hit, v Expr, c *schema.Column, sc *scope) error {
	if d, ok := v.(*Default); ok {
		if err := a.defaulted(h.rel, h.col, d); err != nil {
			return err
		}
		return a.growAssign(as, ref, c, v, PartitionSource{}, nil, nil)
	}
	sink := a.updateSink(s, h, c, v.Pos())
	if err := a.assign(v, sc, sink); err != nil {
		return err
	}
	return a.growSink(as, ref, v, sink)
}

// updateSink is an encrypted column of a row that is updated.
func (a *analysis) updateSink(s *Update, h hit, c *schema.Column, pos int) *sink {
	row := a.work.changedRows.One()
	*row = changedRow{a, s, h.rel, c, pos}
	return &sink{col: c, phys: h.rel.cols[h.col].phys, rel: h.rel, owner: row}
}

// changedRow is a row that an UPDATE changes; pos is where a value for its column
// c stands.
type changedRow struct {
	a   *analysis
	s   *Update
	rel *relation
	c   *schema.Column
	pos int
}

func (r *changedRow) partition() (PartitionSource, error) {
	return r.a.updatePartition(r.s, r.rel, r.c, r.pos)
}

func (r *changedRow) identity(c *schema.Column) (*Value, error) { return r.a.updatedRow(r.s, r.rel, c) }

// updatePartition is the partition of the rows that an UPDATE seals for.
func (a *analysis) updatePartition(s *Update, r *relation, c *schema.Column, pos int) (PartitionSource, error) {
	t := r.annotated()
	if t == nil {
		return PartitionSource{}, a.refuse(pos, ReasonStatement, c.String(), "update the table itself")
	}
	part, ok := a.partition(t, r.fixed)
	if !ok {
		return part, a.refuse(s.Start, ReasonPartition, c.String(),
			"fix the partition: add "+t.Partition.Column+" = … to the WHERE clause, or run with sealsql.WithPartition")
	}
	if t.Partition.Kind == schema.PartitionColumn && r.fixed == nil {
		return part, a.keepInside(s, r, c)
	}
	return part, nil
}

// keepInside keeps an UPDATE inside the partition of the context, which is
// also the one that its values are sealed for.
func (a *analysis) keepInside(s *Update, r *relation, c *schema.Column) error {
	if cursorOnly(s.Where) {
		return a.refuse(s.Start, ReasonPartition, c.String(), "WHERE CURRENT OF takes no other condition; update by key")
	}
	if !a.narrow(r) {
		return a.refuse(s.Start, ReasonPartition, c.String(), "fix the partition in the WHERE clause")
	}
	return nil
}

// cursorOnly reports WHERE CURRENT OF.
func cursorOnly(where Expr) bool {
	o, ok := where.(*Opaque)
	return ok && o.What == "CURRENT OF"
}

// ---- DELETE ----

func (a *analysis) delete(s *Delete, up *scope, expose bool) ([]column, error) {
	sc := &scope{up: up}
	if err := a.with(s.With, sc); err != nil {
		return nil, err
	}
	a.owns(sc, s)
	if s.Multi {
		if err := a.from(s.From, sc); err != nil {
			return nil, err
		}
		for _, t := range s.Targets {
			if err := a.deleteTarget(t, sc); err != nil {
				return nil, err
			}
		}
	} else {
		if err := a.targets(s.Targets, sc); err != nil {
			return nil, err
		}
		for _, r := range sc.rels {
			if _, err := a.writable(r, r.pos, r.alias.Name); err != nil {
				return nil, err
			}
			if err := a.deletes(r); err != nil {
				return nil, err
			}
		}
		if err := a.from(s.From, sc); err != nil {
			return nil, err
		}
	}
	if partitionedIndex(sc.rels) {
		a.fix(s.Where, sc)
		a.asked(s.Where, sc)
	}
	if err := a.tail(s.Where, s.OrderBy, s.Limit, sc); err != nil {
		return nil, err
	}
	if len(s.Returning) == 0 {
		return nil, nil
	}
	return a.returning(s, s.Returning, s.ReturningEnd, a.returningScope(sc, min(1, len(sc.rels))), expose)
}

// deleteTarget checks one target of a multi-table DELETE: an alias of FROM.
func (a *analysis) deleteTarget(t TableExpr, sc *scope) error {
	tab, ok := t.(*Table)
	if !ok {
		return a.refuse(t.Pos(), ReasonStatement, "", "")
	}
	for _, r := range sc.rels {
		if a.matches(r, tab.Path) {
			if err := a.deletes(r); err != nil {
				return err
			}
			_, err := a.writable(r, tab.Start, tab.Path[len(tab.Path)-1].Name)
			return err
		}
	}
	r, err := a.target(tab, &scope{})
	if err != nil {
		return err
	}
	return a.deletes(r)
}

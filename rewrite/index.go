package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Blind indexes for equality. A comparison of an encrypted column with a value
// becomes one of its index column with the value's index; every write of the
// column writes the index beside it. The closed list of comparisons is
// indexComparisons; what is exact and what is not decides schema.Equality.

// indexComparisons are the comparisons that equality of hashes answers exactly.
var indexComparisons = map[string]bool{
	"=": true, "<>": true, "<=>": true, "IS": true, "IS NOT": true,
	"IS DISTINCT FROM": true, "IS NOT DISTINCT FROM": true, "IN": true,
}

const (
	noIndexHint   = "an encrypted column can be compared only through a search index: add search: equality to the column, or compare a clear one"
	lossyHint     = "the index also finds values that only its normalizers make equal: compare at the top of the WHERE of a plain SELECT without aggregates, DISTINCT and locks, or declare a collation that says what is equal"
	formHint      = "an encrypted column is compared by =, <>, IN and IS with parameters, literals, or a column of its group"
	reachHint     = "compare the column where its table is named: behind this query its index cannot be shown"
	viewIndexHint = "the view does not show the index; add, past the driver, this column to the end of its definition: "
	partScopeHint = "the index is kept for each partition: fix the partition in the WHERE clause, run with sealsql.WithPartition, or declare scope: table"
)

// addition is a value that the plan writes beside one of the caller's: its
// index. It stands at an offset of the caller's text, between lead and trail.
type addition struct {
	at          int
	lead, trail string
	name        string   // the index column
	text        string   // NULL, DEFAULT or the proposed row's index; else out
	out         Out      // the value
	path        []string // what qualifies it in an assignment
	ref         []string // what text names, for the check of the result
	slot        *slot
	// carried: the text says which type the value has.
	carried bool
	// null is the type of the NULL that text says; empty where it has none.
	null string
	// form is set where the value is a form in which indexes stand for values.
	form *indexForm
	// ahead: the assignment stands in front of that of the column.
	ahead bool
	// alias is the name of an item of a select list; it stands in trail.
	alias string
}

// growth is what an INSERT gets: columns, and for each row their values.
type growth struct {
	names []string
	rows  [][]*addition
}

// indexCompare plans a comparison with an indexed column. done is false when
// nothing in it is encrypted.
func (a *analysis) indexCompare(name string, args []Expr, sc *scope) (done bool, err error) {
	if done, err := a.compareRows(name, args, sc); done || err != nil {
		return done, err
	}
	var refs []*ColumnRef
	var hits []hit
	var under []folding
	for _, e := range args {
		f := a.unfold(e)
		ref, ok := f.inner.(*ColumnRef)
		if !ok {
			continue
		}
		h, _, found, err := a.resolve(ref, sc)
		if err != nil || !found || len(h.flow()) == 0 || len(f.layers) > 0 && !a.unfolds(f, h) {
			continue // reported where the comparison is walked
		}
		if refs == nil {
			refs, hits = a.work.columnRefs.Many(len(args))[:0], a.work.hits.Many(len(args))[:0]
		}
		refs, hits, under = append(refs, ref), append(hits, h), append(under, f)
	}
	if len(refs) == 0 {
		return false, nil
	}
	var index *schema.Equality
	var by folds
	for _, f := range under {
		by |= f.by
	}
	for i, h := range hits {
		e, err := a.indexAt(name, args[0] != under[i].outer(), refs[i], h, by)
		if err != nil {
			return true, err
		}
		if index != nil && !index.Joins(e) || lowers(e) && under[i].by == 0 {
			return true, a.refuse(refs[i].Start, ReasonPredicate, e.Of.String(), "give both columns the same search group and the same index, or compare them in the application")
		}
		index = e
	}
	part, err := a.sharedPartition(index, refs, hits)
	if err != nil && !(len(refs) == len(args) && a.linkedAll(hits)) {
		return true, err
	}
	if err == nil && !(len(refs) == len(args) && a.linkedAll(hits)) {
		if err := a.found(index, args, refs, hits); err != nil {
			return true, err
		}
	}
	for i, ref := range refs {
		if err := a.refIndex(ref, hits[i]); err != nil {
			return true, err
		}
		a.peel(under[i])
	}
	for _, e := range args {
		f := a.unfold(e)
		if ref, ok := f.inner.(*ColumnRef); ok && contained(refs, ref) {
			continue
		}
		if consts := a.listedConstants(e, sc); consts != nil && !quantified[name] && by == 0 {
			err = a.settleCompared(consts, index, part)
		} else if quantified[name] {
			if err = a.arrayTerm(e, index, part); err == nil {
				a.foldElements(e, lowers(index))
			}
		} else {
			err = a.foldedTerm(e, f, index, part)
		}
		if err != nil {
			return true, err
		}
	}
	if len(args) > 2 {
		a.typedFirst(args)
	}
	return true, nil
}

// typedFirst tells PostgreSQL the type of a constant that is compared with columns
// and with constants, as in $1 IN ($2, c): with these it would take it for a text.
func (a *analysis) typedFirst(args []Expr) {
	if a.dialect != Postgres || !isConstant(args[0]) || !slices.ContainsFunc(args[1:], isConstant) {
		return
	}
	a.carries(args[0])
}

// carries has a constant written with the type of its carrier.
func (a *analysis) carries(e Expr) {
	if a.carried == nil {
		a.carried = map[Expr]bool{}
	}
	a.carried[unwrapped(e)] = true
}

func contained(refs []*ColumnRef, ref *ColumnRef) bool {
	for _, r := range refs {
		if r == ref {
			return true
		}
	}
	return false
}

// indexAt returns the index that answers a comparison of a column; array is set
// where it stands in the place of an array.
func (a *analysis) indexAt(name string, array bool, ref *ColumnRef, h hit, by folds) (*schema.Equality, error) {
	f := h.flow()
	c := f[0].col
	switch {
	case c.Equality != nil && by != 0 && !exactUnder(c.Equality, by):
		return nil, a.refuse(ref.Start, ReasonFunction, c.String(), foldHint)
	case c.Equality == nil || len(f) > 1 && h.exactIndex() == nil:
		return nil, a.refuse(ref.Start, ReasonPredicate, c.String(), noIndexHint)
	case !indexComparisons[name] && !(quantified[name] && !array):
		return nil, a.refuse(ref.Start, ReasonPredicate, c.String(), formHint)
	case !exactUnder(c.Equality, by):
		return nil, a.refuse(ref.Start, ReasonPredicate, c.String(), lossyHint)
	case h.rel.view != nil && (a.indexAmong(h) < 0 || h.exactIndex() == nil):
		return nil, a.refuse(ref.Start, ReasonPredicate, c.String(), viewIndexHint+c.Equality.Physical())
	case !a.genuine(ref, h):
		// Also an alias of the select list, which may be of more than the column.
		return nil, a.refuse(ref.Start, ReasonPredicate, c.String(), reachHint)
	}
	return c.Equality, nil
}

// sharedPartition proves that the rows compared are of one partition, or that
// the index spans all of them (threats T23).
func (a *analysis) sharedPartition(x schema.Index, refs []*ColumnRef, hits []hit) (PartitionSource, error) {
	if x.AllPartitions() {
		return PartitionSource{Known: true, ResultColumn: -1}, nil
	}
	var part PartitionSource
	for i, h := range hits {
		p, ok := a.partitionAt(h)
		if !ok {
			return p, a.refuse(refs[i].Start, ReasonPartition, h.flow()[0].col.String(), partScopeHint)
		}
		if i > 0 && !a.samePartitions(p, part) {
			return p, a.refuse(refs[i].Start, ReasonPartition, h.flow()[0].col.String(), partScopeHint)
		}
		part = p
	}
	return part, nil
}

// useIndex makes a reference to the column one to its index.
func (a *analysis) useIndex(ref *ColumnRef, e *schema.Equality) error {
	if !ref.Path[len(ref.Path)-1].Known() || a.captured[ref] {
		return a.refuse(ref.Start, ReasonPredicate, e.Of.String(), "qualify the column with its table")
	}
	a.indexed.set(ref, e)
	return nil
}

// indexOn is the index that takes the place of a reference; nil for none.
func (a *analysis) indexOn(ref *ColumnRef) *schema.Equality {
	if e := a.indexed.at(ref); e != nil {
		return *e
	}
	return nil
}

// term plans a value that is compared with an index column.
func (a *analysis) term(e Expr, index schema.Index, part PartitionSource) error {
	if isNull(e) {
		return nil
	}
	v := unwrapped(e)
	casts, rounded, err := a.comparing(e, &index.Column().Type)
	if err != nil {
		return a.refuse(e.Pos(), ReasonPredicate, index.Column().String(), comparedCastHint)
	}
	if _, _, label := casts.Labels(); label && !tellsLabels(index) {
		return a.refuse(e.Pos(), ReasonPredicate, index.Column().String(), enumHint)
	}
	a.dropCasts(e)
	out, err := a.indexOf(v, index, part)
	if err != nil {
		return err
	}
	out.Compared, out.Rounded, out.Casts = true, rounded, casts
	a.free(v)
	if p, ok := v.(*Param); ok {
		a.use(paramUse{param: p, seal: index.Column()})
	}
	a.seals.set(v, out)
	return nil
}

// indexOf describes the index of a parameter or literal.
func (a *analysis) indexOf(e Expr, index schema.Index, part PartitionSource) (Out, error) {
	out := Out{Index: index, Partition: part}
	switch v := e.(type) {
	case *Param:
		out.Value = Value{Source: FromArg, Arg: v.N}
	case *Literal:
		if v.Odd {
			return out, a.refuse(v.Start, ReasonLiteral, index.Column().String(), "bind the value as a parameter")
		}
		out.Value = Value{Source: FromLiteral, Literal: v}
	default:
		return out, a.refuse(e.Pos(), ReasonPredicate, index.Column().String(), formHint)
	}
	if !e.Range().Known() {
		return out, a.refuse(e.Pos(), ReasonExpression, index.Column().String(), "bind the value as a plain parameter")
	}
	return out, nil
}

// indexPartition is the partition of an index of a value that is sealed under
// part.
func indexPartition(x schema.Index, part PartitionSource) PartitionSource {
	if x.AllPartitions() {
		return PartitionSource{Known: true, ResultColumn: -1}
	}
	return part
}

// beside describes the index value of an assigned value: fixed text or an Out.
func (a *analysis) beside(v Expr, to schema.Index, part PartitionSource, sc *scope) (*addition, error) {
	if !isConstant(v) && !isDefault(v) {
		return a.besideForm(v, to, part, sc, a.dialect == MySQL)
	}
	add := a.work.additions.One()
	add.name = to.Physical()
	switch {
	case isDefault(v):
		add.text = "DEFAULT"
		return add, nil
	case isNull(unwrapped(v)):
		add.text = "NULL"
		return add, nil
	}
	casts, ok := a.casting(v, &to.Column().Type)
	if !ok {
		return nil, a.refuse(v.Pos(), ReasonComputed, to.Column().String(), castHint)
	}
	var err error
	add.out, err = a.indexOf(unwrapped(v), to, indexPartition(to, part))
	add.out.Casts = casts
	return add, err
}

// indexedColumn is an index with the position of its column in an INSERT.
type indexedColumn struct {
	at    int
	index schema.Index
}

// growInsert adds the index columns of an INSERT of values.
func (a *analysis) growInsert(in *insertion) error {
	var cols []indexedColumn
	for i := range in.cols {
		if c := in.sealedAt(i); c != nil {
			for _, x := range c.Own() {
				cols = append(cols, indexedColumn{i, x})
			}
		}
	}
	s := in.st
	t := in.rel.annotated()
	if len(cols) == 0 && (t == nil || len(t.Compounds) == 0) || s.DefaultValues {
		return nil
	}
	if s.Values == nil {
		return a.growSelect(in, cols)
	}
	g := &growth{names: a.work.names.Many(len(cols))[:0], rows: a.work.grown.Many(len(s.Values.Rows))[:0]}
	for _, c := range cols {
		g.names = append(g.names, c.index.Physical())
	}
	for r, row := range s.Values.Rows {
		adds, err := a.growRow(in, cols, row, r)
		if err != nil {
			return err
		}
		g.rows = append(g.rows, adds)
	}
	if err := a.growCompounds(in, g); err != nil || len(g.names) == 0 {
		return err
	}
	return a.grow(in, g)
}

// rowEnd is where values are added to a row of an INSERT: behind its last one, or
// in front of the assignments of INSERT … SET.
func (a *analysis) rowEnd(in *insertion, row []Expr, r int, c *schema.Column) (int, error) {
	s := in.st
	switch {
	case s.SetForm:
		if len(s.Columns) > 0 && s.Columns[0].Known() {
			return s.Columns[0].Start, nil
		}
	case r < len(s.Values.RowSpans) && s.Values.RowSpans[r].Known():
		return s.Values.RowSpans[r].End - 1, nil
	}
	pos := s.Start
	if len(row) > 0 {
		pos = row[0].Pos()
	}
	return 0, a.refuse(pos, ReasonExpression, c.String(), "write the row in a plainer form")
}

func (a *analysis) growRow(in *insertion, cols []indexedColumn, row []Expr, r int) ([]*addition, error) {
	s := in.st
	adds := a.work.additionRefs.Many(len(cols))[:0]
	if len(cols) == 0 {
		return adds, nil
	}
	at, err := a.rowEnd(in, row, r, cols[0].index.Column())
	if err != nil {
		return nil, err
	}
	for _, ic := range cols {
		i := ic.at
		if i >= len(row) {
			return nil, a.refuse(s.Start, ReasonAmbiguous, in.rel.alias.Name, "a row has fewer values than columns")
		}
		var part PartitionSource
		if !isNull(row[i]) && !isDefault(row[i]) {
			var err error
			if part, err = a.rowPartition(in, row); err != nil {
				return nil, err
			}
		}
		add, err := a.beside(row[i], ic.index, part, in.valueScope(a))
		if err != nil {
			return nil, err
		}
		if add.at, add.lead = at, ", "; s.SetForm {
			add.lead, add.trail = a.front.QuoteIdent(add.name)+" = ", ", "
		}
		adds = append(adds, add)
	}
	return adds, nil
}

func isDefault(e Expr) bool {
	_, ok := e.(*Default)
	return ok
}

// grow records the columns and values that an INSERT gets.
func (a *analysis) grow(in *insertion, g *growth) error {
	s := in.st
	a.grown.set(s, *g)
	switch {
	case s.SetForm:
	case a.columns.at(s) != nil:
		names := *a.columns.at(s)
		a.columns.set(s, append(names[:len(names):len(names)], g.names...))
	default:
		last := s.Columns[len(s.Columns)-1]
		if !last.Known() {
			return a.refuse(s.Start, ReasonExpression, in.rel.alias.Name, "write the column list in a plainer form")
		}
		if a.adds == nil {
			a.adds = a.work.additionRefs.Many(len(g.names) * (len(g.rows) + 1))[:0]
		}
		for _, n := range g.names {
			add := a.work.additions.One()
			*add = addition{at: last.End, lead: ", ", text: a.front.QuoteIdent(n), name: n, ref: a.work.names.Many(1)}
			add.ref[0] = n
			a.adds = append(a.adds, add)
		}
	}
	for _, row := range g.rows {
		a.adds = append(a.adds, row...)
	}
	return nil
}

// growAssign adds the assignments of the indexes to that of the column.
// proposed is the prefix and suffix of the proposed row's columns, where the
// value is one.
func (a *analysis) growAssign(s *Assign, ref *ColumnRef, c *schema.Column, v Expr, part PartitionSource, proposed []string, sc *scope) error {
	if !s.Known() && len(c.Own()) > 0 {
		return a.refuse(ref.Start, ReasonExpression, c.String(), "write the assignment in a plainer form")
	}
	if proposed == nil && !isConstant(v) && !isDefault(v) {
		return a.growForm(s, ref, c, v, part, sc)
	}
	for _, x := range c.Own() {
		add := &addition{name: x.Physical()}
		if proposed != nil {
			add.text, add.ref = proposed[0]+a.front.QuoteIdent(add.name)+proposed[1], append(qualifiers(proposedRef(v)), add.name)
		} else {
			var err error
			if add, err = a.beside(v, x, part, sc); err != nil {
				return err
			}
		}
		a.growAssignment(s, ref, add)
	}
	return nil
}

// growAssignment puts the assignment of an index behind that of its column.
func (a *analysis) growAssignment(s *Assign, ref *ColumnRef, add *addition) {
	var lead strings.Builder
	lead.WriteString(", ")
	for _, id := range ref.Path[:len(ref.Path)-1] {
		lead.WriteString(a.front.QuoteIdent(id.Name))
		lead.WriteByte('.')
	}
	lead.WriteString(a.front.QuoteIdent(add.name))
	lead.WriteString(" = ")
	add.at, add.lead, add.path = s.End, lead.String(), qualifiers(ref)
	a.adds = append(a.adds, add)
	if a.assigns == nil {
		a.assigns = map[*Assign][]*addition{}
	}
	a.assigns[s] = append(a.assigns[s], add)
}

// qualifiers are the names in front of a column.
func qualifiers(ref *ColumnRef) []string {
	var out []string
	for _, id := range ref.Path[:len(ref.Path)-1] {
		out = append(out, id.Name)
	}
	return out
}

// indexTarget makes a conflict target over an indexed column one over the
// index: the unique key is there.
func (a *analysis) indexTarget(e Expr, rel *relation) (done bool, err error) {
	ref, ok := e.(*ColumnRef)
	if !ok {
		return false, nil
	}
	h, _, found, err := a.resolve(ref, &scope{rels: []*relation{rel}})
	if err != nil || !found || len(h.flow()) == 0 {
		return false, nil
	}
	c := h.flow()[0].col
	if c.Equality == nil || c.Equality.Unique == schema.NotUnique {
		return true, a.refuse(ref.Start, ReasonConflictTarget, c.String(), "declare search: {equality: {unique: exact}} on the column, or name a key over clear columns")
	}
	return true, a.useIndex(ref, c.Equality)
}

// partitionedIndex reports a relation with an index that answers within one
// partition of the rows only.
func partitionedIndex(rels []*relation) bool {
	for _, r := range rels {
		t := r.annotated()
		if t == nil || t.Partition.Kind != schema.PartitionColumn {
			continue
		}
		for _, c := range t.Columns {
			for _, x := range c.Indexes() {
				if !x.AllPartitions() {
					return true
				}
			}
		}
	}
	return false
}

// indexProblem compares an index with its physical column: one that the server
// fills in, or that compares otherwise than byte by byte, answers wrongly
// (threats T25).
func indexProblem(d Dialect, r *SnapshotRelation, x schema.Index) *Finding {
	if c, ok := x.(*schema.Compound); ok {
		if f := partProblem(d, r, c); f != nil {
			return f
		}
	}
	name := x.Column().Table.Name + "." + x.Physical()
	for i := range r.Columns {
		p := &r.Columns[i]
		if !strings.EqualFold(p.Name, x.Physical()) {
			continue
		}
		switch {
		case p.Generated || p.Default != "":
			return &Finding{name, "the index column is filled in by the server", "create it as `sealsql ddl` prints it"}
		case isArray(d, x):
			if holdsArray(d, p.Type, x) {
				return nil
			}
			return &Finding{name, "its physical type cannot hold an index", "create it as `sealsql ddl` prints it: " + IndexType(d, x)}
		case !carries(d, p.Type, schema.CarrierBinary) || d == SQLite && p.Type != "" && !strings.Contains(strings.ToLower(p.Type), "blob"):
			return &Finding{name, "its physical type cannot hold an index", "create it as `sealsql ddl` prints it: " + IndexType(d, x)}
		}
		return nil
	}
	return &Finding{name, "the table has no column for the search index", "create it as `sealsql ddl` prints it, or remove search: from the configuration"}
}

// maxIndex is the largest size of an index whose size varies: that of a range
// over 64 bytes, a byte for each bit of them and of their number, and one more.
const maxIndex = 8*(64+1) + 1

// IndexType is the physical type of an index column.
func IndexType(d Dialect, x schema.Index) string {
	if f, ok := x.(*schema.Fragments); ok {
		return fragmentType(d, f)
	}
	switch d {
	case Postgres:
		return "bytea"
	case MySQL:
		if x.Bytes() == 0 {
			return "varbinary(" + strconv.Itoa(maxIndex) + ")"
		}
		return "binary(" + strconv.Itoa(x.Bytes()) + ")"
	}
	return "blob"
}

// IndexGuardName is GuardName for an index column.
func IndexGuardName(x schema.Index) string { return guardName(x.Column().Table.Name, x.Physical()) }

// IndexGuard is the condition of the constraint that keeps an index beside its
// value: it is NULL exactly when the value is, so that a writer who forgets the
// index fails instead of losing rows (threats T10, T21). It states what the index
// holds (IndexDefinition).
func IndexGuard(f Frontend, x schema.Index) string {
	return spelledGuard(f, x.Column().Name, x)
}

// spelledGuard is IndexGuard for a column that the statement spells in its own
// way.
func spelledGuard(f Frontend, column string, x schema.Index) string {
	if c, ok := x.(*schema.Compound); ok {
		return withDefinition(f.Dialect(), compoundGuard(f, c), x)
	}
	return withDefinition(f.Dialect(), indexGuard(f, column, x.Physical()), x)
}

// compoundGuard keeps a compound index beside its values: it is NULL exactly
// when one of them is.
func compoundGuard(f Frontend, x *schema.Compound) string {
	var b strings.Builder
	for i := range x.Parts {
		b.WriteString([...]string{"(", " OR "}[min(i, 1)] + f.QuoteIdent(x.Parts[i].Name) + " IS NULL")
	}
	return b.String() + ") = (" + f.QuoteIdent(x.Name) + " IS NULL)"
}

func indexGuard(f Frontend, column, index string) string {
	return "(" + f.QuoteIdent(column) + " IS NULL) = (" + f.QuoteIdent(index) + " IS NULL)"
}

// guardsIndex reports the guard of one of the column's indexes, or of one from
// which they were moved.
func guardsIndex(check string, c *schema.Column) bool {
	for _, o := range c.Table.Columns {
		for _, x := range o.Guarded() {
			if x, ok := x.(*schema.Compound); ok && x.Part(c.Name) >= 0 && isIndexGuard(check, x) {
				return true
			}
		}
	}
	return slices.ContainsFunc(c.Guarded(), func(x schema.Index) bool { return isIndexGuard(check, x) })
}

// isIndexGuard recognises it, however the engine prints it.
func isIndexGuard(check string, x schema.Index) bool {
	words := guardWordsOf(check)
	c, ok := x.(*schema.Compound)
	if !ok {
		return isIndexGuardOf(words, x.Column().Name, x.Physical())
	}
	var want []string
	for i := range c.Parts {
		want = append(want, strings.ToLower(c.Parts[i].Name))
	}
	slices.Sort(want)
	parts, index := guardedParts(words)
	return index == strings.ToLower(c.Name) && slices.Equal(parts, want)
}

// guardedParts are the columns of what looks like the guard of an index, sorted:
// whatever their order, it says the same; and the index.
func guardedParts(words []string) (parts []string, index string) {
	index, ok := guardedIndex(words)
	if !ok {
		return nil, ""
	}
	for i := 0; i < len(words)-4; i += 4 {
		parts = append(parts, words[i])
	}
	slices.Sort(parts)
	return parts, index
}

// guardedIndex is the index of what looks like the guard of one: a IS NULL [OR b IS
// NULL …] = index IS NULL.
func guardedIndex(words []string) (index string, ok bool) {
	n := len(words) - 4
	if n < 3 || words[n] != "=" || words[n+2] != "is" || words[n+3] != "null" {
		return "", false
	}
	for i := 0; i < n; i += 4 {
		if i+3 > n || words[i+1] != "is" || words[i+2] != "null" || i+3 < n && words[i+3] != "or" {
			return "", false
		}
	}
	return words[n+1], (n+1)%4 == 0
}

func isIndexGuardOf(words []string, column, index string) bool {
	return slices.Equal(words, []string{strings.ToLower(column), "is", "null", "=", strings.ToLower(index), "is", "null"})
}

// guardWordsOf are the words of a constraint, without the first CHECK and the
// definition of an index.
func guardWordsOf(check string) []string {
	guard, _ := cutDefinition(check)
	return guardWords(guard)
}

func guardWords(check string) []string {
	words := strings.FieldsFunc(strings.ToLower(check), func(r rune) bool { return r != '=' && r < 0x80 && !wordByte(byte(r)) })
	if len(words) > 0 && words[0] == "check" {
		words = words[1:]
	}
	if n := len(words); n > 2 && words[n-2] == "not" && words[n-1] == "valid" { // PostgreSQL: rows from before were not looked at
		words = words[:n-2]
	}
	return words
}

// checkFinding is about a CHECK that reads an encrypted column. The guard of an
// index that this process does not write comes from a process with another
// configuration, which moved the index (threats T21).
func checkFinding(c *schema.Column, check string) Finding {
	if index, ok := guardedIndex(guardWordsOf(check)); ok {
		return Finding{
			c.String(), "the table demands the search index " + index + ", which this process does not write",
			"give it the configuration that declares the index (next:, state:); one that has it waits until sealsql reindex has recorded its step, or was told that the move is aborted",
		}
	}
	if index, ok := dropMarkOf(check, c); ok {
		return Finding{
			c.String(), "the search index " + index + " is being dropped, and this process searches it",
			"give it the configuration that declares the index with state: dropping, or drops it",
		}
	}
	return Finding{c.String(), "a CHECK constraint reads the column, which holds ciphertext", "drop the constraint; check the value in the application"}
}

// keyOver makes a key of CREATE INDEX over an indexed column one over the index.
// Keys are found by their tokens, since not every front end knows their ranges.
func (a *analysis) keyOver(o *Other, ref *ColumnRef, sc *scope) (done bool, err error) {
	h, _, found, err := a.resolve(ref, sc)
	if err != nil || !found || len(h.flow()) == 0 {
		return false, nil
	}
	c := h.flow()[0].col
	e := keyIndex(c)
	if e == nil {
		return false, nil
	}
	toks := words(a.tokens(o.Range()))
	at := a.keyToken(toks, c.Name)
	switch {
	case at < 0:
		return false, nil
	case toks.any("UNIQUE") && (c.Equality == nil || c.Equality.Unique == schema.NotUnique):
		return true, a.refuse(toks[at].Start, ReasonDDL, c.String(), uniqueHint)
	}
	a.ddl = append(a.ddl, edit{span: Span{toks[at].Start, toks[at].End}, text: a.front.QuoteIdent(e.Physical())})
	a.touch(c.Table)
	return true, nil
}

// keyIndex is the index over which a key of the column is; nil without one.
func keyIndex(c *schema.Column) schema.Index {
	switch {
	case c.Equality != nil:
		return c.Equality
	case c.Range != nil && (c.Range.Order == schema.OrderRevealing || c.Range.Paths()):
		return c.Range
	}
	return nil
}

// keyToken finds a column that is a key by itself in the first parentheses;
// -1 where it is not, or where it occurs anywhere else.
func (a *analysis) keyToken(toks words, column string) int {
	open, at, depth := -1, -1, 0
	for i, t := range toks {
		switch {
		case isPunct(t, "("):
			if depth++; open < 0 {
				open = i
			}
		case isPunct(t, ")"):
			depth--
		case isName(t) && schema.EqualNames(t.Text, column) && open >= 0:
			if at >= 0 || depth != 1 || !isPunct(toks[i-1], "(") && !isPunct(toks[i-1], ",") {
				return -1
			}
			at = i
		}
	}
	if at < 0 || at+1 >= len(toks) {
		return -1
	}
	next := toks[at+1]
	if isPunct(next, ",") || isPunct(next, ")") || toks[at+1:].is("ASC") || toks[at+1:].is("DESC") || toks[at+1:].is("NULLS") {
		return at
	}
	return -1
}

// IndexGuarded reports that a table has the guard of an index.
func IndexGuarded(r *SnapshotRelation, x schema.Index) bool {
	return slices.ContainsFunc(r.Checks, func(chk string) bool { return isIndexGuard(chk, x) })
}

// MissingIndexGuards lists the indexes of the snapshot's annotated tables whose
// guard is not there, also those that have no column yet. An index that is
// written and not searched needs none.
func MissingIndexGuards(snap *Snapshot, annotations *schema.Catalog) []schema.Index {
	var out []schema.Index
	for i := range snap.Relations {
		r := &snap.Relations[i]
		t := annotations.Lookup(r.ID.Schema, r.ID.Name)
		if t == nil || r.Temp || r.Kind != RelTable && r.Kind != RelPartitioned {
			continue
		}
		for _, c := range t.Columns {
			for _, x := range c.Indexes() {
				if r.has(c.Name) && !c.Moving(x) && !IndexGuarded(r, x) {
					out = append(out, x)
				}
			}
		}
	}
	return out
}

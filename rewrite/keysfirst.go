package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// A comparison whose index also finds rows that are not meant can be left to a
// filter only where nothing but the rows of the result depends on it
// (lossy.go). Everywhere else the statement is run in two steps: the keys of the
// rows that meet the comparison are looked up by a SELECT that can be filtered,
// and then take its place: "c LIKE p" becomes "id IN (…)", which the server
// answers exactly wherever it stands. Both are statements as an application
// could have written them, and are planned and verified like any others.

// KeysFirst is a statement that is run in two steps.
type KeysFirst struct {
	Lookups []Lookup
	// Locks is set where the statement changes or locks rows: the lookups lock
	// those that they find, so that they still match when it runs.
	Locks bool
	// Main is the plan of the statement with no key in any place, which is what
	// it is like with any.
	Main *Plan
	// Narrowed are the tables of which the statement shows the rows of the
	// context's partition alone, as often as a condition says so.
	Narrowed []*schema.Table

	texts  []string // around the places
	places []keyPlace
	args   []int
	// values: row values are compared with VALUES, not with a list (SQLite).
	values bool
}

// Lookup finds the keys of rows.
type Lookup struct {
	Text string
	// Args are the caller's ordinals for the parameters of Text, which are
	// numbered from 1 in their order.
	Args []int
	// Keys are the columns of its result.
	Keys []KeyColumn
	// Column is the encrypted column that is compared, for messages.
	Column string
	// Plan is that of Text.
	Plan *Plan
}

// KeyColumn is a column of a key. Binary tells bytes from texts, Number says
// that it holds whole numbers alone.
type KeyColumn struct {
	Name           string
	Binary, Number bool
}

// keyPlace is where keys stand in the statement.
type keyPlace struct {
	lookup int
	// partition is the place of a table in Narrowed, plus 1; 0 for keys.
	partition int
	// done: an earlier place of the same lookup says all.
	done bool
	// strict: where no row was found, the place still names the table.
	strict bool
	// exact: NULL and false are told apart, as under NOT; else both are false.
	exact, not   bool
	column, keys string
}

// Found is what a lookup found: rows of keys as constants of the dialect. Null
// says that the comparison is NULL for every row.
type Found struct {
	Rows [][]string
	Null bool
}

// Text writes the statement with the keys that were found, one Found a lookup,
// and the partitions of Narrowed as constants. Its parameters are Args.
func (k *KeysFirst) Text(found []Found, partitions []string) string {
	var b strings.Builder
	for i := range k.places {
		b.WriteString(k.texts[i])
		if n := k.places[i].partition; n > 0 {
			b.WriteString(partitions[n-1])
			continue
		}
		k.places[i].write(&b, k.values, &found[k.places[i].lookup])
	}
	b.WriteString(k.texts[len(k.places)])
	return b.String()
}

// Args are the caller's ordinals for the parameters of Text, which are numbered
// from 1 in their order.
func (k *KeysFirst) Args() []int { return k.args }

func (p *keyPlace) write(b *strings.Builder, values bool, f *Found) {
	switch {
	case p.done:
		b.WriteString("(1=1)")
	case f.Null && p.exact:
		b.WriteString("(NULL)")
	case p.exact:
		b.WriteString("(CASE WHEN " + p.column + " IS NULL THEN NULL ELSE ")
		p.in(b, values, f)
		b.WriteString(" END)")
	default:
		b.WriteByte('(')
		p.in(b, values, f)
		b.WriteByte(')')
	}
}

func (p *keyPlace) in(b *strings.Builder, values bool, f *Found) {
	if len(f.Rows) == 0 {
		switch {
		case p.not:
			b.WriteString("1=1")
		case p.strict:
			b.WriteString(p.keys + " <> " + p.keys)
		default:
			b.WriteString("1=0")
		}
		return
	}
	b.WriteString(p.keys)
	if p.not {
		b.WriteString(" NOT")
	}
	b.WriteString(" IN (")
	several := len(f.Rows[0]) > 1
	if several && values {
		b.WriteString("VALUES ")
	}
	for i, row := range f.Rows {
		if i > 0 {
			b.WriteString(", ")
		}
		if several {
			b.WriteByte('(')
		}
		for j, v := range row {
			if j > 0 {
				b.WriteString(", ")
			}
			b.WriteString(v)
		}
		if several {
			b.WriteByte(')')
		}
	}
	b.WriteByte(')')
}

// keyed is a comparison that keys will take the place of.
type keyed struct {
	op  *Op
	sc  *scope
	rel *relation
	col int
}

const (
	keysHint     = "the rows that match are looked up first, by their key: the table needs a primary key, or a unique key without NULLs, of clear whole numbers, texts, uuids or bytes"
	keysDMLHint  = "in a statement that changes or locks rows a search by pattern stands at the top of the WHERE, or under AND and OR, not under NOT or CASE"
	keysClause   = "the same value is also used outside of the search, where it would go out in clear; bind it a second time under another number"
	keysFormHint = "write the comparison in a plainer form"
)

// keyFirst notes a comparison for which keys are looked up; false where the
// statement cannot be run in two steps.
func (a *analysis) keyFirst(o *Op, sc *scope, h hit) bool {
	if a.opt.Lookup || len(a.script.Statements) != 1 || h.rel.annotated() == nil || h.rel.view != nil || h.rel.excluded || a.depth > 0 {
		return false
	}
	if a.dialect == MySQL && a.wordIn(Span{}, "SQL_CALC_FOUND_ROWS") {
		return false // what ends the transaction would be counted last
	}
	switch a.script.Statements[0].(type) {
	case *Query, *Insert, *Update, *Delete:
	default:
		return false
	}
	for i := range a.keyed {
		if a.keyed[i].op == o {
			return true
		}
	}
	a.keyed = append(a.keyed, keyed{o, sc, h.rel, h.col})
	return true
}

// keysFirst plans the statement in two steps.
func (a *analysis) keysFirst() (*Plan, error) {
	slices.SortFunc(a.keyed, func(x, y keyed) int { return x.op.Start - y.op.Start })
	p := &keysPlanner{a: a, first: &KeysFirst{values: a.dialect == SQLite}}
	p.find.statement(a.script.Statements[0])
	p.first.Locks = p.find.locks
	if err := p.valuesApart(); err != nil {
		return nil, err
	}
	for i := range a.keyed {
		if err := p.plan(&a.keyed[i]); err != nil {
			return nil, err
		}
	}
	if err := p.narrowedWell(); err != nil {
		return nil, err
	}
	p.main()
	found := make([]Found, len(p.first.Lookups))
	main, err := PlanOnce(a.front, p.first.Text(found, p.first.StandIns(a.front)), a.cat, a.session, Options{HasArgs: a.opt.HasArgs, Prepare: a.opt.Prepare, ContextPartition: a.opt.ContextPartition})
	if err != nil {
		return nil, elsewhere(err, -1)
	}
	p.first.Main = main
	b := &builder{a: a, plan: &Plan{Params: a.script.Params, Tables: a.touched, First: p.first}}
	b.names()
	return b.plan, nil
}

// elsewhere gives a refusal of a text that the caller has not written the place
// that it is about in the caller's.
func elsewhere(err error, pos int) error {
	u, ok := err.(*UnsupportedError)
	if !ok {
		return err
	}
	moved := *u
	moved.Pos = pos
	return &moved
}

type keysPlanner struct {
	a     *analysis
	first *KeysFirst
	find  finder
	// merged are the lookups that others with the same rows join, by owner and
	// relation.
	merged map[mergedKey]int
	cuts   []keyCut
	seen   []mergedKey // tables whose partition has been looked at
}

type mergedKey struct {
	owner *owner
	rel   *relation
}

func (p *keysPlanner) plan(k *keyed) error {
	a := p.a
	c := k.rel.cols[k.col].flow[0].col
	refuse := func(hint string) error { return a.refuse(k.op.Start, ReasonPredicate, c.String(), hint) }
	t := p.find.table(k.rel.pos)
	switch {
	case t == nil || t.Attr != "" || t.Only || len(t.Extra)+len(t.ColumnAliases) > 0:
		return refuse(likeHint)
	case !k.op.Known() || !a.balanced(k.op.Span):
		return refuse(keysFormHint)
	}
	o, at := p.find.owner(k.op)
	if p.first.Locks && at < underOr {
		return refuse(keysDMLHint)
	}
	keys := a.lookupKey(k.rel)
	if keys == nil {
		return refuse(keysHint)
	}
	if !p.narrow(k.rel, c) && (at == anywhere || strings.HasPrefix(k.op.Name, "NOT ")) {
		return a.refuse(k.op.Start, ReasonPartition, c.String(), otherRowsHint)
	}
	// The rows that do not match are few more often than not; but only rows that
	// were found are locked.
	pl := keyPlace{not: strings.HasPrefix(k.op.Name, "NOT ") && !p.first.Locks}
	pl.exact = pl.not || at == anywhere
	pl.strict = p.first.Locks && p.find.outer && a.dialect == Postgres
	if pl.not {
		at = anywhere
	}
	pl.keys, pl.column = a.keyText(k.rel, keys), a.columnText(k.rel, k.col)
	if i, ok := p.merged[mergedKey{o, k.rel}]; ok && at == conjunctOf {
		pl.lookup, pl.done = i, true // its condition is part of that lookup
		p.cut(k.op.Span, pl)
		return nil
	}
	pl.lookup = len(p.first.Lookups)
	l, err := p.lookup(k, t, o, at, keys, pl.not)
	if err != nil {
		return err
	}
	if at == conjunctOf {
		if p.merged == nil {
			p.merged = map[mergedKey]int{}
		}
		p.merged[mergedKey{o, k.rel}] = pl.lookup
	}
	p.first.Lookups = append(p.first.Lookups, l)
	p.cut(k.op.Span, pl)
	return nil
}

// lookup makes the SELECT of the keys of the rows that meet the comparison, or
// where negated is set those that meet it without its NOT. Conditions that every
// row of the result has to meet narrow it.
func (p *keysPlanner) lookup(k *keyed, t *Table, o *owner, at standing, keys []KeyColumn, negated bool) (Lookup, error) {
	a := p.a
	w := textWriter{a: a}
	w.put("SELECT ")
	for i, c := range keys {
		if i > 0 {
			w.put(", ")
		}
		w.put(a.front.QuoteIdent(c.Name))
	}
	w.put(" FROM ")
	w.source(t.Span)
	if t.Alias != nil {
		w.put(" AS " + a.front.QuoteIdent(t.Alias.Name))
	}
	w.put(" WHERE ")
	conds := conditions{p: p, k: k, w: &w}
	if at != conjunctOf {
		conds.comparison(k.op, negated)
	}
	if o != nil {
		for _, c := range conjuncts(o.where) {
			if at == conjunctOf || c != Expr(k.op) {
				conds.narrowing(c)
			}
		}
	}
	if p.first.Locks && a.dialect != SQLite {
		w.put(" FOR UPDATE")
	}
	l := Lookup{Text: w.b.String(), Args: w.args, Keys: keys, Column: k.rel.cols[k.col].flow[0].col.String()}
	var err error
	l.Plan, err = PlanOnce(a.front, l.Text, a.cat, a.session, Options{
		HasArgs: a.opt.HasArgs, Prepare: a.opt.Prepare, ContextPartition: a.opt.ContextPartition, Lookup: true,
	})
	return l, elsewhere(err, k.op.Start)
}

// conditions writes the WHERE of a lookup.
type conditions struct {
	p     *keysPlanner
	k     *keyed
	w     *textWriter
	begun bool
}

func (c *conditions) next() {
	if c.begun {
		c.w.put(" AND ")
	}
	c.begun = true
}

// comparison writes one without its NOT, whose place the front ends keep
// between the operands.
func (c *conditions) comparison(o *Op, negated bool) {
	c.next()
	c.w.put("(")
	if !negated {
		c.w.source(o.Span)
	} else {
		cut := c.p.a.notIn(o)
		c.w.source(Span{o.Start, cut.Start})
		c.w.source(Span{cut.End, o.End})
	}
	c.w.put(")")
}

// narrowing writes a condition that is about rows of the table alone, and of
// which nothing depends on when it is asked.
func (c *conditions) narrowing(e Expr) {
	s := e.Range()
	if !s.Known() || !c.p.a.balanced(s) || !c.p.alone(e, c.k) {
		return
	}
	c.next()
	c.w.put("(")
	c.w.source(s)
	c.w.put(")")
}

// alone reports a condition over columns of the table alone.
func (p *keysPlanner) alone(e Expr, k *keyed) bool {
	for i := range p.a.keyed {
		if other := &p.a.keyed[i]; Expr(other.op) == e {
			return other.rel == k.rel
		}
		if _, in := within(e, p.a.keyed[i].op, conjunctOf); in {
			return false
		}
	}
	return !calls(e) && p.only(e, k)
}

func (p *keysPlanner) only(e Expr, k *keyed) bool {
	ok := true
	eachColumn(e, func(ref *ColumnRef) {
		h, _, found, err := p.a.resolve(ref, k.sc)
		ok = ok && err == nil && found && h.rel == k.rel && h.col >= 0
	})
	return ok
}

// notIn is where the NOT of a comparison stands.
func (a *analysis) notIn(o *Op) Span {
	toks := a.tokens(Span{o.Args[0].Range().End, o.Args[1].Range().Start})
	for i := range toks {
		if isWord(&toks[i], "NOT") {
			return toks[i].Span
		}
	}
	return Span{}
}

// valuesApart sees to it that what is compared with an encrypted column goes
// out nowhere else (threats T4): the analysis of the statement as a whole ends
// here, and those of its parts do not see each other.
func (p *keysPlanner) valuesApart() error {
	a := p.a
	var inside []Span
	for i := range a.keyed {
		inside = append(inside, a.keyed[i].op.Span)
	}
	for _, l := range a.liked {
		inside = append(inside, l.op.Span)
	}
	in := func(at int) bool {
		return slices.ContainsFunc(inside, func(s Span) bool { return s.Start <= at && at < s.End })
	}
	column := a.keyed[0].rel.cols[a.keyed[0].col].flow[0].col.String()
	hidden := map[int]bool{}
	for _, m := range a.script.Markers {
		if in(m.Start) {
			hidden[m.N] = true
		}
	}
	for _, m := range a.script.Markers {
		if hidden[m.N] && !in(m.Start) {
			return a.refuse(m.Start, ReasonClearUse, column, keysClause)
		}
	}
	texts := map[string]bool{}
	for _, t := range a.script.Tokens {
		if t.Kind == TokString && t.Text != "" && in(t.Start) {
			texts[t.Text] = true
		}
	}
	for _, t := range a.script.Tokens {
		if t.Kind == TokString && texts[t.Text] && !in(t.Start) {
			return a.refuse(t.Start, ReasonClearUse, column, "the same literal is also used outside of the search, where it would go out in clear")
		}
	}
	return nil
}

// main cuts the statement at the comparisons, and where conditions are added.
func (p *keysPlanner) main() {
	w := textWriter{a: p.a}
	at := 0
	slices.SortStableFunc(p.cuts, func(x, y keyCut) int { return x.edit.compare(&y.edit) })
	for _, c := range p.cuts {
		w.source(Span{at, c.edit.span.Start})
		w.put(c.edit.text)
		if at = c.edit.span.End; c.place == nil {
			continue
		}
		p.first.texts = append(p.first.texts, w.b.String())
		p.first.places = append(p.first.places, *c.place)
		w.b.Reset()
	}
	w.source(Span{at, len(p.a.script.Text)})
	p.first.texts = append(p.first.texts, w.b.String())
	p.first.args = w.args
}

// textWriter copies parts of the caller's text, numbering their parameters anew.
type textWriter struct {
	a    *analysis
	b    strings.Builder
	args []int
}

func (w *textWriter) put(s string) { w.b.WriteString(s) }

func (w *textWriter) source(s Span) {
	text, at := w.a.script.Text, s.Start
	for _, m := range w.a.script.Markers {
		if m.Start < s.Start || m.Start >= s.End {
			continue
		}
		w.b.WriteString(text[at:m.Start])
		before := len(w.args)
		n := w.number(m.N)
		if text[m.Start:m.End] == "?" && len(w.args) > before {
			w.b.WriteByte('?') // it has that number, and is part of labels on SQLite
		} else {
			w.b.WriteString(w.a.front.Placeholder(n))
		}
		at = m.End
	}
	w.b.WriteString(text[at:s.End])
}

// number is the new number of the caller's parameter n: on MySQL one for each
// place.
func (w *textWriter) number(n int) int {
	if i := slices.Index(w.args, n); i >= 0 && w.a.dialect != MySQL {
		return i + 1
	}
	w.args = append(w.args, n)
	return len(w.args)
}

// balanced reports whether the parentheses of a part of the text are its own.
func (a *analysis) balanced(s Span) bool {
	depth := 0
	toks := a.tokens(s)
	for i := range toks {
		if toks[i].Start < s.Start || toks[i].End > s.End {
			return false
		}
		switch {
		case toks[i].Kind != TokPunct:
		case toks[i].Text == "(":
			depth++
		case toks[i].Text == ")":
			depth--
		case toks[i].Text == ";":
			return false
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0 && len(toks) > 0
}

// keyText names the key of a relation as the caller's text can.
func (a *analysis) keyText(r *relation, keys []KeyColumn) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		for col := range r.cols {
			if schema.EqualNames(r.cols[col].name, k.Name) {
				names[i] = a.columnText(r, col)
			}
		}
	}
	if len(names) == 1 {
		return names[0]
	}
	return "(" + strings.Join(names, ", ") + ")"
}

func (a *analysis) columnText(r *relation, col int) string {
	b := builder{a: a}
	return string(b.writeColumn(nil, r, col, false))
}

// lookupKey is a key of a relation that tells its rows: the one of fewest
// columns, of numbers if there is a choice.
func (a *analysis) lookupKey(r *relation) []KeyColumn {
	var best []KeyColumn
	for _, set := range r.base.Unique {
		keys := make([]KeyColumn, 0, len(set))
		for _, name := range set {
			if k, ok := a.lookupColumn(r, name); ok {
				keys = append(keys, k)
			}
		}
		if len(keys) < len(set) || len(set) == 0 {
			continue
		}
		if best == nil || len(keys) < len(best) || len(keys) == len(best) && keys[0].Number && !best[0].Number {
			best = keys
		}
	}
	return best
}

func (a *analysis) lookupColumn(r *relation, name string) (KeyColumn, bool) {
	for i := range r.cols {
		c := &r.cols[i]
		if !schema.EqualNames(c.name, name) {
			continue
		}
		k := KeyColumn{Name: c.name}
		if c.phys == nil || c.phys.Name != c.name || len(c.flow) > 0 || !c.shown() || !c.phys.NotNull && a.dialect != SQLite {
			return k, false
		}
		return k, a.keyType(&k, c.phys.Type)
	}
	return KeyColumn{}, false
}

// keyTypes are the types whose values a constant of the dialect stands for
// whatever the settings of the session.
var keyTypes = map[string]KeyColumn{
	"smallint": {Number: true}, "integer": {Number: true}, "int": {Number: true}, "bigint": {Number: true}, "tinyint": {Number: true}, "mediumint": {Number: true},
	"int2": {Number: true}, "int4": {Number: true}, "int8": {Number: true},
	"text": {}, "varchar": {}, "character varying": {}, "character": {}, "char": {}, "uuid": {}, "citext": {}, "tinytext": {}, "mediumtext": {}, "longtext": {},
	"bytea": {Binary: true}, "binary": {Binary: true}, "varbinary": {Binary: true},
}

func (a *analysis) keyType(k *KeyColumn, typ string) bool {
	name, _, _ := strings.Cut(strings.ToLower(typ), "(")
	name = strings.TrimSuffix(strings.TrimSpace(name), " unsigned")
	if a.dialect == SQLite {
		// A column holds what is put into it; times come back as another type.
		return !strings.Contains(name, "date") && !strings.Contains(name, "time") && !strings.Contains(name, "bool")
	}
	known, ok := keyTypes[name]
	k.Number, k.Binary = known.Number, known.Binary
	return ok
}

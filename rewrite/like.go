package rewrite

import (
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// LIKE over an encrypted column becomes conditions on its fragment indexes
// (schema.Fragments), which find every row that matches and some that do not:
// those are left out after opening, under the rules of lossy comparisons
// (threats T22). What the pattern is, is known when the statement runs, so that
// the text must do for all patterns: each index answers with everything where
// the pattern has nothing for it.

// PatternPart says what of a pattern an outgoing value is.
type PatternPart uint8

// The parts: the least and the greatest index of a text with the pattern's
// beginning (or end), all of its tokens, one of them.
const (
	PatternLow PatternPart = iota + 1
	PatternHigh
	PatternAll
	PatternToken
)

// LetterCase is what lower and upper make of a text.
type LetterCase uint8

// The functions: none, lower, upper.
const (
	AnyCase LetterCase = iota
	LowerCase
	UpperCase
)

// Like is a comparison of an encrypted column with a pattern.
type Like struct {
	// Column is the inner result column that holds the value.
	Column int
	// Of is the encrypted column; Indexes are those that the text asks.
	Of      *schema.Column
	Indexes []*schema.Fragments
	// Scan is set where Of has no such index: every row with a value is read, at
	// most Of.Scan of them in vain. It is the column's index for equality, which
	// says how letters are compared.
	Scan    *schema.Equality
	Pattern Value
	// Before and After are what the text puts around Pattern; Empty takes a NULL
	// of it for an empty text, as concat does on some engines.
	Before, After string
	Empty         bool
	// Mapped and PatternMapped are what the text applies to the value and to the
	// whole pattern.
	Mapped, PatternMapped LetterCase
	// Text takes bytes for text, as a cast did that was left out.
	Text bool
	// Not is NOT LIKE: the indexes then answer with everything.
	Not bool
	// Fold is ILIKE.
	Fold bool
	// Escape is the ESCAPE of the text where Escaped is set, empty for none; else
	// it is the engine's.
	Escape  string
	Escaped bool
	// Pos is where the comparison stands.
	Pos int
}

const (
	likeHint        = "compare with LIKE at the top of the WHERE of a plain SELECT, without aggregates, DISTINCT, GROUP BY, subqueries and locks: the index also finds rows that do not match, which are left out after opening"
	likePatternHint = "give the pattern as a parameter or a literal, which may stand between literals ('%' || $1 || '%', concat) and in lower() or upper(), and ESCAPE as one character"
	noFragmentsHint = "add search: {prefix: default}, {suffix: default} or {contains: default} to the column, or compare a clear one"
)

// likeNames are the comparisons with patterns that fragments answer.
var likeNames = map[string]bool{"LIKE": true, "NOT LIKE": true, "ILIKE": true, "NOT ILIKE": true}

// liked is a planned comparison.
type liked struct {
	op      *Op
	ref     *ColumnRef
	pattern Expr // *Param or *Literal
	like    *Like
	rel     *relation
	col     int
	parts   []likePart
}

// likePart is one condition on one index.
type likePart struct {
	kind  likeKind
	index *schema.Fragments
	side  *side
	outs  []Out
	slots []*slot
}

type likeKind uint8

const (
	partRange likeKind = iota // index BETWEEN low AND high
	partArray                 // index @> tokens
	partProbe                 // instr(index, token) > 0
	partSide                  // key IN (SELECT … FROM table of tokens …)
	partScan                  // index for equality >= the empty one
)

// probes is the number of tokens that are asked for where each is a value of
// its own.
const probes = 3

// likes plans the LIKEs of a WHERE that every row of the result must meet.
func (a *analysis) likes(s *Select, sc *scope) error {
	if s != a.filterable || a.filterable == nil || len(a.script.Statements) > 1 || !hasFragments(sc.rels) || a.foundRows(s) {
		return nil
	}
	for _, cond := range conjuncts(s.Where) {
		o, ok := cond.(*Op)
		if !ok || !likeNames[o.Name] || len(o.Args) < 2 {
			continue
		}
		if err := a.likeOn(o, sc); err != nil {
			return err
		}
	}
	return nil
}

func hasFragments(rels []*relation) bool {
	for _, r := range rels {
		t := r.annotated()
		if t == nil {
			continue
		}
		for _, c := range t.Columns {
			if len(c.Fragments()) > 0 || scanned(c) != nil {
				return true
			}
		}
	}
	return false
}

// likeColumn resolves the column of a LIKE; nil where nothing encrypted that
// has fragments is compared.
func (a *analysis) likeColumn(o *Op, sc *scope) (*ColumnRef, hit) {
	e := o.Args[0]
	if _, x := letterCase(e); x != nil {
		e = x
	}
	if c, ok := e.(*Cast); ok && isTextType(c.Type) {
		e = c.X
	}
	ref, ok := e.(*ColumnRef)
	if !ok {
		return nil, hit{}
	}
	h, _, found, err := a.resolve(ref, sc)
	if err != nil || !found || len(h.flow()) != 1 {
		return nil, hit{}
	}
	if c := h.flow()[0].col; len(c.Fragments()) == 0 && scanned(c) == nil {
		return nil, hit{}
	}
	return ref, h
}

// isTextType reports the casts that leave a text as it is.
func isTextType(t string) bool { return t == "text" || t == "character varying" || t == "varchar" }

func (a *analysis) likeOn(o *Op, sc *scope) error {
	ref, h := a.likeColumn(o, &scope{rels: sc.rels})
	if ref == nil || h.rel.annotated() == nil || h.rel.view != nil {
		return nil // reported where the condition is walked
	}
	c := h.flow()[0].col
	if !schema.EqualNames(ref.Path[len(ref.Path)-1].Name, c.Name) {
		return nil
	}
	for _, e := range o.Args[:2] {
		if err := a.patternCalls(e); err != nil {
			return err
		}
	}
	if err := a.operator(o.Name, o.Start); err != nil {
		return err
	}
	if strings.HasSuffix(o.Name, "ILIKE") && a.dialect != Postgres {
		return a.refuse(o.Start, ReasonPredicate, c.String(), "the engine has no ILIKE")
	}
	l := &liked{op: o, ref: ref, rel: h.rel, col: h.col, like: &Like{
		Of: c, Scan: scanned(c), Pos: o.Start, Not: strings.HasPrefix(o.Name, "NOT "), Fold: strings.HasSuffix(o.Name, "ILIKE"),
	}}
	l.like.Mapped, _ = letterCase(o.Args[0])
	if last := ref.Path[len(ref.Path)-1]; !a.likePattern(l) || !a.likeEscape(l) || !o.Known() || !last.Known() || ref.Start > last.Start {
		return a.refuse(o.Start, ReasonPredicate, c.String(), likePatternHint)
	}
	if err := a.likeParts(l, h); err != nil {
		return err
	}
	if p, ok := l.pattern.(*Param); ok {
		a.use(paramUse{param: p, seal: c})
	}
	a.seals.set(l.pattern, l.parts[0].outs[0])
	a.liked = append(a.liked, l)
	return nil
}

// likeEscape reads ESCAPE: a literal of one character that is no wildcard, on
// PostgreSQL and MySQL also the empty one.
func (a *analysis) likeEscape(l *liked) bool {
	if len(l.op.Args) < 3 {
		if a.dialect == MySQL && a.session.NoBackslashEscapes {
			l.like.Escaped = true
		}
		return true
	}
	x, ok := l.op.Args[2].(*Literal)
	if !ok || x.Odd || x.Kind != LitString || len([]rune(x.Value)) > 1 || x.Value == "%" || x.Value == "_" || x.Value == "" && a.dialect == SQLite {
		return false
	}
	l.like.Escape, l.like.Escaped = x.Value, true
	return true
}

// likeParts plans the conditions on the indexes. NOT LIKE needs one, to say that
// there is a value.
func (a *analysis) likeParts(l *liked, h hit) error {
	if l.like.Scan != nil {
		return a.scanPart(l)
	}
	for _, f := range l.like.Of.Fragments() {
		if l.like.Not && len(l.parts) > 0 {
			break
		}
		part, err := a.fragmentPartition(f, l.ref, h)
		if err != nil {
			return err
		}
		out := func(p PatternPart, n int) Out {
			return Out{Value: l.like.Pattern, Index: f, Compared: true, Partition: part, Text: l.like.Text, Like: l.like, Pattern: p, Token: n}
		}
		lp := likePart{index: f}
		switch {
		case f.Kind != schema.ContainsFragments:
			lp.kind, lp.outs = partRange, []Out{out(PatternLow, 0), out(PatternHigh, 0)}
		case a.dialect == Postgres:
			if err := a.operator("@>", l.op.Start); err != nil {
				return err
			}
			lp.kind, lp.outs = partArray, []Out{out(PatternAll, 0)}
		case h.rel.base.sides[f] != nil:
			lp.kind, lp.side = partSide, h.rel.base.sides[f]
			for n := range probes {
				if l.like.Not && n > 0 {
					break
				}
				lp.outs = append(lp.outs, out(PatternToken, n))
			}
		default:
			for n := range probes {
				if l.like.Not && n > 0 {
					break
				}
				l.parts = append(l.parts, likePart{kind: partProbe, index: f, outs: []Out{out(PatternToken, n)}})
			}
			l.like.Indexes = append(l.like.Indexes, f)
			continue
		}
		l.parts = append(l.parts, lp)
		l.like.Indexes = append(l.like.Indexes, f)
	}
	return nil
}

// fragmentPartition is the partition within which an index is asked.
func (a *analysis) fragmentPartition(f *schema.Fragments, ref *ColumnRef, h hit) (PartitionSource, error) {
	if f.TableScope {
		return PartitionSource{Known: true, ResultColumn: -1}, nil
	}
	p, ok := a.partition(h.rel.annotated(), h.rel.fixed)
	if !ok {
		return p, a.refuse(ref.Start, ReasonPartition, f.Of.String(), partScopeHint)
	}
	a.narrow(h.rel) // else the rows of others are read, and do not open
	return p, nil
}

// likeElsewhere has a LIKE over an encrypted column that likes did not plan
// looked up first, or refuses it with what works.
func (a *analysis) likeElsewhere(o *Op, sc *scope) (done bool, err error) {
	if o.Name == "=" || len(o.Args) < 2 || !likeNames[o.Name] {
		return false, nil
	}
	if ref, h := a.likeColumn(o, sc); ref != nil {
		if a.keyFirst(o, sc, h) {
			return true, nil
		}
		return true, a.refuse(ref.Start, ReasonPredicate, h.flow()[0].col.String(), likeHint)
	}
	if done, err := a.likeByRange(o, sc); done || err != nil {
		return done, err
	}
	ref, ok := o.Args[0].(*ColumnRef)
	if !ok {
		return false, nil
	}
	if h, _, found, err := a.resolve(ref, sc); err == nil && found && len(h.flow()) > 0 {
		return true, a.refuse(ref.Start, ReasonPredicate, h.flow()[0].col.String(), noFragmentsHint)
	}
	return false, nil
}

// planned reports a condition that was planned by likeOn.
func (a *analysis) likedAt(cond Expr) *liked {
	for _, l := range a.liked {
		if Expr(l.op) == cond {
			return l
		}
	}
	return nil
}

// exposeLiked adds the values that are compared with patterns to the select
// list.
func (a *analysis) exposeLiked(s *Select, cols []column) []column {
	if s != a.filterable {
		return cols
	}
	for i, l := range a.liked {
		if same := a.exposedAlready(i); same >= 0 {
			l.like.Column = same
			continue
		}
		l.like.Column = len(cols)
		var f flow
		for _, x := range l.rel.cols[l.col].flow {
			f = append(f, l.rel.carry(x))
		}
		cols = append(cols, column{name: a.hide(s, l.rel, l.col), hidden: true, flow: f})
	}
	return cols
}

// exposedAlready returns the result column that an earlier comparison of the
// same column added, or -1.
func (a *analysis) exposedAlready(i int) int {
	for _, o := range a.liked[:i] {
		if o.rel == a.liked[i].rel && o.col == a.liked[i].col {
			return o.like.Column
		}
	}
	return -1
}

// collectLikes makes the slots of the values: the first takes the pattern's
// place.
func (b *builder) collectLikes() error {
	for _, l := range b.a.liked {
		own := b.patternSlot(l)
		if own == nil {
			return b.a.refuse(l.op.Start, ReasonParameters, l.like.Of.String(), "the parameter was not found in the text; write the statement in a plainer form")
		}
		own.added = true // it is written with the condition
		for i := range l.parts {
			p := &l.parts[i]
			for k := range p.outs {
				s := own
				if i > 0 || k > 0 {
					s = b.a.work.slots.One()
					*s = slot{at: l.pattern.Range().End, span: Span{l.op.End, l.op.End}, out: p.outs[k], added: true}
					b.slots = append(b.slots, s)
				}
				p.slots = append(p.slots, s)
			}
		}
	}
	return nil
}

func (b *builder) patternSlot(l *liked) *slot {
	if p, ok := l.pattern.(*Param); ok {
		return b.mark(p)
	}
	for _, s := range b.slots {
		if s.param == nil && Expr(s.out.Value.Literal) == l.pattern && s.at == l.pattern.Pos() {
			return s
		}
	}
	return nil
}

// writeLike writes the conditions that take the place of a LIKE.
func (b *builder) writeLike(out []byte, l *liked) []byte {
	out = append(out, '(')
	for i := range l.parts {
		p := &l.parts[i]
		if i > 0 {
			out = append(out, " AND "...)
		}
		switch p.kind {
		case partRange:
			out = b.writeIndexRef(out, l, p.index)
			out = b.writeSlot(append(out, " BETWEEN "...), p.slots[0])
			out = b.writeSlot(append(out, " AND "...), p.slots[1])
		case partArray:
			out = b.writeIndexRef(out, l, p.index)
			out = b.writeSlot(append(out, " @> "...), p.slots[0])
		case partSide:
			out = b.writeSide(out, l, p)
		case partScan:
			out = b.writeScan(out, l, p)
		case partProbe:
			out = b.writeIndexRef(append(out, "instr("...), l, p.index)
			out = b.writeSlot(append(out, ", "...), p.slots[0])
			out = append(out, ") > 0"...)
		}
	}
	return append(out, ')')
}

func (b *builder) writeIndexRef(out []byte, l *liked, f *schema.Fragments) []byte {
	last := l.ref.Path[len(l.ref.Path)-1]
	out = append(out, b.a.script.Text[l.ref.Start:last.Start]...) // the qualifiers, as they are
	return b.a.front.AppendIdent(out, f.Name)
}

func (b *builder) writeSlot(out []byte, s *slot) []byte {
	if s.n > 0 {
		return b.appendArgument(out, s)
	}
	b.plan.Holes = append(b.plan.Holes, Hole{At: len(out), Out: s.out})
	return append(out, ' ')
}

// where compares conditions in which LIKEs were planned: as lists of what AND
// joins, for front ends differ in how they nest it.
func (v verifier) where(x, y Expr) bool {
	if len(v.b.a.liked) == 0 || x == nil || y == nil {
		return v.expr(x, y)
	}
	got := conjuncts(y)
	for _, cond := range conjuncts(x) {
		l := v.b.a.likedAt(cond)
		if l == nil {
			if len(got) == 0 || !v.expr(cond, got[0]) {
				return false
			}
			got = got[1:]
			continue
		}
		for i := range l.parts {
			if len(got) == 0 || !v.likePart(l, &l.parts[i], got[0]) {
				return false
			}
			got = got[1:]
		}
	}
	return len(got) == 0
}

func (v verifier) likePart(l *liked, p *likePart, y Expr) bool {
	switch p.kind {
	case partSide:
		return v.side(l, p, y)
	case partScan:
		return v.scan(l, p, y)
	}
	o, ok := y.(*Op)
	if !ok {
		return false
	}
	switch p.kind {
	case partRange:
		return o.Name == "BETWEEN" && len(o.Args) == 3 && v.indexRef(l, p.index, o.Args[0]) && v.slot(p.slots[0], o.Args[1]) && v.slot(p.slots[1], o.Args[2])
	case partArray:
		return o.Name == "@>" && len(o.Args) == 2 && v.indexRef(l, p.index, o.Args[0]) && v.slot(p.slots[0], o.Args[1])
	}
	if o.Name != ">" || len(o.Args) != 2 {
		return false
	}
	c, ok := o.Args[0].(*Call)
	zero, isZero := o.Args[1].(*Literal)
	return ok && isZero && zero.Value == "0" && len(c.Name) == 1 && strings.EqualFold(c.Name[0].Name, "instr") && len(c.Args) == 2 &&
		len(c.Extra) == 0 && v.indexRef(l, p.index, c.Args[0]) && v.slot(p.slots[0], c.Args[1])
}

func (v verifier) indexRef(l *liked, f *schema.Fragments, y Expr) bool {
	ref, ok := y.(*ColumnRef)
	n := len(l.ref.Path) - 1
	return ok && len(ref.Path) == n+1 && idents(l.ref.Path[:n], ref.Path[:n]) && ref.Path[n].Name == f.Name
}

// fragmentType is the physical type of a fragment index.
func fragmentType(d Dialect, f *schema.Fragments) string {
	switch {
	case d == SQLite:
		return "blob"
	case f.Kind != schema.ContainsFragments:
		if d == Postgres {
			return "bytea"
		}
		return "varbinary(" + strconv.Itoa(f.Bytes()) + ")"
	case d == Postgres:
		return "integer[]"
	}
	n := f.Of.Type.Length
	if n == 0 {
		n = familyBytes(f.Of.Type.Base)
	}
	return mysqlBinary(min(schema.TokenBytes*(n+10), 1<<32-1))
}

// isArray reports an index that is an array of integers.
func isArray(d Dialect, x schema.Index) bool {
	f, ok := x.(*schema.Fragments)
	return ok && d == Postgres && f.Kind == schema.ContainsFragments
}

// BinaryIndex reports an index whose values are bytes; others are texts of
// arrays.
func BinaryIndex(d Dialect, x schema.Index) bool {
	_, fragments := x.(*schema.Fragments)
	return x.Bytes() > 0 || fragments && !isArray(d, x)
}

// holdsArray reports whether a physical type, in the catalog's spelling, is that
// of an index that is an array.
func holdsArray(d Dialect, typ string, x schema.Index) bool {
	return isArray(d, x) && (typ == "integer[]" || typ == "int4[]")
}

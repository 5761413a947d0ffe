package rewrite

import "strings"

// editKind says what an edit writes, which is what the proof by tokens goes by.
type editKind uint8

const (
	// editOther is anything that only parsing proves.
	_ editKind = iota
	// editValue: one value for another, or a cast around it taken away.
	editValue
	// editName: the column of a search index for the column that it is of.
	editName
	// editAdd: a value, a column or an assignment beside another.
	editAdd
	// editStar: the columns that "*" stands for.
	editStar
	// editTable: the same in place of TABLE. Proven by parsing.
	editTable
	// editColumns: the column list of an INSERT.
	editColumns
	// editHidden: columns behind the last item of a list.
	editHidden
	// editOpen and editAnd: the parentheses around a condition, and behind
	// them the condition that the plan adds; editWhere: that alone.
	editOpen
	editAnd
	editWhere
	// editAlso: one more condition behind these. editSought: as editWhere, at a
	// place that only parsing proves.
	editAlso
	editSought
	// editLike: conditions on indexes in the place of a LIKE; they are proven by
	// parsing.
	editLike
	// editCover: a comparison through an index that hides the order; only
	// parsing proves it.
	editCover
)

// tokenProof is the cheaper proof of an edited text. Where every edit puts
// whole expressions or items in places where any expression or item may stand,
// the tokens of the edited text say as much as its tree, and scanning costs a
// fraction of parsing. The argument is in
// docs/decisions/2026-11-22-proof-by-tokens.md.
//
// It holds only if all of this does:
//
//   - outside the edits stand the caller's bytes, and the same tokens at the
//     same places in them;
//   - an edit replaces whole tokens or stands between two, and in its place
//     are exactly the tokens that the plan says, joined with no neighbour;
//   - the tokens beside it delimit an expression, an item or a condition
//     whatever stands between them;
//   - the placeholders of the edited text are those of the plan, in its order.
//
// It refuses nothing: what it does not prove is parsed.
type tokenProof struct {
	b       *builder
	t       []Token // of the caller's text
	e       TokenReader
	head    Token // the next token of the edited text
	want    Token // scratch
	more    bool
	last    int // where the one before it ends
	in, out string
	at      int      // offset in the caller's text up to which the proof has come
	i       int      // next token of t
	shift   int      // offset in out less that in in, behind the last edit
	mark    int      // placeholders met in t
	params  int      // placeholders met in e
	highest int      // number among them
	fills   []string // what stands in the next holes
	filled  int      // bytes of those before
	writes  bool     // some edit writes a placeholder
	open    bool     // the parenthesis of editOpen waits for its editAnd
}

// provenByTokens reports whether out, the edited text with fills in its holes,
// is proven without parsing it.
func (b *builder) provenByTokens(out string, fills []string) bool {
	sc := b.a.script
	if len(b.a.ddl) > 0 || len(sc.Tokens) == 0 {
		return false
	}
	p := b.a.work.proofs.One()
	p.b, p.t, p.in, p.out, p.fills = b, sc.Tokens, sc.Text, out, fills
	if m, ok := sc.Memory.(TokenMemory); ok {
		p.read(m.Tokens(out, b.a.session))
	} else {
		p.read(b.a.front.Tokens(out, b.a.session))
	}
	return p.holds() && p.e.Sound()
}

// read begins with the first token of the edited text.
func (p *tokenProof) read(e TokenReader) {
	p.e = e
	p.advance()
}

// advance reads the next token of the edited text.
func (p *tokenProof) advance() {
	p.last = p.head.End
	p.more = p.e.Next(&p.head)
}

// done reports whether all of the text has been read.
func (p *tokenProof) done() bool { return !p.more && p.e.Sound() }

func (p *tokenProof) holds() bool {
	for k := range p.b.edits {
		p.writes = p.writes || p.b.edits[k].slot != nil
	}
	for k := range p.b.edits {
		e := &p.b.edits[k]
		if !p.same(e.span.Start) || !p.edit(e) {
			return false
		}
	}
	return p.rest() && !p.open && p.mark == len(p.b.marks) && p.params == (verifier{b: p.b}).markers()
}

// rest proves what stands behind the last edit. Where the next token is the
// caller's, the tokenizer is in the state that it was in there, and meets the
// same bytes until the end: it will say the same of them.
func (p *tokenProof) rest() bool {
	first, to := p.i, len(p.in)
	if first < len(p.t) {
		to = p.t[first].End
	}
	if !p.same(to) || p.more != (p.i < len(p.t)) || p.in[to:] != p.out[to+p.shift:] {
		return false
	}
	for k := p.i; k < len(p.t); k++ {
		if p.t[k].Kind == TokParam && !p.unchanged(&p.t[k]) {
			return false
		}
	}
	return true
}

// same proves that the text from where the proof stands up to offset to is the
// caller's.
func (p *tokenProof) same(to int) bool {
	if to < p.at || p.at+p.shift < 0 || to+p.shift > len(p.out) ||
		p.in[p.at:to] != p.out[p.at+p.shift:to+p.shift] {
		return false
	}
	for ; p.i < len(p.t) && p.t[p.i].Start < to; p.i++ {
		t := &p.t[p.i]
		e := &p.head
		if t.End > to || !p.more || e.Kind != t.Kind || e.Start != t.Start+p.shift || e.End != t.End+p.shift {
			return false
		}
		if t.Kind == TokParam && !p.unchanged(t) {
			return false
		}
		p.advance()
	}
	p.at = to
	return true
}

// unchanged proves that a placeholder that stays is the outgoing argument that
// the plan says.
func (p *tokenProof) unchanged(t *Token) bool {
	if p.mark >= len(p.b.marks) {
		return false
	}
	s := &p.b.marks[p.mark]
	p.mark++
	p.params++
	if s.param.Start != t.Start || s.cast || s.carried {
		return false
	}
	if p.b.positional {
		return s.n == p.params
	}
	return s.n == s.param.N && (p.b.a.dialect == Postgres || !p.writes || p.counts(s, t))
}

// counts follows SQLite, which reads "?" by what stands before it, in a text in
// which the plan has written placeholders.
func (p *tokenProof) counts(s *slot, t *Token) bool {
	switch t.Text {
	case string(p.b.marker(s.n)):
		p.highest = max(p.highest, s.n)
		return true
	case "?":
		p.highest++
		return p.highest == s.n
	}
	return false
}

// edit proves one edit: the tokens that it takes away, and those that it
// writes.
func (p *tokenProof) edit(e *edit) bool {
	first, begin := p.i, e.span.Start+p.shift
	for p.i < len(p.t) && p.t[p.i].Start < e.span.End {
		p.i++
	}
	if p.i > first && (p.t[first].Start != e.span.Start || p.t[p.i-1].End != e.span.End) ||
		p.i == first && e.span.End > e.span.Start {
		return false
	}
	start := p.head.Start
	if !p.more || !p.taken(e, first) || !p.written(e, first) {
		return false
	}
	p.at, p.shift = e.span.End, e.end+p.filled-e.span.End
	return p.blank(begin, start) && p.last > start && p.blank(p.last, p.at+p.shift)
}

// blank reports whether nothing but blanks stands in out[from:to].
func (p *tokenProof) blank(from, to int) bool {
	return from >= 0 && from <= to && to <= len(p.out) && strings.Trim(p.out[from:to], " ") == ""
}

// taken accounts for the placeholders among the tokens that an edit replaces:
// at most one, and it is that of the edit.
func (p *tokenProof) taken(e *edit, first int) bool {
	for k := first; k < p.i; k++ {
		if p.t[k].Kind != TokParam {
			continue
		}
		if p.mark >= len(p.b.marks) || e.slot != &p.b.marks[p.mark] || e.slot.param.Start != p.t[k].Start {
			return false
		}
		p.mark++
	}
	return e.slot == nil || e.slot.param == nil || p.mark > 0 && e.slot == &p.b.marks[p.mark-1]
}

// written proves what an edit writes and that it may stand there.
func (p *tokenProof) written(e *edit, first int) bool {
	replaces := p.i > first
	switch e.kind {
	case editValue:
		same := p.i == first+1 && p.t[first].Kind == TokParam && e.slot.n > 0 && !e.slot.carried
		return replaces && (same || p.between(first, valueBefore, valueBehind)) && p.value(e)
	case editName:
		return p.i == first+1 && p.named(first) && p.name(e.name)
	case editAdd:
		return !replaces && first > 0 && p.addition(e, first)
	case editStar:
		return replaces && p.between(first, itemBefore, itemBehind) && p.star(&e.star)
	case editColumns:
		return (!replaces || p.emptyList(first)) && p.named(first-1) && p.behind(rowsBehind) && p.names(e.names)
	case editHidden:
		return !replaces && first > 0 && p.behind(itemBehind) && p.hidden(e.hidden)
	case editOpen:
		return !replaces && !p.open && p.condition(first, e.until) && p.punct("(")
	case editAnd:
		closes := p.open
		p.open = false
		return !replaces && closes && p.behind(conditionBehind) && p.punct(")") && p.word("AND") && p.equals(e)
	case editWhere:
		return !replaces && first > 0 && p.behind(conditionBehind) && p.word("WHERE") && p.equals(e)
	case editAlso:
		return !replaces && !p.open && p.behind(conditionBehind) && p.word("AND") && p.equals(e)
	}
	return false
}

// The tokens that may stand beside an edit. Words are reserved in the dialects
// that use them there, so that none can be a name; none of the tokens goes on
// with an expression or an item, or begins one in the middle.
var (
	valueBefore     = []string{"(", ",", "=", "<>", "!=", "<=>"}
	valueBehind     = []string{")", ",", ";", "", "WHERE", "FROM", "RETURNING", "ORDER", "LIMIT", "AND", "OR", "GROUP", "UNION"}
	itemBefore      = []string{"SELECT", "RETURNING", ","}
	itemBehind      = []string{",", "FROM", ")", ";", ""}
	rowsBehind      = []string{"VALUES", "VALUE"}
	conditionBehind = []string{"", ";", ")", "RETURNING"}
)

// between reports whether the tokens on both sides of those from first to p.i
// are in the lists; "" is the end of the text.
func (p *tokenProof) between(first int, before, behind []string) bool {
	return first > 0 && delimiter(&p.t[first-1], before) && p.behind(behind)
}

func (p *tokenProof) behind(list []string) bool {
	if p.i == len(p.t) {
		return delimiter(&Token{Kind: TokPunct}, list)
	}
	return delimiter(&p.t[p.i], list)
}

func delimiter(t *Token, list []string) bool {
	if t.Kind != TokPunct && t.Kind != TokWord {
		return false
	}
	for _, s := range list {
		if len(s) == len(t.Text) && (s == t.Text || t.Kind == TokWord && strings.EqualFold(s, t.Text)) {
			return true
		}
	}
	return false
}

// emptyList reports whether the tokens from first to p.i are "()".
func (p *tokenProof) emptyList(first int) bool {
	return p.i == first+2 && delimiter(&p.t[first], []string{"("}) && delimiter(&p.t[first+1], []string{")"})
}

// named reports whether token k of the caller's text can end the name of a
// table or its alias.
func (p *tokenProof) named(k int) bool {
	return k >= 0 && (p.t[k].Kind == TokWord || p.t[k].Kind == TokQuoted)
}

// condition reports whether the tokens from first up to the offset until are
// the whole condition behind WHERE, its parentheses closed.
func (p *tokenProof) condition(first, until int) bool {
	if first == 0 || !isWord(&p.t[first-1], "WHERE") || first >= len(p.t) || isWord(&p.t[first], "CURRENT") {
		return false
	}
	depth, k := 0, first
	for ; k < len(p.t) && p.t[k].Start < until; k++ {
		if p.t[k].Kind != TokPunct {
			continue
		}
		switch p.t[k].Text {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	p.open = depth == 0 && k > first && p.t[k-1].End == until
	return p.open
}

func isWord(t *Token, w string) bool { return t.Kind == TokWord && strings.EqualFold(t.Text, w) }

// take takes the next token of the edited text if it is what was asked for.
func (p *tokenProof) take(ok bool) bool {
	if ok = ok && p.more; ok {
		p.advance()
	}
	return ok
}

func (p *tokenProof) punct(s string) bool {
	return p.take(p.head.Kind == TokPunct && p.head.Text == s)
}

func (p *tokenProof) word(s string) bool { return p.take(isWord(&p.head, s)) }

func (p *tokenProof) name(s string) bool {
	return p.take(p.head.Kind == TokQuoted && p.head.Text == s)
}

// value proves a placeholder, or the constant in a hole.
func (p *tokenProof) value(e *edit) bool {
	if e.hole == nil {
		return p.argument(e.slot)
	}
	if len(p.fills) == 0 {
		return false
	}
	fill := p.fills[0]
	p.fills, p.filled = p.fills[1:], p.filled+len(fill)
	at := p.head.Start
	alone := p.b.a.front.Tokens(fill, p.b.a.session)
	for want := &p.want; alone.Next(want); {
		want.Start, want.End = want.Start+at, want.End+at
		if !p.take(p.head == *want) {
			return false
		}
	}
	return alone.Sound() && p.last == at+len(fill) && p.out[at:p.last] == fill
}

// argument proves a placeholder, under the cast that some have.
func (p *tokenProof) argument(s *slot) bool {
	if !s.carried {
		return p.placeholder(s)
	}
	// Behind a blank, CAST is a name to MySQL.
	return p.word("CAST") && p.head.Start == p.last && p.punct("(") && p.placeholder(s) && p.word("AS") && p.word(p.b.carrier(s)) && p.punct(")")
}

func (p *tokenProof) placeholder(s *slot) bool {
	p.params++
	p.highest = max(p.highest, s.n)
	return p.take(s.n > 0 && p.head.Kind == TokParam && p.head.Text == string(p.b.marker(s.n)) &&
		(!p.b.positional || s.n == p.params))
}

// star proves what "*" stands for.
func (p *tokenProof) star(x *expansion) bool {
	for i, r := range x.rels {
		if i > 0 && !p.punct(",") || !p.list(r) && !p.tableColumns(r) {
			return false
		}
	}
	for i, v := range x.vis {
		if i > 0 && !p.punct(",") || !p.column(v.rel, v.col, v.merged) {
			return false
		}
	}
	return len(x.rels)+len(x.vis) > 0
}

// list proves the columns of a table by the list that has been proven alone:
// it stands here to the byte, at the place of a token, and nothing behind it
// could join its last name.
func (p *tokenProof) list(r *relation) bool {
	text, at := p.b.list(r), p.head.Start
	end := at + len(text)
	if text == "" || !p.more || end > len(p.out) || p.out[at:end] != text ||
		end < len(p.out) && strings.IndexByte(" ,);\n", p.out[end]) < 0 {
		return false
	}
	p.e.Skip(end)
	p.head.End = end
	p.advance()
	return true
}

// tableColumns proves a list of all columns of a relation.
func (p *tokenProof) tableColumns(r *relation) bool {
	any := false
	for i := range r.cols {
		if !r.cols[i].shown() {
			continue
		}
		if any && !p.punct(",") || !p.column(r, i, false) {
			return false
		}
		any = true
	}
	return any
}

// column proves the name of a column as columnText writes it.
func (p *tokenProof) column(r *relation, col int, bare bool) bool {
	if !bare && r.alias.Name != "" {
		if len(r.path) > 1 {
			for _, q := range r.path {
				if !p.name(q.Name) || !p.punct(".") {
					return false
				}
			}
		} else if !p.name(r.alias.Name) || !p.punct(".") {
			return false
		}
	}
	return p.name(r.cols[col].name)
}

func (p *tokenProof) names(list []string) bool {
	if len(list) == 0 || !p.punct("(") {
		return false
	}
	for i, n := range list {
		if i > 0 && !p.punct(",") || !p.name(n) {
			return false
		}
	}
	return p.punct(")")
}

func (p *tokenProof) hidden(cols []hiddenCol) bool {
	for _, c := range cols {
		if !p.punct(",") || !p.column(c.rel, c.col, false) || !p.word("AS") || !p.name(c.name) {
			return false
		}
	}
	return len(cols) > 0
}

// addition proves what stands beside a value of the caller's: another value or
// name at the end of a list in parentheses, or an assignment.
func (p *tokenProof) addition(e *edit, first int) bool {
	add := e.add
	switch {
	case add.trail != "":
		return isWord(&p.t[first-1], "SET") && p.name(add.name) && p.punct("=") && p.added(e) && p.punct(",")
	case add.lead != ", ":
		return p.behind(valueBehind) && p.punct(",") && p.dotted(add.path, add.name) && p.punct("=") && p.added(e)
	}
	return p.behind(itemBehind) && p.punct(",") && p.added(e)
}

// added proves the value itself.
func (p *tokenProof) added(e *edit) bool {
	switch {
	case e.slot != nil:
		return p.value(e)
	case e.add.ref == nil:
		return p.word(e.add.text) // NULL or DEFAULT
	}
	path, last := e.add.ref[:len(e.add.ref)-1], e.add.ref[len(e.add.ref)-1]
	if strings.HasPrefix(e.add.text, "VALUES(") {
		return p.word("VALUES") && p.punct("(") && p.dotted(path, last) && p.punct(")")
	}
	return p.dotted(path, last)
}

// dotted proves a qualified name.
func (p *tokenProof) dotted(path []string, name string) bool {
	for _, q := range path {
		if !p.name(q) || !p.punct(".") {
			return false
		}
	}
	return p.name(name)
}

// equals proves "column = partition".
func (p *tokenProof) equals(e *edit) bool {
	return p.column(e.rel, e.rel.partCol, false) && p.punct("=") && p.value(e)
}

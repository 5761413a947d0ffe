package postgres

import (
	"strconv"

	"github.com/sealsql/sealsql/rewrite"
)

// tokens is a text split into tokens, with what the front end needs to find
// the ends of nodes: the parser of PostgreSQL gives only their starts.
type tokens struct {
	text string
	list []rewrite.Token
	word []word
	mark []uint8
	// match holds, for every bracket and for CASE and END, the index of its
	// partner, or -1.
	match []int32
	// params is the number of placeholder tokens.
	params int
}

// scan splits text. ok is false where the server's scanner would fail.
func scan(text string) (t *tokens, ok bool) {
	n := len(text)/5 + 8
	t = &tokens{
		text: text,
		list: make([]rewrite.Token, 0, n),
		word: make([]word, 0, n),
		mark: make([]uint8, 0, n),
	}
	x := lexer{s: text}
	for {
		l, more := x.next()
		if x.comment && len(t.mark) > 0 {
			t.mark[len(t.mark)-1] |= markComment
		}
		if !more {
			break
		}
		if l.kind == rewrite.TokParam {
			t.params++
		}
		t.list = append(t.list, rewrite.Token{
			Kind: l.kind, Span: rewrite.Span{Start: l.start, End: l.end}, Text: l.text,
		})
		t.word = append(t.word, l.word)
		t.mark = append(t.mark, l.mark)
	}
	if x.bad || !t.decodeUnicode() {
		return t, false
	}
	t.pair()
	return t, true
}

// decodeUnicode undoes the escapes of U& tokens; the escape character may be
// named behind the token.
func (t *tokens) decodeUnicode() bool {
	for i := range t.list {
		if t.mark[i]&markUnicode == 0 {
			continue
		}
		esc := byte('\\')
		if t.is(i+1, kwUescape) {
			if i+2 >= len(t.list) || t.list[i+2].Kind != rewrite.TokString || !validEscape(t.list[i+2].Text) {
				return false
			}
			esc = t.list[i+2].Text[0]
		}
		s, ok := unescapeUnicode(t.list[i].Text, esc)
		if !ok {
			return false
		}
		if t.list[i].Kind == rewrite.TokQuoted {
			s = truncate(s)
		}
		t.list[i].Text = s
	}
	return true
}

func validEscape(s string) bool {
	if len(s) != 1 {
		return false
	}
	c := s[0]
	return !isHex(c) && c != '+' && c != '\'' && c != '"' && !isSpace(c)
}

// pair fills match. A CASE or END that is a label or a field name finds no
// partner, or one that no node refers to.
func (t *tokens) pair() {
	t.match = make([]int32, len(t.list))
	var stack [64]int32
	open := stack[:0]
	for i, w := range t.word {
		t.match[i] = -1
		switch w {
		case pLParen, pLBracket:
			open = append(open, int32(i))
		case kwCase:
			if !t.isLabel(i) {
				open = append(open, int32(i))
			}
		case pRParen, pRBracket, kwEnd:
			open = t.close(open, i, w)
		}
	}
}

func (t *tokens) close(open []int32, i int, w word) []int32 {
	if w == kwEnd {
		if n := len(open) - 1; n >= 0 && t.word[open[n]] == kwCase && !t.isLabel(i) {
			t.match[i], t.match[open[n]] = open[n], int32(i)
			return open[:n]
		}
		return open
	}
	for n := len(open) - 1; n >= 0; n-- {
		o := t.word[open[n]]
		if o == kwCase {
			continue
		}
		if (o == pLParen) == (w == pRParen) {
			t.match[i], t.match[open[n]] = open[n], int32(i)
			return open[:n]
		}
		break
	}
	return open
}

// isLabel reports whether the word at i is a field or result name, where any
// keyword may stand.
func (t *tokens) isLabel(i int) bool {
	return i > 0 && (t.word[i-1] == pDot || t.word[i-1] == kwAs)
}

func (t *tokens) is(i int, w word) bool {
	return i >= 0 && i < len(t.word) && t.word[i] == w
}

// at returns the index of the token that begins at byte offset loc, or -1.
func (t *tokens) at(loc int32) int {
	if loc < 0 {
		return -1
	}
	i := t.from(int(loc))
	if i < len(t.list) && t.list[i].Start == int(loc) {
		return i
	}
	return -1
}

// from returns the index of the first token at or behind byte offset pos.
func (t *tokens) from(pos int) int {
	lo, hi := 0, len(t.list)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if t.list[m].Start < pos {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// closing returns the index of the partner of the bracket or CASE at i, or -1.
func (t *tokens) closing(i int) int {
	if i < 0 || i >= len(t.match) {
		return -1
	}
	if m := int(t.match[i]); m > i {
		return m
	}
	return -1
}

// name returns the index behind the name at i, with its UESCAPE clause.
func (t *tokens) name(i int) int {
	if t.mark[i]&markUnicode != 0 && t.is(i+1, kwUescape) {
		return i + 3
	}
	return i + 1
}

// isName reports whether a name may stand at i.
func (t *tokens) isName(i int) bool {
	return i >= 0 && i < len(t.list) &&
		(t.list[i].Kind == rewrite.TokWord || t.list[i].Kind == rewrite.TokQuoted)
}

// span returns the bytes from token lo to token hi, both included.
func (t *tokens) span(r reach) rewrite.Span {
	if !r.known() {
		return rewrite.Span{}
	}
	return rewrite.Span{Start: t.list[r.lo].Start, End: t.list[r.hi].End}
}

// markers lists the placeholders. bad is the offset of one whose number is
// zero or beyond what a statement can have, or -1: such numbers wrap around in
// older servers and would name another argument.
func (t *tokens) markers() (list []*rewrite.Param, highest, bad int) {
	if t.params == 0 {
		return nil, 0, -1
	}
	block := make([]rewrite.Param, 0, t.params)
	list = make([]*rewrite.Param, 0, t.params)
	for i := range t.list {
		k := &t.list[i]
		if k.Kind != rewrite.TokParam {
			continue
		}
		n, err := strconv.ParseUint(k.Text[1:], 10, 31)
		if err != nil || n == 0 || n > maxParams {
			return nil, 0, k.Start
		}
		highest = max(highest, int(n))
		block = append(block, rewrite.Param{Span: k.Span, N: int(n), Source: k.Text})
		list = append(list, &block[len(block)-1])
	}
	return list, highest, -1
}

// maxParams is the protocol's limit on the arguments of a statement.
const maxParams = 65535

// reach is a run of tokens, both ends included; the zero value is unknown.
type reach struct {
	lo, hi int
	ok     bool
}

func (r reach) known() bool { return r.ok }

func reachOf(lo, hi int) reach {
	if lo < 0 || hi < lo {
		return reach{}
	}
	return reach{lo, hi, true}
}

// join is the run from the start of a to the end of b.
func join(a, b reach) reach {
	if !a.ok || !b.ok {
		return reach{}
	}
	return reachOf(a.lo, b.hi)
}

// growTo widens r over the parentheses around it until the token behind it is
// next; unknown if that cannot be.
func (t *tokens) growTo(r reach, next int) reach {
	for r.ok && r.hi+1 < next {
		r = t.grow(r)
	}
	if r.ok && r.hi+1 == next {
		return r
	}
	return reach{}
}

// growFrom widens r over the parentheses around it until the token before it
// is prev.
func (t *tokens) growFrom(r reach, prev int) reach {
	for r.ok && r.lo-1 > prev {
		r = t.grow(r)
	}
	if r.ok && r.lo-1 == prev {
		return r
	}
	return reach{}
}

// growBefore widens r over the parentheses around it until the token before it
// is stop.
func (t *tokens) growBefore(r reach, stop word) reach {
	for r.ok && !t.is(r.lo-1, stop) {
		r = t.grow(r)
	}
	return r
}

// growBehind is growBefore for the token behind r.
func (t *tokens) growBehind(r reach, stop word) reach {
	for r.ok && !t.is(r.hi+1, stop) {
		r = t.grow(r)
	}
	return r
}

// grow widens r by one pair of parentheses.
func (t *tokens) grow(r reach) reach {
	if t.is(r.lo-1, pLParen) && t.closing(r.lo-1) == r.hi+1 {
		return reachOf(r.lo-1, r.hi+1)
	}
	return reach{}
}

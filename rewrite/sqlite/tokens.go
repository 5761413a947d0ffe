package sqlite

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// unquote undoes '…', "…", `…` (a doubled delimiter stands for one) and […].
func unquote(s string) (string, bool) {
	if len(s) < 2 {
		return s, false
	}
	q := s[0]
	switch q {
	case '[':
		return s[1 : len(s)-1], true
	case '\'', '"', '`':
	default:
		return s, false
	}
	body := s[1 : len(s)-1]
	if strings.IndexByte(body, q) < 0 {
		return body, true
	}
	return strings.ReplaceAll(body, s[:1]+s[:1], s[:1]), true
}

// index returns the index of the first token that begins at pos or behind it.
func (l *lowerer) index(pos int) int {
	lo, hi := 0, len(l.toks)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if l.toks[mid].Start < pos {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// before returns the token in front of the node that begins at pos.
func (l *lowerer) before(pos int) rewrite.Span {
	if i := l.index(pos) - 1; i >= 0 {
		return l.toks[i].Span
	}
	return rewrite.Span{}
}

// after returns the nth token (from 0) behind the node that ends at pos.
func (l *lowerer) after(pos, n int) rewrite.Span {
	if i := l.index(pos) + n; i < len(l.toks) {
		return l.toks[i].Span
	}
	return rewrite.Span{}
}

// isAt reports whether the token at s is the single byte c.
func (l *lowerer) isAt(s rewrite.Span, c byte) bool {
	return s.End == s.Start+1 && l.text[s.Start] == c
}

// source writes the tokens of s with one blank between them: what tells two
// statements apart that have no tree of their own.
func (l *lowerer) source(s rewrite.Span) string {
	from, to := l.index(s.Start), l.index(s.End)
	n := 0
	for _, t := range l.toks[from:to] {
		n += t.End - t.Start + 1
	}
	var b strings.Builder
	b.Grow(n)
	for i, t := range l.toks[from:to] {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(l.text[t.Start:t.End])
	}
	return b.String()
}

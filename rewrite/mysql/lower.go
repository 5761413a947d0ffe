package mysql

import (
	"sort"
	"strings"

	"github.com/sqlc-dev/marino/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// lowerer follows the parser's tree through the tokens of the text, in source
// order, and builds the statement tree. i is the next token that has not been
// accounted for; after lowering a node it stands behind the node's last token.
//
// When a token is not what the tree calls for, the lowerer is lost: the tree
// is still built from what the parser says, but nothing in it has a range
// from there on, and the caller counts the text as not understood. Statements
// that are not DML are lowered lost from the beginning.
type lowerer struct {
	*lexed
	i      int
	lost   bool
	lostAt int
	// seen records placeholders by offset, for statements that are not DML.
	seen map[int]bool
}

func (l *lowerer) fail() {
	if !l.lost {
		l.lost, l.lostAt = true, l.pos()
	}
}

// pos is the offset of the next token.
func (l *lowerer) pos() int {
	if l.i < len(l.tokens) {
		return l.tokens[l.i].Start
	}
	return len(l.text)
}

func (l *lowerer) peek(n int) *rewrite.Token {
	if l.lost || l.i+n >= len(l.tokens) {
		return &endToken
	}
	return &l.tokens[l.i+n]
}

var endToken rewrite.Token

// word reports whether the n-th next token is the keyword w (upper case).
func (l *lowerer) wordN(n int, w string) bool {
	t := l.peek(n)
	return t.Kind == rewrite.TokWord && len(t.Text) == len(w) && strings.EqualFold(t.Text, w)
}

func (l *lowerer) word(w string) bool { return l.wordN(0, w) }

func (l *lowerer) punctN(n int, p string) bool {
	t := l.peek(n)
	return t.Kind == rewrite.TokPunct && t.Text == p
}

func (l *lowerer) punct(p string) bool { return l.punctN(0, p) }

// accept consumes the next token if it is one of the keywords.
func (l *lowerer) accept(words ...string) bool {
	for _, w := range words {
		if l.word(w) {
			l.i++
			return true
		}
	}
	return false
}

// eat consumes the keywords, in order.
func (l *lowerer) eat(words ...string) {
	for _, w := range words {
		if !l.accept(w) {
			l.fail()
			return
		}
	}
}

func (l *lowerer) acceptPunct(p string) bool {
	if l.punct(p) {
		l.i++
		return true
	}
	return false
}

func (l *lowerer) eatPunct(p string) {
	if !l.acceptPunct(p) {
		l.fail()
	}
}

// mark is a place in the tokens to measure a range from.
func (l *lowerer) mark() int { return l.i }

// span is the range from a mark to the last consumed token.
func (l *lowerer) span(from int) rewrite.Span {
	if l.lost || l.i <= from {
		return rewrite.Span{}
	}
	return rewrite.Span{Start: l.tokens[from].Start, End: l.tokens[l.i-1].End}
}

// end is the offset behind the last consumed token, or -1.
func (l *lowerer) end() int {
	if l.lost || l.i == 0 {
		return -1
	}
	return l.tokens[l.i-1].End
}

// raw writes the tokens from a mark to here as one normalised text.
func (l *lowerer) raw(from int) string {
	if l.lost || l.i <= from {
		return ""
	}
	var b strings.Builder
	for j := from; j < l.i; j++ {
		if j > from {
			b.WriteByte(' ')
		}
		writeToken(&b, &l.tokens[j])
	}
	return b.String()
}

func writeToken(b *strings.Builder, t *rewrite.Token) {
	switch t.Kind {
	case rewrite.TokWord:
		b.WriteString(strings.ToLower(t.Text))
	case rewrite.TokQuoted:
		b.WriteString("`" + t.Text + "`")
	case rewrite.TokString:
		b.WriteString("'" + t.Text + "'")
	default:
		b.WriteString(t.Text)
	}
}

// ident consumes a name, which must be the parser's.
func (l *lowerer) ident(name string) rewrite.Ident {
	id := rewrite.Ident{Name: name}
	if l.lost {
		return id
	}
	t := l.peek(0)
	switch t.Kind {
	case rewrite.TokWord:
	case rewrite.TokQuoted, rewrite.TokString: // a string may be an alias
		id.Quoted = true
	default:
		l.fail()
		return id
	}
	if t.Text != name {
		l.fail()
		return id
	}
	id.Span = t.Span
	l.i++
	return id
}

// path consumes a qualified name; empty parts are left out.
func (l *lowerer) path(parts ...string) []rewrite.Ident {
	n := 0
	for _, p := range parts {
		if p != "" {
			n++
		}
	}
	out := make([]rewrite.Ident, 0, n)
	for _, p := range parts {
		if p == "" {
			continue
		}
		if len(out) > 0 {
			l.eatPunct(".")
		} else if l.punct(".") { // ".t" is t in the current database
			l.fail()
		}
		out = append(out, l.ident(p))
	}
	return out
}

// names consumes "(a, b)".
func (l *lowerer) names(list []ast.CIStr) []rewrite.Ident {
	if len(list) == 0 {
		return nil
	}
	l.eatPunct("(")
	out := make([]rewrite.Ident, len(list))
	for i, n := range list {
		if i > 0 {
			l.eatPunct(",")
		}
		out[i] = l.ident(n.O)
	}
	l.eatPunct(")")
	return out
}

// until consumes tokens as long as they stand before offset at the same
// level, for clauses that the tree keeps as Attr.
func (l *lowerer) until(offset int) {
	for !l.lost && l.i < len(l.tokens) && l.tokens[l.i].Start < offset {
		if l.tokens[l.i].Kind == rewrite.TokParam {
			l.fail()
			return
		}
		l.i++
	}
	if !l.lost && l.pos() != offset {
		l.fail()
	}
}

// region consumes a bracketed group "( … )" whole. A placeholder inside would
// be dropped from the tree, so it makes the lowerer lost.
func (l *lowerer) region() {
	if !l.punct("(") || l.match[l.i] < 0 {
		l.fail()
		return
	}
	for stop := int(l.match[l.i]); l.i <= stop; l.i++ {
		if l.tokens[l.i].Kind == rewrite.TokParam {
			l.fail()
			return
		}
	}
}

// marker returns the placeholder at offset, or nil.
func (x *lexed) marker(offset int) *rewrite.Param {
	i := sort.Search(len(x.markers), func(i int) bool { return x.markers[i].Start >= offset })
	if i < len(x.markers) && x.markers[i].Start == offset {
		return x.markers[i]
	}
	return nil
}

// queryBracket reports whether the "(" at token i encloses exactly a query,
// as against a bracketed list of tables or an expression.
func (l *lowerer) queryBracket(i int) bool {
	for !l.lost && i+1 < len(l.tokens) {
		t := &l.tokens[i+1]
		if t.Kind == rewrite.TokWord {
			return isQueryWord(l.tokens, i+1)
		}
		if t.Kind != rewrite.TokPunct || t.Text != "(" || l.match[i+1] < 0 {
			return false
		}
		if after := int(l.match[i+1]) + 1; after < len(l.tokens) && !l.continuesQuery(after) && int(l.match[i]) != after {
			return false
		}
		i++
	}
	return false
}

func isQueryWord(toks []rewrite.Token, i int) bool {
	switch upper(toks[i].Text) {
	case "SELECT", "WITH", "TABLE":
		return true
	case "VALUES":
		return i+1 < len(toks) && strings.EqualFold(toks[i+1].Text, "row")
	}
	return false
}

// continuesQuery reports whether the token at i goes on with a query whose
// first part was bracketed.
func (l *lowerer) continuesQuery(i int) bool {
	if i >= len(l.tokens) || l.tokens[i].Kind != rewrite.TokWord {
		return false
	}
	switch upper(l.tokens[i].Text) {
	case "UNION", "EXCEPT", "INTERSECT", "ORDER", "LIMIT", "FETCH":
		return true
	}
	return false
}

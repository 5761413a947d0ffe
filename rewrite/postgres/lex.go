package postgres

import (
	"strings"
	"unicode/utf8"

	"github.com/sealsql/sealsql/rewrite"
)

// maxIdent is the number of bytes the server keeps of a name (NAMEDATALEN-1).
const maxIdent = 63

// Marks of a token, beside its kind.
const (
	markUnicode = 1 << iota // U&'…' or U&"…": escapes not yet undone
	markOdd                 // a number in hex, octal, binary or with underscores
	markComment             // a comment stands between this token and the next
)

// lexeme is a token as the scanner yields it.
type lexeme struct {
	kind       rewrite.TokenKind
	word       word
	mark       uint8
	start, end int
	// text is the decoded text where it differs from the source or is cheap
	// (a piece of the source); "" otherwise only for an empty string.
	text string
}

// lexer splits a text into tokens as PostgreSQL's scanner does with
// standard_conforming_strings on (src/backend/parser/scan.l of PostgreSQL 18);
// blanks and comments are skipped. bad is set where the scanner of the server
// would report an error.
type lexer struct {
	s       string
	pos     int
	bad     bool
	comment bool // a comment was skipped before the current token
	run     opRun
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isIdentStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

func isIdentPart(c byte) bool { return isIdentStart(c) || isDigit(c) || c == '$' }

func isOpChar(c byte) bool {
	return c < 0x80 && strings.IndexByte("~!@#^&|`?+-*/%<>=", c) >= 0
}

func (x *lexer) at(i int) byte {
	if i < len(x.s) {
		return x.s[i]
	}
	return 0
}

// next returns the next token; ok is false at the end and after an error.
func (x *lexer) next() (t lexeme, ok bool) {
	if !x.skip() || x.pos >= len(x.s) {
		return lexeme{}, false
	}
	t.start = x.pos
	c := x.s[x.pos]
	switch {
	case c == '\'':
		x.quoted(&t, x.pos+1, false)
	case c == '"':
		x.ident(&t, x.pos+1)
	case isIdentStart(c):
		x.wordOrPrefix(&t, c)
	case isDigit(c), c == '.' && isDigit(x.at(x.pos+1)):
		x.number(&t)
	case c == '$':
		x.dollar(&t)
	case isOpChar(c):
		x.operator(&t)
	default:
		x.self(&t, c)
	}
	if x.bad {
		return lexeme{}, false
	}
	t.end = x.pos
	return t, true
}

// skip passes over blanks and comments.
func (x *lexer) skip() bool {
	x.comment = false
	for x.pos < len(x.s) {
		c := x.s[x.pos]
		switch {
		case isSpace(c):
			x.pos++
		case c == '-' && x.at(x.pos+1) == '-':
			x.comment = true
			for x.pos < len(x.s) && x.s[x.pos] != '\n' && x.s[x.pos] != '\r' {
				x.pos++
			}
		case c == '/' && x.at(x.pos+1) == '*':
			x.comment = true
			if !x.blockComment() {
				x.bad = true
				return false
			}
		default:
			return true
		}
	}
	return true
}

// blockComment passes over a comment; comments nest.
func (x *lexer) blockComment() bool {
	depth := 0
	for i := x.pos; i+1 < len(x.s); {
		switch {
		case x.s[i] == '/' && x.s[i+1] == '*':
			depth++
			i += 2
		case x.s[i] == '*' && x.s[i+1] == '/':
			depth--
			i += 2
			if depth == 0 {
				x.pos = i
				return true
			}
		default:
			i++
		}
	}
	return false
}

// self reads a punctuation mark that cannot be part of an operator.
func (x *lexer) self(t *lexeme, c byte) {
	t.kind = rewrite.TokPunct
	n := 1
	switch c {
	case '(':
		t.word = pLParen
	case ')':
		t.word = pRParen
	case '[':
		t.word = pLBracket
	case ']':
		t.word = pRBracket
	case ',':
		t.word = pComma
	case ';':
		t.word = pSemicolon
	case '.':
		t.word = pDot
		if x.at(x.pos+1) == '.' {
			t.word, n = wordNone, 2
		}
	case ':':
		switch x.at(x.pos + 1) {
		case ':':
			t.word, n = pCast, 2
		case '=':
			n = 2
		}
	}
	x.pos += n
	t.text = x.s[t.start:x.pos]
}

// wordOrPrefix reads a name, a keyword, or a literal with a prefix.
func (x *lexer) wordOrPrefix(t *lexeme, c byte) {
	next := x.at(x.pos + 1)
	switch c | 0x20 {
	case 'b', 'x':
		if next == '\'' {
			x.bits(t)
			return
		}
	case 'n':
		if next == '\'' { // the scanner yields the keyword NCHAR and the string
			t.kind, t.word, t.text = rewrite.TokWord, kwNchar, "nchar"
			x.pos++
			return
		}
	case 'e':
		if next == '\'' {
			x.quoted(t, x.pos+2, true)
			return
		}
	case 'u':
		if next == '&' && x.at(x.pos+2) == '\'' {
			x.quoted(t, x.pos+3, false)
			t.mark |= markUnicode
			return
		}
		if next == '&' && x.at(x.pos+2) == '"' {
			x.ident(t, x.pos+3)
			t.mark |= markUnicode
			return
		}
		// "U&" before anything else is the name u and an operator.
	}
	i := x.pos + 1
	for i < len(x.s) && isIdentPart(x.s[i]) {
		i++
	}
	x.pos = i
	t.kind, t.text = rewrite.TokWord, x.s[t.start:i]
	t.word = keywordOf(t.text)
	if t.word == wordNone {
		t.text = truncate(t.text)
	}
}

// truncate cuts a name to what the server keeps, never inside a character.
func truncate(s string) string {
	if len(s) <= maxIdent {
		return s
	}
	n := maxIdent
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// ident reads a quoted name whose text begins at i.
func (x *lexer) ident(t *lexeme, i int) {
	t.kind = rewrite.TokQuoted
	start, doubled := i, false
	for {
		j := strings.IndexByte(x.s[i:], '"')
		if j < 0 {
			x.bad = true
			return
		}
		i += j + 1
		if x.at(i) != '"' {
			break
		}
		doubled = true
		i++
	}
	x.pos = i
	t.text = x.s[start : i-1]
	if t.text == "" {
		x.bad = true
		return
	}
	if doubled {
		t.text = strings.ReplaceAll(t.text, `""`, `"`)
	}
	if x.s[t.start] == '"' {
		t.text = truncate(t.text)
	}
}

// continued reports where a string goes on behind a closing quote at i-1:
// parts separated by blanks with a line break are one string.
func (x *lexer) continued(i int) (int, bool) {
	newline := false
	for i < len(x.s) && isSpace(x.s[i]) {
		newline = newline || x.s[i] == '\n' || x.s[i] == '\r'
		i++
	}
	if newline && x.at(i) == '\'' {
		return i + 1, true
	}
	return 0, false
}

// quoted reads a string whose text begins at i; escapes are undone for E'…'.
func (x *lexer) quoted(t *lexeme, i int, escapes bool) {
	t.kind = rewrite.TokString
	var b []byte
	seg := i // start of the piece not yet copied to b
	simple := true
	for {
		if i >= len(x.s) {
			x.bad = true
			return
		}
		switch c := x.s[i]; {
		case c == '\'' && x.at(i+1) == '\'':
			b = append(append(b, x.s[seg:i]...), '\'')
			simple = false
			i += 2
			seg = i
		case c == '\'':
			if j, ok := x.continued(i + 1); ok {
				b = append(b, x.s[seg:i]...)
				simple = false
				i, seg = j, j
				continue
			}
			x.pos = i + 1
			if simple {
				t.text = x.s[seg:i]
				return
			}
			b = append(b, x.s[seg:i]...)
			t.text = string(b)
			if escapes && (!utf8.Valid(b) || strings.IndexByte(t.text, 0) >= 0) {
				x.bad = true
			}
			return
		case c == '\\' && escapes:
			b = append(b, x.s[seg:i]...)
			simple = false
			b, i = x.escape(b, i)
			if x.bad {
				return
			}
			seg = i
		default:
			i++
		}
	}
}

// escape undoes the backslash escape at i and returns the offset behind it.
func (x *lexer) escape(b []byte, i int) ([]byte, int) {
	c := x.at(i + 1)
	if i+1 >= len(x.s) {
		x.bad = true
		return b, i
	}
	switch {
	case c == 'u' || c == 'U':
		return x.unicodeEscape(b, i)
	case '0' <= c && c <= '7':
		v, j := 0, i+1
		for ; j < i+4 && '0' <= x.at(j) && x.at(j) <= '7'; j++ {
			v = v<<3 | int(x.s[j]-'0')
		}
		return append(b, byte(v)), j
	case c == 'x' && isHex(x.at(i+2)):
		v, j := 0, i+2
		for ; j < i+4 && isHex(x.at(j)); j++ {
			v = v<<4 | hexValue(x.s[j])
		}
		return append(b, byte(v)), j
	}
	switch c {
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'v':
		c = '\v'
	}
	return append(b, c), i + 2
}

func hexValue(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c >= 'a':
		return int(c-'a') + 10
	}
	return int(c-'A') + 10
}

// hexRune reads n hex digits at i.
func hexRune(s string, i, n int) (rune, bool) {
	if i+n > len(s) {
		return 0, false
	}
	v := 0
	for _, c := range []byte(s[i : i+n]) {
		if !isHex(c) {
			return 0, false
		}
		v = v<<4 | hexValue(c)
	}
	if v == 0 || v > utf8.MaxRune {
		return 0, false
	}
	return rune(v), true
}

// unicodeEscape undoes \uXXXX and \UXXXXXXXX, with surrogate pairs.
func (x *lexer) unicodeEscape(b []byte, i int) ([]byte, int) {
	read := func(i int) (rune, int, bool) {
		n := 0
		if x.at(i) == '\\' {
			switch x.at(i + 1) {
			case 'u':
				n = 4
			case 'U':
				n = 8
			}
		}
		if n == 0 {
			return 0, i, false
		}
		r, ok := hexRune(x.s, i+2, n)
		return r, i + 2 + n, ok
	}
	r, i, ok := read(i)
	if ok && isHighSurrogate(r) {
		var low rune
		low, i, ok = read(i)
		ok = ok && isLowSurrogate(low)
		r = joinSurrogates(r, low)
	} else if isLowSurrogate(r) {
		ok = false
	}
	if !ok {
		x.bad = true
		return b, i
	}
	return utf8.AppendRune(b, r), i
}

func isHighSurrogate(r rune) bool { return 0xD800 <= r && r <= 0xDBFF }
func isLowSurrogate(r rune) bool  { return 0xDC00 <= r && r <= 0xDFFF }

func joinSurrogates(high, low rune) rune {
	return (high&0x3FF)<<10 + 0x10000 + low&0x3FF
}

// unescapeUnicode undoes the escapes of U&'…' and U&"…" (SQL:2016 5.3).
func unescapeUnicode(s string, esc byte) (string, bool) {
	if strings.IndexByte(s, esc) < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	var high rune
	for i := 0; i < len(s); {
		c := s[i]
		if c != esc || i+1 < len(s) && s[i+1] == esc {
			if high != 0 {
				return "", false
			}
			b = append(b, c)
			i++
			if c == esc {
				i++
			}
			continue
		}
		n, skip := 4, 1
		if i+1 < len(s) && s[i+1] == '+' {
			n, skip = 6, 2
		}
		r, ok := hexRune(s, i+skip, n)
		if !ok || isLowSurrogate(r) != (high != 0) {
			return "", false
		}
		i += skip + n
		switch {
		case high != 0:
			b = utf8.AppendRune(b, joinSurrogates(high, r))
			high = 0
		case isHighSurrogate(r):
			high = r
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b), high == 0
}

// bits reads B'…' and X'…'; the text keeps a leading b or x, as the server's
// own tree does.
func (x *lexer) bits(t *lexeme) {
	t.kind = rewrite.TokString
	t.mark |= markOdd
	b := []byte{x.s[x.pos] | 0x20}
	i := x.pos + 2
	for {
		j := strings.IndexByte(x.s[i:], '\'')
		if j < 0 {
			x.bad = true
			return
		}
		b = append(b, x.s[i:i+j]...)
		i += j + 1
		k, ok := x.continued(i)
		if !ok {
			break
		}
		i = k
	}
	x.pos = i
	t.text = string(b)
}

// dollar reads $N, a dollar-quoted string or a lone "$".
func (x *lexer) dollar(t *lexeme) {
	i := x.pos + 1
	if isDigit(x.at(i)) {
		for isDigit(x.at(i)) {
			i++
		}
		x.pos = i
		t.kind, t.text = rewrite.TokParam, x.s[t.start:i]
		return
	}
	if isIdentStart(x.at(i)) {
		for i < len(x.s) && (isIdentStart(x.s[i]) || isDigit(x.s[i])) {
			i++
		}
	}
	if x.at(i) != '$' {
		x.pos++
		t.kind, t.text = rewrite.TokPunct, "$"
		return
	}
	tag := x.s[t.start : i+1]
	j := strings.Index(x.s[i+1:], tag)
	if j < 0 {
		x.bad = true
		return
	}
	t.kind, t.text = rewrite.TokString, x.s[i+1:i+1+j]
	x.pos = i + 1 + j + len(tag)
}

// number reads a numeric literal.
func (x *lexer) number(t *lexeme) {
	t.kind = rewrite.TokNumber
	i := x.pos
	if x.s[i] == '0' && i+1 < len(x.s) && strings.IndexByte("xXoObB", x.s[i+1]) >= 0 {
		if end := prefixedInteger(x.s, i+2, x.s[i+1]|0x20); end > 0 {
			t.mark |= markOdd
			x.finishNumber(t, end)
			return
		}
		x.bad = true
		return
	}
	i = x.digits(t, i)
	if x.at(i) == '.' && x.at(i+1) != '.' {
		i++
		if isDigit(x.at(i)) {
			i = x.digits(t, i)
		}
	}
	if c := x.at(i); c == 'e' || c == 'E' {
		j := i + 1
		if x.at(j) == '+' || x.at(j) == '-' {
			j++
		}
		if isDigit(x.at(j)) {
			i = x.digits(t, j)
		}
	}
	x.finishNumber(t, i)
}

// finishNumber ends a number at i; a letter there is an error of the server.
func (x *lexer) finishNumber(t *lexeme, i int) {
	if i < len(x.s) && isIdentStart(x.s[i]) {
		x.bad = true
		return
	}
	x.pos = i
	t.text = x.s[t.start:i]
}

// digits passes over decimal digits, where single underscores may stand
// between two.
func (x *lexer) digits(t *lexeme, i int) int {
	for {
		for isDigit(x.at(i)) {
			i++
		}
		if x.at(i) != '_' || !isDigit(x.at(i+1)) {
			return i
		}
		t.mark |= markOdd
		i++
	}
}

// prefixedInteger returns the end of the digits behind 0x, 0o or 0b, or 0.
func prefixedInteger(s string, i int, base byte) int {
	ok := isHex
	switch base {
	case 'o':
		ok = func(c byte) bool { return '0' <= c && c <= '7' }
	case 'b':
		ok = func(c byte) bool { return c == '0' || c == '1' }
	}
	start := i
	for i < len(s) {
		j := i
		if s[j] == '_' {
			j++
		}
		if j >= len(s) || !ok(s[j]) {
			break
		}
		i = j + 1
	}
	if i == start {
		return 0
	}
	return i
}

// operator reads the longest operator: it ends before a comment, and may end
// in + or - only if it holds a character that no standard operator has.
func (x *lexer) operator(t *lexeme) {
	t.kind, t.word = rewrite.TokPunct, pOp
	if x.pos >= x.run.end {
		x.run = x.operatorRun(x.pos)
	}
	end := x.run.end
	if x.run.exotic < x.pos {
		end = max(x.run.solid, x.pos) + 1
	}
	if end-x.pos > maxIdent {
		x.bad = true
		return
	}
	t.text = x.s[x.pos:end]
	x.pos = end
}

// opRun is a run of operator characters, which may hold several operators: its
// end, and the last place of a character that no standard operator has and of
// one that is neither + nor -.
type opRun struct{ end, exotic, solid int }

func (x *lexer) operatorRun(i int) opRun {
	r := opRun{exotic: -1, solid: -1}
	for start := i; i < len(x.s) && isOpChar(x.s[i]); i++ {
		c, next := x.s[i], x.at(i+1)
		if i > start && (c == '-' && next == '-' || c == '/' && next == '*') {
			break
		}
		if c != '+' && c != '-' {
			r.solid = i
		}
		if strings.IndexByte("~!@#^&|`?%", c) >= 0 {
			r.exotic = i
		}
	}
	r.end = i
	return r
}

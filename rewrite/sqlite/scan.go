package sqlite

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// The classes of bytes, as in SQLite's tokenize.c.
const (
	classOther  = iota // begins no token
	classSpace         // blank, tab, newline, form feed, carriage return
	className          // letters, _, and every byte above 0x7F
	classDigit         // 0 to 9
	classPunct         // ( ) ; + * , & ~ % : tokens of one byte
	classSymbol        // - / = < > ! | . : tokens of one byte or more
	classQuote         // ' " ` [
	classParam         // ? $ @ # :
)

var classes = func() (t [256]uint8) {
	set := func(bytes string, class uint8) {
		for i := range len(bytes) {
			t[bytes[i]] = class
		}
	}
	set(" \t\n\f\r", classSpace)
	set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", className)
	set("0123456789", classDigit)
	set("();+*,&~%", classPunct)
	set("-/=<>!|.", classSymbol)
	set("'\"`[", classQuote)
	set("?$@#:", classParam)
	for c := 0x80; c < 0x100; c++ {
		t[c] = className
	}
	return t
}()

// nameByte marks the bytes that go on with a name: those of className and
// classDigit, and $.
var nameByte = func() (t [256]bool) {
	for c, class := range classes {
		t[c] = class == className || class == classDigit || c == '$'
	}
	return t
}()

// scanner splits a text into tokens as SQLite does. meyer keeps its own tokens
// to itself; those here agree with them (a test compares), but keywords are
// not told from names, which saves looking them up again.
type scanner struct {
	text  string
	tok   *rewrite.Token // where next puts a token that it finds
	found bool
	param int
	legal bool
}

// scan appends the tokens of text to toks and returns them and the number of placeholders among them.
// legal is false when SQLite's tokenizer would stop somewhere. text holds no
// NUL byte.
func scan(toks []rewrite.Token, text string) (_ []rewrite.Token, params int, legal bool) {
	s := scanner{text: text, legal: true}
	if toks == nil {
		toks = make([]rewrite.Token, 0, len(text)/3+12)
	}
	for i := 0; i < len(text); {
		n := len(toks)
		if n == cap(toks) {
			toks = append(toks, rewrite.Token{})
		}
		s.tok, s.found = &toks[:n+1][n], false
		i = s.next(i)
		if toks = toks[:n]; s.found {
			toks = toks[:n+1]
		}
	}
	return toks, s.param, s.legal
}

// at is the byte at i, or 0 behind the end.
func (s *scanner) at(i int) byte {
	if i < len(s.text) {
		return s.text[i]
	}
	return 0
}

func (s *scanner) add(kind rewrite.TokenKind, start, end int, text string) int {
	s.tok.Kind, s.tok.Start, s.tok.End, s.tok.Text = kind, start, end, text
	s.found = true
	return end
}

// plain adds a token whose text is its source.
func (s *scanner) plain(kind rewrite.TokenKind, start, end int) int {
	return s.add(kind, start, end, s.text[start:end])
}

// next reads the token, blank or comment at i and returns where it ends.
func (s *scanner) next(i int) int {
	c := s.text[i]
	switch classes[c] {
	case classSpace:
		// \v goes on with blanks but does not begin them.
		for i++; i < len(s.text) && (classes[s.text[i]] == classSpace || s.text[i] == '\v'); i++ {
		}
		return i
	case className:
		if (c == 'x' || c == 'X') && s.at(i+1) == '\'' {
			return s.blob(i)
		}
		if c == 0xef && strings.HasPrefix(s.text[i:], "\xef\xbb\xbf") {
			return i + 3
		}
		return s.plain(rewrite.TokWord, i, s.name(i+1))
	case classDigit:
		return s.number(i)
	case classPunct:
		return s.plain(rewrite.TokPunct, i, i+1)
	case classSymbol:
		return s.symbol(i, c)
	case classQuote:
		return s.quoted(i, c)
	case classParam:
		return s.variable(i, c)
	}
	s.legal = false
	return s.plain(rewrite.TokPunct, i, i+1)
}

// name returns the end of the name bytes from i.
func (s *scanner) name(i int) int {
	for i < len(s.text) && nameByte[s.text[i]] {
		i++
	}
	return i
}

// digits returns the end of the digits and separators from i.
func (s *scanner) digits(i int) int {
	for i < len(s.text) && (classes[s.text[i]] == classDigit || s.text[i] == '_') {
		i++
	}
	return i
}

// symbol reads the operators of more than one byte, comments, and numbers that
// begin with a point.
func (s *scanner) symbol(i int, c byte) int {
	n, second := 1, s.at(i+1)
	switch c {
	case '-':
		if second == '-' {
			return s.lineEnd(i + 2)
		}
		if second == '>' {
			if n = 2; s.at(i+2) == '>' {
				n = 3
			}
		}
	case '/':
		if second == '*' && i+2 < len(s.text) {
			return s.commentEnd(i + 2)
		}
	case '.':
		if classes[second] == classDigit {
			return s.number(i)
		}
	case '!':
		if second != '=' {
			s.legal = false
			break
		}
		n = 2
	case '<':
		if second == '=' || second == '>' || second == '<' {
			n = 2
		}
	case '>':
		if second == '=' || second == '>' {
			n = 2
		}
	default: // = |
		if second == c {
			n = 2
		}
	}
	return s.plain(rewrite.TokPunct, i, i+n)
}

func (s *scanner) lineEnd(i int) int {
	if n := strings.IndexByte(s.text[i:], '\n'); n >= 0 {
		return i + n // the newline is a blank
	}
	return len(s.text)
}

// commentEnd returns the end of a comment whose contents begin at i; one that
// is not closed goes on to the end of the text.
func (s *scanner) commentEnd(i int) int {
	if n := strings.Index(s.text[i:], "*/"); n >= 0 {
		return i + n + 2
	}
	return len(s.text)
}

// quoted reads '…', "…", `…` and […].
func (s *scanner) quoted(i int, c byte) int {
	end, doubled := s.closing(i+1, c)
	if end < 0 {
		s.legal = false
		return s.plain(rewrite.TokString, i, len(s.text))
	}
	kind, body := rewrite.TokQuoted, s.text[i+1:end]
	if c == '\'' {
		kind = rewrite.TokString
	}
	if doubled {
		q := s.text[i : i+1]
		body = strings.ReplaceAll(body, q+q, q)
	}
	return s.add(kind, i, end+1, body)
}

// closing returns where the delimiter that closes c stands, or -1, and whether
// doubled ones stand in front of it.
func (s *scanner) closing(i int, c byte) (end int, doubled bool) {
	if c == '[' {
		if n := strings.IndexByte(s.text[i:], ']'); n >= 0 {
			return i + n, false
		}
		return -1, false
	}
	for {
		n := strings.IndexByte(s.text[i:], c)
		if n < 0 {
			return -1, doubled
		}
		if i += n; s.at(i+1) != c {
			return i, doubled
		}
		i, doubled = i+2, true
	}
}

// blob reads x'…'.
func (s *scanner) blob(i int) int {
	body := s.text[i+2:]
	n := strings.IndexByte(body, '\'')
	if n < 0 {
		s.legal = false
		return s.plain(rewrite.TokString, i, len(s.text))
	}
	for _, c := range []byte(body[:n]) {
		if !isHex(c) {
			s.legal = false
		}
	}
	if n%2 != 0 {
		s.legal = false
	}
	return s.plain(rewrite.TokString, i, i+2+n+1)
}

func isHex(c byte) bool {
	return classes[c] == classDigit || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// number reads integers, hexadecimal integers and floats, with separators. A
// number that runs into a name is no token.
func (s *scanner) number(i int) int {
	end := s.numberEnd(i)
	if n := s.name(end); n > end {
		s.legal, end = false, n
	}
	return s.plain(rewrite.TokNumber, i, end)
}

func (s *scanner) numberEnd(i int) int {
	if s.text[i] == '0' && s.at(i+1)|0x20 == 'x' && isHex(s.at(i+2)) {
		for i += 3; isHex(s.at(i)) || s.at(i) == '_'; i++ {
		}
		return i
	}
	i = s.digits(i)
	if s.at(i) == '.' {
		i = s.digits(i + 1)
	}
	if s.at(i)|0x20 == 'e' {
		j := i + 1
		if c := s.at(j); c == '+' || c == '-' {
			j++
		}
		if classes[s.at(j)] == classDigit {
			i = s.digits(j + 1)
		}
	}
	return i
}

// variable reads ?, ?NNN and the named forms, of which $a::b(c) is TCL's.
func (s *scanner) variable(i int, c byte) int {
	s.param++
	j := i + 1
	if c == '?' {
		for classes[s.at(j)] == classDigit {
			j++
		}
		return s.plain(rewrite.TokParam, i, j)
	}
	named, more := false, true
	for more && j < len(s.text) {
		switch b := s.text[j]; {
		case nameByte[b]:
			named = true
			j++
		case b == ':' && s.at(j+1) == ':':
			j += 2
		case b == '(' && named:
			j, more = s.suffix(j), false
		default:
			more = false
		}
	}
	if !named {
		s.legal = false
	}
	return s.plain(rewrite.TokParam, i, j)
}

// suffix reads the parentheses of $a(…), in which no blank may stand.
func (s *scanner) suffix(j int) int {
	for j++; j < len(s.text); j++ {
		switch c := s.text[j]; {
		case c == ')':
			return j + 1
		case classes[c] == classSpace || c == '\v':
			s.legal = false
			return j
		}
	}
	s.legal = false
	return j
}

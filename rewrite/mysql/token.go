package mysql

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// lexed is a text cut into tokens.
type lexed struct {
	text   string
	tokens []rewrite.Token
	// match holds, for every bracket token, the index of its partner; -1 for
	// every other token.
	match []int32
	// markers are the placeholders in text order, numbered from 1.
	markers []*rewrite.Param
	// modeAt is the offset of the first byte whose meaning depends on
	// sql_mode (a double quote that opens a text or name, a backslash in a
	// string); -1 when the text reads the same under every mode.
	modeAt int
	// dollarAt is the offset of the first unquoted name that begins with
	// $tag$: MySQL 9 and the parser read $tag$…$tag$ as a string, MariaDB as
	// names. -1 without one.
	dollarAt int
	// executable lists executable comments; Prepare resolves them.
	executable []int
	// returning is set when the word RETURNING occurs.
	returning bool
}

// lexError says where the text stops being tokens; it never holds text.
type lexError struct{ pos int }

func (e *lexError) Error() string { return "sealsql: text cannot be cut into tokens" }

// scanner walks a text. The zero value with text set is ready.
type scanner struct {
	text string
	pos  int
	ansi bool
	// noBackslash is NO_BACKSLASH_ESCAPES.
	noBackslash bool
	modeAt      int
	dollarAt    int
	executable  []int
	// afterDot is set when the next token continues a qualified name.
	prevIdentEnd int
	prevDotEnd   int
}

func newScanner(text string, s *rewrite.Session) scanner {
	return scanner{
		text: text, ansi: s.ANSIQuotes, noBackslash: s.NoBackslashEscapes,
		modeAt: -1, dollarAt: -1, prevIdentEnd: -1, prevDotEnd: -1,
	}
}

// lex cuts text into tokens.
func lex(text string, s *rewrite.Session) (*lexed, error) {
	sc := newScanner(text, s)
	out := &lexed{text: text, modeAt: -1, dollarAt: -1}
	out.tokens = make([]rewrite.Token, 0, min(len(text)/3, len(text)/8+256)+8)
	var open []int32
	for {
		t, ok, err := sc.next()
		if err != nil {
			out.finish(&sc)
			return out, err
		}
		if !ok {
			break
		}
		n := int32(len(out.tokens))
		out.tokens = append(out.tokens, t)
		switch t.Kind {
		case rewrite.TokParam:
			out.markers = append(out.markers, &rewrite.Param{Span: t.Span, N: len(out.markers) + 1, Source: "?"})
		case rewrite.TokWord:
			if len(t.Text) == 9 && strings.EqualFold(t.Text, "returning") {
				out.returning = true
			}
		case rewrite.TokPunct:
			switch t.Text[0] {
			case '(', '{':
				open = append(open, n)
			}
		}
	}
	out.finish(&sc)
	out.pair(len(open))
	return out, nil
}

func (x *lexed) finish(sc *scanner) {
	x.modeAt, x.dollarAt, x.executable = sc.modeAt, sc.dollarAt, sc.executable
}

// pair fills match. Brackets that do not pair stay -1; the parser refuses
// such a text.
func (x *lexed) pair(opens int) {
	x.match = make([]int32, len(x.tokens))
	stack := make([]int32, 0, opens)
	for i := range x.tokens {
		x.match[i] = -1
		t := &x.tokens[i]
		if t.Kind != rewrite.TokPunct || len(t.Text) != 1 {
			continue
		}
		switch t.Text[0] {
		case '(', '{':
			stack = append(stack, int32(i))
		case ')', '}':
			if len(stack) == 0 {
				continue
			}
			j := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if (x.tokens[j].Text[0] == '(') == (t.Text[0] == ')') {
				x.match[i], x.match[j] = j, int32(i)
			}
		}
	}
}

const (
	clsSpace = 1 << iota
	clsIdent // may stand in an unquoted name
	clsDigit
)

// class holds the lexical class of every byte. Blanks are those of the C
// locale's isspace, as in the server's lexer; bytes from 0x80 up belong to
// names.
var class = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c == ' ' || c >= '\t' && c <= '\r':
			t[c] = clsSpace
		case c >= '0' && c <= '9':
			t[c] = clsIdent | clsDigit
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '$', c >= 0x80:
			t[c] = clsIdent
		}
	}
	return t
}()

func (s *scanner) at(i int) byte {
	if i < len(s.text) {
		return s.text[i]
	}
	return 0
}

// next returns the next token; ok is false at the end of the text.
func (s *scanner) next() (t rewrite.Token, ok bool, err error) {
	if err := s.blanks(); err != nil {
		return t, false, err
	}
	if s.pos >= len(s.text) {
		return t, false, nil
	}
	start := s.pos
	c := s.text[start]
	switch {
	case c == 0:
		return t, false, &lexError{start}
	case class[c]&clsDigit != 0:
		return s.numberOrName(start), true, nil
	case c == '.' && class[s.at(start+1)]&clsDigit != 0 && s.prevIdentEnd != start:
		return s.fraction(start), true, nil
	case class[c]&clsIdent != 0:
		return s.wordOrPrefixed(start)
	case c == '\'':
		return s.quotedText(start, start)
	case c == '"':
		s.mode(start)
		if s.ansi {
			return s.quotedName(start, '"')
		}
		return s.quotedText(start, start)
	case c == '`':
		return s.quotedName(start, '`')
	case c == '?':
		return s.take(rewrite.TokParam, start, start+1), true, nil
	case c == '@':
		return s.variable(start)
	}
	return s.punct(start), true, nil
}

func (s *scanner) mode(pos int) {
	if s.modeAt < 0 {
		s.modeAt = pos
	}
}

func (s *scanner) take(k rewrite.TokenKind, start, end int) rewrite.Token {
	s.pos = end
	return rewrite.Token{Kind: k, Span: rewrite.Span{Start: start, End: end}, Text: s.text[start:end]}
}

// blanks skips blanks and comments.
func (s *scanner) blanks() error {
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		switch {
		case class[c]&clsSpace != 0:
			s.pos++
		case c == '#':
			s.line()
		case c == '-' && s.at(s.pos+1) == '-' && s.dashComment():
			s.line()
		case c == '/' && s.at(s.pos+1) == '*':
			if isExecutable(s.text[s.pos:]) {
				s.executable = append(s.executable, s.pos)
			}
			end := strings.Index(s.text[s.pos+2:], "*/")
			if end < 0 {
				return &lexError{s.pos}
			}
			s.pos += 2 + end + 2
		default:
			return nil
		}
	}
	return nil
}

// dashComment reports whether the two dashes at pos open a comment: a blank,
// a control character or the end of the text must follow.
func (s *scanner) dashComment() bool {
	if s.pos+2 >= len(s.text) {
		return true
	}
	c := s.text[s.pos+2]
	return class[c]&clsSpace != 0 || c < 0x20 || c == 0x7f
}

func (s *scanner) line() {
	if i := strings.IndexByte(s.text[s.pos:], '\n'); i >= 0 {
		s.pos += i + 1
		return
	}
	s.pos = len(s.text)
}

// isExecutable reports whether a comment opener is one that some server or
// parser may run.
func isExecutable(rest string) bool {
	if len(rest) < 3 {
		return false
	}
	switch rest[2] {
	case '!':
		return true
	case 'M', 'T':
		return len(rest) > 3 && rest[3] == '!'
	}
	return false
}

func (s *scanner) wordEnd(i int) int {
	for i < len(s.text) && class[s.text[i]]&clsIdent != 0 {
		i++
	}
	return i
}

func (s *scanner) name(start, end int) rewrite.Token {
	t := s.take(rewrite.TokWord, start, end)
	s.prevIdentEnd = end
	return t
}

// wordOrPrefixed reads a name or keyword, or N'…', X'…', B'…'.
func (s *scanner) wordOrPrefixed(start int) (rewrite.Token, bool, error) {
	c := s.text[start]
	if s.at(start+1) == '\'' {
		switch c {
		case 'n', 'N':
			return s.quotedText(start, start+1)
		case 'x', 'X', 'b', 'B':
			return s.binaryText(start)
		}
	}
	if c == '$' && s.dollarAt < 0 && s.dollarTag(start) {
		s.dollarAt = start
	}
	return s.name(start, s.wordEnd(start)), true, nil
}

// dollarTag reports whether a name that begins with a dollar sign could be the
// opening of a $tag$…$tag$ string.
func (s *scanner) dollarTag(start int) bool {
	i := start + 1
	for c := s.at(i); c != '$' && c < 0x80 && class[c]&clsIdent != 0; c = s.at(i) {
		i++
	}
	return s.at(i) == '$'
}

// binaryText reads X'…' and B'…'; the token's text is the source.
func (s *scanner) binaryText(start int) (rewrite.Token, bool, error) {
	end := strings.IndexByte(s.text[start+2:], '\'')
	if end < 0 {
		return rewrite.Token{}, false, &lexError{start}
	}
	return s.take(rewrite.TokNumber, start, start+2+end+1), true, nil
}

// numberOrName reads a number, or a name that begins with digits.
func (s *scanner) numberOrName(start int) rewrite.Token {
	if s.prevDotEnd == start {
		return s.name(start, s.wordEnd(start))
	}
	if end := s.prefixedNumber(start); end > 0 {
		return s.take(rewrite.TokNumber, start, end)
	}
	i := s.digits(start)
	if s.at(i) == '.' {
		return s.fraction(start)
	}
	if end, ok := s.exponent(i); ok {
		return s.take(rewrite.TokNumber, start, end)
	}
	if class[s.at(i)]&clsIdent != 0 {
		return s.name(start, s.wordEnd(i))
	}
	return s.take(rewrite.TokNumber, start, i)
}

// prefixedNumber returns the end of 0x… or 0b…, or 0.
func (s *scanner) prefixedNumber(start int) int {
	if s.text[start] != '0' {
		return 0
	}
	isDigit := func(c byte) bool { return c == '0' || c == '1' }
	switch s.at(start + 1) {
	case 'x':
		isDigit = isHex
	case 'b':
	default:
		return 0
	}
	i := start + 2
	for i < len(s.text) && isDigit(s.text[i]) {
		i++
	}
	if i == start+2 || class[s.at(i)]&clsIdent != 0 {
		return 0
	}
	return i
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (s *scanner) digits(i int) int {
	for i < len(s.text) && class[s.text[i]]&clsDigit != 0 {
		i++
	}
	return i
}

// fraction reads digits . digits [exponent].
func (s *scanner) fraction(start int) rewrite.Token {
	i := s.digits(start)
	if s.at(i) == '.' {
		i = s.digits(i + 1)
	}
	if end, ok := s.exponent(i); ok {
		i = end
	}
	return s.take(rewrite.TokNumber, start, i)
}

func (s *scanner) exponent(i int) (int, bool) {
	if c := s.at(i); c != 'e' && c != 'E' {
		return i, false
	}
	j := i + 1
	if c := s.at(j); c == '+' || c == '-' {
		j++
	}
	if class[s.at(j)]&clsDigit == 0 {
		return i, false
	}
	return s.digits(j), true
}

// quotedText reads a string whose quote is at open; start is where the token
// begins (before an N).
func (s *scanner) quotedText(start, open int) (rewrite.Token, bool, error) {
	quote := s.text[open]
	text := s.text
	i := open + 1
	plain := true
	for i < len(text) {
		c := text[i]
		switch {
		case c == 0:
			return rewrite.Token{}, false, &lexError{i}
		case c == '\\':
			s.mode(i)
			if !s.noBackslash {
				plain = false
				i++
			}
		case c == quote:
			if s.at(i+1) != quote {
				t := s.take(rewrite.TokString, start, i+1)
				t.Text = text[open+1 : i]
				if !plain {
					t.Text = s.unescape(t.Text, quote)
				}
				return t, true, nil
			}
			plain = false
			i++
		}
		i++
	}
	return rewrite.Token{}, false, &lexError{start}
}

// unescape undoes doubled quotes and, unless NO_BACKSLASH_ESCAPES is on,
// backslash escapes (MySQL manual, "String Literals").
func (s *scanner) unescape(raw string, quote byte) string {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == quote {
			i++
		} else if c == '\\' && !s.noBackslash && i+1 < len(raw) {
			i++
			b.WriteString(escaped(raw[i]))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func escaped(c byte) string {
	switch c {
	case '0':
		return "\x00"
	case 'b':
		return "\b"
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case 'Z':
		return "\x1a"
	case '%':
		return `\%`
	case '_':
		return `\_`
	}
	return string([]byte{c})
}

// quotedName reads a quoted name.
func (s *scanner) quotedName(start int, quote byte) (rewrite.Token, bool, error) {
	i, plain, err := s.nameBody(start, quote)
	if err != nil {
		return rewrite.Token{}, false, err
	}
	t := s.take(rewrite.TokQuoted, start, i)
	t.Text = s.text[start+1 : i-1]
	if !plain {
		q := string([]byte{quote})
		t.Text = strings.ReplaceAll(t.Text, q+q, q)
	}
	s.prevIdentEnd = i
	return t, true, nil
}

// nameBody returns the offset behind the closing quote of a quoted name.
func (s *scanner) nameBody(start int, quote byte) (end int, plain bool, err error) {
	plain = true
	for i := start + 1; i < len(s.text); i++ {
		switch s.text[i] {
		case 0:
			return 0, false, &lexError{i}
		case quote:
			if s.at(i+1) != quote {
				return i + 1, plain, nil
			}
			plain = false
			i++
		}
	}
	return 0, false, &lexError{start}
}

// variable reads @name, @'name', @`name`, @@name and @@scope.name as one
// token whose text is the source; a lone @ is punctuation.
func (s *scanner) variable(start int) (rewrite.Token, bool, error) {
	i := start + 1
	if s.at(i) == '@' {
		i++
	}
	for {
		end, err := s.variablePart(i)
		if err != nil {
			return rewrite.Token{}, false, err
		}
		if end == i {
			break
		}
		i = end
		if i-start > 2 && s.text[start+1] == '@' && s.at(i) == '.' {
			i++
			continue
		}
		break
	}
	return s.take(rewrite.TokPunct, start, i), true, nil
}

func (s *scanner) variablePart(i int) (int, error) {
	switch s.at(i) {
	case '`':
		end, _, err := s.nameBody(i, '`')
		return end, err
	case '\'', '"':
		if s.text[i] == '"' {
			s.mode(i)
		}
		t, _, err := s.quotedText(i, i)
		return t.End, err
	}
	for i < len(s.text) && (class[s.text[i]]&clsIdent != 0 || s.text[i] == '.') {
		i++
	}
	return i, nil
}

// operators of more than one byte, longest first.
var operators = [...]string{"->>", "<=>", "->", ":=", "<=", ">=", "<>", "!=", "||", "&&", "<<", ">>", "&^", "\\N"}

func (s *scanner) punct(start int) rewrite.Token {
	c := s.text[start]
	switch c {
	case '(', ')', ',', ';', '=', '+', '*', '{', '}':
		return s.take(rewrite.TokPunct, start, start+1)
	case '.':
		s.prevDotEnd = start + 1
		return s.take(rewrite.TokPunct, start, start+1)
	}
	rest := s.text[start:]
	for _, op := range operators {
		if op[0] == c && strings.HasPrefix(rest, op) {
			return s.take(rewrite.TokPunct, start, start+len(op))
		}
	}
	return s.take(rewrite.TokPunct, start, start+1)
}

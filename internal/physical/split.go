package physical

import (
	"errors"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// piece is one statement of a script, without its semicolon.
type piece struct {
	from, to int
	tokens   []rewrite.Token
	// client marks a line for psql, which is not SQL.
	client bool
}

// split cuts the script at its semicolons. Where it errs, inside a body that
// it does not recognise, the halves are judged by themselves: what names
// nothing annotated still comes out to the byte, and the rest is refused.
func (s *script) split() []piece {
	tokens := s.scan()
	var out []piece
	for from := 0; from < len(tokens); {
		end := s.end(tokens, from)
		if end > from {
			p := piece{from: tokens[from].Start, to: tokens[end-1].End, tokens: tokens[from:end]}
			p.client = s.client(tokens[from:end])
			out = append(out, p)
		}
		from = end
		for from < len(tokens) && is(tokens[from], ";") {
			from++
		}
	}
	return out
}

// scan returns the tokens of the whole text. The closing parenthesis that
// nothing opened stops every parser, so that the tokens come by themselves:
// one statement that a front end refuses would else refuse all.
func (s *script) scan() []rewrite.Token {
	prepared, err := s.front.Prepare(s.text, &s.session)
	if err != nil {
		s.unreadable(err)
		return nil
	}
	s.text = prepared // of the same length; executable comments are resolved
	parsed, err := s.front.Parse(prepared+"\n)", &s.session)
	if parsed == nil || len(parsed.Tokens) == 0 || parsed.Tokens[len(parsed.Tokens)-1].Start <= len(prepared) {
		s.unreadable(err)
		return nil
	}
	return parsed.Tokens[:len(parsed.Tokens)-1]
}

// unreadable reports a text that cannot be cut into statements.
func (s *script) unreadable(err error) {
	var u *rewrite.UnsupportedError
	var syntax *rewrite.SyntaxError
	switch {
	case errors.As(err, &u):
		hint := u.Hint
		if u.Reason == rewrite.ReasonExecutableComment && s.session.Version == 0 {
			hint = "what it means depends on the server: name its version with --server-version, or remove the comment"
		}
		s.problem(u.Pos, u.Column, u.Reason.String(), hint)
	case errors.As(err, &syntax):
		s.problem(syntax.Pos, "", "the script cannot be read", "is a string, a quoted name or a comment left open?")
	default:
		s.problem(0, "", "the script cannot be read", "")
	}
}

// end returns the index of the token behind the statement that begins at from.
func (s *script) end(tokens []rewrite.Token, from int) int {
	if s.front.Dialect() == rewrite.Postgres && is(tokens[from], `\`) {
		return s.endOfLine(tokens, from)
	}
	compound, depth := isCompound(tokens[from:]), 0
	for i := from; i < len(tokens); i++ {
		switch {
		case is(tokens[i], ";") && depth == 0:
			return i
		case compound:
			depth += step(tokens, i)
		}
	}
	return len(tokens)
}

// endOfLine ends a command of psql.
func (s *script) endOfLine(tokens []rewrite.Token, from int) int {
	line := strings.IndexByte(s.text[tokens[from].Start:], '\n')
	if line < 0 {
		return len(tokens)
	}
	line += tokens[from].Start
	for i := from; i < len(tokens); i++ {
		if tokens[i].Start > line {
			return i
		}
	}
	return len(tokens)
}

// client recognises commands of the engines' own clients. Those of psql fill a
// line and pass; DELIMITER changes what ends a statement.
func (s *script) client(tokens []rewrite.Token) bool {
	switch {
	case s.front.Dialect() == rewrite.Postgres && is(tokens[0], `\`):
		return true
	case s.front.Dialect() == rewrite.MySQL && word(tokens[0], "DELIMITER"):
		s.problem(tokens[0].Start, "", "DELIMITER is a command of the mysql client, not SQL", "remove it, and end every statement with a semicolon")
	}
	return false
}

// bodies are the objects whose definition may hold statements.
var bodies = []string{"TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "PACKAGE"}

// isCompound reports whether a statement may hold others between BEGIN and END.
func isCompound(tokens []rewrite.Token) bool {
	if !word(tokens[0], "CREATE") {
		return false
	}
	for _, t := range tokens[1:min(len(tokens), 16)] {
		if is(t, "(") || is(t, ";") {
			return false
		}
		for _, b := range bodies {
			if word(t, b) {
				return true
			}
		}
	}
	return false
}

// step says how the nesting of blocks changes at a token: BEGIN and CASE open,
// END closes, but END IF and its like close what is not counted.
func step(tokens []rewrite.Token, i int) int {
	after := func(w string) bool { return i+1 < len(tokens) && word(tokens[i+1], w) }
	switch {
	case word(tokens[i], "BEGIN"):
		return 1
	case word(tokens[i], "CASE"):
		if i > 0 && word(tokens[i-1], "END") {
			return 0
		}
		return 1
	case word(tokens[i], "END"):
		for _, w := range []string{"IF", "LOOP", "WHILE", "REPEAT", "FOR"} {
			if after(w) {
				return 0
			}
		}
		return -1
	}
	return 0
}

func is(t rewrite.Token, punct string) bool { return t.Kind == rewrite.TokPunct && t.Text == punct }

func word(t rewrite.Token, w string) bool {
	return t.Kind == rewrite.TokWord && strings.EqualFold(t.Text, w)
}

func isName(t rewrite.Token) bool { return t.Kind == rewrite.TokWord || t.Kind == rewrite.TokQuoted }

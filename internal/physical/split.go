package physical

import (
	"errors"

	sqlscript "github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// piece is one statement of a script, without its semicolon.
type piece struct {
	from, to int
	tokens   []rewrite.Token
	// client marks a line for psql, which is not SQL.
	client bool
}

// split cuts the script at its semicolons. Where that errs, inside a body that
// is not recognised, the halves are judged by themselves: what names nothing
// annotated still comes out to the byte, and the rest is refused.
func (s *script) split() []piece {
	if !s.readable() {
		return nil
	}
	var out []piece
	for _, p := range sqlscript.Split(s.front, s.text, &s.session) {
		if p.Client && s.front.Dialect() == rewrite.MySQL {
			s.problem(p.From, "", "DELIMITER is a command of the mysql client, not SQL", "remove it, and end every statement with a semicolon")
		}
		out = append(out, piece{from: p.From, to: p.To, tokens: p.Tokens, client: p.Client})
	}
	return out
}

// readable resolves executable comments, and reports a text that cannot be cut
// into tokens to its end. The closing parenthesis that nothing opened stops
// every parser, so that the tokens come by themselves: one statement that a
// front end refuses would else refuse all.
func (s *script) readable() bool {
	prepared, err := s.front.Prepare(s.text, &s.session)
	if err != nil {
		s.unreadable(err)
		return false
	}
	s.text = prepared // of the same length; executable comments are resolved
	parsed, err := s.front.Parse(prepared+"\n)", &s.session)
	if parsed == nil || len(parsed.Tokens) == 0 || parsed.Tokens[len(parsed.Tokens)-1].Start <= len(prepared) {
		s.unreadable(err)
		return false
	}
	return true
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

func is(t rewrite.Token, punct string) bool { return sqlscript.Is(t, punct) }

func word(t rewrite.Token, w string) bool { return sqlscript.Word(t, w) }

func isName(t rewrite.Token) bool { return t.Kind == rewrite.TokWord || t.Kind == rewrite.TokQuoted }

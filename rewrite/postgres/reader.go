package postgres

import "github.com/sealsql/sealsql/rewrite"

// Tokens splits a prepared text as Parse does; see rewrite.Frontend.
func (frontend) Tokens(text string, _ *rewrite.Session) rewrite.TokenReader {
	return &reader{lexer{s: text, bad: invalidUTF8(text) >= 0}}
}

type reader struct{ x lexer }

func (r *reader) Next(t *rewrite.Token) bool {
	l, more := r.x.next()
	t.Kind, t.Start, t.End, t.Text = l.kind, l.start, l.end, l.text
	return more
}

func (r *reader) Skip(to int) { r.x.pos = to }

func (r *reader) Sound() bool { return !r.x.bad }

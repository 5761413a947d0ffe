package sqlite

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// Tokens splits a prepared text as Parse does; see [rewrite.Frontend].
func (frontend) Tokens(text string, _ *rewrite.Session) rewrite.TokenReader {
	return &reader{s: scanner{text: text, legal: strings.IndexByte(text, 0) < 0}}
}

// TokensIn is Tokens in the memory of a script of this package; see
// [rewrite.ThriftyFrontend].
func (f frontend) TokensIn(script *rewrite.Script, text string, s *rewrite.Session) rewrite.TokenReader {
	a, ok := script.Memory.(*arena)
	if !ok {
		return f.Tokens(text, s)
	}
	a.reader = reader{s: scanner{text: text, legal: strings.IndexByte(text, 0) < 0}}
	return &a.reader
}

type reader struct {
	s scanner
	i int
}

func (r *reader) Next(t *rewrite.Token) bool {
	r.s.tok = t
	for r.s.found = false; r.i < len(r.s.text) && !r.s.found; {
		r.i = r.s.next(r.i)
	}
	return r.s.found
}

func (r *reader) Skip(to int) { r.i = to }

func (r *reader) Sound() bool { return r.s.legal }

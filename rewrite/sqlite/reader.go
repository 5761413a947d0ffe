package sqlite

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// Tokens splits a prepared text as Parse does; see [rewrite.Frontend].
func (frontend) Tokens(text string, _ *rewrite.Session) rewrite.TokenReader {
	return &reader{s: scanner{text: text, toks: make([]rewrite.Token, 0, 1), legal: strings.IndexByte(text, 0) < 0}}
}

type reader struct {
	s scanner
	i int
}

func (r *reader) Next(t *rewrite.Token) bool {
	for r.s.toks = r.s.toks[:0]; r.i < len(r.s.text); {
		if r.i = r.s.next(r.i); len(r.s.toks) > 0 {
			*t = r.s.toks[0]
			return true
		}
	}
	return false
}

func (r *reader) Sound() bool { return r.s.legal }

package sqlite

import "github.com/sealsql/sealsql/rewrite"

var _ rewrite.Tokenizer = frontend{}

// EachToken cuts a text into tokens; see rewrite.Tokenizer.
func (frontend) EachToken(text string, from int, _ *rewrite.Session, yield func(rewrite.Token) bool) bool {
	s := scanner{text: text, legal: true}
	for i := from; i < len(text); {
		i = s.next(i)
		if !s.legal {
			return false
		}
		if len(s.toks) > 0 {
			t := s.toks[0]
			s.toks = s.toks[:0]
			if !yield(t) {
				return true
			}
		}
	}
	return true
}

package sqlite

import "github.com/sealsql/sealsql/rewrite"

var _ rewrite.Tokenizer = frontend{}

// EachToken cuts a text into tokens; see rewrite.Tokenizer.
func (frontend) EachToken(text string, from int, _ *rewrite.Session, yield func(rewrite.Token) bool) bool {
	var t rewrite.Token
	s := scanner{text: text, legal: true, tok: &t}
	for i := from; i < len(text); {
		s.found = false
		i = s.next(i)
		if !s.legal {
			return false
		}
		if s.found && !yield(t) {
			return true
		}
	}
	return true
}

package mysql

import "github.com/sealsql/sealsql/rewrite"

var _ rewrite.Tokenizer = frontend{}

// EachToken cuts a text into tokens; see rewrite.Tokenizer.
func (frontend) EachToken(text string, from int, s *rewrite.Session, yield func(rewrite.Token) bool) bool {
	sc := newScanner(text, s)
	sc.pos = from
	for {
		t, ok, err := sc.next()
		if !ok || err != nil {
			return err == nil
		}
		if !yield(t) {
			return true
		}
	}
}

package postgres

import "github.com/sealsql/sealsql/rewrite"

var _ rewrite.Tokenizer = frontend{}

// EachToken cuts a text into tokens; see rewrite.Tokenizer.
func (frontend) EachToken(text string, from int, _ *rewrite.Session, yield func(rewrite.Token) bool) bool {
	x := lexer{s: text, pos: from}
	for {
		l, more := x.next()
		if !more {
			return !x.bad
		}
		t := rewrite.Token{Kind: l.kind, Span: rewrite.Span{Start: l.start, End: l.end}, Text: l.text}
		if !yield(t) {
			return true
		}
	}
}

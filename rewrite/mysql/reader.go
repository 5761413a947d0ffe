package mysql

import "github.com/sealsql/sealsql/rewrite"

// Tokens splits a prepared text as Parse does; see rewrite.Frontend.
func (frontend) Tokens(text string, s *rewrite.Session) rewrite.TokenReader {
	return &reader{sc: newScanner(text, s), modeKnown: s.ModeKnown}
}

type reader struct {
	sc        scanner
	modeKnown bool
	failed    bool
}

func (r *reader) Next(t *rewrite.Token) bool {
	var more bool
	var err error
	*t, more, err = r.sc.next()
	r.failed = r.failed || err != nil
	return more && err == nil
}

func (r *reader) Skip(to int) { r.sc.pos, r.sc.prevIdentEnd, r.sc.prevDotEnd = to, to, -1 }

func (r *reader) Sound() bool {
	return !r.failed && len(r.sc.executable) == 0 && (r.modeKnown || r.sc.modeAt < 0) && r.sc.dollarAt < 0
}

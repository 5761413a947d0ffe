package sqlite

import (
	"errors"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// FuzzParse checks that no text makes the front end panic, that errors are
// typed and inside the text, that what parses lowers identically twice, and
// that the invariants of checkScript hold.
func FuzzParse(f *testing.F) {
	for _, s := range treeSections(f) {
		f.Add(s.body)
	}
	for i, l := range corpus(f) {
		if i%50 == 0 {
			f.Add(l.SQL)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		text, err := New().Prepare(text, nil)
		if err != nil {
			checkError(t, err, len(text))
			return
		}
		checkScan(t, text)
		s, err := New().Parse(text, nil)
		if err != nil {
			checkError(t, err, len(text))
			return
		}
		checkScript(t, s)
		again := parse(t, text)
		for i := range s.Statements {
			if dump(s.Statements[i], true) != dump(again.Statements[i], true) {
				t.Fatal("two runs differ")
			}
		}
	})
}

func checkError(t *testing.T, err error, length int) {
	t.Helper()
	var u *rewrite.UnsupportedError
	var s *rewrite.SyntaxError
	switch {
	case errors.As(err, &u):
		if u.Reason == rewrite.ReasonParser {
			t.Fatalf("the parser panicked: %v", err)
		}
	case !errors.As(err, &s):
		t.Fatalf("untyped error %v", err)
	case s.Pos > length:
		t.Fatalf("position %d in a text of %d bytes", s.Pos, length)
	}
}

package rewrite_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

func TestEveryReasonHasANameOfItsOwn(t *testing.T) {
	seen := map[string]rewrite.Reason{}
	for _, r := range rewrite.Reasons() {
		name := r.Name()
		if name == "" || name != strings.ToLower(name) || strings.ContainsAny(name, " _") {
			t.Errorf("%q (%v) has the name %q", r, uint8(r), name)
		}
		if other, twice := seen[name]; twice {
			t.Errorf("%q is the name of %v and %v", name, other, r)
		}
		seen[name] = r
	}
	if len(seen) < 40 {
		t.Errorf("only %d reasons", len(seen))
	}
}

func TestTokensAreThoseOfTheParserUpToWhatCannotBeRead(t *testing.T) {
	session := &rewrite.Session{ModeKnown: true}
	const text = `SELECT a, 'it''s', "q" /* c; */ FROM t; -- x
INSERT INTO t VALUES (1.5)`
	for name, front := range frontends {
		t.Run(name, func(t *testing.T) {
			tokenizer := front.(rewrite.Tokenizer)
			script, err := front.Parse(text, session)
			if err != nil {
				t.Fatal(err)
			}
			var got []rewrite.Token
			keep := func(tok rewrite.Token) bool { got = append(got, tok); return true }
			if !tokenizer.EachToken(text, 0, session, keep) || len(got) != len(script.Tokens) {
				t.Fatalf("got %d tokens, want %d", len(got), len(script.Tokens))
			}
			for i := range got {
				if got[i] != script.Tokens[i] {
					t.Errorf("token %d is %+v, want %+v", i, got[i], script.Tokens[i])
				}
			}
			got = nil
			if tokenizer.EachToken("SELECT 'open", 0, session, keep) || len(got) != 1 {
				t.Errorf("an open string gives %d tokens", len(got))
			}
			got = nil
			stop := func(tok rewrite.Token) bool { got = append(got, tok); return len(got) < 2 }
			if at := strings.Index(text, "INSERT"); !tokenizer.EachToken(text, at, session, stop) || len(got) != 2 || got[0].Start != at {
				t.Errorf("from the second statement on: %+v", got)
			}
		})
	}
}

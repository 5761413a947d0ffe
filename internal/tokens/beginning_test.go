package tokens_test

import (
	"testing"

	"github.com/sealsql/sealsql/internal/tokens"
)

func TestBeginningsOfPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, letters string
		open, ok         bool
	}{
		{"", "", false, true},
		{"%", "", true, true},
		{"ab%", "ab", true, true},
		{"ab%%", "ab", true, true},
		{"ab", "ab", false, true},
		{`a\%b%`, "a%b", true, true},
		{`a\_`, "a_", false, true},
		{"a_%", "", false, false},
		{"%a", "", false, false},
		{"a%b", "", false, false},
	} {
		l, err := tokens.ParseLike(c.pattern, tokens.Rules{Escape: '\\'})
		if err != nil {
			t.Fatal(err)
		}
		if letters, open, ok := l.Beginning(); letters != c.letters || open != c.open || ok != c.ok {
			t.Errorf("%q: %q %t %t", c.pattern, letters, open, ok)
		}
	}
	never, err := tokens.ParseLike(`a\`, tokens.Rules{Escape: '\\', Ending: tokens.EndNever})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := never.Beginning(); ok {
		t.Error("a pattern that matches nothing has a beginning")
	}
}

func TestLettersThatOnlyTheyThemselvesEqual(t *testing.T) {
	for _, c := range []struct {
		rule    tokens.Case
		letters string
		want    bool
	}{
		{tokens.Exact, "aB", true},
		{tokens.ASCII, "07-é", true},
		{tokens.ASCII, "07a", false},
		{tokens.ASCII, "Z", false},
		{tokens.Lower, "0", false},
		{tokens.Fold, "0", false},
		{tokens.Accents, "0", false},
	} {
		if got := c.rule.Alone(c.letters); got != c.want {
			t.Errorf("%d %q: %t", c.rule, c.letters, got)
		}
	}
}

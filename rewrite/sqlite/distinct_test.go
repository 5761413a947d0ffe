package sqlite

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// noise are the tokens that mean nothing to SQLite where the grammar lets them
// be left out, and the join words, of which two mean what one does. IS is
// there for "a NOT NULL".
var noise = map[string]bool{
	"(": true, ")": true, ";": true, "AS": true, "OUTER": true, "INNER": true, "RECURSIVE": true,
	"LEFT LEFT": true, "RIGHT RIGHT": true, "FULL FULL": true, "CROSS CROSS": true,
	"NATURAL NATURAL": true, "IS ": true,
}

func isNoise(src, with string) bool {
	src = strings.ToUpper(src)
	if strings.EqualFold(with, src+" "+src) {
		return noise[src] || noise[src+" "+src]
	}
	return noise[src] || noise[src+" "+with]
}

// TestTextsThatDifferLowerToDifferentTrees takes single tokens out of
// statements, puts them in twice, and puts others in their place. What still
// parses must be another tree, unless the token is noise.
func TestTextsThatDifferLowerToDifferentTrees(t *testing.T) {
	var texts []string
	for _, b := range benchTexts {
		texts = append(texts, b.text)
	}
	texts = append(texts, treeTexts(t)...)
	for i, l := range corpus(t) {
		if i%25 == 0 && len(l.SQL) < 2000 {
			texts = append(texts, l.SQL)
		}
	}
	compared := 0
	for _, text := range texts {
		if s, err := New().Parse(text, nil); err == nil {
			compared += checkDistinct(t, s)
		}
	}
	if compared < 1000 {
		t.Errorf("only %d pairs were compared", compared)
	}
}

func treeTexts(t testing.TB) []string {
	var out []string
	for _, s := range treeSections(t) {
		out = append(out, s.body)
	}
	return out
}

func checkDistinct(t *testing.T, s *rewrite.Script) (compared int) {
	want := dumpAll(s)
	for _, tok := range s.Tokens {
		src := s.Text[tok.Start:tok.End]
		for _, with := range []string{"", src + " " + src, substitute(tok)} {
			if with == src {
				continue
			}
			other := s.Text[:tok.Start] + " " + with + " " + s.Text[tok.End:]
			o, err := New().Parse(other, nil)
			if err != nil {
				continue
			}
			compared++
			if dumpAll(o) == want && !isNoise(src, with) {
				t.Errorf("two texts, one tree:\n%s\n%s", s.Text, other)
			}
		}
	}
	return compared
}

// substitute is another token of the same class.
func substitute(tok rewrite.Token) string {
	switch tok.Kind {
	case rewrite.TokNumber:
		return "987"
	case rewrite.TokString:
		return "'other'"
	case rewrite.TokParam:
		return ":other"
	case rewrite.TokPunct:
		return "/"
	}
	return "other"
}

func dumpAll(s *rewrite.Script) string {
	var b strings.Builder
	for _, st := range s.Statements {
		b.WriteString(dump(st, false))
		b.WriteByte('\n')
	}
	return b.String()
}

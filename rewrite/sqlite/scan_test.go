package sqlite

import (
	"strings"
	"testing"

	"github.com/sqlc-dev/meyer/lexer"
	"github.com/sqlc-dev/meyer/token"

	"github.com/sealsql/sealsql/rewrite"
)

// checkScan compares the tokens of text with meyer's: the same ranges and
// classes, and the same opinion whether all of them are legal.
func checkScan(t testing.TB, text string) {
	t.Helper()
	got, params, legal := scan(nil, text)
	want := lexer.Lex(text)
	want = want[:len(want)-1]
	wantLegal, wantParams := true, 0
	for _, w := range want {
		wantLegal = wantLegal && w.Kind != token.ILLEGAL
		if w.Kind == token.VARIABLE {
			wantParams++
		}
	}
	if legal != wantLegal {
		t.Fatalf("%q: legal is %v", text, legal)
	}
	if !legal {
		return // neither is used
	}
	if len(got) != len(want) || params != wantParams {
		t.Fatalf("%q: %d tokens and %d parameters, want %d and %d", text, len(got), params, len(want), wantParams)
	}
	for i, w := range want {
		g := got[i]
		if g.Start != w.Pos || g.End != w.End || g.Kind != kindOf(w, text) {
			t.Fatalf("%q: token %d is %+v, want %v", text, i, g, w)
		}
	}
}

func kindOf(w token.Token, text string) rewrite.TokenKind {
	switch {
	case w.Kind == token.STRING || w.Kind == token.BLOB:
		return rewrite.TokString
	case w.Kind == token.INTEGER || w.Kind == token.FLOAT || w.Kind == token.QNUMBER:
		return rewrite.TokNumber
	case w.Kind == token.VARIABLE:
		return rewrite.TokParam
	case w.Kind >= token.LP && w.Kind <= token.PTR:
		return rewrite.TokPunct
	case strings.IndexByte("\"`[", text[w.Pos]) >= 0:
		return rewrite.TokQuoted
	}
	return rewrite.TokWord
}

func TestTokensAreThoseOfTheParser(t *testing.T) {
	for _, text := range []string{
		"", " ", ";", "a", "SELECT 1", "a.b.c", "1.5e+10, 1e5, 1e, .5, 5., 0x1F, 0x, 1_000, 1_, 1.e3, 1.5.2, 0xg, 1e+",
		"1abc", "'it''s' \"a\"\"b\" `c``d` [e]f]", "'open", "\"open", "`open", "[open", "''", "''''", "'''",
		"x'00'", "X'0a0B'", "x'0'", "x'0g'", "x'00", "x''", "xy", "x 'a'",
		"? ?1 ?12a $a $1 @b :c #1 #a $ : @ :: ::a a::b $a::b $a::b(c) $a(b c) $a(b $a() $(a)",
		"-- line\nx", "-- line", "--", "/* c */ x", "/**/x", "/*/x*/y", "/*", "/", "/* open", "/*/", "a/*b*/c--d\r\ne",
		"- -> ->> --", "= == < <= <> << > >= >> ! != | || ~ & % * + ( ) , ; .", "!x", "<=>", "|||", "===",
		"a\vb", " \vb", "\v", "a\f\tb", "\xef\xbb\xbfa", "a\xef\xbb\xbf", "\xef", "\xef\xbb", "é\xff", "a$b", "$", "{}", "\\", "^",
	} {
		checkScan(t, text)
	}
}

func TestTokensOfTheCorpusAreThoseOfTheParser(t *testing.T) {
	for _, l := range corpus(t) {
		checkScan(t, l.SQL)
	}
}

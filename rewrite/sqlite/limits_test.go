package sqlite

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/rewrite"
)

func reasonOf(err error) rewrite.Reason {
	var u *rewrite.UnsupportedError
	if errors.As(err, &u) {
		return u.Reason
	}
	var s *rewrite.SyntaxError
	if errors.As(err, &s) {
		return rewrite.ReasonSyntax
	}
	return 0
}

func TestPrepareRefusesWhatCannotBeRead(t *testing.T) {
	deep := func(open, inner, closing string, n int) string {
		return "SELECT " + strings.Repeat(open, n) + inner + strings.Repeat(closing, n)
	}
	cases := []struct {
		name, text string
		want       rewrite.Reason
	}{
		{"a plain text", "SELECT 1", 0},
		{"a text with a NUL byte", "SELECT 1\x00 , 2", rewrite.ReasonSyntax},
		{"a text longer than the limit", strings.Repeat(" ", rewrite.MaxTextBytes+1), rewrite.ReasonTooLong},
		{"a text as long as the limit", strings.Repeat(" ", rewrite.MaxTextBytes), 0},
		{"parentheses up to the limit", deep("(", "1", ")", rewrite.MaxNesting), 0},
		{"parentheses beyond the limit", deep("(", "1", ")", rewrite.MaxNesting+1), rewrite.ReasonTooDeep},
		{"subqueries beyond the limit", deep("(SELECT ", "1", ")", rewrite.MaxNesting+1), rewrite.ReasonTooDeep},
		{"functions beyond the limit", deep("f(", "1", ")", rewrite.MaxNesting+1), rewrite.ReasonTooDeep},
		{"CASE beyond the limit", deep("CASE WHEN 1 THEN ", "1", " END", rewrite.MaxNesting+1), rewrite.ReasonTooDeep},
		{"NOT beyond the limit", deep("NOT ", "1", "", rewrite.MaxNesting+1), rewrite.ReasonTooDeep},
		{"signs beyond the limit", deep("- ", "1", "", rewrite.MaxNesting+1), rewrite.ReasonTooDeep},
		{"tildes beyond the limit", deep("~", "1", "", rewrite.MaxNesting+1), rewrite.ReasonTooDeep},
		{"signs and parentheses together", deep("-(", "1", ")", rewrite.MaxNesting/2+1), rewrite.ReasonTooDeep},
		{"parentheses side by side", "SELECT " + strings.Repeat("(1)+", 5000) + "-1", 0},
		{"signed parentheses side by side", "SELECT " + strings.Repeat("-(1), ", 5000) + "-1", 0},
		{"CASE side by side", "SELECT " + strings.Repeat("NOT CASE WHEN 1 THEN 1 END, ", 500) + "1", 0},
		{"parentheses in a string", "SELECT '" + strings.Repeat("(", 5000) + "'", 0},
		{"parentheses in a comment", "SELECT 1 /*" + strings.Repeat("(", 5000), 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := New().Prepare(c.text, nil)
			if reasonOf(err) != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && got != c.text {
				t.Fatal("the text was changed")
			}
		})
	}
}

// hostile are texts whose trees nest without parentheses, or that make a
// parser do the same work again and again. n is the number of repetitions.
var hostile = []struct {
	name string
	text func(n int) string
}{
	{"additions", func(n int) string { return "SELECT 1" + strings.Repeat("+1", n) }},
	{"concatenations", func(n int) string { return "SELECT a" + strings.Repeat("||a", n) }},
	{"comparisons", func(n int) string { return "SELECT 1" + strings.Repeat("=1", n) }},
	{"conjunctions", func(n int) string { return "SELECT 1" + strings.Repeat(" AND a", n) }},
	{"mixed connectives", func(n int) string { return "SELECT 1" + strings.Repeat(" AND 1 OR 1", n) }},
	{"negated comparisons", func(n int) string { return "SELECT NOT a" + strings.Repeat(" = NOT a", n) }},
	{"BETWEEN in its own bound", func(n int) string { return "SELECT 1" + strings.Repeat(" BETWEEN 1", n) }},
	{"NOT without parentheses", func(n int) string { return "SELECT " + strings.Repeat("NOT ", n) + "1" }},
	{"IS NULL tests", func(n int) string { return "SELECT 1" + strings.Repeat(" ISNULL", n) }},
	{"collations", func(n int) string { return "SELECT a" + strings.Repeat(" COLLATE b", n) }},
	{"arrows", func(n int) string { return "SELECT a" + strings.Repeat("->1", n) }},
	{"CASE with names called end", func(n int) string { return "SELECT " + strings.Repeat("CASE end WHEN 1 THEN ", n) }},
	{"open parentheses", func(n int) string { return "SELECT " + strings.Repeat("(", n) }},
	{"balanced parentheses", func(n int) string { return "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }},
	{"joined parentheses", func(n int) string { return "SELECT 1 FROM " + strings.Repeat("(", n) + "t" + strings.Repeat(")", n) }},
	{"compounds", func(n int) string { return "SELECT 1" + strings.Repeat(" UNION SELECT 1", n) }},
	{"joins", func(n int) string { return "SELECT 1 FROM t" + strings.Repeat(" JOIN t", n) }},
	{"commas", func(n int) string { return "SELECT 1 FROM t" + strings.Repeat(",t", n) }},
	{"rows", func(n int) string { return "INSERT INTO t VALUES (1)" + strings.Repeat(",(1)", n) }},
	{"anonymous parameters", func(n int) string { return "SELECT ?" + strings.Repeat(",?", n) }},
	{"one named parameter", func(n int) string { return "SELECT :a" + strings.Repeat(",:a", n) }},
	{"statements", func(n int) string { return strings.Repeat("SELECT ?;", n) }},
	{"CTEs", func(n int) string {
		return "WITH " + strings.Repeat("a AS (SELECT * FROM a),", n) + "b AS (SELECT 1) SELECT 1"
	}},
	{"column constraints", func(n int) string { return "CREATE TABLE t (a" + strings.Repeat(" CHECK (1)", n) + ")" }},
	{"words of a type", func(n int) string { return "CREATE TABLE t (a" + strings.Repeat(" b", n) + ")" }},
	{"quotes", func(n int) string { return "SELECT '" + strings.Repeat("''", n) }},
	{"WINDOW words", func(n int) string { return "SELECT " + strings.Repeat("window ", n) }},
	{"comment openers", func(n int) string { return strings.Repeat("/*", n) }},
	{"blob openers", func(n int) string { return "SELECT " + strings.Repeat("x'", n) }},
	{"dollar parentheses", func(n int) string { return "SELECT " + strings.Repeat("$a(", n) }},
	{"trigger statements", func(n int) string {
		return "CREATE TRIGGER g AFTER INSERT ON t BEGIN " + strings.Repeat("SELECT 1;", n) + "END"
	}},
}

// TestHostileTextsEndInTimeAndOnTheStack calls Parse without Prepare: the
// front end must not depend on the caller. Time must grow as the text does.
func TestHostileTextsEndInTimeAndOnTheStack(t *testing.T) {
	const n = 20_000
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			var once, fourfold time.Duration
			for range 4 { // a busy machine is not a slow front end
				once, fourfold = best(h.text(n)), best(h.text(4*n))
				if fourfold <= 20*once || fourfold <= 500*time.Millisecond {
					return
				}
			}
			t.Errorf("%v for the text, %v for four times of it", once, fourfold)
		})
	}
}

// best is the shorter of two runs.
func best(text string) time.Duration {
	d := time.Hour
	for range 2 {
		start := time.Now()
		_, _ = New().Parse(text, nil)
		d = min(d, time.Since(start))
	}
	return d
}

func TestTreesAreNotDeeperThanTheLimit(t *testing.T) {
	legal := "SELECT 1" + strings.Repeat("+1", 999) // SQLite's own limit
	if _, err := New().Parse(legal, nil); err != nil {
		t.Fatalf("an expression that SQLite takes: %v", err)
	}
	long := "SELECT 1 WHERE a = 1" + strings.Repeat(" OR a = 1", 50_000)
	if _, err := New().Parse(long, nil); err != nil {
		t.Fatalf("a long flat condition: %v", err)
	}
	for _, text := range []string{
		"SELECT 1" + strings.Repeat("+1", 2*maxDepth),
		"SELECT 1" + strings.Repeat(" UNION SELECT 1", 2*maxDepth),
		"SELECT 1 FROM t" + strings.Repeat(" JOIN t", 2*maxDepth),
		"SELECT " + strings.Repeat("(", 20_000) + "1" + strings.Repeat(")", 20_000),
	} {
		s, err := New().Parse(text, nil)
		if reasonOf(err) != rewrite.ReasonTooDeep {
			t.Errorf("%.20s…: %v", text, err)
		}
		if s == nil || s.Statements != nil || len(s.Tokens) == 0 {
			t.Errorf("%.20s…: the script beside the error", text)
		}
	}
}

func TestErrorsHoldPositionsAndNoText(t *testing.T) {
	cases := []struct {
		name, text string
		pos        int
		tokens     bool
	}{
		{"a word out of place", "SELECT secret FROM WHERE", 19, true},
		{"an end too early", "SELECT secret FROM", 18, true},
		{"a token that is none", "SELECT 'secret", 7, false},
		{"a register", "SELECT #1", 7, true},
		{"a parameter number of zero", "SELECT ?0", 7, true},
		{"a parameter number beyond the limit", "SELECT ?32767", 7, true},
		{"an error in the second statement", "SELECT 1; SELEKT secret", 10, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := New().Parse(c.text, nil)
			var e *rewrite.SyntaxError
			if !errors.As(err, &e) || e.Pos != c.pos {
				t.Fatalf("got %#v", err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Fatalf("the message quotes the text: %v", err)
			}
			if s.Text != c.text || (len(s.Tokens) > 0) != c.tokens || s.Statements != nil {
				t.Fatalf("script beside the error: %+v", s)
			}
		})
	}
	if _, err := New().Parse("SELECT 1\x00", nil); reasonOf(err) != rewrite.ReasonSyntax {
		t.Errorf("NUL byte: %v", err)
	}
}

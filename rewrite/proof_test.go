package rewrite_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// onlyParsing is a front end whose edited texts are proven by parsing alone.
type onlyParsing struct{ rewrite.Frontend }

func (onlyParsing) Tokens(string, *rewrite.Session) rewrite.TokenReader { return nothing{} }

// nothing is a text that cannot be read.
type nothing struct{}

func (nothing) Next(*rewrite.Token) bool { return false }
func (nothing) Sound() bool              { return false }
func (nothing) Skip(int)                 {}

// parseCounter counts the texts that reach the parser.
type parseCounter struct {
	rewrite.Frontend
	parses *atomic.Int64
}

func (f parseCounter) Parse(text string, s *rewrite.Session) (*rewrite.Script, error) {
	f.parses.Add(1)
	return f.Frontend.Parse(text, s)
}

// bothProofs checks that the proof by tokens accepts nothing that the proof by
// parsing rejects: with and without it, planning must come to the same.
func bothProofs(t *testing.T, front rewrite.Frontend, text string, c rewrite.Catalog, s *rewrite.Session, o rewrite.Options, got *rewrite.Plan, gotErr error) {
	t.Helper()
	want, wantErr := rewrite.PlanOnce(onlyParsing{front}, text, c, s, o)
	var x, y *rewrite.UnsupportedError
	if errors.As(gotErr, &x) != errors.As(wantErr, &y) || x != nil && (x.Reason != y.Reason || x.Pos != y.Pos) {
		t.Fatalf("with the proof by tokens: %v\nby parsing alone: %v", gotErr, wantErr)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("with the proof by tokens the plan is\n%+v\nand by parsing alone\n%+v", got, want)
	}
}

// planCase is the input of a case in testdata.
type planCase struct {
	name, text string
	front      rewrite.Frontend
	cat        rewrite.Catalog
	session    *rewrite.Session
	opt        rewrite.Options
}

func planCases(t *testing.T) []planCase {
	files, err := filepath.Glob("testdata/*/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var out []planCase
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sec := map[string]string{}
		for _, f := range txtar.Parse(raw).Files {
			sec[f.Name] = string(f.Data)
		}
		front := frontends[strings.Split(filepath.ToSlash(file), "/")[1]]
		w := parseWorld(t, front.Dialect(), sec["schema"])
		opt, session := parseOptions(t, front.Dialect(), sec["options"])
		out = append(out, planCase{file, strings.TrimSuffix(sec["input.sql"], "\n"), front, w.catalog(session), &session, opt})
	}
	return out
}

func (c *planCase) plan(f rewrite.Frontend) (*rewrite.Plan, error) {
	return rewrite.PlanOnce(f, c.text, c.cat, c.session, c.opt)
}

func TestAMissCostsOneParseWhereTokensProveTheEdits(t *testing.T) {
	args, context := rewrite.Options{HasArgs: true}, rewrite.Options{HasArgs: true, ContextPartition: true}
	for _, x := range []struct {
		name, text string
		opt        rewrite.Options
		parses     int64
	}{
		{"nothing is edited", "SELECT id, ssn FROM users WHERE id = ?", args, 1},
		{"a literal becomes a parameter", "UPDATE users SET ssn = '123-45-6789' WHERE id = 42", args, 1},
		{"a literal is sealed inline", "UPDATE users SET ssn = '123-45-6789' WHERE id = 42", rewrite.Options{}, 1},
		{"a star is written out", "SELECT * FROM users WHERE id = ?", args, 1},
		{"a star is returned", "INSERT INTO users (id, ssn) VALUES (?, ?) RETURNING * /* x */", args, 1},
		{"a column list is written", "INSERT INTO docs VALUES (?, ?, ?, ?)", args, 1},
		{"a column is added", "SELECT title, body FROM docs WHERE id = ?", args, 1},
		{"a search index is asked", "SELECT id, mail FROM people WHERE mail = 'a' AND id > ?", args, 1},
		{"a search index is written", "UPDATE people SET mail = ? WHERE id = ?", args, 1},
		{"a search index is inserted", "INSERT INTO people (id, mail) VALUES (?, ?), (1, NULL)", args, 1},
		{"a condition is added", "UPDATE docs SET body = ? WHERE id = ?", context, 1},
		{"a condition and a value are all that is written", "UPDATE docs SET body = 'x'", context, 1},
		{"a table is defined", "CREATE TABLE users (id int, ssn text, email text)", args, 2},
	} {
		for name, f := range frontends {
			t.Run(x.name+"/"+name, func(t *testing.T) {
				var parses atomic.Int64
				s := &rewrite.Session{MariaDB: true, ModeKnown: true, Version: 101119}
				p := rewrite.NewPlanner(parseCounter{f, &parses}, 10)
				text := numbered(f.Dialect(), x.text)
				cat := benchCatalog(f.Dialect())
				for round, want := range []int64{x.parses, 0, 0} {
					parses.Store(0)
					if _, err := p.Plan(text, cat, s, x.opt); err != nil {
						t.Fatal(err)
					}
					if n := parses.Load(); n != want {
						t.Fatalf("round %d took %d parses, want %d", round, n, want)
					}
				}
			})
		}
	}
}

// TestTokensProveNothingThatParsingRejects changes edited texts in every way
// that a faulty edit could, and asks both proofs.
func TestTokensProveNothingThatParsingRejects(t *testing.T) {
	edited, proofs := 0, 0
	cases := planCases(t)
	for _, c := range testenv.Sample(t, cases, len(cases)/5) {
		x := rewrite.Edit(c.front, c.text, c.cat, c.session, c.opt)
		if x == nil {
			continue
		}
		edited++
		proven := x.Tokens(x.Text, nil)
		if proven {
			proofs++
			if !x.Parsing(x.Text) {
				t.Errorf("%s: only the tokens prove %s", c.name, x.Text)
			}
		}
		r := rand.New(rand.NewPCG(uint64(edited), 7))
		for _, m := range append(faults(x), randomFaults(r, x, 300)...) {
			if m.text == x.Text || !x.Tokens(m.text, m.shift) {
				continue
			}
			if !x.Parsing(m.text) {
				t.Errorf("%s: %s: the tokens prove\n%s\ninstead of\n%s", c.name, m.what, m.text, x.Text)
			}
			if m.strict && strings.ReplaceAll(m.text, " ", "") != strings.ReplaceAll(x.Text, " ", "") {
				t.Errorf("%s: %s goes unnoticed:\n%s\ninstead of\n%s", c.name, m.what, m.text, x.Text)
			}
		}
	}
	if edited < 80 && !testenv.Sampled() || proofs < edited/2 {
		t.Fatalf("%d cases are edited, %d proven by their tokens", edited, proofs)
	}
}

// fault is an edited text as a fault in an edit would leave it. shift moves
// what the edits say of where the text goes on behind them. strict faults must
// be seen by the tokens, whatever the parser makes of them.
type fault struct {
	what, text string
	shift      []int
	strict     bool
}

// faults makes the faults of each edit of x.
func faults(x *rewrite.EditedText) []fault {
	var out []fault
	n := len(x.At)
	from := func(i, by int) []int { // edits from i on lie by further
		s := make([]int, n)
		for k := i; k < n; k++ {
			s[k] = by
		}
		return s
	}
	text := x.Text
	for i, at := range x.At {
		if at.Start < 0 || at.End > len(text) || at.Start >= at.End {
			continue
		}
		written := text[at.Start:at.End]
		put := func(what, w string) {
			out = append(out, fault{what, text[:at.Start] + w + text[at.End:], from(i, len(w)-len(written)), true})
		}
		put("an edit is left out", "")
		put("a quote is missing", strings.TrimRight(written, " \"`'"))
		put("the first quote is missing", strings.TrimLeft(written, " \"`'xXE"))
		put("an edit is written twice", written+written)
		put("a comment swallows the edit", "/*"+written+"*/")
		put("a line comment swallows the edit", "-- "+written+"\n")
		put("a sign stands in front of it", "-"+written)
		put("a comma is added", written+",")
		put("a name is added", written+" x ")
		put("a parenthesis is added", "("+written+")")
		put("another statement is added", written+"; DELETE FROM users")
		if at.Start > 0 {
			prev := text[at.Start-1]
			out = append(out, fault{"an edit begins too early", text[:at.Start-1] + written + string(prev) + text[at.End:], from(n, 0), prev != ' ' && written[0] != prev})
			out = append(out, fault{"a byte in front is lost", text[:at.Start-1] + text[at.Start:], from(i, -1), prev != ' '})
		}
		if at.End < len(text) {
			next := text[at.End]
			out = append(out, fault{"a byte behind is lost", text[:at.End] + text[at.End+1:], from(i+1, -1), next != ' '})
			out = append(out, fault{"an edit ends too late", text[:at.End-1] + string(next) + text[at.End-1:at.End] + text[at.End+1:], from(n, 0), next != text[at.End-1]})
		}
		if i+1 < n && x.At[i+1].Start >= at.End && x.At[i+1].End <= len(text) {
			next := x.At[i+1]
			other := text[next.Start:next.End]
			swapped := text[:at.Start] + other + text[at.End:next.Start] + written + text[next.End:]
			shift := from(i, len(other)-len(written))
			for k := i + 1; k < n; k++ {
				shift[k] = 0
			}
			out = append(out, fault{"two edits are swapped", swapped, shift, strings.TrimSpace(other) != strings.TrimSpace(written)})
		}
	}
	return out
}

// randomFaults changes bytes anywhere.
func randomFaults(r *rand.Rand, x *rewrite.EditedText, n int) []fault {
	const bytes = " '\"`$?:;,.()*-/=!@#_\\\nxXeEnNuU&01a"
	out := make([]fault, 0, n)
	for range n {
		i := r.IntN(len(x.Text) + 1)
		c := string(bytes[r.IntN(len(bytes))])
		var text string
		by := 0
		switch r.IntN(4) {
		case 0:
			text, by = x.Text[:i]+c+x.Text[i:], 1
		case 1:
			i = min(i, len(x.Text)-1)
			text, by = x.Text[:i]+x.Text[i+1:], -1
		case 2:
			i = min(i, len(x.Text)-1)
			text = x.Text[:i] + c + x.Text[i+1:]
		default:
			j := min(len(x.Text), i+r.IntN(12))
			text, by = x.Text[:j]+x.Text[i:j]+x.Text[j:], j-i
		}
		shift := make([]int, len(x.At))
		for k := range shift {
			if x.At[k].End >= i && r.IntN(8) > 0 {
				shift[k] = by
			}
		}
		out = append(out, fault{fmt.Sprintf("a change at %d", i), text, shift, false})
	}
	return out
}

// TestReadersYieldTheTokensOfParse compares the two ways of splitting a text,
// and what a reader says when it goes on in the middle.
func TestReadersYieldTheTokensOfParse(t *testing.T) {
	for _, c := range planCases(t) {
		prepared, err := c.front.Prepare(c.text, c.session)
		if err != nil {
			continue
		}
		script, err := c.front.Parse(prepared, c.session)
		if err != nil || strings.Contains(strings.ToLower(c.text), "u&") {
			continue
		}
		if got := readFrom(c.front.Tokens(prepared, c.session)); !reflect.DeepEqual(got, append([]rewrite.Token{}, script.Tokens...)) {
			t.Fatalf("%s: %v\nwant %v", c.name, got, script.Tokens)
		}
		for i, tok := range script.Tokens {
			if tok.Kind != rewrite.TokQuoted {
				continue
			}
			r := c.front.Tokens(prepared, c.session)
			r.Skip(tok.End)
			if got := readFrom(r); !reflect.DeepEqual(got, append([]rewrite.Token{}, script.Tokens[i+1:]...)) {
				t.Fatalf("%s: behind token %d: %v\nwant %v", c.name, i, got, script.Tokens[i+1:])
			}
		}
	}
}

func readFrom(r rewrite.TokenReader) []rewrite.Token {
	out := []rewrite.Token{}
	for t := new(rewrite.Token); r.Next(t); {
		out = append(out, *t)
	}
	return out
}

// TestPlansKeepNothingOfTheirMaking holds the memory that is used again apart
// from what plans are made of: by type, and by making other plans in it.
func TestPlansKeepNothingOfTheirMaking(t *testing.T) {
	reachable := rewrite.Reachable()
	for _, typ := range rewrite.Reused() {
		if reachable[typ] {
			t.Errorf("a plan can hold a %v, which is used again", typ)
		}
	}
	cases := planCases(t)
	plans, want := make([]*rewrite.Plan, len(cases)), make([]string, len(cases))
	for i := range cases {
		if p, err := cases[i].plan(cases[i].front); err == nil {
			plans[i], want[i] = p, p.Text+"\n"+describePlan(p)
		}
	}
	for i, p := range plans {
		if p == nil {
			continue
		}
		if got := p.Text + "\n" + describePlan(p); got != want[i] {
			t.Errorf("%s: the plan became\n%s\nfrom\n%s", cases[i].name, got, want[i])
		}
	}
}

// TestManyPlanAtOnce shares one catalog, whose lists of columns are made by
// whoever comes first.
func TestManyPlanAtOnce(t *testing.T) {
	for name, f := range frontends {
		cat := benchCatalog(f.Dialect())
		s := &rewrite.Session{MariaDB: true, ModeKnown: true, Version: 101119}
		var group sync.WaitGroup
		for g := range 8 {
			group.Go(func() {
				for i := range 60 {
					alias := fmt.Sprintf("a%d", (i+g)%(2*rewrite.MaxStarLists))
					text := "SELECT " + alias + ".*, o.* FROM users " + alias + ", orders o"
					p, err := rewrite.PlanOnce(f, text, cat, s, rewrite.Options{})
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					q := strings.Trim(f.QuoteIdent("x"), "x")[:1]
					if n := strings.Count(p.Text, q+alias+q+"."); n != 20 {
						t.Errorf("%s: %d columns of %s in %s", name, n, alias, p.Text)
						return
					}
				}
			})
		}
		group.Wait()
	}
}

// FuzzBothProofs plans arbitrary texts with and without the proof by tokens.
func FuzzBothProofs(f *testing.F) {
	dialects := []string{"postgres", "mysql", "sqlite"}
	for _, x := range benchTexts {
		for d, name := range dialects {
			f.Add(uint8(d), true, numbered(frontends[name].Dialect(), x.sql))
		}
	}
	for _, s := range []string{
		"SELECT u.*/* c */,o.* FROM users u,orders o", "INSERT INTO users(id,ssn)VALUES(1,'a''b'),(2,N'c')", "UPDATE docs SET body='x'WHERE(id)=1",
		"SELECT body FROM docs;", "INSERT INTO docs VALUES(1,2,'t',X'41')RETURNING*", "UPDATE users SET (ssn,email)=('a','b')",
		"WITH t AS(SELECT*FROM docs)SELECT*FROM t", "INSERT INTO users(id,ssn)VALUES(?1,?1),(:a,$2)",
	} {
		for d := range dialects {
			f.Add(uint8(d), false, s)
		}
	}
	f.Fuzz(func(t *testing.T, d uint8, args bool, text string) {
		front := frontends[dialects[int(d)%len(dialects)]]
		cat := benchCatalog(front.Dialect())
		s := &rewrite.Session{MariaDB: true, ModeKnown: true, Version: 101119}
		for _, o := range []rewrite.Options{{HasArgs: args}, {HasArgs: args, ContextPartition: true}, {HasArgs: true, Prepare: true}} {
			got, err := rewrite.PlanOnce(front, text, cat, s, o)
			bothProofs(t, front, text, cat, s, o, got, err)
		}
	})
}

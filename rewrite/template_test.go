package rewrite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// counting counts the texts that are parsed.
type counting struct {
	rewrite.Frontend
	parsed atomic.Int64
}

func (c *counting) Parse(text string, s *rewrite.Session) (*rewrite.Script, error) {
	c.parsed.Add(1)
	return c.Frontend.Parse(text, s)
}

// place is a plain literal of a text.
type place struct {
	start, end int
	number     bool
}

func literalPlaces(front rewrite.Frontend, text string, s *rewrite.Session) (out []place) {
	r := front.Tokens(text, s)
	for t := (rewrite.Token{}); r.Next(&t); {
		_, err := strconv.ParseFloat(text[t.Start:t.End], 64)
		switch {
		case t.Kind == rewrite.TokString, t.Kind == rewrite.TokNumber && err == nil:
			out = append(out, place{t.Start, t.End, t.Kind == rewrite.TokNumber})
		}
	}
	return out
}

// substitutes are put in the place of literals. {n} makes each another value.
var substitutes = struct{ strings, numbers []string }{
	strings: []string{"''", "'x{n}'", "'SECRET'", "'{n}'", "'a longer value, with ''quotes'' {n}'", "'trailing {n} '", "'é {n} 😀'", `'back\\slash{n}'`, "'SELECT {n} /* -- */'", "' ? $1 :a '", "'0'"},
	numbers: []string{"0", "{n}", "1234567{n}", "99999999999999999999{n}", "1.{n}", "00{n}"},
}

// replaced returns the text with every literal in the set replaced.
func replaced(text string, places []place, which func(int) bool, round int) string {
	var b strings.Builder
	at := 0
	for i, p := range places {
		if !which(i) {
			continue
		}
		list := substitutes.strings
		if p.number {
			list = substitutes.numbers
		}
		sub := strings.ReplaceAll(list[round%len(list)], "{n}", strconv.Itoa(i+10*round+7))
		b.WriteString(text[at:p.start] + sub)
		at = p.end
	}
	return b.String() + text[at:]
}

// TestTemplatesPlanAsTextsDo replaces the literals of every case, one by one and
// all together, and compares what the planner makes of the text, having seen the
// case, with the plan of the text by itself.
func TestTemplatesPlanAsTextsDo(t *testing.T) {
	at := describeLiteral
	describeLiteral = func(l *rewrite.Literal) string { return fmt.Sprintf("literal %d %q", l.Kind, l.Value) }
	defer func() { describeLiteral = at }()
	files, err := filepath.Glob("testdata/*/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var texts, hits int
	for _, file := range testenv.Sample(t, files, len(files)/5) {
		front := &counting{Frontend: frontends[strings.Split(filepath.ToSlash(file), "/")[1]]}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sec := map[string]string{}
		for _, f := range txtar.Parse(raw).Files {
			sec[f.Name] = string(f.Data)
		}
		opt, sess := parseOptions(t, front.Dialect(), sec["options"])
		cat := parseWorld(t, front.Dialect(), sec["schema"]).catalog(sess)
		input := strings.TrimSuffix(sec["input.sql"], "\n")
		places := literalPlaces(front, input, &sess)
		p := rewrite.NewPlanner(front, 64)
		_, _ = p.Plan(input, cat, &sess, opt)
		check := func(text string) {
			texts++
			front.parsed.Store(0)
			got, gotErr := p.Plan(text, cat, &sess, opt)
			if front.parsed.Load() == 0 {
				hits++
			}
			want, wantErr := rewrite.PlanOnce(front, text, cat, &sess, opt)
			if d := differentPlans(got, want, gotErr, wantErr); d != "" {
				t.Errorf("%s: %s\n%s", file, text, d)
			}
		}
		for round := range len(substitutes.strings) {
			check(replaced(input, places, func(int) bool { return true }, round))
			for i := range places {
				check(replaced(input, places, func(k int) bool { return k == i }, round))
			}
		}
	}
	t.Logf("%d texts, %d planned from a template or the cache", texts, hits)
	if hits < texts/20 {
		t.Errorf("templates serve %d of %d texts only", hits, texts)
	}
}

func differentPlans(got, want *rewrite.Plan, gotErr, wantErr error) string {
	if (gotErr == nil) != (wantErr == nil) {
		return fmt.Sprintf("got error %v, want %v", gotErr, wantErr)
	}
	if wantErr != nil {
		var g, w *rewrite.UnsupportedError
		if !errors.As(gotErr, &g) || !errors.As(wantErr, &w) || *g != *w {
			return fmt.Sprintf("got error %v, want %v", gotErr, wantErr)
		}
		return ""
	}
	g, w := planText(got), planText(want)
	if g != w {
		return "got:\n" + g + "want:\n" + w
	}
	return ""
}

func planText(p *rewrite.Plan) string {
	return fmt.Sprintf("%q\n%sparams %d names %v writes %v\n", p.Text, describePlan(p), p.Params, p.ParamNames, p.Writes)
}

// bunLike are the statements of a program that writes every value into its
// texts; {n} is a number and {s} a string, others each time.
var bunLike = []string{
	`SELECT "u"."id", "u"."ssn", "u"."note" FROM "users" AS "u" WHERE ("u"."id" = {n})`,
	`SELECT "u"."id", "u"."ssn" FROM "users" AS "u" WHERE ("u"."note" = '{s}') AND ("u"."id" IN ({n}, {n}, {n})) ORDER BY "u"."id" DESC LIMIT 20`,
	`INSERT INTO "users" ("id", "tenant_id", "ssn", "email", "note") VALUES ({n}, '{s}', '{s}', NULL, '{s}'), ({n}, '{s}', '{s}', '{s}', DEFAULT)`,
	`UPDATE "users" AS "u" SET "ssn" = '{s}', "note" = '{s}' WHERE ("u"."id" = {n})`,
	`UPDATE "users" SET "email" = '{s}' WHERE "id" BETWEEN {n} AND {n}`,
	`DELETE FROM "users" WHERE ("id" = {n}) AND ("note" <> '{s}')`,
	`INSERT INTO "orders" ("id", "user_id", "total", "memo") VALUES ({n}, {n}, {n}, '{s}')`,
	`SELECT count(*) FROM "orders" AS "o" WHERE ("o"."user_id" = {n}) AND ("o"."memo" = '{s}')`,
}

// TestDistinctLiteralsHitTheCache runs a workload in which no text comes twice.
func TestDistinctLiteralsHitTheCache(t *testing.T) {
	for name, front := range frontends {
		t.Run(name, func(t *testing.T) {
			c := &counting{Frontend: front}
			p, cat, sess := bunWorld(t, c)
			const rounds = 1000
			misses := 0
			for i := range rounds {
				for k := range bunLike {
					c.parsed.Store(0)
					text := bunText(front.Dialect(), bunLike[k], i)
					plan, err := p.Plan(text, cat, &sess, rewrite.Options{})
					if err != nil {
						t.Fatalf("%s: %v", text, err)
					}
					if plan.Pass != strings.Contains(text, "orders") && plan.Pass != strings.HasPrefix(text, "DELETE") {
						t.Fatalf("%s: pass %v", text, plan.Pass)
					}
					if c.parsed.Load() > 0 {
						misses++
					}
				}
			}
			t.Logf("%d of %d planned in full", misses, rounds*len(bunLike))
			if n := rounds * len(bunLike); misses*100 > n {
				t.Errorf("%d of %d statements were planned in full", misses, n)
			}
		})
	}
}

func bunWorld(t testing.TB, front rewrite.Frontend) (*rewrite.Planner, rewrite.Catalog, rewrite.Session) {
	w := parseWorld(t, front.Dialect(), `table users
  id int
  tenant_id text
  ssn bytea sealed text
  email bytea sealed text
  note text
  unique id
table orders
  id int
  user_id int
  total int
  memo text
`)
	_, sess := parseOptions(t, front.Dialect(), "")
	return rewrite.NewPlanner(front, 256), w.catalog(sess), sess
}

func bunText(d rewrite.Dialect, text string, i int) string {
	if d == rewrite.MySQL {
		text = strings.ReplaceAll(text, `"`, "`")
	}
	if d == rewrite.SQLite {
		text = strings.ReplaceAll(text, "DEFAULT", "NULL")
	}
	for n := 0; strings.Contains(text, "{"); n++ {
		text = strings.Replace(text, "{n}", strconv.Itoa(1000*i+n), 1)
		text = strings.Replace(text, "{s}", fmt.Sprintf("value ''%d'' of %d", n, i), 1)
	}
	return text
}

// BenchmarkInlinedLiterals compares a statement whose literals were not seen
// before with one that is planned in full and one that is cached as it is.
func BenchmarkInlinedLiterals(b *testing.B) {
	for _, name := range []string{"postgres", "mysql", "sqlite"} {
		front := frontends[name]
		p, cat, sess := bunWorld(b, front)
		texts := make([][]string, len(bunLike))
		for k := range bunLike {
			for i := range 512 {
				texts[k] = append(texts[k], bunText(front.Dialect(), bunLike[k], i))
			}
		}
		text := func(i int) string { return texts[i%len(bunLike)][1+i/len(bunLike)%511] }
		b.Run(name+"/template", func(b *testing.B) {
			for k := range bunLike {
				_, _ = p.Plan(texts[k][0], cat, &sess, rewrite.Options{})
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := p.Plan(text(i), cat, &sess, rewrite.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/full", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := rewrite.PlanOnce(front, text(i), cat, &sess, rewrite.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/cached", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := p.Plan(texts[i%len(bunLike)][0], cat, &sess, rewrite.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

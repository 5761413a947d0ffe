package rewrite_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// attackFor is how long each dialect is attacked with random seeds; without it a
// fixed number of mutants is made.
var attackFor = flag.Duration("attack", 0, "attack each dialect with mutated statements for so long")

// canaryText is the value that must not leave.
const canaryText = "CANARYq7z"

// origin is a case with the world that its mutants live in.
type origin struct {
	planCase
	w               *world
	tables, columns []string
}

// attack is what mutants of one dialect are made of.
type attack struct {
	front   rewrite.Frontend
	m       *mutator
	origins []origin
	corpus  []string
}

func newAttack(t testing.TB, dialect string) *attack {
	files, err := filepath.Glob("testdata/" + dialect + "/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	front := frontends[dialect]
	_, session := parseOptions(t, front.Dialect(), "")
	x := &attack{front: front, m: newMutator(front, &session), corpus: corpusTexts(t, dialect)}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sec := map[string]string{}
		for _, f := range txtar.Parse(raw).Files {
			sec[f.Name] = string(f.Data)
		}
		w := parseWorld(t, front.Dialect(), sec["schema"])
		opt, session := parseOptions(t, front.Dialect(), sec["options"])
		tables, columns := w.names()
		text := strings.TrimSuffix(sec["input.sql"], "\n")
		x.origins = append(x.origins, origin{planCase{file, text, front, w.catalog(session), &session, opt}, w, tables, columns})
		x.m.learn(text)
	}
	for _, text := range x.corpus {
		x.m.learn(text)
	}
	return x
}

// corpusTexts are statements of other programs; none in a bare clone.
func corpusTexts(t testing.TB, dialect string) (out []string) {
	dir := testenv.Shared(t)
	if dir == "" {
		return nil
	}
	f, err := os.Open(filepath.Join(dir, "sql-corpus", dialect+".jsonl"))
	if err != nil {
		return nil
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var x struct{ SQL string }
		if json.Unmarshal(lines.Bytes(), &x) == nil && len(x.SQL) < 1500 {
			out = append(out, x.SQL)
		}
	}
	return out
}

// outcomes count what became of mutants.
type outcomes struct{ texts, refused, passed, planned int }

// mutant makes the statement of a seed and plans it: it must not panic, and
// neither the plan nor the error may hold the canary.
func (x *attack) mutant(t testing.TB, seed, n uint64, count *outcomes) {
	r := rand.New(rand.NewPCG(seed, n))
	c := &x.origins[r.IntN(len(x.origins))]
	text := c.text
	if len(x.corpus) > 0 && r.IntN(4) == 0 {
		text = x.corpus[r.IntN(len(x.corpus))]
	}
	x.m.last = text
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("seed %d, %d: panic %v on %s", seed, n, p, x.m.last)
		}
	}()
	text = x.m.mutate(r, text, c.tables, c.columns, 1+r.IntN(5))
	text = marked(r, x.front.Dialect(), text, canaryText, r.IntN(2) == 0)
	x.m.last = text
	opt := c.opt
	switch r.IntN(6) {
	case 0:
		opt.HasArgs = !opt.HasArgs
	case 1:
		opt.ContextPartition = !opt.ContextPartition
	case 2:
		opt.Prepare = !opt.Prepare
	}
	count.texts++
	began := time.Now()
	p, err := rewrite.PlanOnce(x.front, text, c.cat, c.session, opt)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("seed %d, %d: %v for %s", seed, n, took, text)
	}
	if err != nil {
		count.refused++
		x.refusal(t, seed, n, text, err)
		return
	}
	if p.Pass {
		count.passed++
	} else {
		count.planned++
	}
	if p.First != nil {
		_ = p.First.Text(make([]rewrite.Found, len(p.First.Lookups)), p.First.StandIns(x.front))
	}
	_ = describePlan(p)
	if r.IntN(4) == 0 {
		x.template(t, c, text, opt, int(seed+n))
	}
	if how := judge(x.front, c.w, c.session, p, canaryText); how != "" {
		t.Errorf("seed %d, %d: a value goes out %s: %s\n%s\nas %s", seed, n, how, c.name, text, p.Text)
	}
}

// template compares what the planner makes of the text with other literals, having
// seen it with its own, with the plan of that text by itself (threats T7).
func (x *attack) template(t testing.TB, c *origin, text string, opt rewrite.Options, round int) {
	at := describeLiteral
	describeLiteral = func(l *rewrite.Literal) string { return fmt.Sprintf("literal %d %q", l.Kind, l.Value) }
	defer func() { describeLiteral = at }()
	places := literalPlaces(x.front, text, c.session)
	if len(places) == 0 || round < 0 {
		return
	}
	p := rewrite.NewPlanner(x.front, 8)
	_, _ = p.Plan(text, c.cat, c.session, opt)
	only := round % (len(places) + 1) // that one, or all
	other := replaced(text, places, func(i int) bool { return only == len(places) || i == only }, round)
	x.m.last = other
	got, gotErr := p.Plan(other, c.cat, c.session, opt)
	want, wantErr := rewrite.PlanOnce(x.front, other, c.cat, c.session, opt)
	if d := differentPlans(got, want, gotErr, wantErr); d != "" {
		t.Errorf("%s: %s\nafter %s\n%s", c.name, other, text, d)
	}
}

func (x *attack) refusal(t testing.TB, seed, n uint64, text string, err error) {
	var u *rewrite.UnsupportedError
	switch {
	case !errors.As(err, &u):
		t.Errorf("seed %d, %d: error of type %T: %s", seed, n, err, text)
	case u.Reason == rewrite.ReasonFault:
		t.Errorf("seed %d, %d: %v: %s", seed, n, err, text)
	case u.Pos < -1 || u.Pos > len(text):
		t.Errorf("seed %d, %d: position %d is outside of %s", seed, n, u.Pos, text)
	case strings.Contains(u.Error(), canaryText) && !strings.Contains(u.Error(), "("+canaryText+")"): // a name without quotes
		t.Errorf("seed %d, %d: the error holds the value: %v", seed, n, u)
	}
}

// TestMutatedStatementsNeitherPanicNorLeak plans statements made out of the cases
// and of those of other programs, with a value that is marked in places where
// nobody expects one.
func TestMutatedStatementsNeitherPanicNorLeak(t *testing.T) {
	for _, dialect := range []string{"postgres", "mysql", "sqlite"} {
		t.Run(dialect, func(t *testing.T) {
			x := newAttack(t, dialect)
			seed, texts := uint64(1), uint64(10_000)
			if *attackFor > 0 {
				seed, texts = rand.Uint64(), 1<<62
			} else if testing.Short() || testenv.Sampled() {
				texts /= 10
			}
			var count outcomes
			began := time.Now()
			for n := uint64(0); n < texts && (*attackFor == 0 || time.Since(began) < *attackFor); n++ {
				x.mutant(t, seed, n, &count)
			}
			t.Logf("seed %d: %+v", seed, count)
			if count.planned < count.texts/100 || count.passed < count.texts/100 {
				t.Errorf("%+v: the test proves little", count)
			}
		})
	}
}

// FuzzMutants is the same with seeds of the fuzzer.
func FuzzMutants(f *testing.F) {
	dialects := []string{"postgres", "mysql", "sqlite"}
	attacks := map[string]*attack{}
	for i, d := range dialects {
		attacks[d] = newAttack(f, d)
		f.Add(uint8(i), uint64(7), uint64(i))
	}
	f.Fuzz(func(t *testing.T, d uint8, seed, n uint64) {
		attacks[dialects[int(d)%len(dialects)]].mutant(t, seed, n, &outcomes{})
	})
}

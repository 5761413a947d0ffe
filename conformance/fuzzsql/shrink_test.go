package fuzzsql_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// failure is a difference with what leads to it.
type failure struct {
	p       *pair
	seed    uint64
	number  int
	plans   int
	problem string
	before  []statement // since the tables were filled
	choices []uint16
	st      statement
	until   time.Time // shrinking ends
}

// make makes the statement of a list of choices.
func (f *failure) make(choices []uint16) statement {
	d := &dice{replay: choices, fixed: true}
	return newGenerator(f.p.w, d, rand.New(rand.NewPCG(f.seed, uint64(f.number)<<32))).statement()
}

// repeat fills the tables, runs the statements before and then st, and reports
// what is different; "" for nothing.
func (f *failure) repeat(before []statement, st statement) string {
	h := &history{}
	h.end(f.p)
	f.p.fill(rowsAtFirst)
	h.begin(f.p)
	defer h.end(f.p)
	for _, s := range before {
		_ = f.p.check(s)
	}
	if v := f.p.check(st); v.problem != "" {
		return v.problem
	}
	return f.p.compareTables(nil)
}

// shrink leaves out and simplifies what is not needed for the difference.
func (f *failure) shrink() {
	f.until = time.Now().Add(20 * time.Second)
	fails := func(before []statement, st statement) bool {
		return time.Now().Before(f.until) && f.repeat(before, st) != ""
	}
	switch {
	case fails(nil, f.st):
		f.before = nil
	case !fails(f.before, f.st):
		f.problem += "\n(not seen again when repeated: the whole world of the seed is needed)"
		return
	}
	for size := len(f.before); size >= 1; size /= 2 {
		for at := 0; at+size <= len(f.before); {
			if less := slices.Concat(f.before[:at], f.before[at+size:]); fails(less, f.st) {
				f.before = less
			} else {
				at += size
			}
		}
	}
	f.choices = simpler(f.choices, func(c []uint16) bool { return fails(f.before, f.make(c)) })
	if st := f.make(f.choices); fails(f.before, st) {
		f.st = st
	}
	if problem := f.repeat(f.before, f.st); problem != "" {
		f.problem = problem
	}
}

// String describes a difference so that it can be repeated.
func (f *failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nseed %d, statement %d, mode %q, plan_cache %d\n", f.problem, f.seed, f.number, f.p.mode, f.plans)
	for _, st := range append(slices.Clone(f.before), f.st) {
		fmt.Fprintf(&b, "> %s\n  arguments %v", st.text, st.args)
		if st.prepared {
			b.WriteString(", prepared")
		}
		if st.partition != "" {
			fmt.Fprintf(&b, ", partition %s", st.partition)
		}
		b.WriteByte('\n')
	}
	for _, t := range f.p.w.tables {
		fmt.Fprintf(&b, "  %s; encrypted:", f.p.w.create(t, true))
		for _, c := range t.sealed() {
			b.WriteString(" " + c.name)
			if c.any() {
				b.WriteString(" (" + c.describe() + ")")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// The choices of a statement make it again, and a predicate that needs one
// construct keeps only that.
func TestChoicesAreRepeatedAndShrunk(t *testing.T) {
	w := newWorld(newDice(1, 1), engines[1].dialect)
	f := &failure{p: &pair{w: w}, seed: 1, number: 7}
	long := 0
	for i := range uint64(200) {
		d := newDice(1, i)
		st := newGenerator(w, d, rand.New(rand.NewPCG(1, 7<<32))).statement()
		choices := d.end()
		if got := f.make(choices); got.text != st.text || !slices.EqualFunc(got.args, st.args, same) {
			t.Fatalf("made again:\n%s\n%s", got.text, st.text)
		}
		if !strings.Contains(st.text, "EXISTS") {
			continue
		}
		fewer := simpler(choices, func(c []uint16) bool { return strings.Contains(f.make(c).text, "EXISTS") })
		if len(fewer) > len(choices) {
			t.Errorf("%d choices became %d", len(choices), len(fewer))
		}
		long = max(long, len(f.make(fewer).text))
	}
	if long == 0 || long > 400 {
		t.Errorf("shrunk to %d bytes", long)
	}
}

package rewrite_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// brittle is a front end that panics where it is told to.
type brittle struct {
	rewrite.Frontend
	at string
}

func (b *brittle) crash(at string) {
	if b.at == at {
		var none []int
		panic("thrown with SECRET" + string(rune(len(none))))
	}
}

func (b *brittle) Prepare(text string, s *rewrite.Session) (string, error) {
	b.crash("prepare")
	return b.Frontend.Prepare(text, s)
}

func (b *brittle) Parse(text string, s *rewrite.Session) (*rewrite.Script, error) {
	b.crash("parse")
	return b.Frontend.Parse(text, s)
}

func (b *brittle) Tokens(text string, s *rewrite.Session) rewrite.TokenReader {
	b.crash("tokens")
	return b.Frontend.Tokens(text, s)
}

func (b *brittle) AppendPlaceholder(dst []byte, n int) []byte {
	b.crash("edit")
	return b.Frontend.AppendPlaceholder(dst, n)
}

// brittleCatalog panics in the middle of the analysis.
type brittleCatalog struct {
	rewrite.Catalog
	on *bool
}

func (c brittleCatalog) Relation(path []rewrite.Ident) *rewrite.Relation {
	if *c.on {
		var none []int
		_ = none[len(path)]
	}
	return c.Catalog.Relation(path)
}

// TestAPanicWhilePlanningIsARefusal: whatever goes wrong in sealsql, the program
// goes on, nothing of what was thrown is shown, and what is planned next is right.
func TestAPanicWhilePlanningIsARefusal(t *testing.T) {
	const text = "UPDATE users SET ssn = 'SECRET' WHERE id = 7"
	for name, front := range frontends {
		for _, at := range []string{"prepare", "parse", "tokens", "edit", "analysis"} {
			if at == "edit" && front.Dialect() != rewrite.Postgres { // whose placeholders have numbers
				continue
			}
			t.Run(name+"/"+at, func(t *testing.T) {
				f := &brittle{Frontend: front}
				on := false
				cat := brittleCatalog{benchCatalog(front.Dialect()), &on}
				s := &rewrite.Session{MariaDB: true, ModeKnown: true, Version: 101119}
				o := rewrite.Options{HasArgs: true}
				p := rewrite.NewPlanner(f, 10)
				f.at, on = at, at == "analysis"
				plans := []func() (*rewrite.Plan, error){
					func() (*rewrite.Plan, error) { return p.Plan(text, cat, s, o) },
					func() (*rewrite.Plan, error) { return rewrite.PlanOnce(f, text, cat, s, o) },
				}
				if at == "tokens" { // the form of the text asks for them, edits need not
					plans = plans[:1]
				}
				for _, plan := range plans {
					got, err := plan()
					var u *rewrite.UnsupportedError
					if got != nil || !errors.As(err, &u) || u.Reason != rewrite.ReasonFault {
						t.Fatalf("got %v, %v", got, err)
					}
					if !strings.Contains(u.Hint, "fault_test.go:") || strings.Contains(err.Error(), "SECRET") {
						t.Fatalf("the error is %v", err)
					}
				}
				f.at, on = "", false
				other := "UPDATE users SET ssn = 'other' WHERE id = 8"
				got, err := p.Plan(other, cat, s, o)
				want, wantErr := rewrite.PlanOnce(front, other, cat, s, o)
				if d := differentPlans(got, want, err, wantErr); d != "" {
					t.Fatal(d)
				}
			})
		}
	}
}

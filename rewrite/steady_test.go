package rewrite_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// A statement has one plan and one error, whoever makes it: caches of several
// processes, logs and bug reports are compared by them. Go walks a map in
// another order each time, so that some runs find what depends on it.
func TestPlansAndErrorsAreTheSameEachTime(t *testing.T) {
	const rounds = 2
	var first []string
	for round := range rounds {
		for i, c := range planCases(t) {
			got := planned(c)
			if round == 0 {
				first = append(first, got)
			} else if got != first[i] {
				t.Errorf("%s: the plan is once\n%s\nand once\n%s", c.name, first[i], got)
			}
		}
	}
}

func planned(c planCase) string {
	plan, err := rewrite.PlanOnce(c.front, c.text, c.cat, c.session, c.opt)
	if err != nil {
		return err.Error()
	}
	return plan.Text + "\n" + describePlan(plan)
}

// What has ties in it is planned often enough that another order would show.
func TestTiesAreDecidedByTheOrderOfTheText(t *testing.T) {
	cases := []struct{ name, dialect, schema, text, want string }{
		{
			"number of 16 that looks like one of 2", "sqlite", "table t\n  id int\n  c blob sealed text\n",
			"SELECT id, c FROM t ORDER BY 0x0b1", "no column of that number",
		},
		{
			"condition beside values of two columns", "sqlite", "table t\n  id int\n  c blob sealed text\n  d blob sealed text\n",
			"UPDATE t SET d = CASE WHEN ?1 <> '' THEN ?2 ELSE d END, c = CASE WHEN ?1 <> '' THEN ?3 ELSE c END", "(t.d)",
		},
	}
	for _, c := range cases {
		front := frontends[c.dialect]
		for range 40 {
			w := parseWorld(t, front.Dialect(), c.schema)
			opt, session := parseOptions(t, front.Dialect(), "")
			got := planned(planCase{c.name, c.text, front, w.catalog(session), &session, opt})
			if !strings.Contains(got, c.want) {
				t.Fatalf("%s: %s", c.name, got)
			}
		}
	}
}

package lint

import (
	"cmp"
	"slices"

	"github.com/sealsql/sealsql/internal/explain"
	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// Report is what a run found. Its JSON form is stable: members are added, not
// changed.
type Report struct {
	Version int    `json:"version"`
	Dialect string `json:"dialect"`
	// Catalog says what was known of the database: "none", "inferred",
	// "schema" or "database".
	Catalog  string    `json:"catalog"`
	Findings []Finding `json:"findings"`
	// Unreadable are places that could not be read; a run with such has failed.
	Unreadable []Unreadable `json:"unreadable"`
	// Variable are calls whose text is not a constant.
	Variable []Place `json:"variable"`
	Summary  Summary `json:"summary"`
}

// Finding is a statement that is refused.
type Finding struct {
	File    string `json:"file"`
	Query   string `json:"query,omitempty"`
	Dialect string `json:"dialect"`
	explain.Refusal
}

// Place is a place in a file; Line and Column count from 1, Column characters.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Unreadable is a place that could not be read.
type Unreadable struct {
	Place
	Message string `json:"message"`
}

// Summary counts.
type Summary struct {
	Files      int `json:"files"`
	Statements int `json:"statements"`
	// Planned statements touch encrypted columns, Passed ones do not. Planned,
	// Passed and Refused make up Statements.
	Planned int `json:"planned"`
	Passed  int `json:"passed"`
	Refused int `json:"refused"`
	// NotUnderstood are those of Passed and Refused that no parser reads.
	NotUnderstood int     `json:"not_understood"`
	Reasons       []Count `json:"reasons"`
}

// Count is how often a reason occurred.
type Count struct {
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

func newReport(o Options) *Report {
	return &Report{
		Version: 1, Dialect: o.Dialect, Catalog: o.World.Known,
		Findings: []Finding{}, Unreadable: []Unreadable{}, Variable: []Place{}, Summary: Summary{Reasons: []Count{}},
	}
}

func place(p script.Place) Place { return Place{p.File, p.Line, p.Column} }

func (r *Report) fault(f Fault) {
	r.Unreadable = append(r.Unreadable, Unreadable{place(f.Place), f.Message})
}

func (r *Report) count(v explain.Verdict) {
	s := &r.Summary
	s.Statements++
	switch {
	case v.Refusal != nil:
		s.Refused++
		r.reason(v.Refusal.Reason)
	case v.Plan.Pass:
		s.Passed++
	default:
		s.Planned++
	}
	if v.Parsed == nil {
		s.NotUnderstood++
	}
}

func (r *Report) reason(why rewrite.Reason) {
	s := &r.Summary
	for i := range s.Reasons {
		if s.Reasons[i].Rule == why.Name() {
			s.Reasons[i].Count++
			return
		}
	}
	s.Reasons = append(s.Reasons, Count{why.Name(), why.String(), 1})
}

func (r *Report) finish() {
	sortFindings(r.Findings)
	slices.SortFunc(r.Summary.Reasons, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rule, b.Rule))
	})
}

// Clean reports whether nothing is refused and everything could be read.
func (r *Report) Clean() bool { return len(r.Findings) == 0 && len(r.Unreadable) == 0 }

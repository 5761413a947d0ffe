package explain

import (
	"fmt"
	"strings"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// Statuses of a statement.
const (
	StatusPasses  = "passes"  // text and arguments go out as they came
	StatusPlanned = "planned" // something is sealed, opened or edited
	StatusRefused = "refused" // nothing is sent
)

// Report is what is said about one statement.
type Report struct {
	// Line and Column are where the statement begins, from 1.
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Status string `json:"status"`
	// Understood is false where no parser reads the text.
	Understood bool `json:"understood"`
	// Text is what is sent; of a refused statement what was given.
	Text       string `json:"text"`
	Parameters []Line `json:"parameters,omitempty"`
	Added      []Line `json:"added,omitempty"`
	Results    []Line `json:"results,omitempty"`
	// Searches are the search indexes that conditions of the statement use.
	Searches []Line   `json:"searches,omitempty"`
	Checks   []string `json:"checks,omitempty"`
	Filters  []string `json:"filters,omitempty"`
	// Sorted says by what the driver sorts the rows, and up to how many.
	Sorted []string `json:"sorted,omitempty"`
	// Verified are the indexes that are compared with the values of each row.
	Verified []string `json:"verified,omitempty"`
	// Steps are the statements that are run in its place, in one transaction:
	// lookups of keys, and last the statement with the keys, here with none.
	Steps   []Report `json:"steps,omitempty"`
	Refusal *Refusal `json:"refusal,omitempty"`
}

// Line says what becomes of one parameter or result column, or that a search
// index is used.
type Line struct {
	// Number counts the caller's parameters, the arguments or literals that are
	// sent, or the result columns, from 1.
	Number int `json:"number"`
	// Name is the parameter as the statement writes it, what is added, the
	// result column, which may have no name, or the index.
	Name string `json:"name,omitempty"`
	// Action is "clear", "sealed" (nothing in clear), "split" (in clear as
	// well), "opened", "partition", "hidden", "compared" (a cell with its value) or "searched".
	Action string `json:"action"`
	// Uses are the encrypted columns concerned and what is done for each.
	Uses []Use `json:"uses,omitempty"`
	// SentAs are the placeholders of the text that is sent, where they differ.
	SentAs []string `json:"sent_as,omitempty"`
	Leaks  []Leak   `json:"leaks"`
}

// Use is what is done with a value of an encrypted column.
type Use struct {
	// What is "sealed" (a record is sent), "indexed" (its hash is stored in the
	// search index), "compared" (its hash is compared with the index) or
	// "opened".
	What   string `json:"what"`
	Column string `json:"column"`
	Type   string `json:"type"`
	// Format is that of the records, "compact" or "asherah".
	Format string `json:"format,omitempty"`
	// Index is the column of the search index.
	Index string `json:"index,omitempty"`
	// Kind is the kind of the index where it is not one for equality: "order",
	// "range", "prefix", "suffix", "contains", "compound".
	Kind string `json:"kind,omitempty"`
	// Partition says where the partition comes from; empty for an index over
	// all partitions.
	Partition string `json:"partition,omitempty"`
	// Row says where the identity of the row comes from that the value is bound
	// to; empty for columns that do not bind rows.
	Row string `json:"row,omitempty"`
}

// The formats.
const (
	formatCompact = "compact"
	formatAsherah = "asherah"
)

// The uses.
const (
	useSealed   = "sealed"
	useIndexed  = "indexed"
	useCompared = "compared"
	useDecided  = "decided"
	useOpened   = "opened"
)

// Refusal says why a statement is refused.
type Refusal struct {
	Rule    string `json:"rule"`
	Reason  string `json:"reason"`
	Subject string `json:"subject,omitempty"`
	// Line and Column of the place, from 1; those of the statement where the
	// refusal has none.
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Hint   string `json:"hint,omitempty"`
	// Excerpt is the line of the place, Caret the number of characters before
	// it there. It is empty where values cannot be told from the rest.
	Excerpt string `json:"excerpt,omitempty"`
	Caret   int    `json:"caret"`
}

// Describe makes the report of a verdict.
func Describe(v Verdict, text script.Text, m Masker) Report {
	place := text.Place(0)
	r := Report{Line: place.Line, Column: place.Column, Understood: v.Parsed != nil}
	if v.Refusal != nil {
		masked := m.Mask(text.SQL, v.Parsed)
		r.Status, r.Text, r.Refusal = StatusRefused, masked.Text, Refused(v.Refusal, text, masked)
		return r
	}
	if first := v.Plan.First; first != nil {
		r.Status, r.Text, r.Steps = StatusPlanned, m.Mask(text.SQL, v.Parsed).Text, steps(first, text, m)
		return r
	}
	if s := v.Plan.Sorted; s != nil {
		sent := text
		sent.SQL = s.Text
		r = Describe(Verdict{Plan: s.Plan, Parsed: Parse(m.Front, s.Text, m.Session)}, sent, m)
		r.Line, r.Column, r.Status, r.Understood = place.Line, place.Column, StatusPlanned, true
		r.Sorted = sortedBy(s)
		return r
	}
	d := describer{plan: v.Plan, given: v.Parsed, dialect: m.Front.Dialect(), front: m.Front}
	r.Status = StatusPlanned
	if v.Plan.Pass {
		r.Status = StatusPasses
	}
	d.sent = Parse(m.Front, v.Plan.Text, m.Session)
	if d.shape = d.sent; len(v.Plan.Holes) > 0 {
		d.shape = Parse(m.Front, v.Plan.Shape(m.Front), m.Session)
	}
	r.Text = d.text(m)
	r.Parameters, r.Added = d.parameters(), d.added()
	r.Results = d.results(func(name string) bool { return m.ShowLiterals || strings.Contains(r.Text, name) })
	r.Searches, r.Checks, r.Filters = d.searches(), d.checks(), d.filters()
	for _, v := range v.Plan.Verifies {
		r.Verified = append(r.Verified, fmt.Sprintf("the index %s of %s, computed again of each value", v.Index.Physical(), v.Index.Column()))
	}
	return r
}

// sortedBy says what the driver sorts by.
func sortedBy(s *rewrite.ClientSort) []string {
	var out []string
	for i, k := range s.Keys {
		switch {
		case len(s.Extremes) > 0 && s.Extremes[i].Max:
			out = append(out, "the greatest "+k.Column.String()+", of the opened rows")
		case len(s.Extremes) > 0:
			out = append(out, "the smallest "+k.Column.String()+", of the opened rows")
		case k.Column == nil:
			out = append(out, "a clear key, by the rank that the server gives it")
		case k.Desc:
			out = append(out, k.Column.String()+", descending, of the opened rows")
		default:
			out = append(out, k.Column.String()+", of the opened rows")
		}
	}
	switch {
	case s.Apart == 0:
	case s.Apart == len(s.Keys):
		out = append(out, "one of the rows that are equal by all of these")
	default:
		out = append(out, fmt.Sprintf("the first of the rows that are equal by the first %d of these", s.Apart))
	}
	limit := "of all rows"
	if s.Limit != nil {
		limit = "before LIMIT is applied"
	}
	return append(out, fmt.Sprintf("at most %d rows, %s; more are an error", s.Most, limit))
}

// steps describes what is run for a statement whose keys are looked up first.
func steps(k *rewrite.KeysFirst, of script.Text, m Masker) []Report {
	step := func(p *rewrite.Plan, sql string) Report {
		t := of
		t.SQL = sql
		r := Describe(Verdict{Plan: p, Parsed: Parse(m.Front, sql, m.Session)}, t, m)
		r.Line, r.Column = 0, 0
		return r
	}
	var out []Report
	for i := range k.Lookups {
		out = append(out, step(k.Lookups[i].Plan, k.Lookups[i].Text))
	}
	return append(out, step(k.Main, k.Text(make([]rewrite.Found, len(k.Lookups)), k.StandIns(m.Front))))
}

// Footnotes say what holds for every record that the reports mention: lines for
// people, none where there are no records.
func Footnotes(reports []Report) []string {
	formats := map[string]bool{}
	for _, r := range reports {
		reports = append(reports, r.Steps...)
	}
	for _, r := range reports {
		for _, lines := range [][]Line{r.Parameters, r.Added, r.Results, r.Searches} {
			for _, l := range lines {
				for _, u := range l.Uses {
					formats[u.Format] = true
				}
			}
		}
	}
	var out []string
	if formats[formatCompact] {
		out = append(out, "Records also show their column, their logical type and the minute in which their key was made.")
	}
	if formats[formatAsherah] {
		out = append(out, "Records in Asherah's format also show service, product and the minute in which their key was made.")
	}
	if len(formats) > 0 {
		out = append(out, "Equal values give different records. Search indexes show which values are equal; who sees queries, which are asked for.")
	}
	return out
}

// Refused describes a refusal. masked is the statement's text as it may be
// shown.
func Refused(u *rewrite.UnsupportedError, text script.Text, masked script.Masked) *Refusal {
	at := max(u.Pos, 0)
	place := text.Place(at)
	r := &Refusal{
		Rule: u.Reason.Name(), Reason: u.Reason.String(), Subject: u.Column, Hint: u.Hint,
		Line: place.Line, Column: place.Column,
	}
	if !masked.Nothing() {
		r.Excerpt, r.Caret = masked.Excerpt(at)
	}
	return r
}

package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
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
	Text       string   `json:"text"`
	Parameters []Line   `json:"parameters,omitempty"`
	Added      []Line   `json:"added,omitempty"`
	Results    []Line   `json:"results,omitempty"`
	Checks     []string `json:"checks,omitempty"`
	Refusal    *Refusal `json:"refusal,omitempty"`
}

// Line says what becomes of one parameter or result column.
type Line struct {
	// Number counts the caller's parameters, the arguments or literals that are
	// sent, or the result columns, from 1.
	Number int `json:"number"`
	// Name is the parameter as the statement writes it, what is added, or the
	// result column, which may have no name.
	Name string `json:"name,omitempty"`
	// Action is "clear", "sealed", "split" (sealed and clear), "opened",
	// "partition" or "hidden".
	Action string `json:"action"`
	// Columns are the encrypted columns concerned, with their types.
	Columns []Column `json:"columns,omitempty"`
	// SentAs are the placeholders of the text that is sent, where they differ.
	SentAs []string `json:"sent_as,omitempty"`
	Leaks  []Leak   `json:"leaks"`
}

// Column is an encrypted column.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Partition says where the partition comes from.
	Partition string `json:"partition"`
}

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
	d := describer{plan: v.Plan, given: v.Parsed, dialect: m.Front.Dialect(), front: m.Front}
	r.Status = StatusPlanned
	if v.Plan.Pass {
		r.Status = StatusPasses
	}
	d.sent = Parse(m.Front, v.Plan.Text, m.Session)
	r.Text = d.text(m)
	r.Parameters, r.Added = d.parameters(), d.added()
	r.Results, r.Checks = d.results(func(name string) bool { return m.ShowLiterals || strings.Contains(r.Text, name) }), d.checks()
	return r
}

// Sealed reports whether records are sent or read.
func (r Report) Sealed() bool {
	for _, lines := range [][]Line{r.Parameters, r.Added, r.Results} {
		for _, l := range lines {
			if len(l.Columns) > 0 {
				return true
			}
		}
	}
	return false
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

// describer reads one plan.
type describer struct {
	plan    *rewrite.Plan
	front   rewrite.Frontend
	dialect rewrite.Dialect
	given   *rewrite.Script // the caller's text, parsed; nil if it cannot be
	sent    *rewrite.Script // the text that is sent
}

// text is the plan's text with a mark in every hole.
func (d *describer) text(m Masker) string {
	masked := m.Mask(d.plan.Text, d.sent)
	var b strings.Builder
	at := 0
	for i, h := range d.plan.Holes {
		to := masked.Offset(h.At)
		b.WriteString(masked.Text[at:to])
		b.WriteString(hole(i))
		at = to
	}
	b.WriteString(masked.Text[at:])
	return b.String()
}

func hole(i int) string { return fmt.Sprintf("[sealed %d]", i+1) }

// placeholder is the caller's parameter n as the statement writes it.
func (d *describer) placeholder(n int) string {
	switch d.dialect {
	case rewrite.Postgres:
		return "$" + strconv.Itoa(n)
	case rewrite.SQLite:
		if d.given == nil {
			break
		}
		for _, p := range d.given.Markers {
			if p.N == n && p.Name != "" && !strings.Contains(p.Source, "(") {
				return p.Source
			}
		}
		return "?" + strconv.Itoa(n)
	}
	return "parameter " + strconv.Itoa(n)
}

func (d *describer) parameters() []Line {
	if d.plan.ArgsSame || d.plan.Args == nil {
		var out []Line
		for n := 1; n <= d.plan.Params; n++ {
			out = append(out, Line{Number: n, Name: d.placeholder(n), Action: "clear", Leaks: []Leak{LeakValue}})
		}
		return out
	}
	out := make([]Line, d.plan.Params)
	for n := range out {
		out[n] = d.parameter(n + 1)
	}
	return out
}

// parameter gathers what becomes of the caller's parameter n.
func (d *describer) parameter(n int) Line {
	l := Line{Number: n, Name: d.placeholder(n), Action: "clear"}
	var sent []int
	for i, o := range d.plan.Args {
		if o.Value.Source != rewrite.FromArg || o.Value.Arg != n || o.PartitionOf != nil {
			continue
		}
		sent = append(sent, i+1)
		if o.Seal != nil {
			d.seals(&l, o)
		} else {
			l.Leaks = append(l.Leaks, LeakValue)
		}
	}
	clear := slices.Contains(l.Leaks, LeakValue)
	switch {
	case len(l.Columns) > 0 && clear:
		l.Action = "split"
	case len(l.Columns) > 0:
		l.Action = "sealed"
	}
	// On MySQL every placeholder is a question mark.
	if d.dialect != rewrite.MySQL && (len(sent) > 1 || len(sent) == 1 && sent[0] != n) {
		for _, as := range sent {
			l.SentAs = append(l.SentAs, d.front.Placeholder(as))
		}
	}
	l.Leaks = distinct(l.Leaks)
	return l
}

// seals adds a column that a value is sealed for.
func (d *describer) seals(l *Line, o rewrite.Out) {
	l.Columns = append(l.Columns, d.column(o.Seal, o.Partition))
	l.Leaks = append(l.Leaks, Records(d.dialect, o.Seal)...)
}

func (d *describer) column(c *schema.Column, p rewrite.PartitionSource) Column {
	return Column{Name: c.String(), Type: c.Type.String(), Partition: d.partition(p)}
}

// partition says where a partition comes from.
func (d *describer) partition(p rewrite.PartitionSource) string {
	switch {
	case !p.Known:
		return "the one that the record names"
	case p.ResultColumn >= 0:
		return fmt.Sprintf("result column %d of the row", p.ResultColumn+1)
	case p.Value != nil:
		return d.value(*p.Value)
	}
	return constant + p.Const
}

// constant is in front of the name of a constant partition.
const constant = "constant "

// value names a value without showing it.
func (d *describer) value(v rewrite.Value) string {
	switch v.Source {
	case rewrite.FromArg:
		return d.placeholder(v.Arg)
	case rewrite.FromLiteral:
		return "a literal of the statement"
	}
	return "WithPartition"
}

// added lists what is sent beside the caller's parameters.
func (d *describer) added() []Line {
	var out []Line
	for i, o := range d.plan.Args {
		if o.Value.Source == rewrite.FromArg && o.PartitionOf == nil {
			continue
		}
		out = append(out, d.addition(i+1, fmt.Sprintf("argument %d", i+1), o))
	}
	for i, h := range d.plan.Holes {
		out = append(out, d.addition(i+1, hole(i), h.Out))
	}
	return out
}

func (d *describer) addition(number int, name string, o rewrite.Out) Line {
	l := Line{Number: number, Name: name, Action: "sealed"}
	switch {
	case o.PartitionOf != nil:
		l.Action, l.Leaks = "partition", []Leak{LeakPartition}
	case o.Seal != nil:
		d.seals(&l, o)
	default:
		l.Action, l.Leaks = "clear", []Leak{LeakValue}
	}
	l.Leaks = distinct(l.Leaks)
	return l
}

// results lists the columns of the inner result; none where every column is
// handed on and their number is not known. A name is given where it is shown in
// the text as well: an alias may be written as a string.
func (d *describer) results(shown func(name string) bool) []Line {
	var items []script.Item
	if d.sent != nil && len(d.sent.Statements) == 1 {
		items = script.Items(d.sent.Statements[0])
	}
	known := d.plan.Results != nil
	n := len(d.plan.Results)
	if !known {
		n = len(items)
	}
	var out []Line
	for i := range n {
		l := Line{Number: i + 1, Action: "clear", Leaks: []Leak{LeakValue}}
		if len(items) == n && shown(items[i].Name) {
			l.Name = items[i].Name
		}
		if known {
			d.opened(&l, d.plan.Results[i])
		}
		out = append(out, l)
	}
	return out
}

func (d *describer) opened(l *Line, o rewrite.Open) {
	for k, c := range o.Columns {
		var p rewrite.PartitionSource
		if k < len(o.Partitions) {
			p = o.Partitions[k]
		}
		l.Columns = append(l.Columns, d.column(c, p))
	}
	switch {
	case o.Hidden:
		l.Action = "hidden"
	case len(o.Columns) > 0:
		l.Action, l.Leaks = "opened", nil
		for _, c := range o.Columns {
			l.Leaks = append(l.Leaks, Records(d.dialect, c)...)
		}
		l.Leaks = distinct(l.Leaks)
	}
}

func (d *describer) checks() []string {
	var out []string
	for _, c := range d.plan.Checks {
		out = append(out, fmt.Sprintf("%s and %s must be the same partition of %s", d.value(c.A), d.value(c.B), c.Table))
	}
	return out
}

// distinct drops repetitions and keeps the order.
func distinct(leaks []Leak) []Leak {
	out := []Leak{}
	for _, l := range leaks {
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

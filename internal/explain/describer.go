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

// describer reads one plan.
type describer struct {
	plan    *rewrite.Plan
	front   rewrite.Frontend
	dialect rewrite.Dialect
	given   *rewrite.Script // the caller's text, parsed; nil if it cannot be
	sent    *rewrite.Script // the text that is sent
	// shape is the same where sealed literals stay in the text: with constants for
	// them, without which it is no statement.
	shape *rewrite.Script
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
		if o.Cover != nil && o.Level+o.Nth > 0 && len(l.Uses) > 0 {
			continue // one of the hashes of a range, of which the first is said
		}
		sent = append(sent, i+1)
		d.use(&l, o)
	}
	switch shown := slices.Contains(l.Leaks, LeakValue); {
	case len(l.Uses) > 0 && shown:
		l.Action = "split"
	case len(l.Uses) > 0:
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

// use adds what one value that is sent is for.
func (d *describer) use(l *Line, o rewrite.Out) {
	switch {
	case o.Index != nil:
		u := Use{What: useIndexed, Column: subject(o.Index), Type: subjectType(o.Index), Index: o.Index.Physical(), Kind: kindOf(o.Index)}
		if o.Compared {
			u.What = useCompared
		}
		if !o.Index.AllPartitions() {
			u.Partition = d.partition(o.Partition)
		}
		l.Uses = append(l.Uses, u)
		l.Leaks = append(l.Leaks, Searchable(o.Index)...)
	case o.Seal != nil:
		u := d.record(useSealed, o.Seal, o.Partition)
		if o.Row != nil {
			u.Row = d.value(*o.Row)
		}
		l.Uses = append(l.Uses, u)
		l.Leaks = append(l.Leaks, Records(d.dialect, o.Seal)...)
	case o.Decide != nil:
		l.Uses = append(l.Uses, Use{What: useDecided})
		l.Leaks = append(l.Leaks, LeakOutcome)
	default:
		l.Leaks = append(l.Leaks, LeakValue)
	}
}

func (d *describer) record(what string, c *schema.Column, p rewrite.PartitionSource) Use {
	u := Use{What: what, Column: c.String(), Type: c.Type.String(), Format: formatCompact, Partition: d.partition(p)}
	if c.Carrier == schema.CarrierAsherah {
		u.Format = formatAsherah
	}
	return u
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

// row says where the identity of an opened row comes from.
func (d *describer) row(r *rewrite.RowSource) string {
	switch {
	case r == nil:
		return ""
	case r.Value != nil:
		return d.value(*r.Value)
	}
	return fmt.Sprintf("result column %d", r.ResultColumn+1)
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
	if o.PartitionOf != nil {
		l.Action, l.Leaks = "partition", []Leak{LeakPartition}
		return l
	}
	if d.use(&l, o); len(l.Uses) == 0 {
		l.Action = "clear"
	}
	l.Leaks = distinct(l.Leaks)
	return l
}

// results lists the columns of the inner result; none where every column is
// handed on and their number is not known. A name is given where it is shown in
// the text as well: an alias may be written as a string.
func (d *describer) results(shown func(name string) bool) []Line {
	var items []script.Item
	if d.shape != nil && len(d.shape.Statements) == 1 {
		items = script.Items(d.shape.Statements[0])
	}
	opens := d.plan.Results
	if c := d.plan.Declares; c != nil { // by whoever fetches the cursor's rows
		opens = c.Results
	}
	known := opens != nil
	n := len(opens)
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
			d.opened(&l, opens[i])
		}
		if slices.ContainsFunc(d.plan.Verifies, func(v rewrite.Verify) bool { return v.Cell == i }) {
			l.Action = "compared"
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
		u := d.record(useOpened, c, p)
		if k < len(o.Rows) {
			u.Row = d.row(o.Rows[k])
		}
		l.Uses = append(l.Uses, u)
	}
	switch {
	case o.Hidden && len(o.Columns) == 0:
		l.Action = "hidden"
	case len(o.Columns) > 0:
		l.Action, l.Leaks = "opened", nil
		if o.Hidden {
			l.Action = "hidden"
		}
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

// filters says which rows are left out after they were opened.
func (d *describer) filters() []string {
	var out []string
	for _, f := range d.plan.Filters {
		var values []string
		for _, v := range f.Values {
			values = append(values, d.value(v))
		}
		out = append(out, fmt.Sprintf("rows whose %s is not equal to %s, which the index finds as well", f.Index.Of, strings.Join(values, " or ")))
	}
	for _, l := range d.plan.Likes {
		match := map[bool]string{false: "does not match", true: "matches"}[l.Not]
		if l.Scan != nil {
			out = append(out, fmt.Sprintf("rows whose %s %s %s: no index is asked, every row is read, at most %d in vain", l.Of, match, d.value(l.Pattern), l.Of.Scan))
			continue
		}
		out = append(out, fmt.Sprintf("rows whose %s %s %s, which the index finds as well", l.Of, match, d.value(l.Pattern)))
	}
	return out
}

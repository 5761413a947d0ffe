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

// searches lists the indexes that the text compares or joins by. Where an
// index is written, and where it stands for a unique key, nothing is searched.
func (d *describer) searches() []Line {
	var out []Line
	if d.shape == nil {
		return nil
	}
	seen := map[schema.Index]bool{}
	for _, st := range d.shape.Statements {
		if _, definition := st.(*rewrite.Other); definition {
			continue
		}
		tables, written := tablesOf(st), written(st)
		script.Walk(st, func(node any) bool {
			ref, ok := node.(*rewrite.ColumnRef)
			if !ok || written[ref] {
				return true
			}
			if e := d.index(ref, tables); e != nil && !seen[e] {
				seen[e] = true
				out = append(out, search(len(out)+1, e))
			}
			return true
		})
	}
	return out
}

// tablesOf returns the tables of a statement by the names that stand for them.
func tablesOf(st rewrite.Statement) map[string]string {
	tables := map[string]string{}
	script.Walk(st, func(node any) bool {
		if t, ok := node.(*rewrite.Table); ok {
			name := t.Path[len(t.Path)-1].Name
			tables[name] = name
			if t.Alias != nil {
				tables[t.Alias.Name] = name
			}
		}
		return true
	})
	return tables
}

// written returns the columns of a statement that are written, proposed for
// that, or name a unique key.
func written(st rewrite.Statement) map[*rewrite.ColumnRef]bool {
	refs := map[*rewrite.ColumnRef]bool{}
	add := func(e rewrite.Expr) {
		if v, ok := e.(*rewrite.ValuesRef); ok {
			e = v.Column
		}
		if ref, ok := e.(*rewrite.ColumnRef); ok {
			refs[ref] = true
		}
	}
	script.Walk(st, func(node any) bool {
		switch n := node.(type) {
		case *rewrite.Assign:
			for _, c := range n.Columns {
				add(c)
			}
			add(n.Value)
		case *rewrite.Upsert:
			for _, e := range n.Target {
				add(e)
			}
		}
		return true
	})
	return refs
}

// index returns the index that a column of the sent text is, or nil.
func (d *describer) index(ref *rewrite.ColumnRef, tables map[string]string) schema.Index {
	name := ref.Path[len(ref.Path)-1].Name
	for _, t := range d.plan.Tables {
		e := t.IndexColumn(name)
		if e == nil {
			continue
		}
		if len(ref.Path) == 1 || schema.EqualNames(tables[ref.Path[len(ref.Path)-2].Name], t.Name) {
			return e
		}
	}
	return nil
}

func kindOf(x schema.Index) string {
	switch x := x.(type) {
	case *schema.Range:
		if x.Order == schema.OrderRevealing {
			return "order"
		}
		return "range"
	case *schema.Fragments:
		return x.Kind.String()
	case *schema.Compound:
		return "compound"
	}
	return ""
}

// subject names what an index is of: its column, or all columns of a compound one.
func subject(x schema.Index) string {
	if c, ok := x.(*schema.Compound); ok {
		return c.String()
	}
	return x.Column().String()
}

// subjectType is the type of the values of an index.
func subjectType(x schema.Index) string {
	c, ok := x.(*schema.Compound)
	if !ok {
		return x.Column().Type.String()
	}
	types := make([]string, len(c.Parts))
	for i := range c.Parts {
		types[i] = c.Parts[i].Type.String()
	}
	return strings.Join(types, ", ")
}

func search(n int, e schema.Index) Line {
	return Line{
		Number: n, Name: e.Column().Table.Name + "." + e.Physical(), Action: "searched", Leaks: Searchable(e),
		Uses: []Use{{What: useCompared, Column: subject(e), Type: subjectType(e), Index: e.Physical(), Kind: kindOf(e)}},
	}
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

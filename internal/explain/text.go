package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Write prints a report for people.
func (r Report) Write(w io.Writer) error {
	b := &strings.Builder{}
	switch r.Status {
	case StatusRefused:
		r.Refusal.write(b)
	case StatusPasses:
		if r.Understood {
			b.WriteString("passes: nothing in it is encrypted; text and arguments go out as they are\n")
		} else {
			b.WriteString("passes: no parser understands it, and nothing in it can name anything encrypted\n")
		}
		indent(b, r.Text)
	default:
		if r.Steps != nil {
			return r.writeSteps(w)
		}
		b.WriteString("planned; sent is\n")
		indent(b, r.Text)
	}
	section(b, "parameters", r.Parameters, Line.name)
	section(b, "added", r.Added, Line.name)
	section(b, "result columns", r.Results, Line.numbered)
	section(b, "search indexes", r.Searches, Line.name)
	list(b, "checked before anything is sent", r.Checks)
	list(b, "left out after opening", r.Filters)
	list(b, "sorted by the driver", r.Sorted)
	list(b, "compared after opening", r.Verified)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeSteps prints what is run in the place of one statement.
func (r Report) writeSteps(w io.Writer) error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "planned in %d steps, inside one transaction: the index also finds rows that do not match, so the keys of those that do are looked up first\n", len(r.Steps))
	for i, s := range r.Steps {
		step := &strings.Builder{}
		if err := s.Write(step); err != nil {
			return err
		}
		what := "lookup of keys"
		if i == len(r.Steps)-1 {
			what = "the statement with the keys that were found (here none)"
		}
		fmt.Fprintf(b, "  %d. %s: ", i+1, what)
		b.WriteString(strings.ReplaceAll(strings.TrimRight(step.String(), "\n"), "\n", "\n  "))
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func list(b *strings.Builder, name string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(b, "  %s\n    %s\n", name, strings.Join(lines, "\n    "))
	}
}

func (f *Refusal) write(b *strings.Builder) {
	fmt.Fprintf(b, "refused: %s\n", f.Headline())
	fmt.Fprintf(b, "  line %d, column %d\n", f.Line, f.Column)
	f.WriteExcerpt(b, "    ")
	if f.Hint != "" {
		fmt.Fprintf(b, "  %s\n", f.Hint)
	}
}

// Headline is the reason with what it is about.
func (f *Refusal) Headline() string {
	if f.Subject == "" {
		return f.Reason
	}
	return f.Reason + " (" + f.Subject + ")"
}

// WriteExcerpt prints the line of the place, if it may be shown, with a caret
// below it.
func (f *Refusal) WriteExcerpt(w io.Writer, margin string) {
	if f.Excerpt == "" {
		return
	}
	fmt.Fprintf(w, "%s%s\n%s%s^\n", margin, f.Excerpt, margin, strings.Repeat(" ", f.Caret))
}

func indent(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(b, "    %s\n", strings.TrimRight(line, "\r\n"))
	}
}

func (l Line) name() string { return l.Name }

func (l Line) numbered() string {
	return strings.TrimRight(fmt.Sprintf("%d %s", l.Number, l.Name), " ")
}

func section(b *strings.Builder, name string, lines []Line, label func(Line) string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "  %s\n", name)
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for i := 0; i < len(lines); i++ {
		from, what, leaks := lines[i], lines[i].what(), shown(lines[i].Leaks)
		for i+1 < len(lines) && follows(lines[i], lines[i+1]) && lines[i+1].what() == what && shown(lines[i+1].Leaks) == leaks {
			i++
		}
		name := label(from)
		if to := lines[i]; to.Number != from.Number {
			name = strings.Replace(name, argument, "arguments", 1) + " to " + strings.TrimPrefix(to.Name, argument+" ")
		}
		fmt.Fprintf(tw, "    %s\t%s\t%s\n", name, what, leaks)
	}
	// A strings.Builder takes everything.
	_ = tw.Flush()
}

// argument begins the name of what is sent beside the caller's parameters.
const argument = "argument"

// follows reports the next of several arguments: a range sends hundreds.
func follows(a, b Line) bool {
	added := func(l Line) bool { return strings.HasPrefix(l.Name, argument+" ") || strings.HasPrefix(l.Name, "[") }
	return added(a) && added(b) && b.Number == a.Number+1
}

// what puts a line's action into words.
func (l Line) what() string {
	as := ""
	if len(l.SentAs) > 0 {
		as = ", sent as " + strings.Join(l.SentAs, " and ")
	}
	switch l.Action {
	case "sealed":
		return l.uses(", ") + as
	case "split":
		return l.uses(", ") + ", and passed in clear" + as
	case "opened":
		return "opened as " + l.uses(" or ")
	case "searched":
		how := map[string]string{
			"": "for equality", "order": "by order", "range": "by parts of a range",
			"prefix": "by beginnings", "suffix": "by ends", "contains": "by pieces", "compound": "for equality of all columns",
		}[l.Uses[0].Kind]
		return "index of " + l.Uses[0].Column + ", compared " + how
	case "partition":
		return "the partition, for the condition that was added"
	case "compared":
		return "added to be compared with its value, not shown to the caller"
	case "hidden":
		if len(l.Uses) > 0 {
			return "opened as " + l.uses(" or ") + " to compare, not shown to the caller"
		}
		return "added to find the partition, not shown to the caller"
	}
	return "passed in clear" + as
}

func (l Line) uses(between string) string {
	var out []string
	for _, u := range l.Uses {
		if w := u.words(); !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, between)
}

func (u Use) words() string {
	switch u.What {
	case useSealed:
		return "sealed for " + u.Column + " (" + u.Type + u.keys() + u.row() + ")"
	case useIndexed:
		return "its " + u.stands() + " for the index " + u.Index + u.scope()
	case useDecided:
		return "whether a comparison with a literal holds"
	case useCompared:
		return "its " + u.stands() + " to compare with the index " + u.Index + " of " + u.Column + u.scope()
	}
	return u.Column + " (" + u.Type + u.keys() + u.row() + ")"
}

// stands is what an index holds in place of a value.
func (u Use) stands() string {
	switch u.Kind {
	case "order":
		return "sorting key"
	case "range", "prefix", "suffix", "contains":
		return "hashes"
	case "compound":
		return "hash, together with those of the other columns,"
	}
	return "hash"
}

// row says to which row a value is bound.
func (u Use) row() string {
	if u.Row == "" {
		return ""
	}
	return ", row: " + u.Row
}

// keys says whose keys are used, where that is not the same for all rows.
func (u Use) keys() string {
	if u.Partition == "" || strings.HasPrefix(u.Partition, constant) {
		return ""
	}
	return ", partition: " + u.Partition
}

// scope is keys in parentheses.
func (u Use) scope() string {
	if k := u.keys(); k != "" {
		return " (" + strings.TrimPrefix(k, ", ") + ")"
	}
	return ""
}

// shown puts leaks into words.
func shown(leaks []Leak) string { return "the database sees " + Words(leaks) }

// Words says what a reader learns from leaks, behind "shows".
func Words(leaks []Leak) string {
	var words []string
	for _, l := range leaks {
		words = append(words, leakWords[l])
	}
	return strings.Join(words, ", ")
}

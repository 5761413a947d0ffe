package explain

import (
	"fmt"
	"io"
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
		b.WriteString("planned; sent is\n")
		indent(b, r.Text)
	}
	section(b, "parameters", r.Parameters, Line.name)
	section(b, "added", r.Added, Line.name)
	section(b, "result columns", r.Results, Line.numbered)
	if len(r.Checks) > 0 {
		fmt.Fprintf(b, "  checked before anything is sent\n    %s\n", strings.Join(r.Checks, "\n    "))
	}
	_, err := io.WriteString(w, b.String())
	return err
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
	for _, l := range lines {
		fmt.Fprintf(tw, "    %s\t%s\t%s\n", label(l), l.what(), shown(l.Leaks))
	}
	// A strings.Builder takes everything.
	_ = tw.Flush()
}

// what puts a line's action into words.
func (l Line) what() string {
	var columns []string
	for _, c := range l.Columns {
		columns = append(columns, c.Name+" ("+c.Type+c.keys()+")")
	}
	of := strings.Join(columns, " or ")
	as := ""
	if len(l.SentAs) > 0 {
		as = ", sent as " + strings.Join(l.SentAs, " and ")
	}
	switch l.Action {
	case "sealed":
		return "sealed for " + strings.Join(columns, " and ") + as
	case "split":
		return "sealed for " + strings.Join(columns, " and ") + ", and passed in clear" + as
	case "opened":
		return "opened as " + of
	case "partition":
		return "the partition, for the condition that was added"
	case "hidden":
		return "added to find the partition, not shown to the caller"
	}
	return "passed in clear" + as
}

// keys says whose keys are used, where that is not the same for all rows.
func (c Column) keys() string {
	if strings.HasPrefix(c.Partition, constant) {
		return ""
	}
	return ", partition: " + c.Partition
}

// shown puts leaks into words.
func shown(leaks []Leak) string {
	var words []string
	for _, l := range leaks {
		words = append(words, leakWords[l])
	}
	return "the database sees " + strings.Join(words, ", ")
}

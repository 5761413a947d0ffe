package lint

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sealsql/sealsql/internal/offline"
)

// WriteJSON prints the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// WriteText prints the report as compilers do.
func (r *Report) WriteText(w io.Writer) error {
	b := &strings.Builder{}
	for _, u := range r.Unreadable {
		fmt.Fprintf(b, "%s:%d:%d: cannot be read: %s\n", u.File, u.Line, u.Column, u.Message)
	}
	for i := range r.Findings {
		r.Findings[i].write(b)
	}
	r.Summary.write(b)
	if n := len(r.Variable); n > 0 {
		fmt.Fprintf(b, "%s not constant, so not checked: %s\n", texts(n), places(r.Variable))
	}
	if note := offline.Note(r.Catalog); note != "" {
		b.WriteString(note + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f *Finding) write(b *strings.Builder) {
	query := ""
	if f.Query != "" {
		query = " in " + f.Query
	}
	fmt.Fprintf(b, "%s:%d:%d: refused%s: %s [%s]\n", f.File, f.Line, f.Column, query, f.Headline(), f.Rule)
	f.WriteExcerpt(b, "    ")
	if f.Hint != "" {
		fmt.Fprintf(b, "    %s\n", f.Hint)
	}
}

func (s *Summary) write(b *strings.Builder) {
	fmt.Fprintf(b, "%s in %s: %d planned, %d passed, %d refused; %d not understood\n",
		counted(s.Statements, "statement"), counted(s.Files, "file"), s.Planned, s.Passed, s.Refused, s.NotUnderstood)
	for _, c := range s.Reasons {
		fmt.Fprintf(b, "%7d  %5.1f %%  %s [%s]\n", c.Count, 100*float64(c.Count)/float64(s.Statements), c.Reason, c.Rule)
	}
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func texts(n int) string {
	if n == 1 {
		return "1 text is"
	}
	return fmt.Sprintf("%d texts are", n)
}

// places lists the first few.
func places(ps []Place) string {
	const most = 5
	var out []string
	for i, p := range ps {
		if i == most {
			out = append(out, "…")
			break
		}
		out = append(out, fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column))
	}
	return strings.Join(out, ", ")
}

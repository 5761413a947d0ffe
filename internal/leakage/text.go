package leakage

import (
	"fmt"
	"io"
	"strings"
)

// Text prints the report for people: at most 100 characters a line.
func (r *Report) Text(w io.Writer) error {
	p := &printer{}
	p.line("What the search indexes of this database give away. No key was used, no value was read.")
	for i := range r.Tables {
		t := &r.Tables[i]
		p.line("")
		p.line(t.Name + ": " + read(t))
		for _, name := range t.Lacks {
			p.line("  the database has no column " + name)
		}
		for k := range t.Columns {
			p.column(&t.Columns[k])
		}
	}
	if len(r.Tables) == 0 {
		p.line("\nThe database has none of the configured tables.")
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

// read says how many rows a table's figures are of.
func read(t *Table) string {
	if t.Sampled {
		return fmt.Sprintf("%s, of which a sample of %s was read", counted(t.Total, "row"), number(t.Read))
	}
	return counted(t.Total, "row")
}

type printer struct{ b strings.Builder }

func (p *printer) line(s string) { p.b.WriteString(s + "\n") }

func (p *printer) column(c *Column) {
	p.line("")
	p.line("  " + c.Name + " (" + c.Type + ")")
	p.wrapped("    ", records(c))
	for i := range c.Indexes {
		x := &c.Indexes[i]
		p.line("    " + title(x) + ": risk " + string(x.Risk))
		p.line("      " + figures(x))
		p.list("who has the database:", x.Database)
		p.list("who has a backup:", x.Backup)
		p.list("who has the query log:", x.Queries)
	}
	if len(c.Indexes) == 0 {
		p.line("    no search index")
	}
}

func (p *printer) list(head string, items []string) {
	p.line("      " + head)
	for _, s := range items {
		p.wrapped("        ", s)
	}
}

// wrapped breaks a text into lines, the first one with a dash.
func (p *printer) wrapped(indent, s string) {
	const width = 100
	at, sep := len(indent)+1, indent+"-"
	p.b.WriteString(sep)
	for _, word := range strings.Fields(s) {
		if n := len([]rune(word)) + 1; at+n > width {
			p.b.WriteString("\n" + indent + " ")
			at = len(indent) + 1
		}
		p.b.WriteString(" " + word)
		at += len([]rune(word)) + 1
	}
	p.line("")
}

// title names an index.
func title(x *Index) string {
	kind := map[string]string{"range": "range, order hidden", "order": "range, order revealed"}[x.Kind]
	if kind == "" {
		kind = x.Kind
	}
	if len(x.Columns) > 0 {
		kind += " (" + strings.Join(x.Columns, ", ") + ")"
	}
	return kind + " in " + x.Physical
}

// figures are the numbers of an index in one line.
func figures(x *Index) string {
	c := &x.Classes
	out := []string{counted(rowsOf(x), "row")}
	switch {
	case c.Rows == 0:
	case x.Tokens != nil:
		out = append(out, number(x.Tokens.Distinct)+" different tokens", number(x.Tokens.Repeated)+" of them in several rows")
	default:
		out = append(out, number(c.Distinct)+" distinct", number(c.Singletons)+" occur once",
			"most frequent "+percent(float64(c.Largest), float64(c.Rows)), "entropy "+decimal(c.Entropy)+" bits")
	}
	if x.Unfilled > 0 {
		out = append(out, number(x.Unfilled)+" with a value and no index")
	}
	if x.Stray > 0 {
		out = append(out, number(x.Stray)+" with an index and no value")
	}
	return strings.Join(out, ", ")
}

// records says what the records of a column show.
func records(c *Column) string {
	l := &c.Lengths
	switch {
	case l.Rows == 0:
		return fmt.Sprintf("records: none; %s without a value", counted(c.Null, "row"))
	case c.Fixed || l.Distinct == 1:
		return fmt.Sprintf("records: all of %d bytes, so lengths show nothing; %s without a value, which is seen", c.Longest, counted(c.Null, "row"))
	}
	how := "so the length of each value is seen"
	if c.Padded {
		how = "padded, so the length of a value is seen to the next step only"
	}
	return fmt.Sprintf("records: %s different lengths from %d to %d bytes, %s; the most frequent has %s of the values; %s without a value, which is seen",
		number(l.Distinct), c.Shortest, c.Longest, how, percent(float64(l.Largest), float64(l.Rows)), counted(c.Null, "row"))
}

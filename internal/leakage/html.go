package leakage

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"number": number, "title": title, "plot": plot, "read": read, "records": func(c *Column) string { return strings.TrimPrefix(records(c), "records: ") },
	"figures": cells, "scope": scopeWords, "partition": partitionWords, "reading": reading,
}).Parse(pageText))

// HTML prints the report as one page that needs nothing else: no scripts, no
// fonts, no pictures from elsewhere.
func (r *Report) HTML(w io.Writer) error {
	return page.Execute(w, struct {
		*Report
		Advice []Advice
		Rows   []summary
	}{r, r.Advice(), r.summary()})
}

// summary is a line of the page's first table.
type summary struct {
	Table, Column string
	Index         *Index
	Anchor        string
}

func (r *Report) summary() []summary {
	var out []summary
	for _, level := range []Risk{RiskHigh, RiskMedium, RiskLow, RiskNone} {
		for i := range r.Tables {
			t := &r.Tables[i]
			for k := range t.Columns {
				for j := range t.Columns[k].Indexes {
					if x := &t.Columns[k].Indexes[j]; x.Risk == level {
						out = append(out, summary{t.Name, t.Columns[k].Name, x, t.Name + "." + x.Physical})
					}
				}
			}
		}
	}
	return out
}

// cell is a figure with its name.
type cell struct{ Name, Value string }

func cells(x *Index) []cell {
	c := &x.Classes
	if c.Rows == 0 {
		return nil
	}
	var out []cell
	add := func(name, value string) { out = append(out, cell{name, value}) }
	add("rows", number(rowsOf(x)))
	switch {
	case x.Tokens != nil:
		add("different pieces", number(x.Tokens.Distinct))
		add("in several rows", number(x.Tokens.Repeated))
		add("most frequent", percent(float64(x.Tokens.Commonest), float64(x.Tokens.Rows)))
	default:
		add("groups", number(c.Distinct))
		add("groups of one", number(c.Singletons))
		add("largest group", percent(float64(c.Largest), float64(c.Rows)))
		add("entropy", decimal(c.Entropy)+" bits")
		add("best guess", decimal(c.MinEntropy)+" bits")
	}
	if o := x.Order; o != nil {
		add("bits told of a value", decimal(o.Known)+" of "+number(int64(o.Bits)))
		add("bits shared by neighbours", decimal(o.Shared))
	}
	if x.Unfilled > 0 {
		add("values without index", number(x.Unfilled))
	}
	if x.Stray > 0 {
		add("indexes without value", number(x.Stray))
	}
	return out
}

func scopeWords(x *Index) string {
	if x.Scope == "table" {
		return "comparable in the whole table"
	}
	return "comparable within a partition"
}

func partitionWords(t *Table) string {
	switch t.Partition {
	case "column":
		return "rows have the keys of the partition that a column names"
	case "context":
		return "rows have the keys of the partition that the program names"
	}
	return "all rows have the keys of one partition"
}

// reading explains a plot.
func reading(x *Index) string {
	switch {
	case x.Tokens != nil:
		return "Each point is a piece, by how many rows have it. The steeper the beginning, the more pieces can be named from a language's statistics."
	case len(x.Levels) > 1:
		return "How much of all rows the largest group has, from coarse to fine."
	}
	return "Each point is a group of equal values. Flat at the bottom: nothing can be told. Steep at the left: the first groups can be named by whoever knows the distribution."
}

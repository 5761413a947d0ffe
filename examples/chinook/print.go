package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// print writes the report for a person.
func (r *report) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(r.loads) == 0 {
		return
	}
	fmt.Fprintf(w, "Chinook on %s\n\nloaded\n", r.engine)
	for _, l := range r.loads {
		fmt.Fprintf(w, "%s\t%s\t\n", l.title, ms(l.took))
	}
	w.Flush()
	if r.sample[0] != "" {
		fmt.Fprintf(out, "\nthe e-mail address of customer 1\n  through the encrypting driver  %s\n  through the plain driver       %s\n", r.sample[0], r.sample[1])
	}
	r.printResults(out)
	if len(r.refused) > 0 {
		fmt.Fprintf(out, "\nrefused, since the database would have to see the value\n")
		for _, f := range r.refused {
			fmt.Fprintf(out, "  %s\n    %s\n", f.name, f.message)
		}
	}
	r.printFindings(out)
}

func (r *report) printResults(out io.Writer) {
	if len(r.results) == 0 {
		return
	}
	equal := 0
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nquery\trows\tplain\tconstant\tpartitioned\tanswers\n")
	for _, res := range r.results {
		verdict := "equal"
		if res.problem != nil {
			verdict = res.problem.Error()
		} else {
			equal++
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", res.name, res.rows, ms(res.took[0]), ms(res.took[1]), ms(res.took[2]), verdict)
	}
	w.Flush()
	fmt.Fprintf(out, "%d of %d queries: equal answers, directly and prepared\n", equal, len(r.results))
}

func (r *report) printFindings(out io.Writer) {
	if len(r.found) == 0 {
		return
	}
	fmt.Fprintf(out, "\nencrypted values in clear\n")
	for _, s := range r.found {
		switch f := s.finding; {
		case f == nil:
			fmt.Fprintf(out, "  %s: not searched, the server's files are not readable from here\n", s.title)
		case f.err() != nil:
			fmt.Fprintf(out, "  %s: %v\n", s.title, f.err())
		default:
			fmt.Fprintf(out, "  %s: none (%s: %d, %.1f MB; clear values are found in %d)\n", s.title, f.what, f.files, float64(f.bytes)/1e6, f.open)
		}
	}
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

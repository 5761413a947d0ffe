package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// few is how many of the queries are listed unless all are asked for.
const few = 6

// print writes the report for a person; verbose lists every query and every
// write that a guard has stopped.
func (r *report) print(out io.Writer, verbose bool) {
	if len(r.loads) == 0 {
		return
	}
	fmt.Fprintf(out, "Chinook on %s, %d columns of %d tables encrypted\n", r.engine, sealedColumns(), len(sealedTables))
	w := columns(out)
	fmt.Fprint(w, "\nloaded\n")
	for _, l := range r.loads {
		fmt.Fprintf(w, "  %s\t%.0f ms\t%s\n", l.title, milliseconds(l.took), l.note)
	}
	w.Flush()
	if r.sample[0] != "" {
		fmt.Fprintf(out, "\nthe e-mail address of customer 1\n  encrypting driver  %s\n  plain driver       %s\n", r.sample[0], r.sample[1])
	}
	r.printResults(out, verbose)
	r.printRefused(out)
	r.printBlocked(out, verbose)
	r.printFindings(out)
}

func columns(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }

// printResults lists what went wrong, and of the rest all or those that
// encryption costs most.
func (r *report) printResults(out io.Writer, verbose bool) {
	if len(r.results) == 0 {
		return
	}
	var equal []result
	var total [3]time.Duration
	for _, res := range r.results {
		if res.problem != nil {
			fmt.Fprintf(out, "\n%s: %v\n", res.name, res.problem)
			continue
		}
		equal = append(equal, res)
		for i, t := range res.took {
			total[i] += t
		}
	}
	count := len(equal)
	fmt.Fprintf(out, "\n%d of %d queries give the answers of the plain database", count, len(r.results))
	if !verbose && len(equal) > few {
		slices.SortStableFunc(equal, func(a, b result) int { return cmp.Compare(b.added(), a.added()) })
		equal = equal[:few]
		fmt.Fprint(out, "; slowed down most (-v: all)")
	}
	w := columns(out)
	fmt.Fprintf(w, "\n  milliseconds\trows\tplain\tconstant\tpartitioned\n")
	for _, res := range equal {
		fmt.Fprintf(w, "  %s\t%d\t%s\n", res.name, res.rows, times(res.took))
	}
	fmt.Fprintf(w, "  all %d\t\t%s\n", count, times(total))
	w.Flush()
}

// added is the time that encryption adds to a query in both databases: what
// only one of them shows is chance.
func (r result) added() time.Duration { return min(r.took[1], r.took[2]) - r.took[0] }

func times(t [3]time.Duration) string {
	return fmt.Sprintf("%.2f\t%.2f\t%.2f", milliseconds(t[0]), milliseconds(t[1]), milliseconds(t[2]))
}

func (r *report) printRefused(out io.Writer) {
	if len(r.refused) == 0 {
		return
	}
	fmt.Fprint(out, "\nrefused, since the database would have to see the value\n")
	for _, f := range r.refused {
		fmt.Fprintf(out, "  %s\n    %s\n    %s\n", f.text, f.message, f.hint)
	}
}

func (r *report) printBlocked(out io.Writer, verbose bool) {
	if len(r.blocked) == 0 {
		return
	}
	fmt.Fprintf(out, "\nwritten in clear through the plain driver: the guards stop %d of %d\n", len(r.blocked), sealedColumns())
	for i, b := range r.blocked {
		if verbose || i == 0 {
			fmt.Fprintf(out, "  %s\n    %s\n", b.text, b.message)
		}
	}
}

func (r *report) printFindings(out io.Writer) {
	if len(r.found) == 0 {
		if r.unseen != "" {
			fmt.Fprintf(out, "\nfiles not searched: %s does not name the server's directory\n", r.unseen)
		}
		return
	}
	fmt.Fprint(out, "\nsearched for encrypted values in clear (the search does find clear columns)\n")
	w := columns(out)
	for _, s := range r.found {
		if err := s.finding.err(); err != nil {
			fmt.Fprintf(w, "  %s\t%v\n", s.title, err)
			continue
		}
		f := s.finding
		fmt.Fprintf(w, "  %s\t%s (%d, %.1f MB)\tnone\n", s.title, f.what, f.files, float64(f.bytes)/1e6)
	}
	w.Flush()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

package corpus_test

import (
	"flag"
	"fmt"
	"sort"
	"strings"
)

var report = flag.String("report", "", "write a long report with examples to this file (one for each dialect)")

var classes = []string{"application DML", "application DDL", "suite DML", "suite DDL"}

// long is the report with examples of every refusal.
func (r *results) long() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.summary())
	for _, class := range classes {
		r.class(&b, class)
	}
	fmt.Fprintf(&b, "\n== unparsed by the front end: %d\n", len(r.unparsed))
	for _, l := range r.unparsed {
		fmt.Fprintf(&b, "  [%s] %s\n", l.Source, oneLine(l.SQL))
	}
	fmt.Fprintf(&b, "\n== not walked by the test: %d\n", len(r.unread))
	for _, l := range r.unread {
		fmt.Fprintf(&b, "  [%s] %s\n", l.Source, oneLine(l.SQL))
	}
	return b.String()
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return s
}

func (r *results) class(b *strings.Builder, class string) {
	group := func(title string, list []outcome, keep func(*outcome) bool) {
		var n, planned int
		by := map[string][]*outcome{}
		for i := range list {
			o := &list[i]
			if o.line.class() != class || !keep(o) {
				continue
			}
			n++
			if o.planned {
				planned++
				continue
			}
			by[o.reason.String()] = append(by[o.reason.String()], o)
		}
		if n == 0 {
			return
		}
		fmt.Fprintf(b, "\n== %s, %s: %d, planned %d (%.2f %%)\n", class, title, n, planned, 100*float64(planned)/float64(n))
		var names []string
		for k := range by {
			names = append(names, k)
		}
		sort.Slice(names, func(i, j int) bool {
			if n, m := len(by[names[i]]), len(by[names[j]]); n != m {
				return n > m
			}
			return names[i] < names[j]
		})
		for _, k := range names {
			fmt.Fprintf(b, "-- %s: %d (%.2f %%)\n", k, len(by[k]), 100*float64(len(by[k]))/float64(n))
			seen, times := map[string]bool{}, map[string]int{}
			for _, o := range by[k] {
				times[o.line.SQL]++
			}
			for _, o := range by[k] {
				if seen[o.line.SQL] {
					continue
				}
				seen[o.line.SQL] = true
				fmt.Fprintf(b, "   %d: %s is %s [%s] {%s} %s\n", times[o.line.SQL], o.columns, o.positions, o.line.Source, o.hint, oneLine(o.line.SQL))
				if len(seen) >= examples {
					break
				}
			}
		}
	}
	group("indexed, positions that indexes serve", r.indexed(), (*outcome).served)
	group("indexed, sorted by the driver, planned with an index that reveals the order", r.unrevealed(), (*outcome).served)
	group("indexed, other positions", r.indexed(), func(o *outcome) bool { return !o.served() })
	group("nothing annotated", r.clear, func(*outcome) bool { return true })
	group("only projected or assigned", r.outcomes, func(o *outcome) bool { return o.wanted(plain) })
	group("also kept or tested", r.outcomes, func(o *outcome) bool { return o.wanted(wide) && !o.wanted(plain) })
	group("other positions, one column", r.outcomes, func(o *outcome) bool { return !o.all && !o.wanted(wide) })
	group("other positions, all columns", r.outcomes, func(o *outcome) bool { return o.all && !o.wanted(wide) })
}

const examples = 40

package corpus_test

import (
	"slices"
	"testing"
	"time"

	marino "github.com/sqlc-dev/marino/parser"
	"github.com/sqlc-dev/meyer/lexer"
	meyer "github.com/sqlc-dev/meyer/parser"
	"github.com/sqlc-dev/oliphant"

	"github.com/sealsql/sealsql/rewrite"
)

// sink keeps the tokens of a scan.
var sink []rewrite.Token

// scanned is one parse and one scan of a text by the parser that the front end
// is built on. marino's scanner cannot be called from outside: there the scan is
// that of the front end's tokenizer.
func (l *language) scanned(sql string) func() {
	switch l.front.Dialect() {
	case rewrite.Postgres:
		return func() {
			_, _ = oliphant.Parse(sql)
			_, _ = oliphant.Scan(sql)
		}
	case rewrite.MySQL:
		p := marino.New()
		return func() {
			_, _, _ = p.Parse(sql, "", "")
			r := l.front.Tokens(sql, &l.session)
			toks := make([]rewrite.Token, 0, len(sql)/4)
			for t := new(rewrite.Token); r.Next(t); {
				toks = append(toks, *t)
			}
			sink = toks
		}
	}
	return func() {
		_, _ = meyer.ParseString(sql)
		lexer.Lex(sql)
	}
}

// encrypted is the catalog of a statement with as many columns encrypted as can
// be: all of them, the first that can be alone, or none. ok is false where the
// statement is not planned even then.
func (l *language) encrypted(sql string) (cat rewrite.Catalog, ok bool) {
	list, err := l.facts(sql)
	if err != nil || len(list) != 1 {
		return nil, false
	}
	every := map[bound]bool{}
	sets := []map[bound]bool{every}
	for _, t := range list[0].tables {
		for _, c := range t.cols {
			every[bound{t, c}] = true
			sets = append(sets, map[bound]bool{{t, c}: true})
		}
	}
	for _, set := range append(sets, nil) {
		cat, err := l.world(list[0].tables, set)
		if err != nil {
			continue
		}
		if _, err := rewrite.PlanOnce(l.front, sql, cat, &l.session, rewrite.Options{HasArgs: true}); err == nil {
			return cat, true
		}
	}
	return nil, false
}

// BenchmarkMiss plans every statement of applications and object mappers
// without a cache, encrypted where it can be, and reports the median of the
// time in multiples of one parse and scan of the same text ("x-parse-p50", at
// most 3) and the time that one in a hundred exceeds ("µs-p99", below 1000).
// Each statement counts with the median of several rounds.
func BenchmarkMiss(b *testing.B) {
	for _, d := range dialects {
		b.Run(d, func(b *testing.B) {
			l := languages[d]
			lines := corpus(b, d)
			if len(lines) == 0 {
				b.Skip("no corpus beside the repository")
			}
			for b.Loop() {
				var ratios, micros []float64
				for i := range lines {
					if lines[i].class() != "application DML" {
						continue
					}
					if plan, parse, ok := l.miss(lines[i].SQL); ok {
						ratios = append(ratios, float64(plan)/float64(parse))
						micros = append(micros, float64(plan)/float64(time.Microsecond))
					}
				}
				slices.Sort(ratios)
				slices.Sort(micros)
				n := len(ratios)
				b.ReportMetric(float64(n), "statements")
				b.ReportMetric(ratios[n/2], "x-parse-p50")
				b.ReportMetric(ratios[n*9/10], "x-parse-p90")
				b.ReportMetric(micros[n/2], "µs-p50")
				b.ReportMetric(micros[n*99/100], "µs-p99")
			}
		})
	}
}

// miss is the time that planning a statement takes, and that of one parse and
// scan, as medians of interleaved rounds.
func (l *language) miss(sql string) (plan, parse time.Duration, ok bool) {
	cat, ok := l.encrypted(sql)
	if !ok {
		return 0, 0, false
	}
	scan := l.scanned(sql)
	const rounds = 9
	var plans, parses [rounds]time.Duration
	for i := range rounds {
		start := time.Now()
		_, _ = rewrite.PlanOnce(l.front, sql, cat, &l.session, rewrite.Options{HasArgs: true})
		middle := time.Now()
		scan()
		plans[i], parses[i] = middle.Sub(start), time.Since(middle)
	}
	slices.Sort(plans[:])
	slices.Sort(parses[:])
	return plans[rounds/2], parses[rounds/2], true
}

package rewrite_test

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

// raw is one parse and one scan of a text by the parser that the front end is
// built on. marino's scanner cannot be called from outside: there the scan is
// that of our own tokenizer.
func raw(f rewrite.Frontend, sql string, s *rewrite.Session) func() error {
	switch f.Dialect() {
	case rewrite.Postgres:
		return func() error {
			if _, err := oliphant.Parse(sql); err != nil {
				return err
			}
			_, err := oliphant.Scan(sql)
			return err
		}
	case rewrite.MySQL:
		p := marino.New()
		return func() error {
			_, _, err := p.Parse(sql, "", "")
			scan(f, sql, s)
			return err
		}
	}
	return func() error {
		_, err := meyer.ParseString(sql)
		lexer.Lex(sql)
		return err
	}
}

func scan(f rewrite.Frontend, sql string, s *rewrite.Session) []rewrite.Token {
	toks := make([]rewrite.Token, 0, len(sql)/4)
	r := f.Tokens(sql, s)
	for t := new(rewrite.Token); r.Next(t); {
		toks = append(toks, *t)
	}
	return toks
}

// BenchmarkPlanRatio is planning without a cache in multiples of one parse and
// scan of the same text (metric "x-parse"; the budget is 3), as the median of
// all interleaved rounds.
func BenchmarkPlanRatio(b *testing.B) {
	for _, f := range frontends {
		cat := benchCatalog(f.Dialect())
		for _, x := range benchTexts {
			sql := numbered(f.Dialect(), x.sql)
			b.Run(f.Dialect().String()+"/"+x.name, func(b *testing.B) {
				s := &rewrite.Session{MariaDB: true, ModeKnown: true, Version: 101119}
				plan := func() error {
					_, err := rewrite.PlanOnce(f, sql, cat, s, benchOptions(x.name))
					return err
				}
				parse := raw(f, sql, s)
				var rs []float64
				for b.Loop() {
					rs = ratios(b, rs, plan, parse)
				}
				slices.Sort(rs)
				b.ReportMetric(rs[len(rs)/2], "x-parse")
			})
		}
	}
}

// ratios adds what a few rounds of f take in multiples of as many of base. A
// round is long enough for collections of garbage in both halves of it: each
// pays for what it allocates. (In rounds of some 100 µs most have none, their
// median leaves out what allocations cost, and that is more than half of a
// parse.)
func ratios(b *testing.B, rs []float64, f, base func() error) []float64 {
	const rounds, atLeast = 9, 20 * time.Millisecond
	timed := func(f func() error, runs int) time.Duration {
		start := time.Now()
		for range runs {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
	runs := 100
	for timed(base, runs) < atLeast {
		runs *= 2
	}
	for range rounds {
		rs = append(rs, float64(timed(f, runs))/float64(timed(base, runs)))
	}
	return rs
}

package postgres_test

import (
	"testing"
	"time"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/postgres"
)

// FuzzFrontend: no panic, the same tree every time, tokens and spans in the
// text, and what stands alone lowers alike alone.
func FuzzFrontend(f *testing.F) {
	for _, x := range benchTexts() {
		f.Add(x.sql)
	}
	for i, sql := range corpus(f) {
		if i%40 == 0 {
			f.Add(sql)
		}
	}
	for _, c := range deepTexts {
		f.Add(c.text(3))
	}
	f.Fuzz(func(t *testing.T, sql string) {
		fe := postgres.New()
		start := time.Now()
		defer func() {
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("%v for %d bytes", took, len(sql))
			}
		}()
		text, err := fe.Prepare(sql, &rewrite.Session{})
		if err != nil {
			return
		}
		s, err := fe.Parse(text, &rewrite.Session{})
		if limit := time.Second + time.Duration(len(sql))*5*time.Microsecond; time.Since(start) > limit {
			if took := best(func() { _, _ = fe.Parse(text, &rewrite.Session{}) }); took > limit {
				t.Fatalf("%v to parse %d bytes", took, len(sql))
			}
		}
		if err != nil {
			return
		}
		again, err := fe.Parse(text, &rewrite.Session{})
		if err != nil || dump(s.Statements) != dump(again.Statements) {
			t.Fatalf("lowers differently the second time: %v", err)
		}
		checkTokens(t, s)
		checkNothingDropped(t, s)
		if len(sql) < 2000 { // every span is parsed again
			checkSpans(t, s, &stats{})
		}
	})
}

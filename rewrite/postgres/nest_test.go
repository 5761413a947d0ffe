package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/postgres"
)

// deepTexts make texts that are as deep, or as hard to parse, as n allows.
var deepTexts = []struct {
	name string
	text func(n int) string
}{
	{"parentheses", func(n int) string { return "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }},
	{"open parentheses", func(n int) string { return "SELECT " + strings.Repeat("(", n) }},
	{"brackets", func(n int) string { return "SELECT ARRAY" + strings.Repeat("[", n) + strings.Repeat("]", n) }},
	{"NOT", func(n int) string { return "SELECT " + strings.Repeat("NOT ", n) + "a" }},
	{"NOT behind an operator", func(n int) string { return "SELECT " + strings.Repeat("a = NOT ", n) + "a" }},
	{"NOT behind BETWEEN", func(n int) string { return "SELECT " + strings.Repeat("a BETWEEN 1 AND NOT ", n) + "a" }},
	{"NOT behind LIKE", func(n int) string { return "SELECT " + strings.Repeat("a LIKE NOT ", n) + "a" }},
	{"minus", func(n int) string { return "SELECT " + strings.Repeat("- ", n) + "a" }},
	{"minus and NOT", func(n int) string { return "SELECT " + strings.Repeat("- NOT a = ", n) + "a" }},
	{"prefix operator", func(n int) string { return "SELECT " + strings.Repeat("@ ", n) + "a" }},
	{"OPERATOR()", func(n int) string { return "SELECT " + strings.Repeat("OPERATOR(+) ", n) + "a" }},
	{"CASE", func(n int) string { return "SELECT " + strings.Repeat("CASE WHEN ", n) + "a" }},
	{"CASE ELSE", func(n int) string {
		return "SELECT " + strings.Repeat("CASE WHEN a THEN b ELSE ", n) + "a" + strings.Repeat(" END", n)
	}},
	{"JOIN before ON", func(n int) string {
		return "SELECT FROM a" + strings.Repeat(" JOIN a", n) + strings.Repeat(" ON a", n)
	}},
	{"JOIN chain", func(n int) string { return "SELECT FROM a" + strings.Repeat(" JOIN a ON b", n) }},
	{"CROSS JOIN chain", func(n int) string { return "SELECT FROM a" + strings.Repeat(" CROSS JOIN a", n) }},
	{"NATURAL JOIN chain", func(n int) string { return "SELECT FROM a" + strings.Repeat(" NATURAL LEFT JOIN a", n) }},
	{"plus chain", func(n int) string { return "SELECT a" + strings.Repeat("+a", n) }},
	{"cast chain", func(n int) string { return "SELECT a" + strings.Repeat("::t", n) }},
	{"COLLATE chain", func(n int) string { return "SELECT a" + strings.Repeat(" COLLATE c", n) }},
	{"AT TIME ZONE chain", func(n int) string { return "SELECT a" + strings.Repeat(" AT TIME ZONE b", n) }},
	{"IS NULL chain", func(n int) string { return "SELECT a" + strings.Repeat(" IS NULL", n) }},
	{"AND chain", func(n int) string { return "SELECT a" + strings.Repeat(" AND a", n) }},
	{"AND chain of NOT", func(n int) string { return "SELECT a" + strings.Repeat(" AND NOT a", n) }},
	{"OR chain", func(n int) string { return "SELECT a" + strings.Repeat(" OR a AND b", n) }},
	{"UNION chain", func(n int) string { return "SELECT 1" + strings.Repeat(" UNION SELECT 1", n) }},
	{"INTERSECT chain", func(n int) string { return "SELECT 1" + strings.Repeat(" INTERSECT SELECT 1", n) }},
	{"mixed set operations", func(n int) string { return "SELECT 1" + strings.Repeat(" INTERSECT SELECT 1 UNION SELECT 1", n) }},
	{"subscripts", func(n int) string { return "SELECT a" + strings.Repeat("[1]", n) }},
	{"dots", func(n int) string { return "SELECT a" + strings.Repeat(".a", n) }},
	{"comment", func(n int) string { return strings.Repeat("/*", n) + strings.Repeat("*/", n) + "SELECT 1" }},
	{"semicolons", func(n int) string { return strings.Repeat(";", n) }},
	{"statements", func(n int) string { return strings.Repeat("SELECT 1;", n) }},
	{"rows", func(n int) string { return "INSERT INTO t VALUES (1)" + strings.Repeat(",(1)", n) }},
	{"query in parentheses", func(n int) string {
		return "SELECT " + strings.Repeat("(", n) + "SELECT 1" + strings.Repeat(")", n)
	}},
	{"query read twice a level", func(n int) string {
		return "SELECT " + strings.Repeat("((SELECT ", n) + "1" + strings.Repeat(")+1)", n)
	}},
	{"substring read twice a level", func(n int) string {
		return "SELECT " + strings.Repeat("substring(", n) + "a" + strings.Repeat(", 1)", n)
	}},
	{"overlay read twice a level", func(n int) string {
		return "SELECT " + strings.Repeat("overlay(", n) + "a" + strings.Repeat(", 1)", n)
	}},
	{"json_object read twice a level", func(n int) string {
		return "SELECT " + strings.Repeat("json_object(", n) + "a" + strings.Repeat(", 1)", n)
	}},
	{"derived tables", func(n int) string {
		return "SELECT 1 FROM " + strings.Repeat("((SELECT 1 FROM ", n) + "a" + strings.Repeat(") x JOIN b ON c)", n)
	}},
	{"CTEs", func(n int) string {
		return strings.Repeat("WITH a AS (", n) + "SELECT 1" + strings.Repeat(") SELECT 1", n)
	}},
	{"EXPLAIN", func(n int) string { return strings.Repeat("EXPLAIN ", n) + "SELECT 1" }},
	{"quotes", func(n int) string { return "SELECT '" + strings.Repeat("''", n) + "'" }},
	{"dollars", func(n int) string { return "SELECT $a$" + strings.Repeat("$a", n) + "$a$" }},
	{"continued strings", func(n int) string { return "SELECT 'a'" + strings.Repeat("\n'a'", n) }},
	{"operator characters", func(n int) string { return "SELECT 1 " + strings.Repeat("+", n) + " 1" }},
	{"dashes", func(n int) string { return "SELECT 1 =" + strings.Repeat("+-", n) + " 1" }},
}

// best is the shortest of three runs: a machine that is busy is not a slow front
// end.
func best(f func()) time.Duration {
	d := time.Hour
	for range 3 {
		start := time.Now()
		f()
		d = min(d, time.Since(start))
	}
	return d
}

// TestNoTextWithinTheCapsIsTooDeepOrTooSlow would end the process on a stack
// overflow.
func TestNoTextWithinTheCapsIsTooDeepOrTooSlow(t *testing.T) {
	f := postgres.New()
	for _, c := range deepTexts {
		t.Run(c.name, func(t *testing.T) {
			var shorter time.Duration
			for _, n := range []int{3, 8, 30, 150, 1500, 30_000} {
				text := c.text(n)
				start := time.Now()
				err := front(f, text)
				took := time.Since(start)
				// On a slow machine time may only grow as the text does, twentyfold at
				// most.
				limit := max(3*time.Second+time.Duration(len(text))*5*time.Microsecond, 80*shorter)
				if took > limit {
					took = best(func() { _ = front(f, text) })
				}
				if took > limit {
					t.Errorf("n = %d (%d bytes): %v", n, len(text), took)
				}
				shorter = took
				var refused *rewrite.UnsupportedError
				var syntax *rewrite.SyntaxError
				if err != nil && !errors.As(err, &refused) && !errors.As(err, &syntax) {
					t.Errorf("n = %d: %v", n, err)
				}
				if testing.Verbose() {
					t.Logf("n = %d, %d bytes: %v, %v", n, len(text), took, err)
				}
			}
		})
	}
}

func front(f rewrite.Frontend, text string) error {
	p, err := f.Prepare(text, &rewrite.Session{})
	if err != nil {
		return err
	}
	_, err = f.Parse(p, &rewrite.Session{})
	return err
}

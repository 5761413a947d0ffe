package drivertest_test

import (
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const paperConfig = head + `tables:
  papers:
    columns:
      body: {type: jsonb}
      pages: {type: integer, search: equality}
`

// papers are values that a comparison with ” says to be texts, which a cast behind
// it converts.
var papers = []struct {
	text string
	args [][]any
}{
	{"UPDATE papers SET body = CASE WHEN $1 <> '' THEN $1::jsonb ELSE body END WHERE id = $2", [][]any{{`{"a": [1, 2]}`, 1}, {"", 1}, {nil, 1}, {"[]", 2}, {"no json", 2}}},
	{"UPDATE papers SET body = CASE WHEN 'null' <> $1 AND id < 9 THEN $1::jsonb ELSE body END WHERE id = $2", [][]any{{`"y"`, 2}, {"null", 2}}},
	{"UPDATE papers SET body = CASE WHEN $1::text <> '' THEN $1::jsonb ELSE body END, pages = CASE WHEN $2 <> '' THEN $2::integer ELSE pages END WHERE id = $3", [][]any{{"{}", "12", 1}, {"", "", 2}, {"", "twelve", 1}}},
	{"SELECT id, body, pages FROM papers WHERE pages = $1 OR pages IS NULL OR body IS NOT NULL", [][]any{{12}}},
}

func TestTextsBehindAComparisonAreConverted(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, []engine{onPostgres, {"postgres simple_protocol", rewrite.Postgres, "simple_protocol"}}, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := &twins{t: t, w: e.open(t, paperConfig)}
			x.plain = e.open(t, paperConfig).plain
			x.both("CREATE TABLE papers (id int PRIMARY KEY, body jsonb, pages integer)")
			x.both("INSERT INTO papers VALUES (1, '{}', 3), (2, NULL, NULL)")
			for _, q := range papers {
				for _, args := range q.args {
					_, want := x.plain.Exec(q.text, args...)
					_, got := x.w.db.Exec(q.text, args...)
					if (want == nil) != (got == nil) {
						t.Errorf("%s %v: got %v, the plain database says %v", q.text, args, got, want)
					}
					x.ranged("SELECT id, body, pages FROM papers ORDER BY id")
				}
			}
		})
	}
}

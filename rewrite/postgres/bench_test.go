package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sqlc-dev/oliphant"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/postgres"
)

func benchTexts() []struct{ name, sql string } {
	var cols, vals []string
	for i := 1; i <= 20; i++ {
		cols = append(cols, fmt.Sprintf("column_%d", i))
		vals = append(vals, fmt.Sprintf("$%d", i))
	}
	return []struct{ name, sql string }{
		{"point_select", `SELECT id, name, email FROM users WHERE id = $1`},
		{"insert_20_columns", "INSERT INTO wide_table (" + strings.Join(cols, ", ") + ") VALUES (" + strings.Join(vals, ", ") + ") RETURNING id"},
		{"cte_and_5_joins", `WITH recent AS (
  SELECT o.id, o.customer_id, o.total FROM orders o WHERE o.created_at > now() - interval '30 days' AND o.status = 'paid'
)
SELECT c.id, c.name, count(*) AS n, sum(r.total) AS total, max(p.title) FILTER (WHERE p.active) AS title
FROM recent r
JOIN customers c ON c.id = r.customer_id
JOIN order_lines l ON l.order_id = r.id
JOIN products p ON p.id = l.product_id
LEFT JOIN categories k ON k.id = p.category_id
LEFT JOIN regions g ON g.id = c.region_id
WHERE c.country = $1 AND (k.name IN ('a', 'b') OR k.name IS NULL)
  AND EXISTS (SELECT 1 FROM reviews v WHERE v.product_id = p.id AND v.stars >= $2)
GROUP BY c.id, c.name HAVING count(*) > 3
ORDER BY total DESC NULLS LAST LIMIT 50 OFFSET $3`},
	}
}

// BenchmarkFrontend compares Prepare and Parse with the parser's own parse and
// scan of the same text in alternating batches: "ratio" is the median of ours
// divided by the median of theirs.
func BenchmarkFrontend(b *testing.B) {
	f := postgres.New()
	for _, x := range benchTexts() {
		ours := func() {
			text, err := f.Prepare(x.sql, &rewrite.Session{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := f.Parse(text, &rewrite.Session{}); err != nil {
				b.Fatal(err)
			}
		}
		theirs := func() {
			if _, err := oliphant.Parse(x.sql); err != nil {
				b.Fatal(err)
			}
			if _, err := oliphant.Scan(x.sql); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(x.name, func(b *testing.B) {
			var a, c []time.Duration
			for b.Loop() {
				a = append(a, batch(ours))
				c = append(c, batch(theirs))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(micros(a), "µs-ours")
			b.ReportMetric(micros(c), "µs-theirs")
			b.ReportMetric(micros(a)/micros(c), "ratio")
		})
	}
}

const batchSize = 8

func batch(f func()) time.Duration {
	start := time.Now()
	for range batchSize {
		f()
	}
	return time.Since(start)
}

func micros(list []time.Duration) float64 {
	slices.Sort(list)
	return float64(list[len(list)/2].Nanoseconds()) / 1e3 / batchSize
}

package sqlite

import (
	"strings"
	"testing"

	"github.com/sqlc-dev/meyer/lexer"
	"github.com/sqlc-dev/meyer/parser"
)

// benchTexts are the texts of the planning budget.
var benchTexts = []struct{ name, text string }{
	{"point", "SELECT id, email, ssn, name, created_at FROM users WHERE id = ? AND deleted_at IS NULL LIMIT 1"},
	{"insert20", "INSERT INTO users (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20) VALUES (?" +
		strings.Repeat(", ?", 19) + ") ON CONFLICT (c1) DO UPDATE SET c2 = excluded.c2 RETURNING id"},
	{"cte5joins", `WITH recent AS (SELECT o.id, o.user_id, sum(l.qty * l.price) AS total FROM orders AS o
  JOIN lines AS l ON l.order_id = o.id WHERE o.created_at > ? GROUP BY o.id, o.user_id)
SELECT u.id, u.email, r.total, c.name, coalesce(a.city, 'none') AS city, p.title
FROM users u JOIN recent r ON r.user_id = u.id LEFT JOIN addresses a ON a.user_id = u.id AND a.kind = 'home'
  JOIN countries c ON c.id = a.country_id JOIN lines l ON l.order_id = r.id JOIN products p ON p.id = l.product_id
WHERE u.active = 1 AND u.kind IN ('a', 'b', 'c') AND EXISTS (SELECT 1 FROM logins g WHERE g.user_id = u.id AND g.at > ?)
ORDER BY r.total DESC, u.id LIMIT 50 OFFSET ?`},
}

// BenchmarkParse is the front end beside meyer's own parse and scan of the
// same text; the planning budget is three times the latter for two parses.
func BenchmarkParse(b *testing.B) {
	for _, c := range benchTexts {
		b.Run(c.name+"/meyer", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.ParseString(c.text); err != nil {
					b.Fatal(err)
				}
				lexer.Lex(c.text)
			}
		})
		b.Run(c.name+"/sealsql", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := New().Parse(c.text, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/prepare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := New().Prepare(c.text, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

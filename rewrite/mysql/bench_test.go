package mysql

import (
	"strings"
	"testing"

	"github.com/sqlc-dev/marino/parser"
)

// benchTexts are the three sizes of statement that planning is measured on.
var benchTexts = map[string]string{
	"point_select": "SELECT id, email, ssn FROM users WHERE id = ? AND tenant_id = ?",
	"insert_20": "INSERT INTO users (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20) VALUES (" +
		strings.Repeat("?, ", 19) + "?)",
	"cte_joins": `WITH recent AS (SELECT o.id, o.user_id, o.total FROM orders o WHERE o.created_at > ? AND o.state IN ('paid', 'sent'))
SELECT u.id, u.email, r.total, COUNT(i.id) AS items, SUM(i.price * i.amount) AS value, MAX(p.name) AS name
FROM users u
JOIN recent r ON r.user_id = u.id
LEFT JOIN items i ON i.order_id = r.id
LEFT JOIN products p ON p.id = i.product_id
JOIN addresses a ON a.user_id = u.id AND a.kind = 'home'
JOIN countries c ON c.code = a.country
WHERE u.tenant_id = ? AND u.state <> 'gone' AND EXISTS (SELECT 1 FROM logins l WHERE l.user_id = u.id AND l.at > ?)
GROUP BY u.id, u.email, r.total HAVING COUNT(i.id) > 2 ORDER BY value DESC LIMIT 50`,
}

// BenchmarkParse against BenchmarkParserAndTokens is what the front end adds
// to one run of the parser and one scan of the text.
func BenchmarkParse(b *testing.B) {
	f := New()
	for name, text := range benchTexts {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := f.Prepare(text, maria)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := f.Parse(p, maria); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParserAndTokens(b *testing.B) {
	for name, text := range benchTexts {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			p := parser.New()
			p.EnableWindowFunc(true)
			for b.Loop() {
				if _, _, err := p.ParseSQL(text); err != nil {
					b.Fatal(err)
				}
				if _, err := lex(text, maria); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

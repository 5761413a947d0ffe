package drivertest_test

import (
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// joinsByName join tables by encrypted columns of one name.
var joinsByName = []search{
	{"SELECT * FROM users JOIN past USING (email)", nil},
	{"SELECT * FROM past LEFT JOIN users USING (email)", nil},
	{"SELECT * FROM past RIGHT JOIN users USING (email)", nil},
	{"SELECT * FROM past JOIN users USING (id, email)", nil},
	{"SELECT email, u.id, p.note FROM users u LEFT JOIN past p USING (email) WHERE email <> ? OR email IS NULL", []any{"u1@example.com"}},
	{"SELECT email FROM past p RIGHT JOIN users u USING (email) WHERE email IS NOT NULL AND p.id IS NULL", nil},
	{"SELECT * FROM past NATURAL JOIN (SELECT id, note FROM users) u", nil},
	{"SELECT * FROM past NATURAL JOIN users", nil},
	{"SELECT * FROM past NATURAL LEFT JOIN users u", nil},
	{"SELECT a.id, b.id, ssn FROM users a JOIN users b USING (ssn) WHERE a.id < b.id", nil},
	{"SELECT ssn, count(*) FROM users a JOIN users b USING (ssn) GROUP BY ssn", nil},
	{"SELECT a.id, c.id, ssn FROM users a JOIN users b USING (ssn) JOIN users c USING (ssn) WHERE a.id = b.id AND ssn = ?", []any{"111"}},
	{"SELECT * FROM tenants a JOIN tenants b USING (tenant, secret)", nil},
	{"SELECT tenant, secret, b.id FROM tenants a LEFT JOIN tenants b USING (tenant, secret) WHERE a.id > ?", []any{3}},
	{"SELECT code, a.tenant, b.tenant FROM tenants a JOIN tenants b USING (code) WHERE a.id = 1", nil},
	{"SELECT p.id FROM past p WHERE EXISTS (SELECT 1 FROM users u JOIN users v USING (email) WHERE u.id = p.id AND email = p.email)", nil},
	{"SELECT COALESCE(email, 'none') AS e, label FROM past LEFT JOIN contacts ON contacts.mail = past.email LEFT JOIN users USING (email)", nil},
}

// TestJoinsByName compares joins by name, and the columns of "*", with those of
// plain tables.
func TestJoinsByName(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.searchTwinsWith(t, listConfig, listTables...)
			x.both("INSERT INTO past (id, email, note) VALUES (1, 'u1@example.com', 'red'), (2, 'u2@example.com', 'x'), (3, NULL, 'blue'), (5, 'u1@example.com', NULL), (9, 'Straße', NULL), (70, 'gone@example.com', 'x')")
			for _, q := range joinsByName {
				x.unordered(q.text, q.args)
			}
			x.w.refused("SELECT * FROM tenants a JOIN tenants b USING (secret)", rewrite.ReasonPartition)
			x.w.refused("SELECT * FROM users a JOIN users b USING (name)", rewrite.ReasonJoin)
		})
	}
}

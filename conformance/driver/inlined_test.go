package drivertest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// inlined are statements of a program that writes its values into its texts.
// {i} is another number each time, {M} a value that must not be sent in clear.
var inlined = []string{
	"INSERT INTO users (id, ssn, email, note, points) VALUES ({i}, '{M}{i}', 'm{i}@{M}', 'n''{i}', -{i}), ({i}5, NULL, '{M} \"{i}\"', 'x', {i})",
	"SELECT * FROM users WHERE (id = {i}) AND (note <> 'other {i}')",
	"UPDATE users SET email = '{M} again {i}', note = 'note {i}' WHERE id IN ({i}, {i}5)",
	"SELECT ssn, email, points FROM users WHERE id BETWEEN {i} AND {i}9 ORDER BY 1 + id LIMIT 5",
	"INSERT INTO tenants (id, tenant, secret, note) VALUES ({i}, 't{i}', '{M} of {i}', 'c{i}')",
	"SELECT secret, note FROM tenants WHERE tenant = 't{i}' AND id = {i}",
	"UPDATE tenants SET secret = '{M} then {i}' WHERE tenant = 't{i}' AND note = 'c{i}'",
	"DELETE FROM users WHERE id = {i}5 AND ssn IS NULL",
	"INSERT INTO orders (id, user_id, total, memo) VALUES ({i}, {i}, 3, 'clear {i}')",
	"SELECT o.memo, u.ssn FROM orders o JOIN users u ON u.id = o.user_id WHERE o.memo = 'clear {i}' AND o.id = {i}",
}

// TestInlinedLiterals runs texts that differ in their literals alone, on plain
// and on encrypted tables.
func TestInlinedLiterals(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.twins(t)
			x.plain = x.plainTwin(e)
			for i := range 12 {
				steps := make([]string, len(inlined))
				for k, s := range inlined {
					steps[k] = strings.ReplaceAll(s, "{i}", fmt.Sprint(100+37*i))
				}
				x.statement(fmt.Sprint("round ", i), "=", strings.Join(steps, ";;"))
				if i%4 == 0 { // the same form where the value is also used in clear
					x.statement(fmt.Sprint("round ", i), "! "+rewrite.ReasonClearUse.String(),
						fmt.Sprintf("UPDATE users SET ssn = '{M}', note = upper('{M}') WHERE id = %d", i))
					x.statement(fmt.Sprint("round ", i), "=",
						fmt.Sprintf("UPDATE users SET ssn = '{M}', note = upper('other %d') WHERE id = %d", i%8, i))
				}
			}
		})
	}
}

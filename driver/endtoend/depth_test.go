package endtoend_test

import (
	"fmt"
	"strings"
	"testing"
)

const depthConfig = head + `metastore: memory
tables:
  HERE.people:
    columns:
      name: {type: varchar(40), search: {range: {prefix: 10, collation: binary}}}
      mail: {type: varchar(40), search: {equality: {collation: binary}}}
      nodes: {type: varchar(40), search: {range: {prefix: 10, collation: binary, form: nodes}}}
      code: {type: integer, search: {range: {order: revealing}}, accept_leakage: order}
`

// TestLongConditionsAreWithinTheLimitsOfTheEngines: SQLite takes an expression of a
// depth of 1,000, PostgreSQL and MySQL have a stack. What the driver writes in the
// place of a comparison must not be deeper than what the caller wrote.
func TestLongConditionsAreWithinTheLimitsOfTheEngines(t *testing.T) {
	values := func(form string, n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(form, i)
		}
		return strings.Join(list, ", ")
	}
	const wide = "name > 'aaaaaaaaab' AND name < 'zzzzzzzzzy'"
	conditions := map[string]string{
		"a range of many spans":          wide,
		"three ranges in each other":     "id IN (SELECT p.id FROM people p WHERE p.name BETWEEN 'abcdefghij' AND 'yxwvutsrqp' AND EXISTS (SELECT 1 FROM people q WHERE q.id = p.id AND (q.name > 'bbbbbbbbbb' OR q.name < 'aaaaaaaaaa')))",
		"a range below three queries":    "id IN (SELECT o.id FROM people o WHERE o.id = (SELECT max(p.id) FROM people p WHERE p.id = o.id AND p.id IN (SELECT q.id FROM people q WHERE q.name >= 'abcdefghij' AND q.name < 'yxwvutsrqp')))",
		"ranges joined by OR":            "name < 'bbbbbbbbbb' OR name > 'cccccccccc' OR name BETWEEN 'bcdefghijk' AND 'bzyxwvutsr' OR NOT name < 'yyyyyyyyyy'",
		"a range of nodes":               "nodes > 'aaaaaaaaab' AND nodes < 'zzzzzzzzzy'",
		"a range in the select list":     "(SELECT count(*) FROM people p WHERE p.name > 'aaaaaaaaab' AND p.name < 'zzzzzzzzzy') > 1",
		"a list of 5,000 values":         "mail IN (" + values("'m%d@x'", 5000) + ")",
		"a list of 5,000 values, not in": "mail NOT IN (" + values("'m%d@x'", 5000) + ")",
		"a list of 5,000 numbers":        "code IN (" + values("%d", 5000) + ")",
		"a list of 500 rows":             "(id, mail) IN (" + values("(%[1]d, 'm%[1]d@x')", 500) + ")",
		"800 comparisons":                "mail = 'm300@x'" + strings.Repeat(" OR mail = 'm2@x'", 800),
	}
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, depthConfig)
			p.both(t, "CREATE TABLE people (id integer PRIMARY KEY, name varchar(40), mail varchar(40), nodes varchar(40), code integer)")
			for i := range 26 {
				name := strings.Repeat(string(rune('a'+i)), 10)
				p.both(t, fmt.Sprintf("INSERT INTO people (id, name, mail, nodes, code) VALUES (%d, '%s', 'm%d@x', '%s', %d)", i, name, i*300, name, i*300))
			}
			for name, where := range conditions {
				t.Run(name, func(t *testing.T) {
					text := "SELECT count(*) FROM people WHERE " + where
					var want, got int
					if err := p.plain.QueryRow(text).Scan(&want); err != nil {
						t.Fatal(err)
					}
					if err := p.sealed.QueryRow(text).Scan(&got); err != nil || got != want || got == 0 {
						t.Errorf("%d rows, want %d: %v", got, want, err)
					}
					st, err := p.sealed.Prepare(text) // as many spans as there may be
					if err != nil {
						t.Fatal("prepare:", err)
					}
					defer st.Close()
					if err := st.QueryRow().Scan(&got); err != nil || got != want {
						t.Errorf("prepared: %d rows, want %d: %v", got, want, err)
					}
				})
			}
		})
	}
}

// TestAListOfManyArguments is the same with 5,000 arguments.
func TestAListOfManyArguments(t *testing.T) {
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, depthConfig)
			p.both(t, "CREATE TABLE people (id integer PRIMARY KEY, name varchar(40), mail varchar(40), nodes varchar(40), code integer)")
			p.both(t, "INSERT INTO people (id, mail, code) VALUES (1, 'm4999@x', 3), (2, 'other', 4), (3, NULL, NULL)")
			marks, args := make([]string, 5000), make([]any, 5000)
			for i := range marks {
				marks[i], args[i] = f.mark(i+1), fmt.Sprintf("m%d@x", i)
			}
			for _, op := range []string{"IN", "NOT IN"} {
				var n int
				if err := p.sealed.QueryRow("SELECT count(*) FROM people WHERE mail "+op+" ("+strings.Join(marks, ", ")+")", args...).Scan(&n); err != nil || n != 1 {
					t.Errorf("%s: %d rows, %v", op, n, err)
				}
			}
		})
	}
}

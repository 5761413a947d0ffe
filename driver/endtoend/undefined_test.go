package endtoend_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
)

const undefinedConfig = head + `metastore: {sql: same}
guards: off
tables:
  HERE.people:
    columns:
      name: {type: varchar(20), search: {equality: {collation: binary, bits: %s}, prefix: {collation: binary, lengths: [%s]}}}
      age: {type: integer, search: {range: %s}}
`

// TestStoredLengthsTellWhatNoGuardSays: where guards say nothing of how an index was
// filled, another form, order, size or number of lengths is noticed before the index
// is used, inside of transactions as well.
func TestStoredLengthsTellWhatNoGuardSays(t *testing.T) {
	type settings struct{ bits, lengths, age string }
	stored := settings{"128", "3", "{form: nodes}"}
	config := func(s settings) string { return fmt.Sprintf(undefinedConfig, s.bits, s.lengths, s.age) }
	accept := "{order: revealing}}, accept_leakage: order"
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, config(stored))
			initialise(t, p)
			bytes := map[string]string{"sqlite": "blob", "postgres": "bytea", "mysql": "varbinary(600)"}[f.name]
			q := map[string]string{"mysql": "`"}[f.name]
			guard := strings.ReplaceAll(", CONSTRAINT g CHECK ((Xage X IS NULL) = (Xage_rngX IS NULL))", "Xage X", q+"age"+q)
			guard = strings.ReplaceAll(guard, "X", q)
			create := "CREATE TABLE people (id integer PRIMARY KEY, name B, name_bidx B, name_pfx B, age B, age_rng B" + guard + ")"
			if _, err := p.stored(t).Exec(strings.ReplaceAll(create, " B", " "+bytes)); err != nil {
				t.Fatal(err)
			}
			for i := range 3 { // no row, and then some
				db := p.reopen(t)
				if _, err := db.Exec(fmt.Sprintf("INSERT INTO people (id, name, age) VALUES (%d, 'Anna', 40)", i)); err != nil {
					t.Fatal(err)
				}
				var n int
				if err := db.QueryRow("SELECT count(*) FROM people WHERE age > 39 AND name = 'Anna'").Scan(&n); err != nil || n != i+1 {
					t.Fatalf("%d rows, %v", n, err)
				}
			}
			for name, c := range map[string]struct {
				now     settings
				column  string
				was, is string
				search  string
			}{
				"the default form": {settings{"128", "3", "default"}, "people.age", "form=nodes", "form=path", "age > 39"},
				"the order":        {settings{"128", "3", accept}, "people.age", "form=nodes", "order=revealing", "age > 39"},
				"the bits":         {settings{"256", "3", "{form: nodes}"}, "people.name", "16 bytes", "32 bytes", "name = 'Anna'"},
			} {
				t.Run(name, func(t *testing.T) {
					text := config(c.now)
					if strings.HasPrefix(c.now.age, "{order") {
						text = strings.Replace(text, "accept_leakage: order}}", "accept_leakage: order}", 1)
					}
					rewriteConfig(t, p, text)
					db := p.reopen(t)
					check := func(how string, err error) {
						t.Helper()
						var d *sealsql.IndexDefinitionError
						if !errors.As(err, &d) || !errors.Is(err, sealsql.ErrSetup) || d.Column != c.column || !strings.HasPrefix(d.Stored, c.was) || !strings.HasPrefix(d.Configured, c.is) {
							t.Errorf("%s: %v", how, err)
						}
					}
					var n int
					check("search", db.QueryRow("SELECT count(*) FROM people WHERE "+c.search).Scan(&n))
					_, err := db.Exec("INSERT INTO people (id, name, age) VALUES (9, 'Bo', 1)")
					check("insert", err)
					_, err = db.Prepare("SELECT id FROM people WHERE " + c.search)
					check("prepare", err)
					tx, err := db.BeginTx(context.Background(), nil)
					if err != nil {
						t.Fatal(err)
					}
					defer tx.Rollback()
					check("in a transaction", tx.QueryRow("SELECT count(*) FROM people WHERE "+c.search).Scan(&n))
					if _, err := tx.Exec("CREATE TABLE other_" + strings.ReplaceAll(name, " ", "_") + " (id integer)"); err != nil {
						t.Errorf("the transaction does not go on: %v", err)
					}
				})
			}
			rewriteConfig(t, p, config(stored))
			var n int
			if err := p.reopen(t).QueryRow("SELECT count(*) FROM people WHERE age > 39").Scan(&n); err != nil || n != 3 {
				t.Fatalf("%d rows, %v", n, err)
			}
		})
	}
}

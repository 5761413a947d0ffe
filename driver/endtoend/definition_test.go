package endtoend_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
)

const definedConfig = head + `metastore: {sql: same}
tables:
  HERE.people:
    partition: {const: one}
    columns:
      name: {type: varchar(20), search: {equality: {collation: binary}, prefix: {lengths: [3], collation: binary}, suffix: {lengths: [3], collation: binary}, contains: {collation: binary}}}
      code: {type: varchar(4), search: {range: {prefix: 4, collation: binary}}}
      age:  {type: integer, search: {range: default}}
      pay:  {type: "numeric(10,2)", search: {range: {order: revealing}}, accept_leakage: order}
    indexes:
      pair: {columns: [{column: dept, type: integer}, age]}
`

// definitions are changes of settings under which stored indexes find nothing, with
// what the error names.
var definitions = []struct {
	name, from, to     string
	stored, configured string
	notLite            bool // SQLite's form does not depend on it
}{
	{"the form of a hidden range", "age:  {type: integer, search: {range: default}}", "age:  {type: integer, search: {range: {form: nodes}}}", "form=path", "form=nodes", false},
	{"the order of a range", "range: {prefix: 4, collation: binary}}}", "range: {order: revealing, prefix: 4, collation: binary}}, accept_leakage: order}", "order=hidden", "order=revealing", false},
	{"the prefix of a range over texts", "prefix: 4,", "prefix: 5,", "values=text/4", "values=text/5", false},
	{"the size of integers in a range", "age:  {type: integer", "age:  {type: bigint", "values=integer/4/false", "values=integer/8/false", true},
	{"the scale of numbers in a range", "numeric(10,2)", "numeric(10,3)", "values=numeric/10/2", "values=numeric/10/3", true},
	{"the normalizers of equality", "equality: {collation: binary}", "equality: {collation: binary, normalize: [lower]}", "no normalize", "normalize=lower", false},
	{"the collation of equality", "equality: {collation: binary}", "equality: {collation: ci}", "no normalize", "normalize=nfc,lower", false},
	{"the bits of equality", "equality: {collation: binary}", "equality: {collation: binary, bits: 64}", "bits=128", "bits=64", false},
	{"the group of equality", "equality: {collation: binary}", "equality: {collation: binary, group: names}", "group=~", "group=~", false},
	{"the version of equality", "equality: {collation: binary}", "equality: {collation: binary, version: 2}", "version=1", "version=2", false},
	{"the scope of equality", "equality: {collation: binary}", "equality: {collation: binary, scope: table}", "scope=partition", "scope=table", false},
	{"the constant partition", "const: one", "const: two", "partition=const~", "partition=const~", false},
	{"the lengths of a prefix index", "prefix: {lengths: [3]", "prefix: {lengths: [3, 5]", "letters=3", "letters=3,5", false},
	{"the lengths of a suffix index", "suffix: {lengths: [3]", "suffix: {lengths: [4]", "letters=3", "letters=4", false},
	{"the normalizers of a contains index", "contains: {collation: binary}", "contains: {collation: binary, normalize: [digits]}", "no normalize", "normalize=digits", false},
	{"the bits of a compound index", "pair: {columns", "pair: {bits: 256, columns", "bits=128", "bits=256", false},
	{"the columns of a compound index", "[{column: dept, type: integer}, age]", "[age, {column: dept, type: integer}]", "columns=2~", "columns=2~", false},
}

// TestChangedDefinitionsOfIndexesAreErrors: what is stored under one definition is
// not searched under another.
func TestChangedDefinitionsOfIndexesAreErrors(t *testing.T) {
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, definedConfig)
			initialise(t, p)
			create := "CREATE TABLE people (id integer PRIMARY KEY, dept integer, name varchar(20), code varchar(4), age integer, pay numeric(10,2))"
			if _, err := p.sealed.Exec(create); err != nil {
				t.Fatal(err)
			}
			if _, err := p.sealed.Exec("INSERT INTO people VALUES (1, 7, 'Anna Adler', 'a1', 40, 12.5)"); err != nil {
				t.Fatal(err)
			}
			finds(t, p, 1)
			for _, c := range definitions {
				if c.notLite && f.name == "sqlite" {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					if !strings.Contains(definedConfig, c.from) {
						t.Fatal("the configuration has not what is to be changed")
					}
					rewriteConfig(t, p, strings.Replace(definedConfig, c.from, c.to, 1))
					db := p.reopen(t)
					var n int
					err := db.QueryRow("SELECT count(*) FROM people WHERE age > 1").Scan(&n)
					var d *sealsql.IndexDefinitionError
					switch {
					case !errors.As(err, &d) || !errors.Is(err, sealsql.ErrSetup):
						t.Fatalf("%d rows, %v", n, err)
					case !strings.Contains(d.Stored, c.stored) || !strings.Contains(d.Configured, c.configured):
						t.Errorf("%+v", d)
					case !strings.Contains(err.Error(), "reindex") || !strings.Contains(d.Error(), d.Index):
						t.Error(err)
					}
					if _, err := db.Exec("INSERT INTO people VALUES (2, 7, 'Bo', 'b1', 41, 1)"); !errors.Is(err, sealsql.ErrSetup) {
						t.Errorf("a row was written: %v", err)
					}
					if err := db.Ping(); !errors.Is(err, sealsql.ErrSetup) {
						t.Errorf("ping: %v", err)
					}
				})
			}
			rewriteConfig(t, p, definedConfig)
			finds(t, p, 1)
		})
	}
}

// initialise makes the key table; SQLite's is made with the first key.
func initialise(t *testing.T, p *pair) {
	t.Helper()
	if p.flavour.name != "sqlite" {
		initialiseKeysOf(t, p.flavour, p.sealedDSN)
	}
}

// finds searches by every index, in a process of its own.
func finds(t *testing.T, p *pair, want int) {
	t.Helper()
	db := p.reopen(t)
	for _, where := range []string{"name = 'Anna Adler'", "name LIKE 'Ann%'", "name LIKE '%ler'", "name LIKE '%a Ad%'", "code < 'b'", "age > 39", "pay < 13", "dept = 7 AND age = 40"} {
		rows, err := db.Query("SELECT id FROM people WHERE " + where)
		if err != nil {
			t.Fatal(where, err)
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := rows.Err(); err != nil || n != want {
			t.Errorf("%s: %d rows, want %d: %v", where, n, want, err)
		}
		rows.Close()
	}
}

// TestATableThatIsMadeAnewHasItsOwnDefinition: the definition goes with the table.
func TestATableThatIsMadeAnewHasItsOwnDefinition(t *testing.T) {
	const config = head + "metastore: {sql: same}\ntables:\n  HERE.people:\n    columns:\n      age: {type: integer, search: {range: {form: %s}}}\n"
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, fmt.Sprintf(config, "nodes"))
			initialise(t, p)
			for _, form := range []string{"nodes", "path"} {
				rewriteConfig(t, p, fmt.Sprintf(config, form))
				db := p.reopen(t)
				for _, text := range []string{"DROP TABLE IF EXISTS people", "CREATE TABLE people (id integer, age integer)", "INSERT INTO people VALUES (1, 5)"} {
					if _, err := db.Exec(text); err != nil {
						t.Fatal(form, text, err)
					}
				}
				var n int
				if err := db.QueryRow("SELECT count(*) FROM people WHERE age < 6").Scan(&n); err != nil || n != 1 {
					t.Fatalf("%s: %d rows, %v", form, n, err)
				}
			}
		})
	}
}

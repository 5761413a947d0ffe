package endtoend_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// What the server itself would compute of an encrypted column, it would compute of
// ciphertext: it is an error of the setup.
func TestWhatReadsCiphertextInTheServerIsReported(t *testing.T) {
	const configuration = head + `metastore: memory
guards: "off"
tables:
  HERE.people: {columns: {ssn: {type: varchar(20), search: {equality: {collation: binary}}}}}
`
	type fault struct{ make, says string }
	generated := fault{"ALTER TABLE people ADD COLUMN size int GENERATED ALWAYS AS (length(ssn)) VIRTUAL", "people.ssn: a generated column"}
	for _, c := range []struct {
		flavour
		typ    string
		before []string
		faults []fault
	}{
		{sqliteFlavour(), "blob", nil, []fault{generated}},
		{mysqlFlavour(), "varbinary(200)", []string{"CREATE TABLE accounts (code varbinary(16) PRIMARY KEY)"}, []fault{
			generated,
			{"ALTER TABLE people ADD FOREIGN KEY (ssn_bidx) REFERENCES accounts (code) ON UPDATE CASCADE", "people.ssn: the foreign key to accounts"},
		}},
		{postgresFlavour(), "bytea", []string{"CREATE TABLE clear (id int, x bytea UNIQUE)"}, []fault{
			{"ALTER TABLE people ADD COLUMN size int GENERATED ALWAYS AS (length(ssn)) STORED", "people.ssn: a generated column"},
			{"CREATE POLICY own ON people USING (ssn = current_setting('app.ssn', true)::bytea)", "people.ssn: policy own"},
			{"CREATE POLICY own ON people WITH CHECK (length(ssn) < 20)", "people.ssn: policy own"},
			{"CREATE POLICY own ON people USING (EXISTS (SELECT FROM people other WHERE other.ssn > 'x'))", "people.ssn: policy own"},
			{"CREATE POLICY own ON clear USING (EXISTS (SELECT FROM people p WHERE p.ssn = clear.x))", "people.ssn: policy own"},
			{"ALTER TABLE people ADD EXCLUDE (ssn WITH =)", "people.ssn: an expression index"},
			{"ALTER TABLE people ADD FOREIGN KEY (ssn_bidx) REFERENCES clear (x) ON DELETE SET NULL", "people.ssn: the foreign key to clear"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range c.faults {
				p := c.open(t, configuration)
				st := p.stored(t)
				index := map[string]string{"mysql": "varbinary(16)"}[c.name]
				if index == "" {
					index = c.typ
				}
				for _, q := range append(c.before, "CREATE TABLE people (id int PRIMARY KEY, ssn "+c.typ+", ssn_bidx "+index+")", f.make) {
					if _, err := st.Exec(q); err != nil {
						t.Fatal(err)
					}
				}
				if err := p.sealed.Ping(); !errors.Is(err, sealsql.ErrSetup) || !strings.Contains(err.Error(), f.says) {
					t.Errorf("%s: %v", f.make, err)
				}
				if _, err := p.sealed.Exec("UPDATE people SET ssn = 'x'"); !errors.Is(err, sealsql.ErrSetup) {
					t.Errorf("%s: %v", f.make, err)
				}
			}
		})
	}
	p := postgresFlavour().open(t, configuration)
	st := p.stored(t)
	for _, q := range []string{
		"CREATE TABLE people (id int PRIMARY KEY, ssn bytea, ssn_bidx bytea, size int GENERATED ALWAYS AS (id * 2) STORED)",
		"CREATE POLICY own ON people USING (id = 1)", "ALTER TABLE people ADD EXCLUDE (id WITH =)",
	} {
		if _, err := st.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.sealed.Exec("UPDATE people SET ssn = 'x'"); err != nil {
		t.Error(err)
	}
}

// A part of a table has constraints, indexes and policies of its own.
func TestPartsThatReadCiphertextAreRefused(t *testing.T) {
	for _, make := range []string{
		"ALTER TABLE parts ADD CHECK (length(ssn) < 200)", "ALTER TABLE parts ADD UNIQUE (ssn)", "CREATE POLICY own ON parts USING (ssn > '1')",
	} {
		p := postgresFlavour().open(t, head+"metastore: memory\nguards: \"off\"\ntables:\n  people: {columns: {ssn: {type: text}}}\n")
		st := p.stored(t)
		for _, q := range []string{"CREATE TABLE people (id int, ssn bytea)", "CREATE TABLE parts () INHERITS (people)"} {
			if _, err := st.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.sealed.Exec("UPDATE people SET ssn = 'x'"); err != nil {
			t.Fatal(err)
		}
		if _, err := st.Exec(make); err != nil {
			t.Fatal(err)
		}
		sealed := p.reopen(t)
		for _, q := range []string{"UPDATE people SET ssn = 'x'", "UPDATE parts SET ssn = 'x'"} {
			_, err := sealed.Exec(q)
			var u *rewrite.UnsupportedError
			if !errors.As(err, &u) || u.Reason != rewrite.ReasonShadowed {
				t.Errorf("%s: %s: %v", make, q, err)
			}
		}
	}
}

package drivertest_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const alterConfig = head + `tables:
  people:
    columns: {ssn: {type: varchar(40)}, email: {type: text}}
`

// TestAlterTable runs what migrators send when a model grows, on a database
// that was made by an earlier version of the program: the new encrypted column
// is created in its physical form, holds ciphertext only, and goes again.
func TestAlterTable(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			w := e.open(t, strings.ReplaceAll(alterConfig, "guards: off", "guards: require"))
			w.other("CREATE TABLE people (id {INT} PRIMARY KEY, note {TEXT})")
			w.other("CREATE TABLE visits (id {INT} PRIMARY KEY, person {INT})")
			w.refused("INSERT INTO people (id, ssn) VALUES (1, {M})")
			w.exec("ALTER TABLE people ADD COLUMN ssn varchar(40)")
			w.exec("ALTER TABLE people ADD email text")
			w.exec("ALTER TABLE people ADD COLUMN seen {INT} DEFAULT 3")
			w.exec("INSERT INTO people (id, ssn, email, note) VALUES (1, ?, ?, 'n')", w.mark, w.mark)
			w.holds("SELECT id, ssn, email, seen FROM people", [][]any{{int64(1), w.mark, w.mark, int64(3)}})

			w.refused("ALTER TABLE people ADD COLUMN nick varchar(40) DEFAULT (SELECT {M} FROM people)")
			w.refused("ALTER TABLE people RENAME COLUMN ssn TO nick", rewrite.ReasonDDL)
			w.refused("ALTER TABLE people RENAME TO persons", rewrite.ReasonDDL)
			if _, err := w.plain.Exec(w.text("UPDATE people SET ssn = {M}")); err == nil {
				t.Error("the added column has no guard: the plain driver wrote plaintext")
			}
			w.alterMore(e)
			w.exec("ALTER TABLE people DROP COLUMN seen")
			w.holds("SELECT id, ssn, email, note FROM people", [][]any{{int64(1), w.mark, w.mark, "n"}})
		})
	}
}

// alterMore are the forms that not every engine has.
func (w *world) alterMore(e engine) {
	w.t.Helper()
	switch e.dialect {
	case rewrite.Postgres:
		w.exec("ALTER TABLE people ALTER COLUMN ssn TYPE varchar(40) USING ssn::varchar(40), ALTER email SET NOT NULL")
		w.exec("ALTER TABLE visits ADD CONSTRAINT f FOREIGN KEY (person) REFERENCES people (id)")
		w.refused("ALTER TABLE people ALTER COLUMN email SET DEFAULT {M}", rewrite.ReasonDDL)
		w.refused("ALTER TABLE people ADD CONSTRAINT c CHECK (ssn <> {M})", rewrite.ReasonDDL)
	case rewrite.MySQL:
		w.exec("ALTER TABLE people MODIFY COLUMN ssn varchar(40) NULL AFTER note")
		w.exec("ALTER TABLE visits ADD CONSTRAINT f FOREIGN KEY (person) REFERENCES people (id)")
		w.refused("ALTER TABLE people ALTER COLUMN email SET DEFAULT {M}", rewrite.ReasonDDL, rewrite.ReasonSyntax)
		w.refused("ALTER TABLE people ADD CONSTRAINT c CHECK (ssn <> {M})", rewrite.ReasonDDL)
	default:
		return
	}
	w.refused("ALTER TABLE people DROP CONSTRAINT sealsql_guard_people_ssn", rewrite.ReasonDDL)
	w.holds("SELECT ssn, email FROM people", [][]any{{w.mark, w.mark}})
	w.exec("ALTER TABLE people DROP COLUMN ssn")
	w.exec("ALTER TABLE people ADD ssn varchar(40)")
	w.exec("UPDATE people SET ssn = ? WHERE id = 1", w.mark)
}

// holds compares the rows of a query through the encrypting driver.
func (w *world) holds(text string, want [][]any) {
	w.t.Helper()
	rows, err := rowsOf(w.db.Query(text))
	w.must(err)
	w.equal(rows, want)
}

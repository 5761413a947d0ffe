package endtoend_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
)

// A STRICT table of SQLite stores no record in a column of another type. That is an
// error of the setup, and not one of the first INSERT.
func TestAStrictTableThatCannotHoldRecordsIsAnErrorOfTheSetup(t *testing.T) {
	for _, c := range []struct {
		physical, carrier string
		holds             bool
	}{
		{"text", "binary", false},
		{"blob", "binary", true},
		{"any", "binary", true},
		{"integer", "binary", false},
		{"text", "text", true},
		{"blob", "text", false},
		{"any", "text", true},
		{"real", "text", false},
	} {
		t.Run(c.physical+" "+c.carrier, func(t *testing.T) {
			p := sqliteFlavour().open(t, head+"metastore: memory\nguards: off\ntables:\n  people: {columns: {name: {type: text, carrier: "+c.carrier+"}}}\n")
			if _, err := p.stored(t).Exec("CREATE TABLE people (id integer PRIMARY KEY, name " + c.physical + ") STRICT"); err != nil {
				t.Fatal(err)
			}
			db := p.reopen(t)
			err := db.Ping()
			if !c.holds {
				if !errors.Is(err, sealsql.ErrSetup) || !strings.Contains(err.Error(), "people.name: the table is STRICT") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec("INSERT INTO people VALUES (1, 'Ada')"); err != nil {
				t.Fatal(err)
			}
			var name string
			if err := db.QueryRow("SELECT name FROM people").Scan(&name); err != nil || name != "Ada" {
				t.Errorf("%q, %v", name, err)
			}
		})
	}
}

// CREATE TABLE … STRICT through the driver makes a table that holds records.
func TestAStrictTableIsMadeInItsPhysicalForm(t *testing.T) {
	p := sqliteFlavour().open(t, head+"metastore: memory\ntables:\n  people:\n    columns:\n      name: {type: text, search: {equality: {}}}\n      age: {type: integer, carrier: text}\n")
	p.both(t, "CREATE TABLE people (id integer PRIMARY KEY, name text, age integer) STRICT")
	p.both(t, "INSERT INTO people VALUES (1, 'Ada', 36)")
	var age int
	if err := p.sealed.QueryRow("SELECT age FROM people WHERE name = ?", "Ada").Scan(&age); err != nil || age != 36 {
		t.Errorf("%d, %v", age, err)
	}
}

package endtoend_test

import (
	"fmt"
	"testing"
)

const literalsConfig = head + `metastore: memory
tables:
  HERE.people:
    columns:
      v: {type: integer, search: {range: default}}
`

// TestRangesOfLiteralsAreThoseOfTheirOwnText: texts that differ in literals only
// share a plan, and each asks for its own range.
func TestRangesOfLiteralsAreThoseOfTheirOwnText(t *testing.T) {
	p := sqliteFlavour().open(t, literalsConfig)
	p.both(t, "CREATE TABLE people (id integer PRIMARY KEY, v integer)")
	for i := range 20 {
		p.both(t, fmt.Sprintf("INSERT INTO people (id, v) VALUES (%d, %d)", i, i*10))
	}
	for low := range 15 {
		for _, text := range []string{"v BETWEEN %d AND %d", "v >= %d AND v < %d", "%d < v AND %d > v", "NOT v BETWEEN %d AND %d", "v > %d OR v <= -%d"} {
			text = "SELECT count(*) FROM people WHERE " + fmt.Sprintf(text, low*10, low*10+25)
			var want, got int
			if err := p.plain.QueryRow(text).Scan(&want); err != nil {
				t.Fatal(err)
			}
			if err := p.sealed.QueryRow(text).Scan(&got); err != nil || got != want {
				t.Errorf("%s: %d rows, want %d (%v)", text, got, want, err)
			}
		}
	}
}

package drivertest_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// randomisedConfig has columns without search index, of a text and of a number.
const randomisedConfig = head + `tables:
  people:
    columns:
      ssn: encrypted
      code: {type: bigint}
`

// valuesEach is how many records of each of two values are compared.
const valuesEach = 250

// TestRecordsOfEqualValuesLookLikeThoseOfOthers stores two values many times and
// looks at the records as somebody with the database does: no two are equal, and
// two records of one value have no more bytes in common than two of different
// values.
func TestRecordsOfEqualValuesLookLikeThoseOfOthers(t *testing.T) {
	t.Parallel()
	types := map[rewrite.Dialect]string{rewrite.SQLite: "BLOB", rewrite.Postgres: "BYTEA", rewrite.MySQL: "VARBINARY(500)"}
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			w := e.open(t, randomisedConfig, "CREATE TABLE people (id INT PRIMARY KEY, ssn "+types[e.dialect]+", code "+types[e.dialect]+")")
			for i := range 2 * valuesEach {
				w.exec("INSERT INTO people (id, ssn, code) VALUES (?, ?, ?)", i, []string{"123-45-6789", "987-65-4321"}[i%2], []int{770_000_001, 770_000_002}[i%2])
			}
			for _, column := range []string{"ssn", "code"} {
				w.unlinkable(t, column)
			}
		})
	}
}

// unlinkable compares the records of even rows with each other, and with those of
// odd ones.
func (w *world) unlinkable(t *testing.T, column string) {
	t.Helper()
	rows, err := w.plain.Query("SELECT " + column + " FROM people ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var records [][]byte
	seen := map[string]bool{}
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			t.Fatal(err)
		}
		if seen[string(b)] {
			t.Fatalf("%s: two records are equal", column)
		}
		seen[string(b)] = true
		records = append(records, b)
	}
	if err := rows.Err(); err != nil || len(records) != 2*valuesEach {
		t.Fatalf("%d records, %v", len(records), err)
	}
	places := random(records)
	if len(places) < 24 {
		t.Fatalf("%s: only %d bytes differ from record to record", column, len(places))
	}
	var equal, other tallied
	for i := range records {
		for k := range i {
			to := &other
			if i%2 == k%2 {
				to = &equal
			}
			for _, at := range places {
				to.add(records[i][at] == records[k][at])
			}
		}
	}
	// The pairs of one record are not independent, which widens the spread a
	// little: six standard deviations of independent ones are far beyond chance.
	for _, x := range []struct {
		what string
		tallied
	}{{"one value", equal}, {"two values", other}} {
		if z := x.deviation(1.0 / 256); math.Abs(z) > 6 {
			t.Errorf("%s: records of %s have %d of %d bytes in common, %.1f standard deviations off", column, x.what, x.hits, x.all, z)
		}
	}
}

// random are the places behind the last that is the same in all records: what is
// the same is the header, with the key that sealed them.
func random(records [][]byte) (places []int) {
	for at := range records[0] {
		same := true
		for _, r := range records {
			if len(r) != len(records[0]) {
				return nil
			}
			same = same && r[at] == records[0][at]
		}
		if same || bytes.Count(column(records, at), []byte{records[0][at]}) > len(records)/4 {
			places = nil // a header, in which more keys than one may be named
			continue
		}
		places = append(places, at)
	}
	return places
}

func column(records [][]byte, at int) (out []byte) {
	for _, r := range records {
		out = append(out, r[at])
	}
	return out
}

type tallied struct{ hits, all int }

func (n *tallied) add(hit bool) {
	if n.all++; hit {
		n.hits++
	}
}

// deviation is how many standard deviations the hits are off what p says.
func (n *tallied) deviation(p float64) float64 {
	return (float64(n.hits) - p*float64(n.all)) / math.Sqrt(p*(1-p)*float64(n.all))
}

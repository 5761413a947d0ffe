package drivertest_test

import (
	"slices"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

const hiddenRowsConfig = head + `tables:
  staff:
    columns:
      age: {type: integer, search: {equality: {bits: 128}, range: {order: hidden}}, client_sort: {max_rows: 100}}
      pay: {type: "numeric(10,2)", search: {equality: {bits: 128}, range: {order: hidden}}}
`

// TestRowsAreComparedWithAHiddenOrder compares (c, id) < ($1, $2) with the plain
// database, NULLs and NOT included.
func TestRowsAreComparedWithAHiddenOrder(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		if e.dialect != rewrite.Postgres {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			x := e.rangeTwins(t, hiddenRowsConfig)
			i := slices.IndexFunc(rangedColumns(e.dialect), func(c ranged) bool { return c.column == "age" })
			for _, v := range append(rangedColumns(e.dialect)[i].values, nil) {
				for _, op := range []string{"<", "<=", ">", ">="} {
					x.query("SELECT id, age FROM staff WHERE (age, id) "+op+" (?, ?) ORDER BY age, id LIMIT 7", v, 11)
					x.query("SELECT id FROM staff WHERE NOT ((age, id) "+op+" (?, ?)) ORDER BY id", v, 11)
					x.query("SELECT id FROM staff WHERE (?, 12, ?) "+op+" (age, id, pay) ORDER BY id", v, "7.00")
					x.query("SELECT id FROM staff WHERE (id, age) "+op+" (9, ?) OR (age, pay) "+op+" (?, 5) ORDER BY id", v, v)
					x.query("SELECT count(*) FROM staff WHERE ((age, id) "+op+" (?, ?)) IS NULL", v, 11)
				}
			}
			x.w.silent("comparing rows")
		})
	}
}

package drivertest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// sortConfig has no index for the columns: the driver sorts.
const sortConfig = head + `tables:
  staff:
    columns:
      age: {type: integer, client_sort: {max_rows: 100}}
      pay: {type: "numeric(10,2)", client_sort: {max_rows: 100}}
      bonus: {type: "numeric(10,2)", client_sort: {max_rows: 100}}
      score: {type: double precision, client_sort: {max_rows: 100}}
      born: {type: date, client_sort: {max_rows: 100}}
      seen: {type: {WHEN}, client_sort: {max_rows: 100}}
      name: {type: varchar(60), search: {equality: {collation: binary}}, client_sort: {max_rows: 100, collation: binary}}
      code: {type: varchar(3), client_sort: {max_rows: 100, collation: binary}}
  branches:
    partition: {column: tenant, type: text}
    columns:
      points: {type: bigint, client_sort: {max_rows: 100}}
`

// sorted are the orders that the driver makes; the plain tables know them.
var sorted = []struct {
	text string
	args []any
}{
	{"SELECT id, {C} FROM staff ORDER BY {C}, id", nil},
	{"SELECT id, {C} FROM staff ORDER BY {C} DESC, id DESC", nil},
	{"SELECT id FROM staff s ORDER BY s.{C}, s.id LIMIT 3", nil},
	{"SELECT * FROM staff WHERE id > ? ORDER BY {C} DESC, id LIMIT ? OFFSET ?", []any{1, 4, 2}},
	{"SELECT {C} AS v, id AS k FROM staff ORDER BY v, k DESC LIMIT 0", nil},
	{"SELECT {C} AS v, id AS k FROM staff ORDER BY 1, 2 DESC", nil},
	{"SELECT id, dept FROM staff ORDER BY dept DESC, {C}, id", nil},
	{"SELECT id, dept FROM staff ORDER BY CASE WHEN dept = ? THEN 0 ELSE 1 END, {C} DESC, id", []any{"red"}},
	{"SELECT t.id FROM staff s JOIN staff t ON t.id = s.id ORDER BY s.{C}, abs(t.id - 5), t.id", nil},
	{"SELECT d.id FROM (SELECT id, {C} FROM staff WHERE id < 9) d ORDER BY d.{C}, d.id LIMIT 4", nil},
	{"SELECT id FROM staff WHERE id < ? ORDER BY {C} DESC, id LIMIT 2", []any{7}},
}

// extremesAndDistinct are answered from the rows, too.
var extremesAndDistinct = []struct {
	text string
	args []any
}{
	{"SELECT MAX({C}), MIN({C}) FROM staff", nil},
	{"SELECT min(s.{C}) AS lo FROM staff s WHERE s.id > ?", []any{4}},
	{"SELECT max({C}) FROM staff WHERE id > 1000", nil},
	{"SELECT max(t.{C}) AS m FROM staff s JOIN staff t ON t.id = s.id WHERE s.dept = ?", []any{"red"}},
	{"SELECT DISTINCT {C} FROM staff ORDER BY {C}", nil},
	{"SELECT DISTINCT {C}, dept FROM staff WHERE id > ? ORDER BY dept DESC, {C} DESC LIMIT 5 OFFSET 1", []any{1}},
	{"SELECT DISTINCT s.{C} AS v FROM staff s JOIN staff t ON t.id = s.id ORDER BY 1 DESC LIMIT ?", []any{3}},
	{"SELECT DISTINCT {C} AS v, 1 AS one, NULL AS none FROM staff ORDER BY v", nil},
}

// TestTheDriverSorts compares what the driver sorts with what the server sorts of
// plain columns, in every mode of the drivers.
func TestTheDriverSorts(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.rangeTwins(t, sortConfig)
			for _, c := range testenv.Sample(t, rangedColumns(e.dialect), 3) {
				for _, q := range sorted {
					x.query(strings.ReplaceAll(q.text, "{C}", c.column), q.args...)
				}
				if e.dialect != rewrite.MySQL {
					x.query("SELECT id FROM staff ORDER BY "+c.column+" DESC NULLS LAST, id", nil...)
					x.query("SELECT id FROM staff ORDER BY "+c.column+" NULLS FIRST, dept NULLS LAST, id", nil...)
				}
			}
			x.query("SELECT id FROM staff ORDER BY pay, bonus DESC, name, id")
			for _, c := range testenv.Sample(t, rangedColumns(e.dialect), 3) {
				for _, q := range extremesAndDistinct {
					x.query(strings.ReplaceAll(q.text, "{C}", c.column), q.args...)
				}
			}
			x.query("SELECT DISTINCT pay, bonus, dept FROM staff ORDER BY dept, bonus DESC, pay LIMIT 4")
			x.query("SELECT min(pay) AS a, max(bonus) AS b, max(age) AS c FROM staff")
			x.query("SELECT max(points) AS p FROM branches")
			x.query("SELECT DISTINCT tenant, points FROM branches ORDER BY tenant, points")
			x.query("SELECT id, points FROM branches ORDER BY points DESC, id")
			x.w.silent("sorting")
		})
	}
}

// TestSortingIsAllOrNothing: more rows than allowed are an error, and where the
// driver cannot sort the statement is refused.
func TestSortingIsAllOrNothing(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			w := e.rangeTwins(t, strings.ReplaceAll(sortConfig, "max_rows: 100", "max_rows: 3")).w
			for _, text := range []string{"SELECT id FROM staff ORDER BY age", "SELECT id FROM staff ORDER BY age LIMIT 1"} {
				for prepared := range 2 {
					_, err := ask(w.db, text, prepared, nil)
					var c *sealsql.ColumnError
					if !errors.Is(err, sealsql.ErrTooManyRows) || !errors.As(err, &c) || c.Column != "staff.age" {
						t.Errorf("%s: %v", text, err)
					}
				}
			}
			for _, text := range []string{"SELECT max(age) AS a FROM staff", "SELECT DISTINCT age FROM staff", "SELECT DISTINCT age FROM staff LIMIT 1"} {
				if _, err := ask(w.db, text, 0, nil); !errors.Is(err, sealsql.ErrTooManyRows) {
					t.Errorf("%s: %v", text, err)
				}
			}
			w.holds("SELECT id FROM staff WHERE id < 3 ORDER BY id DESC", [][]any{{int64(2)}, {int64(1)}, {int64(0)}})
			if a, err := ask(w.db, "SELECT id FROM staff WHERE id < 3 ORDER BY age", 0, nil); err != nil || len(a.rows) != 3 {
				t.Errorf("three rows: %v", err)
			}
			for _, s := range []string{
				"SELECT id FROM staff ORDER BY age + 1", "SELECT max(id) FROM staff GROUP BY dept ORDER BY max(age)",
				"SELECT id FROM staff UNION ALL SELECT id FROM staff ORDER BY age", "SELECT id FROM (SELECT id FROM staff ORDER BY age LIMIT 2) d",
				"SELECT DISTINCT age FROM staff ORDER BY id, age", "SELECT max(age), count(*) FROM staff", "SELECT count(*) FROM staff ORDER BY age", "SELECT id, row_number() OVER (ORDER BY age) FROM staff",
			} {
				w.refused(s)
			}
			if e.dialect != rewrite.SQLite {
				w.refused("SELECT id FROM staff ORDER BY age LIMIT 2 FOR UPDATE")
			}
		})
	}
}

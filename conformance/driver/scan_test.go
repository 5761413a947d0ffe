package drivertest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// scanConfig searches every column by equality alone, so that patterns read
// every row.
const scanConfig = head + `tables:
  people:
    columns:
      name: {search: {equality: {collation: binary}}}
      phone: {search: {equality: {collation: binary, normalize: [digits]}}}
      bio: {search: {equality: {collation: binary, scope: table}}}
      mail: {search: {equality: {collation: binary, bits: 32}}}
  notes:
    partition: {column: tenant, type: text}
    columns:
      body: {search: {equality: {collation: binary}}}
      tag: {search: {equality: {collation: binary, scope: table}}}
  log:
    columns:
      line: {search: {equality: {collation: binary}}}
`

// TestPatternsOfColumnsSearchedByEquality compares LIKE over columns without an
// index for it with LIKE of plain tables, in every mode of the drivers.
func TestPatternsOfColumnsSearchedByEquality(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			x := e.likeTwinsOf(t, scanConfig)
			for _, q := range patterns {
				x.query(x.concat(q.text), q.args...)
			}
			for _, p := range []any{"", "%", "_%", "%%", "____", "%a%", "a_", nil} {
				x.query("SELECT id, name FROM people WHERE name LIKE ? ORDER BY id", p)
				x.query("SELECT id, name FROM people WHERE name NOT LIKE ? ORDER BY id", p)
				x.query("SELECT count(*) FROM people WHERE bio LIKE ?", p)
				x.query("SELECT id, tenant FROM notes WHERE body LIKE ? ORDER BY tenant, id", p)
				x.query("SELECT p.id, n.id FROM people p JOIN notes n ON n.id = p.id AND n.tenant = 'a' WHERE n.body LIKE ? ORDER BY p.id", p)
			}
			x.query("SELECT bio, count(*) FROM people WHERE name LIKE ? GROUP BY bio HAVING count(*) > 0 ORDER BY count(*), min(id)", "%a%")
			if e.dialect == rewrite.Postgres {
				x.query("SELECT id FROM people WHERE name ILIKE ? ORDER BY id", "ADA%")
				x.query("SELECT id FROM people WHERE bio NOT ILIKE ? ORDER BY id", "%PROGRAM%")
			}
			for _, q := range keysFirst {
				x.query(q.text, q.args...)
			}
			for _, c := range keysFirstChanges {
				if e.dialect == rewrite.MySQL && strings.Contains(c.text, "IN (SELECT id FROM notes") {
					continue
				}
				x.both(c.text, c.args...)
				x.query("SELECT * FROM people ORDER BY id")
				x.query("SELECT * FROM notes ORDER BY tenant, id")
			}
			w := x.w
			w.exec("INSERT INTO people (id, name, bio) VALUES (500, ?, ?)", w.mark, "x"+w.mark+"y")
			w.holds("SELECT id FROM people WHERE name LIKE '"+w.mark+"%' AND bio LIKE '%"+w.mark+"%'", [][]any{{int64(500)}})
			w.silent("a pattern")
		})
	}
}

// TestRowsReadInVainAreBounded shows that a search which reads every row ends
// with an error where more than the configured number do not match, and that
// rows which match do not count.
func TestRowsReadInVainAreBounded(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, allModes, 1) {
		t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			w := e.likeTwinsOf(t, strings.ReplaceAll(scanConfig, "tables:", "limits: {scan_rows: 3}\ntables:")).w
			w.holds("SELECT id FROM people WHERE id < 5 AND name LIKE 'Ada L%' ORDER BY id", [][]any{{int64(1)}}) // 3 of 4 in vain
			w.holds("SELECT count(*) FROM people WHERE name LIKE '%' OR id < 0", [][]any{{int64(9)}})
			w.holds("SELECT id FROM people WHERE name LIKE 'A%' ORDER BY id LIMIT 1", [][]any{{int64(1)}})
			for _, text := range []string{
				"SELECT id FROM people WHERE name LIKE 'A%'",
				"SELECT count(*) FROM people WHERE name LIKE 'A%'",
				"DELETE FROM people WHERE name LIKE 'A%'",
			} {
				_, err := ask1(w.db, text)
				var column *sealsql.ColumnError
				if !errors.Is(err, sealsql.ErrTooManyRows) || !errors.As(err, &column) || !strings.Contains(column.Hint, "limits.scan_rows") {
					t.Errorf("%s: %v", text, err)
				}
			}
			w.holds("SELECT count(*) FROM people", [][]any{{int64(10)}})
		})
	}
}

// TestSearchesThatReadEveryRowCanBeRefused shows limits.scan_rows: 0, and that
// columns without an index for equality are not read for a pattern.
func TestSearchesThatReadEveryRowCanBeRefused(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			for name, config := range map[string]string{
				"scan_rows":           strings.ReplaceAll(scanConfig, "tables:", "limits: {scan_rows: 0}\ntables:"),
				"no index":            strings.Replace(scanConfig, "name: {search: {equality: {collation: binary}}}", "name: {}", 1),
				"equality normalized": strings.Replace(scanConfig, "name: {search: {equality: {collation: binary}}}", "name: {search: {equality: {normalize: [lower], collation: normalized}}}", 1),
			} {
				w := e.likeTwinsOf(t, config).w
				for _, text := range []string{
					"SELECT id FROM people WHERE name LIKE 'Ada%'",
					"SELECT count(*) FROM people WHERE name LIKE 'Ada%'",
				} {
					_, err := ask1(w.db, text)
					var u *rewrite.UnsupportedError
					if !errors.As(err, &u) || u.Reason != rewrite.ReasonPredicate {
						t.Errorf("%s: %s: %v", name, text, err)
					}
				}
			}
		})
	}
}

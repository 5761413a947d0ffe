package drivertest_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// TestBulkPathsWriteThePieces writes rows by COPY and LOAD DATA and finds them by
// patterns.
func TestBulkPathsWriteThePieces(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, servers, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.likeTwins(t)
			var rows [][]any
			for i := range 40 {
				rows = append(rows, []any{1000 + i, fmt.Sprintf("Copied %d", i), fmt.Sprintf("the program number %d", i), fmt.Sprintf("c%d@example.com", i)})
			}
			rows = append(rows, []any{2000, nil, nil, nil}, []any{2001, "", "", ""})
			for _, r := range rows {
				if _, err := x.plain.Exec(x.w.bind("INSERT INTO people (id, name, bio, mail) VALUES (?, ?, ?, ?)"), r...); err != nil {
					t.Fatal(err)
				}
			}
			conn, err := x.w.db.Conn(t.Context())
			x.w.must(err)
			columns := []string{"id", "name", "bio", "mail"}
			var n int64
			if e.dialect == rewrite.Postgres {
				n, err = postgres.CopyFrom(t.Context(), conn, pgx.Identifier{"people"}, columns, pgx.CopyFromRows(rows))
			} else {
				n, err = mysql.LoadData(t.Context(), conn, []string{"people"}, columns, func(yield func([]any, error) bool) {
					for _, r := range rows {
						if !yield(r, nil) {
							return
						}
					}
				})
			}
			x.w.must(conn.Close())
			if n != int64(len(rows)) || err != nil {
				t.Fatalf("%d rows: %v", n, err)
			}
			x.query("SELECT id, bio FROM people WHERE bio LIKE ? ORDER BY id", "%number 1%")
			x.query("SELECT id FROM people WHERE name LIKE ? ORDER BY id", "Copied 2%")
			x.query("SELECT id FROM people WHERE mail LIKE ? ORDER BY id", "c3%.com")
		})
	}
}

package sqlite_test

import (
	"context"
	"fmt"
	"testing"
)

// TestResultsOfOneStatementAreReadBesideEachOther: a connection remembers what
// the results of a statement open, and two of them may be open at once.
func TestResultsOfOneStatementAreReadBesideEachOther(t *testing.T) {
	f := open(t, ddl, yaml)
	ctx := context.Background()
	conn, err := f.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const n = 20
	tenant := func(i int) string { return fmt.Sprint("tenant ", i%3) }
	body := func(i int) string { return fmt.Sprintf("%0*d", 10+20*i, i) }
	for i := range n {
		if _, err := conn.ExecContext(ctx, "INSERT INTO docs (id, tenant, body) VALUES (?, ?, ?)", i, tenant(i), body(i)); err != nil {
			t.Fatal(err)
		}
	}
	const query = "SELECT id, body FROM docs ORDER BY id"
	for range 3 {
		first, err := conn.QueryContext(ctx, query)
		if err != nil {
			t.Fatal(err)
		}
		second, err := conn.QueryContext(ctx, query)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if i == n/2 {
				second.Close()
			}
			for _, rows := range []interface {
				Next() bool
				Scan(...any) error
			}{first, second} {
				var id int
				var got string
				if !rows.Next() {
					if rows == any(second) && i >= n/2 {
						continue
					}
					t.Fatalf("row %d is missing", i)
				}
				if err := rows.Scan(&id, &got); err != nil || id != i || got != body(i) {
					t.Fatalf("row %d: %d %q %v", i, id, got, err)
				}
			}
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var got string
	for i := range 2 * n { // one row each, in turn of different partitions
		if err := conn.QueryRowContext(ctx, "SELECT body FROM docs WHERE id = ?", i%n).Scan(&got); err != nil || got != body(i%n) {
			t.Fatalf("%d: %q %v", i, got, err)
		}
	}
}

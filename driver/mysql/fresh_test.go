package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
)

// wrapping is a connection that could keep what its rows hand over.
type wrapping struct{ driver.Conn }

func TestOnlyTheKnownDriversBytesAreTakenForFresh(t *testing.T) {
	db, err := sql.Open("mysql", testenv.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	e := newEngine(nil)
	err = conn.Raw(func(c any) error {
		inner := c.(driver.Conn)
		if e.Fresh(wrapping{inner}) {
			t.Error("what wraps the first connection is taken for the driver's own")
		}
		for range 2 { // the second time it is answered from memory
			if !e.Fresh(inner) {
				t.Error("records of go-sql-driver's rows are not opened where they lie")
			}
			if e.Fresh(wrapping{inner}) || e.Fresh(&wrapping{inner}) || e.Fresh(nil) {
				t.Error("a connection that wraps go-sql-driver's may keep its rows' bytes")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

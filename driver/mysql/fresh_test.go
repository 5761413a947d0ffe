package mysql

import (
	"database/sql/driver"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
)

// wrapping is a connection that could keep what its rows hand over.
type wrapping struct{ driver.Conn }

func TestOnlyTheKnownDriversBytesAreTakenForFresh(t *testing.T) {
	e := newEngine(nil)
	testenv.Raw(t, "mysql", testenv.MySQL(t), func(c any) {
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
	})
}

package sqlite

import (
	"database/sql/driver"
	"testing"

	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/internal/testenv"
)

// wrapping is a connection that could keep what its rows hand over.
type wrapping struct{ driver.Conn }

func TestOnlyTheKnownDriversBytesAreTakenForFresh(t *testing.T) {
	e := newEngine(litevalue.Options{}, nil)
	testenv.Raw(t, "sqlite", ":memory:", func(c any) {
		inner := c.(driver.Conn)
		for range 2 { // the second time it is answered from memory
			if !e.Fresh(inner) {
				t.Error("records of modernc's rows are not opened where they lie")
			}
			if e.Fresh(wrapping{inner}) || e.Fresh(&wrapping{inner}) || e.Fresh(nil) {
				t.Error("a connection that wraps modernc's may keep its rows' bytes")
			}
		}
	})
}

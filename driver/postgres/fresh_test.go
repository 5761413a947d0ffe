package postgres

import (
	"database/sql/driver"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql/internal/testenv"
)

// wrapping is a connection that could keep what its rows hand over.
type wrapping struct{ *stdlib.Conn }

// sharing is a codec that could hand over what it keeps.
type sharing struct{ pgtype.ByteaCodec }

func TestOnlyTheKnownDriversBytesAreTakenForFresh(t *testing.T) {
	e := newEngine()
	testenv.Raw(t, "pgx", testenv.Postgres(t), func(c any) {
		inner := c.(*stdlib.Conn)
		if !e.Fresh(inner) {
			t.Error("records of pgx's rows are not opened where they lie")
		}
		for _, other := range []driver.Conn{wrapping{inner}, &wrapping{inner}} {
			if e.Fresh(other) {
				t.Error("a connection that wraps pgx's may keep its rows' bytes")
			}
		}
		inner.Conn().TypeMap().RegisterType(&pgtype.Type{Name: "bytea", OID: pgtype.ByteaOID, Codec: sharing{}})
		if e.Fresh(inner) {
			t.Error("a program's own codec of bytea may keep what it returns")
		}
	})
}

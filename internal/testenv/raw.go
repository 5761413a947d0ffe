package testenv

import (
	"database/sql"
	"testing"
)

// Raw opens a database and calls f with the driver's own connection, as sql.Conn.Raw does.
func Raw(t testing.TB, driverName, dsn string, f func(inner any)) {
	t.Helper()
	db, err := sql.Open(driverName, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Raw(func(inner any) error { f(inner); return nil }); err != nil {
		t.Fatal(err)
	}
}

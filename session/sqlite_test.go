package session_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/sealsql/sealsql/envelope/builtin"
)

// memorySQLite is a key table in a file of the test.
func memorySQLite(t testing.TB) *builtin.SQL {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := builtin.OpenSQL(db, builtin.SQLite, builtin.SQLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := m.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	return m
}

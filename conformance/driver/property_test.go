package drivertest_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	plainsqlite "modernc.org/sqlite"

	"github.com/sealsql/sealsql/config"
	drivertest "github.com/sealsql/sealsql/conformance/driver"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/rewrite"
)

const yaml = `version: 1
service: property
product: test
kms: {static: {key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", insecure: true}}
metastore: memory
guards: off
defaults: {partition: {const: p}}
tables:
  users:
    columns:
      ssn: encrypted
      email: encrypted
`

// tables are created past the driver: a view over an annotated table is not
// something that it would make.
const tables = `CREATE TABLE users (id INTEGER PRIMARY KEY, ssn BINARY_TYPE, email BINARY_TYPE, note TEXT);
CREATE TABLE orders (id INTEGER, user_id INTEGER, memo TEXT);
CREATE VIEW users_view AS SELECT * FROM users;
CREATE VIEW users_view2 AS SELECT id, ssn FROM users_view`

func statements(t *testing.T, db *sql.DB, binary string) {
	t.Helper()
	for _, s := range strings.Split(strings.ReplaceAll(tables, "BINARY_TYPE", binary), ";\n") {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

func parse(t *testing.T) *config.Config {
	t.Helper()
	cfg, err := config.Parse("sealsql.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// rounds is the number of statements per engine; make long raises it.
func rounds() int {
	if n, err := strconv.Atoi(os.Getenv("SEALSQL_PROPERTY_ROUNDS")); err == nil {
		return n
	}
	return 2000
}

func check(t *testing.T, d rewrite.Dialect, db *sql.DB, sent *drivertest.Sent) {
	t.Helper()
	n := rounds()
	ran := drivertest.Property(t, d, db, sent, 1, n)
	if ran < n/50 {
		t.Errorf("only %d of %d statements ran: the property says little", ran, n)
	}
	if _, err := db.ExecContext(context.Background(), "SELECT 1"); err != nil {
		t.Error(err)
	}
}

func TestNothingLeavesInClearSQLite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.db")
	plain, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	statements(t, plain, "BLOB")
	plain.Close()
	inner, err := plainsqlite.NewConnector(file)
	if err != nil {
		t.Fatal(err)
	}
	var sent drivertest.Sent
	wrapped, err := sqlite.Wrap(drivertest.RecordConn(inner, &sent), parse(t))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(wrapped)
	defer db.Close()
	check(t, rewrite.SQLite, db, &sent)
}

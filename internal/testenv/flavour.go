package testenv

import (
	"database/sql"
	"os"
	"sync"
	"testing"
)

// MariaDB reports whether the server of db says that it is MariaDB: tests of
// what it and MySQL do differently ask. db speaks MySQL's protocol.
func MariaDB(t testing.TB, db *sql.DB) (is bool) {
	t.Helper()
	if err := db.QueryRow("SELECT version() LIKE '%MariaDB%'").Scan(&is); err != nil {
		t.Fatalf("testenv: asking the server for its version: %v", err)
	}
	return is
}

// IsMySQL reports whether the server that TEST_MYSQL_DSN names is MySQL itself,
// for tests that decide before they have a database. It is false where none is
// named or it does not answer.
func IsMySQL() bool { return isMySQL() }

var isMySQL = sync.OnceValue(func() bool {
	dsn := os.Getenv(EnvMySQLDSN)
	if dsn == "" {
		return false
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return false
	}
	defer db.Close()
	var maria bool
	err = db.QueryRow("SELECT version() LIKE '%MariaDB%'").Scan(&maria)
	return err == nil && !maria
})

// ByteCollation names the collation of utf8mb4 under which texts are equal only
// if their bytes are, trailing blanks included: that of the server which
// TEST_MYSQL_DSN names, MariaDB's where none is named or it does not answer.
func ByteCollation() string {
	if isMySQL() {
		return "utf8mb4_0900_bin"
	}
	return "utf8mb4_nopad_bin"
}

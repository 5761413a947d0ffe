// Package testenv hands tests their databases.
//
// Call Postgres or MySQL from a test: each makes a private database on the
// server that TEST_POSTGRES_DSN or TEST_MYSQL_DSN names and drops it when the
// test ends. `make test` starts both servers and sets the variables; so does
// the command in internal/testenv/cmd for any other command line.
//
// Without a variable the test is skipped and `go test` prints one line that
// says what was left out. Under CI=true or SEALSQL_REQUIRE_SERVERS=1 it fails.
package testenv

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the plain driver "pgx"
)

// The environment variables that connect `make test`, CI and the tests.
const (
	// EnvPostgresDSN and EnvMySQLDSN name a server and a login that may create
	// and drop databases, in the form of the plain drivers.
	EnvPostgresDSN = "TEST_POSTGRES_DSN"
	EnvMySQLDSN    = "TEST_MYSQL_DSN"
	// EnvPostgresDataDir and EnvMySQLDataDir are set only for servers whose
	// files this process can read: tests search them for plaintext.
	EnvPostgresDataDir = "TEST_POSTGRES_DATADIR"
	EnvMySQLDataDir    = "TEST_MYSQL_DATADIR"
	// EnvRequire makes a missing server a failure; CI=true does the same.
	EnvRequire = "SEALSQL_REQUIRE_SERVERS"
	// EnvShared overrides where Shared looks.
	EnvShared = "SEALSQL_SHARED"
	// EnvLong is set to 1 by `make long`.
	EnvLong = "SEALSQL_LONG"
)

// adminTimeout bounds creating and dropping a database, which takes long where
// the disk is busy.
const adminTimeout = 3 * time.Minute

// Postgres returns the DSN of a fresh, empty database (encoding UTF8) that
// exists until t ends. Connections still open then are cut.
func Postgres(t testing.TB) string {
	t.Helper()
	server := serverDSN(t, EnvPostgresDSN)
	name := databaseName(t)
	private, err := postgresDSN(server, name)
	if err != nil {
		t.Fatalf("testenv: %s: %v", EnvPostgresDSN, err)
	}
	admin(t, "pgx", server, EnvPostgresDSN,
		"CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'",
		"DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return private
}

// MySQL returns the DSN of a fresh, empty database (utf8mb4) that exists until
// t ends. The server may be MySQL or MariaDB.
func MySQL(t testing.TB) string {
	t.Helper()
	server := serverDSN(t, EnvMySQLDSN)
	name := databaseName(t)
	private, err := mysqlDSN(server, name)
	if err != nil {
		t.Fatalf("testenv: %s: %v", EnvMySQLDSN, err)
	}
	admin(t, "mysql", server, EnvMySQLDSN,
		"CREATE DATABASE "+name+" CHARACTER SET utf8mb4",
		"DROP DATABASE IF EXISTS "+name)
	return private
}

// serverDSN returns the variable's value, or ends the test: skipped on a
// developer's machine, failed where servers are required.
func serverDSN(t testing.TB, variable string) string {
	t.Helper()
	if dsn := os.Getenv(variable); dsn != "" {
		return dsn
	}
	if required() {
		t.Fatalf("testenv: %s is not set, and this run must not leave tests out; run `make test`", variable)
	}
	notice()
	t.Skipf("testenv: %s is not set; `make test` starts a server", variable)
	return ""
}

func required() bool {
	return os.Getenv("CI") == "true" || os.Getenv(EnvRequire) == "1"
}

// admin runs create on the server now and drop when t ends. Errors name the
// variable, never the DSN: it may hold a password.
func admin(t testing.TB, driver, dsn, variable, create, drop string) {
	t.Helper()
	run := func(ctx context.Context, query string) error {
		db, err := sql.Open(driver, dsn)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.ExecContext(ctx, query)
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	if err := run(ctx, create); err != nil {
		t.Fatalf("testenv: create a database on the server of %s: %v", variable, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
		defer cancel()
		if err := run(ctx, drop); err != nil {
			t.Errorf("testenv: drop the private database on the server of %s: %v", variable, err)
		}
	})
}

// databaseName is random, so that parallel packages and runs never meet.
func databaseName(t testing.TB) string {
	t.Helper()
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return "sealsql_t_" + hex.EncodeToString(b)
}

// postgresDSN returns dsn with the database replaced; dsn is a URL or a
// key=value string.
func postgresDSN(dsn, name string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return dsn + " dbname=" + name, nil // a later key wins
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("not a URL") // the cause would quote the DSN
	}
	u.Path = "/" + name
	if q := u.Query(); q.Has("dbname") || q.Has("database") {
		q.Del("dbname")
		q.Del("database")
		u.RawQuery = q.Encode()
	}
	return u.String(), nil
}

func mysqlDSN(dsn, name string) (string, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", fmt.Errorf("not a DSN of go-sql-driver/mysql")
	}
	cfg.DBName = name
	return cfg.FormatDSN(), nil
}

// Long reports whether the run may take hours: `make long` sets SEALSQL_LONG=1.
// A test runs a short form of itself otherwise.
func Long() bool { return os.Getenv(EnvLong) == "1" }

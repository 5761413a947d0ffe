package main

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the plain driver "pgx"
	_ "modernc.org/sqlite"             // the plain driver "sqlite"

	_ "github.com/sealsql/sealsql/driver/mysql"
	_ "github.com/sealsql/sealsql/driver/postgres"
	_ "github.com/sealsql/sealsql/driver/sqlite"
)

// engine is what one database needs to run the operations.
type engine struct {
	name             string
	plain, encrypted string // names of drivers
	// mark is the n-th parameter, from 1.
	mark func(n int) string
	// short is the type of texts that are looked up, binary that of records,
	// hash that of a hash of 32 bytes; equality is how the configuration spells
	// that e-mails are found by equality of bytes.
	short, binary, hash, equality string
	// domain makes the domain of records; empty where an engine has none.
	domain string
	// place makes an empty database and returns its DSN for the plain driver.
	place func(dir, name string) (dsn string, drop func() error, err error)
	// server returns the function that reads the CPU time of all threads of the
	// server behind a connection; nil for an engine inside the process.
	server func(db *sql.DB) (func() (time.Duration, error), error)
}

var engines = []*engine{
	{
		name: "sqlite", plain: "sqlite", encrypted: "encrypted-sqlite",
		mark: func(int) string { return "?" }, short: "TEXT", binary: "BLOB", hash: "BLOB", equality: "equality",
		place: placeSQLite,
	},
	{
		name: "postgres", plain: "pgx", encrypted: "encrypted-postgres",
		mark: func(n int) string { return "$" + strconv.Itoa(n) }, short: "TEXT", binary: "BYTEA", hash: "BYTEA", equality: "equality",
		domain: `CREATE DOMAIN sealsql_record AS bytea CONSTRAINT sealsql_guard_record CHECK (substring(VALUE FROM 1 FOR 3) = '\xF95351'::bytea)`,
		place:  placePostgres, server: postgresCPU,
	},
	{
		name: "mysql", plain: "mysql", encrypted: "encrypted-mysql",
		mark: func(int) string { return "?" }, short: "VARCHAR(64) COLLATE utf8mb4_bin", binary: "BLOB", hash: "BINARY(32)",
		equality: "{equality: {collation: binary}}",
		place:    placeMySQL, server: mysqlCPU,
	},
}

func engineNamed(name string) (*engine, error) {
	for _, e := range engines {
		if e.name == name {
			return e, nil
		}
	}
	return nil, fmt.Errorf("no engine %q: sqlite, postgres or mysql", name)
}

// The servers that the benchmarks run on, as tests have them.
const (
	postgresDSN = "TEST_POSTGRES_DSN"
	mysqlDSN    = "TEST_MYSQL_DSN"
)

func placeSQLite(dir, name string) (string, func() error, error) {
	return "file:" + filepath.Join(dir, name+".db") + "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(10000)", nil, nil
}

func placePostgres(_, name string) (string, func() error, error) {
	u, err := url.Parse(os.Getenv(postgresDSN))
	if err != nil || u.Host == "" {
		return "", nil, errors.New(postgresDSN + " does not name a server as a URL")
	}
	server := u.String()
	name = private(name)
	u.Path = "/" + name
	return u.String(), dropping("pgx", server, name, " WITH (FORCE)"), admin("pgx", server, "CREATE DATABASE "+name)
}

func placeMySQL(_, name string) (string, func() error, error) {
	server := os.Getenv(mysqlDSN)
	c, err := mysql.ParseDSN(server)
	if err != nil || server == "" {
		return "", nil, errors.New(mysqlDSN + " does not name a server")
	}
	name = private(name)
	c.DBName, c.InterpolateParams = name, true
	return c.FormatDSN(), dropping("mysql", server, name, ""), admin("mysql", server, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
}

// private makes the name of a database that no other run has.
func private(name string) string {
	b := make([]byte, 6)
	rand.Read(b)
	return "benchdb_" + name + "_" + hex.EncodeToString(b)
}

func dropping(driver, dsn, name, how string) func() error {
	return func() error { return admin(driver, dsn, "DROP DATABASE "+name+how) }
}

func admin(driver, dsn, text string) error {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(text)
	return err
}

// encryptedDSN adds the configuration.
func encryptedDSN(dsn, config string) string {
	sep := "?"
	if strings.Contains(dsn, "?") {
		sep = "&"
	}
	return dsn + sep + "sealsql_config=" + url.QueryEscape(config)
}

// list writes n parameters from the first on.
func (e *engine) list(first, n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = e.mark(first + i)
	}
	return "(" + strings.Join(marks, ", ") + ")"
}

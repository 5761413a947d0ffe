package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/rewrite"
	frontmysql "github.com/sealsql/sealsql/rewrite/mysql"
	frontpostgres "github.com/sealsql/sealsql/rewrite/postgres"
	frontsqlite "github.com/sealsql/sealsql/rewrite/sqlite"
)

// engine is what differs between the databases.
type engine struct {
	name          string
	plain, sealed string // names of the drivers
	script        string
	// snake: the script spells invoice_line where the others spell InvoiceLine.
	snake bool
	// numbered: placeholders are $1, $2, not ?.
	numbered bool
	// backslash escapes in string literals.
	backslash bool
	// front reads the engine's SQL.
	front rewrite.Frontend
	// logical is the type in sealsql.yaml of a column of so many characters.
	logical func(length int) string
	// partitions maps a table to the column that partitions it, by name and type.
	partitions map[string]partition
	// createDatabase is empty where a database is a file.
	createDatabase, dropDatabase string
	// database returns the DSN with another database.
	database func(dsn, name string) (string, error)
	// sealedDSN adds the configuration.
	sealedDSN func(dsn, config string) string
	// flush, run in a database, makes the server write its pages; dataDir is the
	// environment variable that names its files, ownDir finds a database's part
	// of them.
	flush   []string
	dataDir string
	ownDir  func(ctx context.Context, d *database, dataDir string) (string, error)
	// metastore is the dialect of the table for wrapped keys, "" where the
	// driver makes its own.
	metastore builtin.Dialect
	// blocked reports whether an error of the plain driver is that of a CHECK.
	blocked func(error) bool
}

type partition struct{ column, kind string }

var engines = map[string]engine{
	"sqlite": {
		name: "SQLite", plain: "sqlite", sealed: "encrypted-sqlite", script: "sqlite.sql",
		front:      frontsqlite.New(),
		logical:    func(int) string { return "text" },
		partitions: byText,
		sealedDSN:  func(dsn, config string) string { return dsn + "&sealsql_config=" + url.QueryEscape(config) },
		blocked: func(err error) bool {
			e, ok := errors.AsType[*sqlite.Error](err)
			return ok && e.Code() == sqlitelib.SQLITE_CONSTRAINT_CHECK
		},
	},
	"postgres": {
		name: "PostgreSQL", plain: "pgx", sealed: "encrypted-postgres", script: "postgres.sql",
		snake: true, numbered: true,
		front:          frontpostgres.New(),
		logical:        varchar,
		partitions:     byText,
		createDatabase: "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'",
		dropDatabase:   "DROP DATABASE IF EXISTS %s WITH (FORCE)",
		database:       postgresDatabase,
		sealedDSN:      postgresSealed,
		flush:          []string{"CHECKPOINT"},
		dataDir:        "TEST_POSTGRES_DATADIR",
		ownDir:         postgresDir,
		metastore:      builtin.Postgres,
		blocked: func(err error) bool {
			e, ok := errors.AsType[*pgconn.PgError](err)
			return ok && e.Code == "23514" // check_violation
		},
	},
	"mysql": {
		name: "MySQL/MariaDB", plain: "mysql", sealed: "encrypted-mysql", script: "mysql.sql",
		backslash: true,
		front:     frontmysql.New(),
		logical:   varchar,
		// Numbers, because the default collations take 'a' and 'A' for equal and
		// two names of one partition would be two partitions.
		partitions:     byNumber,
		createDatabase: "CREATE DATABASE %s CHARACTER SET utf8mb4",
		dropDatabase:   "DROP DATABASE IF EXISTS %s",
		database:       mysqlDatabase,
		sealedDSN:      mysqlSealed,
		flush:          []string{"FLUSH TABLES Customer, Employee, Invoice FOR EXPORT", "UNLOCK TABLES"},
		dataDir:        "TEST_MYSQL_DATADIR",
		ownDir:         mysqlDir,
		metastore:      builtin.MySQL,
		blocked: func(err error) bool {
			e, ok := errors.AsType[*mysql.MySQLError](err)
			return ok && (e.Number == 3819 || e.Number == 4025) // MySQL, MariaDB
		},
	},
}

// byText: customers and invoices of a country share a partition, and employees
// of a title.
var byText = map[string]partition{
	"Customer": {"Country", "text"}, "Employee": {"Title", "text"}, "Invoice": {"BillingCountry", "text"},
}

// byNumber: an agent's customers share a partition, an employee has one, and a
// customer's invoices share one.
var byNumber = map[string]partition{
	"Customer": {"SupportRepId", "int"}, "Employee": {"EmployeeId", "int"}, "Invoice": {"CustomerId", "int"},
}

func varchar(length int) string { return fmt.Sprintf("varchar(%d)", length) }

func isURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func postgresDatabase(dsn, name string) (string, error) {
	if !isURL(dsn) {
		return dsn + " dbname=" + name, nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("-dsn is not a URL") // the cause would quote it
	}
	u.Path = "/" + name
	return u.String(), nil
}

func postgresSealed(dsn, config string) string {
	if !isURL(dsn) {
		return dsn + " sealsql_config='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(config) + "'"
	}
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return dsn + separator + "sealsql_config=" + url.QueryEscape(config)
}

func mysqlDatabase(dsn, name string) (string, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", fmt.Errorf("-dsn is not a DSN of the MySQL driver")
	}
	cfg.DBName = name
	return cfg.FormatDSN(), nil
}

func mysqlSealed(dsn, config string) string {
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return dsn + separator + "sealsql_config=" + url.QueryEscape(config)
}

// spell turns a query as this program writes it (names as InvoiceLine,
// placeholders as ?) into the engine's: invoice_line, $1. String literals stay.
func (e engine) spell(query string) string {
	var b strings.Builder
	params := 0
	for i := 0; i < len(query); {
		c := query[i]
		switch {
		case c == '\'':
			end := i + 1 + strings.IndexByte(query[i+1:], '\'') + 1
			b.WriteString(query[i:end])
			i = end
		case c == '?' && e.numbered:
			params++
			fmt.Fprintf(&b, "$%d", params)
			i++
		case isWord(c):
			end := i
			for end < len(query) && isWord(query[end]) {
				end++
			}
			b.WriteString(e.spellWord(query[i:end]))
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

func isWord(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// spellWord: keywords are in capitals, aliases in small letters, names mixed.
func (e engine) spellWord(word string) string {
	if !e.snake || strings.ToUpper(word) == word || strings.ToLower(word) == word {
		return word
	}
	var b strings.Builder
	for i := range len(word) {
		c := word[i]
		if 'A' <= c && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

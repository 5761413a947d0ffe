package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/envelope/builtin"
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
	// binary and text are the carriers' declarations for a column of at most
	// so many characters.
	binary, text func(length int) string
	// logical is the type in sealsql.yaml.
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
}

type partition struct{ column, kind string }

// A record is 70 bytes longer than its value, and carries the partition's name
// where that is not constant; a character has up to 4 bytes. Base64 makes four
// bytes of three.
func recordBytes(length int) int   { return 4*length + 160 }
func armouredBytes(length int) int { return 4 + (recordBytes(length)*4+2)/3 }

var engines = map[string]engine{
	"sqlite": {
		name: "SQLite", plain: "sqlite", sealed: "encrypted-sqlite", script: "sqlite.sql",
		binary:  func(int) string { return "BLOB" },
		text:    func(int) string { return "TEXT" },
		logical: func(int) string { return "text" },
		partitions: map[string]partition{
			"Customer": {"Country", "text"}, "Employee": {"Title", "text"}, "Invoice": {"BillingCountry", "text"},
		},
		sealedDSN: func(dsn, config string) string { return dsn + "&sealsql_config=" + url.QueryEscape(config) },
	},
	"postgres": {
		name: "PostgreSQL", plain: "pgx", sealed: "encrypted-postgres", script: "postgres.sql",
		snake: true, numbered: true,
		binary:  func(int) string { return "BYTEA" },
		text:    func(int) string { return "TEXT" },
		logical: varchar,
		// Numbers, because the script spells text N'…', which is a cast to another
		// type here and no constant that could name a partition.
		partitions:     byNumber,
		createDatabase: "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'",
		dropDatabase:   "DROP DATABASE IF EXISTS %s WITH (FORCE)",
		database:       postgresDatabase,
		sealedDSN:      postgresSealed,
		flush:          []string{"CHECKPOINT"},
		dataDir:        "TEST_POSTGRES_DATADIR",
		ownDir:         postgresDir,
		metastore:      builtin.Postgres,
	},
	"mysql": {
		name: "MySQL/MariaDB", plain: "mysql", sealed: "encrypted-mysql", script: "mysql.sql",
		backslash: true,
		binary:    func(n int) string { return fmt.Sprintf("VARBINARY(%d)", recordBytes(n)) },
		text: func(n int) string {
			return fmt.Sprintf("VARCHAR(%d) CHARACTER SET ascii COLLATE ascii_bin", armouredBytes(n))
		},
		logical: varchar,
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
	},
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

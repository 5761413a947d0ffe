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
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/internal/testenv"
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

// searched has an index of every kind, two and three on a column.
const searched = `      ssn: {search: {equality: {collation: binary}, prefix: {collation: binary}, contains: {collation: binary}, range: {order: revealing, prefix: 60, collation: binary, longer: refuse}}, accept_leakage: order}
      email: {search: {equality: {collation: binary}, range: {order: hidden, prefix: 8, collation: binary}, suffix: {collation: binary}}}
`

// tables are created past the driver: a view over an annotated table is not
// something that it would make.
const tables = `CREATE TABLE users (id INTEGER PRIMARY KEY, ssn BINARY_TYPE, email BINARY_TYPE, note TEXT);
CREATE TABLE orders (id INTEGER, user_id INTEGER, memo TEXT);
CREATE VIEW users_view AS SELECT * FROM users;
CREATE VIEW users_view2 AS SELECT id, ssn FROM users_view`

func statements(t *testing.T, db *sql.DB, binary, tokens string) {
	t.Helper()
	indexes := ""
	if tokens != "" {
		indexes = ", ssn_bidx BINARY_TYPE, ssn_pfx BINARY_TYPE, ssn_sub " + tokens + ", ssn_rng BINARY_TYPE, email_bidx BINARY_TYPE, email_rng BINARY_TYPE, email_sfx BINARY_TYPE"
	}
	all := strings.ReplaceAll(strings.Replace(tables, ", note TEXT", indexes+", note TEXT", 1), "BINARY_TYPE", binary)
	for _, s := range strings.Split(all, ";\n") {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

func parse(t *testing.T, searchable bool) *config.Config {
	t.Helper()
	text := yaml
	if searchable {
		text = text[:strings.Index(text, "      ssn")] + searched
	}
	cfg, err := config.Parse("sealsql.yaml", []byte(text))
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
	if testenv.Sampled() {
		return 500
	}
	return 2000
}

// seed is the seed of a run; a leak names it, and SEALSQL_PROPERTY_SEED
// repeats it or tries another.
func seed() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("SEALSQL_PROPERTY_SEED"), 10, 64); err == nil {
		return n
	}
	return 1
}

func check(t *testing.T, d rewrite.Dialect, db *sql.DB, sent *drivertest.Sent) {
	t.Helper()
	n := rounds()
	ran := drivertest.Property(t, d, db, sent, seed(), n)
	if ran < n/50 {
		t.Errorf("only %d of %d statements ran: the property says little", ran, n)
	}
	if _, err := db.ExecContext(context.Background(), "SELECT 1"); err != nil {
		t.Error(err)
	}
}

func TestNothingLeavesInClearSQLite(t *testing.T) {
	for _, tokens := range []string{"", "BLOB"} {
		t.Run(searchability(tokens), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "p.db")
			plain, err := sql.Open("sqlite", file)
			if err != nil {
				t.Fatal(err)
			}
			statements(t, plain, "BLOB", tokens)
			plain.Close()
			inner, err := plainsqlite.NewConnector(file)
			if err != nil {
				t.Fatal(err)
			}
			var sent drivertest.Sent
			wrapped, err := sqlite.Wrap(drivertest.RecordConn(inner, &sent), parse(t, tokens != ""))
			if err != nil {
				t.Fatal(err)
			}
			db := sql.OpenDB(wrapped)
			defer db.Close()
			check(t, rewrite.SQLite, db, &sent)
		})
	}
}

func searchability(tokens string) string {
	if tokens == "" {
		return "sealed"
	}
	return "searched"
}

func TestNothingLeavesInClearPostgres(t *testing.T) {
	t.Parallel()
	for tokens, modes := range map[string][]string{
		"": {"cache_statement", "cache_describe", "exec", "simple_protocol"}, "INTEGER[]": {"cache_statement", "simple_protocol"},
	} {
		dsn := testenv.Postgres(t)
		plain, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { plain.Close() })
		statements(t, plain, "BYTEA", tokens)
		for _, mode := range testenv.Sample(t, modes, 1) {
			t.Run(searchability(tokens)+" "+mode, func(t *testing.T) {
				var sent drivertest.Sent
				inner := relayedPostgres(t, dsn, mode, &sent)
				wrapped, err := postgres.Wrap(inner, parse(t, tokens != ""))
				if err != nil {
					t.Fatal(err)
				}
				db := sql.OpenDB(wrapped)
				defer db.Close()
				check(t, rewrite.Postgres, db, &sent)
			})
		}
	}
}

func TestNothingLeavesInClearMySQL(t *testing.T) {
	t.Parallel()
	for tokens, modes := range map[string][]string{
		"": {"", "interpolateParams=true", "multiStatements=true", "interpolateParams=true&multiStatements=true"}, "VARBINARY(2000)": {"", "interpolateParams=true"},
	} {
		dsn := testenv.MySQL(t)
		plain, err := sql.Open("mysql", dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { plain.Close() })
		statements(t, plain, "VARBINARY(500)", tokens)
		for _, params := range testenv.Sample(t, modes, 1) {
			t.Run(searchability(tokens)+" params="+params, func(t *testing.T) {
				var sent drivertest.Sent
				inner := relayedMySQL(t, dsn, params, &sent)
				wrapped, err := mysql.Wrap(inner, parse(t, tokens != ""))
				if err != nil {
					t.Fatal(err)
				}
				db := sql.OpenDB(wrapped)
				defer db.Close()
				check(t, rewrite.MySQL, db, &sent)
			})
		}
	}
}

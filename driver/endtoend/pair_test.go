package endtoend_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/sealsql/sealsql/driver/mysql"
	_ "github.com/sealsql/sealsql/driver/postgres"
	_ "github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/internal/testenv"
)

// masterKey is the environment variable that the configurations name.
const masterKey = "SEALSQL_ENDTOEND_KEY"

// head begins every configuration of these tests.
const head = `version: 1
service: endtoend
product: tests
kms: {env: ` + masterKey + `}
`

func setMasterKey(t testing.TB) {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	t.Setenv(masterKey, hex.EncodeToString(key))
}

func writeConfig(t testing.TB, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sealsql.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// flavour is one engine with one way of connecting to it.
type flavour struct {
	name string
	// plain and sealed are names of database/sql drivers.
	plain, sealed string
	// fresh returns the data source name of an empty database.
	fresh func(t testing.TB) string
	// marks writes the placeholder of parameter n.
	mark func(n int) string
}

func question(int) string { return "?" }

func dollar(n int) string { return fmt.Sprintf("$%d", n) }

// withParameters adds parameters to a data source name with a question mark.
func withParameters(dsn string, parameters ...string) string {
	for _, p := range parameters {
		sep := "?"
		if strings.Contains(dsn, "?") {
			sep = "&"
		}
		dsn += sep + p
	}
	return dsn
}

func sqliteFlavour(parameters ...string) flavour {
	return flavour{
		name: "sqlite", plain: "sqlite", sealed: "encrypted-sqlite", mark: question,
		fresh: func(t testing.TB) string {
			return withParameters("file:"+filepath.Join(t.TempDir(), "app.db"), append(parameters, "_pragma=journal_mode(WAL)", "_pragma=synchronous(OFF)", "_pragma=busy_timeout(60000)")...)
		},
	}
}

func postgresFlavour(parameters ...string) flavour {
	return flavour{
		name: "postgres", plain: "pgx", sealed: "encrypted-postgres", mark: dollar,
		fresh: func(t testing.TB) string { return withParameters(testenv.Postgres(t), parameters...) },
	}
}

func mysqlFlavour(parameters ...string) flavour {
	return flavour{
		name: "mysql", plain: "mysql", sealed: "encrypted-mysql", mark: question,
		fresh: func(t testing.TB) string { return withParameters(testenv.MySQL(t), parameters...) },
	}
}

func (f flavour) named(variant string) flavour {
	f.name += " " + variant
	return f
}

// pair is the same program's two databases.
type pair struct {
	flavour
	plain, sealed *sql.DB
	sealedDSN     string // without configuration
	config        string
}

// open makes two empty databases; the sealed one is configured. Tables are
// named with here in front in the configuration: MariaDB shows all databases of a server to
// us, and a table named without a database would be meant in all of them.
func (f flavour) open(t testing.TB, configuration string) *pair {
	t.Helper()
	setMasterKey(t)
	p := &pair{flavour: f, sealedDSN: f.fresh(t)}
	p.config = writeConfig(t, strings.ReplaceAll(configuration, here, p.database()))
	p.plain = openDB(t, f.plain, f.fresh(t))
	p.sealed = p.reopen(t)
	return p
}

// here stands for the database's name and a point in configurations.
const here = "HERE."

func (p *pair) database() string {
	if p.flavour.plain != "mysql" {
		return ""
	}
	_, name, _ := strings.Cut(p.sealedDSN, "/")
	name, _, _ = strings.Cut(name, "?")
	return name + "."
}

// reopen opens the sealed database once more, with a state of its own, as
// another process would.
func (p *pair) reopen(t testing.TB) *sql.DB {
	t.Helper()
	return openDB(t, p.flavour.sealed, p.configured())
}

func (p *pair) configured() string {
	return withParameters(p.sealedDSN, "sealsql_config="+url.QueryEscape(p.config))
}

// stored opens the sealed database through the plain driver.
func (p *pair) stored(t testing.TB) *sql.DB {
	t.Helper()
	return openDB(t, p.flavour.plain, p.sealedDSN)
}

func openDB(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// both runs a statement that must succeed on both sides.
func (p *pair) both(t testing.TB, query string, args ...any) {
	t.Helper()
	for side, db := range map[string]*sql.DB{"plain": p.plain, "sealed": p.sealed} {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatalf("%s: %s: %v", side, query, err)
		}
	}
}

// rewriteConfig replaces the configuration's file.
func rewriteConfig(t testing.TB, p *pair, configuration string) {
	t.Helper()
	if err := os.WriteFile(p.config, []byte(strings.ReplaceAll(configuration, here, p.database())), 0o600); err != nil {
		t.Fatal(err)
	}
}

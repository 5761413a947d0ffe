package ownsuites_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/internal/testenv"
)

// suite is one suite and what is changed in a copy of it.
type suite struct {
	name string
	// module and version say what is copied; without a version it is the one
	// that this module is built with.
	module, version string
	// dir is the package in the module.
	dir string
	// edits are old and new texts for the package's test files; each must be
	// found at least once.
	edits []string
	// used is an import and what is written behind every file that has it, for
	// an edit may take its last use away.
	used [2]string
	// overlays are files of testdata that are added, by the name they get.
	overlays map[string]string
	// skip names, as for go test -skip, what breaks off the suite by itself.
	skip string
	// environment points the suite to fresh databases.
	environment func(t *testing.T) []string
}

var suites = []*suite{
	{
		name: "pgx/v5/stdlib", module: "github.com/jackc/pgx/v5", dir: "stdlib",
		edits: []string{
			`stdlib.OpenDB(`, `sealsqlOpenDB(`,
			`stdlib.OpenDBFromPool(`, `sealsqlOpenDBFromPool(`,
			`sql.Open("pgx", `, `sql.Open(sealsqlName("pgx"), `,
			`sql.Open(tt.driverName, `, `sql.Open(sealsqlName(tt.driverName), `,
			`driverConn.(*stdlib.Conn)`, `sealsqlInner(driverConn)`,
		},
		used:     [2]string{`"github.com/jackc/pgx/v5/stdlib"`, "\nvar _ = stdlib.GetDefaultDriver\n"},
		overlays: map[string]string{"sealsql_test.go": "pgx.go.txt"},
		environment: func(t *testing.T) []string {
			return []string{"PGX_TEST_DATABASE=" + testenv.Postgres(t)}
		},
	},
	{
		name: "go-sql-driver/mysql", module: "github.com/go-sql-driver/mysql", dir: ".",
		edits: []string{
			`sql.Open("mysql", `, `sql.Open(driverNameTest, `,
			`sql.OpenDB(`, `SealsqlOpenDB(`,
			`conn.(*mysqlConn)`, `SealsqlInner(conn).(*mysqlConn)`,
		},
		overlays:    map[string]string{"sealsql_name_test.go": "mysql_internal.go.txt", "sealsql_open_test.go": "mysql_external.go.txt"},
		environment: mysqlEnvironment,
		// Dials an address of the Internet and panics where something answers.
		skip: "^TestConnectorReturnsTimeout$",
	},
	{
		name: "jmoiron/sqlx", module: "github.com/jmoiron/sqlx", version: "v1.4.0", dir: ".",
		edits: []string{
			`	_ "github.com/lib/pq"` + "\n", "",
			`	_ "github.com/mattn/go-sqlite3"` + "\n", "",
			`Connect("postgres", `, `Connect(sealsqlName("postgres"), `,
			`Connect("mysql", `, `Connect(sealsqlName("mysql"), `,
			`Connect("sqlite3", `, `Connect(sealsqlName("sqlite3"), `,
			`db.DriverName() == "mysql"`, `db.DriverName() == sealsqlName("mysql")`,
		},
		overlays: map[string]string{"sealsql_test.go": "sqlx.go.txt"},
		environment: func(t *testing.T) []string {
			return []string{
				"SQLX_POSTGRES_DSN=" + testenv.Postgres(t),
				"SQLX_MYSQL_DSN=" + testenv.MySQL(t),
				"SQLX_SQLITE_DSN=file:" + url.PathEscape(t.TempDir()) + "/sqlx.db",
			}
		},
	},
}

// mysqlEnvironment takes a data source name apart, as the suite wants it.
func mysqlEnvironment(t *testing.T) []string {
	c, err := mysql.ParseDSN(testenv.MySQL(t))
	if err != nil {
		t.Fatal("the server's data source name cannot be read")
	}
	return []string{
		"MYSQL_TEST_USER=" + c.User, "MYSQL_TEST_PASS=" + c.Passwd, "MYSQL_TEST_PROT=" + c.Net,
		"MYSQL_TEST_ADDR=" + c.Addr, "MYSQL_TEST_DBNAME=" + c.DBName,
	}
}

const head = `version: 1
service: ownsuites
product: tests
kms: {static: {insecure: true, key: "` + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" + `"}}
metastore: memory
`

// configurations are what the wrapper is run with: nothing encrypted at all,
// and something encrypted that no suite touches, so that every statement of it
// is planned.
var configurations = []struct {
	name, content string
	mayRefuse     bool
}{
	{"nothing annotated", head, false},
	{"another table annotated", head + "guards: off\ntables: {sealsql_elsewhere: {columns: {v: encrypted}}}\n", true},
}

func TestSuitesOfOthersPassThroughTheWrapper(t *testing.T) {
	if !*run && !testenv.Long() {
		t.Skip("takes minutes and fetches modules; make drivers-own-tests runs it")
	}
	for _, s := range suites {
		t.Run(strings.ReplaceAll(s.name, "/", " "), s.test)
	}
}

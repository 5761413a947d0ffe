package endtoend_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	sqlitedriver "modernc.org/sqlite"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/driver/sqlite"
)

// peopleConfig declares one encrypted table, people(id, name, v).
const peopleConfig = head + `metastore: memory
tables:
  ` + here + `people: {columns: {v: encrypted}}
`

const peopleTable = "CREATE TABLE people (id int PRIMARY KEY, name varchar(40), v varchar(40))"

const canary = "CANARY-e2e-90a1f7"

func engines() []flavour {
	return []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()}
}

func eachEngine(t *testing.T, run func(t *testing.T, f flavour)) {
	for _, f := range engines() {
		t.Run(f.name, func(t *testing.T) { run(t, f) })
	}
}

// roundTrip creates people, writes a value, and reads it sealed and opened.
func roundTrip(t *testing.T, f flavour, db *sql.DB) {
	t.Helper()
	db.SetMaxOpenConns(1) // a database in memory is its connection
	for _, q := range []string{peopleTable, "INSERT INTO people (id, v) VALUES (1, '" + canary + "')"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	var v string
	if err := db.QueryRow("SELECT v FROM people WHERE id = "+f.mark(1), 1).Scan(&v); err != nil || v != canary {
		t.Fatalf("got %q, %v", v, err)
	}
	length := "SELECT length(v) FROM people"
	if _, err := db.Exec(length); !errors.Is(err, sealsql.ErrRefused) {
		t.Errorf("the driver is not encrypting: %v", err)
	}
}

// forms returns data source names of every form without the configuration, and
// how the configuration's parameter is added to them.
func forms(t *testing.T, f flavour) map[string]func(parameter string) string {
	t.Helper()
	query := func(dsn string) func(string) string {
		return func(p string) string {
			if p == "" {
				return dsn
			}
			return withParameters(dsn, p)
		}
	}
	switch f.name {
	case "sqlite":
		return map[string]func(string) string{
			"URI":                 query("file:" + filepath.Join(t.TempDir(), "a.db")),
			"URI with parameters": query("file:" + filepath.Join(t.TempDir(), "a.db") + "?_pragma=busy_timeout(99)"),
			"plain path":          query(filepath.Join(t.TempDir(), "plain.db")),
			"memory":              query(":memory:"),
			"memory URI":          query("file::memory:"),
		}
	case "postgres":
		settings := keyValue(t, f.fresh(t))
		return map[string]func(string) string{
			"URL":                 query(f.fresh(t)),
			"URL with parameters": query(withParameters(f.fresh(t), "application_name=endtoend")),
			"key=value": func(p string) string {
				if name, value, ok := strings.Cut(p, "="); ok {
					value, _ = url.QueryUnescape(value)
					return settings + " " + name + "='" + value + "'"
				}
				return settings
			},
		}
	}
	return map[string]func(string) string{
		"parameters":    query(f.fresh(t)),
		"more of them":  query(withParameters(f.fresh(t), "parseTime=true")),
		"interpolating": query(withParameters(f.fresh(t), "interpolateParams=true")),
	}
}

// keyValue writes a URL as key=value settings.
func keyValue(t *testing.T, dsn string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	out := "host=" + cfg.Host + " port=" + itoa(int(cfg.Port)) + " user=" + cfg.User + " dbname=" + cfg.Database + " sslmode=disable"
	if cfg.Password != "" {
		out += " password='" + cfg.Password + "'"
	}
	return out
}

// configFor writes the configuration for a data source name.
func configFor(t *testing.T, f flavour, dsn, content string) string {
	t.Helper()
	p := &pair{flavour: f, sealedDSN: dsn}
	return writeConfig(t, strings.ReplaceAll(content, here, p.database()))
}

func TestTheConfigurationIsFoundInEveryFormOfDataSourceName(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		setMasterKey(t)
		for name, form := range forms(t, f) {
			t.Run(name+" names it", func(t *testing.T) {
				path := configFor(t, f, form(""), peopleConfig)
				roundTrip(t, f, openDB(t, f.sealed, form("sealsql_config="+url.QueryEscape(path))))
			})
		}
		for name, form := range forms(t, f) {
			t.Run(name+" leaves it to the environment", func(t *testing.T) {
				t.Setenv(config.EnvFile, configFor(t, f, form(""), peopleConfig))
				roundTrip(t, f, openDB(t, f.sealed, form("")))
			})
		}
		for name, form := range forms(t, f) {
			t.Run(name+" leaves it to the working directory", func(t *testing.T) {
				t.Chdir(filepath.Dir(configFor(t, f, form(""), peopleConfig)))
				roundTrip(t, f, openDB(t, f.sealed, form("")))
			})
		}
	})
}

func TestTheParameterOutranksTheEnvironment(t *testing.T) {
	f := sqliteFlavour()
	setMasterKey(t)
	t.Setenv(config.EnvFile, writeConfig(t, "version: 99\n"))
	dsn := f.fresh(t)
	roundTrip(t, f, openDB(t, f.sealed, withParameters(dsn, "sealsql_config="+url.QueryEscape(configFor(t, f, dsn, peopleConfig)))))
}

func TestRegisteredConfigurationsOfPgxPass(t *testing.T) {
	f := postgresFlavour()
	setMasterKey(t)
	dsn := f.fresh(t)
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := stdlib.RegisterConnConfig(cfg)
	defer stdlib.UnregisterConnConfig(name)
	t.Setenv(config.EnvFile, configFor(t, f, dsn, peopleConfig))
	roundTrip(t, f, openDB(t, f.sealed, name))
}

func TestAMissingOrBrokenConfigurationIsAnErrorAtOpen(t *testing.T) {
	setMasterKey(t)
	for _, f := range []flavour{
		{name: "sqlite", sealed: sqlite.Name, fresh: func(testing.TB) string { return "file:never.db" }},
		{name: "postgres", sealed: postgres.Name, fresh: func(testing.TB) string { return "postgres://u@192.0.2.1/d" }},
		{name: "mysql", sealed: mysql.Name, fresh: func(testing.TB) string { return "u@tcp(192.0.2.1)/d" }},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			open := func(parameter string) error {
				dsn := f.fresh(t)
				if parameter != "" {
					dsn = withParameters(dsn, "sealsql_config="+url.QueryEscape(parameter))
				}
				db, err := sql.Open(f.sealed, dsn)
				if err == nil {
					db.Close()
				}
				return err
			}
			if err := open(""); !errors.Is(err, config.ErrNoFile) {
				t.Errorf("none: %v", err)
			}
			if err := open("absent.yaml"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "absent.yaml") {
				t.Errorf("one that does not exist: %v", err)
			}
			broken := writeConfig(t, head+"tables:\n  people:\n    colums: {v: encrypted}\n")
			var ce *config.Error
			if err := open(broken); !errors.As(err, &ce) || ce.Line != 7 || ce.Column != 5 || !strings.Contains(ce.Suggestion, "columns") {
				t.Errorf("a misspelt key: %v (%+v)", err, ce)
			}
			if err := open(writeConfig(t, head+"tables:\n  people: {columns: {v: {type: varchr(40)}}}\n")); !errors.As(err, &ce) || ce.Line != 6 || !strings.Contains(ce.Suggestion, "varchar") {
				t.Errorf("a misspelt type: %v", err)
			}
			if err := open(writeConfig(t, "version: 1\nservice: [\n")); !errors.As(err, &ce) || ce.Line == 0 {
				t.Errorf("no YAML: %v", err)
			}
			files, err := os.ReadDir(".")
			if err != nil || len(files) != 0 {
				t.Errorf("a failed open left files behind: %v, %v", files, err)
			}
		})
	}
}

// wrapped returns a connector made by the engine's Wrap, and the plain one.
func wrapped(t *testing.T, f flavour, dsn string, cfg *config.Config) driver.Connector {
	t.Helper()
	var inner, c driver.Connector
	var err error
	switch f.name {
	case "sqlite":
		if inner, err = sqlitedriver.NewConnector(dsn); err == nil {
			c, err = sqlite.Wrap(inner, cfg)
		}
	case "postgres":
		pc, e := pgx.ParseConfig(dsn)
		if e != nil {
			t.Fatal(e)
		}
		c, err = postgres.Wrap(stdlib.GetConnector(*pc), cfg)
	case "mysql":
		mc, e := mysqldriver.ParseDSN(dsn)
		if e != nil {
			t.Fatal(e)
		}
		if inner, err = mysqldriver.NewConnector(mc); err == nil {
			c, err = mysql.Wrap(inner, cfg)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func loadConfig(t *testing.T, path string) *config.Config {
	t.Helper()
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestAWrappedConnectorDoesTheSame(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		setMasterKey(t)
		dsn := f.fresh(t)
		db := sql.OpenDB(wrapped(t, f, dsn, loadConfig(t, configFor(t, f, dsn, peopleConfig))))
		t.Cleanup(func() { db.Close() })
		roundTrip(t, f, db)
	})
}

func TestWrapRefusesNothingAtAll(t *testing.T) {
	setMasterKey(t)
	for name, wrap := range map[string]func(driver.Connector, *config.Config) (driver.Connector, error){"sqlite": sqlite.Wrap, "postgres": postgres.Wrap, "mysql": mysql.Wrap} {
		if c, err := wrap(nil, nil); err == nil || c != nil {
			t.Errorf("%s: Wrap(nil, nil) is %v, %v", name, c, err)
		}
		inner, err := sqlitedriver.NewConnector(":memory:")
		if err != nil {
			t.Fatal(err)
		}
		if c, err := wrap(inner, nil); err == nil || c != nil {
			t.Errorf("%s: Wrap without a configuration is %v, %v", name, c, err)
		}
	}
}

func TestClosingTheDatabaseWipesItsKeys(t *testing.T) {
	eachEngine(t, func(t *testing.T, f flavour) {
		setMasterKey(t)
		dsn := f.fresh(t)
		c := wrapped(t, f, dsn, loadConfig(t, configFor(t, f, dsn, peopleConfig)))
		db := sql.OpenDB(c)
		if _, ok := c.(io.Closer); !ok {
			t.Fatal("the connector is no io.Closer: database/sql would not close it")
		}
		roundTrip(t, f, db)
		conn, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for i := range 2 {
			if err := db.Close(); err != nil {
				t.Errorf("Close %d: %v", i+1, err)
			}
		}
		if err := c.(io.Closer).Close(); err != nil {
			t.Errorf("closing the connector itself once more: %v", err)
		}
		if err := db.Ping(); err == nil {
			t.Error("Ping after Close succeeded")
		}
		var v string
		if err := conn.QueryRowContext(context.Background(), "SELECT v FROM people").Scan(&v); !errors.Is(err, sealsql.ErrClosed) {
			t.Errorf("reading on a connection kept open: %q, %v", v, err)
		}
		if _, err := conn.ExecContext(context.Background(), "INSERT INTO people (id, v) VALUES (2, 'x')"); !errors.Is(err, sealsql.ErrClosed) {
			t.Errorf("writing on a connection kept open: %v", err)
		}
	})
}

func TestColumnsThatAreNotNullAreDescribedAsPlain(t *testing.T) {
	// The driver of MySQL reports other Go types for columns that are NOT NULL.
	eachEngine(t, func(t *testing.T, f flavour) {
		decls := []string{"varchar(40)", "bigint", "numeric(10,2)", "date", "timestamp", "boolean"}
		p := f.open(t, head+"metastore: memory\ntables:\n  "+here+"n: {columns: {c0: {type: varchar(40)}, c1: {type: bigint}, c2: {type: \"numeric(10,2)\"}, c3: {type: date}, c4: {type: timestamp}, c5: {type: boolean}}}\n")
		create := "CREATE TABLE n (id int PRIMARY KEY"
		for i, d := range decls {
			create += ", c" + itoa(i) + " " + d + " NOT NULL"
		}
		p.both(t, create+")")
		p.both(t, "INSERT INTO n VALUES (1, 'a', 7, 1.5, '2024-02-29', '2024-02-29 13:14:15', true)")
		for _, q := range []query{
			func(db *sql.DB) (*sql.Rows, error) { return db.Query("SELECT * FROM n") },
			func(db *sql.DB) (*sql.Rows, error) { return db.Query("SELECT * FROM n WHERE id = "+f.mark(1), 1) },
		} {
			want, got := columnTypes(t, p.plain, q), columnTypes(t, p.sealed, q)
			for i := range want {
				if !reflect.DeepEqual(want[i], got[i]) {
					t.Errorf("got  %s\nwant %s", got[i], want[i])
				}
			}
		}
	})
}

func TestAnExecModeGivenWithAStatementDecidesHowItsArgumentsAreRead(t *testing.T) {
	f := postgresFlavour()
	p := f.open(t, head+"metastore: memory\ntables:\n  m: {columns: {v: {type: timestamp}}}\n")
	p.both(t, "CREATE TABLE m (id int PRIMARY KEY, v timestamp)")
	local := time.Date(2024, 2, 29, 13, 14, 15, 0, time.FixedZone("", 3600))
	for id, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeDescribeExec} {
		p.both(t, "INSERT INTO m (id, v) VALUES ($1, $2)", mode, id, local)
		var want, got any
		if err := p.plain.QueryRow("SELECT v FROM m WHERE id = $1", id).Scan(&want); err != nil {
			t.Fatal(err)
		}
		if err := p.sealed.QueryRow("SELECT v FROM m WHERE id = $1", id).Scan(&got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %v, %v, want %v", mode, got, err, want)
		}
	}
}

// Package sqlite registers the driver "encrypted-sqlite": modernc.org/sqlite
// with encrypted columns.
//
//	import _ "github.com/sealsql/sealsql/driver/sqlite"
//
//	db, err := sql.Open("encrypted-sqlite", "file:app.db?sealsql_config=sealsql.yaml")
//
// Data source names are those of modernc.org/sqlite: file: URIs, plain paths
// and ":memory:", each with parameters behind a question mark. The parameter
// sealsql_config names the configuration; without it the environment variable
// SEALSQL_CONFIG and then ./sealsql.yaml are used.
//
// The metastore `same` is a file beside the database, "<database>.keys",
// created with mode 0600 when the first key is made: SQLite has one writer, and
// a key must survive the rollback of the transaction that needed it. A database
// in memory keeps its keys in memory.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	_ "github.com/sealsql/sealsql/envelope/builtin" // KMS and metastores of the configuration
	"modernc.org/sqlite"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
)

// Name is the name under which the driver is registered with database/sql.
const Name = "encrypted-sqlite"

var (
	_ driver.Driver        = (*Driver)(nil)
	_ driver.DriverContext = (*Driver)(nil)
)

// Driver opens SQLite databases with encrypted columns.
type Driver struct{}

var registered = &Driver{}

func init() { sql.Register(Name, registered) }

// Open opens one connection. database/sql uses OpenConnector instead.
func (d *Driver) Open(dsn string) (driver.Conn, error) {
	c, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return c.Connect(context.Background())
}

// OpenConnector reads the configuration and prepares connections. A missing or
// invalid configuration and a missing master key are errors here; the database
// file is not touched.
func (d *Driver) OpenConnector(dsn string) (driver.Connector, error) {
	dsn, file, err := cutConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg, err := sealdriver.LoadConfig(file)
	if err != nil {
		return nil, err
	}
	options, err := litevalue.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	inner, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, errors.New("sealsql: the data source name is not valid")
	}
	return open(inner, options, cfg, d)
}

// Wrap adds encryption to a connector of modernc.org/sqlite, for sql.OpenDB.
// Options of the inner data source name that change how times are written or
// read (_time_format, _inttotime and the like) cannot be seen here and must not
// be set; use WrapDSN if they are.
func Wrap(inner driver.Connector, cfg *config.Config) (driver.Connector, error) {
	if inner == nil {
		return nil, errors.New("sealsql: a connector is required")
	}
	return open(inner, litevalue.Options{}, cfg, nil)
}

// WrapDSN is Wrap for a connector whose data source name is dsn.
func WrapDSN(inner driver.Connector, dsn string, cfg *config.Config) (driver.Connector, error) {
	if inner == nil {
		return nil, errors.New("sealsql: a connector is required")
	}
	options, err := litevalue.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return open(inner, options, cfg, nil)
}

func open(inner driver.Connector, o litevalue.Options, cfg *config.Config, d *Driver) (driver.Connector, error) {
	files := &mainFile{inner: inner}
	e := newEngine(o, files)
	if d == nil {
		return sealdriver.Open(inner, e, cfg, nil, files.metastore)
	}
	return sealdriver.Open(inner, e, cfg, d, files.metastore)
}

// cutConfig takes sealsql_config out of a data source name. Parameters begin
// at the first question mark, unless that is the first character.
func cutConfig(dsn string) (rest, file string, err error) {
	mark := strings.IndexByte(dsn, '?')
	if mark == 0 {
		mark = -1
	}
	return sealdriver.CutDSN(dsn, mark)
}

// Package mysql registers the driver "encrypted-mysql": go-sql-driver/mysql
// with encrypted columns, for MySQL and MariaDB.
//
//	import _ "github.com/sealsql/sealsql/driver/mysql"
//
//	db, err := sql.Open("encrypted-mysql", "app:secret@tcp(db:3306)/app?parseTime=true&sealsql_config=sealsql.yaml")
//
// Data source names are those of go-sql-driver/mysql. The parameter
// sealsql_config names the configuration; without it the environment variable
// SEALSQL_CONFIG and then ./sealsql.yaml are used.
//
// The metastore `same` is a table in the application's database, on a small
// pool of its own; `sealsql metastore init` creates it.
//
// The database user needs to see what can reach annotated tables: views
// (SHOW VIEW), triggers (TRIGGER) and routines. What MySQL does not show to the
// user cannot be taken into account; the guards of `sealsql ddl` stand behind.
package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// Name is the name under which the driver is registered with database/sql.
const Name = "encrypted-mysql"

var (
	_ driver.Driver        = (*Driver)(nil)
	_ driver.DriverContext = (*Driver)(nil)
)

// Driver opens MySQL and MariaDB databases with encrypted columns.
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

// OpenConnector reads the configuration and prepares connections; it does not
// connect. A missing or invalid configuration and a missing master key are
// errors here.
func (d *Driver) OpenConnector(dsn string) (driver.Connector, error) {
	dsn, file, err := cutConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg, err := sealdriver.LoadConfig(file)
	if err != nil {
		return nil, err
	}
	inner, settings, err := plain(dsn)
	if err != nil {
		return nil, err
	}
	if settings.aliases && len(cfg.Catalog.Tables()) > 0 {
		return nil, errAliases
	}
	return sealdriver.Open(inner, newEngine(settings), cfg, d, keyTable(inner))
}

// errAliases is returned for columnsWithAlias=true: results are checked by the names of
// their columns, of which the inner driver makes others then.
var errAliases = errors.New("sealsql: columnsWithAlias does not work with encrypted columns; give columns names with AS")

// plain returns the inner driver's connector and the settings that change how
// values are sent and read.
func plain(dsn string) (driver.Connector, *settings, error) {
	mc, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, nil, err
	}
	inner, err := mysql.NewConnector(mc)
	if err != nil {
		return nil, nil, err
	}
	return inner, &settings{parseTime: mc.ParseTime, loc: mc.Loc, truncate: timeTruncate(mc), prepares: !mc.InterpolateParams, aliases: mc.ColumnsWithAlias}, nil
}

// timeTruncate reads a setting that mysql.Config keeps to itself.
func timeTruncate(mc *mysql.Config) time.Duration {
	dsn := mc.FormatDSN()
	params, err := url.ParseQuery(dsn[strings.LastIndexByte(dsn, '?')+1:])
	if err != nil {
		return 0
	}
	d, err := time.ParseDuration(params.Get("timeTruncate"))
	if err != nil {
		return 0
	}
	return d
}

// Wrap adds encryption to a connector of go-sql-driver/mysql, for sql.OpenDB.
// Its settings parseTime, loc and interpolateParams are found out on the first
// connection; timeTruncate must not be set.
func Wrap(inner driver.Connector, cfg *config.Config) (driver.Connector, error) {
	if inner == nil {
		return nil, errors.New("sealsql: a connector is required")
	}
	return sealdriver.Open(inner, newEngine(nil), cfg, nil, keyTable(inner))
}

// plainConnector hides everything of a connector but the way to connect, so
// that closing the keys' pool does not close the application's connector.
type plainConnector struct{ driver.Connector }

// keyTable opens the key table, in the application's database or in the one
// that the configuration names.
func keyTable(inner driver.Connector) sealdriver.KeyTable {
	return func(m config.Metastore) (envelope.Metastore, error) {
		inner := inner // called again when the configuration is replaced
		if !m.Same {
			dsn, err := sealdriver.MetastoreDSN(m)
			if err != nil {
				return nil, err
			}
			if inner, _, err = plain(dsn); err != nil {
				return nil, err
			}
		}
		db := sql.OpenDB(plainConnector{inner})
		db.SetMaxOpenConns(2)
		db.SetMaxIdleConns(1)
		db.SetConnMaxIdleTime(time.Minute)
		store, err := builtin.OpenSQL(db, builtin.MySQL, builtin.SQLOptions{Table: m.Table})
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
		return store, nil
	}
}

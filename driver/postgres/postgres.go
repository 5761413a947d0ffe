// Package postgres registers the driver "encrypted-postgres": pgx's
// database/sql driver with encrypted columns.
//
//	import _ "github.com/sealsql/sealsql/driver/postgres"
//
//	db, err := sql.Open("encrypted-postgres", "postgres://app@db/app?sealsql_config=sealsql.yaml")
//
// Data source names are those of pgx: URLs, key=value strings, and the names
// that stdlib.RegisterConnConfig returns, which pass untouched. The parameter
// sealsql_config names the configuration; without it the environment variable
// SEALSQL_CONFIG and then ./sealsql.yaml are used.
//
// Arguments that pgx takes as options (pgx.QueryExecMode and the like) may
// stand in front of the others. pgx.NamedArgs and other query rewriters are
// resolved before a statement is planned.
//
// The metastore `same` is a table in the application's database, on a small
// pool of its own; `sealsql metastore init` creates it.
package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// Name is the name under which the driver is registered with database/sql.
const Name = "encrypted-postgres"

var (
	_ driver.Driver        = (*Driver)(nil)
	_ driver.DriverContext = (*Driver)(nil)
)

// Driver opens PostgreSQL databases with encrypted columns.
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
	inner, err := plain(dsn)
	if err != nil {
		return nil, err
	}
	if len(cfg.Catalog.Tables()) > 0 && !strings.HasPrefix(dsn, registeredPrefix) {
		inner = discreet{ahead{inner, dsn}}
	}
	return sealdriver.Open(inner, newEngine(), cfg, d, keyTable(inner))
}

// plain returns the connector of pgx itself.
func plain(dsn string) (driver.Connector, error) {
	d, ok := stdlib.GetDefaultDriver().(driver.DriverContext)
	if !ok {
		return nil, errors.New("sealsql: this version of pgx has no connector")
	}
	inner, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return discreet{inner}, nil
}

// discreet is pgx's connector, which reads the data source name when it connects,
// without its error for a name that it cannot read: that holds the name whole,
// with the password.
type discreet struct{ driver.Connector }

func (d discreet) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := d.Connector.Connect(ctx)
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		return nil, errNotValid
	}
	return c, err
}

// Wrap adds encryption to a connector of pgx's stdlib (GetConnector,
// GetPoolConnector), for sql.OpenDB.
func Wrap(inner driver.Connector, cfg *config.Config) (driver.Connector, error) {
	if inner == nil {
		return nil, errors.New("sealsql: a connector is required")
	}
	return sealdriver.Open(inner, newEngine(), cfg, nil, keyTable(inner))
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
			if inner, err = plain(dsn); err != nil {
				return nil, err
			}
		}
		db := sql.OpenDB(plainConnector{inner})
		db.SetMaxOpenConns(2)
		db.SetMaxIdleConns(1)
		db.SetConnMaxIdleTime(time.Minute)
		store, err := builtin.OpenSQL(db, builtin.Postgres, builtin.SQLOptions{Table: m.Table})
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
		return &notifyingTable{store, db, inner}, nil
	}
}

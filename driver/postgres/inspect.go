package postgres

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
)

// errNotValid stands for what the inner driver says of a data source name,
// which may quote it.
var errNotValid = errors.New("sealsql: the data source name is not valid")

// Inspect reads the catalog of the database that a data source name of this
// driver or of pgx names, through pgx. Errors do not hold the name.
func Inspect(ctx context.Context, dsn string) (*sealdriver.Inspection, error) {
	dsn, _, err := cutConfig(dsn)
	if err != nil {
		return nil, err
	}
	inner, err := plain(dsn)
	if err != nil {
		return nil, errNotValid
	}
	return sealdriver.Inspect(ctx, legible{inner}, newEngine())
}

// legible connects with the setting under which guards are shown as they were made,
// whatever the role, the database or the server sets.
type legible struct{ driver.Connector }

func (l legible) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := l.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	x, ok := c.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("sealsql: this version of pgx runs no statement by itself"), c.Close())
	}
	if _, err := x.ExecContext(ctx, "SET bytea_output = hex", nil); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Inspect reads the options of views.
func (e *engine) Inspect(ctx context.Context, r *sealdriver.Reader, i *sealdriver.Inspection) error {
	i.Views = map[rewrite.RelationID]sealdriver.ViewClauses{}
	return query(ctx, r, `SELECT n.nspname::text, c.relname::text, 'WITH (' || array_to_string(c.reloptions, ', ') || ')'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND c.reloptions IS NOT NULL AND n.nspname NOT IN ('pg_catalog', 'information_schema')`, func(v sealdriver.Row) error {
		i.Views[rewrite.RelationID{Schema: v.Text(0), Name: v.Text(1)}] = sealdriver.ViewClauses{With: v.Text(2)}
		return nil
	})
}

// InitMetastore creates the key table of a sql metastore if it does not exist:
// in the database of dsn where the metastore is in the application's own, else
// in the one that the configuration names. Errors do not hold either name.
func InitMetastore(ctx context.Context, dsn string, m config.Metastore) (err error) {
	if dsn, _, err = cutConfig(dsn); err != nil {
		return err
	}
	if !m.Same {
		if dsn, err = sealdriver.MetastoreDSN(m); err != nil {
			return err
		}
	}
	inner, err := plain(dsn)
	if err != nil {
		return errNotValid
	}
	m.Same = true
	store, err := keyTable(inner)(m)
	if err != nil {
		return err
	}
	table, ok := store.(*notifyingTable)
	if !ok {
		return errors.Join(errors.New("sealsql: the metastore has no table"), store.Close())
	}
	return errors.Join(table.Init(ctx), table.Close())
}

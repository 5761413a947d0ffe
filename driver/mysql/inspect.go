package mysql

import (
	"context"
	"errors"
	"strings"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/rewrite"
)

// errNotValid stands for what the inner driver says of a data source name,
// which may quote it.
var errNotValid = errors.New("sealsql: the data source name is not valid")

// Inspect reads the catalog of the database that a data source name of this
// driver or of go-sql-driver/mysql names, through that. Errors do not hold the name.
func Inspect(ctx context.Context, dsn string) (*sealdriver.Inspection, error) {
	dsn, _, err := cutConfig(dsn)
	if err != nil {
		return nil, err
	}
	inner, settings, err := plain(dsn)
	if err != nil {
		return nil, errNotValid
	}
	return sealdriver.Inspect(ctx, inner, newEngine(settings))
}

// Inspect reads the comments of columns and the clauses of views.
func (e *engine) Inspect(ctx context.Context, r *sealdriver.Reader, i *sealdriver.Inspection) error {
	i.Comments = map[rewrite.RelationID]map[string]string{}
	text := "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_COMMENT FROM information_schema.COLUMNS WHERE COLUMN_COMMENT <> '' AND " +
		inUserSchemas("TABLE_SCHEMA") + everyRow
	err := r.Query(ctx, text, nil, func(v sealdriver.Row) error {
		id := rewrite.RelationID{Schema: v.Text(0), Name: v.Text(1)}
		if i.Comments[id] == nil {
			i.Comments[id] = map[string]string{}
		}
		i.Comments[id][v.Text(2)] = v.Text(3)
		return nil
	})
	if err != nil {
		return err
	}
	return e.viewClauses(ctx, r, i)
}

// viewClauses reads who a view runs as and what it checks. MySQL tells the
// algorithm of a view in SHOW CREATE VIEW alone: there it is chosen anew.
func (e *engine) viewClauses(ctx context.Context, r *sealdriver.Reader, i *sealdriver.Inspection) error {
	i.Views = map[rewrite.RelationID]sealdriver.ViewClauses{}
	algorithm := "''"
	if i.Session.Plan.MariaDB {
		algorithm = "ALGORITHM"
	}
	text := "SELECT TABLE_SCHEMA, TABLE_NAME, DEFINER, SECURITY_TYPE, CHECK_OPTION, " + algorithm + " FROM information_schema.VIEWS WHERE " + inUserSchemas("TABLE_SCHEMA") + everyRow
	return r.Query(ctx, text, nil, func(v sealdriver.Row) error {
		var c sealdriver.ViewClauses
		if a := v.Text(5); a != "" {
			c.Before = "ALGORITHM = " + a + " "
		}
		if user, host, ok := cutLast(v.Text(2), "@"); ok {
			c.Before += "DEFINER = " + e.Frontend().QuoteIdent(user) + "@" + e.Frontend().QuoteIdent(host) + " "
		}
		c.Before += "SQL SECURITY " + v.Text(3)
		if o := v.Text(4); o == "LOCAL" || o == "CASCADED" {
			c.Behind = "WITH " + o + " CHECK OPTION"
		}
		i.Views[rewrite.RelationID{Schema: v.Text(0), Name: v.Text(1)}] = c
		return nil
	})
}

// cutLast cuts a text at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
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
	inner, _, err := plain(dsn)
	if err != nil {
		return errNotValid
	}
	m.Same = true
	store, err := keyTable(inner)(m)
	if err != nil {
		return err
	}
	table, ok := store.(*builtin.SQL)
	if !ok {
		return errors.Join(errors.New("sealsql: the metastore has no table"), store.Close())
	}
	return errors.Join(table.Init(ctx), table.Close())
}

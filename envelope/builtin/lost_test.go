package builtin_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sealsql/sealsql/conformance/metastore"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/testenv"
)

// breaking is a connector whose connections break at the next statement that
// writes, when they are told to.
type breaking struct {
	inner driver.Driver
	dsn   string
	next  atomic.Pointer[metastore.Loss]
}

func (b *breaking) Connect(context.Context) (driver.Conn, error) {
	c, err := b.inner.Open(b.dsn)
	return &breakingConn{c, b}, err
}

func (b *breaking) Driver() driver.Driver { return b.inner }

type breakingConn struct {
	driver.Conn
	b *breaking
}

var errBroken = errors.New("connection reset by peer")

func (c *breakingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	var how *metastore.Loss
	if !strings.HasPrefix(query, "CREATE") {
		how = c.b.next.Swap(nil)
	}
	if how != nil && *how == metastore.BeforeIt {
		return nil, errBroken
	}
	res, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	if how != nil && err == nil {
		return nil, errBroken
	}
	return res, err
}

func (c *breakingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *breakingConn) CheckNamedValue(v *driver.NamedValue) error {
	if x, ok := c.Conn.(driver.NamedValueChecker); ok {
		return x.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func losses(t *testing.T, name string, dsn func(*testing.T) string, d builtin.Dialect) {
	plain := dial(t, name, dsn(t)) // for its driver
	metastore.TestLosses(t, func(t *testing.T) (envelope.Keeper, func(metastore.Loss)) {
		b := &breaking{inner: plain.Driver(), dsn: dsn(t)}
		m := initSQL(t, sql.OpenDB(b), d, "")
		return m.(envelope.Keeper), func(how metastore.Loss) { b.next.Store(&how) }
	})
}

func TestSQLMetastoresBearTheLossOfAnswers(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		losses(t, "sqlite", func(t *testing.T) string { return filepath.Join(t.TempDir(), "keys.db") }, builtin.SQLite)
	})
	t.Run("postgres", func(t *testing.T) {
		losses(t, "pgx", func(t *testing.T) string { return testenv.Postgres(t) }, builtin.Postgres)
	})
	t.Run("mysql", func(t *testing.T) {
		losses(t, "mysql", func(t *testing.T) string { return testenv.MySQL(t) }, builtin.MySQL)
	})
}

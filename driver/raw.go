package driver

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"runtime"
	"strconv"

	"github.com/sealsql/sealsql/rewrite"
)

// Conn is what (*sql.Conn).Raw hands out for a connection of this driver, in
// place of the inner driver's type:
//
//	err := conn.Raw(func(c any) error {
//		inner := c.(driver.Conn).InsecureBypassEncryption()
//		…
//	})
//
// Its other methods plan, seal and open like those of database/sql.
type Conn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker

	// InsecureBypassEncryption returns the inner driver's connection.
	//
	// Whatever is done with it passes by encryption: values are sent and stored
	// in clear (unless a guard in the database stops them), records come back as
	// they are stored, and no statement is refused. Each call is logged as a
	// warning with the place of the caller, to slog's default logger. The
	// connection is valid as long as this one, and in the callback of Raw only.
	InsecureBypassEncryption() driver.Conn
}

var (
	_ Conn = (*conn)(nil)
	_ Conn = (*connValidator)(nil)
	//lint:ignore SA1019 programs reach it through Raw, where inner drivers have it
	_ driver.Execer = (*conn)(nil)
	//lint:ignore SA1019 see above
	_ driver.Queryer = (*conn)(nil)
)

// InsecureBypassEncryption: see Conn. What the connection knew of its session
// and of uncommitted changes may not be true afterwards.
func (c *conn) InsecureBypassEncryption() driver.Conn {
	place := "unknown"
	if _, file, line, ok := runtime.Caller(1); ok {
		place = file + ":" + strconv.Itoa(line)
	}
	slog.Warn("sealsql: encryption bypassed: the inner driver's connection was handed out", "caller", place)
	c.cr.rec.Bypassed()
	c.manual = true
	c.changed(rewrite.EffectCatalog | rewrite.EffectSession)
	return c.inner
}

// Exec is ExecContext without a context, for programs that reach it through
// Raw. database/sql prefers ExecContext. It returns driver.ErrSkip where the
// inner driver has no such method.
func (c *conn) Exec(query string, vals []driver.Value) (driver.Result, error) {
	//lint:ignore SA1019 see above
	if _, ok := c.inner.(driver.Execer); !ok {
		return nil, driver.ErrSkip
	}
	return c.ExecContext(context.Background(), query, named(vals))
}

// Query is QueryContext without a context, like Exec.
func (c *conn) Query(query string, vals []driver.Value) (driver.Rows, error) {
	//lint:ignore SA1019 see above
	if _, ok := c.inner.(driver.Queryer); !ok {
		return nil, driver.ErrSkip
	}
	return c.QueryContext(context.Background(), query, named(vals))
}

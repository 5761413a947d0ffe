package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// notifyingTable is the key table with NOTIFY and LISTEN. Every role of the
// database may notify, and behind a pooler in transaction mode nothing arrives:
// both are what envelope.Notifier allows.
type notifyingTable struct {
	*builtin.SQL
	db    *sql.DB
	inner driver.Connector
}

var (
	_ envelope.Notifier      = (*notifyingTable)(nil)
	_ envelope.Keeper        = (*notifyingTable)(nil)
	_ envelope.BoundedLoader = (*notifyingTable)(nil)
)

// Notify implements envelope.Notifier. The topic is the channel.
func (t *notifyingTable) Notify(ctx context.Context, topic string) error {
	_, err := t.db.ExecContext(ctx, "SELECT pg_notify($1, '')", topic)
	return err
}

var errNotPgx = errors.New("sealsql: LISTEN needs a connection of pgx's stdlib")

// Listen implements envelope.Notifier, on a connection of its own.
func (t *notifyingTable) Listen(ctx context.Context, topic string, hint func()) (err error) {
	db := sql.OpenDB(plainConnector{t.inner})
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		pc, ok := c.(*stdlib.Conn)
		if !ok {
			return errNotPgx
		}
		// The topic is of letters, digits and '-'.
		if _, err := pc.Conn().Exec(ctx, `LISTEN "`+topic+`"`); err != nil {
			return err
		}
		hint() // for what came before
		for {
			if _, err := pc.Conn().WaitForNotification(ctx); err != nil {
				return err
			}
			hint()
		}
	})
}

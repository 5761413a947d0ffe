package reindex

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/rewrite"
)

// One process at a time makes a step of an index: two would make the same columns and
// keys, or drop what the other has just made. The server holds who it is: a lock that it
// knows by a name and gives back when the connection ends, on SQLite the lock of a file
// of its own.

// ErrBusy matches the error where another process is at work on the index.
var ErrBusy = indexmove.ErrBusy

// errFile is that of SQLite, where one file is locked for all indexes.
var errFile = fmt.Errorf("%w, or another one of the same file", ErrBusy)

// patience is how long a step waits for another process: one that was killed may have
// left a session that the server is about to end.
const patience = 5 * time.Second

// alone runs a step while no other process does.
func (m *Mover) alone(ctx context.Context, step func(context.Context) error) (err error) {
	release, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	// What Open saw another process may have changed by now.
	if m.state, err = indexmove.Load(ctx, m.Sealer, m.Move); err != nil {
		return err
	}
	if err := m.look(ctx); err != nil {
		return err
	}
	return step(ctx)
}

// lock takes the lock of the index, and waits for it for a while.
func (m *Mover) lock(ctx context.Context) (release func() error, err error) {
	take := map[rewrite.Dialect]func(context.Context) (func() error, error){
		rewrite.Postgres: m.lockPostgres, rewrite.MySQL: m.lockMySQL, rewrite.SQLite: m.lockSQLite,
	}[m.Front.Dialect()]
	for began := time.Now(); ; {
		release, err := take(ctx)
		if !errors.Is(err, ErrBusy) || time.Since(began) > patience {
			return release, err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// lockName is a name for the index, in a database where locks are the server's.
func (m *Mover) lockName(database string) [sha256.Size]byte {
	c := m.column()
	return sha256.Sum256([]byte(strings.ToLower(fmt.Sprintf("%q %q %q %q %q", database, c.Table.Schema, c.Table.Name, c.Name, m.Move.Kind))))
}

// lockClass is the first number of the locks on PostgreSQL.
const lockClass = 0x5ea15e1

// lockPostgres takes it for a transaction that does nothing else, so that a pooler that
// shares sessions keeps it with the transaction.
func (m *Mover) lockPostgres(ctx context.Context) (func() error, error) {
	tx, err := m.DB.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := m.lockName("")
	var ours bool
	err = tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1, $2)", lockClass, int32(binary.BigEndian.Uint32(name[:]))).Scan(&ours)
	if err == nil && !ours {
		err = ErrBusy
	}
	if err == nil {
		// It may last for hours. As the last statement it also ends the portal of the
		// query, for whose snapshot CREATE INDEX CONCURRENTLY would wait.
		_, err = tx.ExecContext(ctx, "DO $$ BEGIN PERFORM set_config(name, '0', true) FROM pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout'); END $$")
	}
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return func() error { return released(tx.Rollback()) }, nil
}

// lockMySQL takes it for a connection, which is not used again: it would be ended after
// hours in which it says nothing.
func (m *Mover) lockMySQL(ctx context.Context) (_ func() error, err error) {
	conn, err := m.DB.Conn(ctx)
	if err != nil {
		return nil, err
	}
	release := func() error {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		return released(conn.Close())
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, release())
		}
	}()
	if _, err := conn.ExecContext(ctx, "SET SESSION wait_timeout = 2147483"); err != nil {
		return nil, err
	}
	var database sql.NullString // the names of locks are the server's
	if err := conn.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&database); err != nil {
		return nil, err
	}
	name := m.lockName(database.String)
	var ours sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", "sealsql_"+hex.EncodeToString(name[:24])).Scan(&ours); err != nil {
		return nil, err
	}
	if ours.Int64 != 1 {
		return nil, ErrBusy
	}
	return release, nil
}

// lockSQLite locks a file beside the database, which stays there, empty: a lock on the
// database itself would stop the programs.
func (m *Mover) lockSQLite(ctx context.Context) (func() error, error) {
	var file string
	if err := m.DB.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file); err != nil {
		return nil, err
	}
	if file == "" {
		return func() error { return nil }, nil // in the memory of this process
	}
	file += "-sealsql-reindex"
	if strings.Contains(file, "?") {
		file = "file:" + (&url.URL{Path: file}).EscapedPath()
	}
	conn, err := m.DB.Driver().Open(file)
	if err != nil {
		return nil, err
	}
	for _, s := range []string{"PRAGMA busy_timeout = 0", "BEGIN EXCLUSIVE"} {
		if err := execDriver(ctx, conn, s); err != nil {
			if strings.Contains(err.Error(), "database is locked") {
				err = errFile
			}
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn.Close, nil
}

func execDriver(ctx context.Context, conn driver.Conn, text string) error {
	e, ok := conn.(driver.ExecerContext)
	if !ok {
		return errors.New("the driver of the database executes no statements")
	}
	_, err := e.ExecContext(ctx, text, nil)
	return err
}

// released leaves out what is no error where a lock is given back: the connection that
// held it had ended.
func released(err error) error {
	if errors.Is(err, sql.ErrTxDone) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) {
		return nil
	}
	return err
}

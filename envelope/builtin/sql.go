package builtin

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// SQL is a metastore in a table of a SQL database:
//
//	id          the key's id, compared byte by byte
//	created     creation time, wall clock in UTC, seconds
//	key_record  JSON, see envelope.KeyRecord
//
// which is the table of Asherah. key_record may be a text or a JSON column.
// Every call is one statement outside any transaction of the application.
type SQL struct {
	db *sql.DB
	d  *dialect
	q  queries
}

var (
	_ envelope.Metastore     = (*SQL)(nil)
	_ envelope.BoundedLoader = (*SQL)(nil)
)

// SQLOptions holds what is optional about a SQL metastore.
type SQLOptions struct {
	// Table is the table's name, with a schema before a dot if need be; empty
	// means encryption_key. Letters, digits and underscores are allowed.
	Table string
}

// DefaultTable is the name of the key table.
const DefaultTable = "encryption_key"

// maxStoredRecord is what fits the smallest text column among the engines
// (MySQL's TEXT), in bytes.
const maxStoredRecord = 1<<16 - 1

// OpenSQL makes a metastore on db, which must be a plain connection pool of its
// own, not the application's and not an encrypting one. It does no I/O. Close
// closes db.
func OpenSQL(db *sql.DB, d Dialect, o SQLOptions) (*SQL, error) {
	e, ok := dialects[d]
	if !ok {
		return nil, fmt.Errorf("sealsql: metastore: unknown SQL dialect %q", string(d))
	}
	if o.Table == "" {
		o.Table = DefaultTable
	}
	q, err := e.queries(o.Table)
	if err != nil {
		return nil, err
	}
	return &SQL{db: db, d: e, q: q}, nil
}

// Name names the metastore in messages.
func (m *SQL) Name() string { return "sql" }

// Init makes the table if it does not exist.
func (m *SQL) Init(ctx context.Context) error {
	if _, err := m.db.ExecContext(ctx, m.q.create); err != nil {
		return fmt.Errorf("sealsql: metastore: create table: %w", err)
	}
	return nil
}

// DDL returns the statement that Init runs.
func (m *SQL) DDL() string { return m.q.create }

// Load implements envelope.Metastore.
func (m *SQL) Load(ctx context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	return m.one(ctx, meta, m.q.load, meta.ID, m.d.time(meta.Created))
}

// LoadLatest implements envelope.Metastore.
func (m *SQL) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	return m.one(ctx, envelope.KeyMeta{ID: id}, m.q.latest, id)
}

// LoadLatestBefore implements envelope.BoundedLoader.
func (m *SQL) LoadLatestBefore(ctx context.Context, id string, notAfter int64) (*envelope.KeyRecord, error) {
	return m.one(ctx, envelope.KeyMeta{ID: id}, m.q.latestBefore, id, m.d.time(notAfter))
}

// one reads the row that a query gives. The id is compared again: a table made
// by hand may have a collation that takes one id for another, and then the row
// asked for counts as absent.
func (m *SQL) one(ctx context.Context, meta envelope.KeyMeta, query string, args ...any) (*envelope.KeyRecord, error) {
	var id, created string
	var record []byte
	err := m.db.QueryRowContext(ctx, query, args...).Scan(&id, &created, &record)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, envelope.ErrKeyNotFound
	}
	if err != nil {
		return nil, err
	}
	if id != meta.ID {
		return nil, fmt.Errorf("%w: the table's collation takes different ids for equal: the id column must compare bytes", envelope.ErrKeyNotFound)
	}
	t, err := time.Parse(timeLayout, created)
	if err != nil {
		return nil, errors.New("sealsql: metastore: creation time of a row is not a date and time")
	}
	return envelope.ParseKeyRecord(envelope.KeyMeta{ID: id, Created: t.Unix()}, record)
}

// Store implements envelope.Metastore.
func (m *SQL) Store(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	record, err := json.Marshal(rec)
	if err != nil {
		return false, err
	}
	if len(rec.Meta.ID) > 255 || len(record) > maxStoredRecord {
		return false, errTooLarge
	}
	stored, err := m.insert(ctx, rec, string(record))
	if err != nil {
		return false, err
	}
	if !stored && rec.Meta.Created != envelope.Tombstone {
		switch _, err := m.Load(ctx, envelope.KeyMeta{ID: rec.Meta.ID, Created: envelope.Tombstone}); {
		case err == nil:
			return false, envelope.ErrShredded
		case !errors.Is(err, envelope.ErrKeyNotFound):
			return false, err
		}
	}
	if m.d.verify {
		return stored, m.verify(ctx, rec, stored)
	}
	return stored, nil
}

var errTooLarge = errors.New("sealsql: metastore: key record is too large for the table")

// maxDeadlocks bounds how often an insert is repeated that the server chose as
// the victim of a deadlock: on MySQL two processes that make the first key of a
// partition at once lock the gap that both insert into. Nothing was stored then.
const maxDeadlocks = 8

func (m *SQL) insert(ctx context.Context, rec *envelope.KeyRecord, record string) (bool, error) {
	at, id := m.d.time(rec.Meta.Created), rec.Meta.ID
	for i := 0; ; i++ {
		stored, err := m.changes(ctx, m.q.insert, id, at, record, id, m.d.time(envelope.Tombstone))
		if err == nil || m.d.deadlock == "" || i == maxDeadlocks || !strings.Contains(err.Error(), m.d.deadlock) {
			return stored, err
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(time.Duration(1+rand.IntN(10<<i)) * time.Millisecond):
		}
	}
}

// verify reads back what an insert left that turns errors into warnings: it may
// have cut the record short, or dropped it for another reason than a duplicate.
func (m *SQL) verify(ctx context.Context, rec *envelope.KeyRecord, stored bool) error {
	got, err := m.Load(ctx, rec.Meta)
	if errors.Is(err, envelope.ErrKeyNotFound) && !stored {
		return errors.New("sealsql: metastore: the server dropped the row: compare the table with sealsql metastore init")
	}
	if err != nil || !stored {
		return err
	}
	want, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	have, err := json.Marshal(got)
	if err != nil {
		return err
	}
	if !bytes.Equal(want, have) {
		return errors.New("sealsql: metastore: the server changed the row: compare the table with sealsql metastore init")
	}
	return nil
}

// Close closes the pool.
func (m *SQL) Close() error { return m.db.Close() }

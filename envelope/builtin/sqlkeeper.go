package builtin

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

var (
	_ envelope.Keeper     = (*SQL)(nil)
	_ envelope.Overwriter = (*SQL)(nil)
)

var errOtherRow = errors.New("sealsql: metastore: a row can only be replaced by one of the same id and time")

// List implements envelope.Keeper. The id column must compare bytes, as the one
// of Init does.
func (m *SQL) List(ctx context.Context, prefix string, after envelope.KeyMeta, limit int) (_ []envelope.StoredKey, err error) {
	from, created := after.ID, after.Created
	if from < prefix {
		from, created = prefix, 0
	}
	at := m.d.time(created)
	rows, err := m.db.QueryContext(ctx, m.q.list, from, from, at, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var out []envelope.StoredKey
	for rows.Next() {
		k, err := stored(rows)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(k.Meta.ID, prefix) {
			break
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

func stored(rows *sql.Rows) (k envelope.StoredKey, err error) {
	var created string
	var record []byte
	if err = rows.Scan(&k.Meta.ID, &created, &record); err != nil {
		return k, err
	}
	t, err := time.Parse(timeLayout, created)
	if err != nil {
		k.Err = errors.New("sealsql: metastore: creation time of a row is not a date and time")
		return k, nil
	}
	k.Meta.Created = t.Unix()
	k.Record, k.Err = envelope.ParseKeyRecord(k.Meta, record)
	return k, nil
}

// Replace implements envelope.Keeper.
func (m *SQL) Replace(ctx context.Context, old, rec *envelope.KeyRecord) (bool, error) {
	if old.Meta != rec.Meta {
		return false, errOtherRow
	}
	next, err := json.Marshal(rec)
	if err != nil {
		return false, err
	}
	if len(next) > maxStoredRecord {
		return false, errTooLarge
	}
	text, ok, err := m.unchanged(ctx, old)
	if err != nil || !ok {
		return false, err
	}
	// A column of MySQL's JSON type prints the same record differently, and a
	// statement that stores it again changes no row.
	if same, err := sameRecord(old, rec); same || err != nil {
		return same, err
	}
	ok, err = m.changes(ctx, m.q.replace, string(next), old.Meta.ID, m.d.time(old.Meta.Created), text)
	if err != nil || !ok || !m.d.verify {
		return ok, err
	}
	return true, m.verify(ctx, rec, true)
}

// Overwrite implements envelope.Overwriter.
func (m *SQL) Overwrite(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	next, err := json.Marshal(rec)
	if err != nil {
		return false, err
	}
	if len(next) > maxStoredRecord {
		return false, errTooLarge
	}
	text, ok, err := m.text(ctx, rec.Meta)
	if err != nil || !ok {
		return false, err
	}
	ok, err = m.changes(ctx, m.q.replace, string(next), rec.Meta.ID, m.d.time(rec.Meta.Created), text)
	if err != nil || !ok || !m.d.verify {
		return ok, err
	}
	return true, m.verify(ctx, rec, true)
}

// Remove implements envelope.Keeper.
func (m *SQL) Remove(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	text, ok, err := m.unchanged(ctx, rec)
	if err != nil || !ok {
		return false, err
	}
	return m.changes(ctx, m.q.remove, rec.Meta.ID, m.d.time(rec.Meta.Created), text)
}

// unchanged reads a row as text, with which the statement that changes it
// compares, and reports whether it is as rec says.
func (m *SQL) unchanged(ctx context.Context, rec *envelope.KeyRecord) (text string, ok bool, err error) {
	if text, ok, err = m.text(ctx, rec.Meta); err != nil || !ok {
		return "", false, err
	}
	got, err := envelope.ParseKeyRecord(rec.Meta, []byte(text))
	if err != nil {
		return "", false, err
	}
	ok, err = sameRecord(got, rec)
	return text, ok, err
}

// text reads a row as it is; false without one.
func (m *SQL) text(ctx context.Context, meta envelope.KeyMeta) (text string, ok bool, err error) {
	var id, created string
	err = m.db.QueryRowContext(ctx, m.q.load, meta.ID, m.d.time(meta.Created)).Scan(&id, &created, &text)
	if errors.Is(err, sql.ErrNoRows) || err == nil && id != meta.ID {
		return "", false, nil
	}
	return text, err == nil, err
}

// changes runs a statement and reports whether it changed a row.
func (m *SQL) changes(ctx context.Context, query string, args ...any) (bool, error) {
	res, err := m.db.ExecContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

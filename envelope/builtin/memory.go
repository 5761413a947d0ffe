package builtin

import (
	"context"
	"math"
	"sync"

	"github.com/sealsql/sealsql/envelope"
)

// Memory is a metastore in memory: for tests, and for databases that are gone
// with the process. What was sealed cannot be opened after that.
type Memory struct {
	mu      sync.Mutex
	rows    map[string]packed // by id
	parents []string          // ids of parents, by number - 1
	numbers map[string]uint64
}

var (
	_ envelope.Metastore     = (*Memory)(nil)
	_ envelope.BoundedLoader = (*Memory)(nil)
)

// NewMemory makes an empty metastore. Close does nothing, so that several
// Sealers can use it one after the other.
func NewMemory() *Memory { return &Memory{rows: map[string]packed{}, numbers: map[string]uint64{}} }

// Name names the metastore in messages.
func (m *Memory) Name() string { return "memory" }

// Load implements envelope.Metastore.
func (m *Memory) Load(ctx context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, at, _ := m.rows[meta.ID].split(meta.Created); at != nil {
		r := at.next()
		return m.unpack(meta.ID, &r), nil
	}
	return nil, envelope.ErrKeyNotFound
}

// LoadLatest implements envelope.Metastore.
func (m *Memory) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	return m.LoadLatestBefore(ctx, id, math.MaxInt64)
}

// LoadLatestBefore implements envelope.BoundedLoader.
func (m *Memory) LoadLatestBefore(ctx context.Context, id string, notAfter int64) (*envelope.KeyRecord, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.rows[id]
	var latest row
	found := false
	for len(rest) > 0 {
		r := rest.next()
		if r.created > notAfter {
			break
		}
		latest, found = r, true
	}
	if !found {
		return nil, envelope.ErrKeyNotFound
	}
	return m.unpack(id, &latest), nil
}

// Store implements envelope.Metastore.
func (m *Memory) Store(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := m.rows[rec.Meta.ID]
	if _, dead, _ := rows.split(envelope.Tombstone); dead != nil && rec.Meta.Created != envelope.Tombstone {
		return false, envelope.ErrShredded
	}
	before, at, after := rows.split(rec.Meta.Created)
	if at != nil {
		return false, nil
	}
	m.rows[rec.Meta.ID] = m.with(before, rec, after)
	return true, nil
}

// Close implements envelope.Metastore.
func (m *Memory) Close() error { return nil }

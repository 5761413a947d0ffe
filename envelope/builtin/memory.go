package builtin

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"github.com/sealsql/sealsql/envelope"
)

// Memory is a metastore in memory: for tests, and for databases that are gone
// with the process. What was sealed cannot be opened after that.
type Memory struct {
	mu   sync.RWMutex
	rows map[string][]*envelope.KeyRecord // of an id: the newest last
}

var (
	_ envelope.Metastore     = (*Memory)(nil)
	_ envelope.BoundedLoader = (*Memory)(nil)
)

// NewMemory makes an empty metastore. Close does nothing, so that several
// Sealers can use it one after the other.
func NewMemory() *Memory { return &Memory{rows: map[string][]*envelope.KeyRecord{}} }

// Name names the metastore in messages.
func (m *Memory) Name() string { return "memory" }

// Load implements envelope.Metastore.
func (m *Memory) Load(ctx context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	rows := m.rows[meta.ID]
	if i, ok := find(rows, meta.Created); ok {
		return rows[i].Clone(), nil
	}
	return nil, envelope.ErrKeyNotFound
}

// find returns the place of a creation time among the rows of an id.
func find(rows []*envelope.KeyRecord, created int64) (int, bool) {
	return slices.BinarySearchFunc(rows, created, func(r *envelope.KeyRecord, created int64) int {
		return cmp.Compare(r.Meta.Created, created)
	})
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
	m.mu.RLock()
	defer m.mu.RUnlock()
	rows := m.rows[id]
	i, exact := find(rows, notAfter)
	if !exact {
		i--
	}
	if i < 0 {
		return nil, envelope.ErrKeyNotFound
	}
	return rows[i].Clone(), nil
}

// Store implements envelope.Metastore.
func (m *Memory) Store(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := m.rows[rec.Meta.ID]
	i, ok := find(rows, rec.Meta.Created)
	if n := len(rows); n > 0 && rows[n-1].Meta.Created == envelope.Tombstone && rec.Meta.Created != envelope.Tombstone {
		return false, envelope.ErrShredded
	}
	if ok {
		return false, nil
	}
	m.rows[rec.Meta.ID] = slices.Insert(rows, i, rec.Clone())
	return true, nil
}

// Close implements envelope.Metastore.
func (m *Memory) Close() error { return nil }

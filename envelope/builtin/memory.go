package builtin

import (
	"context"
	"sync"

	"github.com/sealsql/sealsql/envelope"
)

// Memory is a metastore in memory: for tests, and for databases that are gone
// with the process. What was sealed cannot be opened after that.
type Memory struct {
	mu   sync.RWMutex
	rows map[string]map[int64]*envelope.KeyRecord
}

var (
	_ envelope.Metastore     = (*Memory)(nil)
	_ envelope.BoundedLoader = (*Memory)(nil)
)

// NewMemory makes an empty metastore. Close does nothing, so that several
// Sealers can use it one after the other.
func NewMemory() *Memory { return &Memory{rows: map[string]map[int64]*envelope.KeyRecord{}} }

// Name names the metastore in messages.
func (m *Memory) Name() string { return "memory" }

// Load implements envelope.Metastore.
func (m *Memory) Load(ctx context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if r, ok := m.rows[meta.ID][meta.Created]; ok {
		return r.Clone(), nil
	}
	return nil, envelope.ErrKeyNotFound
}

// LoadLatest implements envelope.Metastore.
func (m *Memory) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	return m.LoadLatestBefore(ctx, id, 1<<62)
}

// LoadLatestBefore implements envelope.BoundedLoader.
func (m *Memory) LoadLatestBefore(ctx context.Context, id string, notAfter int64) (*envelope.KeyRecord, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var latest *envelope.KeyRecord
	for created, r := range m.rows[id] {
		if created <= notAfter && (latest == nil || created > latest.Meta.Created) {
			latest = r
		}
	}
	if latest == nil {
		return nil, envelope.ErrKeyNotFound
	}
	return latest.Clone(), nil
}

// Store implements envelope.Metastore.
func (m *Memory) Store(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	byTime := m.rows[rec.Meta.ID]
	if byTime == nil {
		byTime = map[int64]*envelope.KeyRecord{}
		m.rows[rec.Meta.ID] = byTime
	}
	if _, ok := byTime[rec.Meta.Created]; ok {
		return false, nil
	}
	byTime[rec.Meta.Created] = rec.Clone()
	return true, nil
}

// Close implements envelope.Metastore.
func (m *Memory) Close() error { return nil }

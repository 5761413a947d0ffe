package builtin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sealsql/sealsql/envelope"
)

var _ envelope.Keeper = (*Memory)(nil)

// List implements envelope.Keeper.
func (m *Memory) List(ctx context.Context, prefix string, after envelope.KeyMeta, limit int) ([]envelope.StoredKey, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []envelope.StoredKey
	for _, id := range slices.Sorted(maps.Keys(m.rows)) {
		if !strings.HasPrefix(id, prefix) || id < after.ID {
			continue
		}
		for _, r := range m.rows[id] {
			if compareMeta(r.Meta, after) <= 0 {
				continue
			}
			if len(out) == limit {
				return out, nil
			}
			out = append(out, envelope.StoredKey{Meta: r.Meta, Record: r.Clone()})
		}
	}
	return out, nil
}

func compareMeta(a, b envelope.KeyMeta) int {
	return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(a.Created, b.Created))
}

// Replace implements envelope.Keeper.
func (m *Memory) Replace(ctx context.Context, old, rec *envelope.KeyRecord) (bool, error) {
	if old.Meta != rec.Meta {
		return false, errOtherRow
	}
	return m.exchange(ctx, old, rec)
}

// Remove implements envelope.Keeper.
func (m *Memory) Remove(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	return m.exchange(ctx, rec, nil)
}

// exchange puts next, or nothing, where old is.
func (m *Memory) exchange(ctx context.Context, old, next *envelope.KeyRecord) (bool, error) {
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := m.rows[old.Meta.ID]
	i, ok := find(rows, old.Meta.Created)
	if !ok {
		return false, nil
	}
	if same, err := sameRecord(rows[i], old); err != nil || !same {
		return false, err
	}
	if next != nil {
		rows[i] = next.Clone()
	} else {
		m.rows[old.Meta.ID] = slices.Delete(rows, i, i+1)
	}
	return true, nil
}

// sameRecord compares what of two rows is stored.
func sameRecord(a, b *envelope.KeyRecord) (bool, error) {
	x, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	y, err := json.Marshal(b)
	return bytes.Equal(x, y), err
}

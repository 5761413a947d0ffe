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
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []envelope.StoredKey
	for _, id := range slices.Sorted(maps.Keys(m.rows)) {
		if !strings.HasPrefix(id, prefix) || id < after.ID {
			continue
		}
		for rest := m.rows[id]; len(rest) > 0; {
			r := rest.next()
			meta := envelope.KeyMeta{ID: id, Created: r.created}
			if compareMeta(meta, after) <= 0 {
				continue
			}
			if len(out) == limit {
				return out, nil
			}
			out = append(out, envelope.StoredKey{Meta: meta, Record: m.unpack(id, &r)})
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
	before, at, after := m.rows[old.Meta.ID].split(old.Meta.Created)
	if at == nil {
		return false, nil
	}
	r := at.next()
	if same, err := sameRecord(m.unpack(old.Meta.ID, &r), old); err != nil || !same {
		return false, err
	}
	switch {
	case next != nil:
		m.rows[old.Meta.ID] = m.with(before, next, after)
	case len(before)+len(after) == 0:
		delete(m.rows, old.Meta.ID)
	default:
		m.rows[old.Meta.ID] = slices.Concat(before, after)
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

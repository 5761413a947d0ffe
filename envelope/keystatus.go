package envelope

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// markSize is the length of what stands in the place of a destroyed key: the
// time in Unix seconds, big-endian.
const markSize = 8

func mark(t time.Time) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t.Unix())) }

// ErrKeyInUse matches the error of destroying a system key under which other
// keys are still wrapped.
var ErrKeyInUse = errors.New("sealsql: other keys are wrapped by this key")

// ErrKeyState is returned for a change of state that there is not.
var ErrKeyState = errors.New("sealsql: the key cannot change to that state")

// maxChanges bounds how often a change of a row is tried that others change at
// the same time.
const maxChanges = 16

// Revoke keeps a key from sealing, in every process within its check interval,
// and sooner in those that watch (Sealer.Watch).
// What it has sealed goes on opening. A key that is revoked or beyond stays as it
// is. Index secrets cannot be revoked: without them nothing is found.
func (k *Keys) Revoke(ctx context.Context, meta KeyMeta) error {
	return k.change(ctx, meta, func(i *KeyInfo) (Status, error) {
		if i.Kind == KindIndex || i.Kind == KindIndexTable {
			return 0, fmt.Errorf("%w: an index secret is replaced by moving its indexes to another version (sealsql reindex)", ErrKeyState)
		}
		return max(i.Status, StatusRevoked), nil
	})
}

// Retire keeps a key from opening as well; what it has sealed is an error that
// matches ErrKeyRetired until it is restored. Processes that hold the key use it
// until it leaves their memory (CacheConfig). The newest version of a key cannot
// be retired before it is revoked or replaced, and no index secret. A system key
// is ErrKeyInUse while it wraps others, and ErrKeyHeld while a process may wrap
// under it.
func (k *Keys) Retire(ctx context.Context, meta KeyMeta) error {
	return k.change(ctx, meta, func(i *KeyInfo) (Status, error) {
		switch {
		case i.Kind == KindIndex || i.Kind == KindIndexTable || i.asherah():
			return 0, fmt.Errorf("%w: keys of kind %s are not retired", ErrKeyState, i.Kind)
		case i.Status == StatusRetired:
			return StatusRetired, nil
		case i.Status > StatusRetired:
			return 0, fmt.Errorf("%w: it is %s", ErrKeyState, i.Status)
		case i.Status == StatusActive && i.Authentic && i.Latest:
			return 0, fmt.Errorf("%w: it is in use; rotate or revoke it first", ErrKeyState)
		}
		if i.Kind == KindSystem {
			return StatusRetired, k.doneWith(ctx, i)
		}
		return StatusRetired, nil
	})
}

// Restore lets a retired key open again. It stays revoked.
func (k *Keys) Restore(ctx context.Context, meta KeyMeta) error {
	return k.change(ctx, meta, func(i *KeyInfo) (Status, error) {
		if i.Status != StatusRetired || !i.Authentic {
			return 0, fmt.Errorf("%w: only a retired key is restored", ErrKeyState)
		}
		return StatusRevoked, nil
	})
}

// Destroy overwrites a retired key: what it has sealed cannot be opened again,
// which Open reports as ErrShredded, unless a backup of the metastore has the
// row. While a process may still seal under the key it is ErrKeyHeld, except for
// Keys that are Alone. For all keys of a partition see Shredding.
func (k *Keys) Destroy(ctx context.Context, meta KeyMeta) error {
	return k.change(ctx, meta, func(i *KeyInfo) (Status, error) {
		switch {
		case i.Status == StatusDestroyed:
			return StatusDestroyed, nil
		case i.Status != StatusRetired || !i.Authentic:
			return 0, fmt.Errorf("%w: only a retired key is destroyed; retire it, and see that nothing misses it", ErrKeyState)
		case i.Kind == KindSystem:
			return StatusDestroyed, k.doneWith(ctx, i)
		}
		return StatusDestroyed, k.letGo(ctx, i)
	})
}

func (i *KeyInfo) asherah() bool {
	return i.Kind == KindAsherahSystem || i.Kind == KindAsherahPartition
}

// unused fails while a row names the system key as its parent.
func (k *Keys) unused(ctx context.Context, system KeyMeta) error {
	for _, prefix := range k.wrapped() {
		err := k.groups(ctx, prefix, func(rows []StoredKey) error {
			for i := range rows {
				if rows[i].Err != nil {
					return rows[i].Err
				}
				if p := rows[i].Record.Parent; p != nil && *p == system {
					return fmt.Errorf("%w: run sealsql keys rotate --system, and keys rewrap", ErrKeyInUse)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wrapped are the prefixes of rows that system keys wrap.
func (k *Keys) wrapped() []string {
	ids := k.s.ids()
	return []string{ids.prefix, ids.named, ids.index, ids.table}
}

// change moves a key to the state that decide returns.
func (k *Keys) change(ctx context.Context, meta KeyMeta, decide func(*KeyInfo) (Status, error)) error {
	if meta.Created == Tombstone {
		return fmt.Errorf("%w: this row says that the id's keys are destroyed", ErrKeyState)
	}
	for range maxChanges {
		info, err := k.Show(ctx, meta)
		if err != nil {
			return err
		}
		if info.Err != nil {
			return info.Err
		}
		to, err := decide(info)
		if err != nil {
			return &KeyError{Op: "change", KeyID: info.Meta.ID, Created: info.Meta.Created, Err: err}
		}
		rec, err := k.s.load(ctx, info.Meta)
		if err != nil {
			return err
		}
		if rec.Status() != info.Status {
			continue // somebody was faster
		}
		if to == info.Status && info.Authentic {
			return nil
		}
		done, err := k.setStatus(ctx, rec, to)
		if done {
			k.announce(ctx)
		}
		if err != nil || done {
			return err
		}
	}
	return &KeyError{Op: "change", KeyID: meta.ID, Created: meta.Created, Err: errors.New("sealsql: the row is changed by others all the time")}
}

// setStatus writes a state and reports false when the row was changed meanwhile.
func (k *Keys) setStatus(ctx context.Context, rec *KeyRecord, to Status) (done bool, err error) {
	op := stateOps[to]
	if to == StatusRevoked && rec.Status() == StatusRetired {
		op = "restore"
	}
	defer func() {
		if done || err != nil {
			k.s.event(ctx, op, rec.Meta, k.store, err)
		}
	}()
	next := rec.Clone()
	if info, ok := k.info(rec.Meta); ok && info.asherah() {
		next.Revoked = to != StatusActive
		return k.replace(ctx, rec, next)
	}
	sys, release, err := k.authenticator(ctx, rec)
	if err != nil {
		return false, err
	}
	defer release()
	if to == StatusDestroyed {
		next.Key = mark(k.s.now())
	}
	if err := k.seal(sys, next, to); err != nil {
		return false, err
	}
	return k.replace(ctx, rec, next)
}

// seal sets the state of a row and authenticates it.
func (k *Keys) seal(sys *systemKey, rec *KeyRecord, to Status) (err error) {
	rec.setStatus(to)
	rec.State, err = k.s.scheme.state(sys, rec, nil)
	return err
}

// authenticator returns the system key that authenticates a row: its parent, or
// itself.
func (k *Keys) authenticator(ctx context.Context, rec *KeyRecord) (*systemKey, func(), error) {
	if rec.Parent == nil {
		sys, err := k.s.rawSystem(ctx, rec)
		if err != nil {
			return nil, nil, err
		}
		return sys, sys.Destroy, nil
	}
	if err := k.s.checkParent(rec); err != nil {
		return nil, nil, err
	}
	l, err := k.s.system(ctx, *rec.Parent)
	if err != nil {
		return nil, nil, err
	}
	return l.Value(), l.Release, nil
}

func (k *Keys) replace(ctx context.Context, old, rec *KeyRecord) (bool, error) {
	ok, err := k.store.Replace(ctx, old, rec)
	if err != nil {
		return false, storeError("replace", rec.Meta, k.store, err)
	}
	return ok, nil
}

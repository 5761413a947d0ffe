package envelope

import (
	"context"
	"errors"
	"time"
)

// Shredding tells how far the destruction of a partition's keys is.
type Shredding struct {
	// Began is when the tombstones were set: from then on no new key is made.
	Began time.Time
	// Due is when no process that runs with the Sealer's policy and caches can
	// hold a key of the partition any more: now sealing ends at the latest with
	// Policy.MaxStale, and opening with the times that keys stay in memory. It
	// is zero where keys may stay for ever.
	Due time.Time
	// Keys are the rows of the partition: its keys, and the secret of its search
	// indexes.
	Keys []KeyInfo
	// Damaged are rows of these that could not be read, or whose system key cannot
	// be had: BeginShred leaves them as they are, FinishShred overwrites them.
	Damaged []KeyMeta
}

// damaged reports an error that says that a row is not what was stored, or that
// its system key is gone; not one that another try may not meet.
func damaged(err error) bool {
	return errors.Is(err, ErrTampered) || errors.Is(err, ErrKeyNotFound) || errors.Is(err, ErrShredded) || errors.Is(err, ErrKeyRetired)
}

// BeginShred is the first half of destroying a partition's keys for good: it sets
// tombstones, which keep new keys from being made, and takes the right to seal
// and to open from those that there are. Processes that hold them go on until
// they look again; Due says until when. It may be repeated, and then keeps the
// time at which it began.
//
// Keys of Asherah's format are not touched.
func (k *Keys) BeginShred(ctx context.Context, p Partition) (*Shredding, error) {
	if p.id == "" {
		return nil, ErrPartition
	}
	l, err := k.s.latestSystem(ctx)
	if err != nil {
		return nil, err
	}
	defer l.Release()
	for _, id := range k.partitionIDs(p) {
		if err := k.bury(ctx, l.Value().key.Value(), id); err != nil {
			return nil, err
		}
		err := k.eachVersion(ctx, id, func(row *StoredKey) error {
			if row.Err != nil {
				return nil
			}
			if err := k.force(ctx, row.Record, StatusDestroying); !damaged(err) {
				return err
			}
			return nil // no process opens by it either; the second half overwrites it
		})
		if err != nil {
			return nil, err
		}
	}
	k.s.forgetAll(p.id)
	k.announce(ctx)
	return k.Shredding(ctx, p)
}

// FinishShred is the second half: it overwrites the keys. The caller has waited
// until Due, or knows that no process runs that could hold one. What was sealed
// under them is ErrShredded from now on. It may be repeated.
func (k *Keys) FinishShred(ctx context.Context, p Partition) (*Shredding, error) {
	begun, err := k.Shredding(ctx, p)
	if err != nil {
		return nil, err
	}
	if begun == nil {
		return nil, errors.New("sealsql: the destruction of this partition's keys has not begun")
	}
	var found []KeyMeta
	for _, id := range k.partitionIDs(p) {
		err := k.eachVersion(ctx, id, func(row *StoredKey) error {
			err := row.Err
			if err == nil {
				err = k.force(ctx, row.Record, StatusDestroyed)
			}
			if !damaged(err) && row.Err == nil {
				return err
			}
			found = append(found, row.Meta)
			return k.overwrite(ctx, row)
		})
		if err != nil {
			return nil, err
		}
	}
	k.s.forgetAll(p.id)
	done, err := k.Shredding(ctx, p)
	if done != nil {
		done.Damaged = append(found, done.Damaged...)
	}
	return done, err
}

// overwrite puts the mark of a destroyed key in the place of one whose row, or whose
// system key, cannot be read. The newest system key authenticates it.
func (k *Keys) overwrite(ctx context.Context, row *StoredKey) error {
	l, err := k.s.latestSystem(ctx)
	if err != nil {
		return err
	}
	defer l.Release()
	sys := l.Value().key.Value()
	rec := &KeyRecord{Meta: row.Meta, Key: mark(k.s.now()), Parent: &sys.meta}
	if err := k.seal(sys, rec, StatusDestroyed); err != nil {
		return err
	}
	var done bool
	if row.Record != nil {
		done, err = k.replace(ctx, row.Record, rec)
	} else {
		done, err = k.overwriteUnread(ctx, rec)
	}
	if err == nil && !done {
		err = &KeyError{Op: "change", KeyID: rec.Meta.ID, Created: rec.Meta.Created, Err: errors.New("sealsql: the row was changed meanwhile; run it again")}
	}
	k.s.event(ctx, stateOps[StatusDestroyed], rec.Meta, k.store, err)
	return err
}

func (k *Keys) overwriteUnread(ctx context.Context, rec *KeyRecord) (bool, error) {
	o, ok := k.store.(Overwriter)
	if !ok || rec.Meta.Created <= 0 {
		return false, &KeyError{
			Op: "change", KeyID: rec.Meta.ID, Created: rec.Meta.Created, Err: ErrTampered,
			Hint: "the row cannot be read, and not be overwritten from here: delete it from the metastore by hand, and run this again",
		}
	}
	done, err := o.Overwrite(ctx, rec)
	if err != nil {
		return false, storeError("replace", rec.Meta, k.store, err)
	}
	return done, nil
}

// Shredding returns how far it is; nil if it has not begun.
func (k *Keys) Shredding(ctx context.Context, p Partition) (*Shredding, error) {
	var out *Shredding
	v := verifier{s: k.s, failed: map[KeyMeta]error{}}
	var keys []KeyInfo
	var bad []KeyMeta
	for _, id := range k.partitionIDs(p) {
		rows, err := k.versions(ctx, id)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			info, _ := k.info(rows[i].Meta)
			v.fill(ctx, info, &rows[i])
			if info.Err != nil && rows[i].Err == nil && !damaged(info.Err) {
				return nil, info.Err
			}
			if info.Err != nil {
				bad = append(bad, info.Meta)
			}
			if !info.Tombstone {
				keys = append(keys, *info)
			} else if info.Authentic && info.Kind == KindPartition {
				out = &Shredding{Began: info.At, Due: k.due(info.At)}
			}
		}
	}
	if out != nil {
		out.Keys, out.Damaged = keys, bad
	}
	return out, nil
}

// partitionIDs are the ids of a partition's rows, its keys first: while their
// tombstone stands, no index secret is made anew either.
func (k *Keys) partitionIDs(p Partition) []string {
	return []string{k.s.ids().intermediate(p.id), k.s.ids().indexSecret(p.id)}
}

// due is the time by which every process has let go.
func (k *Keys) due(began time.Time) time.Time {
	c := k.s.cache
	if c.IntermediateTTL < 0 || c.DataKeyTTL < 0 {
		return time.Time{}
	}
	wait := max(k.s.policy.MaxStale, c.IntermediateTTL+c.DataKeyTTL)
	return began.Add(wait + k.s.policy.Skew)
}

// bury sets the tombstone of an id. A forged one is replaced.
func (k *Keys) bury(ctx context.Context, sys *systemKey, id string) error {
	rec := &KeyRecord{Meta: KeyMeta{id, Tombstone}, Key: mark(k.s.now()), Parent: &sys.meta}
	if err := k.seal(sys, rec, StatusDestroyed); err != nil {
		return err
	}
	for range maxChanges {
		stored, err := k.store.Store(ctx, rec)
		if err != nil && !errors.Is(err, ErrTampered) {
			return storeError("store", rec.Meta, k.store, err)
		}
		if stored && err == nil {
			k.s.event(ctx, "tombstone", rec.Meta, k.store, nil)
			return nil
		}
		old, err := k.s.load(ctx, rec.Meta)
		if errors.Is(err, ErrTampered) { // a row stands in its place that cannot be read
			if done, err := k.overwriteUnread(ctx, rec); err != nil || done {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if dead, err := k.s.dead(ctx, old); dead || err != nil && !damaged(err) {
			return err
		}
		if done, err := k.replace(ctx, old, rec); err != nil || done {
			return err
		}
	}
	return &KeyError{Op: "store", KeyID: id, Err: errors.New("sealsql: the row is changed by others all the time")}
}

// eachVersion calls f for every version of an id but the tombstone.
func (k *Keys) eachVersion(ctx context.Context, id string, f func(*StoredKey) error) error {
	rows, err := k.versions(ctx, id)
	if err != nil {
		return err
	}
	for i := range rows {
		if rows[i].Meta.Created == Tombstone {
			continue
		}
		if err := f(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// versions returns all rows of one id. Those come before the rows of longer ids
// with the same beginning.
func (k *Keys) versions(ctx context.Context, id string) (all []StoredKey, err error) {
	if l, ok := k.store.(VersionLister); ok {
		if all, err = l.Versions(ctx, id); err != nil {
			err = storeError("list", KeyMeta{ID: id}, k.store, err)
		}
		return all, err
	}
	after := KeyMeta{ID: id}
	for {
		rows, err := k.store.List(ctx, id, after, page)
		if err != nil {
			return nil, storeError("list", KeyMeta{ID: id}, k.store, err)
		}
		for _, r := range rows {
			if r.Meta.ID != id {
				return all, nil
			}
			all, after = append(all, r), r.Meta
		}
		if len(rows) < page {
			return all, nil
		}
	}
}

// force moves a row to a state, from wherever it is but further on.
func (k *Keys) force(ctx context.Context, rec *KeyRecord, to Status) error {
	v := verifier{s: k.s, failed: map[KeyMeta]error{}}
	for range maxChanges {
		authentic, err := v.authentic(ctx, rec)
		if err != nil {
			return err
		}
		if authentic && rec.Status() >= to {
			return nil
		}
		if done, err := k.setStatus(ctx, rec, to); err != nil || done {
			return err
		}
		if rec, err = k.s.load(ctx, rec.Meta); err != nil {
			return err
		}
	}
	return &KeyError{Op: "change", KeyID: rec.Meta.ID, Created: rec.Meta.Created, Err: errors.New("sealsql: the row is changed by others all the time")}
}

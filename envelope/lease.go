package envelope

import (
	"context"
	"errors"
	"time"
)

// Lease reports whether this process is the one that does a piece of work in the
// present interval of the clock: the first to store the row of that interval. It
// takes no more than the right to add rows. Processes whose clocks differ may
// both have a lease for the time of the difference: the work must bear that. If
// the process ends, another has the next interval's lease.
//
// Rows of earlier intervals are removed where the store allows it.
func (k *Keys) Lease(ctx context.Context, name string, every time.Duration) (bool, error) {
	if err := checkKeyName(name); err != nil {
		return false, err
	}
	if every < time.Second {
		return false, errors.New("sealsql: a lease is for a second at least")
	}
	created := k.s.now().Truncate(every).Unix()
	rec := &KeyRecord{Meta: KeyMeta{k.s.ids().lease + name, max(created, 1)}, Key: []byte{0}}
	stored, err := k.s.store.Store(ctx, rec)
	if err != nil {
		return false, storeError("store", rec.Meta, k.s.store, err)
	}
	if stored {
		k.dropLeases(ctx, rec.Meta)
	}
	return stored, nil
}

// dropLeases removes older rows; the application's role may not, which is fine.
func (k *Keys) dropLeases(ctx context.Context, newest KeyMeta) {
	rows, err := k.versions(ctx, newest.ID)
	if err != nil {
		return
	}
	for _, r := range rows {
		if r.Err == nil && r.Meta.Created < newest.Created {
			if _, err := k.store.Remove(ctx, r.Record); err != nil {
				return
			}
		}
	}
}

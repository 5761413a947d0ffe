package envelope

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrKeyHeld matches the error of destroying a key, or of retiring a system key,
// under which a process may still seal or wrap: it looked at the key before that
// was replaced, and has not looked again. What it seals would be lost.
var ErrKeyHeld = errors.New("sealsql: a process may still use the key")

// Alone returns the keys for somebody who knows that no process runs that could
// hold a key: Retire and Destroy then do not wait until all have let go.
func (k *Keys) Alone() *Keys {
	alone := *k
	alone.alone = true
	return &alone
}

// doneWith fails while a system key is in use, or may be.
func (k *Keys) doneWith(ctx context.Context, i *KeyInfo) error {
	// First the time, then the rows: after it none is added.
	if err := k.letGo(ctx, i); err != nil {
		return err
	}
	return k.unused(ctx, i.Meta)
}

// letGo fails while a process may seal under a key.
func (k *Keys) letGo(ctx context.Context, i *KeyInfo) error {
	if k.alone {
		return nil
	}
	next, err := k.successor(ctx, i.Meta)
	if err != nil {
		return err
	}
	until := k.SealsUntil(i, next)
	why := "it has expired by every clock"
	switch {
	case next == 0:
		why += ", or some hours after sealsql keys rotate"
	case until.Before(k.expired(i)):
		why = "every process has looked at the newer one"
	}
	if k.s.now().Before(until) {
		return fmt.Errorf("%w until %s, when %s", ErrKeyHeld, until.UTC().Format(time.RFC3339), why)
	}
	return nil
}

// SealsUntil returns the time from which no process seals under a version of a key
// any more, or wraps under it: the key has expired by every clock, or the next
// version, created at next (0: there is none), has been there for so long that
// every process has looked, or refuses to seal because it cannot. Clocks may differ
// by ten minutes.
func (k *Keys) SealsUntil(i *KeyInfo, next int64) time.Time {
	until := k.expired(i)
	if next > 0 {
		// A key is stored by up to CreatedPrecision later than it says.
		p := k.s.policy
		if let := time.Unix(next, 0).Add(p.CreatedPrecision + p.MaxStale + k.clocks()); let.Before(until) {
			until = let
		}
	}
	return until
}

func (k *Keys) expired(i *KeyInfo) time.Time { return i.Expires.Add(k.clocks()) }

// clocks is by how much the clocks of processes may differ.
func (k *Keys) clocks() time.Duration { return max(k.s.policy.Skew, maxSkew) }

// successor returns the creation time of the version after the one named, 0 if it
// is the newest.
func (k *Keys) successor(ctx context.Context, meta KeyMeta) (int64, error) {
	rows, err := k.versions(ctx, meta.ID)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		if r.Meta.Created > meta.Created && r.Meta.Created != Tombstone {
			return r.Meta.Created, nil
		}
	}
	return 0, nil
}

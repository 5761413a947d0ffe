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

// letGo fails while a process may seal under a key: until it has expired by every
// clock, or a newer version has been there for so long that every process has
// looked, or refuses to seal because it cannot.
func (k *Keys) letGo(ctx context.Context, i *KeyInfo) error {
	if k.alone {
		return nil
	}
	skew := max(k.s.policy.Skew, maxSkew)
	until, why := i.Expires.Add(skew), "it has expired"
	next, err := k.successor(ctx, i.Meta)
	if err != nil {
		return err
	}
	if next > 0 {
		// A key is stored by as much as CreatedPrecision later than it says.
		let := time.Unix(next, 0).Add(k.s.policy.CreatedPrecision + k.s.policy.MaxStale + skew)
		if let.Before(until) {
			until, why = let, "every process has looked at the newer one"
		}
	} else {
		why += ", or some hours after sealsql keys rotate"
	}
	if k.s.now().Before(until) {
		return fmt.Errorf("%w until %s, when %s", ErrKeyHeld, until.UTC().Format(time.RFC3339), why)
	}
	return nil
}

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

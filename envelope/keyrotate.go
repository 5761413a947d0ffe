package envelope

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/sealsql/sealsql/keycache"
)

// RotateSystem makes a new system key, whatever the state of the newest, and
// returns its name. Other processes take it up within their check interval; keys
// that are wrapped by older ones stay so until Rewrap.
func (k *Keys) RotateSystem(ctx context.Context) (KeyMeta, error) {
	lv := k.s.systemLevel()
	defer k.s.states.Delete(KeyMeta{ID: lv.keyID()})
	return rotate(ctx, k.s.hierarchy, lv)
}

// RotatePartition makes a new key for a partition, whatever the state of the
// newest, and returns its name. Processes seal under it within their check
// interval.
func (k *Keys) RotatePartition(ctx context.Context, p Partition) (KeyMeta, error) {
	if p.id == "" {
		return KeyMeta{}, ErrPartition
	}
	defer k.s.forgetAll(p.id)
	return rotate(ctx, k.s.hierarchy, k.s.intermediateLevel(p.id))
}

// RotateNamed makes a new version of a named key, or the first.
func (k *Keys) RotateNamed(ctx context.Context, name string) (KeyMeta, error) {
	if err := checkKeyName(name); err != nil {
		return KeyMeta{}, err
	}
	return rotate(ctx, k.s.hierarchy, k.s.namedLevel(k.s.ids().named+name))
}

// rotate makes and stores a key. When another process makes one at the same
// second that one is it.
func rotate[V keycache.Value](ctx context.Context, h *hierarchy, lv level[V]) (KeyMeta, error) {
	noted := &notingLevel[V]{level: lv}
	now := h.now()
	limit := now.Add(h.policy.Skew).Unix()
	created := max(now.Truncate(h.policy.CreatedPrecision).Unix(), h.policy.earliest(), 1)
	rec, err := h.loadLatest(ctx, lv.keyID(), limit)
	var v V
	switch {
	case err == nil:
		v, err = createKey(ctx, h, noted, max(created, rec.Meta.Created+1), limit, true)
	case errors.Is(err, ErrKeyNotFound):
		v, err = createFirst(ctx, h, noted, created, limit)
	}
	if err != nil {
		return KeyMeta{}, err
	}
	v.Destroy()
	return noted.made, nil
}

// notingLevel notes which key came of it.
type notingLevel[V keycache.Value] struct {
	level[V]
	made KeyMeta
}

func (x *notingLevel[V]) open(ctx context.Context, rec *KeyRecord) (V, bool, error) {
	x.made = rec.Meta
	return x.level.open(ctx, rec)
}

func (x *notingLevel[V]) stored(rec *KeyRecord, v V) {
	x.made = rec.Meta
	x.level.stored(rec, v)
}

// Rewrapped counts what a re-wrapping did.
type Rewrapped struct {
	Done    int // rows that were put under the new key
	Already int // rows that were under it
	Left    int // rows that say they are destroyed, or are not keys of ours
}

// Rewrap puts every key that an older system key wraps under the newest, which it
// makes if there is none that seals. The keys themselves stay what they are, so
// no value is touched. A key wrapped by a revoked system key is revoked as well:
// whoever had that one may have it.
//
// It may be stopped and repeated at any time. Processes that have not yet seen a
// new system key make keys under the old one until their check interval is over:
// run it again then. progress is called after every row; it may be nil.
func (k *Keys) Rewrap(ctx context.Context, progress func(Rewrapped)) (n Rewrapped, err error) {
	l, err := k.s.latestSystem(ctx)
	if err != nil {
		return n, err
	}
	defer l.Release()
	sys := l.Value().key.Value()
	for _, prefix := range k.wrapped() {
		err := k.groups(ctx, prefix, func(rows []StoredKey) error {
			for i := range rows {
				if _, ok := k.info(rows[i].Meta); !ok {
					continue
				}
				if err := k.rewrapRow(ctx, sys, &rows[i], &n); err != nil {
					return err
				}
				if progress != nil {
					progress(n)
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (k *Keys) rewrapRow(ctx context.Context, sys *systemKey, row *StoredKey, n *Rewrapped) error {
	rec, err := row.Record, row.Err
	for range maxChanges {
		if err != nil {
			return err
		}
		if err := k.s.checkParent(rec); err != nil {
			return err
		}
		if *rec.Parent == sys.meta {
			n.Already++
			return nil
		}
		next, err := k.rewrapped(ctx, sys, rec)
		if err != nil {
			return err
		}
		done, err := k.replace(ctx, rec, next)
		if err != nil {
			return err
		}
		if done {
			k.s.event(ctx, "rewrap", next.Meta, k.store, nil)
			n.Done++
			return nil
		}
		if rec, err = k.s.load(ctx, rec.Meta); err != nil {
			return err
		}
	}
	return &KeyError{Op: "rewrap", KeyID: row.Meta.ID, Created: row.Meta.Created, Err: errors.New("sealsql: the row is changed by others all the time")}
}

// rewrapped returns a row as it is under another system key.
func (k *Keys) rewrapped(ctx context.Context, sys *systemKey, rec *KeyRecord) (*KeyRecord, error) {
	old, err := k.s.system(ctx, *rec.Parent)
	if err != nil {
		return nil, err
	}
	defer old.Release()
	authentic, err := k.s.scheme.authentic(old.Value(), rec)
	if err != nil {
		return nil, err
	}
	status, label := rec.Status(), k.label(rec.Meta.ID)
	if !authentic && (status > StatusRevoked || label == indexLabel) {
		return nil, rowFault(rec.Meta, "the state of the row is not authentic")
	}
	next := rec.Clone()
	next.Parent = &sys.meta
	if status != StatusDestroyed {
		if err := k.wrapAgain(old.Value(), sys, rec, next, label); err != nil {
			return nil, err
		}
	}
	if status == StatusActive && label != indexLabel {
		gone, err := k.revokedSystem(ctx, old.Value())
		if err != nil {
			return nil, err
		}
		if gone || !authentic {
			status = StatusRevoked
		}
	}
	return next, k.seal(sys, next, status)
}

func (k *Keys) label(id string) string {
	switch info, _ := k.info(KeyMeta{ID: id}); info.Kind {
	case KindIndex, KindIndexTable:
		return indexLabel
	case KindNamed:
		return namedLabel
	}
	return intermediateLabel
}

func (k *Keys) wrapAgain(old, sys *systemKey, rec, next *KeyRecord, label string) error {
	x := takeTransit()
	defer x.wipe()
	if len(rec.Key) != wrappedKeySize {
		return rowFault(rec.Meta, "the key has the wrong size")
	}
	if _, err := old.wrap.Open(x.drk[:0], rec.Key, rowContext(label, rec)); err != nil {
		return rowFault(rec.Meta, "the key does not unwrap under its parent")
	}
	var err error
	next.Key, err = sys.wrap.Seal(nil, x.drk[:], rowContext(label, next))
	return err
}

func (k *Keys) revokedSystem(ctx context.Context, sys *systemKey) (bool, error) {
	rec, err := k.s.load(ctx, sys.meta)
	if err != nil {
		return false, err
	}
	authentic, err := k.s.scheme.authentic(sys, rec)
	return rec.Revoked || !authentic, err
}

// RewrapSystem has every system key, of Asherah's format too, wrapped by the
// service to, to which the Sealer's service hands it over: the way to another
// master key or another key management service. No other key is touched, and no
// value. What to unwraps already is left alone unless force is set, which is for
// a service that goes on unwrapping with the older versions of its master key.
//
// Each key is unwrapped again before its row is replaced. It may be stopped and
// repeated. Processes need a service that unwraps both (WithRetiring) before it
// begins.
func (k *Keys) RewrapSystem(ctx context.Context, to KeyManagementService, force bool, progress func(Rewrapped)) (n Rewrapped, err error) {
	for _, prefix := range []string{k.s.ids().system, "_SK_" + k.s.service + "_" + k.s.product} {
		err := k.groups(ctx, prefix, func(rows []StoredKey) error {
			for i := range rows {
				info, ok := k.info(rows[i].Meta)
				if !ok {
					continue
				}
				if rows[i].Err != nil {
					return rows[i].Err
				}
				if rows[i].Record.Status() == StatusDestroyed && !info.asherah() {
					n.Left++
				} else if err := k.handOver(ctx, to, force, info, rows[i].Record, &n); err != nil {
					return err
				}
				if progress != nil {
					progress(n)
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (k *Keys) handOver(ctx context.Context, to KeyManagementService, force bool, info *KeyInfo, rec *KeyRecord, n *Rewrapped) error {
	from, err := k.scheme(k.s.kms, info)
	if err != nil {
		return err
	}
	target, err := k.scheme(to, info)
	if err != nil {
		return err
	}
	if key, err := target.unwrapSystem(ctx, rec.Meta, rec.Key); err == nil && !force {
		clear(key)
		n.Already++
		return nil
	}
	key, err := from.unwrapSystem(ctx, rec.Meta, rec.Key)
	defer clear(key)
	if err != nil {
		return k.s.kmsError("unwrap", rec.Meta, err)
	}
	next := rec.Clone()
	if next.Key, err = target.wrapSystem(ctx, rec.Meta, key); err != nil {
		return k.s.kmsError("wrap", rec.Meta, err)
	}
	back, err := target.unwrapSystem(ctx, rec.Meta, next.Key)
	defer clear(back)
	if err == nil && subtle.ConstantTimeCompare(back, key) != 1 {
		err = errors.New("the service does not return the key that it wrapped")
	}
	if err != nil {
		return k.s.kmsError("unwrap", rec.Meta, err)
	}
	if err := k.storeHandedOver(ctx, rec, next); err != nil {
		return err
	}
	k.s.event(ctx, "rewrap", rec.Meta, to, nil)
	n.Done++
	return nil
}

// storeHandedOver replaces the wrapped key of a row whose state may change
// meanwhile. The state of a retired key binds the wrapped key, too.
func (k *Keys) storeHandedOver(ctx context.Context, rec, next *KeyRecord) error {
	for range maxChanges {
		if rec.Status() > StatusRevoked && len(rec.State) > stateSize {
			sys, err := k.s.rawSystem(ctx, rec)
			if err != nil {
				return err
			}
			authentic, err := k.s.scheme.authentic(sys, rec)
			if err == nil && !authentic {
				err = rowFault(rec.Meta, "the state of the row is not authentic")
			}
			if err == nil {
				err = k.seal(sys, next, rec.Status())
			}
			sys.Destroy()
			if err != nil {
				return err
			}
		}
		done, err := k.replace(ctx, rec, next)
		if err != nil || done {
			return err
		}
		fresh, err := k.s.load(ctx, rec.Meta)
		if err != nil {
			return err
		}
		if !bytes.Equal(fresh.Key, rec.Key) {
			return nil // somebody else does the same: run it again
		}
		rec, next.Revoked, next.State = fresh, fresh.Revoked, fresh.State
	}
	return &KeyError{Op: "rewrap", KeyID: rec.Meta.ID, Created: rec.Meta.Created, Err: errors.New("sealsql: the row is changed by others all the time")}
}

// scheme returns how a service wraps system keys of a kind.
func (k *Keys) scheme(kms KeyManagementService, info *KeyInfo) (scheme, error) {
	if info.Kind == KindSystem {
		x := *k.s.scheme.(*compactScheme)
		x.kms = kms
		return &x, nil
	}
	a, ok := kms.(AsherahKMS)
	if !ok {
		return nil, fmt.Errorf("sealsql: %s cannot wrap keys in Asherah's format", providerName("key management service", kms))
	}
	return &asherahScheme{kms: a}, nil
}

// Now is the time by the Sealer's clock.
func (k *Keys) Now() time.Time { return k.s.now() }

// Policy is the policy of the Sealer with its defaults filled in.
func (k *Keys) Policy() Policy { return *k.s.policy }

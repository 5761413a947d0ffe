package envelope

import (
	"context"
	"errors"

	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/securemem"
)

// intermediateID names an intermediate key of this service and product.
type intermediateID struct {
	partition string
	created   int64
}

// intermediateKey is a partition's key, from which data keys are derived.
type intermediateKey struct {
	created int64
	secret  *securemem.Secret
}

func (k *intermediateKey) Destroy() { k.secret.Destroy() }

// latestKey is an intermediate key that may encrypt, with the time of its last
// check.
type latestKey struct {
	key keycache.Lease[intermediateID, *intermediateKey]
	w   window
}

func (x *latestKey) Destroy() {
	if x != nil {
		x.key.Release()
	}
}

func (x *latestKey) checked() *window { return &x.w }

// latestIntermediate leases the key under which a partition's values are sealed
// now.
func (s *Sealer) latestIntermediate(ctx context.Context, partition string) (keycache.Lease[string, *latestKey], error) {
	return fresh(ctx, s, s.latest, partition, func(ctx context.Context) (*latestKey, error) {
		lv := level[*latestKey]{
			id: s.ids.intermediate(partition),
			open: func(ctx context.Context, rec *KeyRecord) (*latestKey, bool, error) {
				return s.openLatest(ctx, partition, rec)
			},
			create: func(ctx context.Context, created int64) (*KeyRecord, *latestKey, error) {
				return s.createIntermediate(ctx, partition, created)
			},
			stored: func(rec *KeyRecord, l *latestKey) {
				s.intermediates.Adopt(intermediateID{partition, rec.Meta.Created}, l.key)
				s.intermediates.ForgetErrors(intermediateID{partition, rec.Meta.Created})
			},
		}
		if old, ok := s.latest.Get(partition); ok {
			lv.floor = old.Value().key.Value().created
			old.Release()
		}
		return latestOrCreate(ctx, s, lv)
	})
}

// openLatest unwraps the key of a row, or takes it from the cache, and says
// whether it may encrypt: its own state and its system key's decide.
func (s *Sealer) openLatest(ctx context.Context, partition string, rec *KeyRecord) (*latestKey, bool, error) {
	if err := s.checkParent(rec); err != nil {
		return nil, false, err
	}
	sys, err := s.systemOf(ctx, *rec.Parent)
	if errors.Is(err, ErrKeyNotFound) {
		s.log.Warn("sealsql: the system key of an intermediate key is gone from the metastore; making a new one",
			"key_id", rec.Meta.ID, "created", rec.Meta.Created)
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer sys.Release()
	st := sys.Value()
	usable, err := s.encrypts(st.key.Value().state, rec)
	if err != nil || !usable || !st.usable || s.tick() >= st.w.limit {
		return nil, false, err
	}
	id := intermediateID{partition, rec.Meta.Created}
	key, err := s.intermediates.GetOrLoad(ctx, id, func(context.Context) (*intermediateKey, error) {
		return s.unwrapIntermediate(rec, st.key.Value())
	})
	if err != nil {
		return nil, false, err
	}
	return s.latestKey(key, st), true, nil
}

func (s *Sealer) latestKey(key keycache.Lease[intermediateID, *intermediateKey], st *systemState) *latestKey {
	l := &latestKey{key: key}
	l.w.open(s.tick(), &s.c.Policy, min(s.expiry(key.Value().created), st.w.limit))
	return l
}

// createIntermediate makes a key under the newest system key.
func (s *Sealer) createIntermediate(ctx context.Context, partition string, created int64) (*KeyRecord, *latestKey, error) {
	sys, err := s.latestSystem(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer sys.Release()
	st := sys.Value()
	parent := st.key.Value()
	rec := &KeyRecord{Meta: KeyMeta{s.ids.intermediate(partition), created}, Parent: &parent.meta}
	secret, err := s.arena.NewRandomSecret()
	if err != nil {
		return nil, nil, err
	}
	err = secret.Use(func(key []byte) (err error) {
		rec.Key, err = parent.wrap.Seal(nil, key, rowContext("sealsql/v1/intermediate", rec))
		return err
	})
	if err == nil {
		rec.State, err = stateMAC(parent.state, rec)
	}
	if err != nil {
		secret.Destroy()
		return nil, nil, err
	}
	key := keycache.Own[intermediateID](&intermediateKey{created: created, secret: secret})
	return rec, s.latestKey(key, st), nil
}

// intermediate leases a key for opening, whatever its state.
func (s *Sealer) intermediate(ctx context.Context, id intermediateID) (keycache.Lease[intermediateID, *intermediateKey], error) {
	l, err := s.intermediates.GetOrLoad(ctx, id, func(ctx context.Context) (*intermediateKey, error) {
		rec, err := s.load(ctx, KeyMeta{s.ids.intermediate(id.partition), id.created})
		if err != nil {
			return nil, err
		}
		if err := s.checkParent(rec); err != nil {
			return nil, err
		}
		sys, err := s.system(ctx, *rec.Parent)
		if err != nil {
			return nil, err
		}
		defer sys.Release()
		return s.unwrapIntermediate(rec, sys.Value())
	})
	return l, s.loadError(err)
}

// checkParent holds a row's parent against the only id that it can have.
func (s *Sealer) checkParent(rec *KeyRecord) error {
	if rec.Parent == nil || rec.Parent.ID != s.ids.system || rec.Parent.Created <= 0 {
		return rowFault(rec.Meta, "the parent is not this service's system key")
	}
	return nil
}

func (s *Sealer) unwrapIntermediate(rec *KeyRecord, parent *systemKey) (*intermediateKey, error) {
	if len(rec.Key) != keySize+securemem.Overhead {
		return nil, rowFault(rec.Meta, "the key has the wrong size")
	}
	var key [keySize]byte
	defer clear(key[:])
	if _, err := parent.wrap.Open(key[:0], rec.Key, rowContext("sealsql/v1/intermediate", rec)); err != nil {
		return nil, rowFault(rec.Meta, "the key does not unwrap under its parent")
	}
	secret, err := s.arena.NewSecret(key[:])
	if err != nil {
		return nil, err
	}
	return &intermediateKey{created: rec.Meta.Created, secret: secret}, nil
}

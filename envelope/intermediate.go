package envelope

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/securemem"
)

// intermediateID names an intermediate key of this service and product.
type intermediateID struct {
	partition string
	created   int64
}

func (k intermediateID) hash() uint64 { return hashString(k.partition) ^ mix(uint64(k.created)) }

// intermediateKey is a partition's key, from which data keys are derived, or
// which wraps data row keys.
type intermediateKey struct {
	created int64
	secret  *securemem.Secret
}

func (k *intermediateKey) Destroy() { k.secret.Destroy() }

// latestKey is an intermediate key that may encrypt, with the time of its last
// check.
type latestKey struct {
	key keycache.Lease[intermediateID, *intermediateKey]
	own bool        // made here, so that it is not in the cache for opening yet
	put atomic.Bool // it is now
	// uses counts the records that it wrapped keys of, where that is counted.
	uses atomic.Pointer[atomic.Int64]
	w    window
}

func (x *latestKey) Destroy() {
	if x != nil {
		x.key.Release()
	}
}

func (x *latestKey) checked() *window { return &x.w }

// latestIntermediate leases the key under which a partition's values are sealed
// now.
func (h *hierarchy) latestIntermediate(ctx context.Context, partition string) (keycache.Lease[string, *latestKey], error) {
	if l, ok := current(h, h.latest, partition); ok {
		return l, nil
	}
	return fresh(ctx, h, h.latest, partition, !h.cache.NoIntermediate, func(ctx context.Context) (*latestKey, error) {
		lv := h.intermediateLevel(partition)
		ctx, t := h.obs.latest.Begin(ctx, lv.keyID())
		l, err := latestOrCreate(ctx, h, lv)
		h.looked(t, err)
		if errors.Is(err, ErrShredded) && h.shredded != nil {
			h.shredded(partition)
		}
		return l, err
	})
}

// intermediateLevel is the level of a partition's keys.
type intermediateLevel struct {
	h             *hierarchy
	partition, id string
}

func (h *hierarchy) intermediateLevel(partition string) level[*latestKey] {
	return &intermediateLevel{h, partition, h.scheme.intermediateID(partition)}
}

func (x *intermediateLevel) keyID() string { return x.id }

func (x *intermediateLevel) open(ctx context.Context, rec *KeyRecord) (*latestKey, bool, error) {
	return x.h.openLatest(ctx, x.partition, rec)
}

func (x *intermediateLevel) create(ctx context.Context, created int64) (*KeyRecord, *latestKey, error) {
	return x.h.createIntermediate(ctx, KeyMeta{x.id, created})
}

// stored leaves the key among the newest alone: most new partitions are written
// to before they are read.
func (x *intermediateLevel) stored(rec *KeyRecord, l *latestKey) {
	l.own = true
	x.h.intermediates.ForgetErrors(intermediateID{x.partition, rec.Meta.Created})
}

func (x *intermediateLevel) before(ctx context.Context) error {
	if x.h.firstOfPartition == nil {
		return nil
	}
	return x.h.firstOfPartition(ctx, x.partition)
}

func (x *intermediateLevel) after(context.Context, *latestKey) error { return nil }

// openLatest unwraps the key of a row, or takes it from the cache, and says
// whether it may encrypt: its own state and its system key's decide.
func (h *hierarchy) openLatest(ctx context.Context, partition string, rec *KeyRecord) (*latestKey, bool, error) {
	if err := h.checkParent(rec); err != nil {
		return nil, false, err
	}
	sys, err := h.systemOf(ctx, *rec.Parent)
	if errors.Is(err, ErrKeyNotFound) {
		h.obs.warn.Warn("sealsql: the system key of an intermediate key is gone from the metastore; making a new one",
			"key_id", rec.Meta.ID, "created", rec.Meta.Created)
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer sys.Release()
	st := sys.Value()
	usable, err := h.encrypts(st.key.Value(), rec)
	if err != nil || !usable || !st.usable || h.tick() >= st.w.limit {
		return nil, false, err
	}
	stale, err := h.heard(h.tick(), rec)
	if err != nil {
		return nil, false, err
	}
	id := intermediateID{partition, rec.Meta.Created}
	key, err := cached(ctx, h.intermediates, id, !h.cache.NoIntermediate, func(context.Context) (*intermediateKey, error) {
		return h.unwrapIntermediate(rec, st.key.Value())
	})
	if err != nil {
		return nil, false, err
	}
	l := &latestKey{}
	h.sealsUnder(l, rec.Meta, key, st)
	l.w.end(stale)
	return l, true, nil
}

// sealsUnder makes l the newest key.
func (h *hierarchy) sealsUnder(l *latestKey, meta KeyMeta, key keycache.Lease[intermediateID, *intermediateKey], st *systemState) {
	l.key = key
	t := h.tick()
	l.w.meta, l.w.above.created = meta, st.key.Value().meta.Created
	l.w.above.note(t, st)
	l.w.open(t, h.policy, min(h.expiry(t, meta.Created), st.w.limit))
}

// newRow is a row that is about to be stored, in one piece.
type newRow struct {
	rec   KeyRecord
	key   [keySize + securemem.Overhead]byte
	state [stateSize]byte
}

// createIntermediate makes a key under the newest system key.
func (h *hierarchy) createIntermediate(ctx context.Context, meta KeyMeta) (*KeyRecord, *latestKey, error) {
	sys, err := h.wrappingSystem(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer sys.Release()
	st := sys.Value()
	parent := st.key.Value()
	row := &newRow{rec: KeyRecord{Meta: meta, Parent: &parent.meta}}
	rec := &row.rec
	secret, err := h.arena.NewRandomSecret()
	if err != nil {
		return nil, nil, err
	}
	if rec.Key, err = h.scheme.wrapIntermediate(parent, rec, row.key[:0:len(row.key)], secret); err == nil {
		h.wrapped(ctx, parent, rec)
		rec.State, err = h.scheme.state(parent, rec, row.state[:0])
	}
	if err != nil {
		secret.Destroy()
		return nil, nil, err
	}
	made := &struct {
		latest latestKey
		key    intermediateKey
	}{key: intermediateKey{created: meta.Created, secret: secret}}
	h.sealsUnder(&made.latest, meta, keycache.Own[intermediateID](&made.key), st)
	return rec, &made.latest, nil
}

// made leases a key for opening that was made here and is sealed under now. It
// enters the cache when it is first wanted.
func (h *hierarchy) made(id intermediateID) (l keycache.Lease[intermediateID, *intermediateKey], ok bool) {
	latest, ok := h.latest.Get(id.partition)
	if !ok {
		return l, false
	}
	defer latest.Release()
	v := latest.Value()
	if !v.own || v.key.Value().created != id.created {
		return l, false
	}
	l = v.key.Retain()
	if !h.cache.NoIntermediate && v.put.CompareAndSwap(false, true) {
		h.intermediates.Adopt(id, l)
	}
	return l, true
}

// intermediate leases a key for opening, whatever its state.
func (h *hierarchy) intermediate(ctx context.Context, id intermediateID) (keycache.Lease[intermediateID, *intermediateKey], error) {
	if l, ok := h.intermediates.Get(id); ok {
		return l, nil
	}
	if l, ok := h.made(id); ok {
		return l, nil
	}
	l, err := cached(ctx, h.intermediates, id, !h.cache.NoIntermediate, func(ctx context.Context) (*intermediateKey, error) {
		meta := KeyMeta{h.scheme.intermediateID(id.partition), id.created}
		return loading(ctx, h.obs.intermediate, meta.ID, func(ctx context.Context) (*intermediateKey, error) { return h.loadIntermediate(ctx, meta) })
	})
	return l, h.loadError(err)
}

func (h *hierarchy) loadIntermediate(ctx context.Context, meta KeyMeta) (*intermediateKey, error) {
	rec, err := h.load(ctx, meta)
	if err != nil {
		return nil, err
	}
	if err := h.checkParent(rec); err != nil {
		return nil, err
	}
	sys, err := h.system(ctx, *rec.Parent)
	if err != nil {
		return nil, err
	}
	defer sys.Release()
	if err := h.readable(sys.Value(), rec); err != nil {
		return nil, err
	}
	return h.unwrapIntermediate(rec, sys.Value())
}

// checkParent holds a row's parent against the only id that it can have.
func (h *hierarchy) checkParent(rec *KeyRecord) error {
	if rec.Parent == nil || rec.Parent.ID != h.scheme.systemID() || rec.Parent.Created <= 0 {
		return rowFault(rec.Meta, "the parent is not this service's system key")
	}
	return nil
}

func (h *hierarchy) unwrapIntermediate(rec *KeyRecord, parent *systemKey) (*intermediateKey, error) {
	if len(rec.Key) != keySize+securemem.Overhead {
		return nil, rowFault(rec.Meta, "the key has the wrong size")
	}
	secret, err := h.arena.FillSecret(func(key []byte) error {
		if _, err := h.scheme.unwrapIntermediate(parent, rec, key[:0]); err != nil {
			return rowFault(rec.Meta, "the key does not unwrap under its parent")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &intermediateKey{created: rec.Meta.Created, secret: secret}, nil
}

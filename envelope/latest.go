package envelope

import (
	"context"
	"errors"
	"log/slog"

	"github.com/sealsql/sealsql/keycache"
)

// level is what system keys, intermediate keys and named keys differ in.
type level[V keycache.Value] interface {
	keyID() string
	// open unwraps a row's key and says whether it may encrypt. When it may not,
	// the value may be nil.
	open(ctx context.Context, rec *KeyRecord) (v V, usable bool, err error)
	// create makes a key and its row, without storing it.
	create(ctx context.Context, created int64) (*KeyRecord, V, error)
	// stored is told that the row of a created key is in the metastore.
	stored(rec *KeyRecord, v V)
	// before and after surround the creation of the first key of an id.
	before(ctx context.Context) error
	after(ctx context.Context, v V) error
}

// maxAttempts bounds the search for a free creation time. Within one precision
// interval there are as many as seconds.
const maxAttempts = 180

// latestOrCreate returns the newest key of an id if it may encrypt, and a new
// one otherwise. The key is stored before it is returned. A row older than the
// key that this process used last never encrypts again.
func latestOrCreate[V keycache.Value](ctx context.Context, h *hierarchy, lv level[V]) (v V, err error) {
	id, now := lv.keyID(), h.now()
	floor := h.floors.of(id)
	limit := now.Add(h.policy.Skew).Unix()
	created := max(now.Truncate(h.policy.CreatedPrecision).Unix(), h.policy.earliest(), 1)
	rec, err := h.loadLatest(ctx, id, limit)
	switch {
	case err == nil && rec.Meta.Created < floor:
		h.obs.warn.Warn("sealsql: the newest key row is gone from the metastore; making a new key",
			"key_id", id, "created", floor)
		created = max(created, rec.Meta.Created+1)
	case err == nil:
		v, usable, err := lv.open(ctx, rec)
		if err == nil && usable {
			h.floors.put(id, rec.Meta.Created)
		}
		if err != nil && !errors.Is(err, ErrKeyRetired) || usable {
			return v, err
		}
		if err == nil {
			v.Destroy()
		}
		created = max(created, rec.Meta.Created+1)
	case !errors.Is(err, ErrKeyNotFound):
		return v, err
	case floor == 0:
		return createFirst(ctx, h, lv, created, limit)
	}
	// A floor beyond the limit is of a time when this clock was ahead.
	if floor > 0 && floor < limit {
		created = max(created, floor+1)
	}
	return createKey(ctx, h, lv, created, limit, true)
}

func createFirst[V keycache.Value](ctx context.Context, h *hierarchy, lv level[V], created, limit int64) (none V, err error) {
	if err := lv.before(ctx); err != nil {
		return none, err
	}
	v, err := createKey(ctx, h, lv, created, limit, false)
	if err == nil {
		if err = lv.after(ctx, v); err != nil {
			v.Destroy()
			return none, err
		}
	}
	return v, err
}

// createKey stores a new key under the first free creation time. A key that
// somebody else stored there meanwhile is adopted if it may encrypt, and
// otherwise passed over: a revoked key is never used because it was first.
// rotates says that the key takes the place of another.
func createKey[V keycache.Value](ctx context.Context, h *hierarchy, lv level[V], created, limit int64, rotates bool) (none V, err error) {
	for range maxAttempts {
		if created > limit {
			break
		}
		rec, v, err := lv.create(ctx, created)
		if err != nil {
			return none, err
		}
		stored, err := h.putRow(ctx, rec)
		if err != nil {
			v.Destroy()
			return none, storeError("store", rec.Meta, h.store, err)
		}
		if stored {
			if h.log.Enabled(ctx, slog.LevelDebug) {
				h.log.Debug("sealsql: a new key", "key_id", rec.Meta.ID, "created", rec.Meta.Created)
			}
			h.event(ctx, "create", rec.Meta, h.store, nil)
			h.floors.put(rec.Meta.ID, created)
			h.obs.rec.KeyCreated(h.levelOf(rec), rotates)
			lv.stored(rec, v)
			return v, nil
		}
		v.Destroy()
		winner, err := h.load(ctx, rec.Meta)
		if err != nil {
			return none, err
		}
		v, usable, err := lv.open(ctx, winner)
		if err == nil && usable {
			h.floors.put(rec.Meta.ID, created)
		}
		if err != nil || usable {
			return v, err
		}
		v.Destroy()
		created++
	}
	return none, &KeyError{
		Op: "store", KeyID: lv.keyID(), Created: created,
		Err:  errors.New("sealsql: no free creation time before now"),
		Hint: "compare the clocks of the machines that share the metastore, and look for rows from the future",
	}
}

// load reads one row and checks that it is the one that was asked for.
func (h *hierarchy) load(ctx context.Context, meta KeyMeta) (*KeyRecord, error) {
	rec, err := h.getRow(ctx, meta)
	rec, err = checkRow(rec, err, meta, h.store)
	h.event(ctx, "load", meta, h.store, notAbsent(err))
	return rec, err
}

// notAbsent is err, but nil where it says that there is no row.
func notAbsent(err error) error {
	if errors.Is(err, ErrKeyNotFound) {
		return nil
	}
	return err
}

// loadLatest reads the newest row that is not from the future. That there is none
// is the bare ErrKeyNotFound: it is how every key begins, and not worth an error
// that explains it.
func (h *hierarchy) loadLatest(ctx context.Context, id string, limit int64) (*KeyRecord, error) {
	meta := KeyMeta{ID: id}
	rec, err := h.getRow(ctx, meta)
	if errors.Is(err, ErrKeyNotFound) {
		return nil, ErrKeyNotFound
	}
	rec, err = checkRow(rec, err, meta, h.store)
	if rec != nil {
		meta = rec.Meta
	}
	h.event(ctx, "load", meta, h.store, err)
	if meta.Created = 0; err != nil || rec.Meta.Created <= limit {
		return rec, err
	}
	if dead, err := h.dead(ctx, rec); err != nil {
		return nil, err
	} else if dead {
		return nil, shredded(KeyMeta{ID: id})
	}
	h.obs.rec.FromFuture()
	h.obs.warn.Warn("sealsql: the newest key row is from the future and is not used",
		"key_id", id, "created", rec.Meta.Created)
	b, ok := h.store.(BoundedLoader)
	if !ok {
		return nil, &KeyError{Op: "load", KeyID: id, Err: ErrKeyNotFound}
	}
	rec, err = b.LoadLatestBefore(ctx, id, limit)
	rec, err = checkRow(rec, err, meta, h.store)
	if err == nil && rec.Meta.Created > limit {
		return nil, rowFault(rec.Meta, "row is newer than asked for")
	}
	return rec, err
}

// checkRow holds a metastore's answer against the question: ids are compared
// here because a collation may think otherwise.
func checkRow(rec *KeyRecord, err error, meta KeyMeta, m Metastore) (*KeyRecord, error) {
	switch {
	case err != nil:
		return nil, storeError("load", meta, m, err)
	case rec == nil:
		return nil, storeError("load", meta, m, errors.New("the metastore returned no row and no error"))
	case rec.Meta.ID != meta.ID || rec.Meta.Created <= 0 || meta.Created != 0 && rec.Meta.Created != meta.Created:
		return nil, rowFault(meta, "the metastore returned another row")
	}
	return rec, nil
}

// storeError names the key of an error of the metastore.
func storeError(op string, meta KeyMeta, m Metastore, err error) error {
	e := &KeyError{Op: op, KeyID: meta.ID, Created: meta.Created, Provider: providerName("metastore", m), Err: err}
	switch {
	case errors.Is(err, ErrTampered):
		e.Hint = "the row was changed: restore it from a backup of the metastore"
	case errors.Is(err, ErrKeyNotFound):
		e.Err, e.Hint = ErrKeyNotFound, "restore the row from a backup of the metastore, or check service, product and the metastore's address"
	case errors.Is(err, ErrShredded):
		e.Err, e.Hint = ErrShredded, "the keys of this id were destroyed; nothing can be sealed under them"
	case op == "store":
		e.Hint = serviceHint(err, "check that the metastore is reachable and may be written to")
	default:
		e.Hint = serviceHint(err, "check that the metastore is reachable, initialised (sealsql metastore init), and granted to this login")
	}
	return e
}

// rowFault is the error for a row that is not what was stored.
func rowFault(meta KeyMeta, text string) error {
	return &KeyError{
		Op: "unwrap", KeyID: meta.ID, Created: meta.Created, Err: &rowError{text},
		Hint: "the row was changed or belongs elsewhere: restore it from a backup of the metastore",
	}
}

// providerName names a provider for messages; those that have a name say it.
func providerName(kind string, provider any) string {
	if n, ok := provider.(interface{ Name() string }); ok {
		return kind + " " + n.Name()
	}
	return kind
}

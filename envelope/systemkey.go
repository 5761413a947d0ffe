package envelope

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"sync/atomic"

	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/securemem"
)

const keySize = 32

// systemKey holds what a scheme makes of a system key.
type systemKey struct {
	meta  KeyMeta
	wrap  *securemem.Cipher // wraps intermediate keys
	state *securemem.Secret // authenticates the state of rows, where the scheme does

	wraps    atomic.Int64 // keys that this process wrapped under it
	renewing atomic.Bool  // it is being, or was, replaced for their number
}

func (k *systemKey) Destroy() {
	k.wrap.Destroy()
	k.state.Destroy()
}

// systemState is a system key with what its row said lately.
type systemState struct {
	key    keycache.Lease[KeyMeta, *systemKey]
	usable bool
	w      window
}

func (x *systemState) Destroy() {
	if x != nil {
		x.key.Release()
	}
}

func (x *systemState) checked() *window { return &x.w }

type systemLease = keycache.Lease[KeyMeta, *systemState]

// latestSystem leases the system key that new intermediate keys are wrapped by.
func (h *hierarchy) latestSystem(ctx context.Context) (systemLease, error) {
	k := KeyMeta{ID: h.scheme.systemID()}
	if l, ok := current(h, h.states, k); ok {
		return l, nil
	}
	return fresh(ctx, h, h.states, k, !h.cache.NoSystem, func(ctx context.Context) (*systemState, error) {
		ctx, t := h.obs.state.Begin(ctx, k.ID)
		st, err := latestOrCreate(ctx, h, h.systemLevel())
		h.looked(t, err)
		return st, err
	})
}

// systemLevel is the level of system keys.
type systemLevel struct{ h *hierarchy }

func (h *hierarchy) systemLevel() level[*systemState] { return systemLevel{h} }

func (x systemLevel) keyID() string { return x.h.scheme.systemID() }

func (x systemLevel) open(ctx context.Context, rec *KeyRecord) (*systemState, bool, error) {
	return x.h.openSystem(ctx, rec)
}

func (x systemLevel) create(ctx context.Context, created int64) (*KeyRecord, *systemState, error) {
	return x.h.createSystem(ctx, created)
}

func (x systemLevel) stored(rec *KeyRecord, st *systemState) {
	if !x.h.cache.NoSystem {
		x.h.systems.Adopt(rec.Meta, st.key)
	}
}

func (x systemLevel) before(context.Context) error { return nil }

func (x systemLevel) after(ctx context.Context, st *systemState) error {
	if x.h.firstSystem == nil {
		return nil
	}
	return x.h.firstSystem(ctx, st.key.Value())
}

// systemOf leases the system key named by an intermediate key's row, with its
// state checked within the interval.
func (h *hierarchy) systemOf(ctx context.Context, meta KeyMeta) (systemLease, error) {
	return fresh(ctx, h, h.states, meta, !h.cache.NoSystem, func(ctx context.Context) (*systemState, error) {
		ctx, t := h.obs.state.Begin(ctx, meta.ID)
		rec, err := h.load(ctx, meta)
		if err != nil {
			h.looked(t, err)
			return nil, err
		}
		st, _, err := h.openSystem(ctx, rec)
		h.looked(t, err)
		return st, err
	})
}

// openSystem unwraps the key of a row, or takes it from the cache, and reads the
// row's state.
func (h *hierarchy) openSystem(ctx context.Context, rec *KeyRecord) (*systemState, bool, error) {
	key, err := cached(ctx, h.systems, rec.Meta, !h.cache.NoSystem, func(ctx context.Context) (*systemKey, error) {
		return loading(ctx, h.obs.system, rec.Meta.ID, func(ctx context.Context) (*systemKey, error) { return h.unwrapSystem(ctx, rec) })
	})
	if err != nil {
		return nil, false, err
	}
	h.mend(rec)
	st, usable, err := h.systemState(key, rec)
	if err != nil {
		return nil, false, err
	}
	stale, err := h.heard(h.tick(), rec)
	if err != nil {
		st.Destroy()
		return nil, false, err
	}
	st.w.end(stale)
	return st, usable, nil
}

func (h *hierarchy) systemState(key keycache.Lease[KeyMeta, *systemKey], rec *KeyRecord) (*systemState, bool, error) {
	usable, err := h.encrypts(key.Value(), rec)
	if err != nil {
		key.Release()
		return nil, false, err
	}
	st := &systemState{key: key, usable: usable}
	st.w.meta = rec.Meta
	// The state is read again before it is stale, whether or not it may encrypt.
	t := h.tick()
	limit := h.expiry(t, rec.Meta.Created)
	if !usable {
		limit = t + int64(h.policy.MaxStale)
	}
	st.w.open(t, h.policy, limit)
	return st, usable, nil
}

// system leases a system key for opening, whatever its state.
func (h *hierarchy) system(ctx context.Context, meta KeyMeta) (keycache.Lease[KeyMeta, *systemKey], error) {
	return cached(ctx, h.systems, meta, !h.cache.NoSystem, func(ctx context.Context) (*systemKey, error) {
		return loading(ctx, h.obs.system, meta.ID, func(ctx context.Context) (*systemKey, error) {
			rec, err := h.load(ctx, meta)
			if err != nil {
				return nil, err
			}
			return h.unwrapSystem(ctx, rec)
		})
	})
}

func (h *hierarchy) unwrapSystem(ctx context.Context, rec *KeyRecord) (*systemKey, error) {
	k, err := h.rawSystem(ctx, rec)
	if err != nil {
		return nil, err
	}
	if err := h.readable(k, rec); err != nil {
		k.Destroy()
		return nil, err
	}
	return k, nil
}

// rawSystem unwraps a system key whatever its state.
func (h *hierarchy) rawSystem(ctx context.Context, rec *KeyRecord) (*systemKey, error) {
	if rec.Parent != nil {
		return nil, rowFault(rec.Meta, "a system key has no parent")
	}
	if rec.Status() == StatusDestroyed && h.scheme.hasStates() {
		// Nothing can authenticate that: the key that could is gone.
		return nil, &KeyError{
			Op: "unwrap", KeyID: rec.Meta.ID, Created: rec.Meta.Created, Err: ErrKeyNotFound,
			Hint: "the row says that the key was destroyed; if nobody did so, restore the row from a backup of the metastore",
		}
	}
	key, err := h.askUnwrap(ctx, rec.Meta, rec.Key)
	defer clear(key)
	if err != nil {
		return nil, h.kmsError("unwrap", rec.Meta, err)
	}
	if len(key) != keySize {
		return nil, rowFault(rec.Meta, "the key has the wrong size")
	}
	return h.scheme.newSystem(h.arena, rec.Meta, key)
}

// createSystem makes a system key and has it wrapped. The wrapped key is
// unwrapped again before anything is stored: a principal that may encrypt but
// not decrypt would otherwise notice at its next start, with data sealed under a
// key that it cannot have.
func (h *hierarchy) createSystem(ctx context.Context, created int64) (*KeyRecord, *systemState, error) {
	securemem.ReserveStack()
	rec := &KeyRecord{Meta: KeyMeta{ID: h.scheme.systemID(), Created: created}}
	var key [keySize]byte
	defer clear(key[:])
	_, _ = rand.Read(key[:]) // documented never to fail
	var err error
	rec.Key, err = h.askWrap(ctx, rec.Meta, key[:])
	if err != nil {
		return nil, nil, h.kmsError("wrap", rec.Meta, err)
	}
	back, err := h.askUnwrap(ctx, rec.Meta, rec.Key)
	defer clear(back)
	if err != nil {
		return nil, nil, h.kmsError("unwrap", rec.Meta, err)
	}
	if subtle.ConstantTimeCompare(back, key[:]) != 1 {
		return nil, nil, h.kmsError("unwrap", rec.Meta, errors.New("the service does not return the key that it wrapped"))
	}
	k, err := h.scheme.newSystem(h.arena, rec.Meta, key[:])
	if err != nil {
		return nil, nil, err
	}
	if rec.State, err = h.scheme.state(k, rec, nil); err != nil {
		k.Destroy()
		return nil, nil, err
	}
	// Another process may win this creation time with another key, so ours
	// enters the cache of keys by name only when its row is stored.
	st, _, err := h.systemState(keycache.Own[KeyMeta](k), rec)
	return rec, st, err
}

// kmsError names the key of an error of the key management service.
func (h *hierarchy) kmsError(op string, meta KeyMeta, err error) error {
	e := &KeyError{Op: op, KeyID: meta.ID, Created: meta.Created, Provider: providerName("kms", h.kms), Err: err}
	if errors.Is(err, ErrTampered) {
		e.Hint = "the row was changed, or the master key is another one than it was wrapped by"
	} else {
		e.Hint = serviceHint(err, "check that the key management service is reachable and may use the master key")
	}
	return e
}

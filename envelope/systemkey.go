package envelope

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"

	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/securemem"
)

const keySize = 32

// systemKey holds what is derived from a system key. The key itself is not kept.
type systemKey struct {
	meta  KeyMeta
	wrap  *securemem.Cipher // wraps intermediate keys
	state *securemem.Secret // authenticates the state of rows
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
func (s *Sealer) latestSystem(ctx context.Context) (systemLease, error) {
	k := KeyMeta{ID: s.ids.system}
	return fresh(ctx, s, s.states, k, func(ctx context.Context) (*systemState, error) {
		lv := level[*systemState]{
			id: s.ids.system, open: s.openSystem, create: s.createSystem,
			stored: func(rec *KeyRecord, st *systemState) { s.systems.Adopt(rec.Meta, st.key) },
		}
		if old, ok := s.states.Get(k); ok {
			lv.floor = old.Value().key.Value().meta.Created
			old.Release()
		}
		return latestOrCreate(ctx, s, lv)
	})
}

// systemOf leases the system key named by an intermediate key's row, with its
// state checked within the interval.
func (s *Sealer) systemOf(ctx context.Context, meta KeyMeta) (systemLease, error) {
	return fresh(ctx, s, s.states, meta, func(ctx context.Context) (*systemState, error) {
		rec, err := s.load(ctx, meta)
		if err != nil {
			return nil, err
		}
		st, _, err := s.openSystem(ctx, rec)
		return st, err
	})
}

// openSystem unwraps the key of a row, or takes it from the cache, and reads the
// row's state.
func (s *Sealer) openSystem(ctx context.Context, rec *KeyRecord) (*systemState, bool, error) {
	key, err := s.systems.GetOrLoad(ctx, rec.Meta, func(ctx context.Context) (*systemKey, error) {
		return s.unwrapSystem(ctx, rec)
	})
	if err != nil {
		return nil, false, err
	}
	return s.systemState(key, rec)
}

func (s *Sealer) systemState(key keycache.Lease[KeyMeta, *systemKey], rec *KeyRecord) (*systemState, bool, error) {
	usable, err := s.encrypts(key.Value().state, rec)
	if err != nil {
		key.Release()
		return nil, false, err
	}
	st := &systemState{key: key, usable: usable}
	// The state is read again before it is stale, whether or not it may encrypt.
	limit := s.expiry(rec.Meta.Created)
	if !usable {
		limit = s.tick() + int64(s.c.Policy.MaxStale)
	}
	st.w.open(s.tick(), &s.c.Policy, limit)
	return st, usable, nil
}

// system leases a system key for opening, whatever its state.
func (s *Sealer) system(ctx context.Context, meta KeyMeta) (keycache.Lease[KeyMeta, *systemKey], error) {
	return s.systems.GetOrLoad(ctx, meta, func(ctx context.Context) (*systemKey, error) {
		rec, err := s.load(ctx, meta)
		if err != nil {
			return nil, err
		}
		return s.unwrapSystem(ctx, rec)
	})
}

func (s *Sealer) keyContext(meta KeyMeta) KeyContext {
	return KeyContext{
		Service: s.c.Service, Product: s.c.Product,
		KeyID: meta.ID, Created: meta.Created, Purpose: PurposeSystemKey,
	}
}

func (s *Sealer) unwrapSystem(ctx context.Context, rec *KeyRecord) (*systemKey, error) {
	if rec.Parent != nil {
		return nil, rowFault(rec.Meta, "a system key has no parent")
	}
	key, err := s.c.KMS.DecryptKey(ctx, s.keyContext(rec.Meta), rec.Key)
	defer clear(key)
	if err != nil {
		return nil, s.kmsError("unwrap", rec.Meta, err)
	}
	if len(key) != keySize {
		return nil, rowFault(rec.Meta, "the key has the wrong size")
	}
	return s.deriveSystem(rec.Meta, key)
}

// deriveSystem derives one key for each use of a system key.
func (s *Sealer) deriveSystem(meta KeyMeta, key []byte) (*systemKey, error) {
	root, err := s.arena.NewSecret(key)
	if err != nil {
		return nil, err
	}
	defer root.Destroy()
	wrap, err := derive(s.arena, root, "sealsql/v1/wrap-intermediate")
	if err != nil {
		return nil, err
	}
	defer wrap.Destroy()
	state, err := derive(s.arena, root, "sealsql/v1/state-key")
	if err != nil {
		return nil, err
	}
	cipher, err := wrap.NewCipher()
	if err != nil {
		state.Destroy()
		return nil, err
	}
	return &systemKey{meta: meta, wrap: cipher, state: state}, nil
}

func derive(a *securemem.Arena, from *securemem.Secret, label string) (*securemem.Secret, error) {
	var key [keySize]byte
	if err := from.Expand(key[:], []byte(label)); err != nil {
		return nil, err
	}
	return a.NewSecret(key[:])
}

// createSystem makes a system key and has it wrapped. The wrapped key is
// unwrapped again before anything is stored: a principal that may encrypt but
// not decrypt would otherwise notice at its next start, with data sealed under a
// key that it cannot have.
func (s *Sealer) createSystem(ctx context.Context, created int64) (*KeyRecord, *systemState, error) {
	rec := &KeyRecord{Meta: KeyMeta{ID: s.ids.system, Created: created}}
	var key [keySize]byte
	defer clear(key[:])
	_, _ = rand.Read(key[:]) // documented never to fail
	kc := s.keyContext(rec.Meta)
	var err error
	if rec.Key, err = s.c.KMS.EncryptKey(ctx, kc, key[:]); err != nil {
		return nil, nil, s.kmsError("wrap", rec.Meta, err)
	}
	back, err := s.c.KMS.DecryptKey(ctx, kc, rec.Key)
	defer clear(back)
	if err != nil {
		return nil, nil, s.kmsError("unwrap", rec.Meta, err)
	}
	if subtle.ConstantTimeCompare(back, key[:]) != 1 {
		return nil, nil, s.kmsError("unwrap", rec.Meta, errors.New("the service does not return the key that it wrapped"))
	}
	k, err := s.deriveSystem(rec.Meta, key[:])
	if err != nil {
		return nil, nil, err
	}
	if rec.State, err = stateMAC(k.state, rec); err != nil {
		k.Destroy()
		return nil, nil, err
	}
	// Another process may win this creation time with another key, so ours
	// enters the cache of keys by name only when its row is stored.
	st, _, err := s.systemState(keycache.Own[KeyMeta](k), rec)
	return rec, st, err
}

// kmsError names the key of an error of the key management service.
func (s *Sealer) kmsError(op string, meta KeyMeta, err error) error {
	e := &KeyError{Op: op, KeyID: meta.ID, Created: meta.Created, Provider: providerName("kms", s.c.KMS), Err: err}
	if errors.Is(err, ErrTampered) {
		e.Hint = "the row was changed, or the master key is another one than it was wrapped by"
	} else {
		e.Hint = "check that the key management service is reachable and may use the master key"
	}
	return e
}

package envelope

import (
	"context"
	"crypto/subtle"

	"github.com/sealsql/sealsql/securemem"
)

// scheme is what the key hierarchies of the two formats differ in: how keys are
// called and how they are wrapped. Each has a namespace of its own, so that a
// key of the one never seals for the other (threats T26).
type scheme interface {
	systemID() string
	intermediateID(partition string) string

	// wrapSystem and unwrapSystem ask the key management service. The caller
	// wipes the key that unwrapSystem returns.
	wrapSystem(ctx context.Context, meta KeyMeta, key []byte) ([]byte, error)
	unwrapSystem(ctx context.Context, meta KeyMeta, wrapped []byte) ([]byte, error)
	// repairSystem adds what the wrapped key lacks.
	repairSystem(ctx context.Context, r KeyRepairer, meta KeyMeta, wrapped []byte) ([]byte, []string, error)

	// newSystem makes of a system key what the scheme uses of it. The caller
	// wipes key.
	newSystem(a *securemem.Arena, meta KeyMeta, key []byte) (*systemKey, error)

	// wrapIntermediate appends the wrapped key of a row, whose other fields are
	// set, to dst; unwrapIntermediate appends the key to dst, which has room, and
	// fails if it is not authentic.
	wrapIntermediate(parent *systemKey, rec *KeyRecord, dst []byte, key *securemem.Secret) ([]byte, error)
	unwrapIntermediate(parent *systemKey, rec *KeyRecord, dst []byte) ([]byte, error)
	// nonce is the part of what wrapIntermediate appended that is random.
	nonce(wrapped []byte) []byte

	// state appends what authenticates a row's state under its system key to dst,
	// or returns nil; authentic compares it.
	state(sys *systemKey, rec *KeyRecord, dst []byte) ([]byte, error)
	authentic(sys *systemKey, rec *KeyRecord) (bool, error)
	// hasStates reports whether there are states beyond revoked.
	hasStates() bool
}

// compactScheme is the hierarchy of the compact format; the package
// documentation specifies it.
type compactScheme struct {
	keyIDs
	kms              KeyManagementService
	service, product string
}

func (x *compactScheme) systemID() string                       { return x.system }
func (x *compactScheme) intermediateID(partition string) string { return x.intermediate(partition) }

func (x *compactScheme) keyContext(meta KeyMeta) KeyContext {
	return KeyContext{
		Service: x.service, Product: x.product,
		KeyID: meta.ID, Created: meta.Created, Purpose: PurposeSystemKey,
	}
}

func (x *compactScheme) wrapSystem(ctx context.Context, meta KeyMeta, key []byte) ([]byte, error) {
	return x.kms.EncryptKey(ctx, x.keyContext(meta), key)
}

func (x *compactScheme) unwrapSystem(ctx context.Context, meta KeyMeta, wrapped []byte) ([]byte, error) {
	return x.kms.DecryptKey(ctx, x.keyContext(meta), wrapped)
}

// newSystem derives one key for each use of a system key. The key itself is not
// kept.
func (x *compactScheme) newSystem(a *securemem.Arena, meta KeyMeta, key []byte) (*systemKey, error) {
	root, err := a.NewSecret(key)
	if err != nil {
		return nil, err
	}
	defer root.Destroy()
	wrap, err := root.Derive([]byte("sealsql/v1/wrap-intermediate"))
	if err != nil {
		return nil, err
	}
	defer wrap.Destroy()
	state, err := root.Derive([]byte("sealsql/v1/state-key"))
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

const intermediateLabel = "sealsql/v1/intermediate"

func (x *compactScheme) wrapIntermediate(parent *systemKey, rec *KeyRecord, dst []byte, key *securemem.Secret) ([]byte, error) {
	ad := takeScratch()
	defer ad.give()
	ad.b = appendRowContext(ad.b, intermediateLabel, rec)
	return parent.wrap.SealSecret(dst, key, ad.b)
}

func (x *compactScheme) unwrapIntermediate(parent *systemKey, rec *KeyRecord, dst []byte) ([]byte, error) {
	ad := takeScratch()
	defer ad.give()
	ad.b = appendRowContext(ad.b, intermediateLabel, rec)
	return parent.wrap.Open(dst, rec.Key, ad.b)
}

func (x *compactScheme) nonce(wrapped []byte) []byte { return wrapped[:securemem.NonceSize] }

func (x *compactScheme) state(sys *systemKey, rec *KeyRecord, dst []byte) ([]byte, error) {
	return stateMAC(dst, sys.state, rec)
}

func (x *compactScheme) authentic(sys *systemKey, rec *KeyRecord) (bool, error) {
	mac, err := stateMAC(nil, sys.state, rec)
	return err == nil && subtle.ConstantTimeCompare(mac, rec.State) == 1, err
}

func (x *compactScheme) hasStates() bool { return true }

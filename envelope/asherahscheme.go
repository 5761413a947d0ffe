package envelope

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/sealsql/sealsql/securemem"
)

// asherahScheme is Asherah's hierarchy. The system key itself wraps
// intermediate keys; nothing is bound to its row and no state is authenticated.
//
//	_SK_<service>_<product>[_<suffix>]
//	_IK_<partition>_<service>_<product>[_<suffix>]
type asherahScheme struct {
	kms    AsherahKMS
	system string
	tail   string // of intermediate ids: _<service>_<product>[_<suffix>]
}

const asherahIntermediate = "_IK_"

// newAsherahScheme checks the components. They are not escaped: service a_b and
// product c have the ids of service a and product b_c.
func newAsherahScheme(kms AsherahKMS, service, product, suffix string) (*asherahScheme, error) {
	for _, s := range []string{service, product, suffix} {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return nil, errors.New("sealsql: service, product and region suffix must be valid UTF-8 without zero bytes")
		}
	}
	if service == "" || product == "" {
		return nil, errors.New("sealsql: service and product must not be empty")
	}
	tail := "_" + service + "_" + product
	if suffix != "" {
		tail += "_" + suffix
	}
	x := &asherahScheme{kms: kms, system: "_SK" + tail, tail: tail}
	if len(x.intermediateID("p")) > maxAsherahKeyID {
		return nil, errors.New("sealsql: service, product and region suffix are too long together (limit 1000 bytes)")
	}
	return x, nil
}

func (x *asherahScheme) systemID() string { return x.system }

func (x *asherahScheme) intermediateID(partition string) string {
	return asherahIntermediate + partition + x.tail
}

// partition returns the partition of an intermediate id of this scheme.
func (x *asherahScheme) partition(id string) (string, bool) {
	id, ok := strings.CutPrefix(id, asherahIntermediate)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(id, x.tail)
}

func (x *asherahScheme) wrapSystem(ctx context.Context, _ KeyMeta, key []byte) ([]byte, error) {
	return x.kms.EncryptAsherahKey(ctx, key)
}

func (x *asherahScheme) unwrapSystem(ctx context.Context, _ KeyMeta, wrapped []byte) ([]byte, error) {
	return x.kms.DecryptAsherahKey(ctx, wrapped)
}

func (x *asherahScheme) newSystem(a *securemem.Arena, meta KeyMeta, key []byte) (*systemKey, error) {
	c, err := a.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &systemKey{meta: meta, wrap: c}, nil
}

func (x *asherahScheme) wrapIntermediate(parent *systemKey, _ *KeyRecord, dst []byte, key *securemem.Secret) ([]byte, error) {
	return parent.wrap.SealSecretNonceLast(dst, key)
}

func (x *asherahScheme) unwrapIntermediate(parent *systemKey, rec *KeyRecord, dst []byte) ([]byte, error) {
	var box [wrappedKeySize]byte
	defer clear(box[:])
	if copy(box[:], rec.Key) != len(rec.Key) {
		return dst, securemem.ErrOpen
	}
	key, err := parent.wrap.OpenNonceLast(box[:len(rec.Key)])
	if err != nil {
		return dst, err
	}
	return append(dst, key...), nil
}

func (x *asherahScheme) nonce(wrapped []byte) []byte {
	return wrapped[len(wrapped)-securemem.NonceSize:]
}

// state is what this format has not.
func (x *asherahScheme) state(*systemKey, *KeyRecord, []byte) ([]byte, error) { return nil, nil }

// authentic takes every state as it stands: a writer of the metastore can bring
// a revoked key back for processes that have not seen it revoked.
func (x *asherahScheme) authentic(*systemKey, *KeyRecord) (bool, error) { return true, nil }

func (x *asherahScheme) hasStates() bool { return false }

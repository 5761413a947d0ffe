package envelope

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/sealsql/sealsql/securemem"
)

// MACKey is a named key, which authenticates what is kept outside the database:
// audit trails, reports. It is held until Close.
type MACKey struct {
	meta   KeyMeta
	secret *securemem.Secret
}

// MACSize is the length of what MACKey.Sum appends.
const MACSize = sha256.Size

// maxKeyName bounds the name of a key in bytes.
const maxKeyName = 48

const namedLabel = "sealsql/v1/named-key"

// errKeyName is returned for a name that a named key cannot have.
var errKeyName = errors.New("sealsql: the name of a key is 1 to 48 of a-z, 0-9, '-', '_' and '.'")

func checkKeyName(name string) error {
	if name == "" || len(name) > maxKeyName {
		return errKeyName
	}
	for i := range len(name) {
		if c := name[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return errKeyName
		}
	}
	return nil
}

// MACKey returns the key with a name: the one created then (Unix seconds), or
// for 0 the newest, which is made when there is none or it has expired or was
// revoked. Expired and revoked keys serve for checking.
//
// Errors are *KeyError as those of Seal and Open.
func (s *Sealer) MACKey(ctx context.Context, name string, created int64) (*MACKey, error) {
	if err := checkKeyName(name); err != nil {
		return nil, err
	}
	if s.closed.Load() {
		return nil, ErrClosed
	}
	id := s.ids().named + name
	if created == 0 {
		k, err := latestOrCreate(ctx, s.hierarchy, s.namedLevel(id))
		return k, s.loadError(err)
	}
	rec, err := s.load(ctx, KeyMeta{id, created})
	if err != nil {
		return nil, err
	}
	k, err := s.openNamed(ctx, rec)
	return k, s.loadError(err)
}

// Meta names the key's row.
func (k *MACKey) Meta() KeyMeta { return k.meta }

// Sum appends the MAC of message, MACSize bytes, to dst: HKDF-Expand of one
// block, which is HMAC-SHA256, over the message's SHA-256. After Close it is an
// error.
func (k *MACKey) Sum(dst, message []byte) ([]byte, error) {
	const label = "sealsql/v1/mac"
	var info [len(label) + sha256.Size]byte
	copy(info[:], label)
	sum := sha256.Sum256(message)
	copy(info[len(label):], sum[:])
	n := len(dst)
	dst = append(dst, make([]byte, MACSize)...)
	if err := k.secret.Expand(dst[n:], info[:]); err != nil {
		return dst[:n], err
	}
	return dst, nil
}

// Close wipes the key. It may be called twice.
func (k *MACKey) Close() { k.Destroy() }

// Destroy is Close.
func (k *MACKey) Destroy() {
	if k != nil {
		k.secret.Destroy()
	}
}

func (s *Sealer) ids() *keyIDs { return &s.scheme.(*compactScheme).keyIDs }

// namedLevel is the level of named keys.
type namedLevel struct {
	s  *Sealer
	id string
}

func (s *Sealer) namedLevel(id string) level[*MACKey] { return namedLevel{s, id} }

func (x namedLevel) keyID() string { return x.id }

func (x namedLevel) open(ctx context.Context, rec *KeyRecord) (*MACKey, bool, error) {
	s := x.s
	if err := s.checkParent(rec); err != nil {
		return nil, false, err
	}
	sys, err := s.systemOf(ctx, *rec.Parent)
	if err != nil {
		return nil, false, err
	}
	defer sys.Release()
	usable, err := s.encrypts(sys.Value().key.Value(), rec)
	if err != nil || !usable || !sys.Value().usable {
		return nil, false, err
	}
	k, err := s.unwrapNamed(sys.Value().key.Value(), rec)
	return k, err == nil, err
}

func (x namedLevel) create(ctx context.Context, created int64) (*KeyRecord, *MACKey, error) {
	return x.s.createNamed(ctx, KeyMeta{x.id, created})
}

func (x namedLevel) stored(*KeyRecord, *MACKey)           {}
func (x namedLevel) before(context.Context) error         { return nil }
func (x namedLevel) after(context.Context, *MACKey) error { return nil }

func (s *Sealer) createNamed(ctx context.Context, meta KeyMeta) (*KeyRecord, *MACKey, error) {
	sys, err := s.latestSystem(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer sys.Release()
	parent := sys.Value().key.Value()
	rec := &KeyRecord{Meta: meta, Parent: &parent.meta}
	secret, err := s.arena.NewRandomSecret()
	if err != nil {
		return nil, nil, err
	}
	if rec.Key, err = parent.wrap.SealSecret(nil, secret, rowContext(namedLabel, rec)); err == nil {
		s.wrapped(ctx, parent, rec)
		rec.State, err = s.scheme.state(parent, rec, nil)
	}
	if err != nil {
		secret.Destroy()
		return nil, nil, err
	}
	return rec, &MACKey{meta, secret}, nil
}

func (s *Sealer) openNamed(ctx context.Context, rec *KeyRecord) (*MACKey, error) {
	if err := s.checkParent(rec); err != nil {
		return nil, err
	}
	sys, err := s.system(ctx, *rec.Parent)
	if err != nil {
		return nil, err
	}
	defer sys.Release()
	if err := s.readable(sys.Value(), rec); err != nil {
		return nil, err
	}
	return s.unwrapNamed(sys.Value(), rec)
}

func (s *Sealer) unwrapNamed(sys *systemKey, rec *KeyRecord) (*MACKey, error) {
	if len(rec.Key) != keySize+securemem.Overhead {
		return nil, rowFault(rec.Meta, "the key has the wrong size")
	}
	secret, err := s.arena.FillSecret(func(key []byte) error {
		if _, err := sys.wrap.Open(key[:0], rec.Key, rowContext(namedLabel, rec)); err != nil {
			return rowFault(rec.Meta, "the key does not unwrap under its parent")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &MACKey{rec.Meta, secret}, nil
}

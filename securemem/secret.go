package securemem

import (
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
)

// SecretSize is the size of every secret in bytes.
const SecretSize = 32

// MaxInfo and MaxExpand bound the arguments of Secret.Expand, in bytes.
const (
	MaxInfo   = 96
	MaxExpand = 64
)

// Secret is a key of 32 bytes at rest: in a locked slot, or encrypted under the
// arena's session key. Its methods may be called concurrently, Destroy only
// when no other call is under way.
type Secret struct {
	hidden
	arena *Arena
	slot  *byte
	cold  []byte
}

// NewSecret moves key (32 bytes) into the arena: key is zeroed, also when an
// error is returned.
func (a *Arena) NewSecret(key []byte) (*Secret, error) {
	defer clear(key)
	if len(key) != SecretSize {
		return nil, errors.New("securemem: a secret has 32 bytes")
	}
	p, err := a.take(small, 0)
	if err != nil {
		return nil, err
	}
	s := &Secret{arena: a, slot: p}
	if p != nil {
		copy(slotBytes(small, p), key)
		return s, nil
	}
	if s.cold, err = a.session.Seal(nil, key, nil); err != nil {
		return nil, err
	}
	a.hold()
	return s, nil
}

// NewRandomSecret makes a secret of 32 random bytes.
func (a *Arena) NewRandomSecret() (*Secret, error) {
	var key [SecretSize]byte
	_, _ = rand.Read(key[:]) // documented never to fail
	return a.NewSecret(key[:])
}

// Use calls f with the key. f must not keep or change the slice, which is wiped
// (or stays in its slot) when f returns.
func (s *Secret) Use(f func(key []byte) error) error {
	var key [SecretSize]byte
	defer clear(key[:])
	if err := s.read(&key); err != nil {
		return err
	}
	return f(key[:])
}

// read copies the key. The caller wipes the copy.
func (s *Secret) read(key *[SecretSize]byte) error {
	if s.slot != nil {
		copy(key[:], slotBytes(small, s.slot))
		return nil
	}
	if s.cold == nil {
		return ErrDestroyed
	}
	_, err := s.arena.session.Open(key[:0], s.cold, nil)
	return err
}

// Expand fills out with HKDF-Expand (RFC 5869 §2.3) under SHA-256, with the
// secret as pseudorandom key. info has at most MaxInfo bytes, out at most
// MaxExpand. The secret must be uniformly random, as all keys here are. The
// caller wipes out.
func (s *Secret) Expand(out, info []byte) error {
	if len(info) > MaxInfo || len(out) > MaxExpand {
		return errors.New("securemem: argument of Expand is too long")
	}
	var key [SecretSize]byte
	defer clear(key[:])
	if err := s.read(&key); err != nil {
		return err
	}
	if fips140.Enabled() {
		return expandModule(out, key[:], info)
	}
	expand(out, &key, info)
	return nil
}

// expandModule uses the module's HKDF, so that the service is an approved one.
func expandModule(out, key, info []byte) error {
	b, err := hkdf.Expand(sha256.New, key, string(info), len(out))
	if err != nil {
		return err
	}
	copy(out, b)
	clear(b)
	return nil
}

// expand is HKDF-Expand written on sha256.Sum256 alone: nothing derived from the
// key reaches the heap, and there is no hash state to wipe. It computes
// T(i) = HMAC(key, T(i-1) | info | i) with HMAC as in RFC 2104.
func expand(out []byte, key *[SecretSize]byte, info []byte) {
	var inner [sha256.BlockSize + sha256.Size + MaxInfo + 1]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	var t [sha256.Size]byte
	for i := range sha256.BlockSize {
		var k byte
		if i < SecretSize {
			k = key[i]
		}
		inner[i], outer[i] = k^0x36, k^0x5c
	}
	for i := byte(1); len(out) > 0; i++ {
		n := sha256.BlockSize
		if i > 1 {
			n += copy(inner[n:], t[:])
		}
		n += copy(inner[n:], info)
		inner[n] = i
		t = sha256.Sum256(inner[:n+1])
		copy(outer[sha256.BlockSize:], t[:])
		t = sha256.Sum256(outer[:])
		out = out[copy(out, t[:]):]
	}
	clear(inner[:])
	clear(outer[:])
	clear(t[:])
}

// NewCipher expands the secret itself to an AES-256-GCM cipher in the arena.
// Keys that also serve other purposes derive one first.
func (s *Secret) NewCipher() (*Cipher, error) {
	var key [SecretSize]byte
	defer clear(key[:])
	if err := s.read(&key); err != nil {
		return nil, err
	}
	return s.arena.NewCipher(key[:])
}

// Destroy wipes the secret. It may be called twice.
func (s *Secret) Destroy() {
	if s == nil {
		return
	}
	if s.cold != nil {
		clear(s.cold)
		s.cold = nil
		s.arena.mu.Lock()
		s.arena.drop()
		s.arena.mu.Unlock()
	}
	if s.slot != nil {
		p := s.slot
		s.slot = nil
		s.arena.put(small, p)
	}
}

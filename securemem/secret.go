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
	return a.FillSecret(func(slot []byte) error {
		copy(slot, key)
		return nil
	})
}

// NewRandomSecret makes a secret of 32 random bytes.
func (a *Arena) NewRandomSecret() (*Secret, error) {
	return a.FillSecret(func(slot []byte) error {
		_, _ = rand.Read(slot) // documented never to fail
		return nil
	})
}

// FillSecret makes a secret of the 32 bytes that fill writes, or returns its
// error. Where a slot is free, fill writes into it, and the key is nowhere else;
// what fill leaves on the stack is wiped. fill must not keep the slice.
func (a *Arena) FillSecret(fill func(key []byte) error) (*Secret, error) {
	p, err := a.take(small, 0)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return a.newColdSecret(fill)
	}
	s := &Secret{arena: a, slot: p}
	filled := false
	defer func() { // also when fill panics
		if !filled {
			s.Destroy()
		}
	}()
	shielded(func() { err = fill(slotBytes(small, p)[:SecretSize]) })
	if err != nil {
		return nil, err
	}
	filled = true
	return s, nil
}

// newColdSecret keeps the key encrypted on the heap.
func (a *Arena) newColdSecret(fill func(key []byte) error) (*Secret, error) {
	if err := a.hold(); err != nil {
		return nil, err
	}
	s := &Secret{arena: a, cold: make([]byte, 0, SecretSize+Overhead)}
	filled := false
	defer func() {
		if !filled {
			s.Destroy()
		}
	}()
	var err error
	shielded(func() {
		var key [SecretSize]byte
		defer clear(key[:])
		if err = fill(key[:]); err == nil {
			s.cold, err = a.session.Seal(s.cold, key[:], nil)
		}
	})
	if err != nil {
		return nil, err
	}
	filled = true
	return s, nil
}

// Use calls f with a copy of the key. f must not keep the slice, which is wiped
// when f returns.
func (s *Secret) Use(f func(key []byte) error) error {
	ReserveStack()
	defer scrub()
	return s.withCopy(f)
}

func (s *Secret) withCopy(f func(key []byte) error) error {
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
	ReserveStack()
	defer scrub()
	if s.slot != nil && !fips140.Enabled() { // as it lies there, without a copy
		expand(out, (*[SecretSize]byte)(slotBytes(small, s.slot)), info)
		return nil
	}
	var key [SecretSize]byte
	defer clear(key[:])
	if err := s.read(&key); err != nil {
		return err
	}
	return expandBy(out, &key, info)
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

// Derive makes a secret of the 32 bytes that Expand gives for info.
func (s *Secret) Derive(info []byte) (*Secret, error) {
	return s.arena.FillSecret(func(key []byte) error { return s.Expand(key, info) })
}

// NewCipher expands the secret itself to an AES-256-GCM cipher in the arena.
// Keys that also serve other purposes derive one first.
func (s *Secret) NewCipher() (c *Cipher, err error) {
	shielded(func() {
		var key [SecretSize]byte
		defer clear(key[:])
		if err = s.read(&key); err == nil {
			c, err = s.arena.NewCipher(key[:])
		}
	})
	return c, err
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

package securemem

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/rand"
	"errors"
	"slices"
)

// The sizes of a box that Cipher.Seal makes, in bytes.
const (
	NonceSize = 12
	TagSize   = 16
	Overhead  = NonceSize + TagSize
)

// Cipher is AES-256-GCM under one key, with random nonces
// (NIST SP 800-38D §8.2.2). At most 2^32 boxes may be made under one key;
// callers keep that bound. Seal and Open may be called concurrently, Destroy
// only when no other call is under way.
type Cipher struct {
	hidden
	aead   cipher.AEAD
	random bool // aead makes the nonce itself (FIPS mode)
	stack  bool // aead leaves copies of the key on the stack

	arena *Arena
	slot  *byte
}

// NewCipher expands key (32 bytes) into a slot. The caller still owns key and
// wipes it. Where no slot is free the cipher lives on the heap, or under mode
// Require [ErrExhausted] is returned.
func (a *Arena) NewCipher(key []byte) (*Cipher, error) { return a.newCipher(key, 0) }

// NewCacheCipher is NewCipher for keys that can be had again: it leaves the last
// few slots to those that cannot, as if they were taken. A cache of any size can
// then not keep a new system key from being loaded under mode Require.
func (a *Arena) NewCacheCipher(key []byte) (*Cipher, error) { return a.newCipher(key, reserved) }

// reserved is the number of slots for ciphers that NewCacheCipher leaves alone.
const reserved = 4

func (a *Arena) newCipher(key []byte, leave int) (*Cipher, error) {
	ReserveStack()
	defer scrub()
	c, err := expandCipher(key)
	if err != nil {
		return nil, err
	}
	return a.place(c, relocatable(), leave)
}

// place moves a cipher into a slot, where it can be moved and there is one.
func (a *Arena) place(c *Cipher, moves bool, leave int) (*Cipher, error) {
	if !moves {
		return c, nil
	}
	p, err := a.take(large, leave)
	if err == nil && p == nil && a.mode == Require {
		err = ErrExhausted
	}
	if err != nil {
		c.Destroy()
		return nil, err
	}
	if p != nil {
		c.aead, c.arena, c.slot = relocate(c.aead, p), a, p
	}
	return c, nil
}

// NewTransientCipher expands key (32 bytes) on the heap, for a key that is used
// for one value and destroyed: moving it to a slot would leave it no shorter in
// unlocked memory.
func NewTransientCipher(key []byte) (*Cipher, error) {
	ReserveStack()
	defer scrub()
	return expandCipher(key)
}

func expandCipher(key []byte) (*Cipher, error) {
	if len(key) != 32 {
		return nil, errors.New("securemem: a cipher key has 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	defer zero(block)
	c := &Cipher{random: fips140.Enabled()}
	if c.random {
		c.aead, err = cipher.NewGCMWithRandomNonce(block)
	} else {
		c.aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Seal appends nonce, ciphertext and tag (Overhead bytes more than plaintext) to
// dst. It authenticates ad as well. The spare capacity of dst must not overlap
// plaintext or ad.
func (c *Cipher) Seal(dst, plaintext, ad []byte) ([]byte, error) {
	if c.aead == nil {
		return dst, ErrDestroyed
	}
	dst = slices.Grow(dst, len(plaintext)+Overhead)
	if c.random {
		return c.aead.Seal(dst, nil, plaintext, ad), nil
	}
	n := len(dst)
	nonce := dst[n : n+NonceSize]
	_, _ = rand.Read(nonce) // documented never to fail
	if c.stack {
		ReserveStack()
		defer scrub()
	}
	return c.aead.Seal(dst[:n+NonceSize], nonce, plaintext, ad), nil
}

// Open appends the plaintext of a box that Seal made to dst, or returns
// [ErrOpen] and dst as it was. The spare capacity of dst must not overlap box.
func (c *Cipher) Open(dst, box, ad []byte) ([]byte, error) {
	if c.aead == nil {
		return dst, ErrDestroyed
	}
	if len(box) < Overhead {
		return dst, ErrOpen
	}
	if c.stack {
		ReserveStack()
		defer scrub()
	}
	var out []byte
	var err error
	if c.random {
		out, err = c.aead.Open(dst, nil, box, ad)
	} else {
		out, err = c.aead.Open(dst, box[:NonceSize], box[NonceSize:], ad)
	}
	if err != nil {
		return dst, ErrOpen
	}
	return out, nil
}

// OpenInPlace is Open into the memory of the box, which the caller gives away:
// the plaintext lies somewhere in it, and the rest of it is undefined. After an
// error all of it is.
func (c *Cipher) OpenInPlace(box, ad []byte) ([]byte, error) {
	if len(box) < Overhead {
		return nil, ErrOpen
	}
	at := box[NonceSize:NonceSize]
	if c.random { // takes its input's beginning alone
		at = box[:0]
	}
	out, err := c.Open(at, box, ad)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Destroy wipes the expanded key. It may be called twice.
func (c *Cipher) Destroy() {
	if c == nil || c.aead == nil {
		return
	}
	zero(c.aead)
	c.aead = nil // a stale pointer must not reach a slot in use by another
	if c.slot != nil {
		p := c.slot
		c.slot = nil
		c.arena.put(large, p)
	}
}

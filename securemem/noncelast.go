package securemem

import (
	"crypto/rand"
	"errors"
	"slices"
)

// SealNonceLast appends ciphertext, tag and nonce (Overhead bytes more than
// plaintext) to dst, without associated data: the layout of Asherah, whose
// records fix it. Nothing binds such a box to its place. The spare capacity of
// dst must not overlap plaintext.
func (c *Cipher) SealNonceLast(dst, plaintext []byte) ([]byte, error) {
	if c.aead == nil {
		return dst, ErrDestroyed
	}
	n := len(dst)
	dst = slices.Grow(dst, len(plaintext)+Overhead)
	if c.random { // the module puts the nonce in front
		var nonce [NonceSize]byte
		out := c.aead.Seal(dst, nil, plaintext, nil)
		copy(nonce[:], out[n:])
		copy(out[n:], out[n+NonceSize:])
		copy(out[len(out)-NonceSize:], nonce[:])
		return out, nil
	}
	// The nonce is written to its place first, and the text up to there.
	end := n + len(plaintext) + TagSize
	nonce := dst[end : end+NonceSize]
	_, _ = rand.Read(nonce) // documented never to fail
	c.aead.Seal(dst, nonce, plaintext, nil)
	return dst[:end+NonceSize], nil
}

// OpenNonceLast opens a box of SealNonceLast in place and returns the plaintext,
// which is the front of box. On failure it returns [ErrOpen], and what box holds
// then is undefined.
func (c *Cipher) OpenNonceLast(box []byte) ([]byte, error) {
	if c.aead == nil {
		return nil, ErrDestroyed
	}
	end := len(box) - NonceSize
	if end < TagSize {
		return nil, ErrOpen
	}
	var out []byte
	var err error
	if c.random { // the module wants the nonce in front, and no partial overlap
		b := make([]byte, 0, len(box))
		b = append(append(b, box[end:]...), box[:end]...)
		out, err = c.aead.Open(box[:0], nil, b, nil)
	} else {
		out, err = c.aead.Open(box[:0], box[end:], box[:end], nil)
	}
	if err != nil {
		return nil, ErrOpen
	}
	return out, nil
}

// NewCacheCipher expands the secret itself to an AES-256-GCM cipher, like
// [Arena.NewCacheCipher]. keep says whether it may be kept: not where locked
// memory is demanded and used up, which leaves a cipher on the heap for one use.
func (s *Secret) NewCacheCipher() (c *Cipher, keep bool, err error) {
	ReserveStack()
	defer scrub()
	var key [SecretSize]byte
	defer clear(key[:])
	if err := s.read(&key); err != nil {
		return nil, false, err
	}
	c, err = s.arena.NewCacheCipher(key[:])
	if errors.Is(err, ErrExhausted) {
		c, err = NewTransientCipher(key[:])
		return c, false, err
	}
	return c, err == nil, err
}

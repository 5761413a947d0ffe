package securemem

import (
	"crypto/fips140"
	"errors"
	"reflect"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

var errNotApproved = errors.New("securemem: ChaCha20-Poly1305 is not approved in FIPS 140-3 mode")

// NewCacheChaCha20Poly1305 is NewCacheCipher for ChaCha20-Poly1305 (RFC 8439),
// with the same sizes of nonce and tag and the same bound of 2^32 boxes under
// one key. In FIPS 140-3 mode it is an error.
func (a *Arena) NewCacheChaCha20Poly1305(key []byte) (*Cipher, error) {
	c, err := NewTransientChaCha20Poly1305(key)
	if err != nil {
		return nil, err
	}
	return a.place(c, chachaMovable(), reserved)
}

// NewTransientChaCha20Poly1305 is NewTransientCipher for ChaCha20-Poly1305.
func NewTransientChaCha20Poly1305(key []byte) (*Cipher, error) {
	if fips140.Enabled() {
		return nil, errNotApproved
	}
	if len(key) != chacha20poly1305.KeySize {
		return nil, errors.New("securemem: a cipher key has 32 bytes")
	}
	ReserveStack()
	defer scrub()
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, err
	}
	return &Cipher{aead: aead, stack: true}, nil
}

// chachaMovable reports whether the library's object can be moved into a slot:
// it is the key and nothing else.
var chachaMovable = sync.OnceValue(func() bool {
	aead, err := chacha20poly1305.New(make([]byte, chacha20poly1305.KeySize))
	return err == nil && movable(reflect.TypeOf(aead))
})

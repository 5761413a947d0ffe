package securemem

import (
	"bytes"
	"crypto/fips140"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"reflect"
	"sync"
	"unsafe"
)

// Expander is a key of 32 bytes that serves as the key of a pseudorandom function of messages, for keys that serve
// often: where the toolchain allows, what HMAC computes of the key alone (RFC 2104 §4)
// is at hand in a locked slot. Its methods may be called concurrently, Destroy only when
// no other call is under way.
type Expander struct {
	hidden
	arena *Arena
	slot  *byte
	// secret is the key, where there are no such states.
	secret *Secret
}

// LabelSize is the size of an Expander's label in bytes.
const LabelSize = 8

// DeriveExpander makes an Expander of the key that Derive would make.
func (s *Secret) DeriveExpander(info []byte) (*Expander, error) {
	key, err := s.Derive(info)
	if err != nil {
		return nil, err
	}
	return key.expander(compressible()), nil
}

// expander makes an Expander of the secret, which it takes over: the states take the
// place of the key, in its slot.
func (s *Secret) expander(compressible bool) *Expander {
	if s.slot == nil || !compressible {
		return &Expander{secret: s}
	}
	e := &Expander{arena: s.arena, slot: s.slot}
	s.slot = nil
	shielded(func() {
		var key [SecretSize]byte
		defer clear(key[:])
		copy(key[:], slotBytes(small, e.slot))
		e.states().of(&key)
	})
	return e
}

// Expand fills out, at most 32 bytes, with HKDF-Expand (RFC 5869 §2.3) under SHA-256
// with the info label | SHA-256(message). The message is hashed first, so that the MAC
// is of fixed length: HKDF-Expand of one block is HMAC-SHA256(key, info | 0x01).
func (e *Expander) Expand(out []byte, label [LabelSize]byte, message []byte) error {
	if len(out) > sha256.Size {
		return errors.New("securemem: argument of Expand is too long")
	}
	if e.slot == nil && e.secret == nil {
		return ErrDestroyed
	}
	if e.slot == nil {
		var info [LabelSize + sha256.Size]byte
		copy(info[:], label[:])
		sum := sha256.Sum256(message)
		copy(info[LabelSize:], sum[:])
		return e.secret.Expand(out, info[:])
	}
	c := compressors.Get().(*compressor)
	ReserveStack()
	c.expand(out, e.states(), label, message)
	scrubHash()
	compressors.Put(c)
	return nil
}

// Destroy wipes the key. It may be called twice.
func (e *Expander) Destroy() {
	if e == nil {
		return
	}
	e.secret.Destroy()
	if e.slot != nil {
		p := e.slot
		e.slot = nil
		e.arena.put(small, p)
	}
}

func (e *Expander) states() *states { return (*states)(unsafe.Pointer(e.slot)) }

// states are SHA-256 after HMAC's inner and its outer block of a key.
type states struct{ inner, outer [8]uint32 }

// of computes the states of a key.
func (s *states) of(key *[SecretSize]byte) {
	c := compressors.Get().(*compressor)
	for i := range c.block {
		c.block[i] = 0x36
	}
	for i, k := range key {
		c.block[i] ^= k
	}
	*c.state = initial
	c.compress()
	s.inner = *c.state
	for i := range c.block {
		c.block[i] ^= 0x36 ^ 0x5c
	}
	*c.state = initial
	c.compress()
	s.outer = *c.state
	c.wipe()
	compressors.Put(c)
}

// compressor is SHA-256's compression function (FIPS 180-4 §6.2.2), as the toolchain's
// hash computes it for a whole block that is written to it.
type compressor struct {
	hash  hash.Hash
	state *[8]uint32 // within hash
	block [sha256.BlockSize]byte
}

func (c *compressor) compress() { _, _ = c.hash.Write(c.block[:]) }

func (c *compressor) wipe() {
	*c.state = [8]uint32{}
	clear(c.block[:])
}

// sum writes the state as a hash does.
func (c *compressor) sum(to []byte) {
	_ = to[sha256.Size-1]
	for i, w := range c.state {
		binary.BigEndian.PutUint32(to[4*i:], w)
	}
}

// ended is the last block of a message, but for the n bytes, at most longest, that
// follow the blocks before it (FIPS 180-4 §5.1.1).
func ended(blocks, n int) (b [sha256.BlockSize]byte) {
	b[n] = 0x80
	binary.BigEndian.PutUint64(b[sha256.BlockSize-8:], uint64(blocks*sha256.BlockSize+n)*8)
	return b
}

// longest is the longest message that takes one block.
const longest = sha256.BlockSize - 9

// The last blocks of HMAC's inner and outer message.
var (
	innerEnd = func() [sha256.BlockSize]byte {
		b := ended(1, LabelSize+sha256.Size+1)
		b[LabelSize+sha256.Size] = 1
		return b
	}()
	outerEnd = ended(1, sha256.Size)
)

func (c *compressor) expand(out []byte, s *states, label [LabelSize]byte, message []byte) {
	if len(message) > longest {
		sum := sha256.Sum256(message)
		c.block = innerEnd
		copy(c.block[LabelSize:], sum[:])
	} else {
		clear(c.block[:])
		c.block[copy(c.block[:], message)] = 0x80
		binary.BigEndian.PutUint16(c.block[sha256.BlockSize-2:], uint16(len(message))*8)
		*c.state = initial
		c.compress()
		c.block = innerEnd
		c.sum(c.block[LabelSize:])
	}
	*(*[LabelSize]byte)(c.block[:]) = label
	*c.state = s.inner
	c.compress()
	c.block = outerEnd
	c.sum(c.block[:])
	*c.state = s.outer
	c.compress()
	c.sum(c.block[:])
	copy(out, c.block[:])
	c.wipe()
}

// initial is the state that SHA-256 begins with (FIPS 180-4 §5.3.3).
var initial = [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

// compressors are for one value at a time; nothing stays in them.
var compressors = sync.Pool{New: func() any { return newCompressor() }}

// newCompressor finds the state within the toolchain's hash, or returns nil.
func newCompressor() *compressor {
	c := &compressor{hash: sha256.New()}
	v := reflect.ValueOf(c.hash)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct || !pointerFree(v.Elem().Type()) {
		return nil
	}
	f := v.Elem().FieldByName("h")
	if !f.IsValid() || f.Type() != reflect.TypeFor[[8]uint32]() {
		return nil
	}
	c.state = (*[8]uint32)(f.Addr().UnsafePointer())
	return c
}

// compressible reports whether the toolchain's hash is one whose state we know: it must
// lie where we take it to be, and compute what the whole hash does.
var compressible = sync.OnceValue(func() bool { return !fips140.Enabled() && compressionWorks(newCompressor) })

func compressionWorks(made func() *compressor) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	c := made()
	if c == nil {
		return false
	}
	var key [SecretSize]byte
	for i := range key {
		key[i] = byte(i)
	}
	var s states
	s.of(&key)
	message := []byte("known answer")
	hashed := sha256.Sum256(message)
	var got, want [sha256.Size]byte
	for range 2 { // a hash that was used computes the same
		c.expand(got[:], &s, [LabelSize]byte(key[:LabelSize]), message)
		expand(want[:], &key, append(key[:LabelSize:LabelSize], hashed[:]...))
		if !bytes.Equal(got[:], want[:]) {
			return false
		}
	}
	return true
}

package envelope

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"sync/atomic"

	"github.com/sealsql/sealsql/securemem"
)

// dataKeyID names a data key within one Sealer. For sealing, created and salt
// are zero: there is one slot for a column, partition and type tag. For opening
// they are the record's, and ph is zero.
type dataKeyID struct {
	column    uint32
	created   uint32
	salt      [saltSize]byte
	flags     byte
	tag       byte
	ph        uint64 // hash of the partition
	partition string
}

// hash spreads ids. The salt of an opened record is random; a forged one does
// not reach the cache, because its commitment does not hold.
func (k dataKeyID) hash() uint64 {
	return mix(le64(k.salt[:])^uint64(le32(k.salt[8:]))<<32^k.ph^uint64(k.column)<<8^uint64(k.tag)) ^ seedBits
}

// dataKey is an expanded data key with all that its records have in common. It
// is immutable but for its counter.
type dataKey struct {
	cipher *securemem.Cipher
	prefix []byte // of every record: header, partition, salt, commitment
	ad     []byte // prefix and context hash
	max    int64
	until  int64 // tick from which it seals no more
	uses   atomic.Int64
}

func (d *dataKey) Destroy() { d.cipher.Destroy() }

// take counts one use and reports whether it is within the bounds. The count
// does not run over: it is bounded by the callers that find it spent.
func (d *dataKey) take(tick int64) bool {
	return tick < d.until && d.uses.Add(1) <= d.max
}

func (d *dataKey) seal(dst, plaintext []byte) ([]byte, error) {
	dst = room(dst, len(d.prefix)+len(plaintext)+boxSize)
	return d.cipher.Seal(append(dst, d.prefix...), plaintext, d.ad)
}

// room is slices.Grow, which takes three times as long as make for the most
// usual case.
func room(dst []byte, n int) []byte {
	if len(dst) == 0 && cap(dst) < n {
		return make([]byte, 0, n)
	}
	return slices.Grow(dst, n)
}

// derived is a data key's bytes on their way: key and commitment. The caller
// wipes it.
type derived [keySize + commitSize]byte

func (k *derived) key() []byte    { return k[:keySize] }
func (k *derived) commit() []byte { return k[keySize:] }

// derive computes HKDF-Expand(intermediate key, info, 48). The commitment is the
// second half: it fixes the key, the salt and the context, so a record opens
// under one key only, and a wrong key is noticed before anything is decrypted.
func (d *derived) derive(ik *intermediateKey, suite byte, context *[32]byte, salt []byte) error {
	info := deriveInfo(suite, context, salt)
	return ik.secret.Expand(d[:], info[:])
}

// newDataKey derives a data key under a fresh salt for sealing. transient keys
// serve one value.
func (s *Sealer) newDataKey(ik *intermediateKey, c *Column, p Partition, tag byte, transient bool) (*dataKey, error) {
	securemem.ReserveStack()
	context := contextHash(s.c.Service, s.c.Product, c.id, p.id)
	b := make([]byte, 0, 2*(overhead+1+len(p.id))+len(context))
	b = appendPrefix(b, c, p, tag, uint32(ik.created))
	n := len(b)
	b = b[:n+saltSize]
	salt := b[n:]
	_, _ = rand.Read(salt) // documented never to fail
	var k derived
	defer clear(k[:])
	if err := k.derive(ik, suiteDerived, &context, salt); err != nil {
		return nil, err
	}
	b = append(b, k.commit()...)
	return s.expandDataKey(&k, b, &context, transient)
}

// expandDataKey makes the cipher. prefix is kept.
func (s *Sealer) expandDataKey(k *derived, prefix []byte, context *[32]byte, transient bool) (*dataKey, error) {
	var c *securemem.Cipher
	var err error
	if !transient {
		c, err = s.arena.NewCacheCipher(k.key())
	}
	if c == nil { // also where locked memory is used up: then one value at a time
		c, err = securemem.NewTransientCipher(k.key())
	}
	if err != nil {
		return nil, err
	}
	n := len(prefix)
	all := append(prefix, prefix...)
	all = append(all, context[:]...)
	return &dataKey{cipher: c, prefix: all[:n:n], ad: all[n:]}, nil
}

// reopen derives the data key of a record and checks its commitment.
func (s *Sealer) reopen(ik *intermediateKey, c *Column, partition string, h *header, transient bool) (*dataKey, error) {
	securemem.ReserveStack()
	context := contextHash(s.c.Service, s.c.Product, c.id, partition)
	var k derived
	defer clear(k[:])
	if err := k.derive(ik, h.suite, &context, h.salt); err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(k.commit(), h.commit) != 1 {
		return nil, &RecordError{ReasonCommitment}
	}
	prefix := append(make([]byte, 0, 2*len(h.prefix)+len(context)), h.prefix...)
	return s.expandDataKey(&k, prefix, &context, transient)
}

// doorkeeper remembers salts that were seen lately, so that a key that opens one
// value does not push out one that opens thousands.
type doorkeeper [4096]atomic.Uint32

// again reports whether the salt was seen before. It forgets, and rarely it
// mistakes one salt for another: both cost time only.
func (d *doorkeeper) again(salt []byte) bool {
	slot := &d[binary.LittleEndian.Uint16(salt)%uint16(len(d))]
	print := le32(salt[4:]) | 1
	if slot.Load() == print {
		return true
	}
	slot.Store(print)
	return false
}

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

var seedBits = maphash.String(hashSeed, "data keys")

// mix is the finaliser of MurmurHash3: every bit of x moves every bit of the
// result.
func mix(x uint64) uint64 {
	x ^= seedBits
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func hashString(s string) uint64 { return maphash.String(hashSeed, s) }

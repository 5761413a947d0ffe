package envelope

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"sync/atomic"

	"github.com/sealsql/sealsql/securemem"
)

// dataKeyID names a data key within one Sealer. For sealing, created and salt
// are zero: there is one slot for a column, partition, type tag and set of
// flags. For opening they are the record's, salt being the beginning of the key
// block. The partition is here by its hash; the data key holds it whole.
//
// It is four words because ids are made for every value: of small fields they
// are written in parts and read as a whole, for which processors wait (8 % of
// opening 64 bytes).
type dataKeyID struct {
	partition uint64
	place     uint64 // column, created
	salt      uint64
	rest      uint64 // of the salt; flags, tag, suite
}

func newDataKeyID(partition uint64, column, created uint32, salt *[saltSize]byte, flags, tag byte, suite Suite) dataKeyID {
	return dataKeyID{
		partition, uint64(column)<<32 | uint64(created), le64(salt[:8]),
		uint64(le32(salt[8:])) | uint64(flags)<<32 | uint64(tag)<<40 | uint64(suite)<<48,
	}
}

// hash spreads ids. The salt of an opened record is random; a forged one does
// not reach the cache, because its commitment does not hold.
func (k dataKeyID) hash() uint64 {
	return mix(k.salt^k.rest<<32^k.partition^k.place>>32<<8^k.rest>>40&0xff) ^ seeds.bits
}

// dataKey is an expanded data key with all that its records have in common. It
// is immutable but for its counter.
type dataKey struct {
	partition string
	cipher    *securemem.Cipher
	prefix    []byte // of every record: header, partition, key block, commitment
	ad        []byte // associated data up to the row identity
	max       int64
	until     int64 // tick from which it seals no more
	brief     bool  // until is too near for recentTick
	uses      atomic.Int64

	near [160]byte // prefix and ad, where they fit
}

// newDataKeyFor begins a data key with room for a prefix of n bytes and the
// associated data.
func newDataKeyFor(partition string, n int) *dataKey {
	d := &dataKey{partition: partition}
	if d.prefix = d.near[:0]; 2*n+sha256.Size > len(d.near) {
		d.prefix = make([]byte, 0, 2*n+sha256.Size)
	}
	return d
}

func (d *dataKey) Destroy() { d.cipher.Destroy() }

// lives sets how long the data key seals.
func (d *dataKey) lives(now, until int64) {
	d.until = until
	if d.brief = until-now < 10*int64(recentStep); !d.brief {
		d.until -= int64(recentStep)
	}
}

// take reports whether one more use, the look-up with the given number, is within the
// bounds. Uses are counted some at a time, ahead: paid is how many of the look-ups that
// are numbered together were. Of those, what is not made when the key is given up is
// lost.
func (d *dataKey) take(tick int64, turn uint32, paid *atomic.Int64) bool {
	if tick >= d.until {
		return false
	}
	for have := paid.Load(); int64(turn) > have; {
		n := d.count(min(1+d.max/1024, 64))
		if n == 0 {
			return false
		}
		have = paid.Add(n)
	}
	return true
}

// count counts n uses and returns how many of them are within the bound. The count
// does not run over: it is bounded by the callers that find it spent.
func (d *dataKey) count(n int64) int64 {
	over := d.uses.Add(n) - d.max
	return max(0, min(n, n-over))
}

func (d *dataKey) seal(dst, payload []byte, row string) ([]byte, error) {
	dst = room(dst, len(d.prefix)+len(payload)+boxSize)
	if row != "" {
		return d.sealRow(dst, payload, row)
	}
	return d.cipher.Seal(append(dst, d.prefix...), payload, d.ad)
}

func (d *dataKey) sealRow(dst, payload []byte, row string) ([]byte, error) {
	ad := takeScratch()
	defer ad.give()
	ad.b = append(append(ad.b, d.ad...), row...)
	return d.cipher.Seal(append(dst, d.prefix...), payload, ad.b)
}

func (d *dataKey) open(dst []byte, h *header, row string) ([]byte, error) {
	if row != "" {
		return d.openRow(dst, h, row)
	}
	return h.openBox(d.cipher, dst, d.ad)
}

func (d *dataKey) openRow(dst []byte, h *header, row string) ([]byte, error) {
	ad := takeScratch()
	defer ad.give()
	ad.b = append(append(ad.b, d.ad...), row...)
	return h.openBox(d.cipher, dst, ad.b)
}

// openBox opens a record's box, into dst or where it lies.
func (h *header) openBox(c *securemem.Cipher, dst, ad []byte) ([]byte, error) {
	if h.own {
		return c.OpenInPlace(h.box(), ad)
	}
	return c.Open(dst, h.box(), ad)
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
func (k *derived) derive(ik *intermediateKey, suite Suite, context *[sha256.Size]byte, salt []byte) error {
	info := deriveInfo(suite, context, salt)
	return ik.secret.Expand(k[:], info[:])
}

// deriveInfo is the info of HKDF-Expand for a derived data key. It has 52 bytes,
// which with the block of the key fit the two compressions of SHA-256.
func deriveInfo(suite Suite, context *[sha256.Size]byte, salt []byte) [7 + 1 + sha256.Size + saltSize]byte {
	var b [7 + 1 + sha256.Size + saltSize]byte
	copy(b[:], "sealsql")
	b[7] = suite.wire()
	copy(b[8:], context[:])
	copy(b[8+sha256.Size:], salt)
	return b
}

// freshKey appends everything before the nonce of a record for v under a data key
// of its own, and fills x.
func (s *Sealer) freshKey(b []byte, ik *intermediateKey, v *place, x *transit, context *[sha256.Size]byte) ([]byte, error) {
	start := len(b)
	b = appendHead(b, v, uint32(ik.created))
	var err error
	if v.c.suite == SuiteWrapped {
		b, err = s.freshWrapped(b, b[start:], ik, v, x, context)
	} else {
		n := len(b)
		b = append(b, make([]byte, saltSize)...)
		_, _ = rand.Read(b[n:]) // documented never to fail
		err = x.k.derive(ik, v.c.suite, context, b[n:])
	}
	return append(b, x.k.commit()...), err
}

// newDataKey makes a data key for sealing, to be kept for a while.
func (s *Sealer) newDataKey(ik *intermediateKey, v *place) (*dataKey, error) {
	securemem.ReserveStack()
	var sum [sha256.Size]byte
	context := v.c.contextOnce(&sum, v.p.id)
	x := takeTransit()
	defer x.wipe()
	d := newDataKeyFor(v.p.id, v.c.prefixLen(v.p.id))
	var err error
	if d.prefix, err = s.freshKey(d.prefix, ik, v, x, context); err != nil {
		return nil, err
	}
	return s.expandDataKey(d, &x.k, v.c.suite, context)
}

// expandDataKey makes the cipher and the associated data of a data key that has
// its prefix.
func (s *Sealer) expandDataKey(d *dataKey, k *derived, suite Suite, context *[sha256.Size]byte) (*dataKey, error) {
	c, err := s.newCipher(suite, k.key(), false)
	if err != nil {
		return nil, err
	}
	n := len(d.prefix)
	all := appendBound(d.prefix, suite, d.prefix, context)
	d.cipher, d.prefix, d.ad = c, all[:n:n], all[n:]
	if bytes.HasPrefix(d.ad, d.prefix) { // both are read for each value: once in memory is less
		d.prefix = d.ad[:n:n]
	}
	return d, nil
}

// newCipher expands a data key, on the heap where it serves one value or where
// locked memory is used up: then it serves one value at a time.
func (s *Sealer) newCipher(suite Suite, key []byte, transient bool) (c *securemem.Cipher, err error) {
	if suite == SuiteChaCha20 {
		if !transient {
			c, _ = s.arena.NewCacheChaCha20Poly1305(key)
		}
		if c == nil {
			c, err = securemem.NewTransientChaCha20Poly1305(key)
		}
		return c, err
	}
	if !transient {
		c, _ = s.arena.NewCacheCipher(key)
	}
	if c == nil {
		c, err = securemem.NewTransientCipher(key)
	}
	return c, err
}

// recoverKey fills x with the data key of a record and checks its commitment.
func (s *Sealer) recoverKey(ik *intermediateKey, c *Column, partition string, h *header, x *transit) error {
	var err error
	if h.suite == SuiteWrapped {
		err = s.unwrapDataKey(ik, c, partition, h, x)
	} else {
		err = x.k.derive(ik, h.suite, c.context(partition), h.block())
	}
	if err == nil && subtle.ConstantTimeCompare(x.k.commit(), h.commit()) != 1 {
		err = &RecordError{ReasonCommitment}
	}
	return err
}

// reopen makes the data key of a record that is opened again.
func (s *Sealer) reopen(ik *intermediateKey, c *Column, partition string, h *header) (*dataKey, error) {
	securemem.ReserveStack()
	x := takeTransit()
	defer x.wipe()
	if err := s.recoverKey(ik, c, partition, h, x); err != nil {
		return nil, err
	}
	context := c.context(partition)
	d := newDataKeyFor(partition, len(h.prefix()))
	d.prefix = append(d.prefix, h.prefix()...)
	return s.expandDataKey(d, &x.k, h.suite, context)
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

// mix is the finaliser of MurmurHash3: every bit of x moves every bit of the
// result.
func mix(x uint64) uint64 {
	x ^= seeds.bits
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func hashString(s string) uint64 { return maphash.String(seeds.hash, s) }

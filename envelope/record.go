package envelope

import (
	"crypto/sha256"
	"encoding/binary"
)

// The layout of version 1, see the package documentation.
const (
	magic0, magic1, magic2 = 0xF9, 'S', 'Q'

	suiteDerived = 0x11 // version 1, derived key, AES-256-GCM

	flagPartition = 1 << 0
	knownFlags    = flagPartition

	offSuite   = 3
	offFlags   = 4
	offTag     = 5
	offCreated = 6
	offColumn  = 10
	headSize   = 14 // up to the partition, or the salt

	saltSize   = 12
	commitSize = 16
	boxSize    = 12 + 16 // nonce and tag

	// overhead of a record without carried partition.
	overhead = headSize + saltSize + commitSize + boxSize
)

// MaxPlaintext is the largest value that is sealed, in bytes (1 GiB).
const MaxPlaintext = 1 << 30

// header is a record taken apart. The slices are parts of the record.
type header struct {
	suite, flags, tag byte
	created           uint32
	column            [4]byte
	partition         []byte // nil when it carries none
	salt, commit      []byte
	prefix            []byte // everything before the nonce
	box               []byte // nonce, ciphertext, tag
}

// IsRecord reports whether b begins with the mark of a record, 0xF9 'S' 'Q',
// which no UTF-8 text contains. What is marked opens or is an error; it is never
// taken for plaintext.
func IsRecord(b []byte) bool {
	return len(b) >= 3 && b[0] == magic0 && b[1] == magic1 && b[2] == magic2
}

// parse takes a record apart and checks all that needs no key.
func parse(b []byte) (h header, err error) {
	if !IsRecord(b) {
		return h, ErrNotSealed
	}
	if len(b) < overhead {
		return h, &RecordError{ReasonTruncated}
	}
	h.suite, h.flags, h.tag = b[offSuite], b[offFlags], b[offTag]
	if h.suite != suiteDerived {
		return h, &RecordError{ReasonVersion}
	}
	if h.flags&^knownFlags != 0 {
		return h, &RecordError{ReasonFlags}
	}
	h.created = binary.BigEndian.Uint32(b[offCreated:])
	copy(h.column[:], b[offColumn:])
	at := headSize
	if h.flags&flagPartition != 0 {
		n := int(b[at])
		if n == 0 || n > maxPartition || len(b) < overhead+1+n {
			return h, &RecordError{ReasonTruncated}
		}
		h.partition = b[at+1 : at+1+n]
		at += 1 + n
	}
	h.salt = b[at : at+saltSize]
	h.commit = b[at+saltSize : at+saltSize+commitSize]
	h.prefix, h.box = b[:at+saltSize+commitSize], b[at+saltSize+commitSize:]
	return h, nil
}

// RecordPartition returns the partition id that a record carries; ok is false
// when it carries none. The id is not authenticated until the record is opened.
// The error is ErrNotSealed or a *RecordError.
func RecordPartition(record []byte) (id string, ok bool, err error) {
	h, err := parse(record)
	if err != nil || h.partition == nil {
		return "", false, err
	}
	return string(h.partition), true, nil
}

// SealedLen returns the length of the record that Seal makes of n bytes.
func SealedLen(c *Column, p Partition, n int) int {
	n += overhead
	if c.carry {
		n += 1 + len(p.id)
	}
	return n
}

// appendPrefix writes everything before the nonce except salt and commitment.
func appendPrefix(b []byte, c *Column, p Partition, tag byte, created uint32) []byte {
	flags := byte(0)
	if c.carry {
		flags |= flagPartition
	}
	b = append(b, magic0, magic1, magic2, suiteDerived, flags, tag)
	b = binary.BigEndian.AppendUint32(b, created)
	b = append(b, c.tag[:]...)
	if c.carry {
		b = append(b, byte(len(p.id)))
		b = append(b, p.id...)
	}
	return b
}

// contextHash is what key derivation and associated data know of the place of a
// value: SHA-256 over the length-prefixed fields.
func contextHash(service, product, column, partition string) [sha256.Size]byte {
	var scratch [256]byte
	b := appendField(scratch[:0], "sealsql/v1/context")
	b = appendField(b, service)
	b = appendField(b, product)
	b = appendField(b, column)
	b = appendField(b, partition)
	return sha256.Sum256(b)
}

// deriveInfo is the info of HKDF-Expand for a data key. It has 52 bytes, which
// with the block of the key fit the two compressions of SHA-256.
func deriveInfo(suite byte, context *[sha256.Size]byte, salt []byte) [7 + 1 + sha256.Size + saltSize]byte {
	var b [7 + 1 + sha256.Size + saltSize]byte
	copy(b[:], "sealsql")
	b[7] = suite
	copy(b[8:], context[:])
	copy(b[8+sha256.Size:], salt)
	return b
}

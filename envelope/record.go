package envelope

import (
	"encoding/binary"

	"github.com/sealsql/sealsql/keycache"
)

// The layout of version 1, see the package documentation.
const (
	magic0, magic1, magic2 = 0xF9, 'S', 'Q'

	flagPartition  = 1 << 0 // the record carries its partition
	flagRow        = 1 << 1 // the row identity is in the associated data
	flagCompressed = 1 << 2
	flagPadded     = 1 << 3
	knownFlags     = flagPartition | flagRow | flagCompressed | flagPadded
	shapeFlags     = flagCompressed | flagPadded

	offSuite   = 3
	offFlags   = 4
	offTag     = 5
	offCreated = 6
	offColumn  = 10
	headSize   = 14 // up to the partition, or the key block

	saltSize   = 12
	commitSize = 16
	boxSize    = 12 + 16 // nonce and tag
)

// MinOverhead is the number of bytes by which a record is longer than its value
// at least, unless that was compressed.
const MinOverhead = headSize + saltSize + commitSize + boxSize

// MaxPlaintext is the largest value that is sealed, in bytes (1 GiB).
const MaxPlaintext = 1 << 30

// header is a record taken apart, by offsets into it.
type header struct {
	record     []byte
	suite      Suite
	flags, tag byte
	created    uint32
	column     [4]byte
	keyAt      int // end of the header, where the key block begins
	boxAt      int // end of the commitment, where the nonce begins
	// own says that the record's memory was given away: it is opened in place.
	own bool
	// found is where the data key was, if it was in the cache.
	found keycache.Hint[dataKeyID, *dataKey]
	known []byte // its prefix
}

// partition is nil when the record carries none.
func (h *header) partition() []byte {
	if h.flags&flagPartition == 0 {
		return nil
	}
	return h.record[headSize+1 : h.keyAt]
}

func (h *header) head() []byte   { return h.record[:h.keyAt] }                     // all before the key block
func (h *header) block() []byte  { return h.record[h.keyAt : h.boxAt-commitSize] } // salt, or wrapped data key
func (h *header) commit() []byte { return h.record[h.boxAt-commitSize : h.boxAt] }
func (h *header) prefix() []byte { return h.record[:h.boxAt] } // all before the nonce
func (h *header) box() []byte    { return h.record[h.boxAt:] } // nonce, ciphertext, tag

// IsRecord reports whether b begins with the mark of a record, 0xF9 'S' 'Q',
// which no UTF-8 text contains. What is marked opens or is an error; it is never
// taken for plaintext.
func IsRecord(b []byte) bool {
	return len(b) >= 3 && b[0] == magic0 && b[1] == magic1 && b[2] == magic2
}

// parse takes a record apart and checks all that needs no key.
func (h *header) parse(b []byte) error {
	if err := h.parseHead(b); err != nil {
		return err
	}
	h.boxAt = h.keyAt + h.suite.keyBlock() + commitSize
	if len(b) < h.boxAt+boxSize {
		return &RecordError{ReasonTruncated}
	}
	return nil
}

// parseHead reads what stands in front of the key block.
func (h *header) parseHead(b []byte) error {
	if !IsRecord(b) {
		return ErrNotSealed
	}
	if len(b) < headSize {
		return &RecordError{ReasonTruncated}
	}
	h.record = b
	h.suite, h.flags, h.tag = Suite(b[offSuite]&0x0F), b[offFlags], b[offTag]
	if b[offSuite]&0xF0 != version1 || !h.suite.known() {
		return &RecordError{ReasonVersion}
	}
	if h.flags&^knownFlags != 0 {
		return &RecordError{ReasonFlags}
	}
	h.created = binary.BigEndian.Uint32(b[offCreated:])
	copy(h.column[:], b[offColumn:])
	h.keyAt = headSize
	if h.flags&flagPartition != 0 {
		if len(b) == headSize || b[headSize] == 0 || b[headSize] > maxPartition {
			return &RecordError{ReasonTruncated}
		}
		h.keyAt += 1 + int(b[headSize])
	}
	if len(b) < h.keyAt {
		return &RecordError{ReasonTruncated}
	}
	return nil
}

// RecordPartition returns the partition id that a record carries; ok is false
// when it carries none. The id is not authenticated until the record is opened.
// The error is ErrNotSealed or a *RecordError.
func RecordPartition(record []byte) (id string, ok bool, err error) {
	var h header
	if err := h.parse(record); err != nil || h.partition() == nil {
		return "", false, err
	}
	return string(h.partition()), true, nil
}

// SealedLen returns the length of the record that Seal makes of n bytes; for a
// column that compresses, it is the most that the record can have.
func SealedLen(c *Column, p Partition, n int) int {
	return c.prefixLen(p.id) + c.pad.padded(n) + boxSize
}

// prefixLen is the length of everything before the nonce.
func (c *Column) prefixLen(partition string) int {
	n := headSize + c.suite.keyBlock() + commitSize
	if c.carry {
		n += 1 + len(partition)
	}
	return n
}

// place is where one value is sealed for.
type place struct {
	c     *Column
	p     Partition
	row   string
	flags byte
	tag   byte
}

// appendHead writes everything before the key block.
func appendHead(b []byte, v *place, created uint32) []byte {
	b = append(b, magic0, magic1, magic2, v.c.suite.wire(), v.flags, v.tag)
	b = binary.BigEndian.AppendUint32(b, created)
	b = append(b, v.c.tag[:]...)
	if v.flags&flagPartition != 0 {
		b = append(b, byte(len(v.p.id)))
		b = append(b, v.p.id...)
	}
	return b
}

// appendBound appends the associated data of a value, apart from the row
// identity: the prefix of its record and the context. With a wrapped data key
// what Rewrap changes is left out (creation time and wrapped key): the wrapping
// authenticates that, and the commitment, which stays, ties the two together.
func appendBound(b []byte, suite Suite, prefix []byte, context *[32]byte) []byte {
	if suite == SuiteWrapped {
		n := len(prefix) - commitSize
		b = append(b, prefix[:offCreated]...)
		b = append(b, prefix[offColumn:n-suite.keyBlock()]...)
		b = append(b, prefix[n:]...)
	} else {
		b = append(b, prefix...)
	}
	return append(b, context[:]...)
}

package order

import (
	"encoding/binary"
	"fmt"
)

// PRF fills out, at most 32 bytes, with a keyed pseudorandom function of a
// message.
type PRF func(out, message []byte) error

// RevealedSize is the size of what Reveal writes for encoded bytes of that size.
func RevealedSize(encoded int) int { return 8*encoded + 1 }

// The last byte of an index. Only stored is ever stored: the others lie beside
// it in a comparison.
const (
	stored  = 1
	between = 2
)

// Reveal appends the order-revealing index of encoded bytes: one byte for each
// bit, a pseudorandom number from 0 to 254 that depends on the bits before it,
// plus the bit; then one byte for the place. Two indexes under one key differ
// first where the values do, there by one, so that memcmp orders them as it
// orders the values: the scheme of Chenette, Lewi, Weis and Wu, "Practical
// Order-Revealing Encryption with Limited Leakage" (FSE 2016, §3), with a byte
// for each bit in place of a number modulo 3, so that no comparison of its own
// is needed.
//
// It tells the order of all values, which are equal, and of every two how many
// leading bits they share, so about how far they are apart. A byte of 0 or 255
// tells its bit: 1 in 255. Values of a known distribution can be recovered from
// that.
func Reveal(dst, encoded []byte, place Place, prf PRF) ([]byte, error) {
	switch place {
	case Under:
		return pad(dst, RevealedSize(len(encoded))), nil
	case Over:
		for range RevealedSize(len(encoded)) {
			dst = append(dst, 0xFF)
		}
		return dst, nil
	}
	if len(encoded) > MaxPrefix+1 {
		return dst, fmt.Errorf("%d bytes are too many for a range index", len(encoded))
	}
	// A message is the number of nibbles before, and these.
	var message [2 + MaxPrefix + 1]byte
	defer clear(message[:])
	var nodes [32]byte
	defer clear(nodes[:])
	for i := range 2 * len(encoded) {
		binary.BigEndian.PutUint16(message[:], uint16(i))
		if err := prf(nodes[:], message[:2+(i+1)/2]); err != nil {
			return dst, err
		}
		nibble := encoded[i/2] >> 4
		if i%2 == 1 {
			nibble = encoded[i/2] & 15
		}
		dst = revealNibble(dst, nibble, &nodes)
		message[2+i/2] |= nibble << (4 * (1 - i%2))
	}
	if place == Above {
		return append(dst, between), nil
	}
	return append(dst, stored), nil
}

// revealNibble takes the numbers of four bits from those of the 15 nodes of the
// tree over them: 16 bits each, reduced modulo 255 (one residue in 65536 is too
// frequent).
func revealNibble(dst []byte, nibble byte, nodes *[32]byte) []byte {
	node := 1
	for b := 3; b >= 0; b-- {
		bit := nibble >> b & 1
		u := binary.BigEndian.Uint16(nodes[2*(node-1):]) % 255
		dst = append(dst, byte(u)+bit)
		node = 2*node + int(bit)
	}
	return dst
}

package envelope

import (
	"bytes"
	"fmt"
	"math/bits"
)

// Padding says to which lengths values are padded before they are sealed. A
// record then tells the padded length only. The zero value is PadNone; a power
// of two from 16 to 65536 pads to the next larger multiple, by 1 byte at least.
type Padding int

// The paddings that are not a block size.
const (
	PadNone Padding = 0
	// PadPadme pads to the lengths of PADMÉ (Nikitin et al., "Reducing Metadata
	// Leakage from Encrypted Files and Communication with PURBs", 2019, §4), and
	// to 32 bytes at least, because PADMÉ hides nothing of shorter values. That
	// adds at most 12 % to values from 32 bytes on and leaves O(log log n) bits
	// of a length visible.
	PadPadme Padding = -1
)

const (
	minPad   = 16
	maxPad   = 65536
	minPadme = 32
)

func (p Padding) valid() bool {
	return p == PadNone || p == PadPadme || minPad <= p && p <= maxPad && p&(p-1) == 0
}

// String returns the word that the configuration uses.
func (p Padding) String() string {
	switch p {
	case PadNone:
		return "none"
	case PadPadme:
		return "padme"
	}
	return fmt.Sprintf("%d", int(p))
}

// padded returns the length to which n bytes are padded.
func (p Padding) padded(n int) int {
	switch p {
	case PadNone:
		return n
	case PadPadme:
		return padme(max(n+1, minPadme))
	}
	return (n + int(p)) &^ (int(p) - 1)
}

// padme rounds n up to a number with at most as many significant bits as the
// length of its exponent.
func padme(n int) int {
	exponent := bits.Len(uint(n)) - 1
	low := exponent - bits.Len(uint(exponent))
	mask := 1<<low - 1
	return (n + mask) &^ mask
}

// appendPad pads b[start:]: a byte 80 and zeros (ISO/IEC 7816-4 §11.2.3.1), so
// that the end is found without knowing the rule that chose the length.
func (p Padding) appendPad(b []byte, start int) []byte {
	n := len(b) - start
	b = append(b, 0x80)
	return append(b, make([]byte, p.padded(n)-n-1)...)
}

// unpad returns b without its padding; ok is false when there is none.
func unpad(b []byte) (text []byte, ok bool) {
	b = bytes.TrimRight(b, "\x00")
	if n := len(b) - 1; n >= 0 && b[n] == 0x80 {
		return b[:n], true
	}
	return nil, false
}

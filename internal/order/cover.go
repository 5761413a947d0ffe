package order

import "encoding/binary"

// A tree over encoded bytes has a level for each four bits: a node is the values
// that share their first bits. The root is no node.

// TagSize is the size of the hash of one node.
const TagSize = 16

// node is the message of a node: the number of its nibbles, and these.
type node [2 + MaxPrefix + 1]byte

func (n *node) set(encoded []byte, level int, last byte) []byte {
	clear(n[:])
	binary.BigEndian.PutUint16(n[:], uint16(level+1))
	copy(n[2:], encoded[:level/2])
	if level%2 == 0 {
		n[2+level/2] = last << 4
	} else {
		n[2+level/2] = encoded[level/2]&0xF0 | last
	}
	return n[:2+level/2+1]
}

func nibble(encoded []byte, level int) byte {
	if level%2 == 0 {
		return encoded[level/2] >> 4
	}
	return encoded[level/2] & 15
}

// Hide appends the hashes of the nodes above a value, from the top down: TagSize
// bytes for each level, two levels for each byte. Equal hashes are equal leading
// bits; nothing tells which of two that differ is the smaller.
func Hide(dst, encoded []byte, prf PRF) ([]byte, error) {
	var n node
	defer clear(n[:])
	for level := range 2 * len(encoded) {
		at := len(dst)
		dst = pad(dst, TagSize)
		if err := prf(dst[at:], n.set(encoded, level, nibble(encoded, level))); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// End is one end of a range: a value as Append encodes it, with its place. Open
// leaves the value itself out.
type End struct {
	Encoded []byte
	Place   Place
	Open    bool
}

// Cover calls emit with the hash of each of the fewest nodes that make up a range
// of values of size bytes, with its level from 0. An end that is nil is none. No
// level has more than 15 nodes for each end, or 16 without any.
func Cover(size int, low, high *End, prf PRF, emit func(level int, tag []byte)) error {
	var n node
	defer clear(n[:])
	return walk(size, low, high, func(encoded []byte, level, from, to int) error {
		for last := from; last <= to; last++ {
			tag := make([]byte, TagSize)
			if err := prf(tag, n.set(encoded, level, byte(last))); err != nil {
				return err
			}
			emit(level, tag)
		}
		return nil
	})
}

// walk finds the fewest nodes that make up a range. It calls visit with some that
// are siblings: those of a level, from and to being nibbles, under the node that is
// given by the nibbles of a value above the level. There are at most two values.
func walk(size int, low, high *End, visit func(encoded []byte, level, from, to int) error) error {
	l, h, empty := behind(low), before(high), low != nil && low.Place == Over || high != nil && high.Place == Under
	defer func() { clear(l); clear(h) }()
	if empty {
		return nil
	}
	if l == nil && h == nil {
		return visit(make([]byte, size), 0, 0, 15)
	}
	split := -1
	if l != nil && h != nil {
		for split = 0; split < 2*size && nibble(l, split) == nibble(h, split); split++ {
		}
		if split == 2*size || nibble(l, split) > nibble(h, split) {
			return nil
		}
		if err := visit(l, split, int(nibble(l, split))+1, int(nibble(h, split))-1); err != nil {
			return err
		}
	}
	for level := split + 1; level < 2*size; level++ {
		if l != nil {
			if err := visit(l, level, int(nibble(l, level))+1, 15); err != nil {
				return err
			}
		}
		if h != nil {
			if err := visit(h, level, 0, int(nibble(h, level))-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// behind returns the value that all of a range lie above; nil where there is
// none.
func behind(low *End) []byte {
	if low == nil || low.Place == Under || low.Place == Over {
		return nil
	}
	b := append([]byte(nil), low.Encoded...)
	if low.Open || low.Place == Above {
		return b
	}
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]--; b[i] != 0xFF {
			return b
		}
	}
	return nil
}

// before returns the value that all of a range lie below.
func before(high *End) []byte {
	if high == nil || high.Place == Under || high.Place == Over {
		return nil
	}
	b := append([]byte(nil), high.Encoded...)
	if high.Open && high.Place == At {
		return b
	}
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]++; b[i] != 0 {
			return b
		}
	}
	return nil
}

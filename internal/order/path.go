package order

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// The tree of cover.go, with the children of every node shuffled: a value is
// stored as its way from the root down, and what lies under one node lies side by
// side.

// RootSize is the size of the hash that paths within partitions begin with.
const RootSize = TagSize

// PathSize is the size of what Path writes for encoded bytes of that size.
func PathSize(encoded int, rooted bool) int {
	if rooted {
		return RootSize + encoded
	}
	return encoded
}

// fanOut is the number of children of a node.
const fanOut = 16

// shuffle is the numbers that the children of a node are given, from the
// smallest child on.
type shuffle [fanOut]byte

// draw chooses one of the 16! orders by 16 pseudorandom bytes: they are a number,
// and its remainder modulo 16! the number of an order (Lehmer's code). 16! is less
// than 2^45, so that the orders are equally likely but for 2^-83.
func (s *shuffle) draw(random *[16]byte) {
	high, low := binary.BigEndian.Uint64(random[:8]), binary.BigEndian.Uint64(random[8:])
	free := shuffle{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for i := range fanOut {
		n := uint64(fanOut - i)
		var rest uint64
		high, rest = high/n, high%n
		low, rest = bits.Div64(rest, low, n)
		s[i] = free[rest]
		copy(free[rest:], free[rest+1:n])
	}
}

// trail is the way from the root to a value: the shuffles of the nodes on it, as
// far as they have been asked for.
type trail struct {
	encoded  []byte
	prf      PRF
	shuffles []shuffle
	node     node
}

// at returns the shuffle of the node above the value's nibble of a level. Its
// message is the number of nibbles above, and these.
func (t *trail) at(level int) (*shuffle, error) {
	for l := len(t.shuffles); l <= level; l++ {
		var random [16]byte
		var s shuffle
		if err := t.prf(random[:], t.node.above(t.encoded, l)); err != nil {
			return nil, err
		}
		s.draw(&random)
		clear(random[:])
		t.shuffles = append(t.shuffles, s)
	}
	return &t.shuffles[level], nil
}

// above is the message of the node that a level of a value is a child of.
func (n *node) above(encoded []byte, level int) []byte {
	clear(n[:])
	binary.BigEndian.PutUint16(n[:], uint16(level))
	copy(n[2:], encoded[:level/2])
	if level%2 == 1 {
		n[2+level/2] = encoded[level/2] & 0xF0
	}
	return n[:2+(level+1)/2]
}

// append appends the numbers of the first levels of the way, two in a byte, and
// fills up to the size of the value with fill.
func (t *trail) append(dst []byte, levels int, last, fill byte) ([]byte, error) {
	at := len(dst)
	dst = pad(dst, len(t.encoded))
	for l := range 2 * len(t.encoded) {
		v := fill
		switch {
		case l < levels:
			s, err := t.at(l)
			if err != nil {
				return dst, err
			}
			v = s[nibble(t.encoded, l)]
		case l == levels:
			v = last
		}
		dst[at+l/2] |= v << (4 * (1 - l%2))
	}
	return dst, nil
}

func (t *trail) wipe() {
	clear(t.node[:])
	clear(t.shuffles)
}

// root appends the hash that the paths of one key begin with.
func root(dst []byte, prf PRF) ([]byte, error) {
	at := len(dst)
	dst = pad(dst, RootSize)
	return dst, prf(dst[at:], []byte{0xFF, 0xFF}) // no level has that number
}

// Path appends the way of a value through the tree: for each four bits the number
// that their node has among its siblings, two numbers in a byte. The numbers of
// the children of each node are a pseudorandom permutation of 0 to 15, drawn for
// that node. So values have equal leading numbers exactly as far as they have
// equal leading bits, different values have different paths, and the numbers tell
// nothing beyond that: given which values share how many groups of leading bits,
// every assignment of numbers is equally likely.
//
// With rooted the path begins with a hash of RootSize bytes that is the same for
// all values of a key, so that paths of different keys share no beginning.
func Path(dst, encoded []byte, rooted bool, prf PRF) ([]byte, error) {
	if rooted {
		var err error
		if dst, err = root(dst, prf); err != nil {
			return dst, err
		}
	}
	t := trail{encoded: encoded, prf: prf}
	defer t.wipe()
	return t.append(dst, 2*len(encoded), 0, 0)
}

// Span is paths that lie side by side: from the first to the last, both included.
type Span struct{ First, Last []byte }

// MaxSpans is the largest number of spans that a range over values of size bytes
// with one or two ends is made of: of 15 siblings at most 8 have no neighbour.
func MaxSpans(size int, both bool) int {
	n := fanOut / 2
	if both {
		return n + (2*size-1)*2*n
	}
	return 2 * size * n
}

// Spans returns the paths of a range of values of size bytes: a path is in one of
// the spans exactly if its value is in the range. They are in the order of the
// paths, which is none of the values, and as few as there can be. An end that is
// nil is none.
func Spans(size int, low, high *End, rooted bool, prf PRF) ([]Span, error) {
	var out []Span
	trails := map[*byte]*trail{}
	defer func() {
		for _, t := range trails {
			t.wipe()
		}
	}()
	err := walk(size, low, high, func(encoded []byte, level, from, to int) error {
		if from > to {
			return nil
		}
		t := trails[&encoded[0]]
		if t == nil {
			t = &trail{encoded: encoded, prf: prf}
			trails[&encoded[0]] = t
		}
		s, err := t.at(level)
		if err != nil {
			return err
		}
		for n := from; n <= to; n++ {
			first, err := t.append(nil, level, s[n], 0)
			if err != nil {
				return err
			}
			last, err := t.append(nil, level, s[n], fanOut-1)
			if err != nil {
				return err
			}
			out = append(out, Span{first, last})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out = joined(out)
	if !rooted {
		return out, nil
	}
	head, err := root(nil, prf)
	for i := range out {
		out[i] = Span{slices.Concat(head, out[i].First), slices.Concat(head, out[i].Last)}
	}
	return out, err
}

// Beginning returns the span of the values that begin with bytes of an encoded value:
// the first of n bytes. It is the node above them.
func Beginning(encoded []byte, n int, rooted bool, prf PRF) (Span, error) {
	t := trail{encoded: encoded, prf: prf}
	defer t.wipe()
	var head []byte
	if rooted {
		var err error
		if head, err = root(nil, prf); err != nil {
			return Span{}, err
		}
	}
	first, err := t.append(slices.Clone(head), 2*n, 0, 0)
	if err != nil {
		return Span{}, err
	}
	last, err := t.append(head, 2*n, fanOut-1, fanOut-1)
	return Span{first, last}, err
}

// joined makes spans that have nothing between them one.
func joined(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return bytes.Compare(a.First, b.First) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && follows(out[n-1].Last, s.First) {
			out[n-1].Last = s.Last
			continue
		}
		out = append(out, s)
	}
	return out
}

// follows reports that b is the number after a.
func follows(a, b []byte) bool {
	next := bytes.Clone(a)
	for i := len(next) - 1; i >= 0; i-- {
		if next[i]++; next[i] != 0 {
			return bytes.Equal(next, b)
		}
	}
	return false
}

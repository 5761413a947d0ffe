package leakage

import (
	"bytes"
	"math/bits"
	"slices"
	"strings"
)

// orderCounter keeps the indexes of one partition that reveal the order.
type orderCounter struct{ of map[string][]string }

func (c *orderCounter) add(partition string, index []byte) {
	if c.of == nil {
		c.of = map[string][]string{}
	}
	c.of[partition] = append(c.of[partition], string(index))
}

// order measures what comparisons of all rows with each other tell. Two values
// whose indexes differ first at bit i have there 0 and 1, the smaller one 0: so
// of each value those bits are known at which it leaves another one.
func (c *orderCounter) order() *Order {
	out := &Order{}
	var known, shared, rows, pairs float64
	for _, list := range c.of {
		slices.Sort(list)
		distinct := slices.Compact(slices.Clone(list))
		if len(distinct) > 0 {
			out.Bits = max(out.Bits, len(distinct[0])-1)
		}
		left, right := leaving(distinct), reversed(distinct)
		for i := range distinct {
			n := left[i].or(&right[i]).count()
			out.KnownMost = max(out.KnownMost, n)
			times := float64(occurrences(list, distinct[i]))
			known, rows = known+times*float64(n), rows+times
			if i > 0 {
				shared += float64(common(distinct[i-1], distinct[i]))
				pairs++
			}
		}
	}
	if rows > 0 {
		out.Known = rounded(known / rows)
	}
	if pairs > 0 {
		out.Shared = rounded(shared / pairs)
	}
	return out
}

// classes are those of equal values, of all partitions together.
func (c *orderCounter) classes() Classes {
	var sizes []int64
	for _, list := range c.of {
		for i := 0; i < len(list); {
			n := occurrences(list[i:], list[i])
			sizes, i = append(sizes, int64(n)), i+n
		}
	}
	return classesOf(sizes)
}

// occurrences counts s in a sorted list that holds it.
func occurrences(list []string, s string) int {
	from, _ := slices.BinarySearch(list, s)
	to, _ := slices.BinarySearchFunc(list, s, func(e, t string) int {
		if e <= t {
			return -1
		}
		return 1
	})
	return to - from
}

// positions is a set of bits of an index: it has at most 520.
type positions [9]uint64

// leaving returns, for each string of a sorted list, the positions at which it
// leaves those before it.
func leaving(list []string) []positions {
	out := make([]positions, len(list))
	for i := 1; i < len(list); i++ {
		// Those that the neighbour has left before the place where this one
		// leaves it, this one has left as well.
		out[i] = out[i-1]
		out[i].cut(common(list[i-1], list[i]))
	}
	return out
}

// reversed is leaving, for those behind it.
func reversed(list []string) []positions {
	out := make([]positions, len(list))
	for i := len(list) - 2; i >= 0; i-- {
		out[i] = out[i+1]
		out[i].cut(common(list[i], list[i+1]))
	}
	return out
}

// cut drops the positions from at, and adds at.
func (p *positions) cut(at int) {
	if at >= 64*len(p) {
		return
	}
	w, b := at/64, uint(at%64)
	p[w] = p[w]&(1<<b-1) | 1<<b
	clear(p[w+1:])
}

func (p *positions) or(o *positions) *positions {
	out := *p
	for i := range out {
		out[i] |= o[i]
	}
	return &out
}

func (p *positions) count() int {
	n := 0
	for _, w := range p {
		n += bits.OnesCount64(w)
	}
	return n
}

// common is the number of bytes that two strings share from the left.
func common(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// tokensOf reads the tokens of a contains index: four bytes each, or, with array,
// PostgreSQL's {1,2,3}. ok is false for what is not in that form.
func tokensOf(b []byte, array bool) (out []uint32, ok bool) {
	if array {
		if len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
			return nil, false
		}
		inner := strings.TrimSuffix(strings.TrimPrefix(string(b), "{"), "}")
		if inner == "" {
			return nil, true
		}
		for _, word := range strings.Split(inner, ",") {
			n, negative := uint32(0), strings.HasPrefix(word, "-")
			digits := strings.TrimPrefix(word, "-")
			if digits == "" || len(digits) > 10 {
				return nil, false
			}
			for _, d := range []byte(digits) {
				if d < '0' || d > '9' {
					return nil, false
				}
				n = n*10 + uint32(d-'0')
			}
			if negative {
				n = -n
			}
			out = append(out, n)
		}
	} else {
		for len(b) >= 4 {
			out = append(out, uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3]))
			b = b[4:]
		}
		if len(b) > 0 {
			return nil, false
		}
	}
	slices.Sort(out)
	return out, true
}

// pieces cuts an index that is a chain of hashes of one size.
func pieces(b []byte, size int) [][]byte {
	var out [][]byte
	for len(b) >= size && len(out) < 64 {
		out = append(out, bytes.Clone(b[:size]))
		b = b[size:]
	}
	return out
}

package leakage

import (
	"cmp"
	"hash/maphash"
	"maps"
	"math"
	"slices"
)

// counter counts equal byte strings without keeping them.
type counter struct {
	seed maphash.Seed
	n    map[uint64]int64
}

func newCounter() *counter { return &counter{maphash.MakeSeed(), map[uint64]int64{}} }

// add counts b. Two of a hundred thousand strings meet in one counter once in
// four billion reports.
func (c *counter) add(b []byte) { c.n[maphash.Bytes(c.seed, b)]++ }

func (c *counter) classes() Classes { return classesOf(slices.Collect(maps.Values(c.n))) }

// classesOf describes groups of these sizes.
func classesOf(sizes []int64) Classes {
	slices.SortFunc(sizes, func(a, b int64) int { return cmp.Compare(b, a) })
	c := Classes{Distinct: int64(len(sizes))}
	for _, n := range sizes {
		c.Rows += n
		if n == 1 {
			c.Singletons++
		}
	}
	if c.Rows == 0 {
		return c
	}
	c.Largest = sizes[0]
	for _, n := range sizes {
		p := float64(n) / float64(c.Rows)
		c.Entropy -= p * math.Log2(p)
	}
	c.Entropy, c.MinEntropy = rounded(c.Entropy), rounded(-math.Log2(c.Share()))
	c.Curve = curve(sizes)
	return c
}

// rounded keeps reports of one database equal: sums of floats depend on their
// order in the last digits. It turns -0 into 0.
func rounded(f float64) float64 { return math.Round(f*1000)/1000 + 0 }

// curve samples sizes, sorted, at ranks that grow by a quarter.
func curve(sizes []int64) []Point {
	var out []Point
	for rank := 1; rank <= len(sizes); rank = max(rank+1, rank*5/4) {
		out = append(out, Point{int64(rank), sizes[rank-1]})
	}
	if last := len(sizes); last > 0 && out[len(out)-1].Rank != int64(last) {
		out = append(out, Point{int64(last), sizes[last-1]})
	}
	return out
}

// tokenCounter counts the pieces of texts.
type tokenCounter struct {
	rows [][]uint32
	n    map[uint32]int64
}

func (c *tokenCounter) add(tokens []uint32) {
	if c.n == nil {
		c.n = map[uint32]int64{}
	}
	c.rows = append(c.rows, tokens)
	for i, t := range tokens {
		if i == 0 || tokens[i-1] != t {
			c.n[t]++
		}
	}
}

func (c *tokenCounter) tokens() *Tokens {
	out := &Tokens{Distinct: int64(len(c.n)), Rows: int64(len(c.rows))}
	for _, n := range c.n {
		if n > 1 {
			out.Repeated++
		}
		out.Commonest = max(out.Commonest, n)
	}
	seed, sets := maphash.MakeSeed(), map[uint64]int64{}
	for i, row := range c.rows {
		n := int64(len(row))
		if i == 0 || n < out.Fewest {
			out.Fewest = n
		}
		out.Most = max(out.Most, n)
		sets[c.repeated(seed, row)]++
	}
	for _, n := range sets {
		if n == 1 {
			out.Alone++
		}
	}
	return out
}

// repeated is a hash of the tokens of a row that other rows have, too.
func (c *tokenCounter) repeated(seed maphash.Seed, row []uint32) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, t := range row {
		if c.n[t] > 1 {
			h.Write([]byte{byte(t >> 24), byte(t >> 16), byte(t >> 8), byte(t)})
		}
	}
	return h.Sum64()
}

// classes are those of the tokens: how many rows share each.
func (c *tokenCounter) classes() Classes { return classesOf(slices.Collect(maps.Values(c.n))) }

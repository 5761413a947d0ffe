// Package slab allocates many small values at once and uses their memory
// again. A front end builds the tree of a statement from slabs, the planner
// what it knows of it: for a short statement allocating is most of the work.
//
// Whoever resets a slab answers for nobody holding on to what it handed out.
package slab

// Slab hands out zero values from chunks that double in size. The zero Slab is
// ready. It is not safe for concurrent use.
type Slab[T any] struct {
	chunk []T // the newest chunk
	used  int // how much of it is handed out
}

// The number of values in the first chunk and in the largest: a chunk lives as
// long as anything in it.
const (
	first   = 4
	largest = 256
)

// One returns a pointer to a zero value.
func (s *Slab[T]) One() *T {
	if s.used == len(s.chunk) {
		s.grow(1)
	}
	s.used++
	return &s.chunk[s.used-1]
}

// Many returns n zero values that share nothing with any other result, not
// even by append; nil for none.
func (s *Slab[T]) Many(n int) []T {
	if n == 0 {
		return nil
	}
	if len(s.chunk)-s.used < n {
		s.grow(n)
	}
	s.used += n
	return s.chunk[s.used-n : s.used : s.used]
}

func (s *Slab[T]) grow(n int) {
	s.chunk, s.used = make([]T, max(n, first, min(2*len(s.chunk), largest))), 0
}

// Reset takes back everything that was handed out: the newest chunk is zeroed
// and used again, unless one large request made it.
func (s *Slab[T]) Reset() {
	if s.used == 0 {
		return
	}
	if len(s.chunk) > largest {
		s.chunk = nil
	}
	clear(s.chunk[:min(s.used, len(s.chunk))])
	s.used = 0
}

package slab_test

import (
	"testing"

	"github.com/sealsql/sealsql/internal/slab"
)

func TestEveryValueIsZeroAndItsOwn(t *testing.T) {
	var s slab.Slab[int]
	for round := range 3 {
		seen := map[*int]bool{}
		take := func(p *int) {
			if *p != 0 || seen[p] {
				t.Fatalf("round %d: value %d, handed out before: %v", round, *p, seen[p])
			}
			seen[p], *p = true, 7
		}
		for n := range 40 {
			take(s.One())
			many := s.Many(n)
			if len(many) != n || cap(many) != n {
				t.Fatalf("asked for %d, got %d with room for %d", n, len(many), cap(many))
			}
			for i := range many {
				take(&many[i])
			}
		}
		s.Reset()
	}
}

func TestNoneIsNil(t *testing.T) {
	var s slab.Slab[string]
	if s.Many(0) != nil {
		t.Fatal("an empty list is not nil")
	}
}

func TestResetSlabTakesNoMemory(t *testing.T) {
	var s slab.Slab[[4]int]
	use := func() {
		s.Reset()
		for range 3 {
			s.One()
		}
		s.Many(20)
	}
	for range 5 {
		use()
	}
	if n := testing.AllocsPerRun(100, use); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestResetLetsGoOfLargeChunks(t *testing.T) {
	var s slab.Slab[byte]
	before := &s.Many(1 << 20)[0]
	s.Reset()
	if &s.Many(10)[0] == before {
		t.Fatal("a large chunk is kept")
	}
}

package order_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/sealsql/sealsql/internal/order"
)

func end(b []byte, place order.Place, open bool) *order.End {
	return &order.End{Encoded: b, Place: place, Open: open}
}

// tags are the nodes of a cover, by level.
func tags(t testing.TB, size int, low, high *order.End) map[int]map[string]bool {
	t.Helper()
	out := map[int]map[string]bool{}
	err := order.Cover(size, low, high, prf, func(level int, tag []byte) {
		if out[level] == nil {
			out[level] = map[string]bool{}
		}
		if out[level][string(tag)] {
			t.Errorf("a node of level %d occurs twice", level)
		}
		out[level][string(tag)] = true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// inside counts the nodes above a value that are in a cover.
func inside(t testing.TB, cover map[int]map[string]bool, encoded []byte) (n int) {
	t.Helper()
	b, err := order.Hide(nil, encoded, prf)
	if err != nil || len(b) != 2*order.TagSize*len(encoded) {
		t.Fatal(len(b), err)
	}
	for level := range 2 * len(encoded) {
		if cover[level][string(b[order.TagSize*level:order.TagSize*(level+1)])] {
			n++
		}
	}
	return n
}

// within is the meaning of a range, told by comparing.
func within(x []byte, low, high *order.End) bool {
	if low != nil {
		c := bytes.Compare(x, low.Encoded)
		switch {
		case low.Place == order.Over, low.Place == order.At && (c < 0 || c == 0 && low.Open), low.Place == order.Above && c <= 0:
			return false
		}
	}
	if high != nil {
		c := bytes.Compare(x, high.Encoded)
		switch {
		case high.Place == order.Under, high.Place == order.At && (c > 0 || c == 0 && high.Open), high.Place == order.Above && c > 0:
			return false
		}
	}
	return true
}

func TestACoverHoldsExactlyTheValuesOfItsRange(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	places := []order.Place{order.At, order.At, order.At, order.Above, order.Under, order.Over}
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = []byte{0, 0xFF, byte(r.Uint32()), byte(r.Uint32())}[r.IntN(4)]
		}
		return b
	}
	for range 3000 {
		size := 1 + r.IntN(3)
		var low, high *order.End
		if r.IntN(4) > 0 {
			low = end(random(size), places[r.IntN(len(places))], r.IntN(2) == 0)
		}
		if r.IntN(4) > 0 {
			high = end(random(size), places[r.IntN(len(places))], r.IntN(2) == 0)
		}
		cover := tags(t, size, low, high)
		for level, nodes := range cover {
			width := 15
			if low != nil && high != nil {
				width = 30
			}
			if level == 0 {
				width = 16
			}
			if len(nodes) > width {
				t.Errorf("level %d has %d nodes, more than %d", level, len(nodes), width)
			}
		}
		values := [][]byte{random(size), random(size), random(size), bytes.Repeat([]byte{0}, size), bytes.Repeat([]byte{0xFF}, size)}
		for _, e := range []*order.End{low, high} {
			if e == nil {
				continue
			}
			values = append(values, e.Encoded)
			for _, step := range []byte{1, 0xFF} {
				near := bytes.Clone(e.Encoded)
				near[size-1] += step
				values = append(values, near)
			}
		}
		for _, x := range values {
			n, want := inside(t, cover, x), 0
			if within(x, low, high) {
				want = 1
			}
			if n != want {
				t.Fatalf("%x has %d nodes in the cover from %+v to %+v, want %d", x, n, low, high, want)
			}
		}
	}
}

func TestEqualLeadingBitsAreEqualHashes(t *testing.T) {
	a, _ := order.Hide(nil, []byte{0x12, 0x34}, prf)
	b, _ := order.Hide(nil, []byte{0x12, 0x35}, prf)
	c, _ := order.Hide(nil, []byte{0x02, 0x34}, prf)
	n := order.TagSize
	if !bytes.Equal(a[:3*n], b[:3*n]) || bytes.Equal(a[3*n:], b[3*n:]) {
		t.Error("values that share twelve bits do not share three hashes")
	}
	for level := range 4 {
		if bytes.Equal(a[level*n:(level+1)*n], c[level*n:(level+1)*n]) {
			t.Errorf("values without a common beginning share the hash of level %d", level)
		}
	}
	if bytes.Equal(a[:n], a[n:2*n]) {
		t.Error("two levels have one hash")
	}
}

func TestErrorsOfTheKeyedFunctionArePassedOn(t *testing.T) {
	cause := errors.New("cause")
	fails := func(_, _ []byte) error { return cause }
	if _, err := order.Hide(nil, []byte{1}, fails); !errors.Is(err, cause) {
		t.Errorf("Hide: %v", err)
	}
	if _, err := order.Reveal(nil, []byte{1}, order.At, fails); !errors.Is(err, cause) {
		t.Errorf("Reveal: %v", err)
	}
	for _, ends := range [][2]*order.End{{nil, nil}, {end([]byte{1}, order.At, false), nil}, {nil, end([]byte{9}, order.At, true)}, {end([]byte{1}, order.At, false), end([]byte{0x70}, order.At, false)}} {
		if err := order.Cover(1, ends[0], ends[1], fails, func(int, []byte) {}); !errors.Is(err, cause) {
			t.Errorf("Cover: %v", err)
		}
	}
}

func FuzzCover(f *testing.F) {
	f.Add([]byte{1, 2}, []byte{3, 4}, []byte{2, 2}, true, false)
	f.Fuzz(func(t *testing.T, a, b, x []byte, openLow, openHigh bool) {
		size := min(len(a), len(b), len(x), 8)
		if size == 0 {
			return
		}
		low, high := end(a[:size], order.At, openLow), end(b[:size], order.At, openHigh)
		want := 0
		if within(x[:size], low, high) {
			want = 1
		}
		if n := inside(t, tags(t, size, low, high), x[:size]); n != want {
			t.Fatalf("%x: %d nodes in the cover", x, n)
		}
	})
}

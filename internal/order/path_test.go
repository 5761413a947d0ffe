package order_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sealsql/sealsql/internal/order"
)

func path(t testing.TB, encoded []byte, rooted bool) []byte {
	t.Helper()
	b, err := order.Path(nil, encoded, rooted, prf)
	if err != nil || len(b) != order.PathSize(len(encoded), rooted) {
		t.Fatal(len(b), err)
	}
	return b
}

func spans(t testing.TB, size int, low, high *order.End, rooted bool) []order.Span {
	t.Helper()
	out, err := order.Spans(size, low, high, rooted, prf)
	if err != nil {
		t.Fatal(err)
	}
	if most := order.MaxSpans(size, low != nil && high != nil); len(out) > most {
		t.Errorf("%d spans, more than %d", len(out), most)
	}
	for i, s := range out {
		if len(s.First) != order.PathSize(size, rooted) || len(s.Last) != len(s.First) || bytes.Compare(s.First, s.Last) > 0 ||
			i > 0 && bytes.Compare(out[i-1].Last, s.First) >= 0 {
			t.Errorf("span %d is from %x to %x", i, s.First, s.Last)
		}
	}
	return out
}

// among counts the spans that a path is in.
func among(spans []order.Span, path []byte) (n int) {
	for _, s := range spans {
		if bytes.Compare(s.First, path) <= 0 && bytes.Compare(path, s.Last) <= 0 {
			n++
		}
	}
	return n
}

func TestSpansHoldExactlyTheValuesOfTheirRange(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	places := []order.Place{order.At, order.At, order.At, order.Above, order.Under, order.Over}
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = []byte{0, 0xFF, byte(r.Uint32()), byte(r.Uint32())}[r.IntN(4)]
		}
		return b
	}
	for round := range 3000 {
		size, rooted := 1+r.IntN(3), round%2 == 0
		var low, high *order.End
		if r.IntN(4) > 0 {
			low = end(random(size), places[r.IntN(len(places))], r.IntN(2) == 0)
		}
		if r.IntN(4) > 0 {
			high = end(random(size), places[r.IntN(len(places))], r.IntN(2) == 0)
		}
		values := [][]byte{random(size), random(size), bytes.Repeat([]byte{0}, size), bytes.Repeat([]byte{0xFF}, size)}
		for _, e := range []*order.End{low, high} {
			if e != nil {
				for _, step := range []byte{0, 1, 0xFF} {
					near := bytes.Clone(e.Encoded)
					near[size-1] += step
					values = append(values, near)
				}
			}
		}
		in := spans(t, size, low, high, rooted)
		for _, x := range values {
			want := 0
			if within(x, low, high) {
				want = 1
			}
			if n := among(in, path(t, x, rooted)); n != want {
				t.Fatalf("%x is in %d spans from %+v to %+v, want %d", x, n, low, high, want)
			}
		}
	}
}

// TestRangesOfAllBytesAreExact goes through the 256 values, for a seventh of their
// ranges.
func TestRangesOfAllBytesAreExact(t *testing.T) {
	paths := make([][]byte, 256)
	seen := map[byte]bool{}
	for v := range paths {
		paths[v] = path(t, []byte{byte(v)}, false)
		seen[paths[v][0]] = true
	}
	if len(seen) != 256 {
		t.Fatalf("256 values have %d paths", len(seen))
	}
	for low := range 256 {
		for high := low % 7; high < 256; high += 7 {
			in := spans(t, 1, end([]byte{byte(low)}, order.At, false), end([]byte{byte(high)}, order.At, false), false)
			for v, p := range paths {
				want := 0
				if low <= v && v <= high {
					want = 1
				}
				if among(in, p) != want {
					t.Fatalf("%d from %d to %d: %v", v, low, high, in)
				}
			}
		}
	}
}

func TestABeginningHoldsTheValuesThatBeginSo(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for round := range 2000 {
		rooted := round%2 == 0
		a := []byte{byte(r.IntN(4)), byte(r.IntN(4)), byte(r.IntN(4))}
		b := []byte{byte(r.IntN(4)), byte(r.IntN(4)), byte(r.IntN(4))}
		n := r.IntN(4)
		s, err := order.Beginning(a, n, rooted, prf)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if bytes.Equal(a[:n], b[:n]) {
			want = 1
		}
		if among([]order.Span{s}, path(t, b, rooted)) != want {
			t.Fatalf("%x among those that begin with %x (rooted %t): %x", b, a[:n], rooted, s)
		}
	}
}

// common is the number of leading groups of four bits that two values share.
func common(a, b []byte) (n int) {
	for ; n < 2*len(a); n++ {
		if x := a[n/2] ^ b[n/2]; n%2 == 0 && x>>4 != 0 || n%2 == 1 && x != 0 {
			break
		}
	}
	return n
}

func TestPathsPartWhereTheirValuesDo(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 5000 {
		a := []byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}
		b := bytes.Clone(a)
		b[r.IntN(3)] ^= byte(1 << r.IntN(8))
		if got, want := common(path(t, a, false), path(t, b, false)), common(a, b); got != want {
			t.Fatalf("paths of %x and %x share %d groups, want %d", a, b, got, want)
		}
		if got, want := common(path(t, a, true), path(t, b, true)), 2*order.RootSize+common(a, b); got != want {
			t.Fatalf("rooted paths of %x and %x share %d groups, want %d", a, b, got, want)
		}
	}
}

// keyed is a keyed function for each number.
func keyed(n int) order.PRF {
	return func(out, message []byte) error {
		return prf(out, fmt.Appendf(message[:len(message):len(message)], "/%d", n))
	}
}

// TestPathsShowNoOrder: over many keys a node has every number about as often,
// whatever its place among its siblings, and of two siblings either is first.
func TestPathsShowNoOrder(t *testing.T) {
	const keys = 4000
	var numbers [16][16]int
	var smaller [16]int // how often the number is less than that of the sibling before
	for k := range keys {
		last := byte(0)
		for v := range 16 {
			b, err := order.Path(nil, []byte{byte(v) << 4}, false, keyed(k))
			if err != nil {
				t.Fatal(err)
			}
			n := b[0] >> 4
			numbers[v][n]++
			if v > 0 && n < last {
				smaller[v]++
			}
			last = n
		}
	}
	for v := range numbers {
		chi := 0.0
		for _, n := range numbers[v] {
			d := float64(n) - keys/16.0
			chi += d * d / (keys / 16.0)
		}
		if chi > 50 { // 15 degrees of freedom: passed by one in 80,000
			t.Errorf("numbers of child %d are not evenly distributed: %v", v, numbers[v])
		}
		if n := smaller[v]; v > 0 && (n < keys/2-160 || n > keys/2+160) { // five standard deviations
			t.Errorf("child %d comes before child %d under %d of %d keys", v, v-1, n, keys)
		}
	}
}

// TestStoredPathsAreWhatTheyWere holds what is stored: indexes must be found by
// every later version.
func TestStoredPathsAreWhatTheyWere(t *testing.T) {
	for _, c := range []struct {
		value  string
		rooted bool
		want   string
	}{
		{"00", false, "30"},
		{"ff", false, "b8"},
		{"80000000", false, "c95c0ceb"},
		{"8000002a", false, "c95c0c01"},
		{"8000002a", true, "347b146eba5d388b113a1c54b8fd6c2ac95c0c01"},
		{"0123456789abcdef", false, "34a7298293fc16b5"},
	} {
		value, err := hex.DecodeString(c.value)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(path(t, value, c.rooted)); got != c.want {
			t.Errorf("path of %s (rooted %t) is %s, want %s", c.value, c.rooted, got, c.want)
		}
	}
}

func TestErrorsOfTheKeyedFunctionEndPathsAndSpans(t *testing.T) {
	cause := errors.New("cause")
	fails := func(_, _ []byte) error { return cause }
	for _, rooted := range []bool{false, true} {
		if _, err := order.Path(nil, []byte{1}, rooted, fails); !errors.Is(err, cause) {
			t.Errorf("Path: %v", err)
		}
		if _, err := order.Beginning([]byte{1}, 1, rooted, fails); !errors.Is(err, cause) {
			t.Errorf("Beginning: %v", err)
		}
		for _, ends := range [][2]*order.End{{nil, nil}, {end([]byte{1}, order.At, false), nil}, {nil, end([]byte{9}, order.At, true)}, {end([]byte{1}, order.At, false), end([]byte{0x70}, order.At, false)}} {
			if _, err := order.Spans(1, ends[0], ends[1], rooted, fails); !errors.Is(err, cause) {
				t.Errorf("Spans: %v", err)
			}
		}
	}
}

func FuzzSpans(f *testing.F) {
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
		if n := among(spans(t, size, low, high, openLow), path(t, x[:size], openLow)); n != want {
			t.Fatalf("%x is in %d spans", x, n)
		}
	})
}

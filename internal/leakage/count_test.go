package leakage

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestGroupsAreDescribed(t *testing.T) {
	c := classesOf([]int64{1, 4, 2, 1})
	want := Classes{Rows: 8, Distinct: 4, Singletons: 2, Largest: 4, Entropy: 1.75, MinEntropy: 1, Curve: []Point{{1, 4}, {2, 2}, {3, 1}, {4, 1}}}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v", c)
	}
	if c := classesOf(nil); c.Rows != 0 || c.Share() != 0 || c.Curve != nil {
		t.Errorf("nothing is %+v", c)
	}
	many := make([]int64, 5000)
	for i := range many {
		many[i] = 3
	}
	if c := classesOf(many); len(c.Curve) > 60 || c.Curve[len(c.Curve)-1] != (Point{5000, 3}) {
		t.Errorf("the curve of 5000 groups has %d points", len(c.Curve))
	}
}

// sorting is an index like that of order: revealing, of 8 bits: what matters is
// where two of them differ first, and which is smaller there.
func sorting(v byte) []byte {
	out := make([]byte, 0, 9)
	for i := range 8 {
		noise := byte(17*i+31*int(v>>(8-i))) % 200 // of the bits before
		out = append(out, noise+v>>(7-i)&1)
	}
	return append(out, 1)
}

func TestBitsThatComparisonsTellAreThoseAtWhichValuesPart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		n := 1 + r.IntN(40)
		values := make([]byte, n)
		var c orderCounter
		for i := range values {
			values[i] = byte(r.IntN(256))
			c.add("p", sorting(values[i]))
		}
		total, most := 0, 0
		for _, v := range values {
			known := map[int]bool{}
			for _, w := range values {
				for bit := 7; bit >= 0; bit-- {
					if v>>bit != w>>bit {
						known[bit] = true
						break
					}
				}
			}
			total, most = total+len(known), max(most, len(known))
		}
		got := c.order()
		if got.Bits != 8 || got.KnownMost != most || got.Known != rounded(float64(total)/float64(n)) {
			t.Fatalf("values %v: got %+v, want %d at most, %d together", values, got, most, total)
		}
	}
}

func TestOrdersOfTwoPartitionsAreNotCompared(t *testing.T) {
	var c orderCounter
	c.add("a", sorting(0))
	c.add("b", sorting(255))
	if o := c.order(); o.Known != 0 {
		t.Errorf("values of two partitions tell %v bits of each other", o.Known)
	}
	if k := c.classes(); k.Rows != 2 || k.Distinct != 2 {
		t.Errorf("got %+v", k)
	}
}

func TestTokensAreReadInBothForms(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []uint32
		ok   bool
	}{
		{"{}", nil, true},
		{"{3,-1,2}", []uint32{2, 3, 0xFFFFFFFF}, true},
		{"\x00\x00\x00\x07\x00\x00\x00\x02", []uint32{2, 7}, true},
		{"", nil, true},
		{"{1,x}", nil, false},
		{"{000", []uint32{0x7b303030}, true}, // bytes that look like an array
		{"{1,}", nil, false},
		{"\x00\x01", nil, false},
	} {
		got, ok := tokensOf([]byte(c.in), strings.HasPrefix(c.in, "{") && !strings.HasPrefix(c.in, "{000"))
		if ok != c.ok || ok && !slices.Equal(got, c.want) {
			t.Errorf("%q: got %v, %v", c.in, got, ok)
		}
	}
}

func FuzzTokensOf(f *testing.F) {
	f.Add([]byte("{1,-2147483648}"), true)
	f.Add([]byte("{{}"), false)
	f.Fuzz(func(t *testing.T, b []byte, array bool) {
		if out, ok := tokensOf(b, array); ok && !slices.IsSorted(out) {
			t.Fatal("tokens are not sorted")
		}
	})
}

func TestFillingIsNotTakenForText(t *testing.T) {
	var c tokenCounter
	c.add([]uint32{1, 2, 100}) // 100 and more occur once: filling, or rare pieces
	c.add([]uint32{1, 2, 101})
	c.add([]uint32{1, 3, 102})
	c.add([]uint32{3, 3, 103})
	got := *c.tokens()
	want := Tokens{Rows: 4, Fewest: 3, Most: 3, Distinct: 7, Repeated: 3, Commonest: 3, Alone: 2}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestBitsAreChosenBetweenTwoAndTheRoot(t *testing.T) {
	for _, c := range []struct {
		distinct int64
		want     int
	}{{1, 0}, {100, 0}, {511, 0}, {512, 8}, {50_000, 8}, {65_536, 8}, {65_537, 0}, {131_072, 16}, {1 << 30, 16}} {
		b, ok := planned(1<<40, c.distinct)
		if b != c.want && (ok || c.want != 0) {
			t.Errorf("%d values: %d bits, want %d", c.distinct, b, c.want)
		}
		if !ok {
			continue
		}
		if in := float64(c.distinct) / float64(int64(1)<<b); in < 2 || in*in > float64(c.distinct)+1e-6 {
			t.Errorf("%d values: %.1f in a group of %d bits", c.distinct, in, b)
		}
	}
}

func TestRiskFollowsTheData(t *testing.T) {
	even := func(groups, each int64) []int64 {
		out := make([]int64, groups)
		for i := range out {
			out[i] = each
		}
		return out
	}
	for _, c := range []struct {
		why   string
		sizes []int64
		skew  bool
	}{
		{"a few rows tell nothing", even(2, 4), false},
		{"all different", even(1000, 1), false},
		{"few groups of many rows", even(10, 100), true},
		{"many groups, evenly", even(200, 5), false},
		{"one of many groups has a tenth", append(even(900, 1), 100), true},
	} {
		k := classesOf(c.sizes)
		if got := skewed(&k); got != c.skew {
			t.Errorf("%s: %v", c.why, got)
		}
	}
	shares := strings.Join([]string{percent(1, 3), percent(1, 200), percent(1, 1e9), percent(0, 5), percent(1, 0)}, ", ")
	if shares != "33 %, 0.5 %, less than 0.01 %, 0 %, 0 %" || number(1234567) != "1,234,567" {
		t.Errorf("numbers are printed as %s and %s", shares, number(1234567))
	}
}

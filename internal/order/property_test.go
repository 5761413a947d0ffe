package order_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/order"
)

// ranked makes a value of a type from its rank: a greater rank is a greater value.
type ranked struct {
	dialect, typ string
	prefix       int
	low, high    int64 // ranks
	value        func(rank int64) value
}

func day(rank int64) time.Time { return time.Unix(rank*86400, 0).UTC() }

func micros(rank int64) time.Time { return time.UnixMicro(rank).UTC() }

// cents writes a rank as a number with two digits behind the point.
func cents(rank int64) value {
	sign := ""
	if rank < 0 {
		sign, rank = "-", -rank
	}
	return number(fmt.Sprintf("%s%d.%02d", sign, rank/100, rank%100))
}

// letters is a text of five letters that sort as their rank does.
func letters(rank int64) string {
	out := make([]byte, 5)
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = byte('a' + rank%26)
		rank /= 26
	}
	return string(out)
}

var days1970To2100 = [2]int64{0, 47482}

var everyType = []ranked{
	{"postgres", "smallint", 0, math.MinInt16, math.MaxInt16, integer},
	{"postgres", "integer", 0, math.MinInt32, math.MaxInt32, integer},
	{"postgres", "bigint", 0, math.MinInt64, math.MaxInt64, integer},
	{"postgres", "numeric(10,2)", 0, -9_999_999_999, 9_999_999_999, cents},
	{"postgres", "real", 0, -1 << 24, 1 << 24, func(n int64) value { return single(float32(n)) }},
	{"postgres", "double precision", 0, -1 << 53, 1 << 53, func(n int64) value { return double(float64(n) / 1024) }},
	{"postgres", "date", 0, math.MinInt32, math.MaxInt32, func(n int64) value { return days(uint32(int32(n))) }},
	{"postgres", "time", 0, 0, 86_400_000_000, func(n int64) value { return counted(logical.TagTime, n) }},
	{"postgres", "timestamp", 0, math.MinInt64, math.MaxInt64, func(n int64) value { return counted(logical.TagTimestamp, n) }},
	{"postgres", "timestamptz", 0, math.MinInt64, math.MaxInt64, func(n int64) value { return counted(logical.TagTimestampTZ, n) }},
	{"postgres", "text", 8, 0, 26*26*26*26*26 - 1, func(n int64) value { return textOf(letters(n)) }},
	{"postgres", "bytea", 8, 0, 1<<40 - 1, func(n int64) value { return blob(string(logical.AppendInt64(nil, n)[3:])) }},
	{"mysql", "tinyint", 0, math.MinInt8, math.MaxInt8, integer},
	{"mysql", "smallint unsigned", 0, 0, math.MaxUint16, integer},
	{"mysql", "mediumint", 0, -1 << 23, 1<<23 - 1, integer},
	{"mysql", "int unsigned", 0, 0, math.MaxUint32, integer},
	{"mysql", "bigint unsigned", 0, 0, math.MaxInt64, func(n int64) value { return unsigned(uint64(n) * 2) }},
	{"mysql", "decimal(20,2)", 0, math.MinInt64 / 2, math.MaxInt64 / 2, cents},
	{"mysql", "double", 0, -1 << 53, 1 << 53, func(n int64) value { return double(float64(n) * 3) }},
	{"mysql", "date", 0, days1970To2100[0], days1970To2100[1], func(n int64) value { return date(day(n).Format("2006-01-02")) }},
	{"mysql", "datetime(6)", 0, 0, 4_102_444_800_000_000, func(n int64) value { return timestamp(micros(n).Format("2006-01-02 15:04:05.000000")) }},
	{"mysql", "time(6)", 0, 0, 86_399_999_999, func(n int64) value { return clock(micros(n).Format("15:04:05.000000")) }},
	{"mysql", "varchar(8)", 8, 0, 26*26*26*26*26 - 1, func(n int64) value { return textOf(letters(n)) }},
	{"sqlite", "integer", 0, math.MinInt64, math.MaxInt64, integer},
	{"sqlite", "real", 0, -1 << 53, 1 << 53, func(n int64) value { return double(float64(n) / 4) }},
	{"sqlite", "numeric", 0, math.MinInt64, math.MaxInt64, integer},
	{"sqlite", "date", 10, days1970To2100[0], days1970To2100[1], func(n int64) value { return textOf(day(n).Format("2006-01-02")) }},
	{"sqlite", "text", 8, 0, 26*26*26*26*26 - 1, func(n int64) value { return textOf(letters(n)) }},
}

// rank draws one: anywhere, near an end, or near another.
func (c *ranked) rank(r *rand.Rand, near int64) int64 {
	span := uint64(c.high) - uint64(c.low)
	from := c.low
	switch r.IntN(4) {
	case 0:
		span = min(span, 300)
	case 1:
		from, span = c.high-int64(min(span, 300)), min(span, 300)
	case 2:
		if near > c.low+20 && near < c.high-20 {
			from, span = near-20, 40
		}
	}
	if span == math.MaxUint64 {
		return int64(r.Uint64())
	}
	return int64(uint64(from) + r.Uint64N(span+1))
}

// Of every type that can have a range index, random values sort by their indexes
// as they sort by themselves, and the nodes of a range are above exactly the
// values that lie in it.
func TestEveryTypeIsSortedAndCoveredExactly(t *testing.T) {
	for _, c := range everyType {
		t.Run(c.dialect+" "+c.typ, func(t *testing.T) {
			t.Parallel()
			e := encoding(t, c.dialect, c.typ, c.prefix, true)
			r := rand.New(rand.NewPCG(5, uint64(len(c.typ))))
			ranks := make([]int64, 60)
			last := c.low
			for i := range ranks {
				last = c.rank(r, last)
				ranks[i] = last
			}
			slices.Sort(ranks)
			ranks = slices.Compact(ranks)
			c.sorted(t, e, ranks)
			for range 40 {
				c.covered(t, e, ranks, r.IntN(len(ranks)), r.IntN(len(ranks)), r)
			}
		})
	}
}

func (c *ranked) sorted(t *testing.T, e *order.Encoding, ranks []int64) {
	t.Helper()
	var before []byte
	for i, n := range ranks {
		ix := reveal(t, e, c.value(n))
		if i > 0 && bytes.Compare(before, ix) >= 0 {
			t.Errorf("the index of rank %d does not follow that of %d", n, ranks[i-1])
		}
		before = ix
	}
}

// covered asks for the range from the a-th to the b-th value, with open ends or
// without, and looks which values are found.
func (c *ranked) covered(t *testing.T, e *order.Encoding, ranks []int64, a, b int, r *rand.Rand) {
	t.Helper()
	encoded := func(n int64) []byte {
		v := c.value(n)
		out, place, err := e.Append(nil, v.tag, v.payload)
		if err != nil || place != order.At {
			t.Fatalf("rank %d: place %d, %v", n, place, err)
		}
		return out
	}
	low, high := end(encoded(ranks[a]), order.At, r.IntN(2) == 0), end(encoded(ranks[b]), order.At, r.IntN(2) == 0)
	cover := tags(t, e.Size(), low, high)
	for i, n := range ranks {
		want := 0
		if (i > a || i == a && !low.Open) && (i < b || i == b && !high.Open) {
			want = 1
		}
		if got := inside(t, cover, encoded(n)); got != want {
			t.Fatalf("rank %d is found %d times between %d and %d, want %d", n, got, ranks[a], ranks[b], want)
		}
	}
}

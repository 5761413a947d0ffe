package order_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/order"
	"github.com/sealsql/sealsql/schema"
)

func encoding(t testing.TB, dialect, typ string, prefix int, short bool) *order.Encoding {
	t.Helper()
	parsed, err := schema.ParseType(typ)
	if err != nil {
		t.Fatal(err)
	}
	e, err := order.New(dialect, parsed, prefix, short)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// value is a payload.
type value struct {
	tag     logical.Tag
	payload []byte
}

func integer(n int64) value    { return value{logical.TagInt64, logical.AppendInt64(nil, n)} }
func unsigned(n uint64) value  { return value{logical.TagUint64, logical.AppendUint64(nil, n)} }
func double(f float64) value   { return value{logical.TagFloat64, logical.AppendFloat64(nil, f)} }
func single(f float32) value   { return value{logical.TagFloat32, logical.AppendFloat32(nil, f)} }
func number(s string) value    { return value{logical.TagNumeric, []byte(s)} }
func textOf(s string) value    { return value{logical.TagText, []byte(s)} }
func blob(s string) value      { return value{logical.TagBytes, []byte(s)} }
func date(s string) value      { return value{logical.TagDate, []byte(s)} }
func clock(s string) value     { return value{logical.TagTime, []byte(s)} }
func timestamp(s string) value { return value{logical.TagTimestamp, []byte(s)} }
func days(n uint32) value {
	return value{logical.TagDate, []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}}
}
func counted(tag logical.Tag, n int64) value { return value{tag, logical.AppendInt64(nil, n)} }

// prf is a keyed function for tests.
func prf(out, message []byte) error {
	m := hmac.New(sha256.New, []byte("a key for tests"))
	m.Write(message)
	copy(out, m.Sum(nil))
	return nil
}

func reveal(t testing.TB, e *order.Encoding, v value) []byte {
	t.Helper()
	b, place, err := e.Append(nil, v.tag, v.payload)
	if err != nil {
		t.Fatalf("%d %x: %v", v.tag, v.payload, err)
	}
	if len(b) != e.Size() {
		t.Fatalf("%d %x: %d bytes, want %d", v.tag, v.payload, len(b), e.Size())
	}
	ix, err := order.Reveal(nil, b, place, prf)
	if err != nil {
		t.Fatal(err)
	}
	if len(ix) != order.RevealedSize(e.Size()) {
		t.Fatalf("an index has %d bytes, want %d", len(ix), order.RevealedSize(e.Size()))
	}
	return ix
}

// Each list is in ascending order; what stands in one string of it is equal.
func TestIndexesSortAsTheEngineSortsValues(t *testing.T) {
	for _, c := range []struct {
		why, dialect, typ string
		prefix            int
		short             bool
		ascending         [][]value
	}{
		{"small integers, and what is beside them", "postgres", "smallint", 0, false, [][]value{
			{number("-1e30"), integer(math.MinInt64)},
			{integer(-32768)},
			{number("-32767.5")},
			{integer(-1)},
			{number("-0.5")},
			{integer(0), number("0.00")},
			{number("0.001")},
			{integer(1)},
			{number("17"), integer(17)},
			{number("17.5"), number("17.2")},
			{integer(18)},
			{integer(32767)},
			{integer(32768), number("32767.5"), number("1e99")},
		}},
		{"big integers", "postgres", "bigint", 0, false, [][]value{
			{integer(math.MinInt64)}, {integer(-1 << 32)}, {integer(-1)}, {integer(0)}, {integer(255)}, {integer(256)}, {integer(math.MaxInt64)}, {number("9223372036854775808")},
		}},
		{"unsigned integers", "mysql", "bigint unsigned", 0, false, [][]value{
			{integer(-1), number("-0.5")}, {unsigned(0), integer(0)}, {unsigned(1)}, {unsigned(1 << 63)}, {unsigned(math.MaxUint64)}, {number("18446744073709551616")},
		}},
		{"a byte", "mysql", "tinyint", 0, false, [][]value{{integer(-129)}, {integer(-128)}, {integer(0)}, {integer(127)}, {integer(200)}}},
		{"money", "postgres", "numeric(5,2)", 0, false, [][]value{
			{number("-Infinity")},
			{number("-1000"), number("-999.991")},
			{number("-999.99")},
			{number("-1.005")},
			{number("-1.00"), number("-1")},
			{number("-0.01")},
			{number("0"), number("-0.00"), number("0.000")},
			{number("0.001"), number("0.009")},
			{number("0.01")},
			{number("1.5"), number("1.50"), number("1.5000")},
			{number("999.99")},
			{number("999.999"), number("1000"), number("1e20")},
			{number("Infinity")},
			{number("NaN")},
		}},
		{"decimals", "mysql", "decimal(4,0)", 0, false, [][]value{{number("-9999")}, {number("-1")}, {number("0")}, {number("0.5")}, {number("1")}, {number("9999")}, {number("10000")}}},
		{"doubles", "postgres", "double precision", 0, false, [][]value{
			{double(math.Inf(-1))},
			{double(-math.MaxFloat64)},
			{double(-1)},
			{double(-math.SmallestNonzeroFloat64)},
			{double(0), double(math.Copysign(0, -1))},
			{double(math.SmallestNonzeroFloat64)},
			{double(0.5)},
			{double(1), single(1)},
			{double(math.MaxFloat64)},
			{double(math.Inf(1))},
			{double(math.NaN()), single(float32(math.NaN()))},
		}},
		{"days", "postgres", "date", 0, false, [][]value{{days(1 << 31)}, {days(uint32(0xFFFFFFFF))}, {days(0)}, {days(1)}, {days(math.MaxInt32)}}},
		{"microseconds of a day", "postgres", "time", 0, false, [][]value{{counted(logical.TagTime, 0)}, {counted(logical.TagTime, 1)}, {counted(logical.TagTime, 86_400_000_000)}}},
		{"moments", "postgres", "timestamptz", 0, false, [][]value{{counted(logical.TagTimestampTZ, math.MinInt64)}, {counted(logical.TagTimestampTZ, -1)}, {counted(logical.TagTimestampTZ, 0)}, {counted(logical.TagTimestampTZ, math.MaxInt64)}}},
		{"dates with parts that are zero", "mysql", "date", 0, false, [][]value{
			{date("0000-00-00")}, {date("2023-12-31")}, {timestamp("2023-12-31 00:00:01"), timestamp("2023-12-31 23:59:59.999999")}, {date("2024-00-00")}, {date("2024-01-00")}, {date("2024-01-01"), timestamp("2024-01-01 00:00:00.000000")}, {date("9999-12-31")},
		}},
		{"datetimes", "mysql", "datetime(3)", 0, false, [][]value{
			{timestamp("0000-00-00 00:00:00")}, {timestamp("2024-01-01 00:00:00"), timestamp("2024-01-01 00:00:00.000"), date("2024-01-01")}, {timestamp("2024-01-01 00:00:00.001")}, {timestamp("2024-01-01 00:00:00.0011")}, {timestamp("2024-01-01 09:59:59")}, {timestamp("2024-01-01 10:00:00")}, {timestamp("9999-12-31 23:59:59.999999")},
		}},
		{"spans", "mysql", "time(6)", 0, false, [][]value{{clock("-838:59:59.000000")}, {clock("-00:00:01")}, {clock("-00:00:00.000001")}, {clock("00:00:00")}, {clock("00:00:00.5"), clock("00:00:00.500000")}, {clock("100:00:00")}, {clock("838:59:59.000000")}}},
		{"texts", "postgres", "text", 4, false, [][]value{{textOf("")}, {textOf("A")}, {textOf("a")}, {textOf("a\x00")}, {textOf("a ")}, {textOf("aa")}, {textOf("abcd")}, {textOf("abcde"), textOf("abcdz")}, {textOf("é")}}},
		{"texts with blanks that do not count", "postgres", "char(8)", 8, false, [][]value{{textOf("a"), textOf("a       ")}, {textOf("a!"), textOf("a!      ")}, {textOf("b       ")}}},
		{"bytes", "mysql", "varbinary(4)", 4, false, [][]value{{blob("")}, {blob("\x00")}, {blob("\x00\x00")}, {blob("\x00\x01")}, {blob("\xff")}}},
		{"SQLite's integers, and what is beside them", "sqlite", "integer", 0, false, [][]value{{double(math.Inf(-1)), double(-1e30)}, {integer(math.MinInt64)}, {integer(-1)}, {double(-0.5)}, {integer(0)}, {integer(17), double(17)}, {double(17.5)}, {integer(18)}, {integer(math.MaxInt64)}, {double(1 << 63), textOf("5"), blob("5")}}},
		{"SQLite's doubles", "sqlite", "real", 0, false, [][]value{{double(-1)}, {double(0), integer(0)}, {integer(1 << 53), double(1 << 53)}, {integer(1<<53 + 1)}, {double(1<<53 + 2)}, {textOf("")}}},
		{"SQLite's numbers", "sqlite", "numeric(10,2)", 0, false, [][]value{
			{double(-1e300)},
			{integer(math.MinInt64), double(-1 << 63)},
			{integer(math.MinInt64 + 1)},
			{double(-1.5)},
			{integer(-1), double(-1)},
			{integer(1), double(1)},
			{double(1.5)},
			{integer(1 << 53), double(1 << 53)},
			{integer(1<<53 + 1)},
			{integer(1<<53 + 2), double(1<<53 + 2)},
			{integer(math.MaxInt64 - 1)},
			{integer(math.MaxInt64)},
			{double(1 << 63)},
			{textOf("1")},
		}},
		{"SQLite's times are texts", "sqlite", "datetime", 0, false, [][]value{{integer(5), double(1e9)}, {textOf("2024-01-01 00:00:00")}, {textOf("2024-01-01 00:00:00.5")}, {textOf("2024-01-01T00:00:00")}, {textOf(strings.Repeat("9", 41))}, {blob("")}}},
	} {
		e := encoding(t, c.dialect, c.typ, c.prefix, c.short)
		var before []byte
		for i, equal := range c.ascending {
			first := reveal(t, e, equal[0])
			for _, v := range equal[1:] {
				if !bytes.Equal(first, reveal(t, e, v)) {
					t.Errorf("%s: %d: %q is another value than %q", c.why, i, v.payload, equal[0].payload)
				}
			}
			if i > 0 && bytes.Compare(before, first) >= 0 {
				t.Errorf("%s: %d: %q does not follow %q", c.why, i, equal[0].payload, c.ascending[i-1][0].payload)
			}
			before = first
		}
	}
}

func TestOnlyStorableValuesStandAtTheirPlace(t *testing.T) {
	for _, c := range []struct {
		dialect, typ string
		v            value
		want         order.Place
	}{
		{"postgres", "smallint", integer(5), order.At},
		{"postgres", "smallint", number("5.5"), order.Above},
		{"postgres", "smallint", integer(40000), order.Over},
		{"postgres", "smallint", integer(-40000), order.Under},
		{"postgres", "numeric(3,1)", number("99.9"), order.At},
		{"postgres", "numeric(3,1)", number("99.99"), order.Above},
		{"sqlite", "integer", double(1.5), order.Above},
		{"sqlite", "integer", textOf("x"), order.Over},
		{"sqlite", "date", integer(1), order.Under},
		{"sqlite", "date", blob("1"), order.Over},
		{"mysql", "date", timestamp("2024-01-01 00:00:01"), order.Above},
	} {
		_, place, err := encoding(t, c.dialect, c.typ, 0, false).Append(nil, c.v.tag, c.v.payload)
		if err != nil || place != c.want {
			t.Errorf("%s %s %q: place %d, %v; want %d", c.dialect, c.typ, c.v.payload, place, err, c.want)
		}
	}
}

func TestPayloadsWithoutAPlaceAreRefused(t *testing.T) {
	for _, c := range []struct {
		dialect, typ string
		prefix       int
		v            value
	}{
		{"postgres", "integer", 0, textOf("5")},
		{"postgres", "integer", 0, value{logical.TagInt64, []byte{1}}},
		{"postgres", "integer", 0, number("five")},
		{"postgres", "date", 0, value{logical.TagDate, []byte{1}}},
		{"postgres", "time", 0, counted(logical.TagTime, -1)},
		{"postgres", "timestamp", 0, counted(logical.TagTimestampTZ, 1)},
		{"postgres", "real", 0, integer(1)},
		{"postgres", "text", 3, blob("x")},
		{"mysql", "double", 0, double(math.NaN())},
		{"mysql", "date", 0, date("2024-13-01")},
		{"mysql", "date", 0, date("24-1-1")},
		{"mysql", "time", 0, clock("1:2:3")},
		{"mysql", "time", 0, clock("00:00:00.1234567")},
		{"mysql", "datetime", 0, timestamp("2024-01-01T00:00:00")},
		{"mysql", "datetime", 0, timestamp("2024-01-01 25:00:00")},
		{"sqlite", "numeric", 0, value{logical.TagInt64, nil}},
	} {
		if _, _, err := encoding(t, c.dialect, c.typ, c.prefix, false).Append(nil, c.v.tag, c.v.payload); err == nil {
			t.Errorf("%s %s: %q was encoded", c.dialect, c.typ, c.v.payload)
		} else if len(c.v.payload) > 3 && strings.Contains(err.Error(), string(c.v.payload)) {
			t.Errorf("%s %s: the error holds the value", c.dialect, c.typ)
		}
	}
}

func TestTypesWithoutAnOrderAreRefused(t *testing.T) {
	for _, c := range []struct {
		dialect, typ string
		prefix       int
	}{
		{"postgres", "boolean", 0},
		{"postgres", "uuid", 0},
		{"postgres", "jsonb", 0},
		{"postgres", "numeric", 0},
		{"postgres", "text", 0},
		{"postgres", "text", 65},
		{"postgres", "integer", 4},
		{"mysql", "uuid", 0},
		{"sqlite", "boolean", 0},
		{"sqlite", "date", 65},
		{"oracle", "integer", 0},
	} {
		typ, err := schema.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := order.New(c.dialect, typ, c.prefix, false); err == nil {
			t.Errorf("%s %s prefix %d was accepted", c.dialect, c.typ, c.prefix)
		}
	}
}

func TestTextsBehindThePrefixAreTold(t *testing.T) {
	for _, c := range []struct {
		typ    string
		prefix int
		short  bool
		ties   bool
	}{
		{"text", 4, false, true}, {"text", 4, true, false}, {"varchar(4)", 4, false, true}, {"varchar(4)", 16, false, false}, {"bytea", 4, false, true},
	} {
		if e := encoding(t, "postgres", c.typ, c.prefix, c.short); e.Ties() != c.ties {
			t.Errorf("%s prefix %d: ties %v", c.typ, c.prefix, e.Ties())
		}
	}
	e := encoding(t, "postgres", "text", 2, false)
	for s, longer := range map[string]bool{"": false, "a": false, "ab": false, "abc": true, "\x00\x00\x00": true} {
		if b, _, _ := e.Append(nil, logical.TagText, []byte(s)); e.Longer(b) != longer {
			t.Errorf("%q: longer %v", s, e.Longer(b))
		}
	}
}

// The index of a value tells nothing of bits behind the first that differs, and
// depends on the key.
func TestIndexesOfOneValueUnderTwoKeysDiffer(t *testing.T) {
	other := func(out, message []byte) error { return prf(out, append([]byte("x"), message...)) }
	enc := []byte{1, 2, 3, 4}
	a, _ := order.Reveal(nil, enc, order.At, prf)
	b, _ := order.Reveal(nil, enc, order.At, other)
	same := 0
	for i := range a[:32] {
		if a[i] == b[i] {
			same++
		}
	}
	if same > 8 {
		t.Errorf("%d of 32 bytes are equal under two keys", same)
	}
}

func TestDigitsAreSpreadEvenly(t *testing.T) {
	var n [256]int
	r := rand.New(rand.NewPCG(1, 2))
	const rounds = 4000
	for range rounds {
		enc := logical.AppendInt64(nil, int64(r.Uint64()))
		b, _ := order.Reveal(nil, enc, order.At, prf)
		for _, d := range b[32:64] { // the first bits take few values
			n[d]++
		}
	}
	mean := float64(rounds*32) / 255
	for d := 1; d < 255; d++ {
		if math.Abs(float64(n[d])-mean) > 8*math.Sqrt(mean) {
			t.Errorf("digit %d occurs %d times, expected about %.0f", d, n[d], mean)
		}
	}
}

func FuzzRevealKeepsTheOrder(f *testing.F) {
	f.Add([]byte{1, 2}, []byte{1, 3})
	f.Add([]byte{0xff, 0}, []byte{0xff, 0})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		n := min(len(a), len(b), order.MaxPrefix+1)
		a, b = a[:n], b[:n]
		x, err := order.Reveal(nil, a, order.At, prf)
		if err != nil {
			t.Fatal(err)
		}
		y, _ := order.Reveal(nil, b, order.At, prf)
		if bytes.Compare(a, b) != bytes.Compare(x, y) {
			t.Fatalf("%x and %x are in another order", a, b)
		}
		above, _ := order.Reveal(nil, a, order.Above, prf)
		under, _ := order.Reveal(nil, a, order.Under, prf)
		over, _ := order.Reveal(nil, a, order.Over, prf)
		if bytes.Compare(x, above) >= 0 || bytes.Compare(a, b) < 0 && bytes.Compare(above, y) >= 0 || bytes.Compare(under, x) >= 0 || bytes.Compare(above, over) >= 0 {
			t.Fatalf("%x: a place is out of order", a)
		}
	})
}

func FuzzEncodingsKeepTheOrder(f *testing.F) {
	f.Add(int64(1), int64(2), 1.5, 2.5, "a", "b")
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64-1), 9.2e18, 0.0, "ab", "abc")
	number, real := encoding(f, "sqlite", "numeric", 0, false), encoding(f, "postgres", "double precision", 0, false)
	short := encoding(f, "postgres", "text", 8, true)
	f.Fuzz(func(t *testing.T, i, j int64, x, y float64, s, u string) {
		enc := func(e *order.Encoding, v value) []byte {
			b, _, err := e.Append(nil, v.tag, v.payload)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		if got, want := bytes.Compare(enc(number, integer(i)), enc(number, integer(j))), compare(i < j, i > j); got != want {
			t.Fatalf("%d, %d: %d", i, j, got)
		}
		if math.IsNaN(x) || math.IsNaN(y) {
			return
		}
		if got, want := bytes.Compare(enc(real, double(x)), enc(real, double(y))), compare(x < y, x > y); got != want {
			t.Fatalf("%v, %v: %d", x, y, got)
		}
		if math.Abs(x) < 1<<62 {
			whole := int64(math.Floor(x))
			less := i < whole || i == whole && x > math.Floor(x)
			if got, want := bytes.Compare(enc(number, integer(i)), enc(number, double(x))), compare(less, !less && (i != whole)); got != want {
				t.Fatalf("%d, %v: %d", i, x, got)
			}
		}
		if len(s) <= 8 && len(u) <= 8 {
			if got, want := bytes.Compare(enc(short, textOf(s)), enc(short, textOf(u))), strings.Compare(s, u); got != want {
				t.Fatalf("%q, %q: %d", s, u, got)
			}
		}
	})
}

func compare(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

func BenchmarkReveal(b *testing.B) {
	enc := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out, _ = order.Reveal(out[:0], enc, order.At, prf)
	}
}

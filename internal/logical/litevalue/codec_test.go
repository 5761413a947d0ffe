package litevalue_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
)

func TestCanonicalNamesOnePartitionForEveryFormOfAValue(t *testing.T) {
	day := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, decl string
		forms      []any
		want       string
	}{
		{"text_is_taken_as_it_is", "text", []any{"Alice", []any{"Alice"}[0]}, "Alice"},
		{"an_integer_in_a_text_column_is_its_digits", "text", []any{7, int64(7), "7"}, "7"},
		{"leading_zeros_vanish_where_the_column_counts", "int", []any{"07", 7, int8(7), 7.0, " 7 ", "7e0"}, "7"},
		{"booleans_are_zero_and_one", "boolean", []any{true, 1, "1"}, "1"},
		{"a_whole_numeric_is_an_integer", "numeric(10,2)", []any{"1.0", 1, 1.0}, "1"},
		{"a_uuid_is_lower_case_with_hyphens", "uuid", []any{
			"6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff8b86d011b42d00c04fc964ff", "{6f9619ff-8b86-d011-b42d-00c04fc964ff}",
			[]byte{0x6f, 0x96, 0x19, 0xff, 0x8b, 0x86, 0xd0, 0x11, 0xb4, 0x2d, 0, 0xc0, 0x4f, 0xc9, 0x64, 0xff},
		}, "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
		{"bytes_are_hexadecimal", "blob", []any{[]byte{0, 0xAB}}, "00ab"},
		{"a_day_is_iso", "date", []any{day, "2024-02-29", day.String()}, "2024-02-29"},
		{"an_instant_is_in_utc", "datetime", []any{day, day.In(time.FixedZone("", 3600)), "2024-02-29T00:00:00Z"}, "2024-02-29T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			codec, typ := litevalue.New(litevalue.Options{}), parse(t, c.decl)
			for _, v := range c.forms {
				if got, err := codec.Canonical(typ, v); err != nil || got != c.want {
					t.Errorf("%T: got %q, %v", v, got, err)
				}
			}
		})
	}
}

func TestCanonicalRefusesWhatCannotIdentify(t *testing.T) {
	for _, c := range []struct {
		name, decl string
		v          any
	}{
		{"null", "text", nil},
		{"nan_is_null", "real", math.NaN()},
		{"a_fraction", "numeric(10,2)", 1.5},
		{"a_float_column", "real", 1},
		{"text_in_an_integer_column", "int", "seven"},
		{"bytes_in_a_text_column", "text", []byte("a")},
		{"an_empty_byte_slice_in_an_integer_column", "int", []byte{}},
		{"half_a_uuid", "uuid", "6f9619ff-8b86"},
		{"a_uuid_of_digits_that_the_column_turned_into_a_number", "uuid", "11111111111111111111111111111111"},
		{"a_day_with_a_time", "date", time.Date(2024, 2, 29, 1, 0, 0, 0, time.UTC)},
		{"a_day_that_does_not_exist", "date", "2024-02-30"},
		{"json", "json", `{"a":1}`},
		{"a_channel", "text", make(chan int)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := litevalue.New(litevalue.Options{}).Canonical(parse(t, c.decl), c.v)
			var te *logical.TypeError
			if !errors.As(err, &te) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestCanonicalLiteralAgreesWithTheArgument(t *testing.T) {
	codec := litevalue.New(litevalue.Options{})
	for _, c := range []struct {
		decl string
		lit  logical.Literal
		want string
	}{
		{"int", logical.Literal{Kind: logical.LiteralNumber, Text: "007"}, "7"},
		{"text", logical.Literal{Kind: logical.LiteralString, Text: "a"}, "a"},
		{"text", logical.Literal{Kind: logical.LiteralNumber, Text: "007"}, "7"},
		{"blob", logical.Literal{Kind: logical.LiteralBytes, Text: "\x01"}, "01"},
		{"int", logical.Literal{Kind: logical.LiteralNumber, Text: "1.5"}, ""},
		{"int", logical.Literal{Kind: logical.LiteralNumber, Text: "0x10"}, ""},
		{"int", logical.Literal{Kind: logical.LiteralNumber, Text: "1__0"}, ""},
		{"int", logical.Literal{}, ""},
	} {
		got, err := codec.CanonicalLiteral(parse(t, c.decl), c.lit)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %v: got %q, %v", c.decl, c.lit, got, err)
		}
	}
}

func TestErrorsNameTypesAndNeverValues(t *testing.T) {
	codec := litevalue.New(litevalue.Options{})
	_, _, _, err := codec.Encode(nil, parse(t, "text"), failing{})
	if !errors.Is(err, errValuer) || strings.Contains(err.Error(), errValuer.Error()) {
		t.Errorf("got %v", err)
	}
	_, _, _, err = codec.Encode(nil, parse(t, "varchar(40)"), map[string]int{"secret": 1})
	if want := "sealsql: map[string]int for varchar(40): this Go type is not accepted as an argument"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestParseDSNRefusesWhatTheDriverRefuses(t *testing.T) {
	for _, dsn := range []string{"a?_time_format=x", "a?_time_integer_format=x", "a?_timezone=Nowhere", "a?_inttotime=x", "a?_texttotime=x", "a?%zz"} {
		var oe *litevalue.OptionsError
		if _, err := litevalue.ParseDSN(dsn); !errors.As(err, &oe) {
			t.Errorf("%s: got %v", dsn, err)
		}
	}
	for _, dsn := range []string{"", "a", ":memory:", "?_time_format=x"} {
		if o, err := litevalue.ParseDSN(dsn); err != nil || o != (litevalue.Options{}) {
			t.Errorf("%s: got %v, %v", dsn, o, err)
		}
	}
}

func FuzzDecodeNeverPanics(f *testing.F) {
	f.Add("date", byte(1), []byte("2024-02-29 m="))
	f.Add("int", byte(3), []byte("12345678"))
	f.Fuzz(func(t *testing.T, decl string, tag byte, payload []byte) {
		typ := parseOr(decl)
		for _, o := range []litevalue.Options{{}, {Location: time.UTC, IntToTime: true}} {
			v, err := litevalue.New(o).Decode(typ, logical.Tag(tag), payload)
			var te *logical.TypeError
			if err != nil && !errors.As(err, &te) {
				t.Fatalf("untyped error %v for %v", err, v)
			}
		}
	})
}

// FuzzTextSurvives checks that what a text column stores comes back.
func FuzzTextSurvives(f *testing.F) {
	f.Add("12.50", 1.5)
	f.Fuzz(func(t *testing.T, s string, x float64) {
		codec := litevalue.New(litevalue.Options{})
		for _, decl := range []string{"text", "numeric", "real", "blob", "datetime"} {
			typ := parse(t, decl)
			for _, arg := range []any{s, x} {
				p, tag, null, err := codec.Encode(nil, typ, arg)
				if err != nil {
					t.Fatal(err)
				}
				if null {
					continue
				}
				v, err := codec.Decode(typ, tag, p)
				if err != nil {
					t.Fatal(err)
				}
				if decl == "text" && arg == any(s) && v != any(s) {
					t.Fatalf("text changed to %v", v)
				}
				again, tag2, _, err := codec.Encode(nil, typ, v)
				if _, isTime := v.(time.Time); !isTime && (err != nil || tag != tag2 || string(again) != string(p)) {
					t.Fatalf("%s: %v is not stable", decl, v)
				}
			}
		}
	})
}

func BenchmarkEncodeText(b *testing.B)  { benchmarkEncode(b, "text", "123-45-6789") }
func BenchmarkEncodeInt64(b *testing.B) { benchmarkEncode(b, "bigint", int64(1234567)) }
func BenchmarkEncodeBytes(b *testing.B) { benchmarkEncode(b, "blob", []byte("123-45-6789")) }
func BenchmarkDecodeText(b *testing.B)  { benchmarkDecode(b, "text", "123-45-6789") }
func BenchmarkDecodeInt64(b *testing.B) { benchmarkDecode(b, "bigint", int64(1234567)) }
func BenchmarkDecodeBytes(b *testing.B) { benchmarkDecode(b, "blob", []byte("123-45-6789")) }

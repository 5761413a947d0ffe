package pgvalue_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/pgvalue"
	"github.com/sealsql/sealsql/schema"
)

func TestCheckRefusesTypesThatPostgreSQLDoesNotHave(t *testing.T) {
	for _, decl := range []string{"tinyint", "int unsigned", "datetime", "blob", "varbinary(9)", "longtext", "mediumint", "clob"} {
		typ := parse(t, decl)
		codec := pgvalue.New(pgvalue.Options{})
		var te *logical.TypeError
		if err := codec.Check(typ); !errors.As(err, &te) {
			t.Errorf("%s: got %v", decl, err)
		}
		if _, _, _, err := codec.Encode(nil, typ, int64(1)); !errors.As(err, &te) {
			t.Errorf("%s: Encode got %v", decl, err)
		}
		if _, _, err := codec.EncodeLiteral(nil, typ, logical.Literal{Kind: logical.LiteralNumber, Text: "1"}); !errors.As(err, &te) {
			t.Errorf("%s: EncodeLiteral got %v", decl, err)
		}
	}
}

func TestCanonicalNamesOnePartitionForEveryFormOfAValue(t *testing.T) {
	day := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, decl string
		forms      []any
		want       string
	}{
		{"text_is_taken_as_it_is", "text", []any{"Alice ", []byte("Alice ")}, "Alice "},
		{"padding_of_char_does_not_count", "char(5)", []any{"ab", "ab   ", "ab        "}, "ab"},
		{"integers_lose_leading_zeros", "int", []any{"07", 7, int64(7), " 7 ", uint8(7), 7.0}, "7"},
		{"booleans_are_words", "boolean", []any{true, "yes", "1", "TRUE"}, "true"},
		{"numeric_loses_trailing_zeros", "numeric", []any{"1.0", "1", 1, "1.000", 1.0}, "1"},
		{"numeric_keeps_its_fraction", "numeric(10,2)", []any{"1.5", "01.50", 1.5}, "1.5"},
		{"a_uuid_is_lower_case_with_hyphens", "uuid", []any{
			"6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff8b86d011b42d00c04fc964ff",
			[16]byte{0x6f, 0x96, 0x19, 0xff, 0x8b, 0x86, 0xd0, 0x11, 0xb4, 0x2d, 0, 0xc0, 0x4f, 0xc9, 0x64, 0xff},
		}, "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
		{"bytes_are_hexadecimal", "bytea", []any{[]byte{0, 0xAB}, `\x00AB`}, "00ab"},
		{"a_day_is_iso", "date", []any{day, "2024-02-29", day.Add(time.Hour)}, "2024-02-29"},
		{"a_time_is_iso", "time", []any{"13:14", "13:14:00.000"}, "13:14:00"},
		{"an_instant_is_in_utc", "timestamptz", []any{day, day.In(time.FixedZone("", 3600)), "2024-02-29 01:00:00+01"}, "2024-02-29T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			codec, typ := pgvalue.New(pgvalue.Options{}), parse(t, c.decl)
			for _, v := range c.forms {
				got, err := codec.Canonical(typ, v)
				if err != nil || got != c.want {
					t.Errorf("%T: got %q, %v", v, got, err)
				}
				p, tag, _, err := codec.Encode(nil, typ, v)
				if err != nil {
					t.Fatal(err)
				}
				read, err := codec.Decode(typ, tag, p)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := codec.Canonical(typ, read); err != nil || got != c.want {
					t.Errorf("%T read back as %T: got %q, %v", v, read, got, err)
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
		{"a_null_pointer", "text", (*string)(nil)},
		{"a_float", "double precision", 1.5},
		{"json", "json", `{"a":1}`},
		{"not_a_number", "numeric", "NaN"},
		{"infinity", "date", "infinity"},
		{"minus_infinity", "timestamptz", "-infinity"},
		{"too_long", "varchar(3)", "abcd"},
		{"an_instant_without_offset", "timestamptz", "2024-02-29 00:00:00"},
		{"a_type_of_another_engine", "datetime", "2024-02-29 00:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := pgvalue.New(pgvalue.Options{}).Canonical(parse(t, c.decl), c.v)
			var te *logical.TypeError
			if !errors.As(err, &te) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestCanonicalLiteralAgreesWithTheArgument(t *testing.T) {
	codec := pgvalue.New(pgvalue.Options{})
	for _, c := range []struct {
		decl string
		lit  logical.Literal
		want string
	}{
		{"int", logical.Literal{Kind: logical.LiteralNumber, Text: "007"}, "7"},
		{"int", logical.Literal{Kind: logical.LiteralString, Text: "007"}, "7"},
		{"numeric", logical.Literal{Kind: logical.LiteralNumber, Text: "1.50"}, "1.5"},
		{"boolean", logical.Literal{Kind: logical.LiteralBool, Text: "true"}, "true"},
		{"double precision", logical.Literal{Kind: logical.LiteralNumber, Text: "1"}, ""},
		{"bytea", logical.Literal{Kind: logical.LiteralBytes, Text: "\x01"}, ""},
		{"int", logical.Literal{}, ""},
	} {
		got, err := codec.CanonicalLiteral(parse(t, c.decl), c.lit)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %v: got %q, %v", c.decl, c.lit, got, err)
		}
	}
}

type panicking struct{}

func (panicking) String() string { panic("no") }

func TestErrorsNameTypesAndNeverValues(t *testing.T) {
	codec := pgvalue.New(pgvalue.Options{})
	_, _, _, err := codec.Encode(nil, parse(t, "int"), failing{})
	if !errors.Is(err, errValuer) || strings.Contains(err.Error(), errValuer.Error()) {
		t.Errorf("got %v", err)
	}
	for _, arg := range []any{"secret", map[string]int{"secret": 1}, []string{"secret"}, panicking{}, stringer{"secret"}, valued{"secret"}} {
		_, _, _, err := codec.Encode(nil, parse(t, "int"), arg)
		var te *logical.TypeError
		if !errors.As(err, &te) {
			t.Fatalf("%T: got %v", arg, err)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if _, quiet := e.(interface{ Unwrap() error }); quiet && strings.Contains(e.Error(), "secret") {
				t.Errorf("%T: the error holds the value: %v", arg, e)
			}
			if e == te.Err {
				break // behind it is what the application asked for
			}
		}
	}
}

func TestOptionsPlaceTimestamps(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone data")
	}
	codec := pgvalue.New(pgvalue.Options{TimestampLocation: berlin, TimestamptzLocation: berlin})
	x := time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)
	for decl, want := range map[string]string{"timestamp": "2024-07-01T12:00:00+02:00", "timestamptz": "2024-07-01T14:00:00+02:00"} {
		p, tag, _, err := codec.Encode(nil, parse(t, decl), x)
		if err != nil {
			t.Fatal(err)
		}
		v, err := codec.Decode(parse(t, decl), tag, p)
		if err != nil || v.(time.Time).Format(time.RFC3339) != want {
			t.Errorf("%s: got %v, %v", decl, v, err)
		}
	}
}

func TestEncodeIsSafeForConcurrentUse(t *testing.T) {
	codec, typ := pgvalue.New(pgvalue.Options{}), parse(t, "numeric(10,2)")
	done := make(chan error)
	for range 8 {
		go func() {
			for i := range 200 {
				if _, _, _, err := codec.Encode(nil, typ, pointer(float64(i))); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzDecodeNeverPanics(f *testing.F) {
	f.Add("date", byte(9), []byte{0x7f, 0xff, 0xff, 0xff})
	f.Add("time", byte(10), []byte("12345678"))
	codec := pgvalue.New(pgvalue.Options{})
	f.Fuzz(func(t *testing.T, decl string, tag byte, payload []byte) {
		typ, err := schema.ParseType(decl)
		if err != nil {
			return
		}
		v, err := codec.Decode(&typ, logical.Tag(tag), payload)
		var te *logical.TypeError
		if err != nil && !errors.As(err, &te) {
			t.Fatalf("untyped error %v for %v", err, v)
		}
	})
}

// FuzzTextIsStable checks that what text becomes is read back and encoded to
// the same bytes.
func FuzzTextIsStable(f *testing.F) {
	for _, s := range texts {
		f.Add(s)
	}
	codec := pgvalue.New(pgvalue.Options{})
	f.Fuzz(func(t *testing.T, s string) {
		for _, decl := range declarations {
			typ := parse(t, decl)
			p, tag, _, err := codec.Encode(nil, typ, s)
			var te *logical.TypeError
			if err != nil {
				if !errors.As(err, &te) {
					t.Fatal(err)
				}
				continue
			}
			v, err := codec.Decode(typ, tag, p)
			if err != nil {
				t.Fatalf("%s: %q cannot be read back: %v", decl, s, err)
			}
			if f, ok := v.(float64); ok && math.IsNaN(f) {
				continue
			}
			again, _, _, err := codec.Encode(nil, typ, v)
			if err != nil || string(again) != string(p) {
				t.Fatalf("%s: %q is not stable: %v", decl, s, err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, c := range benchmarks {
		b.Run(c.decl, func(b *testing.B) {
			codec, typ := pgvalue.New(pgvalue.Options{}), parse(b, c.decl)
			buf := make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, _, err := codec.Encode(buf, typ, c.v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range benchmarks {
		b.Run(c.decl, func(b *testing.B) {
			codec, typ := pgvalue.New(pgvalue.Options{}), parse(b, c.decl)
			p, tag, _, err := codec.Encode(nil, typ, c.v)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := codec.Decode(typ, tag, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var benchmarks = []struct {
	decl string
	v    any
}{
	{"text", "123-45-6789"},
	{"bytea", []byte("123-45-6789")},
	{"bigint", int64(1234567)},
	{"numeric(10,2)", "1234.567"},
	{"timestamptz", time.Unix(1700000000, 0)},
	{"uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
	{"numeric", fmt.Sprint(math.Pi)},
	{"jsonb", `{"b":1,"a":[1,2]}`},
	{"double precision", 1.5},
}

package myvalue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/myvalue"
	"github.com/sealsql/sealsql/schema"
)

func TestCheckRefusesTypesThatTheServerDoesNotHave(t *testing.T) {
	for _, decl := range []string{"bytea", "timestamptz", "jsonb", "varchar", "clob", "numeric(66,2)", "numeric(5,6)", "numeric(5,-1)", "numeric(60,31)", "char(256)", "varchar(65536)"} {
		typ := parse(t, decl)
		codec := myvalue.New(myvalue.Options{})
		var te *logical.TypeError
		if err := codec.Check(typ); !errors.As(err, &te) {
			t.Errorf("%s: got %v", decl, err)
		}
		if _, _, _, err := codec.Encode(nil, typ, "1"); !errors.As(err, &te) {
			t.Errorf("%s: Encode got %v", decl, err)
		}
		if _, _, err := codec.EncodeLiteral(nil, typ, logical.Literal{Kind: logical.LiteralNumber, Text: "1"}); !errors.As(err, &te) {
			t.Errorf("%s: EncodeLiteral got %v", decl, err)
		}
		if _, err := codec.Decode(typ, logical.TagText, nil); !errors.As(err, &te) {
			t.Errorf("%s: Decode got %v", decl, err)
		}
	}
}

// What follows from the server, without one at hand.
func TestMySQLAndMariaDBStoreTheseDifferently(t *testing.T) {
	constant := func(s string) any { return logical.Literal{Kind: logical.LiteralString, Text: s} }
	for _, c := range []struct {
		decl           string
		arg            any
		mysql, mariaDB string // "" where it is refused
	}{
		{"date", "2024-02-29 23:59:59.5", "2024-03-01", "2024-02-29"},
		{"date", "9999-12-31 23:59:59.5", "", "9999-12-31"},
		{"date", "2024-02-29 23:59:59.4999995", "2024-03-01", "2024-02-29"},
		{"time", "2024-02-30 13:14:15", "13:14:15", ""},
		{"time", "0000-00-00 13:14:15", "13:14:15", ""},
		{"time", "2024-13-10 13:14:15", "", ""},
		{"time", "2024-02-29T13:14:15", "", "13:14:15"},
		{"time", "+1:00:00", "", "01:00:00"},
		{"time(2)", "838:59:59.004", "", "838:59:59.00"},
		{"double", "-0", "-0", "0"},
		{"text", -5.4211191921838795e-19, "", "-5.4211191921838795e-19"},
		{"text", 9.630652704134433e-08, "9.630652704134433e-8", "0.00000009630652704134433"},
		{"bigint", 9223372036854775808.0, "", "9223372036854775807"},
		{"int unsigned", "-0.4", "", "0"},
		{"int unsigned", constant("-0.4"), "0", "0"},
		{"int", "\v12", "12", "12"},
		{"int", constant("\v12"), "", "12"},
		{"decimal(10,2)", "1e-82", "0.00", "0.00"},
		{"decimal(10,2)", constant("1e-82"), "", "0.00"},
	} {
		for want, codec := range map[*string]*myvalue.Codec{
			&c.mysql:   myvalue.New(myvalue.Options{Binary: true, MySQL: true, RoundFraction: true, NoZeroDate: true, NoZeroInDate: true}),
			&c.mariaDB: myvalue.New(myvalue.Options{Binary: true, NoZeroDate: true, NoZeroInDate: true}),
		} {
			typ, got := parse(t, c.decl), ""
			var p []byte
			var tag logical.Tag
			var err error
			if lit, ok := c.arg.(logical.Literal); ok {
				p, tag, err = codec.EncodeLiteral(nil, typ, lit)
			} else {
				p, tag, _, err = codec.Encode(nil, typ, c.arg)
			}
			if err == nil {
				v, err := codec.Decode(typ, tag, p)
				if err != nil {
					t.Fatal(err)
				}
				if b, ok := v.([]byte); ok {
					v = string(b)
				}
				got = fmt.Sprint(v)
			}
			if got != *want {
				t.Errorf("%s <- %v: got %q, %v, want %q", c.decl, c.arg, got, err, *want)
			}
		}
	}
}

func TestMySQLRoundsFractionalSeconds(t *testing.T) {
	codec := myvalue.New(myvalue.Options{RoundFraction: true, NoZeroDate: true, NoZeroInDate: true})
	for _, c := range []struct{ decl, in, want string }{
		{"datetime(3)", "2024-02-29 13:14:15.1235", "2024-02-29 13:14:15.124"},
		{"datetime(3)", "2024-02-29 13:14:15.1234999", "2024-02-29 13:14:15.123"},
		{"datetime", "2024-02-29 23:59:59.5", "2024-03-01 00:00:00"},
		{"datetime", "2023-12-31 23:59:59.9", "2024-01-01 00:00:00"},
		{"datetime(6)", "2024-02-29 23:59:59.9999995", "2024-03-01 00:00:00.000000"},
		{"datetime", "9999-12-31 23:59:59.5", ""},
		{"time", "13:59:59.5", "14:00:00"},
		{"time", "23:59:59.5", "24:00:00"},
		{"time", "-23:59:59.5", "-24:00:00"},
		{"time", "24:30:00", "24:30:00"},
		{"time", "838:59:59.5", ""},
		{"date", "0000-00-00", ""},
		{"date", "2024-00-10", ""},
		{"timestamp", "2038-01-19 03:14:07.5", ""},
	} {
		p, tag, _, err := codec.Encode(nil, parse(t, c.decl), c.in)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s <- %s: got %s", c.decl, c.in, p)
			}
			continue
		}
		v, err2 := codec.Decode(parse(t, c.decl), tag, p)
		if err != nil || err2 != nil || string(v.([]byte)) != c.want {
			t.Errorf("%s <- %s: got %s, %v, %v", c.decl, c.in, v, err, err2)
		}
	}
}

func TestTimeTruncateAppliesToArguments(t *testing.T) {
	codec := myvalue.New(myvalue.Options{TimeTruncate: time.Second})
	p, _, _, err := codec.Encode(nil, parse(t, "datetime(6)"), time.Date(2024, 1, 2, 3, 4, 5, 999999999, time.UTC))
	if err != nil || string(p) != "2024-01-02 03:04:05.000000" {
		t.Errorf("got %s, %v", p, err)
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
		{"blanks_at_the_end_of_char_do_not_count", "char(5)", []any{"ab", "ab   ", "ab        "}, "ab"},
		{"integers_lose_leading_zeros", "int", []any{"07", 7, int64(7), " 7 ", uint8(7), 7.0}, "7"},
		{"the_largest_integer_keeps_its_digits", "bigint unsigned", []any{uint64(1<<64 - 1), "18446744073709551615"}, "18446744073709551615"},
		{"booleans_are_zero_and_one", "bool", []any{true, 1, "1"}, "1"},
		{"decimals_lose_trailing_zeros", "decimal(10,2)", []any{"1.50", 1.5, "1.5"}, "1.5"},
		{"a_uuid_is_lower_case_with_hyphens", "uuid", []any{"6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff8b86d011b42d00c04fc964ff"}, "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
		{"bytes_are_hexadecimal", "varbinary(4)", []any{[]byte{0, 0xAB}, "\x00\xab"}, "00ab"},
		{"binary_counts_its_zero_bytes", "binary(3)", []any{[]byte{0xAB}, []byte{0xAB, 0, 0}}, "ab0000"},
		{"a_day_is_iso", "date", []any{day, "2024-02-29", "2024-2-29 13:14:15"}, "2024-02-29"},
		{"an_instant_has_no_zeros_at_the_end", "datetime(3)", []any{day.Add(time.Second / 2), "2024-02-29 00:00:00.5"}, "2024-02-29 00:00:00.5"},
		{"a_time_is_iso", "time(2)", []any{"13:14", "13:14:00.000"}, "13:14:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			typ := parse(t, c.decl)
			for _, o := range []myvalue.Options{{}, {Binary: true}, {ParseTime: true}, {Binary: true, ParseTime: true}} {
				codec := myvalue.New(o)
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
					if b, ok := read.([]byte); ok && c.decl == "uuid" {
						read = string(b)
					}
					if got, err := codec.Canonical(typ, read); err != nil || got != c.want {
						t.Errorf("%T read back as %T: got %q, %v", v, read, got, err)
					}
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
		{"a_float", "double", 1.5},
		{"json", "json", `{"a":1}`},
		{"a_zero_date", "date", "0000-00-00"},
		{"a_zero_month", "datetime", "2024-00-10"},
		{"too_long", "varchar(3)", "abcd"},
		{"a_type_of_another_engine", "bytea", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := myvalue.New(myvalue.Options{}).Canonical(parse(t, c.decl), c.v)
			var te *logical.TypeError
			if !errors.As(err, &te) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestCanonicalLiteralAgreesWithTheArgument(t *testing.T) {
	codec := myvalue.New(myvalue.Options{})
	for _, c := range []struct {
		decl string
		lit  logical.Literal
		want string
	}{
		{"int", logical.Literal{Kind: logical.LiteralNumber, Text: "007"}, "7"},
		{"int", logical.Literal{Kind: logical.LiteralString, Text: "007"}, "7"},
		{"varbinary(4)", logical.Literal{Kind: logical.LiteralBytes, Text: "\x00\xab"}, "00ab"},
		{"bool", logical.Literal{Kind: logical.LiteralBool, Text: "true"}, "1"},
		{"int", logical.Literal{Kind: logical.LiteralBytes, Text: "7"}, ""},
		{"double", logical.Literal{Kind: logical.LiteralNumber, Text: "1"}, ""},
		{"int", logical.Literal{Kind: logical.LiteralNumber, Text: "0x10"}, ""},
		{"int", logical.Literal{}, ""},
	} {
		got, err := codec.CanonicalLiteral(parse(t, c.decl), c.lit)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %v: got %q, %v", c.decl, c.lit, got, err)
		}
	}
}

func TestErrorsNameTypesAndNeverValues(t *testing.T) {
	codec := myvalue.New(myvalue.Options{})
	_, _, _, err := codec.Encode(nil, parse(t, "text"), failing{})
	if !errors.Is(err, errValuer) || strings.Contains(err.Error(), errValuer.Error()) {
		t.Errorf("got %v", err)
	}
	for _, arg := range []any{"secret", []byte("secret"), map[string]int{"secret": 1}, valued{"secret"}} {
		if _, _, _, err := codec.Encode(nil, parse(t, "int"), arg); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%T: got %v", arg, err)
		}
	}
}

func FuzzDecodeNeverPanics(f *testing.F) {
	f.Add("date", byte(9), []byte("2024-02-29"))
	f.Add("datetime(3)", byte(11), []byte("2024-02-29 13:14:15.123"))
	f.Add("bigint unsigned", byte(4), []byte("12345678"))
	f.Fuzz(func(t *testing.T, decl string, tag byte, payload []byte) {
		typ, err := schema.ParseType(decl)
		if err != nil {
			return
		}
		for _, o := range []myvalue.Options{{}, {Binary: true, ParseTime: true}} {
			v, err := myvalue.New(o).Decode(&typ, logical.Tag(tag), payload)
			var te *logical.TypeError
			if err != nil && !errors.As(err, &te) {
				t.Fatalf("untyped error %v for %v", err, v)
			}
		}
	})
}

// FuzzTextIsStable checks that what text becomes is read back and encoded to
// the same bytes.
func FuzzTextIsStable(f *testing.F) {
	for _, s := range texts {
		f.Add(s)
	}
	codec := myvalue.New(myvalue.Options{Binary: true})
	types := make([]*schema.Type, len(declarations))
	for i, decl := range declarations {
		types[i] = parse(f, decl)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for i, typ := range types {
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
				t.Fatalf("%s: %q cannot be read back: %v", declarations[i], s, err)
			}
			again, _, _, err := codec.Encode(nil, typ, v)
			if err != nil || string(again) != string(p) {
				t.Fatalf("%s: %q is not stable: %v", declarations[i], s, err)
			}
		}
	})
}

var benchmarks = []struct {
	decl string
	v    any
}{
	{"text", "123-45-6789"},
	{"varbinary(40)", []byte("123-45-6789")},
	{"bigint", int64(1234567)},
	{"decimal(10,2)", "1234.567"},
	{"datetime(3)", time.Unix(1700000000, 0)},
	{"double", 1.5},
	{"uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
	{"varchar(40)", "Zoë"},
}

func BenchmarkEncode(b *testing.B) {
	for _, c := range benchmarks {
		b.Run(c.decl, func(b *testing.B) {
			codec, typ := myvalue.New(myvalue.Options{Binary: true}), parse(b, c.decl)
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
			codec, typ := myvalue.New(myvalue.Options{Binary: true}), parse(b, c.decl)
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

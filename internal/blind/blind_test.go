package blind_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/sealsql/sealsql/internal/blind"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

func message(t *testing.T, e *schema.Equality, tag logical.Tag, payload []byte) string {
	t.Helper()
	b, err := blind.Append(nil, e, tag, payload)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTextsThatTheCollationFindsEqualHaveOneMessage(t *testing.T) {
	ci, ai := &schema.Equality{Collation: schema.CollationIgnoreCase}, &schema.Equality{Collation: schema.CollationIgnoreCaseAccents}
	plain := &schema.Equality{Collation: schema.CollationBytes}
	steps := func(n ...schema.Normalizer) *schema.Equality { return &schema.Equality{Normalize: n} }
	for _, c := range []struct {
		why   string
		e     *schema.Equality
		a, b  string
		equal bool
	}{
		{"bytes differ by case", plain, "a", "A", false},
		{"bytes differ by form", plain, "é", "e\u0301", false},
		{"case is ignored", ci, "STRASSE Ä", "strasse ä", true},
		{"accents count without accents in the name", ci, "a", "á", false},
		{"forms of one letter are one", ci, "É", "e\u0301", true},
		{"accents are ignored", ai, "Élan ", "elan", true},
		{"leading blanks count", ai, " a", "a", false},
		{"trimmed", steps(schema.Trim), " a\t", "a", true},
		{"collapsed", steps(schema.Collapse), "a \n b", "a b", true},
		{"compatibility forms", steps(schema.NFKC), "ﬁ①", "fi1", true},
		{"trimmed at the end only", steps(schema.TrimEnd), "a ", "a", true},
		{"blanks in front stay", steps(schema.TrimEnd), " a", "a", false},
		{"composed", steps(schema.NFC), "é", "e\u0301", true},
		{"compatible letters stay", steps(schema.NFC), "ﬁ", "fi", false},
		{"lower case", steps(schema.Lower), "ÄΣ", "äσ", true},
		{"without accents", steps(schema.StripAccents), "Élan", "Elan", true},
		{"without accents, with case", steps(schema.StripAccents), "É", "e", false},
		{"digits only", steps(schema.Digits), "+49 (30) 12-3", "4930123", true},
		{"an address", steps(schema.Email), " A@B.c", "a@b.C ", true},
		{"order of steps", steps(schema.Lower, schema.Trim), "X ", "x", true},
		{"not UTF-8", ci, "\xffA", "\xffa", false},
	} {
		if got := message(t, c.e, logical.TagText, []byte(c.a)) == message(t, c.e, logical.TagText, []byte(c.b)); got != c.equal {
			t.Errorf("%s: %q and %q: got equal=%v", c.why, c.a, c.b, got)
		}
	}
}

func TestNumbersAndTimesAreComparedByValue(t *testing.T) {
	e := &schema.Equality{}
	num := func(s string) string { return message(t, e, logical.TagNumeric, []byte(s)) }
	for _, same := range [][]string{{"1.50", "1.5", "01.5"}, {"0", "-0", "0.00", "-0.0"}, {"100", "100.0"}, {"-0.50", "-.5"}, {"NaN", "NaN"}} {
		for _, s := range same[1:] {
			if num(s) != num(same[0]) {
				t.Errorf("%s and %s differ", s, same[0])
			}
		}
	}
	for _, pair := range [][2]string{{"1", "10"}, {"1", "-1"}, {"0.1", "1"}, {"Infinity", "-Infinity"}} {
		if num(pair[0]) == num(pair[1]) {
			t.Errorf("%s and %s are equal", pair[0], pair[1])
		}
	}
	when := func(s string) string { return message(t, e, logical.TagTimestamp, []byte(s)) }
	if when("2020-01-02 03:04:05.120000") != when("2020-01-02 03:04:05.12") || when("2020-01-02 03:04:05.0") != when("2020-01-02 03:04:05") {
		t.Error("fractions of one length and another differ")
	}
	if when("2020-01-02 03:04:50") == when("2020-01-02 03:04:5") {
		t.Error("a zero before the point was dropped")
	}
	micros := logical.AppendInt64(nil, 0x2e30303030303030)
	if !bytes.HasSuffix([]byte(message(t, e, logical.TagTimestamp, micros)), micros) {
		t.Error("a number was cut as if it were text")
	}
	one := message(t, e, logical.TagInt64, logical.AppendInt64(nil, 1))
	if one != message(t, e, logical.TagUint64, logical.AppendUint64(nil, 1)) || one != message(t, e, logical.TagFloat64, logical.AppendFloat64(nil, 1)) {
		t.Error("one is not one")
	}
	if message(t, e, logical.TagInt64, logical.AppendInt64(nil, -1)) == message(t, e, logical.TagUint64, logical.AppendUint64(nil, math.MaxUint64)) {
		t.Error("-1 is the largest number")
	}
	if message(t, e, logical.TagFloat64, logical.AppendFloat64(nil, math.Copysign(0, -1))) != message(t, e, logical.TagInt64, logical.AppendInt64(nil, 0)) {
		t.Error("-0 is not 0")
	}
}

func TestKindsNeverMeet(t *testing.T) {
	e := &schema.Equality{}
	seen := map[string]logical.Tag{}
	for tag, payload := range map[logical.Tag][]byte{
		logical.TagText: []byte("12345678"), logical.TagBytes: []byte("12345678"), logical.TagInt64: []byte("12345678"),
		logical.TagNumeric: []byte("12345678"), logical.TagDate: []byte("12345678"), logical.TagTime: []byte("12345678"),
		logical.TagTimestamp: []byte("12345678"), logical.TagTimestampTZ: []byte("12345678"),
	} {
		m := message(t, e, tag, payload)
		if other, ok := seen[m]; ok {
			t.Errorf("kinds %d and %d have one message", tag, other)
		}
		seen[m] = tag
	}
	if _, err := blind.Append(nil, e, logical.TagJSON, nil); err == nil {
		t.Error("json was indexed")
	}
	if _, err := blind.Append(nil, e, logical.TagInt64, []byte("123")); err == nil {
		t.Error("a payload of the wrong size was indexed")
	}
}

func TestFixedTextIsComparedWithoutItsBlanks(t *testing.T) {
	typ, err := schema.ParseType("char(5)")
	if err != nil {
		t.Fatal(err)
	}
	e := &schema.Equality{Of: &schema.Column{Type: typ}}
	if message(t, e, logical.TagText, []byte("ab   ")) != message(t, e, logical.TagText, []byte("ab")) {
		t.Error("blanks of char(n) count")
	}
}

func FuzzAppend(f *testing.F) {
	f.Add(byte(1), byte(3), []byte("Ä b"))
	f.Fuzz(func(t *testing.T, tag, collation byte, payload []byte) {
		e := &schema.Equality{Collation: schema.Collation(collation % 4), Normalize: schema.Normalizers}
		once, err := blind.Append(nil, e, logical.Tag(tag%16), payload)
		again, err2 := blind.Append([]byte("x"), e, logical.Tag(tag%16), payload)
		if (err == nil) != (err2 == nil) || err == nil && string(again) != "x"+string(once) {
			t.Fatal("not a function of its input")
		}
	})
}

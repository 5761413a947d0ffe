package logical

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/schema"
)

func TestFixedPayloadsAreReadBackAndOtherLengthsRefused(t *testing.T) {
	if v, ok := Int64(AppendInt64(nil, math.MinInt64)); !ok || v != math.MinInt64 {
		t.Errorf("int64: got %d, %v", v, ok)
	}
	if v, ok := Uint64(AppendUint64(nil, math.MaxUint64)); !ok || v != math.MaxUint64 {
		t.Errorf("uint64: got %d, %v", v, ok)
	}
	if v, ok := Float64(AppendFloat64(nil, math.Pi)); !ok || v != math.Pi {
		t.Errorf("float64: got %v, %v", v, ok)
	}
	if v, ok := Float32(AppendFloat32(nil, 1.5)); !ok || v != 1.5 {
		t.Errorf("float32: got %v, %v", v, ok)
	}
	if v, ok := Bool(AppendBool(nil, true)); !ok || !v {
		t.Errorf("bool: got %v, %v", v, ok)
	}
	for n := range 10 {
		p := make([]byte, n)
		_, i := Int64(p)
		_, u := Uint64(p)
		_, f := Float64(p)
		_, s := Float32(p)
		_, b := Bool(p)
		if i != (n == 8) || u != (n == 8) || f != (n == 8) || s != (n == 4) || b != (n == 1) {
			t.Errorf("%d bytes: %v %v %v %v %v", n, i, u, f, s, b)
		}
	}
	if _, ok := Bool([]byte{2}); ok {
		t.Error("a boolean of 2 is read")
	}
}

func TestParseUUIDTakesTheFormsOfTheServers(t *testing.T) {
	const want = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
	for _, s := range []string{want, strings.ToUpper(want), strings.ReplaceAll(want, "-", ""), "{" + want + "}", "6f96-19ff-8b86-d011-b42d-00c0-4fc9-64ff"} {
		if id, ok := ParseUUID(s); !ok || string(AppendUUID(nil, id)) != want {
			t.Errorf("%s: got %s, %v", s, AppendUUID(nil, id), ok)
		}
	}
	for _, s := range []string{"", "{}", "{", "-", want[:35], want + "-", want + "0", "-" + want, "{" + want, want + "}", "6f9-619ff8b86d011b42d00c04fc964ff", strings.Replace(want, "f", "g", 1), "6f9619ff--8b86d011b42d00c04fc964ff"} {
		if _, ok := ParseUUID(s); ok {
			t.Errorf("%q is read", s)
		}
	}
}

func TestCanonicalDecimalHasOneTextForEqualNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"1.50": "1.5", "01.5": "1.5", "+1.5": "1.5", "1.0": "1", "0": "0", "-0": "0", "-0.00": "0", ".5": "0.5", "5.": "5", "-007.10": "-7.1", "100": "100",
	} {
		if got, ok := CanonicalDecimal(in); !ok || got != want {
			t.Errorf("%s: got %s, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", ".", "-", "1e3", "NaN", "Infinity", "1 ", "1.2.3", "--1"} {
		if got, ok := CanonicalDecimal(in); ok {
			t.Errorf("%q: got %s", in, got)
		}
	}
}

func TestEscapesFindsWhatEnginesRefuse(t *testing.T) {
	for in, want := range map[string][2]bool{
		`"a"`: {}, `"\u0000"`: {true, false}, `"\\u0000"`: {}, `"\ud800"`: {false, true}, `"\ud83d\ude00"`: {}, `"\uD83D\uDE00"`: {}, `"\ude00\ud83d"`: {false, true},
		`"\ud83dx"`: {false, true}, `"\ud83d\u0041"`: {false, true}, `"\ud83d\\ude00"`: {false, true}, `{"\u0000":"\udfff"}`: {true, true}, `"\u00e9\n\/"`: {},
	} {
		if nul, lone := Escapes(in); nul != want[0] || lone != want[1] {
			t.Errorf("%s: got %v, %v", in, nul, lone)
		}
	}
}

// FuzzEscapes compares with encoding/json, which writes U+FFFD for half a pair.
func FuzzEscapes(f *testing.F) {
	f.Add(`"\ud83d\ude00\u0000"`)
	f.Fuzz(func(t *testing.T, s string) {
		nul, lone := Escapes(s)
		var text string
		if strings.ContainsRune(s, '\uFFFD') || strings.Contains(strings.ToLower(s), `\ufffd`) || json.Unmarshal([]byte(s), &text) != nil {
			return
		}
		if nul != strings.Contains(text, "\x00") || lone && !strings.Contains(text, "\uFFFD") {
			t.Fatalf("%q: nul %v, lone %v", s, nul, lone)
		}
	})
}

func TestTypeErrorKeepsTheCauseReachableAndUnprinted(t *testing.T) {
	cause := errors.New("secret")
	typ := &schema.Type{Name: "int"}
	err := NewTypeError(typ, 1.5, "its Value method failed")
	err.Err = Quiet(cause)
	if !errors.Is(err, cause) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	if got, want := NewLiteralError(typ, ProblemRange).Error(), "sealsql: literal for int: out of range"; got != want {
		t.Errorf("got %s", got)
	}
	if got, want := NewPayloadError(typ, TagDate).Error(), "sealsql: stored value for int: a value stored with type tag 9 cannot be read as this type"; got != want {
		t.Errorf("got %s", got)
	}
}

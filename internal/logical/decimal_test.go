package logical

import (
	"math/big"
	"strings"
	"testing"
)

func TestDecimalKeepsTheScaleThatIsWritten(t *testing.T) {
	for in, want := range map[string]string{
		"1.50": "1.50", "-0": "0", "-0.00": "0.00", "007": "7", ".5": "0.5", "5.": "5", "1.5e3": "1500", "15e-3": "0.015",
		"1e2": "100", "-12.34e1": "-123.4", "0e5": "0", "0.000": "0.000", "+1": "1", "1E+2": "100",
	} {
		d, problem := ParseDecimal(in)
		if got := string(d.Append(nil)); problem != "" || got != want {
			t.Errorf("%s: got %s, %s", in, got, problem)
		}
	}
}

func TestDecimalRefusesWhatIsNoNumber(t *testing.T) {
	for in, want := range map[string]string{
		"": ProblemSyntax, ".": ProblemSyntax, "-": ProblemSyntax, "1e": ProblemSyntax, "1e+": ProblemSyntax, "e1": ProblemSyntax, "1 ": ProblemSyntax,
		"1_0": ProblemSyntax, "0x1": ProblemSyntax, "--1": ProblemSyntax, "1.2.3": ProblemSyntax,
		"1e131073": ProblemRange, "1e-16384": ProblemRange, "1e99999999999999999999": ProblemRange,
		strings.Repeat("9", maxWhole+1): ProblemRange,
	} {
		if _, problem := ParseDecimal(in); problem != want {
			t.Errorf("%.20s: got %q", in, problem)
		}
	}
}

func TestDecimalFitRoundsHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		in               string
		precision, scale int
		want             string
	}{
		{"1.005", 10, 2, "1.01"},
		{"-1.005", 10, 2, "-1.01"},
		{"1.004999", 10, 2, "1.00"},
		{"99999999.994", 10, 2, "99999999.99"},
		{"99999999.995", 10, 2, ""},
		{"0.5", 1, 0, "1"},
		{"0.4", 1, 0, "0"},
		{"149", 3, -2, "100"},
		{"150", 3, -2, "200"},
		{"99949", 3, -2, "99900"},
		{"99950", 3, -2, ""},
		{"0.00999", 2, 4, ""},
		{"0.0099", 2, 4, "0.0099"},
		{"0.01", 2, 4, ""},
		{"-0.001", 5, 2, "0.00"},
		{"5", 5, 3, "5.000"},
	} {
		d, _ := ParseDecimal(c.in)
		got := ""
		if d.Fit(c.precision, c.scale) {
			got = string(d.Append(nil))
		}
		if got != c.want {
			t.Errorf("%s as (%d,%d): want %q, got %q", c.in, c.precision, c.scale, c.want, got)
		}
	}
}

func FuzzDecimalEqualsBigRat(f *testing.F) {
	f.Add("12.345", 2)
	f.Fuzz(func(t *testing.T, s string, scale int) {
		d, problem := ParseDecimal(s)
		if problem != "" || len(s) > 100 || d.Scale > 1000 || len(d.Digits) > 1000 || scale < 0 || scale > 1000 {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		got, ok2 := new(big.Rat).SetString(string(d.Append(nil)))
		if !ok || !ok2 || want.Cmp(got) != 0 {
			t.Fatalf("%q: got %s", s, d.Append(nil))
		}
		d.Round(scale)
		if text, exact := string(d.Append(nil)), want.FloatString(scale); text != strings.TrimPrefix(exact, "-") && text != exact {
			t.Fatalf("%q to %d: got %s, want %s", s, scale, text, exact)
		}
	})
}

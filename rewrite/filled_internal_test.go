package rewrite

import "testing"

func TestNumbersAreComparedAsNumbers(t *testing.T) {
	same := [][2]string{{"18", "18"}, {"018", "18"}, {"1.50", "1.5"}, {"-0", "0.00"}, {"-18", "-18.0"}, {"0.5", "00.50"}}
	for _, p := range same {
		if !sameNumber(p[0], p[1]) {
			t.Errorf("%s is not %s", p[0], p[1])
		}
	}
	other := [][2]string{{"18", "-18"}, {"1.5", "15"}, {"1", "10"}, {"1e2", "1e2"}, {"", ""}, {"-", "-"}, {".5", ".5"}, {"5.", "5."}, {"1.2.3", "1.2.3"}, {"--1", "--1"}, {"1a", "1a"}, {"1 2", "1 2"}}
	for _, p := range other {
		if sameNumber(p[0], p[1]) {
			t.Errorf("%s is %s", p[0], p[1])
		}
	}
}

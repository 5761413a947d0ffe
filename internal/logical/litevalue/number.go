package litevalue

import (
	"math"
	"strconv"
)

// mantissaLimit is where SQLite stops taking digits: one more could pass 64 bits.
const mantissaLimit = (math.MaxUint64 - 9) / 10

// numberText is a number as SQLite's text reader (sqlite3AtoF) sees it.
type numberText struct {
	negative bool
	mantissa uint64 // the first 19 or 20 significant digits
	exponent int    // of ten, for the mantissa
	integer  bool   // no point and no exponent
}

// scanNumber reads text that is a number and nothing else but blanks around
// it. Digits behind the 20th are dropped, not rounded. As in the engine, a NUL
// ends the text.
func scanNumber(s string) (n numberText, ok bool) {
	n, rest, ok := readNumber(trimLeftSpace(untilNUL(s)))
	return n, ok && trimLeftSpace(rest) == ""
}

// readNumber reads the number in front of a text and returns what follows it; ok
// is false where there is none.
func readNumber(s string) (n numberText, rest string, ok bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		n.negative, s = s[0] == '-', s[1:]
	}
	whole := leadingDigits(s)
	n.takeWhole(s[:whole])
	s = s[whole:]
	n.integer = true
	fraction := 0
	if s != "" && s[0] == '.' {
		n.integer = false
		fraction = leadingDigits(s[1:])
		n.takeFraction(s[1 : 1+fraction])
		s = s[1+fraction:]
	}
	if whole+fraction == 0 {
		return n, s, false
	}
	return n, n.takeExponent(s), true
}

func (n *numberText) takeWhole(digits string) {
	for i := 0; i < len(digits); i++ {
		if n.mantissa >= mantissaLimit {
			n.exponent += len(digits) - i
			return
		}
		n.mantissa = n.mantissa*10 + uint64(digits[i]-'0')
	}
}

func (n *numberText) takeFraction(digits string) {
	for i := 0; i < len(digits) && n.mantissa < mantissaLimit; i++ {
		n.mantissa = n.mantissa*10 + uint64(digits[i]-'0')
		n.exponent--
	}
}

// takeExponent reads e[±]digits and returns what follows; without digits
// nothing is taken, and the text is then no number.
func (n *numberText) takeExponent(s string) string {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return s
	}
	digits, sign := s[1:], 1
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		if digits[0] == '-' {
			sign = -1
		}
		digits = digits[1:]
	}
	count := leadingDigits(digits)
	if count == 0 {
		return s
	}
	e := 0
	for i := 0; i < count; i++ {
		if e < 10000 {
			e = e*10 + int(digits[i]-'0')
		}
	}
	n.integer = false
	n.exponent += sign * e
	return digits[count:]
}

// real returns the nearest double of mantissa × 10^exponent.
func (n *numberText) real() float64 {
	f := scale(n.mantissa, n.exponent)
	if n.negative {
		return -f
	}
	return f
}

func scale(mantissa uint64, exponent int) float64 {
	switch {
	case mantissa == 0 || exponent < -348:
		return 0
	case exponent > 347:
		return math.Inf(1)
	}
	var buf [32]byte
	b := strconv.AppendUint(buf[:0], mantissa, 10)
	b = append(b, 'e')
	b = strconv.AppendInt(b, int64(exponent), 10)
	f, _ := strconv.ParseFloat(string(b), 64) // its only error is the range, with ±Inf or 0
	return f
}

// realAsInt returns the integer that a double is stored as in a column of
// numeric affinity: when it has no fraction and is not at either end of int64.
func realAsInt(f float64) (int64, bool) {
	const limit = 9223372036854774784.0 // the largest double below 2^63
	if !(f >= -limit && f <= limit) {
		return 0, false
	}
	i := int64(f)
	return i, float64(i) == f
}

// textAsInt reads text that is an integer of 64 bits, blanks around it allowed.
// Unlike scanNumber a NUL does not end the text.
func textAsInt(s string) (int64, bool) {
	s = trimLeftSpace(s)
	end := len(s)
	for end > 0 && isSpace(s[end-1]) {
		end--
	}
	i, err := strconv.ParseInt(s[:end], 10, 64)
	return i, err == nil
}

// trustedInts is the range (±2^51) in which the engine takes the double's word
// for an integer and does not read the text again.
const trustedInts = 1 << 51

// textAsNumber converts text for a column of numeric affinity: to an integer
// where that loses nothing, else to a double; ok is false when the text is not
// a number and stays text.
func textAsNumber(s string) (i int64, f float64, isInt, ok bool) {
	n, ok := scanNumber(s)
	if !ok {
		return 0, 0, false, false
	}
	f = n.real()
	i, whole := realAsInt(f)
	if !n.integer || whole && i >= -trustedInts && i < trustedInts {
		return i, f, whole, true
	}
	if j, fits := textAsInt(s); fits {
		return j, f, true, true
	}
	return i, f, whole, true
}

func untilNUL(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == 0 {
			return s[:i]
		}
	}
	return s
}

func leadingDigits(s string) int {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func trimLeftSpace(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

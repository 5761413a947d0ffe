package logical

import "strings"

// Decimal is an exact decimal number: Digits × 10^-Scale. Digits are ASCII
// without leading zeros; zero has none. Scale is never negative.
type Decimal struct {
	Negative bool
	Digits   []byte
	Scale    int
}

// Limits of ParseDecimal: PostgreSQL's numeric has at most 131072 digits
// before and 16383 behind the point (documentation §8.1.2); MySQL has 65.
const (
	maxWhole    = 131072
	maxFraction = 16383
	maxExponent = maxWhole + maxFraction
)

// The problems that ParseDecimal and Fit report.
const (
	ProblemSyntax = "invalid syntax"
	ProblemRange  = "out of range"
)

// ParseDecimal reads [sign]digits[.digits][e[sign]digits], without blanks,
// with at least one digit before the exponent. The scale is what is written:
// 1.50 has 2, 1.5e3 has 0, 15e-3 has 3. problem is empty, ProblemSyntax or
// ProblemRange.
func ParseDecimal(s string) (d Decimal, problem string) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.Negative, s = s[0] == '-', s[1:]
	}
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i+1:]
		if exponent == "" {
			return Decimal{}, ProblemSyntax
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole == "" && fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return Decimal{}, ProblemSyntax
	}
	e, problem := parseExponent(exponent)
	if problem != "" {
		return Decimal{}, problem
	}
	d.Digits = append(append(make([]byte, 0, len(whole)+len(fraction)), whole...), fraction...)
	d.Scale = len(fraction) - e
	d.trim()
	if d.Scale < 0 {
		if len(d.Digits)-d.Scale > maxWhole {
			return Decimal{}, ProblemRange
		}
		d.pad(0)
	}
	if len(d.Digits)-d.Scale > maxWhole || d.Scale > maxFraction {
		return Decimal{}, ProblemRange
	}
	return d, ""
}

func parseExponent(s string) (int, string) {
	if s == "" {
		return 0, ""
	}
	sign := 1
	if s[0] == '-' || s[0] == '+' {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	if s == "" || !allDigits(s) {
		return 0, ProblemSyntax
	}
	e := 0
	for i := 0; i < len(s); i++ {
		if e = e*10 + int(s[i]-'0'); e > maxExponent {
			return 0, ProblemRange
		}
	}
	return sign * e, ""
}

// IsZero reports whether d is zero.
func (d *Decimal) IsZero() bool { return len(d.Digits) == 0 }

// Whole returns the number of digits before the point; it is negative where
// zeros follow the point first (0.001 has -2), and 0 for zero.
func (d *Decimal) Whole() int {
	if d.IsZero() {
		return 0
	}
	return len(d.Digits) - d.Scale
}

// Round sets the number of digits behind the point, rounding half away from
// zero; a negative scale rounds before the point (-2: to hundreds).
func (d *Decimal) Round(scale int) {
	if drop := d.Scale - scale; drop > 0 {
		d.drop(drop)
		d.Scale = scale
	}
	d.pad(max(scale, 0))
}

// drop removes the last n digits and rounds.
func (d *Decimal) drop(n int) {
	if n > len(d.Digits) {
		d.Digits = d.Digits[:0]
		return
	}
	keep := len(d.Digits) - n
	up := d.Digits[keep] >= '5'
	d.Digits = d.Digits[:keep]
	if !up {
		return
	}
	for i := keep - 1; i >= 0; i-- {
		if d.Digits[i] != '9' {
			d.Digits[i]++
			return
		}
		d.Digits[i] = '0'
	}
	d.Digits = append([]byte{'1'}, d.Digits...)
}

// pad adds zeros up to the scale.
func (d *Decimal) pad(scale int) {
	for ; d.Scale < scale; d.Scale++ {
		if len(d.Digits) > 0 {
			d.Digits = append(d.Digits, '0')
		}
	}
}

func (d *Decimal) trim() {
	n := 0
	for n < len(d.Digits) && d.Digits[n] == '0' {
		n++
	}
	d.Digits = d.Digits[n:]
}

// Fit rounds to scale and reports whether at most precision-scale digits stand
// before the point.
func (d *Decimal) Fit(precision, scale int) bool {
	d.Round(scale)
	return d.IsZero() || d.Whole() <= precision-scale
}

// Append writes the number in plain notation with exactly Scale digits behind
// the point. Zero has no sign.
func (d *Decimal) Append(dst []byte) []byte {
	if d.Negative && !d.IsZero() {
		dst = append(dst, '-')
	}
	whole := len(d.Digits) - d.Scale
	if whole <= 0 {
		dst = append(dst, '0')
	} else {
		dst = append(dst, d.Digits[:whole]...)
	}
	if d.Scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	for i := whole; i < 0; i++ {
		dst = append(dst, '0')
	}
	return append(dst, d.Digits[max(whole, 0):]...)
}

package litevalue

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// significant is the number of digits that SQLite writes of a double.
const significant = 17

// appendReal writes a double as SQLite does for a column of text affinity
// (its format "%!.17g"): always with a point, an exponent below 1e-04 and from
// 1e+17 on, "Inf" and "-Inf".
func appendReal(dst []byte, f float64) []byte {
	if f < 0 {
		dst, f = append(dst, '-'), -f
	}
	switch {
	case f == 0: // without sign, also for -0.0
		return append(dst, "0.0"...)
	case math.IsInf(f, 1):
		return append(dst, "Inf"...)
	}
	digits, point := shortDigits(f)
	exponent := point - 1
	switch {
	case exponent < -4 || exponent >= significant:
		dst = append(dst, digits[0], '.')
		dst = appendOrZero(dst, digits[1:])
		return appendExponent(dst, exponent)
	case point <= 0:
		dst = append(dst, '0', '.')
		for ; point < 0; point++ {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	for len(digits) < point {
		digits = append(digits, '0')
	}
	dst = append(dst, digits[:point]...)
	dst = append(dst, '.')
	return appendOrZero(dst, digits[point:])
}

func appendOrZero(dst, digits []byte) []byte {
	if len(digits) == 0 {
		return append(dst, '0')
	}
	return append(dst, digits...)
}

// appendExponent writes e+NN with at least two digits.
func appendExponent(dst []byte, e int) []byte {
	sign := byte('+')
	if e < 0 {
		sign, e = '-', -e
	}
	dst = append(dst, 'e', sign)
	if e < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(e), 10)
}

// shortDigits returns at most 17 significant digits of a positive finite
// double, without trailing zeros, and the position of the decimal point.
//
// The engine first takes 18 or 19 digits, then shortens a tail of nines or
// zeros when the shorter number reads back as the same double, then rounds to
// 17; rounding twice is part of the result.
func shortDigits(f float64) (digits []byte, point int) {
	digits, point = longDigits(f)
	keep := significant
	switch tail := len(digits); {
	case digits[14] == '9' && digits[15] == '9':
		j := 14
		for j > 0 && digits[j-1] == '9' {
			j--
		}
		if scale(prefix(digits[:j])+1, point-j) == f {
			keep = j + 1
		}
	case point >= tail || digits[13] == '0' && digits[14] == '0' && digits[15] == '0':
		j := 13
		for digits[j-1] == '0' {
			j--
		}
		if scale(prefix(digits[:j]), point-j) == f {
			keep = j + 1
		}
	}
	digits, carry := roundHalfUp(digits, keep)
	return trimZeros(digits), point + carry
}

// longDigits returns the 18 or 19 leading digits of a positive finite double.
//
// The engine multiplies the mantissa by a power of ten of 64 bits, cut off, and
// takes the upper half of the product, so the last digit can be one less than
// rounding would give; which power it takes depends on the power of two below
// the double, hence the varying length.
func longDigits(f float64) (digits []byte, point int) {
	fraction, e := math.Frexp(f)
	mantissa := uint64(math.Ldexp(fraction, 64))
	e -= 64 // f is mantissa × 2^e with the upper bit of mantissa set
	p := significant - log10(e+63)
	twice, _ := bits.Mul64(mantissa, powerOfTen(p))
	twice >>= -(e + log2(p) + 2)
	digits = strconv.AppendUint(nil, (twice+twice&1)/2, 10)
	return digits, len(digits) - p
}

// log10 and log2 round the logarithm of 2^e and 10^p down; the constants are
// the engine's and exact for the exponents of a double.
func log10(e int) int { return e * 78913 >> 18 }
func log2(p int) int  { return p * 108853 >> 15 }

// powerOfTen returns the upper 64 bits of 10^p, cut off, the first bit set.
func powerOfTen(p int) uint64 {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(p, -p))), nil)
	shift := log2(p) - 63
	switch {
	case p < 0:
		ten.Quo(new(big.Int).Lsh(big.NewInt(1), uint(-shift)), ten)
	case shift < 0:
		ten.Lsh(ten, uint(-shift))
	default:
		ten.Rsh(ten, uint(shift))
	}
	return ten.Uint64()
}

// roundHalfUp shortens digits to n and returns 1 when the number grew by a
// digit (999 to 100 with the point one place on). It works in place.
func roundHalfUp(digits []byte, n int) (out []byte, carry int) {
	if n >= len(digits) {
		return digits, 0
	}
	up := digits[n] >= '5'
	digits = digits[:n]
	if !up {
		return digits, 0
	}
	for i := n - 1; i >= 0; i-- {
		if digits[i] != '9' {
			digits[i]++
			return digits, 0
		}
		digits[i] = '0'
	}
	digits[0] = '1'
	return digits, 1
}

// prefix reads up to 14 digits.
func prefix(digits []byte) uint64 {
	var v uint64
	for _, d := range digits {
		v = v*10 + uint64(d-'0')
	}
	return v
}

func trimZeros(digits []byte) []byte {
	for len(digits) > 1 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return digits
}

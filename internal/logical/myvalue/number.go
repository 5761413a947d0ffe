package myvalue

import (
	"database/sql/driver"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/internal/logical"
)

// trimSpace removes what the server calls blank around numbers.
func trimSpace(s string) string { return strings.Trim(s, " \t\n\v\f\r") }

// decimal reads the value as an exact number: of a double its shortest digits.
func (v *value) decimal() (logical.Decimal, problem) {
	switch v.kind {
	case isString, isBinary:
		return parseLoose(trimSpace(v.s))
	case isDouble:
		return parseLoose(strconv.FormatFloat(v.f, 'e', -1, 64))
	case isInt, isUint, isDecimal:
		return logical.ParseDecimal(v.text())
	}
	return logical.Decimal{}, problemKind
}

// parseLoose reads a decimal number; one that is too small to be told from
// zero is zero, as on the server.
func parseLoose(s string) (logical.Decimal, problem) {
	d, why := logical.ParseDecimal(s)
	if why == logical.ProblemRange && strings.Contains(s, "e-") {
		return logical.Decimal{}, ""
	}
	return d, why
}

// appendInteger rounds: text and decimals half away from zero, doubles half to
// even.
func (c *Codec) appendInteger(dst []byte, col *column, v *value) ([]byte, problem) {
	switch v.kind {
	case isInt:
		if v.i >= 0 {
			return appendUnsigned(dst, col, uint64(v.i))
		}
		return appendNegative(dst, col, v.i)
	case isUint:
		return appendUnsigned(dst, col, v.u)
	case isDouble:
		f := math.RoundToEven(v.f)
		if c.o.MySQL && f == float64(col.high) && col.high >= math.MaxInt64 || c.o.MySQL && col.tag == logical.TagUint64 && f >= lastUnsigned {
			return nil, logical.ProblemRange
		}
		return appendRounded(dst, col, f)
	}
	if c.strict(v) && v.kind != isDecimal && strings.HasPrefix(strings.TrimLeft(v.s, " \t\n\f\r"), "\v") {
		return nil, logical.ProblemSyntax // no blank in front, there
	}
	d, why := v.decimal()
	if why != "" {
		return nil, why
	}
	if v.kind != isDecimal && (d.Scale > maxIntegerScale || d.IsZero() && d.Scale == 0 && !isZeroText(v.s)) {
		return nil, problemTiny
	}
	if (v.kind == isDecimal || c.o.MySQL && !c.strict(v)) && d.Negative && !d.IsZero() && col.low == 0 {
		return nil, logical.ProblemRange // also -0.4, which would round to 0
	}
	d.Round(0)
	text := string(d.Append(nil))
	if strings.HasPrefix(text, "-") {
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, logical.ProblemRange
		}
		return appendNegative(dst, col, i)
	}
	u, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil, logical.ProblemRange
	}
	return appendUnsigned(dst, col, u)
}

// maxIntegerScale is the number of digits behind the point to which the server
// rounds text for an integer column as one would expect.
const maxIntegerScale = 18

const problemTiny = "too many digits behind the point"

// isZeroText reports whether a number is written as zero, not only read as it.
func isZeroText(s string) bool {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		s = s[:i]
	}
	return !strings.ContainsAny(s, "123456789")
}

// lastUnsigned is the largest double below 2^64. MySQL takes it for too large.
const lastUnsigned = 1<<64 - 1<<11

func appendUnsigned(dst []byte, col *column, u uint64) ([]byte, problem) {
	if u > col.high {
		return nil, logical.ProblemRange
	}
	return logical.AppendUint64(dst, u), "" // the same bytes as AppendInt64 up to its limit
}

func appendNegative(dst []byte, col *column, i int64) ([]byte, problem) {
	if i < col.low {
		return nil, logical.ProblemRange
	}
	return logical.AppendInt64(dst, i), ""
}

func appendRounded(dst []byte, col *column, f float64) ([]byte, problem) {
	switch {
	case f == 1<<63 && col.high == math.MaxInt64:
		// The server compares with its limit as a double: 2^63 passes.
		return logical.AppendInt64(dst, math.MaxInt64), ""
	case f < -1<<63 || f >= 1<<64:
		return nil, logical.ProblemRange
	case f < 0:
		return appendNegative(dst, col, int64(f))
	}
	return appendUnsigned(dst, col, uint64(f))
}

// parseDouble reads decimal text; too large is out of range, too small is 0.
func parseDouble(s string) (float64, problem) {
	if _, why := logical.ParseDecimal(s); why == logical.ProblemSyntax {
		return 0, why
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, logical.ProblemRange
	}
	return f, ""
}

// appendFloat writes FLOAT or DOUBLE; the servers have no NaN and no infinity,
// and MariaDB no -0.
func (c *Codec) appendFloat(dst []byte, col *column, v *value) ([]byte, problem) {
	f, why := v.float()
	if why != "" {
		return nil, why
	}
	if f == 0 && (!c.o.MySQL || v.kind == isDecimal) {
		f = 0 // not -0
	}
	if !col.single {
		return logical.AppendFloat64(dst, f), ""
	}
	if math.Abs(f) > math.MaxFloat32 {
		return nil, logical.ProblemRange
	}
	single := float32(f)
	return logical.AppendFloat32(dst, single), ""
}

func (v *value) float() (float64, problem) {
	switch v.kind {
	case isInt:
		return float64(v.i), ""
	case isUint:
		return float64(v.u), ""
	case isDouble:
		return v.f, ""
	case isDecimal, isString, isBinary:
		return parseDouble(trimSpace(v.s))
	}
	return 0, problemKind
}

func (c *Codec) appendDecimal(dst []byte, col *column, v *value) ([]byte, problem) {
	d, why := v.decimal()
	if why != "" {
		return nil, why
	}
	if c.strict(v) && (v.kind == isString || v.kind == isBinary) && tiny(v.s) {
		return nil, logical.ProblemRange
	}
	if !d.Fit(col.precision, col.scale) {
		return nil, logical.ProblemRange
	}
	return d.Append(dst), ""
}

// lastExponent is the least exponent of a decimal number as text that MySQL
// reads into its digits.
const lastExponent = -81

// tiny reports an exponent below.
func tiny(s string) bool {
	_, exponent, ok := strings.Cut(strings.ToLower(trimSpace(s)), "e")
	if !ok {
		return false
	}
	e, err := strconv.Atoi(exponent)
	return err == nil && e < lastExponent || errors.Is(err, strconv.ErrRange) && strings.HasPrefix(exponent, "-")
}

// decodeUint returns what the driver returns of BIGINT UNSIGNED: uint64 in the
// text protocol; int64, or digits where it does not fit, in the binary one.
func (c *Codec) decodeUint(u uint64) driver.Value {
	switch {
	case !c.o.Binary:
		return u
	case u <= math.MaxInt64:
		return int64(u)
	}
	return strconv.AppendUint(nil, u, 10)
}

// sixDigits rounds a FLOAT to the six significant digits that the server
// prints of it in the text protocol.
func sixDigits(f float32) (float32, bool) {
	d, err := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'e', 5, 32), 32)
	return float32(d), err == nil
}

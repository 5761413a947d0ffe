package myvalue

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// text is the value as the server writes it into a column of characters; ok is
// false for a double that MySQL would shorten.
func (c *Codec) text(v *value) (s string, ok bool) {
	if v.kind == isDouble && c.o.MySQL {
		return narrowDoubleText(v.f)
	}
	return v.text(), true
}

// text is the same where no double is shortened.
func (v *value) text() string {
	switch v.kind {
	case isInt:
		return strconv.FormatInt(v.i, 10)
	case isUint:
		return strconv.FormatUint(v.u, 10)
	case isDouble:
		return doubleText(v.f)
	case isDecimal:
		return decimalText(v.s)
	}
	return v.s
}

// decimalText normalises a constant: "007", ".5" and "-0" are 7, 0.5 and 0.
func decimalText(s string) string {
	d, _ := logical.ParseDecimal(s) // it was read before
	return string(d.Append(nil))
}

// doubleText writes a double as the server does: shortest digits, without
// exponent from 1e-15 up to below 1e15, and up to below 1e16 where there are
// digits behind the point.
func doubleText(f float64) string {
	if f == 0 {
		return "0"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exponent) // strconv wrote it
	digits := len(strings.TrimLeft(mantissa, "-")) - len(".")
	if e >= -15 && e < 15 || e == 15 && digits > e+1 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return mantissa + "e" + strconv.Itoa(e)
}

// narrowWidth is the number of bytes in which MySQL writes a double.
const narrowWidth = 22

// narrowDoubleText writes a double as MySQL does: without exponent where that
// fits; ok is false where digits would have to go.
func narrowDoubleText(f float64) (s string, ok bool) {
	if f == 0 && math.Signbit(f) {
		return "-0", true
	}
	if s = doubleText(f); len(s) <= narrowWidth {
		return s, true
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	e, _ := strconv.Atoi(exponent) // strconv wrote it
	s = mantissa + "e" + strconv.Itoa(e)
	return s, len(s) <= narrowWidth
}

// smallestNormal is the smallest double with all its digits.
const smallestNormal = 0x1p-1022

// narrow reports whether the column may be too short for a double.
func (col *column) narrow() bool {
	const digits = 24
	return col.chars > 0 && col.chars < digits || col.bytes > 0 && col.bytes < digits
}

// appendText checks the character set and the length: blanks too many are cut,
// anything else is an error; CHAR loses the blanks at its end.
func appendText(dst []byte, col *column, s string) ([]byte, problem) {
	if !utf8.ValidString(s) {
		return nil, "text is not valid UTF-8"
	}
	if col.fixed {
		s = strings.TrimRight(s, " ")
	}
	end := len(s)
	switch {
	case col.chars > 0 && len(s) > col.chars:
		end = offsetOf(s, col.chars)
	case col.bytes > 0 && len(s) > col.bytes:
		for end = col.bytes; !utf8.RuneStart(s[end]); end-- {
		}
	}
	if trimSpace(s[end:]) != "" {
		return nil, tooLong(col)
	}
	return append(dst, s[:end]...), ""
}

// Lend is logical.TextLender's: of texts that cannot have more characters or bytes
// than the column takes.
func (c *Codec) Lend(t *schema.Type, s string) (payload []byte, tag logical.Tag, ok bool) {
	if t.Kind != schema.KindText {
		return nil, 0, false
	}
	col, ok := textColumn(t)
	if !ok || col.fixed || col.chars > 0 && len(s) > col.chars || col.bytes > 0 && len(s) > col.bytes || !utf8.ValidString(s) {
		return nil, 0, false
	}
	return logical.LentText(s), col.tag, true
}

// offsetOf returns where the n-th character begins, or the length.
func offsetOf(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func tooLong(col *column) problem {
	if col.chars > 0 {
		return fmt.Sprintf("too long (limit %d characters)", col.chars)
	}
	return fmt.Sprintf("too long (limit %d bytes)", col.bytes)
}

// appendBytes checks the length; BINARY is filled with zero bytes.
func appendBytes[T string | []byte](dst []byte, col *column, s T) ([]byte, problem) {
	if col.bytes > 0 && len(s) > col.bytes {
		return nil, tooLong(col)
	}
	dst = append(dst, s...)
	if col.fixed {
		for n := len(s); n < col.bytes; n++ {
			dst = append(dst, 0)
		}
	}
	return dst, ""
}

// jsonForm is how MySQL prints json: integers of 64 bits, and doubles.
var jsonForm = logical.JSONForm{Number: appendJSONNumber, Depth: 100}

func appendJSONNumber(dst []byte, digits string) ([]byte, problem) {
	if i, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return strconv.AppendInt(dst, i, 10), ""
	}
	if u, err := strconv.ParseUint(digits, 10, 64); err == nil {
		return strconv.AppendUint(dst, u, 10), ""
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return nil, logical.ProblemRange
	}
	s := doubleText(f)
	if f == 0 && math.Signbit(f) {
		s = "-0"
	}
	dst = append(dst, s...)
	if !strings.ContainsAny(s, ".e") {
		dst = append(dst, ".0"...)
	}
	return dst, ""
}

// appendJSON keeps the text on MariaDB, where json is a text that must be JSON of
// RFC 8259 without half a surrogate pair, and takes only characters on MySQL,
// which prints documents in its own way.
func (c *Codec) appendJSON(dst []byte, v *value) ([]byte, problem) {
	s := v.text()
	if c.o.MySQL {
		if v.kind != isString {
			return nil, problemKind
		}
		if !utf8.ValidString(s) {
			return nil, "invalid JSON"
		}
		return jsonForm.Append(dst, s)
	}
	if !utf8.ValidString(s) || !json.Valid([]byte(s)) {
		return nil, "invalid JSON"
	}
	if _, lone := logical.Escapes(s); lone {
		return nil, "invalid JSON"
	}
	return append(dst, s...), ""
}

// appendUUID reads the text form, or 16 bytes that are sent as binary.
func appendUUID(dst []byte, v *value) ([]byte, problem) {
	switch {
	case (v.kind == isBinary || v.kind == isHex) && len(v.s) == 16:
		return append(dst, v.s...), ""
	case v.kind == isString && !strings.HasPrefix(v.s, "{"):
		if id, ok := logical.ParseUUID(v.s); ok {
			return append(dst, id[:]...), ""
		}
		return nil, logical.ProblemSyntax
	}
	return nil, problemKind
}

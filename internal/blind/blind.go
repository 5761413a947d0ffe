// Package blind turns values into what a blind index hashes.
//
// Two values of one column are equal for the engine exactly if their messages
// are equal, where the index is exact (schema.Equality.Exact): texts under the
// declared collation, numbers whatever their spelling, times whatever their
// number of fractional digits. Messages of different kinds are never equal.
// They are as secret as the values.
package blind

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// The first byte of a message. The numbers enter stored indexes and never
// change.
const (
	kindText    = 1
	kindBytes   = 2
	kindInt     = 3 // 9 bytes: a sign byte (0 negative, 1 not) and the magnitude's two's complement
	kindFloat   = 4
	kindBool    = 5
	kindNumeric = 6
	kindTime    = 7 // the logical tag, then the engine's payload without trailing zeros of a fraction
	kindUUID    = 8
)

// Append appends the message of a payload (package logical) to dst. The error
// is a *logical.NormalizeError where a normalizer does not take the text, and
// else for payloads that no codec makes; it holds no value.
func Append(dst []byte, e *schema.Equality, tag logical.Tag, payload []byte) ([]byte, error) {
	switch tag {
	case logical.TagText:
		return appendText(dst, e, payload)
	case logical.TagBytes:
		return append(append(dst, kindBytes), payload...), nil
	case logical.TagInt64:
		if n, ok := logical.Int64(payload); ok {
			return appendInt(dst, n >= 0, uint64(n)), nil
		}
	case logical.TagUint64:
		if n, ok := logical.Uint64(payload); ok {
			return appendInt(dst, true, n), nil
		}
	case logical.TagFloat64:
		if f, ok := logical.Float64(payload); ok {
			return appendFloat(dst, f), nil
		}
	case logical.TagFloat32:
		if f, ok := logical.Float32(payload); ok {
			return appendFloat(dst, float64(f)), nil
		}
	case logical.TagBool:
		return append(append(dst, kindBool), payload...), nil
	case logical.TagNumeric:
		return append(append(dst, kindNumeric), canonicalDecimal(payload)...), nil
	case logical.TagDate, logical.TagTime, logical.TagTimestamp, logical.TagTimestampTZ:
		return append(append(dst, kindTime, byte(tag)), withoutZeros(payload)...), nil
	case logical.TagUUID:
		return append(append(dst, kindUUID), payload...), nil
	}
	return dst, fmt.Errorf("sealsql: a value of kind %d cannot be indexed", tag)
}

func appendInt(dst []byte, positive bool, n uint64) []byte {
	sign := byte(0)
	if positive {
		sign = 1
	}
	return binary.BigEndian.AppendUint64(append(dst, kindInt, sign), n)
}

// appendFloat writes whole numbers as integers, which SQLite finds equal to
// them, -0 as 0 and every NaN as one.
func appendFloat(dst []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1<<62 {
		return appendInt(dst, f >= 0, uint64(int64(f)))
	}
	if math.IsNaN(f) {
		f = math.NaN()
	}
	return binary.BigEndian.AppendUint64(append(dst, kindFloat), math.Float64bits(f))
}

// canonicalDecimal drops what does not change a number: leading and trailing
// zeros and the sign of zero. "NaN" and "Infinity" stay as they are.
func canonicalDecimal(b []byte) []byte {
	neg := len(b) > 0 && b[0] == '-'
	digits := b
	if neg {
		digits = b[1:]
	}
	if len(digits) == 0 || digits[0] > '9' {
		return b
	}
	if bytes.IndexByte(digits, '.') >= 0 {
		digits = bytes.TrimRight(digits, "0")
		digits = bytes.TrimSuffix(digits, []byte("."))
	}
	digits = bytes.TrimLeft(digits, "0")
	switch {
	case len(digits) == 0:
		return []byte("0")
	case digits[0] == '.':
		digits = append([]byte("0"), digits...)
	}
	if neg {
		return append([]byte("-"), digits...)
	}
	return digits
}

// withoutZeros drops trailing zeros behind the point of a time in text, so that
// columns and arguments of different precision compare.
func withoutZeros(b []byte) []byte {
	if len(b) <= 8 || bytes.IndexByte(b, '.') < 0 {
		return b // PostgreSQL's numbers, whole seconds
	}
	return bytes.TrimSuffix(bytes.TrimRight(b, "0"), []byte("."))
}

// appendText normalises a text. What is not UTF-8, which SQLite keeps, is
// compared as bytes.
func appendText(dst []byte, e *schema.Equality, text []byte) ([]byte, error) {
	dst = append(dst, kindText)
	if e.Of != nil && e.Of.Type.Fixed {
		text = bytes.TrimRight(text, " ")
	}
	steps := e.Steps()
	if len(steps) == 0 {
		return append(dst, text...), nil
	}
	region, phone := schema.PhoneStep(steps[len(steps)-1])
	if phone {
		steps = steps[:len(steps)-1]
	}
	s := string(text)
	if utf8.ValidString(s) {
		for _, n := range steps {
			s = normalize(n, s)
		}
	}
	if phone {
		var err error
		if s, err = toE164(region, s); err != nil {
			return dst, err
		}
	}
	return append(dst, s...), nil
}

func normalize(n schema.Normalizer, s string) string {
	switch n {
	case schema.Trim:
		return strings.TrimSpace(s)
	case schema.TrimEnd:
		return strings.TrimRightFunc(s, unicode.IsSpace)
	case schema.Collapse:
		return collapse(s)
	case schema.NFC:
		return norm.NFC.String(s)
	case schema.NFKC:
		return norm.NFKC.String(s)
	case schema.Lower:
		return strings.ToLower(s)
	case schema.StripAccents:
		return strip(s)
	case schema.Digits:
		return strings.Map(digit, s)
	case schema.Email:
		return strings.ToLower(norm.NFC.String(strings.TrimSpace(s)))
	}
	return s
}

func collapse(s string) string {
	var b strings.Builder
	blank := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			if !blank {
				b.WriteByte(' ')
			}
			blank = true
			continue
		}
		blank = false
		b.WriteRune(r)
	}
	return b.String()
}

// strip removes the marks that canonical decomposition sets apart.
func strip(s string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s)))
}

// digit keeps the ASCII digits: what other scripts write is another spelling,
// which nfkc in front folds where Unicode calls it compatible.
func digit(r rune) rune {
	if '0' <= r && r <= '9' {
		return r
	}
	return -1
}

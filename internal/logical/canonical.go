package logical

import (
	"encoding/hex"
	"strings"
)

// ParseUUID reads a UUID as PostgreSQL does: 32 hexadecimal digits in either
// case, a hyphen allowed after every group of four digits, the whole allowed
// in braces. ok is false for anything else.
func ParseUUID(s string) (id [16]byte, ok bool) {
	if len(s) >= 2 && s[0] == '{' {
		if s[len(s)-1] != '}' {
			return id, false
		}
		s = s[1 : len(s)-1]
	}
	for i := range id {
		if len(s) < 2 {
			return id, false
		}
		if _, err := hex.Decode(id[i:i+1], []byte{s[0], s[1]}); err != nil {
			return id, false
		}
		s = s[2:]
		if i%2 == 1 && i < 15 && s != "" && s[0] == '-' {
			s = s[1:]
		}
	}
	return id, s == ""
}

// AppendUUID appends the canonical text of RFC 9562 §4: lower case, with
// hyphens, 36 bytes.
func AppendUUID(dst []byte, id [16]byte) []byte {
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		const digits = "0123456789abcdef"
		dst = append(dst, digits[b>>4], digits[b&15])
	}
	return dst
}

// CanonicalDecimal writes a plain decimal number without sign of plus, leading
// or trailing zeros and exponent, so that equal numbers have one text. ok is
// false for anything that is not digits with at most one point.
func CanonicalDecimal(s string) (text string, ok bool) {
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg, s = s[0] == '-', s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if whole == "" && fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return "", false
	}
	whole = strings.TrimLeft(whole, "0")
	fraction = strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if neg && whole != "0" {
		whole = "-" + whole
	}
	return whole, true
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

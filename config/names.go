package config

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
)

// isVariable reports whether s can name an environment variable.
func isVariable(s string) bool { return isName(s, 128) }

// isTableName reports whether s is a plain name on every engine.
func isTableName(s string) bool { return isName(s, 63) }

func isName(s string, limit int) bool {
	if s == "" || len(s) > limit || '0' <= s[0] && s[0] <= '9' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// looksLikeKey reports whether s is 16, 24, 32 or 64 bytes in hexadecimal or
// base64 rather than a name or path: hexadecimal digits only, or letters of
// both cases and digits mixed as no name mixes them.
func looksLikeKey(s string) bool {
	s = strings.TrimSpace(s)
	if b, err := hex.DecodeString(s); err == nil && keySize(len(b)) {
		return true
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := enc.Strict().DecodeString(s); err == nil && keySize(len(b)) {
			return strings.HasSuffix(s, "=") || mixed(s)
		}
	}
	return false
}

func keySize(n int) bool { return n == 16 || n == 24 || n == 32 || n == 64 }

// mixed reports whether s has lower-case and upper-case letters and digits.
func mixed(s string) bool {
	return strings.ContainsFunc(s, unicode.IsLower) && strings.ContainsFunc(s, unicode.IsUpper) && strings.ContainsFunc(s, unicode.IsDigit)
}

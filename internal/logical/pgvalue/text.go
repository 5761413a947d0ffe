package pgvalue

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// checkText refuses what no text of a UTF-8 database can hold.
func checkText(s string) problem {
	if strings.IndexByte(s, 0) >= 0 {
		return "text cannot hold a NUL byte"
	}
	if !utf8.ValidString(s) {
		return "text is not valid UTF-8"
	}
	return ""
}

// appendText applies the length of varchar(n) and char(n), in characters:
// blanks too many are cut, anything else is an error, char is padded
// (documentation §8.3).
func appendText(dst []byte, t *schema.Type, oid uint32, s string) ([]byte, problem) {
	if isItself(t, oid, s) {
		return append(dst, s...), ""
	}
	n := 0
	for i := range s {
		if n == t.Length {
			if strings.Trim(s[i:], " ") != "" {
				return nil, fmt.Sprintf("too long (limit %d characters)", t.Length)
			}
			return append(dst, s[:i]...), ""
		}
		n++
	}
	dst = append(dst, s...)
	if oid == pgtype.BPCharOID {
		for ; n < t.Length; n++ {
			dst = append(dst, ' ')
		}
	}
	return dst, ""
}

// isItself reports whether a valid text is stored as it is: it cannot have more
// characters than the type allows, and is not padded.
func isItself(t *schema.Type, oid uint32, s string) bool {
	return t.Length == 0 || oid == pgtype.TextOID || oid == pgtype.VarcharOID && len(s) <= t.Length
}

// Lend is logical.TextLender's.
func (c *Codec) Lend(t *schema.Type, s string) (payload []byte, tag logical.Tag, ok bool) {
	oid := oidOf(t)
	if t.Kind == schema.KindArray || !isText(oid) || !isItself(t, oid, s) || checkText(s) != "" {
		return nil, 0, false
	}
	return logical.LentText(s), logical.TagText, true
}

// appendByteaText reads the two text forms of bytea (documentation §8.4): \x
// and hexadecimal digits with blanks between the pairs, or bytes with \\ and
// \ooo.
func appendByteaText(dst []byte, s string) ([]byte, problem) {
	if strings.HasPrefix(s, `\x`) {
		return appendHex(dst, s[2:])
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			dst = append(dst, s[i])
		case strings.HasPrefix(s[i+1:], `\`):
			dst = append(dst, '\\')
			i++
		case isOctalEscape(s[i+1:]):
			dst = append(dst, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		default:
			return nil, "invalid syntax (a backslash begins an escape; pass []byte instead of string)"
		}
	}
	return dst, ""
}

func isOctalEscape(s string) bool {
	return len(s) >= 3 && s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7'
}

func appendHex(dst []byte, s string) ([]byte, problem) {
	for i := 0; i < len(s); {
		if isHexBlank(s[i]) {
			i++
			continue
		}
		high, ok := hexDigit(s[i])
		if !ok || i+1 == len(s) {
			return nil, "invalid hexadecimal digits"
		}
		low, ok := hexDigit(s[i+1])
		if !ok {
			return nil, "invalid hexadecimal digits"
		}
		dst = append(dst, high<<4|low)
		i += 2
	}
	return dst, ""
}

func isHexBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// trimSpace removes what C's isspace calls blank.
func trimSpace(s string) string { return strings.Trim(s, " \t\n\v\f\r") }

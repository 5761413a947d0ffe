package myvalue

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// Canonical converts a partition or row-identity value to its one text: text
// as it is, decimal integers (booleans are 0 and 1), decimals without trailing
// zeros, UUIDs in lower case with hyphens, bytes in hexadecimal, dates and
// times as the server prints them, without zeros at the end of the fraction.
// NULL, floats, JSON and zero dates are refused.
func (c *Codec) Canonical(t *schema.Type, v any) (string, error) {
	payload, tag, null, err := c.Encode(nil, t, v)
	if err != nil {
		return "", err
	}
	if null {
		return "", logical.NewTypeError(t, v, "NULL cannot identify a partition or row")
	}
	text, ok := canonical(t, tag, payload)
	if !ok {
		return "", logical.NewTypeError(t, v, "cannot identify a partition or row")
	}
	return text, nil
}

// CanonicalLiteral does the same for a constant of the text.
func (c *Codec) CanonicalLiteral(t *schema.Type, lit logical.Literal) (string, error) {
	payload, tag, err := c.EncodeLiteral(nil, t, lit)
	if err != nil {
		return "", err
	}
	text, ok := canonical(t, tag, payload)
	if !ok {
		return "", logical.NewLiteralError(t, "cannot identify a partition or row")
	}
	return text, nil
}

func canonical(t *schema.Type, tag logical.Tag, p []byte) (string, bool) {
	switch tag {
	case logical.TagText:
		return string(p), true
	case logical.TagBytes:
		return hex.EncodeToString(p), true
	case logical.TagInt64:
		i, ok := logical.Int64(p)
		return strconv.FormatInt(i, 10), ok
	case logical.TagUint64:
		u, ok := logical.Uint64(p)
		return strconv.FormatUint(u, 10), ok
	case logical.TagNumeric:
		return logical.CanonicalDecimal(string(p))
	case logical.TagUUID:
		return string(logical.AppendUUID(nil, [16]byte(p))), true
	case logical.TagTime:
		return withoutZeros(string(p)), true
	case logical.TagDate, logical.TagTimestamp:
		s := withoutZeros(string(p))
		_, err := time.Parse(time.DateOnly, s[:10])
		return s, err == nil
	}
	return "", false
}

// withoutZeros cuts the zeros at the end of a fraction.
func withoutZeros(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

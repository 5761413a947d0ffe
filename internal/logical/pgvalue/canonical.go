package pgvalue

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// Canonical converts a partition or row-identity value to its one text: text
// as it is (char without its padding), decimal integers, booleans as true and
// false, numeric without trailing zeros, UUIDs in lower case with hyphens,
// bytes in hexadecimal, dates and times in ISO 8601, instants in UTC. NULL,
// floats, json, NaN and infinities are refused.
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
		if t.Fixed { // blanks at the end of char(n) do not count in comparisons
			return strings.TrimRight(string(p), " "), true
		}
		return string(p), true
	case logical.TagBytes:
		return hex.EncodeToString(p), true
	case logical.TagInt64:
		i, ok := logical.Int64(p)
		return strconv.FormatInt(i, 10), ok
	case logical.TagBool:
		b, ok := logical.Bool(p)
		return strconv.FormatBool(b), ok
	case logical.TagNumeric:
		return logical.CanonicalDecimal(string(p))
	case logical.TagUUID:
		return string(logical.AppendUUID(nil, [16]byte(p))), true
	case logical.TagDate:
		days := int32(binary.BigEndian.Uint32(p))
		if days == math.MaxInt32 || days == math.MinInt32 {
			return "", false
		}
		return time.Unix(epoch+int64(days)*86400, 0).UTC().Format(time.DateOnly), true
	case logical.TagTime:
		us, ok := logical.Int64(p)
		return timeText(us), ok
	case logical.TagTimestamp, logical.TagTimestampTZ:
		us, ok := logical.Int64(p)
		if us == math.MaxInt64 || us == math.MinInt64 {
			return "", false
		}
		return time.Unix(epoch+us/1_000_000, us%1_000_000*1000).UTC().Format(time.RFC3339Nano), ok
	}
	return "", false
}

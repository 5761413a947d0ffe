package litevalue

import (
	"encoding/hex"
	"strconv"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// Canonical converts a partition or row-identity value to its one text: what
// the column would store for it, so that an argument and the value read back
// agree. NULL, fractions and values of another storage class than the type
// means are refused.
func (c *Codec) Canonical(t *schema.Type, v any) (string, error) {
	if x, ok := v.(time.Time); ok && isDateKind(t) {
		return canonicalTime(t, v, x)
	}
	payload, tag, null, err := c.Encode(nil, t, v)
	switch {
	case err != nil:
		return "", err
	case null:
		return "", logical.NewTypeError(t, v, "NULL cannot identify a partition or row")
	}
	return c.canonical(t, v, tag, payload)
}

// CanonicalLiteral does the same for a constant of the text.
func (c *Codec) CanonicalLiteral(t *schema.Type, lit logical.Literal) (string, error) {
	payload, tag, err := c.EncodeLiteral(nil, t, lit)
	if err != nil {
		return "", err
	}
	text, err := c.canonical(t, lit, tag, payload)
	if err != nil {
		return "", logical.NewLiteralError(t, "cannot identify a partition or row")
	}
	return text, nil
}

// canonical chooses by the kind of the type which storage classes may identify.
func (c *Codec) canonical(t *schema.Type, v any, tag logical.Tag, payload []byte) (string, error) {
	switch t.Kind {
	case schema.KindText, schema.KindTime:
		if tag == logical.TagText {
			return string(payload), nil
		}
	case schema.KindBytes:
		if tag == logical.TagBytes {
			return hex.EncodeToString(payload), nil
		}
	case schema.KindInt, schema.KindBool, schema.KindNumeric:
		if i, ok := logical.Int64(payload); ok && tag == logical.TagInt64 {
			return strconv.FormatInt(i, 10), nil
		}
	case schema.KindUUID:
		if id, ok := storedUUID(tag, payload); ok {
			return string(logical.AppendUUID(nil, id)), nil
		}
	case schema.KindDate, schema.KindTimestamp, schema.KindTimestampTZ:
		if x, ok := c.parseTime(string(payload)); ok && tag == logical.TagText {
			return canonicalTime(t, v, x)
		}
	}
	return "", logical.NewTypeError(t, v, "cannot identify a partition or row")
}

// storedUUID reads a UUID kept as text or as 16 bytes.
func storedUUID(tag logical.Tag, payload []byte) (id [16]byte, ok bool) {
	if tag == logical.TagBytes && len(payload) == len(id) {
		return [16]byte(payload), true
	}
	if tag == logical.TagText {
		return logical.ParseUUID(string(payload))
	}
	return id, false
}

func isDateKind(t *schema.Type) bool {
	return t.Kind == schema.KindDate || t.Kind == schema.KindTimestamp || t.Kind == schema.KindTimestampTZ
}

// canonicalTime writes a date as its day and a timestamp as RFC 3339 in UTC. A
// date with a time of day is refused: it would be two partitions for one day.
func canonicalTime(t *schema.Type, v any, x time.Time) (string, error) {
	if t.Kind != schema.KindDate {
		return x.UTC().Format(time.RFC3339Nano), nil
	}
	if h, m, s := x.Clock(); h != 0 || m != 0 || s != 0 || x.Nanosecond() != 0 {
		return "", logical.NewTypeError(t, v, "a date with a time of day cannot identify a partition or row")
	}
	return x.Format(time.DateOnly), nil
}

package pgvalue

import (
	"database/sql/driver"
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// tags says which tag a payload of a type carries.
var tags = map[uint32]logical.Tag{
	pgtype.TextOID: logical.TagText, pgtype.VarcharOID: logical.TagText, pgtype.BPCharOID: logical.TagText,
	pgtype.ByteaOID: logical.TagBytes, pgtype.Int2OID: logical.TagInt64, pgtype.Int4OID: logical.TagInt64, pgtype.Int8OID: logical.TagInt64,
	pgtype.Float4OID: logical.TagFloat32, pgtype.Float8OID: logical.TagFloat64, pgtype.BoolOID: logical.TagBool,
	pgtype.NumericOID: logical.TagNumeric, pgtype.DateOID: logical.TagDate, pgtype.TimeOID: logical.TagTime,
	pgtype.TimestampOID: logical.TagTimestamp, pgtype.TimestamptzOID: logical.TagTimestampTZ,
	pgtype.UUIDOID: logical.TagUUID, pgtype.JSONOID: logical.TagJSON, pgtype.JSONBOID: logical.TagJSON,
}

// Decode returns what the driver's Rows.Next returns for the type: string for
// text, numeric, time and uuid; []byte for bytea and json; int64, float64,
// bool; time.Time for dates and timestamps, or the string "infinity" or
// "-infinity".
func (c *Codec) Decode(t *schema.Type, tag logical.Tag, payload []byte) (driver.Value, error) {
	if t.Kind == schema.KindArray {
		if s, ok := decodeArray(t, payload); ok && tag == logical.TagArray {
			return s, nil
		}
		return nil, logical.NewPayloadError(t, tag)
	}
	oid := oidOf(t)
	if want, ok := tags[oid]; ok && want == tag {
		if v, ok := c.decode(tag, payload); ok {
			return v, nil
		}
	}
	return nil, logical.NewPayloadError(t, tag)
}

var _ logical.OwnDecoder = (*Codec)(nil)

// DecodeOwn implements logical.OwnDecoder.
func (c *Codec) DecodeOwn(t *schema.Type, tag logical.Tag, payload []byte) (driver.Value, bool, error) {
	switch {
	case tag == logical.TagText && t.Kind == schema.KindText:
		s, kept := logical.OwnText(payload)
		return s, kept, nil
	case len(payload) > 0 && (tag == logical.TagBytes && t.Kind == schema.KindBytes || tag == logical.TagJSON && t.Kind == schema.KindJSON):
		return payload[:len(payload):len(payload)], true, nil
	}
	v, err := c.Decode(t, tag, payload)
	return v, false, err
}

func (c *Codec) decode(tag logical.Tag, p []byte) (driver.Value, bool) {
	switch tag {
	case logical.TagText, logical.TagNumeric:
		return string(p), true
	case logical.TagBytes, logical.TagJSON:
		return append(make([]byte, 0, len(p)), p...), true
	case logical.TagInt64:
		i, ok := logical.Int64(p)
		return i, ok
	case logical.TagFloat64:
		f, ok := logical.Float64(p)
		return f, ok
	case logical.TagFloat32:
		f, ok := logical.Float32(p)
		return float64(f), ok
	case logical.TagBool:
		b, ok := logical.Bool(p)
		return b, ok
	case logical.TagUUID:
		if len(p) != 16 {
			return nil, false
		}
		return string(logical.AppendUUID(make([]byte, 0, 36), [16]byte(p))), true
	}
	return c.decodeMoment(tag, p)
}

func (c *Codec) decodeMoment(tag logical.Tag, p []byte) (driver.Value, bool) {
	if tag == logical.TagDate {
		if len(p) != 4 {
			return nil, false
		}
		return decodeDate(int32(binary.BigEndian.Uint32(p)))
	}
	us, ok := logical.Int64(p)
	if !ok {
		return nil, false
	}
	if tag == logical.TagTime {
		return timeText(us), us >= 0 && us <= microsPerDay
	}
	if us == math.MaxInt64 || us == math.MinInt64 {
		return infinityText(us > 0), true
	}
	if us < firstMicros || us >= endMicros {
		return nil, false
	}
	x := time.Unix(epoch+us/1_000_000, us%1_000_000*1000)
	switch {
	case tag == logical.TagTimestampTZ && c.o.TimestamptzLocation != nil:
		x = x.In(c.o.TimestamptzLocation)
	case tag == logical.TagTimestamp:
		x = x.UTC()
		if loc := c.o.TimestampLocation; loc != nil {
			x = time.Date(x.Year(), x.Month(), x.Day(), x.Hour(), x.Minute(), x.Second(), x.Nanosecond(), loc)
		}
	}
	return x, true
}

func decodeDate(days int32) (driver.Value, bool) {
	switch {
	case days == math.MaxInt32 || days == math.MinInt32:
		return infinityText(days > 0), true
	case days < firstDay || days >= endDay:
		return nil, false
	}
	return time.Unix(epoch+int64(days)*86400, 0).UTC(), true
}

func infinityText(positive bool) string {
	if positive {
		return "infinity"
	}
	return "-infinity"
}

// timeText writes a time of day as time_out does: fraction without trailing
// zeros.
func timeText(us int64) string {
	s := us / 1_000_000
	b := make([]byte, 0, 15)
	b = appendTwo(b, s/3600, 0)
	b = appendTwo(b, s/60%60, ':')
	b = appendTwo(b, s%60, ':')
	if f := us % 1_000_000; f != 0 {
		b = append(b, '.')
		b = append(b, strconv.FormatInt(1_000_000+f, 10)[1:]...)
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return string(b)
}

func appendTwo(b []byte, n int64, before byte) []byte {
	if before != 0 {
		b = append(b, before)
	}
	return append(b, byte('0'+n/10%10), byte('0'+n%10))
}

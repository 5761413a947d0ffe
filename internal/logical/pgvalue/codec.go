package pgvalue

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// Options are the settings of a connection that change how values are read.
// The zero value is pgx's default.
type Options struct {
	// TimestampLocation is the ScanLocation of pgx's TimestampCodec: the zone
	// in which the clock reading of a timestamp is taken; nil means UTC.
	TimestampLocation *time.Location
	// TimestamptzLocation is the ScanLocation of pgx's TimestamptzCodec: the
	// zone of the values returned; nil means time.Local.
	TimestamptzLocation *time.Location
	// TextParameters is set where pgx does not ask the server for the types of
	// parameters: its exec and simple_protocol modes. Arguments are then
	// written as text by their Go type, and the server reads that text.
	TextParameters bool
}

// Codec converts as PostgreSQL and pgx do. It is safe for concurrent use.
type Codec struct{ o Options }

var _ logical.Codec = (*Codec)(nil)

// New returns the codec of connections with these options.
func New(o Options) *Codec { return &Codec{o} }

// A problem says in words why a value does not fit; empty means that it does.
type problem = string

// Encode converts an argument; see logical.Codec.
func (c *Codec) Encode(dst []byte, t *schema.Type, v any) ([]byte, logical.Tag, bool, error) {
	oid := oidOf(t)
	if oid == 0 {
		return dst, 0, false, errNoType(t)
	}
	if _, isText := v.(string); c.o.TextParameters && v != nil && !isText {
		return encodeByMap(dst, t, oid, v, toText)
	}
	payload, tag, why, known := c.encodeCommon(dst, t, oid, v)
	if !known {
		return encodeByMap(dst, t, oid, v, toWire)
	}
	if why != "" {
		return dst, 0, false, logical.NewTypeError(t, v, why)
	}
	if payload == nil {
		return dst, 0, true, nil
	}
	return payload, tag, false, nil
}

// encodeCommon converts the commonest Go types without reflection; known is
// false for all others. A nil payload without a problem is NULL.
func (c *Codec) encodeCommon(dst []byte, t *schema.Type, oid uint32, v any) (payload []byte, tag logical.Tag, why problem, known bool) {
	switch x := v.(type) {
	case nil:
		return nil, 0, "", true
	case string: // pgx sends strings in text format whatever the type
		payload, tag, why = fromText(notNil(dst), t, oid, x)
		return payload, tag, why, true
	case []byte:
		if x == nil {
			return nil, 0, "", true
		}
		if oid == pgtype.ByteaOID {
			return append(notNil(dst), x...), logical.TagBytes, "", true
		}
		if isText(oid) {
			payload, tag, why = fromText(notNil(dst), t, oid, string(x))
			return payload, tag, why, true
		}
	case int64:
		return encodeInt(dst, oid, x)
	case int:
		return encodeInt(dst, oid, int64(x))
	case int32:
		return encodeInt(dst, oid, int64(x))
	case float64:
		if oid == pgtype.Float8OID {
			return logical.AppendFloat64(notNil(dst), x), logical.TagFloat64, "", true
		}
	case bool:
		if oid == pgtype.BoolOID {
			return logical.AppendBool(notNil(dst), x), logical.TagBool, "", true
		}
	case time.Time:
		return encodeTime(dst, t, oid, x)
	}
	return nil, 0, "", false
}

func encodeInt(dst []byte, oid uint32, x int64) ([]byte, logical.Tag, problem, bool) {
	if oid != pgtype.Int8OID && oid != pgtype.Int4OID && oid != pgtype.Int2OID {
		return nil, 0, "", false
	}
	payload, why := appendInt(notNil(dst), oid, x)
	return payload, logical.TagInt64, why, true
}

// encodeTime does what pgx does with a time.Time for the three types that have
// microseconds or days; the wall clock is taken but for timestamptz.
func encodeTime(dst []byte, t *schema.Type, oid uint32, x time.Time) (payload []byte, tag logical.Tag, why problem, known bool) {
	dst = notNil(dst)
	switch oid {
	case pgtype.DateOID:
		day := time.Date(x.Year(), x.Month(), x.Day(), 0, 0, 0, 0, time.UTC)
		payload, why = appendDate(dst, (day.Unix()-epoch)/86400)
		return payload, logical.TagDate, why, true
	case pgtype.TimestampOID:
		wall := time.Date(x.Year(), x.Month(), x.Day(), x.Hour(), x.Minute(), x.Second(), x.Nanosecond(), time.UTC)
		payload, why = appendTimestamp(dst, t, wall)
		return payload, logical.TagTimestamp, why, true
	case pgtype.TimestamptzOID:
		payload, why = appendTimestamp(dst, t, x)
		return payload, logical.TagTimestampTZ, why, true
	}
	return nil, 0, "", false
}

// notNil lets an empty payload differ from NULL.
func notNil(dst []byte) []byte {
	if dst == nil {
		return []byte{}
	}
	return dst
}

func isText(oid uint32) bool {
	return oid == pgtype.TextOID || oid == pgtype.VarcharOID || oid == pgtype.BPCharOID
}

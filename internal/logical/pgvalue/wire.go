package pgvalue

import (
	"encoding/binary"
	"sync"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// maps holds type maps: they memoise plans and serve one goroutine at a time.
var maps = sync.Pool{New: func() any { return pgtype.NewMap() }}

// encoder makes the wire format of an argument; nil is NULL.
type encoder func(m *pgtype.Map, oid uint32, v any) (wire []byte, format int16, err error)

// encodeByMap lets pgx's type map make the wire format and then does the
// server's half.
func encodeByMap(dst []byte, t *schema.Type, oid uint32, v any, encode encoder) ([]byte, logical.Tag, bool, error) {
	wire, format, err := guarded(encode, oid, v)
	if err != nil {
		e := logical.NewTypeError(t, v, "the driver cannot convert this Go type or value")
		e.Err = logical.Quiet(err)
		return dst, 0, false, e
	}
	if wire == nil {
		return dst, 0, true, nil
	}
	var payload []byte
	var tag logical.Tag
	var why problem
	if format == pgtype.TextFormatCode {
		payload, tag, why = fromText(notNil(dst), t, oid, string(wire))
	} else {
		payload, tag, why = fromBinary(notNil(dst), t, oid, wire)
	}
	if why != "" {
		return dst, 0, false, logical.NewTypeError(t, v, why)
	}
	return payload, tag, false, nil
}

// panicked is the error for a conversion that panicked: a Valuer or Stringer
// of the application, called on a value that it does not expect.
type panicked struct{}

func (panicked) Error() string { return "the conversion panicked" }

// guarded runs an encoder with a type map of its own.
func guarded(encode encoder, oid uint32, v any) (wire []byte, format int16, err error) {
	m := maps.Get().(*pgtype.Map)
	defer func() {
		if recover() != nil {
			wire, err = nil, panicked{} // the map is not used again
			return
		}
		maps.Put(m)
	}()
	return encode(m, oid, v)
}

// toWire chooses the format as pgx's ExtendedQueryBuilder does: text for
// *string, else the preferred one of the type, then the other.
func toWire(m *pgtype.Map, oid uint32, v any) (wire []byte, format int16, err error) {
	format = m.FormatCodeForOID(oid)
	if _, ok := v.(*string); ok {
		format = pgtype.TextFormatCode
	}
	wire, err = m.Encode(oid, format, v, []byte{})
	if err == nil {
		return wire, format, nil
	}
	other := pgtype.TextFormatCode + pgtype.BinaryFormatCode - format
	if wire, err2 := m.Encode(oid, other, v, []byte{}); err2 == nil {
		return wire, other, nil
	}
	return nil, 0, err
}

// toText encodes by the Go type alone.
func toText(m *pgtype.Map, _ uint32, v any) (wire []byte, format int16, err error) {
	wire, err = m.Encode(0, pgtype.TextFormatCode, v, []byte{})
	return wire, pgtype.TextFormatCode, err
}

// fromText does what the server's input function and the coercion to the
// column's modifiers do.
func fromText(dst []byte, t *schema.Type, oid uint32, s string) ([]byte, logical.Tag, problem) {
	if why := checkText(s); why != "" {
		return nil, 0, why
	}
	if t.Kind == schema.KindArray {
		return arrayFromText(dst, t, s)
	}
	switch oid {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID:
		payload, why := appendText(dst, t, oid, s)
		return payload, logical.TagText, why
	case pgtype.ByteaOID:
		payload, why := appendByteaText(dst, s)
		return payload, logical.TagBytes, why
	case pgtype.UUIDOID:
		id, ok := logical.ParseUUID(s)
		return append(dst, id[:]...), logical.TagUUID, syntaxUnless(ok)
	case pgtype.JSONOID, pgtype.JSONBOID:
		payload, why := appendJSON(dst, oid, s)
		return payload, logical.TagJSON, why
	}
	s = trimSpace(s)
	switch oid {
	case pgtype.DateOID, pgtype.TimeOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return momentFromText(dst, t, oid, s)
	}
	return numberFromText(dst, t, oid, s)
}

// fromBinary does what the server's receive function and the coercion to the
// column's modifiers do.
func fromBinary(dst []byte, t *schema.Type, oid uint32, w []byte) ([]byte, logical.Tag, problem) {
	if t.Kind == schema.KindArray {
		return arrayFromBinary(dst, t, w)
	}
	switch oid {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.JSONOID:
		return fromText(dst, t, oid, string(w))
	case pgtype.JSONBOID: // a version byte, then text
		if len(w) == 0 || w[0] != 1 {
			return nil, 0, logical.ProblemSyntax
		}
		return fromText(dst, t, oid, string(w[1:]))
	case pgtype.ByteaOID:
		return append(dst, w...), logical.TagBytes, ""
	case pgtype.UUIDOID:
		return append(dst, w...), logical.TagUUID, syntaxUnless(len(w) == 16)
	case pgtype.NumericOID:
		payload, why := appendNumericWire(dst, t, w)
		return payload, logical.TagNumeric, why
	case pgtype.BoolOID:
		if len(w) != 1 {
			return nil, 0, logical.ProblemSyntax
		}
		return logical.AppendBool(dst, w[0] != 0), logical.TagBool, ""
	case pgtype.Float4OID:
		return append(dst, w...), logical.TagFloat32, syntaxUnless(len(w) == 4)
	case pgtype.Float8OID:
		return append(dst, w...), logical.TagFloat64, syntaxUnless(len(w) == 8)
	}
	i, ok := wireInt(w)
	if !ok {
		return nil, 0, logical.ProblemSyntax
	}
	return integerFromWire(dst, t, oid, i)
}

func integerFromWire(dst []byte, t *schema.Type, oid uint32, i int64) (payload []byte, tag logical.Tag, why problem) {
	switch oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		payload, why = appendInt(dst, oid, i)
		return payload, logical.TagInt64, why
	case pgtype.DateOID:
		payload, why = appendDate(dst, i)
		return payload, logical.TagDate, why
	case pgtype.TimeOID:
		payload, why = appendTimeOfDay(dst, t, i)
		return payload, logical.TagTime, why
	case pgtype.TimestampOID:
		payload, why = appendMicros(dst, t, i)
		return payload, logical.TagTimestamp, why
	case pgtype.TimestamptzOID:
		payload, why = appendMicros(dst, t, i)
		return payload, logical.TagTimestampTZ, why
	}
	return nil, 0, logical.ProblemSyntax
}

// wireInt reads a big-endian two's complement number of 2, 4 or 8 bytes.
func wireInt(w []byte) (int64, bool) {
	switch len(w) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(w))), true
	case 4:
		return int64(int32(binary.BigEndian.Uint32(w))), true
	case 8:
		return int64(binary.BigEndian.Uint64(w)), true
	}
	return 0, false
}

func syntaxUnless(ok bool) problem {
	if ok {
		return ""
	}
	return logical.ProblemSyntax
}

package pgvalue

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// convert makes of the value one of another type, as a cast does or an
// assignment. A problem says why there is none, or that it is not known here; the
// value is then not to be used.
func (v *casted) convert(to *schema.Type, cast bool) problem {
	payload, tag, why := v.to(to, oidOf(to), cast)
	if why != "" {
		return why
	}
	clear(v.payload)
	v.typ, v.payload, v.tag = *to, payload, tag
	return ""
}

func (v *casted) to(to *schema.Type, oid uint32, cast bool) ([]byte, logical.Tag, problem) {
	dst := []byte{}
	switch v.tag {
	case logical.TagText:
		return v.textTo(dst, to, oid, cast)
	case logical.TagInt64:
		i, _ := logical.Int64(v.payload)
		return v.intTo(dst, to, oid, i, cast)
	case logical.TagNumeric:
		return v.numericTo(dst, to, oid, cast)
	case logical.TagFloat32:
		f, _ := logical.Float32(v.payload)
		return floatTo(dst, to, oid, float64(f), 6)
	case logical.TagFloat64:
		f, _ := logical.Float64(v.payload)
		return floatTo(dst, to, oid, f, 15)
	case logical.TagBool:
		b, _ := logical.Bool(v.payload)
		return boolTo(dst, to, oid, b, cast)
	case logical.TagJSON:
		if to.Kind == schema.KindJSON || to.Kind == schema.KindText {
			return asText(dst, to, oid, string(v.payload), cast)
		}
	case logical.TagUUID:
		switch to.Kind {
		case schema.KindUUID:
			return append(dst, v.payload...), v.tag, ""
		case schema.KindText:
			return asText(dst, to, oid, string(logical.AppendUUID(nil, [16]byte(v.payload))), cast)
		}
	case logical.TagBytes:
		if to.Kind == schema.KindBytes {
			return append(dst, v.payload...), v.tag, ""
		}
	case logical.TagDate, logical.TagTime, logical.TagTimestamp, logical.TagTimestampTZ:
		return v.momentTo(dst, to, oid)
	}
	return nil, 0, logical.ProblemCast
}

// asText is a conversion through the text of a value (documentation of CREATE
// CAST: WITH INOUT); into types of characters it is the text.
func asText(dst []byte, to *schema.Type, oid uint32, s string, cast bool) ([]byte, logical.Tag, problem) {
	if cast && to.Kind == schema.KindText {
		s = cutTo(to.Length, s)
	}
	return fromText(dst, to, oid, s)
}

// cutTo is what an explicit cast leaves of a text that is too long; blanks at the
// end of a shorter one stay.
func cutTo(length int, s string) string {
	if length == 0 {
		return s
	}
	n := 0
	for i := range s {
		if n == length {
			return s[:i]
		}
		n++
	}
	return s
}

func (v *casted) textTo(dst []byte, to *schema.Type, oid uint32, cast bool) ([]byte, logical.Tag, problem) {
	s := string(v.payload)
	switch {
	case to.Kind == schema.KindText:
		if v.typ.Fixed && !to.Fixed {
			s = strings.TrimRight(s, " ")
		}
	case !cast || v.typ.Fixed:
		return nil, 0, logical.ProblemCast
	}
	return asText(dst, to, oid, s, cast)
}

func (v *casted) intTo(dst []byte, to *schema.Type, oid uint32, i int64, cast bool) ([]byte, logical.Tag, problem) {
	switch to.Kind {
	case schema.KindInt:
		payload, why := appendInt(dst, oid, i)
		return payload, logical.TagInt64, why
	case schema.KindFloat:
		if oid == pgtype.Float4OID {
			return logical.AppendFloat32(dst, float32(i)), logical.TagFloat32, ""
		}
		return logical.AppendFloat64(dst, float64(i)), logical.TagFloat64, ""
	case schema.KindBool: // of int alone
		if cast && oidOf(&v.typ) == pgtype.Int4OID {
			return logical.AppendBool(dst, i != 0), logical.TagBool, ""
		}
	case schema.KindNumeric, schema.KindText:
		return asText(dst, to, oid, strconv.FormatInt(i, 10), cast)
	}
	return nil, 0, logical.ProblemCast
}

func (v *casted) numericTo(dst []byte, to *schema.Type, oid uint32, cast bool) ([]byte, logical.Tag, problem) {
	s := string(v.payload)
	switch to.Kind {
	case schema.KindInt:
		d, why := logical.ParseDecimal(s) // not of NaN and the infinities
		if why != "" {
			return nil, 0, why
		}
		d.Round(0)
		payload, why := appendIntText(dst, oid, string(d.Append(nil)))
		return payload, logical.TagInt64, why
	case schema.KindNumeric, schema.KindFloat, schema.KindText:
		return asText(dst, to, oid, s, cast)
	}
	return nil, 0, logical.ProblemCast
}

// floatTo rounds to integers half to even, and to numeric the digits that the
// type holds for certain: 6 of real, 15 of double precision.
func floatTo(dst []byte, to *schema.Type, oid uint32, f float64, digits int) ([]byte, logical.Tag, problem) {
	switch to.Kind {
	case schema.KindInt:
		if f = math.RoundToEven(f); !(f >= -1<<63 && f < 1<<63) {
			return nil, 0, logical.ProblemRange
		}
		payload, why := appendInt(dst, oid, int64(f))
		return payload, logical.TagInt64, why
	case schema.KindNumeric:
		payload, why := appendNumericText(dst, to, strconv.FormatFloat(f, 'g', digits, 64))
		return payload, logical.TagNumeric, why
	case schema.KindFloat:
		if oid == pgtype.Float8OID {
			return logical.AppendFloat64(dst, f), logical.TagFloat64, ""
		}
		single := float32(f)
		if math.IsInf(float64(single), 0) && !math.IsInf(f, 0) || single == 0 && f != 0 {
			return nil, 0, logical.ProblemRange
		}
		return logical.AppendFloat32(dst, single), logical.TagFloat32, ""
	}
	return nil, 0, logical.ProblemCast
}

func boolTo(dst []byte, to *schema.Type, oid uint32, b, cast bool) ([]byte, logical.Tag, problem) {
	switch {
	case to.Kind == schema.KindBool:
		return logical.AppendBool(dst, b), logical.TagBool, ""
	case to.Kind == schema.KindText:
		return asText(dst, to, oid, strconv.FormatBool(b), cast)
	case cast && oid == pgtype.Int4OID:
		i := int64(0)
		if b {
			i = 1
		}
		return logical.AppendInt64(dst, i), logical.TagInt64, ""
	}
	return nil, 0, logical.ProblemCast
}

// momentTo converts between date, time and timestamp, none of which asks for the
// time zone of the session.
func (v *casted) momentTo(dst []byte, to *schema.Type, oid uint32) ([]byte, logical.Tag, problem) {
	var n int64
	if v.tag == logical.TagDate {
		n = int64(int32(binary.BigEndian.Uint32(v.payload)))
	} else {
		n, _ = logical.Int64(v.payload)
	}
	if v.typ.Kind != to.Kind {
		var why problem
		if n, why = v.moved(to.Kind, n); why != "" {
			return nil, 0, why
		}
	}
	return integerFromWire(dst, to, oid, n)
}

// moved is a date, or a timestamp's microseconds, in the unit of another type.
func (v *casted) moved(to schema.Kind, n int64) (int64, problem) {
	switch {
	case v.tag == logical.TagDate && to == schema.KindTimestamp:
		switch {
		case n == math.MaxInt32:
			return math.MaxInt64, ""
		case n == math.MinInt32:
			return math.MinInt64, ""
		case n >= endMicros/microsPerDay:
			return 0, logical.ProblemRange
		}
		return n * microsPerDay, ""
	case v.tag != logical.TagTimestamp || n == math.MaxInt64 || n == math.MinInt64:
	case to == schema.KindDate:
		return floorDiv(n), ""
	case to == schema.KindTime:
		return n - floorDiv(n)*microsPerDay, ""
	}
	return 0, logical.ProblemCast
}

// floorDiv is the day in which a microsecond lies.
func floorDiv(us int64) int64 {
	day := us / microsPerDay
	if us%microsPerDay < 0 {
		day--
	}
	return day
}

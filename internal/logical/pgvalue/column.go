package pgvalue

import (
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// names are pgx's names of the types, which it reports in upper case.
var names = map[uint32]string{
	pgtype.TextOID: "text", pgtype.VarcharOID: "varchar", pgtype.BPCharOID: "bpchar", pgtype.ByteaOID: "bytea",
	pgtype.Int2OID: "int2", pgtype.Int4OID: "int4", pgtype.Int8OID: "int8", pgtype.Float4OID: "float4", pgtype.Float8OID: "float8",
	pgtype.BoolOID: "bool", pgtype.NumericOID: "numeric", pgtype.DateOID: "date", pgtype.TimeOID: "time",
	pgtype.TimestampOID: "timestamp", pgtype.TimestamptzOID: "timestamptz", pgtype.UUIDOID: "uuid",
	pgtype.JSONOID: "json", pgtype.JSONBOID: "jsonb",
}

// noModifier is what pgx computes from the server's -1 by taking off the four
// bytes of a header.
const noModifier = -5

// Column describes a result column as pgx's driver does for the type.
func (c *Codec) Column(t *schema.Type) logical.ColumnType {
	oid := oidOf(t)
	if t.Kind == schema.KindArray {
		elem := t.Element()
		return logical.ColumnType{DatabaseTypeName: "_" + strings.ToUpper(names[oidOf(&elem)]), ScanType: ScanType(oid)}
	}
	ct := logical.ColumnType{DatabaseTypeName: strings.ToUpper(names[oid]), ScanType: ScanType(oid)}
	switch oid {
	case pgtype.TextOID, pgtype.ByteaOID:
		ct.Length, ct.HasLength = math.MaxInt64, true
	case pgtype.VarcharOID, pgtype.BPCharOID:
		ct.Length, ct.HasLength = int64(t.Length), true
		if t.Length == 0 {
			ct.Length = noModifier
		}
	case pgtype.NumericOID:
		// The modifier is the precision in the upper and the scale, in eleven
		// bits of two's complement, in the lower half.
		modifier := t.Precision<<16 | t.Scale&0x7ff
		if !t.HasPrecision {
			modifier = noModifier
		}
		ct.Precision, ct.Scale, ct.HasPrecisionScale = int64(modifier>>16&0xffff), int64(modifier&0xffff), true
	}
	return ct
}

// ScanType is the type that pgx names for columns of a type, by its OID.
func ScanType(oid uint32) reflect.Type {
	switch oid {
	case pgtype.Float8OID, pgtype.NumericOID:
		return reflect.TypeFor[float64]()
	case pgtype.Float4OID:
		return reflect.TypeFor[float32]()
	case pgtype.Int8OID:
		return reflect.TypeFor[int64]()
	case pgtype.Int4OID:
		return reflect.TypeFor[int32]()
	case pgtype.Int2OID:
		return reflect.TypeFor[int16]()
	case pgtype.BoolOID:
		return reflect.TypeFor[bool]()
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return reflect.TypeFor[time.Time]()
	case pgtype.ByteaOID:
		return reflect.TypeFor[[]byte]()
	}
	return reflect.TypeFor[string]()
}

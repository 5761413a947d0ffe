package myvalue

import (
	"database/sql"
	"math"
	"reflect"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// Column describes a nullable result column as the driver does for the type.
// (For a column declared NOT NULL the driver reports plain Go types instead of
// sql.Null types; the logical type does not say.) The driver never reports a
// length.
func (*Codec) Column(t *schema.Type) logical.ColumnType {
	col, ok := columnOf(t)
	if !ok {
		return logical.ColumnType{ScanType: reflect.TypeFor[*any]()}
	}
	ct := logical.ColumnType{DatabaseTypeName: col.name, ScanType: reflect.TypeFor[sql.NullString]()}
	switch col.tag {
	case logical.TagBytes:
		ct.ScanType = reflect.TypeFor[[]byte]()
	case logical.TagInt64:
		ct.ScanType = reflect.TypeFor[sql.NullInt64]()
	case logical.TagUint64:
		ct.ScanType = reflect.TypeFor[sql.Null[uint64]]()
	case logical.TagFloat32, logical.TagFloat64:
		ct.ScanType = reflect.TypeFor[sql.NullFloat64]()
		ct.Precision, ct.Scale, ct.HasPrecisionScale = math.MaxInt64, math.MaxInt64, true
	case logical.TagNumeric:
		ct.Precision, ct.Scale, ct.HasPrecisionScale = int64(col.precision), int64(col.scale), true
	case logical.TagTime:
		ct.Precision, ct.Scale, ct.HasPrecisionScale = int64(col.scale), int64(col.scale), true
	case logical.TagDate:
		ct.ScanType = reflect.TypeFor[sql.NullTime]()
	case logical.TagTimestamp:
		ct.ScanType = reflect.TypeFor[sql.NullTime]()
		ct.Precision, ct.Scale, ct.HasPrecisionScale = int64(col.scale), int64(col.scale), true
	}
	return ct
}

package myvalue

import (
	"database/sql"
	"math"
	"reflect"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// Column describes a result column that can be NULL as the driver does for the
// type. The driver never reports a length.
func (c *Codec) Column(t *schema.Type) logical.ColumnType {
	col, ok := columnOf(t)
	if !ok {
		return logical.ColumnType{ScanType: reflect.TypeFor[*any]()}
	}
	ct := logical.ColumnType{DatabaseTypeName: col.name, ScanType: reflect.TypeFor[sql.NullString]()}
	switch col.tag {
	case logical.TagJSON:
		if c.o.MySQL {
			ct.DatabaseTypeName = "JSON"
		}
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

// ColumnNotNull describes a result column that is declared NOT NULL: the driver
// then reports plain Go types instead of sql.Null types.
func (c *Codec) ColumnNotNull(t *schema.Type) logical.ColumnType {
	ct := c.Column(t)
	col, ok := columnOf(t)
	if !ok {
		return ct
	}
	switch col.tag {
	case logical.TagInt64, logical.TagUint64:
		ct.ScanType = integerType(&col)
	case logical.TagFloat32:
		ct.ScanType = reflect.TypeFor[float32]()
	case logical.TagFloat64:
		ct.ScanType = reflect.TypeFor[float64]()
	case logical.TagText, logical.TagJSON, logical.TagNumeric, logical.TagTime, logical.TagUUID:
		ct.ScanType = reflect.TypeFor[string]()
	}
	return ct
}

// integerType returns the Go type of the column's width on the wire, where
// MEDIUMINT has four bytes.
func integerType(col *column) reflect.Type {
	unsigned := col.low == 0
	switch {
	case unsigned && col.high <= math.MaxUint8:
		return reflect.TypeFor[uint8]()
	case unsigned && col.high <= math.MaxUint16:
		return reflect.TypeFor[uint16]()
	case unsigned && col.high <= math.MaxUint32:
		return reflect.TypeFor[uint32]()
	case unsigned:
		return reflect.TypeFor[uint64]()
	case col.high <= math.MaxInt8:
		return reflect.TypeFor[int8]()
	case col.high <= math.MaxInt16:
		return reflect.TypeFor[int16]()
	case col.high <= math.MaxInt32:
		return reflect.TypeFor[int32]()
	}
	return reflect.TypeFor[int64]()
}

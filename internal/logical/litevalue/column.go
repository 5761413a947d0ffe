package litevalue

import (
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// Column describes a result column whose values have the storage class that
// the declared type suggests. The driver answers by the value of the current
// row: use ColumnOf where there is one.
func (c *Codec) Column(t *schema.Type) logical.ColumnType {
	switch affinityOf(declared(t)) {
	case affReal:
		return c.ColumnOf(t, logical.TagFloat64)
	case affText:
		return c.ColumnOf(t, logical.TagText)
	case affBlob:
		return c.ColumnOf(t, logical.TagBytes)
	}
	switch t.Kind {
	case schema.KindInt, schema.KindBool:
		return c.ColumnOf(t, logical.TagInt64)
	case schema.KindNumeric, schema.KindFloat:
		return c.ColumnOf(t, logical.TagFloat64)
	case schema.KindBytes:
		return c.ColumnOf(t, logical.TagBytes)
	}
	return c.ColumnOf(t, logical.TagText)
}

// ColumnOf describes a result column as the driver does while the current row
// holds a value of this storage class; tag 0 stands for NULL and for no row.
func (c *Codec) ColumnOf(t *schema.Type, tag logical.Tag) logical.ColumnType {
	decl := declared(t)
	ct := logical.ColumnType{DatabaseTypeName: strings.ToUpper(decl)}
	timely := isTime(decl) || decl == "time"
	switch tag {
	case logical.TagInt64:
		switch {
		case decl == "boolean":
			ct.ScanType = reflect.TypeFor[bool]()
		case timely:
			ct.ScanType = reflect.TypeFor[time.Time]()
		default:
			ct.ScanType = reflect.TypeFor[int64]()
		}
	case logical.TagFloat64:
		ct.ScanType = reflect.TypeFor[float64]()
	case logical.TagText:
		ct.Length, ct.HasLength = math.MaxInt64, true
		ct.ScanType = reflect.TypeFor[string]()
		if c.o.TextToTime && timely {
			ct.ScanType = reflect.TypeFor[time.Time]()
		}
	case logical.TagBytes:
		ct.Length, ct.HasLength = math.MaxInt64, true
		ct.ScanType = reflect.TypeFor[[]byte]()
	}
	return ct
}

package pgvalue

import (
	"database/sql"
	"database/sql/driver"
	"reflect"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

var _ logical.IntoScanner = (*Codec)(nil)

var (
	scannerType     = reflect.TypeFor[sql.Scanner]()
	arraySetterType = reflect.TypeFor[pgtype.ArraySetter]()
	bytesType       = reflect.TypeFor[pgtype.BytesScanner]()
	timeType        = reflect.TypeFor[time.Time]()
)

// maxPointers bounds following pointers: a type may point at itself.
const maxPointers = 16

// ScansInto reports whether pgx scans into the destination itself, as it does
// since Go 1.27 with slices, maps, structs and what implements its own
// interfaces. Scalars, times, bytes, interfaces and sql.Scanner are left to
// database/sql.
func (c *Codec) ScansInto(_ *schema.Type, dest reflect.Type) bool {
	for range maxPointers {
		switch {
		case dest.Implements(scannerType):
			return false
		case dest.Implements(arraySetterType), dest.Implements(bytesType):
			return true
		case dest.Kind() != reflect.Pointer:
			return !isScalar(dest)
		}
		dest = dest.Elem()
	}
	return true
}

func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice:
		return t.Elem().Kind() == reflect.Uint8
	case reflect.Struct:
		return t.ConvertibleTo(timeType)
	case reflect.Array, reflect.Map, reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return false
	}
	return true
}

// ScanInto copies a value of Decode into dest through pgx's type map.
func (c *Codec) ScanInto(t *schema.Type, v driver.Value, dest any) (err error) {
	m := maps.Get().(*pgtype.Map)
	defer func() {
		if recover() != nil {
			err = panicked{} // the map is not used again
			return
		}
		maps.Put(m)
	}()
	oid := oidOf(t)
	src, format, err := wireOf(m, oid, v)
	if err != nil {
		return err
	}
	return m.Scan(oid, format, src, dest)
}

// wireOf returns what the server would have sent for a value of Decode.
func wireOf(m *pgtype.Map, oid uint32, v driver.Value) (src []byte, format int16, err error) {
	switch x := v.(type) {
	case nil:
		return nil, pgtype.TextFormatCode, nil
	case string:
		return []byte(x), pgtype.TextFormatCode, nil
	case int64:
		return strconv.AppendInt(nil, x, 10), pgtype.TextFormatCode, nil
	case []byte:
		if oid == pgtype.ByteaOID {
			return append([]byte{}, x...), pgtype.BinaryFormatCode, nil
		}
		return append([]byte{}, x...), pgtype.TextFormatCode, nil
	}
	src, err = m.Encode(oid, pgtype.BinaryFormatCode, v, []byte{})
	return src, pgtype.BinaryFormatCode, err
}

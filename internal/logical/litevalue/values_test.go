package litevalue_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"time"
)

// declarations are the column types that are compared with the live engine:
// every spelling that meets another affinity or another rule of the driver.
var declarations = []string{
	"text", "varchar(40)", "varchar(3)", "char(5)", "character varying(10)", "nvarchar(7)", "clob", "longtext",
	"bytes", "blob", "bytea", "varbinary(8)", "binary(4)", "longblob",
	"tinyint", "tinyint(1)", "smallint", "int", "int16", "int64", "integer", "bigint", "int unsigned", "bigint unsigned",
	"real", "float", "float32", "float64", "double precision", "double",
	"bool", "boolean",
	"numeric", "numeric(10,2)", "decimal(5)", "decimal(12,4)",
	"date", "time", "time(3)", "timestamp", "timestamp(3)", "timestamptz", "timestamp with time zone", "datetime", "datetime(3)",
	"uuid", "json", "jsonb",
}

type (
	namedString string
	namedInt    int32
	namedFloat  float32
	namedBool   bool
	namedBytes  []byte
	namedUint   uint16
)

// valued is a Valuer with a value receiver: a nil pointer to it is NULL.
type valued struct{ v driver.Value }

func (v valued) Value() (driver.Value, error) { return v.v, nil }

var errValuer = errors.New("no value today")

type failing struct{}

func (failing) Value() (driver.Value, error) { return nil, errValuer }

type stringer struct{}

func (stringer) String() string { return "a stringer" }

type decimal struct{}

func (decimal) Decompose([]byte) (byte, bool, []byte, int32) { return 0, false, []byte{1}, 0 }

func pointer[T any](v T) *T { return &v }

// arguments are the Go values that are written through both drivers.
func arguments() []any {
	zone := time.FixedZone("", -(3*3600 + 1800))
	berlin, _ := time.LoadLocation("Europe/Berlin")
	moment := time.Date(2024, 2, 29, 13, 14, 15, 123456789, time.UTC)
	args := []any{
		nil, "", "a", "Zoë", "日本語", strings.Repeat("x", 500), "with 'quotes'", "line\nbreak", "a\x00b", "\x00", "\xff\xfe", "5\x00", "5\x00x",
		" 12 ", "\t12\n", "12a", "0x10", "1_000", "+5", "-5", "--5", "+-5", "5-", "1e3", "1e+3", "1E-3", "1e", "1e+", ".5", "5.", ".", "-.5", "+.", "e5",
		"007", "-0", "0.0", "-0.0", "000", "inf", "Infinity", "nan", "NaN", "1e400", "-1e400", "1e-400", "1e347", "1e348", "1e99999", "1e-99999",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
		"9223372036854775807.0", "9223372036854774784.0", "9007199254740993", "9007199254740993.0", "4503599627370497\x00", "9223372036854775807\x00",
		"123456789012345678901234567890", "0.1234567890123456789012345", "00000000000000000000000000000012", "1.7976931348623157e308", "4.9e-324", "2.4e-324",
		"true", "false", "2024-02-29", "2024-02-29 13:14:15", "2024-02-29T13:14:15Z", "2024-02-29 13:14:15.123456+02:00", "2024-02-29 13:14",
		"2024-02-29T13:14", "2024-02-30", "0000-00-00", "13:14:15", "2024", "20240229", "2024-02-29 13:14:15.999999999 +0100 CET", "2024-02-29 13:14:15 +0000 UTC m=+0.5",
		"6F9619FF-8B86-D011-B42D-00C04FC964FF", "{\"a\": 1}", "[1,2]", "\"5\"", "null",
		[]byte(nil),
		[]byte{},
		[]byte{0},
		[]byte("12"), []byte("text"),
		[]byte{0xff, 0x00, 0x80},
		int64(0), int64(1), int64(-1), int64(7), int64(1 << 53), int64(1<<53 + 1), int64(math.MaxInt64), int64(math.MinInt64), int64(1700000000), int64(1700000000000),
		0, int8(-128), int16(300), int32(70000), uint(5), uint8(255), uint16(65535), uint32(math.MaxUint32), uint64(7), uint64(math.MaxInt64), uint64(math.MaxInt64) + 1, uint64(math.MaxUint64), uintptr(3),
		0.0, math.Copysign(0, -1), 1.0, -1.0, 1.5, 0.1, 1.0 / 3, 49.47, 1e15, 1e16, 1e17, 1e18, 123456789012345678.0, 1e100, 1e-4, 1e-5, 1.5e-7, math.MaxFloat64, math.SmallestNonzeroFloat64,
		9223372036854774784.0, 9223372036854775808.0, -9223372036854775808.0, -9223372036854774784.0, 4503599627370497.5, math.NaN(), math.Inf(1), math.Inf(-1), float32(0.1), float32(16777216),
		true, false,
		moment, moment.Truncate(time.Second), moment.In(zone), moment.In(berlin), time.Date(2024, 7, 1, 0, 0, 0, 0, berlin),
		time.Time{},
		time.Unix(0, 0).UTC(), time.Unix(-1, 5).UTC(),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), time.Now(),
		pointer("via pointer"), (*string)(nil), pointer(pointer(int32(12))), (*int)(nil), pointer(true), pointer(2.5), pointer(moment), (*time.Time)(nil), pointer([]byte("ptr")), pointer(any(nil)),
		sql.NullString{String: "n", Valid: true},
		sql.NullString{},
		sql.NullInt64{Int64: 9, Valid: true},
		sql.NullInt64{},
		sql.NullInt32{Int32: 8, Valid: true},
		sql.NullInt16{Int16: 7, Valid: true},
		sql.NullByte{Byte: 6, Valid: true},
		sql.NullFloat64{Float64: 1.25, Valid: true},
		sql.NullBool{Bool: true, Valid: true},
		sql.NullBool{},
		sql.NullTime{Time: moment, Valid: true},
		sql.NullTime{},
		sql.Null[string]{V: "generic", Valid: true},
		&sql.NullString{String: "p", Valid: true}, (*sql.NullString)(nil),
		valued{"v"},
		valued{int64(3)},
		valued{nil},
		valued{[]byte(nil)},
		valued{moment},
		valued{int32(3)},
		&valued{"pv"}, (*valued)(nil),
		valued{math.NaN()},
		failing{},
		namedString("named"), namedString("42"), namedInt(42), namedFloat(1.5), namedBool(true), namedBytes("nb"), namedBytes(nil), namedUint(9),
		json.RawMessage(`{"k":1}`), json.RawMessage(nil), json.Number("12.50"), sql.RawBytes("raw"),
		stringer{},
		&stringer{},
		decimal{},
		net.IPv4(127, 0, 0, 1), time.Second, time.March,
		[]string{"a"},
		[]int{1},
		map[string]int{"a": 1},
		struct{}{},
		complex(1, 2), errors.New("e"), make(chan int), func() {},
		[2]byte{1, 2},
		[16]byte{1},
		fmt.Sprint,
	}
	return args
}

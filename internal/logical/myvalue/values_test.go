package myvalue_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"math"
	"net"
	"strings"
	"time"
)

// declarations are the column types compared with the live server.
var declarations = []string{
	"char(3)", "char(10)", "varchar(3)", "varchar(40)", "tinytext", "text", "mediumtext", "longtext",
	"binary(3)", "binary(20)", "varbinary(3)", "varbinary(40)", "tinyblob", "blob", "longblob", "bytes",
	"tinyint", "tinyint unsigned", "smallint", "smallint unsigned", "mediumint", "mediumint unsigned", "int", "int(5) unsigned", "bigint", "bigint unsigned", "int64",
	"bool", "tinyint(1)", "float", "float(20)", "double", "real", "float32", "float64",
	"decimal", "decimal(10,2)", "decimal(5)", "decimal(3,3)", "decimal(65,30)", "numeric(38,20)",
	"date", "time", "time(2)", "time(6)", "datetime", "datetime(3)", "datetime(6)", "timestamp", "timestamp(3)",
	"json", "uuid",
}

// plainType is the spelling for the plain table.
func plainType(decl string) string {
	switch decl {
	case "bytes":
		return "longblob"
	case "int64":
		return "bigint"
	case "float32":
		return "float"
	case "float64":
		return "double"
	}
	return decl
}

type (
	namedString string
	namedInt    int32
	namedFloat  float32
	namedBool   bool
	namedBytes  []byte
	namedUint   uint16
)

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

// texts are strings that are numbers, dates, documents and none of them.
var texts = []string{
	"", "a", "abc", "abcd", "abc  ", "abc \t", "     ", "a ", "Zoë", "日本語", "日本語四", "日本語    ", strings.Repeat("x", 41), strings.Repeat("x", 40) + "   ", strings.Repeat("y", 255) + "  ", strings.Repeat("é", 128), strings.Repeat("é", 127) + "x  ", strings.Repeat("z", 256),
	"with 'quotes'", `back\slash`, "line\nbreak", "a\x00b", "\x00", "abc\x00", "\xff\xfe", "\xed\xa0\x80", "😀", "😀😀😀😀",
	" 12 ", "\t12\n", "\v12\f", "12a", "+5", "-5", "--5", "1e3", "1E-3", "1e", "1e+", ".5", "5.", ".", "007", "-0", "0.0", "-0.0", "-0.4", "-0.5", "1e400", "-1e400", "1e-400", "1E-400", "1e-46", "1e39", "3.4028234e38", "3.4028235e38", "3.4028236e38", "4.9e-324", "2e-324", "1e-45",
	"127", "128", "-128", "-129", "255", "256", "32767", "32768", "-32769", "65535", "65536", "8388607", "8388608", "16777215", "16777216", "2147483647", "2147483648", "-2147483649", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
	"1.5", "2.5", "-1.5", "-2.5", "0.49999999999999999999", "127.4", "127.5", "1e2", "0x10", "7\x00", "inf", "nan", "true",
	"1.005", "-1.005", "1.004999999", "99999999.994", "99999999.995", "99999.4", "99999.5", "0.9994", "0.9995", "9999999999", "9999999999.5", "12345678901234567890.12345678901234567890", "1e10", "1e-10", "1.50", "150e-1", "0e5",
	"2024-02-29", "2024-2-9", "2023-02-29", "2024-02-30", "2024-04-31", "0000-00-00", "0000-01-01", "0000-00-01", "0000-02-29", "2024-00-10", "2024-10-00", "2024-13-01", "0001-01-01", "9999-12-31", "10000-01-01", " 2024-02-29 ", "2024-02-29x", "1900-02-29", "2000-02-29",
	"2024-02-29 13:14:15", "2024-02-29T13:14:15", "2024-02-29T13:14:15Z", "2024-02-29 13:14:15+02:00", "2024-02-29 13:14:15.123456789", "2024-02-29 13:14:15.9999999", "2024-02-29 13:14:15.5", "2024-02-29 13:14", "2024-02-29 13", "2024-02-29 24:00:00", "2024-02-29 13:60", "2024-02-29 13:14:60", "2024-02-29  13:14:15", "2024-02-29 1:2:3", "2024-02-29 13:14:15.", "9999-12-31 23:59:59.9999999", "0000-00-00 00:00:00", "0000-00-00 13:14:15", "2024-00-10 13:14:15", "2024-02-29 13:14:15.123abc",
	"1970-01-01 00:00:00", "1970-01-01 00:00:01", "1969-12-31 23:59:59", "2038-01-19 03:14:07.999", "2038-01-19 03:14:08", "2024-03-31 02:30:00",
	"13:14:15", "13:14", "1:2:3", "13:14:15.999", "13:14:15.", "838:59:59", "838:59:59.999999", "838:59:59.99999999", "839:00:00", "-838:59:59.9", "-13:14:15", "-00:00:00", "-00:00:00.001", "-0:0:1", "24:00:00", "24:30", "100:00:00", "13:60:00", "13:14:60", "13:14:15x", "+1:00:00", " 1:00:00 ", "00:00:00.019999999",
	"6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff8b86d011b42d00c04fc964ff", "{6f9619ff-8b86-d011-b42d-00c04fc964ff}", "6f96-19ff-8b86-d011-b42d-00c0-4fc9-64ff", "6f9619ff-8b86-d011-b42d-00c04fc964f", "6f9619ff-8b86-d011-b42d-00c04fc964ff-", " 6f9619ff-8b86-d011-b42d-00c04fc964ff", "00000000-0000-0000-0000-000000000000",
	"null", `"x"`, " [1,2] ", `{"b":1,"a":2,"a":4}`, `{"a": 1.50, "b": 1e2, "c": -0}`, `"\u0000"`, `"\ud800"`, `"\ud83d\ude00"`, `"\ud83dx"`, `"\ude00"`, `{}`, "[1,]", "{a:1}", `{"a":1}}`, "1 2", "01", `"a` + "\n" + `b"`, "\"\x7f\"", `{"":1}`, "1e1000", `"\u12"`, strings.Repeat("[", 30) + strings.Repeat("]", 30),
}

// arguments are the Go values that are written through both.
func arguments() []any {
	zone := time.FixedZone("", -(3*3600 + 1800))
	berlin, _ := time.LoadLocation("Europe/Berlin")
	moment := time.Date(2024, 2, 29, 13, 14, 15, 123456789, time.UTC)
	args := []any{
		nil, []byte(nil),
		[]byte{},
		[]byte{0},
		[]byte("12"), []byte("text"), []byte("abc "),
		[]byte{0xff, 0x00, 0x80},
		[]byte(`{"a":1}`), []byte("2024-02-29"), []byte("6f9619ff8b86d011b42d00c04fc964ff"), []byte("0123456789abcdef"),
		int64(0), int64(1), int64(-1), int64(7), int64(127), int64(128), int64(-129), int64(255), int64(256), int64(65536), int64(1 << 23), int64(1 << 24), int64(1 << 31), int64(1 << 32), int64(1<<53 + 1), int64(math.MaxInt64), int64(math.MinInt64), int64(99999), int64(100000),
		12, int8(-128), int16(300), int32(70000), uint(5), uint8(255), uint16(65535), uint32(math.MaxUint32), uint64(7), uint64(math.MaxInt64), uint64(math.MaxInt64) + 1, uint64(math.MaxUint64), uintptr(3),
		0.0, math.Copysign(0, -1), 1.0, -1.0, 1.5, 2.5, 3.5, -2.5, -0.4, 0.1, 1.0 / 3, 49.47, 1.005, 99999999.995, 1e6, 2500000.5, 1e14, 1e15, 1e16, 1e19, 1e20, 1e21, 1e100, 1e-5, 1e-14, 1e-15, 1e-16, 1e-100, 123.455, 16777217.0, 1.2345678, 3.4028234663852886e38, 3.5e38, 1e-46, math.MaxFloat64, math.SmallestNonzeroFloat64, 9223372036854775807.0, 18446744073709549568.0, 18446744073709551616.0, math.NaN(), math.Inf(1), math.Inf(-1), float32(0.1), float32(16777216),
		true, false,
		moment, moment.Truncate(time.Second), moment.In(zone), moment.In(berlin), time.Date(2024, 7, 1, 0, 0, 0, 0, berlin), time.Date(2024, 7, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 7, 1, 23, 59, 59, 999999999, zone),
		time.Time{},
		time.Unix(0, 0), time.Unix(1, 0), time.Unix(1<<31, 0), time.Unix(-1, 5).UTC(),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(1500, 2, 3, 4, 5, 6, 7, time.UTC),
		pointer("via pointer"), pointer("12"), (*string)(nil), pointer(pointer(int32(12))), (*int)(nil), pointer(true), pointer(2.5), pointer(moment), (*time.Time)(nil), pointer([]byte("ptr")), pointer(any("x")),
		sql.NullString{String: "n", Valid: true},
		sql.NullString{String: "12", Valid: true},
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
		sql.Null[uint64]{V: 1 << 63, Valid: true},
		&sql.NullString{String: "p", Valid: true}, (*sql.NullString)(nil),
		valued{"v"},
		valued{"12.5"},
		valued{int64(3)},
		valued{nil},
		valued{[]byte(nil)},
		valued{[]byte("vb")},
		valued{moment},
		valued{int32(3)},
		valued{uint64(1 << 63)},
		valued{true},
		valued{1.5},
		&valued{"pv"}, (*valued)(nil),
		failing{},
		namedString("named"), namedString("42"), namedInt(42), namedFloat(1.5), namedBool(true), namedBytes("nb"), namedBytes(nil), namedUint(9),
		json.RawMessage(`{"k": 1}`), json.RawMessage(nil), json.RawMessage(`{bad`), json.Number("12.50"), sql.RawBytes("raw"),
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
	}
	for _, s := range texts {
		args = append(args, s)
	}
	return args
}

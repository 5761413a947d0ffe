package pgvalue_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/schema"
)

// declarations are the column types compared with the live server.
var declarations = []string{
	"text", "varchar", "varchar(40)", "varchar(3)", "char(5)", "char", "bytes", "bytea", "smallint", "int", "int64", "bigint",
	"real", "float", "float(20)", "double precision", "float32", "boolean",
	"numeric", "numeric(10,2)", "numeric(5)", "numeric(2,4)", "numeric(3,-2)", "decimal(38,20)",
	"date", "time", "time(0)", "time(3)", "timestamp", "timestamp(0)", "timestamp(3)", "timestamptz", "timestamptz(2)", "timestamp with time zone",
	"uuid", "json", "jsonb",
	"text[]", "varchar(3)[]", "char(5)[]", "bytea[]", "smallint[]", "int[]", "bigint[]", "real[]", "double precision[]", "boolean[]",
	"numeric[]", "numeric(10,2)[]", "date[]", "time(3)[]", "timestamp[]", "timestamp(0)[]", "timestamptz[]", "uuid[]", "json[]", "jsonb[]", "int[3][2]", "integer ARRAY",
}

// arrays are texts that are arrays, or nearly.
var arrays = []string{
	"{}", " { } ", "{a}", "{a,b}", "{ a , b c }", "{NULL,null,NuLl}", `{"NULL","null"}`, `{"a b",c\ d,"e\"f",g\\h}`, `{"",x}`, "{,}", "{a,}", "{,a}", "{a", "a}", "{a}}", "{{a}", "{a}b", `{"a"b}`, `{a"b"}`, `{a"b}`, `{"a" , "b" }`,
	"{{a,b},{c,d}}", "{{a,b},{c}}", "{{a},b}", "{a,{b}}", "{{},{}}", "{{{{{{x}}}}}}", "{{{{{{{x}}}}}}}", "[0:1]={a,b}", "[2:3]={a,b}", "[2:2]={a,b}", "[3:2]={a}", "[1:2][-1:0]={{1,2},{3,4}}", "[2]={1,2}", "[1:1]={}", "[a:b]={1}", "[0:1] = {1,2}", "[0:0={1}", "{a\tb}", "{\t a \n}",
	"{1,2,3}", "{1.5,NULL}", "{1, 2 ,\"3\"}", "{32767,32768}", "{9223372036854775807}", "{t,f,NULL}", "{yes}", "{1e400}", "{0.1,1e15,123456789012345678,1e-5,0.0001,NaN,Infinity,-Infinity,-0,100000,1000000,1234567.5}", "{12345.678,0.005}",
	"{2024-02-29,infinity}", "{2023-02-29}", "{4714-11-24 BC,0001-01-01,12345-01-01}", `{"2024-02-29 13:14:15.5","1999-12-31 23:59:59.4999999","0044-03-15 13:14:15 BC"}`, `{"2024-02-29 13:14:15.123456+02:00",infinity,"1890-01-01 00:00:00+00"}`, "{13:14:15.1239,24:00:00}",
	`{"\\\\x00ff","\\\\x"}`, `{"{\"b\":1,\"a\":2}",null,1,"\"x\""}`, "{6F9619FF-8B86-D011-B42D-00C04FC964FF}", "{Zoë,日本語}", "{abcd}", "{\"abc  \"}", "{a\\}", "{\"a}",
}

// plainType is the spelling for the plain table.
func plainType(decl string) string {
	switch decl {
	case "bytes":
		return "bytea"
	case "int64":
		return "bigint"
	case "float32":
		return "real"
	}
	return decl
}

type (
	namedString string
	namedInt    int32
	namedFloat  float32
	namedBool   bool
	namedBytes  []byte
	namedUUID   [16]byte
	person      struct {
		Name string `json:"name"`
		Age  int
	}
)

type valued struct{ v driver.Value }

func (v valued) Value() (driver.Value, error) { return v.v, nil }

type pointerValued struct{ v driver.Value }

func (v *pointerValued) Value() (driver.Value, error) {
	if v == nil {
		return "nil receiver", nil
	}
	return v.v, nil
}

var errValuer = errors.New("no value today")

type failing struct{}

func (failing) Value() (driver.Value, error) { return nil, errValuer }

type stringer struct{ s string }

func (s stringer) String() string { return s.s }

type marshaler struct{}

func (marshaler) MarshalJSON() ([]byte, error) { return []byte(`{"m": 1}`), nil }

func pointer[T any](v T) *T { return &v }

// texts are strings that are numbers, dates, documents and none of them.
var texts = []string{
	"", "a", "abc", "abcd", "abc  ", "     ", "Zoë", "日本語", "日本語四", "日本語    ", strings.Repeat("x", 41), strings.Repeat("x", 40) + "   ", "with 'quotes'", "line\nbreak", "a\x00b", "\xff\xfe", "\xed\xa0\x80", "\u0000",
	`\x00ff`, `\x00 FF`, `\x0`, `\xzz`, `\\`, `\001\377`, `\400`, `a\`, `pl\ain`, `\X00`, "0x00ff",
	" 12 ", "\t12\n", "\v12\f", "12a", "+5", "-5", "--5", "1e3", "1E-3", "1e", ".5", "5.", ".", "007", "-0", "0.0", "-0.0", "1e400", "-1e400", "1e-400", "1e-46", "1e39", "3.4028235e38", "3.4028236e38", "4.9e-324", "2e-324", "1e-45",
	"32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
	"inf", "Infinity", "-INFINITY", "+inf", "nan", "NaN", "-nan", "infinit",
	"1.005", "-1.005", "1.004999999", "99999999.994", "99999999.995", "99.5", "99999.5", "149", "150", "99950", "0.0099", "0.01", "0.00994", "12345678901234567890.12345678901234567890", "1e10", "1e-10", "123456789012345678.123456789012345678901", "1.50", "1.500e1", "150e-1", "0e5", "0.000", "1e131072",
	"t", "TRUE", "fal", "y", "No", "on", "of", "o", "1", "0", "yes ", "tru e", "2",
	"2024-02-29", "2024-2-9", "2023-02-29", "2024-02-30", "0000-01-01", "0001-01-01", "4714-11-24 BC", "4714-11-23 BC", "4713-01-01 BC", "0001-02-29 BC", "5874897-12-31", "5874898-01-01", "294276-12-31", "294277-01-01", "12345-01-01",
	"2024-02-29 13:14:15", "2024-02-29T13:14:15", "2024-02-29T13:14:15Z", "2024-02-29 13:14:15+02", "2024-02-29 13:14:15 +02:30", "2024-02-29 13:14:15-0330", "2024-02-29 13:14:15+02:30:15", "2024-02-29 13:14:15.123456+02:00", "2024-02-29T13:14:15.999999999Z",
	"2024-02-29 13:14", "2024-02-29 24:00:00", "2024-02-29 24:00:01", "2024-02-29 13:60", "2024-02-29 13:14:15.9999995", "2024-02-29 13:14:15.0000005", "2024-02-29 13:14:15.0000015", "2024-02-29 13:14:15.5", "1999-12-31 23:59:59.5", "1999-12-31 23:59:59.4", "2024-02-29 13:14:15 UTC", "2024-02-29 13:14:15 BC", "0044-03-15 13:14:15+00 BC", "294276-12-31 23:59:59.999999+00", "294276-12-31 23:59:59.9999999+00", "4714-11-24 00:00:00+00 BC", "4714-11-24 00:00:00+01 BC",
	"13:14:15", "13:14", "1:02:03", "13:14:15.123456789", "23:59:59.9999999", "23:59:59.6", "24:00:00", "24:00:00.1", "24:00", "00:00:00", "13:14:15+02", "13:14:15Z", "13:14:15.", "13:14:5", "13:4", "13:4:05", "-13:14",
	"6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff8b86d011b42d00c04fc964ff", "{6f9619ff-8b86-d011-b42d-00c04fc964ff}", "6f96-19ff-8b86-d011-b42d-00c0-4fc9-64ff", "6f9619ff-8b86-d011-b42d-00c04fc964f", "6f9619ff-8b86-d011-b42d-00c04fc964ff-", "6f9-619ff8b86d011b42d00c04fc964ff", " 6f9619ff-8b86-d011-b42d-00c04fc964ff",
	"null", "true", " [1,2] ", `"x"`, `{"b":1,"a":2,"aa":3,"a":4}`, `{"a": 1.50, "b": 1e2, "c": -0, "d": -0.0, "e": 1E-3, "f": []}`, `{"é":"\u00e9","\/":"\/","n":"\n\t\u0001\u001f\"\\"}`, `"\u0000"`, `"\ud800"`, `"\ud83d\ude00"`, `"\ud83dx"`, `"\ude00"`, `{}`, `{"a":{}}`, `[[],{}]`, "[1,]", "{a:1}", `{"a":1}}`, "1 2", "NaN ", "01", "1.", `"a` + "\n" + `b"`, "\x7f", "\"\x7f\"", `{"":1,"x":[true,false,null,"",{"z":1,"y":[ ]}]}`, "1e1000", "12345678901234567890123456789", "\ufeff1", strings.Repeat("[", 100) + strings.Repeat("]", 100),
}

// arraysFor returns the arrays for a type whose input they concern: that of
// dates takes almost anything.
func arraysFor(typ *schema.Type) []string {
	if typ.Kind != schema.KindArray {
		return nil
	}
	return arrays
}

// arguments are the Go values that are written through both.
func arguments(typ *schema.Type) []any {
	zone := time.FixedZone("", -(3*3600 + 1800))
	berlin, _ := time.LoadLocation("Europe/Berlin")
	moment := time.Date(2024, 2, 29, 13, 14, 15, 123456789, time.UTC)
	args := []any{
		nil, []byte(nil),
		[]byte{},
		[]byte{0},
		[]byte("12"), []byte("text"),
		[]byte{0xff, 0x00, 0x80},
		[]byte(`{"a":1}`), []byte("2024-02-29"),
		int64(0), int64(1), int64(-1), int64(7), int64(1<<53 + 1), int64(math.MaxInt64), int64(math.MinInt64), int64(32768), int64(-32768), int64(1 << 31), int64(-1 << 31), int64(99999999),
		0, int8(-128), int16(300), int32(70000), uint(5), uint8(255), uint16(65535), uint32(math.MaxUint32), uint64(7), uint64(math.MaxInt64) + 1, uint64(math.MaxUint64), uintptr(3), big.NewInt(5), *big.NewInt(12),
		0.0, math.Copysign(0, -1), 1.0, -1.0, 1.5, 0.1, 1.0 / 3, 49.47, 1e15, 1e21, 1e100, 1e-7, 1e300, 1e-300, 123.455, math.MaxFloat64, math.SmallestNonzeroFloat64, 9223372036854775808.0, math.NaN(), math.Inf(1), math.Inf(-1), float32(0.1), float32(16777216), float32(1e38),
		true, false,
		moment, moment.Truncate(time.Second), moment.In(zone), moment.In(berlin), time.Date(2024, 7, 1, 0, 30, 0, 0, berlin), time.Date(2024, 7, 1, 23, 59, 59, 999999999, zone),
		time.Time{},
		time.Unix(0, 0), time.Unix(-1, 5).UTC(), time.Now(),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-4713, 11, 24, 0, 0, 0, 0, time.UTC), time.Date(-4713, 11, 23, 23, 0, 0, 0, time.UTC), time.Date(294276, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(294277, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(5874898, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1999, 12, 31, 23, 59, 59, 500, time.UTC), time.Date(1900, 1, 1, 0, 0, 0, 999999999, time.UTC),
		pointer("via pointer"), pointer("12"), pointer("2024-02-29"), (*string)(nil), pointer(pointer(int32(12))), (*int)(nil), pointer(true), pointer(2.5), pointer(moment), (*time.Time)(nil), pointer([]byte("ptr")), pointer(any(nil)), pointer(any("x")), (*any)(nil),
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
		&sql.NullString{String: "p", Valid: true}, (*sql.NullString)(nil),
		valued{"v"},
		valued{"12.5"},
		valued{"2024-02-29"},
		valued{"6F9619FF-8B86-D011-B42D-00C04FC964FF"},
		valued{int64(3)},
		valued{nil},
		valued{[]byte(nil)},
		valued{[]byte("vb")},
		valued{moment},
		valued{int32(3)},
		valued{true},
		valued{1.5},
		&valued{"pv"}, (*valued)(nil), &pointerValued{"p"}, (*pointerValued)(nil),
		failing{},
		namedString("named"), namedString("42"), namedInt(42), namedFloat(1.5), namedBool(true), namedBytes("nb"), namedBytes(nil),
		namedUUID{1, 2, 3},
		json.RawMessage(`{"k": 1}`), json.RawMessage(nil), json.RawMessage(`{bad`), json.Number("12.50"), sql.RawBytes("raw"),
		person{"Zoë", 5},
		&person{"<b>", 6}, (*person)(nil),
		map[string]any{"b": 1, "a": []int{1, 2}},
		map[string]string(nil),
		marshaler{},
		&marshaler{},
		stringer{"a stringer"},
		&stringer{"12"},
		stringer{"2024-02-29"},
		net.IPv4(127, 0, 0, 1), netip.MustParseAddr("::1"), time.Second, time.Hour * 13, time.March,
		[]string{"a"},
		[]int{1},
		[]any{1, "x"},
		struct{}{},
		complex(1, 2), errors.New("e"), make(chan int), func() {},
		[2]byte{1, 2},
		[16]byte{1, 255},
		[16]byte{},
		pgtype.Text{String: "pg", Valid: true},
		pgtype.Text{},
		pgtype.Int2{Int16: 1, Valid: true},
		pgtype.Int4{Int32: 2, Valid: true},
		pgtype.Int8{Int64: 1 << 40, Valid: true},
		pgtype.Int8{},
		pgtype.Float4{Float32: 1.5, Valid: true},
		pgtype.Float8{Float64: 1e300, Valid: true},
		pgtype.Bool{Bool: true, Valid: true},
		pgtype.Numeric{Int: big.NewInt(12345), Exp: -2, Valid: true},
		pgtype.Numeric{Int: big.NewInt(12345), Exp: -3, Valid: true},
		pgtype.Numeric{Int: big.NewInt(-15), Exp: 3, Valid: true},
		pgtype.Numeric{Int: big.NewInt(0), Exp: -4, Valid: true},
		pgtype.Numeric{NaN: true, Valid: true},
		pgtype.Numeric{InfinityModifier: pgtype.Infinity, Valid: true},
		pgtype.Numeric{InfinityModifier: pgtype.NegativeInfinity, Valid: true},
		pgtype.Numeric{},
		pgtype.Numeric{Int: big.NewInt(100000000), Exp: -8, Valid: true},
		pgtype.Date{Time: moment, Valid: true},
		pgtype.Date{InfinityModifier: pgtype.Infinity, Valid: true},
		pgtype.Date{InfinityModifier: pgtype.NegativeInfinity, Valid: true},
		pgtype.Date{},
		pgtype.Time{Microseconds: 12345678, Valid: true},
		pgtype.Time{Microseconds: 86400000000, Valid: true},
		pgtype.Time{Microseconds: 86400000001, Valid: true},
		pgtype.Time{Microseconds: -1, Valid: true},
		pgtype.Timestamp{Time: moment, Valid: true},
		pgtype.Timestamp{Time: moment.In(zone), Valid: true},
		pgtype.Timestamp{InfinityModifier: pgtype.Infinity, Valid: true},
		pgtype.Timestamptz{Time: moment.In(zone), Valid: true},
		pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true},
		pgtype.Interval{Microseconds: 5, Valid: true},
		pgtype.UUID{Bytes: [16]byte{9}, Valid: true},
		pgtype.UUID{},
		&pgtype.UUID{Bytes: [16]byte{9}, Valid: true}, pgtype.PreallocBytes("pre"), pgtype.UndecodedBytes("und"),
		pgtype.Range[pgtype.Int4]{},
		pgtype.Point{Valid: true},
	}
	args = append(args,
		[]string{"a", "b c", "", "NULL", `q"\\`, "{x}", "1", "2024-02-29"}, []string{}, []string(nil), []string{"12", "-3"}, []*string{pointer("p"), nil},
		[]int{1, -2, 1 << 20}, []int16{5}, []int32{}, []int64{math.MaxInt64}, []float32{0.1}, []float64{0.1, 1e15, math.Inf(1)}, []bool{true, false},
		[][]string{{"a", "b"}, {"c", "d"}}, [][]int{{1, 2}, {3}}, [][]byte{{1, 2}, nil, {}}, [3]int{1, 2, 3}, []time.Time{moment, moment.In(zone)}, []any{"x", nil},
		[][16]byte{{1}}, []pgtype.UUID{{Bytes: [16]byte{2}, Valid: true}, {}}, []json.RawMessage{json.RawMessage(`{"a":1}`)}, []pgtype.Numeric{{Int: big.NewInt(125), Exp: -2, Valid: true}},
		[]sql.NullString{{String: "n", Valid: true}, {}}, []namedString{"x", "y"},
		pgtype.FlatArray[string]{"f", "g"}, pgtype.FlatArray[int32](nil), pgtype.Array[string]{}, pgtype.Array[string]{Elements: []string{"a", "b"}, Dims: []pgtype.ArrayDimension{{Length: 2, LowerBound: 0}}, Valid: true},
		pgtype.Array[int64]{Elements: []int64{1, 2}, Dims: []pgtype.ArrayDimension{{Length: 2, LowerBound: 1}}, Valid: true}, pgtype.Array[int64]{Valid: true},
		valued{"{v,w}"}, valued{[]byte("{1,2}")}, pointer([]string{"via pointer"}),
	)
	for _, s := range texts {
		args = append(args, s)
	}
	for _, s := range arraysFor(typ) {
		args = append(args, s)
	}
	return args
}

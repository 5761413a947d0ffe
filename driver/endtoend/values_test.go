package endtoend_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
)

type (
	namedString string
	namedInt    int32
	namedBytes  []byte
)

// valued is a Valuer.
type valued struct{ v driver.Value }

func (v valued) Value() (driver.Value, error) { return v.v, nil }

var errValuer = errors.New("no value today")

type failing struct{}

func (failing) Value() (driver.Value, error) { return nil, errValuer }

func pointer[T any](v T) *T { return &v }

// moment has more digits than any engine keeps.
var moment = time.Date(2024, 2, 29, 13, 14, 15, 123456789, time.UTC)

// texts are strings that are numbers, dates, documents and none of them.
var texts = []string{
	"", "a", "abc  ", "Zoë", "日本語", strings.Repeat("x", 41), "with 'quotes' and \\", "line\nbreak", "\xff\xfe",
	" 12 ", "12a", "-5", "1e3", "007", "-0", "32768", "-129", "256", "2147483648", "4294967296", "9223372036854775808", "18446744073709551615",
	"1.005", "99999999.995", "12345678901234567890.12345678901234567890", "1e400", "NaN",
	"true", "false", "t", "2024-02-29", "2024-02-30", "2024-02-29 13:14:15", "2024-02-29 13:14:15.9999995", "2024-02-29T13:14:15Z", "13:14:15", "13:14:15.5", "24:00:00",
	"6F9619FF-8B86-D011-B42D-00C04FC964FF", `{"b": 1, "a": [1, 2.50]}`, `"x"`, "null", "[1,]",
}

// arguments are the Go values that every type is given.
func arguments() []any {
	berlin := time.FixedZone("", 3600)
	args := []any{
		nil, []byte(nil),
		[]byte{},
		[]byte{0},
		[]byte("12"), []byte("text"),
		[]byte{0xff, 0x00, 0x80},
		[]byte(`{"a":1}`),
		int64(0), int64(-1), int64(300), int64(70000), int64(1 << 53), int64(math.MaxInt64), int64(math.MinInt64),
		7, int8(-128), int16(300), int32(70000), uint8(255), uint32(math.MaxUint32), uint64(math.MaxUint64),
		0.0, -1.5, 0.1, 2.5, 1e15, 1e300, float32(0.1), math.MaxFloat64,
		true, false,
		moment, moment.Truncate(time.Second), moment.In(berlin), time.Date(2024, 7, 1, 0, 0, 0, 0, time.UTC), time.Date(1999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Unix(0, 0),
		time.Time{},
		pointer("via pointer"), (*string)(nil), pointer(int32(12)), pointer(moment),
		sql.NullString{String: "n", Valid: true},
		sql.NullString{},
		sql.NullInt64{Int64: 9, Valid: true},
		sql.NullFloat64{Float64: 1.25, Valid: true},
		sql.NullBool{Bool: true, Valid: true},
		sql.NullTime{Time: moment, Valid: true},
		sql.NullTime{},
		sql.Null[string]{V: "generic", Valid: true},
		valued{"v"},
		valued{int64(3)},
		valued{nil},
		valued{moment},
		(*valued)(nil),
		failing{},
		namedString("42"), namedInt(42), namedBytes("nb"), json.RawMessage(`{"k": 1}`), json.Number("12.50"),
		struct{}{},
		make(chan int),
		[]string{"a"},
	}
	for _, s := range texts {
		args = append(args, s)
	}
	return args
}

// literals returns the constants of SQL, with texts quoted for the dialect.
func literals(quote func(string) string, more ...string) []string {
	out := []string{"NULL", "0", "-1", "7", "300", "70000", "9223372036854775807", "12.50", "-0.005", "1e3", "123456789012345678901"}
	for _, s := range texts {
		if strings.ToValidUTF8(s, "") == s {
			out = append(out, quote(s))
		}
	}
	return append(out, more...)
}

func quoteStandard(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoteMySQL(s string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(s) + "'"
}

package endtoend_test

import (
	"database/sql"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
)

// castTexts are texts that casts cut, round, pad, read in part or refuse.
var castTexts = []string{
	"", " ", "a", "abc  ", "abcdefgh", "Zoë日本", "12", " 12 ", "+12", "12x", "-7.5e1z", "1e3", "12.9", "-0", "-0.0", ".5", "5.", "0x1A", "007",
	"99999999999999999999", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "4294967296", "32768", "1.005", "12345.6789", "1e400", "1e-400",
	"NaN", "Infinity", "true", "f", "no",
	"2024-02-29", "2024-2-9", "2024-02-30", "0000-00-00", "2024-02-29 13:14:15.9999995", "2024-02-29T23:59:59.9996Z", "13:14:15.6789", "24:00:00", "-12:30:00",
	"6F9619FF-8B86-D011-B42D-00C04FC964FF", `{"b": 1,  "a": [1, 2.50, 2.50]}`, "null", "\\x4142", "AB",
}

// castNumbers are numbers as they stand in a text.
var castNumbers = []string{
	"0", "1", "-1", "12", "- 12", "-(12)", "(12)", "((12))", "12.9", "-12.5", "2.5", "3.5", ".5", "5.", "1e3", "1E-2", "-1.5e3", "0.1", "1.005", "1e15", "1e16", "1e300", "12345.6789",
	"127", "128", "-128", "32768", "65536", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
	"18446744073709551615", "18446744073709551616", "99999999999999999999.5", "007", "1.50", "-0", "-0.0", "20240229", "131415", "20240229131415",
}

// castArguments are Go values of every form that drivers take.
func castArguments() []any {
	out := []any{
		nil, []byte(nil),
		[]byte{},
		[]byte("12x"), []byte("12"),
		[]byte{0xff, 0x00, 'a'},
		[]byte("2024-02-29"),
		int64(0), int64(12), int64(-7), int64(300), int64(1 << 40), int64(math.MaxInt64), int64(math.MinInt64), int64(20240229),
		7, int8(-128), uint8(255), uint32(math.MaxUint32), uint64(math.MaxUint64),
		0.0, math.Copysign(0, -1), 12.0, 12.9, -12.5, 2.5, 0.1, 1e3, 1e15, 1e17, 1e300, 5e-324, float32(0.1), math.NaN(), math.Inf(1), math.Inf(-1),
		true, false, moment, moment.Truncate(time.Second), time.Date(2024, 7, 1, 0, 0, 0, 0, time.FixedZone("", 3600)),
		time.Time{},
		pointer("12x"), (*string)(nil), pointer(int32(12)),
		sql.NullString{String: "12x", Valid: true},
		sql.NullInt64{},
		valued{"12.9"},
		valued{int64(3)},
		namedString("1e3"), namedInt(42), json.RawMessage(`{"k":  1}`), json.Number("12.50"),
	}
	for _, s := range castTexts {
		out = append(out, s)
	}
	return append(out, "\xff\xfe", "a\x00b")
}

func castLiterals(quote func(string) string, more ...string) []string {
	out := append([]string{"NULL", "TRUE", "FALSE"}, castNumbers...)
	for _, s := range castTexts {
		out = append(out, quote(s))
	}
	return append(out, more...)
}

func casts(types string) []string {
	var out []string
	for _, t := range strings.Split(types, "|") {
		out = append(out, "CAST(%s AS "+t+")")
	}
	return out
}

func castMatrices() []*castMatrix {
	lite := &castMatrix{
		flavour: sqliteFlavour(), declarations: sqliteDeclarations, args: castArguments(), sample: 16,
		literals: castLiterals(quoteStandard, "x'00ff'", "x''", "x'313278'", "0x1A", "1_000", `"12x"`),
		forms: append(casts("INTEGER|int|BIGINT|text|varchar(3)|CHAR(5)|BLOB|REAL|DOUBLE PRECISION|NUMERIC|decimal(4,1)|BOOLEAN|DATE|DATETIME|UUID|UNSIGNED BIG INT|INTEGERTEXT"),
			"%s", "(%s)", "-%s", "+%s", "- -%s", "NOT %s", "~%s",
			"CAST(CAST(%s AS TEXT) AS INTEGER)", "CAST(CAST(%s AS INTEGER) AS TEXT)", "CAST(CAST(%s AS BLOB) AS TEXT)", "CAST(CAST(%s AS REAL) AS INTEGER)", "CAST(CAST(%s AS TEXT) AS BLOB)",
			"CAST((CAST(%s AS NUMERIC)) AS TEXT)", "CAST(CAST(CAST(%s AS TEXT) AS REAL) AS TEXT)",
			"COALESCE(NULL, %s)", "COALESCE(CAST(%s AS INTEGER), 7)", "IFNULL(NULL, CAST(%s AS TEXT))", "IIF(1 = 1, %s, CAST('5x' AS INTEGER))", "NULLIF(%s, 'zz')", "NULLIF(%s, %s)",
			"CASE WHEN 1 = 1 THEN CAST(%s AS REAL) ELSE NULL END", "CASE 1 WHEN 1 THEN %s END", "(SELECT CAST(%s AS BLOB))", "(SELECT %s)", "CAST(COALESCE(NULL, %s) AS INTEGER)", "CAST((SELECT %s) AS TEXT)",
			"%s COLLATE NOCASE", "CAST(%s AS TEXT) COLLATE BINARY"),
	}
	pgForms := append(casts("smallint|int|bigint|real|double precision|numeric|numeric(4,1)|numeric(3,-1)|text|varchar|varchar(3)|char(5)|char|bpchar|name|bytea|boolean|date|time|time(0)|timestamp|timestamp(0)|timestamptz|timestamptz(0)|uuid|json|jsonb|interval|int[]|text[]|varchar(2)[]"),
		"%s", "(%s)", "-%s", "+%s", "%s::text::int", "%s::int::text", "%s::varchar(3)::text", "%s::text::varchar(3)", "%s::numeric::numeric(4,1)", "%s::numeric(6,2)::numeric(4,1)", "%s::bigint::int", "%s::text::date", "%s::timestamp::date", "%s::date::timestamp",
		"%s::numeric::int", "%s::int::numeric", "%s::text::jsonb", "%s::bool::text", "%s::text::text", "%s::int::bool", "%s::uuid::text", "%s::char(3)::varchar(5)", "%s::text::bytea", "%s::bytea::text", "(%s::text)::varchar(2)", "%s::double precision::real",
		"COALESCE(NULL, %s)", "COALESCE(%s::int, 7)", "COALESCE(NULL, %s::varchar(3))", "NULLIF(%s, 'zz')", "CASE WHEN true THEN %s ELSE NULL END", "CASE WHEN true THEN %s::text ELSE 'x' END", "(SELECT %s)", "(SELECT %s::text)", "(SELECT %s::varchar(3))",
		"COALESCE(NULL, %s)::text", "(CASE WHEN true THEN %s END)::int", `%s COLLATE "C"`, "%s::pg_catalog.int4", "pg_catalog.int4(%s)", "text(%s)", "varchar(%s)")
	myForms := append(casts("SIGNED|UNSIGNED|SIGNED INTEGER|DECIMAL|DECIMAL(4,1)|DECIMAL(20,6)|CHAR|CHAR(3)|CHAR(3) CHARACTER SET utf8mb4|NCHAR(2)|BINARY|BINARY(3)|DATE|TIME|TIME(3)|DATETIME|DATETIME(3)|DATETIME(6)|DOUBLE|FLOAT|INT|VARCHAR(3)|JSON"),
		"CONVERT(%s, SIGNED)", "CONVERT(%s, CHAR(2))", "CONVERT(%s USING utf8mb4)", "CONVERT(%s USING latin1)", "BINARY %s",
		"%s", "(%s)", "-%s", "+%s", "- -%s", "NOT %s", "!%s",
		"CAST(CAST(%s AS CHAR) AS SIGNED)", "CAST(CAST(%s AS SIGNED) AS CHAR)", "CAST(CAST(%s AS CHAR(3)) AS CHAR)", "CAST(CAST(%s AS DATETIME(6)) AS DATE)", "CAST(CAST(%s AS DECIMAL(6,3)) AS DECIMAL(4,1))", "CAST(CAST(%s AS CHAR) AS CHAR(3))",
		"COALESCE(NULL, %s)", "IFNULL(NULL, CAST(%s AS CHAR))", "IF(1 = 1, %s, NULL)", "IF(1 = 1, %s, 'x')", "IF(1 = 1, %s, 7)", "CASE WHEN 1 = 1 THEN %s ELSE 'x' END", "CASE WHEN 1 = 1 THEN CAST(%s AS SIGNED) END", "NULLIF(%s, 'zz')", "(SELECT %s)", "(SELECT CAST(%s AS CHAR))",
		"%s COLLATE utf8mb4_bin", "TIMESTAMP(%s)", "DATE(%s)", "CONCAT(%s)")
	typed := []string{
		"DATE '2024-02-29'", "TIME '13:14:15.6789'", "TIMESTAMP '2024-02-29 13:14:15.9999'", "x'313278'", "X'00ff'", "b'1000001'", "0x3132", "0b1000001", "_utf8mb4'abcdef'", "_latin1'abc'", "_latin1 x'e4'", "_binary'12x'", "_binary x'00ff'",
		"N'abc'", "n'abc  '", `'a\nb'`, `'a' 'b'`, "\"dq\"", "{d '2024-02-29'}", "{ts '2024-02-29 13:14:15'}", "{t '13:14:15'}",
	}
	out := []*castMatrix{lite}
	for _, mode := range []string{"", "exec", "simple_protocol"} {
		m := &castMatrix{
			flavour: postgresFlavour("synchronous_commit=off"), declarations: postgresDeclarations[:23], args: castArguments(), forms: pgForms, sample: 96, undone: true,
			literals: castLiterals(quoteStandard, "DATE '2024-02-29'", "TIME '13:14:15.6789'", "TIME(0) '13:14:15.6'", "TIMESTAMP '2024-02-29 13:14:15.9999'", "TIMESTAMP(0) '2024-02-29 13:14:15.9'", "TIMESTAMP WITH TIME ZONE '2024-02-29 13:14:15+01'", "INTERVAL '1 day'",
				"x'1F'", "B'101'", "N'abc'", "N'abc  '", "U&'d\\0061t'", "E'a\\nb'", "$$dollar$$", "numeric '12.55'", "int '12'", "varchar(3) 'abcdef'", "char(5) 'ab'", "bytea '\\x4142'", "json '{\"a\":  1}'", "bool 'yes'", "'a'\n'b'"),
		}
		if mode != "" {
			m.flavour = postgresFlavour("synchronous_commit=off", "default_query_exec_mode="+mode).named(mode)
			m.sample *= 2
		}
		out = append(out, m)
	}
	for _, parameters := range []string{"", "interpolateParams=true"} {
		m := &castMatrix{
			flavour: mysqlFlavour(), declarations: mysqlDeclarations[:len(mysqlDeclarations)-1], args: castArguments(), forms: myForms, sample: 32,
			literals: castLiterals(quoteMySQL, typed...),
		}
		if parameters != "" {
			m.flavour = mysqlFlavour(parameters).named(parameters)
			m.sample *= 2
		}
		out = append(out, m)
	}
	return out
}

func TestExpressionsStoreWhatThePlainDatabaseStores(t *testing.T) {
	for _, m := range testenv.Sample(t, castMatrices(), 2) {
		t.Run(m.name, m.run)
	}
}

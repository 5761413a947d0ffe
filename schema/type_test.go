package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/schema"
)

func TestSpellingsOfEveryEngineAreUnderstood(t *testing.T) {
	type T = schema.Type
	integer := func(base string, bits int) T { return T{Kind: schema.KindInt, Name: base, Base: base, Bits: bits} }
	for _, c := range []struct {
		spellings string // separated by |
		want      T
	}{
		{"text|TEXT| text ", T{Kind: schema.KindText, Name: "text", Base: "text"}},
		{"longtext", T{Kind: schema.KindText, Name: "longtext", Base: "longtext"}},
		{"clob", T{Kind: schema.KindText, Name: "clob", Base: "clob"}},
		{
			"varchar(40)|character varying(40)|VARCHAR ( 40 )|char varying(40)|varying character(40)|nvarchar(40)",
			T{Kind: schema.KindText, Name: "varchar(40)", Base: "varchar", Length: 40},
		},
		{"varchar|character varying", T{Kind: schema.KindText, Name: "varchar", Base: "varchar"}},
		{"char(10)|character(10)|bpchar(10)|nchar(10)", T{Kind: schema.KindText, Name: "char(10)", Base: "char", Length: 10, Fixed: true}},
		{"char|character|char(1)", T{Kind: schema.KindText, Name: "char(1)", Base: "char", Length: 1, Fixed: true}},
		{"bytes", T{Kind: schema.KindBytes, Name: "bytes", Base: "bytes"}},
		{"bytea", T{Kind: schema.KindBytes, Name: "bytea", Base: "bytea"}},
		{"blob|BLOB", T{Kind: schema.KindBytes, Name: "blob", Base: "blob"}},
		{"varbinary(20)|binary varying(20)", T{Kind: schema.KindBytes, Name: "varbinary(20)", Base: "varbinary", Length: 20}},
		{"binary(16)", T{Kind: schema.KindBytes, Name: "binary(16)", Base: "binary", Length: 16, Fixed: true}},
		{"tinyint|tinyint(1)|int1", integer("tinyint", 8)},
		{"smallint|int2|int16", integer("smallint", 16)},
		{"mediumint|int3", integer("mediumint", 24)},
		{"int|integer|int4|int32|int(11)|INTEGER", integer("int", 32)},
		{"bigint|int8|int64|bigint(20)|big int", integer("bigint", 64)},
		{"int unsigned|int(10) unsigned|INTEGER UNSIGNED", T{Kind: schema.KindInt, Name: "int unsigned", Base: "int", Bits: 32, Unsigned: true}},
		{"bigint unsigned", T{Kind: schema.KindInt, Name: "bigint unsigned", Base: "bigint", Bits: 64, Unsigned: true}},
		{"real", T{Kind: schema.KindFloat, Name: "real", Base: "real"}},
		{"float", T{Kind: schema.KindFloat, Name: "float", Base: "float"}},
		{"float4|float32|float(24)|float(1)", T{Kind: schema.KindFloat, Name: "float4", Base: "float4", Bits: 32}},
		{"double|double precision|float8|float64|float(25)|float(53)", T{Kind: schema.KindFloat, Name: "double", Base: "double", Bits: 64}},
		{"bool|boolean", T{Kind: schema.KindBool, Name: "boolean", Base: "boolean"}},
		{"numeric|decimal|dec", T{Kind: schema.KindNumeric, Name: "numeric", Base: "numeric"}},
		{"numeric(10,2)|decimal( 10 , 2 )", T{Kind: schema.KindNumeric, Name: "numeric(10,2)", Base: "numeric", HasPrecision: true, Precision: 10, Scale: 2}},
		{"numeric(10)|numeric(10,0)", T{Kind: schema.KindNumeric, Name: "numeric(10,0)", Base: "numeric", HasPrecision: true, Precision: 10}},
		{"numeric(3,-2)", T{Kind: schema.KindNumeric, Name: "numeric(3,-2)", Base: "numeric", HasPrecision: true, Precision: 3, Scale: -2}},
		{"date", T{Kind: schema.KindDate, Name: "date", Base: "date"}},
		{"time|time without time zone", T{Kind: schema.KindTime, Name: "time", Base: "time"}},
		{"time(3)|time(3) without time zone", T{Kind: schema.KindTime, Name: "time(3)", Base: "time", HasFraction: true, Fraction: 3}},
		{"timestamp|timestamp without time zone", T{Kind: schema.KindTimestamp, Name: "timestamp", Base: "timestamp"}},
		{"timestamp(0)", T{Kind: schema.KindTimestamp, Name: "timestamp(0)", Base: "timestamp", HasFraction: true}},
		{"datetime(3)", T{Kind: schema.KindTimestamp, Name: "datetime(3)", Base: "datetime", HasFraction: true, Fraction: 3}},
		{"timestamptz|timestamp with time zone", T{Kind: schema.KindTimestampTZ, Name: "timestamptz", Base: "timestamptz"}},
		{"timestamptz(3)|timestamp(3) with time zone|TIMESTAMP (3)  WITH TIME ZONE", T{Kind: schema.KindTimestampTZ, Name: "timestamptz(3)", Base: "timestamptz", HasFraction: true, Fraction: 3}},
		{"uuid", T{Kind: schema.KindUUID, Name: "uuid", Base: "uuid"}},
		{"json", T{Kind: schema.KindJSON, Name: "json", Base: "json"}},
		{"jsonb", T{Kind: schema.KindJSON, Name: "jsonb", Base: "jsonb"}},
		{"text[]|text [ ]|TEXT[3][4]|text ARRAY|text array[5]", T{Kind: schema.KindArray, Elem: schema.KindText, Name: "text[]", Base: "text[]"}},
		{"varchar(40)[]|character varying(40)[]", T{Kind: schema.KindArray, Elem: schema.KindText, Name: "varchar(40)[]", Base: "varchar[]", Length: 40}},
		{"timestamptz(3)[]|timestamp(3) with time zone[]", T{Kind: schema.KindArray, Elem: schema.KindTimestampTZ, Name: "timestamptz(3)[]", Base: "timestamptz[]", HasFraction: true, Fraction: 3}},
	} {
		for _, spelling := range strings.Split(c.spellings, "|") {
			got, err := schema.ParseType(spelling)
			if err != nil {
				t.Errorf("%q: %v", spelling, err)
				continue
			}
			if !got.Same(c.want) {
				t.Errorf("%q is %+v, want %+v", spelling, got, c.want)
			}
			roundTrip(t, got)
		}
	}
}

// roundTrip checks what ParseType promises of every type it returns.
func roundTrip(t *testing.T, typ schema.Type) {
	t.Helper()
	if again, err := schema.ParseType(typ.Declared); err != nil || again != typ {
		t.Errorf("declared %q is read back as %+v, %v; want %+v", typ.Declared, again, err, typ)
	}
	if again, err := schema.ParseType(typ.Name); err != nil || !again.Same(typ) || again.Declared != typ.Name {
		t.Errorf("name %q is read back as %+v, %v; want %+v", typ.Name, again, err, typ)
	}
}

func TestWhatIsNotATypeIsRefusedWithTheNearestOne(t *testing.T) {
	for spelling, suggestion := range map[string]string{
		"":                            "text",
		"   ":                         "text",
		"varchr(40)":                  "varchar",
		"intt":                        "int",
		"timestampt":                  "timestamp",
		"json5":                       "json",
		"numbr":                       "number", // not a type itself, see below
		"qwertyuiop":                  "",
		"serial":                      "int, and let the application give the value: the server cannot count what it cannot read",
		"uuid(16)":                    "uuid",
		"text(40)":                    "text",
		"varbinary":                   "varbinary(255)",
		"varchar(0)":                  "",
		"varchar(-1)":                 "",
		"varchar(040)":                "",
		"varchar(+4)":                 "",
		"varchar(99999999)":           "",
		"varchar(4 0)":                "",
		"varchar(40":                  "",
		"varchar 40)":                 "",
		"varchar(40)(2)":              "",
		"varchar()":                   "",
		"varchar(1,2)":                "",
		"numeric(0)":                  "",
		"numeric(1001)":               "",
		"numeric(10,2,1)":             "numeric(10,2)",
		"numeric(10,)":                "",
		"float(54)":                   "",
		"float(7,4)":                  "double, or numeric(10,2)",
		"datetime(7)":                 "",
		"timestamp with time zone(3)": "",
		"character(40) varying":       "",
		"text unsigned":               "text",
		"numeric(10,2) unsigned":      "numeric",
		"unsigned":                    "int unsigned",
		"int unsigned zerofill":       "",
		"varchar(40) not null":        "",
		"text[][x]":                   "",
		"int unsigned[]":              "numeric(20)[]",
		"[]":                          "text",
		"text]":                       "text[]",
		"int array array":             "text[]",
		"enum":                        "text",
		"te\x00xt":                    "",
		"tëxt":                        "",
		strings.Repeat("a", 200):      "",
	} {
		got, err := schema.ParseType(spelling)
		var typed *schema.TypeError
		if !errors.As(err, &typed) {
			t.Errorf("%q is %+v, %v; want a *TypeError", spelling, got, err)
			continue
		}
		if spelling == "numbr" {
			continue
		}
		if typed.Suggestion != suggestion {
			t.Errorf("%q: suggestion %q, want %q", spelling, typed.Suggestion, suggestion)
		}
		if got != (schema.Type{}) {
			t.Errorf("%q: a type comes with the error", spelling)
		}
	}
}

func TestEverySuggestedTypeIsAType(t *testing.T) {
	for _, spelling := range []string{"timetz", "interval", "money", "bit", "enum", "inet", "hstore", "uint64", "string", "number", "year"} {
		_, err := schema.ParseType(spelling)
		var typed *schema.TypeError
		if !errors.As(err, &typed) {
			t.Fatalf("%q: %v", spelling, err)
		}
		first, _, _ := strings.Cut(strings.ReplaceAll(typed.Suggestion, " for ", ","), ", ")
		first, _, _ = strings.Cut(first, " or ")
		if !strings.Contains(first, "(") {
			first, _, _ = strings.Cut(first, ",")
		}
		if _, err := schema.ParseType(first); err != nil {
			t.Errorf("%q suggests %q: %v", spelling, first, err)
		}
	}
}

func FuzzParseType(f *testing.F) {
	for _, s := range []string{"text", "varchar(40)", "timestamp(3) with time zone", "int(10) unsigned", "numeric(10,-2)", "float(24)", "a(b)c", "((", "unsigned"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		typ, err := schema.ParseType(s)
		if err == nil {
			roundTrip(t, typ)
		}
	})
}

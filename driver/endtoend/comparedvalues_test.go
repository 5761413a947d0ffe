package endtoend_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/internal/logical/myvalue"
	"github.com/sealsql/sealsql/internal/logical/pgvalue"
	"github.com/sealsql/sealsql/schema"
)

const never = "never"

func TestComparedValuesAreThoseThatTheEngineCompares(t *testing.T) {
	lite, my, pg := litevalue.New(litevalue.Options{}), myvalue.New(myvalue.Options{Binary: true}), pgvalue.New(pgvalue.Options{})
	number := func(s string) logical.Literal { return logical.Literal{Kind: logical.LiteralNumber, Text: s} }
	text := func(s string) logical.Literal { return logical.Literal{Kind: logical.LiteralString, Text: s} }
	for _, c := range []struct {
		why   string
		codec logical.Comparer
		typ   string
		value any
		want  string // the decoded value, never, null, or "" for an error
	}{
		{"a fraction equals no integer", my, "int", 12.5, never},
		{"nor in a text", my, "int", "12.9", never},
		{"nor in the statement", my, "int", number("0.1"), never},
		{"nor on PostgreSQL", pg, "smallint", number("0.1"), never},
		{"a whole number does, whatever its spelling", pg, "int", number("12.0"), "12"},
		{"what is out of range equals none", pg, "smallint", number("70000"), never},
		{"a whole double equals an integer", my, "bigint", 12.0, "12"},
		{"a large double equals several", my, "bigint", 1e17, ""},
		{"a text of digits is exact", my, "bigint", "9007199254740993", "9007199254740993"},
		{"an exponent makes a double", my, "int", "1e-400", ""},
		{"numbers would read MySQL's texts", my, "varchar(40)", int64(12), ""},
		{"so would booleans", my, "varchar(40)", true, ""},
		{"text is text", my, "varchar(3)", "abcdef", "abcdef"},
		{"bytes are read as numbers too", my, "varbinary(40)", int64(12), ""},
		{"a single is less exact than a literal", pg, "real", number("0.1"), never + " or float64"},
		{"as an argument it is a single", pg, "real", "0.1", "0.10000000149011612"},
		{"MySQL compares doubles", my, "float", 0.1, never},
		{"that are singles", my, "float", 0.5, "0.5"},
		{"decimals are exact", my, "decimal(30,10)", "0.1", "0.100000000000000000000000000000"},
		{"a double is not", my, "decimal(30,10)", 0.1, ""},
		{"but for few digits", my, "decimal(10,2)", 0.1, "0.100000000000000000000000000000"},
		{"what is too small equals none", my, "decimal(10,2)", 5e-324, never},
		{"a date is its midnight", my, "date", "2024-02-29 13:14:15", never},
		{"a date at midnight", my, "date", "2024-02-29 00:00:00", "2024-02-29"},
		{"no numbers for texts", pg, "text", number("1"), ""},
		{"no truth for numbers", pg, "int", logical.Literal{Kind: logical.LiteralBool, Text: "true"}, ""},
		{"strings take the column's type", pg, "numeric(4,1)", text("1.25"), "1.25"},
		{"NULL is NULL", my, "int", nil, "null"},
		{"NULL is NULL on SQLite", lite, "int", nil, "null"},
		{"an integer that is no double", lite, "real", int64(math.MaxInt64), never},
		{"one that is", lite, "real", int64(12), "12"},
		{"a text of one that is not", lite, "double", "9007199254740993", never},
		{"the last integer equals a double", lite, "int", int64(math.MinInt64), ""},
		{"so do large ones without affinity", lite, "blob", int64(1 << 62), ""},
		{"affinity is applied", lite, "text", int64(12), "12"},
	} {
		typ, err := schema.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		wide := typ
		if w := map[string]string{"varchar(3)": "longtext", "decimal(30,10)": "decimal(65,30)", "decimal(10,2)": "decimal(65,30)", "numeric(4,1)": "numeric"}[c.typ]; w != "" {
			if wide, err = schema.ParseType(w); err != nil {
				t.Fatal(err)
			}
		}
		if got := comparedValue(t, c.codec, &typ, &wide, c.value); got != c.want {
			t.Errorf("%s: %s = %v: %q, want %q", c.why, c.typ, c.value, got, c.want)
		}
	}
}

func comparedValue(t *testing.T, codec logical.Comparer, typ, wide *schema.Type, v any) string {
	t.Helper()
	payload, tag, outcome, err := []byte(nil), logical.Tag(0), logical.Outcome(0), error(nil)
	if lit, ok := v.(logical.Literal); ok {
		payload, tag, outcome, err = codec.EncodeLiteralCompared(nil, typ, wide, true, lit)
	} else {
		payload, tag, outcome, err = codec.EncodeCompared(nil, typ, wide, true, v)
	}
	switch {
	case err != nil:
		return ""
	case outcome == logical.OutcomeNull:
		return "null"
	case outcome == logical.OutcomeNever:
		return never
	case typ.Kind == schema.KindFloat && tag == logical.TagFloat64 && typ.Name == "real" && wide.Name == "real":
		if f, ok := logical.Float64(payload); ok && float64(float32(f)) != f {
			return never + " or float64" // no single has this index
		}
	}
	got, err := codec.(logical.Codec).Decode(wide, tag, payload)
	if err != nil {
		return err.Error()
	}
	if b, ok := got.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(got)
}

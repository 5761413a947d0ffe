package pgvalue_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/pgvalue"
	"github.com/sealsql/sealsql/schema"
)

const refusedCast = "refused"

// What PostgreSQL says about these is compared in driver/endtoend.
func TestCastsGiveWhatPostgreSQLStores(t *testing.T) {
	c := pgvalue.New(pgvalue.Options{})
	number, text := logical.LiteralNumber, logical.LiteralString
	for _, x := range []struct {
		name, casts, column string
		value               any
		want                string
	}{
		{"string_is_read_as_the_innermost_type", "int", "numeric(10,2)", "12", "12.00"},
		{"string_that_is_no_number_is_refused", "int", "numeric(10,2)", "12.5", refusedCast},
		{"numeric_rounds_half_away_from_zero", "numeric|int", "bigint", "2.5", "3"},
		{"double_rounds_half_to_even", "double precision|int", "bigint", 2.5, "2"},
		{"too_large_for_the_cast_is_refused", "smallint", "bigint", int64(70000), refusedCast},
		{"rounded_twice", "numeric(6,2)", "numeric(6,1)", "1.445", "1.5"},
		{"precision_too_small_is_refused", "numeric(3,1)", "numeric", "123.4", refusedCast},
		{"text_is_cut", "varchar(3)", "text", "Zoë日", "Zoë"},
		{"text_too_long_for_the_column_is_refused", "varchar(3)", "varchar(2)", "abc", refusedCast},
		{"padded_text_loses_its_blanks", "char(5)", "text", "ab", "ab"},
		{"text_loses_no_blanks", "varchar(5)", "text", "ab ", "ab "},
		{"integer_becomes_text", "int", "text", int64(-7), "-7"},
		{"truth_value_becomes_text", "boolean", "varchar(5)", true, "true"},
		{"text_is_not_assigned_to_a_number", "text", "int", "12", refusedCast},
		{"text_is_cast_to_a_number", "text|int", "bigint", " 12 ", "12"},
		{"integer_literal_is_cast_to_a_truth_value", "boolean", "boolean", logical.Literal{Kind: number, Text: "7"}, "true"},
		{"large_literal_has_no_truth_value", "boolean", "boolean", logical.Literal{Kind: number, Text: "4294967296"}, refusedCast},
		{"fraction_as_literal_is_rounded", "int", "bigint", logical.Literal{Kind: number, Text: "12.5"}, "13"},
		{"fraction_as_string_literal_is_refused", "int", "bigint", logical.Literal{Kind: text, Text: "12.5"}, refusedCast},
		{"day_of_a_timestamp_before_the_epoch", "timestamp|date", "date", "1999-12-31 23:59:59", "1999-12-31"},
		{"date_becomes_midnight", "date", "timestamp", time.Date(2024, 2, 29, 13, 0, 0, 0, time.UTC), "2024-02-29 00:00:00"},
		{"timestamp_becomes_a_time", "timestamp(0)", "time", "2024-02-29 13:14:15.6", "13:14:16"},
		{"time_of_infinity_is_refused", "timestamp", "time", "infinity", refusedCast},
		{"time_zone_of_the_session_is_not_asked", "date", "timestamptz", "2024-02-29", refusedCast},
		{"date_style_is_not_asked", "date", "text", "2024-02-29", refusedCast},
		{"double_has_fifteen_digits", "double precision", "numeric", 0.1 + 0.2, "0.3"},
		{"real_has_six_digits", "real", "numeric", "0.1", "0.1"},
		{"nan_is_no_integer", "double precision", "int", math.NaN(), refusedCast},
		{"uuid_becomes_text", "uuid", "text", "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
		{"json_is_ordered_by_jsonb", "json|jsonb", "json", `{"b":1,"a":2}`, `{"a": 2, "b": 1}`},
		{"bytes_are_not_text", "bytea", "text", []byte("a"), refusedCast},
		{"no_value_is_none", "int", "text", nil, "NULL"},
		{"type_that_is_not_known_is_refused", "point", "text", "(1,2)", refusedCast},
		{"array_is_refused", "int[]", "text", "{1}", refusedCast},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got := castOf(t, c, x.column, strings.Split(x.casts, "|"), x.value); got != x.want {
				t.Errorf("%s, want %s", got, x.want)
			}
		})
	}
}

func castOf(t *testing.T, c *pgvalue.Codec, column string, casts []string, v any) string {
	t.Helper()
	typ, err := schema.ParseType(column)
	if err != nil {
		t.Fatal(err)
	}
	var payload []byte
	var tag logical.Tag
	var null bool
	if lit, ok := v.(logical.Literal); ok {
		payload, tag, null, err = c.EncodeLiteralCast([]byte("before"), &typ, casts, lit)
	} else {
		payload, tag, null, err = c.EncodeCast([]byte("before"), &typ, casts, v)
	}
	switch {
	case errors.Is(err, logical.ErrValue):
		return refusedCast
	case err != nil:
		t.Fatal(err)
	case null:
		return "NULL"
	}
	rest, ok := strings.CutPrefix(string(payload), "before")
	if !ok {
		t.Fatal("the payload does not stand behind what was there")
	}
	x, err := c.Decode(&typ, tag, []byte(rest))
	if err != nil {
		t.Fatal(err)
	}
	switch x := x.(type) {
	case []byte:
		return string(x)
	case time.Time:
		if typ.Kind == schema.KindDate {
			return x.Format(time.DateOnly)
		}
		return x.Format(time.DateTime)
	}
	return fmt.Sprint(x)
}

// In modes in which pgx asks for no types, what becomes of an argument under a
// cast differs from mode to mode but for these.
func TestArgumentsAsTextAreCastOnlyWhereTheModesAgree(t *testing.T) {
	c := pgvalue.New(pgvalue.Options{TextParameters: true})
	for _, x := range []struct {
		casts, column string
		value         any
		want          string
	}{
		{"int", "bigint", int64(12), "12"},
		{"varchar(2)", "text", int64(123), "12"},
		{"int", "bigint", 12.0, refusedCast},
		{"text", "text", true, refusedCast},
		{"json", "json", int64(12), refusedCast},
		{"date", "date", time.Date(2024, 2, 29, 1, 0, 0, 0, time.UTC), "2024-02-29"},
	} {
		if got := castOf(t, c, x.column, []string{x.casts}, x.value); got != x.want {
			t.Errorf("%T as %s in %s: %s, want %s", x.value, x.casts, x.column, got, x.want)
		}
	}
}

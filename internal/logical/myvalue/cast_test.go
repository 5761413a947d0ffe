package myvalue_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/myvalue"
	"github.com/sealsql/sealsql/schema"
)

const refusedCast = "refused"

// What MariaDB says about these is compared in driver/endtoend.
func TestCastsGiveWhatTheServerStores(t *testing.T) {
	number := func(s string) logical.Literal { return logical.Literal{Kind: logical.LiteralNumber, Text: s} }
	for _, x := range []struct {
		name, cast, column string
		value              any
		want, onMySQL      string
	}{
		{"whole_text_is_an_integer", "signed", "bigint", "12", "12", "12"},
		{"text_with_a_rest_is_refused", "signed", "bigint", "12x", refusedCast, refusedCast},
		{"fraction_in_a_text_is_refused", "signed integer", "bigint", "12.9", refusedCast, refusedCast},
		{"fraction_of_a_literal_is_rounded", "signed", "bigint", number("12.5"), "13", refusedCast},
		{"double_is_refused", "signed", "bigint", 12.5, refusedCast, refusedCast},
		{"negative_number_is_not_wrapped", "unsigned", "bigint", int64(-1), refusedCast, refusedCast},
		{"integer_as_text", "signed", "varchar(5)", int64(12), "12", "12"},
		{"too_large_for_the_column_is_refused", "signed", "tinyint", int64(300), refusedCast, refusedCast},
		{"decimal_is_rounded", "decimal(4,1)", "decimal(6,2)", "12.55", "12.60", refusedCast},
		{"decimal_that_fits", "decimal(4,1)", "decimal(6,2)", "12.5", "12.50", "12.50"},
		{"decimal_without_digits_has_ten", "decimal", "decimal(20,1)", int64(99999999999), refusedCast, refusedCast},
		{"decimal_that_is_too_large_is_refused", "decimal(3,1)", "decimal(6,2)", "123.4", refusedCast, refusedCast},
		{"text_that_is_short_enough", "char(3)", "varchar(9)", "日本a", "日本a", "日本a"},
		{"text_that_would_be_cut_is_refused", "char(3)", "varchar(9)", "abcd", refusedCast, refusedCast},
		{"number_as_text", "char(5)", "varchar(9)", int64(-7), "-7", "-7"},
		{"bytes_are_refused_as_hexadecimal", "char(5)", "varchar(9)", logical.Literal{Kind: logical.LiteralBytes, Text: "a"}, refusedCast, refusedCast},
		{"day_of_a_time", "date", "date", "2024-02-29 13:14:15", "2024-02-29", "2024-02-29"},
		{"date_that_does_not_exist_is_refused", "date", "date", "2024-02-30", refusedCast, refusedCast},
		{"zero_date_is_refused", "date", "date", "0000-00-00", refusedCast, refusedCast},
		{"date_in_another_form_is_refused", "date", "date", "20240229", refusedCast, refusedCast},
		{"fraction_of_a_second_is_cut", "datetime(1)", "datetime(3)", "2024-02-29 13:14:15.98", "2024-02-29 13:14:15.900", refusedCast},
		{"midnight_of_a_date", "datetime", "datetime", "2024-02-29", "2024-02-29 00:00:00", "2024-02-29 00:00:00"},
		{"double_of_a_text", "double", "double", "12.5", "12.5", "12.5"},
		{"no_value_is_none", "signed", "bigint", nil, "NULL", "NULL"},
		{"character_set_is_refused", "char(3) character set latin1", "text", "a", refusedCast, refusedCast},
		{"type_that_is_not_known_is_refused", "year", "int", int64(1), refusedCast, refusedCast},
	} {
		t.Run(x.name, func(t *testing.T) {
			for mysql, want := range map[bool]string{false: x.want, true: x.onMySQL} {
				c := myvalue.New(myvalue.Options{Binary: true, MySQL: mysql, RoundFraction: mysql})
				if got := castOf(t, c, x.column, x.cast, x.value); got != want {
					t.Errorf("MySQL %v: %s, want %s", mysql, got, want)
				}
			}
		})
	}
}

func TestCastsOfCastsAreRefused(t *testing.T) {
	typ, err := schema.ParseType("bigint")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := myvalue.New(myvalue.Options{}).EncodeCast(nil, &typ, []string{"char(3)", "signed"}, "1"); !errors.Is(err, logical.ErrValue) {
		t.Error(err)
	}
}

func castOf(t *testing.T, c *myvalue.Codec, column, cast string, v any) string {
	t.Helper()
	typ, err := schema.ParseType(column)
	if err != nil {
		t.Fatal(err)
	}
	var payload []byte
	var tag logical.Tag
	var null bool
	if lit, ok := v.(logical.Literal); ok {
		payload, tag, null, err = c.EncodeLiteralCast(nil, &typ, []string{cast}, lit)
	} else {
		payload, tag, null, err = c.EncodeCast(nil, &typ, []string{cast}, v)
	}
	switch {
	case errors.Is(err, logical.ErrValue):
		return refusedCast
	case err != nil:
		t.Fatal(err)
	case null:
		return "NULL"
	}
	x, err := c.Decode(&typ, tag, payload)
	if err != nil {
		t.Fatal(err)
	}
	if b, ok := x.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(x)
}

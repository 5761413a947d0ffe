package pgvalue_test

import (
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical/pgvalue"
)

type word string

func TestElementsTakeEveryArrayApart(t *testing.T) {
	a := "a"
	for _, c := range []struct {
		name string
		in   any
		want []any
		null bool
		bad  bool
	}{
		{"nil", nil, nil, true, false},
		{"a nil slice", []string(nil), nil, true, false},
		{"a nil pointer to a slice", (*[]string)(nil), nil, true, false},
		{"an empty slice", []string{}, []any{}, false, false},
		{"strings", []string{"a", ""}, []any{"a", ""}, false, false},
		{"pointers, one of them nil", []*string{nil}, []any{nil}, false, false},
		{"a pointer to a slice", &[]int{1, 2}, []any{1, 2}, false, false},
		{"types of the program", []word{"a"}, []any{word("a")}, false, false},
		{"an array", [2]int64{1, 2}, []any{int64(1), int64(2)}, false, false},
		{"any values", []any{"a", nil, 1}, []any{"a", nil, 1}, false, false},
		{"bytes", [][]byte{{1}, nil}, []any{[]byte{1}, nil}, false, false},
		{"a literal", `{a,"b c",NULL,"NULL","\"q\\"}`, []any{"a", "b c", nil, "NULL", `"q\`}, false, false},
		{"a literal in bytes", []byte(`{a}`), []any{"a"}, false, false},
		{"an empty literal", `{}`, []any{}, false, false},
		{"a flat array", pgtype.FlatArray[string]{a}, []any{"a"}, false, false},
		{"an array of texts", pgtype.Array[pgtype.Text]{Elements: []pgtype.Text{{String: "a", Valid: true}, {}}, Dims: []pgtype.ArrayDimension{{Length: 2, LowerBound: 1}}, Valid: true}, []any{"a", nil}, false, false},
		{"an array that is NULL", pgtype.Array[string]{}, nil, true, false},
		{"a text that is no array", "a", nil, false, true},
		{"a number", 1, nil, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, null, err := pgvalue.New(pgvalue.Options{}).Elements(c.in)
			if (err != nil) != c.bad || null != c.null || !c.bad && len(got)+len(c.want) > 0 && !reflect.DeepEqual(got, c.want) {
				t.Errorf("%#v: got %#v, %v, %v", c.in, got, null, err)
			}
		})
	}
}

package endtoend_test

import (
	"bytes"
	"database/sql"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/rewrite"
)

const arraysConfig = head + `metastore: memory
tables:
  HERE.lists:
    columns:
      tags: {type: 'text[]'}
      nums: {type: 'int[]'}
      seen: {type: 'timestamptz[]'}
`

// TestArraysComeBackAsFromThePlainDriver writes slices, pgtype's arrays and
// array literals in every mode and scans them as programs do.
func TestArraysComeBackAsFromThePlainDriver(t *testing.T) {
	moment := time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)
	rows := [][]any{
		{[]string{"canary one", "", "NULL", `q"\`, "{x}"}, []int32{1, -2}, []time.Time{moment}},
		{pgtype.FlatArray[string]{"a"}, "{1,NULL,3}", "{infinity}"},
		{pgtype.Array[string]{Elements: []string{"a", "b"}, Dims: []pgtype.ArrayDimension{{Length: 2, LowerBound: 0}}, Valid: true}, "{{1,2},{3,4}}", "{}"},
		{nil, []int32{}, []time.Time(nil)},
	}
	for _, mode := range []string{"", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		f := postgresFlavour("timezone=UTC")
		if mode != "" {
			f = postgresFlavour("timezone=UTC", "default_query_exec_mode="+mode).named(mode)
		}
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, arraysConfig)
			p.both(t, "CREATE TABLE lists (id int PRIMARY KEY, tags text[], nums integer ARRAY, seen timestamp with time zone[])")
			for i, r := range rows {
				p.both(t, "INSERT INTO lists (id, tags, nums, seen) VALUES ($1, $2, $3, $4)", append([]any{i}, r...)...)
			}
			p.both(t, "UPDATE lists SET tags = '{\"from a literal\"}' WHERE id = 3")
			for i := range rows {
				for _, dests := range arrayDestinations {
					want, got := scanArrays(t, p.plain, i, dests()), scanArrays(t, p.sealed, i, dests())
					if !reflect.DeepEqual(got, want) {
						t.Errorf("row %d:\n got %#v\nwant %#v", i, got, want)
					}
				}
			}
			var stored []byte
			if err := p.stored(t).QueryRow("SELECT tags FROM lists WHERE id = 0").Scan(&stored); err != nil || bytes.Contains(stored, []byte("canary")) {
				t.Errorf("stored %q, %v", stored, err)
			}
			for _, refused := range []string{
				"SELECT id FROM lists WHERE 'canary one' = ANY (tags)", "SELECT tags[1] FROM lists", "SELECT unnest(tags) FROM lists", "UPDATE lists SET tags = tags || 'x'",
				"UPDATE lists SET tags[1] = 'x'", "INSERT INTO lists (id, tags) VALUES (9, ARRAY['x', 'y'])", "SELECT id FROM lists ORDER BY tags", "SELECT DISTINCT nums FROM lists",
			} {
				var u *rewrite.UnsupportedError
				if _, err := p.sealed.Exec(refused); !errors.As(err, &u) {
					t.Errorf("%s: %v", refused, err)
				}
			}
			if _, err := p.sealed.Exec("UPDATE lists SET nums = $1", []string{"no number"}); err == nil {
				t.Error("a text was taken for a number")
			}
		})
	}
}

var arrayDestinations = []func() []any{
	func() []any { return []any{new(any), new(any), new(any)} },
	func() []any { return []any{new(sql.NullString), new(sql.NullString), new(sql.NullString)} },
	func() []any {
		return []any{&scanner{new([]*string)}, &scanner{new([]*int)}, &scanner{new([]pgtype.Timestamptz)}}
	},
	func() []any {
		return []any{&scanner{new(pgtype.Array[pgtype.Text])}, &scanner{new([][]int)}, &scanner{new([]time.Time)}}
	},
	func() []any { return []any{new(string), new(int), new(time.Time)} },
}

// scanner is what pgx recommends for arrays through database/sql.
type scanner struct{ into any }

func (s *scanner) Scan(v any) error { return pgtype.NewMap().SQLScanner(s.into).Scan(v) }

// scanArrays returns what stands in the destinations, and whether it failed.
func scanArrays(t *testing.T, db *sql.DB, id int, dests []any) []any {
	t.Helper()
	var out []any
	for i, column := range []string{"tags", "nums", "seen"} {
		err := db.QueryRow("SELECT "+column+" FROM lists WHERE id = $1", id).Scan(dests[i])
		out = append(out, err == nil, dests[i])
	}
	return out
}

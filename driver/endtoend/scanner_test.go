//go:build go1.27

package endtoend_test

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/sealsql/sealsql"
)

const scannerConfig = head + `metastore: memory
guards: off
tables:
  notes:
    partition: {column: tenant, type: text}
    columns: {body: {type: text}, doc: {type: jsonb}, n: {type: int}, raw: {type: bytea}, at: {type: timestamptz}, labels: {type: 'text[]'}}
`

// scannerDestinations are what Go 1.27 lets pgx scan into by itself, and what
// stays with database/sql, by column.
var scannerDestinations = []struct {
	column string
	dests  []func() any
}{
	{"tags", []func() any{
		func() any { return new([]string) },
		func() any { return new(pgtype.FlatArray[string]) },
		func() any { return new(any) },
	}},
	{"labels", []func() any{
		func() any { return new([]string) },
		func() any { return new(pgtype.FlatArray[pgtype.Text]) },
		func() any { return new(any) },
		func() any { return new(string) },
		func() any { return new([]int) },
	}},
	{"doc", []func() any{
		func() any { return new(map[string]any) },
		func() any { return new(struct{ A []int }) },
		func() any { return new(*struct{ A []int }) },
		func() any { return new([]byte) },
		func() any { return new(string) },
		func() any { return new(any) },
		func() any { return new([]string) },
	}},
	{"body", []func() any{
		func() any { return new(string) },
		func() any { return new(*string) },
		func() any { return new([]byte) },
		func() any { return new(sql.RawBytes) },
		func() any { return new(pgtype.PreallocBytes) },
		func() any { return new(pgtype.Text) },
		func() any { return new(sql.NullString) },
		func() any { return new([]int) },
		func() any { return new(int) },
	}},
	{"n", []func() any{
		func() any { return new(int) },
		func() any { return new(pgtype.Int4) },
		func() any { return new(any) },
		func() any { return new([]int) },
		func() any { return new(uint8) },
	}},
	{"raw", []func() any{
		func() any { return new([]byte) },
		func() any { return new(any) },
		func() any { return new(pgtype.PreallocBytes) },
		func() any { return new(sql.RawBytes) },
	}},
	{"at", []func() any{
		func() any { return new(pgtype.Timestamptz) },
		func() any { return new(sql.NullTime) },
		func() any { return new(string) },
	}},
}

// As of Go 1.27 database/sql lets the inner driver scan into the caller's
// variables: columns that pass are left to it, records never are.
func TestColumnsThatPgxScansItselfAreOpened(t *testing.T) {
	for _, mode := range []string{"", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		f := postgresFlavour()
		if mode != "" {
			f = postgresFlavour("default_query_exec_mode=" + mode).named(mode)
		}
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, scannerConfig)
			p.both(t, "CREATE TABLE notes (id int PRIMARY KEY, tenant text COLLATE \"C\" NOT NULL, tags text[], body text, doc jsonb, n int, raw bytea, at timestamptz, labels text[])")
			const insert = "INSERT INTO notes (id, tenant, tags, body, doc, n, raw, at, labels) VALUES ($1, $2, '{a,NULL}', $3, $4, $5, $6, $7, '{a,NULL}')"
			p.both(t, insert, 1, "x", "text", `{"A": [1, 2]}`, 7, []byte{0, 1}, "2026-01-02 03:04:05+00")
			p.both(t, insert, 2, "y", nil, nil, nil, nil, nil)
			p.both(t, insert, 3, "x", "", `{}`, -1, []byte{}, "2026-01-02 03:04:05+00")
			for _, c := range scannerDestinations {
				for _, dest := range c.dests {
					for _, query := range []string{
						"SELECT id, " + c.column + " FROM notes ORDER BY id",
						"SELECT id, " + c.column + " FROM notes WHERE tenant = 'x' ORDER BY id",
					} {
						want, got := scanned(t, p.plain, query, dest), scanned(t, p.sealed, query, dest)
						if !reflect.DeepEqual(want, got) {
							t.Errorf("%s into %T:\n got %q\nwant %q", query, dest(), got, want)
						}
					}
				}
			}
		})
	}
}

func scanned(t *testing.T, db *sql.DB, query string, dest func() any) (out []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if _, err := rows.ColumnTypes(); err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var id int
		d := dest()
		if err := rows.Scan(&id, d); err != nil {
			out = append(out, fmt.Sprintf("%d fails", id))
			continue
		}
		v := reflect.ValueOf(d).Elem()
		for v.Kind() == reflect.Pointer && !v.IsNil() {
			v = v.Elem()
		}
		out = append(out, fmt.Sprintf("%d %#v", id, v.Interface()))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLimitIsCountedWhereColumnsAreScanned shows that LIMIT and OFFSET, which the
// driver applies where it leaves rows out, hold for rows that are scanned by
// column, and so does the bound on rows that are opened in vain.
func TestLimitIsCountedWhereColumnsAreScanned(t *testing.T) {
	const config = head + `metastore: memory
guards: off
limits: {scan_rows: 5}
tables:
  notes:
    columns: {body: {type: text, search: {equality: {collation: binary}}}}
`
	p := postgresFlavour().open(t, config)
	p.both(t, "CREATE TABLE notes (id int PRIMARY KEY, body text)")
	for i := range 20 {
		p.both(t, "INSERT INTO notes (id, body) VALUES ($1, $2)", i, fmt.Sprintf("%c%d", 'a'+i%2, i))
	}
	text := func() any { return new(string) }
	for _, tail := range []string{"LIMIT 3", "LIMIT 2 OFFSET 2", "LIMIT 0"} {
		query := "SELECT id, body FROM notes WHERE body LIKE 'a%' ORDER BY id " + tail
		if want, got := scanned(t, p.plain, query, text), scanned(t, p.sealed, query, text); !reflect.DeepEqual(want, got) {
			t.Errorf("%s: got %q, want %q", tail, got, want)
		}
	}
	rows, err := p.sealed.Query("SELECT id, body FROM notes WHERE body LIKE 'a%' ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	if !errors.Is(rows.Err(), sealsql.ErrTooManyRows) || n != 6 {
		t.Errorf("%d rows before the bound: %v", n, rows.Err())
	}
}

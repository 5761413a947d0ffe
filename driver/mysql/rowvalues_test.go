package mysql_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// kept is a Scanner that copies what it is given, as Scanners must.
type kept struct{ s string }

func (k *kept) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		k.s = "NULL"
	case []byte:
		k.s = string(v)
	default:
		return fmt.Errorf("%T", src)
	}
	return nil
}

// Rows of a column share a value, which must not show in what programs read: in no
// destination, over NULLs and empty values, and from one result to the next.
func TestValuesOfARowAreValidUntilTheNext(t *testing.T) {
	const n = 20
	want := func(i int) any {
		switch i % 5 {
		case 3:
			return nil
		case 4:
			return ""
		}
		return strings.Repeat(fmt.Sprint(i, " "), i)
	}
	for _, params := range []string{"", "interpolateParams=true"} {
		f := openWith(t, ddl[:1], strings.Split(yaml, "  docs:")[0], params)
		f.db.SetMaxOpenConns(1)
		for i := range n {
			f.exec("INSERT INTO users (id, ssn, doc, photo) VALUES (?, ?, ?, ?)", i, want(i), want(i), want(i))
		}
		for range 3 { // the values of a result go to the next
			rows, err := f.db.Query("SELECT ssn, doc, photo, ssn, doc FROM users WHERE id < ? ORDER BY id", n)
			if err != nil {
				t.Fatal(err)
			}
			var anys []any
			var slices [][]byte
			var texts []sql.NullString
			var scanned []kept
			for i := 0; rows.Next(); i++ {
				var a any
				var b []byte
				var raw sql.RawBytes
				var s sql.NullString
				var k kept
				if err := rows.Scan(&a, &b, &raw, &s, &k); err != nil {
					t.Fatal(err)
				}
				if w, ok := want(i).(string); ok != (raw != nil) || string(raw) != w {
					t.Errorf("row %d: raw %q", i, raw)
				}
				anys, slices, texts, scanned = append(anys, a), append(slices, b), append(texts, s), append(scanned, k)
			}
			if err := rows.Err(); err != nil || len(anys) != n {
				t.Fatal(len(anys), err)
			}
			for i := range n {
				w, ok := want(i).(string)
				if !ok {
					if anys[i] != nil || slices[i] != nil || texts[i].Valid || scanned[i].s != "NULL" {
						t.Errorf("row %d: %q %q %v %q, want NULL", i, anys[i], slices[i], texts[i], scanned[i].s)
					}
					continue
				}
				a, _ := anys[i].([]byte)
				if string(a) != w || !bytes.Equal(slices[i], []byte(w)) || texts[i].String != w || scanned[i].s != w {
					t.Errorf("row %d: %q %q %v %q, want %q", i, anys[i], slices[i], texts[i], scanned[i].s, w)
				}
			}
		}
	}
}

// Two results of two connections, read in turns, have values of their own.
func TestResultsReadInTurnsHaveValuesOfTheirOwn(t *testing.T) {
	f := openWith(t, ddl[:1], strings.Split(yaml, "  docs:")[0], "interpolateParams=true")
	for i := range 30 {
		f.exec("INSERT INTO users (id, ssn) VALUES (?, ?)", i, fmt.Sprint("s", i))
	}
	var results []*sql.Rows
	for range 3 {
		rows, err := f.db.QueryContext(context.Background(), "SELECT ssn FROM users ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		results = append(results, rows)
	}
	for i := range 30 {
		raws := make([]sql.RawBytes, len(results))
		for k, rows := range results {
			if !rows.Next() {
				t.Fatal(rows.Err())
			}
			if err := rows.Scan(&raws[k]); err != nil {
				t.Fatal(err)
			}
		}
		for _, raw := range raws {
			if string(raw) != fmt.Sprint("s", i) {
				t.Fatalf("row %d: %q", i, raw)
			}
		}
	}
}

// Rows of records take no more allocations than plain ones.
func TestReadingRowsAllocatesAsThePlainDriverDoes(t *testing.T) {
	f := openWith(t, ddl[:1], strings.Split(yaml, "  docs:")[0], "interpolateParams=true")
	if _, err := f.plain.Exec("CREATE TABLE plainly (id int PRIMARY KEY, ssn varchar(100), doc text)"); err != nil {
		t.Fatal(err)
	}
	const n = 200
	for i := range n {
		f.exec("INSERT INTO users (id, ssn, doc) VALUES (?, ?, ?)", i, "some text", "another one")
		if _, err := f.plain.Exec("INSERT INTO plainly VALUES (?, ?, ?)", i, "some text", "another one"); err != nil {
			t.Fatal(err)
		}
	}
	read := func(db *sql.DB, table string) float64 {
		var a, b string
		return testing.AllocsPerRun(20, func() {
			rows, err := db.Query("SELECT ssn, doc FROM " + table)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				if err := rows.Scan(&a, &b); err != nil {
					t.Fatal(err)
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
		})
	}
	plain, sealed := read(f.plain, "plainly"), read(f.db, "users")
	if sealed > plain+n/2 {
		t.Errorf("%v allocations for %d rows, plainly %v", sealed, n, plain)
	}
}

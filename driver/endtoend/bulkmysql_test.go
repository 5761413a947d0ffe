package endtoend_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/internal/logical"
)

// sequence gives rows, then an error if there is one.
func sequence(err error, rows ...[]any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

const thingsConfig = head + `metastore: memory
tables:
  HERE.things:
    columns:
      email: {type: varchar(60), search: {equality: {column: email_bidx, collation: binary}}}
      n: {type: int unsigned}
      at: {type: datetime(3)}
      raw: {type: blob}
      doc: {type: json}
      note: {type: text, carrier: text}
  HERE.docs:
    partition: {column: tenant, type: varchar(20)}
    columns: {body: encrypted}
`

const createThings = "CREATE TABLE things (id int PRIMARY KEY, email varchar(60), n int unsigned, at datetime(3), raw blob, doc json, note text," +
	" clear longtext, bytes varbinary(300), big bigint unsigned, f double, seen datetime(6), j json)"

var thingColumns = []string{"id", "email", "n", "at", "raw", "doc", "note", "clear", "bytes", "big", "f", "seen", "j"}

// things are rows with the characters that a file must write otherwise.
func things() [][]any {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_912_345, time.UTC)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	text := "tab\t line\n return\r back\\slash quote' \" \\N ünï 😀"
	n := uint32(7)
	return [][]any{
		{1, "a@b.c", 1, at, every, `{"a": 1}`, text, text, every, uint64(math.MaxUint64), 1.5e-300, at, json.RawMessage(`{"b": "\t\\"}`)},
		{2, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil},
		{3, "", &n, sql.NullTime{}, []byte{}, json.RawMessage(`[]`), "", "", []byte{}, 0, 0.0, nil, nil},
		{4, sql.NullString{String: "x", Valid: true}, uint64(math.MaxUint32), at.Add(time.Hour), []byte("\\N"), nil, `\N`, `\N`, []byte(`\N`), int64(5), float32(2.5), at, nil},
	}
}

func TestBulkPathsOfMySQLStoreSealedRows(t *testing.T) {
	for _, parameters := range []string{"", "parseTime=true&loc=Europe%2FBerlin", "interpolateParams=true"} {
		for _, way := range []string{"InsertRows", "LoadData"} {
			t.Run(way+" "+parameters, func(t *testing.T) {
				f := mysqlFlavour()
				if parameters != "" {
					f = mysqlFlavour(parameters)
				}
				p := f.open(t, thingsConfig)
				p.both(t, createThings)
				ctx := context.Background()
				if n, err := mysql.InsertRows(ctx, p.plain, []string{"things"}, thingColumns, sequence(nil, things()...)); n != 4 || err != nil {
					t.Fatal(n, err)
				}
				if way == "InsertRows" {
					if n, err := mysql.InsertRows(ctx, p.sealed, []string{"things"}, thingColumns, sequence(nil, things()...)); n != 4 || err != nil {
						t.Fatal(n, err)
					}
				} else {
					withConn(t, p.sealed, func(c *sql.Conn) {
						if n, err := mysql.LoadData(ctx, c, []string{"things"}, thingColumns, sequence(nil, things()...)); n != 4 || err != nil {
							t.Fatal(n, err)
						}
					})
				}
				compareDump(t, p, "SELECT "+strings.Join(thingColumns, ", ")+" FROM things ORDER BY id")
				compareDump(t, p, "SELECT id FROM things WHERE email = ? ORDER BY id", "a@b.c")
				for _, row := range dump(t, p.stored(t), "SELECT email, n, at, raw, doc, note FROM things WHERE id = 1") {
					for i, v := range row {
						if b, ok := v.([]byte); !ok || len(b) < 60 || b[0] != 0xf9 && string(b[:4]) != "ss1." {
							t.Errorf("column %d is not sealed", i)
						}
					}
				}
			})
		}
	}
}

func TestLoadDataRefusesWhatAnInsertWouldBeRefusedFor(t *testing.T) {
	p := mysqlFlavour().open(t, thingsConfig)
	p.both(t, createThings)
	p.both(t, "CREATE TABLE docs (tenant varchar(20) COLLATE utf8mb4_bin NOT NULL, id int, body text)")
	ctx := context.Background()
	failing := errors.New("the rows fail")
	cases := []struct {
		name    string
		ctx     context.Context
		table   []string
		columns []string
		rows    iter.Seq2[[]any, error]
		want    func(error) bool
	}{
		{"a table that is not there", ctx, []string{"nowhere"}, []string{"id"}, sequence(nil, []any{1}), is(sealsql.ErrRefused)},
		{"a search index named by the caller", ctx, []string{"things"}, []string{"id", "email_bidx"}, sequence(nil, []any{1, []byte("x")}), is(sealsql.ErrRefused)},
		{"a value that does not fit its type", ctx, []string{"things"}, []string{"id", "n"}, sequence(nil, []any{1, -1}), func(err error) bool {
			var te *logical.TypeError
			return errors.As(err, &te)
		}},
		{"a value behind many", ctx, []string{"things"}, []string{"id", "n"}, numbers(5000, -1), func(err error) bool {
			var te *logical.TypeError
			return errors.As(err, &te)
		}},
		{"too few values", ctx, []string{"things"}, []string{"id", "n"}, sequence(nil, []any{1}), func(err error) bool { return err != nil }},
		{"rows that fail", ctx, []string{"things"}, []string{"id", "n"}, sequence(failing, []any{1, 1}), is(failing)},
		{"bytes in a column of texts", ctx, []string{"things"}, []string{"id", "clear"}, sequence(nil, []any{1, "x"}, []any{2, []byte{0xff}}), func(err error) bool { return err != nil }},
		{"another partition", sealsql.WithPartition(ctx, "b"), []string{"docs"}, []string{"tenant", "id", "body"}, sequence(nil, []any{"a", 1, "x"}), is(sealsql.ErrPartitionMismatch)},
		{"no columns", ctx, []string{"things"}, nil, sequence(nil), func(err error) bool { return err != nil }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			withConn(t, p.sealed, func(conn *sql.Conn) {
				tx, err := conn.BeginTx(ctx, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Rollback()
				if _, err := mysql.LoadData(c.ctx, conn, c.table, c.columns, c.rows); !c.want(err) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
	for _, table := range []string{"things", "docs"} {
		if n := dump(t, p.stored(t), "SELECT count(*) FROM "+table); n[0][0] != int64(0) {
			t.Errorf("%s holds %v rows", table, n)
		}
	}
}

func is(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }

// numbers gives n good rows and one with another value.
func numbers(n int, last any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for i := range n {
			if !yield([]any{i, i}, nil) {
				return
			}
		}
		yield([]any{n, last}, nil)
	}
}

func TestLoadDataReportsRowsThatTheServerLeftOut(t *testing.T) {
	p := mysqlFlavour().open(t, thingsConfig)
	p.both(t, createThings)
	withConn(t, p.sealed, func(c *sql.Conn) {
		n, err := mysql.LoadData(context.Background(), c, []string{"things"}, []string{"id", "email"}, sequence(nil, []any{1, "a"}, []any{1, "b"}, []any{2, "c"}))
		if n != 2 || !errors.Is(err, mysql.ErrRowsLeftOut) {
			t.Errorf("%d %v", n, err)
		}
	})
}

func TestInsertRowsSplitsAtEveryBound(t *testing.T) {
	p := mysqlFlavour().open(t, thingsConfig)
	p.both(t, createThings)
	ctx := context.Background()
	for name, rows := range map[string]iter.Seq2[[]any, error]{
		"rows": numbers(2500, 1),
		"bytes": func(yield func([]any, error) bool) {
			for i := range 5 {
				if !yield([]any{i, strings.Repeat("x", 400_000)}, nil) {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			column := map[string]string{"rows": "n", "bytes": "clear"}[name]
			counter := &counting{db: p.sealed}
			n, err := mysql.InsertRows(ctx, counter, []string{strings.TrimSuffix(p.database(), "."), "things"}, []string{"id", column}, rows)
			if want := map[string]int64{"rows": 2501, "bytes": 5}[name]; n != want || err != nil {
				t.Fatal(n, err)
			}
			if counter.n != 3 {
				t.Errorf("%d statements", counter.n)
			}
			got := dump(t, p.sealed, "SELECT count(*), count("+column+") FROM things")
			if !reflect.DeepEqual(got[0], []any{n, n}) {
				t.Errorf("stored %v", got)
			}
			if _, err := p.sealed.Exec("DELETE FROM things"); err != nil {
				t.Fatal(err)
			}
		})
	}
	if n, err := mysql.InsertRows(ctx, p.sealed, []string{"things"}, []string{"id", "n"}, sequence(nil, []any{1})); n != 0 || err == nil {
		t.Errorf("too few values: %d %v", n, err)
	}
}

type counting struct {
	db mysql.Execer
	n  int
}

func (c *counting) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c.n++
	return c.db.ExecContext(ctx, query, args...)
}

// BenchmarkLoadData compares single-row and multi-row INSERT with LOAD DATA.
func BenchmarkLoadData(b *testing.B) {
	p := mysqlFlavour().open(b, thingsConfig)
	p.both(b, createThings)
	columns := []string{"id", "email", "n", "clear"}
	rows := make([][]any, 5000)
	for i := range rows {
		rows[i] = []any{i, fmt.Sprintf("person%d@example.com", i), i, "clear"}
	}
	run := func(name string, db *sql.DB, do func(c *sql.Conn) (int64, error)) {
		b.Run(name, func(b *testing.B) {
			clean := p.stored(b)
			if db == p.plain {
				clean = db
			}
			withConn(b, db, func(c *sql.Conn) {
				for b.Loop() {
					if n, err := do(c); err != nil || n != int64(len(rows)) {
						b.Fatal(n, err)
					}
					b.StopTimer()
					if _, err := clean.Exec("DELETE FROM things"); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
			b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	ctx := context.Background()
	run("plain insert", p.plain, func(c *sql.Conn) (int64, error) {
		return mysql.InsertRows(ctx, c, []string{"things"}, columns, sequence(nil, rows...))
	})
	run("sealed insert", p.sealed, func(c *sql.Conn) (int64, error) {
		return mysql.InsertRows(ctx, c, []string{"things"}, columns, sequence(nil, rows...))
	})
	run("sealed load", p.sealed, func(c *sql.Conn) (int64, error) {
		return mysql.LoadData(ctx, c, []string{"things"}, columns, sequence(nil, rows...))
	})
}

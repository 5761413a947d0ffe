package endtoend_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/internal/logical"
)

const bulkConfig = head + `metastore: memory
tables:
  HERE.people:
    columns:
      email: {type: varchar(60), search: {equality: {column: email_bidx, collation: binary}}}
      born: {type: date}
      n: {type: int}
      note: {type: text, carrier: text}
  HERE.customers:
    columns:
      email: {type: varchar(60), search: {equality: {column: email_bidx, collation: binary}}}
  HERE.docs:
    partition: {column: tenant, type: text}
    columns: {body: encrypted}
  HERE.own:
    partition: context
    columns: {v: encrypted}
`

// bulkTables creates the tables on both sides.
func bulkTables(t testing.TB, p *pair) {
	t.Helper()
	for _, create := range []string{
		"CREATE TABLE people (id int PRIMARY KEY, email varchar(60), born date, n int, note text, clear varchar(40))",
		"CREATE TABLE docs (tenant varchar(20) " + p.bytewise() + " NOT NULL, id int, body text)",
		"CREATE TABLE own (id int, v text)",
		"CREATE TABLE customers (id int PRIMARY KEY, email varchar(60), born date, n int, note text, clear varchar(40))",
		"CREATE TABLE other (id int, v varchar(40))",
	} {
		p.both(t, create)
	}
}

func (p *pair) bytewise() string {
	if p.flavour.plain == "mysql" {
		return "COLLATE utf8mb4_bin"
	}
	return `COLLATE "C"`
}

func withConn(t testing.TB, db *sql.DB, do func(c *sql.Conn)) {
	t.Helper()
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	do(c)
}

// plainCopy is pgx's own.
func plainCopy(ctx context.Context, c *sql.Conn, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (n int64, err error) {
	err = c.Raw(func(d any) error {
		n, err = d.(*stdlib.Conn).Conn().CopyFrom(ctx, table, columns, source)
		return err
	})
	return n, err
}

var peopleColumns = []string{"id", "email", "born", "n", "note", "clear"}

// people are rows in forms that pgx takes for each type.
func people() [][]any {
	email, day := "a@b.c", time.Date(2001, 2, 3, 0, 0, 0, 0, time.UTC)
	n := int32(math.MinInt32)
	return [][]any{
		{1, email, day, 7, "x", "clear"},
		{2, nil, nil, nil, nil, nil},
		{3, &email, &day, &n, pgtype.Text{String: "pg", Valid: true}, "y"},
		{4, sql.NullString{}, sql.NullTime{}, sql.NullInt64{}, sql.NullString{}, nil},
		{5, "", pgtype.Date{Time: day, Valid: true}, uint8(255), "", ""},
		{6, "üñí", day.Add(time.Hour), int64(-1), "ünï", "z"},
	}
}

func dump(t testing.TB, db *sql.DB, query string, args ...any) (out [][]any) {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, dest := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func compareDump(t testing.TB, p *pair, query string, args ...any) {
	t.Helper()
	want, got := dump(t, p.plain, query, args...), dump(t, p.sealed, query, args...)
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s:\n got %#v\nwant %#v", query, got, want)
	}
}

func TestCopyFromStoresSealedRows(t *testing.T) {
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			p := postgresFlavour("default_query_exec_mode="+mode).open(t, bulkConfig)
			bulkTables(t, p)
			ctx := context.Background()
			withConn(t, p.plain, func(c *sql.Conn) {
				if n, err := plainCopy(ctx, c, pgx.Identifier{"people"}, peopleColumns, pgx.CopyFromRows(people())); n != 6 || err != nil {
					t.Fatal(n, err)
				}
			})
			rows := people()
			withConn(t, p.sealed, func(c *sql.Conn) {
				if n, err := postgres.CopyFrom(ctx, c, pgx.Identifier{"people"}, peopleColumns, pgx.CopyFromRows(rows)); n != 6 || err != nil {
					t.Fatal(n, err)
				}
			})
			if !reflect.DeepEqual(rows, people()) {
				t.Error("the caller's rows were changed")
			}
			compareDump(t, p, "SELECT id, email, born, n, note, clear FROM people ORDER BY id")
			compareDump(t, p, "SELECT id FROM people WHERE email = $1 ORDER BY id", "a@b.c")
			for _, row := range dump(t, p.stored(t), "SELECT email, email_bidx, born, n, note FROM people WHERE id = 1") {
				for i, v := range row {
					b, isBytes := v.([]byte)
					s, _ := v.(string)
					if bytes.Contains(b, []byte("a@b.c")) || !isBytes && (len(s) < 80 || s[:4] != "ss1.") {
						t.Errorf("column %d holds %T", i, v)
					}
				}
			}
		})
	}
}

func TestCopyFromFollowsThePartition(t *testing.T) {
	p := postgresFlavour().open(t, bulkConfig)
	bulkTables(t, p)
	ctx := context.Background()
	withConn(t, p.sealed, func(c *sql.Conn) {
		docs := [][]any{{"a", 1, "one"}, {"b", 2, "two"}, {"a", 3, "three"}}
		if _, err := postgres.CopyFrom(ctx, c, pgx.Identifier{"public", "docs"}, []string{"tenant", "id", "body"}, pgx.CopyFromRows(docs)); err != nil {
			t.Fatal(err)
		}
		// A partition of the context must be that of every row.
		_, err := postgres.CopyFrom(sealsql.WithPartition(ctx, "a"), c, pgx.Identifier{"docs"}, []string{"tenant", "id", "body"}, pgx.CopyFromRows(docs))
		if !errors.Is(err, sealsql.ErrPartitionMismatch) {
			t.Errorf("rows of another partition: %v", err)
		}
		if _, err := postgres.CopyFrom(ctx, c, pgx.Identifier{"own"}, []string{"id", "v"}, pgx.CopyFromRows([][]any{{1, "x"}})); !errors.Is(err, sealsql.ErrPartitionMissing) {
			t.Errorf("no partition: %v", err)
		}
		if _, err := postgres.CopyFrom(sealsql.WithPartition(ctx, "a"), c, pgx.Identifier{"own"}, []string{"id", "v"}, pgx.CopyFromRows([][]any{{1, "x"}})); err != nil {
			t.Error(err)
		}
	})
	got := dump(t, p.sealed, "SELECT tenant, id, body FROM docs ORDER BY id")
	if want := [][]any{{"a", int64(1), "one"}, {"b", int64(2), "two"}, {"a", int64(3), "three"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestCopyFromRefusesWhatAnInsertWouldBeRefusedFor(t *testing.T) {
	p := postgresFlavour().open(t, bulkConfig)
	bulkTables(t, p)
	ctx := context.Background()
	if _, err := p.stored(t).Exec("CREATE RULE r AS ON INSERT TO other DO ALSO INSERT INTO own VALUES (1, 'x')"); err != nil {
		t.Fatal(err)
	}
	one := func(values ...any) pgx.CopyFromSource { return pgx.CopyFromRows([][]any{values}) }
	failing := errors.New("the source fails")
	cases := []struct {
		name    string
		table   pgx.Identifier
		columns []string
		source  pgx.CopyFromSource
		want    error
	}{
		{"a table that is not there", pgx.Identifier{"nowhere"}, []string{"id"}, one(1), sealsql.ErrRefused},
		{"a search index named by the caller", pgx.Identifier{"people"}, []string{"id", "email_bidx"}, one(1, []byte("x")), sealsql.ErrRefused},
		{"a table whose rule writes to an annotated one", pgx.Identifier{"other"}, []string{"id", "v"}, one(1, "x"), sealsql.ErrRefused},
		{"a value that does not fit its type", pgx.Identifier{"docs"}, []string{"tenant", "id", "body"}, one("a", 1, make(chan int)), new(logical.TypeError)},
		{"too few values", pgx.Identifier{"docs"}, []string{"tenant", "id", "body"}, one("a", 1), nil},
		{"a source that fails", pgx.Identifier{"docs"}, []string{"tenant", "id", "body"}, pgx.CopyFromSlice(2, func(i int) ([]any, error) {
			if i == 1 {
				return nil, failing
			}
			return []any{"a", i, "body"}, nil
		}), failing},
		{"no columns", pgx.Identifier{"docs"}, nil, one(), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			withConn(t, p.sealed, func(conn *sql.Conn) {
				_, err := postgres.CopyFrom(ctx, conn, c.table, c.columns, c.source)
				var te *logical.TypeError
				if err == nil || c.want != nil && !errors.Is(err, c.want) && !errors.As(err, &te) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if err := conn.PingContext(ctx); err != nil {
					t.Errorf("the connection is not usable any more: %v", err)
				}
			})
		})
	}
	for _, table := range []string{"people", "docs", "own", "other"} {
		if n := dump(t, p.stored(t), "SELECT count(*) FROM "+table); n[0][0] != int64(0) {
			t.Errorf("%s holds %v rows", table, n)
		}
	}
}

func TestCopyFromInATransactionIsTakenBackWithIt(t *testing.T) {
	p := postgresFlavour().open(t, bulkConfig)
	bulkTables(t, p)
	ctx := context.Background()
	withConn(t, p.sealed, func(c *sql.Conn) {
		tx, err := c.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"people", "other"} {
			column := map[string]string{"people": "email", "other": "v"}[table]
			if n, err := postgres.CopyFrom(ctx, c, pgx.Identifier{table}, []string{"id", column}, pgx.CopyFromRows([][]any{{1, "x"}})); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	})
	if n := dump(t, p.sealed, "SELECT count(*) FROM people"); n[0][0] != int64(0) {
		t.Errorf("%v rows", n)
	}
}

func TestCopyFromNeedsAConnectionOfOurs(t *testing.T) {
	p := postgresFlavour().open(t, bulkConfig)
	withConn(t, p.plain, func(c *sql.Conn) {
		if _, err := postgres.CopyFrom(context.Background(), c, pgx.Identifier{"x"}, []string{"id"}, pgx.CopyFromRows(nil)); err == nil {
			t.Error("a plain connection was accepted")
		}
	})
}

// Rows that are longer than the first took new memory for their records each.
func TestSealedRowsShareTheirMemory(t *testing.T) {
	p := postgresFlavour().open(t, head+"metastore: memory\ntables:"+profilesConfig)
	p.both(t, profilesTable)
	withConn(t, p.sealed, func(conn *sql.Conn) {
		err := conn.Raw(func(c any) error {
			s, err := sealdriver.NewRowSealer(context.Background(), c, "INSERT INTO profiles (id, address, notes) VALUES ($1, $2, $3)", []string{"id", "address", "notes"})
			if err != nil {
				return err
			}
			rows := [][]any{{1, "short", "short"}, {2, "short", strings.Repeat("long ", 200)}, {3, "short", strings.Repeat("longer ", 200)}}
			kept := rows[2][2].(string)
			for _, row := range rows {
				if _, err := s.Row(row); err != nil {
					return err
				}
			}
			if want := strings.Repeat("longer ", 200); kept != want {
				t.Errorf("sealing changed the text that was sealed: %q", kept)
			}
			i := 0
			if n := bytesPerRun(300, func() {
				i++
				if _, err := s.Row(rows[i%3]); err != nil {
					t.Error(err)
				}
			}); n > 256 {
				t.Errorf("sealing a row takes %d bytes of new memory", n)
			}
			return s.Done(nil)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// bytesPerRun is how much memory a run of f allocates.
func bytesPerRun(runs uint64, f func()) uint64 {
	var before, after runtime.MemStats
	f()
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / runs
}

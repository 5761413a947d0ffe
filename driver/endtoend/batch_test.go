package endtoend_test

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/driver/postgres"
)

func TestBatchesAreSealedAndTheirResultsOpened(t *testing.T) {
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			p := postgresFlavour("default_query_exec_mode="+mode).open(t, bulkConfig)
			bulkTables(t, p)
			ctx := context.Background()
			day := time.Date(2001, 2, 3, 0, 0, 0, 0, time.UTC)
			withConn(t, p.sealed, func(c *sql.Conn) {
				b := &postgres.Batch{}
				b.Queue("INSERT INTO people (id, email, born, n, note, clear) VALUES ($1, $2, $3, $4, $5, $6)", 1, "a@b.c", day, 7, "x", "y")
				b.Queue("INSERT INTO people (id, email) VALUES (@id, @email)", pgx.NamedArgs{"id": 2, "email": "other"})
				b.Queue("INSERT INTO people (id, email) VALUES (3, 'literal')")
				b.Queue("SELECT * FROM people WHERE email = $1", "a@b.c")
				b.Queue("SELECT id, '{1,2}'::int[], 1.5::numeric, true, email FROM people ORDER BY id")
				b.Queue("INSERT INTO docs VALUES ('t', 1, $1)", "body")
				b.Queue("SELECT body FROM docs")
				b.Queue("UPDATE people SET note = $1 WHERE email = $2", "changed", "other")
				err := postgres.SendBatch(ctx, c, b, func(r *postgres.BatchResults) error {
					for range 3 {
						if n, err := r.Exec(); n != 1 || err != nil {
							t.Fatal(n, err)
						}
					}
					wantRows(t, r, []any{int64(1), "a@b.c", day, int64(7), "x", "y"})
					wantRows(t, r, []any{int64(1), "{1,2}", "1.5", true, "a@b.c"}, []any{int64(2), "{1,2}", "1.5", true, "other"}, []any{int64(3), "{1,2}", "1.5", true, "literal"})
					if n, err := r.Exec(); n != 1 || err != nil {
						t.Fatal(n, err)
					}
					wantRows(t, r, []any{"body"})
					return nil // the rest is executed
				})
				if err != nil {
					t.Fatal(err)
				}
			})
			if got := dump(t, p.sealed, "SELECT note FROM people WHERE id = 2"); !reflect.DeepEqual(got, [][]any{{"changed"}}) {
				t.Errorf("the rest of the batch: %v", got)
			}
			if n := dump(t, p.stored(t), "SELECT count(*) FROM people WHERE email_bidx IS NOT NULL AND substring(email from 1 for 1) = '\\xf9'"); n[0][0] != int64(3) {
				t.Errorf("%v rows are sealed", n)
			}
		})
	}
}

func wantRows(t *testing.T, r *postgres.BatchResults, want ...[]any) {
	t.Helper()
	rows, err := r.Query()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, _ := rows.Columns()
	var got [][]any
	for rows.Next() {
		row, dest := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		got = append(got, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

func TestBatchWithARefusedStatementIsNotSent(t *testing.T) {
	p := postgresFlavour().open(t, bulkConfig)
	bulkTables(t, p)
	for name, second := range map[string]struct {
		query string
		args  []any
	}{
		"an expression over an encrypted column": {"SELECT upper(note) FROM people", nil},
		"DDL":                                    {"CREATE TABLE x (id int)", nil},
		"a setting":                              {"SET search_path = x", nil},
		"an option":                              {"SELECT $1::int", []any{pgx.QueryExecModeExec, 1}},
		"a cursor":                               {"DECLARE c CURSOR FOR SELECT note FROM people", nil},
		"several statements":                     {"SELECT note FROM people; SELECT note FROM people", nil},
	} {
		t.Run(name, func(t *testing.T) {
			withConn(t, p.sealed, func(c *sql.Conn) {
				b := &postgres.Batch{}
				b.Queue("INSERT INTO people (id, email) VALUES (1, $1)", "x")
				b.Queue(second.query, second.args...)
				if err := postgres.SendBatch(context.Background(), c, b, nil); !errors.Is(err, sealsql.ErrRefused) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
	if n := dump(t, p.stored(t), "SELECT count(*) FROM people"); n[0][0] != int64(0) {
		t.Errorf("%v rows", n)
	}
}

func TestErrorsInABatchAreTheServers(t *testing.T) {
	p := postgresFlavour().open(t, bulkConfig)
	bulkTables(t, p)
	withConn(t, p.sealed, func(c *sql.Conn) {
		b := &postgres.Batch{}
		b.Queue("INSERT INTO people (id, email) VALUES (1, $1)", "x")
		b.Queue("INSERT INTO people (id, email) VALUES (1, $1)", "x")
		err := postgres.SendBatch(context.Background(), c, b, nil)
		if pe, ok := err.(*pgconn.PgError); !ok || pe.Code != "23505" {
			t.Errorf("got %T %v", err, err)
		}
		// Rows that are left open do not keep the connection.
		b = &postgres.Batch{}
		b.Queue("SELECT generate_series(1, 10000)")
		b.Queue("SELECT 1")
		err = postgres.SendBatch(context.Background(), c, b, func(r *postgres.BatchResults) error {
			rows, err := r.Query()
			if err == nil {
				rows.Next()
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if err := c.PingContext(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if n := dump(t, p.stored(t), "SELECT count(*) FROM people"); n[0][0] != int64(0) {
		t.Errorf("a batch that failed left %v rows", n)
	}
}

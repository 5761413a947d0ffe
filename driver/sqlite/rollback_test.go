package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
)

// SQLite rolls a transaction back by itself: where a conflict or a trigger says so, and
// where a statement that writes is interrupted. What was changed in it is gone: here a
// table that took the place of a view over an encrypted column.
func TestATransactionThatSQLiteRollsBackIsNoticed(t *testing.T) {
	endless := "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000000000) INSERT INTO kept SELECT i + 10, 'x' FROM c"
	for name, fail := range map[string]func(context.Context, *sql.Conn) error{
		"OR ROLLBACK": func(ctx context.Context, c *sql.Conn) error {
			_, err := c.ExecContext(ctx, "INSERT OR ROLLBACK INTO kept VALUES (1, 'again')")
			return err
		},
		"ON CONFLICT ROLLBACK, prepared": func(ctx context.Context, c *sql.Conn) error {
			s, err := c.PrepareContext(ctx, "INSERT INTO strict_kept VALUES (1)")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			_, err = s.ExecContext(ctx)
			return err
		},
		"RAISE": func(ctx context.Context, c *sql.Conn) error {
			_, err := c.ExecContext(ctx, "DELETE FROM kept")
			return err
		},
		"interrupt": func(ctx context.Context, c *sql.Conn) error {
			ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			_, err := c.ExecContext(ctx, endless)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, ddl+"CREATE TABLE kept (id INTEGER PRIMARY KEY, n); INSERT INTO kept VALUES (1, 'x');"+
				"CREATE TABLE strict_kept (id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK); INSERT INTO strict_kept VALUES (1);"+
				"CREATE TRIGGER kd BEFORE DELETE ON kept BEGIN SELECT RAISE(ROLLBACK, 'kept'); END;"+
				"CREATE VIEW people AS SELECT id, ssn AS n FROM users;"+
				"CREATE TRIGGER vi INSTEAD OF INSERT ON people BEGIN INSERT INTO users (id, ssn) VALUES (NEW.id, NEW.n); END;", yaml+"guards: off\n")
			ctx := context.Background()
			conn, err := f.db.Conn(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, q := range []string{"BEGIN", "DROP VIEW people", "CREATE TABLE people (id, n)", "INSERT INTO people VALUES (1, 'x')"} {
				if _, err := conn.ExecContext(ctx, q); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
			if err := fail(ctx, conn); err == nil {
				t.Fatal("no error")
			}
			_, err = conn.ExecContext(ctx, "INSERT INTO people VALUES (2, '"+canary+"')")
			if err != nil && !errors.Is(err, sealsql.ErrRefused) {
				t.Error(err)
			}
			_, _ = conn.ExecContext(ctx, "ROLLBACK")
			f.noCanary()
		})
	}
}

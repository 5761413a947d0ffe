package drivertest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// TestKeysAreLookedUpInTheTransactionOfTheStatement shows that a statement of two
// steps is undone and seen like one of one step.
func TestKeysAreLookedUpInTheTransactionOfTheStatement(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			w := e.likeTwins(t).w
			ctx := t.Context()
			count := func(q queryer) (n int) {
				t.Helper()
				rows, err := q.QueryContext(ctx, "SELECT count(*) FROM people WHERE name LIKE 'Ada%'")
				w.must(err)
				defer rows.Close()
				for rows.Next() {
					w.must(rows.Scan(&n))
				}
				w.must(rows.Err())
				return n
			}
			before := count(w.db)
			tx, err := w.db.BeginTx(ctx, nil)
			w.must(err)
			res, err := tx.ExecContext(ctx, "DELETE FROM people WHERE name LIKE 'Ada%'")
			w.must(err)
			if n, _ := res.RowsAffected(); int(n) != before || before == 0 {
				t.Errorf("%d rows deleted of %d", n, before)
			}
			if n := count(tx); n != 0 {
				t.Errorf("the transaction still sees %d", n)
			}
			w.must(tx.Rollback())
			if n := count(w.db); n != before {
				t.Errorf("%d rows after the rollback, want %d", n, before)
			}

			// A statement that fails behind its lookup leaves nothing open.
			_, err = w.db.ExecContext(ctx, "UPDATE people SET id = 1 WHERE name LIKE 'Ada%'")
			if err == nil {
				t.Fatal("two rows got one key")
			}
			tx, err = w.db.BeginTx(ctx, nil)
			w.must(err)
			w.must(tx.Rollback())
			if n := count(w.db); n != before {
				t.Errorf("%d rows after the failure, want %d", n, before)
			}
		})
	}
}

// TestKeysAreNotLookedUpBesideTextTransactions: the driver cannot tell whether
// the lookup and the statement would be one transaction.
func TestKeysAreNotLookedUpBesideTextTransactions(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			w := e.likeTwins(t).w
			ctx := t.Context()
			conn, err := w.db.Conn(ctx)
			w.must(err)
			defer conn.Close()
			search := func() error {
				_, err := conn.ExecContext(ctx, "UPDATE people SET kind = 'q' WHERE name LIKE 'Ada%'")
				return err
			}
			w.must(search())
			for _, text := range []string{"BEGIN", "COMMIT", "BEGIN", "ROLLBACK"} {
				_, err = conn.ExecContext(ctx, text)
				w.must(err)
				err := search()
				var u *rewrite.UnsupportedError
				if began := text == "BEGIN"; began != errors.As(err, &u) {
					t.Errorf("after %s: %v", text, err)
				}
			}
			tx, err := conn.BeginTx(ctx, nil)
			w.must(err)
			_, err = tx.ExecContext(ctx, "SAVEPOINT s")
			w.must(err)
			w.must(search())
			_, err = tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT s")
			w.must(err)
			w.must(search())
			w.must(tx.Commit())
			if e.dialect == rewrite.MySQL {
				_, err = conn.ExecContext(ctx, "SET autocommit = 0")
				w.must(err)
				if err := search(); err == nil {
					t.Error("without autocommit the connection is in a transaction of its own")
				}
			}
		})
	}
}

// TestOtherWritersDoNotComeBetween changes the rows that a pattern finds while
// somebody else has made one of them another, and not committed yet: the
// statement waits, and leaves that row alone.
func TestOtherWritersDoNotComeBetween(t *testing.T) {
	t.Parallel()
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) {
			w := e.likeTwins(t).w
			w.db.SetMaxOpenConns(2)
			w.exec("UPDATE people SET name = 'free', kind = 'none'")
			other, err := w.db.Begin()
			w.must(err)
			_, err = other.Exec("UPDATE people SET name = 'taken' WHERE id = 3")
			w.must(err)
			done := make(chan error, 1)
			go func() {
				_, err := w.db.Exec("UPDATE people SET kind = 'marked' WHERE name LIKE 'fre%'")
				done <- err
			}()
			select {
			case err := <-done:
				t.Fatalf("the statement did not wait: %v", err)
			case <-time.After(500 * time.Millisecond):
			}
			w.must(other.Commit())
			w.must(<-done)
			w.holds("SELECT id FROM people WHERE kind = 'none'", [][]any{{int64(3)}})
			w.holds("SELECT count(*) FROM people WHERE kind = 'marked' AND name LIKE 'fre%'", [][]any{{int64(9)}})
		})
	}
}

// TestMoreKeysThanTheLimitAreAnError: what would be cut is not answered.
func TestMoreKeysThanTheLimitAreAnError(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			w := e.likeTwinsOf(t, strings.ReplaceAll(likeConfig, "tables:", "limits: {lookup_keys: 2}\ntables:")).w
			w.holds("SELECT count(*) FROM people WHERE mail LIKE '%.org' OR mail LIKE 'zo%'", [][]any{{int64(2)}})
			for _, text := range []string{
				"SELECT count(*) FROM people WHERE mail LIKE '%com'", "DELETE FROM people WHERE mail LIKE '%com'",
				"SELECT count(*) FROM people WHERE mail LIKE '%.org' OR mail LIKE 'ad%'",
			} {
				w.fails(t.Context(), sealsql.ErrTooManyRows, text)
			}
			w.holds("SELECT count(*) FROM people", [][]any{{int64(10)}})
		})
	}
}

package drivertest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// TestKeysAreLookedUpInTheTransactionOfTheStatement shows that a statement of two
// steps is undone and seen like one of one step.
func TestKeysAreLookedUpInTheTransactionOfTheStatement(t *testing.T) {
	t.Parallel()
	for _, e := range all {
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
	for _, e := range all {
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

// TestConcurrentWritersDoNotComeBetween changes rows that a pattern finds while
// others make them match and no longer match: what was changed matched.
func TestConcurrentWritersDoNotComeBetween(t *testing.T) {
	t.Parallel()
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) {
			w := e.likeTwins(t).w
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			w.exec("DELETE FROM people")
			for i := range 20 {
				w.exec("INSERT INTO people (id, name, kind) VALUES (?, 'free', 'none')", i+1)
			}
			w.db.SetMaxOpenConns(4)
			retry := func(text string, args ...any) {
				for ctx.Err() == nil {
					_, err := w.db.ExecContext(ctx, w.bind(text), args...)
					if err == nil {
						return
					}
					if s := err.Error(); !strings.Contains(s, "locked") && !strings.Contains(s, "eadlock") && !strings.Contains(s, "busy") && !strings.Contains(s, "Record has changed") {
						t.Error(err)
						return
					}
				}
			}
			// One side takes free rows and marks them in the same statement; the other
			// one frees and takes them by their id. A row that was marked while it was
			// not free has kind = marked and name = taken by the other side.
			var wg sync.WaitGroup
			wg.Go(func() {
				for range 15 {
					retry("UPDATE people SET kind = 'marked', name = 'mine' WHERE name LIKE 'fre%'")
				}
			})
			wg.Go(func() {
				for i := range 60 {
					retry("UPDATE people SET name = 'taken', kind = 'other' WHERE id = ? AND kind = 'none'", i%20+1)
					retry("UPDATE people SET name = 'free', kind = 'none' WHERE id = ? AND kind = 'other'", (i+7)%20+1)
				}
			})
			wg.Wait()
			retry("UPDATE people SET kind = 'marked', name = 'mine' WHERE name LIKE 'fre%'")
			rows, err := w.db.Query("SELECT id, kind, name FROM people ORDER BY id")
			w.must(err)
			defer rows.Close()
			for rows.Next() {
				var id int
				var kind, name string
				w.must(rows.Scan(&id, &kind, &name))
				if got := kind + " " + name; got != "marked mine" && got != "other taken" {
					t.Errorf("row %d is %s: it was changed though it did not match", id, got)
				}
			}
			w.must(rows.Err())
		})
	}
}

// TestMoreKeysThanTheLimitAreAnError: what would be cut is not answered.
func TestMoreKeysThanTheLimitAreAnError(t *testing.T) {
	t.Parallel()
	for _, e := range all {
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

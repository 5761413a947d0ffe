package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sealsql/sealsql"
)

func TestManyConnectionsWhileTablesAreMadeAndDropped(t *testing.T) {
	f := open(t, ddl, yaml)
	f.exec("PRAGMA journal_mode = WAL")
	ctx := context.Background()
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := range 15 {
				id, tenant := w*1000+i, fmt.Sprintf("tenant %d", i%4)
				if _, err := f.db.ExecContext(ctx, "INSERT INTO docs (id, tenant, body) VALUES (?, ?, ?)", id, tenant, canary); err != nil {
					t.Errorf("insert: %v", err)
					return
				}
				var got string
				if err := f.db.QueryRowContext(ctx, "SELECT body FROM docs WHERE id = ?", id).Scan(&got); err != nil || got != canary {
					t.Errorf("select: %q %v", got, err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 15 {
			for _, q := range []string{"CREATE TABLE t%d (id)", "INSERT INTO t%d VALUES (1)", "DROP TABLE t%d"} {
				if _, err := f.db.ExecContext(ctx, fmt.Sprintf(q, i)); err != nil {
					t.Errorf("%s: %v", q, err)
					return
				}
			}
		}
	})
	wg.Wait()
	f.noCanary()
}

func TestCancelledContextSendsNothing(t *testing.T) {
	f := open(t, ddl, yaml)
	f.exec("INSERT INTO users (id, ssn) VALUES (1, ?)", canary)
	ctx, cancel := context.WithCancel(context.Background())
	conn, err := f.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if _, err := conn.ExecContext(ctx, "INSERT INTO users (id, ssn) VALUES (2, ?)", canary); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := all(t, f.plain, context.Background(), "SELECT count(*) FROM users"); got[0][0] != int64(1) {
		t.Errorf("rows: %v", got)
	}
}

func TestMissingKeyNamesTheKey(t *testing.T) {
	f := open(t, ddl, yaml)
	f.exec("INSERT INTO users (id, ssn) VALUES (1, ?)", canary)
	g := open(t, ddl, yaml) // another database with keys of its own
	rec := all(t, f.plain, context.Background(), "SELECT ssn FROM users")[0][0]
	if _, err := g.plain.Exec("INSERT INTO users (id, ssn) VALUES (1, ?)", rec); err != nil {
		t.Fatal(err)
	}
	_, err := tryAll(g.db, context.Background(), "SELECT ssn FROM users")
	if !errors.Is(err, sealsql.ErrKeyNotFound) && !errors.Is(err, sealsql.ErrTampered) {
		t.Errorf("got %v", err)
	}
	t.Log(err)
}

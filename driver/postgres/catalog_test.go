package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/internal/testenv"
)

// Migrations of others drop tables while this process reads the catalog.
func TestCatalogIsReadWhileTablesAreDropped(t *testing.T) {
	dsn := testenv.Postgres(t)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	// Many at once, so that a reader is in the midst of them.
	text := "CREATE SCHEMA x;"
	for i := range 40 {
		text += fmt.Sprintf("CREATE TABLE x.t%d (id int PRIMARY KEY, a int UNIQUE CHECK (a > 0), b text); CREATE UNIQUE INDEX ON x.t%[1]d (lower(b)); CREATE VIEW x.v%[1]d AS SELECT a FROM x.t%[1]d;", i)
	}
	wg.Go(func() {
		for ctx.Err() == nil {
			for _, s := range []string{text, "DROP SCHEMA x CASCADE"} {
				_, err := db.Exec(s)
				for pe := (*pgconn.PgError)(nil); errors.As(err, &pe) && pe.Code == "40P01"; { // the reader locks views, too
					_, err = db.Exec(s)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 30 {
		if _, err := postgres.Inspect(ctx, dsn); err != nil {
			t.Error(err)
			break
		}
	}
	stop()
	wg.Wait()
}

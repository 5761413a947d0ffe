package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

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
	for _, schema := range []string{"x", "y"} {
		// Many at once, so that a reader is in the midst of them.
		text := "CREATE SCHEMA " + schema + ";"
		for i := range 40 {
			text += fmt.Sprintf("CREATE TABLE %s.t%d (id int PRIMARY KEY, a int UNIQUE CHECK (a > 0), b text); CREATE UNIQUE INDEX ON %[1]s.t%[2]d (lower(b)); CREATE VIEW %[1]s.v%[2]d AS SELECT a FROM %[1]s.t%[2]d;", schema, i)
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				for _, s := range []string{text, "DROP SCHEMA " + schema + " CASCADE"} {
					if _, err := db.Exec(s); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for range 30 {
		if _, err := postgres.Inspect(ctx, dsn); err != nil {
			t.Error(err)
			break
		}
	}
	stop()
	wg.Wait()
}

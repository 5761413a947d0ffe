package postgres

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealsql/sealsql/internal/testenv"
)

func TestACachedPlanIsStaleInEveryLanguage(t *testing.T) {
	ctx := context.Background()
	db, err := sql.Open("pgx", testenv.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	do := func(text string) error {
		rows, err := conn.QueryContext(ctx, text)
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		return errors.Join(rows.Err(), rows.Close())
	}
	for _, s := range []string{"CREATE TABLE wide (id int)", "SELECT * FROM wide", "ALTER TABLE wide ADD name text"} {
		if err := do(s); err != nil {
			t.Fatal(err)
		}
	}
	var pe *pgconn.PgError
	if err := do("SELECT * FROM wide"); !errors.As(err, &pe) {
		t.Fatalf("got %v", err)
	}
	pe.Message = "zwischengespeicherter Plan darf den Ergebnistyp nicht ändern"
	if !newEngine().Stale(pe) {
		t.Errorf("%s of %s is not stale", pe.Code, pe.Routine)
	}
	if newEngine().Stale(&pgconn.PgError{Code: featureNotThere, Routine: "transformUpdateStmt"}) {
		t.Error("what the server does not support is stale")
	}
}

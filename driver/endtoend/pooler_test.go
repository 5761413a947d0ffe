package endtoend_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/testenv"
)

// Keys are read while a transaction of the application waits, so they have
// connections of their own: behind the same small pool both would wait.
const poolerConfig = head + `metastore: {sql: {dsn_env: SEALSQL_POOLER_KEYS}}
tables:
  people:
    columns:
      email: {type: text, search: {equality: {column: email_bidx}}}
      n: {type: int}
  docs:
    partition: {column: tenant, type: text}
    columns: {body: encrypted}
`

var poolerTables = []string{
	"CREATE TABLE people (id int PRIMARY KEY, email text, n int)",
	`CREATE TABLE docs (tenant text COLLATE "C" NOT NULL, id int, body text, PRIMARY KEY (tenant, id))`,
}

// A pooler in transaction mode hands each transaction whatever server connection
// is free. What of pgx works behind it works through the wrapper.
func TestBehindPgBouncerWhatWorksPlainlyWorks(t *testing.T) {
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			keys := testenv.Postgres(t)
			t.Setenv("SEALSQL_POOLER_KEYS", keys)
			initialiseKeysOf(t, postgresFlavour(), keys)
			p := postgresFlavour().open(t, poolerConfig)
			for _, create := range poolerTables {
				p.both(t, create)
			}
			plainServer := dump(t, p.plain, "SELECT current_database()")[0][0].(string)
			behind := testenv.PgBouncer(t, p.sealedDSN)
			sealedDSN := withParameters(behind, "default_query_exec_mode="+mode)
			plainDSN := strings.Replace(sealedDSN, databaseOf(t, p), plainServer, 1)
			plain := openDB(t, p.flavour.plain, plainDSN)
			sealed := openDB(t, p.flavour.sealed, withParameters(sealedDSN, "sealsql_config="+p.config))
			err := poolerWork(plain)
			if err != nil {
				t.Logf("pgx itself fails in this mode: %v", err)
				return
			}
			err = poolerWork(sealed)
			if twoSteps := mode == "describe_exec"; twoSteps && notPrepared(err) {
				t.Logf("works plainly by chance: %v", err)
				return
			}
			if err != nil {
				t.Fatalf("works plainly, but not through the wrapper: %v", err)
			}
			p.plain, p.sealed = plain, sealed
			compareDump(t, p, "SELECT id, email, n FROM people ORDER BY id")
			compareDump(t, p, "SELECT tenant, id, body FROM docs ORDER BY tenant, id")
		})
	}
}

// notPrepared is what happens to a statement that pgx describes and then runs
// (describe_exec), when the pooler gives it another server connection between the two: none
// was described there (26000), or another client's, with other parameters (08P01).
func notPrepared(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "26000" || pg.Code == "08P01")
}

func databaseOf(t *testing.T, p *pair) string {
	return dump(t, p.stored(t), "SELECT current_database()")[0][0].(string)
}

// poolerWork has more clients than the pooler has server connections.
func poolerWork(db *sql.DB) error {
	const clients, rounds = 6, 12
	db.SetMaxOpenConns(clients)
	errs := make(chan error, clients)
	var wait sync.WaitGroup
	for c := range clients {
		wait.Go(func() { errs <- poolerClient(db, c*rounds, rounds) })
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func poolerClient(db *sql.DB, first, rounds int) error {
	ctx := context.Background()
	for i := first; i < first+rounds; i++ {
		email := fmt.Sprintf("p%d@example.com", i)
		if _, err := db.ExecContext(ctx, "INSERT INTO people (id, email, n) VALUES ($1, $2, $3)", i, email, i); err != nil {
			return err
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for _, tenant := range []string{"a", "b"} {
			if _, err := tx.ExecContext(ctx, "INSERT INTO docs (tenant, id, body) VALUES ($1, $2, $3)", tenant, i, email); err != nil {
				_ = tx.Rollback()
				return err
			}
		}
		var got string
		if err := tx.QueryRowContext(ctx, "SELECT body FROM docs WHERE tenant = $1 AND id = $2", "b", i).Scan(&got); err != nil || got != email {
			_ = tx.Rollback()
			return fmt.Errorf("read %q: %w", got, err)
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		var id, n int
		if err := db.QueryRowContext(ctx, "SELECT id, n FROM people WHERE email = $1", email).Scan(&id, &n); err != nil || id != i || n != i {
			return fmt.Errorf("found %d %d: %w", id, n, err)
		}
	}
	return nil
}

// initialiseKeysOf makes the key table, as `sealsql metastore init` does.
func initialiseKeysOf(t *testing.T, f flavour, dsn string) {
	t.Helper()
	dialect := map[string]builtin.Dialect{"pgx": builtin.Postgres, "mysql": builtin.MySQL, "sqlite": builtin.SQLite}[f.plain]
	store, err := builtin.OpenSQL(openDB(t, f.plain, dsn), dialect, builtin.SQLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
}

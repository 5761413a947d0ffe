package endtoend_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealsql/sealsql"
)

// TestARelationThatIsNotThereIsTheServersError: programs look for that error, such as those
// that make their tables when it comes. Ours said that the statement was refused.
func TestARelationThatIsNotThereIsTheServersError(t *testing.T) {
	texts := []string{
		"SELECT * FROM nothere", "INSERT INTO nothere (id) VALUES (1)", "UPDATE nothere SET id = 1", "DELETE FROM nothere WHERE id = 1",
		"WITH x AS (SELECT 1 AS id) SELECT * FROM x JOIN  nothere n ON n.id = x.id", "SELECT 'ä', (SELECT max(id) FROM nothere)",
	}
	for _, f := range several() {
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, oneByOneYAML)
			mark := " AND id = " + f.mark(1)
			for _, c := range []struct {
				text string
				args []any
			}{{texts[0], nil}, {texts[1], nil}, {texts[2], nil}, {texts[3], nil}, {texts[4], nil}, {texts[5], nil}, {texts[3] + mark, []any{1}}} {
				_, plain := p.plain.Exec(c.text, c.args...)
				_, sealed := p.sealed.Exec(c.text, c.args...)
				sameAbsence(t, c.text, plain, sealed)
				_, plain = p.plain.Query(c.text, c.args...)
				_, sealed = p.sealed.Query(c.text, c.args...)
				sameAbsence(t, c.text, plain, sealed)
			}
			if f.name == "postgres" {
				tx, err := p.sealed.BeginTx(context.Background(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Rollback()
				_, sealed := tx.Exec(texts[0])
				var pe *pgconn.PgError
				if !errors.As(sealed, &pe) || pe.Code != "42P01" {
					t.Errorf("in a transaction: %v", sealed)
				}
				if _, err := tx.Exec("SELECT 1"); !errors.As(err, &pe) || pe.Code != "25P02" {
					t.Errorf("behind it: %v", err)
				}
			}
		})
	}
}

// sameAbsence compares what is the same in all databases of a server.
func sameAbsence(t *testing.T, text string, plain, sealed error) {
	t.Helper()
	if plain == nil || !errors.Is(sealed, sealsql.ErrRefused) {
		t.Errorf("%s: plainly %v, got %v, want a refusal, too", text, plain, sealed)
		return
	}
	var pgWant, pgGot *pgconn.PgError
	var myWant, myGot *mysql.MySQLError
	switch {
	case errors.As(plain, &pgWant):
		if !errors.As(sealed, &pgGot) || pgGot.Code != pgWant.Code || pgGot.Message != pgWant.Message || pgGot.Position != pgWant.Position || pgGot.Routine != pgWant.Routine {
			t.Errorf("%s: got %#v, want %#v", text, pgGot, pgWant)
		}
	case errors.As(plain, &myWant):
		if !errors.As(sealed, &myGot) || myGot.Number != myWant.Number || myGot.SQLState != myWant.SQLState {
			t.Errorf("%s: got %v, want %v", text, sealed, plain)
		}
	case sealed.Error() != plain.Error():
		t.Errorf("%s: got %v, want %v", text, sealed, plain)
	}
}

// TestNothingButANameIsAskedFor: a relation that is there and that the catalog does not
// show stays refused, and so do statements without such a name.
func TestNothingButANameIsAskedFor(t *testing.T) {
	p := postgresFlavour().open(t, oneByOneYAML)
	for _, text := range []string{
		"CREATE VIEW v AS SELECT * FROM nothere",
		"COPY nothere FROM STDIN",
		"SELECT 1; SELECT lower(FROM nothere",
	} {
		if _, err := p.sealed.Exec(text); !errors.Is(err, sealsql.ErrRefused) {
			t.Errorf("%s: got %v, want a refusal", text, err)
		}
	}
}

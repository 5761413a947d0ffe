// Jet runs the documentation tour of github.com/go-jet/jet on the encrypting
// driver: one package of generated tables and models for each engine. jet
// generated them from the encrypted databases, which show it logical types.
//
//	go run ./jet
package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/go-jet/jet/v2/qrm"

	mytable "github.com/sealsql/sealsql/examples/orm/jet/myshop/table"
	"github.com/sealsql/sealsql/examples/orm/tour"
)

//go:generate go test -run TestGeneratedCode . -update

func main() { tour.Main("jet", app) }

func app(db *sql.DB, e tour.Engine) ([]tour.Step, error) {
	switch e {
	case tour.Postgres:
		return postgres(db), nil
	case tour.MySQL:
		mytable.UseSchema("") // the database of the connection
		return mysql(db), nil
	}
	return sqlite(db), nil
}

var seen = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

func born() *time.Time { return ptr(time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC)) }

// querier and executor are what statements of all dialects have in common.
type (
	querier interface {
		QueryContext(context.Context, qrm.Queryable, any) error
	}
	executor interface {
		ExecContext(context.Context, qrm.Executable) (sql.Result, error)
	}
)

// rows is a step whose answer is what a statement yields.
func rows[T any](name string, db *sql.DB, q querier) tour.Step {
	return tour.Step{Name: name, Do: func(ctx context.Context) (any, error) {
		var out []T
		err := q.QueryContext(ctx, db, &out)
		return out, err
	}}
}

// affected is a step whose answer is how many rows a statement changes.
func affected(name string, db *sql.DB, q executor) tour.Step {
	return tour.Step{Name: name, Do: func(ctx context.Context) (any, error) {
		r, err := q.ExecContext(ctx, db)
		if err != nil {
			return nil, err
		}
		return r.RowsAffected()
	}}
}

// refused is a step that must be refused.
func refused(why string, s tour.Step) tour.Step {
	s.Refused = why
	return s
}

// inTx executes one statement in a transaction, rolls it back and then queries.
func inTx(name string, db *sql.DB, in executor, then querier) tour.Step {
	return tour.Step{Name: name, Do: func(ctx context.Context) (any, error) {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return nil, err
		}
		_, err = in.ExecContext(ctx, tx)
		if err := errors.Join(err, tx.Rollback()); err != nil {
			return nil, err
		}
		var out []struct{ N int }
		err = then.QueryContext(ctx, db, &out)
		return out, err
	}}
}

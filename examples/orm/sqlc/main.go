// Sqlc runs code that sqlc generated from queries on the encrypting driver: one
// package for each engine. sqlc reads the schema as the application declares
// it, and the generated code takes whatever *sql.DB it is given.
//
//	go run ./sqlc
package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/sealsql/sealsql/examples/orm/tour"
)

func main() { tour.Main("sqlc", app) }

func app(db *sql.DB, e tour.Engine) ([]tour.Step, error) {
	switch e {
	case tour.Postgres:
		return postgres(db), nil
	case tour.MySQL:
		return mysql(db), nil
	}
	return sqlite(db), nil
}

var (
	born = time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC)
	seen = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

func when(t time.Time) sql.NullTime { return sql.NullTime{Time: t, Valid: true} }

// step is a step that must work.
func step[T any](name string, do func(context.Context) (T, error)) tour.Step {
	return tour.Step{Name: name, Do: func(ctx context.Context) (any, error) { return do(ctx) }}
}

// refused is one that must be refused.
func refused[T any](name, why string, do func(context.Context) (T, error)) tour.Step {
	s := step(name, do)
	s.Refused = why
	return s
}

// inTx does something in a transaction that is rolled back, then something else.
func inTx[T any](ctx context.Context, db *sql.DB, in func(*sql.Tx) error, after func() (T, error)) (T, error) {
	var none T
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return none, err
	}
	if err := errors.Join(in(tx), tx.Rollback()); err != nil {
		return none, err
	}
	return after()
}

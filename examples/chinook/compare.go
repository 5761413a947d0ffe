package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// answer is what a program sees: names of the columns, and values as the driver
// hands them out.
type answer struct {
	columns []string
	rows    [][]any
	took    time.Duration
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func ask(ctx context.Context, db querier, text string, args []any) (answer, error) {
	start := time.Now()
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return answer{}, err
	}
	return read(rows, start)
}

func read(rows *sql.Rows, start time.Time) (answer, error) {
	defer rows.Close()
	var a answer
	var err error
	if a.columns, err = rows.Columns(); err != nil {
		return answer{}, err
	}
	for rows.Next() {
		row := make([]any, len(a.columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return answer{}, err
		}
		a.rows = append(a.rows, row)
	}
	a.took = time.Since(start)
	return a, rows.Err()
}

// repeats is how often a prepared query is asked.
const repeats = 5

// askPrepared prepares once and asks several times.
func askPrepared(ctx context.Context, db *sql.DB, text string, args []any) ([repeats]answer, error) {
	var answers [repeats]answer
	stmt, err := db.PrepareContext(ctx, text)
	if err != nil {
		return answers, err
	}
	defer stmt.Close()
	for i := range answers {
		start := time.Now()
		rows, err := stmt.QueryContext(ctx, args...)
		if err != nil {
			return answers, err
		}
		if answers[i], err = read(rows, start); err != nil {
			return answers, err
		}
	}
	return answers, nil
}

// difference says where two answers differ, without the values: the columns
// are encrypted for a reason.
func difference(want, got answer) error {
	if !reflect.DeepEqual(want.columns, got.columns) {
		return fmt.Errorf("columns are %v, want %v", got.columns, want.columns)
	}
	if len(want.rows) != len(got.rows) {
		return fmt.Errorf("%d rows, want %d", len(got.rows), len(want.rows))
	}
	for i, row := range want.rows {
		for j, v := range row {
			if !reflect.DeepEqual(v, got.rows[i][j]) {
				return fmt.Errorf("row %d, column %s: %T differs from %T", i+1, want.columns[j], got.rows[i][j], v)
			}
		}
	}
	return nil
}

// compareQuery asks both databases the same, directly and prepared, and returns
// the quickest of the prepared answers: their times are those of a program that
// has been running for a while.
func compareQuery(ctx context.Context, plain, sealed *database, text string, args []any) (want, got answer, err error) {
	if want, err = ask(ctx, plain.db, text, args); err != nil {
		return want, got, fmt.Errorf("plain: %w", err)
	}
	if got, err = ask(ctx, sealed.db, text, args); err != nil {
		return want, got, err
	}
	if err = difference(want, got); err != nil {
		return want, got, err
	}
	wantPrepared, err := askPrepared(ctx, plain.db, text, args)
	if err != nil {
		return want, got, fmt.Errorf("plain, prepared: %w", err)
	}
	gotPrepared, err := askPrepared(ctx, sealed.db, text, args)
	if err != nil {
		return want, got, fmt.Errorf("prepared: %w", err)
	}
	for i := range gotPrepared {
		if err := difference(wantPrepared[i], gotPrepared[i]); err != nil {
			return want, got, fmt.Errorf("prepared: %w", err)
		}
	}
	return quickest(wantPrepared), quickest(gotPrepared), nil
}

func quickest(answers [repeats]answer) answer {
	return slices.MinFunc(answers[:], func(a, b answer) int { return cmp.Compare(a.took, b.took) })
}

package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Execer is a *sql.DB, *sql.Conn or *sql.Tx.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Bounds of one statement of InsertRows: arguments, which MySQL counts in 16
// bits, rows, and bytes of values, well below what servers take in one packet
// even where every value grows by a record's overhead.
const (
	maxArguments = 65_535
	maxRows      = 1000
	maxBytes     = 1 << 20
)

// InsertRows inserts rows with as few INSERT statements as fit: each holds at
// most 1000 rows, 65,535 values and about 1 MiB of text and bytes. Statements of
// the same number of rows have the same text, so that they are planned once. It
// returns the number of rows inserted.
//
// table is its name, or its database's and its own. Every row has a value for
// each column. An error of rows, or of a statement, ends it: what was inserted
// before stays, unless db is a transaction that the caller rolls back.
func InsertRows(ctx context.Context, db Execer, table []string, columns []string, rows iter.Seq2[[]any, error]) (int64, error) {
	b, err := newBatch(table, columns)
	if err != nil {
		return 0, err
	}
	for row, err := range rows {
		if err != nil {
			return b.done, err
		}
		if len(row) != len(columns) {
			return b.done, fmt.Errorf("sealsql: a row has %d values, %d columns are named", len(row), len(columns))
		}
		if size := sizeOf(row); b.full(size) {
			if err := b.send(ctx, db); err != nil {
				return b.done, err
			}
		}
		b.add(row)
	}
	return b.done, b.send(ctx, db)
}

// batch is rows that wait to be inserted.
type batch struct {
	head, row string
	columns   int
	args      []any
	rows      int
	bytes     int
	texts     map[int]string
	done      int64
}

func newBatch(table, columns []string) (*batch, error) {
	if len(table) == 0 || len(columns) == 0 || len(columns) > maxArguments {
		return nil, errors.New("sealsql: a table and its columns must be named")
	}
	return &batch{
		head:    "INSERT INTO " + quotedPath(table) + " (" + quotedList(columns) + ") VALUES ",
		row:     "(" + strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + ")",
		columns: len(columns),
		texts:   map[int]string{},
	}, nil
}

func (b *batch) full(size int) bool {
	return b.rows == maxRows || len(b.args)+b.columns > maxArguments || b.rows > 0 && b.bytes+size > maxBytes
}

func (b *batch) add(row []any) {
	b.args = append(b.args, row...)
	b.rows++
	b.bytes += sizeOf(row)
}

func (b *batch) send(ctx context.Context, db Execer) error {
	if b.rows == 0 {
		return nil
	}
	text := b.texts[b.rows]
	if text == "" {
		text = b.head + strings.TrimSuffix(strings.Repeat(b.row+", ", b.rows), ", ")
		if len(b.texts) < 4 { // full ones; those bounded by bytes differ
			b.texts[b.rows] = text
		}
	}
	if _, err := db.ExecContext(ctx, text, b.args...); err != nil {
		return err
	}
	b.done += int64(b.rows)
	clear(b.args)
	b.args, b.rows, b.bytes = b.args[:0], 0, 0
	return nil
}

// sizeOf counts the bytes of a row's texts and bytes.
func sizeOf(row []any) (n int) {
	for _, v := range row {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		default:
			n += 16
		}
	}
	return n
}

// quoted writes a name as MySQL does, whatever it holds.
func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func quotedPath(path []string) string {
	out := make([]string, len(path))
	for i, p := range path {
		out[i] = quoted(p)
	}
	return strings.Join(out, ".")
}

func quotedList(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quoted(n)
	}
	return strings.Join(out, ", ")
}

package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// operation is one kind of statement with what a program does around it.
type operation struct {
	name string
	run  func(m *mode, i int) error
}

// operations are what a program does all day, from the cheapest for the driver
// to the dearest.
var operations = []operation{
	{"pass", pass},
	{"get_id", func(m *mode, i int) error {
		return m.get("SELECT "+columnList+" FROM users WHERE id = ?", 1, i%seeded+1)
	}},
	{"scan1000", func(m *mode, _ int) error {
		return m.get("SELECT "+columnList+" FROM users WHERE id <= ?", seeded, seeded)
	}},
	{"insert1", func(m *mode, _ int) error { return m.insert(m.db) }},
	{"update1", update},
	{"batch100", batch},
}

const columnList = "email, ssn, phone, address, notes"

// pass is a point SELECT of a table without encrypted columns.
func pass(m *mode, i int) error {
	var page string
	var hits int64
	return m.shared.QueryRow("SELECT page, hits FROM visits WHERE id = ?", i%seeded+1).Scan(&page, &hits)
}

// get reads rows of five encrypted columns into strings.
func (m *mode) get(query string, want int, arg int) error {
	rows, err := m.db.Query(query, arg)
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		if err := m.scan(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n != want {
		return errors.New("another number of rows than written")
	}
	return nil
}

func (m *mode) scan(rows *sql.Rows) error {
	var s [5]string
	if m.aeads == nil {
		if err := rows.Scan(&s[0], &s[1], &s[2], &s[3], &s[4]); err != nil {
			return err
		}
	} else {
		var b [5]sql.RawBytes
		if err := rows.Scan(&b[0], &b[1], &b[2], &b[3], &b[4]); err != nil {
			return err
		}
		for c := range b {
			var err error
			if s[c], err = m.incoming(c, b[c]); err != nil {
				return err
			}
		}
	}
	for c := range s {
		if len(s[c]) != columns[c].bytes {
			return errors.New("another value than written")
		}
	}
	return nil
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

const rowMarks = "(?, ?, ?, ?, ?, ?, ?)"

// row appends the arguments of one new row.
func (m *mode) row(args []any) []any {
	m.inserted++
	args = append(args, m.inserted, "name")
	for c := range columns {
		args = append(args, m.outgoing(c, text(c, m.inserted)))
	}
	return args
}

func (m *mode) insert(db execer) error {
	_, err := db.ExecContext(context.Background(), "INSERT INTO users (id, name, "+columnList+") VALUES "+rowMarks, m.row(nil)...)
	return err
}

func update(m *mode, i int) error {
	_, err := m.db.Exec("UPDATE users SET phone = ? WHERE id = ?", m.outgoing(2, text(2, i)), i%seeded+1)
	return err
}

var batchQuery = "INSERT INTO users (id, name, " + columnList + ") VALUES " + strings.Repeat(rowMarks+", ", 99) + rowMarks

func batch(m *mode, _ int) error {
	args := make([]any, 0, 700)
	for range 100 {
		args = m.row(args)
	}
	_, err := m.db.Exec(batchQuery, args...)
	return err
}

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
		return m.get("SELECT "+columnList+" FROM users WHERE id = "+m.mark(1), 1, i%seeded+1)
	}},
	{"get_email", func(m *mode, i int) error {
		return m.get("SELECT "+columnList+" FROM users WHERE "+m.byEmail()+" = "+m.mark(1), 1, m.hashed(email(i%seeded+1)))
	}},
	{"scan1000", func(m *mode, _ int) error {
		return m.get("SELECT "+columnList+" FROM users WHERE id <= "+m.mark(1), seeded, seeded)
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
	return m.shared.QueryRow("SELECT page, hits FROM visits WHERE id = "+m.mark(1), i%seeded+1).Scan(&page, &hits)
}

// get reads rows of five encrypted columns into strings.
func (m *mode) get(query string, want int, arg any) error {
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
		if !written(c, s[c]) {
			return errors.New("another value than written")
		}
	}
	return nil
}

// written tells whether a value may be one of the column.
func written(c int, s string) bool {
	if c == 0 {
		return len(s) == columns[c].bytes
	}
	return strings.HasPrefix(s, columns[c].name+" ")
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// byEmail is the column by which e-mails are found.
func (m *mode) byEmail() string {
	if m.aeads == nil {
		return "email"
	}
	return "email_bidx"
}

// into begins an INSERT; width is the number of its columns.
func (m *mode) into() (text string, width int) {
	if m.aeads == nil {
		return "INSERT INTO users (id, name, " + columnList + ") VALUES ", 2 + len(columns)
	}
	return "INSERT INTO users (id, name, " + columnList + ", email_bidx) VALUES ", 3 + len(columns)
}

// row appends the arguments of one new row.
func (m *mode) row(args []any) []any {
	n := int(m.inserted.Add(1))
	args = append(args, n, "name")
	for c := range columns {
		args = append(args, m.outgoing(c, text(c, n)))
	}
	if m.aeads != nil {
		args = append(args, m.hashed(email(n)))
	}
	return args
}

func (m *mode) insert(db execer) error {
	text, width := m.into()
	_, err := db.ExecContext(context.Background(), text+m.list(1, width), m.row(nil)...)
	return err
}

func update(m *mode, i int) error {
	_, err := m.db.Exec("UPDATE users SET phone = "+m.mark(1)+" WHERE id = "+m.mark(2), m.outgoing(2, text(2, i)), i%seeded+1)
	return err
}

const batchRows = 100

// batch inserts 100 rows.
func batch(m *mode, _ int) error {
	_, width := m.into()
	args := make([]any, 0, batchRows*width)
	for range batchRows {
		args = m.row(args)
	}
	_, err := m.db.Exec(m.batch(), args...)
	return err
}

// batchText is made once, as a program would.
func (m *mode) batchText() string {
	head, width := m.into()
	lists := make([]string, batchRows)
	for i := range lists {
		lists[i] = m.list(1+i*width, width)
	}
	return head + strings.Join(lists, ", ")
}

package endtoend_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealsql/sealsql/driver/postgres"
)

// BenchmarkCopyFrom compares, for a table with one encrypted and indexed column
// of six and for one with four: COPY of the values through the plain driver;
// COPY through it of the bytes that are stored when they are sealed, which is
// what the database alone takes; sealed COPY; sealed INSERT of 500 rows each.
func BenchmarkCopyFrom(b *testing.B) {
	p := postgresFlavour().open(b, bulkConfig)
	bulkTables(b, p)
	for _, table := range []string{"customers", "people"} {
		c := &copyBench{pair: p, table: table}
		c.fill()
		b.Run(table+"/plain copy", func(b *testing.B) { c.run(b, p.plain, c.plainCopy) })
		b.Run(table+"/sealed bytes by plain copy", func(b *testing.B) { c.run(b, p.stored(b), c.bytesCopy) })
		b.Run(table+"/sealed copy", func(b *testing.B) { c.run(b, p.sealed, c.sealedCopy) })
		b.Run(table+"/sealed insert", func(b *testing.B) { c.run(b, p.sealed, c.insert) })
	}
}

const copyRows = 5000

type copyBench struct {
	*pair
	table string
	rows  [][]any
	// names and bytes are columns and rows as they are stored.
	names []string
	bytes [][]any
}

func (c *copyBench) fill() {
	day := time.Date(2001, 2, 3, 0, 0, 0, 0, time.UTC)
	for i := range copyRows {
		c.rows = append(c.rows, []any{i, fmt.Sprintf("person%d@example.com", i), day, i, "some words", "clear"})
	}
}

func (c *copyBench) run(b *testing.B, db *sql.DB, do func(b *testing.B, conn *sql.Conn) error) {
	clean := db
	if db == c.sealed {
		clean = c.stored(b) // through the driver it would be read as a change of the catalog
	}
	withConn(b, db, func(conn *sql.Conn) {
		for b.Loop() {
			if err := do(b, conn); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if _, err := clean.Exec("TRUNCATE " + c.table); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
	b.ReportMetric(float64(copyRows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func (c *copyBench) plainCopy(_ *testing.B, conn *sql.Conn) error {
	_, err := plainCopy(context.Background(), conn, pgx.Identifier{c.table}, peopleColumns, pgx.CopyFromRows(c.rows))
	return err
}

func (c *copyBench) sealedCopy(_ *testing.B, conn *sql.Conn) error {
	_, err := postgres.CopyFrom(context.Background(), conn, pgx.Identifier{c.table}, peopleColumns, pgx.CopyFromRows(c.rows))
	return err
}

func (c *copyBench) bytesCopy(b *testing.B, conn *sql.Conn) error {
	if c.bytes == nil {
		b.StopTimer()
		c.readBytes(b)
		b.StartTimer()
	}
	_, err := plainCopy(context.Background(), conn, pgx.Identifier{c.table}, c.names, pgx.CopyFromRows(c.bytes))
	return err
}

func (c *copyBench) readBytes(b *testing.B) {
	withConn(b, c.sealed, func(conn *sql.Conn) {
		if err := c.sealedCopy(b, conn); err != nil {
			b.Fatal(err)
		}
	})
	c.names = append(append([]string{}, peopleColumns...), "email_bidx")
	c.bytes = dump(b, c.stored(b), "SELECT "+strings.Join(c.names, ", ")+" FROM "+c.table)
	if _, err := c.stored(b).Exec("TRUNCATE " + c.table); err != nil {
		b.Fatal(err)
	}
}

func (c *copyBench) insert(_ *testing.B, conn *sql.Conn) error {
	const batch = 500
	for at := 0; at < copyRows; at += batch {
		var text strings.Builder
		text.WriteString("INSERT INTO " + c.table + " (" + strings.Join(peopleColumns, ", ") + ") VALUES ")
		var args []any
		for i, row := range c.rows[at : at+batch] {
			if i > 0 {
				text.WriteByte(',')
			}
			fmt.Fprintf(&text, "($%d,$%d,$%d,$%d,$%d,$%d)", 6*i+1, 6*i+2, 6*i+3, 6*i+4, 6*i+5, 6*i+6)
			args = append(args, row...)
		}
		if _, err := conn.ExecContext(context.Background(), text.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

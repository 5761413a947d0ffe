package endtoend_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/driver/postgres"
)

// BenchmarkCopyFrom compares COPY of the values through the plain driver; COPY
// through it of the bytes that are stored when they are sealed, which is what the
// database alone takes; sealed COPY; and sealed INSERT of 500 rows each. The tables
// are one with an encrypted and indexed column of six, one with four of short values,
// and one with five of the sizes that benchdb has, 1268 bytes together.
func BenchmarkCopyFrom(b *testing.B) {
	p := postgresFlavour().open(b, bulkConfig+profilesConfig)
	bulkTables(b, p)
	p.both(b, profilesTable)
	for _, c := range []*copyBench{
		{table: "customers", columns: peopleColumns, row: copiedPerson},
		{table: "people", columns: peopleColumns, row: copiedPerson},
		{table: "profiles", columns: []string{"id", "name", "email", "ssn", "phone", "address", "notes"}, row: copiedProfile},
	} {
		c.pair = p
		for i := range copyRows {
			c.rows = append(c.rows, c.row(i))
		}
		b.Run(c.table+"/plain copy", func(b *testing.B) { c.run(b, p.plain, c.plainCopy) })
		b.Run(c.table+"/sealed bytes by plain copy", func(b *testing.B) { c.run(b, p.stored(b), c.bytesCopy) })
		b.Run(c.table+"/sealed copy", func(b *testing.B) { c.run(b, p.sealed, c.sealedCopy) })
		b.Run(c.table+"/sealed insert", func(b *testing.B) { c.run(b, p.sealed, c.insert) })
	}
}

const profilesTable = "CREATE TABLE profiles (id int PRIMARY KEY, name varchar(40), email varchar(60), ssn text, phone text, address text, notes text)"

const profilesConfig = `
  HERE.profiles:
    columns:
      email: {type: varchar(60), search: {equality: {column: email_bidx, collation: binary}}}
      ssn: {type: text}
      phone: {type: text}
      address: {type: text}
      notes: {type: text}
`

const copyRows = 20000

type copyBench struct {
	*pair
	table   string
	columns []string
	row     func(i int) []any
	rows    [][]any
	// names and bytes are columns and rows as they are stored.
	names []string
	bytes [][]any
}

func copiedPerson(i int) []any {
	return []any{i, fmt.Sprintf("person%d@example.com", i), time.Date(2001, 2, 3, 0, 0, 0, 0, time.UTC), i, "some words", "clear"}
}

func copiedProfile(i int) []any {
	text := func(n int) string { return fmt.Sprintf("%0*d", n*3/4+i%(n/2), i) }
	return []any{i, "name", text(36), text(20), text(22), text(166), text(1024)}
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
	_, err := plainCopy(context.Background(), conn, pgx.Identifier{c.table}, c.columns, pgx.CopyFromRows(c.rows))
	return err
}

func (c *copyBench) sealedCopy(_ *testing.B, conn *sql.Conn) error {
	_, err := postgres.CopyFrom(context.Background(), conn, pgx.Identifier{c.table}, c.columns, pgx.CopyFromRows(c.rows))
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
	c.names = append(append([]string{}, c.columns...), "email_bidx")
	c.bytes = dump(b, c.stored(b), "SELECT "+strings.Join(c.names, ", ")+" FROM "+c.table)
	if _, err := c.stored(b).Exec("TRUNCATE " + c.table); err != nil {
		b.Fatal(err)
	}
}

func (c *copyBench) insert(_ *testing.B, conn *sql.Conn) error {
	const batch = 500
	for at := 0; at < copyRows; at += batch {
		var text strings.Builder
		text.WriteString("INSERT INTO " + c.table + " (" + strings.Join(c.columns, ", ") + ") VALUES ")
		var args []any
		for i, row := range c.rows[at : at+batch] {
			for k := range row {
				text.WriteString(copyMark(i, k))
				fmt.Fprintf(&text, "$%d", len(args)+1+k)
			}
			text.WriteByte(')')
			args = append(args, row...)
		}
		if _, err := conn.ExecContext(context.Background(), text.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

// copyMark is what stands in front of a parameter of a VALUES list.
func copyMark(row, column int) string {
	switch {
	case column > 0:
		return ","
	case row > 0:
		return ",("
	}
	return "("
}

// BenchmarkRowSealer is what sealing takes of a COPY, one row of profiles at a time.
func BenchmarkRowSealer(b *testing.B) {
	p := postgresFlavour().open(b, head+"metastore: memory\ntables:"+profilesConfig)
	p.both(b, profilesTable)
	columns := []string{"id", "name", "email", "ssn", "phone", "address", "notes"}
	rows := make([][]any, 64)
	for i := range rows {
		rows[i] = copiedProfile(i)
	}
	withConn(b, p.sealed, func(conn *sql.Conn) {
		err := conn.Raw(func(c any) error {
			s, err := sealdriver.NewRowSealer(context.Background(), c, "INSERT INTO profiles ("+strings.Join(columns, ", ")+") VALUES ($1, $2, $3, $4, $5, $6, $7)", columns)
			if err != nil {
				return err
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Row(rows[i%len(rows)]); err != nil {
					return err
				}
			}
			return s.Done(nil)
		})
		if err != nil {
			b.Fatal(err)
		}
	})
}

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/hatch"
)

// errNoPgx says that the inner connector is not pgx's.
var errNoPgx = errors.New("sealsql: the connection is not one of pgx")

// CopyFrom writes rows with PostgreSQL's COPY protocol in its binary format, as
// (*pgx.Conn).CopyFrom does, and seals the values of encrypted columns on the
// way. Search indexes are written beside them. It returns the number of rows.
//
// Columns and rows are those that an INSERT would have: what that would be
// refused for is refused here, before anything is sent. A partition comes from
// the row's partition column or from ctx. Values may be anything that pgx takes
// as an argument for the column's logical type; source is asked for one row
// after the other and may reuse its slice. An error of source, or of sealing a
// value, ends the copy and nothing is stored.
//
// Inside a transaction, take conn's:
//
//	conn, err := db.Conn(ctx)
//	tx, err := conn.BeginTx(ctx, nil)
//	n, err := postgres.CopyFrom(ctx, conn, pgx.Identifier{"users"}, []string{"id", "email"}, source)
//	err = tx.Commit()
func CopyFrom(ctx context.Context, conn *sql.Conn, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (rows int64, err error) {
	if len(table) == 0 || len(columns) == 0 || source == nil {
		return 0, errors.New("sealsql: CopyFrom needs a table, columns and a source of rows")
	}
	err = conn.Raw(func(c any) error {
		rows, err = copyFrom(ctx, c, table, columns, source)
		return err
	})
	return rows, err
}

func copyFrom(ctx context.Context, c any, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error) {
	sealer, err := sealdriver.NewRowSealer(ctx, c, insertOne(table, columns), columns)
	if err != nil {
		return 0, err
	}
	outer, err := sealdriver.InnerConn(hatch.Key{}, c)
	if err != nil {
		return 0, sealer.Done(err)
	}
	inner := pgxConn(outer)
	if inner == nil {
		return 0, sealer.Done(errNoPgx)
	}
	from := &sealedSource{source: source, sealer: sealer}
	n, err := inner.CopyFrom(ctx, table, sealer.Columns(), from)
	if from.err != nil {
		// pgx gives back what the server made of it.
		return n, errors.Join(from.err, sealer.Done(nil))
	}
	return n, sealer.Done(err)
}

// insertOne is the INSERT of one row.
func insertOne(table pgx.Identifier, columns []string) string {
	var b, marks strings.Builder
	b.WriteString("INSERT INTO " + table.Sanitize() + " (")
	for i, name := range columns {
		if i > 0 {
			b.WriteString(", ")
			marks.WriteString(", ")
		}
		b.WriteString(pgx.Identifier{name}.Sanitize())
		marks.WriteString("$" + strconv.Itoa(i+1))
	}
	return b.String() + ") VALUES (" + marks.String() + ")"
}

// sealedSource seals rows as pgx asks for them.
//
// pgx tells the server why it gives up, and the server writes that to its log.
// An error of the source or of a conversion may hold a value of an encrypted
// column, so the server is told only that there was one.
type sealedSource struct {
	source pgx.CopyFromSource
	sealer *sealdriver.RowSealer
	err    error
}

var errRow = errors.New("the client could not make a row")

func (s *sealedSource) Next() bool { return s.err == nil && s.source.Next() }

func (s *sealedSource) Values() ([]any, error) {
	row, err := s.source.Values()
	if err == nil {
		row, err = s.sealer.Row(row)
	}
	return row, s.quiet(err)
}

func (s *sealedSource) Err() error {
	if s.err != nil {
		return errRow
	}
	return s.quiet(s.source.Err())
}

func (s *sealedSource) quiet(err error) error {
	if err == nil {
		return nil
	}
	s.err = err
	return errRow
}

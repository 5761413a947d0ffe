package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/hatch"
)

// Batch is statements that are sent to the server in one go. The zero value is
// empty.
type Batch struct{ queued []queued }

type queued struct {
	query string
	args  []any
}

// Queue adds a statement with its arguments, which are kept until the batch is
// sent.
func (b *Batch) Queue(query string, args ...any) { b.queued = append(b.queued, queued{query, args}) }

// Len is the number of statements.
func (b *Batch) Len() int { return len(b.queued) }

// SendBatch plans all statements of a batch, seals their arguments, and sends
// them in one round trip, as (*pgx.Conn).SendBatch does: in a transaction of
// their own unless conn is in one. If one is refused none is sent. read takes
// the results, in the order of the statements; nil, or what it leaves, is
// executed for its effect. The error is the first of planning, of read, or of a
// statement.
//
// Statements that change names or settings (DDL, SET) and pgx's options among
// the arguments are refused; pgx.NamedArgs work. conn must not be used in read.
func SendBatch(ctx context.Context, conn *sql.Conn, b *Batch, read func(*BatchResults) error) error {
	return conn.Raw(func(c any) error {
		inner, err := sealdriver.InnerConn(hatch.Key{}, c)
		if err != nil {
			return err
		}
		px := pgxConn(inner)
		if px == nil {
			return errNoPgx
		}
		r := &BatchResults{ctx: ctx, types: px.TypeMap()}
		batch := &pgx.Batch{}
		for _, q := range b.queued {
			s, err := sealdriver.Seal(ctx, c, q.query, q.args)
			if err != nil {
				return err
			}
			r.sealed = append(r.sealed, s)
			batch.Queue(s.Text, s.Args...)
		}
		r.inner = px.SendBatch(ctx, batch)
		return r.run(read)
	})
}

// BatchResults are the results of a batch, in the order of its statements. They
// are valid in SendBatch's callback only.
type BatchResults struct {
	ctx    context.Context
	types  *pgtype.Map
	inner  pgx.BatchResults
	sealed []*sealdriver.Sealed
	at     int
	open   []io.Closer
}

var errNoResult = errors.New("sealsql: the batch has no further result")

func (r *BatchResults) next() (*sealdriver.Sealed, error) {
	if r.at == len(r.sealed) {
		return nil, errNoResult
	}
	r.at++
	return r.sealed[r.at-1], nil
}

// Exec takes the next result as that of a statement without rows and returns
// how many rows it affected.
func (r *BatchResults) Exec() (int64, error) {
	s, err := r.next()
	if err != nil {
		return 0, err
	}
	tag, err := r.inner.Exec()
	return tag.RowsAffected(), s.Done(err)
}

// Query takes the next result as rows, which scan as those of database/sql and
// must be closed before the next result is taken.
func (r *BatchResults) Query() (*sql.Rows, error) {
	s, err := r.next()
	if err != nil {
		return nil, err
	}
	got, err := r.inner.Query()
	if err = s.Done(err); err != nil {
		return nil, err
	}
	rows, err := s.Rows(&batchRows{rows: got, types: r.types, done: s.Done})
	if err != nil {
		got.Close()
		return nil, err
	}
	db := sql.OpenDB(oneResult{rows})
	r.open = append(r.open, db)
	return db.QueryContext(r.ctx, "")
}

func (r *BatchResults) run(read func(*BatchResults) error) error {
	var err error
	if read != nil {
		err = read(r)
	}
	for err == nil && r.at < len(r.sealed) {
		_, err = r.Exec()
	}
	for _, o := range r.open {
		_ = o.Close() // ends rows that are still open
	}
	if closeErr := r.inner.Close(); err == nil {
		err = closeErr
	}
	return err
}

// batchRows are pgx's rows as pgx's database/sql driver would give them.
type batchRows struct {
	rows  pgx.Rows
	types *pgtype.Map
	done  func(error) error
	names []string
}

func (b *batchRows) Columns() []string {
	if b.names == nil {
		b.names = []string{}
		for _, f := range b.rows.FieldDescriptions() {
			b.names = append(b.names, f.Name)
		}
	}
	return b.names
}

func (b *batchRows) Close() error {
	b.rows.Close()
	return b.done(b.rows.Err())
}

func (b *batchRows) Next(dest []driver.Value) error {
	if !b.rows.Next() {
		if err := b.rows.Err(); err != nil {
			return b.done(err)
		}
		return io.EOF
	}
	raw := b.rows.RawValues()
	for i, f := range b.rows.FieldDescriptions() {
		v, err := b.value(f, raw[i])
		if err != nil {
			return err
		}
		dest[i] = v
	}
	return nil
}

func (b *batchRows) value(f pgconn.FieldDescription, raw []byte) (driver.Value, error) {
	if raw == nil {
		return nil, nil
	}
	t, ok := b.types.TypeForOID(f.DataTypeOID)
	if !ok {
		return string(raw), nil
	}
	v, err := t.Codec.DecodeDatabaseSQLValue(b.types, f.DataTypeOID, f.Format, raw)
	if _, isBytes := v.([]byte); err != nil || !isBytes || f.Format == pgtype.TextFormatCode || holdsBytes[f.DataTypeOID] {
		return v, err
	}
	// Arrays and the like, which database/sql gives as the server writes them.
	decoded, err := t.Codec.DecodeValue(b.types, f.DataTypeOID, f.Format, raw)
	if err != nil {
		return nil, err
	}
	text, err := b.types.Encode(f.DataTypeOID, pgtype.TextFormatCode, decoded, nil)
	return string(text), err
}

// holdsBytes are the types whose values are bytes to database/sql.
var holdsBytes = map[uint32]bool{pgtype.ByteaOID: true, pgtype.JSONOID: true, pgtype.JSONBOID: true}

// oneResult is a database whose only query returns rows that are there already,
// so that they are scanned by database/sql itself.
type oneResult struct{ rows driver.Rows }

var (
	_ driver.Connector      = oneResult{}
	_ driver.QueryerContext = oneResult{}
)

func (o oneResult) Connect(context.Context) (driver.Conn, error) { return o, nil }
func (o oneResult) Driver() driver.Driver                        { return registered }
func (o oneResult) Close() error                                 { return nil }
func (o oneResult) Prepare(string) (driver.Stmt, error)          { return nil, driver.ErrSkip }
func (o oneResult) Begin() (driver.Tx, error)                    { return nil, driver.ErrSkip }

func (o oneResult) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return o.rows, nil
}

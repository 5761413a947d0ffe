package mysql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-sql-driver/mysql"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/hatch"
)

// ErrRowsLeftOut: LOAD DATA LOCAL stored fewer rows than it was given. The
// server leaves out duplicates and rows that violate a constraint, and says so
// in warnings only. Returned by LoadData; the other rows are stored, unless the
// transaction is rolled back.
var ErrRowsLeftOut = errors.New("sealsql: the server left out rows")

// LoadData writes rows with LOAD DATA LOCAL INFILE, whose file is made of them
// as the server reads it, and seals the values of encrypted columns on the way.
// Search indexes are written beside them. It returns the number of rows stored.
//
// Columns and rows are those that an INSERT would have: what that would be
// refused for is refused here, before anything is sent. Values may be anything
// that go-sql-driver/mysql takes as an argument; for a clear column that holds
// bytes, the first row that is not NULL must give a []byte.
//
// The server must allow it (local_infile). It treats what is wrong with clear
// values as in every LOAD DATA LOCAL: it stores something near and warns.
// Records are stored whole or not at all. An error of rows, or of sealing a
// value, ends the statement; what was sent before may be stored, so use a
// transaction of conn's.
func LoadData(ctx context.Context, conn *sql.Conn, table []string, columns []string, rows iter.Seq2[[]any, error]) (stored int64, err error) {
	if len(table) == 0 || len(columns) == 0 || rows == nil {
		return 0, errors.New("sealsql: LoadData needs a table, columns and rows")
	}
	err = conn.Raw(func(c any) error {
		stored, err = load(ctx, c, table, columns, rows)
		return err
	})
	return stored, err
}

func load(ctx context.Context, c any, table, columns []string, rows iter.Seq2[[]any, error]) (int64, error) {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")
	insert := "INSERT INTO " + quotedPath(table) + " (" + quotedList(columns) + ") VALUES (" + marks + ")"
	sealer, err := sealdriver.NewRowSealer(ctx, c, insert, columns)
	if err != nil {
		return 0, err
	}
	outer, err := sealdriver.InnerConn(hatch.Key{}, c)
	if err != nil {
		return 0, sealer.Done(err)
	}
	inner, ok := outer.(driver.ExecerContext)
	if !ok {
		return 0, sealer.Done(errors.New("sealsql: the connection is not one of go-sql-driver/mysql"))
	}
	l := newLoader(sealer, rows)
	defer l.stop()
	if err := l.begin(); err != nil {
		return 0, sealer.Done(err)
	}
	name, err := handlerName()
	if err != nil {
		return 0, sealer.Done(err)
	}
	reader, writer := io.Pipe()
	mysql.RegisterReaderHandler(name, func() io.Reader { return reader })
	defer mysql.DeregisterReaderHandler(name)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		writer.CloseWithError(l.write(writer))
	}()
	res, err := inner.ExecContext(ctx, l.statement(name, table), nil)
	reader.Close()
	<-ended
	switch {
	case l.err != nil:
		return 0, errors.Join(l.err, sealer.Done(nil))
	case err != nil:
		return 0, sealer.Done(err)
	}
	n, err := res.RowsAffected()
	if err == nil && n < l.sent {
		err = fmt.Errorf("%w: %d of %d stored; SHOW WARNINGS says why", ErrRowsLeftOut, n, l.sent)
	}
	return n, errors.Join(err, sealer.Done(nil))
}

// handlerName is a name that no other call uses.
func handlerName() (string, error) {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return "sealsql-" + hex.EncodeToString(b), nil
}

// loader makes the file that the server reads: a line a row, fields between
// tabs, \N for NULL; bytes in hexadecimal, since the file is text.
type loader struct {
	sealer *sealdriver.RowSealer
	next   func() ([]any, error, bool)
	stop   func()
	names  []string
	// hex says which columns are in hexadecimal.
	hex []bool
	loc *time.Location
	// ahead is the beginning of the file, which was made to find that out.
	ahead []byte
	more  bool
	sent  int64
	err   error
}

func newLoader(s *sealdriver.RowSealer, rows iter.Seq2[[]any, error]) *loader {
	l := &loader{sealer: s, names: s.Columns(), loc: time.UTC}
	l.hex = make([]bool, len(l.names))
	l.next, l.stop = iter.Pull2(rows)
	if e, ok := s.Engine().(*engine); ok {
		if set := e.settings.Load(); set != nil && set.loc != nil {
			l.loc = set.loc
		}
	}
	return l
}

// maxAhead is the number of rows that are looked at to find out which clear
// columns hold bytes.
const maxAhead = 100

// begin makes the first lines.
func (l *loader) begin() error {
	known := make([]bool, len(l.names))
	for i := range l.names {
		l.hex[i] = l.sealer.Binary(i)
		known[i] = l.hex[i]
	}
	var rows [][]any
	l.more = true
	for len(rows) < maxAhead && l.more {
		row, err := l.row()
		if err != nil {
			return err
		}
		if row == nil {
			break
		}
		own := make([]any, len(row))
		for i, v := range row {
			b, isBytes := v.([]byte)
			if !known[i] && v != nil {
				known[i], l.hex[i] = true, isBytes
			}
			if own[i] = v; isBytes {
				own[i] = append([]byte{}, b...) // valid until the next row only
			}
		}
		rows = append(rows, own)
		if !contains(known, false) {
			break
		}
	}
	for _, row := range rows {
		if err := l.line(row); err != nil {
			return err
		}
	}
	return nil
}

func contains(list []bool, what bool) bool {
	for _, b := range list {
		if b == what {
			return true
		}
	}
	return false
}

// row returns the next row as it is to be stored, nil at the end.
func (l *loader) row() ([]any, error) {
	row, err, ok := l.next()
	if !ok {
		l.more = false
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return l.sealer.Row(row)
}

const flushAt = 64 << 10

// write writes the file. Its error is in l.err, too: the driver makes another
// of it.
func (l *loader) write(w io.Writer) error {
	for l.more {
		row, err := l.row()
		if err == nil && row != nil {
			err = l.line(row)
		}
		if err != nil {
			l.err = err
			return errRow
		}
		if len(l.ahead) < flushAt {
			continue
		}
		if _, err := w.Write(l.ahead); err != nil {
			return err // the statement has ended; it says why
		}
		l.ahead = l.ahead[:0]
	}
	_, err := w.Write(l.ahead)
	return err
}

var errRow = errors.New("the client could not make a row")

func (l *loader) line(row []any) error {
	for i, v := range row {
		if i > 0 {
			l.ahead = append(l.ahead, '\t')
		}
		if err := l.field(i, v); err != nil {
			return err
		}
	}
	l.ahead = append(l.ahead, '\n')
	l.sent++
	return nil
}

func (l *loader) field(i int, v any) error {
	switch v := v.(type) {
	case nil:
		l.ahead = append(l.ahead, '\\', 'N')
		return nil
	case []byte:
		if v == nil {
			l.ahead = append(l.ahead, '\\', 'N')
			return nil
		}
		if l.hex[i] {
			l.ahead = hex.AppendEncode(l.ahead, v)
			return nil
		}
		if !utf8.Valid(v) {
			return fmt.Errorf("sealsql: column %s holds bytes; give a []byte in its first rows", l.names[i])
		}
		return l.text(i, string(v))
	case json.RawMessage:
		return l.text(i, string(v))
	case string:
		return l.text(i, v)
	case int64:
		return l.text(i, strconv.FormatInt(v, 10))
	case uint64:
		return l.text(i, strconv.FormatUint(v, 10))
	case float64:
		return l.text(i, strconv.FormatFloat(v, 'g', -1, 64))
	case float32:
		return l.text(i, strconv.FormatFloat(float64(v), 'g', -1, 32))
	case bool:
		if v {
			return l.text(i, "1")
		}
		return l.text(i, "0")
	case time.Time:
		if v.IsZero() {
			return l.text(i, "0000-00-00")
		}
		return l.text(i, v.In(l.loc).Format("2006-01-02 15:04:05.999999"))
	}
	return fmt.Errorf("sealsql: column %s: a %T cannot be written to the file", l.names[i], v)
}

// text writes a field; in a column of bytes its UTF-8.
func (l *loader) text(i int, s string) error {
	if l.hex[i] {
		l.ahead = hex.AppendEncode(l.ahead, []byte(s))
		return nil
	}
	for j := 0; j < len(s); j++ {
		switch c := s[j]; c {
		case '\\', '\t', '\n':
			l.ahead = append(l.ahead, '\\', c)
		case 0:
			l.ahead = append(l.ahead, '\\', '0')
		default:
			l.ahead = append(l.ahead, c)
		}
	}
	return nil
}

// statement names characters by number: what a string's backslash means depends
// on the SQL mode.
func (l *loader) statement(name string, table []string) string {
	var fields, sets []string
	for i, n := range l.names {
		if !l.hex[i] {
			fields = append(fields, quoted(n))
			continue
		}
		v := "@sealsql_" + strconv.Itoa(i)
		fields = append(fields, v)
		sets = append(sets, quoted(n)+" = UNHEX("+v+")")
	}
	text := "LOAD DATA LOCAL INFILE 'Reader::" + name + "' INTO TABLE " + quotedPath(table) +
		" CHARACTER SET utf8mb4 FIELDS TERMINATED BY 0x09 ESCAPED BY 0x5c LINES TERMINATED BY 0x0a (" + strings.Join(fields, ", ") + ")"
	if len(sets) > 0 {
		text += " SET " + strings.Join(sets, ", ")
	}
	return text
}

package audit

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"time"
)

// File is a sink that appends lines to a file, which its owner alone reads.
// Several processes may append to one file. A file that was renamed, or removed,
// is left, and a new one begun.
type File struct {
	path   string
	f      file
	torn   bool // the last write was cut
	have   int  // lines of the present Write that are in a file
	synced time.Time
}

// file is what a File does with an *os.File.
type file interface {
	io.Writer
	io.ReaderAt
	io.Closer
	Stat() (os.FileInfo, error)
	Sync() error
}

// syncEvery is how often the file is forced to the disk: a crash of the machine
// takes that long of the trail with it.
const syncEvery = time.Second

// OpenFile opens or makes the file.
func OpenFile(path string) (*File, error) {
	s := &File{path: path}
	return s, s.open()
}

// open opens the file for reading as well, where that is allowed: to see whether
// another writer was cut off in the middle of a line.
func (s *File) open() error {
	const flags = os.O_APPEND | os.O_CREATE
	f, err := os.OpenFile(s.path, flags|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrPermission) {
		f, err = os.OpenFile(s.path, flags|os.O_WRONLY, 0o600)
	}
	if err != nil {
		return err
	}
	s.f = f
	return nil
}

// Write implements Sink.
func (s *File) Write(_ context.Context, lines []Written) error {
	size, err := s.current()
	if err != nil {
		return err
	}
	if s.have < len(lines) { // the same lines come again after an error
		if err := s.append(lines[s.have:], size); err != nil {
			return err
		}
		s.have = len(lines)
	}
	if time.Since(s.synced) >= syncEvery {
		if err := s.f.Sync(); err != nil {
			return err
		}
		s.synced = time.Now()
	}
	s.have = 0
	return nil
}

// append writes lines at the end of the file, which has size bytes, and counts
// those that came through.
func (s *File) append(lines []Written, size int64) error {
	var b []byte
	if s.torn || s.cutOff(size) {
		b = append(b, '\n')
	}
	for _, l := range lines {
		b = append(append(b, l.Text...), '\n')
	}
	n, err := s.f.Write(b)
	if err != nil {
		written := bytes.TrimPrefix(b[:max(n, 0)], []byte("\n"))
		s.have += bytes.Count(written, []byte("\n"))
		s.torn = n > 0 && b[n-1] != '\n' || n <= 0 && s.torn
		return err
	}
	s.torn = false
	return nil
}

// cutOff reports whether the file ends in the middle of a line: whoever wrote it
// crashed. Appended to, that would take the next line with it.
func (s *File) cutOff(size int64) bool {
	if size == 0 {
		return false
	}
	var last [1]byte
	n, err := s.f.ReadAt(last[:], size-1)
	return n == 1 && (err == nil || errors.Is(err, io.EOF)) && last[0] != '\n'
}

// current opens the file again if another one, or none, has its name, and returns
// its size. Lines that are in the one before are not written again.
func (s *File) current() (size int64, err error) {
	there, err := os.Stat(s.path)
	have, err2 := s.f.Stat()
	if err == nil && err2 == nil && os.SameFile(there, have) {
		return have.Size(), nil
	}
	old := s.f
	if err := s.open(); err != nil {
		return 0, err
	}
	s.torn = false
	if err := old.Close(); err != nil {
		return 0, err
	}
	if have, err = s.f.Stat(); err != nil {
		return 0, err
	}
	return have.Size(), nil
}

// Close implements Sink.
func (s *File) Close() error { return errors.Join(s.f.Sync(), s.f.Close()) }

// Slog is a sink that hands lines to a structured log: the line itself, for
// verifying, and its members, for searching.
type Slog struct{ Logger *slog.Logger }

// Write implements Sink.
func (s Slog) Write(ctx context.Context, lines []Written) error {
	for _, l := range lines {
		attrs := []slog.Attr{slog.String("op", l.Op), slog.String("line", string(l.Text))}
		for _, a := range []struct{ name, value string }{
			{"key", l.Key}, {"actor", l.Actor}, {"purpose", l.Purpose}, {"table", l.Table}, {"partition", l.Partition},
		} {
			if a.value != "" {
				attrs = append(attrs, slog.String(a.name, a.value))
			}
		}
		if l.Rows != nil {
			attrs = append(attrs, slog.Int64("rows", *l.Rows))
		}
		s.Logger.LogAttrs(ctx, slog.LevelInfo, "sealsql: audit", attrs...)
	}
	return nil
}

// Close implements Sink.
func (s Slog) Close() error { return nil }

// Table is a sink that inserts lines into a table:
//
//	writer, seq   primary key
//	line          text
type Table struct {
	db           *sql.DB
	insert, find string
}

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// OpenTable makes a sink on db, a plain pool of its own, not the application's,
// whose transactions may roll back. It does no I/O. Close closes db. dialect is
// "postgres", "mysql" or "sqlite".
func OpenTable(db *sql.DB, dialect, table string) (*Table, error) {
	if !tableName.MatchString(table) {
		return nil, errors.New("sealsql: the name of an audit table is of letters, digits and underscores")
	}
	p1, p2, p3 := "?", "?", "?"
	if dialect == "postgres" {
		p1, p2, p3 = "$1", "$2", "$3"
	}
	return &Table{
		db:     db,
		insert: fmt.Sprintf("INSERT INTO %s (writer, seq, line) VALUES (%s, %s, %s)", table, p1, p2, p3),
		find:   fmt.Sprintf("SELECT line FROM %s WHERE writer = %s AND seq = %s", table, p1, p2),
	}, nil
}

// TableDDL returns the statement that makes the table of a dialect.
func TableDDL(dialect, table string) (string, error) {
	if !tableName.MatchString(table) {
		return "", errors.New("sealsql: the name of an audit table is of letters, digits and underscores")
	}
	text, options := "TEXT", ""
	if dialect == "mysql" {
		text, options = "MEDIUMTEXT CHARACTER SET utf8mb4", " ENGINE=InnoDB"
	}
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (writer VARCHAR(32) NOT NULL, seq BIGINT NOT NULL, line %s NOT NULL, PRIMARY KEY (writer, seq))%s", table, text, options), nil
}

// Write implements Sink: all lines or none.
func (s *Table) Write(ctx context.Context, lines []Written) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if _, err := tx.ExecContext(ctx, s.insert, l.Writer, l.Seq, string(l.Text)); err != nil {
			// A commit of which the answer was lost has stored the lines: then
			// the first of them is there. The pool may have one connection, so
			// that of the transaction is given back first.
			ended := rolledBack(tx)
			return errors.Join(s.stored(ctx, lines, err), ended)
		}
	}
	return tx.Commit()
}

func rolledBack(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// stored returns nil if the table has the last of the lines already.
func (s *Table) stored(ctx context.Context, lines []Written, err error) error {
	last := lines[len(lines)-1]
	var text string
	if s.db.QueryRowContext(ctx, s.find, last.Writer, last.Seq).Scan(&text) == nil && text == string(last.Text) {
		return nil
	}
	return err
}

// Close implements Sink.
func (s *Table) Close() error { return s.db.Close() }

package mysql

import (
	"context"
	"database/sql/driver"
	"io"
	"strings"

	"github.com/go-sql-driver/mysql"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
)

var _ sealdriver.PreparedEngine = (*engine)(nil)

// Prepared returns the statement to be used for one that the inner driver
// prepared.
//
// go-sql-driver/mysql v1.10.1 waits for ever in Exec of a prepared statement
// whose result has fewer rows than columns, on servers that do not repeat a
// result's description at each execution (MariaDB since 10.6): it skips as many
// packets as there are columns although none are sent. Statements that return
// rows are therefore queried there, and their rows read to the end.
func (e *engine) Prepared(query string, inner driver.Stmt) driver.Stmt {
	st, ok := inner.(innerStmt)
	if !ok || !e.returnsRows(query) {
		return inner
	}
	return drainedStmt{st}
}

// innerStmt is what the inner driver's statements implement.
type innerStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	driver.NamedValueChecker
	//lint:ignore SA1019 its presence decides how database/sql converts arguments
	driver.ColumnConverter
}

// drainedStmt is a prepared statement that returns rows.
type drainedStmt struct{ innerStmt }

// ExecContext queries and reads the rows to the end.
func (s drainedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	return drained(rows)
}

// Exec is ExecContext without a context.
func (s drainedStmt) Exec(args []driver.Value) (driver.Result, error) {
	rows, err := s.Query(args)
	if err != nil {
		return nil, err
	}
	return drained(rows)
}

func drained(rows driver.Rows) (driver.Result, error) {
	dest := make([]driver.Value, len(rows.Columns()))
	for {
		err := rows.Next(dest)
		if err == io.EOF {
			break
		}
		if err != nil {
			_ = rows.Close()
			return nil, err
		}
	}
	if err := rows.Close(); err != nil { // reads what results follow
		return nil, err
	}
	return noRowsAffected{}, nil
}

// noRowsAffected is the inner driver's result of a statement that returned rows.
type noRowsAffected struct{}

var _ mysql.Result = noRowsAffected{}

func (noRowsAffected) LastInsertId() (int64, error) { return 0, nil }
func (noRowsAffected) RowsAffected() (int64, error) { return 0, nil }
func (noRowsAffected) AllRowsAffected() []int64     { return []int64{0} }
func (noRowsAffected) AllLastInsertIds() []int64    { return []int64{0} }

// returnsRows reports whether a statement has a result that is described when
// it is prepared. Queries that store their result do not.
func (e *engine) returnsRows(query string) bool {
	first, rest := firstWord(query)
	switch first {
	case "SELECT", "WITH", "VALUES", "TABLE", "":
		return !containsFold(rest, "into") || !e.stores(query)
	case "SHOW", "DESC", "DESCRIBE", "EXPLAIN", "ANALYZE", "CHECK", "CHECKSUM", "OPTIMIZE", "REPAIR", "HELP":
		return true
	case "INSERT", "REPLACE", "DELETE", "UPDATE":
		return containsFold(rest, "returning") && e.returning(query)
	}
	return false
}

// firstWord returns the first word of a text in upper case, past blanks,
// comments and parentheses, and what follows it. An executable comment is none:
// what is in it is not known, and "" is returned for it.
func firstWord(text string) (word, rest string) {
	for {
		text = strings.TrimLeft(text, " \t\r\n\f\v(")
		var end int
		switch {
		case strings.HasPrefix(text, "#"), strings.HasPrefix(text, "--"):
			end = strings.IndexByte(text, '\n')
		case strings.HasPrefix(text, "/*!"), strings.HasPrefix(text, "/*M!"):
			return "", text
		case strings.HasPrefix(text, "/*"):
			if end = strings.Index(text[2:], "*/"); end >= 0 {
				end += 3
			}
		default:
			n := 0
			for n < len(text) && (text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z') {
				n++
			}
			return strings.ToUpper(text[:n]), text[n:]
		}
		if end < 0 {
			return "", ""
		}
		text = text[end+1:]
	}
}

// containsFold reports whether a text holds a word of lower-case ASCII letters
// in any case.
func containsFold(text, word string) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i]|0x20 == word[0] && strings.EqualFold(text[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// stores reports whether a query stores its result: SELECT … INTO.
func (e *engine) stores(query string) bool {
	q, ok := e.only(query).(*rewrite.Query)
	if !ok {
		return true
	}
	s, ok := q.Body.(*rewrite.Select)
	return ok && s.Into
}

// returning reports whether a statement has a RETURNING list.
func (e *engine) returning(query string) bool {
	switch s := e.only(query).(type) {
	case *rewrite.Insert:
		return len(s.Returning) > 0
	case *rewrite.Update:
		return len(s.Returning) > 0
	case *rewrite.Delete:
		return len(s.Returning) > 0
	}
	return false
}

// only returns the only statement of a text, or nil where the parser does not
// understand it.
func (e *engine) only(query string) any {
	s := rewrite.Session{MariaDB: true}
	text, err := e.front.Prepare(query, &s)
	if err != nil {
		return nil
	}
	script, err := e.front.Parse(text, &s)
	if err != nil || len(script.Statements) != 1 {
		return nil
	}
	return script.Statements[0]
}

package driver

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// users begin statements that fail where a relation that they name does not exist.
var users = []string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "TABLE", "TRUNCATE", "REPLACE", "MERGE"}

// absent looks at a refusal for want of a relation in the catalog. Where the server has none
// of that name either, it returns the server's error with it, for programs that look for
// that. The server is asked for the name and for nothing else of the statement, and as the
// statement would have been sent: pgx prepares what is not executed without arguments, and
// says so in its error.
func (c *conn) absent(ctx context.Context, query string, executed bool, err error) error {
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) || u.Reason != rewrite.ReasonUnknownRelation || c.session == nil || c.cr.cats.none || !c.cr.engine.Ready(c.inner) {
		return err
	}
	name := c.nameAt(query, u.Pos)
	if name == "" {
		return err
	}
	if of := c.ask(ctx, c.asking(name, query[:u.Pos]), executed); of != nil && c.cr.engine.Stale(of) {
		return &absentError{server: of, refusal: err}
	}
	return err
}

// absentError is the server's error for a name that neither it nor the catalog knows. It
// is the refusal, too, that nothing of the statement was sent.
type absentError struct{ server, refusal error }

func (e *absentError) Error() string   { return e.server.Error() }
func (e *absentError) Unwrap() []error { return []error{e.server, e.refusal} }

func (c *conn) ask(ctx context.Context, text string, executed bool) error {
	if executed {
		_, err := c.exec(ctx, text, nil)
		return err
	}
	rows, err := c.query(ctx, text, nil)
	if err != nil {
		return err
	}
	return rows.Close()
}

// asking is a query that names a relation and reads no row. On PostgreSQL the name has the
// place that it has in the statement, which errors tell.
func (c *conn) asking(name, before string) string {
	if c.cr.front.Dialect() != rewrite.Postgres {
		return "SELECT 1 FROM " + name + " LIMIT 0"
	}
	const table, most = "TABLE", 1 << 12
	blanks := utf8.RuneCountInString(before) - len(table)
	if blanks < 1 || blanks > most {
		blanks = 1
	}
	return table + strings.Repeat(" ", blanks) + name + " LIMIT 0"
}

// nameAt is the name of a relation, with those in front of its points, that stands at an
// offset of a statement; empty where none does.
func (c *conn) nameAt(query string, at int) string {
	tokenizer, ok := c.cr.front.(rewrite.Tokenizer)
	if !ok || at <= 0 || at >= len(query) {
		return ""
	}
	first, end, points := "", 0, false
	tokenizer.EachToken(query, 0, &c.session.Plan, func(t rewrite.Token) bool {
		if first == "" {
			first = t.Text
		}
		switch {
		case t.Start < at:
			return true
		case end == 0 && t.Start > at:
			return false
		case !points && (t.Kind == rewrite.TokWord || t.Kind == rewrite.TokQuoted):
			points, end = true, t.End
			return true
		case points && script.Is(t, "."):
			points = false
			return true
		}
		return false
	})
	if end == 0 || !slices.ContainsFunc(users, func(w string) bool { return strings.EqualFold(w, first) }) {
		return ""
	}
	return query[at:end]
}

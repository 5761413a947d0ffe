package driver

import (
	"context"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// prepared remembers what SQL's PREPARE has named on a connection: the text as
// the caller wrote it, and the plan under which it was sent. The server keeps the
// names whatever becomes of transactions.
type prepared map[string]*preparedText

type preparedText struct {
	text string
	plan *rewrite.Plan
	// names is the session's way of resolving names at that time, which MySQL keeps
	// for the statement.
	names string
}

// maxPrepared bounds what a connection remembers. Beyond it PREPARE is refused,
// as what it names could not be executed.
const maxPrepared = 256

// prepares notes what a statement has prepared or deallocated.
func (c *conn) prepares(p *rewrite.Plan, query string) {
	for _, name := range p.Releases {
		if name == "" {
			c.prepared = nil
		}
		delete(c.prepared, name)
	}
	if p.Prepares == nil {
		return
	}
	if c.prepared == nil {
		c.prepared = prepared{}
	}
	c.prepared[p.Prepares.Name] = &preparedText{query, p, c.session.names()}
}

func (c *conn) mayPrepare(p *rewrite.Plan) error {
	if p.Prepares == nil || len(c.prepared) < maxPrepared || c.prepared[p.Prepares.Name] != nil {
		return nil
	}
	return dynamic("the connection has prepared too many statements as SQL; deallocate some")
}

func dynamic(hint string) error {
	return &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonDynamic, Hint: hint}
}

// executing is the plan of an EXECUTE. What was prepared is planned again, for
// what names mean now is what the server will take them for: it must be the
// statement that was sent.
func (c *conn) executing(ctx context.Context, p *rewrite.Plan, o rewrite.Options) (*rewrite.Plan, error) {
	was := c.prepared[p.Executes.Name]
	if was == nil {
		return nil, dynamic("this connection has not prepared a statement of that name; prepare it first, on the same sql.Conn or sql.Tx")
	}
	o.Prepare = false
	now, err := c.planned(ctx, was.text, o)
	if err != nil {
		return nil, err
	}
	if !sameStatement(was.plan, now) || c.cr.front.Dialect() == rewrite.MySQL && was.names != c.session.names() {
		return nil, dynamic("tables, session or partition are not what they were when the statement was prepared; deallocate it and prepare it again")
	}
	return p.Execute(now)
}

// sameStatement reports whether two plans of one PREPARE send the same text and
// seal the same values.
func sameStatement(p, q *rewrite.Plan) bool {
	if q.Prepares == nil || p.Text != q.Text || len(p.Prepares.Args) != len(q.Prepares.Args) {
		return false
	}
	for i := range p.Prepares.Args {
		x, y := &p.Prepares.Args[i], &q.Prepares.Args[i]
		if columnID(x.Column()) != columnID(y.Column()) || (x.Index == nil) != (y.Index == nil) || x.Null != y.Null || (x.Decide == nil) != (y.Decide == nil) || x.Value.Arg != y.Value.Arg {
			return false
		}
	}
	return true
}

func columnID(c *schema.Column) string {
	if c == nil {
		return ""
	}
	return c.ID
}

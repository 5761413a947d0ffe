package driver

import (
	"context"
	"errors"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// MySQL and MariaDB answer some questions with the outcome of the statement before:
// ROW_COUNT(), FOUND_ROWS(), SHOW WARNINGS and the like. What the driver sends by
// itself must not come between the two. So for a text that asks, the catalog is read
// on a connection of its own, or, where the text names no table, not at all. Where
// a statement was more than one to the server, so that the answer would be that of
// the last, the question is refused. The other engines answer with the last INSERT,
// UPDATE or DELETE, whatever was read since; LAST_INSERT_ID() is such an answer, too.

// asked is a set of such questions.
type asked uint8

const (
	asksCount      asked = 1 << iota // ROW_COUNT()
	asksFound                        // FOUND_ROWS()
	asksConditions                   // SHOW WARNINGS, @@warning_count and their like
	asksAnything   = asksCount | asksFound | asksConditions
)

// askingWords are parts of the names; a text without any asks nothing.
var askingWords = []string{"row_count", "found_rows", "warning", "error", "diagnostics"}

// asks returns what a text asks about the statement before. Where the text is not
// understood, or not without settings that are not known, it may ask anything.
func (c *conn) asks(query string) asked {
	if c.cr.front.Dialect() != rewrite.MySQL || !mentions(query, askingWords) {
		return 0
	}
	q, ok := c.questions(query)
	if !ok {
		return asksAnything
	}
	return q.asked
}

// questions reads the tokens of a text; ok is false where it is not understood, or
// not without settings that are not known.
func (c *conn) questions(query string) (q questions, ok bool) {
	t, ok := c.cr.front.(rewrite.Tokenizer)
	if !ok || c.modes == nil && !readAlike(query) {
		return q, false
	}
	s := rewrite.Session{ModeKnown: true}
	if c.modes != nil {
		s = *c.modes
	}
	text, err := c.cr.front.Prepare(query, &s)
	ok = err == nil && t.EachToken(text, 0, &s, q.token)
	return q, ok
}

// mentions looks for words without their case; words are in lower case.
func mentions(text string, words []string) bool {
	for i := 0; i < len(text); i++ {
		first := text[i] | 0x20
		for _, w := range words {
			if first == w[0] && len(text)-i >= len(w) && strings.EqualFold(text[i:i+len(w)], w) {
				return true
			}
		}
	}
	return false
}

// questions are what the tokens of a text ask.
type questions struct {
	asked
	verb string // the first word of the statement, in lower case
	last string // the name before this token, in lower case; "" for none
	// more is set where it may do more than answer: several statements, other
	// words in front, or calls of other functions, which may be routines.
	more, ended bool
}

// answering are what may stand in front of a parenthesis in a text that does nothing
// but answer.
var answering = map[string]bool{"select": true, "count": true, "row_count": true, "found_rows": true, "last_insert_id": true}

func (q *questions) token(t rewrite.Token) bool {
	word := strings.ToLower(t.Text)
	name := t.Kind == rewrite.TokWord || t.Kind == rewrite.TokQuoted
	switch {
	case t.Text == ";":
		q.verb, q.last, q.ended = "", "", true
		return true
	case t.Text == "(" && q.last == "row_count":
		q.asked |= asksCount
	case t.Text == "(" && q.last == "found_rows":
		q.asked |= asksFound
	case q.verb == "show" && (word == "warnings" || word == "errors"):
		q.asked |= asksConditions
	case q.verb == "get" && word == "diagnostics":
		q.asked |= asksCount | asksConditions
	case strings.HasPrefix(word, "@@") && (strings.Contains(word, "warning_count") || strings.Contains(word, "error_count")):
		q.asked |= asksConditions
	}
	q.more = q.more || q.ended || t.Text == "(" && q.last != "" && !answering[q.last]
	q.last = ""
	if name {
		q.last = word
	}
	if q.verb == "" && t.Text != "(" {
		q.verb = word
		q.more = q.more || word != "select" && word != "show" && word != "get"
	}
	return true
}

// known reports that what is known of session and catalog can be relied on without
// asking the server.
func (c *conn) known() bool {
	return c.session != nil && !c.cr.engine.SessionChanged(c.inner, c.session) && c.view != nil && c.cr.cats.fresh(c.reading)
}

// prepareAsking is current for a text that asks about the statement before: it does
// not use the connection. It returns a plan for a text that needs no catalog.
func (c *conn) prepareAsking(ctx context.Context, query string, o rewrite.Options) (*rewrite.Plan, error) {
	if p := c.planBare(query, o); p != nil {
		return p, nil
	}
	switch {
	case c.session != nil && !c.cr.engine.SessionChanged(c.inner, c.session):
	case !c.met:
		return nil, c.current(ctx) // there is no statement before
	default:
		return nil, &rewrite.UnsupportedError{
			Pos: -1, Reason: rewrite.ReasonCatalog,
			Hint: "the text asks about the statement before, which changed names or settings; these must be looked up first, and that would be the statement before: ask in a statement without tables",
		}
	}
	if c.cr.cats.fresh(c.reading) {
		c.adopt(c.reading)
		return nil, nil
	}
	if r := c.cr.cats.shared(c.session.Scope); !c.isolated() && c.cr.cats.fresh(r) {
		c.adopt(r)
		return nil, nil
	}
	postponed, done := c.cr.cats.postpone(c.reading)
	if postponed {
		c.adopt(c.reading)
		return nil, nil
	}
	defer done()
	return nil, c.refreshAside(ctx)
}

// refreshAside is refresh on a connection of its own. Definitions are not part of
// transactions on the engines that need it, so that it sees what this one would.
func (c *conn) refreshAside(ctx context.Context) error {
	return c.aside(ctx, func(r *Reader) error { return c.refreshOn(ctx, r) })
}

// aside opens a connection for as long as use takes.
func (c *conn) aside(ctx context.Context, use func(*Reader) error) (err error) {
	inner, err := c.cr.inner.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inner.Close()) }()
	return use(NewReader(inner))
}

// planBare plans a text that names no relation and no routine: what the catalog and
// the names of the session say of it does not matter. It returns nil for all others.
func (c *conn) planBare(query string, o rewrite.Options) *rewrite.Plan {
	if q, ok := c.questions(query); !ok || q.more || mentions(query, []string{"from", "join", "into", "table"}) {
		return nil
	}
	s := rewrite.Session{ModeKnown: true}
	if c.modes != nil {
		s = *c.modes
	}
	p, err := c.cr.plans.Plan(query, c.cr.cats.bare, &s, o)
	if err != nil || !p.Pass || p.Effects != 0 || p.Transacts != 0 {
		return nil
	}
	c.bare = p
	return p
}

// readAlike reports a text that is read alike whatever the settings of the session
// are: it has no quotes, no comments, and no letters beyond ASCII.
func readAlike(text string) bool {
	if strings.Contains(text, "--") {
		return false
	}
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b >= 0x80, b == '\'', b == '"', b == '\\', b == '/', b == '#', b == '|':
			return false
		}
	}
	return true
}

// answers refuses a question to which the server would give the outcome of
// something that the driver sent.
func (c *conn) answers(query string) error {
	if c.lost == 0 || c.lost&c.asks(query) == 0 {
		return nil
	}
	return &rewrite.UnsupportedError{
		Pos: -1, Reason: rewrite.ReasonStatement,
		Hint: "the statement before was run in more than one step, or its rows were chosen by the driver, so that the server knows another outcome; use RowsAffected, count the rows, or run both in a transaction of (*sql.DB).BeginTx",
	}
}

// loses notes the questions that the server would answer otherwise than for the
// plain statement, now that this one has been run.
func (c *conn) loses(p *rewrite.Plan) {
	c.lost = 0
	if c.displaced {
		c.lost = asksFound
	}
	if p.Pass || c.cr.front.Dialect() != rewrite.MySQL {
		return
	}
	if len(p.Filters) > 0 || len(p.Likes) > 0 || p.Limit != nil {
		c.lost |= asksFound
	}
	if len(p.After) > 0 {
		c.lost = asksAnything
	}
}

// losesFound notes that the driver left rows out.
func (c *conn) losesFound() {
	if c.cr.front.Dialect() == rewrite.MySQL {
		c.lost |= asksFound
	}
}

// losesAll notes that something stood behind a statement's last step.
func (c *conn) losesAll() {
	if c.cr.front.Dialect() == rewrite.MySQL {
		c.lost = asksAnything
	}
}

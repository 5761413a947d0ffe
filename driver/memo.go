package driver

import "github.com/sealsql/sealsql/rewrite"

// planMemo holds the plans of the last few texts of one connection, for the
// state of session and catalog that they were made for. It spares programs
// that send the same statements again and again the planner's cache, with its
// lock and its longer key. Only plans that may be used are kept.
type planMemo [memoSize]memo

const memoSize = 16

type memo struct {
	text    string
	view    *view
	session *Session
	options rewrite.Options
	plan    *rewrite.Plan
	way     way
	// asks: it asks about the statement before.
	asks bool
}

// maxMemoText bounds what a connection holds on to.
const maxMemoText = 4 << 10

func (m *planMemo) get(text string, c *conn, o rewrite.Options) *rewrite.Plan {
	e := &m[(len(text)+o.Spans)%memoSize]
	if e.session != c.session || e.view != c.view || e.options != o || e.text != text {
		return nil
	}
	return e.plan
}

func (m *planMemo) put(text string, c *conn, o rewrite.Options, p *rewrite.Plan) {
	if len(text) > maxMemoText {
		return
	}
	w := wayOf(p, text)
	m[(len(text)+o.Spans)%memoSize] = memo{text, c.view, c.session, o, p, w, w != long && c.asks(text) != 0}
}

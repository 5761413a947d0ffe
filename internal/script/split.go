package script

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// Piece is one statement of a script, without what ends it.
type Piece struct {
	// Lead is where the blanks and comments in front of the statement begin,
	// From and To the statement itself. Executable comments of MySQL belong to
	// the statement, all others around it do not.
	Lead, From, To int
	// Tokens are those of the statement; their spans count from the start of
	// the script.
	Tokens []rewrite.Token
	// Client is set for a line that speaks to the engine's client: psql's
	// commands and DELIMITER of mysql. It is not SQL.
	Client bool
	// Unreadable is set for the last piece of a script that cannot be cut any
	// further, because a string, a quoted name or a comment is not closed.
	Unreadable bool
}

// Split cuts a script into statements, as the engine's client does: at
// semicolons that are not inside strings, comments, or the body of a trigger
// or routine; on MySQL at what DELIMITER says. On PostgreSQL the rows behind
// COPY … FROM STDIN are left out.
func Split(f rewrite.Frontend, text string, s *rewrite.Session) []Piece {
	sp := &splitter{front: f, session: s, text: text, delimiter: ";"}
	for sp.pos < len(text) {
		sp.piece()
	}
	return sp.out
}

// splitter is the state of one Split.
type splitter struct {
	front     rewrite.Frontend
	session   *rewrite.Session
	text      string
	pos       int
	delimiter string
	out       []Piece

	// The piece that is being read: its tokens, how deep its blocks are, and
	// whether it is known to have any.
	cur      Piece
	depth    int
	compound compoundness
	resume   int // where the next piece begins; -1 while this one goes on
}

// piece reads one statement.
func (sp *splitter) piece() {
	sp.cur, sp.depth, sp.compound, sp.resume = Piece{Lead: sp.pos}, 0, undecided, -1
	tokenizer, ok := sp.front.(rewrite.Tokenizer)
	readable := ok && tokenizer.EachToken(sp.text, sp.pos, sp.session, sp.token)
	switch {
	case sp.resume >= 0:
		sp.pos = sp.resume
	case !readable:
		sp.cur.Unreadable = true
		sp.end(len(sp.text), len(sp.text))
		sp.pos = len(sp.text)
	default:
		sp.end(len(sp.text), len(sp.text))
		sp.pos = len(sp.text)
	}
}

// token takes the next token; false ends the statement.
func (sp *splitter) token(t rewrite.Token) bool {
	first := len(sp.cur.Tokens) == 0
	switch {
	case sp.front.Dialect() == rewrite.Postgres && Is(t, `\`):
		sp.psql(t, first)
		return false
	case first && sp.front.Dialect() == rewrite.MySQL && Word(t, "DELIMITER"):
		sp.setDelimiter(t)
		return false
	}
	sp.nest(t)
	if at := sp.ends(t); at >= 0 {
		if at > t.Start {
			t.End, t.Text = at, sp.text[t.Start:at]
			sp.cur.Tokens = append(sp.cur.Tokens, t)
		}
		next := at + len(sp.delimiter)
		if sp.copies() {
			next = sp.behindRows(next)
		}
		sp.end(at, next)
		return false
	}
	sp.cur.Tokens = append(sp.cur.Tokens, t)
	return true
}

// ends returns where in a token the statement ends, or -1. A delimiter may be
// part of what the tokenizer takes for one name, as in END$$.
func (sp *splitter) ends(t rewrite.Token) int {
	if sp.delimiter == ";" {
		if Is(t, ";") && sp.depth <= 0 {
			return t.Start
		}
		return -1
	}
	if t.Kind == rewrite.TokString || t.Kind == rewrite.TokQuoted {
		return -1
	}
	if strings.HasPrefix(sp.text[t.Start:], sp.delimiter) {
		return t.Start
	}
	if i := strings.Index(sp.text[t.Start:t.End], sp.delimiter); i >= 0 {
		return t.Start + i
	}
	return -1
}

// end closes the piece at to; the next one begins at next.
func (sp *splitter) end(to, next int) {
	p := sp.cur
	sp.resume = next
	lead := strings.TrimLeft(sp.text[p.Lead:to], blanks)
	p.From, p.To = to-len(lead), p.Lead+len(strings.TrimRight(sp.text[p.Lead:to], blanks))
	if len(p.Tokens) > 0 && !p.Unreadable {
		first, last := p.Tokens[0], p.Tokens[len(p.Tokens)-1]
		if !sp.executes(p.From, first.Start) {
			p.From = first.Start
		}
		if !sp.executes(last.End, p.To) {
			p.To = last.End
		}
	}
	if len(p.Tokens) == 0 && !sp.executes(p.From, p.To) && !(p.Unreadable && p.To > p.From) {
		return
	}
	sp.out = append(sp.out, p)
}

const blanks = " \t\r\n\f\v\ufeff"

// executes reports whether the blanks between tokens may hold a comment that a
// MySQL server runs.
func (sp *splitter) executes(from, to int) bool {
	if sp.front.Dialect() != rewrite.MySQL || from >= to {
		return false
	}
	gap := sp.text[from:to]
	return strings.Contains(gap, "/*!") || strings.Contains(gap, "/*M!")
}

// line returns the end of the line that holds an offset.
func (sp *splitter) line(at int) int {
	if n := strings.IndexByte(sp.text[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(sp.text)
}

// psql ends the statement at a command of psql, which reaches to the end of
// its line; alone in its line it is a piece of its own.
func (sp *splitter) psql(t rewrite.Token, alone bool) {
	end := sp.line(t.Start)
	if alone {
		sp.out = append(sp.out, Piece{
			Lead: sp.cur.Lead, From: t.Start, To: t.Start + len(strings.TrimRight(sp.text[t.Start:end], blanks)),
			Tokens: []rewrite.Token{t}, Client: true,
		})
		sp.resume = end
		return
	}
	sp.end(t.Start, end)
}

// setDelimiter reads the mysql client's DELIMITER line.
func (sp *splitter) setDelimiter(t rewrite.Token) {
	end := sp.line(t.Start)
	to := t.Start + len(strings.TrimRight(sp.text[t.Start:end], blanks))
	if d, _, _ := strings.Cut(strings.TrimLeft(sp.text[min(t.End, to):to], blanks), " "); d != "" {
		sp.delimiter = d
	}
	sp.out = append(sp.out, Piece{Lead: sp.cur.Lead, From: t.Start, To: to, Tokens: []rewrite.Token{t}, Client: true})
	sp.resume = end
}

// copies reports a COPY … FROM STDIN of PostgreSQL.
func (sp *splitter) copies() bool {
	toks := sp.cur.Tokens
	if sp.front.Dialect() != rewrite.Postgres || len(toks) == 0 || !Word(toks[0], "COPY") {
		return false
	}
	for i := range toks[1:] {
		if Word(toks[i], "FROM") && Word(toks[i+1], "STDIN") {
			return true
		}
	}
	return false
}

// behindRows returns the end of the line "\." behind the rows of a COPY, or at
// itself where there is none.
func (sp *splitter) behindRows(at int) int {
	for from := sp.line(at); from < len(sp.text); {
		end := sp.line(from + 1)
		if strings.TrimRight(sp.text[from+1:end], "\r") == `\.` {
			return end
		}
		from = end
	}
	return at
}

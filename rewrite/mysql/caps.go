package mysql

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// Limits of what the parser is given. It is a recursive descent without a
// bound of its own: a stack that overflows ends the process, and its
// speculative rules double the work at every level of nesting.
const (
	// maxChain bounds operators, joins and other recursion that needs no
	// brackets, summed over the open brackets.
	maxChain = 10000
	// maxBlocks bounds CASE, BEGIN, IF, LOOP, WHILE and REPEAT that are open.
	maxBlocks = 500
	// maxSpeculation bounds the nesting of what the parser reads twice.
	maxSpeculation = 10
)

// level is the state of one open bracket.
type level struct {
	chain       int
	speculative bool
	// tables is set inside a list of tables, whose commas nest.
	tables bool
	// intervals counts INTERVAL words whose unit has not been seen.
	intervals int
}

// guard walks the tokens once and refuses what could exhaust the parser.
type guard struct {
	toks        []rewrite.Token
	stack       []level
	blocks      int
	chain       int
	speculation int
}

func (g *guard) top() *level { return &g.stack[len(g.stack)-1] }

// checkCaps refuses texts that the parser cannot be trusted with.
func checkCaps(toks []rewrite.Token) error {
	var few [8]level
	g := guard{toks: toks, stack: few[:1]}
	for i := range toks {
		t := &toks[i]
		switch t.Kind {
		case rewrite.TokPunct:
			g.punct(i, t)
		case rewrite.TokWord:
			g.word(i, t)
		}
		if len(g.stack)-1 > rewrite.MaxNesting || g.chain > maxChain ||
			g.blocks > maxBlocks || g.speculation > maxSpeculation {
			return &rewrite.UnsupportedError{Pos: t.Start, Reason: rewrite.ReasonTooDeep}
		}
	}
	return nil
}

func (g *guard) punct(i int, t *rewrite.Token) {
	switch t.Text[0] {
	case '(', '{':
		l := level{tables: g.top().tables}
		if l.speculative = g.doubles(i); l.speculative {
			g.speculation++
		}
		g.stack = append(g.stack, l)
	case ')', '}':
		if len(g.stack) > 1 {
			g.pop()
		}
	case ',':
		l := g.top()
		if l.tables {
			l.chain++
			g.chain++
		} else {
			g.reset(l)
		}
	case ';':
		for len(g.stack) > 1 {
			g.pop()
		}
		g.reset(g.top())
		g.top().tables = false
	case '.', '?', '@':
	default:
		g.top().chain++
		g.chain++
	}
}

func (g *guard) reset(l *level) {
	g.chain -= l.chain
	g.speculation -= l.intervals
	l.chain, l.intervals = 0, 0
}

func (g *guard) pop() {
	l := g.top()
	g.reset(l)
	if l.speculative {
		g.speculation--
	}
	g.stack = g.stack[:len(g.stack)-1]
}

// doubles reports whether the parser may read what the bracket at i encloses
// twice: "((", and the functions that it tries in two forms.
func (g *guard) doubles(i int) bool {
	if i+1 < len(g.toks) && g.toks[i+1].Text == "(" {
		return g.queryBehind(i + 1)
	}
	if i == 0 || g.toks[i-1].Kind != rewrite.TokWord {
		return false
	}
	w := g.toks[i-1].Text
	return strings.EqualFold(w, "interval") || strings.EqualFold(w, "json_value")
}

// queryBehind reports whether the run of opening brackets at i leads to a
// query.
func (g *guard) queryBehind(i int) bool {
	for i < len(g.toks) && g.toks[i].Kind == rewrite.TokPunct && g.toks[i].Text == "(" {
		i++
	}
	if i >= len(g.toks) || g.toks[i].Kind != rewrite.TokWord {
		return false
	}
	switch strings.ToLower(g.toks[i].Text) {
	case "select", "with", "table", "values":
		return true
	}
	return false
}

func (g *guard) word(i int, t *rewrite.Token) {
	if len(t.Text) < 2 || len(t.Text) > 13 {
		return
	}
	var buf [16]byte
	for j := range len(t.Text) {
		c := t.Text[j]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		buf[j] = c
	}
	switch string(buf[:len(t.Text)]) {
	case "AND", "OR", "XOR", "NOT", "DIV", "MOD", "IS", "LIKE", "REGEXP", "RLIKE", "BETWEEN", "COLLATE", "BINARY",
		"UNION", "EXCEPT", "INTERSECT", "EXPLAIN", "DESCRIBE", "DESC", "TRACE", "PARSE_TREE", "CREATE", "DECLARE",
		"ELSEIF", "DO", "SOUNDS", "IN":
		g.top().chain++
		g.chain++
	case "JOIN", "STRAIGHT_JOIN":
		g.top().chain++
		g.chain++
		g.top().tables = true
	case "FROM", "UPDATE", "USING":
		g.top().tables = true
	case "WHERE", "SET", "GROUP", "ORDER", "HAVING", "LIMIT", "SELECT", "VALUES", "VALUE", "FOR":
		g.top().tables = false
	case "INTERVAL":
		g.top().intervals++
		g.speculation++
	case "DAY", "HOUR", "MINUTE", "SECOND", "WEEK", "MONTH", "QUARTER", "YEAR", "MICROSECOND", "YEAR_MONTH",
		"DAY_HOUR", "DAY_MINUTE", "DAY_SECOND", "HOUR_MINUTE", "HOUR_SECOND", "MINUTE_SECOND", "SQL_TSI_DAY":
		if l := g.top(); l.intervals > 0 {
			l.intervals--
			g.speculation--
		}
	case "CASE", "BEGIN", "IF", "LOOP", "WHILE", "REPEAT":
		if !g.previous(i, "END") && !g.followed(i) {
			g.blocks++
		}
	case "END":
		if g.blocks > 0 {
			g.blocks--
		}
	}
}

func (g *guard) previous(i int, w string) bool {
	return i > 0 && strings.EqualFold(g.toks[i-1].Text, w)
}

// followed reports whether the word at i is not the head of a block: a
// function name, IF EXISTS, BEGIN as a statement, or a part of a name.
func (g *guard) followed(i int) bool {
	if i+1 >= len(g.toks) {
		return true
	}
	switch upper(g.toks[i+1].Text) {
	case ";", "EXISTS", "WORK", ".", ",", ")", "=":
		return true
	case "(":
		return !strings.EqualFold(g.toks[i].Text, "case")
	case "NOT":
		return i+2 < len(g.toks) && strings.EqualFold(g.toks[i+2].Text, "exists")
	}
	return false
}

// upper returns the ASCII upper case of a word without allocating for words
// that are already upper case.
func upper(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'a' && c <= 'z' {
			return strings.ToUpper(s)
		}
	}
	return s
}

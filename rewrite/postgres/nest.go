package postgres

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// maxReparse bounds the work of the parser's back-tracking, in bytes parsed:
// in "((SELECT …) + 1)" it reads the inner query once as a query in
// parentheses and once as an expression, and so doubles with every level.
const maxReparse = 8 << 20

// level is one open bracket or CASE.
type level struct {
	word  word
	start int
	// cost is how often the parser may read what is inside.
	cost int
	// prefix counts prefix operators (NOT, OPERATOR(…)) whose operands are not
	// closed; joins counts JOINs that wait for their condition; between counts
	// BETWEENs that wait for their AND.
	prefix, joins, between int
	// skipJoin is set behind CROSS and NATURAL: their JOIN has no condition.
	skipJoin bool
}

// nesting follows the tokens of a text and reports where the parser would
// recurse too deeply (a stack overflow ends the process) or too often.
type nesting struct {
	stack []level
	prev  word
	// parens counts "(" in a row, ops operators in a row.
	parens, ops int
	pos         int
}

func newNesting() *nesting {
	return &nesting{stack: append(make([]level, 0, 16), level{cost: 1})}
}

// feed takes the next token and reports whether the text is still within
// bounds; pos is then where it is not.
func (n *nesting) feed(w word, start, end int) bool {
	n.pos = start
	top := &n.stack[len(n.stack)-1]
	n.countRun(w, top)
	ok := true
	switch w {
	case pLParen, pLBracket:
		cost := top.cost
		switch n.prev {
		case kwSubstring, kwOverlay, kwJSONObject:
			cost *= 2
		}
		n.stack = append(n.stack, level{word: w, start: start, cost: min(cost, maxReparse)})
	case kwCase:
		n.stack = append(n.stack, level{word: w, start: start, cost: top.cost})
	case pRParen, pRBracket:
		ok = n.pop(w, end)
	case kwEnd:
		if top.word == kwCase {
			ok = n.pop(w, end)
		}
	default:
		n.clause(w, top)
	}
	n.prev = w
	return ok && len(n.stack) <= rewrite.MaxNesting && n.ops <= rewrite.MaxNesting &&
		top.prefix <= rewrite.MaxNesting && top.joins <= rewrite.MaxNesting
}

// countRun counts brackets and operators in a row. A query behind several "("
// is what makes the parser go back.
func (n *nesting) countRun(w word, top *level) {
	switch w {
	case pOp:
		n.ops++
	default:
		n.ops = 0
	}
	switch w {
	case pLParen:
		n.parens++
		return
	case kwSelect, kwValues, kwTable, kwWith:
		if n.parens > 1 {
			top.cost = min(top.cost*n.parens, maxReparse)
		}
	}
	n.parens = 0
}

// clause follows what stays open inside a level.
func (n *nesting) clause(w word, top *level) {
	switch w {
	case kwNot:
		if n.prev != kwIs {
			top.prefix++
		}
	case kwOperator:
		top.prefix++
	case kwIn, kwLike, kwIlike, kwSimilar, kwBetween:
		if n.prev == kwNot && top.prefix > 0 {
			top.prefix-- // NOT IN and the like are no prefix
		}
		if w == kwBetween {
			top.between++
		}
	case kwAnd:
		if top.between > 0 {
			top.between--
		} else {
			top.prefix = 0
		}
	case kwOr, pComma, pSemicolon:
		top.prefix, top.between = 0, 0
		if w != kwOr {
			top.joins = 0
		}
	case kwCross, kwNatural:
		top.skipJoin = true
	case kwJoin:
		if !top.skipJoin {
			top.joins++
		}
		top.skipJoin = false
		top.prefix = 0
	case kwOn, kwUsing:
		top.joins = max(0, top.joins-1)
	case kwSelect, kwWhere:
		top.prefix, top.between, top.joins = 0, 0, 0
	}
}

// pop closes the innermost bracket and what is open inside it.
func (n *nesting) pop(w word, end int) bool {
	for len(n.stack) > 1 {
		l := n.stack[len(n.stack)-1]
		n.stack = n.stack[:len(n.stack)-1]
		if !affordable(l, end) {
			n.pos = l.start
			return false
		}
		if w == kwEnd || l.word != kwCase {
			return true
		}
	}
	return true
}

func affordable(l level, end int) bool {
	return l.cost <= 4 || l.cost*(end-l.start) <= maxReparse
}

// finish checks what was never closed.
func (n *nesting) finish(end int) bool {
	for _, l := range n.stack[1:] {
		if !affordable(l, end) {
			n.pos = l.start
			return false
		}
	}
	return true
}

// shallow reports, without reading tokens, that a text cannot exceed the caps:
// it has too few bytes that can open anything.
func shallow(text string) bool {
	if strings.Count(text, "(") > 12 {
		return false
	}
	n := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 'a':
			switch c {
			case 'n', 'c', 'j', 'o', '~', '|':
				n++
			}
		case c == 'N', c == 'C', c == 'J', c == 'O', c == '[', isOpChar(c):
			n++
		}
	}
	return n < rewrite.MaxNesting
}

// tooDeep checks a text that is not split yet.
func tooDeep(text string) error {
	if shallow(text) {
		return nil
	}
	n := newNesting()
	x := lexer{s: text}
	for {
		l, ok := x.next()
		if !ok {
			break
		}
		if !n.feed(l.word, l.start, l.end) {
			return deep(n.pos)
		}
	}
	if !n.finish(len(text)) {
		return deep(n.pos)
	}
	return nil
}

// check is tooDeep for a text that is split.
func (t *tokens) check() error {
	n := newNesting()
	for i, w := range t.word {
		if !n.feed(w, t.list[i].Start, t.list[i].End) {
			return deep(n.pos)
		}
	}
	if !n.finish(len(t.text)) {
		return deep(n.pos)
	}
	return nil
}

func deep(pos int) error {
	return &rewrite.UnsupportedError{
		Pos: pos, Reason: rewrite.ReasonTooDeep,
		Hint: "write it with fewer nested parentheses, CASEs or prefix operators",
	}
}

package sqlite

import (
	"github.com/sqlc-dev/meyer/lexer"
	"github.com/sqlc-dev/meyer/token"

	"github.com/sealsql/sealsql/rewrite"
)

// maxDepth bounds the depth of the lowered tree, so that nothing that walks it
// can overflow the stack: a chain of binary operators nests to the left
// without a parenthesis. SQLite itself gives up at an expression depth of
// 1,000 (SQLITE_MAX_EXPR_DEPTH), 500 terms of a compound SELECT and 64 joined
// tables.
const maxDepth = 3000

// Prepare refuses texts longer than [rewrite.MaxTextBytes], nested deeper than
// [rewrite.MaxNesting], or with a NUL byte. SQLite has no executable comments
// (threats T1), so the text comes back as it is.
func (frontend) Prepare(text string, _ *rewrite.Session) (string, error) {
	if len(text) > rewrite.MaxTextBytes {
		return "", &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonTooLong}
	}
	if err := refuseNUL(text); err != nil {
		return "", err
	}
	if mayNest(text) {
		if pos := tooDeep(lexer.Lex(text)); pos >= 0 {
			return "", &rewrite.UnsupportedError{Pos: pos, Reason: rewrite.ReasonTooDeep}
		}
	}
	return text, nil
}

// opener marks the bytes that can begin something that nests: a parenthesis, a
// sign, and the first letters of NOT and CASE.
var opener = [256]uint8{'(': 1, '+': 1, '-': 1, '~': 1, 'n': 2, 'N': 2, 'c': 3, 'C': 3}

// mayNest counts everything that could open a level, strings and comments
// included. Hardly any text passes the limit, and those that do not need no
// tokens.
func mayNest(text string) bool {
	if len(text) <= rewrite.MaxNesting {
		return false
	}
	n := 0
	for i := 0; i < len(text); i++ {
		switch opener[text[i]] {
		case 0:
			continue
		case 2:
			if i+2 >= len(text) || text[i+1]|0x20 != 'o' || text[i+2]|0x20 != 't' {
				continue
			}
		case 3:
			if i+2 >= len(text) || text[i+1]|0x20 != 'a' || text[i+2]|0x20 != 's' {
				continue
			}
		}
		n++
	}
	return n > rewrite.MaxNesting
}

// tooDeep returns the offset where nesting passes the limit, or -1. A level is
// an open parenthesis, an open CASE, or one of a row of prefix operators.
// Levels that need grammar to be seen (a = NOT b = NOT c …) are left to
// maxDepth and to the parser's own bound.
func tooDeep(toks []token.Token) int {
	type level struct{ cases, prefix int }
	var (
		stack  []level // what was open outside each parenthesis
		outer  int     // the sum of stack
		cases  int     // CASEs open in the current parenthesis
		prefix int     // prefix operators in a row
	)
	for _, t := range toks {
		switch t.Kind {
		case token.NOT, token.PLUS, token.MINUS, token.BITNOT:
			prefix++
		case token.CASE:
			cases, prefix = cases+1, 0
		case token.END:
			cases, prefix = max(cases-1, 0), 0
		case token.LP:
			stack = append(stack, level{cases, prefix})
			outer += cases + prefix
			cases, prefix = 0, 0
		case token.RP:
			if n := len(stack); n > 0 {
				cases = stack[n-1].cases
				outer -= cases + stack[n-1].prefix
				stack = stack[:n-1]
			}
			prefix = 0
		default:
			prefix = 0
		}
		if len(stack)+outer+cases+prefix > rewrite.MaxNesting {
			return t.Pos
		}
	}
	return -1
}

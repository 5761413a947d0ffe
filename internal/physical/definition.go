package physical

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// definition is the column list of a CREATE TABLE.
type definition struct {
	columns []columnDefinition
	// close is the parenthesis behind the list, tail what follows it.
	close rewrite.Token
	tail  []rewrite.Token
}

// columnDefinition is one column; its type may have no tokens.
type columnDefinition struct {
	name   string
	at     rewrite.Token
	typeTo int // tokens of the type
	tokens []rewrite.Token
}

func (c *columnDefinition) typeSpan() rewrite.Span {
	if c.typeTo == 0 {
		return rewrite.Span{Start: c.at.End, End: c.at.End}
	}
	return rewrite.Span{Start: c.tokens[0].Start, End: c.tokens[c.typeTo-1].End}
}

func (c *columnDefinition) typeText(text string) string {
	s := c.typeSpan()
	return text[s.Start:s.End]
}

// tableWords begin elements of the list that are no columns. A column may have
// such a name in quotes only.
var tableWords = []string{
	"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "EXCLUDE", "LIKE", "PERIOD",
}

// typeEnds are the words behind a type.
var typeEnds = []string{
	"NOT", "NULL", "DEFAULT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "COLLATE", "GENERATED", "AS", "CONSTRAINT",
	"COMMENT", "AUTO_INCREMENT", "KEY", "ON", "CHARACTER", "CHARSET", "VISIBLE", "INVISIBLE", "STORAGE", "COMPRESSION",
}

// readDefinition reads the list in the first parentheses of a CREATE TABLE; ok
// is false where there is none.
func readDefinition(tokens []rewrite.Token, d rewrite.Dialect) (def definition, ok bool) {
	open := 0
	for open < len(tokens) && !is(tokens[open], "(") {
		open++
	}
	depth, from := 0, open+1
	for i := open; i < len(tokens); i++ {
		switch {
		case is(tokens[i], "("):
			depth++
		case is(tokens[i], ","):
			if depth == 1 {
				def.element(tokens[from:i], d)
				from = i + 1
			}
		case is(tokens[i], ")"):
			if depth--; depth == 0 {
				def.element(tokens[from:i], d)
				def.close, def.tail = tokens[i], tokens[i+1:]
				return def, true
			}
		}
	}
	return def, false
}

func (def *definition) element(tokens []rewrite.Token, d rewrite.Dialect) {
	if len(tokens) == 0 || !isName(tokens[0]) && tokens[0].Kind != rewrite.TokString || hasAny(tokens[:1], tableWords...) {
		return
	}
	c := columnDefinition{name: fold(d, tokens[0]), at: tokens[0], tokens: tokens[1:]}
	for c.typeTo < len(c.tokens) && !endsType(c.tokens, c.typeTo) {
		c.typeTo++
	}
	def.columns = append(def.columns, c)
}

// endsType knows "character varying" from "CHARACTER SET".
func endsType(tokens []rewrite.Token, i int) bool {
	if word(tokens[i], "CHARACTER") {
		return i+1 < len(tokens) && word(tokens[i+1], "SET")
	}
	return hasAny(tokens[i:i+1], typeEnds...)
}

// fold returns the name that a token means.
func fold(d rewrite.Dialect, t rewrite.Token) string {
	if t.Kind == rewrite.TokWord && d == rewrite.Postgres {
		return strings.ToLower(t.Text)
	}
	return t.Text
}

package physical

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// WithConstraint adds a table constraint to a CREATE TABLE of SQLite; ok is
// false where the text is not understood.
func WithConstraint(f rewrite.Frontend, source, clause string) (text string, ok bool) {
	def, _, ok := elementsOf(f, source)
	if !ok {
		return "", false
	}
	return source[:def.close.Start] + ",\n  " + clause + "\n" + source[def.close.Start:], true
}

// WithoutConstraint takes a CHECK by its name out of a CREATE TABLE of SQLite,
// whether it belongs to a column or to the table. A text without it stays as it
// is.
func WithoutConstraint(f rewrite.Frontend, source, name string) (text string, ok bool) {
	_, elements, ok := elementsOf(f, source)
	if !ok {
		return "", false
	}
	for _, e := range elements {
		for i := 0; i+3 < len(e); i++ {
			if !word(e[i], "CONSTRAINT") || !strings.EqualFold(e[i+1].Text, name) || !word(e[i+2], "CHECK") || !is(e[i+3], "(") {
				continue
			}
			end := closing(e, i+3)
			if end < 0 {
				return "", false
			}
			from := e[i].Start
			if i == 0 {
				from = strings.LastIndexByte(source[:from], ',')
			}
			if from < 0 {
				return "", false
			}
			return source[:from] + source[e[end].End:], true
		}
	}
	return source, true
}

// WithoutColumn takes a column out of a CREATE TABLE of SQLite, with the table
// constraints that name it.
func WithoutColumn(f rewrite.Frontend, source, column string) (text string, ok bool) {
	def, elements, ok := elementsOf(f, source)
	if !ok {
		return "", false
	}
	var kept []string
	for i, e := range elements {
		if len(e) == 0 {
			return "", false
		}
		constraint := hasAny(e[:1], tableWords...) && e[0].Kind == rewrite.TokWord
		if !constraint && schema.EqualNames(e[0].Text, column) || constraint && names(e, column) {
			continue
		}
		end := def.close.Start
		if i+1 < len(elements) {
			end = e[len(e)-1].End
		}
		kept = append(kept, strings.TrimRight(source[e[0].Start:end], " \t\n"))
	}
	if len(kept) == len(elements) || len(elements[0]) == 0 {
		return "", false
	}
	return source[:elements[0][0].Start] + strings.Join(kept, ",\n  ") + source[def.close.Start:], true
}

func names(tokens []rewrite.Token, column string) bool {
	for _, t := range tokens {
		if (isName(t) || t.Kind == rewrite.TokString) && schema.EqualNames(t.Text, column) {
			return true
		}
	}
	return false
}

// closing returns the index of the parenthesis that closes the one at i, or -1.
func closing(tokens []rewrite.Token, i int) int {
	for depth := 0; i < len(tokens); i++ {
		if is(tokens[i], "(") {
			depth++
		} else if is(tokens[i], ")") {
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// elementsOf splits the list of a CREATE TABLE of SQLite.
func elementsOf(f rewrite.Frontend, source string) (def definition, elements [][]rewrite.Token, ok bool) {
	var s rewrite.Session
	parsed, _ := f.Parse(source, &s)
	if parsed == nil {
		return def, nil, false
	}
	if def, ok = readDefinition(parsed.Tokens, rewrite.SQLite); !ok {
		return def, nil, false
	}
	open := 0
	for !is(parsed.Tokens[open], "(") {
		open++
	}
	depth, from := 0, open+1
	for i := open; i < len(parsed.Tokens); i++ {
		t := parsed.Tokens[i]
		switch {
		case is(t, "("):
			depth++
		case is(t, ",") && depth == 1:
			elements, from = append(elements, parsed.Tokens[from:i]), i+1
		case is(t, ")"):
			if depth--; depth == 0 {
				return def, append(elements, parsed.Tokens[from:i]), true
			}
		}
	}
	return def, nil, false
}

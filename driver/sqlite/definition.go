package sqlite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// tokens reads a definition of sqlite_schema; nil where it cannot be read.
func (rd *reader) tokens(sql string) []rewrite.Token {
	var s rewrite.Session
	text, err := rd.front.Prepare(sql, &s)
	if err != nil {
		return nil
	}
	script, _ := rd.front.Parse(text, &s)
	if script == nil {
		return nil
	}
	return script.Tokens
}

// words returns the names and strings of a definition, lower case, each once.
// Strings count: SQLite takes them for names where a name must stand.
func words(toks []rewrite.Token) []string {
	var out []string
	for i := range toks {
		switch toks[i].Kind {
		case rewrite.TokWord, rewrite.TokQuoted, rewrite.TokString:
			out = append(out, strings.ToLower(toks[i].Text))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func isWord(t *rewrite.Token, word string) bool {
	return t.Kind == rewrite.TokWord && strings.EqualFold(t.Text, word)
}

func isPunct(t *rewrite.Token, sql string) bool { return t.Kind == rewrite.TokPunct && t.Text == sql }

// bracketed returns what stands in brackets behind a word, lower case: the conditions of a
// table's CHECK constraints, and behind AS the expressions of its generated columns.
func bracketed(toks []rewrite.Token, sql, word string) []string {
	var out []string
	for i := 0; i+1 < len(toks); i++ {
		if !isWord(&toks[i], word) || !isPunct(&toks[i+1], "(") {
			continue
		}
		if end := closing(toks, i+1); end > 0 {
			out = append(out, strings.ToLower(sql[toks[i+1].End:toks[end].Start]))
		}
	}
	return out
}

// closing returns the index of the parenthesis that closes the one at open.
func closing(toks []rewrite.Token, open int) int {
	depth := 0
	for i := open; i < len(toks); i++ {
		switch {
		case isPunct(&toks[i], "("):
			depth++
		case isPunct(&toks[i], ")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// collations finds the COLLATE clauses of a table's column definitions. No
// pragma tells them for columns without an index. Columns of a table whose
// definition cannot be read have no known collation.
func (rel *relation) collations(toks []rewrite.Token) {
	if rel.Kind != rewrite.RelTable {
		return
	}
	open := slices.IndexFunc(toks, func(t rewrite.Token) bool { return t.Kind == rewrite.TokPunct && t.Text == "(" })
	if open < 0 {
		rel.noCollations()
		return
	}
	start, depth := open+1, 0
	for i := open + 1; i < len(toks); i++ {
		switch {
		case depth == 0 && (isPunct(&toks[i], ",") || isPunct(&toks[i], ")")):
			rel.collation(toks[start:i])
			start = i + 1
			if isPunct(&toks[i], ")") {
				return
			}
		case isPunct(&toks[i], "("):
			depth++
		case isPunct(&toks[i], ")"):
			depth--
		}
	}
}

// collation reads one column definition.
func (rel *relation) collation(def []rewrite.Token) {
	depth := 0
	for i := 1; i+1 < len(def); i++ {
		switch {
		case isPunct(&def[i], "("):
			depth++
		case isPunct(&def[i], ")"):
			depth--
		case depth == 0 && isWord(&def[i], "collate"):
			rel.setCollation(def[0].Text, def[i+1].Text)
		}
	}
}

func (rel *relation) setCollation(column, collation string) {
	for i := range rel.Columns {
		if strings.EqualFold(rel.Columns[i].Name, column) {
			rel.Columns[i].Collation = strings.ToUpper(collation)
			rel.Columns[i].BytewiseEqual = strings.EqualFold(collation, "binary")
		}
	}
}

func (rel *relation) noCollations() {
	for i := range rel.Columns {
		rel.Columns[i].Collation = ""
		rel.Columns[i].BytewiseEqual = false
	}
}

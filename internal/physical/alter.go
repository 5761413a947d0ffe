package physical

import (
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// harmlessAlter reports whether a statement that the planner refuses, because
// it names an annotated table, is an ALTER TABLE whose every action is known to
// leave encrypted columns alone. Dumps define their keys in this way. Anything
// that is not on the list stays refused.
func (k *known) harmlessAlter(tokens []rewrite.Token) bool {
	if len(tokens) < 4 || !word(tokens[0], "ALTER") || !word(tokens[1], "TABLE") {
		return false
	}
	for _, t := range tokens {
		if t.Kind == rewrite.TokString && k.catalog().Mentions(t.Text) {
			return false
		}
	}
	table, rest := k.alteredTable(tokens[2:])
	if len(rest) == 0 {
		return false
	}
	for _, action := range actions(rest) {
		if !k.harmless(table, action) {
			return false
		}
	}
	return true
}

// alteredTable reads [IF EXISTS] [ONLY] name; table is nil for one that is not
// annotated.
func (k *known) alteredTable(tokens []rewrite.Token) (table *schema.Table, rest []rewrite.Token) {
	for len(tokens) > 0 && hasAny(tokens[:1], "IF", "EXISTS", "ONLY") {
		tokens = tokens[1:]
	}
	var path []rewrite.Ident
	for len(tokens) > 0 && isName(tokens[0]) {
		path = append(path, rewrite.Ident{Name: fold(k.dialect, tokens[0])})
		tokens = tokens[1:]
		if len(tokens) == 0 || !is(tokens[0], ".") {
			break
		}
		tokens = tokens[1:]
	}
	if len(path) == 0 {
		return nil, nil
	}
	return k.catalog().Annotated(path), tokens
}

// actions cuts the actions of an ALTER TABLE at their commas.
func actions(tokens []rewrite.Token) [][]rewrite.Token {
	var out [][]rewrite.Token
	depth, from := 0, 0
	for i, t := range tokens {
		switch {
		case is(t, "("):
			depth++
		case is(t, ")"):
			depth--
		case is(t, ",") && depth == 0:
			out = append(out, tokens[from:i])
			from = i + 1
		}
	}
	return append(out, tokens[from:])
}

func (k *known) harmless(table *schema.Table, action []rewrite.Token) bool {
	begins := func(words ...string) bool {
		if len(action) <= len(words) {
			return false
		}
		for i, w := range words {
			if !word(action[i], w) {
				return false
			}
		}
		return true
	}
	if k.namesEncrypted(action) {
		return false
	}
	switch {
	case begins("ADD"):
		return keyDefinition(action[1:])
	case begins("OWNER", "TO"), begins("AUTO_INCREMENT"):
		return true
	case begins("ALTER", "COLUMN"):
		return k.fills(table, action[2:])
	case begins("MODIFY", "COLUMN"):
		return !k.isPartition(table, action[2])
	case begins("ALTER"):
		return k.fills(table, action[1:])
	case begins("MODIFY"):
		return !k.isPartition(table, action[1])
	}
	return false
}

// keyDefinition recognises ADD [CONSTRAINT name] PRIMARY KEY, UNIQUE, FOREIGN
// KEY, KEY and INDEX. CHECK is not among them: an expression can take the row
// as a whole.
func keyDefinition(tokens []rewrite.Token) bool {
	if len(tokens) > 2 && word(tokens[0], "CONSTRAINT") {
		if tokens = tokens[1:]; !hasAny(tokens[:1], "PRIMARY", "UNIQUE", "FOREIGN") {
			tokens = tokens[1:]
		}
	}
	if len(tokens) == 0 || !hasAny(tokens[:1], "PRIMARY", "UNIQUE", "FOREIGN", "KEY", "INDEX") {
		return false
	}
	return onlyNames(tokens)
}

// onlyNames refuses expressions: an index key in parentheses of its own may be
// any.
func onlyNames(tokens []rewrite.Token) bool {
	depth := 0
	for _, t := range tokens {
		switch {
		case is(t, "("):
			depth++
		case is(t, ")"):
			depth--
		case t.Kind == rewrite.TokString:
			return false
		}
		if depth > 2 || hasAny([]rewrite.Token{t}, "WHERE", "CHECK", "EXCLUDE", "SELECT") {
			return false
		}
	}
	return true
}

// fills recognises what pg_dump says of serial and identity columns. Neither
// is for the partition column, which the application fills in.
func (k *known) fills(table *schema.Table, tokens []rewrite.Token) bool {
	if len(tokens) < 3 || k.isPartition(table, tokens[0]) {
		return false
	}
	verb, what := tokens[1], tokens[2]
	switch {
	case word(verb, "SET"):
		return hasAny([]rewrite.Token{what}, "DEFAULT", "NOT", "STATISTICS")
	case word(verb, "DROP"):
		return hasAny([]rewrite.Token{what}, "DEFAULT", "NOT")
	case word(verb, "ADD"):
		return word(what, "GENERATED") && hasAny(tokens, "IDENTITY")
	}
	return false
}

func (k *known) isPartition(table *schema.Table, t rewrite.Token) bool {
	return table != nil && table.Partition.Kind == schema.PartitionColumn &&
		schema.EqualNames(table.Partition.Column, fold(k.dialect, t))
}

// namesEncrypted looks for the name of any encrypted column, of whatever table.
func (k *known) namesEncrypted(tokens []rewrite.Token) bool {
	for _, t := range k.annotations.Tables() {
		for _, tok := range tokens {
			if (isName(tok) || tok.Kind == rewrite.TokString) && t.Column(tok.Text) != nil {
				return true
			}
		}
	}
	return false
}

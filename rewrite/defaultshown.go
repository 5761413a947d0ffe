package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Migrators compare the defaults in the catalog with those of their models. The database
// has none of an encrypted column, and its value must not stand in a text that asks for
// it. So the catalog is asked for a mark, for which the driver puts the default into what
// it hands on.

const (
	defaultMark = "sealsql:default:"
	// inDefinition follows it in the text of a CREATE TABLE.
	inDefinition = "definition:"
)

// markOf is the mark of a column's default.
func markOf(c *schema.Column) string { return defaultMark + marked(c) }

// createMarkOf is its mark in SQLite's texts of definitions.
func createMarkOf(c *schema.Column) string { return defaultMark + inDefinition + marked(c) }

func marked(c *schema.Column) string { return strings.ToLower(c.Table.String()+"."+c.Name) + ";" }

// DefaultsShown returns what puts the defaults of encrypted columns into texts of the
// catalog that Plan.Defaults says may have their marks, as the catalog spells them; maria
// says that a server of MySQL's dialect is MariaDB.
func DefaultsShown(d Dialect, maria bool, annotations *schema.Catalog) *strings.Replacer {
	var pairs []string
	for _, t := range annotations.Tables() {
		for _, c := range t.Columns {
			if c.Default == nil {
				continue
			}
			shown := defaultShown(d, maria, c)
			pairs = append(pairs, markOf(c), shown)
			if strings.HasPrefix(shown, "'") { // GORM writes and expects a text in double quotes
				shown = quoted(*c.Default)
			}
			pairs = append(pairs, createMarkOf(c), shown)
		}
	}
	return strings.NewReplacer(pairs...)
}

// defaultShown spells a default as the engine's catalog does.
func defaultShown(d Dialect, maria bool, c *schema.Column) string {
	text, typ := *c.Default, ""
	number := isNumeric(c) && sameNumber(text, text)
	if truthWord(d, c) {
		number = true
		switch {
		case d == Postgres:
			text = strings.ToLower(text)
		case d == SQLite: // as it is written
		case strings.EqualFold(text, "true"):
			text = "1"
		default:
			text = "0"
		}
	}
	if d == Postgres {
		typ = "::" + describePostgres(c.Type).name
	}
	switch {
	case d == MySQL && !maria, number && (d != Postgres || !strings.HasPrefix(text, "-")):
		return text
	case d == MySQL:
		text = strings.ReplaceAll(text, `\`, `\\`)
	}
	return literal(text) + typ
}

// defaults are the marks of the columns' defaults, where name is the column of a relation
// of information_schema that shows them; "" for none.
func (s *shaping) defaults(name, cast string) string {
	var arms strings.Builder
	for _, t := range s.tables {
		for _, c := range t.Columns {
			if c.Default != nil {
				arms.WriteString(" WHEN " + s.isColumn(t, c.Name) + " THEN " + literal(markOf(c)))
			}
		}
	}
	if arms.Len() == 0 {
		return ""
	}
	return "(CASE" + arms.String() + " ELSE " + s.quote(s.column(name)) + " END)" + cast
}

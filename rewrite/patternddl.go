package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// The database's own indexes of fragment indexes, for a CREATE TABLE: MySQL has a
// place for them in it, the others in statements of their own.

// patternKeys writes those that stand in the definition.
func (d *tableDefinition) patternKeys(text *strings.Builder, c *schema.Column) {
	if d.a.dialect != MySQL {
		return
	}
	for _, x := range c.Fragments() {
		if !hasSide(MySQL, x) {
			text.WriteString(",\n  KEY " + d.a.front.QuoteIdent(FragmentIndexName(x)) + " (" + d.a.front.QuoteIdent(x.Name) + ")")
		}
	}
}

// patternIndexes are the statements behind the definition. Nothing is to be done
// where the table was there before.
func (d *tableDefinition) patternIndexes(t *Table) []string {
	if d.a.dialect == MySQL {
		return nil
	}
	var out []string
	quote := d.a.front.QuoteIdent
	for _, c := range d.t.Columns {
		if d.names[c] == "" {
			continue
		}
		for _, x := range c.Fragments() {
			if hasSide(d.a.dialect, x) {
				continue
			}
			last := len(t.Path) - 1
			schemaOf, table := "", quote(t.Path[last].Name)
			if last > 0 {
				schemaOf = quote(t.Path[last-1].Name) + "."
			}
			name := quote(FragmentIndexName(x))
			if d.a.dialect == SQLite {
				name = schemaOf + name // where the index goes is where its table is
			} else {
				table = schemaOf + table
			}
			out = append(out, fragmentIndex(d.a.front, "IF NOT EXISTS "+name, table, x))
		}
	}
	return out
}

// notPatternIndex leaves out indexes, tables and triggers that only patterns
// have, by their names in a column; "" where no column has such.
func (s *shaping) notPatternIndex(column string) string {
	for _, t := range s.tables {
		for _, c := range t.Columns {
			if len(c.Fragments()) == 0 {
				continue
			}
			name := "lower(" + s.quote(s.column(column)) + ")"
			return "substr(" + name + ", 1, 14) <> 'sealsql_index_' AND substr(" + name + ", 1, 15) <> " + literal(tokenPrefix)
		}
	}
	return ""
}

package physical

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// sides prints what makes searches for patterns quick: the database's own
// indexes of columns that are added, and the tables of tokens.
func (c *comparison) sides(w *work) {
	table := c.front.QuoteIdent(w.rel.ID.Name)
	if c.front.Dialect() == rewrite.Postgres {
		table = c.front.QuoteIdent(w.rel.ID.Schema) + "." + table
	}
	for _, e := range w.unindexed {
		x, ok := e.(*schema.Fragments)
		if !ok {
			continue
		}
		if sql := rewrite.FragmentIndex(c.front, table, x); sql != "" {
			c.report.Changes = append(c.report.Changes, Change{Why: []string{x.Of.String() + ": the " + x.Kind.String() + " index is a column, which needs an index of the database's."}, SQL: sql + ";"})
		}
	}
	for _, x := range rewrite.MissingSides(c.front, c.db.Snapshot, w.rel, w.tab) {
		if slices.Contains(w.unindexed, schema.Index(x)) {
			c.find(x.Of.String(), "its contains index has no table of tokens", "add the column, then run sealsql ddl again")
			continue
		}
		c.report.Changes = append(c.report.Changes, Change{
			Why: []string{
				x.Of.String() + ": no table of tokens that triggers keep. Searches with LIKE '%…%' read the tokens of all rows without",
				"it. Every row is rewritten once.",
			},
			SQL: c.sideScript(rewrite.SideDDL(c.front, w.rel, x)),
		})
	}
}

// sideScript puts statements one behind the other for the database's client;
// MySQL's must be told where a trigger ends.
func (c *comparison) sideScript(statements []string) string {
	if c.front.Dialect() != rewrite.MySQL {
		return strings.Join(statements, ";\n") + ";"
	}
	return "DELIMITER //\n" + strings.Join(statements, " //\n") + " //\nDELIMITER ;"
}

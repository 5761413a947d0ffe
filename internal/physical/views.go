package physical

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// ViewClauses are what the definition of a view does not hold and CREATE OR REPLACE
// VIEW must repeat, each as it stands in the statement or empty.
type ViewClauses struct {
	// Before stands behind CREATE OR REPLACE (MySQL: ALGORITHM, DEFINER, SQL
	// SECURITY), With behind the name (PostgreSQL: WITH (…)), Behind at the end
	// (MySQL: WITH CHECK OPTION).
	Before, With, Behind string
}

// views advises on views that lack index columns. Nothing is missing in the
// database: searches through them are refused until somebody makes them anew.
func (c *comparison) views() {
	cat := rewrite.NewCatalog(c.front.Dialect(), c.db.Snapshot, c.db.Names, c.annotations, c.decl)
	for _, l := range rewrite.MissingViewIndexes(c.front, cat, c.db.Snapshot, &c.db.Session) {
		if c.front.Dialect() == rewrite.MySQL && c.db.Schema != "" && !strings.EqualFold(l.ID.Schema, c.db.Schema) {
			continue
		}
		why := "view " + l.ID.Name + " does not show " + strings.Join(l.Columns, ", ") + ": searches and writes that need an index are refused on it"
		if c.front.Dialect() == rewrite.SQLite && len(l.Triggers) > 0 {
			c.report.Advice = append(c.report.Advice, Change{Why: []string{why, "it has triggers (" + strings.Join(l.Triggers, ", ") + "), which go when it is dropped: make both anew"}})
			continue
		}
		c.report.Advice = append(c.report.Advice, Change{Why: []string{why}, SQL: c.viewStatement(l)})
	}
}

// viewStatement makes a view anew.
func (c *comparison) viewStatement(l rewrite.ViewLack) string {
	q := c.front.QuoteIdent
	name := q(l.ID.Schema) + "." + q(l.ID.Name)
	if c.front.Dialect() == rewrite.SQLite {
		end := ";"
		if strings.Contains(l.Query, "--") { // a comment up to the end
			end = "\n;"
		}
		return "BEGIN;\nDROP VIEW " + name + ";\n" + l.Query + end + "\nCOMMIT;"
	}
	if len(l.Names) > 0 {
		names := make([]string, len(l.Names))
		for i, n := range l.Names {
			names[i] = q(n)
		}
		name += " (" + strings.Join(names, ", ") + ")"
	}
	k := c.db.Views[l.ID]
	words := []string{"CREATE OR REPLACE", k.Before, "VIEW", name, k.With, "AS", l.Query, k.Behind}
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ") + ";"
}

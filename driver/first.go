package driver

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// comesFirst reports a text that may have to be the first of its transaction: SET
// TRANSACTION is an error behind a query, and what LOCK waits for is not seen under a
// snapshot that was taken before. A backslash is left to those who know how the session
// reads it: the settings are not looked at here.
func comesFirst(query string) bool {
	word := strings.TrimLeft(query, " \t\r\n")
	return len(word) > 4 && !strings.Contains(word, `\`) && (strings.EqualFold(word[:3], "set") || strings.EqualFold(word[:4], "lock"))
}

// planFirst plans such a text without the catalog, reading which would be the first
// query of the transaction. It returns nil for all others.
func (c *conn) planFirst(query string, o rewrite.Options) *rewrite.Plan {
	if c.cr.front.Dialect() != rewrite.Postgres {
		return nil
	}
	script := c.parse(query)
	if script == nil || len(script.Statements) != 1 {
		return nil
	}
	st, ok := script.Statements[0].(*rewrite.Other)
	if !ok || st.Kind != rewrite.OtherTransaction && !(st.Kind == rewrite.OtherMaintenance && st.Verb == "LOCK") {
		return nil
	}
	p, err := c.cr.plans.Plan(query, c.cr.cats.bare, &rewrite.Session{ModeKnown: true}, o)
	if err != nil || !p.Pass || p.Effects != 0 {
		return nil
	}
	return p
}

package fuzzsql_test

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// again writes an argument that may stand in a text more than once: PostgreSQL's
// have numbers.
func (g *generator) again(k kind) (string, bool) {
	if g.w.dialect != rewrite.Postgres || k != kindText && k != kindInt && k != kindBool {
		return "", false
	}
	g.asks["decided by the driver"] = true
	v := g.w.marked(k, g.vals.IntN(60))
	switch {
	case g.in(4) && k == kindText:
		v = ""
	case g.in(4) && k == kindInt:
		v = int64(0)
	}
	return "CAST(" + g.bind(v) + " AS " + g.w.spelling(k) + ")", true
}

// decided compares such an argument with a literal, which the driver does in the
// place of the server.
func (g *generator) decided(k kind, v string) string {
	switch k {
	case kindText:
		return v + g.pick(" <> ''", " = ''", " = 'blocked'", " IS NULL")
	case kindInt:
		return v + g.pick(" > 0", " = 0", " <> 7", " IS NOT NULL")
	}
	return g.pick(v, "NOT "+v, v+" = TRUE", v+" IS NULL")
}

// labels are those of an enumerated type that holds every marked text.
func (w *world) labels() string {
	var list []string
	seen := map[string]bool{}
	for n := range 60 {
		if s := w.marked(kindText, n).(string); !seen[s] {
			seen[s] = true
			list = append(list, textLiteral(w.dialect, s, 0))
		}
	}
	return strings.Join(list, ", ")
}

package fuzzsql_test

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// clientRows makes a query that the driver answers from the rows: the smallest and
// greatest values, or different rows, of columns with client_sort.
func (g *generator) clientRows() (query, bool) {
	from, s := g.from(nil)
	found := s.all(func(c col) bool { return c.base && c.sorts })
	if len(found) == 0 {
		return query{}, false
	}
	where := " FROM " + from
	if g.in(2) {
		where += " WHERE " + g.fixedAnd(s, g.cond(s))
	}
	var items []string
	var cols []col
	if g.hasExtremes(found[0]) && g.in(2) {
		g.asks["extremes by client_sort"] = true
		for range 1 + g.n(2) {
			text := g.pick("max", "MIN") + "(" + found[0].ref + ")"
			if g.in(2) {
				text += g.pick(" AS ", " ") + g.name("m")
			}
			items = append(items, text)
		}
		return query{text: "SELECT " + strings.Join(items, ", ") + where}, true
	}
	g.asks["distinct by client_sort"] = true
	list := append([]col{pickOf(g.dice, found)}, s.all(isClear)...)
	for i, c := range list[:min(len(list), 1+g.n(3))] {
		if i > 0 {
			c = pickOf(g.dice, list)
		}
		items, cols = append(items, c.ref+" AS o"+string(rune('a'+i))), append(cols, c)
	}
	q := query{text: "SELECT DISTINCT " + strings.Join(items, ", ") + where, cols: cols}
	if g.in(2) {
		var keys []string
		for i := range items {
			keys = append(keys, "o"+string(rune('a'+i))+g.pick("", " DESC"))
		}
		q.text += " ORDER BY " + strings.Join(keys, ", ")
		if q.total = true; g.in(2) {
			q.text += " LIMIT " + g.limit()
		}
	}
	return q, true
}

// hasExtremes reports a column that the engine has MIN and MAX of.
func (g *generator) hasExtremes(c col) bool {
	return g.w.dialect != rewrite.Postgres || c.kind != kindBool && c.kind != kindUUID && c.kind != kindBytes
}

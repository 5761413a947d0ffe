package fuzzsql_test

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// clientShape makes a query of more than plain rows that the driver sorts by columns
// with client_sort: groups, locked rows, CASE, and the order of a query in FROM.
func (g *generator) clientShape() (query, bool) {
	from, s := g.from(nil)
	found := s.all(func(c col) bool { return c.base && c.sorts })
	if len(found) == 0 {
		return query{}, false
	}
	c := pickOf(g.dice, found)
	where := ""
	if g.in(2) {
		where = " WHERE " + g.fixedAnd(s, g.cond(s))
	}
	var keys []string
	for _, x := range s {
		if x.keys == nil {
			keys = nil
			break
		}
		keys = append(keys, x.keys...)
	}
	switch g.n(4) {
	case 0:
		return g.sortedGroups(c, from+where)
	case 1:
		if g.w.dialect != rewrite.SQLite {
			g.asks["locked rows by client_sort"] = true
			return query{text: "SELECT " + c.ref + " AS k FROM " + from + where + " ORDER BY " + c.ref + g.pick("", " DESC") + g.pick(" FOR UPDATE", " FOR UPDATE SKIP LOCKED"), cols: []col{c}}, true
		}
	case 2:
		if keys != nil {
			g.asks["CASE by client_sort"] = true
			other := c
			for _, o := range found {
				if o.alike(c) && g.in(2) {
					other = o
				}
			}
			key := "CASE WHEN " + g.cond(s) + " THEN " + c.ref + g.pick(" END", " ELSE "+other.ref+" END", " ELSE NULL END") + g.pick("", " DESC")
			return g.limited(query{text: "SELECT " + keys[0] + " AS k FROM " + from + where + " ORDER BY " + key + ", " + strings.Join(keys, ", "), cols: []col{{ref: "k", name: "k", kind: kindInt}}, total: true}), true
		}
	}
	if keys == nil || g.w.dialect == rewrite.MySQL { // which drops the order
		return query{}, false
	}
	g.asks["order of a query in FROM by client_sort"] = true
	items, names := []string{c.ref + " AS k"}, []string{g.pick("k", "1") + g.pick("", " DESC")}
	for i, k := range keys {
		name := "o" + string(rune('a'+i))
		items, names = append(items, k+" AS "+name), append(names, name)
	}
	inner := "SELECT " + strings.Join(items, ", ") + " FROM " + from + where + " ORDER BY " + strings.Join(names, ", ")
	return g.limited(query{text: "SELECT d.k, d.oa FROM (" + inner + ") d" + g.pick("", " WHERE d.k IS NOT NULL"), cols: []col{c}, total: true}), true
}

// sortedGroups makes groups in the order of their key.
func (g *generator) sortedGroups(c col, from string) (query, bool) {
	if !sortsGroups(c) {
		return query{}, false
	}
	g.asks["groups by client_sort"] = true
	q := query{text: "SELECT " + c.ref + " AS k, count(*) AS n FROM " + from + " GROUP BY " + g.pick("1", c.ref), total: true}
	if g.in(3) {
		q.text += " HAVING count(*) > " + g.small()
	}
	q.cols = []col{{ref: "k", name: "k", kind: c.kind, sealed: true}, {ref: "n", name: "n", kind: kindInt}}
	q.text += " ORDER BY " + g.pick("k", "1", "n DESC, k", "count(*), 1") + g.pick("", " DESC")
	return g.limited(q), true
}

// limited adds LIMIT at times.
func (g *generator) limited(q query) query {
	if g.in(3) {
		q.text += " LIMIT " + g.limit()
	}
	return q
}

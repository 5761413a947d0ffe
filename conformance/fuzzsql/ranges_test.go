package fuzzsql_test

import (
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

func isRanged(c col) bool { return c.order != orderNone && (c.base || c.shown) }

func isSorted(c col) bool { return c.order == orderRevealing && (c.base || c.shown) }

// rangeEnd writes a value that a range begins or ends with.
func (g *generator) rangeEnd(c col) string {
	v := g.w.marked(c.kind, g.vals.IntN(60))
	if g.in(6) {
		v = plainValue(c.kind, g.vals.IntN(60))
	}
	limit := textPrefix[c.order]
	switch x := v.(type) {
	case string:
		if c.kind == kindText {
			r := []rune(x)
			for len(string(r)) > limit {
				r = r[:len(r)-1]
			}
			v = string(r)
		}
	case []byte:
		v = x[:min(len(x), limit)]
	case int64:
		if g.in(8) {
			return strconv.FormatInt(x, 10) + ".5"
		}
	}
	return g.nonNull(c.kind, v)
}

// rangeCond compares a column by order.
func (g *generator) rangeCond(s scope, c col) string {
	g.asks[map[order]string{orderHidden: "hidden range", orderRevealing: "revealing range"}[c.order]] = true
	g.reaching(c)
	op := g.pick(" < ", " <= ", " > ", " >= ")
	ints := s.all(clearOf(kindInt))
	key := "1"
	if len(ints) > 0 {
		key = pickOf(g.dice, ints).ref
	}
	n := 7
	switch {
	case c.order == orderRevealing:
		n = 11
	case c.search && !c.lossy && g.in(8):
		return g.rowsByHiddenOrder(c, key, op)
	}
	switch g.n(n) {
	default:
		return c.ref + op + g.rangeEnd(c)
	case 1:
		return g.rangeEnd(c) + op + c.ref
	case 2:
		return c.ref + g.pick(" BETWEEN ", " NOT BETWEEN ") + g.rangeEnd(c) + " AND " + g.rangeEnd(c)
	case 3:
		return "(" + c.ref + " >= " + g.rangeEnd(c) + " AND " + c.ref + " < " + g.rangeEnd(c) + ")"
	case 4:
		return "(" + c.ref + op + g.rangeEnd(c) + " OR " + c.ref + " IS NULL)"
	case 5:
		return "NOT (" + c.ref + op + g.rangeEnd(c) + ")"
	case 6:
		return c.ref + op + "NULL"
	case 7:
		v := g.rangeEnd(c)
		return "(" + c.ref + " > " + v + " OR (" + c.ref + " = " + v + " AND " + key + " > " + g.small() + "))"
	case 8:
		return "(" + c.ref + ", " + key + ")" + op + "(" + g.rangeEnd(c) + ", " + g.small() + ")"
	case 9:
		others := s.all(func(o col) bool { return isSorted(o) && o.kind == c.kind && o.table == c.table })
		return c.ref + op + pickOf(g.dice, others).ref
	case 10:
		return c.ref + g.pick(" = ", " <> ") + g.rangeEnd(c)
	}
}

// rowsByHiddenOrder compares rows by an index that hides the order and one for equality.
func (g *generator) rowsByHiddenOrder(c col, key, op string) string {
	g.asks["rows by a hidden order"] = true
	x, y := c.ref+", "+key, g.rangeEnd(c)+", "+g.small()
	switch g.n(3) {
	case 0:
		x, y = key+", "+c.ref, g.small()+", "+g.rangeEnd(c)
	case 1:
		x, y = y, x
	}
	return g.pick("", "", "NOT ") + "(" + x + ")" + op + "(" + y + ")"
}

// extremes makes a query of the least and greatest values.
func (g *generator) extremes() (query, bool) {
	from, s := g.from(nil)
	found := s.all(func(c col) bool { return isSorted(c) && c.kind != kindBytes })
	if len(found) == 0 {
		return query{}, false
	}
	g.asks["extremes"] = true
	c := pickOf(g.dice, found)
	items := []string{g.pick("max", "min") + "(" + c.ref + ") AS m", "count(*) AS n"}
	cols := []col{{ref: "m", name: "m", kind: c.kind, sealed: true}, {ref: "n", name: "n", kind: kindInt}}
	if g.in(3) {
		items[0] = g.pick("max", "min") + "(" + c.ref + ") AS m"
	}
	tail := ""
	if g.in(3) {
		if keys := s.all(clearOf(kindInt)); len(keys) > 0 {
			k := pickOf(g.dice, keys).ref
			items = append(items, k+" AS k")
			cols = append(cols, col{ref: "k", name: "k", kind: kindInt})
			tail = " GROUP BY " + k
		}
	}
	return query{text: "SELECT " + strings.Join(items, ", ") + " FROM " + from + " WHERE " + g.fixedAnd(s, g.cond(s)) + tail, cols: cols}, true
}

// reaching notes an index that is asked outside of the query that names its table.
func (g *generator) reaching(c col) {
	if c.shown && !c.base {
		g.asks["range index behind a query"] = true
	}
}

// sorting is an item of ORDER BY over an encrypted column.
func (g *generator) sorting(c col) string {
	g.asks["order"] = true
	g.reaching(c)
	out := c.ref + g.pick("", " DESC", " ASC")
	if g.w.dialect != rewrite.MySQL && g.in(4) {
		out += g.pick(" NULLS FIRST", " NULLS LAST")
	}
	return out
}

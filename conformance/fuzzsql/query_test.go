package fuzzsql_test

import (
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// query is a query with what it yields.
type query struct {
	text  string
	cols  []col // named as the query around it sees them, without qualifier
	keys  []string
	total bool
}

// source makes a table a source of rows.
func (g *generator) source(t *table, alias string) src {
	s := src{alias: alias, table: t}
	for _, c := range t.cols {
		s.cols = append(s.cols, col{ref: alias + "." + c.name, name: c.name, kind: c.kind, sealed: c.sealed, base: true, keyed: t.keyed(c), indexes: c.indexes})
		if c.key {
			s.keys = append(s.keys, alias+"."+c.name)
		}
	}
	return s
}

// seen is a table behind a view, of which indexes are not asked.
func seen(s src) src {
	s.table = nil
	for i := range s.cols {
		s.cols[i].base, s.cols[i].indexes = false, indexes{ci: s.cols[i].ci}
	}
	return s
}

// through is a view that was made through the driver: it shows the indexes of its
// columns, of which those are asked that are exact or reveal the order.
func through(s src) src {
	s.tenant, s.table = s.table.tenant, nil
	for i, c := range s.cols {
		s.cols[i].base, s.cols[i].shown, s.cols[i].indexes = false, true, c.indexes.carried()
	}
	return s
}

// carried are the indexes that are asked behind what carries them along.
func (x indexes) carried() indexes {
	out := indexes{ci: x.ci, table: x.table, search: x.search && !x.lossy}
	if x.order == orderRevealing {
		out.order = orderRevealing
	}
	return out
}

// derived makes the rows of a query a source.
func derived(q query, alias string) src {
	s := src{alias: alias}
	for _, c := range q.cols {
		s.cols = append(s.cols, col{ref: alias + "." + c.name, name: c.name, kind: c.kind, sealed: c.sealed, shown: c.base || c.shown, indexes: c.indexes})
	}
	for _, k := range q.keys {
		s.keys = append(s.keys, alias+"."+k)
	}
	return s
}

// query makes a query; top is one that answers the program, whose labels may be
// anything. Others have items with names of their own.
func (g *generator) query(top bool) query {
	g.depth++
	defer func() { g.depth-- }()
	switch n := g.n(16); {
	case n == 10 && g.depth < 3:
		return g.with(top)
	case n == 11 && g.depth < 3:
		return g.union(top)
	case n == 12:
		return g.grouped(top)
	case n == 13:
		return g.distinct(top)
	case n == 14 && g.depth < 3:
		return g.recursive(top)
	case n == 15 && top && g.in(2):
		ask := g.clientRows
		if g.in(2) {
			ask = g.clientShape
		}
		if q, ok := ask(); ok {
			return q
		}
		return g.core(top, nil)
	case n == 15:
		if q, ok := g.extremes(); ok {
			return q
		}
	}
	return g.core(top, nil)
}

// core makes SELECT … FROM … WHERE … ORDER BY … LIMIT over sources; where ctes
// is not nil, they may be read from.
func (g *generator) core(top bool, ctes []src) query {
	from, s := g.from(ctes)
	if top && g.in(4) {
		if q, ok := g.matching(from, s); ok {
			return q
		}
	}
	out := query{}
	out.text, out.cols = g.items(top, s)
	out.text = "SELECT " + out.text + " FROM " + from
	if g.n(3) > 0 {
		out.text += " WHERE " + g.fixedAnd(s, g.cond(s))
	}
	out.keys = projectedKeys(s, out.cols)
	g.order(&out, s, top)
	return out
}

// projectedKeys are the outputs that tell the rows apart, if all keys of the
// only source are among them under their own names.
func projectedKeys(s scope, cols []col) (keys []string) {
	if len(s) != 1 || s[0].keys == nil {
		return nil
	}
	for _, k := range s[0].keys {
		found := ""
		for _, c := range cols {
			if c.ref == k {
				found = c.name
			}
		}
		if found == "" {
			return nil
		}
		keys = append(keys, found)
	}
	return keys
}

// order adds ORDER BY and LIMIT. LIMIT needs an order that is total.
func (g *generator) order(q *query, s scope, top bool) {
	var keys []string
	total := true
	for _, x := range s {
		if x.keys == nil {
			total = false
		}
		keys = append(keys, x.keys...)
	}
	switch n := g.n(6); {
	case n < 2:
		return
	case n == 2 || !total:
		if g.risky() {
			if c := s.all(isSealed); len(c) > 0 {
				q.text += " ORDER BY " + pickOf(g.dice, c).ref
			}
			return
		}
		q.text += " ORDER BY " + g.orderItem(q, s)
		return
	}
	for i, k := range keys {
		keys[i] = k + g.pick("", " DESC", " ASC")
	}
	if g.in(4) {
		keys = append([]string{g.intExpr(s)}, keys...)
	}
	if found := s.all(func(c col) bool { return isSorted(c) || top && c.sorts }); len(found) > 0 && g.in(3) {
		c := pickOf(g.dice, found)
		if c.sorts {
			g.asks["client_sort"] = true
		}
		key := g.sorting(c)
		if g.in(3) {
			key = "CASE WHEN " + g.cond(s) + " THEN " + c.ref + " END" + g.pick("", " DESC")
		}
		keys = append([]string{key}, keys...)
	}
	q.text += " ORDER BY " + strings.Join(keys, ", ")
	q.total = true
	if g.in(2) {
		q.text += " LIMIT " + g.limit()
		if g.in(2) {
			q.text += " OFFSET " + g.limit()
		}
	}
	if top && g.w.dialect != rewrite.SQLite && g.in(5) {
		q.text += g.pick(" FOR UPDATE", " FOR UPDATE SKIP LOCKED", " FOR SHARE")
		if g.w.dialect == rewrite.MySQL {
			q.text = strings.Replace(q.text, " FOR SHARE", " LOCK IN SHARE MODE", 1)
		}
	}
}

func (g *generator) limit() string {
	if g.in(2) {
		return g.bind(int64(g.vals.IntN(8)))
	}
	return g.small()
}

// orderItem sorts by a clear output's number or name, or by an expression.
func (g *generator) orderItem(q *query, s scope) string {
	if len(q.cols) > 0 {
		i := g.n(len(q.cols))
		if !q.cols[i].sealed || g.risky() {
			switch g.n(3) {
			case 0:
				return q.cols[i].ref
			case 1:
				return strconv.Itoa(i + 1)
			}
		}
	}
	return g.intExpr(s)
}

// from makes a FROM clause.
func (g *generator) from(ctes []src) (string, scope) {
	text, first := g.item(ctes)
	s := scope{first}
	joins := g.n(5) - 2
	if g.depth > 2 {
		joins = 0
	}
	joins = min(joins, g.left)
	for range max(joins, 0) {
		right, x := g.item(ctes)
		how := g.n(8)
		l, r := s.all(clearOf(kindInt)), scope{x}.all(clearOf(kindInt))
		if len(l) == 0 || len(r) == 0 {
			how = 2
		}
		next := append(s[:len(s):len(s)], x)
		switch how {
		default:
			text += g.pick(" JOIN ", " INNER JOIN ", " LEFT JOIN ", " LEFT OUTER JOIN ") + right + " ON " + pickOf(g.dice, l).ref + " = " + pickOf(g.dice, r).ref
		case 2:
			text += g.pick(" CROSS JOIN ", ", ") + right
			if strings.Contains(text, " JOIN ") {
				text = strings.ReplaceAll(text, ", "+right, " CROSS JOIN "+right)
			}
		case 3:
			text += " JOIN " + right + " ON " + g.cond(next)
		case 4:
			text += " RIGHT JOIN " + right + " ON " + pickOf(g.dice, l).ref + " = " + pickOf(g.dice, r).ref
		case 5:
			if g.w.dialect == rewrite.MySQL {
				text += " STRAIGHT_JOIN " + right + " ON " + pickOf(g.dice, l).ref + " = " + pickOf(g.dice, r).ref
			} else {
				text += " FULL JOIN " + right + " ON " + pickOf(g.dice, l).ref + " = " + pickOf(g.dice, r).ref
			}
		}
		if how == 4 || how == 5 { // keys may be NULL on either side
			for i := range next {
				next[i].keys = nil
			}
		}
		s = next
	}
	return text, s
}

// item makes one item of a FROM list.
func (g *generator) item(ctes []src) (string, src) {
	g.left--
	if len(ctes) > 0 && g.n(3) < 2 && g.left >= 0 {
		c := pickOf(g.dice, ctes)
		alias := g.name("c")
		q := query{cols: c.cols, keys: c.keys}
		return c.alias + " " + alias, derived(q, alias)
	}
	if g.depth < 3 && g.in(6) && g.left > 0 {
		alias := g.name("d")
		q := g.query(false)
		return "(" + q.text + ") " + g.pick("", "AS ") + alias, derived(q, alias)
	}
	t := g.table()
	if g.in(8) {
		alias := g.name("v")
		if g.in(2) {
			g.asks["view made through the driver"] = true
			return "s_" + t.name + " " + alias, through(g.source(t, alias))
		}
		return "v_" + t.name + " " + alias, seen(g.source(t, alias))
	}
	alias := g.name("t")
	return g.spell(t.name) + g.pick(" ", " AS ") + alias, g.source(t, alias)
}

// spell writes a name in one of the ways that mean the same.
func (g *generator) spell(name string) string {
	if g.n(6) < 5 {
		return name
	}
	switch g.w.dialect {
	case rewrite.Postgres:
		return g.pick(`"`+name+`"`, strings.ToUpper(name), "public."+name)
	case rewrite.MySQL:
		return "`" + name + "`"
	}
	return g.pick(`"`+name+`"`, "["+name+"]", "`"+name+"`", "main."+name, strings.ToUpper(name))
}

// items makes a select list.
func (g *generator) items(top bool, s scope) (string, []col) {
	if g.in(6) && (top || len(s) == 1) {
		return "*", append([]col(nil), s.all(anyCol)...)
	}
	var texts []string
	var cols []col
	for range 1 + g.n(4) {
		if top && g.in(10) {
			x := pickOf(g.dice, s)
			texts = append(texts, x.alias+".*")
			cols = append(cols, x.cols...)
			continue
		}
		text, c := g.selectItem(s)
		switch {
		case !top:
			c.name = g.name("o")
			text += g.pick(" ", " AS ") + c.name
		case g.in(3):
			c.name = g.name("o")
			text += " AS " + c.name
			c.ref = c.name
		}
		texts = append(texts, text)
		cols = append(cols, c)
	}
	return strings.Join(texts, ", "), cols
}

// selectItem makes one item. Outside names it by its text.
func (g *generator) selectItem(s scope) (string, col) {
	any := g.col(s.all(anyCol))
	seal := s.all(isSealed)
	if len(seal) > 0 && g.risky() {
		c := pickOf(g.dice, seal)
		max := "max(" + c.ref + ")"
		if g.w.dialect != rewrite.Postgres && isSorted(c) {
			max = c.ref + " + 1" // beside it columns of any row may stand
		}
		if !g.hasExtremes(c) {
			max = c.ref + " < " + c.ref
		}
		return g.pick("upper("+c.ref+")", max, c.ref+" = "+g.value(c.kind, true), c.ref+" || 'x'", "CAST("+c.ref+" AS char(3))", "length("+c.ref+")"), col{kind: kindText}
	}
	switch n := g.n(16); n {
	default:
		return any.ref, any
	case 8:
		return g.intExpr(s), col{kind: kindInt, ref: "1"}
	case 9:
		return g.textExpr(s), col{kind: kindText, ref: "1"}
	case 10:
		return any.ref + " IS NULL", col{kind: kindBool, ref: "1"}
	case 11, 12:
		if len(seal) > 0 {
			return g.sealedItem(s, pickOf(g.dice, seal))
		}
	case 13:
		return g.typed(kindText), col{kind: kindText, ref: "1"}
	case 14:
		if g.depth < 3 {
			return g.sealedScalar(s)
		}
	case 15:
		// On MariaDB 10.11 windows behind views and derived tables lose and add rows
		// where WHERE asks a query about a column of theirs.
		if len(s) == 1 && s[0].keys != nil && (s[0].table != nil || g.w.dialect != rewrite.MySQL) {
			return g.window(s, seal)
		}
	}
	return any.ref, any
}

// sealedItem hands an encrypted value on.
func (g *generator) sealedItem(s scope, c col) (string, col) {
	out := col{kind: c.kind, sealed: true, ref: "1"}
	other := c
	for _, o := range s.all(isSealed) {
		if o.alike(c) && g.in(2) {
			other = o
		}
	}
	switch g.n(6) {
	case 0:
		return "(" + c.ref + ")", out
	case 1:
		return "CASE WHEN " + g.cond(s) + " THEN " + c.ref + " END", out
	case 2:
		return "CASE WHEN " + g.cond(s) + " THEN " + c.ref + " ELSE " + other.ref + " END", out
	case 3:
		return "coalesce(" + c.ref + ", " + other.ref + ")", out
	case 4:
		return "coalesce(" + c.ref + ", " + g.value(c.kind, true) + ")", out
	}
	if c.kind == kindText && g.w.dialect != rewrite.MySQL {
		return "CAST(" + c.ref + " AS text)", out
	}
	return c.ref, out
}

// sealedScalar is a subquery that yields one encrypted value.
func (g *generator) sealedScalar(s scope) (string, col) {
	t := g.table()
	sealed := t.sealed()
	if len(sealed) == 0 {
		return g.scalar(s), col{kind: kindInt, ref: "1"}
	}
	c := pickOf(g.dice, sealed)
	a := g.name("s")
	where := a + ".id = " + g.id()
	if ints := s.all(clearOf(kindInt)); len(ints) > 0 && g.in(2) {
		where = a + ".id = " + pickOf(g.dice, ints).ref
	}
	if t.tenant {
		where = a + ".tenant = '" + g.tenant() + "' AND " + where
	}
	return "(SELECT " + a + "." + c.name + " FROM " + t.name + " " + a + " WHERE " + where + ")", col{kind: c.kind, sealed: true, ref: "1"}
}

// window makes a window function whose value does not depend on the order of
// equal rows.
func (g *generator) window(s scope, seal []col) (string, col) {
	keys := s[0].keys
	if found := s.all(isSorted); len(found) > 0 && g.in(2) {
		keys = append([]string{g.sorting(pickOf(g.dice, found))}, keys...)
	}
	over := "(PARTITION BY " + g.intExpr(s) + " ORDER BY " + strings.Join(keys, ", ") + ")"
	switch g.n(5) {
	case 0:
		return "row_number() OVER " + over, col{kind: kindInt, ref: "1"}
	case 1:
		return "lag(" + g.col(s.all(clearOf(kindInt))).ref + ") OVER " + over, col{kind: kindInt, ref: "1"}
	case 2:
		return "count(*) OVER " + over, col{kind: kindInt, ref: "1"}
	}
	if len(seal) == 0 {
		return "rank() OVER " + over, col{kind: kindInt, ref: "1"}
	}
	c := pickOf(g.dice, seal)
	if g.in(4) {
		return "count(" + c.ref + ") OVER " + over, col{kind: kindInt, ref: "1"}
	}
	return g.pick("lag(", "lead(", "first_value(") + c.ref + ") OVER " + over, col{kind: c.kind, sealed: true, ref: "1"}
}

// grouped makes a query with aggregates.
func (g *generator) grouped(top bool) query {
	from, s := g.from(nil)
	key := g.groupable(s)
	shown := key.ref
	if g.in(8) {
		shown = "(" + shown + ")"
	}
	items := []string{shown + " AS k", "count(*) AS n"}
	if g.in(6) {
		items[0] = shown
	}
	cols := []col{{ref: "k", name: "k", kind: key.kind, sealed: key.sealed, indexes: key.indexes}, {ref: "n", name: "n", kind: kindInt, sealed: false}}
	switch g.n(5) {
	case 1:
		items = append(items, "max("+g.intExpr(s)+") AS m")
		cols = append(cols, col{ref: "m", name: "m", kind: kindInt, sealed: false})
	case 2:
		items = append(items, "count("+g.col(s.all(anyCol)).ref+") AS m")
		cols = append(cols, col{ref: "m", name: "m", kind: kindInt, sealed: false})
	case 3:
		items = append(items, "count(DISTINCT "+g.groupable(s).ref+") AS m")
		cols = append(cols, col{ref: "m", name: "m", kind: kindInt, sealed: false})
	case 4:
		items = append(items, "sum("+g.col(s.all(clearOf(kindInt))).ref+") AS m")
		cols = append(cols, col{ref: "m", name: "m", kind: kindInt, sealed: false})
	}
	q := query{text: "SELECT " + strings.Join(items, ", ") + " FROM " + from, cols: cols}
	if g.in(2) {
		q.text += " WHERE " + g.fixedAnd(s, g.cond(s))
	}
	q.text += " GROUP BY " + g.pick(key.ref, "1")
	if !strings.HasSuffix(items[0], " AS k") {
		q.cols[0].ref, q.cols[0].name = key.ref, key.name
		if !top {
			return q
		}
	}
	if g.in(3) {
		q.text += " HAVING count(*) > " + g.small()
		if key.search && g.in(2) {
			q.text += " AND " + g.search(scope{{cols: []col{key}}}, key)
		}
	}
	if isSorted(key) {
		if g.in(3) {
			q.text += map[bool]string{false: " HAVING ", true: " AND "}[strings.Contains(q.text, " HAVING ")] + g.rangeCond(scope{{cols: []col{key}}}, key)
		}
		if g.in(2) {
			g.asks["order"] = true
			q.text += " ORDER BY " + g.pick("1", "k", key.ref) + g.pick("", " DESC")
		}
	} else if top && sortsGroups(key) && g.in(2) {
		g.asks["groups by client_sort"] = true
		q.text += " ORDER BY " + g.pick("1", key.ref, "count(*), "+key.ref, "2 DESC, 1") + g.pick("", " DESC")
		if q.total = true; g.in(2) {
			q.text += " LIMIT " + g.limit()
		}
	} else if g.in(2) && !key.sealed {
		q.text += " ORDER BY " + g.pick("1", "2, 1", "k")
		q.total = key.kind == kindInt
	}
	return q
}

// sortsGroups reports a key of groups that the driver sorts by.
func sortsGroups(c col) bool { return c.base && c.sorts && c.search && !c.lossy }

// groupable picks a column that rows are grouped by: a clear one, or one with a
// search index.
func (g *generator) groupable(s scope) col {
	if c := s.all(isSearched); len(c) > 0 && g.in(2) {
		g.asks["group"] = true
		return pickOf(g.dice, c)
	}
	if c := s.all(isSealed); len(c) > 0 && g.risky() {
		return pickOf(g.dice, c)
	}
	return g.col(s.all(isClear))
}

// distinct makes a query that compares its rows.
func (g *generator) distinct(top bool) query {
	from, s := g.from(nil)
	if g.w.dialect == rewrite.Postgres && len(s) == 1 && s[0].keys != nil && g.in(2) {
		items, cols := g.items(top, s)
		if on := s.all(sortsGroups); top && len(on) > 0 && g.in(2) {
			g.asks["DISTINCT ON by client_sort"] = true
			c := pickOf(g.dice, on)
			return query{text: "SELECT DISTINCT ON (" + c.ref + ") " + items + " FROM " + from + " ORDER BY " + c.ref + g.pick("", " DESC") + ", " + strings.Join(s[0].keys, ", "), cols: cols, total: true}
		}
		if on := s.all(clearOf(kindInt)); len(on) > 0 { // the order says which row is kept
			c := pickOf(g.dice, on)
			return query{text: "SELECT DISTINCT ON (" + c.ref + ") " + items + " FROM " + from + " ORDER BY " + c.ref + ", " + strings.Join(s[0].keys, ", "), cols: cols, total: false}
		}
	}
	c := g.groupable(s)
	n := g.intExpr(s)
	if c.sealed && g.w.dialect != rewrite.Postgres && !g.risky() {
		n = g.col(s.all(clearOf(kindInt))).ref // functions are refused beside it
	}
	where := ""
	if g.in(2) {
		where = " WHERE " + g.fixedAnd(s, g.cond(s))
	}
	tail := ""
	if isSorted(c) && g.in(2) {
		g.asks["order"] = true
		tail = " ORDER BY " + g.pick("1", "k") + g.pick("", " DESC") + g.pick("", ", 2")
	}
	return query{text: "SELECT DISTINCT " + c.ref + " AS k, " + n + " AS n FROM " + from + where + tail, cols: []col{{ref: "k", name: "k", kind: c.kind, sealed: c.sealed, indexes: c.indexes}, {ref: "n", name: "n", kind: kindInt, sealed: false}}}
}

// union makes a set operation over two queries of equal shape.
func (g *generator) union(top bool) query {
	op := g.pick(" UNION ALL ", " UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT ")
	if g.w.dialect != rewrite.SQLite && g.in(3) {
		op = strings.Replace(strings.Replace(op, "PT ", "PT ALL ", 1), "CT ", "CT ALL ", 1)
	}
	ta, tb := g.table(), g.table()
	a, b := g.name("u"), g.name("u")
	sa, sb := g.source(ta, a), g.source(tb, b)
	left, right := []string{a + ".id AS k"}, []string{b + ".ref"}
	cols := []col{{ref: "k", name: "k", kind: kindInt, sealed: false}}
	byValue, sorts := false, false
	if x, y, ok := twin(sa, sb); ok && (op == " UNION ALL " || x.search && y.search || g.risky()) {
		left, right = append(left, x.ref+" AS s"), append(right, y.ref)
		cols = append(cols, col{ref: "s", name: "s", kind: x.kind, sealed: true})
		sorts = x.sorts && y.sorts
		byValue = op != " UNION ALL " && isSorted(x) && isSorted(y) && x.search && y.search
	} else if len(scope{sa}.all(isSealed)) > 0 && g.risky() {
		c := pickOf(g.dice, scope{sa}.all(isSealed))
		left, right = append(left, c.ref+" AS s"), append(right, g.pick("NULL", g.value(c.kind, true)))
		cols = append(cols, col{ref: "s", name: "s", kind: c.kind, sealed: true})
	} else {
		left, right = append(left, a+".note AS s"), append(right, b+".note")
		cols = append(cols, col{ref: "s", name: "s", kind: kindText, sealed: false})
	}
	q := query{text: "SELECT " + strings.Join(left, ", ") + " FROM " + ta.name + " " + a + " WHERE " + g.fixedAnd(scope{sa}, g.cond(scope{sa})) + op +
		"SELECT " + strings.Join(right, ", ") + " FROM " + tb.name + " " + b + " WHERE " + g.fixedAnd(scope{sb}, g.cond(scope{sb})), cols: cols}
	if sorts && top && g.in(2) {
		g.asks["set operation by client_sort"] = true
		q.text += " ORDER BY " + g.pick("s", "2") + g.pick("", " DESC")
		return q
	}
	if byValue && g.in(2) {
		q.text += " ORDER BY " + g.pick("s", "2") + g.pick(", k", " DESC, 1")
		return q
	}
	if g.in(3) {
		q.text += " ORDER BY " + g.pick("1", "k")
	}
	return q
}

// twin finds an encrypted column of each source with the same kind.
func twin(a, b src) (x, y col, ok bool) {
	for _, x := range a.cols {
		for _, y := range b.cols {
			if x.sealed && y.sealed && x.alike(y) {
				return x, y, true
			}
		}
	}
	return col{}, col{}, false
}

// with makes common table expressions and reads them.
func (g *generator) with(top bool) query {
	var defs []string
	var ctes []src
	count := 1 + g.n(2)
	shadows := g.in(12) && g.shadow == ""
	if shadows {
		g.shadow = g.table().name
	}
	for i := range count {
		q := g.core(false, ctes)
		name := g.name("w")
		if shadows && i == count-1 {
			name = g.shadow
		}
		head := name
		if g.in(3) {
			var list []string
			for i := range q.cols {
				q.cols[i].name = g.name("n")
				list = append(list, q.cols[i].name)
			}
			q.keys, head = nil, name+" ("+strings.Join(list, ", ")+")"
		}
		defs = append(defs, head+" AS ("+q.text+")")
		ctes = append(ctes, src{alias: name, cols: q.cols, keys: q.keys})
	}
	q := g.core(top, ctes)
	q.text = "WITH " + strings.Join(defs, ", ") + " " + q.text
	return q
}

// recursive makes a recursive CTE, which may carry an encrypted value along.
func (g *generator) recursive(top bool) query {
	t := g.table()
	head, first, next := "r (i", "SELECT 1", "SELECT r.i + 1"
	cols := []col{{ref: "r.i", name: "i", kind: kindInt, sealed: false}}
	from, where := "", ""
	if sealed := t.sealed(); len(sealed) > 0 && !t.tenant && g.in(2) {
		c := pickOf(g.dice, sealed)
		head, first, next = head+", s", first+", a."+c.name, next+g.pick(", r.s", ", b."+c.name)
		from, where = " FROM "+t.name+" a WHERE a.id = "+g.small(), ", "+t.name+" b WHERE b.id = r.i AND "
		cols = append(cols, col{ref: "r.s", name: "s", kind: c.kind, sealed: true, shown: true, indexes: c.indexes.carried()})
	} else {
		where = " WHERE "
	}
	q := query{text: "WITH RECURSIVE " + head + ") AS (" + first + from + " UNION ALL " + next + " FROM r" + where + "r.i < " + g.small() + ") SELECT ", cols: cols}
	for i, c := range cols {
		if i > 0 {
			q.text += ", "
		}
		q.text += c.ref
	}
	q.text += " FROM r"
	if found := (scope{{cols: cols}}).all(isCompared); len(found) > 0 && g.in(2) {
		g.asks["index behind a recursive query"] = true
		q.text += " WHERE " + g.compared(scope{{cols: cols}}, found[0])
	}
	if len(cols) > 1 && isSorted(cols[1]) && g.in(3) {
		q.text += " ORDER BY r.s, r.i"
	}
	return q
}

package fuzzsql_test

import (
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// Statements over lists of constants: what is stored or compared stands in a list of
// values, in arrays that are unnested, or in queries without a table; statements in
// WITH; writes to several tables.

// list is rows of constants with a number k, a value s for the column and a clear text n.
type list struct {
	head string // WITH, in front of the statement
	item string // in FROM
	k, s string
}

// values makes a list, whose numbers differ.
func (g *generator) values(c col) list {
	rows := 1 + g.n(3)
	alias := g.name("v")
	out := list{k: alias + ".k", s: alias + ".s"}
	first := g.vals.IntN(maxID)
	var numbers, texts []string
	for i := range rows {
		v := g.value(c.kind, true)
		if g.w.dialect == rewrite.MySQL && strings.HasPrefix(v, boundMark) {
			// MariaDB cuts the blanks behind an argument in a UNION that was prepared, and
			// takes bytes for a text there.
			v = literal(g.w.dialect, c.kind, g.w.marked(c.kind, g.vals.IntN(60)), 0)
		}
		if g.w.dialect == rewrite.Postgres && (c.kind != kindText || g.in(3)) {
			v = "CAST(" + v + " AS " + g.w.spelling(c.kind) + ")"
		}
		numbers, texts = append(numbers, strconv.Itoa((first+i)%maxID)), append(texts, v)
	}
	rowsOf := func(open, between, end, k, s string) string {
		var b strings.Builder
		for i := range rows {
			if i > 0 {
				b.WriteString(between)
				k, s = "", ""
			}
			b.WriteString(open + numbers[i] + k + ", " + texts[i] + s + end)
		}
		return b.String()
	}
	constants := rowsOf("(", ", ", ")", "", "")
	queries := rowsOf("SELECT ", " UNION ALL ", "", " AS k", " AS s")
	switch n := g.n(5); {
	case n == 0:
		out.item = "(" + queries + ") " + alias
	case n == 1:
		out.head, out.item = "WITH "+alias+" (k, s) AS ("+queries+") ", alias
	case g.w.dialect == rewrite.MySQL:
		out.item = "(" + queries + ") " + alias
	case n == 2:
		out.head, out.item = "WITH "+alias+" (k, s) AS (VALUES "+constants+") ", alias
	case g.w.dialect == rewrite.SQLite:
		out.item, out.k, out.s = "(VALUES "+constants+") "+alias, alias+".column1", alias+".column2"
	case n == 3 && c.kind == kindText:
		var ints []int64
		var args []string
		for i := range rows {
			ints, args = append(ints, int64((first+i)%maxID)), append(args, g.w.marked(c.kind, g.vals.IntN(60)).(string))
		}
		out.item = "unnest(" + g.bind(ints) + "::bigint[], " + g.bind(args) + "::text[]) AS " + alias + " (k, s)"
	default:
		out.item = "(VALUES " + constants + ") AS " + alias + " (k, s)"
	}
	return out
}

// overList makes one of these statements.
func (g *generator) overList() statement {
	switch n := g.n(8); {
	case n == 0 && g.w.dialect == rewrite.Postgres:
		return g.returned()
	case n == 1 && g.w.dialect == rewrite.Postgres:
		return g.merge()
	case n == 2 && g.w.dialect == rewrite.MySQL:
		return g.severalTables()
	}
	t := g.table()
	sealed := t.sealed()
	if len(sealed) == 0 {
		return g.selectStatement()
	}
	g.asks["list"] = true
	st := statement{}
	alias := g.name("t")
	s := scope{g.source(t, alias)}
	c := s.all(isSealed)[g.n(len(sealed))]
	l := g.values(c)
	joined := alias + ".id = " + l.k
	switch n := g.n(7); {
	case n < 2 && g.w.dialect == rewrite.MySQL:
		st.text = l.head + "UPDATE " + t.name + " " + alias + " JOIN " + l.item + " ON " + joined + " SET " + alias + "." + c.name + " = " + l.s + " WHERE " + g.where(&st, t, alias, s)
	case n < 2:
		st.text = l.head + "UPDATE " + t.name + " AS " + alias + " SET " + c.name + " = " + g.pick(l.s, l.s, "coalesce("+l.s+", "+c.ref+")") + " FROM " + l.item + " WHERE " + joined + " AND " + g.where(&st, t, alias, s)
	case n == 2:
		cols, items := "id, "+c.name, l.k+" + "+strconv.Itoa(maxID)+", "+l.s
		if t.tenant {
			cols, items = "tenant, "+cols, "'"+g.tenant()+"', "+items
		}
		st.text = "INSERT INTO " + t.name + " (" + cols + ") " + l.head + "SELECT " + items + " FROM " + l.item
	case n == 3 && g.w.dialect != rewrite.MySQL:
		st.text = l.head + "UPDATE " + t.name + " AS " + alias + " SET note = 'listed' FROM " + l.item + " WHERE " + g.fixedAnd(s, c.ref+" = "+l.s)
	case n == 4:
		st.rows = true
		st.text = l.head + "SELECT " + alias + ".id, " + c.ref + " FROM " + t.name + " " + alias + " WHERE " + g.fixedAnd(s, "("+alias+".ref, "+c.ref+") IN (SELECT "+l.k+", "+l.s+" FROM "+l.item+")")
	case n == 5:
		st.rows = true
		st.text = l.head + "SELECT " + alias + ".id, " + c.ref + " FROM " + t.name + " " + alias + " WHERE " + g.fixedAnd(s, c.ref+g.pick(" IN ", " NOT IN ")+"(SELECT "+l.s+" FROM "+l.item+")")
	default:
		st.rows = true
		st.text = l.head + "SELECT " + alias + ".id, " + c.ref + ", " + l.k + " FROM " + t.name + " " + alias + g.pick(" JOIN ", " LEFT JOIN ") + l.item + " ON " + c.ref + " = " + l.s + " WHERE " + g.fixedAnd(s, alias+".id < 90")
	}
	return st
}

// returned reads what a statement in WITH hands back.
func (g *generator) returned() statement {
	g.asks["RETURNING in WITH"] = true
	t := g.table()
	st := statement{rows: true}
	s := scope{g.source(t, t.name)}
	inner := ""
	switch g.n(3) {
	case 0:
		inner = "UPDATE " + t.name + " SET note = " + g.textExpr(s) + " WHERE " + g.where(&st, t, t.name, s)
	case 1:
		inner = "DELETE FROM " + t.name + " WHERE " + t.name + ".id = " + g.id() + " AND " + g.where(&st, t, t.name, s)
	case 2:
		cols := g.chosen(t, true)
		inner = "INSERT INTO " + t.name + " (" + columnList(g, cols) + ") VALUES " + g.insertRow(cols) + g.upsert(t)
	}
	items, list := "id", s[0].cols
	w := src{alias: "w"}
	for _, c := range list {
		if c.name != "id" && !g.in(2) {
			continue
		}
		if c.name != "id" {
			items += ", " + c.name
		}
		c.ref, c.base, c.shown = "w."+c.name, false, true
		w.cols = append(w.cols, c)
	}
	shown, conds := w.cols[g.n(len(w.cols))], "w.id < 90"
	if found := (scope{w}).all(isSearched); len(found) > 0 {
		c := pickOf(g.dice, found)
		conds = c.ref + g.pick(" = ", " <> ") + g.value(c.kind, true)
	}
	st.text = "WITH w AS (" + inner + " RETURNING " + items + ") SELECT w.id, " + shown.ref + " AS x FROM w WHERE " + conds
	if g.in(4) {
		o := g.clearTable()
		st.text = strings.Replace(st.text, " FROM w WHERE", " FROM w LEFT JOIN "+o.name+" o ON o.id = w.id WHERE", 1)
	}
	return st
}

// merge makes a MERGE of a list or a table.
func (g *generator) merge() statement {
	g.asks["merge"] = true
	t := g.table()
	st := statement{}
	s := scope{g.source(t, "m")}
	from, k := g.table().name+" b", "b.id"
	values := map[string]string{}
	if sealed := s.all(isSealed); len(sealed) > 0 && g.in(2) {
		c := pickOf(g.dice, sealed)
		l := g.values(c)
		st.text = l.head
		from, k = l.item, l.k
		values[c.name] = l.s
	}
	on := "m.id = " + k
	tenant := "'" + g.tenant() + "'"
	if t.tenant {
		on += " AND m.tenant = " + tenant
	}
	st.text += "MERGE INTO " + t.name + " AS m USING " + from + " ON " + on
	value := func(c column) string {
		if v := values[c.name]; v != "" {
			return v
		}
		return g.stored(c, nil)
	}
	var sets, cols, items []string
	for _, c := range t.cols {
		switch {
		case c.name == "id":
			cols, items = append(cols, c.name), append(items, k+" + "+strconv.Itoa(2*maxID))
			continue
		case c.name == "tenant":
			cols, items = append(cols, c.name), append(items, tenant)
			continue
		case g.in(2) || values[c.name] != "": // what nothing takes would go out in clear
			sets = append(sets, c.name+" = "+value(c))
		}
		if g.in(2) {
			cols, items = append(cols, c.name), append(items, value(c))
		}
	}
	clause := " WHEN MATCHED" + g.pick("", " AND m.ref > "+g.small()) + " THEN "
	if len(sets) == 0 || len(values) == 0 && g.in(5) {
		st.text += clause + g.pick("DELETE", "DO NOTHING")
	} else {
		st.text += clause + "UPDATE SET " + strings.Join(sets, ", ")
	}
	if g.in(2) {
		st.text += " WHEN NOT MATCHED THEN INSERT (" + strings.Join(cols, ", ") + ") VALUES (" + strings.Join(items, ", ") + ")"
	}
	return st
}

// severalTables writes to two tables at once.
func (g *generator) severalTables() statement {
	g.asks["several tables"] = true
	st := statement{}
	t := g.table()
	o := g.table()
	for i := 0; o == t && i < len(g.w.tables); i++ {
		o = g.w.tables[i]
	}
	if o == t {
		return g.update()
	}
	s := scope{g.source(t, "a"), g.source(o, "b")}
	where := strings.Join(append(g.fixed(s), "a.id = "+g.id()), " AND ")
	if g.in(3) {
		st.text = "DELETE " + g.pick("a, b", "a.*, b.*", "b") + " FROM " + t.name + " a JOIN " + o.name + " b ON b.id = a.ref WHERE " + where
		return st
	}
	var sets []string
	for i, x := range []*table{t, o} {
		for _, c := range g.chosen(x, false)[:1] {
			sets = append(sets, s[i].alias+"."+c.name+" = "+g.stored(c, nil))
		}
	}
	st.text = "UPDATE " + t.name + " a" + g.pick(" JOIN "+o.name+" b ON b.id = a.ref", ", "+o.name+" b") + " SET " + strings.Join(sets, ", ") + " WHERE " + where + " AND b.id = a.ref"
	return st
}

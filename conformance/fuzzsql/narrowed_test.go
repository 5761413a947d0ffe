package fuzzsql_test

import "strings"

// Statements whose partition the context alone names. Those that ask an index
// within partitions answer as if their tables held that one: the plain driver is
// sent the same over queries that hold it.

// sideMark encloses what the two sides are sent differently: the text for the
// encrypting driver, sideElse, that for the plain one.
const (
	sideMark = "\x02"
	sideElse = "\x03"
)

func sides(sealed, plain string) string { return sideMark + sealed + sideElse + plain + sideMark }

// oneSide is the text for one of the two.
func oneSide(text string, plain bool) string {
	parts := strings.Split(text, sideMark)
	for i := 1; i < len(parts); i += 2 {
		sealed, other, _ := strings.Cut(parts[i], sideElse)
		if parts[i] = sealed; plain {
			parts[i] = other
		}
	}
	return strings.Join(parts, "")
}

// within is a table of partitions with a column whose index keeps to them.
type within struct {
	src
	col       col
	partition string
}

func (x within) from() string {
	return sides(x.table.name, "(SELECT * FROM "+x.table.name+" WHERE tenant = '"+x.partition+"')") + " " + x.alias
}

// within draws such a table.
func (g *generator) inPartition(partition string) (within, bool) {
	var found []within
	for _, t := range g.w.tables {
		if !t.tenant {
			continue
		}
		s := g.source(t, t.name)
		for _, c := range s.cols {
			if c.sealed && !c.indexes.table && !c.lossy && (c.search || c.order == orderRevealing && !c.ci) {
				found = append(found, within{src: s, col: c, partition: partition})
			}
		}
	}
	if len(found) == 0 {
		return within{}, false
	}
	x := pickOf(g.dice, found)
	x.src = g.source(x.table, g.name("p"))
	for _, c := range x.cols {
		if c.name == x.col.name {
			x.col = c
		}
	}
	return x, true
}

// ask is a condition on the index, alone or beside a clear one.
func (g *generator) ask(x within) string {
	c := x.col
	out := c.ref + g.pick(" = ", " <> ") + g.nonNull(c.kind, g.w.marked(c.kind, g.vals.IntN(60)))
	switch n := g.n(5); {
	case n == 1 && c.search:
		out = c.ref + g.pick(" IN (", " NOT IN (") + g.value(c.kind, true) + ", " + g.value(c.kind, true) + ")"
	case n > 1 && c.order == orderRevealing && !c.ci:
		out = c.ref + g.pick(" < ", " >= ") + g.rangeEnd(c)
		if n > 3 {
			out = c.ref + g.pick(" BETWEEN ", " NOT BETWEEN ") + g.rangeEnd(c) + " AND " + g.rangeEnd(c)
		}
	}
	switch g.n(4) {
	case 2:
		out = "(" + out + " AND " + x.alias + ".ref < " + g.small() + ")"
	case 3:
		out = "(" + x.alias + ".id = " + g.small() + " OR " + out + ")"
	}
	return out
}

// narrowed makes a statement in a context that names a partition.
func (g *generator) narrowed() statement {
	partition := g.tenant()
	x, ok := g.inPartition(partition)
	if !ok {
		return g.selectStatement()
	}
	g.asks["narrowed"] = true
	st := statement{partition: partition, rows: true}
	c := x.col
	y, _ := g.inPartition(partition)
	other := g.source(g.clearTable(), g.name("o"))
	list := x.alias + ".id, " + c.ref
	where := " WHERE " + g.ask(x)
	switch g.n(12) {
	default:
		st.text = "SELECT " + list + " FROM " + x.from() + where
	case 1:
		st.text = "SELECT " + x.alias + ".* FROM " + x.from() + where + " ORDER BY " + x.alias + ".id"
	case 2:
		st.text = "SELECT " + list + ", " + y.alias + ".id AS other FROM " + x.from() + g.pick(" JOIN ", " LEFT JOIN ") + y.from() + " ON " + y.alias + ".id = " + x.alias + ".ref AND " + g.ask(y) + where
	case 3:
		st.text = "SELECT " + other.alias + ".id AS first, " + list + " FROM " + other.table.name + " " + other.alias + " LEFT JOIN " + x.from() + " ON " + x.alias + ".ref = " + other.alias + ".id AND " + g.ask(x)
	case 4:
		st.text = "SELECT " + list + ", " + other.alias + ".id AS other FROM " + x.from() + " RIGHT JOIN " + other.table.name + " " + other.alias + " ON " + x.alias + ".ref = " + other.alias + ".id AND " + g.ask(x)
	case 5:
		st.text = "SELECT d.id, d.v FROM (SELECT " + x.alias + ".id, " + c.ref + " AS v FROM " + x.from() + where + ") d" + g.pick("", " WHERE d.id > 2")
	case 6:
		st.text = "SELECT " + other.alias + ".id FROM " + other.table.name + " " + other.alias + " WHERE " + other.alias + ".id " + g.pick("IN", "NOT IN") + " (SELECT " + x.alias + ".id FROM " + x.from() + where + ")"
	case 7:
		if c.search {
			st.text = "SELECT " + c.ref + " AS v, count(*) AS n FROM " + x.from() + " GROUP BY " + c.ref
			break
		}
		st.text = "SELECT " + x.alias + ".id, " + c.ref + " FROM " + x.from() + " ORDER BY " + c.ref + ", " + x.alias + ".id"
		st.total = true
	case 8:
		st.text = "SELECT " + g.pick("DISTINCT ", "DISTINCT ", "") + c.ref + " AS v FROM " + x.from() + where
	case 9:
		st.text, st.rows = "UPDATE "+x.table.name+" SET note = 'narrow' WHERE "+g.target(x), false
	case 10:
		st.text, st.rows = "DELETE FROM "+x.table.name+" WHERE "+g.target(x), false
	case 11:
		st.text = "SELECT " + c.ref + " AS v FROM " + x.from() + where + g.pick(" UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT ") + "SELECT " + c.ref + " FROM " + x.from() + " WHERE " + g.ask(x)
	}
	return st
}

// target is the condition of a write, which names the table itself.
func (g *generator) target(x within) string {
	cond := strings.ReplaceAll(g.ask(x), x.alias+".", x.table.name+".")
	return "(" + cond + ")" + sides("", " AND "+x.table.name+".tenant = '"+x.partition+"'")
}

// clearTable is one whose rows are of no partition.
func (g *generator) clearTable() *table {
	for _, t := range g.w.tables {
		if !t.tenant {
			return t
		}
	}
	return g.w.tables[0]
}

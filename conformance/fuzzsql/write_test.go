package fuzzsql_test

import (
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// stored writes a value for a column: one that can be, and rarely another form.
func (g *generator) stored(c column, s scope) string {
	v := g.value(c.kind, c.sealed)
	if !c.sealed {
		switch {
		case s != nil && c.kind == kindInt && g.in(3):
			return g.intExpr(s)
		case s != nil && c.kind == kindText && g.in(3):
			return g.textExpr(s)
		case g.in(12):
			return "DEFAULT"
		}
		return v
	}
	if g.risky() {
		if g.w.dialect == rewrite.Postgres && c.kind != kindText {
			return "upper(" + v + ")" // there what is left untyped is a text
		}
		return g.pick("upper("+v+")", "(SELECT "+v+")", v+" || 'x'", "nullif("+v+", 'a')", "concat("+v+")", "CAST("+v+" AS char(2))")
	}
	if s != nil && c.any() && g.in(4) {
		for _, own := range s[0].cols {
			if own.name != c.name {
				continue
			}
			return g.keeping(s, c, own.ref, v)
		}
	}
	switch g.n(13) {
	case 12:
		if s != nil && c.kind == kindText && g.w.dialect == rewrite.Postgres && v != "NULL" {
			return "CAST(" + v + " AS fuzz_label)" // beside other rows the type would be theirs, too
		}
	case 8:
		return "(" + v + ")"
	case 9:
		if g.w.dialect == rewrite.Postgres && (c.kind != kindText || v == "NULL") {
			return v // there coalesce of arguments or NULLs is a text
		}
		return "coalesce(" + v + ", " + g.value(c.kind, true) + ")"
	case 10:
		if g.w.dialect == rewrite.SQLite {
			return v
		}
		return "DEFAULT"
	case 11:
		if g.w.dialect != rewrite.MySQL {
			return "CAST(" + v + " AS " + g.w.spelling(c.kind) + ")"
		}
	}
	return v
}

// keeping writes a form over a value and the column's own.
func (g *generator) keeping(s scope, c column, own, v string) string {
	g.asks["form over an indexed column"] = true
	forms := []string{"coalesce(" + v + ", " + own + ")", "coalesce(" + own + ", " + v + ")", "CASE WHEN " + g.cond(s) + " THEN " + v + " ELSE " + own + " END"}
	if c.equal() {
		forms = append(forms, "CASE WHEN "+own+" = "+g.value(c.kind, true)+" THEN "+own+" ELSE "+v+" END", "CASE "+own+" WHEN "+g.value(c.kind, true)+" THEN "+v+" ELSE "+own+" END")
	}
	if c.order != orderNone {
		forms = append(forms, "CASE WHEN "+own+" > "+g.rangeEnd(col{kind: c.kind, indexes: c.indexes})+" THEN "+v+" ELSE "+own+" END")
	}
	if v, ok := g.again(c.kind); ok {
		forms = append(forms, "CASE WHEN "+g.decided(c.kind, v)+" THEN "+v+" ELSE "+own+" END")
	}
	return pickOf(g.dice, forms)
}

// chosen is a part of the columns of a table, keys first.
func (g *generator) chosen(t *table, keys bool) (out []column) {
	for _, c := range t.cols {
		if c.key && keys || !c.key && g.n(3) < 2 {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		out = append(out, t.cols[len(t.cols)-1])
	}
	return out
}

func (g *generator) keyValue(c column) string {
	if c.name == "tenant" {
		if g.in(2) {
			return "'" + g.tenant() + "'"
		}
		return g.bind(g.tenant())
	}
	return g.id()
}

func (g *generator) insert() statement {
	t := g.table()
	cols := g.chosen(t, true)
	head := "INSERT INTO " + g.spell(t.name)
	verb := g.n(10)
	switch {
	case verb == 8 && g.w.dialect == rewrite.MySQL:
		head = g.pick("REPLACE INTO ", "INSERT IGNORE INTO ", "REPLACE ", "INSERT ") + t.name
	case verb == 8 && g.w.dialect == rewrite.SQLite:
		head = g.pick("REPLACE INTO ", "INSERT OR IGNORE INTO ", "INSERT OR REPLACE INTO ", "INSERT OR ABORT INTO ") + t.name
	case verb == 9 && g.w.dialect == rewrite.MySQL:
		return g.insertSet(t, cols)
	}
	list := ""
	if g.in(5) {
		cols = t.cols
	} else {
		list = " (" + columnList(g, cols) + ")"
	}
	st := statement{}
	if g.in(5) {
		st.text = head + list + " " + g.insertSource(t, cols)
	} else {
		var rows []string
		for range 1 + g.n(6)/3 {
			rows = append(rows, g.insertRow(cols))
		}
		st.text = head + list + g.pick(" VALUES ", " VALUES ", " VALUES") + strings.Join(rows, ", ")
	}
	if verb < 3 {
		st.text += g.upsert(t)
	}
	return g.returning(st, t, t.name)
}

func columnList(g *generator, cols []column) string {
	var out []string
	for _, c := range cols {
		out = append(out, g.spellColumn(c.name))
	}
	return strings.Join(out, ", ")
}

func (g *generator) spellColumn(name string) string {
	if g.n(10) < 9 {
		return name
	}
	if g.w.dialect == rewrite.MySQL {
		return "`" + name + "`"
	}
	return `"` + name + `"`
}

func (g *generator) insertRow(cols []column) string {
	var out []string
	for _, c := range cols {
		if c.key {
			out = append(out, g.keyValue(c))
			continue
		}
		v := g.stored(c, nil)
		if v == "DEFAULT" && g.w.dialect == rewrite.SQLite {
			v = "NULL"
		}
		out = append(out, v)
	}
	return "(" + strings.Join(out, ", ") + ")"
}

// insertSource makes the query of an INSERT … SELECT. Keys are given or derived
// so that they do not collide by accident of order.
func (g *generator) insertSource(t *table, cols []column) string {
	from := g.table()
	a := g.name("f")
	s := scope{g.source(from, a)}
	var items []string
	for _, c := range cols {
		switch {
		case c.name == "id":
			items = append(items, a+".id + "+strconv.Itoa(maxID))
		case c.name == "tenant":
			items = append(items, "'"+g.tenant()+"'")
		case c.sealed:
			items = append(items, g.insertSealed(c, s))
		default:
			v := g.stored(c, s)
			if v == "DEFAULT" || g.w.dialect == rewrite.Postgres && strings.HasPrefix(v, boundMark) {
				v = "NULL"
			}
			if g.w.dialect == rewrite.Postgres {
				v = "CAST(" + v + " AS " + g.w.spelling(c.kind) + ")"
			}
			items = append(items, v)
		}
	}
	where := a + ".id < " + strconv.Itoa(maxID) + " AND " + g.cond(s)
	if from.tenant {
		where = a + ".tenant = '" + g.tenant() + "' AND " + where
	}
	return "SELECT " + strings.Join(items, ", ") + " FROM " + from.name + " " + a + " WHERE " + where + " ORDER BY " + a + ".id" // other keys may collide
}

// insertSealed is what an INSERT … SELECT stores in an encrypted column.
func (g *generator) insertSealed(c column, s scope) string {
	if seal := s.all(func(x col) bool { return x.sealed && x.kind == c.kind && x.ci == c.ci }); len(seal) > 0 && g.in(3) {
		return pickOf(g.dice, seal).ref
	}
	return g.pick("NULL", g.value(c.kind, true))
}

func (g *generator) insertSet(t *table, cols []column) statement {
	var out []string
	for _, c := range cols {
		v := g.keyValue(c)
		if !c.key {
			v = g.stored(c, nil)
		}
		out = append(out, c.name+" = "+v)
	}
	return statement{text: "INSERT INTO " + t.name + " SET " + strings.Join(out, ", ")}
}

// upsert adds what happens to rows that are there.
func (g *generator) upsert(t *table) string {
	keys := t.targets()[0]
	if g.in(3) {
		keys = pickOf(g.dice, t.targets())
	}
	cols := g.chosen(t, false)
	var out []string
	for _, c := range cols {
		v := g.stored(c, nil)
		if g.in(2) {
			proposed := "excluded." + c.name
			if g.w.dialect == rewrite.MySQL {
				proposed = "VALUES(" + c.name + ")"
			}
			own := t.name + "." + c.name
			v = g.pick(proposed, proposed, "coalesce("+proposed+", "+own+")", "coalesce("+own+", "+proposed+")", "CASE WHEN "+t.name+".ref > "+g.small()+" THEN "+proposed+" ELSE "+own+" END")
		}
		if v == "DEFAULT" {
			v = "NULL"
		}
		out = append(out, c.name+" = "+v)
	}
	set := strings.Join(out, ", ")
	if g.w.dialect == rewrite.MySQL {
		return " ON DUPLICATE KEY UPDATE " + set
	}
	switch g.n(5) {
	case 0:
		return " ON CONFLICT DO NOTHING"
	case 1:
		return " ON CONFLICT (" + keys + ") DO NOTHING"
	case 2:
		return " ON CONFLICT (" + keys + ") DO UPDATE SET " + set + " WHERE " + t.name + ".ref > " + g.small()
	}
	return " ON CONFLICT (" + keys + ") DO UPDATE SET " + set
}

// returning adds a list of what is handed back.
func (g *generator) returning(st statement, t *table, alias string) statement {
	if !g.in(3) || g.w.dialect == rewrite.MySQL && strings.HasPrefix(st.text, "UPDATE") {
		return st
	}
	s := scope{g.source(t, alias)}
	var items []string
	for range 1 + g.n(3) {
		c := pickOf(g.dice, s[0].cols)
		items = append(items, g.pick(c.name, c.ref, c.name+" AS "+g.name("o"), "*", c.name+" IS NULL", "id + 1"))
	}
	st.text += " RETURNING " + strings.Join(items, ", ")
	st.rows = true
	return st
}

// where makes the condition of a write; for tables with partitions it names
// one, now and then that of the context.
func (g *generator) where(st *statement, t *table, alias string, s scope) string {
	cond := g.cond(s)
	switch g.n(4) {
	case 1:
		cond = alias + ".id = " + g.id()
	case 2:
		cond = alias + ".id = " + g.id() + " AND " + cond
	}
	if t.tenant && g.n(8) < 7 {
		p := g.tenant()
		if st.partition != "" {
			p = st.partition
		}
		v := "'" + p + "'"
		if g.in(2) {
			v = g.bind(p)
		}
		cond = alias + ".tenant = " + v + " AND " + "(" + cond + ")"
	} else if st.partition != "" {
		cond = alias + ".tenant = '" + st.partition + "' AND (" + cond + ")"
	}
	return cond
}

// joins finds at most one row of o, seen as b, for each row of alias: which of
// several an engine takes is not promised.
func (g *generator) joins(o *table, b, alias string) string {
	on := b + ".id = " + alias + ".ref"
	if o.tenant {
		on += " AND " + b + ".tenant = '" + g.tenant() + "'"
	}
	return on
}

func (g *generator) update() statement {
	t := g.table()
	st := statement{partition: g.partition(t)}
	alias, head := t.name, "UPDATE "+g.spell(t.name)
	if g.in(3) {
		alias = g.name("t")
		head += g.pick(" ", " AS ") + alias
	}
	s := scope{g.source(t, alias)}
	from, set := "", s
	joined := g.in(6)
	if joined {
		o := g.table()
		b := g.name("j")
		set = scope{s[0], g.source(o, b)}
		on := g.joins(o, b, alias)
		if g.w.dialect == rewrite.MySQL {
			head += " JOIN " + o.name + " " + b + " ON " + on
		} else {
			from = " FROM " + o.name + " " + b + " WHERE " + on + " AND "
		}
	}
	var out []string
	cols := g.chosen(t, false)
	if len(cols) > 1 {
		cols = cols[:1+g.n(2)]
	}
	for _, c := range cols {
		v := g.stored(c, set)
		if v == "DEFAULT" && g.w.dialect == rewrite.SQLite {
			v = "NULL"
		}
		name := c.name
		if joined && g.w.dialect == rewrite.MySQL {
			name = alias + "." + name
		}
		out = append(out, name+" = "+v)
	}
	if len(out) == 2 && g.in(6) && g.w.dialect != rewrite.MySQL {
		l, lv, _ := strings.Cut(out[0], " = ")
		r, rv, _ := strings.Cut(out[1], " = ")
		out = []string{"(" + l + ", " + r + ") = (" + lv + ", " + rv + ")"}
	}
	if from == "" {
		from = " WHERE "
	}
	st.text = head + " SET " + strings.Join(out, ", ") + from + g.where(&st, t, alias, set)
	return g.returning(st, t, alias)
}

// partition draws whether the context names the partition of a write. Searches
// keep to it then, in subqueries as well, which the plain driver does not.
func (g *generator) partition(t *table) string {
	g.within = t.tenant && g.in(4)
	if !g.within {
		return ""
	}
	return g.tenant()
}

func (g *generator) delete() statement {
	t := g.table()
	st := statement{partition: g.partition(t)}
	alias := t.name
	head := "DELETE FROM " + g.spell(t.name)
	if g.in(3) && g.w.dialect != rewrite.MySQL {
		alias = g.name("t")
		head += " AS " + alias
	}
	s := scope{g.source(t, alias)}
	switch {
	case g.in(6) && g.w.dialect == rewrite.Postgres:
		o := g.table()
		b := g.name("j")
		st.text = head + " USING " + o.name + " " + b + " WHERE " + g.joins(o, b, alias) + " AND " + g.where(&st, t, alias, append(s, g.source(o, b)))
	case g.in(6) && g.w.dialect == rewrite.MySQL:
		o := g.table()
		b := g.name("j")
		st.text = "DELETE " + t.name + " FROM " + t.name + " JOIN " + o.name + " " + b + " ON " + g.joins(o, b, t.name) + " WHERE " + g.where(&st, t, t.name, append(scope{g.source(t, t.name)}, g.source(o, b)))
		return st
	default:
		st.text = head + " WHERE " + alias + ".id = " + g.id() + " AND " + g.where(&st, t, alias, s)
	}
	return g.returning(st, t, alias)
}

package fuzzsql_test

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

func isPatterned(c col) bool { return c.like() && c.base }

// nonNull writes a value for a comparison that NULL would make an error.
func (g *generator) nonNull(k kind, v any) string {
	if alt := g.n(4); alt > 0 {
		return literal(g.w.dialect, k, v, alt-1)
	}
	return g.bind(v)
}

// escapes of LIKE: none said, and two that ESCAPE says.
var escapes = []string{"", "", "!", "_"}

// likeCond compares a column with a pattern.
func (g *generator) likeCond(c col) string {
	g.asks["pattern"] = true
	escape := pickOf(g.dice, escapes)
	p := g.pattern(c, escape)
	op := g.pick(" LIKE ", " LIKE ", " LIKE ", " NOT LIKE ")
	left := c.ref
	if g.w.dialect == rewrite.Postgres && g.in(3) {
		op = strings.Replace(op, "LIKE", "ILIKE", 1)
	}
	value := ""
	switch n := g.n(12); {
	case n == 9 && escape == "":
		value = g.between(p)
	case n == 10 && !c.ci:
		left, value = "lower("+left+")", "lower("+g.text(p)+")"
	case n == 11:
		value = "NULL"
	default:
		value = g.nonNull(kindText, p)
	}
	out := left + op + value
	if escape != "" {
		out += " ESCAPE '" + escape + "'"
	}
	return out
}

// text writes a text where the engine could not tell its type.
func (g *generator) text(v string) string {
	if g.w.dialect == rewrite.Postgres {
		return "CAST(" + g.bind(v) + " AS text)"
	}
	return g.bind(v)
}

// between puts a pattern between wildcards in the statement.
func (g *generator) between(p string) string {
	p = strings.Trim(p, "%")
	if strings.HasSuffix(p, `\`) {
		p += "%"
	}
	if g.w.dialect == rewrite.MySQL {
		return "concat('%', " + g.bind(p) + ", '%')"
	}
	return "'%' || " + g.text(p) + " || '%'"
}

// pattern makes one of pieces of a value: its beginning, end, middle, several of
// them, all of it.
func (g *generator) pattern(c col, escape string) string {
	letters := []rune(g.w.marked(c.kind, g.vals.IntN(60)).(string))
	n := len(letters)
	size := func() int { return min(n, 1+g.n(8)+g.n(2)*4) }
	from := func(k int) int { return g.vals.IntN(n - k + 1) }
	piece := func(at, k int) string { return g.letters(letters[at:at+k], escape) }
	var p string
	switch k := size(); g.n(9) {
	default:
		p = "%" + piece(from(k), k) + "%"
	case 1:
		p = piece(0, k) + "%"
	case 2:
		p = "%" + piece(n-k, k)
	case 3:
		p = piece(0, n)
	case 4:
		p = piece(0, k) + "%" + piece(n-k, k)
	case 5:
		l := size()
		p = "%" + piece(from(k), k) + "%" + piece(from(l), l) + "%"
	case 6:
		p = "%" + g.vague(piece(0, n))
	case 7:
		p = g.vague(piece(0, k)) + "%"
	case 8:
		p = g.pick("%", "", "_%", "%_", "%%")
	}
	if g.w.dialect == rewrite.MySQL && c.keyed && !c.ci {
		// MariaDB 10.11 misses rows by a key of utf8mb4_bin where a letter above U+FFFF
		// comes next: the end of its range is U+FFFF.
		p = strings.Replace(p, "ü€%", "ü€😀%", 1)
	}
	if strings.HasSuffix(p, `\`) {
		p += "%" // a pattern that ends with its escape is an error where it is read, and not every engine reads it
	}
	switch g.n(6) {
	case 4:
		p = ascii(p, 'A', 'Z', 'a'-'A')
	case 5:
		p = ascii(p, 'a', 'z', 'A'-'a')
	}
	return p
}

// letters writes a part of a value as a pattern.
func (g *generator) letters(part []rune, escape string) string {
	var b strings.Builder
	for _, r := range part {
		if escape != "" && (r == '%' || r == '_' || string(r) == escape) {
			b.WriteString(escape)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// vague puts a wildcard in the place of a letter or a digit.
func (g *generator) vague(p string) string {
	var at []int
	for i := range len(p) {
		if p[i] >= '0' && p[i] <= '9' || p[i] >= 'a' && p[i] <= 'z' {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return p
	}
	i := at[g.vals.IntN(len(at))]
	return p[:i] + g.pick("_", "%") + p[i+1:]
}

// matching makes a query with LIKE in the one place where the driver can leave
// out what does not match: at the top of a plain SELECT.
func (g *generator) matching(from string, s scope) (query, bool) {
	found := s.all(func(c col) bool { return isPatterned(c) && g.matches(c) || c.lossy && c.base })
	if len(found) == 0 {
		return query{}, false
	}
	var items []string
	var cols []col
	for range 1 + g.n(4) {
		c := g.col(s.all(anyCol))
		if g.in(3) {
			c = pickOf(g.dice, found)
		}
		text := c.ref
		if g.in(4) {
			c.name = g.name("o")
			text += " AS " + c.name
			c.ref = c.name
		}
		items, cols = append(items, text), append(cols, c)
	}
	where := g.fixed(s)
	for range 1 + g.n(4)/3 {
		c := pickOf(g.dice, found)
		if c.lossy && (!isPatterned(c) || !g.matches(c) || g.in(2)) {
			where = append(where, g.lossyCond(c))
			continue
		}
		where = append(where, g.likeCond(c))
	}
	if g.in(2) {
		where = append(where, g.pick("(", "(")+g.cond(s)+")")
	}
	q := query{text: "SELECT " + strings.Join(items, ", ") + " FROM " + from + " WHERE " + strings.Join(where, " AND "), cols: cols}
	g.order(&q, s, true)
	return q, true
}

// lossyCond compares a column whose index finds more than equal values.
func (g *generator) lossyCond(c col) string {
	g.asks["lossy equality"] = true
	value := func() string { return g.nonNull(c.kind, g.w.marked(c.kind, g.vals.IntN(60))) }
	if g.in(3) {
		return c.ref + " IN (" + value() + ", " + value() + ")"
	}
	return c.ref + " = " + value()
}

// fixed are conditions that say which partition the rows of a scope are of.
func (g *generator) fixed(s scope) (out []string) {
	for _, x := range s {
		if (x.tenant || x.table != nil && x.table.tenant) && g.n(6) < 5 {
			v := "'" + g.tenant() + "'"
			if g.in(3) {
				v = g.bind(g.tenant())
			}
			out = append(out, x.alias+".tenant = "+v)
		}
	}
	return out
}

// fixedAnd is a condition with the partitions in front of it.
func (g *generator) fixedAnd(s scope, cond string) string {
	if list := g.fixed(s); len(list) > 0 {
		return strings.Join(list, " AND ") + " AND (" + cond + ")"
	}
	return cond
}

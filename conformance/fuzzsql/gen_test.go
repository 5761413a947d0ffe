package fuzzsql_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// statement is what is run on both sides.
type statement struct {
	text string
	args []any
	rows bool // yields rows
	// total: the rows come in an order that is theirs alone.
	total bool
	// partition is given by the context; the text says the same.
	partition string
	prepared  bool
	explain   bool // what it yields depends on the physical tables
	// folded: of texts that are equal without case, any may be shown.
	folded bool
	asks   map[string]bool // kinds of questions to indexes in it
	// plain is what the plain driver is sent in its place; nil for the same.
	plain *statement
}

// generator makes statements. Bound values are written as numbered marks first,
// since clauses are not made in the order in which they stand.
type generator struct {
	*dice
	w     *world
	vals  *rand.Rand
	bound []any
	depth int
	fresh int // names made up
	// shadow is the name of a table that a CTE of the statement takes away.
	shadow string
	within bool // the context names a partition
	left   int  // tables that may still be joined: their product is what engines work through
	asks   map[string]bool
	risk   int // one in risk constructs is one that is refused; 0 for none
}

const boundMark = "\x01"

func newGenerator(w *world, d *dice, vals *rand.Rand) *generator {
	return &generator{dice: d, w: w, vals: vals}
}

// col is a column as an expression sees it.
type col struct {
	ref    string
	name   string
	kind   kind
	sealed bool
	base   bool // of a table that the query itself names
	// shown: behind queries that show it as it is, with its range index.
	shown bool
	keyed bool // a key of the plain table holds it
	indexes
}

// alike reports two columns whose values may stand for each other.
func (c col) alike(o col) bool { return c.sealed == o.sealed && c.kind == o.kind && c.ci == o.ci }

// src is a source of rows. keys are references that tell its rows apart; nil
// where nothing is known to.
type src struct {
	alias string
	cols  []col
	keys  []string
	table *table
	// tenant: a view of rows of several partitions.
	tenant bool
}

// scope is the sources that an expression may name.
type scope []src

func (s scope) all(keep func(col) bool) (out []col) {
	for _, x := range s {
		for _, c := range x.cols {
			if keep(c) {
				out = append(out, c)
			}
		}
	}
	return out
}

func clearOf(k kind) func(col) bool {
	return func(c col) bool { return !c.sealed && c.kind == k }
}

func isSealed(c col) bool { return c.sealed }

func isClear(c col) bool { return !c.sealed }

// col picks a column; where there is none, a constant.
func (g *generator) col(list []col) col {
	if len(list) == 0 {
		return col{ref: "1", name: "one", kind: kindInt}
	}
	return pickOf(g.dice, list)
}

// table picks a table that its name means.
func (g *generator) table() *table {
	i := g.n(len(g.w.tables))
	if g.w.tables[i].name == g.shadow {
		i = (i + 1) % len(g.w.tables)
	}
	return g.w.tables[i]
}

// bind returns the stand-in of an argument.
func (g *generator) bind(v any) string {
	g.bound = append(g.bound, v)
	return boundMark + strconv.Itoa(len(g.bound)-1) + boundMark
}

// finish numbers the arguments that are left in a text. On PostgreSQL one that
// stands twice is one parameter.
func (g *generator) finish(text string) (string, []any) {
	parts := strings.Split(text, boundMark)
	var out strings.Builder
	var args []any
	number := map[int]int{}
	for i, p := range parts {
		if i%2 == 0 {
			out.WriteString(p)
			continue
		}
		n, err := strconv.Atoi(p)
		if err != nil {
			panic("fuzzsql: a bound value was cut: " + p) // programmer error
		}
		if g.w.dialect == rewrite.Postgres {
			if number[n] == 0 {
				args = append(args, g.bound[n])
				number[n] = len(args)
			}
			fmt.Fprintf(&out, "$%d", number[n])
			continue
		}
		args = append(args, g.bound[n])
		out.WriteByte('?')
	}
	return out.String(), args
}

// risky decides about a construct that must be refused.
func (g *generator) risky() bool { return g.risk > 0 && g.in(g.risk) }

func (g *generator) name(head string) string {
	g.fresh++
	return head + strconv.Itoa(g.fresh)
}

// value writes a value for a column: an argument, a literal, or NULL.
func (g *generator) value(k kind, sealed bool) string {
	if g.in(8) {
		return "NULL"
	}
	n := g.vals.IntN(60) // few, so that searches find rows
	v := plainValue(k, n)
	if sealed {
		v = g.w.marked(k, n)
	}
	switch alt := g.n(4); {
	case alt == 0:
		return g.bind(v)
	default:
		return literal(g.w.dialect, k, v, alt-1)
	}
}

// typed writes an argument where the engine could not tell its type.
func (g *generator) typed(k kind) string {
	if g.w.dialect == rewrite.Postgres {
		return "CAST(" + g.bind(plainValue(k, g.vals.IntN(100000))) + " AS " + g.w.spelling(k) + ")"
	}
	return g.bind(plainValue(k, g.vals.IntN(100000)))
}

func (g *generator) small() string { return strconv.Itoa(g.vals.IntN(12)) }

// maxID bounds the numbers of rows, and with them the rows of a table; those of
// INSERT … SELECT come above.
const maxID = 12

// id writes the number of a row, which may be there or not.
func (g *generator) id() string {
	n := int64(g.vals.IntN(maxID))
	if g.in(2) {
		return strconv.FormatInt(n, 10)
	}
	return g.bind(n)
}

func (g *generator) tenant() string { return []string{"t1", "t2"}[g.vals.IntN(2)] }

// ---- expressions over clear values ----

func (g *generator) intExpr(s scope) string {
	cols := s.all(clearOf(kindInt))
	if len(cols) == 0 {
		return g.small()
	}
	c := pickOf(g.dice, cols).ref
	if g.depth > 3 {
		return c
	}
	switch g.n(9) {
	default:
		return c
	case 1:
		return g.small()
	case 2:
		return c + " + " + g.small()
	case 3:
		return "abs(" + c + " - " + g.small() + ")"
	case 4:
		return "coalesce(" + c + ", " + g.small() + ")"
	case 5:
		return "CASE WHEN " + g.cond(s) + " THEN " + c + " ELSE " + g.small() + " END"
	case 6:
		return "(" + c + ")"
	case 7:
		return "length(" + g.textExpr(s) + ")"
	case 8:
		return g.scalar(s)
	}
}

func (g *generator) textExpr(s scope) string {
	cols := s.all(clearOf(kindText))
	if len(cols) == 0 || g.depth > 3 {
		return textLiteral(g.w.dialect, "lit", 0)
	}
	c := pickOf(g.dice, cols).ref
	switch g.n(7) {
	default:
		return c
	case 1:
		return textLiteral(g.w.dialect, plainValue(kindText, g.vals.IntN(6)).(string), 0)
	case 2:
		return "upper(" + c + ")"
	case 3:
		return "coalesce(" + c + ", 'none')"
	case 4:
		return "CASE WHEN " + g.cond(s) + " THEN " + c + " ELSE 'other' END"
	case 5:
		if g.w.dialect == rewrite.MySQL {
			return "concat(" + c + ", '-')"
		}
		return c + " || '-'"
	case 6:
		return "replace(" + c + ", 'r', 'R')"
	}
}

// scalar is a subquery that yields one clear number.
func (g *generator) scalar(s scope) string {
	t := g.table()
	a := g.name("q")
	inner := g.source(t, a)
	g.depth++
	defer func() { g.depth-- }()
	return "(SELECT " + g.pick("count(*)", "max("+a+".ref)", "min("+a+".id)") + " FROM " + t.name + " " + a + " WHERE " + g.fixedAnd(scope{inner}, g.correlated(scope{inner}, s)) + ")"
}

// correlated is a condition of an inner scope that may look outwards.
func (g *generator) correlated(inner, outer scope) string {
	if outs := outer.all(clearOf(kindInt)); len(outs) > 0 && g.in(2) {
		return g.col(inner.all(clearOf(kindInt))).ref + " = " + pickOf(g.dice, outs).ref
	}
	return g.cond(inner)
}

// cond is a condition over clear columns, and NULL tests of any.
func (g *generator) cond(s scope) string {
	if g.risky() {
		return g.sealedCond(s)
	}
	g.depth++
	defer func() { g.depth-- }()
	ints := s.all(clearOf(kindInt))
	if len(ints) == 0 {
		return "1 = 1"
	}
	c := pickOf(g.dice, ints).ref
	n := 7
	if g.depth < 4 {
		n = 16
	}
	if g.in(8) && !g.within {
		if cond, ok := g.combined(s); ok {
			return cond
		}
	}
	if found := s.all(isCompared); len(found) > 0 && !g.within && g.in(4) {
		return g.compared(s, pickOf(g.dice, found))
	}
	switch g.n(n) {
	default:
		return c + g.pick(" = ", " < ", " >= ", " <> ") + g.bind(int64(g.vals.IntN(12)))
	case 1:
		return c + g.pick(" = ", " < ", " >= ", " <> ") + g.small()
	case 2:
		return g.col(s.all(anyCol)).ref + g.pick(" IS NULL", " IS NOT NULL")
	case 3:
		return c + g.pick(" IN (", " NOT IN (") + g.small() + ", " + g.bind(int64(g.vals.IntN(12))) + ", 3)"
	case 4:
		return c + g.pick(" BETWEEN ", " NOT BETWEEN ") + g.small() + " AND " + g.bind(int64(g.vals.IntN(12)))
	case 5:
		return g.textExpr(s) + g.pick(" = ", " LIKE ") + g.pick("'red'", "'b%'")
	case 6:
		return c + " = " + pickOf(g.dice, ints).ref
	case 7:
		return "(" + g.cond(s) + " OR " + g.cond(s) + ")"
	case 8:
		return g.cond(s) + " AND " + g.cond(s)
	case 9:
		return "NOT (" + g.cond(s) + ")"
	case 10:
		return g.pick("EXISTS", "NOT EXISTS") + " (SELECT " + g.existsItem(s) + ")"
	case 11:
		t := g.table()
		a := g.name("i")
		return c + g.pick(" IN ", " NOT IN ") + "(SELECT " + a + "." + g.pick("id", "ref") + " FROM " + t.name + " " + a + " WHERE " + a + ".ref IS NOT NULL AND " + g.cond(scope{g.source(t, a)}) + ")"
	case 12:
		if g.w.dialect == rewrite.SQLite { // under RIGHT JOIN its lists of rows lose some, depending on indexes
			return "(" + c + ", " + c + ") = (" + g.small() + ", " + g.bind(int64(g.vals.IntN(12))) + ")"
		}
		return "(" + c + ", " + c + ") IN ((1, 1), (" + g.small() + ", " + g.bind(int64(g.vals.IntN(12))) + "))"
	case 13:
		if g.w.dialect == rewrite.Postgres {
			return c + " = ANY (ARRAY[1, 2, " + g.small() + "])"
		}
		return c + " = " + g.scalar(s)
	case 14:
		return g.intExpr(s) + " > " + g.intExpr(s)
	case 15:
		return "CASE WHEN " + g.cond(s) + " THEN " + c + " ELSE 0 END = " + c
	}
}

// compared asks one of the indexes of a column.
func (g *generator) compared(s scope, c col) string {
	switch n := g.n(8); {
	case n < 4 && isRanged(c):
		return g.rangeCond(s, c)
	case n == 4 && isPatterned(c) && g.matches(c):
		return g.likeCond(c) // refused in most places
	case c.equal() && (c.search || c.base):
		return g.search(s, c)
	case isRanged(c):
		return g.rangeCond(s, c)
	}
	return c.ref + " IS NOT NULL"
}

// search compares a column that has a blind index.
func (g *generator) search(s scope, c col) string {
	g.asks[map[bool]string{false: "equality", true: "lossy equality"}[c.lossy]] = true
	v := g.value(c.kind, true)
	switch g.n(16) {
	case 13:
		if c.kind == kindInt && g.w.dialect != rewrite.Postgres {
			return c.ref + g.pick(" IS ", " IS NOT ") + g.pick("TRUE", "FALSE")
		}
		if c.kind == kindBool {
			return g.pick("", "NOT ") + c.ref + g.pick("", " IS TRUE", " IS NOT FALSE", " IS UNKNOWN")
		}
	case 14:
		if v, ok := g.again(c.kind); ok {
			return "(" + g.decided(c.kind, v) + g.pick(" OR ", " AND ") + c.ref + g.pick(" = ", " <> ") + v + ")"
		}
	case 2:
		return v + " = " + c.ref
	case 3:
		return c.ref + " <> " + v
	case 4:
		return c.ref + g.pick(" IN (", " NOT IN (") + v + ", " + g.value(c.kind, true) + ")"
	case 5:
		return c.ref + map[rewrite.Dialect]string{rewrite.Postgres: " IS NOT DISTINCT FROM ", rewrite.MySQL: " <=> ", rewrite.SQLite: " IS "}[g.w.dialect] + v
	case 6:
		return "(" + c.ref + " = " + v + " OR " + c.ref + " IS NULL)"
	case 7:
		others := s.all(func(o col) bool { return o.search && o.alike(c) && o.table == c.table && o.lossy == c.lossy })
		if len(others) == 0 {
			break
		}
		return c.ref + " = " + pickOf(g.dice, others).ref
	case 8, 9:
		op := g.pick(" IN (", " NOT IN (")
		if g.w.dialect != rewrite.SQLite && g.in(3) {
			op = g.pick(" = ALL (", " <> ANY (", " = ANY (", " <> ALL (")
		}
		list := g.listed(c)
		if !strings.HasPrefix(list, "SELECT") && !strings.HasSuffix(op, "IN (") {
			op = " IN ("
		}
		return c.ref + op + list + ")"
	case 10:
		if ints := s.all(clearOf(kindInt)); len(ints) > 0 {
			return "(" + pickOf(g.dice, ints).ref + ", " + c.ref + ") IN ((" + g.small() + ", " + v + "), (" + g.small() + ", " + g.value(c.kind, true) + "))"
		}
	case 11:
		return "CASE " + c.ref + " WHEN " + v + " THEN 1 WHEN " + g.value(c.kind, true) + " THEN 2 ELSE 3 END = " + g.small()
	case 12:
		if g.w.dialect == rewrite.Postgres && c.kind == kindText {
			return c.ref + g.pick(" = ANY (", " <> ALL (", " = ALL (", " <> ANY (") + g.bind([]string{g.w.marked(c.kind, g.vals.IntN(60)).(string), g.w.marked(c.kind, g.vals.IntN(60)).(string)}) + ")"
		}
	}
	return c.ref + " = " + v
}

// listed is a query of values that a column is compared with.
func (g *generator) listed(c col) string {
	var found []column
	t := g.table()
	for _, x := range t.cols {
		if x.search && x.kind == c.kind && x.ci == c.ci && x.table == c.table {
			found = append(found, x)
		}
	}
	if len(found) == 0 {
		return g.value(c.kind, true)
	}
	a := g.name("l")
	inner := scope{g.source(t, a)}
	where := g.cond(inner)
	where = g.fixedAnd(inner, where)
	return "SELECT " + g.pick("", "DISTINCT ") + a + "." + pickOf(g.dice, found).name + " FROM " + t.name + " " + a + " WHERE " + where
}

// existsItem is what stands behind SELECT in an EXISTS.
func (g *generator) existsItem(s scope) string {
	t := g.table()
	a := g.name("e")
	inner := scope{g.source(t, a)}
	item := g.pick("1", "*", a+".*", pickOf(g.dice, inner[0].cols).ref)
	return item + " FROM " + t.name + " " + a + " WHERE " + g.fixedAnd(inner, g.correlated(inner, s))
}

// sealedCond compares an encrypted column; without a search index it is
// refused.
func (g *generator) sealedCond(s scope) string {
	cols := s.all(isSealed)
	if len(cols) == 0 {
		return "2 = 2"
	}
	c := pickOf(g.dice, cols)
	v := g.value(c.kind, true)
	like := c.ref + " LIKE " + v
	if !g.matches(c) {
		like = c.ref + " = " + v
	}
	return g.pick(c.ref+" = "+v, c.ref+" IN ("+v+")", c.ref+" <> "+v, v+" = "+c.ref, c.ref+" = "+pickOf(g.dice, cols).ref, like,
		"coalesce("+c.ref+", "+v+") IS NULL", "("+c.ref+", 1) = ("+v+", 1)", "nullif("+c.ref+", "+v+") IS NULL", "CASE WHEN "+c.ref+" = "+v+" THEN 1 END = 1")
}

// matches reports whether the plain engine takes LIKE of a column: PostgreSQL does
// not under a collation that folds case, while the driver answers.
func (g *generator) matches(c col) bool { return !c.ci || g.w.dialect != rewrite.Postgres }

// ---- statements ----

func (g *generator) statement() statement {
	g.begin()
	g.bound, g.depth, g.fresh, g.left, g.shadow, g.within = nil, 0, 0, 4, "", false
	g.asks = map[string]bool{}
	g.risk = []int{0, 0, 0, 6, 30, 0}[g.n(6)]
	var st statement
	switch k := g.n(24); {
	case k < 11:
		st = g.selectStatement()
	case k >= 22:
		st = g.narrowed()
	case k >= 20:
		st = g.overList()
	case k < 14:
		st = g.insert()
	case k < 17:
		st = g.update()
	case k < 19:
		st = g.delete()
	default:
		st = g.other()
	}
	st.prepared = g.in(4)
	text := g.decorate(st.text)
	st.text, st.args = g.finish(oneSide(text, false))
	st.asks = g.asks
	st.folded = g.w.ci && representative.MatchString(st.text)
	if strings.Contains(text, sideMark) {
		other := st
		other.text, other.args = g.finish(oneSide(text, true))
		st.plain = &other
	}
	return st
}

// representative finds what shows one of several equal values.
var representative = regexp.MustCompile(`(?i)\b(GROUP|DISTINCT|UNION|INTERSECT|EXCEPT)\b`)

func (g *generator) selectStatement() statement {
	q := g.query(true)
	return statement{text: q.text, rows: true, total: q.total}
}

// decorate puts comments and odd blanks between words.
func (g *generator) decorate(s string) string {
	if g.n(10) < 7 || strings.ContainsAny(s, `\$`) {
		return s
	}
	blank := g.pick("  ", "\n", "\t", " /* ssn */ ", " -- it's\n ", "/**/ ")
	var at []int
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == ' ':
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return s
	}
	i := at[g.n(len(at))]
	return s[:i] + blank + s[i+1:]
}

// other makes statements that are no DML.
func (g *generator) other() statement {
	q := g.query(true)
	switch n := g.n(5); {
	case n == 0:
		return statement{text: "EXPLAIN " + q.text, rows: true, explain: true}
	case n == 1 && g.w.dialect != rewrite.SQLite:
		return statement{text: "(" + q.text + ")", rows: true, total: q.total}
	case n == 2 && g.w.dialect == rewrite.MySQL:
		return statement{text: "PREPARE " + g.name("p") + " FROM '" + strings.ReplaceAll(q.text, "'", "''") + "'"}
	case n == 2 && g.w.dialect == rewrite.Postgres:
		return statement{text: "PREPARE " + g.name("p") + " AS " + q.text}
	case n == 3 && g.w.dialect == rewrite.Postgres:
		return statement{text: "TABLE " + g.table().name, rows: true}
	}
	return statement{text: q.text + ";", rows: true, total: q.total}
}

func isSearched(c col) bool { return c.search }

// isCompared reports a column that conditions ask by one of its indexes.
func isCompared(c col) bool { return c.search || c.base && c.any() }

func anyCol(col) bool { return true }

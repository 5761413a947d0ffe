package drivertest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// generator makes statements in which the marked value always belongs to an
// encrypted column: it is stored in one, compared with one, or computed into
// one. Sent in clear it is a leak, whatever the statement.
//
// Clauses are made independently of each other and some are thrown away, so a
// bound value is written as a numbered mark first; statement turns those that
// are left into placeholders.
type generator struct {
	r       *rand.Rand
	dialect rewrite.Dialect
	mark    string
	bound   []any
	depth   int
}

// boundMark encloses the index of a bound value; it occurs in no SQL.
const boundMark = "\x01"

// maxDepth bounds how deep queries are put into queries.
const maxDepth = 3

func (g *generator) pick(xs ...string) string { return xs[g.r.IntN(len(xs))] }

// pickLazy makes only the alternative that it takes.
func (g *generator) pickLazy(xs ...func() string) string { return xs[g.r.IntN(len(xs))]() }

func (g *generator) chance(n int) bool { return g.r.IntN(n) == 0 }

func (g *generator) id() string { return strconv.Itoa(g.r.IntN(1_000_000_000)) }

// bind returns the stand-in of a bound value.
func (g *generator) bind(v any) string {
	g.bound = append(g.bound, v)
	return boundMark + strconv.Itoa(len(g.bound)-1) + boundMark
}

// placeholders numbers the bound values that are left in s.
func (g *generator) placeholders(s string) (string, []any) {
	parts := strings.Split(s, boundMark)
	var out strings.Builder
	var args []any
	for i, p := range parts {
		if i%2 == 0 {
			out.WriteString(p)
			continue
		}
		n, err := strconv.Atoi(p)
		if err != nil {
			panic("drivertest: a bound value was cut: " + p) // programmer error
		}
		args = append(args, g.bound[n])
		out.WriteString(g.placeholder(len(args)))
	}
	return out.String(), args
}

func (g *generator) placeholder(n int) string {
	switch {
	case g.dialect == rewrite.Postgres:
		return fmt.Sprintf("$%d", n)
	case g.dialect == rewrite.SQLite && g.chance(4):
		return fmt.Sprintf("?%d", n)
	}
	return "?"
}

// marked writes the marked value: as an argument, a literal in one of the
// dialect's spellings, or wrapped in an expression.
func (g *generator) marked() string {
	switch g.r.IntN(8) {
	case 0, 1, 2:
		return g.bind(g.mark)
	case 3, 4:
		return g.spelling()
	case 5:
		return g.plain()
	}
	return g.wrapped()
}

// plain is the marked value as a parameter or the simplest literal, which
// statements that are supported take.
func (g *generator) plain() string {
	if g.chance(2) {
		return g.bind(g.mark)
	}
	return "'" + g.mark + "'"
}

// escaped spells every byte of the mark as prefix and number.
func (g *generator) escaped(format string) string {
	var b strings.Builder
	for i := range len(g.mark) {
		fmt.Fprintf(&b, format, g.mark[i])
	}
	return b.String()
}

func (g *generator) spelling() string {
	m := g.mark
	hex := fmt.Sprintf("%x", m)
	switch g.dialect {
	case rewrite.Postgres:
		return g.pick("'"+m+"'", "E'"+m+"'", "e'"+m+"'", "$$"+m+"$$", "$q$"+m+"$q$", "$ü$"+m+"$ü$", "N'"+m+"'", "U&'"+m+"'",
			"E'"+g.escaped(`\x%02x`)+"'", "E'"+g.escaped(`\%03o`)+"'", "U&'"+g.escaped(`\%04x`)+"'", "U&'"+g.escaped(`!%04x`)+"' UESCAPE '!'",
			"'"+m+"'::text", "'"+m+"'::varchar(80)", "CAST('"+m+"' AS varchar)", "text '"+m+"'", "varchar '"+m+"'", "'"+m[:4]+"'\n'"+m[4:]+"'",
			"'\\x"+hex+"'::bytea", "X'"+hex+"'", "('"+m+"')", "'"+m+"' COLLATE \"C\"", "'\""+m+"\"'::jsonb", "'{"+m+"}'::text[]", "'("+m+",)'::users")
	case rewrite.MySQL:
		return g.pick("'"+m+"'", `"`+m+`"`, "N'"+m+"'", "n'"+m+"'", "X'"+hex+"'", "x'"+hex+"'", "0x"+hex, "_utf8mb4'"+m+"'", "_latin1'"+m+"'", "_binary 0x"+hex, "_utf8mb4 X'"+hex+"'",
			"'"+m[:4]+"' '"+m[4:]+"'", "CAST('"+m+"' AS CHAR)", "CONVERT('"+m+"' USING utf8mb4)", "'"+m+"' COLLATE utf8mb4_bin", "BINARY '"+m+"'", "('"+m+"')",
			`'`+m[:4]+`\`+m[4:]+`'`, `'\'`+m+`'`, "b'"+g.escaped("%08b")+"'", "0b"+g.escaped("%08b"))
	}
	return g.pick("'"+m+"'", "x'"+hex+"'", "X'"+hex+"'", `"`+m+`"`, "CAST('"+m+"' AS TEXT)", "CAST(x'"+hex+"' AS TEXT)", "('"+m+"')", "'"+m+"' COLLATE NOCASE", "+'"+m+"'")
}

// wrapped computes something from a marked value.
func (g *generator) wrapped() string {
	x := g.spelling()
	if g.chance(2) {
		x = g.bind(g.mark)
	}
	common := []string{
		"upper(" + x + ")", "coalesce(NULL, " + x + ")", "CASE WHEN 1 = 1 THEN " + x + " ELSE NULL END", "CASE " + x + " WHEN 'q' THEN NULL ELSE " + x + " END",
		"(SELECT " + x + ")", "nullif(" + x + ", 'zzz')", "((" + x + "))", "(SELECT max(v) FROM (SELECT " + x + " AS v) d)", "replace(" + x + ", 'q', 'q')",
		"(SELECT " + x + " UNION SELECT " + x + ")", "(WITH w AS (SELECT " + x + " AS v) SELECT v FROM w)", "(SELECT " + x + " FROM orders WHERE id = 0)", "trim(" + x + ")",
	}
	switch g.dialect {
	case rewrite.Postgres:
		common = append(common, x+" || ''", "concat("+x+")", "(ARRAY["+x+"])[1]", "(VALUES ("+x+"))", "GREATEST("+x+", '')", "("+x+")::text::varchar", "format('%s', "+x+"::text)",
			"(jsonb_build_object('a', "+x+"::text) ->> 'a')", "(SELECT v FROM unnest(ARRAY["+x+"::text]) AS v)", "convert_to("+x+", 'UTF8')", "encode("+x+"::bytea, 'escape')",
			"(SELECT string_agg(v, '') OVER () FROM (VALUES ("+x+"::text)) d(v) LIMIT 1)", "substring("+x+" FROM 1)", "left("+x+", 99)", "(SELECT x FROM xmltable('/a' passing xmlparse(document '<a/>') columns x text default "+x+"))")
	case rewrite.MySQL:
		common = append(common, "concat("+x+", '')", "IF(1, "+x+", NULL)", "IFNULL(NULL, "+x+")", "@v := "+x, "(@v := "+x+")", "JSON_UNQUOTE(JSON_EXTRACT(JSON_ARRAY("+x+"), '$[0]'))", "ELT(1, "+x+")",
			"GREATEST("+x+", '')", "CONVERT("+x+", CHAR)", "CAST("+x+" AS BINARY)", "(VALUES ("+x+"))", "SUBSTRING("+x+" FROM 1)", "{ts "+x+"}", "INSERT("+x+", 0, 0, '')", "MAKE_SET(1, "+x+")")
	default:
		common = append(common, x+" || ''", "ifnull(NULL, "+x+")", "iif(1, "+x+", NULL)", "printf('%s', "+x+")", "json_extract(json_array("+x+"), '$[0]')", "(VALUES ("+x+"))", "max("+x+", '')",
			"likely("+x+")", "(SELECT value FROM json_each(json_array("+x+")))", "substr("+x+", 1)", "unhex(hex("+x+"))")
	}
	return g.pick(common...)
}

// spelled writes a name in one of the ways in which the dialect reads it.
func (g *generator) spelled(name string) string {
	if g.chance(2) {
		return name
	}
	upper := strings.ToUpper(name[:1]) + name[1:]
	switch g.dialect {
	case rewrite.Postgres:
		return g.pick(name, strings.ToUpper(name), upper, `"`+name+`"`, `U&"`+name+`"`, fmt.Sprintf(`U&"\%04x%s"`, name[0], name[1:]))
	case rewrite.MySQL:
		return g.pick(name, strings.ToUpper(name), upper, "`"+name+"`", "`"+upper+"`")
	}
	return g.pick(name, strings.ToUpper(name), upper, `"`+name+`"`, "["+upper+"]", "`"+name+"`")
}

// sealed names an encrypted column as the alias t sees it.
func (g *generator) sealed(t string) string {
	c := g.spelled(g.pick("ssn", "email"))
	if t == "" || g.chance(3) {
		return c
	}
	if g.dialect == rewrite.Postgres && g.chance(8) {
		return "(" + t + ")." + c
	}
	return t + "." + c
}

// target names the annotated table, sometimes by another route.
func (g *generator) target() string {
	if g.chance(8) {
		return g.pick("users_view", "users_view2")
	}
	return g.users()
}

func (g *generator) users() string {
	switch g.dialect {
	case rewrite.SQLite:
		return g.pick("users", "users", "main.users", "USERS", "[users]", "`users`", `"users"`, "'users'", "main . users", "main.[Users]")
	case rewrite.Postgres:
		return g.pick("users", "users", "public.users", "Users", `"users"`, "ONLY users", "public . users", `U&"\0075sers"`, "users *", `"public"."users"`)
	}
	return g.pick("users", "users", "`users`", "`users` ", " users")
}

// statement makes one statement and its arguments.
func (g *generator) statement() (string, []any) {
	g.bound, g.depth = nil, 0
	s := g.pickLazy(g.insert, g.insert, g.insert, g.insertSelect, g.update, g.update, g.update, g.delete,
		g.selectStatement, g.selectStatement, g.selectStatement, g.selectStatement, g.selectStatement,
		g.combined, g.explained, g.definition, g.disguise, g.disguise)
	return g.placeholders(g.decorate(s))
}

// decorate adds comments, odd spacing and a second statement.
func (g *generator) decorate(s string) string {
	switch g.r.IntN(26) {
	case 0:
		return "/* ssn */ " + s
	case 1:
		return strings.ReplaceAll(s, " ", "  ")
	case 2:
		return s + " -- '"
	case 3:
		return g.pick("SELECT 1; ", "BEGIN; ", "; ", ";;") + s
	case 4:
		return s + ";"
	case 5:
		return "(" + s + ")"
	case 6:
		return g.spaced(s, "/**/")
	case 7:
		return g.spaced(s, "/* ' \" ` */")
	case 8:
		return g.spaced(s, " -- ' ; \n")
	case 9:
		return g.spaced(s, g.pick("\t", "\n", "\r\n", "\f", "\v", " ", " \n\t "))
	case 10:
		return s + g.pick("; SELECT 1", "; COMMIT", " /* open", "\x00", " --", ";\n-- x\n;")
	case 11:
		if g.dialect == rewrite.MySQL {
			return g.spaced(s, g.pick(" # ' \n", "/*!*/", "/*!50000*/", "/*M!100000 */", " --\t'\n", "/*! /* */ */", "/*+ x */"))
		}
		if g.dialect == rewrite.Postgres && g.chance(2) {
			return g.spaced(s, "/* /* ' */ */") // only here do comments nest
		}
		return g.spaced(s, g.pick("/*;*/", "/*--*/", "--\r\n"))
	}
	return s
}

// spaced replaces one space that stands outside quotes; it leaves texts alone
// where a backslash makes it depend on the dialect what is quoted.
func (g *generator) spaced(s, by string) string {
	if strings.Contains(s, "\\") {
		return s
	}
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
	i := at[g.r.IntN(len(at))]
	return s[:i] + by + s[i+1:]
}

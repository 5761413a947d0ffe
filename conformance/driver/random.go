package drivertest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// generator makes statements in which the marked value always belongs to an
// encrypted column: it is stored in one, compared with one, or computed into
// one. Sent in clear it is a leak, whatever the statement.
type generator struct {
	r       *rand.Rand
	dialect rewrite.Dialect
	mark    string
	args    []any
	names   []string // clear relations, for variety
}

func (g *generator) pick(xs ...string) string { return xs[g.r.IntN(len(xs))] }

func (g *generator) chance(n int) bool { return g.r.IntN(n) == 0 }

// placeholder binds v and returns its placeholder.
func (g *generator) placeholder(v any) string {
	g.args = append(g.args, v)
	if g.dialect == rewrite.Postgres {
		return fmt.Sprintf("$%d", len(g.args))
	}
	return "?"
}

// marked writes the marked value: as an argument, a literal in one of the
// dialect's spellings, or wrapped in an expression.
func (g *generator) marked() string {
	switch g.r.IntN(6) {
	case 0, 1, 2:
		return g.placeholder(g.mark)
	case 3:
		return g.spelling()
	}
	return g.wrapped(g.spelling)
}

func (g *generator) spelling() string {
	m := g.mark
	hex := fmt.Sprintf("%x", m)
	switch g.dialect {
	case rewrite.Postgres:
		return g.pick("'"+m+"'", "E'"+m+"'", "$$"+m+"$$", "$q$"+m+"$q$", "N'"+m+"'", "U&'"+m+"'", "'"+m+"'::text", "CAST('"+m+"' AS varchar)", "'"+m[:4]+"'\n'"+m[4:]+"'")
	case rewrite.MySQL:
		return g.pick("'"+m+"'", `"`+m+`"`, "N'"+m+"'", "X'"+hex+"'", "0x"+hex, "_utf8mb4'"+m+"'", "'"+m[:4]+"' '"+m[4:]+"'", "CAST('"+m+"' AS CHAR)")
	}
	return g.pick("'"+m+"'", "x'"+hex+"'", `"`+m+`"`, "CAST('"+m+"' AS TEXT)")
}

// wrapped computes something from a marked value.
func (g *generator) wrapped(v func() string) string {
	x := v()
	switch g.r.IntN(9) {
	case 0:
		return "upper(" + x + ")"
	case 1:
		return "coalesce(NULL, " + x + ")"
	case 2:
		return "CASE WHEN 1 = 1 THEN " + x + " ELSE NULL END"
	case 3:
		if g.dialect == rewrite.MySQL {
			return "concat(" + x + ", '')"
		}
		return x + " || ''"
	case 4:
		return "(SELECT " + x + ")"
	case 5:
		return "nullif(" + x + ", 'zzz')"
	case 6:
		return "((" + x + "))"
	case 7:
		return "(SELECT max(v) FROM (SELECT " + x + " AS v) d)"
	}
	return "replace(" + x + ", 'q', 'q')"
}

// sealed names an encrypted column as the alias t sees it.
func (g *generator) sealed(t string) string {
	c := g.pick("ssn", "email")
	if g.dialect != rewrite.Postgres {
		c = g.pick(c, strings.ToUpper(c))
	}
	if t == "" || g.chance(3) {
		return c
	}
	return t + "." + c
}

// condition compares an encrypted column with the marked value.
func (g *generator) condition(t string) string {
	c := g.sealed(t)
	switch g.r.IntN(11) {
	case 0:
		return c + " IN (" + g.marked() + ", " + g.marked() + ")"
	case 1:
		return c + " LIKE " + g.marked()
	case 2:
		return c + " BETWEEN " + g.marked() + " AND " + g.marked()
	case 3:
		return "(" + g.marked() + " IS NULL OR " + c + " = " + g.marked() + ")"
	case 4:
		return "NOT (" + c + " <> " + g.marked() + ")"
	case 5:
		return "EXISTS (SELECT 1 FROM orders o WHERE o.memo = 'x' AND " + c + " = " + g.marked() + ")"
	case 6:
		return "(" + c + ", 1) = (" + g.marked() + ", 1)"
	case 7:
		return g.marked() + " = " + c
	case 8:
		return "coalesce(" + c + ", 'x') = " + g.marked()
	case 9:
		return "id IN (SELECT id FROM users u2 WHERE u2.ssn = " + g.marked() + ")"
	}
	return c + " = " + g.marked()
}

// target names the annotated table, sometimes by another route.
func (g *generator) target() string {
	if g.chance(6) {
		return g.pick("users_view", "users_view2", "nowhere")
	}
	if g.dialect == rewrite.SQLite {
		return g.pick("users", "main.users", "USERS", "[users]", "`users`", `"users"`)
	}
	if g.dialect == rewrite.Postgres {
		return g.pick("users", "public.users", "Users", `"users"`, "ONLY users")
	}
	return g.pick("users", "`users`")
}

// statement makes one statement and its arguments.
func (g *generator) statement() (string, []any) {
	g.args = nil
	var s string
	switch g.r.IntN(14) {
	case 0, 1, 2:
		s = g.insert()
	case 3, 4:
		s = g.update()
	case 5:
		s = "DELETE FROM " + g.target() + " WHERE " + g.condition("")
	case 6, 7, 8:
		s = g.selectStatement()
	case 9:
		s = "WITH v AS (SELECT " + g.marked() + " AS x) UPDATE users SET ssn = " + g.pick("(SELECT x FROM v)", "v.x")
		if g.chance(2) {
			s += " FROM v"
		}
	case 10:
		s = "INSERT INTO users (id, ssn) SELECT id, " + g.marked() + " FROM orders"
	case 11:
		s = "SELECT id FROM users WHERE id = 1 UNION ALL SELECT id FROM users WHERE " + g.condition("users")
	case 12:
		s = g.pick("EXPLAIN ", "") + g.insert()
	default:
		s = g.disguise()
	}
	return g.decorate(s), g.args
}

func (g *generator) insert() string {
	cols, vals := "(id, ssn, note)", fmt.Sprintf("(%d, %s, 'n')", g.r.IntN(1_000_000_000), g.marked())
	switch g.r.IntN(5) {
	case 0:
		cols, vals = "", fmt.Sprintf("(%d, %s, %s, 'n')", g.r.IntN(1_000_000_000), g.marked(), g.marked())
	case 1:
		vals += fmt.Sprintf(", (%d, %s, 'm')", g.r.IntN(1_000_000_000), g.marked())
	case 2:
		cols, vals = "(ssn, id, email)", fmt.Sprintf("(%s, %d, %s)", g.marked(), g.r.IntN(1_000_000_000), g.marked())
	}
	s := "INSERT INTO " + g.target() + " " + cols + " VALUES " + vals
	if g.chance(4) {
		switch g.dialect {
		case rewrite.MySQL:
			s += " ON DUPLICATE KEY UPDATE " + g.pick("ssn = VALUES(ssn)", "ssn = "+g.marked(), "email = concat(VALUES(ssn), "+g.marked()+")")
		default:
			s += " ON CONFLICT (id) DO UPDATE SET " + g.pick("ssn = excluded.ssn", "ssn = "+g.marked(), "note = 'x' ", "email = excluded.ssn") + g.pick("", " WHERE users.ssn = "+g.marked())
		}
	}
	if g.dialect != rewrite.MySQL && g.chance(4) {
		s += " RETURNING " + g.pick("*", "id", "ssn")
	}
	return s
}

func (g *generator) update() string {
	s := "UPDATE " + g.target() + " SET ssn = " + g.marked()
	if g.chance(3) {
		s += ", email = " + g.marked()
	}
	switch g.r.IntN(4) {
	case 0:
		s += " WHERE " + g.condition("")
	case 1:
		s += " WHERE id = 1"
	case 2:
		s += " WHERE id IN (SELECT user_id FROM orders WHERE memo = 'x')"
	}
	return s
}

func (g *generator) selectStatement() string {
	from := g.target() + " u"
	switch g.r.IntN(6) {
	case 0:
		from += " JOIN orders o ON o.user_id = u.id AND " + g.condition("u")
	case 1:
		from = "(SELECT * FROM users WHERE " + g.condition("users") + ") u"
	case 2:
		return "WITH c AS (SELECT id, ssn, email FROM users) SELECT id FROM c WHERE " + g.condition("c")
	case 3:
		from = "(SELECT id, ssn AS a, email AS b FROM users) u"
		return "SELECT u.a FROM " + from + " WHERE u." + g.pick("a", "b") + " = " + g.marked()
	}
	s := "SELECT " + g.pick("*", "u.id", "u.ssn, u.id", "count(*)", "CASE WHEN "+g.condition("u")+" THEN 1 ELSE 0 END") + " FROM " + from + " WHERE " + g.condition("u")
	switch g.r.IntN(6) {
	case 0:
		s += " ORDER BY CASE WHEN u.ssn = " + g.marked() + " THEN 0 ELSE 1 END"
	case 1:
		s += " GROUP BY u.id HAVING max(u.ssn) = " + g.marked()
	}
	return s
}

// disguise hides an assignment where a careless reader overlooks it.
func (g *generator) disguise() string {
	switch g.dialect {
	case rewrite.MySQL:
		return g.pick(
			"UPDATE users SET note = 'a' /*! , ssn = '"+g.mark+"' */ WHERE id = 1",
			"UPDATE users SET note = 'a' /*M! , ssn = '"+g.mark+"' */ WHERE id = 1",
			"UPDATE users SET note = 'a' /*!50000 , ssn = '"+g.mark+"' */ WHERE id = 1",
			"INSERT INTO users SET id = 5, ssn = "+g.marked(),
			"REPLACE INTO users (id, ssn) VALUES (1, "+g.marked()+")",
			"UPDATE users u, orders o SET u.ssn = "+g.marked()+" WHERE o.user_id = u.id",
			"EXECUTE IMMEDIATE 'INSERT INTO users (id, ssn) VALUES (1, ''"+g.mark+"'')'",
			"SET @x = (SELECT id FROM users WHERE ssn = '"+g.mark+"')",
			"DO (SELECT count(*) FROM users WHERE ssn = '"+g.mark+"')")
	case rewrite.Postgres:
		return g.pick(
			"UPDATE users SET (ssn, note) = ("+g.marked()+", 'x') WHERE id = 1",
			"UPDATE users SET (ssn, note) = (SELECT "+g.marked()+", 'x') WHERE id = 1",
			"DO $$ BEGIN UPDATE users SET ssn = '"+g.mark+"'; END $$",
			"PREPARE p AS UPDATE users SET ssn = '"+g.mark+"'",
			"WITH i AS (INSERT INTO users (id, ssn) VALUES (1, "+g.marked()+") RETURNING id) SELECT id FROM i",
			"MERGE INTO users u USING orders o ON u.id = o.user_id WHEN MATCHED THEN UPDATE SET ssn = "+g.spelling(),
			"SELECT query_to_xml('select 1 from users where ssn = ''"+g.mark+"''', true, true, '')",
			"SELECT u FROM users u WHERE u = ROW(1, '"+g.mark+"', NULL, NULL)",
			"COPY (SELECT id FROM users WHERE ssn = '"+g.mark+"') TO STDOUT",
			"CREATE TABLE stolen AS SELECT '"+g.mark+"' AS v, ssn FROM users")
	}
	return g.pick(
		"INSERT OR REPLACE INTO users (id, ssn) VALUES (1, "+g.marked()+")",
		"UPDATE OR IGNORE users SET ssn = "+g.marked(),
		"CREATE TABLE stolen AS SELECT id FROM users WHERE ssn = '"+g.mark+"'",
		"CREATE TRIGGER tr AFTER INSERT ON orders BEGIN UPDATE users SET ssn = '"+g.mark+"'; END",
		"UPDATE users SET ssn = v.x FROM (SELECT '"+g.mark+"' AS x) v",
		"INSERT INTO users_view (id, ssn) VALUES (1, '"+g.mark+"')",
		"ALTER TABLE users ADD COLUMN z TEXT DEFAULT '"+g.mark+"'")
}

// decorate adds comments, odd spacing and a second statement.
func (g *generator) decorate(s string) string {
	switch g.r.IntN(12) {
	case 0:
		return "/* ssn */ " + s
	case 1:
		return strings.ReplaceAll(s, " ", "  ")
	case 2:
		return s + " -- '"
	case 3:
		return "SELECT 1; " + s
	case 4:
		return s + ";"
	case 5:
		return "(" + s + ")"
	}
	return s
}

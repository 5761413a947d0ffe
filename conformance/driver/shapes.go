package drivertest

import (
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// condition compares an encrypted column, seen through the alias t, with the
// marked value.
func (g *generator) condition(t string) string {
	c := g.sealed(t)
	if g.chance(3) {
		return c + " = " + g.plain()
	}
	m, n := g.marked(), g.marked()
	p := g.plain() // computed from, it would be another value that nobody compares
	all := []string{
		c + " = " + m, m + " = " + c, c + " IN (" + m + ", " + n + ")", m + " IN (" + c + ", 'x')", c + " LIKE " + m, c + " NOT LIKE " + m, c + " LIKE " + m + " ESCAPE 'q'",
		c + " BETWEEN " + m + " AND " + n, m + " BETWEEN " + c + " AND " + c, "(" + p + " IS NULL OR " + c + " = " + p + ")", "NOT (" + c + " <> " + m + ")", "NOT " + c + " = " + m,
		"EXISTS (SELECT 1 FROM orders o WHERE o.memo = 'x' AND " + c + " = " + m + ")", "EXISTS (SELECT " + c + " INTERSECT SELECT " + m + ")",
		"(" + c + ", 1) = (" + m + ", 1)", "(1, " + c + ") IN ((1, " + m + "), (2, 'x'))", "(" + c + ", 'x') = (SELECT " + m + ", 'x')",
		"coalesce(" + c + ", 'x') = " + m, "coalesce(" + m + ", " + c + ") = 'x'", "nullif(" + c + ", " + m + ") IS NULL", "CASE " + c + " WHEN " + m + " THEN 1 ELSE 0 END = 1",
		"CASE WHEN " + c + " = " + m + " THEN 1 END = 1", "CASE WHEN " + c + " IS NULL THEN " + m + " ELSE " + c + " END = 'x'", "length(" + c + ") = length(" + m + ")",
		"id IN (SELECT id FROM users u2 WHERE u2.ssn = " + m + ")", m + " IN (SELECT ssn FROM users)", "(SELECT " + c + ") = " + m, c + " = (SELECT " + m + ")",
		c + " IS NOT NULL AND " + c + " > " + m, "replace(" + c + ", " + m + ", '') = ''", "(" + c + " = " + m + ") = (1 = 1)", "(" + c + " = " + m + ") IS NOT NULL", c + " <= " + m,
		"id = (SELECT count(*) FROM users x WHERE x.email = " + m + ")", "id = (SELECT max(CASE WHEN ssn = " + m + " THEN id END) FROM users)",
		"id IN (WITH q AS (SELECT id, ssn AS z FROM users) SELECT id FROM q WHERE z = " + m + ")", "trim(" + c + ") = " + m, "lower(" + c + ") = lower(" + m + ")",
		"note = 'x' AND (id = 1 OR " + c + " = " + m + ")",
	}
	all = append(all, g.sought(c, m, n)...)
	switch g.dialect {
	case rewrite.Postgres:
		all = append(all, c+" = ANY (ARRAY["+m+"])", c+" = ANY (ARRAY["+m+", "+n+"]::text[])", c+" <> ALL (ARRAY["+m+"])", c+" = SOME (SELECT "+m+")", m+" = ANY (SELECT ssn FROM users)", c+" ~ "+m, c+" ~* "+m,
			c+" ILIKE "+m, c+" SIMILAR TO "+m, c+` COLLATE "C" = `+m, c+"::text = "+m, "CAST("+c+" AS text) = "+m, "position("+m+" IN "+c+") > 0", "substring("+c+" FROM 1) = "+m, "ROW("+c+") = ROW("+m+")",
			c+" IN (VALUES ("+m+"))", c+" IS NOT DISTINCT FROM "+m, c+" IS DISTINCT FROM "+m, "("+c+" = "+m+") IS TRUE", "jsonb_build_object('a', "+c+") ->> 'a' = "+m, "concat("+c+") = "+m,
			"encode("+c+", 'escape') = "+m, c+" OPERATOR(pg_catalog.=) "+m, "starts_with("+c+"::text, "+m+")", c+" || '' = "+m, "strpos("+c+"::text, "+m+") > 0", "ARRAY["+c+"] @> ARRAY["+m+"]",
			"to_tsvector("+c+"::text) @@ to_tsquery("+m+")", "overlay("+c+" PLACING 'x' FROM 1) = "+m, "num_nulls("+c+", "+m+") = 0", "md5("+c+") = md5("+m+")", "sha256("+c+") = sha256("+m+"::bytea)")
		if t != "" {
			all = append(all, t+".row_to_json::text LIKE "+m, "("+t+").to_jsonb::text LIKE "+m, "row_to_json("+t+")::text LIKE "+m, t+" = ROW(1, "+m+", NULL, NULL)", t+"::text LIKE "+m,
				"("+t+".*)::text LIKE "+m, "ROW("+t+".*)::text LIKE "+m, "ssn("+t+") = "+m, "to_jsonb("+t+") @> jsonb_build_object('ssn', "+m+"::text)", "hash_record("+t+") = 1 OR "+t+".hash_record::text = "+m)
		}
	case rewrite.MySQL:
		all = append(all, c+" <=> "+m, c+" REGEXP "+m, c+" RLIKE "+m, "BINARY "+c+" = "+m, c+" SOUNDS LIKE "+m, "MATCH ("+c+") AGAINST ("+m+")", "FIND_IN_SET("+m+", "+c+")", c+" = CONVERT("+m+" USING utf8mb4)",
			"STRCMP("+c+", "+m+") = 0", c+" = "+m+" COLLATE utf8mb4_bin", "1 XOR "+c+" = "+m, "1 && "+c+" = "+m, "0 || "+c+" = "+m, "!("+c+" != "+m+")", "LOCATE("+m+", "+c+") > 0", "INSTR("+c+", "+m+")",
			"JSON_CONTAINS(JSON_ARRAY("+c+"), JSON_QUOTE("+m+"))", c+" = ANY (SELECT "+m+")", "FIELD("+m+", "+c+")", "INTERVAL("+c+", "+m+")", "IF("+c+" = "+m+", 1, 0)", "CONVERT("+c+" USING utf8mb4) = "+m,
			"AES_DECRYPT("+c+", 'k') = "+m, "MD5("+c+") = MD5("+m+")", c+" IN ROW("+m+", 'x')", c+" DIV 1 = "+m, c+" MEMBER OF ("+m+")", "(@v := "+c+") = "+m, "@v = "+m+" OR "+c+" = @v")
	default:
		all = append(all, c+" GLOB "+m, c+" IS "+m, c+" == "+m, c+" MATCH "+m, c+" REGEXP "+m, "instr("+c+", "+m+")", c+" COLLATE NOCASE = "+m, "json_array("+c+") = json_array("+m+")", "printf('%s', "+c+") = "+m,
			"iif("+c+" = "+m+", 1, 0)", "like("+m+", "+c+")", "glob("+m+", "+c+")", c+" IS NOT DISTINCT FROM "+m, m+" IN (VALUES ("+c+"))", c+" || '' = "+m, "hex("+c+") = hex("+m+")", m+" IN users_view2",
			"max("+c+", "+m+") = "+m, "ifnull("+c+", "+m+") = 'x'", "+"+c+" = "+m, "likelihood("+c+" = "+m+", 0.5)", "EXISTS (SELECT 1 FROM json_each(json_array("+c+")) WHERE value = "+m+")")
	}
	return g.pick(all...)
}

// sought asks the indexes for patterns and ranges, where they answer and where
// they do not.
func (g *generator) sought(c, m, n string) []string {
	p := g.plain() // a literal and an argument of the simplest kind
	between := "'%' || " + p + " || '%'"
	switch g.dialect {
	case rewrite.MySQL:
		between = "concat('%', " + p + ", '%')"
	case rewrite.Postgres:
		between = "'%' || CAST(" + p + " AS text) || '%'"
	}
	return []string{
		c + " LIKE '" + g.mark + "%'", c + " LIKE '%" + g.mark + "'", c + " LIKE '%" + g.mark + "%' ESCAPE '!'", c + " NOT LIKE '%" + g.mark + "_'", c + " LIKE " + between, c + " LIKE " + p,
		"lower(" + c + ") LIKE lower(" + p + ")", "upper(" + c + ") LIKE '%" + g.mark + "%'", "(" + c + " LIKE " + p + " OR note = 'x')", "NOT (" + c + " LIKE '%" + g.mark + "%')", "id IN (SELECT id FROM users WHERE ssn LIKE '" + g.mark + "%')",
		c + " < " + p, c + " >= " + p, p + " > " + c, c + " NOT BETWEEN " + p + " AND " + n, c + " BETWEEN " + p + " AND " + p, "(" + c + ", id) > (" + p + ", 3)", "(" + c + " > " + p + " OR (" + c + " = " + p + " AND id > 3))",
		"(" + c + " >= " + p + " AND " + c + " < " + m + ")", "NOT (" + c + " < " + p + ")", c + " > ALL (SELECT email FROM users WHERE ssn = " + p + ")", "CASE WHEN " + c + " > " + p + " THEN 1 END = 1",
		c + " IN (SELECT email FROM users WHERE email >= " + p + ")", c + " = (SELECT max(email) FROM users WHERE email < " + p + ")", "(SELECT min(ssn) FROM users WHERE ssn LIKE '" + g.mark + "%') = " + m,
	}
}

// row is one VALUES row for (id, ssn, note).
func (g *generator) row() string { return "(" + g.id() + ", " + g.marked() + ", 'n')" }

func (g *generator) insert() string {
	verb, into := "INSERT INTO ", g.target()
	if strings.HasPrefix(into, "ONLY ") || strings.HasSuffix(into, " *") {
		into = "users"
	}
	cols, vals := "(id, "+g.spelled("ssn")+", note)", g.row()
	switch g.r.IntN(9) {
	case 0:
		cols, vals = "", "("+g.id()+", "+g.marked()+", "+g.marked()+", 'n')"
	case 1:
		vals += ", " + g.row()
	case 2:
		cols, vals = "(ssn, id, email)", "("+g.marked()+", "+g.id()+", "+g.marked()+")"
	case 3:
		cols, vals = "(id, ssn, email)", "("+g.id()+", "+g.plain()+", "+g.plain()+")"
	case 4:
		cols, vals = "(id, ssn, email, note)", "("+g.id()+", "+g.pick("DEFAULT", "NULL", g.plain())+", "+g.plain()+", "+g.pick("DEFAULT", "NULL", "'n'")+")"
	case 5:
		cols, vals = "(email)", "("+g.plain()+")"
	}
	values := " VALUES "
	switch g.dialect {
	case rewrite.MySQL:
		verb = g.pick("INSERT INTO ", "INSERT INTO ", "INSERT ", "INSERT IGNORE INTO ", "REPLACE INTO ", "INSERT LOW_PRIORITY INTO ", "INSERT HIGH_PRIORITY IGNORE ")
		values = g.pick(" VALUES ", " VALUES ", " VALUE ")
	case rewrite.SQLite:
		verb = g.pick("INSERT INTO ", "INSERT INTO ", "INSERT OR IGNORE INTO ", "INSERT OR REPLACE INTO ", "REPLACE INTO ")
	default:
		into += g.pick("", "", " AS u")
		values = g.pick(" VALUES ", " VALUES ", " OVERRIDING SYSTEM VALUE VALUES ")
	}
	s := verb + into + " " + cols + values + vals
	if g.chance(3) {
		s += g.upsert(into)
	}
	return s + g.returning()
}

func (g *generator) upsert(into string) string {
	if g.dialect == rewrite.MySQL {
		return " ON DUPLICATE KEY UPDATE " + g.pick("ssn = VALUES(ssn)", "ssn = VALUE(ssn)", "ssn = "+g.marked(), "ssn = "+g.plain(), "email = concat(VALUES(ssn), "+g.marked()+")", "note = VALUES(ssn)", "email = VALUES(ssn)",
			"ssn = IF(ssn = "+g.marked()+", ssn, VALUES(ssn))", "ssn = users.email", "users.ssn = "+g.plain()+", id = id")
	}
	t := "users"
	if strings.HasSuffix(into, " AS u") {
		t = "u"
	}
	target := g.pick("(id)", "(id)", "")
	if g.dialect == rewrite.Postgres {
		target = g.pick(target, "ON CONSTRAINT users_pkey", "(id) WHERE "+g.condition(t))
	}
	return " ON CONFLICT " + target + g.pick(" DO NOTHING", " DO UPDATE SET "+g.pick("ssn = excluded.ssn", "ssn = "+g.marked(), "ssn = "+g.plain(), "note = 'x' ", "email = excluded.ssn", "note = excluded.ssn",
		"ssn = excluded.ssn, email = excluded.email", "(ssn, note) = ("+g.marked()+", 'x')", "(ssn, email) = (excluded.ssn, excluded.email)", "ssn = CASE WHEN excluded.ssn = "+g.marked()+" THEN excluded.ssn ELSE "+t+".ssn END",
		"(ssn) = ROW("+g.marked()+")")+g.pick("", "", " WHERE "+g.condition(t), " WHERE excluded.ssn = "+g.marked()))
}

func (g *generator) returning() string {
	if !g.chance(4) {
		return ""
	}
	return " RETURNING " + g.pick("*", "id", "ssn", "ssn AS s, id", "users.*", "ssn = "+g.marked(), "coalesce(ssn, "+g.marked()+")", "(SELECT count(*) FROM users WHERE ssn = "+g.marked()+")", "id, email, ssn, *", "count(ssn)")
}

// insertSelect moves marked values through queries into encrypted columns.
func (g *generator) insertSelect() string {
	m, n := g.marked(), g.marked()
	q := g.pick(
		"SELECT id, "+m+", 'n' FROM orders", "SELECT 1, "+m+", 'n' UNION ALL SELECT 2, "+n+", 'm'", "SELECT 1, x, 'n' FROM (SELECT "+m+" AS x) d",
		"SELECT id, ssn, note FROM users WHERE ssn = "+m, "SELECT id + 1, coalesce(ssn, "+m+"), note FROM users", "WITH w(x) AS (SELECT "+m+") SELECT 1, x, 'n' FROM w",
		"SELECT o.id, CASE WHEN o.memo = 'x' THEN "+m+" ELSE "+n+" END, 'n' FROM orders o JOIN users u ON u.id = o.user_id", "SELECT 1, max(x), 'n' FROM (SELECT "+m+" AS x UNION SELECT "+n+") d",
		"SELECT 1, NULL, 'n' UNION SELECT 2, "+m+", 'n'", "(SELECT 1, "+m+", 'n')", "VALUES (1, "+m+", 'n'), (2, (SELECT "+n+"), 'n')", "SELECT id, note, "+m+" FROM users", "SELECT 1, "+m+", 'n' WHERE EXISTS (SELECT 1 FROM users WHERE ssn = "+n+")",
		"SELECT 1, NULL, 'n' FROM users WHERE "+g.condition("users"), "SELECT 1, NULL, 'n' LIMIT (SELECT count(*) FROM users WHERE "+g.condition("users")+")")
	if g.dialect == rewrite.Postgres {
		q = g.pick(q, "SELECT 1, x, 'n' FROM unnest(ARRAY["+m+"::text]) AS x", "SELECT * FROM json_populate_record(NULL::users, json_build_object('ssn', "+m+"::text))", "TABLE users",
			"SELECT 1, l.x, 'n' FROM orders o, LATERAL (SELECT "+m+"::bytea AS x WHERE o.id > 0) l", "SELECT * FROM (VALUES (1, "+m+"::bytea, 'n')) v")
	}
	cols := g.pick("(id, ssn, note)", "(id, ssn, note)", "")
	return "INSERT INTO " + g.pick("users", "users", "users_view2") + " " + cols + " " + q
}

func (g *generator) update() string {
	m := g.marked()
	set := g.pick("ssn = "+m, "ssn = "+g.plain(), g.sealed("")+" = "+m, "ssn = "+g.plain()+", email = "+g.plain(), "note = 'x', ssn = "+m, "ssn = email, email = "+m, "ssn = CASE WHEN id = 1 THEN "+m+" ELSE ssn END",
		"note = CASE WHEN "+g.condition("")+" THEN 'a' ELSE 'b' END", "id = (SELECT count(*) FROM users WHERE ssn = "+m+")", "ssn = (SELECT "+m+")", "ssn = coalesce(ssn, "+m+")", "ssn = nullif("+m+", '')", "ssn = DEFAULT, email = "+g.plain())
	where := g.pick("", " WHERE id = 1", " WHERE id = 1", " WHERE id IN (SELECT user_id FROM orders WHERE memo = 'x')", " WHERE "+g.condition(""), " WHERE ssn IS NULL", " WHERE note = 'x' OR "+g.condition(""))
	t := g.target()
	with := g.pick("", "", "", "WITH v AS (SELECT id FROM users WHERE "+g.condition("users")+") ", "WITH users AS (SELECT 1 AS id) ")
	switch g.dialect {
	case rewrite.MySQL:
		return g.pick("UPDATE "+t+" SET "+set+where, "UPDATE "+t+" u SET u."+strings.TrimLeft(set, " ")+where, "UPDATE "+t+" SET "+set+where+" ORDER BY "+g.pick("id", "ssn", "CASE WHEN ssn = "+g.marked()+" THEN 1 END")+" LIMIT 3",
			"UPDATE users u, orders o SET u.ssn = "+m+" WHERE o.user_id = u.id", "UPDATE users u JOIN orders o ON o.user_id = u.id SET u.ssn = "+g.plain()+", o.memo = 'm'", "UPDATE users u JOIN orders o ON u.ssn = "+m+" SET o.memo = 'm'",
			"UPDATE orders o JOIN users u USING (id) SET memo = 'x', ssn = "+m, "UPDATE users u JOIN (SELECT "+m+" AS x) d SET u.ssn = d.x", "UPDATE orders o, users u SET o.memo = u.ssn WHERE u.ssn = "+m, "UPDATE IGNORE "+t+" SET "+set,
			"UPDATE LOW_PRIORITY "+t+" AS `ssn` SET `ssn`.ssn = "+m, "UPDATE users u LEFT JOIN users w ON w.id = u.id SET u.ssn = "+g.plain()+", w.email = "+g.plain(), with+"UPDATE users SET "+set+where)
	case rewrite.Postgres:
		return g.pick(with+"UPDATE "+t+" SET "+set+where, "UPDATE "+t+" AS u SET "+set+where, "UPDATE users SET (ssn, note) = ("+m+", 'x')"+where, "UPDATE users SET (ssn, note) = ROW("+m+", 'x')"+where, "UPDATE users SET (ssn, note) = (SELECT "+m+", 'x')",
			"UPDATE users SET (ssn) = ("+m+")", "UPDATE users SET ssn = d.x FROM (SELECT "+m+" AS x) d", "UPDATE users SET ssn = d.x FROM (VALUES (1, "+m+"::bytea)) d(i, x) WHERE d.i = users.id", "WITH v AS (SELECT "+m+" AS x) UPDATE users SET ssn = v.x FROM v",
			"UPDATE users u SET note = 'x' FROM orders o WHERE o.user_id = u.id AND "+g.condition("u"), "UPDATE orders SET memo = 'x' FROM users u WHERE "+g.condition("u"), "UPDATE users SET ssn[1] = "+m, "UPDATE users SET ssn = "+g.plain()+" FROM users x WHERE x.id = users.id",
			"UPDATE users SET "+set+where+g.returning())
	}
	return g.pick(with+"UPDATE "+t+" SET "+set+where, "UPDATE OR REPLACE "+t+" SET "+set+where, "UPDATE "+t+" AS u SET "+set+where, "UPDATE users SET (ssn, note) = ("+m+", 'x')"+where, "UPDATE users SET (ssn, note) = (SELECT "+m+", 'x')",
		"UPDATE users SET ssn = d.x FROM (SELECT "+m+" AS x) d", "UPDATE users SET note = 'x' FROM orders o WHERE o.user_id = users.id AND "+g.condition("users"), "UPDATE users NOT INDEXED SET "+set, "UPDATE 'users' SET 'ssn' = "+m,
		"UPDATE users SET "+set+where+g.returning(), "UPDATE users SET "+set+where+" ORDER BY id LIMIT 1")
}

func (g *generator) delete() string {
	t := g.target()
	s := "DELETE FROM " + t + " WHERE " + g.condition("")
	switch g.dialect {
	case rewrite.MySQL:
		return g.pick(s, s+" ORDER BY id LIMIT 1", "DELETE u FROM users u JOIN orders o ON o.user_id = u.id WHERE "+g.condition("u"), "DELETE FROM u USING users u JOIN orders o ON "+g.condition("u"), "DELETE o FROM orders o, users u WHERE "+g.condition("u"),
			"DELETE QUICK FROM users WHERE id = 0 ORDER BY ssn = "+g.marked())
	case rewrite.Postgres:
		return g.pick(s, s+g.returning(), "DELETE FROM users u USING orders o WHERE o.user_id = u.id AND "+g.condition("u"), "DELETE FROM orders USING users u WHERE "+g.condition("u"), "WITH d AS (DELETE FROM users WHERE id = 0 RETURNING *) SELECT id FROM d WHERE "+g.condition("d"))
	}
	return g.pick(s, s+g.returning(), "WITH v AS (SELECT id FROM users WHERE "+g.condition("users")+") DELETE FROM orders WHERE id IN (SELECT id FROM v)")
}

// source is a FROM item that shows encrypted columns under the alias u.
func (g *generator) source() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > maxDepth || g.chance(3) {
		return g.users() + " u"
	}
	all := []string{
		g.target() + " u", g.target() + " AS u", "(SELECT * FROM users) u", "(SELECT id, ssn, email, note FROM " + g.source() + ") u", "(SELECT users.* FROM users) AS u", "(SELECT * FROM users WHERE " + g.condition("users") + ") u",
		"(SELECT * FROM users UNION ALL SELECT * FROM users) u", "(SELECT id, email AS ssn, ssn AS email FROM users) u", "(SELECT id, email AS q, ssn, email FROM users) u", "(WITH k AS (SELECT * FROM users) SELECT * FROM k) u",
		"users u JOIN orders o ON o.user_id = u.id", "users u LEFT JOIN orders o ON o.user_id = u.id AND " + g.condition("u"), "orders o JOIN users u USING (id)", "orders o NATURAL JOIN users u", "users u JOIN users v USING (ssn)",
		"users u JOIN users v USING (id, email)", "users u NATURAL JOIN users v", "orders o, users u", "(orders o CROSS JOIN users u)", "users u JOIN (SELECT " + g.marked() + " AS ssn) w USING (ssn)", "users u JOIN (SELECT " + g.marked() + " AS x) w ON w.x = u.email",
		"(SELECT id, ssn, email FROM users ORDER BY " + g.pick("id", "ssn", "2") + ") u",
	}
	switch g.dialect {
	case rewrite.Postgres:
		all = append(all, "users AS u (id, ssn, email, note)", "users AS u (id, email, ssn, note)", "orders o CROSS JOIN LATERAL (SELECT * FROM users x WHERE x.id = o.user_id) u", "(SELECT * FROM users) AS u (id, email, ssn)", "(TABLE users) u",
			"orders o JOIN LATERAL (SELECT * FROM users x WHERE x.ssn = "+g.marked()+") u ON true", "users u TABLESAMPLE SYSTEM (50)", "users u JOIN orders o USING (id) AS j", "users u, LATERAL (SELECT u.ssn AS z) l, LATERAL (SELECT l.z AS email WHERE l.z = "+g.marked()+") k",
			"ROWS FROM (unnest(ARRAY["+g.marked()+"::bytea])) AS k(x) JOIN users u ON u.ssn = k.x", "(users u JOIN orders o ON o.id = u.id) ", "(SELECT id, ssn, email, row_number() OVER (ORDER BY id) AS n FROM users) u", "(DELETE FROM users RETURNING *) u")
	case rewrite.MySQL:
		all = append(all, "users u STRAIGHT_JOIN orders o", "users u FORCE INDEX (PRIMARY)", "{oj users u LEFT OUTER JOIN orders o ON o.id = u.id}", "users u PARTITION (p0)", "JSON_TABLE(JSON_ARRAY("+g.marked()+"), '$[*]' COLUMNS (x varchar(99) PATH '$')) j JOIN users u ON u.ssn = j.x",
			"(SELECT id, ssn, email, ROW_NUMBER() OVER (ORDER BY id) AS n FROM users) u", "users u RIGHT JOIN orders o ON "+g.condition("u"), "users FOR SYSTEM_TIME ALL u", "(users u, orders o)")
	default:
		all = append(all, "users u INDEXED BY x", "users u NOT INDEXED", "json_each(json_array("+g.marked()+")) j JOIN users u ON u.ssn = j.value", "users AS 'u'", "(users u JOIN orders o)", "users u FULL JOIN orders o ON o.id = u.id", "(SELECT rowid AS r, * FROM users) u", "(SELECT id, ssn, email, rank() OVER w AS n FROM users WINDOW w AS (ORDER BY id)) u")
	}
	return g.pick(all...)
}

// items is a select list over u.
func (g *generator) items() string {
	m := g.marked()
	all := []string{
		"*", "*", "u.*", "u.id", "u.id", "u.ssn, u.id", "u.ssn AS email, u.id AS ssn", "count(*)", "count(u.ssn)", "u.ssn, u.ssn, u.email AS x", "id, ssn, email", "CASE WHEN " + g.condition("u") + " THEN 1 ELSE 0 END", "u.ssn = " + m,
		"(SELECT count(*) FROM orders o2 WHERE o2.memo = 'x' AND u.ssn = " + m + ")", "coalesce(u.ssn, " + m + ")", "max(u.ssn) = " + m, "min(CASE u.ssn WHEN " + m + " THEN 1 END)", "(SELECT ssn FROM users WHERE ssn = " + m + ")", "nullif(u.ssn, " + m + ")",
		"row_number() OVER (PARTITION BY u.ssn = " + m + ")", "rank() OVER (ORDER BY CASE WHEN u.ssn = " + m + " THEN 0 ELSE 1 END)", "lag(u.ssn, 1, " + m + ") OVER (ORDER BY u.id)", "first_value(u.ssn) OVER (ORDER BY u.id)", "count(*) OVER w",
		"sum(CASE WHEN u.ssn = " + m + " THEN 1 ELSE 0 END)", "u.id, u.*, u.ssn",
	}
	switch g.dialect {
	case rewrite.Postgres:
		all = append(all, "u", "(u).ssn", "(u.*)", "to_jsonb(u)", "json_agg(u)", "array_agg(u.ssn)", "ARRAY[u.ssn, "+m+"]", "count(*) FILTER (WHERE u.ssn = "+m+")", "string_agg(u.ssn::text, "+m+")", "u.ssn::text", "u.ssn || "+m, "jsonb_build_object('a', u.ssn, 'b', "+m+")",
			"u.row_to_json", "percentile_disc(0.5) WITHIN GROUP (ORDER BY u.ssn = "+m+")", "ARRAY(SELECT id FROM users WHERE ssn = "+m+")", "EXISTS (SELECT FROM users WHERE ssn = "+m+")", "bool_or(u.ssn = "+m+")", "(ARRAY[u.ssn])[1]", "GROUPING(u.ssn)", "DISTINCT ON (u.ssn = "+m+") u.id")
	case rewrite.MySQL:
		all = append(all, "GROUP_CONCAT(u.ssn SEPARATOR ',')", "@v := u.ssn", "@v := IF(u.ssn = "+m+", 1, 0)", "CONCAT(u.ssn, "+m+")", "JSON_ARRAYAGG(u.ssn)", "IF(u.ssn = "+m+", 1, 0)", "SQL_CALC_FOUND_ROWS u.id", "u.ssn COLLATE utf8mb4_bin", "BINARY u.ssn", "STRAIGHT_JOIN u.id", "u.ssn x, u.email 'y'")
	default:
		all = append(all, "group_concat(u.ssn, "+m+")", "json_group_array(u.ssn)", "total(u.ssn = "+m+")", "u.ssn COLLATE NOCASE", "u.ssn 'x'", "typeof(u.ssn)", "quote(u.ssn)", "u.rowid, u.ssn", "count(*) FILTER (WHERE u.ssn = "+m+")", "u.ssn -> "+m)
	}
	return g.pick(all...)
}

func (g *generator) selectStatement() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.chance(5) {
		return g.withSelect()
	}
	from := g.source()
	s := "SELECT " + g.pick("", "", "", "DISTINCT ", "ALL ") + g.items() + " FROM " + from
	switch g.r.IntN(5) {
	case 0, 1:
		s += " WHERE " + g.condition("u")
	case 2:
		s += " WHERE u.id > 0 AND u.ssn IS NOT NULL"
	case 3:
		s += " WHERE NOT (u.id = 2 OR " + g.condition("u") + ")"
	}
	m := g.marked()
	switch g.r.IntN(14) {
	case 0:
		s += " ORDER BY CASE WHEN u.ssn = " + m + " THEN 0 ELSE 1 END"
	case 1:
		s += " GROUP BY u.id HAVING max(u.ssn) = " + m
	case 2:
		s += " GROUP BY " + g.pick("u.ssn", "u.ssn = "+m, "1", "u.id, u.email", "u.id") + g.pick("", " HAVING count(*) > 0", " HAVING "+g.condition("u"))
	case 3:
		s += " ORDER BY u.id LIMIT 3 OFFSET 0"
	case 4:
		s += " ORDER BY " + g.pick("1", "2", "u.email", "ssn", "u.ssn = "+m, "(SELECT ssn)", "-u.id DESC")
	case 5:
		s += " WINDOW w AS (" + g.pick("PARTITION BY u.ssn = "+m, "ORDER BY u.id", "ORDER BY u.ssn") + ")"
	case 6:
		s += " LIMIT (SELECT count(*) FROM users WHERE ssn = " + m + ")"
	case 7:
		s += " UNION " + g.pick("", "ALL ", "ALL ") + g.pick("SELECT id FROM users WHERE "+g.condition("users"), "SELECT ssn FROM users WHERE "+g.condition("users"), "SELECT "+g.items()+" FROM "+g.source())
	case 8:
		s += " EXCEPT SELECT " + g.pick("ssn FROM users WHERE ssn = "+m, "id FROM users WHERE "+g.condition("users"))
	case 9:
		if g.dialect != rewrite.SQLite {
			s += " FOR UPDATE"
		}
	}
	return s
}

func (g *generator) withSelect() string {
	m := g.marked()
	cond := g.condition("c")
	return g.pick(
		"WITH c AS (SELECT id, ssn, email FROM users) SELECT id FROM c WHERE "+cond,
		"WITH c (id, a, x, ssn) AS (SELECT id, ssn, note, email FROM users) SELECT c.* FROM c WHERE c.a = "+m,
		"WITH users AS (SELECT * FROM users) SELECT * FROM users WHERE ssn = "+m,
		"WITH users AS (SELECT id, note AS ssn FROM orders), c AS (SELECT * FROM users) SELECT * FROM c",
		"WITH a AS (SELECT * FROM users), c AS (SELECT * FROM a) SELECT c.ssn, c.id FROM c WHERE "+cond,
		"WITH RECURSIVE c (id, ssn, email) AS (SELECT id, ssn, email FROM users WHERE id = 1 UNION ALL SELECT c.id + 1, c.ssn, c.email FROM c WHERE c.id < 3) SELECT * FROM c",
		"WITH RECURSIVE c (id, ssn, email) AS (SELECT 1, "+m+", 'x' UNION ALL SELECT u.id, u.ssn, u.email FROM users u JOIN c ON u.ssn = c.ssn) SELECT * FROM c",
		"WITH RECURSIVE c (id, ssn, email) AS (SELECT id, ssn, email FROM users UNION SELECT id, "+m+", email FROM c) SELECT id FROM c",
		"WITH c AS (SELECT "+m+" AS x), d AS (SELECT * FROM users) SELECT d.id FROM d JOIN c ON d.ssn = c.x",
		"WITH c AS (SELECT "+m+" AS x) SELECT id FROM users WHERE ssn IN (SELECT x FROM c)",
		"WITH c AS (SELECT "+m+" AS ssn) SELECT id FROM users NATURAL JOIN c",
		"WITH c AS (SELECT ssn AS x, id FROM users) SELECT (SELECT count(*) FROM orders WHERE c.x = "+m+") FROM c",
		"SELECT u.a FROM (SELECT id, ssn AS a, email AS b FROM users) u WHERE u."+g.pick("a", "b")+" = "+m,
		"SELECT a.x FROM (SELECT ssn AS x FROM users UNION ALL SELECT email FROM users) a WHERE a.x = "+m,
		"SELECT id FROM users WHERE ssn = "+m+" OR email = "+m,
		"SELECT note AS ssn FROM users WHERE ssn = "+m, "SELECT ssn AS note, id FROM users HAVING note = "+m, "SELECT ssn AS q FROM users ORDER BY q = "+m, "SELECT id AS ssn FROM users GROUP BY ssn HAVING ssn = "+m)
}

// combined puts two marked queries together.
func (g *generator) combined() string {
	return g.pick(
		"SELECT id FROM users WHERE id = 1 UNION ALL SELECT id FROM users WHERE "+g.condition("users"),
		"SELECT ssn FROM users UNION ALL SELECT "+g.marked(),
		"SELECT ssn FROM users INTERSECT SELECT "+g.marked(),
		"SELECT ssn FROM users UNION ALL SELECT email FROM users",
		"SELECT ssn, id FROM users UNION ALL SELECT email, id FROM users ORDER BY 2 LIMIT 4",
		"SELECT EXISTS (SELECT 1 FROM users WHERE "+g.condition("users")+")",
		"VALUES ((SELECT count(*) FROM users WHERE "+g.condition("users")+"))",
		"SELECT (SELECT id FROM users WHERE "+g.condition("users")+" LIMIT 1) AS x",
		"SELECT * FROM orders WHERE user_id IN (SELECT id FROM users WHERE "+g.condition("users")+")",
		"SELECT * FROM orders o WHERE EXISTS (SELECT 1 FROM users u WHERE u.id = o.user_id AND "+g.condition("u")+")",
		"INSERT INTO orders SELECT id, id, 'm' FROM users WHERE "+g.condition("users"),
		"INSERT INTO orders SELECT u.id, u.id, 'm' FROM users u ON DUPLICATE KEY UPDATE memo = IF(u.ssn = "+g.marked()+", 'x', 'y')",
		"INSERT INTO orders (memo) SELECT ssn FROM users WHERE "+g.condition("users"),
		"UPDATE orders SET memo = 'm' WHERE user_id IN (SELECT id FROM users WHERE "+g.condition("users")+")",
		"UPDATE orders SET user_id = (SELECT max(id) FROM users WHERE "+g.condition("users")+")",
		"DELETE FROM orders WHERE user_id = (SELECT id FROM users WHERE "+g.condition("users")+" LIMIT 1)")
}

func (g *generator) explained() string {
	s := g.pickLazy(g.insert, g.update, g.selectStatement)
	switch g.dialect {
	case rewrite.Postgres:
		return g.pick("EXPLAIN ", "EXPLAIN ANALYZE ", "EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) ", "EXPLAIN VERBOSE ") + s
	case rewrite.MySQL:
		return g.pick("EXPLAIN ", "EXPLAIN EXTENDED ", "DESCRIBE ", "ANALYZE ", "EXPLAIN FORMAT=JSON ", "ANALYZE FORMAT=JSON ", "DESC ") + s
	}
	return g.pick("EXPLAIN ", "EXPLAIN QUERY PLAN ") + s
}

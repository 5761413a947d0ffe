package drivertest

import "github.com/sealsql/sealsql/rewrite"

// question is a query of one column that compares an encrypted column with the
// marked value, or shows one.
func (g *generator) question() string {
	return g.pickLazy(
		func() string { return "SELECT id FROM users WHERE " + g.condition("users") },
		func() string {
			return "SELECT count(*) FROM orders o JOIN users u ON u.id = o.user_id WHERE " + g.condition("u")
		},
		func() string { return "SELECT max(u.id) FROM " + g.source() + " WHERE " + g.condition("u") },
		func() string {
			return "WITH q AS (SELECT id, ssn AS z FROM users) SELECT id FROM q WHERE z = " + g.marked()
		},
		func() string {
			return "SELECT id FROM users WHERE id = 1 UNION SELECT id FROM users WHERE " + g.condition("users")
		},
		func() string { return "SELECT ssn FROM users WHERE email = " + g.marked() },
		func() string { return "SELECT (SELECT 1 WHERE " + g.condition("users") + ") FROM users" },
		func() string { return "SELECT CASE WHEN " + g.condition("users") + " THEN 1 ELSE 0 END FROM users" },
		g.selectStatement)
}

// asked is a condition over clear columns with such a query inside.
func (g *generator) asked(column string) string {
	q := "(" + g.question() + ")"
	return g.pick(column+" IN "+q, "EXISTS "+q, "NOT EXISTS "+q, column+" = "+q, column+" > 0 AND "+column+" NOT IN "+q, "coalesce("+q+", 0) = "+column,
		"CASE WHEN EXISTS "+q+" THEN 1 ELSE 0 END = 1", "("+column+", 1) IN (SELECT x, 1 FROM "+q+" d (x))")
}

// definition is DDL with the marked value in a query of it: what it defines
// would hold the value, whether it is run ever or never.
func (g *generator) definition() string {
	name, q, value := "d"+g.id(), g.question(), "("+g.question()+")"
	all := []string{
		"CREATE VIEW " + name + " AS " + q, "CREATE VIEW " + name + " (a) AS " + q, "CREATE TABLE " + name + " AS " + q, "CREATE TEMPORARY TABLE " + name + " AS " + q,
		"CREATE TABLE IF NOT EXISTS " + name + " AS SELECT * FROM orders WHERE " + g.asked("id"),
		"CREATE VIEW " + name + " AS SELECT * FROM orders WHERE " + g.asked("id"), "CREATE VIEW " + name + " AS SELECT o.id, " + value + " AS v FROM orders o ORDER BY " + g.asked("o.id"),
		"CREATE TABLE " + name + " (a INT CHECK (" + g.asked("a") + "))", "CREATE TABLE " + name + " (a INT, CONSTRAINT c CHECK (" + g.asked("a") + "))",
		"CREATE TABLE " + name + " (a INT DEFAULT (" + value + "))", "CREATE TABLE " + name + " (a INT DEFAULT " + value + ", b INT)",
		"CREATE TABLE " + name + " (a INT, b INT GENERATED ALWAYS AS (" + value + ") STORED)", "CREATE TABLE " + name + " (a INT, b INT AS (CASE WHEN " + g.asked("a") + " THEN 1 END))",
		"CREATE INDEX " + name + " ON orders (id) WHERE " + g.asked("id"), "CREATE UNIQUE INDEX " + name + " ON orders (user_id) WHERE memo = 'x' AND " + g.asked("id"),
		"CREATE INDEX " + name + " ON orders ((" + value + "))", "CREATE INDEX " + name + " ON users (id) WHERE " + g.condition(""), "CREATE INDEX " + name + " ON users ((" + g.condition("") + "))",
		"ALTER TABLE orders ADD COLUMN c" + name + " INT DEFAULT (" + value + ")", "ALTER TABLE orders ADD CHECK (" + g.asked("id") + ")", "ALTER TABLE orders ADD CONSTRAINT " + name + " CHECK (" + g.asked("id") + ")",
		"ALTER TABLE users ADD CHECK (" + g.condition("") + ")", "CREATE TABLE " + name + " (LIKE orders, CHECK (" + g.asked("id") + "))",
	}
	switch g.dialect {
	case rewrite.Postgres:
		all = append(all, "CREATE MATERIALIZED VIEW "+name+" AS "+q, "CREATE OR REPLACE RECURSIVE VIEW "+name+" (a) AS "+q, "SELECT * INTO "+name+" FROM orders WHERE "+g.asked("id"),
			"CREATE POLICY "+name+" ON orders USING ("+g.asked("id")+")", "CREATE POLICY "+name+" ON orders FOR INSERT WITH CHECK ("+g.asked("id")+")", "CREATE RULE "+name+" AS ON UPDATE TO orders DO INSTEAD "+q,
			"CREATE RULE "+name+" AS ON INSERT TO orders WHERE "+g.asked("id")+" DO INSTEAD NOTHING", "CREATE TRIGGER "+name+" BEFORE UPDATE ON orders FOR EACH ROW WHEN ("+g.asked("NEW.id")+") EXECUTE FUNCTION suppress_redundant_updates_trigger()",
			"CREATE DOMAIN "+name+" AS int DEFAULT "+value+" CHECK (VALUE IN ("+g.question()+"))", "CREATE FUNCTION "+name+"() RETURNS bigint LANGUAGE sql BEGIN ATOMIC "+q+"; END", "CREATE FUNCTION "+name+"(a int DEFAULT "+value+") RETURNS int LANGUAGE sql AS 'SELECT 1'",
			"CREATE PUBLICATION "+name+" FOR TABLE orders WHERE ("+g.asked("id")+")", "CREATE STATISTICS "+name+" ON id, ("+value+") FROM orders", "ALTER TABLE orders ALTER COLUMN memo SET DEFAULT "+value, "ALTER TABLE orders ALTER COLUMN memo TYPE text USING "+value,
			"ALTER POLICY "+name+" ON orders USING ("+g.asked("id")+")", "ALTER DOMAIN "+name+" ADD CHECK (VALUE IN ("+g.question()+"))", "CREATE TABLE "+name+" PARTITION OF orders FOR VALUES FROM "+value+" TO (2)", "CREATE TABLE "+name+" (a int, EXCLUDE (a WITH =) WHERE ("+g.asked("a")+"))")
	case rewrite.MySQL:
		all = append(all, "CREATE OR REPLACE VIEW "+name+" AS "+q, "ALTER VIEW users_view2 AS "+q, "CREATE TABLE "+name+" (a INT) "+q, "CREATE TABLE "+name+" (a INT) IGNORE SELECT * FROM orders WHERE "+g.asked("id"), "CREATE TABLE "+name+" (a INT) REPLACE AS "+q,
			"CREATE TRIGGER "+name+" BEFORE INSERT ON orders FOR EACH ROW SET NEW.memo = "+value, "CREATE TRIGGER "+name+" AFTER UPDATE ON orders FOR EACH ROW UPDATE users SET ssn = "+g.spelling(), "CREATE EVENT "+name+" ON SCHEDULE EVERY 1 DAY DO DELETE FROM orders WHERE "+g.asked("id"),
			"CREATE PROCEDURE "+name+"() "+q, "CREATE FUNCTION "+name+"() RETURNS INT RETURN "+value, "ALTER TABLE orders ALTER COLUMN memo SET DEFAULT "+value, "ALTER TABLE orders MODIFY memo TEXT DEFAULT "+value, "ALTER TABLE orders CHANGE memo memo TEXT CHECK ("+g.asked("id")+")",
			"CREATE TABLE "+name+" (a INT) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN "+value+")")
	default:
		all = append(all, "CREATE TEMP VIEW "+name+" AS "+q, "CREATE TRIGGER "+name+" AFTER INSERT ON orders WHEN "+g.asked("new.id")+" BEGIN SELECT 1; END",
			"CREATE TRIGGER "+name+" BEFORE UPDATE OF memo ON orders BEGIN UPDATE users SET ssn = "+g.spelling()+" WHERE id = new.id; END", "CREATE TEMP TRIGGER "+name+" AFTER DELETE ON orders BEGIN "+q+"; END",
			"CREATE TRIGGER "+name+" INSTEAD OF INSERT ON users_view BEGIN INSERT INTO users (id, ssn) VALUES (1, "+g.spelling()+"); END")
	}
	return g.pick(all...)
}

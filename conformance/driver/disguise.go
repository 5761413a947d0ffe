package drivertest

import "github.com/sealsql/sealsql/rewrite"

// disguise hides a marked value where a careless reader overlooks it: in
// executable comments, code, definitions, and syntax that few parsers know.
func (g *generator) disguise() string {
	switch g.dialect {
	case rewrite.MySQL:
		return g.pick(g.disguisesMySQL()...)
	case rewrite.Postgres:
		return g.pick(g.disguisesPostgres()...)
	}
	return g.pick(g.disguisesSQLite()...)
}

func (g *generator) disguisesMySQL() []string {
	q, m, x := "'"+g.mark+"'", g.marked(), g.plain()
	out := []string{
		"INSERT INTO users SET id = " + g.id() + ", ssn = " + x,
		"INSERT INTO users SET ssn = " + m + " ON DUPLICATE KEY UPDATE ssn = " + x,
		"REPLACE INTO users SET id = 1, ssn = " + x,
		"REPLACE INTO users (id, ssn) VALUES (1, " + m + ")",
		"EXECUTE IMMEDIATE 'INSERT INTO users (id, ssn) VALUES (1, ''" + g.mark + "'')'",
		"EXECUTE IMMEDIATE CONCAT('INSERT INTO us', 'ers (id, ssn) VALUES (1, ''" + g.mark + "'')')",
		"PREPARE p FROM 'UPDATE users SET ssn = ''" + g.mark + "'''",
		"SET @x = (SELECT id FROM users WHERE ssn = " + q + ")",
		"SET @x := (SELECT count(*) FROM users WHERE ssn = " + q + "), @y = 1",
		"SET SESSION sort_buffer_size = (SELECT 100000 + count(*) FROM users WHERE ssn = " + q + ")",
		"SET STATEMENT max_statement_time = 5 FOR UPDATE users SET ssn = " + q,
		"SET STATEMENT sql_mode = 'ANSI_QUOTES' FOR SELECT id FROM users WHERE ssn = " + q,
		"DO (SELECT count(*) FROM users WHERE ssn = " + q + ")",
		"BEGIN NOT ATOMIC UPDATE users SET ssn = " + q + "; END",
		"IF 1 = 1 THEN UPDATE users SET ssn = " + q + "; END IF",
		"CREATE PROCEDURE pr() UPDATE users SET ssn = " + q,
		"CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DO UPDATE users SET ssn = " + q,
		"CREATE TABLE stolen AS SELECT id FROM users WHERE ssn = " + q,
		"CREATE TABLE stolen (v VARCHAR(99) DEFAULT 'x') SELECT id FROM users WHERE ssn = " + q,
		"CREATE OR REPLACE VIEW stolen AS SELECT id FROM users WHERE ssn = " + q,
		"ALTER TABLE users ADD COLUMN ssn VARCHAR(99) DEFAULT " + q,
		"ALTER TABLE users ALTER COLUMN ssn SET DEFAULT " + q,
		"ALTER TABLE users ADD CHECK (ssn <> " + q + ")",
		"ALTER TABLE users MODIFY ssn VARBINARY(500) DEFAULT " + q,
		"SELECT id FROM users WHERE ssn = " + q + " INTO @x",
		"SELECT id INTO @x FROM users WHERE ssn = " + q,
		"SELECT ssn, " + q + " INTO OUTFILE '/nonexistent/x' FROM users",
		"SELECT id FROM users WHERE ssn = " + q + " PROCEDURE ANALYSE()",
		"SELECT id FROM users WHERE ssn = " + q + " LOCK IN SHARE MODE",
		"LOAD DATA INFILE '/nonexistent' INTO TABLE users SET ssn = " + q,
		"HANDLER users OPEN", "HANDLER users READ FIRST WHERE ssn = " + q,
		"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = (SELECT id FROM users WHERE ssn = " + q + ")",
		"KILL (SELECT id FROM users WHERE ssn = " + q + ")",
		"PURGE BINARY LOGS BEFORE (SELECT id FROM users WHERE ssn = " + q + ")",
		"CALL nothing((SELECT id FROM users WHERE ssn = " + q + "))",
		"SHOW TABLES WHERE 'x' IN (SELECT ssn FROM users WHERE ssn = " + q + ")",
		"SHOW COLUMNS FROM users WHERE Field = (SELECT id FROM users WHERE ssn = " + q + ")",
		"SELECT id FROM .users WHERE ssn = " + q,
		"UPDATE users SET `emaİl` = " + x,
		"UPDATE users SET `ſsn` = " + x,
		"SELECT id FROM users WHERE `emaİl` = " + x,
		"INSERT INTO users (id, `emaİl`) VALUES (" + g.id() + ", " + x + ")",
		"INSERT INTO users (id, ssn) VALUES ROW(1, " + x + ")",
		"INSERT INTO users TABLE orders", "VALUES (1, " + q + ") UNION SELECT id, ssn FROM users",
		"DELETE HISTORY FROM users BEFORE SYSTEM_TIME " + q,
		"WITH c AS (SELECT * FROM users) UPDATE c SET ssn = " + x,
		"SELECT 1 FROM users WHERE ssn = " + q + " UNION SELECT 1 FROM DUAL",
		"SELECT id FROM users WHERE ssn=\"" + g.mark + "\"-- x",
		"SELECT 1--1 FROM users WHERE ssn = " + q,
		"UPDATE users SET note = 'a' --1, ssn = " + q,
		"UPDATE users SET note = 'a'\n--1, ssn = " + q + "\nWHERE id = 1",
		"UPDATE users SET note = 'a\\', ssn = '" + g.mark + "' WHERE id = 1",
		"UPDATE users SET note = 'a\\\\', ssn = '" + g.mark + "' WHERE id = 1",
		"UPDATE users SET note = \"a\"\"b\", ssn = " + q + " WHERE id = 1",
		"UPDATE users SET note = 'a''', ssn = " + q + " WHERE id = 1",
	}
	for _, open := range []string{"/*!", "/*M!", "/*!50000", "/*!050000", "/*!5000", "/*!500000", "/*!100100", "/*M!100100", "/*M!50000", "/*!80000", "/*!99999", "/*M!999999", "/*T!", "/*T![feature]", "/*! ", "/*!\n", "/*M!\t", "/*!1011000", "/*!50000/**/", "/*!50700", "/*!100500"} {
		out = append(out, "UPDATE users SET note = 'a' "+open+" , ssn = "+q+" */ WHERE id = 1")
	}
	return append(out,
		"UPDATE users SET note = 'a' /*! /*! , ssn = "+q+" */ */ WHERE id = 1", "UPDATE users SET note = 'a' /*!50000 , /*!50000 ssn */ = "+q+" */ WHERE id = 1", "SELECT 1 /*! FROM users WHERE ssn = "+q+" */",
		"INSERT INTO orders (memo) VALUES ('x') /*! ON DUPLICATE KEY UPDATE memo = (SELECT ssn FROM users WHERE ssn = "+q+") */", "SELECT 1 /*!, (SELECT id FROM users WHERE ssn = "+q+") */",
		"UPDATE users SET note = 'a /*! ', ssn = "+q+" /* ' */ WHERE id = 1", "UPDATE users SET note = 'a' /* /*! */ , ssn = "+q+" -- */", "UPDATE users SET note = 'a' # /*!\n , ssn = "+q+" # */")
}

func (g *generator) disguisesPostgres() []string {
	q, m := "'"+g.mark+"'", g.marked()
	return []string{
		"DO $$ BEGIN UPDATE users SET ssn = '" + g.mark + "'; END $$",
		"DO $x$ BEGIN EXECUTE 'UPDATE us' || 'ers SET ssn = ''" + g.mark + "'''; END $x$",
		"PREPARE p AS UPDATE users SET ssn = '" + g.mark + "'",
		"PREPARE p (text) AS SELECT id FROM users WHERE ssn = '" + g.mark + "'",
		"PREPARE p AS SELECT id FROM users WHERE ssn LIKE '" + g.mark + "%'",
		"PREPARE p AS SELECT id FROM users WHERE ssn > '" + g.mark + "' ORDER BY ssn LIMIT 3",
		"PREPARE p AS " + g.question(),
		"PREPARE p (int) AS " + g.update(),
		"WITH i AS (INSERT INTO users (id, ssn) VALUES (" + g.id() + ", " + g.plain() + ") RETURNING id) SELECT id FROM i",
		"WITH i AS (INSERT INTO users (id, ssn) VALUES (" + g.id() + ", " + g.plain() + ") RETURNING *) SELECT * FROM i",
		"WITH i AS (UPDATE users SET ssn = " + g.plain() + " WHERE id = 1 RETURNING ssn, id) SELECT i.ssn FROM i WHERE " + g.condition("i"),
		"MERGE INTO users u USING orders o ON u.id = o.user_id WHEN MATCHED THEN UPDATE SET ssn = " + g.spelling(),
		"MERGE INTO users u USING (SELECT " + m + " AS x) o ON u.ssn = o.x WHEN NOT MATCHED THEN INSERT (id, ssn) VALUES (1, o.x)",
		"MERGE INTO orders o USING users u ON u.id = o.user_id WHEN MATCHED AND u.ssn = " + m + " THEN DELETE",
		"SELECT query_to_xml('select 1 from users where ssn = ''" + g.mark + "''', true, true, '')",
		"SELECT query_to_xml('select 1 from us' || 'ers where ssn = ''" + g.mark + "''', true, true, '')",
		"SELECT table_to_xml('users', true, true, ''), " + q + " = ssn FROM users",
		"SELECT u FROM users u WHERE u = ROW(1, '" + g.mark + "', NULL, NULL)",
		"SELECT * FROM users u WHERE (u).ssn = " + m, "SELECT (u).* FROM users u", "SELECT u.row_to_json FROM users u WHERE u.row_to_json::text LIKE " + q,
		"SELECT (SELECT row_to_json(x) FROM (SELECT u.ssn) x)::text = " + q + " FROM users u",
		"COPY (SELECT id FROM users WHERE ssn = " + q + ") TO STDOUT", "COPY users (ssn) FROM STDIN", "COPY users FROM PROGRAM 'echo " + g.mark + "'", "COPY users TO STDOUT (DELIMITER " + q + ")",
		"CREATE TABLE stolen AS SELECT " + q + " AS v, ssn FROM users", "CREATE TEMP TABLE users AS SELECT " + q + " AS ssn", "SELECT id INTO stolen FROM users WHERE ssn = " + q,
		"CREATE MATERIALIZED VIEW stolen AS SELECT id FROM users WHERE ssn = " + q, "CREATE VIEW stolen AS SELECT id FROM users WHERE ssn = " + q,
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT id FROM users WHERE ssn = ''" + g.mark + "'''",
		"CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM users WHERE ssn = " + q + "; END",
		"CREATE RULE r AS ON INSERT TO orders DO ALSO UPDATE users SET ssn = " + q, "CREATE POLICY p ON users USING (ssn = " + q + ")", "CREATE INDEX ix ON users (id) WHERE ssn = " + q, "CREATE INDEX ix ON users ((ssn = " + q + "))",
		"CREATE STATISTICS st ON id, (ssn = " + q + ") FROM users", "ALTER TABLE users ALTER ssn SET DEFAULT " + q, "ALTER TABLE users ADD COLUMN ssn text DEFAULT " + q, "ALTER TABLE users ADD CHECK (ssn <> " + q + ")",
		"ALTER TABLE users ALTER COLUMN ssn TYPE bytea USING coalesce(ssn, " + q + ")", "CREATE TABLE part (LIKE users INCLUDING ALL, CHECK (ssn = " + q + "))", "CREATE TABLE kid (CHECK (ssn = " + q + ")) INHERITS (users)",
		"CREATE TRIGGER tr BEFORE UPDATE ON users FOR EACH ROW WHEN (NEW.ssn = " + q + ") EXECUTE FUNCTION suppress_redundant_updates_trigger()",
		"DECLARE c CURSOR FOR SELECT id FROM users WHERE ssn = " + q, "DECLARE c CURSOR FOR SELECT ssn FROM users", "EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT id FROM users WHERE ssn = " + q,
		"SET application_name = " + q + "; SELECT ssn FROM users", "NOTIFY users, " + q + "; UPDATE users SET ssn = " + q, "VALUES ((SELECT id FROM users WHERE ssn = " + m + "))", "TABLE users",
		"SELECT * FROM users WHERE ssn = " + m + " FETCH FIRST 1 ROWS WITH TIES", "SELECT id FROM users WHERE ssn = " + m + " FOR UPDATE OF users SKIP LOCKED", "SELECT id FROM users GROUP BY GROUPING SETS ((id), (ssn = " + m + "))",
		"SELECT id FROM users GROUP BY CUBE (id, ssn = " + m + ")", "WITH RECURSIVE r AS (SELECT id, ssn FROM users UNION ALL SELECT r.id + 1, r.ssn FROM r WHERE r.id < 2) SEARCH DEPTH FIRST BY ssn SET o SELECT id FROM r",
		"WITH RECURSIVE r AS (SELECT id, ssn FROM users UNION ALL SELECT r.id + 1, r.ssn FROM r WHERE r.id < 2) CYCLE ssn SET z TO 'y' DEFAULT 'x' USING p SELECT id FROM r WHERE ssn = " + q,
		"SELECT id FROM users, jsonb_to_record(jsonb_build_object('a', " + m + "::text)) AS j(a text) WHERE j.a = ssn::text", "SELECT id FROM users, regexp_matches(ssn::text, " + q + ") r", "SELECT count(*) FROM users u JOIN generate_series(1, 2) g ON u.ssn = " + m,
		"SELECT xmlelement(name a, ssn, " + q + ") FROM users", "SELECT xmlforest(ssn AS a) FROM users WHERE xmlexists('/a' PASSING xmlforest(ssn, " + q + " AS x))", "SELECT id FROM users WHERE (ssn, id) OVERLAPS (" + q + ", 1)", "SELECT id FROM users WHERE ssn IS DOCUMENT OR " + q + " = ssn::text",
		"SELECT id FROM users WHERE ssn AT TIME ZONE " + q + " IS NULL", "SELECT CURRENT_SCHEMA FROM users WHERE ssn < " + q, "SELECT id FROM users WHERE ssn = ANY ('{" + g.mark + "}')", "SELECT id FROM users WHERE ssn IN ('" + g.mark + "', (SELECT 'x'))",
		"UPDATE users SET note = 'a\\', ssn = '" + g.mark + "' WHERE id = 1", "UPDATE users SET note = E'a\\'', ssn = '" + g.mark + "' WHERE id = 1", "UPDATE users SET note = $a$ ' $a$, ssn = " + q + " WHERE id = 1", "UPDATE users SET note = 'a' /* /* */ , id = 3 */ , ssn = " + q + " WHERE id = 1",
		"UPDATE users SET note = 'a'--\n, ssn = " + q + " WHERE id = 1", "UPDATE users SET note = $1$x$1$, ssn = " + q, "UPDATE users SET note = U&'d\\0027', ssn = " + q + " WHERE id = 1", `UPDATE users SET "SSN" = ` + q, "UPDATE users SET note = 'x' WHERE CURRENT OF c AND ssn = " + q,
		"SELECT set_config('a.b', (SELECT id::text FROM users WHERE ssn = " + q + "), false)", "SELECT lo_from_bytea(0, " + q + ") FROM users WHERE ssn = " + q, "SELECT dblink('x', 'select ' || " + q + ") FROM users WHERE ssn = " + q, "SELECT ts_stat('select ssn from users'), " + q + " = ssn FROM users",
		"SELECT json_agg(ssn ORDER BY ssn = " + q + ") FROM users", "SELECT count(DISTINCT ssn = " + q + ") FROM users", "SELECT sum(id) FILTER (WHERE email = " + m + ") OVER (PARTITION BY note) FROM users", "SELECT id FROM users WINDOW w AS (ORDER BY ssn RANGE BETWEEN " + q + " PRECEDING AND CURRENT ROW)",
		"CALL nothing((SELECT id FROM users WHERE ssn = " + q + "))", "LOCK TABLE users; UPDATE users SET ssn = " + q, "SECURITY LABEL ON COLUMN users.ssn IS " + q + "; SELECT ssn FROM users WHERE ssn = " + q, "IMPORT FOREIGN SCHEMA x LIMIT TO (users) FROM SERVER s INTO public OPTIONS (a " + q + ")",
		"CREATE SUBSCRIPTION s CONNECTION " + q + " PUBLICATION p WHERE users.ssn = " + q, "CREATE PUBLICATION p FOR TABLE users WHERE (ssn = " + q + ")", "SELECT ssn[1] = " + q + " FROM users", "SELECT (ssn).x = " + q + " FROM users",
		"SELECT id FROM users WHERE users.ssn::varchar COLLATE \"C\" LIKE " + q + " ESCAPE ''", "SELECT id FROM users WHERE treat(ssn AS text) = " + q, "SELECT id FROM users WHERE ssn NOTNULL = (ssn = " + q + ")", "SELECT id FROM users x(a, b) WHERE b = " + m, "SELECT id FROM users AS x(id, ssn2, ssn) WHERE ssn2 = " + m,
	}
}

func (g *generator) disguisesSQLite() []string {
	q, m, x := "'"+g.mark+"'", g.marked(), g.plain()
	return []string{
		"INSERT OR REPLACE INTO users (id, ssn) VALUES (1, " + x + ")", "INSERT OR ROLLBACK INTO users (id, ssn) VALUES (1, " + m + ")", "UPDATE OR IGNORE users SET ssn = " + m, "UPDATE OR FAIL users SET ssn = " + x + " WHERE id = 1",
		"CREATE TABLE stolen AS SELECT id FROM users WHERE ssn = " + q, "CREATE TEMP TABLE users AS SELECT " + q + " AS ssn", "CREATE VIEW stolen AS SELECT id FROM users WHERE ssn = " + q,
		"CREATE TRIGGER tr AFTER INSERT ON orders BEGIN UPDATE users SET ssn = " + q + "; END", "CREATE TEMP TRIGGER tr AFTER UPDATE OF ssn ON users WHEN new.ssn = " + q + " BEGIN SELECT 1; END",
		"UPDATE users SET ssn = v.x FROM (SELECT " + q + " AS x) v", "INSERT INTO users_view (id, ssn) VALUES (1, " + q + ")", "ALTER TABLE users ADD COLUMN ssn TEXT DEFAULT " + q, "CREATE INDEX ix ON users (ssn = " + q + ")", "CREATE INDEX ix ON users (id) WHERE ssn = " + q,
		"UPDATE 'users' SET 'ssn' = " + q, "INSERT INTO 'users' ('id', 'ssn') VALUES (" + g.id() + ", " + q + ")", "INSERT INTO [users] ([id], [ssn]) VALUES (" + g.id() + ", " + x + ")", "INSERT INTO `users` (`id`, \"ssn\") VALUES (" + g.id() + ", " + x + ")",
		"SELECT id FROM 'users' WHERE \"ssn\" = " + q, "SELECT id FROM users WHERE 'ssn' = " + q + " OR ssn = " + q, "SELECT id FROM users AS ssn WHERE ssn.ssn = " + q, "SELECT id FROM users('" + g.mark + "')", "SELECT id FROM pragma_table_info('users') p JOIN users ON users.ssn = " + q,
		"ATTACH ':memory:' AS " + q + "; SELECT ssn FROM users WHERE ssn = " + q, "PRAGMA user_version; UPDATE users SET ssn = " + q, "VACUUM INTO (SELECT '/nonexistent/' || ssn FROM users WHERE ssn = " + q + ")", "ATTACH (SELECT ssn FROM users WHERE ssn = " + q + ") AS z",
		"WITH v AS (SELECT " + m + " AS x) REPLACE INTO users (id, ssn) SELECT 1, x FROM v", "INSERT INTO users (id, ssn) VALUES (1, " + x + ") ON CONFLICT DO NOTHING RETURNING ssn", "INSERT INTO users DEFAULT VALUES RETURNING ssn = " + q, "DELETE FROM users WHERE rowid IN (SELECT rowid FROM users WHERE email = " + q + ") RETURNING *",
		"SELECT id FROM users WHERE ssn IS NOT " + q, "SELECT id FROM users WHERE ssn NOT NULL AND ssn == " + q, "SELECT id FROM users WHERE ssn ISNULL OR ssn = " + q, "SELECT id FROM users WHERE " + q + " COLLATE BINARY IN (ssn, email)", "SELECT id FROM users ORDER BY ssn = " + q + " NULLS LAST LIMIT 2, 3",
		"SELECT ssn AS s FROM users WHERE s = " + m, "SELECT ssn AS s, id FROM users GROUP BY id HAVING s = " + m, "SELECT id, (SELECT 1 WHERE ssn = " + m + ") FROM users", "SELECT ssn AS s FROM users ORDER BY (SELECT 1 WHERE s = " + m + ")", "SELECT group_concat(ssn, " + q + ") OVER (ORDER BY id) FROM users",
		"SELECT sum(id) OVER (PARTITION BY ssn IS " + m + ") FROM users", "SELECT json_object('a', ssn, 'b', " + q + ") FROM users", "SELECT * FROM json_tree((SELECT json_array(ssn, " + q + ") FROM users))", "SELECT raise(IGNORE), ssn = " + q + " FROM users", "SELECT id FROM users WHERE ssn -> " + q + " IS NULL",
		"SELECT id FROM users WHERE (ssn, id) IN (VALUES (" + m + ", 1))", "SELECT id FROM users WHERE (ssn, email) > (" + m + ", " + m + ")", "UPDATE users SET note = 'a''', ssn = " + q + " WHERE id = 1", "UPDATE users SET note = 'a\\', ssn = " + q + " WHERE id = 1", "UPDATE users SET note = \"a\"\"b\", ssn = " + q + " WHERE id = 1",
		"UPDATE users SET note = 'a' /* /* */ , ssn = " + q + " WHERE id = 1", "UPDATE users SET note = 'a' -- \n, ssn = " + q + " WHERE id = 1", "UPDATE users SET note = x'61', ssn = " + q, "SELECT EXISTS (SELECT ssn FROM users EXCEPT SELECT " + m + ")", "VALUES ((SELECT count(*) FROM users WHERE ssn = " + m + "))", "EXPLAIN QUERY PLAN SELECT id FROM users WHERE ssn = " + q,
		"REINDEX users; UPDATE users SET ssn = " + q, "SAVEPOINT a; UPDATE users SET ssn = " + q, "UPDATE temp.users SET ssn = " + q, "UPDATE main.users_view SET ssn = " + q, "INSERT INTO users (rowid, ssn) VALUES (" + g.id() + ", " + x + ")", "UPDATE users SET rowid = 5, ssn = " + x + " WHERE _rowid_ = 1",
	}
}

package drivertest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// threat is one attack or accident, run on every engine that it applies to.
type threat struct {
	name    string
	engines []engine
	run     func(t *testing.T, e engine)
}

// TestThreats runs the attacks on statements by their number in the threat
// model: TestThreats/T2/an_updatable_view_is_refused/postgres.
func TestThreats(t *testing.T) {
	t.Parallel()
	for _, group := range []struct {
		name    string
		threats []threat
	}{
		{"T1", executableComments},
		{"T2", relations},
		{"T3", code},
		{"T4", clearCopies},
		{"T5", computed},
		{"T6", sessions},
		{"T8", shapes},
		{"T9", truncation},
		{"T10", guards},
		{"T12", messages},
		{"T13", partitions},
		{"T14", identities},
		{"T15", records},
		{"T30", limits},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, x := range group.threats {
				t.Run(strings.ReplaceAll(x.name, " ", "_"), func(t *testing.T) {
					for _, e := range testenv.Sample(t, x.engines, 1) {
						t.Run(e.name, func(t *testing.T) { x.run(t, e) })
					}
				})
			}
		})
	}
}

const ordersTable = "CREATE TABLE orders (id {INT} PRIMARY KEY, user_id {INT}, memo {TEXT})"

// plain attacks: objects made by another process before or after the driver
// first reads the catalog, and the statements that must be refused then.
type plot struct {
	before, after []string
	refused       []string
	reasons       []rewrite.Reason
	// sealed may run or be refused, but the canary stays inside.
	sealed []string
}

func (p plot) on(t *testing.T, e engine) {
	w := e.open(t, usersConfig, append([]string{usersTable, ordersTable}, p.before...)...)
	w.seed()
	for _, s := range p.after {
		w.other(s)
	}
	if len(p.after) > 0 {
		outlive(catalogAge)
	}
	for _, s := range p.refused {
		w.refused(s, p.reasons...)
	}
	for _, s := range p.sealed {
		w.quiet(s)
	}
}

func (p plot) threat(name string, engines ...engine) threat {
	return threat{name, engines, p.on}
}

// ---- T1 ----

var commentForms = []string{
	"/*!", "/*! ", "/*M!", "/*M! ", "/*!50000", "/*!50000 ", "/*!050000 ", "/*!5000 ", "/*!500000 ", "/*!100100 ", "/*!100500 ", "/*!101100 ", "/*M!100100 ",
	"/*M!100500 ", "/*M!101199 ", "/*M!50000 ", "/*M!110000 ", "/*!50700 ", "/*!50701 ", "/*!80000 ", "/*!99999 ", "/*!999999 ", "/*M!999999 ", "/*T! ", "/*T![auto_rand] ",
}

var executableComments = []threat{
	{"an assignment in an executable comment", []engine{onMySQL}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable)
		w.seed()
		for _, open := range commentForms {
			w.quiet("UPDATE users SET note = 'a' " + open + ", ssn = {M} */ WHERE id = 1")
			w.quiet("UPDATE users SET note = 'a' " + open + ", ssn = */ /* x */ " + open + "{M} */ WHERE id = 1")
			w.quiet("INSERT INTO orders (id, memo) SELECT 9, 'x' " + open + " FROM users WHERE ssn = {M} */ LIMIT 0")
			w.quiet("SELECT 1 " + open + " FROM users WHERE ssn = {M} */")
			w.quiet("UPDATE orders SET memo = 'a' " + open + "WHERE id IN (SELECT id FROM users WHERE ssn = {M}) */")
		}
		w.quiet("UPDATE users SET note = 'a' /* /*! */ , ssn = {M} -- */")
		w.quiet("UPDATE users SET note = 'a /*! ', ssn = {M} /* ' */ WHERE id = 1")
		w.quiet("UPDATE users SET note = 'a' /*! /*! , ssn = {M} */ */ WHERE id = 1")
	}},
	{"an executable comment means what it means to the server", []engine{onMySQL}, func(t *testing.T, e engine) {
		for _, open := range commentForms {
			w := e.open(t, usersConfig, usersTable, ordersTable, "CREATE TABLE twin LIKE orders", "INSERT INTO orders VALUES (1, 1, 'm')", "INSERT INTO twin VALUES (1, 1, 'm')")
			_, want := w.plain.Exec("UPDATE twin SET memo = 'a' " + open + ", user_id = 7 */ WHERE id = 1")
			_, err := w.db.Exec("UPDATE orders SET memo = 'a' " + open + ", user_id = 7 */ WHERE id = 1")
			if errors.Is(err, sealsql.ErrRefused) {
				continue
			}
			if (err == nil) != (want == nil) {
				t.Errorf("%s: got %v, want %v", open, err, want)
			}
			var got, twin string
			w.must(w.plain.QueryRow("SELECT CONCAT(memo, user_id) FROM orders").Scan(&got))
			w.must(w.plain.QueryRow("SELECT CONCAT(memo, user_id) FROM twin").Scan(&twin))
			if got != twin {
				t.Errorf("%s: got %s, want %s", open, got, twin)
			}
		}
	}},
}

// ---- T2 ----

var throughRelations = []string{"INSERT INTO uv (id, ssn) VALUES (5, {M})", "UPDATE uv SET ssn = {M} WHERE id = 1", "SELECT id FROM uv WHERE ssn = {M}", "DELETE FROM uv WHERE ssn = {M}"}

// computedThroughRelations would store what the server computes.
var computedThroughRelations = []string{"INSERT INTO uv (id, ssn) VALUES (5, lower({M}))", "UPDATE uv SET ssn = lower({M}) WHERE id = 1", "SELECT id FROM uv WHERE ssn = {M}", "DELETE FROM uv WHERE ssn = {M}"}

var relations = []threat{
	plot{before: []string{"CREATE VIEW uv AS SELECT * FROM users"}, refused: computedThroughRelations, sealed: throughRelations}.threat("an updatable view takes no plaintext", all...),
	plot{before: []string{"CREATE VIEW v0 AS SELECT * FROM users", "CREATE VIEW uv AS SELECT id, ssn FROM v0"}, refused: throughRelations}.threat("a view over a view is refused", all...),
	plot{after: []string{"CREATE VIEW uv AS SELECT * FROM users"}, refused: computedThroughRelations, sealed: throughRelations}.threat("a view made by another process takes no plaintext", all...),
	plot{before: []string{"CREATE VIEW uv AS SELECT id, note AS ssn, ssn AS note FROM users"}, refused: []string{"SELECT ssn FROM uv WHERE note = {M}", "UPDATE uv SET note = lower({M})"}, sealed: []string{"INSERT INTO uv (id, note) VALUES (5, {M})", "UPDATE uv SET note = {M} WHERE id = 1"}}.threat("a view under other names takes no plaintext", all...),
	plot{before: []string{"CREATE MATERIALIZED VIEW uv AS SELECT * FROM users"}, refused: throughRelations[2:3]}.threat("a materialized view is refused", onPostgres),
	plot{before: []string{"CREATE TABLE uv () INHERITS (users)"}, refused: computedThroughRelations, sealed: throughRelations}.threat("an inheritance child takes no plaintext", onPostgres),
	plot{after: []string{"CREATE TABLE uv () INHERITS (users)"}, refused: computedThroughRelations, sealed: throughRelations}.threat("a child made by another process takes no plaintext", onPostgres),
	plot{before: []string{"CREATE TABLE uv (id int, ssn bytea)", "ALTER TABLE uv ADD tenant text, ADD email bytea, ADD note text", "ALTER TABLE users INHERIT uv"}, refused: throughRelations}.threat("an inheritance parent is refused", onPostgres),
	plot{before: []string{"CREATE VIEW uv AS SELECT id, note AS ssn FROM users", "CREATE RULE r AS ON INSERT TO uv DO INSTEAD INSERT INTO users (id, ssn) VALUES (new.id, new.ssn::bytea)"}, refused: throughRelations[:1]}.threat("a view with a rule is refused", onPostgres),
	plot{before: []string{"CREATE RULE r AS ON INSERT TO orders DO ALSO UPDATE users SET ssn = new.memo::bytea"}, refused: []string{"INSERT INTO orders (id, memo) VALUES (1, {M})"}}.threat("a rule on a clear table is refused", onPostgres),
	plot{before: []string{"CREATE TABLE base (id INT, ssn VARBINARY(600)) ENGINE=MyISAM", "CREATE TABLE uv (id INT, ssn VARBINARY(600)) ENGINE=MERGE UNION=(base) INSERT_METHOD=LAST"}, refused: throughRelations}.threat("a merge table is refused", onMySQL),
	plot{after: []string{"ALTER TABLE users RENAME TO people", "CREATE VIEW users AS SELECT * FROM people"}, refused: []string{"INSERT INTO users (id, ssn) VALUES (5, {M})", "UPDATE users SET ssn = {M}", "SELECT id FROM users WHERE ssn = {M}"}}.threat("a view in the place of the renamed table is refused", all...),
	plot{refused: []string{"INSERT INTO nowhere (ssn) VALUES ({M})", "UPDATE nowhere SET ssn = {M}", "SELECT 1 FROM nowhere WHERE ssn = {M}", "DELETE FROM nowhere WHERE ssn = {M}"}}.threat("a relation that nobody knows is refused", all...),
	{"a table of a new catalog is found", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		w.other("CREATE TABLE visits (id {INT}, memo {TEXT})")
		outlive(catalogAge)
		w.sent.Take()
		w.exec("INSERT INTO visits (id, memo) VALUES (1, 'x')")
	}},
	{"partitions of the table are encrypted like it", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, "CREATE TABLE users (id int, tenant text, ssn bytea, email bytea, note text) PARTITION BY RANGE (id)", "CREATE TABLE uv PARTITION OF users FOR VALUES FROM (0) TO (1000)")
		w.exec("INSERT INTO users (id, ssn) VALUES (1, {M})")
		w.exec("INSERT INTO users (id, ssn) VALUES (2, ?)", w.mark)
		w.equal(w.value("SELECT ssn FROM users WHERE id = 2"), w.mark)
		w.exec("INSERT INTO uv (id, ssn) VALUES (3, ?)", w.mark)
		w.equal(w.value("SELECT ssn FROM users WHERE id = 3"), w.mark)
		for _, s := range computedThroughRelations {
			w.refused(s)
		}
		for _, s := range throughRelations {
			w.quiet(s)
		}
	}},
	{"the same table in another schema is encrypted too", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, "CREATE SCHEMA t1", strings.Replace(usersTable, "users", "t1.users", 1))
		w.exec("INSERT INTO t1.users (id, ssn) VALUES (1, {M})")
		w.exec("SET search_path = t1")
		w.exec("INSERT INTO users (id, ssn) VALUES (2, ?)", w.mark)
		w.equal(w.value("SELECT ssn FROM users WHERE id = 2"), w.mark)
		w.exec("SET search_path = public")
		w.equal(w.value("SELECT count(*) FROM users"), int64(0))
		w.exec("INSERT INTO users VALUES (3, 'a', ?, NULL, 'n')", w.mark)
		w.equal(w.value("SELECT ssn FROM public.users WHERE id = 3"), w.mark)
	}},
	{"a search path that hides the table behind a view is followed", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, "CREATE SCHEMA t1", "CREATE VIEW t1.clear AS SELECT id, ssn FROM users", "CREATE TABLE clear (id int, ssn text)")
		w.exec("INSERT INTO clear (id, ssn) VALUES (1, 'x')")
		for _, set := range []string{"SET search_path = t1, public", "SET SESSION search_path TO t1, public", `SET "search_path" TO 't1', "public"`, "SET SCHEMA 't1'"} {
			w.exec("SET search_path = public")
			w.exec("INSERT INTO clear (id, ssn) VALUES (1, 'x')")
			w.exec(set)
			w.exec("INSERT INTO clear (id, ssn) VALUES ((SELECT count(*) + 2 FROM public.users), {M})")
			w.refused("INSERT INTO clear (id, ssn) VALUES (2, upper({M}))", rewrite.ReasonComputed)
		}
		w.exec("SET search_path = public")
		tx, err := w.db.Begin()
		w.must(err)
		_, err = tx.Exec("SET LOCAL search_path = t1, public")
		w.must(err)
		if _, err = tx.Exec("INSERT INTO clear (id, ssn) VALUES (2, upper($1))", w.mark); !errors.Is(err, sealsql.ErrRefused) {
			t.Errorf("under SET LOCAL: %v", err)
		}
		w.must(tx.Rollback())
		w.exec("INSERT INTO clear (id, ssn) VALUES (1, 'x')")
		w.exec("ROLLBACK")
	}},
	{"the same table in another database is encrypted too", []engine{onMySQL}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		name := "sealsql_x_" + canary(t)[6:]
		w.other("CREATE DATABASE " + name)
		t.Cleanup(func() { w.other("DROP DATABASE " + name) })
		w.other(strings.Replace(usersTable, "users", name+".users", 1))
		w.other("CREATE VIEW " + name + ".orders AS SELECT id, ssn AS memo FROM users")
		w.exec("INSERT INTO " + name + ".users (id, ssn) VALUES (1, {M})")
		w.exec("USE " + name)
		w.exec("INSERT INTO users (id, ssn) VALUES (2, ?)", w.mark)
		w.equal(w.value("SELECT ssn FROM users WHERE id = 2"), w.mark)
		w.refused("UPDATE orders SET memo = lower({M})", rewrite.ReasonComputed)
		w.exec("UPDATE orders SET memo = {M}")
	}},
	{"an attached copy of the file is encrypted too", []engine{onSQLite}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, "CREATE VIEW uv AS SELECT * FROM users")
		file, _, _ := strings.Cut(w.dsn, "?")
		w.exec("ATTACH ? AS x", file)
		w.exec("INSERT INTO x.users (id, ssn) VALUES (1, {M})")
		w.exec("INSERT INTO x.users VALUES (2, 'a', ?, NULL, 'n')", w.mark)
		w.equal(w.value("SELECT ssn FROM x.users WHERE id = 2"), w.mark)
		w.refused("SELECT id FROM x.uv WHERE ssn = {M}", rewrite.ReasonPredicate)
		w.equal(w.value("SELECT ssn FROM x.uv WHERE id = 2"), w.mark)
		w.refused("UPDATE y.users SET ssn = {M}")
		w.exec("DETACH x")
		w.refused("UPDATE x.users SET ssn = {M}")
	}},
	{"a temporary table that shadows the table is refused", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.refused("CREATE TEMPORARY TABLE users (id INT, ssn VARCHAR(40))", rewrite.ReasonShadowed)
		w.refused("CREATE TEMPORARY TABLE users AS SELECT {M} AS ssn", rewrite.ReasonShadowed, rewrite.ReasonComputed)
		w.seed()
	}},
	{"a temporary view over the table is read as it", []engine{onSQLite, onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.exec("INSERT INTO users (id, ssn) VALUES (1, ?)", w.mark)
		w.exec("CREATE TEMPORARY VIEW tv AS SELECT id, ssn FROM users")
		w.equal(w.value("SELECT ssn FROM tv"), w.mark)
		w.refused("SELECT id FROM tv WHERE ssn = {M}", rewrite.ReasonPredicate)
		w.refused("CREATE TEMPORARY VIEW users AS SELECT 1 AS id", rewrite.ReasonShadowed)
	}},
	{"a temporary table is used as itself", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		w.exec("CREATE TEMPORARY TABLE scratch (id INT, memo VARCHAR(40))")
		w.exec("INSERT INTO scratch (id, memo) VALUES (1, 'x')")
		w.refused("INSERT INTO scratch (id, memo) SELECT id, ssn FROM users", rewrite.ReasonSealedToClear)
	}},
	{"a CTE does not stand in for the table that is written", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable)
		w.seed()
		w.refused("WITH users AS (SELECT 1 AS id) UPDATE users SET ssn = {M} WHERE id = 1")
		w.refused("WITH users AS (SELECT id, memo AS ssn FROM orders) DELETE FROM users WHERE ssn = {M}")
	}},
	{"DDL in a transaction that is rolled back is forgotten", []engine{onSQLite, onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		tx, err := w.db.Begin()
		w.must(err)
		_, err = tx.Exec("CREATE TABLE clear (id int, memo varchar(40))")
		w.must(err)
		_, err = tx.Exec("INSERT INTO clear (id, memo) VALUES (1, 'x')")
		w.must(err)
		w.must(tx.Rollback())
		w.other("CREATE VIEW clear AS SELECT id, ssn AS memo FROM users")
		w.refused("UPDATE clear SET memo = lower({M})")
		w.quiet("UPDATE clear SET memo = {M}")
	}},
}

// ---- T3 ----

var code = []threat{
	plot{
		before: []string{
			"CREATE FUNCTION add_user(i int, v text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO us' || 'ers (id, note) VALUES (' || i || ', ' || quote_literal(v) || ')'; RETURN 1; END $$",
			"CREATE OPERATOR === (LEFTARG = int, RIGHTARG = text, FUNCTION = add_user)",
		},
		refused: []string{
			"SELECT add_user(3, {M})", "SELECT 1 WHERE add_user(4, {M}) = 1", "SELECT * FROM add_user(5, {M})", "SELECT public.add_user(6, {M})", `SELECT "add_user"(7, {M})`, "INSERT INTO orders (id) VALUES (add_user(8, {M}))",
			"UPDATE orders SET user_id = add_user(9, {M})", "SELECT 10 === {M}", "SELECT 11 OPERATOR(public.===) {M}", "SELECT 1 ORDER BY add_user(12, {M})", "SELECT 1 LIMIT add_user(13, {M})", "CREATE TABLE t2 AS SELECT add_user(14, {M})",
			"VALUES (add_user(15, {M}))", "SET application_name = 'x'; SELECT add_user(16, {M})", "EXPLAIN ANALYZE SELECT add_user(17, {M})", "SELECT 18 === ANY (ARRAY[{M}])",
		},
	}.threat("a function that writes the table is refused", onPostgres),
	plot{
		before: []string{
			"CREATE FUNCTION add_user(i INT, v TEXT) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO users (id, note) VALUES (i, v); RETURN 1; END",
			"CREATE PROCEDURE put_user(i INT, v TEXT) INSERT INTO users (id, note) VALUES (i, v)",
		},
		refused: []string{
			"SELECT add_user(3, {M})", "DO add_user(4, {M})", "SELECT 1 WHERE add_user(5, {M}) = 1", "CALL put_user(6, {M})", "SET @x = add_user(7, {M})", "INSERT INTO orders (id) VALUES (add_user(8, {M}))", "SELECT `add_user`(9, {M})",
			"EXECUTE IMMEDIATE CONCAT('INSERT INTO us', 'ers (id, note) VALUES (10, ''{m}'')')", "PREPARE p FROM 'INSERT INTO users (id, ssn) VALUES (11, ''{m}'')'", "SET STATEMENT max_statement_time = 1 FOR SELECT add_user(12, {M})",
			"BEGIN NOT ATOMIC INSERT INTO users (id, note) VALUES (13, {M}); END", "BEGIN NOT ATOMIC EXECUTE IMMEDIATE CONCAT('UPDATE us', 'ers SET note = ''{m}'''); END", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO CALL put_user(14, {M})", "CREATE PROCEDURE p2() UPDATE users SET note = {M}",
		},
	}.threat("routines that write the table are refused", onMySQL),
	plot{refused: []string{
		"DO $$ BEGIN UPDATE users SET note = '{m}'; END $$", "DO $$ BEGIN EXECUTE 'UPDATE us' || 'ers SET note = ''{m}'''; END $$", "SELECT query_to_xml('select 1 from users where ssn = ''{m}''', true, true, '')",
		"SELECT query_to_xml('select 1 from us' || 'ers where ssn = ''{m}''', true, true, '')", "SELECT table_to_xml('us' || 'ers', true, true, '{m}')", "SELECT u FROM users u WHERE u = ROW(1, {M}, NULL, NULL, NULL)", "SELECT to_jsonb(u) FROM users u WHERE to_jsonb(u)::text LIKE {M}",
		"SELECT u.to_jsonb FROM users u WHERE u.to_jsonb::text LIKE {M}", "SELECT (u).ssn FROM users u WHERE (u).ssn = {M}", "SELECT json_agg(u) FROM users u HAVING json_agg(u)::text LIKE {M}", "SELECT row_to_json(u.*)::text = {M} FROM users u", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT id FROM users WHERE ssn = ''{m}'''",
		"CREATE PROCEDURE f() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'UPDATE us' || 'ers SET note = ''{m}'''; END $$; CALL f()", "COPY users (ssn) FROM PROGRAM 'echo {m}'", "COPY (SELECT id FROM users WHERE ssn = {M}) TO STDOUT", "SELECT ts_stat('select ssn from users where ssn = ''{m}''')",
	}}.threat("SQL in strings and whole rows are refused", onPostgres),
	plot{before: []string{"CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE users SET note = new.memo; RETURN new; END $$", "CREATE TRIGGER tr BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tf()"}, refused: []string{"INSERT INTO orders (id, memo) VALUES (1, {M})"}, reasons: []rewrite.Reason{rewrite.ReasonTrigger}}.threat("a trigger of a clear table that writes the table is refused", onPostgres),
	plot{before: []string{"CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'UPDATE us' || 'ers SET note = $1' USING new.memo; RETURN new; END $$", "CREATE TRIGGER tr BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tf()"}, refused: []string{"INSERT INTO orders (id, memo) VALUES (1, {M})"}, reasons: []rewrite.Reason{rewrite.ReasonTrigger}}.threat("a trigger that builds its SQL is refused", onPostgres),
	plot{before: []string{"CREATE TRIGGER tr AFTER INSERT ON orders FOR EACH ROW UPDATE users SET note = new.memo"}, refused: []string{"INSERT INTO orders (id, memo) VALUES (1, {M})"}, reasons: []rewrite.Reason{rewrite.ReasonTrigger}}.threat("a MySQL trigger of a clear table is refused", onMySQL),
	plot{after: []string{"CREATE TRIGGER tr AFTER INSERT ON orders BEGIN UPDATE users SET note = new.memo; END"}, refused: []string{"INSERT INTO orders (id, memo) VALUES (1, {M})"}, reasons: []rewrite.Reason{rewrite.ReasonTrigger}}.threat("a SQLite trigger made by another process is refused", onSQLite),
	plot{
		before: []string{
			"CREATE FUNCTION put(v text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN UPDATE users SET note = v; RETURN true; END $$", "CREATE TABLE log (v text CHECK (put(v)))", "CREATE DOMAIN loud AS text CHECK (put(VALUE))", "CREATE TABLE log2 (v loud)",
			"CREATE TABLE log3 (v text, b bool DEFAULT put('x'))", "CREATE TABLE log4 (v text)", "ALTER TABLE log4 ENABLE ROW LEVEL SECURITY", "ALTER TABLE log4 FORCE ROW LEVEL SECURITY", "CREATE POLICY pp ON log4 USING (put(v)) WITH CHECK (put(v))",
		},
		refused: []string{"INSERT INTO log (v) VALUES ({M})", "SELECT {M}::loud", "SELECT CAST({M} AS loud)", "INSERT INTO log2 (v) VALUES ({M})", "INSERT INTO log3 (v) VALUES ({M})", "INSERT INTO log4 (v) VALUES ({M})"},
	}.threat("code in a constraint, default, domain or policy is refused", onPostgres),
	{"a declared routine passes", servers, func(t *testing.T, e engine) {
		function := "CREATE FUNCTION twice(v int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT v * 2'"
		if e.dialect == rewrite.MySQL {
			function = "CREATE FUNCTION twice(v INT) RETURNS INT DETERMINISTIC RETURN v * 2"
		}
		w := e.open(t, usersConfig+"routines: {twice: clear}\n", usersTable, function)
		w.equal(fmt.Sprint(w.value("SELECT twice(4)")), "8")
	}},
}

package drivertest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/rewrite"
)

// ---- T4 ----

var clearCopies = []threat{
	{"a clear copy of a searched value is refused", allModes, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable)
		w.seed()
		for _, s := range []string{
			"SELECT id FROM users WHERE ({M} IS NULL OR email = {M})", "SELECT id FROM users WHERE {M} <> '' AND email = {M}", "SELECT {M} AS q, id FROM users WHERE ssn = {M}",
			"INSERT INTO users (id, ssn, note) VALUES (7, '{m}', lower('{m}'))", "UPDATE users SET ssn = '{m}', note = coalesce('{m}', 'x') WHERE id = 1",
		} {
			w.refused(s)
		}
	}},
	{"one placeholder for an optional filter is refused", []engine{onSQLite, onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		one := map[rewrite.Dialect]string{rewrite.SQLite: "?1", rewrite.Postgres: "$1"}[e.dialect]
		for _, s := range []string{
			"SELECT id FROM users WHERE (? IS NULL OR email = ?)", "SELECT id FROM users WHERE ? <> '' AND email = ?", "UPDATE users SET ssn = ?, note = lower(?)",
			"INSERT INTO users (id, ssn) VALUES (length(?), ?)", "UPDATE users SET ssn = ? WHERE note = upper(?)", "SELECT ?, ssn FROM users WHERE ? = ssn",
		} {
			text := strings.ReplaceAll(s, "?", one)
			w.eachFormWith(t.Context(), text, []any{w.mark}, func(form string, err error) {
				if !errors.Is(err, sealsql.ErrRefused) {
					t.Errorf("%s: %s: %v", form, text, err)
				}
			})
		}
	}},
	{"one placeholder for an encrypted and a clear column works", []engine{
		onSQLite, onPostgres, {"postgres simple_protocol", rewrite.Postgres, "simple_protocol"}, {"postgres exec", rewrite.Postgres, "exec"}, {"postgres cache_describe", rewrite.Postgres, "cache_describe"}, {"postgres describe_exec", rewrite.Postgres, "describe_exec"},
	}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		p := map[rewrite.Dialect][]string{rewrite.SQLite: {"?1", "?2"}, rewrite.Postgres: {"$1", "$2"}}[e.dialect]
		// The value is meant for a clear column too, so it is not the canary.
		run := func(text string, args ...any) {
			t.Helper()
			for form, f := range w.forms(t.Context(), strings.NewReplacer("{1}", p[0], "{2}", p[1]).Replace(text), args) {
				if form == "query" {
					continue
				}
				if err := f(); err != nil {
					t.Errorf("%s: %s: %v", form, text, err)
				}
			}
		}
		run("UPDATE users SET ssn = {1}, note = {1} WHERE id = 1", "shared")
		w.equal(w.value("SELECT ssn FROM users WHERE id = 1"), "shared")
		w.equal(w.value("SELECT note FROM users WHERE id = 1"), "shared")
		run("UPDATE users SET ssn = {2}, email = {2} WHERE note = {1}", "shared", w.mark)
		w.equal(w.value("SELECT email FROM users WHERE id = 1"), w.mark)
		run("UPDATE users SET ssn = {1}, email = {2}, note = {1} WHERE note = {1}", "shared", w.mark)
		w.equal(w.value("SELECT ssn FROM users WHERE id = 1"), "shared")
		w.equal(w.value("SELECT email FROM users WHERE id = 1"), w.mark)
	}},
}

// ---- T5 ----

var computed = []threat{
	{"a value that the server computes is refused", allModes, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable, "CREATE TABLE staging (id {INT}, ssn {BIN}, memo {TEXT})")
		w.seed()
		for _, s := range []string{
			"UPDATE users SET ssn = note", "UPDATE users SET ssn = upper({M})", "UPDATE users SET ssn = email", "UPDATE users SET ssn = (SELECT lower({M}))", "UPDATE users SET ssn = CASE WHEN id = 1 THEN {M} ELSE note END",
			"INSERT INTO users (id, ssn) SELECT DISTINCT id, {M} FROM staging", "INSERT INTO users (id, ssn) SELECT id, ssn FROM staging", "INSERT INTO users (id, ssn) SELECT id, coalesce(memo, {M}) FROM staging", "INSERT INTO users (id, ssn) SELECT 1, {M} UNION ALL SELECT 2, memo FROM staging", "INSERT INTO users (id, ssn) SELECT 1, {M} UNION SELECT 2, {M}",
			"INSERT INTO users (id, ssn) VALUES (2, lower({M}))", "INSERT INTO users (id, ssn) VALUES (2, (SELECT max(memo) FROM staging))", "INSERT INTO users (id, ssn) VALUES (2, coalesce(lower({M}), {M}))", "UPDATE users SET note = 'x', ssn = replace({M}, 'a', 'a')",
		} {
			w.refused(s)
		}
	}},
	{"an encrypted value in a clear column is refused", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable)
		w.seed()
		for _, s := range []string{
			"INSERT INTO orders (id, memo) SELECT id, ssn FROM users", "UPDATE users SET note = ssn", "UPDATE orders SET memo = (SELECT ssn FROM users WHERE id = 1)", "CREATE TABLE stolen AS SELECT ssn FROM users", "CREATE TABLE stolen AS SELECT * FROM users",
			"CREATE TABLE stolen AS SELECT id FROM users WHERE ssn = {M}", "INSERT INTO orders (id, memo) SELECT id, ssn FROM users WHERE ssn = {M}",
		} {
			w.refused(s)
		}
		if e.dialect == rewrite.Postgres {
			w.refused("SELECT ssn INTO stolen FROM users")
			w.refused("COPY users (ssn) TO STDOUT")
			w.refused("WITH d AS (DELETE FROM users RETURNING ssn) INSERT INTO orders (id, memo) SELECT 1, ssn FROM d")
		}
		if e.dialect == rewrite.MySQL {
			w.refused("SELECT ssn INTO @x FROM users")
			w.refused("SELECT ssn INTO OUTFILE '/nonexistent/x' FROM users")
			w.refused("INSERT INTO orders (id, memo) SELECT id, note FROM users ON DUPLICATE KEY UPDATE memo = users.ssn")
			w.refused("UPDATE orders o JOIN users u ON u.id = o.id SET o.memo = u.ssn")
		}
	}},
	{"a default that would fill the column is refused", all, func(t *testing.T, e engine) {
		column := map[rewrite.Dialect]string{rewrite.SQLite: "ssn {BIN} DEFAULT 'anon'", rewrite.Postgres: "ssn {BIN} DEFAULT 'anon'", rewrite.MySQL: "ssn {BIN} DEFAULT 'anon'"}[e.dialect]
		w := e.open(t, usersConfig, strings.Replace(usersTable, "ssn {BIN}", column, 1))
		for _, s := range []string{"INSERT INTO users (id, email) VALUES (1, {M})", "INSERT INTO users (id, ssn) VALUES (1, {M})", "UPDATE users SET email = {M}"} {
			w.eachForm(t.Context(), s, func(form string, err error) {
				if !errors.Is(err, sealsql.ErrSetup) && !errors.Is(err, sealsql.ErrRefused) {
					t.Errorf("%s: %s: %v", form, s, err)
				}
			})
		}
	}},
	{"a default that another process adds is refused", servers, // SQLite cannot change one
		func(t *testing.T, e engine) {
			w := e.open(t, usersConfig, usersTable)
			w.seed()
			w.other("ALTER TABLE users ALTER COLUMN ssn SET DEFAULT 'anon'")
			outlive(catalogAge)
			_, err := w.db.Exec(w.text("INSERT INTO users (id, email) VALUES (2, {M})"))
			if !errors.Is(err, sealsql.ErrSetup) && !errors.Is(err, sealsql.ErrRefused) {
				t.Errorf("got %v", err)
			}
		}},
}

// ---- T6 ----

var sessions = []threat{
	{"settings that change how strings are read are refused", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		for _, s := range []string{
			"SET standard_conforming_strings = off", "SET LOCAL standard_conforming_strings TO off", "SET SESSION standard_conforming_strings = 'off'", `SET "standard_conforming_strings" = off`, "SELECT set_config('standard_conforming_strings', 'off', false)",
			"SELECT set_config('standard_' || 'conforming_strings', 'off', false)", "UPDATE pg_settings SET setting = 'off' WHERE name = 'standard_conforming_strings'", "SET backslash_quote = on", "SELECT pg_catalog.set_config($$standard_conforming_strings$$, $$off$$, true)",
			"SET session_replication_role = replica",
		} {
			w.refused(s)
		}
		w.exec("UPDATE users SET note = 'a\\', ssn = {M} WHERE id = 1")
		w.equal(w.value("SELECT note FROM users WHERE id = 1"), `a\`)
	}},
	{"another role's defaults for strings are noticed", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		var name string
		w.must(w.plain.QueryRow("SELECT current_database()").Scan(&name))
		w.other("ALTER DATABASE " + name + " SET standard_conforming_strings = off")
		w.db.Close()
		w.db = w.wrapped()
		w.refused("UPDATE users SET note = 'a\\', ssn = {M}", rewrite.ReasonSession)
		w.refused("UPDATE users SET ssn = {M}", rewrite.ReasonSession)
	}},
	{"a setting under which guards are shown otherwise is refused", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		w.db.SetMaxOpenConns(1)
		for _, setting := range []string{"bytea_output = 'escape'", "quote_all_identifiers = on"} {
			w.exec("SET " + setting)
			w.refused("UPDATE users SET ssn = {M}", rewrite.ReasonSession)
			w.refused("ALTER TABLE users ALTER COLUMN ssn TYPE text USING ssn::text", rewrite.ReasonSession)
			w.exec("RESET ALL")
			w.exec("UPDATE users SET ssn = {M} WHERE id = 1")
		}
	}},
	{"settings by which NULL means something else are refused", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig+"  lists:\n    columns: {a: {type: \"text[]\"}, b: {search: {equality: {collation: binary, normalize: [lower]}}}}\n", usersTable)
		w.exec("CREATE TABLE lists (id int PRIMARY KEY, a text[], b text)")
		for _, setting := range []string{"array_nulls = off", "transform_null_equals = on"} {
			w.exec("SET " + setting)
			w.refused("INSERT INTO lists (id, a) VALUES (1, '{NULL,{m}}')", rewrite.ReasonSession)
			w.refused("SELECT id FROM lists WHERE b = NULL", rewrite.ReasonSession)
			w.exec("RESET ALL")
		}
		w.exec("INSERT INTO lists (id, a) VALUES (1, '{NULL,{m}}')")
		w.equal(w.value("SELECT a FROM lists"), "{NULL,"+w.mark+"}")
	}},
	{"a schema of the search path that is made later is noticed", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable, "INSERT INTO orders (id, memo) VALUES (1, 'clear')")
		w.seed()
		w.exec("SET search_path = late, public")
		w.equal(w.value("SELECT memo FROM orders WHERE id = 1"), "clear")
		w.other("CREATE SCHEMA late")
		w.other("CREATE VIEW late.orders AS SELECT id, ssn AS memo FROM public.users")
		outlive(catalogAge)
		w.refused("UPDATE orders SET memo = upper({M}) WHERE id = 1", rewrite.ReasonComputed)
		w.exec("UPDATE orders SET memo = {M} WHERE id = 1")
		w.equal(w.value("SELECT memo FROM orders WHERE id = 1 AND true"), w.mark)
		w.equal(w.value("SELECT memo FROM public.orders"), "clear")
		w.other("CREATE SCHEMA even_later")
		w.other("CREATE TABLE even_later.kept (id int)")
		w.exec("SET search_path = not_yet, public")
		w.exec("SELECT 1 FROM orders")
		w.other("ALTER SCHEMA even_later RENAME TO not_yet")
		w.exec("INSERT INTO kept VALUES (1)")
	}},
	{"a search path that the pool's own function sets is followed", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable, "CREATE SCHEMA t1", "CREATE VIEW t1.orders AS SELECT id, ssn AS memo FROM users", "INSERT INTO orders (id, memo) VALUES (1, 'clear')")
		path := "public"
		inner := relayedPostgres(t, w.dsn, "", w.sent, stdlib.OptionResetSession(func(ctx context.Context, c *pgx.Conn) error {
			_, err := c.Exec(ctx, "SET search_path = "+path)
			return err
		}))
		c, err := postgres.Wrap(inner, w.cfg)
		w.must(err)
		w.db.Close()
		w.db = sql.OpenDB(c)
		w.db.SetMaxOpenConns(1)
		w.seed()
		w.equal(w.value("SELECT memo FROM orders WHERE id = 1"), "clear")
		path = "t1, public"
		w.exec("UPDATE orders SET memo = {M} WHERE id = 1")
		w.equal(w.value("SELECT memo FROM orders WHERE id = 1 AND true"), w.mark)
		path = "public"
		w.equal(w.value("SELECT memo FROM orders WHERE id = 1"), "clear")
	}},
	{"a search path that a function sets is followed", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig+"routines: {go_to: clear, go_through: clear, set_config: clear}\n", usersTable, ordersTable,
			"CREATE SCHEMA t1", "CREATE VIEW t1.orders AS SELECT id, ssn AS memo FROM users", "INSERT INTO orders (id, memo) VALUES (1, 'clear')",
			"CREATE FUNCTION public.go_to(p text) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''search_path'', p, false); RETURN p; END'",
			"CREATE FUNCTION public.go_through(p text) RETURNS text LANGUAGE sql AS 'SELECT public.go_to(p)'",
			"CREATE FUNCTION t1.go_through(p text) RETURNS text LANGUAGE sql AS 'SELECT public.go_to(p)'",
		)
		w.seed()
		back := "SET search_path = public"
		for _, call := range []string{
			"SELECT set_config('search_path', 't1', false)", "SELECT set_config('search_' || 'path', 't1', false)",
			"SELECT public.go_to('t1')", "SELECT go_through('t1')", "SELECT id FROM users WHERE public.go_to('t1') <> ''",
		} {
			w.exec(back)
			w.equal(w.value("SELECT memo FROM orders WHERE id = 1"), "clear")
			if _, err := rowsOf(w.db.Query(call)); err != nil {
				t.Fatalf("%s: %v", call, err)
			}
			w.exec("UPDATE orders SET memo = {M} WHERE id = 1")
			w.equal(w.value("SELECT memo FROM orders WHERE id = 1 AND true"), w.mark)
		}
		w.exec(back)
		w.exec("PREPARE away AS SELECT set_config('search_path', $1, false)")
		w.equal(w.value("SELECT memo FROM orders WHERE id = 1"), "clear")
		w.exec("EXECUTE away ('t1')")
		w.exec("UPDATE orders SET memo = {M} WHERE id = 1")
		w.exec(back)
		w.equal(w.value("SELECT memo FROM orders WHERE id = 1"), "clear")
	}},
	{"a search path that a trigger or a FETCH sets is followed", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig+"clear_tables: [peek, over]\nroutines: {go_to: clear, set_config: clear, filling: clear, steady: clear, added: clear}\ntriggers: {users_go: clear}\n", usersTable, ordersTable,
			"CREATE SCHEMA t1", "CREATE VIEW t1.orders AS SELECT id, ssn AS memo FROM users", "INSERT INTO orders (id, memo) VALUES (1, 'clear')",
			"CREATE FUNCTION public.go_to(p text) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''search_path'', p, false); RETURN p; END'",
			"CREATE FUNCTION public.going() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN SET search_path = t1; RETURN NEW; END'",
			"CREATE FUNCTION public.calling() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.go_to(''t1''); RETURN NEW; END'",
			"CREATE FUNCTION public.writing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.direct VALUES (1); RETURN NEW; END'",
			"CREATE TABLE direct (id int)", "CREATE TRIGGER t BEFORE INSERT ON direct FOR EACH ROW EXECUTE FUNCTION public.going()",
			"CREATE TABLE called (id int)", "CREATE TRIGGER t BEFORE INSERT ON called FOR EACH ROW EXECUTE FUNCTION public.calling()",
			"CREATE TABLE written (id int)", "CREATE TRIGGER t BEFORE INSERT ON written FOR EACH ROW EXECUTE FUNCTION public.writing()",
			"CREATE VIEW shown AS SELECT id FROM written",
			"CREATE TABLE late (id int)", "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.going()",
			"CREATE TABLE whole (id int) PARTITION BY RANGE (id)", "CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (9)",
			"CREATE TRIGGER t BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION public.going()",
			"CREATE TABLE master (id int PRIMARY KEY)", "CREATE TABLE detail (id int REFERENCES master ON DELETE CASCADE)", "INSERT INTO master VALUES (1)", "INSERT INTO detail VALUES (1)",
			"CREATE TRIGGER t AFTER DELETE ON detail FOR EACH ROW EXECUTE FUNCTION public.going()",
			"CREATE TABLE filled (id int, was text DEFAULT public.go_to('t1'))",
			"CREATE TABLE preset (id int, was text DEFAULT set_config('search_path', 't1', false))",
			"CREATE TABLE checked (id int CHECK (set_config('search_path', 't1', false) <> ''))",
			"CREATE VIEW peek AS SELECT set_config('search_path', 't1', false) AS was",
			"CREATE VIEW over AS SELECT * FROM peek",
			"CREATE FUNCTION public.filling() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.direct VALUES (1); RETURN 1; END'",
			"CREATE FUNCTION public.steady(p text) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM set_config(''search_path'', p, false); RETURN p; END'",
			"CREATE FUNCTION public.adding(s text, v text) RETURNS text LANGUAGE sql AS 'SELECT public.go_to(v)'", "CREATE AGGREGATE public.added (text) (SFUNC = adding, STYPE = text)",
			"CREATE TRIGGER users_go AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION public.going()",
		)
		w.seed()
		w.db.SetMaxOpenConns(1)
		back := "SET search_path = public"
		for _, s := range []string{
			"INSERT INTO direct VALUES (1)", "INSERT INTO called VALUES (1)", "INSERT INTO written VALUES (1)", "INSERT INTO shown VALUES (1)",
			"INSERT INTO late VALUES (1)", "BEGIN; INSERT INTO late VALUES (1); COMMIT", "INSERT INTO whole VALUES (1)", "WITH i AS (INSERT INTO direct VALUES (1) RETURNING id) SELECT id FROM i",
			"INSERT INTO filled (id) VALUES (1)", "DELETE FROM master", "UPDATE users SET ssn = 'x'",
			"INSERT INTO preset (id) VALUES (1)", "INSERT INTO checked VALUES (1)",
			"SELECT * FROM peek", "SELECT * FROM (SELECT id FROM users) AS u, peek",
			"SELECT * FROM over", "SELECT filling()", "SELECT steady('t1')", "SELECT added('t1')",
			"COPY (SELECT set_config('search_path', 't1', false)) TO STDOUT",
		} {
			w.exec(back)
			w.equal(w.value("SELECT memo FROM public.orders WHERE id = 1"), "clear")
			w.equal(w.value("SELECT memo FROM orders WHERE id = 1"), "clear")
			w.exec(s)
			w.exec("UPDATE orders SET memo = {M} WHERE id = 1")
			w.equal(w.value("SELECT memo FROM orders WHERE id = 1 AND true"), w.mark)
		}
		w.exec(back)
		c, err := w.db.Conn(t.Context())
		w.must(err)
		defer c.Close()
		for _, s := range []string{"BEGIN", "DECLARE c CURSOR FOR SELECT public.go_to('t1')", "SET search_path = public", "SELECT memo FROM orders WHERE id = 1", "FETCH c", "UPDATE orders SET memo = 'of t1, " + w.mark + "' WHERE id = 1", "COMMIT"} {
			_, err := c.ExecContext(t.Context(), s)
			w.must(err)
		}
	}},
	{"a search path that a deferred trigger sets is followed", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable,
			"CREATE SCHEMA t1", "CREATE VIEW t1.orders AS SELECT id, ssn AS memo FROM users", "INSERT INTO orders (id, memo) VALUES (1, 'clear')",
			"CREATE FUNCTION public.going() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN SET search_path = t1; RETURN NEW; END'",
			"CREATE TABLE late (id int)", "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.going()")
		w.seed()
		c, err := w.db.Conn(t.Context())
		w.must(err)
		defer c.Close()
		do := func(text string) error {
			_, err := c.ExecContext(t.Context(), text)
			return err
		}
		write := "UPDATE orders SET memo = 'of t1, " + w.mark + "' WHERE id = 1"
		for _, ends := range []string{"COMMIT", "END", "SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS t IMMEDIATE", "COMMIT AND CHAIN"} {
			for _, way := range []string{"one by one", "in one text", "in a batch"} {
				for _, s := range []string{"SET search_path = public", "BEGIN", "INSERT INTO late VALUES (1)"} {
					w.must(do(s))
				}
				var n string
				w.must(c.QueryRowContext(t.Context(), "SELECT memo FROM orders WHERE id = 1").Scan(&n))
				switch way {
				case "one by one":
					w.must(do(ends))
					w.must(do(write))
				case "in one text":
					if err := do(ends + "; " + write); err != nil && !errors.Is(err, sealsql.ErrRefused) {
						t.Errorf("%s %s: %v", ends, way, err)
					}
				case "in a batch":
					var b postgres.Batch
					b.Queue(ends)
					b.Queue("UPDATE orders SET memo = $1 WHERE id = 1", w.mark)
					if err := postgres.SendBatch(t.Context(), c, &b, nil); err != nil && !errors.Is(err, sealsql.ErrRefused) {
						t.Errorf("%s %s: %v", ends, way, err)
					}
				}
				_ = do("ROLLBACK")
			}
		}
	}},
	{"a search path that a type, a cast or an operator sets is followed", []engine{onPostgres}, func(t *testing.T, e engine) {
		for _, c := range []struct{ made, runs string }{
			{"CREATE DOMAIN going AS text DEFAULT set_config('search_path', 't1', false); CREATE TABLE dom (id int, was going)", "INSERT INTO dom (id) VALUES (1)"},
			{"CREATE DOMAIN going AS text CHECK (set_config('search_path', 't1', false) <> VALUE); CREATE TABLE dom (id int, was going)", "INSERT INTO dom VALUES (1, 'a')"},
			{"CREATE DOMAIN going AS text CHECK (set_config('search_path', 't1', false) <> VALUE); CREATE DOMAIN gone AS going", "SELECT 'x'::gone"},
			{"CREATE DOMAIN going AS text CHECK (public.go_to('t1') <> VALUE)", "SELECT 'x'::going"},
			{"CREATE DOMAIN going AS text CHECK (public.go_through('t1') <> VALUE); CREATE TABLE dom (id int, was going[])", "INSERT INTO dom VALUES (1, '{a}')"},
			{"CREATE OPERATOR public.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = adding)", "SELECT 'a' === 't1'"},
			{"CREATE TYPE place AS (name text); CREATE FUNCTION public.placed(p place) RETURNS text LANGUAGE sql AS 'SELECT public.go_to(''t1'')'; CREATE CAST (place AS text) WITH FUNCTION placed (place)", "SELECT ROW('t1')::place::text"},
		} {
			w := e.open(t, usersConfig+"routines: {go_to: clear, type going: clear, operator ===: clear}\n", usersTable, ordersTable,
				"CREATE SCHEMA t1", "CREATE VIEW t1.orders AS SELECT id, ssn AS memo FROM users", "INSERT INTO orders (id, memo) VALUES (1, 'clear')",
				"CREATE FUNCTION public.go_to(p text) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''search_path'', p, false); RETURN p; END'",
				"CREATE FUNCTION public.go_through(p text) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN public.go_to(p); END'",
				"CREATE FUNCTION public.adding(s text, v text) RETURNS text LANGUAGE sql AS 'SELECT public.go_to(v)'", c.made)
			w.seed()
			w.equal(w.value("SELECT memo FROM orders WHERE id = 1"), "clear")
			w.exec(c.runs)
			w.exec("UPDATE orders SET memo = {M} WHERE id = 1")
			w.equal(w.value("SELECT memo FROM orders WHERE id = 1 AND true"), w.mark)
		}
	}},
	{"a cursor over set_config is refused", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.refused("DECLARE c CURSOR FOR SELECT set_config('search_path', 't1', false)")
	}},
	{"a batch that may take names back is refused", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable, "CREATE SCHEMA t1", "CREATE VIEW t1.orders AS SELECT id, ssn AS memo FROM users")
		w.seed()
		conn, err := w.db.Conn(t.Context())
		w.must(err)
		defer conn.Close()
		for _, end := range []string{"COMMIT", "ROLLBACK TO SAVEPOINT s"} {
			for _, s := range []string{"SET search_path = t1, public", "BEGIN", "SAVEPOINT s", "SET LOCAL search_path = public"} {
				_, err = conn.ExecContext(t.Context(), s)
				w.must(err)
			}
			var b postgres.Batch
			b.Queue(end)
			b.Queue("UPDATE orders SET memo = $1 WHERE id = 1", w.mark)
			if err := postgres.SendBatch(t.Context(), conn, &b, nil); !errors.Is(err, sealsql.ErrRefused) {
				t.Errorf("%s: got %v, want a refusal", end, err)
			}
			_, err = conn.ExecContext(t.Context(), "ROLLBACK")
			w.must(err)
		}
		var b postgres.Batch
		b.Queue("BEGIN")
		b.Queue("UPDATE users SET ssn = $1 WHERE id = 1", w.mark)
		b.Queue("COMMIT")
		w.must(postgres.SendBatch(t.Context(), conn, &b, nil))
	}},
	{"a catalog that is read under such a setting is nobody else's", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, `CREATE DOMAIN sealsql_record AS bytea CONSTRAINT sealsql_guard_record CHECK (substring(VALUE FROM 1 FOR 3) = '\xF95351'::bytea)`,
			strings.Replace(usersTable, "ssn {BIN}", "ssn sealsql_record", 1))
		w.seed()
		w.db.SetMaxOpenConns(2)
		ctx := context.Background()
		odd, err := w.db.Conn(ctx)
		w.must(err)
		defer odd.Close()
		// With a catalog that does not know the domain for a guard, it would be taken away.
		retype := func(db interface {
			ExecContext(context.Context, string, ...any) (sql.Result, error)
		},
		) {
			t.Helper()
			_, err := db.ExecContext(ctx, "ALTER TABLE users ALTER COLUMN ssn TYPE text USING ssn::text")
			w.must(err)
			var kind string
			w.must(w.plain.QueryRow("SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'ssn'").Scan(&kind))
			w.equal(kind, "sealsql_record")
		}
		retype(w.db)
		_, err = odd.ExecContext(ctx, "SET bytea_output = 'escape'")
		w.must(err)
		w.exec("CREATE TABLE another (id int)") // the catalog is read anew
		var u *rewrite.UnsupportedError
		if _, err := odd.ExecContext(ctx, "UPDATE users SET note = 'x' WHERE id = 1"); !errors.As(err, &u) || u.Reason != rewrite.ReasonSession {
			t.Errorf("got %v", err)
		}
		retype(w.db)
		w.exec("CREATE TABLE a_third (id int)")
		_, err = odd.ExecContext(ctx, "UPDATE users SET note = 'x' WHERE id = 1")
		if !errors.Is(err, sealsql.ErrRefused) {
			t.Errorf("got %v", err)
		}
		_, err = odd.ExecContext(ctx, "SET bytea_output = 'hex'")
		w.must(err)
		retype(odd)
	}},
	{"NULL that the server would store as an empty value is not sent", []engine{onMySQL}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, strings.Replace(usersTable, "ssn {BIN}", "ssn {BIN} NOT NULL", 1))
		w.db.SetMaxOpenConns(1)
		w.exec("INSERT INTO users (id, ssn) VALUES (1, {M})")
		for _, mode := range []string{"SET sql_mode = DEFAULT", "SET sql_mode = ''"} {
			w.exec(mode)
			w.refused("INSERT IGNORE INTO users (id, ssn) VALUES (2, NULL), (3, {M})")
			w.refused("INSERT IGNORE INTO users (id, email) VALUES (2, {M})")
			w.refused("UPDATE IGNORE users SET ssn = NULL")
			for _, s := range []string{"INSERT IGNORE INTO users (id, ssn) VALUES (2, 'x'), (3, ?)", "UPDATE IGNORE users SET ssn = ?", "INSERT IGNORE INTO users (id, ssn) SELECT 4, COALESCE(?, NULL)"} {
				var c *sealsql.ColumnError
				if _, err := w.db.Exec(s, nil); !errors.As(err, &c) {
					t.Errorf("%s: %s: %v", mode, s, err)
				}
			}
			w.equal(w.value("SELECT count(*) FROM users WHERE ssn IS NOT NULL"), int64(1))
		}
		w.refused("UPDATE users SET ssn = NULL WHERE id = 1")
		w.refused("INSERT INTO users (id) VALUES (2)")
		w.exec("SET sql_mode = DEFAULT")
		w.exec("INSERT IGNORE INTO users (id, ssn) VALUES (2, {M})")
		w.exec("INSERT IGNORE INTO users (id, ssn) SELECT id + 10, ssn FROM users")
		w.equal(w.value("SELECT count(*) FROM users"), int64(4))
	}},
	{"another client encoding is refused", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		if _, err := w.db.Exec("SET client_encoding = 'SJIS'"); err == nil {
			w.refused("UPDATE users SET ssn = {M}", rewrite.ReasonSession)
		}
	}},
	{"backslashes are read as the session's mode has it", []engine{onMySQL, {"mysql interpolateParams", rewrite.MySQL, "interpolateParams=true"}, {"mysql multiStatements", rewrite.MySQL, "multiStatements=true"}}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		for _, set := range []string{
			"SET sql_mode = 'NO_BACKSLASH_ESCAPES'", "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')", "SET @@sql_mode = (SELECT 'NO_BACKSLASH_ESCAPES')", "SET @x = 1, sql_mode = 'NO_BACKSLASH_ESCAPES'", "SET @@session.sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'",
		} {
			w.quiet(`UPDATE users SET note = 'a\', ssn = {M}, note = '' WHERE id = 1`)
			if _, err := w.db.Exec(set); err != nil {
				t.Logf("%s: %v", set, err)
				continue
			}
			w.quiet(`UPDATE users SET note = 'a\', ssn = {M} WHERE id = 1`)
			w.quiet(`UPDATE users SET note = 'a\'', ssn = '', email = {M} WHERE id = 1`)
			w.exec("SET sql_mode = ''")
			w.quiet(`UPDATE users SET note = 'a\'', ssn = {M} WHERE id = 1`)
		}
	}},
	{"double quotes are read as the session's mode has it", []engine{onMySQL}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		w.exec("SET sql_mode = ''")
		w.exec(`UPDATE users SET ssn = "{m}" WHERE id = 1`)
		w.equal(w.value("SELECT ssn FROM users WHERE id = 1"), w.mark)
		w.exec("SET sql_mode = 'ANSI_QUOTES'")
		w.refused(`UPDATE users SET ssn = "{m}" WHERE id = 1`)
		w.exec(`UPDATE "users" SET "ssn" = {M} WHERE id = 1`)
		w.exec("SET sql_mode = 'ANSI'")
		w.exec(`UPDATE "users" SET "ssn" = {M} WHERE id = 1`)
		for _, mode := range []string{"ORACLE", "MSSQL", "DB2", "PIPES_AS_CONCAT", "IGNORE_SPACE", "HIGH_NOT_PRECEDENCE", "EMPTY_STRING_IS_NULL"} {
			if _, err := w.db.Exec("SET sql_mode = '" + mode + "'"); err == nil {
				w.quiet("UPDATE users SET ssn = {M} WHERE id = 1")
				w.refused("SELECT id FROM users WHERE NOT ssn = {M} || 'x'")
			}
		}
	}},
	{"a character set in which quotes hide is refused", []engine{onMySQL}, func(t *testing.T, e engine) {
		for _, set := range []string{"SET NAMES gbk", "SET NAMES sjis", "SET CHARACTER SET big5", "SET character_set_client = gbk", "SET @@character_set_client = 'cp932'"} {
			w := e.open(t, usersConfig, usersTable)
			w.seed()
			if _, err := w.db.Exec(set); err == nil {
				w.refused("UPDATE users SET ssn = {M} WHERE id = 1")
				w.refused("UPDATE users SET note = '\xbf\\', ssn = {M} WHERE id = 1")
			}
		}
	}},
	{"settings under which the server would change values are refused until they are set back", []engine{onMySQL}, func(t *testing.T, e engine) {
		for set, back := range map[string]string{
			"SET NAMES latin1":                         "SET NAMES utf8mb4",
			"SET character_set_client = ascii":         "SET character_set_client = DEFAULT",
			"SET character_set_results = latin1":       "SET character_set_results = utf8mb4",
			"SET sql_select_limit = 1":                 "SET sql_select_limit = DEFAULT",
			"SET @@SESSION.sql_select_limit = 0":       "SET SESSION sql_select_limit = 18446744073709551615",
			"SET sql_mode = 'EMPTY_STRING_IS_NULL'":    "SET sql_mode = ''",
			"SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'": "SET sql_mode = ''",
			"SET character_set_connection = latin1":    "SET NAMES utf8mb4",
			"SET sql_mode = 'ORACLE'":                  "SET sql_mode = 'ANSI'",
		} {
			w := e.open(t, usersConfig, usersTable)
			w.seed()
			if _, err := w.db.Exec(set); err != nil {
				continue // a mode that this server does not have
			}
			w.refused("UPDATE users SET ssn = {M} WHERE id = 1", rewrite.ReasonSession)
			w.refused("SELECT ssn FROM users", rewrite.ReasonSession)
			w.exec(back)
			w.exec("UPDATE users SET ssn = {M} WHERE id = 1")
			w.equal(w.value("SELECT ssn FROM users WHERE id = 1"), w.mark)
		}
	}},
	{"a session that reads few rows leaves nothing out of the catalog of others", []engine{onMySQL}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable, "CREATE TABLE clear (id int, n text)",
			"CREATE TRIGGER first BEFORE INSERT ON clear FOR EACH ROW SET @x = 1",
			"CREATE TRIGGER into_users BEFORE INSERT ON orders FOR EACH ROW UPDATE users SET ssn = NEW.memo")
		w.seed()
		w.exec("SET sql_select_limit = 1")
		outlive(catalogAge)
		w.refused("SELECT ssn FROM users", rewrite.ReasonSession) // after the catalog was read
		w.exec("SET sql_select_limit = DEFAULT")
		w.refused("INSERT INTO orders VALUES (1, 1, {M})")
		w.exec("UPDATE users SET ssn = {M} WHERE id = 1")
	}},
	{"a setting that a trigger or a routine leaves behind is noticed", []engine{onMySQL}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig+"routines: {leave: clear, leave_too: clear, leave_alike: clear}\ntriggers: {users_leave: clear}\n", usersTable,
			"CREATE FUNCTION leave_it() RETURNS int BEGIN SET SESSION sql_select_limit = 1; RETURN 1; END",
			"CREATE FUNCTION leave_too() RETURNS int RETURN leave_it()",
			"CREATE FUNCTION `leave`() RETURNS int BEGIN SET SESSION character_set_results = latin1; RETURN 1; END",
			"CREATE PROCEDURE leave_alike() SET SESSION character_set_results = latin1",
			"CREATE TABLE watched (id int)", "CREATE TABLE first (id int)",
			"CREATE TRIGGER watched_leave BEFORE INSERT ON watched FOR EACH ROW SET SESSION sql_select_limit = 1",
			"CREATE TRIGGER first_leave BEFORE INSERT ON first FOR EACH ROW INSERT INTO watched VALUES (1)",
			"CREATE TRIGGER users_leave BEFORE UPDATE ON users FOR EACH ROW SET NEW.note = leave_it()",
		)
		w.seed()
		w.db.SetMaxOpenConns(1)
		for _, s := range []string{"SELECT leave_too()", "SELECT `leave`()", "CALL leave_alike()", "INSERT INTO watched VALUES (1)", "INSERT INTO first VALUES (1)", "UPDATE users SET ssn = {M} WHERE id = 1"} {
			w.exec(s)
			w.refused("SELECT ssn FROM users WHERE id = 1", rewrite.ReasonSession)
			w.exec("SET sql_select_limit = DEFAULT, character_set_results = utf8mb4")
			w.exec("DO 1")
		}
	}},
	{"pipes are read as the session's mode has it", []engine{onMySQL}, func(t *testing.T, e engine) {
		w := e.open(t, searchedConfig, usersTable, "ALTER TABLE users ADD COLUMN email_bidx binary(16)")
		w.exec("INSERT INTO users (id, email, note) VALUES (1, ?, '1')", w.mark+"1")
		w.equal(w.value("SELECT count(*) FROM users WHERE email = {M} || note"), int64(1))
		w.exec("SET sql_mode = 'PIPES_AS_CONCAT'")
		w.refused("SELECT id FROM users WHERE email = {M} || note", rewrite.ReasonExpression)
		w.equal(w.value("SELECT note || 'x' FROM users"), "1x")
		w.exec("SET sql_mode = 'HIGH_NOT_PRECEDENCE'")
		w.refused("SELECT id FROM users WHERE NOT email IN ({M}, 'x')", rewrite.ReasonFunction)
	}},
	{"the catalog cannot be made writable", []engine{onSQLite}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, "CREATE VIEW uv AS SELECT id FROM users")
		w.refused("PRAGMA writable_schema = ON")
		w.refused("PRAGMA main.writable_schema(1)")
		w.refused("UPDATE sqlite_master SET sql = {M} WHERE name = 'users'")
		w.refused("INSERT INTO sqlite_schema (sql) VALUES ({M})")
	}},
}

// searchedConfig has an index.
const searchedConfig = head + `tables:
  users:
    columns: {email: {search: {equality: {collation: binary}}}}
`

// ---- T8 ----

var shapes = []threat{
	{"an INSERT without list meets a new first column", []engine{onMySQL}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.exec("INSERT INTO users VALUES (1, 'a', ?, ?, 'n')", w.mark, w.mark)
		st, err := w.db.Prepare("INSERT INTO users VALUES (?, 'a', ?, ?, 'n')")
		w.must(err)
		defer st.Close()
		_, err = st.Exec(2, w.mark, w.mark)
		w.must(err)
		w.other("ALTER TABLE users ADD COLUMN first VARCHAR(200) FIRST")
		_, err = st.Exec(3, w.mark, w.mark)
		t.Logf("prepared: %v", err)
		w.silent("prepared, after the column was added")
		w.quiet("INSERT INTO users VALUES (4, 'a', {M}, {M}, 'n')")
		outlive(catalogAge)
		w.quiet("INSERT INTO users VALUES (5, 'a', {M}, {M}, 'n')")
		w.exec("INSERT INTO users VALUES ('x', 60, 'a', {M}, NULL, 'n')")
		w.equal(w.value("SELECT ssn FROM users WHERE id = 60"), w.mark)
	}},
	{"a star meets columns of another process", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.exec("INSERT INTO users (id, tenant, ssn, email, note) VALUES (1, 'a', ?, NULL, 'n')", w.mark)
		st, err := w.db.Prepare("SELECT * FROM users")
		w.must(err)
		defer st.Close()
		check := func(when string, rows [][]any, err error) {
			t.Helper()
			if err != nil {
				if !errors.Is(err, sealsql.ErrCatalogChanged) && !errors.Is(err, sealsql.ErrRefused) && w.dialect != rewrite.Postgres {
					t.Errorf("%s: %v", when, err)
				}
				return
			}
			if len(rows) != 1 || rows[0][2] != w.mark && rows[0][3] != w.mark {
				t.Errorf("%s: %v", when, rows)
			}
		}
		rows, err := rowsOf(st.Query())
		check("before", rows, err)
		add := "ALTER TABLE users ADD COLUMN extra {TEXT}"
		if e.dialect == rewrite.MySQL {
			add += " FIRST"
		}
		w.other(add)
		for _, when := range []string{"at once", "later"} {
			rows, err = rowsOf(st.Query())
			check("prepared, "+when, rows, err)
			rows, err = rowsOf(w.db.Query("SELECT * FROM users"))
			check("direct, "+when, rows, err)
			rows, err = rowsOf(w.db.Query("SELECT u.* FROM users u"))
			check("qualified, "+when, rows, err)
			outlive(catalogAge)
		}
		// On a loaded machine the catalog may just be read again, or the server's
		// plan may be the old one once more: a typed error, then the new shape.
		for range 20 {
			if rows, err = rowsOf(w.db.Query("SELECT * FROM users")); err == nil && len(rows[0]) == 6 {
				return
			}
			check("at last", rows, err)
			outlive(catalogAge)
		}
		t.Errorf("the new column does not appear: %v, %v", rows, err)
	}},
	{"a column that another process renamed", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.seed()
		w.other("ALTER TABLE users RENAME COLUMN ssn TO ssn2")
		w.quiet("UPDATE users SET ssn = {M}")
		outlive(catalogAge)
		w.refused("UPDATE users SET ssn = {M}")
		w.refused("UPDATE users SET ssn2 = {M}")
		w.refused("INSERT INTO users (id, ssn2) VALUES (3, {M})")
	}},
	{"two columns that another process swapped", servers, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.exec("INSERT INTO users (id, ssn, email) VALUES (1, ?, 'mail')", w.mark)
		st, err := w.db.Prepare("SELECT ssn FROM users WHERE id = 1")
		w.must(err)
		defer st.Close()
		for _, s := range []string{"ALTER TABLE users RENAME COLUMN ssn TO tmp", "ALTER TABLE users RENAME COLUMN email TO ssn", "ALTER TABLE users RENAME COLUMN tmp TO email"} {
			w.other(s)
		}
		for range 3 {
			for _, q := range []func() ([][]any, error){
				func() ([][]any, error) { return rowsOf(st.Query()) },
				func() ([][]any, error) { return rowsOf(w.db.Query("SELECT ssn FROM users WHERE id = 1")) },
				func() ([][]any, error) { return rowsOf(w.db.Query("SELECT * FROM users WHERE id = 1")) },
			} {
				if rows, err := q(); err == nil {
					t.Errorf("a value of another column came back: %v", rows)
				}
			}
			outlive(catalogAge / 2)
		}
	}},
}

// ---- T9 ----

var truncation = []threat{
	{"a record that its column would cut is refused", []engine{onMySQL, {"mysql interpolateParams", rewrite.MySQL, "interpolateParams=true"}}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, "CREATE TABLE users (id INT PRIMARY KEY, tenant VARCHAR(9), ssn VARBINARY(100), email VARBINARY(100), note TEXT)")
		long := strings.Repeat(w.mark, 3)
		for _, mode := range []string{"", "STRICT_ALL_TABLES"} {
			w.exec("SET sql_mode = '" + mode + "'")
			for _, s := range []string{"INSERT IGNORE INTO users (id, ssn) VALUES (1, ?)", "INSERT INTO users (id, ssn) VALUES (1, ?)", "REPLACE INTO users (id, ssn) VALUES (1, ?)", "UPDATE IGNORE users SET ssn = ?", "INSERT INTO users (id, email) VALUES (1, 'x') ON DUPLICATE KEY UPDATE ssn = ?"} {
				w.fails(t.Context(), sealsql.ErrTooLong, s, long)
				w.fails(t.Context(), sealsql.ErrTooLong, strings.ReplaceAll(s, "?", "'"+long+"'"))
			}
		}
		w.equal(w.value("SELECT count(*) FROM users"), int64(0))
		w.exec("INSERT INTO users (id, ssn) VALUES (1, ?)", w.mark[:8])
		w.equal(w.value("SELECT ssn FROM users"), w.mark[:8])
	}},
	{"a column that another process narrowed is noticed", []engine{onMySQL}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.exec("SET sql_mode = ''")
		w.exec("INSERT INTO users (id, ssn) VALUES (1, ?)", w.mark)
		w.exec("DELETE FROM users")
		w.other("ALTER TABLE users MODIFY ssn VARBINARY(60)")
		outlive(catalogAge)
		w.fails(t.Context(), sealsql.ErrTooLong, "INSERT INTO users (id, ssn) VALUES (1, ?)", w.mark)
	}},
	{"a text column that would cut is refused", servers, func(t *testing.T, e engine) {
		w := e.open(t, head+"tables:\n  users:\n    columns: {ssn: {carrier: text}, email: encrypted}\n", "CREATE TABLE users (id INT PRIMARY KEY, tenant VARCHAR(9), ssn VARCHAR(100), email {BIN}, note TEXT)")
		w.fails(t.Context(), sealsql.ErrTooLong, "INSERT INTO users (id, ssn) VALUES (1, ?)", w.mark)
		w.exec("INSERT INTO users (id, email) VALUES (1, ?)", w.mark)
	}},
}

// ---- T10 ----

var guards = []threat{
	{"a key that would keep nothing unique is an error of the setup", all, func(t *testing.T, e engine) {
		for _, table := range []string{
			strings.Replace(usersTable, "ssn {BIN}", "ssn {BIN} UNIQUE", 1),
			strings.Replace(usersTable, "note {TEXT})", "note {TEXT}, UNIQUE (tenant, ssn))", 1),
		} {
			w := e.open(t, usersConfig, table)
			w.fails(t.Context(), sealsql.ErrSetup, "INSERT INTO users (id, ssn) VALUES (1, ?)", w.mark)
		}
	}},
	{"a table made through the driver stops plaintext", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig)
		w.exec("CREATE TABLE users (id INT PRIMARY KEY, tenant VARCHAR(40), ssn VARCHAR(40), email TEXT, note TEXT)")
		w.exec("INSERT INTO users (id, ssn, email) VALUES (1, ?, ?)", w.mark, w.mark)
		w.equal(w.value("SELECT ssn FROM users"), w.mark)
		for _, s := range []string{"UPDATE users SET ssn = 'plaintext'", "INSERT INTO users (id, email) VALUES (2, 'plaintext')", "UPDATE users SET email = ''", "UPDATE users SET ssn = 'plaintext that is longer than twenty bytes'"} {
			if _, err := w.plain.Exec(s); err == nil {
				t.Errorf("%s: not stopped", s)
			}
		}
		w.other("UPDATE users SET ssn = NULL")
		w.equal(w.value("SELECT ssn FROM users"), nil)
		w.equal(w.value("SELECT email FROM users"), w.mark)
	}},
	{"a violated guard is its own error", all, func(t *testing.T, e engine) {
		// The routine is declared clear and is not: the guard is what is left.
		w := e.open(t, usersConfig+"triggers: {forgotten: clear}\n")
		w.exec("CREATE TABLE users (id INT PRIMARY KEY, tenant VARCHAR(40), ssn VARCHAR(40), email TEXT, note VARCHAR(200))")
		w.exec("CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, memo VARCHAR(200))")
		w.exec("INSERT INTO users (id, ssn) VALUES (1, 'x')")
		switch e.dialect {
		case rewrite.Postgres:
			w.other("CREATE FUNCTION ff() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE users SET ssn = new.memo::bytea; RETURN new; END $$")
			w.other("CREATE TRIGGER forgotten AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION ff()")
		case rewrite.MySQL:
			w.other("CREATE TRIGGER forgotten AFTER INSERT ON orders FOR EACH ROW UPDATE users SET ssn = new.memo")
		default:
			w.other("CREATE TRIGGER forgotten AFTER INSERT ON orders BEGIN UPDATE users SET ssn = new.memo; END")
		}
		outlive(catalogAge)
		_, err := w.db.Exec("INSERT INTO orders (id, memo) VALUES (1, 'plaintext')")
		if !errors.Is(err, sealsql.ErrPlaintextBlocked) {
			t.Errorf("got %v", err)
		}
		if err != nil && strings.Contains(err.Error(), "plaintext'") {
			t.Errorf("the error holds the value: %v", err)
		}
	}},
}

// ---- T12 ----

var messages = []threat{
	{"no message holds a value", allModes, func(t *testing.T, e engine) {
		w := e.open(t, head+"tables:\n  users:\n    columns: {ssn: encrypted, email: {type: int}}\n", usersTable, ordersTable)
		w.exec("INSERT INTO users (id, ssn) VALUES (1, ?)", w.mark)
		for _, s := range []string{
			"SELECT id FROM users WHERE ssn = {M}", "INSERT INTO users (id, email) VALUES (2, {M})", "UPDATE users SET email = {M}", "UPDATE users SET ssn = {M} WHERE", "SELEC {M} FROM users", "UPDATE users SET ssn = {M} {M}", "INSERT INTO users (id, ssn) VALUES (1, {M})",
			"INSERT INTO users (id, ssn) VALUES (NULL, {M}), (NULL, {M})", "INSERT INTO users (ssn) VALUES ({M}, 1)", "UPDATE users SET ssn = {M}, nowhere = 1", "SELECT ssn FROM users WHERE ssn LIKE {M} ORDER BY", "UPDATE users SET ssn = {M} WHERE id = 'x' || {M} || ssn",
		} {
			w.quiet(s)
		}
		type unknown struct{ v string }
		w.eachFormWith(t.Context(), w.bind("UPDATE users SET email = ? WHERE id = 1"), []any{[]byte(w.mark)}, func(string, error) {})
		w.eachFormWith(t.Context(), w.bind("UPDATE users SET ssn = ? WHERE id = 1"), []any{unknown{w.mark}}, func(form string, err error) {
			if err == nil {
				t.Errorf("%s: a struct was stored", form)
			}
		})
		w.eachFormWith(t.Context(), w.bind("UPDATE users SET ssn = ? WHERE id = 1"), []any{w.mark, w.mark, w.mark}, func(string, error) {})
	}},
}

// ---- T30 ----

var limits = append(slices.Clone(atTheLimit), []threat{
	{"what has to begin a transaction is not behind a query of the driver's", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable, "INSERT INTO orders (id, memo) VALUES (1, 'before')")
		w.seed()
		tx, err := w.db.Begin()
		w.must(err)
		outlive(catalogAge)
		_, err = tx.Exec("set transaction isolation level serializable")
		w.must(err)
		var level string
		w.must(tx.QueryRow("SHOW transaction_isolation").Scan(&level))
		w.equal(level, "serializable")
		w.must(tx.Rollback())

		tx, err = w.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		w.must(err)
		outlive(catalogAge)
		_, err = tx.Exec("LOCK TABLE orders IN ACCESS SHARE MODE")
		w.must(err)
		w.other("UPDATE orders SET memo = 'while the lock was waited for'")
		var memo string
		w.must(tx.QueryRow("SELECT memo FROM orders").Scan(&memo))
		w.equal(memo, "while the lock was waited for")
		w.must(tx.Rollback())
	}},
	{"what says how a transaction runs does not hide whose it is", []engine{onPostgres}, func(t *testing.T, e engine) {
		w := e.open(t, head+"tables: {people: {columns: {name: {search: {equality: {collation: binary}}}}}}")
		w.exec("CREATE TABLE people (id int PRIMARY KEY, name text, kind text)")
		w.exec("INSERT INTO people (id, name) VALUES (1, {M})")
		for _, set := range []string{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SET CONSTRAINTS ALL DEFERRED"} {
			tx, err := w.db.Begin()
			w.must(err)
			_, err = tx.Exec(set)
			w.must(err)
			got, err := tx.Exec("UPDATE people SET kind = 'x' WHERE name LIKE 'canary%'")
			w.must(err)
			n, _ := got.RowsAffected()
			w.equal(n, int64(1))
			w.must(tx.Rollback())
		}
	}},
	{"literals alone make a batch of any size", all, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		var b strings.Builder
		b.WriteString("INSERT INTO users (id, ssn, email, note) VALUES ")
		const rows = 12000
		for i := range rows {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "(%d, {M}, '%d@', 'n')", i, i)
		}
		w.exec(b.String())
		w.equal(fmt.Sprint(w.value("SELECT count(email) FROM users")), fmt.Sprint(rows))
		w.equal(w.value("SELECT email FROM users WHERE id = 11999"), "11999@")
		w.equal(w.value("SELECT ssn FROM users WHERE id = 11999"), w.mark)
	}},
	{"a text of several statements stays one", []engine{{"mysql multiStatements", rewrite.MySQL, "multiStatements=true"}, {"mysql multiStatements interpolateParams", rewrite.MySQL, "multiStatements=true&interpolateParams=true"}, onSQLite, {"postgres simple_protocol", rewrite.Postgres, "simple_protocol"}}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable, ordersTable)
		w.exec("INSERT INTO orders (id, memo) VALUES (1, 'a'); INSERT INTO orders (id, memo) VALUES (2, 'b')")
		w.equal(fmt.Sprint(w.value("SELECT count(*) FROM orders")), "2")
		w.exec("INSERT INTO orders (id, memo) VALUES (3, 'a'); INSERT INTO users (id, ssn) VALUES (1, {M})")
		w.exec("UPDATE users SET note = 'n'; UPDATE users SET email = {M}")
		w.equal(fmt.Sprint(w.value("SELECT count(*) FROM orders")), "3")
		w.equal(w.value("SELECT ssn FROM users"), w.mark)
		w.equal(w.value("SELECT email FROM users"), w.mark)
		w.refused("INSERT INTO orders (id, memo) VALUES (4, 'a'); UPDATE users SET ssn = upper({M})")
		w.equal(fmt.Sprint(w.value("SELECT count(*) FROM orders")), "3")
	}},
	{"literals keep the protocol and its types", []engine{onMySQL}, func(t *testing.T, e engine) {
		w := e.open(t, usersConfig, usersTable)
		w.exec("INSERT INTO users (id, tenant, ssn, note) VALUES (1, 'a', {M}, 'n')")
		want, err := rowsOf(w.plain.Query("SELECT id, tenant, 1.5, NOW() > 0, note FROM users"))
		w.must(err)
		got, err := rowsOf(w.db.Query("SELECT id, tenant, 1.5, NOW() > 0, note FROM users"))
		w.must(err)
		w.equal(got, want)
	}},
}...)

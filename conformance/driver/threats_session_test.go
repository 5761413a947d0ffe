package drivertest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
)

// What changes a session of PostgreSQL, or its catalog, without being called by name in
// the statement or its text being told: a statement behind it, planned as before, would
// send a value in clear into a view over an encrypted column (threats T3, T6). The
// catalog's age is such that it is not read again by itself.
func TestCodeThatChangesNamesUnseenIsFollowed(t *testing.T) {
	const (
		trig   = "CREATE TABLE trig (id int)"
		does   = "CREATE TRIGGER t BEFORE INSERT ON trig FOR EACH ROW EXECUTE FUNCTION f()"
		insert = "INSERT INTO trig VALUES (1)"
		setter = "CREATE FUNCTION setter(o orders) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''search_path'', ''t1'', false); RETURN 1; END'"
		turns  = "'BEGIN DROP TABLE public.orders; CREATE VIEW public.orders AS SELECT id, ssn AS memo FROM public.users; RETURN 1; END'"
		remake = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS " + turns
	)
	for _, c := range []struct {
		name, routine string
		made          []string
		runs          string
		refused       bool
	}{
		{"BEGIN ATOMIC that is stable", "f", []string{"CREATE FUNCTION f() RETURNS text STABLE BEGIN ATOMIC SELECT set_config('search_path', 't1', false); END"}, "SELECT f()", false},
		{"BEGIN ATOMIC that calls", "f", []string{"CREATE FUNCTION f() RETURNS text STABLE BEGIN ATOMIC SELECT go_to('t1'); END"}, "SELECT f()", false},
		{"an attribute", "", []string{setter}, "SELECT o.setter FROM orders AS o", true},
		{"an attribute of a row in brackets", "", []string{setter}, "SELECT (o).setter FROM orders AS o", true},
		{"a declared attribute", "setter", []string{setter}, "SELECT o.setter FROM orders AS o", false},
		{"a declared attribute in brackets", "setter", []string{setter}, "SELECT (o).setter FROM orders AS o", false},
		{"a declared attribute that sorts", "setter", []string{setter}, "SELECT id FROM orders AS o ORDER BY o.setter", false},
		{"a declared attribute in RETURNING", "setter", []string{setter}, "INSERT INTO orders VALUES (7, 7, '7') RETURNING orders.setter", false},
		{"pg_settings in a function", "f", []string{"CREATE FUNCTION f(k text) RETURNS int LANGUAGE plpgsql AS 'BEGIN UPDATE pg_settings SET setting = ''t1'' WHERE name = k; RETURN 1; END'"}, "SELECT f('search_path')", false},
		{"pg_settings in a trigger", "", []string{"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE pg_settings SET setting = ''t1'' WHERE name = ''search'' || ''_path''; RETURN NEW; END'", trig, does}, insert, false},
		{"set_config in WHEN", "", []string{"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", trig, strings.Replace(does, "EXECUTE", "WHEN (set_config('search_path', 't1', false) <> '') EXECUTE", 1)}, insert, false},
		{"a function in WHEN", "", []string{"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", trig, strings.Replace(does, "EXECUTE", "WHEN (go_to('t1') <> '') EXECUTE", 1)}, insert, false},
		{"a text of pieces in a trigger", "", []string{"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SE'' || ''T search'' || ''_path = t1''; RETURN NEW; END'", trig, strings.Replace(does, "TRIGGER t", "TRIGGER declared", 1)}, insert, false},
		{"a definition in a function", "f", []string{remake}, "SELECT f()", false},
		{"a definition in a function that another calls", "g", []string{remake, "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT f()'"}, "SELECT g()", false},
		{"a definition in a procedure", "f", []string{"CREATE PROCEDURE f() LANGUAGE plpgsql AS " + strings.Replace(turns, "RETURN 1; ", "", 1)}, "CALL f()", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			yaml := strings.Replace(usersConfig, "max_age: 100ms", "max_age: 30s", 1) + "triggers: {declared: clear}\n"
			if c.routine != "" {
				yaml += "routines: {" + c.routine + ": clear}\n"
			}
			w := onPostgres.open(t, yaml, append([]string{
				usersTable, ordersTable, "CREATE SCHEMA t1", "CREATE VIEW t1.orders AS SELECT id, ssn AS memo FROM users", "INSERT INTO orders (id, memo) VALUES (1, 'clear')",
				"CREATE FUNCTION public.go_to(p text) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''search_path'', p, false); RETURN p; END'",
			}, c.made...)...)
			w.seed()
			w.equal(w.value("SELECT memo FROM orders WHERE id = 1"), "clear")
			if _, err := w.db.Exec(c.runs); errors.Is(err, sealsql.ErrRefused) != c.refused || err != nil && !c.refused {
				t.Fatalf("%s: %v", c.runs, err)
			}
			if c.refused {
				return
			}
			w.exec("UPDATE orders SET memo = {M} WHERE id = 1")
			w.equal(w.value("SELECT memo FROM orders WHERE id = 1 AND true"), w.mark)
		})
	}
}

package postgres_test

import (
	"bytes"
	"fmt"
	"testing"
)

// In a database with very many functions that may set, bodies are not searched for all
// their names. Functions that call one of them are known all the same.
func TestAFunctionAmongManyThatSetIsFollowed(t *testing.T) {
	f := open(t, ddl+`
CREATE SCHEMA t1;
CREATE VIEW t1.clear AS SELECT id, ssn AS n FROM users;
CREATE FUNCTION go_to(p text) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''search_path'', p, false); RETURN p; END';
CREATE FUNCTION go_through(p text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN go_to(p); END';
DO $$ BEGIN FOR i IN 1..3000 LOOP
	EXECUTE format('CREATE FUNCTION f_%s() RETURNS int LANGUAGE plpgsql AS %L', i, 'BEGIN EXECUTE ''SELECT 1''; RETURN ' || repeat('1 + ', 100) || '1; END');
END LOOP; END $$`, yaml+"routines: {go_through: clear}\n")
	ctx := t.Context()
	conn, err := f.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, s := range []string{
		"INSERT INTO users (id, ssn) VALUES (1, 'x')", "SELECT n FROM clear", "SELECT go_through('t1')", fmt.Sprintf("UPDATE clear SET n = '%s' WHERE id = 1", canary),
	} {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	var stored []byte
	if err := f.plain.QueryRow("SELECT ssn FROM users").Scan(&stored); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(stored, []byte(canary)) {
		t.Error("the value went in clear into the view that the path leads to")
	}
}

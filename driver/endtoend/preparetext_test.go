package endtoend_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
)

// TestPreparedTextsOfMySQL: PREPARE and EXECUTE as SQL give what the plain database
// gives where variables stand for clear values, and are refused where one would hold
// an encrypted value; nothing of it changes after the tables do.
func TestPreparedTextsOfMySQL(t *testing.T) {
	p := peoplePair(t, mysqlFlavour())
	p.both(t, "INSERT INTO people (id, name, note, age, clear) VALUES (2, 'Bert', 'm', 41, 'it''s'), (3, 'Carla', NULL, NULL, 'c')")
	ctx := t.Context()
	var conns [2]*sql.Conn
	for i, db := range []*sql.DB{p.plain, p.sealed} {
		c, err := db.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns[i] = c
	}
	steps := []string{
		"SET @a = 1, @b = 'c', @n = 7, @q = 'it''s'",
		"PREPARE one FROM 'SELECT id, name, note, age FROM people WHERE id = ? ORDER BY id'", "SELECT:EXECUTE one USING @a",
		"PREPARE two FROM 'SELECT * FROM people WHERE clear = ? ORDER BY id;'", "SELECT:EXECUTE two USING @b", "SELECT:EXECUTE TWO USING @q",
		"PREPARE `three` FROM 'SELECT name, ''a ''''quoted'''' text'' FROM people ORDER BY id'", "SELECT:EXECUTE three",
		"PREPARE four FROM 'INSERT INTO other (id, clear) VALUES (?, ?)'", "EXECUTE four USING @n, @b", "SELECT:EXECUTE one USING @n",
		"PREPARE five FROM 'UPDATE people SET clear = ? WHERE id = ?'", "EXECUTE five USING @q, @a",
		"PREPARE six FROM 'SELECT count(*) FROM people WHERE age IS NOT NULL AND id > ?'", "SELECT:EXECUTE six USING @a",
		"PREPARE one FROM 'SELECT clear, age FROM people WHERE id <> ? ORDER BY id'", "SELECT:EXECUTE one USING @a",
		"DEALLOCATE PREPARE two", "SELECT:EXECUTE three", "DROP PREPARE six",
	}
	for _, s := range steps {
		query, reads := strings.CutPrefix(s, "SELECT:")
		var got [2]string
		for i, c := range conns {
			var err error
			if reads {
				got[i], err = ask(ctx, c, query)
			} else {
				_, err = c.ExecContext(ctx, query)
			}
			if err != nil {
				t.Fatalf("side %d: %s: %v", i, query, err)
			}
		}
		if got[0] != got[1] {
			t.Errorf("%s: %s, plainly %s", query, got[1], got[0])
		}
	}
	refusedText(ctx, t, conns[1])
	// Names that mean something else now.
	p.both(t, "ALTER TABLE other ADD COLUMN more integer")
	for i, c := range conns {
		if _, err := c.ExecContext(ctx, "USE information_schema"); err != nil {
			t.Fatal(err)
		}
		_, err := ask(ctx, c, "EXECUTE three")
		if refused := errors.Is(err, sealsql.ErrRefused); refused != (i == 1) {
			t.Errorf("side %d: in another database: %v", i, err)
		}
	}
}

// refusedText runs what a connection may not.
func refusedText(ctx context.Context, t *testing.T, c *sql.Conn) {
	t.Helper()
	for _, s := range []string{
		"PREPARE x FROM 'INSERT INTO people (id, name) VALUES (9, ?)'", "PREPARE x FROM 'UPDATE people SET note = ?'", "PREPARE x FROM 'SELECT id FROM people WHERE name = ?'",
		"PREPARE x FROM 'SELECT id FROM people WHERE name = ''SECRET'''", "PREPARE x FROM 'INSERT INTO people (id, note) VALUES (9, ''SECRET'')'", "PREPARE x FROM 'SELECT id FROM nowhere'",
		"PREPARE x FROM @a", "PREPARE x FROM 'DROP TABLE people'", "EXECUTE nobody", "EXECUTE two USING @b", "EXECUTE one", "EXECUTE one USING @a, @b",
		"EXECUTE IMMEDIATE 'SELECT name FROM people'", "EXECUTE one USING 'SECRET'", "PREPARE x FROM 'SELECT name FROM people'; EXECUTE x",
	} {
		_, err := c.ExecContext(ctx, s)
		if !errors.Is(err, sealsql.ErrRefused) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

package endtoend_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

const oneByOneYAML = head + `metastore: memory
tables:
  HERE.people:
    columns: {ssn: {type: varchar(40)}}
`

// several are the engines with connections that take several statements in one text.
func several() []flavour {
	return []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour("multiStatements=true"), mysqlFlavour("multiStatements=true", "interpolateParams=true").named("interpolating")}
}

// TestTextsThatDefineWhatTheyUseAreExecuted: a migration makes a table and fills it in one
// text, which was refused: the statements behind were read by the names of before.
func TestTextsThatDefineWhatTheyUseAreExecuted(t *testing.T) {
	texts := []string{
		"CREATE TABLE a (id int PRIMARY KEY, v varchar(40)); CREATE INDEX a_v ON a (v)",
		"CREATE TABLE a (id int PRIMARY KEY, v varchar(40)); INSERT INTO a VALUES (1, 'x;y'); UPDATE a SET v = 'z' WHERE id = 1;",
		"-- first\nCREATE TABLE a (id int PRIMARY KEY, v varchar(40)); /* then; */ ALTER TABLE a ADD w int;\nINSERT INTO a (id, v, w) VALUES (1, 'x', 2), (2, 'y', 3)",
		"CREATE TABLE IF NOT EXISTS a (id int PRIMARY KEY, v varchar(40)); INSERT INTO a (id, v) SELECT 1, 'x'; DELETE FROM a",
		"CREATE TABLE a (id int PRIMARY KEY, v varchar(40)); CREATE VIEW va AS SELECT id FROM a; INSERT INTO a (id) SELECT count(*) FROM va",
		"BEGIN; CREATE TABLE a (id int PRIMARY KEY, v varchar(40)); INSERT INTO a VALUES (1, 'x'); COMMIT",
		"CREATE TEMPORARY TABLE b (id int); CREATE TABLE a (id int, v varchar(40)); INSERT INTO b VALUES (1); INSERT INTO a SELECT id, 'x' FROM b",
		"CREATE TABLE b (id int, v varchar(40)); INSERT INTO b VALUES (7, 'x'); ALTER TABLE b RENAME TO a; INSERT INTO a VALUES (8, 'y')",
		"CREATE TABLE a (id int PRIMARY KEY, v varchar(40)); INSERT INTO a VALUES (1, 'x'); INSERT INTO a VALUES (1, 'y'); INSERT INTO a VALUES (2, 'z')",
		"CREATE TABLE a (id int PRIMARY KEY, v varchar(40)); INSERT INTO a VALUES (1, 'x'); INSERT INTO nowhere VALUES (1, 'y')",
	}
	for _, f := range several() {
		for i, text := range texts {
			t.Run(fmt.Sprint(f.name, " ", i), func(t *testing.T) {
				p := f.open(t, oneByOneYAML)
				plain, sealed := ranAs(t, p.plain, text), ranAs(t, p.sealed, text)
				if plain != sealed {
					t.Errorf("%s:\nplain  %s\nsealed %s", text, plain, sealed)
				}
			})
		}
	}
}

// ranAs executes a text and says what came of it.
func ranAs(t *testing.T, db *sql.DB, text string) string {
	t.Helper()
	db.SetMaxOpenConns(1)
	res, err := db.Exec(text)
	if err != nil {
		_, _ = db.Exec("ROLLBACK") // of what BEGIN left
	}
	said := fmt.Sprint("error ", err != nil)
	if err == nil {
		n, err := res.RowsAffected()
		said += fmt.Sprint(", affected ", n, " ", err)
	}
	rows, err := db.Query("SELECT id, v FROM a ORDER BY id")
	if err != nil {
		return said + ", no table"
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		var v sql.NullString
		if err := rows.Scan(&id, &v); err != nil {
			t.Fatal(err)
		}
		said += fmt.Sprint(", ", id, " ", v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return said
}

// TestTextsThatDefineAnAnnotatedTableSealWhatTheyInsert: each statement is planned as if
// it came alone.
func TestTextsThatDefineAnAnnotatedTableSealWhatTheyInsert(t *testing.T) {
	for _, f := range several() {
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, oneByOneYAML)
			const text = "CREATE TABLE people (id int PRIMARY KEY, ssn varchar(40)); INSERT INTO people (id, ssn) VALUES (1, 'canary');\n"
			if _, err := p.sealed.Exec(text + "UPDATE people SET ssn = 'canary 2' WHERE id = 1"); err != nil {
				t.Fatal(err)
			}
			var ssn string
			if err := p.sealed.QueryRow("SELECT ssn FROM people").Scan(&ssn); err != nil || ssn != "canary 2" {
				t.Errorf("read %q, %v", ssn, err)
			}
			var stored []byte
			if err := p.stored(t).QueryRow("SELECT ssn FROM people").Scan(&stored); err != nil || strings.Contains(string(stored), "canary") || len(stored) < 70 {
				t.Errorf("stored %q, %v", stored, err)
			}
		})
	}
}

// TestAStatementOfATextIsRefusedAsAlone: with its place in the text, and with what
// PostgreSQL would keep of the text.
func TestAStatementOfATextIsRefusedAsAlone(t *testing.T) {
	for _, f := range several() {
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, oneByOneYAML)
			if _, err := p.sealed.Exec("CREATE TABLE people (id int PRIMARY KEY, ssn varchar(40))"); err != nil {
				t.Fatal(err)
			}
			const text = "CREATE TABLE a (id int); INSERT INTO a VALUES (1); INSERT INTO people (id, ssn) VALUES (1, lower('CANARY')); INSERT INTO a VALUES (2)"
			_, err := p.sealed.Exec(text)
			var u *rewrite.UnsupportedError
			if !errors.As(err, &u) || u.Reason != rewrite.ReasonComputed || !strings.HasPrefix(text[max(u.Pos, 0):], "lower") {
				t.Errorf("got %v", err)
			}
			n := 0
			err = p.stored(t).QueryRow("SELECT count(*) FROM a").Scan(&n)
			if atomic := f.name == "postgres"; atomic != (err != nil) || !atomic && n != 1 {
				t.Errorf("%d rows, %v", n, err)
			}
			if _, err := p.sealed.Exec("INSERT INTO people (id, ssn) VALUES (2, 'x')"); err != nil {
				t.Errorf("behind it: %v", err)
			}
		})
	}
}

// TestTextsThatAreNotSentOneByOne: what the plain driver does not take as several
// statements, or runs in other transactions than one by one.
func TestTextsThatAreNotSentOneByOne(t *testing.T) {
	const defines = "CREATE TABLE a (id int); INSERT INTO a VALUES (1)"
	for _, c := range []struct {
		f     flavour
		texts []string
		args  []any
	}{
		{mysqlFlavour(), []string{defines}, nil},
		{postgresFlavour(), []string{defines}, []any{1}},
		{postgresFlavour(), []string{
			defines + "; COMMIT; INSERT INTO a VALUES (2)", "SAVEPOINT s; " + defines, defines + "; ROLLBACK", defines + "; BEGIN",
			"BEGIN; " + defines + "; COMMIT; INSERT INTO a VALUES (2)", "BEGIN; " + defines + "; ROLLBACK",
		}, nil},
	} {
		p := c.f.open(t, oneByOneYAML)
		for _, text := range c.texts {
			if _, err := p.sealed.Exec(text, c.args...); !errors.Is(err, sealsql.ErrRefused) {
				t.Errorf("%s: %s: got %v, want a refusal", c.f.name, text, err)
			}
			if _, err := p.stored(t).Exec("SELECT count(*) FROM a"); err == nil {
				t.Errorf("%s: %s: was run", c.f.name, text)
			}
		}
	}
}

// TestATextInATransactionIsPartOfIt: and one that fails there leaves it as the server does.
func TestATextInATransactionIsPartOfIt(t *testing.T) {
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour()} { // MySQL's CREATE TABLE commits
		t.Run(f.name, func(t *testing.T) {
			p := f.open(t, oneByOneYAML)
			for _, commits := range []bool{false, true} {
				tx, err := p.sealed.BeginTx(context.Background(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.Exec("CREATE TABLE a (id int); INSERT INTO a VALUES (1)"); err != nil {
					t.Fatal(err)
				}
				end := tx.Rollback
				if commits {
					end = tx.Commit
				}
				if err := end(); err != nil {
					t.Fatal(err)
				}
				if _, err := p.stored(t).Exec("SELECT count(*) FROM a"); (err == nil) != commits {
					t.Errorf("commits %v: %v", commits, err)
				}
			}
		})
	}
}

// TestNamesOfATextMeanWhatTheStatementsInFrontMadeOfThem: a clear table's name becomes that
// of a view over the encrypted column, in the same text.
func TestNamesOfATextMeanWhatTheStatementsInFrontMadeOfThem(t *testing.T) {
	const view = "VIEW notes AS SELECT id, ssn AS note FROM people"
	texts := map[string][]string{
		"postgres": {
			"ALTER TABLE notes RENAME TO gone; CREATE " + view + "; INSERT INTO notes (id, note) VALUES (1, 'CANARY')",
			"DROP TABLE notes; CREATE " + view + "; INSERT INTO notes VALUES (1, 'CANARY')",
			"CREATE TEMP " + view + "; INSERT INTO notes (id, note) VALUES (1, 'CANARY')",
			"CREATE SCHEMA s; CREATE VIEW s.notes AS SELECT id, ssn AS note FROM people; SET search_path = s; INSERT INTO notes (id, note) VALUES (1, 'CANARY')",
			"BEGIN; DROP TABLE notes; CREATE " + view + "; INSERT INTO notes VALUES (1, 'CANARY'); COMMIT",
		},
		"mysql": {
			"RENAME TABLE notes TO gone; CREATE " + view + "; INSERT INTO notes (id, note) VALUES (1, 'CANARY')",
			"DROP TABLE notes; CREATE " + view + "; INSERT INTO notes VALUES (1, 'CANARY')",
		},
	}
	for _, f := range []flavour{postgresFlavour(), mysqlFlavour("multiStatements=true")} {
		for _, text := range texts[f.name] {
			p := f.open(t, oneByOneYAML+"guards: off\n")
			carrier := map[string]string{"mysql": "varbinary(200)", "postgres": "bytea"}[f.name]
			for _, s := range []string{"CREATE TABLE people (id int PRIMARY KEY, ssn " + carrier + ")", "CREATE TABLE notes (id int, note varchar(40))"} {
				if _, err := p.stored(t).Exec(s); err != nil {
					t.Fatal(err)
				}
			}
			_, err := p.sealed.Exec(text)
			var stored []byte
			found := p.stored(t).QueryRow("SELECT ssn FROM people").Scan(&stored)
			switch {
			case strings.Contains(string(stored), "CANARY"):
				t.Errorf("%s: %s: stored in clear", f.name, text)
			case err == nil && (found != nil || len(stored) < 70):
				t.Errorf("%s: %s: nothing sealed: %v", f.name, text, found)
			case err != nil && !errors.Is(err, sealsql.ErrRefused):
				t.Errorf("%s: %s: %v", f.name, text, err)
			}
		}
	}
}

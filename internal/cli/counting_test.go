package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
)

const countedConfig = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
guards: off
tables:
  papers:
    columns: {body: encrypted}
`

// papers makes a table of the columns and a key table.
func (b *bench) papers(columns string) {
	b.t.Helper()
	if err := os.WriteFile(b.config, []byte(countedConfig), 0o600); err != nil {
		b.t.Fatal(err)
	}
	binary := map[string]string{"sqlite": "BLOB", "postgres": "bytea", "mysql": "varbinary(400)"}[b.dialect]
	b.must("CREATE TABLE papers (" + strings.ReplaceAll(columns, "BODY", "body "+binary) + ")")
	b.command(exitOK, "metastore", "init", "--config", b.config, "--dialect", b.dialect, "--dsn", b.source)
}

// A column that may be NULL pages no table, though it be unique: rows with NULL are
// behind no value, and a count that misses records is evidence for retiring their keys.
func TestRowsWithNullInAUniqueColumnAreCounted(t *testing.T) {
	everyEngine(t, func(b *bench) {
		b.papers("a varchar(10) NOT NULL, b varchar(10) NOT NULL, ext integer UNIQUE, BODY, PRIMARY KEY (a, b)")
		db := b.encrypted()
		for i := range 20 {
			ext := fmt.Sprint(i)
			if i%2 == 0 {
				ext = "NULL"
			}
			b.exec(db, fmt.Sprintf("INSERT INTO papers (a, b, ext, body) VALUES ('x', 'k%d', %s, 'text')", i, ext))
		}
		b.has(b.keys(exitOK, "keys", "usage", "--page", "3"), `papers +body +20 `)
	})
}

// Counts of before are neither gone on with nor evidence.
func TestACountOfAnEarlierVersionIsMadeAgain(t *testing.T) {
	b := newBench(t, lives[0])
	b.papers("id integer PRIMARY KEY, BODY")
	b.exec(b.encrypted(), "INSERT INTO papers (body) VALUES ('text')")
	state := filepath.Join(t.TempDir(), "usage.json")
	b.keys(exitOK, "keys", "usage", "--state", state)
	data, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(state, bytes.Replace(data, []byte(`"version":2`), []byte(`"version":1`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	b.has(b.keys(exitFault, "keys", "usage", "--state", state), "count again")
	b.has(b.keys(exitFault, "keys", "prune", "--usage", state), "count again")
}

// SQLite pages by the collation of the column, under which a key of another collation
// may hold equal values.
func TestRowsWithKeysThatTheColumnFindsEqualAreCounted(t *testing.T) {
	b := newBench(t, lives[0])
	b.papers("id varchar(20) COLLATE NOCASE NOT NULL, BODY")
	b.must("CREATE UNIQUE INDEX papers_id ON papers (id COLLATE BINARY)")
	db := b.encrypted()
	for _, id := range []string{"a", "A", "b", "B"} {
		b.exec(db, "INSERT INTO papers (id, body) VALUES ('"+id+"', 'text')")
	}
	b.has(b.keys(exitOK, "keys", "usage", "--page", "1"), `papers +body +4 `)
}

// Keys of text come back as bytes, and with interpolateParams bytes are compared byte
// by byte, where the table is sorted by its collation.
func TestTextKeysAreComparedAsTheyAreSorted(t *testing.T) {
	for _, parameters := range []string{"", "interpolateParams=true"} {
		b := newBench(t, lives[2])
		b.source = withParameter(b.source, parameters)
		b.papers("id varchar(20) NOT NULL PRIMARY KEY, BODY")
		db := b.encrypted()
		for i := range 26 {
			c := 'a' + rune(i)
			if i%2 == 1 {
				c = 'A' + rune(i)
			}
			b.exec(db, fmt.Sprintf("INSERT INTO papers (id, body) VALUES ('%c', 'text')", c))
		}
		b.has(b.keys(exitOK, "keys", "usage", "--page", "1"), `papers +body +26 `)
	}
}

// A table with system versions holds the rows of before: to open them takes their keys.
func TestVersionsOfRowsAreCounted(t *testing.T) {
	b := newBench(t, lives[2])
	if !testenv.MariaDB(t, b.db) {
		t.Skip("MySQL has no system versions")
	}
	for _, key := range []string{", PRIMARY KEY (id)", ""} {
		b.must("DROP TABLE IF EXISTS papers")
		b.papers("id int NOT NULL, BODY" + key)
		b.must("ALTER TABLE papers ADD SYSTEM VERSIONING")
		db := b.encrypted()
		b.exec(db, "INSERT INTO papers (id, body) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
		b.exec(db, "UPDATE papers SET body = 'd' WHERE id = 1")
		b.exec(db, "UPDATE papers SET body = 'e' WHERE id = 1")
		b.exec(db, "DELETE FROM papers WHERE id = 2")
		b.has(b.keys(exitOK, "keys", "usage", "--page", "1"), `papers +body +5 `)
	}
}

// Under a limit of the session, which a data source name or the server may set, not all
// rows would be read.
func TestALimitOfTheSessionCutsNoCount(t *testing.T) {
	b := newBench(t, lives[2])
	b.papers("BODY")
	db := b.encrypted()
	for range 10 {
		b.exec(db, "INSERT INTO papers (body) VALUES ('a')")
	}
	b.source = withParameter(b.source, "sql_select_limit=3")
	out := b.keys(exitFault, "keys", "usage")
	b.has(out, "sql_select_limit")
}

// Row security hides rows from the one who counts.
func TestRowSecurityStopsACount(t *testing.T) {
	b := newBench(t, lives[1])
	b.papers("id int PRIMARY KEY, tenant varchar(10), BODY")
	b.exec(b.encrypted(), "INSERT INTO papers (id, tenant, body) VALUES (1, 'a', 'text'), (2, 'b', 'text')")
	b.must("ALTER TABLE papers ENABLE ROW LEVEL SECURITY;\nCREATE POLICY p ON papers USING (tenant = 'a');\n")
	role := fmt.Sprintf("counts_%d", time.Now().UnixNano())
	b.must("CREATE ROLE " + role + ";\nGRANT SELECT ON ALL TABLES IN SCHEMA public TO " + role + ";\n")
	t.Cleanup(func() { b.must("DROP OWNED BY " + role + ";\nDROP ROLE " + role) })
	b.has(b.keys(exitOK, "keys", "usage"), `papers +body +2 `)
	b.source = withParameter(b.source, "options=-c%20role%3D"+role)
	b.has(b.keys(exitFault, "keys", "usage"), "row security hides rows of public.papers")
}

func withParameter(dsn, parameter string) string {
	switch {
	case parameter == "":
		return dsn
	case strings.Contains(dsn, "?"):
		return dsn + "&" + parameter
	}
	return dsn + "?" + parameter
}

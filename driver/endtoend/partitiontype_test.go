package endtoend_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
)

// TestPartitionColumnsThatStoreAnotherValueAreAnErrorOfTheSetup: MySQL stores 'AA' as 'aa' in
// an ENUM, and 'ab' with zero bytes behind it in a BINARY; numbers store '07' as 7, and 1.25 as
// 1.3 or 1; a YEAR makes 2007 of 7. What was sealed for the value that was given opened for
// nobody. PostgreSQL's domains store as the type under them.
func TestPartitionColumnsThatStoreAnotherValueAreAnErrorOfTheSetup(t *testing.T) {
	type over struct{ declared, physical string }
	both := []over{
		{"text", "int"},
		{"text", "decimal(9,2)"},
		{"text", "date"},
		{"text", "json"},
		{"numeric(9,2)", "int"},
		{"numeric(9,2)", "numeric(9,1)"},
	}
	cases := map[string][]over{
		"mysql": append([]over{
			{"text", "enum('aa','bb')"},
			{"text", "set('aa','bb')"},
			{"text", "binary(8)"},
			{"text", "datetime"},
			{"text", "year"},
			{"text", "bit(8)"},
			{"bigint", "year"},
			{"bigint", "bit(8)"},
		}, both[:3]...),
		"postgres": append([]over{
			{"text", "uuid"},
			{"text", "inet"},
			{"text", "timestamptz"},
			{"text", "jsonb"},
			{"text", "bool"},
			{"text", "bit(3)"},
			{"text", "timetz(0)"},
			{"text", "interval"},
			{"text", `"char"`},
			{"text", "oid"},
			{"text", "text[]"},
			{"text", "tsvector"},
			{"text", "int4range"},
			{"text", "domain of uuid"},
			{"text", "domain of inet"},
			{"text", "domain of int"},
			{"numeric", "domain of int"},
		}, both...),
		"sqlite": {{"text", "INTEGER"}, {"text", "NUMERIC"}, {"text", "REAL"}, {"text", "STRING"}},
	}
	cases["mysql"] = append(cases["mysql"], both[4:]...)
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		for _, c := range cases[f.name] {
			if err := insertedBeside(t, f, c.declared, c.physical); !errors.Is(err, sealsql.ErrSetup) {
				t.Errorf("%s: %s over %s: got %v, want an error of the setup", f.name, c.declared, c.physical, err)
			}
		}
	}
}

// TestPartitionColumnsThatStoreWhatTheyAreGivenPass: types that hold every value of the
// declared one as it is.
func TestPartitionColumnsThatStoreWhatTheyAreGivenPass(t *testing.T) {
	both := [][3]string{
		{"text", "varchar(40)", "'7'"},
		{"varchar(40)", "text", "'7'"},
		{"numeric(9,2)", "numeric(9,2)", "7"},
		{"numeric", "numeric(9,2)", "7"},
		{"int", "smallint", "7"},
		{"uuid", "varchar(40)", "'01234567-89AB-cdef-0123-456789abcdef'"},
		{"uuid", "char(32)", "'0123456789ABcdef0123456789abcdef'"},
	}
	cases := map[string][][3]string{
		"mysql":    append([][3]string{{"text", "char(36)", "'7'"}, {"text", "varchar(9) collate utf8mb4_bin", "'7'"}}, both...),
		"postgres": append([][3]string{{"numeric(9,2)", "numeric", "7"}, {"text", "domain of text", "'7'"}, {"date", "timestamp", "'2024-01-02'"}, {"uuid", "uuid", "'01234567-89AB-cdef-0123-456789abcdef'"}}, both...),
		"sqlite":   append([][3]string{{"text", "TEXT", "'7'"}, {"text", "", "'7'"}, {"int", "INTEGER", "7"}, {"numeric", "NUMERIC", "7"}}, both...),
	}
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		for _, c := range cases[f.name] {
			if err := insertedBeside(t, f, c[0], c[1], c[2]); err != nil {
				t.Errorf("%s: %s over %s: %v", f.name, c[0], c[1], err)
			}
		}
	}
}

// insertedBeside makes a table with a partition column of the physical type and inserts a
// row through the driver, whose configuration declares another type.
func insertedBeside(t *testing.T, f flavour, declared, physical string, value ...string) error {
	t.Helper()
	p := f.open(t, head+`metastore: memory
guards: off
tables:
  HERE.docs:
    partition: {column: tenant, type: "`+declared+`"}
    columns: {body: {type: varchar(40)}}
`)
	createBeside(t, f, p, "tenant", physical)
	db := p.reopen(t)
	v := append(value, "'1'")[0]
	if _, err := db.Exec("INSERT INTO docs (id, tenant, body) VALUES (1, " + v + ", 'x')"); err != nil {
		return err
	}
	var body string
	return db.QueryRow("SELECT body FROM docs WHERE tenant = " + v).Scan(&body)
}

// createBeside makes the table, with a key of a physical type. "domain of" a type is a domain
// over a domain of it.
func createBeside(t *testing.T, f flavour, p *pair, key, physical string) {
	t.Helper()
	var statements []string
	if base, ok := strings.CutPrefix(physical, "domain of "); ok {
		statements = append(statements, "CREATE DOMAIN below AS "+base, "CREATE DOMAIN above AS below")
		physical = "above"
	}
	carrier := map[string]string{"mysql": "varbinary(200)", "postgres": "bytea", "sqlite": "blob"}[f.name]
	statements = append(statements, "CREATE TABLE docs (id int PRIMARY KEY, "+key+" "+physical+", body "+carrier+")")
	for _, s := range statements {
		if _, err := p.stored(t).Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoPartitionOrRowIsSealedForThatItsColumnStoresOtherwise: CHAR is read with blanks on
// PostgreSQL and without on MySQL; MySQL cuts and clamps what does not fit without a strict
// mode, blanks at the end of a VARCHAR in every mode, and has question marks for characters
// that a column's character set lacks; both round decimals; floats of all three round large
// integers; PostgreSQL cuts a name; MySQL fills a BINARY with zero bytes. What was sealed
// for the value that was given opened for nobody.
func TestNoPartitionOrRowIsSealedForThatItsColumnStoresOtherwise(t *testing.T) {
	type column struct{ declared, physical, stored, otherwise string }
	cases := map[string][]column{
		"mysql": {
			{"text", "char(5)", "abc", "abc "},
			{"varchar(20)", "char(5)", "abcde", "abcdef"},
			{"text", "varchar(3)", "abc", "abc "},
			{"text", "varchar(9) character set latin1", "é", "ő"},
			{"text", "varchar(40) character set latin1", "é€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ", "\u0080"},
			{"text", "varchar(9) character set utf8mb3", "ő", "😀"},
			{"text", "varchar(9) character set ascii", "e", "é"},
			{"bigint", "int", "-2147483648", "2147483648"},
			{"int", "int unsigned", "1", "-1"},
			{"int unsigned", "int", "1", "4294967295"},
			{"numeric", "numeric(5,2)", "999", "1000"},
			{"bigint", "numeric(3,0)", "999", "1000"},
			{"bigint", "char(3)", "999", "1000"},
			{"bigint", "double", "9007199254740992", "9007199254740993"},
			{"bigint", "float", "999999", "16777217"},
			{"bytes", "binary(3)", "abc", "zq"},
			{"bytes", "varbinary(3)", "abc", "abcd"},
			{"bytes", "varchar(3)", "abc", "abcd"},
		},
		"sqlite": {
			{"bigint", "REAL", "9007199254740992", "9007199254740993"},
			{"numeric", "DOUBLE PRECISION", "-9007199254740992", "-9007199254740993"},
			{"bigint", "FLOAT", "0", "9223372036854775807"},
		},
		"postgres": {
			{"text", "char(5)", "abcde", "abc"},
			{"text", "varchar(3)", "abc", "abc "},
			{"bigint", "int", "-2147483648", "2147483648"},
			{"numeric", "numeric(5,2)", "999.25", "999.255"},
			{"numeric", "numeric(5,2)", "-0.5", "1000"},
			{"bigint", "float8", "-9007199254740992", "-9007199254740993"},
			{"bigint", "real", "16777216", "16777217"},
			{"bigint", "char(5)", "12345", "1234"},
			{"numeric", "varchar(3)", "1.5", "1.55"},
			{"bytes", "varchar(3)", "abc", "zqzq"},
			{"text", "name", strings.Repeat("n", 63), strings.Repeat("ü", 32)},
			{"text", "domain of varchar(3)", "abc", "abc "},
			{"text", "domain of char(5)", "abcde", "abc"},
			{"numeric", "domain of numeric(5,2)", "999.25", "999.255"},
		},
	}
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		for _, c := range cases[f.name] {
			for _, bound := range []bool{false, true} {
				t.Run(fmt.Sprint(f.name, " ", c.declared, " over ", c.physical, " row ", bound), func(t *testing.T) {
					identifiedBy(t, f, bound, c.declared, c.physical, c.stored, c.otherwise)
				})
			}
		}
	}
}

// identifiedBy inserts beside a partition or, if bound, a row that the column stores as it
// is given, and beside one that it does not.
func identifiedBy(t *testing.T, f flavour, bound bool, declared, physical, stored, otherwise string) {
	t.Helper()
	as := "partition: {column: k, type: \"" + declared + "\"}"
	if bound {
		as = "bind_row: {column: k, type: \"" + declared + "\"}"
	}
	p := f.open(t, head+`metastore: memory
guards: off
tables:
  HERE.docs:
    `+as+`
    columns: {body: {type: varchar(40)}}
`)
	createBeside(t, f, p, "k", physical)
	db := p.reopen(t)
	for i, v := range []string{"'" + otherwise + "'", "'" + stored + "'"} {
		_, err := db.Exec(fmt.Sprintf("INSERT INTO docs (id, k, body) VALUES (%d, %s, 'x')", i, v))
		if i == 1 {
			if err != nil {
				t.Fatalf("what is stored as it is: %v", err)
			}
			continue
		}
		var c *sealsql.ColumnError
		if !errors.Is(err, sealsql.ErrValue) || !errors.As(err, &c) || c.Hint == "" || strings.Contains(err.Error(), otherwise) {
			t.Errorf("what is stored otherwise: got %v, want an error of the value, without the value", err)
		}
	}
	var body string
	if err := db.QueryRow("SELECT body FROM docs").Scan(&body); err != nil || body != "x" {
		t.Errorf("read %q, %v", body, err)
	}
}
